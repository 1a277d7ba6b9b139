# SPDX-License-Identifier: Apache-2.0
"""The systemd cgroup manager: a unit for each container, with the limits that its files have, and nothing left of it."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from harness import MS_BIND, PATIENCE, PREFIX, cgroups_of, descendants, is_zombie_or_gone, mount, reap, umount, wait_polling, wait_until
from machine import CGROUPS, MIB, add_capabilities, run, save, table, value

MANAGER = ['--systemd-cgroup']
USER = 1000
# The tests have mounts of their own, in which that of the user's session would not appear.
SYSTEMCTL = ['nsenter', '--target=1', '--mount', 'systemctl']
AS_USER = ['nsenter', '--target=1', '--mount', 'as-user']
USER_TREE = f'user.slice/user-{USER}.slice/user@{USER}.service'


def show(unit, *names, user=False):
    """{name: value} of properties, also where the tests have put something in the way."""
    who = [*AS_USER, 'systemctl', '--user'] if user else SYSTEMCTL
    return dict(line.split('=', 1) for line in run(*who, 'show', unit, *(f'--property={name}' for name in names)).splitlines())


def exists(unit, user=False):
    return show(unit, 'LoadState', user=user)['LoadState'] != 'not-found'


def place(c, slice_='system.slice', name=None):
    c.config['linux']['cgroupsPath'] = f'{slice_}:{PREFIX}:{name or c.id}'
    return f'{PREFIX}-{name or c.id}.scope'


def limited(c):
    c.config['linux']['resources'] = {
        'memory': {'limit': 64 * MIB, 'swap': 96 * MIB, 'reservation': 16 * MIB},
        'cpu': {'shares': 512, 'quota': 33333, 'period': 50000, 'cpus': '0-1', 'mems': '0'},
        'pids': {'limit': 50},
        'blockIO': {'throttleReadBpsDevice': [{'major': 254, 'minor': 0, 'rate': 1 << 20}]},
        'unified': {'memory.high': str(60 * MIB), 'memory.oom.group': '1', 'cpu.max.burst': '1000'},
        'devices': [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'b', 'major': 254, 'minor': 0, 'access': 'r'}],
    }
    return c


def writable(c):
    c.config['root']['readonly'] = False
    return c


FILES = ('memory.max', 'memory.swap.max', 'memory.low', 'memory.high', 'cpu.weight', 'cpu.max', 'cpuset.cpus', 'cpuset.mems',
         'pids.max', 'io.max', 'memory.oom.group', 'cgroup.subtree_control')


def snapshot(*folders):
    return {f'{folder.name}/{name}': value(folder, name) for folder in folders for name in FILES}


@pytest.fixture
def reload():
    """`systemctl daemon-reload`. systemd writes everything again then, before it answers anybody else."""
    def again():
        run('systemctl', 'daemon-reload')
        run('systemctl', 'show', '--property=Version')
    return again


def is_there(unit):
    """Slices are in everybody's memory as soon as they have been asked for; what counts is whether they are made."""
    return exists(unit) and show(unit, 'ActiveState', 'Transient') != {'ActiveState': 'inactive', 'Transient': 'no'}


@pytest.fixture
def gone():
    """Names of units; none of them may be there when the test is over."""
    units = []
    yield units
    for unit in units:
        # systemd may have something else to do first; a unit whose end it has missed is there for ever.
        wait_until(lambda: not is_there(unit), f'{unit} is gone')  # pylint: disable=cell-var-from-loop
    wait_until(lambda: not [name for name in os.listdir('/run/systemd/transient') if PREFIX in name], 'no unit is left')


@pytest.fixture
def unit(gone, container):
    """A function: a container with a scope, and the scope's name."""
    def make(*words, **process):
        c = container(*words, **process)
        name = place(c)
        gone.append(name)
        return c, name
    return make


def scope(name, slice_='system.slice'):
    return CGROUPS / slice_ / name


# ---- what systemd knows ---------------------------------------------------------------------------


def test_limits_are_properties_and_files(unit, reload):
    c, name = unit()
    limited(c).up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{name}/container'
    assert show(name, 'Slice', 'Delegate', 'MemoryMax', 'MemorySwapMax', 'MemoryLow', 'MemoryHigh', 'CPUWeight', 'CPUQuotaPerSecUSec',
                'CPUQuotaPeriodUSec', 'AllowedCPUs', 'AllowedMemoryNodes', 'TasksMax', 'IOReadBandwidthMax', 'OOMPolicy', 'CollectMode',
                'Description', 'DevicePolicy', 'ActiveState') == {
        'Slice': 'system.slice', 'Delegate': 'yes', 'MemoryMax': str(64 * MIB), 'MemorySwapMax': str(32 * MIB), 'MemoryLow': str(16 * MIB),
        'MemoryHigh': str(60 * MIB), 'CPUWeight': '59', 'CPUQuotaPerSecUSec': '670ms', 'CPUQuotaPeriodUSec': '50ms', 'AllowedCPUs': '0-1',
        'AllowedMemoryNodes': '0', 'TasksMax': '50', 'IOReadBandwidthMax': '/dev/block/254:0 1048576', 'OOMPolicy': 'kill',
        'CollectMode': 'inactive-or-failed', 'Description': f'knarr container {c.id}', 'DevicePolicy': 'strict', 'ActiveState': 'active'}
    outer, inner = scope(name), scope(name) / 'container'
    before = snapshot(outer, inner)
    assert before['container/cpu.max'] == '33333 50000'
    assert before[f'{name}/cpu.max'] == '33500 50000'
    assert [before[f'{folder}/memory.max'] for folder in (name, 'container')] == [str(64 * MIB)] * 2
    assert before['container/memory.oom.group'] == '1'
    assert value(inner, 'cpu.max.burst') == '1000'
    assert value(outer, 'cgroup.procs') == ''
    reload()
    assert snapshot(outer, inner) == before
    c.delete('--force')
    assert not outer.exists()


def test_the_scope_itself(unit, reload):
    """With no cgroup of its own the container's files are systemd's, and say the same."""
    c, name = unit()
    limited(c)
    c.config.setdefault('annotations', {})['run.oci.systemd.subgroup'] = ''
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{name}'
    before = snapshot(scope(name))
    assert before[f'{name}/cpu.max'] == '33500 50000'
    reload()
    assert snapshot(scope(name)) == before


# The machine's disk, 254:0: to be read and not written.
DEVICES = ['sh', '-c', 'mknod /dev/k b 254 0; while :; do read line </tmp/go; (: </dev/k) && echo read; '
           '(: >>/dev/k) 2>/dev/null || echo no write; : </dev/null >/dev/zero && echo null; done']


@pytest.mark.parametrize('subgroup', [None, ''])
def test_device_rules_outlive_a_reload(unit, reload, subgroup):
    c, name = unit(DEVICES)
    writable(add_capabilities(limited(c), 'CAP_MKNOD'))
    if subgroup is not None:
        c.config.setdefault('annotations', {})['run.oci.systemd.subgroup'] = subgroup
    os.mkfifo(c.rootfs / 'tmp/go')
    c.up(options=MANAGER)
    for count in (1, 2):
        with open(c.rootfs / 'tmp/go', 'w', encoding='ascii') as go:
            go.write('\n')
        wait_until(lambda: c.read_out().count('null') == count, 'the answer')
        assert c.read_out() == 'read\nno write\nnull\n' * count
        done = c.runtime.ok('exec', c.id, 'sh', '-c', ': </dev/null && : </dev/urandom && echo fine')
        assert done.out == 'fine\n'
        reload()
    del name


def test_cgroup_of_another_name(unit):
    c, name = unit()
    c.config.setdefault('annotations', {})['run.oci.systemd.subgroup'] = 'payload'
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{name}/payload'


def test_bad_cgroup_below(unit):
    c, _ = unit()
    c.config.setdefault('annotations', {})['run.oci.systemd.subgroup'] = '../x'
    line = save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text='"../x" has ".." in it')
    assert 'annotations["run.oci.systemd.subgroup"]' in line


def test_slices_are_made(gone, container):
    c = container()
    name = place(c, f'{PREFIX}-a.slice')
    gone.append(name)
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''].endswith(f'-a.slice/{name}/container')
    top = PREFIX.split('-', maxsplit=1)[0]
    c.delete('--force')
    run('systemctl', 'stop', f'{PREFIX}-a.slice')
    run('systemctl', 'stop', f'{top}.slice')


@pytest.fixture
def in_a_slice(gone, container):
    """A container that has a slice for itself, and the slice's name."""
    c = container()
    name = f'{PREFIX}x{c.id}.slice'.replace('-', '')
    c.config['linux']['cgroupsPath'] = f'::{name}'
    c.config['linux']['resources'] = {'pids': {'limit': 20}}
    gone.append(name)
    c.up(options=MANAGER)
    assert show(name, 'TasksMax')['TasksMax'] == '20'
    return c, name


def test_a_slice_for_a_container(in_a_slice):
    c, name = in_a_slice
    assert cgroups_of(c.pid)[''] == f'/{name}'
    c.delete('--force')
    assert not (CGROUPS / name).exists()


def test_default_place(gone, container):
    c = container()
    c.config['linux'].pop('cgroupsPath', None)
    gone.append(f'knarr-{c.id}.scope')
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/knarr-{c.id}.scope/container'


@pytest.mark.parametrize('name, folder', [('bpf-devices', '_bpf-devices.scope'), ('bpf-tools', 'bpf-tools.scope'), ('memory', '_memory.scope')])
def test_name_like_a_controllers(gone, container, name, folder):
    """systemd puts an underscore before what could be one of its files, and before nothing else."""
    c = container()
    c.config['linux']['cgroupsPath'] = f'system.slice::{name}'
    gone.append(f'{name}.scope')
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{folder}/container'
    assert show(f'{name}.scope', 'ControlGroup')['ControlGroup'] == f'/system.slice/{folder}'
    c.delete('--force')
    assert not list((CGROUPS / 'system.slice').glob(f'*{name}.scope'))


def test_name_that_needs_escapes(gone, container):
    c = container()
    place(c, name=f'{c.id}+x')
    gone.append(f'{PREFIX}-{c.id}\\x2bx.scope')
    c.up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{PREFIX}-{c.id}\\x2bx.scope/container'


def test_one_process_is_enough(unit):
    """The limit of one process holds for init, not for what keeps its place."""
    c, name = unit()
    c.config['linux']['resources'] = {'pids': {'limit': 1}}
    c.up(options=MANAGER)
    assert show(name, 'TasksMax')['TasksMax'] == '1'
    assert [value(folder, 'pids.max') for folder in (scope(name), scope(name) / 'container')] == ['1', '1']
    assert value(scope(name), 'pids.current') == '1'


def test_memory_hog_is_told_of(unit):
    """Engines look for the event in the cgroup of init."""
    c, name = unit(['sh', '-c', 'tail /dev/zero; echo $?; sleep 1000'])
    c.config['linux']['resources'] = {'memory': {'limit': 24 * MIB, 'swap': 24 * MIB}}
    c.up(options=MANAGER)
    assert c.wait_out('\n') == '137\n'
    assert table(scope(name) / 'container', 'memory.events')['oom_kill'] == 1


# ---- want of memory -------------------------------------------------------------------------------

HOG = 'dd if=/dev/zero of=/dev/null bs=100M count=1'  # a buffer of that size, filled


def small(c, limit=24 * MIB):
    c.config['linux']['resources'] = {'memory': {'limit': limit, 'swap': limit}}
    return c


def kills(*folders):
    return [table(folder, 'memory.events')['oom_kill'] for folder in folders]


def test_memory_hogs_are_counted_once(unit):
    """The limit is on two levels, each with a count of its own. Engines look at that of init's cgroup."""
    c, name = unit()
    small(c).up(options=MANAGER)
    outer, inner = scope(name), scope(name) / 'container'
    events = subprocess.Popen(c.runtime.command('events', '--interval', '1h', c.id), stdout=subprocess.PIPE)
    wait_polling(events.pid)
    for count in (1, 2, 3):
        done = c.runtime('exec', c.id, 'sh', '-c', f'exec {HOG}')
        assert done.rc == 137, done
        assert f"the process was killed by the cgroup's memory limit of {24 * MIB} bytes" in done.err and done.err.count('\n') == 1, done
        assert json.loads(events.stdout.readline()) == {'type': 'oom', 'id': c.id}
        assert kills(outer, inner) == [count, count]
    # One that nobody killed for want of memory is not explained by those that were.
    assert c.runtime('exec', c.id, 'sh', '-c', 'kill -9 $$') == (137, '', '')
    assert c.status == 'running'
    c.kill('KILL')
    rest, _ = events.communicate(timeout=PATIENCE)
    assert (events.returncode, rest) == (0, b'')


def test_memory_limit_of_the_scope_alone(unit):
    """The kernel counts where the victim was, not where the limit is."""
    c, name = unit()
    c.config['annotations'] = {'org.systemd.property.MemoryMax': f'uint64 {24 * MIB}', 'org.systemd.property.MemorySwapMax': 'uint64 0'}
    c.up(options=MANAGER)
    assert value(scope(name) / 'container', 'memory.max') == 'max' and value(scope(name), 'memory.max') == str(24 * MIB)
    events = subprocess.Popen(c.runtime.command('events', '--interval', '1h', c.id), stdout=subprocess.PIPE)
    wait_polling(events.pid)
    done = c.runtime('exec', c.id, 'sh', '-c', f'exec {HOG}')
    assert done.rc == 137 and re.fullmatch(r'knarr: warning: the process was killed for want of memory \(peak [0-9]+\) \(its cgroup has no limit '
                                           r'of memory; one above it has, or the host has none left\)\n', done.err), done
    assert json.loads(events.stdout.readline()) == {'type': 'oom', 'id': c.id}
    assert kills(scope(name), scope(name) / 'container') == [1, 1]
    c.kill('KILL')
    assert (events.communicate(timeout=PATIENCE)[0], events.returncode) == (b'', 0)


def test_death_of_init_is_explained(unit):
    """systemd removes the whole unit at once, and with it what would tell why. Mostly knarr has looked by then; it says the
    right thing or nothing. How often it is the first of the two is up to the scheduler: until it was."""
    reason = f"knarr: warning: the container's process was killed by the cgroup's memory limit of {24 * MIB} bytes"
    told = []
    while len(told) < 3 or (reason not in told and len(told) < 60):
        c, name = unit(['sh', '-c', f'exec {HOG}'])
        done = small(c).run(options=MANAGER)
        assert (done.rc, done.out) == (137, ''), done
        told.append(done.err.partition(' (peak')[0].rstrip('\n'))
        assert not scope(name).exists()
    assert reason in told and set(told) <= {reason, ''}, told


def test_create_in_too_little_memory(unit):
    c, _ = unit()
    line = save(small(c, 8192)).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text='')
    assert "was killed by the cgroup's memory limit of 8192 bytes" in line
    assert 'linux.resources.memory.limit: ' in line and line.endswith('(a container needs about 1 MiB to start)\n')


# ---- annotations ----------------------------------------------------------------------------------


def test_annotations_are_properties(unit):
    c, name = unit()
    c.config.setdefault('annotations', {}).update({
        'org.systemd.property.TimeoutStopUSec': 'uint64 7000000', 'org.systemd.property.KillSignal': '10',
        'org.systemd.property.RuntimeMaxSec': '4000', 'org.systemd.property.Description': '"it\'s mine"',
        'org.systemd.property.After': "['local-fs.target', 'time-set.target']", 'org.systemd.property.SendSIGHUP': 'true'})
    c.up(options=MANAGER)
    found = show(name, 'TimeoutStopUSec', 'KillSignal', 'RuntimeMaxUSec', 'Description', 'After', 'SendSIGHUP')
    after = found.pop('After').split()
    assert found == {'TimeoutStopUSec': '7s', 'KillSignal': '10', 'RuntimeMaxUSec': '1h 6min 40s', 'Description': "it's mine",
                     'SendSIGHUP': 'yes'}
    assert {'local-fs.target', 'time-set.target'} <= set(after)


@pytest.mark.parametrize('name, text, message, located', [
    ('KillSignal', 'SIGTERM', 'no number at character 1 of the value', True),
    ('KillSignal', 'uint64', 'no number at character 7 of the value', True),
    ('Slice', "'x.slice'", 'Slice is set by the runtime', True),
    ('NoSuchThing', 'true', 'Cannot set property NoSuchThing', True),
    ('TimeoutStopUSec', '15', 'may be of another type than systemd wants', False),
])
def test_bad_annotations(unit, name, text, message, located):
    c, _ = unit()
    c.config.setdefault('annotations', {})[f'org.systemd.property.{name}'] = text
    line = save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text=message)
    assert (f'annotations["org.systemd.property.{name}"]' in line) == located, line


# ---- a life ---------------------------------------------------------------------------------------


def test_commands_work_as_ever(unit, reload):
    c, name = unit()
    c.create(options=MANAGER)
    assert c.status == 'created'
    c.start()
    c.runtime.ok('pause', c.id)
    reload()
    assert c.status == 'paused'
    c.runtime.ok('resume', c.id)
    assert c.runtime.ok('exec', c.id, 'cat', '/proc/self/cgroup').out == '0::/\n'
    assert 'sleep' in c.runtime.ok('ps', c.id).out
    c.kill('KILL')
    c.wait_stopped()
    wait_until(lambda: not exists(name), 'systemd drops the empty scope')
    c.delete()


def test_update_is_told_to_systemd(unit, reload):
    c, name = unit()
    limited(c).up(options=MANAGER)
    c.runtime.ok('update', '--memory', str(40 * MIB), '--memory-swap', str(50 * MIB), '--pids-limit', '33', '--cpu-share', '1024', c.id)
    c.runtime.ok('update', '--resources', '-', c.id, stdin=json.dumps({'cpu': {'quota': 25000, 'period': 100000}}).encode())
    assert show(name, 'MemoryMax', 'MemorySwapMax', 'TasksMax', 'CPUWeight', 'CPUQuotaPerSecUSec') == {
        'MemoryMax': str(40 * MIB), 'MemorySwapMax': str(10 * MIB), 'TasksMax': '33', 'CPUWeight': '100', 'CPUQuotaPerSecUSec': '250ms'}
    outer, inner = scope(name), scope(name) / 'container'
    before = snapshot(outer, inner)
    assert [value(folder, 'memory.max') for folder in (outer, inner)] == [str(40 * MIB)] * 2
    assert [value(folder, 'cpu.max') for folder in (outer, inner)] == ['25000 100000'] * 2
    reload()
    assert snapshot(outer, inner) == before


def test_update_of_devices_is_told_to_systemd(unit, reload):
    c, name = unit()
    writable(add_capabilities(limited(c), 'CAP_MKNOD')).up(options=MANAGER)
    rules = [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'r'}]
    c.runtime.ok('update', '--resources', '-', c.id, stdin=json.dumps({'devices': rules}).encode())
    reload()
    allowed = run('systemctl', 'show', name, '--property=DeviceAllow')
    assert '/dev/char/10:229 rm' in allowed and '254' not in allowed
    look = 'mknod /dev/k b 254 0; (: </dev/k) 2>/dev/null || echo no disk'
    assert c.runtime.ok('exec', c.id, 'sh', '-c', look).out == 'no disk\n'


def test_stopped_by_systemd(unit):
    c, name = unit(['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 1; done'])
    c.up(options=MANAGER)
    c.wait_out('ready')
    run('systemctl', 'stop', name)
    c.wait_stopped()
    c.delete()


def test_unit_that_is_there(unit, container):
    c, name = unit()
    c.up(options=MANAGER)
    other = container()
    other.config['linux']['cgroupsPath'] = c.config['linux']['cgroupsPath']
    line = save(other).runtime.fails('create', '--bundle', other.bundle.path, other.id, options=MANAGER,
                                     text=f'systemd has a unit {name} already')
    assert 'linux.cgroupsPath' in line
    assert c.status == 'running' and exists(name)
    assert not (other.runtime.root / other.id).exists()


def test_unit_that_has_failed(unit):
    """systemd keeps it for people to look at; it is forgotten when its name is wanted again."""
    c, name = unit()
    failing = ['systemd-run', '--scope', '--quiet', f'--unit={name}', '--property=RuntimeMaxSec=1', 'sleep', '1000']
    assert subprocess.run(failing, check=False, capture_output=True).returncode != 0
    wait_until(lambda: show(name, 'ActiveState')['ActiveState'] == 'failed', f'{name} has failed')
    c.up(options=MANAGER)
    assert c.status == 'running'
    assert show(name, 'ActiveState', 'Description') == {'ActiveState': 'active', 'Description': f'knarr container {c.id}'}


def test_frozen_slice(gone, container):
    c = container()
    name = f'{PREFIX}frozen.slice'.replace('-', '')
    run('systemctl', 'start', name)
    run('systemctl', 'freeze', name)
    gone.append(place(c, name))
    save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text=f'{name} is frozen')
    run('systemctl', 'thaw', name)
    c.up(options=MANAGER).delete('--force')
    run('systemctl', 'stop', name)


def test_failing_create_leaves_no_unit(unit):
    c, name = unit()
    c.config['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '/does/not/exist', 'options': ['bind']})
    save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text='does/not/exist')
    wait_until(lambda: not exists(name), 'no unit')


# ---- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('delay', [0.02, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.9])
def test_create_is_killed(unit, delay):
    """Wherever it is killed, `delete --force` takes the unit along."""
    c, name = unit()
    save(c)
    with subprocess.Popen(c.runtime.command('create', '--bundle', c.bundle.path, c.id, options=MANAGER), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        process.kill()
    c.runtime.ok('delete', '--force', c.id)
    # What asked for the unit may have been on its way; it ends without the runtime, and systemd drops what has no process.
    wait_until(lambda: (reap(), not descendants())[1], 'all of ours have ended')
    wait_until(lambda: not exists(name) and not scope(name).exists(), 'no unit')


def dbus_daemon():
    return int(show('dbus.service', 'MainPID')['MainPID'])


def test_without_a_bus(unit):
    """systemd's own socket is there when the bus is not."""
    c, name = unit()
    run('systemctl', 'stop', 'dbus.socket', 'dbus.service')
    try:
        c.up(options=MANAGER)
        assert cgroups_of(c.pid)[''] == f'/system.slice/{name}/container'
        c.delete('--force')
        assert not scope(name).exists()
    finally:
        run('systemctl', 'start', 'dbus.socket')


@pytest.fixture
def stopped_bus():
    run(*SYSTEMCTL, 'start', 'dbus.service')
    pid = dbus_daemon()
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def no_socket():
    """systemd's own socket cannot be reached: there is the bus alone."""
    mount('/dev/null', '/run/systemd/private', flags=MS_BIND)
    yield
    umount('/run/systemd/private')


def test_through_the_bus(unit, no_socket):
    c, name = unit()
    limited(c).up(options=MANAGER)
    assert cgroups_of(c.pid)[''] == f'/system.slice/{name}/container'
    c.runtime.ok('update', '--pids-limit', '33', c.id)
    assert show(name, 'TasksMax') == {'TasksMax': '33'}
    c.runtime.ok('kill', c.id, 'KILL')
    c.wait_stopped()
    assert c.delete() == (0, '', '')
    assert not scope(name).exists()


def test_a_bus_that_hangs_is_nobodys_trouble(unit, stopped_bus):
    c, name = unit()
    limited(c).up(options=MANAGER)
    assert c.runtime.ok('update', '--pids-limit', '33', c.id) == (0, '', '')
    assert c.delete('--force') == (0, '', '')
    assert not scope(name).exists()


def test_delete_when_the_bus_hangs(unit, no_socket, request):
    """Nobody can be told, but systemd sees the end by itself."""
    c, name = unit()
    c.up(options=MANAGER)
    request.getfixturevalue('stopped_bus')
    assert c.delete('--force') == (0, '', '')
    assert not scope(name).exists()
    assert not (c.runtime.root / c.id).exists()


def test_create_when_the_bus_hangs(unit, no_socket, stopped_bus):
    c, name = unit()
    begin = time.monotonic()
    line = save(c).runtime.fails('create', '--bundle', c.bundle.path, c.id, options=MANAGER, text=f'(ask for its version before|answer about) {name}: ')
    # The program says so at its deadline, or the runtime of the program, two seconds later.
    assert re.search(r'is systemd or (the|its) bus overloaded or stopped\?\)', line), line
    # Thirty seconds, and what starting programs takes here.
    assert time.monotonic() - begin < 1.5 * PATIENCE
    assert not (c.runtime.root / c.id).exists()


# ---- users ----------------------------------------------------------------------------------------


class UserContainer:
    """A container of the ordinary user, by a session's systemd, called from within it or from elsewhere."""

    def __init__(self, c, program, session):
        self.id, self.program = c.id, program
        self.home = Path(f'/home/user/{c.id}')
        environment = ['env', '-i', f'XDG_RUNTIME_DIR=/run/user/{USER}', 'PATH=/usr/bin:/bin']
        self.prefix = AS_USER if session else [*AS_USER[:-1], 'setpriv', f'--reuid={USER}', f'--regid={USER}', '--init-groups', '--inh-caps=-all',
                                                   *environment]
        config = c.config
        config['linux']['namespaces'].append({'type': 'user'})
        for kind in ('uid', 'gid'):
            config['linux'][f'{kind}Mappings'] = [{'containerID': 0, 'hostID': USER, 'size': 1}]
        config['linux']['cgroupsPath'] = f':{PREFIX}:{c.id}'
        config['mounts'] = [mount for mount in config['mounts'] if mount['type'] not in ('mqueue', 'sysfs')]
        for mount in config['mounts']:
            mount['options'] = [option for option in mount.get('options', []) if not option.startswith('gid=')]
        config['linux']['resources'] = {'memory': {'limit': 64 * MIB}, 'pids': {'limit': 30}}
        c.bundle.save()
        run('cp', '-a', str(c.bundle.path), str(self.home))
        run('chown', '-R', f'{USER}:{USER}', str(self.home))

    def __call__(self, *words, errors=False):
        """What it writes, or its errors; it must succeed."""
        # Files, for a container keeps its streams open.
        with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
            done = subprocess.run([*self.prefix, self.program, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False,
                                  timeout=2 * PATIENCE)
            out.seek(0)
            err.seek(0)
            written, warned = out.read(), err.read()
            assert done.returncode == 0, (done, warned)
            return warned if errors else written

    @property
    def unit(self):
        return f'{PREFIX}-{self.id}.scope'


@pytest.fixture(params=[True, False], ids=['session', 'outside'])
def user_container(container, program, request):
    run(*AS_USER, 'true')
    # Where the ordinary user may execute it.
    copy = Path('/home/user/knarr-under-test')
    run('install', '-m', '755', program, str(copy))
    c = UserContainer(container(), str(copy), request.param)
    yield c
    subprocess.run([*c.prefix, c.program, 'delete', '--force', c.id], capture_output=True, check=False)
    run('rm', '-rf', str(c.home), str(copy))


def test_user_session(user_container):
    c = user_container
    c('--systemd-cgroup', 'create', '--bundle', str(c.home), c.id)
    c('start', c.id)
    state = json.loads(c('state', c.id))
    assert state['status'] == 'running'
    assert cgroups_of(state['pid'])[''] == f'/{USER_TREE}/user.slice/{c.unit}/container'
    assert show(c.unit, 'MemoryMax', 'TasksMax', 'Slice', user=True) == {
        'MemoryMax': str(64 * MIB), 'TasksMax': '30', 'Slice': 'user.slice'}
    folder = CGROUPS / USER_TREE / 'user.slice' / c.unit
    assert [value(folder / name, 'memory.max') for name in ('', 'container')] == [str(64 * MIB)] * 2
    run(*AS_USER, 'systemctl', '--user', 'daemon-reload')
    assert [value(folder / name, 'pids.max') for name in ('', 'container')] == ['30'] * 2
    assert c('exec', c.id, 'cat', '/proc/self/cgroup') == '0::/\n'
    c('pause', c.id)
    c('resume', c.id)
    c('delete', '--force', c.id)
    assert not exists(c.unit, user=True)
    assert not folder.exists()
    assert not Path(f'/run/user/{USER}/knarr/{c.id}').exists()


@pytest.mark.parametrize('user_container', [False], ids=['outside'], indirect=True)
def test_delete_when_systemd_hangs(user_container):
    """The processes go. The unit cannot; so its cgroup stays for systemd to see that it is empty."""
    c = user_container
    c('--systemd-cgroup', 'create', '--bundle', str(c.home), c.id)
    pid = json.loads(c('state', c.id))['pid']
    folder = CGROUPS / USER_TREE / 'user.slice' / c.unit
    assert (folder / 'container').is_dir()
    manager = int(show(f'user@{USER}.service', 'MainPID')['MainPID'])
    os.kill(manager, signal.SIGSTOP)
    try:
        errors = c('delete', '--force', c.id, errors=True)
        assert is_zombie_or_gone(pid)
        assert [path.name for path in folder.iterdir() if path.is_dir()] == [] and value(folder, 'cgroup.events').startswith('populated 0')
        assert not Path(f'/run/user/{USER}/knarr/{c.id}').exists()
    finally:
        os.kill(manager, signal.SIGCONT)
    assert errors.count('\n') == 1, errors
    assert f'unit {c.unit} is left for systemd to drop, with its empty cgroup: ' in errors
    wait_until(lambda: not folder.exists() and not exists(c.unit, user=True), 'systemd drops the unit')


def test_user_without_a_session(container, program):
    c = container()
    save(c)
    done = subprocess.run(['setpriv', '--reuid=1001', '--regid=1001', '--clear-groups', 'env', '-i', '/host/knarr', '--root', '/tmp/nowhere',
                           '--systemd-cgroup', 'create', '--bundle', str(c.bundle.path), c.id], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=PATIENCE)
    assert done.returncode == 1 and done.stderr.count('\n') == 1, done
    run('rm', '-rf', '/tmp/nowhere')
    del program
