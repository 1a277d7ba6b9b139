# SPDX-License-Identifier: Apache-2.0
"""SELinux: the label of processes, of what is mounted, and what becomes of a label that is none."""

import json
import os
import subprocess

import pytest
from harness import mount_at
from machine import refused

PROCESS = 'system_u:system_r:container_t:s0:c17,c42'
FILES = 'system_u:object_r:container_file_t:s0:c17,c42'
CURRENT = '/proc/self/attr/current'


def label_of(path):
    return os.getxattr(path, 'security.selinux').rstrip(b'\0').decode()


def test_process_label(container):
    assert container(['cat', CURRENT], selinuxLabel=PROCESS).output().rstrip('\0\n') == PROCESS


def test_children_have_it_too(container):
    assert container(['sh', '-c', f'sh -c "cat {CURRENT}"'], selinuxLabel=PROCESS).output().rstrip('\0\n') == PROCESS


def test_categories_in_another_order(container):
    """The kernel writes them in an order and with ranges of its own."""
    label = 'system_u:system_r:container_t:s0:c3,c1,c2'
    assert container(['cat', CURRENT], selinuxLabel=label).output().rstrip('\0\n').endswith(':container_t:s0:c1.c3')


@pytest.mark.parametrize('label', ['system_u:system_r:nothing_t:s0', 'nonsense', 'a:b:c:d:e'])
def test_label_that_is_none(container, label):
    line = refused(container(selinuxLabel=label), f'apply the SELinux label "{label}"')
    assert 'policy' in line


def test_exec_has_the_containers_label(container):
    c = container(selinuxLabel=PROCESS).up()
    assert c.runtime('exec', c.id, 'cat', CURRENT).out.rstrip('\0\n') == PROCESS


def test_exec_with_another(container, workdir):
    c = container(selinuxLabel=PROCESS).up()
    other = PROCESS.replace('c17', 'c18')
    assert c.runtime('exec', '--process-label', other, c.id, 'cat', CURRENT).out.rstrip('\0\n') == other
    process = {**c.config['process'], 'args': ['cat', CURRENT], 'selinuxLabel': other}
    (workdir / 'process.json').write_text(json.dumps(process))
    assert c.runtime('exec', '--process', workdir / 'process.json', c.id).out.rstrip('\0\n') == other


def test_exec_with_a_label_that_is_none(container):
    c = container(selinuxLabel=PROCESS).up()
    c.runtime.fails('exec', '--process-label', 'nonsense', c.id, 'true', text='SELinux label "nonsense"', rc=255)


KEYRING = '''
import ctypes
label = ctypes.create_string_buffer(200)
assert ctypes.CDLL(None).syscall(250, 17, -3, label, 200) > 0  # keyctl(KEYCTL_GET_SECURITY, KEY_SPEC_SESSION_KEYRING)
print(label.value.decode())
'''


def test_session_keyring_has_the_label(container):
    """Or the process could not use it."""
    c = container(['python3', '-c', KEYRING], selinuxLabel=PROCESS)
    c.config['root'] = {'path': '/', 'readonly': True}
    assert c.output() == PROCESS + '\n'


# ---- mounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('where', ['/dev', '/dev/shm', '/tmp'])
def test_mount_label(container, where):
    """Every file of a new tmpfs has it: what makes the files need not know."""
    c = container(selinuxLabel=PROCESS)
    c.config['linux']['mountLabel'] = FILES
    c.config['mounts'].append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid']})
    c.up()
    root = f'/proc/{c.pid}/root'
    assert label_of(root + where) == FILES
    with open(f'{root}{where}/new', 'wb'):
        assert label_of(f'{root}{where}/new') == FILES
    assert any(option.startswith('context=') for option in mount_at(c.pid, where).superoptions)


def test_mount_label_leaves_binds_alone(container, workdir):
    source = workdir / 'source'
    source.mkdir()
    before = label_of(source)
    c = container()
    c.config['linux']['mountLabel'] = FILES
    c.config['mounts'].append({'destination': '/data', 'type': 'bind', 'source': str(source), 'options': ['bind']})
    c.up()
    assert label_of(f'/proc/{c.pid}/root/data') == label_of(source) == before


def test_context_of_a_mount_itself(container):
    """A mount that names a context keeps it."""
    c = container()
    other = FILES.replace('c42', 'c43')
    c.config['linux']['mountLabel'] = FILES
    c.config['mounts'].append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': [f'context="{other}"']})
    c.up()
    assert label_of(f'/proc/{c.pid}/root/tmp') == other
    assert label_of(f'/proc/{c.pid}/root/dev') == FILES


def test_mount_label_that_is_none(container):
    c = container()
    c.config['linux']['mountLabel'] = 'nonsense'
    refused(c, 'nonsense')


def test_mount_label_with_a_user_namespace(container):
    c = container(selinuxLabel=PROCESS)
    c.config['linux']['mountLabel'] = FILES
    c.config['linux']['namespaces'].append({'type': 'user'})
    c.config['linux'].update(uidMappings=[{'containerID': 0, 'hostID': 100000, 'size': 65536}],
                             gidMappings=[{'containerID': 0, 'hostID': 100000, 'size': 65536}])
    c.up()
    assert label_of(f'/proc/{c.pid}/root/dev') == FILES


# ---- enforcing ------------------------------------------------------------------------------------


# The runtime is in the domain of an administrator's shell. Debian's policy has none for knarr.
ADMINISTRATOR = ['runcon', '-u', 'unconfined_u', '-r', 'unconfined_r', '-t', 'unconfined_t', '-l', 's0-s0:c0.c1023']
ENFORCED = 'setenforce 1; "$@"; result=$?; setenforce 0; exit $result'


def test_the_label_confines(container):
    """The root has the container's label, one file in it another container's. What a container writes is no proof: its output
    is a file that it may not write to either."""
    c = container(['sh', '-c', 'cat /etc/own || exit 3; cat /etc/others && exit 4; cat </etc/own >/tmp/new || exit 5; exit 7'], selinuxLabel=PROCESS)
    c.config['linux']['mountLabel'] = FILES
    c.config['mounts'].append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid']})
    (c.rootfs / 'etc/own').write_text('own\n')
    (c.rootfs / 'etc/others').write_text('others\n')
    subprocess.run(['chcon', '-R', FILES, str(c.rootfs)], check=True)
    subprocess.run(['chcon', FILES.replace('c42', 'c43'), str(c.rootfs / 'etc/others')], check=True)
    c.bundle.save()
    command = c.runtime.command('run', '--bundle', c.bundle.path, c.id)
    assert subprocess.run(command, check=False).returncode == 4, 'without SELinux in force'
    done = subprocess.run([*ADMINISTRATOR, 'sh', '-c', ENFORCED, 'sh', *command], stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 7
