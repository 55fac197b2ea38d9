"""Block jobs over the images of running guests."""
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
