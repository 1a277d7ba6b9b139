# SPDX-License-Identifier: Apache-2.0
"""A host that is short of something: the container comes to be, or one line says of what, and nothing is left."""

import os
import re
import resource
import subprocess

import pytest
from harness import controller_file, lacks, need_controller, reap, view

pytestmark = pytest.mark.knarr
KIB, MIB = 1 << 10, 1 << 20


def comes_or_says(c, text, preexec=None, verb='create'):
    """Whether it came to be; the line must match if not."""
    c.bundle.save()
    done = c.runtime(verb, *(['--detach'] if verb == 'run' else []), '--bundle', c.bundle.path, c.id, preexec=preexec)
    if done.rc == 0:
        return True
    assert done.rc == 1 and done.err.count('\n') == 1 and re.search(text, done.err), done
    assert c.runtime('state', c.id).rc == 1
    assert not os.path.exists(c.runtime.root / c.id)
    reap()
    return False


# ---- memory ----


@pytest.mark.parametrize('limit', [128 * KIB, 256 * KIB, 512 * KIB, 768 * KIB, MIB, 2 * MIB, 4 * MIB, 8 * MIB])
def test_memory(container, limit):
    """A create that dies of its limit says so, by name and number."""
    need_controller('memory')
    c = container(['true'])
    c.config['linux'].setdefault('resources', {})['memory'] = {'limit': limit}
    made = comes_or_says(c, rf'killed by the container.s memory limit of {limit} bytes|ENOMEM|memory limit')
    if limit >= 2 * MIB:
        assert made, 'what is promised to be enough is not'
    if made:
        c.runtime.ok('start', c.id)
        c.wait_stopped()
        c.delete()


def test_memory_of_a_running_one(container):
    """The program that dies of it is the container's affair; the state says stopped."""
    need_controller('memory')
    c = container(['sh', '-c', 'x=a; while :; do x=$x$x$x; done'])
    c.config['linux'].setdefault('resources', {})['memory'] = {'limit': 8 * MIB, 'swap': 8 * MIB}
    if view() != 'v2' and not controller_file('self', 'memory', 'memory.memsw.limit_in_bytes', '').exists():
        c.config['linux']['resources']['memory'].pop('swap')
    done = c.run()
    assert done.rc in (137, 1, 2), done  # killed, or told by its own allocator
    assert not os.path.exists(c.runtime.root / c.id)


# ---- pids ----


@pytest.mark.parametrize('limit', [1, 2, 3, 8])
def test_pids(container, limit):
    need_controller('pids')
    c = container()
    c.config['linux'].setdefault('resources', {})['pids'] = {'limit': limit}
    assert comes_or_says(c, 'EAGAIN')
    c.start()
    done = c.runtime('exec', c.id, 'true')
    if limit < 2:
        assert done.rc == 255 and done.err.count('\n') == 1 and 'EAGAIN' in done.err, done
    elif limit >= 8:
        assert done.rc == 0, done
    else:
        assert done.rc == 0 or 'EAGAIN' in done.err and done.err.count('\n') == 1, done
    assert c.status == 'running'


def test_pids_of_the_caller(container):
    """The cgroup that the runtime is called in is full."""
    need_controller('pids')
    c = container()
    c.bundle.save()
    path = controller_file('self', 'pids', 'cgroup.procs', 'cgroup.procs').parent / f'{c.id}-caller'
    path.mkdir()
    try:
        (path / 'pids.max').write_text('1')

        def enter():
            (path / ('tasks' if view() != 'v2' else 'cgroup.procs')).write_text(str(os.getpid()))
        if not comes_or_says(c, 'EAGAIN|Resource temporarily unavailable', preexec=enter):
            return
        assert c.status == 'created'
    finally:
        path.rmdir()


# ---- limits of the calling process ----


def limited(name, value):
    def apply():
        resource.setrlimit(getattr(resource, name), (value, value))
    return apply


@pytest.mark.parametrize('count', [*range(3, 16), 20, 24, 32, 64])
@pytest.mark.parametrize('verb', ['create', 'run'])
def test_few_descriptors(container, verb, count):
    c = container()
    c.config['process'].pop('rlimits', None)
    made = comes_or_says(c, r'EMFILE|Too many open files', preexec=limited('RLIMIT_NOFILE', count), verb=verb)
    assert made or count < 64
    for words in (('state', c.id), ('list',), ('kill', c.id, '0'), ('delete', '--force', c.id)):
        done = c.runtime(*words, preexec=limited('RLIMIT_NOFILE', count))
        lines = done.err.count('\n')
        assert done.rc == 0 and lines == 0 or done.rc == 1 and lines == 1, (words, done)
    c.runtime.ok('delete', '--force', c.id)


@pytest.mark.parametrize('size', [0, 1, 64, 512, 4096, 65536])
def test_small_files(container, size):
    """RLIMIT_FSIZE, with the signal that comes with it."""
    c = container()
    c.bundle.save()
    with open(os.devnull, 'rb+') as null:
        # Standard error is a pipe: as a file it would be limited, too.
        command = subprocess.Popen(c.runtime.command('create', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=limited('RLIMIT_FSIZE', size))
    rc = command.wait(30)
    if rc != 0:
        err = command.stderr.read()
        assert rc == 1 and err.count('\n') == 1 and 'File too large (EFBIG)' in err, (rc, err)
        assert not os.path.exists(c.runtime.root / c.id)
    command.stderr.close()
    c.runtime.ok('delete', '--force', c.id)


@pytest.mark.parametrize('size', [1 * MIB, 2 * MIB, 3 * MIB, 4 * MIB, 6 * MIB, 8 * MIB, 16 * MIB, 64 * MIB])
@pytest.mark.parametrize('name', ['RLIMIT_AS', 'RLIMIT_DATA'])
def test_small_address_space(container, name, size):
    """Allocations fail where the C library can get no more. Below what the program itself takes there is no program."""
    c = container()
    c.config['process'].pop('rlimits', None)
    c.bundle.save()
    done = c.runtime('create', '--bundle', c.bundle.path, c.id, preexec=limited(name, size))
    if done.rc in (-11, -9, 127) and size <= 2 * MIB:
        reap()
        return
    lines = done.err.count('\n')
    assert done.rc == 0 and lines == 0 or done.rc == 1 and lines == 1 and re.search('ENOMEM|Cannot allocate|no memory', done.err), done
    c.runtime.ok('delete', '--force', c.id)


def test_small_stack(container):
    c = container()
    c.bundle.save()
    done = c.runtime('create', '--bundle', c.bundle.path, c.id, preexec=limited('RLIMIT_STACK', 256 * KIB))
    assert done.rc == 0, done


@pytest.mark.parametrize('kind, flags', [
    *((kind, ()) for kind in ('mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user')),
    ('net', ('--net',)),  # whose caller may come back to its own, and makes the container's in another way
])
def test_no_more_namespaces(container, kind, flags):
    """user.max_*_namespaces, of a user namespace that the runtime is called in."""
    path = f'/proc/sys/user/max_{kind}_namespaces'
    if not os.path.exists(path):
        lacks(f'{path}')
    c = container()
    names = {'mnt': 'mount', 'net': 'network'}
    wanted = names.get(kind, kind)
    if not any(entry['type'] == wanted for entry in c.config['linux']['namespaces']):
        c.config['linux']['namespaces'].append({'type': wanted})
    if kind == 'user':
        c.config['linux']['uidMappings'] = c.config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 1}]
    c.config['process'].pop('rlimits', None)
    c.config['linux'].pop('resources', None)
    c.bundle.save()
    words = ' '.join(map(str, c.runtime.command('create', '--bundle', c.bundle.path, c.id)))
    done = subprocess.run(['unshare', '--user', '--map-root-user', '--mount', *flags, 'sh', '-c', f'echo 0 > {path}; exec {words}'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 1 and done.stderr.count('\n') == 1, done
    assert re.search(r'ENOSPC|EPERM|EUSERS|EACCES', done.stderr), done
    reap()
    c.runtime.ok('delete', '--force', c.id)
