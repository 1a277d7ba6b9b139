# SPDX-License-Identifier: Apache-2.0
"""annotations that mean something to runc or crun: what becomes of each."""

import json
import os
import signal
import socket

import pytest
from harness import status_of
from test_hooks import KINDS, diary, hook, with_hooks  # noqa: F401 (a fixture)

pytestmark = pytest.mark.knarr


def annotated(c, **annotations):
    c.config['annotations'] = {key.replace('__', '.'): str(value) for key, value in annotations.items()}
    return c


def test_output_of_hooks(container, diary, workdir):  # noqa: F811
    """All six kinds, those in the container too, whose root does not have these files."""
    c = with_hooks(container(), diary, **{kind: [hook(f'echo out of {kind}; echo err of {kind} >&2')] for kind in KINDS})
    out, err = workdir / 'hooks.out', workdir / 'hooks.err'
    out.write_text('before\n')
    annotated(c, run__oci__hooks__stdout=out, run__oci__hooks__stderr=err)
    c.up()
    # Behind the start nothing holds them.
    held = {os.readlink(f'/proc/{c.pid}/fd/{number}') for number in os.listdir(f'/proc/{c.pid}/fd')}
    assert not held & {str(out), str(err)}
    c.delete('--force')
    assert out.read_text() == 'before\n' + ''.join(f'out of {kind}\n' for kind in KINDS)
    assert err.read_text() == ''.join(f'err of {kind}\n' for kind in KINDS)
    assert err.stat().st_mode & 0o777 == 0o600


def test_output_of_hooks_in_a_user_namespace(container, diary, workdir):  # noqa: F811
    c = with_hooks(container(), diary, createContainer=[hook('echo one')], startContainer=[hook('echo two')])
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    annotated(c, run__oci__hooks__stdout=workdir / 'out').up()
    assert (workdir / 'out').read_text() == 'one\ntwo\n'


def test_only_one_stream(container, diary, workdir):  # noqa: F811
    """The other one is still part of the error."""
    c = with_hooks(container(), diary, prestart=[hook('echo told; echo why >&2; exit 3')])
    annotated(c, run__oci__hooks__stdout=workdir / 'out')
    done = c.run()
    assert done.rc == 1 and done.err.endswith('exited with status 3: why\n'), done
    assert (workdir / 'out').read_text() == 'told\n'


def test_output_that_cannot_be_opened(container, diary, workdir):  # noqa: F811
    os.mkfifo(workdir / 'fifo')  # nobody reads it
    for path, why in ((workdir / 'no' / 'file', 'No such file'), (workdir / 'fifo', 'ENXIO'), (workdir, 'Is a directory')):
        for kind in ('prestart', 'createContainer'):
            c = with_hooks(container(), diary, **{kind: [hook('true')]})
            annotated(c, run__oci__hooks__stderr=path)
            done = c.run()
            assert done.rc == 1 and done.err.count('\n') == 1, done
            assert f'annotations["run.oci.hooks.stderr"]: open {path} for the output of hooks: ' in done.err and why in done.err


def test_poststop_runs_without_its_file(container, diary, workdir):  # noqa: F811
    c = with_hooks(container(), diary, poststop=[hook(f'echo ran >{diary}/ran')])
    annotated(c, run__oci__hooks__stdout=workdir / 'no' / 'file').up()
    done = c.delete('--force')
    assert 'for the output of hooks' in done.err
    assert (diary / 'ran').read_text() == 'ran\n'


def test_pidfd_receiver(container, workdir):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(workdir / 's'))
        server.listen(1)
        server.settimeout(10)
        c = annotated(container(), run__oci__pidfd_receiver=workdir / 's').create()
        connection, _ = server.accept()
        with connection:
            _, fds, _, _ = socket.recv_fds(connection, 100, 4)
    assert len(fds) == 1
    try:
        signal.pidfd_send_signal(fds[0], signal.SIGKILL)
        c.wait_stopped()
    finally:
        os.close(fds[0])


def test_no_pidfd_receiver(container, workdir):
    line = annotated(container(), run__oci__pidfd_receiver=workdir / 'none').run().err
    assert f'annotations["run.oci.pidfd_receiver"]: connect to {workdir}/none: No such file or directory' in line


@pytest.mark.parametrize('kind', ['context', 'fscontext', 'defcontext', 'rootcontext'])
def test_mount_context_type(container, kind):
    c = annotated(container(['true']), run__oci__mount_context_type=kind)
    c.config['linux']['mountLabel'] = 'system_u:object_r:container_file_t:s0'
    if os.path.exists('/sys/fs/selinux/enforce'):
        assert c.run().rc == 0
        return
    # The kernel tells us which option it does not know.
    done = c.run()
    assert done.rc == 1 and f'option {kind}=system_u:object_r:container_file_t:s0: ' in done.err
    assert 'linux.mountLabel needs SELinux' in done.err


def test_original_groups(container):
    c = annotated(container(), run__oci__keep_original_groups=1).up(preexec=lambda: os.setgroups([77, 88]))
    assert status_of(c.pid)['Groups'].split() == ['77', '88']


@pytest.mark.parametrize('key,value,wanted', [
    ('run.oci.handler', 'krun', 'is not supported'),
    ('run.oci.seccomp.plugins', 'x.so', 'is not supported'),
    ('run.oci.hooks.stdout', 'relative', 'must be an absolute path, not "relative"'),
    ('run.oci.mount_context_type', 'other', 'must be "context", "fscontext", "defcontext" or "rootcontext", not "other"'),
])
def test_refused(container, key, value, wanted):
    c = container(['true'])
    c.config['annotations'] = {key: value}
    done = c.run()
    assert done.rc == 1 and done.err.count('\n') == 1 and f'annotations["{key}"]: {wanted}' in done.err, done


def test_ignored(container):
    """They do not keep the container from running."""
    c = container(['echo', 'ran'])
    c.config['annotations'] = {'krun.cpus': '2', 'module.wasm.image/variant': 'compat', 'com.example.x': 'y'}
    assert c.output() == 'ran\n'


def test_features_lists_what_works(runtime):
    unsafe = json.loads(runtime.ok('features').out)['potentiallyUnsafeConfigAnnotations']
    assert unsafe == sorted(unsafe)
    assert {'run.oci.hooks.stdout', 'run.oci.keep_original_groups', 'run.oci.seccomp_bpf_data'} <= set(unsafe)
    assert 'run.oci.handler' not in unsafe
