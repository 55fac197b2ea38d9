"""A guest's life through virsh, as an operator would lead it."""
from harness import Console, Failure, expect, guest_xml, wait_for


def test_define_and_list(host):
    """what is defined is listed, described and gone again after undefine"""
    host.define('one')
    expect('list --all', host.virsh('list', '--all', '--name').split(), ['one'])
    expect('list', host.virsh('list', '--name').split(), [])
    info = dict(line.split(':', 1) for line in host.virsh('dominfo', 'one').splitlines() if ':' in line)
    for key, value in (('Name', 'one'), ('State', 'shut off'), ('CPU(s)', '1'), ('Max memory', '65536 KiB'),
                       ('Persistent', 'yes'), ('Autostart', 'disable'), ('Managed save', 'no')):
        expect('dominfo ' + key, info[key].strip(), value)
    uuid = host.virsh('domuuid', 'one').strip()
    expect('domname', host.virsh('domname', uuid).strip(), 'one')
    host.virsh('undefine', 'one')
    expect('list --all', host.virsh('list', '--all', '--name').split(), [])
    if 'failed to get domain' not in host.virsh('domstate', 'one', fails=True):
        raise Failure('looking up a domain that is gone fails otherwise than expected')


def test_start_and_destroy(host):
    """states and their reasons from start to destroy"""
    host.define('one')
    expect('before', host.virsh('domstate', '--reason', 'one').strip(), 'shut off (unknown)')
    host.virsh('start', 'one')
    expect('started', host.virsh('domstate', '--reason', 'one').strip(), 'running (booted)')
    expect('id', host.virsh('domid', 'one').strip(), '1')
    expect('list', host.virsh('list').split(), ['1', 'one', 'running'])
    if 'already active' not in host.virsh('start', 'one', fails=True):
        raise Failure('starting it twice is refused otherwise than expected')
    host.virsh('destroy', 'one')
    expect('destroyed', host.virsh('domstate', '--reason', 'one').strip(), 'shut off (destroyed)')
    expect('id', host.virsh('domid', 'one').strip(), '-')
    host.virsh('start', 'one')
    expect('id of the second start', host.virsh('domid', 'one').strip(), '2')


def test_suspend_and_resume(host):
    """a suspended guest is paused by its user, and runs on after resume"""
    host.define('one')
    host.virsh('start', 'one', '--paused')
    expect('started paused', host.virsh('domstate', '--reason', 'one').strip(), 'paused (user)')
    host.virsh('resume', 'one')
    expect('resumed', host.virsh('domstate', '--reason', 'one').strip(), 'running (unpaused)')
    host.virsh('suspend', 'one')
    expect('suspended', host.virsh('domstate', '--reason', 'one').strip(), 'paused (user)')
    host.virsh('resume', 'one')
    expect('QEMU agrees', host.virsh('qemu-monitor-command', 'one', '--hmp', 'info status').strip(), 'VM status: running')


def test_transient(host):
    """a guest created from XML is gone when it ends"""
    host.virsh('create', host.write('t.xml', guest_xml('brief')))
    expect('persistent', [l.split()[1] for l in host.virsh('dominfo', 'brief').splitlines() if l.startswith('Persistent')], ['no'])
    host.virsh('destroy', 'brief')
    expect('list --all', host.virsh('list', '--all', '--name').split(), [])


def test_undefine_while_running(host):
    """a running guest that is undefined goes on as a transient one"""
    host.define('one')
    host.virsh('start', 'one')
    host.virsh('undefine', 'one')
    expect('state', host.virsh('domstate', 'one').strip(), 'running')
    host.virsh('destroy', 'one')
    expect('list --all', host.virsh('list', '--all', '--name').split(), [])


def test_boot_type_and_power_off(host):
    """a Linux guest boots, echoes what is typed on its console, and obeys the power button"""
    host.define('linux', linux=True)
    host.virsh('start', 'linux')
    console = Console(host.connect(), 'linux')
    console.wait_for('guest is up')
    console.send('busyvirt\n')
    console.wait_for('echo: busyvirt', 10)
    host.virsh('shutdown', 'linux')
    wait_for('the guest powers off', lambda: host.virsh('domstate', '--reason', 'linux').strip() == 'shut off (shutdown)', 30)


def test_reboot(host):
    """virsh reset boots the guest again in the same QEMU"""
    host.define('linux', linux=True)
    host.virsh('start', 'linux')
    console = Console(host.connect(), 'linux')
    console.wait_for('guest is up')
    console.text = ''
    host.virsh('reset', 'linux')
    console.wait_for('guest is up')
    expect('id', host.virsh('domid', 'linux').strip(), '1')


def test_autostart_and_metadata(host):
    """autostart, title, description and metadata are kept"""
    host.define('one')
    host.virsh('autostart', 'one')
    expect('autostart', host.virsh('list', '--all', '--name', '--autostart').split(), ['one'])
    host.virsh('autostart', 'one', '--disable')
    expect('no autostart', host.virsh('list', '--all', '--name', '--autostart').split(), [])
    host.virsh('desc', 'one', '--title', 'a title')
    expect('title', host.virsh('desc', 'one', '--title').strip(), 'a title')
    host.virsh('metadata', 'one', 'http://example.org/a', '--key', 'a', '--set', '<x y="1"/>')
    expect('metadata', host.virsh('metadata', 'one', 'http://example.org/a').strip(), '<x y="1"/>')
