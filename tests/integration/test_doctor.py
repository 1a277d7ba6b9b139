# SPDX-License-Identifier: Apache-2.0
"""doctor: what it says of this host is true, for root and for an ordinary user."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.knarr

GRADES = {'ok', 'lack', 'fatal'}


def doctor(knarr, *words, user=None, env=None):
    switch = ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups'] if user else []
    return subprocess.run([*switch, knarr, 'doctor', *words], capture_output=True, text=True, timeout=90,
                          env=env or {'PATH': os.environ['PATH']})


def topics(result, name):
    return [finding for finding in json.loads(result.stdout)['findings'] if finding['topic'] == name]


@pytest.fixture
def binary(program):
    """Where an ordinary user can execute it."""
    path = Path('/run') / f'knarr-doctor-{os.getpid()}'
    path.write_bytes(Path(program).read_bytes())
    path.chmod(0o755)
    yield str(path)
    path.unlink()


def test_json_and_text_agree(program):
    as_json = doctor(program, '--format', 'json')
    as_text = doctor(program)
    document = json.loads(as_json.stdout)
    assert as_json.returncode == as_text.returncode == 0, as_json.stderr + as_text.stderr
    assert as_json.stderr == as_text.stderr == ''
    assert document['kernel'] == os.uname().release
    assert document['user'] == 'root' and document['rootless'] is False and document['canRun'] is True
    lines = as_text.stdout.splitlines()
    for finding in document['findings']:
        assert finding['grade'] in GRADES
        assert f'{finding["grade"]:5}  {finding["topic"]:16} {finding["text"]}' in lines
        assert ('means' in finding) == (finding['grade'] != 'ok')
        if 'mend' in finding:
            assert ' ' * 24 + 'mend: ' + finding['mend'] in lines
    lacks = sum(finding['grade'] != 'ok' for finding in document['findings'])
    assert lines[-1].startswith('Containers of root can run') and (str(lacks) in lines[-1] or not lacks)


def test_what_it_says_of_the_cgroups_is_so(program):
    stat = subprocess.run(['stat', '-fc', '%T', '/sys/fs/cgroup'], capture_output=True, text=True).stdout.strip()
    text = topics(doctor(program, '-f', 'json'), 'cgroups')[0]['text']
    assert (text == 'cgroup v2') == (stat == 'cgroup2fs')


def test_an_ordinary_user(binary):
    result = doctor(binary, '--format', 'json', user=54321)
    assert result.returncode == 0, result.stdout + result.stderr
    document = json.loads(result.stdout)
    assert document['user'] == '54321' and document['rootless'] is True
    assert {'topic': 'rootless', 'grade': 'ok', 'text': 'ordinary users can make user namespaces'} in document['findings']
    mends = [finding.get('mend') for finding in document['findings']]
    assert 'usermod --add-subuids 100000-165535 54321' in mends


def test_without_user_namespaces(binary):
    """In a user namespace of its own, where the sysctl is this test's."""
    script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" doctor --format json'
    result = subprocess.run(['unshare', '-U', '-r', 'sh', '-c', script, binary], capture_output=True, text=True, timeout=90)
    assert result.returncode == 1, result.stdout + result.stderr
    document = json.loads(result.stdout)
    assert document['canRun'] is False
    fatal = [finding for finding in document['findings'] if finding['grade'] == 'fatal']
    assert fatal == [{'topic': 'rootless', 'grade': 'fatal',
                      'text': 'no user namespace can be made without privileges (ENOSPC)',
                      'means': 'ordinary users cannot run containers',
                      'mend': 'sysctl -w user.max_user_namespaces=28633'}]


def test_in_a_chroot(binary, workdir):
    """The kernel makes no user namespaces there."""
    script = 'mount --rbind / "$1" && exec chroot "$1" "$0" doctor --format json'
    (workdir / 'root').mkdir()
    result = subprocess.run(['unshare', '-m', 'sh', '-c', script, binary, str(workdir / 'root')],
                            capture_output=True, text=True, timeout=90)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {'topic': 'rootless', 'grade': 'lack',
            'text': 'no user namespace can be made without privileges (EPERM)',
            'means': 'ordinary users cannot run containers',
            'mend': 'leave the chroot: the kernel makes none in there'} in json.loads(result.stdout)['findings']


def test_without_criu(program):
    script = 'for f in /usr/local/sbin /usr/local/bin /usr/sbin; do mount -t tmpfs none $f; done; exec "$0" doctor -f json'
    result = subprocess.run(['unshare', '-m', 'sh', '-c', script, program], capture_output=True, text=True, timeout=90)
    found = topics(result, 'checkpoint')
    assert found[0]['text'] == 'criu(8) is not there' and found[0]['mend'].endswith('criu')


def test_errors(program):
    result = doctor(program, '--format', 'xml')
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr == 'knarr: invalid value "xml" for flag --format: neither text nor json\n'
    result = doctor(program, 'ID')
    assert result.returncode == 1 and 'doctor' in result.stderr
