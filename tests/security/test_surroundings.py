# SPDX-License-Identifier: Apache-2.0
"""R32 to R37: ids, sizes, cgroup mounts, hooks, sockets and options."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from attack import add_mount, refused, with_user_namespace, without_namespace, writable
from harness import PREFIX, cgroup_hierarchies, cgroups_of, is_zombie_or_gone, lacks, namespace_of, wait_until

# ---- R32: ids -------------------------------------------------------------------------------------


BAD_IDS = ['', '.', '..', '../x', 'a/b', '/a', 'a b', 'a\nb', '-x', 'x;id', 'a' * 1100, 'ä', 'a\tb', '.hidden', 'a\\b', 'a:b', 'a*', '$(id)', 'a%n']


@pytest.mark.recipe('R32', 'CVE-2015-1331')
@pytest.mark.parametrize('name', BAD_IDS)
@pytest.mark.parametrize('verb', ['create', 'state', 'delete', 'kill', 'exec'])
def test_id_that_is_a_path(runtime, bundle, name, verb, workdir):
    b = bundle(['true'])
    before = sorted(os.listdir(workdir))
    words = {'create': ['create', '--bundle', b.path, name], 'state': ['state', name], 'delete': ['delete', name], 'kill': ['kill', name, 'KILL'],
             'exec': ['exec', name, 'true']}[verb]
    refused(runtime(*words))
    assert sorted(set(os.listdir(workdir)) - set(before)) in ([], [runtime.root.name])
    assert not runtime.root.exists() or os.listdir(runtime.root) == []


@pytest.mark.recipe('R32')
@pytest.mark.parametrize('path', ['../x', '/../x', 'a/../../x', 'a\nb'])
def test_cgroup_of_exec_stays_below(container, path):
    c = container().up()
    refused(c.runtime('exec', '--cgroup', path, c.id, 'true'))


# ---- R33: sizes -----------------------------------------------------------------------------------


def namespaces_of_a_run(c):
    kinds = ('pid', 'net', 'ipc', 'uts', 'mnt')
    c.config['process']['args'] = ['sh', '-c', ' '.join(f'readlink /proc/self/ns/{kind};' for kind in kinds)]
    done = c.run(timeout=60)
    if done.rc != 0:
        return refused(done)
    own = {namespace_of('self', kind) for kind in kinds}
    assert not own & set(done.out.split()), f'a namespace of the host: {done}'
    return done


@pytest.mark.recipe('R33', 'CVE-2021-43784')
@pytest.mark.parametrize('count', [340, 341, 3000, 6000])
def test_many_id_maps(container, count):
    """More lines than a 16-bit length counts must not become fewer namespaces."""
    c = container()
    lines = [{'containerID': number, 'hostID': 100000 + number, 'size': 1} for number in range(count)]
    c.config['linux'].update({'uidMappings': lines, 'gidMappings': lines})
    c.config['linux']['namespaces'].append({'type': 'user'})
    subprocess.run(['chown', '-R', '100000:100000', str(c.rootfs)], check=True)
    namespaces_of_a_run(c)


@pytest.mark.recipe('R33', 'CVE-2021-43784')
@pytest.mark.parametrize('what', ['namespace', 'mounts', 'environment', 'arguments', 'annotations', 'masked'])
def test_huge_configurations(container, workdir, what):
    c = writable(container())
    config = c.config
    if what == 'namespace':
        without_namespace(c, 'network')
        config['linux']['namespaces'].append({'type': 'network', 'path': '/proc/self/' + '../self/' * 9000 + 'ns/net'})
    elif what == 'mounts':
        (workdir / 'file').write_text('')
        for number in range(600):
            add_mount(c, f'/tmp/{number}', workdir / 'file')
    elif what == 'environment':
        config['process']['env'] = ['PATH=/bin', *(f'V{number}={"x" * 1000}' for number in range(20000))]
    elif what == 'arguments':
        config['process']['args'] = ['x' * (1 << 20)]
    elif what == 'annotations':
        config['annotations'] = {f'org.example.{number}': 'x' * 1000 for number in range(5000)}
    else:
        config['linux']['maskedPaths'] = ['/proc/' + 'a/' * 2000 + str(number) for number in range(200)]
    namespaces_of_a_run(c)


# ---- R34: cgroup mounts ---------------------------------------------------------------------------


@pytest.mark.recipe('R34', 'CVE-2023-25809')
@pytest.mark.parametrize('user', [False, True])
def test_cgroup_without_its_namespace_is_read_only(container, user):
    """Where the container sees the host's whole hierarchy, it may not write there."""
    c = without_namespace(container(['grep', '-E', ' - cgroup2? ', '/proc/self/mountinfo']), 'cgroup')
    if user:
        with_user_namespace(c)
    done = c.run()
    for line in done.out.splitlines():
        assert line.split()[5].split(',')[0] == 'ro', done


# ---- R35: hooks -----------------------------------------------------------------------------------


KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']


@pytest.mark.recipe('R35', 'CVE-2025-23266')
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('env', [['A=1'], [], None], ids=['one', 'empty', 'absent'])
def test_environment_of_hooks(container, workdir, kind, env):
    """Never the container's variables, for with LD_PRELOAD the image would run in the host. Without env it may be the caller's."""
    out = workdir / 'out'
    out.write_text('')
    c = writable(container(['true']))
    add_mount(c, '/out', out)
    place = '/out' if kind == 'startContainer' else str(out)
    c.config['process']['env'] = ['PATH=/bin', 'LD_PRELOAD=/evil.so', 'LD_LIBRARY_PATH=/evil', 'OF_THE_CONTAINER=1']
    program = '/bin/busybox' if kind == 'startContainer' else '/bin/sh'
    args = ['sh', '-c', f'cat </proc/self/environ >{place}; true']
    c.config['hooks'] = {kind: [{'path': program, 'args': args, **({} if env is None else {'env': env})}]}
    done = c.run(env={**os.environ, 'OF_THE_CALLER': '1'})
    assert done.rc == 0, done
    c.runtime('delete', '--force', c.id)
    words = set(out.read_text().split('\0')) - {''}
    if env is None:
        assert kind == 'startContainer' or not [word for word in words if 'evil' in word or 'OF_THE_CONTAINER' in word], words
        return
    extra = {word for word in words if not word.startswith(('PWD=', 'SHLVL=', '_=', 'OLDPWD=', 'PATH='))}
    assert extra == set(env), words
    assert not [word for word in words if 'evil' in word or 'OF_THE' in word], words


@pytest.mark.recipe('R35', 'CVE-2025-23266', 'CVE-2019-14271')
@pytest.mark.knarr
@pytest.mark.parametrize('kind', KINDS)
def test_environment_of_hooks_is_exact(container, workdir, kind):
    """Not even a PATH is added: what the kernel was given, without a shell in between."""
    out = workdir / 'out'
    out.write_text('')
    c = writable(container(['true']))
    add_mount(c, '/out', out)
    for folder in (c.rootfs / 'bin', workdir):
        os.path.exists(folder / 'busybox') or os.link(c.rootfs / 'bin/busybox', folder / 'busybox')
    place, program = ('/out', '/bin/busybox') if kind == 'startContainer' else (str(out), str(workdir / 'busybox'))
    c.config['hooks'] = {kind: [{'path': program, 'args': ['dd', 'if=/proc/self/environ', f'of={place}', 'conv=notrunc'], 'env': ['A=1', 'B=2']}]}
    done = c.run(env={**os.environ, 'OF_THE_CALLER': '1'})
    assert done.rc == 0, done
    assert out.read_bytes() == b'A=1\0B=2\0'


@pytest.mark.recipe('R35')
@pytest.mark.parametrize('kind', ['createRuntime', 'poststart'])
def test_hook_that_does_not_read_its_state(container, kind):
    """A state larger than a pipe, and nobody who reads it."""
    c = container(['true'])
    c.config['annotations'] = {f'org.example.{number}': 'x' * 1000 for number in range(200)}
    c.config['hooks'] = {kind: [{'path': '/bin/true', 'args': ['true']}]}
    done = c.run(timeout=20)
    assert done.rc == 0, done


@pytest.mark.recipe('R35')
@pytest.mark.knarr
def test_hook_timeout_takes_its_children(container, workdir):
    """The whole process group: what a hook has started in the background does not outlive it."""
    c = container(['true'])
    script = f'(sleep 3; echo alive >{workdir}/sign) & sleep 60'
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', script], 'timeout': 1}]}
    refused(c.run(timeout=20))
    time.sleep(3)
    assert not (workdir / 'sign').exists()


# ---- R36: what is left to be reached ----------------------------------------------------------------


def abstract_sockets():
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as table:
        return {line.split()[-1] for line in table if len(line.split()) > 7 and line.split()[-1].startswith('@')}


@pytest.mark.recipe('R36', 'CVE-2020-15257')
def test_no_abstract_socket(container):
    before = abstract_sockets()
    c = container().create()
    after = abstract_sockets()
    assert not [name for name in after - before if 'knarr' in name or c.id in name], after - before


@pytest.mark.recipe('R36', 'CVE-2021-41091', 'CVE-2021-41103')
def test_state_is_private(container):
    c = container().create()
    for path in (c.runtime.root / c.id, *(path for path in (c.runtime.root / c.id).rglob('*'))):
        st = path.lstat()
        if stat.S_ISDIR(st.st_mode):
            assert st.st_mode & 0o077 == 0 or c.runtime.root.stat().st_mode & 0o077 == 0, (path, oct(st.st_mode))
    assert c.runtime.root.stat().st_mode & 0o022 == 0


@pytest.mark.recipe('R36')
@pytest.mark.knarr
@pytest.mark.parametrize('user', [False, True])
def test_gate_is_no_path_inside(container, user):
    """The one descriptor of a created container leads to a socket of the host that has no name in the container."""
    c = container()
    if user:
        with_user_namespace(c)
    c.create()
    pid = c.pid

    def beyond_stdio():
        return [name for name in os.listdir(f'/proc/{pid}/fd') if int(name) > 2]

    wait_until(lambda: len(beyond_stdio()) == 1, 'init has closed its end of what it talked with create by')
    assert os.readlink(f'/proc/{pid}/fd/{beyond_stdio()[0]}').startswith('socket:')
    assert not os.path.exists(f'/proc/{c.pid}/root{c.runtime.root}')


@pytest.mark.recipe('R36')
@pytest.mark.knarr
@pytest.mark.parametrize('mode', [0o777, 0o770, 0o720, 0o702, 0o1777])
def test_state_root_that_others_can_write(container, workdir, mode):
    """Whoever may write there may replace the records of any container."""
    c = container()
    c.runtime.root.mkdir()
    c.runtime.root.chmod(mode)
    c.bundle.save()
    for words in (['create', '--bundle', c.bundle.path, c.id], ['state', c.id], ['list'], ['kill', c.id], ['exec', c.id, 'true']):
        c.runtime.fails(*words, rc=255 if words[0] == 'exec' else 1, text=r'state root .* can be written by others \(mode [0-7]{4}\)')
    assert os.listdir(c.runtime.root) == []
    c.runtime.root.chmod(0o700)


@pytest.mark.recipe('R36')
@pytest.mark.knarr
def test_state_root_of_another_user(container):
    c = container()
    c.runtime.root.mkdir(mode=0o700)
    os.chown(c.runtime.root, 1234, 1234)
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='state root .* belongs to user 1234, not to user 0')
    os.chown(c.runtime.root, 0, 0)


@pytest.mark.recipe('R36')
@pytest.mark.parametrize('kind', ['link', 'fifo', 'file'])
def test_state_entry_that_is_a_trap(runtime, workdir, victim, kind):
    """A link in the state root is not followed, a FIFO not waited for."""
    runtime.root.mkdir(mode=0o700)
    entry = runtime.root / 'trap'
    {'link': lambda: entry.symlink_to(victim), 'fifo': lambda: os.mkfifo(entry), 'file': lambda: entry.write_text('')}[kind]()
    for words in (['state', 'trap'], ['kill', 'trap', 'KILL'], ['delete', '--force', 'trap'], ['list']):
        runtime(*words, timeout=20)
    if os.path.lexists(entry):
        entry.unlink()


# ---- R37: options -----------------------------------------------------------------------------------


@pytest.mark.recipe('R37')
@pytest.mark.parametrize('label', ['a",uid=0', 'a,uid=12', 'x\nuid=12', 'system_u:object_r:container_file_t:s0:c1,c2'])
def test_mount_label_is_one_word(container, label):
    """With a comma or a quote in it, it does not become an option of its own."""
    c = writable(container(['grep', ' /opt ', '/proc/self/mountinfo']))
    add_mount(c, '/opt', fstype='tmpfs', source='tmpfs')
    c.config['linux']['mountLabel'] = label
    done = c.run()
    if done.rc == 0:
        assert 'uid=' not in done.out, done


@pytest.mark.recipe('R37')
@pytest.mark.parametrize('option', ['size=1m,uid=12', 'size=1m\nuid=12', 'size=1m,suid', 'mode=0700,uid=12', 'uid=12,size=1m'])
def test_mount_option_is_one_option(container, option):
    c = writable(container(['grep', ' /opt ', '/proc/self/mountinfo']))
    add_mount(c, '/opt', fstype='tmpfs', source='tmpfs', options=[option])
    done = c.run()
    if done.rc == 0 and c.runtime.is_knarr:
        assert 'uid=12' not in done.out, done
    assert done.rc == 0 or refused(done)


# ---- what is read ---------------------------------------------------------------------------------


DUPLICATE = '{"ociVersion": "1.0.2", "process": {"cwd": "/", "args": ["true"], "user": {"uid": 1000, "gid": 0, "uid": 0}}, "root": {"path": "rootfs"}}'


@pytest.mark.recipe('R33')
@pytest.mark.knarr
@pytest.mark.parametrize('text', [DUPLICATE, DUPLICATE.replace('"uid": 0', '"gid": 5'), '[]', 'null', '{"ociVersion": "1.0.2"} x', '\ufeff{}', '{"a":' * 5000],
                         ids=['twice', 'twice-gid', 'list', 'null', 'garbage', 'bom', 'deep'])
def test_text_that_two_readers_read_differently(container, text):
    """An engine checks one value, the runtime takes the other: so there must be only one reading."""
    c = container()
    c.bundle.save()
    (c.bundle.path / 'config.json').write_text(text)
    refused(c.runtime('create', '--bundle', c.bundle.path, c.id))


@pytest.mark.recipe('R33')
@pytest.mark.parametrize('place', ['args', 'destination', 'env', 'cwd', 'hostname'])
def test_nul_in_a_text(container, place):
    """Text behind a NUL is not cut off in silence: "/etc\\0/.." is no "/etc"."""
    c = writable(container(['true']))
    if place == 'args':
        c.config['process']['args'] = ['true\0x']
    elif place == 'destination':
        add_mount(c, '/tmp/a\0b', fstype='tmpfs', source='tmpfs')
    elif place == 'env':
        c.config['process']['env'] = ['PATH=/bin\0/evil']
    elif place == 'cwd':
        c.config['process']['cwd'] = '/tmp\0/../..'
    else:
        c.config['hostname'] = 'a\0b'
    refused(c.run())


@pytest.mark.recipe('R32')
def test_two_containers_do_not_meet(container):
    """Another container of the same image: its processes, its memory files and its sockets are not to be seen."""
    one = container(['sleep', '1000']).up()
    two = container(['sh', '-c', 'ls /proc | grep -c "^[0-9]"; ls /proc/1/root/proc | grep -c "^[0-9]"'])
    done = two.run()
    assert done.rc == 0 and int(done.out.split()[0]) <= 4, done
    assert one.status == 'running'


# ---- marks ----------------------------------------------------------------------------------------


@pytest.mark.recipe('R32')
@pytest.mark.knarr
def test_marks_of_a_container_are_not_believed(container):
    """A container without CAP_SYS_ADMIN, but with a cgroup that it may write to, marks cgroups of its own as another's: when that
    one's records are lost, its removal must not be led there."""
    hierarchies = cgroup_hierarchies()
    if '' not in hierarchies:
        lacks('cgroup v2')
    c = container().up()
    own = Path(hierarchies[''] + cgroups_of(c.pid)[''])
    mark = os.getxattr(own, 'trusted.knarr.id')
    lures = [Path(hierarchies[''], f'{PREFIX}-lure{number}') for number in range(30)]
    try:
        for lure in lures:
            lure.mkdir()
            os.setxattr(lure, 'user.knarr.id', mark)
        for name in ('intent.json', 'state.json'):
            (c.runtime.root / c.id / name).write_text('')
        pid = int((own / 'cgroup.procs').read_text().split()[0])
        c.runtime.ok('delete', '--force', c.id)
        wait_until(lambda: is_zombie_or_gone(pid), 'the container is dead')
        assert not own.exists() and all(lure.exists() for lure in lures)
    finally:
        for lure in lures:
            if lure.exists():
                lure.rmdir()
