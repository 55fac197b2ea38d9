"""SIGHUP: definitions that somebody put, changed or removed on disk while the daemon runs."""
import base64
import os
import signal
import threading

import libvirt

from harness import Failure, Skip, admin, expect, has, run_events, runs, wait_for

QEMU, SECRETS = '/etc/libvirt/qemu', '/etc/libvirt/secrets'
NEXT = libvirt.VIR_DOMAIN_XML_INACTIVE


def put(path, text):
    """Whole or not at all, as an editor does."""
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.rename(path + '.new', path)


def change(path, old, new):
    with open(path) as f:
        text = f.read()
    expect('%r is in %s' % (old, path), old in text, True)
    put(path, text.replace(old, new))


def without_uuid(xml):
    begin, end = xml.index('<uuid>'), xml.index('</uuid>')
    return xml[:begin] + xml[end + len('</uuid>'):]


def sibling(conn, name, of):
    """A definition like another's, under a name of its own."""
    return without_uuid(conn.lookupByName(of).XMLDesc(NEXT)).replace('<name>%s<' % of, '<name>%s<' % name)


def log_to(host, name='libvirtd'):
    """A file with what the daemon says from now on."""
    path = '%s/%s.info' % (host.logs, name)
    admin(host, 'daemon-log-filters', '2:daemon', daemon=name)
    admin(host, 'daemon-log-outputs', '2:file:' + path, daemon=name)
    return path


def said(path, text):
    with open(path, errors='replace') as f:
        return text in f.read()


def reload(host):
    """The domains after a SIGHUP that has certainly been dealt with."""
    conn = host.connect()
    reload.count = getattr(reload, 'count', 0) + 1
    name = 'zz-mark-%d' % reload.count                            # the last in the directory's order, which is ours only
    uuid = 'd79d3d5e-3fe1-4d71-a0a5-%012d' % reload.count
    put('%s/%s.xml' % (QEMU, name), "<domain type='qemu'><name>%s</name><uuid>%s</uuid><memory>65536</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>" % (name, uuid))
    host.main.process.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: name in [d.name() for d in conn.listAllDomains()])
    conn.close()


def title(domain, flags=0):
    try:
        return domain.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, flags)
    except libvirt.libvirtError:
        return None


class Life:
    """Lifecycle events as they come: (name, event, detail)."""

    def __init__(self, conn):
        self.seen = []
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                    lambda _, dom, event, detail, __: self.seen.append((dom.name(), event, detail)), None)


def test_definitions(host):
    """new and changed files come in, for the next start where the guest runs; what is gone, broken or another's changes nothing"""
    run_events()
    for name in ('inactive', 'active', 'gone', 'broken', 'renamed'):
        host.define(name, kvm=False)
    conn = host.connect()
    host.virsh('start', 'active')
    host.virsh('create', host.write('transient.xml', sibling(conn, 'transient', 'inactive')))
    life, log = Life(conn), log_to(host)

    put(QEMU + '/new.xml', sibling(conn, 'new', 'inactive'))
    put(QEMU + '/transient.xml', conn.lookupByName('transient').XMLDesc(NEXT))
    for name in ('inactive', 'active'):
        change('%s/%s.xml' % (QEMU, name), '<memory', '<title>changed</title><memory')
    put(QEMU + '/broken.xml', '<domain')
    change(QEMU + '/renamed.xml', '<name>renamed', '<name>another')
    os.unlink(QEMU + '/gone.xml')
    os.makedirs(QEMU + '/autostart', exist_ok=True)
    os.symlink(QEMU + '/inactive.xml', QEMU + '/autostart/inactive.xml')
    os.symlink('/nonexistent.xml', QEMU + '/autostart/active.xml')
    reload(host)

    domains = {d.name(): d for d in conn.listAllDomains() if not d.name().startswith('zz')}
    expect('the domains', sorted(domains), ['active', 'broken', 'gone', 'inactive', 'new', 'renamed', 'transient'])
    wait_for('what the inactive one is now', lambda: title(domains['inactive']) == 'changed')
    wait_for('what the active one will be', lambda: title(domains['active'], libvirt.VIR_DOMAIN_AFFECT_CONFIG) == 'changed')
    expect('what it is', title(domains['active']), None)
    wait_for('the transient one stays', lambda: domains['transient'].isPersistent())
    expect('autostart', sorted(n for n, d in domains.items() if d.autostart()), ['inactive'])
    expect('the running ones', sorted(n for n, d in domains.items() if d.isActive()), ['active', 'transient'])
    wait_for('events', lambda: len(life.seen) == 3)
    expect('events', sorted(e for e in life.seen if not e[0].startswith('zz')), [('new', 0, 0), ('transient', 0, 0)])
    for words in ('Reloading configuration on SIGHUP', "Failed to load config for domain 'broken'",
                  "domain 'renamed' is already defined with uuid " + domains['renamed'].UUIDString()):
        wait_for('the log says ' + words, lambda: said(log, words))

    os.unlink(QEMU + '/autostart/inactive.xml')
    reload(host)
    wait_for('no autostart', lambda: not domains['inactive'].autostart())
    host.virsh('destroy', 'active')
    expect('the next start', title(domains['active']), 'changed')
    conn.close()


def test_calls_meanwhile(host):
    """SIGHUPs among calls that define, change and undefine: what a client was told holds, and nothing comes back"""
    if host.real:
        raise Skip('it takes files that it has read before a call changed them')
    names = ['guest-%d' % i for i in range(8)]
    over = threading.Event()

    def signals():
        while not over.wait(0.003):
            host.main.process.send_signal(signal.SIGHUP)
    for name in names:
        host.write(name + '.xml', '')
    thread = threading.Thread(target=signals)
    thread.start()
    conn = host.connect()
    try:
        for turn in range(15):
            for name in names:
                conn.defineXML("<domain type='qemu'><name>%s</name><uuid>d79d3d5e-3fe1-4d71-a0a5-5b8ba5a1a1%02d</uuid>"
                               "<memory>65536</memory><os><type arch='x86_64'>hvm</type></os></domain>" % (name, names.index(name)))
            for name in names:
                domain = conn.lookupByName(name)
                for text in ('one', 'turn %d' % turn):
                    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, text, None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
                    expect('the title of ' + name, title(domain), text)
            for name in names[turn % 2::2]:
                conn.lookupByName(name).undefine()
            left = sorted(d.name() for d in conn.listAllDomains())
            expect('what is left', left, names[1 - turn % 2::2])
    finally:
        over.set()
        thread.join()
    reload(host)
    expect('what is left', sorted(d.name() for d in conn.listAllDomains() if not d.name().startswith('zz')), names[1::2])
    expect('its titles', {title(conn.lookupByName(name)) for name in names[1::2]}, {'turn 14'})
    conn.close()


def test_busy_guest(host):
    """a guest in the middle of a call has its new definition after it, and keeps no other waiting"""
    for name in ('idle', 'zbusy', 'zidle'):                      # the original's order is the directory's
        host.define(name, kvm=False)
    host.virsh('start', 'zbusy')
    conn = host.connect()
    with open(host.run_dir + '/qemu/zbusy.pid') as f:
        qemu = int(f.read())
    os.kill(qemu, signal.SIGSTOP)
    call = host.virsh_start('setmem', 'zbusy', '32M', '--live')
    try:
        wait_for('the call', lambda: conn.lookupByName('zbusy').controlInfo()[0] == libvirt.VIR_DOMAIN_CONTROL_OCCUPIED)
        for name in ('idle', 'zbusy', 'zidle'):
            change('%s/%s.xml' % (QEMU, name), '<memory', '<title>changed</title><memory')
        reload(host)
        for name in ('idle', 'zidle'):
            wait_for(name, lambda name=name: title(conn.lookupByName(name)) == 'changed')
    finally:
        os.kill(qemu, signal.SIGCONT)
    expect('the call', call.wait(30), 0)
    wait_for('the busy one', lambda: title(conn.lookupByName('zbusy'), libvirt.VIR_DOMAIN_AFFECT_CONFIG) == 'changed')
    conn.close()


def secret_xml(uuid, usage, description, private='no'):
    return ("<secret ephemeral='no' private='%s'><uuid>%s</uuid><description>%s</description>"
            "<usage type='ceph'><name>%s</name></usage></secret>" % (private, uuid, description, usage))


def test_secrets(host):
    """secrets' definitions and values likewise; the rules for a definition hold for files too, and nobody is told"""
    run_events()
    conn, uuids = host.connect(), ['d79d3d5e-3fe1-4d71-a0a5-5b8ba5a1a1a%d' % i for i in range(6)]
    changed, gone, other_usage, public, new, rival = uuids
    for uuid in uuids[:4]:
        conn.secretDefineXML(secret_xml(uuid, uuid, 'old', 'yes' if uuid == public else 'no')).setValue(b'old')
    events = []
    conn.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, lambda *what: events.append(what), None)
    conn.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, lambda *what: events.append(what), None)
    log = log_to(host)
    put('%s/%s.xml' % (SECRETS, new), secret_xml(new, new, 'new'))
    put('%s/%s.base64' % (SECRETS, new), base64.b64encode(b'its value').decode())
    put('%s/%s.xml' % (SECRETS, changed), secret_xml(changed, changed, 'new'))
    put('%s/%s.base64' % (SECRETS, changed), base64.b64encode(b'another').decode())
    put('%s/%s.xml' % (SECRETS, other_usage), secret_xml(other_usage, 'another', 'new'))
    put('%s/%s.xml' % (SECRETS, public), secret_xml(public, public, 'new'))
    put('%s/%s.xml' % (SECRETS, rival), secret_xml(rival, gone, 'new'))
    for suffix in ('xml', 'base64'):
        os.unlink('%s/%s.%s' % (SECRETS, gone, suffix))
    host.main.process.send_signal(signal.SIGHUP)
    wait_for('the new one', lambda: new in conn.listSecrets())
    wait_for('the log', lambda: all(said(log, words) for words in (
        'Error reading secret: internal error: a secret with UUID %s is already defined for use with %s' % (other_usage, other_usage),
        'Error reading secret: internal error: cannot change private flag on existing secret',
        'Error reading secret: internal error: a secret with UUID %s already defined for use with %s' % (gone, gone))))

    secrets = {uuid: conn.secretLookupByUUIDString(uuid) for uuid in sorted(conn.listSecrets())}
    expect('the secrets', sorted(secrets), sorted(u for u in uuids if u != rival))
    expect('the definitions', [u for u in uuids if u in secrets and '<description>new' in secrets[u].XMLDesc()], [changed, new])
    wait_for('the new value', lambda: secrets[changed].value() == b'another')
    expect('the values', [secrets[u].value() for u in (gone, other_usage, new)], [b'old', b'old', b'its value'])
    expect('events', events, [])
    conn.close()


def test_other_daemons(host):
    """virtproxyd and a driver's daemon say that they reload, and go on with their clients"""
    for name in ('virtproxyd', 'virtnodedevd'):
        if not has(host, name):
            raise Skip('%s is not installed' % name)
    host.main.stop()
    for name, sockets in (('virtproxyd', 'libvirt'), ('virtnodedevd', 'virtnodedevd')):
        daemon = host.start(name, socket='%s/%s-sock' % (host.run_dir, sockets))
        scheme = sockets if sockets == name else 'libvirtd'
        log = log_to(host, scheme)
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(name + ' says so', lambda: said(log, 'Reloading configuration on SIGHUP'))
        admin(host, 'srv-list', daemon=scheme)
        expect(name + ' ends well', daemon.stop(), 0)


def test_virtlogd_and_virtlockd(host):
    """SIGHUP does not end them, as it does the original's"""
    if host.real:
        raise Skip('it does')
    for name in ('virtlogd', 'virtlockd'):
        if not host.companion_pid(name):
            host.start(name, socket='%s/%s-sock' % (host.run_dir, name))
        pid = host.companion_pid(name)
        os.kill(pid, signal.SIGHUP)
        admin(host, 'srv-list', daemon=name)
        if not runs(pid):
            raise Failure('%s has ended' % name)
