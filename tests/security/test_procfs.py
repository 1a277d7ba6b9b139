# SPDX-License-Identifier: Apache-2.0
"""R13 to R16: what the runtime writes into /proc and the cgroups goes where it is meant to go."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from attack import add_mount, refused, with_user_namespace, without_namespace, writable
from harness import lacks

COVERED = ['/proc', '/proc/self/attr', '/proc/1/attr', '/proc/sys', '/proc/thread-self', '/proc/self', '/proc/1', '/proc/sys/kernel', '/proc/self/attr/exec',
           '/proc/self/oom_score_adj', '/proc/./self/attr', '/proc/sys/../self/attr', '/proc/sysrq-trigger', '/proc/self/uid_map']


@pytest.mark.recipe('R13', 'CVE-2019-16884', 'CVE-2025-52881', 'CVE-2015-3631')
@pytest.mark.parametrize('destination', COVERED)
@pytest.mark.parametrize('kind', ['tmpfs', 'bind'])
def test_proc_may_not_be_covered(container, workdir, destination, kind):
    c = writable(container(['true']))
    (workdir / 'source').mkdir()
    (workdir / 'source/exec').write_text('')
    if kind == 'tmpfs':
        add_mount(c, destination, fstype='tmpfs', source='tmpfs')
    else:
        add_mount(c, destination, workdir / 'source')
    refused(c.run())


@pytest.mark.recipe('R13', 'CVE-2019-16884', 'CVE-2025-52881')
@pytest.mark.parametrize('target', ['/proc/self/attr', '/proc', '/proc/sys', '../proc/self'])
def test_proc_may_not_be_covered_through_a_link(container, target):
    """The destination has a harmless name, and the image a link of that name."""
    c = writable(container(['true']))
    (c.rootfs / 'harmless').symlink_to(target)
    add_mount(c, '/harmless', fstype='tmpfs', source='tmpfs')
    refused(c.run())


@pytest.mark.recipe('R13', 'CVE-2019-16884')
def test_another_proc_below_the_root_is_not_written_to(container, workdir):
    """A volume with a tree like /proc/self/attr, mounted before the real one: it must not be what is written to."""
    volume = workdir / 'volume'
    (volume / 'self/attr').mkdir(parents=True)
    for name in ('exec', 'current', 'fscreate'):
        (volume / 'self/attr' / name).write_text('')
    (volume / 'self/oom_score_adj').write_text('')
    c = writable(container(['true']))
    c.config['mounts'] = [{'destination': '/proc', 'source': str(volume), 'type': 'bind', 'options': ['bind']},
                          *[entry for entry in c.config['mounts'] if not entry['destination'].startswith('/proc')]]
    c.config['process']['oomScoreAdj'] = 500
    refused(c.run())
    assert [path.read_text() for path in sorted(volume.rglob('*')) if path.is_file()] == ['', '', '', '']


# ---- R14: sysctls -----------------------------------------------------------------------------------


def current(name):
    """The host's own value: where the runtime lets it be written, nothing changes."""
    path = Path('/proc/sys', name)
    return path.read_text().strip() if path.is_file() else '1'


REDIRECTED = ['kernel.core_pattern', 'net/../kernel/core_pattern', 'net.ipv4/../../kernel/core_pattern', 'fs.mqueue./../../kernel/core_pattern',
              'kernel.shm/../core_pattern', 'net/ipv4/../../kernel/core_pattern', '/kernel/core_pattern', 'net//../kernel/core_pattern',
              'kernel/shm_rmid_forced/../core_pattern', 'net.ipv4/..', 'net/.', 'net/', 'net', '']


@pytest.mark.recipe('R14', 'CVE-2022-0811', 'CVE-2025-52881')
@pytest.mark.parametrize('name', REDIRECTED)
def test_sysctl_that_leads_elsewhere(container, name):
    before = current('kernel/core_pattern')
    c = container(['true'])
    c.config['linux']['sysctl'] = {name: before}
    refused(c.run())
    assert current('kernel/core_pattern') == before


@pytest.mark.recipe('R14')
@pytest.mark.parametrize('name', ['kernel.panic', 'vm.overcommit_memory', 'fs.file-max', 'kernel.sysrq', 'kernel.modprobe', 'kernel.hotplug'])
def test_sysctl_of_the_host(container, name):
    c = container(['true'])
    c.config['linux']['sysctl'] = {name: current(name.replace('.', '/'))}
    refused(c.run())


@pytest.mark.recipe('R14')
@pytest.mark.parametrize('kind,name', [('network', 'net.ipv4.ip_forward'), ('ipc', 'kernel.shmmni'), ('ipc', 'fs.mqueue.msg_max'), ('uts', 'kernel.domainname')])
def test_sysctl_without_its_namespace(container, kind, name):
    c = without_namespace(container(['true']), kind)
    c.config.pop('hostname', None)
    c.config['linux']['sysctl'] = {name: current(name.replace('.', '/'))}
    refused(c.run())


@pytest.mark.recipe('R14', 'CVE-2022-0811')
@pytest.mark.parametrize('value', ['1\nkernel.core_pattern=x', '1\n', '1+kernel.core_pattern=x', '1 && x'])
def test_sysctl_with_a_value_that_says_more(container, value):
    before = current('kernel/core_pattern')
    c = container(['true'])
    c.config['linux']['sysctl'] = {'net.ipv4.ip_forward': value}
    c.run()
    assert current('kernel/core_pattern') == before


@pytest.mark.recipe('R14')
@pytest.mark.knarr
def test_sysctl_of_a_joined_host_namespace(container):
    """A path in linux.namespaces that is the host's own network is no namespace of the container."""
    c = without_namespace(container(['true']), 'network')
    c.config['linux']['namespaces'].append({'type': 'network', 'path': '/proc/1/ns/net'})
    c.config['linux']['sysctl'] = {'net.ipv4.ip_forward': current('net/ipv4/ip_forward')}
    refused(c.run())


# ---- R15: labels ------------------------------------------------------------------------------------


@pytest.mark.recipe('R15', 'CVE-2019-16884', 'CVE-2023-28642')
@pytest.mark.parametrize('field,value', [('apparmorProfile', 'container-default'), ('selinuxLabel', 'system_u:system_r:container_t:s0:c1,c2')])
def test_label_that_cannot_be_applied_is_an_error(container, field, value):
    """Never pretended. On a host with the LSM tests/vm checks that the label is the one that was asked for."""
    if 'apparmor' in Path('/sys/kernel/security/lsm').read_text() if Path('/sys/kernel/security/lsm').exists() else False:
        lacks('a kernel without AppArmor')
    c = container(['cat', '/proc/self/attr/current'])
    c.config['process'][field] = value
    done = c.run()
    if c.runtime.is_knarr:
        refused(done)
        assert f'process.{field}' in done.err
    else:
        assert done.rc != 0, f'the label was dropped in silence: {done}'


# ---- R16: a trace -----------------------------------------------------------------------------------


# A write to the host's /proc by its name is left where nothing of the container can be mounted over it: the runtime's own, in
# the host's mount namespace.
WRITES = re.compile(r'\bopen(?:at|at2)?\((AT_FDCWD[^,]*|\d+<[^>]*>), "([^"]*)".*?(O_WRONLY|O_RDWR)')


def trace(c, workdir, calls):
    """The system calls of a `run`, per process in order: [(pid, line)]."""
    out = workdir / 'trace'
    c.bundle.save()
    command = ['strace', '-f', '-qq', '-y', '-s', '4096', '-e', f'trace={calls}', '-o', str(out), *c.runtime.command('run', '--bundle', c.bundle.path, c.id)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    return [tuple(line.split(maxsplit=1)) for line in out.read_text(errors='replace').splitlines()]


@pytest.mark.recipe('R16', 'CVE-2019-16884', 'CVE-2025-52881')
@pytest.mark.knarr
@pytest.mark.parametrize('user', [False, True])
def test_proc_is_written_through_a_private_one(container, workdir, user):
    """Behind the clone: every file of /proc that is opened for writing is opened below a descriptor of a procfs of our own, with
    RESOLVE_BENEATH, RESOLVE_NO_XDEV and RESOLVE_NO_SYMLINKS."""
    c = writable(container(['true'], oomScoreAdj=500))
    c.config['linux']['sysctl'] = {'net.ipv4.ip_forward': '1'}
    if user:
        with_user_namespace(c)
    lines = trace(c, workdir, '%file,write,clone3,clone,fork,vfork')
    wrong, written = [], []
    born = {pid for pid, line in lines} - {lines[0][0]}
    for pid, line in lines:
        match = WRITES.search(line)
        if not match or ' = -1 ' in line:
            continue
        place, path, _ = match.groups()
        if '/proc' not in path and '/proc' not in place and not re.match(r'(self|\d+|sys)/', path):
            continue
        if not line.startswith('openat2('):
            # The runtime's process, which is not in the container's mount namespace, may name the host's.
            if pid in born:
                wrong.append(line)
            continue
        written.append(path)
        flags = {'RESOLVE_BENEATH', 'RESOLVE_NO_XDEV', 'RESOLVE_NO_SYMLINKS'}
        if not all(flag in line for flag in flags) or path.startswith('/') or place.startswith('AT_FDCWD'):
            wrong.append(line)
    assert not wrong, '\n'.join(wrong)
    assert any(path.endswith('oom_score_adj') for path in written), written
    assert any(path.endswith('net/ipv4/ip_forward') for path in written), written


@pytest.mark.recipe('R16', 'CVE-2021-30465', 'CVE-2024-45310', 'CVE-2025-52881')
@pytest.mark.knarr
def test_nothing_is_mounted_by_a_path(container, workdir):
    """No mount(2) at all in an ordinary container, and move_mount and open_tree only by descriptors, or of the host's own paths."""
    c = writable(container(['true']))
    (workdir / 'volume').mkdir()
    add_mount(c, '/volume', workdir / 'volume')
    lines = trace(c, workdir, 'mount,move_mount,open_tree,mount_setattr,umount2,pivot_root,chroot,clone3')
    rootfs = str(c.rootfs)
    calls = {}
    for _, line in lines:
        name = line.split('(')[0]
        calls.setdefault(name, []).append(line)
    assert 'mount' not in calls, calls['mount']
    for line in calls['move_mount']:
        # The seal's own mount, onto a file of the host's /proc, to go away with the host's tree: before the pivot.
        if '"/proc/version"' in line:
            assert lines.index(next(entry for entry in lines if entry[1] == line)) < lines.index(next(entry for entry in lines if 'pivot_root' in entry[1]))
            continue
        assert re.search(r'move_mount\(\d+<[^>]*>, "", \d+<[^>]*>, "", .*MOVE_MOUNT_F_EMPTY_PATH', line), line
    for line in calls['open_tree']:
        path = re.search(r'open_tree\([^,]+, "([^"]*)"', line).group(1)
        # A clone of root.path itself is taken by its name: nothing of the container is in that.
        assert path in ('', rootfs, '/proc', '/sys') or not path.startswith(rootfs), line
    for line in calls['umount2'] + calls['pivot_root']:
        assert '"."' in line, line


@pytest.mark.recipe('R16', 'GHSA-5g49-rx9x-qfc6', 'CVE-2022-0492')
@pytest.mark.parametrize('name', ['../../cgroup.procs', 'memory/../../x', '/etc/x', 'nodot', 'cgroup.procs', 'release_agent', 'memory.max\n', '..'])
def test_unified_files_stay_in_the_cgroup(container, name):
    """linux.resources.unified names files of the cgroup's directory, of controllers' and of no others. Where a runtime takes
    cgroup.procs, 0 is the runtime itself; any other number would be a process of the machine's."""
    c = container(['true'])
    c.config['linux'].setdefault('resources', {})['unified'] = {name: '0'}
    refused(c.run())


@pytest.mark.recipe('R32', 'CVE-2022-0492')
@pytest.mark.parametrize('path', ['../../x', '/../x', 'a/../../b', 'a\nb', '/a/../../../tmp/x', '..'])
def test_cgroups_path_stays_below_the_hierarchy(container, workdir, path):
    c = container(['cat', '/proc/self/cgroup'])
    c.config['linux']['cgroupsPath'] = path
    before = {name: os.stat(name).st_ino for name in ('/sys/fs/cgroup', '/sys/fs')}
    done = c.run()
    if c.runtime.is_knarr:
        refused(done)
    else:
        assert '..' not in done.out and not (workdir / 'x').exists(), done
    assert {name: os.stat(name).st_ino for name in before} == before
