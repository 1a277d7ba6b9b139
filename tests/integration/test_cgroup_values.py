# SPDX-License-Identifier: Apache-2.0
"""Single values of linux.resources, those of cgroup v1 alone, and cgroups that cannot be used."""

import json
import os
import re
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


# What is wrong, with the words about it, and the value that the line and column point to.
BAD_INPUT = [
    ({'cgroupsPath': '/a\nb'}, 'linux.cgroupsPath: must not contain a newline', '/a\nb'),
    ({'cgroupsPath': '/a/../b'}, 'linux.cgroupsPath: must not have ".." in it', '/a/../b'),
    ({'cgroupsPath': '..'}, 'linux.cgroupsPath: must not have ".." in it', '..'),
    ({'cgroupsPath': '/..'}, 'linux.cgroupsPath: must not have ".." in it', '/..'),
    ({'cgroupsPath': '/a/./../../b'}, 'linux.cgroupsPath: must not have ".." in it', '/a/./../../b'),
    ({'cgroupsPath': '/'}, 'linux.cgroupsPath: "/" is the root of all cgroups', '/'),
    ({'cgroupsPath': '/a\x01b'}, 'linux.cgroupsPath: has a control character in it', '/a\x01b'),
    ({'cgroupsPath': '/' + 'x' * 256}, f'linux.cgroupsPath: "/{"x" * 256}" has a name of more than 255 bytes in it', '/' + 'x' * 256),
    ({'resources': {'pids': {'limit': -2}}}, 'linux.resources.pids.limit: -2 is neither a number of tasks nor -1 (unlimited)', -2),
    ({'resources': {'memory': {'limit': -2}}}, 'linux.resources.memory.limit: -2 is neither a number of bytes nor -1 (unlimited)', -2),
    ({'resources': {'memory': {'limit': 1 << 63}}},
     'linux.resources.memory.limit: 9223372036854775808 is out of range (-9223372036854775808 to 9223372036854775807)', 1 << 63),
    ({'resources': {'memory': {'limit': 2 * MIB, 'swap': MIB}}},
     'linux.resources.memory.swap: 1048576 is less than the memory limit 2097152, which it includes', MIB),
    ({'resources': {'memory': {'swap': MIB}}}, 'linux.resources.memory.swap: includes the memory limit, and there is none', MIB),
    ({'resources': {'memory': {'swappiness': 101}}}, 'linux.resources.memory.swappiness: 101 is not between 0 and 100', 101),
    ({'resources': {'cpu': {'idle': 3}}}, 'linux.resources.cpu.idle: must be 0 or 1, not 3', 3),
    ({'resources': {'cpu': {'cpus': '0\n1'}}}, 'linux.resources.cpu.cpus: must not contain a newline', '0\n1'),
    ({'resources': {'cpu': {'quota': 2000, 'burst': 2001}}}, 'linux.resources.cpu.burst: 2001 is more than the quota 2000', 2001),
    ({'resources': {'cpu': {'realtimePeriod': 5, 'realtimeRuntime': 9}}},
     'linux.resources.cpu.realtimeRuntime: 9 is more than the period 5', 9),
    ({'resources': {'blockIO': {'weight': 5}}}, 'linux.resources.blockIO.weight: 5 is not between 10 and 1000', 5),
    ({'resources': {'blockIO': {'throttleReadBpsDevice': [{'major': -1, 'minor': 0, 'rate': 1}]}}},
     'linux.resources.blockIO.throttleReadBpsDevice[0].major: -1 is not a device number', -1),
    ({'resources': {'hugepageLimits': [{'pageSize': '2M', 'limit': 1}]}},
     'linux.resources.hugepageLimits[0].pageSize: "2M" is not a page size like "2MB"', '2M'),
    ({'resources': {'network': {'classID': 1 << 32}}},
     'linux.resources.network.classID: 4294967296 is out of range (0 to 4294967295)', 1 << 32),
    ({'resources': {'network': {'priorities': [{'name': 'a/b', 'priority': 1}]}}},
     'linux.resources.network.priorities[0].name: "a/b" cannot be the name of a network interface', 'a/b'),
    ({'resources': {'rdma': {'mlx': {}}}}, 'linux.resources.rdma.mlx: needs hcaHandles or hcaObjects', {}),
    ({'resources': {'devices': [{'allow': True, 'type': 'x', 'access': 'r'}]}},
     'linux.resources.devices[0].type: "x" is not a known device type (valid: a, c, b)', 'x'),
    ({'resources': {'devices': [{'allow': True, 'type': 'c', 'access': 'rwx'}]}},
     'linux.resources.devices[0].access: "rwx" has other letters than "r", "w" and "m"', 'rwx'),
    ({'resources': {'unified': {'../pids.max': '7'}}},
     'linux.resources.unified["../pids.max"]: "../pids.max" is not the name of a file of the cgroup', '7'),
]


@pytest.mark.parametrize('given, text, value', BAD_INPUT, ids=[text.split(':')[0] for _, text, _ in BAD_INPUT])
def test_bad_input_word_for_word(container, given, text, value):
    """Nothing has been made by then: the fixture looks for cgroups and state."""
    c = container()
    c.config['linux'].update(given)
    line = refused(c, '')
    found = re.fullmatch(r'knarr: config\.json:(\d+):(\d+): (.*)\n', line)
    assert found and found.group(3) == text, line
    lines = (c.bundle.path / 'config.json').read_text().split('\n')
    assert lines[int(found.group(1)) - 1][int(found.group(2)) - 1:].startswith(json.dumps(value)), line


REFUSED_BY_THE_KERNEL = [
    ('pids', {'pids': {'limit': 99999999999}}, 'pids.limit', 'write "99999999999" to pids.max of cgroup {}: Invalid argument (EINVAL)'),
    ('cpuset', {'cpu': {'cpus': '99999'}}, 'cpu.cpus', 'write "99999" to cpuset.cpus of cgroup {}: Numerical result out of range (ERANGE)'),
    ('blkio', {'blockIO': {'throttleReadBpsDevice': [{'major': 4095, 'minor': 9, 'rate': 1}]}}, 'blockIO.throttleReadBpsDevice[0]',
     'write "4095:9 1" to blkio.throttle.read_bps_device of cgroup {}: No such device (ENODEV)'),
    ('io', {'blockIO': {'throttleReadBpsDevice': [{'major': 4095, 'minor': 9, 'rate': 1}]}}, 'blockIO.throttleReadBpsDevice[0]',
     'write "4095:9 rbps=1" to io.max of cgroup {}: No such device (ENODEV)'),
]


@pytest.mark.parametrize('controller, resources, field, text', REFUSED_BY_THE_KERNEL, ids=[f'{row[0]}-{row[2]}' for row in REFUSED_BY_THE_KERNEL])
def test_values_that_the_kernel_refuses(container, controller, resources, field, text):
    """Controller, file, value and reason; the cgroup that was made for it is gone again."""
    if controller in ('blkio', 'io') and (controller == 'io') != (view() == 'v2'):
        lacks(f'the {controller} controller in this view')
    need_controller(controller)
    c = limit(place(container()), **resources)
    folder = f'{cgroup_hierarchies()["" if view() == "v2" else controller]}/{c.id}'
    found = re.fullmatch(r'knarr: config\.json:\d+:\d+: (.*)\n', refused(c, ''))
    assert found and found.group(1) == f'linux.resources.{field}: cgroup: cgroup controller {controller}: {text.format(folder)}'


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
    # What a kubelet asks for where a pod asks for nothing: no huge pages at all, so not nothing.
    ({'hugepageLimits': [{'pageSize': '2MB', 'limit': 0}, {'pageSize': '1GB', 'limit': 0}]}, 'hugetlb'),
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
    hint = r'it may be disabled by cgroup_disable='
    if view() != 'v2' and '' in hierarchies and name in Path(hierarchies[''], 'cgroup.controllers').read_text().split():
        hint = f'on this hybrid host it belongs to {hierarchies[""]}, where no limits are'
    refused(limit(place(container()), **resources), f'linux\\.resources\\..*cgroup controller {name} is missing.*{hint}')


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
