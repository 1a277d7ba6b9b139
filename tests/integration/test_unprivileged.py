# SPDX-License-Identifier: Apache-2.0
"""Called by an ordinary user: newuidmap(1), the user namespace and the maps that knarr chooses, and configurations of others."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import MS_BIND, Runtime, lacks, mount, namespace_of, status_of, umount, view

pytestmark = pytest.mark.knarr

UID = 61236
SUBORDINATE = 1300000
CONFIGS = Path(__file__).resolve().parents[1] / 'data/configs'
OWN = f'0 {UID} 1'
ALL = f'{OWN} 1 {SUBORDINATE} 65536'
MAPS = ['sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g']


class UsersRuntime(Runtime):
    """The program as the user calls it, with an environment of his own."""

    def command(self, *arguments, options=()):
        return ['setpriv', f'--reuid={UID}', f'--regid={UID}', '--clear-groups', 'env', '-i', f'PATH={os.environ["PATH"]}',
                *super().command(*arguments, options=options)]


@pytest.fixture(scope='module')
def account(base):
    """A user who exists in this mount namespace alone, without ids of his own."""
    if subprocess.run(['setpriv', f'--reuid={UID}', f'--regid={UID}', '--clear-groups', 'unshare', '-U', 'true'], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        lacks('user namespaces for ordinary users')
    folder = base / 'account'
    folder.mkdir(mode=0o755)
    covered = []
    for name, line in (('passwd', f'knarr-test:x:{UID}:{UID}::/:/bin/sh\n'), ('group', f'knarr-test:x:{UID}:\n'), ('subuid', ''), ('subgid', '')):
        path = Path('/etc', name)
        if not path.exists() and not line:
            continue
        (folder / name).write_text((path.read_text() if line else '') + line)
        mount(folder / name, path, flags=MS_BIND)
        covered.append(path)
    yield folder
    for path in covered:
        umount(path)


@pytest.fixture
def subordinate(account):
    """He has a range of ids, by his name and by his number."""
    if shutil.which('newuidmap') is None:
        lacks('newuidmap (uidmap)')
    if not ((account / 'subuid').exists() and (account / 'subgid').exists()):
        lacks('/etc/subuid')
    (account / 'subuid').write_text(f'other:1:5\nknarr-test:{SUBORDINATE}:65536\n')
    (account / 'subgid').write_text(f'{UID}:{SUBORDINATE}:65536\n')
    yield
    (account / 'subuid').write_text('')
    (account / 'subgid').write_text('')


class AsRoot(Runtime):
    """The same program, and another state root."""

    def __init__(self, users):
        super().__init__(users.path, users.root.parent / 'of-root')


@pytest.fixture
def runtime(runtime, account, base, workdir):
    """The user's: his state root, and the program where he can execute it."""
    copy = base / 'knarr-for-all'
    if not copy.exists():
        shutil.copy(runtime.path, copy)
        copy.chmod(0o755)
    users = UsersRuntime(copy, workdir / 'state')
    users.root.mkdir(mode=0o700)
    os.chown(users.root, UID, UID)
    return users


@pytest.fixture
def users(container):
    """A function like container(): the bundle is the user's."""
    def make(args=MAPS, rootless=False, **process):
        c = container(args, **process)
        for folder, folders, files in os.walk(c.bundle.path):
            for name in ['.', *folders, *files]:
                os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)
        if rootless:
            (c.bundle.path / 'config.json').unlink()
            c.runtime.ok('spec', '--rootless', '--bundle', c.bundle.path)
            config = json.loads((c.bundle.path / 'config.json').read_text())
            config['process'].update(terminal=False, args=args, **process)
            c.config.clear()
            c.config.update(config)
        return c
    return make


@pytest.mark.parametrize('mask', [0o777, 0o277, 0o077], ids=oct)
def test_whatever_the_umask(users, mask):
    """It may forbid a user his own files: those of knarr he needs all the same. The program has 0022 of its own."""
    c = users(['sleep', '1000'], rootless=True)
    c.bundle.save()
    os.chown(c.bundle.path / 'config.json', UID, UID)
    pid_file = c.bundle.path / 'pid'

    def masked(verb, *rest):
        return c.runtime(verb, *rest, c.id, preexec=lambda: os.umask(mask))

    for words in (['create', '--bundle', c.bundle.path, '--pid-file', pid_file], ['state'], ['start'], ['list']):
        done = masked(*words) if words != ['list'] else c.runtime('list', preexec=lambda: os.umask(mask))
        assert (done.rc, done.err) == (0, ''), (words, done)
    assert c.status == 'running' and int(pid_file.read_text()) == c.pid
    assert pid_file.stat().st_mode & 0o777 == 0o644 & ~(mask & 0o077)
    assert c.runtime('exec', c.id, 'sh', '-c', 'umask', preexec=lambda: os.umask(mask)).out == '0022\n'
    assert masked('delete', '--force').rc == 0


def words(text):
    return ' '.join(text.split())


def namespaces(c):
    return [entry['type'] for entry in c.config['linux']['namespaces']]


# ---- maps that are configured ---------------------------------------------------------------------


def test_one_id_needs_no_program(users):
    assert words(users(rootless=True).output()) == f'{OWN} {OWN} 0 0'


def test_more_are_mapped_by_newuidmap(users, subordinate):
    c = users(rootless=True)
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': UID, 'size': 1}, {'containerID': 1, 'hostID': SUBORDINATE + 5, 'size': 10}]
    assert words(c.output()) == f'{OWN} 1 {SUBORDINATE + 5} 10 ' * 2 + '0 0'


def test_what_is_not_granted_is_not_mapped(users, subordinate):
    c = users(rootless=True)
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': UID, 'size': 1}, {'containerID': 1, 'hostID': 0, 'size': 1}]
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text=r'config\.json:\d+:\d+: linux\.uidMappings: .*newuidmap.*see /etc/subuid')


def test_groups_of_whom_may_have_none(users):
    """The kernel denies setgroups(2) to a namespace of one id: an error when there are some to set."""
    c = users(rootless=True, user={'uid': 0, 'gid': 0, 'additionalGids': [0]})
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text=r'config\.json:\d+:\d+: process\.user\.additionalGids: .*setgroups')


# ---- maps and a namespace that are not ------------------------------------------------------------


@pytest.fixture
def no_newuidmap(subordinate):
    path = os.path.realpath(shutil.which('newuidmap'))
    mount('/dev/null', path, flags=MS_BIND)
    yield
    umount(path)


def test_without_newuidmap(users, no_newuidmap):
    """A warning, once the container has come to be; of one that has not, the error is the only line."""
    c = users(['id', '-u'])
    # Its group is none of his.
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'devpts']
    done = c.run()
    assert (done.rc, done.out) == (0, '0\n'), done
    assert done.err == 'knarr: warning: newuidmap or newgidmap is not there: the container has one user and one group only\n'
    c.config['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '/does/not/exist', 'options': ['bind']})
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='does/not/exist')


def test_configuration_for_root_runs(users, subordinate):
    """What `spec` writes, with all that it mounts: devpts with its group, sysfs, a cgroup."""
    c = users()
    assert 'user' not in namespaces(c)
    assert words(c.output()) == f'{ALL} {ALL} 0 0'


def test_configuration_for_root_without_subordinate_ids(users):
    c = users()
    for entry in c.config['mounts']:
        entry['options'] = [option for option in entry.get('options', []) if option != 'gid=5']
    assert words(c.output()) == f'{OWN} {OWN} 0 0'


def test_namespace_without_maps(users, subordinate):
    c = users(rootless=True)
    assert 'user' in namespaces(c)
    del c.config['linux']['uidMappings'], c.config['linux']['gidMappings']
    done = c.run()
    assert done.rc == 0 and words(done.out) == f'{ALL} {ALL} 0 0'
    assert re.fullmatch(r'knarr: warning: config\.json:\d+:\d+: linux\.namespaces\[\d\]: a new user namespace without .*: process\.user will be the caller himself\n',
                        done.err), done.err


def test_the_programs_user_is_the_caller(users, subordinate):
    c = users(['sleep', '1000'], user={'uid': 1000, 'gid': 33, 'additionalGids': [5]}).up()
    status = status_of(c.pid)
    assert status['Uid'].split() == [str(UID)] * 4
    assert status['Gid'].split() == [str(UID)] * 4
    assert status['Groups'].split() == [str(SUBORDINATE + 5)]
    with open(f'/proc/{c.pid}/uid_map', encoding='ascii') as uid_map:
        assert words(uid_map.read()) == f'0 {SUBORDINATE} 1000 1000 {UID} 1 1001 {SUBORDINATE + 1000} 64536'


def test_files_are_the_callers(users, subordinate):
    c = users(['sh', '-c', 'echo mine >/tmp/mine; touch /tmp/theirs; chown 7:8 /tmp/theirs'])
    c.config['root']['readonly'] = False
    for kind in ('bounding', 'effective', 'permitted'):
        c.config['process']['capabilities'][kind] = ['CAP_CHOWN']
    c.output()
    mine, theirs = (os.lstat(c.rootfs / 'tmp' / name) for name in ('mine', 'theirs'))
    assert (mine.st_uid, mine.st_gid) == (UID, UID)
    assert (theirs.st_uid, theirs.st_gid) == (SUBORDINATE + 6, SUBORDINATE + 7)


def test_life(users, subordinate):
    """Later commands find what was chosen, in the saved configuration too."""
    c = users(['sleep', '1000']).create()
    assert c.status == 'created'
    c.start()
    assert namespace_of(c.pid, 'user') != namespace_of('self', 'user')
    assert words(c.runtime.ok('exec', c.id, *MAPS).out) == f'{ALL} {ALL} 0 0'
    saved = json.loads((c.runtime.root / c.id / 'config.json').read_text())
    assert {'type': 'user'} in saved['linux']['namespaces'] and len(saved['linux']['uidMappings']) == 2
    assert [entry['id'] for entry in json.loads(c.runtime.ok('list', '--format', 'json').out)] == [c.id]
    c.kill('KILL')
    c.wait_stopped()
    c.delete()
    assert os.listdir(c.runtime.root) == []


@pytest.fixture
def read_only(workdir):
    """A directory of the host's, mounted read-only there."""
    path = workdir / 'read-only'
    path.mkdir()
    mount('tmpfs', path, 'tmpfs', data=f'mode=755,uid={UID}')
    (path / 'file').write_text('of the host\n')
    subprocess.run(['mount', '-o', 'remount,bind,ro', path], check=True)
    yield path
    umount(path)


def test_mounts_are_added(users, read_only, workdir):
    """Also binds, of what he can reach. What the host does not let him write to nobody in there can."""
    c = users(['sleep', '1000'], rootless=True)
    c.config['root']['readonly'] = False
    c.up()
    (workdir / 'closed').mkdir(mode=0o700)
    (workdir / 'closed/inner').mkdir()
    add = lambda *mounts: json.dumps(mounts).encode()
    wanted = add({'destination': '/mnt/here', 'type': 'bind', 'source': str(read_only), 'options': ['rbind']},
                 {'destination': '/mnt/memory', 'type': 'tmpfs', 'source': 'tmpfs'})
    c.runtime.ok('mounts', 'add', c.id, '-', stdin=wanted)
    assert c.runtime.ok('exec', c.id, 'cat', '/mnt/here/file').out == 'of the host\n'
    done = c.runtime('exec', '--cap', 'CAP_SYS_ADMIN', c.id, 'sh', '-c', 'mount -o remount,bind,rw /mnt/here; touch /mnt/here/x; touch /mnt/memory/x')
    assert done.rc == 0 and 'permission denied' in done.err and done.err.endswith('\ntouch: /mnt/here/x: Read-only file system\n'), done
    c.runtime.fails('mounts', 'add', c.id, '-', text=re.escape(f'mounts[0]: mount {workdir}/closed/inner on /x: ') + '.*EACCES',
                    stdin=add({'destination': '/x', 'type': 'bind', 'source': f'{workdir}/closed/inner', 'options': ['bind']}))
    c.runtime.ok('mounts', 'remove', c.id, '-', stdin=wanted)
    assert c.runtime.ok('exec', c.id, 'ls', '/mnt/here').out == ''


@pytest.mark.parametrize('own', [True, False])
def test_cgroups_are_not_written_to(users, subordinate, own):
    """Of the host's, where there is no cgroup for him: with and without a cgroup namespace, whatever the options say."""
    c = users(['sh', '-c', 'grep -E " /sys/fs/cgroup.* - cgroup2? " /proc/self/mountinfo'])
    entry = next(entry for entry in c.config['mounts'] if entry['type'] == 'cgroup')
    if view() == 'v2':
        entry['options'] = [option for option in entry['options'] if option != 'ro']
    if not own:
        c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'cgroup']
    lines = c.output().splitlines()
    assert lines
    if not own or view() != 'v2':
        assert {line.split()[5].split(',')[0] for line in lines} == {'ro'}, lines


def test_user_that_cannot_be_mapped(users):
    c = users(user={'uid': 1000, 'gid': 0})
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text=r'config\.json:\d+:\d+: process\.user\.uid: 1000 cannot be mapped along with 0, .*: /etc/subuid gives knarr-test no ids')


@pytest.mark.parametrize('name', ['runc-spec-rootless', 'crun-spec-rootless', 'runc-spec', 'crun-spec'])
def test_configuration_of_another_runtime(users, subordinate, name):
    """Nothing is changed but the program."""
    c = users()
    config = json.loads((CONFIGS / f'{name}.json').read_text())
    config['process'].update(terminal=False, args=['sh', '-c', 'id -u; cat /proc/self/uid_map'])
    # Written by root, who maps himself.
    for kind in ('uidMappings', 'gidMappings'):
        for entry in config['linux'].get(kind, []):
            entry['hostID'] = UID
    c.config.clear()
    c.config.update(config)
    out = words(c.output())
    assert out == (f'0 {OWN}' if name == 'runc-spec-rootless' else f'0 {ALL}')


# ---- root -----------------------------------------------------------------------------------------


def test_namespace_without_maps_of_root(container):
    """As crun has it: one id, and those that root has been given, where he has."""
    c = container(['sh', '-c', 'head -n 1 /proc/self/uid_map; id -u'])
    c.config['linux']['namespaces'].append({'type': 'user'})
    for entry in c.config['mounts']:
        entry['options'] = [option for option in entry.get('options', []) if option != 'gid=5']
    c.bundle.save()
    done = AsRoot(c.runtime)('run', '--bundle', c.bundle.path, c.id)
    assert done.rc == 0 and words(done.out) == '0 0 1 0', done
    assert 'process.user will be the caller himself' in done.err
