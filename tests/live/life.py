"""A daemon's own life: options, pid file, sockets, time-out, configuration."""
import os
import signal
import subprocess
import time

from harness import Failure, Skip, accepts, expect, wait_for


def run_daemon(host, *args, timeout=10):
    """Runs libvirtd to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([os.path.join(host.bindir, 'libvirtd'), *args], env=host.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


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
