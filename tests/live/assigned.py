"""Devices of the host that guests are given, in a machine that is made up: who has them, and that they are given back.

No QEMU can use what is made up, so one that leaves such devices out of its command line stands in for the emulator.
"""
import contextlib
import os
import re
import select
import threading
import time

import libvirt

from harness import expect, guest_xml, wait_for

EMULATOR = '''#!/usr/bin/python3
import os, sys
words, kept = sys.argv[1:], []
while words:
    if words[0] == '-device' and ('"driver":"vfio-pci"' in words[1] or '"driver":"usb-host"' in words[1]):
        words = words[2:]
    else:
        kept.append(words.pop(0))
os.execv('/usr/bin/qemu-system-x86_64', ['/usr/bin/qemu-system-x86_64', *kept])
'''
# A /sys and a /dev of our own, with what guests need of the real ones.
ENTER = '''set -e
made=%s
mkdir -p $made/sys/fs/cgroup $made/sys/devices/system $made/dev/pts $made/dev/shm $made/dev/hugepages
mount --rbind /sys/fs/cgroup $made/sys/fs/cgroup
mount --rbind /sys/devices/system $made/sys/devices/system
mount --rbind $made/sys /sys
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/net $made/dev/
[ ! -e /dev/kvm ] || cp -a /dev/kvm $made/dev/
mount -t hugetlbfs none $made/dev/hugepages 2>/dev/null || true
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts $made/dev/pts
ln -sf pts/ptmx $made/dev/ptmx
ln -sfn /proc/self/fd $made/dev/fd
mount --rbind $made/dev /dev
exec "$@"
'''


class Machine:
    """Its devices, and what its kernel does when drivers are told to let go of them or to look for one."""

    def __init__(self, host):
        self.dir = host.directory('made-up')
        os.chmod(self.dir, 0o755)
        self.emulator = self.dir + '/qemu'
        with open(self.emulator, 'w') as f:
            f.write(EMULATOR)
        os.chmod(self.emulator, 0o755)
        self.told = []
        self.ended = threading.Event()
        self.ears = {}
        for driver in ('nic', 'vfio-pci'):
            self.listen('/sys/bus/pci/drivers/%s/unbind' % driver)
            os.makedirs(self.dir + '/sys/module/' + driver.replace('-', '_'))
            self.link('/sys/bus/pci/drivers/%s/module' % driver, '../../../../module/' + driver.replace('-', '_'))
        self.listen('/sys/bus/pci/drivers_probe')
        self.pci('0000:00:02.0', 1)
        self.pci('0000:00:03.0', 2)
        self.usb(1, 2, '1234', '0001')
        self.usb(1, 3, '1234', '0002')
        self.usb(1, 4, '1234', '0002')
        for name in ('vfio', '1', '2'):
            self.file('/dev/vfio/' + name)
        self.kernel = threading.Thread(target=self.serve, daemon=True)
        self.kernel.start()
        host.env['SYSTEMD_DEVICE_VERIFY_SYSFS'] = '0'            # libudev, which the original uses, wants the kernel's own
        host.configure(qemu='namespaces = []')
        host.become = ['unshare', '-m', 'sh', '-c', ENTER % self.dir, 'sh']
        host.start()

    def close(self, host):
        self.ended.set()
        self.kernel.join()
        for ear in self.ears.values():
            os.close(ear)
        host.become = []

    def file(self, path, text=''):
        os.makedirs(os.path.dirname(self.dir + path), exist_ok=True)
        with open(self.dir + path, 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.dir + path), exist_ok=True)
        os.symlink(target, self.dir + path)

    def pci(self, address, group):
        place = '/sys/devices/pci0000:00/' + address
        config = bytearray(256)
        config[0:4], config[6], config[0x34], config[0x40], config[0x47] = b'\x86\x80\xca\x10', 0x10, 0x40, 0x10, 0x10  # can reset itself
        for name, text in (('vendor', '0x8086\n'), ('device', '0x10ca\n'), ('class', '0x020000\n'), ('uevent', 'PCI_CLASS=20000\n'),
                           ('driver_override', ''), ('reset', ''), ('config', bytes(config))):
            self.file(place + '/' + name, text)
        self.link('/sys/bus/pci/devices/' + address, '../../../devices/pci0000:00/' + address)
        self.link(place + '/subsystem', '../../../bus/pci')
        self.link(place + '/driver', '../../../bus/pci/drivers/nic')
        self.link(place + '/iommu_group', '../../../kernel/iommu_groups/%d' % group)
        self.link('/sys/kernel/iommu_groups/%d/devices/%s' % (group, address), '../../../../devices/pci0000:00/' + address)

    def usb(self, bus, number, vendor, product):
        for name, text in (('busnum', bus), ('devnum', number), ('idVendor', vendor), ('idProduct', product)):
            self.file('/sys/bus/usb/devices/%d-%d/%s' % (bus, number, name), '%s\n' % text)
        self.file('/dev/bus/usb/%03d/%03d' % (bus, number))

    def owner(self, path):
        return os.stat(self.dir + path).st_uid

    def driver(self, address):
        return os.path.basename(os.readlink(self.dir + '/sys/bus/pci/devices/%s/driver' % address))

    def listen(self, path):
        """A file that keeps nothing: what is written to it is told to our kernel."""
        os.makedirs(os.path.dirname(self.dir + path), exist_ok=True)
        os.mkfifo(self.dir + path)
        self.ears[path] = os.open(self.dir + path, os.O_RDWR | os.O_NONBLOCK)

    def hear(self, path):
        with contextlib.suppress(BlockingIOError):
            return re.findall(r'[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]', os.read(self.ears[path], 4096).decode())
        return []

    def serve(self):
        while not self.ended.is_set():
            if not select.select(list(self.ears.values()), [], [], 0.1)[0]:
                continue
            # Who is told to look for a driver has been told to let go before.
            looking = self.hear('/sys/bus/pci/drivers_probe')
            for driver in ('nic', 'vfio-pci'):
                for address in self.hear('/sys/bus/pci/drivers/%s/unbind' % driver):
                    self.told.append('%s lets go of %s' % (driver, address))
                    os.unlink(self.dir + '/sys/bus/pci/devices/%s/driver' % address)
            for address in looking:
                device = self.dir + '/sys/bus/pci/devices/' + address
                with open(device + '/driver_override') as f:
                    driver = f.read().split('\n')[0] or 'nic'          # an empty line takes it back
                self.told.append('%s takes %s' % (driver, address))
                if not os.path.islink(device + '/driver'):
                    os.symlink('../../../bus/pci/drivers/' + driver, device + '/driver')

    def define(self, conn, name, devices):
        xml = guest_xml(name, devices="<controller type='usb' model='qemu-xhci'/>" + devices)
        return conn.defineXML(xml.replace('/usr/bin/qemu-system-x86_64', self.emulator))


def usb_by_kind(vendor, product, more=''):
    return ("<hostdev mode='subsystem' type='usb'><source%s><vendor id='0x%s'/><product id='0x%s'/></source></hostdev>"
            % (more, vendor, product))


def usb_by_place(bus, number):
    return "<hostdev mode='subsystem' type='usb'><source><address bus='%d' device='%d'/></source></hostdev>" % (bus, number)


def pci(slot, managed='yes'):
    return ("<hostdev mode='subsystem' type='pci' managed='%s'><source><address domain='0' bus='0' slot='%d' function='0'/></source>"
            "</hostdev>" % (managed, slot))


def refused(call, *args):
    """(code, domain, message) of what a call fails with."""
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain(), error.get_error_message()
    return None


USED = (libvirt.VIR_ERR_OPERATION_INVALID, 0,
        'Requested operation is not valid: USB device 001:002 is in use by driver QEMU, domain one')


def test_usb(host):
    """a USB device is found by its kind, is QEMU's while its guest runs, and no other guest's, and is given back"""
    machine = Machine(host)
    try:
        conn = host.connect()
        one = machine.define(conn, 'one', usb_by_kind('1234', '0001'))
        one.create()
        source = re.search(r"<source>\s*<vendor id='0x1234'/>\s*<product id='0x0001'/>\s*<address bus='1' device='2'/>", one.XMLDesc())
        expect('found', source is not None, True)
        expect('not in the definition', 'bus=\'1\' device' in one.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), False)
        node = '/dev/bus/usb/001/002'
        expect('owner', machine.owner(node) != 0, True)
        for devices in (usb_by_kind('1234', '0001'), usb_by_place(1, 2), usb_by_kind('1234', '0001', " startupPolicy='optional'")):
            two = machine.define(conn, 'two', devices)
            expect('used', refused(two.create), USED)
            two.undefine()
        two = machine.define(conn, 'two', '')
        two.create()
        expect('used', refused(two.attachDeviceFlags, usb_by_place(1, 2), 1), USED)
        expect('there', refused(two.attachDeviceFlags, usb_by_place(1, 9), 1)[2], 'internal error: Did not find USB device bus:1 device:9')
        expect('still', machine.owner(node) != 0, True)
        # QEMU finds nothing behind it.
        expect('not plugged', refused(two.attachDeviceFlags, usb_by_place(1, 3), 1) is not None, True)
        expect('given back', machine.owner('/dev/bus/usb/001/003'), 0)
        three = machine.define(conn, 'three', usb_by_place(1, 3))
        three.create()
        three.destroy()
        three.undefine()
        conn.close()
        host.restart_after_kill()
        conn = host.connect()
        one, two = conn.lookupByName('one'), conn.lookupByName('two')
        wait_for('found again', lambda: one.isActive() and two.isActive())
        expect('used', refused(two.attachDeviceFlags, usb_by_place(1, 2), 1), USED)
        two.destroy()
        two.undefine()
        one.destroy()
        expect('given back', machine.owner(node), 0)
        two = machine.define(conn, 'two', usb_by_place(1, 2))
        two.create()
        two.destroy()
        conn.close()
    finally:
        machine.close(host)


def test_usb_found(host):
    """a USB device that is not there, or that could be several, is refused; one that need not be there is left out"""
    machine = Machine(host)
    try:
        conn = host.connect()
        for devices, code, text in (
                (usb_by_kind('9999', '0001'), libvirt.VIR_ERR_INTERNAL_ERROR, 'internal error: Did not find USB device 9999:0001'),
                (usb_by_place(1, 9), libvirt.VIR_ERR_INTERNAL_ERROR, 'internal error: Did not find USB device bus:1 device:9'),
                (usb_by_kind('1234', '0002'), libvirt.VIR_ERR_OPERATION_FAILED,
                 'operation failed: Multiple USB devices for 1234:2, use <address> to specify one'),
                (usb_by_place(1, 2) + usb_by_kind('1234', '0001'), libvirt.VIR_ERR_INTERNAL_ERROR,
                 'internal error: Device 001:002 is already in use')):
            domain = machine.define(conn, 'one', devices)
            expect('refused', refused(domain.create), (code, 0, text))
            domain.undefine()
        domain = machine.define(conn, 'one', usb_by_kind('9999', '0001', " startupPolicy='optional'"))
        domain.create()
        expect('missing', "missing='yes'" in domain.XMLDesc(), True)
        domain.destroy()
        conn.close()
    finally:
        machine.close(host)


def test_pci(host):
    """a managed PCI device goes to VFIO's driver for a start, and back to its own when that fails or the guest ends"""
    machine = Machine(host)
    try:
        conn = host.connect()
        domain = machine.define(conn, 'one', pci(2))
        # Not everybody may let QEMU lock that much memory.
        failure = refused(domain.create)
        if not failure:
            expect('taken', machine.driver('0000:00:02.0'), 'vfio-pci')
            expect('its group', machine.owner('/dev/vfio/1') != 0, True)
            domain.destroy()
        else:
            expect('failure', 'cannot limit locked memory' in failure[2], True)
        wait_for('given back', lambda: len(machine.told) == 4)
        expect('drivers', machine.told, ['nic lets go of 0000:00:02.0', 'vfio-pci takes 0000:00:02.0', 'vfio-pci lets go of 0000:00:02.0',
                                        'nic takes 0000:00:02.0'])
        expect('its own', machine.driver('0000:00:02.0'), 'nic')
        expect('group', machine.owner('/dev/vfio/1'), 0)
        domain.undefine()
        del machine.told[:]
        domain = machine.define(conn, 'one', pci(3, managed='no') + pci(2))
        expect('not ours to take', refused(domain.create),
               (libvirt.VIR_ERR_OPERATION_INVALID, 0,
                'Requested operation is not valid: Unmanaged PCI device 0000:00:03.0 must be manually detached from the host'))
        time.sleep(0.1)
        expect('left alone', machine.told, [])
        conn.close()
    finally:
        machine.close(host)
