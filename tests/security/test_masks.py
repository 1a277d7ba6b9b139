# SPDX-License-Identifier: Apache-2.0
"""R8 to R12: what covers paths and what is a terminal must not come from the container."""

import array
import os
import socket
import stat
import subprocess

import pytest

from attack import add_mount, put, refused, with_user_namespace, without_mounts, writable
from harness import mounts_of


@pytest.fixture
def fake_dev(workdir):
    """A directory that a container brings as its own /dev."""
    folder = workdir / 'fake-dev'
    folder.mkdir()
    (folder / 'pts').mkdir()
    (folder / 'shm').mkdir()
    return folder


NULLS = {
    'link': lambda path: path.symlink_to('/etc/secret'),
    'proc': lambda path: path.symlink_to('/proc/sys/kernel/core_pattern'),
    'file': lambda path: path.write_text('SECRET'),
    'missing': lambda path: None,
    'fifo': os.mkfifo,
    'zero': lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
    'directory': os.mkdir,
}


@pytest.mark.recipe('R8', 'CVE-2025-31133', 'CVE-2025-62161')
@pytest.mark.parametrize('kind', NULLS)
@pytest.mark.parametrize('user', [False, True])
def test_mask_is_not_the_containers_null(container, fake_dev, kind, user):
    """The container's own /dev/null is anything; a masked path shows neither itself nor that."""
    c = without_mounts(writable(container(['cat', '/etc/masked'])), '/dev')
    (c.rootfs / 'etc/secret').write_text('SECRET')
    (c.rootfs / 'etc/masked').write_text('MASKME')
    if user:
        with_user_namespace(c)
        os.chown(fake_dev, 100000, 100000)
    NULLS[kind](fake_dev / 'null')
    add_mount(c, '/dev', fake_dev)
    c.config['linux']['maskedPaths'] = ['/etc/masked']
    c.config['linux'].pop('devices', None)
    done = c.run()
    assert 'SECRET' not in done.out and 'MASKME' not in done.out, done
    if done.rc != 0:
        refused(done)


@pytest.mark.recipe('R9', 'CVE-2025-31133')
@pytest.mark.parametrize('path', ['/mask', '/way/ptmx', 'etc/masked', '/none/at/all', '/etc/masked/below'])
def test_mask_of_odd_paths(container, victim, path):
    """Neither the target of a link outside, nor a failure for what does not exist."""
    c = writable(container(['cat', '/etc/masked']))
    (c.rootfs / 'etc/masked').write_text('SHOWN\n')
    (c.rootfs / 'mask').symlink_to(victim / 'ptmx')
    (c.rootfs / 'way').symlink_to(victim)
    c.config['linux']['maskedPaths'] = [path]
    done = c.run()
    assert (victim / 'ptmx').read_text() == 'keep'
    assert done.rc != 0 or done.out in ('SHOWN\n', ''), done


@pytest.mark.recipe('R10', 'CVE-2015-3630')
@pytest.mark.parametrize('what', ['masked', 'readonly'])
@pytest.mark.parametrize('how', ['umount {}', 'rm -f {}', 'mv {} /tmp/away', 'mount -o bind /tmp /proc', 'mount -o remount,rw {}', 'mount -t proc proc /tmp',
                                 'mount -o bind /etc /tmp/way && cat /tmp/way/masked'])
def test_protection_survives(container, what, how):
    path = '/etc/masked' if what == 'masked' else '/etc/protected'
    script = f'{how.format(path)} >/dev/null 2>&1; cat /etc/masked; echo changed >/etc/protected; cat /etc/protected'
    c = writable(container(['sh', '-c', script]))
    (c.rootfs / 'etc/masked').write_text('MASKME\n')
    (c.rootfs / 'etc/protected').write_text('kept\n')
    c.config['linux']['maskedPaths'] = ['/etc/masked']
    c.config['linux']['readonlyPaths'] = ['/etc/protected']
    done = c.run()
    assert 'MASKME' not in done.out and 'changed' not in done.out, done
    assert (c.rootfs / 'etc/protected').read_text() == 'kept\n'


@pytest.mark.recipe('R10')
def test_default_protection_of_proc(container):
    """What is covered in the default configuration cannot be read or written by root in the container."""
    script = '''for f in /proc/kcore /proc/keys /proc/timer_list; do head -c 1 $f; done 2>/dev/null
        for d in /proc/acpi /proc/scsi /sys/firmware; do ls -A $d; done 2>/dev/null
        for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern; do (echo x >$f) 2>/dev/null && echo WRITTEN $f; done; echo end'''
    # Nothing of value is written: if it were let, the trigger would say its help, and the pattern be "x".
    before = open('/proc/sys/kernel/core_pattern', encoding='utf-8').read()
    c = container(['sh', '-c', script.replace('echo x >$f', ': >>$f')])
    assert c.output() == 'end\n'
    assert open('/proc/sys/kernel/core_pattern', encoding='utf-8').read() == before


# ---- R11: the console -------------------------------------------------------------------------------


class ConsoleSocket:
    """The engine's end of --console-socket."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.listener.settimeout(20)

    def receive(self):
        connection, _ = self.listener.accept()
        with connection:
            _, data, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(4))
            fds = array.array('i')
            for level, kind, payload in data:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(payload[:4])
            return fds[0] if fds else None

    def forget(self):
        """What connected and failed."""
        self.listener.setblocking(False)
        try:
            while True:
                self.listener.accept()[0].close()
        except BlockingIOError:
            self.listener.settimeout(20)

    def close(self):
        self.listener.close()


@pytest.fixture
def console_socket(workdir):
    made = ConsoleSocket(workdir / 'console')
    yield made
    made.close()


def create_with_console(c, console_socket):
    c.bundle.save()
    done = c.runtime('create', '--bundle', c.bundle.path, '--console-socket', console_socket.path, c.id)
    if done.rc == 0:
        os.close(console_socket.receive())
    else:
        console_socket.forget()
    return done


def strangers(c):
    """Where a pseudo-terminal is mounted in the container, but for /dev/console and the devpts itself."""
    return [(entry.target, entry.root) for entry in mounts_of(c.pid) if entry.fstype == 'devpts' and entry.root != '/' and entry.target != '/dev/console']


@pytest.mark.recipe('R11', 'CVE-2025-52565')
@pytest.mark.parametrize('kind', ['secret', 'victim', 'proc', 'directory', 'fifo'])
def test_console_that_is_something_else(container, victim, console_socket, kind):
    c = without_mounts(writable(container(['sleep', '100'], terminal=True)), '/dev')
    (c.rootfs / 'etc/secret').write_text('SECRET')
    path = c.rootfs / 'dev/console'
    if kind == 'directory':
        path.mkdir()
    elif kind == 'fifo':
        os.mkfifo(path)
    else:
        path.symlink_to({'secret': '/etc/secret', 'victim': victim / 'ptmx', 'proc': '/proc/sys/kernel/core_pattern'}[kind])
    add_mount(c, '/dev/pts', fstype='devpts', source='devpts', options=['newinstance', 'ptmxmode=0666', 'mode=0620'])
    done = create_with_console(c, console_socket)
    if done.rc != 0:
        refused(done)
    else:
        assert not strangers(c), strangers(c)


@pytest.mark.recipe('R11', 'CVE-2025-52565')
@pytest.mark.parametrize('kind', ['plain', 'links', 'ptmx-null', 'ptmx-link'])
def test_pts_that_is_no_devpts(container, fake_dev, console_socket, kind):
    """A directory full of links, or a ptmx of the container's making, in place of the kernel's."""
    c = without_mounts(writable(container(['sleep', '100'], terminal=True)), '/dev')
    (c.rootfs / 'etc/secret').write_text('SECRET')
    (fake_dev / 'pts').rmdir()
    (fake_dev / 'pts').mkdir()
    if kind == 'links':
        for number in range(64):
            (fake_dev / 'pts' / str(number)).symlink_to('/etc/secret')
    if kind == 'ptmx-null':
        os.mknod(fake_dev / 'pts/ptmx', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    elif kind == 'ptmx-link':
        (fake_dev / 'pts/ptmx').symlink_to('/dev/ptmx')
    else:
        (fake_dev / 'pts/ptmx').write_text('')
    (fake_dev / 'ptmx').symlink_to('pts/ptmx')
    add_mount(c, '/dev', fake_dev)
    refused(create_with_console(c, console_socket))


@pytest.mark.recipe('R11', 'CVE-2025-52565')
def test_pts_of_the_host_is_not_taken_for_the_containers(container, console_socket):
    """The host's devpts, bound into the container: the terminal is made in there, and no other of the host's is touched."""
    c = without_mounts(writable(container(['sleep', '100'], terminal=True)), '/dev')
    add_mount(c, '/dev', fstype='tmpfs', source='tmpfs', options=['mode=755', 'nosuid'])
    add_mount(c, '/dev/pts', '/dev/pts', options=['bind'])
    before = {name: os.stat(f'/dev/pts/{name}').st_uid for name in os.listdir('/dev/pts')}
    done = create_with_console(c, console_socket)
    if done.rc != 0:
        refused(done)
    after = {name: os.stat(f'/dev/pts/{name}').st_uid for name in os.listdir('/dev/pts') if name in before}
    assert all(before[name] == uid for name, uid in after.items())


@pytest.mark.recipe('R28', 'CVE-2016-10124', 'CVE-2017-5226')
def test_callers_terminal_is_not_the_containers(container, programs, workdir):
    """Without a terminal of its own the container is in another session, and cannot type into the caller's (it has no
    CAP_SYS_ADMIN, with which TIOCSTI is always allowed)."""
    c = put(container(['sh', '-c', 'cut -d" " -f6,7 /proc/self/stat; /bin/probe sticky /dev/tty; /bin/probe sticky /proc/self/fd/2']), programs, 'probe')
    c.bundle.save()
    line = ' '.join(map(str, c.runtime.command('run', '--bundle', c.bundle.path, c.id)))
    done = subprocess.run(['script', '-qec', f'{line} 2>&1', '/dev/null'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    words = done.stdout.split('\n')
    session, terminal = words[0].split()
    assert terminal == '0' and session != '0', done
    assert 'ok' not in done.stdout, done
