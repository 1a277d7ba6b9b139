# SPDX-License-Identifier: Apache-2.0
"""R23 to R31: what the program may do, and who it is."""

import json
import os
import subprocess

import pytest

from attack import put, refused, with_user_namespace, writable
from harness import capability_mask, lacks

SETS = ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')
STATUS = ['grep', '-E', '^(Cap|Groups|NoNewPrivs|Seccomp:|Uid|Gid)', '/proc/self/status']


def parsed(text):
    return {key: value.split() for key, _, value in (line.partition(':') for line in text.splitlines())}


# ---- R23: capabilities ------------------------------------------------------------------------------


@pytest.mark.recipe('R23', 'CVE-2022-24769', 'CVE-2022-27650', 'CVE-2022-29162', 'CVE-2025-27612')
@pytest.mark.parametrize('flags', [[], ['--cap', 'CAP_NET_RAW'], ['--cap', 'CAP_NET_RAW', '--cap', 'CAP_SYS_CHROOT']])
def test_exec_has_no_inheritable_capabilities(container, flags):
    c = container()
    c.config['process']['capabilities'].pop('inheritable', None)
    c.config['process']['capabilities'].pop('ambient', None)
    c.up()
    status = parsed(c.runtime.ok('exec', *flags, c.id, *STATUS).out)
    assert int(status['CapInh'][0], 16) == 0, status
    assert int(status['CapAmb'][0], 16) == 0, status


@pytest.mark.recipe('R23', 'CVE-2022-27650', 'CVE-2016-8867')
@pytest.mark.parametrize('uid', [0, 1000])
def test_capabilities_are_exactly_those(container, uid):
    c = container(STATUS, user={'uid': uid, 'gid': uid})
    c.config['process']['capabilities'] = {'bounding': ['CAP_KILL', 'CAP_CHOWN'], 'permitted': ['CAP_KILL'], 'effective': ['CAP_KILL']}
    status = parsed(c.output())
    assert int(status['CapInh'][0], 16) == 0 and int(status['CapAmb'][0], 16) == 0, status
    assert int(status['CapBnd'][0], 16) == capability_mask('KILL', 'CHOWN'), status


@pytest.mark.recipe('R23')
@pytest.mark.parametrize('absent', [True, False])
@pytest.mark.parametrize('verb', ['run', 'exec'])
def test_no_capabilities_means_none(container, absent, verb):
    c = container(STATUS if verb == 'run' else None)
    if absent:
        c.config['process'].pop('capabilities')
    else:
        c.config['process']['capabilities'] = {}
    text = c.output() if verb == 'run' else c.up().runtime.ok('exec', c.id, *STATUS).out
    status = parsed(text)
    assert {name: int(status[name][0], 16) for name in SETS} == dict.fromkeys(SETS, 0), status


# ---- R24: groups ------------------------------------------------------------------------------------


@pytest.mark.recipe('R24', 'CVE-2022-2989', 'CVE-2022-36109', 'CVE-2014-8989')
@pytest.mark.parametrize('gids', [[], [7], [9, 5, 7]])
@pytest.mark.parametrize('verb', ['run', 'exec'])
def test_groups_are_exactly_those(container, gids, verb):
    """Those of the caller (1234, 5678) stay outside."""
    user = {'uid': 0, 'gid': 0, **({'additionalGids': gids} if gids else {})}
    c = container(STATUS if verb == 'run' else None, user=user)
    caller = lambda: os.setgroups([1234, 5678])
    text = c.output(preexec=caller) if verb == 'run' else c.up(preexec=caller).runtime.ok('exec', c.id, *STATUS, preexec=caller).out
    # Some runtimes list the primary group among them, which gives nothing more.
    assert sorted(int(gid) for gid in parsed(text)['Groups'] if gid != '0') == sorted(gids), text


# ---- R25: no_new_privs and seccomp ------------------------------------------------------------------


@pytest.mark.recipe('R25')
@pytest.mark.parametrize('file', [False, True])
def test_exec_is_under_the_containers_restrictions(container, workdir, file):
    """no_new_privs and the filter hold for exec too, also when a process file does not speak of them."""
    c = container()
    c.config['process']['noNewPrivileges'] = True
    c.config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['swapon'], 'action': 'SCMP_ACT_ERRNO'}]}
    c.up()
    if file:
        process = {key: value for key, value in c.config['process'].items() if key != 'noNewPrivileges'}
        (workdir / 'process.json').write_text(json.dumps({**process, 'args': STATUS, 'noNewPrivileges': True}))
        text = c.runtime.ok('exec', '--process', workdir / 'process.json', c.id).out
    else:
        text = c.runtime.ok('exec', c.id, *STATUS).out
    status = parsed(text)
    assert (status['NoNewPrivs'], status['Seccomp']) == (['1'], ['2']), status


PROFILE = {'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 1, 'architectures': ['SCMP_ARCH_X86_64'], 'syscalls': [
    {'action': 'SCMP_ACT_ALLOW', 'names': '''read write close fstat newfstatat openat mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn execve
     exit exit_group arch_prctl set_tid_address set_robust_list rseq prlimit64 getrandom readlink readlinkat uname futex ioctl access poll sendmsg recvmsg
     getdents64 lseek fcntl getpid dup dup2 dup3 prctl capset setgroups setresuid setresgid chdir fchdir getuid geteuid getgid getegid'''.split()}]}


@pytest.mark.recipe('R26')
def test_filter_answers(container, programs):
    """A call newer than the profile is ENOSYS, one that is refused EPERM, another ABI's is never let through."""
    if os.uname().machine != 'x86_64':
        lacks('the x86_64 system calls whose numbers these are')
    c = put(container(['/bin/probe', 'call', '9999', '165', '0x400000a5', '0x40000000']), programs, 'probe')
    c.config['process']['noNewPrivileges'] = True
    c.config['linux']['seccomp'] = PROFILE
    done = c.run()
    lines = done.out.splitlines()
    assert 'ok' not in done.out, done
    assert lines[0] in ('9999: errno 38',), done
    assert lines[1] == '165: errno 1', done
    assert len(lines) == 4 or done.rc in (137, 159), done


@pytest.mark.recipe('R26')
def test_other_architecture_is_not_a_way_round(container, programs):
    """mount(2) by its 32-bit number, which the profile's architectures do not have."""
    if os.uname().machine != 'x86_64':
        lacks('another way to call the kernel')
    c = put(container(['/bin/probe', 'call32', '21']), programs, 'probe')
    c.config['process']['noNewPrivileges'] = True
    c.config['linux']['seccomp'] = PROFILE
    done = c.run()
    assert done.rc != 0 or 'errno' in done.out, done
    assert 'ok' not in done.out, done


# ---- R27: devices -----------------------------------------------------------------------------------


def device_container(container, programs, args, resources):
    c = put(writable(container(args)), programs, 'probe')
    for kind in ('bounding', 'effective', 'permitted'):
        c.config['process']['capabilities'].setdefault(kind, []).append('CAP_MKNOD')
    c.config['linux']['resources'] = resources
    return c


@pytest.mark.recipe('R27', 'GHSA-g54h-m393-cpwq')
@pytest.mark.parametrize('rules', ['absent', [], [{'allow': False, 'access': 'rwm'}]])
def test_device_without_a_rule_is_denied(container, programs, rules):
    """A container with CAP_MKNOD makes a node of a device that no rule names (1:11, the kernel's log), and may not open it."""
    c = device_container(container, programs, ['/bin/probe', 'mknod', '1', '11'], {} if rules == 'absent' else {'devices': rules})
    done = c.run()
    assert done.rc == 0 and done.out == 'errno 1\n', done


@pytest.mark.recipe('R27')
@pytest.mark.parametrize('rules', [[], [{'allow': False, 'access': 'rwm'}]])
def test_default_devices_work(container, programs, rules):
    script = 'for d in null zero full random urandom tty; do head -c 0 /dev/$d && echo $d; done 2>&1; echo >/dev/null && echo written'
    c = device_container(container, programs, ['sh', '-c', script], {'devices': rules})
    done = c.run()
    for name in ('null', 'zero', 'full', 'random', 'urandom', 'written'):
        assert name in done.out.split(), done


# ---- R29: keys --------------------------------------------------------------------------------------


@pytest.mark.recipe('R29')
def test_session_keyring_is_the_containers(container, programs):
    """Neither the caller's nor another container's."""
    if not os.path.exists('/proc/keys'):
        lacks('keys in the kernel')
    own = subprocess.run([programs / 'probe', 'keyring'], capture_output=True, text=True, check=True).stdout
    found = [put(container(['/bin/probe', 'keyring']), programs, 'probe').output() for _ in range(2)]
    assert len({own, *found}) == 3 and all('errno' not in word for word in found), (own, found)


# ---- R30: limits ------------------------------------------------------------------------------------


@pytest.mark.recipe('R30')
@pytest.mark.parametrize('rlimits', [
    [{'type': 'RLIMIT_NOFILE', 'soft': 10, 'hard': 10}, {'type': 'RLIMIT_NOFILE', 'soft': 20, 'hard': 20}],
    [{'type': 'RLIMIT_NONSENSE', 'soft': 10, 'hard': 10}],
    [{'type': 'RLIMIT_NOFILE', 'soft': 20, 'hard': 10}],
    [{'type': 'NOFILE', 'soft': 1, 'hard': 1}],
], ids=['twice', 'unknown', 'soft-above-hard', 'prefix'])
def test_bad_limits(container, rlimits):
    refused(container(['true'], rlimits=rlimits).run())


# ---- R31: identities --------------------------------------------------------------------------------


BAD_USERS = ['4294967295', '4294967296', '-1', '99999999999999999999', '1000x', '', '0x10', ' 1', '+1', '1:', ':1', '1:4294967296', '1:-1', '1:4294967295',
             '1 ', '1\n', '1:1:1', '1.0', '1e3', '٣']


@pytest.mark.knarr  # what others do here they are told first
@pytest.mark.recipe('R31', 'CVE-2016-3697', 'CVE-2024-40635', 'CVE-2026-46680', 'CVE-2026-30892')
@pytest.mark.parametrize('user', BAD_USERS)
def test_exec_as_a_user_that_is_none(container, user):
    """Cut off, a number becomes another one, often root's."""
    c = container().up()
    refused(c.runtime('exec', '--user', user, c.id, 'id'))


@pytest.mark.recipe('R31', 'CVE-2016-3697', 'CVE-2026-30892')
@pytest.mark.parametrize('user,uid,gid', [('1000', 1000, None), ('1', 1, None), ('1:2', 1, 2), ('4294967294', 4294967294, None), ('0', 0, 0)])
def test_exec_as_a_number_is_that_number(container, user, uid, gid):
    """Also when the image has a user of that name who is root."""
    c = writable(container())
    (c.rootfs / 'etc/passwd').write_text('1000:x:0:0::/:/bin/sh\n1:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n')
    c.up()
    done = c.runtime.ok('exec', '--user', user, c.id, *STATUS)
    status = parsed(done.out)
    assert status['Uid'] == [str(uid)] * 4, status
    assert gid is None or status['Gid'] == [str(gid)] * 4, status


@pytest.mark.recipe('R31', 'CVE-2024-40635')
@pytest.mark.parametrize('field', ['uid', 'gid'])
@pytest.mark.parametrize('value', [-1, 2 ** 32, 2 ** 32 - 1, 1.5, '0', 1e30, True, 2 ** 64, -2 ** 31], ids=str)
def test_identity_in_config_that_is_none(container, field, value):
    c = container(['id'])
    c.config['process']['user'] = {'uid': 1, 'gid': 1, field: value}
    refused(c.run())


@pytest.mark.recipe('R31')
@pytest.mark.parametrize('ids', [['-1'], [2 ** 32], [2 ** 32 - 1], [-1], [1.5]], ids=str)
def test_additional_groups_that_are_none(container, ids):
    c = container(['id'])
    c.config['process']['user']['additionalGids'] = ids
    refused(c.run())


@pytest.mark.recipe('R31')
def test_ids_that_are_not_mapped(container):
    c = with_user_namespace(container(['id'], user={'uid': 70000, 'gid': 0}))
    refused(c.run())
