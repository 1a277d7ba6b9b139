# SPDX-License-Identifier: Apache-2.0
"""Words for attacks: changes of a container's configuration, and what must hold afterwards."""

import shutil
import subprocess

from harness import mounts_of

DEV_MOUNTS = ('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')


def writable(container):
    container.config['root']['readonly'] = False
    return container


def without_mounts(container, *prefixes):
    container.config['mounts'] = [entry for entry in container.config['mounts'] if not entry['destination'].startswith(prefixes)]
    return container


def add_mount(container, destination, source=None, fstype=None, options=()):
    entry = {'destination': str(destination)}
    if source is not None:
        entry['source'] = str(source)
    entry['type'] = fstype or 'bind'
    entry['options'] = list(options) or (['bind'] if fstype is None else [])
    container.config['mounts'].append(entry)
    return container


def give_capabilities(container, *names):
    for kind in ('bounding', 'effective', 'permitted'):
        have = container.config['process']['capabilities'].setdefault(kind, [])
        have += [f'CAP_{name}' for name in names if f'CAP_{name}' not in have]
    return container


def put(container, programs, *names):
    """Copies programs into the container's /bin."""
    for name in names:
        shutil.copy2(programs / name, container.rootfs / 'bin' / name)
    return container


def without_namespace(container, kind):
    namespaces = container.config['linux']['namespaces']
    container.config['linux']['namespaces'] = [entry for entry in namespaces if entry['type'] != kind]
    return container


def with_user_namespace(container, size=65536, host=100000):
    line = [{'containerID': 0, 'hostID': host, 'size': size}]
    container.config['linux'].update({'uidMappings': line, 'gidMappings': line})
    container.config['linux']['namespaces'].append({'type': 'user'})
    subprocess.run(['chown', '-R', f'{host}:{host}', str(container.rootfs)], check=True)
    return container


def refused(done):
    """Not started, with an error that a person can read."""
    assert done.rc != 0, f'it was accepted: {done}'
    assert done.err.strip(), f'no word about why: {done}'
    assert 'panic:' not in done.err and 'goroutine' not in done.err, done.err
    return done


def mounts_below(path):
    return [entry.target for entry in mounts_of() if entry.target.startswith(str(path))]
