# SPDX-License-Identifier: Apache-2.0
"""Limits that bite: what runs into one meets it, and nobody else does."""

import os
from pathlib import Path

import pytest
from harness import wait_until
from machine import MIB, cgroup_of, limit, nested, refused, run, setting, table, value


@pytest.fixture(scope='module')
def disk():
    """The whole disk under the root file system: limits are not for partitions, which it has none of."""
    device = os.stat('/').st_dev
    return os.major(device), os.minor(device)


# ---- memory ---------------------------------------------------------------------------------------


def test_memory_hog_dies_inside_its_limit(container):
    neighbour = limit(container(), memory={'limit': 64 * MIB}).up()
    beside = cgroup_of(neighbour)
    hog = limit(container(['sh', '-c', 'tail /dev/zero; echo $?; sleep 1000']), memory={'limit': 24 * MIB, 'swap': 24 * MIB}).up()
    assert hog.wait_out('\n') == '137\n'
    inside = cgroup_of(hog)
    assert table(inside, 'memory.events')['oom_kill'] == 1
    assert int(value(inside, 'memory.peak')) <= 24 * MIB
    assert table(beside, 'memory.events')['oom_kill'] == 0
    assert neighbour.status == hog.status == 'running'


def test_memory_limit_of_the_group_kills_all_of_it(container):
    """memory.oom.group by way of `unified`."""
    c = limit(container(['sh', '-c', 'sleep 1000 & tail /dev/zero; echo survived']),
              memory={'limit': 24 * MIB, 'swap': 24 * MIB}, unified={'memory.oom.group': '1'})
    done = c.run()
    assert (done.rc, done.out) == (137, '')


@pytest.fixture
def swap():
    """48 MiB of swap space, for as long as the test runs."""
    path = '/var/tmp/swap'
    with open(path, 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, 48 * MIB)
    os.chmod(path, 0o600)
    run('mkswap', path)
    run('swapon', path)
    yield
    run('swapoff', path)
    os.unlink(path)


# A file of memory that does not compress, as large as the container may have in all or a bit more.
def fill(count):
    return ['sh', '-c', f'dd if=/dev/urandom of=/fill/f bs=1M count={count} 2>/dev/null; echo ended $?; sleep 1000']


def with_tmpfs(c):
    c.config['mounts'].append({'destination': '/fill', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['size=100m']})
    return c


@pytest.mark.alone
def test_swap_takes_what_memory_does_not(container, swap):
    c = with_tmpfs(limit(container(fill(32)), memory={'limit': 24 * MIB, 'swap': 64 * MIB})).up()
    folder = cgroup_of(c)
    assert value(folder, 'memory.swap.max') == str(40 * MIB)
    wait_until(lambda: 'ended 0' in c.read_out(), 'the end of the hog')
    assert int(value(folder, 'memory.swap.current')) > 4 * MIB
    assert table(folder, 'memory.events')['oom_kill'] == 0


@pytest.mark.alone
def test_swap_is_limited_too(container, swap):
    c = with_tmpfs(limit(container(fill(32)), memory={'limit': 24 * MIB, 'swap': 26 * MIB})).up()
    folder = cgroup_of(c)
    assert value(folder, 'memory.swap.max') == str(2 * MIB)
    wait_until(lambda: 'ended 137' in c.read_out(), 'the end of the hog')
    assert int(value(folder, 'memory.swap.peak')) <= 2 * MIB


def test_memory_reservation_and_unlimited(container):
    c = limit(container(), memory={'limit': -1, 'swap': -1, 'reservation': 16 * MIB}).create()
    folder = cgroup_of(c)
    assert [value(folder, f'memory.{name}') for name in ('max', 'swap.max', 'low')] == ['max', 'max', str(16 * MIB)]


def test_memory_limit_too_small_to_begin_says_so(container):
    c = limit(container(), memory={'limit': 4096, 'swap': 4096})
    line = refused(c, 'memory')
    assert 'linux.resources.memory.limit' in line or 'memory limit' in line, line


def test_oom_score_is_lowered(container):
    """The machine has CAP_SYS_RESOURCE, which lowering takes."""
    c = container(['cat', '/proc/self/oom_score_adj'])
    c.config['process']['oomScoreAdj'] = -900
    assert c.output() == '-900\n'


def test_rlimit_is_raised(container):
    c = container(['sh', '-c', 'ulimit -Hn; ulimit -Sn'])
    ceiling = int(open('/proc/sys/fs/nr_open', encoding='ascii').read())
    c.config['process']['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'hard': ceiling, 'soft': 1000}]
    with setting('/proc/sys/fs/nr_open', str(ceiling)):
        assert c.output() == f'{ceiling}\n1000\n'


# ---- processor ------------------------------------------------------------------------------------

BUSY = ['sh', '-c', 'while :; do :; done']


def cpu_seconds(folder):
    return table(folder, 'cpu.stat')['usage_usec'] / 1e6


def test_cpu_hog_gets_its_quota(container):
    c = limit(container(BUSY), cpu={'quota': 20000, 'period': 100000}).up()
    folder = cgroup_of(c)
    assert value(folder, 'cpu.max') == '20000 100000'
    wait_until(lambda: table(folder, 'cpu.stat')['nr_throttled'] > 20, 'it is throttled')
    # Within each period its quota, and what it may be over that by when it is stopped late.
    now = table(folder, 'cpu.stat')
    assert now['usage_usec'] < 1.5 * 20000 * (now['nr_periods'] + 2), now


@pytest.mark.alone
def test_cpu_shares_divide_one_processor(container):
    hogs = [limit(container(BUSY), cpu={'shares': shares, 'cpus': '0'}).up() for shares in (1024, 102)]
    large, small = (cgroup_of(hog) for hog in hogs)
    assert value(large, 'cpu.weight') == '100'
    before = cpu_seconds(large), cpu_seconds(small)
    wait_until(lambda: cpu_seconds(large) - before[0] > 2, 'they have had their shares')
    used = cpu_seconds(large) - before[0], cpu_seconds(small) - before[1]
    assert 2 * used[1] < used[0] < 50 * used[1], used


def test_cpu_burst_and_idle(container):
    c = limit(container(), cpu={'quota': 20000, 'period': 100000, 'burst': 10000}).create()
    assert value(cgroup_of(c), 'cpu.max.burst') == '10000'
    idle = limit(container(), cpu={'idle': 1, 'shares': 1024}).create()
    assert value(cgroup_of(idle), 'cpu.idle') == '1'


def test_cpu_burst_above_quota_is_refused(container):
    refused(limit(container(), cpu={'quota': 20000, 'period': 100000, 'burst': 30000}), 'linux.resources.cpu.burst: 30000 is more than the quota')


# ---- cpuset ---------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize('field, name, status', [('cpus', 'cpuset.cpus', 'Cpus_allowed_list'),
                                                 ('mems', 'cpuset.mems', 'Mems_allowed_list')])
def test_cpuset_of_one(container, field, name, status):
    """The machine has two processors, each in a memory node of its own."""
    c = limit(container(['grep', status, '/proc/self/status']), cpu={field: '1'})
    assert c.output() == f'{status}:\t1\n'
    again = limit(container(), cpu={field: '1'}).create()
    assert value(cgroup_of(again), name) == value(cgroup_of(again), f'{name}.effective') == '1'


@pytest.mark.parametrize('field', ['cpus', 'mems'])
def test_cpuset_that_the_machine_has_not(container, field):
    line = refused(limit(container(), cpu={field: '7'}), f'cpuset.{field}')
    assert f'linux.resources.cpu.{field}' in line


# ---- pids -----------------------------------------------------------------------------------------


def test_fork_bomb_stops_at_the_limit(container):
    """Bounded three times over: by its count, by the limit and by its sleep's end."""
    c = limit(container(['sh', '-c', 'i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i + 1)); done; sleep 60']), pids={'limit': 20})
    folder = cgroup_of(c.create())
    c.start()  # the shell ends when it cannot fork, and its cgroup stays
    wait_until(lambda: table(folder, 'pids.events')['max'] > 0, 'the limit is met')
    assert int(value(folder, 'pids.peak')) == 20
    assert int(value(folder, 'pids.current')) <= 20
    run('true')  # the machine itself can still


@pytest.mark.parametrize('given, written', [(-1, 'max'), (0, '1'), (1, '1'), (4194304, '4194304')])
def test_pids_words(container, given, written):
    c = limit(container(), pids={'limit': given}).create()
    assert value(cgroup_of(c), 'pids.max') == written


def test_pids_limit_of_one_runs_one(container):
    done = limit(container(['sh', '-c', 'sleep 0 & wait; echo two']), pids={'limit': 1}).run()
    assert 'two' not in done.out
    assert limit(container(['echo', 'one']), pids={'limit': 1}).output() == 'one\n'


# ---- io -------------------------------------------------------------------------------------------


def on_disk(c):
    """/data inside is a directory of the disk, for what goes past the page cache."""
    source = f'/var/tmp/{c.id}'
    os.mkdir(source)
    c.config['mounts'].append({'destination': '/data', 'type': 'bind', 'source': source, 'options': ['bind', 'rw']})
    return source


def write_seconds(c):
    source = on_disk(c)
    try:
        done = c.run()
        assert done.rc == 0, done
        begin, end = (float(word) for word in done.out.split())
        return end - begin
    finally:
        run('rm', '-r', source)


WRITE = ['sh', '-c', 'cut -d" " -f1 /proc/uptime; dd if=/dev/zero of=/data/f bs=64k count=64 oflag=direct 2>/dev/null; cut -d" " -f1 /proc/uptime']


@pytest.mark.alone
def test_io_max_throttles(container, disk):
    """4 MiB at 1 MiB a second, and the same without a limit."""
    free = write_seconds(limit(container(WRITE)))
    device = {'major': disk[0], 'minor': disk[1], 'rate': MIB}
    slow = write_seconds(limit(container(WRITE), blockIO={'throttleWriteBpsDevice': [device]}))
    assert slow > 2.5, (free, slow)
    assert free < slow / 2, (free, slow)


def test_io_max_is_one_line_of_four(container, disk):
    device = {'major': disk[0], 'minor': disk[1]}
    c = limit(container(), blockIO={'throttleReadBpsDevice': [{**device, 'rate': 1000000}], 'throttleWriteBpsDevice': [{**device, 'rate': 2000000}],
                                    'throttleReadIOPSDevice': [{**device, 'rate': 300}], 'throttleWriteIOPSDevice': [{**device, 'rate': 400}]}).create()
    assert nested(cgroup_of(c), 'io.max')[f'{disk[0]}:{disk[1]}'] == {'rbps': '1000000', 'wbps': '2000000', 'riops': '300', 'wiops': '400'}


def test_io_device_that_is_none(container):
    line = refused(limit(container(), blockIO={'throttleReadBpsDevice': [{'major': 99, 'minor': 99, 'rate': 1}]}), 'io.max')
    assert 'linux.resources.blockIO.throttleReadBpsDevice[0]' in line


def test_io_weight(container):
    """Without bfq it is for the kernel's model of the disk's costs, which has a scale of its own."""
    c = limit(container(), blockIO={'weight': 500}).create()
    assert value(cgroup_of(c), 'io.weight') == 'default 4950'


@pytest.fixture
def bfq():
    """The disk's scheduler is bfq."""
    scheduler = Path('/sys/block/vda/queue/scheduler')
    before = scheduler.read_text().split('[')[1].split(']')[0]
    scheduler.write_text('bfq')
    yield
    scheduler.write_text(before)
    run('rmmod', 'bfq')


@pytest.mark.alone
def test_io_weight_with_bfq(container, disk, bfq):
    device = {'major': disk[0], 'minor': disk[1], 'weight': 300}
    c = limit(container(), blockIO={'weight': 500, 'weightDevice': [device]}).create()
    assert value(cgroup_of(c), 'io.bfq.weight').splitlines() == ['default 500', f'{disk[0]}:{disk[1]} 300']
    c.delete('--force')


# ---- huge pages -----------------------------------------------------------------------------------


@pytest.mark.alone
def test_hugetlb_limit_bites(container):
    with setting('/proc/sys/vm/nr_hugepages', '4'):
        config = {'destination': '/huge', 'type': 'hugetlbfs', 'source': 'hugetlbfs', 'options': ['rw']}
        outcome = {}
        for pages in (1, 2):
            c = limit(container(['fallocate', '-l', str(4 * MIB), '/huge/f']), hugepageLimits=[{'pageSize': '2MB', 'limit': pages * 2 * MIB}])
            c.config['mounts'].append(config)
            outcome[pages] = c.run().rc
        assert outcome[1] != 0 and outcome[2] == 0, outcome


def test_hugetlb_files(container):
    c = limit(container(), hugepageLimits=[{'pageSize': '2MB', 'limit': 4 * MIB}]).create()
    assert [value(cgroup_of(c), f'hugetlb.2MB.{name}') for name in ('max', 'rsvd.max')] == [str(4 * MIB)] * 2


def test_hugetlb_size_that_the_machine_has_not(container):
    assert 'linux.resources.hugepageLimits[0]' in refused(limit(container(), hugepageLimits=[{'pageSize': '3MB', 'limit': 1}]), 'hugetlb.3MB.max')


# ---- unified --------------------------------------------------------------------------------------


def test_unified_is_written_last_and_by_line(container, disk):
    device = f'{disk[0]}:{disk[1]}'
    c = limit(container(), memory={'limit': 64 * MIB}, pids={'limit': 10},
              unified={'memory.high': str(32 * MIB), 'pids.max': '11', 'cpu.weight.nice': '-5', 'io.max': f'{device} rbps=1000000\n{device} wiops=77'}).create()
    folder = cgroup_of(c)
    assert (value(folder, 'memory.high'), value(folder, 'pids.max'), value(folder, 'cpu.weight.nice')) == (str(32 * MIB), '11', '-5')
    limits = nested(folder, 'io.max')[device]
    assert (limits['rbps'], limits['wiops']) == ('1000000', '77')


def test_unified_file_that_is_none(container):
    assert 'linux.resources.unified' in refused(limit(container(), unified={'memory.nothing': '1'}), 'memory.nothing')


def test_unified_value_that_is_none(container):
    assert 'memory.high' in refused(limit(container(), unified={'memory.high': 'much'}), 'linux.resources.unified')


def test_rdma_device_that_is_none(container):
    assert 'linux.resources.rdma' in refused(limit(container(), rdma={'mlx9': {'hcaHandles': 1}}), 'rdma.max')


def test_v1_only_is_named(container):
    assert 'linux.resources.network.classID' in refused(limit(container(), network={'classID': 5}), 'cgroup v2 has nothing like it')
