# SPDX-License-Identifier: Apache-2.0
"""R6 and R12: names that are exchanged while the runtime looks at them.

Some tens of rounds each here; tests/security/races does thousands. The owner of a volume exchanges names as fast as the
kernel lets him (renameat2(RENAME_EXCHANGE)); whatever the runtime does in between, nothing may happen outside.
"""

import contextlib
import json
import os
import stat
import subprocess

import pytest

from attack import add_mount, mounts_below, put, with_user_namespace, without_mounts, writable
from harness import mounts_of
from test_masks import console_socket, create_with_console, strangers  # noqa: F401

USUAL = 25


@contextlib.contextmanager
def swapping(programs, *names):
    """Exchanges each pair of names, again and again."""
    swapper = subprocess.Popen([str(programs / 'swap'), '14400', *map(str, names)])
    try:
        yield
        assert swapper.poll() is None, 'the swapper died'
    finally:
        swapper.kill()
        swapper.wait()


def tally(outcomes, done):
    outcomes[done.rc == 0] = outcomes.get(done.rc == 0, 0) + 1


@pytest.fixture
def volume(workdir):
    """A directory that the attacker and the container share: `a` is a directory, `b` a link to the host's root."""
    folder = workdir / 'volume'
    (folder / 'a').mkdir(parents=True)
    (folder / 'b').symlink_to('/')
    return folder


@pytest.mark.recipe('R6', 'CVE-2021-30465', 'CVE-2024-45310')
@pytest.mark.parametrize('target', ['host', 'victim'])
def test_mount_targets(container, programs, rounds, volume, victim, mark, target):
    """Mounts on /volume/a/..., which is exchanged with a link to the host's root or to a directory of the host."""
    if target == 'victim':
        (volume / 'b').unlink()
        (volume / 'b').symlink_to('../../../../../../../../..' + str(victim))
    (volume / 'source').mkdir()
    (volume / 'source/file').write_text('')
    c = put(writable(container(['/bin/probe', 'see', '/volume/a', str(mark)])), programs, 'probe')
    add_mount(c, '/volume', volume)
    add_mount(c, '/volume/a/tmpfs', fstype='tmpfs', source='tmpfs')
    add_mount(c, '/volume/a/directory', volume / 'source')
    add_mount(c, '/volume/a/deep/er/file', volume / 'source/file')
    c.config['linux']['maskedPaths'] = ['/volume/a/deep']
    c.config['linux']['readonlyPaths'] = ['/volume/a/directory']
    c.config['linux']['devices'] = [{'path': '/volume/a/node', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o666, 'uid': 0, 'gid': 0}]
    names = set(os.listdir('/'))
    outcomes = {}
    with swapping(programs, volume / 'a', volume / 'b'):
        for _ in rounds(USUAL):
            done = c.run()
            tally(outcomes, done)
            assert 'escape' not in done.out, done
            assert set(os.listdir('/')) == names, set(os.listdir('/')) ^ names
            assert not mounts_below(volume)
    assert sum(outcomes.values()) == rounds.done


@pytest.mark.recipe('R5')
@pytest.mark.parametrize('user', [False, True])
@pytest.mark.parametrize('flags', [[], ['--no-pivot']])
def test_root_itself(container, programs, rounds, workdir, make_rootfs, user, flags):
    """root.path is exchanged with another root, directory against directory. The container has one of them, whole."""
    c = container(['sh', '-c', 'cat /which; cat /proc/1/comm; grep -c " /proc " /proc/mounts'])
    if user:
        with_user_namespace(c)
    make_rootfs(workdir / 'other')
    for folder, name in ((c.rootfs, 'one'), (workdir / 'other', 'two')):
        (folder / 'which').write_text(f'{name}\n')
    outcomes = {}
    with swapping(programs, c.rootfs, workdir / 'other'):
        for _ in rounds(USUAL):
            done = c.run(*flags)
            tally(outcomes, done)
            assert done.out in ('one\nsh\n1\n', 'two\nsh\n1\n') if done.rc == 0 else 'while it was opened' in done.err, done
            assert not mounts_below(workdir)
    assert sum(outcomes.values()) == rounds.done


@pytest.mark.recipe('R6', 'CVE-2021-30465')
def test_working_directory(container, programs, rounds, volume, mark):
    c = put(writable(container(['/bin/probe', 'where', str(mark)], cwd='/volume/a/made/here')), programs, 'probe')
    add_mount(c, '/volume', volume)
    names = set(os.listdir('/'))
    with swapping(programs, volume / 'a', volume / 'b'):
        for _ in rounds(USUAL):
            done = c.run()
            assert 'escape' not in done.out, done
            assert set(os.listdir('/')) == names


@pytest.mark.knarr  # what others do here they are told first
@pytest.mark.recipe('R6', 'CVE-2021-30465')
def test_copy_up(container, programs, rounds, volume, victim):
    """tmpcopyup of a tree in which a directory becomes a link to the host's files: they must not be copied in."""
    (volume / 'b').unlink()
    (volume / 'b').symlink_to(victim)
    (volume / 'a/ptmx').write_text('harmless')
    c = writable(container(['sh', '-c', 'cat /volume/a/ptmx /volume/b/ptmx']))
    add_mount(c, '/volume', volume)
    add_mount(c, '/volume', fstype='tmpfs', source='tmpfs', options=['tmpcopyup'])
    with swapping(programs, volume / 'a', volume / 'b'):
        for _ in rounds(USUAL):
            assert 'keep' not in c.run().out


@pytest.mark.recipe('R12', 'CVE-2025-31133')
@pytest.mark.parametrize('user', [False, True])
def test_null_of_a_shared_dev(container, programs, rounds, workdir, user):
    """/dev/null of a volume is exchanged with a link to a file of /proc while paths are masked."""
    folder = workdir / 'dev'
    folder.mkdir()
    os.mknod(folder / 'null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (folder / 'link').symlink_to('/proc/sys/kernel/core_pattern')
    c = without_mounts(writable(container(['sh', '-c', 'grep -c core_pattern /proc/self/mountinfo; cat /etc/masked'])), '/dev')
    (c.rootfs / 'etc/masked').write_text('MASKME')
    if user:
        with_user_namespace(c)
        os.chown(folder, 100000, 100000)
    add_mount(c, '/dev', folder)
    c.config['linux']['maskedPaths'] = ['/etc/masked', '/proc/kcore', '/proc/keys']
    before = open('/proc/sys/kernel/core_pattern', encoding='utf-8').read()
    with swapping(programs, folder / 'null', folder / 'link'):
        for _ in rounds(USUAL):
            done = c.run()
            assert done.rc != 0 or done.out == '0\n', done
            assert 'MASKME' not in done.out, done
    assert open('/proc/sys/kernel/core_pattern', encoding='utf-8').read() == before


@pytest.mark.recipe('R12', 'CVE-2025-31133')
def test_masked_path_itself(container, programs, rounds, volume):
    """The path that is to be masked is exchanged with a link: what is behind the link may be masked, nothing outside is."""
    (volume / 'b').unlink()
    (volume / 'b').symlink_to('/proc/self/attr/exec')
    (volume / 'a').rmdir()
    (volume / 'a').write_text('')
    c = writable(container(['true']))
    add_mount(c, '/volume', volume)
    c.config['linux']['maskedPaths'] = ['/volume/a']
    with swapping(programs, volume / 'a', volume / 'b'):
        for _ in rounds(USUAL):
            c.run()
            assert not mounts_below(volume)


@pytest.mark.recipe('R12', 'CVE-2025-52565')
@pytest.mark.parametrize('what', ['console', 'pts'])
def test_console_of_a_shared_dev(container, programs, rounds, workdir, console_socket, what):  # noqa: F811
    """/dev/console, or /dev/pts itself, is exchanged with a link into /proc while the terminal is made."""
    folder = workdir / 'dev'
    (folder / 'pts').mkdir(parents=True)
    (folder / 'console').write_text('')
    (folder / 'link').symlink_to('/proc/sys/kernel/core_pattern' if what == 'console' else '/proc')
    base = without_mounts(writable(container(['sleep', '100'], terminal=True)), '/dev')
    add_mount(base, '/dev', folder)
    add_mount(base, '/dev/pts', fstype='devpts', source='devpts', options=['newinstance', 'ptmxmode=0666', 'mode=0620'])
    with swapping(programs, folder / what, folder / 'link'):
        for _ in rounds(USUAL):
            done = create_with_console(base, console_socket)
            if done.rc == 0:
                # The mount stays on its file, whichever of the two names that has by now.
                found = [entry for entry in strangers(base) if entry[0] != '/dev/link']
                base.runtime.ok('delete', '--force', base.id)
                assert not found, found


@pytest.mark.recipe('R6', 'CVE-2025-52881')
def test_proc_of_a_shared_root(container, programs, rounds, victim):
    """The image itself is shared with an attacker: /proc and /sys are exchanged with links."""
    c = writable(container(['true']))
    (c.rootfs / 'link').symlink_to('../../../../../../../../..' + str(victim))
    before = open('/proc/sys/kernel/core_pattern', encoding='utf-8').read()
    c.config['linux']['sysctl'] = {'net.ipv4.ip_forward': '1'}
    c.config['process']['oomScoreAdj'] = 500
    for name in ('proc', 'sys', 'dev'):
        with swapping(programs, c.rootfs / name, c.rootfs / 'link'):
            for _ in rounds(USUAL // 3):
                c.run()
                assert not mounts_below(victim)
    assert open('/proc/sys/kernel/core_pattern', encoding='utf-8').read() == before


@pytest.mark.recipe('R18', 'CVE-2024-21626')
def test_cwd_of_exec(container, programs, rounds, mark):
    """The running container itself exchanges the directory that exec goes to."""
    c = put(writable(container(['/bin/swap', '14400', '/a', '/b'])), programs, 'probe', 'swap')
    (c.rootfs / 'a').mkdir()
    (c.rootfs / 'b').symlink_to('/proc/1/root/../../..')
    c.up()
    for _ in rounds(USUAL):
        done = c.runtime('exec', '--cwd', '/a', c.id, '/bin/probe', 'where', str(mark))
        assert 'escape' not in done.out, done


@pytest.mark.recipe('R6', 'CVE-2021-30465')
@pytest.mark.knarr
@pytest.mark.parametrize('user', [False, True])
def test_mounts_into_a_running_container(container, programs, rounds, workdir, mark, user):
    """The running container exchanges the destination with links of its own while mounts are added and taken away."""
    (workdir / 'source').mkdir()
    (workdir / 'source/file').write_text('')
    wanted = workdir / 'mounts.json'
    wanted.write_text(json.dumps([{'destination': '/a/there', 'type': 'bind', 'source': str(workdir / 'source'), 'options': ['rbind']}]))
    c = put(writable(container(['/bin/swap', '14400', '/a', '/b'])), programs, 'probe', 'swap')
    (c.rootfs / 'a').mkdir()
    (c.rootfs / 'b').symlink_to('/proc/1/root/../../../../../../../..')
    if user:
        with_user_namespace(c)
    c.up()
    names = set(os.listdir('/'))
    for _ in rounds(USUAL):
        if c.runtime('mounts', 'add', c.id, wanted).rc == 0:
            c.runtime('mounts', 'remove', c.id, wanted)
        assert set(os.listdir('/')) == names
        assert not mounts_below(workdir)
    found = [entry for entry in mounts_of(c.pid) if entry.target.startswith('/proc/')]
    assert all(entry.fstype in ('proc', 'tmpfs', 'devtmpfs') for entry in found), found
    assert not os.path.exists(f'/proc/{c.pid}/root{mark}')
