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
import threading
import time

sys.dont_write_bytecode = True  # into a tree that may be another user's

from analysis import suite_analyzer, suite_cppcheck, suite_tidy
from faults import suite_faults
from machine import BUILD, LOGS, TOP, tracked
from pure import suite_fuzz, suite_unit
from real import (PYTEST_ARGUMENTS, suite_bench, suite_engines_sid, suite_engines_trixie, suite_engines_v1, suite_engines_v2,
                  suite_integration_host, suite_integration_v1, suite_integration_v2, suite_security)
from order import run_in_order
from result import Result, demand, described, show_again
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


class Report:
    """What the suites found, told as they end, and counted."""

    def __init__(self, resume):
        self.lock = threading.Lock()
        self.results = {}
        self.seconds = {}
        self.done_path = BUILD / 'passed.json'
        self.done = json.loads(self.done_path.read_text()) if self.done_path.exists() else {}
        self.now = tree_hash()
        self.resume = resume

    def left(self, names):
        """Those of the suites that have to run."""
        left = []
        for name in names:
            known = self.done.get(name, {})
            if not self.resume or known.get('tree') != self.now:
                left.append(name)
                continue
            self.results[name] = Result()
            self.results[name].passed = known['passed']
            self.results[name].skipped = [('', '')] * known['skipped']
            print(heading(name), f'    {known["passed"]} passed before on exactly these files', sep='\n', flush=True)
        return left

    def run(self, name, alone):
        """Runs a suite. Its lines are told together, when it ends; one that runs alone says that it begins."""
        if alone:
            print(heading(name), flush=True)
        result = self.results[name] = Result()
        begin = time.monotonic()
        guarded(name, result, lambda: SUITES[name](result))
        demand(result)
        if not (result.passed or result.failed or result.skipped):
            result.fail(name, 'nothing ran')
        self.seconds[name] = time.monotonic() - begin
        if not result.repeats:
            self.tell(name, [] if alone else [heading(name)])
        elif alone:
            print('    some failed, and are repeated at the end', flush=True)

    def tell(self, name, lines):
        result = self.results[name]
        with self.lock:
            print(*lines, *described(result, self.seconds[name]), sep='\n', flush=True)
            self.done[name] = {'tree': None if result.failed else self.now, 'passed': result.passed, 'skipped': len(result.skipped)}
            self.done_path.write_text(json.dumps(self.done))

    def end(self):
        """Repeats what failed, tells of it, and sums up; returns the exit status."""
        for name, result in self.results.items():
            if result.repeats:
                guarded(name, result, result.repeat)
                self.tell(name, [heading(name)])
        for name, result in self.results.items():
            show_again(name, result)
        failed = sum(len(result.failed) for result in self.results.values())
        print(f'{sum(result.passed for result in self.results.values())} passed, {failed} failed, '
              f'{sum(len(result.skipped) for result in self.results.values())} skipped')
        return 1 if failed else 0


def heading(name):
    return f'==> {name}: {SUITES[name].__doc__}'


def guarded(name, result, function):
    """One broken suite must not hide the others."""
    try:
        function()
    except Exception as broken:
        result.fail(name, f'the suite itself broke: {type(broken).__name__}: {broken}')


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
    report = Report(options.resume)
    run_in_order(report.left(chosen_suites(options.suites)), report.run)
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
