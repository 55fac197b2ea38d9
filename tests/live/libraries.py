"""Shared libraries: none that a daemon at rest has no use for, and builds that go without one."""
import os
import re
import subprocess

import libvirt

from administration import ALL, prefix, virt_admin
from harness import TOP, Failure, Skip, config, expect, has
from life import ends

# The C library with what it loads by itself to look up names, and what a development build links and the sanitizers bring.
ALWAYS = re.compile(r'^(ld-linux.*|libc|libm|libdl|libpthread|libresolv|libnss_\w+|libstdc\+\+|libgcc_s|libasan|libubsan|libcap|linux-vdso)\.so')
SCHEMES = {'libvirtd': 'qemu', 'virtproxyd': None, 'virtqemud': 'qemu', 'virtxend': 'xen', 'virtlxcd': 'lxc', 'virtbhyved': 'bhyve',
           'virtvboxd': 'vbox', 'virtinterfaced': 'interface', 'virtnetworkd': 'network', 'virtnodedevd': 'nodedev',
           'virtnwfilterd': 'nwfilter', 'virtsecretd': 'secret', 'virtstoraged': 'storage', 'virtlogd': None, 'virtlockd': None}


def libraries(pid):
    """The shared libraries that a process has mapped, besides those that all have."""
    with open('/proc/%d/maps' % pid) as f:
        files = {os.path.basename(line.split(None, 5)[5].strip()) for line in f if '.so' in line}
    return sorted(name for name in files if not ALWAYS.match(name))


def only_ours(host):
    if not has(host, 'busyvirt'):
        raise Skip('this is not busyvirt')


def test_daemons_at_rest(host):
    """each of the daemons, with a connection and an administrator, has loaded no optional library"""
    only_ours(host)
    for daemon in host.daemons:
        daemon.stop()
    loaded = {}
    for name in ALL:
        path = '%s/%s-sock' % (host.run_dir, prefix(name))
        daemon = host.start(name, socket=path)
        virt_admin(host, name, 'system')('srv-list')
        if SCHEMES[name]:
            conn = libvirt.open('%s+unix:///system?socket=%s' % (SCHEMES[name], path))
            conn.getLibVersion()
            conn.close()
        if found := libraries(daemon.process.pid):
            loaded[name] = found
        expect('the end of ' + name, daemon.stop(), 0)
    expect('what is loaded', loaded, {})


def test_loaded_for_who_asks(host):
    """libsystemd comes with the first client that polkit is asked about, and not for root"""
    only_ours(host)
    host.virsh('list')
    expect('for root', libraries(host.main.process.pid), [])
    subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', 'virsh', '-c', host.uri, 'list'],
                   capture_output=True, timeout=10)
    if not any(name.startswith('libsystemd') for name in libraries(host.main.process.pid)):
        raise Failure('libsystemd is not there: %s' % libraries(host.main.process.pid))


def variant(host, option):
    """The directory with the daemons of a build without one library."""
    only_ours(host)
    path = os.path.join(os.environ.get('BV_TEST_BUILD', TOP + '/build-dev'), 'without-' + option, 'busyvirt')
    if not os.path.exists(path):
        raise Skip('%s is not built' % path)
    bindir = host.directory('without-' + option)
    os.chmod(bindir, 0o755)
    for name in ('busyvirt', 'libvirtd', 'virtlogd'):
        os.symlink(path, '%s/%s' % (bindir, name))
    host.main.stop()
    host.bindir = bindir
    return bindir


def test_without_gnutls(host):
    """a build without GnuTLS serves Unix sockets and TCP, and says that it has no TLS where it is asked for it"""
    variant(host, 'gnutls')
    ends(host, 'libvirtd', 'TLS', ['--listen'], 6, 'this build has no TLS')
    daemon = host.start(args=['--listen', '-f', config(host, 'tcp', 'listen_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\n')])
    host.virsh('uri')
    host.virsh('uri', uri='qemu+tcp://localhost/system')
    expect('the end', daemon.stop(), 0)


def test_without_sasl(host):
    """a build without SASL does not start where SASL is to decide, and serves where it is not"""
    variant(host, 'sasl')
    for text in ('listen_tls = 0\nlisten_tcp = 1\n', 'listen_tls = 0\nauth_unix_rw = "sasl"\n', 'listen_tls = 0\nauth_unix_ro = "sasl"\n'):
        ends(host, 'libvirtd', text, ['--listen', '-f', config(host, 'sasl', text)], 6, 'this build has no SASL')
    daemon = host.start()
    host.virsh('uri')
    expect('the end', daemon.stop(), 0)


def test_without_systemd(host):
    """a build without libsystemd serves root, and tells others that it has no polkit to ask"""
    variant(host, 'systemd')
    daemon = host.start()
    host.virsh('uri')
    done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', 'virsh', '-c', host.uri, 'list'],
                          capture_output=True, text=True, timeout=10)
    if done.returncode == 0 or 'this build has no polkit' not in done.stderr:
        raise Failure('it says: ' + done.stderr)
    expect('libraries', libraries(daemon.process.pid), [])
    expect('the end', daemon.stop(), 0)
