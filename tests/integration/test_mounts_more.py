# SPDX-License-Identifier: Apache-2.0
"""mounts: images, overlays, id maps, every recursive attribute; what test_mounts.py does not have."""

import os
import shutil
import stat
import subprocess

import fuse
import pytest
from harness import MS_BIND, lacks, mount, mount_at, mounts_of, umount, view, wait_until
from test_mounts import add_mount, source, with_cgroup_mount, writable  # noqa: F401 (source is a fixture)
from test_namespaces import OUTSIDE, give_user_namespace

pytestmark = pytest.mark.knarr
MS_REMOUNT = 0x20
# word: what mountinfo shows of the recursive attribute, and the flag of mount(2)
FLAGS = {'ro': ('rro', 'rrw', 1), 'nosuid': ('rnosuid', 'rsuid', 2), 'nodev': ('rnodev', 'rdev', 4), 'noexec': ('rnoexec', 'rexec', 8),
         'noatime': ('rnoatime', 'ratime', 0x400), 'nodiratime': ('rnodiratime', 'rdiratime', 0x800),
         'nosymfollow': ('rnosymfollow', 'rsymfollow', 0x100)}


def both(c, target='/tmp'):
    return [mount_at(c.pid, path).options for path in (target, f'{target}/sub')]


@pytest.fixture
def tree(source):  # noqa: F811
    """A function: the source as a mount with these flags, and one below it with the same."""
    made = []

    def make(flags=0):
        (source / 'sub').mkdir()
        for path in (source, source / 'sub'):
            mount('tmpfs', path, 'tmpfs', flags=0)
            made.append(path)
            (path / 'sub').mkdir(exist_ok=True)
        for path in (source, source / 'sub'):
            if flags:
                mount('tmpfs', path, flags=MS_REMOUNT | MS_BIND | flags)
        return source
    yield make
    for path in reversed(made):
        umount(path)


@pytest.mark.parametrize('shown', sorted(FLAGS))
def test_recursive_attribute_is_set(container, tree, shown):
    c = add_mount(container(), '/tmp', tree(), options=['rbind', FLAGS[shown][0]]).up()
    assert all(shown in options for options in both(c))


@pytest.mark.parametrize('shown', sorted(FLAGS))
def test_recursive_attribute_is_cleared(container, tree, shown):
    top = tree(FLAGS[shown][2])
    c = add_mount(container(), '/tmp', top, options=['rbind', FLAGS[shown][1]]).up()
    assert all(shown not in options for options in both(c))
    assert shown in mount_at('self', str(top)).options, 'the host has kept its own'


@pytest.mark.parametrize('shown', sorted(FLAGS))
def test_plain_attribute_is_for_the_top_alone(container, tree, shown):
    c = add_mount(container(), '/tmp', tree(), options=['rbind', shown]).up()
    top, below = both(c)
    assert shown in top and shown not in below


@pytest.mark.parametrize('plain,shown', [('rw', 'ro'), ('suid', 'nosuid'), ('dev', 'nodev'), ('exec', 'noexec'), ('atime', 'noatime'),
                                         ('diratime', 'nodiratime'), ('symfollow', 'nosymfollow')])
def test_plain_words_clear_for_the_top_alone(container, tree, plain, shown):
    c = add_mount(container(), '/tmp', tree(FLAGS[shown][2]), options=['rbind', plain]).up()
    top, below = both(c)
    assert shown not in top and shown in below


@pytest.mark.parametrize('options,shown', [
    (['rrelatime'], {'relatime'}), (['rstrictatime'], set()), (['rnoatime', 'rrelatime'], {'relatime'}),
    (['rnoatime', 'rstrictatime'], set()), (['rstrictatime', 'rnostrictatime'], {'relatime'}), (['rnorelatime'], {'relatime'})])
def test_recursive_access_times_are_one_group(container, tree, options, shown):
    c = add_mount(container(), '/tmp', tree(), options=['rbind', *options]).up()
    for found in both(c):
        assert found & {'relatime', 'noatime'} == shown


def test_later_word_wins(container, tree):
    c = add_mount(container(), '/tmp', tree(), options=['rbind', 'rro', 'rrw', 'rnoexec', 'rexec', 'rexec', 'rnoexec']).up()
    assert all('rw' in options and 'noexec' in options for options in both(c))


def test_nosymfollow(container, source):  # noqa: F811
    (source / 'link').symlink_to('file')
    c = add_mount(container(['sh', '-c', 'cat /tmp/file; cat /tmp/link 2>/dev/null || echo refused']), '/tmp', source,
                  options=['bind', 'nosymfollow'])
    assert c.output() == 'from the host\nrefused\n'


@pytest.mark.parametrize('word', ['iversion', 'noiversion', 'silent', 'loud', 'nolazytime', 'nomand', 'async', 'defaults'])
def test_words_that_are_no_options_of_the_filesystem(container, word):
    """Given to tmpfs as data they would be refused."""
    c = add_mount(container(), '/tmp', fstype='tmpfs', options=[word]).up()
    assert mount_at(c.pid, '/tmp').fstype == 'tmpfs'


@pytest.mark.parametrize('word,shown', [('lazytime', 'lazytime'), ('sync', 'sync'), ('dirsync', 'dirsync')])
def test_words_of_the_superblock(container, word, shown):
    c = add_mount(container(), '/tmp', fstype='tmpfs', options=[word]).up()
    assert shown in mount_at(c.pid, '/tmp').superoptions


# ---- images ---------------------------------------------------------------------------------------


def loops():
    """Files behind loop devices."""
    found = []
    for name in os.listdir('/sys/block'):
        try:
            with open(f'/sys/block/{name}/loop/backing_file', encoding='utf-8') as backing:
                found.append(backing.read().strip())
        except OSError:
            pass
    return found


@pytest.fixture
def image(workdir):
    """A function: an image file of a filesystem with one file, owned by 0, in it."""
    def make(fstype='ext4'):
        content, path = workdir / 'content', workdir / 'disk.img'
        content.mkdir()
        (content / 'file').write_text('in the image\n')
        (content / 'file').chmod(0o600)
        tools = {'ext4': ['mkfs.ext4', '-q', '-d', content, path, '4M'], 'squashfs': ['mksquashfs', content, path, '-quiet', '-all-root'],
                 'erofs': ['mkfs.erofs', '--quiet', '--all-root', path, content]}
        tool = shutil.which(tools[fstype][0], path=os.environ['PATH'] + ':/usr/sbin:/sbin')
        if not tool:
            lacks(tools[fstype][0])
        if not os.path.exists('/dev/loop-control'):
            lacks('/dev/loop-control')
        subprocess.run([tool, *map(str, tools[fstype][1:])], check=True, capture_output=True)
        return path
    return make


def gone(path):
    wait_until(lambda: str(path) not in loops(), 'the loop device is given back')


@pytest.mark.parametrize('fstype', ['ext4', 'squashfs', 'erofs'])
def test_image_file(container, image, fstype):
    path = image(fstype)
    c = add_mount(container(['sh', '-c', 'cat /tmp/file; touch /tmp/x 2>/dev/null || echo refused']), '/tmp', path, fstype=fstype, options=['ro'])
    assert c.output() == 'in the image\nrefused\n'
    gone(path)


def test_image_file_is_written_to(container, image):
    path = image()
    assert add_mount(container(['sh', '-c', 'echo new >/tmp/new']), '/tmp', path, fstype='ext4', options=[]).output() == ''
    gone(path)
    assert add_mount(container(['cat', '/tmp/new']), '/tmp', path, fstype='ext4', options=['ro']).output() == 'new\n'
    gone(path)


def test_read_only_image_needs_no_write_permission(container, image):
    """On a file system that cannot be written to it is opened for reading alone."""
    path = image()
    before = path.stat().st_mtime_ns
    add_mount(container(['cat', '/tmp/file']), '/tmp', path, fstype='ext4', options=['ro', 'noload']).output()
    gone(path)
    assert path.stat().st_mtime_ns == before


def test_image_file_in_a_user_namespace(container, image):
    """Only the host may mount it; with idmap its root is the container's."""
    path = image()
    c = give_user_namespace(container(['sh', '-c', 'stat -c %u /tmp/file; cat /tmp/file']))
    add_mount(c, '/tmp', path, fstype='ext4', options=['ro', 'idmap'])
    assert c.output() == '0\nin the image\n'
    gone(path)


def test_image_is_given_back_when_create_fails(container, image):
    path = image()
    c = add_mount(container(['/no/such/program']), '/tmp', path, fstype='ext4', options=['ro'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='no/such/program')
    gone(path)


def test_broken_image(container, workdir):
    if not os.path.exists('/dev/loop-control'):
        lacks('/dev/loop-control')
    path = workdir / 'broken.img'
    path.write_bytes(bytes(1 << 20))
    c = add_mount(container(), '/tmp', path, fstype='ext4', options=['ro'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: mounts\[\d+\]: mount ext4 on /tmp: .*EINVAL')
    gone(path)


def test_fuse_without_a_server(container):
    """A FUSE mount is its server's: the option fd= names a descriptor that only that one has, and can pass on."""
    c = add_mount(container(), '/tmp', 'x', fstype='fuse', options=['fd=3', 'rootmode=40000', 'user_id=0', 'group_id=0'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: mounts\[\d+\]: .*mount fuse on /tmp')


@pytest.fixture
def server():
    if not os.path.exists('/dev/fuse'):
        lacks('/dev/fuse')
    with fuse.Server() as one:
        yield one


def test_fuse_of_the_configuration(container, server):
    """Its server passes the connection on, as descriptor 3; the mount goes with the container."""
    c = add_mount(container(['sh', '-c', 'cat /tmp/file; grep -c "^made-here /tmp fuse ro,nosuid," /proc/mounts; touch /tmp/new 2>/dev/null || echo refused']), '/tmp', 'made-here',
                  fstype='fuse', options=['fd=3', *fuse.OPTIONS.split(','), 'nosuid', 'ro'])
    c.bundle.save()
    server.start()
    command = c.runtime.command('run', '--preserve-fds', '1', '--bundle', c.bundle.path, c.id)
    done = subprocess.run(['bash', '-c', f'exec "$@" 3<&{server.fd}', 'bash', *command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False, pass_fds=[server.fd])
    assert (done.returncode, done.stdout, done.stderr) == (0, fuse.TEXT.decode() + '1\nrefused\n', '')


@pytest.mark.parametrize('user', [False, True])
def test_bind_of_a_fuse_mount(container, server, workdir, user):
    place = workdir / 'fuse'
    place.mkdir()
    mount('made-outside', place, 'fuse', data=f'fd={server.fd},{fuse.OPTIONS}')
    server.start()
    try:
        c = container(['sh', '-c', 'cat /tmp/file; grep -c " /tmp fuse ro,nodev,relatime" /proc/mounts'])
        if user:
            give_user_namespace(c)
        add_mount(c, '/tmp', place, options=['rbind', 'ro', 'nodev'])
        assert c.output() == fuse.TEXT.decode() + '1\n'
    finally:
        umount(place)


# ---- overlay --------------------------------------------------------------------------------------


@pytest.fixture
def layers(workdir):
    """lower0, lower1, upper and work, on a tmpfs: OverlayFS cannot have its upper layer on another one."""
    top = workdir / 'layers'
    top.mkdir()
    mount('tmpfs', top, 'tmpfs')
    for name in ('lower0', 'lower1', 'upper', 'work'):
        (top / name).mkdir(mode=0o755)
        (top / name / f'from-{name}').touch() if name.startswith('lower') else None
    yield top
    umount(top)


def test_overlay(container, layers):
    c = container(['sh', '-c', 'ls /tmp; echo x >/tmp/new; rm /tmp/from-lower0'])
    add_mount(c, '/tmp', 'overlay', fstype='overlay',
              options=[f'lowerdir={layers}/lower1:{layers}/lower0', f'upperdir={layers}/upper', f'workdir={layers}/work'])
    assert c.output() == 'from-lower0\nfrom-lower1\n'
    assert (layers / 'upper/new').read_text() == 'x\n'
    assert stat.S_ISCHR((layers / 'upper/from-lower0').stat().st_mode)
    assert (layers / 'lower0/from-lower0').exists()


def test_overlay_of_many_layers(container, layers):
    """More bytes than fsconfig(2) takes in one option."""
    names = []
    for i in range(20):
        folder = layers / f'a-layer-with-a-long-name-{i:02}'
        folder.mkdir()
        (folder / f'f{i:02}').touch()
        names.append(str(folder))
    c = container(['sh', '-c', 'ls /tmp | wc -l'])
    add_mount(c, '/tmp', 'overlay', fstype='overlay', options=['lowerdir=' + ':'.join(names), 'ro', 'nosuid'])
    assert c.output() == '20\n'


def test_overlay_without_a_layer(container, layers):
    c = add_mount(container(), '/tmp', 'overlay', fstype='overlay', options=[f'lowerdir={layers}/none'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json:\d+:\d+: mounts\[\d+\]: .*mount overlay on /tmp')


# ---- id maps --------------------------------------------------------------------------------------


MAP = [{'containerID': 0, 'hostID': 5000, 'size': 10}]


def mapped(c, mapping=None):
    c.config['mounts'][-1].update(uidMappings=mapping or MAP, gidMappings=mapping or MAP)
    return c


def test_idmap_with_the_containers_user_namespace(container, source):  # noqa: F811
    """Files of the host's root are the container's root's, as they would be without the namespace."""
    c = give_user_namespace(container(['sh', '-c', 'stat -c %u:%g /tmp/file; echo x >/tmp/new']))
    (source / 'file').chmod(0o644)
    add_mount(c, '/tmp', source, options=['bind', 'idmap'])
    assert c.output() == '0:0\n'
    assert (source / 'new').stat().st_uid == 0


def test_maps_of_its_own_in_a_user_namespace(container, source):  # noqa: F811
    c = give_user_namespace(container(['stat', '-c', '%u:%g', '/tmp/file']))
    mapped(add_mount(c, '/tmp', source), [{'containerID': 0, 'hostID': OUTSIDE + 7, 'size': 1}])
    assert c.output() == '7:7\n'


@pytest.mark.parametrize('word,seen', [('idmap', ['5000', '0']), ('ridmap', ['5000', '5000'])])
def test_idmap_is_for_the_top_and_ridmap_for_all(container, tree, word, seen):
    top = tree()
    c = add_mount(container(['stat', '-c', '%u', '/tmp', '/tmp/sub']), '/tmp', top, options=['rbind', word])
    assert mapped(c).output().split() == seen


def test_filesystem_with_maps(container):
    c = add_mount(container(['sh', '-c', 'stat -c %u:%g /tmp']), '/tmp', fstype='tmpfs', options=['mode=0755', 'idmap'])
    done = mapped(c).run()
    if 'cannot map the ids of a tmpfs' in done.err:
        lacks('id-mapped tmpfs')
    assert done == (0, '5000:5000\n', '')


def test_filesystem_with_the_containers_maps(container):
    c = give_user_namespace(container(['sh', '-c', 'stat -c %u:%g /tmp; touch /tmp/x && stat -c %u /tmp/x']))
    done = add_mount(c, '/tmp', fstype='tmpfs', options=['idmap', 'mode=0755']).run()
    if 'cannot map the ids of a tmpfs' in done.err:
        lacks('id-mapped tmpfs')
    assert done == (0, '0:0\n0\n', '')


def test_filesystem_that_cannot_be_mapped(container):
    c = mapped(add_mount(container(), '/mnt', fstype='ramfs', options=['idmap']))
    writable(c).bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text=r'config\.json:\d+:\d+: mounts\[\d+\]: mount ramfs on /mnt: map the ids of a ramfs: .*this kernel cannot map the ids of a ramfs')


def test_idmap_without_any_map(container, source):  # noqa: F811
    c = add_mount(container(), '/tmp', source, options=['bind', 'idmap'])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'mounts\[\d+\]\.options: an idmapped mount needs uidMappings and gidMappings')


# ---- tmpcopyup ------------------------------------------------------------------------------------


def test_tmpcopyup(container):
    c = container(['sh', '-c', 'cat /etc/deep/file; readlink /etc/deep/link; stat -c %a:%u:%g /etc/deep/file; rm -r /etc/deep && ls /etc'])
    (c.rootfs / 'etc/deep').mkdir()
    (c.rootfs / 'etc/deep/file').write_text('of the image\n')
    (c.rootfs / 'etc/deep/file').chmod(0o604)
    os.chown(c.rootfs / 'etc/deep/file', 3, 4)
    (c.rootfs / 'etc/deep/link').symlink_to('/no/where')
    add_mount(c, '/etc', fstype='tmpfs', options=['tmpcopyup'])
    assert c.output() == 'of the image\n/no/where\n604:3:4\ngroup\npasswd\n'
    assert (c.rootfs / 'etc/deep/file').exists()


def test_tmpcopyup_of_nothing(container):
    c = writable(add_mount(container(['ls', '/made']), '/made', fstype='tmpfs', options=['tmpcopyup', 'ro']))
    assert c.output() == ''


# ---- cgroup and sysfs -----------------------------------------------------------------------------


def network(c, own):
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'network']
    if own:
        c.config['linux']['namespaces'].append({'type': 'network'})
    return c


@pytest.mark.parametrize('own', [True, False])
@pytest.mark.parametrize('user', [True, False])
def test_sysfs_with_and_without_a_network_namespace(container, own, user):
    """In a user namespace the kernel mounts only the sysfs of a network namespace of that one's: else the host's, read-only."""
    c = network(container(), own)
    if user:
        give_user_namespace(c)
    c.config['mounts'] = [entry for entry in c.config['mounts'] if not entry['destination'].startswith('/sys')]
    add_mount(c, '/sys', fstype='sysfs', options=['nosuid', 'noexec', 'nodev', 'ro']).up()
    found = mount_at(c.pid, '/sys')
    assert found.fstype == 'sysfs' and 'ro' in found.options
    interfaces = set(os.listdir(f'/proc/{c.pid}/root/sys/class/net'))
    assert (interfaces == set(os.listdir('/sys/class/net'))) == (not own) or interfaces == {'lo'}
    assert 'lo' in interfaces


@pytest.mark.parametrize('namespace', [True, False])
@pytest.mark.parametrize('user', [True, False])
def test_cgroup_mount(container, namespace, user):
    """v1, hybrid or v2, as the view is; the hierarchies are there and show the container's own cgroup."""
    c = with_cgroup_mount(container(), 'ro')
    if user:
        give_user_namespace(c)
    if namespace:
        c.config['linux']['namespaces'].append({'type': 'cgroup'})
    c.up()
    found = [entry for entry in mounts_of(c.pid) if entry.target == '/sys/fs/cgroup' or entry.target.startswith('/sys/fs/cgroup/')]
    if view() == 'v2':
        assert [entry.fstype for entry in found] == ['cgroup2']
    else:
        assert found[0].fstype == 'tmpfs' and {entry.fstype for entry in found[1:]} <= {'cgroup', 'cgroup2'}
        assert len(found) > 2
    for entry in found:
        assert {'ro', 'nosuid', 'nodev', 'noexec'} <= entry.options, entry
    name = '/sys/fs/cgroup/cgroup.procs' if view() == 'v2' else '/sys/fs/cgroup/pids/cgroup.procs'
    if os.path.exists(f'/proc/{c.pid}/root{name}'):
        with open(f'/proc/{c.pid}/root{name}', encoding='utf-8') as procs:
            assert procs.read().split() == [str(c.pid)]


# ---- order and place ------------------------------------------------------------------------------


def test_mqueue_devpts_and_shm(container):
    c = container(['sh', '-c', 'ls /dev/pts/ptmx; echo x >/dev/shm/f && cat /dev/shm/f']).output()
    assert c == '/dev/pts/ptmx\nx\n'


def test_relative_destination_is_below_the_root(container):
    c = add_mount(container(), 'tmp', fstype='tmpfs', options=['size=64k']).up()
    assert 'size=64k' in mount_at(c.pid, '/tmp').superoptions


@pytest.mark.parametrize('fstype', ['proc', 'sysfs'])
def test_proc_and_sysfs_are_not_reached_through_links(container, fstype):
    c = writable(container())
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] not in ('cgroup', fstype)]
    (c.rootfs / 'way').symlink_to('/tmp')
    add_mount(c, '/way', fstype=fstype, options=[])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=rf'mounts\[\d+\]: .*a {fstype} must be mounted on an ordinary directory')


def test_only_some_files_of_proc_may_be_covered(container, source):  # noqa: F811
    assert add_mount(container(['cat', '/proc/uptime']), '/proc/uptime', source / 'file').output() == 'from the host\n'
    c = add_mount(container(), '/proc/sys/kernel/hostname', source / 'file')
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'mounts\[\d+\]\.destination: .*inside /proc, which may not be covered')


def test_links_as_sources_and_destinations(container, source):  # noqa: F811
    (source / 'link').symlink_to('file')
    c = writable(container(['sh', '-c', 'readlink /copy; cat /etc/followed; readlink /etc/itself']))
    (c.rootfs / 'etc/itself').symlink_to('elsewhere')
    add_mount(c, '/copy', source / 'link', options=['bind', 'copy-symlink'])
    add_mount(c, '/etc/followed', source / 'link', options=['bind'])
    add_mount(c, '/etc/itself', source / 'link', options=['bind', 'src-nofollow', 'dest-nofollow'])
    assert c.output() == 'file\nfrom the host\nfile\n'


def test_remount_of_what_is_there(container):
    c = container()
    add_mount(c, '/tmp', fstype='tmpfs', options=['size=64k'])
    add_mount(c, '/tmp', fstype='tmpfs', options=['remount', 'size=128k', 'nosuid', 'ro'])
    c.up()
    found = mount_at(c.pid, '/tmp')
    assert 'size=128k' in found.superoptions and {'ro', 'nosuid'} <= found.options


# ---- locked flags -------------------------------------------------------------------------------


@pytest.fixture
def locked(workdir):
    """A mount of the host whose flags a container's root must not take away."""
    folder = workdir / 'locked'
    folder.mkdir()
    mount('tmpfs', folder, 'tmpfs', flags=2 | 4 | 8)  # MS_NOSUID, MS_NODEV, MS_NOEXEC
    (folder / 'below').mkdir()
    yield folder
    umount(folder)


@pytest.mark.parametrize('options,also', [(['bind'], set()), (['bind', 'ro'], {'ro'}), (['rbind', 'rro'], {'ro'}), (['bind', 'ro', 'nosymfollow'], {'ro'})])
def test_flags_of_the_host_stay_in_a_user_namespace(container, locked, options, also):
    c = container()
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    c.config['mounts'].append({'destination': '/tmp', 'type': 'bind', 'source': str(locked), 'options': options})
    c.config['linux']['readonlyPaths'] = ['/tmp/below']
    c.up()
    assert {'nosuid', 'nodev', 'noexec'} | also <= mount_at(c.pid, '/tmp').options
    assert {'nosuid', 'nodev', 'noexec', 'ro'} <= mount_at(c.pid, '/tmp/below').options


@pytest.mark.parametrize('word', ['suid', 'dev', 'exec'])
def test_flags_of_the_host_cannot_be_cleared_in_a_user_namespace(container, locked, word):
    c = container(['true'])
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    c.config['mounts'].append({'destination': '/tmp', 'type': 'bind', 'source': str(locked), 'options': ['bind', word]})
    done = c.run()
    assert done.rc == 1 and f'mounts[{len(c.config["mounts"]) - 1}]: ' in done.err and 'EPERM' in done.err, done
