# SPDX-License-Identifier: Apache-2.0
"""What every folder of tests has: with $KNARR_FAILURES what fails is written to that file at once, for a machine that is
switched off when its time is up prints no summary any more."""

import os
import signal
import time

FAILURES = os.environ.get('KNARR_FAILURES')
BEGIN = time.monotonic()

# A shell's background jobs have these ignored, which every program that a test starts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_runtest_logreport(report):
    # Of a test that ran elsewhere (pytest-xdist) both processes are told; only the first one's word counts.
    if not FAILURES or not report.failed or 'PYTEST_XDIST_WORKER' in os.environ:
        return
    with open(FAILURES, 'a', encoding='utf-8') as file:
        print(f'{report.nodeid} ({report.when}, after {time.monotonic() - BEGIN:.0f} s)\n{report.longreprtext}\n', file=file)
