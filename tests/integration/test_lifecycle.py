# SPDX-License-Identifier: Apache-2.0
"""create, start, state, kill, delete, list: the spec's state machine and the words engines look for."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from datetime import datetime

import pytest
from harness import PATIENCE, PREFIX, is_zombie_or_gone, status_of, view, wait_until

NO_SUCH = 'does not exist'


def test_the_four_steps(container):
    c = container(['sh', '-c', 'echo started; exec sleep 1000'])
    c.create()
    state = c.state()
    assert state['status'] == 'created'
    assert state['id'] == c.id
    assert state['bundle'] == str(c.bundle.path)
    assert re.match(r'1\.\d+\.\d+', state['ociVersion'])
    assert state['pid'] > 0 and not is_zombie_or_gone(state['pid'])
    time.sleep(0.1)
    assert c.read_out() == '', 'the program ran before start'

    c.start()
    assert c.status == 'running'
    assert c.state()['pid'] == state['pid']
    c.wait_out('started\n')

    c.kill('KILL')
    c.wait_stopped()
    assert c.state()['pid'] == 0
    c.delete()
    c.runtime.fails('state', c.id, text=NO_SUCH)


def test_state_has_what_engines_decode(container):
    c = container()
    c.config['annotations'] = {'org.example.a': 'b'}
    c.create()
    state = c.state()
    datetime.strptime(re.sub(r'(\.\d{6})\d*Z$', r'\1Z', state['created']), '%Y-%m-%dT%H:%M:%S.%fZ')
    assert state['rootfs'] == str(c.rootfs)
    assert state['annotations'] == {'org.example.a': 'b'}
    assert not {'started', 'finished', 'exitCode', 'oomKilled', 'error', 'initPid'} & state.keys()


def test_state_prints_nothing_else(container):
    c = container().create()
    done = c.runtime.ok('state', c.id)
    assert done.err == ''


def test_start_twice(container):
    c = container().up()
    c.runtime.fails('start', c.id, text='cannot start an already running container' if c.runtime.is_knarr else '.')


def test_start_after_the_end(container):
    c = container(['true']).up()
    c.wait_stopped()
    c.runtime.fails('start', c.id, text='cannot start a container that has stopped' if c.runtime.is_knarr else '.')


def test_start_when_init_was_killed(container):
    c = container().create()
    os.kill(c.pid, signal.SIGKILL)
    c.wait_stopped()
    begin = time.monotonic()
    assert c.runtime('start', c.id).rc == 1
    assert time.monotonic() - begin < PATIENCE / 2


@pytest.mark.parametrize('verb', ['start', 'state', 'kill', 'delete'])
def test_unknown_id(runtime, verb):
    runtime.fails(verb, f'{PREFIX}-none', text=NO_SUCH)


def test_delete_force_of_an_unknown_id_is_silent(runtime):
    done = runtime.ok('delete', '--force', f'{PREFIX}-none')
    assert done == (0, '', '')


def test_delete_of_running_needs_force(container):
    c = container().up()
    pid = c.pid
    c.runtime.fails('delete', c.id, text='cannot delete container .*running' if c.runtime.is_knarr else '.')
    assert c.status == 'running'
    c.delete('--force')
    wait_until(lambda: is_zombie_or_gone(pid), 'init is dead')


def test_delete_of_created_kills_it(container):
    c = container().create()
    pid = c.pid
    c.delete()
    wait_until(lambda: is_zombie_or_gone(pid), 'init is dead')
    c.runtime.fails('state', c.id, text=NO_SUCH)


def test_delete_force_twice(container):
    c = container().up()
    c.delete('--force')
    c.delete('--force')


def test_delete_when_the_bundle_is_gone(container):
    c = container().up()
    shutil.rmtree(c.bundle.path)
    c.delete('--force')


def test_same_id_twice(container):
    c = container().create()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id,
                    text='container with given ID already exists' if c.runtime.is_knarr else 'exist')
    assert c.status == 'created'


@pytest.mark.parametrize('form', ['9', 'KILL', 'SIGKILL', 'kill', 'sigkill'])
def test_kill_names(container, form):
    c = container().up()
    c.kill(form)
    c.wait_stopped()


TELLING = 'for n in TERM USR1 37; do trap "echo got $n" $n; done; echo ready; while :; do sleep 0.05; done'


@pytest.mark.parametrize('words,number', [([], 'TERM'), (['USR1'], 'USR1'), (['SIGRTMIN+3'], '37'), (['37'], '37'), (['rtmin+3'], '37')])
def test_kill_delivers_that_signal(container, words, number):
    c = container(['sh', '-c', TELLING])
    if any('+' in word for word in words) and not c.runtime.is_knarr:
        pytest.skip('RTMIN+n is knarr\'s and crun\'s')
    c.up()
    c.wait_out('ready\n')
    c.kill(*words)
    c.wait_out(f'got {number}\n')


def test_kill_zero_only_asks(container):
    c = container().up()
    c.kill('0')
    assert c.status == 'running'


def test_kill_of_unknown_signal(container):
    c = container().up()
    c.runtime.fails('kill', c.id, 'NOSUCH', text='(?i)NOSUCH')


def test_kill_when_stopped(container):
    c = container(['true']).up()
    c.wait_stopped()
    c.runtime.fails('kill', c.id, 'KILL', text='container not running' if c.runtime.is_knarr else '.')
    if c.runtime.name != 'crun':
        c.runtime.ok('kill', '--all', c.id, '9')


def test_kill_of_created(container):
    c = container().create()
    c.kill('KILL')
    c.wait_stopped()


def test_kill_reaches_all_without_a_pid_namespace(container):
    c = container(['sh', '-c', 'sleep 1000 & sleep 1000 & echo ready; wait'])
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'pid']
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.up()
    c.wait_out('ready\n')
    c.runtime.ok('kill', '--all', c.id, 'KILL')
    c.wait_stopped()
    # What is left of the processes is reaped by the invariants, which also find those that are not dead.


def test_a_zombie_init_is_stopped(container):
    """We are the subreaper and have not waited: the process is still there, the container is not."""
    c = container(['true']).create()
    pid = c.pid
    c.start()
    c.wait_stopped()
    assert status_of(pid)['State'].startswith('Z')
    c.delete()
    assert os.waitpid(pid, 0)[1] == 0


def test_the_exit_status_belongs_to_the_engine(container):
    c = container(['sh', '-c', 'exit 42']).create()
    pid = c.pid
    c.start()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


# ---- run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('code', [0, 3, 255])
def test_run_exits_as_the_process(container, code):
    assert container(['sh', '-c', f'exit {code}']).run().rc == code


def test_run_of_a_killed_process(container):
    c = container(['sh', '-c', 'echo ready; exec sleep 1000'])
    c.bundle.save()
    process = subprocess.Popen(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b'ready\n'
        c.kill('KILL')
        assert process.wait(PATIENCE) == 137


def test_run_forwards_signals(container):
    c = container(['sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'])
    c.bundle.save()
    process = subprocess.Popen(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b'ready\n'
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 7


def test_run_removes_the_container(container):
    c = container(['true'])
    c.output()
    c.runtime.fails('state', c.id, text=NO_SUCH)


def test_run_keep(container):
    c = container(['true'])
    c.output('--keep')
    assert c.status == 'stopped'


def test_run_detach(container, workdir):
    c = container()
    done = c.run('--detach', '--pid-file', workdir / 'pid')
    assert done.rc == 0, done
    assert c.status == 'running'
    assert (workdir / 'pid').read_text() == str(c.pid)


def test_run_failure_is_one(container):
    c = container(['/no/such/program'])
    assert c.run().rc == 1


# ---- bundle, pid file, sockets ------------------------------------------------------------------


def test_pid_file_has_no_newline(container, workdir):
    c = container().create('--pid-file', workdir / 'pid')
    assert (workdir / 'pid').read_bytes() == str(c.pid).encode()
    assert sorted(os.listdir(workdir)) == sorted([c.bundle.path.name, 'pid', 'state'])


def test_pid_file_is_relative_to_the_caller(container, workdir):
    c = container()
    c.create('--pid-file', 'here.pid', cwd=workdir)
    assert (workdir / 'here.pid').read_text() == str(c.pid)


def test_pid_file_is_replaced(container, workdir):
    (workdir / 'pid').write_text('a very much longer text than any pid')
    c = container().create('--pid-file', workdir / 'pid')
    assert (workdir / 'pid').read_text() == str(c.pid)


def test_no_pid_file_on_failure(container, workdir):
    c = container(['/no/such/program'])
    c.bundle.save()
    assert c.runtime('create', '--bundle', c.bundle.path, '--pid-file', workdir / 'pid', c.id).rc != 0
    assert not (workdir / 'pid').exists()


def test_bundle_is_the_working_directory_by_default(container):
    c = container(['echo', 'hello'])
    c.bundle.save()
    assert c.runtime.ok('run', c.id, cwd=c.bundle.path).out == 'hello\n'


def test_bundle_may_be_relative(container, workdir):
    c = container(['sleep', '1000'])
    c.bundle.save()
    c.runtime.ok('run', '--detach', '--bundle', c.bundle.path.name, c.id, cwd=workdir)
    assert c.state()['bundle'] == str(c.bundle.path)


@pytest.mark.knarr
def test_pidfd_socket(container, workdir):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(workdir / 's'))
        server.listen(1)
        server.settimeout(10)
        c = container().create('--pidfd-socket', workdir / 's')
        connection, _ = server.accept()
        with connection:
            message, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    assert message
    (_, kind, data), = ancillary
    assert kind == socket.SCM_RIGHTS and len(data) == 4
    pidfd = int.from_bytes(data, 'little')
    try:
        with open(f'/proc/self/fdinfo/{pidfd}', encoding='utf-8') as info:
            assert f'Pid:\t{c.pid}\n' in info.read()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        c.wait_stopped()
    finally:
        os.close(pidfd)


def test_create_lets_go_of_the_callers_pipes(container):
    """An engine reads the runtime's stderr to its end: nobody may keep it when the program has none of it."""
    c = container()
    c.bundle.save()
    read, write = os.pipe()
    extra_read, extra_write = os.pipe()
    os.set_inheritable(extra_write, True)
    try:
        c.create(fds=(extra_write, write))
        os.close(write)
        os.close(extra_write)
        write = extra_write = -1
        os.set_blocking(extra_read, False)
        os.set_blocking(read, False)
        assert os.read(extra_read, 1) == b''
        assert os.read(read, 1) == b''
    finally:
        for fd in (read, write, extra_read, extra_write):
            if fd >= 0:
                os.close(fd)


# ---- list ---------------------------------------------------------------------------------------


def test_list(container):
    one, two = container().create(), container().up()
    rows = json.loads(one.runtime.ok('list', '--format', 'json').out)
    assert {row['id']: row['status'] for row in rows} == {one.id: 'created', two.id: 'running'}
    assert {row['id']: row['pid'] for row in rows} == {one.id: one.pid, two.id: two.pid}
    assert sorted(one.runtime.ok('list', '-q').out.split()) == sorted([one.id, two.id])
    table = one.runtime.ok('list').out.splitlines()
    assert len(table) == 3
    if one.runtime.name != 'crun':
        assert table[0].split() == ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']
    for c in (one, two):
        row, = [line.split() for line in table if line.startswith(c.id + ' ')]
        assert row[1:4] == [str(c.pid), c.status, str(c.bundle.path)]
        if one.runtime.name != 'crun':
            assert row[5] == 'root'


def test_list_of_nothing(runtime):
    runtime.root.mkdir()
    done = runtime.ok('list', '--format=json')
    assert json.loads(done.out) in ([], None)
    assert runtime.ok('list', '--quiet').out == ''


@pytest.mark.knarr
def test_list_of_a_root_that_is_not_there(runtime):
    runtime.fails('list', text='state')


@pytest.mark.knarr
def test_list_survives_a_damaged_entry(container):
    c = container().create()
    bad = c.runtime.root / f'{PREFIX}-bad'
    bad.mkdir()
    done = c.runtime('list', '-q')
    assert done.rc == 0
    assert c.id in done.out.split()
    c.runtime.ok('delete', '--force', bad.name)
    assert not bad.exists()


# ---- log ----------------------------------------------------------------------------------------


def test_json_log_holds_the_error(runtime, workdir):
    log = workdir / 'log.json'
    for _ in range(2):
        done = runtime('start', f'{PREFIX}-none', options=['--log', log, '--log-format', 'json'])
        assert done.rc == 1
        assert NO_SUCH in done.err
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(records) == 2, 'one record for each failing command, appended'
    for record in records:
        assert record['level'] == 'error'
        assert NO_SUCH in record['msg']
        assert re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', record['time'])


@pytest.mark.knarr
def test_log_and_stderr_say_the_same(runtime, workdir):
    log = workdir / 'log.json'
    done = runtime('state', f'{PREFIX}-none', options=[f'--log={log}', '--log-format=json'])
    assert json.loads(log.read_text())['msg'] in done.err


def test_success_logs_nothing(container, workdir):
    c = container()
    c.bundle.save()
    log = workdir / 'log.json'
    options = ['--log', log, '--log-format=json']
    if view() == 'v2' and c.runtime.name == 'runc':
        pytest.skip('runc warns of a missing memory controller')
    c.create(options=options)
    c.runtime.ok('start', c.id, options=options)
    c.runtime.ok('kill', c.id, '9', options=options)
    c.wait_stopped()
    c.runtime.ok('delete', c.id, options=options)
    assert not log.exists() or log.read_text() == ''


# ---- concurrency and crashes --------------------------------------------------------------------


def test_sixteen_creates_of_one_id_have_one_winner(container):
    c = container()
    c.bundle.save()
    command = c.runtime.command('create', '--bundle', c.bundle.path, c.id)
    racers = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
              for _ in range(16)]
    assert sorted(racer.wait(60) for racer in racers) == [0] + [1] * 15
    assert c.status == 'created'
    c.start()
    assert c.status == 'running'


@pytest.mark.knarr
def test_sixteen_deletes_agree(container):
    c = container().up()
    command = c.runtime.command('delete', '--force', c.id)
    racers = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
              for _ in range(16)]
    assert [racer.wait(60) for racer in racers] == [0] * 16


@pytest.mark.knarr
@pytest.mark.parametrize('seed', range(8))
def test_create_killed_at_any_moment_can_be_deleted(container, seed):
    """The contract of crashes: whatever was done, delete --force undoes it. The delays reach from the
    first instruction to past the end; the invariants look for what is left."""
    chance = random.Random(seed)
    c = container()
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.bundle.save()
    command = c.runtime.command('create', '--bundle', c.bundle.path, c.id)
    for _ in range(12):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.015))
        process.kill()
        process.wait()
        shown = c.runtime('state', c.id)
        assert shown.rc in (0, 1), shown
        if shown.rc == 0:
            assert json.loads(shown.out)['status'] in ('creating', 'created', 'stopped')
        done = c.runtime('delete', '--force', c.id)
        assert done.rc == 0, done
        c.runtime.fails('state', c.id, text=NO_SUCH)


@pytest.mark.knarr
@pytest.mark.parametrize('seed', range(4))
def test_delete_killed_at_any_moment_can_be_repeated(container, seed):
    chance = random.Random(seed)
    for _ in range(6):
        c = container()
        c.config['linux']['cgroupsPath'] = f'/{c.id}'
        c.up()
        process = subprocess.Popen(c.runtime.command('delete', '--force', c.id), stdin=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.008))
        process.kill()
        process.wait()
        c.delete('--force')
        c.runtime.fails('state', c.id, text=NO_SUCH)


@pytest.mark.knarr
def test_without_a_process(container):
    """config.md: the process is required when start is called."""
    c = container()
    del c.config['process']
    assert c.run().err.endswith('config.json:1:1: process: there is no process to run\n')
    c.create()
    assert c.status == 'created'
    line = c.runtime.fails('start', c.id, text='there is no process to run')
    assert line == 'knarr: config.json:1:1: process: there is no process to run\n'
    assert c.status == 'created'
    c.delete()
