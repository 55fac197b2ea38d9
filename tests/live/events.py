"""Events, as virsh event prints them: which, in what order, with which details."""
import contextlib
import os
import queue
import re
import signal
import threading
import time

from harness import Failure, expect, guest_xml, wait_for

# QEMU tells that it was asked to end, before it has ended.
HOST_SHUTDOWN = 'lifecycle: Shutdown Finished after host request'


class Events:
    """virsh event --all in the background; lines without the name of the domain."""

    def __init__(self, host, *args):
        self.process = host.virsh_start('event', '--loop', *(args or ('--all',)))
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        time.sleep(0.5)                                          # virsh says nothing when it has subscribed

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def take(self, last):
        """The lines up to the one that contains `last`."""
        taken, end = [], time.monotonic() + 20
        while not taken or last not in taken[-1]:
            try:
                line = self.lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise Failure('no event with %r after %r' % (last, taken)) from None
            taken.append(re.sub(r"^event '([^']*)' for domain '?[^ ':]*'?:? ?", r'\1: ', line).rstrip(': '))
        return taken

    def close(self):
        self.process.terminate()
        self.process.wait()


def lifecycle(host):
    return contextlib.closing(Events(host, '--event', 'lifecycle'))


def test_lifecycle_events(host):
    """define, start, suspend, resume, destroy and undefine each tell, in order"""
    with lifecycle(host) as events:
        host.define('one')
        expect('define', events.take('Defined'), ['lifecycle: Defined Added'])
        host.virsh('start', 'one')
        expect('start', events.take('Started'), ['lifecycle: Resumed Unpaused', 'lifecycle: Started Booted'])
        host.virsh('suspend', 'one')
        expect('suspend', events.take('Suspended'), ['lifecycle: Suspended Paused'])
        host.virsh('resume', 'one')
        expect('resume', events.take('Resumed'), ['lifecycle: Resumed Unpaused'])
        host.virsh('destroy', 'one')
        expect('destroy', events.take('Stopped'), [HOST_SHUTDOWN, 'lifecycle: Stopped Destroyed'])
        host.virsh('undefine', 'one')
        expect('undefine', events.take('Undefined'), ['lifecycle: Undefined Removed'])


def test_events_of_a_guest_that_ends(host):
    """QEMU's own end is told apart: after a quit in order, after a signal as a failure"""
    host.define('one')
    host.virsh('start', 'one')
    with lifecycle(host) as events:
        pid = qemu_pid('one')
        host.virsh('qemu-monitor-command', 'one', '--hmp', 'quit')
        expect('quit', events.take('Stopped'), [HOST_SHUTDOWN, 'lifecycle: Stopped Shutdown'])
        wait_for('QEMU is gone', lambda: not alive(pid))
        host.virsh('start', 'one')
        events.take('Started')
        os.kill(qemu_pid('one'), signal.SIGKILL)
        expect('killed', events.take('Stopped'), ['lifecycle: Stopped Failed'])
    expect('reason', host.virsh('domstate', '--reason', 'one').strip(), 'shut off (crashed)')


def test_transient_events(host):
    """a transient guest is never defined"""
    with lifecycle(host) as events:
        host.virsh('create', host.write('t.xml', guest_xml('brief')))
        expect('create', events.take('Started'), ['lifecycle: Resumed Unpaused', 'lifecycle: Started Booted'])
        host.virsh('destroy', 'brief')
        expect('destroy', events.take('Stopped'), [HOST_SHUTDOWN, 'lifecycle: Stopped Destroyed'])


def test_reset_event(host):
    """virsh reset of a guest is a reboot event"""
    host.define('one')
    host.virsh('start', 'one')
    with contextlib.closing(Events(host, '--event', 'reboot')) as events:
        host.virsh('reset', 'one')
        expect('reset', events.take('reboot'), ['reboot'])


def qemu_pid(name):
    with open('/run/libvirt/qemu/%s.pid' % name) as f:
        return int(f.read())


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False
