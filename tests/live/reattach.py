"""A daemon that is killed at any time leaves its guests running, and the next one finds them as they were."""
import os
import signal
import time

from harness import Console, expect, guest_xml, wait_for
from events import alive, qemu_pid


def test_guest_survives_sigkill(host):
    """the next daemon has the guest with its id, state and XML, and its monitor works"""
    host.define('one')
    host.virsh('start', 'one')
    host.virsh('suspend', 'one')
    before = {part: host.virsh(*part) for part in (('domid', 'one'), ('dumpxml', 'one'), ('domstate', '--reason', 'one'))}
    pid = qemu_pid('one')
    host.restart_after_kill()
    for part, text in before.items():
        expect(' '.join(part), host.virsh(*part), text)
    expect('pid', qemu_pid('one'), pid)
    expect('the monitor', host.virsh('qemu-monitor-command', 'one', '--hmp', 'info status').strip(), 'VM status: paused')
    host.virsh('resume', 'one')
    host.virsh('destroy', 'one')
    wait_for('QEMU ends', lambda: not alive(pid))


def test_what_happened_meanwhile(host):
    """a guest that ended and one that was paused while no daemon ran are found as they are"""
    for name in ('one', 'two', 'three'):
        host.define(name)
        host.virsh('start', name)
    host.daemons[-1].stop(signal.SIGKILL)
    os.kill(qemu_pid('one'), signal.SIGKILL)
    time.sleep(0.3)
    host.start()
    wait_for('one is shut off', lambda: host.virsh('domstate', 'one').strip() == 'shut off')
    expect('two', host.virsh('domstate', 'two').strip(), 'running')
    expect('ids', host.virsh('list', '--id').split(), ['2', '3'])
    host.virsh('start', 'one')
    expect('the next id', host.virsh('domid', 'one').strip(), '4')


def test_graceful_restart(host):
    """SIGTERM leaves guests alone too"""
    host.define('one')
    host.virsh('start', 'one')
    pid = qemu_pid('one')
    expect('exit status', host.daemons[-1].stop(), 0)
    expect('the guest goes on', alive(pid), True)
    host.start()
    expect('state', host.virsh('domstate', '--reason', 'one').strip(), 'running (booted)')


def test_transient_guest_survives(host):
    """a transient guest is known to the next daemon from its status file alone"""
    host.virsh('create', host.write('t.xml', guest_xml('brief')))
    host.restart_after_kill()
    expect('list', host.virsh('list', '--transient', '--name').split(), ['brief'])
    host.virsh('destroy', 'brief')
    expect('list', host.virsh('list', '--all', '--name').split(), [])


def test_killed_while_starting(host):
    """a daemon killed at any moment of a start leaves a guest that runs or one that does not, and no stray QEMU"""
    host.define('one')
    for milliseconds in (5, 20, 40, 60, 80, 120, 200, 400):
        starter = host.virsh_start('start', 'one')
        time.sleep(milliseconds / 1000)
        host.restart_after_kill()
        starter.wait(30)
        state = wait_for('a settled state', lambda: settled(host), 30)
        expect('QEMUs after %d ms' % milliseconds, len(qemus('one')), 1 if state == 'running' else 0)
        if state == 'running':
            host.virsh('qemu-monitor-command', 'one', '--hmp', 'info status')
        else:
            host.virsh('start', 'one')
        host.virsh('destroy', 'one')


def settled(host):
    state = host.virsh('domstate', 'one').strip()
    return state if state in ('running', 'shut off') and len(qemus('one')) <= 1 else None


def qemus(name):
    """The processes of a guest, by its name on their command lines."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid) as f:
                words = f.read().split('\0')
        except OSError:
            continue
        if 'guest=%s,debug-threads=on' % name in words:
            found.append(int(pid))
    return found


def test_console_after_restart(host):
    """the console of a guest works through the next daemon"""
    host.define('linux', linux=True)
    host.virsh('start', 'linux')
    Console(host.connect(), 'linux').wait_for('guest is up')
    host.restart_after_kill()
    console = Console(host.connect(), 'linux')
    console.send('still there\n')
    console.wait_for('echo: still there', 15)
