# SPDX-License-Identifier: Apache-2.0
"""One bundle, one runtime, one id: what a fault is tried on, and how what it leaves behind is found.

Everything carries one prefix, so that other containers on the machine are never taken for ours. The
checks are made for thousands of rounds: a round costs some tens of milliseconds.
"""

import ctypes
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests/integration'))

import harness  # noqa: E402 (it lies beside the integration tests)

PAYLOAD = 'payload'
LIMIT_SECONDS = 30
NOT_OURS = [PAYLOAD, 'ps', 'newuidmap', 'newgidmap', 'criu']
SYS_BPF = 321
BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_QUERY = 11, 13, 15, 16
BPF_CGROUP_DEVICE = 6
CAPABILITIES = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID']

Done = namedtuple('Done', 'rc out err')
Hit = namedtuple('Hit', 'process call name what choices')


def seccomp_profile():
    return {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
            'syscalls': [{'names': ['swapon', 'reboot'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1}]}


def has_pids():
    hierarchies = harness.cgroup_hierarchies()
    if harness.view() == 'v2':
        return 'pids' in Path(hierarchies[''], 'cgroup.controllers').read_text().split()
    return 'pids' in hierarchies


def basic_config(resources):
    """What an engine asks for by default, as far as each runtime knows it."""
    flags = ['nosuid', 'noexec', 'nodev']
    config = {
        'ociVersion': '1.0.2',
        'process': {
            'user': {'uid': 0, 'gid': 0, 'additionalGids': [7]}, 'cwd': '/', 'args': [f'/bin/{PAYLOAD}', 'wait'],
            'env': ['PATH=/bin', 'ONE=1'], 'noNewPrivileges': True, 'oomScoreAdj': 10,
            'capabilities': {kind: CAPABILITIES for kind in ('bounding', 'effective', 'permitted')},
            'rlimits': [{'type': 'RLIMIT_NOFILE', 'soft': 512, 'hard': 512}]},
        'root': {'path': 'rootfs', 'readonly': True},
        'hostname': 'faults',
        'mounts': [
            {'destination': '/proc', 'type': 'proc', 'source': 'proc', 'options': flags},
            {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755', 'size=65536k']},
            {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',
             'options': ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']},
            {'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm', 'options': flags + ['mode=1777', 'size=65536k']},
            {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': flags + ['ro']},
            {'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup', 'options': flags + ['ro']},
            {'destination': '/data', 'type': 'bind', 'source': 'data', 'options': ['bind', 'ro', 'nosuid']},
        ],
        'linux': {
            'namespaces': [{'type': kind} for kind in ('pid', 'network', 'ipc', 'uts', 'mount')],
            'sysctl': {'net.ipv4.ip_forward': '1'},
            'seccomp': seccomp_profile(),
            'maskedPaths': ['/proc/kcore', '/proc/acpi'], 'readonlyPaths': ['/proc/bus', '/proc/sys'],
        },
    }
    if resources:
        # The device's number tells our program in the kernel from those of other containers.
        config['linux']['resources'] = {
            'devices': [{'allow': False, 'access': 'rwm'},
                        {'allow': True, 'type': 'c', 'major': 200 + os.getpid() % 50, 'minor': os.getpid(), 'access': 'r'}],
            **({'pids': {'limit': 64}} if has_pids() else {})}
    return config


def add_user_namespace(config, bundle):
    """And what comes with engines that use one: hooks, a cgroup namespace; and a filter that takes privileges to be installed."""
    config['linux']['namespaces'] += [{'type': 'user'}, {'type': 'cgroup'}]
    config['linux']['uidMappings'] = config['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
    config['process'].pop('oomScoreAdj')
    config['process']['noNewPrivileges'] = False
    hook = {'path': str(bundle / 'rootfs/bin' / PAYLOAD), 'args': [PAYLOAD, 'hook']}
    config['hooks'] = {kind: [hook] for kind in ('createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')}
    config['hooks']['startContainer'] = [{'path': f'/bin/{PAYLOAD}', 'args': [PAYLOAD, 'hook']}]


class Bpf:
    """The device programs in the kernel that are made of the same instructions as ours."""

    def __init__(self):
        self.tag = None

    @staticmethod
    def _call(command, attributes):
        return harness.LIBC.syscall(SYS_BPF, command, ctypes.byref(attributes), ctypes.sizeof(attributes))

    def _tag(self, number):
        """What the kernel calls a program's instructions, or None if it is gone meanwhile."""
        fd = self._call(BPF_PROG_GET_FD_BY_ID, ctypes.create_string_buffer(struct.pack('=III', number, 0, 0), 64))
        if fd < 0:
            return None
        info = ctypes.create_string_buffer(256)
        attributes = ctypes.create_string_buffer(struct.pack('=IIQ', fd, 256, ctypes.addressof(info)), 64)
        done = self._call(BPF_OBJ_GET_INFO_BY_FD, attributes)
        os.close(fd)
        return info.raw[8:16] if done == 0 else None

    def tags(self):
        found, last = [], 0
        while True:
            attributes = ctypes.create_string_buffer(struct.pack('=III', last, 0, 0), 64)
            if self._call(BPF_PROG_GET_NEXT_ID, attributes) < 0:
                return found
            last = struct.unpack_from('=I', attributes, 4)[0]
            found.append(self._tag(last))

    def learn(self, cgroup):
        """The device program of this cgroup; other containers of the moment have theirs."""
        fd = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        numbers = (ctypes.c_uint32 * 8)()
        attributes = ctypes.create_string_buffer(
            struct.pack('=IIIIQI', fd, BPF_CGROUP_DEVICE, 0, 0, ctypes.addressof(numbers), len(numbers)), 64)
        done = self._call(BPF_PROG_QUERY, attributes)
        os.close(fd)
        count = struct.unpack_from('=I', attributes, 24)[0]
        self.tag = self._tag(numbers[0]) if done == 0 and count == 1 else None

    def ours(self):
        return self.tags().count(self.tag) if self.tag else 0


def stand_in_for_criu(tools, folder):
    """In this mount namespace, before there are scenes: the program of the tests, where runtimes look for criu first."""
    folder.mkdir()
    shutil.copy2(Path(tools) / 'criu', folder / 'criu')
    harness.mount('overlay', '/usr/local/sbin', 'overlay', data=f'lowerdir={folder}:/usr/local/sbin')


class Scene:
    def __init__(self, runtime, tools, variant):
        self.runtime, self.tools, self.variant = os.path.realpath(runtime), Path(tools), variant
        self.is_knarr = os.path.basename(runtime) not in ('crun', 'runc', 'youki')
        self.folder = Path('/tmp') / f'{harness.PREFIX}-{variant}'
        self.root, self.bundle = self.folder / 'state', self.folder / 'bundle'
        self.id = f'{harness.PREFIX}-{variant}'
        self.report, self.table = self.folder / 'report', self.folder / 'errors'
        self.bpf = Bpf()
        # The distribution's crun raises RLIMIT_MEMLOCK for its eBPF, and dies where it may not.
        self._make(self.is_knarr or harness.host_has_capability('SYS_RESOURCE'))
        self.files = self.listing()
        self.out = open(self.folder / 'out', 'w+b')
        self.err = open(self.folder / 'err', 'w+b')
        self.said = open(self.folder / 'said', 'w+b')
        self.null = open(os.devnull, 'rb')
        self.mounts = Path('/proc/self/mountinfo').read_bytes()
        self.hierarchies = sorted(set(harness.cgroup_hierarchies().values()))
        self.twin = None

    def _make(self, keep_resources):
        rootfs = self.bundle / 'rootfs'
        for name in ('bin', 'proc', 'dev', 'sys', 'etc', 'tmp', 'data', 'added/tmpfs', 'added/data'):
            (rootfs / name).mkdir(parents=True)
        (self.bundle / 'data').mkdir()
        for path in (self.folder, self.bundle):
            path.chmod(0o711)
        shutil.copy2(self.tools / 'payload', rootfs / 'bin' / PAYLOAD)
        (rootfs / 'etc/passwd').write_text('root:x:0:0:root:/:/bin/sh\n')
        config = basic_config(keep_resources)
        config['mounts'][-1]['source'] = str(self.bundle / 'data')
        config['linux']['cgroupsPath'] = f'/{self.id}'
        if self.variant == 'userns':
            add_user_namespace(config, self.bundle)
        if not harness.host_has_capability('SYS_RESOURCE') and not self.is_knarr:
            config['process'].pop('rlimits')
        self.write_config('config.json', config)
        config['process']['args'] = [f'/bin/{PAYLOAD}', 'once']
        self.write_config('once.json', config)
        # runc knows no --config: bundles of their own, of the same root.
        (self.folder / 'once').mkdir(mode=0o711)
        config['root']['path'] = str(rootfs)
        (self.folder / 'once/config.json').write_text(json.dumps(config))
        (self.folder / 'mounts.json').write_text(json.dumps([
            {'destination': '/added/tmpfs', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['size=64k']},
            {'destination': '/added/data', 'type': 'bind', 'source': str(self.bundle / 'data'), 'options': ['bind', 'ro']}]))
        errors = []
        for line in (TOP / 'tests/faults/errors.table').read_text().splitlines():
            words = line.split()
            if words and not line.startswith('#'):
                errors.append(' '.join([words[0], *(str(NUMBERS[word]) for word in words[1:])]))
        self.table.write_text('\n'.join(errors) + '\n')

    def write_config(self, name, config):
        (self.bundle / name).write_text(json.dumps(config, indent=1))

    def listing(self):
        return sorted(path.name for folder in (self.bundle, self.bundle / 'rootfs', self.bundle / 'rootfs/dev', self.folder / 'once')
                      for path in folder.iterdir())

    def close(self):
        for file in (self.out, self.err, self.said, self.null):
            file.close()
        shutil.rmtree(self.folder)

    # ---- calling ----

    def command(self, *words):
        return [self.runtime, '--root', str(self.root), *map(str, words)]

    def _call(self, command, said=False, limit=LIMIT_SECONDS):
        out = self.said if said else self.out
        for file in {out, self.err}:
            file.seek(0)
            file.truncate()
        process = subprocess.Popen(command, stdin=self.null, stdout=out, stderr=self.err)
        # Not wait(limit), which sleeps and looks again: longer than most commands take.
        pidfd = os.pidfd_open(process.pid)
        late = not select.select([pidfd], [], [], limit)[0]
        os.close(pidfd)
        if late:
            process.kill()
        status = process.wait()
        rc = 'hang' if late else status
        self.err.seek(0)
        self.out.seek(0)
        return Done(rc, self.out.read().decode(errors='replace') if not said else '', self.err.read().decode(errors='replace'))

    def __call__(self, *words, said=False):
        return self._call(self.command(*words), said=said)

    def inject(self, words, *how, attach=None, said=False):
        """The command under the injector. Returns (Done of the command, Hit or None, {process: calls}, trace)."""
        options = ['--report', str(self.report), '--timeout', str(LIMIT_SECONDS)]
        for name in NOT_OURS:
            options += ['--program', name]
        if attach:
            options += ['--attach', str(attach)]
        done = self._call([str(self.tools / 'inject'), *options, *map(str, how), '--', *self.command(*words)], said=said, limit=LIMIT_SECONDS + 10)
        hit, counts, trace, rc = None, {}, [], 'no report'
        for line in self.report.read_text().splitlines():
            kind, *rest = line.split()
            if kind == 'hit':
                hit = Hit(rest[0], int(rest[1]), rest[2], rest[3], int(rest[4]))
            elif kind == 'process':
                counts[rest[0]] = int(rest[1])
            elif kind == 'call':
                trace.append((rest[0], int(rest[1]), rest[2], rest[3]))
            elif kind == 'exit' and rc != 'hang':
                rc = int(rest[0])
            elif kind == 'late':
                rc = 'hang'
        if done.rc != 0:
            rc = f'the injector failed: {done.err}'
        return done._replace(rc=rc), hit, counts, trace

    # ---- looking ----

    def state(self):
        """(status or None, pid), or a text that says what is wrong."""
        done = self('state', self.id)
        if done.rc == 0:
            try:
                state = json.loads(done.out)
                return state['status'], state['pid']
            except (ValueError, KeyError):
                return f'state printed {done.out!r}', 0
        if 'does not exist' in done.err or 'No such file' in done.err or 'not found' in done.err:
            return None, 0
        return f'state failed: {done.err.strip()!r}', 0

    def contradiction(self, status, pid):
        """What of a state is not so, as the kernel sees it, or None."""
        if status in ('created', 'running', 'paused'):
            if harness.is_zombie_or_gone(pid or 0) if pid else True:
                return f'state says {status} of process {pid}, which is dead'
            name = Path(f'/proc/{pid}/comm').read_text().strip()
            if status == 'running' and name != PAYLOAD:
                return f'state says running of {name}'
            if status == 'created' and name == PAYLOAD:
                return 'state says created, and the program runs'
        return None

    def words(self):
        """What the container's program has said, once it has said all, or what is there of it."""
        deadline = time.monotonic() + 5
        while True:
            # Not by seek: the program's offset is this one.
            text = os.pread(self.said.fileno(), 1 << 20, 0).decode(errors='replace')
            if text.endswith('end\n') or time.monotonic() > deadline:
                return text
            time.sleep(0.002)

    def cgroups(self):
        return [path for top in self.hierarchies for path in (f'{top}/{self.id}', f'{top}/system.slice/{self.id}') if os.path.isdir(path)]

    def children(self):
        harness.reap()
        with open('/proc/thread-self/children', encoding='ascii') as children:
            return children.read().split()

    def left_behind(self):
        """What is there that was not there before, as texts."""
        wrong = []
        deadline = time.monotonic() + 2
        while self.children() and time.monotonic() < deadline:
            time.sleep(0.002)
        if self.children():
            wrong.append(f'processes are left: {harness.descendants()}')
        if self.cgroups():
            wrong.append(f'cgroups are left: {self.cgroups()}')
        entries = os.listdir(self.root) if self.root.is_dir() else []
        if entries:
            inside = {entry: os.listdir(self.root / entry) for entry in entries if (self.root / entry).is_dir()}
            wrong.append(f'the state root has {entries} {inside}')
        if Path('/proc/self/mountinfo').read_bytes() != self.mounts:
            wrong.append('mounts have changed')
        if self.listing() != self.files:
            wrong.append(f'files are left: {self.listing()}')
        with open('/proc/keys', encoding='utf-8', errors='replace') as keys:
            deadline = time.monotonic() + 2
            while any(self.id in line for line in keys):
                keys.seek(0)
                if time.monotonic() > deadline:
                    wrong.append('keyrings are left')
                    break
                time.sleep(0.01)
        return wrong

    def wipe(self):
        """By hand, so that one round's failure is not the next one's."""
        harness.kill_descendants()
        for path in self.cgroups():
            for folder, _, _ in os.walk(path, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
        # Some are in the state root itself.
        known = {line.split()[0] for line in self.mounts.decode().splitlines()}
        for entry in reversed(harness.mounts_of()):
            if entry.id not in known:
                harness.umount(entry.target)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(mode=0o700)
        for path in self.bundle.iterdir():
            if path.name not in self.files:
                path.unlink()

    def learn_program(self):
        """On cgroup v2; v1 knows lists, and a container without rules for devices has none."""
        self('create', '--bundle', self.bundle, self.id, said=True)
        for path in self.cgroups():
            if os.path.exists(f'{path}/cgroup.controllers'):
                self.bpf.learn(path)
        if self.is_knarr and harness.view() == 'v2' and self.bpf.tag is None:
            raise RuntimeError('the container has no device program')
        self('delete', '--force', self.id)
        harness.reap()


def _numbers():
    import errno
    return {name: number for number, name in errno.errorcode.items()} | {'ENOTSUP': errno.ENOTSUP}


NUMBERS = _numbers()
