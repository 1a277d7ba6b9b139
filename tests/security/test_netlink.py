# SPDX-License-Identifier: Apache-2.0
"""R33: words of the kernel's that others may say as well."""

import subprocess
import sys

import pytest

from harness import wait_until
from test_net_devices import Network, network  # noqa: F401

pytestmark = pytest.mark.knarr

# Who has CAP_NET_ADMIN in a network namespace may send to all rtnetlink sockets in it. This one looks for them, and answers what
# they are about to ask: the error EPERM, to each of their first twenty questions. It says which it has found, and who it has reached.
FORGER = r'''
import socket, struct, sys, time
mine = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
mine.bind((0, 0))
own, found, reached = mine.getsockname()[0], set(), set()
print('ready', flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    time.sleep(0.002)
    for line in open('/proc/net/netlink').read().splitlines()[1:]:
        words = line.split()
        port = int(words[2])
        if words[1] != '0' or port in (0, own) or port in found:
            continue
        found.add(port)
        print('found', port, flush=True)
        for sequence in range(1, 21):
            answer = struct.pack('=IHHIIi', 36, 2, 0, sequence, 0, -1) + struct.pack('=IHHII', 16, 16, 0, sequence, 0)
            try:
                mine.sendto(answer, (port, 0))
                reached.add(port)
            except OSError as error:
                last = error.errno
        print('reached' if port in reached else f'refused {last}', port, flush=True)
'''


@pytest.mark.recipe('R33', 'CVE-2009-1185')
@pytest.mark.parametrize('moment', ['sendto', 'connect'])
def test_answers_of_the_kernel_cannot_be_forged(container, network, workdir, moment):  # noqa: F811
    """A container of a pod, which may do all in the pod's network namespace, answers in the kernel's place while interfaces are
    moved there for another one. Before the socket is connected it is reached, but what it was told then is forgotten."""
    pod, out = Network(), workdir / 'forger'
    c = container(['true'])
    c.config['linux']['netDevices'] = {'wire1': {'name': 'eth0'}}
    for entry in c.config['linux']['namespaces']:
        if entry['type'] == 'network':
            entry['path'] = pod.path
    c.bundle.save()
    with open(out, 'wb') as words:
        forger = subprocess.Popen(['nsenter', f'--net={pod.path}', sys.executable, '-c', FORGER], stdout=words)
    try:
        wait_until(lambda: 'ready' in out.read_text(), 'the forger looks')
        # Each question, or connection, waits for a moment, so that the forger is always faster.
        slowly = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', f'trace={moment}', '-e', f'inject={moment}:delay_enter=100000']
        done = subprocess.run([*slowly, *c.runtime.command('run', '--bundle', c.bundle.path, c.id)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False, preexec_fn=network.enter)
        wait_until(lambda: 'found' in out.read_text(), 'the forger has found a socket')
        assert done.returncode == 0, done.stderr
        assert set(network.links()) == {'lo', 'wire0'} and set(pod.links()) == {'lo', 'eth0'}
        # Where only questions wait, it comes between bind and connect by chance.
        assert moment != 'connect' or 'reached' in out.read_text(), out.read_text()
    finally:
        forger.kill()
        forger.wait()
        pod.close()
