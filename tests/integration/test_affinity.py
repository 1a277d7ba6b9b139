# SPDX-License-Identifier: Apache-2.0
"""The CPUs of processes: process.execCPUAffinity, and what is not inherited from the runtime's caller."""

import json
import os

import pytest
from harness import lacks

pytestmark = pytest.mark.knarr
CPUS = sorted(os.sched_getaffinity(0))
# A kernel numbers at most 8192 CPUs: this one is none, and there is room for it in the mask.
NO_CPU = 8000


@pytest.fixture(autouse=True)
def two_cpus():
    if len(CPUS) < 2:
        lacks('a second CPU')


def confine():
    """What a service manager does to an engine."""
    os.sched_setaffinity(0, {CPUS[0]})


def seen(c, *flags, stdin=b'', **keywords):
    """The CPUs of a process that enters."""
    done = c.runtime('exec', *flags, c.id, 'grep', 'Cpus_allowed_list', '/proc/self/status', stdin=stdin, **keywords)
    assert done.rc == 0, done
    found = set()
    for part in done.out.split()[1].split(','):
        first, _, last = part.partition('-')
        found |= set(range(int(first), int(last or first) + 1))
    return sorted(found)


def test_of_the_caller_is_not_inherited(container):
    c = container().up(preexec=confine)
    assert sorted(os.sched_getaffinity(c.pid)) == CPUS
    assert seen(c, preexec=confine) == CPUS


def test_is_not_for_init(container):
    c = container(execCPUAffinity={'initial': str(CPUS[0]), 'final': str(CPUS[0])}).up()
    assert sorted(os.sched_getaffinity(c.pid)) == CPUS


@pytest.mark.parametrize('userns', [False, True])
@pytest.mark.parametrize('affinity,expected', [
    ({'final': str(CPUS[-1])}, CPUS[-1:]),
    ({'initial': str(CPUS[0]), 'final': str(CPUS[-1])}, CPUS[-1:]),
    ({'initial': str(CPUS[-1])}, CPUS[-1:]),
    ({'initial': str(CPUS[-1]), 'final': ''}, CPUS[-1:]),
    ({'initial': '', 'final': ''}, CPUS),
    ({}, CPUS),
    # As many as there may ever be: those that are not there do not count.
    ({'final': f'{CPUS[0]},{NO_CPU}-{NO_CPU + 100}'}, CPUS[:1]),
    ({'final': '0-8191'}, CPUS),
])
def test_of_exec(container, affinity, expected, userns):
    c = container(execCPUAffinity=affinity)
    if userns:
        c.config['linux']['namespaces'].append({'type': 'user'})
        for kind in ('uidMappings', 'gidMappings'):
            c.config['linux'][kind] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    c.up()
    assert seen(c, preexec=confine) == expected


def test_of_a_process_file(container, workdir):
    c = container(execCPUAffinity={'final': str(CPUS[0])}).up()
    path = workdir / 'process.json'
    process = {'cwd': '/', 'args': ['grep', 'Cpus_allowed_list', '/proc/self/status'], 'env': ['PATH=/bin']}
    for affinity, expected in ((None, CPUS[0]), ({'final': str(CPUS[-1])}, CPUS[-1])):
        path.write_text(json.dumps({**process, **({'execCPUAffinity': affinity} if affinity else {})}))
        done = c.runtime.ok('exec', '--process', path, c.id)
        assert done.out.split()[1] == str(expected)


@pytest.mark.parametrize('field', ['initial', 'final'])
def test_none_of_the_cpus(container, field, workdir):
    c = container(execCPUAffinity={field: str(NO_CPU)}).up()
    line = c.runtime.fails('exec', c.id, 'true', rc=255, text=f'set the CPU affinity to {NO_CPU}: Invalid argument')
    assert 'none of these CPUs is online and in the cpuset' in line
    path = workdir / 'process.json'
    path.write_text('{"cwd": "/", "args": ["true"],\n "execCPUAffinity": {"%s": "%d"}}' % (field, NO_CPU))
    c.runtime.fails('exec', '--process', path, c.id, rc=255, text=rf'process\.json:2:\d+: execCPUAffinity\.{field}: ')
