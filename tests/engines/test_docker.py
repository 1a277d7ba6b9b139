# SPDX-License-Identifier: Apache-2.0
"""docker on the default runtime of contrib's daemon.json: nothing is said to a container, all run on knarr."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

import engines
import harness
from engines import CONTRIB, Client, Daemon, call, cgroup_value, lacks, wait_until

IMAGE = 'busybox:1'


@pytest.fixture(scope='session')
def dockerd(machine, base, image_tar):
    """The daemon, without a network of its own: that would change the machine's."""
    program = engines.known_to((), 'dockerd')
    client = '/usr/bin/docker' if os.path.exists('/usr/bin/docker') else engines.known_to((), 'docker')
    os.makedirs('/run/docker', exist_ok=True)
    try:
        daemon = Daemon([program, '--config-file', CONTRIB / 'docker/daemon.json', '--data-root', base / 'docker', '--iptables=false', '--ip6tables=false', '--bridge=none'],
                        base / 'dockerd.log', lambda: call([client, 'version']).rc == 0, 'dockerd')
    except AssertionError as failed:
        if 'Devices cgroup isn' in str(failed) or 'cgroups: cgroup mountpoint does not exist' in str(failed):
            lacks('the cgroups that dockerd asks for')
        raise
    done = call([client, 'import', '-c', 'CMD ["/bin/sh"]', image_tar, IMAGE])
    assert done.rc == 0, done
    yield client
    daemon.stop()


class Docker(Client):
    """docker on one runtime: the default of contrib's file, or another that is named for each container."""

    def __init__(self, client, runtime):
        super().__init__(client)
        self.runtime = runtime

    def words(self, verb, *arguments):
        named = [] if self.runtime == 'knarr' or verb not in ('run', 'create') else ['--runtime', self.runtime]
        return super().words(verb, *named, *arguments)

    def up(self, *arguments, command=('sleep', '1000')):
        return self.ok('run', '-d', '--name', 'one', *arguments, IMAGE, *command).strip()

    def inspect(self, what):
        return self.ok('inspect', '--format', '{{' + what + '}}', 'one').strip()

    def pid(self):
        return int(self.inspect('.State.Pid'))


def own_mounts():
    """docker keeps a handle of the host's network namespace once it has been asked for."""
    return sorted(entry.target for entry in harness.mounts_of() if not entry.target.startswith('/run/docker/netns/'))


@pytest.fixture
def docker(dockerd, request):
    engine = Docker(dockerd, request.param)
    before = engines.below_parent().keys()
    mounts = own_mounts()
    yield engine
    left = engine.ok('ps', '-aq').split()
    if left:
        engine.ok('rm', '-f', *left)
    engine.ok('volume', 'prune', '-f')
    wait_until(lambda: not [words for pid, words in engines.below_parent().items() if pid not in before and not words.startswith(('dockerd', 'containerd '))],
               'no process is left')
    root = Path('/run/docker/runtime-runc/moby')
    assert not root.is_dir() or not os.listdir(root), os.listdir(root)
    assert own_mounts() == mounts


@pytest.mark.knarr
def test_knarr_is_the_default(docker):
    known = json.loads(docker.ok('info', '--format', '{{json .}}'))
    assert known['DefaultRuntime'] == 'knarr' and known['Runtimes']['knarr']['path'] == '/usr/local/bin/knarr'
    name = docker.up()
    assert docker.inspect('.HostConfig.Runtime') == 'knarr'
    shown = call(['/usr/local/bin/knarr', '--root', '/run/docker/runtime-runc/moby', 'state', name])
    assert json.loads(shown.out)['pid'] == docker.pid()


def test_run(docker):
    assert docker('run', '--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2; exit 7') == (7, 'out\n', 'err\n')
    assert docker.run('-i', IMAGE, 'cat', stdin=b'given\n' * 9000) == 'given\n' * 9000
    out = docker.run('-e', 'WORD=two words', '-w', '/made/here', '-u', '1000:63', '-h', 'ship', IMAGE, 'sh', '-c', 'echo $WORD; pwd; id -u; id -g; hostname')
    assert out == 'two words\n/made/here\n1000\n63\nship\n'


@pytest.mark.parametrize('command, rc, text', [
    ('/no/such', 127, r'OCI runtime create failed: .*exec: "/no/such": stat /no/such: no such file or directory'),
    ('nosuch', 127, r'OCI runtime create failed: .*exec: "nosuch": executable file not found in \$PATH'),
    ('/etc', 126, r'OCI runtime create failed: .*exec: "/etc": (is a directory: unknown: )?permission denied'),  # runc from 1.1.15 on
    ('/etc/passwd', 126, r'OCI runtime create failed: .*exec: "/etc/passwd": permission denied'),
])
def test_a_command_that_cannot_run(docker, command, rc, text):
    done = docker('run', '--rm', IMAGE, command)
    assert done.rc == rc and re.search(text, done.err), done
    docker.up()
    done = docker('exec', 'one', command)
    assert done.rc in (126, rc) and re.search(text.replace('create', 'exec'), done.out + done.err), done  # docker 20 has 126 for all


def test_mount_a_file_onto_a_directory(docker, workdir):
    """docker adds its own advice to "not a directory"."""
    (workdir / 'file').write_text('content')
    done = docker('run', '--rm', '-v', f'{workdir}/file:/etc', IMAGE, 'true')
    assert done.rc in (125, 127) and 'Are you trying to mount a directory onto a file (or vice-versa)?' in done.err, done


def test_terminal_and_resize(docker):
    with docker.terminal('run', '--rm', '-it', IMAGE, 'sh', rows=31, columns=97) as terminal:
        terminal.expect('#')
        terminal.await_size('31 97')
        terminal.resize(18, 64)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.await_size('18 64')
        terminal.type('exit 8\n')
        assert terminal.end() == 8


def test_exec(docker):
    docker.up('-e', 'OUTER=1')
    assert docker('exec', '-e', 'INNER=2', '-u', '1000', '-w', '/var', 'one', 'sh', '-c', 'echo $OUTER$INNER; id -u; pwd; echo err >&2; exit 6') == (6, '12\n1000\n/var\n', 'err\n')
    assert docker.ok('exec', '-i', 'one', 'cat', stdin=b'given\n') == 'given\n'
    docker.ok('exec', '-d', 'one', 'sh', '-c', 'touch /tmp/there; exec sleep 900')
    wait_until(lambda: 'sleep 900' in docker.ok('top', 'one'), 'the detached process')
    with docker.terminal('exec', '-it', 'one', 'sh') as terminal:
        terminal.type('tty; exit 4\n')
        terminal.expect('/dev/pts/')
        assert terminal.end() == 4


def test_what_surrounds_a_container(docker):
    """Namespaces of its own, what is hidden from it, its devices; so it is for what enters, and no directory is made for that."""
    docker.up('--cap-drop', 'CHOWN', '--ulimit', 'nofile=99:100', '--oom-score-adj', '500', '--group-add', '1234')
    pid = docker.pid()
    assert [kind for kind in ('ipc', 'mnt', 'pid', 'uts') if harness.namespace_of(pid, kind) == harness.namespace_of('self', kind)] == []
    assert engines.exposed(pid) == []
    docker.ok('exec', '-d', 'one', 'sleep', '1001')
    assert engines.unlike(pid, engines.process_of(pid, 'sleep 1001')) == {}
    done = docker('exec', '-w', '/no/such', 'one', 'pwd')
    assert done.rc in (126, 127) and re.search('/no/such.*[Nn]o such file or directory', done.out + done.err), done
    assert docker('exec', 'one', 'ls', '/no').rc == 1


def test_life(docker):
    docker.up(command=('sh', '-c', 'echo begun; trap "exit 9" TERM; while :; do sleep 0.1; done'))
    wait_until(lambda: docker.ok('logs', 'one') == 'begun\n', 'the log')
    docker.ok('pause', 'one')
    assert docker.inspect('.State.Status') == 'paused'
    done = docker('exec', 'one', 'true')
    assert done.rc != 0 and 'paused' in done.err
    docker.ok('unpause', 'one')
    docker.ok('stop', '-t', '10', 'one')
    assert docker.inspect('.State.ExitCode') == '9'
    docker.ok('start', 'one')
    docker.ok('restart', '-t', '0', 'one')
    docker.ok('kill', '-s', 'KILL', 'one')
    wait_until(lambda: docker.inspect('.State.ExitCode') == '137', 'it was killed')


def test_mounts(docker, workdir):
    (workdir / 'file').write_text('content')
    out = docker.run('--read-only', '-v', f'{workdir}:/data:ro', '--tmpfs', '/scratch:size=64k', '-v', 'named:/named', '--mount', 'type=tmpfs,dst=/other,tmpfs-mode=1770', IMAGE,
                     'sh', '-c', 'cat /data/file; touch /scratch/x /named/x /other/x && touch /x 2>/dev/null || echo read-only; touch /data/x 2>/dev/null || echo so is this; stat -c %a /other')
    assert out == 'contentread-only\nso is this\n1770\n'


def test_isolation(docker):
    out = docker.run('--cap-drop', 'ALL', '--cap-add', 'NET_RAW', '--security-opt', 'no-new-privileges', '--ulimit', 'nofile=100:200', '--sysctl', 'kernel.msgmax=4096', '--shm-size', '128k',
                     '--group-add', '1234', IMAGE, 'sh', '-c', 'grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; ulimit -n; ulimit -Hn; cat /proc/sys/kernel/msgmax; id -G; grep " /dev/shm " /proc/mounts')
    assert re.search(r'CapEff:\s+0+2000\nNoNewPrivs:\s+1\nSeccomp:\s+2\n100\n200\n4096\n', out) and '1234' in out and 'size=128k' in out, out
    assert docker.run('--privileged', IMAGE, 'sh', '-c', 'mount -t tmpfs t /tmp && grep -c " /tmp " /proc/mounts') == '1\n'
    if shutil.which('docker-init'):
        assert docker.run('--init', IMAGE, 'sh', '-c', 'echo $$') != '1\n'
    out = docker.run('--pid=host', '--network=host', '--uts=host', '--ipc=host', '--cgroupns=host', IMAGE, 'sh', '-c', 'for n in pid net uts ipc cgroup; do readlink /proc/self/ns/$n; done')
    assert out.split() == [harness.namespace_of('self', kind) for kind in ('pid', 'net', 'uts', 'ipc', 'cgroup')]


def test_network_namespace(docker):
    """docker learns of it by a hook, and keeps it where inspect says."""
    docker.up('--network', 'none')
    assert os.stat(docker.inspect('.NetworkSettings.SandboxKey')).st_ino == os.stat(f'/proc/{docker.pid()}/ns/net').st_ino != os.stat('/proc/self/ns/net').st_ino


def test_device_permissions(docker):
    device, *_ = engines.a_device()
    assert docker.run('--device', f'{device}:/dev/it:r', IMAGE, 'sh', '-c', engines.OPENED) == '0\n1\n'


def test_limits_and_update(docker):
    harness.need_controller('memory')
    docker.up('--memory', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '50', '--cpuset-cpus', '0')
    limit = lambda: cgroup_value(docker.pid(), 'memory', 'memory.limit_in_bytes', 'memory.max')
    pids = lambda: cgroup_value(docker.pid(), 'pids', 'pids.max', 'pids.max')
    assert (limit(), pids()) == (str(64 << 20), '50')
    swap = harness.controller_file(docker.pid(), 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max')
    none = {'v1': 64 << 20, 'v2': 0}[harness.view()]  # v1 counts it together with the memory
    assert not swap.exists() or swap.read_text() == f'{none}\n'
    if harness.view() == 'v1':
        quota = [cgroup_value(docker.pid(), 'cpu', f'cpu.cfs_{name}_us', '') for name in ('quota', 'period')]
        assert quota == ['50000', '100000']
    else:
        assert cgroup_value(docker.pid(), 'cpu', '', 'cpu.max') == '50000 100000'
    assert docker.ok('exec', 'one', 'nproc') == '1\n'
    assert '/ 64MiB' in docker.ok('stats', '--no-stream', 'one')
    docker.ok('update', '--memory', '96m', '--memory-swap', '96m', '--pids-limit', '60', 'one')
    assert (limit(), pids()) == (str(96 << 20), '60')
    assert not swap.exists() or swap.read_text() == f'{none and 96 << 20}\n'


def test_out_of_memory(docker):
    harness.need_controller('memory')
    done = docker('run', '--name', 'one', '--memory', '20m', '--memory-swap', '20m', IMAGE, 'tail', '/dev/zero')
    assert done.rc == 137 and docker.inspect('.State.OOMKilled') == 'true', done


def test_health(docker):
    docker.up('--health-cmd', 'test -f /tmp/well', '--health-interval', '300ms', '--health-retries', '1')
    wait_until(lambda: docker.inspect('.State.Health.Status') == 'unhealthy', 'unhealthy')
    docker.ok('exec', 'one', 'touch', '/tmp/well')
    wait_until(lambda: docker.inspect('.State.Health.Status') == 'healthy', 'healthy')


def test_restart_policy(docker):
    docker.up('--restart', 'on-failure:2', command=('sh', '-c', 'echo try; exit 3'))
    wait_until(lambda: docker.ok('logs', 'one').count('try') == 3 and docker.inspect('.State.Status') == 'exited', 'three tries', 20)


@pytest.mark.knarr
def test_build(docker, workdir):
    (workdir / 'Dockerfile').write_text(f'FROM {IMAGE}\nWORKDIR /work\nRUN echo $$ > file\nUSER 1000\nRUN id -u > /tmp/who\nCMD ["cat", "/work/file", "/tmp/who"]\n')
    docker.ok('build', '--network', 'none', '-q', '-t', 'made', workdir, env={'DOCKER_BUILDKIT': '0'})
    assert docker.run('made') == '1\n1000\n'
    docker.ok('rmi', 'made')


def test_attach_and_copy(docker, workdir):
    docker.up('-it', command=('sh',))
    with docker.terminal('attach', 'one') as terminal:
        terminal.type('echo to $((40 + 2))\n')
        terminal.expect('to 42')
        terminal.type('\x10')
        time.sleep(0.2)
        terminal.type('\x11')
        terminal.end()
    assert docker.inspect('.State.Status') == 'running'
    (workdir / 'file').write_text('content')
    docker.ok('cp', workdir / 'file', 'one:/tmp/file')
    assert docker.ok('exec', 'one', 'cat', '/tmp/file') == 'content'


def test_twenty_containers(docker):
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda number: docker('run', '--rm', IMAGE, 'sh', '-c', f'echo {number}; exit {number}', timeout=100), range(20)))
    assert [(done.rc, done.out) for done in results] == [(number, f'{number}\n') for number in range(20)]
