"""Devices that are attached to, detached from and changed in definitions and running guests."""
import fcntl
import json
import os
import re
import subprocess

import libvirt

from harness import GUEST_DIR, Failure, expect, guest_xml, wait_for

LIVE, CONFIG, FORCE = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE
PORTS = ''.join("<controller type='pci' index='%d' model='%s'/>" % (i, 'pcie-root-port' if i else 'pcie-root') for i in range(13))
BASE = (PORTS + "<controller type='usb' index='0' model='qemu-xhci' ports='8'/><controller type='scsi' index='0' model='virtio-scsi'/>"
        "<controller type='virtio-serial' index='0'/>"
        "<disk type='file' device='cdrom'><target dev='sdd' bus='scsi'/></disk>")
MEMORY = ("<maxMemory slots='4' unit='MiB'>512</maxMemory>", "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu>")


def image(name, format='raw'):
    path = '%s/%s.%s' % (GUEST_DIR, name, format)
    if not os.path.exists(path):
        subprocess.run(['qemu-img', 'create', '-q', '-f', format, path, '4M'], check=True)
    return path


def disk(name, target, bus, more='', device='disk', format='raw'):
    return ("<disk type='file' device='%s'><driver name='qemu' type='%s'/><source file='%s'/><target dev='%s' bus='%s'/>%s</disk>"
            % (device, format, image(name, format), target, bus, more))


DEVICES = {
    'disk': lambda: disk('a', 'vdb', 'virtio'),
    'scsi disk': lambda: disk('b', 'sdb', 'scsi', format='qcow2'),
    'usb disk': lambda: disk('c', 'sdc', 'usb'),
    'interface': lambda: "<interface type='user'><mac address='52:54:00:01:02:03'/><model type='virtio'/></interface>",
    'rng': lambda: "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    'memory': lambda: "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>",
    'input': lambda: "<input type='tablet' bus='usb'/>",
    'redirdev': lambda: "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='4100'/></redirdev>",
    'controller': lambda: "<controller type='scsi' index='1' model='virtio-scsi'/>",
    'channel': lambda: "<channel type='unix'><target type='virtio' name='org.example.one'/></channel>",
    'log': lambda: "<channel type='file'><source path='/var/log/libvirt/qemu/c.log'/><target type='virtio' name='org.example.two'/></channel>",
}
# Those that go without the guest's help.
GO_AT_ONCE = ('scsi disk', 'usb disk', 'input', 'redirdev')


def can_lock(path):
    """Whether somebody else, here or on another host, could lock the image now, for whatever use."""
    with open(path, 'r+') as f:
        try:
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
            return True
        except OSError:
            return False


def define(host, devices='', kvm=True):
    xml = guest_xml('one', devices=BASE + devices, extra=MEMORY[1], kvm=kvm).replace('<memory unit', MEMORY[0] + '<memory unit')
    host.virsh('define', host.write('one.xml', xml))
    return host.connect().lookupByName('one')


def refused(code, part, call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        told = error.get_error_message()
        expect('error of %s' % (args,), (error.get_error_code(), part if part in told else told), (code, part))
        return
    raise Failure('not refused: %s' % (args,))


def devices_of(domain, flags=0):
    xml = domain.XMLDesc(flags)
    return xml[xml.index('<devices>'):xml.index('</devices>')]


def targets(domain, flags=0):
    return re.findall(r"<target dev='(\w+)'", devices_of(domain, flags))


def test_stored(host):
    """what is attached to a definition is in it completed and on disk, and detached again leaves it as it was"""
    domain = define(host)
    before = devices_of(domain)
    for name, xml in DEVICES.items():
        domain.attachDeviceFlags(xml(), CONFIG)
    text = devices_of(domain)
    expect('disks', targets(domain), ['sdb', 'sdd', 'vdb', 'sdc'])
    for part in ("<mac address='52:54:00:01:02:03'/>", "model='dimm'", "<input type='tablet' bus='usb'>", "name='org.example.one'",
                 "<rng model='virtio'>", "<redirdev bus='usb' type='tcp'>", "<controller type='scsi' index='1'"):
        expect(part, part in text, True)
    with open('/etc/libvirt/qemu/one.xml') as f:
        expect('on disk', 'org.example.two' in f.read(), True)
    host.restart_after_kill()
    domain = host.connect().lookupByName('one')
    expect('for the next daemon', devices_of(domain), text)
    for name, xml in DEVICES.items():
        domain.detachDeviceFlags(xml(), CONFIG)
    after = devices_of(domain)
    expect('detached', [line for line in after.splitlines() if line not in before.splitlines()], [])


def test_stored_refused(host):
    """twice the same, what is not there, and what is no device: the original's errors, and nothing changes"""
    domain = define(host)
    for name in ('disk', 'controller', 'redirdev'):
        domain.attachDeviceFlags(DEVICES[name](), CONFIG)
    before = devices_of(domain)
    refused(55, 'target vdb already exists', domain.attachDeviceFlags, DEVICES['disk'](), CONFIG)
    refused(55, "controller index='1' already exists", domain.attachDeviceFlags, DEVICES['controller'](), CONFIG)
    refused(84, "persistent attach of device 'hub' is not supported", domain.attachDeviceFlags, "<hub type='usb'/>", CONFIG)
    refused(99, 'no target device sdb', domain.detachDeviceFlags, DEVICES['scsi disk'](), CONFIG)
    refused(99, "no device found at address '(<null>)' matching MAC address '52:54:00:01:02:03' and alias '(<null>)'", domain.detachDeviceFlags, DEVICES['interface'](), CONFIG)
    refused(99, 'no matching RNG device was found', domain.detachDeviceFlags, DEVICES['rng'](), CONFIG)
    refused(8, "target vdz doesn't exist.", domain.updateDeviceFlags, disk('a', 'vdz', 'virtio'), CONFIG)
    refused(84, "persistent update of device 'rng' is not supported", domain.updateDeviceFlags, DEVICES['rng'](), CONFIG)
    refused(67, "unknown device type 'foo'", domain.attachDeviceFlags, '<foo/>', CONFIG)
    refused(35, "Couldn't find end of Start Tag disk", domain.attachDeviceFlags, '<disk', CONFIG)
    refused(55, 'domain is not running', domain.attachDeviceFlags, DEVICES['rng'](), LIVE)
    refused(1, 'no device found with alias nope', domain.detachDeviceAlias, 'nope', CONFIG)
    expect('definition', devices_of(domain), before)


def test_stored_update(host):
    """a disk's source and a display's password change in the definition"""
    domain = define(host, "<graphics type='vnc' port='5977' autoport='no' passwd='a'/>")
    domain.attachDeviceFlags(DEVICES['disk'](), CONFIG)
    place = re.search(r"vdb.*?<address[^>]*>", devices_of(domain), re.S).group(0)
    domain.updateDeviceFlags(disk('z', 'vdb', 'virtio'), CONFIG)
    expect('source', GUEST_DIR + '/z.raw' in devices_of(domain), True)
    expect('place', re.search(r"vdb.*?<address[^>]*>", devices_of(domain), re.S).group(0), place)
    domain.updateDeviceFlags("<graphics type='vnc' port='5977' autoport='no' passwd='b'/>", CONFIG)
    expect('password', "passwd='b'" in devices_of(domain, libvirt.VIR_DOMAIN_XML_SECURE), True)


def test_live(host):
    """every kind comes to a running guest with its alias and an event; what goes at once leaves with one, and its back end too"""
    seen = []
    domain = define(host)
    domain.create()
    conn = domain.connect()
    for kind in ('ADDED', 'REMOVED'):
        conn.domainEventRegisterAny(None, getattr(libvirt, 'VIR_DOMAIN_EVENT_ID_DEVICE_' + kind),
                                    lambda c, d, alias, kind: seen.append((kind, alias)), kind)
    stored = devices_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE)

    def behind():
        """Block nodes, character devices, objects and network back ends of QEMU."""
        return [host.virsh('qemu-monitor-command', 'one', '--hmp', what) for what in
                ('info block -n', 'info chardev', 'info network', 'info iothreads')]
    for name, xml in DEVICES.items():
        before, events = behind(), len(seen)
        domain.attachDeviceFlags(xml(), LIVE)
        wait_for('event of ' + name, lambda: len(seen) > events)
        # Of memory libvirt tells what is behind it.
        kind, alias = seen[-1][0], seen[-1][1].removeprefix('mem')
        expect(name, (kind, alias, "<alias name='%s'/>" % alias in devices_of(domain)), ('ADDED', alias, True))
        if name not in GO_AT_ONCE:
            continue
        domain.detachDeviceFlags(xml(), LIVE)
        wait_for('event', lambda: seen[-1] == ('REMOVED', alias))
        expect(name, "<alias name='%s'/>" % alias in devices_of(domain), False)
        expect('behind ' + name, behind(), before)
    expect('the definition', devices_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), stored)
    expect('memory', domain.maxMemory(), (64 + 128) << 10)
    conn.close()


def test_live_refused(host):
    """what QEMU or the driver refuses leaves nothing behind"""
    domain = define(host)
    domain.create()
    before, owner = devices_of(domain), os.stat(image('d')).st_uid
    refused(1, 'does not support hotplugging', domain.attachDeviceFlags, disk('d', 'sde', 'sata'), LIVE)
    expect('owner', os.stat(image('d')).st_uid, owner)
    refused(84, "floppy device hotplug isn't supported", domain.attachDeviceFlags, disk('d', 'fda', 'fdc', device='floppy'), LIVE)
    refused(84, "'usb' controller cannot be hot plugged.", domain.attachDeviceFlags,
            "<controller type='usb' index='1' model='qemu-xhci'/>", LIVE)
    refused(84, "input device on bus 'ps2' cannot be hot plugged.", domain.attachDeviceFlags, "<input type='mouse' bus='ps2'/>", LIVE)
    refused(84, "live attach of device 'sound' is not supported", domain.attachDeviceFlags, "<sound model='ich9'/>", LIVE)
    refused(38, 'Cannot access storage file', domain.attachDeviceFlags,
            disk('d', 'vde', 'virtio').replace('d.raw', 'none.raw'), LIVE)
    refused(99, 'disk sdz not found', domain.detachDeviceFlags, disk('d', 'sdz', 'scsi'), LIVE)
    refused(84, "'virtio-serial' controller cannot be hot unplugged.", domain.detachDeviceFlags,
            "<controller type='virtio-serial' index='0'/>", LIVE)
    refused(67, "live update of device 'rng' is not supported", domain.updateDeviceFlags, DEVICES['rng'](), LIVE)
    refused(1, 'no device found with alias nope', domain.detachDeviceAlias, 'nope', LIVE)
    expect('guest', devices_of(domain), before)
    domain.attachDeviceFlags(disk('d', 'vde', 'virtio'), LIVE)
    refused(27, "target 'vde' duplicated for disk sources", domain.attachDeviceFlags, disk('d', 'vde', 'virtio'), LIVE)


def test_both(host):
    """one call changes the guest and its definition, or neither"""
    domain = define(host)
    domain.create()
    domain.attachDeviceFlags(DEVICES['scsi disk'](), LIVE | CONFIG)
    expect('guest', targets(domain), ['sdb', 'sdd'])
    expect('definition', targets(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), ['sdb', 'sdd'])
    refused(1, 'does not support hotplugging', domain.attachDeviceFlags, disk('d', 'sde', 'sata'), LIVE | CONFIG)
    expect('definition', targets(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), ['sdb', 'sdd'])
    domain.detachDeviceFlags(DEVICES['scsi disk'](), LIVE | CONFIG)
    expect('guest', targets(domain), ['sdd'])
    expect('definition', targets(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), ['sdd'])


def test_media(host):
    """a drive's medium changes, is ejected and comes back; a disk is no drive"""
    domain = define(host)
    domain.create()
    cdrom = lambda name: disk(name, 'sdd', 'scsi', '<readonly/>', 'cdrom')
    inserted = lambda: host.virsh('qemu-monitor-command', 'one', '--hmp', 'info block')
    for name in ('m', 'n'):
        domain.updateDeviceFlags(cdrom(name), LIVE)
        expect('definition', '%s/%s.raw' % (GUEST_DIR, name) in devices_of(domain), True)
        expect('QEMU', '%s/%s.raw' % (GUEST_DIR, name) in inserted(), True)
    refused(38, 'Cannot access storage file', domain.updateDeviceFlags, cdrom('n').replace('n.raw', 'none.raw'), LIVE)
    domain.updateDeviceFlags("<disk type='file' device='cdrom'><target dev='sdd' bus='scsi'/></disk>", LIVE)
    expect('ejected', 'n.raw' in devices_of(domain) or 'n.raw' in inserted(), False)
    domain.attachDeviceFlags(cdrom('m'), LIVE)
    expect('by attach', 'm.raw' in devices_of(domain), True)
    refused(84, "cannot modify field 'device' of the disk", domain.updateDeviceFlags, disk('n', 'sdd', 'scsi'), LIVE)
    # One node is left for the drive's format and one for its file.
    nodes = host.virsh('qemu-monitor-command', 'one', '{"execute": "query-named-block-nodes"}')
    expect('nodes', nodes.count('"node-name":"libvirt-') + nodes.count('"node-name": "libvirt-') , 2)


def test_link(host):
    """an interface's link goes down and up"""
    domain = define(host, DEVICES['interface']())
    domain.create()
    for state in ('down', 'up'):
        domain.updateDeviceFlags(DEVICES['interface']().replace('</interface>', "<link state='%s'/></interface>" % state), LIVE)
        expect('definition', "<link state='%s'/>" % state in devices_of(domain), True)
        expect('virsh', host.virsh('domif-getlink', 'one', '52:54:00:01:02:03').split()[-1], state)
    refused(84, 'cannot modify network device model from virtio to e1000e', domain.updateDeviceFlags,
            DEVICES['interface']().replace("'virtio'", "'e1000e'"), LIVE)


def test_next_daemon(host):
    """a killed daemon's successor knows what was attached, and finds what went meanwhile"""
    domain = define(host)
    domain.create()
    for name in ('disk', 'scsi disk', 'usb disk'):
        domain.attachDeviceFlags(DEVICES[name](), LIVE)
    shown = lambda: (targets(domain), re.findall("<(?:alias|source|address) .*/>", devices_of(domain)))
    before = shown()
    host.restart_after_kill()
    domain = host.connect().lookupByName('one')
    expect('guest', shown(), before)
    domain.detachDeviceFlags(DEVICES['scsi disk'](), LIVE)
    expect('disks', targets(domain), ['sdd', 'vdb', 'sdc'])
    # Behind the driver's back, as a guest's own late answer would be.
    host.virsh('qemu-monitor-command', 'one', '{"execute":"device_del","arguments":{"id":"usb-disk2"}}')
    wait_for('it is gone', lambda: 'sdc' not in targets(domain))


def test_locks(host):
    """with a lock manager what comes is locked and what goes is free, and what somebody else has locked is refused"""
    host.configure(qemu='lock_manager = "lockd"')
    host.start_companion('virtlockd')
    host.start()
    domain = define(host)
    domain.create()
    path = image('b', 'qcow2')
    domain.attachDeviceFlags(DEVICES['scsi disk'](), LIVE)
    expect('locked', can_lock(path), False)
    domain.detachDeviceFlags(DEVICES['scsi disk'](), LIVE)
    expect('free again', can_lock(path), True)
    with open(path, 'r+') as f:
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        refused(87, 'is locked', domain.attachDeviceFlags, DEVICES['scsi disk'](), LIVE)
    expect('disks', targets(domain), ['sdd'])
    domain.attachDeviceFlags(DEVICES['scsi disk'](), LIVE)


def test_slow_guest(host):
    """a device that the guest keeps stays until the guest lets go; the call does not fail for that"""
    domain = define(host)
    domain.create()
    domain.attachDeviceFlags(DEVICES['disk'](), LIVE)
    domain.detachDeviceFlags(DEVICES['disk'](), LIVE)
    expect('still there', targets(domain), ['sdd', 'vdb'])
    domain.reset(0)                                              # pulls what was asked for
    wait_for('it goes', lambda: targets(domain) == ['sdd'])


def test_made_up_address(host):
    """an interface without an address gets one, the same in the guest and in its definition"""
    domain = define(host)
    domain.create()
    domain.attachDeviceFlags("<interface type='user'><model type='virtio'/></interface>", LIVE | CONFIG)
    macs = [re.findall("<mac address='([^']+)'", devices_of(domain, flags)) for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)]
    expect('addresses', (len(macs[0]), macs[0] == macs[1]), (1, True))


def test_file_sets(host):
    """files that are passed to QEMU while it runs do not get mixed up with those of its start, nor by the next daemon"""
    channel = lambda name: ("<channel type='file'><source path='/var/log/libvirt/qemu/%s.log'/><target type='virtio' name='org.example.%s'/>"
                            "</channel>" % (name, name))
    domain = define(host, channel('first'))
    domain.create()
    domain.attachDeviceFlags(channel('second'), LIVE)
    host.restart_after_kill()
    domain = host.connect().lookupByName('one')
    domain.attachDeviceFlags(channel('third'), LIVE)
    sets = json.loads(host.virsh('qemu-monitor-command', 'one', '{"execute":"query-fdsets"}'))['return']
    expect('a file in each', [len(each['fds']) for each in sets], [1] * 3)
