# SPDX-License-Identifier: Apache-2.0
"""Records that are damaged, cut off, foreign or of the future, and state roots that are full, read-only or strange: a running
container is never lost from sight, and its removal never refused for ever."""

import json
import os
import stat
import subprocess
import time

import pytest
from harness import mount, reap, umount, wait_until, is_zombie_or_gone

pytestmark = pytest.mark.knarr
QUIET = ('--log', '/dev/null')

RUNC_STATE = '{"id":"x","init_process_pid":1,"init_process_start":2,"created":"2024-01-01T00:00:00Z","config":{"rootfs":"/"}}'
CRUN_STATUS = '{"pid":1,"process-start-time":2,"cgroup-path":"/x","rootfs":"/","bundle":"/","created":"2024","detached":true}'

DAMAGES = {
    'empty': b'',
    'newline': b'\n',
    'nul': b'\0' * 512,
    'null': b'null',
    'array': b'[]',
    'object': b'{}',
    'runc': RUNC_STATE.encode(),
    'crun': CRUN_STATUS.encode(),
    'binary': bytes(range(256)) * 16,
    'huge': b' ' * (20 << 20),
    'deep': b'[' * 100000,
}


def says_running(c, pid):
    begin = time.monotonic()
    done = c.runtime('state', c.id, options=QUIET)
    assert time.monotonic() - begin < 5
    assert done.rc == 0, done
    state = json.loads(done.out)
    assert (state['status'], state['pid'], state['id']) == ('running', pid, c.id), state


def put(path, data):
    """In place of whatever lies there."""
    if path.is_symlink() or path.exists():
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize('name', ['state.json', 'intent.json'])
@pytest.mark.parametrize('damage', sorted(DAMAGES))
def test_damaged(container, name, damage):
    c = container().up()
    pid = c.pid
    put(c.runtime.root / c.id / name, DAMAGES[damage])
    says_running(c, pid)
    assert any(entry['pid'] == pid for entry in json.loads(c.runtime.ok('list', '--format', 'json', options=QUIET).out))
    c.runtime.fails('delete', c.id, options=QUIET, text='not stopped: running')
    c.runtime.ok('delete', '--force', c.id, options=QUIET)
    wait_until(lambda: (reap(), is_zombie_or_gone(pid))[1], 'init is dead')


@pytest.mark.parametrize('name', ['state.json', 'intent.json'])
def test_cut_off_anywhere(container, name):
    c = container().up()
    pid, path = c.pid, c.runtime.root / c.id / name
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        put(path, whole[:length])
        says_running(c, pid)
    put(path, whole)
    says_running(c, pid)


def test_a_bit_turned_anywhere(container):
    """A digit may become another one, and the pid that of a stranger: then it is not taken for ours. It ends in an answer, and
    the container can be removed."""
    c = container().up()
    pid, path = c.pid, c.runtime.root / c.id / 'state.json'
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in (0x01, 0x40):
            put(path, whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1:])
            done = c.runtime('state', c.id, options=QUIET)
            assert done.rc == 0, (at, bit, done)
            state = json.loads(done.out)
            assert state['status'] in ('running', 'created', 'stopped') and state['pid'] in (0, pid), (at, bit, state)
    c.runtime.ok('delete', '--force', c.id, options=QUIET)
    wait_until(lambda: (reap(), is_zombie_or_gone(pid))[1], 'init is dead')


@pytest.mark.parametrize('name', ['state.json', 'intent.json', 'config.json', 'gate', 'unknown'])
@pytest.mark.parametrize('what', ['directory', 'symlink', 'dangling', 'fifo', 'socket', 'unreadable', 'another owner'])
def test_not_a_file(container, workdir, name, what):
    """Never followed, never waited for, and removed like anything else in there."""
    c = container().up()
    pid, path = c.pid, c.runtime.root / c.id / name
    victim = workdir / 'victim'
    victim.write_text('{}')
    if what not in ('unreadable', 'another owner'):
        path.unlink(missing_ok=True)
    if what == 'directory':
        path.mkdir()
    elif what == 'symlink':
        path.symlink_to(victim)
    elif what == 'dangling':
        path.symlink_to(workdir / 'nowhere')
    elif what == 'fifo':
        os.mkfifo(path)
    elif what == 'socket':
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif path.exists():
        os.chmod(path, 0)
        if what == 'another owner':
            os.chown(path, 12345, 12345)
    says_running(c, pid)
    c.runtime.ok('delete', '--force', c.id, options=QUIET)
    assert victim.read_text() == '{}'


@pytest.mark.parametrize('name', ['state.json', 'intent.json'])
def test_of_the_future(container, name):
    """Another version is not understood, and said so in one word; fields that are not known yet are no reason to complain."""
    c = container().up()
    pid, path = c.pid, c.runtime.root / c.id / name
    record = json.loads(path.read_text())
    put(path, json.dumps({**record, 'brandNew': {'deep': [1, 2]}}).encode())
    done = c.runtime.ok('state', c.id)
    assert done.err == '' and json.loads(done.out)['pid'] == pid
    put(path, json.dumps({**record, 'version': 2}).encode())
    done = c.runtime.ok('state', c.id)
    assert 'has version 2, this knarr knows version 1' in done.err
    assert json.loads(done.out)['pid'] == pid


def test_a_stranger_is_never_signalled(container):
    """A state file that names another process, as after the pid has gone round."""
    c = container().up()
    pid, path = c.pid, c.runtime.root / c.id / 'state.json'
    stranger = subprocess.Popen(['sleep', '100'])
    try:
        record = json.loads(path.read_text())
        put(path, json.dumps({**record, 'pid': stranger.pid}).encode())
        assert c.status == 'stopped'
        c.runtime('kill', c.id, 'KILL')
        c.runtime.ok('delete', '--force', c.id)
        assert stranger.poll() is None
        wait_until(lambda: (reap_but(stranger), is_zombie_or_gone(pid))[1], 'init is dead')
    finally:
        stranger.kill()
        stranger.wait()


def reap_but(child):
    """Zombies that are not a Popen's."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == child.pid:
            return
        os.waitpid(found.si_pid, 0)


def test_created_and_its_state_lost(container):
    """It can still be started, and is known again from then on."""
    c = container().create()
    pid = c.pid
    (c.runtime.root / c.id / 'state.json').unlink()
    assert c.state()['status'] == 'created' and c.pid == pid
    c.start()
    assert json.loads((c.runtime.root / c.id / 'state.json').read_text())['pid'] == pid
    assert c.status == 'running' and c.pid == pid


@pytest.mark.parametrize('damage', ['empty', 'object', 'gone'])
def test_created_and_its_intent_lost(container, tmp_path, damage):
    """It can still be started, unless hooks are to be told of it, which is known before its program runs."""
    for hooks in ({}, {'createRuntime': [{'path': '/bin/true'}]}):
        c = container()
        c.config['hooks'] = hooks
        c.create()
        intent = c.runtime.root / c.id / 'intent.json'
        intent.unlink() if damage == 'gone' else put(intent, DAMAGES[damage])
        c.runtime.ok('start', c.id, options=QUIET)
        assert c.state()['status'] == 'running'
    other = container()
    other.config['hooks'] = {'poststart': [{'path': '/bin/true'}]}
    other.create()
    intent = other.runtime.root / other.id / 'intent.json'
    intent.unlink() if damage == 'gone' else put(intent, DAMAGES[damage])
    other.runtime.fails('start', other.id, options=QUIET, text='its poststart hooks cannot be told of it')
    assert other.runtime('state', other.id, options=QUIET).out.count('"status": "created"') == 1
    other.runtime.ok('delete', '--force', other.id, options=QUIET)


def test_state_lost_in_a_shared_pid_namespace(container):
    """Init is the oldest in there, and what it has started is not taken for it."""
    c = container(['sh', '-c', 'sleep 1000 & sleep 1000 & exec sleep 1000'])
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'proc']
    c.up()
    pid = c.pid
    time.sleep(0.1)
    (c.runtime.root / c.id / 'state.json').unlink()
    assert c.state()['status'] == 'running' and c.pid == pid
    c.runtime.ok('exec', c.id, 'true')
    c.runtime.ok('pause', c.id)
    assert c.state()['status'] == 'paused' and c.pid == pid


# ---- the root ----


@pytest.fixture
def small_root(runtime):
    """A function: the state root becomes a tmpfs with these options."""
    mounted = []

    def make(options):
        runtime.root.mkdir(mode=0o700, exist_ok=True)
        mount('tmpfs', str(runtime.root), 'tmpfs', data=f'mode=700,{options}')
        mounted.append(True)
    yield make
    if mounted:
        umount(str(runtime.root))


def fill(folder):
    with open(folder / 'filler', 'wb', buffering=0) as filler:
        try:
            while True:
                filler.write(b'x' * 4096)
        except OSError:
            pass


@pytest.mark.parametrize('size', ['size=4k', 'size=8k', 'size=12k', 'nr_inodes=1', 'nr_inodes=2', 'nr_inodes=3', 'nr_inodes=4', 'nr_inodes=5'])
def test_full_root(small_root, container, size):
    """Either there is room for everything or there is a clear error, and nothing of the container."""
    small_root(size)
    c = container()
    c.bundle.save()
    done = c.runtime('create', '--bundle', c.bundle.path, c.id)
    if done.rc == 0:
        started = c.runtime('start', c.id)
        assert started.rc == 0 or 'ENOSPC' in started.err
        assert c.status == ('running' if started.rc == 0 else 'created')
        c.delete('--force')
    else:
        assert 'No space left on device (ENOSPC)' in done.err and done.err.count('\n') == 1, done
    assert os.listdir(c.runtime.root) == []


def test_root_that_became_full(small_root, container):
    small_root('size=64k')
    waiting, running = container().create(), container().up()
    fill(waiting.runtime.root)
    assert waiting.status == 'created' and running.status == 'running'
    running.runtime.ok('exec', running.id, 'true')
    waiting.runtime.fails('start', waiting.id, text=r'ENOSPC')
    assert waiting.status == 'created'
    running.kill('KILL')
    running.wait_stopped()
    running.delete()
    waiting.delete('--force')
    (waiting.runtime.root / 'filler').unlink()


def test_root_that_became_read_only(small_root, container):
    """What runs is seen and killed; the removal says why not, and is done later."""
    small_root('size=1m')
    c = container().up()
    pid = c.pid
    root = str(c.runtime.root)
    subprocess.run(['mount', '-o', 'remount,ro', root], check=True)
    try:
        assert c.status == 'running'
        c.runtime.ok('list')
        c.runtime.ok('exec', c.id, 'true')
        c.runtime.fails('create', '--bundle', c.bundle.path, f'{c.id}-2', text='Read-only file system')
        c.kill('KILL')
        c.wait_stopped()
        c.runtime.fails('delete', '--force', c.id, text=r'Read-only file system \(EROFS\)')
        wait_until(lambda: (reap(), is_zombie_or_gone(pid))[1], 'init is dead')
    finally:
        subprocess.run(['mount', '-o', 'remount,rw', root], check=True)
    c.delete()


@pytest.mark.parametrize('mode', [0o777, 0o770, 0o702])
def test_root_that_others_can_write(container, mode):
    c = container()
    c.bundle.save()
    c.runtime.root.mkdir(mode=0o700)
    c.runtime.root.chmod(mode)
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='can be written by others')
    c.runtime.root.chmod(0o700)


def test_root_that_is_no_directory(container):
    c = container()
    c.bundle.save()
    c.runtime.root.write_text('')
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='Not a directory')
    c.runtime.fails('state', c.id, text='Not a directory|does not exist')
    c.runtime.root.unlink()


def test_what_lies_in_the_root(container):
    """Files and directories of others are neither listed nor in the way."""
    c = container().up()
    root = c.runtime.root
    (root / 'a-file').write_text('x')
    (root / 'empty').mkdir()
    (root / 'foreign').mkdir()
    (root / 'foreign/state.json').write_text(RUNC_STATE)
    (root / 'link').symlink_to('foreign')
    ids = [entry['id'] for entry in json.loads(c.runtime.ok('list', '--format', 'json', options=QUIET).out)]
    assert c.id in ids and 'a-file' not in ids and 'link' not in ids
    for name in ('empty', 'foreign'):
        c.runtime.ok('delete', '--force', name, options=QUIET)
        assert not (root / name).exists()
    (root / 'a-file').unlink()
    (root / 'link').unlink()
