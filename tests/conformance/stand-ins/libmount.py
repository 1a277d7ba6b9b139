# SPDX-License-Identifier: Apache-2.0
"""What crun's test_mounts.py needs of util-linux' module of this name, where that is not installed."""


class _Mount:
    def __init__(self, line):
        own, _, filesystem = line.partition(' - ')
        self.target = own.split()[4].encode().decode('unicode_escape')
        self.vfs_options = own.split()[5]
        self.fs_options = filesystem.split()[2]


class Table:
    """A file in the form of /proc/self/mountinfo."""

    def __init__(self, path):
        with open(path, encoding='utf-8') as lines:
            self.mounts = [_Mount(line) for line in lines if ' - ' in line]

    def find_target(self, target):
        return next((mount for mount in reversed(self.mounts) if mount.target == target), None)
