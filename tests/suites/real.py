# SPDX-License-Identifier: Apache-2.0
"""Suites of the real binary, with pytest, on this machine."""

import os
import sys
import xml.etree.ElementTree as ElementTree

from builds import musl_lack, release_binary, static_lack
from machine import BUILD, CACHE, JOBS, LOGS, TOP, run, tail
from result import HOST_LACKS, Result

PYTEST_ARGUMENTS = []


def junit(result, report, finished):
    """The results of a pytest run, test by test; returns the arguments that run those that failed."""
    failed = []
    if not report.exists():
        result.fail('pytest', tail(finished.stdout))
        return failed
    for case in ElementTree.parse(report).getroot().iter('testcase'):
        name = f'{case.get("classname", "").split(".")[-1]}::{case.get("name")}'
        trouble = [case.find(kind) for kind in ('failure', 'error') if case.find(kind) is not None]
        skipped = case.find('skipped')
        if trouble:
            result.fail(name, tail('\n'.join(filter(None, [entry.text for entry in trouble])), 40))
            failed.append(f'{case.get("classname", "").replace(".", "/")}.py::{case.get("name")}')
        elif skipped is not None:
            result.skip(name, skipped.get('message', ''))
        else:
            result.ok()
    if finished.returncode not in (0, 1):
        result.fail('pytest', tail(finished.stdout))
        return []
    return failed


def judge(result, report, finished, run_again):
    """The results of a pytest run; `run_again`, called with their arguments, runs those that failed when nothing else does."""
    before = len(result.failed)
    failed = junit(result, report, finished)

    def repeat():
        report.unlink()
        second = Result()
        junit(second, report, run_again(failed))
        if second.passed + len(second.failed) != len(failed):
            return {}
        still = {name for name, _ in second.failed}
        return {name: 1 for name, _ in entries if name not in still}

    entries = result.failed[before:]
    if failed and len(entries) == len(failed):
        result.repeat_later(entries, repeat)


def side_by_side():
    """Arguments and environment of a pytest that runs the tests of several files at once, where there is what that takes."""
    if run([sys.executable, '-c', 'import xdist']).returncode != 0:
        return [], {}
    turns = BUILD / 'turns'
    turns.mkdir(parents=True, exist_ok=True)
    return [f'--numprocesses={JOBS}', '--dist=loadfile'], {'KNARR_TEST_TURNS': str(turns)}


def pytest_run(result, name, command, arguments, env):
    """pytest, called by `command`, on the release binary; what failed is repeated where repeat() says so."""
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    report = LOGS / f'{name}.xml'
    report.unlink(missing_ok=True)

    def pytest(words):
        return run([*command, '-m', 'pytest', '-p', 'no:cacheprovider', '-q', '-rfE', '--tb=short', f'--junitxml={report}', *words],
                   timeout=1800, env={'KNARR': str(knarr), 'PYTHONDONTWRITEBYTECODE': '1', **env})

    finished = pytest(PYTEST_ARGUMENTS or arguments)
    (LOGS / f'{name}.log').write_text(finished.stdout)
    judge(result, report, finished, pytest)


def integration(result, view, folder='tests/integration', options=(), environment=None):
    if run([sys.executable, '-c', 'import pytest']).returncode != 0:
        result.skip('integration', HOST_LACKS + "pytest for " + sys.executable)
        return
    probe = run(['contrib/cgroup-view', view, 'true'])
    if probe.returncode == 77:
        result.skip(f'view {view}', probe.stdout)
        return
    pytest_run(result, f'{os.path.basename(folder)}-{view}', ['contrib/cgroup-view', view, sys.executable], [folder, *options],
               {'KNARR_VIEW': view, **(environment or {})})


def suite_integration_host(result):
    """the real binary, cgroups as this machine has them"""
    integration(result, 'host', 'tests/integration', *side_by_side())


def suite_integration_v2(result):
    """the real binary on a pure cgroup v2 view"""
    integration(result, 'v2', 'tests/integration', *side_by_side())


def suite_integration_v1(result):
    """the real binary on a pure cgroup v1 view"""
    integration(result, 'v1', 'tests/integration', *side_by_side())


def suite_security(result):
    """attacks on the real binary, and its structure; the races only for some rounds (tests/security/races)"""
    view = 'host' if run(['contrib/cgroup-view', 'v2', 'true']).returncode == 77 else 'v2'
    integration(result, view, 'tests/security')


def suite_engines_v2(result):
    """podman, buildah, containerd and docker on knarr, on a pure cgroup v2 view"""
    integration(result, 'v2', 'tests/engines')


def suite_engines_v1(result):
    """podman, buildah, containerd and docker on knarr, on a pure cgroup v1 view"""
    integration(result, 'v1', 'tests/engines')


def make_root(release):
    """The root of another Debian, made by the first call (tests/engines/newer); its own mounts while it is made."""
    return run(['unshare', '--mount', '--propagation', 'private', 'tests/engines/newer', release, 'true'], env={'KNARR_TEST_CACHE': str(CACHE)})


def newer_engines(result, release, view, tests):
    """tests/engines on the engines of another Debian (tests/engines/newer), without other runtimes."""
    if static_lack() and musl_lack():
        result.skip(f'engines of {release}', f'{HOST_LACKS}static libraries, and {release} may not have the dynamic ones: {static_lack()}')
        return
    inside = ['contrib/cgroup-view', view, 'tests/engines/newer', release]
    probe = run([*inside, 'true'], env={'KNARR_TEST_CACHE': str(CACHE)})
    if probe.returncode == 77:
        result.skip(f'engines of {release} in the view {view}', tail(probe.stdout, 1))
        return
    pytest_run(result, f'engines-{release}-{view}', [*inside, '/usr/bin/python3'], tests,
               {'KNARR_TEST_CACHE': str(CACHE), 'KNARR_PEERS': '', 'KNARR_VIEW': view})


def newer_engines_in_both(result, release):
    """containerd asks for a controller that v2 has not where v1 has it; podman is about to leave v1."""
    containerd = ['tests/engines/test_containerd.py', 'tests/engines/test_docker.py']
    newer_engines(result, release, 'v1', containerd)
    newer_engines(result, release, 'v2', sorted(str(path.relative_to(TOP)) for path in (TOP / 'tests/engines').glob('test_*.py')))


def suite_engines_trixie(result):
    """the engines of Debian 13 (podman 5.4, containerd 1.7) in a root of their own"""
    newer_engines_in_both(result, 'trixie')


def suite_engines_sid(result):
    """the engines of Debian's development (podman 5.8, containerd 2.1) in a root of their own"""
    newer_engines_in_both(result, 'sid')


def suite_bench(result):
    """contrib/bench --quick: the benchmark itself works"""
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    probe = run(['contrib/cgroup-view', 'v2', 'true'])
    if probe.returncode == 77:
        result.skip('bench', probe.stdout)
        return
    result.check('contrib/bench --quick', run([sys.executable, 'contrib/bench', '--quick', '--build', str(knarr.parents[2]), '--output', str(BUILD / 'bench')], timeout=600))
