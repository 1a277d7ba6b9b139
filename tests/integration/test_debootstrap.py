# SPDX-License-Identifier: Apache-2.0
"""A whole distribution as the root: an interactive shell in a terminal."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import Bundle, lacks
from test_terminal import Foreground, read_until

CACHE = Path(os.environ.get('KNARR_TEST_CACHE', Path(__file__).resolve().parents[2] / 'build-test/cache'))
SUITE = 'bookworm'


@pytest.fixture(scope='module')
def debian(base):
    """Made once and kept as a tar archive; from the distribution's mirrors."""
    archive = CACHE / f'debian-{SUITE}.tar'
    if not archive.exists():
        tool = shutil.which('mmdebstrap')
        if tool is None:
            lacks('mmdebstrap, which makes a Debian root')
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = CACHE / f'debian-{os.getpid()}.tar'
        made = subprocess.run([tool, '--quiet', '--variant=minbase', SUITE, str(partial)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=170, check=False)
        if made.returncode != 0:
            partial.unlink(missing_ok=True)
            lacks(f'a way to a Debian mirror: {made.stderr.strip().splitlines()[-1] if made.stderr.strip() else "mmdebstrap failed"}')
        partial.rename(archive)
    root = base / 'debian'
    root.mkdir()
    subprocess.run(['tar', '-C', str(root), '-xf', str(archive), '--exclude=./dev/*'], check=True)
    yield root


@pytest.fixture
def in_debian(container, bundle, debian):
    """A function like container(), with the Debian root."""
    def make(args, **process):
        process.setdefault('env', ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm', 'HOME=/root', 'PS1=prompt> '])
        one = bundle(args, **process)
        one.config['root'].update(path=str(debian), readonly=False)
        moved = Bundle(one.path, one.config)
        moved.rootfs = debian
        return container(of=moved)
    return make


def test_interactive_shell(in_debian):
    c = in_debian(['bash', '--norc', '-i'])
    with Foreground(c) as run:
        read_until(run.master, b'prompt> ')
        os.write(run.master, b'. /etc/os-release; echo "it is $ID with $(tty)"\r')
        assert b'/dev/' in read_until(run.master, b'it is debian with /dev/')
        os.write(run.master, b'sleep 100 | cat &\r')
        read_until(run.master, b'[1]')
        os.write(run.master, b'jobs\r')
        read_until(run.master, b'Running')
        os.write(run.master, b'kill %1; exit 6\r')
        assert run.process.wait(10) == 6
        assert run.is_restored()


def test_dpkg_works(in_debian):
    c = in_debian(['dpkg-query', '-W', '-f', '${Version}', 'base-files'])
    assert c.output().startswith('12')


def test_users(in_debian):
    """A program that changes its user, and a name from the image's passwd."""
    c = in_debian(['setpriv', '--reuid=1', '--regid=1', '--clear-groups', 'id', '-un'])
    for kind in ('bounding', 'effective', 'permitted'):
        c.config['process']['capabilities'][kind] = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP']
    assert c.output() == 'daemon\n'
