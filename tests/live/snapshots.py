"""Snapshots, checkpoints and backups: their metadata, and what they do to the images of guests that run and that do not."""
import os
import re
import subprocess

import libvirt

from harness import GUEST_DIR, Failure, expect, guest_xml, wait_for

DISK_ONLY = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
METADATA_ONLY = libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY


def define(host, name='one'):
    for left in os.listdir(GUEST_DIR):
        if left.startswith(name + '.') or left in ('b1', 'b2', 'scratch'):
            os.unlink(os.path.join(GUEST_DIR, left))
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '%s/%s.qcow2' % (GUEST_DIR, name), '8M'], check=True)
    disk = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s/%s.qcow2'/>"
            "<target dev='vda' bus='virtio'/></disk>" % (GUEST_DIR, name))
    return host.connect().defineXML(guest_xml(name, devices=disk))


def take(domain, name, flags=0, more=''):
    return domain.snapshotCreateXML('<domainsnapshot><name>%s</name>%s</domainsnapshot>' % (name, more), flags)


def refused(code, call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        expect('code of "%s"' % error, error.get_error_code(), code)
        return
    raise Failure('%r was not refused' % (args,))


def inside(image):
    """The names of the snapshots in an image."""
    text = subprocess.run(['qemu-img', 'snapshot', '-U', '-l', image], check=True, capture_output=True, text=True).stdout
    return [line.split()[1] for line in text.splitlines()[2:]]


def source(domain, flags=0):
    return re.search(r"<source file='([^']*)'", domain.XMLDesc(flags)).group(1)


def tidy(domain):
    for snapshot in domain.listAllSnapshots():
        snapshot.delete(METADATA_ONLY)
    for checkpoint in domain.listAllCheckpoints():
        checkpoint.delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)


def test_metadata(host):
    """what is known of snapshots outlives the daemon, keeps a domain from being undefined, and goes with its new name"""
    domain = define(host)
    first = take(domain, 'first', more='<description>d</description>')
    take(domain, 'second')
    expect('in the image', inside(GUEST_DIR + '/one.qcow2'), ['first', 'second'])
    before = first.getXMLDesc()
    host.restart_after_kill()
    domain = host.connect().lookupByName('one')
    expect('XML', domain.snapshotLookupByName('first').getXMLDesc(), before)
    expect('current', domain.snapshotCurrent().getName(), 'second')
    expect('parent', domain.snapshotCurrent().getParent().getName(), 'first')
    refused(libvirt.VIR_ERR_OPERATION_INVALID, domain.undefine)
    domain.rename('two')
    host.restart_after_kill()
    domain = host.connect().lookupByName('two')
    domain.snapshotLookupByName('first').delete()
    expect('left', [s.getName() for s in domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)], ['second'])
    expect('left in the image', inside(GUEST_DIR + '/one.qcow2'), ['second'])
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    expect('files', [os.path.exists('/var/lib/libvirt/qemu/snapshot/' + name) for name in ('one', 'two')], [False, False])


def test_redefine(host):
    """what one daemon says of its snapshots another takes back, tree and current one"""
    domain = define(host)
    for name in ('a', 'b', 'c'):
        take(domain, name)
    take(domain, 'd')
    told = [(s.getName(), s.getXMLDesc(libvirt.VIR_DOMAIN_SNAPSHOT_XML_SECURE)) for s in
            domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL)]
    tidy(domain)
    expect('gone', domain.snapshotNum(), 0)
    for name, xml in told:
        flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
        domain.snapshotCreateXML(xml, flags | (libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT if name == 'd' else 0))
    expect('again', [(name, domain.snapshotLookupByName(name).getXMLDesc(libvirt.VIR_DOMAIN_SNAPSHOT_XML_SECURE)) for name, _ in told], told)
    expect('current', domain.snapshotCurrent().getName(), 'd')
    expect('below a', domain.snapshotLookupByName('a').numChildren(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS), 3)
    tidy(domain)


def test_revert(host):
    """a guest goes back to when it ran, and to when it did not"""
    domain = define(host)
    off = take(domain, 'off')
    domain.create()
    on = take(domain, 'on')
    domain.destroy()
    domain.revertToSnapshot(on)
    expect('runs', domain.state(), [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_FROM_SNAPSHOT])
    domain.revertToSnapshot(on, libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED)
    expect('stands', domain.state(), [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_FROM_SNAPSHOT])
    domain.revertToSnapshot(off)
    expect('is off', domain.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT])
    expect('current', domain.snapshotCurrent().getName(), 'off')
    tidy(domain)


def test_external(host):
    """overlays come over a running guest's disk, and deleting their snapshots merges them, at the top and in the middle"""
    domain = define(host)
    domain.create()
    base = source(domain)
    for name in ('e1', 'e2', 'e3'):
        take(domain, name, DISK_ONLY)
    expect('top', [source(domain), source(domain, libvirt.VIR_DOMAIN_XML_INACTIVE)], [GUEST_DIR + '/one.e3'] * 2)
    domain.snapshotLookupByName('e2').delete()
    expect('after the middle one', [os.path.exists(GUEST_DIR + '/one.' + e) for e in ('e1', 'e2', 'e3')], [True, False, True])
    domain.snapshotLookupByName('e3').delete()
    expect('after the top one', source(domain), GUEST_DIR + '/one.e1')
    domain.snapshotLookupByName('e1').delete()
    expect('at the end', [source(domain), source(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), domain.snapshotNum()], [base, base, 0])
    take(domain, 'e4', DISK_ONLY)
    refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, domain.revertToSnapshot, domain.snapshotLookupByName('e4'))
    domain.destroy()
    domain.snapshotLookupByName('e4').delete()
    expect('merged while off', source(domain), base)


def test_memory(host):
    """a full snapshot in files of its own, of a guest that goes on afterwards"""
    domain = define(host)
    domain.create()
    take(domain, 'm', more="<memory snapshot='external' file='%s/one.mem'/>" % GUEST_DIR)
    expect('state', domain.state()[0], libvirt.VIR_DOMAIN_RUNNING)
    expect('files', [os.path.exists(GUEST_DIR + '/one.' + e) for e in ('m', 'mem')], [True, True])
    domain.destroy()
    tidy(domain)


def test_checkpoint(host):
    """changes are kept track of in bitmaps, which go with their checkpoints"""
    domain = define(host)
    refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, domain.checkpointCreateXML, '<domaincheckpoint/>')
    domain.create()
    for name in ('c1', 'c2', 'c3'):
        domain.checkpointCreateXML('<domaincheckpoint><name>%s</name></domaincheckpoint>' % name)
    c2 = domain.checkpointLookupByName('c2')
    expect('parent', c2.getParent().getName(), 'c1')
    expect('size', "size='0'" in c2.getXMLDesc(libvirt.VIR_DOMAIN_CHECKPOINT_XML_SIZE), True)
    take(domain, 'over', DISK_ONLY)
    c2.delete()
    expect('left', sorted(c.getName() for c in domain.listAllCheckpoints()), ['c1', 'c3'])
    expect('new parent', domain.checkpointLookupByName('c3').getParent().getName(), 'c1')
    domain.checkpointLookupByName('c1').delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN)
    expect('none', domain.listAllCheckpoints(), [])
    domain.destroy()
    tidy(domain)


def test_backup(host):
    """a disk is copied while its guest runs, all of it and what changed since, and can be fetched"""
    domain = define(host)
    domain.create()
    ended = []
    conn = host.connect()
    conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, lambda c, d, params, o: ended.append(params['success']), None)
    disk = "<disks><disk name='vda' type='file'><target file='%s/%%s'/></disk></disks>" % GUEST_DIR
    domain.backupBegin('<domainbackup>%s</domainbackup>' % disk % 'b1', '<domaincheckpoint><name>c1</name></domaincheckpoint>')
    wait_for('the end', lambda: ended == [True])
    domain.backupBegin('<domainbackup><incremental>c1</incremental>%s</domainbackup>' % disk % 'b2', None)
    wait_for('the second end', lambda: ended == [True, True])
    expect('copies', [os.path.exists('%s/%s' % (GUEST_DIR, b)) for b in ('b1', 'b2')], [True, True])
    domain.backupBegin("<domainbackup mode='pull'><server transport='unix' socket='/var/lib/libvirt/qemu/nbd'/><disks><disk name='vda' type='file'>"
                       "<scratch file='%s/scratch'/></disk></disks></domainbackup>" % GUEST_DIR, None)
    size = subprocess.run(['qemu-img', 'info', 'nbd+unix:///vda?socket=/var/lib/libvirt/qemu/nbd'], capture_output=True, text=True)
    expect('what is served', '8 MiB' in size.stdout, True)
    expect('told', "exportname='vda'" in domain.backupGetXMLDesc(), True)
    domain.abortJob()
    wait_for('the third end', lambda: len(ended) == 3)
    wait_for('scratch file gone', lambda: not os.path.exists(GUEST_DIR + '/scratch'))
    refused(libvirt.VIR_ERR_NO_DOMAIN_BACKUP, domain.backupGetXMLDesc)
    domain.destroy()
    tidy(domain)
