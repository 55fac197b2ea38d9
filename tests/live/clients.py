"""Programs that people manage guests with, each in its main job. One that is not installed is skipped, and that is told."""
import os
import subprocess
import urllib.request

from harness import GUEST_DIR, Failure, Skip, expect, needs, wait_for

UNKNOWN_SYSTEM = ['--osinfo', 'detect=off,require=off', '--noautoconsole', '--wait', '0']


def run(host, *argv, timeout=100):
    done = subprocess.run(argv, env=dict(host.env, LIBVIRT_DEFAULT_URI=host.uri, HOME=host.logs), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise Failure('%s: status %d: %s%s' % (' '.join(argv), done.returncode, done.stdout, done.stderr))
    return done.stdout


def with_disk(host):
    image = '%s/client.qcow2' % GUEST_DIR
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '1M'], check=True)
    host.define('one', devices="<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>"
                               "<target dev='vda' bus='virtio'/></disk>" % image)


def test_virtinst(host):
    """virt-install makes and starts a guest with a disk, virt-xml changes it, virt-clone copies it"""
    needs('virt-install', 'virt-xml', 'virt-clone')
    disk = GUEST_DIR + '/installed.qcow2'
    run(host, 'virt-install', '--connect', host.uri, '--name', 'installed', *UNKNOWN_SYSTEM, '--virt-type', 'qemu', '--memory', '64',
        '--import', '--disk', 'path=%s,size=0.001,format=qcow2' % disk, '--network', 'user', '--graphics', 'vnc', '--rng', '/dev/urandom')
    expect('state', host.virsh('domstate', 'installed'), 'running')
    run(host, 'virt-xml', '--connect', host.uri, 'installed', '--add-device', '--rng', '/dev/random', '--update')
    host.virsh('destroy', 'installed')
    run(host, 'virt-xml', '--connect', host.uri, 'installed', '--edit', '--memory', '80')
    run(host, 'virt-clone', '--connect', host.uri, '-o', 'installed', '-n', 'copied', '--file', GUEST_DIR + '/copied.qcow2')
    if GUEST_DIR + '/copied.qcow2' not in host.virsh('domblklist', 'copied'):
        raise Failure('the clone has another disk')
    if "<memory unit='KiB'>81920</memory>" not in host.virsh('dumpxml', 'copied'):
        raise Failure('virt-xml changed nothing')
    for name in ('installed', 'copied'):
        host.virsh('undefine', name)
        os.unlink('%s/%s.qcow2' % (GUEST_DIR, name))


def test_backup_program(host):
    """virtnbdbackup takes a full and an incremental backup of a running guest, by NBD and checkpoints"""
    needs('virtnbdbackup')
    with_disk(host)
    host.virsh('start', 'one')
    place = host.directory('backup') + '/one'
    for level in ('full', 'inc'):
        run(host, 'virtnbdbackup', '-d', 'one', '-l', level, '-o', place)
    expect('checkpoints', len(host.virsh('checkpoint-list', 'one', '--name').split()), 2)
    if not os.path.exists(place + '/vda.full.data'):
        raise Failure('no data in %s' % os.listdir(place))


def test_exporter(host):
    """prometheus-libvirt-exporter finds what it counts"""
    needs('prometheus-libvirt-exporter')
    with_disk(host)
    host.virsh('start', 'one')
    exporter = subprocess.Popen(['prometheus-libvirt-exporter', '--web.listen-address=127.0.0.1:9177', '--libvirt.uri=' + host.uri],
                                env=host.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def metrics():
        try:
            return urllib.request.urlopen('http://127.0.0.1:9177/metrics', timeout=5).read().decode()
        except OSError:
            return ''
    try:
        text = wait_for('it answers', metrics)
    finally:
        exporter.kill()
        exporter.wait()
    for wanted in ('libvirt_up 1', 'libvirt_domain_info_memory_usage_bytes', 'libvirt_domain_block_stats_read_bytes_total'):
        if wanted not in text:
            raise Failure('%s is not in what it says: %s' % (wanted, [x for x in text.splitlines() if 'libvirt' in x][:5]))


def test_perl(host):
    """Sys::Virt asks a guest for all that its examples ask for"""
    examples = '/usr/share/doc/libsys-virt-perl/examples'
    needs('perl')
    if not os.path.isdir(examples):
        raise Skip('libsys-virt-perl is not installed')
    host.define('one')
    host.virsh('start', 'one')
    for name in ('hv-stat', 'dump-info', 'dom-stats', 'vcpuinfo', 'iothreadinfo'):
        run(host, 'perl', '%s/%s.pl' % (examples, name), host.uri, 'one')
