# SPDX-License-Identifier: Apache-2.0
"""What the attacks share: the fixtures of the integration tests, the small programs, marks of the host.

KNARR     the program under test
RUNTIME   another runtime instead (a path or a name on the PATH), to compare; what only knarr promises
          is then skipped
KNARR_SECURITY_ROUNDS   how often a race is run (default: hundreds in all; tests/security/races sets it)
KNARR_SECURITY_SECONDS  when one race is over, however many rounds it was
KNARR_SECURITY_REPORT   a file that gets one line of JSON for each test, for tests/security/compare

A test says which recipe it is and which vulnerabilities of other runtimes it repeats:
`@pytest.mark.recipe('R8', 'CVE-2025-31133')`. The names of the tests are in SECURITY.md's table.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'integration'))

import harness  # noqa: E402

SPEC = importlib.util.spec_from_file_location('integration_fixtures', HERE.parent / 'integration/conftest.py')
FIXTURES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FIXTURES)
# Fixtures and hooks are found by their names in this module.
globals().update({name: value for name, value in vars(FIXTURES).items() if not name.startswith('__')})

ROUNDS = int(os.environ.get('KNARR_SECURITY_ROUNDS', '0'))
SECONDS = float(os.environ.get('KNARR_SECURITY_SECONDS', '0'))
REPORT = os.environ.get('KNARR_SECURITY_REPORT')
PLAYED = {}
if ROUNDS:
    FIXTURES.TEST_SECONDS = 4 * 3600


def pytest_configure(config):
    FIXTURES.pytest_configure(config)
    config.addinivalue_line('markers', 'recipe(number, *vulnerabilities): the attack that the test repeats')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not REPORT or (report.when != 'call' and report.outcome == 'passed'):
        return
    mark = item.get_closest_marker('recipe')
    words = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr or '')
    line = {'test': item.nodeid.removeprefix('tests/security/'), 'recipe': mark.args[0] if mark else '', 'vulnerabilities': list(mark.args[1:]) if mark else [],
            'outcome': report.outcome, 'words': words[-2000:], 'when': report.when}
    with open(REPORT, 'a', encoding='utf-8') as out:
        out.write(json.dumps(line) + '\n')


@pytest.fixture(autouse=True)
def promised(program, request):
    """Also the tests that call no runtime."""
    if request.node.get_closest_marker('knarr') and not harness.Runtime(program, '').is_knarr:
        pytest.skip('promised by knarr alone')


@pytest.fixture(scope='session')
def programs(base):
    """The directory of the small static programs: hunter, probe, swap."""
    folder = base / 'programs'
    folder.mkdir()
    for source in sorted((HERE / 'programs').glob('*.c')):
        subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', '-static', '-o', str(folder / source.stem), str(source)], check=True)
    return folder


class Rounds:
    """How often a race is run, and how often it was."""

    def __init__(self):
        self.begin, self.done = time.monotonic(), 0
        self.first = self.begin

    def more(self, usual):
        """Whether there is to be another one; `usual` is the number in CI."""
        if self.done == (ROUNDS or usual) or (SECONDS and time.monotonic() - self.begin > SECONDS):
            return False
        self.done += 1
        return True

    def __call__(self, usual):
        before, self.done, self.begin = self.done, 0, time.monotonic()
        while self.more(usual):
            yield self.done
        self.done += before


@pytest.fixture
def rounds(request):
    made = Rounds()
    yield made
    PLAYED[request.node.name] = (made.done, time.monotonic() - made.first)


def pytest_terminal_summary(terminalreporter):
    if ROUNDS:
        for name, (count, seconds) in PLAYED.items():
            terminalreporter.write_line(f'{name}: {count} rounds in {seconds:.0f} s')


@pytest.fixture
def victim(workdir):
    """A directory of the host that an attack aims at; nothing in it may change."""
    folder = workdir / 'victim'
    folder.mkdir()
    (folder / 'ptmx').write_text('keep')
    before = snapshot(folder)
    yield folder
    assert snapshot(folder) == before, f'the host\'s {folder} was changed: {snapshot(folder)}'


@pytest.fixture
def mark(workdir):
    """A file of the host: whoever sees it has left the container."""
    path = workdir / 'MARK'
    path.write_text('the host')
    return path


def snapshot(folder):
    found = {}
    for path in sorted(folder.rglob('*')):
        st = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ''
        found[str(path.relative_to(folder))] = (oct(st.st_mode), st.st_uid, st.st_gid, content)
    return found
