# SPDX-License-Identifier: Apache-2.0
"""podman of an ordinary user, in that user's systemd, with the file of contrib for one user: limits are the user's scope's."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from harness import PATIENCE, wait_until
from machine import CGROUPS, MIB, install, run, value
from test_systemd import AS_USER, USER, USER_TREE, exists, show

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests/engines'))

import engines  # noqa: E402

IMAGE = engines.IMAGE
HOME = Path('/home/user')
SLICE = CGROUPS / USER_TREE / 'user.slice'
PROPERTIES = ('MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec', 'Slice')
FILES = ('memory.max', 'pids.max', 'cpu.max')


class Rootless(engines.Podman):
    def words(self, *arguments):
        """As from the user's shell: what is in a service starts conmon there, where it ends with podman itself."""
        return [*AS_USER, 'env', '--unset=INVOCATION_ID', *super().words(*arguments)]

    def __call__(self, *arguments, **keywords):
        return engines.call(self.words(*arguments), timeout=2 * PATIENCE, **keywords)


@pytest.fixture(scope='module')
def store(program, base, busybox):
    """What the user does: one file, which names the program; then an image. The machine has no network."""
    install(program)
    settings = HOME / '.config/containers'
    (settings / 'containers.conf.d').mkdir(parents=True)
    shutil.copy2(TOP / 'contrib/engines/podman/50-knarr.conf', settings / 'containers.conf.d')
    (settings / 'containers.conf.d/90-test.conf').write_text('[containers]\nnetns = "none"\n')
    (settings / 'policy.json').write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    run('chown', '-R', f'{USER}:{USER}', str(HOME / '.config'))
    engines.make_image_tree(base / 'users-image', busybox)
    run('tar', '-C', str(base / 'users-image'), '--numeric-owner', '-cf', str(HOME / 'image.tar'), '.')
    shutil.rmtree(base / 'users-image')
    engine = Rootless('knarr')
    engine.ok('import', '-q', '-c', 'CMD ["/bin/sh"]', HOME / 'image.tar', IMAGE)
    os.unlink(HOME / 'image.tar')
    yield engine


@pytest.fixture
def rootless(store):
    """When the test is over no container is left, nor a scope or state of one."""
    yield store
    store.ok('rm', '-fa', '-t', '0')
    wait_until(lambda: not [path for path in SLICE.glob('libpod-*.scope') if 'conmon' not in path.name], 'no scope is left')
    state = Path(f'/proc/1/root/run/user/{USER}/knarr')
    assert not [path for path in state.iterdir() if len(path.name) == 64]


def limits(unit, folder):
    """What the user's systemd says, and the files of the scope and of the container's cgroup below it."""
    return {**show(unit, *PROPERTIES, user=True),
            **{f'{path.name}/{name}': value(path, name) for path in (folder, folder / 'container') for name in FILES}}


def test_limits_are_the_users_scopes(rootless):
    """Each call of podman takes seconds here."""
    unit = f'libpod-{rootless.up("--memory", "64m", "--pids-limit", "40", "--cpus", "0.5")}.scope'
    folder = SLICE / unit
    before = limits(unit, folder)
    assert before == {
        'MemoryMax': str(64 * MIB), 'TasksMax': '40', 'CPUQuotaPerSecUSec': '500ms', 'Slice': 'user.slice',
        **{f'{name}/{file}': text for name in (unit, 'container')
           for file, text in (('memory.max', str(64 * MIB)), ('pids.max', '40'), ('cpu.max', '50000 100000'))}}
    run(*AS_USER, 'systemctl', '--user', 'daemon-reload')
    assert limits(unit, folder) == before
    assert rootless.ok('exec', 'one', 'cat', '/proc/self/cgroup', '/sys/fs/cgroup/memory.max') == f'0::/\n{64 * MIB}\n'
    assert len(value(folder / 'container', 'cgroup.procs').split()) == 1
    rootless.ok('update', '--memory', '96m', 'one')
    after = limits(unit, folder)
    assert [after[name] for name in ('MemoryMax', f'{unit}/memory.max', 'container/memory.max', 'TasksMax')] == [str(96 * MIB)] * 3 + ['40']
    rootless.ok('rm', '-f', '-t', '0', 'one')
    wait_until(lambda: not exists(unit, user=True) and not folder.exists(), 'the unit is gone')


def test_limits_hold(rootless):
    rootless('run', '--name', 'one', '--memory', '24m', IMAGE, 'tail', '/dev/zero')
    assert rootless.inspect('one', '.OCIRuntime}} {{.State.ExitCode}} {{.State.OOMKilled') == 'knarr 137 true'
    done = rootless('run', '--rm', '--pids-limit', '3', IMAGE, 'sh', '-c', 'for i in 1 2 3 4; do sleep 1000 & done; echo all')
    assert done.rc != 0 and "can't fork" in done.err and 'all' not in done.out, done
