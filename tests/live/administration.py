"""virt-admin against every daemon, as root and as a user's own; the configuration's errors."""
import os
import subprocess

import raw
from harness import Failure, config, expect, figures, has, wait_for, words

ALL = ['libvirtd', 'virtproxyd', 'virtqemud', 'virtxend', 'virtlxcd', 'virtbhyved', 'virtvboxd', 'virtinterfaced', 'virtnetworkd',
       'virtnodedevd', 'virtnwfilterd', 'virtsecretd', 'virtstoraged', 'virtlogd', 'virtlockd']
WITH_SESSION = ['libvirtd', 'virtproxyd', 'virtqemud', 'virtvboxd', 'virtsecretd', 'virtstoraged', 'virtlogd', 'virtlockd']
NO_THREADS = ('virtlogd', 'virtlockd')


def prefix(name):
    return 'libvirt' if name in ('libvirtd', 'virtproxyd') else name


def virt_admin(host, daemon, mode):
    """A function that runs virt-admin's commands as the daemon's user."""
    uri = '%s:///%s' % ('libvirtd' if daemon == 'virtproxyd' else daemon, mode)  # which has the same socket

    def run(*args, fails=False):
        done = subprocess.run([*host.become, 'virt-admin', '-q', '-c', uri, *args], env=host.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        if (done.returncode != 0) != fails:
            raise Failure('virt-admin -c %s %s: status %d: %s%s' % (daemon, ' '.join(args), done.returncode, done.stdout, done.stderr))
        return done.stderr if fails else done.stdout
    return run


def whole_program(host, name, mode):
    """Every command that virt-admin has, on this daemon."""
    run = virt_admin(host, name, mode)
    expect('servers', sorted(w[1] for w in words(run('server-list'))), ['admin', name])
    for server in (name, 'admin'):
        clients = figures(run('srv-clients-info', server))
        expect('keys', sorted(clients), ['nclients', 'nclients_max', 'nclients_unauth', 'nclients_unauth_max'])
        pool = figures(run('server-threadpool-info', server))
        expect('keys', sorted(pool), ['freeWorkers', 'jobQueueDepth', 'maxWorkers', 'minWorkers', 'nWorkers', 'prioWorkers'])
    if name not in NO_THREADS:
        run('server-threadpool-set', name, '--min-workers', '2', '--max-workers', '33', '--priority-workers', '6')
        pool = figures(run('server-threadpool-info', name))
        expect('workers', [pool[k] for k in ('minWorkers', 'maxWorkers', 'prioWorkers')], ['2', '33', '6'])
        run('server-threadpool-set', name, '--min-workers', '34', fails=True)
        run('server-threadpool-set', name, '--min-workers', '0', '--max-workers', '0', fails=True)
    else:
        run('server-threadpool-set', name, '--max-workers', '3', fails=True)
        clients = figures(run('srv-clients-info', name))
        expect('limits', [clients[k] for k in ('nclients_max', 'nclients_unauth_max')], ['1024', '1024'])
    expect('limit of administrators', figures(run('srv-clients-info', 'admin'))['nclients_max'], '5000')
    run('srv-clients-set', name, '--max-clients', '55', '--max-unauth-clients', '5')
    clients = figures(run('srv-clients-info', name))
    expect('limits', [clients[k] for k in ('nclients_max', 'nclients_unauth_max')], ['55', '5'])
    run('srv-clients-set', name, '--max-unauth-clients', '56', fails=True)
    run('daemon-log-filters', '1:qemu 3:event')
    expect('filters', 'qemu' in run('daemon-log-filters'), True)
    run('daemon-log-filters', '')
    outputs = run('daemon-log-outputs')
    run('daemon-log-outputs', '1:file:%s/%s-admin.log' % (host.run_dir, name))
    expect('outputs', '-admin.log' in run('daemon-log-outputs'), True)
    run('daemon-log-outputs', '7:nowhere', fails=True)
    run('daemon-log-outputs', outputs.partition(': ')[2].strip())
    expect('outputs as before', run('daemon-log-outputs'), outputs)
    if mode == 'system' or name in ('libvirtd', 'virtproxyd'):
        run('srv-update-tls', name, fails=True)
    for command in (('client-info', name, '999'), ('client-disconnect', name, '999'), ('srv-clients-list', 'nosuch')):
        run(*command, fails=True)
    run('daemon-timeout', '--timeout', '100')


def disconnect_one(host, name, run):
    """A client of this daemon is listed, told about and disconnected."""
    path = '%s/%s-sock' % (host.run_dir, prefix(name))
    with raw.Client(path) as client:
        if name not in NO_THREADS:
            client.call(raw.AUTH_LIST)                            # which makes it known
        wait_for('the client', lambda: words(run('srv-clients-list', name)))
        number = words(run('srv-clients-list', name))[-1][0]
        if name not in NO_THREADS:
            info = figures(run('client-info', name, number))
            expect('who it is', (info['readonly'], info['unix_process_id']), ('no', str(os.getpid())))
        run('client-disconnect', name, number)
        expect('its end', client.ended(), True)


def for_each(host, names, mode):
    for daemon in host.daemons:
        daemon.stop()
    for name in names:
        if not has(host, name):
            continue
        daemon = host.start(name, socket='%s/%s-sock' % (host.run_dir, prefix(name)))
        try:
            whole_program(host, name, mode)
            if mode == 'system':
                disconnect_one(host, name, virt_admin(host, name, mode))
        except Failure as failure:
            raise Failure('%s: %s' % (name, failure)) from None
        expect('status of ' + name, daemon.stop(), 0)


def test_system(host):
    """the whole of virt-admin works on every daemon of root's"""
    for_each(host, ALL, 'system')


def test_session(host):
    """the whole of virt-admin works on every daemon that a user may have, for that user"""
    for_each(host, WITH_SESSION, 'session')


test_session.session_user = 65534


MISTAKES = {
    'max_clients = "x"': 1, '\nmax_clients = ': 2, 'auth_unix_rw = "bogus"': None, 'nosuchkey = 1': 1, '#\n\nmax_clients = 5 5': 3,
    'tls_allowed_dn_list = "x"': 1, 'unix_sock_group = 5': 1, 'log_level = -1': 1, 'listen_tcp = 2': 1, 'max_workers = 0': None,
    'keepalive_interval = "5"': 1, 'sasl_allowed_username_list = [ "a", 5 ]': 1, 'tls_port = 16514': 1, 'key_file = "x': 1,
    'tcp_min_ssf = 111': None, 'auth_tcp = "polkit"': None, 'max_clients = 99999999999999999999': 1,
}


def test_configuration_errors(host):
    """a mistake in the configuration ends the daemon with status 1, and with the file and line of it"""
    host.main.stop()
    wrong = []
    original = not has(host, 'busyvirt')
    for text, line in MISTAKES.items():
        if original:                                              # it has lines for syntax only, and takes these two
            if text in ('nosuchkey = 1', 'auth_tcp = "polkit"'):
                continue
            line = None
        path = config(host, 'mistake', text + '\n')
        try:
            done = subprocess.run([host.bindir + '/libvirtd', '-f', path], capture_output=True, text=True, timeout=3,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            wrong.append('%r is accepted' % text)
            continue
        if done.returncode != 1 or (line and '%s:%d' % (path, line) not in done.stderr):
            wrong.append('%r: status %d, %s' % (text, done.returncode, done.stderr.strip()))
    if wrong:
        raise Failure('\n'.join(wrong))
