"""The daemons as such: every name, sockets, activation, limits, administration, TLS and SASL."""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import libvirt

from harness import Failure, Skip, accepts, expect, wait_for

DRIVERS = {'virtqemud': 'qemu', 'virtxend': 'xen', 'virtlxcd': 'lxc', 'virtbhyved': 'bhyve', 'virtvboxd': 'vbox',
           'virtinterfaced': 'interface', 'virtnetworkd': 'network', 'virtnodedevd': 'nodedev', 'virtnwfilterd': 'nwfilter',
           'virtsecretd': 'secret', 'virtstoraged': 'storage'}
RUN = '/run/libvirt/'


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip('%s is not installed' % program)


def has(host, name):
    return os.path.exists(os.path.join(host.bindir, name))


def admin(host, *args, daemon='libvirtd', fails=False):
    done = subprocess.run(['virt-admin', '-q', '-c', daemon + ':///system', *args], env=host.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)
    if (done.returncode != 0) != fails:
        raise Failure('virt-admin %s: status %d: %s%s' % (' '.join(args), done.returncode, done.stdout, done.stderr))
    return done.stderr if fails else done.stdout


def figures(text):
    """{'nclients': '1'} of lines like 'nclients : 1'."""
    return {key.strip(): value.strip() for key, _, value in (line.partition(':') for line in text.splitlines())}


def words(text):
    return [line.split() for line in text.splitlines()]


def mode_of(path):
    return oct(os.stat(path).st_mode & 0o777)


def config(host, name, text):
    return host.write(name + '.conf', text)


def test_sockets_and_pid_file(host):
    """sockets have the original's modes, the pid file our number, a second daemon is refused, all of it goes in the end"""
    daemon = host.daemons[0]
    expect('modes', [mode_of(RUN + s) for s in ('libvirt-sock', 'libvirt-sock-ro', 'libvirt-admin-sock')],
           ['0o777', '0o777', '0o700'])
    with open('/run/libvirtd.pid') as f:
        expect('the pid file', f.read().strip(), str(daemon.process.pid))
    second = subprocess.run([host.bindir + '/libvirtd'], capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
    expect('status of a second daemon', second.returncode, 1)
    if '/run/libvirtd.pid' not in second.stderr:
        raise Failure('it does not say which file: ' + second.stderr)
    expect('the first one', accepts(host.socket), True)
    expect('status after SIGTERM', daemon.stop(), 0)
    expect('what is left', [p for p in (host.socket, '/run/libvirtd.pid') if os.path.exists(p)], [])


def test_stale_files(host):
    """what a killed daemon left behind does not keep the next from starting"""
    host.restart_after_kill()
    expect('libvirt version', host.connect().getLibVersion(), 9000000)


def test_background(host):
    """-d returns when clients can connect, and says what went wrong when they cannot"""
    host.daemons[0].stop()
    subprocess.run([host.bindir + '/libvirtd', '-d'], check=True, timeout=20, stdin=subprocess.DEVNULL)
    try:
        expect('a connection at once', accepts(host.socket), True)
        again = subprocess.run([host.bindir + '/libvirtd', '-d'], capture_output=True, text=True, timeout=20,
                               stdin=subprocess.DEVNULL)
        expect('status of a second one', again.returncode, 1)
        if 'pidfile' not in again.stderr:
            raise Failure('it says: ' + again.stderr)
    finally:
        with open('/run/libvirtd.pid') as f:
            os.kill(int(f.read()), signal.SIGTERM)
        wait_for('its end', lambda: not os.path.exists('/run/libvirtd.pid'))


def test_bad_command_lines(host):
    """wrong options and files end with status 1 and one line on stderr"""
    libvirtd = host.bindir + '/libvirtd'
    for args in (['--bogus'], ['-t', 'abc'], ['-t', '-5'], ['-f', '/nonexistent'], ['extra'],
                 ['-f', config(host, 'type', 'max_clients = "x"\n')], ['-f', config(host, 'syntax', 'max_clients = \n')],
                 ['-f', config(host, 'auth', 'auth_unix_rw = "bogus"\n')],
                 ['-f', config(host, 'access', 'access_drivers = [ "bogus" ]\n')],
                 ['-f', config(host, 'uuid', 'host_uuid = "00000000-0000-0000-0000-000000000000"\n')],
                 ['-f', config(host, 'level', 'log_level = 9\n')]):
        done = subprocess.run([libvirtd, *args], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        expect('status of %s' % args, done.returncode, 1)
        if not done.stderr.strip():
            raise Failure('%s: nothing on stderr' % args)
    for option in ('--help', '--version', '-h', '-V'):
        expect(option, subprocess.run([libvirtd, option], stdout=subprocess.DEVNULL).returncode, 0)


def test_bad_sockets(host):
    """sockets that cannot be made end with the original's status 6"""
    host.daemons[0].stop()
    for text in ('unix_sock_dir = "/nonexistent/x"\n', 'unix_sock_group = "nosuchgroup"\n', 'unix_sock_rw_perms = "abc"\n'):
        done = subprocess.run([host.bindir + '/libvirtd', '-f', config(host, 'sockets', text)], capture_output=True, timeout=20,
                              stdin=subprocess.DEVNULL)
        expect('status with ' + text, done.returncode, 6)


def test_every_daemon(host):
    """each personality opens its sockets, serves connections and virt-admin, and ends well"""
    missing = [name for name in DRIVERS if not has(host, name)]
    if missing:
        raise Skip('not installed: ' + ' '.join(missing))
    for name, scheme in DRIVERS.items():
        daemon = host.start(name, socket=RUN + name + '-sock')
        conn = libvirt.open('%s+unix:///system?socket=%s%s-sock' % (scheme, RUN, name))
        expect('version of ' + name, conn.getLibVersion(), 9000000)
        expect('servers of ' + name, [w[1] for w in words(admin(host, 'srv-list', daemon=name))], [name, 'admin'])
        conn.close()
        expect('status of ' + name, daemon.stop(), 0)
    for name in ('virtlogd', 'virtlockd'):
        daemon = host.start(name, socket=RUN + name + '-sock')
        expect('mode of its socket', mode_of(RUN + name + '-sock'), '0o700')
        expect('servers of ' + name, [w[1] for w in words(admin(host, 'srv-list', daemon=name))], [name, 'admin'])
        expect('status of ' + name, daemon.stop(), 0)


def test_session_refusal(host):
    """daemons without a session mode say so to an ordinary user"""
    if not has(host, 'virtnetworkd'):
        raise Skip('virtnetworkd is not installed')
    done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', host.bindir + '/virtnetworkd'],
                          capture_output=True, text=True, timeout=10)
    expect('status', done.returncode, 1)
    if 'session' not in done.stderr:
        raise Failure('it says: ' + done.stderr)


def test_admin(host):
    """virt-admin shows and sets servers, workers, limits, clients and logging"""
    expect('servers', [w[1] for w in words(admin(host, 'srv-list'))], ['libvirtd', 'admin'])
    admin(host, 'srv-threadpool-set', 'libvirtd', '--max-workers', '30', '--priority-workers', '7')
    pool = figures(admin(host, 'srv-threadpool-info', 'libvirtd'))
    expect('workers', (pool['maxWorkers'], pool['prioWorkers']), ('30', '7'))
    admin(host, 'srv-threadpool-set', 'libvirtd', '--min-workers', '31', fails=True)

    conn = host.connect()
    clients = words(admin(host, 'srv-clients-list', 'libvirtd'))
    expect('transport', [c[1] for c in clients], ['unix'])
    info = figures(admin(host, 'client-info', 'libvirtd', clients[0][0]))
    expect('the client', (info['unix_user_name'], info['unix_process_id'], info['readonly']), ('root', str(os.getpid()), 'no'))
    admin(host, 'client-disconnect', 'libvirtd', clients[0][0])
    wait_for('the client to go', lambda: not admin(host, 'srv-clients-list', 'libvirtd').strip())
    conn.close()
    admin(host, 'client-info', 'libvirtd', '999', fails=True)
    admin(host, 'srv-list', daemon='libvirtd')

    admin(host, 'srv-clients-set', 'libvirtd', '--max-clients', '30')
    expect('limit', figures(admin(host, 'srv-clients-info', 'libvirtd'))['nclients_max'], '30')
    admin(host, 'srv-clients-set', 'libvirtd', '--max-unauth-clients', '40', fails=True)
    before = admin(host, 'daemon-log-outputs')
    admin(host, 'daemon-log-filters', '1:rpc 3:event')
    if '1:' not in admin(host, 'daemon-log-filters'):
        raise Failure('filters are not shown')
    admin(host, 'daemon-log-filters', 'x', fails=True)
    admin(host, 'daemon-log-outputs', '1:bogus', fails=True)
    expect('outputs after a mistake', admin(host, 'daemon-log-outputs'), before)
    admin(host, 'srv-update-tls', 'libvirtd', fails=True)


def test_admin_is_private(host):
    """nobody but root gets at the administration socket, whatever its mode"""
    os.chmod(RUN + 'libvirt-admin-sock', 0o777)
    done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', 'virt-admin', '-c',
                           'libvirtd:///system', 'srv-list'], capture_output=True, text=True, timeout=10)
    expect('refused', done.returncode != 0, True)
    admin(host, 'srv-list')


def test_client_limit(host):
    """clients over max_clients wait in the queue and are served when another goes"""
    host.daemons[0].stop()
    host.start(args=['-f', config(host, 'limit', 'max_clients = 2\nmax_anonymous_clients = 2\n')])
    first, second = host.connect(), host.connect()
    done = threading.Event()
    third = []

    def open_third():
        third.append(libvirt.open(host.uri))
        done.set()
    threading.Thread(target=open_third, daemon=True).start()
    expect('the third is served', done.wait(0.5), False)
    first.close()
    expect('the third is served after one went', done.wait(5), True)
    second.close()
    third[0].close()


def test_idle_timeout(host):
    """--timeout ends an idle daemon, not one with a client; virt-admin can set it"""
    host.daemons[0].stop()
    daemon = host.start(args=['--timeout', '1'])
    conn = host.connect()
    time.sleep(1.5)
    expect('with a client', daemon.process.poll(), None)
    conn.close()
    expect('status after the time-out', daemon.process.wait(5), 0)
    daemon = host.start()
    admin(host, 'daemon-timeout', '--timeout', '1')
    expect('status after virt-admin set it', daemon.process.wait(5), 0)


def test_activation(host):
    """sockets that a service manager passes are served, outlive the daemon, and its readiness is told"""
    if not has(host, 'virtqemud'):
        raise Skip('virtqemud is not installed')
    names, listeners = ['virtqemud.socket', 'virtqemud-admin.socket'], []
    for path in ('virtqemud-sock', 'virtqemud-admin-sock'):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(RUN + path)
        listener.listen(16)
        listeners.append(socket.socket(fileno=fcntl.fcntl(listener.detach(), fcntl.F_DUPFD, 50)))  # above the numbers they get
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(RUN + 'notify')
    notify.settimeout(10)

    def start(*args):
        script = ''.join('exec %d<&%d; ' % (3 + i, s.fileno()) for i, s in reversed(list(enumerate(listeners))))
        env = dict(host.env, LISTEN_FDS='2', LISTEN_FDNAMES=':'.join(names), NOTIFY_SOCKET=RUN + 'notify',
                   LIBVIRT_LOG_OUTPUTS='3:stderr')
        return subprocess.Popen(['bash', '-c', script + 'LISTEN_PID=$$ exec "$@"', '-', host.bindir + '/virtqemud', *args],
                                env=env, pass_fds=[s.fileno() for s in listeners], stdin=subprocess.DEVNULL,
                                stderr=open(host.logs + '/activated.log', 'a'))
    for _ in range(2):
        daemon = start('--timeout', '2')
        try:
            expect('readiness', notify.recv(100).decode(), 'READY=1')
        except TimeoutError:
            with open(host.logs + '/activated.log') as f:
                raise Failure('not ready: ' + f.read()[-500:]) from None
        conn = libvirt.open('qemu+unix:///system?socket=%svirtqemud-sock' % RUN)
        conn.close()
        expect('its idle end', daemon.wait(10), 0)
        expect('stopping', notify.recv(100).decode(), 'STOPPING=1')
        expect('the socket is still there', os.path.exists(RUN + 'virtqemud-sock'), True)
    names[0] = 'bogus.socket'
    daemon = start()
    expect('status with an unknown socket', daemon.wait(10), 6)
    for listener in listeners:
        listener.close()
    for path in ('virtqemud-sock', 'virtqemud-admin-sock', 'notify'):
        os.unlink(RUN + path)


def test_no_bus(host):
    """without a system bus root is served and others are refused at once"""
    if os.path.exists('/run/dbus/system_bus_socket'):
        raise Skip('there is a system bus')
    begin = time.monotonic()
    done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', 'virsh', '-c', host.uri, 'list'],
                          capture_output=True, text=True, timeout=10)
    expect('refused', done.returncode != 0 and 'authentication' in done.stderr, True)
    if time.monotonic() - begin > 2:
        raise Failure('it took %.1f s' % (time.monotonic() - begin))
    host.connect().close()


# --- TLS and SASL --------------------------------------------------------------------------------

class Pki:
    """A throw-away authority, a server's certificate, and clients' by name."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.make('ca', 'cn=CA\nca\ncert_signing_key\ncrl_signing_key\n')
        self.make('server', 'cn=localhost\ndns_name=localhost\ntls_www_server\nsigning_key\nencryption_key\n', 'ca')

    def make(self, name, template, signer=None, days=10):
        path = self.dir + '/' + name
        with open(path + '.tmpl', 'w') as f:
            f.write(template + ('expiration_days=%d\n' % days if 'expiration' not in template else ''))
        self.certtool('--generate-privkey', '--key-type', 'rsa', '--bits', '2048', '--outfile', path + '.key')
        sign = ['--generate-self-signed'] if not signer else [
            '--generate-certificate', '--load-ca-certificate', '%s/%s.pem' % (self.dir, signer), '--load-ca-privkey',
            '%s/%s.key' % (self.dir, signer)]
        self.certtool(*sign, '--load-privkey', path + '.key', '--template', path + '.tmpl', '--outfile', path + '.pem')

    def client(self, name, more='tls_www_client\n', signer='ca', organization='Org'):
        """A directory for pkipath= with this client's certificate."""
        self.make(name, 'organization=%s\ncn=%s\nsigning_key\nencryption_key\n%s' % (organization, name, more), signer)
        d = self.dir + '/client-' + name
        os.makedirs(d, exist_ok=True)
        for source, target in (('ca.pem', 'cacert.pem'), (name + '.pem', 'clientcert.pem'), (name + '.key', 'clientkey.pem')):
            shutil.copy(self.dir + '/' + source, d + '/' + target)
        return d

    def certtool(self, *args):
        subprocess.run(['certtool', *args], check=True, capture_output=True)

    def config(self, more=''):
        return 'ca_file = "%s/ca.pem"\ncert_file = "%s/server.pem"\nkey_file = "%s/server.key"\n%s' % ((self.dir,) * 3 + (more,))


def tls_uri(directory):
    return 'qemu+tls://localhost/system?pkipath=' + directory


def test_tls(host):
    """TLS lets in whom the authority signed and the list names, and nobody else; certificates are read again on demand"""
    needs('certtool')
    pki = Pki(host.logs + '/pki')
    good = pki.client('good')
    revoked = pki.client('revoked')
    other = pki.client('other', organization='Other')
    with open(pki.dir + '/crl.tmpl', 'w') as f:
        f.write('crl_number = 1\ncrl_next_update = 600\n')
    pki.certtool('--generate-crl', '--load-ca-privkey', pki.dir + '/ca.key', '--load-ca-certificate', pki.dir + '/ca.pem',
                 '--load-certificate', pki.dir + '/revoked.pem', '--template', pki.dir + '/crl.tmpl', '--outfile', pki.dir + '/crl.pem')
    bare = pki.dir + '/client-bare'
    os.makedirs(bare, exist_ok=True)
    shutil.copy(pki.dir + '/ca.pem', bare + '/cacert.pem')
    host.daemons[0].stop()
    text = pki.config('crl_file = "%s/crl.pem"\ntls_allowed_dn_list = [ "O=Org,CN=*" ]\n' % pki.dir)
    host.start(args=['--listen', '-f', config(host, 'tls', text)])

    conn = libvirt.open(tls_uri(good))
    expect('encrypted', conn.isEncrypted(), 1)
    client = [w for w in words(admin(host, 'srv-clients-list', 'libvirtd')) if w[1] == 'tls'][0]
    expect('its name', figures(admin(host, 'client-info', 'libvirtd', client[0]))['tls_x509_dname'], 'O=Org,CN=good')
    for directory in (revoked, other, bare):
        host.virsh('uri', uri=tls_uri(directory), fails=True)
    admin(host, 'srv-update-tls', 'libvirtd')
    os.rename(pki.dir + '/server.pem', pki.dir + '/server.gone')
    admin(host, 'srv-update-tls', 'libvirtd', fails=True)
    host.virsh('uri', uri=tls_uri(good))
    for _ in range(200):
        conn.getLibVersion()
    conn.close()


def test_bad_own_certificate(host):
    """a server certificate that no client would take keeps the daemon from starting, unless told otherwise"""
    needs('certtool')
    pki = Pki(host.logs + '/pki-bad')
    pki.make('server', 'cn=localhost\ntls_www_client\nsigning_key\nencryption_key\n', 'ca')
    host.daemons[0].stop()
    done = subprocess.run([host.bindir + '/libvirtd', '--listen', '-f', config(host, 'bad', pki.config())], timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True)
    expect('status', done.returncode, 6)
    host.start(args=['--listen', '-f', config(host, 'bad', pki.config('tls_no_sanity_certificate = 1\n'))])


class Tap:
    """A TCP relay that keeps what passes."""

    def __init__(self, target):
        self.seen = b''
        self.target = target
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(('127.0.0.1', self.target))
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server)

    def pump(self, source, target):
        while data := source.recv(65536):
            self.seen += data
            target.sendall(data)
        target.close()


def test_sasl(host):
    """on TCP a SASL mechanism must encrypt, and does; wrong passwords and unlisted users are refused"""
    needs('saslpasswd2')
    d = host.logs + '/sasl'
    os.makedirs(d)
    with open(d + '/libvirt.conf', 'w') as f:
        f.write('mech_list: digest-md5 plain\nsasldb_path: %s/passwd.db\n' % d)
    realm = socket.gethostname()
    for user in ('joe', 'fred'):
        subprocess.run(['saslpasswd2', '-p', '-f', d + '/passwd.db', '-a', 'libvirt', '-u', realm, user], input=b'secret', check=True)

    def auth(user, password):
        path = '%s/%s-%s' % (d, user, password)
        with open(path, 'w') as f:
            f.write('[credentials-t]\nauthname=%s@%s\npassword=%s\n[auth-libvirt-localhost]\ncredentials=t\n' % (user, realm, password))
        return path
    host.daemons[0].stop()
    host.env['SASL_CONF_PATH'] = d
    host.start(args=['--listen', '-f', config(host, 'sasl', 'listen_tls = 0\nlisten_tcp = 1\nsasl_allowed_username_list = [ "joe@*" ]\n')])
    tap = Tap(16509)
    host.env['LIBVIRT_AUTH_FILE'] = auth('joe', 'secret')
    host.virsh('uri; uri', uri='qemu+tcp://localhost:%d/system' % tap.port)
    if b'DIGEST-MD5' not in tap.seen or b'qemu:///system' in tap.seen:
        raise Failure('the wire can be read: %r' % tap.seen[-200:])
    for user, password in (('joe', 'wrong'), ('fred', 'secret')):
        host.env['LIBVIRT_AUTH_FILE'] = auth(user, password)
        host.virsh('uri', uri='qemu+tcp://localhost/system', fails=True)


# --- without systemd -----------------------------------------------------------------------------

def running(name):
    """The processes of this name."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                if os.path.basename(f.read().split(b'\0')[0]).decode() == name:
                    found.append(int(pid))
        except OSError:
            pass
    return found


def test_supervise(host):
    """busyvirt supervise starts daemons on their first connection, again after a crash, and stops them"""
    if not has(host, 'busyvirt'):
        raise Skip('this is not busyvirt')
    host.daemons[0].stop()
    supervisor = subprocess.Popen([host.bindir + '/busyvirt', 'supervise', 'libvirtd', 'virtsecretd', 'virtlogd'],
                                  stdin=subprocess.DEVNULL, stderr=open(host.logs + '/supervise.log', 'w'))
    try:
        wait_for('the sockets', lambda: os.path.exists(RUN + 'virtlogd-admin-sock'))
        expect('daemons before anybody connects', running('libvirtd') + running('virtsecretd'), [])
        host.connect().close()
        first = running('libvirtd')
        expect('libvirtd, and it alone', (len(first), running('virtsecretd')), (1, []))
        os.kill(first[0], signal.SIGKILL)
        wait_for('its end', lambda: not running('libvirtd'))
        host.connect().close()
        expect('another one', len(running('libvirtd')), 1)
        expect('servers of virtlogd', len(words(admin(host, 'srv-list', daemon='virtlogd'))), 2)
    finally:
        supervisor.send_signal(signal.SIGTERM)
        expect('its status', supervisor.wait(20), 0)
    expect('what is left', (running('libvirtd'), running('virtlogd'), os.path.exists(host.socket)), ([], [], False))


def test_switch(host):
    """busyvirt switch knows which mode is in use, and prints what it would do"""
    if not has(host, 'busyvirt'):
        raise Skip('this is not busyvirt')

    def switch(*args):
        return subprocess.run([host.bindir + '/busyvirt', 'switch', *args], capture_output=True, text=True, timeout=20)
    expect('the mode', switch('status').stdout.strip(), 'monolithic')
    plan = switch('modular', '--dry-run').stdout.splitlines()
    expect('the first step', plan[0], 'systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket')
    for name in ('virtqemud', 'virtproxyd'):
        if not any(line.startswith('systemctl enable %s.socket' % name) for line in plan):
            raise Failure('%s is not enabled: %s' % (name, plan))
    expect('a nonsensical word', switch('sideways').returncode, 1)
