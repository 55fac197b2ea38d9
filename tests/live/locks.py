"""virtlockd: leases on files and disks for guests, and what becomes of them and of the guests when somebody goes."""
import fcntl
import os
import resource
import shutil
import signal
import struct
import subprocess
import threading
import time

import wire
from hanging import HangingFiles
from harness import Failure, Skip, expect, wait_for

SOCKET = wire.SOCKETS[wire.LOCK]
FILES = '/var/lib/libvirt/lockd/files'
BUSY, INTERNAL, INVALID, DENIED, SYSTEM = 87, 1, 55, 29, 38
SHARED, AUTO = wire.Lock.SHARED, wire.Lock.AUTOCREATE


def is_real(host):
    return host.bindir == '/usr/sbin'


def said(daemon):
    with open(daemon.log) as f:
        return f.read()


def mapped(daemon):
    """Where its executable is in memory: somewhere else after each exec."""
    with open('/proc/%d/maps' % daemon.process.pid) as f:
        return f.readline().split('-')[0]


def start(host):
    return host.start('virtlockd', socket=SOCKET)


def disk(name):
    path = '/run/' + name
    with open(path, 'w'):
        pass
    return path


def free(path):
    """Whether another host could take the lease."""
    with open(path, 'r+') as f:
        try:
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            return True
        except OSError:
            return False


def guest(function, stubborn=False):
    """How a process ends that does this and then would run for ever; None when it still runs a second later."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        if stubborn:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            function()
            os.write(writer, b'x')
            time.sleep(60)
        finally:
            os._exit(1)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    end = time.monotonic() + (10 if stubborn else 1)
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def test_answers(host):
    """Calls succeed and fail as the original's do, with its codes, domains and texts."""
    shutil.rmtree(os.path.dirname(FILES), ignore_errors=True)    # what other tests left
    start(host)
    lock = wire.Lock()
    unknown = (INVALID, 7, 'Requested operation is not valid: lock owner details have not been registered')
    for name, args in (('restrict', ()), ('new', (FILES,)), ('create', ('', '/d')), ('delete', ('', '/d')), ('acquire', ('', '/d')),
                       ('release', ('', '/d'))):
        expect(name + ' unregistered', wire.outcome(getattr(lock, name), *args), unknown)
    expect('lockspace unregistered', lock.create_lockspace(FILES), None)
    expect('its modes', [os.stat(p).st_mode & 0o777 for p in (FILES, os.path.dirname(FILES))], [0o700, 0o700])
    lock.register(pid=4242)
    locked = "resource busy: Lockspace resource '%s' is locked"
    flags = 'unsupported flags (0x%x) in function virLockSpaceProtocolDispatch%s'
    rows = [
        (lock.new, ('',), (INVALID, 7, 'Requested operation is not valid: the default lockspace already exists')),
        (lock.new, (FILES,), (INTERNAL, 7, 'internal error: Lockspace for path %s already exists' % FILES)),
        (lock.new, (FILES, 1), (8, 7, flags % (1, 'New'))),
        (lock.create_lockspace, (FILES,), None),
        (lock.create_lockspace, (disk('file'),), (INTERNAL, 51, 'internal error: Lockspace location /run/file exists, but is not a directory')),
        (lock.acquire, ('/none', 'x'), (INTERNAL, 7, 'internal error: Lockspace for path /none does not exist')),
        (lock.acquire, (FILES, 'x'), (SYSTEM, 51, 'Unable to open resource %s/x: No such file or directory' % FILES)),
        (lock.acquire, (FILES, 'a/b', AUTO), (SYSTEM, 51, 'Unable to open/create resource %s/a/b: No such file or directory' % FILES)),
        (lock.acquire, (FILES, 'x', 4), (8, 7, flags % (4, 'AcquireResource'))),
        (lock.create, (FILES, 'x'), None), (lock.create, (FILES, 'x'), None),
        (lock.acquire, (FILES, 'x'), None),
        (lock.acquire, (FILES, 'x'), (BUSY, 51, locked % 'x')), (lock.acquire, (FILES, 'x', SHARED), (BUSY, 51, locked % 'x')),
        (lock.create, (FILES, 'x'), (BUSY, 51, locked % 'x')), (lock.delete, (FILES, 'x'), (BUSY, 51, locked % 'x')),
        (lock.release, (FILES, 'x', 1), (8, 7, flags % (1, 'ReleaseResource'))),
        (wire.Lock().register(pid=7).release, (FILES, 'x'), (INTERNAL, 51, 'internal error: owner 7 does not hold the resource lock')),
        (lock.release, (FILES, 'x'), None),
        (lock.release, (FILES, 'x'), (BUSY, 51, "resource busy: Lockspace resource 'x' is not locked")),
        (lock.delete, (FILES, 'x'), None), (lock.delete, (FILES, 'x'), None),
        (lock.register, (4242, 'vm', 1, wire.UUID, 1), (8, 7, flags % (1, 'Register'))),
        (lock.restrict, (1,), (8, 7, flags % (1, 'Restrict'))),
        (lock.restrict, (), None),
    ]
    for function, args, wanted in rows:
        expect('%s%r' % (function.__name__, args), wire.outcome(function, *args), wanted)
    for name, args in (('restrict', ()), ('register', ()), ('new', (FILES,)), ('acquire', ('', '/d')), ('create_lockspace', (FILES,))):
        expect(name + ' restricted', wire.outcome(getattr(lock, name), *args),
               (DENIED, 7, 'operation forbidden: lock manager connection has been restricted'))


def test_kinds_of_leases(host):
    """Direct and indirect, shared and exclusive, auto-created: against ourselves and against another host."""
    start(host)
    a, b, image = wire.Lock().register(pid=1001), wire.Lock().register(pid=1002), disk('image')
    a.acquire('', image)
    expect('exclusive', (free(image), wire.outcome(b.acquire, '', image, SHARED)[0]), (False, BUSY))
    a.release('', image)
    expect('released', (free(image), os.path.exists(image)), (True, True))
    a.acquire('', image, SHARED)
    b.acquire('', image, SHARED)
    a.release('', image)
    expect('shared, one left', (free(image), wire.outcome(a.acquire, '', image)[0]), (False, BUSY))
    b.release('', image)
    expect('shared, none left', free(image), True)
    with open(image, 'r+') as other:
        fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        expect('held elsewhere', wire.outcome(a.acquire, '', image)[:2], (BUSY, 51))
        fcntl.lockf(other, fcntl.LOCK_SH | fcntl.LOCK_NB, 1)
        expect('shared with elsewhere', (wire.outcome(a.acquire, '', image, SHARED), a.release('', image)), (None, None))
    a.create_lockspace(FILES)
    a.acquire(FILES, 'hash', AUTO)
    expect('auto-created', os.listdir(FILES), ['hash'])
    a.release(FILES, 'hash')
    expect('removed', os.listdir(FILES), [])
    a.acquire(FILES, 'hash', AUTO | SHARED)
    b.acquire(FILES, 'hash', AUTO | SHARED)
    a.release(FILES, 'hash')
    expect('kept for the other', os.listdir(FILES), ['hash'])
    b.release(FILES, 'hash')
    expect('removed by the last', os.listdir(FILES), [])


def test_guest_without_its_connection(host):
    """A guest's process whose own connection ends while it has leases is ended: SIGTERM, then SIGKILL. Others are not."""
    start(host)
    one, two = disk('one'), disk('two')

    def holds(flags=0, restrict=False):
        lock = wire.Lock().register()
        lock.acquire('', one, flags)
        if restrict:
            lock.restrict()
        lock.close()
    expect('with a lease', (guest(holds), free(one)), (signal.SIGTERM, True))
    expect('that ignores SIGTERM', (guest(holds, stubborn=True), free(one)), (signal.SIGKILL, True))
    expect('with a shared one', (guest(lambda: holds(SHARED)), free(one)), (signal.SIGTERM, True))
    expect('restricted', (guest(lambda: holds(restrict=True)), free(one)), (signal.SIGTERM, True))

    def released():
        lock = wire.Lock().register()
        lock.acquire('', one)
        lock.release('', one)
        lock.close()
    expect('with none left', guest(released), None)

    kept = []

    def two_connections():
        kept.append(wire.Lock().register())
        kept[0].acquire('', two)
        wire.Lock().register().close()
    expect('with two connections', (guest(two_connections), free(two)), (signal.SIGTERM, True))

    manager = wire.Lock().register(pid=os.getppid())
    manager.acquire('', one)
    manager.close()
    time.sleep(0.3)
    expect("a manager's connection leaves leases", free(one), False)


def test_guest_that_ends(host):
    """A guest's process that ends frees its leases, and the disk may be used at once."""
    start(host)
    image = disk('image')

    def ends():
        lock = wire.Lock().register()
        lock.acquire('', image)
        os._exit(0)                                              # with the connection open
    expect('ends by itself', guest(ends), 0)
    wait_for('the lease is free', lambda: free(image))
    with wire.Lock() as lock:
        lock.register(pid=1001)
        wait_for('and may be had', lambda: wire.outcome(lock.acquire, '', image) is None)


def test_ten_thousand(host):
    """10,000 leases of 200 owners at a time."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files[1] < 10500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    elif is_real(host):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))  # the original leaves that to its unit
    start(host)
    owners = [wire.Lock().register(pid=100000 + i, ident=i + 1) for i in range(200)]
    owners[0].create_lockspace(FILES)
    for i, owner in enumerate(owners):
        for k in range(50):
            owner.acquire(FILES, 'lease-%d-%d' % (i, k), AUTO)
    expect('files', len(os.listdir(FILES)), 10000)
    other = wire.Lock().register(pid=99999)
    for i in range(0, 200, 20):
        expect('busy', wire.outcome(other.acquire, FILES, 'lease-%d-49' % i, AUTO)[0], BUSY)
    for i, owner in enumerate(owners):
        for k in range(50):
            owner.release(FILES, 'lease-%d-%d' % (i, k))
    expect('all free', os.listdir(FILES), [])


def test_killed(host):
    """SIGKILL of virtlockd: leases are gone, guests are not ended, and the next one knows nothing of before."""
    daemon = start(host)
    image, connections = disk('image'), []

    def holds():
        connections.append(wire.Lock().register())
        connections[0].acquire('', image)
        os.kill(daemon.process.pid, signal.SIGKILL)
        expect('the connection', wire.outcome(connections[0].release, '', image), 'closed')
    expect('the guest runs on', guest(holds), None)
    daemon.stop(signal.SIGKILL)
    expect('anybody may have the disk', free(image), True)
    start(host)
    with wire.Lock() as lock:
        lock.register(pid=1001)
        expect('so may the next guest', wire.outcome(lock.acquire, '', image), None)
        expect('and it is locked again', free(image), False)


def test_bad_clients(host):
    """Who breaks the protocol is answered or closed, alone; leases stay."""
    start(host)
    image = disk('image')
    good = wire.Lock().register(pid=1001)
    good.acquire('', image)
    for data in (b'\xff' * 64, b'\0' * 64, b'\0\0\0\1', b'\x7f\xff\xff\xff' + b'a' * 100, b'GET / HTTP/1.0\r\n\r\n'):
        with wire.Lock(seconds=5) as bad:
            bad.socket.sendall(data)
            bad.socket.shutdown(1)
            wire.outcome(bad.receive)
    with wire.Lock() as odd:
        odd.register(pid=1002)
        for procedure, payload in ((1, b'abc'), (6, b''), (6, b'\xff' * 40), (3, wire.text('x' * 70000) + b'\0' * 4), (99, b''), (0, b'')):
            expect('procedure %d' % procedure, wire.outcome(odd.call, procedure, payload)[:2], (39, 7))
    expect('the lease', (free(image), good.release('', image)), (False, None))


def memory_first(path):
    """Leases in memory at this path, whose device's number the next file system there gets: that one is not so near."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', path], check=True)
    with wire.Lock() as lock:
        lock.register(pid=1001).create_lockspace(path)
        for _ in range(2):
            lock.acquire(path, 'kept', AUTO)
            lock.release(path, 'kept')
    subprocess.run(['umount', path], check=True)


def test_hanging_files(host):
    """A lease whose file server is gone holds up itself only; nobody who has gone meanwhile gets it, and nothing is left held."""
    if is_real(host):
        raise Skip('the original stands still')
    daemon = start(host)
    memory_first('/run/hanging')
    with HangingFiles('/run/hanging') as files:
        space, held = '/run/hanging', wire.Lock().register(pid=1001)
        held.create_lockspace(space)
        for name in ('kept', 'left'):
            held.acquire(space, name, AUTO)
        direct = space + '/direct'
        with open(direct, 'w'):
            pass
        files.freeze()
        answers = {}

        def ask(what, call, *args):
            with wire.Lock() as lock:
                lock.register(pid=1001)
                answers[what] = wire.outcome(getattr(lock, call), *args)
        asking = [threading.Thread(target=ask, args=row) for row in (
            ('release', 'release', space, 'left'), ('acquire', 'acquire', space, 'new', AUTO), ('again', 'acquire', space, 'new', AUTO),
            ('direct', 'acquire', '', direct), ('create', 'create', space, 'file'),
            ('lockspace', 'create_lockspace', space + '/sub'))]
        for thread in asking:
            thread.start()
        gone = wire.Lock().register(pid=1002)                    # whose client does not wait
        gone.send(6, wire.text(space) + wire.text('gone') + struct.pack('>I', AUTO))
        time.sleep(0.3)
        gone.close()
        begin, image = time.monotonic(), disk('image')
        with wire.Lock() as other:
            other.register(pid=1003)
            other.create_lockspace(FILES)
            for i in range(20):
                other.acquire('', image)
                other.release('', image)
                other.acquire(FILES, 'x%d' % i, AUTO)
                other.release(FILES, 'x%d' % i)
            expect('busy all the same', wire.outcome(other.acquire, space, 'kept', AUTO)[:2], (BUSY, 51))
        took = time.monotonic() - begin
        if took > 2:
            raise Failure('the leases of others took %.1f s' % took)
        daemon.process.send_signal(signal.SIGUSR1)               # an upgrade would cut off what is under way
        for thread in asking:
            thread.join()
        for what, answer in answers.items():
            expect(what, answer[:2], (68, 51))
            expect(what + ': why', 'does not answer' in answer[2], True)
        wait_for('the upgrade is refused', lambda: 'the upgrade failed' in said(daemon), 20)
        expect('another lease', (held.acquire('', image), held.release('', image)), (None, None))
        files.thaw()
        wait_for('nothing is left of them', lambda: [n for n in ('new', 'gone', 'left') if os.path.exists(space + '/' + n)] == [])
        for name in ('new', 'gone', 'left'):
            held.acquire(space, name, AUTO)
            held.release(space, name)
        expect('the direct one', (held.acquire('', direct), held.release('', direct)), (None, None))
        held.release(space, 'kept')
        # And then an upgrade is made, with a lease there that the new image does not ask about.
        held.acquire(space, 'kept', AUTO)
        files.freeze()
        before = mapped(daemon)
        daemon.process.send_signal(signal.SIGUSR1)
        wait_for('the upgrade', lambda: mapped(daemon) != before, 20)
        expect('after it', wire.outcome(wire.Lock().register(pid=1004).acquire, space, 'kept')[:2], (BUSY, 51))
        files.thaw()
        held.release(space, 'kept')


def test_end_with_hanging_files(host):
    """SIGTERM ends virtlockd soon though a lease's file does not answer."""
    if is_real(host):
        raise Skip('the original does not end')
    daemon = start(host)
    with HangingFiles('/run/hanging') as files, wire.Lock() as lock, wire.Lock() as waits:
        lock.register(pid=1001).create_lockspace('/run/hanging')
        lock.acquire('/run/hanging', 'kept', AUTO)
        files.freeze()
        waits.register(pid=1002)
        waits.send(6, wire.text('/run/hanging') + wire.text('new') + struct.pack('>I', AUTO))
        time.sleep(0.3)
        begin = time.monotonic()
        expect('status', daemon.stop(), 0)
        took = time.monotonic() - begin
        if took > 12:
            raise Failure('the end took %.1f s' % took)
