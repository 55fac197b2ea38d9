"""Definitions on disk: what one daemon wrote the other takes over, in both directions."""
import difflib
import glob
import os

from harness import Failure, Skip, expect, guest_xml

ORIGINAL = '/usr/sbin/libvirtd'
DISK = "<disk type='file' device='%s'><driver name='qemu' type='%s'%s/><source file='/var/lib/libvirt/images/%s'/><target dev='%s' bus='%s'/>%s</disk>"
GUESTS = {
    'plain': guest_xml('plain'),
    'old-board': guest_xml('old-board', machine='pc', devices="<video><model type='cirrus'/></video><graphics type='vnc' passwd='secret'/>"),
    'disks': guest_xml('disks', devices=''.join((
        DISK % ('disk', 'qcow2', " cache='none' discard='unmap' iothread='1'", 'a.qcow2', 'vda', 'virtio', '<serial>A-1</serial>'),
        DISK % ('disk', 'raw', '', 'b.img', 'sda', 'scsi', '<shareable/>'),
        DISK % ('cdrom', 'raw', '', 'c.iso', 'sdb', 'sata', '<readonly/>'),
        "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='rbd' name='pool/x'>"
        "<host name='mon' port='6789'/></source><target dev='vdb' bus='virtio'/><iotune><total_iops_sec>500</total_iops_sec></iotune></disk>",
        "<controller type='scsi' model='virtio-scsi'/>")), extra='<iothreads>2</iothreads>'),
    'devices': guest_xml('devices', devices=(
        "<interface type='user'><mac address='52:54:00:01:02:03'/><model type='virtio'/></interface>"
        "<interface type='bridge'><source bridge='br0'/><mtu size='1400'/><model type='e1000e'/></interface>"
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<input type='tablet' bus='usb'/><graphics type='spice' autoport='yes'/><sound model='ich9'/><rng model='virtio'>"
        "<backend model='random'>/dev/urandom</backend></rng><watchdog model='i6300esb' action='poweroff'/>"
        "<memballoon model='virtio'><stats period='5'/></memballoon><vsock model='virtio'><cid auto='yes'/></vsock><panic model='isa'/>")),
    'settings': guest_xml('settings', extra=(
        "<title>a title</title><description>&lt;of&gt; it</description><metadata><a:b xmlns:a='urn:a'>text</a:b></metadata>"
        "<cpu mode='host-model'><topology sockets='1' dies='1' cores='1' threads='1'/></cpu>"
        "<clock offset='utc'><timer name='hpet' present='no'/></clock><on_crash>restart</on_crash>"
        "<memtune><hard_limit unit='MiB'>512</hard_limit></memtune><cputune><shares>2048</shares></cputune>")),
}


def definitions(host):
    return {name: host.virsh('dumpxml', '--inactive', '--security-info', name) for name in sorted(GUESTS)}


def define_anew(host, texts):
    for name, text in texts.items():
        host.virsh('undefine', name)
        host.virsh('define', host.write(name + '.xml', text))


def files():
    """What is on disk, without the comment at the top."""
    def text(path):
        with open(path) as f:
            return f.read().partition('-->')[2]
    return {os.path.basename(path): text(path) for path in glob.glob('/etc/libvirt/qemu/*.xml')}


def expect_same(what, actual, wanted):
    expect(what, sorted(actual), sorted(wanted))
    lines = [line for name in wanted
             for line in difflib.unified_diff(wanted[name].splitlines(), actual[name].splitlines(), name, name, n=1, lineterm='')]
    if lines:
        raise Failure('\n'.join([what, *lines[:40]]))


def test_both_ways(host):
    """files that the original wrote load unchanged in ours, those that ours wrote in the original, and both write the same"""
    if host.real or not os.path.exists(ORIGINAL):
        raise Skip("needs Debian's libvirtd beside ours")
    host.main.stop()
    original = host.start(ORIGINAL)
    for name, text in GUESTS.items():
        host.virsh('define', host.write(name + '.xml', text))
    original.stop()
    original = host.start(ORIGINAL)                              # which puts controllers in order as it reads them
    theirs = definitions(host)
    define_anew(host, theirs)
    their_files = files()
    original.stop()

    host.start()
    expect_same('definitions of the original', definitions(host), theirs)
    define_anew(host, theirs)
    expect_same('our files', files(), their_files)
    host.virsh('autostart', 'plain')
    host.main.stop()

    original = host.start(ORIGINAL)
    expect_same('our definitions', definitions(host), theirs)
    expect('autostart', 'enable' in host.virsh('dominfo', 'plain').split('Autostart:')[1].split('\n')[0], True)
    original.stop()
    host.start()
