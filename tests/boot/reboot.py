"""libvirt-guests at the host's end and start. The machine is in modular mode here, its daemons end when idle."""
from harness import expect, guest_xml, wait_for
from monolithic import expect_in

LIST = '/var/lib/libvirt/libvirt-guests'


def test_suspend_over_a_reboot(machine):
    """a guest is suspended when the host ends and runs on when it has started again"""
    machine.write('/etc/default/libvirt-guests', 'ON_SHUTDOWN=suspend\nON_BOOT=start\n')
    machine.sh('busyvirt switch modular 2>&1')
    machine.systemctl('enable', '--now', 'libvirt-guests.service')
    expect('status', machine.sh('libvirt-guests status'), 'started')
    machine.write('/root/kept.xml', guest_xml('kept'))
    machine.virsh('define', '/root/kept.xml')
    machine.virsh('start', 'kept')
    uuid = machine.virsh('domuuid', 'kept')
    machine.reboot()
    machine.wait_for_state('libvirt-guests.service', 'active', 60)
    expect('the guest', machine.virsh('domstate', '--reason', 'kept'), 'running (restored)')
    expect('its UUID', machine.virsh('domuuid', 'kept'), uuid)
    expect('the list is used up', machine.sh('ls %s 2>/dev/null || true' % LIST), '')
    expect_in('said', 'kept is started', machine.journal('libvirt-guests'))


def test_enabled_units_after_a_reboot(machine):
    """what was enabled listens again, and nothing has failed"""
    for unit in ('virtqemud.socket', 'virtproxyd.socket', 'virtproxyd-ro.socket', 'virtlogd.socket', 'virtnetworkd-admin.socket'):
        expect(unit, machine.state(unit), 'active')
    expect('libvirtd', machine.state('libvirtd.socket'), 'inactive')
    expect('failed', machine.systemctl('--failed', '--plain', '--no-legend'), '')


def test_power_off(machine):
    """a host that ends notes its guests, and takes no longer than it must"""
    machine.systemctl('stop', 'virtproxyd.service')              # as if idle: it may not be started when the host ends
    seconds = machine.power_off()
    with open(machine.root + LIST) as f:
        expect('the list', len(f.read().split()), 2)
    wait_for('under 30 s', lambda: seconds < 30, 0)
