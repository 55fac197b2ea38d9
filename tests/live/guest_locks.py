"""lock_manager = "lockd": what a guest uses is locked through virtlockd while it runs, and only then."""
import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import time

import libvirt

from hanging import HangingFiles
from harness import Failure, GUEST_DIR, Skip, expect, runs, wait_for
from events import qemu_pid

AREA = '/var/lib/libvirt/lockd'


def with_lockd(host, lockd=''):
    host.configure(qemu='lock_manager = "lockd"', qemu_lockd=lockd)
    host.start_companion('virtlockd')
    host.start()


def image(name):
    path = '%s/%s.img' % (GUEST_DIR, name)
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    return path


def disk(name, target='vda', more=''):
    return ("<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='%s'/>%s</disk>"
            % (image(name), target, more))


def lease(key, space='area'):
    """A <lease>, its lockspace and file made: that is the administrator's."""
    os.makedirs('%s/%s' % (AREA, space), exist_ok=True)
    with open('%s/%s/%s' % (AREA, space, key), 'a'):
        pass
    return '<lease><lockspace>%s</lockspace><key>%s</key><target path="%s"/></lease>' % (space, key, AREA)


def can_lock(name, kind=fcntl.LOCK_EX):
    """Whether somebody else, here or on another host, could lock the disk now."""
    return can_lock_file('%s/%s.img' % (GUEST_DIR, name), kind)


def can_lock_file(path, kind=fcntl.LOCK_EX):
    with open(path, 'r+') as f:
        try:
            fcntl.lockf(f, kind | fcntl.LOCK_NB, 1, 0)
            return True
        except OSError:
            return False


def refusal(call):
    """(code, domain, message) of a call that must fail."""
    try:
        call()
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain(), error.get_error_message()
    raise Failure('the call succeeded')


def busy(name):
    return libvirt.VIR_ERR_RESOURCE_BUSY, libvirt.VIR_FROM_LOCKSPACE, "resource busy: Lockspace resource '%s' is locked" % name


def test_disks(host):
    """a running guest holds its disks as it uses them: alone, shared, or, read-only, not at all"""
    with_lockd(host)
    host.define('one', devices=disk('own') + disk('common', 'vdb', '<shareable/>') + disk('seen', 'vdc', '<readonly/>'),
                extra='<on_lockfailure>pause</on_lockfailure>')
    host.virsh('start', 'one', '--paused')
    expect('paused', [can_lock(d) for d in ('own', 'common', 'seen')], [True] * 3)
    host.virsh('resume', 'one')
    expect('alone', [can_lock(d) for d in ('own', 'common', 'seen')], [False, False, True])
    expect('shared', [can_lock(d, fcntl.LOCK_SH) for d in ('own', 'common')], [False, True])
    host.virsh('suspend', 'one')
    wait_for('suspended', lambda: can_lock('own') and can_lock('common'))
    host.virsh('resume', 'one')
    expect('resumed', can_lock('own'), False)
    host.virsh('destroy', 'one')
    wait_for('stopped', lambda: can_lock('own'))
    expect('definition', '<on_lockfailure>pause</on_lockfailure>' in host.virsh('dumpxml', 'one'), True)


def test_second_user_is_refused(host):
    """a guest whose disk somebody has does not start, one that was suspended meanwhile does not run on"""
    with_lockd(host)
    host.define('one', devices=disk('own'))
    conn = host.connect()
    one = conn.lookupByName('one')
    with open(GUEST_DIR + '/own.img', 'r+') as other:
        fcntl.lockf(other, fcntl.LOCK_EX, 1, 0)
        expect('start', refusal(one.create), busy(GUEST_DIR + '/own.img'))
        expect('state', one.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_FAILED])
    one.create()
    one.suspend()
    wait_for('suspended', lambda: can_lock('own'))
    with open(GUEST_DIR + '/own.img', 'r+') as other:
        fcntl.lockf(other, fcntl.LOCK_EX, 1, 0)
        expect('resume', refusal(one.resume), busy(GUEST_DIR + '/own.img'))
        expect('state', one.state(), [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER])
    one.resume()
    expect('state', one.state()[0], libvirt.VIR_DOMAIN_RUNNING)


def test_leases(host):
    """two guests with one <lease> take turns"""
    os.makedirs(AREA, exist_ok=True)
    # Only directories that are configured for disks become lockspaces.
    with_lockd(host, 'file_lockspace_dir = "%s/area"' % AREA)
    host.define('one', devices=disk('a') + lease('key'))
    host.define('two', devices=disk('b') + lease('key'))
    conn = host.connect()
    one, two = conn.lookupByName('one'), conn.lookupByName('two')
    one.create()
    expect('the disk itself is free', can_lock('a'), True)
    expect('the second guest', refusal(two.create), busy('key'))
    one.suspend()
    two.create()
    expect('the first one', refusal(one.resume), busy('key'))
    two.destroy()
    one.resume()
    one.destroy()
    two.create()
    expect('the lease stays', os.path.exists(AREA + '/area/key'), True)


def test_leases_come_and_go(host):
    """a <lease> that a running guest gets is held from then on, or refused, and free again when it loses it"""
    os.makedirs(AREA, exist_ok=True)
    with_lockd(host, 'file_lockspace_dir = "%s/area"' % AREA)
    host.define('one', devices=disk('a'))
    host.define('two', devices=disk('b'))
    conn = host.connect()
    one, two = conn.lookupByName('one'), conn.lookupByName('two')
    one.create()
    two.create()
    live, own = libvirt.VIR_DOMAIN_AFFECT_LIVE, lease('key')

    def leases(domain):
        return domain.XMLDesc().count('<lease>')

    def is_free(key):
        return can_lock_file('%s/area/%s' % (AREA, key))
    one.attachDeviceFlags(own, live)
    expect('attached', (leases(one), is_free('key')), (1, False))
    expect('to another guest', refusal(lambda: two.attachDeviceFlags(own, live)), busy('key'))
    expect('once more', refusal(lambda: one.attachDeviceFlags(own, live)), busy('key'))
    expect('with the definition', refusal(lambda: two.attachDeviceFlags(own, live | libvirt.VIR_DOMAIN_AFFECT_CONFIG)), busy('key'))
    expect('what was refused', (leases(one), leases(two), two.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).count('<lease>')), (1, 0, 0))
    expect('an offset', refusal(lambda: two.attachDeviceFlags(lease('more').replace('path=', 'offset="4" path='), live)),
           (1, libvirt.VIR_FROM_LOCKING, 'internal error: Offset must be zero for this lock manager'))
    expect('no lockspace', refusal(lambda: two.attachDeviceFlags(lease('more', 'no'), live)),
           (1, libvirt.VIR_FROM_RPC, 'internal error: Lockspace for path %s/no does not exist' % AREA))
    expect('none of these', leases(two), 0)
    one.suspend()
    wait_for('suspended', lambda: is_free('key'))
    one.resume()
    expect('resumed', is_free('key'), False)
    host.restart_after_kill()
    conn = host.connect()
    one, two = conn.lookupByName('one'), conn.lookupByName('two')
    expect('after a restart of the daemon', (leases(one), is_free('key')), (1, False))
    expect('not its own', refusal(lambda: two.detachDeviceFlags(own, live)),
           (8, libvirt.VIR_FROM_QEMU, 'invalid argument: Lease key in lockspace area does not exist'))
    one.detachDeviceFlags(own, live)
    expect('detached', (leases(one), is_free('key')), (0, True))
    two.attachDeviceFlags(own, live)
    one.suspend()
    expect('to a paused guest', refusal(lambda: one.attachDeviceFlags(own, live)), busy('key'))
    two.destroy()
    wait_for('stopped', lambda: is_free('key'))


def test_hanging_lease(host):
    """a guest whose <lease> is on a file server that is gone does not start, nobody else waits for it, and nothing of it stays held"""
    if host.real:
        raise Skip('its virtlockd stands still')
    with HangingFiles('/run/hanging') as files:
        with_lockd(host, 'scsi_lockspace_dir = "/run/hanging"')
        with open('/run/hanging/key', 'w'):
            pass
        host.define('one', devices='<lease><lockspace>hanging</lockspace><key>key</key><target path="/run"/></lease>')
        host.define('two', devices=disk('own'))
        host.virsh('start', 'two')                               # so that virtlockd is there
        host.virsh('destroy', 'two')
        files.freeze()
        starting = subprocess.Popen(['virsh', '-c', host.uri, 'start', 'one'], stderr=subprocess.PIPE, text=True)
        begin = time.monotonic()
        host.virsh('start', 'two')
        expect('locked', can_lock('own'), False)
        host.virsh('destroy', 'two')
        took = time.monotonic() - begin
        if took > 8:
            raise Failure('the other guest took %.1f s' % took)
        error = starting.communicate(timeout=60)[1]
        if 'does not answer' not in error:
            raise Failure('the error is %r' % error)
        expect('state', host.virsh('domstate', 'one').strip(), 'shut off')
        files.thaw()
        wait_for('free again', lambda: can_lock_file('/run/hanging/key'))
        host.virsh('start', 'one')
        expect('held', can_lock_file('/run/hanging/key'), False)
        host.virsh('destroy', 'one')


def test_lease_is_required(host):
    """without automatic leases a guest with a disk of its own needs a <lease>, and that one its lockspace"""
    with_lockd(host, 'auto_disk_leases = 0')
    before = 'internal error: Process exited prior to exec: libvirt: Lock Driver error : '
    for name, devices, wanted in (
            ('none', disk('a'), (1, libvirt.VIR_FROM_QEMU, before + 'unsupported configuration: Read/write, exclusive access, disks were present, '
                                 'but no leases specified')),
            ('offset', disk('a') + lease('key').replace('path=', 'offset="4" path='),
             (1, libvirt.VIR_FROM_QEMU, before + 'internal error: Offset must be zero for this lock manager')),
            ('unknown', disk('a') + lease('key'),
             (1, libvirt.VIR_FROM_RPC, 'internal error: Lockspace for path %s/area does not exist' % AREA))):
        host.define(name, devices=devices)
        expect(name, refusal(host.connect().lookupByName(name).create), wanted)
    host.define('reader', devices=disk('a', more='<readonly/>'))
    host.virsh('start', 'reader')


def test_lease_files(host):
    """with file_lockspace_dir, files named by the disks' sums stand for them as long as they are locked"""
    os.makedirs(AREA + '/files', exist_ok=True)
    with_lockd(host, 'file_lockspace_dir = "%s/files"' % AREA)
    host.define('one', devices=disk('own') + disk('common', 'vdb', '<shareable/>'))
    host.virsh('start', 'one')
    names = sorted(hashlib.sha256(('%s/%s.img' % (GUEST_DIR, d)).encode()).hexdigest() for d in ('own', 'common'))
    expect('running', sorted(os.listdir(AREA + '/files')), names)
    expect('the disk itself is free', can_lock('own'), True)
    host.restart_after_kill()
    expect('after a restart of the daemon', sorted(os.listdir(AREA + '/files')), names)
    host.virsh('suspend', 'one')
    wait_for('suspended', lambda: os.listdir(AREA + '/files') == [])
    host.virsh('resume', 'one')
    expect('resumed', sorted(os.listdir(AREA + '/files')), names)
    host.virsh('destroy', 'one')
    wait_for('stopped', lambda: os.listdir(AREA + '/files') == [])


@contextlib.contextmanager
def storage_tools(host, volumes, serials):
    """In place of lvs and udev's scsi_id, programs that know these paths; each as the real one is asked and answers."""
    tools = '/run/storage-tools'
    os.makedirs(tools, exist_ok=True)

    def write(name, wanted, known, answer, unknown):
        cases = ''.join('%s) echo "%s" ;;\n' % (path, answer % word) for path, word in known.items())
        with open('%s/%s' % (tools, name), 'w') as f:
            f.write('#!/bin/sh\ncase "$*" in *"%s"*) ;; *) exit 9 ;; esac\nfor last; do :; done\ncase $last in\n%s*) %s ;;\nesac\n'
                    % (wanted, cases, unknown))
        os.chmod('%s/%s' % (tools, name), 0o755)
    write('lvs', '--noheadings', volumes, '  %s', 'echo "  Volume group not found" >&2; exit 5')
    write('scsi_id', '--whitelisted', serials, '%s', 'exit 1')
    before = host.env['PATH']
    host.env['PATH'] = tools + ':' + before
    subprocess.run(['mount', '--bind', tools + '/scsi_id', '/lib/udev/scsi_id'], check=True)
    try:
        yield
    finally:
        host.env['PATH'] = before
        subprocess.run(['umount', '/lib/udev/scsi_id'], check=True)


def test_lease_files_of_devices(host):
    """LVM volumes are known by their UUIDs, SCSI disks by their serial numbers, other devices by their paths' sums"""
    if not os.path.exists('/lib/udev/scsi_id'):
        raise Skip('udev is not installed')
    volume, scsi, other = ('/dev/shm/bv-%s' % name for name in ('volume', 'scsi', 'other'))
    spaces = {'lvm_lockspace_dir': AREA + '/lvm', 'scsi_lockspace_dir': AREA + '/scsi', 'file_lockspace_dir': AREA + '/files'}
    for directory in spaces.values():
        os.makedirs(directory, exist_ok=True)
    uuid, serial = 'vB9o3J-2rKx-Qz0d-ADzH-8yNT-sTZE-VgW3nW', '36001405b1e2c3d4'
    with storage_tools(host, {volume: uuid}, {scsi: serial}):
        with_lockd(host, '\n'.join('%s = "%s"' % row for row in spaces.items()))
        devices = ''
        for path, target in ((volume, 'vda'), (scsi, 'vdb'), (other, 'vdc')):
            with open(path, 'wb') as f:
                f.truncate(1 << 20)
            devices += ("<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='%s'/></disk>"
                        % (path, target))
        host.define('one', devices=devices)
        host.virsh('start', 'one')
        sums = [hashlib.sha256(path.encode()).hexdigest() for path in (volume, other)]
        # Debian's was built without knowledge of LVM: a volume is any device to it.
        wanted = {'lvm': [], 'scsi': [serial], 'files': sorted(sums)} if host.real else {'lvm': [uuid], 'scsi': [serial], 'files': sums[1:]}
        expect('lease files', {kind: sorted(os.listdir('%s/%s' % (AREA, kind))) for kind in wanted}, wanted)
        expect('locked', any(can_lock_file('%s/%s/%s' % (AREA, kind, name)) for kind in wanted for name in wanted[kind]), False)
        host.virsh('destroy', 'one')
        wait_for('stopped', lambda: not any(os.listdir(directory) for directory in spaces.values()))
    for path in (volume, scsi, other):
        os.unlink(path)


def test_locks_outlive_the_daemon(host):
    """a daemon that is killed leaves the locks, and the next one gives them back when the guest pauses"""
    with_lockd(host)
    host.define('one', devices=disk('own'))
    host.virsh('start', 'one')
    host.restart_after_kill()
    expect('restarted', can_lock('own'), False)
    host.virsh('suspend', 'one')
    wait_for('suspended', lambda: can_lock('own'))
    host.restart_after_kill()
    expect('restarted', can_lock('own'), True)
    host.virsh('resume', 'one')
    expect('resumed', can_lock('own'), False)
    host.main.stop(signal.SIGKILL)
    os.kill(qemu_pid('one'), signal.SIGKILL)
    wait_for('QEMU is killed while no daemon runs', lambda: can_lock('own'))
    host.start()
    wait_for('found', lambda: host.virsh('domstate', 'one').strip() == 'shut off')


def test_connection_of_qemu(host):
    """QEMU holds a connection to virtlockd by which virtlockd knows it; when virtlockd is killed, guests go on"""
    with_lockd(host)
    host.define('one', devices=disk('own'))
    host.virsh('start', 'one')
    pid = qemu_pid('one')
    peers = subprocess.run(['ss', '-xHp'], capture_output=True, text=True).stdout.splitlines()
    mine = [line.split() for line in peers if 'pid=%d,' % pid in line]
    locked = [line.split() for line in peers if 'virtlockd-sock' in line]
    expect('connections', len([m for m in mine if any(m[-2] == l[5] or m[5] == l[-2] for l in locked)]), 1)
    host.end_companion('virtlockd', signal.SIGKILL)
    expect('state', host.virsh('domstate', 'one').strip(), 'running')
    expect('QEMU', runs(pid), True)
    host.start_companion('virtlockd')
    host.virsh('suspend', 'one')
    host.virsh('resume', 'one')
    expect('resumed', can_lock('own'), False)
    host.virsh('destroy', 'one')
    if not host.real:                                            # the original leaves that lock until virtlockd ends
        wait_for('stopped', lambda: can_lock('own'))


def test_configuration_is_refused(host):
    """a lock manager that is not there and a wrong qemu-lockd.conf end the daemon before it serves"""
    for qemu, lockd, words in (('lock_manager = "sanlock"', '', 'sanlock.so not accessible: No such file or directory'),
                               ('lock_manager = "lockd"', 'auto_disk_leases = "x"',
                                "/etc/libvirt/qemu-lockd.conf: expected a bool for 'auto_disk_leases' parameter"),
                               ('lock_manager = "lockd"', 'auto_disk_leases = 2',
                                "/etc/libvirt/qemu-lockd.conf: value for 'auto_disk_leases' parameter must be 0 or 1"),
                               ('lock_manager = "lockd"', 'file_lockspace_dir = 3',
                                "/etc/libvirt/qemu-lockd.conf: expected a string for 'file_lockspace_dir' parameter"),
                               ('lock_manager = "lockd"', 'auto_disk_leases = = 1', 'configuration file syntax error')):
        host.configure(qemu=qemu, qemu_lockd=lockd)
        done = subprocess.run([host.bindir + '/libvirtd'], env=host.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30)
        if words not in done.stderr:
            raise Failure('%r and %r: %r' % (qemu, lockd, done.stderr[-300:]))
    host.configure(qemu='lock_manager = "nop"', qemu_lockd='auto_disk_leases = "x"')
    host.start()
