"""Audit records: what guests are given, and their life, in the words that others search for."""
import os
import re

from harness import admin, config, expect, wait_for

DEVICES = '''<disk type='file' device='disk'><source file='%s'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>'''
UUID = 'd79d3d5e-3fe1-4d71-a0a5-5b8ba5a1a1b%d'


def records(path):
    """Those in the log, without the time, process ids and what the original says of control groups."""
    with open(path) as f:
        lines = [line.rstrip('\n') for line in f if ' virt=' in line and 'resrc=cgroup' not in line]
    lines = [re.sub(r'.* (info|warning) : .*?(success=)', r'\1 \2', line) for line in lines]
    lines = [re.sub(r'vm-pid=[1-9]\d*', 'vm-pid=PID', line) for line in lines]
    return [re.sub(r'/dev/pts/\d+', '/dev/pts/N', line) for line in lines]


def start(host, text):
    host.main.stop()
    host.start(args=['-f', config(host, 'audit', text)])
    log = host.directory('audit') + '/log'
    admin(host, 'daemon-log-filters', '2:audit')
    admin(host, 'daemon-log-outputs', '2:file:' + log)
    return log


def test_records(host):
    """audit_logging tells of every start with what the guest is given, of starts that fail, and of every end with its reason"""
    log = start(host, 'audit_logging = 1\n')
    disk = host.logs + '/disk.img'
    with open(disk, 'w') as f:
        f.truncate(1 << 20)
    os.chmod(host.logs, 0o777)
    host.define('one', kvm=False, devices=DEVICES % disk, extra='<uuid>%s</uuid><iothreads>2</iothreads>' % (UUID % 1))
    host.define('two "', kvm=False, extra='<uuid>%s</uuid>' % (UUID % 2),
                devices="<disk type='file' device='disk'><source file='/nonexistent'/><target dev='vda' bus='virtio'/></disk>")
    host.virsh('start', 'one')
    host.virsh('save', 'one', host.logs + '/one.save')
    host.virsh('restore', host.logs + '/one.save')
    host.virsh('destroy', 'one')
    host.virsh('start', 'two "', fails=True)
    host.virsh('start', 'one')
    host.virsh('qemu-monitor-command', 'one', '--hmp', 'quit')
    wait_for('its end', lambda: host.virsh('domstate', 'one').strip() == 'shut off')

    def about(number, domain, name):
        one = '%s uuid=%s' % (name, UUID % number)
        given = ['resrc=%s reason=start %s old-%s=%s' % (kind, one, kind, rest) for kind, rest in domain]
        return ['info success=yes virt=qemu %s' % line for line in
                ['%s vm-ctx=+64055:+64055 img-ctx=+64055:+64055 model=dac' % one, *given]], one
    agent = '"?" new-chardev="/var/lib/libvirt/qemu/channel/target/domain-%d-one/org.qemu.guest_agent.0"'
    wanted = []
    for ident, reason, end in ((1, 'booted', 'saved'), (2, 'restored', 'destroyed'), (None, None, None), (4, 'booted', 'shutdown')):
        if ident is None:
            lines, two = about(2, [('disk', '"?" new-disk="/nonexistent"'), ('mem', '0 new-mem=65536'), ('vcpu', '0 new-vcpu=1')],
                               'vm=74776F2022')
            wanted += [*lines, 'warning success=no virt=qemu op=start reason=booted %s vm-pid=0' % two]
            continue
        lines, one = about(1, [('disk', '"?" new-disk="%s"' % disk), ('net', '"?" new-net="52:54:00:11:22:33"'),
                               ('chardev', '"?" new-chardev="/dev/pts/N"'), ('chardev', agent % ident),
                               ('rng', '"?" new-rng="/dev/urandom"'), ('mem', '0 new-mem=65536'), ('vcpu', '0 new-vcpu=1'),
                               ('iothread', '0 new-iothread=2')], 'vm="one"')
        wanted += [*lines, 'info success=yes virt=qemu op=start reason=%s %s vm-pid=PID' % (reason, one),
                   'info success=yes virt=qemu op=stop reason=%s %s vm-pid=0' % (end, one)]
    wait_for('the last record', lambda: len(records(log)) >= len(wanted))
    for got, want in zip(records(log), wanted):
        expect('a record', got, want)


def test_no_records(host):
    """without it the log says nothing of them"""
    log = start(host, '')
    host.define('one', kvm=False)
    host.virsh('start', 'one')
    host.virsh('destroy', 'one')
    expect('records', records(log), [])
