# SPDX-License-Identifier: Apache-2.0
"""podman's checkpoint and restore, with all that they can be told."""

import json
import os
import tarfile

import pytest
from harness import PATIENCE
from harness import wait_until as wait_shortly
from machine import CGROUPS
from test_podman import IMAGE, Podman, alone_in_store, image_tar, installed, store  # noqa: F401 (fixtures)

COUNTING = ('sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; echo $i >/count; sleep 0.3; done')


def wait_until(condition, what):
    wait_shortly(condition, what, 2 * PATIENCE)


@pytest.fixture(params=['knarr', *os.environ.get('KNARR_PEERS', '').split()])
def podman(alone_in_store, store, request):  # noqa: F811
    engine = Podman(request.param)
    yield engine
    engine.ok('pod', 'rm', '-fa', '-t', '0')
    engine.ok('rm', '-fa', '-t', '0')
    engine('volume', 'prune', '-f')
    if engine.is_knarr:
        assert not list(CGROUPS.glob('machine.slice/**/libpod-[0-9a-f]*.scope'))


def count(podman, name='one'):
    return int(podman.ok('exec', name, 'cat', '/count').strip() or 0)


def counting(podman, *arguments, name='one', command=COUNTING):
    podman.up(*arguments, command=command, name=name)
    podman.wait_logs('3\n', name)


def goes_on(podman, last, name='one'):
    assert podman.status(name) == 'running'
    wait_until(lambda: last < count(podman, name) < last + 1000, 'it goes on')


def last_of(podman, name='one'):
    return int(podman.logs(name).split()[-1])


def test_leave_running(podman):
    counting(podman)
    podman.ok('container', 'checkpoint', '--leave-running', 'one')
    goes_on(podman, last_of(podman))


def test_there_and_back(podman):
    counting(podman)
    podman.ok('container', 'checkpoint', 'one')
    assert podman.status() == 'exited' and podman.inspect('one', '.State.Checkpointed') == 'true'
    last = last_of(podman)
    podman.ok('container', 'restore', 'one')
    goes_on(podman, last)
    assert podman.inspect('one', '.State.Restored') == 'true'
    podman.wait_logs(f'\n{last + 3}\n')
    podman.ok('stop', '-t', '0', 'one')
    assert podman.inspect('one', '.State.ExitCode') == '137'


def test_statistics(podman):
    counting(podman)
    dump = json.loads(podman.ok('container', 'checkpoint', '--print-stats', '--keep', 'one'))
    last = last_of(podman)
    restore = json.loads(podman.ok('container', 'restore', '--print-stats', '--keep', 'one'))
    goes_on(podman, last)
    assert dump['container_statistics'][0]['runtime_checkpoint_duration'] > 0 and dump['container_statistics'][0]['criu_statistics']['frozen_time'] > 0
    assert restore['container_statistics'][0]['runtime_restore_duration'] > 0 and restore['container_statistics'][0]['criu_statistics']['restore_time'] > 0
    folder = podman.inspect('one', '.StaticDir')
    assert {'dump.log', 'restore.log', 'stats-dump', 'stats-restore'} <= set(os.listdir(folder))


@pytest.mark.parametrize('compress', ['none', 'gzip', 'zstd'])
def test_export_and_import(podman, workdir, compress):
    counting(podman, '-v', 'data:/data', command=('sh', '-c', 'echo 1 >/data/kept; ' + COUNTING[2]))
    archive = workdir / 'archive.tar'
    podman.ok('container', 'checkpoint', '--compress', compress, '--export', archive, 'one')
    last = last_of(podman)
    podman.ok('rm', 'one')
    podman.ok('volume', 'rm', 'data')
    podman.ok('container', 'restore', '--import', archive, '--name', 'two')
    goes_on(podman, last, 'two')
    assert podman.ok('exec', 'two', 'cat', '/data/kept') == '1\n'


def test_import_of_the_same_twice(podman, workdir):
    counting(podman)
    archive = workdir / 'archive.tar'
    podman.ok('container', 'checkpoint', '--leave-running', '--export', archive, 'one')
    for name in ('two', 'three'):
        podman.ok('container', 'restore', '--import', archive, '--name', name)
        goes_on(podman, 2, name)
    assert len({podman.pid(name) for name in ('one', 'two', 'three')}) == 3


def test_ignore_what_changed(podman, workdir):
    counting(podman, '-v', 'data:/data')
    archive = workdir / 'archive.tar'
    podman.ok('exec', 'one', 'sh', '-c', 'echo 1 >/data/kept; echo 1 >/changed')
    podman.ok('container', 'checkpoint', '--ignore-rootfs', '--ignore-volumes', '--export', archive, 'one')
    podman.ok('rm', 'one')
    podman.ok('volume', 'rm', 'data')
    podman.ok('container', 'restore', '--ignore-rootfs', '--ignore-volumes', '--import', archive)
    assert podman.status() == 'running'
    assert podman('exec', 'one', 'ls', '/data/kept', '/changed').rc != 0


def test_file_locks(podman):
    podman.up('-v', '/usr:/usr:ro', '-v', '/usr/lib:/lib:ro', '-v', '/usr/lib64:/lib64:ro',
              command=('/usr/bin/flock', '/lock', 'sh', '-c', 'echo locked; while :; do sleep 0.3; done'))
    podman.wait_logs('locked')
    done = podman('container', 'checkpoint', 'one')
    assert done.rc != 0 and podman.status() == 'running', done
    podman.ok('container', 'checkpoint', '--file-locks', 'one')
    podman.ok('container', 'restore', '--file-locks', 'one')
    assert podman('exec', 'one', '/usr/bin/flock', '-n', '/lock', 'true').rc == 1


def test_terminal(podman):
    podman.up('-ti', command=('sh', '-c', 'while read line; do echo "<$line>"; done'))
    with podman.terminal('attach', 'one') as terminal:
        terminal.type('first\n')
        terminal.expect('<first>')
        podman.ok('container', 'checkpoint', 'one')
    podman.ok('container', 'restore', 'one')
    with podman.terminal('attach', 'one') as terminal:
        terminal.type('second\n')
        terminal.expect('<second>')


def test_checkpoint_image(podman):
    counting(podman)
    podman.ok('container', 'checkpoint', '--create-image', 'localhost/checkpointed', 'one')
    last = last_of(podman)
    podman.ok('rm', 'one')
    podman.ok('container', 'restore', '--name', 'two', 'localhost/checkpointed')
    goes_on(podman, last, 'two')
    podman.ok('rm', '-f', '-t', '0', 'two')
    podman.ok('rmi', 'localhost/checkpointed')


def test_into_another_pod(podman, workdir):
    archive = workdir / 'archive.tar'
    for pod in ('pod1', 'pod2'):
        podman.ok('pod', 'create', '--name', pod, '--share', 'ipc,uts,net')
        podman.ok('pod', 'start', pod)
    podman.ok('run', '-d', '--pod', 'pod1', '--name', 'one', IMAGE, *COUNTING)
    podman.wait_logs('3\n')
    podman.ok('container', 'checkpoint', '--export', archive, 'one')
    last = last_of(podman)
    podman.ok('rm', 'one')
    podman.ok('container', 'restore', '--import', archive, '--pod', 'pod2', '--name', 'two')
    goes_on(podman, last, 'two')


def test_tcp_established(podman):
    script = 'nc -l -p 5000 -e cat & sleep 0.5; (while :; do echo tick; sleep 0.1; done) | nc 127.0.0.1 5000'
    podman.up(command=('sh', '-c', script))
    podman.wait_logs('tick\ntick\n')
    assert podman('container', 'checkpoint', 'one').rc != 0
    assert podman.status() == 'running'
    podman.ok('container', 'checkpoint', '--tcp-established', 'one')
    before = podman.logs().count('tick')
    podman.ok('container', 'restore', '--tcp-established', 'one')
    wait_until(lambda: podman.logs().count('tick') > before, 'it goes on')


def test_user_namespace(podman):
    counting(podman, '--uidmap', '0:200000:65536', '--gidmap', '0:200000:65536')
    podman.ok('container', 'checkpoint', 'one')
    last = last_of(podman)
    podman.ok('container', 'restore', 'one')
    goes_on(podman, last)
    assert podman.ok('exec', 'one', 'cat', '/proc/self/uid_map').split() == ['0', '200000', '65536']


def test_pre_checkpoint(podman, workdir):
    counting(podman)
    podman.ok('container', 'checkpoint', '--pre-checkpoint', '--export', workdir / 'pre.tar', 'one')
    goes_on(podman, last_of(podman))
    podman.ok('container', 'checkpoint', '--with-previous', '--compress', 'none', '--export', workdir / 'archive.tar', 'one')
    last = last_of(podman)
    podman.ok('rm', 'one')
    with tarfile.open(workdir / 'archive.tar') as archive:
        assert [name for name in archive.getnames() if name.endswith('parent')]
    podman.ok('container', 'restore', '--import-previous', workdir / 'pre.tar', '--import', workdir / 'archive.tar')
    goes_on(podman, last)
