# SPDX-License-Identifier: Apache-2.0
"""Many containers alive at once: whether the last one costs what the first did (contrib/bench --crowd)."""

import os
import statistics
import subprocess
from pathlib import Path

EDGE = 50  # containers at either end whose times are compared
LISTS = 15


def leftovers(runtime, prefix):
    """What is there of the containers: their state and their cgroups."""
    state = [entry.name for entry in Path(runtime.root).iterdir()] if Path(runtime.root).is_dir() else []
    groups = [path for path, _, _ in os.walk('/sys/fs/cgroup') if os.path.basename(path).startswith(prefix)]
    return [name for name in state if name.startswith(prefix)], groups


def timed(timer, line):
    seconds, status, _, _ = timer(line)
    if status != 0:
        raise RuntimeError(f'{" ".join(map(str, line))} exited with {status}: {timer.words()}')
    return seconds


def measure(runtime, timer, count):
    """Times of one runtime: {what: seconds}, and what it left behind."""
    prefix = f'crowd-{os.getpid()}-{runtime.name}-'
    names = [f'{prefix}{number}' for number in range(count)]
    create, start, delete = [], [], []
    call = [runtime.path, '--root', str(runtime.root)]
    try:
        for name in names:
            create.append(timed(timer, runtime.line('create', name)))
            start.append(timed(timer, runtime.line('start', name)))
        lists = [timed(timer, [*call, 'list']) for _ in range(LISTS)]
        quiet = [timed(timer, [*call, 'list', '-q']) for _ in range(LISTS)]
        for name in names:
            delete.append(timed(timer, [*call, 'delete', '--force', name]))
        left = leftovers(runtime, prefix)
    finally:
        for name in leftovers(runtime, prefix)[0]:
            subprocess.run([*call, 'delete', '--force', name], check=False, capture_output=True)
    edge = min(EDGE, count // 2)
    return {
        f'create, first {edge}': statistics.median(create[:edge]), f'create, last {edge}': statistics.median(create[-edge:]),
        f'start, first {edge}': statistics.median(start[:edge]), f'start, last {edge}': statistics.median(start[-edge:]),
        f'list of {count}': statistics.median(lists), f'list -q of {count}': statistics.median(quiet),
        f'delete --force, {count} alive': statistics.median(delete[:edge]), 'delete --force, the last ones': statistics.median(delete[-edge:]),
    }, len(left[0]) + len(left[1])


def table(results, count):
    """results: {runtime name: (times, leftovers)}"""
    names = list(results)
    lines = [f'# {count} containers at once', '', '| milliseconds, medians | ' + ' | '.join(names) + ' |', '|---|' + '--:|' * len(names)]
    for what in next(iter(results.values()))[0]:
        lines.append(f'| {what} | ' + ' | '.join(f'{results[name][0][what] * 1e3:.2f}' for name in names) + ' |')
    lines.append('| left behind | ' + ' | '.join(str(results[name][1]) for name in names) + ' |')
    return '\n'.join(lines) + '\n'
