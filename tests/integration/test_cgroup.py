# SPDX-License-Identifier: Apache-2.0
"""Placement, limits and removal, in whichever view of cgroups this run has."""

import os
from pathlib import Path

import pytest
from harness import PREFIX, cgroup_hierarchies, cgroups_of, controller_file, is_zombie_or_gone, lacks, need_controller, view, wait_until

# Hierarchies that exist for systemd and for hybrid hosts, where a v1 runtime may or may not place a container.
OPTIONAL = {'', 'name=systemd'}


def place(c, path=None):
    c.config['linux']['cgroupsPath'] = path or f'/{c.id}'
    return c


def directories_of(pid):
    """Where the process is, as directories."""
    own = cgroups_of(pid)
    return {controller: Path(top + own[controller]) for controller, top in cgroup_hierarchies().items() if controller in own}


def limit(c, **resources):
    c.config['linux'].setdefault('resources', {}).update(resources)
    return c


def test_created_is_in_its_cgroup(container):
    """Engines look when create returns: every controller, the same path."""
    c = place(container()).create()
    own = cgroups_of(c.pid)
    hierarchies = cgroup_hierarchies()
    wanted = {''} if view() == 'v2' else set(hierarchies) - OPTIONAL
    for controller in wanted:
        assert own[controller] == f'/{c.id}', controller
        assert str(c.pid) in Path(hierarchies[controller] + own[controller], 'cgroup.procs').read_text().split()


@pytest.mark.parametrize('mask', [0o077, 0o777], ids=oct)
def test_the_umask_closes_no_cgroup(container, mask):
    """A program of another user than knarr's looks for its limits there."""
    c = place(container(), f'/{PREFIX}-closed-{mask:o}/{PREFIX}-inner')
    folders = [Path(top, f'{PREFIX}-closed-{mask:o}') for top in set(cgroup_hierarchies().values())]
    try:
        c.create(preexec=lambda: os.umask(mask))
        made = [folder for folder in folders if folder.exists()]
        assert made
        for folder in made:
            assert [path.stat().st_mode & 0o777 for path in (folder, folder / f'{PREFIX}-inner')] == [0o755, 0o755]
    finally:
        c.delete('--force')
        for folder in folders:
            if folder.exists():
                folder.rmdir()


def test_nested_path(container):
    parent = f'/{PREFIX}-parent'
    c = place(container(), f'{parent}/{PREFIX}-inner').create()
    controller = '' if view() == 'v2' else 'memory'
    assert cgroups_of(c.pid)[controller] == f'{parent}/{PREFIX}-inner'
    c.delete('--force')
    # A parent that was not there is made, and need not be removed: it may be shared.
    for top in set(cgroup_hierarchies().values()):
        if os.path.isdir(top + parent):
            os.rmdir(top + parent)


def test_path_is_literal_without_the_systemd_driver(container):
    name = f'{PREFIX}:slice:name'
    c = place(container(), f'/{name}').create()
    controller = '' if view() == 'v2' else 'memory'
    assert cgroups_of(c.pid)[controller] == f'/{name}'


def test_default_path_names_the_container(container):
    c = container()
    c.config['linux'].pop('cgroupsPath', None)
    c.create()
    controller = '' if view() == 'v2' else 'memory'
    assert c.id in cgroups_of(c.pid)[controller]


@pytest.mark.parametrize('path', [True, False])
@pytest.mark.parametrize('left', ['all', 'all but one', 'none', 'one below'])
def test_delete_of_what_is_left(container, path, left):
    """Nothing is in it any more: each directory goes at once, whichever of them somebody has removed, or made below."""
    c = container()
    if path:
        place(c)
    c.up()
    directories = {directory for directory in directories_of(c.pid).values() if directory.name == c.id}
    assert directories
    c.kill('KILL')
    c.wait_stopped()
    for directory in sorted(directories)[:{'all but one': 1, 'none': len(directories)}.get(left, 0)]:
        directory.rmdir()
    if left == 'one below':
        for directory in directories:
            (directory / 'below').mkdir()
    c.delete()
    assert [directory for directory in directories if directory.exists()] == []


def test_stopped_keeps_the_cgroup_until_delete(container):
    """Engines read the OOM counters after the exit."""
    c = place(container(['true'])).create()
    folders = directories_of(c.pid)
    controller = '' if view() == 'v2' else 'memory'
    c.start()
    c.wait_stopped()
    assert folders[controller].is_dir()
    c.delete()
    assert not folders[controller].exists()


def test_sub_cgroups_go_too(container):
    c = place(container()).up()
    inner = [folder / f'{PREFIX}-sub/deeper' for folder in set(directories_of(c.pid).values()) if c.id in str(folder)]
    for folder in inner:
        folder.mkdir(parents=True)
    assert inner
    c.delete('--force')
    assert not any(folder.exists() for folder in inner)


def test_processes_in_sub_cgroups_die(container):
    """A stray of the container that hides in a cgroup of its own, in no pid namespace that would end it."""
    c = place(container(['sh', '-c', 'sleep 1000 & echo $!; wait']))
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'pid']
    c.up()
    c.wait_out('\n')
    stray = int(c.read_out())
    folder = directories_of(c.pid)['' if view() == 'v2' else 'freezer'] / f'{PREFIX}-hidden'
    folder.mkdir()
    (folder / 'cgroup.procs').write_text(str(stray))
    c.delete('--force')
    wait_until(lambda: is_zombie_or_gone(stray), 'the stray is dead')


def test_strays_die_when_init_is_already_dead(container):
    c = place(container(['sh', '-c', 'sleep 1000 & echo $!']))
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'pid']
    c.up()
    c.wait_stopped()
    stray = int(c.read_out())
    assert not is_zombie_or_gone(stray)
    c.delete('--force')
    wait_until(lambda: is_zombie_or_gone(stray), 'the stray is dead')


@pytest.mark.knarr
def test_systemd_path_is_checked(container):
    c = place(container(), '/not/three/parts')
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, options=['--systemd-cgroup'],
                    text='expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/not/three/parts" instead')


@pytest.mark.knarr
@pytest.mark.skipif(os.path.exists('/run/systemd/system'), reason='host lacks nothing here: systemd runs, and tests/vm/test_systemd.py asks it')
def test_systemd_manager_without_systemd(container):
    c = place(container(), f'system.slice:{PREFIX}:x')
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, options=['--cgroup-manager=systemd'],
                    text=r'cgroup: connect to systemd by unix:path=/run/dbus/system_bus_socket: .*--cgroup-manager=cgroupfs'
                         r'|this knarr was built without the systemd cgroup manager')


@pytest.mark.parametrize('path', ['/../../escape', '../up', '/a/../../b'])
def test_path_does_not_leave_the_hierarchy(container, path):
    c = place(container(), path.replace('escape', f'{PREFIX}-e').replace('/b', f'/{PREFIX}-b').replace('up', f'{PREFIX}-up'))
    c.bundle.save()
    done = c.runtime('create', '--bundle', c.bundle.path, c.id)
    if done.rc == 0:
        assert '..' not in cgroups_of(c.pid)['' if view() == 'v2' else 'memory']


# ---- limits ---------------------------------------------------------------------------------------


def read_limit(c, controller, v1_name, v2_name):
    return controller_file(c.pid, controller, v1_name, v2_name).read_text().strip()


def test_pids_limit(container):
    need_controller('pids')
    c = limit(place(container()), pids={'limit': 17}).create()
    assert read_limit(c, 'pids', 'pids.max', 'pids.max') == '17'


def test_pids_limit_holds(container):
    need_controller('pids')
    c = limit(place(container(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; echo all'])), pids={'limit': 5})
    done = c.run()
    assert 'all' not in done.out
    assert 'fork' in done.err


def test_memory_limit(container):
    need_controller('memory')
    c = limit(place(container()), memory={'limit': 64 << 20, 'reservation': 32 << 20}).create()
    assert read_limit(c, 'memory', 'memory.limit_in_bytes', 'memory.max') == str(64 << 20)
    assert read_limit(c, 'memory', 'memory.soft_limit_in_bytes', 'memory.low') == str(32 << 20)


def test_memory_hog_dies_alone(container):
    need_controller('memory')
    neighbour = limit(place(container()), memory={'limit': 64 << 20}).up()
    hog = limit(place(container(['sh', '-c', 'head -c 300000000 /dev/zero | tail >/dev/null; echo $?; exec sleep 0'])),
                memory={'limit': 32 << 20})
    done = hog.run()
    assert '137' in done.out or done.rc == 137, done
    assert neighbour.status == 'running'


def test_memory_hog_as_init(container):
    need_controller('memory')
    hog = limit(place(container(['tail', '/dev/zero'])), memory={'limit': 32 << 20})
    assert hog.run().rc == 137


def test_cpu_shares_and_quota(container):
    need_controller('cpu')
    c = limit(place(container()), cpu={'shares': 512, 'quota': 25000, 'period': 50000}).create()
    if view() == 'v2':
        assert read_limit(c, 'cpu', '', 'cpu.max') == '25000 50000'
        # 1 + (512 - 2) * 9999 / 262142; newer runtimes follow a curve through 100 at 1024 shares.
        assert int(read_limit(c, 'cpu', '', 'cpu.weight')) in range(20, 60)
    else:
        assert read_limit(c, 'cpu', 'cpu.shares', '') == '512'
        if controller_file(c.pid, 'cpu', 'cpu.cfs_quota_us', '').exists():
            assert read_limit(c, 'cpu', 'cpu.cfs_quota_us', '') == '25000'
            assert read_limit(c, 'cpu', 'cpu.cfs_period_us', '') == '50000'


def test_cpuset(container):
    need_controller('cpuset')
    c = limit(place(container()), cpu={'cpus': '0', 'mems': '0'}).create()
    assert read_limit(c, 'cpuset', 'cpuset.cpus', 'cpuset.cpus') == '0'
    with open(f'/proc/{c.pid}/status', encoding='utf-8') as status:
        assert 'Cpus_allowed_list:\t0\n' in status.read()


@pytest.mark.knarr
def test_limit_that_cannot_be_set_is_an_error(container):
    hierarchies = cgroup_hierarchies()
    if view() == 'v2':
        absent = 'pids' not in Path(hierarchies[''], 'cgroup.controllers').read_text().split()
    else:
        absent = 'pids' not in hierarchies
    if not absent:
        lacks('nothing here: it has the pids controller, so the limit can be set')
    c = limit(place(container()), pids={'limit': 17})
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'linux\.resources\.pids')


# ---- devices --------------------------------------------------------------------------------------

DENY_ALL = {'allow': False, 'access': 'rwm'}


def extra_device(c, *rules):
    """A container that has a node which is none of the default ones (/dev/fuse), with these rules."""
    if not c.runtime.is_knarr and view() == 'v2':
        pytest.skip('needs eBPF, for which others raise RLIMIT_MEMLOCK')
    c.config['linux']['devices'] = [{'path': '/dev/extra', 'type': 'c', 'major': 10, 'minor': 229, 'fileMode': 0o666}]
    return limit(place(c), devices=[DENY_ALL, *rules])


OPEN = ['sh', '-c', 'head -c 0 /dev/extra 2>&1; (: <>/dev/extra) 2>&1; echo works >/dev/null; echo end']


def test_device_that_is_not_allowed_cannot_be_opened(container):
    out = extra_device(container(OPEN)).output()
    assert out.count('Operation not permitted') == 2
    assert out.endswith('end\n')


def test_device_that_is_allowed_can(container):
    out = extra_device(container(OPEN), {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rw'}).output()
    assert 'Operation not permitted' not in out


def test_device_allowed_for_reading_only(container):
    out = extra_device(container(OPEN), {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'r'}).output()
    assert out.count('Operation not permitted') == 1


def test_default_devices_stay_allowed(container):
    out = extra_device(container(['sh', '-c', 'for d in null zero full random urandom tty ptmx; do (: </dev/$d) 2>&1; done; echo end'])).output()
    assert 'Operation not permitted' not in out
    assert out.endswith('end\n')


def test_mknod_that_is_allowed(container):
    c = extra_device(container(['mknod', '/dev/a', 'c', '10', '229']),
                     {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'm'})
    for kind in ('bounding', 'effective', 'permitted'):
        c.config['process']['capabilities'].setdefault(kind, []).append('CAP_MKNOD')
    c.output()


@pytest.mark.knarr
def test_process_frozen_in_a_cgroup_that_is_not_ours(container):
    """Somebody has moved it there. SIGKILL has no effect on it, until it is back."""
    hierarchies = cgroup_hierarchies()
    if 'freezer' not in hierarchies:
        lacks('the freezer controller on cgroup v1')
    c = container().up()
    foreign = Path(hierarchies['freezer'], f'{PREFIX}-foreign')
    foreign.mkdir()
    try:
        (foreign / 'cgroup.procs').write_text(str(c.pid))
        (foreign / 'freezer.state').write_text('FROZEN')
        c.delete('--force')
        assert (foreign / 'cgroup.procs').read_text() == ''
        # It is theirs, and as they left it.
        assert (foreign / 'freezer.state').read_text() == 'FROZEN\n'
    finally:
        (foreign / 'freezer.state').write_text('THAWED')
        foreign.rmdir()
