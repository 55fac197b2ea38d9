"""Storage pools that are no directories: volume groups, disks, host bus adapters and iSCSI targets, with programs of
theirs and a /sys that are made up where this machine has none."""
import contextlib
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import libvirt

from harness import Skip, expect, needs
from hostdevices import code_of, restart

HERE = os.path.dirname(os.path.abspath(__file__))
LVM = ('pvs', 'pvcreate', 'pvremove', 'vgs', 'vgscan', 'vgcreate', 'vgremove', 'vgchange', 'lvs', 'lvcreate', 'lvremove')
GROUP = 'bvlivegroup'

ISCSIADM = """#!/bin/sh
echo "$*" >>%(dir)s/calls
case "$*" in
  "--mode session") [ -e %(dir)s/session ] || exit 21
    echo "tcp: [6] 127.0.0.1:3260,1 iqn.2026-01.test:disk (non-flash)" ;;
  *discovery*) echo "127.0.0.1:3260,1 iqn.2026-01.test:disk" ;;
  *--login*) touch %(dir)s/session ;;
  *--logout*) rm %(dir)s/session ;;
  "--mode iface") echo "default tcp,<empty>,<empty>,<empty>,<empty>" ;;
esac
"""


def programs(host, directory, sys=None):
    """The daemon again, with the programs of `directory` before all others and a /sys of its own."""
    host.env['PATH'] = directory + ':' + host.env['PATH']
    bind = ['unshare', '-m', 'sh', '-c', 'mount --bind %s /sys; exec "$@"' % sys, 'sh'] if sys else []
    restart(host, become=bind)


def finds_programs(host):
    if host.bindir == '/usr/sbin':
        raise Skip('the original has its programs in fixed places')


def put(path, text, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


def volume(name, size, more='', allocation=None):
    return '<volume><name>%s</name><capacity>%d</capacity>%s%s</volume>' % (
        name, size, '' if allocation is None else '<allocation>%d</allocation>' % allocation, more)


def extents(vol):
    return [(e.get('start'), e.get('end')) for e in ET.fromstring(vol.XMLDesc()).iter('extent')]


def calls(directory):
    with open(directory + '/calls', 'r+') as f:
        text = f.read()
        f.truncate(0)
    return text.splitlines()


def test_logical(host):
    """a volume group is made, found, filled with volumes, snapshots and clones, and taken down; a daemon that comes after finds it"""
    finds_programs(host)
    shutil.rmtree('/dev/' + GROUP, ignore_errors=True)  # of a run that failed
    state = host.directory('lvm')
    for name in LVM:
        shutil.copy(HERE + '/programs/lvm', state + '/' + name)
        os.chmod(state + '/' + name, 0o755)
    host.env['LVM_STAND_IN'] = state
    device = host.directory('disks') + '/pv'
    with open(device, 'wb') as f:
        f.truncate(64 << 20)
    programs(host, state)
    conn = host.connect()
    pool = conn.storagePoolDefineXML("<pool type='logical'><name>group</name><source><device path='%s'/><name>%s</name></source></pool>"
                                     % (device, GROUP))
    expect('before it is there', code_of(pool.create), libvirt.VIR_ERR_CONFIG_UNSUPPORTED)
    pool.build()
    pool.create()
    expect('its numbers', pool.info()[1:], [64 << 20, 0, 64 << 20])
    expect('it is found', ET.fromstring(conn.findStoragePoolSources('logical', None)).findtext('source/name'), GROUP)
    one = pool.createXML(volume('one', 10 << 20))
    expect('path and key', (one.path(), one.key()), ('/dev/%s/one' % GROUP, 'uuid-one'))
    expect('its size is of whole extents', one.info()[1], 12 << 20)
    expect('where it is', extents(one), [('0', str(12 << 20))])
    calls(state)
    pool.createXML(volume('sparse', 8 << 20, allocation=4 << 20))
    snap = pool.createXML(volume('snap', 12 << 20, '<backingStore><path>%s</path></backingStore>' % one.path()))
    expect('how they are made', [c for c in calls(state) if c.startswith('lvcreate')],
           ['lvcreate --name sparse -L 4096K --type snapshot --virtualsize 8192K %s --yes' % GROUP,
            'lvcreate --name snap -L 12288K -s %s --yes' % one.path()])
    expect('what it lies on', ET.fromstring(snap.XMLDesc()).findtext('backingStore/path'), one.path())
    with open(one.path(), 'r+b') as f:
        f.write(b'bytes of one')
    with open(pool.createXMLFrom(volume('copy', 12 << 20), one).path(), 'rb') as f:
        expect('a clone', f.read(12), b'bytes of one')
    for what, wanted in ((lambda: pool.createXML(volume('one', 1 << 20)), libvirt.VIR_ERR_STORAGE_VOL_EXIST),
                         (lambda: pool.createXML(volume('huge', 1 << 40)), libvirt.VIR_ERR_INTERNAL_ERROR),
                         (lambda: one.resize(20 << 20), libvirt.VIR_ERR_NO_SUPPORT)):
        expect('refused', code_of(what), wanted)
    one.delete()
    expect('what is left', sorted(pool.listVolumes()), ['copy', 'snap', 'sparse'])
    host.restart_after_kill()
    pool = host.connect().storagePoolLookupByName('group')
    expect('with the next daemon', (pool.isActive(), pool.numOfVolumes(), pool.info()[3]), (1, 3, (64 - 4 - 12 - 12) << 20))
    pool.destroy()
    expect('its directory', os.path.exists('/dev/' + GROUP), False)
    pool.delete()
    expect('deleted', code_of(pool.create), libvirt.VIR_ERR_CONFIG_UNSUPPORTED)


@contextlib.contextmanager
def loop_device(path, size):
    with open(path, 'wb') as f:
        f.truncate(size)
    done = subprocess.run(['losetup', '-P', '-f', '--show', path], capture_output=True, text=True)
    if done.returncode:
        raise Skip('no loop device: ' + done.stderr.strip())
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run(['losetup', '-d', done.stdout.strip()])


def test_disk(host):
    """a disk gets a table and partitions of each kind; their names are the kernel's, and nothing is left of what is refused"""
    needs('parted', 'losetup')
    with loop_device(host.directory('disks') + '/disk', 128 << 20) as device:
        conn = host.connect()
        name = os.path.basename(device) + 'p%d'
        pool = conn.storagePoolDefineXML("<pool type='disk'><name>disk</name><source><device path='%s'/></source>"
                                         "<target><path>/dev</path></target></pool>" % device)
        expect('without a table', code_of(pool.create), libvirt.VIR_ERR_STORAGE_PROBE_FAILED)
        pool.build()
        expect('built already', code_of(pool.build), libvirt.VIR_ERR_STORAGE_POOL_BUILT)
        pool.create()
        expect('its format', ET.fromstring(pool.XMLDesc()).find('source/format').get('type'), 'dos')
        first = pool.createXML(volume(name % 1, 8 << 20))
        expect('where it is', (first.path(), os.path.exists(first.path())), (device + 'p1', True))
        pool.createXML(volume(name % 2, 60 << 20, "<target><format type='extended'/></target>"))
        if host.bindir != '/usr/sbin':  # the original makes them, finds out, and takes away another
            before = pool.XMLDesc()
            expect('another name', code_of(lambda: pool.createXML(volume('mine', 1 << 20))), libvirt.VIR_ERR_INVALID_ARG)
            expect('nothing happened', pool.XMLDesc(), before)
        for number in (3, 4):
            pool.createXML(volume(name % number, 4 << 20, "<target><format type='linux-swap'/></target>"))
        inside = pool.createXML(volume(name % 5, 8 << 20))
        outer = extents(pool.storageVolLookupByName(name % 2))[0]
        expect('a logical one is inside', int(outer[0]) < int(extents(inside)[0][0]) < int(outer[1]), True)
        expect('too large', code_of(lambda: pool.createXML(volume(name % 6, 1 << 40))), libvirt.VIR_ERR_INTERNAL_ERROR)
        expect('no format of images', code_of(lambda: pool.createXML(volume(name % 6, 1 << 20, "<target><format type='qcow2'/></target>"))),
               libvirt.VIR_ERR_CONFIG_UNSUPPORTED)
        if host.bindir != '/usr/sbin':  # the original takes the number for "p5", with devices like these
            inside.delete()
            expect('the kernel knows', os.path.exists(device + 'p5'), False)
        pool.destroy()
        pool.delete()
        expect('the table is gone', code_of(pool.create), libvirt.VIR_ERR_STORAGE_PROBE_FAILED)


def scsi_host(directory, device):
    """A /sys of SCSI host 3 with one disk, which belongs to iSCSI session 6."""
    session = directory + '/sys/devices/platform/host3/session6'
    unit = session + '/target3:0:0/3:0:0:1'
    put(unit + '/type', '0\n')
    os.makedirs(unit + '/block/' + os.path.basename(device))
    put(directory + '/sys/class/scsi_host/host3/scan', '', 0o644)
    os.makedirs(directory + '/sys/bus/scsi/devices')
    os.symlink(unit, directory + '/sys/bus/scsi/devices/3:0:0:1')
    put(directory + '/sys/bus/scsi/devices/3:0:0:2/type', '3\n')  # a processor
    os.makedirs(directory + '/sys/class/iscsi_session/session6')
    os.symlink(session, directory + '/sys/class/iscsi_session/session6/device')
    return directory + '/sys'


def test_scsi_and_iscsi(host):
    """disks of an adapter, and of a target that is logged in to with a password and an initiator of its own"""
    finds_programs(host)
    directory = host.directory('scsi')
    put(directory + '/bin/iscsiadm', ISCSIADM % {'dir': directory})
    with loop_device(directory + '/disk', 16 << 20) as device:
        programs(host, directory + '/bin', scsi_host(directory, device))
        conn = host.connect()
        pool = conn.storagePoolDefineXML("<pool type='scsi'><name>adapter</name><source><adapter name='host3'/></source>"
                                         "<target><path>/dev</path></target></pool>")
        pool.create()
        expect('the kernel looked for disks', open(directory + '/sys/class/scsi_host/host3/scan').read(), '- - -')
        expect('the disks', [(v.name(), v.path(), v.info()[1]) for v in pool.listAllVolumes()], [('unit:0:0:1', device, 16 << 20)])
        unit = pool.storageVolLookupByName('unit:0:0:1')
        for what in (unit.delete, lambda: pool.createXML(volume('unit:0:0:3', 1 << 20)), lambda: unit.resize(1 << 30), pool.delete):
            expect('what hosts have is not ours', code_of(what) in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_INVALID), True)
        pool.destroy()
        pool.undefine()

        secret = conn.secretDefineXML("<secret><usage type='iscsi'><target>t</target></usage></secret>")
        pool = conn.storagePoolDefineXML(
            "<pool type='iscsi'><name>target</name><source><host name='127.0.0.1'/><device path='iqn.2026-01.test:disk'/>"
            "<initiator><iqn name='iqn.2026-01.test:me'/></initiator><auth type='chap' username='bob'><secret usage='t'/></auth></source>"
            "<target><path>/dev</path></target></pool>")
        expect('without a password', code_of(pool.create), libvirt.VIR_ERR_NO_SECRET)
        secret.setValue(b'pass')
        calls(directory)
        pool.create()
        done = calls(directory)
        expect('the password', [c.split('--name ')[1] for c in done if 'node.session' in c],
               ['node.session.auth.authmethod --value CHAP', 'node.session.auth.username --value bob', 'node.session.auth.password --value pass'])
        login = next(c for c in done if '--login' in c)
        expect('the login', login.split(' --interface ')[0],
               '--mode node --portal 127.0.0.1:3260,1 --targetname iqn.2026-01.test:disk --login')
        expect('its disks', pool.listVolumes(), ['unit:0:0:1'])
        expect('its port', ET.fromstring(pool.XMLDesc()).find('source/host').get('port'), '3260')
        found = ET.fromstring(conn.findStoragePoolSources('iscsi', "<source><host name='127.0.0.1'/></source>"))
        expect('what there is', [d.get('path') for d in found.iter('device')], ['iqn.2026-01.test:disk'])
        pool.destroy()
        expect('the session', os.path.exists(directory + '/session'), False)
        secret.undefine()
