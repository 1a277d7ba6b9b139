#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the suites, says what ran and what was skipped and why, and counts.

Called by contrib/test, which installs what is needed. Each suite is a function that fills a Result.
A reason to skip that begins with "host lacks" is the machine's; any other counts as a failure when
CI is set, because then something that this project promises was not tested.
"""

import argparse
import hashlib
import json
import os
import sys
import time

sys.dont_write_bytecode = True  # into a tree that may be another user's

from analysis import suite_analyzer, suite_cppcheck, suite_tidy
from faults import suite_faults
from machine import BUILD, LOGS, TOP, tracked
from pure import suite_fuzz, suite_unit
from real import (PYTEST_ARGUMENTS, suite_bench, suite_engines_sid, suite_engines_trixie, suite_engines_v1, suite_engines_v2,
                  suite_integration_host, suite_integration_v1, suite_integration_v2, suite_security)
from result import Result, demand, show, show_again
from sources import suite_build, suite_layers, suite_style
from virtual import suite_vm, suite_vm_hybrid, suite_vm_selinux, suite_vm_v1

SUITES = {
    'layers': suite_layers,
    'style': suite_style,
    'build': suite_build,
    'unit': suite_unit,
    'fuzz': suite_fuzz,
    'tidy': suite_tidy,
    'cppcheck': suite_cppcheck,
    'analyzer': suite_analyzer,
    'integration-host': suite_integration_host,
    'integration-v2': suite_integration_v2,
    'integration-v1': suite_integration_v1,
    'security': suite_security,
    'faults': suite_faults,
    'vm': suite_vm,
    'vm-selinux': suite_vm_selinux,
    'vm-hybrid': suite_vm_hybrid,
    'vm-v1': suite_vm_v1,
    'engines-v2': suite_engines_v2,
    'engines-v1': suite_engines_v1,
    'engines-trixie': suite_engines_trixie,
    'engines-sid': suite_engines_sid,
    'bench': suite_bench,
}
# Only by name: what Debian's development holds changes from day to day, and must not stop a change that is not to blame.
ON_REQUEST = ['engines-sid']
GROUPS = {
    'integration': ['integration-host', 'integration-v2', 'integration-v1'],
    'engines': ['engines-v2', 'engines-v1', 'engines-trixie'],
    'analysis': ['tidy', 'cppcheck', 'analyzer'],
}


def tree_hash():
    """What --resume compares: every file of the repository, and the tools' report of themselves."""
    digest = hashlib.sha256()
    for name in tracked('*'):
        digest.update(name.encode() + b'\0' + (TOP / name).read_bytes() + b'\0')
    return digest.hexdigest()


def chosen_suites(words):
    chosen = []
    for word in words or [name for name in SUITES if name not in ON_REQUEST]:
        for name in GROUPS.get(word, [word]):
            if name not in SUITES:
                sys.exit(f'test: there is no suite {name}; there are: {" ".join([*SUITES, *GROUPS])}')
            chosen.append(name)
    return chosen


def main():
    parser = argparse.ArgumentParser(prog='contrib/test', description=f'Runs the test suites (without arguments all of them but {" ".join(ON_REQUEST)}).',
                                     epilog='What follows -- goes to pytest: contrib/test integration-v2 -- tests/integration/test_mounts.py -k ro')
    parser.add_argument('suites', nargs='*', metavar='SUITE', help='a suite or a group: ' + ' '.join([*SUITES, *GROUPS]))
    parser.add_argument('--list', action='store_true', help='say what each suite is, and stop')
    parser.add_argument('--resume', action='store_true', help='leave out the suites that passed on exactly these files')
    words = sys.argv[1:]
    if '--' in words:
        PYTEST_ARGUMENTS.extend(words[words.index('--') + 1:])
        words = words[:words.index('--')]
    options = parser.parse_args(words)
    if options.list:
        for name, function in SUITES.items():
            print(f'{name:18}{function.__doc__}{" (only by name)" if name in ON_REQUEST else ""}')
        for name, members in GROUPS.items():
            print(f'{name:18}all of: {" ".join(members)}')
        return 0

    os.chdir(TOP)
    LOGS.mkdir(parents=True, exist_ok=True)
    done_path = BUILD / 'passed.json'
    now = tree_hash()
    done = json.loads(done_path.read_text()) if done_path.exists() else {}
    passed = failed = skipped = 0
    results = {}
    for name in chosen_suites(options.suites):
        print(f'==> {name}: {SUITES[name].__doc__}', flush=True)
        known = done.get(name, {})
        if options.resume and known.get('tree') == now:
            print(f'    {known["passed"]} passed before on exactly these files')
            passed += known['passed']
            skipped += known['skipped']
            continue
        result = results[name] = Result()
        begin = time.monotonic()
        try:
            SUITES[name](result)
        except Exception as broken:  # one broken suite must not hide the others
            result.fail(name, f'the suite itself broke: {type(broken).__name__}: {broken}')
        demand(result)
        if not (result.passed or result.failed or result.skipped):
            result.fail(name, 'nothing ran')
        show(name, result, time.monotonic() - begin)
        passed += result.passed
        failed += len(result.failed)
        skipped += len(result.skipped)
        done[name] = {'tree': None if result.failed else now, 'passed': result.passed, 'skipped': len(result.skipped)}
        done_path.write_text(json.dumps(done))
    for name, result in results.items():
        show_again(name, result)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
