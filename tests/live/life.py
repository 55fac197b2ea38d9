"""A daemon's own life: options, pid file, sockets, time-out, configuration."""
import os
import signal
import socket
import subprocess
import time

from administration import ALL, prefix
from harness import Failure, Skip, accepts, config, expect, has, wait_for


def run_daemon(host, *args, timeout=10, name='libvirtd'):
    """Runs a daemon to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([os.path.join(host.bindir, name), *args], env=host.env, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=timeout)
    return done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace')


def test_version_and_help(host):
    """--version answers on standard output, --help tells every option (the original: on standard error)"""
    status, out, _ = run_daemon(host, '--version')
    expect('status', status, 0)
    expect('name', 'libvirtd' in out, True)
    status, out, err = run_daemon(host, '--help')
    out += err
    expect('status', status, 0)
    for option in ('-v', '-d', '-l', '-t', '-f', '-V', '-p'):
        if option not in out:
            raise Failure('--help does not tell %s' % option)


def test_wrong_options(host):
    """an unknown option or a malformed value ends it with status 1 and a line on standard error"""
    for args in (('--no-such-option',), ('--timeout', 'soon'), ('--timeout', '0'), ('surplus',)):
        status, _, err = run_daemon(host, *args)
        expect('status of %s' % (args,), status, 1)
        if not err.strip():
            raise Failure('%s: nothing on standard error' % (args,))


def test_bad_configuration(host):
    """a configuration file that cannot be read or understood is refused"""
    for text in (None, 'min_workers = "many"\n', 'min_workers = = 5\n'):
        path = '/run/test-libvirtd.conf'
        if text is None:
            path = '/run/there-is-none.conf'
        else:
            with open(path, 'w') as f:
                f.write(text)
        status, _, err = run_daemon(host, '--config', path)
        expect('status for %r' % text, status, 1)
        if path.split('/')[-1] not in err:
            raise Failure('the file is not named in %r' % err)


def test_second_daemon_is_refused(host):
    """a second daemon on the same pid file ends, and the first goes on serving"""
    status, _, err = run_daemon(host)
    expect('failed', status != 0, True)
    expect('the first one', host.virsh('list', '--all'), '')


def test_pid_file_and_stale_socket(host):
    """the pid file holds the process; after SIGKILL the next daemon takes over file and socket"""
    with open('/run/libvirtd.pid') as f:
        expect('pid', int(f.read()), host.daemons[-1].process.pid)
    host.daemons[-1].stop(signal.SIGKILL)
    expect('the socket file stays', os.path.exists(host.socket), True)
    host.start()
    with open('/run/libvirtd.pid') as f:
        expect('pid', int(f.read()), host.daemons[-1].process.pid)
    host.daemons[-1].stop()
    expect('the pid file after an orderly end', os.path.exists('/run/libvirtd.pid'), False)


def test_background(host):
    """--daemon returns when clients can connect"""
    host.daemons[-1].stop()
    status, _, err = run_daemon(host, '--daemon')
    expect('status', (status, err), (0, ''))
    expect('serves', accepts(host.socket), True)
    with open('/run/libvirtd.pid') as f:
        pid = int(f.read())
    os.kill(pid, signal.SIGTERM)
    wait_for('it ends', lambda: not os.path.exists('/run/libvirtd.pid'))


def test_idle_timeout(host):
    """--timeout ends an idle daemon, but not one with a client or a running guest"""
    host.define('one')
    host.virsh('start', 'one')
    host.daemons[-1].stop()
    daemon = host.start(args=('--timeout', '1'))
    time.sleep(2.5)
    expect('with a guest', daemon.process.poll(), None)
    host.virsh('destroy', 'one')
    wait_for('without one', lambda: daemon.process.poll() is not None, 8)
    expect('exit status', daemon.process.returncode, 0)
    daemon = host.start(args=('--timeout', '1'))
    conn = host.connect()
    time.sleep(2.5)
    expect('with a client', daemon.process.poll(), None)
    conn.close()
    wait_for('after the client left', lambda: daemon.process.poll() is not None, 8)
    host.start()


def test_modular_daemon(host):
    """virtqemud serves the same on its own sockets"""
    if not os.path.exists(host.bindir + '/virtqemud'):
        raise Skip('there is no virtqemud')
    host.daemons[-1].stop()
    socket = host.run_dir + '/virtqemud-sock'
    host.start('virtqemud', socket=socket)
    for name in ('virtqemud-sock', 'virtqemud-sock-ro', 'virtqemud-admin-sock'):
        expect(name, os.path.exists('%s/%s' % (host.run_dir, name)), True)
    expect('list', host.virsh('list', '--all', uri='qemu+unix:///system?socket=' + socket), '')


# --- odd inputs, of every daemon ---

def ends(host, name, what, args, status, *words):
    """It ends with this status and says these words."""
    got, out, err = run_daemon(host, *args, name=name)
    if got != status or not all(word in out + err for word in words):
        raise Failure('%s with %s: status %d, %s' % (name, what, got, (out + err).strip()[-400:]))


def installed(host):
    return [name for name in ALL if has(host, name)]


def test_odd_command_lines(host):
    """options that are none, want a value or have a wrong one: the usage, and status 1; --help and --version win over what follows"""
    for name in installed(host):
        path = os.path.join(host.bindir, name)
        usage = 'Usage:\n  %s [options]' % path
        ends(host, name, 'an unknown option', ['--bogus'], 1, "%s: unrecognized option '--bogus'" % path, usage)
        ends(host, name, 'an unknown letter', ['-x'], 1, "%s: invalid option -- 'x'" % path, usage)
        ends(host, name, 'no value', ['--conf'], 1, "option '--config' requires an argument", usage)
        ends(host, name, 'a value too many', ['--daemon=yes'], 1, "option '--daemon' doesn't allow an argument", usage)
        for value in ('', 'abc', '-1', '2147484', '99999999999999999999'):
            ends(host, name, 'timeout %r' % value, ['-t', value], 1, 'Invalid value for timeout')
        ends(host, name, 'help', ['-h', '--bogus'], 0, usage, '/etc/libvirt/%s.conf' % name)
        ends(host, name, 'version', ['--version', 'surplus'], 0, '%s (libvirt) 9.0.0' % path)
        if name not in ('virtlogd', 'virtlockd'):
            ends(host, name, 'a word', ['--', 'surplus'], 1, 'unexpected, non-option, command line arguments')
        if name != 'libvirtd':
            ends(host, name, '--listen', ['--listen'], 1, 'unrecognized option')


def test_odd_configurations(host):
    """a configuration that is missing, a directory, garbage or wrong: status 1, in the background too, and what is wrong where"""
    files = {text: config(host, 'odd-%d' % i, text) for i, text in enumerate(
        ('max_clients = "x"', 'max_clients = ', 'garbage', 'max_clients = 5 5', '\0\1\2', '\n\nlog_level = 7'))}
    with open(host.logs + '/binary.conf', 'wb') as f:
        f.write(bytes(range(256)) * 20)
    for name in installed(host):
        for background in ([], ['-d']):
            for path in ('/nonexistent.conf', '/etc', host.logs + '/binary.conf', *files.values()):
                word = '' if path == files['\n\nlog_level = 7'] else path
                ends(host, name, path, [*background, '-f', path], 1, word and "Can't load config file", word)
        ends(host, name, 'an empty name', ['-f', ''], 1, "Can't load config file")


def test_odd_places(host):
    """places that cannot be written, are in use or are something else: the original's statuses and messages"""
    names = installed(host)
    for daemon in host.daemons:
        daemon.stop()
    for name in names:
        ends(host, name, 'a pid file nowhere', ['-p', '/nonexistent/x.pid'], 1, "Failed to open pid file '/nonexistent/x.pid'")
        ends(host, name, 'a directory as pid file', ['-p', '/etc'], 1, "Failed to open pid file '/etc': Is a directory")
        ends(host, name, 'the same, in the background', ['-d', '-p', '/etc'], 1, 'Unable to obtain pidfile')
        socket_path = '%s/%s-sock' % (host.run_dir, prefix(name))
        os.makedirs(socket_path)
        ends(host, name, 'a directory as socket', [], 6, "Failed to bind socket to '%s': Address already in use" % socket_path)
        os.rmdir(socket_path)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'none', host.run_dir], check=True)
        try:
            ends(host, name, 'a read-only directory', [], 6, "Failed to bind socket to '%s': Read-only file system" % socket_path)
        finally:
            subprocess.run(['umount', host.run_dir], check=True)
        os.rename(host.run_dir, host.run_dir + '.away')
        with open(host.run_dir, 'w'):
            pass
        try:
            ends(host, name, 'a file as directory', [], 2, 'unable to create rundir %s: Not a directory' % host.run_dir)
        finally:
            os.unlink(host.run_dir)
            os.rename(host.run_dir + '.away', host.run_dir)


def listening(text):
    return 'listen_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\n' + text


def addresses(host, text):
    """What a daemon with this configuration listens on."""
    daemon = host.start(args=['--listen', '-f', config(host, 'listen', listening(text))])
    lines = subprocess.run(['ss', '-ltnH'], capture_output=True, text=True, check=True).stdout.splitlines()
    daemon.stop()
    return sorted(line.split()[3] for line in lines)


def test_odd_addresses(host):
    """ports that are taken, addresses that are not ours or of one kind only"""
    host.main.stop()
    expect('all', addresses(host, ''), ['0.0.0.0:16509', '[::]:16509'])
    for address, wanted in (('::1', ['[::1]:16509']), ('127.0.0.1', ['127.0.0.1:16509'])):
        expect(address, addresses(host, 'listen_addr = "%s"\n' % address), wanted)

    def refused(text, words):
        ends(host, 'libvirtd', text.strip(), ['--listen', '-f', config(host, 'refused', listening(text))], 6, words)
    refused('listen_addr = "1.2.3.4"\n', 'Unable to bind to port: Cannot assign requested address')
    refused('listen_addr = "no.such.host.invalid"\n', "Unable to resolve address 'no.such.host.invalid' service '16509'")
    refused('listen_addr = ""\n', "Unable to resolve address '' service '16509'")
    refused('tcp_port = "abc"\n', "service 'abc': Servname not supported")
    with socket.create_server(('::', 16509), family=socket.AF_INET6, dualstack_ipv6=True):
        refused('', 'Unable to bind to port: Address already in use')
    with socket.create_server(('0.0.0.0', 16509)):
        expect('IPv6 alone', addresses(host, ''), ['0.0.0.0:16509', '[::]:16509'])  # the first is the test's
        refused('listen_addr = "127.0.0.1"\n', 'Unable to bind to port: Address already in use')


def test_another_daemon_with_the_same_driver(host):
    """a second daemon that would manage the same guests or secrets does not start, whatever it is called"""
    path = host.logs + '/other.conf'
    with open(path, 'w') as f:
        f.write('unix_sock_dir = "%s"\n' % host.logs)
    if host.real:
        status, _, err = run_daemon(host, '-f', path, '-p', host.logs + '/other.pid')
        expect('refused', "driver.pid': Resource temporarily unavailable" in err, True)
        return
    for name, driver in (('libvirtd', 'network'), ('virtqemud', 'qemu'), ('virtsecretd', 'secrets'), ('virtnetworkd', 'network')):
        ends(host, name, 'the driver in use', ['-f', path, '-p', host.logs + '/other.pid'], 11,
             "Failed to acquire pid file '/run/libvirt/%s/driver.pid': Resource temporarily unavailable" % driver)
        with open('/run/libvirt/%s/driver.pid' % driver) as f:
            expect('the holder', int(f.read()), host.main.process.pid)
    host.main.stop()
    expect('what is left', os.path.exists('/run/libvirt/qemu/driver.pid'), False)
