# SPDX-License-Identifier: Apache-2.0
"""root, mounts, masked and read-only paths, devices: what the process sees and the host does not."""

import os
import stat

import pytest
from harness import MS_BIND, lacks, mount, mount_at, mounts_of, umount, view
from test_namespaces import give_user_namespace

MS_SHARED = 0x100000
# The spec's words that are per-mount flags, as mountinfo shows them.
SHOWN = {'ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'nosymfollow'}


@pytest.fixture
def source(workdir):
    path = workdir / 'source'
    path.mkdir(mode=0o755)
    (path / 'file').write_text('from the host\n')
    return path


def add_mount(c, destination, source=None, fstype='bind', options=('bind',)):
    c.config['mounts'].append({'destination': destination, 'type': fstype, 'source': str(source or fstype),
                               'options': list(options)})
    return c


def writable(c):
    c.config['root']['readonly'] = False
    return c


def flags_at(pid, target):
    return mount_at(pid, target).options & SHOWN


# ---- the default mounts ---------------------------------------------------------------------------


def test_configured_mounts_are_there_with_their_options(container):
    """Every entry of mounts in order, its type and each of its flags; and nothing more than they ask."""
    c = container().up()
    for entry in c.config['mounts']:
        if entry['type'] == 'cgroup' and not c.runtime.is_knarr:
            continue  # on v1 it is a tmpfs with the hierarchies in it, which others leave writable
        found = mount_at(c.pid, entry['destination'])
        wanted = set(entry.get('options', [])) & SHOWN
        assert wanted <= found.options, entry
        if entry['type'] in ('proc', 'tmpfs', 'devpts', 'mqueue', 'sysfs'):
            assert found.fstype == entry['type'], entry
            assert found.options & {'nosuid', 'nodev', 'noexec'} == wanted & {'nosuid', 'nodev', 'noexec'}, entry


def test_data_options_reach_the_filesystem(container):
    c = writable(add_mount(container(), '/fresh', fstype='tmpfs', options=['nosuid', 'size=64k', 'mode=1711', 'nr_inodes=77'])).up()
    found = mount_at(c.pid, '/fresh')
    assert {'size=64k', 'mode=1711', 'nr_inodes=77'} <= found.superoptions
    assert stat.S_IMODE(os.stat(f'/proc/{c.pid}/root/fresh').st_mode) == 0o1711


@pytest.mark.parametrize('options,shown', [
    (['noexec', 'exec'], set()),
    (['ro', 'rw'], set()),
    (['nodev', 'nosuid'], {'nodev', 'nosuid'}),
    (['noatime'], {'noatime'}),
    (['strictatime'], set()),
    (['nodiratime', 'relatime'], {'nodiratime', 'relatime'}),
    (['ro', 'noexec', 'nosuid', 'nodev'], {'ro', 'noexec', 'nosuid', 'nodev'}),
])
def test_flags(container, options, shown):
    c = add_mount(container(), '/tmp', fstype='tmpfs', options=options).up()
    found = flags_at(c.pid, '/tmp')
    if not shown & {'noatime', 'relatime'}:
        found -= {'relatime'}
    assert found == shown


@pytest.mark.knarr
def test_unknown_options_are_the_filesystems_business(container):
    c = add_mount(container(), '/tmp', fstype='tmpfs', options=['no-such-option'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: mounts\[\d+\].*no-such-option')


def test_mounts_stack_in_order(container):
    c = container(['ls', '/tmp/inner'])
    add_mount(c, '/tmp', fstype='tmpfs', options=[])
    add_mount(c, '/tmp/inner', fstype='tmpfs', options=[])
    add_mount(c, '/tmp/inner/most', fstype='tmpfs', options=[])
    assert c.output() == 'most\n'


# ---- bind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('options,shown', [
    (['bind'], set()),
    (['rbind', 'ro'], {'ro'}),
    (['bind', 'nosuid', 'nodev', 'noexec'], {'nosuid', 'nodev', 'noexec'}),
    (['rbind', 'noatime', 'ro'], {'noatime', 'ro'}),
])
def test_bind_flags(container, source, options, shown):
    """And those that the source's own mount has: /tmp may be a tmpfs with nosuid and nodev."""
    flags = os.statvfs(source).f_flag
    inherited = {name for name in ('nosuid', 'nodev', 'noexec') if flags & getattr(os, f'ST_{name.upper()}')}
    c = add_mount(container(), '/tmp', source, options=options).up()
    found = flags_at(c.pid, '/tmp') - {'relatime'}
    assert found == shown | inherited
    assert os.path.samestat(os.stat(f'/proc/{c.pid}/root/tmp'), os.stat(source))


def test_bind_type_is_taken_from_the_options(container, source):
    c = add_mount(container(['cat', '/tmp/file']), '/tmp', source, fstype='none', options=['rbind'])
    assert c.output() == 'from the host\n'


def test_bind_is_both_ways(container, source):
    c = add_mount(container(['sh', '-c', 'cat /tmp/file; echo back >/tmp/answer']), '/tmp', source)
    assert c.output() == 'from the host\n'
    assert (source / 'answer').read_text() == 'back\n'


def test_bind_read_only_is_for_the_container_only(container, source):
    c = add_mount(container(['sh', '-c', 'echo x >/tmp/file || echo refused']), '/tmp', source, options=['bind', 'ro'])
    assert c.output() == 'refused\n'
    (source / 'file').write_text('still ours\n')


def test_bind_of_a_file(container, source):
    c = writable(add_mount(container(['cat', '/etc/made/by/us']), '/etc/made/by/us', source / 'file'))
    assert c.output() == 'from the host\n'


def test_relative_source_is_below_the_bundle(container):
    c = container(['cat', '/tmp/f'])
    (c.bundle.path / 'data').mkdir()
    (c.bundle.path / 'data/f').write_text('near\n')
    assert add_mount(c, '/tmp', 'data').output() == 'near\n'


@pytest.fixture
def nested(source):
    """A mount below the source."""
    (source / 'sub').mkdir()
    mount('tmpfs', source / 'sub', 'tmpfs')
    (source / 'sub/deep').write_text('deep\n')
    yield source
    umount(source / 'sub')


@pytest.mark.parametrize('options,seen', [(['bind'], False), (['rbind'], True)])
def test_rbind_takes_what_is_below(container, nested, options, seen):
    c = add_mount(container(['sh', '-c', 'ls /tmp/sub']), '/tmp', nested, options=options)
    assert c.output() == ('deep\n' if seen else '')


@pytest.mark.parametrize('word,refused', [('ro', False), ('rro', True)])
def test_read_only_recursively(container, nested, word, refused):
    c = add_mount(container(['sh', '-c', 'echo x 2>/dev/null >/tmp/sub/deep && echo written || echo refused']), '/tmp', nested,
                  options=['rbind', word])
    assert c.output() == ('refused\n' if refused else 'written\n')


@pytest.mark.knarr
@pytest.mark.parametrize('word,flag', [('rnosuid', 'nosuid'), ('rnodev', 'nodev'), ('rnoexec', 'noexec'), ('rnoatime', 'noatime')])
def test_flags_recursively(container, nested, word, flag):
    c = add_mount(container(), '/tmp', nested, options=['rbind', word]).up()
    assert flag in flags_at(c.pid, '/tmp') and flag in flags_at(c.pid, '/tmp/sub')


@pytest.mark.knarr
def test_idmapped_bind(container, source):
    c = add_mount(container(['stat', '-c', '%u', '/tmp/file']), '/tmp', source)
    mapping = [{'containerID': 0, 'hostID': 5000, 'size': 10}]
    c.config['mounts'][-1].update(uidMappings=mapping, gidMappings=mapping)
    assert c.output() == '5000\n'


def test_missing_source(container):
    c = add_mount(container(), '/tmp', '/no/such/source')
    c.bundle.save()
    text = r'config\.json:\d+:\d+: mounts\[\d+\].*/no/such/source.*ENOENT|mounts\[\d+\].*[Nn]o such file' if c.runtime.is_knarr else 'no such file|No such file'
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=text)


@pytest.mark.knarr
def test_unknown_filesystem(container):
    c = add_mount(container(), '/tmp', 'x', fstype='nosuchfs', options=[])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: mounts\[\d+\].*nosuchfs')


# ---- nothing leads out of the root ----------------------------------------------------------------


@pytest.mark.parametrize('link', ['/', '../../../../../../../..', '/tmp'])
def test_links_are_followed_inside_the_root(container, source, workdir, link):
    """A destination that goes through a link of the image ends in the image, whatever the link says."""
    outside = workdir / 'outside'
    outside.mkdir()
    c = writable(container(['true']))
    (c.rootfs / 'way').symlink_to(link)
    add_mount(c, f'/way{outside}/deep', source)
    c.output()
    assert os.listdir(outside) == []


def test_mountpoint_is_a_link_to_the_hosts_file(container, source):
    """/etc/link -> /etc/hostname: made and mounted inside."""
    c = writable(container(['cat', '/etc/target']))
    (c.rootfs / 'etc/link').symlink_to('/etc/target')
    add_mount(c, '/etc/link', source / 'file')
    assert c.output() == 'from the host\n'
    assert not os.path.exists('/etc/target')


def test_host_sees_no_mount(container):
    before = mounts_of()
    c = container().up()
    assert mounts_of() == before
    c.delete('--force')


def test_the_old_root_is_gone(container):
    c = container().up()
    table = mounts_of(c.pid)
    targets = [entry.target for entry in table]
    assert targets.count('/') == 1
    host_devices = {entry.device for entry in mounts_of() if entry.target in ('/', '/proc', '/sys')}
    own = [entry for entry in table if entry.target != '/' and entry.device in host_devices and entry.fstype == 'proc']
    assert own == []


# ---- the root -------------------------------------------------------------------------------------


@pytest.mark.parametrize('readonly', [True, False])
def test_root_read_only(container, readonly):
    c = container(['sh', '-c', 'touch /new 2>/dev/null && echo written || echo refused'])
    c.config['root']['readonly'] = readonly
    assert c.output() == ('refused\n' if readonly else 'written\n')
    assert (c.rootfs / 'new').exists() != readonly


def test_no_pivot(container):
    c = container(['sh', '-c', 'ls /; cat /etc/passwd'])
    out = c.output('--no-pivot')
    assert 'worker' in out and 'bin' in out


def test_root_on_overlay_keeps_the_image_clean(container, make_rootfs, workdir):
    image = make_rootfs(workdir / 'image')
    before = sorted(str(path) for path in image.rglob('*'))
    for name in ('upper', 'work'):
        (workdir / name).mkdir()
    # OverlayFS cannot lie on itself: where /tmp is one (in a container), upper and work get a tmpfs.
    mount('tmpfs', workdir / 'upper', 'tmpfs')
    for name in ('u', 'w'):
        (workdir / 'upper' / name).mkdir(mode=0o755)
    c = writable(container(['sh', '-c', 'echo changed >/etc/passwd; rm /bin/ls; mkdir /new']))
    mount('overlay', c.rootfs, 'overlay', data=f'lowerdir={image},upperdir={workdir}/upper/u,workdir={workdir}/upper/w')
    try:
        c.output()
        assert (c.rootfs / 'etc/passwd').read_text() == 'changed\n'
        assert (workdir / 'upper/u/etc/passwd').read_text() == 'changed\n'
    finally:
        umount(c.rootfs)
        umount(workdir / 'upper')
    assert sorted(str(path) for path in image.rglob('*')) == before
    assert 'worker' in (image / 'etc/passwd').read_text()


PROPAGATION = [('private', set()), ('rprivate', set()), ('slave', {'master'}), ('rslave', {'master'}), ('shared', {'shared'}),
               ('rshared', {'shared'}), ('unbindable', {'unbindable'})]


def shown_propagation(entry):
    words = {word.split(':')[0] for word in entry.optional}
    return words & {'shared', 'master', 'unbindable'}


@pytest.mark.parametrize('word,expected', PROPAGATION)
def test_propagation_of_a_mount(container, source, word, expected):
    mount(source, source, flags=MS_BIND)
    mount(None, source, flags=MS_SHARED)
    try:
        c = add_mount(container(), '/tmp', source, options=['bind', word])
        # As engines do: the root's propagation is at least what its mounts need.
        c.config['linux']['rootfsPropagation'] = 'rshared' if 'shared' in word else 'rslave'
        c.up()
        found = shown_propagation(mount_at(c.pid, '/tmp'))
        assert expected <= found
        if 'private' in word:
            assert not found
        c.delete('--force')
    finally:
        umount(source)


@pytest.mark.parametrize('word,expected', [('private', set()), ('rprivate', set()), ('rslave', {'master'})])
def test_propagation_of_the_root(container, word, expected):
    c = container()
    mount(c.rootfs, c.rootfs, flags=MS_BIND)
    mount(None, c.rootfs, flags=MS_SHARED)
    try:
        c.config['linux']['rootfsPropagation'] = word
        c.up()
        found = shown_propagation(mount_at(c.pid, '/'))
        assert found == expected
        c.delete('--force')
    finally:
        umount(c.rootfs)


def test_mounts_of_the_host_do_not_come_in_by_default(container, source):
    mount(source, source, flags=MS_BIND)
    mount(None, source, flags=MS_SHARED)
    (source / 'late').mkdir()
    try:
        c = add_mount(container(), '/tmp', source, options=['rbind', 'rprivate']).up()
        mount('tmpfs', source / 'late', 'tmpfs')
        try:
            assert '/tmp/late' not in [entry.target for entry in mounts_of(c.pid)]
        finally:
            umount(source / 'late')
        c.delete('--force')
    finally:
        umount(source)


def test_mounts_of_the_host_come_in_with_slave(container, source):
    mount(source, source, flags=MS_BIND)
    mount(None, source, flags=MS_SHARED)
    (source / 'late').mkdir()
    try:
        c = add_mount(container(), '/tmp', source, options=['rbind', 'rslave'])
        c.config['linux']['rootfsPropagation'] = 'rslave'
        c.up()
        mount('tmpfs', source / 'late', 'tmpfs')
        try:
            assert '/tmp/late' in [entry.target for entry in mounts_of(c.pid)]
        finally:
            umount(source / 'late')
        c.delete('--force')
    finally:
        umount(source)


# ---- masked and read-only paths -------------------------------------------------------------------


def test_masked_paths(container):
    c = container(['sh', '-c', 'cat /proc/uptime; ls /proc/fs; cat /etc/secret; ls /etc/folder; echo end'])
    (c.rootfs / 'etc/secret').write_text('secret\n')
    (c.rootfs / 'etc/folder').mkdir()
    (c.rootfs / 'etc/folder/file').touch()
    c.config['linux']['maskedPaths'] = ['/proc/uptime', '/proc/fs', '/etc/secret', '/etc/folder', '/no/such/path']
    assert c.run() == (0, 'end\n', '')


def test_masked_and_readonly_paths_named_twice(container):
    """And once more through a link: a mask is not masked again."""
    c = writable(container(['sh', '-c', 'cat /etc/secret; ls /etc/folder; touch /etc/file 2>/dev/null || echo refused; echo end']))
    (c.rootfs / 'etc/secret').write_text('secret\n')
    (c.rootfs / 'etc/file').touch()
    (c.rootfs / 'etc/folder').mkdir()
    (c.rootfs / 'etc/folder/file').touch()
    (c.rootfs / 'etc/link').symlink_to('secret')
    c.config['linux']['maskedPaths'] = ['/etc/secret', '/etc/folder', '/etc/secret', '/etc/link', '/etc//folder/']
    c.config['linux']['readonlyPaths'] = ['/etc/file', '/etc/file']
    assert c.output() == 'refused\nend\n'
    c.config['process']['args'] = ['sleep', '1000']
    c.up()
    targets = [entry.target for entry in mounts_of(c.pid)]
    assert targets.count('/etc/secret') == targets.count('/etc/folder') == 1


def test_masked_folder_is_read_only(container):
    c = writable(container(['sh', '-c', 'touch /etc/folder/x 2>/dev/null && echo written || echo refused']))
    (c.rootfs / 'etc/folder').mkdir()
    c.config['linux']['maskedPaths'] = ['/etc/folder']
    assert c.output() == 'refused\n'


def test_readonly_paths(container):
    c = writable(container(['sh', '-c', 'for f in /proc/sys/kernel/panic /etc/file /proc/sysrq-trigger; do echo 0 2>/dev/null >$f && echo written || echo refused; done']))
    (c.rootfs / 'etc/file').touch()
    c.config['linux']['readonlyPaths'] = ['/proc/sys', '/proc/sysrq-trigger', '/etc/file', '/no/such/path']
    assert c.output() == 'refused\n' * 3


def test_readonly_paths_keep_the_mounts_flags(container):
    c = container()
    c.config['linux']['readonlyPaths'] = ['/proc/sys']
    c.up()
    assert 'ro' in flags_at(c.pid, '/proc/sys')


# ---- devices --------------------------------------------------------------------------------------

DEFAULT_DEVICES = {'null': (1, 3), 'zero': (1, 5), 'full': (1, 7), 'random': (1, 8), 'urandom': (1, 9), 'tty': (5, 0)}


def test_default_devices(container):
    c = container().up()
    for name, numbers in DEFAULT_DEVICES.items():
        found = os.stat(f'/proc/{c.pid}/root/dev/{name}', follow_symlinks=False)
        assert stat.S_ISCHR(found.st_mode), name
        assert (os.major(found.st_rdev), os.minor(found.st_rdev)) == numbers, name
        assert stat.S_IMODE(found.st_mode) == 0o666, name
        assert (found.st_uid, found.st_gid) == (0, 0), name


@pytest.mark.parametrize('name,target', [('fd', '/proc/self/fd'), ('stdin', '/proc/self/fd/0'), ('stdout', '/proc/self/fd/1'),
                                         ('stderr', '/proc/self/fd/2'), ('ptmx', 'pts/ptmx'), ('core', '/proc/kcore')])
def test_device_links(container, name, target):
    if name == 'core' and not os.path.exists(target):
        lacks(target)
    c = container().up()
    assert os.readlink(f'/proc/{c.pid}/root/dev/{name}') == target


def test_devices_work(container):
    out = container(['sh', '-c', 'echo gone >/dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; '
                     'echo x 2>/dev/null >/dev/full || echo full; echo on >>/dev/stdout']).output()
    assert out == '4\n4\nfull\non\n'


def test_configured_device(container):
    c = container()
    c.config['linux']['devices'] = [
        {'path': '/dev/mine', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o640, 'uid': 7, 'gid': 8},
        {'path': '/dev/deep/er', 'type': 'b', 'major': 7, 'minor': 0, 'fileMode': 0o600},
        {'path': '/dev/queue', 'type': 'p', 'fileMode': 0o622}]
    c.up()
    root = f'/proc/{c.pid}/root'
    mine, deeper, queue = (os.stat(f'{root}/dev/{name}') for name in ('mine', 'deep/er', 'queue'))
    assert (stat.S_ISCHR(mine.st_mode), mine.st_rdev, stat.S_IMODE(mine.st_mode), mine.st_uid, mine.st_gid) == (
        True, os.makedev(1, 3), 0o640, 7, 8)
    assert (stat.S_ISBLK(deeper.st_mode), deeper.st_rdev, stat.S_IMODE(deeper.st_mode)) == (True, os.makedev(7, 0), 0o600)
    assert (stat.S_ISFIFO(queue.st_mode), stat.S_IMODE(queue.st_mode)) == (True, 0o622)


def test_devices_in_a_user_namespace(container):
    """mknod is not allowed there: the host's nodes are bound."""
    c = give_user_namespace(container(['sh', '-c', 'echo gone >/dev/null; head -c 4 /dev/zero | wc -c']))
    assert c.output() == '4\n'


def test_dev_of_the_host_bound_whole(container):
    """As privileged engines do with /dev: nothing is made in it, nothing of it is changed."""
    before = sorted(os.listdir('/dev'))
    c = container(['sh', '-c', 'echo gone >/dev/null && echo works'])
    c.config['mounts'] = [entry for entry in c.config['mounts'] if not entry['destination'].startswith('/dev')]
    add_mount(c, '/dev', '/dev', options=['rbind', 'ro'])
    if c.runtime.name == 'crun':
        pytest.skip('crun 1.8 writes there')
    assert c.output() == 'works\n'
    assert sorted(os.listdir('/dev')) == before


# ---- cgroup ---------------------------------------------------------------------------------------


def with_cgroup_mount(c, *extra):
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] not in ('cgroup', 'cgroup2')]
    add_mount(c, '/sys/fs/cgroup', 'cgroup', fstype='cgroup', options=['nosuid', 'noexec', 'nodev', 'relatime', *extra])
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'cgroup']
    return c


@pytest.mark.parametrize('namespace', [True, False])
def test_cgroup_mount_shows_only_its_own(container, namespace):
    name = '/sys/fs/cgroup/cgroup.procs' if view() == 'v2' else '/sys/fs/cgroup/memory/cgroup.procs'
    c = with_cgroup_mount(container(['sh', '-c', f'cat {name}; mkdir {os.path.dirname(name)}/x 2>/dev/null && echo made || echo refused']), 'ro')
    if namespace:
        c.config['linux']['namespaces'].append({'type': 'cgroup'})
    lines = c.output().split()
    assert lines[-1] == 'refused'
    if view() == 'v2' and not namespace:
        return  # there the kernel shows the whole hierarchy
    assert '1' in lines[:-1]
    assert len(lines) <= 4, 'processes of others are seen'


def test_cgroup_mount_writable(container):
    name = '/sys/fs/cgroup' if view() == 'v2' else '/sys/fs/cgroup/memory'
    c = with_cgroup_mount(container(['sh', '-c', f'mkdir {name}/inner && echo made']))
    c.config['linux']['namespaces'].append({'type': 'cgroup'})
    assert c.output() == 'made\n'
