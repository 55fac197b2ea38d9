"""Storage pools and volumes: real virsh and python3-libvirt against a directory, and what is on the disk."""
import hashlib
import os
import signal
import subprocess
import threading
import time

import libvirt

from harness import Failure, Skip, expect, needs, run_events, wait_for
from upgrade import Image, only_ours, start, upgrade

CONFIG, STATE = '/etc/libvirt/storage', '/run/libvirt/storage'
EXIST, INVALID, NO_POOL, NO_VOLUME = 90, 55, 49, 50


def pool_xml(name, path):
    return "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>" % (name, path)


def volume_xml(name, size, format='raw', more='', allocation=None):
    return '<volume><name>%s</name><capacity>%d</capacity>%s<target><format type="%s"/></target>%s</volume>' % (
        name, size, '' if allocation is None else '<allocation>%d</allocation>' % allocation, format, more)


def refused(code, call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as e:
        expect('the code of %r' % str(e), e.get_error_code(), code)
        return
    raise Failure('%s%r was not refused' % (call.__name__, args))


def started(host, conn, name):
    pool = conn.storagePoolDefineXML(pool_xml(name, host.directory(name)))
    pool.create()
    return pool


def info(path):
    return subprocess.run(['qemu-img', 'info', '-U', path], capture_output=True, text=True, check=True).stdout


def test_pools(host):
    """define, build, start, autostart, refresh, destroy, delete and undefine by virsh; the files and the events of each"""
    run_events()
    conn, seen = host.connect(), []
    conn.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                     lambda _, pool, event, detail, __: seen.append((pool.name(), event)), None)
    conn.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                                     lambda _, pool, __: seen.append((pool.name(), 'refresh')), None)
    path = host.directory('pools') + '/deep/one'
    host.virsh('pool-define-as', 'one', 'dir', '--target', path)
    expect('its file', os.path.exists(CONFIG + '/one.xml'), True)
    host.virsh('pool-start', 'one', fails=True)                  # nothing there yet
    host.virsh('pool-build', 'one')
    expect('the mode', oct(os.stat(path).st_mode & 0o777), '0o711')
    host.virsh('pool-start', 'one')
    expect('its state', os.path.exists(STATE + '/one.xml'), True)
    host.virsh('pool-autostart', 'one')
    expect('its link', os.readlink(CONFIG + '/autostart/one.xml'), CONFIG + '/one.xml')
    with open(path + '/found', 'w') as f:
        f.write('bytes')
    host.virsh('pool-refresh', 'one')
    expect('the volumes', host.virsh('vol-list', 'one').split(), ['found', path + '/found'])
    refused(INVALID, conn.storagePoolLookupByName('one').undefine)
    refused(9, conn.storagePoolDefineXML, pool_xml('two', path))  # one directory is one pool
    os.unlink(path + '/found')
    for command in ('pool-destroy', 'pool-delete', 'pool-undefine'):
        host.virsh(command, 'one')
    expect('what is left', [os.path.lexists(p) for p in (path, CONFIG + '/one.xml', CONFIG + '/autostart/one.xml', STATE + '/one.xml')],
           [False] * 4)
    refused(NO_POOL, conn.storagePoolLookupByName, 'one')
    wait_for('the events', lambda: len(seen) >= 7)
    expect('the events', [event for _, event in seen],
           [libvirt.VIR_STORAGE_POOL_EVENT_DEFINED, libvirt.VIR_STORAGE_POOL_EVENT_CREATED, libvirt.VIR_STORAGE_POOL_EVENT_STARTED,
            'refresh', libvirt.VIR_STORAGE_POOL_EVENT_STOPPED, libvirt.VIR_STORAGE_POOL_EVENT_DELETED,
            libvirt.VIR_STORAGE_POOL_EVENT_UNDEFINED])


def test_lists(host):
    """every filter of pool lists, and the old calls beside them"""
    conn = host.connect()
    active = started(host, conn, 'active')
    active.setAutostart(1)
    conn.storagePoolDefineXML(pool_xml('idle', host.directory('idle')))
    conn.storagePoolCreateXML(pool_xml('transient', host.directory('transient')))
    conn.storagePoolDefineXML("<pool type='logical'><name>vg</name><source/></pool>")
    for flag, wanted in (('ACTIVE', 'active transient'), ('INACTIVE', 'idle vg'), ('PERSISTENT', 'active idle vg'), ('TRANSIENT', 'transient'),
                         ('AUTOSTART', 'active'), ('NO_AUTOSTART', 'idle transient vg'), ('DIR', 'active idle transient'), ('LOGICAL', 'vg'),
                         ('ISCSI_DIRECT', '')):
        flags = getattr(libvirt, 'VIR_CONNECT_LIST_STORAGE_POOLS_' + flag)
        expect(flag, sorted(p.name() for p in conn.listAllStoragePools(flags)), wanted.split())
    expect('active ones', (conn.numOfStoragePools(), sorted(conn.listStoragePools())), (2, ['active', 'transient']))
    expect('the others', (conn.numOfDefinedStoragePools(), sorted(conn.listDefinedStoragePools())), (2, ['idle', 'vg']))
    conn.storagePoolLookupByName('transient').destroy()
    refused(NO_POOL, conn.storagePoolLookupByName, 'transient')


def test_volumes(host):
    """virsh makes volumes of several kinds, finds them, clones, resizes, wipes and deletes them"""
    needs('qemu-img')
    conn = host.connect()
    pool = started(host, conn, 'images')
    host.virsh('vol-create-as', 'images', 'raw', '4M', '--allocation', '0')
    host.virsh('vol-create-as', 'images', 'disk.qcow2', '8M', '--format', 'qcow2')
    host.virsh('vol-create-as', 'images', 'top.qcow2', '8M', '--format', 'qcow2', '--backing-vol', 'disk.qcow2', '--backing-vol-format', 'qcow2')
    host.virsh('vol-create-as', 'images', 'sub', '0', '--format', 'dir')
    expect('the names', sorted(pool.listVolumes()), ['disk.qcow2', 'raw', 'sub', 'top.qcow2'])
    top = pool.storageVolLookupByName('top.qcow2')
    expect('by key and path', [v.name() for v in (conn.storageVolLookupByKey(top.key()), conn.storageVolLookupByPath(top.path()))], ['top.qcow2'] * 2)
    expect('its pool', top.storagePoolLookupByVolume().name(), 'images')
    expect('what it lies on', 'backing file: %s' % pool.storageVolLookupByName('disk.qcow2').path() in info(top.path()), True)
    expect('its XML says so', '<backingStore>' in top.XMLDesc(), True)
    host.virsh('vol-clone', '--pool', 'images', 'disk.qcow2', 'copy.qcow2')
    host.virsh('vol-resize', '--pool', 'images', 'copy.qcow2', '16M')
    expect('the new size', 'virtual size: 16 MiB' in info(pool.storageVolLookupByName('copy.qcow2').path()), True)
    raw = pool.storageVolLookupByName('raw')
    refused(8, raw.resize, 1 << 20)
    raw.resize(1 << 20, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
    raw.resize(1 << 20, libvirt.VIR_STORAGE_VOL_RESIZE_DELTA | libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE)
    expect('the size and the blocks', raw.info()[1:], [2 << 20, 2 << 20])
    with open(raw.path(), 'r+b') as f:
        f.write(b'secret')
    host.virsh('vol-wipe', '--pool', 'images', 'raw')
    with open(raw.path(), 'rb') as f:
        expect('the bytes', f.read(6), bytes(6))
    refused(EXIST, pool.createXML, volume_xml('raw', 1 << 20))
    refused(INVALID, pool.createXML, volume_xml('a/b', 1 << 20))
    directory = os.path.dirname(raw.path())
    for name in ('top.qcow2', 'copy.qcow2', 'disk.qcow2', 'raw', 'sub'):
        host.virsh('vol-delete', '--pool', 'images', name)
    expect('what is left', (pool.listVolumes(), os.listdir(directory)), ([], []))
    refused(NO_VOLUME, raw.XMLDesc)


def test_streams(host):
    """vol-upload and vol-download, whole, in parts and with holes; an upload beyond its length fails"""
    conn = host.connect()
    pool = started(host, conn, 'streams')
    source, back = host.write('source', 'x'), host.logs + '/back'
    with open(source, 'wb') as f:                                # data, a large hole, data, a hole
        f.write(os.urandom(3 << 20))
        f.seek(64 << 20)
        f.write(os.urandom(1 << 20))
        f.truncate(96 << 20)

    def digest(path):
        with open(path, 'rb') as f:
            return hashlib.sha256(f.read()).hexdigest()
    for options in ((), ('--sparse',)):
        name = 'v%d' % len(options)
        pool.createXML(volume_xml(name, 96 << 20, allocation=0))
        host.virsh('vol-upload', '--pool', 'streams', name, source, *options)
        host.virsh('vol-download', '--pool', 'streams', name, back, *options)
        expect('what came back', digest(back), digest(source))
        os.unlink(back)
    expect('no blocks for the holes', pool.storageVolLookupByName('v1').info()[2] < 8 << 20, True)
    host.virsh('vol-download', '--pool', 'streams', 'v1', back, '--offset', '5', '--length', '1000')
    with open(source, 'rb') as f, open(back, 'rb') as g:
        expect('a part', g.read(), f.read(1005)[5:])

    volume, stream = pool.storageVolLookupByName('v0'), conn.newStream()
    volume.upload(stream, 0, 100)
    try:
        stream.send(bytes(200))
        stream.finish()
    except libvirt.libvirtError:
        pass
    else:
        raise Failure('200 bytes went where 100 were to go')
    expect('it can be deleted', volume.delete(), 0)


def test_long_work_holds_nobody_up(host):
    """while a big volume is wiped, other calls are answered at once, and it can be neither deleted nor resized"""
    conn = host.connect()
    pool = started(host, conn, 'long')
    size = 512 << 20
    volume = pool.createXML(volume_xml('big', size))
    failures = []

    def wipe():
        try:
            host.connect().storageVolLookupByPath(volume.path()).wipe()
        except libvirt.libvirtError as e:
            failures.append(e)
    thread = threading.Thread(target=wipe)
    thread.start()
    refusals, slowest = 0, 0.0
    while thread.is_alive():
        begin = time.monotonic()
        pool.listVolumes()
        slowest = max(slowest, time.monotonic() - begin)
        try:
            if refusals == 0:
                volume.resize(size + 1)                          # harmless before the wiping has begun
            elif refusals == 1:
                volume.delete()
                raise Failure('a volume that is being wiped was deleted')
        except libvirt.libvirtError as e:
            expect('the reason', e.get_error_code(), INVALID)
            refusals += 1
        time.sleep(0.002)
    thread.join()
    expect('failures', failures, [])
    if refusals < 2:
        raise Skip('the disk is too fast for this')
    if not host.real and slowest > 0.5:
        raise Failure('a list took %.0f ms' % (slowest * 1000))
    expect('delete', volume.delete(), 0)


def test_nothing_half_is_left(host):
    """a qemu-img that is killed leaves no volume behind, neither in the list nor on the disk"""
    needs('qemu-img')
    if host.real:
        raise Skip('the original leaves the file')
    conn = host.connect()
    pool = started(host, conn, 'half')
    tool = host.directory('tool')
    with open(tool + '/qemu-img', 'w') as f:
        f.write('#!/bin/sh\nfor last; do :; done\nfor path; do case "$path" in /*/half*) : > "$path" ;; esac; done\nkill -9 $$\n')
    os.chmod(tool + '/qemu-img', 0o755)
    path = pool.createXML(volume_xml('seen', 1 << 20)).path()
    host.main.stop()
    host.env['PATH'] = tool + ':' + host.env['PATH']
    host.start()
    pool = host.connect().storagePoolLookupByName('half')
    refused(1, pool.createXML, volume_xml('gone', 1 << 20, 'qcow2'))
    expect('what is there', (pool.listVolumes(), os.listdir(os.path.dirname(path))), (['seen'], ['seen']))


def test_restart(host):
    """pools that were active are so for the next daemon, transient ones too, with their volumes; what has gone is idle"""
    conn = host.connect()
    started(host, conn, 'stays').createXML(volume_xml('v', 1 << 20))
    conn.storagePoolCreateXML(pool_xml('transient', host.directory('transient')))
    gone = host.directory('gone')
    conn.storagePoolDefineXML(pool_xml('gone', gone)).create()
    os.rmdir(gone)
    host.restart_after_kill()
    conn = host.connect()
    expect('the volumes', conn.storagePoolLookupByName('stays').listVolumes(), ['v'])
    expect('active', sorted(conn.listStoragePools()), ['stays', 'transient'])
    expect('idle', conn.listDefinedStoragePools(), ['gone'])


def test_autostart(host):
    """pools that are marked start with the daemon, and no others"""
    if host.real:
        raise Skip('the original starts every pool whose directory is there')
    conn = host.connect()
    for name in ('auto', 'other'):
        started(host, conn, name).destroy()
    conn.storagePoolLookupByName('auto').setAutostart(1)
    expect('the mark', host.connect().storagePoolLookupByName('auto').autostart(), 1)
    host.restart_after_kill()
    conn = host.connect()
    wait_for('the start', lambda: conn.listStoragePools() == ['auto'])


def test_upgrade(host):
    """SIGUSR1 keeps pools, volumes and who listens to events"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket)
    run_events()
    conn, seen = host.connect(), []
    pool = started(host, conn, 'kept')
    pool.createXML(volume_xml('v', 1 << 20))
    conn.storagePoolEventRegisterAny(pool, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lambda *args: seen.append(args[2]), None)
    upgrade(daemon, image)
    expect('the volumes', pool.listVolumes(), ['v'])
    pool.destroy()
    wait_for('the event', lambda: seen == [libvirt.VIR_STORAGE_POOL_EVENT_STOPPED])


def test_file_system(host):
    """a pool of type fs is mounted when it starts and unmounted when it ends"""
    needs('mkfs.ext4', 'losetup')
    image = host.write('fs.img', '')
    os.truncate(image, 16 << 20)
    done = subprocess.run(['losetup', '-f', '--show', image], capture_output=True, text=True)
    if done.returncode:
        raise Skip('no loop devices here')
    device = done.stdout.strip()
    try:
        subprocess.run(['mkfs.ext4', '-q', device], check=True)
        target = host.directory('mnt')
        conn = host.connect()
        pool = conn.storagePoolDefineXML("<pool type='fs'><name>fs</name><source><device path='%s'/><format type='ext4'/></source><target>"
                                         '<path>%s</path></target></pool>' % (device, target))
        try:
            pool.create()
        except libvirt.libvirtError as e:
            raise Skip('nothing can be mounted here: %s' % e)
        expect('what is on it', pool.listVolumes(), ['lost+found'])
        expect('mounted', os.path.ismount(target), True)
        pool.destroy()
        expect('unmounted', os.path.ismount(target), False)
    finally:
        subprocess.run(['losetup', '-d', device])


def volume_disk(pool, volume, target='vda'):
    return ("<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='%s' volume='%s'/>"
            "<target dev='%s' bus='virtio'/></disk>" % (pool, volume, target))


def test_guest_uses_volumes(host):
    """a guest's disk is a volume of a pool: at its start, when it is plugged in, and for the daemon that comes after"""
    needs('qemu-img')
    conn = host.connect()
    pool = started(host, conn, 'disks')
    os.chmod(host.logs, 0o755)
    os.chmod(os.path.dirname(pool.createXML(volume_xml('one', 1 << 20, 'qcow2')).path()), 0o711)
    pool.createXML(volume_xml('two', 1 << 20, 'qcow2'))
    host.define('user', devices=volume_disk('disks', 'one'))
    guest = conn.lookupByName('user')
    pool.destroy()
    refused(67, guest.create)                                    # its pool is not active
    pool.create()
    guest.create()
    xml = guest.XMLDesc()
    expect('the disk is a volume still', "<source pool='disks' volume='one'" in xml and "type='volume'" in xml, True)
    expect('QEMU has its file', guest.blockInfo('vda')[0], 1 << 20)
    guest.attachDeviceFlags(volume_disk('disks', 'two', 'vdb'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    expect('its size', guest.blockInfo('vdb')[0], 1 << 20)
    if host.real:
        return                                                   # which gives the guest up when it comes back
    host.restart_after_kill()
    conn = host.connect()
    guest = conn.lookupByName('user')
    expect('for the next daemon', "<source pool='disks' volume='two'" in guest.XMLDesc(), True)
    guest.destroy()
    refused(50, conn.defineXML(guest.XMLDesc().replace("volume='one'", "volume='none'")).create)
