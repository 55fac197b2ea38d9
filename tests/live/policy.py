"""Who may do what: polkit at the Unix sockets, and access control of every call by polkit, with a real polkitd."""
import contextlib
import os
import shutil
import subprocess
import time

import libvirt

from harness import TOP, Failure, Skip, config, expect, has, needs, wait_for

POLKITD = '/usr/lib/polkit-1/polkitd'
ACTIONS = '/usr/share/polkit-1/actions'
RULES = '/etc/polkit-1/rules.d'
ALLOWED, DENIED, NOBODY = 2, 3, 65534                             # bin, sys, nobody: Debian's users


def as_user(uid):
    return ['setpriv', '--reuid=%d' % uid, '--regid=%d' % uid, '--clear-groups', '--']


def virsh_as(host, uid, *args, uri=None):
    """(success, output of both kinds)"""
    done = subprocess.run([*as_user(uid), 'virsh', '-q', '-c', uri or host.uri, *args], env=dict(host.env, HOME='/'),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, (done.stdout + done.stderr).rstrip('\n')


def refused(host, uid, *args, because='access denied', uri=None):
    ok, text = virsh_as(host, uid, *args, uri=uri)
    if ok or because not in text:
        raise Failure('virsh %s: %s' % (' '.join(args), text))


def allowed(host, uid, *args, uri=None):
    ok, text = virsh_as(host, uid, *args, uri=uri)
    if not ok:
        raise Failure('virsh %s: %s' % (' '.join(args), text))
    return text


class Polkit:
    """polkitd on a system bus, with our policy and these rules."""

    def __init__(self, host, rules):
        needs('dbus-daemon', 'dbus-send')
        if not os.path.exists(POLKITD):
            raise Skip('polkitd is not installed')
        self.mounts, self.processes = [], []
        self.own_bus = not os.path.exists('/run/dbus/system_bus_socket')
        if self.own_bus:
            self.run('dbus-daemon', '--system', '--nofork', '--nopidfile')
            wait_for('the bus', lambda: os.path.exists('/run/dbus/system_bus_socket'))
        if has(host, 'busyvirt'):
            self.replace(ACTIONS, host.directory('actions'), self.own_policy(host))
        self.replace(RULES, host.directory('rules'), {'10-test.rules': rules})
        self.run(POLKITD, '--no-debug')
        wait_for('polkitd', lambda: 'true' in subprocess.run(
            ['dbus-send', '--system', '--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner',
             'string:org.freedesktop.PolicyKit1'], capture_output=True, text=True).stdout)

    def run(self, *command):
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @staticmethod
    def own_policy(host):
        """What `make install` puts there."""
        describe = os.path.join(os.environ.get('BUILD', TOP + '/build'), 'data/org.libvirt.api.policy')
        files = {'org.libvirt.unix.policy': TOP + '/data/polkit/org.libvirt.unix.policy', 'org.libvirt.api.policy': describe}
        texts = {}
        for name, path in files.items():
            if not os.path.exists(path):
                path = ACTIONS + '/' + name                      # Debian's, where this build has not made its data yet
            with open(path) as f:
                texts[name] = f.read()
        return texts

    def replace(self, directory, copy, files):
        os.chmod(copy, 0o755)
        for name, text in files.items():
            with open('%s/%s' % (copy, name), 'w') as f:
                f.write(text)
        subprocess.run(['mount', '--bind', copy, directory], check=True)
        self.mounts.append(directory)

    def set_rules(self, rules):
        with open(RULES + '/10-test.rules', 'w') as f:
            f.write(rules)

    def end_bus(self):
        self.processes[0].kill()
        self.processes[0].wait()
        os.unlink('/run/dbus/system_bus_socket')

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        for directory in self.mounts:
            subprocess.run(['umount', '-l', directory], check=True)
        if self.own_bus:
            with contextlib.suppress(OSError):
                os.unlink('/run/dbus/system_bus_socket')


@contextlib.contextmanager
def polkit(host, rules):
    authority = Polkit(host, rules)
    try:
        yield authority
    finally:
        authority.close()


SOCKET_RULES = '''
polkit.addRule(function(action, subject) {
  if (action.id == "org.libvirt.unix.manage") {
    if (subject.user == "bin") return polkit.Result.YES;
    if (subject.user == "sys") return polkit.Result.NO;
  }
  if (action.id == "org.libvirt.unix.monitor" && subject.user == "sys") return polkit.Result.NO;
});
'''


def test_polkit_on_sockets(host):
    """rules of a real polkitd decide about the sockets by user; who would need an agent is told so; root needs no rule"""
    host.main.stop()
    read_only = host.uri.replace('libvirt-sock', 'libvirt-sock-ro')
    with polkit(host, SOCKET_RULES):
        host.start()
        allowed(host, ALLOWED, 'list')
        refused(host, DENIED, 'list', because='access denied by policy')
        refused(host, NOBODY, 'list', because='no polkit agent')
        allowed(host, NOBODY, 'list', uri=read_only)              # the policy's own default
        refused(host, DENIED, 'list', uri=read_only, because='access denied by policy')
        host.virsh('list')
        host.main.stop()
        host.start(args=['-f', config(host, 'none', 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0777"\n')])
        allowed(host, DENIED, 'list')


def test_bus_that_ends(host):
    """a bus that goes means a clear answer at once, for others than root, and service again when it has come back"""
    host.main.stop()
    with polkit(host, SOCKET_RULES) as authority:
        if not authority.own_bus:
            raise Skip('the bus is not ours to end')
        host.start()
        allowed(host, ALLOWED, 'list')
        authority.end_bus()
        begin = time.monotonic()
        refused(host, ALLOWED, 'list', because='authentication')
        host.virsh('list')
        if time.monotonic() - begin > 10:
            raise Failure('the answers took %.1f s' % (time.monotonic() - begin))
    with polkit(host, SOCKET_RULES):
        allowed(host, ALLOWED, 'list')


# --- access control of calls ---------------------------------------------------------------------

ACCESS_RULES = '''
polkit.addRule(function(action, subject) {
  if (action.id.indexOf("org.libvirt.unix.") == 0) return polkit.Result.YES;
  if (subject.user != "bin" || action.lookup("connect_driver") != "QEMU") return polkit.Result.NO;
  var what = action.id.replace("org.libvirt.api.", "");
  if (what == "connect.getattr" || what == "connect.search-domains" || what == "connect.read") return polkit.Result.YES;
  if (what.indexOf("domain.") == 0 && action.lookup("domain_name") == "mine" &&
      action.lookup("domain_uuid") == "%s") {
    return what == "domain.delete" ? polkit.Result.NO : polkit.Result.YES;
  }
  return polkit.Result.NO;
});
'''
UUID = 'd79d3d5e-3fe1-4d71-a0a5-5b8ba5a1a1a1'


class Watcher:
    """A user's virsh that prints the life of domains."""

    def __init__(self, host, uid):
        self.process = subprocess.Popen([*as_user(uid), 'stdbuf', '-oL', 'virsh', '-q', '-c', host.uri, 'event', '--loop', '--event',
                                         'lifecycle'], env=dict(host.env, HOME='/'), stdin=subprocess.DEVNULL,
                                        stdout=open(host.logs + '/watcher', 'w'), stderr=subprocess.STDOUT)
        self.path = host.logs + '/watcher'

    def text(self):
        with open(self.path) as f:
            return f.read()

    def close(self):
        self.process.kill()
        self.process.wait()


def script(host, text):
    """What Python, as the user who is allowed something, says to this."""
    done = subprocess.run([*as_user(ALLOWED), '/usr/bin/python3', '-c', text, host.uri], env=dict(host.env, HOME='/'),
                          capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failure(done.stderr)
    return done.stdout


def test_access_control(host):
    """access_drivers=polkit: each call by its permission with the object's name and UUID; lists, counts and events leave out others'"""
    with polkit(host, ACCESS_RULES % UUID):
        host.main.stop()
        host.start(args=['-f', config(host, 'acl', 'access_drivers = [ "polkit" ]\n')])
        host.define('mine', kvm=False, extra='<uuid>%s</uuid>' % UUID)
        host.define('theirs', kvm=False)
        allowed(host, ALLOWED, 'domstate', 'mine')
        allowed(host, ALLOWED, 'dumpxml', 'mine')
        expect('its list', allowed(host, ALLOWED, 'list', '--all', '--name').split(), ['mine'])
        expect("root's list", host.virsh('list', '--all', '--name').split(), ['mine', 'theirs'])
        refused(host, ALLOWED, 'undefine', 'mine')
        refused(host, ALLOWED, 'domstate', 'theirs', because="failed to get domain 'theirs'")
        expect('a look-up', script(host, LOOKUP), "88 access denied: 'QEMU' denied access\n")
        allowed(host, ALLOWED, 'define', host.logs + '/mine.xml')
        refused(host, ALLOWED, 'define', host.logs + '/theirs.xml')
        refused(host, DENIED, 'list')
        refused(host, ALLOWED, 'nodesuspend', 'mem', '60')

        expect("another's, under one's own name", lie(host, 'raw.DOMAIN_CREATE, domain'), '88\n')

        watcher = Watcher(host, ALLOWED)
        try:
            wait_for('the watcher', lambda: watcher.process.poll() is None and os.path.exists(watcher.path))
            time.sleep(1)
            host.virsh('start', 'theirs')
            host.virsh('start', 'mine')
            wait_for("one's own event", lambda: "'mine': Started" in watcher.text())
            if 'theirs' in watcher.text():
                raise Failure('it sees: ' + watcher.text())
        finally:
            watcher.close()
        counts = script(host, COUNTS).split()
        expect('ids, number, and names and number of what is not running', counts, ['1', '1', '[]', '0'])
        host.virsh('destroy', 'mine')
        host.virsh('destroy', 'theirs')
        counts = script(host, COUNTS).split()
        expect('the same when nothing runs', counts, ['0', '0', "['mine']", '1'])


def test_access_to_save_images(host):
    """what a save image holds decides who may restore, read or change it, whatever definition is given with it; likewise new guests"""
    with polkit(host, ACCESS_RULES % UUID):
        host.main.stop()
        host.start(args=['-f', config(host, 'acl', 'access_drivers = [ "polkit" ]\n')])
        host.define('mine', kvm=False, extra='<uuid>%s</uuid>' % UUID)
        host.define('theirs', kvm=False)
        mine, theirs = host.logs + '/mine.save', host.logs + '/theirs.save'
        for name, image in (('mine', mine), ('theirs', theirs)):
            host.virsh('start', name)
            host.virsh('save', name, image)
        expect('what it is', '<name>mine<' in allowed(host, ALLOWED, 'save-image-dumpxml', mine), True)
        allowed(host, ALLOWED, 'save-image-define', mine, host.write('saved.xml', host.virsh('save-image-dumpxml', mine)))
        xml = host.write('given.xml', host.virsh('save-image-dumpxml', mine))
        for command in (['save-image-dumpxml', theirs], ['save-image-define', theirs, xml], ['restore', theirs],
                        ['restore', theirs, '--xml', xml]):
            refused(host, ALLOWED, *command)
        refused(host, DENIED, 'restore', mine)
        refused(host, ALLOWED, 'restore', '/nonexistent.save', because='/nonexistent.save')
        allowed(host, ALLOWED, 'restore', mine, '--paused', '--xml', xml)
        expect('the guests that run', host.virsh('list', '--name').split(), ['mine'])
        host.virsh('destroy', 'mine')
        for command in ('create', 'define'):
            refused(host, ALLOWED, command, host.logs + '/theirs.xml')
            allowed(host, ALLOWED, command, host.logs + '/mine.xml')


SECRET_RULES = '''
polkit.addRule(function(action, subject) {
  if (action.id.indexOf("org.libvirt.unix.") == 0) return polkit.Result.YES;
  if (subject.user != "bin") return polkit.Result.NO;
  if (action.id.indexOf("org.libvirt.api.connect.") == 0) return polkit.Result.YES;
  if (action.id.indexOf("org.libvirt.api.secret.") != 0) return polkit.Result.NO;
  if (action.lookup("secret_usage_volume") == "mine" || action.lookup("secret_usage_ceph") == "mine" ||
      action.lookup("secret_usage_target") == "mine" || action.lookup("secret_usage_name") == "mine") return polkit.Result.YES;
  return polkit.Result.NO;
});
'''


def test_access_to_secrets(host):
    """rules know a secret by what it is for, from the moment that it is defined"""
    with polkit(host, SECRET_RULES):
        host.main.stop()
        host.start(args=['-f', config(host, 'acl', 'access_drivers = [ "polkit" ]\n')])
        kinds = (('volume', 'volume'), ('ceph', 'name'), ('iscsi', 'target'), ('tls', 'name'))
        for number, (kind, child) in enumerate(kinds):
            mine, theirs = (UUID[:-2] + '%d%s' % (number, whose) for whose in 'ab')
            files = {uuid: host.write(uuid + '.xml', "<secret><uuid>%s</uuid><usage type='%s'><%s>%s</%s></usage></secret>"
                                      % (uuid, kind, child, name, child)) for uuid, name in ((mine, 'mine'), (theirs, 'theirs'))}
            allowed(host, ALLOWED, 'secret-define', files[mine])
            allowed(host, ALLOWED, 'secret-dumpxml', mine)
            refused(host, ALLOWED, 'secret-define', files[theirs])
            host.virsh('secret-define', files[theirs])
            refused(host, ALLOWED, 'secret-dumpxml', theirs, because='failed to get secret')
            expect('the list', allowed(host, ALLOWED, 'secret-list').split()[0::3], [mine])
            host.virsh('secret-undefine', theirs)
            allowed(host, ALLOWED, 'secret-undefine', mine)
        xml = "<secret><uuid>%s</uuid><usage type='vtpm'><name>mine</name></usage></secret>" % UUID
        refused(host, ALLOWED, 'secret-define', host.write('vtpm.xml', xml))  # of which rules are not told the use


OBJECT_RULES = '''
polkit.addRule(function(action, subject) {
  if (action.id.indexOf("org.libvirt.unix.") == 0) return polkit.Result.YES;
  if (subject.user != "bin") return polkit.Result.NO;
  if (action.id.indexOf("org.libvirt.api.connect.") == 0) return polkit.Result.YES;
  var kind = action.id.split(".")[3];
  var name = {"network": "network_name", "network-port": "network_name", "storage-pool": "pool_name", "storage-vol": "vol_name",
              "nwfilter": "nwfilter_name", "nwfilter-binding": "nwfilter_binding_portdev", "domain": "domain_name"}[kind];
  return name && action.lookup(name) == "mine" ? polkit.Result.YES : polkit.Result.NO;
});
'''


def objects_of(host, whose):
    """(command that makes it, XML) of one object of every kind"""
    pool = "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>" % (whose, host.directory('pool-' + whose))
    return (('net-define', '<network><name>%s</name></network>' % whose),
            ('pool-define', pool),
            ('nwfilter-define', "<filter name='%s'/>" % whose))


def test_access_to_networks_pools_and_filters(host):
    """each object's own name decides who may define, see and undefine it, and a volume's who may delete it; lists leave out the others'"""
    lists = {'net': ('net-list', '--all', '--name'), 'pool': ('pool-list', '--all', '--name'), 'nwfilter': ('nwfilter-list',)}
    with polkit(host, OBJECT_RULES):
        host.main.stop()
        host.start(args=['-f', config(host, 'acl', 'access_drivers = [ "polkit" ]\n')])
        theirs, mine = objects_of(host, 'theirs'), objects_of(host, 'mine')
        try:
            for command, xml in theirs:
                path = host.write('theirs.xml', xml)
                refused(host, ALLOWED, command, path)
                host.virsh(command, path)
            for command, xml in mine:
                allowed(host, ALLOWED, command, host.write('mine.xml', xml))
            for kind, command in lists.items():
                seen = allowed(host, ALLOWED, *command).split()
                expect("whose are in %s's list" % kind, [name for name in ('mine', 'theirs') if name in seen], ['mine'])
                allowed(host, ALLOWED, kind + '-dumpxml', 'mine')
                refused(host, ALLOWED, kind + '-dumpxml', 'theirs', because='failed to get')
                refused(host, DENIED, *command)
            for name in ('mine', 'theirs'):
                host.virsh('pool-start', name)
            for name in ('mine', 'theirs'):
                host.virsh('vol-create-as', 'mine', name, '1M')
            expect('volumes', allowed(host, ALLOWED, 'vol-list', 'mine').split()[0::2], ['mine'])
            refused(host, ALLOWED, 'vol-delete', '--pool', 'mine', 'theirs', because='failed to get vol')
            refused(host, ALLOWED, 'vol-create-as', 'mine', 'another', '1M')
            allowed(host, ALLOWED, 'vol-delete', '--pool', 'mine', 'mine')
            refused(host, ALLOWED, 'pool-destroy', 'theirs', because='failed to get pool')
            allowed(host, ALLOWED, 'pool-destroy', 'mine')
            for kind in lists:
                allowed(host, ALLOWED, kind + '-undefine', 'mine')
        finally:
            for whose in ('mine', 'theirs'):
                for command in ('net-undefine', 'pool-destroy', 'pool-undefine', 'nwfilter-undefine'):
                    with contextlib.suppress(Failure):
                        host.virsh(command, whose)


def test_access_to_snapshots(host):
    """who may not see a guest sees nothing of its snapshots, whatever name is given with its UUID"""
    with polkit(host, OBJECT_RULES):
        host.main.stop()
        host.start(args=['-f', config(host, 'acl', 'access_drivers = [ "polkit" ]\n')])
        for name in ('mine', 'theirs'):
            host.define(name, kvm=False)
        xml = '<domainsnapshot><name>s</name><state>shutoff</state><creationTime>1</creationTime>%s</domainsnapshot>'
        for name in ('mine', 'theirs'):
            whole = host.virsh('dumpxml', name)
            host.virsh('snapshot-create', name, host.write('s.xml', xml % whole), '--redefine')
        expect('mine', allowed(host, ALLOWED, 'snapshot-list', 'mine', '--name').split(), ['s'])
        refused(host, ALLOWED, 'snapshot-list', 'theirs', because='failed to get domain')
        get_xml = "186, raw.string('s') + domain + struct.pack('>I', 0)"  # DOMAIN_SNAPSHOT_GET_XML_DESC
        expect("another's, under one's own name", lie(host, get_xml), '88\n')
        allowed(host, ALLOWED, 'snapshot-delete', 'mine', 's', '--metadata')
        host.virsh('snapshot-delete', 'theirs', 's', '--metadata')


COUNTS = '''
import libvirt, sys
c = libvirt.open(sys.argv[1])
print(len(c.listDomainsID()), c.numOfDomains(), c.listDefinedDomains(), c.numOfDefinedDomains())
'''
LOOKUP = '''
import libvirt, sys
libvirt.registerErrorHandler(lambda *_: None, None)
try:
    libvirt.open(sys.argv[1]).lookupByName('theirs')
except libvirt.libvirtError as e:
    print(e.get_error_code(), e.get_error_message())
'''

LIE = '''
import struct, sys
sys.path.insert(0, %r)
import raw
domain = raw.string('mine') + bytes.fromhex(%r.replace('-', '')) + struct.pack('>i', -1)
client = raw.Client('/run/libvirt/libvirt-sock')
client.call(raw.AUTH_LIST)
client.call(raw.AUTH_POLKIT)
client.call(raw.OPEN, struct.pack('>I', 1) + raw.string('qemu:///system') + struct.pack('>I', 0))
print(client.call(%s).code)
'''


def lie(host, call):
    """The error that one gets who names one's own guest with the UUID of another's in `call` of `domain`."""
    return script(host, LIE % (os.path.dirname(__file__), host.virsh('domuuid', 'theirs').strip(), call))
