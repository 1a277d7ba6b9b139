# SPDX-License-Identifier: Apache-2.0
"""linux.devices and /dev: what is made where, of whom."""

import os
import stat

import pytest

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
