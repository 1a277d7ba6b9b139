# SPDX-License-Identifier: Apache-2.0
"""podman run: what a container is made of, seen from inside and from the host."""

import json
import os
import re
import shutil
import socket
from pathlib import Path

import pytest

import engines
import harness
from engines import CONTRIB, IMAGE, call, cgroup_value, from_the_page, wait_until


@pytest.mark.knarr
def test_the_copied_file_makes_knarr_the_runtime(podman):
    assert podman.ok('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}').split() == ['knarr', '/usr/local/bin/knarr']
    assert 'knarr version' in podman.ok('info', '--format', '{{.Host.OCIRuntime.Version}}')
    assert podman.run(IMAGE, 'echo', 'hello') == 'hello\n'
    assert Path('/etc/containers/containers.conf.d/50-knarr.conf').read_bytes() == (CONTRIB / 'podman/50-knarr.conf').read_bytes()


@pytest.mark.parametrize('command, rc', [(['true'], 0), (['sh', '-c', 'exit 7'], 7), (['sh', '-c', "sh -c 'kill -9 $$'; exit $?"], 137),
                                         (['sh', '-c', 'trap "exit 3" TERM; kill $$; sleep 1'], 3)])
def test_exit_status(podman, command, rc):
    assert podman('run', '--rm', IMAGE, *command).rc == rc


@pytest.mark.parametrize('command, rc, text', [
    ('/no/such/command', 127, r'/no/such/command.*[Nn]o such file or directory'),
    ('no-such-command', 127, r'executable file .?no-such-command.? not found in \$PATH|no-such-command.*executable file not found in \$PATH'),
    ('/etc', 126, r'(/etc|open executable).*([Pp]ermission denied|[Ii]s a directory|is not a regular file)'),
    ('/etc/passwd', 126, r'(/etc/passwd|open executable).*[Pp]ermission denied'),
])
def test_a_command_that_cannot_run(podman, command, rc, text):
    words = podman.fails('run', '--rm', IMAGE, command, rc=rc, text=text)
    if podman.is_knarr:
        said = [line for line in words.splitlines() if 'level=warning' not in line]  # podman 5 warns of cgroup v1
        assert len(said) == 1, words


@pytest.mark.knarr
def test_the_log_is_one_json_object(podman):
    """podman parses the whole file as one document, and maps the words of its msg to 126 or 127."""
    podman.ok('create', '--name', 'one', IMAGE, '/no/such/command')
    words = 'OCI runtime attempted to invoke a command that was not found'
    podman.fails('start', 'one', rc=125, text=words)
    log = Path('/run/containers/storage/overlay-containers', podman.inspect('one', '.Id'), 'userdata/oci-log')
    record = json.loads(log.read_text())
    assert record['level'] == 'error' and '/no/such/command' in record['msg'], record
    podman.fails('start', 'one', rc=125, text=words)  # the file stays, so that podman now reads the standard error


def test_unknown_runtime_flag(podman):
    podman.fails('--runtime-flag', 'invalidflag', 'run', '--rm', IMAGE, 'true', rc=126, text='invalidflag')


def test_runtime_flag_debug(podman):
    assert podman('--runtime-flag', 'debug', 'run', '--name', 'one', IMAGE, 'echo', 'x').out == 'x\n'
    if podman.is_knarr:
        told = [json.loads(line) for line in call(['sh', '-c', from_the_page('sudo cat .*oci-log', 'one')]).out.split('\n')[:-1]]
        assert {record['level'] for record in told} == {'debug'}, told


def test_environment_user_directory(podman):
    out = podman.run('-e', 'WORD=two words', '-w', '/var/tmp', '-u', 'worker', '--hostname', 'ship', IMAGE,
                     'sh', '-c', 'echo "$WORD"; pwd; id; hostname; echo $HOME')
    assert out.startswith('two words\n/var/tmp\nuid=1000(worker) gid=1000(worker) ') and out.endswith('\nship\n/home\n'), out


def test_umask(podman):
    assert podman.run('--umask', '0027', IMAGE, 'sh', '-c', 'umask') == '0027\n'


def test_standard_input_and_large_output(podman):
    assert podman.run('-i', IMAGE, 'cat', stdin=b'through\n' * 50000).count('through\n') == 50000
    assert len(podman.run(IMAGE, 'sh', '-c', 'yes | head -c 3000000')) == 3000000


def test_outputs_stay_apart(podman):
    done = podman('run', '--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2')
    assert (done.out, done.err) == ('out\n', 'err\n')


def test_terminal(podman):
    with podman.terminal('run', '--rm', '-it', IMAGE, 'sh', rows=31, columns=97) as terminal:
        terminal.type('tty\n')
        terminal.expect(r'/dev/(pts/0|console)')
        terminal.await_size('31 97')
        terminal.type('exit 5\n')
        assert terminal.end() == 5


USUAL = {'/': ('overlay', {'rw'}), '/proc': ('proc', {'rw', 'nosuid', 'nodev', 'noexec'}), '/dev': ('tmpfs', {'rw', 'nosuid'}),
         '/dev/pts': ('devpts', {'rw', 'nosuid', 'noexec'}), '/dev/mqueue': ('mqueue', {'rw', 'nosuid', 'nodev', 'noexec'}),
         '/dev/shm': ('tmpfs', {'rw', 'nosuid', 'nodev', 'noexec'}), '/sys': ('sysfs', {'ro', 'nosuid', 'nodev', 'noexec'}),
         '/sys/fs/cgroup': (None, {'ro', 'nosuid', 'nodev', 'noexec'}), '/etc/hosts': (None, {'rw'}), '/etc/hostname': (None, {'rw'}),
         '/run/.containerenv': (None, {'rw'})}


def test_the_usual_mounts(podman):
    """What podman mounts in every container: kinds and flags; each path that it hides is hidden, each that it protects is read-only."""
    podman.up()
    pid = podman.pid()
    for target, (fstype, options) in USUAL.items():
        found = harness.mount_at(pid, target)
        assert fstype in (None, found.fstype) and found.options >= options, found
    config = json.loads(Path(podman.inspect('one', '.OCIConfigPath')).read_text())
    assert engines.exposed(pid, *config['linux']['maskedPaths']) == []
    assert podman.ok('exec', 'one', 'cat', '/etc/hostname').strip() == podman.ok('exec', 'one', 'hostname').strip()


def test_read_only(podman):
    out = podman.run('--read-only', IMAGE, 'sh', '-c', 'touch /file; touch /tmp/file /run/file && echo tmp; mount | grep " / "')
    assert out.startswith('tmp\n') and '(ro,' in out


def test_tmpfs(podman):
    out = podman.run('--tmpfs', '/scratch:rw,size=64k,mode=0750,noexec', IMAGE, 'sh', '-c', 'grep " /scratch " /proc/mounts; stat -c %a /scratch')
    options = set(out.split()[3].split(','))
    assert options >= {'rw', 'nosuid', 'nodev', 'noexec', 'size=64k'} and out.endswith('\n750\n'), out  # two of them are podman's own


def test_tmpfs_takes_the_images_content(podman):
    assert 'passwd' in podman.run('--mount', 'type=tmpfs,destination=/etc,tmpcopyup', IMAGE, 'ls', '/etc')


def propagation_of_a_volume(podman, workdir, propagation):
    """As mountinfo has it: of a volume, of a mount on it that is shared on the host, and of one that is private there. And whether a
    mount made there later comes in."""
    harness.mount('tmpfs', workdir, 'tmpfs')
    harness.mount(None, workdir, flags=0x100000)  # MS_SHARED
    for name in ('inner', 'alone', 'later'):
        (workdir / name).mkdir()
    for name in ('inner', 'alone'):
        harness.mount('tmpfs', workdir / name, 'tmpfs')
    harness.mount(None, workdir / 'alone', flags=0x40000)  # MS_PRIVATE
    podman.up('-v', f'{workdir}:/data:{propagation}')
    found = [' '.join(word.split(':')[0] for word in harness.mount_at(podman.pid(), path).optional) for path in ('/data', '/data/inner', '/data/alone')]
    harness.mount('tmpfs', workdir / 'later', 'tmpfs')
    found.append(' /data/later ' in podman.ok('exec', 'one', 'cat', '/proc/mounts'))
    podman.ok('rm', '-f', '-t', '0', 'one')
    for name in ('later', 'inner', 'alone'):
        harness.umount(workdir / name)
    return found


PROPAGATIONS = {'rprivate': ['', '', '', False], 'rshared': ['shared', 'shared', 'shared', True],
                'slave': ['master', 'master', '', True], 'rslave': ['master', 'master', '', True]}


@pytest.mark.parametrize('propagation', PROPAGATIONS)
def test_volume_propagation(podman, workdir, propagation):
    assert propagation_of_a_volume(podman, workdir, propagation) == PROPAGATIONS[propagation]


APART = {'private': ['', 'master', '', False], 'shared': ['shared', 'shared', '', True], 'unbindable': ['unbindable', 'master', '', False],
         'runbindable': ['unbindable', 'unbindable', 'unbindable', False]}


@pytest.mark.parametrize('propagation', APART)
def test_volume_propagation_apart(podman, workdir, propagation):
    assert propagation_of_a_volume(podman, workdir, propagation) == APART[propagation]


def test_volume_read_only_and_flags(podman, workdir):
    (workdir / 'file').write_text('content')
    podman.up('-v', f'{workdir}:/data:ro,noexec,nosuid,nodev')
    assert harness.mount_at(podman.pid(), '/data').options >= {'ro', 'noexec', 'nosuid', 'nodev'}
    assert podman.ok('exec', 'one', 'cat', '/data/file') == 'content'
    assert podman('exec', 'one', 'touch', '/data/more').rc == 1


def test_volume_of_a_file_and_missing_source(podman, workdir):
    (workdir / 'file').write_text('content')
    assert podman.run('-v', f'{workdir}/file:/new/place/file:ro', IMAGE, 'cat', '/new/place/file') == 'content'
    assert podman('run', '--rm', '-v', f'{workdir}/absent:/data', IMAGE, 'true').rc in (125, 126, 127)


def test_named_volume_is_filled_and_kept(podman):
    podman.run('-v', 'store:/etc', IMAGE, 'sh', '-c', 'echo kept > /etc/kept')
    assert podman.run('-v', 'store:/data', IMAGE, 'sh', '-c', 'cat /data/kept').startswith('kept\n')
    assert 'passwd' in podman.run('-v', 'store:/data', IMAGE, 'ls', '/data').split()


def test_volume_overlay(podman, workdir):
    (workdir / 'file').write_text('lower')
    assert podman.run('-v', f'{workdir}:/data:O', IMAGE, 'sh', '-c', 'echo upper > /data/file; cat /data/file') == 'upper\n'
    assert (workdir / 'file').read_text() == 'lower'


def test_volumes_from(podman, workdir):
    (workdir / 'file').write_text('content')
    podman.up('-v', f'{workdir}:/data')
    assert podman.run('--volumes-from', 'one', IMAGE, 'cat', '/data/file') == 'content'


def test_image_as_a_mount(podman):
    assert 'passwd' in podman.run('--mount', f'type=image,source={IMAGE},destination=/img', IMAGE, 'ls', '/img/etc')


def test_secrets(podman, workdir):
    (workdir / 'word').write_text('open sesame')
    podman.ok('secret', 'create', 'cave', workdir / 'word')
    assert podman.run('--secret', 'cave', IMAGE, 'cat', '/run/secrets/cave') == 'open sesame'
    assert podman.run('--secret', 'cave,type=env,target=WORD', IMAGE, 'sh', '-c', 'echo $WORD') == 'open sesame\n'
    assert podman.run('--secret', 'cave,mode=0400,uid=1000', IMAGE, 'stat', '-c', '%a %u', '/run/secrets/cave') == '400 1000\n'


def test_no_cgroups(podman):
    if podman.runtime == 'runc':
        podman.fails('run', '--rm', '--cgroups=disabled', IMAGE, 'true', rc=125, text='NoCgroups')
        return
    podman.up('--cgroups=disabled')
    assert not [path for path in harness.cgroups_of(podman.pid()).values() if podman.inspect('one', '.Id') in path]
    assert podman.ok('exec', 'one', 'echo', 'in') == 'in\n'
    podman.ok('stop', '-t', '0', 'one')
    assert podman.status() == 'exited'


def test_init(podman):
    podman.up('--init')
    assert 'podman-init' in podman.ok('exec', 'one', 'cat', '/proc/1/comm') or 'catatonit' in podman.ok('exec', 'one', 'cat', '/proc/1/cmdline')
    assert podman.run('--init', IMAGE, 'sh', '-c', 'echo $$') != '1\n'
    podman.ok('stop', '-t', '5', 'one')
    assert podman.inspect('one', '.State.ExitCode') == '143'


def test_privileged(podman):
    out = podman.run('--privileged', IMAGE, 'sh', '-c', 'grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status; ls /dev | wc -l; mount -t tmpfs t /mnt 2>/dev/null || '
                     'mkdir /m && mount -t tmpfs t /m && echo mounted; grep -cE " /(sys/firmware|proc/sys) " /proc/mounts; true')
    assert re.search(r'NoNewPrivs:\s+0\nSeccomp:\s+0\n', out) and 'mounted' in out and out.endswith('\n0\n'), out
    assert int(re.search(r'CapEff:\s+(\w+)', out).group(1), 16) == int(harness.status_of('self')['CapEff'], 16), out


def test_not_privileged(podman):
    out = podman.run(IMAGE, 'sh', '-c', 'grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; mount -t tmpfs t /tmp; ls -A /sys/firmware; grep -cE " /(sys/firmware|proc/sys) " /proc/mounts')
    assert re.search(r'NoNewPrivs:\s+0\nSeccomp:\s+2\n2\n$', out), out
    assert not int(re.search(r'CapEff:\s+(\w+)', out).group(1), 16) & harness.capability_mask('SYS_ADMIN')


def test_capabilities(podman):
    def effective(*flags):
        return int(re.search(r'CapEff:\s+(\w+)', podman.run(*flags, IMAGE, 'cat', '/proc/self/status')).group(1), 16)
    assert effective('--cap-drop', 'all', '--cap-add', 'net_raw') == harness.capability_mask('NET_RAW')
    assert effective('--cap-add', 'sys_admin') & harness.capability_mask('SYS_ADMIN')
    assert effective('--user', '1000') == 0
    sets = podman.run('--user', '1000', '--cap-drop', 'all', '--cap-add', 'net_raw,kill', IMAGE, 'grep', '^Cap', '/proc/self/status')
    wanted = f"{harness.capability_mask('NET_RAW', 'KILL'):016x}"
    assert dict(line.split(':\t') for line in sets.strip().split('\n')) == {f'Cap{name}': wanted for name in ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb')}


def test_device(podman):
    out = podman.run('--device', '/dev/zero:/dev/nothing:rw', IMAGE, 'sh', '-c', 'stat -c "%F %t %T %a %u %g" /dev/nothing; head -c 3 /dev/nothing | wc -c')
    assert out == 'character special file 1 5 666 0 0\n3\n'


def test_device_permissions(podman):
    """Read-only, by cgroup: on v1 by devices.allow, on v2 by a program."""
    assert podman.run('--device', f'{engines.a_device()[0]}:/dev/it:r', IMAGE, 'sh', '-c', engines.OPENED) == '0\n1\n'


def test_device_cgroup_rule(podman):
    """What is made inside can be opened where a rule allows it, and as it allows it."""
    _, major, minor = engines.a_device()
    made = ('--cap-add', 'mknod', IMAGE, 'sh', '-c', f'mknod /dev/it c {major} {minor}; {engines.OPENED}')
    assert podman.run(*made) == '1\n1\n'
    assert podman.run('--device-cgroup-rule', f'c {major}:{minor} rwm', *made) == '0\n0\n'
    assert podman.run('--device-cgroup-rule', f'c {major}:{minor} rm', *made) == '0\n1\n'


def test_memory_limit(podman):
    harness.need_controller('memory')
    swap = ['--memory-swap', '80m', '--memory-swappiness', '7'] if harness.controller_file('self', 'memory', 'memory.memsw.limit_in_bytes', 'none').exists() else []
    podman.up('--memory', '64m', '--memory-reservation', '32m', *swap)
    if swap:
        assert cgroup_value(podman.pid(), 'memory', 'memory.memsw.limit_in_bytes', '') == str(80 << 20)
        assert cgroup_value(podman.pid(), 'memory', 'memory.swappiness', '') == '7'
    assert cgroup_value(podman.pid(), 'memory', 'memory.limit_in_bytes', 'memory.max') == str(64 << 20)
    assert cgroup_value(podman.pid(), 'memory', 'memory.soft_limit_in_bytes', 'memory.low') == str(32 << 20)


def test_cpu_limits(podman):
    harness.need_controller('cpu')
    podman.up('--cpu-quota', '30000', '--cpu-period', '60000', '--cpu-shares', '512')
    if harness.view() == 'v2':
        assert cgroup_value(podman.pid(), 'cpu', '', 'cpu.max') == '30000 60000'
    else:
        assert [cgroup_value(podman.pid(), 'cpu', f'cpu.cfs_{name}_us', '') for name in ('quota', 'period')] == ['30000', '60000']
        assert cgroup_value(podman.pid(), 'cpu', 'cpu.shares', '') == '512'


def test_cpuset(podman):
    harness.need_controller('cpuset')
    podman.up('--cpuset-cpus', '0', '--cpuset-mems', '0')
    assert cgroup_value(podman.pid(), 'cpuset', 'cpuset.cpus', 'cpuset.cpus') == '0'
    assert cgroup_value(podman.pid(), 'cpuset', 'cpuset.mems', 'cpuset.mems') == '0'
    assert podman.ok('exec', 'one', 'nproc') == '1\n'


def test_pids_limit(podman):
    harness.need_controller('pids')
    out = podman('run', '--rm', '--pids-limit', '5', IMAGE, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 2 & done; echo end')
    assert "can't fork" in out.err, out
    podman.up('--pids-limit', '17')
    assert cgroup_value(podman.pid(), 'pids', 'pids.max', 'pids.max') == '17'


def test_out_of_memory(podman):
    harness.need_controller('memory')
    done = podman('run', '--name', 'one', '--memory', '20m', '--memory-swap', '20m', IMAGE, 'sh', '-c', 'exec tail /dev/zero')
    assert done.rc == 137, done
    if harness.view() == 'v2':  # from v1 conmon hears it late or never, whatever the runtime
        assert podman.inspect('one', '.State.OOMKilled') == 'true'


def test_ulimit_sysctl_shm_oom(podman):
    out = podman.run('--ulimit', 'nofile=123:456', '--ulimit', 'nproc=1000:2000', '--sysctl', 'kernel.msgmax=4096', '--shm-size', '128k', '--oom-score-adj', '500', '--ipc', 'private', IMAGE, 'sh', '-c',
                     'ulimit -n; ulimit -Hn; ulimit -u; ulimit -Hu; cat /proc/sys/kernel/msgmax; grep " /dev/shm " /proc/mounts; cat /proc/self/oom_score_adj')
    assert out.startswith('123\n456\n1000\n2000\n4096\n') and 'size=128k' in out and out.endswith('500\n'), out


def test_host_namespaces(podman):
    out = podman.run('--pid=host', '--ipc=host', '--uts=host', '--network=host', '--cgroupns=host', IMAGE, 'sh', '-c', 'for n in pid ipc uts net cgroup; do readlink /proc/self/ns/$n; done')
    assert out.split() == [harness.namespace_of('self', kind) for kind in ('pid', 'ipc', 'uts', 'net', 'cgroup')]


def test_own_namespaces(podman):
    out = podman.run('--cgroupns=private', IMAGE, 'sh', '-c', 'for n in pid ipc uts net mnt cgroup; do readlink /proc/self/ns/$n; done')
    assert not set(out.split()) & {harness.namespace_of('self', kind) for kind in ('pid', 'ipc', 'uts', 'net', 'mnt', 'cgroup')}


def test_namespaces_of_another_container(podman):
    podman.up('--ipc=shareable')
    flags = ['--pid=container:one', '--ipc=container:one', '--network=container:one', '--uts=container:one']
    out = podman.run(*flags, IMAGE, 'sh', '-c', 'for n in pid ipc net uts; do readlink /proc/self/ns/$n; done; ps -o comm | grep -c sleep')
    assert out.split() == [*(harness.namespace_of(podman.pid(), kind) for kind in ('pid', 'ipc', 'net', 'uts')), '1']


def test_uid_map(podman):
    podman.up('--uidmap', '0:200000:1000', '--gidmap', '0:300000:1000', '-u', '5:6')
    status = harness.status_of(podman.pid())
    assert status['Uid'].split()[0] == '200005' and status['Gid'].split()[0] == '300006'
    assert [Path(f'/proc/{podman.pid()}/{kind}_map').read_text().split() for kind in ('uid', 'gid')] == [['0', '200000', '1000'], ['0', '300000', '1000']]
    assert podman.ok('exec', 'one', 'sh', '-c', 'id -u; id -g; stat -c %u /etc/passwd') == '5\n6\n0\n'


def test_userns_auto(podman, workdir):
    shutil.copy2('/etc/subuid', workdir / 'subuid')
    shutil.copy2('/etc/subgid', workdir / 'subgid')
    for name in ('subuid', 'subgid'):
        with open(workdir / name, 'a', encoding='utf-8') as table:
            table.write('\ncontainers:1000000:1000000\n')
        harness.mount(workdir / name, f'/etc/{name}', flags=harness.MS_BIND)
    try:
        podman.up('--userns=auto:size=5000')
        podman.up('--userns=auto', name='two')
        maps = [Path(f'/proc/{podman.pid(name)}/uid_map').read_text().split() for name in ('one', 'two')]
        assert maps[0][2] == '5000' and int(maps[0][1]) >= 1000000 and maps[0][1] != maps[1][1]
        assert podman.ok('exec', 'one', 'id', '-u') == '0\n'
    finally:
        for name in ('subuid', 'subgid'):
            harness.umount(f'/etc/{name}')


def test_userns_with_everything(podman, workdir):
    """Volumes, devices, tmpfs, a read-only root and a terminal, all in a user namespace."""
    (workdir / 'file').write_text('content')
    (workdir / 'file').chmod(0o644)
    out = podman.run('--uidmap', '0:200000:1000', '--gidmap', '0:200000:1000', '--read-only', '--tmpfs', '/scratch', '-v', f'{workdir}:/data:ro', '--device', '/dev/zero',
                     IMAGE, 'sh', '-c', 'cat /data/file; touch /scratch/x && head -c 1 /dev/zero | wc -c; mount | grep -c /scratch; touch /x 2>/dev/null || echo read-only')
    assert out == 'content1\n1\nread-only\n'


def test_idmapped_volume(podman, workdir):
    (workdir / 'file').write_text('content')
    done = podman('run', '--rm', '--uidmap', '0:200000:1000', '--gidmap', '0:200000:1000', '-v', f'{workdir}:/data:idmap', IMAGE, 'stat', '-c', '%u', '/data/file')
    assert done.rc == 0 and done.out == '0\n', done


def test_chown_volume(podman, workdir):
    (workdir / 'file').write_text('content')
    assert podman.run('-u', '1000:1000', '-v', f'{workdir}:/data:U', IMAGE, 'stat', '-c', '%u', '/data/file') == '1000\n'


def test_security_options(podman):
    out = podman.run('--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined', '--security-opt', 'mask=/etc/group', '--security-opt', 'unmask=/sys/firmware', IMAGE,
                     'sh', '-c', 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status; wc -c < /etc/group; grep -c " /sys/firmware " /proc/mounts; true')
    assert re.search(r'NoNewPrivs:\s+1\nSeccomp:\s+0\n0\n0\n$', out), out


def test_seccomp_profile_of_a_file(podman, workdir):
    (workdir / 'profile.json').write_text(json.dumps({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38}]}))
    done = podman('run', '--rm', '--security-opt', f'seccomp={workdir}/profile.json', IMAGE, 'mkdir', '/made')
    assert done.rc == 1 and 'Function not implemented' in done.err


def test_groups(podman):
    assert {'63', '1234'} <= set(podman.run('--group-add', '1234', '--group-add', 'audio', IMAGE, 'id', '-G').split())


def test_preserved_descriptors(podman, workdir):
    (workdir / 'file').write_text('from the caller\n')
    words = podman.words('run', '--rm', '--preserve-fds', '1', IMAGE, 'cat', '/proc/self/fd/3')
    assert call(['sh', '-c', 'exec 3< "$0"; exec "$@"', workdir / 'file', *words]).out == 'from the caller\n'


def test_sdnotify_of_the_container(podman, workdir):
    """conmon's socket is mounted; the container's READY comes to podman's caller, and not before it is said."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(workdir / 'notify'))
        listener.settimeout(10)
        podman.ok('run', '-d', '--name', 'one', '--sdnotify', 'container', IMAGE, 'sleep', '1000', env={'NOTIFY_SOCKET': str(workdir / 'notify')})
        assert listener.recv(1000).startswith(b'MAINPID=')
        pid = podman.pid()
        words = dict(word.split('=', 1) for word in Path(f'/proc/{pid}/environ').read_text().split('\0') if word)
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.recv(1000)
        listener.settimeout(10)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:  # the image has no program that could
            speaker.sendto(b'READY=1', f'/proc/{pid}/root{words["NOTIFY_SOCKET"]}')
        assert listener.recv(1000).startswith(b'READY=1')


def test_hooks_directory(podman, workdir):
    hooks = workdir / 'hooks'
    hooks.mkdir()
    script = workdir / 'hook.sh'
    script.write_text(f'#!/bin/sh\ncat > {workdir}/seen.$1\n')
    script.chmod(0o755)
    for stage in ('createRuntime', 'poststart', 'poststop'):
        (hooks / f'{stage}.json').write_text(json.dumps({'version': '1.0.0', 'hook': {'path': str(script), 'args': ['hook.sh', stage]},
                                                         'when': {'always': True}, 'stages': [stage]}))
    podman.ok('--hooks-dir', hooks, 'run', '--name', 'one', IMAGE, 'true')
    podman.ok('rm', 'one')
    wait_until(lambda: len(list(workdir.glob('seen.*'))) == 3, 'all hooks ran')
    assert json.loads((workdir / 'seen.createRuntime').read_text())['status'] in ('creating', 'created')
    assert json.loads((workdir / 'seen.poststop').read_text())['status'] == 'stopped'


def test_restart_on_failure(podman):
    podman.ok('run', '-d', '--name', 'one', '--restart', 'on-failure:2', IMAGE, 'sh', '-c', 'echo try; exit 3')
    wait_until(lambda: podman.logs().count('try') == 3 and podman.status() == 'exited', 'three tries')
    assert podman.inspect('one', '.RestartCount') == '2' and podman.inspect('one', '.State.ExitCode') == '3'


@pytest.mark.parametrize('policy', ['always', 'unless-stopped'])
def test_restart_always(podman, policy):
    """Whoever kills it, it comes back; but not when podman is told to stop it."""
    podman.up('--restart', policy)
    first = podman.pid()
    os.kill(first, 9)
    wait_until(lambda: podman.pid() not in (0, first), 'a new process')
    podman.ok('stop', '-t', '0', 'one')
    assert (podman.status(), podman.inspect('one', '.RestartCount')) == ('exited', '1')


def test_time_limit(podman):
    done = podman('run', '--rm', '--timeout', '1', IMAGE, 'sleep', '1000')
    assert done.rc != 0


def below_the_root(pid):
    """Whether there is the host's tree in a mount namespace once the container's root is taken away, or nothing that could run."""
    inside = ['nsenter', f'--mount=/proc/{pid}/ns/mnt']
    assert call([*inside, 'umount', '-l', '/']).rc == 0
    return call([*inside, 'ls', '/']).rc == 0


@pytest.mark.parametrize('flags', [True, False], ids=['flags', 'plain'])
def test_no_pivot_and_no_keyring(podman, flags):
    """containers.conf's no_pivot_root and keyring become --no-pivot, with which the host's tree stays below the container's, and
    --no-new-keyring, with which the session keyring is the caller's."""
    extra = Path('/etc/containers/containers.conf.d/95-more.conf')
    if flags:
        extra.write_text('[containers]\nkeyring = false\n[engine]\nno_pivot_root = true\n')
    try:
        name = podman.up('--security-opt', 'unmask=/proc/keys')
    finally:
        extra.unlink(missing_ok=True)
    if os.path.exists('/proc/keys'):
        assert bool(re.search(f' keyring .*{name}', podman.ok('exec', 'one', 'cat', '/proc/keys'))) is not flags
    assert below_the_root(podman.pid()) is flags


def test_cgroup_namespace_and_mount(podman):
    """With a namespace of its own a container sees its cgroup as the root of each hierarchy, in which it can make and change nothing."""
    podman.up('--cgroupns=private')
    hierarchies = [entry for entry in harness.mounts_of(podman.pid()) if entry.fstype in ('cgroup', 'cgroup2')]
    wanted = {'/sys/fs/cgroup'} if harness.view() == 'v2' else {f'/sys/fs/cgroup/{name.removeprefix("name=")}' for name in harness.cgroup_hierarchies()}
    assert {entry.target for entry in hierarchies} == wanted
    assert {line.split(':', 2)[2] for line in podman.ok('exec', 'one', 'cat', '/proc/self/cgroup').split('\n')[:-1]} == {'/'}
    for entry in hierarchies:
        assert 'ro' in entry.options, entry
        done = podman('exec', 'one', 'sh', '-c', f'cd {entry.target} && grep " {entry.target} " /proc/self/mountinfo | cut -d " " -f 4; sort -n cgroup.procs | head -n 1; mkdir made')
        assert done.rc == 1 and done.out == '/\n1\n' and 'Read-only file system' in done.err, (entry.target, done)
    if podman.runtime != 'crun' or harness.view() == 'v2':  # its directory of the hierarchies can be written to
        assert podman('exec', 'one', 'mkdir', '/sys/fs/cgroup/made').rc == 1


def test_fifty_containers(podman, workdir):
    """All at once: none ends before all fifty run. Each does its work and none is left. (On the terminal podman itself now and then
    loses a line.)"""
    import concurrent.futures
    wait = 'i=0; while [ $(ls /out | wc -l) -lt 50 ]; do i=$((i + 1)); [ $i -lt 90 ] || exit 99; sleep 1; done'
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda number: podman('run', '--rm', '-v', f'{workdir}:/out', IMAGE, 'sh', '-c', f'echo {number} > /out/{number}; {wait}; exit {number}', timeout=110), range(50)))
    assert [done.rc for done in results] == list(range(50)), results
    assert sorted(int(path.read_text()) for path in workdir.iterdir()) == list(range(50))
