# SPDX-License-Identifier: Apache-2.0
"""Commands as engines give them: their words, surroundings, consoles and pipes."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import termios
import time
from pathlib import Path

import pytest
from harness import PATIENCE, cgroup_hierarchies, cgroups_of, status_of, view, wait_until
from test_terminal import console_socket, read_until, receive_master, set_size

F_SETPIPE_SZ = 1031


@pytest.fixture
def process_file(workdir):
    """A function: the path of a process, as engines write it."""
    def make(args, **fields):
        path = workdir / f'process{time.monotonic_ns()}.json'
        path.write_text(json.dumps({'cwd': '/', 'env': ['PATH=/bin', 'TERM=xterm'], 'args': args, 'user': {'uid': 0, 'gid': 0}, **fields}))
        return path
    return make


# ---- exec ---------------------------------------------------------------------------------------

def test_exec_as_conmon_does(container, workdir, process_file):
    """Detached with a terminal: the master comes over the socket, the runtime's output has its end at once."""
    c = container().up()
    path = process_file(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && stty size; read line; echo got $line; exit 7'], terminal=True,
                        consoleSize={'height': 31, 'width': 97})
    with console_socket(workdir / 's') as server:
        done = subprocess.run(c.runtime.command('exec', '--pid-file', workdir / 'pid', '--process', path, '--detach', '--tty',
                                                '--console-socket', workdir / 's', c.id),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stdout) == (0, b''), done
        master = receive_master(server)
    try:
        read_until(master, b'31 97')
        os.write(master, b'typed\n')
        read_until(master, b'got typed')
        _, status = os.waitpid(int((workdir / 'pid').read_text()), 0)
        assert os.waitstatus_to_exitcode(status) == 7
    finally:
        os.close(master)


@pytest.mark.knarr
def test_exec_terminal_of_the_process_file_decides(container, workdir, process_file):
    """--tty, which conmon gives or not, must not contradict it."""
    c = container().up()
    path = process_file(['sh', '-c', 'test -t 0 || echo none'], terminal=False)
    assert c.runtime('exec', '--tty', '--process', path, c.id) == (0, 'none\n', '')
    path = process_file(['true'], terminal=True)
    c.runtime.fails('exec', '--detach', '--process', path, c.id, rc=255,
                    text='cannot allocate tty if .* will detach without setting console socket')
    with console_socket(workdir / 's'):
        for words in (['--detach', '--process', process_file(['true'])], ['--process', path]):
            c.runtime.fails('exec', '--console-socket', workdir / 's', *words, c.id, rc=255,
                            text='cannot use console socket if .* will not detach or allocate tty')


def test_exec_in_the_foreground_with_a_terminal_of_the_file(container, process_file):
    """CRI-O's streaming: a pty's slave is the standard streams; size, its changes and the exit status go through."""
    c = container().up()
    path = process_file(['sh', '-c', 'stty size; trap "stty size" WINCH; echo ready; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 9'],
                        terminal=True)
    master, slave = pty.openpty()
    set_size(slave, 24, 80)
    process = subprocess.Popen(c.runtime.command('exec', '--process', path, c.id), stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    try:
        assert b'24 80' in read_until(master, b'ready')
        set_size(master, 50, 120)
        read_until(master, b'50 120')
        (c.rootfs / 'tmp/end').write_text('')
        assert process.wait(PATIENCE) == 9
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


@pytest.mark.knarr
def test_exec_pidfd_socket(container, workdir):
    c = container().up()
    with console_socket(workdir / 's') as server:
        c.runtime.ok('exec', '--detach', '--pid-file', workdir / 'pid', '--pidfd-socket', workdir / 's', c.id, 'sleep', '1000')
        pidfd = receive_master(server)
    try:
        pid = int((workdir / 'pid').read_text())
        assert f'Pid:\t{pid}\n' in Path(f'/proc/self/fdinfo/{pidfd}').read_text()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.waitpid(pid, 0)
    finally:
        os.close(pidfd)


def test_exec_streams_are_the_users(container, process_file):
    """They are the caller's pipes; who is not root can open them again all the same."""
    c = container().up()
    path = process_file(['sh', '-c', 'id -u; echo again >/dev/stdout; echo error >/dev/stderr'], user={'uid': 1000, 'gid': 1000})
    done = subprocess.run(c.runtime.command('exec', '--process', path, c.id), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '1000\nagain\n', 'error\n')


def test_exec_detached_has_the_callers_pipes(container, process_file, workdir):
    """Without a terminal they are the process's own, and nobody else keeps them when it has ended."""
    c = container().up()
    reader, writer = os.pipe()
    try:
        subprocess.run(c.runtime.command('exec', '--detach', '--pid-file', workdir / 'pid', '--process',
                                         process_file(['sh', '-c', 'echo said; exit 3']), c.id),
                       stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, timeout=PATIENCE, check=True)
        os.close(writer)
        writer = -1
        _, status = os.waitpid(int((workdir / 'pid').read_text()), 0)
        assert os.waitstatus_to_exitcode(status) == 3
        os.set_blocking(reader, False)
        assert os.read(reader, 100) == b'said\n' and os.read(reader, 100) == b''
    finally:
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)


# ---- surroundings -------------------------------------------------------------------------------

def test_the_callers_directory_is_gone(container, workdir):
    """containerd's shim calls from the bundle of the first container of a pod, which may be gone."""
    c = container()
    c.bundle.save()
    gone = workdir / 'gone'
    gone.mkdir()

    def call(*words):
        done = subprocess.run(['sh', '-c', 'mkdir -p "$1"; cd "$1"; rmdir "$1"; shift; exec "$@" </dev/null >/dev/null', 'sh', gone,
                               *c.runtime.command(*words)], stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, ''), (words, done)
    with open(os.devnull, 'rb+') as null:
        subprocess.run(['sh', '-c', 'cd "$1"; rmdir "$1"; shift; exec "$@"', 'sh', gone,
                        *c.runtime.command('create', '--bundle', c.bundle.path, '--pid-file', workdir / 'pid', c.id)],
                       stdin=null, stdout=null, stderr=null, timeout=PATIENCE, check=True)
    for words in (['start', c.id], ['state', c.id], ['pause', c.id], ['resume', c.id], ['kill', c.id, '0'],
                  ['list'], ['exec', c.id, 'true'], ['delete', '--force', c.id]):
        call(*words)


@pytest.mark.knarr
def test_podmans_environment(container, program):
    """kill, pause, delete get XDG_RUNTIME_DIR, empty, and nothing else: the state root is the one of create, and nothing is
    asked of a PATH."""
    c = container()
    c.bundle.save()
    full = {**os.environ, 'XDG_RUNTIME_DIR': '/run/user/0'}

    def call(*words, environment):
        with open(os.devnull, 'rb+') as null:
            done = subprocess.run([program, *map(str, words)], env=environment, stdin=null, stdout=null, stderr=null,
                                  timeout=PATIENCE, check=False)
        assert done.returncode == 0, words
    small = {'XDG_RUNTIME_DIR': ''}
    call('create', '--bundle', c.bundle.path, c.id, environment=full)
    try:
        assert Path('/run/knarr', c.id).is_dir()
        call('start', c.id, environment={'PATH': os.environ['PATH'], **small})
        call('pause', c.id, environment=small)
        call('resume', c.id, environment=small)
        call('ps', c.id, environment=small)
        call('kill', c.id, 9, environment=small)
    finally:
        call('delete', '--force', c.id, environment=small)
    assert not Path('/run/knarr', c.id).exists()


def test_engines_variables_stay_outside(container):
    """conmon's and systemd's are in the runtime's environment, not in the container's."""
    c = container(['env'])
    c.config['process']['env'] = ['PATH=/bin', 'A=b']
    names = {name: '7' for name in ('_OCI_SYNCPIPE', '_OCI_STARTPIPE', '_OCI_ATTACHPIPE', 'LISTEN_PID', 'GOMAXPROCS', 'INVOCATION_ID')}
    done = c.run(env={**os.environ, **names})
    assert done.rc == 0 and {line.split('=')[0] for line in done.out.split()} <= {'PATH', 'A', 'HOME', 'PWD', 'SHLVL'}, done


@pytest.mark.knarr
def test_what_everybody_may_ask(workdir, program):
    """An engine's daemon asks for these before there is any container, perhaps without privileges."""
    binary = workdir / 'knarr'
    binary.write_bytes(Path(program).read_bytes())
    binary.chmod(0o755)
    for words in (['features'], ['--version'], ['-v'], ['-V'], ['--help'], ['checkpoint', '--help']):
        done = subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set', '-all', binary, *words],
                              env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, cwd='/', check=False)
        assert (done.returncode, done.stderr) == (0, ''), done
        assert done.stdout.startswith('{' if words == ['features'] else 'knarr'), done
    first, *others = subprocess.run([binary, '--version'], capture_output=True, text=True, check=True).stdout.splitlines()
    assert first.split()[:2] == ['knarr', 'version'] and {line.split(': ')[0] for line in others} >= {'commit', 'spec'}
    assert not [line for line in others if 'version' in line]  # docker would take it for the program's


# ---- descriptors and pipes ----------------------------------------------------------------------

def test_preserved_and_listening_are_the_same(container):
    """podman says both, --preserve-fds N and LISTEN_FDS=N, of the same descriptors."""
    c = container(['sh', '-c', 'readlink /proc/self/fd/3; echo $LISTEN_FDS; [ -e /proc/self/fd/4 ] && readlink /proc/self/fd/4'])
    with socket.socket() as listener:
        done = c.run('--preserve-fds', '1', env={'LISTEN_FDS': '1', 'PATH': os.environ['PATH']}, fds=(3,),
                     preexec=lambda: os.dup2(listener.fileno(), 3))
    assert done.out.startswith('socket:') and done.err == '', done


@pytest.mark.knarr
@pytest.mark.parametrize('closed', ['<&-', '>&-', '2>&-', '<&- >&-', '<&- >&- 2>&-'])
def test_closed_streams(container, workdir, closed):
    """What is closed is /dev/null in the container: never a descriptor of the runtime's, nor what is opened next."""
    c = container(['sh', '-c', 'for fd in 0 1 2; do readlink /proc/self/fd/$fd; done >/tmp/streams; ls /proc/self/fd >>/tmp/streams'])
    c.config['root']['readonly'] = False
    c.bundle.save()
    command = c.runtime.command('run', '--bundle', c.bundle.path, c.id)
    with open(workdir / 'other', 'wb+') as other:
        done = subprocess.run(['sh', '-c', f'exec "$@" {closed}', 'sh', *command], stdin=other, stdout=other, stderr=other,
                              timeout=PATIENCE, check=False)
    assert done.returncode == 0, (workdir / 'other').read_text()
    links = (c.rootfs / 'tmp/streams').read_text().splitlines()
    for number, word in enumerate(('<&-', '>&-', '2>&-')):
        # The shell's own redirection is 1; which stream is which is told by the others.
        if number != 1:
            assert (links[number] == '/dev/null') == (word in closed.split()), links
    assert set(links[3:]) <= {'0', '1', '2', '3'}, links


@contextlib.contextmanager
def full_pipe():
    """Nobody reads it, and nothing goes in any more."""
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writer, b'x' * 4096)
        os.set_blocking(writer, True)
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.knarr
def test_nobody_reads_the_errors(container, workdir):
    """A full pipe as stderr, and as the log: a command ends with its status, not waiting for ever with the container's lock."""
    c = container()
    c.config['process']['capabilities']['bounding'] += ['CAP_NONE', 'CAP_NOTHING', 'CAP_NEVER']  # three warnings
    c.bundle.save()
    with full_pipe() as pipe:
        begun = time.monotonic()
        assert subprocess.run(c.runtime.command('state', 'unknown'), stderr=pipe, timeout=PATIENCE, check=False).returncode == 1
        with open(os.devnull, 'rb+') as null:
            done = subprocess.run(c.runtime.command('create', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null, stderr=pipe,
                                  timeout=PATIENCE, check=False)
        assert done.returncode == 0 and c.status == 'created'
        # The first line is waited for, a moment; what follows it is not.
        assert time.monotonic() - begun < 25
    os.mkfifo(workdir / 'log')
    done = c.runtime('state', c.id, options=('--log', workdir / 'log'))
    assert (done.rc, done.out, done.err) == (1, '', f'knarr: open log {workdir}/log: No such device or address (ENXIO)\n')
    reader = os.open(workdir / 'log', os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert c.runtime('state', 'unknown', options=('--log', workdir / 'log')).rc == 1
        assert b'does not exist' in os.read(reader, 1000)
    finally:
        os.close(reader)


@pytest.mark.knarr
def test_nobody_reads_what_the_container_says(container):
    """Its full pipe is its own affair: the commands about it go on."""
    c = container(['sh', '-c', 'echo >/tmp/begun; while :; do echo line; done'])
    c.config['root']['readonly'] = False
    c.bundle.save()
    with full_pipe() as pipe:
        with open(os.devnull, 'rb') as null:
            subprocess.run(c.runtime.command('create', '--bundle', c.bundle.path, c.id), stdin=null, stdout=pipe, stderr=pipe,
                           timeout=PATIENCE, check=True)
        c.start()
        wait_until((c.rootfs / 'tmp/begun').exists, 'it runs')
        assert c.runtime.ok('exec', c.id, 'echo', 'said').out == 'said\n'
        for words in (['pause', c.id], ['resume', c.id], ['kill', c.id, 'KILL']):
            c.runtime.ok(*words)
        c.wait_stopped()
        c.delete()


@pytest.mark.knarr
def test_log_file_is_everybodys_to_read(runtime, workdir):
    """containerd and podman read it as themselves; it is never cut, whoever wrote into it before."""
    log = workdir / 'log.json'
    runtime('state', 'unknown', options=('--log', log, '--log-format=json'))
    assert stat.S_IMODE(log.stat().st_mode) == 0o644
    runtime('state', 'unknown', options=('--log', log, '--log-format=json'))
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == 2


# ---- kill, ps -----------------------------------------------------------------------------------

@pytest.mark.knarr
def test_kill_all_when_init_has_ended(container):
    """containerd, after the end of an init in a shared pid namespace: what is left in the cgroup ends."""
    c = container(['sh', '-c', 'sleep 1000 & exit 0'])
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.up()
    c.wait_stopped()
    left = json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out)
    assert left and all(status_of(pid)['Name'] == 'sleep' for pid in left), left
    c.runtime.fails('kill', c.id, 'KILL', text='container not running')
    assert c.runtime('kill', '--all', c.id, '9') == (0, '', '')
    wait_until(lambda: json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out) == [], 'nothing is left')
    # And again, when there is nothing any more.
    assert c.runtime('kill', '--all', c.id, '9') == (0, '', '')


@pytest.mark.knarr
def test_ps_knows_exec_and_cgroups_below(container, workdir):
    """In the words of go-runc: stdout and stderr together are one JSON document."""
    c = container().up()
    c.runtime.ok('exec', '--detach', '--pid-file', workdir / 'pid', c.id, 'sleep', '1000')
    pid = int((workdir / 'pid').read_text())
    name = '' if view() == 'v2' else 'pids'
    below = Path(cgroup_hierarchies()[name] + cgroups_of(pid)[name], 'below') if name in cgroup_hierarchies() else None
    if below:
        below.mkdir()
        (below / 'cgroup.procs').write_text(str(pid))
    try:
        done = subprocess.run(c.runtime.command('ps', '--format', 'json', c.id), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE, check=True)
        assert json.loads(done.stdout) == sorted([c.pid, pid])
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if below:
            below.rmdir()


@pytest.mark.knarr
@pytest.mark.parametrize('word', ['TERM', 'SIGTERM', 'term', '15'])
def test_kill_of_cri_o(container, word):
    """A name without SIG, or a number; the program's own answer counts."""
    c = container(['sh', '-c', 'trap "exit 33" TERM; echo ready; while :; do sleep 0.05; done']).up()
    c.wait_out('ready')
    pid = c.pid
    c.runtime.ok('kill', c.id, word)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 33
