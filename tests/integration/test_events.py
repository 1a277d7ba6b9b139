# SPDX-License-Identifier: Apache-2.0
"""events: what a container uses, and the kills of its memory limit; and the words for such a death."""

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import PATIENCE, cgroup_hierarchies, cgroups_of, controller_file, lacks, need_controller, view, wait_polling, wait_until

pytestmark = pytest.mark.knarr
MIB = 1 << 20
HOG = 'dd if=/dev/zero of=/dev/null bs=100M count=1'  # a buffer of that size, filled


class Stream:
    """`events` in the background; the lines as they come."""

    def __init__(self, c, *flags):
        self.process = subprocess.Popen(c.runtime.command('events', *flags, c.id), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.buffer = b''

    def next(self, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while b'\n' not in self.buffer:
            left = deadline - time.monotonic()
            assert left > 0, f'no line within {seconds} s'
            if select.select([self.process.stdout], [], [], left)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, 'it has ended'
                self.buffer += data
        line, _, self.buffer = self.buffer.partition(b'\n')
        return json.loads(line)

    def next_of(self, kind, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            event = self.next(seconds)
            if event['type'] == kind:
                return event
        raise AssertionError(f'no {kind}')

    def end(self, seconds=PATIENCE):
        """Its end, which must come by itself: (status, the lines left, the error output)."""
        self.process.wait(seconds)
        rest, errors = self.process.stdout.read(), self.process.stderr.read()
        self.close()
        return self.process.returncode, [json.loads(line) for line in (self.buffer + rest).splitlines()], errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def stream():
    made = []

    def make(c, *flags):
        made.append(Stream(c, *flags))
        return made[-1]
    yield make
    for one in made:
        one.close()


def statistics(c):
    done = c.runtime.ok('events', '--stats', c.id)
    assert done.err == '' and done.out.count('\n') == 1 and done.out.endswith('\n')
    event = json.loads(done.out)
    assert list(event) == ['type', 'id', 'data'] and event['type'] == 'stats' and event['id'] == c.id
    return event['data']


def check_numbers(value, path='data'):
    """Whole and not negative, as Go's decoder wants them; but for averages and the one that may be -1."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_numbers(item, f'{path}.{key}')
    elif isinstance(value, list):
        for item in value:
            check_numbers(item, path)
    elif isinstance(value, (int, float)) and not path.endswith('sched_relax_domain_level') and '.avg' not in path:
        assert isinstance(value, int) and 0 <= value < 1 << 64, (path, value)


def read(c, controller, v1_name, v2_name):
    return controller_file(c.pid, controller, v1_name, v2_name).read_text()


def pairs(text):
    return {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}


def test_shape(container):
    c = container().up()
    data = statistics(c)
    assert list(data) == ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces']
    assert data['intel_rdt'] == {}
    check_numbers(data)


def test_numbers_are_the_files(container):
    """Of a container that stands still."""
    c = container(['sh', '-c', 'head -c 3000000 /dev/zero >/dev/shm/x; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo ready; sleep 1000'])
    limits = {}
    available = Path(cgroup_hierarchies()[''], 'cgroup.controllers').read_text().split() if view() == 'v2' else cgroup_hierarchies()
    if 'pids' in available:
        limits['pids'] = {'limit': 123}
    if 'memory' in available:
        limits['memory'] = {'limit': 64 * MIB}
    c.config['linux']['resources'] = limits
    c.up()
    c.wait_out('ready')
    c.runtime.ok('pause', c.id)
    data = statistics(c)
    if 'pids' in limits:
        assert data['pids'] == {'current': int(read(c, 'pids', 'pids.current', 'pids.current')), 'limit': 123}
    if view() == 'v2':
        own = Path(cgroup_hierarchies()[''] + cgroups_of(c.pid)[''])
        stat = pairs((own / 'cpu.stat').read_text())
        assert data['cpu']['usage']['total'] == stat['usage_usec'] * 1000
        assert data['cpu']['usage']['user'] == stat['user_usec'] * 1000
        assert data['cpu']['usage']['kernel'] == stat['system_usec'] * 1000
    else:
        assert data['cpu']['usage']['total'] == int(read(c, 'cpuacct', 'cpuacct.usage', ''))
        assert data['cpu']['usage']['percpu'] == [int(word) for word in read(c, 'cpuacct', 'cpuacct.usage_percpu', '').split()]
        assert data['cpuset']['cpus'] and data['cpuset']['mems']
    if 'memory' in limits:
        usage = data['memory']['usage']
        assert usage['limit'] == 64 * MIB
        # The kernel hands charges of each CPU back when it pleases; tests/unit/test-statistics.c is exact.
        assert abs(usage['usage'] - int(read(c, 'memory', 'memory.usage_in_bytes', 'memory.current'))) < MIB
        assert usage['max'] >= usage['usage']
        raw = pairs(read(c, 'memory', 'memory.stat', 'memory.stat'))
        assert set(data['memory']['raw']) == set(raw)
        cache = 'file' if view() == 'v2' else 'cache'
        assert data['memory']['cache'] == data['memory']['raw'][cache] > 2 * MIB
        if view() == 'v2' and 'swap' in data['memory'] and (own / 'memory.swap.current').exists():
            assert data['memory']['swap']['usage'] - usage['usage'] == int((own / 'memory.swap.current').read_text())
    c.runtime.ok('resume', c.id)


def test_pressure(container):
    top = cgroup_hierarchies().get('')
    c = container().up()
    own = Path(top + cgroups_of(c.pid)['']) if top else None
    if not own or not (own / 'cpu.pressure').exists():
        lacks('pressure stall information')
    c.runtime.ok('pause', c.id)
    data = statistics(c)
    total = int((own / 'cpu.pressure').read_text().split('\n')[0].split('total=')[1])
    assert data['cpu']['psi'].get('some', {}).get('total', 0) == total
    for part in ('cpu', 'memory', 'blkio'):
        assert 'psi' in data[part]
    c.runtime.ok('resume', c.id)


def test_throttling(container):
    need_controller('cpu')
    c = container(['sh', '-c', 'while :; do :; done'])
    c.config['linux']['resources'] = {'cpu': {'quota': 5000, 'period': 50000}}
    c.up()
    data = wait_until(lambda: (now := statistics(c)['cpu'].get('throttling', {})).get('throttledTime') and now, 'it is throttled')
    assert data['periods'] >= data['throttledPeriods'] > 0


def test_interfaces(container):
    """Its own network namespace has a loopback alone, which says nothing."""
    c = container().up()
    assert statistics(c)['network_interfaces'] is None
    if subprocess.run(['nsenter', '-t', str(c.pid), '-n', 'ip', 'link', 'add', 'knarrtest0', 'type', 'dummy'], capture_output=True,
                      check=False).returncode != 0:
        lacks('dummy network interfaces, or ip(8)')
    subprocess.run(['nsenter', '-t', str(c.pid), '-n', 'ip', 'link', 'set', 'knarrtest0', 'up'], check=True)
    found = statistics(c)['network_interfaces']
    assert [one['Name'] for one in found] == ['knarrtest0']
    assert list(found[0]) == ['Name', 'RxBytes', 'RxPackets', 'RxErrors', 'RxDropped', 'TxBytes', 'TxPackets', 'TxErrors', 'TxDropped']


def test_of_the_host_others_tell(container):
    c = container()
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'network']
    c.up()
    assert statistics(c)['network_interfaces'] is None


def test_states(container):
    c = container()
    c.runtime.fails('events', '--stats', c.id, text='does not exist')
    c.create()
    statistics(c)
    c.start()
    c.runtime.ok('pause', c.id)
    statistics(c)
    c.runtime.ok('resume', c.id)
    c.kill('KILL')
    c.wait_stopped()
    for flags in ((), ('--stats',)):
        c.runtime.fails('events', *flags, c.id, text=f'container with id {c.id} is not running')


@pytest.mark.parametrize('interval, text', [
    ('5', 'invalid value "5" for flag --interval: not a duration, such as 500ms or 1m30s'),
    ('', 'invalid value "" for flag --interval'),
    ('5 s', 'invalid value "5 s" for flag --interval'),
    ('99999999999h', 'invalid value "99999999999h" for flag --interval'),
    ('0', 'duration interval must be greater than 0'),
    ('-1s', 'duration interval must be greater than 0'),
])
def test_bad_intervals(container, interval, text):
    c = container().up()
    assert text in c.runtime.fails('events', f'--interval={interval}', c.id, text='')


def test_without_a_cgroup(container):
    c = container()
    c.config['linux'].pop('resources', None)
    c.bundle.save()
    c.runtime.ok('run', '--detach', '--bundle', c.bundle.path, c.id, options=['--cgroup-manager=disabled'])
    c.runtime.fails('events', '--stats', c.id, text='the container has no cgroup, which counts what it uses')


def test_stream(container, stream):
    """Again and again, and over when the container is."""
    c = container().up()
    begin = time.monotonic()
    events = stream(c, '--interval', '200ms')
    first = events.next_of('stats')
    for _ in range(5):
        assert events.next()['data']['cpu']['usage']['total'] >= first['data']['cpu']['usage']['total']
    # Six of them: not sooner, and not by the default of 5 s each.
    assert 1.0 <= time.monotonic() - begin < 25
    c.kill('KILL')
    status, left, errors = events.end()
    assert status == 0 and errors == b'' and all(event['type'] == 'stats' for event in left)


def test_deleted_meanwhile(container, stream):
    c = container().up()
    events = stream(c, '--interval', '50ms')
    events.next()
    c.delete('--force')
    status, _, errors = events.end()
    assert (status, errors) == (0, b'')


def test_long_interval_is_no_obstacle(container, stream):
    c = container().up()
    events = stream(c, '--interval', '9h')
    wait_polling(events.process.pid)
    c.kill('KILL')
    assert events.end() == (0, [], b'')


def test_nobody_reads(container, stream):
    c = container().up()
    events = stream(c, '--interval', '1h')
    wait_polling(events.process.pid)
    events.process.stdout.close()
    events.process.wait(PATIENCE)
    assert events.process.returncode == 1
    assert b'nobody reads the events any more' in events.process.stderr.read()
    events.process.stderr.close()
    events.process = subprocess.Popen(['true'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def limited(c, limit=24 * MIB):
    need_controller('memory')
    c.config['linux']['resources'] = {'memory': {'limit': limit}}
    if swap_is_on():
        c.config['linux']['resources']['memory']['swap'] = limit
    return c


def swap_is_on():
    return len(Path('/proc/swaps').read_text().splitlines()) > 1


def test_oom(container, stream):
    c = limited(container()).up()
    events = stream(c, '--interval', '1h')
    wait_polling(events.process.pid)
    for _ in range(2):
        assert c.runtime('exec', c.id, 'sh', '-c', HOG).rc != 0
        assert events.next_of('oom') == {'type': 'oom', 'id': c.id}
    assert c.status == 'running'
    c.kill('KILL')
    status, left, errors = events.end()
    assert status == 0 and errors == b'' and all(event == {'type': 'oom', 'id': c.id} for event in left)


def test_oom_of_init(container, stream):
    """The death that ends the container is told before the end."""
    c = limited(container(['sh', '-c', f'read line </tmp/go; exec {HOG}']))
    os.mkfifo(c.rootfs / 'tmp/go')
    c.up()
    events = stream(c, '--interval', '1h')
    wait_polling(events.process.pid)
    (c.rootfs / 'tmp/go').write_text('\n')
    status, left, errors = events.end()
    assert status == 0 and errors == b'' and left[:1] == [{'type': 'oom', 'id': c.id}]


def test_run_tells_why_it_ended(container):
    c = limited(container(['sh', '-c', f'exec {HOG}']))
    done = c.run()
    assert done.rc == 137 and done.err.count('\n') == 1, done
    assert f"the container's process was killed by the cgroup's memory limit of {24 * MIB} bytes" in done.err
    peak = int(done.err.split('(peak ')[1].split(')')[0]) if '(peak ' in done.err else 24 * MIB
    assert 20 * MIB < peak <= 24 * MIB


def test_other_kills_are_no_want_of_memory(container):
    c = limited(container(['sh', '-c', 'kill -9 $$'], ))
    c.config['linux']['namespaces'] = [ns for ns in c.config['linux']['namespaces'] if ns['type'] != 'pid']
    assert c.run() == (137, '', '')


def test_exec_tells_why_it_ended(container):
    c = limited(container()).up()
    done = c.runtime('exec', c.id, 'sh', '-c', f'exec {HOG}')
    assert done.rc == 137 and f"the process was killed by the cgroup's memory limit of {24 * MIB} bytes" in done.err, done
    # That was then: this one is killed by somebody else.
    assert c.runtime('exec', c.id, 'sh', '-c', 'kill -9 $$') == (137, '', '')


def test_create_tells_why_it_failed(container):
    c = limited(container(), 8192)
    c.bundle.save()
    line = c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text='')
    assert 'config.json:' in line and "linux.resources.memory.limit: init was killed by the cgroup's memory limit of 8192 bytes" in line
    assert '(a container needs about 1 MiB to start)' in line


def test_signals_end_it(container, stream):
    c = container().up()
    events = stream(c, '--interval', '1h')
    wait_polling(events.process.pid)
    events.process.send_signal(signal.SIGTERM)
    assert events.process.wait(PATIENCE) == -signal.SIGTERM
