# SPDX-License-Identifier: Apache-2.0
"""Limits on several controllers, of which one at a time is not there: that one is named, and nothing is made.

On cgroup v1 and hybrid hosts: its hierarchy is not mounted where the runtime runs, in a mount namespace of its own.
"""

import re
import subprocess

import pytest
from harness import PATIENCE, cgroup_hierarchies, lacks, our_cgroups, view

pytestmark = pytest.mark.knarr
LIMITS = {
    'memory': {'limit': 64 << 20},
    'cpu': {'shares': 512, 'cpus': '0'},
    'pids': {'limit': 50},
}
# The field by which the error is found: the first of those that the controller takes.
FIELDS = {'memory': 'memory.limit', 'cpu': 'cpu.shares', 'cpuset': 'cpu.cpus', 'pids': 'pids.limit'}


def need_hierarchies(*names):
    if view() == 'v2':
        lacks('cgroup v1 hierarchies')
    for name in names:
        if name not in cgroup_hierarchies():
            lacks(f'the {name} controller on cgroup v1')


def without(controller, c, *words):
    """The command where that hierarchy is not mounted: exit status and words. To a file, which the container may keep open."""
    log = c.bundle.path / 'words'
    with open(log, 'wb') as out:
        done = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'umount "$0" && exec "$@"',
                               cgroup_hierarchies()[controller], *c.runtime.command(*words)],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, timeout=PATIENCE)
    return done.returncode, log.read_text()


def names_only(text, controller):
    return f'cgroup controller {controller} is missing' in text and not [name for name in FIELDS if name != controller and f'controller {name} ' in text]


def make(container, **resources):
    c = container(['sleep', '1000'])
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.config['linux'].setdefault('resources', {}).update(resources)
    c.bundle.save()
    return c


@pytest.mark.parametrize('controller', list(FIELDS))
def test_one_is_missing(container, controller):
    need_hierarchies(*FIELDS)
    c = make(container, **LIMITS)
    before = our_cgroups()
    rc, text = without(controller, c, 'create', '--bundle', c.bundle.path, c.id)
    assert rc == 1 and text.count('\n') == 1 and names_only(text, controller), text
    assert re.search(rf'config\.json:\d+:\d+: linux\.resources\.{re.escape(FIELDS[controller])}: ', text), text
    assert our_cgroups() == before and not (c.runtime.root / c.id).exists()
    # It was that alone.
    c.up()


@pytest.mark.parametrize('controller', list(FIELDS))
def test_one_is_missing_that_nothing_asks_for(container, controller):
    """Then it is not missed."""
    need_hierarchies(*FIELDS)
    section = FIELDS[controller].split('.')[0]
    c = make(container, **{name: limits for name, limits in LIMITS.items() if name != section})
    rc, text = without(controller, c, 'run', '--detach', '--bundle', c.bundle.path, c.id)
    assert rc == 0, text
    assert c.status == 'running'


@pytest.mark.parametrize('controller', list(FIELDS))
def test_update_where_one_is_missing(container, controller):
    """What has been changed before is put back."""
    need_hierarchies(*FIELDS)
    c = make(container, **LIMITS).up()
    rc, text = without(controller, c, 'update', '--memory', '33554432', '--cpu-share', '1024', '--cpuset-cpus', '0', '--pids-limit', '60', c.id)
    assert rc == 1 and names_only(text, controller), text
    tops = cgroup_hierarchies()
    for name, file, value in (('memory', 'memory.limit_in_bytes', str(64 << 20)), ('cpu', 'cpu.shares', '512'), ('pids', 'pids.max', '50')):
        with open(f'{tops[name]}/{c.id}/{file}', encoding='ascii') as now:
            assert now.read().strip() == value, (name, text)
