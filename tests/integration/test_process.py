# SPDX-License-Identifier: Apache-2.0
"""process: what /proc says of the running program is what the configuration asked."""

import os
import resource
import subprocess

import pytest
from harness import capability_mask, host_has_capability, lacks, status_of, wait_until

SETS = ('bounding', 'effective', 'inheritable', 'permitted', 'ambient')
SHOW_CAPS = {'effective': 'CapEff', 'permitted': 'CapPrm', 'inheritable': 'CapInh', 'bounding': 'CapBnd', 'ambient': 'CapAmb'}


# ---- identity -----------------------------------------------------------------------------------


def test_user_and_groups(container):
    c = container(user={'uid': 1000, 'gid': 1001})
    groups = [5, 7, 4000000000 if c.runtime.is_knarr else 70000]
    c.config['process']['user']['additionalGids'] = groups
    status = status_of(c.up().pid)
    assert status['Uid'].split() == ['1000'] * 4
    assert status['Gid'].split() == ['1001'] * 4
    assert [int(group) for group in status['Groups'].split()] == groups


def test_no_groups_of_the_caller(container):
    c = container().up(preexec=lambda: os.setgroups([4242]))
    assert status_of(c.pid)['Groups'].split() == []


@pytest.mark.parametrize('mask', [0o027, 0o000, 0o777])
def test_umask(container, mask):
    c = container(user={'uid': 0, 'gid': 0, 'umask': mask}).up()
    assert int(status_of(c.pid)['Umask'], 8) == mask


def test_umask_default(container):
    c = container().up(preexec=lambda: os.umask(0o077))
    assert int(status_of(c.pid)['Umask'], 8) == 0o022


def capabilities(**sets):
    return {name: [f'CAP_{word}' for word in sets.get(name, [])] for name in SETS}


def shown_capabilities(pid):
    status = status_of(pid)
    return {name: int(status[field], 16) for name, field in SHOW_CAPS.items()}


def expected_capabilities(config, uid, no_new_privs):
    """capabilities(7), "Transformation of capabilities during execve", for a file that has none."""
    have = {name: capability_mask(*config[name]) for name in SETS}
    if uid == 0:
        permitted = have['inheritable'] | have['bounding']
        if no_new_privs and permitted & ~have['permitted']:
            permitted &= have['permitted']
        return {**have, 'permitted': permitted, 'effective': permitted}
    return {**have, 'permitted': have['ambient'], 'effective': have['ambient']}


@pytest.mark.parametrize('uid', [0, 1000])
@pytest.mark.parametrize('no_new_privs', [False, True])
@pytest.mark.parametrize('sets', [
    {},
    {'bounding': ['CHOWN', 'KILL', 'NET_BIND_SERVICE']},
    {'bounding': ['CHOWN', 'KILL', 'NET_RAW'], 'permitted': ['CHOWN', 'KILL'], 'effective': ['KILL'], 'inheritable': ['KILL'],
     'ambient': ['KILL']},
    {'bounding': ['CHOWN', 'KILL'], 'permitted': ['CHOWN', 'KILL'], 'effective': ['CHOWN', 'KILL']},
], ids=['none', 'bounding', 'different', 'docker'])
def test_capabilities(container, sets, uid, no_new_privs):
    config = capabilities(**sets)
    c = container(user={'uid': uid, 'gid': uid}, capabilities=config, noNewPrivileges=no_new_privs).up()
    assert shown_capabilities(c.pid) == expected_capabilities(config, uid, no_new_privs)


def test_no_capabilities_at_all(container):
    c = container(user={'uid': 1000, 'gid': 1000}, capabilities=None)
    del c.config['process']['capabilities']
    c.up()
    assert shown_capabilities(c.pid)['effective'] == 0
    assert shown_capabilities(c.pid)['permitted'] == 0


@pytest.mark.parametrize('wanted', [False, True])
def test_no_new_privs(container, wanted):
    c = container(noNewPrivileges=wanted).up()
    assert status_of(c.pid)['NoNewPrivs'] == str(int(wanted))


# ---- seccomp ------------------------------------------------------------------------------------


def profile(default='SCMP_ACT_ALLOW', *rules, **more):
    return {'defaultAction': default, 'syscalls': list(rules), **more}


def rule(action, *names, **more):
    return {'names': list(names), 'action': action, **more}


def seccomp_container(container, seccomp, script):
    c = container(['sh', '-c', script], noNewPrivileges=True)
    c.config['linux']['seccomp'] = seccomp
    return c


def test_seccomp_mode(container):
    without = container()
    without.config['linux'].pop('seccomp', None)
    assert status_of(without.up().pid)['Seccomp'] == '0'
    filtered = container()
    filtered.config['linux']['seccomp'] = profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_ERRNO', 'reboot'))
    status = status_of(filtered.up().pid)
    assert status['Seccomp'] == '2'
    assert status['Seccomp_filters'] == '1'


@pytest.mark.parametrize('number,words', [(None, 'Operation not permitted'), (13, 'Permission denied'), (38, 'not implemented')])
def test_seccomp_errno(container, number, words):
    more = {} if number is None else {'errnoRet': number}
    c = seccomp_container(container, profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_ERRNO', 'mkdir', 'mkdirat', **more)), 'mkdir /tmp/x')
    done = c.run()
    assert done.rc != 0
    assert words in done.err


def test_seccomp_kill(container):
    c = seccomp_container(container, profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_KILL_PROCESS', 'mkdir', 'mkdirat')),
                          '(mkdir /tmp/x); echo $?')
    assert c.output().strip() == '159', 'SIGSYS'


def test_seccomp_looks_at_arguments(container):
    # kill(2) with signal 10 is refused, with 0 it is not.
    second_is_ten = [{'index': 1, 'value': 10, 'op': 'SCMP_CMP_EQ'}]
    c = seccomp_container(container, profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_ERRNO', 'kill', args=second_is_ten)),
                          'sleep 9 & kill -0 $! && echo asked; kill -10 $! || echo refused; kill -9 $!')
    assert c.output() == 'asked\nrefused\n'


def test_seccomp_unknown_syscall_names_are_no_error(container):
    c = seccomp_container(container, profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_ERRNO', 'no_such_call_ever', 'mkdir', 'mkdirat')),
                          'mkdir /tmp/x || echo refused')
    assert c.output() == 'refused\n'


@pytest.mark.knarr
@pytest.mark.parametrize('where,change', [
    ('defaultAction', {'defaultAction': 'SCMP_ACT_SHRUG'}),
    ('architectures', {'architectures': ['SCMP_ARCH_ABACUS']}),
    ('flags', {'flags': ['SECCOMP_FILTER_FLAG_WISH']}),
])
def test_seccomp_unknown_security_words_are_errors(container, where, change):
    c = container()
    c.config['linux']['seccomp'] = {**profile('SCMP_ACT_ALLOW', rule('SCMP_ACT_ERRNO', 'reboot')), **change}
    c.bundle.save()
    c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=rf'config\.json:\d+:\d+: linux\.seccomp\.{where}')


# ---- limits -------------------------------------------------------------------------------------


def limits_of(pid):
    with open(f'/proc/{pid}/limits', encoding='utf-8') as table:
        rows = [line for line in table][1:]
    return {row[:26].strip(): tuple(row[26:].split()[:2]) for row in rows}


def test_rlimits(container):
    c = container(rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 123, 'hard': 456}, {'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 0},
                           {'type': 'RLIMIT_STACK', 'soft': 1 << 20, 'hard': 1 << 22}]).up()
    limits = limits_of(c.pid)
    assert limits['Max open files'] == ('123', '456')
    assert limits['Max core file size'] == ('0', '0')
    assert limits['Max stack size'] == (str(1 << 20), str(1 << 22))


# as the kernel shows them
RLIMITS = {'AS': 'Max address space', 'CORE': 'Max core file size', 'CPU': 'Max cpu time', 'DATA': 'Max data size', 'FSIZE': 'Max file size',
           'LOCKS': 'Max file locks', 'MEMLOCK': 'Max locked memory', 'MSGQUEUE': 'Max msgqueue size', 'NICE': 'Max nice priority',
           'NOFILE': 'Max open files', 'NPROC': 'Max processes', 'RSS': 'Max resident set', 'RTPRIO': 'Max realtime priority',
           'RTTIME': 'Max realtime timeout', 'SIGPENDING': 'Max pending signals', 'STACK': 'Max stack size'}


def test_rlimits_of_all_kinds(container):
    """Each one lower than ours, and of other values than its neighbours."""
    wanted = {}
    for number, (name, shown) in enumerate(RLIMITS.items()):
        _, hard = resource.getrlimit(getattr(resource, f'RLIMIT_{name}', {'LOCKS': 10}.get(name, -1)))
        wanted[name] = (1 << 30) + 4096 * number if hard == resource.RLIM_INFINITY else max(hard - 1 - number, 0) if hard < 1 << 30 else hard - 4096 * number
    c = container(rlimits=[{'type': f'RLIMIT_{name}', 'soft': value // 2, 'hard': value} for name, value in wanted.items()]).up()
    limits = limits_of(c.pid)
    assert {shown: limits[shown] for shown in RLIMITS.values()} == {RLIMITS[name]: (str(value // 2), str(value)) for name, value in wanted.items()}


def test_rlimits_not_named_stay(container):
    c = container(rlimits=[]).up()
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    show = lambda value: 'unlimited' if value == resource.RLIM_INFINITY else str(value)
    assert limits_of(c.pid)['Max processes'] == (show(soft), show(hard))


def test_rlimit_equal_to_ours_needs_no_privilege(container):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    c = container(rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': soft, 'hard': hard}]).up()
    assert limits_of(c.pid)['Max open files'] == (str(soft), str(hard))


def test_rlimit_raised(container):
    if not host_has_capability('SYS_RESOURCE'):
        lacks('CAP_SYS_RESOURCE')
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))
        hard = 1 << 20
    c = container(rlimits=[{'type': 'RLIMIT_MEMLOCK', 'soft': hard + 4096, 'hard': hard + 4096}]).up()
    assert limits_of(c.pid)['Max locked memory'] == (str(hard + 4096),) * 2


def test_oom_score_adj(container):
    c = container(oomScoreAdj=500).up()
    with open(f'/proc/{c.pid}/oom_score_adj', encoding='utf-8') as score:
        assert score.read() == '500\n'


def test_oom_score_adj_lowered(container):
    if not host_has_capability('SYS_RESOURCE'):
        lacks('CAP_SYS_RESOURCE')
    c = container(oomScoreAdj=-500).up()
    with open(f'/proc/{c.pid}/oom_score_adj', encoding='utf-8') as score:
        assert score.read() == '-500\n'


# ---- working directory, environment, program -----------------------------------------------------


def test_cwd(container):
    c = container(cwd='/tmp').up()
    assert os.readlink(f'/proc/{c.pid}/cwd') == '/tmp'


def test_cwd_is_made(container):
    c = container(['pwd'], cwd='/var/made/by/us')
    c.config['root']['readonly'] = False
    assert c.output() == '/var/made/by/us\n'


def environment(done):
    return dict(line.split('=', 1) for line in done.out.splitlines())


def test_environment_is_the_configured_one(container):
    c = container(['env'], env=['PATH=/bin', 'A=1', 'B=two words', 'EMPTY=', 'HOME=/somewhere'])
    done = c.run(env={**os.environ, 'LEAK': 'yes', 'LISTEN_PID': '1'})
    assert environment(done) == {'PATH': '/bin', 'A': '1', 'B': 'two words', 'EMPTY': '', 'HOME': '/somewhere'}


@pytest.mark.parametrize('uid,home', [(0, '/root'), (1000, '/home/worker'), (4711, '/')])
def test_home_comes_from_passwd(container, uid, home):
    c = container(['env'], env=['PATH=/bin'], user={'uid': uid, 'gid': uid})
    assert environment(c.run()) == {'PATH': '/bin', 'HOME': home}


def test_arguments_are_passed_as_they_are(container):
    arguments = ['a b', '', '$HOME', '*', 'ü€', "it's", '--flag', '-x']
    c = container(['sh', '-c', 'for a; do echo "<$a>"; done', 'sh', *arguments])
    assert c.output() == ''.join(f'<{a}>\n' for a in arguments)


def test_program_is_found_on_the_containers_path(container):
    c = container(['hello'], env=['PATH=/nowhere:/opt/tools:/bin'])
    (c.rootfs / 'opt/tools').mkdir(parents=True)
    (c.rootfs / 'opt/tools/hello').write_text('#!/bin/sh\necho from the image\n')
    (c.rootfs / 'opt/tools/hello').chmod(0o755)
    assert c.output() == 'from the image\n'


@pytest.mark.parametrize('argument,text', [
    ('no-such-program', r'exec: "no-such-program": executable file not found in \$PATH'),
    ('/no/such', r'exec: "/no/such": .*no such file or directory'),
    ('/etc', r'exec: "/etc": .*(is a directory|permission denied)'),
    ('/etc/passwd', r'exec: "/etc/passwd": .*permission denied'),
    ('', r'exec: "": executable file not found in \$PATH'),
])
def test_program_that_cannot_be_executed_fails_create(container, argument, text):
    c = container([argument])
    c.bundle.save()
    if c.runtime.is_knarr:
        c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=text)
    else:
        assert c.runtime('create', '--bundle', c.bundle.path, c.id).rc == 1


# ---- descriptors ----------------------------------------------------------------------------------


def descriptors_of(pid):
    return sorted(int(fd) for fd in os.listdir(f'/proc/{pid}/fd'))


def test_only_stdio_is_open(container):
    c = container().up()
    assert descriptors_of(c.pid) == [0, 1, 2]


def test_leaked_descriptors_do_not_reach_the_container(container):
    read, write = os.pipe()
    try:
        c = container().up(fds=(read, write))
    finally:
        os.close(read)
        os.close(write)
    assert descriptors_of(c.pid) == [0, 1, 2]


@pytest.mark.knarr
def test_created_holds_one_gate_and_nothing_of_the_host(container):
    read, write = os.pipe()
    try:
        c = container().create(fds=(read, write))
    finally:
        os.close(read)
        os.close(write)
    pid = c.pid

    def extra():
        return {fd: os.readlink(f'/proc/{pid}/fd/{fd}') for fd in descriptors_of(pid) if fd > 2}

    # The runtime's last word lets it close the channel, a moment after the runtime has gone.
    wait_until(lambda: len(descriptors_of(pid)) == 4, 'init to hold four descriptors')
    assert list(extra().values())[0].startswith('socket:'), extra()


def test_preserve_fds(container, workdir):
    (workdir / 'text').write_text('passed on\n')
    c = container(['sh', '-c', 'cat <&4; ls /proc/self/fd | wc -l'])
    c.bundle.save()
    command = c.runtime.command('run', '--preserve-fds', '2', '--bundle', c.bundle.path, c.id)
    done = subprocess.run(['sh', '-c', 'exec "$@" 3</dev/null 4<' + str(workdir / 'text'), 'sh', *command],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    # 0, 1, 2, the two and the directory that ls itself reads
    assert (done.returncode, done.stdout) == (0, 'passed on\n6\n'), done


@pytest.mark.knarr
def test_preserve_fds_with_a_hole(container, workdir):
    (workdir / 'text').write_text('passed on\n')
    c = container(['sh', '-c', 'cat <&5'])
    c.bundle.save()
    command = c.runtime.command('run', '--preserve-fds=3', '--bundle', c.bundle.path, c.id)
    done = subprocess.run(['sh', '-c', 'exec "$@" 5<' + str(workdir / 'text'), 'sh', *command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, 'passed on\n'), done


def test_listen_fds(container, workdir):
    (workdir / 'text').write_text('socket\n')
    c = container(['sh', '-c', 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'])
    c.bundle.save()
    command = c.runtime.command('run', '--bundle', c.bundle.path, c.id)
    done = subprocess.run(['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<' + str(workdir / 'text'), 'sh', *command],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, '1 1\nsocket\n'), done


def test_stdin_is_a_pipe(container):
    c = container(['cat'])
    c.bundle.save()
    text = b'line\n' * 20000
    done = subprocess.run(c.runtime.command('run', '--bundle', c.bundle.path, c.id), input=text, capture_output=True, timeout=30,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, text, b'')


def test_stdout_and_stderr_are_apart(container):
    done = container(['sh', '-c', 'echo out; echo err >&2']).run()
    assert done == (0, 'out\n', 'err\n')


def test_stdio_belongs_to_the_user(container):
    c = container(['sh', '-c', 'echo again >/proc/self/fd/1'], user={'uid': 1000, 'gid': 1000})
    c.bundle.save()
    done = subprocess.run(c.runtime.command('run', '--bundle', c.bundle.path, c.id), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, 'again\n'), done


def test_apparmor_is_not_pretended(container):
    """A profile that the host has not loaded, or has no AppArmor for, is an error, not a silence."""
    c = container(apparmorProfile='no-such-profile')
    c.bundle.save()
    if c.runtime.name == 'crun':
        pytest.skip('crun ignores it')
    assert c.runtime('create', '--bundle', c.bundle.path, c.id).rc == 1


@pytest.mark.knarr
def test_directory_is_made_in_a_readonly_root(container):
    c = container(['pwd'], cwd='/new/one')
    c.config['root']['readonly'] = True
    assert c.output() == '/new/one\n'
    assert (c.rootfs / 'new' / 'one').is_dir()


@pytest.mark.knarr
def test_streams_are_the_users(container, workdir):
    """Files go to user and group, a character device to the user alone."""
    c = container(['true'], user={'uid': 1234, 'gid': 2345})
    with open(workdir / 'out', 'wb') as out:
        c.run(stdout=out)
    st = (workdir / 'out').stat()
    assert (st.st_uid, st.st_gid) == (1234, 2345)
