"""A second machine beside the host of a test: namespaces of its own, joined to ours by a pair of network interfaces. Images are
on storage that both have."""
import os
import signal
import subprocess

import harness
from harness import TOP, Daemon, Host, Skip, wait_for

HERE, THERE = '192.0.2.1', '192.0.2.2'
PORT = 16509
UUIDS = {HERE: 'c39d6a70-58ab-4a2f-9ba1-000000000001', THERE: 'c39d6a70-58ab-4a2f-9ba1-000000000002'}


def configure(host, address, etc='/etc/libvirt', qemu='', lockd=None):
    """Puts what makes a host a machine of its own into its configuration; it listens on TCP to everybody."""
    for name, text in (('libvirtd', 'host_uuid = "%s"\nlisten_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\n' % UUIDS[address]),
                       ('qemu', 'migration_host = "%s"\nstdio_handler = "file"\n%s\n' % (address, qemu)), ('qemu-lockd', lockd)):
        if text is None:
            continue
        path = '%s/%s.conf' % (etc, name)
        if not os.path.exists(path):
            text = '# empty\n' + text
        with open(path, 'a+') as f:
            f.seek(0)
            host.changed.setdefault(path, f.read())
            f.write('\n' + text)


def chain(pid):
    """A process, its child, the child of that, and so on."""
    found = [pid]
    while True:
        with open('/proc/%d/task/%d/children' % (found[-1], found[-1])) as f:
            children = f.read().split()
        if not children:
            return found
        found.append(int(children[0]))


class Peer(Host):
    """Its daemon, and a view of its files: path('/run') is what it sees as /run. It listens at self.tcp."""

    def __init__(self, host, bindir=None, qemu='', ours='', lockd=None):
        real = (bindir or host.bindir) == '/usr/sbin'
        super().__init__(bindir or host.bindir, host.directory('peer'), real=real)
        os.chmod(self.logs, 0o755)
        shares = ['--share', self.logs, '--share', harness.GUEST_DIR]
        if host.bindir != '/usr/sbin':
            shares += ['--share', host.bindir]
        env = {key: value for key, value in os.environ.items() if key != 'BV_PRIVATE_STAGE'}
        self.machine = subprocess.Popen([TOP + '/tests/tools/private.sh', *(['--dbus'] if real else []), *shares, 'sh', '-c',
                                         'echo >%s/up; exec sleep infinity' % self.logs], env=env, stderr=subprocess.DEVNULL)
        wait_for('the second machine is there', lambda: os.path.exists(self.logs + '/up') or self.machine.poll() is not None)
        if self.machine.poll() is not None:
            raise Skip('no namespaces within namespaces')
        self.init = chain(self.machine.pid)[-2]          # what the last one, sleep, is a child of
        self.become = ['nsenter', '-t', str(self.init), '-m', '-n', '-p', '-i', '-u', '-C', '--']
        subprocess.run('ip link add mig0 type veth peer name mig1 && ip link set mig1 netns %d && ip address add %s/24 dev mig0 && '
                       'ip link set mig0 up' % (self.init, HERE), shell=True, check=True)
        self.run('ip', 'address', 'add', THERE + '/24', 'dev', 'mig1')
        self.run('ip', 'link', 'set', 'mig1', 'up')
        self.run('hostname', 'busyvirt-peer')
        configure(self, THERE, self.path('/etc/libvirt'), qemu, lockd)
        self.socket = self.logs + '/libvirt-sock'
        with open(self.path('/etc/libvirt/libvirtd.conf'), 'a') as f:
            f.write('unix_sock_dir = "%s"\n' % self.logs)
        self.uri = 'qemu+unix:///system?socket=' + self.socket
        self.tcp = 'qemu+tcp://%s:%d/system' % (THERE, PORT)
        configure(host, HERE, qemu=ours, lockd=lockd)
        host.main.stop()
        host.start(args=('--listen',))
        self.start(args=('--listen',))

    def path(self, inside):
        return '/proc/%d/root%s' % (self.init, inside)

    def run(self, *argv):
        return subprocess.run([*self.become, *argv], check=True, capture_output=True, text=True).stdout

    def kill(self, signo=signal.SIGKILL):
        """Ends the daemon, which nsenter stands before."""
        os.kill(chain(self.main.process.pid)[1], signo)
        return self.main.process.wait(20)

    def qemus(self):
        """The QEMU processes there."""
        return self.run('sh', '-c', "ps -eo comm= | grep -c ^qemu-system || true").strip()

    def close(self):
        if self.main and self.main.process.poll() is None:
            self.kill(signal.SIGTERM)
        os.kill(self.init, signal.SIGKILL)
        self.machine.wait(20)
        return []
