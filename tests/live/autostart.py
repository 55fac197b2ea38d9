"""Guests that start with the host: once a boot, by the first daemon that comes up."""
import os

from harness import expect, wait_for


def check(host, state_dir, link):
    host.define('auto', kvm=False)
    host.define('other', kvm=False)
    host.virsh('autostart', 'auto')
    expect('the link', os.path.islink(link), True)
    host.main.stop()
    host.start()
    expect('not after a mere restart', host.virsh('list', '--name').split(), [])
    host.main.stop()
    os.unlink(state_dir + '/autostarted')                        # what a boot does: the directory is in memory
    host.start()
    wait_for('it starts', lambda: host.virsh('domstate', '--reason', 'auto').strip() == 'running (booted)', 30)
    expect('the other does not', host.virsh('list', '--name').split(), ['auto'])
    host.virsh('destroy', 'auto')
    host.restart_after_kill()
    expect('once a boot', host.virsh('list', '--name').split(), [])
    host.virsh('autostart', 'auto', '--disable')
    expect('the link', os.path.lexists(link), False)
    host.virsh('autostart', 'auto')
    host.virsh('undefine', 'auto')
    expect('the link of a guest that is gone', os.path.lexists(link), False)


def test_autostart(host):
    """guests marked so start with the first daemon after a boot, and not with the next ones"""
    check(host, '/run/libvirt/qemu', '/etc/libvirt/qemu/autostart/auto.xml')


def test_session_autostart(host):
    """the same for an ordinary user"""
    check(host, host.run_dir + '/qemu/run', host.env['HOME'] + '/.config/libvirt/qemu/autostart/auto.xml')


def test_broken_guest_stops_no_other(host):
    """a guest that cannot start keeps neither the others nor the daemon from it"""
    host.define('a', devices="<disk type='file' device='disk'><source file='/run/there-is-none'/><target dev='vda'/></disk>")
    host.define('b')
    for name in ('a', 'b'):
        host.virsh('autostart', name)
    host.main.stop()
    os.unlink('/run/libvirt/qemu/autostarted')
    host.start()
    wait_for('the good one starts', lambda: host.virsh('domstate', 'b').strip() == 'running', 30)
    expect('the bad one', host.virsh('domstate', 'a').strip(), 'shut off')


test_session_autostart.session_user = 65534
