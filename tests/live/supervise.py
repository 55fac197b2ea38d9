"""busyvirt supervise as process 1 of a container."""
import os
import signal
import subprocess
import time

from harness import Failure, Skip, expect, wait_for

RUN = '/run/libvirt/'


class Container:
    """A PID namespace whose first process is the supervisor."""

    def __init__(self, host, *names, timeout=120, options=()):
        if not os.path.exists(host.bindir + '/busyvirt'):
            raise Skip('this is not busyvirt')
        for daemon in host.daemons:
            daemon.stop()
        self.log = host.logs + '/supervise.log'
        command = ['unshare', '-p', '-m', '--fork', '--kill-child', '--mount-proc', host.bindir + '/busyvirt', 'supervise', '--timeout', str(timeout),
                   *options, *names]
        with open(self.log, 'w') as log:
            self.outer = subprocess.Popen(command, env=dict(host.env, LIBVIRT_DEBUG='2', LIBVIRT_LOG_OUTPUTS='2:stderr'), stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)
        wait_for('the sockets', lambda: os.path.exists(RUN + names[-1] + '-admin-sock'))
        with open('/proc/%d/task/%d/children' % (self.outer.pid, self.outer.pid)) as f:
            self.init = int(f.read().split()[0])

    def children(self):
        """Pids and names of what process 1 has below it, as we see them."""
        with open('/proc/%d/task/%d/children' % (self.init, self.init)) as f:
            pids = [int(pid) for pid in f.read().split()]
        found = {}
        for pid in pids:
            with open('/proc/%d/cmdline' % pid) as f:
                found[pid] = os.path.basename(f.read().split('\0')[0])
        return found

    def pid(self, name):
        return next((pid for pid, child in self.children().items() if child == name), None)

    def said(self):
        with open(self.log) as f:
            return f.read()

    def end(self, status=0):
        os.kill(self.init, signal.SIGTERM)
        expect('its status', self.outer.wait(30), status)


def call(host, name):
    host.virsh('uri', uri='%s:///system?socket=%s%s-sock' % (name[4:-1], RUN, name))


def test_starts_on_demand(host):
    """as process 1: nothing runs before the first connection, each daemon by itself, and an idle one ends and comes back"""
    box = Container(host, 'virtqemud', 'virtsecretd', 'virtlogd', timeout=1)
    expect('before', box.children(), {})
    call(host, 'virtsecretd')
    expect('after a call to one', list(box.children().values()), ['virtsecretd'])
    wait_for('it ends when idle', lambda: not box.children())
    call(host, 'virtsecretd')
    expect('again', list(box.children().values()), ['virtsecretd'])
    box.end()
    expect('sockets', [f for f in os.listdir(RUN) if f.endswith(('-sock', '-sock-ro'))], [])


def test_restarts_after_a_crash(host):
    """a daemon that is killed is there again without anybody's connecting, after a pause that grows"""
    box = Container(host, 'virtqemud', 'virtlogd')
    call(host, 'virtqemud')
    pids = [box.pid('virtqemud')]
    begin = time.monotonic()
    for _ in range(2):
        os.kill(pids[-1], signal.SIGKILL)
        pids.append(wait_for('another', lambda: box.pid('virtqemud') if box.pid('virtqemud') != pids[-1] else None, 20))
    if time.monotonic() - begin < 2.9:             # 1 s, then 2 s
        raise Failure('it came back too soon')
    call(host, 'virtqemud')
    box.end()


def test_network_port(host):
    """--tcp opens the port of the daemon that has one"""
    path = '/etc/libvirt/virtproxyd.conf'
    with open(path, 'w') as f:
        f.write('auth_tcp = "none"\n')
    box = Container(host, 'virtproxyd', 'virtsecretd', options=['--tcp'])
    expect('over TCP', host.virsh('uri', uri='secret+tcp://127.0.0.1/system').strip(), 'secret+tcp://127.0.0.1/system')
    box.end()
    os.unlink(path)


def test_reaps_and_forwards(host):
    """orphans are reaped, SIGHUP reaches the daemons"""
    box = Container(host, 'virtqemud', 'virtlogd')
    call(host, 'virtqemud')
    subprocess.run(['nsenter', '-p', '-m', '-t', str(box.init), 'sh', '-c', '(sleep 0.1 & sleep 0.2 &)'], check=True)
    wait_for('the orphans are gone', lambda: list(box.children().values()) == ['virtqemud'])
    os.kill(box.init, signal.SIGHUP)
    wait_for('the daemon has heard of SIGHUP', lambda: 'Reloading configuration' in box.said())
    box.end()


def test_stops_in_order(host):
    """virtlogd, which a guest's console needs, ends after the driver's daemon"""
    box = Container(host, 'virtlogd', 'virtqemud')
    call(host, 'virtqemud')
    subprocess.run(['virt-admin', '-c', 'virtlogd:///system', 'server-list'], env=host.env, check=True, stdout=subprocess.DEVNULL, timeout=30)
    pids = {name: box.pid(name) for name in ('virtqemud', 'virtlogd')}
    expect('both run', None in pids.values(), False)
    os.kill(box.init, signal.SIGTERM)
    order = []
    while len(order) < 2:
        order += [name for name, pid in pids.items() if name not in order and not os.path.exists('/proc/%d' % pid)]
        time.sleep(0.002)
    expect('order', order, ['virtqemud', 'virtlogd'])
    expect('its status', box.outer.wait(30), 0)


def test_refuses_what_is_served(host):
    """it does not take the sockets of a daemon that runs"""
    if not os.path.exists(host.bindir + '/busyvirt'):
        raise Skip('this is not busyvirt')
    done = subprocess.run([host.bindir + '/busyvirt', 'supervise', 'libvirtd'], capture_output=True, text=True, timeout=20)
    expect('status', done.returncode, 1)
    if 'libvirt-sock' not in done.stderr:
        raise Failure('it does not say which: ' + done.stderr)
    host.virsh('uri')
