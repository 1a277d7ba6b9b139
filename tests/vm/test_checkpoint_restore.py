# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore, with criu: the container goes on where it was, and is one like others."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness import Container, PREFIX, cgroups_of, is_zombie_or_gone, mounts_of, namespace_of, reap, wait_until
from machine import CGROUPS, MIB, cgroup_of, limit, value

# Counts in a file and on its standard output, 5 times a second.
# The harness's own streams are files opened with O_NOFOLLOW, which criu would open so again, by a link.
COUNTING = ['sh', '-c', 'exec </dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/count; echo $i; sleep 0.2; done']
LONG = 240  # the machine is slow, and criu tries out all that the kernel has before it begins


def count(c):
    return int((c.rootfs / 'count').read_text() or 0)


@pytest.fixture
def counting(container):
    def make(**process):
        c = container(COUNTING, **process)
        c.config['root']['readonly'] = False
        limit(c)
        return c
    return make


@pytest.fixture
def images(workdir):
    return workdir / 'images'


def checkpoint(c, images, *flags):
    return c.runtime.ok('checkpoint', '--image-path', images, *flags, c.id, timeout=LONG)


@pytest.fixture
def restored(runtime):
    """A function: restores into a container of another id, which is deleted at the end."""
    made = []

    def make(c, images, *flags, out=None, **keywords):
        new = Container(runtime, c.bundle, f'{c.id}-new')
        made.append(new)
        new.config['linux']['cgroupsPath'] = f'/{new.id}'
        c.bundle.save()
        new.out = out or c.out
        with open(new.out, 'ab') as stdout:
            done = runtime('restore', '--detach', '--image-path', images, '--bundle', c.bundle.path, *flags, new.id,
                           stdout=stdout, timeout=LONG, **keywords)
        assert done.rc == 0, done
        return new
    yield make
    for new in made:
        runtime.ok('delete', '--force', new.id)


def engine_mounts(runtime):
    """From now on it is called where engines run, and where mounts are shared; the tests' own are private."""
    command = runtime.command
    runtime.command = lambda *words, **keywords: ['nsenter', '--target=1', '--mount', *command(*words, **keywords)]


def started(c, **keywords):
    c.up(**keywords)
    wait_until((c.rootfs / 'count').exists, 'it counts')
    wait_until(lambda: count(c) > 2, 'it counts')
    return c


def cgroup_options():
    return [entry.superoptions for entry in mounts_of() if entry.target == str(CGROUPS)]


def test_there_and_back(counting, images, restored, workdir):
    options = cgroup_options()
    c = started(counting())
    old = c.pid
    checkpoint(c, images)
    c.runtime.fails('state', c.id, text='does not exist')
    assert is_zombie_or_gone(old)
    assert not (CGROUPS / c.id).exists()
    before = count(c)
    time.sleep(0.5)
    assert count(c) == before
    pid_file = workdir / 'pid'
    new = restored(c, images, '--pid-file', pid_file)
    assert new.status == 'running' and pid_file.read_text() == str(new.pid)
    wait_until(lambda: count(c) > before, 'it goes on')
    assert count(c) < before + 1000
    # As any other: cgroup, namespaces, exec, pause, kill, delete.
    assert cgroups_of(new.pid)[''] == f'/{new.id}'
    for kind in ('pid', 'mnt', 'net', 'ipc', 'uts'):
        assert namespace_of(new.pid, kind) != namespace_of('self', kind)
    assert new.runtime.ok('exec', new.id, 'cat', '/count').out.strip().isdigit()
    assert 'LOOPBACK,UP' in new.runtime.ok('exec', new.id, 'ip', 'link', 'show', 'lo').out
    new.runtime.ok('pause', new.id)
    assert new.status == 'paused'
    new.runtime.ok('resume', new.id)
    new.kill('KILL')
    new.wait_stopped()
    new.delete()
    # criu takes nsdelegate away for a moment, for the whole host.
    assert cgroup_options() == options and 'nsdelegate' in options[0]


def test_left_running(counting, images):
    c = started(counting())
    checkpoint(c, images, '--leave-running')
    assert c.status == 'running'
    before = count(c)
    wait_until(lambda: count(c) > before, 'it goes on')
    assert {'descriptors.json', 'knarr-mounts.json', 'dump.log', 'inventory.img'} <= {entry.name for entry in images.iterdir()}


def test_limits_and_mounts_of_the_configuration(counting, images, restored, workdir):
    source = workdir / 'source'
    source.mkdir(mode=0o755)
    (source / 'file').write_text('of the host\n')
    c = counting()
    limit(c, memory={'limit': 64 * MIB}, pids={'limit': 50})
    for destination in ('/mnt/again', '/mnt/data'):
        c.config['mounts'].append({'destination': destination, 'type': 'bind', 'source': str(source), 'options': ['rbind', 'ro']})
    started(c)
    checkpoint(c, images)
    # Another source for the same destination, and another limit.
    other = workdir / 'other'
    other.mkdir(mode=0o755)
    (other / 'file').write_text('of another host\n')
    c.config['mounts'][-1]['source'] = str(other)
    limit(c, memory={'limit': 80 * MIB})
    new = restored(c, images)
    assert value(cgroup_of(new), 'memory.max') == str(80 * MIB)
    assert value(cgroup_of(new), 'pids.max') == '50'
    assert new.runtime.ok('exec', new.id, 'cat', '/mnt/data/file').out == 'of another host\n'
    for path in ('/mnt/data/x', '/mnt/again/x'):
        assert 'Read-only' in new.runtime('exec', new.id, 'touch', path).err


@pytest.mark.parametrize('propagation', ['private', 'shared'])
def test_mounts_are_protected_as_before(counting, images, restored, workdir, runtime, propagation):
    """Read-only volumes and masks: none of them can be written to behind a restore."""
    if propagation == 'shared':
        engine_mounts(runtime)
    source = workdir / 'source'
    source.mkdir(mode=0o755)
    c = counting()
    for destination in ('/mnt/a', '/mnt/b', '/mnt/c'):
        c.config['mounts'].append({'destination': destination, 'type': 'bind', 'source': str(source), 'options': ['bind', 'ro', 'nosuid']})
    started(c)

    def look(pid):
        return {(entry.target, frozenset(entry.options & {'ro', 'nosuid', 'nodev', 'noexec'})) for entry in mounts_of(pid)
                if entry.target != '/'}
    before = look(c.pid)
    assert {('/mnt/b', frozenset({'ro', 'nosuid'}))} <= {(target, flags & {'ro', 'nosuid'}) for target, flags in before}
    checkpoint(c, images)
    assert look(restored(c, images).pid) == before


def test_pre_dump(counting, workdir, restored):
    c = started(counting())
    checkpoint(c, workdir / 'images1', '--pre-dump')
    assert c.status == 'running'
    checkpoint(c, workdir / 'images2', '--parent-path', '../images1')
    before = count(c)
    new = restored(c, workdir / 'images2')
    wait_until(lambda: count(new) > before, 'it goes on')


def test_pipes_are_those_of_now(counting, images, runtime):
    """As conmon does: the new container writes into the new pipe."""
    c = counting()
    c.bundle.save()
    reader, writer = os.pipe()
    try:
        assert runtime('create', '--bundle', c.bundle.path, c.id, stdout=writer).rc == 0
        c.start()
        wait_until(lambda: b'3\n' in os.read(reader, 4096), 'it writes')
        checkpoint(c, images)
    finally:
        os.close(reader)
        os.close(writer)
    assert json.loads((images / 'descriptors.json').read_text())[1].startswith('pipe:[')
    before = count(c)
    reader, writer = os.pipe()
    try:
        done = runtime('restore', '-d', '--image-path', images, '--bundle', c.bundle.path, c.id, stdout=writer, timeout=LONG)
        assert done.rc == 0, done
        first = os.read(reader, 4096)
        assert int(first.split()[0]) >= before, first
    finally:
        os.close(reader)
        os.close(writer)


def test_in_the_foreground(counting, images, runtime):
    """Its exit status is the program's; the container is gone afterwards."""
    c = counting()
    c.config['process']['args'] = ['sh', '-c', 'exec </dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.2; [ -e /stop ] && exit 7; done']
    started(c)
    checkpoint(c, images)
    (c.rootfs / 'stop').write_text('')
    with open(c.out, 'ab') as out:
        done = runtime('restore', '--image-path', images, '--bundle', c.bundle.path, c.id, stdout=out, timeout=LONG)
    assert done.rc == 7, done
    runtime.fails('state', c.id, text='does not exist')


def test_a_terminal(counting, images, runtime, workdir):
    """The master comes over the console socket, at restore as at create."""
    def listen(name):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(workdir / name))
        server.listen()
        server.settimeout(LONG)
        return server

    def master(server):
        connection, _ = server.accept()
        _, fds, _, _ = socket.recv_fds(connection, 100, 1)
        return fds[0]

    c = counting(terminal=True)
    c.config['process']['args'] = ['sh', '-c', 'while read line; do echo "<$line>"; done']
    c.bundle.save()
    with listen('first') as server:
        c.create('--console-socket', workdir / 'first')
        first = master(server)
    c.start()
    os.write(first, b'one\n')
    wait_until(lambda: b'<one>' in os.read(first, 4096), 'it answers')
    checkpoint(c, images)
    os.close(first)
    with listen('second') as server:
        done = runtime('restore', '-d', '--console-socket', workdir / 'second', '--image-path', images,
                       '--bundle', c.bundle.path, c.id, timeout=LONG)
        assert done.rc == 0, done
        second = master(server)
    os.write(second, b'two\n')
    wait_until(lambda: b'<two>' in os.read(second, 4096), 'it answers again')
    os.close(second)


def test_hooks(counting, images, restored, workdir):
    log = workdir / 'hooks'
    c = counting()
    hook = {'path': '/bin/sh', 'args': ['sh', '-c', f'cat >>{log}; echo >>{log}']}
    c.config['hooks'] = {'createRuntime': [hook], 'poststop': [hook]}
    started(c)
    checkpoint(c, images)
    states = [json.loads(line) for line in log.read_text().splitlines()]
    assert [state['status'] for state in states] == ['creating', 'stopped']
    new = restored(c, images)
    states = [json.loads(line) for line in log.read_text().splitlines()]
    assert states[2]['id'] == new.id and states[2]['pid'] == new.pid


def test_a_zombie_that_nobody_reaps(counting, images, restored):
    """criu waits for init's end, and init for a process of `exec`, which is its parent's to reap."""
    c = started(counting())
    c.runtime.ok('exec', '--detach', c.id, 'sleep', '1000')
    checkpoint(c, images)
    c.runtime.fails('state', c.id, text='does not exist')
    reap()
    assert restored(c, images).status == 'running'


def test_wrong_states(counting, images):
    c = counting()
    c.runtime.fails('checkpoint', '--image-path', images, c.id, text='does not exist')
    c.create()
    c.runtime.fails('checkpoint', '--image-path', images, c.id, text='container cannot be checkpointed in created state')
    c.start()
    c.kill('KILL')
    c.wait_stopped()
    c.runtime.fails('checkpoint', '--image-path', images, c.id, text='container cannot be checkpointed in stopped state')
    assert not images.exists()


def test_a_failure_leaves_it_running(counting, images):
    """A parent that is no image directory; the words are criu's, in one line, and it goes on."""
    c = started(counting())
    c.runtime.fails('checkpoint', '--image-path', images, '--parent-path', '../none', c.id,
                    text=re.escape('--parent-path ../none: No such file or directory (ENOENT)'))
    c.runtime.fails('checkpoint', '--image-path', images, '--parent-path', '/tmp', c.id,
                    text='--parent-path must be relative to the image path')
    before = count(c)
    wait_until(lambda: count(c) > before, 'it goes on')
    assert c.status == 'running'


def test_restore_of_nothing_leaves_nothing(counting, images, runtime):
    c = counting()
    c.bundle.save()
    images.mkdir()
    runtime.fails('restore', '--image-path', images / 'none', '--bundle', c.bundle.path, c.id, text='open .*: No such file or directory')
    runtime.fails('restore', '--image-path', images, '--bundle', c.bundle.path, c.id, text='descriptors.json')
    (images / 'descriptors.json').write_text('["","",""]')
    runtime.fails('restore', '--image-path', images, '--bundle', c.bundle.path, c.id, text='criu failed: ', timeout=LONG)
    assert (images / 'restore.log').exists()
    assert not (runtime.root / c.id).exists()
    assert not list(CGROUPS.glob(f'{PREFIX}*{c.id}*'))


def test_an_id_that_is_taken(counting, images, runtime):
    c = started(counting())
    checkpoint(c, images, '--leave-running')
    runtime.fails('restore', '--image-path', images, '--bundle', c.bundle.path, c.id, text='exist')
    assert c.status == 'running'


def test_mounts_that_were_added(counting, images, workdir):
    (workdir / 'source').mkdir()
    c = started(counting())
    (workdir / 'mounts.json').write_text(json.dumps([{'destination': '/mnt', 'type': 'bind', 'source': str(workdir / 'source')}]))
    c.runtime.ok('mounts', 'add', c.id, workdir / 'mounts.json')
    c.runtime.fails('checkpoint', '--image-path', images, c.id, text='mounts have been added to it, which its configuration does not have')
    assert c.status == 'running'


def test_a_namespace_of_others(counting, images, restored, workdir):
    """The network namespace is joined by path: it stays, and is joined again."""
    path = workdir / 'netns'
    path.touch()
    subprocess.run(['unshare', f'--net={path}', 'true'], check=True)
    try:
        c = counting()
        for namespace in c.config['linux']['namespaces']:
            if namespace['type'] == 'network':
                namespace['path'] = str(path)
        started(c)
        wanted = namespace_of(c.pid, 'net')
        checkpoint(c, images)
        new = restored(c, images)
        assert namespace_of(new.pid, 'net') == wanted
        new.kill('KILL')
        new.wait_stopped()
    finally:
        subprocess.run(['umount', path], check=True)


def test_a_process_in_a_chroot(counting, images, restored, workdir):
    """Not init, which cannot be checkpointed so: it finds what it found before, the volume in its root, too."""
    source = workdir / 'source'
    source.mkdir(mode=0o755)
    jail = 'i=0; while :; do i=$((i+1)); echo $i >/mnt/jailed; /busybox sleep 0.2; done'
    c = counting()
    c.config['process']['args'][2] = COUNTING[2].replace('i=0;', f"mkdir -p /jail/mnt; cp /bin/busybox /jail; chroot /jail /busybox sh -c '{jail}' & i=0;")
    for names in c.config['process']['capabilities'].values():
        names.append('CAP_SYS_CHROOT')
    c.config['mounts'].append({'destination': '/jail/mnt', 'type': 'bind', 'source': str(source), 'options': ['bind']})
    started(c)

    def jailed():
        return int((source / 'jailed').read_text() or 0) if (source / 'jailed').exists() else 0

    wait_until(lambda: jailed() > 2, 'it counts, too')
    checkpoint(c, images)
    before, other = count(c), jailed()
    new = restored(c, images)
    wait_until(lambda: before < count(c) < before + 1000 and other < jailed() < other + 1000, 'both go on')
    pids = [int(pid) for pid in (cgroup_of(new) / 'cgroup.procs').read_text().split()]
    assert '/jail' in [os.readlink(f'/proc/{pid}/root') for pid in pids if os.path.exists(f'/proc/{pid}')]


@pytest.mark.parametrize('then', ['again', 'others', 'apart'])
def test_volumes_of_one_shared_mount(counting, images, restored, workdir, runtime, then):
    """Where the host's mounts are shared volumes are slaves of them; the new sources may be others, and on other mounts."""
    engine_mounts(runtime)
    for name in ('one', 'two'):
        (workdir / name).mkdir(mode=0o755)
        (workdir / name / 'file').write_text(name)
    c = counting()
    for place in ('/mnt/a', '/mnt/b'):
        c.config['mounts'].append({'destination': place, 'type': 'bind', 'source': str(workdir / 'one'), 'options': ['bind', 'ro']})
    started(c)
    checkpoint(c, images)
    assert len(json.loads((images / 'knarr-slaves.json').read_text())) >= 6
    wanted = 'one' if then == 'again' else 'two'
    c.config['mounts'][-1]['source'] = str(workdir / wanted)
    if then == 'apart':
        subprocess.run(['nsenter', '--target=1', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', workdir / 'two'], check=True)
        subprocess.run(['nsenter', '--target=1', '--mount', 'sh', '-c', 'echo -n two >$0/two/file', workdir], check=True)
    try:
        new = restored(c, images)
        assert new.runtime.ok('exec', new.id, 'cat', '/mnt/a/file', '/mnt/b/file').out == f'one{wanted}'
        assert 'Read-only' in new.runtime('exec', new.id, 'touch', '/mnt/b/x').err
        lines = Path(f'/proc/{new.pid}/mountinfo').read_text().splitlines()
        assert len([line for line in lines if '/mnt/' in line.split()[4] and ' master:' in line]) == 2
    finally:
        if then == 'apart':
            subprocess.run(['nsenter', '--target=1', '--mount', 'umount', '-l', workdir / 'two'], check=True)
