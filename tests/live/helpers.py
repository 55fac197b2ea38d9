"""Programs that run beside QEMU: TPM emulators, daemons that share directories, and those that others run."""
import glob
import os
import socket
import subprocess

from harness import Failure, Skip, expect, guest_xml, needs, wait_for

TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def pids(name):
    """Processes of that name in this namespace."""
    done = subprocess.run(['pgrep', '-x', name], capture_output=True, text=True)
    return done.stdout.split()


def test_tpm(host):
    """an emulated TPM is made once, comes and goes with its guest, and stays when its guest is undefined but for it"""
    needs('swtpm', 'swtpm_setup')
    host.define('one', devices=TPM)
    host.virsh('start', 'one')
    expect('emulators', len(pids('swtpm')), 1)
    state = glob.glob('/var/lib/libvirt/swtpm/*/tpm2/tpm2-00.permall')
    expect('states', len(state), 1)
    if "'tpm-crb'" not in host.virsh('dumpxml', 'one', '--xpath', '//tpm').replace('"', "'"):
        raise Failure('no TPM in the XML')
    made = os.stat(state[0]).st_ino, open('/var/log/swtpm/libvirt/qemu/one-swtpm.log').read().count('manufacturing')
    if not host.real:
        host.restart_after_kill()
    host.virsh('destroy', 'one')
    wait_for('it ends', lambda: not pids('swtpm'))
    expect('what is left of the run', glob.glob('/run/libvirt/qemu/swtpm/*.pid'), [])
    host.virsh('start', 'one')
    expect('made anew', open('/var/log/swtpm/libvirt/qemu/one-swtpm.log').read().count('manufacturing'), made[1])
    host.virsh('destroy', 'one')
    host.virsh('undefine', 'one', '--keep-tpm')
    expect('kept', os.path.exists(state[0]), True)


def test_transient_tpm(host):
    """the TPM of a guest that has no definition is forgotten at its end, and so is that of one that is undefined"""
    needs('swtpm', 'swtpm_setup')
    before = set(glob.glob('/var/lib/libvirt/swtpm/*'))
    host.virsh('create', host.write('two.xml', guest_xml('two', devices=TPM)))
    expect('states', len(set(glob.glob('/var/lib/libvirt/swtpm/*')) - before), 1)
    host.virsh('destroy', 'two')
    wait_for('it is forgotten', lambda: set(glob.glob('/var/lib/libvirt/swtpm/*')) == before)
    host.define('three', devices=TPM)
    host.virsh('start', 'three')
    host.virsh('destroy', 'three')
    expect('states', len(set(glob.glob('/var/lib/libvirt/swtpm/*')) - before), 1)
    host.virsh('undefine', 'three')
    expect('left', set(glob.glob('/var/lib/libvirt/swtpm/*')), before)


def test_virtiofs(host):
    """a directory is shared by a daemon of its own, which the XML names and which ends with the guest"""
    if not glob.glob('/usr/share/qemu/vhost-user/*virtiofsd*.json'):
        raise Skip('no virtiofsd')
    share = host.directory('share')
    fs = ("<filesystem type='mount'><driver type='virtiofs'/><source dir='%s'/><target dir='tag'/></filesystem>" % share)
    host.define('one', devices=fs, extra=SHARED)
    host.virsh('start', 'one')
    if not pids('virtiofsd'):
        raise Failure('nothing shares the directory')
    if '<binary path=' not in host.virsh('dumpxml', 'one'):
        raise Failure('the XML does not say what shares it')
    if not os.path.exists('/var/log/libvirt/qemu/one-fs0-virtiofsd.log'):
        raise Failure('it has no log')
    if not host.real:
        host.restart_after_kill()
    host.virsh('destroy', 'one')
    wait_for('it ends', lambda: not pids('virtiofsd'))
    expect('what is left of the run', glob.glob('/run/libvirt/qemu/*-fs.pid'), [])


def test_socket_of_another(host):
    """QEMU may connect to a socket that a client listens on where only root may look, as libguestfs has it"""
    path = host.directory('other') + '/console.sock'
    os.chmod(os.path.dirname(path), 0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o700)
        listener.listen(1)
        listener.settimeout(10)
        host.define('one', devices="<serial type='unix'><source mode='connect' path='%s'/><target port='1'/></serial>" % path)
        host.virsh('start', 'one')
        listener.accept()[0].close()
    host.virsh('destroy', 'one')
    expect('owner afterwards', os.stat(path).st_uid, 0)


def test_firmware_variables(host):
    """a guest's own firmware variables are made from what goes with its firmware, once, and removed when that is asked for"""
    loader, template = host.directory('firmware') + '/code.fd', host.write('vars.fd', 'variables' * 8192)
    with open(loader, 'wb') as f:
        f.truncate(1 << 20)
    os.chmod(os.path.dirname(loader), 0o755)
    path = '/var/lib/libvirt/qemu/nvram/one_VARS.fd'
    xml = guest_xml('one').replace("<loader readonly='yes' type='rom'>/var/lib/libvirt/images/halt.bin</loader>",
                                   "<loader readonly='yes' type='pflash'>%s</loader><nvram template='%s'/>" % (loader, template))
    host.virsh('define', host.write('one.xml', xml))
    host.virsh('start', 'one', '--paused')
    expect('made', open(path).read(), 'variables' * 8192)
    expect('readable for', os.stat(path).st_mode & 0o777, 0o600)
    host.virsh('destroy', 'one')
    with open(path, 'r+') as f:
        f.write('V')
    host.virsh('start', 'one', '--paused')
    expect('kept', open(path).read(1), 'V')
    host.virsh('destroy', 'one')
    host.virsh('start', 'one', '--paused', '--reset-nvram')
    expect('made anew', open(path).read(1), 'v')
    host.virsh('destroy', 'one')
    if 'with nvram' not in host.virsh('undefine', 'one', fails=True):
        raise Failure('undefined all the same')
    host.virsh('undefine', 'one', '--nvram')
    expect('gone', os.path.exists(path), False)
