"""What live tests stand on: a daemon of a chosen kind in this namespace, virsh, guests, and results as TAP.

A test is a function `test_*(host)` in a module beside this one; its docstring says what it proves. Each gets a fresh daemon
and a host without guests. Everything runs inside tests/tools/private.sh (see the file `run`).
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import libvirt

BOOT_LIMIT = 90        # seconds for the small Linux guest to come up with TCG on a busy machine
STALL = re.compile(r"the loop was kept for (\d+) us by '([^']*)' \((\d+) us of it at work, (\d+) waits\)")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUEST_DIR = '/var/lib/libvirt/images'

libvirt.registerErrorHandler(lambda *_: None, None)


def run_events():
    """Serves every connection's socket in a thread: streams and events need it."""
    def loop():
        while True:
            libvirt.virEventRunDefaultImpl()
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(200, lambda *_: None, None)       # so that what other threads add is noticed
    threading.Thread(target=loop, daemon=True).start()


class Skip(Exception):
    pass


class Failure(AssertionError):
    pass


def expect(what, actual, wanted):
    if actual != wanted:
        raise Failure('%s: expected %r, got %r' % (what, wanted, actual))


def wait_for(what, condition, seconds=10.0):
    """Polls until `condition()` is true, and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure('%s: not within %g s' % (what, seconds))
        time.sleep(0.02)


class Daemon:
    """A daemon that this test started, in the foreground; its standard error is kept for the stall detector."""

    def __init__(self, argv, log, env, become=()):
        self.log = log
        with open(log, 'ab') as err:
            self.process = subprocess.Popen([*become, *argv], env=env, stdin=subprocess.DEVNULL, stdout=err, stderr=err)

    def stop(self, signo=signal.SIGTERM):
        """Ends it and returns its exit status; negative for a signal."""
        if self.process.poll() is None:
            self.process.send_signal(signo)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure('the daemon did not end within 20 s of signal %d' % signo)


class Host:
    """One machine as a test sees it: system mode in /run/libvirt, or a user's session."""

    def __init__(self, bindir, logs, session_user=None, real=False):
        self.bindir, self.logs, self.user, self.real = bindir, logs, session_user, real
        self.changed = {}                                        # configuration files as they were
        self.daemons = []
        self.main = None                                         # the libvirtd that was started last
        self.env = dict(os.environ, LC_ALL='C.UTF-8')
        self.become = []
        if session_user is None:
            self.run_dir, mode = '/run/libvirt', 'system'
        else:
            home = '/run/home-%d' % session_user
            for d in (home, home + '/run'):
                os.makedirs(d, 0o700, exist_ok=True)
                os.chown(d, session_user, session_user)
            self.env.update(HOME=home, XDG_RUNTIME_DIR=home + '/run', USER='nobody')
            for key in ('XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME'):
                self.env.pop(key, None)
            self.run_dir, mode = home + '/run/libvirt', 'session'
            self.become = ['setpriv', '--reuid=%d' % session_user, '--regid=%d' % session_user, '--clear-groups', '--']
        self.socket = self.run_dir + '/libvirt-sock'
        self.uri = 'qemu+unix:///%s?socket=%s' % (mode, self.socket)

    # --- the daemon ---
    def start(self, name='libvirtd', args=(), socket=None):
        log = '%s/%s-%d.log' % (self.logs, os.path.basename(name), len(self.daemons))
        daemon = Daemon([os.path.join(self.bindir, name), *args], log, dict(self.env, LIBVIRT_LOG_OUTPUTS='3:stderr'), self.become)
        self.daemons.append(daemon)
        if name == 'libvirtd':
            self.main = daemon

        def up():
            if daemon.process.poll() is not None:
                with open(log, errors='replace') as f:
                    raise Failure('%s ended with status %d: %s' % (name, daemon.process.returncode, f.read()[-600:]))
            return accepts(socket or self.socket)
        wait_for('%s listens on its socket' % name, up)
        return daemon

    def start_companion(self, name):
        """virtlogd or virtlockd, which the original does not start by itself in system mode; ours does when it needs them."""
        if self.real and self.user is None:
            self.start(name, socket='%s/%s-sock' % (self.run_dir, name))

    def companion_pid(self, name):
        """The process of virtlogd or virtlockd; None when it does not run."""
        path = '%s/%s.pid' % ('/run' if self.user is None else self.run_dir, name)
        with contextlib.suppress(OSError, ValueError):
            with open(path) as f:
                pid = int(f.read())
            os.kill(pid, 0)
            return pid

    def end_companion(self, name, signo=signal.SIGTERM):
        pid = self.companion_pid(name)
        if pid:
            os.kill(pid, signo)
            for daemon in self.daemons:
                if daemon.process.pid == pid:
                    daemon.process.wait(20)
            wait_for('%s ends' % name, lambda: not runs(pid))

    def configure(self, **files):
        """Starts the daemon anew with what is given at the end of its configuration: qemu='lock_manager = "lockd"'."""
        self.main.stop()
        for name, text in files.items():
            path = '/etc/libvirt/%s.conf' % name.replace('_', '-')
            if path not in self.changed:
                with open(path) as f:
                    self.changed[path] = f.read()
            with open(path, 'w') as f:
                f.write(self.changed[path] + '\n' + text + '\n')

    def restart_after_kill(self):
        """SIGKILLs the running daemon and starts the next one."""
        self.main.stop(signal.SIGKILL)
        return self.start()

    def close(self):
        """Ends every guest, then the daemons, and empties the stores."""
        if self.main and self.main.process.poll() is None:
            with contextlib.suppress(libvirt.libvirtError, Failure):
                conn = self.connect()
                for domain in conn.listAllDomains():
                    with contextlib.suppress(libvirt.libvirtError):
                        if domain.isActive():
                            domain.destroy()
                    with contextlib.suppress(libvirt.libvirtError):
                        domain.undefine()
                conn.close()
        status = [d.stop() for d in self.daemons]
        for name in ('virtlogd', 'virtlockd'):
            self.end_companion(name)
        for path, text in self.changed.items():
            with open(path, 'w') as f:
                f.write(text)
        subprocess.run("for p in $(ps -eo pid=,comm= | awk '$2 ~ /^qemu-system/ {print $1}'); do kill -9 $p; done", shell=True)
        for pattern in (self.run_dir, '/etc/libvirt/qemu/autostart', '/etc/libvirt/storage', '/var/lib/libvirt/qemu'):
            shutil.rmtree(pattern, ignore_errors=True)
        if self.user is not None:
            shutil.rmtree(self.env['HOME'] + '/.config/libvirt', ignore_errors=True)
        subprocess.run('rm -f /etc/libvirt/qemu/*.xml /var/log/libvirt/qemu/*.log; mkdir -p -m 750 /var/lib/libvirt/qemu; '
                       'chown libvirt-qemu:kvm /var/lib/libvirt/qemu', shell=True)
        return status

    def stalls(self):
        """(microseconds, handler) of every stall that this host's daemons logged. One that did not wait in the kernel counts
        for the time it worked: the rest is the machine's, which was busy with others."""
        found = []
        for daemon in self.daemons:
            with open(daemon.log, errors='replace') as f:
                for us, name, worked, waits in STALL.findall(f.read()):
                    found.append((int(us) if int(waits) else int(worked), name))
        return found

    # --- clients ---
    def connect(self):
        return libvirt.open(self.uri)

    def virsh(self, *args, fails=False, uri=None, timeout=60):
        """virsh's standard output; its standard error when it `fails`, which must then be so."""
        done = subprocess.run([*self.become, 'virsh', '-q', '-c', uri or self.uri, *args], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if (done.returncode != 0) != fails:
            raise Failure('virsh %s: status %d: %s%s' % (' '.join(args), done.returncode, done.stdout, done.stderr))
        return (done.stderr if fails else done.stdout).rstrip('\n')

    def virsh_start(self, *args):
        """virsh in the background, its output by lines."""
        return subprocess.Popen([*self.become, 'stdbuf', '-oL', 'virsh', '-q', '-c', self.uri, *args], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    # --- guests ---
    def write(self, name, text):
        path = '%s/%s' % (self.logs, name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def directory(self, name):
        """A fresh directory."""
        return tempfile.mkdtemp(prefix=name + '-', dir=self.logs)

    def define(self, name, **options):
        return self.virsh('define', self.write(name + '.xml', guest_xml(name, **options)))


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


def config(host, name, text):
    """The path of a configuration file with this text."""
    return host.write(name + '.conf', text)


def runs(pid):
    """Whether there is such a process, other than as a zombie."""
    with contextlib.suppress(OSError):
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    return False


def accepts(path):
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(path)
            return True
        except OSError:
            return False


def kvm_usable():
    return os.access('/dev/kvm', os.R_OK | os.W_OK)


def guest_xml(name, linux=False, machine='q35', devices='', os_xml='', kvm=True, extra=''):
    """A domain: firmware that halts at once, or (linux) the guest of tests/tools/guest.sh, which runs with TCG."""
    if linux:
        boot = ('<kernel>%s/vmlinuz</kernel><initrd>%s/initrd</initrd><cmdline>console=ttyS0 quiet</cmdline>'
                % (GUEST_DIR, GUEST_DIR))
    else:
        boot = "<loader readonly='yes' type='rom'>%s/halt.bin</loader>" % GUEST_DIR
    return '''<domain type='%s'>
  <name>%s</name>
  <memory unit='MiB'>%d</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='%s'>hvm</type>%s%s</os>
  <features><acpi/><apic/></features>
  %s
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='pty'/>
    <console type='pty'/>
    %s
  </devices>
</domain>
''' % ('kvm' if kvm and not linux and kvm_usable() else 'qemu', name, 128 if linux else 64, machine, boot, os_xml, extra, devices)


class Console:
    """A guest's console as a client sees it: a stream of the python binding, non-blocking, kept as text."""

    def __init__(self, conn, name):
        self.stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        conn.lookupByName(name).openConsole(None, self.stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        self.text = ''

    def poll(self):
        while True:
            data = self.stream.recv(4096)
            if data == -2 or not data:
                return
            self.text += data.decode(errors='replace')

    def wait_for(self, marker, seconds=BOOT_LIMIT):
        def seen():
            self.poll()
            return marker in self.text
        try:
            wait_for('console shows %r' % marker, seen, seconds)
        except Failure as failure:
            raise Failure('%s; it shows %r' % (failure, self.text[-200:])) from None

    def send(self, text):
        self.stream.send(text.encode())

    def close(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.stream.abort()
