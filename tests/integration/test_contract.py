# SPDX-License-Identifier: Apache-2.0
"""What callers rely on beyond the words: signals, descriptors, writes, the order of the end."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import PATIENCE, our_cgroups, reap, wait_until

pytestmark = pytest.mark.knarr


@pytest.mark.parametrize('count', [1, 2, 3, 4, 5, 8, 17, 64])
def test_argv_is_exactly_that(container, count):
    words = ['sh', '-c', "tr '\\0' '\\n' < /proc/self/cmdline | tail -n +3; echo $#", 'sh']
    c = container(words + [str(number) for number in range(count)])
    assert c.output().split()[-1] == str(count)


def test_signals_are_at_their_defaults(container):
    """What the caller ignores or blocks, and what we ignore ourselves, is no affair of the program."""
    def ignore():
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])
    c = container(['grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status'])
    assert c.output(preexec=ignore).split() == ['SigBlk:', '0' * 16, 'SigIgn:', '0' * 16]


def test_poststop_comes_behind_the_end(container):
    """Hooks of a create that fails, too, run when the cgroup is gone and the id is still taken."""
    c = container(['/no/such/program'])
    diary = c.bundle.path / 'diary'
    find = f'find /sys/fs/cgroup -name {c.id} -type d; ls {c.runtime.root}'
    hook = {'path': '/bin/sh', 'args': ['sh', '-c', f'exec >> {diary}; echo $0; {find}', 'hook'],
            'env': ['PATH=/usr/bin:/bin:/usr/sbin:/sbin']}
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/true'}], 'poststop': [hook]}
    done = c._make('create')
    assert done.rc == 1 and 'no such file or directory' in done.err, done
    assert diary.read_text().split() == ['hook', c.id]


def test_poststop_for_hooks_of_the_container_side(container):
    c = container()
    diary = c.bundle.path / 'diary'
    fail = {'path': '/bin/false'}
    c.config['hooks'] = {'createContainer': [fail],
                         'poststop': [{'path': '/bin/sh', 'args': ['sh', '-c', f'echo ran >> {diary}']}]}
    assert c._make('create').rc == 1
    assert diary.read_text() == 'ran\n'


def packets(c, *words, options=()):
    """What the command writes to stderr, write by write."""
    reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    process = subprocess.Popen(c.runtime.command(*words, options=options), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=writer)
    os.close(writer)
    found = []
    while True:
        data = os.read(reader, 65536)
        if not data:
            break
        found.append(data)
    os.close(reader)
    return process.wait(), found


def test_an_error_is_one_write(container):
    c = container(['/no/such/program'])
    c.bundle.save()
    for words in (('create', '--bundle', c.bundle.path, c.id), ('state', c.id), ('frobnicate',), ('create', '--frob'),
                  ('--frob',), ('kill',), ('list', '--format', 'x'), ('start', 'a', 'b')):
        rc, writes = packets(c, *words)
        assert rc == 1 and len(writes) == 1, (words, writes)
        assert writes[0].startswith(b'knarr: ') and writes[0].endswith(b'\n') and writes[0].count(b'\n') == 1, writes


@pytest.mark.parametrize('words', [('--log-level=loud', 'list'), ('--rootless=perhaps', 'list'), ('frobnicate',),
                                   ('create', '--frob', 'x'), ('state', 'unknown'), ('kill', 'x', 'FROB'),
                                   ('--frob', 'list'), ('--cgroup-manager=mine', 'list')])
def test_every_error_is_in_the_log(runtime, workdir, words):
    """A command that fails and logs nothing makes an engine report an older error."""
    log = workdir / 'log'
    done = runtime(*words, options=('--log', log, '--log-format', 'json'))
    assert done.rc == 1
    record = json.loads(log.read_text())
    assert record.keys() == {'level', 'msg', 'time'} and record['level'] == 'error'
    assert done.err == f'knarr: {record["msg"]}\n'


def test_json_without_a_log_is_for_stderr(container):
    c = container(args=['true'])
    c.config['process']['capabilities']['bounding'].append('CAP_FROB')
    for done in (c.runtime('state', 'unknown', options=['--log-format=json']),
                 c._make('run', options=['--log-format=json']), c.runtime('--frob', options=['--log-format', 'json'])):
        record = json.loads(done.err)
        assert record.keys() == {'level', 'msg', 'time'} and done.err.count('\n') == 1, done
        assert record['level'] == ('warning' if 'CAP_FROB' in record['msg'] else 'error'), done


def test_log_is_appended_line_by_line(runtime, workdir):
    log = workdir / 'log'
    log.write_text('{"level":"info","msg":"before","time":"2026-01-01T00:00:00Z"}\n')
    running = [subprocess.Popen(runtime.command('state', f'unknown{number}', options=('--log', log, '--log-format=json')),
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for number in range(12)]
    assert [process.wait() for process in running] == [1] * 12
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(records) == 13 and records[0]['msg'] == 'before'


def test_warnings_stay_out_of_the_log(container, workdir):
    """podman parses the log as one JSON document: one failing command writes one record."""
    c = container(['/no/such/program'])
    c.config['mounts'].append({'destination': 'relative', 'type': 'tmpfs', 'source': 'tmpfs'})
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/true'}], 'poststop': [{'path': '/bin/false'}]}
    log = workdir / 'log'
    done = c._make('create', options=('--log', log, '--log-format', 'json'))
    assert done.rc == 1
    assert len(log.read_text().splitlines()) == 1


def test_pid_file_that_is_no_file(container, workdir):
    """root could replace /dev/null with a file."""
    pipe = workdir / 'pipe'
    os.mkfifo(pipe)
    c = container()
    done = c._make('create', '--pid-file', pipe)
    assert done.rc == 1 and done.err == f'knarr: pid file {pipe} is not a regular file\n'
    assert pipe.is_fifo()
    pipe.unlink()


def fds_of(c, *flags, fds=(), env=None, preexec=None):
    done = c.run(*flags, fds=fds, env=env, preexec=preexec)
    assert done.rc == 0, done
    return done.out.split()


def test_preserved_descriptors_with_a_hole(container, workdir):
    """3 is a file, 4 is nothing, 5 is a file, 6 is not meant for the container."""
    file = workdir / 'file'
    file.write_text('content')
    opened = os.open(file, os.O_RDONLY)
    try:
        def place():
            for number in (3, 5, 6):
                os.dup2(opened, number)
            os.close(4) if os.path.exists('/proc/self/fd/4') else None
        c = container(['sh', '-c', 'cd /proc/self/fd; for fd in 3 4 5 6 7; do [ -e $fd ] && echo $fd; done; cat <&5'])
        done = c.run('--preserve-fds', '3', fds=(3, 5, 6), preexec=place)
        assert done.rc == 0, done
        # The shell's own directory may be at a number above.
        assert done.out.split('\n')[:2] == ['3', '5'] and 'content' in done.out and '4' not in done.out.split(), done
    finally:
        os.close(opened)


def test_listen_fds(container):
    listener = socket.socket()
    try:
        def place():
            os.dup2(listener.fileno(), 3)
        environment = {'LISTEN_FDS': '1', 'PATH': os.environ['PATH']}
        c = container(['sh', '-c', 'echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3'])
        out = c.run(env=environment, fds=(3,), preexec=place).out.split()
        assert out[:2] == ['1', '1'] and out[2].startswith('socket:'), out
        # Meant for somebody else.
        environment['LISTEN_PID'] = '1'
        out = c.run(env=environment, fds=(3,), preexec=place).out
        assert out.strip() == '', out
    finally:
        listener.close()


@pytest.mark.parametrize('words', [('KILL',), ('--all', 'KILL'), ('--all', 'TERM')])
def test_kill_without_a_cgroup(container, words):
    """There is nothing to reach the processes by but init itself."""
    c = container(['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'])
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.config['linux'].pop('resources', None)
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] not in ('proc', 'cgroup')]
    c.up(options=('--cgroup-manager', 'disabled'))
    c.wait_out('ready')
    flags, number = words[:-1], words[-1]
    c.runtime.ok('kill', *flags, c.id, number)
    c.wait_stopped()
    # The child of the shell ends by itself.
    c.delete()


def test_foreground_reaps_orphans(container):
    """Whoever is orphaned in a container without a pid namespace becomes a child of `run`."""
    c = container(['sh', '-c', '(sh -c "read line </tmp/go &"); sleep 1000'])
    os.mkfifo(c.rootfs / 'tmp/go')
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'pid']
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'proc']
    c.bundle.save()
    with open(os.devnull, 'rb+') as null:
        runtime = subprocess.Popen(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=null, stdout=null, stderr=null)

    def children():
        with open(f'/proc/{runtime.pid}/task/{runtime.pid}/children', encoding='utf-8') as table:
            return table.read().split()
    wait_until(lambda: len(children()) == 2, 'the orphan is there')
    (c.rootfs / 'tmp/go').write_text('\n')
    wait_until(lambda: len(children()) == 1, 'the orphan is reaped')
    c.runtime.ok('kill', c.id, 'KILL')
    assert runtime.wait(PATIENCE) == 137


def test_nothing_of_ours_stays(container):
    """After create only init is there: no helper, no monitor."""
    reap()
    c = container()
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/true'}], 'createContainer': [{'path': '/bin/true'}]}
    c.create()
    with open(f'/proc/self/task/{os.getpid()}/children', encoding='utf-8') as table:
        assert table.read().split() == [str(c.pid)]


def test_created_init_holds_only_its_gate(container):
    c = container().create()
    # The runtime's last word lets it close the channel, a moment after the runtime has gone.
    wait_until(lambda: len(os.listdir(f'/proc/{c.pid}/fd')) == 4, 'init to hold four descriptors')
    links = [os.readlink(f'/proc/{c.pid}/fd/{number}') for number in os.listdir(f'/proc/{c.pid}/fd')]
    assert len(links) == 4 and sum(link.startswith('socket:') for link in links) == 1, links


def test_state_never_says_what_is_not(container):
    """While a container comes and goes a watcher sees only the states there are, in their order."""
    c = container(['true'])
    c.bundle.save()
    order = [None, 'creating', 'created', 'running', 'stopped']
    for _ in range(6):
        with open(os.devnull, 'rb+') as null:
            script = ' && '.join(f'"$K" --root "$R" {verb}' for verb in (f'create --bundle {c.bundle.path} {c.id}',
                                                                       f'start {c.id}', f'delete --force {c.id}'))
            runner = subprocess.Popen(['sh', '-c', script], stdin=null, stdout=null, stderr=null,
                                      env={**os.environ, 'K': c.runtime.path, 'R': str(c.runtime.root)})
        seen = []
        while runner.poll() is None:
            done = c.runtime('state', c.id)
            status = json.loads(done.out)['status'] if done.rc == 0 else None
            if done.rc != 0:
                assert 'does not exist' in done.err, done
            if not seen or seen[-1] != status:
                seen.append(status)
        assert runner.returncode == 0
        if seen[-1] is None and len(seen) > 1:
            seen.pop()
        assert [order.index(status) for status in seen] == sorted(order.index(status) for status in seen), seen
        reap()
    assert not [path for path in our_cgroups() if os.path.basename(path) == c.id]


@pytest.mark.parametrize('flags', [(), ('--detach',)])
@pytest.mark.parametrize('kind', ['startContainer', 'poststart'])
def test_failed_run_leaves_no_child(container, flags, kind):
    """Engines take every dead child for the container they wait for."""
    reap()
    c = container()
    program = '/bin/false' if kind == 'poststart' else '/bin/busybox'
    c.config['hooks'] = {kind: [{'path': program, 'args': ['false']}]}
    done = c.run(*flags)
    assert done.rc == 1 and f'hooks.{kind}[0]' in done.err, done
    with open(f'/proc/self/task/{os.getpid()}/children', encoding='utf-8') as table:
        assert table.read() == ''
    assert not os.path.exists(c.runtime.root / c.id)


@pytest.mark.parametrize('kind,path,wanted', [
    ('syslog', '/dev/log', r'<11>myid\[\d+\]: container does not exist: nosuch'),
    ('journald', '/run/systemd/journal/socket', r'PRIORITY=3\nSYSLOG_IDENTIFIER=myid\nMESSAGE=container does not exist: nosuch\n'),
])
def test_log_to_the_systems_loggers(runtime, kind, path, wanted):
    """A socket of our own where the logger's would be, seen by the command alone."""
    script = f'''
import os, re, socket, stat, subprocess, sys
top = '/' + {path!r}.split('/')[1]
subprocess.run(['mount', '-t', 'tmpfs', 'none', top], check=True)
os.makedirs(os.path.dirname({path!r}), exist_ok=True)
if top == '/dev':
    os.mknod('/dev/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind({path!r})
server.settimeout(10)
done = subprocess.run({[str(word) for word in runtime.command('state', 'nosuch', options=['--log', f'{kind}:myid'])]!r}, check=False)
got = server.recv(65536).decode()
sys.exit(0 if done.returncode == 1 and re.fullmatch({wanted!r}, got) else repr(got))
'''
    done = subprocess.run(['unshare', '--mount', '--propagation', 'private', '/usr/bin/python3', '-c', script],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done


def test_log_file_with_a_prefix(runtime, workdir):
    runtime('state', 'nosuch', options=['--log', f'file:{workdir}/log', '--log-format', 'json'])
    assert json.loads((workdir / 'log').read_text())['msg'] == 'container does not exist: nosuch'


def test_what_comes_from_outside_stays_one_line(container, workdir):
    """Neither a warning nor a row of the list can forge another, or speak to the terminal."""
    evil = 'CAP_\x1b[2J\nlevel=error\x7f\u009b2J'
    c = container()
    c.config['process']['capabilities']['bounding'].append(evil)
    strange = workdir / 'bundle\n\x1b[2Jb'
    c.bundle.path.rename(strange)
    c.bundle.path = strange
    try:
        done = c._make('create')
        assert done.rc == 0, done
        assert re.fullmatch(r'knarr: warning: config\.json:\d+:\d+: process\.capabilities\.bounding\[\d+\]: '
                            r'"CAP_\\u001b\[2J\\u000alevel=error\\u007f\?\?2J" is not a known capability and cannot be granted\n',
                            done.err), done.err
        rows = c.runtime.ok('list').out.split('\n')
        assert len(rows) == 3 and rows[2] == '', rows
        assert f'{workdir}/bundle??[2Jb ' in rows[1], rows
        assert json.loads(c.runtime.ok('list', '--format=json').out)[0]['bundle'] == str(strange)
    finally:
        c.delete('--force')


@pytest.mark.parametrize('words, err', [
    (('stat', 'x'), 'unknown command "stat" (did you mean state?)'),
    (('frobnicate',), 'unknown command "frobnicate" (`knarr help` lists the commands)'),
    (('help', 'strat'), 'unknown command "strat" (did you mean start?)'),
    (('run', '--bundel', '.', 'x'), 'run: unknown flag: --bundel (did you mean --bundle?)'),
    (('run', '--frobnicate', 'x'), 'run: unknown flag: --frobnicate (`knarr run --help` tells what it takes)'),
    (('--bundle', '.', 'run', 'x'), 'unknown flag: --bundle (options of a command go behind its name; `knarr help` lists the others)'),
    (('--rooot', '.', 'list'), 'unknown flag: --rooot (did you mean --root?)'),
    (('run',), 'run: an argument is missing (usage: knarr run [options] ID)'),
    (('features', 'x'), 'features: too many arguments (usage: knarr features [options])'),
    (('exec', 'x'), 'exec: a program or --process is needed (usage: knarr exec [options] ID PROGRAM [ARGUMENT ...])'),
])
def test_slips_on_the_command_line(runtime, words, err):
    """What newcomers mistype is answered with what helps."""
    done = runtime(*words)
    assert done.rc == (255 if words[0] == 'exec' else 1) and done.err == f'knarr: {err}\n' and done.out == '', done


def test_newcomers(container):
    """The common mistakes before the first container runs."""
    c = container()
    c.config['root']['path'] = 'nothing'
    done = c._make('run')
    assert done.rc == 1 and done.err.endswith(f'root.path: rootfs: open root filesystem {c.bundle.path}/nothing: '
                                              "No such file or directory (ENOENT) (the container's files belong there)\n"), done
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Path(folder, 'shut').mkdir(mode=0o700)
        shutil.copy(c.runtime.path, folder)
        done = subprocess.run(['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups', 'env', f'XDG_RUNTIME_DIR={folder}/shut',
                               f'{folder}/{os.path.basename(c.runtime.path)}', 'run', '--bundle', '/', 'x'],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (f'knarr: open state root {folder}/shut/knarr: Permission denied (EACCES) '
                           '(name another with --root, or set XDG_RUNTIME_DIR to a directory of your own)\n'), done
