# SPDX-License-Identifier: Apache-2.0
"""containerd: through its shim with ctr, and through its CRI as a kubelet calls it."""

import itertools
import json
import os
import re
import shutil
from pathlib import Path

import pytest

import cri
import engines
import harness
from engines import CONTRIB, Daemon, Terminal, call, cgroup_value, from_the_page, lacks, wait_until

NAME = 'docker.io/library/busybox:latest'
COUNTER = itertools.count(1)


# A network plugin that leaves the machine's own network alone: both ends of the pair are in the pod.
CNI_PLUGIN = '''#!/bin/sh
version=$(sed -n 's/.*"cniVersion": *"\\([^"]*\\)".*/\\1/p')
case $CNI_COMMAND in
VERSION) echo '{"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]}' ;;
ADD)
	nsenter --net="$CNI_NETNS" ip link ARGUMENTS >&2 || exit 1
	echo '{"cniVersion": "'"$version"'", "interfaces": [{"name": "'"$CNI_IFNAME"'", "sandbox": "'"$CNI_NETNS"'"}],
		"ips": [{"version": "4", "interface": 0, "address": "10.231.0.2/24"}]}'
	;;
esac
'''


def is_second():
    """Whether it is containerd 2."""
    return call(['containerd', '--version']).out.split()[2].lstrip('v').startswith('2.')


def configuration(base):
    """The file that a user copies; the rest is the test's: no systemd, a pause image that is there, a network without the host's."""
    if is_second():
        file, cri_plugin = 'config-v3.toml', '[plugins."io.containerd.cri.v1.runtime"]'
        ours = f'[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "{NAME}"\n'
    else:
        file, cri_plugin = 'config.toml', '[plugins."io.containerd.grpc.v1.cri"]'
        ours = ''
    for folder in ('cni', 'cni-bin'):
        (base / folder).mkdir()
    (base / 'cni/10-test.conflist').write_text(json.dumps({'cniVersion': '1.0.0', 'name': 'test', 'plugins': [{'type': 'pair'}]}))
    for name, arguments in (('pair', 'add "$CNI_IFNAME" type veth peer name other'), ('loopback', 'set lo up')):
        (base / 'cni-bin' / name).write_text(CNI_PLUGIN.replace('ARGUMENTS', arguments))
        (base / 'cni-bin' / name).chmod(0o755)
    plugins = f'bin_dirs = ["{base}/cni-bin"]' if is_second() else f'bin_dir = "{base}/cni-bin"'
    network = f'{cri_plugin[:-1]}.cni]\n  {plugins}\n  conf_dir = "{base}/cni"\n'
    text = (CONTRIB / 'containerd' / file).read_text().replace('SystemdCgroup = true', 'SystemdCgroup = false')
    image = '' if is_second() else f'  sandbox_image = "{NAME}"\n'
    return f'{text}\n{ours}{cri_plugin}\n{image}  restrict_oom_score_adj = true\n{network}'


@pytest.mark.parametrize('pattern, origin', [(r"'/\^version/d'", 'distribution'), (r"'/runtimes\.knarr", 'default')])
def test_a_file_that_is_there(machine, workdir, pattern, origin):
    """Both commands of the page: knarr comes to runc, and nothing else is changed."""
    engines.known_to((), 'containerd')
    file, there = workdir / 'config.toml', Path('/etc/containerd/config.toml')
    if origin == 'default':
        file.write_text(call(['containerd', 'config', 'default']).out)
    elif there.exists():
        shutil.copy2(there, file)
    else:
        lacks('the configuration that the distribution gives containerd')

    def dumped():
        done = call(['containerd', '--config', file, 'config', 'dump'])
        assert done.rc == 0, done
        return [line.strip().replace("'", '"') for line in done.out.split('\n')]
    before = dumped()
    command = from_the_page(pattern).replace(str(there), str(file))
    if re.search('^version *= *3', file.read_text(), re.M):
        command = command.replace('config.toml |', 'config-v3.toml |')
    assert call(['sh', '-c', command], cwd=engines.TOP).rc == 0
    after = dumped()
    implied = ('= ""', '= 0', '= false', 'sandbox_mode = "podsandbox"')  # by nothing, too
    lost = {line for line in before if '=' in line and not line.endswith(implied)} - set(after)
    assert not lost, lost
    assert 'BinaryName = "/usr/local/bin/knarr"' in after
    for name in ('runc', 'knarr'):
        assert [line for line in after if line.endswith(f'.runtimes.{name}]')], name


@pytest.fixture(scope='session')
def containerd(machine, base, image_tar):
    """The daemon with contrib's file, its root below the session's directory, and the image."""
    program = engines.known_to((), 'containerd')
    engines.known_to((), 'ctr')
    harness.need_controller('cpu')  # it sets cpu.shares for every container
    (base / 'containerd.toml').write_text(configuration(base))
    ctr = lambda *words: call(['ctr', *words])
    daemon = Daemon([program, '--config', base / 'containerd.toml', '--root', base / 'containerd'], base / 'containerd.log',
                    lambda: ctr('version').rc == 0, 'containerd')
    # A pause container sleeps; that is all that is asked of this image's command.
    engines.make_layout(image_tar, base / 'oci.tar', NAME, {'Cmd': ['/bin/sleep', '100000']})
    for namespace in ('default', 'k8s.io'):
        done = ctr('-n', namespace, 'images', 'import', str(base / 'oci.tar'))
        assert done.rc == 0, done
    yield daemon
    daemon.stop()


class Ctr:
    def __init__(self, runtime):
        self.runtime = runtime
        self.is_knarr = runtime == 'knarr'
        self.binary = shutil.which(runtime)

    def __call__(self, *arguments, **keywords):
        return call(['ctr', *map(str, arguments)], **keywords)

    def ok(self, *arguments, **keywords):
        done = self(*arguments, **keywords)
        assert done.rc == 0, f'{arguments}: {done}'
        return done.out

    def run_words(self, *flags):
        return ['run', '--runc-binary', self.binary, *map(str, flags)]

    def run(self, *flags, command, **keywords):
        return self(*self.run_words('--rm', *flags), NAME, f'{harness.PREFIX}-{next(COUNTER)}', *command, **keywords)

    def output(self, *flags, command, **keywords):
        done = self.run(*flags, command=command, **keywords)
        assert done.rc == 0, done
        return done.out

    def up(self, *flags, command=('sleep', '1000')):
        name = f'{harness.PREFIX}-{next(COUNTER)}'
        self.ok(*self.run_words('-d', *flags), NAME, name, *command)
        assert Path('/run/containerd/runc/default', name, 'intent.json').exists() == self.is_knarr, 'another runtime was called'
        return name

    def tasks(self):
        """{id: (pid, status)}"""
        return {words[0]: (int(words[1]), words[2]) for words in (line.split() for line in self.ok('task', 'ls').split('\n')[1:]) if words}

    def wait_stopped(self, name):
        wait_until(lambda: self.tasks()[name][1] == 'STOPPED', f'{name} stopped')


@pytest.fixture
def ctr(containerd, request):
    engine = Ctr(request.param)
    known = os.listdir('/run/containerd/runc/default') if os.path.isdir('/run/containerd/runc/default') else []
    mounts = len(harness.mounts_of())
    yield engine
    for name, (_, status) in engine.tasks().items():
        if status == 'PAUSED':
            engine('task', 'resume', name)
        engine('task', 'rm', '-f', name)
    for name in engine.ok('containers', 'ls', '-q').split():
        engine.ok('containers', 'rm', name)
    assert not [pid for pid, words in engines.below_parent().items() if words.startswith('sleep')], engines.below_parent()
    root = Path('/run/containerd/runc/default')
    assert not root.is_dir() or sorted(os.listdir(root)) == sorted(known), os.listdir(root)
    assert len(harness.mounts_of()) == mounts


def test_run(ctr):
    assert ctr.output(command=['echo', 'hello']) == 'hello\n'
    out = ctr.output('--env', 'WORD=two words', '--cwd', '/var/tmp', command=['sh', '-c', 'echo $WORD; pwd; id -u'])
    assert out == 'two words\n/var/tmp\n0\n'
    assert ctr.run(command=['sh', '-c', 'echo err >&2; exit 7']) == (7, '', 'err\n')


@pytest.mark.parametrize('command, text', [
    ('/no/such', r'OCI runtime create failed: .*exec: "/no/such": stat /no/such: no such file or directory'),
    ('nosuch', r'OCI runtime create failed: .*exec: "nosuch": executable file not found in \$PATH'),
    ('/etc', r'OCI runtime create failed: .*exec: "/etc": (permission denied|is a directory)'),
])
def test_error_texts(ctr, command, text):
    """The shim reads them from the log, which every command of the container appends to."""
    done = ctr.run(command=[command])
    assert done.rc != 0 and re.search(text, done.err), done
    if ctr.is_knarr:
        assert done.err.count('\n') == 1, done


def test_terminal(ctr):
    with Terminal(['ctr', *ctr.run_words('--rm', '-t'), NAME, f'{harness.PREFIX}-{next(COUNTER)}', 'sh'], rows=33, columns=88) as terminal:
        terminal.type('tty\n')
        terminal.expect('/dev/(pts/0|console)')
        terminal.await_size('33 88')
        terminal.type('exit 5\n')
        assert terminal.end() == 5


def test_task_life(ctr):
    name = ctr.up()
    pid, status = ctr.tasks()[name]
    assert status == 'RUNNING' and Path(f'/proc/{pid}/comm').read_text() == 'sleep\n'
    ctr.ok('task', 'pause', name)
    assert ctr.tasks()[name][1] == 'PAUSED'
    ctr.ok('task', 'resume', name)
    assert ctr.tasks()[name][1] == 'RUNNING'
    assert str(pid) in ctr.ok('task', 'ps', name)
    ctr.ok('task', 'kill', '-s', 'SIGKILL', name)
    ctr.wait_stopped(name)
    done = ctr('task', 'kill', name)
    assert done.rc != 0 and 'process already finished: not found' in done.err, done
    ctr('task', 'rm', name)
    assert name not in ctr.tasks()


def test_exec(ctr):
    name = ctr.up()
    done = ctr('task', 'exec', '--exec-id', 'one', name, 'sh', '-c', 'echo out; echo err >&2; exit 9')
    assert done == (9, 'out\n', 'err\n')
    assert ctr.ok('task', 'exec', '--exec-id', 'two', '--user', '1000', '--cwd', '/var', name, 'sh', '-c', 'id -u; pwd') == '1000\n/var\n'
    assert ctr.ok('task', 'exec', '--exec-id', 'three', name, 'cat', stdin=b'given\n' * 9000) == 'given\n' * 9000
    with Terminal(['ctr', 'task', 'exec', '-t', '--exec-id', 'four', name, 'sh'], rows=21, columns=71) as terminal:
        terminal.type('tty\n')
        terminal.expect('/dev/pts/')
        terminal.await_size('21 71')
        terminal.type('exit 4\n')
        assert terminal.end() == 4
    ctr.ok('task', 'exec', '-d', '--exec-id', 'five', name, 'sleep', '1000')
    assert len(ctr.ok('task', 'ps', name).strip().split('\n')) == 3
    for number, (command, text) in enumerate([('/no/such', 'no such file or directory'), ('nosuch', r'executable file not found in \$PATH'), ('/etc', 'permission denied|is a directory')]):
        done = ctr('task', 'exec', '--exec-id', f'bad{number}', name, command)
        assert done.rc != 0 and re.search(f'OCI runtime exec failed: .*{command}.*({text})', done.err), done


def test_flags(ctr, workdir):
    (workdir / 'file').write_text('content')
    out = ctr.output('--read-only', '--mount', f'type=bind,src={workdir},dst=/data,options=rbind:ro', '--cap-add', 'CAP_SYS_ADMIN', '--seccomp',
                     command=['sh', '-c', 'cat /data/file; for i in / /data; do touch $i/x 2>/dev/null || echo read-only; done; grep -E "Seccomp:|CapEff" /proc/self/status'])
    assert re.match(r'contentread-only\nread-only\nCapEff:\s+\w+\nSeccomp:\s+2\n$', out), out
    assert int(out.split()[3], 16) & harness.capability_mask('SYS_ADMIN')
    assert ctr.output('--privileged', command=['sh', '-c', 'mount -t tmpfs t /tmp && grep -c " /tmp " /proc/mounts']) == '1\n'
    assert ctr.output('--net-host', command=['readlink', '/proc/self/ns/net']).strip() == harness.namespace_of('self', 'net')
    (workdir / 'env').write_text('WORD=of a file\n')
    assert ctr.output('--env-file', workdir / 'env', command=['sh', '-c', 'echo $WORD']) == 'of a file\n'
    if os.path.exists('/dev/fuse'):
        assert ctr.output('--device', '/dev/fuse', command=['sh', '-c', 'test -c /dev/fuse && (: < /dev/fuse); echo $?']) == '0\n'


def test_pid_file_and_hosts_namespace(ctr, workdir):
    first = ctr.up('--pid-file', workdir / 'pid')
    pid = int((workdir / 'pid').read_text())
    assert pid == ctr.tasks()[first][0]
    second = ctr.up('--with-ns', f'pid:/proc/{pid}/ns/pid')
    assert harness.namespace_of(ctr.tasks()[second][0], 'pid') == harness.namespace_of(pid, 'pid')
    ctr.ok('task', 'kill', '-s', '9', second)
    ctr.wait_stopped(second)
    assert ctr.tasks()[first][1] == 'RUNNING'


def test_what_surrounds_it(ctr):
    """Namespaces of its own, its own cgroup, no new privileges, and what is hidden from it; so it is for what enters."""
    name = ctr.up('--env', 'WORD=given')
    pid = ctr.tasks()[name][0]
    assert [kind for kind in ('ipc', 'mnt', 'net', 'pid', 'uts') if harness.namespace_of(pid, kind) == harness.namespace_of('self', kind)] == []
    assert harness.cgroups_of(pid)['' if harness.view() == 'v2' else 'memory'] == f'/default/{name}'
    assert harness.status_of(pid)['NoNewPrivs'] == '1'
    assert engines.exposed(pid) == []
    ctr.ok('task', 'exec', '-d', '--exec-id', 'one', name, 'sleep', '1001')
    other = engines.process_of(pid, 'sleep 1001')
    assert engines.unlike(pid, other) == {}
    assert 'WORD=given' in Path(f'/proc/{other}/environ').read_text().split('\0')


def test_limits(ctr):
    harness.need_controller('memory')
    name = ctr.up('--memory-limit', str(48 << 20))
    assert cgroup_value(ctr.tasks()[name][0], 'memory', 'memory.limit_in_bytes', 'memory.max') == str(48 << 20)
    assert 'memory' in ctr.ok('task', 'metrics', name)


def test_out_of_memory(ctr):
    harness.need_controller('memory')
    assert ctr.run('--memory-limit', str(20 << 20), command=['tail', '/dev/zero']).rc == 137


def test_kill_all_on_a_shared_pid_namespace(ctr):
    """The shim ends what init left behind by kill --all on the stopped container."""
    name = ctr.up('--with-ns', f'pid:/proc/{os.getpid()}/ns/pid', command=('sh', '-c', 'sleep 801 & sleep 802; true'))
    wait_until(lambda: len([1 for words in engines.below_parent().values() if words.startswith('sleep')]) == 2, 'both sleep')
    os.kill(ctr.tasks()[name][0], 9)
    ctr.wait_stopped(name)
    wait_until(lambda: not [1 for words in engines.below_parent().values() if words.startswith('sleep')], 'both are gone')


def test_user_namespace(ctr):
    runc = shutil.which('runc') if ctr.is_knarr else None
    if runc:  # with these two ctr forgets --runc-binary, and takes what has that name
        harness.mount(ctr.binary, runc, flags=harness.MS_BIND)
    try:
        name = ctr.up('--uidmap', '0:200000:1000', '--gidmap', '0:200000:1000')
        pid = ctr.tasks()[name][0]
        maps = [Path(f'/proc/{pid}/{kind}_map').read_text().split() for kind in ('uid', 'gid')]
        assert maps == [['0', '200000', '1000'], ['0', '200000', '1000']]
        assert [harness.status_of(pid)[kind].split()[0] for kind in ('Uid', 'Gid')] == ['200000', '200000']
        assert harness.namespace_of(pid, 'user') != harness.namespace_of('self', 'user')
        ctr.ok('task', 'rm', '-f', name)
    finally:
        if runc:
            harness.umount(runc)


@pytest.fixture
def kubelet(containerd):
    """The CRI of the daemon."""
    try:
        import grpc
    except ImportError:
        lacks('python3-grpcio')
    runtime = cri.Runtime(grpc, '/run/containerd/containerd.sock')
    wait_until(runtime.ready, 'the CRI answers', 20)
    yield runtime
    runtime.close()


@pytest.fixture
def pods(kubelet, workdir, request):
    """A function that makes a sandbox on the handler of contrib's file, or on runc's; (id, its configuration)."""
    made = []

    def make(namespaces=None):
        config = kubelet.sandbox_config(f'pod{len(made)}', workdir, namespaces)
        made.append(kubelet.run_sandbox(config, request.param))
        return made[-1], config
    yield make
    for sandbox in made:
        kubelet.remove_sandbox(sandbox)
    root = Path('/run/containerd/runc/k8s.io')
    wait_until(lambda: not root.is_dir() or not os.listdir(root), 'no state is left', 10)


@pytest.fixture
def pod(pods):
    return pods()


def kubelet_pids():
    """{id: pid} of the tasks that the CRI has made."""
    return {words[0]: int(words[1]) for words in (line.split() for line in call(['ctr', '-n', 'k8s.io', 'task', 'ls']).out.split('\n')[1:]) if words}


def container_config(name, command, **fields):
    numbers = {'envs': 6, 'mounts': 7, 'log_path': 11, 'tty': 14, 'linux': 15}
    return {1: {1: name}, 2: {1: NAME}, 3: list(command), **{numbers[key]: value for key, value in fields.items()}}


def test_cri_pod(kubelet, pod, workdir):
    sandbox, config = pod
    (workdir / 'file').write_text('content')
    one = kubelet.create(sandbox, config, container_config(
        'one', ['sh', '-c', 'echo begun with $WORD; trap "exit 3" TERM; while :; do sleep 0.1; done'], envs=[{1: 'WORD', 2: 'two words'}],
        mounts=[{1: '/data', 2: str(workdir), 3: 1}], log_path='one.log'))
    assert kubelet.status(one)[0] == cri.CREATED
    kubelet.start(one)
    assert kubelet.status(one)[0] == cri.RUNNING
    assert kubelet.execute(one, 'sh', '-c', 'echo $WORD; cat /data/file; exit 6') == (6, 'two words\ncontent', '')
    assert kubelet.execute(one, 'readlink', '/proc/self/ns/net')[1].strip() == harness.namespace_of('self', 'net')
    assert kubelet.execute(one, 'touch', '/data/x')[0] == 1
    wait_until(lambda: 'begun with two words' in (workdir / 'one.log').read_text(), 'the log')
    kubelet.stop(one, 10)
    assert kubelet.status(one)[:2] == (cri.EXITED, 3)
    kubelet.remove(one)


def test_cri_runs_on_the_handler(kubelet, pod, request):
    sandbox, _ = pod
    shown = json.loads(call([shutil.which(request.node.callspec.params['pods']), '--root', '/run/containerd/runc/k8s.io', 'state', sandbox]).out)
    assert (shown['status'], shown['pid']) == ('running', kubelet_pids()[sandbox])


def test_cri_what_cannot_start(kubelet, pod):
    sandbox, config = pod
    one = kubelet.create(sandbox, config, container_config('one', ['/no/such']))
    with pytest.raises(kubelet.grpc.RpcError) as raised:
        kubelet.start(one)
    assert 'exec: "/no/such": stat /no/such: no such file or directory' in raised.value.details()
    state, status, reason, message = kubelet.status(one)
    assert (state, status, reason) == (cri.EXITED, 128, 'StartError') and '/no/such' in message
    kubelet.remove(one)


def test_cri_security(kubelet, pod):
    """What a pod's securityContext says, of the container and of what is executed in it."""
    sandbox, config = pod
    context = {1: {1: ['NET_ADMIN'], 2: ['CHOWN']}, 5: {1: 1000}, 7: 1, 8: [77, 78], 11: 1, 12: {1: 63}, 13: list(engines.MASKED), 14: list(engines.PROTECTED), 15: {1: 0}}
    one = kubelet.create(sandbox, config, container_config('one', ['sleep', '1000'], linux={1: {5: 500}, 2: context}))
    kubelet.start(one)
    pids = kubelet_pids()
    status = harness.status_of(pids[one])
    assert [status['Uid'].split()[0], status['Gid'].split()[0], status['NoNewPrivs'], status['Seccomp'], int(status['CapEff'], 16)] == ['1000', '63', '1', '2', 0]
    assert set(status['Groups'].split()) >= {'77', '78'} and Path(f'/proc/{pids[one]}/oom_score_adj').read_text() == '500\n'
    assert int(status['CapBnd'], 16) & harness.capability_mask('NET_ADMIN', 'CHOWN', 'KILL') == harness.capability_mask('NET_ADMIN', 'KILL')
    assert 'ro' in harness.mount_at(pids[one], '/').options and engines.exposed(pids[one]) == []
    shared = {kind: harness.namespace_of(pids[one], kind) == harness.namespace_of(pids[sandbox], kind) for kind in ('ipc', 'mnt', 'net', 'pid', 'uts')}
    assert shared == {'ipc': True, 'mnt': False, 'net': True, 'pid': True, 'uts': True}
    assert call(['ctr', '-n', 'k8s.io', 'task', 'exec', '-d', '--exec-id', 'two', one, 'sleep', '1001']).rc == 0
    assert engines.unlike(pids[one], engines.process_of(pids[one], 'sleep 1001')) == {}
    kubelet.stop(one)
    kubelet.remove(one)


def test_cri_exec_timeout(kubelet, pod):
    """A probe that takes too long is told of, and its process is ended."""
    sandbox, config = pod
    one = kubelet.create(sandbox, config, container_config('one', ['sleep', '1000']))
    kubelet.start(one)
    with pytest.raises(kubelet.grpc.RpcError) as raised:
        kubelet.execute(one, 'sleep', '1001', seconds=1)
    assert raised.value.code() == kubelet.grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: 'sleep 1001' not in kubelet.execute(one, 'ps', '-o', 'args')[1], 'it is gone')
    assert kubelet.status(one)[0] == cri.RUNNING
    kubelet.stop(one)
    kubelet.remove(one)


def test_cri_out_of_memory(kubelet, pod):
    harness.need_controller('memory')
    sandbox, config = pod
    one = kubelet.create(sandbox, config, container_config('one', ['tail', '/dev/zero'], linux={1: {4: 20 << 20}}))
    kubelet.start(one)
    wait_until(lambda: kubelet.status(one)[0] == cri.EXITED, 'it was killed', 20)
    assert kubelet.status(one)[1] == 137
    kubelet.remove(one)


def test_cri_update(kubelet, pod):
    harness.need_controller('memory')
    sandbox, config = pod
    one = kubelet.create(sandbox, config, container_config('one', ['sleep', '1000'], linux={1: {4: 64 << 20}}))
    kubelet.start(one)
    kubelet.call('UpdateContainerResources', {1: one, 2: {3: 300, 4: 96 << 20}})
    pid = kubelet_pids()[one]
    assert cgroup_value(pid, 'memory', 'memory.limit_in_bytes', 'memory.max') == str(96 << 20)
    if harness.view() == 'v1':
        assert cgroup_value(pid, 'cpu', 'cpu.shares', '') == '300'
    kubelet.stop(one)
    kubelet.remove(one)


def need_second():
    if not is_second():
        lacks('containerd 2')


def test_cri_what_the_handler_can(kubelet):
    """containerd asks `knarr features`, and tells the kubelet."""
    need_second()
    handlers = {}
    for data in kubelet.call('Status', {})[3]:
        handler = cri.decode(data)
        features = cri.decode(handler.get(2, [b''])[0])
        handlers[handler.get(1, [b''])[0].decode()] = (features.get(1, [0])[0], features.get(2, [0])[0])
    assert handlers['knarr'] == (1, 1), handlers  # recursive read-only mounts, user namespaces


def test_cri_recursive_read_only_mount(kubelet, pod, workdir):
    need_second()
    sandbox, config = pod
    (workdir / 'volume/inner').mkdir(parents=True)
    harness.mount('tmpfs', workdir / 'volume/inner', 'tmpfs')
    mounts = [{1: '/all', 2: str(workdir / 'volume'), 3: 1, 8: 1}, {1: '/top', 2: str(workdir / 'volume'), 3: 1}]
    one = kubelet.create(sandbox, config, container_config('one', ['sleep', '1000'], mounts=mounts))
    kubelet.start(one)
    code, _, words = kubelet.execute(one, 'touch', '/all/inner/x')
    assert code == 1 and 'Read-only file system' in words
    assert kubelet.execute(one, 'touch', '/top/inner/x')[0] == 0
    assert kubelet.execute(one, 'touch', '/top/x')[0] == 1
    kubelet.stop(one)
    kubelet.remove(one)


def test_cri_user_namespace(kubelet, pods, workdir):
    """hostUsers: false. Sandbox and containers are in one user namespace, volumes are mapped, and so is the root."""
    need_second()
    ids = {1: 300000, 2: 0, 3: 65536}
    users = {5: {1: 0, 2: [ids], 3: [ids]}}
    sandbox, config = pods(users)
    (workdir / 'file').write_text('content')
    (workdir / 'file').chmod(0o600)
    one = kubelet.create(sandbox, config, container_config(
        'one', ['sleep', '1000'], mounts=[{1: '/data', 2: str(workdir), 6: [ids], 7: [ids]}], linux={2: {3: users}}))
    kubelet.start(one)
    assert kubelet.execute(one, 'cat', '/proc/self/uid_map')[1].split() == ['0', '300000', '65536']
    assert kubelet.execute(one, 'sh', '-c', 'stat -c %u:%g /bin/busybox /data/file; cat /data/file; touch /x /data/made') == (0, '0:0\n0:0\ncontent', '')
    assert (workdir / 'made').stat().st_uid == 0
    pids = kubelet_pids()
    for kind in ('user', 'net', 'ipc', 'uts'):
        assert harness.namespace_of(pids[one], kind) == harness.namespace_of(pids[sandbox], kind) != harness.namespace_of('self', kind), kind
    assert harness.status_of(pids[one])['Uid'].split()[0] == '300000'
    assert 'eth0' in kubelet.execute(one, 'ls', '/sys/class/net')[1].split()
    kubelet.stop(one)
    kubelet.remove(one)
