"""The ways in over the network: TLS with its certificates, SASL with passwords and with Kerberos."""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading

import libvirt

from harness import Failure, admin, config, expect, figures, has, needs, wait_for, words

# Extended key usage: a server's, and critical, which certtool has no word for.
SERVER_ONLY = 'add_critical_extension = "2.5.29.37 0x300a06082b06010505070301"\n'
SIGN = 'signing_key\nencryption_key\n'
PAST = 'activation_date="2020-01-01 00:00:00 UTC"\nexpiration_date="2020-06-01 00:00:00 UTC"\n'
FUTURE = 'activation_date="2090-01-01 00:00:00 UTC"\nexpiration_date="2091-01-01 00:00:00 UTC"\n'


class Pki:
    """A throw-away authority, a server's certificate, and clients' by name; all with one key, which costs least."""

    def __init__(self, directory):
        self.dir = directory
        self.certtool('--generate-privkey', '--key-type', 'rsa', '--bits', '2048', '--outfile', self.path('key'))
        self.make('ca', 'cn=CA\nca\ncert_signing_key\ncrl_signing_key\n', signer=None)
        self.make('server', 'cn=localhost\ndns_name=localhost\ntls_www_server\n' + SIGN)

    def path(self, name):
        return '%s/%s.pem' % (self.dir, name)

    def make(self, name, template, signer='ca'):
        file = self.dir + '/template'
        with open(file, 'w') as f:
            f.write(template + ('' if 'expiration' in template else 'expiration_days=10\n'))
        sign = ['--generate-self-signed'] if not signer else [
            '--generate-certificate', '--load-ca-certificate', self.path(signer), '--load-ca-privkey', self.path('key')]
        self.certtool(*sign, '--load-privkey', self.path('key'), '--template', file, '--outfile', self.path(name))

    def client(self, name, more='tls_www_client\n' + SIGN, signer='ca', organization='Org'):
        """A directory for pkipath= with this client's certificate."""
        self.make(name, 'organization=%s\ncn=%s\n%s' % (organization, name, more), signer)
        return self.client_dir(name, clientcert=name, clientkey='key')

    def client_dir(self, name, **files):
        d = self.dir + '/client-' + name
        os.makedirs(d, exist_ok=True)
        for target, source in dict(files, cacert='ca').items():
            shutil.copy(self.path(source), '%s/%s.pem' % (d, target))
        return d

    def revoke(self, name):
        with open(self.dir + '/template', 'w') as f:
            f.write('crl_number = 1\ncrl_next_update = 600\n')
        self.certtool('--generate-crl', '--load-ca-privkey', self.path('key'), '--load-ca-certificate', self.path('ca'),
                      '--load-certificate', self.path(name), '--template', self.dir + '/template', '--outfile', self.path('crl'))

    def certtool(self, *args):
        subprocess.run(['certtool', *args], check=True, capture_output=True, env=dict(os.environ, TZ='UTC'))

    def config(self, more=''):
        return 'ca_file = "%s"\ncert_file = "%s"\nkey_file = "%s"\n%s' % (
            self.path('ca'), self.path('server'), self.path('key'), more)


def tls_uri(directory, host='localhost', port=16514):
    return 'qemu+tls://%s:%d/system?pkipath=%s' % (host, port, directory)


class Log:
    """What the daemon logs from now on."""

    def __init__(self, daemon, at=None):
        self.path, self.at = daemon.log, os.path.getsize(daemon.log) if at is None else at

    def text(self):
        with open(self.path, errors='replace') as f:
            f.seek(self.at)
            return f.read()

    def wait_for(self, pattern):
        try:
            wait_for('log', lambda: re.search(pattern, self.text()))
        except Failure:
            raise Failure('no %r in the log: %s' % (pattern, self.text())) from None


@contextlib.contextmanager
def own_etc(host):
    """/etc is a copy that this test may write to."""
    copy = host.directory('etc') + '/etc'
    subprocess.run(['cp', '-a', '/etc', copy], check=True)
    subprocess.run(['mount', '--bind', copy, '/etc'], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', '/etc'], check=True)
        shutil.rmtree(copy)


def start_with(host, name, text, more_args=('--listen',)):
    """The daemon with this configuration in place of the one that runs."""
    host.main.stop()
    return host.start(args=[*more_args, '-f', config(host, name, text)])


# --- TLS -----------------------------------------------------------------------------------------

def test_tls_refusals(host):
    """TLS lets in whom the authority signed and the list names; all others are refused and the log says why"""
    needs('certtool')
    pki = Pki(host.directory('pki'))
    pki.make('other-ca', 'cn=Other CA\nca\ncert_signing_key\n', signer=None)
    client = 'tls_www_client\n' + SIGN
    good = pki.client('good')
    # Those that GnuTLS's own check finds have but one reason in the original's log; and a client does not even show a
    # certificate of an authority that the server does not name, or of which the usage forbids that.
    refused = {
        pki.client('revoked'): 'revoked',
        pki.client('expired', client + PAST): 'expired',
        pki.client('early', client + FUTURE): 'not (yet )?activ|not yet',
        pki.client('purpose', SERVER_ONLY + SIGN): 'purpose',
        pki.client('usage', 'tls_www_client\nencryption_key\n'): 'usage|no certificate',
        pki.client('authority', client + 'ca\n'): 'CA',
        pki.client('stranger', client, signer='other-ca'): 'no certificate',
        pki.client('unlisted', organization='Other'): 'Distinguished Name',
        pki.client_dir('bare'): 'no certificate',
    }
    pki.revoke('revoked')
    host.env['TZ'] = 'UTC'
    daemon = start_with(host, 'tls', pki.config('crl_file = "%s"\ntls_allowed_dn_list = [ "O=Org,CN=*" ]\n' % pki.path('crl')))
    conn = libvirt.open(tls_uri(good))
    expect('encrypted', conn.isEncrypted(), 1)
    entry = [w for w in words(admin(host, 'srv-clients-list', 'libvirtd')) if w[1] == 'tls'][0]
    expect('its name', figures(admin(host, 'client-info', 'libvirtd', entry[0]))['tls_x509_dname'], 'O=Org,CN=good')
    more = '' if has(host, 'busyvirt') else '|not trusted'
    wrong = []
    for directory, reason in refused.items():
        log = Log(daemon)
        try:
            host.virsh('uri', uri=tls_uri(directory) + '&no_sanity=1', fails=True)
            log.wait_for('(?i)error.*(%s%s)' % (reason, more))
        except Failure as failure:
            wrong.append('%s: %s' % (os.path.basename(directory), failure))
    if wrong:
        raise Failure('\n'.join(wrong))
    for _ in range(200):
        conn.getLibVersion()
    conn.close()


def test_tls_host_and_priority(host):
    """a client refuses a server of another name; tls_priority rules out what it says; tls_no_verify lets anybody in"""
    needs('certtool', 'gnutls-cli')
    pki = Pki(host.directory('pki'))
    pki.make('server', 'cn=elsewhere\ndns_name=elsewhere\ntls_www_server\n' + SIGN)
    stranger = pki.client('stranger', 'tls_www_client\n' + SIGN, signer=None)
    start_with(host, 'tls', pki.config('tls_no_verify_certificate = 1\ntls_port = "16999"\nlisten_addr = "127.0.0.1"\n'
                                       'tls_priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2"\n'))
    uri = tls_uri(stranger, port=16999) + '&no_sanity=1'
    said = host.virsh('uri', uri=uri, fails=True)
    if 'owner' not in said and 'hostname' not in said:
        raise Failure('it says: ' + said)
    expect('without looking', host.virsh('uri', uri=uri + '&no_verify=1').startswith('qemu+tls:'), True)

    def handshake(version):
        return subprocess.run(['gnutls-cli', '-p', '16999', '--insecure', '--priority', 'NORMAL:-VERS-ALL:+VERS-' + version,
                               '127.0.0.1'], stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode == 0
    expect('TLS 1.2, 1.3', (handshake('TLS1.2'), handshake('TLS1.3')), (True, False))


def test_tls_own_certificate(host):
    """an expired server certificate or one of an authority keeps the daemon from starting, unless told otherwise"""
    needs('certtool')
    pki = Pki(host.directory('pki'))
    host.main.stop()
    purpose = 'cn=localhost\ntls_www_server\n' + SIGN
    for name, template, signer in (('expired', purpose + PAST, 'ca'), ('early', purpose + FUTURE, 'ca'),
                                   ('authority', purpose + 'ca\n', 'ca'), ('alone', purpose, None)):
        pki.make('server', template, signer)
        done = subprocess.run([host.bindir + '/libvirtd', '--listen', '-f', config(host, 'bad', pki.config())], timeout=20,
                              stdin=subprocess.DEVNULL, capture_output=True)
        expect('status with a certificate that is ' + name, done.returncode, 6)
    host.start(args=['--listen', '-f', config(host, 'bad', pki.config('tls_no_sanity_certificate = 1\n'))])
    # A purpose that does not fit is a reason only where the certificate insists on it.
    pki.make('server', 'cn=localhost\ntls_www_client\n' + SIGN)
    log = Log(start_with(host, 'purpose', pki.config()), at=0)
    log.wait_for('warning.*purpose')


def test_tls_default_paths_and_update(host):
    """certificates are found in /etc/pki; virt-admin has them read again, and no client is dropped, whether it works or not"""
    needs('certtool')
    pki = Pki(host.directory('pki'))
    good, revoked = pki.client('good'), pki.client('revoked')
    with own_etc(host):
        for file, source in (('CA/cacert', 'ca'), ('libvirt/servercert', 'server'), ('libvirt/private/serverkey', 'key')):
            os.makedirs(os.path.dirname('/etc/pki/' + file), exist_ok=True)
            shutil.copy(pki.path(source), '/etc/pki/%s.pem' % file)
        start_with(host, 'tls', '')
        conn, other = libvirt.open(tls_uri(good)), libvirt.open(tls_uri(revoked))
        pki.revoke('revoked')
        shutil.copy(pki.path('crl'), '/etc/pki/CA/cacrl.pem')
        host.virsh('uri', uri=tls_uri(revoked))
        admin(host, 'srv-update-tls', 'libvirtd')
        host.virsh('uri', uri=tls_uri(revoked), fails=True)
        host.virsh('uri', uri=tls_uri(good))
        os.unlink('/etc/pki/libvirt/servercert.pem')
        admin(host, 'srv-update-tls', 'libvirtd', fails=True)
        host.virsh('uri', uri=tls_uri(good))
        expect('who was connected', (conn.getLibVersion(), other.getLibVersion()), (9000000, 9000000))
        conn.close()
        other.close()
        host.main.stop()


# --- SASL ----------------------------------------------------------------------------------------

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
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.seen += data
                target.sendall(data)
        target.close()


class Sasl:
    """A SASL configuration of its own, with two users in sasldb."""

    def __init__(self, host, mechanisms):
        needs('saslpasswd2')
        self.dir = host.directory('sasl')
        self.realm = socket.gethostname()
        self.offer(mechanisms)
        for user in ('joe', 'fred'):
            subprocess.run(['saslpasswd2', '-p', '-f', self.dir + '/passwd.db', '-a', 'libvirt', '-u', self.realm, user],
                           input=b'secret', check=True)
        host.env['SASL_CONF_PATH'] = self.dir

    def offer(self, mechanisms, more=''):
        with open(self.dir + '/libvirt.conf', 'w') as f:
            f.write('mech_list: %s\nsasldb_path: %s/passwd.db\n%s' % (mechanisms, self.dir, more))

    def be(self, host, user, password='secret'):
        path = '%s/%s-%s' % (self.dir, user, password)
        with open(path, 'w') as f:
            f.write('[credentials-t]\nauthname=%s@%s\npassword=%s\n[auth-libvirt-localhost]\ncredentials=t\n'
                    % (user, self.realm, password))
        host.env['LIBVIRT_AUTH_FILE'] = path


TCP = 'listen_tls = 0\nlisten_tcp = 1\n'


def expect_encrypted(tap, mechanism):
    """The mechanism was offered in clear, and nothing that came after it can be read."""
    if mechanism not in tap.seen or b'qemu:///system' in tap.seen:
        raise Failure('the wire can be read: %r' % tap.seen[-200:])


def test_digest_md5(host):
    """on TCP a SASL mechanism must encrypt, and does; wrong passwords and unlisted users are refused and logged"""
    sasl = Sasl(host, 'digest-md5 plain scram-sha-256')
    daemon = start_with(host, 'sasl', TCP + 'sasl_allowed_username_list = [ "joe@*" ]\n')
    tap = Tap(16509)
    sasl.be(host, 'joe')
    host.virsh('uri; capabilities', uri='qemu+tcp://localhost:%d/system' % tap.port)
    expect_encrypted(tap, b'DIGEST-MD5')
    if b'PLAIN' in tap.seen or b'SCRAM' in tap.seen:
        raise Failure('a mechanism without encryption is offered: %r' % tap.seen[:200])
    for user, password, reason in (('joe', 'wrong', 'authentication failure'), ('fred', 'secret', 'fred@.*not (allowed|on)')):
        log = Log(daemon)
        sasl.be(host, user, password)
        said = host.virsh('uri', uri='qemu+tcp://localhost/system', fails=True)
        if 'authentication failed' not in said:
            raise Failure('it says: ' + said)
        log.wait_for(reason)


def test_scram_sha_256(host):
    """SCRAM, which has no layer of its own, is for TLS and Unix sockets; on plain TCP there is nothing to choose then"""
    needs('certtool')
    sasl = Sasl(host, 'scram-sha-256')
    pki = Pki(host.directory('pki'))
    start_with(host, 'sasl', pki.config('listen_tcp = 1\nauth_tls = "sasl"\nauth_unix_ro = "sasl"\n'
                                        'sasl_allowed_username_list = [ "joe@*" ]\n'))
    sasl.be(host, 'joe')
    uris = [tls_uri(pki.client('good')), host.uri.replace('libvirt-sock', 'libvirt-sock-ro')]
    for uri in uris:
        host.virsh('uri', uri=uri)
    host.virsh('uri', uri='qemu+tcp://localhost/system', fails=True)
    for user, password in (('joe', 'wrong'), ('fred', 'secret')):
        sasl.be(host, user, password)
        for uri in uris:
            host.virsh('uri', uri=uri, fails=True)


REALM = 'BUSYVIRT.TEST'


@contextlib.contextmanager
def kerberos(host, name):
    """A KDC with a principal for the service on `name` and one for joe, whose ticket is in host.env."""
    d = host.directory('krb5')
    for file, text in {
            'krb5.conf': '[libdefaults]\ndefault_realm = {R}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n'
                         'dns_canonicalize_hostname = false\nrdns = false\n[realms]\n{R} = {{\nkdc = 127.0.0.1:8888\n}}\n'
                         '[domain_realm]\n{N} = {R}\n',
            'kdc.conf': '[kdcdefaults]\nkdc_ports = 8888\nkdc_tcp_ports = 8888\n[realms]\n{R} = {{\ndatabase_name = {D}/db\n'
                        'key_stash_file = {D}/stash\nacl_file = {D}/acl\nmax_life = 1h\n}}\n'}.items():
        with open('%s/%s' % (d, file), 'w') as f:
            f.write(text.format(R=REALM, D=d, N=name))
    env = dict(os.environ, KRB5_CONFIG=d + '/krb5.conf', KRB5_KDC_PROFILE=d + '/kdc.conf', KRB5CCNAME='FILE:%s/tickets' % d,
               PATH=os.environ['PATH'] + ':/usr/sbin')

    def run(*command, text=None):
        done = subprocess.run(command, env=env, input=text, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failure('%s: %s%s' % (command[0], done.stdout, done.stderr))
    run('kdb5_util', 'create', '-s', '-P', 'master')
    run('kadmin.local', '-q', 'addprinc -pw secret joe')
    run('kadmin.local', '-q', 'addprinc -randkey libvirt/' + name)
    run('kadmin.local', '-q', 'ktadd -k %s/keytab libvirt/%s' % (d, name))
    kdc = subprocess.Popen(['krb5kdc', '-n'], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=open(d + '/kdc.log', 'w'))
    try:
        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', 8888)).close()
                return True
        wait_for('the KDC', listens)
        run('kinit', 'joe', text='secret\n')
        host.env.update({key: env[key] for key in ('KRB5_CONFIG', 'KRB5CCNAME')}, KRB5_KTNAME=d + '/keytab')
        yield
    finally:
        kdc.terminate()
        kdc.wait()


def test_gssapi(host):
    """Kerberos by a real KDC: its ticket lets a client in over plain TCP, encrypted; without one, or off the list, it is refused"""
    needs('krb5kdc', 'kadmin.local', 'kdb5_util', 'kinit')
    name = 'virt.busyvirt.test'
    with own_etc(host):
        subprocess.run(['hostname', name], check=True)
        with open('/etc/hosts', 'w') as f:
            f.write('127.0.0.1 %s localhost\n' % name)
        with kerberos(host, name):
            sasl = Sasl(host, 'gssapi')
            uri = 'qemu+tcp://%s:%%d/system' % name
            start_with(host, 'gssapi', TCP + 'sasl_allowed_username_list = [ "joe" ]\n')
            tap = Tap(16509)
            host.virsh('uri; capabilities', uri=uri % tap.port)
            expect_encrypted(tap, b'GSSAPI')
            cache = host.env['KRB5CCNAME']
            host.env['KRB5CCNAME'] = 'FILE:/nonexistent'
            host.virsh('uri', uri=uri % 16509, fails=True)
            host.env['KRB5CCNAME'] = cache
            daemon = start_with(host, 'gssapi', TCP + 'sasl_allowed_username_list = [ "fred", "joe@OTHER" ]\n')
            log = Log(daemon)
            host.virsh('uri', uri=uri % 16509, fails=True)
            log.wait_for("joe.*not (allowed|on)")
            host.main.stop()
        subprocess.run(['hostname', sasl.realm], check=True)
