# SPDX-License-Identifier: Apache-2.0
"""Suites that need neither root nor the binary: unit tests and fuzz targets."""

import concurrent.futures
import json
import os
import re
import shutil

from builds import SANITIZER_ENV, build
from machine import BUILD, JOBS, LOGS, TOP, run, tail
from result import HOST_LACKS, Result

# A number searches for so long and from a random seed, wherever it leads; without one the search is the same each time, so
# that what a change did not break does not fail.
FUZZ_SECONDS = int(os.environ.get('KNARR_FUZZ_SECONDS', '0'))
FUZZ_RUNS = 60000
FUZZ_SECONDS_MOST = 300  # where all of them take 10


def unit_run(where, names):
    """Runs the test programs `names`, all of them when it is empty; returns a Result for each that ran, and the output."""
    report = where / 'meson-logs/testlog.json'
    report.unlink(missing_ok=True)
    finished = run(['meson', 'test', '-C', str(where), '--no-rebuild', '--suite', 'unit', '--print-errorlogs', *names],
                   timeout=1200, env=SANITIZER_ENV)
    rows = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    return {row['name'].split(' / ')[-1]: unit_outcome(row) for row in rows}, finished.stdout


def unit_outcome(row):
    """What meson's line of its log says of a test program."""
    outcome = Result()
    output = row.get('stdout', '') + row.get('stderr', '')
    counts = [tuple(map(int, found)) for found in
              re.findall(r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)', output, re.M)]
    checks = sum(c for c, _, _ in counts)
    broken = sum(f + e for _, f, e in counts)
    if not counts and row['result'] == 'OK':
        outcome.ok()  # a program of its own, not libcheck's
        return outcome
    outcome.ok(checks - broken)
    if broken or row['result'] != 'OK' or not checks:
        outcome.fail(row['name'].split(' / ')[-1], tail(output) or f'{row["result"]}, and no check was counted')
    return outcome


def suite_unit(result):
    """unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"""
    where, failure = build('asan')
    if failure is not None:
        result.fail('build', failure)
        return
    outcomes, output = unit_run(where, [])
    (LOGS / 'unit.log').write_text(output)
    if not outcomes:
        result.fail('unit', output or 'no unit test is registered')
    for outcome in outcomes.values():
        result.add(outcome)

    def repeat():
        again = unit_run(where, [name for name, _ in result.failed])[0]
        return {name: outcome.passed - outcomes[name].passed for name, outcome in again.items() if not outcome.failed}

    if outcomes:
        result.repeat_later(list(result.failed), repeat)


def suite_fuzz(result):
    """fuzz targets (libFuzzer): the corpus as plain tests, then a search of it (KNARR_FUZZ_SECONDS=60 for a longer, random one)"""
    targets = sorted(path.stem for path in (TOP / 'tests/fuzz').glob('fuzz-*.c'))
    if not targets:
        result.fail('fuzz', 'there is no fuzz target in tests/fuzz')
        return
    probe = BUILD / 'fuzz-probe'
    (BUILD / 'fuzz-probe.c').write_text('int LLVMFuzzerTestOneInput(const char *d, unsigned long n);\n'
                                        'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return (void)d, (int)n * 0; }\n')
    linked = run(['clang', '-fsanitize=fuzzer,address', '-o', str(probe), str(BUILD / 'fuzz-probe.c')])
    if linked.returncode != 0:
        result.skip('fuzz', HOST_LACKS + "clang's libFuzzer")
        return
    where, failure = build('fuzz')
    if failure is not None:
        result.fail('build', failure)
        return
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for outcome in pool.map(lambda target: fuzz_one(where, target), targets):
            result.add(outcome)


def fuzz_one(where, target):
    outcome = Result()
    program = where / 'tests/fuzz' / target
    short = target.removeprefix('fuzz-')
    corpus = next((folder for folder in (TOP / 'tests/fuzz/corpus' / short, TOP / 'tests/fuzz/corpus' / target)
                   if folder.is_dir()), None)
    seeds = sorted(path for path in corpus.rglob('*') if path.is_file()) if corpus else []
    if not program.exists():
        outcome.fail(target, 'is not in tests/fuzz/meson.build')
        return outcome
    # Most of what one seed takes is the program's beginning: all in one, and where that fails one by one.
    if seeds and run([str(program), *map(str, seeds)], timeout=60 + len(seeds), env=SANITIZER_ENV).returncode == 0:
        outcome.ok(len(seeds))
    else:
        for seed in seeds:
            outcome.check(f'{target} {seed.relative_to(TOP)}', run([str(program), str(seed)], timeout=60, env=SANITIZER_ENV))
    if not seeds:
        outcome.fail(target, f'has no corpus: tests/fuzz/corpus/{short}/')
    work = BUILD / 'fuzz-work' / short
    if not FUZZ_SECONDS:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    dictionary = TOP / f'tests/fuzz/{short}.dict'
    extent = [f'-max_total_time={FUZZ_SECONDS}'] if FUZZ_SECONDS else ['-seed=1', f'-runs={FUZZ_RUNS}', f'-max_total_time={FUZZ_SECONDS_MOST}']
    command = [str(program), *extent, '-timeout=10', '-rss_limit_mb=1024', '-verbosity=0',
               f'-artifact_prefix={LOGS}/{target}-', '-print_final_stats=1', str(work)]
    command += [f'-dict={dictionary}'] if dictionary.exists() else []
    command += [str(corpus)] if corpus else []
    outcome.check(f'{target} searching', run(command, timeout=max(FUZZ_SECONDS, FUZZ_SECONDS_MOST) + 120, env=SANITIZER_ENV))
    return outcome
