# SPDX-License-Identifier: Apache-2.0
"""podman as a machine with systemd has it: contrib's file copied and nothing else changed, so that every container is in a
scope of systemd's. tests/engines has the rest, where there is no systemd."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE, cgroups_of, namespace_of, wait_until
from machine import CGROUPS, MIB, alone, install, run, table, value
from test_systemd import show

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests/engines'))

import engines  # noqa: E402

IMAGE = engines.IMAGE
SECONDS = 2 * PATIENCE  # podman is some ten times slower here
NO_NETWORK = '[containers]\nnetns = "none"\n'  # the machine has none, and no program that makes one


class Podman(engines.Podman):
    def __call__(self, *arguments, **keywords):
        return engines.call(self.words(*arguments), timeout=SECONDS, **keywords)

    def scope(self, name='one'):
        return f'libpod-{self.inspect(name, ".ID")}.scope'

    def folder(self, name='one'):
        return Path(f'{CGROUPS}{cgroups_of(self.pid(name))[""]}')


@pytest.fixture(scope='session')
def installed(program):
    """What a user does: the program, and one file."""
    install(program)
    folder = Path('/etc/containers/containers.conf.d')
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(TOP / 'contrib/engines/podman/50-knarr.conf', folder)
    (folder / '90-test.conf').write_text(NO_NETWORK)
    Path('/etc/containers/policy.json').write_text('{"default": [{"type": "insecureAcceptAnything"}]}')


@pytest.fixture(scope='session')
def image_tar(base, busybox):
    tree = base / 'image'
    shutil.rmtree(tree, ignore_errors=True)
    engines.make_image_tree(tree, busybox)
    run('tar', '-C', str(tree), '--numeric-owner', '-cf', str(base / 'image.tar'), '.')
    (base / 'image.tar').chmod(0o644)
    return base / 'image.tar'


@pytest.fixture(scope='session')
def store(installed, image_tar):
    engine = Podman('knarr')
    engine.ok('import', '-q', '-c', 'CMD ["/bin/sh"]', image_tar, IMAGE)
    return engine


@pytest.fixture(scope='module')
def alone_in_store():
    with alone('podman'):
        yield


@pytest.fixture
def podman(alone_in_store, store):
    yield store
    store.ok('pod', 'rm', '-fa', '-t', '0')
    store.ok('rm', '-fa', '-t', '0')
    assert not list(CGROUPS.glob('machine.slice/**/libpod-[0-9a-f]*.scope'))
    assert not [path for path in Path('/run/knarr').iterdir() if len(path.name) == 64]  # podman's; others may be at work here


def test_the_copied_file_is_enough(podman):
    found = podman.ok('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}} {{.Host.CgroupManager}} {{.Host.CgroupsVersion}}')
    assert found.split() == ['knarr', '/usr/local/bin/knarr', 'systemd', 'v2']
    assert podman.run(IMAGE, 'cat', '/proc/self/cgroup') == '0::/\n'
    podman.fails('run', '--rm', IMAGE, '/no/such', rc=127, text='/no/such.*no such file or directory')


def test_limits_are_the_scopes(podman):
    podman.up('--memory', '64m', '--memory-reservation', '32m', '--pids-limit', '40', '--cpus', '0.5', '--cpu-shares', '512')
    assert show(podman.scope(), 'MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec', 'Slice') == {
        'MemoryMax': str(64 * MIB), 'TasksMax': '40', 'CPUQuotaPerSecUSec': '500ms', 'Slice': 'machine.slice'}
    folder = podman.folder()
    assert [value(folder, name) for name in ('memory.max', 'memory.low', 'pids.max', 'cpu.max')] == [
        str(64 * MIB), str(32 * MIB), '40', '50000 100000']
    run('systemctl', 'daemon-reload')
    assert value(folder, 'memory.max') == str(64 * MIB)
    assert podman.ok('exec', 'one', 'cat', '/proc/self/cgroup') == '0::/\n'


def test_life(podman):
    podman.up(command=('sh', '-c', 'echo begun; trap "exit 3" TERM; while :; do sleep 0.1; done'))
    scope = podman.scope()
    podman.wait_logs('begun')
    podman.ok('pause', 'one')
    assert podman.status() == 'paused' and value(podman.folder(), 'cgroup.freeze') == '1'
    podman.ok('unpause', 'one')
    assert podman('exec', 'one', 'sh', '-c', 'exit 5').rc == 5
    podman.ok('stop', '-t', '60', 'one')
    assert podman.inspect('one', '.State.ExitCode') == '3'
    assert show(scope, 'ActiveState')['ActiveState'] == 'inactive'
    podman.ok('start', 'one')
    assert podman.status() == 'running' and show(scope, 'ActiveState')['ActiveState'] == 'active'
    podman.ok('kill', 'one')
    podman.ok('wait', 'one')
    assert podman.inspect('one', '.State.ExitCode') == '137'


def test_update(podman):
    podman.up('--memory', '64m')
    podman.ok('update', '--memory', '96m', '--cpu-shares', '300', 'one')
    assert value(podman.folder(), 'memory.max') == str(96 * MIB)
    assert show(podman.scope(), 'MemoryMax')['MemoryMax'] == str(96 * MIB)


def test_out_of_memory_is_told_of(podman):
    podman('run', '--name', 'one', '--memory', '24m', IMAGE, 'tail', '/dev/zero')
    wait_until(lambda: podman.status() == 'exited', 'it ends')
    assert podman.inspect('one', '.State.ExitCode') == '137'
    assert podman.inspect('one', '.State.OOMKilled') == 'true'


def test_health_by_systemds_timer(podman):
    podman.up('--health-cmd', 'test -f /tmp/healthy', '--health-interval', '3s', '--health-retries', '1', '--health-timeout', '60s')
    timers = run('systemctl', 'list-timers', '--all', '--no-legend')
    assert podman.inspect('one', '.ID') in timers, timers
    podman.ok('exec', 'one', 'touch', '/tmp/healthy')
    wait_until(lambda: podman.inspect('one', '.State.Health.Status') == 'healthy', 'it is healthy', 2 * PATIENCE)


def test_pod_has_a_slice(podman):
    pod = podman.ok('pod', 'create', '--name', 'two', '--infra-image', IMAGE, '--infra-command', '/bin/sleep 100000').strip()
    podman.ok('run', '-d', '--pod', 'two', '--name', 'one', '--memory', '64m', IMAGE, 'sleep', '1000')
    inspected = json.loads(podman.ok('pod', 'inspect', 'two'))  # a list since 5.0
    infra = (inspected[0] if isinstance(inspected, list) else inspected)['InfraContainerID']
    assert f'/machine-libpod_pod_{pod}.slice/' in str(podman.folder())
    assert namespace_of(podman.pid(), 'ipc') == namespace_of(podman.pid(infra), 'ipc') != namespace_of('self', 'ipc')
    assert value(podman.folder(), 'memory.max') == str(64 * MIB)


def test_split_as_a_unit_does(podman):
    """Quadlets and generated units: the container's cgroup is below the unit's own."""
    run('systemd-run', '--unit=split', '-p', 'Delegate=yes', '--', 'podman', 'run', '--name', 'one', '--cgroups=split', '--memory', '64m', IMAGE,
        'sh', '-c', 'trap exit TERM; sleep 1000 & wait')  # otherwise systemd waits for it, 90 s
    try:
        wait_until(lambda: podman('inspect', 'one').rc == 0 and podman.status() == 'running', 'it runs', 2 * PATIENCE)
        assert '/system.slice/split.service/' in str(podman.folder())
        assert value(podman.folder(), 'memory.max') == str(64 * MIB)
    finally:
        run('systemctl', 'stop', 'split.service')
        # That ends conmon, too, without which podman says that it does not know the exit status.
        podman('rm', '-f', '-t', '0', 'one')
    wait_until(lambda: not (CGROUPS / 'system.slice/split.service').exists(), 'the unit is gone')


def test_user_namespace_with_limits(podman):
    podman.up('--uidmap', '0:200000:65536', '--gidmap', '0:200000:65536', '--memory', '64m', '--pids-limit', '30')
    assert podman.ok('exec', 'one', 'cat', '/proc/self/uid_map').split() == ['0', '200000', '65536']
    assert value(podman.folder(), 'memory.max') == str(64 * MIB)


def test_checkpoint_and_restore(podman):
    if subprocess.run(['criu', 'check'], capture_output=True, check=False).returncode != 0:
        pytest.skip('host lacks a kernel that criu can work with')
    podman.up('--memory', '64m', command=('sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'))
    podman.wait_logs('5\n')
    podman.ok('container', 'checkpoint', 'one')
    assert podman.status() in ('exited', 'stopped')
    last = int(podman.logs().split()[-1])
    podman.ok('container', 'restore', 'one')
    assert podman.status() == 'running'
    podman.wait_logs(f'\n{last + 3}\n')
    assert value(podman.folder(), 'memory.max') == str(64 * MIB)
    assert table(podman.folder(), 'cgroup.events')['populated'] == 1
    assert podman.ok('exec', 'one', 'echo', 'here') == 'here\n'
