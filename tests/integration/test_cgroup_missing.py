# SPDX-License-Identifier: Apache-2.0
"""Limits on several controllers, of which one at a time is not there: that one is named, and nothing is made."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from harness import PATIENCE, PREFIX, cgroup_hierarchies, lacks, our_cgroups, remove_cgroups, view, wait_until

pytestmark = pytest.mark.knarr
LIMITS = {
    'memory': {'limit': 64 << 20},
    'cpu': {'shares': 512, 'cpus': '0'},
    'pids': {'limit': 50},
}
# The field by which the error is found: the first of those that the controller takes.
FIELDS = {'memory': 'memory.limit', 'cpu': 'cpu.shares', 'cpuset': 'cpu.cpus', 'pids': 'pids.limit'}
SECTIONS = {controller: field.split('.')[0] for controller, field in FIELDS.items()}


class Unmounted:
    """On cgroup v1 and hybrid hosts: the controller's hierarchy is not mounted where the runtime runs, in a mount namespace
    of its own."""
    files = {'memory': ('memory.limit_in_bytes', str(64 << 20)), 'cpu': ('cpu.shares', '512'), 'pids': ('pids.max', '50')}

    def __init__(self, controller):
        hierarchies = cgroup_hierarchies()
        for name in FIELDS:
            if name not in hierarchies:
                lacks(f'the {name} controller on cgroup v1')
        self.tops = hierarchies
        self.prefix = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'umount "$0" && exec "$@"', hierarchies[controller]]

    def folder(self, controller):
        return Path(self.tops[controller])

    def close(self):
        pass


# As the root of a cgroup namespace, whose processes are below it: a cgroup that hands controllers down has none.
HOLD = 'echo $$ > "$0/cgroup.procs" && exec unshare --mount --cgroup --propagation private sh -c "$@"'
HELD = ('mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir /sys/fs/cgroup/caller && '
        'echo $$ > /sys/fs/cgroup/caller/cgroup.procs && exec sleep 1000')
JOIN = 'echo $$ > "$0/cgroup.procs" && exec nsenter --mount --cgroup --target "$@"'


class NotHandedDown:
    """On cgroup v2: the runtime runs where its parent cgroup hands down all controllers but that one."""
    files = {'memory': ('memory.max', str(64 << 20)), 'cpu': ('cpu.weight', '59'), 'pids': ('pids.max', '50')}

    def __init__(self, controller):
        top = Path(cgroup_hierarchies()[''])
        available = (top / 'cgroup.controllers').read_text().split()
        for name in FIELDS:
            if name not in available:
                lacks(f'the {name} controller on cgroup v2')
        (top / 'cgroup.subtree_control').write_text(' '.join(f'+{name}' for name in FIELDS))
        self.parent = top / f'{PREFIX}-parent'
        self.inside = self.parent / 'inside'
        self.inside.mkdir(parents=True)
        (self.parent / 'cgroup.subtree_control').write_text(' '.join(f'+{name}' for name in FIELDS if name != controller))
        self.holder = subprocess.Popen(['sh', '-c', HOLD, self.inside, HELD])
        caller = self.inside / 'caller'
        wait_until(lambda: caller.exists() and (caller / 'cgroup.procs').read_text().split() == [str(self.holder.pid)], 'the namespace')
        self.prefix = ['sh', '-c', JOIN, caller, str(self.holder.pid)]

    def folder(self, _controller):
        return self.inside

    def close(self):
        (self.parent / 'cgroup.kill').write_text('1')
        self.holder.wait(PATIENCE)
        wait_until(lambda: 'populated 0' in (self.parent / 'cgroup.events').read_text(), 'the end of all that was in there')
        remove_cgroups([str(self.parent), *(folder for folder, _, _ in os.walk(self.parent))])


@pytest.fixture
def place(controller):
    where = (NotHandedDown if view() == 'v2' else Unmounted)(controller)
    yield where
    where.close()


def there(place, c, *words):
    """The command where the controller is missing: exit status and words. To a file, which the container may keep open."""
    log = c.bundle.path / 'words'
    with open(log, 'wb') as out:
        done = subprocess.run([*place.prefix, *c.runtime.command(*words)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              check=False, timeout=PATIENCE)
    return done.returncode, log.read_text()


def names_only(text, controller):
    return f'cgroup controller {controller} is missing' in text and not [name for name in FIELDS if name != controller and f'controller {name} ' in text]


def make(container, resources):
    c = container(['sleep', '1000'])
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.config['linux'].setdefault('resources', {}).update(resources)
    c.bundle.save()
    return c


def all_but(controller):
    return {name: limits for name, limits in LIMITS.items() if name != SECTIONS[controller]}


def run_there(place, container, controller):
    """A container that asks for nothing of the controller."""
    c = make(container, all_but(controller))
    rc, text = there(place, c, 'run', '--detach', '--bundle', c.bundle.path, c.id)
    assert rc == 0 and text == '', text
    return c


def delete_there(place, c):
    assert there(place, c, 'delete', '--force', c.id) == (0, '')
    assert not (c.runtime.root / c.id).exists()


@pytest.mark.parametrize('controller', list(FIELDS))
def test_one_is_missing(container, controller, place):
    c = make(container, LIMITS)
    before = our_cgroups()
    rc, text = there(place, c, 'create', '--bundle', c.bundle.path, c.id)
    assert rc == 1 and text.count('\n') == 1 and names_only(text, controller), text
    assert re.search(rf'config\.json:\d+:\d+: linux\.resources\.{re.escape(FIELDS[controller])}: ', text), text
    assert our_cgroups() == before and not (c.runtime.root / c.id).exists()
    # It was that alone.
    c.up()


@pytest.mark.parametrize('controller', list(FIELDS))
def test_one_is_missing_that_nothing_asks_for(container, controller, place):
    """Then it is not missed."""
    c = run_there(place, container, controller)
    assert c.status == 'running'
    delete_there(place, c)


@pytest.mark.parametrize('controller', list(FIELDS))
def test_update_where_one_is_missing(container, controller, place):
    """What has been changed before is put back."""
    c = run_there(place, container, controller)
    rc, text = there(place, c, 'update', '--memory', '33554432', '--cpu-share', '1024', '--cpuset-cpus', '0', '--pids-limit', '60', c.id)
    assert rc == 1 and names_only(text, controller), text
    for name, (file, value) in place.files.items():
        if name in all_but(controller):
            assert (place.folder(name) / c.id / file).read_text().strip() == value, (name, text)
    delete_there(place, c)
