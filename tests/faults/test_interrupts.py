# SPDX-License-Identifier: Apache-2.0
"""A command that is asked to end half-way undoes what it has made."""

import os
import signal
import subprocess
import tempfile
import time

import pytest
from harness import reap, wait_until
from scene import has_pids

pytestmark = pytest.mark.knarr
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


class Command:
    """One that is at work. Its standard error is a file: a container would keep a pipe open."""

    def __init__(self, c, words, preexec=None):
        self.err = tempfile.TemporaryFile()
        with open(os.devnull, 'rb+') as null:
            self.process = subprocess.Popen(c.runtime.command(*words), stdin=null, stdout=null, stderr=self.err, preexec_fn=preexec)
        self.signal = self.process.send_signal

    def end(self):
        """(exit status, what it has said)"""
        rc = self.process.wait(15)
        self.err.seek(0)
        err = self.err.read().decode()
        self.err.close()
        return rc, err


def with_hook(container, kind, seconds=1000):
    c = container()
    mark = c.bundle.path / 'mark'
    c.config['hooks'] = {kind: [{'path': '/bin/sh', 'args': ['sh', '-c', f'echo $$ > {mark}; exec sleep {seconds}']}]}
    c.bundle.save()
    return c, mark


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('kind', ['prestart', 'createRuntime', 'createContainer'])
@pytest.mark.parametrize('verb', [('create',), ('run',), ('run', '--detach')])
def test_while_a_hook_runs(container, verb, kind, number):
    c, mark = with_hook(container, kind)
    process = Command(c, (*verb, '--bundle', c.bundle.path, c.id))
    wait_until(lambda: mark.exists() and mark.read_text().strip(), 'the hook runs')
    begin = time.monotonic()
    process.signal(number)
    rc, err = process.end()
    assert time.monotonic() - begin < 5
    assert rc == 1
    assert err.count('\n') == 1 and f'interrupted by {number.name}' in err, err
    # Without any delete.
    assert os.listdir(c.runtime.root) == []
    assert c.runtime('state', c.id).rc == 1
    reap()


def test_ignored_signals_stay_ignored(container):
    """As nohup and engines have them."""
    c, mark = with_hook(container, 'createRuntime', seconds='0.5')
    process = Command(c, ('create', '--bundle', c.bundle.path, c.id), preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_until(mark.exists, 'the hook runs')
    process.signal(signal.SIGHUP)
    assert process.end() == (0, '')
    assert c.status == 'created'


@pytest.mark.parametrize('numbers', [(signal.SIGSTOP, signal.SIGCONT), (signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG)],
                         ids=['stop', 'harmless'])
def test_a_storm_of_signals(container, numbers):
    """Each call that can be interrupted is, many times: the outcome is the same."""
    c = container(['sleep', '1000'])
    c.bundle.save()
    life = [('create', '--bundle', c.bundle.path, c.id), ('start', c.id), ('pause', c.id), ('resume', c.id), ('exec', c.id, 'true'),
            ('kill', c.id, 'KILL'), ('delete', '--force', c.id)]
    if has_pids():
        life.insert(5, ('update', '--pids-limit', '100', c.id))
    sent = 0
    for words in life * 5:
        process = Command(c, words)
        end = time.monotonic() + 10
        while process.process.poll() is None and time.monotonic() < end:
            for number in numbers:
                process.signal(number)
            sent += 1
            time.sleep(0.0002)
        process.signal(signal.SIGCONT)
        assert process.end() == (0, ''), words
    assert sent > 20


def test_again_while_it_is_undone(container):
    """Poststop hooks are run for what createRuntime hooks have set up; who does not want to wait for them signals again."""
    c = container()
    mark, last = c.bundle.path / 'mark', c.bundle.path / 'last'
    c.config['hooks'] = {
        'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', f'echo > {mark}; exec sleep 1000']}],
        'poststop': [{'path': '/bin/sh', 'args': ['sh', '-c', f'echo > {last}; exec sleep 1000']}]}
    process = Command(c, ('create', '--bundle', c.bundle.save().path, c.id))
    wait_until(mark.exists, 'the first hook runs')
    process.signal(signal.SIGTERM)
    wait_until(last.exists, 'it is being undone')
    process.signal(signal.SIGTERM)
    rc, err = process.end()
    assert rc == 1 and 'interrupted by SIGTERM' in err, err
    assert os.listdir(c.runtime.root) == []
    reap()


def test_at_any_moment(container):
    """Either it was too early or too late, or it is undone: never half a container."""
    c = container(['sleep', '1000'])
    c.bundle.save()
    for step in range(40):
        process = Command(c, ('create', '--bundle', c.bundle.path, c.id))
        time.sleep(step * 0.0005)
        process.signal(signal.SIGTERM)
        rc, err = process.end()
        status = c.runtime('state', c.id)
        if rc == 1:
            assert 'interrupted by SIGTERM' in err and status.rc == 1, (step, err, status)
        elif status.rc == 0:
            assert c.status == 'created', (step, rc, err)
        c.delete('--force')
        reap()


def test_the_container_starts_with_no_signal_blocked(container):
    c = container(['grep', '-E', 'SigBlk|SigIgn', '/proc/self/status'])
    words = c.output().split()
    assert words == ['SigBlk:', '0' * 16, 'SigIgn:', '0' * 16]
