"""CPU models: what can be asked of them with virsh and the binding, the same as from the original."""
import re
import xml.etree.ElementTree as ET

import libvirt
from harness import Failure, expect

HASWELL = '''<cpu><arch>x86_64</arch><model>Haswell-noTSX</model><vendor>Intel</vendor><feature name='vme'/><feature name='osxsave'/></cpu>'''
SANDY = '''<cpu><arch>x86_64</arch><model>SandyBridge</model><vendor>Intel</vendor><feature name='vme'/></cpu>'''


def features(xml):
    return [(f.get('policy'), f.get('name')) for f in ET.fromstring(xml).findall('feature')]


def error_of(call, *args):
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return error.get_error_code(), error.get_error_domain()
    raise Failure('%s%r did not fail' % (call.__name__, args))


def test_names(host):
    """cpu-models of every kind of architecture: named ones, any, none"""
    expect('x86_64', len(host.virsh('cpu-models', 'x86_64').split()), 58)
    expect('POWER', host.virsh('cpu-models', 'ppc64le').split()[:2], ['POWER6', 'POWER7'])
    connection = host.connect()
    expect('ARM', connection.getCPUModelNames('aarch64'), [])
    expect('ia64', error_of(connection.getCPUModelNames, 'ia64'), (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_FROM_CPU))
    expect('no such', error_of(connection.getCPUModelNames, 'pdp11'), (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_FROM_QEMU))


def test_baseline(host):
    """a baseline is what all CPUs have, without what QEMU does not take; migratable and expanded on request"""
    connection = host.connect()
    xml = connection.baselineCPU([HASWELL, SANDY], 0)
    expect('model', ET.fromstring(xml).findtext('model'), 'SandyBridge')
    expect('features', features(xml), [('require', 'vme')])
    expect('own', features(connection.baselineCPU([HASWELL], 0)), [('require', 'vme')])
    expanded = features(connection.baselineCPU([SANDY], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES))
    expect('sorted', expanded, sorted(expanded, key=lambda f: f[1]))
    expect('number', len(expanded), 39)
    other = SANDY.replace('SandyBridge', 'Opteron_G3').replace('Intel', 'AMD')
    expect('vendors', error_of(connection.baselineCPU, [SANDY, other], 0),
           (libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_FROM_CPU))


def test_hypervisor_baseline(host):
    """an emulator's baseline disables what TCG cannot give to the model"""
    connection = host.connect()
    xml = connection.baselineHypervisorCPU(None, 'x86_64', None, 'qemu', [HASWELL], 0)
    expect('fallback', ET.fromstring(xml).find('model').get('fallback'), 'forbid')
    if ('disable', 'pcid') not in features(xml):
        raise Failure('TCG has no PCID: %s' % xml)
    expect('emulator', error_of(connection.baselineHypervisorCPU, '/no/such', None, None, None, [HASWELL], 0),
           (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_QEMU))


def test_compare(host):
    """the host runs its own CPU and domain capabilities' host-model, and not what it lacks"""
    connection = host.connect()
    cpu = ET.fromstring(connection.getCapabilities()).find('host/cpu')
    own = connection.compareCPU(ET.tostring(cpu, 'unicode'), 0)
    if own not in (libvirt.VIR_CPU_COMPARE_IDENTICAL, libvirt.VIR_CPU_COMPARE_SUPERSET):
        raise Failure('the host cannot run itself: %d' % own)
    fail = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE
    alien = '<cpu><model>486</model><feature name="ia64"/></cpu>'
    expect('alien', connection.compareCPU(alien, 0), libvirt.VIR_CPU_COMPARE_INCOMPATIBLE)
    expect('alien fails', error_of(connection.compareCPU, alien, fail),
           (libvirt.VIR_ERR_CPU_INCOMPATIBLE, libvirt.VIR_FROM_CPU))
    capabilities = ET.fromstring(connection.getDomainCapabilities(None, 'x86_64', None, 'qemu'))
    mode = capabilities.find("cpu/mode[@name='host-model']")
    guest = '<cpu mode="custom" match="exact">%s</cpu>' % ''.join(ET.tostring(child, 'unicode') for child in mode)
    expect('host-model', connection.compareHypervisorCPU(None, 'x86_64', None, 'qemu', guest, fail),
           libvirt.VIR_CPU_COMPARE_IDENTICAL)


def test_native(host):
    """domxml-to-native resolves models: translated, completed with removed features, refused"""
    def cpu_of(cpu):
        xml = ('<domain type="qemu"><name>t</name><memory>65536</memory><os><type arch="x86_64" machine="q35">hvm</type></os>'
               '%s</domain>' % cpu)
        return re.search(r'-cpu (\S+)', connection.domainXMLToNative('qemu-argv', xml, 0)).group(1)
    connection = host.connect()
    expect('removed', cpu_of('<cpu><model>EPYC</model></cpu>'), 'EPYC,monitor=off')
    expect('translated', cpu_of('<cpu><model>cpu64-rhel6</model></cpu>'), 'kvm64,lahf-lm=on')
    expect('maximum', cpu_of('<cpu mode="maximum"><feature name="vmx" policy="disable"/></cpu>'), 'max,vmx=off')
    expect('forbidden', error_of(cpu_of, '<cpu><model fallback="forbid">cpu64-rhel6</model></cpu>'),
           (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_FROM_CPU))
    expect('unknown', error_of(cpu_of, '<cpu><model>qemu64</model><feature name="warp"/></cpu>'),
           (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_FROM_CPU))
