"""What is counted of a guest's process, and what hosts without the processor's resource control refuse."""
import os

import libvirt

from harness import Skip, expect, wait_for

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG


def refused(call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain()
    return None


def counted(conn, domain):
    return conn.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_PERF)[0][1]


def test_counters(host):
    """events that a definition or a client asks for are counted while the guest runs, for the next daemon too"""
    host.define('one', extra="<perf><event name='page_faults' enabled='yes'/></perf>")
    conn = host.connect()
    domain = conn.lookupByName('one')
    domain.create()
    expect('asked for', [event for event, on in domain.perfEvents(LIVE).items() if on], ['page_faults'])
    wait_for('counted', lambda: counted(conn, domain).get('perf.page_faults', 0) > 0)
    domain.setPerfEvents({'task_clock': True, 'page_faults': False}, LIVE)
    expect('changed', list(counted(conn, domain)), ['perf.task_clock'])
    expect('not in the definition', [domain.perfEvents(CONFIG)[event] for event in ('page_faults', 'task_clock')], [True, False])
    domain.setPerfEvents({'context_switches': True}, CONFIG)
    expect('only there', (domain.perfEvents(CONFIG)['context_switches'], domain.perfEvents(LIVE)['context_switches']), (True, False))
    if not host.real:                                            # the original does not find such a guest again
        conn.close()
        host.restart_after_kill()
        conn = host.connect()
        domain = conn.lookupByName('one')
        wait_for('anew', lambda: list(counted(conn, domain)) == ['perf.task_clock'])
    domain.destroy()
    expect('nothing', (counted(conn, domain), domain.perfEvents()['context_switches']), ({}, True))
    domain.create()
    expect('both', sorted(counted(conn, domain)), ['perf.context_switches', 'perf.page_faults'])
    domain.destroy()
    conn.close()


def test_resource_control(host):
    """what needs the processor's resource control is refused where there is none, at a start and later"""
    if os.path.exists('/sys/fs/resctrl/schemata'):
        raise Skip('this host has it')
    conn = host.connect()
    for extra in ("<cputune><cachetune vcpus='0'><cache id='0' level='3' type='both' size='3' unit='MiB'/></cachetune></cputune>",
                  "<cputune><memorytune vcpus='0'><node id='0' bandwidth='60'/></memorytune></cputune>"):
        host.define('tuned', extra=extra)
        expect('refused', refused(conn.lookupByName('tuned').create), (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_FROM_RESCTRL))
        host.virsh('undefine', 'tuned')
    unsupported = (libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, libvirt.VIR_FROM_PERF)
    host.define('watched', extra="<perf><event name='mbmt' enabled='yes'/></perf>")
    expect('refused', refused(conn.lookupByName('watched').create), unsupported)
    host.define('one')
    domain = conn.lookupByName('one')
    domain.create()
    expect('refused', refused(domain.setPerfEvents, {'cmt': True}, LIVE), unsupported)
    domain.destroy()
    conn.close()
