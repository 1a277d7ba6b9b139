# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore of containers in a user namespace: whose root can neither read the images' directory nor walk to what
is mounted from the host."""

import os
import subprocess
from pathlib import Path

import pytest
from harness import cgroups_of, mounts_of, namespace_of, status_of, wait_until
from test_checkpoint_restore import checkpoint, count, counting, engine_mounts, images, restored, started  # noqa: F401 (fixtures)

BASE = 200000
MAP = [{'containerID': 0, 'hostID': BASE, 'size': 1000}, {'containerID': 1000, 'hostID': BASE + 70000, 'size': 65000}]
SECCOMP = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdirat', 'mkdir'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 95}]}


@pytest.fixture
def mapped(counting, workdir):
    """A function: a container that counts in a user namespace, with a volume that others cannot walk to."""
    def make():
        c = counting()
        closed = workdir / 'closed'
        closed.mkdir(mode=0o700)
        for name in ('data', 'fixed'):
            (closed / name).mkdir(mode=0o755)
            (closed / name / 'file').write_text(name)
            os.chown(closed / name, BASE, BASE)
        (closed / 'own').write_text('own')
        os.chown(closed / 'own', BASE + 70000, BASE + 70000)
        c.config['linux']['namespaces'].append({'type': 'user'})
        for kind in ('uidMappings', 'gidMappings'):
            c.config['linux'][kind] = [dict(line) for line in MAP]
        c.config['linux']['seccomp'] = SECCOMP
        c.config['mounts'] += [
            {'destination': '/mnt/data', 'type': 'bind', 'source': str(closed / 'data'), 'options': ['rbind']},
            {'destination': '/mnt/fixed', 'type': 'bind', 'source': str(closed / 'fixed'), 'options': ['bind', 'ro', 'nosuid', 'nodev']},
            {'destination': '/mnt/own', 'type': 'bind', 'source': str(closed / 'own'), 'options': ['bind']},
            {'destination': '/var', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755', 'size=1m']}]
        subprocess.run(['chown', '-R', f'{BASE}:{BASE}', c.rootfs], check=True)
        return c
    return make


@pytest.fixture(params=['private', 'shared'])
def propagation(request, runtime):
    if request.param == 'shared':
        engine_mounts(runtime)
    return request.param


def up(c):
    """It counts. A file that is its standard output must be open to the root that opens it again."""
    started(c)
    c.out.chmod(0o666)
    return c


def look(c):
    """What of a container must be the same afterwards."""
    status = status_of(c.pid)
    maps = [Path(f'/proc/{c.pid}/{kind}_map').read_text() for kind in ('uid', 'gid')]
    mounts = sorted((entry.target, entry.root if entry.target.startswith('/mnt') else '', entry.fstype,
                     tuple(sorted(entry.options & {'ro', 'rw', 'nosuid', 'nodev', 'noexec'}))) for entry in mounts_of(c.pid))
    inside = c.runtime.ok('exec', c.id, 'sh', '-c', 'stat -c "%n %u %g %a" / /count /var /var/kept /mnt/* /mnt/*/* /dev/null; cat /var/kept /mnt/*/file').out
    return [status[key] for key in ('Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'CapBnd', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp')], \
        maps, mounts, inside


def host_mounts():
    return sorted((entry.target, entry.fstype) for entry in mounts_of(1))


def propagated(c):
    """The mounts that follow those of the host."""
    lines = [line.split(' - ')[0].split() for line in Path(f'/proc/{c.pid}/mountinfo').read_text().splitlines()]
    return sorted((line[4], word) for line in lines for word in line[6:])


def keep(c):
    c.runtime.ok('exec', c.id, 'sh', '-c', 'echo kept >/var/kept')
    os.chown(f'/proc/{c.pid}/root/var/kept', BASE + 70000, BASE + 70000)


def test_there_and_back(mapped, images, restored, runtime, propagation):
    c = up(mapped())
    keep(c)
    before, mounted = look(c), host_mounts()
    slaves = propagated(c)
    assert bool(slaves) == (propagation == 'shared')
    checkpoint(c, images)
    runtime.fails('state', c.id, text='does not exist')
    images.chmod(0o700)
    last = count(c)
    new = restored(c, images)
    wait_until(lambda: last < count(new) < last + 1000, 'it goes on')
    assert look(new) == before and propagated(new) == slaves
    assert before[1][0].split() == ['0', str(BASE), '1000', '1000', str(BASE + 70000), '65000']
    assert namespace_of(new.pid, 'user') != namespace_of('self', 'user')
    assert f'/{new.id}' in cgroups_of(new.pid).values()
    assert 'not supported' in runtime('exec', new.id, 'mkdir', '/var/new').err.lower()
    assert 'Read-only' in runtime('exec', new.id, 'touch', '/mnt/fixed/x').err
    runtime.ok('exec', new.id, 'touch', '/mnt/data/x')
    assert 'LOOPBACK,UP' in runtime.ok('exec', new.id, 'ip', 'link', 'show', 'lo').out
    assert not [entry for entry in mounts_of(new.pid) if 'images' in entry.root or entry.target.startswith(str(runtime.root))]
    runtime.ok('pause', new.id)
    runtime.ok('resume', new.id)
    assert not [name for name in os.listdir(runtime.root / new.id) if name.startswith('criu')]
    # What criu mounts for itself, too, and it does so in its work directory.
    assert host_mounts() == mounted
    assert {'restore.log', 'stats-restore'} <= set(os.listdir(images)) and not [name for name in os.listdir(images) if 'cgyard' in name]


def test_left_running_and_pre_dump(mapped, workdir, restored):
    """The parent of the images lies in a directory of its own, and nobody else may walk to either; nor to any of what there is."""
    c = up(mapped())
    workdir.chmod(0o700)
    keep(c)
    before = look(c)
    top = workdir / 'top'
    top.mkdir(mode=0o700)
    checkpoint(c, top / 'one', '--pre-dump')
    checkpoint(c, top / 'deep/two', '--parent-path', '../../one', '--leave-running')
    assert c.status == 'running' and look(c) == before
    checkpoint(c, top / 'three', '--parent-path', '../one')
    last = count(c)
    new = restored(c, top / 'three')
    wait_until(lambda: count(new) > last, 'it goes on')
    assert look(new) == before


def restore_fails(c, images, text):
    c.bundle.save()
    with open(c.out, 'ab') as out:
        line = c.runtime.fails('restore', '--detach', '--image-path', images, '--bundle', c.bundle.path, f'{c.id}-new', text=text,
                               timeout=240, stdout=out)
    assert not (c.runtime.root / f'{c.id}-new').exists()
    return line


def test_it_comes_back_as_it_was_or_not_at_all(mapped, images):
    """Other maps than those of the images, none, and images that the container's root could not read."""
    c = up(mapped())
    checkpoint(c, images)
    c.config['linux']['gidMappings'][1]['hostID'] += 1
    restore_fails(c, images, r'linux\.gidMappings: the images have other gid mappings')
    c.config['linux']['gidMappings'][1]['hostID'] -= 1
    (images / 'mm-1.img').chmod(0o600)
    restore_fails(c, images, f"the container's root must read {images}/mm-1.img \\(EACCES\\) \\(let others read the images"
                  f"|the container's root must read {images}/mm-1.img \\(let others read the images")
    (images / 'mm-1.img').chmod(0o644)
    del c.config['linux']['uidMappings'], c.config['linux']['gidMappings']
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'user']
    restore_fails(c, images, 'the images are of a container in a user namespace, which the configuration does not have')
