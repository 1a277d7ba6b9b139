# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore, as far as they go without criu. tests/vm/test_checkpoint_restore.py has the rest."""

import os
import re
import subprocess

import pytest

pytestmark = pytest.mark.knarr

NO_CRIU = 'for f in /usr/local/sbin /usr/local/bin /usr/sbin; do mount -t tmpfs none $f; done; exec "$@"'
WORDS = ('knarr: checkpoint and restore need the program criu, which is not there '
         '(install the package criu; `knarr doctor` tells what else it needs)\n')


def without_criu(runtime, *words):
    return subprocess.run(['unshare', '-m', 'sh', '-c', NO_CRIU, 'sh', *runtime.command(*words)],
                          capture_output=True, text=True, timeout=60)


def test_without_criu(container, workdir):
    c = container().up()
    done = without_criu(c.runtime, 'checkpoint', '--image-path', workdir / 'images', c.id)
    assert (done.returncode, done.stdout, done.stderr) == (1, '', WORDS)
    assert not (workdir / 'images').exists() and c.status == 'running'
    done = without_criu(c.runtime, 'restore', '--image-path', workdir, '--bundle', c.bundle.path, f'{c.id}-new')
    assert (done.returncode, done.stdout, done.stderr) == (1, '', WORDS)
    assert not (c.runtime.root / f'{c.id}-new').exists()


def test_states(container, workdir):
    c = container()
    c.runtime.fails('checkpoint', c.id, text='does not exist', cwd=workdir)
    c.create()
    c.runtime.fails('checkpoint', c.id, text=f'{c.id}: container cannot be checkpointed in created state', cwd=workdir)
    c.start().kill('KILL')
    c.wait_stopped()
    c.runtime.fails('checkpoint', c.id, text=f'{c.id}: container cannot be checkpointed in stopped state', cwd=workdir)
    assert not (workdir / 'checkpoint').exists()


@pytest.mark.parametrize(('words', 'text'), [
    (['checkpoint', '--page-server', 'here'], '--page-server here: that is not ADDRESS:PORT'),
    (['checkpoint', '--page-server', ':80'], '--page-server :80: that is not ADDRESS:PORT'),
    (['checkpoint', '--page-server', '[::1]:0'], '--page-server [::1]:0: that is not ADDRESS:PORT'),
    (['checkpoint', '--page-server', 'host:65536'], '--page-server host:65536: that is not ADDRESS:PORT'),
    (['checkpoint', '--status-fd', 'x'], '--status-fd x: that is not a descriptor'),
    (['checkpoint', '--status-fd', '77'], '--status-fd 77: Bad file descriptor (EBADF)'),
    (['checkpoint', '--empty-ns', 'ipc'], '--empty-ns ipc: only network can be empty'),
    (['restore', '--empty-ns', 'pid'], '--empty-ns pid: only network can be empty'),
    (['restore', '--bundle', ''], 'a path is empty'),
])
def test_bad_flags(container, words, text):
    c = container().up()
    c.runtime.fails(*words, c.id, text=re.escape(text))


def test_status_fd_must_be_writable(container):
    c = container().up()
    with open('/dev/null', encoding='utf-8') as null:
        c.runtime.fails('checkpoint', '--status-fd', null.fileno(), c.id, fds=[null.fileno()],
                        text=f'--status-fd {null.fileno()} cannot be written to')


def test_what_engines_ask(runtime):
    """podman looks for the command by --help, and for pod restore by this very error."""
    assert runtime('checkpoint', '--help').rc == 0
    assert runtime('restore', '--help').rc == 0
    done = runtime('restore', '--lsm-mount-context')
    assert done.rc != 0 and re.search('flag needs an argument|requires an argument', done.err), done


def test_flags_of_engines(container, workdir):
    """containerd's order and single dash, conmon's --no-new-keyring: the refusal is about the images."""
    c = container()
    c.bundle.save()
    for words in (['restore', '--image-path', workdir / 'none', '--work-path', workdir, '--parent-path', 'x', '--detach',
                   '--pid-file', workdir / 'pid', '--no-pivot', '-no-subreaper', '--bundle', c.bundle.path, c.id],
                  ['restore', '--bundle', c.bundle.path, '--pid-file', workdir / 'pid', '--no-new-keyring', '--detach',
                   '--image-path', workdir / 'none', '--work-path', workdir, '--tcp-established', '--tcp-close',
                   '--file-locks', '--lsm-profile', 'apparmor:x', '--lsm-mount-context', 'y', c.id]):
        done = c.runtime(*words)
        assert done.rc == 1
        assert 'none: No such file or directory (ENOENT)' in done.err or 'need the program criu' in done.err, done
    assert not os.path.exists(workdir / 'pid')
