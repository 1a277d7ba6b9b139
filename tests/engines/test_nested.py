# SPDX-License-Identifier: Apache-2.0
"""knarr in a container of knarr's."""

import json

import pytest

import engines
from engines import IMAGE


@pytest.fixture
def nest(podman, base, image_tar, program):
    """A function: what knarr says that runs a container in a container of the flags."""
    inner = base / 'inner'
    if not inner.exists():
        (inner / 'rootfs').mkdir(parents=True)
        engines.call(['tar', '-C', inner / 'rootfs', '-xf', image_tar])
        assert engines.call([program, 'spec', '--bundle', inner]).rc == 0
        config = json.loads((inner / 'config.json').read_text())
        config['process'].update(terminal=False, args=['sh', '-c', 'echo inner; id -u; echo x > /dev/null; grep -c "^nodev" /proc/filesystems > /dev/null'])
        config['process'].pop('rlimits', None)
        (inner / 'config.json').write_text(json.dumps(config))

    def make(*flags):
        return podman('run', '--rm', *flags, '-v', f'{program}:/knarr:ro', '-v', f'{inner}:/inner', IMAGE,
                      'sh', '-c', 'cd /inner && /knarr --root /tmp/state run one; rc=$?; ls /tmp/state; exit $rc')
    return make


@pytest.mark.knarr
@pytest.mark.parametrize('flags', [['--privileged'], ['--privileged', '--cgroupns=host'], ['--privileged', '--pid=host', '--network=host']])
def test_nested_in_a_privileged_container(nest, flags):
    assert nest(*flags) == (0, 'inner\n0\n', '')


@pytest.mark.knarr
def test_nested_without_privileges(nest):
    """One line that says what was refused; nothing is left inside."""
    done = nest('--security-opt', 'seccomp=unconfined', '--cap-add', 'sys_admin')
    assert done.rc == 1 and done.out == '', done
    assert done.err.count('\n') == 1 and 'make cgroup /sys/fs/cgroup/' in done.err and 'Read-only file system (EROFS)' in done.err, done
