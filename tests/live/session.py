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
        expect('the owner of QEMU', os.stat('/proc/%d' % int(f.read())).st_uid, NOBODY)
    host.restart_after_kill()
    expect('after SIGKILL', host.virsh('list', '--name').split(), ['mine'])
    host.virsh('destroy', 'mine')
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
