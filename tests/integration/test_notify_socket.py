# SPDX-License-Identifier: Apache-2.0
"""NOTIFY_SOCKET: the program in the container says READY, and the service manager hears it from us."""

import array
import os
import socket
import subprocess
import time

import pytest

import harness

pytestmark = pytest.mark.knarr
# busybox has nothing that sends to a socket of datagrams.
SEND = r'''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	const char *path = getenv("NOTIFY_SOCKET");

	if (!path)
		return 9;
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	printf("%s\n", path);
	fflush(stdout);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "sleep", 5) == 0)
			usleep(atoi(argv[i] + 5) * 1000);
		else if (sendto(fd, argv[i], strlen(argv[i]), 0, (void *)&address, sizeof(address)) < 0)
			return perror(argv[i]), 8;
	}
	return 0;
}
'''


@pytest.fixture(scope='session')
def say(base):
    """A static program that sends its arguments to NOTIFY_SOCKET, one message each; "sleepN" waits N ms."""
    source = base / 'say.c'
    source.write_text(SEND)
    return harness.static_program(source, base / 'say')


class Manager:
    """The service manager's end."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(harness.PATIENCE)

    def hear(self):
        """One message, and whether descriptors came along; these are closed, as a manager does."""
        text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(64))
        fds = array.array('i')
        for level, kind, data in ancillary:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        for fd in fds:
            os.close(fd)
        return text.decode(), len(fds)


@pytest.fixture(params=['path', 'abstract'])
def manager(request, workdir):
    name = f'{harness.PREFIX}-{os.urandom(4).hex()}'
    one = Manager(str(workdir / 'manager') if request.param == 'path' else f'\0{name}')
    one.name = str(workdir / 'manager') if request.param == 'path' else f'@{name}'
    one.env = {**os.environ, 'NOTIFY_SOCKET': one.name}
    yield one
    one.socket.close()


@pytest.fixture
def speaker(container, say):
    def make(*messages, **process):
        c = container(['/say', *messages], **process)
        (c.rootfs / 'say').write_bytes(say.read_bytes())
        (c.rootfs / 'say').chmod(0o755)
        return c
    return make


def begin(command, env):
    return subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def test_start_returns_when_the_program_is_ready(speaker, manager):
    c = speaker('sleep300', 'STATUS=warming up', 'X=1\nREADY=1\nMAINPID=1', 'sleep60000')
    c.create(env=manager.env)
    pid = c.pid
    before = time.monotonic()
    start = begin(c.runtime.command('start', c.id), manager.env)
    assert manager.hear() == ('READY=1', 0)
    assert time.monotonic() - before >= 0.3
    assert c.status == 'running'
    assert start.poll() is None, 'it did not wait for the barrier'
    assert manager.hear() == (f'MAINPID={pid}', 0)
    assert manager.hear() == ('BARRIER=1', 1)
    assert start.wait(harness.PATIENCE) == 0
    assert c.read_out() == '/run/notify/notify.sock\n'
    assert 'ro' in harness.mount_at(pid, '/run/notify').options


def test_other_commands_work_while_start_waits(speaker, manager):
    c = speaker('sleep60000')
    c.create(env=manager.env)
    start = begin(c.runtime.command('start', c.id), manager.env)
    harness.wait_until(lambda: c.status == 'running', 'it runs')
    c.runtime.ok('exec', c.id, 'true')
    assert start.poll() is None
    c.kill('KILL')
    assert start.wait(harness.PATIENCE) == 0


def test_a_program_that_ends_without_a_word(speaker, manager):
    c = speaker()
    c.create(env=manager.env)
    assert begin(c.runtime.command('start', c.id), manager.env).wait(harness.PATIENCE) == 0
    c.wait_stopped()


def test_start_without_a_manager_does_not_wait(speaker, manager):
    c = speaker('sleep60000')
    c.create(env=manager.env)
    before = time.monotonic()
    c.start()
    assert time.monotonic() - before < 30


def test_a_manager_that_is_gone(speaker, manager):
    c = speaker('READY=1', 'sleep60000')
    c.create(env=manager.env)
    manager.socket.close()
    line = c.runtime.fails('start', c.id, env=manager.env, text='tell NOTIFY_SOCKET .* that the container is ready: (No such file|Connection refused)')
    assert manager.name in line or manager.name.startswith('/')


def test_run_detached(speaker, manager):
    c = speaker('READY=1', 'sleep60000')
    run = begin(c.runtime.command('run', '--detach', '--bundle', c.bundle.save().path, c.id), manager.env)
    assert manager.hear() == ('READY=1', 0)
    assert manager.hear()[0] == f'MAINPID={c.pid}'
    assert manager.hear() == ('BARRIER=1', 1)
    assert run.wait(harness.PATIENCE) == 0


def test_run_in_the_foreground_stays_the_main_process(speaker, manager):
    c = speaker('READY=1', 'sleep700')
    run = begin(c.runtime.command('run', '--bundle', c.bundle.save().path, c.id), manager.env)
    assert manager.hear() == ('READY=1', 0)
    assert manager.hear() == ('BARRIER=1', 1)
    assert run.wait(harness.PATIENCE) == 0


def test_in_a_user_namespace(speaker, manager):
    c = speaker('READY=1', 'sleep60000')
    c.config['linux']['namespaces'].append({'type': 'user'})
    c.config['linux']['uidMappings'] = c.config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 1000}]
    for folder, names, files in os.walk(c.rootfs):
        for name in [*names, *files, '.']:
            os.chown(os.path.join(folder, name), 100000, 100000, follow_symlinks=False)
    c.create(env=manager.env)
    start = begin(c.runtime.command('start', c.id), manager.env)
    assert manager.hear() == ('READY=1', 0)
    manager.hear()
    manager.hear()
    assert start.wait(harness.PATIENCE) == 0


@pytest.mark.parametrize('value', ['', 'vsock:2:1234', 'relative', '/' + 'x' * 200])
def test_what_is_no_socket_of_ours(container, value):
    """Neither a wait nor a mount."""
    c = container(['sh', '-c', 'echo "<$NOTIFY_SOCKET>"; ls /run'])
    assert c.output(env={**os.environ, 'NOTIFY_SOCKET': value}) == '<>\n'
