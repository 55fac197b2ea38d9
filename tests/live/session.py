"""Session mode: an ordinary user's own daemon in $XDG_RUNTIME_DIR."""
import contextlib
import os
import shutil
import signal
import subprocess

import libvirt

from harness import Failure, Host, config, expect, figures, has, needs, runs, wait_for
from ways_in import Pki, own_etc

NOBODY = 65534


def test_session_guest(host):
    """an ordinary user defines and runs a guest, with the files under the XDG directories"""
    host.define('mine', kvm=False)
    expect('the definition', os.path.exists(host.env['HOME'] + '/.config/libvirt/qemu/mine.xml'), True)
    host.virsh('start', 'mine')
    expect('state', host.virsh('domstate', 'mine').strip(), 'running')
    with open(host.run_dir + '/qemu/run/mine.pid') as f:
        pid = int(f.read())
    expect('the owner of QEMU', os.stat('/proc/%d' % pid).st_uid, NOBODY)
    expect('its output', os.readlink('/proc/%d/fd/1' % pid).split(':')[0], 'pipe')
    expect("the user's virtlogd", os.stat('/proc/%d' % host.companion_pid('virtlogd')).st_uid, NOBODY)
    log = host.env['HOME'] + '/.cache/libvirt/qemu/log/mine.log'
    with open(log) as f:
        expect('the log', ': starting up libvirt version: ' in f.readline(), True)
    host.restart_after_kill()
    expect('after SIGKILL', host.virsh('list', '--name').split(), ['mine'])
    host.virsh('destroy', 'mine')
    with open(log) as f:
        expect('its end', f.read().endswith(': shutting down, reason=destroyed\n'), True)
    host.virsh('undefine', 'mine')


def test_session_is_private(host):
    """nobody but its owner can use a session daemon, root neither"""
    other = Host(host.bindir, host.logs, 65533)
    other.uri = host.uri
    other.virsh('list', fails=True)
    mode = os.stat(host.socket).st_mode & 0o777
    if mode & 0o077:
        raise Failure('the socket has mode %o' % mode)


# --- where it keeps its things -------------------------------------------------------------------

XDG = ('XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME')


@contextlib.contextmanager
def passwd_home(host, home):
    """The user database says so."""
    with open('/etc/passwd') as f:
        lines = [line.split(':') for line in f]
    for line in lines:
        if int(line[2]) == NOBODY:
            line[5] = home
    subprocess.run(['mount', '--bind', host.write('passwd', ''.join(map(':'.join, lines))), '/etc/passwd'], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', '/etc/passwd'], check=True)


def environment(host, given):
    env = {k: v for k, v in host.env.items() if k not in XDG and k != 'HOME'}
    return dict(env, **given)


def test_directories(host):
    """runtime, configuration and cache directories are those that GLib, and so a client, derives from the environment"""
    host.main.stop()
    top = host.directory('home')
    for name in ('home', 'passwd', 'run', 'cwd'):
        os.makedirs('%s/%s' % (top, name))
    subprocess.run(['chown', '-R', str(NOBODY), top], check=True)
    cases = [                                                    # the environment, where sockets are, where definitions are
        ({'HOME': top + '/home', 'XDG_RUNTIME_DIR': top + '/run'}, 'run', 'home/.config'),
        ({'HOME': top + '/home'}, 'home/.cache', 'home/.config'),
        ({'XDG_RUNTIME_DIR': top + '/run'}, 'run', 'passwd/.config'),
        ({}, 'passwd/.cache', 'passwd/.config'),
        ({'HOME': '../home', 'XDG_RUNTIME_DIR': ''}, 'home/.cache', 'home/.config'),
        ({'HOME': ''}, 'cwd/.cache', 'cwd/.config'),
        ({'HOME': top + '/home', 'XDG_RUNTIME_DIR': '../run', 'XDG_CONFIG_HOME': 'conf'}, 'run', 'cwd/conf'),
        ({'HOME': top + '/home', 'XDG_CACHE_HOME': 'cache'}, 'cwd/cache', 'home/.config'),
        ({'HOME': top + '/home', 'XDG_RUNTIME_DIR': top + '/none/such'}, 'none/such', 'home/.config'),
    ]
    subprocess.run(['chmod', '711', host.logs], check=True)
    subprocess.run(['chmod', '777', top], check=True)
    usual, directory = host.env, os.getcwd()
    try:
        os.chdir(top + '/cwd')
        with passwd_home(host, top + '/passwd'):
            for given, sockets, definitions in cases:
                host.env = environment(host, given)
                for background in ([], ['-d']):
                    if background and host.real and not all(v.startswith('/') for k, v in given.items() if v or k == 'HOME'):
                        continue                                  # it looks for the directories once more from /
                    daemon = host.start(args=background, socket='%s/%s/libvirt/libvirt-sock' % (top, sockets)) if not background \
                        else start_background(host)
                    uri = 'qemu+unix:///session?socket=%s/%s/libvirt/libvirt-sock' % (top, sockets)
                    host.virsh('define', host.write('here.xml', DOMAIN), uri=uri)
                    expect('the definition with %s' % given, os.path.exists('%s/%s/libvirt/qemu/here.xml' % (top, definitions)), True)
                    host.virsh('undefine', 'here', uri=uri)
                    with open('%s/%s/libvirt/libvirtd.pid' % (top, sockets)) as f:
                        pid = int(f.read())
                    os.kill(pid, signal.SIGTERM)
                    if daemon:
                        expect('its end', daemon.stop(), 0)
                    wait_for('its end', lambda pid=pid: not runs(pid))
            host.env = environment(host, {'HOME': '/nonexistent', 'XDG_RUNTIME_DIR': '/proc/1'})
            done = run(host)
            expect('without a place', (done.returncode, 'Cannot create user runtime directory'
                                       in done.stderr), (1, True))
    finally:
        host.env = usual
        os.chdir(directory)


DOMAIN = "<domain type='qemu'><name>here</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os></domain>"


def run(host, *args):
    return subprocess.run([*host.become, host.bindir + '/libvirtd', *args], env=host.env, capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL)


def start_background(host):
    done = run(host, '-d')
    expect('status of -d', (done.returncode, done.stderr), (0, ''))


def test_own_configuration(host):
    """it reads the user's file and not the system's, and says where that one is wrong"""
    path = host.env['HOME'] + '/.config/libvirt/libvirtd.conf'
    with own_etc(host):
        with open('/etc/libvirt/libvirtd.conf', 'w') as f:
            f.write('max_clients = "the system\'s"\n')
        for text, status in (('max_clients = 77\n', 0), ('max_clients = "x"\n', 1)):
            host.main.stop()
            with open(path, 'w') as f:
                f.write(text)
            if status:
                done = run(host)
                expect('the status, and the file named', (done.returncode, path in done.stderr), (1, True))
                continue
            host.start()
            info = subprocess.run([*host.become, 'virt-admin', '-c', 'libvirtd:///session', 'srv-clients-info', 'libvirtd'], env=host.env,
                                  capture_output=True, text=True, check=True).stdout
            expect('its limit', figures(info)['nclients_max'], '77')


def test_started_by_a_client(host):
    """a client starts its user's daemon, of one piece or modular, which outlives it and serves the next one"""
    host.main.stop()
    host.env['LIBVIRTD_PATH'] = host.bindir
    for mode, name in (('legacy', 'libvirtd'), ('direct', 'virtqemud')):
        if not has(host, name):
            continue
        uri = 'qemu:///session?mode=' + mode
        host.virsh('define', host.write('here.xml', DOMAIN), uri=uri)
        with open('%s/%s.pid' % (host.run_dir, name)) as f:
            pid = int(f.read())
        try:
            with open('/proc/%d/cmdline' % pid, 'rb') as f:
                expect('its time-out', f.read().split(b'\0')[1:], [b'--timeout=120', b''])
            expect('whose it is', os.stat('/proc/%d' % pid).st_uid, NOBODY)
            expect('the next client', host.virsh('list', '--all', '--name', uri=uri).split(), ['here'])
            host.virsh('undefine', 'here', uri=uri)
            with open('%s/%s.pid' % (host.run_dir, name)) as f:
                expect('the daemon', int(f.read()), pid)
        finally:
            os.kill(pid, signal.SIGTERM)
            wait_for('its end', lambda pid=pid: not runs(pid))


def test_listens(host):
    """--listen opens TCP and TLS for an ordinary user too, with the certificates in ~/.pki, and the system's for what is not there"""
    needs('certtool')
    host.main.stop()
    pki = Pki(host.directory('pki'))
    client = pki.client('good')
    own = host.env['HOME'] + '/.pki/libvirt'
    os.makedirs(own)
    files = {'cacert': 'ca', 'servercert': 'server', 'serverkey': 'key'}
    try:
        with own_etc(host):
            def system_has(*names):
                shutil.rmtree('/etc/pki', ignore_errors=True)
                for name, path in (('cacert', 'CA/cacert'), ('servercert', 'libvirt/servercert'), ('serverkey', 'libvirt/private/serverkey')):
                    if name in names:
                        os.makedirs(os.path.dirname('/etc/pki/' + path), exist_ok=True)
                        shutil.copy(pki.path(files[name]), '/etc/pki/%s.pem' % path)
                subprocess.run('chown -R %d /etc/pki 2>/dev/null' % NOBODY, shell=True)

            def user_has(*names):
                for name, source in files.items():
                    path = '%s/%s.pem' % (own, name)
                    if name in names:
                        shutil.copy(pki.path(source), path)
                    elif os.path.exists(path):
                        os.unlink(path)
                subprocess.run(['chown', '-R', str(NOBODY), host.env['HOME']], check=True)
            text = config(host, 'listen', 'listen_tcp = 1\nauth_tcp = "none"\n')
            everything = tuple(files)
            for user, system in ((everything, ()), ((), everything), (('cacert',), everything), (('servercert',), everything),
                                 (('servercert', 'serverkey'), everything), (('serverkey', 'cacert'), everything)):
                user_has(*user)
                system_has(*system)
                daemon = host.start(args=['--listen', '-f', text])
                for uri in ('qemu+tcp://localhost/session', 'qemu+tls://localhost/session?pkipath=' + client):
                    conn = libvirt.open(uri)
                    expect('the version', conn.getLibVersion(), 9000000)
                    conn.close()
                expect('its end', daemon.stop(), 0)
            for user, system in (((), ()), (('cacert', 'servercert'), ()), (('servercert', 'serverkey'), ('servercert', 'serverkey'))):
                user_has(*user)
                system_has(*system)
                done = run(host, '--listen', '-f', text)
                missing = '/etc/pki/libvirt/' if 'cacert' in user else '/etc/pki/CA/cacert.pem'
                expect('the status with %s, %s' % (user, system), done.returncode, 6)
                if "certificate '%s" % missing not in done.stderr and "key '%s" % missing not in done.stderr:
                    raise Failure('%r is not in %s' % (missing, done.stderr))
    finally:
        shutil.rmtree(host.env['HOME'] + '/.pki')


for test in (test_session_guest, test_session_is_private, test_directories, test_own_configuration,
             test_started_by_a_client, test_listens):
    test.session_user = NOBODY
