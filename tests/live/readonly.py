"""The read-only socket: whoever comes through it may look but not touch, whatever the client says about itself."""
import os

import libvirt

from harness import Failure, expect


def refused(what, call):
    try:
        call()
    except libvirt.libvirtError as error:
        expect(what, error.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
        return
    raise Failure('%s was not refused' % what)


def test_read_only_socket(host):
    """reading works and every change is refused by the daemon itself"""
    host.define('one')
    # A connection that is not told to be read-only: the client library refuses nothing, the daemon must.
    conn = libvirt.open('qemu+unix:///system?socket=%s/libvirt-sock-ro' % host.run_dir)
    domain = conn.lookupByName('one')
    expect('name', [d.name() for d in conn.listAllDomains()], ['one'])
    domain.XMLDesc()
    domain.info()
    conn.getCapabilities()
    refused('create', domain.create)
    refused('destroy', domain.destroy)
    refused('undefine', domain.undefine)
    refused('dumpxml --security-info', lambda: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
    refused('define', lambda: conn.defineXML('<domain/>'))
    refused('set autostart', lambda: domain.setAutostart(1))
    conn.close()


def test_virsh_readonly(host):
    """virsh --readonly finds the read-only socket"""
    host.define('one')
    expect('list', host.virsh('--readonly', 'list', '--all', '--name', uri='qemu:///system').split(), ['one'])


def test_socket_modes(host):
    """modes of the sockets are the original's without configuration"""
    for name, mode in (('libvirt-sock', 0o777), ('libvirt-sock-ro', 0o777), ('libvirt-admin-sock', 0o700)):
        path = host.run_dir + '/' + name
        if name == 'libvirt-admin-sock' and not os.path.exists(path):
            continue
        expect(name, oct(os.stat(path).st_mode & 0o777), oct(mode))
