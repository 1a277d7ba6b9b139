# SPDX-License-Identifier: Apache-2.0
"""A kernel, or a seccomp filter that the runtime itself is under, without one of the newer system calls: the container is the
same as with it, or one line names what is missing."""

import re
import subprocess

import pytest
from harness import lacks
from scene import Scene

pytestmark = pytest.mark.knarr
ENOSYS, EPERM, EINVAL = 38, 1, 22

CALLS = '''bpf clone3 close_range execveat faccessat2 fsconfig fsmount fsopen getrandom keyctl listmount memfd_create mount_setattr
move_mount name_to_handle_at open_tree openat2 pidfd_open pidfd_send_signal pivot_root prlimit64 process_madvise renameat2 seccomp
setns statmount statx unshare waitid'''.split()

# What a line may say instead of the call: the thing that the call is for.
MEANS = {'bpf': 'device|BPF', 'keyctl': 'keyring', 'setns': 'join|namespace', 'prlimit64': 'rlimit|limit', 'seccomp': 'seccomp',
         'clone3': 'process|namespace|clone', 'unshare': 'namespace', 'pivot_root': 'root', 'waitid': 'wait|reap',
         'memfd_create': 'memfd|executable', 'statx': 'mount', 'pidfd_open': 'pidfd|process|look at init', 'faccessat2': 'exec|access',
         'openat2': 'openat2|open', 'mount_setattr': 'mount', 'move_mount': 'mount|attach|root', 'open_tree': 'mount|clone',
         'fsopen': 'mount', 'fsconfig': 'mount', 'fsmount': 'mount', 'close_range': 'descriptor', 'pidfd_send_signal': 'kill|signal'}


@pytest.fixture(scope='module', params=['plain', 'userns'])
def scene(program, tools, request):
    one = Scene(program, tools, f'{request.param}')
    one.root.mkdir(mode=0o700)
    yield one
    one.close()


def through_life(scene, *how):
    """create, start, exec, kill, delete, each under the injector; what the program saw, or the line of the first that failed."""
    def call(*words, said=False):
        done, _, _, _ = scene.inject(words, *how, said=said)
        assert done.rc != 'hang', words
        assert isinstance(done.rc, int), done
        return done
    done = call('create', '--bundle', scene.bundle, scene.id, said=True)
    if done.rc == 0:
        done = call('start', scene.id)
    seen = scene.words() if done.rc == 0 else None
    if done.rc == 0:
        done = call('exec', scene.id, '/bin/payload', 'once')
    if done.rc == 0:
        done = call('delete', '--force', scene.id)
    return seen, done


@pytest.mark.parametrize('number', [ENOSYS, EPERM])
@pytest.mark.parametrize('name', CALLS)
def test_without(scene, name, number):
    if not hasattr(scene, 'with_all'):
        scene.with_all, done = through_life(scene, '--trace')
        assert done.rc == 0, done
    seen, done = through_life(scene, '--every', f'{name}={number}')
    lines = done.err.splitlines()
    if seen is not None and 'fs' != name[:2]:
        assert seen == scene.with_all, 'another container'
    if done.rc != 0:
        assert len(lines) == 1, lines
        assert re.search(f'{name}|{MEANS.get(name, name)}', lines[0]), lines
        assert re.search('ENOSYS|EPERM|kernel|not permitted|not implemented', lines[0]), lines
    scene('delete', '--force', scene.id)
    wrong = scene.left_behind()
    if wrong:
        scene.wipe()
    assert not wrong


@pytest.mark.parametrize('argument,what', [(35, 'PR_SET_MM'), (4, 'PR_SET_DUMPABLE'), (1, 'PR_SET_PDEATHSIG'), (36, 'PR_SET_CHILD_SUBREAPER'),
                                           (15, 'PR_SET_NAME'), (38, 'PR_SET_NO_NEW_PRIVS'), (47, 'PR_CAP_AMBIENT'), (24, 'PR_CAPBSET_DROP')])
def test_without_prctl(scene, argument, what):
    if not hasattr(scene, 'with_all'):
        scene.with_all, done = through_life(scene, '--trace')
        assert done.rc == 0, done
    seen, done = through_life(scene, '--every', f'prctl/{argument}={EINVAL}')
    if seen is not None:
        assert seen == scene.with_all, f'another container without {what}'
    # That with a user namespace has the filter put in force by privileges instead (scene.py).
    if what == 'PR_CAPBSET_DROP' or (what == 'PR_SET_NO_NEW_PRIVS' and scene.variant == 'plain'):
        assert done.rc != 0 and len(done.err.splitlines()) == 1, done
    elif what == 'PR_SET_NO_NEW_PRIVS':
        assert done.rc == 0, done
    scene('delete', '--force', scene.id)
    wrong = scene.left_behind()
    if wrong:
        scene.wipe()
    assert not wrong


def test_the_injector_hits(scene):
    """The test of the test: a call that is certainly made, and one that is not."""
    done, _, _, _ = scene.inject(('state', 'x'), '--every', f'execve={ENOSYS}')
    assert done.rc == 1 and 'does not exist' in done.err
    done, _, _, _ = scene.inject(('create', '--bundle', scene.bundle, scene.id), '--every', f'mkdirat={EPERM}')
    assert done.rc == 1 and 'EPERM' in done.err
    assert not scene.left_behind()


@pytest.mark.parametrize('level', ['1', '2'])
def test_memory_files_that_may_not_be_executed(container, level):
    """vm.memfd_noexec, which each pid namespace has of its own: without such files the host's executable could be reached from
    inside, so what would enter a container is refused."""
    c = container(['readlink', '/proc/self/exe'])
    c.bundle.save()
    script = f'echo {level} >/proc/sys/vm/memfd_noexec 2>/dev/null || exit 77; "$@"'
    done = subprocess.run(['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh',
                           *c.runtime.command('run', '--bundle', c.bundle.path, c.id)], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 77:
        lacks('vm.memfd_noexec')
    if level == '1':
        assert (done.returncode, done.stderr) == (0, ''), done
    else:
        assert (done.returncode, done.stdout) == (1, ''), done
        assert done.stderr == ('knarr: make a sealed copy of the executable: Permission denied (EACCES) '
                               '(sysctl vm.memfd_noexec=2 forbids it; 1 does not)\n')
    assert c.runtime('state', c.id).rc == 1
