# SPDX-License-Identifier: Apache-2.0
"""update: other limits for a container that there is, all of them or none."""

import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from harness import cgroup_hierarchies, cgroups_of, controller_file, lacks, need_controller, view, wait_until

pytestmark = pytest.mark.knarr
MIB = 1 << 20


def value(pid, controller, v1_name, v2_name):
    return controller_file(pid, controller, v1_name, v2_name).read_text().strip()


def resources(c, limits, *flags):
    return c.runtime('update', '--resources', '-', *flags, c.id, stdin=json.dumps(limits).encode())


def update_resources(c, limits):
    done = resources(c, limits)
    assert done == (0, '', ''), done


def need_any_limit():
    """A controller with a limit of its own in this view: (its name, the file, a limit's option, a refused option)."""
    for controller, v1_name, v2_name in (('pids', 'pids.max', 'pids.max'), ('memory', 'memory.limit_in_bytes', 'memory.max')):
        hierarchies = cgroup_hierarchies()
        if view() == 'v2' and controller in Path(hierarchies[''], 'cgroup.controllers').read_text().split():
            return controller, v2_name
        if view() != 'v2' and controller in hierarchies:
            return controller, v1_name
    return lacks('pids and memory controllers')


def test_pids(container):
    need_controller('pids')
    c = container().up()
    for limit, expected in (('77', '77'), ('-1', 'max'), ('5', '5')):
        c.runtime.ok('update', '--pids-limit', limit, c.id)
        assert value(c.pid, 'pids', 'pids.max', 'pids.max') == expected
    # It bites.
    done = c.runtime('exec', c.id, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo all')
    assert done.rc != 0 and 'all' not in done.out


def test_memory_units(container):
    need_controller('memory')
    c = container().up()
    for text, expected in (('64m', 64 * MIB), ('100 MiB', 100 * MIB), ('0.5g', 512 * MIB), (str(70 * MIB), 70 * MIB)):
        c.runtime.ok('update', '--memory', text, c.id)
        assert value(c.pid, 'memory', 'memory.limit_in_bytes', 'memory.max') == str(expected)
    c.runtime.ok('update', '-m', '-1', c.id)
    assert value(c.pid, 'memory', 'memory.limit_in_bytes', 'memory.max') in ('max', '9223372036854771712')
    c.runtime.ok('update', '--memory-reservation', '32m', c.id)
    assert value(c.pid, 'memory', 'memory.soft_limit_in_bytes', 'memory.low') == str(32 * MIB)


def swap_file(pid):
    path = controller_file(pid, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max')
    return path if path.exists() else lacks('swap accounting')


def test_memory_and_swap_both_ways(container):
    """On v1 the one bounds the other: up and down, together."""
    need_controller('memory')
    c = container()
    c.config['linux']['resources'] = {'memory': {'limit': 64 * MIB, 'swap': 128 * MIB}}
    c.up()
    swap = swap_file(c.pid)
    part = view() == 'v2'
    for limit, total in ((200, 300), (50, 60), (400, 400), (30, 90)):
        c.runtime.ok('update', '--memory', f'{limit}m', '--memory-swap', f'{total}m', c.id)
        assert value(c.pid, 'memory', 'memory.limit_in_bytes', 'memory.max') == str(limit * MIB)
        assert swap.read_text().strip() == str(((total - limit) if part else total) * MIB)
    # The total stays when only the limit changes.
    c.runtime.ok('update', '--memory', '40m', c.id)
    assert swap.read_text().strip() == str((50 if part else 90) * MIB)
    c.runtime.fails('update', '--memory', '91m', c.id, text='memory.swap: 94371840 is less than the memory limit 95420416, which it includes')
    c.runtime.ok('update', '--memory', '-1', c.id)
    assert swap.read_text().strip() in ('max', '9223372036854771712')


def test_cpu_keeps_the_other_half(container):
    need_controller('cpu')
    c = container()
    c.config['linux']['resources'] = {'cpu': {'quota': 50000, 'period': 200000}}
    c.up()

    def bandwidth():
        if view() == 'v2':
            return value(c.pid, 'cpu', '', 'cpu.max')
        return value(c.pid, 'cpu', 'cpu.cfs_quota_us', '') + ' ' + value(c.pid, 'cpu', 'cpu.cfs_period_us', '')

    assert bandwidth() == '50000 200000'
    for options, expected in ((('--cpu-quota', '30000'), '30000 200000'), (('--cpu-period', '80000'), '30000 80000'),
                              (('--cpu-quota', '5000', '--cpu-period', '10000'), '5000 10000'),
                              (('--cpu-quota', '90000', '--cpu-period', '100000'), '90000 100000'),
                              (('--cpu-quota', '-1'), 'max 100000' if view() == 'v2' else '-1 100000')):
        c.runtime.ok('update', *options, c.id)
        assert bandwidth() == expected


def test_cpu_burst_both_ways(container):
    need_controller('cpu')
    c = container()
    c.config['linux']['resources'] = {'cpu': {'quota': 20000, 'period': 100000}}
    c.up()
    burst = controller_file(c.pid, 'cpu', 'cpu.cfs_burst_us', 'cpu.max.burst')
    if not burst.exists():
        lacks('cpu burst')
    for quota, saved in ((90000, 80000), (10000, 5000), (50000, 50000)):
        c.runtime.ok('update', '--cpu-quota', quota, '--cpu-burst', saved, c.id)
        assert burst.read_text().strip() == str(saved)
    c.runtime.fails('update', '--cpu-quota', '40000', c.id, text='cpu.burst: 50000 is more than the quota 40000')


def test_cpu_shares_and_idle(container):
    need_controller('cpu')
    c = container().up()
    c.runtime.ok('update', '--cpu-share', '2048', c.id)
    weight = '174' if view() == 'v2' else '2048'
    assert value(c.pid, 'cpu', 'cpu.shares', 'cpu.weight') == weight
    idle = controller_file(c.pid, 'cpu', 'cpu.idle', 'cpu.idle')
    if not idle.exists():
        lacks('cpu.idle')
    c.runtime.ok('update', '--cpu-idle', '1', c.id)
    assert idle.read_text().strip() == '1'
    c.runtime.fails('update', '--cpu-share', '100', c.id, text='the cgroup is idle')
    c.runtime.ok('update', '--cpu-idle', '0', c.id)
    assert idle.read_text().strip() == '0'
    assert value(c.pid, 'cpu', 'cpu.shares', 'cpu.weight') == weight


def test_cpuset(container):
    need_controller('cpuset')
    c = container().up()
    c.runtime.ok('update', '--cpuset-cpus', '0', '--cpuset-mems', '0', c.id)
    assert value(c.pid, 'cpuset', 'cpuset.cpus', 'cpuset.cpus') == '0'
    assert os.sched_getaffinity(c.pid) == {0}


def test_created_and_paused(container):
    controller, name = need_any_limit()
    option, file_value = (('--pids-limit', '99'), '99') if controller == 'pids' else (('--memory', '99m'), str(99 * MIB))
    c = container().create()
    c.runtime.ok('update', *option, c.id)
    assert value(c.pid, controller, name, name) == file_value
    c.start()
    assert value(c.pid, controller, name, name) == file_value
    c.runtime.ok('pause', c.id)
    c.runtime.ok('update', option[0], option[1].replace('99', '88'), c.id)
    assert value(c.pid, controller, name, name) == file_value.replace('99', '88') if controller == 'pids' else True
    c.runtime.ok('resume', c.id)
    c.kill('KILL')
    c.wait_stopped()
    c.runtime.fails('update', *option, c.id, text='container not running')
    c.delete()
    c.runtime.fails('update', *option, c.id, text='does not exist')


def files_of(c):
    """Every limit there is, as text."""
    found = {}
    own = cgroups_of(c.pid)
    for controller, top in cgroup_hierarchies().items():
        folder = Path(top + own[controller])
        for name in ('pids.max', 'memory.max', 'memory.low', 'memory.swap.max', 'memory.limit_in_bytes', 'memory.soft_limit_in_bytes',
                     'memory.memsw.limit_in_bytes', 'memory.oom_control', 'cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpu.idle',
                     'cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.cfs_burst_us', 'cpuset.cpus', 'cpuset.mems', 'io.max',
                     'io.weight', 'io.bfq.weight', 'hugetlb.2MB.max', 'hugetlb.2MB.limit_in_bytes',
                     'blkio.throttle.read_bps_device'):
            if (folder / name).exists():
                text = (folder / name).read_text()
                # Counters are no limits.
                found[str(folder / name)] = text.split('\n')[0] if name == 'memory.oom_control' else text
    return found


@pytest.mark.parametrize('idle', [0, 1])
def test_roll_back(container, idle):
    """One value that the kernel refuses, at the end: nothing has changed."""
    need_controller('pids')
    need_controller('cpu')
    c = container()
    c.config['linux']['resources'] = {'pids': {'limit': 50}, 'memory': {'limit': 64 * MIB},
                                      'cpu': {'shares': 2048, 'quota': 50000, 'period': 100000, 'burst': 10000, 'idle': idle}}
    c.up()
    before = files_of(c)
    state = (c.runtime.root / c.id / 'resources.json').exists()
    wanted = {'pids': {'limit': 10}, 'cpu': {'quota': 5000, 'period': 20000, 'burst': 1000, 'idle': 1 - idle},
              'memory': {'limit': 32 * MIB, 'reservation': 16 * MIB}}
    if view() == 'v2':
        wanted['hugepageLimits'] = [{'pageSize': '2MB', 'limit': 4 * MIB}]
        wanted['unified'] = {'pids.max': 'many'}
        text = 'unified.*pids.max.*cgroup controller pids: write "many" to pids.max of cgroup .*: Invalid argument'
    else:
        wanted['memory']['swappiness'] = 40
        wanted['memory']['swap'] = 64 * MIB
        wanted['blockIO'] = {'throttleReadBpsDevice': [{'major': 4095, 'minor': 0, 'rate': 5}]}
        text = r'throttleReadBpsDevice\[0\]: cgroup controller blkio: write "4095:0 5" to blkio.throttle.read_bps_device of cgroup .*: No such device'
    done = resources(c, wanted)
    assert done.rc == 1 and done.err.count('\n') == 1, done
    assert re.search(text, done.err), done.err
    # A controller may have been made available meanwhile, which limits nothing.
    assert {name: text for name, text in files_of(c).items() if name in before} == before
    assert (c.runtime.root / c.id / 'resources.json').exists() == state
    # And without the bad one it goes.
    wanted.pop('unified', None)
    wanted.pop('blockIO', None)
    wanted['memory'].pop('swappiness', None)
    wanted['memory'].pop('swap', None)
    update_resources(c, wanted)
    assert files_of(c) != before


def test_remembers(container):
    """A later update knows of the earlier ones."""
    need_controller('cpu')
    c = container().up()
    c.runtime.ok('update', '--cpu-quota', '40000', '--cpu-period', '100000', c.id)
    kept = json.loads((c.runtime.root / c.id / 'resources.json').read_text())
    assert kept['resources']['cpu'] == {'quota': 40000, 'period': 100000}
    c.runtime.ok('update', '--cpu-share', '512', c.id)
    kept = json.loads((c.runtime.root / c.id / 'resources.json').read_text())
    assert kept['resources']['cpu'] == {'shares': 512, 'quota': 40000, 'period': 100000}
    # The configuration stays the text that it was.
    assert (c.runtime.root / c.id / 'config.json').read_bytes() == (c.bundle.path / 'config.json').read_bytes()
    c.runtime.ok('exec', c.id, 'true')


def test_damaged_memory_is_no_obstacle(container):
    need_controller('cpu')
    c = container().up()
    c.runtime.ok('update', '--cpu-share', '512', c.id)
    for damage in (b'', b'{', b'{"version":99}', b'{"version":1,"resources":7}', b'\0' * 100):
        (c.runtime.root / c.id / 'resources.json').write_bytes(damage)
        done = c.runtime('update', '--cpu-share', '600', c.id)
        assert done.rc == 0 and 'resources.json' in done.err, done
        assert json.loads((c.runtime.root / c.id / 'resources.json').read_text())['resources']['cpu']['shares'] == 600


def test_resources_file_and_forms(container, workdir):
    controller, name = need_any_limit()
    limits = {'pids': {'limit': 33}} if controller == 'pids' else {'memory': {'limit': 33 * MIB}}
    expected = '33' if controller == 'pids' else str(33 * MIB)
    path = workdir / 'limits.json'
    path.write_text(json.dumps(limits))
    c = container().up()
    c.runtime.ok('update', f'--resources={path}', c.id)
    assert value(c.pid, controller, name, name) == expected
    update_resources(c, {})
    assert value(c.pid, controller, name, name) == expected
    # A shell's <(...): no regular file.
    fifo = workdir / 'fifo'
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_text(json.dumps(limits).replace('33', '34')))
    writer.start()
    c.runtime.ok('update', '-r', fifo, c.id)
    writer.join()
    assert '34' in value(c.pid, controller, name, name) or controller == 'memory'
    done = resources(c, limits, '--pids-limit', '5')
    assert done.rc == 0 and done.err == 'knarr: warning: --resources is given: the options about single limits are ignored\n'
    assert value(c.pid, controller, name, name) == expected


@pytest.mark.parametrize('option, text', [
    (('--memory', '1x'), 'invalid value "1x" for flag --memory: not a number of bytes, such as 1048576, 512m or -1'),
    (('--memory', '-2'), 'invalid value "-2" for flag --memory: not a number of bytes'),
    (('--memory', '9999999999g'), 'invalid value "9999999999g" for flag --memory: too large'),
    (('--memory-swap', 'much'), 'invalid value "much" for flag --memory-swap'),
    (('--memory', '2m', '--memory-swap', '1m'), 'memory.swap: 1048576 is less than the memory limit 2097152, which it includes'),
    (('--cpu-quota', '1.5'), 'invalid value "1.5" for flag --cpu-quota: not a whole number'),
    (('--cpu-period', '-5'), 'invalid value "-5" for flag --cpu-period: not a whole number from 0 on'),
    (('--cpu-idle', '2'), 'cpu.idle: must be 0 or 1, not 2'),
    (('--cpu-quota', '2000', '--cpu-burst', '3000'), 'cpu.burst: 3000 is more than the quota 2000'),
    (('--pids-limit', 'x'), 'invalid value "x" for flag --pids-limit'),
    (('--pids-limit', '-7'), 'pids.limit: -7 is neither a number of tasks nor -1'),
    (('--blkio-weight', '5'), 'blockIO.weight: 5 is not between 10 and 1000'),
    (('--blkio-weight', '70000'), 'invalid value "70000" for flag --blkio-weight'),
    (('--cpuset-cpus', '0\n1'), 'cpu.cpus: must not contain a newline'),
    (('--l3-cache-schema', 'L3:0=f'), 'has no class of resctrl'),
    (('--mem-bw-schema', 'MB:0=5'), 'has no class of resctrl'),
    (('--resources', '/nonexistent'), 'open --resources /nonexistent: No such file'),
    (('--nope', '1'), 'unknown flag: --nope'),
])
def test_bad_values(container, option, text):
    c = container().up()
    before = files_of(c)
    assert text in c.runtime.fails('update', *option, c.id, text='')
    assert files_of(c) == before


@pytest.mark.parametrize('given, text', [
    (b'', 'standard input:1:1'),
    (b'{', 'standard input:1:'),
    (b'[]', 'standard input:1:1'),
    (b'{"pids": {"limit": "5"}}', 'standard input:1:20: pids.limit'),
    (b'{"pids": {"limit": 1e99}}', 'standard input:1:20: pids.limit'),
    (b'{"cpu":\n {"idle": 7}}', 'standard input:2:11: cpu.idle: must be 0 or 1, not 7'),
    (b'{"pids": {"limit": 5}, "pids": {}}', 'standard input:1:24'),
    (b'{"hugepageLimits": [{"pageSize": "../x", "limit": 5}]}', 'standard input:1:'),
    (b'{"unified": {"a/b": "1"}}', 'standard input:1:'),
])
def test_bad_resources(container, given, text):
    c = container().up()
    assert text in c.runtime.fails('update', '--resources=-', c.id, stdin=given, text='')


def test_kernel_memory_is_ignored(container):
    c = container().up()
    done = c.runtime('update', '--kernel-memory', '50m', '--kernel-memory-tcp=1m', c.id)
    assert done.rc == 0 and done.err == 'knarr: warning: limits of kernel memory are ignored: kernels no longer have them\n'
    done = resources(c, {'memory': {'kernel': 5}})
    assert done.rc == 0 and done.err.count('\n') == 1


def test_empty_options_say_nothing(container):
    c = container().up()
    before = files_of(c)
    assert c.runtime.ok('update', '--memory', '', '--cpu-quota=', '--pids-limit', '', '--resources', '', c.id) == (0, '', '')
    assert files_of(c) == before


def test_check_before_update(container):
    need_controller('memory')
    c = container(['sh', '-c', 'head -c 20000000 /dev/zero >/dev/shm/ballast; echo ready; sleep 1000']).up()
    c.wait_out('ready')
    done = resources(c, {'memory': {'limit': 4 * MIB, 'checkBeforeUpdate': True}})
    assert done.rc == 1 and 'the memory limit 4194304 is below the' in done.err and done.err.count('\n') == 1, done
    assert c.status == 'running'
    update_resources(c, {'memory': {'limit': 200 * MIB, 'checkBeforeUpdate': True}})


def test_without_a_cgroup(container):
    c = container()
    c.config['linux'].pop('resources', None)
    c.bundle.save()
    c.runtime.ok('run', '--detach', '--bundle', c.bundle.path, c.id, options=['--cgroup-manager=disabled'])
    c.runtime.fails('update', '--pids-limit', '5', c.id, text='the container has no cgroup, which limits need')
    c.runtime.ok('update', c.id)


ZERO = [{'allow': False, 'access': 'rwm'}]
ALL = [{'allow': True, 'access': 'rwm'}]
LOOP = {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rwm'}  # fuse


def reads_kmsg(c):
    """/dev/kmsg (1:11): whether the rules let it be opened."""
    return c.runtime('exec', c.id, 'sh', '-c', 'mknod /dev/kmsg-test c 1 11 2>/dev/null; : </dev/kmsg-test').rc == 0


@pytest.fixture
def device_container(container):
    c = container()
    c.config['linux']['resources'] = {'devices': list(ZERO)}
    caps = c.config['process']['capabilities']
    for kind in ('bounding', 'effective', 'permitted'):
        caps[kind] = sorted(set(caps.get(kind, [])) | {'CAP_MKNOD', 'CAP_SYSLOG'})
    return c.up()


def test_devices_are_replaced(device_container):
    c = device_container
    if c.runtime('exec', '--cap', 'CAP_MKNOD', c.id, 'sh', '-c', 'mknod /dev/x c 1 11').rc != 0:
        lacks('CAP_MKNOD')
    run = lambda: c.runtime('exec', '--cap', 'CAP_MKNOD', '--cap', 'CAP_SYSLOG', c.id, 'sh', '-c', 'exec 3</dev/x').rc == 0
    assert not run()
    update_resources(c, {'devices': ALL})
    assert run()
    # The same in other words, and other limits alone, leave them.
    update_resources(c, {'devices': ALL + [{'allow': True, 'type': 'c', 'major': 1, 'minor': 11, 'access': 'r'}]})
    update_resources(c, {})
    assert run()
    update_resources(c, {'devices': ZERO + [LOOP]})
    assert not run()
    assert c.status == 'running'
    for _ in range(70):  # the kernel takes 64 programs: they do not stack
        update_resources(c, {'devices': ALL})
        update_resources(c, {'devices': ZERO})
    assert not run()


def test_devices_never_more_in_between(device_container):
    """Someone inside tries all the time, while the rules go from one to another that both forbid it."""
    c = device_container
    if c.runtime('exec', '--cap', 'CAP_MKNOD', c.id, 'sh', '-c', 'mknod /dev/x c 1 11; mknod /dev/n c 1 3').rc != 0:
        lacks('CAP_MKNOD')
    script = ('i=0; while [ ! -e /dev/stop ] && [ $i -lt 100000 ]; do (exec 3</dev/x) 2>/dev/null && echo opened; '
              '(exec 3</dev/n) 2>/dev/null || echo lost; i=$((i+1)); echo >/dev/tried; done')
    result = {}
    worker = threading.Thread(target=lambda: result.update(done=c.runtime('exec', '--cap', 'CAP_SYSLOG', c.id, 'sh', '-c', script, timeout=120)))
    worker.start()
    inside = Path(f'/proc/{c.pid}/root/dev')
    wait_until((inside / 'tried').exists, 'the first try')
    for _ in range(20):
        update_resources(c, {'devices': ZERO + [LOOP]})
        update_resources(c, {'devices': ZERO})
    assert worker.is_alive(), result
    (inside / 'stop').touch()
    worker.join()
    assert result['done'].rc == 0 and result['done'].out == '', result


def test_devices_go_back(device_container):
    """Rules that cannot be said: the limits that were written before are put back, and the rules stay."""
    for controller in ('pids', 'cpu', 'memory'):
        need_controller(controller)
    c = device_container
    before = files_of(c)
    done = resources(c, {'pids': {'limit': 12}, 'cpu': {'shares': 99, 'quota': 9000}, 'memory': {'limit': 99 * MIB, 'swap': 199 * MIB, 'reservation': 5 * MIB}, 'devices': [{'allow': True, 'type': 'c', 'major': 4294967295, 'minor': 0, 'access': 'rwm'}]})
    assert done.rc == 1 and 'devices' in done.err and done.err.count('\n') == 1, done
    assert files_of(c) == before


def test_many_at_once(container):
    """Updates of one container wait for each other; the last one holds, whole."""
    need_controller('cpu')
    c = container().up()
    results = []
    pairs = [(quota, period) for quota, period in ((10000, 50000), (20000, 60000), (30000, 70000), (40000, 80000))]
    workers = [threading.Thread(target=lambda q=q, p=p: results.append(c.runtime('update', '--cpu-quota', q, '--cpu-period', p, c.id)))
               for q, p in pairs * 3]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(done.rc == 0 for done in results), results
    if view() == 'v2':
        now = tuple(map(int, value(c.pid, 'cpu', '', 'cpu.max').split()))
    else:
        now = (int(value(c.pid, 'cpu', 'cpu.cfs_quota_us', '')), int(value(c.pid, 'cpu', 'cpu.cfs_period_us', '')))
    assert now in pairs
    kept = json.loads((c.runtime.root / c.id / 'resources.json').read_text())['resources']['cpu']
    assert (kept['quota'], kept['period']) == now


def test_block_io(container):
    """Where a device and its controller are."""
    need_controller('blkio' if view() != 'v2' else 'io')
    disks = [disk for disk in sorted(os.listdir('/sys/block')) if not disk.startswith(('loop', 'ram', 'zram', 'nbd', 'md', 'dm'))]
    if not disks:
        lacks('a block device')
    major, minor = map(int, Path('/sys/block', disks[0], 'dev').read_text().split(':'))
    c = container().up()
    update_resources(c, {'blockIO': {'throttleReadBpsDevice': [{'major': major, 'minor': minor, 'rate': 1048576}]}})
    update_resources(c, {'blockIO': {'throttleWriteIOPSDevice': [{'major': major, 'minor': minor, 'rate': 50}]}})
    if view() == 'v2':
        line = value(c.pid, 'io', '', 'io.max')
        assert line == f'{major}:{minor} rbps=1048576 wbps=max riops=max wiops=50'
    else:
        assert value(c.pid, 'blkio', 'blkio.throttle.read_bps_device', '') == f'{major}:{minor} 1048576'
        assert value(c.pid, 'blkio', 'blkio.throttle.write_iops_device', '') == f'{major}:{minor} 50'
    kept = json.loads((c.runtime.root / c.id / 'resources.json').read_text())['resources']['blockIO']
    assert len(kept) == 2


def test_unified(container):
    if view() != 'v2':
        c = container().up()
        c.runtime.fails('update', '-r', '-', c.id, stdin=b'{"unified": {"memory.high": "5"}}', text='unified.*this host has cgroup v1')
        return
    need_controller('memory')
    c = container().up()
    update_resources(c, {'unified': {'memory.high': '100M'}})
    assert value(c.pid, 'memory', '', 'memory.high') == str(100 * MIB)
    update_resources(c, {'memory': {'limit': 80 * MIB}, 'unified': {'memory.max': '70M', 'memory.min': '1M'}})
    assert value(c.pid, 'memory', '', 'memory.max') == str(70 * MIB)


def test_hugetlb(container):
    need_controller('hugetlb')
    c = container().up()
    update_resources(c, {'hugepageLimits': [{'pageSize': '2MB', 'limit': 4 * MIB}]})
    assert value(c.pid, 'hugetlb', 'hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max') == str(4 * MIB)
    reserved = controller_file(c.pid, 'hugetlb', 'hugetlb.2MB.rsvd.limit_in_bytes', 'hugetlb.2MB.rsvd.max')
    if reserved.exists():
        assert reserved.read_text().strip() == str(4 * MIB)
    wait_until(lambda: c.status == 'running', 'it runs')
