# SPDX-License-Identifier: Apache-2.0
"""Many containers at once: no command looks at others than its own, but for list, which looks once at each.

What a command does is told by its system calls and by what it reads, which the number of containers must not change
(contrib/bench --crowd measures the time).
"""

import ctypes
import errno
import os
import re
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from harness import LIBC, MS_BIND, PATIENCE, cgroup_hierarchies, cgroups_of, lacks, mount, reap, umount, view, wait_until

OTHERS = 16
# A file or a path for each of the others would be as many calls as there are, and many times as many bytes.
CALLS, BYTES = OTHERS // 2, 16 * OTHERS
# What list may do for one container: two files, a look at a process, at one or two freezers. (Some C libraries set
# close-on-exec once more behind open(2).)
LIST_CALLS = 32
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
READ = re.compile(r'(?:read|pread64|getdents64)\b.*= (\d+)$')
# The leak check of a sanitizer does not work under ptrace.
ENVIRONMENT = {**os.environ, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}

pytestmark = pytest.mark.knarr


def traced(c, *words):
    """The lines of strace for one command and all its processes."""
    if not shutil.which('strace'):
        pytest.skip('host lacks strace')
    log = c.bundle.path / 'trace'
    done = subprocess.run(['strace', '-f', '-qq', '-o', str(log), *c.runtime.command(*words)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE, env=ENVIRONMENT)
    assert done.returncode == 0, done
    return [line for line in log.read_text(errors='replace').splitlines() if ' <unfinished ...>' not in line and ' --- ' not in line]


def cost(lines):
    return len(lines), sum(int(match[1]) for match in map(READ.search, lines) if match)


def others(container, count):
    return [container(['sleep', '1000']).up() for _ in range(count)]


@pytest.fixture
def life(container):
    """A function: {command: (system calls, bytes read)}, each the least of three times, for a wait may take more of them. What
    is started stays: start looks for the reason when it finds that a program has ended already."""
    ending, staying = container(['true']), container(['sleep', '1000'])
    ending.bundle.save()

    def live():
        found = {}
        for _ in range(3):
            found.setdefault('run', []).append(cost(traced(ending, 'run', '--bundle', ending.bundle.path, ending.id)))
            staying.create()
            for command in ('state', 'start', 'delete'):
                if command == 'delete':
                    staying.kill('KILL')
                    staying.wait_stopped()
                    reap()
                found.setdefault(command, []).append(cost(traced(staying, command, staying.id)))
        return {command: tuple(map(min, zip(*each))) for command, each in found.items()}
    return live


def check_the_same(before, after):
    for command, (calls, read) in after.items():
        assert calls - before[command][0] <= CALLS and read - before[command][1] <= BYTES, (command, before, after)


def test_a_life_costs_the_same(container, life):
    alone = life()
    others(container, OTHERS)
    check_the_same(alone, life())


def test_mounts_of_others_are_not_read(life, workdir):
    """The root filesystems of other containers are mounts of the host."""
    if view() != 'v2' and tuple(map(int, re.findall(r'\d+', os.uname().release)[:2])) < (6, 11):
        lacks('statmount(2) with options, without which the hierarchies of cgroup v1 are found in the list of all mounts')
    alone = life()
    points = []
    try:
        for number in range(2 * OTHERS):
            point = workdir / f'mount{number}'
            point.mkdir()
            mount(workdir, point, flags=MS_BIND)
            points.append(point)
        check_the_same(alone, life())
    finally:
        for point in points:
            umount(point)


def refusing(call, number):
    """For preexec: a seccomp filter that answers a system call with an error."""
    program = b''.join(struct.pack('HBBI', *line) for line in (
        (0x20, 0, 0, 0), (0x15, 0, 1, call), (0x06, 0, 0, 0x00050000 | number), (0x06, 0, 0, 0x7fff0000)))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack('HxxxxxxQ', 4, ctypes.addressof(code))

    def install(_keep=code):
        if LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), header, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'seccomp filter')
    return install


@pytest.mark.parametrize('call', [457, 458], ids=['statmount', 'listmount'])
@pytest.mark.parametrize('number', [errno.ENOSYS, errno.EPERM, errno.EOVERFLOW], ids=['ENOSYS', 'EPERM', 'EOVERFLOW'])
def test_without_statmount(container, call, number):
    """The list of all mounts tells the same: the container is in the same cgroups, and they are removed."""
    usual = container(['sleep', '1000']).up()
    c = container(['sleep', '1000'])
    filtered = refusing(call, number)
    c.create(preexec=filtered)
    c.runtime.ok('start', c.id, preexec=filtered)
    if view() != 'v2':
        assert {name for name, path in cgroups_of(c.pid).items() if c.id in path} == {
            name for name, path in cgroups_of(usual.pid).items() if usual.id in path}
    c.runtime.ok('pause', c.id, preexec=filtered)
    rows = c.runtime.ok('list', preexec=filtered).out.splitlines()[1:]
    assert sorted(row.split()[2] for row in rows) == ['paused', 'running']
    c.runtime.ok('resume', c.id, preexec=filtered)
    c.runtime.ok('delete', '--force', c.id, preexec=filtered)


def test_list(container):
    """Each container costs it the same few calls; what is the host's is read once."""
    first = others(container, 2)[0]
    few = len(traced(first, 'list'))
    others(container, OTHERS)
    lines = traced(first, 'list')
    calls = Counter(re.sub(r'^\d+ +', '', line).split('(')[0] for line in lines)
    assert len(lines) - few <= OTHERS * LIST_CALLS, calls
    for file in ('/proc/self/mountinfo', '/proc/self/cgroup', '/proc/sys/kernel/random/boot_id'):
        assert sum(f'"{file}"' in line for line in lines) <= 1, (file, lines)


def freezers(pid):
    """(file, word to freeze, word to thaw) of every freezer that a container's process is under."""
    tops, own = cgroup_hierarchies(), cgroups_of(pid)
    if view() != 'v2' and 'freezer' in tops:
        yield Path(tops['freezer'] + own['freezer'], 'freezer.state'), 'FROZEN', 'THAWED'
    if '' in tops:
        yield Path(tops[''] + own[''], 'cgroup.freeze'), '1', '0'


def test_list_shows_the_paused(container):
    """By whichever freezer, also of a container without a cgroupsPath, whose directories differ by hierarchy."""
    plain, placed = others(container, 2)
    nowhere = container(['sleep', '1000'])
    nowhere.config['linux'].pop('cgroupsPath', None)
    nowhere.up()

    def paused():
        rows = [line.split() for line in plain.runtime.ok('list').out.splitlines()[1:]]
        assert {row[2] for row in rows} <= {'running', 'paused'} and len(rows) == 3, rows
        return [row[0] for row in rows if row[2] == 'paused']

    assert paused() == []
    for c in (placed, nowhere):
        for file, freeze, thaw in freezers(c.pid):
            file.write_text(freeze)
            try:
                # It takes its time.
                wait_until(lambda c=c: paused() == [c.id], f'{c.id} is paused by {file}')
                assert c.status == 'paused'
            finally:
                file.write_text(thaw)
            wait_until(lambda: paused() == [], f'{c.id} goes on')
        c.runtime.ok('pause', c.id)
        assert paused() == [c.id]
        c.runtime.ok('resume', c.id)
    assert paused() == []
