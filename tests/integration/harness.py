# SPDX-License-Identifier: Apache-2.0
"""The runtime under test, bundles for it and containers of it, as objects.

Everything is made below one directory of the session and carries one name prefix, so that a leak can
be told from what other programs do on the machine at the same time.
"""

import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import pytest

PREFIX = f'kt{os.getpid()}'
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
MS_RDONLY, MS_REMOUNT = 0x1, 0x20
MNT_DETACH = 2
PR_SET_CHILD_SUBREAPER = 36
WALL = 0x40000000  # __WALL of wait(2): whatever signal a child's end is told by
CGROUP2_MAGIC = 0x63677270

CAPABILITIES = '''CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'''.split()

Done = namedtuple('Done', 'rc out err')


def checked(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f'{what}: {os.strerror(number)}')


def mount(source, target, fstype=None, flags=0, data=None):
    encode = lambda value: None if value is None else os.fsencode(value)
    checked(LIBC.mount(encode(source), encode(target), encode(fstype), ctypes.c_ulong(flags), encode(data)), f'mount {target}')


def umount(target):
    checked(LIBC.umount2(os.fsencode(target), MNT_DETACH), f'umount {target}')


@contextlib.contextmanager
def no_longer_than(seconds):
    """No test may hang: pytest has no timeout of its own."""
    def late(_number, _frame):
        raise TimeoutError(f'the test took more than {seconds} s')
    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


def become_private():
    """A mount namespace of our own, so that mountinfo changes only by what we do; and the orphans of
    the runtime become our children, as they become an engine's."""
    checked(LIBC.unshare(CLONE_NEWNS), 'unshare')
    mount(None, '/', flags=MS_REC | MS_PRIVATE)
    checked(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl')


def lacks(what):
    """Skip for want of something on the host; the words are what tests/suites looks for."""
    pytest.skip(f'host lacks {what}')


def static_busybox():
    for name in (os.environ.get('KNARR_TEST_BUSYBOX'), shutil.which('busybox')):
        if name and b'INTERP' not in subprocess.run(['readelf', '-l', name], capture_output=True, check=False).stdout:
            return name
    pytest.exit('no statically linked busybox (KNARR_TEST_BUSYBOX)', 2)


def static_program(source, program):
    """Compiles one file into a program that runs in any root."""
    if shutil.which('gcc') is None:
        lacks('gcc')
    made = subprocess.run(['gcc', '-static', '-O1', '-o', str(program), str(source)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return program


def capability_mask(*names):
    return sum(1 << CAPABILITIES.index(name.removeprefix('CAP_')) for name in names)


def host_has_capability(name):
    return bool(int(status_of('self')['CapEff'], 16) & capability_mask(name))


def status_of(pid):
    """/proc/PID/status as a dict of stripped strings."""
    with open(f'/proc/{pid}/status', encoding='utf-8') as status:
        return {key: value.strip() for key, _, value in (line.partition(':') for line in status)}


Mount = namedtuple('Mount', 'id parent device root target options optional fstype source superoptions')


def mounts_of(pid='self'):
    found = []
    with open(f'/proc/{pid}/mountinfo', encoding='utf-8') as table:
        for line in table:
            words, _, rest = line.rstrip('\n').partition(' - ')
            words = words.split(' ')
            fstype, source, superoptions = rest.split(' ', 2)
            target = words[4].encode().decode('unicode_escape')
            found.append(Mount(words[0], words[1], words[2], words[3], target, set(words[5].split(',')), words[6:],
                               fstype, source, set(superoptions.split(','))))
    return found


# What engines and sessions that another test has started beside this one mount, and knarr never does.
OTHERS_MOUNTS = re.compile(r'(/var/lib|/run)/(containers|containerd|netns|user)(/|$)')


def mount_table():
    """All mounts but those of others that come and go, and without the options of the one cgroup2 there is: while criu works
    for another test it has none."""
    table = Path('/proc/self/mountinfo').read_text()
    kept = [line for line in table.split('\n') if not (line and OTHERS_MOUNTS.match(line.split(' ')[4]))]
    return re.sub(r' - cgroup2 (\S+) \S+', r' - cgroup2 \1', '\n'.join(kept))


def mount_at(pid, target):
    """The topmost mount on a target."""
    found = [entry for entry in mounts_of(pid) if entry.target == target]
    assert found, f'nothing is mounted on {target}: {[entry.target for entry in mounts_of(pid)]}'
    return found[-1]


def namespace_of(pid, kind):
    return os.readlink(f'/proc/{pid}/ns/{kind}')


def cgroup_hierarchies():
    """{controller or '' for v2: where its hierarchy is mounted} in this view."""
    found = {}
    for entry in mounts_of():
        if entry.root != '/':
            continue
        if entry.fstype == 'cgroup2':
            found[''] = entry.target
        elif entry.fstype == 'cgroup':
            for option in entry.superoptions - {'rw', 'ro', 'xattr', 'clone_children'}:
                if not option.startswith('release_agent'):
                    found[option] = entry.target
    return found


def cgroups_of(pid):
    """{controller: path below its hierarchy} of a process."""
    found = {}
    with open(f'/proc/{pid}/cgroup', encoding='utf-8') as table:
        for line in table:
            _, controllers, path = line.rstrip('\n').split(':', 2)
            for controller in controllers.split(','):
                found[controller] = path
    return found


def view():
    """'v2', 'v1' or 'hybrid': what a program sees that looks at /sys/fs/cgroup, as engines do."""
    magic = subprocess.run(['stat', '-f', '-c', '%t', '/sys/fs/cgroup'], capture_output=True, text=True, check=True).stdout
    if int(magic, 16) == CGROUP2_MAGIC:
        return 'v2'
    return 'hybrid' if '' in cgroup_hierarchies() else 'v1'


def controller_file(pid, controller, v1_name, v2_name):
    """The path of a limit's file for a process, or a skip if the host has that controller nowhere in this view."""
    hierarchies = cgroup_hierarchies()
    if view() == 'v2':
        available = Path(hierarchies[''], 'cgroup.controllers').read_text().split()
        if controller not in available:
            lacks(f'the {controller} controller on cgroup v2')
        return Path(hierarchies[''] + cgroups_of(pid)[''], v2_name)
    if controller not in hierarchies:
        lacks(f'the {controller} controller on cgroup v1')
    return Path(hierarchies[controller] + cgroups_of(pid)[controller], v1_name)


def need_controller(controller):
    controller_file('self', controller, '', '')


# What a test waits for at most, in seconds: it comes long before on any machine, however slow, or not at all.
PATIENCE = 60.0


def wait_until(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f'not within {seconds} s: {what}')


def wait_end(process, seconds):
    """The exit status of a child, the moment it ends; Popen.wait() with a deadline looks only every twentieth of a second."""
    if process.poll() is None:
        pidfd = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            os.close(pidfd)
    return process.wait(0)


def wait_polling(pid):
    """Until a process waits in poll(2), with all that it waits for opened."""
    wait_until(lambda: 'poll' in Path(f'/proc/{pid}/wchan').read_text(), f'process {pid} waits')


def is_zombie_or_gone(pid):
    try:
        return status_of(pid)['State'].startswith(('Z', 'X'))
    except (FileNotFoundError, ProcessLookupError):
        return True


class Runtime:
    """Calls the program. stdout and stderr are files, never pipes: a container keeps them open."""

    def __init__(self, path, root):
        self.path = str(path)
        self.root = Path(root)
        self.name = os.path.basename(self.path)
        self.is_knarr = self.name not in ('crun', 'runc', 'youki')

    def command(self, *arguments, options=()):
        return [self.path, '--root', str(self.root), *map(str, options), *map(str, arguments)]

    def __call__(self, *arguments, options=(), stdin=b'', env=None, cwd=None, timeout=2 * PATIENCE, fds=(), preexec=None, stdout=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            process = subprocess.Popen(self.command(*arguments, options=options), stdin=given, stdout=stdout or out, stderr=err,
                                       env=env, cwd=cwd, pass_fds=fds, preexec_fn=preexec)
            try:
                rc = wait_end(process, timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            out.seek(0)
            err.seek(0)
            return Done(rc, out.read().decode(errors='replace'), err.read().decode(errors='replace'))

    def ok(self, *arguments, **keywords):
        done = self(*arguments, **keywords)
        assert done.rc == 0, f'{arguments}: {done}'
        return done

    def fails(self, *arguments, text, rc=1, **keywords):
        """The call fails with one line that matches; returns the line."""
        done = self(*arguments, **keywords)
        assert done.rc == rc, f'{arguments}: {done}'
        if self.is_knarr:
            assert done.err.endswith('\n') and done.err.count('\n') == 1, f'not one line: {done.err!r}'
            assert done.out == '', f'words on standard output: {done.out!r}'
        assert re.search(text, done.err), f'{text!r} is not in {done.err!r}'
        return done.err


class Bundle:
    def __init__(self, path, config):
        self.path = Path(path)
        self.config = config
        self.rootfs = self.path / 'rootfs'

    def save(self):
        (self.path / 'config.json').write_text(json.dumps(self.config, indent=2))
        return self


class Container:
    """One container of one bundle; deletes itself at the end of the test."""

    def __init__(self, runtime, bundle, name):
        self.runtime = runtime
        self.bundle = bundle
        self.id = name
        self.config = bundle.config
        self.rootfs = bundle.rootfs
        self.out = None
        self.words = ''  # of the creation, on standard error

    def _make(self, verb, *flags, **keywords):
        self.bundle.save()
        return self.runtime(verb, '--bundle', self.bundle.path, *flags, self.id, **keywords)

    def run(self, *flags, **keywords):
        """Foreground; returns Done."""
        return self._make('run', *flags, **keywords)

    def output(self, *flags, **keywords):
        """What a container printed that must succeed."""
        done = self.run(*flags, **keywords)
        assert done.rc == 0, done
        return done.out

    def create(self, *flags, **keywords):
        """Created, or the test fails. Its output can be read with read_out()."""
        self.out = self.bundle.path / 'stdout'
        with open(self.out, 'wb') as out:
            done = self._make('create', *flags, stdout=out, **keywords)
        self.words = done.err
        assert done.rc == 0, done
        return self

    def start(self):
        self.runtime.ok('start', self.id)
        return self

    def up(self, *flags, **keywords):
        return self.create(*flags, **keywords).start()

    def read_out(self):
        return self.out.read_text()

    def wait_out(self, text):
        wait_until(lambda: text in self.read_out(), f'{text!r} in the output')
        return self.read_out()

    def state(self):
        return json.loads(self.runtime.ok('state', self.id).out)

    @property
    def pid(self):
        pid = self.state()['pid']
        assert pid > 0, self.state()
        return pid

    @property
    def status(self):
        return self.state()['status']

    def kill(self, *words):
        return self.runtime.ok('kill', self.id, *words)

    def wait_stopped(self):
        wait_until(lambda: self.status == 'stopped', f'{self.id} stopped')

    def delete(self, *flags):
        return self.runtime.ok('delete', *flags, self.id)


def reap():
    """Collects the zombies we inherited."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def parents():
    """{pid: its parent's} of every process. A name may hold anything, so what counts comes after its last bracket."""
    found = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open(f'/proc/{entry}/stat', 'rb') as stat:
                    found[int(entry)] = int(stat.read().rpartition(b')')[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def childless():
    """Then nothing is below us: become_private() makes the orphans of our descendants our children."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL)
    except ChildProcessError:
        return True
    return False


def below(top):
    """Every process below one of that pid."""
    above = parents()
    mine, grown = {top}, True
    while grown:
        grown = {pid for pid, parent in above.items() if parent in mine} - mine
        mine |= grown
    return mine - {top}


def words_of(pids):
    """{pid: name and state} of those that are still there."""
    words = {}
    for pid in pids:
        try:
            status = status_of(pid)
            words[pid] = f'{status["Name"]} ({status["State"]})'
        except (FileNotFoundError, ProcessLookupError):
            continue
    return words


def descendants():
    """{pid: words} of every process below this one."""
    return {} if childless() else words_of(below(os.getpid()))


def kill_descendants():
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: (reap(), not descendants())[1], 'the processes of the test are dead')


def our_cgroups():
    """Directories with our prefix in the name, in every hierarchy."""
    found = set()
    for top in set(cgroup_hierarchies().values()):
        folders = [top]
        while folders:
            folder = folders.pop()
            below = folders_in(folder)
            found |= {f'{folder}/{name}' for name in below if PREFIX in name}
            folders += [f'{folder}/{name}' for name in below]
    return found


def folders_in(cgroup):
    """Names of the cgroups in one. Most have none, which the kernel's count of links tells without their many files."""
    try:
        if os.stat(cgroup).st_nlink == 2:
            return []
        with os.scandir(cgroup) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []  # another test's, gone


def remove_cgroups(paths):
    for path in sorted(paths, key=len, reverse=True):
        try:
            os.rmdir(path)
        except OSError:
            pass


class Invariants:
    """What must be as before when a test is over."""

    def __init__(self, roots):
        self.roots = roots
        self.mounts = mount_table()
        self.cgroups = our_cgroups()
        self.fds = len(os.listdir('/proc/self/fd'))

    def broken(self):
        wrong = []
        reap()
        try:
            wait_until(lambda: (reap(), not descendants())[1], 'no process left', PATIENCE / 2)
        except AssertionError:
            wrong.append(f'processes are left: {descendants()}')
            kill_descendants()
        left = our_cgroups() - self.cgroups
        if left:
            wrong.append(f'cgroups are left: {sorted(left)}')
            remove_cgroups(left)
        now = mount_table()
        if now != self.mounts:
            new = set(now.split('\n')) - set(self.mounts.split('\n'))
            gone = set(self.mounts.split('\n')) - set(now.split('\n'))
            wrong.append(f'mounts changed: new {sorted(new)}, gone {sorted(gone)}')
        for root in self.roots:
            entries = sorted(os.listdir(root)) if root.is_dir() else []
            if entries:
                wrong.append(f'state is left in {root}: {entries}')
                shutil.rmtree(root)
        for default in ('/run/knarr', '/run/crun', '/run/runc'):
            if os.path.isdir(default):
                entries = [entry for entry in os.listdir(default) if PREFIX in entry]
                if entries:
                    wrong.append(f'--root was ignored: {default} has {entries}')
        fds = len(os.listdir('/proc/self/fd'))
        if fds != self.fds:
            wrong.append(f'the test itself leaks descriptors: {self.fds} before, {fds} after')
        return wrong
