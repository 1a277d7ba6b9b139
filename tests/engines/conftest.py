# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the machine as a user has it after copying the files of contrib/engines, and the engines on it.

KNARR            the program under test
KNARR_PEERS      other runtimes that each test of podman, root's and a user's, is repeated with, so that a difference is seen; those of
                 containerd and docker are repeated with runc where it is installed, which they know without a file
"""

import itertools
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import engines
import harness

COUNTER = itertools.count(1)
TEST_SECONDS = 120
# What another runtime, or this machine with it, is known not to do: {(runtime, view or None): {test: why}}. Such a test is run
# all the same, and its failure is not one of ours.
PEERS_DIFFER = {
    ('runc', None): {
        'test_idmapped_volume': 'runc 1.1 ignores the option idmap',
        'test_isolation': 'docker 20 and runc 1.1 ask for capabilities that this machine may lack',
    },
    ('crun', 'v1'): {
        'test_the_usual_mounts': 'the directory of the hierarchies can be written to',
    },
    ('crun', None): {
        'test_exec_is_as_the_container': 'what is executed has the OOM score of its caller',
        'test_generate_kube': 'without PATH in the configuration it finds no program',
        'test_play_kube': 'without PATH in the configuration it finds no program',
        'test_volume_propagation_apart': 'crun 1.8 does to what is on the volume as to the volume, and leaves unbindable ones private',
    },
}


def pytest_configure(config):
    config.addinivalue_line('markers', 'knarr: not repeated with other runtimes')


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit('the engines are tested as root', 2)
    if session.config.option.collectonly:
        return
    engines.stand_before()


def peers():
    """crun on v1 and runc on v2: one that the view is not new to, and each once."""
    named = os.environ.get('KNARR_PEERS')
    if named is not None:
        return named.split()
    return [name for name in (['crun'] if harness.view() == 'v1' else ['runc']) if shutil.which(name)]


def runc():
    """What containerd and docker know without a file of ours."""
    return [name for name in ['runc'] if shutil.which(name)]


def pytest_generate_tests(metafunc):
    alone = metafunc.definition.get_closest_marker('knarr')
    for engine, others in (('podman', peers), ('rootless', peers), ('docker', runc), ('ctr', runc), ('pods', runc)):
        if engine in metafunc.fixturenames:
            metafunc.parametrize(engine, ['knarr'] if alone else ['knarr', *others()], indirect=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol():
    with harness.no_longer_than(TEST_SECONDS):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    parameters = item.callspec.params if hasattr(item, 'callspec') else {}
    runtime = next((parameters[engine] for engine in ('podman', 'rootless', 'docker', 'ctr', 'pods') if engine in parameters), None)
    known = {**PEERS_DIFFER.get((runtime, None), {}), **PEERS_DIFFER.get((runtime, harness.view()), {})}
    why = known.get(item.originalname)
    if runtime and runtime != 'knarr' and report.failed and why:
        report.outcome = 'passed'
        report.user_properties.append(('differs', f'{runtime}: {why}'))


@pytest.fixture(scope='session')
def program():
    path = os.environ.get('KNARR')
    if not path or not os.path.exists(path):
        pytest.exit('KNARR does not say where the program is', 2)
    return os.path.realpath(path)


@pytest.fixture(scope='session')
def base():
    path = Path(tempfile.mkdtemp(prefix=f'{harness.PREFIX}-', dir='/tmp'))
    path.chmod(0o711)
    yield path
    for entry in reversed(harness.mounts_of()):
        if entry.target.startswith(f'{path}/'):
            harness.umount(entry.target)
    shutil.rmtree(path)


@pytest.fixture(scope='session')
def busybox():
    return harness.static_busybox()


@pytest.fixture(scope='session')
def image_tar(base, busybox):
    """The root filesystem of every image here."""
    tree = base / 'image'
    engines.make_image_tree(tree, busybox)
    path = base / 'image.tar'
    subprocess.run(['tar', '-C', str(tree), '--numeric-owner', '-cf', str(path), '.'], check=True)
    return path


@pytest.fixture(scope='session')
def machine(base, program):
    """knarr in /usr/local/bin; /run and the engines' configuration are empty but for ours."""
    local = base / 'local'
    local.mkdir()
    shutil.copy2(program, local / 'knarr')
    harness.mount('overlay', '/usr/local/bin', 'overlay', data=f'lowerdir={local}:/usr/local/bin')
    for folder in ('/run', '/etc/containers'):
        if os.path.isdir(folder):
            harness.mount('tmpfs', folder, 'tmpfs', data='mode=755')
    return base


def smallest_limits():
    """This machine's root may lack CAP_SYS_RESOURCE: then an engine's usual limits cannot be raised to."""
    words = []
    for name, number in (('nofile', resource.RLIMIT_NOFILE), ('nproc', resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        hard = 1048576 if hard == resource.RLIM_INFINITY else min(hard, 1048576)
        if name == 'nproc':
            hard = min(hard, int(Path('/proc/sys/kernel/pid_max').read_text()))
        words.append(f'"{name}={hard}:{hard}"')
    return ', '.join(words)


@pytest.fixture(scope='session')
def containers_conf(machine, base):
    """/etc/containers as after copying contrib/engines/podman/50-knarr.conf; what else is there is the machine's, and the test's
    own choice of places."""
    folder = Path('/etc/containers')
    if not folder.is_dir():
        engines.lacks('podman')
    drop_ins = folder / 'containers.conf.d'
    drop_ins.mkdir()
    shutil.copy2(engines.CONTRIB / 'podman/50-knarr.conf', drop_ins)
    controllers = ''
    if harness.view() == 'v2':
        words = Path(harness.cgroup_hierarchies()[''], 'cgroup.controllers').read_text().split()
        controllers = '' if 'pids' in words else 'pids_limit = 0\n'
    drop_ins.joinpath('90-test.conf').write_text(
        f'[containers]\ndefault_ulimits = [{smallest_limits()}]\nnetns = "none"\n{controllers}'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    (folder / 'policy.json').write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (folder / 'registries.conf').write_text('unqualified-search-registries = []\n')
    (folder / 'storage.conf').write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{base}/storage"\nrunroot = "/run/containers/storage"\n')
    return folder


@pytest.fixture(scope='session')
def podman_store(containers_conf, image_tar):
    """The image is there, and what podman makes at its first use has been made."""
    if shutil.which('podman') is None:
        engines.lacks('podman')
    if shutil.which('conmon') is None:
        engines.lacks('conmon')
    knarr = engines.Podman('knarr')
    knarr.ok('import', '-q', '-c', 'CMD ["/bin/sh"]', image_tar, engines.IMAGE)
    knarr.run(engines.IMAGE, 'true')
    knarr.ok('pod', 'create', '--name', 'first')  # builds the image of the infrastructure container
    knarr.ok('pod', 'rm', '-f', 'first')
    return Snapshot()


class Snapshot:
    """What must be as before when a test is over."""

    def __init__(self):
        self.mounts = self.all_mounts()
        self.cgroups = self.all_cgroups()
        self.processes = engines.below_parent()

    @staticmethod
    def all_mounts():
        """But for the one that podman makes of its own storage, each time that it does not find it."""
        return {(entry.target, entry.fstype) for entry in harness.mounts_of() if not entry.target.endswith('/storage/overlay')}

    @staticmethod
    def all_cgroups():
        found = set()
        for top in set(harness.cgroup_hierarchies().values()):
            for parent in ('libpod_parent', 'machine.slice'):
                for folder, names, _ in os.walk(Path(top, parent)):
                    found |= {os.path.join(folder, name) for name in names}
            found |= {os.path.join(top, name) for name in os.listdir(top) if name.startswith(('buildah', 'knarr'))}
        # conmon's own is kept by podman, and on v1 it forgets a pod's in the hierarchy that it does not know.
        return {name for name in found if os.path.isdir(name) and 'conmon' not in os.path.basename(name)
                and not ('/systemd/libpod_parent/' in name and os.path.basename(os.path.dirname(name)) == 'libpod_parent'
                         and not os.path.basename(name).startswith('libpod-'))}

    def broken(self):
        wrong = []
        try:
            harness.wait_until(lambda: not engines.below_parent().keys() - self.processes.keys(), 'no process left', 5.0)
        except AssertionError:
            left = {pid: words for pid, words in engines.below_parent().items() if pid not in self.processes}
            wrong.append(f'processes are left: {left}')
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        left = self.all_cgroups() - self.cgroups
        if left:
            wrong.append(f'cgroups are left: {sorted(left)}')
            harness.remove_cgroups(left)
        left = self.all_mounts() - self.mounts
        if left:
            wrong.append(f'mounts are left: {sorted(left)}')
            for target, _ in sorted(left, reverse=True):
                harness.umount(target)
        roots = engines.state_roots()
        if roots:
            wrong.append(f'state is left: {roots}')
            for folder, names in roots.items():
                for name in names:
                    shutil.rmtree(os.path.join(folder, name))
        return wrong


@pytest.fixture
def podman(podman_store, request):
    """podman on one runtime. Whatever the test made is removed, and then nothing may be left."""
    engine = engines.Podman(request.param)
    yield engine
    for words in (('pod', 'rm', '-fa', '-t', '0'), ('rm', '-fa', '-t', '0'), ('volume', 'prune', '-f'), ('secret', 'ls', '-q')):
        done = engine(*words)
        if done.rc != 0 and 'device or resource busy' in done.err:  # a cleanup of conmon's is at work on the same container
            time.sleep(1)
            done = engine(*words)
        assert done.rc == 0, f'{words}: {done}'
    for secret in done.out.split():
        engine.ok('secret', 'rm', secret)
    wrong = podman_store.broken()
    assert not wrong, '\n'.join(wrong)


@pytest.fixture
def workdir(base, request):
    path = base / f'{next(COUNTER)}-{request.node.originalname}'
    path.mkdir(mode=0o755)
    yield path
    for entry in reversed(harness.mounts_of()):
        if entry.target.startswith(f'{path}/') or entry.target == str(path):
            harness.umount(entry.target)
    shutil.rmtree(path)
