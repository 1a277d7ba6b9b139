# SPDX-License-Identifier: Apache-2.0
"""process.terminal: the console socket of engines, and the terminal of a person."""

import array
import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest
from harness import PATIENCE


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def read_until(fd, text, seconds=PATIENCE):
    """Reads a terminal until the text has come (or its end)."""
    seen = b''
    deadline = time.monotonic() + seconds
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        assert ready, f'{text!r} did not come, only {seen!r}'
        try:
            piece = os.read(fd, 4096)
        except OSError:
            piece = b''
        assert piece, f'the terminal ended after {seen!r}'
        seen += piece
    return seen


@contextlib.contextmanager
def console_socket(path):
    """As an engine listens: backlog only, accepted after the runtime has returned."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(4)
        server.settimeout(10)
        yield server


def receive_master(server):
    """go-runc's rules: one message with at least a byte, one control message, one descriptor."""
    connection, _ = server.accept()
    with connection:
        message, ancillary, flags, _ = connection.recvmsg(4096, socket.CMSG_SPACE(8 * 4))
    assert 1 <= len(message) < 4096
    assert not flags & socket.MSG_CTRUNC
    (level, kind, data), = ancillary
    assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    descriptors = array.array('i', data)
    assert len(descriptors) == 1
    return descriptors[0]


@pytest.fixture
def console(container, workdir):
    """A function: starts a container with a terminal, returns it and the master."""
    masters = []

    def make(args, **process):
        c = container(args, terminal=True, **process)
        with console_socket(workdir / 'console.sock') as server:
            c.create('--console-socket', workdir / 'console.sock')
            masters.append(receive_master(server))
        (workdir / 'console.sock').unlink()
        return c, masters[-1]
    yield make
    for master in masters:
        os.close(master)


def test_console_socket(console):
    c, master = console(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && echo is a terminal; tty; read line; echo got $line'])
    c.start()
    assert b'is a terminal' in read_until(master, b'/dev/')
    os.write(master, b'typed\n')
    read_until(master, b'got typed')
    c.wait_stopped()


def test_created_container_keeps_no_pipe_of_the_caller(container, workdir):
    """go-runc reads the runtime's output to its end before it goes on: with a terminal none of it is the container's."""
    c = container(terminal=True)
    c.bundle.save()
    with console_socket(workdir / 's') as server:
        done = subprocess.run(c.runtime.command('create', '--bundle', c.bundle.path, '--console-socket', workdir / 's', c.id),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done
        os.close(receive_master(server))


def test_console_size(console):
    c, master = console(['sh', '-c', 'stty size; echo end'], consoleSize={'height': 33, 'width': 77})
    assert struct.unpack('HHHH', fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8)))[:2] == (33, 77)
    c.start()
    assert b'33 77' in read_until(master, b'end')


def test_resize_reaches_the_process(console):
    c, master = console(['sh', '-c', 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done'])
    c.start()
    read_until(master, b'ready')
    set_size(master, 41, 101)
    read_until(master, b'41 101')


def test_control_characters_are_signals(console):
    c, master = console(['sh', '-c', 'trap "echo interrupted" INT; echo ready; while :; do sleep 0.05; done'])
    c.start()
    read_until(master, b'ready')
    os.write(master, b'\x03')
    read_until(master, b'interrupted')


def test_dev_console_is_the_terminal(console):
    c, master = console(['sh', '-c', 'echo through the console >/dev/console; ls -l /dev/console'])
    c.start()
    read_until(master, b'through the console')


def test_terminal_belongs_to_the_user(console):
    c, master = console(['sh', '-c', 'stat -c "%u %a" $(tty); echo again >$(tty)'], user={'uid': 1000, 'gid': 1000})
    c.start()
    assert b'1000 ' in read_until(master, b'again')


def test_only_stdio_and_all_of_it_is_the_terminal(console):
    c, master = console(['sleep', '1000'])
    c.start()
    read_fd = {fd: os.readlink(f'/proc/{c.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{c.pid}/fd')}
    assert set(read_fd) == {'0', '1', '2'}
    assert len(set(read_fd.values())) == 1
    with open(f'/proc/{c.pid}/stat', encoding='ascii') as line:
        fields = line.read().rpartition(')')[2].split()
    assert int(fields[3]) == c.pid, 'a session of its own'
    assert int(fields[4]) != 0, 'with a controlling terminal'


# ---- bad combinations -----------------------------------------------------------------------------


def test_terminal_without_a_socket(container):
    c = container(terminal=True)
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text='cannot allocate tty if \\S+ will detach without setting console socket' if c.runtime.name != 'crun' else 'terminal')


def test_socket_without_a_terminal(container, workdir):
    c = container()
    c.bundle.save()
    with console_socket(workdir / 's'):
        if c.runtime.name == 'crun':
            pytest.skip('crun allows it')
        c.runtime.fails('create', '--bundle', c.bundle.path, '--console-socket', workdir / 's', c.id,
                        text='cannot use console socket if \\S+ will not detach or allocate tty')


@pytest.mark.parametrize('kind', ['missing', 'file'])
def test_socket_that_is_none(container, workdir, kind):
    c = container(terminal=True)
    c.bundle.save()
    if kind == 'file':
        (workdir / 's').touch()
    c.runtime.fails('create', '--bundle', c.bundle.path, '--console-socket', workdir / 's', c.id, text='.')


@pytest.mark.knarr
def test_socket_with_a_long_path(container, workdir):
    """Longer than sun_path; the engines have such paths."""
    folder = workdir / ('d' * 100)
    folder.mkdir()
    c = container(terminal=True)
    here = os.open(folder, os.O_PATH)
    try:
        with console_socket(f'/proc/self/fd/{here}/console.sock') as server:
            c.create('--console-socket', folder / 'console.sock')
            os.close(receive_master(server))
    finally:
        os.close(here)


# ---- in the foreground ------------------------------------------------------------------------------


class Foreground:
    """`run` on a terminal of ours, as a shell starts it."""

    def __init__(self, c, *flags):
        c.config['process']['terminal'] = True
        c.bundle.save()
        self.master, slave = pty.openpty()
        set_size(slave, 24, 80)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(c.runtime.command('run', *flags, '--bundle', c.bundle.path, c.id), stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before


def test_foreground(container):
    c = container(['sh', '-c', 'test -t 0 && echo terminal; read line; echo got $line; exit 5'])
    with Foreground(c) as run:
        read_until(run.master, b'terminal')
        assert run.is_raw()
        os.write(run.master, b'typed\r')
        read_until(run.master, b'got typed')
        assert run.process.wait(PATIENCE) == 5
        assert run.is_restored()


def test_foreground_starts_with_our_size_and_follows_it(container):
    c = container(['sh', '-c', 'stty size; trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done'])
    with Foreground(c) as run:
        assert b'24 80' in read_until(run.master, b'ready')
        set_size(run.master, 50, 120)
        read_until(run.master, b'50 120')
        c.kill('KILL')
        assert run.process.wait(PATIENCE) == 137
        assert run.is_restored()


def test_foreground_passes_all_output_on(container):
    """Everything the process wrote before its end arrives."""
    c = container(['sh', '-c', 'seq 1 20000; echo end'])
    with Foreground(c) as run:
        seen = read_until(run.master, b'end\r\n', 20)
        assert seen.count(b'\r\n') == 20001
        assert run.process.wait(PATIENCE) == 0


def test_foreground_control_c_goes_to_the_process(container):
    c = container(['sh', '-c', 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done'])
    with Foreground(c) as run:
        read_until(run.master, b'ready')
        os.write(run.master, b'\x03')
        read_until(run.master, b'caught')
        assert run.process.wait(PATIENCE) == 9


def test_foreground_failure_restores_the_terminal(container):
    c = container(['/no/such/program'])
    with Foreground(c) as run:
        assert run.process.wait(PATIENCE) == 1
        assert run.is_restored()


def test_foreground_end_by_a_signal_restores_the_terminal(container):
    c = container(['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'])
    with Foreground(c) as run:
        read_until(run.master, b'ready')
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE) == 3
        assert run.is_restored()


def test_script_sees_a_terminal(container):
    """The ordinary way of a person's script: util-linux's script(1)."""
    c = container(['sh', '-c', 'tty && exit 4'], terminal=True)
    c.bundle.save()
    command = ' '.join(c.runtime.command('run', '--bundle', str(c.bundle.path), c.id))
    done = subprocess.run(['script', '-qec', command, '/dev/null'], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 4, done
    assert '/dev/' in done.stdout
