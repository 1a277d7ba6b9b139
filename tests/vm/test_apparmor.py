# SPDX-License-Identifier: Apache-2.0
"""AppArmor: the profile is in force, for every process of the container, or there is no container."""

import json

import pytest
from harness import PREFIX
from machine import MIB, limit, refused, run

# Everything is allowed but what the tests look for; a rule that denies does so in complain mode too.
RULES = '''
profile {name} flags=(attach_disconnected,mediate_deleted{mode}) {{
  capability, network, file, mount, umount, pivot_root, signal, ptrace, unix,
{deny}}}
'''
CURRENT = '/proc/self/attr/apparmor/current'


@pytest.fixture(scope='module')
def profiles(base):
    """{'confined': ..., 'other': ..., 'complains': ...} of profiles that are loaded."""
    names = {name: f'{PREFIX}-{name}' for name in ('confined', 'other', 'complains')}
    rules = base / 'rules'
    rules.write_text(''.join(RULES.format(name=names[key], mode=mode, deny='deny /etc/secret rw,\n' * denies)
                             for key, mode, denies in (('confined', '', True), ('other', '', True), ('complains', ',complain', False))))
    run('apparmor_parser', '--replace', '--skip-cache', str(rules))
    yield names
    run('apparmor_parser', '--remove', str(rules))


@pytest.fixture
def confined(container, profiles):
    """A function: a container with a profile, and a file that the profile denies."""
    def make(args, profile='confined', **process):
        c = container(args, apparmorProfile=profiles.get(profile, profile), **process)
        (c.rootfs / 'etc/secret').write_text('secret\n')
        return c
    return make


LOOK = ['sh', '-c', f'cat {CURRENT} /etc/secret 2>&1']
DENIED = "cat: can't open '/etc/secret': Permission denied\n"


@pytest.mark.parametrize('no_new_privs', [True, False])
def test_profile_is_in_force(confined, profiles, no_new_privs):
    c = confined(LOOK, noNewPrivileges=no_new_privs)
    assert c.run().out == f'{profiles["confined"]} (enforce)\n{DENIED}'


def test_children_have_it_too(confined):
    assert confined(['sh', '-c', f'sh -c "cat /etc/secret 2>&1"']).run().out == DENIED


def test_profile_that_only_complains(confined, profiles):
    assert confined(LOOK, 'complains').output() == f'{profiles["complains"]} (complain)\nsecret\n'


@pytest.mark.parametrize('profile', ['unconfined', ''])
def test_no_confinement(confined, profile):
    assert confined(LOOK, profile).output() == 'unconfined\nsecret\n'


def test_unknown_profile_is_an_error(confined):
    line = refused(confined(LOOK, f'{PREFIX}-nowhere'), f'apply the AppArmor profile "{PREFIX}-nowhere"')
    assert 'apparmor_parser' in line


def test_profile_with_a_user_namespace_and_limits(confined, profiles):
    c = limit(confined(LOOK), memory={'limit': 64 * MIB})
    c.config['linux']['namespaces'].append({'type': 'user'})
    c.config['linux'].update(uidMappings=[{'containerID': 0, 'hostID': 100000, 'size': 65536}],
                             gidMappings=[{'containerID': 0, 'hostID': 100000, 'size': 65536}])
    assert c.run().out == f'{profiles["confined"]} (enforce)\n{DENIED}'


# ---- exec -----------------------------------------------------------------------------------------


def test_exec_has_the_containers_profile(confined, profiles):
    c = confined(['sleep', '1000']).up()
    done = c.runtime('exec', c.id, *LOOK)
    assert done.out == f'{profiles["confined"]} (enforce)\n{DENIED}'


def test_exec_with_another(confined, profiles):
    c = confined(['sleep', '1000']).up()
    assert c.runtime('exec', '--apparmor', profiles['other'], c.id, 'cat', CURRENT).out == f'{profiles["other"]} (enforce)\n'


def test_exec_into_a_container_without(container, profiles):
    c = container().up()
    assert c.runtime('exec', '--apparmor', profiles['confined'], c.id, 'cat', CURRENT).out == f'{profiles["confined"]} (enforce)\n'


def test_exec_of_a_process_file(confined, profiles, workdir):
    c = confined(['sleep', '1000']).up()
    process = {**c.config['process'], 'args': ['cat', CURRENT], 'apparmorProfile': profiles['other']}
    (workdir / 'process.json').write_text(json.dumps(process))
    assert c.runtime('exec', '--process', workdir / 'process.json', c.id).out == f'{profiles["other"]} (enforce)\n'


def test_exec_with_an_unknown_one(confined):
    c = confined(['sleep', '1000']).up()
    c.runtime.fails('exec', '--apparmor', f'{PREFIX}-nowhere', c.id, 'true', text=f'AppArmor profile "{PREFIX}-nowhere"', rc=255)
