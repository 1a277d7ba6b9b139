# SPDX-License-Identifier: Apache-2.0
"""mounts add, mounts remove: into a container that runs, whatever it does meanwhile."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from harness import PATIENCE, wait_until
from test_namespaces import OUTSIDE, give_user_namespace

pytestmark = pytest.mark.knarr


@pytest.fixture
def source(workdir):
    path = workdir / 'source'
    path.mkdir(mode=0o755)
    (path / 'file').write_text('of the host\n')
    (path / 'file').chmod(0o644)
    return path


def bind(source, destination='/mnt/here', *options):
    return {'destination': destination, 'type': 'bind', 'source': str(source), 'options': ['rbind', *options]}


def mounts(c, verb, *wanted, text=None):
    """Runs it; `text` is what it fails with, else it must succeed."""
    path = c.bundle.path / 'mounts.json'
    path.write_text(json.dumps(wanted))
    if text is None:
        return c.runtime.ok('mounts', verb, c.id, path)
    return c.runtime.fails('mounts', verb, c.id, path, text=re.escape(text))


def inside(c, *words):
    return c.runtime('exec', c.id, *words)


def table(c):
    """(mount point, options, filesystem type) as the container sees them, in their order."""
    with open(f'/proc/{c.pid}/mountinfo', encoding='utf-8') as lines:
        found = []
        for line in lines:
            left, right = line.rstrip('\n').split(' - ')
            fields = left.split()
            found.append((fields[4], set(fields[5].split(',')), right.split()[0]))
        return found


def at(c, destination):
    return [entry for entry in table(c) if entry[0] == destination]


@pytest.fixture
def up(container):
    def make(user=False, **process):
        c = container(**process)
        c.config['root']['readonly'] = False
        if user:
            give_user_namespace(c)
        return c.up()
    return make


@pytest.mark.parametrize('user', [False, True], ids=['root', 'user-namespace'])
def test_add_and_remove(up, source, user):
    c = up(user)
    before = table(c)
    mounts(c, 'add', bind(source))
    assert inside(c, 'cat', '/mnt/here/file').out == 'of the host\n'
    assert json.loads((c.runtime.root / c.id / 'mounts.json').read_text())['mounts'][0]['destination'] == '/mnt/here'
    mounts(c, 'remove', {'destination': '/mnt/here'})
    assert table(c) == before
    assert inside(c, 'ls', '/mnt/here').out == ''
    mounts(c, 'remove', {'destination': '/mnt/here'}, text='mounts.json:1:18: mounts[0].destination: nothing was added at /mnt/here')


def test_init_in_a_chroot(container, source):
    """Destinations are the container's, wherever init has locked itself up."""
    c = container(args=['sh', '-c', 'mkdir /jail && cp /bin/busybox /jail && exec chroot /jail /busybox sleep 1000'])
    c.config['root']['readonly'] = False
    for names in c.config['process']['capabilities'].values():
        names.append('CAP_SYS_CHROOT')
    c.up()
    wait_until(lambda: os.path.exists(f'/proc/{c.pid}/root/busybox'), 'init in its jail')
    mounts(c, 'add', bind(source, '/jail/mnt'))
    assert inside(c, 'cat', '/jail/mnt/file') == (0, 'of the host\n', '')
    assert at(c, '/mnt')  # as init sees it
    mounts(c, 'remove', {'destination': '/jail/mnt'})
    assert not at(c, '/mnt')


def test_every_state(container, source):
    c = container()
    c.config['root']['readonly'] = False
    mounts(c, 'add', bind(source), text='does not exist')
    c.create()
    mounts(c, 'add', bind(source, '/created'))
    c.start()
    c.runtime.ok('pause', c.id)
    mounts(c, 'add', bind(source, '/paused'))
    mounts(c, 'remove', {'destination': '/created'})
    c.runtime.ok('resume', c.id)
    assert inside(c, 'cat', '/paused/file').out == 'of the host\n'
    assert inside(c, 'ls', '/created').out == ''
    c.kill('KILL')
    c.wait_stopped()
    mounts(c, 'add', bind(source), text='container not running')
    mounts(c, 'remove', bind(source), text='container not running')


@pytest.mark.parametrize('user', [False, True], ids=['root', 'user-namespace'])
def test_options(up, source, user):
    c = up(user)
    mounts(c, 'add', bind(source, '/ro', 'ro', 'nosuid', 'noexec'),
           {'destination': '/tmp/scratch', 'type': 'tmpfs', 'source': 'scratch', 'options': ['size=64k', 'mode=0700', 'nodev']},
           bind(source / 'file', '/etc/one'))
    assert {'ro', 'nosuid', 'noexec'} <= at(c, '/ro')[0][1]
    assert 'nodev' in at(c, '/tmp/scratch')[0][1] and at(c, '/tmp/scratch')[0][2] == 'tmpfs'
    assert inside(c, 'stat', '-c', '%a %u', '/tmp/scratch').out == '700 0\n'
    assert inside(c, 'cat', '/etc/one').out == 'of the host\n'
    assert 'Read-only' in inside(c, 'touch', '/ro/x').err
    mounts(c, 'remove', {'destination': '/etc/one'}, {'destination': '/tmp/scratch'}, {'destination': '/ro/'})
    assert not at(c, '/ro') and not at(c, '/tmp/scratch') and not at(c, '/etc/one')


def test_flags_are_locked_in_a_user_namespace(up, source):
    """The container's root has all capabilities there; a "ro" of the host stays all the same."""
    subprocess.run(['mount', '--bind', '-o', 'ro', source, source], check=True)
    try:
        c = up(user=True, capabilities={kind: ['CAP_SYS_ADMIN'] for kind in ('bounding', 'effective', 'permitted')})
        mounts(c, 'add', bind(source, '/ro'))
        done = inside(c, 'mount', '-o', 'remount,bind,rw', '/ro')
        assert done.rc != 0, done
        assert 'Read-only' in inside(c, 'touch', '/ro/x').err
        mounts(c, 'remove', bind(source, '/ro'))
    finally:
        subprocess.run(['umount', source], check=True)


def test_a_source_that_only_root_can_reach(up, source):
    """Opened with the host's privileges, not with those of the container's root."""
    hidden = source / 'hidden'
    hidden.mkdir(mode=0o700)
    (hidden / 'inner').mkdir()
    (hidden / 'inner' / 'x').write_text('seen\n')
    c = up(user=True)
    mounts(c, 'add', bind(hidden / 'inner'))
    assert inside(c, 'cat', '/mnt/here/x').out == 'seen\n'


def test_idmapped(up, source):
    os.chown(source / 'file', 0, 0)
    c = up(user=True)
    mounts(c, 'add', bind(source, '/plain'), bind(source, '/mapped', 'idmap'))
    assert inside(c, 'stat', '-c', '%u', '/plain/file').out == '65534\n'
    assert inside(c, 'stat', '-c', '%u', '/mapped/file').out == '0\n'
    assert (source / 'file').stat().st_uid == 0 != OUTSIDE


def test_all_or_none(up, source):
    c = up()
    before = table(c)
    error = mounts(c, 'add', bind(source, '/one'), bind(source, '/two'), bind('/nonexistent', '/three'),
                   text='mounts[2]: mount /nonexistent on /three: clone mount of /nonexistent: No such file or directory (ENOENT)')
    assert re.match(r'knarr: mounts\.json:1:[0-9]+: ', error), error
    assert table(c) == before
    assert not (c.runtime.root / c.id / 'mounts.json').exists()


def test_only_what_was_added_is_removed(up, source):
    c = up()
    for destination in ('/proc', '/dev', '/mnt', '/'):
        mounts(c, 'remove', {'destination': destination}, text=f'nothing was added at {destination}')
    mounts(c, 'add', bind(source, '/a'))
    before = table(c)
    # One wrong among them: none goes.
    mounts(c, 'remove', {'destination': '/a'}, {'destination': '/proc'}, text='mounts[1].destination: nothing was added at /proc')
    assert table(c) == before
    mounts(c, 'remove', {'destination': '/a'}, {'destination': '/a'}, text='mounts[1].destination: nothing was added at /a')
    assert table(c) == before


def test_the_last_goes_first(up, source, workdir):
    other = workdir / 'other'
    other.mkdir()
    (other / 'file').write_text('upper\n')
    c = up()
    mounts(c, 'add', bind(source, '/a'))
    mounts(c, 'add', bind(other, '/a'))
    assert inside(c, 'cat', '/a/file').out == 'upper\n'
    mounts(c, 'remove', {'destination': '/a'})
    assert inside(c, 'cat', '/a/file').out == 'of the host\n'
    mounts(c, 'add', bind(other, '/a/../a'))
    mounts(c, 'remove', {'destination': '/a'}, {'destination': '//a'})
    assert not at(c, '/a')


ADMIN = {'capabilities': {kind: ['CAP_SYS_ADMIN'] for kind in ('bounding', 'effective', 'permitted')}}


def test_what_the_container_has_changed(up, source):
    c = up(**ADMIN)
    mounts(c, 'add', bind(source, '/a'), bind(source, '/b'))
    assert inside(c, 'umount', '/a').rc == 0
    assert inside(c, 'mount', '-t', 'tmpfs', 'none', '/b').rc == 0
    for place in ('/a', '/b'):
        mounts(c, 'remove', {'destination': place}, text=f'what was added at {place} is not on top there any more')
    assert len(at(c, '/b')) == 2
    assert inside(c, 'umount', '/b').rc == 0
    mounts(c, 'remove', {'destination': '/b'})
    assert not at(c, '/b')


def test_hostile_destinations(up, source):
    """Links of the image lead nowhere but into the container; the host sees nothing of it."""
    c = up()
    (c.rootfs / 'up').symlink_to('../../../../../../etc')
    (c.rootfs / 'absolute').symlink_to('/srv/deep')
    (c.rootfs / 'self').symlink_to('/proc/self/root')
    (c.rootfs / 'to-proc').symlink_to('/proc/sys/kernel')
    (c.rootfs / 'to-root').symlink_to('/')
    mounts(c, 'add', bind(source, '/up/new'), bind(source, '/absolute/x'), bind(source, '/../../dots'))
    assert [entry[0] for entry in table(c)][-3:] == ['/etc/new', '/srv/deep/x', '/dots']
    assert not os.path.exists('/etc/new') and not os.path.exists('/srv/deep')
    mounts(c, 'add', bind(source, '/self/x'), text='mount {} on /self/x: '.format(source))
    mounts(c, 'add', bind(source, '/to-proc'), text='the destination leads into a procfs, which may not be covered')
    mounts(c, 'add', bind(source, '/to-root'), text='the destination leads to the root filesystem itself')
    mounts(c, 'add', bind(source, '/'), text='a mount cannot cover the root filesystem itself')
    mounts(c, 'add', bind(source, '/proc/self/attr'), text='/proc/self/attr is inside /proc, which may not be covered')
    mounts(c, 'remove', {'destination': '/up/new'}, {'destination': '/absolute/x'}, {'destination': '/dots'})
    assert not at(c, '/etc/new') and not at(c, '/srv/deep/x') and not at(c, '/dots')


@pytest.mark.parametrize('user', [False, True], ids=['root', 'user-namespace'])
def test_races(up, container, source, user):
    """The container swaps a directory for links to elsewhere all the time: each call ends well or
    in an error, and nothing is ever mounted outside, over the procfs, or left in the list."""
    script = ('mkdir -p /d /safe; while :; do mv /d /safe/d; ln -s /proc /d; rm /d; ln -s ../../../../.. /d; rm /d; '
              'mv /safe/d /d; done')
    c = up(user, args=['sh', '-c', script])
    host = open('/proc/self/mountinfo', encoding='utf-8').read()
    enough, good = time.monotonic() + 6, 0
    deadline = time.monotonic() + PATIENCE
    path = c.bundle.path / 'race.json'
    path.write_text(json.dumps([bind(source, '/d/x')]))
    for count in range(10000):
        if c.runtime('mounts', 'add', c.id, path).rc == 0:
            good += 1
            c.runtime('mounts', 'remove', c.id, path)
        if time.monotonic() > deadline or (good and (count >= 60 or time.monotonic() > enough)):
            break
    assert open('/proc/self/mountinfo', encoding='utf-8').read() == host
    assert not [entry for entry in table(c) if entry[0].startswith('/proc/x')]
    assert good


def test_killed_while_it_adds(up, source):
    """Whenever the command is killed, what is mounted is in the list; deletion leaves nothing."""
    c = up()
    path = c.bundle.path / 'mounts.json'
    path.write_text(json.dumps([bind(source, f'/m{i}') for i in range(20)]))
    for step in range(25):
        process = subprocess.Popen([c.runtime.path, '--root', str(c.runtime.root), 'mounts', 'add', c.id, str(path)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(0.0005 * step)
        process.send_signal(signal.SIGKILL)
        process.wait()

        def settled():
            listed = c.runtime.root / c.id / 'mounts.json'
            known = len(json.loads(listed.read_text())['mounts']) if listed.exists() else 0
            mounted = len([entry for entry in table(c) if entry[0].startswith('/m') and entry[0][2:].isdigit()])
            return mounted <= known
        wait_until(settled, 'what is not listed is gone again')
    assert c.status == 'running'


def test_what_cannot_be_added(up, source):
    c = up()
    place = 'mounts.json:1:2: mounts[0]: '
    for wanted, text in [
        ({'destination': '/p', 'type': 'proc', 'source': 'proc'}, place + 'proc cannot be added to a container that is there'),
        ({'destination': '/c', 'type': 'cgroup', 'source': 'cgroup'}, place + 'cgroup cannot be added to a container that is there'),
        ({'destination': '/dev', 'options': ['remount', 'ro']}, place + 'a remount cannot be added to a container that is there'),
        ({'destination': '/x', 'type': 'tmpfs', 'source': 'x', 'options': ['mode=' + '0' * 300]}, 'longer than 255 bytes cannot be added'),
        ({'destination': '/x'}, place + 'a mount needs a type, or bind or rbind among its options'),
        (bind(source, '/x', 'size=1k'), 'mounts[0].options: a bind mount cannot have options of a filesystem: size'),
        ({'type': 'bind'}, 'destination'),
        ({'destination': 7}, 'mounts.json:1:18: mounts[0].destination: '),
    ]:
        mounts(c, 'add', wanted, text=text)


def test_a_bad_file(up, source):
    c = up()
    path = c.bundle.path / 'bad.json'
    for content, text in [
        ('{"mounts": []}', 'bad.json: that is not a JSON array of mounts'),
        ('', 'bad.json: that is not a JSON array of mounts'),
        ('[', 'bad.json: that is not a JSON array of mounts'),
        ('[{]', 'bad.json:1:3: '),
        ('[\n{"destination": 1}]', 'bad.json:2:17: mounts[0].destination: '),
    ]:
        path.write_text(content)
        c.runtime.fails('mounts', 'add', c.id, path, text=re.escape(text))
    c.runtime.fails('mounts', 'add', c.id, '/nonexistent', text='read /nonexistent: No such file or directory')
    c.runtime.fails('mounts', 'list', c.id, path, text='mounts: unknown command "list": neither add nor remove')
    path.write_text('[]')
    c.runtime.ok('mounts', 'add', c.id, path)
    c.runtime.ok('mounts', 'remove', c.id, path)
    done = c.runtime('mounts', 'add', c.id, '-', stdin=json.dumps([bind(source)]).encode())
    assert done.rc == 0, done
    assert inside(c, 'cat', '/mnt/here/file').rc == 0


def test_without_a_mount_namespace_of_its_own(container, source):
    c = container()
    c.config['linux']['namespaces'] = [one for one in c.config['linux']['namespaces'] if one['type'] != 'mount']
    c.config['mounts'] = []
    c.config['root']['readonly'] = False
    c.config['linux'].pop('maskedPaths', None)
    c.config['linux'].pop('readonlyPaths', None)
    c.up()
    mounts(c, 'add', bind(source), text='has no mount namespace of its own: the mounts would be the host\'s')
    mounts(c, 'remove', bind(source), text='has no mount namespace of its own: the mounts would be the host\'s')
