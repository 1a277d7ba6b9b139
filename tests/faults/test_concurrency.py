# SPDX-License-Identifier: Apache-2.0
"""Commands at the same time: exactly one winner where there can be only one, one line from each loser, no hang, and in the end
nothing that is left (which the fixtures check)."""

import itertools
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections import namedtuple

import pytest
from harness import reap, wait_end, wait_until

pytestmark = pytest.mark.knarr
HANG = 25.0
Ended = namedtuple('Ended', 'rc err')


def together(c, *commands):
    """Starts all at once, and gives how each has ended, in their order."""
    running = []
    for words in commands:
        err = tempfile.TemporaryFile()
        with open(os.devnull, 'rb+') as null:
            running.append((subprocess.Popen(c.runtime.command(*words), stdin=null, stdout=null, stderr=err), err, words))
    ended, deadline = [], time.monotonic() + HANG
    for process, err, words in running:
        try:
            rc = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f'{words} hangs') from None
        err.seek(0)
        ended.append(Ended(rc, err.read().decode()))
        err.close()
    for words, one in zip(commands, ended):
        lines = one.err.count('\n')
        # Above 128: the status of a program of `exec` that was killed.
        assert one.rc > 128 and one.rc < 192 or lines == (1 if one.rc else 0), (words, one)
    return ended


def winners(ended, loses):
    """How many have won; each of the others says why in these words."""
    for one in ended:
        assert one.rc == 0 or re.search(loses, one.err), one
    return sum(one.rc == 0 for one in ended)


def create(c):
    c.bundle.save()
    return ('create', '--bundle', c.bundle.path, c.id)


def test_many_creates(container):
    c = container()
    for _ in range(5):
        ended = together(c, *[create(c)] * 16)
        assert winners(ended, 'already exists') == 1, ended
        assert c.status == 'created'
        c.delete('--force')
        reap()


def test_many_runs(container):
    c = container()
    c.bundle.save()
    ended = together(c, *[('run', '--detach', '--bundle', c.bundle.path, c.id)] * 8)
    assert winners(ended, 'already exists') == 1, ended
    assert c.status == 'running'


def test_many_starts(container):
    """The program runs once."""
    c = container(['sh', '-c', 'echo once >> /data/mark; exec sleep 1000'])
    (c.rootfs / 'data').mkdir()
    (c.bundle.path / 'data').mkdir()
    c.config['mounts'].append({'destination': '/data', 'type': 'bind', 'source': str(c.bundle.path / 'data'), 'options': ['bind']})
    c.create()
    ended = together(c, *[('start', c.id)] * 16)
    assert winners(ended, 'cannot start an already running container') == 1, ended
    wait_until((c.bundle.path / 'data/mark').exists, 'the program runs')
    time.sleep(0.1)
    assert (c.bundle.path / 'data/mark').read_text() == 'once\n'


def test_many_forced_deletes(container):
    c = container()
    for _ in range(5):
        c.up()
        ended = together(c, *[('delete', '--force', c.id)] * 16)
        assert all(one.rc == 0 for one in ended), ended
        reap()


def test_many_deletes(container):
    c = container(['true']).up()
    c.wait_stopped()
    ended = together(c, *[('delete', c.id)] * 16)
    assert winners(ended, 'does not exist') >= 1, ended
    assert c.runtime('state', c.id).rc == 1


def test_many_deletes_of_a_running_one(container):
    c = container().up()
    ended = together(c, *[('delete', c.id)] * 8)
    assert winners(ended, 'not stopped: running') == 0
    assert c.status == 'running'


def test_create_against_delete(container):
    c = container()
    for _ in range(25):
        made, removed = together(c, create(c), ('delete', '--force', c.id))
        assert removed.rc == 0, removed
        assert made.rc == 0 or re.search('was removed while|busy|does not exist', made.err), made
        assert c.runtime('state', c.id).rc == (0 if c.runtime('kill', c.id, '0').rc == 0 else 1)
        c.delete('--force')
        reap()


def test_create_against_state_and_list(container):
    """Whoever looks sees none, one that is being made, or a whole one."""
    c = container()
    c.bundle.save()
    c.runtime.root.mkdir(mode=0o700)
    for _ in range(15):
        with open(os.devnull, 'rb+') as null:
            maker = subprocess.Popen(c.runtime.command(*create(c)), stdin=null, stdout=null)
        seen = []
        while maker.poll() is None:
            done = c.runtime('state', c.id)
            if done.rc == 0:
                seen.append(json.loads(done.out)['status'])
            else:
                assert 'does not exist' in done.err, done
                assert not seen, 'it was there already'
            c.runtime.ok('list')
        assert maker.returncode == 0
        assert set(seen) <= {'creating', 'created'}, seen
        assert seen == sorted(seen, key=['creating', 'created'].index), seen
        c.delete('--force')
        reap()


def test_start_against_delete(container):
    c = container()
    for _ in range(20):
        c.create()
        started, removed = together(c, ('start', c.id), ('delete', '--force', c.id))
        assert removed.rc == 0, removed
        assert started.rc == 0 or re.search('does not exist|gone|not created|died|stopped', started.err), started
        assert c.runtime('state', c.id).rc == 1
        reap()


def test_exec_against_delete(container):
    c = container()
    for _ in range(15):
        c.up()
        *executed, removed = together(c, *[('exec', c.id, 'sleep', '1000')] * 4, ('delete', '--force', c.id))
        assert removed.rc == 0, removed
        for one in executed:
            # Killed with the container, or too late.
            assert one.rc in (137, 255, 1), one
        assert c.runtime('state', c.id).rc == 1
        reap()


def exec_words(c):
    return ('exec', c.id, 'true')


@pytest.mark.parametrize('other', ['pause', 'resume', 'kill', 'state', 'ps', 'exec'])
def test_exec_against(container, other):
    c = container()
    for _ in range(6):
        c.up()
        if other == 'resume':
            c.runtime.ok('pause', c.id)
        words = {'kill': ('kill', c.id, 'KILL'), 'exec': exec_words(c)}.get(other, (other, c.id))
        executed, done = together(c, exec_words(c), words) if other != 'pause' else pause_under_exec(c)
        assert done.rc == 0, done
        assert executed.rc == 0 or re.search('paused|frozen|not running|stopped|gone|does not exist|died|No such process', executed.err) \
            or executed.rc == 137, executed
        c.delete('--force')
        reap()


def pause_under_exec(c):
    """An exec that is frozen on its way ends when the container is resumed, which another hand has to do."""
    with open(os.devnull, 'rb+') as null:
        executed = subprocess.Popen(c.runtime.command(*exec_words(c)), stdin=null, stdout=null, stderr=subprocess.PIPE)
    done = c.runtime('pause', c.id)
    time.sleep(0.05)
    c.runtime.ok('resume', c.id)
    _, err = executed.communicate(timeout=HANG)
    return Ended(executed.returncode, err.decode()), Ended(done.rc, done.err)


def test_pause_against_resume(container):
    c = container().up()
    for _ in range(8):
        ended = together(c, ('pause', c.id), ('resume', c.id), ('pause', c.id), ('resume', c.id))
        for one in ended:
            assert one.rc == 0 or re.search('not running|not paused|paused', one.err), one
        assert c.status in ('running', 'paused')
    c.runtime('resume', c.id)
    c.runtime.ok('exec', c.id, 'true')


def test_kill_against_delete(container):
    c = container()
    for _ in range(15):
        c.up()
        killed, removed = together(c, ('kill', c.id, 'KILL'), ('delete', '--force', c.id))
        assert removed.rc == 0, removed
        assert killed.rc == 0 or re.search('does not exist|not running|stopped|gone', killed.err), killed
        assert c.runtime('state', c.id).rc == 1
        reap()


def test_pause_against_delete(container):
    c = container()
    for _ in range(10):
        c.up()
        paused, removed = together(c, ('pause', c.id), ('delete', '--force', c.id))
        assert removed.rc == 0, removed
        assert paused.rc == 0 or re.search('does not exist|not running|stopped|gone|No such', paused.err), paused
        assert c.runtime('state', c.id).rc == 1
        reap()


# What one command may say of what another one has just done; ID is the container's.
UNDERSTOOD = re.compile(r"""knarr:\ (
    container\ does\ not\ exist:\ ID
  | container\ with\ given\ ID\ already\ exists:\ ID\ \(.*\)
  | container\ with\ id\ ID\ is\ (not\ running|still\ being\ created)
  | container\ init\ is\ gone:\ ID
  | container\ ID\ was\ removed\ while\ .*
  | the\ container's\ process\ died\ without\ a\ word\ \(signal\ 9\)
  | ID:\ (
        container\ (not\ running|not\ paused|paused|is\ still\ being\ created)
      | cannot\ start\ (an\ already\ running\ container|a\ container\ that\ has\ stopped)
      | cannot\ delete\ container\ that\ is\ not\ stopped:\ (creating|running|paused)
      | cannot\ exec\ in\ a\ (stopped\ container|paused\ container\ .*)
  )
)\n""", re.VERBOSE)
PAIRED = {
    'start': ('start', 'ID'), 'exec': ('exec', 'ID', 'true'), 'exec --detach': ('exec', '--detach', 'ID', 'sleep', '1000'),
    'kill TERM': ('kill', 'ID', 'TERM'), 'kill KILL': ('kill', 'ID', 'KILL'), 'kill --all': ('kill', '--all', 'ID', 'KILL'),
    'pause': ('pause', 'ID'), 'resume': ('resume', 'ID'), 'update': ('update', 'ID'), 'delete': ('delete', 'ID'),
    'delete --force': ('delete', '--force', 'ID'), 'ps': ('ps', 'ID'), 'ps json': ('ps', '--format', 'json', 'ID'),
    'events': ('events', '--stats', 'ID'), 'state': ('state', 'ID'), 'list': ('list',), 'mounts add': ('mounts', 'add', 'ID', 'MOUNTS'),
    'mounts remove': ('mounts', 'remove', 'ID', 'NOTHING'),
}
MAKING = {'create': ('create', '--bundle', 'BUNDLE', 'ID'), 'run --detach': ('run', '--detach', '--bundle', 'BUNDLE', 'ID')}


class Pair:
    """Two commands at one container, begun some milliseconds apart."""

    def __init__(self, c, names, delay):
        self.c, self.names = c, names
        self.running = [self.begin(names[0])]
        time.sleep(delay)
        self.running.append(self.begin(names[1]))

    def begin(self, name):
        c, err = self.c, tempfile.TemporaryFile()
        meant = {'ID': c.id, 'BUNDLE': c.bundle.path, 'MOUNTS': c.bundle.path / 'mounts.json', 'NOTHING': c.bundle.path / 'nothing.json'}
        words = [meant.get(word, word) for word in (PAIRED | MAKING)[name]]
        with open(os.devnull, 'rb+') as null:
            return subprocess.Popen(c.runtime.command(*words), stdin=null, stdout=null, stderr=err), err

    def end(self):
        """What was not understood. An exec that was frozen on its way waits for somebody to resume the container."""
        wrong = []
        for (process, err), name in zip(self.running, self.names):
            try:
                wait_end(process, 0.5 if name.startswith('exec') else HANG)
            except subprocess.TimeoutExpired:
                self.c.runtime('resume', self.c.id)
            try:
                rc = wait_end(process, HANG)
            except subprocess.TimeoutExpired:
                process.kill()
                rc = process.wait()
                wrong.append((name, 'hangs'))
            err.seek(0)
            words = err.read().decode()
            err.close()
            killed = name == 'exec' and rc == 128 + signal.SIGKILL and not words
            if not killed and not (UNDERSTOOD.fullmatch(words.replace(self.c.id, 'ID')) if rc else not words):
                wrong.append((name, rc, words))
        return wrong


@pytest.mark.parametrize('status', ['none', 'created', 'running', 'paused'])
def test_every_pair(container, status):
    """Whatever two commands meet, each does its work or says what the other has done."""
    c = container()
    (c.rootfs / 'mnt/added').mkdir(parents=True)
    (c.bundle.path / 'mounts.json').write_text('[{"destination": "/mnt/added", "type": "tmpfs", "source": "tmpfs"}]')
    (c.bundle.path / 'nothing.json').write_text('[]')
    c.bundle.save()
    c.runtime.root.mkdir(mode=0o700)
    names = [*MAKING, *PAIRED] if status == 'none' else [*PAIRED]
    pairs = [pair for pair in itertools.product(names, repeat=2) if status != 'none' or set(pair) & set(MAKING)]
    wrong = []
    for number, pair in enumerate(pairs):
        if status != 'none':
            c.create()
        if status in ('running', 'paused'):
            c.start()
        if status == 'paused':
            c.runtime.ok('pause', c.id)
        wrong += [(pair, *each) for each in Pair(c, pair, number % 4 * 0.002).end()]
        c.delete('--force')
        reap()
    assert not wrong, '\n'.join(map(str, wrong))


def test_many_ids_at_once(container):
    """64 containers made, listed and removed side by side."""
    c = container()
    c.bundle.save()
    ids = [f'{c.id}-{n}' for n in range(64)]
    for begin in range(0, 64, 16):
        ended = together(c, *[('create', '--bundle', c.bundle.path, name) for name in ids[begin:begin + 16]])
        assert all(one.rc == 0 for one in ended), ended
    listed = {entry['id']: entry['status'] for entry in json.loads(c.runtime.ok('list', '--format', 'json').out)}
    assert listed == dict.fromkeys(ids, 'created')
    for begin in range(0, 64, 16):
        ended = together(c, *[('delete', '--force', name) for name in ids[begin:begin + 16]])
        assert all(one.rc == 0 for one in ended), ended
    reap()


def test_a_holder_of_the_lock_that_hangs(container):
    """Who waits for it is told who holds it, in bounded time; who only looks does not wait."""
    c = container().create()
    holder = subprocess.Popen(['flock', str(c.runtime.root / c.id), 'sleep', '100'])
    try:
        time.sleep(0.3)
        begin = time.monotonic()
        assert c.status == 'created'
        c.runtime.ok('list')
        assert time.monotonic() - begin < 3
        err = c.runtime.fails('start', c.id, text=f'container {c.id} is busy with another command')
        assert str(holder.pid) in err or 'cannot be seen' in err
        assert time.monotonic() - begin < HANG
    finally:
        subprocess.run(['pkill', '-P', str(holder.pid)], check=False)
        holder.kill()
        holder.wait()
    wait_until(lambda: c.runtime('start', c.id).rc == 0, 'the lock is free')
