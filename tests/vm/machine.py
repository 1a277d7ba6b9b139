# SPDX-License-Identifier: Apache-2.0
"""What tests of the test machine share: limits, the files of a container's cgroup, machine-wide settings."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from harness import cgroups_of

CGROUPS = Path('/sys/fs/cgroup')
MIB = 1 << 20


@contextlib.contextmanager
def alone(name):
    """Files run at the same time; of what there is one of on the machine, one at a time."""
    with open(f'/run/knarr-test-{name}', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def limit(c, **resources):
    """Sets linux.resources of a container; its cgroup is one below the root's, which has every controller."""
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    c.config['linux'].setdefault('resources', {}).update(resources)
    return c


def cgroup_of(c):
    return Path(f'{CGROUPS}{cgroups_of(c.pid)[""]}')


def value(folder, name):
    return (folder / name).read_text().strip()


def table(folder, name):
    """A file of "key number" lines, such as memory.events."""
    return {key: int(number) for key, number in (line.split() for line in (folder / name).read_text().splitlines())}


def nested(folder, name):
    """A file of "key name=value ..." lines, such as io.max."""
    found = {}
    for line in (folder / name).read_text().splitlines():
        key, *pairs = line.split()
        found[key] = dict(pair.split('=', 1) for pair in pairs)
    return found


@contextlib.contextmanager
def setting(path, text):
    """Writes a file of /proc or /sys and puts back what was there."""
    path = Path(path)
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


def save(c):
    c.bundle.save()
    return c


def refused(c, text, verb='create'):
    """The container cannot be made; returns the line that says why."""
    save(c)
    return c.runtime.fails(verb, '--bundle', c.bundle.path, c.id, text=text)


def run(*words, **keywords):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, done
    return done.stdout


def add_capabilities(c, *names):
    for kind in ('bounding', 'effective', 'permitted'):
        have = c.config['process']['capabilities'].setdefault(kind, [])
        have.extend(name for name in names if name not in have)
    return c


def install(program):
    """The program, where engines look for it. Other tests may be at work with it: it is replaced, not written to."""
    made = f'/usr/local/bin/knarr.{os.getpid()}'
    shutil.copy2(program, made)
    os.rename(made, '/usr/local/bin/knarr')
