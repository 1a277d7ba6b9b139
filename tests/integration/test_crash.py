# SPDX-License-Identifier: Apache-2.0
"""The crash contract: whatever instruction the runtime is killed at, `state` tells the truth and
`delete --force` exits 0 with nothing left. (That nothing is left is what the fixtures check.)"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter

import pytest
from harness import PATIENCE, is_zombie_or_gone, our_cgroups, reap, remove_cgroups, wait_until

pytestmark = pytest.mark.knarr
POINTS = int(os.environ.get('KNARR_TEST_CRASH_POINTS', '24'))

# The leak sanitizer of a debugging build does not work below a tracer.
ENVIRONMENT = {**os.environ, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}


def need_strace():
    if not shutil.which('strace'):
        pytest.skip('host lacks strace')


def trace(c, *words):
    """The system calls of one command, in their order, the last exec's program only."""
    log = c.bundle.path / 'trace'
    done = subprocess.run(['strace', '-qq', '-o', str(log), *c.runtime.command(*words)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 0, (done, log.read_text(errors='replace')[-2000:])
    lines = log.read_text(errors='replace').splitlines()
    return [line.split('(')[0] for line in lines if '(' in line and not line.startswith(('---', '+++', 'exit'))]


def points(calls, seed):
    """(name, n): the n-th call of that name; a sample of all of them, over the whole run."""
    seen, every = Counter(), []
    for name in calls:
        seen[name] += 1
        every.append((name, seen[name]))
    random.Random(seed).shuffle(every)
    return every[:POINTS]


# Of a create that was killed. An init that has not noticed yet that its runtime is dead is "creating" as long as it shares
# the lock, and "running" then, without a state.
ABANDONED = {None, 'created', 'stopped', 'creating', 'running'}


def killed_at(c, point, *words):
    """Runs the command and kills it on entry to that call. Whether it came so far."""
    name, number = point
    done = subprocess.run(['strace', '-qq', '-o', '/dev/null', '-e', f'inject={name}:signal=KILL:when={number}',
                           *c.runtime.command(*words)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False, timeout=60, env=ENVIRONMENT)
    return done.returncode == -signal.SIGKILL


def check_and_delete(c, point, allowed):
    """`state` is one of the allowed ones, and delete --force is quick and leaves nothing."""
    done = c.runtime('state', c.id)
    if done.rc == 0:
        state = json.loads(done.out)
        assert state['status'] in allowed, (point, state)
        if state['status'] == 'stopped':
            assert state['pid'] == 0, (point, state)
    else:
        assert 'does not exist' in done.err, (point, done)
        assert None in allowed, (point, done)
    before = time.monotonic()
    done = c.runtime('delete', '--force', c.id)
    assert done.rc == 0, (point, done)
    assert time.monotonic() - before < PATIENCE / 2, point
    assert c.runtime('state', c.id).rc == 1, point
    assert not os.path.exists(c.runtime.root / c.id), point
    left = [path for path in our_cgroups() if os.path.basename(path) == c.id]
    assert not left, (point, left)
    reap()


def test_create(container):
    need_strace()
    c = container()
    c.bundle.save()
    words = ('create', '--bundle', c.bundle.path, '--pid-file', c.bundle.path / 'pid', c.id)
    calls = trace(c, *words)
    c.delete('--force')
    hits = 0
    for point in points(calls, 1):
        hits += killed_at(c, point, *words)
        check_and_delete(c, point, ABANDONED)
    assert hits > POINTS * 3 // 4


def test_create_in_a_user_namespace(container):
    need_strace()
    c = container()
    c.config['linux']['namespaces'].append({'type': 'user'})
    c.config['linux']['uidMappings'] = c.config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    c.config.get('process', {}).pop('rlimits', None)
    c.bundle.save()
    words = ('create', '--bundle', c.bundle.path, c.id)
    calls = trace(c, *words)
    c.delete('--force')
    for point in points(calls, 2):
        killed_at(c, point, *words)
        check_and_delete(c, point, ABANDONED)


def test_start(container):
    need_strace()
    c = container().create()
    calls = trace(c, 'start', c.id)
    c.delete('--force')
    for point in points(calls, 3):
        c.create()
        killed_at(c, point, 'start', c.id)
        done = json.loads(c.runtime.ok('state', c.id).out)
        assert done['pid'] > 0, (point, done)
        # Either it has been started, or it can be.
        if done['status'] == 'created':
            c.start()
        check_and_delete(c, point, {'running'})


def test_run_detached(container):
    need_strace()
    c = container()
    c.bundle.save()
    words = ('run', '--detach', '--bundle', c.bundle.path, c.id)
    calls = trace(c, *words)
    c.delete('--force')
    for point in points(calls, 4):
        killed_at(c, point, *words)
        check_and_delete(c, point, ABANDONED - {'created'})


def test_delete(container):
    need_strace()
    c = container().create()
    calls = trace(c, 'delete', '--force', c.id)
    for point in points(calls, 5):
        c.create()
        killed_at(c, point, 'delete', '--force', c.id)
        check_and_delete(c, point, {None, 'created', 'stopped'})


@pytest.mark.parametrize('kind', ['createRuntime', 'createContainer'])
@pytest.mark.parametrize('user', [False, True])
def test_death_while_a_hook_runs(container, kind, user):
    """A hook has no timeout of its own: nobody waits for it when the runtime is dead."""
    c = container()
    if user:
        c.config['linux']['namespaces'].append({'type': 'user'})
        c.config['linux']['uidMappings'] = c.config['linux']['gidMappings'] = [
            {'containerID': 0, 'hostID': 100000, 'size': 65536}]
    # Without a pid namespace of its own nothing ends it but we.
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'proc']
    mark = c.bundle.path / 'mark'
    mark.touch()
    mark.chmod(0o666)
    c.config['hooks'] = {kind: [{'path': '/bin/sh', 'args': ['sh', '-c', f'echo $$ > {mark}; exec sleep 1000']}]}
    c.bundle.save()
    with open(os.devnull, 'rb+') as null:
        runtime = subprocess.Popen(c.runtime.command('create', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null, stderr=null)
    hook = int(wait_until(mark.read_text, 'the hook runs'))
    assert c.status == 'creating'
    c.runtime.fails('start', c.id, text='being created|busy')
    runtime.kill()
    runtime.wait()
    before = time.monotonic()
    c.delete('--force')
    assert time.monotonic() - before < PATIENCE / 2
    wait_until(lambda: (reap(), is_zombie_or_gone(hook))[1], 'the hook is dead')


def test_foreground_killed(container):
    """The container goes on, and is removed as any other."""
    c = container()
    c.bundle.save()
    with open(os.devnull, 'rb+') as null:
        runtime = subprocess.Popen(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null, stderr=null)
    wait_until(lambda: c.runtime('state', c.id).rc == 0 and c.status == 'running', 'it runs')
    time.sleep(0.2)
    runtime.kill()
    runtime.wait()
    assert c.status == 'running'
    c.runtime.fails('delete', c.id, text='not stopped: running')
    c.delete('--force')


@pytest.mark.parametrize('damage', [('intent.json',), ('state.json',), ('intent.json', 'state.json')])
@pytest.mark.parametrize('how', ['damaged', 'gone'])
def test_lost_records(container, damage, how):
    """A running container is seen, killed and removed whatever has become of its files."""
    c = container().up()
    pid = c.pid
    for name in damage:
        file = c.runtime.root / c.id / name
        file.unlink()
        if how == 'damaged':
            file.write_text('{"version"')
    options = ('--log', '/dev/null')
    state = json.loads(c.runtime.ok('state', c.id, options=options).out)
    assert state['status'] == 'running' and state['id'] == c.id
    c.runtime.fails('delete', c.id, options=options, text='not stopped: running')
    c.runtime.ok('kill', c.id, 'KILL', options=options)
    wait_until(lambda: (reap(), is_zombie_or_gone(pid))[1], 'init is dead')
    c.runtime.ok('delete', '--force', c.id, options=options)


def test_the_same_id_in_another_root(container, workdir):
    """A container whose records are lost must not take another's cgroup for its own."""
    c = container().up()
    lost = workdir / 'other' / c.id
    lost.mkdir(parents=True, mode=0o700)
    lost.parent.chmod(0o700)
    (lost / 'intent.json').write_text('damaged')
    other = [c.runtime.path, '--root', str(lost.parent), '--log', '/dev/null', 'delete', '--force', c.id]
    subprocess.run(other, check=True, timeout=30)
    assert not lost.exists()
    assert c.status == 'running'


def test_state_of_a_past_boot(container):
    """On a disk the state survives the machine, whose cgroups may be others by then."""
    c = container().up()
    c.kill('KILL')
    c.wait_stopped()
    reap()
    remove_cgroups(path for path in our_cgroups() if os.path.basename(path) == c.id)
    folder = c.runtime.root / c.id
    for name, key, change in (('state.json', 'bootId', lambda _: '0' * 36), ('intent.json', 'cgroupMode', lambda mode: 1 - mode)):
        record = json.loads((folder / name).read_text())
        record[key] = change(record[key])
        (folder / name).write_text(json.dumps(record))
    assert c.state()['status'] == 'stopped'
    c.delete()


def test_killed_at_any_time(container):
    """At random moments instead of known ones, whole lives in one process."""
    c = container(['true'])
    c.bundle.save()
    chance = random.Random(6)
    for _ in range(POINTS):
        with open(os.devnull, 'rb+') as null:
            runtime = subprocess.Popen(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null, stderr=null)
        time.sleep(chance.random() * 0.03)
        runtime.kill()
        runtime.wait()
        check_and_delete(c, 'run', {None, 'running', 'stopped', 'creating'})
