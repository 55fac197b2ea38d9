"""virtlogd: guests' output into files that roll over, read and appended to by position, on a socket of its own."""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import wire
from hanging import HangingFiles
from harness import Failure, Skip, expect, wait_for

SOCKET = wire.SOCKETS[wire.LOG]
DIR = '/var/log/libvirt/qemu/'


def is_real(host):
    return host.bindir == '/usr/sbin'


def start(host, keep=False, **keys):
    """A virtlogd with these configuration keys, in place of one that runs; what others left is removed unless to `keep`."""
    for daemon in host.daemons:
        if daemon.process.args[0].endswith('virtlogd'):
            daemon.stop(signal.SIGKILL)
    if not keep:
        shutil.rmtree(DIR, ignore_errors=True)
    os.makedirs(DIR, exist_ok=True)
    conf = host.write('virtlogd.conf', ''.join('%s = %s\n' % (k, v if isinstance(v, int) else '"%s"' % v) for k, v in keys.items()))
    return host.start('virtlogd', ['-f', conf], socket=SOCKET)


def put(fd, data):
    while data:
        data = data[os.write(fd, data):]


def lines(first, last):
    return b''.join(b'%07d the quick brown fox jumps over the lazy dog and goes home\n' % i for i in range(first, last))


def contents(path, backups):
    """All that is in the files of a log, oldest first."""
    names = ['%s.%d' % (path, i) for i in reversed(range(backups))] + [path]
    data = b''
    for name in names:
        if os.path.exists(name):
            with open(name, 'rb') as f:
                data += f.read()
    return data


def settled(log, path):
    """The position when everything written has arrived."""
    last = None
    while last != (last := log.position(path)):
        time.sleep(0.05)
    return last


def test_roll_over(host):
    """Nothing is lost or doubled at roll-overs, the limit is exact, files have the original's names and modes."""
    start(host, max_size=100000, max_backups=3)
    with wire.Log() as log:
        fd, (_, offset) = log.open(DIR + 'vm.log')
        expect('the first position', offset, 0)
        for i in range(0, 6000, 100):
            put(fd, lines(i, i + 100))
        settled(log, DIR + 'vm.log')
        kept = contents(DIR + 'vm.log', 3)
        expect('what is kept ends what was written', lines(0, 6000).endswith(kept), True)
        expect('three full files', len(kept) > 3 * (100000 - 80), True)
        for name in ('vm.log', 'vm.log.0', 'vm.log.1', 'vm.log.2'):
            info = os.stat(DIR + name)
            expect(name + ' mode and owner', (info.st_mode & 0o777, info.st_uid, info.st_gid), (0o600, 0, 0))
            expect(name + ' size', info.st_size <= 100000, True)
        expect('no fourth', os.path.exists(DIR + 'vm.log.3'), False)
        put(fd, b'x' * 250000)
        settled(log, DIR + 'vm.log')
        expect('exact without lines', os.stat(DIR + 'vm.log.0').st_size, 100000)
        os.close(fd)
        wait_for('the log is closed', lambda: isinstance(wire.outcome(log.position, DIR + 'vm.log')[-1], str))
        fd, (_, offset) = log.open(DIR + 'vm.log', flags=1)
        expect('truncated with its backups', (offset, len(contents(DIR + 'vm.log', 3))), (0, 0))
        os.close(fd)


def test_positions(host):
    """A position leads to its byte across roll-overs; reading and appending go with what the guest writes."""
    start(host, max_size=10000, max_backups=3)
    path = DIR + 'vm.log'
    with wire.Log() as log:
        fd, begin = log.open(path)
        put(fd, b'0123456789')
        middle = settled(log, path)
        expect('position', middle, (begin[0], 10))
        expect('read', log.read(path, (begin[0], 4), 3), b'456')
        put(fd, b'a' * 20000)
        settled(log, path)
        expect('read from the start, rolled over', log.read(path, begin, 100000) == b'0123456789' + b'a' * 20000, True)
        expect('read from the middle', log.read(path, middle, 15000) == b'a' * 15000, True)
        expect('append', log.append(path, 'the driver says\n'), 0)
        put(fd, b'end')
        settled(log, path)
        expect('in order', log.read(path, middle, 100000)[20000:], b'the driver says\nend')
        expect('append to a closed log', log.append(DIR + 'other.log', 'one\n') or log.append(DIR + 'other.log', 'two\n'), 0)
        expect('appended', contents(DIR + 'other.log', 0), b'one\ntwo\n')
        # The log is the guest's, not the client's.
        log.close()
        put(fd, b'!')
        with wire.Log() as again:
            settled(again, path)
            expect('after the client went', again.read(path, middle, 100000)[-4:], b'end!')
            os.close(fd)


def test_answers(host):
    """Errors have the original's codes, domains and texts."""
    start(host)
    path, flags = DIR + 'vm.log', 'unsupported flags (0x1) in function virLogHandlerDomain'
    with wire.Log() as log:
        fd, position = log.open(path)
        rows = [
            ('open twice', log.open, (path,), (38, 63, "Cannot open log file: '%s': Device or resource busy" % path)),
            ('no directory', log.open, (DIR + 'no/x.log',), (38, 0, 'Unable to open file: %sno/x.log: No such file or directory' % DIR)),
            ('a directory', log.open, (DIR,), (38, 0, 'Unable to open file: %s: Is a directory' % DIR)),
            ('position of none', log.position, (DIR + 'no.log',), (1, 63, 'internal error: No open log file %sno.log' % DIR)),
            ('position flags', log.position, (path, 1), (8, 63, flags + 'GetLogFilePosition')),
            ('read flags', log.read, (path, position, 1, 1), (8, 63, flags + 'ReadLogFile')),
            ('append flags', log.append, (path, 'x', 1), (8, 63, flags + 'AppendLogFile')),
            ('append in no directory', log.append, (DIR + 'no/x.log', 'x'),
             (38, 0, 'Unable to open file: %sno/x.log: No such file or directory' % DIR)),
            ('read too much', log.read, (path, position, 4194305),
             (1, 7, 'internal error: Requested data len 4194305 is larger than maximum 4194304')),
            ('read nothing', log.read, (path, position, 0), b''),
            ('read behind the end', log.read, (path, (position[0], 99), 10), b''),
        ]
        for name, function, args, wanted in rows:
            expect(name, wire.outcome(function, *args), wanted)
        expect('read of none', wire.outcome(log.read, DIR + 'no.log', (0, 0), 10)[:2], (38, 0))
        os.close(fd)


def test_bad_clients(host):
    """Who breaks the protocol is answered or closed, alone; others and the guests' logs go on."""
    start(host)
    with wire.Log() as good:
        fd, _ = good.open(DIR + 'vm.log')
        for data in (b'\xff' * 64, b'\0' * 64, b'\0\0\0\1', b'\x7f\xff\xff\xff' + b'a' * 100, b'GET / HTTP/1.0\r\n\r\n'):
            with wire.Log(seconds=5) as bad:
                bad.socket.sendall(data)
                bad.socket.shutdown(1)
                wire.outcome(bad.receive)
        with wire.Log() as odd:
            for procedure, payload in ((1, b'abc'), (2, b''), (3, b'\xff' * 40), (4, b'\xff' * 400), (99, b''), (0, b'')):
                expect('procedure %d' % procedure, wire.outcome(odd.call, procedure, payload)[:2], (39, 7))
        for _ in range(50):                                      # half a call, then gone
            with wire.Log() as half:
                half.socket.sendall(b'\0\0\1\0\x87\x53')
        put(fd, b'alive')
        settled(good, DIR + 'vm.log')
        expect('the log', contents(DIR + 'vm.log', 0), b'alive')
        os.close(fd)


def test_killed(host):
    """SIGKILL of virtlogd: a guest that writes gets EPIPE, it does not hang, and what was taken is in the file."""
    daemon = start(host)
    with wire.Log() as log:
        quiet, _ = log.open(DIR + 'quiet.log')
        put(quiet, b'before')
        settled(log, DIR + 'quiet.log')
        fd, _ = log.open(DIR + 'vm.log')
    result = []

    def guest():
        try:
            while True:
                os.write(fd, b'x' * 65536)
        except OSError as error:
            result.append(type(error))
    thread = threading.Thread(target=guest, daemon=True)
    thread.start()
    daemon.stop(signal.SIGKILL)
    thread.join(20)
    expect('the guest', result, [BrokenPipeError])
    expect('the log', contents(DIR + 'quiet.log', 0), b'before')
    os.close(fd)
    os.close(quiet)


def test_orderly_end(host):
    """SIGTERM: what guests have written by then is in the file."""
    if is_real(host):
        raise Skip('the original leaves it in the pipe')
    daemon = start(host)
    with wire.Log() as log:
        fd, _ = log.open(DIR + 'vm.log')
    for i in range(500):
        put(fd, lines(i, i + 1))
    daemon.stop()
    expect('the log', contents(DIR + 'vm.log', 0) == lines(0, 500), True)
    os.close(fd)


def test_full_disk(host):
    """On a full disk the guest goes on, what is lost is counted and told, and the log goes on when there is room."""
    if is_real(host):
        raise Skip('the original closes the log')
    daemon = start(host, max_size=0)
    small = '/run/small'
    os.makedirs(small, exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small], check=True)
    try:
        with wire.Log() as log:
            fd, _ = log.open(small + '/vm.log')
            put(fd, b'x' * 1000000)                              # must not block
            wait_for('the pipe is empty', lambda: log.position(small + '/vm.log') and not unread(fd))
            expect('what fitted', os.stat(small + '/vm.log').st_size, 262144)
            expect('appending', wire.outcome(log.append, small + '/vm.log', 'y'),
                   (38, 0, 'Unable to write to file: %s/vm.log: No space left on device' % small))
            os.truncate(small + '/vm.log', 10)
            put(fd, b'there is room again\n')
            settled(log, small + '/vm.log')
            expect('the log goes on', contents(small + '/vm.log', 0), b'x' * 10 + b'there is room again\n')
            os.close(fd)
        with open(daemon.log) as f:
            told = [line for line in f if small in line]
        expect('told twice', len(told), 2)
        expect('why', 'No space left on device' in told[0], True)
        expect('how much', '737856 bytes' in told[1], True)
    finally:
        subprocess.run(['umount', '-l', small], check=True)


def test_stuck_file(host):
    """A log whose file does not take anything more holds up itself only: others go on, calls are answered, it ends well."""
    if is_real(host):
        raise Skip('the original stands still')
    start(host, max_size=0)
    stuck = DIR + 'stuck.log'
    os.mkfifo(stuck)                                             # takes 64 KiB until somebody reads it
    text = lines(0, 20000)
    with wire.Log() as log:
        fd, _ = log.open(stuck)
        writer = threading.Thread(target=put, args=(fd, text))
        writer.start()
        fds = [log.open('%svm-%d.log' % (DIR, i))[0] for i in range(20)]
        writers = [threading.Thread(target=put, args=(other, text)) for other in fds]
        for other in writers:
            other.start()
        for i, other in enumerate(writers):
            other.join()
            path = '%svm-%d.log' % (DIR, i)
            settled(log, path)
            expect('another log', contents(path, 0) == text, True)
            os.close(fds[i])
        expect('the writer waits', writer.is_alive(), True)
        with open(stuck, 'rb') as reader:
            arrived = b''
            while len(arrived) < len(text):
                arrived += reader.read1(1 << 20)
        writer.join()
        expect('the stuck log', arrived == text, True)
        os.close(fd)


def test_hanging_files(host):
    """Logs whose file server is gone hold up themselves only: others are written, read and opened; nothing is lost when it is back."""
    if is_real(host):
        raise Skip('the original stands still')
    daemon = start(host, max_size=100000, max_backups=3)
    text = lines(0, 3000)
    with HangingFiles('/run/hanging') as files, wire.Log() as log, wire.Log() as other:
        dead = ['/run/hanging/vm-%d.log' % i for i in range(20)]
        fds = [log.open(path)[0] for path in dead]
        fd, begin = log.open(DIR + 'vm.log')
        files.freeze()
        writers = [threading.Thread(target=put, args=(f, text)) for f in fds]
        for writer in writers:
            writer.start()
        answers = {}

        def ask(what, call, *args):
            with wire.Log() as client:
                answers[what] = wire.outcome(getattr(client, call), *args)
        asking = [threading.Thread(target=ask, args=row) for row in (
            ('position', 'position', dead[0]), ('again', 'position', dead[0]), ('read', 'read', dead[1], (0, 0), 10),
            ('append', 'append', dead[2], 'x'), ('append to a closed log', 'append', '/run/hanging/closed.log', 'x'),
            ('open', 'open', '/run/hanging/new.log'))]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        ours = time.monotonic()
        for i in range(20):
            put(fd, lines(i, i + 1))
            settled(log, DIR + 'vm.log')
        log.append(DIR + 'vm.log', 'the driver says')
        expect('another log', log.read(DIR + 'vm.log', begin, 10000) == lines(0, 20) + b'the driver says', True)
        more = other.open(DIR + 'more.log')[0]
        put(more, text)
        settled(other, DIR + 'more.log')
        expect('a log that was opened meanwhile', contents(DIR + 'more.log', 3) == text, True)
        took = time.monotonic() - ours
        if took > 5:
            raise Failure('the calls of others took %.1f s' % took)
        for thread in asking:
            thread.join()
        for what, answer in answers.items():
            path = {'read': dead[1], 'append': dead[2], 'append to a closed log': '/run/hanging/closed.log',
                    'open': '/run/hanging/new.log'}.get(what, dead[0])
            expect(what, answer, (68, 63, 'Timed out during operation: the file of the log %s does not answer' % path))
        # An upgrade would cut off what is under way.
        daemon.process.send_signal(signal.SIGUSR1)
        wait_for('the upgrade is refused', lambda: 'does not answer' in said(daemon), 20)
        expect('nor was it made', other.position(DIR + 'vm.log'), log.position(DIR + 'vm.log'))
        files.thaw()
        for writer in writers:
            writer.join()
        wait_for('all arrive', lambda: all(unread(f) == 0 for f in fds))
        for path in dead[3:]:
            log.position(path)
            expect('a log that was stuck', contents(path, 3) == text, True)
        for f in fds + [fd, more]:
            os.close(f)


def said(daemon):
    with open(daemon.log) as f:
        return f.read()


def test_end_with_hanging_files(host):
    """SIGTERM ends virtlogd soon though files do not answer, and what other guests have said is in theirs."""
    if is_real(host):
        raise Skip('the original does not end')
    daemon = start(host, max_size=0)
    with HangingFiles('/run/hanging') as files, wire.Log() as log:
        fds = [log.open('/run/hanging/vm-%d.log' % i)[0] for i in range(12)]
        fd, _ = log.open(DIR + 'vm.log')
        files.freeze()
        for f in fds:
            put(f, b'nobody will read this\n')
        time.sleep(0.3)
        put(fd, lines(0, 100))
        begin = time.monotonic()
        expect('status', daemon.stop(), 0)
        took = time.monotonic() - begin
        if took > 8:
            raise Failure('the end took %.1f s' % took)
        expect('the other log', contents(DIR + 'vm.log', 0) == lines(0, 100), True)
        for f in fds + [fd]:
            os.close(f)


def unread(fd):
    import fcntl
    import struct
    import termios
    return struct.unpack('i', fcntl.ioctl(fd, termios.FIONREAD, b'\0' * 4))[0]


def test_many_guests(host):
    """A hundred guests that write at once: every byte arrives, and virtlogd stays below 8 MB."""
    daemon = start(host, max_size=0)
    text, log, fds = lines(0, 8000), wire.Log(), []
    for i in range(100):
        fds.append(log.open('%smany-%d.log' % (DIR, i))[0])
    writers = [threading.Thread(target=put, args=(fd, text)) for fd in fds]
    for writer in writers:
        writer.start()
    most = 0
    while any(writer.is_alive() for writer in writers):
        most = max(most, memory(daemon.process.pid))
        time.sleep(0.01)
    for i, fd in enumerate(fds):
        path = '%smany-%d.log' % (DIR, i)
        wait_for('all of ' + path, lambda: os.stat(path).st_size == len(text), 60)
        expect('contents', contents(path, 0) == text, True)
        os.close(fd)
        os.unlink(path)
    log.close()
    if not is_real(host) and most > 8000 and not os.environ.get('BV_SLOW_BUILD'):
        raise Failure('virtlogd took %d KB' % most)


def memory(pid):
    """Resident and its own, in KB: what is shared is the executable."""
    with open('/proc/%d/status' % pid) as f:
        return sum(int(line.split()[1]) for line in f if line.startswith('VmRSS'))


def test_compressed(host):
    """compress = "zstd": backups become NAME.N.zst, positions lead into them, zstd(1) reads them."""
    if is_real(host):
        raise Skip('beyond the original')
    start(host, max_size=20000, max_backups=4, compress='zstd')
    path = DIR + 'vm.log'
    with wire.Log() as log:
        fd, begin = log.open(path)
        put(fd, lines(0, 100))
        middle = settled(log, path)
        for i in range(100, 1500, 100):
            put(fd, lines(i, i + 100))
        settled(log, path)
        wait_for('all are compressed', lambda: all(os.path.exists('%s.%d.zst' % (path, i)) and not os.path.exists('%s.%d' % (path, i))
                                                   for i in range(4)))
        expect('read from the start', log.read(path, begin, 1 << 20) == lines(0, 1500), True)
        expect('read from the middle', log.read(path, middle, 10000) == lines(100, 1500)[:10000], True)
        expect('small', os.stat(path + '.3.zst').st_size < 5000, True)
        if shutil.which('zstd'):
            oldest = subprocess.run(['zstd', '-dcq', path + '.3.zst'], check=True, capture_output=True).stdout
            expect('what zstd makes of it', len(oldest) > 19900 and lines(0, 1500).startswith(oldest), True)
        os.close(fd)
    # The next virtlogd, with the original's plain files, continues; then one that compresses again.
    start(host, keep=True, max_size=20000, max_backups=8)
    with wire.Log() as log:
        fd, _ = log.open(path)
        put(fd, lines(1500, 2000))
        settled(log, path)
        expect('plain and compressed', log.read(path, begin, 1 << 20) == lines(0, 2000), True)
        os.close(fd)


def test_killed_while_compressing(host):
    """SIGKILL at any instant of compressing leaves every line there once."""
    if is_real(host):
        raise Skip('beyond the original')
    path = DIR + 'vm.log'
    written = 0
    for round_ in range(8):
        daemon = start(host, round_ > 0, max_size=200000, max_backups=20, compress='zstd')
        with wire.Log() as log:
            fd, _ = log.open(path)
            put(fd, lines(written, written + 4000))
            written += 4000
            settled(log, path)
            time.sleep(0.002 * round_)
            daemon.stop(signal.SIGKILL)
            os.close(fd)
    start(host, keep=True, max_size=200000, max_backups=20, compress='zstd')
    with wire.Log() as log:
        os.close(log.open(path)[0])
        expect('all lines', log.read(path, (0, 0), 4 << 20) == lines(0, written), True)
    wait_for('compressed in the end', lambda: not any(os.path.exists('%s.%d' % (path, i)) for i in range(20)))
    with wire.Log() as log:
        expect('all lines, compressed', log.read(path, (0, 0), 4 << 20) == lines(0, written), True)


def test_session(host):
    """A user's own virtlogd: its sockets in the user's run-time directory, its files the user's."""
    host.start('virtlogd', socket=host.run_dir + '/virtlogd-sock')
    script = ('import sys, os; sys.path.insert(0, %r); import wire; log = wire.Log(%r)\n'
              'fd, _ = log.open(%r); os.write(fd, b"mine")\n'
              'while log.position(%r)[1] != 4: pass' % (os.path.dirname(wire.__file__), host.run_dir + '/virtlogd-sock',
                                                     host.env['HOME'] + '/vm.log', host.env['HOME'] + '/vm.log'))
    subprocess.run([*host.become, sys.executable, '-B', '-c', script], env=host.env, check=True, timeout=60)
    info = os.stat(host.env['HOME'] + '/vm.log')
    expect('size, owner, mode', (info.st_size, info.st_uid, info.st_mode & 0o777), (4, 65534, 0o600))


test_session.session_user = 65534
