"""Virtual networks: what virsh and guests see of them, what the host has while one runs, and that nothing is left after."""
import contextlib
import json
import os
import re
import signal
import subprocess

import libvirt

from harness import Failure, expect, needs, wait_for

NET = '''<network>
  <name>%(name)s</name>
  <forward mode='nat'/>
  <bridge name='%(bridge)s'/>
  <ip address='192.168.77.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.77.10' end='192.168.77.20'/></dhcp>
  </ip>
</network>'''


def run(*argv, check=True):
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise Failure('%s: %s' % (' '.join(argv), done.stderr))
    return done.stdout


def has_link(name):
    return os.path.exists('/proc/sys/net/ipv4/conf/' + name)


def rules(bridge):
    """The packet filter's rules about a bridge."""
    return [line for tool in ('iptables-save', 'ip6tables-save') for line in run(tool).splitlines()
            if re.search(r'\b%s\b' % bridge, line)]


def dnsmasq_pids(name):
    return run('pgrep', '-f', 'dnsmasq --conf-file=.*/%s.conf' % name, check=False).split()


@contextlib.contextmanager
def network(host, name='net', bridge='tbr0', xml=NET):
    """A network that is defined and started, and gone after."""
    text = xml % {'name': name, 'bridge': bridge}
    host.virsh('net-define', host.write(name + '.xml', text))
    try:
        host.virsh('net-start', name)
        yield name
    finally:
        for verb in ('net-destroy', 'net-undefine'):
            with contextlib.suppress(Failure):
                host.virsh(verb, name)


def names(host, *args):
    return sorted(host.virsh('net-list', '--name', *args).split())


def test_life_of_a_network(host):
    """a network is defined, starts with bridge, address, rules and name server, and leaves nothing behind"""
    needs('iptables-save', 'dnsmasq')
    with network(host) as name:
        expect('active', names(host), [name])
        expect('address', '192.168.77.1/24' in run('ip', '-br', 'addr', 'show', 'tbr0'), True)
        expect('masqueraded', any('MASQUERADE' in line for line in run('iptables-save').splitlines()), True)
        expect('rules', len(rules('tbr0')) >= 13, True)
        expect('dnsmasq runs', len(dnsmasq_pids(name)) > 0, True)
        expect('started twice', 'already active' in host.virsh('net-start', name, fails=True), True)
        host.virsh('net-destroy', name)
        expect('bridge is gone', has_link('tbr0'), False)
        expect('rules are gone', rules('tbr0'), [])
        wait_for('dnsmasq ends', lambda: not dnsmasq_pids(name))
        expect('inactive', names(host, '--inactive'), [name])
        host.virsh('net-undefine', name)
        expect('gone', names(host, '--all'), [])
        expect('files', [f for f in os.listdir('/var/lib/libvirt/dnsmasq') if 'net' in f or 'tbr0' in f], [])


def test_changes_of_a_running_network(host):
    """net-update reaches dnsmasq's files and both definitions, as it is told"""
    needs('dnsmasq')
    with network(host) as name:
        host.virsh('net-update', name, 'add', 'ip-dhcp-host', "<host mac='52:54:00:00:00:05' ip='192.168.77.5'/>", '--live')
        hosts = open('/var/lib/libvirt/dnsmasq/%s.hostsfile' % name).read()
        expect('hosts', hosts, '52:54:00:00:00:05,192.168.77.5\n')
        expect('live', '52:54:00:00:00:05' in host.virsh('net-dumpxml', name), True)
        expect('not in the definition', '52:54:00:00:00:05' in host.virsh('net-dumpxml', '--inactive', name), False)
        host.virsh('net-update', name, 'add-last', 'dns-txt', "<txt name='a' value='b'/>", '--live', '--config')
        conf = open('/var/lib/libvirt/dnsmasq/%s.conf' % name).read()
        expect('conf', 'txt-record=a,b\n' in conf, True)
        expect('definition', "<txt name='a' value='b'/>" in open('/etc/libvirt/qemu/networks/%s.xml' % name).read(), True)
        expect('runs on', len(dnsmasq_pids(name)) > 0, True)
        expect('twice', 'DNS TXT' in host.virsh('net-update', name, 'add', 'dns-txt', "<txt name='a' value='c'/>", '--live',
                                                         fails=True), True)


def test_found_again(host):
    """a daemon that was killed finds its networks, leaves dnsmasq alone and puts back rules that were flushed"""
    needs('iptables-save', 'dnsmasq')
    with network(host) as name:
        before, servers = sorted(rules('tbr0')), dnsmasq_pids(name)
        host.main.stop(signal.SIGKILL)
        run('iptables', '-F', 'LIBVIRT_INP')
        host.start()
        expect('active', names(host), [name])
        expect('rules', sorted(rules('tbr0')), before)
        expect('dnsmasq', dnsmasq_pids(name), servers)
        run('iptables', '-F', 'LIBVIRT_FWO')
        host.main.process.send_signal(signal.SIGHUP)
        wait_for('rules come back at SIGHUP', lambda: sorted(rules('tbr0')) == before)


def test_autostart_is_once_a_boot(host):
    """networks marked so start with the first daemon after a boot, not with every one"""
    needs('dnsmasq')
    with network(host) as name:
        host.virsh('net-autostart', name)
        link = '/etc/libvirt/qemu/networks/autostart/%s.xml' % name
        expect('link', os.readlink(link), '/etc/libvirt/qemu/networks/%s.xml' % name)
        host.virsh('net-destroy', name)
        host.main.stop()
        host.start()
        expect('not again', names(host), [])
        host.main.stop()
        os.unlink('/run/libvirt/network/autostarted')
        host.start()
        wait_for('started', lambda: names(host) == [name])
        host.virsh('net-autostart', '--disable', name)
        expect('link', os.path.lexists(link), False)


def test_leases(host):
    """a DHCP client on the bridge gets an address, and net-dhcp-leases tells of it"""
    needs('dnsmasq', 'busybox')
    with network(host) as name:
        run('ip', 'link', 'add', 'tc0', 'address', '52:54:00:aa:bb:01', 'type', 'veth', 'peer', 'name', 'tc1')
        try:
            run('ip', 'link', 'set', 'tc1', 'master', 'tbr0', 'up')
            run('ip', 'link', 'set', 'tc0', 'up')
            # The bridge learns before it forwards.
            wait_for('an address', lambda: subprocess.run(
                ['busybox', 'udhcpc', '-i', 'tc0', '-n', '-q', '-f', '-t', '3', '-T', '1', '-s', '/bin/true', '-x', 'hostname:client'],
                capture_output=True).returncode == 0, 30)
            lease = wait_for('the lease', lambda: host.virsh('net-dhcp-leases', name))
            expect('mac', '52:54:00:aa:bb:01' in lease, True)
            found = re.search(r'192\.168\.77\.(\d+)/24', lease)
            expect('address in the range', bool(found) and 10 <= int(found[1]) <= 20, True)
            expect('of another', host.virsh('net-dhcp-leases', name, '52:54:00:aa:bb:02'), '')
            kept = json.load(open('/var/lib/libvirt/dnsmasq/tbr0.status'))
            expect('kept', [entry['mac-address'] for entry in kept], ['52:54:00:aa:bb:01'])
        finally:
            run('ip', 'link', 'del', 'tc0', check=False)


def test_guests_have_ports(host):
    """a guest's interface is plugged into its network while it runs: live XML, bridge, port; and a busy count"""
    needs('dnsmasq')
    with network(host) as name:
        nic = "<interface type='network'><mac address='52:54:00:00:00:0a'/><source network='%s'/></interface>" % name
        host.define('one', devices=nic)
        host.virsh('start', 'one')
        xml = host.virsh('dumpxml', 'one')
        source = re.search(r"<source network='%s' portid='([0-9a-f-]+)' bridge='tbr0'/>" % name, xml)
        expect('live XML', bool(source), True)
        expect('type', "<interface type='network'>" in xml, True)
        tap = re.search(r"<target dev='(vnet\d+)'/>", xml)[1]
        expect('in the bridge', tap in run('ip', '-br', 'link', 'show', 'master', 'tbr0'), True)
        expect('port', source[1] in host.virsh('net-port-list', name), True)
        macs = json.load(open('/var/lib/libvirt/dnsmasq/tbr0.macs'))
        expect('addresses', macs, [{'domain': 'one', 'macs': ['52:54:00:00:00:0a']}])
        expect('count', "connections='1'" in host.virsh('net-dumpxml', name), True)
        expect('definition', 'portid' in host.virsh('dumpxml', '--inactive', 'one'), False)
        host.restart_after_kill()
        host.virsh('suspend', 'one')
        expect('found again', 'portid' in host.virsh('dumpxml', 'one'), True)
        host.virsh('destroy', 'one')
        expect('no port', host.virsh('net-port-list', name).strip(), '')
        expect('no count', 'connections' in host.virsh('net-dumpxml', name), False)
        host.virsh('net-destroy', name)
        expect('without the network', 'not active' in host.virsh('start', 'one', fails=True), True)
        expect('stopped', host.virsh('domstate', 'one'), 'shut off')


def test_plugged_and_isolated(host):
    """an interface that comes to a running guest gets a port as well, isolated where the network says so, and loses it again"""
    # The original looks for that in /sys, which is another namespace's here.
    xml = NET if host.real else NET.replace('<ip ', "<port isolated='yes'/><ip ", 1)
    with network(host, xml=xml) as name:
        host.define('one')
        host.virsh('start', 'one')
        host.virsh('attach-interface', 'one', 'network', name, '--mac', '52:54:00:00:00:0b', '--model', 'virtio', '--live')
        expect('port', len(host.virsh('net-port-list', name).split()), 1)
        tap = re.search(r"<target dev='(vnet\d+)'/>", host.virsh('dumpxml', 'one'))[1]
        if not host.real:
            expect('isolated', 'isolated on' in run('bridge', '-d', 'link', 'show', 'dev', tap), True)
            expect('live XML', "<port isolated='yes'/>" in host.virsh('dumpxml', 'one'), True)
        host.virsh('destroy', 'one')
        expect('no port', host.virsh('net-port-list', name).strip(), '')


def test_events(host):
    """clients hear of networks that are defined, started, stopped and undefined"""
    conn = host.connect()
    seen = []
    handle = conn.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                          lambda conn, net, event, detail, opaque: seen.append((net.name(), event)), None)
    with network(host, xml="<network><name>%(name)s</name><bridge name='%(bridge)s'/></network>") as name:
        pass
    wait_for('four events', lambda: len(seen) >= 4)
    expect('events', seen, [(name, event) for event in (0, 2, 3, 1)])
    conn.networkEventDeregisterAny(handle)
    conn.close()
