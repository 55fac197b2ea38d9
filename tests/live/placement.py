"""What a guest's process and files are to the host: whose they are, and in which control groups."""
import grp
import os
import pwd
import re

from harness import GUEST_DIR, Skip, expect, wait_for
from events import qemu_pid


def owner(path):
    info = os.stat(path)
    return info.st_uid, info.st_gid


def qemu_user():
    """(uid, gid) that guests run as by default."""
    name = 'libvirt-qemu'
    entry = pwd.getpwnam(name)
    try:
        return entry.pw_uid, grp.getgrnam(name).gr_gid
    except KeyError:
        return entry.pw_uid, entry.pw_gid


def disks():
    """Images that belong to somebody, and the XML that uses them in three ways."""
    xml = ''
    for name, target, more in (('own', 'vda', ''), ('common', 'vdb', '<shareable/>'), ('seen', 'vdc', '<readonly/>')):
        path = '%s/%s.img' % (GUEST_DIR, name)
        with open(path, 'wb') as f:
            f.truncate(1 << 20)
        os.chown(path, 1234, 1235)
        xml += ("<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='%s'/>%s</disk>"
                % (path, target, more))
    return xml


def owners():
    return [owner('%s/%s.img' % (GUEST_DIR, name)) for name in ('own', 'common', 'seen')]


def ids(pid):
    """The real user and group of a process, and its other groups."""
    with open('/proc/%d/status' % pid) as f:
        fields = dict(line.split(':', 1) for line in f)
    return int(fields['Uid'].split()[0]), int(fields['Gid'].split()[0]), fields['CapEff'].strip()


def test_dynamic_ownership(host):
    """images belong to QEMU's user while it runs and to whom they did after, over a restart of the daemon"""
    before = [(1234, 1235)] * 3
    host.define('one', devices=disks())
    host.virsh('start', 'one')
    expect('running', owners(), [qemu_user()] * 3)
    expect('QEMU', ids(qemu_pid('one')), (*qemu_user(), '0' * 16))
    host.restart_after_kill()
    host.virsh('suspend', 'one')                                 # done when the daemon has found its guest
    host.virsh('destroy', 'one')
    # What others may have open too stays as it is.
    expect('after', owners(), [before[0], qemu_user(), qemu_user()])


def test_ownership_of_a_failed_start(host):
    """a start that fails gives the files back"""
    host.define('one', devices=disks() + "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
                "<source file='%s/own.img'/><target dev='vdd'/></disk>" % GUEST_DIR)
    host.virsh('start', 'one', fails=True)
    expect('after', owners()[0], (1234, 1235))


def test_static_ownership(host):
    """with dynamic_ownership = 0 nothing changes hands"""
    host.configure(qemu='dynamic_ownership = 0')
    host.start()
    host.define('one', devices=disks())
    for name in ('own', 'common', 'seen'):
        os.chmod('%s/%s.img' % (GUEST_DIR, name), 0o666)
    host.virsh('start', 'one')
    expect('running', owners(), [(1234, 1235)] * 3)
    host.virsh('destroy', 'one')
    expect('after', owners(), [(1234, 1235)] * 3)


def test_user_and_group(host):
    """guests run as the configured user"""
    host.configure(qemu='user = "+4321"\ngroup = "+4322"')
    os.chmod('/var/lib/libvirt/qemu', 0o755)
    host.start()
    host.define('one', devices=disks(), kvm=False)
    host.virsh('start', 'one')
    expect('QEMU', ids(qemu_pid('one')), (4321, 4322, '0' * 16))
    expect('running', owners()[0], (4321, 4322))
    host.virsh('destroy', 'one')
    expect('after', owners()[0], (1234, 1235))


def groups(pid):
    """{controllers: path} of a process; '' stands for version 2."""
    with open('/proc/%d/cgroup' % pid) as f:
        return {line.split(':')[1]: line.rstrip('\n').split(':', 2)[2] for line in f}


def test_control_groups(host):
    """a guest has a group of its own below /machine in each hierarchy, gone with it"""
    host.define('one')
    host.virsh('start', 'one')
    mine = groups(qemu_pid('one'))
    found = {name: path for name, path in mine.items() if re.match(r'/machine/qemu-1-one\.libvirt-qemu(/|$)', path)}
    if not found:
        raise Skip('no hierarchy in which groups can be made: %r' % mine)
    from_daemon = groups(host.main.process.pid)
    expect('the daemon is not in them', [p for p in from_daemon.values() if 'machine' in p], [])
    below = '/libvirt/emulator' if list(found) == [''] else '/emulator'
    for name, path in found.items():
        if name in ('', 'cpu,cpuacct', 'cpu', 'cpuset'):
            expect('%r' % name, path, '/machine/qemu-1-one.libvirt-qemu' + below)
    tops = [top for top in ['/sys/fs/cgroup'] + ['/sys/fs/cgroup/' + d for d in os.listdir('/sys/fs/cgroup')]
            if os.path.isdir(top + '/machine/qemu-1-one.libvirt-qemu')]
    expect('there are directories', tops != [], True)
    host.virsh('destroy', 'one')
    for top in tops:
        wait_for('%s is empty again' % top, lambda: not os.path.isdir(top + '/machine/qemu-1-one.libvirt-qemu'))
