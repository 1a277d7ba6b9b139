# SPDX-License-Identifier: Apache-2.0
"""podman for an ordinary user with subordinate ids, who exists in this session's mount namespace alone."""

import os
import shutil
from pathlib import Path

import pytest

import engines
import harness
from engines import IMAGE, Podman, lacks

UID = 61234
SUBORDINATE = 1100000


class UsersPodman(Podman):
    """podman as the user calls it, with the file of contrib for one user."""

    def __init__(self, runtime, home):
        super().__init__(runtime)
        self.home = home

    def words(self, *arguments):
        environment = [f'HOME={self.home}', f'XDG_RUNTIME_DIR=/run/user/{UID}', f'PATH={os.environ["PATH"]}', 'USER=knarr-test', 'TMPDIR=/tmp']
        return ['setpriv', f'--reuid={UID}', f'--regid={UID}', '--clear-groups', 'env', '-i', *environment, *super().words(*arguments)]


@pytest.fixture(scope='module')
def user(containers_conf, base, image_tar):
    """An entry in passwd, group, subuid and subgid, each a copy over the machine's file; a home; a runtime directory."""
    if shutil.which('podman') is None:
        lacks('podman')
    if shutil.which('newuidmap') is None:
        lacks('newuidmap (uidmap)')
    home = base / 'home'
    home.mkdir()
    covered = []
    for name, line in (('passwd', f'knarr-test:x:{UID}:{UID}::{home}:/bin/sh'), ('group', f'knarr-test:x:{UID}:'),
                       ('subuid', f'knarr-test:{SUBORDINATE}:65536'), ('subgid', f'knarr-test:{SUBORDINATE}:65536')):
        copy = base / name
        copy.write_text(Path('/etc', name).read_text().rstrip('\n') + f'\n{line}\n')
        harness.mount(copy, f'/etc/{name}', flags=harness.MS_BIND)
        covered.append(f'/etc/{name}')
    settings = home / '.config/containers/containers.conf.d'
    settings.mkdir(parents=True)
    shutil.copy2(engines.CONTRIB / 'podman/50-knarr.conf', settings)
    runtime_directory = Path('/run/user', str(UID))
    runtime_directory.mkdir(parents=True)
    for path in (home, *home.rglob('*'), runtime_directory):
        os.chown(path, UID, UID)
    runtime_directory.chmod(0o700)
    podman = UsersPodman('knarr', home)
    # The file for all users is away: the user's own must do.
    hidden = containers_conf / 'containers.conf.d/50-knarr.conf'
    text = hidden.read_text()
    hidden.unlink()
    storage = containers_conf / 'storage.conf'
    kept = storage.read_text()
    storage.unlink()
    done = podman('import', '-q', '-c', 'CMD ["/bin/sh"]', image_tar, IMAGE)
    if done.rc != 0 and ('newuidmap' in done.err or 'user namespace' in done.err):
        lacks(f'user namespaces for ordinary users: {done.err.strip()}')
    assert done.rc == 0, done
    yield podman
    podman('system', 'migrate')  # ends the process that keeps the user's namespace
    # A newer podman mounts its storage on itself before it runs anything there.
    podman.ok('unshare', 'sh', '-c', f'umount {home}/.local/share/containers/storage/overlay 2>/dev/null; rm -rf {home}/.local')
    hidden.write_text(text)
    storage.write_text(kept)
    for path in covered:
        harness.umount(path)


@pytest.fixture
def rootless(user, request):
    yield UsersPodman(request.param, user.home)
    user.ok('rm', '-fa', '-t', '0')
    assert engines.state_roots(f'/run/user/{UID}') == {}


@pytest.mark.knarr
def test_the_users_file_makes_knarr_the_runtime(rootless):
    assert rootless.ok('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.Security.Rootless}}').split() == ['knarr', 'true']


def test_run(rootless):
    out = rootless.run(IMAGE, 'sh', '-c', 'id -u; cat /proc/self/uid_map; echo x > /dev/null; ls /dev')
    assert out.split()[:7] == ['0', '0', str(UID), '1', '1', str(SUBORDINATE), '65536'] and 'urandom' in out.split()
    assert rootless('run', '--rm', IMAGE, 'sh', '-c', 'exit 7').rc == 7
    rootless.fails('run', '--rm', IMAGE, '/no/such', rc=127, text='/no/such')
    # crun does not name it.
    named = '/etc/passwd.*' if rootless.runtime == 'knarr' else ''
    rootless.fails('run', '--rm', IMAGE, '/etc/passwd', rc=126, text=f'{named}[Pp]ermission denied')


@pytest.mark.parametrize('mode, ids', [('keep-id', ['61234', '61234']), ('nomap', ['0', '0']), ('auto', ['0', '0'])])
def test_user_namespaces(rootless, mode, ids):
    assert rootless.run(f'--userns={mode}', IMAGE, 'sh', '-c', 'id -u; id -g').split() == ids


def test_around(rootless):
    rootless.up('--hostname', 'ship')
    assert rootless.ok('exec', 'one', 'hostname') == 'ship\n'
    assert rootless.ok('exec', '-u', 'worker', 'one', 'id', '-u') == '1000\n'
    with rootless.terminal('exec', '-it', 'one', 'sh') as terminal:
        terminal.type('tty; exit 3\n')
        terminal.expect('/dev/(pts/|console)')
        assert terminal.end() == 3
    assert 'sleep' in rootless.ok('top', 'one', 'comm')
    rootless.ok('kill', '-s', 'KILL', 'one')
    rootless.ok('wait', 'one')
    assert rootless.inspect('one', '.State.ExitCode') == '137'


def test_mounts(rootless, workdir):
    (workdir / 'file').write_text('content')
    (workdir / 'file').chmod(0o644)
    out = rootless.run('--read-only', '--tmpfs', '/scratch', '-v', f'{workdir}:/data:ro', '-v', 'named:/named', '--device', '/dev/zero:/dev/nothing', IMAGE,
                       'sh', '-c', 'cat /data/file; touch /scratch/x /named/x && head -c 1 /dev/nothing | wc -c; touch /x 2>/dev/null || echo read-only')
    assert out == 'content1\nread-only\n'
    assert rootless.run('--privileged', IMAGE, 'sh', '-c', 'mount -t tmpfs t /tmp && grep -c " /tmp " /proc/mounts') == '1\n'
    assert rootless.run('--network=host', '--pid=host', IMAGE, 'readlink', '/proc/self/ns/net').strip() == harness.namespace_of('self', 'net')


def test_keeping_the_callers_groups(rootless):
    assert rootless.run('--group-add', 'keep-groups', IMAGE, 'id', '-u') == '0\n'


def test_build(rootless, workdir):
    (workdir / 'Containerfile').write_text(f'FROM {IMAGE}\nRUN id -u > /who\n')
    rootless.ok('build', '--network=none', '--isolation=oci', '-q', '-t', 'localhost/made', workdir)
    assert rootless.run('localhost/made', 'cat', '/who') == '0\n'
    rootless.ok('rmi', 'localhost/made')
