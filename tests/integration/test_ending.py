# SPDX-License-Identifier: Apache-2.0
"""Containers that have just been killed: init has ended, its memory, root and namespaces are gone, but it is not dead yet. It
stays like that here, for a process that `exec` has brought in is a zombie that nobody reaps."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from harness import PATIENCE, cgroup_hierarchies, cgroups_of, is_zombie_or_gone, reap, status_of, view, wait_until

pytestmark = pytest.mark.knarr


@pytest.fixture
def ending(container):
    c = container().up()
    c.runtime.ok('exec', '--detach', c.id, 'sleep', '1000')
    pid = c.pid
    c.kill('KILL')
    wait_until(lambda: Path(f'/proc/{pid}/statm').read_text().startswith('0 0 0'), 'init has ended')
    assert c.pid == pid, 'it is not dead'
    yield c
    reap()


def test_delete(ending):
    ending.delete()
    ending.runtime.fails('state', ending.id, text='does not exist')


def test_delete_at_once(container):
    """A script has no reason to wait between the two."""
    c = container()
    for _ in range(40):
        c.up().kill('KILL')
        c.delete()
        reap()


def test_delete_under_load(container):
    """With more to do than processors init takes its time."""
    c = container()
    busy = [subprocess.Popen(['sh', '-c', 'while :; do :; done']) for _ in range(2 * os.cpu_count())]
    try:
        for _ in range(5):
            c.up().kill('KILL')
            c.delete()
            reap()
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_delete_of_one_that_cannot_die_yet(container):
    """The freezer of cgroup v1 keeps a signal waiting, and whoever sent it does not thaw. On v2 it is dead at once."""
    c = container().up()
    pid = c.pid
    c.runtime.ok('pause', c.id)
    os.kill(pid, signal.SIGKILL)
    hierarchies = cgroup_hierarchies()
    if 'freezer' in hierarchies and view() != 'v2':
        wait_until(lambda: int(status_of(pid)['ShdPnd'], 16) | int(status_of(pid)['SigPnd'], 16), 'the signal waits')
        state = Path(hierarchies['freezer'] + cgroups_of(pid)['freezer'], 'freezer.state')
        thaw = threading.Timer(0.3, lambda: state.write_text('THAWED'))
        thaw.start()
        c.delete()
        thaw.join()
    else:
        c.delete()
    assert is_zombie_or_gone(pid)


def test_delete_of_one_that_was_only_asked_to_end(container):
    c = container(['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done']).up()
    c.wait_out('ready')
    c.kill('TERM')
    c.runtime.fails('delete', c.id, text='cannot delete container that is not stopped: running')
    assert c.status == 'running'


def test_exec(ending):
    ending.runtime.fails('exec', ending.id, 'true', text='container not running', rc=255)


def test_statistics(ending):
    """Its cgroup has them; its network namespace is gone."""
    event = json.loads(ending.runtime.ok('events', '--stats', ending.id).out)
    assert event['type'] == 'stats' and not event['data'].get('network_interfaces')


@pytest.mark.parametrize('what', ['add', 'remove'])
def test_mounts(ending, workdir, what):
    (workdir / 'mounts.json').write_text('[{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]')
    ending.runtime.fails('mounts', what, ending.id, workdir / 'mounts.json', text=f'{ending.id}: container not running')


def test_checkpoint(ending, workdir):
    ending.runtime.fails('checkpoint', '--image-path', workdir / 'images', ending.id, text=f'{ending.id}: container not running')


def test_killed_while_a_hook_runs(container, workdir):
    """The runtime answers init, which is gone, when the hook has ended."""
    c = container()
    wait = f'touch {workdir}/there; while [ ! -e {workdir}/go ]; do sleep 0.01; done'
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', wait]}]}
    c.bundle.save()
    with open(workdir / 'words', 'wb') as err:
        creating = subprocess.Popen(c.runtime.command('create', '--bundle', c.bundle.path, c.id), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=err)
    try:
        wait_until((workdir / 'there').exists, 'the hook runs')
        c.runtime.ok('kill', '--all', c.id, 'KILL')
    finally:
        (workdir / 'go').touch()
        creating.wait(PATIENCE)
    assert creating.returncode == 1
    assert (workdir / 'words').read_text() == "knarr: the container's process died without a word (signal 9)\n"
    assert c.runtime('state', c.id).rc == 1
