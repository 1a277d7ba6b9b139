# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear line, exit status 1, nothing left behind (the fixtures look)."""

import json
import os
import re
import subprocess

import pytest
from harness import PATIENCE, PREFIX, is_zombie_or_gone, wait_until

pytestmark = pytest.mark.knarr

POSITION = r'config\.json:\d+:\d+: '


def refuse(c, text, *flags):
    """create and run both refuse, in the same words."""
    c.bundle.save()
    for verb in ('create', 'run'):
        c.runtime.fails(verb, '--bundle', c.bundle.path, *flags, c.id, text=text)


def refuse_text(c, config, text):
    (c.bundle.path / 'config.json').write_bytes(config if isinstance(config, bytes) else config.encode())
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=text)


# ---- the bundle -----------------------------------------------------------------------------------


def test_no_bundle(runtime):
    runtime.fails('create', '--bundle', '/no/such/bundle', f'{PREFIX}-x', text=r'/no/such/bundle.*[Nn]o such file')


def test_bundle_without_config(container):
    c = container()
    (c.bundle.path / 'config.json').unlink()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json.*[Nn]o such file')


def test_config_is_a_directory(container):
    c = container()
    (c.bundle.path / 'config.json').unlink()
    (c.bundle.path / 'config.json').mkdir()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=r'config\.json')


def test_no_rootfs(container):
    c = container()
    c.config['root']['path'] = 'nowhere'
    refuse(c, r'nowhere.*[Nn]o such file')


def test_rootfs_is_a_file(container):
    c = container()
    (c.bundle.path / 'file').touch()
    c.config['root']['path'] = 'file'
    refuse(c, r'file.*[Nn]ot a directory|not a directory.*file')


@pytest.mark.parametrize('config,text', [
    ('', r'config\.json'),
    ('   \n', r'config\.json'),
    ('{', POSITION),
    ('[]', r'config\.json:1:1'),
    ('null', r'config\.json:1:1'),
    ('{"ociVersion": "1.0.0",}', POSITION),
    ('{"ociVersion": "1.0.0"} x', POSITION),
    ('{"ociVersion": "1.0.0", "ociVersion": "1.0.0"}', POSITION + r'.*(twice|duplicate)'),
    (b'{"ociVersion": "1.\xff.0"}', r'config\.json:1:\d+: .*UTF-8'),
    ('{"ociVersion": "1.0\\u0000.0"}', POSITION + r'.*NUL'),
    ('{"ociVersion": "' + '[' * 10000, r'config\.json'),
    ('[' * 100000, r'config\.json'),
    ('{"process": {"user": {"uid": 1e3}}}', POSITION + r'process\.user\.uid'),
    ('\x00', r'config\.json'),
], ids=range(14))
def test_malformed(container, config, text):
    refuse_text(container(), config, text)


def put(config, path, value):
    """put(config, 'process.user.uid', -1); a number in the path is an index."""
    *way, last = [int(word) if word.isdigit() else word for word in path.split('.')]
    for word in way:
        if isinstance(word, str):
            config = config.setdefault(word, {})
        else:
            config = config[word]
    if isinstance(config, list) and last == len(config):
        config.append(value)
    else:
        config[last] = value


WRONG = [
    ('ociVersion', 7), ('ociVersion', ''), ('ociVersion', '2.0.0'), ('ociVersion', 'one'),
    ('process', []), ('process.args', []), ('process.args', 'sh'), ('process.args', [1]), ('process.cwd', 'relative'), ('process.cwd', ''),
    ('process.env', ['A=1', 5]), ('process.terminal', 'yes'), ('process.user.uid', -1), ('process.user.uid', 4294967296),
    ('process.user.uid', 4294967295), ('process.user.gid', '0'), ('process.user.uid', 1.5), ('process.user.additionalGids', [1, -1]),
    ('process.rlimits', [{'type': 'RLIMIT_WISHES', 'soft': 1, 'hard': 1}]),
    ('process.rlimits', [{'type': 'RLIMIT_CORE', 'soft': 2, 'hard': 1}]),
    ('process.rlimits', [{'type': 'RLIMIT_CORE', 'soft': 1, 'hard': 1}, {'type': 'RLIMIT_CORE', 'soft': 1, 'hard': 1}]),
    ('process.oomScoreAdj', 1001), ('process.capabilities', ['CAP_KILL']),
    ('root', 'rootfs'), ('root.path', ''), ('root.readonly', 'true'),
    ('mounts.0.destination', ''), ('mounts.0.options', 'ro'), ('mounts', {}),
    ('hostname', 5), ('hostname', 'x' * 65), ('annotations', {'': 'x'}), ('annotations', {'a': 5}),
    ('hooks.prestart', [{'path': 'relative'}]), ('hooks.prestart', [{}]), ('hooks.prestart', [{'path': '/bin/true', 'timeout': 0}]),
    ('linux.namespaces.0.type', 'parallel'), ('linux.namespaces.5', {'type': 'pid'}), ('linux.namespaces.0.path', 'relative'),
    ('linux.uidMappings', [{'containerID': 0, 'hostID': 0, 'size': 0}]), ('linux.uidMappings', [{'containerID': 0}]),
    ('linux.rootfsPropagation', 'sideways'), ('linux.sysctl', {'net.ipv4.ip_forward': 1}), ('linux.cgroupsPath', 5),
    ('linux.devices', [{'path': '/dev/x', 'type': 'z'}]), ('linux.devices', [{'path': 'dev/x', 'type': 'c', 'major': 1, 'minor': 3}]),
    ('linux.resources', {'memory': {'limit': 'much'}}), ('linux.resources', {'pids': {'limit': 1.5}}),
    ('linux.resources', {'devices': [{'allow': 'no'}]}), ('linux.maskedPaths', ['relative']), ('linux.maskedPaths', '/proc'),
    ('linux.seccomp', {'syscalls': []}), ('linux.seccomp', {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': [], 'action': 'SCMP_ACT_ERRNO'}]}),
    ('linux.timeOffsets', {'monotonic': {'secs': 1}}),
]


@pytest.mark.parametrize('path,value', WRONG, ids=[f'{index}-{path}' for index, (path, _) in enumerate(WRONG)])
def test_wrong_values_name_their_place(container, path, value):
    c = container()
    put(c.config, path, value)
    top = path.split('.')[0]
    refuse(c, POSITION + top)


def test_unknown_fields_are_ignored(container):
    c = container(['echo', 'fine'])
    c.config['novelty'] = {'a': [1, 2, {'b': None}]}
    c.config['process']['novelty'] = 5
    c.config['linux']['novelty'] = 'x'
    c.config['windows'] = {'layerFolders': ['C:\\x']}
    assert c.run() == (0, 'fine\n', '')


def test_position_is_exact(container):
    c = container()
    text = '{\n  "ociVersion": "1.0.0",\n  "process": {\n    "args": ["sh"],\n    "cwd": "/",\n    "user": { "uid": 4294967295, "gid": 0 }\n  },\n  "root": { "path": "rootfs" }\n}\n'
    refuse_text(c, text, r'config\.json:6:22: process\.user\.uid: 4294967295 is not a valid user id')


def test_check_tells_all_at_once(container):
    c = container()
    c.config['process']['cwd'] = 'relative'
    c.config['linux']['rootfsPropagation'] = 'sideways'
    c.config['hostname'] = 'x' * 65
    c.bundle.save()
    done = c.runtime('check', '--bundle', c.bundle.path)
    assert done.rc == 1
    words = done.out + done.err
    assert words.count('config.json:') == 3
    for path in ('process.cwd', 'linux.rootfsPropagation', 'hostname'):
        assert path in words
    found = json.loads(c.runtime('check', '--format', 'json', '--bundle', c.bundle.path).out)
    assert 'process.cwd' in json.dumps(found)


def test_advice_is_for_check_alone(container, workdir):
    """What the specification advises against, and engines do all the same, is none of a creation's words: they may stand in the
    container's log."""
    c = container(['true'])
    mapping = [{'containerID': 0, 'hostID': 1000, 'size': 10}]
    c.config['mounts'].append({'destination': '/tmp', 'type': 'bind', 'source': str(workdir), 'options': ['rbind', 'rw'],
                               'uidMappings': mapping, 'gidMappings': mapping})
    c.config['linux']['devices'] = [{'path': path, 'type': 'c', 'major': 1, 'minor': 5} for path in ('/dev/a', '/dev/b', '/dev/b')]
    c.bundle.save()
    done = c.runtime('check', '--bundle', c.bundle.path)
    assert done.rc == 0 and done.out.count(': advice: ') == 3 and done.out.count('\n') == 3, done
    found = json.loads(c.runtime('check', '--format', 'json', '--bundle', c.bundle.path).out)
    assert 'advice' in json.dumps(found)
    assert c.run() == (0, '', '')


def test_check_of_a_good_bundle(container):
    c = container()
    c.bundle.save()
    done = c.runtime('check', '--bundle', c.bundle.path)
    assert done.rc == 0, done


# ---- the command line -----------------------------------------------------------------------------


def call(runtime, *arguments):
    """Without --root, as a person types."""
    done = subprocess.run([runtime.path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
                          cwd='/tmp')
    return done


@pytest.mark.parametrize('arguments,text', [
    (['--no-such-flag', 'list'], 'no-such-flag'),
    (['list', '--no-such-flag'], 'no-such-flag'),
    (['create', '--pid-file'], 'pid-file'),
    (['list', '--format', 'xml'], 'xml'),
    (['--log-format', 'xml', 'list'], 'xml'),
    (['--rootless=maybe', 'list'], 'maybe'),
    (['--cgroup-manager=mine', 'list'], 'mine'),
    (['--root=', 'list'], 'flag --root is empty'),
    (['start'], 'ID|id|argument'),
    (['start', 'one', 'two'], 'argument|two'),
    (['state'], 'ID|id|argument'),
    (['create', '--preserve-fds', 'some', 'x'], 'some'),
    (['create', '--preserve-fds', '-1', 'x'], '-1'),
    (['kill', '--all=perhaps', 'x'], 'perhaps'),
    (['delete', '--force=2', 'x'], '2'),
])
def test_bad_usage(runtime, arguments, text):
    done = call(runtime, *arguments)
    assert done.returncode == 1
    assert re.search(text, done.stderr), done
    assert done.stderr.count('\n') <= 2, done.stderr


def test_unknown_command(runtime):
    done = call(runtime, 'launch', 'x')
    assert done.returncode in (1, 3)
    assert 'launch' in done.stderr


def test_help_and_version(runtime):
    for arguments in (['--help'], ['-h'], ['help']) + tuple([command, '--help'] for command in (
            'create', 'start', 'state', 'kill', 'delete', 'run', 'list', 'spec', 'features', 'check')):
        done = call(runtime, *arguments)
        assert (done.returncode, done.stderr) == (0, ''), arguments
        assert len(done.stdout.splitlines()) > 3, arguments
    for flag in ('--version', '-v'):
        done = call(runtime, flag)
        assert done.returncode == 0
        first, *others = done.stdout.splitlines()
        assert first.startswith('knarr version ')
        assert any(line.startswith('commit: ') for line in others)
        assert any(line.startswith('spec: 1.') for line in others)
        assert not any('version' in line for line in others), 'docker takes the last such line'


def test_features(runtime):
    done = call(runtime, 'features')
    assert (done.returncode, done.stderr) == (0, '')
    features = json.loads(done.stdout)
    assert 'rro' in features['mountOptions'] and 'ro' in features['mountOptions']
    assert set(features['hooks']) == {'prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'}
    assert set(features['linux']['namespaces']) == {'cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'}
    assert features['linux']['mountExtensions']['idmap']['enabled'] is True
    assert features['linux']['seccomp']['enabled'] is True
    assert all(isinstance(value, str) for value in features.get('annotations', {}).values())


@pytest.mark.parametrize('name', ['', '.', '..', 'a/b', '/abs', 'a b', 'ä', 'a\nb', 'x' * 1025, '../x', 'a%b'])
def test_bad_ids(runtime, bundle, name):
    b = bundle()
    for arguments in (['create', '--bundle', b.path, name], ['state', name], ['kill', name], ['delete', name]):
        runtime.fails(*arguments, text='invalid container ID|ID|id')


@pytest.mark.parametrize('name', ['a', 'A.b-c_d+e', '0', '_x', 'x' * 64, 'x' * 76])
def test_good_ids(runtime, bundle, name):
    b = bundle()
    b.config['linux']['cgroupsPath'] = f'/{PREFIX}-{len(name)}'
    b.save()
    runtime.ok('run', '--detach', '--bundle', b.path, name)
    runtime.ok('delete', '--force', name)


@pytest.mark.parametrize('arguments', [['--rootless=true'], ['--rootless', 'auto'], ['--criu', '/x'], ['--debug=false'], ['--cgroup-manager=cgroupfs'],
                                       ['--log-level', 'error'], ['-root-is-not-a-flag']])
def test_global_flags(runtime, arguments):
    runtime.root.mkdir(exist_ok=True)
    done = runtime('list', '-q', options=arguments)
    if 'not-a-flag' in arguments[0]:
        assert done.rc == 1 and 'root-is-not-a-flag' in done.err
    else:
        assert done == (0, '', '')


# ---- what is also warned of -----------------------------------------------------------------------


def without_mounts_of_its_own(config):
    config['linux']['namespaces'] = [{'type': 'pid'}]
    config.pop('hostname', None)


@pytest.mark.parametrize('change,text', [
    (lambda config: config.pop('process'), 'process: there is no process to run'),
    (without_mounts_of_its_own, r'linux\.maskedPaths: needs a namespace of type "mount"'),
    (lambda config: config['annotations'].update({'krun.cpus': '2', 'run.oci.handler': 'krun'}), r'annotations\["run\.oci\.handler"\]'),
], ids=['process', 'mounts', 'annotations'])
def test_error_is_the_only_line(container, change, text):
    """A warning is told of a container that has come to be."""
    c = container()
    c.config.setdefault('annotations', {})
    change(c.config)
    c.bundle.save()
    c.runtime.fails('run', '--bundle', c.bundle.path, c.id, text=POSITION + text)


def test_warnings_come_once(container):
    c = container(['true'])
    c.config.setdefault('annotations', {})['krun.cpus'] = '2'
    c.config['process']['capabilities']['ambient'] = ['CAP_KILL']
    c.config['process']['capabilities']['effective'] = ['CAP_SYS_ADMIN', 'CAP_KILL']
    done = c.run()
    assert done.rc == 0
    lines = done.err.splitlines()
    for wanted in (r'annotations\["krun\.cpus"\]: is not supported, and ignored',
                   r'process\.capabilities\.effective: cannot be granted, as they are not permitted too: CAP_SYS_ADMIN',
                   r'process\.capabilities\.ambient: cannot be granted, as they are not permitted and inheritable too: CAP_KILL'):
        assert re.fullmatch('knarr: warning: ' + POSITION + wanted, lines.pop(0))
    assert lines == []


# ---- state ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('damage', ['empty', 'garbage', 'gone', 'cut'])
def test_damaged_state_can_be_deleted(container, damage):
    """The container is found again through what is left; delete --force always ends in nothing."""
    c = container()
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.up()
    pid = c.pid
    for path in [path for path in (c.runtime.root / c.id).rglob('*') if path.is_file()]:
        content = path.read_bytes()
        if damage == 'gone':
            path.unlink()
        else:
            path.write_bytes({'empty': b'', 'garbage': b'\x00{{{', 'cut': content[:len(content) // 2]}[damage])
    c.delete('--force')
    assert not (c.runtime.root / c.id).exists()
    if damage != 'gone':
        wait_until(lambda: is_zombie_or_gone(pid), 'init is dead')


def test_root_that_is_a_file(runtime, workdir):
    (workdir / 'file').touch()
    done = subprocess.run([runtime.path, '--root', str(workdir / 'file'), 'list'], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1


def test_state_root_is_private(container):
    c = container().create()
    for path in (c.runtime.root, c.runtime.root / c.id):
        assert os.stat(path).st_mode & 0o077 in (0, 0o011), path
