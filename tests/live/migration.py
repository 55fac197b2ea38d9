"""Guests that go from one host to another while they run: two daemons in two network namespaces."""
import contextlib
import os
import re
import shutil
import signal
import subprocess

import libvirt
import peer
from harness import GUEST_DIR, Failure, Skip, expect, guest_xml, needs, wait_for
from ways_in import SIGN, Pki

# What the guest's memory holds, so that sending it takes its time: it is not compressible, and not all zero.
BALLAST = GUEST_DIR + '/ballast.bin'
SLOW = ('--bandwidth', '1')
CERTIFICATES = GUEST_DIR + '/certificates'


def guest(host, name='traveller', devices='', ballast=False, start=True):
    xml = guest_xml(name, devices=devices)
    if ballast:
        with open(BALLAST, 'wb') as f:
            f.write(os.urandom(16 << 20))
        os.chmod(BALLAST, 0o644)
        xml = xml.replace("<domain type=", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' type=")
        xml = xml.replace('</domain>', "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='loader,file=%s,addr=0x1000000,"
                          "force-raw=on'/></qemu:commandline></domain>" % BALLAST)
    host.virsh('define', host.write(name + '.xml', xml))
    if start:
        host.virsh('start', name)


class Watcher:
    """What the daemons of both hosts report, in the order of arrival."""

    def __init__(self, **hosts):
        self.events, self.jobs, self.connections = [], [], []
        for name, host in hosts.items():
            conn = libvirt.open(host.uri)
            self.connections.append(conn)
            conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.lifecycle, name)
            conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, self.job, name)

    def lifecycle(self, _conn, _dom, event, detail, where):
        self.events.append((where, event, detail))

    def job(self, _conn, _dom, params, where):
        self.jobs.append((where, params))

    def of(self, where):
        return [event[1:] for event in self.events if event[0] == where]

    def close(self):
        for conn in self.connections:
            with contextlib.suppress(libvirt.libvirtError):
                conn.close()


@contextlib.contextmanager
def two_hosts(host, **options):
    there = peer.Peer(host, **options)
    try:
        yield there
    finally:
        there.close()


def state(host, name='traveller'):
    return host.virsh('domstate', name, '--reason').strip()


def background(host, *args):
    return subprocess.Popen(['virsh', '-q', '-c', host.uri, 'migrate', *args], env=host.env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until_sending(host, name='traveller'):
    def sending():
        text = host.virsh('domjobinfo', name)
        found = re.search(r'Memory processed: ([\d.]+) (\w+)', text)
        return found and float(found.group(1)) > 0
    wait_for('memory is on its way', sending, 30)


STARTED, SUSPENDED, RESUMED, STOPPED = 2, 3, 4, 5


def test_there_and_back(host):
    """a guest goes and comes back; both sides say so, and a job is complete with its figures"""
    with two_hosts(host) as there:
        guest(host, devices="<graphics type='vnc' port='-1'/>")
        definition = host.virsh('dumpxml', '--migratable', 'traveller')
        watcher = Watcher(here=host, there=there)
        host.virsh('migrate', '--live', 'traveller', there.tcp)
        wait_for('the job is told of', lambda: watcher.jobs)
        expect('state there', state(there), 'running (migrated)')
        expect('state here', state(host), 'shut off (migrated)')
        expect('events here', watcher.of('here'), [(SUSPENDED, 1), (STOPPED, 3)])
        expect('events there', watcher.of('there'), [(STARTED, 1), (RESUMED, 1)])
        where, job = watcher.jobs[0]
        expect('whose job', where, 'here')
        expect('operation', job['operation'], libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)
        for key in ('time_elapsed', 'time_elapsed_net', 'downtime', 'downtime_net', 'setup_time', 'memory_total', 'memory_processed',
                    'memory_iteration', 'disk_total'):
            if key not in job:
                raise Failure('%s is not in %s' % (key, sorted(job)))
        expect('remaining', job['data_remaining'], 0)
        expect('the definition that goes on', there.virsh('dumpxml', '--migratable', 'traveller'), definition)
        for side, operation in ((host, 'Outgoing migration'), (there, 'Incoming migration')):
            if operation not in side.virsh('domjobinfo', '--completed', 'traveller'):
                raise Failure('no completed job: %s' % side.virsh('domjobinfo', '--completed', 'traveller'))
        expect('persistent there', there.virsh('list', '--transient', '--name').split(), ['traveller'])
        there.virsh('migrate', '--live', 'traveller', 'qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT))
        expect('state here again', state(host), 'running (migrated)')
        expect('nothing is left there', there.virsh('list', '--all', '--name').split(), [])
        expect('QEMUs there', there.qemus(), '0')
        watcher.close()


def test_what_stays(host):
    """--persistent, --undefinesource, --suspend and --dname; a definition of its own for later"""
    with two_hosts(host) as there:
        guest(host)
        changed = host.virsh('dumpxml', '--inactive', 'traveller').replace('<domain ', '<domain ', 1)
        changed = changed.replace('</name>', '</name>\n  <title>arrived</title>')
        watcher = Watcher(here=host, there=there)
        host.virsh('migrate', '--live', '--persistent', '--undefinesource', '--suspend', '--persistent-xml', host.write('p.xml', changed),
                   'traveller', there.tcp)
        expect('here', host.virsh('list', '--all', '--name').split(), [])
        expect('there', state(there), 'paused (user)')
        expect('events there', watcher.of('there'), [(STARTED, 1), (0, 0), (SUSPENDED, 0)])
        if '<title>arrived</title>' not in there.virsh('dumpxml', '--inactive', 'traveller'):
            raise Failure('the definition for later is another')
        there.virsh('resume', 'traveller')
        there.virsh('destroy', 'traveller')
        there.virsh('undefine', 'traveller')
        guest(host, 'plain')
        host.virsh('migrate', '--live', '--dname', 'renamed', 'plain', there.tcp)
        expect('its name there', state(there, 'renamed'), 'running (migrated)')
        expect('its name here', state(host, 'plain'), 'shut off (migrated)')
        watcher.close()


def test_offline(host):
    """--offline takes the definition, and nothing but that"""
    with two_hosts(host) as there:
        guest(host, start=False)
        if 'persistent flag' not in host.virsh('migrate', '--offline', 'traveller', there.tcp, fails=True):
            raise Failure('offline without --persistent')
        host.virsh('migrate', '--offline', '--persistent', '--undefinesource', 'traveller', there.tcp)
        expect('here', host.virsh('list', '--all', '--name').split(), [])
        expect('there', there.virsh('list', '--all', '--persistent', '--name').split(), ['traveller'])
        there.virsh('start', 'traveller')


def test_parameters(host):
    """several connections, compression, auto-convergence: a guest arrives by all of them; nonsense is refused"""
    with two_hosts(host) as there:
        guest(host)
        for refused, words in ((('--comp-methods', 'foo', '--compressed'), "Unsupported compression method 'foo'"),
                               (('--comp-mt-level', '5'), 'Turn multithread compression on to tune it'),
                               (('--parallel-connections', '5'), 'Turn parallel migration on to tune it'),
                               (('--auto-converge-initial', '5'), 'Turn auto convergence on to tune it'),
                               (('--zerocopy',), 'zero-copy is only available for parallel migration'),
                               (('--migrateuri', 'foo://192.0.2.2'), 'unsupported scheme foo in migration URI foo://192.0.2.2'),
                               (('--direct',), 'direct migration is not supported by the source host')):
            said = host.virsh('migrate', '--live', *refused, 'traveller', there.tcp, fails=True)
            if words not in said:
                raise Failure('%s: %s' % (refused, said))
            expect('still here', state(host), 'running (booted)')
            expect('nothing there', there.virsh('list', '--all', '--name').split(), [])
        back = 'qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT)
        for options in (('--parallel', '--parallel-connections', '3', '--auto-converge', '--auto-converge-initial', '30'),
                        ('--compressed', '--comp-methods', 'xbzrle', '--comp-xbzrle-cache', '1048576'),
                        ('--migrateuri', 'tcp://%s' % peer.THERE, '--listen-address', '0.0.0.0')):
            host.virsh('migrate', '--live', *options, 'traveller', there.tcp)
            expect('there by %s' % options[0], state(there), 'running (migrated)')
            there.virsh('migrate', '--live', 'traveller', back)


def test_tls(host):
    """--tls: with the certificates of both hosts, and not without"""
    needs('certtool')
    os.makedirs(CERTIFICATES, exist_ok=True)
    with two_hosts(host, qemu='migrate_tls_x509_cert_dir = "%s"' % CERTIFICATES, ours='migrate_tls_x509_cert_dir = "%s"' % CERTIFICATES) as there:
        guest(host, ballast=True)
        said = host.virsh('migrate', '--live', '--tls', 'traveller', there.tcp, fails=True)
        if 'Unable to access credentials' not in said:
            raise Failure(said)
        expect('still here', state(host), 'running (booted)')
        pki = Pki(CERTIFICATES)
        address = 'ip_address=%s\nip_address=%s\ncn=host\n' % (peer.HERE, peer.THERE)
        pki.make('server-cert', address + 'tls_www_server\n' + SIGN)
        pki.make('client-cert', address + 'tls_www_client\n' + SIGN)
        for name, source in (('ca-cert', 'ca'), ('server-key', 'key'), ('client-key', 'key')):
            shutil.copy(pki.path(source), pki.path(name))
        for name in os.listdir(CERTIFICATES):
            os.chmod('%s/%s' % (CERTIFICATES, name), 0o644)
        host.virsh('migrate', '--live', '--tls', 'traveller', there.tcp)
        expect('there', state(there), 'running (migrated)')
        said = there.virsh('qemu-monitor-command', 'traveller', '--hmp', 'info migrate_parameters')
        if 'objlibvirt' in said:
            raise Failure('the certificates stay: %s' % said)
        there.virsh('migrate', '--live', '--tls', '--p2p', 'traveller', 'qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT))
        expect('back', state(host), 'running (migrated)')
        shutil.rmtree(CERTIFICATES)


def test_not_this_way(host):
    """the same host, disks that only one host has, another guest's definition: the guest stays"""
    needs('qemu-img')
    with two_hosts(host) as there:
        guest(host)
        if 'Attempt to migrate guest to the same host' not in host.virsh('migrate', '--live', 'traveller', host.uri, fails=True):
            raise Failure('migrated to the same host')
        live = host.virsh('dumpxml', '--migratable', 'traveller')
        for change, words in ((('65536', '131072'), 'Target domain max memory 131072 does not match source 65536'),
                              (('<name>traveller', '<name>other'), "Target domain name 'other' does not match source 'traveller'")):
            path = host.write('other.xml', live.replace(*change))
            said = host.virsh('migrate', '--live', '--xml', path, 'traveller', there.tcp, fails=True)
            if words not in said:
                raise Failure(said)
        expect('runs on', state(host), 'running (booted)')
        image = GUEST_DIR + '/local.qcow2'
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '16M'], check=True)
        os.chmod(image, 0o666)
        guest(host, 'local', devices="<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/>"
              "<target dev='vda' bus='virtio'/></disk>" % image)
        if 'Unsafe migration: Migration without shared storage is unsafe' not in host.virsh('migrate', '--live', 'local', there.tcp, fails=True):
            raise Failure('it is not unsafe')
        expect('still here', state(host, 'local'), 'running (booted)')
        host.virsh('migrate', '--live', '--unsafe', 'local', there.tcp)
        expect('there', state(there, 'local'), 'running (migrated)')


def test_copy_of_disks(host):
    """--copy-storage-all: a disk of this host's own is there with what was in it"""
    needs('qemu-img', 'qemu-io')
    with two_hosts(host) as there:
        image = '/var/lib/libvirt/qemu/disk.qcow2'
        for run in (lambda *argv: subprocess.run(argv, check=True), there.run):
            run('qemu-img', 'create', '-q', '-f', 'qcow2', image, '16M')
            run('chmod', '666', image)
        subprocess.run(['qemu-io', '-f', 'qcow2', '-c', 'write -q -P 77 1M 64k', image], check=True)
        guest(host, devices="<disk type='file'><driver name='qemu' type='qcow2' cache='none'/><source file='%s'/>"
              "<target dev='vda' bus='virtio'/></disk>" % image)
        said = host.virsh('migrate', '--live', '--unsafe', '--copy-storage-all', '--migrate-disks', 'vdx', 'traveller', there.tcp, fails=True)
        if 'disk target vdx not found' not in said:
            raise Failure(said)
        host.virsh('migrate', '--live', '--copy-storage-all', 'traveller', there.tcp)
        if 'File total:       16.000 MiB' not in host.virsh('domjobinfo', '--completed', 'traveller'):
            raise Failure(host.virsh('domjobinfo', '--completed', 'traveller'))
        there.virsh('destroy', 'traveller')
        there.run('qemu-io', '-f', 'qcow2', '-c', 'read -q -P 77 1M 64k', image)


def test_abort(host):
    """domjobabort ends a migration that is under way; the guest runs on here as if nothing had been"""
    with two_hosts(host) as there:
        guest(host, ballast=True)
        watcher = Watcher(here=host, there=there)
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        with open('/run/libvirt/qemu/traveller.xml') as f:
            if not re.search(r"<job type='none' async='migration out' phase='perform3'", f.read()):
                raise Failure('the status file does not tell')
        expect('there meanwhile', state(there), 'paused (migrating)')
        if 'Outgoing migration' not in host.virsh('domjobinfo', 'traveller'):
            raise Failure('no job')
        host.virsh('migrate-setspeed', 'traveller', '2')
        host.virsh('domjobabort', 'traveller')
        said, _ = run.communicate(timeout=20)
        if "operation aborted: job 'migration out' canceled by client" not in said:
            raise Failure(said)
        expect('here', state(host), 'running (booted)')
        wait_for('nothing is there', lambda: there.virsh('list', '--all', '--name').split() == [])
        expect('events here', watcher.of('here'), [])
        expect('events there', watcher.of('there'), [(STARTED, 1), (STOPPED, 5)])
        host.virsh('migrate-setspeed', 'traveller', '1000')
        host.virsh('migrate', '--live', 'traveller', there.tcp)
        expect('at the second try', state(there), 'running (migrated)')
        watcher.close()


def test_destination_dies(host):
    """QEMU there is killed, then the daemon there: the guest runs on here"""
    with two_hosts(host) as there:
        guest(host, ballast=True)
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        there.virsh('destroy', 'traveller')
        run.communicate(timeout=20)
        expect('status', run.returncode != 0, True)
        expect('here', state(host), 'running (booted)')
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        there.kill()
        host.virsh('domjobabort', 'traveller')
        run.communicate(timeout=20)
        expect('here after the daemon', state(host), 'running (booted)')
        there.start(args=('--listen',))
        wait_for('nothing is left there', lambda: there.virsh('list', '--all', '--name').split() == [])
        host.virsh('migrate', '--live', 'traveller', there.tcp)
        expect('there at last', state(there), 'running (migrated)')


def test_source_daemon_is_killed(host):
    """the daemon here is killed in the middle: the next one lets the guest go on, and nothing stays there"""
    with two_hosts(host) as there:
        guest(host, ballast=True)
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        host.main.stop(signal.SIGKILL)
        run.communicate(timeout=30)
        host.start(args=('--listen',))
        wait_for('it runs here', lambda: state(host).startswith('running'))
        wait_for('nothing is there', lambda: there.virsh('list', '--all', '--name').split() == [])
        expect('no job', 'None' in host.virsh('domjobinfo', 'traveller'), True)
        host.virsh('migrate', '--live', 'traveller', there.tcp)
        expect('at the second try', state(there), 'running (migrated)')


def test_client_goes(host):
    """the client that migrates is killed: what was prepared there ends with it, the guest here goes on and can be changed again"""
    with two_hosts(host) as there:
        guest(host, ballast=True)
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        run.kill()
        run.wait()
        wait_for('nothing is there', lambda: there.virsh('list', '--all', '--name').split() == [])
        wait_for('the job has ended', lambda: 'None' in host.virsh('domjobinfo', 'traveller'), 20)
        expect('here', state(host), 'running (booted)')
        host.virsh('setmem', 'traveller', '60000', '--config')


def test_peer_to_peer(host):
    """--p2p, and --tunnelled through the daemons' own connection"""
    with two_hosts(host) as there:
        guest(host, ballast=True)
        back = 'qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT)
        host.virsh('migrate', '--live', '--p2p', '--persistent', 'traveller', there.tcp)
        expect('there', state(there), 'running (migrated)')
        there.virsh('migrate', '--live', '--p2p', '--tunnelled', 'traveller', back)
        expect('back through the tunnel', state(host), 'running (migrated)')
        said = host.virsh('migrate', '--live', '--p2p', 'traveller', 'qemu+tcp://%s:1/system' % peer.THERE, fails=True)
        if "unable to connect to server at '192.0.2.2:1': Connection refused" not in said:
            raise Failure(said)
        expect('still here', state(host), 'running (migrated)')
        run = background(host, '--live', '--p2p', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        there.kill()
        said, _ = run.communicate(timeout=20)
        expect('refused when the daemon there is killed', run.returncode != 0, True)
        expect('and still here', state(host), 'running (migrated)')


def test_without_parameters(host):
    """the calls that have no typed parameters, by the client and from daemon to daemon"""
    with two_hosts(host) as there:
        guest(host)
        here, other = host.connect(), libvirt.open(there.tcp)
        live = libvirt.VIR_MIGRATE_LIVE
        moved = here.lookupByName('traveller').migrate(other, live | libvirt.VIR_MIGRATE_PERSIST_DEST, None, None, 0)
        expect('its name', moved.name(), 'traveller')
        expect('there', state(there), 'running (migrated)')
        flags = live | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
        moved.migrateToURI('qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT), flags, None, 0)
        expect('back', state(host), 'running (migrated)')
        expect('nothing is left there', there.virsh('list', '--all', '--name').split(), [])
        here.lookupByName('traveller').migrate2(other, None, live, None, 'tcp://%s' % peer.THERE, 7)
        expect('there by its address', state(there), 'running (migrated)')
        for conn in (here, other):
            conn.close()


def with_the_original(host, options):
    if host.real:
        raise Skip('both are the original')
    if not os.path.exists('/usr/sbin/libvirtd'):
        raise Skip('the original is not installed')
    with two_hosts(host, bindir='/usr/sbin') as there:
        back = 'qemu+tcp://%s:%d/system' % (peer.HERE, peer.PORT)
        guest(host, devices="<graphics type='vnc' port='-1'/>", ballast=True)
        definition = host.virsh('dumpxml', '--migratable', 'traveller')
        watcher = Watcher(here=host, there=there)
        host.virsh('migrate', '--live', '--persistent', *options, 'traveller', there.tcp)
        expect('there', state(there), 'running (migrated)')
        expect('here', state(host), 'shut off (migrated)')
        expect('the definition there', there.virsh('dumpxml', '--migratable', 'traveller'), definition)
        there.virsh('migrate', '--live', '--persistent', '--undefinesource', *options, 'traveller', back)
        expect('back', state(host), 'running (migrated)')
        expect('nothing is left there', there.virsh('list', '--all', '--name').split(), [])
        expect('the definition here', host.virsh('dumpxml', '--migratable', 'traveller'), definition)
        expect('events here', watcher.of('here'), [(SUSPENDED, 1), (STOPPED, 3), (STARTED, 1), (0, 1), (RESUMED, 1)])
        expect('events there', watcher.of('there'), [(STARTED, 1), (0, 0), (RESUMED, 1), (SUSPENDED, 1), (STOPPED, 3)])
        watcher.close()


def test_with_the_original(host):
    """to libvirt's own daemon and back"""
    with_the_original(host, ())


def test_with_the_original_as_a_peer(host):
    """the same, daemon to daemon"""
    with_the_original(host, ('--p2p',))


def test_with_the_original_through_a_tunnel(host):
    """the same, through the daemons' connection"""
    with_the_original(host, ('--p2p', '--tunnelled'))


def test_locks(host):
    """lock_manager = "lockd" with leases that both hosts see: they go with the guest, and come back when it stays"""
    if host.real:
        raise Skip("the original's virtlockd has to be started on both hosts")
    needs('qemu-img')
    leases, image = GUEST_DIR + '/leases', GUEST_DIR + '/locked.raw'
    os.makedirs(leases, exist_ok=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'raw', image, '16M'], check=True)
    os.chmod(image, 0o666)
    manager = 'lock_manager = "lockd"'
    disk = "<disk type='file'><source file='%s'/><target dev='vda' bus='virtio'/></disk>" % image
    with two_hosts(host, qemu=manager, ours=manager, lockd='file_lockspace_dir = "%s"\n' % leases) as there:
        guest(host, devices=disk, ballast=True)
        guest(host, 'rival', devices=disk, start=False)

        def refused(when):
            said = host.virsh('start', 'rival', fails=True)
            if 'Lockspace resource' not in said and 'lock' not in said.lower():
                raise Failure('%s: %s' % (when, said))
        refused('while it runs here')
        run = background(host, '--live', '--unsafe', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        host.virsh('domjobabort', 'traveller')
        run.communicate(timeout=20)
        expect('stays', state(host), 'running (booted)')
        refused('after it has stayed')
        host.virsh('migrate', '--live', '--unsafe', 'traveller', there.tcp)
        expect('there', state(there), 'running (migrated)')
        refused('while it runs there')
        there.virsh('destroy', 'traveller')
        host.virsh('start', 'rival')


def test_ports(host):
    """migration_port_min and _max are kept to, and a port comes back"""
    with two_hosts(host, qemu='migration_port_min = 50100\nmigration_port_max = 50100') as there:
        guest(host, ballast=True)
        guest(host, 'second')
        run = background(host, '--live', *SLOW, 'traveller', there.tcp)
        wait_until_sending(host)
        if "Unable to find an unused port in range 'migration' (50100-50100)" not in host.virsh('migrate', '--live', 'second', there.tcp, fails=True):
            raise Failure('another port')
        host.virsh('migrate-setspeed', 'traveller', '1000')
        run.communicate(timeout=30)
        expect('the first', state(there), 'running (migrated)')
        host.virsh('migrate', '--live', 'second', there.tcp)
        expect('the second', state(there, 'second'), 'running (migrated)')
