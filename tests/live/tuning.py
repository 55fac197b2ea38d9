"""What a guest's definition asks of its host at the start: where its threads run, and how much they may take."""
import os
import re
import stat

from events import qemu_pid
from harness import GUEST_DIR, Skip, expect, guest_xml, wait_for

TWO_CPUS = len(os.sched_getaffinity(0)) > 1


def start(host, extra='', memory='', kvm=False, vcpu='<vcpu>2</vcpu>', fails=False):
    """Starts guest `one` with these elements; its process, or virsh's error."""
    xml = guest_xml('one', kvm=kvm, extra=extra).replace('<vcpu>1</vcpu>', memory + vcpu)
    host.virsh('define', host.write('one.xml', xml))
    told = host.virsh('start', 'one', fails=fails)
    return told if fails else qemu_pid('one')


def threads(pid):
    """{name: (CPUs, policy)} of QEMU's threads; the main one is called 'main'."""
    found = {}
    for tid in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/status' % (pid, tid)) as f:
            fields = dict(line.rstrip('\n').split(':', 1) for line in f)
        name = 'main' if int(tid) == pid else re.sub('/(TCG|KVM)$', '', fields['Name'].strip())
        found[name] = fields['Cpus_allowed_list'].strip(), os.sched_getscheduler(int(tid))
    return found


def group(controller, sub=''):
    """The directory of the guest's control group."""
    for top in ('/sys/fs/cgroup/' + controller, '/sys/fs/cgroup/cpu,cpuacct'):
        path = '%s/machine/qemu-1-one.libvirt-qemu/%s' % (top, sub)
        if os.path.isdir(path):
            return path
    raise Skip('no %s hierarchy in which groups can be made' % controller)


def read(controller, file, sub=''):
    path = os.path.join(group(controller, sub), file)
    if not os.path.exists(path):
        raise Skip('the kernel has no %s' % file)
    with open(path) as f:
        return f.read().strip()


def test_pinning(host):
    """vCPUs, iothreads and the emulator run where <cputune> says; what has no place of its own runs anywhere"""
    if not TWO_CPUS:
        raise Skip('one processor')
    pid = start(host, "<iothreads>2</iothreads><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='1'/>"
                "<iothreadpin iothread='1' cpuset='0'/></cputune>")
    found = threads(pid)
    everywhere = ','.join(sorted({found['CPU 1'][0]}))
    expect('main', found['main'][0], '1')
    expect('CPU 0', found['CPU 0'][0], '1')
    expect('IO iothread1', found['IO iothread1'][0], '0')
    expect('unpinned ones', found['IO iothread2'][0] == everywhere != '1', True)


def test_cpuset(host):
    """<vcpu cpuset=> holds for all threads"""
    pid = start(host, '<iothreads>1</iothreads>', vcpu="<vcpu placement='static' cpuset='0'>2</vcpu>")
    expect('all', {cpus for name, (cpus, _) in threads(pid).items() if name in ('main', 'CPU 0', 'CPU 1', 'IO iothread1')}, {'0'})


def test_scheduler(host):
    """vcpusched, iothreadsched and emulatorsched set the policy of the threads they name"""
    pid = start(host, "<iothreads>1</iothreads><cputune><vcpusched vcpus='1' scheduler='batch'/>"
                "<iothreadsched iothreads='1' scheduler='idle'/></cputune>")
    found = threads(pid)
    expect('CPU 0', found['CPU 0'][1], os.SCHED_OTHER)
    expect('CPU 1', found['CPU 1'][1], os.SCHED_BATCH)
    expect('IO iothread1', found['IO iothread1'][1], os.SCHED_IDLE)
    expect('main', found['main'][1], os.SCHED_OTHER)


def test_bandwidth(host):
    """shares, periods and quotas are in the groups of what they are for"""
    start(host, '<iothreads>1</iothreads><cputune><shares>2048</shares><period>50000</period><quota>40000</quota>'
          '<global_period>90000</global_period><global_quota>88000</global_quota><emulator_period>60000</emulator_period>'
          '<emulator_quota>30000</emulator_quota><iothread_period>70000</iothread_period><iothread_quota>35000</iothread_quota>'
          '</cputune>')
    expect('shares', read('cpu', 'cpu.shares'), '2048')
    for sub, wanted in (('', ('90000', '88000')), ('vcpu0', ('50000', '40000')), ('vcpu1', ('50000', '40000')),
                        ('emulator', ('60000', '30000')), ('iothread1', ('70000', '35000'))):
        expect(sub or 'all', (read('cpu', 'cpu.cfs_period_us', sub), read('cpu', 'cpu.cfs_quota_us', sub)), wanted)


def test_memory_and_block_weight(host):
    """<memtune> and <blkiotune> are in the guest's group"""
    start(host, '<blkiotune><weight>500</weight></blkiotune>', "<memtune><soft_limit unit='MiB'>600</soft_limit></memtune>")
    expect('soft limit', read('memory', 'memory.soft_limit_in_bytes'), str(600 << 20))
    weight = 'blkio.bfq.weight' if os.path.exists(group('blkio') + '/blkio.bfq.weight') else 'blkio.weight'
    expect('weight', read('blkio', weight), '500')


def test_numa(host):
    """a strict node set is the guest's group's, a preferred one its process's"""
    start(host, "<numatune><memory mode='strict' nodeset='0'/></numatune>")
    expect('mems', read('cpuset', 'cpuset.mems', 'vcpu0'), '0')
    expect('migrates', read('cpuset', 'cpuset.memory_migrate', 'vcpu0'), '1')
    host.virsh('destroy', 'one')
    host.virsh('undefine', 'one')
    pid = start(host, "<numatune><memory mode='preferred' nodeset='0'/></numatune>")
    with open('/proc/%d/numa_maps' % pid) as f:
        policies = {line.split()[1] for line in f}
    expect('no mapping is without', 'default' in policies, False)


def test_process_limits(host):
    """max_files, max_processes and max_core of qemu.conf are the process's"""
    host.configure(qemu='max_processes = 1000\nmax_files = 2000\nmax_core = 12345678')
    host.start()
    pid = start(host)
    with open('/proc/%d/limits' % pid) as f:
        limits = {line[:26].strip(): line[26:].split()[:2] for line in f}
    expect('core', limits['Max core file size'], ['12345678'] * 2)
    expect('processes', limits['Max processes'], ['1000'] * 2)
    expect('files', limits['Max open files'], ['2001'] * 2)


def test_refused(host):
    """what the kernel refuses ends the start, and nothing of the guest stays"""
    told = start(host, "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>", fails=True) \
        if not can_be_realtime() else None
    if told is None:
        raise Skip('real-time scheduling is allowed here')
    expect('error', bool(re.search(r'Cannot set scheduler parameters for pid \d+: Operation not permitted', told)), True)
    expect('state', host.virsh('domstate', 'one'), 'shut off')
    expect('groups', [d for d in os.listdir('/sys/fs/cgroup') if os.path.isdir('/sys/fs/cgroup/%s/machine/qemu-1-one.libvirt-qemu' % d)], [])


def can_be_realtime():
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


VCPUS = ("<vcpu placement='static' current='2'>3</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/>"
         "<vcpu id='1' enabled='no' hotpluggable='yes'/><vcpu id='2' enabled='yes' hotpluggable='yes'/></vcpus>")


def test_enabled_vcpus(host):
    """of <vcpus> those that are enabled run, and say in which order they came"""
    pid = start(host, vcpu=VCPUS)
    expect('threads', sorted(name for name in threads(pid) if name.startswith('CPU')), ['CPU 0', 'CPU 2'])
    shown = re.findall(r"<vcpu id='(\d)' enabled='(\w+)' hotpluggable='\w+'(?: order='(\d)')?/>", host.virsh('dumpxml', 'one'))
    expect('<vcpus>', shown, [('0', 'yes', '1'), ('1', 'no', ''), ('2', 'yes', '2')])


def test_plugged_vcpus(host):
    """vCPUs come while the guest runs, at their place, also for the next daemon"""
    if not TWO_CPUS:
        raise Skip('one processor')
    pid = start(host, "<cputune><vcpupin vcpu='1' cpuset='1'/></cputune>", vcpu="<vcpu placement='static' current='1'>3</vcpu>")
    host.virsh('setvcpus', 'one', '2')
    expect('CPU 1', threads(pid)['CPU 1'][0], '1')
    host.restart_after_kill()
    host.virsh('setvcpus', 'one', '3')
    expect('threads', sorted(name for name in threads(pid) if name.startswith('CPU')), ['CPU 0', 'CPU 1', 'CPU 2'])
    expect('count', host.virsh('vcpucount', 'one', '--current', '--live'), '3')
    expect('too many', 'requested vcpus is greater than max allowable vcpus' in host.virsh('setvcpus', 'one', '4', fails=True), True)


def rules():
    path = group('devices') + '/devices.list'
    with open(path) as f:
        return f.read().splitlines()


def test_devices(host):
    """a guest may open the devices that it names and a few that all need, also those that come later"""
    node = GUEST_DIR + '/node'
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(10, 229))
        os.chmod(node, 0o666)
        open(node, 'r+b', buffering=0).close()
    except OSError as error:
        raise Skip('no device to try: %s' % error)
    host.define('one', kvm=False, devices="<controller type='usb' model='qemu-xhci'/>")
    host.virsh('start', 'one')
    before = rules()
    expect('not all', [rule for rule in before if rule.startswith('a')], [])
    expect('null, urandom, terminals', [rule in before for rule in ('c 1:3 rw', 'c 1:9 rw', 'c 136:* rw')], [True] * 3)
    xml = host.write('serial.xml', "<serial type='dev'><source path='%s'/><target type='usb-serial' port='1'/></serial>" % node)
    host.virsh('attach-device', 'one', xml, '--live')
    expect('with it', sorted(set(rules()) - set(before)), ['c 10:229 rw'])
    host.virsh('detach-device', 'one', xml, '--live')
    wait_for('it is gone', lambda: rules() == before)
