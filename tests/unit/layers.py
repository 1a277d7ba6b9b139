#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The architecture, checked: what ARCHITECTURE.md says of the layers is true of the sources.

Each rule prints `PASS rule`, or one `FAIL rule: file:line: what` per breach; the exit status is 1
if anything failed. Run by contrib/test; by hand: tests/unit/layers.py [--objects BUILD_DIR]
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# layer: what its files may include. Arrows point down, and sideways only inside the layer.
LAYERS = {
    'base': {'base'},
    'kernel': {'kernel', 'base'},
    'isolate': {'isolate', 'kernel', 'base', 'oci-spec'},
    'cgroup': {'cgroup', 'kernel', 'base', 'oci-spec'},
    'container': {'container', 'isolate', 'cgroup', 'kernel', 'base', 'oci-spec'},
    'cli': {'cli', 'container', 'isolate', 'cgroup', 'kernel', 'base', 'oci-spec'},
    'oci-spec': {'oci-spec'},
}
# <knarr/...>: the model of config.json, below everything that knows what a container is.
PUBLIC_HEADERS_NOT_FOR = {'base', 'kernel'}
GENERATED = {'version.h'}

# System calls that take a path and follow it. Below a root file system the container's owner chooses
# what a path leads to, so only kernel/resolve.c may walk there, and it hands out descriptors.
PATH_CALLS = re.compile(
    r'(?<![\w.>])(open|openat|open64|creat|fopen|freopen|opendir|scandir|nftw|glob'
    r'|mkdir|mkdirat|mknod|mknodat|symlink|symlinkat|link|linkat|rename|renameat|renameat2'
    r'|unlink|unlinkat|rmdir|remove|stat|lstat|fstatat|statx|sys_statx|access|faccessat|euidaccess|statfs|statvfs'
    r'|chmod|fchmodat|chown|lchown|fchownat|utime|utimes|utimensat|truncate'
    r'|readlink|readlinkat|realpath|canonicalize_file_name'
    r'|mount|umount|umount2|chroot|chdir|open_tree|move_mount|pivot_root|name_to_handle_at'
    r'|execv|execve|execvp|execvpe|execl|execlp|execle|execveat|posix_spawn|posix_spawnp|popen|system'
    r'|setxattr|lsetxattr|getxattr|lgetxattr|listxattr|inotify_add_watch|fanotify_mark'
    r')\s*\(')

# file: {calls allowed there: why}. `*` is every call. A file that is not here may use none.
PATH_CALLS_ALLOWED = {
    'src/base/io.c': {
        '*': "reads and writes the host's files below a directory descriptor of the caller's choice",
    },
    'src/base/fd.c': {'open': "/dev/null in place of a missing stdio, before anything else happens"},
    'src/kernel/resolve.c': {'*': 'the one walker: one component at a time, O_NOFOLLOW, below a descriptor'},
    'src/kernel/procfs.c': {'*': 'walks only a procfs that it has verified'},
    'src/kernel/channel.c': {'open': 'a socket path of the caller, in the host'},
    'src/kernel/program.c': {
        'open': '/dev/null, in the host',
        'access': "programs of the host's own directories",
        'execve': 'the same',
    },
    'src/kernel/syscalls.c': {'sys_statx': 'its definition'},
    'src/kernel/seal.c': {'open': "the runtime's own binary, before there is a container"},
    'src/kernel/mountfd.c': {'sys_statx': 'of a descriptor, with AT_EMPTY_PATH'},
    'src/kernel/submounts.c': {'sys_statx': 'a directory of the host that the caller names: where cgroups are'},
    'src/isolate/relay.c': {'open': "a second description of the caller's own stdio, in the host"},
    'src/isolate/terminal.c': {'openat': 'one component below a descriptor, O_NOFOLLOW', 'mknodat': 'one component below a descriptor'},
    'src/isolate/sources/sources.c': {'*': 'opens mount sources in the host, before there is a container'},
    'src/isolate/rootfs/rootfs.c': {'*': 'pivot_root, umount2, chdir and chroot with "." and "/" only'},
    'src/isolate/rootfs/move.c': {
        'open': "the host's /proc/self/mountinfo, mount points and root, before the container's root is entered",
        'sys_statx': 'of a descriptor, with AT_EMPTY_PATH',
    },
    'src/kernel/nsfs.c': {
        'stat': "the host's /proc/self/ns, before the container's root is entered",
        'openat': 'one name in /proc/PID/ns of a private procfs; what it gave is verified to be a namespace',
    },
    'src/isolate/namespaces.c': {
        'chroot': '"." only: the root of init, which is the current directory by then',
        'stat': '"/" only: whether that is the root of the container',
    },
    'src/isolate/namespaces-plan.c': {'open': 'a path of linux.namespaces, in the host; verified to be a namespace'},
    'src/isolate/net-devices/program.c': {'open': "the host's /proc/self/ns/net"},
    'src/kernel/netlink.c': {'open': "the host's /proc/self/ns/net"},
    'src/isolate/lsm.c': {'access': "the host's selinuxfs"},
    'src/isolate/mounts/prepare.c': {'*': 'a source in the host, before there is a container'},
    'src/kernel/loop.c': {'open': "the host's loop devices"},
    'src/isolate/mounts/target.c': {'sys_statx': 'of a descriptor, with AT_EMPTY_PATH'},
    'src/isolate/mounts/apply.c': {
        'openat': 'the root directory of a mount of our own, as "."',
        'readlinkat': 'of a descriptor, and of one name below one',
        'symlinkat': 'one name below a directory from kernel/resolve; links are not followed there',
    },
    'src/isolate/mounts/legacy.c': {
        'open': 'the current directory, to come back to',
        'sys_statx': 'of a descriptor, with AT_EMPTY_PATH',
    },
    'src/isolate/mounts/cgroup.c': {
        '*': 'one name in the root directory of a tmpfs of our own, O_NOFOLLOW',
    },
    'src/isolate/mounts/copy-up.c': {
        '*': 'one name below a directory descriptor, O_NOFOLLOW or AT_SYMLINK_NOFOLLOW, into a tmpfs of our own',
    },
    'src/isolate/devices/prepare.c': {'*': 'one name in a filesystem of our own, which nobody else has yet'},
    'src/isolate/devices/apply.c': {
        'openat': 'one name below a directory from kernel/resolve, O_NOFOLLOW',
        'mknodat': 'one name below a directory from kernel/resolve; links are not followed there',
        'symlinkat': 'the same',
        'unlinkat': 'the same',
        'fchownat': 'of a descriptor, with AT_EMPTY_PATH',
        'access': "the host's /proc/kcore",
    },
}
# Layers whose files never touch a root file system: the host's cgroupfs, the state directory, the
# command line. They use directory descriptors for their own reasons, which no grep can judge.
PATH_CALLS_FREE_LAYERS = {
    'cgroup': "works on the host's cgroup file systems",
    'container': 'works on the state directory and on the bundle, before the container exists',
    'cli': 'works on files that the caller named',
    'oci-spec': 'works on files that the caller named',
}

# What may wait for somebody else, but for the functions of kernel/process.h and kernel/channel.h, which take a deadline. Forms of a
# call that never wait are not meant (WAITS_NOT).
WAITS = re.compile(r'(?<![\w.>])(PROCESS_NO_DEADLINE|process_reap_blocking|poll|ppoll|select|pselect|epoll_wait|epoll_pwait|wait|wait3|wait4|waitpid|waitid'
                   r'|flock|lockf|F_SETLKW|F_OFD_SETLKW|accept|accept4|connect|recv|recvfrom|recvmsg|recvmmsg|send|sendto|sendmsg|sendmmsg|sendfile|splice'
                   r'|read|readv|sleep|usleep|pause|sigwait|sigwaitinfo|sigtimedwait|sigsuspend|sem_wait|vfork|system|popen|mnl_socket_recvfrom)\b')
WAITS_NOT = {
    'poll': lambda words: not words[-1].endswith('-1'),
    'waitid': lambda words: 'WNOHANG' in words[-1],
    'flock': lambda words: 'LOCK_NB' in words[-1] or 'LOCK_UN' in words[-1],
    'recv': lambda words: 'MSG_DONTWAIT' in words[-1],
    'recvmsg': lambda words: 'MSG_DONTWAIT' in words[-1],
    'send': lambda words: 'MSG_DONTWAIT' in words[-1],
}
# Files, and what ends each of these waits.
WAITS_ALLOWED = {
    'src/base/io.c': {'read': 'files, which are opened so that a pipe does not block; a pipe only where the caller named one ("-")'},
    'src/cgroup/oom.c': {'read': 'an eventfd that does not block'},
    'src/cgroup/pids.c': {'read': 'a file of cgroupfs'},
    'src/cgroup/tree.c': {'read': 'a file of cgroupfs'},
    'src/cgroup/v2.c': {'read': 'a file of cgroupfs'},
    'src/cgroup/systemd/program.c': {'PROCESS_NO_DEADLINE': 'knarr-systemd ends with the channel: with the runtime, at the latest'},
    'src/container/creation/converse.c': {'PROCESS_NO_DEADLINE': 'createContainer hooks without a timeout'},
    'src/container/criu/criu.c': {'send': 'criu asks and is answered in turn: there is room for one message'},
    'src/container/doctor/probe-kernel.c': {'read': 'a pipe whose other end is closed: its process is dead'},
    'src/container/foreground.c': {
        'PROCESS_NO_DEADLINE': 'in the foreground the runtime lives as long as the container',
        'read': 'a signalfd that does not block',
    },
    'src/container/state/gate.c': {'accept4': 'init waits for `start`, which is what it is for'},
    'src/container/hooks.c': {
        'PROCESS_NO_DEADLINE': 'hooks without a timeout',
        'read': 'a pipe that does not block',
    },
    'src/container/init/context.c': {'PROCESS_NO_DEADLINE': 'init ends with the channel: with the runtime, at the latest'},
    'src/container/init/root.c': {'PROCESS_NO_DEADLINE': 'the same'},
    'src/container/interrupt.c': {'read': 'a signalfd that does not block'},
    'src/container/notify.c': {
        'process_reap_blocking': 'the helper has a deadline, and no other call may be used under the filter',
        'read': 'the helper ends with the process that writes (PR_SET_PDEATHSIG)',
    },
    'src/container/readiness.c': {
        'PROCESS_NO_DEADLINE': 'whoever sets NOTIFY_SOCKET wants to wait until the container is ready, or dead',
        'connect': 'a datagram socket',
        'sendmsg': 'SO_SNDTIMEO is set',
    },
    'src/container/start.c': {'PROCESS_NO_DEADLINE': 'startContainer hooks without a timeout'},
    'src/isolate/idmap/idmap.c': {'pause': 'a process that is killed by its parent, or with it'},
    'src/isolate/mounts/copy-up.c': {'sendfile': 'between files'},
    'src/isolate/net-devices/program.c': {'PROCESS_NO_DEADLINE': 'knarr-net ends with the channel: with the runtime, at the latest'},
    'src/isolate/relay.c': {
        'poll': 'in the foreground the runtime lives as long as the container, and until its output has been taken',
        'read': 'descriptors that do not block',
    },
    'src/isolate/sources/wire.c': {'sendmsg': 'the helper asks and is answered in turn: there is room for one message'},
    'src/isolate/sources/sources.c': {'PROCESS_NO_DEADLINE': 'the helper watches init, and ends with the runtime (PR_SET_PDEATHSIG)'},
    'src/kernel/channel.c': {
        'connect': 'SO_SNDTIMEO is set',
        'sendmsg': 'with MSG_DONTWAIT, or with the SO_SNDTIMEO that channel_connect() has set',
    },
    'src/kernel/mountfd.c': {'read': 'the messages of a filesystem context, which do not block'},
    'src/kernel/netlink.c': {
        'connect': 'a netlink socket',
        'mnl_socket_recvfrom': 'SO_RCVTIMEO is set, and only the kernel can send',
    },
    'src/kernel/process.c': {
        'PROCESS_NO_DEADLINE': 'what it means',
        'waitid': 'process_reap_blocking(); all others ask with WNOHANG',
    },
    'src/kernel/program.c': {'read': 'a pipe that does not block, or that is known to have something'},
    'src/kernel/seal.c': {'sendfile': 'between files'},
}

PRINTS = re.compile(r'(?<![\w.>])(printf|vprintf|puts|putchar|perror|fputs|fputc|fwrite|fprintf|vfprintf|dprintf)\s*\(')
PRINTS_ALLOWED = {'src/isolate/seccomp/table-program.c': 'runs while knarr is built', 'src/base/log.c': 'the log', 'src/base/io.c': 'writes where its caller says'}

LEAVES = re.compile(r'(?<![\w.>])(exit|_exit|_Exit|quick_exit|abort|err|errx|verr|warn|warnx|assert)\s*\(')
LEAVES_ALLOWED = {
    'src/cli/main.c': 'main',
    'src/container/hotplug-inside.c': 'the processes that mount in a container',
    'src/container/init/init.c': "the container side's single way out",
    'src/container/doctor/probe-kernel.c': 'children that try what must not happen to the caller',
    'src/container/hooks.c': 'the child between fork and execve',
    'src/container/notify.c': 'the helper that carries the seccomp listener',
    'src/container/readiness.c': 'the process that listens for READY beside a container in the foreground',
    'src/container/checkpoint/restore-child.c': 'processes that work in other namespaces',
    'src/container/rollback.c': 'more steps than there is room for is a mistake in the code, and no container exists yet',
    'src/cli/cli.c': 'more kept pointers than there is room for is a mistake in the code',
    'src/isolate/idmap/idmap.c': 'the process that holds a user namespace open for a moment',
    'src/isolate/namespaces.c': 'the helper that joins namespaces',
    'src/kernel/program.c': 'the child between fork and execve',
    'src/isolate/sources/sources.c': 'the helper for mounts of the host',
}

# The only state of the program that outlives a call.
STATE_ALLOWED = {'log_state': 'where cli wants warnings to go: handing it through every call would hide what matters (base/log.h)'}


def strip_c(text):
    """Comments and the insides of literals become blanks; lines and columns stay."""
    def blank(match):
        found = match.group(0)
        if found[0] in '"\'':
            return found[0] + ' ' * (len(found) - 2) + found[0]
        return re.sub(r'[^\n]', ' ', found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def module_of(name):
    """A .c and its .h are one module."""
    return name.rsplit('.', 1)[0]


def place_of(module):
    """The folder of a layer that a module is in; itself, when it is in none."""
    parts = module.split('/')
    return '/'.join(parts[:2]) if len(parts) > 2 else module


class Source:
    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(TOP))
        self.text = path.read_text(encoding='utf-8')
        self.code = strip_c(self.text).split('\n')
        parts = Path(self.name).parts
        self.layer = parts[1] if parts[0] == 'src' and len(parts) > 2 else parts[0]
        self.module = module_of(self.name.removeprefix('src/'))

    def includes(self):
        """(line, form, target) of each #include; read from the text, the literals are blanked."""
        for number, line in enumerate(self.text.split('\n'), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if match:
                yield number, match.group(1), match.group(2)


def sources():
    found = []
    for folder in ('src', 'oci-spec'):
        for path in sorted((TOP / folder).rglob('*.[ch]')):
            found.append(Source(path))
    return found


def include_target(source, target):
    """The layer a quoted include names, or a complaint."""
    first = target.split('/')[0]
    if target in GENERATED:
        return source.layer, None
    if '/' not in target or first not in LAYERS:
        return None, f'"{target}" does not name its layer'
    where = TOP / target if first == 'oci-spec' else TOP / 'src' / target
    if not where.exists():
        return None, f'"{target}" does not exist'
    return first, None


def rule_arrows(files):
    for source in files:
        if source.layer not in LAYERS:
            yield f'{source.name}:1: the folder {source.layer} is not a layer'
            continue
        for line, form, target in source.includes():
            where = f'{source.name}:{line}'
            if form == '<':
                if target.startswith('knarr/') and source.layer in PUBLIC_HEADERS_NOT_FOR:
                    yield f'{where}: {source.layer} knows no configuration, yet includes <{target}>'
                continue
            layer, complaint = include_target(source, target)
            if complaint:
                yield f'{where}: {complaint}'
            elif layer not in LAYERS[source.layer]:
                yield f'{where}: {source.layer} may not include "{target}": the arrow points up'


def find_cycle(graph):
    """One cycle as a list of nodes, or None. Iterative depth-first search, three colours."""
    colour = {}
    for start in sorted(graph):
        if start in colour:
            continue
        stack = [(start, iter(sorted(graph[start])))]
        colour[start] = 'open'
        while stack:
            node, edges = stack[-1]
            follower = next(edges, None)
            if follower is None:
                colour[node] = 'done'
                stack.pop()
            elif colour.get(follower) == 'open':
                path = [entry[0] for entry in stack]
                return path[path.index(follower):] + [follower]
            elif follower not in colour:
                colour[follower] = 'open'
                stack.append((follower, iter(sorted(graph.get(follower, ())))))
    return None


def rule_cycles(files, of=lambda module: module):
    graph = {}
    for source in files:
        edges = graph.setdefault(of(source.module), set())
        for _, form, target in source.includes():
            if form == '"' and target not in GENERATED:
                edges.add(of(module_of(target)))
    for node, edges in graph.items():
        edges.discard(node)
    cycle = find_cycle(graph)
    if cycle:
        yield ' -> '.join(cycle)


def rule_paths(files):
    used = set()
    for source in files:
        if source.layer in PATH_CALLS_FREE_LAYERS or source.path.suffix != '.c':
            continue
        allowed = PATH_CALLS_ALLOWED.get(source.name, {})
        for number, line in enumerate(source.code, 1):
            for match in PATH_CALLS.finditer(line):
                call = match.group(1)
                if '*' in allowed or call in allowed:
                    used.add(source.name)
                    continue
                yield (f'{source.name}:{number}: {call}() follows a path; use kernel/resolve, or give the reason in '
                       f'{Path(__file__).name}')
    existing = {source.name for source in files}
    for name in sorted(PATH_CALLS_ALLOWED.keys() - used):
        if name in existing:
            yield f'{name}:1: is allowed path-based calls and makes none: remove it from the list'


def call_arguments(code, begin):
    """What stands between the parentheses that open at or behind `begin`, split at the commas of the outermost level."""
    at = code.index('(', begin)
    depth, words, start = 0, [], at + 1
    for end in range(at, len(code)):
        depth += {'(': 1, ')': -1}.get(code[end], 0)
        if (code[end] == ',' and depth == 1) or depth == 0:
            words.append(code[start:end].strip())
            start = end + 1
        if depth == 0:
            break
    return words


def rule_waits(files):
    """Every wait has a deadline, or an end that is told here."""
    used = set()
    for source in files:
        if source.path.suffix != '.c':
            continue
        allowed = WAITS_ALLOWED.get(source.name, {})
        code = '\n'.join(source.code)
        for match in WAITS.finditer(code):
            call = match.group(1)
            is_call = code[match.end():].lstrip()[:1] == '('
            if call.islower() and not is_call:
                continue
            # A definition or a declaration: a type stands before it.
            if call == 'process_reap_blocking' and source.name == 'src/kernel/process.c':
                continue
            if call in WAITS_NOT and WAITS_NOT[call](call_arguments(code, match.end())):
                continue
            if call in allowed:
                used.add((source.name, call))
                continue
            number = code.count('\n', 0, match.start()) + 1
            yield f'{source.name}:{number}: {call} may wait for ever; use kernel/process, or tell in {Path(__file__).name} what ends it'
    existing = {source.name for source in files}
    for name, calls in sorted(WAITS_ALLOWED.items()):
        for call in sorted(calls):
            if name in existing and (name, call) not in used:
                yield f'{name}:1: {call} is explained and not used: remove it from the list'


def rule_prints(files):
    for source in files:
        if source.layer == 'cli' or source.name in PRINTS_ALLOWED:
            continue
        for number, line in enumerate(source.code, 1):
            for match in PRINTS.finditer(line):
                yield f'{source.name}:{number}: {match.group(1)}(): only cli prints'


def rule_leaves(files):
    for source in files:
        if source.name in LEAVES_ALLOWED:
            continue
        for number, line in enumerate(source.code, 1):
            for match in LEAVES.finditer(line):
                yield f'{source.name}:{number}: {match.group(1)}(): fallible functions return'


def rule_conditionals(files):
    """An optional feature is a file of its own; #if in a function hides two programs in one."""
    for source in files:
        inside = False
        for number, line in enumerate(source.code, 1):
            if line.startswith('{'):
                inside = True
            elif line.startswith('}'):
                inside = False
            elif inside and re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', line):
                yield f'{source.name}:{number}: a conditional inside a function'


def rule_descriptors(files):
    """Every descriptor is close-on-exec from its first instruction."""
    calls = re.compile(r'(?<![\w.>])(open|openat|pipe2|socket|socketpair|accept4|dup3|memfd_create|epoll_create1'
                       r'|eventfd|signalfd|timerfd_create|inotify_init1|pipe|dup|accept|epoll_create|inotify_init)\s*\(')
    never = {'pipe', 'dup', 'accept', 'epoll_create', 'inotify_init'}
    for source in files:
        code = '\n'.join(source.code)
        for match in calls.finditer(code):
            call = match.group(1)
            number = code.count('\n', 0, match.start()) + 1
            if source.path.suffix == '.h':
                continue
            if call in never:
                yield f'{source.name}:{number}: {call}() cannot set close-on-exec'
                continue
            depth, end = 0, match.end() - 1
            while end < len(code):
                depth += {'(': 1, ')': -1}.get(code[end], 0)
                end += 1
                if depth == 0:
                    break
            arguments = code[match.end():end]
            if 'CLOEXEC' not in arguments and 'flags' not in arguments:
                yield f'{source.name}:{number}: {call}() without close-on-exec'


def rule_spdx(_files):
    tracked = subprocess.run(['git', '-C', str(TOP), 'ls-files', '--cached', '--others', '--exclude-standard'],
                             capture_output=True, text=True, check=False)
    names = tracked.stdout.split('\n') if tracked.returncode == 0 else [
        os.path.relpath(os.path.join(folder, name), TOP) for folder, _, found in os.walk(TOP) for name in found
        if '/.git' not in folder and '/build' not in folder]
    for name in sorted(filter(None, names)):
        path = TOP / name
        if path.suffix not in {'.c', '.h', '.py', '.sh'} and not name.startswith('contrib/'):
            continue
        if not path.is_file() or '/data/' in name or '/corpus/' in name:
            continue
        try:
            head = path.read_text(encoding='utf-8').split('\n')[:2]
        except UnicodeDecodeError:
            continue
        is_script = head[0].startswith('#!')
        if path.suffix not in {'.c', '.h', '.py', '.sh'} and not is_script and 'shellcheck' not in head[0]:
            continue
        if 'SPDX-License-Identifier: Apache-2.0' not in head[0] + (head[1] if len(head) > 1 else ''):
            yield f'{name}:1: the first line does not name the licence (SPDX-License-Identifier: Apache-2.0)'


DOCUMENTS = ('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'tests/vm/README.md', 'contrib/engines/README.md')
# Files of a state directory or an image, a bundle's, and what a build or a reader makes.
FILES_ELSEWHERE = {'config.json', 'intent.json', 'state.json', 'mounts.json', 'resources.json'}


def rule_documents(_files):
    """What a document calls a file of this tree, by the end of its path, is one. An absolute path is the reader's host's."""
    tree = {str(path.relative_to(TOP)) for folder in ('src', 'oci-spec', 'include', 'tests', 'contrib', 'man')
            for path in (TOP / folder).rglob('*')}
    named = re.compile(r'`([\w./-]+\.(?:c|h|S|py|md|toml|yaml|conf|txt|json))(?:::\w+)?`')
    for document in DOCUMENTS:
        place = TOP / document
        for number, line in enumerate(place.read_text(encoding='utf-8').split('\n'), 1):
            for name in named.findall(line):
                if name.startswith('/') or name in FILES_ELSEWHERE:
                    continue
                if not (TOP / name).exists() and not any(f'/{file}'.endswith(f'/{name}') for file in tree):
                    yield f'{document}:{number}: there is no {name}'
            for target in re.findall(r'\]\((?!https?:)([^)#]+)', line):
                if not (place.parent / target).exists():
                    yield f'{document}:{number}: the link leads to nothing: {target}'


def rule_state(objects):
    """No mutable state at file scope: it hides what a function depends on, and survives a clone."""
    for path in sorted(Path(objects).rglob('*.o')):
        inside = str(path.relative_to(objects))
        if not inside.startswith(('src/', 'oci-spec/')):
            continue
        table = subprocess.run(['objdump', '-t', str(path)], capture_output=True, text=True, check=True).stdout
        for line in table.split('\n'):
            match = re.match(r'^[0-9a-f]+ ([gl! ][\w! ]{6}) (\S+)\t([0-9a-f]+) (?:\.hidden )?(\S+)$', line)
            if not match or 'O' not in match.group(1):
                continue
            section, size, symbol = match.group(2), int(match.group(3), 16), match.group(4)
            if not size or not re.match(r'\.(data|bss|tdata|tbss)(\.|$)', section):
                continue
            if section.startswith(('.data.rel.ro', '.data.rel.local.ro')):
                continue
            if symbol not in STATE_ALLOWED:
                yield f'{inside}: {symbol} ({section}) is mutable and lives for ever'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--objects', metavar='BUILD_DIR', help='also look for mutable state in the object files of this build')
    options = parser.parse_args()

    files = sources()
    if not files:
        print('FAIL sources: none found')
        return 1
    rules = [
        ('include arrows point down', rule_arrows(files)),
        ('no cycles', rule_cycles(files)),
        ('no cycles between folders', rule_cycles(files, place_of)),
        ('no path-based system calls below a root file system', rule_paths(files)),
        ('every wait has an end', rule_waits(files)),
        ('only cli prints', rule_prints(files)),
        ('one way out', rule_leaves(files)),
        ('no conditionals inside functions', rule_conditionals(files)),
        ('descriptors are close-on-exec', rule_descriptors(files)),
        ('every file names its licence', rule_spdx(files)),
        ('documents name files that exist', rule_documents(files)),
    ]
    if options.objects:
        rules.append(('no mutable state at file scope', rule_state(options.objects)))
    failed = False
    for name, breaches in rules:
        breaches = list(breaches)
        for breach in breaches:
            print(f'FAIL {name}: {breach}')
        if not breaches:
            print(f'PASS {name}')
        failed |= bool(breaches)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
