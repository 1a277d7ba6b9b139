# SPDX-License-Identifier: Apache-2.0
"""The engines under test, as a user of a fresh machine has them: /run, /etc/containers and the rest are this
session's own (a private mount namespace), knarr lies in /usr/local/bin, and the files of contrib/engines lie
where their README says. So the engines run without a single option of ours."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import termios
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests/integration'))

import harness  # noqa: E402  (of the integration tests: mounts, cgroups, waiting, skipping)
from harness import Done, lacks, wait_until  # noqa: E402,F401

CONTRIB = TOP / 'contrib/engines'
IMAGE = 'localhost/busybox:1'
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = harness.CLONE_NEWNS
SECONDS = 60


def stand_before():
    """The process splits: its child goes on as the session, in a mount namespace of its own. What engines leave to
    init comes to the parent, as it comes to init on a machine; the parent ends what is left when the session ends."""
    harness.become_private()
    child = os.fork()
    if child == 0:
        harness.LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        harness.LIBC.prctl(harness.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    harness.kill_descendants()
    os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def below_parent():
    """{pid: words} of what lives below the session's parent, but for the session itself and what it runs right now."""
    found = harness.words_of(harness.below(os.getppid()) - {os.getpid()})
    return {pid: words for pid, words in found.items() if not words.endswith('(Z (zombie))')}


def call(words, stdin=b'', env=None, timeout=SECONDS, fds=(), cwd=None, preexec=None):
    """Runs a program with pipes, as scripts do: whoever keeps them open makes the test fail by its timeout."""
    environment = {**os.environ, **(env or {})}
    try:
        done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, env=environment, timeout=timeout,
                              pass_fds=fds, check=False, cwd=cwd or '/run', preexec_fn=preexec)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f'no end after {timeout} s: {words}: {late.stdout!r} {late.stderr!r}') from None
    return Done(done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace'))


class Terminal:
    """A program in a terminal of ours."""

    def __init__(self, words, rows=24, columns=80, env=None):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.text = ''
        self.process = subprocess.Popen([str(word) for word in words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        env={**os.environ, **(env or {})}, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, seconds=20.0):
        """Reads on until the pattern is in what came since the last match."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f'{pattern!r} did not come: {self.text!r}')
            try:
                chunk = os.read(self.master, 4096)
            except OSError:
                chunk = b''
            if not chunk:
                raise AssertionError(f'{pattern!r} did not come before the end: {self.text!r}')
            self.text += chunk.decode(errors='replace')

    def await_size(self, size):
        """A shell is on the other end; engines set the size some time after it has begun."""
        def asked():
            self.type('stty size\n')
            try:
                return self.expect(size, 0.7)
            except AssertionError:
                return None
        wait_until(asked, f'the size {size}')

    def end(self, seconds=20.0):
        """The exit status; reads what is still to come, for a full terminal stops its writer."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self.master, 4096).decode(errors='replace')
                except OSError:
                    pass
        return self.process.wait(0.1)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def known_to(where, wanted):
    """The program, or a skip with the words tests/suites looks for."""
    found = shutil.which(wanted) or next((path for path in where if os.path.exists(path)), None)
    if found is None:
        lacks(wanted)
    return found


def from_the_page(pattern, name=''):
    """The one command of contrib's README that the pattern is found in, for root and for the container of that name."""
    text = (CONTRIB / 'README.md').read_text()
    commands = [*re.findall(r'^    (\S.*)$', text, re.M), *re.findall(r'`(sudo [^`]*)`', text)]
    found = [command for command in commands if re.search(pattern, command)]
    assert len(found) == 1, found
    return found[0].replace('sudo ', '').replace('NAME', name)


class Client:
    """An engine's command line."""

    def __init__(self, *command):
        self.command = command

    def words(self, *arguments):
        return [*self.command, *map(str, arguments)]

    def __call__(self, *arguments, **keywords):
        return call(self.words(*arguments), **keywords)

    def ok(self, *arguments, **keywords):
        done = self(*arguments, **keywords)
        assert done.rc == 0, f'{arguments}: {done}'
        return done.out

    def run(self, *arguments, **keywords):
        """The output of a container that must succeed."""
        return self.ok('run', '--rm', *arguments, **keywords)

    def fails(self, *arguments, rc, text, **keywords):
        done = self(*arguments, **keywords)
        assert done.rc == rc, f'{arguments}: {done}'
        assert re.search(text, done.err), f'{text!r} is not in {done.err!r}'
        return done.err

    def terminal(self, *arguments, **keywords):
        return Terminal(self.words(*arguments), **keywords)


class Podman(Client):
    """podman with one runtime: the file's default (knarr), or another that is named on each call."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.is_knarr = runtime == 'knarr'
        super().__init__('podman', *([] if self.is_knarr else ['--runtime', runtime]))

    def up(self, *arguments, command=('sleep', '1000'), name='one'):
        """A container that runs in the background; returns its full id."""
        return self.ok('run', '-d', '--name', name, *arguments, IMAGE, *command).strip()

    def inspect(self, name, what):
        return self.ok('inspect', '--format', '{{' + what + '}}', name).strip()

    def pid(self, name='one'):
        return int(self.inspect(name, '.State.Pid'))

    def status(self, name='one'):
        return self.inspect(name, '.State.Status')

    def logs(self, name='one'):
        return self.ok('logs', name)

    def wait_logs(self, text, name='one'):
        wait_until(lambda: text in self.logs(name), f'{text!r} in the log of {name}')


def cgroup_directory(pid, controller):
    """Where a controller's files of a process are, in this view."""
    hierarchies, paths = harness.cgroup_hierarchies(), harness.cgroups_of(pid)
    key = '' if harness.view() == 'v2' else controller
    return Path(hierarchies[key] + paths[key])


def cgroup_value(pid, controller, v1_name, v2_name):
    return harness.controller_file(pid, controller, v1_name, v2_name).read_text().strip()


# What every engine has masked and protected in a container that is not privileged.
MASKED = ('/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/sched_debug', '/proc/scsi', '/sys/firmware')
PROTECTED = ('/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger')


def exposed(pid, *more):
    """Which of those, and of more masked ones, a container shows or lets be written."""
    found, mounts = [], {entry.target: entry.options for entry in harness.mounts_of(pid)}
    for path in filter(os.path.exists, (*MASKED, *more)):
        inside = Path(f'/proc/{pid}/root{path}')
        if path not in mounts or (list(inside.iterdir()) if inside.is_dir() else inside.open('rb').read(1)):
            found.append(path)
    return found + [path for path in PROTECTED if os.path.exists(path) and 'ro' not in mounts.get(path, ())]


NAMESPACES = ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts')


def unlike(pid, other):
    """{what: (of one, of the other)} in which two processes differ: ids, rights, limits, cgroups, namespaces, root."""
    def facts(who):
        status, root = harness.status_of(who), os.stat(f'/proc/{who}/root')
        return {**{name: status[name] for name in ('Uid', 'Gid', 'Groups', 'Umask', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs',
                                                   'Seccomp', 'Seccomp_filters')},
                **{name: Path('/proc', str(who), name).read_text() for name in ('oom_score_adj', 'cgroup')},
                **dict(line.split('  ', 1) for line in Path('/proc', str(who), 'limits').read_text().split('\n')[1:-1]),
                **{name: harness.namespace_of(who, name) for name in NAMESPACES}, 'root': (root.st_dev, root.st_ino)}
    ours, theirs = facts(pid), facts(other)
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}


def process_of(pid, words):
    """The process of these words in the cgroup of another."""
    procs = cgroup_directory(pid, 'pids') / 'cgroup.procs'
    wanted = words.replace(' ', '\0') + '\0'
    return wait_until(lambda: next((int(other) for other in procs.read_text().split() if cmdline_of(other) == wanted), None), words)


def cmdline_of(pid):
    try:
        return Path('/proc', str(pid), 'cmdline').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def a_device():
    """One that is there, that no container has by default, and that whoever may open it needs no capability for."""
    device = next((name for name in ('/dev/fuse', '/dev/net/tun', '/dev/loop-control') if os.path.exists(name)), None)
    if device is None:
        lacks('a device that no container has by default')
    number = os.stat(device).st_rdev
    return device, os.major(number), os.minor(number)


OPENED = '(: < /dev/it) 2>/dev/null; echo $?; (: > /dev/it) 2>/dev/null; echo $?'  # for reading, for writing


# In its state root, beside the containers: what it masks directories with (since 1.9), and the filters it has compiled.
CRUN_KEEPS = ('.empty-directory', '.cache')


def state_roots(top='/run'):
    """{directory: what is in it} of the runtimes' default state roots that are not empty."""
    found = {}
    for name in ('knarr', 'crun', 'runc'):
        folder = Path(top, name)
        kept = CRUN_KEEPS if name == 'crun' else ()
        entries = sorted(entry.name for entry in folder.iterdir() if entry.name not in kept) if folder.is_dir() else []
        if entries:
            found[str(folder)] = entries
    return found


def make_image_tree(path, busybox):
    """The root of the image: busybox and nothing else."""
    for folder in ('bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'var/tmp'):
        (path / folder).mkdir(parents=True, exist_ok=True)
    (path / 'tmp').chmod(0o1777)
    (path / 'var/tmp').chmod(0o1777)
    shutil.copy2(busybox, path / 'bin/busybox')
    applets = subprocess.run([busybox, '--list'], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != 'busybox':
            (path / 'bin' / applet).symlink_to('busybox')
    (path / 'etc/passwd').write_text('root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home:/bin/sh\n')
    (path / 'etc/group').write_text('root:x:0:\nworker:x:1000:\naudio:x:63:worker\n')


def make_layout(rootfs_tar, tar_path, name, config=None):
    """An OCI image layout, as one tar, of one layer that is the given tar."""
    import gzip
    import hashlib
    import io

    blobs = {}

    def blob(data, media):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {'mediaType': media, 'digest': 'sha256:' + digest, 'size': len(data)}

    plain = Path(rootfs_tar).read_bytes()
    layer = blob(gzip.compress(plain, 1, mtime=0), 'application/vnd.oci.image.layer.v1.tar+gzip')
    settings = {'Cmd': ['/bin/sh'], 'Env': ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], **(config or {})}
    machine = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, os.uname().machine)
    configuration = blob(json.dumps({
        'architecture': machine, 'os': 'linux', 'config': settings,
        'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(plain).hexdigest()]},
    }).encode(), 'application/vnd.oci.image.config.v1+json')
    manifest = blob(json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                                'config': configuration, 'layers': [layer]}).encode(), 'application/vnd.oci.image.manifest.v1+json')
    manifest['annotations'] = {'io.containerd.image.name': name}
    index = json.dumps({'schemaVersion': 2, 'manifests': [manifest]}).encode()
    with tarfile.open(tar_path, 'w') as archive:
        for path, data in [('oci-layout', b'{"imageLayoutVersion": "1.0.0"}'), ('index.json', index),
                           *((f'blobs/sha256/{digest}', data) for digest, data in blobs.items())]:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


class Daemon:
    """An engine's daemon, started for the session and ended with it."""

    def __init__(self, words, log, ready, what, env=None):
        self.log = Path(log)
        with open(self.log, 'wb') as output:
            self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env={**os.environ, **(env or {})}, cwd='/run')
        deadline = time.monotonic() + 30
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f'{what} does not start: {self.log.read_text()[-3000:]}')
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
