"""libvirtd under systemd, as libvirt's manual describes its sockets."""
from harness import expect, guest_xml, wait_for
from machine import Failure

SOCKETS = ['libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket']
ADMIN = ('virt-admin', '-c', 'libvirtd:///system', 'server-list')


def expect_in(what, part, text):
    if part not in text:
        raise Failure('%s: %r is not in %r' % (what, part, text[-600:]))


def stop_service(machine):
    machine.systemctl('stop', 'libvirtd.service')
    expect('the service', machine.state('libvirtd.service'), 'inactive')
    expect('its sockets', [machine.state(s) for s in SOCKETS], ['active'] * 3)


def test_units_are_sound(machine):
    """systemd-analyze verify has nothing to say about any unit"""
    files = machine.sh('ls /usr/lib/systemd/system/libvirt* /usr/lib/systemd/system/virt*').split()
    expect('units', len(files), 15 * 3 + 13 + 2 * 2 + 2)
    done = machine.run(['systemd-analyze', 'verify', *files], check=False)
    ours = [line for line in done.stderr.splitlines() if 'libvirt' in line or 'virt' in line.split(':')[0]]
    expect('what it says', ours, [])


def test_directories(machine):
    """sysusers and tmpfiles have made the users and directories"""
    expect('owner', machine.sh('stat -c "%U:%G %a" /var/lib/libvirt/qemu'), 'libvirt-qemu:libvirt-qemu 750')
    expect('mode', machine.sh('stat -c "%U:%G %a" /run/libvirt'), 'root:root 755')
    expect_in('groups', 'kvm', machine.sh('id -nG libvirt-qemu'))


def test_preset(machine):
    """the preset asks for the monolithic daemon and none of the others"""
    machine.sh('cd /usr/lib/systemd/system && systemctl preset libvirt*.s* virt*.s* 2>/dev/null')
    enabled = machine.sh("systemctl list-unit-files --state=enabled --no-legend 'libvirt*' 'virt*' | cut -d' ' -f1").split()
    expect('enabled', enabled, ['libvirt-guests.service', 'libvirtd.service', 'libvirtd-admin.socket', 'libvirtd-ro.socket', 'libvirtd.socket',
                                'virtlockd-admin.socket', 'virtlockd.socket', 'virtlogd-admin.socket', 'virtlogd.socket'])
    machine.systemctl('disable', 'libvirtd.service', 'libvirt-guests.service', *SOCKETS, 'virtlogd.socket', 'virtlockd.socket',
                      'virtlogd-admin.socket', 'virtlockd-admin.socket')
    expect('left', machine.sh("ls /etc/systemd/system/*.wants/ 2>/dev/null | grep virt || true"), '')


def test_enable(machine):
    """enabling the service enables its sockets and those of virtlogd and virtlockd; they listen without it"""
    expect('before', machine.fails('busyvirt', 'switch', 'status').strip(), 'none')
    machine.systemctl('enable', 'libvirtd.service')
    for unit in [*SOCKETS, 'virtlogd.socket', 'virtlockd.socket']:
        expect(unit, machine.systemctl('is-enabled', unit), 'enabled')
    machine.systemctl('start', *SOCKETS)
    expect('the service', machine.state('libvirtd.service'), 'inactive')
    expect('mode in use', machine.sh('busyvirt switch status'), 'monolithic')


def test_started_by_each_socket(machine):
    """a call to any of the three sockets starts the daemon"""
    for what, call in (('read-write', ('virsh', '-c', 'qemu:///system', 'uri')), ('read-only', ('virsh', '-r', '-c', 'qemu:///system', 'uri')),
                       ('administration', ADMIN)):
        machine.run(list(call))
        expect(what, machine.state('libvirtd.service'), 'active')
        stop_service(machine)


def test_log_goes_to_the_journal(machine):
    """what the daemon says is in the journal, with its level"""
    machine.write('/etc/libvirt/libvirtd.conf', 'listen_tcp = 1\nunix_sock_group = "kvm"\nauth_tcp = "none"\nlog_level = 3\n')
    machine.virsh('uri')
    text = machine.sh("journalctl -q -b -u libvirtd -o json --output-fields=MESSAGE,PRIORITY | grep 'service manager'")
    expect_in('level', '"PRIORITY":"4"', text)
    for key in ('listen_tcp', 'unix_sock_group'):
        expect_in('the keys that are not used', key, text)
    expect('how often that is said', len(text.splitlines()), 1)
    expect('group of the socket', machine.sh('stat -c %G /run/libvirt/libvirt-sock'), 'root')


def test_tcp_and_tls_sockets(machine):
    """libvirtd-tcp.socket and libvirtd-tls.socket serve remote clients"""
    machine.sh('''mkdir -p /etc/pki/CA /etc/pki/libvirt/private && cd /etc/pki && (
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out CA/cacert.pem -days 2 -subj /CN=ca &&
        openssl req -newkey rsa:2048 -nodes -keyout libvirt/private/serverkey.pem -out server.csr -subj /CN=localhost &&
        echo subjectAltName=DNS:localhost >ext &&
        openssl x509 -req -in server.csr -CA CA/cacert.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out libvirt/servercert.pem &&
        cp libvirt/servercert.pem libvirt/clientcert.pem && cp libvirt/private/serverkey.pem libvirt/private/clientkey.pem) 2>&1''')
    machine.systemctl('stop', 'libvirtd.service')
    machine.systemctl('start', 'libvirtd-tcp.socket', 'libvirtd-tls.socket')
    expect('over TCP', machine.virsh('uri', uri='qemu+tcp://localhost/system'), 'qemu+tcp://localhost/system')
    expect('over TLS', machine.virsh('uri', uri='qemu+tls://localhost/system'), 'qemu+tls://localhost/system')
    machine.systemctl('stop', 'libvirtd-tcp.socket', 'libvirtd-tls.socket', 'libvirtd.service')


def test_idle_end_and_restart(machine):
    """a drop-in changes LIBVIRTD_ARGS; the daemon ends when idle and comes back on the next call"""
    machine.virsh('uri')
    expect_in('the default', '--timeout 120', machine.sh('tr "\\0" " " </proc/%s/cmdline' % machine.pid('libvirtd')))
    machine.systemctl('stop', 'libvirtd.service')
    machine.drop_in('libvirtd.service', '[Service]\nEnvironment=LIBVIRTD_ARGS="--timeout 1"\n')
    machine.virsh('uri')
    machine.wait_for_state('libvirtd.service', 'inactive')
    expect('result', machine.systemctl('show', '-P', 'Result', 'libvirtd'), 'success')
    machine.virsh('uri')
    expect('again', machine.state('libvirtd.service'), 'active')
    machine.wait_for_state('libvirtd.service', 'inactive')


def test_environment_file(machine):
    """/etc/default/libvirtd says more than the unit"""
    machine.write('/etc/default/libvirtd', 'LIBVIRTD_ARGS="--timeout 77"\n')
    machine.virsh('uri')
    expect_in('arguments', '--timeout 77', machine.sh('tr "\\0" " " </proc/%s/cmdline' % machine.pid('libvirtd')))
    machine.sh('rm /etc/default/libvirtd')
    stop_service(machine)


def test_no_idle_end_beside_a_guest(machine):
    """while a guest runs or a client is connected it does not end for being idle"""
    client = machine.background('exec virsh -c qemu:///system event --all --loop --timeout 4')
    wait_for('the client is there', lambda: machine.state('libvirtd.service') == 'active')
    pid = machine.pid('libvirtd')
    machine.write('/root/one.xml', guest_xml('one'))
    machine.virsh('define', '/root/one.xml')
    client(20)
    expect('after a client for 4 s with a time-out of 1 s', machine.pid('libvirtd'), pid)
    machine.virsh('start', 'one')
    machine.sh('sleep 3')
    expect('after 3 s with a guest', machine.pid('libvirtd'), pid)
    machine.virsh('destroy', 'one')
    machine.wait_for_state('libvirtd.service', 'inactive')
    machine.drop_in('libvirtd.service')


def test_guests_survive_a_restart(machine):
    """a guest goes on while its daemon is stopped and started"""
    machine.virsh('start', 'one')
    machine.systemctl('restart', 'libvirtd.service')
    expect('after a restart', machine.virsh('domstate', 'one'), 'running')
    machine.systemctl('stop', 'libvirtd.service')
    expect('after a stop', machine.virsh('domstate', 'one'), 'running')
    machine.virsh('destroy', 'one')


def test_restart_loses_no_socket(machine):
    """ten restarts in a row: the sockets stay the same ones, and who comes meanwhile is served"""
    paths = '/run/libvirt/libvirt-sock /run/libvirt/libvirt-sock-ro /run/libvirt/libvirt-admin-sock'
    before = machine.sh('stat -c %i ' + paths)
    for _ in range(10):
        machine.systemctl('stop', '--no-block', 'libvirtd.service')
        machine.systemctl('start', '--no-block', 'libvirtd.service')
        machine.run(list(ADMIN))
        machine.virsh('uri')
        machine.run(['virsh', '-r', '-c', 'qemu:///system', 'uri'])
    expect('the same sockets', machine.sh('stat -c %i ' + paths), before)
    expect('sockets', [machine.state(s) for s in SOCKETS], ['active'] * 3)
    stop_service(machine)
    machine.virsh('uri')


def test_killed_daemon_comes_back(machine):
    """a daemon that crashes is started again"""
    machine.virsh('uri')
    pid = machine.pid('libvirtd')
    machine.sh('kill -SEGV ' + pid)
    wait_for('another one', lambda: machine.pid('libvirtd') not in ('0', pid) and machine.state('libvirtd.service') == 'active')
    machine.virsh('uri')


def test_listen_needs_own_sockets(machine):
    """--listen beside activated sockets is refused, and the journal says why"""
    machine.systemctl('stop', 'libvirtd.service')
    machine.drop_in('libvirtd.service', '[Service]\nEnvironment=LIBVIRTD_ARGS=--listen\nRestart=no\n')
    machine.fails('systemctl', 'start', 'libvirtd.service')
    expect_in('the reason', '--listen', machine.journal('libvirtd'))
    machine.systemctl('reset-failed', 'libvirtd.service', *SOCKETS)
    machine.systemctl('start', *SOCKETS)


def test_masked_sockets(machine):
    """with its sockets masked the daemon makes its own, TCP included, as the configuration says"""
    machine.systemctl('stop', *SOCKETS, 'libvirtd.service')
    expect('paths are gone', machine.sh('ls /run/libvirt/*-sock 2>/dev/null | grep libvirt- || true'), '')
    all_sockets = [*SOCKETS, 'libvirtd-tcp.socket', 'libvirtd-tls.socket']
    machine.systemctl('mask', *all_sockets)
    machine.systemctl('start', 'libvirtd.service')
    machine.virsh('uri')
    expect('group by the configuration', machine.sh('stat -c %G /run/libvirt/libvirt-sock'), 'kvm')
    machine.virsh('uri', uri='qemu+tcp://localhost/system')
    machine.systemctl('stop', 'libvirtd.service')
    machine.systemctl('unmask', *all_sockets)
    machine.drop_in('libvirtd.service')
    machine.systemctl('start', *SOCKETS)
    machine.virsh('uri')
    machine.run(list(ADMIN))


def test_executed_anew(machine):
    """SIGUSR1, which is virtlogd's reload, executes a daemon anew: the same process serves the same sockets"""
    virtlogd = ['virt-admin', '-c', 'virtlogd:///system', 'server-list']
    for unit, how, calls in (('libvirtd.service', ('kill', '--kill-whom=main', '-s', 'USR1'), [['virsh', '-c', 'qemu:///system', 'uri'], ADMIN]),
                             ('virtlogd.service', ('reload',), [virtlogd])):
        machine.systemctl('start', unit)
        pid = machine.pid(unit)
        for _ in range(3):
            machine.systemctl(*how, unit)
            for call in calls:
                machine.run(list(call))
        expect('process of ' + unit, machine.pid(unit), pid)
        expect(unit, machine.state(unit), 'active')
    expect('sockets', [machine.state(s) for s in SOCKETS], ['active'] * 3)
