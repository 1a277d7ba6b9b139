# SPDX-License-Identifier: Apache-2.0
"""What makes whole classes impossible, looked at from outside: the trace of a run, the binary, the host's mounts.

tests/unit/layers.py looks at the same from the source's side.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from attack import add_mount, give_capabilities, put, with_user_namespace, writable

pytestmark = pytest.mark.knarr
TOP = Path(__file__).resolve().parents[2]


def command_of(c, verb):
    """`run` of a container, or `exec` of `true` in one that is there."""
    if verb == 'exec':
        c.config['process']['args'] = ['sleep', '100']
        c.up()
        return c.runtime.command('exec', c.id, 'true')
    c.bundle.save()
    return c.runtime.command('run', '--bundle', c.bundle.path, c.id)


# ---- no path below the root ---------------------------------------------------------------------------


# Calls that name a path below root.path itself, as the host has it.
BELOW_ROOT_ALLOWED = {
    'open': 'root.path itself, before there is a container',
    'openat': 'root.path itself, before there is a container',
    'open_tree': 'root.path itself: the clone that becomes the root',
    'statx': 'root.path itself',
    'newfstatat': 'root.path itself',
}
# Calls with a relative path: one name below a directory that kernel/resolve.c has opened, never followed.
ONE_NAME = {'openat': 'O_NOFOLLOW', 'mkdirat': '', 'mknodat': '', 'symlinkat': '', 'unlinkat': '', 'readlinkat': '', 'fchownat': '', 'newfstatat': ''}
PATH_CALL = re.compile(r'^(\w+)\((.*)\)\s+= ')
DIRECTORY = re.compile(r'^(AT_FDCWD|\d+)<([^>]*)>')


def trace(workdir, command, calls='%file,%desc,clone3,clone,chroot,chdir,fchdir,pivot_root,execve'):
    """[(pid, line)] of a command and its children; descriptors are shown with their paths."""
    out = workdir / 'trace'
    done = subprocess.run(['strace', '-f', '-qq', '-y', '-s', '8192', '-e', f'trace={calls}', '-o', str(out), *map(str, command)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    joined, pending = [], {}
    for line in out.read_text(errors='replace').splitlines():
        pid, rest = line.split(maxsplit=1)
        if rest.endswith('<unfinished ...>'):
            pending[pid] = rest.removesuffix('<unfinished ...>').rstrip()
            continue
        resumed = re.match(r'<\.\.\. \w+ resumed>(.*)', rest)
        if resumed:
            rest = pending.pop(pid, '') + resumed.group(1)
        joined.append((pid, rest))
    return joined


@pytest.mark.recipe('R3', 'CVE-2021-30465', 'CVE-2024-45310', 'CVE-2026-41579', 'CVE-2026-47766')
@pytest.mark.parametrize('user', [False, True])
def test_no_path_below_the_root_is_followed(container, workdir, user):
    """Every call of a run that names something of the container either is openat2 with RESOLVE_IN_ROOT and
    RESOLVE_NO_MAGICLINKS, or one name, not followed, below a descriptor that came from there."""
    (workdir / 'volume/sub').mkdir(parents=True)
    (workdir / 'file').write_text('')
    c = writable(container(['true'], cwd='/tmp/new'))
    add_mount(c, '/volume', workdir / 'volume')
    add_mount(c, '/made/here/file', workdir / 'file')
    add_mount(c, '/etc', fstype='tmpfs', source='tmpfs', options=['tmpcopyup'])
    c.config['linux']['devices'] = [{'path': '/made/device', 'type': 'p', 'fileMode': 0o600, 'uid': 0, 'gid': 0}]
    if user:
        with_user_namespace(c)
    c.bundle.save()
    lines = trace(workdir, c.runtime.command('run', '--bundle', c.bundle.path, c.id))
    rootfs, wrong, resolved = str(c.rootfs), [], 0
    for _, line in lines:
        match = PATH_CALL.match(line)
        if not match:
            continue
        name, arguments = match.groups()
        paths = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        place = DIRECTORY.match(arguments)
        place = place.group(2) if place and place.group(1) != 'AT_FDCWD' else ''
        if name == 'openat2':
            if place.startswith(rootfs):
                resolved += 1
                # A procfs, devpts or tmpfs mounted below the root shows a path below it too; there it is stricter.
                if not ('RESOLVE_NO_MAGICLINKS' in line and 'RESOLVE_IN_ROOT' in line) and 'RESOLVE_NO_SYMLINKS' not in line:
                    wrong.append(line)
            continue
        for path in paths:
            if path.startswith(rootfs) and (path != rootfs or name not in BELOW_ROOT_ALLOWED):
                wrong.append(line)
        if place.startswith(rootfs) and paths and paths[0] not in ('', '.') and name in ('open', 'openat', 'mkdirat', 'mknodat', 'symlinkat', 'unlinkat',
                                                                                        'readlinkat', 'fchownat', 'newfstatat', 'fchmodat', 'statx', 'chdir'):
            named = paths[-1] if name == 'symlinkat' else paths[0]
            if '/' in named or (name == 'openat' and 'O_NOFOLLOW' not in line) or (name == 'newfstatat' and 'AT_SYMLINK_NOFOLLOW' not in line) or name not in ONE_NAME:
                # fchmodat follows by its nature; it is only used on what was made a moment ago in a tmpfs of our own.
                if name != 'fchmodat':
                    wrong.append(line)
    assert resolved > 10, resolved
    assert not wrong, '\n'.join(wrong)


@pytest.mark.recipe('R3', 'CVE-2019-14271')
@pytest.mark.parametrize('verb', ['run', 'exec'])
def test_nothing_of_the_image_is_loaded(container, workdir, verb):
    """No library, no NSS, no iconv, no locale is opened once the container's root is entered: what the runtime itself is made of it
    brings along. Only the program of the container is executed there."""
    c = container(['true'])
    for name in ('lib', 'usr/lib', 'lib64', 'usr/lib/gconv', 'etc/ld.so.conf.d'):
        (c.rootfs / name).mkdir(parents=True, exist_ok=True)
    (c.rootfs / 'etc/nsswitch.conf').write_text('passwd: evil\n')
    lines = trace(workdir, command_of(c, verb), '%file,clone3,fchdir,chroot,pivot_root,setns')
    inside, seen = set(), []
    for pid, line in lines:
        if re.match(r'(pivot_root|chroot)\(|setns\(.*CLONE_NEWNS', line) and line.endswith('= 0'):
            inside.add(pid)
        match = PATH_CALL.match(line)
        if match and (pid in inside or (inside and pid not in {lines[0][0]})) and match.group(1).startswith('open'):
            seen += [path for path in re.findall(r'"((?:[^"\\]|\\.)*)"', line)]
        if pid in inside and line.startswith('execve(') and line.endswith('= 0'):
            break
    assert inside, 'nobody entered a root'
    bad = [path for path in seen if re.search(r'\.so|nss|gconv|locale|ld\.so|charset|resolv\.conf|/etc/group', path)]
    assert not bad, bad


# ---- the host's mounts --------------------------------------------------------------------------------


@pytest.mark.recipe('R16')
@pytest.mark.parametrize('user', [False, True])
def test_no_mount_of_the_host_at_any_moment(container, workdir, user):
    """Not only before and after: no call that mounts is made by a process in the host's mount namespace, but for clones that are in none."""
    c = writable(container(['true']))
    (workdir / 'volume').mkdir()
    add_mount(c, '/volume', workdir / 'volume')
    if user:
        with_user_namespace(c)
    before = Path('/proc/self/mountinfo').read_text()
    c.bundle.save()
    lines = trace(workdir, c.runtime.command('run', '--bundle', c.bundle.path, c.id), 'mount,umount2,move_mount,pivot_root,clone3,unshare,setns')
    runtime = lines[0][0]
    assert Path('/proc/self/mountinfo').read_text() == before
    own = [line for pid, line in lines if pid == runtime and re.match(r'(mount|umount2|move_mount|pivot_root)\(', line)]
    assert not own, own


# ---- the binary ---------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def elf(program):
    if subprocess.run(['readelf', '--version'], capture_output=True, check=False).returncode != 0:
        pytest.skip('host lacks readelf')

    def read(*flags):
        return subprocess.run(['readelf', '-W', *flags, program], capture_output=True, text=True, check=True).stdout
    return read


@pytest.mark.recipe('R38')
def test_binary_is_position_independent(elf):
    assert re.search(r'Type:\s+DYN', elf('-h')), elf('-h')


@pytest.mark.recipe('R38')
def test_binary_has_no_page_both_writable_and_executable(elf):
    headers = elf('-l')
    assert not re.search(r'LOAD.*\bRWE\b', headers), headers
    stack = re.search(r'GNU_STACK\s+(.*)', headers).group(1)
    assert 'E' not in stack.split()[-2], stack


@pytest.mark.recipe('R38')
def test_binary_executes_no_constants(elf):
    """What the linker puts beside the code is a store of gadgets that nobody looked at."""
    headers, mapping = elf('-l').split('Section to Segment mapping')
    flags = [line[line.index('0x'):].split()[5:-1] for line in headers.splitlines() if re.match(r'\s+(LOAD|[A-Z_]+)\s+0x', line)]
    assert any('E' in each for each in flags), headers
    for number, *sections in map(str.split, mapping.splitlines()[2:]):
        if 'E' in flags[int(number)]:
            assert '.text' in sections and not [name for name in sections if re.match(r'\.(rodata|eh_frame|data)', name)], sections


@pytest.mark.recipe('R38')
def test_binary_has_relro_and_binds_at_once(elf):
    assert 'GNU_RELRO' in elf('-l')
    dynamic = elf('-d')
    assert 'BIND_NOW' in dynamic or re.search(r'FLAGS_1.*NOW', dynamic) or 'NEEDED' not in dynamic, dynamic


@pytest.mark.recipe('R38')
def test_binary_names_no_library_path(elf):
    """An RPATH would load libraries from where somebody else may write."""
    assert not re.search(r'RPATH|RUNPATH', elf('-d'))


@pytest.mark.recipe('R38')
def test_binary_is_not_privileged(program):
    st = os.stat(program)
    assert st.st_mode & 0o6000 == 0
    with pytest.raises(OSError):
        os.getxattr(program, 'security.capability')


@pytest.mark.recipe('R38')
def test_binary_has_stack_protectors(program):
    """The canary of the thread block is read in some hundreds of functions; strings and copies are checked (_FORTIFY_SOURCE)."""
    if os.uname().machine != 'x86_64' or subprocess.run(['objdump', '--version'], capture_output=True, check=False).returncode != 0:
        pytest.skip('host lacks objdump for the x86_64 instructions that are counted')
    code = subprocess.run(['objdump', '-d', '--no-show-raw-insn', program], capture_output=True, text=True, check=True).stdout
    assert code.count('%fs:0x28') > 200, code.count('%fs:0x28')
    assert code.count('endbr64') > 500, code.count('endbr64')


# ---- the privileges of its processes ------------------------------------------------------------------


@pytest.mark.recipe('R21', 'CVE-2016-9962')
@pytest.mark.parametrize('verb', ['run', 'exec'])
def test_not_dumpable_from_the_first_step(container, workdir, verb):
    """Each process that the runtime makes for the container says PR_SET_DUMPABLE 0 before it does anything else of note, and
    never takes it back before execve."""
    c = container(['true'])
    lines = trace(workdir, command_of(c, verb), 'prctl,execve,setns,pivot_root,chroot,setresuid,move_mount')
    runtime = lines[0][0]
    first = {}
    for pid, line in lines:
        if pid == runtime:
            continue
        if pid not in first:
            first[pid] = []
        if len(first[pid]) == 0 or not first[pid][-1].startswith('execve('):
            first[pid].append(line)
    assert first
    for pid, own in first.items():
        dumpable = [at for at, line in enumerate(own) if 'PR_SET_DUMPABLE' in line]
        deeds = [at for at, line in enumerate(own) if re.match(r'(setns|pivot_root|chroot|move_mount|setresuid)\(', line)]
        assert dumpable, (pid, own)
        assert not deeds or dumpable[0] < deeds[0], (pid, own)
        assert not [line for line in own if re.search(r'PR_SET_DUMPABLE, (1|SUID_DUMP_USER)', line)], (pid, own)


@pytest.mark.recipe('R19 R21', 'CVE-2016-9962')
def test_exec_enters_the_pid_namespace_with_nothing(container, programs, workdir):
    """By the time the process is among the container's, it has closed everything, and is who it will be: no call that needs
    privileges comes behind the clone that makes it visible."""
    c = put(container(user={'uid': 1000, 'gid': 1000}), programs, 'probe')
    c.config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['swapon'], 'action': 'SCMP_ACT_ERRNO'}]}
    c.config['process']['noNewPrivileges'] = True
    give_capabilities(c, 'KILL')
    c.up()
    lines = trace(workdir, c.runtime.command('exec', c.id, '/bin/probe', 'fds'),
                  'clone3,setns,setresuid,setresgid,setgroups,capset,open,openat,openat2,close_range,chroot,fchdir,move_mount,socket,execve,prctl,seccomp')
    parents = [(pid, line) for pid, line in lines if line.startswith('clone3(') and 'CLONE_PARENT' in line]
    assert len(parents) == 1, parents
    helper = parents[0][0]
    child = re.search(r'= (\d+)', parents[0][1]).group(1)
    own = [line for pid, line in lines if pid == child]
    until = next(at for at, line in enumerate(own) if line.startswith('execve('))
    early = [line for line in own[:until] if not re.match(r'(prctl|seccomp)\(', line)]
    assert not early, early
    assert [line for pid, line in lines if pid == helper and line.startswith('capset(')]
    assert [line for pid, line in lines if pid == helper and line.startswith('close_range(')]


@pytest.mark.recipe('R21', 'CVE-2019-5736')
def test_exec_closes_the_seal_beside_its_helper(container, workdir):
    """The mount that the sealed program came from takes the kernel a grace period of RCU to close. The helper never has it, and
    the runtime closes it while the helper works: nobody waits for that who is waited for."""
    c = container(['sleep', '1000']).up()
    log = workdir / 'trace'
    subprocess.run(['strace', '-f', '-qq', '-e', 'trace=open_tree,fcntl,clone,clone3,close_range,setns,close,dup,dup2,dup3', '-o', str(log),
                    *map(str, c.runtime.command('exec', c.id, 'true'))], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
    lines = [line.split(maxsplit=1) for line in log.read_text().splitlines()]
    runtime = lines[0][0]
    mine = [line for pid, line in lines if pid == runtime]
    if not any(line.startswith('open_tree(') for line in mine):
        pytest.skip('caller lacks the privileges to be sealed in place')
    made = next(re.search(r'= (\d+)$', line).group(1) for line in mine if line.startswith('open_tree('))
    moved = next(re.search(r'= (\d+)$', line).group(1) for line in mine if line.startswith(f'fcntl({made}, F_DUPFD_CLOEXEC'))
    fork = next(at for at, (pid, line) in enumerate(lines) if re.match(r'clone3?\(', line) and 'CLONE_FILES' in line)
    helper = next(pid for pid, _ in lines[fork + 1:] if pid != runtime)
    assert f'close({made})' in ' '.join(line for pid, line in lines[:fork] if pid == runtime)
    first = next(line for pid, line in lines if pid == helper)
    assert first.startswith(f'close_range({moved}, {moved}, '), first
    closed = next(at for at, (pid, line) in enumerate(lines) if at > fork and pid == runtime and line.startswith('close('))
    assert lines[closed][1].startswith(f'close({moved}'), lines[closed]
    assert not [line for pid, line in lines if pid != runtime and line.startswith(f'close({moved})')]


def trace_of_exec(c, workdir):
    """The helper's lines behind its becoming who it will be, and the process's before its program."""
    lines = trace(workdir, c.runtime.command('exec', c.id, '/bin/probe', 'fds'), 'clone,clone3,capset,execve,seccomp')
    parents = [(pid, line) for pid, line in lines if re.match(r'clone3?\(', line) and 'CLONE_PARENT' in line and re.search(r'= \d+$', line)]
    assert len(parents) == 1, parents
    child = re.search(r'= (\d+)$', parents[0][1]).group(1)
    own = [line for pid, line in lines if pid == child]
    return ([line for pid, line in lines if pid == parents[0][0]],
            own[:next(at for at, line in enumerate(own) if line.startswith('execve('))])


@pytest.mark.recipe('R19', 'CVE-2016-9962')
@pytest.mark.parametrize('profile', ['few', 'docker-default', 'podman-default'])
def test_exec_is_filtered_before_it_is_seen(container, programs, workdir, profile):
    """Without no_new_privs a filter takes CAP_SYS_ADMIN to be installed: nobody in the container may get hold of who has that."""
    c = put(container(), programs, 'probe')
    c.config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['swapon'], 'action': 'SCMP_ACT_ERRNO'}]}
    if profile != 'few':
        c.config['linux']['seccomp'] = json.loads((TOP / f'tests/data/configs/{profile}.json').read_text())['linux']['seccomp']
    c.config['process']['noNewPrivileges'] = False
    give_capabilities(c, 'KILL', 'SYS_PTRACE')
    c.up()
    helper, process = trace_of_exec(c, workdir)
    calls = [line.split('(')[0] for line in helper if not line.startswith('clone')]
    assert calls[-3:] == ['capset', 'seccomp', 'capset'], helper
    assert not [line for line in process if not line.startswith('clone')], process
    status = c.runtime.ok('exec', c.id, 'cat', '/proc/self/status').out
    assert 'Seccomp:\t2\n' in status and 'NoNewPrivs:\t0\n' in status and 'Seccomp_filters:\t1\n' in status


@pytest.mark.recipe('R26')
def test_exec_under_a_profile_of_few_calls(container, programs, workdir):
    """One that forbids what is still to be done comes last, as with no_new_privs."""
    c = put(container(), programs, 'probe')
    c.config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['setsid'], 'action': 'SCMP_ACT_KILL_PROCESS'}]}
    c.config['process']['noNewPrivileges'] = False
    give_capabilities(c, 'KILL')
    c.up()
    _, process = trace_of_exec(c, workdir)
    assert [line.split('(')[0] for line in process] == ['seccomp', 'capset'], process
    c.runtime.ok('exec', c.id, 'true')


# ---- the names in SECURITY.md ---------------------------------------------------------------------------


def named_tests():
    """`file.py::test` or `file.py` in SECURITY.md's tables; those that the repository has."""
    return re.findall(r'`((?:test_\w+|layers)\.py(?:::\w+)?)`', (TOP / 'SECURITY.md').read_text())


def existing_tests():
    found = {'layers.py'}
    for folder in ('security', 'integration', 'unit'):
        for path in (TOP / 'tests' / folder).glob('*.py'):
            found.add(path.name)
            found |= {f'{path.name}::{name}' for name in re.findall(r'^def (test_\w+)\(', path.read_text(), re.MULTILINE)}
    return found


@pytest.mark.recipe('table')
def test_table_names_tests_that_exist():
    assert len(named_tests()) > 20
    assert not set(named_tests()) - existing_tests()


@pytest.mark.recipe('table')
def test_every_vulnerability_of_the_tests_is_in_the_table():
    """What a test repeats, SECURITY.md says; and what SECURITY.md lists, a test repeats."""
    named = set()
    for path in Path(__file__).parent.glob('test_*.py'):
        for mark in re.findall(r'@pytest\.mark\.recipe\(([^)]*)\)', path.read_text()):
            named |= set(re.findall(r"'((?:CVE|GHSA)-[\w-]+)'", mark))
    listed = set(re.findall(r'\b(?:CVE-\d{4}-\d+|GHSA(?:-\w{4}){3})\b', (TOP / 'SECURITY.md').read_text()))
    assert named - listed == set(), f'not in SECURITY.md: {sorted(named - listed)}'
    assert listed - named == set(), f'in SECURITY.md, but in no test: {sorted(listed - named)}'
