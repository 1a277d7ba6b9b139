# SPDX-License-Identifier: Apache-2.0
"""What a suite says of its tests."""

from machine import IN_CI, tail

HOST_LACKS = 'host lacks '
REPEAT_MAX = 10  # more than that is no accident


class Result:
    def __init__(self):
        self.passed = 0
        self.failed = []   # (name, what is to be shown)
        self.skipped = []  # (name, reason)
        self.unsteady = []  # (name, what is to be shown): failed once, and passed alone
        self.repeats = []  # (entries of failed, what runs them again)

    def ok(self, count=1):
        self.passed += count

    def fail(self, name, detail=''):
        self.failed.append((name, detail.strip()))

    def skip(self, name, reason):
        self.skipped.append((name, ' '.join(reason.split())))

    def add(self, other):
        """What a part of this suite says of its tests."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.unsteady += other.unsteady
        self.repeats += other.repeats

    def repeat_later(self, entries, run_again):
        """In CI the few tests that failed are run once more, when no other suite runs: a slow machine must not stop a change
        that is not to blame. One that passes then is told of, as unsteady; to whoever runs the tests himself it is a failure.
        run_again() returns {name: how many tests that adds to the passed} of the entries that pass."""
        if IN_CI and 0 < len(entries) <= REPEAT_MAX:
            self.repeats.append((entries, run_again))

    def repeat(self):
        for entries, run_again in self.repeats:
            steady = run_again()
            passed = [entry for entry in entries if entry[0] in steady]
            self.failed = [entry for entry in self.failed if not any(entry is other for other in passed)]
            self.unsteady += passed
            self.passed += sum(steady[name] for name, _ in passed)
        self.repeats = []

    def check(self, name, finished):
        """One test that is one program: passed if it exited 0."""
        if finished.returncode == 0:
            self.ok()
        else:
            self.fail(name, finished.stdout)
        return finished.returncode == 0


def parse_lines(result, text, suite):
    """The protocol of the small checkers: PASS name, FAIL name: detail, SKIP name: reason."""
    seen = False
    for line in text.split('\n'):
        word, _, rest = line.partition(' ')
        name, _, detail = rest.partition(': ')
        if word == 'PASS':
            result.ok()
        elif word == 'FAIL':
            result.fail(name, detail)
        elif word == 'SKIP':
            result.skip(name, detail)
        else:
            continue
        seen = True
    if not seen:
        result.fail(suite, text)


def demand(result):
    """In CI a skip that is not the host's fault is a failure."""
    if IN_CI:
        blamed = [(name, reason) for name, reason in result.skipped if not reason.startswith(HOST_LACKS)]
        result.skipped = [entry for entry in result.skipped if entry not in blamed]
        for name, reason in blamed:
            result.fail(name, f'skipped, and that is not for want of anything on the host: {reason}')


def described(result, seconds):
    """The lines that say what a suite found."""
    lines = []
    counts = f'{result.passed} passed, {len(result.failed)} failed, {len(result.skipped)} skipped'
    lines.append(f'    {counts} ({seconds:.0f} s)')
    reasons = {}
    for test, reason in result.skipped:
        reasons.setdefault(reason, []).append(test)
    for reason, tests in reasons.items():
        lines.append(f'    skipped, {reason}: {tests[0]}' + (f' and {len(tests) - 1} more' if len(tests) > 1 else ''))
    for word, entries in (('UNSTEADY: failed, and passed when repeated:', result.unsteady), ('FAILED', result.failed)):
        for test, detail in entries:
            lines.append(f'    {word} {test}')
            lines += [f'        {line}' for line in tail(detail).split('\n')]
    return lines


def show_again(name, result):
    """At the end of a long report, where it is seen: what failed, a line each."""
    for word, entries in (('UNSTEADY', result.unsteady), ('FAILED', result.failed)):
        for test, detail in entries:
            lines = [line.strip() for line in tail(detail).split('\n') if line.strip()]
            # What an assertion of pytest says comes after its place; else the last words say most.
            said = next((line for line in lines if line.startswith('E ')), lines[-1] if lines else '')
            print(f'{word} {name}: {test}: {said[:300]}')
