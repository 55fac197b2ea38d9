"""Network filters: what virsh says of them, and what the kernel's tables make of them."""
import fcntl
import os
import signal
import struct
import subprocess
import time
import uuid

from harness import Failure, Skip, expect, guest_xml, has, needs, wait_for
from upgrade import Image, start, upgrade

TAP, MAC = 'bvtap0', '52:54:00:6d:90:01'
OWNER = '<owner><name>o</name><uuid>6d0f31a5-0f1d-4f2c-9d4a-6c3a5f0e1b11</uuid></owner>'
SSH = "<rule action='accept' direction='in'><tcp dstportstart='%d'/></rule>"
OWN_ADDRESS = "<rule action='return' direction='out'><ip srcipaddr='$IP'/></rule>"


class Tap:
    """A tap device whose other end is ours, as a guest's is QEMU's."""

    def __init__(self, name=TAP):
        needs('iptables-save', 'ebtables-save')
        self.fd = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(self.fd, 0x400454ca, struct.pack('16sH22x', name.encode(), 0x1002))  # TUNSETIFF: tap, no headers
        subprocess.run(['ip', 'link', 'set', name, 'up'], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def send(self, frame):
        os.write(self.fd, frame)


def rules(table='iptables', what=TAP):
    saved = subprocess.run([table + '-save'], capture_output=True, text=True, check=True).stdout
    return [line for line in saved.splitlines() if line.startswith('-A') and what in line]


def define(host, name, rules, **virsh):
    text = "<filter name='%s'><uuid>%s</uuid>%s</filter>" % (name, uuid.uuid5(uuid.NAMESPACE_DNS, name), rules)
    return host.virsh('nwfilter-define', host.write(name + '.xml', text), **virsh)


def bind(host, name, parameters='', **virsh):
    text = ("<filterbinding>%s<portdev name='%s'/><mac address='%s'/><filterref filter='%s'>%s</filterref></filterbinding>" %
            (OWNER, TAP, MAC, name, parameters))
    return host.virsh('nwfilter-binding-create', host.write('binding.xml', text), **virsh)


def clean(host, *names):
    for binding in host.virsh('nwfilter-binding-list').splitlines():
        host.virsh('nwfilter-binding-delete', binding.split()[0])
    for name in names:
        host.virsh('nwfilter-undefine', name)


def test_define_bind_undefine(host):
    """a filter's rules come with its binding and go with it, and it cannot go before"""
    with Tap():
        define(host, 'bv-ssh', SSH % 22)
        expect('in the list', 'bv-ssh' in host.virsh('nwfilter-list').split(), True)
        expect('not in force', rules(), [])
        bind(host, 'bv-ssh')
        expect('bindings', host.virsh('nwfilter-binding-list').split(), [TAP, 'bv-ssh'])
        expect('a parameter of its own', "name='MAC' value='%s'" % MAC in host.virsh('nwfilter-binding-dumpxml', TAP), True)
        expect('in force', len([r for r in rules() if '--dport 22' in r]), 1)
        if 'in use' not in host.virsh('nwfilter-undefine', 'bv-ssh', fails=True):
            raise Failure('a filter in use went otherwise than expected')
        if 'already exists' not in bind(host, 'bv-ssh', fails=True):
            raise Failure('two bindings of one interface')
        host.virsh('nwfilter-binding-delete', TAP)
        expect('lifted', (rules(), rules('ebtables')), ([], []))
        host.virsh('nwfilter-undefine', 'bv-ssh')
        expect('gone', 'bv-ssh' in host.virsh('nwfilter-list').split(), False)


def test_redefined_in_use(host):
    """a new definition is in force at once, and one that the kernel refuses changes nothing"""
    with Tap():
        define(host, 'bv-ssh', SSH % 22)
        bind(host, 'bv-ssh')
        define(host, 'bv-ssh', SSH % 23)
        expect('the new port', [('--dport 22' in r, '--dport 23' in r) for r in rules() if 'dport' in r], [(False, True)])
        define(host, 'bv-ssh', "<rule action='drop' direction='in'><tcp srcportstart='9' srcportend='5'/></rule>", fails=True)
        expect('the port still', len([r for r in rules() if '--dport 23' in r]), 1)
        expect('the definition still', "dstportstart='23'" in host.virsh('nwfilter-dumpxml', 'bv-ssh'), True)
        clean(host, 'bv-ssh')


def test_binding_outlives_the_daemon(host):
    """a daemon that was killed leaves its rules, and the next one knows whose they are"""
    with Tap():
        define(host, 'bv-ssh', SSH % 22)
        bind(host, 'bv-ssh')
        host.main.stop(signal.SIGKILL)
        subprocess.run(['iptables', '-F', 'FO-' + TAP], check=True)
        host.start()
        expect('bindings', host.virsh('nwfilter-binding-list').split(), [TAP, 'bv-ssh'])
        wait_for('the rules', lambda: [r for r in rules() if '--dport 22' in r])
        clean(host, 'bv-ssh')
        expect('lifted', rules(), [])


def learn(host, tap, address):
    """Binds a filter that needs the guest's address, and has the guest say it."""
    define(host, 'bv-own', OWN_ADDRESS)
    bind(host, 'bv-own')
    wait_for('that it may speak', lambda: [r for r in rules('ebtables') if MAC in r])
    mac = bytes.fromhex(MAC.replace(':', ''))
    numbers = bytes(int(part) for part in address.split('.'))
    arp = b'\xff' * 6 + mac + bytes.fromhex('0806' + '0001080006040002') + mac + numbers + bytes(6) + numbers

    def learned():
        tap.send(arp)
        return [r for r in rules('ebtables') if '--ip-src ' + address in r]
    wait_for('its address in a rule', learned)


def test_address_is_learned(host):
    """without an address a guest may say which one is its, unless nothing is to be learned"""
    if host.real:
        raise Skip('the original learns nothing from these frames')
    with Tap() as tap:
        learn(host, tap, '10.1.2.3')
        clean(host)
        bind(host, 'bv-own', "<parameter name='CTRL_IP_LEARNING' value='none'/>", fails=True)
        clean(host, 'bv-own')
        expect('lifted', rules('ebtables'), [])


def test_guest(host):
    """a guest's interface is filtered from its start to its end"""
    needs('ebtables-save')
    define(host, 'bv-mac', "<rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>")
    net = "<interface type='ethernet'><mac address='%s'/><target dev='%s'/><filterref filter='bv-mac'/></interface>" % (MAC, TAP)
    host.define('one', devices=net)
    host.virsh('start', 'one')
    expect('binding', host.virsh('nwfilter-binding-list').split(), [TAP, 'bv-mac'])
    expect('rule', len([r for r in rules('ebtables') if MAC in r]), 1)
    host.virsh('destroy', 'one')
    expect('binding', host.virsh('nwfilter-binding-list').split(), [])
    expect('lifted', rules('ebtables'), [])
    host.define('two', devices=net.replace("'bv-mac'", "'bv-nosuch'"))
    if 'bv-nosuch' not in host.virsh('start', 'two', fails=True):
        raise Failure('a guest without its filter')
    host.virsh('nwfilter-undefine', 'bv-mac')


def test_guest_of_another_daemon(host):
    """virtqemud has virtnwfilterd filter its guests' interfaces"""
    if host.real:
        raise Skip('the sandbox starts its libvirtd only')
    host.main.stop()
    for name in ('virtnwfilterd', 'virtqemud'):
        host.start(name, socket='%s/%s-sock' % (host.run_dir, name))
    guests, filters = ('%s+unix:///system?socket=%s/%s-sock' % (scheme, host.run_dir, daemon)
                       for scheme, daemon in (('qemu', 'virtqemud'), ('nwfilter', 'virtnwfilterd')))
    define(host, 'bv-mac', "<rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>", uri=filters)
    net = "<interface type='ethernet'><mac address='%s'/><target dev='%s'/><filterref filter='bv-mac'/></interface>" % (MAC, TAP)
    host.virsh('create', host.write('one.xml', guest_xml('one', devices=net)), uri=guests)
    expect('binding', host.virsh('nwfilter-binding-list', uri=filters).split(), [TAP, 'bv-mac'])
    host.virsh('destroy', 'one', uri=guests)
    expect('binding', host.virsh('nwfilter-binding-list', uri=filters).split(), [])
    host.virsh('nwfilter-undefine', 'bv-mac', uri=filters)


def test_upgrade(host):
    """what is bound is bound after a live upgrade, and what was learned is known"""
    if not has(host, 'busyvirt'):
        raise Skip('this is not busyvirt')
    with Tap() as tap:
        host.main.stop()
        image = Image(host, 'libvirtd')
        daemon = start(host, image, host.socket)
        learn(host, tap, '10.1.2.3')
        before = rules('ebtables')
        upgrade(daemon, image)
        expect('bindings', host.virsh('nwfilter-binding-list').split(), [TAP, 'bv-own'])
        time.sleep(0.5)  # learning would begin by then
        expect('in force', rules('ebtables'), before)
        clean(host, 'bv-own')
