# SPDX-License-Identifier: Apache-2.0
"""knarr in a container of knarr's, alone and under an engine."""

import json

import pytest

import engines
import harness
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


@pytest.mark.parametrize('flags', [['--privileged'], ['--privileged', '--cgroupns=host'], ['--privileged', '--pid=host', '--network=host']])
def test_nested_in_a_privileged_container(nest, flags):
    assert nest(*flags) == (0, 'inner\n0\n', '')


@pytest.mark.knarr
def test_nested_without_privileges(nest):
    """One line that says what was refused; nothing is left inside."""
    done = nest('--security-opt', 'seccomp=unconfined', '--cap-add', 'sys_admin')
    assert done.rc == 1 and done.out == '', done
    assert done.err.count('\n') == 1 and 'make cgroup /sys/fs/cgroup/' in done.err and 'Read-only file system (EROFS)' in done.err, done


INNER = f'''
set -e
alias inner='podman --root /store/root --runroot /store/run --cgroup-manager cgroupfs'
inner import -q -c 'CMD ["/bin/sh"]' /image.tar {IMAGE} > /dev/null
inner info --format '{{{{.Host.OCIRuntime.Name}}}}'
inner run --rm {IMAGE} sh -c 'id -u; exit 7' || echo $?
inner run -d --name one {IMAGE} sleep 1000 > /dev/null
inner exec one echo exec
inner rm -f -t 0 one > /dev/null
ls /run/knarr
'''


@pytest.mark.knarr
def test_podman_in_podman(podman, program, image_tar, workdir):
    """An engine in a privileged container, whose root is this machine's below an overlay."""
    harness.mount('/', workdir, flags=harness.MS_BIND)
    mounts = [('-v', volume) for volume in (f'{program}:/usr/local/bin/knarr:ro', f'{image_tar}:/image.tar:ro', '/etc/containers:/etc/containers:O')]
    tmpfs = [('--mount', f'type=tmpfs,destination={place},notmpcopyup') for place in ('/store', '/run', '/tmp')]
    words = [word for pair in (*mounts, *tmpfs) for word in pair]
    done = podman('run', '--rm', '--privileged', *words, '--rootfs', f'{workdir}:O', 'sh', '-c', INNER)
    assert (done.rc, done.out) == (0, 'knarr\n0\n7\nexec\n'), done
