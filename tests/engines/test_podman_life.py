# SPDX-License-Identifier: Apache-2.0
"""podman around a container that runs: exec, logs, signals, pause, update, health, attach, copies."""

import os
import shutil
import time
from pathlib import Path

import pytest

import harness
from engines import IMAGE, call, cgroup_directory, from_the_page, process_of, unlike, wait_until


def test_create_start_stop_remove(podman):
    podman.ok('create', '--name', 'one', IMAGE, 'sh', '-c', 'echo begun; trap "exit 9" TERM; while :; do sleep 0.1; done')
    assert podman.status() == 'created'
    for _ in range(2):
        podman.ok('start', 'one')
        assert podman.status() == 'running'
        podman.wait_logs('begun')
        podman.ok('stop', '-t', '10', 'one')
        assert (podman.status(), podman.inspect('one', '.State.ExitCode')) == ('exited', '9')
    assert podman.logs().count('begun') == 2
    podman.ok('rm', 'one')


def test_init_and_start(podman):
    """podman init creates and does not start: the runtime's own "created"."""
    podman.ok('create', '--name', 'one', IMAGE, 'echo', 'now')
    podman.ok('init', 'one')
    assert podman.status() in ('initialized', 'created')
    assert podman.ok('start', '-a', 'one') == 'now\n'
    podman.ok('create', '--name', 'two', IMAGE, 'echo', 'never')
    podman.ok('init', 'two')
    podman.ok('rm', '-f', '-t', '0', 'two')


def test_stop_kills_who_does_not_listen(podman):
    podman.up(command=('sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'))
    podman.ok('stop', '-t', '1', 'one')
    assert podman.inspect('one', '.State.ExitCode') == '137'


@pytest.mark.parametrize('signal, status', [('KILL', '137'), ('SIGTERM', '143'), ('15', '143'), ('RTMIN+3', '165')])
def test_kill(podman, signal, status):
    podman.up('--init')
    podman.ok('kill', '-s', signal, 'one')
    podman.ok('wait', 'one')
    expected = {'165': ('165', str(128 + 34 + 3))}.get(status, (status,))
    assert podman.inspect('one', '.State.ExitCode') in expected


def test_kill_stopped(podman):
    podman.up(command=('true',))
    podman.ok('wait', 'one')
    assert podman('kill', 'one').rc == 125


def test_signal_proxy(podman):
    with podman.terminal('run', '--name', 'one', '--sig-proxy=true', IMAGE, 'sh', '-c', 'trap "echo caught; exit 4" USR1; echo up; while :; do sleep 0.1; done') as terminal:
        terminal.expect('up')
        wait_until(lambda: podman.status() == 'running', 'podman knows that it runs')
        os.kill(terminal.process.pid, 10)
        terminal.expect('caught')
        assert terminal.end() == 4


def test_pause(podman):
    podman.up(command=('sh', '-c', 'while :; do echo tick; sleep 0.05; done'))
    podman.wait_logs('tick')
    podman.ok('pause', 'one')
    assert podman.status() == 'paused'
    first = podman.logs()
    time.sleep(0.3)
    assert podman.logs() == first
    assert podman('exec', 'one', 'true').rc != 0
    podman.ok('unpause', 'one')
    assert podman.status() == 'running'
    wait_until(lambda: podman.logs() != first, 'it goes on')
    podman.ok('pause', 'one')
    podman.ok('rm', '-f', '-t', '0', 'one')


def test_restart(podman):
    podman.up()
    first = podman.pid()
    podman.ok('restart', '-t', '0', 'one')
    assert podman.pid() != first and podman.status() == 'running'


def test_logs(podman):
    podman.up(command=('sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; done; echo error >&2; sleep 1000'))
    podman.wait_logs('line 5')
    wait_until(lambda: podman('logs', 'one').err == 'error\n', 'standard error in the log')
    assert podman('logs', '--tail', '2', 'one')[1:] == ('line 5\n', 'error\n')
    with podman.terminal('logs', '-f', 'one') as terminal:
        terminal.expect('line 5')
        podman.ok('kill', 'one')
        assert terminal.end() == 0


def test_exec(podman):
    podman.up('-e', 'OUTER=1')
    done = podman('exec', '-e', 'INNER=2', '-w', '/var', '-u', '1000:63', 'one', 'sh', '-c', 'echo $OUTER $INNER; pwd; id -u; id -g; id -G; echo err >&2; exit 6')
    assert (done.rc, done.out) == (6, '1 2\n/var\n1000\n63\n63\n') and 'err\n' in done.err
    assert podman.ok('exec', '-i', 'one', 'cat', stdin=b'given\n' * 20000) == 'given\n' * 20000
    assert podman('exec', 'one', 'sh', '-c', 'kill -9 $$').rc == 137


@pytest.mark.parametrize('command, rc, text', [
    ('/no/such/command', 127, r'/no/such/command.*[Nn]o such file or directory'),
    ('no-such-command', 127, r'not found in \$PATH'),
    ('/etc', 126, r'(/etc|open executable).*([Pp]ermission denied|[Ii]s a directory|is not a regular file)'),
])
def test_exec_of_what_cannot_run(podman, command, rc, text):
    podman.up()
    for _ in range(2):
        podman.fails('exec', 'one', command, rc=rc, text=text)


def test_exec_in_a_stopped_container(podman):
    podman.up(command=('true',))
    podman.ok('wait', 'one')
    assert podman('exec', 'one', 'true').rc in (125, 255)


def test_exec_terminal(podman):
    podman.up()
    with podman.terminal('exec', '-it', 'one', 'sh', rows=30, columns=91) as terminal:
        terminal.type('tty\n')
        terminal.expect(r'/dev/(pts/\d|console)')
        terminal.await_size('30 91')
        terminal.resize(17, 55)
        os.kill(terminal.process.pid, 28)
        terminal.await_size('17 55')
        terminal.type('exit 8\n')
        assert terminal.end() == 8


def test_exec_detached(podman):
    podman.up()
    podman.ok('exec', '-d', 'one', 'sh', '-c', 'echo done > /tmp/file; exec sleep 500')
    wait_until(lambda: podman('exec', 'one', 'cat', '/tmp/file').out == 'done\n', 'the detached process wrote')
    assert '500' in podman.ok('exec', 'one', 'ps', '-o', 'args')


def test_exec_privileged_and_capabilities(podman):
    podman.up()
    status = podman.ok('exec', '--privileged', 'one', 'cat', '/proc/self/status')
    assert [line for line in status.split('\n') if line.startswith('CapEff')][0].split()[1].lstrip('0') == harness.status_of('self')['CapEff'].lstrip('0')


def test_exec_is_as_the_container(podman):
    """What is executed may do what the container may, has its limits, and is in all its namespaces."""
    podman.up('--ulimit', 'nofile=99:100', '--ulimit', 'nproc=1000:2000', '--cap-drop', 'chown', '--cap-add', 'net_admin', '--oom-score-adj', '500', '--group-add', '1234')
    podman.ok('exec', '-d', 'one', 'sleep', '1001')
    assert unlike(podman.pid(), process_of(podman.pid(), 'sleep 1001')) == {}


def test_exec_in_a_directory_that_is_not_there(podman):
    """It is told of, and not made."""
    podman.up()
    podman.fails('exec', '-w', '/no/such', 'one', 'pwd', rc=127, text='/no/such.*[Nn]o such file or directory')
    assert podman('exec', 'one', 'ls', '/no').rc == 1


def test_exec_joins_the_cgroup(podman):
    podman.up()
    podman.ok('exec', '-d', 'one', 'sleep', '501')
    procs = cgroup_directory(podman.pid(), 'memory') / 'cgroup.procs'
    wait_until(lambda: len(procs.read_text().split()) == 2, 'both processes in the cgroup')
    assert len(podman.ok('top', 'one', 'hpid').split()) == 3


def test_preserved_descriptors_of_exec(podman, workdir):
    podman.up()
    (workdir / 'file').write_text('from the caller\n')
    words = podman.words('exec', '--preserve-fds', '1', 'one', 'cat', '/proc/self/fd/3')
    assert call(['sh', '-c', 'exec 3< "$0"; exec "$@"', workdir / 'file', *words]).out == 'from the caller\n'


def test_health_check(podman):
    podman.up('--health-cmd', 'test -f /tmp/healthy', '--health-interval', 'disable', '--health-retries', '1')
    assert podman('healthcheck', 'run', 'one').rc == 1
    podman.ok('exec', 'one', 'touch', '/tmp/healthy')
    podman.ok('healthcheck', 'run', 'one')
    assert podman.inspect('one', '.State.Health.Status') == 'healthy'


def test_attach_and_resize(podman):
    podman.ok('run', '-dit', '--name', 'one', IMAGE, 'sh')
    with podman.terminal('attach', 'one', rows=28, columns=77) as terminal:
        terminal.await_size('28 77')
        terminal.resize(19, 66)
        os.kill(terminal.process.pid, 28)
        terminal.await_size('19 66')
        terminal.type('\x10')  # ctrl-p ctrl-q, as a person types
        time.sleep(0.2)
        terminal.type('\x11')
        assert terminal.end() == 0
    assert podman.status() == 'running'


def test_attach_without_a_terminal(podman):
    podman.ok('run', '-di', '--name', 'one', IMAGE, 'cat')
    assert podman.ok('attach', 'one', stdin=b'to cat\n').startswith('to cat\n')


def test_update(podman):
    if 'update' not in podman.ok('--help'):
        harness.lacks('a podman with update')
    harness.need_controller('memory')
    podman.up('--memory', '64m')
    done = podman('update', '--memory', '96m', '--cpu-shares', '300', 'one')
    assert done.rc == 0, done
    directory = cgroup_directory(podman.pid(), 'memory')
    name = 'memory.max' if harness.view() == 'v2' else 'memory.limit_in_bytes'
    assert (directory / name).read_text().strip() == str(96 << 20)


def test_copy_diff_commit_export(podman, workdir):
    podman.up()
    (workdir / 'file').write_text('content')
    podman.ok('cp', workdir / 'file', 'one:/tmp/file')
    assert podman.ok('exec', 'one', 'cat', '/tmp/file') == 'content'
    podman.ok('cp', 'one:/etc/passwd', workdir / 'passwd')
    assert (workdir / 'passwd').read_text().startswith('root:')
    assert 'A /tmp/file' in podman.ok('diff', 'one').split('\n')
    podman.ok('commit', '-q', 'one', 'localhost/committed')
    assert podman.run('localhost/committed', 'cat', '/tmp/file') == 'content'
    podman.ok('rmi', 'localhost/committed')


def test_top_stats_inspect(podman):
    podman.up()
    assert 'sleep 1000' in podman.ok('top', 'one', 'args')
    assert podman.inspect('one', '.OCIRuntime') == podman.runtime
    assert Path(f'/proc/{podman.pid()}/comm').read_text() == 'sleep\n'


def test_the_state_is_where_the_runtime_is_named(podman):
    name = podman.up()
    assert Path('/run', podman.runtime, name).is_dir()


@pytest.mark.knarr
def test_check_as_the_page_says(podman):
    """The command of contrib/engines/README.md finds the configuration that podman made, and nothing wrong in it."""
    podman.up()
    done = call(['sh', '-c', from_the_page('sudo knarr check', 'one')])
    assert done.rc == 0 and 'error' not in done.out, done


def test_a_dead_conmon(podman):
    """Without conmon podman can still stop and remove."""
    name = podman.up()
    os.kill(int(podman.inspect('one', '.State.ConmonPid')), 9)
    done = podman('rm', '-f', '-t', '1', 'one')
    if done.rc != 0:  # podman 5.4 asks conmon for the exit status, says that it is dead, and has stopped it by then
        assert 'conmon exited prematurely' in done.err, done
        podman.ok('rm', '-f', '-t', '1', 'one')
    # podman itself leaves the rest to conmon; whoever cleans up after it needs no more than the name.
    assert call([shutil.which(podman.runtime), 'delete', '--force', name]).rc == 0


def test_a_dead_init_is_noticed(podman):
    podman.up()
    os.kill(podman.pid(), 9)
    wait_until(lambda: podman.status() == 'exited', 'podman has noticed')
    assert podman.inspect('one', '.State.ExitCode') == '137'
    podman.ok('start', 'one')


def test_processes_that_fork_away_are_ended(podman):
    """On a shared pid namespace the rest of the cgroup goes with init."""
    podman.up('--pid=host', command=('sh', '-c', 'sleep 777 & sleep 1000'))
    procs = cgroup_directory(podman.pid(), 'memory') / 'cgroup.procs'
    wait_until(lambda: len(procs.read_text().split()) >= 2, 'both processes')
    podman.ok('rm', '-f', '-t', '0', 'one')
