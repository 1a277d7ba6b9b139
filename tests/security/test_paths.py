# SPDX-License-Identifier: Apache-2.0
"""R1 to R7: symbolic links and names of the image or of a volume, while the root filesystem is prepared."""

import os
import stat
import subprocess

import pytest

from attack import add_mount, mounts_below, put, refused, with_user_namespace, without_mounts, writable
from harness import mount, mount_at, umount


def contained(c, done=None):
    """Either refused or done inside: the fixture `victim` looks at what the attack aimed at; nothing is mounted outside."""
    done = done or c.run()
    assert not mounts_below(c.bundle.path), mounts_below(c.bundle.path)
    if done.rc != 0:
        refused(done)
    return done


# ---- R1: /proc and /sys are what they have to be ----------------------------------------------------


@pytest.mark.recipe('R1', 'CVE-2019-19921', 'CVE-2023-27561', 'CVE-2023-28642', 'CVE-2025-54867')
@pytest.mark.parametrize('kind', ['link', 'dangling', 'victim', 'file'])
@pytest.mark.parametrize('name', ['proc', 'sys'])
def test_proc_and_sys_must_be_directories(container, victim, name, kind):
    c = writable(container(['true']))
    (c.rootfs / name).rmdir()
    if kind == 'link':
        (c.rootfs / 'bad').mkdir()
        (c.rootfs / name).symlink_to('/bad')
    elif kind == 'dangling':
        (c.rootfs / name).symlink_to('/nowhere')
    elif kind == 'victim':
        (c.rootfs / name).symlink_to(os.path.relpath(victim, c.rootfs))
    else:
        (c.rootfs / name).write_text('')
    refused(contained(c))


# ---- R2: /dev ---------------------------------------------------------------------------------------


@pytest.mark.recipe('R2', 'CVE-2026-41579', 'CVE-2026-47766')
@pytest.mark.parametrize('way', ['absolute', 'relative', 'magic'])
@pytest.mark.parametrize('user', [False, True])
def test_dev_that_leads_outside(container, victim, way, user):
    """An image whose /dev is a link: the nodes and links that a runtime makes there must not appear on the host."""
    c = without_mounts(writable(container(['true'])), '/dev')
    (c.rootfs / 'dev').rmdir()
    target = {'absolute': str(victim), 'relative': os.path.relpath(victim, c.rootfs), 'magic': f'/proc/1/root{victim}'}[way]
    if user:
        with_user_namespace(c)
    (c.rootfs / 'dev').symlink_to(target)
    contained(c)


@pytest.mark.recipe('R2', 'CVE-2026-41579')
@pytest.mark.parametrize('name', ['pts', 'shm', 'fd', 'ptmx', 'null', 'console', 'stdin', 'mqueue'])
def test_entries_of_dev_that_lead_outside(container, victim, name):
    c = without_mounts(writable(container(['true'])), '/dev')
    (c.rootfs / 'dev' / name).symlink_to(victim / 'ptmx' if name in ('ptmx', 'null', 'console') else victim)
    if name in ('pts', 'shm', 'mqueue'):
        add_mount(c, f'/dev/{name}', fstype={'pts': 'devpts', 'shm': 'tmpfs', 'mqueue': 'mqueue'}[name], source='x')
    contained(c)


@pytest.mark.recipe('R2')
@pytest.mark.parametrize('kind', ['char', 'block', 'fifo'])
def test_configured_devices_through_links(container, victim, kind):
    c = writable(container(['true']))
    (c.rootfs / 'way').symlink_to(victim)
    node = {'char': {'type': 'c', 'major': 1, 'minor': 3}, 'block': {'type': 'b', 'major': 7, 'minor': 200}, 'fifo': {'type': 'p'}}[kind]
    c.config['linux']['devices'] = [{'path': '/way/made', 'fileMode': 0o666, 'uid': 0, 'gid': 0, **node}]
    contained(c)


# ---- R3, R4, R5: destinations and the root itself ------------------------------------------------------


@pytest.mark.recipe('R3', 'CVE-2019-18837', 'CVE-2015-1335')
@pytest.mark.parametrize('kind', ['tmpfs', 'directory', 'file'])
@pytest.mark.parametrize('way', ['absolute', 'relative', 'chain'])
def test_destination_below_a_link(container, victim, workdir, way, kind):
    c = writable(container(['true']))
    target = {'absolute': str(victim), 'relative': os.path.relpath(victim, c.rootfs), 'chain': '/one'}[way]
    (c.rootfs / 'one').symlink_to('../../../../../../../../..' + str(victim))
    (c.rootfs / 'mnt').symlink_to(target)
    (workdir / 'source').mkdir()
    (workdir / 'source/file').write_text('')
    if kind == 'tmpfs':
        add_mount(c, '/mnt/sub/dir', fstype='tmpfs', source='tmpfs')
    else:
        add_mount(c, '/mnt/sub/made', workdir / 'source' / ('file' if kind == 'file' else '.'))
    contained(c)


@pytest.mark.recipe('R3', 'CVE-2024-45310')
@pytest.mark.parametrize('kind', ['directory', 'file'])
def test_destination_is_a_link_to_nothing_outside(container, victim, workdir, kind):
    """What does not exist is made: inside."""
    c = writable(container(['true']))
    (c.rootfs / 'f').symlink_to('../../../../../../../../../..' + str(victim / 'created'))
    (workdir / 'source').mkdir()
    (workdir / 'source/file').write_text('')
    add_mount(c, '/f', workdir / 'source' / ('file' if kind == 'file' else '.'))
    contained(c)


@pytest.mark.recipe('R4')
@pytest.mark.parametrize('destination', ['..', '/..', '/../..', 'a/../../x', '//', '/./', '/', '.', '/a/../..', '/tmp/../../x', '/dev/../../../x', 'foo'])
def test_odd_destinations(container, victim, destination):
    c = writable(container(['true']))
    add_mount(c, destination, fstype='tmpfs', source='tmpfs')
    around = {path: sorted(os.listdir(path)) for path in (c.bundle.path.parent, c.bundle.path)}
    c.runtime.root.mkdir(mode=0o700)
    contained(c)
    assert sorted(os.listdir(c.bundle.path)) == around[c.bundle.path]
    assert sorted(os.listdir(c.bundle.path.parent)) == sorted([*around[c.bundle.path.parent], c.runtime.root.name])


@pytest.mark.recipe('R5')
def test_root_that_is_a_link_is_resolved_once(container, workdir, victim):
    """The name may be exchanged as soon as the container is created; it stays with what it was."""
    c = container(['ls', '/'])
    os.rename(c.rootfs, c.bundle.path / 'real')
    c.rootfs.symlink_to('real')
    c.create()
    c.rootfs.unlink()
    c.rootfs.symlink_to(victim)
    c.start()
    c.wait_stopped()
    assert 'bin' in c.read_out() and 'ptmx' not in c.read_out()


@pytest.mark.recipe('R7', 'CVE-2025-24965')
@pytest.mark.parametrize('name', ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'etc/mtab', 'etc/passwd', 'etc/group'])
def test_files_of_the_image_are_only_read(container, victim, name):
    """A runtime that writes into the image follows its links."""
    c = writable(container(['true'], user={'uid': 12345, 'gid': 12345}))
    (c.rootfs / name).unlink(missing_ok=True)
    (c.rootfs / name).symlink_to(f'../../../../../../../../../..{victim}/{os.path.basename(name)}')
    contained(c)


@pytest.mark.recipe('R7')
@pytest.mark.parametrize('kind', ['fifo', 'null', 'huge'])
def test_passwd_that_is_a_trap(container, kind):
    """What is read of the image must not stall the runtime or fill its memory."""
    c = writable(container(['true']))
    (c.rootfs / 'etc/passwd').unlink()
    if kind == 'fifo':
        os.mkfifo(c.rootfs / 'etc/passwd')
    elif kind == 'null':
        os.mknod(c.rootfs / 'etc/passwd', stat.S_IFCHR | 0o666, os.makedev(1, 5))
    else:
        with open(c.rootfs / 'etc/passwd', 'wb') as file:
            file.truncate(1 << 40)
    done = c.run(timeout=20)
    assert done.rc == 0 or refused(done)


@pytest.mark.recipe('R3')
@pytest.mark.parametrize('name', ['tmp', 'etc', 'new'])
def test_copy_up_does_not_follow(container, victim, name):
    """tmpcopyup copies what the image has there; a link in it stays a link."""
    c = writable(container(['sh', '-c', f'ls -R /{name}; cat /{name}/*/ptmx /{name}/ptmx 2>/dev/null; true']))
    (c.rootfs / name).mkdir(exist_ok=True)
    (c.rootfs / name / 'way').symlink_to(victim)
    add_mount(c, f'/{name}', fstype='tmpfs', source='tmpfs', options=['tmpcopyup'])
    done = contained(c)
    assert 'keep' not in done.out, done


@pytest.mark.recipe('R3')
def test_socket_of_a_volume_is_not_talked_to(container, programs, workdir):
    """A mount source of the host that is a link in a volume is resolved in the host, as the caller's word: never inside."""
    c = put(writable(container(['/bin/probe', 'fds'])), programs, 'probe')
    (workdir / 'volume').mkdir()
    add_mount(c, '/volume', workdir / 'volume')
    add_mount(c, '/volume/sub', fstype='tmpfs', source='tmpfs')
    done = contained(c)
    assert done.rc == 0, done
    assert stat.S_ISDIR(os.stat(workdir / 'volume/sub').st_mode)
    subprocess.run(['rmdir', str(workdir / 'volume/sub')], check=True)


@pytest.mark.knarr  # what others do here they are told first
@pytest.mark.recipe('R3')
@pytest.mark.parametrize('way', ['last', 'parent'])
def test_remount_through_a_link(container, workdir, way):
    """The options of a filesystem are changed where the configuration says; a link of the image leads to a volume of the host's."""
    volume = workdir / 'volume'
    volume.mkdir()
    mount('tmpfs', volume, 'tmpfs', data='size=1m')
    try:
        (volume / 'sub').mkdir()
        c = writable(container(['true']))
        add_mount(c, '/volume', volume)
        (c.rootfs / 'way').symlink_to('/volume' if way == 'last' else '/')
        add_mount(c, '/way' if way == 'last' else '/way/volume', fstype='tmpfs', source='tmpfs', options=['remount', 'size=64k'])
        done = c.run()
        assert 'size=1024k' in mount_at('self', str(volume)).superoptions, 'the host\'s filesystem was changed'
        if c.runtime.is_knarr:
            refused(done)
    finally:
        umount(volume)
