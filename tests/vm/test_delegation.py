# SPDX-License-Identifier: Apache-2.0
"""Cgroups that are divided: above a container by an administrator, below it by the container itself."""

import json
import os

import pytest
from harness import PREFIX, remove_cgroups, wait_until
from machine import CGROUPS, MIB, cgroup_of, limit, refused, value
from test_namespaces import OUTSIDE, give_user_namespace


@pytest.fixture
def cgroups():
    """A function that makes cgroups by their paths; they go with what is in them."""
    made = []

    def make(path):
        folder = CGROUPS / path
        folder.mkdir()
        made.append(str(folder))
        return folder
    yield make
    remove_cgroups(made)


def at(c, path):
    c.config['linux']['cgroupsPath'] = f'/{path}'
    return c


def writable(c):
    """/sys/fs/cgroup inside can be written to."""
    entry = next(entry for entry in c.config['mounts'] if entry['destination'] == '/sys/fs/cgroup')
    entry['options'].remove('ro')
    return c


def owners(folder):
    """Of the directory and of the files in it."""
    return {name: os.stat(folder / name).st_uid for name in [*os.listdir(folder), '.'] if name == '.' or not (folder / name).is_dir()}


def listed(folder):
    """What the kernel lets be given away, of what is there."""
    with open('/sys/kernel/cgroup/delegate', encoding='ascii') as names:
        return {name for name in names.read().split() if (folder / name).exists()} | {'.'}


# ---- to the container -----------------------------------------------------------------------------

DIVIDE = '''
cd /sys/fs/cgroup && mkdir own && echo 0 >own/cgroup.procs && echo "+pids +memory" >cgroup.subtree_control &&
mkdir limited && echo 3 >limited/pids.max && cat limited/pids.max && (echo 1 >memory.max) 2>&1; sleep 1000
'''


def test_root_of_a_user_namespace_divides_its_cgroup(container):
    c = writable(give_user_namespace(limit(container(['sh', '-c', DIVIDE]), memory={'limit': 64 * MIB}, pids={'limit': 50})))
    c.up()
    out = c.wait_out('denied')
    assert out.startswith('3\n') and 'memory.max: Permission denied' in out
    folder = CGROUPS / c.id
    assert {name for name, uid in owners(folder).items() if uid == OUTSIDE} == listed(folder)
    assert value(folder, 'memory.max') == str(64 * MIB)
    # Its cgroup has controllers to hand on now, and takes no process: exec goes to where init is.
    assert c.runtime.ok('exec', c.id, 'cat', '/proc/self/cgroup').out == '0::/own\n'
    c.delete('--force')
    assert not folder.exists()


def test_it_belongs_to_the_user_of_the_process(container):
    """config-linux.md: to the host's uid of process.user.uid."""
    c = writable(limit(container()))
    c.config['process']['user'] = {'uid': 1234, 'gid': 5678}
    c.up()
    folder = cgroup_of(c)
    assert {name for name, uid in owners(folder).items() if uid == 1234} == listed(folder)
    assert os.stat(folder).st_gid == 0


def test_in_a_joined_user_namespace(container):
    first = give_user_namespace(container()).up()
    c = writable(limit(container()))
    for kind in ('user', 'network'):
        c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != kind]
        name = {'network': 'net'}.get(kind, kind)
        c.config['linux']['namespaces'].append({'type': kind, 'path': f'/proc/{first.pid}/ns/{name}'})
    c.up()
    assert os.stat(cgroup_of(c)).st_uid == OUTSIDE


@pytest.mark.parametrize('why', ['mounted read-only', 'not mounted', "the host's namespace"])
def test_it_stays_the_hosts(container, why):
    c = limit(container())
    if why != 'mounted read-only':
        writable(c)
    if why == 'not mounted':
        c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['destination'] != '/sys/fs/cgroup']
    elif why == "the host's namespace":
        c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'cgroup']
    c.config['process']['user'] = {'uid': 1234, 'gid': 5678}
    c.up()
    assert set(owners(cgroup_of(c)).values()) == {0}


# ---- from above -----------------------------------------------------------------------------------


def test_controllers_are_handed_on_level_by_level(container, cgroups):
    """Also those that nobody uses until a limit asks for them."""
    top, middle = cgroups(f'{PREFIX}-top'), cgroups(f'{PREFIX}-top/middle')
    c = at(limit(container(), hugepageLimits=[{'pageSize': '2MB', 'limit': 0}]), f'{PREFIX}-top/middle/{PREFIX}-leaf').create()
    assert 'hugetlb' in value(top, 'cgroup.subtree_control').split()
    assert {'hugetlb', 'memory', 'pids', 'cpu', 'io', 'cpuset'} <= set(value(middle, 'cgroup.subtree_control').split())
    assert value(cgroup_of(c), 'hugetlb.2MB.max') == '0'
    c.delete('--force')


def test_what_was_enabled_stays(container, cgroups):
    """Also after an update that failed: somebody else may use it by then, whose limits would go with it."""
    top = cgroups(f'{PREFIX}-top')
    first, second = (at(container(), f'{PREFIX}-top/{PREFIX}-{name}') for name in ('first', 'second'))
    first.up()
    second.up()
    assert 'hugetlb' not in value(top, 'cgroup.subtree_control').split()
    wanted = {'hugepageLimits': [{'pageSize': '2MB', 'limit': 4 * MIB}], 'unified': {'pids.max': 'many'}}
    line = first.runtime.fails('update', '--resources=-', first.id, stdin=json.dumps(wanted).encode(), text='write "many" to pids.max')
    assert 'unified["pids.max"]' in line
    assert value(cgroup_of(first), 'hugetlb.2MB.max') == 'max'
    assert 'hugetlb' in value(top, 'cgroup.subtree_control').split()
    (cgroup_of(second) / 'hugetlb.2MB.max').write_text('0')
    # This is what the kernel does otherwise.
    (top / 'cgroup.subtree_control').write_text('-hugetlb')
    assert not (cgroup_of(second) / 'hugetlb.2MB.max').exists()
    first.delete('--force')
    second.delete('--force')


def test_limit_of_a_parent_holds(container, cgroups):
    cgroups(f'{PREFIX}-top').joinpath('pids.max').write_text('3')
    c = at(limit(container(['sh', '-c', 'for i in 1 2 3 4 5; do sleep 1000 & done; echo all'])), f'{PREFIX}-top/{PREFIX}-leaf')
    done = c.run()
    assert 'all' not in done.out and 'fork' in done.err


def test_below_a_cgroup_with_processes(container):
    """Where it cannot hand controllers on, a limit is refused, and it is said why."""
    c = at(limit(container(), memory={'limit': 64 * MIB}), f'system.slice/vm.service/{PREFIX}-leaf')
    line = refused(c, 'enable cgroup controller memory in cgroup /sys/fs/cgroup/system.slice/vm.service')
    assert 'only a cgroup without' in line
    above = CGROUPS / 'system.slice/vm.service'
    assert (value(above, 'cgroup.type'), value(above, 'cgroup.subtree_control')) == ('domain', '')


def test_below_a_cgroup_with_processes_without_limits(container):
    c = container()
    c.config['linux'].pop('resources', None)
    at(c, f'system.slice/vm.service/{PREFIX}-leaf').up()
    assert cgroup_of(c) == CGROUPS / f'system.slice/vm.service/{PREFIX}-leaf'
    c.runtime.ok('exec', c.id, 'true')


def threaded(folder):
    (folder / 'cgroup.type').write_text('threaded')


def test_threaded_cgroup_is_refused(container, cgroups):
    """Processes as a whole cannot be in it. The one above it becomes the domain of its threads."""
    cgroups(f'{PREFIX}-top')
    threaded(cgroups(f'{PREFIX}-top/{PREFIX}-leaf'))
    refused(at(container(), f'{PREFIX}-top/{PREFIX}-leaf'), f'cgroup: cgroup /sys/fs/cgroup/{PREFIX}-top/{PREFIX}-leaf is of type "threaded"')


def test_below_a_threaded_domain(container, cgroups):
    """A new cgroup beside threaded ones is of no use until it is threaded itself."""
    cgroups(f'{PREFIX}-top')
    threaded(cgroups(f'{PREFIX}-top/threads'))
    line = refused(at(container(), f'{PREFIX}-top/{PREFIX}-leaf'), 'domain invalid')
    assert 'threaded' in line
    assert not (CGROUPS / f'{PREFIX}-top/{PREFIX}-leaf').exists()


def test_container_of_threads(container):
    """A container may well have threaded cgroups of its own."""
    c = limit(container()).up()
    inner = cgroup_of(c) / f'{PREFIX}-threads'
    inner.mkdir()
    threaded(inner)
    c.runtime.ok('exec', c.id, 'true')
    c.delete('--force')
    assert not inner.exists()


def test_commands_at_a_container_of_threads(container):
    """It passes a controller on to its threads, and is a domain with processes all the same."""
    c = limit(container()).up()
    folder = cgroup_of(c)
    for name in ('threads', 'beside'):
        (folder / name).mkdir()
    threaded(folder / 'threads')
    (folder / 'cgroup.subtree_control').write_text('+cpu')
    assert value(folder, 'cgroup.type') == 'domain threaded'
    for path in ('/', 'threads'):
        c.runtime.ok('exec', '--cgroup', path, c.id, 'true')
    line = c.runtime.fails('exec', '--cgroup', 'beside', c.id, 'true', text='domain invalid', rc=255)
    assert f'{folder}/beside' in line
    c.runtime.ok('update', '--memory', '64m', '--cpu-share', '512', '--pids-limit', '50', c.id)
    assert (value(folder, 'memory.max'), value(folder, 'pids.max')) == (str(64 << 20), '50')
    for verb in ('pause', 'resume', 'ps'):
        c.runtime.ok(verb, c.id)
    c.runtime.ok('events', '--stats', c.id)
    c.runtime.ok('kill', '--all', c.id, 'KILL')
    c.wait_stopped()
    c.delete()
    assert not folder.exists()


@pytest.mark.parametrize('depth', [1, 30])
def test_delete_takes_everything_below(container, depth):
    c = limit(container(['sh', '-c', 'sleep 1000 & sleep 1000'])).up()
    folder = cgroup_of(c)
    wait_until(lambda: len(value(folder, 'cgroup.procs').split()) == 2, 'two processes')
    child = value(folder, 'cgroup.procs').split()[1]
    inner = folder
    for number in range(depth):
        inner = inner / f'{PREFIX}-{number}'
        inner.mkdir()
    (inner / 'cgroup.procs').write_text(child)
    c.delete('--force')
    assert not folder.exists()


def test_frozen_parent_is_refused(container, cgroups):
    top = cgroups(f'{PREFIX}-top')
    (top / 'cgroup.freeze').write_text('1')
    refused(at(container(), f'{PREFIX}-top/{PREFIX}-leaf'), 'is frozen')
