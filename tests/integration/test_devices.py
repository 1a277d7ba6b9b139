# SPDX-License-Identifier: Apache-2.0
"""linux.devices and /dev: what is made where, of whom."""

import os
import stat

import pytest
from harness import mount_at, mounts_of

pytestmark = pytest.mark.knarr


def device(path, **more):
    return {'path': path, 'type': 'c', 'major': 1, 'minor': 3, **more}


def test_slash_behind_the_name(container):
    c = container(['stat', '-c', '%F %t:%T %a', '/dev/x'])
    c.config['linux']['devices'] = [device('/dev/x/', fileMode=0o640)]
    assert c.output() == 'character special file 1:3 640\n'


def test_dev_of_the_image_is_a_link(container, workdir):
    """Nothing is made where it leads to, neither outside nor inside."""
    c = container(['true'])
    c.config['mounts'] = [{'destination': '/proc', 'type': 'proc', 'source': 'proc'}]
    c.config['root']['readonly'] = False
    outside = workdir / 'outside'
    outside.mkdir()
    for target in (str(outside), '/inside'):
        dev = c.rootfs / 'dev'
        if dev.is_symlink():
            dev.unlink()
        else:
            dev.rmdir()
        dev.symlink_to(target)
        (c.rootfs / 'inside').mkdir(exist_ok=True)
        done = c.run()
        assert done.rc == 1 and '/dev is a symbolic link in the root filesystem' in done.err, done
        assert not os.listdir(outside) and not os.listdir(c.rootfs / 'inside')
    dev.unlink()
    dev.mkdir()


def test_same_file_there_already(container):
    """An image's own node is taken when it is the one wanted, and nothing else is."""
    c = container(['stat', '-c', '%t:%T', '/nodes/a'])
    c.config['linux']['devices'] = [device('/nodes/a')]
    (c.rootfs / 'nodes').mkdir()
    os.mknod(c.rootfs / 'nodes' / 'a', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    assert c.output() == '1:3\n'
    c.config['linux']['devices'][0]['minor'] = 5
    done = c.run()
    assert done.rc == 1 and 'linux.devices[0]: devices: make device /nodes/a: another file is there already' in done.err


def in_user_namespace(c):
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    return c


def test_configured_in_a_user_namespace(container):
    """Of any name, with owner and mode, though nobody in there could make them; and they work."""
    c = in_user_namespace(container(['sh', '-c', 'stat -c "%n %F %t:%T %a %u:%g" /dev/one /dev/sub/two; echo x >/dev/sub/two; head -c 3 /dev/sub/two | wc -c']))
    c.config['linux']['devices'] = [device('/dev/one', fileMode=0o620, uid=7, gid=8), device('/dev/sub/two', minor=5), {'path': '/dev/p', 'type': 'p'}]
    assert c.output() == '/dev/one character special file 1:3 620 7:8\n/dev/sub/two character special file 1:5 666 0:0\n3\n'


def test_devices_in_a_user_namespace_are_no_programs(container):
    c = in_user_namespace(container())
    c.config['linux']['devices'] = [device('/dev/one')]
    c.up()
    assert {'nosuid', 'noexec'} <= mount_at(c.pid, '/dev/null').options
    assert {'nosuid', 'noexec'} <= mount_at(c.pid, '/dev/one').options
    # What they were made on is not to be seen.
    assert [entry.target for entry in mounts_of(c.pid)].count('/') == 1
    assert not [entry for entry in mounts_of(c.pid) if (entry.source, entry.fstype) == ('devices', 'tmpfs') and entry.target != '/dev/one']
    assert 'one' in c.runtime('exec', c.id, 'ls', '/dev').out
