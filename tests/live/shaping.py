"""Interfaces of running guests: limits to their traffic, and what else can be changed while the guest runs.

The kernel may lack what tc sets; one that only notes how it is called stands in for it.
"""
import contextlib
import os
import re

import libvirt

from harness import expect
from macvtap import nic, targets
from network import NET, network, run

TC = '#!/bin/sh\necho "$*" >>%s\n'
# The original knows tc by its place.
PUT_TC = 'for place in /usr/sbin/tc /sbin/tc; do [ ! -e $place ] || mount --bind %s $place; done; exec "$@"'
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class Noted:
    """A daemon whose tc takes notes."""

    def __init__(self, host):
        self.file = host.directory('tc') + '/calls'
        tool = host.write('tc', TC % self.file)
        os.chmod(tool, 0o755)
        host.main.stop()
        host.become = ['unshare', '-m', 'sh', '-c', PUT_TC % tool, 'sh']
        host.start()

    def take(self):
        """The calls since the last time. That an interface without limits needs no queue, we tell the kernel ourselves."""
        try:
            with open(self.file) as f:
                calls = f.read().splitlines()
            os.unlink(self.file)
        except FileNotFoundError:
            return []
        return [call for call in calls if not call.endswith('root handle 0: noqueue')]


@contextlib.contextmanager
def machine(host):
    """Two bridges and a pair of interfaces."""
    made = (('sb0', 'type', 'bridge'), ('sb1', 'type', 'bridge'), ('mv0', 'type', 'veth', 'peer', 'name', 'mv1'))
    try:
        for link in made:
            run('ip', 'link', 'add', *link)
            run('ip', 'link', 'set', link[0], 'up')
        yield Noted(host)
    finally:
        host.become = []
        for link in made:
            run('ip', 'link', 'del', link[0], check=False)


def cleared(dev):
    return ['qdisc del dev %s root' % dev, 'qdisc del dev %s ingress' % dev]


def sent(dev, rate, quantum):
    return ['qdisc add dev %s root handle 1: htb default 1' % dev,
            'class add dev %s parent 1: classid 1:1 htb %s quantum %d' % (dev, rate, quantum),
            'qdisc add dev %s parent 1:1 handle 2: sfq perturb 10' % dev,
            'filter add dev %s parent 1:0 protocol all prio 1 handle 1 fw flowid 1' % dev]


def received(dev, rate):
    return ['qdisc add dev %s ingress' % dev,
            'filter add dev %s parent ffff: protocol all u32 match u32 0 0 police %s mtu 64kb drop flowid :1' % (dev, rate)]


def interfaces(domain):
    return re.findall(r'<interface.*?</interface>', domain.XMLDesc(), re.S)


def refused(call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain(), error.get_error_message().split(': ', 1)[-1]
    return None


def test_limits(host):
    """limits are set when a guest starts and gets an interface, by domiftune and by an update, for taps and for macvtaps"""
    limits = "<bandwidth><inbound average='100' peak='200' burst='50'/><outbound average='300'/></bandwidth>"
    with machine(host) as tc:
        host.define('one', machine='pc', devices=nic(1, "bridge='sb0'", limits, 'bridge') + nic(2, "dev='mv0' mode='bridge'", limits)
                    + nic(3, "bridge='sb0'", '', 'bridge'))
        host.virsh('start', 'one')
        conn = host.connect()
        domain = conn.lookupByName('one')
        tap, macvtap, plain = targets(domain.XMLDesc())
        expect('start', tc.take(), cleared(tap) + sent(tap, 'rate 100kbps ceil 200kbps burst 50kb', 8) + received(tap, 'rate 300kbps burst 300kb')
               + cleared(macvtap) + sent(macvtap, 'rate 300kbps', 25) + received(macvtap, 'rate 100kbps burst 50kb'))
        domain.setInterfaceParameters(tap, {'inbound.average': 500}, LIVE)
        expect('tuned', tc.take(), cleared(tap) + sent(tap, 'rate 500kbps', 42) + received(tap, 'rate 300kbps burst 300kb'))
        now = domain.interfaceParameters(tap, LIVE)
        expect('now', [now[key] for key in ('inbound.average', 'inbound.peak', 'outbound.average')], [500, 0, 300])
        domain.setInterfaceParameters(tap, {'inbound.average': 0, 'outbound.average': 0}, LIVE)
        expect('lifted', (tc.take(), 'bandwidth' in interfaces(domain)[0]), (cleared(tap), False))
        expect('floor', refused(domain.setInterfaceParameters, tap, {'inbound.average': 1, 'inbound.floor': 1}, LIVE)[:2],
               (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_FROM_QEMU))
        expect('untouched', tc.take(), [])
        domain.updateDeviceFlags(interfaces(domain)[2].replace('<target', "<bandwidth><outbound average='9'/></bandwidth><target"), LIVE)
        expect('update', tc.take(), cleared(plain) + received(plain, 'rate 9kbps burst 9kb'))
        domain.updateDeviceFlags(re.sub(r'<bandwidth>.*</bandwidth>', '', interfaces(domain)[1], flags=re.S), LIVE)
        expect('lifted', tc.take(), cleared(macvtap))
        domain.attachDeviceFlags(nic(4, "bridge='sb1'", "<bandwidth><inbound average='10'/></bandwidth>", 'bridge'), LIVE)
        plugged = targets(domain.XMLDesc())[3]
        expect('plugged', tc.take(), cleared(plugged) + sent(plugged, 'rate 10kbps', 1))
        conn.close()
        host.restart_after_kill()
        expect('kept', re.search(r"<outbound average='9'/>", host.virsh('dumpxml', 'one')) is not None, True)
        host.virsh('destroy', 'one')


def test_moved(host):
    """a running guest's interface goes to another bridge and to a network and back, and the network counts it"""
    with machine(host), network(host, xml=NET) as net:
        host.define('one', devices=nic(1, "bridge='sb0'", '', 'bridge'))
        host.virsh('start', 'one')
        conn = host.connect()
        domain = conn.lookupByName('one')
        tap = targets(domain.XMLDesc())[0]

        def bridge():
            return re.search(r'master (\S+)', run('ip', '-o', 'link', 'show', tap))[1]

        domain.updateDeviceFlags(nic(1, "bridge='sb1'", '', 'bridge'), LIVE)
        expect('moved', (bridge(), "bridge='sb1'" in domain.XMLDesc()), ('sb1', True))
        expect('no such bridge', refused(domain.updateDeviceFlags, nic(1, "bridge='sb9'", '', 'bridge'), LIVE),
               (libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_FROM_QEMU, "bridge sb9 doesn't exist"))
        expect('still there', bridge(), 'sb1')
        domain.updateDeviceFlags(nic(1, "network='%s'" % net, '', 'network'), LIVE)
        expect('in the network', (bridge(), len(host.virsh('net-port-list', net).split())), ('tbr0', 1))
        expect('live XML', re.search(r"<source network='net' portid='[0-9a-f-]+' bridge='tbr0'/>", domain.XMLDesc()) is not None, True)
        domain.updateDeviceFlags(nic(1, "bridge='sb0'", '', 'bridge'), LIVE)
        expect('back', (bridge(), host.virsh('net-port-list', net).strip()), ('sb0', ''))
        conn.close()
        host.virsh('destroy', 'one')


def test_refused(host):
    """what belongs to the device that the guest has, or needs another back end, is not changed"""
    with machine(host):
        host.define('one', devices=nic(1, "bridge='sb0'", '', 'bridge'))
        host.virsh('start', 'one')
        conn = host.connect()
        domain = conn.lookupByName('one')
        xml = interfaces(domain)[0]
        before = domain.XMLDesc()
        for change, text in (
                (lambda x: x.replace("'virtio'", "'e1000'"), 'cannot modify network device model from virtio to e1000'),
                (lambda x: x.replace('<alias', "<mtu size='1400'/><alias"), 'cannot modify MTU'),
                (lambda x: re.sub(r"target dev='\w+'", "target dev='other'", x), 'cannot modify network device tap name'),
                (lambda x: x.replace('<alias', "<driver queues='3'/><alias"), 'cannot modify virtio network device driver attributes'),
                (lambda x: x.replace('<alias', "<rom bar='off'/><alias"), 'cannot modify network device rom bar setting'),
                (lambda x: x.replace('<target', "<script path='/bin/true'/><target"), 'cannot modify network device script attribute'),
                (lambda x: x.replace("<source bridge='sb0'/>", '').replace("type='bridge'", "type='user'"),
                 "unable to change config on 'user' network type"),
                (lambda x: x.replace("bridge='sb0'", "dev='mv0' mode='bridge'").replace("type='bridge'", "type='direct'"),
                 "unable to change config on 'direct' network type"),
                (lambda x: x.replace('<alias', '<tune><sndbuf>1600</sndbuf></tune><alias'), "unable to change config on 'bridge' network type")):
            expect('refused', refused(domain.updateDeviceFlags, change(xml), LIVE),
                   (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_FROM_QEMU, text))
        expect('vlan', refused(domain.updateDeviceFlags, xml.replace('<target', "<vlan><tag id='4'/></vlan><target"), LIVE),
               (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_FROM_DOMAIN,
                'interface 52:54:00:00:00:01 - vlan tag not supported for this connection type'))
        expect('unchanged', domain.XMLDesc(), before)
        conn.close()
        host.virsh('destroy', 'one')


def test_filter(host):
    """a filter is put in force, changed and lifted at a running guest's interface; one that is not there changes nothing"""
    with machine(host):
        for name in ('f1', 'f2'):
            host.virsh('nwfilter-define', host.write(name + '.xml', "<filter name='%s'><rule action='accept' direction='inout'/></filter>" % name))
        host.define('one', devices=nic(1, "bridge='sb0'", '', 'bridge'))
        host.virsh('start', 'one')
        conn = host.connect()
        domain = conn.lookupByName('one')
        tap = targets(domain.XMLDesc())[0]

        def bound():
            return [line.split() for line in host.virsh('nwfilter-binding-list').splitlines() if line.strip()]

        def filtered(name):
            return nic(1, "bridge='sb0'", "<filterref filter='%s'/>" % name if name else '', 'bridge')

        for name in ('f1', 'f2'):
            domain.updateDeviceFlags(filtered(name), LIVE)
            expect('bound', bound(), [[tap, name]])
        expect('no such filter', refused(domain.updateDeviceFlags, filtered('nope'), LIVE),
               (libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_FROM_QEMU,
                "failed to add new filter rules to '%s' - attempting to restore old rules" % tap))
        expect('as before', (bound(), "filter='f2'" in domain.XMLDesc()), ([[tap, 'f2']], True))
        domain.updateDeviceFlags(filtered(None), LIVE)
        expect('lifted', (bound(), 'filterref' in domain.XMLDesc()), ([], False))
        conn.close()
        host.virsh('destroy', 'one')
        for name in ('f1', 'f2'):
            host.virsh('nwfilter-undefine', name)
