"""What virsh asks about the host and its hypervisor."""
import glob
import os
import re
import socket
import xml.etree.ElementTree as ET

from harness import Failure, expect


def test_versions(host):
    """version and uri as the original says them"""
    text = host.virsh('version', '--daemon')
    for line in ('Using library: libvirt 9.0.0', 'Using API: QEMU 9.0.0', 'Running against daemon: 9.0.0'):
        if line not in text:
            raise Failure('%r is not in %r' % (line, text))
    if not re.search(r'Running hypervisor: QEMU \d+\.\d+\.\d+', text):
        raise Failure('no version of QEMU in %r' % text)


def test_node_info(host):
    """nodeinfo, hostname, free memory and statistics agree with the kernel"""
    info = dict(line.split(':', 1) for line in host.virsh('nodeinfo').splitlines() if ':' in line)
    expect('CPU model', info['CPU model'].strip(), os.uname().machine)
    expect('CPUs', int(info['CPU(s)']), os.sysconf('SC_NPROCESSORS_ONLN'))
    # The sum of the NUMA nodes, which some virtual machines report otherwise than /proc/meminfo.
    nodes = glob.glob('/sys/devices/system/node/node*/meminfo')
    total = sum(int(re.search(r'MemTotal: *(\d+)', open(node).read()).group(1)) for node in nodes or ['/proc/meminfo'])
    expect('memory', int(info['Memory size'].split()[0]), total)
    expect('hostname', host.virsh('hostname').strip(), socket.gethostname())
    if not re.match(r'Total: \d+ KiB', host.virsh('freecell').strip()):
        raise Failure('freecell: %r' % host.virsh('freecell'))
    for key in ('user:', 'system:', 'idle:', 'iowait:'):
        if key not in host.virsh('nodecpustats'):
            raise Failure('nodecpustats lacks %s' % key)
    expect('nodememstats', re.findall(r'^(\w+) *:', host.virsh('nodememstats'), re.M), ['total', 'free', 'buffers', 'cached'])


def test_capabilities(host):
    """capabilities name this host, its CPU and what its QEMU can run; the second answer is the first"""
    text = host.virsh('capabilities')
    root = ET.fromstring(text)
    expect('root', root.tag, 'capabilities')
    expect('arch', root.findtext('host/cpu/arch'), 'x86_64')
    if not root.findtext('host/uuid') or not root.findtext('host/cpu/model'):
        raise Failure('no host UUID or CPU model')
    guests = {g.find('arch').get('name'): g for g in root.findall('guest')}
    machines = [m.text for m in guests['x86_64'].findall('arch/machine')]
    if not {'pc', 'q35'} <= set(machines):
        raise Failure('machines: %s' % machines)
    expect('emulator', guests['x86_64'].findtext('arch/emulator'), '/usr/bin/qemu-system-x86_64')
    expect('asked again', host.virsh('capabilities'), text)


def test_domain_capabilities(host):
    """domcapabilities for a machine: its CPU modes, models and devices"""
    root = ET.fromstring(host.virsh('domcapabilities', '--machine', 'q35', '--virttype', 'qemu'))
    expect('root', root.tag, 'domainCapabilities')
    if not root.findtext('machine').startswith('pc-q35-'):
        raise Failure('the alias is not resolved: %s' % root.findtext('machine'))
    buses = [v.text for v in root.findall("devices/disk/enum[@name='bus']/value")]
    expect('buses', set(buses) >= {'virtio', 'sata', 'scsi', 'usb'}, True)
    expect('CPU modes', [m.get('name') for m in root.findall('cpu/mode')], ['host-passthrough', 'maximum', 'host-model', 'custom'])


def test_cpu_models(host):
    """the CPU models of an architecture"""
    models = host.virsh('cpu-models', 'x86_64').split()
    for model in ('qemu64', 'Haswell-noTSX-IBRS', 'EPYC-Rome', 'Skylake-Client'):
        if model not in models:
            raise Failure('%s is not among the %d models' % (model, len(models)))


def test_sysinfo(host):
    """sysinfo is a document or the refusal of a host without SMBIOS"""
    try:
        text = host.virsh('sysinfo')
    except Failure as failure:
        if 'Host SMBIOS information is not available' not in str(failure) and 'not supported' not in str(failure):
            raise
        return
    expect('root', ET.fromstring(text).tag, 'sysinfo')
