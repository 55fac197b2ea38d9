"""The daemons as such: every name, sockets, activation, limits, administration."""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import libvirt

from harness import Failure, Skip, accepts, admin, config, expect, figures, has, wait_for, words

DRIVERS = {'virtqemud': 'qemu', 'virtxend': 'xen', 'virtlxcd': 'lxc', 'virtbhyved': 'bhyve', 'virtvboxd': 'vbox',
           'virtinterfaced': 'interface', 'virtnetworkd': 'network', 'virtnodedevd': 'nodedev', 'virtnwfilterd': 'nwfilter',
           'virtsecretd': 'secret', 'virtstoraged': 'storage'}
RUN = '/run/libvirt/'


def servers(host, daemon='libvirtd'):
    return sorted(w[1] for w in words(admin(host, 'srv-list', daemon=daemon)))


def mode_of(path):
    return oct(os.stat(path).st_mode & 0o777)


def test_sockets_and_pid_file(host):
    """sockets have the original's modes, the pid file our number, a second daemon is refused, all of it goes in the end"""
    daemon = host.main
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
    host.main.stop()
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
    host.main.stop()
    for text in ('unix_sock_dir = "/nonexistent/x"\n', 'unix_sock_group = "nosuchgroup"\n', 'unix_sock_rw_perms = "abc"\n'):
        done = subprocess.run([host.bindir + '/libvirtd', '-f', config(host, 'sockets', text)], capture_output=True, timeout=20,
                              stdin=subprocess.DEVNULL)
        expect('status with ' + text, done.returncode, 6)


def test_every_daemon(host):
    """each personality opens its sockets, serves connections and virt-admin, and ends well"""
    missing = [name for name in DRIVERS if not has(host, name)]
    if missing:
        raise Skip('not installed: ' + ' '.join(missing))
    host.main.stop()
    for name, scheme in DRIVERS.items():
        daemon = host.start(name, socket=RUN + name + '-sock')
        conn = libvirt.open('%s+unix:///system?socket=%s%s-sock' % (scheme, RUN, name))
        expect('version of ' + name, conn.getLibVersion(), 9000000)
        expect('servers of ' + name, servers(host, name), ['admin', name])
        conn.close()
        expect('status of ' + name, daemon.stop(), 0)
    for name in ('virtlogd', 'virtlockd'):
        daemon = host.start(name, socket=RUN + name + '-sock')
        expect('mode of its socket', mode_of(RUN + name + '-sock'), '0o700')
        expect('servers of ' + name, servers(host, name), ['admin', name])
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
    expect('servers', servers(host), ['admin', 'libvirtd'])
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
    host.main.stop()
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
    host.main.stop()
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
    host.main.stop()
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
            told = notify.recv(100).decode()
            while told.startswith('EXTEND_TIMEOUT_USEC='):       # as often as a start takes long
                told = notify.recv(100).decode()
            expect('readiness', told, 'READY=1')
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
    host.main.stop()
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
        conn = host.connect()
        shutil.copy(host.bindir + '/busyvirt', host.bindir + '/new')
        inode = os.stat(host.bindir + '/new').st_ino
        os.rename(host.bindir + '/new', host.bindir + '/busyvirt')
        supervisor.send_signal(signal.SIGUSR1)
        wait_for('the new image', lambda: [pid for pid in running('libvirtd') if os.stat('/proc/%d/exe' % pid).st_ino == inode], 30)
        expect('its client', conn.getLibVersion(), 9000000)
        conn.close()
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
    expect('the first step', plan[0].split()[:3], ['systemctl', 'stop', 'libvirtd.socket'])
    for name in ('virtqemud', 'virtproxyd'):
        if not any(line.startswith('systemctl enable ') and name + '.socket' in line.split() for line in plan):
            raise Failure('%s is not enabled: %s' % (name, plan))
    expect('a nonsensical word', switch('sideways').returncode, 1)
    here = switch('modular')
    expect('status without systemd', here.returncode, 1)
    if 'busyvirt supervise virtlogd virtlockd virtqemud' not in here.stderr:
        raise Failure('it does not say what to do: ' + here.stderr)
