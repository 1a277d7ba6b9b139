# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the runtime, bundles, containers; after each test nothing may be left behind.

KNARR     the program under test (contrib/test sets it)
RUNTIME   another runtime instead, crun or runc, to check the tests themselves; what only knarr
          promises is then skipped
"""

import copy
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness

COUNTER = itertools.count(1)
TEST_SECONDS = 300


def pytest_configure(config):
    config.addinivalue_line('markers', 'knarr: promised by knarr alone, skipped for other runtimes')
    config.addinivalue_line('markers', 'alone: changes what others depend on, so nothing else runs at the same time')


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit('the integration tests make containers and need root', 2)
    harness.become_private()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol():
    with harness.no_longer_than(TEST_SECONDS):
        yield


@pytest.fixture(autouse=True)
def turn(request):
    """KNARR_TEST_TURNS is a directory, where several processes share the tests of one machine: those that have to be `alone`
    are. Whoever waits for that stands at the gate, which nobody else passes meanwhile."""
    folder = os.environ.get('KNARR_TEST_TURNS')
    if not folder:
        yield
        return
    how = fcntl.LOCK_EX if request.node.get_closest_marker('alone') else fcntl.LOCK_SH
    with open(f'{folder}/turn', 'wb') as lock:
        with open(f'{folder}/gate', 'wb') as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(lock, how)
        yield


@pytest.fixture(scope='session')
def program():
    name = os.environ.get('RUNTIME') or os.environ.get('KNARR')
    if not name:
        pytest.exit('KNARR does not say where the program is', 2)
    path = shutil.which(name)
    if path is None:
        pytest.exit(f'{name} is not a program', 2)
    return os.path.realpath(path) if os.sep in name else path


@pytest.fixture(scope='session')
def base():
    """Not below pytest's tmp_path: the root of a user namespace must be able to walk here."""
    path = Path(tempfile.mkdtemp(prefix=f'{harness.PREFIX}-', dir='/tmp'))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope='session')
def busybox():
    return harness.static_busybox()


@pytest.fixture(scope='session')
def applets(busybox):
    return subprocess.run([busybox, '--list'], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope='session')
def links(base, applets):
    """A directory with a symbolic link to busybox for each of its programs."""
    folder = base / 'links'
    folder.mkdir()
    for applet in applets:
        if applet != 'busybox':
            (folder / applet).symlink_to('busybox')
    return folder


@pytest.fixture(scope='session')
def make_rootfs(busybox, links):
    """A function that fills a directory with busybox and nothing else. Hundreds of links are made for each root, and one
    more name for a link that is there costs a tenth of a new one."""
    names = os.listdir(links)

    def make(path):
        for folder in ('bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'var'):
            (path / folder).mkdir(parents=True, exist_ok=True)
        (path / 'tmp').chmod(0o1777)
        shutil.copy2(busybox, path / 'bin/busybox')
        source, target = os.open(links, os.O_PATH | os.O_CLOEXEC), os.open(path / 'bin', os.O_PATH | os.O_CLOEXEC)
        for name in names:
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.close(source)
        os.close(target)
        (path / 'etc/passwd').write_text('root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home/worker:/bin/sh\n')
        (path / 'etc/group').write_text('root:x:0:\nworker:x:1000:\n')
        return path
    return make


@pytest.fixture(scope='session')
def default_config(program, base):
    """What `spec` writes, and a program instead of a terminal."""
    folder = base / 'spec'
    folder.mkdir()
    subprocess.run([program, 'spec', '--bundle', str(folder)], check=True, stdout=subprocess.DEVNULL)
    config = json.loads((folder / 'config.json').read_text())
    config['process']['terminal'] = False
    if os.environ.get('RUNTIME'):
        # The distribution's crun dies where root lacks CAP_SYS_RESOURCE: it raises RLIMIT_MEMLOCK for its eBPF.
        config['linux'].pop('resources', None)
        config['process'].pop('rlimits', None)
    return config


@pytest.fixture
def workdir(base, request):
    path = base / f'{next(COUNTER)}-{request.node.name[:40].replace("/", "_")}'
    path.mkdir(mode=0o711)
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def runtime(program, workdir, request):
    """The program with a state root of its own. Nothing may be left when the test is over."""
    caller = harness.Runtime(program, workdir / 'state')
    if request.node.get_closest_marker('knarr') and not caller.is_knarr:
        pytest.skip(f'promised by knarr alone, this is {caller.name}')
    invariants = harness.Invariants([caller.root])
    yield caller
    wrong = invariants.broken()
    assert not wrong, '\n'.join(wrong)


@pytest.fixture
def bundle(workdir, make_rootfs, default_config):
    """A function: bundle(args=[...], terminal=..., ...) with the process fields to change."""
    def make(args=None, **process):
        folder = workdir / f'bundle{next(COUNTER)}'
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
        make_rootfs(folder / 'rootfs')
        config = copy.deepcopy(default_config)
        config['process']['args'] = args or ['sleep', '1000']
        config['process'].update(process)
        return harness.Bundle(folder, config).save()
    return make


@pytest.fixture
def container(runtime, bundle):
    """A function: container(args=[...]) with a bundle and an id of its own, deleted at the end."""
    made = []

    def make(args=None, of=None, **process):
        name = f'{harness.PREFIX}-{next(COUNTER)}'
        one = harness.Container(runtime, of or bundle(args, **process), name)
        made.append(one)
        return one
    yield make
    for one in reversed(made):
        done = runtime('delete', '--force', one.id)
        assert done.rc == 0, done
        harness.reap()  # as an engine does; a zombie would keep the pid namespace it is in
