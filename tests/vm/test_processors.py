# SPDX-License-Identifier: Apache-2.0
"""Processors, priorities and memory nodes of a process, on a machine with two of each."""

import ctypes
import json
import os
import struct

import pytest
from harness import LIBC
from machine import MIB, cgroup_of, limit, refused
from test_namespaces import OUTSIDE, give_user_namespace

SYS_SCHED_GETATTR, SYS_IOPRIO_GET = 315, 252
POLICIES = {'SCHED_OTHER': 0, 'SCHED_FIFO': 1, 'SCHED_RR': 2, 'SCHED_BATCH': 3, 'SCHED_IDLE': 5, 'SCHED_DEADLINE': 6}
FIELDS = ('size', 'policy', 'flags', 'nice', 'priority', 'runtime', 'deadline', 'period')


def scheduling_of(pid):
    """sched_getattr(2)"""
    buffer = ctypes.create_string_buffer(48)
    assert LIBC.syscall(SYS_SCHED_GETATTR, pid, buffer, len(buffer), 0) == 0
    return dict(zip(FIELDS, struct.unpack('IIQiIQQQ', buffer.raw)))


def io_priority_of(pid):
    """(class, priority) of ioprio_get(2)"""
    value = LIBC.syscall(SYS_IOPRIO_GET, 1, pid)
    return value >> 13, value & 7


# ---- the scheduler --------------------------------------------------------------------------------


@pytest.mark.parametrize('scheduler', [
    {'policy': 'SCHED_OTHER', 'nice': 7},
    {'policy': 'SCHED_OTHER', 'nice': -11},
    {'policy': 'SCHED_BATCH', 'nice': 3},
    {'policy': 'SCHED_IDLE'},
    {'policy': 'SCHED_FIFO', 'priority': 12},
    {'policy': 'SCHED_RR', 'priority': 99, 'flags': ['SCHED_FLAG_RESET_ON_FORK']},
    {'policy': 'SCHED_DEADLINE', 'runtime': 1000000, 'deadline': 20000000, 'period': 40000000},
], ids=lambda scheduler: f'{scheduler["policy"]} {scheduler.get("nice", "")}'.strip())
def test_scheduler_in_a_user_namespace(container, scheduler):
    """Set by the runtime, which has the privilege that the container's root has not."""
    c = give_user_namespace(container(scheduler=scheduler)).up()
    seen = scheduling_of(c.pid)
    wanted = {**scheduler, 'policy': POLICIES[scheduler['policy']], 'flags': int('flags' in scheduler)}
    assert {key: seen[key] for key in wanted} == wanted


@pytest.mark.alone
def test_deadlines_that_the_machine_cannot_meet(container):
    """One for nearly all there is, and one too many."""
    scheduler = {'policy': 'SCHED_DEADLINE', 'runtime': 90000000, 'deadline': 100000000, 'period': 100000000}
    made = [container(scheduler=scheduler).up() for _ in range(2)]
    line = refused(container(scheduler=scheduler), 'set the scheduler to SCHED_DEADLINE')
    assert 'process.scheduler' in line and 'bandwidth' in line
    assert all(c.status == 'running' for c in made)


@pytest.mark.parametrize('kind, number', [('IOPRIO_CLASS_RT', 1), ('IOPRIO_CLASS_BE', 2), ('IOPRIO_CLASS_IDLE', 3)])
def test_io_priority(container, kind, number):
    level = 0 if number == 3 else 5
    c = container(ioPriority={'class': kind, 'priority': level}).up()
    assert io_priority_of(c.pid) == (number, level)


def test_exec_has_its_own(container, workdir):
    c = container(scheduler={'policy': 'SCHED_IDLE'}).up()
    pid_file = workdir / 'pid'
    process = {**c.config['process'], 'args': ['sleep', '1000'], 'scheduler': {'policy': 'SCHED_OTHER', 'nice': -3},
               'ioPriority': {'class': 'IOPRIO_CLASS_BE', 'priority': 1}, 'oomScoreAdj': -500,
               'rlimits': [{'type': 'RLIMIT_NICE', 'hard': 40, 'soft': 30}]}
    (workdir / 'process.json').write_text(json.dumps(process))
    c.runtime.ok('exec', '--detach', '--pid-file', pid_file, '--process', workdir / 'process.json', c.id)
    pid = int(pid_file.read_text())
    assert (scheduling_of(pid)['policy'], scheduling_of(pid)['nice'], io_priority_of(pid)) == (0, -3, (2, 1))
    with open(f'/proc/{pid}/oom_score_adj', encoding='ascii') as score:
        assert score.read() == '-500\n'
    with open(f'/proc/{pid}/limits', encoding='ascii') as limits:
        assert 'Max nice priority         30                   40' in limits.read()


# ---- what needs privilege over the host, in a user namespace -----------------------------------------


def test_oom_score_and_rlimits_in_a_user_namespace(container):
    c = give_user_namespace(container(['sh', '-c', 'cat /proc/self/oom_score_adj; ulimit -Hl; id -u']))
    c.config['process']['oomScoreAdj'] = -700
    c.config['process']['rlimits'] = [{'type': 'RLIMIT_MEMLOCK', 'hard': 512 * MIB, 'soft': MIB}]
    assert c.output() == f'-700\n{512 * 1024}\n0\n'
    assert os.stat(c.rootfs).st_uid == OUTSIDE


# ---- processors -----------------------------------------------------------------------------------


def test_exec_affinity_within_a_cpuset(container, workdir):
    """`final` is of the container's cpuset; one beyond it cannot be."""
    c = limit(container(), cpu={'cpus': '1'}).up()
    process = {**c.config['process'], 'args': ['grep', 'Cpus_allowed_list', '/proc/self/status']}

    def execute(**affinity):
        (workdir / 'process.json').write_text(json.dumps({**process, 'execCPUAffinity': affinity}))
        return c.runtime('exec', '--process', workdir / 'process.json', c.id)
    assert execute(initial='0', final='1').out == 'Cpus_allowed_list:\t1\n'
    beyond = execute(initial='0', final='0')
    assert beyond.rc == 255 and 'execCPUAffinity.final' in beyond.err


@pytest.mark.alone
def test_cpuset_partition(container):
    """A partition of its own, by way of `unified`: the processor is taken from everybody else."""
    c = limit(container(['grep', 'Cpus_allowed_list', '/proc/self/status']),
              unified={'cpuset.cpus': '1', 'cpuset.cpus.partition': 'root'})
    assert c.output() == 'Cpus_allowed_list:\t1\n'
    held = limit(container(), unified={'cpuset.cpus': '1', 'cpuset.cpus.partition': 'root'}).create()
    assert (cgroup_of(held) / 'cpuset.cpus.partition').read_text() == 'root\n'


# ---- memory nodes ---------------------------------------------------------------------------------


@pytest.mark.parametrize('policy, shown', [
    ({'mode': 'MPOL_BIND', 'nodes': '1'}, 'bind:1'),
    ({'mode': 'MPOL_BIND', 'nodes': '0-1', 'flags': ['MPOL_F_STATIC_NODES']}, 'bind=static:0-1'),
    ({'mode': 'MPOL_INTERLEAVE', 'nodes': '0,1', 'flags': ['MPOL_F_RELATIVE_NODES']}, 'interleave=relative:0-1'),
    ({'mode': 'MPOL_WEIGHTED_INTERLEAVE', 'nodes': '0-1'}, 'weighted interleave:0-1'),
    ({'mode': 'MPOL_PREFERRED', 'nodes': '1'}, 'prefer:1'),
    ({'mode': 'MPOL_PREFERRED_MANY', 'nodes': '0-1'}, 'prefer (many):0-1'),
    ({'mode': 'MPOL_LOCAL'}, 'local'),
    ({'mode': 'MPOL_DEFAULT'}, 'default'),
], ids=lambda value: value if isinstance(value, str) else '')
def test_memory_policy(container, policy, shown):
    c = container()
    c.config['linux']['memoryPolicy'] = policy
    with open(f'/proc/{c.up().pid}/numa_maps', encoding='ascii') as table:
        lines = table.read().splitlines()
    assert lines and all(line.split(' ', 1)[1].startswith(shown) for line in lines), lines


def test_memory_policy_places_pages(container):
    c = container()
    c.config['linux']['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '1'}
    with open(f'/proc/{c.up().pid}/numa_maps', encoding='ascii') as table:
        stack = next(line for line in table if '[stack]' in line or 'stack' in line)
    assert 'N1=' in stack and 'N0=' not in stack


@pytest.mark.parametrize('policy', [{'mode': 'MPOL_BIND', 'nodes': '5'}, {'mode': 'MPOL_LOCAL', 'nodes': '1'}], ids=['node', 'mode'])
def test_memory_policy_that_cannot_be(container, policy):
    c = container()
    c.config['linux']['memoryPolicy'] = policy
    assert 'linux.memoryPolicy' in refused(c, policy['mode'])
