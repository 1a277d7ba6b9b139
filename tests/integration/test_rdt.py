# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt. Few machines have it; what can be tested without is in tests/unit/test-resctrl.c."""

import json
import os
from pathlib import Path

import pytest
from harness import lacks, mounts_of

pytestmark = pytest.mark.knarr


def resctrl():
    found = [entry.target for entry in mounts_of() if entry.fstype == 'resctrl' and entry.root == '/']
    return Path(found[-1]) if found else None


@pytest.fixture
def rdt(container):
    def make(**fields):
        c = container()
        c.config['linux']['intelRdt'] = fields
        return c
    return make


@pytest.mark.parametrize('fields', [{}, {'closID': '/'}, {'closID': 'gold', 'schemata': ['L3:0=f']}, {'enableMonitoring': True}])
def test_without_resctrl(rdt, fields):
    if resctrl():
        pytest.skip('this host has resctrl')
    c = rdt(**fields)
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text=r'config\.json:\d+:\d+: linux\.intelRdt: .*no resctrl file system is mounted on this host')


def test_default_class_and_monitoring(rdt):
    top = resctrl()
    if not top or not (top / 'mon_groups').is_dir():
        lacks('resctrl with monitoring')
    c = rdt(closID='/', enableMonitoring=True).up()
    group = top / 'mon_groups' / c.id
    assert str(c.pid) in (group / 'tasks').read_text().split()
    c.delete('--force')
    assert not group.exists()


def test_class_of_its_own(rdt):
    top = resctrl()
    if not top:
        lacks('resctrl')
    c = rdt().up()
    assert str(c.pid) in (top / c.id / 'tasks').read_text().split()
    c.delete('--force')
    assert not os.path.exists(top / c.id)


def test_class_that_is_not_there(rdt):
    top = resctrl()
    if not top:
        lacks('resctrl')
    c = rdt(closID='no-such-class')
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='linux.intelRdt.closID: .*no class no-such-class')


@pytest.mark.parametrize('own', [True, False])
def test_delete_removes_what_the_intent_says(container, workdir, own):
    """The records of a container with a class, made by hand: its monitoring group goes, a class only if it is its own."""
    group, monitor = workdir / 'group', workdir / 'default/mon_groups/box'
    group.mkdir()
    monitor.mkdir(parents=True)
    c = container().up()
    path = c.runtime.root / c.id / 'intent.json'
    intent = json.loads(path.read_text())
    assert 'rdtGroup' not in intent and 'rdtMonitor' not in intent
    intent.update(rdtGroup=str(group), rdtMonitor=str(monitor), rdtOwnGroup=own)
    path.write_text(json.dumps(intent))
    c.delete('--force')
    assert group.exists() != own
    assert not monitor.exists() and monitor.parent.exists()
