"""libvirt-guests: what becomes of guests when the host ends and starts."""
import os
import subprocess

from harness import Console, Failure, expect, guest_xml, wait_for

LIST = '/var/lib/libvirt/libvirt-guests'
# The original's program, of which ours is to behave like; it calls virsh.
ORIGINAL = '/usr/lib/libvirt/libvirt-guests.sh'


def run(host, command, status=0, **settings):
    """Runs it with these settings; its output."""
    path = '/etc/default/libvirt-guests'
    text = ''.join("%s='%s'\n" % item for item in settings.items())
    # The namespace shares /etc with the host but for libvirt's own directory: ours only, and only for this call.
    program = [ORIGINAL] if host.bindir == '/usr/sbin' else [host.bindir + '/busyvirt', 'libvirt-guests']
    script = 'mount -t tmpfs tmpfs /etc/default && cat >%s && exec "$@"' % path
    done = subprocess.run(['unshare', '-m', 'sh', '-c', script, 'sh', *program, command], env=host.env, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    if done.returncode != status:
        raise Failure('libvirt-guests %s: status %d: %s' % (command, done.returncode, done.stdout))
    return done.stdout


def clean():
    for path in (LIST, '/var/lock/libvirt-guests'):
        if os.path.exists(path):
            os.unlink(path)


def test_status(host):
    """status tells what start and stop have left, as init scripts do"""
    clean()
    run(host, 'status', status=3)
    run(host, 'start')
    run(host, 'status')
    run(host, 'stop')                              # no guests: no list
    expect('list', os.path.exists(LIST), False)
    run(host, 'status', status=3)
    for word in ('reload', 'force-reload', 'condrestart', 'try-restart'):
        run(host, word)
    run(host, 'condrestart')
    run(host, 'status', status=3)
    run(host, 'sideways', status=2)
    if 'gueststatus' not in run(host, '--help'):
        raise Failure('--help says little')


def test_suspend_and_start(host):
    """ON_SHUTDOWN=suspend saves persistent guests, ON_BOOT=start brings those back, and no other"""
    clean()
    for name in ('one', 'two', 'idle'):
        host.define(name)
    host.virsh('start', 'one')
    host.virsh('start', 'two')
    host.virsh('create', host.write('t.xml', guest_xml('brief')))
    expect_guests(host, 'one', 'two', 'brief')
    if 'one' not in run(host, 'gueststatus'):
        raise Failure('gueststatus does not name a guest')
    uuids = {host.virsh('domuuid', name).strip() for name in ('one', 'two')}

    run(host, 'stop', ON_SHUTDOWN='suspend')
    expect_guests(host, 'brief')
    with open(LIST) as f:
        lines = f.read().splitlines()
    expect('connections in the list', [line.split()[0] for line in lines], ['default'])
    expect('guests in the list', set(lines[0].split()[1:]), uuids)
    expect('saved', 'yes' in host.virsh('dominfo', 'one').split('Managed save:')[1], True)
    run(host, 'status', status=3)
    run(host, 'stop', ON_SHUTDOWN='suspend')       # the last stop was not followed by a start
    expect_guests(host, 'brief')

    run(host, 'start', ON_BOOT='start', URIS='other:///system')
    expect('list of a connection that is not ours', os.path.exists(LIST), False)
    with open(LIST, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    run(host, 'start', ON_BOOT='start')
    expect_guests(host, 'one', 'two', 'brief')
    expect('how', host.virsh('domstate', '--reason', 'one').strip(), 'running (restored)')
    expect('the list', os.path.exists(LIST), False)
    run(host, 'status')


def test_ignore_at_boot(host):
    """with ON_BOOT=ignore the list is dropped and nothing starts"""
    clean()
    host.define('one')
    host.virsh('start', 'one')
    run(host, 'stop', ON_SHUTDOWN='suspend')
    run(host, 'start')
    expect_guests(host)
    expect('the list', os.path.exists(LIST), False)


def test_shutdown_in_parallel(host):
    """a guest that listens to its power button is shut down, and a time-out ends the wait for one that does not"""
    clean()
    host.define('deaf')
    host.define('linux', linux=True)
    for name in ('deaf', 'linux'):
        host.virsh('start', name)
    conn = host.connect()
    console = Console(conn, 'linux')
    console.wait_for('guest is up')
    console.close()
    text = run(host, 'stop', status=1, PARALLEL_SHUTDOWN='2', SHUTDOWN_TIMEOUT='10')
    expect_guests(host, 'deaf')
    for name in ('linux', 'deaf'):
        if name not in text:
            raise Failure('%s is not spoken of: %s' % (name, text))
    conn.close()


def test_shutdown_in_turn(host):
    """one after another: a guest that is late is told, and the status is 0; a negative time-out is refused"""
    clean()
    host.define('deaf')
    host.virsh('start', 'deaf')
    run(host, 'stop', status=6, SHUTDOWN_TIMEOUT='-1')
    text = run(host, 'shutdown', SHUTDOWN_TIMEOUT='1', ON_SHUTDOWN='suspend')
    if 'in time' not in text:
        raise Failure('it does not say that the guest is late: ' + text)
    expect_guests(host, 'deaf')


def test_unreachable(host):
    """a connection that is not there is left out, without a failure"""
    clean()
    host.define('one')
    host.virsh('start', 'one')
    run(host, 'stop', URIS='lxc:///nonsense default', ON_SHUTDOWN='suspend')
    expect_guests(host)


def expect_guests(host, *names):
    """These run, and no others."""
    wait_for('%s run' % (names,), lambda: sorted(host.virsh('list', '--name').split()) == sorted(names))
