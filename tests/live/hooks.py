"""The administrator's scripts, /etc/libvirt/hooks: when they are called, with what, and what comes of their failure."""
import contextlib
import os
import re
import signal

import libvirt

from harness import expect, wait_for
from network import NET
from upgrade import Image, only_ours, upgrade

# Notes its words and what it was given, and fails where it is told to.
SCRIPT = '''#!/bin/sh
given=$(cat)
echo "$(basename $0) $*" >>/run/hook.calls
printf '%s\\n' "$given" >"/run/hook.given.$(basename $0).$2"
if [ -e /run/hook.fail."$2" ]; then echo "no luck" >&2; exit 3; fi
if [ -e /run/hook.filter."$2" ]; then printf '%s\\n' "$given" | sed -f /run/hook.filter."$2"; fi
'''
HOOKS = '/etc/libvirt/hooks'


def put(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(SCRIPT)
    os.chmod(path, 0o755)


def install(host, *names):
    """Puts scripts there and starts the daemon anew, since it looks for them then."""
    host.main.stop()
    for name in names:
        put(HOOKS + '/' + name)
    host.start()


def remove():
    for top, _, files in os.walk(HOOKS):
        for name in files:
            os.unlink(os.path.join(top, name))
    with contextlib.suppress(OSError):
        os.rmdir(HOOKS + '/qemu.d/more')
    for name in os.listdir('/run'):
        if name.startswith('hook.'):
            os.unlink('/run/' + name)


def calls():
    """What has been called since the last time."""
    try:
        with open('/run/hook.calls') as f:
            lines = f.read().splitlines()
        os.unlink('/run/hook.calls')
        return lines
    except FileNotFoundError:
        return []


def heard(number):
    """The next calls, as soon as there are so many: a daemon that starts has its socket before all is done."""
    lines = []
    wait_for('%d calls' % number, lambda: lines.extend(calls()) or len(lines) >= number)
    return lines


def given(script, operation):
    with open('/run/hook.given.%s.%s' % (script, operation)) as f:
        return f.read()


def fail(operation, on=True):
    if on:
        open('/run/hook.fail.' + operation, 'w').close()
    else:
        os.unlink('/run/hook.fail.' + operation)


def refused(call):
    try:
        call()
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain(), error.get_error_message()
    return None


def test_guests(host):
    """scripts hear of a guest's start and end, with its definition; the main one first, then those of the directory"""
    try:
        install(host, 'qemu', 'qemu.d/b', 'qemu.d/a')
        with open(HOOKS + '/qemu.d/text', 'w') as f:
            f.write('no script')
        os.makedirs(HOOKS + '/qemu.d/more', exist_ok=True)
        host.define('one')
        host.virsh('start', 'one')
        expect('start', calls(), [script + ' one ' + what for what in ('prepare begin -', 'start begin -', 'started begin -')
                                  for script in ('qemu', 'a', 'b')])
        expect('definition', [re.match(r"<domain type='\w+' id='\d+'>\s*<name>one</name>", given('b', what)) is not None
                              for what in ('prepare', 'start', 'started')], [True] * 3)
        host.virsh('suspend', 'one')
        host.virsh('resume', 'one')
        expect('nothing', calls(), [])
        host.restart_after_kill()
        expect('found again', heard(3), [script + ' one reconnect begin -' for script in ('qemu', 'a', 'b')])
        host.virsh('destroy', 'one')
        expect('end', calls(), [script + ' one ' + what for what in ('stopped end -', 'release end -') for script in ('qemu', 'a', 'b')])
        expect('without a number', re.match(r"<domain type='\w+'>\s*<name>one</name>", given('a', 'stopped')) is not None, True)
    finally:
        remove()


def test_guest_refused(host):
    """a script that fails refuses the start, and changes nothing at the end; all are called either way"""
    try:
        install(host, 'qemu', 'qemu.d/a')
        host.define('one')
        conn = host.connect()
        domain = conn.lookupByName('one')
        for what in ('prepare', 'start', 'started'):
            fail(what)
            code, source, text = refused(domain.create)
            expect('error', (code, source), (libvirt.VIR_ERR_HOOK_SCRIPT_FAILED, libvirt.VIR_FROM_HOOK))
            expect('words', re.search(r'^Hook script execution failed: internal error: Child process \(LC_ALL=C PATH=\S+ HOME=\S+ .*'
                                      r'/etc/libvirt/hooks/qemu.d/a one %s begin -\) unexpected exit status 3: no luck\n$' % what, text)
                   is not None or text, True)
            expect('both, and the end', calls()[-6:], ['%s one %s' % (script, words) for words in
                                                       (what + ' begin -', 'stopped end -', 'release end -') for script in ('qemu', 'a')])
            expect('off', domain.isActive(), 0)
            fail(what, False)
        for what in ('stopped', 'release'):
            fail(what)
        domain.create()
        domain.destroy()
        conn.close()
        calls()
        os.unlink(HOOKS + '/qemu')
        host.virsh('start', 'one')
        expect('without the main one', calls(), ['a one ' + what for what in ('prepare begin -', 'start begin -', 'started begin -')])
        fail('reconnect')
        host.restart_after_kill()
        wait_for('not kept', lambda: host.virsh('domstate', 'one') == 'shut off')
    finally:
        remove()


def test_restored(host):
    """a script changes the definition that a guest is restored with, or refuses it"""
    try:
        install(host, 'qemu')
        host.define('one', extra='<title>before</title>')
        host.virsh('start', 'one')
        image = host.directory('saved') + '/image'
        host.virsh('save', 'one', image)
        calls()
        fail('restore')
        expect('refused', 'Hook script execution failed' in host.virsh('restore', image, fails=True), True)
        expect('once', calls(), ['qemu one restore begin -'])
        fail('restore', False)
        with open('/run/hook.filter.restore', 'w') as f:
            f.write('s/before/after/')
        host.virsh('restore', image)
        expect('calls', calls(), ['qemu one ' + what for what in ('restore begin -', 'prepare begin -', 'start begin -', 'started begin -')])
        expect('changed', '<title>after</title>' in host.virsh('dumpxml', 'one'), True)
        host.virsh('managedsave', 'one')
        fail('restore')
        expect('refused', 'Hook script execution failed' in host.virsh('start', 'one', fails=True), True)
        fail('restore', False)
        host.virsh('start', 'one')
        expect('runs', host.virsh('domstate', 'one'), 'running')
        host.virsh('destroy', 'one')
    finally:
        remove()


def test_networks(host):
    """scripts hear of networks and their ports, with both definitions, and refuse a start"""
    try:
        install(host, 'network')
        host.virsh('net-define', host.write('net.xml', NET % {'name': 'net', 'bridge': 'tbr0'}))
        fail('start')
        expect('refused', 'Hook script execution failed' in host.virsh('net-start', 'net', fails=True), True)
        fail('start', False)
        calls()
        if not host.real:                                        # the original leaves the bridge there
            fail('started')
            expect('refused', 'Hook script execution failed' in host.virsh('net-start', 'net', fails=True), True)
            expect('taken down', (host.virsh('net-list', '--name').split(), calls()),
                   ([], ['network net start begin -', 'network net started begin -', 'network net stopped end -']))
            fail('started', False)
        host.virsh('net-start', 'net')
        expect('start', calls(), ['network net start begin -', 'network net started begin -'])
        expect('definition', re.match(r'<hookData>\n  <network>\n    <name>net</name>', given('network', 'start')) is not None, True)
        host.virsh('net-update', 'net', 'add', 'ip-dhcp-host', "<host mac='52:54:00:00:00:05' ip='192.168.77.5'/>", '--live')
        expect('update', calls(), ['network net updated begin -'])
        expect('changed', '192.168.77.5' in given('network', 'updated'), True)
        host.define('one', devices="<interface type='network'><source network='net'/></interface>")
        host.virsh('start', 'one')
        expect('port', calls(), ['network net port-created begin -'])
        data = given('network', 'port-created')
        expect('both', re.search(r"\n  <network connections='1'>.*\n  </network>\n  <networkport>.*\n  </networkport>\n</hookData>\n$", data, re.S)
               is not None, True)
        host.virsh('destroy', 'one')
        expect('unplugged', calls(), ['network net port-deleted begin -'])
        fail('port-created')
        expect('no place', 'Hook script execution failed' in host.virsh('start', 'one', fails=True), True)
        expect('none left', host.virsh('net-port-list', 'net').strip(), '')
        calls()
        fail('stopped')
        host.virsh('net-destroy', 'net')
        expect('end', calls(), ['network net stopped end -'])
        host.virsh('net-undefine', 'net')
    finally:
        remove()


def test_daemon(host):
    """scripts hear of the daemon's start, reload and end; one that comes later is not called"""
    try:
        install(host, 'daemon', 'daemon.d/z')
        expect('start', heard(2), ['daemon - start - start', 'z - start - start'])
        host.virsh('list')                                       # served, so that it can be told to
        host.main.process.send_signal(signal.SIGHUP)
        expect('reload', heard(2), ['daemon - reload begin SIGHUP', 'z - reload begin SIGHUP'])
        put(HOOKS + '/qemu')
        host.define('one')
        host.virsh('start', 'one')
        host.virsh('destroy', 'one')
        expect('too late', calls(), [])
        host.main.stop()
        expect('end', calls(), ['daemon - shutdown - shutdown', 'z - shutdown - shutdown'])
        host.start()
    finally:
        remove()


def test_upgraded(host):
    """a daemon that executes itself anew goes on, which scripts need not hear of"""
    only_ours(host)
    try:
        host.main.stop()
        put(HOOKS + '/daemon')
        image = Image(host, 'libvirtd')
        daemon = host.start(image.path)
        expect('start', heard(1), ['daemon - start - start'])
        upgrade(daemon, image)
        expect('nothing', calls(), [])
    finally:
        remove()
