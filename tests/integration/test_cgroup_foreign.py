# SPDX-License-Identifier: Apache-2.0
"""Cgroups that others have made, and containers that others have moved between them."""

import json
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from harness import PREFIX, cgroup_hierarchies, cgroups_of, lacks, mount, umount, view, wait_until
from test_mounts import with_cgroup_mount

pytestmark = pytest.mark.knarr


def tops():
    """Where the hierarchies are, each once, in the order of the kernel's list."""
    names = [name for name in cgroups_of('self') if name in cgroup_hierarchies()]
    return list(dict.fromkeys(cgroup_hierarchies()[name] for name in names))


def own_folders(pid):
    """{top: the directory that the process is in}."""
    return {top: Path(top + path) for name, path in cgroups_of(pid).items() for top in [cgroup_hierarchies().get(name)] if top}


def need_v1(controller):
    if view() == 'v2' or controller not in cgroup_hierarchies():
        lacks(f'the {controller} controller on cgroup v1')
    return Path(cgroup_hierarchies()[controller])


def empty(folder):
    return not (folder / 'cgroup.procs').read_text().strip()


@pytest.fixture
def foreign():
    """A function: a cgroup of somebody else's below a hierarchy, ready to take processes in; removed at the end."""
    made = []

    def make(top, name='foreign'):
        folder = Path(top, f'{PREFIX}-{name}')
        folder.mkdir()
        made.append(folder)
        for file in ('cpuset.cpus', 'cpuset.mems'):
            if view() != 'v2' and (folder / file).exists():
                (folder / file).write_text(Path(top, file).read_text())
        return folder
    yield make
    # knarr has made it in the other hierarchies, too, as a parent; those stay.
    for top in tops():
        for folder in (Path(top, folder.name) for folder in made):
            if folder.is_dir():
                wait_until(lambda: empty(folder), f'{folder} is empty')  # pylint: disable=cell-var-from-loop
                folder.rmdir()


def move_away(c, foreign, which):
    """Init into cgroups of somebody else; the container's own are removed."""
    for top in which:
        own = own_folders(c.pid)[top]
        (foreign(top) / 'cgroup.procs').write_text(str(c.pid))
        own.rmdir()


# ---- exec when the container's cgroup is gone -----------------------------------------------------


@pytest.mark.parametrize('which', [slice(None), slice(1), slice(-1, None)], ids=['all', 'first', 'last'])
def test_exec_goes_where_init_is(container, foreign, which):
    """Never is the process left in the cgroup of the caller."""
    c = container().up()
    move_away(c, foreign, tops()[which])
    pid_file = c.bundle.path / 'pid'
    c.runtime.ok('exec', '--detach', '--pid-file', pid_file, c.id, 'sleep', '1000')
    pid = int(pid_file.read_text())
    assert cgroups_of(pid) == cgroups_of(c.pid)
    assert all(f'{PREFIX}-foreign' in path for top, path in own_folders(pid).items() if top in tops()[which] for path in path.parts[-1:])
    os.kill(pid, signal.SIGKILL)
    c.delete('--force')


@pytest.mark.parametrize('which', [slice(None), slice(1), slice(-1, None)], ids=['all', 'first', 'last'])
def test_ps_knows_the_moved(container, foreign, which):
    c = container(['sh', '-c', 'sleep 1000 & wait']).up()
    wait_until(lambda: len(json.loads(c.runtime.ok('ps', '--format=json', c.id).out)) == 2, 'two processes')
    child = set(json.loads(c.runtime.ok('ps', '--format=json', c.id).out)) - {c.pid}
    for top in tops()[which]:
        folder = foreign(top)
        for pid in (c.pid, *child):
            (folder / 'cgroup.procs').write_text(str(pid))
    assert set(json.loads(c.runtime.ok('ps', '--format=json', c.id).out)) == {c.pid, *child}
    c.delete('--force')


def test_exec_where_init_is_cannot_be_seen(container, foreign):
    """Within a cgroup namespace the way up is not to be seen: refused. The caller is moved into a cgroup of its own before."""
    c = container().up()
    move_away(c, foreign, tops())
    script = ('for folder in "$@"; do echo $$ > $folder/cgroup.procs || exit 9; done; '
              'exec unshare --cgroup "$KNARR" --root "$ROOT" exec "$ID" cat /proc/self/cgroup')
    callers = [foreign(top, 'caller') for top in tops()]
    run = subprocess.run(['sh', '-c', script, 'sh', *map(str, callers)], capture_output=True, text=True, check=False,
                         env={**os.environ, 'KNARR': c.runtime.path, 'ROOT': str(c.runtime.root), 'ID': c.id})
    assert run.returncode == 255 and run.stdout == '' and run.stderr.count('\n') == 1, run
    assert "is gone, and the one that the container's init is in cannot be seen from here" in run.stderr
    c.delete('--force')


def test_exec_into_a_named_cgroup_or_not_at_all(container):
    """--cgroup of one that takes no processes: they do not go where init is instead."""
    c = container().up()
    top = cgroup_hierarchies().get('')
    if view() != 'v2':
        lacks('cgroup v2 alone')
    own = Path(top + cgroups_of(c.pid)[''])
    below = own / 'below'
    (below / 'threads').mkdir(parents=True)
    (below / 'threads' / 'cgroup.type').write_text('threaded')
    (below / 'beside').mkdir()
    assert (below / 'beside' / 'cgroup.type').read_text() == 'domain invalid\n'
    try:
        done = c.runtime('exec', '--cgroup', 'below/beside', c.id, 'cat', '/proc/self/cgroup')
        assert (done.rc, done.out) == (255, '') and done.err.count('\n') == 1, done
        assert 'Operation not supported (EOPNOTSUPP)' in done.err
        assert '0::/below' in c.runtime('exec', '--cgroup', 'below', c.id, 'cat', '/proc/self/cgroup').out.split()
    finally:
        wait_until(lambda: empty(below), 'nobody is below')
        (below / 'beside').rmdir()
        (below / 'threads').rmdir()
        below.rmdir()


# ---- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize('which', [slice(1), slice(-1, None)], ids=['first', 'last'])
def test_signals_reach_the_moved(container, foreign, which):
    """v1 has a tree for each hierarchy: a process that has left the container's in one is in the others still."""
    if len(tops()) < 2:
        lacks('several hierarchies')
    c = container(['sh', '-c', 'trap "echo heard; exit" TERM; echo ready; while :; do sleep 0.05; done']).up()
    c.wait_out('ready')
    for top in tops()[which]:
        (foreign(top) / 'cgroup.procs').write_text(str(c.pid))
    c.runtime.ok('kill', '--all', c.id, 'TERM')
    c.wait_out('heard')
    c.wait_stopped()


# ---- what no signal ends --------------------------------------------------------------------------


class Stuck:
    """A process that waits for an answer of a file system of ours, which not even SIGKILL ends once the question has been read."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.fuse = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
        mount('stuck', folder, 'fuse', data=f'fd={self.fuse},rootmode=40000,user_id=0,group_id=0')
        self.process = subprocess.Popen(['stat', folder / 'x'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, opcode, unique = struct.unpack_from('<IIQ', os.read(self.fuse, 1 << 17))
        assert opcode == 26  # FUSE_INIT
        os.write(self.fuse, struct.pack('<IiQ', 16 + 64, 0, unique) + struct.pack('<IIIIHHII', 7, 31, 0, 0, 0, 0, 1 << 16, 1) + bytes(36))
        assert struct.unpack_from('<IIQ', os.read(self.fuse, 1 << 17))[1] == 1  # FUSE_LOOKUP

    def end(self):
        if self.fuse >= 0:
            os.close(self.fuse)
            self.process.wait()
            umount(self.folder)
        self.fuse = -1


@pytest.fixture
def stuck(workdir):
    if not os.path.exists('/dev/fuse'):
        lacks('/dev/fuse')
    process = Stuck(workdir / 'stuck')
    yield process
    process.end()


def test_survivors_are_named(container, stuck):
    """A process in the cgroup that does not die: after the deadline the command says which, and all is there to try again."""
    c = container().up()
    folders = own_folders(c.pid)
    for folder in folders.values():
        (folder / 'cgroup.procs').write_text(str(stuck.process.pid))
    began = time.monotonic()
    line = c.runtime.fails('delete', '--force', c.id, text='cannot be removed, processes are left in it: ')
    assert 9 < time.monotonic() - began < 30
    assert line.endswith(f': {stuck.process.pid} (stat)\n') and any(f'cgroup {folder} cannot' in line for folder in folders.values()), line
    assert c.status == 'stopped'
    stuck.end()
    assert stuck.process.returncode == -signal.SIGKILL
    c.delete('--force')
    assert not any(folder.exists() for folder in folders.values())


# ---- cpuset of cgroup v1 --------------------------------------------------------------------------


@pytest.mark.parametrize('levels, leaf', [(1, False), (2, False), (1, True), (2, True)])
def test_empty_cpuset_is_filled(container, levels, leaf):
    """A cpuset that was made by mkdir alone takes nobody in: it gets what its parent has. One that has something keeps it."""
    top = need_v1('cpuset')
    folders = [top.joinpath(*(f'{PREFIX}-{level}' for level in range(count + 1))) for count in range(levels)]
    for folder in folders:
        folder.mkdir()
        assert (folder / 'cpuset.cpus').read_text() == '\n'
    try:
        (folders[0] / 'cpuset.mems').write_text('0')
        c = container(['sleep', '1000'])
        c.config['linux']['cgroupsPath'] = str(folders[-1]).removeprefix(str(top)) + ('' if leaf else f'/{c.id}')
        c.up()
        for folder in {*folders, own_folders(c.pid)[str(top)]}:
            assert (folder / 'cpuset.cpus').read_text() == (top / 'cpuset.cpus').read_text()
            assert (folder / 'cpuset.mems').read_text() == '0\n'
        c.delete('--force')
    finally:
        for other in tops():
            for folder in reversed(folders):
                folder = other / folder.relative_to(top)
                if folder.is_dir():
                    folder.rmdir()


def test_cpuset_of_a_parent_is_its_own(container, foreign):
    top = need_v1('cpuset')
    parent = foreign(top)
    (parent / 'cpuset.cpus').write_text('0')
    c = container()
    c.config['linux']['cgroupsPath'] = f'/{parent.name}/{c.id}'
    c.up()
    assert (own_folders(c.pid)[str(top)] / 'cpuset.cpus').read_text() == '0\n'
    assert (parent / 'cpuset.cpus').read_text() == '0\n'
    c.delete('--force')


# ---- devices of cgroup v1 -------------------------------------------------------------------------


def test_refused_device_leaves_the_others(container, foreign):
    """The parent has no such device, which the kernel says when our own list has been emptied already."""
    top = need_v1('devices')
    parent = foreign(top)
    (parent / 'devices.deny').write_text('c 10:229 rw')
    c = container()
    c.config['linux']['cgroupsPath'] = f'/{parent.name}/{c.id}'
    c.config['linux']['resources'] = {'devices': [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'major': 1, 'minor': 11, 'access': 'r'}]}
    c.up()
    own = own_folders(c.pid)[str(top)] / 'devices.list'
    before = sorted(own.read_text().split('\n'))
    assert 'c 1:11 rm' in before
    wanted = {'devices': [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rw'}]}
    done = c.runtime('update', '--resources', '-', c.id, stdin=json.dumps(wanted).encode())
    assert done.rc == 1 and 'devices: ' in done.err and 'Operation not permitted (EPERM)' in done.err and done.err.count('\n') == 1, done
    assert sorted(own.read_text().split('\n')) == before
    assert c.status == 'running'
    assert c.runtime('exec', c.id, 'sh', '-c', 'exec 3<>/dev/null').rc == 0
    c.delete('--force')


# ---- the release agent of cgroup v1 ---------------------------------------------------------------


@pytest.mark.parametrize('namespace', [True, False])
def test_release_agent_is_out_of_reach(container, namespace):
    """It names a program that the kernel runs on the host, with all rights. Its file is in the root of a hierarchy alone."""
    if view() == 'v2':
        lacks('cgroup v1')
    c = with_cgroup_mount(container(['sh', '-c', 'ls /sys/fs/cgroup; find -L /sys/fs/cgroup -maxdepth 2 -name release_agent; '
                                     'for f in /sys/fs/cgroup/*; do (echo /x > $f/release_agent) 2>/dev/null && echo written; done; true']))
    if namespace:
        c.config['linux']['namespaces'].append({'type': 'cgroup'})
    before = {top: Path(top, 'release_agent').read_text() for top in tops() if Path(top, 'release_agent').exists()}
    lines = c.output().split()
    assert 'memory' in lines and 'written' not in lines and not [line for line in lines if 'release_agent' in line], lines
    assert before == {top: Path(top, 'release_agent').read_text() for top in before}
