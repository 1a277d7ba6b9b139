# SPDX-License-Identifier: Apache-2.0
"""pause, resume, ps: all processes of a container at once."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest
from harness import PATIENCE, is_zombie_or_gone, parents, reap, status_of, view, wait_until

COUNTING = ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >/count; done']


def count(c):
    return (c.bundle.path / 'rootfs' / 'count').read_text()


@pytest.fixture
def counting(container):
    """A container that writes a file all the time; its root can be written."""
    c = container(COUNTING)
    c.config['root']['readonly'] = False
    c.up()
    wait_until((c.bundle.path / 'rootfs' / 'count').exists, 'it counts')
    return c


def test_pause_and_resume(counting):
    c = counting
    c.runtime.ok('pause', c.id)
    assert c.status == 'paused'
    before = count(c)
    time.sleep(0.3)
    assert count(c) == before
    c.runtime.ok('resume', c.id)
    assert c.status == 'running'
    wait_until(lambda: count(c) not in ('', before), 'it counts again')


def test_pause_again_and_again(counting):
    for _ in range(20):
        counting.runtime.ok('pause', counting.id)
        assert counting.status == 'paused'
        counting.runtime.ok('resume', counting.id)
        assert counting.status == 'running'


def test_wrong_states(container):
    c = container()
    for verb in ('pause', 'resume'):
        c.runtime.fails(verb, c.id, text='does not exist')
    c.up()
    c.runtime.fails('resume', c.id, text='container not paused')
    c.runtime.ok('pause', c.id)
    c.runtime.fails('pause', c.id, text='container paused')
    c.runtime.ok('resume', c.id)
    c.kill('KILL')
    c.wait_stopped()
    c.runtime.fails('pause', c.id, text='container not running')


@pytest.mark.knarr
def test_created_can_be_paused(container):
    c = container()
    c.create()
    c.runtime.ok('pause', c.id)
    c.runtime.ok('resume', c.id)
    c.start()
    assert c.status == 'running'


def test_kill_reaches_the_paused(counting):
    c, pid = counting, counting.pid
    c.runtime.ok('pause', c.id)
    c.kill('KILL')
    wait_until(lambda: is_zombie_or_gone(pid), 'init is dead')


def test_delete_takes_the_paused(counting):
    c, pid = counting, counting.pid
    c.runtime.ok('pause', c.id)
    c.runtime.fails('delete', c.id, text='not stopped')
    c.delete('--force')
    assert is_zombie_or_gone(pid)


@pytest.mark.knarr
def test_exec_into_the_paused(counting):
    c = counting
    c.runtime.ok('pause', c.id)
    done = c.runtime('exec', c.id, 'true')
    assert done.rc == 255 and 'cannot exec in a paused container (use --ignore-paused to override)' in done.err
    c.runtime.ok('resume', c.id)
    c.runtime.ok('exec', c.id, 'true')


@pytest.mark.knarr
def test_exec_that_ignores_the_pause(counting):
    """It runs when the container goes on; and there is an end to the waiting, though cgroup v1 does not even let it be killed."""
    c = counting
    c.runtime.ok('pause', c.id)
    words = c.runtime.command('exec', '--ignore-paused', c.id, 'echo', 'here')
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(0.5)
        assert process.poll() is None
        c.runtime.ok('resume', c.id)
        assert process.communicate(timeout=PATIENCE) == (b'here\n', b'') and process.returncode == 0
    if view() == 'v2':  # where it takes as long, but nothing is special
        return
    c.runtime.ok('pause', c.id)
    c.runtime.fails('exec', '--ignore-paused', c.id, 'echo', 'here', rc=255,
                    text=r'ETIMEDOUT\) \(the container is frozen, and was not resumed meanwhile\)')
    assert c.status == 'paused'
    c.runtime.ok('resume', c.id)
    c.runtime.ok('exec', c.id, 'true')


@pytest.mark.knarr
def test_interrupt_is_for_the_program(counting):
    """A terminal's ^C goes to all processes in its foreground. Of exec's only the runtime may take it: it hands it on. The pause holds
    the helper where it has no session of its own yet."""
    c = counting
    c.runtime.ok('pause', c.id)
    words = c.runtime.command('exec', '--ignore-paused', c.id, 'sleep', '1000')
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_until(lambda: process.pid in parents().values(), 'there is a helper')
        os.killpg(process.pid, signal.SIGINT)
        c.runtime.ok('resume', c.id)
        assert process.communicate(timeout=PATIENCE) == (b'', b'')
        assert process.returncode == 128 + signal.SIGINT
    assert c.status == 'running'


@pytest.mark.knarr
def test_no_cgroup_no_pause(container):
    c = container()
    c.bundle.save()
    c.runtime.ok('run', '--detach', '--bundle', c.bundle.path, c.id, options=['--cgroup-manager=disabled'])
    c.runtime.fails('pause', c.id, text='no cgroup')


def test_ps(container):
    c = container(['sh', '-c', 'sleep 1000 & sleep 1001 & wait']).up()
    wait_until(lambda: len(json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out)) == 3, 'three processes')
    pids = json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out)
    assert c.pid in pids and all(isinstance(pid, int) for pid in pids)
    assert {int(status_of(pid)['PPid']) for pid in pids if pid != c.pid} == {c.pid}
    lines = c.runtime.ok('ps', c.id).out.splitlines()
    column = lines[0].split().index('PID')
    assert sorted(int(line.split()[column]) for line in lines[1:]) == sorted(pids)
    lines = c.runtime.ok('ps', c.id, '-o', 'pid,args').out.splitlines()
    assert lines[0].split()[0] == 'PID' and {line.split(None, 1)[1] for line in lines[1:]} >= {'sleep 1000', 'sleep 1001'}


@pytest.mark.knarr
@pytest.mark.parametrize('private', [True, False])
def test_ps_without_a_cgroup(container, private):
    """What runs is told all the same: by its pid namespace, or by who made it."""
    c = container(['sh', '-c', 'sleep 1000 & sleep 1001 & wait'])
    if not private:
        c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.bundle.save()
    with open(c.bundle.path / 'out', 'wb') as out:
        assert c.runtime('run', '--detach', '--bundle', c.bundle.path, c.id, options=['--cgroup-manager=disabled'], stdout=out).rc == 0
    pids = lambda: json.loads(c.runtime.ok('ps', '--format=json', c.id).out)
    wait_until(lambda: len(pids()) == 3, 'three processes')
    init, others = c.pid, set(pids()) - {c.pid}
    assert init in pids() and {int(status_of(pid)['PPid']) for pid in others} == {init}
    c.runtime.ok('exec', '--detach', '--pid-file', c.bundle.path / 'pid', c.id, 'sleep', '1002')
    executed = int((c.bundle.path / 'pid').read_text())
    assert len(pids()) == (4 if private else 3)
    lines = c.runtime.ok('ps', c.id, '-o', 'pid,args').out.splitlines()
    assert [int(line.split()[0]) for line in lines[1:]] == pids()
    for pid in {executed, *pids()}:
        with contextlib.suppress(ProcessLookupError):  # init takes those of its pid namespace along
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: (reap(), c.status == 'stopped')[1], 'stopped')
    assert pids() == []


@pytest.mark.knarr
def test_ps_errors(container):
    c = container().up()
    c.runtime.fails('ps', c.id, '-o', 'args', text='ps prints no column PID')
    c.runtime.fails('ps', '--format', 'yaml', c.id, text='neither table nor json')
    c.kill('KILL')
    c.wait_stopped()
    assert json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out) == []
