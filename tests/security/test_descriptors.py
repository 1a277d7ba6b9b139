# SPDX-License-Identifier: Apache-2.0
"""R17 to R22: descriptors, working directories, executables and ptrace windows that lead out."""

import hashlib
import os
import stat
import subprocess
import time

import pytest

from attack import add_mount, give_capabilities, put, refused, with_user_namespace, without_namespace, writable
from harness import PATIENCE, status_of, wait_until

SECRET = 'of-the-caller'


# ---- descriptors ----------------------------------------------------------------------------------


def leaky(command, **keywords):
    """Runs a command with directories of the host open, as a careless caller would."""
    script = 'exec 9</ 11</etc 12</proc 13<. ; exec "$@"'
    return subprocess.run(['bash', '-c', script, 'sh', *map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=False, **keywords)


def numbers(text):
    return [line.split()[0] for line in text.splitlines()]


@pytest.mark.recipe('R17', 'CVE-2015-3627', 'CVE-2024-21626')
def test_callers_descriptors_stay_outside(container, programs):
    c = put(container(['/bin/probe', 'fds']), programs, 'probe')
    c.bundle.save()
    done = leaky(c.runtime.command('run', '--bundle', c.bundle.path, c.id))
    assert done.returncode == 0, done
    assert numbers(done.stdout) == ['0', '1', '2'], done.stdout


@pytest.mark.recipe('R17', 'CVE-2016-9962')
def test_callers_descriptors_stay_outside_of_exec(container, programs):
    c = put(container(), programs, 'probe').up()
    done = leaky(c.runtime.command('exec', c.id, '/bin/probe', 'fds'))
    assert done.returncode == 0, done
    assert numbers(done.stdout) == ['0', '1', '2'], done.stdout


@pytest.mark.recipe('R17')
@pytest.mark.parametrize('verb', ['run', 'exec'])
def test_preserved_descriptors_are_exactly_those(container, programs, workdir, verb):
    (workdir / 'given').write_text('')
    c = put(container(['/bin/probe', 'fds'] if verb == 'run' else ['sleep', '100']), programs, 'probe')
    if verb == 'exec':
        c.up()
        command = c.runtime.command('exec', '--preserve-fds', '1', c.id, '/bin/probe', 'fds')
    else:
        c.bundle.save()
        command = c.runtime.command('run', '--preserve-fds', '1', '--bundle', c.bundle.path, c.id)
    done = leaky(['sh', '-c', 'exec "$@" 3<"$0"', workdir / 'given', *command])
    assert numbers(done.stdout) == ['0', '1', '2', '3'], done


@pytest.mark.recipe('R22', 'CVE-2024-21626')
@pytest.mark.parametrize('user', [False, True])
def test_created_container_holds_no_directory(container, user):
    """While it waits for start: stdio, one gate, at most a sealed memory file; nothing of the host."""
    c = container()
    if user:
        with_user_namespace(c)
    c.create()
    pid = c.pid
    if c.runtime.is_knarr:
        wait_until(lambda: len(os.listdir(f'/proc/{pid}/fd')) == 4, 'init has closed its end of what it talked with create by')
    found = {}
    for name in os.listdir(f'/proc/{pid}/fd'):
        path = f'/proc/{pid}/fd/{name}'
        found[int(name)] = (os.readlink(path), stat.S_IFMT(os.stat(path).st_mode))
    directories = {fd: what for fd, what in found.items() if what[1] == stat.S_IFDIR}
    assert not directories, directories
    beyond = {fd: what[0] for fd, what in found.items() if fd > 2}
    if c.runtime.is_knarr:
        assert len(beyond) == 1 and list(beyond.values())[0].startswith('socket:'), beyond
    else:
        # crun's and runc's own: a FIFO to wait at, a memory file of themselves, kernel objects.
        strangers = [link for link in beyond.values() if link.startswith('/') and 'exec.fifo' not in link and 'memfd' not in link]
        assert not strangers, beyond


@pytest.mark.recipe('R22')
def test_running_container_holds_stdio_only(container):
    c = container().up()
    assert sorted(os.listdir(f'/proc/{c.pid}/fd'), key=int) == ['0', '1', '2']


# ---- the working directory ------------------------------------------------------------------------


ESCAPES = [f'/proc/self/fd/{number}' for number in range(3, 16)]
JUMPS = ['/proc/self/cwd', '/proc/1/cwd', '/proc/thread-self/fd/9', '/proc/self/root', '/proc/self/fd/9/../../..', '/jump', '/jump/etc']


def sees(mark):
    return ['/bin/probe', 'where', str(mark)]


@pytest.mark.recipe('R18', 'CVE-2024-21626')
@pytest.mark.parametrize('cwd', ESCAPES + JUMPS)
def test_cwd_through_a_descriptor(container, programs, mark, cwd):
    c = put(writable(container(sees(mark), cwd=cwd)), programs, 'probe')
    (c.rootfs / 'jump').symlink_to('/proc/self/fd/9')
    c.bundle.save()
    done = leaky(c.runtime.command('run', '--bundle', c.bundle.path, c.id))
    assert 'escape' not in done.stdout, done
    if c.runtime.is_knarr and 'fd/' in cwd and '..' not in cwd:
        assert done.returncode != 0, done


@pytest.mark.recipe('R18', 'CVE-2024-21626')
@pytest.mark.parametrize('cwd', [ESCAPES[0], '/proc/self/fd/7', '/proc/self/fd/9', *JUMPS])
def test_cwd_of_exec_through_a_descriptor(container, programs, mark, cwd):
    c = put(writable(container()), programs, 'probe')
    (c.rootfs / 'jump').symlink_to('/proc/self/fd/9')
    c.up()
    done = leaky(c.runtime.command('exec', '--cwd', cwd, c.id, *sees(mark)))
    assert 'escape' not in done.stdout, done
    if c.runtime.is_knarr and 'fd/' in cwd and '..' not in cwd:
        assert done.returncode != 0, done


@pytest.mark.recipe('R18')
def test_cwd_that_is_removed_before_start(container, programs, mark):
    c = put(writable(container(sees(mark), cwd='/tmp/there')), programs, 'probe')
    c.create()
    (c.rootfs / 'tmp/there').rmdir()
    c.runtime('start', c.id)
    c.wait_stopped()
    assert 'escape' not in c.read_out()


# ---- hunters --------------------------------------------------------------------------------------


def judge(lines, runtime, stopped, caps):
    """What a hunter may have seen of processes that were not its container's yet."""
    wrong = []
    for line in lines:
        word, _, rest = line.partition(' ')
        if word in ('outside', 'exe-host', 'exe-write', 'stolen', 'memory-caps', 'directory'):
            wrong.append(line)
        if word == 'environ' and SECRET in rest:
            wrong.append(line)
    return wrong


def hunt(c, rounds, usual, call):
    """Has the hunter of a running container watch as many calls, and more until it has caught one in time; its findings."""
    c.wait_out('ready')
    end = time.monotonic() + PATIENCE
    while rounds.more(usual) or ('watching' not in c.read_out() and time.monotonic() < end):
        call()
    (c.rootfs / 'tmp/stop').touch()
    c.wait_out('watched')
    lines = c.read_out().splitlines()
    watched = int(lines[-1].split()[1])
    return lines[1:-1], watched


def checksum(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


CASES = {
    'plain': ((), False),
    'ptrace': (('SYS_PTRACE', 'KILL', 'DAC_OVERRIDE', 'DAC_READ_SEARCH'), False),
    'filter': (('SYS_PTRACE', 'KILL', 'DAC_OVERRIDE', 'DAC_READ_SEARCH'), False),
    'user': (('SYS_PTRACE', 'SYS_ADMIN', 'KILL', 'DAC_OVERRIDE', 'DAC_READ_SEARCH'), True),
}


@pytest.mark.recipe('R19 R21', 'CVE-2016-9962', 'CVE-2016-8649', 'CVE-2019-5736', 'CVE-2022-0847', 'CVE-2024-21626')
@pytest.mark.parametrize('stop', ['running', 'stop'])
@pytest.mark.parametrize('case', CASES)
def test_hunter_of_exec(container, programs, rounds, case, stop):
    """A container that may trace, signal and read everything in it looks at each exec from its first moment; with
    "stop" it stops the process there by a signal. It must find no way out, no privileges, nothing of the caller's."""
    capabilities, user = CASES[case]
    c = put(writable(container(['/bin/hunter', '3600', stop])), programs, 'hunter')
    give_capabilities(c, *capabilities)
    if user:
        with_user_namespace(c)
    if case == 'filter':
        # Which takes CAP_SYS_ADMIN to be installed, without no_new_privs.
        c.config['process']['noNewPrivileges'] = False
        c.config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['swapon'], 'action': 'SCMP_ACT_ERRNO'}]}
    before = checksum(c.runtime.path)
    c.up()
    environment = {**os.environ, 'HUNTED': SECRET}

    def call():
        done = c.runtime('exec', c.id, 'true', env=environment, timeout=60)
        assert done.rc == 0, done

    lines, watched = hunt(c, rounds, 40, call)
    assert checksum(c.runtime.path) == before
    assert watched > 0, 'the hunter never caught a process of the runtime'
    assert not judge(lines, c.runtime, stop, capabilities), lines


@pytest.mark.recipe('R19', 'CVE-2016-9962')
def test_hunter_of_exec_with_a_terminal(container, programs, rounds, workdir):
    """The terminal of the caller is the host's: a process in the container must not have it, for a moment even."""
    c = put(writable(container(['/bin/hunter', '3600', 'stop'])), programs, 'hunter')
    give_capabilities(c, *CASES['ptrace'][0])
    c.up()
    line = ' '.join(map(str, c.runtime.command('exec', '-t', c.id, 'true')))

    def call():
        done = subprocess.run(['script', '-qec', f'tty; {line}', '/dev/null'], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done

    lines, watched = hunt(c, rounds, 10, call)
    assert watched > 0, 'the hunter never caught a process of the runtime'
    assert not judge(lines, c.runtime, 'stop', ()), lines
    # A terminal of the container's own devpts: the host's is another filesystem, of a path that is not to be resolved here.
    assert not [entry for entry in lines if entry.startswith('fd /dev/pts/') and not entry.startswith('fd /dev/pts/0')], lines


@pytest.mark.recipe('R19 R21', 'CVE-2016-9962', 'CVE-2019-5736')
@pytest.mark.parametrize('stop', ['running', 'stop'])
@pytest.mark.parametrize('case', ['plain', 'user'])
def test_hunter_of_create(container, programs, rounds, case, stop):
    """A pod shares its pid namespace: who is in it already looks at the init of each further container. In a user namespace it may
    trace; with CAP_SYS_PTRACE in the host's there is no way to keep it out (SECURITY.md)."""
    capabilities, user = CASES[case]
    c = put(writable(container(['/bin/hunter', '3600', stop])), programs, 'hunter')
    give_capabilities(c, *capabilities)
    other = container(['true'])
    if user:
        with_user_namespace(c)
        with_user_namespace(other)
    other.config['root']['path'] = str(c.rootfs)  # so that its program is known for what it is
    c.up()
    shared = ['pid', 'user'] if user else ['pid']
    for namespace in other.config['linux']['namespaces']:
        if namespace['type'] in shared:
            namespace['path'] = f'/proc/{c.pid}/ns/{namespace["type"]}'
    before = checksum(c.runtime.path)
    environment = {**os.environ, 'HUNTED': SECRET}

    def call():
        done = other.run(env=environment, timeout=60)
        assert done.rc == 0, done

    lines, watched = hunt(c, rounds, 30, call)
    assert checksum(c.runtime.path) == before
    assert watched > 0, 'the hunter never caught a process of the runtime'
    assert not judge(lines, c.runtime, stop, capabilities), lines


# ---- the executable -------------------------------------------------------------------------------


def inode_of(path):
    st = os.stat(path)
    return f'{st.st_dev}:{st.st_ino}'


@pytest.mark.recipe('R20', 'CVE-2019-5736')
@pytest.mark.parametrize('how', ['direct', 'script', 'link', 'exec', 'exec-link', 'exec-script'])
def test_payload_is_never_the_hosts_executable(container, programs, how):
    """The container asks the runtime to execute /proc/self/exe: itself. What runs, if anything, is not the host's file."""
    c = put(writable(container()), programs, 'probe')
    (c.rootfs / 'bin/itself-link').symlink_to('/proc/self/exe')
    (c.rootfs / 'bin/itself-script').write_text('#!/proc/self/exe\n')
    (c.rootfs / 'bin/itself-script').chmod(0o755)
    name = {'direct': '/proc/self/exe', 'script': '/bin/itself-script', 'link': '/bin/itself-link'}[how.removeprefix('exec-') if '-' in how else
                                                                                   {'exec': 'direct'}.get(how, how)]
    before = checksum(c.runtime.path), inode_of(c.runtime.path)
    if how.startswith('exec'):
        c.up()
        done = c.runtime('exec', c.id, name, '--version')
    else:
        c.config['process']['args'] = [name, '--version']
        done = c.run()
    if c.runtime.is_knarr:
        assert done.rc != 0, f'the runtime executed itself for the container: {done}'
    assert (checksum(c.runtime.path), inode_of(c.runtime.path)) == before


@pytest.mark.recipe('R20', 'CVE-2019-5736')
@pytest.mark.parametrize('user', [False, True])
def test_executable_of_the_created_is_not_the_hosts(container, user):
    """From the host's side: what /proc/PID/exe of the waiting init is."""
    c = container()
    if user:
        with_user_namespace(c)
    c.create()
    st = os.stat(f'/proc/{c.pid}/exe')
    assert (st.st_dev, st.st_ino) != (os.stat(c.runtime.path).st_dev, os.stat(c.runtime.path).st_ino), os.readlink(f'/proc/{c.pid}/exe')


@pytest.mark.recipe('R21')
@pytest.mark.knarr
def test_created_is_not_dumpable(container):
    """Its files in /proc belong to root of the host, not to its own user: it may not be traced without privileges over the host."""
    c = with_user_namespace(container(user={'uid': 1000, 'gid': 1000})).create()
    assert status_of(c.pid)['Uid'].split()[0] == '101000'
    assert os.stat(f'/proc/{c.pid}/environ').st_uid == 0


@pytest.mark.recipe('R38')
def test_environment_has_no_meaning_for_the_runtime(container, workdir):
    """Neither the loader's variables nor internals of runtimes change what it does."""
    evil = {'LD_PRELOAD': str(workdir / 'evil.so'), 'LD_LIBRARY_PATH': str(workdir), '_LIBCONTAINER_INITPIPE': '3', '_LIBCONTAINER_INITTYPE': 'standard',
            '_KNARR_SEALED': '1', 'GCONV_PATH': str(workdir), 'MALLOC_CHECK_': '3'}
    plain = container(['sh', '-c', 'env | sort']).run()
    done = container(['sh', '-c', 'env | sort']).run(env={**os.environ, **evil})
    words = [line for line in done.err.splitlines() if 'ld.so' not in line]
    assert (done.rc, done.out, words) == (0, plain.out, []), done
