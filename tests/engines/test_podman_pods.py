# SPDX-License-Identifier: Apache-2.0
"""Pods, and what is made of Kubernetes' files."""

import pytest

import harness
from engines import IMAGE, Podman, lacks, wait_until

pytestmark = pytest.mark.usefixtures('pods_with_devices')
KINDS = ('ipc', 'net', 'uts')


@pytest.fixture(scope='session')
def pods_with_devices(podman_store):
    """podman 4 with cgroupfs gives the cgroup of a pod a device program on v2 that allows nothing, which is then true of all
    that is below it."""
    if harness.view() != 'v2':
        return
    probe = Podman('knarr')
    probe.ok('pod', 'create', '--name', 'probe')
    done = probe('pod', 'start', 'probe')
    probe.ok('pod', 'rm', '-f', 'probe')
    if done.rc != 0 and 'not permitted' in done.err:
        lacks('a podman whose pods may use devices (cgroupfs on v2)')


def test_pod_shares_namespaces(podman):
    podman.ok('pod', 'create', '--name', 'ship', '--hostname', 'knarr')
    podman.up('--pod', 'ship')
    podman.up('--pod', 'ship', name='two')
    for kind in KINDS:
        assert harness.namespace_of(podman.pid('one'), kind) == harness.namespace_of(podman.pid('two'), kind)
    assert harness.namespace_of(podman.pid('one'), 'pid') != harness.namespace_of(podman.pid('two'), 'pid')
    assert podman.ok('exec', 'one', 'hostname') == 'knarr\n'
    for verb, status in (('pause', 'paused'), ('unpause', 'running'), ('stop', 'exited'), ('start', 'running'), ('kill', 'exited')):
        podman.ok('pod', verb, *(['-t', '0'] if verb == 'stop' else []), 'ship')
        wait_until(lambda: podman.status('two') == status, f'{status} after {verb}')  # pylint: disable=cell-var-from-loop


def test_pod_shares_pids(podman):
    podman.ok('pod', 'create', '--name', 'ship', '--share', 'pid,ipc,net,uts')
    podman.up('--pod', 'ship')
    podman.up('--pod', 'ship', name='two', command=('sleep', '2000'))
    processes = podman.ok('exec', 'one', 'ps', '-o', 'args')
    assert 'sleep 1000' in processes and 'sleep 2000' in processes
    podman.ok('stop', '-t', '0', 'one')
    assert podman.status('two') == 'running'


def test_pod_in_a_user_namespace(podman):
    podman.ok('pod', 'create', '--name', 'ship', '--uidmap', '0:200000:5000', '--gidmap', '0:200000:5000')
    podman.up('--pod', 'ship')
    podman.up('--pod', 'ship', name='two')
    assert harness.namespace_of(podman.pid('one'), 'user') == harness.namespace_of(podman.pid('two'), 'user') != harness.namespace_of('self', 'user')
    assert podman.ok('exec', 'two', 'id', '-u') == '0\n'


KUBE = f'''
apiVersion: v1
kind: Pod
metadata:
  name: ship
spec:
  restartPolicy: Never
  initContainers:
  - name: before
    image: {IMAGE}
    command: [sh, -c, "echo prepared > /shared/file"]
    volumeMounts: [{{name: shared, mountPath: /shared}}]
  containers:
  - name: one
    image: {IMAGE}
    command: [sh, -c, "cat /shared/file; echo $WORD; id -u; sleep 1000"]
    env: [{{name: WORD, value: from kube}}]
    securityContext: {{runAsUser: 1000, capabilities: {{drop: [ALL]}}, readOnlyRootFilesystem: true}}
    volumeMounts: [{{name: shared, mountPath: /shared, readOnly: true}}]
  - name: two
    image: {IMAGE}
    command: [sleep, "1000"]
    volumeMounts: [{{name: host, mountPath: /host}}]
  volumes:
  - name: shared
    persistentVolumeClaim: {{claimName: claim}}
  - name: host
    hostPath: {{path: PLACE, type: Directory}}
'''


def test_play_kube(podman, workdir):
    (workdir / 'ship.yaml').write_text(KUBE.replace('PLACE', str(workdir)))
    podman.ok('play', 'kube', '--network', 'none', workdir / 'ship.yaml')
    podman.wait_logs('prepared\nfrom kube\n1000\n', 'ship-one')
    assert 'ship.yaml' in podman.ok('exec', 'ship-two', 'ls', '/host')
    assert harness.status_of(podman.pid('ship-one'))['CapEff'].strip('0') == ''
    podman.ok('play', 'kube', '--down', workdir / 'ship.yaml')


def test_generate_kube(podman, workdir):
    podman.up('--cap-drop', 'all')
    (workdir / 'one.yaml').write_text(podman.ok('generate', 'kube', 'one'))
    podman.ok('rm', '-f', '-t', '0', 'one')
    podman.ok('play', 'kube', '--network', 'none', workdir / 'one.yaml')
    assert 'one-pod-one' in podman.ok('ps', '--format', '{{.Names}}')
