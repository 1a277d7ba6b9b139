# SPDX-License-Identifier: Apache-2.0
"""Many containers alive at once: whether the last one costs what the first did (contrib/bench --crowd).

What the kernel itself takes for one more container grows with the number of those there are: it looks through
all processes at pivot_root, through all sysfs at one more of them, through all session keyrings for one by its
name; and memory that the first containers get was in use a moment ago, while that of the last is fresh. So the
floor (floor.c) makes containers in turn with the runtime, at either end of the crowd, which live as long as
the crowd does. What grows more than the floor is the runtime's own.
"""

import os
import random
import statistics
import subprocess
from pathlib import Path

EDGE = 50  # containers at either end whose times are compared
LISTS = 15
CGROUPS = Path('/sys/fs/cgroup')


class Floor:
    """Containers that only the kernel knows of."""

    def __init__(self, program, rootfs):
        self.program = program
        self.rootfs = rootfs
        self.live = []

    def create(self, timer, name):
        self.live.append(CGROUPS / name)
        return timed(timer, [self.program, '--create', self.rootfs, CGROUPS / name])

    def delete(self, timer):
        """The oldest."""
        return timed(timer, [self.program, '--delete', self.live.pop(0)])

    def clear(self):
        for group in self.live:
            subprocess.run([self.program, '--delete', group], check=False, capture_output=True)
        self.live.clear()


def leftovers(runtime, prefix):
    """What is there of the containers: their state and their cgroups."""
    state = [entry.name for entry in Path(runtime.root).iterdir()] if Path(runtime.root).is_dir() else []
    groups = [path for path, _, _ in os.walk(CGROUPS) if os.path.basename(path).startswith(prefix)]
    return [name for name in state if name.startswith(prefix)], groups


def timed(timer, line):
    seconds, status, _, _ = timer(line)
    if status != 0:
        raise RuntimeError(f'{" ".join(map(str, line))} exited with {status}: {timer.words()}')
    return seconds


class Crowd:
    """Times of one runtime and of the floor beside it: {what: [seconds of the runtime, of the floor or None]}"""

    def __init__(self, runtime, floor, timer, count):
        self.runtime, self.floor, self.timer, self.count = runtime, floor, timer, count
        self.edge = min(EDGE, count // 2)
        self.prefix = f'crowd-{os.getpid()}-{runtime.name}-'
        self.names = [f'{self.prefix}{number}' for number in range(count)]
        self.call = [runtime.path, '--root', str(runtime.root)]
        self.times = {}

    def in_turn(self, number, runtime_step, floor_step):
        """A step of the runtime; near the ends one of the floor, too, before it or after it."""
        near = number < self.edge or number >= self.count - self.edge
        steps = [(runtime_step, 0), (floor_step, 1)] if near else [(runtime_step, 0)]
        random.shuffle(steps)
        seconds = [None, None]
        for step, column in steps:
            seconds[column] = step()
        return seconds

    def add(self, what, pairs):
        columns = [[pair[column] for pair in pairs if pair[column] is not None] for column in (0, 1)]
        self.times[what] = [statistics.median(column) if column else None for column in columns]

    def fill(self):
        create, start = [], []
        for number, name in enumerate(self.names):
            create.append(self.in_turn(number, lambda name=name: timed(self.timer, self.runtime.line('create', name)),
                                       lambda name=name: self.floor.create(self.timer, f'{name}-floor')))
            start.append([timed(self.timer, self.runtime.line('start', name)), None])
        for what, pairs in (('create', create), ('start', start)):
            self.add(f'{what}, first {self.edge}', pairs[:self.edge])
            self.add(f'{what}, last {self.edge}', pairs[-self.edge:])

    def show(self):
        for what, line in (('list', ['list']), ('list -q', ['list', '-q'])):
            self.add(f'{what} of {self.count}', [[timed(self.timer, [*self.call, *line]), None] for _ in range(LISTS)])

    def clear(self):
        delete = [self.in_turn(number, lambda name=name: timed(self.timer, [*self.call, 'delete', '--force', name]), lambda: self.floor.delete(self.timer))
                  for number, name in enumerate(self.names)]
        self.add(f'delete --force, {self.count} alive', delete[:self.edge])
        self.add('delete --force, the last ones', delete[-self.edge:])


def measure(runtime, floor, timer, count):
    """Crowd.times, and how many states and cgroups are left behind."""
    crowd = Crowd(runtime, floor, timer, count)
    try:
        crowd.fill()
        crowd.show()
        crowd.clear()
        left = leftovers(runtime, crowd.prefix)
    finally:
        for name in leftovers(runtime, crowd.prefix)[0]:
            subprocess.run([*crowd.call, 'delete', '--force', name], check=False, capture_output=True)
        floor.clear()
    return crowd.times, len(left[0]) + len(left[1])


def growth(times, edge):
    """What the last create took more than the first: of the runtime, of the floor, of the runtime above the floor."""
    first, last = times[f'create, first {edge}'], times[f'create, last {edge}']
    runtime, floor = (last[column] - first[column] for column in (0, 1))
    return runtime, floor, runtime - floor


def table(results, count):
    """results: {runtime name: (times, leftovers)}"""
    names, edge = list(results), min(EDGE, count // 2)

    def cell(seconds):
        return '' if seconds is None else f'{seconds * 1e3:.2f}'

    lines = [f'# {count} containers at once', '', '| milliseconds, medians | ' + ' | '.join(f'{name} | floor beside it' for name in names) + ' |',
             '|---|' + '--:|--:|' * len(names)]
    for what in next(iter(results.values()))[0]:
        lines.append(f'| {what} | ' + ' | '.join(cell(seconds) for name in names for seconds in results[name][0][what]) + ' |')
    grown = {name: growth(results[name][0], edge) for name in names}
    lines.append('| create, what the last take more | ' + ' | '.join(f'{grown[name][0] * 1e3:+.2f} | {grown[name][1] * 1e3:+.2f}' for name in names) + ' |')
    lines.append('| of that above the floor: the runtime\'s own | ' + ' | '.join(f'{grown[name][2] * 1e3:+.2f} | ' for name in names) + ' |')
    lines.append('| left behind | ' + ' | '.join(f'{results[name][1]} | ' for name in names) + ' |')
    return '\n'.join(lines) + '\n'
