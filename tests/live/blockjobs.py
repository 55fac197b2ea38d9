"""Block jobs over the images of running guests."""
import os
import re
import subprocess

import libvirt

from harness import GUEST_DIR, Failure, expect, guest_xml, wait_for

COMPLETED, CANCELED, READY = (libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED, libvirt.VIR_DOMAIN_BLOCK_JOB_CANCELED,
                              libvirt.VIR_DOMAIN_BLOCK_JOB_READY)
PULL, COMMIT, ACTIVE = (libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT,
                        libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT)


class Guest:
    """One that runs on the top of a chain of images a0 <- a1 <- a2 <- a3, and what is heard of its jobs."""

    def __init__(self, host):
        images = ['%s/a%d' % (GUEST_DIR, i) for i in range(4)]
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', images[0], '4M'], check=True)
        for below, image in zip(images, images[1:]):
            subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', below, '-F', 'qcow2', image], check=True)
        subprocess.run(['qemu-io', '-f', 'qcow2', '-c', 'write 0 2M', images[2]], check=True, capture_output=True)
        disk = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>"
                "<target dev='vda' bus='virtio'/></disk>" % images[3])
        conn = host.connect()
        conn.defineXML(guest_xml('one', devices=disk))
        self.listen(host)
        self.domain.create()

    def listen(self, host, kill=False):
        if kill:
            host.restart_after_kill()
        self.heard = []
        self.conn = host.connect()
        self.domain = self.conn.lookupByName('one')
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                         lambda c, d, disk, kind, status, o: self.heard.append((kind, status)), None)

    def chain(self):
        return [path[-2:] for path in re.findall(r"<source file='([^']*)'", self.domain.XMLDesc().split('<target')[0])]

    def hears(self, *events):
        wait_for('%r of %r' % (events, self.heard), lambda: self.heard == list(events))


def refused(code, call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        expect('code of "%s"' % error, error.get_error_code(), code)
        return
    raise Failure('%r was not refused' % (args,))


def test_pull(host):
    """images come into the top one, down to one that stays and then all, and the chain in the XML gets shorter"""
    guest = Guest(host)
    expect('before', guest.chain(), ['a3', 'a2', 'a1', 'a0'])
    guest.domain.blockRebase('vda', GUEST_DIR + '/a1', 0, 0)
    guest.hears((PULL, COMPLETED))
    expect('rebased', guest.chain(), ['a3', 'a1', 'a0'])
    guest.domain.blockPull('vda')
    guest.hears((PULL, COMPLETED), (PULL, COMPLETED))
    expect('alone', guest.chain(), ['a3'])
    refused(libvirt.VIR_ERR_INVALID_ARG, guest.domain.blockPull, 'vdz')
    guest.domain.destroy()


def test_commit(host):
    """images go into one below them: from the middle, and from the top with the guest moving down"""
    guest = Guest(host)
    refused(libvirt.VIR_ERR_INVALID_ARG, guest.domain.blockCommit, 'vda', None, None)
    guest.domain.blockCommit('vda', 'vda[3]', 'vda[2]')
    guest.hears((COMMIT, COMPLETED))
    expect('without a2', guest.chain(), ['a3', 'a1', 'a0'])
    guest.domain.blockCommit('vda', None, None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
    guest.hears((COMMIT, COMPLETED), (ACTIVE, READY))
    expect('mirror', "<mirror type='file' job='active-commit' ready='yes'>" in guest.domain.XMLDesc(), True)
    info = guest.domain.blockJobInfo('vda', 0)
    expect('type', info['type'], ACTIVE)
    guest.domain.blockJobAbort('vda', libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    guest.hears((COMMIT, COMPLETED), (ACTIVE, READY), (ACTIVE, COMPLETED))
    expect('at the bottom', guest.chain(), ['a0'])
    expect('no job', guest.domain.blockJobInfo('vda', 0), {})
    guest.domain.destroy()


def test_abort(host):
    """a commit that is given up leaves the disk where it was"""
    guest = Guest(host)
    guest.domain.blockCommit('vda', None, None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
    guest.hears((ACTIVE, READY))
    refused(libvirt.VIR_ERR_BLOCK_COPY_ACTIVE, guest.domain.blockPull, 'vda')
    guest.domain.blockJobAbort('vda')
    guest.hears((ACTIVE, READY), (ACTIVE, CANCELED))
    expect('chain', guest.chain(), ['a3', 'a2', 'a1', 'a0'])
    expect('no mirror', '<mirror' in guest.domain.XMLDesc(), False)
    refused(libvirt.VIR_ERR_INVALID_ARG, guest.domain.blockJobAbort, 'vda')
    guest.domain.destroy()


def test_next_daemon(host):
    """the next daemon goes on with the jobs of one that was killed, those that are ready and those that run"""
    guest = Guest(host)
    guest.domain.blockCommit('vda', None, None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
    guest.hears((ACTIVE, READY))
    guest.listen(host, kill=True)
    expect('job', guest.domain.blockJobInfo('vda', 0)['type'], ACTIVE)
    guest.domain.blockJobAbort('vda')
    guest.hears((ACTIVE, CANCELED))
    guest.domain.blockCommit('vda', 'vda[3]', 'vda[2]', 1, libvirt.VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES)
    guest.listen(host, kill=True)
    expect('job', guest.domain.blockJobInfo('vda', 0)['type'], COMMIT)
    guest.domain.blockJobSetSpeed('vda', 0)
    guest.hears((COMMIT, COMPLETED))
    expect('without a2', guest.chain(), ['a3', 'a1', 'a0'])
    guest.domain.destroy()


COPY = libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY
TRANSIENT = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


def destination(path, kind='qcow2'):
    return "<disk type='file'><source file='%s'/><driver type='%s'/></disk>" % (path, kind)


def fresh(name):
    path = '%s/%s' % (GUEST_DIR, name)
    if os.path.exists(path):
        os.unlink(path)
    return path


def test_copy(host):
    """all of a disk comes into a new image, on which the guest goes on and which its definition then has"""
    guest = Guest(host)
    target = fresh('c1')
    refused(libvirt.VIR_ERR_OPERATION_INVALID, guest.domain.blockCopy, 'vda', destination(target), {}, 0)
    refused(libvirt.VIR_ERR_INVALID_ARG, guest.domain.blockCopy, 'vda', destination(target),
            {libvirt.VIR_DOMAIN_BLOCK_COPY_GRANULARITY: 3000}, TRANSIENT)
    refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, guest.domain.blockCopy, 'vda', destination(GUEST_DIR + '/a0'), {}, TRANSIENT)
    expect('nothing was made', os.path.exists(target), False)
    guest.domain.blockCopy('vda', destination(target), {}, TRANSIENT)
    guest.hears((COPY, READY))
    mirror = re.search('<mirror.*?</mirror>', guest.domain.XMLDesc(), re.S).group(0)
    if "file='%s' format='qcow2' job='copy' ready='yes'" % target not in mirror:
        raise Failure('mirror is %s' % mirror)
    refused(libvirt.VIR_ERR_BLOCK_COPY_ACTIVE, guest.domain.blockCopy, 'vda', destination(fresh('c2')), {}, TRANSIENT)
    guest.domain.blockJobAbort('vda', libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    guest.hears((COPY, READY), (COPY, COMPLETED))
    expect('chain', guest.chain(), ['c1'])
    if target not in guest.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE):
        raise Failure('the definition has another image')
    guest.domain.destroy()
    said = subprocess.run(['qemu-io', '-f', 'qcow2', '-c', 'read -P 0xcd 0 2M', target], capture_output=True, text=True).stdout
    if 'read 2097152/2097152' not in said or 'failed' in said:
        raise Failure('the copy is not what was copied: %s' % said)


def test_copy_given_up(host):
    """a copy that is given up leaves the guest where it was, and nothing of it in QEMU: the next one may begin"""
    guest = Guest(host)
    for name in ('c1', 'c2'):
        guest.heard.clear()
        guest.domain.blockCopy('vda', destination(fresh(name), 'raw'), {}, TRANSIENT)
        guest.hears((COPY, READY))
        guest.domain.blockJobAbort('vda')
        guest.hears((COPY, READY), (COPY, CANCELED))
        expect('chain', guest.chain(), ['a3', 'a2', 'a1', 'a0'])
    expect('mirror', '<mirror' in guest.domain.XMLDesc(), False)


def test_shallow_copy(host):
    """of a chain only the top is copied and what is below stays; a daemon that comes later ends the job"""
    guest = Guest(host)
    guest.domain.blockCopy('vda', destination(fresh('c1')), {}, TRANSIENT | libvirt.VIR_DOMAIN_BLOCK_COPY_SHALLOW)
    guest.hears((COPY, READY))
    guest.listen(host, kill=not host.real)
    wait_for('the job is known', lambda: guest.domain.blockJobInfo('vda').get('type') == COPY)
    guest.domain.blockJobAbort('vda', libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    expect('chain', guest.chain(), ['c1', 'a2', 'a1', 'a0'])
