# SPDX-License-Identifier: Apache-2.0
"""process.scheduler and ioPriority, linux.personality and memoryPolicy, the session keyring: of init and of
what enters later."""

import os
import re
import subprocess

import pytest
from harness import host_has_capability, lacks

pytestmark = pytest.mark.knarr
# What is inherited where a policy has none.
NICE = os.getpriority(os.PRIO_PROCESS, 0)


def detached(c, workdir):
    """A process that has entered; its pid."""
    pid_file = workdir / 'pid'
    c.runtime.ok('exec', '--detach', '--pid-file', pid_file, c.id, 'sleep', '1000')
    return int(pid_file.read_text())


def both(c, workdir):
    c.up()
    return c.pid, detached(c, workdir)


def scheduling(pid):
    """(policy, priority, nice) as chrt(1) and the kernel tell it."""
    told = subprocess.run(['chrt', '-p', str(pid)], capture_output=True, text=True, check=True).stdout
    policy = re.search(r'policy: (\S+)', told).group(1)
    priority = int(re.search(r'priority: (\d+)', told).group(1))
    return policy, priority, os.getpriority(os.PRIO_PROCESS, pid)


@pytest.mark.parametrize('scheduler,wanted', [
    ({'policy': 'SCHED_OTHER', 'nice': 7}, ('SCHED_OTHER', 0, 7)),
    ({'policy': 'SCHED_BATCH', 'nice': 5}, ('SCHED_BATCH', 0, 5)),
    ({'policy': 'SCHED_IDLE'}, ('SCHED_IDLE', 0, NICE)),
    ({'policy': 'SCHED_BATCH', 'flags': ['SCHED_FLAG_RESET_ON_FORK']}, ('SCHED_BATCH|SCHED_RESET_ON_FORK', 0, 0)),
    ({'policy': 'SCHED_FIFO', 'priority': 3}, ('SCHED_FIFO', 3, NICE)),
    ({'policy': 'SCHED_RR', 'priority': 4}, ('SCHED_RR', 4, NICE)),
])
def test_scheduler(container, workdir, scheduler, wanted):
    realtime = 'priority' in scheduler
    if realtime and not host_has_capability('SYS_NICE'):
        lacks('CAP_SYS_NICE')
    c = container(scheduler=scheduler)
    if realtime:
        # A cgroup of v1 may give no time to real-time tasks, nor does an ordinary one of a root that lacks some.
        done = c._make('create')
        if done.rc != 0 and 'EPERM' in done.err:
            lacks('real-time scheduling for root')
        assert done.rc == 0, done
        c.start()
        pids = c.pid, detached(c, workdir)
    else:
        pids = both(c, workdir)
    assert [scheduling(pid) for pid in pids] == [wanted] * 2


def test_deadline_scheduler(container):
    """What the kernel makes of it is its business; that it is asked is ours."""
    c = container(['true'], scheduler={'policy': 'SCHED_DEADLINE', 'runtime': 10**6, 'deadline': 10**7, 'period': 10**8})
    done = c.run()
    assert done.rc == 0 or 'process.scheduler: set the scheduler to SCHED_DEADLINE: ' in done.err, done


@pytest.mark.parametrize('priority,wanted', [
    ({'class': 'IOPRIO_CLASS_BE', 'priority': 2}, 'best-effort: prio 2'),
    ({'class': 'IOPRIO_CLASS_IDLE', 'priority': 0}, 'idle'),
    ({'class': 'IOPRIO_CLASS_IDLE'}, 'idle'),
])
def test_io_priority(container, workdir, priority, wanted):
    told = [subprocess.run(['ionice', '-p', str(pid)], capture_output=True, text=True, check=True).stdout.strip()
            for pid in both(container(ioPriority=priority), workdir)]
    assert told == [wanted] * 2


@pytest.mark.parametrize('domain,machine', [('LINUX32', 'i686'), ('LINUX', os.uname().machine)])
def test_personality(container, domain, machine):
    if os.uname().machine != 'x86_64':
        lacks('an x86-64 processor')
    c = container(['sh', '-c', 'uname -m; sleep 1000'])
    c.config['linux']['personality'] = {'domain': domain}
    c.up()
    c.wait_out('\n')
    assert c.read_out() == f'{machine}\n'
    assert c.runtime('exec', c.id, 'uname', '-m').out == f'{machine}\n'


@pytest.mark.parametrize('policy,wanted', [
    ({'mode': 'MPOL_BIND', 'nodes': '0'}, 'bind:0'),
    ({'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_STATIC_NODES']}, 'bind=static:0'),
    ({'mode': 'MPOL_INTERLEAVE', 'nodes': '0'}, 'interleave:0'),
    ({'mode': 'MPOL_PREFERRED', 'nodes': '0'}, 'prefer:0'),
    ({'mode': 'MPOL_LOCAL'}, 'local'),
])
def test_memory_policy(container, workdir, policy, wanted):
    if not os.path.exists('/proc/self/numa_maps'):
        lacks('a kernel with NUMA')
    c = container()
    c.config['linux']['memoryPolicy'] = policy
    for pid in both(c, workdir):
        with open(f'/proc/{pid}/numa_maps', encoding='ascii') as maps:
            assert {line.split()[1] for line in maps} == {wanted}


def test_memory_policy_of_a_node_that_is_not_there(container):
    if not os.path.exists('/proc/self/numa_maps'):
        lacks('a kernel with NUMA')
    c = container(['true'])
    c.config['linux']['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '63'}
    done = c.run()
    assert done.rc == 1 and 'linux.memoryPolicy: ' in done.err and 'nodes "63": Invalid argument (EINVAL)' in done.err


def test_session_keyring(container):
    """Its own, of the container's name, and the same for what enters; none of it with --no-new-keyring, and none for what enters then."""
    if not os.path.exists('/proc/keys'):
        lacks('a kernel with keyrings')
    c = container(['sh', '-c', 'cat /proc/keys; sleep 1000'])
    c.config['linux'].pop('maskedPaths', None)
    c.up()
    c.wait_out(f'_ses.{c.id}')
    assert f'_ses.{c.id}' in c.runtime('exec', c.id, 'cat', '/proc/keys').out
    other = container(['cat', '/proc/keys'])
    other.config['linux'].pop('maskedPaths', None)
    assert f'_ses.{other.id}' not in other.output('--no-new-keyring')
    third = container(['sleep', '1000'])
    third.config['linux'].pop('maskedPaths', None)
    third.up('--no-new-keyring')
    assert f'_ses.{third.id}' not in third.runtime('exec', third.id, 'cat', '/proc/keys').out
