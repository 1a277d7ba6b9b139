# SPDX-License-Identifier: Apache-2.0
"""exec: one more process has all that the container's configuration says of processes, and nothing else."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import fuse
import harness
import pytest
from harness import capability_mask, cgroups_of, namespace_of, status_of, wait_until

pytestmark = pytest.mark.knarr
NAMESPACES = ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts')


@pytest.fixture
def up(container):
    """A function: a running container, whose config a function may change before."""
    def make(change=None, **process):
        c = container(**process)
        if change:
            change(c.config)
        return c.up()
    return make


def execute(c, *words, **keywords):
    return c.runtime('exec', *words, **keywords)


def detached(c, *flags, program=('sleep', '1000')):
    """A detached process and its pid, as an engine learns of it."""
    pid_file = c.bundle.path / f'pid{time.monotonic_ns()}'
    c.runtime.ok('exec', '--detach', '--pid-file', pid_file, *flags, c.id, *program)
    content = pid_file.read_bytes()
    assert content.isdigit()
    return int(content)


def test_output_and_status(up):
    c = up()
    assert execute(c, c.id, 'sh', '-c', 'echo out; echo err >&2; exit 7') == (7, 'out\n', 'err\n')
    assert execute(c, c.id, 'cat', stdin=b'through a pipe') == (0, 'through a pipe', '')
    assert execute(c, c.id, 'sh', '-c', 'kill -9 $$').rc == 128 + signal.SIGKILL


def test_into_all_namespaces_and_cgroups(up):
    c = up()
    pid = detached(c)
    for kind in NAMESPACES:
        assert namespace_of(pid, kind) == namespace_of(c.pid, kind), kind
    assert cgroups_of(pid) == cgroups_of(c.pid)
    assert os.readlink(f'/proc/{pid}/root') == '/'
    os.kill(pid, signal.SIGKILL)


def test_user_namespace(up):
    def change(config):
        config['linux']['namespaces'].append({'type': 'user'})
        for kind in ('uidMappings', 'gidMappings'):
            config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    c = up(change)
    pid = detached(c)
    assert status_of(pid)['Uid'].split() == ['100000'] * 4
    assert namespace_of(pid, 'user') == namespace_of(c.pid, 'user') != namespace_of('self', 'user')
    assert execute(c, '--user', '5:6', c.id, 'id').out.split()[:2] == ['uid=5', 'gid=6']
    os.kill(pid, signal.SIGKILL)


def test_the_runtime_in_a_chroot(up, workdir):
    """The topmost root of the mount namespace is the host's then; the container's is not."""
    c = up()
    folder = workdir / 'chroot'
    folder.mkdir()
    script = 'mount --rbind / "$1" && R=$2 && shift 2 && exec chroot "$R" "$@"'

    name = f'{c.id}-chroot'
    command = c.runtime.command('run', '--detach', '--bundle', c.bundle.path, name)
    # The container keeps the streams: no pipe of ours may be among them.
    subprocess.run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', folder, folder, *command],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=True)
    try:
        assert execute(c, name, 'ls', '/bin/busybox') == (0, '/bin/busybox\n', '')
        assert execute(c, name, 'ls', '/usr').rc == 1
    finally:
        c.runtime.ok('delete', '--force', name)


def test_init_in_a_chroot(up):
    """A server that has locked itself up: what is executed is at the root of the container all the same."""
    def change(config):
        config['root']['readonly'] = False
        for names in config['process']['capabilities'].values():
            names.append('CAP_SYS_CHROOT')
    c = up(change, args=['sh', '-c', 'mkdir /jail && cp /bin/busybox /jail && exec chroot /jail /busybox sleep 1000'])
    wait_until(lambda: os.path.exists(f'/proc/{c.pid}/root/busybox'), 'init in its jail')
    assert execute(c, c.id, 'ls', '-d', '/jail/busybox', '/proc/self') == (0, '/jail/busybox\n/proc/self\n', '')
    assert execute(c, '--cwd', '/jail', '-u', '1000', c.id, 'pwd') == (0, '/jail\n', '')


def test_shared_namespaces(up):
    c = up(lambda config: config['linux'].update(namespaces=[{'type': 'mount'}]) or config.pop('hostname', None))
    pid = detached(c)
    for kind in NAMESPACES:
        assert namespace_of(pid, kind) == namespace_of(c.pid, kind), kind
    assert execute(c, c.id, 'cat', '/etc/hostname').rc == 1  # not the host's root
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize('kinds', [['net'], ['net', 'ipc', 'uts']])
def test_the_runtime_in_namespaces_of_the_container(up, kinds):
    """What was made for the container is joined without a look, also by who is in it already."""
    c = up()
    inside = ['nsenter', '-t', str(c.pid), *(f'--{kind}' for kind in kinds)]
    script = 'for kind in "$@"; do readlink /proc/self/ns/$kind; done'
    command = c.runtime.command('exec', c.id, 'sh', '-c', script, 'sh', *NAMESPACES)
    done = subprocess.run([*inside, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.split() == [namespace_of(c.pid, kind) for kind in NAMESPACES], done


def test_nothing_runs_without_its_pid_file(up, workdir):
    """The program waits for what is to be done before it, and is not started when that fails."""
    c = up(lambda config: config['root'].update(readonly=False))
    done = execute(c, '--pid-file', workdir / 'missing/pid', c.id, 'touch', '/ran')
    assert done.rc == 255 and 'open the directory of pid file' in done.err
    assert execute(c, c.id, 'ls', '/ran').rc == 1
    assert execute(c, '--pid-file', workdir / 'pid', c.id, 'touch', '/ran') == (0, '', '')
    assert execute(c, c.id, 'ls', '/ran') == (0, '/ran\n', '')


@pytest.mark.parametrize('score', [None, 500])
def test_oom_score_before_the_program(up, score):
    """It is set from outside, on a process that waits for it; without one there is nothing to wait for."""
    c = up(lambda config: config['process'].pop('oomScoreAdj', None) if score is None else config['process'].update(oomScoreAdj=score))
    own = Path('/proc/self/oom_score_adj').read_text()
    for _ in range(5):
        assert execute(c, c.id, 'cat', '/proc/self/oom_score_adj').out == (own if score is None else f'{score}\n')


@pytest.mark.parametrize('nnp', [True, False])
def test_privileges_are_the_containers(up, nnp):
    names = ['CAP_CHOWN', 'CAP_KILL']
    c = up(noNewPrivileges=nnp, capabilities={kind: names for kind in ('bounding', 'effective', 'permitted')})
    status = status_of(pid := detached(c))
    assert int(status['NoNewPrivs']) == nnp
    mask = capability_mask(*names)
    assert [int(status[key], 16) for key in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')] == [0, mask, mask, mask, 0]
    os.kill(pid, signal.SIGKILL)


def test_cap_is_added_but_never_inheritable(up):
    c = up(capabilities={kind: ['CAP_CHOWN'] for kind in ('bounding', 'effective', 'permitted')})
    status = status_of(pid := detached(c, '--cap', 'CAP_KILL', '--cap', 'CAP_NET_RAW'))
    mask = capability_mask('CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW')
    assert [int(status[key], 16) for key in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')] == [0, mask, mask, mask, 0]
    os.kill(pid, signal.SIGKILL)


def test_seccomp_is_the_containers(up):
    def change(config):
        config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
            {'names': ['chmod', 'fchmod', 'fchmodat'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 95}]}
    c = up(change)
    status = status_of(pid := detached(c))
    assert status['Seccomp'] == '2'
    done = execute(c, c.id, 'chmod', '777', '/tmp')
    assert done.rc == 1 and 'Not supported' in done.err.replace('Operation not supported', 'Not supported')
    os.kill(pid, signal.SIGKILL)


def test_rlimits_are_the_containers(up):
    c = up(rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 77, 'hard': 99}])
    assert execute(c, c.id, 'sh', '-c', 'ulimit -Sn; ulimit -Hn').out.split() == ['77', '99']


def test_flags_about_the_process(up):
    c = up(env=['PATH=/bin', 'A=1'])
    done = execute(c, '--env', 'A=2,3', '-e', 'B=x y', '--cwd', '/tmp', '-u', '12:34', '-g', '56', '-g', '78', c.id,
                   'sh', '-c', 'echo "$A|$B|$PWD"; id -u; id -g; id -G')
    assert done == (0, '2,3|x y|/tmp\n12\n34\n34 56 78\n', '')
    assert execute(c, '--user', '12', c.id, 'sh', '-c', 'id -u; id -g').out.split() == ['12', '0']
    assert execute(c, '-eA=B=C', '-u12:34', c.id, 'sh', '-c', 'echo $A; id -g') == (0, 'B=C\n34\n', '')


@pytest.mark.parametrize('flag', ['apparmor', 'console-socket', 'cwd', 'pid-file', 'pidfd-socket', 'process', 'process-label'])
def test_empty_is_not_given(up, flag):
    """What a script's unset variable makes of an option."""
    c = up(cwd='/tmp')
    assert execute(c, f'--{flag}=', c.id, 'pwd') == (0, '/tmp\n', '')


@pytest.mark.parametrize('containers', [False, True])
def test_no_new_privs_both_ways(up, containers):
    c = up(noNewPrivileges=containers)
    for flags, wanted in ([], containers), (['--no-new-privs'], True), (['--no-new-privs=true'], True), (['--no-new-privs=false'], False):
        done = execute(c, *flags, c.id, 'grep', 'NoNewPrivs', '/proc/self/status')
        assert done.out.split() == ['NoNewPrivs:', str(int(wanted))], (flags, done)


@pytest.mark.parametrize('files', range(4, 16))
def test_too_few_files_are_not_a_dead_container(up, files):
    """What the runtime cannot look at for want of descriptors is not taken for what it would have seen."""
    c = up()
    command = ['sh', '-c', f'ulimit -Sn {files}; exec "$@"', 'sh', *map(str, c.runtime.command('exec', c.id, 'true'))]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, '') or (done.returncode == 255 and 'Too many open files' in done.stderr), done


def test_options_end_at_the_id(up):
    c = up()
    assert execute(c, c.id, 'echo', '--env', '-d', '--help').out == '--env -d --help\n'


@pytest.mark.parametrize('user', ['4294967295', '4294967296', '-1', '99999999999999999999', '1000x', '', '0x10', ' 1', '+1', '1:', ':1',
                                  '1:4294967296', '1:-1'])
def test_bad_users(up, user):
    c = up()
    done = execute(c, '--user', user, c.id, 'id')
    assert done.rc == 255 and done.out == '' and 'id' in done.err and done.err.count('\n') == 1, done


JUMPS = 'leads through a link of /proc that jumps, or a loop of links (such a link could lead out of the container)'
NOBODY = 'leads through a link of /proc to the process that follows it, which is none of that pid namespace here'


@pytest.mark.parametrize('cwd,words', [
    ('/proc/1/cwd', JUMPS), ('/proc/1/root/tmp', JUMPS), ('/proc/1/ns/mnt', JUMPS), ('/jump', JUMPS),
    ('/proc/self', NOBODY), ('/proc/self/cwd', NOBODY), ('/proc/self/fd/3', NOBODY), ('/proc/thread-self/root', NOBODY), ('/me/fd', NOBODY),
    ('/bin/busybox', 'Not a directory'), ('/proc/nosuch', 'No such file or directory')])
def test_bad_cwd(up, cwd, words):
    c = up()
    (c.rootfs / 'jump').symlink_to('/proc/1/root/etc')
    (c.rootfs / 'me').symlink_to('proc/self')
    done = execute(c, '--cwd', cwd, c.id, 'pwd')
    assert (done.rc, done.out) == (255, '') and cwd in done.err and words in done.err and done.err.count('\n') == 1, done


def test_missing_cwd(up):
    """create makes a missing one, exec does not: nothing in the container is changed by a word that was mistyped."""
    c = up()
    done = execute(c, '--cwd', '/tmp/nosuch', c.id, 'pwd')
    assert (done.rc, done.out) == (255, '') and 'change to directory /tmp/nosuch: No such file or directory (ENOENT)' in done.err, done
    assert not (c.rootfs / 'tmp/nosuch').exists()


def test_relative_cwd(up):
    c = up()
    assert execute(c, '--cwd', 'relative', c.id, 'pwd') == (255, '', 'knarr: --cwd relative: that is not an absolute path\n')


def test_process_file(up, workdir):
    c = up()
    path = workdir / 'process.json'
    path.write_text(json.dumps({'cwd': '/tmp', 'args': ['sh', '-c', 'pwd; id -u; id -g; echo $X; echo $A'], 'env': ['PATH=/bin', 'X=y'],
                                'user': {'uid': 3, 'gid': 4}}))
    assert execute(c, '--process', path, c.id) == (0, '/tmp\n3\n4\ny\n\n', '')


def test_process_from_a_pipe(up, workdir):
    """As shells hand down <(...), and from standard input."""
    c = up()
    (workdir / 'process.json').write_text(json.dumps({'cwd': '/', 'args': ['echo', 'from a pipe'], 'env': ['PATH=/bin']}))
    quoted = ' '.join(f"'{word}'" for word in c.runtime.command('exec', '--process'))
    for line in (f"{quoted} <(cat {workdir}/process.json) {c.id}", f"cat {workdir}/process.json | {quoted} /dev/stdin {c.id}"):
        done = subprocess.run(['bash', '-c', line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, 'from a pipe\n', ''), done
    done = execute(c, '--process', workdir, c.id)
    assert done == (255, '', f'knarr: read --process {workdir}: Is a directory (EISDIR)\n')


@pytest.mark.parametrize('text,wanted', [
    ('{"cwd": "/", "args": ["x"], "user": {"uid": -1}}', 'process.json:1:45: user.uid: -1 is not a valid user id'),
    ('{"cwd": 7}', 'process.json:1:9: cwd: expected a string, not a number'),
    ('{"cwd": "/"}', 'args'),
    ('{', 'process.json:1:'),
])
def test_bad_process_files(up, workdir, text, wanted):
    c = up()
    path = workdir / 'process.json'
    path.write_text(text)
    done = execute(c, '--process', path, c.id)
    assert done.rc == 255 and wanted in done.err and done.err.count('\n') == 1, done


@pytest.mark.parametrize('word,text', [
    ('nosuch', 'exec: "nosuch": executable file not found in $PATH'),
    ('/no/such', 'exec: "/no/such": stat /no/such: no such file or directory'),
    ('/etc', 'exec: "/etc": permission denied: it is a directory'),
], ids=['on PATH', 'absolute', 'directory'])
def test_programs_that_are_not_there(up, word, text):
    c = up()
    done = execute(c, c.id, word)
    assert done.rc == 255 and text in done.err and done.err.count('\n') == 1, done


@pytest.mark.parametrize('words,status,text', [
    (('sh', '-c', 'echo out; exit 7'), 7, None),
    (('/bin/garbage',), 255, 'exec: "/bin/garbage": exec format error'),
], ids=['ends', 'cannot be executed'])
def test_process_is_quicker_than_its_helper(up, workdir, words, status, text):
    """The helper says who the process is when it has made it; the process may have failed, or run, by then."""
    if not shutil.which('strace'):
        pytest.skip('host lacks strace')
    c = up()
    garbage = c.bundle.rootfs / 'bin/garbage'
    garbage.write_text('\x01')
    garbage.chmod(0o755)
    slow = ['strace', '-f', '-qq', '-o', workdir / 'trace', '-e', 'trace=clone,clone3', '-e', 'inject=clone,clone3:delay_exit=300000']
    done = subprocess.run([*map(str, slow), *map(str, c.runtime.command('exec', c.id, *words))], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
    calls = (workdir / 'trace').read_text()
    assert re.search(r'CLONE_PARENT.*DELAYED', calls), calls
    assert done.returncode == status, done
    if text:
        assert text in done.stderr and done.stderr.count('\n') == 1, done
    else:
        assert (done.stdout, done.stderr) == ('out\n', ''), done
    assert c.runtime.ok('ps', '--format', 'json', c.id).out.count(',') == 0


def test_states(container):
    c = container()
    done = execute(c, c.id, 'id')
    assert done.rc == 255 and 'does not exist' in done.err
    c.create()
    assert execute(c, c.id, 'echo', 'created').out == 'created\n'
    c.start()
    c.kill('KILL')
    c.wait_stopped()
    done = execute(c, c.id, 'id')
    assert done.rc == 255 and 'cannot exec in a stopped container' in done.err


def test_nothing_but_stdio_and_what_is_preserved(up, workdir):
    c = up()
    (workdir / 'handed').write_text('handed down')
    command = c.runtime.command('exec', '--preserve-fds', '1', c.id, 'sh', '-c', 'cat <&3; echo; ls /proc/self/fd')
    leaky = ['sh', '-c', 'exec 3<"$1" 5</ 9</; shift; exec "$@"', 'sh', workdir / 'handed', *command]
    done = subprocess.run(leaky, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    # 4 is ls's own, of the directory that it lists.
    assert (done.returncode, done.stdout, done.stderr) == (0, 'handed down\n0\n1\n2\n3\n4\n', '')


def test_detached_is_the_callers_child(up):
    """Engines reap what they execute; nobody else may have."""
    c = up()
    pid = detached(c, program=('sh', '-c', 'exit 9'))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 9


def test_many_at_once(up):
    c = up()
    command = c.runtime.command('exec', c.id, 'sh', '-c', 'exit 4')
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(20)]
    assert [one.wait(30) for one in running] == [4] * 20


def test_terminal(up):
    c = up()
    quoted = ' '.join(f"'{word}'" for word in c.runtime.command('exec', '--tty', c.id, 'sh', '-c', 'tty; test -t 0 && echo yes; exit 6'))
    done = subprocess.run(['script', '-qec', quoted, '/dev/null'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 6 and '/dev/pts/' in done.stdout and 'yes' in done.stdout, done


def test_signals_are_passed_on(up):
    c = up()
    process = subprocess.Popen(c.runtime.command('exec', c.id, 'sh', '-c', 'trap "exit 44" USR1; echo ready; while :; do sleep 0.05; done'),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'ready\n'
    process.send_signal(signal.SIGUSR1)
    assert process.wait(20) == 44
    process.stdout.close()


def test_delete_ends_them(up):
    c = up()
    pid = detached(c)
    c.delete('--force')
    wait_until(lambda: status_of(pid)['State'].startswith('Z'), 'the process is dead')
    os.waitpid(pid, 0)


@pytest.fixture
def silent(container, workdir):
    """A function: a running container that has at /tmp what a server gives, which from then on does not answer some requests."""
    if not os.path.exists('/dev/fuse'):
        harness.lacks('/dev/fuse')
    place = workdir / 'fuse'
    place.mkdir()

    def make(*requests):
        c = container()
        c.config['mounts'].append({'destination': '/tmp', 'type': 'bind', 'source': str(place), 'options': ['rbind']})
        c.up()
        server.mute = requests
        return c, server

    with fuse.Server() as server:
        harness.mount('silent', place, 'fuse', data=f'fd={server.fd},{fuse.OPTIONS}')
        server.start()
        try:
            yield make
        finally:
            # With force: whoever still waits gets an error.
            harness.checked(harness.LIBC.umount2(os.fsencode(place), 1 | harness.MNT_DETACH), 'umount')


def begin(c, workdir, *words):
    """An exec that runs, and where its words go: a process that hangs keeps a pipe open."""
    with open(workdir / 'words', 'wb') as out:
        return subprocess.Popen(c.runtime.command('exec', *words), stdin=subprocess.DEVNULL, stdout=out, stderr=out)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize('request_,flags,executable', [
    (fuse.LOOKUP, ['--cwd', '/tmp/x'], 'true'), (fuse.LOOKUP, [], '/tmp/prog'), (fuse.READ, [], '/tmp/file')], ids=['cwd', 'search', 'read'])
def test_signal_ends_an_exec_that_hangs(silent, workdir, request_, flags, executable, number):
    """What the container's files are on may not answer. A signal that the program would get, had it begun, ends the wait for that."""
    c, server = silent(request_)
    child = begin(c, workdir, *flags, c.id, executable)
    assert server.asked.wait(harness.PATIENCE)
    assert child.poll() is None
    child.send_signal(number)
    assert (child.wait(harness.PATIENCE), (workdir / 'words').read_text()) == (255, f'knarr: interrupted by {number.name}\n')
    assert c.status == 'running'
    server.speak()


def test_signal_that_comes_early_is_handed_on(silent, workdir):
    """What takes less than a second more is finished, and the program gets the signal."""
    c, server = silent(fuse.LOOKUP)
    child = begin(c, workdir, '--env', 'PATH=/tmp:/bin', c.id, 'sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done')
    assert server.asked.wait(harness.PATIENCE)
    child.send_signal(signal.SIGTERM)
    server.speak()
    assert child.wait(harness.PATIENCE) in (7, 128 + signal.SIGTERM)


def test_capabilities_that_the_runtime_has_not(container, workdir):
    """create tells of them; what the program of an exec writes to stderr is not to be mixed with words of ours, unless it was
    the command that asked."""
    sets = {kind: ['CAP_KILL', 'CAP_SYS_BOOT'] for kind in ('bounding', 'effective', 'permitted')}
    c = container(capabilities=sets)
    c.bundle.save()

    def less(*words):
        log = workdir / 'words'
        with open(log, 'wb') as out:
            rc = subprocess.run(['setpriv', '--bounding-set=-sys_boot', *c.runtime.command(*words)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                timeout=harness.PATIENCE, check=False).returncode
        return rc, log.read_text()

    warning = 'knarr: warning: process.capabilities.permitted: CAP_SYS_BOOT is not to be had here and left out\n'
    assert less('run', '--detach', '--bundle', c.bundle.path, c.id) == (0, warning)
    show = ('sh', '-c', 'grep CapPrm: /proc/self/status')
    kill = f'CapPrm:\t{capability_mask("CAP_KILL"):016x}\n'
    assert less('exec', c.id, *show) == (0, kill)
    (workdir / 'process.json').write_text(json.dumps({'cwd': '/', 'env': ['PATH=/bin'], 'args': show, 'capabilities': sets}))
    assert less('exec', '--process', workdir / 'process.json', c.id) == (0, kill)
    assert less('exec', '--cap', 'CAP_SYS_BOOT', c.id, *show) == (0, warning + kill)


def test_unknown_capability(up):
    """A slip on the command line, and no old engine's configuration."""
    c = up()
    done = execute(c, '--cap', 'CAP_KILL', '--cap', 'CAP_NONE', c.id, 'true')
    assert done == (255, '', 'knarr: --cap CAP_NONE: there is no such capability\n')


def test_process_file_says_nothing(up, workdir):
    """What it does not say of the process's limits is the container's."""
    c = up(lambda config: config['process'].update(ioPriority={'class': 'IOPRIO_CLASS_BE'}, scheduler={'policy': 'SCHED_BATCH', 'nice': 3}))
    path = workdir / 'process.json'
    path.write_text(json.dumps({'cwd': '/', 'args': ['sleep', '1000'], 'env': ['PATH=/bin']}))
    pid_file = workdir / 'pid'
    c.runtime.ok('exec', '--detach', '--pid-file', pid_file, '--process', path, c.id)
    pid = int(pid_file.read_text())
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, pid) == 3
    assert subprocess.run(['ionice', '-p', str(pid)], capture_output=True, text=True, check=True).stdout == 'best-effort: prio 0\n'
    os.kill(pid, signal.SIGKILL)


@pytest.mark.knarr
def test_cgroup_that_takes_no_process(up):
    """--cgroup of one that is of no use beside one for threads."""
    if harness.view() != 'v2':
        harness.lacks('cgroup v2 alone')
    c = up()
    top = Path(harness.cgroup_hierarchies()[''] + cgroups_of(c.pid)[''])
    for name in ('threads', 'beside'):
        (top / name).mkdir()
    (top / 'threads/cgroup.type').write_text('threaded')
    done = execute(c, '--cgroup', 'beside', c.id, 'true')
    assert (done.rc, done.err) == (255, f'knarr: exec: clone a process into cgroup {top}/beside: Operation not supported (EOPNOTSUPP) '
                                        '(it is of type "domain invalid": a cgroup above it is threaded)\n')
    # The threads of one process may well be there, and the container goes on.
    for path in ('threads', '/'):
        assert execute(c, '--cgroup', path, c.id, 'cat', '/proc/self/cgroup').rc == 0
    assert json.loads(c.runtime.ok('ps', '--format', 'json', c.id).out) == [c.pid]


@pytest.mark.knarr
def test_cgroup_of_one_controller(up):
    """--cgroup CONTROLLER:PATH, cgroup v1's form."""
    if harness.view() == 'v2':
        c = up()
        done = execute(c, '--cgroup', 'cpu:below', c.id, 'true')
        assert done.rc == 255 and 'controllers have no hierarchies of their own on cgroup v2 (give the path alone)' in done.err, done
        return
    c = up()
    tops, own = harness.cgroup_hierarchies(), cgroups_of(c.pid)
    made = [Path(tops[name] + own[name], 'below') for name in ('memory', 'pids', 'freezer')]
    for path in made:
        path.mkdir()
    try:
        done = execute(c, '--cgroup', 'memory,pids:below', '--cgroup', 'freezer:/below', c.id, 'cat', '/proc/self/cgroup')
        assert done.rc == 0, done
        found = {word: line.split(':')[2] for line in done.out.strip().split('\n') for word in line.split(':')[1].split(',')}
        assert {name for name, path in found.items() if path.endswith('/below')} == {'memory', 'pids', 'freezer'}, found
        for words, text in ((['nosuch:below'], 'no cgroup v1 hierarchy has the controller nosuch'), (['memory:absent'], 'No such file'),
                            ([':below'], 'a controller is expected'), (['memory:../x'], 'not a path below'), (['memory:below', 'plain'], 'has to name its controllers')):
            flags = [flag for word in words for flag in ('--cgroup', word)]
            done = execute(c, *flags, c.id, 'true')
            assert done.rc == 255 and text in done.err and '--cgroup' in done.err and done.err.count('\n') == 1, done
    finally:
        for path in made:
            harness.wait_until(lambda: remove(path), f'{path} is empty')  # pylint: disable=cell-var-from-loop


@pytest.mark.knarr
@pytest.mark.parametrize('path', ['absent', '/absent', 'below/absent', 'below\nx', 'below:x'])
def test_cgroup_that_is_not_there(up, path):
    """--cgroup PATH in all hierarchies: never is the process left in the cgroup of the caller, without the container's limits."""
    c = up()
    tops, paths = harness.cgroup_hierarchies(), cgroups_of(c.pid)
    own = {tops[name] + paths[name] for name in tops if paths[name] not in ('', '/')}
    for folder in own:
        Path(folder, 'below').mkdir()
        for name in ('cpuset.cpus', 'cpuset.mems'):
            if 'cpuset' in folder:  # of cgroup v1, where a new one has none
                Path(folder, 'below', name).write_text(Path(folder, name).read_text())
    try:
        done = execute(c, '--cgroup', path, c.id, 'cat', '/proc/self/cgroup')
        assert done.rc == 255 and done.out == '' and '--cgroup' in done.err and done.err.count('\n') == 1, done
        for good in ('below', '/below', 'below/'):
            done = execute(c, '--cgroup', good, c.id, 'cat', '/proc/self/cgroup')
            found = {word: line.split(':')[2] for line in done.out.split() for word in line.split(':')[1].split(',')}
            assert done.rc == 0 and all(found[name] == '/below' for name in tops if paths[name] not in ('', '/')), done
        done = execute(c, '--cgroup', '/', c.id, 'cat', '/proc/self/cgroup')
        assert done.rc == 0 and not re.search('below|[.][.]', done.out), done
    finally:
        for folder in own:
            harness.wait_until(lambda: remove(Path(folder, 'below')), f'{folder}/below is empty')  # pylint: disable=cell-var-from-loop


def remove(path):
    try:
        path.rmdir()
        return True
    except OSError:
        return False
