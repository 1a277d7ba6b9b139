# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore on any kind of host: also where there are hierarchies of cgroup v1
(tests/vm/run --kernel 'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1')."""

import os
import subprocess

import pytest
from harness import cgroup_hierarchies, cgroups_of, mounts_of, namespace_of, wait_until

COUNTING = ['sh', '-c', 'exec </dev/null >/dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.05; done']
LONG = 240  # the machine is slow, and criu tries out all that the kernel has before it begins


def all_cgroups():
    return {folder for top in set(cgroup_hierarchies().values()) for folder, _, _ in os.walk(top)
            if not {'.service', '.scope', '.slice'} & {os.path.splitext(name)[1] for name in folder.split('/')}}  # systemd's come and go


def mounts(pid):
    return sorted((entry.target, entry.fstype, sorted(entry.options & {'ro', 'nosuid', 'nodev', 'noexec'})) for entry in mounts_of(pid))


def count(c):
    return int((c.rootfs / 'count').read_text() or 0)


@pytest.mark.alone
@pytest.mark.parametrize('cgroup', ['own', 'shared'])
def test_nothing_comes_or_goes_but_the_container(container, workdir, cgroup):
    """It goes on in its own cgroup, namespaces and mounts, and no other cgroup is made or removed. Without a cgroup namespace of
    its own what it is shown of its cgroups are mounts of the host's, of those that it has now."""
    c = container(COUNTING)
    if cgroup == 'shared':
        c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'cgroup']
    assert any(entry['destination'] == '/sys/fs/cgroup' for entry in c.config['mounts'])
    c.config['root']['readonly'] = False
    c.config['linux']['cgroupsPath'] = f'/{c.id}'
    before = all_cgroups()
    c.up()
    own, paths, shown = all_cgroups() - before, cgroups_of(c.pid), mounts(c.pid)
    seen = {kind: namespace_of(c.pid, kind) for kind in ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts')}
    wait_until((c.rootfs / 'count').exists, 'it counts')
    wait_until(lambda: count(c) > 2, 'it counts')
    c.runtime.ok('checkpoint', '--image-path', workdir / 'images', c.id, timeout=LONG)
    assert all_cgroups() == before
    last = count(c)
    with open(os.devnull, 'rb+') as null, open(workdir / 'err', 'wb') as err:
        subprocess.run(c.runtime.command('restore', '--detach', '--image-path', workdir / 'images', '--bundle', c.bundle.path, c.id),
                       stdin=null, stdout=null, stderr=err, timeout=LONG, check=False)
    assert c.runtime('state', c.id).rc == 0, (workdir / 'err').read_text()
    wait_until(lambda: last < count(c) < last + 1000, 'it goes on')
    assert cgroups_of(c.pid) == paths and all_cgroups() - before == own and mounts(c.pid) == shown
    for kind, name in seen.items():
        if kind == 'cgroup' and cgroup == 'shared':
            assert namespace_of(c.pid, kind) == name == namespace_of('self', kind)
        else:
            assert namespace_of(c.pid, kind) not in (name, namespace_of('self', kind)), kind
    # Its own cgroup is where it sees itself, in each hierarchy.
    places = [entry.target for entry in mounts_of(c.pid) if entry.fstype in ('cgroup', 'cgroup2')]
    assert places
    for place in places:
        assert '1\n' in c.runtime.ok('exec', c.id, 'cat', f'{place}/cgroup.procs').out, place
    c.runtime.ok('pause', c.id)
    c.runtime.ok('resume', c.id)
    c.delete('--force')
    assert all_cgroups() == before
