# SPDX-License-Identifier: Apache-2.0
"""Which suites run at the same time, and which do not.

Containers, engines and faults mostly wait: for the kernel, for a hook's time to be over, for an engine to end. What
computes (compilers, analysers, fuzzing) uses that time. It does so at the lowest priority: whoever waited goes on at once,
as if nothing ran beside it. The suites of one lane run one after another, for they look at the same machine: what one
leaves must be seen by its own test, and two of them would measure each other. Everything else is alone:

- the virtual machines, which keep all processors busy, and whose own clocks would suffer;
- the unit tests, whose limits of time are theirs, and the benchmark;
- whatever is repeated because it failed.

What takes time and no look at this machine, to have something made that a later suite needs, is prepared in a lane of its own.
"""

import functools
import os
import threading

from builds import build
from real import make_root
from virtual import make_image

LOWEST, LOW = 19, 10
# Lanes that run at once, phase by phase: (priority as of nice(1), suites)
PHASES = [
    [(0, ['security', 'integration-host', 'integration-v2', 'integration-v1', 'faults', 'engines-v2', 'engines-v1', 'engines-trixie',
          'engines-sid']),
     (LOWEST, ['layers', 'style', 'build', 'cppcheck', 'analyzer', 'tidy', 'fuzz'])],
    [(0, ['vm', 'vm-selinux', 'vm-hybrid', 'vm-v1'])],
    [(0, ['unit', 'bench'])],
]
# What suites need that can be made before their turn: it is made in the first phase. Whether that went well they ask themselves.
PREPARED = [({'engines-trixie'}, lambda: make_root('trixie')),
            ({'vm', 'vm-selinux', 'vm-hybrid', 'vm-v1'}, make_image),
            ({'unit'}, lambda: build('asan'))]


def run_lane(priority, steps, stop):
    """Calls one step after another; all that comes of it has the priority, which a thread hands on to what it starts."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(priority, os.nice(0)))
    for step in steps:
        if stop.is_set():
            return
        step()


def run_lanes(lanes):
    """Runs lanes of (priority, steps) at the same time. Whoever interrupts that waits for the steps that have begun."""
    stop = threading.Event()
    threads = [threading.Thread(target=run_lane, args=(priority, steps, stop)) for priority, steps in lanes if steps]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stop.set()


def run_in_order(chosen, run_suite):
    """Calls run_suite(name, alone) for each of the chosen; `alone` if no other suite runs meanwhile."""
    without = set(chosen) - {name for phase in PHASES for _, suites in phase for name in suites}
    if without:
        raise ValueError(f'tests/suites/order.py does not say when these run: {sorted(without)}')
    for phase in PHASES:
        lanes = [(priority, [name for name in suites if name in chosen]) for priority, suites in phase]
        alone = sum(bool(suites) for _, suites in lanes) == 1
        steps = [(priority, [functools.partial(run_suite, name, alone) for name in suites]) for priority, suites in lanes]
        if phase is PHASES[0] and any(suites for _, suites in lanes):
            steps.append((LOW, [make for users, make in PREPARED if users & set(chosen)]))
        run_lanes(steps)
