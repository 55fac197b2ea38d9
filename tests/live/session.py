"""Session mode: an ordinary user's own daemon in $XDG_RUNTIME_DIR."""
import os
import subprocess

from harness import Failure, Host, expect

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


for test in (test_session_guest, test_session_is_private):
    test.session_user = NOBODY
