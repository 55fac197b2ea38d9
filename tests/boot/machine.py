"""A machine to boot: this system's files under an overlay, with our install in it and nothing of another libvirt's, run by
systemd-nspawn. What happens in it stays in a tmpfs. Runs inside tests/tools/private.sh.
"""
import glob
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'tests', 'live'))

from harness import Failure, wait_for  # noqa: E402

PLACE = '/run/boot'
ROOT = PLACE + '/root'
# Somebody else's, or of no use here.
OTHERS = ['/etc/libvirt', '/etc/default/libvirt*', '/etc/default/virt*', '/etc/systemd/system/*', '/etc/machine-id', '/var/log/journal',
          '/var/lib/libvirt', '/var/log/libvirt', '/var/cache/libvirt', '/usr/lib/systemd/system/libvirt*', '/usr/lib/systemd/system/virt*',
          '/usr/sbin/libvirtd', '/usr/sbin/virt*d', '/etc/init.d/libvirt*', '/etc/init.d/virt*', '/usr/lib/libvirt', '/etc/pki']


class CannotBoot(Exception):
    """This host does not let us, which is no fault of ours."""


class Machine:
    def __init__(self, build, data):
        self.build, self.data = build, data
        self.console = PLACE + '/console.log'
        self.root = ROOT
        self.nspawn = None

    # --- its files ---
    def make(self):
        os.makedirs(PLACE)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', PLACE], check=True)
        for name in ('upper', 'work', 'root'):
            os.mkdir('%s/%s' % (PLACE, name))
        overlay = 'lowerdir=/,upperdir=%s/upper,workdir=%s/work' % (PLACE, PLACE)
        if subprocess.run(['mount', '-t', 'overlay', '-o', overlay, 'overlay', ROOT]).returncode != 0:
            raise CannotBoot('no overlay of / can be mounted')
        for pattern in OTHERS:
            for path in glob.glob(ROOT + pattern):
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        for directory in ('/etc/systemd/system', '/run', '/tmp', '/var/log/journal', '/var/lib/libvirt/images'):
            os.makedirs(ROOT + directory, exist_ok=True)
        self.write('/etc/machine-id', '')
        os.symlink('/usr/lib/systemd/system/multi-user.target', ROOT + '/etc/systemd/system/default.target')
        subprocess.run(['make', '-s', '--no-print-directory', '-C', TOP, 'install-files', 'EXECUTABLE=%s/busyvirt' % self.build,
                        'DATA=' + self.data, 'DESTDIR=' + ROOT], check=True, stdout=sys.stderr, env=dict(os.environ, MAKEFLAGS=''))
        subprocess.run(['systemd-sysusers', '--root=' + ROOT], check=True, stdout=sys.stderr)
        subprocess.run([TOP + '/tests/tools/guest.sh', ROOT + '/var/lib/libvirt/images'], check=True)

    def write(self, path, text):
        os.makedirs(os.path.dirname(ROOT + path), exist_ok=True)
        with open(ROOT + path, 'w') as f:
            f.write(text)

    def drop_in(self, unit, text=None):
        """A drop-in of that unit, or (without text) none."""
        directory = '%s/etc/systemd/system/%s.d' % (ROOT, unit)
        shutil.rmtree(directory, ignore_errors=True)
        if text is not None:
            self.write('/etc/systemd/system/%s.d/test.conf' % unit, text)
        self.systemctl('daemon-reload')

    # --- its life ---
    def boot(self):
        kvm = ['--bind=/dev/kvm'] if os.path.exists('/dev/kvm') else []
        with open(self.console, 'a') as log:
            self.nspawn = subprocess.Popen(
                ['systemd-nspawn', '-q', '-D', ROOT, '--boot', '--register=no', '--keep-unit', '--private-network', '--console=pipe', '--link-journal=no', *kvm],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until_up()

    def leader(self):
        """Its process 1 as we see it."""
        try:
            with open('/proc/%d/task/%d/children' % (self.nspawn.pid, self.nspawn.pid)) as f:
                children = f.read().split()
        except OSError:
            return None
        return children[-1] if children else None

    def wait_until_up(self):
        def up():
            if self.nspawn.poll() is not None:
                with open(self.console, errors='replace') as f:
                    raise CannotBoot('systemd-nspawn ended: ' + f.read()[-500:])
            return self.leader() and self.run(['systemctl', 'is-system-running'], check=False).stdout.strip() in ('running', 'degraded')
        wait_for('the machine is up', up, 60)

    def reboot(self):
        self.run(['systemctl', '--no-block', 'reboot'])
        status = self.nspawn.wait(60)
        if status != 133:                                        # its way to ask for another start
            raise Failure('systemd-nspawn ended with status %d' % status)
        self.boot()

    def power_off(self):
        """The seconds that takes."""
        begin = time.monotonic()
        self.run(['systemctl', '--no-block', 'poweroff'])
        self.nspawn.wait(60)
        return time.monotonic() - begin

    def last_words(self):
        """The end of what came to its console."""
        with open(self.console, errors='replace') as f:
            return ['console: ' + line.rstrip() for line in f.readlines()[-15:]]

    # --- what one types there ---
    def run(self, argv, check=True, timeout=60):
        done = subprocess.run(['nsenter', '-a', '-t', self.leader() or '0', *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, start_new_session=True, env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8', 'HOME': '/root'})
        if check and done.returncode != 0:
            raise Failure('%s: status %d: %s' % (' '.join(argv), done.returncode, (done.stdout + done.stderr).strip()[-600:]))
        return done

    def background(self, command):
        """The same without waiting. What comes back waits for its end, which must be a good one."""
        process = subprocess.Popen(['nsenter', '-a', '-t', self.leader(), 'sh', '-c', command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def wait(timeout=60):
            out, _ = process.communicate(timeout=timeout)
            if process.returncode != 0:
                raise Failure('%s: status %d: %s' % (command, process.returncode, out))
        return wait

    def sh(self, command, check=True):
        return self.run(['sh', '-c', command], check).stdout.strip()

    def fails(self, *argv):
        """Standard error of what must fail."""
        done = self.run(list(argv), check=False)
        if done.returncode == 0:
            raise Failure('%s: succeeded, which it must not' % ' '.join(argv))
        return done.stderr + done.stdout

    def systemctl(self, *words):
        return self.run(['systemctl', *words]).stdout.strip()

    def state(self, unit):
        """systemctl is-active."""
        return self.run(['systemctl', 'is-active', unit], check=False).stdout.strip()

    def wait_for_state(self, unit, state, seconds=20):
        wait_for('%s is %s' % (unit, state), lambda: self.state(unit) == state, seconds)

    def pid(self, unit):
        return self.systemctl('show', '-P', 'MainPID', unit)

    def virsh(self, *words, uri='qemu:///system'):
        return self.run(['virsh', '-q', '-c', uri, *words]).stdout.strip()

    def journal(self, unit):
        return self.run(['journalctl', '-q', '-b', '-u', unit, '-o', 'cat']).stdout

    def units(self):
        """Our units that are active or have failed."""
        lines = self.systemctl('list-units', '--all', '--plain', '--no-legend', '--state=active,failed', 'libvirt*', 'virt*').splitlines()
        return [' '.join(line.split()[:4]) for line in lines]
