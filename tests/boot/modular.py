"""The modular daemons under systemd, and the way from the one daemon to the many and back."""
from harness import expect, wait_for
from machine import Failure
from monolithic import expect_in

DRIVERS = ['qemu', 'interface', 'network', 'nodedev', 'nwfilter', 'secret', 'storage']
KINDS = ['', '-ro', '-admin']


def sockets(name):
    return ['%s%s.socket' % (name, kind) for kind in KINDS]


# As a client that knows no virtqemud: by way of the proxy.
LEGACY = 'qemu:///system?mode=legacy'


def each_driver(machine, verb, *templates):
    """A line of the manual's loop over the drivers. One command for all, as each makes systemd read all its units again."""
    machine.systemctl(verb, *[template.replace('${drv}', drv) for drv in DRIVERS for template in templates])


def mode(machine):
    """Which mode is in use, as the manual has it found out, and as our own command says."""
    by_hand = 'monolithic' if machine.state('libvirtd.socket') == 'active' else \
        'modular' if 'active' in (machine.state('virtqemud.socket'), machine.state('virtproxyd.socket')) else 'none'
    ours = machine.run(['busyvirt', 'switch', 'status'], check=False).stdout.strip()
    expect('what `switch status` says', ours, by_hand)
    return by_hand


def test_by_hand_to_modular(machine):
    """monolithic to modular, command by command as the manual lists them; a running guest does not notice"""
    machine.virsh('start', 'one')
    expect('before', mode(machine), 'monolithic')
    machine.sh('systemctl stop libvirtd.service; systemctl stop libvirtd{,-ro,-admin,-tcp,-tls}.socket'.replace('{,-ro,-admin,-tcp,-tls}', '*'))
    machine.sh('systemctl disable libvirtd.service 2>&1; systemctl disable libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket '
               'libvirtd-tcp.socket libvirtd-tls.socket 2>&1')
    all_three = ['virt${drv}d.socket', 'virt${drv}d-ro.socket', 'virt${drv}d-admin.socket']
    each_driver(machine, 'unmask', 'virt${drv}d.service', *all_three)
    each_driver(machine, 'enable', 'virt${drv}d.service', *all_three)
    each_driver(machine, 'start', *all_three)
    for verb in ('unmask', 'enable'):
        machine.systemctl(verb, 'virtproxyd.service', *sockets('virtproxyd'))
    machine.systemctl('start', *sockets('virtproxyd'))
    expect('after', mode(machine), 'modular')
    expect('the guest', machine.virsh('domstate', 'one', uri=LEGACY), 'running')
    expect('who serves it', [machine.state(u) for u in ('virtproxyd.service', 'virtqemud.service', 'libvirtd.service')],
           ['active', 'active', 'inactive'])
    machine.virsh('destroy', 'one')


def test_each_daemon_on_demand(machine):
    """every modular daemon starts on a call to any of its sockets"""
    for driver in [*DRIVERS, 'lxc', 'vbox', 'bhyve']:
        name = 'virt%sd' % driver
        machine.systemctl('start', *sockets(name))
        uri = '%s:///system?mode=direct' % driver
        for what, call in (('', ['virsh', '-c', uri, 'uri']), ('-ro', ['virsh', '-r', '-c', uri, 'uri']),
                           ('-admin', ['virt-admin', '-c', name + ':///system', 'server-list'])):
            machine.systemctl('stop', name + '.service')
            machine.run(call, check=False)     # a driver that can do nothing here still has a daemon
            expect('%s after a call to its%s socket' % (name, what), machine.state(name + '.service'), 'active')
        machine.systemctl('stop', name + '.service')
        expect('sockets of ' + name, [machine.state(s) for s in sockets(name)], ['active'] * 3)
    for driver in ('lxc', 'vbox', 'bhyve'):
        machine.systemctl('stop', *sockets('virt%sd' % driver))


def test_xen_needs_xen(machine):
    """virtxend and its sockets wait for a host with Xen"""
    machine.systemctl('start', 'virtxend.socket')
    expect('condition', machine.systemctl('show', '-P', 'ConditionResult', 'virtxend.socket'), 'no')
    expect('state', machine.state('virtxend.socket'), 'inactive')


def test_proxy_restart_loses_no_socket(machine):
    """virtproxyd restarted ten times keeps its sockets, with its TCP socket among them"""
    machine.write('/etc/libvirt/virtproxyd.conf', 'auth_tcp = "none"\n')
    machine.systemctl('stop', 'virtproxyd.service')          # systemd opens no socket for a service that runs
    machine.systemctl('start', 'virtproxyd-tcp.socket')
    for _ in range(10):
        machine.systemctl('restart', 'virtproxyd.service')
    units = [*sockets('virtproxyd'), 'virtproxyd-tcp.socket']
    expect('sockets', [machine.state(s) for s in units], ['active'] * 4)
    expect('local', machine.virsh('uri', uri=LEGACY), LEGACY)
    expect('over TCP', machine.virsh('uri', uri='qemu+tcp://localhost/system'), 'qemu+tcp://localhost/system')
    machine.systemctl('stop', 'virtproxyd.service')
    expect('after a stop', machine.virsh('uri', uri='qemu+tcp://localhost/system'), 'qemu+tcp://localhost/system')
    expect('the service', machine.state('virtproxyd.service'), 'active')
    machine.systemctl('stop', 'virtproxyd-tcp.socket')


def test_not_both(machine):
    """starting libvirtd ends the modular daemons that run, and its sockets end the proxy's"""
    machine.virsh('uri')
    machine.systemctl('start', 'libvirtd.socket')
    expect('the proxy', machine.state('virtproxyd.socket'), 'inactive')
    machine.virsh('uri', uri=LEGACY)
    expect('who runs', [machine.state(u) for u in ('virtqemud.service', 'libvirtd.service')], ['inactive', 'active'])
    machine.virsh('uri', uri='qemu:///system?mode=direct')
    expect('who runs then', [machine.state(u) for u in ('virtqemud.service', 'libvirtd.service')], ['active', 'inactive'])
    machine.systemctl('stop', 'libvirtd.socket')
    machine.systemctl('start', *sockets('virtproxyd'))


def test_by_hand_to_monolithic(machine):
    """modular to monolithic, by hand"""
    names = [*('virt%sd' % d for d in DRIVERS), 'virtproxyd']
    for verb in ('stop', 'disable'):
        machine.systemctl(verb, *[unit for name in names for unit in (*sockets(name), name + '.service')])
    expect('between', mode(machine), 'none')
    machine.systemctl('enable', 'libvirtd.service')
    machine.systemctl('start', *sockets('libvirtd'))
    expect('after', mode(machine), 'monolithic')
    machine.virsh('uri')


def test_switch_dry_run(machine):
    """`switch --dry-run` prints commands and changes nothing"""
    before = machine.units()
    text = machine.sh('busyvirt switch modular --dry-run')
    for part in ('systemctl stop libvirtd.socket', 'systemctl disable libvirtd.socket', 'systemctl enable virtqemud.socket',
                 'systemctl start virtproxyd.socket'):
        expect_in('the commands', part, text)
    expect('units', machine.units(), before)


def test_switch(machine):
    """`switch` goes there and back, with a guest that does not notice and the TCP socket taken along"""
    machine.systemctl('stop', 'libvirtd.service')
    machine.systemctl('enable', '--now', 'libvirtd-tcp.socket')
    machine.virsh('start', 'one')
    for to, front, other in (('modular', 'virtproxyd', 'libvirtd'), ('monolithic', 'libvirtd', 'virtproxyd')):
        machine.sh('busyvirt switch %s 2>&1' % to)
        expect('mode', mode(machine), to)
        expect('the guest', machine.virsh('domstate', 'one'), 'running')
        expect('over TCP', machine.virsh('uri', uri='qemu+tcp://localhost/system'), 'qemu+tcp://localhost/system')
        expect(front, machine.systemctl('is-enabled', front + '-tcp.socket', front + '.socket').split(), ['enabled', 'enabled'])
        disabled = machine.run(['systemctl', 'is-enabled', other + '-tcp.socket', other + '.socket', other + '.service'], check=False)
        expect(other, set(disabled.stdout.split()), {'disabled'})
        again = machine.sh('busyvirt switch %s' % to)
        expect_in('once more', to, again)
    machine.virsh('destroy', 'one')
    machine.systemctl('disable', '--now', 'libvirtd-tcp.socket')


def test_switch_restores(machine):
    """when a step fails, `switch` goes back: the old daemon serves, and nothing of the new one is enabled"""
    machine.drop_in('virtstoraged.socket', '[Socket]\nListenStream=/proc/no/such/place\n')
    machine.virsh('uri')
    text = machine.fails('busyvirt', 'switch', 'modular')
    expect_in('what it says', 'virtstoraged.socket', text)
    expect('mode', mode(machine), 'monolithic')
    enabled = machine.sh("systemctl list-unit-files --state=enabled --no-legend 'virt*d*' | cut -d' ' -f1")
    expect('enabled', [u for u in enabled.split() if not u.startswith(('virtlogd', 'virtlockd'))], [])
    expect('still enabled', machine.systemctl('is-enabled', 'libvirtd.service', 'libvirtd.socket').split(), ['enabled', 'enabled'])
    machine.virsh('uri')
    machine.drop_in('virtstoraged.socket')


def test_idle_modular(machine):
    """modular daemons end when idle, and come back"""
    machine.sh('busyvirt switch modular 2>&1')
    for name in ('virtqemud', 'virtproxyd'):
        machine.drop_in(name + '.service', '[Service]\nEnvironment=%s_ARGS="--timeout 1"\n' % name.upper())
        machine.systemctl('stop', name + '.service')
    machine.virsh('list', uri=LEGACY)
    for name in ('virtqemud', 'virtproxyd'):
        machine.wait_for_state(name + '.service', 'inactive')
    machine.virsh('list', uri=LEGACY)
    wait_for('both again', lambda: machine.state('virtqemud.service') == 'active')
    if machine.systemctl('--failed', '--plain', '--no-legend'):
        raise Failure('units have failed: ' + machine.systemctl('--failed', '--plain', '--no-legend'))
