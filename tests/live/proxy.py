"""virtproxyd: one way in, from which every call goes on to the daemon whose part it is."""
import contextlib
import os
import subprocess

import libvirt

import raw
from harness import Console, Failure, Skip, config, expect, figures, has, needs, wait_for, words
from ways_in import Pki, tls_uri

BACKENDS = {'virtqemud': 'qemu', 'virtsecretd': 'secret', 'virtnetworkd': 'network', 'virtstoraged': 'storage',
            'virtnodedevd': 'nodedev',
            'virtnwfilterd': 'nwfilter', 'virtinterfaced': 'interface'}
NOBODY = 65534


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


def test_remote_clients(host):
    """clients by TLS and TCP manage guests and secrets through the proxy"""
    needs('certtool')
    pki = Pki(host.directory('pki'))
    start(host, pki.config('listen_tls = 1\nlisten_tcp = 1\nauth_tcp = "none"\n'), ['virtqemud', 'virtsecretd'])
    for uri in (tls_uri(pki.client('good')), 'qemu+tcp://localhost/system'):
        with contextlib.closing(libvirt.open(uri)) as conn:
            expect('guests', conn.listAllDomains(), [])
            secret = conn.secretDefineXML(SECRET)
            expect('its UUID', [s.UUIDString() for s in conn.listAllSecrets()], [secret.UUIDString()])
            secret.undefine()
            number = clients(host, 'virtqemud')[0][0]
            info = figures(virt_admin(host, 'virtqemud', 'client-info', 'virtqemud', number))
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
