# SPDX-License-Identifier: Apache-2.0
"""containerd as a machine with systemd has it: its service, contrib's file (SystemdCgroup = true) and nothing else changed but the
pause image, of which there is no other; every container is in a scope of systemd's. tests/engines has the rest, without systemd."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE, PREFIX, cgroups_of, wait_until
from machine import CGROUPS, MIB, alone, install, run, table, value
from test_systemd import exists, show

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests/engines'))

import cri  # noqa: E402
import engines  # noqa: E402

NAME = 'docker.io/library/busybox:latest'
KNARR = '/usr/local/bin/knarr'
STATE = '/run/containerd/runc/k8s.io'
SECONDS = 2 * PATIENCE  # it is some ten times slower here
SLICE = f'{PREFIX}pods.slice'.replace('-', '')
COUNTER = itertools.count(1)
FILES = ('memory.max', 'cpu.max', 'cpu.weight', 'cpuset.cpus', 'pids.max', 'memory.swap.max')
PROPERTIES = ('MemoryMax', 'CPUQuotaPerSecUSec', 'CPUWeight', 'AllowedCPUs', 'Slice')


@pytest.fixture(scope='module')
def alone_in_containerd():
    with alone('containerd'):
        yield


@pytest.fixture(scope='module')
def containerd(alone_in_containerd, program, base, busybox):
    """The service, with the image."""
    install(program)
    pause = f'\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "{NAME}"\n'
    Path('/etc/containerd').mkdir(exist_ok=True)
    Path('/etc/containerd/config.toml').write_text((TOP / 'contrib/engines/containerd/config.toml').read_text() + pause)
    run('systemctl', 'start', 'containerd.service')
    tree = base / 'containerd-image'
    engines.make_image_tree(tree, busybox)
    run('tar', '-C', str(tree), '--numeric-owner', '-cf', str(base / 'containerd-image.tar'), '.')
    # A pause container sleeps; that is all that is asked of this image's command.
    engines.make_layout(base / 'containerd-image.tar', base / 'oci.tar', NAME, {'Cmd': ['/bin/sleep', '100000']})
    ok('images', 'import', base / 'oci.tar')
    yield
    run('systemctl', 'stop', 'containerd.service')
    shutil.rmtree(tree)


def ctr(*words):
    """In the namespace of the CRI, so that the image is to be unpacked once."""
    return engines.call(['ctr', '-n', 'k8s.io', *words], timeout=SECONDS)


def ok(*words):
    done = ctr(*words)
    assert done.rc == 0, f'{words}: {done}'
    return done.out


def tasks():
    """{id: (pid, status)}"""
    lines = ok('task', 'ls').splitlines()[1:]
    return {name: (int(pid), status) for name, pid, status in (line.split() for line in lines)}


def scope_of(pid):
    """(unit, its cgroup, the container's)"""
    inner = Path(f'{CGROUPS}{cgroups_of(pid)[""]}')
    assert inner.name == 'container' and inner.parent.name.endswith('.scope'), inner
    return inner.parent.name, inner.parent, inner


def limits(unit, outer, inner):
    """All there is to be known about the limits, for a comparison."""
    return {**show(unit, *PROPERTIES), **{f'{folder.name}/{name}': value(folder, name) for folder in (outer, inner) for name in FILES}}


def reload():
    """systemd writes everything again, before it answers anybody else."""
    run('systemctl', 'daemon-reload')
    run('systemctl', 'show', '--property=Version')


# ---- ctr ------------------------------------------------------------------------------------------


class Task:
    """A container by `ctr run --runc-systemd-cgroup`."""

    def __init__(self, *flags, command=('sleep', '1000')):
        self.id = f'{PREFIX}-{next(COUNTER)}'
        ok('run', '-d', '--runc-binary', KNARR, '--runc-systemd-cgroup', '--cgroup', f'system.slice:ctr:{self.id}', *flags, NAME, self.id, *command)
        self.pid, _ = tasks()[self.id]

    @property
    def status(self):
        return tasks()[self.id][1]


@pytest.fixture
def task(containerd):
    """A function that makes a Task. When the test is over its unit is gone."""
    made = []

    def make(*flags, **keywords):
        made.append(Task(*flags, **keywords))
        return made[-1]
    yield make
    for one in made:
        ctr('task', 'rm', '-f', one.id)
        ok('containers', 'rm', one.id)
    for one in made:
        wait_until(lambda: not exists(f'ctr-{one.id}.scope'), 'the unit is gone')  # pylint: disable=cell-var-from-loop
    assert not list((CGROUPS / 'system.slice').glob(f'ctr-{PREFIX}*'))
    assert not [name for name in os.listdir(STATE) if name.startswith(PREFIX)]


def test_ctr_life(task):
    one = task('--memory-limit', str(48 * MIB), '--cpu-quota', '25000', '--cpu-period', '100000')
    unit, outer, inner = scope_of(one.pid)
    assert (unit, outer.parent.name) == (f'ctr-{one.id}.scope', 'system.slice')
    before = limits(unit, outer, inner)
    assert [before[name] for name in ('MemoryMax', 'CPUQuotaPerSecUSec', 'Slice')] == [str(48 * MIB), '250ms', 'system.slice']
    for folder in (unit, 'container'):
        assert [before[f'{folder}/{name}'] for name in ('memory.max', 'cpu.max')] == [str(48 * MIB), '25000 100000']
    done = ctr('task', 'exec', '--exec-id', 'one', one.id, 'sh', '-c', 'cat /proc/self/cgroup; echo err >&2; exit 9')
    assert done == (9, f'0::/system.slice/{unit}/container\n', 'err\n')
    metrics = dict(line.split(None, 1) for line in ok('task', 'metrics', one.id).splitlines() if len(line.split()) == 2)
    assert int(metrics['memory.usage_limit']) == 48 * MIB and int(metrics['memory.usage']) > 0, metrics
    ok('task', 'pause', one.id)
    assert table(inner, 'cgroup.events')['frozen'] == 1
    reload()
    assert one.status == 'PAUSED' and table(inner, 'cgroup.events')['frozen'] == 1
    assert limits(unit, outer, inner) == before
    ok('task', 'resume', one.id)
    assert one.status == 'RUNNING' and table(inner, 'cgroup.events')['frozen'] == 0
    ok('task', 'kill', '-s', 'SIGKILL', one.id)
    wait_until(lambda: one.status == 'STOPPED', 'it has stopped')
    ok('task', 'rm', one.id)
    wait_until(lambda: not exists(unit) and not outer.exists(), 'the unit is gone')


def test_ctr_out_of_memory_is_an_event(task, workdir):
    """The shim looks for it in the cgroup of init."""
    path = workdir / 'events'
    with path.open('wb') as out, subprocess.Popen(['ctr', '-n', 'k8s.io', 'events'], stdout=out) as events:
        one = task('--memory-limit', str(24 * MIB), command=('sh', '-c', 'tail /dev/zero; sleep 1000'))
        wait_until(lambda: re.search(f'/tasks/oom .*{one.id}', path.read_text()), 'the event')
        assert one.status == 'RUNNING'
        events.terminate()


def test_ctr_systemd_stops_it(task):
    one = task(command=('sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.1; done'))
    unit, _, _ = scope_of(one.pid)
    run('systemctl', 'stop', unit)
    wait_until(lambda: one.status == 'STOPPED', 'it has stopped')


# ---- the CRI --------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def kubelet(containerd):
    import grpc
    runtime = cri.Runtime(grpc, '/run/containerd/containerd.sock')
    wait_until(runtime.ready, 'the CRI answers')
    yield runtime
    runtime.close()


@pytest.fixture(scope='module')
def pod(kubelet, base):
    """(id, its configuration); as by a kubelet with cgroupDriver systemd, in a slice. When the tests are over all units are gone."""
    config = kubelet.sandbox_config('pod', base)
    config[8][1] = SLICE
    sandbox = kubelet.run_sandbox(config, 'knarr')
    yield sandbox, config
    kubelet.remove_sandbox(sandbox)
    wait_until(lambda: not os.listdir(STATE), 'no state is left')
    wait_until(lambda: not list((CGROUPS / SLICE).glob('*.scope')), 'no unit is left')
    assert 'cri-containerd' not in run('systemctl', 'list-units', '--all', '--no-legend', '--plain', '*.scope')
    run('systemctl', 'stop', SLICE)


@pytest.fixture
def make(kubelet, pod):
    """A function that makes a container with resources in the pod, and starts it. When the test is over its unit is gone."""
    made = []

    def make(resources, *command):
        sandbox, config = pod
        made.append(kubelet.create(sandbox, config, {1: {1: f'c{next(COUNTER)}'}, 2: {1: NAME}, 3: list(command), 15: {1: resources}}))
        kubelet.start(made[-1])
        return made[-1]
    yield make
    for one in made:
        kubelet.stop(one)
        kubelet.remove(one)
        assert not exists(f'cri-containerd-{one}.scope') and not os.path.exists(f'{STATE}/{one}')


# LinuxContainerResources of the CRI.
PERIOD, QUOTA, SHARES, MEMORY, CPUS, UNIFIED = 1, 2, 3, 4, 6, 9


def test_cri_limits_are_the_scopes(kubelet, pod, make):
    one = make({PERIOD: 100000, QUOTA: 25000, SHARES: 512, MEMORY: 64 * MIB, CPUS: '0-1', UNIFIED: {1: 'pids.max', 2: '40'}}, 'sleep', '1000')
    everyone = tasks()
    assert everyone.keys() == {one, pod[0]}
    for name in everyone:
        unit, outer, _ = scope_of(everyone[name][0])
        assert unit == f'cri-containerd-{name}.scope' and outer.parent.name == SLICE
        state = json.loads(run(KNARR, '--root', STATE, 'state', name))
        assert state['status'] == 'running'
    unit, outer, inner = scope_of(everyone[one][0])
    before = limits(unit, outer, inner)
    assert {name: before[name] for name in PROPERTIES} == {
        'MemoryMax': str(64 * MIB), 'CPUQuotaPerSecUSec': '250ms', 'CPUWeight': '59', 'AllowedCPUs': '0-1', 'Slice': SLICE}
    assert [before[f'container/{name}'] for name in ('memory.max', 'cpu.max', 'cpuset.cpus', 'pids.max')] == [
        str(64 * MIB), '25000 100000', '0-1', '40']
    reload()
    assert limits(unit, outer, inner) == before
    assert kubelet.execute(one, 'sh', '-c', 'cat /proc/self/cgroup; exit 6', seconds=60) == (6, '0::/\n', '')


def test_cri_update(kubelet, make):
    one = make({PERIOD: 100000, QUOTA: 25000, SHARES: 512, MEMORY: 64 * MIB}, 'sleep', '1000')
    unit, outer, inner = scope_of(tasks()[one][0])
    kubelet.call('UpdateContainerResources', {1: one, 2: {PERIOD: 100000, QUOTA: 50000, SHARES: 1024, MEMORY: 96 * MIB}})
    before = limits(unit, outer, inner)
    assert [before[name] for name in ('MemoryMax', 'CPUQuotaPerSecUSec', 'CPUWeight')] == [str(96 * MIB), '500ms', '100']
    for folder in (unit, 'container'):
        assert [before[f'{folder}/{name}'] for name in ('memory.max', 'cpu.max', 'cpu.weight')] == [str(96 * MIB), '50000 100000', '100']
    reload()
    assert limits(unit, outer, inner) == before


def test_cri_out_of_memory(kubelet, make):
    """When init itself is the victim systemd removes the cgroup at once, perhaps before the shim has looked at it."""
    one = make({MEMORY: 24 * MIB}, 'sh', '-c', 'tail /dev/zero; sleep 1000')
    wait_until(lambda: kubelet.status(one)[2] == 'OOMKilled', 'the kubelet is told')
    assert kubelet.status(one)[0] == cri.RUNNING
    kubelet.stop(one)
    state, code, reason, _ = kubelet.status(one)
    assert (state, code, reason) == (cri.EXITED, 137, 'OOMKilled')
