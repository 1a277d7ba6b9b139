# SPDX-License-Identifier: Apache-2.0
"""containerd's checkpoint and restore: through its shim, into an image of its own or a directory, as ctr asks for them."""

import itertools
import os

import pytest
from harness import PATIENCE, PREFIX
from harness import wait_until as wait_shortly
from test_containerd_systemd import KNARR, NAME, alone_in_containerd, containerd, ctr, ok, tasks  # noqa: F401 (a fixture)

COUNTER = itertools.count(1)
BINARIES = {'knarr': KNARR, 'runc': '/usr/sbin/runc', 'crun': '/usr/bin/crun'}
COUNTING = 'i=0; while :; do i=$((i+1)); echo $i >/volume/count; sleep 0.3; done'


def wait_until(condition, what):
    wait_shortly(condition, what, 2 * PATIENCE)


class Task:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name

    def count(self):
        path = self.folder / 'count'
        return int(path.read_text() or 0) if path.exists() else 0

    def goes_on(self, last):
        wait_until(lambda: last < self.count() < last + 1000, 'it goes on')
        assert tasks()[self.name][1] == 'RUNNING'


@pytest.fixture(params=['knarr', *os.environ.get('KNARR_PEERS', '').split()])
def task(containerd, workdir, request):  # noqa: F811
    """It counts in a volume."""
    workdir.chmod(0o755)
    name = f'{PREFIX}-checkpoint-{next(COUNTER)}'
    ok('run', '-d', '--runc-binary', BINARIES[request.param], '--mount', f'type=bind,src={workdir},dst=/volume,options=rbind:rw', NAME, name,
       'sh', '-c', COUNTING)
    made = Task(workdir, name)
    wait_until(lambda: made.count() > 2, 'it counts')
    yield made
    for word in [line.split()[0] for line in ok('c', 'ls').splitlines()[1:] if line.startswith(name)]:
        ctr('task', 'rm', '-f', word)
        ctr('c', 'rm', word)
    for word in [line.split()[0] for line in ok('images', 'ls').splitlines()[1:] if 'containerd.io/checkpoint' in line]:
        ctr('images', 'rm', word)


def test_an_image_and_on(task):
    ok('c', 'checkpoint', '--rw', '--image', '--task', task.name, f'{task.name}-image')
    task.goes_on(task.count())


@pytest.mark.parametrize('live', [False, True])
def test_an_image_and_back(task, live):
    """Another container is made of it. Without --live its program begins anew."""
    ok('c', 'checkpoint', '--rw', '--image', '--task', task.name, f'{task.name}-image')
    ok('task', 'kill', '-s', 'KILL', task.name)
    wait_until(lambda: tasks()[task.name][1] == 'STOPPED', 'it has ended')
    last = task.count()
    ok('c', 'restore', '--rw', *(['--live'] if live else []), f'{task.name}-new', f'{task.name}-image')
    task.name += '-new'
    if live:
        wait_until(lambda: task.count() != last, 'it goes on')
        assert 2 < task.count() < last + 1000 and tasks()[task.name][1] == 'RUNNING'
    else:
        wait_until(lambda: 0 < task.count() < last, 'it begins anew')


def test_a_directory(task, workdir):
    images, work = workdir / 'images', workdir / 'work'
    ok('task', 'checkpoint', '--image-path', images, '--work-path', work, task.name)
    task.goes_on(task.count())
    assert (images / 'inventory.img').exists() and (work / 'dump.log').exists() and not (images / 'dump.log').exists()
    ok('task', 'checkpoint', '--exit', '--image-path', f'{images}-2', '--work-path', work, task.name)
    wait_until(lambda: tasks()[task.name][1] == 'STOPPED', 'it has ended')
