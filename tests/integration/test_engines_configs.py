# SPDX-License-Identifier: Apache-2.0
"""Configurations that real engines wrote (tests/data/configs) run with a busybox root.

Only what names the machine they were written on is changed: the root, the program, where binds come
from, hooks (programs of the engine), joined namespaces and the cgroup's name. Everything else stays
as the engine wrote it: capabilities, seccomp profile, masked paths, devices, limits, mappings.
"""

import copy
import json
import os
from pathlib import Path

import pytest
from harness import PREFIX, controller_file, host_has_capability, status_of, view
from test_namespaces import OUTSIDE

CONFIGS = sorted(path for path in (Path(__file__).resolve().parents[1] / 'data/configs').glob('*.json')
                 if '"ociVersion"' in path.read_text())
# Engines that take the runtime's standard error for the container's: it would be in the container's log.
LOGGED = ('crio', 'docker', 'containerd-default', 'containerd-userns', 'podman-idmap')
CONTROLLER_OF = {'memory': 'memory', 'cpu': 'cpu', 'pids': 'pids', 'blockIO': 'blkio', 'hugepageLimits': 'hugetlb'}


def move_mounts(config, folder):
    """Binds get a source of the same kind that exists here."""
    folder.mkdir()
    folder.chmod(0o755)
    for index, entry in enumerate(config.get('mounts', [])):
        if not {'bind', 'rbind'} & set(entry.get('options', [])) and entry.get('type') != 'bind':
            continue
        source = entry.get('source', '')
        if source.startswith(('/dev', '/sys', '/proc')) and os.path.exists(source):
            continue
        place = folder / str(index)
        if Path(entry['destination']).suffix or entry['destination'].rsplit('/', 1)[-1] in (
                'hostname', 'hosts', 'termination-log', 'resolv.conf', '.containerenv', 'passwd', 'group', 'podman-init', 'catatonit'):
            place.write_text('127.0.0.1 localhost\n')
            place.chmod(0o755)
        else:
            place.mkdir()
            place.chmod(0o777)
        entry['source'] = str(place)


def outer_owner(config):
    mappings = config.get('linux', {}).get('uidMappings') or [{'containerID': 0, 'hostID': 0}]
    return next((entry['hostID'] for entry in mappings if entry['containerID'] == 0), OUTSIDE)


def without_what_the_host_lacks(config):
    """Limits of controllers that this view has not, and privileges that this machine's root has not."""
    resources = config['linux'].get('resources', {})
    for field, controller in CONTROLLER_OF.items():
        if field in resources:
            try:
                controller_file('self', controller, '', '')
            except pytest.skip.Exception:
                del resources[field]
    if view() != 'v2':
        resources.pop('unified', None)
    else:
        resources.pop('network', None)
        available = Path('/sys/fs/cgroup/cgroup.controllers').read_text().split()
        resources['unified'] = {name: value for name, value in resources.get('unified', {}).items()
                                if name.split('.')[0] in ['cgroup', *available]}
    if not host_has_capability('SYS_RESOURCE'):
        config['process'].pop('rlimits', None)
        if config['process'].get('oomScoreAdj', 0) < 0:
            del config['process']['oomScoreAdj']


def adapt(config, folder, name):
    config['process']['terminal'] = False
    config['root']['path'] = 'rootfs'
    config.pop('hooks', None)
    config['linux']['cgroupsPath'] = f'/{name}'
    config['process'].pop('apparmorProfile', None)
    config['process'].pop('selinuxLabel', None)
    config['linux'].pop('mountLabel', None)
    config['linux'].pop('intelRdt', None)
    for namespace in config['linux'].get('namespaces', []):
        namespace.pop('path', None)
    kinds = {namespace['type'] for namespace in config['linux'].get('namespaces', [])}
    if 'user' in kinds and not config['linux'].get('uidMappings'):
        # crun's rootless configuration leaves the choice to the runtime.
        mapping = [{'containerID': 0, 'hostID': OUTSIDE, 'size': 65536}]
        config['linux'].update(uidMappings=mapping, gidMappings=mapping)
    move_mounts(config, folder)
    without_what_the_host_lacks(config)
    return config


def test_there_are_configs():
    assert len(CONFIGS) > 10
    assert {path.name.split('-')[0] for path in CONFIGS} >= {'crio', 'docker', 'podman', 'containerd', 'buildah', 'runc'}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_of_an_engine(container, workdir, path):
    c = container()
    config = adapt(json.loads(path.read_text()), workdir / 'sources', f'{PREFIX}-{path.stem}')
    wanted = copy.deepcopy(config)
    config['process']['args'] = ['/bin/sh', '-c', 'echo up; exec sleep 1000']
    config['process']['cwd'] = '/'
    c.bundle.config = config
    owner = outer_owner(config)
    if owner:
        for folder, folders, files in os.walk(c.rootfs):
            for name in ['.', *folders, *files]:
                os.chown(os.path.join(folder, name), owner, owner, follow_symlinks=False)
    c.up()
    if path.stem.startswith(LOGGED):
        # What the kernel refuses this machine's root has to be told.
        assert not [line for line in c.words.splitlines() if 'is not to be had here' not in line]
    c.wait_out('up\n')
    status = status_of(c.pid)
    assert status['NoNewPrivs'] == str(int(wanted['process'].get('noNewPrivileges', False)))
    assert status['Seccomp'] == ('2' if wanted['linux'].get('seccomp') else '0')
    capabilities = wanted['process'].get('capabilities') or {}
    assert bin(int(status['CapBnd'], 16)).count('1') <= len(capabilities.get('bounding') or [])
    if not owner:
        assert status['Uid'].split()[0] == str(wanted['process']['user']['uid'])
    c.kill('KILL')
    c.wait_stopped()
    c.delete()
