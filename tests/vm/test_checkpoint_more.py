# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore of what is less usual: open connections, pages that come later; and the host's cgroups, which criu
would change."""

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from harness import Container, mounts_of, namespace_of, wait_until
from machine import CGROUPS
from test_checkpoint_restore import LONG, checkpoint, count, counting, images, restored, started  # noqa: F401 (fixtures)


class Watch(threading.Thread):
    """Every set of options that the machine's cgroup2 has had meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = set()
        self.over = False

    def run(self):
        while not self.over:
            self.seen |= {frozenset(entry.superoptions) for entry in mounts_of() if entry.target == str(CGROUPS)}
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()


def cgroup_options():
    return frozenset(mounts_of()[[entry.target for entry in mounts_of()].index(str(CGROUPS))].superoptions)


def test_the_machines_cgroup_options_stay(counting, images, restored):
    """criu mounts cgroup2 without options, which would be an order to forget them for the whole machine."""
    before = cgroup_options()
    assert 'nsdelegate' in before
    c = started(counting())
    with Watch() as watch:
        checkpoint(c, images)
        new = restored(c, images)
    assert watch.seen == {before}
    assert namespace_of(new.pid, 'cgroup') not in (namespace_of('self', 'cgroup'), None)
    assert new.runtime.ok('exec', new.id, 'cat', '/proc/self/cgroup').out == '0::/\n'


@pytest.fixture
def network(workdir):
    """A network namespace with its loopback up, at a path."""
    path = workdir / 'netns'
    path.touch()
    subprocess.run(['unshare', f'--net={path}', 'ip', 'link', 'set', 'lo', 'up'], check=True)
    yield path
    subprocess.run(['umount', path], check=True)


def connect(network, port):
    """A connection made in that namespace, held out here."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code = ('import socket, sys; c = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10);'
                'socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"x"], [c.fileno()])')
        subprocess.run(['nsenter', f'--net={network}', 'python3', '-c', code, str(port), str(theirs.fileno())],
                       pass_fds=[theirs.fileno()], check=True)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    connection = socket.socket(fileno=fds[0])
    connection.settimeout(30)
    return connection


def test_an_open_connection(counting, images, restored, network):
    """Without --tcp-established that is an error, and the container goes on; with it the connection outlives the container."""
    c = counting()
    c.config['process']['args'] = ['sh', '-c', 'exec </dev/null >/dev/null 2>&1; exec nc -l -p 5000 -e cat']
    for namespace in c.config['linux']['namespaces']:
        if namespace['type'] == 'network':
            namespace['path'] = str(network)
    c.up()
    wait_until(lambda: 'LISTEN' in c.runtime.ok('exec', c.id, 'netstat', '-ltn').out, 'it listens')
    with connect(network, 5000) as connection:
        connection.sendall(b'one')
        assert connection.recv(10) == b'one'
        c.runtime.fails('checkpoint', '--image-path', f'{images}-no', c.id, text='criu failed: .*[Cc]onnected TCP socket', timeout=LONG)
        connection.sendall(b'two')
        assert connection.recv(10) == b'two'
        checkpoint(c, images, '--tcp-established')
        connection.sendall(b'three')
        restored(c, images, '--tcp-established')
        assert connection.recv(10) == b'three'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_nobody_at_the_page_server(counting, images):
    c = started(counting())
    port = free_port()
    c.runtime.fails('checkpoint', '--image-path', images, '--page-server', f'127.0.0.1:{port}', c.id, timeout=LONG,
                    text=f"^knarr: criu failed: Can't connect to server 127.0.0.1:{port} \\(its log is {images}/dump.log\\)\n$")
    before = count(c)
    wait_until(lambda: count(c) > before, 'it goes on')
    assert c.status == 'running'


@pytest.fixture
def leaving(counting, images):
    """A container whose pages wait to be fetched: (container, the command that serves them, port)."""
    port = free_port()
    c = started(counting())
    reader, writer = os.pipe()
    process = subprocess.Popen(c.runtime.command('checkpoint', '--image-path', images, '--lazy-pages', '--page-server', f'127.0.0.1:{port}',
                                                 '--status-fd', str(writer), c.id), pass_fds=[writer], stderr=subprocess.PIPE)
    os.close(writer)
    try:
        assert os.read(reader, 10) == b'\0', process.stderr.read()
        yield c, process, port
    finally:
        os.close(reader)
        process.kill()
        process.wait()
        process.stderr.close()


def test_lazy_pages(leaving, images, runtime, workdir):
    """The container runs in its new place before its memory is there, which is to be had at the address alone that was given."""
    c, process, port = leaving
    assert [line.split()[1] for line in Path('/proc/net/tcp').read_text().splitlines()[1:] if f':{port:04X} ' in line] == [f'0100007F:{port:04X}']
    before = count(c)
    with subprocess.Popen(['criu', 'lazy-pages', '--images-dir', images, '--work-dir', workdir, '--page-server', '--address', '127.0.0.1',
                           '--port', str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as fetcher:
        wait_until((workdir / 'lazy-pages.socket').exists, 'the pages are asked for', 60)
        new = Container(runtime, c.bundle, f'{c.id}-new')
        new.config['linux']['cgroupsPath'] = f'/{new.id}'
        c.bundle.save()
        try:
            with open(c.out, 'ab') as stdout:
                done = runtime('restore', '--detach', '--lazy-pages', '--image-path', images, '--work-path', workdir, '--bundle', c.bundle.path,
                               new.id, stdout=stdout, timeout=LONG)
            assert done.rc == 0, done
            wait_until(lambda: count(new) > before, 'it goes on', 60)
            assert process.wait(LONG) == 0
            assert fetcher.wait(LONG) == 0
        finally:
            runtime.ok('delete', '--force', new.id)
    runtime.fails('state', c.id, text='does not exist')


def test_lazy_pages_and_the_command_dies(leaving):
    """Nobody comes for the pages, and nobody is left to serve them: the container goes on where it was."""
    c, process, _ = leaving
    before = count(c)
    time.sleep(0.5)
    assert count(c) == before
    process.kill()
    process.wait()
    wait_until(lambda: count(c) > before, 'it goes on')
    assert c.status == 'running'
