# SPDX-License-Identifier: Apache-2.0
"""hooks: all six kinds at their points, with their arguments, environment, state and consequences."""

import json
import time

import pytest
from harness import is_zombie_or_gone, namespace_of

KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
# config.md, "POSIX-platform Hooks"; the status each kind is told.
STATUS = {'prestart': ('creating', 'created'), 'createRuntime': ('creating', 'created'), 'createContainer': ('creating', 'created'),
          'startContainer': ('created', 'creating'), 'poststart': ('running',), 'poststop': ('stopped',)}


@pytest.fixture
def diary(workdir):
    """A directory that hooks write to, inside and outside under the same path."""
    path = workdir / 'diary'
    path.mkdir()
    path.chmod(0o777)
    return path


def hook(script, *arguments, **more):
    return {'path': '/bin/sh', 'args': ['sh', '-c', script, 'hook', *arguments], **more}


def with_hooks(c, diary, **hooks):
    """The diary is bound into the container, for the hooks that run in there."""
    c.config['root']['readonly'] = False
    c.config['mounts'].append({'destination': str(diary), 'type': 'bind', 'source': str(diary), 'options': ['bind']})
    c.config['hooks'] = hooks
    return c


def in_a_user_namespace(c):
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]


def all_hooks(diary):
    script = f'echo $1 >>{diary}/order; cat >{diary}/state-$1; env >{diary}/env-$1; readlink /proc/self/ns/mnt >{diary}/mnt-$1'
    return {kind: [hook(script, kind, env=[f'KIND={kind}', 'PATH=/bin:/usr/bin'])] for kind in KINDS}


@pytest.mark.knarr  # runc has the caller's directory behind `create`
@pytest.mark.parametrize('user', [False, True], ids=['root', 'user-namespace'])
def test_working_directory(container, diary, user):
    """The bundle, as with the others: hooks name files in it."""
    c = with_hooks(container(), diary, **{kind: [hook(f'pwd >{diary}/$1', kind)] for kind in KINDS})
    if user:
        in_a_user_namespace(c)
    c.create()
    c.start()
    c.delete('--force')
    found = {kind: (diary / kind).read_text().strip() for kind in KINDS}
    assert found == dict.fromkeys(KINDS, str(c.bundle.path)) | {'startContainer': '/'}


@pytest.mark.knarr
def test_working_directory_that_is_closed(container, diary, workdir):
    """Who may not enter the bundle runs nevertheless."""
    c = with_hooks(container(), diary, **{kind: [hook(f'pwd >{diary}/$1', kind)] for kind in KINDS})
    in_a_user_namespace(c)
    c.rootfs.rename(workdir / 'elsewhere')
    c.config['root']['path'] = str(workdir / 'elsewhere')
    c.bundle.path.chmod(0o700)
    c.up().delete('--force')
    found = {kind: (diary / kind).read_text().strip() for kind in KINDS}
    assert {kind for kind, path in found.items() if path != str(c.bundle.path)} == {'createContainer', 'startContainer'}


@pytest.mark.knarr  # runc 1.1 runs poststart at create, crun 1.8 before startContainer
def test_order_state_and_environment(container, diary):
    c = with_hooks(container(), diary, **all_hooks(diary))
    c.config['annotations'] = {'org.example.k': 'v'}
    order = diary / 'order'
    c.create()
    assert order.read_text().split() == KINDS[:3]
    pid = c.pid
    c.start()
    assert order.read_text().split() == KINDS[:5]
    c.kill('KILL')
    c.wait_stopped()
    assert order.read_text().split() == KINDS[:5]
    c.delete()
    assert order.read_text().split() == KINDS

    for kind in KINDS:
        state = json.loads((diary / f'state-{kind}').read_text())
        assert state['id'] == c.id
        assert state['bundle'] == str(c.bundle.path)
        assert state['ociVersion']
        assert state['annotations'] == {'org.example.k': 'v'}
        assert state['status'] in STATUS[kind], kind
        if kind in ('prestart', 'createRuntime', 'poststart'):
            assert state['pid'] == pid, kind
        environment = {line.partition('=')[0] for line in (diary / f'env-{kind}').read_text().splitlines()}
        assert 'KIND' in environment
        assert environment <= {'KIND', 'PATH', 'PWD', 'SHLVL', 'OLDPWD', '_'}, 'the hook has the configured environment and no other'


def test_namespaces_of_hooks(container, diary):
    c = with_hooks(container(), diary, **all_hooks(diary))
    c.up()
    ours, its = namespace_of('self', 'mnt'), namespace_of(c.pid, 'mnt')
    c.kill('KILL')
    c.wait_stopped()
    c.delete()
    seen = {kind: (diary / f'mnt-{kind}').read_text().strip() for kind in KINDS}
    for kind in ('prestart', 'createRuntime', 'poststart', 'poststop'):
        assert seen[kind] == ours, kind
    for kind in ('createContainer', 'startContainer'):
        assert seen[kind] == its, kind


def test_several_of_one_kind_run_in_their_order(container, diary):
    hooks = [hook(f'echo {word} >>{diary}/order') for word in ('one', 'two', 'three')]
    with_hooks(container(), diary, createRuntime=hooks).create()
    assert (diary / 'order').read_text().split() == ['one', 'two', 'three']


def test_path_is_not_looked_up_and_args_are_argv(container, diary):
    script = diary / 'script'
    script.write_text(f'#!/bin/sh\necho "$0 $1" >{diary}/args\n')
    script.chmod(0o755)
    with_hooks(container(), diary, createRuntime=[{'path': str(script), 'args': ['other', 'argument']}]).create()
    assert (diary / 'args').read_text() == f'{script} argument\n'


@pytest.mark.knarr
@pytest.mark.parametrize('kind', ['prestart', 'createRuntime', 'createContainer'])
def test_failure_before_created_undoes_all(container, diary, kind):
    c = with_hooks(container(), diary, **{kind: [hook('echo because >&2; exit 7')]}, poststop=[hook(f'echo ran >{diary}/poststop')])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=rf'{kind}.*7' if c.runtime.is_knarr else '.')
    c.runtime.fails('state', c.id, text='does not exist')


def test_failure_of_start_container(container, diary):
    c = with_hooks(container(['sh', '-c', f'echo ran >{diary}/program']), diary, startContainer=[hook('exit 7')])
    c.create()
    assert c.runtime('start', c.id).rc == 1 or not c.runtime.is_knarr
    c.wait_stopped()
    assert not (diary / 'program').exists()


@pytest.mark.knarr
def test_failure_of_poststart_destroys_the_container(container, diary):
    """runtime.md, lifecycle, step 9: continue at step 12."""
    c = with_hooks(container(), diary, poststart=[hook('exit 7')], poststop=[hook(f'cat >{diary}/stop')])
    c.create()
    pid = c.pid
    c.runtime.fails('start', c.id, text='poststart.*7')
    assert is_zombie_or_gone(pid)
    c.runtime.fails('state', c.id, text='does not exist')
    assert json.loads((diary / 'stop').read_text())['status'] == 'stopped'


def test_failure_of_poststop_does_not_stop_the_removal(container, diary):
    c = with_hooks(container(), diary, poststop=[hook('exit 7'), hook(f'echo ran >{diary}/second')])
    c.up()
    c.kill('KILL')
    c.wait_stopped()
    c.delete()
    c.runtime.fails('state', c.id, text='does not exist')
    if c.runtime.is_knarr:
        assert (diary / 'second').exists()


@pytest.mark.knarr
def test_timeout(container, diary):
    c = with_hooks(container(), diary, createRuntime=[{'path': '/bin/sleep', 'args': ['sleep', '1000'], 'timeout': 1}])
    c.bundle.save()
    begin = time.monotonic()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'createRuntime.*(time|1 s)')
    assert 0.9 < time.monotonic() - begin < 30


def test_missing_hook_program(container, diary):
    c = with_hooks(container(), diary, createRuntime=[{'path': '/no/such/hook'}])
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='/no/such/hook' if c.runtime.is_knarr else '.')


def test_hooks_get_no_descriptors_of_ours(container, diary):
    """ls reads the directory with one more descriptor than stdio."""
    with_hooks(container(), diary, createRuntime=[hook(f'ls /proc/self/fd >{diary}/fds')]).create()
    assert len((diary / 'fds').read_text().split()) == 4


@pytest.mark.knarr
def test_environment_where_none_is_given(container, diary):
    """No list: the runtime's, and for hooks that are programs of the container the program's. An empty list: nothing."""
    kinds = ('prestart', 'createContainer', 'startContainer', 'poststop')
    script = f'cat /proc/self/environ >{diary}/$1'
    hooks = {kind: [hook(script, kind), hook(script, f'{kind}-empty', env=[])] for kind in kinds}
    c = with_hooks(container(env=['PATH=/bin', 'INSIDE=1']), diary, **hooks)
    c.create(env={'PATH': '/usr/bin:/bin', 'OUTSIDE': '2'}).start()
    c.runtime.ok('delete', '--force', c.id, env={'PATH': '/usr/bin:/bin', 'OUTSIDE': '3'})
    seen = {path.name: path.read_text() for path in diary.iterdir()}
    for kind, value in (('prestart', 2), ('createContainer', 2), ('poststop', 3)):
        assert f'OUTSIDE={value}\0' in seen[kind] and 'INSIDE' not in seen[kind]
    assert 'INSIDE=1\0' in seen['startContainer'] and 'OUTSIDE' not in seen['startContainer']
    for kind in kinds:
        assert 'SIDE' not in seen[f'{kind}-empty'] and 'PATH=/usr' not in seen[f'{kind}-empty'], kind


@pytest.mark.knarr
@pytest.mark.parametrize('word', ['state', 'list'])
def test_hook_asks_for_its_own_container(container, diary, word):
    """Neither waits for the lock that the command with the hook holds."""
    c = container()
    ask = f'{c.runtime.path} --root {c.runtime.root} ' + (f'state {c.id}' if word == 'state' else 'list --format json')
    script = f'{ask} >{diary}/answer-$1 2>&1; echo $? >>{diary}/answer-$1'
    kinds = [kind for kind in KINDS if kind not in ('createContainer', 'startContainer')]
    with_hooks(c, diary, **{kind: [hook(script, kind, env=['PATH=/bin:/usr/bin'], timeout=20)] for kind in kinds})
    c.up()
    pid = c.pid
    c.kill('KILL')
    c.wait_stopped()
    c.delete()
    for kind, status in (('prestart', 'creating'), ('createRuntime', 'creating'), ('poststart', 'running'), ('poststop', 'stopped')):
        text, rc, _ = (diary / f'answer-{kind}').read_text().rsplit('\n', 2)
        state = json.loads(text) if word == 'state' else json.loads(text)[0]
        assert (rc, state['id'], state['status']) == ('0', c.id, status), kind
        assert state['pid'] == {'running': pid, 'stopped': 0}.get(status, state['pid']), kind


@pytest.mark.knarr
@pytest.mark.parametrize('kind', ['createContainer', 'startContainer'])
def test_hook_inside_asks_for_its_own_container(container, diary, workdir, kind):
    """What it hears from in there is its own affair; it does not wait for ever."""
    c = container()
    c.runtime.root.mkdir(exist_ok=True)
    for path in (c.runtime.root, workdir / 'program'):
        if path.name == 'program':
            path.write_bytes(open(c.runtime.path, 'rb').read())
            path.chmod(0o755)
        c.config['mounts'].append({'destination': str(path), 'type': 'bind', 'source': str(path), 'options': ['bind']})
    script = f'{workdir}/program --root {c.runtime.root} state {c.id} >{diary}/answer 2>&1; echo $? >>{diary}/answer'
    with_hooks(c, diary, **{kind: [hook(script, env=['PATH=/bin:/usr/bin'], timeout=20)]})
    c.up()
    assert (diary / 'answer').read_text().rsplit('\n', 2)[1] in ('0', '1')
    assert c.status == 'running'
