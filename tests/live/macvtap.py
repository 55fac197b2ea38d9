"""Guests with an address of their own on an interface of the host (type direct), by themselves and through networks."""
import contextlib
import os
import re
import signal

import libvirt

from harness import expect, wait_for
from hostdevices import OWN_SYS
from network import network, run


def nic(mac, source, extra='', kind='direct'):
    return ("<interface type='%s'><mac address='52:54:00:00:00:%02x'/><source %s/>%s<model type='virtio'/></interface>"
            % (kind, mac, source, extra))


@contextlib.contextmanager
def wires(host):
    """Two pairs of interfaces, mv0 with mv1 and mv2 with mv3, and a daemon that sees them in /sys."""
    host.main.stop()
    host.become = OWN_SYS
    try:
        for a, b in (('mv0', 'mv1'), ('mv2', 'mv3')):
            run('ip', 'link', 'add', a, 'type', 'veth', 'peer', 'name', b)
            for name in (a, b):
                run('ip', 'link', 'set', name, 'up')
        host.start()
        yield
    finally:
        host.become = []
        for name in list(macvtaps()) + ['mv0', 'mv2']:
            run('ip', 'link', 'del', name, check=False)


def macvtaps():
    """{name: (below, mode, address, up)} of those that there are."""
    found = {}
    lines = run('ip', '-d', '-o', 'link', 'show', 'type', 'macvtap').splitlines()
    for line in lines:
        name, below = re.match(r'\d+: (\S+)@(\S+):', line).groups()
        found[name] = (below, re.search(r'macvtap mode (\w+)', line)[1], address_in(line), ',UP' in line or '<UP' in line)
    return found


def address_in(line):
    return re.search(r'link/ether (\S+)', line)[1]


def address(name):
    return address_in(run('ip', '-o', 'link', 'show', name))


def targets(xml):
    return re.findall(r"<target dev='([^']+)'/>", xml)


def code_of(call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain()
    return None


def test_modes(host):
    """a guest's interface is made in its mode, with its address and queues, runs as the guest does, and goes with it"""
    with wires(host):
        host.define('one', devices=nic(1, "dev='mv0' mode='bridge'") + nic(2, "dev='mv2'", "<driver queues='2'/>"))
        host.virsh('start', 'one')
        one, two = targets(host.virsh('dumpxml', 'one'))
        expect('names', [one.startswith('macvtap'), two.startswith('macvtap')], [True, True])
        expect('made', macvtaps(), {one: ('mv0', 'bridge', '52:54:00:00:00:01', True), two: ('mv2', 'vepa', '52:54:00:00:00:02', True)})
        with open('/var/log/libvirt/qemu/one.log') as f:
            log = f.read()
        expect('queues', [bool(re.search(r'"type":"tap","%s"' % fd, log)) for fd in (r'fd":"\d+', r'fds":"\d+:\d+')], [True, True])
        host.virsh('suspend', 'one')
        expect('paused', [link[3] for link in macvtaps().values()], [False, False])
        host.virsh('resume', 'one')
        expect('runs', [link[3] for link in macvtaps().values()], [True, True])
        expect('not in the definition', targets(host.virsh('dumpxml', '--inactive', 'one')), [])
        host.virsh('destroy', 'one')
        expect('gone', macvtaps(), {})
        # A name is not used again while the daemon lives.
        host.virsh('start', 'one')
        expect('other names', {one, two} & set(macvtaps()), set())
        host.virsh('destroy', 'one')


def test_passthrough(host):
    """an interface that is passed through has the guest's address, and its own again afterwards, whatever becomes of the daemon"""
    with wires(host):
        own = address('mv0')
        host.define('one', devices=nic(1, "dev='mv0' mode='passthrough'"))
        host.define('two', devices=nic(2, "dev='mv0' mode='bridge'"))
        host.virsh('start', 'one')
        expect('mode', [link[1] for link in macvtaps().values()], ['passthru'])
        expect('address', address('mv0'), '52:54:00:00:00:01')
        with open('/run/libvirt/qemu/mv0') as f:
            expect('kept', own in f.read(), True)
        conn = host.connect()
        expect('not shared', code_of(conn.lookupByName('two').create), (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_NET))
        expect('still', (address('mv0'), len(macvtaps())), ('52:54:00:00:00:01', 1))
        conn.close()
        host.main.stop(signal.SIGKILL)
        host.start()
        expect('found again', host.virsh('domstate', 'one'), 'running')
        host.virsh('destroy', 'one')
        expect('gone', macvtaps(), {})
        if not host.real:                                        # the original wrote over what it kept when it refused 'two'
            expect('its own', address('mv0'), own)
        expect('no file', os.path.exists('/run/libvirt/qemu/mv0'), False)


def test_nobody_left(host):
    """what was made for a guest goes when guest and daemon were killed, and nothing is made or taken away by what fails"""
    with wires(host):
        host.define('one', devices=nic(1, "dev='mv0' mode='private'", "<target dev='mine'/>"))
        host.virsh('start', 'one')
        expect('named', list(macvtaps()), ['mine'])
        with open('/run/libvirt/qemu/one.pid') as f:
            pid = int(f.read())
        host.main.stop(signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        host.start()
        wait_for('gone', lambda: not macvtaps())
        expect('stopped', host.virsh('domstate', 'one'), 'shut off')
        conn = host.connect()
        host.define('nowhere', devices=nic(3, "dev='mv2' mode='bridge'") + nic(2, "dev='nope' mode='bridge'"))
        expect('no such interface', code_of(conn.lookupByName('nowhere').create), (libvirt.VIR_ERR_SYSTEM_ERROR, 0))
        host.define('taken', devices=nic(2, "dev='mv0' mode='bridge'", "<target dev='mv3'/>"))
        expect('its name is another', code_of(conn.lookupByName('taken').create), (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_NET))
        conn.close()
        expect('nothing made', macvtaps(), {})
        if not host.real:                                        # the original removes what has the name
            expect('nothing taken', 'mv3' in run('ip', '-br', 'link'), True)


def test_plugged(host):
    """an interface comes to a running guest and goes; one that cannot come leaves nothing"""
    with wires(host):
        host.define('one', machine='pc')
        host.virsh('start', 'one')
        own = address('mv0')
        conn = host.connect()
        domain = conn.lookupByName('one')
        domain.attachDeviceFlags(nic(1, "dev='mv0' mode='passthrough'"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        expect('made', [link[:3] for link in macvtaps().values()], [('mv0', 'passthru', '52:54:00:00:00:01')])
        expect('the host has its address', address('mv0'), '52:54:00:00:00:01')
        expect('no such interface', code_of(domain.attachDeviceFlags, nic(2, "dev='nope' mode='bridge'"), 1), (libvirt.VIR_ERR_SYSTEM_ERROR, 0))
        refused = (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_FROM_QEMU)
        for wanted in ("dev='mv2' mode='passthrough'", "dev='mv0' mode='bridge'"):
            expect('moved elsewhere', code_of(domain.updateDeviceFlags, nic(1, wanted), 1), refused)
        domain.updateDeviceFlags(nic(1, "dev='mv0' mode='passthrough'", "<link state='down'/>"), 1)
        expect('link', "<link state='down'/>" in domain.XMLDesc(), True)
        expect('one', len(macvtaps()), 1)
        # The firmware has halted: QEMU removes it when the machine is reset.
        domain.detachDeviceFlags(nic(1, "dev='mv0' mode='passthrough'"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        domain.reset()
        wait_for('gone', lambda: not macvtaps())
        wait_for('its own', lambda: address('mv0') == own)
        conn.close()
        host.virsh('destroy', 'one')


def test_of_networks(host):
    """a network of interfaces gives each guest one of them, in the network's mode"""
    pool = "<network><name>%%(name)s</name><forward mode='%s'><interface dev='mv0'/><interface dev='mv2'/></forward></network>"
    with wires(host):
        for mode, made in (('bridge', 'bridge'), ('private', 'private'), ('vepa', 'vepa'), ('passthrough', 'passthru')):
            with network(host, 'pool', xml=pool % mode):
                host.define('one', machine='pc', devices=''.join(nic(i, "network='pool'", kind='network') for i in (1, 2)))
                host.virsh('start', 'one')
                xml = host.virsh('dumpxml', 'one')
                sources = re.findall(r"<source network='pool' portid='[0-9a-f-]{36}' dev='(mv\d)' mode='(\w+)'/>", xml)
                expect('live XML', (xml.count("<interface type='direct'>"), sources), (2, [('mv0', mode), ('mv2', mode)]))
                expect('made', [link[:2] for link in macvtaps().values()], [('mv0', made), ('mv2', made)])
                expect('count', host.virsh('net-dumpxml', 'pool').count("connections='1'"), 2)
                with open('/run/libvirt/qemu/one.xml') as f:
                    status = f.read()
                expect('status', re.search(r"<actual type='direct'>\s*<source dev='mv0' mode='%s'/>" % mode, status) is not None, True)
                fails = host.virsh('attach-interface', 'one', 'network', 'pool', '--live', fails=mode == 'passthrough')
                expect('a third', 'none are available' in fails, mode == 'passthrough')
                if not host.real:                                # the original ends the guest
                    host.restart_after_kill()
                host.virsh('destroy', 'one')
                expect('gone', macvtaps(), {})
                expect('no count', 'connections' in host.virsh('net-dumpxml', 'pool'), False)
                host.virsh('undefine', 'one')


def test_trusted(host):
    """what a card lets in, where the guest is trusted with that, its macvtap lets in; else it does not"""
    with wires(host):
        trusted = nic(1, "dev='mv0' mode='bridge'").replace("type='direct'", "type='direct' trustGuestRxFilters='yes'", 1)
        host.define('one', devices=trusted + nic(2, "dev='mv2' mode='bridge'"))
        host.virsh('start', 'one')
        first, second = targets(host.virsh('dumpxml', 'one'))

        def everything(name):
            return 'PROMISC' in run('ip', '-o', 'link', 'show', name)

        # A card without a driver lets in everything.
        wait_for('followed', lambda: everything(first))
        expect('the other', everything(second), False)
        run('ip', 'link', 'set', first, 'promisc', 'off')
        if not host.real:                                        # the original does not find every guest again
            host.restart_after_kill()
            wait_for('followed again', lambda: everything(first))
        host.virsh('destroy', 'one')
