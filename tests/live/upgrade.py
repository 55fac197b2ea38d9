"""SIGUSR1: daemons that execute themselves anew lose no client, no byte of a log, no lease and no event."""
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import libvirt

from harness import Failure, Skip, expect, needs, wait_for
from ways_in import Pki, Sasl, tls_uri
from wire import SOCKETS, LOG, LOCK, Lock, Log

LOGS = '/var/log/libvirt/upgrade'


class Image:
    """The file that a daemon was started by, in a directory of its own, with other files put in its place."""

    def __init__(self, host, name, source=None):
        self.path = '%s/images-%s/%s' % (host.logs, name, name)
        self.source = source or os.path.join(host.bindir, 'busyvirt')
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.put(self.source)

    def put(self, source):
        """A new file with the content of `source`; its inode."""
        shutil.copy(source, self.path + '.new')
        os.chmod(self.path + '.new', 0o755)
        os.rename(self.path + '.new', self.path)
        return os.stat(self.path).st_ino

    def put_script(self, text):
        with open(self.path + '.sh', 'w') as f:
            f.write('#!/bin/sh\n' + text + '\n')
        return self.put(self.path + '.sh')


def start(host, image, socket, *args):
    return host.start(image.path, args, socket=socket)


def runs(daemon):
    """The inode of the image that the daemon's process runs."""
    try:
        return os.stat('/proc/%d/exe' % daemon.process.pid).st_ino
    except OSError:
        raise Failure('the daemon is gone')


def upgrade(daemon, image, source=None):
    inode = image.put(source or image.source)
    daemon.process.send_signal(signal.SIGUSR1)
    wait_for('the new image', lambda: runs(daemon) == inode, 60)


def only_ours(host):
    if host.bindir == '/usr/sbin':
        raise Skip('the original does not upgrade itself so')
    host.daemons[0].stop()


# --- virtlogd ---

WRITER = '''
import os, sys, time
n, fd, stop = 0, int(sys.argv[1]), sys.argv[2]
worst = 0.0
while not os.path.exists(stop):
    lines = b"".join(b"%09d %s\\n" % (n + i, b"x" * (n % 90)) for i in range(5))
    n += 5
    begin = time.monotonic()
    while lines:
        lines = lines[os.write(fd, lines):]
    worst = max(worst, time.monotonic() - begin)
    time.sleep(0.01)
print(n, worst)
'''


class Writers:
    """Processes that each write numbered lines into a log of their own until stop()."""

    def __init__(self, host, count):
        shutil.rmtree(LOGS, ignore_errors=True)
        os.makedirs(LOGS, exist_ok=True)
        self.stop_file = host.logs + '/stop-writing'
        self.clients, self.processes, self.paths = [], [], []
        for i in range(count):
            client = Log()
            path = '%s/writer%d.log' % (LOGS, i)
            fd, _ = client.open(path, name='guest%d' % i)
            self.processes.append(subprocess.Popen([sys.executable, '-c', WRITER, str(fd), self.stop_file], pass_fds=[fd],
                                                   stdout=subprocess.PIPE, text=True))
            os.close(fd)
            self.clients.append(client)
            self.paths.append(path)

    def stop(self):
        """Checks that every log has every line once, over its roll-overs."""
        with open(self.stop_file, 'w'):
            pass
        for process, path in zip(self.processes, self.paths):
            count = int(process.communicate(timeout=60)[0].split()[0])

            def lines():
                parts = [path + '.%d' % i for i in reversed(range(100)) if os.path.exists(path + '.%d' % i)] + [path]
                return b''.join(open(part, 'rb').read() for part in parts).splitlines()
            wait_for('the last line of ' + path, lambda: len(lines()) >= count)
            expect('the numbers in ' + path, [int(line[:9]) for line in lines()], list(range(count)))
        for client in self.clients:
            client.close()
        os.unlink(self.stop_file)
        return count


def test_virtlogd(host):
    """200 upgrades of virtlogd while 20 writers log: no byte is lost or doubled, no client disconnected"""
    only_ours(host)
    image = Image(host, 'virtlogd')
    daemon = start(host, image, SOCKETS[LOG], '-f', host.write('log.conf', 'max_size = 262144\nmax_backups = 32\n'))
    writers = Writers(host, 20)
    for i in range(200):
        upgrade(daemon, image)
        position = writers.clients[i % 20].position(writers.paths[i % 20])
        if i % 20 == 0 and position[1] == 0 and i > 20:
            raise Failure('nothing is written')
    if writers.stop() < 100:
        raise Failure('the writers hardly wrote')
    expect('what is left', [f for f in os.listdir('/run') if 'restart-exec' in f], [])


# --- virtlockd ---

THIEF = '''
import fcntl, os, sys, time
directory, stop = sys.argv[1:]
tries = 0
open(stop + ".begun", "w").close()
while not os.path.exists(stop):
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "r+") as f:
            tries += 1
            try:
                fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            except OSError:
                continue
            print("free:", name)
            sys.exit(1)
    time.sleep(0.0005)
print(tries)
'''


class Owners:
    """Clients of virtlockd that hold a lease each, and a process that tries to take one of them all the time."""

    def __init__(self, host, count, daemon='virtlockd'):
        self.space = '/var/lib/libvirt/lockd-upgrade'
        shutil.rmtree(self.space, ignore_errors=True)
        self.stop_file = host.logs + '/stop-stealing'
        self.clients = [Lock().register(pid=4000000 + i, name='guest%d' % i) for i in range(count)]
        self.clients[0].create_lockspace(self.space)
        self.names = ['disk%02d' % i for i in range(count)]
        for client, name in zip(self.clients, self.names):
            client.create(self.space, name)
            client.acquire(self.space, name)
        self.thief = subprocess.Popen([sys.executable, '-c', THIEF, self.space, self.stop_file], stdout=subprocess.PIPE, text=True)
        wait_for('the thief', lambda: os.path.exists(self.stop_file + '.begun'))

    def turn(self, i, name='/var/lib/libvirt/lockd-upgrade-disk'):
        """One owner takes and gives back a lease besides its own."""
        path = name + str(i)
        with open(path, 'a'):
            pass
        self.clients[i].acquire('', path)
        self.clients[i].release('', path)

    def stop(self):
        with open(self.stop_file, 'w'):
            pass
        said = self.thief.communicate(timeout=60)[0].split()
        if self.thief.returncode != 0 or int(said[0]) < 10 * len(self.names):
            raise Failure('the thief says: %s' % ' '.join(said))
        os.unlink(self.stop_file)
        os.unlink(self.stop_file + '.begun')
        for client, name in zip(self.clients, self.names):
            client.release(self.space, name)
            with open(os.path.join(self.space, name), 'r+') as f:
                fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            client.close()


def test_virtlockd(host):
    """200 upgrades of virtlockd under 50 owners: no lock is ever free, no client disconnected"""
    only_ours(host)
    image = Image(host, 'virtlockd')
    daemon = start(host, image, SOCKETS[LOCK])
    owners = Owners(host, 50)
    restricted = Lock().register(pid=4000099)
    restricted.restrict()
    unregistered = Lock()
    for i in range(200):
        upgrade(daemon, image)
        owners.turn(i % 50)
    for client, why in ((restricted, 'restricted'), (unregistered, 'not been registered')):
        try:
            client.acquire(owners.space, 'disk00')
        except Exception as error:
            if why not in str(error):
                raise
        else:
            raise Failure('a client that is %s may lock' % why)
    owners.stop()


# --- from and to the original ---

def original(name):
    path = '/usr/sbin/' + name
    if not os.path.exists(path):
        raise Skip("Debian's %s is not installed" % name)
    return path


def test_original_virtlogd(host):
    """Debian's virtlogd upgrades to ours and ours back to Debian's under a writer, whose log goes on"""
    only_ours(host)
    image = Image(host, 'virtlogd', original('virtlogd'))
    daemon = start(host, image, SOCKETS[LOG], '-f', host.write('log.conf', 'max_size = 262144\nmax_backups = 32\n'))
    writers = Writers(host, 3)
    for source in (host.bindir + '/busyvirt', '/usr/sbin/virtlogd', host.bindir + '/busyvirt'):
        upgrade(daemon, image, source)
        time.sleep(0.3)
        for client, path in zip(writers.clients, writers.paths):
            client.position(path)
        with Log() as another:
            another.append(LOGS + '/another.log', 'x')
    writers.stop()


def test_original_virtlockd(host):
    """Debian's virtlockd upgrades to ours and back with leases that are never free"""
    only_ours(host)
    image = Image(host, 'virtlockd', original('virtlockd'))
    daemon = start(host, image, SOCKETS[LOCK])
    owners = Owners(host, 5)
    for source in (host.bindir + '/busyvirt', '/usr/sbin/virtlockd', host.bindir + '/busyvirt', host.bindir + '/busyvirt'):
        upgrade(daemon, image, source)
        owners.turn(1)
        # Its own lease under another name must not cost the lock, which is a POSIX lock after the original.
        link = '/var/lib/libvirt/lockd-upgrade-link'
        if not os.path.exists(link):
            os.link(os.path.join(owners.space, owners.names[0]), link)
        if source.endswith('busyvirt'):
            try:
                owners.clients[2].acquire('', link)
            except Exception:
                pass
            else:
                raise Failure('the same file was locked twice')
    os.unlink(link)
    owners.stop()


# --- libvirtd ---

class Client(threading.Thread):
    """Calls of all sorts from one connection until stop; the first error is kept."""

    def __init__(self, uri, number):
        super().__init__(daemon=True)
        self.conn = libvirt.open(uri)
        self.conn.setKeepAlive(5, 5)
        self.number, self.stop, self.error, self.rounds = number, False, None, 0

    def run(self):
        xml = ('<domain type="qemu"><name>upgrade%d</name><memory>1024</memory>'
               '<os><type arch="x86_64">hvm</type></os></domain>' % self.number)
        try:
            while not self.stop:
                domain = self.conn.defineXML(xml)
                self.conn.listAllDomains()
                self.conn.lookupByName('upgrade%d' % self.number).XMLDesc()
                self.conn.getHostname()
                domain.undefine()
                self.rounds += 1
        except libvirt.libvirtError as error:
            self.error = error

    def finish(self):
        self.stop = True
        self.join(60)
        if self.error:
            raise Failure('client %d: %s' % (self.number, self.error))
        expect('client %d is alive' % self.number, self.conn.isAlive(), 1)
        return self.rounds


class Listener:
    """Counts lifecycle events by domain and kind."""

    def __init__(self, uri):
        self.seen = []
        self.conn = libvirt.open(uri)
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.on_event, None)

    def on_event(self, conn, domain, event, detail, opaque):
        self.seen.append((domain.name(), event))

    def count(self, name, event):
        return self.seen.count((name, event))


def test_libvirtd(host):
    """50 upgrades of libvirtd under load: clients see no error, and every event arrives once"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket)
    host.define('runner')
    host.virsh('start', 'runner')
    listener = Listener(host.uri)
    conn = host.connect()
    runner = conn.lookupByName('runner')
    ident = runner.ID()
    clients = [Client(host.uri, i) for i in range(4)]
    for client in clients:
        client.start()
    for i in range(50):
        upgrade(daemon, image)
        if i % 5 == 0:
            runner.suspend()
            runner.resume()
    rounds = [client.finish() for client in clients]
    for client, count in zip(clients, rounds):
        name = 'upgrade%d' % client.number
        wait_for('all events of ' + name, lambda: listener.count(name, libvirt.VIR_DOMAIN_EVENT_UNDEFINED) >= count)
        expect('events of ' + name, (listener.count(name, libvirt.VIR_DOMAIN_EVENT_DEFINED),
                                     listener.count(name, libvirt.VIR_DOMAIN_EVENT_UNDEFINED)), (count, count))
    wait_for('the last resume', lambda: listener.count('runner', libvirt.VIR_DOMAIN_EVENT_RESUMED) >= 10)
    expect('suspensions', listener.count('runner', libvirt.VIR_DOMAIN_EVENT_SUSPENDED), 10)
    expect('the guest', (runner.ID(), runner.state()[0]), (ident, libvirt.VIR_DOMAIN_RUNNING))
    runner.destroy()
    wait_for('its end', lambda: listener.count('runner', libvirt.VIR_DOMAIN_EVENT_STOPPED) == 1)


def test_drivers_stay_taken(host):
    """what no other daemon may manage beside this one is never free, and given up in the end"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    host.main.stop()
    daemon = start(host, image, host.socket)
    locks = ['/run/libvirt/%s/driver.pid' % driver for driver in ('qemu', 'secrets', 'interface', 'nodedev')]
    free, over = [], threading.Event()

    def look():
        while not over.is_set():
            for path in locks:
                with open(path, 'r+') as f:
                    try:
                        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        free.append(path)
                    except OSError:
                        pass
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(5):
            upgrade(daemon, image)
            host.virsh('uri')
    finally:
        over.set()
        thread.join()
    expect('locks that were free', free, [])
    expect('the status', daemon.stop(), 0)
    expect('what is left', [path for path in locks if os.path.exists(path)], [])


def test_guest_ends_meanwhile(host):
    """what a guest does between two images is reported by the second one: it stops, and it ends"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket)
    host.define('runner')
    host.virsh('start', 'runner')
    listener = Listener(host.uri)
    with open('/run/libvirt/qemu/runner.pid') as f:
        pid = int(f.read())
    # The new image is kept from running for a moment, in which QEMU ends.
    image.put_script('case "$*" in *--check-state*) ;; *) kill -TERM %d; sleep 1 ;; esac; exec %s/libvirtd "$@"'
                     % (pid, host.bindir))
    daemon.process.send_signal(signal.SIGUSR1)
    wait_for('the event', lambda: listener.count('runner', libvirt.VIR_DOMAIN_EVENT_STOPPED), 30)
    time.sleep(0.2)
    expect('all events', [event for _, event in listener.seen],
           [libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_STOPPED])


def test_state_survives(host):
    """limits, client numbers, read-only clients, ephemeral secrets and reasons are what they were"""
    only_ours(host)
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket, '-t', '600')
    admin = ['virt-admin', '-q', '-c', 'libvirtd:///system']

    def ask(*args):
        return subprocess.run([*admin, *args], capture_output=True, text=True, check=True, timeout=20).stdout
    conn, reader = host.connect(), libvirt.openReadOnly(host.uri)
    ask('srv-clients-set', 'libvirtd', '--max-clients', '77')
    ask('srv-threadpool-set', 'libvirtd', '--max-workers', '33')
    ask('daemon-log-filters', '--filters', '4:upgrade')
    secret = conn.secretDefineXML("<secret ephemeral='yes' private='no'><description>d</description></secret>")
    secret.setValue(b'very secret')
    host.define('runner')
    host.virsh('start', 'runner')
    host.virsh('destroy', 'runner')
    questions = (['srv-clients-info', 'libvirtd'], ['srv-threadpool-info', 'libvirtd'], ['daemon-log-filters'],
                 ['client-list', 'libvirtd'])

    def answers():
        return [[line for line in ask(*q).splitlines() if 'nclients' not in line and 'Workers' not in line] for q in questions]
    before = answers()
    upgrade(daemon, image)
    expect('what virt-admin says', answers(), before)
    expect('the secret', secret.value(), b'very secret')
    expect('why the guest is off', conn.lookupByName('runner').state(), [5, 2])
    try:
        reader.lookupByName('runner').undefine()
        raise Failure('a read-only client may write')
    except libvirt.libvirtError as error:
        expect('the refusal', error.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
    with open('/run/libvirtd.pid') as f:
        expect('the pid file', int(f.read()), daemon.process.pid)
    second = subprocess.run([host.bindir + '/libvirtd'], capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    expect('status of a second daemon', second.returncode, 1)


def test_proxy(host):
    """virtproxyd and virtqemud upgrade under a client, whose events go on"""
    only_ours(host)
    images = {name: Image(host, name) for name in ('virtqemud', 'virtproxyd')}
    daemons = {'virtqemud': start(host, images['virtqemud'], '/run/libvirt/virtqemud-sock'),
               'virtproxyd': start(host, images['virtproxyd'], host.socket)}
    listener = Listener(host.uri)
    clients = [Client(host.uri, i) for i in range(2)]
    for client in clients:
        client.start()
    for i in range(10):
        for name, daemon in daemons.items():
            upgrade(daemon, images[name])
    rounds = [client.finish() for client in clients]
    for client, count in zip(clients, rounds):
        name = 'upgrade%d' % client.number
        wait_for('all events of ' + name, lambda: listener.count(name, libvirt.VIR_DOMAIN_EVENT_UNDEFINED) >= count)
        expect('events of ' + name, listener.count(name, libvirt.VIR_DOMAIN_EVENT_DEFINED), count)


def test_ways_in(host):
    """TCP clients go on and TLS ones are closed, and both kinds of sockets go on listening"""
    needs('certtool')
    only_ours(host)
    os.makedirs(host.logs + '/pki-upgrade')
    pki = Pki(host.logs + '/pki-upgrade')
    good = pki.client('good')
    text = pki.config('listen_tcp = 1\nauth_tcp = "none"\nauth_tls = "none"\n')
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket, '--listen', '-f', host.write('ways.conf', text))
    tcp, tls = libvirt.open('qemu+tcp://localhost/system'), libvirt.open(tls_uri(good))
    upgrade(daemon, image)
    expect('TCP', tcp.getLibVersion(), 9000000)
    wait_for('the end of the TLS connection', lambda: not tls.isAlive() or not lives(tls))
    for uri in ('qemu+tcp://localhost/system', tls_uri(good)):
        with_new = libvirt.open(uri)
        expect('a new client by ' + uri, with_new.getLibVersion(), 9000000)
        with_new.close()


def test_sasl_over_tcp(host):
    """a client that SASL encrypts for has all its answers and then the end of its connection, and can come again"""
    only_ours(host)
    sasl = Sasl(host, 'digest-md5')
    sasl.be(host, 'joe')
    image = Image(host, 'libvirtd')
    daemon = start(host, image, host.socket, '--listen', '-f', host.write('sasl.conf', 'listen_tls = 0\nlisten_tcp = 1\n'))
    with subprocess.Popen([sys.executable, '-c', SASL_CLIENT], env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as client:
        expect('connected', client.stdout.readline(), 'encrypted\n')
        upgrade(daemon, image)
        expect('what the client sees', client.stdout.readline(), 'closed with reason 1\n')  # VIR_CONNECT_CLOSE_REASON_EOF
        client.stdin.write('again\n')
        client.stdin.flush()
        expect('a new connection', client.stdout.readline(), 'encrypted\n')
        client.stdin.close()


SASL_CLIENT = '''
import libvirt, sys, threading
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()
def events():
    while True: libvirt.virEventRunDefaultImpl()
libvirt.virEventAddTimeout(100, lambda *_: None, None)
threading.Thread(target=events, daemon=True).start()
gone = threading.Event()
def closed(conn, reason, opaque):
    print('closed with reason', reason, flush=True)
    gone.set()
def connect():
    kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
    conn = libvirt.openAuth('qemu+tcp://localhost/system', [kinds, lambda *_: -1, None])
    if conn.isEncrypted(): print('encrypted', flush=True)
    return conn
conn = connect()
conn.registerCloseCallback(closed, None)
while not gone.is_set():
    try:
        conn.getHostname()
    except libvirt.libvirtError:
        gone.wait()
sys.stdin.readline()
connect()
'''


def lives(conn):
    try:
        return conn.getLibVersion()
    except libvirt.libvirtError:
        return None


def test_activated(host):
    """sockets that the service manager opened are kept, and stay when the daemon ends"""
    only_ours(host)
    os.makedirs(LOGS, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    path = host.logs + '/activated-sock'
    listening.bind(path)
    listening.listen(10)
    image = Image(host, 'virtlogd')

    def pass_socket():
        os.dup2(listening.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='virtlogd.socket')
        os.execv(image.path, [image.path])
    pid = os.fork()
    if pid == 0:
        pass_socket()
    try:
        client = Log(path)
        for _ in range(2):
            inode = image.put(image.source)
            os.kill(pid, signal.SIGUSR1)
            wait_for('the new image', lambda: os.stat('/proc/%d/exe' % pid).st_ino == inode, 30)
            client.append(LOGS + '/activated.log', 'x')
            Log(path).close()
    finally:
        os.kill(pid, signal.SIGTERM)
        expect('its end', os.waitpid(pid, 0)[1], 0)
    expect('the socket', os.path.exists(path), True)


def test_session(host):
    """a user's daemon upgrades itself as root's does"""
    image = Image(host, 'libvirtd')
    host.daemons[-1].stop()
    os.chmod(os.path.dirname(image.path), 0o755)
    daemon = start(host, image, host.socket)
    script = 'import libvirt, sys\nconn = libvirt.open(sys.argv[1])\nfor _ in sys.stdin: print(conn.getURI(), flush=True)'
    with subprocess.Popen([*host.become, sys.executable, '-c', script, host.uri], env=host.env, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as client:
        for _ in range(4):
            client.stdin.write('\n')
            client.stdin.flush()
            if not client.stdout.readline().startswith('qemu'):
                raise Failure('the client has lost its connection')
            upgrade(daemon, image)
        client.stdin.close()
    host.virsh('uri')
    expect('what is left', [f for f in os.listdir(host.run_dir) if 'restart-exec' in f], [])


test_session.session_user = 65534


# --- new images that are no good ---

NO_INSTRUCTION, JUMP_TO_ITSELF = b'\x0f\x0b', b'\xeb\xfe'


def spoilt_image(host, instruction):
    """Ours with this instruction in it where a new image takes over its clients."""
    path = os.path.join(host.bindir, 'busyvirt')
    symbols = subprocess.run(['nm', path], capture_output=True, text=True).stdout
    found = [line.split()[0] for line in symbols.splitlines() if 'HostDaemon7RestoreERK' in line]
    if not found:
        raise Skip('the executable has no symbols')
    address = int(found[0], 16)
    with open(path, 'rb') as f:
        data = bytearray(f.read())
    start, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    for i in range(count):
        kind, _, offset, virtual, _, length = struct.unpack_from('<IIQQQQ', data, start + i * size)
        if kind == 1 and virtual <= address < virtual + length:
            data[address - virtual + offset:address - virtual + offset + 2] = instruction
    spoilt = host.logs + '/spoilt'
    with open(spoilt, 'wb') as f:
        f.write(data)
    return spoilt


def test_bad_images(host):
    """a new image that is missing, is none, refuses the state or crashes: the old one goes on serving"""
    only_ours(host)
    image = Image(host, 'virtlogd')
    daemon = start(host, image, SOCKETS[LOG])
    writers = Writers(host, 2)
    inode = runs(daemon)
    refusing = ('for last; do :; done; sed -i \'s/"version":1/"version":99/\' "$last"; exec %s/virtlogd "$@"' % host.bindir)
    bad = {'missing': lambda: os.unlink(image.path),
           'not executable': lambda: (image.put(image.source), os.chmod(image.path, 0o644)),
           'no program': lambda: image.put('/etc/hostname'),
           'another program': lambda: image.put('/bin/true'),
           'fails': lambda: image.put_script('exit 3'),
           'crashes': lambda: image.put_script('kill -SEGV $$'),
           'hangs': lambda: image.put_script('exec sleep 1000'),
           'too old for the state': lambda: image.put_script(refusing)}
    failures = 0
    for what, put in bad.items():
        put()
        daemon.process.send_signal(signal.SIGUSR1)

        def said():
            with open(daemon.log) as f:
                return f.read().count('the upgrade failed')
        wait_for('the failure of one that is %s' % what if what == 'missing' else 'the failure: ' + what,
                 lambda: said() > failures, 60)
        failures = said()
        expect('the image that runs (%s)' % what, runs(daemon), inode)
        writers.clients[0].position(writers.paths[0])
    upgrade(daemon, image)
    writers.stop()


def goes_back(host, instruction, seconds):
    """A daemon with clients that takes this instruction for an upgrade, and goes on as it was."""
    only_ours(host)
    image = Image(host, 'virtlogd')
    daemon = start(host, image, SOCKETS[LOG])
    writers = Writers(host, 5)
    inode = runs(daemon)
    image.put(spoilt_image(host, instruction))
    daemon.process.send_signal(signal.SIGUSR1)

    def back():
        with open(daemon.log) as f:
            return 'going on with the old one' in f.read()
    wait_for('the way back', back, seconds)
    expect('the image that runs', runs(daemon), inode)
    for client, path in zip(writers.clients, writers.paths):
        client.position(path)
    upgrade(daemon, image)
    writers.stop()


def test_crash_after_exec(host):
    """a new image that crashes while it takes over is replaced by the old one, with all clients and logs"""
    goes_back(host, NO_INSTRUCTION, 30)


def test_hang_after_exec(host):
    """and so is one that hangs"""
    goes_back(host, JUMP_TO_ITSELF, 90)
