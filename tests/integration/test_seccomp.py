# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: the profiles of real engines, every action, and SCMP_ACT_NOTIFY with an agent."""

import base64
import ctypes
import errno
import fcntl
import json
import os
import platform
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
from pathlib import Path

import pytest
from harness import static_program, status_of, wait_until

pytestmark = pytest.mark.skipif(platform.machine() != 'x86_64', reason='the numbers below are x86-64\'s')

CONFIGS = Path(__file__).parent.parent / 'data/configs'
X86_64, X86 = 0xc000003e, 0x40000003
NOTIF_RECV, NOTIF_SEND = 0xc0502100, 0xc0182101
CONTINUE = 1
NUMBERS = {'write': 1, 'clone': 56, 'execve': 59, 'exit_group': 231, 'mkdir': 83, 'capset': 126, 'prctl': 157, 'waitid': 247}
NOTIFY_WITHOUT_WRITE = ('a profile with SCMP_ACT_NOTIFY must allow write without conditions, or the container could not say '
                        'that there is somebody to notify')


def rule(action, *names, **more):
    return {'names': list(names), 'action': action, **more}


def profile(c, *rules, default='SCMP_ACT_ALLOW', **more):
    c.config['linux']['seccomp'] = {'defaultAction': default, 'syscalls': list(rules), **more}
    return c


def shell(c, script):
    c.config['process']['args'] = ['/bin/sh', '-c', script]
    c.config['process']['terminal'] = False
    c.config['root']['readonly'] = False
    return c


@pytest.fixture
def probe(workdir):
    """A program that makes the system calls of its arguments and prints what becomes of them."""
    source = workdir / 'probe.c'
    source.write_text(r'''
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(int count, char **words)
        {
            for (int i = 1; i < count; i++) {
                unsigned long a[7] = {0};
                char *at = words[i];
                long result;
                for (int k = 0; k < 7 && *at; k++) {
                    a[k] = strtoul(at, &at, 0);
                    at += *at == ',';
                }
                errno = 0;
                result = syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
                printf("%s=%ld:%d\n", words[i], result < 0 ? -1L : 0L, errno);
                fflush(stdout);
            }
            return 0;
        }''')
    return static_program(source, workdir / 'probe')


def probed(c, probe, *calls):
    """{call: errno} of calls such as '83,0,0'."""
    c.config['root']['readonly'] = False
    (c.rootfs / 'probe').write_bytes(probe.read_bytes())
    (c.rootfs / 'probe').chmod(0o755)
    c.config['process']['args'] = ['/probe', *calls]
    c.config['process']['terminal'] = False
    return {line.partition('=')[0]: int(line.partition(':')[2]) for line in c.output().split()}


@pytest.mark.parametrize('name', ['docker-default', 'podman-default', 'containerd-seccomp', 'buildah-run'])
def test_profiles_of_engines(container, probe, name):
    c = container()
    config = json.loads((CONFIGS / f'{name}.json').read_text())
    c.config['linux']['seccomp'] = config['linux']['seccomp']
    c.config['process']['capabilities'] = config['process']['capabilities']
    # getpid; personality allowed and not; clone3; mount; a socket; newer than any profile
    calls = ['39', '135,0xffffffff', '135,0x1', '435,0,0', '165,0,0,0,0,0', '41,1,1,0', '9999']
    found = probed(c, probe, *calls)
    # podman lets clone3 and mount through to the kernel, which finds their arguments wrong.
    docker = name in ('docker-default', 'containerd-seccomp')
    assert found == {'39': 0, '135,0xffffffff': 0, '135,0x1': errno.EPERM if docker else errno.ENOSYS,
                     '435,0,0': errno.ENOSYS if docker else errno.EINVAL,
                     '165,0,0,0,0,0': errno.EPERM if docker else errno.EFAULT,
                     '41,1,1,0': 0, '9999': errno.ENOSYS}


def test_the_program_runs_under_a_filter(container):
    c = shell(profile(container(), rule('SCMP_ACT_ERRNO', 'mkdir', errnoRet=errno.EDQUOT)), 'cat /proc/self/status; mkdir /x')
    done = c.run()
    assert 'Seccomp:\t2\n' in done.out
    assert 'Seccomp_filters:\t1\n' in done.out
    assert done.rc == 1 and os.strerror(errno.EDQUOT) in done.err


@pytest.mark.knarr  # runc adds ENOSYS only where architectures are named
@pytest.mark.parametrize('default, unnamed', [('SCMP_ACT_ERRNO', errno.EPERM), ('SCMP_ACT_LOG', 0)])
def test_errno_of_calls_that_are_not_named(container, probe, default, unnamed):
    rules = json.loads((CONFIGS / 'docker-default.json').read_text())['linux']['seccomp']['syscalls']
    for one in rules:
        one['names'] = [name for name in one['names'] if name != 'getpgid'] or ['read']
    c = profile(container(), *rules, default=default)
    assert probed(c, probe, '121,0', '9999') == {'121,0': unnamed, '9999': errno.ENOSYS}


@pytest.mark.parametrize('condition, arguments', [
    ({'index': 0, 'value': 5, 'op': 'SCMP_CMP_EQ'}, {'5': True, '0x100000005': False, '4': False}),
    ({'index': 0, 'value': 5, 'op': 'SCMP_CMP_NE'}, {'5': False, '0x100000005': True}),
    ({'index': 0, 'value': 1 << 32, 'op': 'SCMP_CMP_GE'}, {'0xffffffff': False, '0x100000000': True}),
    ({'index': 0, 'value': 1 << 32, 'op': 'SCMP_CMP_GT'}, {'0x100000000': False, '0x200000000': True}),
    ({'index': 0, 'value': 9, 'op': 'SCMP_CMP_LT'}, {'8': True, '9': False, '0xffffffff00000008': False}),
    ({'index': 0, 'value': 9, 'op': 'SCMP_CMP_LE'}, {'9': True, '10': False}),
    ({'index': 0, 'value': 0xf0, 'valueTwo': 0x30, 'op': 'SCMP_CMP_MASKED_EQ'}, {'0x13f': True, '0x40': False}),
])
def test_conditions(container, probe, condition, arguments):
    c = profile(container(), rule('SCMP_ACT_ERRNO', 'getpgid', errnoRet=errno.EXDEV, args=[condition]))
    found = probed(c, probe, *(f'121,{value}' for value in arguments))
    assert {value: found[f'121,{value}'] == errno.EXDEV for value in arguments} == arguments


@pytest.mark.parametrize('action, number', [('SCMP_ACT_KILL', signal.SIGSYS), ('SCMP_ACT_KILL_THREAD', signal.SIGSYS),
                                            ('SCMP_ACT_KILL_PROCESS', signal.SIGSYS), ('SCMP_ACT_TRAP', signal.SIGSYS)])
def test_killing_actions(container, action, number):
    c = shell(profile(container(), rule(action, 'mkdir')), 'mkdir /x; echo $?')
    assert c.output().split()[-1] == str(128 + number)


def test_trace_without_a_tracer(container, probe):
    c = profile(container(), rule('SCMP_ACT_TRACE', 'getpgid', errnoRet=7))
    assert probed(c, probe, '121,0') == {'121,0': errno.ENOSYS}


@pytest.mark.parametrize('no_new_privileges', [True, False])
@pytest.mark.parametrize('capabilities', [[], ['CAP_SYS_ADMIN', 'CAP_KILL']])
def test_privileges_are_gone(container, no_new_privileges, capabilities):
    """Without no_new_privs the filter needs CAP_SYS_ADMIN, which must not stay."""
    c = shell(profile(container(), rule('SCMP_ACT_ERRNO', 'mkdir')), 'cat /proc/self/status')
    c.config['process']['noNewPrivileges'] = no_new_privileges
    c.config['process']['capabilities'] = {name: capabilities for name in ('bounding', 'effective', 'permitted')}
    status = dict(line.split(':\t', 1) for line in c.output().splitlines() if ':\t' in line)
    assert status['Seccomp'] == '2'
    assert status['NoNewPrivs'] == str(int(no_new_privileges))
    assert int(status['CapEff'], 16) == (1 << 21 | 1 << 5 if capabilities else 0)


def bpf(*instructions):
    return base64.b64encode(b''.join(struct.pack('<HBBI', *one) for one in instructions)).decode()


@pytest.mark.knarr  # crun's, under the same name
def test_raw_filter(container, probe):
    c = container()
    # load the number; mkdir: EXDEV; else allow
    c.config['annotations'] = {'run.oci.seccomp_bpf_data': bpf((0x20, 0, 0, 0), (0x15, 0, 1, 83), (0x06, 0, 0, 0x50000 | errno.EXDEV),
                                                               (0x06, 0, 0, 0x7fff0000))}
    c.config['linux'].pop('seccomp', None)
    assert probed(c, probe, '83,0,0', '121,0') == {'83,0,0': errno.EXDEV, '121,0': 0}


@pytest.mark.knarr
@pytest.mark.parametrize('data, text', [
    ('AAA', 'the filter is not in base64'),
    ('AA=A', 'the filter is not in base64'),
    ('', 'a filter has 1 to 4096 instructions of 8 bytes, not 0 bytes'),
    ('AAAA', 'a filter has 1 to 4096 instructions of 8 bytes, not 3 bytes'),
    (base64.b64encode(bytes(8 * 4097)).decode(), 'a filter has 1 to 4096 instructions of 8 bytes, not 32776 bytes'),
])
def test_raw_filter_refused(container, data, text):
    c = container()
    c.config['annotations'] = {'run.oci.seccomp_bpf_data': data}
    c.bundle.save()
    line = c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='seccomp_bpf_data')
    assert text in line


@pytest.mark.knarr
def test_unknown_syscall(container):
    c = shell(profile(container(), rule('SCMP_ACT_ERRNO', 'mkdir', 'no_such_call')), 'echo well')
    assert c.output() == 'well\n'
    c.config['annotations'] = {'run.oci.seccomp_fail_unknown_syscall': '1'}
    c.bundle.save()
    line = c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='linux.seccomp')
    assert 'linux.seccomp.syscalls[0].names[1]: libseccomp does not know the syscall no_such_call' in line


@pytest.mark.knarr
@pytest.mark.parametrize('seccomp, place, text', [
    ({'defaultAction': 'SCMP_ACT_NOTIFY', 'listenerPath': '/s'}, 'linux.seccomp.defaultAction',
     'SCMP_ACT_NOTIFY cannot be the default action'),
    ({'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/s', 'syscalls': [rule('SCMP_ACT_NOTIFY', 'mkdir', 'write')]},
     'linux.seccomp.syscalls[0].names[1]', 'SCMP_ACT_NOTIFY cannot be used for write'),
    ({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [rule('SCMP_ACT_NOTIFY', 'mkdir')]}, 'linux.seccomp.syscalls[0].action',
     'SCMP_ACT_NOTIFY needs a listenerPath'),
    ({'defaultAction': 'SCMP_ACT_ERRNO', 'listenerPath': '/s', 'syscalls': [rule('SCMP_ACT_NOTIFY', 'mkdir')]},
     'linux.seccomp.syscalls', NOTIFY_WITHOUT_WRITE),
    ({'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/s',
      'syscalls': [rule('SCMP_ACT_NOTIFY', 'mkdir'), rule('SCMP_ACT_LOG', 'write', args=[{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}])]},
     'linux.seccomp.syscalls', NOTIFY_WITHOUT_WRITE),
    ({'defaultAction': 'SCMP_ACT_ALLOW', 'listenerMetadata': 'x'}, 'linux.seccomp.listenerMetadata', 'must not be set without listenerPath'),
    ({'defaultAction': 'SCMP_ACT_ERRNO',
      'syscalls': [rule(action, 'read', args=[{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}]) for action in ('SCMP_ACT_ALLOW', 'SCMP_ACT_TRAP')]},
     'linux.seccomp.syscalls[1].names[0]', 'another rule has the same conditions for read and another action'),
    ({'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_S390X']}, 'linux.seccomp.architectures[1]',
     'SCMP_ARCH_S390X has another byte order than this machine'),
])
def test_refused_profiles(container, seccomp, place, text):
    c = container()
    c.config['linux']['seccomp'] = seccomp
    c.bundle.save()
    line = c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='linux.seccomp')
    assert f': {place}: {text}' in line, line


class Agent:
    """Receives listeners, and answers what comes out of them in threads of its own."""

    def __init__(self, path, answer):
        self.path = str(path)
        self.answer = answer  # (number, arguments) -> (value, error, flags)
        self.states, self.calls, self.closed = [], [], []
        self.listeners = []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(self.path)
        self.server.listen()
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                data, fds, _, _ = socket.recv_fds(connection, 1 << 20, 4)
                rest = connection.recv(1)
            self.states.append(json.loads(data))
            self.closed.append(rest == b'')
            assert len(fds) == 1
            self.listeners.append(fds[0])
            self.threads.append(threading.Thread(target=self.serve, args=(fds[0],), daemon=True))
            self.threads[-1].start()

    def serve(self, listener):
        while True:
            event = bytearray(80)
            try:
                fcntl.ioctl(listener, NOTIF_RECV, event)
            except OSError as error:
                if error.errno == errno.ENOENT and not self.is_over(listener):
                    continue
                os.close(listener)
                return
            number, pid, _, call, arch, _, *arguments = struct.unpack('=QIIiIQ6Q', event)
            self.calls.append((call, pid))
            value, error, flags = self.answer(call, arguments)
            try:
                fcntl.ioctl(listener, NOTIF_SEND, bytearray(struct.pack('=QqiI', number, value, -error, flags)))
            except OSError as failure:
                assert failure.errno == errno.ENOENT  # it has been killed in the meantime

    @staticmethod
    def is_over(listener):
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def agent(workdir):
    made = []

    def make(answer=lambda call, arguments: (0, 0, CONTINUE)):
        made.append(Agent(workdir / f'agent{len(made)}', answer))
        return made[-1]
    yield make
    for one in made:
        one.close()


def notified(c, agent, *names, **more):
    return profile(c, rule('SCMP_ACT_NOTIFY', *names), listenerPath=agent.path, **more)


def refuse_mkdir(call, arguments):
    return (0, errno.EDQUOT, 0) if call == NUMBERS['mkdir'] else (0, 0, CONTINUE)


@pytest.mark.knarr  # runc installs the filter at create when it can
@pytest.mark.parametrize('no_new_privileges', [True, False])
def test_notify_create_and_start(container, agent, no_new_privileges):
    a = agent(refuse_mkdir)
    c = shell(notified(container(), a, 'mkdir', listenerMetadata='some "data"'), 'mkdir /x; echo $?; sleep 100')
    c.config['process']['noNewPrivileges'] = no_new_privileges
    c.config['annotations'] = {'org.example.k': 'v'}
    c.create()
    assert a.states == []
    pid = c.pid
    c.start()
    c.wait_out('1\n')
    assert a.calls and a.calls[0][0] == NUMBERS['mkdir']
    assert not (c.rootfs / 'x').exists()
    state, = a.states
    assert a.closed == [True]
    inner = state.pop('state')
    assert inner == {'ociVersion': state['ociVersion'], 'id': c.id, 'pid': pid, 'status': 'created', 'bundle': str(c.bundle.path),
                     'annotations': {'org.example.k': 'v'}}
    assert list(state) == ['ociVersion', 'fds', 'pid', 'metadata']
    assert state['fds'] == ['seccompFd'] and state['pid'] == pid and state['metadata'] == 'some "data"'
    # Nothing of ours is left in there: no zombie, no descriptor.
    assert Path(f'/proc/{pid}/task/{pid}/children').read_text().split() == [str(child) for child in children(pid)]
    assert all(status_of(child)['Name'] == 'sleep' for child in children(pid))
    assert not [fd for fd in os.listdir(f'/proc/{pid}/fd') if int(fd) > 2 and 'seccomp' in os.readlink(f'/proc/{pid}/fd/{fd}')]
    c.kill('KILL')
    c.wait_stopped()
    c.delete()


def children(pid):
    return [int(word) for word in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


@pytest.mark.knarr  # runc hands the listener over without waiting, and hangs
def test_notify_run(container, agent):
    a = agent(lambda call, arguments: (0, 0, 0))
    c = shell(notified(container(), a, 'mkdir'), 'mkdir /x; echo $?')
    assert c.output() == '0\n'  # the agent says that it is done
    assert not (c.rootfs / 'x').exists()
    assert len(a.states) == 1 and 'metadata' not in a.states[0]


@pytest.mark.knarr
def test_notify_of_what_init_itself_needs(container, agent):
    """All calls between the filter and the program, and those of the hand-over but for write."""
    a = agent()
    names = ['sendmsg', 'recvmsg', 'read', 'close', 'waitid', 'wait4', 'execve', 'prctl', 'capset', 'capget', 'poll', 'ppoll', 'openat',
             'rt_sigprocmask', 'clock_gettime', 'exit_group', 'pidfd_send_signal', 'dup3', 'fcntl', 'getpid', 'mmap', 'brk']
    c = shell(notified(container(), a, *names), 'echo well')
    c.config['process']['noNewPrivileges'] = False
    c.config['process']['capabilities'] = {}
    assert c.output() == 'well\n'
    numbers = {call for call, _ in a.calls}
    assert {NUMBERS['waitid'], NUMBERS['execve'], NUMBERS['capset'], NUMBERS['exit_group']} <= numbers


@pytest.mark.knarr
def test_notify_with_waitid_forbidden(container, agent):
    a = agent(refuse_mkdir)
    c = shell(profile(container(), rule('SCMP_ACT_NOTIFY', 'mkdir'), rule('SCMP_ACT_ERRNO', 'waitid'), listenerPath=a.path), 'mkdir /x; echo $?')
    assert c.output() == '1\n'
    assert len(a.states) == 1


@pytest.mark.knarr
def test_notify_exec(container, agent):
    a = agent(refuse_mkdir)
    c = shell(notified(container(), a, 'mkdir'), 'echo up; sleep 100').up()
    c.wait_out('up')
    pid = c.pid
    done = c.runtime('exec', c.id, '/bin/mkdir', '/y')
    assert done.rc == 1 and os.strerror(errno.EDQUOT) in done.err
    first, second = a.states
    assert first['pid'] == pid and second['pid'] != pid
    assert second['state']['pid'] == pid and second['state']['status'] == 'running'
    if shutil.which('strace'):  # the helper that makes the process is slow to say who it is
        slow = ['strace', '-f', '-qq', '-o', os.devnull, '-e', 'trace=clone,clone3', '-e', 'inject=clone,clone3:delay_exit=300000']
        done = subprocess.run([*slow, *map(str, c.runtime.command('exec', c.id, '/bin/mkdir', '/y'))], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and os.strerror(errno.EDQUOT) in done.stderr, done
        assert len(a.states) == 3
    c.kill('KILL')
    c.wait_stopped()
    c.delete()


@pytest.mark.knarr
def test_notify_in_a_user_namespace(container, agent):
    a = agent(refuse_mkdir)
    c = shell(notified(container(), a, 'mkdir'), 'mkdir /x; echo $?')
    c.config['linux']['namespaces'].append({'type': 'user'})
    for kind in ('uidMappings', 'gidMappings'):
        c.config['linux'][kind] = [{'containerID': 0, 'hostID': 0, 'size': 65536}]
    assert c.output() == '1\n'
    assert len(a.states) == 1


@pytest.mark.knarr
def test_notify_by_annotation(container, agent):
    a = agent(refuse_mkdir)
    c = shell(profile(container(), rule('SCMP_ACT_NOTIFY', 'mkdir')), 'mkdir /x; echo $?')
    c.config['annotations'] = {'run.oci.seccomp.receiver': a.path}
    assert c.output() == '1\n'


@pytest.mark.knarr
def test_listener_path_without_notify_is_ignored(container):
    c = shell(profile(container(), rule('SCMP_ACT_ERRNO', 'mkdir'), listenerPath='/no/such/socket'), 'echo well')
    assert c.output() == 'well\n'


@pytest.mark.knarr
def test_no_agent(container, workdir):
    """The error says where; nothing has run, and the container can be started when the agent is there."""
    c = shell(profile(container(), rule('SCMP_ACT_NOTIFY', 'mkdir'), listenerPath=str(workdir / 'none')), 'mkdir /x; echo $?; sleep 100')
    c.create()
    line = c.runtime.fails('start', c.id, text='listenerPath')
    assert f'linux.seccomp.listenerPath: connect to the seccomp agent at {workdir}/none: No such file or directory (ENOENT)' in line
    assert c.status == 'created' and c.read_out() == ''
    late = Agent(workdir / 'none', refuse_mkdir)
    try:
        c.start()
        c.wait_out('1\n')
    finally:
        c.kill('KILL')
        c.wait_stopped()
        c.delete()
        late.close()


@pytest.mark.knarr
def test_agent_that_hangs_up(container, workdir):
    """It takes the connection and goes: either it was told, or the start fails; the container never hangs."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(workdir / 'rude'))
    server.listen()
    accepted = []

    def serve():
        connection, _ = server.accept()
        connection.close()
        accepted.append(True)
    thread = threading.Thread(target=serve)
    thread.start()
    # A startContainer hook gives the agent the time to be gone.
    c = shell(profile(container(), rule('SCMP_ACT_NOTIFY', 'mkdir'), listenerPath=str(workdir / 'rude')), 'echo ran')
    c.config['hooks'] = {'startContainer': [{'path': '/bin/sleep', 'args': ['sleep', '0.3']}]}
    c.create()
    line = c.runtime.fails('start', c.id, text='listenerPath')
    assert 'linux.seccomp.listenerPath: send the listener to the seccomp agent: Broken pipe (EPIPE)' in line
    thread.join()
    server.close()
    assert accepted == [True]
    c.wait_stopped()
    assert c.read_out() == ''
    c.delete()


@pytest.mark.knarr
def test_start_killed_before_the_delivery(container, workdir):
    """`start` dies while init waits for the word that the agent has been told: so does init."""
    hold = workdir / 'hold'
    os.mkfifo(hold)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(workdir / 'slow'))
    server.listen(1)
    c = shell(profile(container(), rule('SCMP_ACT_NOTIFY', 'mkdir'), listenerPath=str(workdir / 'slow')), 'echo ran')
    c.config['mounts'].append({'destination': '/hold', 'type': 'bind', 'source': str(hold), 'options': ['bind']})
    c.config['hooks'] = {'startContainer': [{'path': '/bin/sh', 'args': ['sh', '-c', 'read word </hold']}]}
    c.create()
    process = subprocess.Popen(c.runtime.command('start', c.id))
    with open(hold, 'w', encoding='utf-8') as fifo:  # the hook reads: it is past the gate
        process.kill()
        process.wait()
        fifo.write('go\n')
    c.wait_stopped()
    assert c.read_out() == ''
    server.close()
    c.delete()


@pytest.mark.knarr
def test_features(runtime):
    seccomp = json.loads(runtime.ok('features').out)['linux']['seccomp']
    assert seccomp['enabled'] is True
    assert 'SCMP_ACT_NOTIFY' in seccomp['actions']


@pytest.mark.knarr
def test_keep_original_groups(container):
    script = 'grep ^Groups: /proc/self/status'
    c = shell(container(), script)
    c.config['process']['user'] = {'uid': 0, 'gid': 0}
    extra = lambda: os.setgroups([17, 23])
    assert c.output(preexec=extra).split()[1:] == []
    c.config['annotations'] = {'run.oci.keep_original_groups': '1'}
    assert c.output(preexec=extra).split()[1:] == ['17', '23']
