"""What a host has: network interfaces and devices, as clients see them come, change and go."""
import contextlib
import os
import subprocess
import xml.etree.ElementTree as ET

import libvirt

from harness import Skip, expect, run_events, wait_for
from upgrade import Image, only_ours, upgrade

# The kernel's tree of devices as it is in this network namespace, with the cgroups that this process has.
OWN_SYS = ['unshare', '-m', 'sh', '-c', 'mkdir -p /run/groups && mount --rbind /sys/fs/cgroup /run/groups && mount -t sysfs sysfs /sys && '
           'mount --rbind /run/groups /sys/fs/cgroup; exec "$@"', 'sh']


def ip(*words):
    subprocess.run(['ip', *words], check=True)


@contextlib.contextmanager
def links(*commands):
    """Interfaces that are made by these commands and are gone afterwards."""
    try:
        for command in commands:
            ip(*command.split())
        yield
    finally:
        for name in ('bvv0', 'bvv2', 'bvb0'):
            subprocess.run(['ip', 'link', 'del', name], stderr=subprocess.DEVNULL)


def restart(host, name='libvirtd', become=OWN_SYS):
    host.main.stop()
    host.become = become
    try:
        return host.start(name)
    finally:
        host.become = []


def address(name):
    return subprocess.run(['ip', '-br', 'link', 'show', name], capture_output=True, text=True, check=True).stdout.split()[2]


def test_interfaces(host):
    """iface-list leaves out ports of bridges, iface-dumpxml tells of them in their bridge; nothing can be changed"""
    with links('link add bvv0 type veth peer name bvv1', 'link add bvb0 type bridge', 'link set bvv0 master bvb0',
               'link set bvv0 up', 'link set bvv1 up', 'link set bvb0 up'):
        restart(host)
        names = [line.split()[0] for line in host.virsh('iface-list', '--all').splitlines()]
        expect('interfaces', [n for n in names if n.startswith('bv') or n == 'lo'], ['bvb0', 'bvv1', 'lo'])
        expect('by address', host.virsh('iface-name', address('bvv1')), 'bvv1')
        bridge = ET.fromstring(host.virsh('iface-dumpxml', 'bvb0'))
        expect('type', bridge.get('type'), 'bridge')
        expect('ports', [(i.get('name'), i.find('link').get('state'), i.find('mtu')) for i in bridge.findall('bridge/interface')],
               [('bvv0', 'up', None)])
        conn = host.connect()
        wait_for('the bridge is active', conn.interfaceLookupByName('bvb0').isActive)
        expect('lo is active', conn.interfaceLookupByName('lo').isActive(), 0)
        for call in (lambda: conn.interfaceDefineXML('<interface/>', 0), conn.interfaceLookupByName('lo').destroy):
            try:
                call()
            except libvirt.libvirtError as error:
                expect('error', error.get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)
            else:
                raise AssertionError('an interface was changed')
        conn.close()


def test_devices(host):
    """devices are in a tree below the machine, have what their kind has, and filters find them"""
    with links('link add bvv0 type veth peer name bvv1', 'link add bvb0 type bridge'):
        restart(host)
        conn = host.connect()
        devices = {d.name(): d for d in conn.listAllDevices()}
        name = 'net_bvv0_' + address('bvv0').replace(':', '_')
        expect('one by name', name in devices, True)
        expect('bridges', [n for n in devices if 'bvb0' in n], [])
        expect('parents', [devices[name].parent(), devices['computer'].parent()], ['computer', None])
        expect('capabilities', devices[name].listCaps(), ['net'])
        xml = ET.fromstring(devices[name].XMLDesc())
        expect('path', xml.findtext('path'), '/sys/devices/virtual/net/bvv0')
        expect('link', xml.find('capability/link').get('state'), 'down')
        expect('filtered', {d.name() for d in conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET)},
               {n for n in devices if n.startswith('net_')})
        expect('names', set(conn.listDevices('net')), {n for n in devices if n.startswith('net_')})
        expect('inactive', conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE), [])
        for device in devices.values():
            root = ET.fromstring(device.XMLDesc())
            expect('name of ' + device.name(), root.findtext('name'), device.name())
            expect('parent of ' + device.name(), root.findtext('parent'), device.parent())
            expect('type of ' + device.name(), root.find('capability').get('type'), device.listCaps()[0])
        conn.close()


def test_device_events(host):
    """what comes, goes and changes is told to those who asked, and a list that follows knows of it"""
    if host.real:
        raise Skip('the original is told by udev only')
    restart(host)
    run_events()
    conn = host.connect()
    told = []
    conn.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                    lambda _, device, event, detail, __: told.append((device.name()[:8], event)), None)
    changes = conn.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE,
                                              lambda _, device, __: told.append((device.name()[:6], 'update')), None)
    with links('link add bvv0 type veth peer name bvv1'):
        wait_for('both ends', lambda: sorted(told) == [('net_bvv0', 0), ('net_bvv1', 0)])
        ip('link', 'set', 'bvv0', 'name', 'bvv2')
        wait_for('a new name', lambda: told[2:] == [('net_bvv0', 1), ('net_bvv2', 0)])
        subprocess.run([*OWN_SYS, 'sh', '-c', 'echo change >/sys/class/net/lo/uevent'], check=True)
        wait_for('a change', lambda: told[4:] == [('net_lo', 'update')])
        conn.nodeDeviceEventDeregisterAny(changes)
        ip('link', 'del', 'bvv2')
        wait_for('the end', lambda: sorted(told[5:]) == [('net_bvv1', 1), ('net_bvv2', 1)])
    expect('names', [n for n in conn.listDevices('net') if n.startswith('net_bvv')], [])
    conn.close()


def test_events_after_upgrade(host):
    """who asked to be told of devices is told by the next image too, once, with the same list"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    daemon = restart(host, image.path)
    run_events()
    conn, told = host.connect(), []
    conn.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                    lambda _, device, event, detail, __: told.append((device.name()[:8], event)), None)
    before = sorted(conn.listDevices(None))
    for _ in range(2):
        upgrade(daemon, image)
        expect('devices', sorted(conn.listDevices(None)), before)
        with links('link add bvv0 type veth peer name bvv1'):
            wait_for('both ends', lambda: sorted(told) == [('net_bvv0', 0), ('net_bvv1', 0)])
            del told[:]
        wait_for('the end', lambda: sorted(told) == [('net_bvv0', 1), ('net_bvv1', 1)])
        del told[:]
    conn.close()


PCI = '/devices/pci0000:00/0000:00:02.0'
# Notes how it is called, and says what the real one would: the UUID that it made up, or what is defined.
MDEVCTL = """#!/bin/sh
{ echo "$*"; case "$*" in *stdin*) cat; echo;; esac; } >>%(dir)s/calls
case $1 in
  define) echo 11111111-2222-3333-4444-555555555555 ;;
  list) echo '[]' ;;
esac
"""


class MadeUp:
    """A /sys of one PCI device that mediated devices can be made of, and a mdevctl that only takes notes."""

    def __init__(self, host):
        self.dir = host.directory('made-up')
        for path, text in {
                PCI + '/uevent': 'DRIVER=gpu\nPCI_CLASS=30000\nPCI_SLOT_NAME=0000:00:02.0\n', PCI + '/vendor': '0x8086\n',
                PCI + '/device': '0xffff\n', PCI + '/config': '', PCI + '/driver_override': '', PCI + '/reset': '',
                PCI + '/mdev_supported_types/t-1/device_api': 'vfio-pci\n',
                PCI + '/mdev_supported_types/t-1/available_instances': '2\n',
                '/bus/pci/drivers_probe': '', '/bus/pci/drivers/gpu/unbind': ''}.items():
            os.makedirs(os.path.dirname(self.dir + '/sys' + path), exist_ok=True)
            with open(self.dir + '/sys' + path, 'wb') as f:
                # A header without capabilities.
                f.write(text.encode() if not path.endswith('config') else b'\x86\x80\xff\xff' + bytes(252))
        os.makedirs(self.dir + '/sys/bus/pci/devices')
        os.symlink('../../..' + PCI, self.dir + '/sys/bus/pci/devices/0000:00:02.0')
        os.symlink('../../../bus/pci', self.dir + '/sys' + PCI + '/subsystem')
        os.symlink('../../../bus/pci/drivers/gpu', self.dir + '/sys' + PCI + '/driver')
        os.makedirs(self.dir + '/bin')
        with open(self.dir + '/bin/mdevctl', 'w') as f:
            f.write(MDEVCTL % {'dir': self.dir})
        os.chmod(self.dir + '/bin/mdevctl', 0o755)
        # libudev, which the original uses, wants the kernel's own file system otherwise.
        host.env.update(PATH=self.dir + '/bin:' + host.env['PATH'], SYSTEMD_DEVICE_VERIFY_SYSFS='0')
        restart(host, become=['unshare', '-m', 'sh', '-c', 'mount --bind %s/sys /sys; exec "$@"' % self.dir, 'sh'])

    def take(self, path):
        """What a file has got since the last time."""
        try:
            with open(self.dir + path, 'r+') as f:
                text = f.read()
                f.truncate(0)
                return text
        except FileNotFoundError:
            return ''


def code_of(call):
    try:
        call()
    except libvirt.libvirtError as error:
        return error.get_error_code()
    return 0


def test_pci_device(host):
    """a PCI device is described, goes back to its driver, and is not taken from it where there is no VFIO"""
    made_up = MadeUp(host)
    conn = host.connect()
    device = wait_for('the device', lambda: next((d for d in conn.listAllDevices() if d.name() == 'pci_0000_00_02_0'), None))
    xml = ET.fromstring(device.XMLDesc())
    expect('driver', xml.findtext('driver/name'), 'gpu')
    expect('what it can do', device.listCaps(), ['pci', 'mdev_types'])
    expect('types', [(t.get('id'), t.findtext('availableInstances')) for t in xml.iter('type')], [('t-1', '2')])
    expect('detached', code_of(device.dettach), libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED)
    expect('another driver', code_of(lambda: device.detachFlags('none')), libvirt.VIR_ERR_INVALID_ARG)
    expect('another device', code_of(conn.nodeDeviceLookupByName('computer').reAttach), libvirt.VIR_ERR_INVALID_ARG)
    device.reAttach()
    expect('the kernel is told', [made_up.take(f) for f in ('/sys' + PCI + '/driver_override', '/sys/bus/pci/drivers/gpu/unbind',
                                                           '/sys/bus/pci/drivers_probe')], ['\n', '0000:00:02.0', '0000:00:02.0'])
    nodes = libvirt.open('nodedev' + host.uri[len('qemu'):])
    expect('without a hypervisor', code_of(nodes.nodeDeviceLookupByName('pci_0000_00_02_0').reset), libvirt.VIR_ERR_NO_SUPPORT)
    nodes.close()
    conn.close()


def test_mediated_device(host):
    """mdevctl is told to define, start, change and undefine a device, which is listed as inactive"""
    made_up = MadeUp(host)
    conn = host.connect()
    wait_for('the parent', lambda: 'pci_0000_00_02_0' in conn.listDevices(None))
    made_up.take('/calls')
    xml = "<device><parent>%s</parent><capability type='mdev'><type id='t-1'/><attr name='a' value='b'/></capability></device>"
    expect('no parent', code_of(lambda: conn.nodeDeviceDefineXML(xml % 'computer')), libvirt.VIR_ERR_PARSE_FAILED)
    device = conn.nodeDeviceDefineXML(xml % 'pci_0000_00_02_0')
    calls = [line for line in made_up.take('/calls').splitlines() if not line.startswith('list')]
    expect('define', calls, ['define --parent=0000:00:02.0 --jsonfile=/dev/stdin',
                             '{"mdev_type":"t-1","start":"manual","attrs":[{"a":"b"}]}'])
    expect('name', device.name(), 'mdev_11111111_2222_3333_4444_555555555555_0000_00_02_0')
    expect('state', (device.isActive(), device.isPersistent(), device.autostart(), device.parent()), (0, 1, 0, 'pci_0000_00_02_0'))
    expect('inactive', [d.name() for d in conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE)], [device.name()])
    expect('type', ET.fromstring(device.XMLDesc()).find('capability/type').get('id'), 't-1')
    device.setAutostart(1)
    device.create()
    device.undefine()
    uuid = '11111111-2222-3333-4444-555555555555'
    calls = [line for line in made_up.take('/calls').splitlines() if not line.startswith('list')]
    expect('the rest', calls, ['modify --uuid %s --auto' % uuid, 'start --uuid=' + uuid, 'undefine --uuid=' + uuid])
    conn.close()
