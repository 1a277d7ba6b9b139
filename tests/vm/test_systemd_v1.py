# SPDX-License-Identifier: Apache-2.0
"""The systemd manager on cgroup v1, hybrid or alone: for a machine that was booted so (README.md)."""

import json
from pathlib import Path

import pytest
from harness import cgroup_hierarchies, cgroups_of, lacks, view, wait_until
from machine import MIB, run, save
from test_systemd import HOG, MANAGER, exists, gone, in_a_slice, reload, show, small, unit  # noqa: F401

FILES = {'memory': ('memory.limit_in_bytes', 'memory.soft_limit_in_bytes', 'memory.swappiness'),
         'cpu': ('cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'), 'pids': ('pids.max',), 'devices': ('devices.list',)}


def has_memory():
    """Debian's kernels from 6.12 on have no memory controller for cgroup v1."""
    return 'memory' in cgroup_hierarchies()


def limited(c):
    c.config['linux']['resources'] = {
        'cpu': {'shares': 512, 'quota': 33333, 'period': 50000},
        'pids': {'limit': 50},
        'devices': [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'b', 'major': 254, 'minor': 0, 'access': 'r'}],
    }
    if has_memory():
        c.config['linux']['resources']['memory'] = {'limit': 64 * MIB, 'reservation': 16 * MIB, 'swappiness': 30}
    return c


@pytest.fixture(autouse=True)
def on_v1():
    if view() == 'v2':
        lacks('cgroup v1 below systemd (tests/vm/README.md)')


def folders(name):
    """{controller: the scope's directory}, those that are there."""
    return {controller: Path(top, 'system.slice', name) for controller, top in cgroup_hierarchies().items()
            if Path(top, 'system.slice', name).is_dir()}


def snapshot(name):
    found = folders(name)
    return {file: (found[controller] / file).read_text() for controller, files in FILES.items() if controller in found for file in files}


def test_limits_are_properties_and_files(unit, reload):
    c, name = unit()
    limited(c).up(options=MANAGER)
    own = cgroups_of(c.pid)
    assert {own[controller] for controller in FILES if controller != 'memory' or has_memory()} == {f'/system.slice/{name}'} == {own['name=systemd']}
    assert show(name, 'Slice', 'Delegate', 'CPUShares', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec', 'TasksMax', 'DevicePolicy', 'Description',
                'ActiveState', 'ControlGroup') == {
        'Slice': 'system.slice', 'Delegate': 'yes', 'CPUShares': '512', 'CPUQuotaPerSecUSec': '670ms', 'CPUQuotaPeriodUSec': '50ms',
        'TasksMax': '50', 'DevicePolicy': 'strict', 'Description': f'knarr container {c.id}', 'ActiveState': 'active',
        'ControlGroup': f'/system.slice/{name}'}
    before = snapshot(name)
    # Both write the same files here, so both say the same.
    assert (before['cpu.cfs_quota_us'], before['cpu.cfs_period_us']) == ('33500\n', '50000\n')
    assert before['pids.max'] == '50\n' and before['cpu.shares'] == '512\n'
    assert 'b 254:0 rm' in before['devices.list'] and 'a *:* rwm' not in before['devices.list']
    if has_memory():
        assert show(name, 'MemoryLimit')['MemoryLimit'] == str(64 * MIB)
        assert before['memory.limit_in_bytes'] == f'{64 * MIB}\n' and before['memory.swappiness'] == '30\n'
    reload()
    after = snapshot(name)
    assert set(after.pop('devices.list').split('\n')) == set(before.pop('devices.list').split('\n'))
    assert after == before
    c.delete('--force')
    assert not folders(name)


def test_device_rules_outlive_a_reload(unit, reload):
    """Both write the one list there is."""
    c, name = unit(['sh', '-c', 'head -c 0 </dev/vda && echo block; (exec 3</dev/fuse) 2>&1; (exec 3<>/dev/null) && echo null; sleep 1000'])
    limited(c)
    c.config['linux']['devices'] = [{'path': '/dev/vda', 'type': 'b', 'major': 254, 'minor': 0},
                                    {'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229, 'fileMode': 0o666}]
    c.up(options=MANAGER)
    assert 'block\n' in c.wait_out('null\n') and 'Operation not permitted' in c.read_out()
    before = snapshot(name)['devices.list'].split('\n')
    reload()
    assert sorted(snapshot(name)['devices.list'].split('\n')) == sorted(before)
    script = 'head -c 0 </dev/vda && (exec 3<>/dev/null) && ! (exec 3</dev/fuse) 2>/dev/null'
    assert c.runtime('exec', c.id, 'sh', '-c', script).rc == 0


def test_memory_hog_is_told_of(unit):
    if not has_memory():
        lacks('the memory controller on cgroup v1')
    c, _ = unit()
    small(c).up(options=MANAGER)
    done = c.runtime('exec', c.id, 'sh', '-c', f'exec {HOG}')
    assert done.rc == 137 and f"the process was killed by the cgroup's memory limit of {24 * MIB} bytes" in done.err, done


def test_commands_work_as_ever(unit):
    c, name = unit(['sh', '-c', 'sleep 1000 & wait'])
    c.create(options=MANAGER)
    assert c.status == 'created'
    c.start()
    c.runtime.ok('pause', c.id)
    assert c.status == 'paused'
    c.runtime.ok('resume', c.id)
    assert c.runtime.ok('exec', c.id, 'echo', 'there').out == 'there\n'
    wait_until(lambda: len(json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out)) == 2, 'both')
    assert json.loads(c.runtime.ok('events', '--stats', c.id).out)['data']['pids']['current'] == 2
    c.kill('KILL')
    c.wait_stopped()
    assert c.delete() == (0, '', '')
    assert not folders(name) and not exists(name)


def test_update_is_told_to_systemd(unit, reload):
    c, name = unit()
    limited(c).up(options=MANAGER)
    c.runtime.ok('update', '--pids-limit', '33', '--cpu-share', '1024', '--cpu-quota', '12345', c.id)
    assert show(name, 'TasksMax', 'CPUShares', 'CPUQuotaPerSecUSec') == {'TasksMax': '33', 'CPUShares': '1024', 'CPUQuotaPerSecUSec': '250ms'}
    if has_memory():
        c.runtime.ok('update', '--memory', str(40 * MIB), c.id)
        assert show(name, 'MemoryLimit')['MemoryLimit'] == str(40 * MIB)
    before = snapshot(name)
    assert (before['pids.max'], before['cpu.shares'], before['cpu.cfs_quota_us']) == ('33\n', '1024\n', '12500\n')
    assert before.get('memory.limit_in_bytes', f'{40 * MIB}\n') == f'{40 * MIB}\n'
    reload()
    assert sorted(before.pop('devices.list').split('\n')) == sorted(snapshot(name)['devices.list'].split('\n'))
    assert before.items() <= snapshot(name).items()


def test_failing_create_leaves_no_unit(unit):
    c, name = unit()
    c.config['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '/does/not/exist', 'options': ['bind']})
    save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text='does/not/exist')
    wait_until(lambda: not exists(name) and not folders(name), 'no unit')


def test_stopped_by_systemd(unit):
    c, name = unit(['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 1; done'])
    c.up(options=MANAGER)
    c.wait_out('ready')
    run('systemctl', 'stop', name)
    c.wait_stopped()
    c.delete()
    assert not folders(name)


def test_a_slice_for_a_container(in_a_slice):
    c, name = in_a_slice
    assert cgroups_of(c.pid)['pids'] == f'/{name}'
    c.delete('--force')
    assert not any(Path(top, name).exists() for top in cgroup_hierarchies().values())
