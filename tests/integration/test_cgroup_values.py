# SPDX-License-Identifier: Apache-2.0
"""Single values of linux.resources, those of cgroup v1 alone, and cgroups that cannot be used."""

import os
import subprocess
from pathlib import Path

import pytest
from harness import PREFIX, cgroup_hierarchies, cgroups_of, controller_file, lacks, need_controller, view

pytestmark = pytest.mark.knarr
MIB = 1 << 20


def place(c, path=None):
    c.config['linux']['cgroupsPath'] = path or f'/{c.id}'
    return c


def limit(c, **resources):
    c.config['linux'].setdefault('resources', {}).update(resources)
    return c


def refused(c, text):
    """One line, and nothing left: the fixture looks."""
    c.bundle.save()
    return c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=text)


def need_v1():
    if view() == 'v2':
        lacks('cgroup v1')


# ---- cgroups that cannot be used ---------------------------------------------------------------------


@pytest.fixture
def folders():
    """A function: the directories of a path in every hierarchy, made; removed at the end."""
    made = []

    def make(path):
        for top in sorted(set(cgroup_hierarchies().values())):
            folder = Path(top + path)
            folder.mkdir()
            made.append(folder)
            # A new cpuset takes nobody in.
            for name in ('cpuset.cpus', 'cpuset.mems'):
                if view() != 'v2' and (folder / name).exists():
                    (folder / name).write_text((Path(top) / name).read_text())
        return made
    yield make
    for folder in made:
        if folder.is_dir():
            folder.rmdir()


def test_cgroup_of_somebody_else(container, folders):
    c = place(container(), f'/{PREFIX}-taken')
    taken = folders(f'/{PREFIX}-taken')
    with subprocess.Popen(['sleep', '1000']) as other:
        try:
            for folder in taken:
                (folder / 'cgroup.procs').write_text(str(other.pid))
            line = refused(c, r"container's cgroup is not empty: 1 process\(es\) found in .*-taken")
            assert '(another container may use the same cgroupsPath)' in line
            assert other.poll() is None
            assert all(str(other.pid) in (folder / 'cgroup.procs').read_text().split() for folder in taken)
        finally:
            other.kill()


def test_two_containers_in_one_cgroup(container):
    first, second = place(container(), f'/{PREFIX}-shared'), place(container(), f'/{PREFIX}-shared')
    first.create()
    refused(second, "container's cgroup is not empty")
    first.start()
    assert first.status == 'running'


def test_frozen_cgroup(container, folders):
    c = place(container(), f'/{PREFIX}-cold')
    made = folders(f'/{PREFIX}-cold')
    frozen = [(folder / name, words) for folder in made for name, words in (('cgroup.freeze', ('1', '0')), ('freezer.state', ('FROZEN', 'THAWED')))
              if (folder / name).exists()]
    assert frozen
    for file, (freeze, thaw) in frozen:
        file.write_text(freeze)
        try:
            refused(c, 'cgroup .*-cold is frozen')
        finally:
            file.write_text(thaw)
    c.create()
    c.delete('--force')


@pytest.mark.parametrize('path', ['/a\nb', '/a/../b', '..', '/..', '/a/./../../b'])
def test_bad_paths(container, path):
    c = place(container(), path)
    line = refused(c, r'config\.json:\d+:\d+: linux\.cgroupsPath')
    assert line.count('\n') == 1


# ---- values ------------------------------------------------------------------------------------------


def value(c, controller, v1_name, v2_name=None):
    return controller_file(c.pid, controller, v1_name, v2_name or v1_name).read_text().strip()


@pytest.mark.parametrize('given, written', [(7, '7'), (-1, 'max'), (0, '1')])
def test_pids(container, given, written):
    need_controller('pids')
    c = limit(place(container()), pids={'limit': given}).create()
    assert value(c, 'pids', 'pids.max') == written


def test_memory_words_of_v1(container):
    need_v1()
    need_controller('memory')
    c = limit(place(container()), memory={'limit': 64 * MIB, 'swap': 96 * MIB, 'reservation': 32 * MIB, 'swappiness': 30,
                                          'disableOOMKiller': True, 'kernel': -1, 'kernelTCP': -1, 'useHierarchy': True}).create()
    assert value(c, 'memory', 'memory.limit_in_bytes') == str(64 * MIB)
    assert value(c, 'memory', 'memory.soft_limit_in_bytes') == str(32 * MIB)
    assert value(c, 'memory', 'memory.swappiness') == '30'
    assert value(c, 'memory', 'memory.oom_control').startswith('oom_kill_disable 1')
    total = controller_file(c.pid, 'memory', 'memory.memsw.limit_in_bytes', '')
    if total.exists():
        assert total.read_text().strip() == str(96 * MIB)


@pytest.mark.parametrize('memory, text', [
    ({'limit': -2}, r'linux\.resources\.memory\.limit: -2 is neither a number of bytes nor -1'),
    ({'limit': 2 * MIB, 'swap': MIB}, r'linux\.resources\.memory\.swap: 1048576 is less than the memory limit 2097152'),
    ({'swap': MIB}, r'linux\.resources\.memory\.swap: includes the memory limit, and there is none'),
    ({'swappiness': 101}, r'linux\.resources\.memory\.swappiness: 101 is not between 0 and 100'),
    ({'useHierarchy': False}, r'linux\.resources\.memory\.useHierarchy: .*this kernel always counts the memory of child cgroups'),
])
def test_memory_that_is_refused(container, memory, text):
    need_controller('memory')
    refused(limit(place(container()), memory=memory), text)


def test_cpu_words_of_v1(container):
    need_v1()
    need_controller('cpu')
    c = limit(place(container()), cpu={'shares': 300, 'quota': 30000, 'period': 60000, 'burst': 10000}).create()
    assert value(c, 'cpu', 'cpu.shares') == '300'
    assert value(c, 'cpu', 'cpu.cfs_quota_us') == '30000'
    assert value(c, 'cpu', 'cpu.cfs_period_us') == '60000'
    if controller_file(c.pid, 'cpu', 'cpu.cfs_burst_us', '').exists():
        assert value(c, 'cpu', 'cpu.cfs_burst_us') == '10000'


def test_realtime(container):
    need_v1()
    need_controller('cpu')
    top = Path(cgroup_hierarchies()['cpu'])
    c = limit(place(container()), cpu={'realtimePeriod': 500000, 'realtimeRuntime': 0})
    if not (top / 'cpu.rt_period_us').exists():
        refused(c, r'linux\.resources\.cpu\.realtimePeriod: cgroup controller cpu: write "500000" to cpu.rt_period_us .*this kernel does not have the file')
        return
    c.create()
    assert value(c, 'cpu', 'cpu.rt_period_us') == '500000'


@pytest.mark.parametrize('idle', [0, 1])
def test_idle(container, idle):
    need_controller('cpu')
    c = limit(place(container()), cpu={'idle': idle, 'shares': 512}).create()
    assert value(c, 'cpu', 'cpu.idle') == str(idle)
    if not idle:
        assert value(c, 'cpu', 'cpu.shares', 'cpu.weight') == ('59' if view() == 'v2' else '512')


def test_network_words_of_v1(container):
    need_v1()
    for controller in ('net_cls', 'net_prio'):
        need_controller(controller)
    c = limit(place(container()), network={'classID': 1048577, 'priorities': [{'name': 'lo', 'priority': 3}]}).create()
    assert value(c, 'net_cls', 'net_cls.classid') == '1048577'
    assert 'lo 3' in value(c, 'net_prio', 'net_prio.ifpriomap').split('\n')


@pytest.mark.parametrize('resources, controller', [
    ({'hugepageLimits': [{'pageSize': '2MB', 'limit': 4 * MIB}]}, 'hugetlb'),
    ({'rdma': {'mlx5_1': {'hcaHandles': 3}}}, 'rdma'),
    ({'pids': {'limit': 5}}, 'pids'),
    ({'memory': {'limit': 64 * MIB}}, 'memory'),
    ({'cpu': {'shares': 5}}, 'cpu'),
    ({'cpu': {'cpus': '0'}}, 'cpuset'),
    ({'blockIO': {'weight': 100}}, 'io'),
])
def test_missing_controllers_are_named(container, resources, controller):
    hierarchies = cgroup_hierarchies()
    name = {'io': 'blkio'}.get(controller, controller) if view() != 'v2' else controller
    if name in (Path(hierarchies[''], 'cgroup.controllers').read_text().split() if view() == 'v2' else hierarchies):
        lacks(f'a reason to miss the {name} controller')
    refused(limit(place(container()), **resources), f'linux\\.resources\\..*cgroup controller {name} is missing')


@pytest.mark.parametrize('resources, field', [
    ({'memory': {'swappiness': 60}}, 'memory.swappiness'),
    ({'memory': {'disableOOMKiller': True}}, 'memory.disableOOMKiller'),
    ({'cpu': {'realtimeRuntime': 5000}}, 'cpu.realtimeRuntime'),
    ({'cpu': {'realtimePeriod': 5000}}, 'cpu.realtimePeriod'),
    ({'blockIO': {'leafWeight': 20}}, 'blockIO.leafWeight'),
    ({'network': {'classID': 1}}, 'network.classID'),
    ({'network': {'priorities': [{'name': 'lo', 'priority': 1}]}}, 'network.priorities'),
])
def test_what_v2_has_not(container, resources, field):
    if view() != 'v2':
        lacks('cgroup v2 alone')
    refused(limit(place(container()), **resources), f'linux.resources.{field}: cgroup: cgroup v2 has nothing like it'.replace('.', r'\.'))


def test_what_v1_has_not(container):
    need_v1()
    refused(limit(place(container()), unified={'memory.high': '5'}), r'linux\.resources\.unified\["memory\.high"\]: cgroup: this host has cgroup v1')


@pytest.mark.parametrize('key, text', [
    ('a/b', 'is not the name of a file of the cgroup'),
    ('../pids.max', 'is not the name of a file of the cgroup'),
    ('nodot', 'is not the name of a cgroup file'),
    ('cgroup.procs', 'cgroup.procs sets no limit'),
    ('cgroup.freeze', 'cgroup.freeze sets no limit'),
    ('nonesuch.max', 'cgroup controller nonesuch is missing'),
])
def test_unified_that_is_refused(container, key, text):
    if view() != 'v2':
        lacks('cgroup v2 alone')
    refused(limit(place(container()), unified={key: '1'}), text)


def test_limits_of_a_parent_stay(container, folders):
    """A parent that was there has the values it had, and is there afterwards."""
    need_controller('pids')
    parent = f'/{PREFIX}-parent'
    folders(parent)
    top = Path(cgroup_hierarchies()['' if view() == 'v2' else 'pids'] + parent)
    if view() == 'v2':
        Path(cgroup_hierarchies()[''], 'cgroup.subtree_control').write_text('+pids')
    (top / 'pids.max').write_text('50')
    c = limit(place(container(), f'{parent}/{PREFIX}-child'), pids={'limit': 7}).create()
    own = cgroups_of(c.pid)['' if view() == 'v2' else 'pids']
    assert own == f'{parent}/{PREFIX}-child'
    assert value(c, 'pids', 'pids.max') == '7' and (top / 'pids.max').read_text().strip() == '50'
    c.delete('--force')
    assert top.is_dir() and not os.path.exists(f'{top}/{PREFIX}-child')
