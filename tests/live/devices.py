"""A guest with the devices that virt-install gives a modern Linux, and what becomes of its files."""
import os
import pwd
import stat
import subprocess
import xml.etree.ElementTree as ET

from harness import GUEST_DIR, Failure, expect, wait_for

DEVICES = '''
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='%(dir)s/system.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='%(dir)s/data.img'/>
      <target dev='sda' bus='scsi'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sdb' bus='sata'/>
      <readonly/>
    </disk>
    <controller type='scsi' model='virtio-scsi'/>
    <controller type='usb' model='qemu-xhci' ports='15'/>
    <interface type='user'>
      <mac address='52:54:00:12:34:56'/>
      <model type='virtio'/>
    </interface>
    <channel type='unix'>
      <source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes'/>
    <video><model type='vga'/></video>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
''' % {'dir': GUEST_DIR}


def make_disks():
    for name, form in (('system.qcow2', 'qcow2'), ('data.img', 'raw')):
        path = '%s/%s' % (GUEST_DIR, name)
        subprocess.run(['qemu-img', 'create', '-q', '-f', form, path, '16M'], check=True)
        os.chmod(path, 0o600)


def owner(name):
    return pwd.getpwuid(os.stat('%s/%s' % (GUEST_DIR, name)).st_uid).pw_name


def start_modern(host):
    make_disks()
    host.define('modern', devices=DEVICES)
    host.virsh('start', 'modern')


def test_modern_guest_runs(host):
    """it starts, every device has its address, and what is shown of it is what was asked for"""
    start_modern(host)
    root = ET.fromstring(host.virsh('dumpxml', 'modern'))
    expect('controllers', sorted({c.get('type') for c in root.findall('devices/controller')}), ['pci', 'sata', 'scsi', 'usb', 'virtio-serial'])
    for path in ('disk', 'interface', 'memballoon', 'rng', 'video'):
        for element in root.findall('devices/' + path):
            if element.find('address') is None or element.find('alias') is None:
                raise Failure('%s has no address or alias: %s' % (path, ET.tostring(element, 'unicode')))
    expect('domblklist', host.virsh('domblklist', 'modern').split()[:2], ['vda', GUEST_DIR + '/system.qcow2'])
    expect('domiflist', host.virsh('domiflist', 'modern').split()[-1], '52:54:00:12:34:56')
    expect('vncdisplay', host.virsh('vncdisplay', 'modern').strip(), '127.0.0.1:0')


def test_files_change_hands(host):
    """disks belong to the guest's user while it runs, and to their owner again afterwards"""
    start_modern(host)
    for name in ('system.qcow2', 'data.img'):
        expect('owner of %s while it runs' % name, owner(name), 'libvirt-qemu')
    with open('/run/libvirt/qemu/modern.pid') as f:
        pid = int(f.read())
    expect('user of QEMU', pwd.getpwuid(os.stat('/proc/%d' % pid).st_uid).pw_name, 'libvirt-qemu')
    host.virsh('destroy', 'modern')
    for name in ('system.qcow2', 'data.img'):
        expect('owner of %s afterwards' % name, owner(name), 'root')


def test_files_on_disk(host):
    """definition, status, pid file and log are where the original has them, and go as they do there"""
    start_modern(host)
    for path in ('/etc/libvirt/qemu/modern.xml', '/run/libvirt/qemu/modern.xml', '/run/libvirt/qemu/modern.pid',
                 '/var/log/libvirt/qemu/modern.log'):
        expect(path, os.path.exists(path), True)
    expect('mode of the definition', stat.S_IMODE(os.stat('/etc/libvirt/qemu/modern.xml').st_mode), 0o600)
    expect('root of the status', ET.parse('/run/libvirt/qemu/modern.xml').getroot().tag, 'domstatus')
    host.virsh('destroy', 'modern')
    for path in ('/run/libvirt/qemu/modern.xml', '/run/libvirt/qemu/modern.pid'):
        expect(path, os.path.exists(path), False)
    host.virsh('undefine', 'modern')
    expect('the definition', os.path.exists('/etc/libvirt/qemu/modern.xml'), False)


def test_screenshot_and_keys(host):
    """a screenshot is a PNG image; keys are taken"""
    start_modern(host)
    path = host.logs + '/shot'
    host.virsh('screenshot', 'modern', path)
    with open(path, 'rb') as f:
        expect('the kind of image', f.read(4), b'\x89PNG')
    host.virsh('send-key', 'modern', 'KEY_LEFTCTRL', 'KEY_C')


def test_monitor_commands(host):
    """qemu-monitor-command passes QMP and HMP through"""
    import json
    start_modern(host)
    answer = json.loads(host.virsh('qemu-monitor-command', 'modern', '{"execute":"query-name"}'))
    expect('query-name', answer['return']['name'], 'modern')
    answer = json.loads(host.virsh('qemu-monitor-command', 'modern', '{"execute":"no-such-command"}'))
    expect('the error is handed on', answer['error']['class'], 'CommandNotFound')


def test_bad_disk_is_refused(host):
    """a guest whose disk is missing does not start, says why, and leaves nothing behind"""
    make_disks()
    os.unlink(GUEST_DIR + '/data.img')
    host.define('modern', devices=DEVICES)
    if 'data.img' not in host.virsh('start', 'modern', fails=True):
        raise Failure('the error does not name the file')
    expect('state', host.virsh('domstate', 'modern').strip(), 'shut off')
    expect('owner of the other disk', owner('system.qcow2'), 'root')
    wait_for('no QEMU is left', lambda: subprocess.run(['pgrep', '-x', 'qemu-system-x86'], stdout=subprocess.DEVNULL).returncode == 1)
