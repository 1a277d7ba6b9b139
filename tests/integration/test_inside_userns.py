# SPDX-License-Identifier: Apache-2.0
"""The runtime as root of a user namespace, and a configuration without one of its own: how podman calls it for an
ordinary user."""

import os
import subprocess
import sys

import pytest

import harness

pytestmark = pytest.mark.knarr
FIRST, COUNT = 100000, 65536
# Becomes root of a user namespace whose maps its parent writes between two lines, and executes the rest of its words.
LAUNCHER = '''
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000 | 0x00020000) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("unshared", flush=True)
sys.stdin.readline()
os.setgroups([])
os.setresgid(0, 0, 0)
os.setresuid(0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
'''


def inside(*words):
    process = subprocess.Popen([sys.executable, '-c', LAUNCHER, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'unshared\n', process.communicate()
    for table in ('uid_map', 'gid_map'):
        with open(f'/proc/{process.pid}/{table}', 'w', encoding='utf-8') as out:
            out.write(f'0 {FIRST} {COUNT}')
    out, err = process.communicate('go\n', timeout=60)
    return harness.Done(process.returncode, out, err)


def own(path):
    for folder, names, files in os.walk(path):
        for name in [*names, *files, '.']:
            os.chown(os.path.join(folder, name), FIRST, FIRST, follow_symlinks=False)


@pytest.fixture
def nested(runtime, bundle, workdir):
    """A function: the output of a container that has all namespaces but a user namespace."""
    def make(args, change=None):
        made = bundle(args)
        made.config['process'].pop('rlimits', None)
        made.config['linux']['resources'] = {}
        if change:
            change(made.config)
        made.save()
        own(made.path)
        os.chown(workdir, FIRST, FIRST)
        name = f'{harness.PREFIX}-nested'
        done = inside(runtime.path, '--root', workdir / 'inner', 'run', '--bundle', made.path, name)
        assert not os.listdir(workdir / 'inner')
        assert done.rc == 0, done
        return done.out
    return make


def test_devices_are_the_hosts(nested):
    """Nobody makes device nodes there."""
    out = nested(['sh', '-c', 'for d in null zero full random urandom tty; do stat -c "%n %t %T" /dev/$d; done; echo x > /dev/null; head -c 2 /dev/zero | wc -c; id -u'])
    assert out == '/dev/null 1 3\n/dev/zero 1 5\n/dev/full 1 7\n/dev/random 1 8\n/dev/urandom 1 9\n/dev/tty 5 0\n2\n0\n'


def test_device_of_the_configuration(nested):
    def change(config):
        config['linux']['devices'] = [{'path': '/dev/it', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o666, 'uid': 0, 'gid': 0},
                                      {'path': '/dev/null', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o666, 'uid': 0, 'gid': 0}]
    with pytest.raises(AssertionError, match=r'linux\.devices\[0\].*/dev/it'):
        nested(['true'], change)


def test_bind_mounts_and_masks(nested, workdir):
    (workdir / 'file').write_text('content')
    (workdir / 'file').chmod(0o644)

    def change(config):
        config['mounts'].append({'destination': '/data', 'type': 'bind', 'source': str(workdir / 'file'), 'options': ['bind', 'ro']})
    assert nested(['sh', '-c', 'cat /data; cat /proc/kcore | wc -c; cat /proc/self/uid_map'], change).split() == ['content0', '0', str(FIRST), str(COUNT)]


def test_nested_user_namespace(nested):
    def change(config):
        config['linux']['namespaces'].append({'type': 'user'})
        config['linux']['uidMappings'] = config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 1000}]
    assert nested(['sh', '-c', 'id -u; echo x > /dev/null; cat /proc/self/uid_map'], change).split() == ['0', '0', '0', '1000']
