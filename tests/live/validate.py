"""Validation: documents are held against the schemas that libvirt's library installs, in the words of those."""
import os

import libvirt

from harness import Failure, Skip, expect, guest_xml

SCHEMAS = '/usr/share/libvirt/schemas/'


def refused(what, schema, call, *args):
    if not os.path.exists(SCHEMAS + schema):
        raise Skip('no %s' % schema)
    try:
        call(*args)
    except libvirt.libvirtError as error:
        expect(what, (error.get_error_code(), error.get_error_domain()), (libvirt.VIR_ERR_XML_INVALID_SCHEMA, libvirt.VIR_FROM_XML))
        begin = 'XML document failed to validate against schema: Unable to validate doc against %s%s\n' % (SCHEMAS, schema)
        expect(what + ', begin', error.get_error_message()[:len(begin)], begin)
        return error.get_error_message()[len(begin):]
    raise Failure(what + ' passed')


def test_guests(host):
    """a guest that does not follow the schema is refused when it is defined or started, with the place; without the flag it passes"""
    conn = host.connect()
    good = guest_xml('held')
    conn.defineXMLFlags(good, libvirt.VIR_DOMAIN_DEFINE_VALIDATE).undefine()
    bad = good.replace('<devices>', '<devices><bogus/>')
    told = refused('an unknown device', 'domain.rng', conn.defineXMLFlags, bad, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    expect('in what words', 'Extra element devices in interleave' in told, True)
    if host.bindir != '/usr/sbin':
        expect('where', '/domain/devices/bogus' in told, True)
    refused('at start', 'domain.rng', conn.createXML, bad, libvirt.VIR_DOMAIN_START_VALIDATE)
    conn.defineXMLFlags(bad, 0).undefine()  # unknown elements pass where nobody asks
    # Values that no reader objects to.
    refused('a name of two lines', 'domain.rng', conn.defineXMLFlags, good.replace('<name>held', '<name>held\nand more'), 1)


def test_other_languages(host):
    """networks, pools, secrets and filters are held against theirs"""
    conn = host.connect()
    network = "<network><name>held</name><ip address='10.9.8.1' prefix='24'/></network>"
    conn.networkDefineXMLFlags(network, libvirt.VIR_NETWORK_DEFINE_VALIDATE).undefine()
    refused('network', 'network.rng', conn.networkDefineXMLFlags, network.replace('<ip ', '<ip bogus="1" '), 1)
    pool = "<pool type='dir'><name>held</name><target><path>/tmp</path></target></pool>"
    conn.storagePoolDefineXML(pool, libvirt.VIR_STORAGE_POOL_DEFINE_VALIDATE).undefine()
    refused('pool', 'storagepool.rng', conn.storagePoolDefineXML, pool.replace('<path>', '<path bogus="1">'), 1)
    secret = "<secret ephemeral='no' private='no'><usage type='volume'><volume>/held</volume></usage></secret>"
    conn.secretDefineXML(secret, libvirt.VIR_SECRET_DEFINE_VALIDATE).undefine()
    refused('secret', 'secret.rng', conn.secretDefineXML, secret.replace('/held', 'held'), 1)
    rules = "<filter name='held' chain='root'><rule action='accept' direction='in'><tcp dstportstart='22'/></rule></filter>"
    conn.nwfilterDefineXMLFlags(rules, libvirt.VIR_NWFILTER_DEFINE_VALIDATE).undefine()
    refused('filter', 'nwfilter.rng', conn.nwfilterDefineXMLFlags, rules.replace('22', '100000'), 1)


def test_moments(host):
    """snapshots when that is asked for, checkpoints always"""
    conn = host.connect()
    guest = conn.defineXML(guest_xml('held'))
    snapshot = '<domainsnapshot><name>s</name><creationTime>1</creationTime><state>shutoff</state>%s</domainsnapshot>' % guest_xml('held')
    flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE
    refused('snapshot', 'domainsnapshot.rng', guest.snapshotCreateXML, snapshot.replace('<state>', '<bogus/><state>'), flags)
    # These are held against theirs always.
    checkpoint = '<domaincheckpoint><name>c</name><bogus/><creationTime>1</creationTime></domaincheckpoint>'
    refused('checkpoint', 'domaincheckpoint.rng', guest.checkpointCreateXML, checkpoint, libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE)
    guest.undefine()


def test_who_is_told_first(host):
    """What is no document, or another one, is not the schema's to say."""
    conn = host.connect()
    for text, code in (('<domain', libvirt.VIR_ERR_XML_DETAIL), ('<network/>', libvirt.VIR_ERR_XML_ERROR)):
        try:
            conn.defineXMLFlags(text, 1)
            raise Failure('%s was taken' % text)
        except libvirt.libvirtError as error:
            expect(text, error.get_error_code(), code)


def test_names_that_are_no_directories(host):
    """The original takes everything beneath its state directory away for a guest called '..': that one is not asked."""
    conn = host.connect()
    for name in ('.',) if host.real else ('.', '..'):
        try:
            conn.defineXML(guest_xml(name))
            raise Failure('%s was taken' % name)
        except libvirt.libvirtError as error:
            expect(name, (error.get_error_code(), error.get_error_domain()), (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_NONE))
    conn.defineXML(guest_xml('...')).undefine()
