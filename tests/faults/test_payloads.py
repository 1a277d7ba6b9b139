# SPDX-License-Identifier: Apache-2.0
"""Programs that do not want to end, or that make themselves hard to find: kill and delete come through, in bounded time, and
nothing is left (which the fixtures check)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import cgroup_hierarchies, cgroups_of, controller_file, is_zombie_or_gone, lacks, need_controller, reap, umount, view, wait_until

pytestmark = pytest.mark.knarr
QUICK = 6.0


def removed_quickly(c):
    begin = time.monotonic()
    c.delete('--force')
    assert time.monotonic() - begin < QUICK
    assert c.runtime('state', c.id).rc == 1
    reap()


def without_pid_namespace(c):
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'proc']
    return c


def private_cgroup(c):
    """A cgroup namespace and its files to write to; on v1 those of the freezer, too."""
    if not any(entry['type'] == 'cgroup' for entry in c.config['linux']['namespaces']):
        c.config['linux']['namespaces'].append({'type': 'cgroup'})
    for entry in c.config['mounts']:
        if entry['destination'] == '/sys/fs/cgroup':
            entry['options'] = [option for option in entry['options'] if option != 'ro']
    return c


BOMB = 'bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000'


@pytest.mark.parametrize('private', [True, False])
def test_fork_bomb(container, private):
    """Bounded by pids.max, and by the few seconds that it lives."""
    need_controller('pids')
    c = container(['sh', '-c', BOMB])
    if not private:
        without_pid_namespace(c)
    c.config['linux'].setdefault('resources', {})['pids'] = {'limit': 48}
    c.up()
    current = controller_file(c.pid, 'pids', 'pids.current', 'pids.current')
    wait_until(lambda: int(current.read_text()) > 24, 'it has gone off')
    time.sleep(0.3)
    assert int(current.read_text()) <= 48
    assert c.status == 'running'
    begin = time.monotonic()
    c.kill('KILL')
    wait_until(lambda: (reap(), c.status == 'stopped')[1], 'it is stopped')
    assert time.monotonic() - begin < QUICK
    removed_quickly(c)


IGNORE = 'trap "" TERM INT HUP QUIT USR1 USR2; while :; do sleep 1000 & wait; done'


@pytest.mark.parametrize('private', [True, False])
def test_ignores_signals(container, private):
    c = container(['sh', '-c', IGNORE])
    if not private:
        without_pid_namespace(c)
    c.up()
    wait_until(lambda: len(Path(f'/proc/{c.pid}/task/{c.pid}/children').read_text().split()) > 0, 'it has begun')
    for number in ('TERM', 'INT', 'HUP', 'QUIT', 'USR1'):
        c.kill(number)
    time.sleep(0.2)
    assert c.status == 'running'
    removed_quickly(c)


def test_stops_itself(container):
    """SIGSTOP is no obstacle to SIGKILL."""
    c = container(['sh', '-c', 'sleep 1000 & kill -STOP $!; sleep 1000'])
    without_pid_namespace(c).up()
    subprocess.run(['kill', '-STOP', str(c.pid)], check=True)
    assert c.status == 'running'
    removed_quickly(c)


def freezer_of(pid):
    hierarchies, own = cgroup_hierarchies(), cgroups_of(pid)
    if view() == 'v2':
        return Path(hierarchies[''] + own[''], 'cgroup.freeze'), '1', '0'
    if 'freezer' not in hierarchies:
        lacks('the freezer controller')
    return Path(hierarchies['freezer'] + own['freezer'], 'freezer.state'), 'FROZEN', 'THAWED'


@pytest.mark.parametrize('who', ['somebody', 'a cgroup below'])
def test_frozen_by_somebody_else(container, who):
    c = container(['sh', '-c', 'sleep 1000 & sleep 1000']).up()
    path, frozen, _ = freezer_of(c.pid)
    if who == 'somebody':
        path.write_text(frozen)
        wait_until(lambda: c.status == 'paused', 'it is paused')
        c.runtime.fails('exec', c.id, 'true', text='paused|frozen', rc=255)
    else:
        below = path.parent / 'below'
        below.mkdir()
        child = Path(f'/proc/{c.pid}/task/{c.pid}/children').read_text().split()[0]
        (below / 'cgroup.procs').write_text(child)
        (below / path.name).write_text(frozen)
        assert c.status == 'running'
    removed_quickly(c)


def test_freezes_itself(container):
    if view() == 'v2':
        words = 'mkdir /sys/fs/cgroup/in && echo $$ > /sys/fs/cgroup/in/cgroup.procs && echo 1 > /sys/fs/cgroup/in/cgroup.freeze; sleep 1000'
    elif 'freezer' in cgroup_hierarchies():
        words = ('mkdir /sys/fs/cgroup/freezer/in && echo $$ > /sys/fs/cgroup/freezer/in/tasks; '
                 'echo FROZEN > /sys/fs/cgroup/freezer/in/freezer.state; sleep 1000')
    else:
        lacks('the freezer controller')
    c = private_cgroup(container(['sh', '-c', words])).up()
    path, frozen, _ = freezer_of(c.pid)
    wait_until(lambda: frozen in freezer_of(c.pid)[0].read_text(), 'it has frozen itself')
    assert path.parent.name in (c.id, 'in')
    c.kill('KILL')
    removed_quickly(c)


def test_exec_into_the_frozen(container):
    """On cgroup v1 not even SIGKILL ends a process that is frozen: what is made there is not waited for without an end."""
    c = container().up()
    c.runtime.ok('pause', c.id)
    begin = time.monotonic()
    done = c.runtime('exec', '--ignore-paused', c.id, 'true', timeout=100)
    assert done.rc == 255 and done.err.count('\n') == 1 and 'frozen' in done.err, done
    assert time.monotonic() - begin < 60
    assert c.status == 'paused'
    removed_quickly(c)


DEAD_FILESYSTEM = r'''
import ctypes, os, struct, sys
# Its answers: for its root; who looks up a name waits in the kernel, where not even SIGKILL reaches him, until this process ends.
fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
options = f'fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other'.encode()
if ctypes.CDLL(None).mount(b'dead', os.fsencode(sys.argv[1]), b'fuse', ctypes.c_ulong(0), options) != 0:
    sys.exit(1)
print('ready', flush=True)
while True:
    request = os.read(fd, 1 << 17)
    _, opcode, unique = struct.unpack_from('=IIQ', request)
    if opcode == 26: # INIT
        answer = struct.pack('=IIIIHHI', 7, 31, 65536, 0, 0, 0, 4096).ljust(64, bytes(1))
    elif opcode == 3: # GETATTR
        answer = struct.pack('=QII6Q10I', 3600, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
    else:
        if opcode == 1: # LOOKUP
            print('asked', flush=True)
        continue
    os.write(fd, struct.pack('=IiQ', 16 + len(answer), 0, unique) + answer)
'''


def test_hangs_in_the_kernel(container, workdir):
    """What cannot be killed is told of, in bounded time, and is not forgotten: when it can, the container can be removed."""
    place = workdir / 'dead'
    place.mkdir()
    server = subprocess.Popen([sys.executable, '-c', DEAD_FILESYSTEM, str(place)], stdout=subprocess.PIPE)
    try:
        if server.stdout.readline() != b'ready\n':
            lacks('FUSE')
        c = container(['sh', '-c', 'sleep 1000 & exec stat /mnt/x'])
        c.config['mounts'].append({'destination': '/mnt', 'type': 'bind', 'source': str(place), 'options': ['bind']})
        c.up()
        assert server.stdout.readline() == b'asked\n'
        pid = c.pid
        begin = time.monotonic()
        done = c.runtime('delete', '--force', c.id, timeout=60)
        assert time.monotonic() - begin < 30
        assert done.rc == 1 and done.err.count('\n') == 1 and str(pid) in done.err, done
        assert c.runtime('state', c.id).rc == 0 and not is_zombie_or_gone(pid)
        # Nor does anybody else wait for it.
        for words in (('kill', c.id, 'KILL'), ('exec', c.id, 'true'), ('state', c.id), ('list',), ('ps', c.id)):
            begin = time.monotonic()
            c.runtime(*words, timeout=60)
            assert time.monotonic() - begin < 30, words
        server.kill()
        server.wait()
        wait_until(lambda: is_zombie_or_gone(pid), 'it is dead')
        c.delete('--force')
        assert c.runtime('state', c.id).rc == 1
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        umount(place)


@pytest.mark.parametrize('shape', ['deep', 'wide'])
def test_nested_cgroups(container, shape):
    """Made by the container, in each hierarchy that it can write to, with processes of its own in them."""
    where = '/sys/fs/cgroup' if view() == 'v2' else '/sys/fs/cgroup/freezer'
    if view() != 'v2' and 'freezer' not in cgroup_hierarchies():
        lacks('the freezer controller')
    if shape == 'deep':
        loop = 'for i in $(seq 24); do mkdir d && cd d || exit 1; sleep 1000 & echo $! > cgroup.procs; done'
    else:
        loop = 'for i in $(seq 200); do mkdir w$i || exit 1; done; for i in 1 77 200; do sleep 1000 & echo $! > w$i/cgroup.procs; done'
    c = private_cgroup(container(['sh', '-c', f'cd {where} && {loop}; echo made; sleep 1000'])).up()
    c.wait_out('made')
    assert c.status == 'running'
    removed_quickly(c)


def test_outlives_init(container):
    """In a shared pid namespace the end of init is the end of nobody else; `kill` and `delete` still find them."""
    c = without_pid_namespace(container(['sh', '-c', 'sleep 1000 & sleep 1000 & setsid sleep 1000 & echo begun; exit 3'])).up()
    c.wait_out('begun')
    wait_until(lambda: (reap(), c.status == 'stopped')[1], 'init has ended')
    left = [entry for entry in os.listdir('/proc') if entry.isdigit() and c.id in ''.join(
        (Path('/proc') / entry / 'cgroup').read_text() if (Path('/proc') / entry / 'cgroup').exists() else '')]
    assert len(left) == 3, left
    c.delete()
    wait_until(lambda: (reap(), all(is_zombie_or_gone(pid) for pid in left))[1], 'they are dead')


def test_double_forks(container):
    """Orphans of all kinds, and zombies that nobody in there reaps."""
    c = container(['sh', '-c', 'for i in $(seq 20); do (setsid sleep 1000 &) ; (true &) ; done; echo begun; exec sleep 1000']).up()
    c.wait_out('begun')
    removed_quickly(c)


def test_moved_into_another_cgroup(container):
    """Init was moved out of its cgroup by somebody outside: it is known by its pidfd."""
    c = container().up()
    pid = c.pid
    for top in set(cgroup_hierarchies().values()):
        (Path(top) / 'cgroup.procs').write_text(str(pid))
    assert c.status == 'running'
    c.delete('--force')
    wait_until(lambda: (reap(), is_zombie_or_gone(pid))[1], 'init is dead')


def test_its_cgroup_is_in_use(container):
    """A stranger in there is named, not killed twice and not waited for without end; then it is killed with the rest."""
    c = container().up()
    stranger = subprocess.Popen(['sleep', '1000'])
    try:
        for controller, path in cgroups_of(c.pid).items():
            top = cgroup_hierarchies().get(controller)
            if top and c.id in path:
                Path(top + path, 'cgroup.procs').write_text(str(stranger.pid))
        removed = c.runtime('delete', '--force', c.id)
        assert removed.rc == 0, removed
    finally:
        stranger.kill()
        stranger.wait()


def test_writes_without_end(container):
    """To a standard output that nobody reads."""
    read, write = os.pipe()
    c = container(['sh', '-c', 'yes'])
    c.bundle.save()
    with open(os.devnull, 'rb+') as null:
        maker = subprocess.Popen(c.runtime.command('run', '--detach', '--bundle', c.bundle.path, c.id), stdin=null, stdout=write, stderr=null)
    os.close(write)
    assert maker.wait(20) == 0
    time.sleep(0.1)
    assert c.status == 'running'
    removed_quickly(c)
    os.close(read)
