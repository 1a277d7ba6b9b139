# SPDX-License-Identifier: Apache-2.0
"""linux.namespaces: new ones, joined ones, and what lives in them."""

import os
import socket
import subprocess

import pytest
from harness import MS_BIND, MS_RDONLY, MS_REMOUNT, become_private, mount, mounts_of, namespace_of, status_of, umount, wait_until

# the spec's word: the kernel's
KINDS = {'pid': 'pid', 'network': 'net', 'mount': 'mnt', 'ipc': 'ipc', 'uts': 'uts', 'cgroup': 'cgroup', 'user': 'user',
         'time': 'time'}
OUTSIDE = 100000


def set_namespaces(c, *kinds, **paths):
    """Exactly these, and those joined by path; what needs a namespace that is not there is taken out."""
    c.config['linux']['namespaces'] = [{'type': kind} for kind in kinds] + [
        {'type': kind, 'path': str(path)} for kind, path in paths.items()]
    have = set(kinds) | set(paths)
    if 'uts' not in have:
        c.config.pop('hostname', None)
    if 'network' not in have:
        # A sysfs of the host's network namespace cannot be mounted from within a user namespace.
        for entry in c.config['mounts']:
            if entry['type'] == 'sysfs' and 'user' in have:
                entry.update(type='none', source='/sys', options=['rbind', 'nosuid', 'noexec', 'nodev', 'ro'])
    return c


def give_user_namespace(c, size=65536):
    """Maps 0.. inside to OUTSIDE.. outside and gives the root file system to the new root."""
    c.config['linux']['uidMappings'] = [{'containerID': 0, 'hostID': OUTSIDE, 'size': size}]
    c.config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': OUTSIDE, 'size': size}]
    if not any(ns['type'] == 'user' for ns in c.config['linux']['namespaces']):
        c.config['linux']['namespaces'].append({'type': 'user'})
    for folder, folders, files in os.walk(c.rootfs):
        for name in ['.', *folders, *files]:
            os.chown(os.path.join(folder, name), OUTSIDE, OUTSIDE, follow_symlinks=False)
    return c


ALL = ['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup']


@pytest.mark.parametrize('without', [None, 'network', 'ipc', 'uts', 'cgroup', 'pid'])
def test_new_where_asked_the_hosts_elsewhere(container, without):
    kinds = [kind for kind in ALL if kind != without]
    c = set_namespaces(container(), *kinds)
    if without == 'ipc':
        c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'mqueue']
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    pid = c.up().pid
    for kind in ALL:
        same = namespace_of(pid, KINDS[kind]) == namespace_of('self', KINDS[kind])
        assert same == (kind == without), kind
    assert namespace_of(pid, 'user') == namespace_of('self', 'user')
    assert namespace_of(pid, 'time') == namespace_of('self', 'time')


def test_first_process_is_pid_one(container):
    assert container(['sh', '-c', 'echo $$']).output() == '1\n'


def test_only_its_own_processes_are_seen(container):
    assert container(['sh', '-c', 'ls -d /proc/[0-9]*']).output().split() == ['/proc/1']


def test_loopback_is_up(container):
    assert 'LOOPBACK,UP' in container(['ip', 'link', 'show', 'lo']).output()


def test_only_loopback(container):
    out = container(['ls', '/sys/class/net']).output()
    # Tunnels that some kernels put into every new namespace are not the host's interfaces.
    host = set(os.listdir('/sys/class/net')) - {'lo'}
    assert 'lo' in out.split()
    assert not {name for name in host if os.path.exists(f'/sys/class/net/{name}/device')} & set(out.split())


@pytest.mark.parametrize('sysfs', ['in between', 'first', 'none'])
@pytest.mark.parametrize('hook', [None, 'createContainer', 'createRuntime'])
def test_network_is_entered_in_time(container, sysfs, hook):
    """The runtime makes it while init works, which enters it for the first sysfs, and before any hook."""
    c = container(['sleep', '1000'])
    mounts = c.config['mounts']
    others = [entry for entry in mounts if entry['type'] != 'sysfs']
    if sysfs == 'first':
        c.config['mounts'] = [entry for entry in mounts if entry['type'] == 'sysfs'] + others
    elif sysfs == 'none':
        c.config['mounts'] = [entry for entry in others if not entry['destination'].startswith('/sys')]
    diary = c.bundle.path / 'diary'
    if hook:
        # createRuntime hooks run outside: the pid is in the state that they read.
        look = 'sed -n "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/p"'
        script = (f'pid=$({look}); [ {hook} = createRuntime ] || pid=self; readlink /proc/$pid/ns/net >{diary}; '
                  f'[ {hook} = createRuntime ] || ip link show lo >>{diary}')
        c.config['hooks'] = {hook: [{'path': '/bin/sh', 'args': ['sh', '-c', script], 'env': [f'PATH={os.environ["PATH"]}']}]}
    pid = c.create().pid
    assert namespace_of(pid, 'net') != namespace_of('self', 'net')
    found = subprocess.run(['nsenter', f'--net=/proc/{pid}/ns/net', 'ip', 'link', 'show', 'lo'], capture_output=True, text=True, check=True)
    assert 'LOOPBACK,UP' in found.stdout
    if sysfs != 'none':
        assert os.listdir(f'/proc/{pid}/root/sys/class/net/lo')
    if hook:
        words = diary.read_text()
        assert words.split('\n')[0] == os.readlink(f'/proc/{pid}/ns/net')
        assert hook == 'createRuntime' or 'LOOPBACK,UP' in words


def test_hostname_and_domainname(container):
    c = container(['sh', '-c', 'hostname; cat /proc/sys/kernel/domainname'])
    c.config['hostname'] = 'a-host'
    if c.runtime.is_knarr:
        c.config['domainname'] = 'a.domain'
    out = c.output().split('\n')
    assert out[0] == 'a-host'
    if c.runtime.is_knarr:
        assert out[1] == 'a.domain'
    assert socket.gethostname() != 'a-host'


def test_cgroup_namespace_hides_the_path(container):
    c = set_namespaces(container(['cat', '/proc/self/cgroup']), *ALL)
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    lines = c.output().splitlines()
    assert lines
    for line in lines:
        assert line.endswith(':/'), line


@pytest.mark.parametrize('kind', ['network', 'ipc', 'uts', 'pid', 'cgroup'])
def test_join_by_path(container, kind):
    first = set_namespaces(container(), *ALL).up()
    path = f'/proc/{first.pid}/ns/{KINDS[kind]}'
    second = set_namespaces(container(), *[other for other in ALL if other != kind], **{kind: path})
    second.config.pop('hostname', None)
    if kind == 'pid':
        # Not pid 1 there: the joined namespace has one already.
        second.config['process']['args'] = ['sleep', '1000']
    pid = second.up().pid
    assert namespace_of(pid, KINDS[kind]) == namespace_of(first.pid, KINDS[kind])
    for other in set(ALL) - {kind}:
        assert namespace_of(pid, KINDS[other]) != namespace_of(first.pid, KINDS[other])
    second.delete('--force')


def test_join_a_bound_file(container, workdir):
    """As `ip netns` and CNI leave them."""
    place = workdir / 'netns'
    place.touch()
    holder = subprocess.Popen(['unshare', '-n', 'sleep', '1000'])
    try:
        wait_until(lambda: namespace_of(holder.pid, 'net') != namespace_of('self', 'net'), 'a network namespace')
        mount(f'/proc/{holder.pid}/ns/net', place, flags=MS_BIND)
        try:
            c = set_namespaces(container(), 'pid', 'mount', 'ipc', 'uts', network=place).up()
            assert namespace_of(c.pid, 'net') == namespace_of(holder.pid, 'net')
            c.delete('--force')
        finally:
            umount(place)
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.knarr
def test_join_the_wrong_kind_is_an_error(container):
    c = set_namespaces(container(), 'pid', 'mount', 'ipc', 'uts', network='/proc/self/ns/uts')
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: linux\.namespaces\[\d\]')


@pytest.mark.parametrize('path', ['/no/such/file', '/etc/passwd', '/dev/null'])
def test_join_what_is_no_namespace(container, path):
    c = set_namespaces(container(), 'pid', 'mount', 'ipc', 'uts', network=path)
    c.bundle.save()
    assert c.runtime('create', '--bundle', c.bundle.path, c.id).rc == 1


# ---- user ---------------------------------------------------------------------------------------


def test_root_inside_is_nobody_outside(container):
    c = give_user_namespace(container(['sh', '-c', 'id -u; id -g; cat /proc/self/uid_map; exec sleep 1000']))
    c.up()
    c.wait_out(str(OUTSIDE))
    words = c.read_out().split()
    assert words[:2] == ['0', '0']
    assert words[2:5] == ['0', str(OUTSIDE), '65536']
    status = status_of(c.pid)
    assert status['Uid'].split() == [str(OUTSIDE)] * 4
    assert status['Gid'].split() == [str(OUTSIDE)] * 4
    assert namespace_of(c.pid, 'user') != namespace_of('self', 'user')


def test_files_made_inside_belong_to_nobody(container):
    c = give_user_namespace(container(['touch', '/tmp/made']))
    c.config['root']['readonly'] = False
    c.output()
    assert os.lstat(c.rootfs / 'tmp/made').st_uid == OUTSIDE


def test_root_inside_cannot_touch_the_hosts_files(container, workdir):
    secret = workdir / 'secret'
    secret.write_text('secret\n')
    secret.chmod(0o600)
    c = give_user_namespace(container(['sh', '-c', 'cat /tmp/secret || echo refused']))
    c.config['root']['readonly'] = False
    c.config['mounts'].append({'destination': '/tmp/secret', 'type': 'bind', 'source': str(secret), 'options': ['bind']})
    assert c.output() == 'refused\n'


def test_other_user_inside(container):
    c = give_user_namespace(container(user={'uid': 1000, 'gid': 1000, 'additionalGids': [5]})).up()
    status = status_of(c.pid)
    assert status['Uid'].split() == [str(OUTSIDE + 1000)] * 4
    assert status['Groups'].split() == [str(OUTSIDE + 5)]


@pytest.mark.parametrize('again', [False, True])
def test_joined_user_namespace(container, again):
    """containerd and CRI-O give its maps again; knarr goes by those that it has."""
    first = give_user_namespace(container()).up()
    second = give_user_namespace(container())
    set_namespaces(second, 'pid', 'mount', 'ipc', 'uts', user=f'/proc/{first.pid}/ns/user', network=f'/proc/{first.pid}/ns/net')
    if not again:
        del second.config['linux']['uidMappings']
        del second.config['linux']['gidMappings']
    if second.runtime.name == 'runc' and not again:
        pytest.skip('runc 1.1 wants the mappings again')
    pid = second.up().pid
    assert namespace_of(pid, 'user') == namespace_of(first.pid, 'user')
    assert status_of(pid)['Uid'].split() == [str(OUTSIDE)] * 4
    second.delete('--force')


@pytest.mark.knarr
def test_user_outside_the_mapping_is_an_error(container):
    c = give_user_namespace(container(user={'uid': 5000, 'gid': 0}), size=1000)
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: process\.user\.uid')


# ---- time ---------------------------------------------------------------------------------------


@pytest.mark.knarr
def test_time_offsets(container):
    c = container(['sh', '-c', 'cut -d. -f1 /proc/uptime; exec sleep 1000'])
    c.config['linux']['namespaces'].append({'type': 'time'})
    c.config['linux']['timeOffsets'] = {'monotonic': {'secs': 1000, 'nanosecs': 5}, 'boottime': {'secs': 864000}}
    c.up()
    c.wait_out('\n')
    with open('/proc/uptime', encoding='utf-8') as uptime:
        ours = float(uptime.read().split()[0])
    assert abs(int(c.read_out()) - ours - 864000) < 10
    assert namespace_of(c.pid, 'time') != namespace_of('self', 'time')
    with open(f'/proc/{c.pid}/timens_offsets', encoding='utf-8') as offsets:
        assert [line.split() for line in offsets] == [['monotonic', '1000', '5'], ['boottime', '864000', '0']]


# ---- sysctl -------------------------------------------------------------------------------------


def test_sysctl(container):
    c = container(['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max'])
    c.config['linux']['sysctl'] = {'net.ipv4.ip_forward': '1', 'kernel.shmmni': '1234', 'fs.mqueue.msg_max': '15'}
    assert c.output().split() == ['1', '1234', '15']


def test_sysctl_with_a_slash(container):
    c = container(['cat', '/proc/sys/net/ipv4/conf/lo/forwarding'])
    c.config['linux']['sysctl'] = {'net/ipv4/conf/lo/forwarding': '1'}
    if c.runtime.name == 'crun':
        pytest.skip('crun 1.8 has no slashes')
    assert c.output() == '1\n'


@pytest.mark.knarr
def test_sysctl_of_the_user_namespace(container):
    """Limits of what can be made below it: it is the container's own, and the host's stay."""
    with open('/proc/sys/user/max_net_namespaces', encoding='ascii') as value:
        before = value.read()
    c = give_user_namespace(container(['cat', '/proc/sys/user/max_net_namespaces']))
    c.config['linux']['sysctl'] = {'user.max_net_namespaces': '7'}
    assert c.output() == '7\n'
    with open('/proc/sys/user/max_net_namespaces', encoding='ascii') as value:
        assert value.read() == before
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'user']
    del c.config['linux']['uidMappings'], c.config['linux']['gidMappings']
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: linux\.sysctl\["user\.max_net_namespaces"\]: ')


@pytest.mark.knarr
def test_sysctl_past_what_covers_the_hosts_proc(container):
    """As in a container that is our host: /proc/sys is a mount of its own, and read-only."""
    def cover():
        become_private()
        mount('/proc/sys', '/proc/sys', flags=MS_BIND)
        mount(None, '/proc/sys', flags=MS_BIND | MS_REMOUNT | MS_RDONLY)

    c = container(['cat', '/proc/sys/kernel/shmmni'])
    c.config['linux']['sysctl'] = {'kernel.shmmni': '1234'}
    assert c.output(preexec=cover) == '1234\n'


@pytest.mark.parametrize('name', ['kernel.panic', 'vm.swappiness', 'fs.file-max', 'net.ipv4.ip_forward', 'kernel.shmmni'])
def test_sysctl_of_the_host_is_refused(container, name):
    """A name without a namespace, or of one that the container shares with the host."""
    path = '/proc/sys/' + name.replace('.', '/')
    with open(path, encoding='utf-8') as value:
        before = value.read()
    c = set_namespaces(container(), 'pid', 'mount', 'uts')
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'mqueue']
    c.config['linux']['sysctl'] = {name: '1'}
    c.bundle.save()
    assert c.runtime('create', '--bundle', c.bundle.path, c.id).rc == 1
    with open(path, encoding='utf-8') as value:
        assert value.read() == before


@pytest.mark.knarr
def test_hostname_without_a_namespace_is_an_error(container):
    c = set_namespaces(container(), 'pid', 'mount', 'ipc', 'network')
    c.config['hostname'] = 'ours'
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: hostname')
    assert socket.gethostname() != 'ours'


# ---- no mount namespace -------------------------------------------------------------------------


def without_mount_namespace(c):
    c.config['linux']['namespaces'] = [{'type': 'pid'}]
    c.config['linux'].pop('maskedPaths', None)
    c.config['linux'].pop('readonlyPaths', None)
    c.config['root']['readonly'] = False
    c.config.pop('hostname', None)
    return c


def mounts_on(c):
    return [entry.target for entry in mounts_of() if entry.target.startswith(str(c.rootfs))]


@pytest.mark.knarr
def test_mounts_without_a_mount_namespace(container):
    """config-linux.md: the runtime's is inherited. They are below the root, and go with the container."""
    c = without_mount_namespace(container())
    c.up()
    assert namespace_of(c.pid, 'mnt') == namespace_of('self', 'mnt')
    # The clone of the root, on top of it, and all of config.json's in there.
    assert mounts_on(c)[0] == str(c.rootfs)
    assert set(mounts_on(c)) >= {str(c.rootfs) + entry['destination'] for entry in c.config['mounts']}
    assert not [entry.optional for entry in mounts_of() if entry.target.startswith(str(c.rootfs)) and entry.optional]
    assert c.runtime('exec', c.id, 'sh', '-c', 'ls -d /proc/self /dev/null').out == '/dev/null\n/proc/self\n'
    c.delete('--force')
    assert mounts_on(c) == []


@pytest.mark.knarr
def test_run_without_a_mount_namespace(container):
    c = without_mount_namespace(container(['ls', '-d', '/proc/self']))
    assert c.output() == '/proc/self\n'
    assert mounts_on(c) == []


@pytest.mark.knarr
def test_failure_without_a_mount_namespace(container):
    c = without_mount_namespace(container())
    c.config['mounts'].append({'destination': '/x', 'type': 'nosuch', 'source': 'x'})
    assert c.run().rc == 1
    assert mounts_on(c) == []


@pytest.mark.knarr
def test_removal_without_a_mount_namespace_takes_no_other_mount(container, workdir):
    """Somebody's mount on the same directory stays, and so does what was there before."""
    c = without_mount_namespace(container())
    mount(c.rootfs, c.rootfs, flags=MS_BIND)
    try:
        c.up()
        c.delete('--force')
        assert mounts_on(c) == [str(c.rootfs)]
    finally:
        umount(c.rootfs)


@pytest.mark.knarr
def test_user_namespace_without_a_mount_namespace(container):
    c = without_mount_namespace(container())
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    assert 'mounts: in a user namespace mounts need a mount namespace' in c.run().err
