"""virtproxyd: one way in, from which every call goes on to the daemon whose part it is."""
import contextlib
import os
import struct
import subprocess

import libvirt

import raw
from harness import Console, Failure, Skip, config, expect, figures, has, needs, wait_for, words
from ways_in import Pki, tls_uri

BACKENDS = {'virtqemud': 'qemu', 'virtsecretd': 'secret', 'virtnetworkd': 'network', 'virtstoraged': 'storage',
            'virtnodedevd': 'nodedev',
            'virtnwfilterd': 'nwfilter', 'virtinterfaced': 'interface'}
NOBODY = 65534
SECRET_GET_VALUE, CONNECT_SET_IDENTITY, VOLUME = 145, 419, 1


def virt_admin(host, daemon, *args):
    return subprocess.run(['virt-admin', '-q', '-c', daemon + ':///system', *args], env=host.env, stdin=subprocess.DEVNULL, check=True,
                          capture_output=True, text=True, timeout=20).stdout


def clients(host, daemon):
    return words(virt_admin(host, daemon, 'srv-clients-list', daemon))


def start(host, text='', daemons=BACKENDS):
    """virtproxyd in libvirtd's place, and the modular daemons."""
    if not has(host, 'virtproxyd'):
        raise Skip('virtproxyd is not installed')
    for daemon in host.daemons:
        daemon.stop()
    for name in daemons:
        host.start(name, socket='/run/libvirt/%s-sock' % name)
    host.start('virtproxyd', args=['-f', config(host, 'virtproxyd', text)])


def stop_guests(host):
    """Harness.close() looks for a libvirtd."""
    with contextlib.suppress(libvirt.libvirtError):
        conn = libvirt.open(host.uri)
        for domain in conn.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefine()
        conn.close()


SECRET = "<secret ephemeral='no' private='no'><description>d</description></secret>"


def test_only_what_is_used(host):
    """a connection opens the daemon of its URI, others with the first call that is theirs, and ends with all of them"""
    start(host)
    conn = libvirt.open(host.uri)
    expect('who has clients', [d for d in BACKENDS if clients(host, d)], ['virtqemud'])
    secret = conn.secretDefineXML(SECRET)
    secret.setValue(b'value')
    expect('its value', secret.value(), b'value')
    secret.undefine()
    del secret                                                    # which holds the connection
    expect('who has clients', [d for d in BACKENDS if clients(host, d)], ['virtqemud', 'virtsecretd'])
    conn.close()
    wait_for('the end of all', lambda: not any(clients(host, d) for d in BACKENDS))
    for daemon, scheme in BACKENDS.items():
        uri = '%s+unix:///system?socket=%s' % (scheme, host.socket)
        with contextlib.closing(libvirt.open(uri)) as conn:
            expect('its URI', conn.getURI(), uri)
            expect('who has clients', [d for d in BACKENDS if clients(host, d)], [daemon])
        wait_for('the end', lambda: not clients(host, daemon))


def test_guest_through_proxy(host):
    """a guest is defined, started and used through the proxy: console stream, events, a long answer"""
    start(host, daemons=['virtqemud'])
    try:
        conn = libvirt.open(host.uri)
        events = []
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, event, detail, o: events.append(event), None)
        host.define('linux', linux=True)
        domain = conn.lookupByName('linux')
        domain.create()
        console = Console(conn, 'linux')
        console.wait_for('guest is up')
        console.send('hello\n')
        console.wait_for('echo: hello', 30)
        console.close()
        expect('capabilities', len(conn.getCapabilities()) > 1000, True)
        domain.destroy()
        wait_for('events', lambda: events[-1:] == [libvirt.VIR_DOMAIN_EVENT_STOPPED])
        expect('those before', events[0] == libvirt.VIR_DOMAIN_EVENT_DEFINED and libvirt.VIR_DOMAIN_EVENT_STARTED in events, True)
        conn.close()
    finally:
        stop_guests(host)


PRIVATE = """<secret ephemeral='no' private='yes'><uuid>0f0b1d2c-6a3e-4e6c-9d1b-2b8b4c9d6e01</uuid>
  <usage type='volume'><volume>/locked</volume></usage></secret>"""
LOCKED = """<volume><name>locked</name><capacity>1048576</capacity><target><format type='raw'/><encryption format='luks'>
  <secret type='passphrase' %s/></encryption></target></volume>"""
LOCKED_DISK = """<disk type='file' device='disk'><driver name='qemu' type='raw'/>
  <source file='%s'><encryption format='luks'><secret type='passphrase' %s/></encryption></source>
  <target dev='vda' bus='virtio'/></disk>"""
WHICH = {'uuid': "uuid='0f0b1d2c-6a3e-4e6c-9d1b-2b8b4c9d6e01'", 'usage': "usage='/locked'"}


def test_secrets_of_another_daemon(host):
    """virtstoraged and virtqemud get private values from virtsecretd, by UUID and by usage; clients do not, whatever token they show"""
    needs('qemu-img')
    start(host, daemons=['virtqemud', 'virtsecretd', 'virtstoraged'])
    conn = libvirt.open(host.uri)
    secret = conn.secretDefineXML(PRIVATE)
    try:
        directory = host.directory('p')
        pool = conn.storagePoolCreateXML("<pool type='dir'><name>p</name><target><path>%s</path></target></pool>" % directory)
        try:
            pool.createXML(LOCKED % WHICH['usage'])
            raise Failure('a volume is encrypted without a passphrase')
        except libvirt.libvirtError as error:
            expect('no value', error.get_error_code(), libvirt.VIR_ERR_NO_SECRET)
        secret.setValue(b'open sesame')
        path = pool.createXML(LOCKED % WHICH['usage']).path()
        for place in (host.logs, directory):
            os.chmod(place, 0o755)
        host.define('locked', devices=LOCKED_DISK % (path, WHICH['usage']))
        guest = conn.lookupByName('locked')
        guest.create()                                            # QEMU opens it with the passphrase, or ends
        expect('its size', guest.blockInfo('vda')[0], 1 << 20)
        guest.destroy()
        host.define('open')
        guest = conn.lookupByName('open')
        guest.create()
        guest.attachDeviceFlags(LOCKED_DISK % (path, WHICH['uuid']), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        expect('its size', guest.blockInfo('vda')[0], 1 << 20)
        guest.destroy()

        for token in ('', 'f' * 32):
            client = raw.Client('/run/libvirt/virtsecretd-sock')
            client.call(raw.AUTH_LIST)
            client.call(raw.OPEN, struct.pack('>I', 1) + raw.string('secret:///system') + struct.pack('>I', 0))
            if token:
                show = struct.pack('>I', 1) + raw.string('system.token') + struct.pack('>I', 7) + raw.string(token) + struct.pack('>I', 0)
                expect('showing a token', client.call(CONNECT_SET_IDENTITY, show).status, raw.OK)
            reply = client.call(SECRET_GET_VALUE, secret.UUID() + struct.pack('>i', VOLUME) + raw.string('/locked') + struct.pack('>I', 0))
            expect('the value', (reply.status, reply.code), (raw.ERROR, libvirt.VIR_ERR_INVALID_SECRET))
            client.close()
    finally:
        stop_guests(host)
        with contextlib.suppress(libvirt.libvirtError):
            secret.undefine()


def test_identity_and_read_only(host):
    """the daemons are told who the client is, and the proxy's own sockets, limits and read-only rule hold"""
    start(host, 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0777"\nmax_clients = 3\nmax_anonymous_clients = 3\n', ['virtqemud'])
    held = subprocess.Popen(['setpriv', '--reuid=%d' % NOBODY, '--regid=%d' % NOBODY, '--clear-groups', '--', '/usr/bin/python3', '-c',
                             'import libvirt, sys; c = libvirt.open(sys.argv[1]); print(c.getHostname(), flush=True); input()',
                             host.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(host.env, HOME='/'))
    held.stdout.readline()
    number = clients(host, 'virtqemud')[0][0]
    info = figures(virt_admin(host, 'virtqemud', 'client-info', 'virtqemud', number))
    expect('the client', (info['unix_user_id'], info['unix_process_id']), (str(NOBODY), str(held.pid)))
    held.communicate(b'\n', timeout=10)

    read_only = libvirt.openReadOnly(host.uri)
    try:
        read_only.defineXML('<domain/>')
        raise Failure('a read-only client may define')
    except libvirt.libvirtError as error:
        expect('the refusal', error.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
    read_only_socket = libvirt.open(host.uri.replace('libvirt-sock', 'libvirt-sock-ro'))
    try:
        read_only_socket.defineXML('<domain/>')
        raise Failure('the read-only socket may define')
    except libvirt.libvirtError as error:
        expect('the refusal', error.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)

    third, fourth = raw.Client(host.socket), raw.Client(host.socket)
    expect('the third', third.call(raw.AUTH_LIST).status, raw.OK)
    fourth.send(raw.message(raw.AUTH_LIST))
    try:
        fourth.receive(0.5)
        raise Failure('a fourth client is served')
    except TimeoutError:
        pass
    read_only.close()
    expect('the fourth', fourth.receive().status, raw.OK)
    for client in (third, fourth, read_only_socket):
        client.close()


NETWORK = """<network><name>far</name><bridge name='bvfar'/><ip address='192.168.78.1' netmask='255.255.255.0'/></network>"""
BYTES = os.urandom(3 << 20)


def send_some(_, size, sent):
    part = BYTES[len(sent):len(sent) + size]
    sent += part
    return part


def use_everything(host, conn, directory):
    """What a remote administrator does with the daemons behind the proxy."""
    expect('guests', conn.listAllDomains(), [])
    secret = conn.secretDefineXML(SECRET)
    expect('its UUID', [s.UUIDString() for s in conn.listAllSecrets()], [secret.UUIDString()])
    secret.undefine()

    network = conn.networkDefineXML(NETWORK)
    network.create()
    expect('networks that run', [n.name() for n in conn.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE)], ['far'])
    expect('its bridge', os.path.exists('/proc/sys/net/ipv4/conf/bvfar'), True)
    network.destroy()
    network.undefine()

    pool = conn.storagePoolDefineXML("<pool type='dir'><name>far</name><target><path>%s</path></target></pool>" % directory)
    pool.create()
    volume = pool.createXML('<volume><name>v</name><capacity>%d</capacity></volume>' % len(BYTES))
    stream, sent = conn.newStream(), bytearray()
    volume.upload(stream, 0, len(BYTES))
    stream.sendAll(send_some, sent)
    stream.finish()
    stream, back = conn.newStream(), []
    volume.download(stream, 0, len(BYTES))
    stream.recvAll(lambda _, data, parts: parts.append(data), back)
    stream.finish()
    expect('what came back', b''.join(back) == BYTES, True)
    volume.delete()
    pool.destroy()
    pool.undefine()
    number = clients(host, 'virtqemud')[0][0]
    return figures(virt_admin(host, 'virtqemud', 'client-info', 'virtqemud', number))


def test_remote_clients(host):
    """clients by TLS and TCP manage guests, secrets, networks, pools and volumes' bytes through the proxy"""
    needs('certtool')
    pki = Pki(host.directory('pki'))
    start(host, pki.config('listen_tls = 1\nlisten_tcp = 1\nauth_tcp = "none"\n'),
          ['virtqemud', 'virtsecretd', 'virtnetworkd', 'virtstoraged'])
    for uri in (tls_uri(pki.client('good')), 'qemu+tcp://localhost/system'):
        with contextlib.closing(libvirt.open(uri)) as conn:
            info = use_everything(host, conn, host.directory('pool'))
            if 'tls' in uri:
                expect('who it is', info['tls_x509_dname'], 'O=Org,CN=good')


def test_daemons_that_go(host):
    """a daemon that is not there or goes is an error for the calls that need it, and for them alone; it may come back"""
    start(host, daemons=['virtqemud', 'virtsecretd'])
    conn = libvirt.open(host.uri)
    conn.listAllSecrets()
    [d for d in host.daemons if 'virtsecretd' in d.log][0].stop()
    for call in (conn.listAllSecrets, conn.listAllNetworks):
        try:
            call()
            raise Failure('%s is answered' % call)
        except libvirt.libvirtError:
            pass
    expect('guests', conn.listAllDomains(), [])
    host.start('virtsecretd', socket='/run/libvirt/virtsecretd-sock')
    expect('secrets', conn.listAllSecrets(), [])
    [d for d in host.daemons if 'virtqemud' in d.log][0].stop()
    try:
        conn.listAllDomains()
        raise Failure('guests are listed without their daemon')
    except libvirt.libvirtError:
        pass
    conn.close()


def test_session_daemons_start(host):
    """a user's proxy starts the daemon that is asked for when it is not there"""
    if not has(host, 'virtproxyd'):
        raise Skip('virtproxyd is not installed')
    host.main.stop()
    host.start('virtproxyd')
    expect('before', os.path.exists(host.run_dir + '/virtqemud-sock'), False)
    out = host.virsh('list', '--all')
    expect('guests', out.strip(), '')
    with open(host.run_dir + '/virtqemud.pid') as f:
        pid = int(f.read())
    with open('/proc/%d/cmdline' % pid) as f:
        expect('its command line', f.read(), 'virtqemud\0--daemon\0--timeout\000120\0')
    host.virsh('list', '--all')
    os.kill(pid, 15)
    wait_for('its end', lambda: not os.path.exists('/proc/%d' % pid))


test_session_daemons_start.session_user = NOBODY
