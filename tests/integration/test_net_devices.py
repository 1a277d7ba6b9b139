# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: interfaces of a host of our own, which is a network namespace, become the container's.

The host's real interfaces are never named here."""

import json
import os
import signal
import subprocess

import pytest
from harness import LIBC, checked, descendants, kill_descendants, lacks, namespace_of, wait_until
from test_namespaces import give_user_namespace

pytestmark = pytest.mark.knarr
CLONE_NEWNET = 0x40000000


class Network:
    """A network namespace, kept by a process in it. Two ends of a cable are in it: wire0 and wire1."""

    def __init__(self):
        self.keeper = subprocess.Popen(['unshare', '--net', 'sleep', '1000'])
        wait_until(lambda: namespace_of(self.keeper.pid, 'net') != namespace_of('self', 'net'), 'the namespace')
        self.path = f'/proc/{self.keeper.pid}/ns/net'

    def ip(self, *words):
        done = subprocess.run(['nsenter', f'--net={self.path}', 'ip', *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f'ip {words}: {done.stderr}'
        return done.stdout

    def enter(self):
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        checked(LIBC.setns(fd, CLONE_NEWNET), 'setns')

    def links(self):
        return {link['ifname']: link for link in json.loads(self.ip('-d', '-j', 'link'))}

    def addresses(self, name):
        return addresses(json.loads(self.ip('-j', 'address', 'show', name))[0])

    def routes(self):
        return sorted(self.ip('route').replace(' linkdown', '').split('\n') + self.ip('-6', 'route').split('\n'))

    def close(self):
        self.keeper.kill()
        self.keeper.wait()


def addresses(link):
    return {f'{entry["local"]}/{entry["prefixlen"]}': entry for entry in link['addr_info']}


def inside(c):
    """What `ip` shows in the container's network namespace."""
    out = subprocess.run(['nsenter', f'--net=/proc/{c.pid}/ns/net', 'ip', '-d', '-j', 'address'], capture_output=True, text=True,
                         check=True).stdout
    return {link['ifname']: link for link in json.loads(out)}


@pytest.fixture
def network(runtime):
    one = Network()
    try:
        probe = subprocess.run(['nsenter', f'--net={one.path}', 'ip', 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'wire1'],
                               capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            lacks(f'veth interfaces: {probe.stderr}')
        yield one
    finally:
        one.close()


@pytest.fixture
def moved(container, network):
    """A function: a container with the devices of the config, not made yet, and the words to make it with."""
    def make(devices, args=None):
        c = container(args)
        c.config['linux']['netDevices'] = devices
        return c
    return make


def create(c, network, *flags, **keywords):
    return c.create(*flags, preexec=network.enter, **keywords)


def refused(c, network, text):
    c.bundle.save()
    return c.runtime.fails('create', '--bundle', c.bundle.path, c.id, text=text, preexec=network.enter)


# ---- moving ---------------------------------------------------------------------------------------


def test_moved_under_its_own_name_and_up(moved, network):
    c = create(moved({'wire1': {}}), network)
    links = inside(c)
    assert set(links) == {'lo', 'wire1'}
    assert 'UP' in links['wire1']['flags'] and 'UP' in links['lo']['flags']
    assert set(network.links()) == {'lo', 'wire0'}


def test_renamed(moved, network):
    assert set(inside(create(moved({'wire1': {'name': 'eth0'}}), network))) == {'lo', 'eth0'}


def test_the_program_sees_it(moved, network):
    network.ip('address', 'add', '192.0.2.7/24', 'dev', 'wire1')
    c = moved({'wire1': {'name': 'eth0'}}, ['sh', '-c', 'cat /sys/class/net/eth0/operstate; ip -4 -o address show eth0'])
    out = c.output(preexec=network.enter)
    assert '192.0.2.7/24' in out and 'eth0' in out


def test_attributes_stay(moved, network):
    network.ip('link', 'set', 'wire1', 'address', '02:00:00:aa:bb:cc', 'mtu', '1234', 'txqueuelen', '77', 'alias', 'the blue one', 'group', '9')
    network.ip('link', 'property', 'add', 'dev', 'wire1', 'altname', 'another-name-that-is-long')
    before = network.links()['wire1']
    after = inside(create(moved({'wire1': {'name': 'eth0'}}), network))['eth0']
    for key in ('address', 'mtu', 'txqlen', 'ifalias', 'altnames', 'group', 'linkinfo', 'num_tx_queues', 'gso_max_size'):
        assert after[key] == before[key], key
    assert after['mtu'] == 1234 and after['ifalias'] == 'the blue one'


def test_permanent_global_addresses_stay(moved, network):
    """IFA_F_PERMANENT and RT_SCOPE_UNIVERSE, of any family, with all that belongs to them; others do not."""
    for words in (['192.0.2.7/24', 'broadcast', '192.0.2.255', 'label', 'wire1:a'],
                  ['192.0.2.8/24'],
                  ['198.51.100.1', 'peer', '198.51.100.2/32', 'metric', '55'],
                  ['2001:db8::7/64', 'nodad', 'noprefixroute'],
                  ['203.0.113.1/24', 'scope', 'link'],
                  ['192.0.2.99/24', 'valid_lft', '1000', 'preferred_lft', '1000'],
                  ['2001:db8::99/64', 'valid_lft', '1000', 'preferred_lft', '1000']):
        network.ip('address', 'add', *words, 'dev', 'wire1')
    after = addresses(inside(create(moved({'wire1': {'name': 'eth0'}}), network))['eth0'])
    link_local = [key for key in after if key.startswith('fe80:')]
    assert set(after) - set(link_local) == {'192.0.2.7/24', '192.0.2.8/24', '198.51.100.1/32', '2001:db8::7/64'}
    assert after['192.0.2.7/24']['broadcast'] == '192.0.2.255'
    assert after['192.0.2.7/24']['label'] == 'eth0:a' and after['192.0.2.8/24']['label'] == 'eth0'
    assert after['192.0.2.8/24']['secondary'] is True
    assert after['198.51.100.1/32']['address'] == '198.51.100.2' and after['198.51.100.1/32']['metric'] == 55
    assert after['2001:db8::7/64']['nodad'] is True and after['2001:db8::7/64']['noprefixroute'] is True


def test_template(moved, network):
    """The kernel takes the first free number; names that others ask for are not free."""
    network.ip('link', 'add', 'wire2', 'type', 'veth', 'peer', 'wire3')
    c = create(moved({'wire0': {'name': 'eth%d'}, 'wire2': {'name': 'eth0'}, 'wire3': {'name': 'eth%d'}}), network)
    assert set(inside(c)) == {'lo', 'eth0', 'eth1', 'eth2'}


def test_template_where_the_name_is_taken(moved, network):
    """In a joined namespace with an eth0, and an interface of the host that is called eth0 too."""
    network.ip('link', 'set', 'wire1', 'name', 'eth0')
    other = Network()
    try:
        other.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'far')
        c = moved({'eth0': {'name': 'eth%d'}})
        join(c, other)
        create(c, network)
        names = set(other.links())
        assert names - {'eth0'} >= {'lo', 'far'} and len(names) == 4
        assert next(iter(names - {'lo', 'far', 'eth0'})).startswith('eth')
        c.delete('--force')
    finally:
        other.close()


def join(c, other):
    for entry in c.config['linux']['namespaces']:
        if entry['type'] == 'network':
            entry['path'] = other.path


def test_names_are_swapped(moved, network):
    network.ip('link', 'set', 'wire0', 'address', '02:00:00:00:00:01')
    c = create(moved({'wire0': {'name': 'wire1'}, 'wire1': {'name': 'wire0'}}), network)
    links = inside(c)
    assert set(links) == {'lo', 'wire0', 'wire1'}
    assert links['wire1']['address'] == '02:00:00:00:00:01'


def test_joined_namespace(moved, network):
    """It has interfaces of the same index."""
    other = Network()
    try:
        other.ip('link', 'add', 'near', 'type', 'veth', 'peer', 'far')
        c = moved({'wire1': {'name': 'eth0'}})
        join(c, other)
        create(c, network)
        assert set(other.links()) == {'lo', 'near', 'far', 'eth0'}
        assert 'UP' in other.links()['eth0']['flags']
        c.delete('--force')
        # The namespace is not ours: what is in it stays (config-linux.md, "Namespace Lifecycle").
        assert set(other.links()) == {'lo', 'near', 'far', 'eth0'}
    finally:
        other.close()


def test_with_a_user_namespace(moved, network):
    network.ip('address', 'add', '192.0.2.7/24', 'dev', 'wire1')
    c = give_user_namespace(moved({'wire1': {'name': 'eth0'}}))
    create(c, network)
    links = inside(c)
    assert 'UP' in links['eth0']['flags'] and '192.0.2.7/24' in addresses(links['eth0'])


def test_it_is_there_for_hooks_and_sysctls(moved, network, workdir):
    c = moved({'wire1': {'name': 'eth0'}})
    script = f'nsenter --net=/proc/$(sed "s/.*\\"pid\\":[ ]*\\([0-9]*\\).*/\\1/")/ns/net ip -o link >{workdir}/seen'
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', script], 'env': ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']}]}
    c.config['linux']['sysctl'] = {'net.ipv4.conf.eth0.forwarding': '1'}
    create(c, network)
    assert 'eth0' in (workdir / 'seen').read_text()
    out = subprocess.run(['nsenter', f'--net=/proc/{c.pid}/ns/net', 'cat', '/proc/sys/net/ipv4/conf/eth0/forwarding'],
                         capture_output=True, text=True, check=True).stdout
    assert out == '1\n'


def test_nothing_of_ours_stays(moved, network):
    c = create(moved({'wire1': {}}), network)
    assert 'knarr-net' not in ''.join(descendants().values())
    c.start()
    c.delete('--force')


# ---- refusals -------------------------------------------------------------------------------------


def test_missing_interface(moved, network):
    refused(moved({'wire1': {}, 'nothere': {}}), network,
            r'config\.json:\d+:\d+: linux\.netDevices.*nothere.*: .*the host has no network interface nothere')
    assert set(network.links()) == {'lo', 'wire0', 'wire1'}


def test_name_is_taken(moved, network):
    refused(moved({'wire1': {'name': 'lo'}}), network, r'linux\.netDevices.*has an interface lo already')
    assert set(network.links()) == {'lo', 'wire0', 'wire1'}


def test_same_name_twice(moved, network):
    refused(moved({'wire0': {'name': 'eth0'}, 'wire1': {'name': 'eth0'}}), network,
            r'linux\.netDevices.*wire0 and wire1 cannot both be eth0 in the container')


def test_bad_template(moved, network):
    refused(moved({'wire0': {'name': 'eth%d%d'}}), network, r'eth%d%d is no template')
    refused(moved({'wire0': {'name': 'eth%s'}}), network, r'eth%s is no template')


def test_loopback_stays_where_it_is(moved, network):
    refused(moved({'lo': {'name': 'low'}}), network, r'linux\.netDevices.*move network interface lo to low.*(cannot leave|immutable)')


def test_without_a_network_namespace(moved, network):
    c = moved({'wire1': {}})
    c.config['linux']['namespaces'] = [entry for entry in c.config['linux']['namespaces'] if entry['type'] != 'network']
    refused(c, network, r'config\.json:\d+:\d+: linux\.netDevices: needs a namespace of type "network"')


def test_the_hosts_own_network_namespace(moved, network):
    c = moved({'wire1': {'name': 'eth0'}})
    c.config['mounts'] = [entry for entry in c.config['mounts'] if entry['type'] != 'sysfs']
    join(c, network)
    refused(c, network, r"linux\.netDevices: .*network namespace is the host's own")
    assert set(network.links()) == {'lo', 'wire0', 'wire1'}


# ---- the way back ---------------------------------------------------------------------------------


def furnish(network):
    """An interface with everything that a host may have on it."""
    network.ip('link', 'add', 'br0', 'type', 'bridge')
    network.ip('link', 'add', 'port', 'type', 'veth', 'peer', 'port-peer')
    network.ip('link', 'set', 'port', 'master', 'br0', 'up')
    network.ip('address', 'add', '192.0.2.7/24', 'dev', 'wire1', 'label', 'wire1:a')
    network.ip('address', 'add', '203.0.113.1/24', 'scope', 'link', 'dev', 'wire1')
    network.ip('address', 'add', '2001:db8::7/64', 'dev', 'wire1', 'nodad')
    network.ip('link', 'set', 'wire1', 'up')
    network.ip('link', 'set', 'wire0', 'up')
    network.ip('route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'wire1', 'metric', '7')
    network.ip('route', 'add', '10.0.0.0/8', 'dev', 'wire1', 'table', '77')
    network.ip('-6', 'route', 'add', '2001:db8:1::/48', 'via', '2001:db8::1', 'dev', 'wire1')


def snapshot(network):
    links = {name: (link['ifindex'], link.get('master'), 'UP' in link['flags'], link['mtu']) for name, link in network.links().items()}
    found = {key: entry.get('label') for key, entry in network.addresses('wire1').items()}
    return links, found, network.routes(), [line for line in network.ip('route', 'show', 'table', 'all').split('\n') if ' table 77' in line]


def settled(network):
    """Link-local addresses are past their duplicate address detection, so that pictures can be compared."""
    wait_until(lambda: 'tentative' not in network.ip('-6', 'address'), 'no address is tentative')
    return snapshot(network)


@pytest.mark.parametrize('spoil', ['hook', 'program', 'second device', 'sysctl'])
def test_a_later_failure_gives_all_back(moved, network, spoil):
    furnish(network)
    before = settled(network)
    c = moved({'wire1': {'name': 'eth0'}, 'port': {}})
    if spoil == 'hook':
        c.config['hooks'] = {'createRuntime': [{'path': '/bin/false'}]}
    elif spoil == 'program':
        c.config['process']['args'] = ['/no/such/program']
    elif spoil == 'sysctl':
        c.config['linux']['sysctl'] = {'net.ipv4.conf.eth0.forwarding': 'x'}
    else:
        c.config['linux']['netDevices']['lo'] = {'name': 'low'}
    refused(c, network, '.')
    assert settled(network) == before


@pytest.mark.parametrize('verb', ['create', 'run'])
def test_a_killed_runtime_gives_all_back(moved, network, workdir, verb):
    """kill -9 while a hook runs: the interfaces are the container's then, but not for good."""
    furnish(network)
    before = settled(network)
    c = moved({'wire1': {'name': 'eth0'}})
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', f'touch {workdir}/there; sleep 1000']}]}
    c.bundle.save()
    process = subprocess.Popen(c.runtime.command(verb, '--bundle', c.bundle.path, c.id), preexec_fn=network.enter,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until((workdir / 'there').exists, 'the hook')
    assert 'wire1' not in network.links()
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: 'wire1' in network.links(), 'wire1 is back')
    wait_until(lambda: settled(network) == before, 'everything is as before')
    c.runtime.ok('delete', '--force', c.id)
    kill_descendants()  # the hook, and the keeper of the namespace


def test_interrupt_at_the_terminal_gives_all_back(moved, network, workdir):
    """^C goes to the whole group, knarr-net included."""
    before = settled(network)
    c = moved({'wire1': {'name': 'eth0'}})
    c.config['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', f'touch {workdir}/there; sleep 3']}]}
    c.bundle.save()
    process = subprocess.Popen(c.runtime.command('create', '--bundle', c.bundle.path, c.id), start_new_session=True,
                               preexec_fn=network.enter, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until((workdir / 'there').exists, 'the hook')
    os.killpg(process.pid, signal.SIGINT)
    process.wait()
    if process.returncode != 0:
        wait_until(lambda: settled(network) == before, 'everything is as before')
    kill_descendants()  # the hook, and the keeper of the namespace
