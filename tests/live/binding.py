"""python3-libvirt, the binding that management programs use."""
import threading

import libvirt

from harness import Failure, expect, guest_xml, wait_for


def test_connection_facts(host):
    """what a program asks first"""
    conn = host.connect()
    expect('type', conn.getType(), 'QEMU')
    expect('library version', conn.getLibVersion(), 9000000)
    expect('uri', libvirt.open('qemu:///system').getURI(), 'qemu:///system')
    expect('alive', (conn.isAlive(), conn.isSecure(), conn.isEncrypted()), (1, 1, 0))
    expect('max vcpus', conn.getMaxVcpus('kvm') > 1, True)
    if not conn.getVersion() >= 7002000:
        raise Failure('version of the hypervisor: %d' % conn.getVersion())
    expect('node info', conn.getInfo()[0], 'x86_64')
    for part in ('<host>', '<guest>', "<arch name='x86_64'>"):
        if part not in conn.getCapabilities():
            raise Failure('capabilities lack %s' % part)


def test_callbacks(host):
    """callbacks get a guest's life in order, each with its domain"""
    conn, seen = host.connect(), []
    conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                lambda c, dom, event, detail, _: seen.append((dom.name(), event, detail)), None)
    domain = conn.defineXML(guest_xml('one'))
    domain.create()
    domain.destroy()
    domain.undefine()
    wait_for('six events', lambda: len(seen) >= 6, 5)
    expect('events', seen, [('one', 0, 0), ('one', 4, 0), ('one', 2, 0), ('one', 6, 2), ('one', 5, 1), ('one', 1, 0)])


def test_errors_carry_codes(host):
    """errors come with the code and the domain that programs look at"""
    conn = host.connect()
    cases = (
        (lambda: conn.lookupByName('nobody'), libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_FROM_QEMU),
        (lambda: conn.lookupByID(77), libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_FROM_QEMU),
        (lambda: conn.defineXML('<domain type="kvm"/>'), libvirt.VIR_ERR_NO_NAME, libvirt.VIR_FROM_DOMAIN),
        (lambda: conn.defineXML('no XML'), libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_FROM_DOMAIN),
        (lambda: conn.defineXML(guest_xml('one')).suspend(), libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_FROM_DOMAIN),
    )
    for number, (call, code, domain) in enumerate(cases):
        try:
            call()
        except libvirt.libvirtError as error:
            expect('error of case %d' % number, (error.get_error_code(), error.get_error_domain()), (code, domain))
        else:
            raise Failure('case %d raised nothing' % number)


def test_many_clients(host):
    """fifty clients at once are all answered"""
    answers = []

    def ask():
        try:
            conn = host.connect()
            for _ in range(20):
                conn.getLibVersion()
            answers.append(conn.numOfDomains())
            conn.close()
        except libvirt.libvirtError as error:
            answers.append(str(error))
    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    expect('answers', (len(answers), set(answers)), (50, {0}))


def test_guests_side_by_side(host):
    """six guests started at once all run"""
    conn = host.connect()
    domains = [conn.defineXML(guest_xml('guest-%d' % n)) for n in range(6)]
    threads = [threading.Thread(target=domain.create) for domain in domains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expect('running', sorted(d.name() for d in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)),
           ['guest-%d' % n for n in range(6)])
    for domain in domains:
        domain.destroy()
