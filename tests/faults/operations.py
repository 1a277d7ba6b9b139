# SPDX-License-Identifier: Apache-2.0
"""The commands that faults are tried on, and what may be after each of them.

`done` is the state that success means, `failed` the states that an error may leave, `killed` those
that the death of the command itself may. None is: there is no such container. What a fault does to
another process than the command is an error of the command, or, when it comes after what the command
is for, the end of the container: `stopped`.
"""

from dataclasses import dataclass, field


@dataclass
class Operation:
    name: str
    variant: str           # of the bundle: 'plain' or 'userns'
    before: str            # None, 'created', 'running', 'paused', 'stopped'
    words: tuple           # {id}, {bundle}, {once}, {pidfile}, {mounts}, {images}
    done: str
    failed: frozenset
    killed: frozenset
    said: str = ''         # who prints what the container's program sees: 'command', or 'start' for one that is started afterwards
    attach: bool = False   # init takes part
    only_knarr: bool = False
    lines: frozenset = field(default_factory=frozenset)


def sets(*states):
    return frozenset(states)


GONE = None
CREATE = ('create', '--bundle', '{bundle}', '--pid-file', '{pidfile}', '{id}')
RUN = ('run', '--bundle', '{once}', '{id}')
ANY_BIRTH = sets(GONE, 'creating', 'created', 'stopped')

OPERATIONS = [
    Operation('create', 'plain', GONE, CREATE, 'created', sets(GONE), ANY_BIRTH, said='start'),
    Operation('create-userns', 'userns', GONE, CREATE, 'created', sets(GONE), ANY_BIRTH, said='start'),
    Operation('start', 'plain', 'created', ('start', '{id}'), 'running', sets('created', 'running', 'stopped'), sets('created', 'running'),
              said='setup', attach=True),
    # A poststart hook that cannot be run is the end of the container (runtime.md#lifecycle).
    Operation('start-userns', 'userns', 'created', ('start', '{id}'), 'running', sets('created', 'running', 'stopped', GONE),
              sets('created', 'running', 'stopped'), said='setup', attach=True),
    Operation('run', 'plain', GONE, RUN, GONE, sets(GONE), ANY_BIRTH | {'running'}, said='command'),
    Operation('run-detached', 'plain', GONE, ('run', '--detach', '--bundle', '{bundle}', '{id}'), 'running', sets(GONE),
              ANY_BIRTH | {'running'}, said='command'),
    Operation('exec', 'plain', 'running', ('exec', '{id}', '/bin/payload', 'once'), 'running', sets('running'), sets('running'),
              said='command'),
    Operation('exec-userns', 'userns', 'running', ('exec', '{id}', '/bin/payload', 'once'), 'running', sets('running'),
              sets('running'), said='command'),
    Operation('exec-detached', 'plain', 'running', ('exec', '--detach', '--pid-file', '{pidfile}', '{id}', '/bin/payload', 'once'),
              'running', sets('running'), sets('running'), said='command'),
    Operation('pause', 'plain', 'running', ('pause', '{id}'), 'paused', sets('running'), sets('running', 'paused')),
    Operation('resume', 'plain', 'paused', ('resume', '{id}'), 'running', sets('paused', 'running'), sets('running', 'paused')),
    Operation('update', 'plain', 'running', ('update', '--pids-limit', '32', '{id}'), 'running', sets('running'), sets('running')),
    Operation('mounts-add', 'plain', 'running', ('mounts', 'add', '{id}', '{mounts}'), 'running', sets('running'), sets('running'), only_knarr=True),
    Operation('mounts-add-userns', 'userns', 'running', ('mounts', 'add', '{id}', '{mounts}'), 'running', sets('running'), sets('running'),
              only_knarr=True),
    # A program of the tests stands in for criu: what it has ended does not go on.
    Operation('checkpoint', 'plain', 'running', ('checkpoint', '--image-path', '{images}', '{id}'), GONE, sets('running', 'stopped'),
              sets('running', 'stopped', GONE), only_knarr=True),
    Operation('checkpoint-running', 'userns', 'running', ('checkpoint', '--leave-running', '--manage-cgroups-mode', 'soft', '--image-path',
              '{images}', '{id}'), 'running', sets('running'), sets('running'), only_knarr=True),
    Operation('kill', 'plain', 'running', ('kill', '{id}', 'KILL'), 'stopped', sets('running'), sets('running', 'stopped')),
    Operation('delete', 'plain', 'stopped', ('delete', '{id}'), GONE, sets('stopped', GONE), sets('stopped', GONE)),
    Operation('delete-force', 'plain', 'running', ('delete', '--force', '{id}'), GONE, sets('running', 'stopped', GONE),
              sets('running', 'stopped', GONE)),
    Operation('delete-userns', 'userns', 'running', ('delete', '--force', '{id}'), GONE, sets('running', 'stopped', GONE),
              sets('running', 'stopped', GONE)),
    Operation('delete-paused', 'plain', 'paused', ('delete', '--force', '{id}'), GONE, sets('paused', 'running', 'stopped', GONE),
              sets('paused', 'running', 'stopped', GONE)),
    Operation('state', 'plain', 'running', ('state', '{id}'), 'running', sets('running'), sets('running')),
    Operation('list', 'plain', 'running', ('list',), 'running', sets('running'), sets('running')),
    Operation('ps', 'plain', 'running', ('ps', '{id}'), 'running', sets('running'), sets('running')),
]
