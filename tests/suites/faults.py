# SPDX-License-Identifier: Apache-2.0
"""The suite of tests/faults."""

import concurrent.futures
import os
import re
import sys

from builds import build, release_binary
from machine import IN_CI, LOGS, TOP, run, tail
from real import integration
from result import HOST_LACKS, REPEAT_MAX, Result

# Side by side, about as long as each other; together every operation of tests/faults/operations.py. Killing is
# another matter on cgroup v1, which has no one call for it.
FAULTS_PARTS = [('v2', ['create', 'start', 'run', 'run-detached', 'create-userns', 'start-userns']),
                ('v2', ['exec', 'exec-userns', 'exec-detached', 'pause', 'resume', 'update', 'kill', 'delete', 'delete-force', 'delete-userns',
                        'delete-paused', 'state', 'list', 'ps']),
                ('v2', ['mounts-add', 'mounts-add-userns', 'checkpoint', 'checkpoint-running']),
                ('v1', ['delete-force', 'delete-paused'])]


def operations():
    """The names of all that there are."""
    text = (TOP / 'tests/faults/operations.py').read_text(encoding='utf-8')
    return set(re.findall(r"^    Operation\('([\w-]+)'", text, re.M))


def faults_points(result, knarr, tools, view, operations):
    """One sampled run of tests/faults/run; each point that knarr survived is a test that passed."""
    words = [word for name in operations for word in ('--operation', name)]
    if IN_CI:
        words += ['--again', str(REPEAT_MAX)]
    finished = run(['contrib/cgroup-view', view, sys.executable, 'tests/faults/run', '--runtime', str(knarr), '--tools', str(tools), *words],
                   timeout=1200)
    (LOGS / f'faults-{view}-{operations[0]}.log').write_text(finished.stdout)
    if finished.returncode == 77:
        result.skip(f'view {view}', finished.stdout)
        return
    total = re.search(r'^(\d+) points, (\d+) survived', finished.stdout, re.M)
    if total is None:
        result.fail(f'tests/faults/run {view} {operations[0]}', tail(finished.stdout))
        return
    result.ok(int(total.group(2)))
    for word, entries in (('FAIL ', result.failed), ('UNSTEADY ', result.unsteady)):
        for line in finished.stdout.split('\n'):
            if line.startswith(word):
                name, _, detail = line.removeprefix(word).partition(': ')
                entries.append((name, detail))
    if finished.returncode != 0 and 'FAIL ' not in finished.stdout:
        result.fail(f'tests/faults/run {view} {operations[0]}', tail(finished.stdout))


def suite_faults(result):
    """system calls that fail, processes that are killed at them, damage, scarcity (tests/faults/run --all tries every call)"""
    knarr, failure = release_binary()
    if failure is None:
        where, failure = build('gcc')
    if failure is not None:
        result.fail('build', failure)
        return
    if os.uname().machine != 'x86_64':
        result.skip('faults', HOST_LACKS + 'x86-64, whose registers tests/faults/inject.c sets')
        return
    made = run(['ninja', '-C', str(where), 'tests/faults/inject', 'tests/faults/payload', 'tests/faults/criu'])
    if made.returncode != 0:
        result.fail('tests/faults/inject', made.stdout)
        return
    tools = where / 'tests/faults'
    left_out = operations() - {name for _, names in FAULTS_PARTS for name in names}
    if left_out:
        result.fail('every operation is in one of FAULTS_PARTS', 'not in one: ' + ' '.join(sorted(left_out)))
    else:
        result.ok()
    parts = [Result() for _ in FAULTS_PARTS]
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        for future in [pool.submit(faults_points, part, knarr, tools, view, names) for part, (view, names) in zip(parts, FAULTS_PARTS)]:
            future.result()
    for part in parts:
        result.add(part)
    tests = Result()
    integration(tests, 'host', 'tests/faults', environment={'KNARR_FAULTS_TOOLS': str(tools)})
    # Where device rules are a program, which the kernel checks for longer than a signal takes to come.
    integration(tests, 'v2', 'tests/faults/test_interrupts.py', environment={'KNARR_FAULTS_TOOLS': str(tools)})
    result.add(tests)
