"""Calls to virtlogd and virtlockd as bytes on a socket: no client library speaks their protocols."""
import array
import os
import socket
import struct

LOG, LOCK = 0x87539319, 0xEA7BEEF
SOCKETS = {LOG: '/run/libvirt/virtlogd-sock', LOCK: '/run/libvirt/virtlockd-sock'}
UUID = bytes(range(16))


class Refused(Exception):
    """An error reply."""

    def __init__(self, code, domain, message):
        super().__init__(message)
        self.code, self.domain, self.message = code, domain, message


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack('>I', len(data)) + data + b'\0' * (-len(data) % 4)


class Connection:
    """One client of a daemon, one call at a time."""

    def __init__(self, program, path=None, seconds=30):
        self.program, self.serial, self.fds = program, 0, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path or SOCKETS[program])            # before it has a time-out: it waits for a full queue then
        self.socket.settimeout(seconds)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, procedure, payload=b''):
        self.serial += 1
        self.socket.sendall(struct.pack('>IIIIIII', 28 + len(payload), self.program, 1, procedure, 0, self.serial, 0) + payload)

    def _exactly(self, count):
        data = b''
        while len(data) < count:
            more, ancillary, _, _ = self.socket.recvmsg(count - len(data), socket.CMSG_SPACE(16))
            if not more:
                raise ConnectionError('the daemon closed the connection')
            for _, kind, raw in ancillary:
                if kind == socket.SCM_RIGHTS:
                    self.fds += array.array('i', raw)
            data += more
        return data

    def receive(self):
        """The payload of the next reply; what descriptors came with it are in self.fds."""
        self.fds = []
        size, _, _, _, kind, _, status = struct.unpack('>IIIIIII', self._exactly(28))
        body = self._exactly(size - 28)
        if status == 1:
            code, domain, present = struct.unpack('>iiI', body[:12])
            length = struct.unpack('>I', body[12:16])[0] if present else 0
            raise Refused(code, domain, body[16:16 + length].decode() if present else '')
        if kind == 5:                                            # a reply with descriptors: their count, then one byte each
            count = struct.unpack('>I', body[:4])[0]
            body = body[4:]
            while len(self.fds) < count:
                self._exactly(1)
        return body

    def call(self, procedure, payload=b''):
        self.send(procedure, payload)
        return self.receive()


class Log(Connection):
    """A client of virtlogd. Positions are (inode, offset)."""

    def __init__(self, path=None, **options):
        super().__init__(LOG, path, **options)

    def open(self, path, flags=0, driver='qemu', name='vm', uuid=UUID):
        """The write end of the log's pipe, and the position."""
        body = self.call(1, text(driver) + uuid + text(name) + text(path) + struct.pack('>I', flags))
        return self.fds.pop(), struct.unpack('>QQ', body)

    def position(self, path, flags=0):
        return struct.unpack('>QQ', self.call(2, text(path) + struct.pack('>I', flags)))

    def read(self, path, position, maximum, flags=0):
        body = self.call(3, text(path) + struct.pack('>QQQI', *position, maximum, flags))
        return body[4:4 + struct.unpack('>I', body[:4])[0]]

    def append(self, path, message, flags=0, driver='qemu', name='vm', uuid=UUID):
        body = self.call(4, text(driver) + uuid + text(name) + text(path) + text(message) + struct.pack('>I', flags))
        return struct.unpack('>i', body)[0]


class Lock(Connection):
    """A client of virtlockd."""
    SHARED, AUTOCREATE = 1, 2

    def __init__(self, path=None, **options):
        super().__init__(LOCK, path, **options)

    def register(self, pid=None, name='vm', ident=1, uuid=UUID, flags=0):
        self.call(1, uuid + text(name) + struct.pack('>III', ident, os.getpid() if pid is None else pid, flags))
        return self

    def restrict(self, flags=0):
        self.call(2, struct.pack('>I', flags))

    def new(self, path, flags=0):
        self.call(3, text(path) + struct.pack('>I', flags))

    def create(self, path, name, flags=0):
        self.call(4, text(path) + text(name) + struct.pack('>I', flags))

    def delete(self, path, name, flags=0):
        self.call(5, text(path) + text(name) + struct.pack('>I', flags))

    def acquire(self, path, name, flags=0):
        self.call(6, text(path) + text(name) + struct.pack('>I', flags))

    def release(self, path, name, flags=0):
        self.call(7, text(path) + text(name) + struct.pack('>I', flags))

    def create_lockspace(self, path):
        self.call(8, text(path))


def outcome(function, *args, **options):
    """What a call came to: its value, or (code, domain, message) of its error, or 'closed'."""
    try:
        return function(*args, **options)
    except Refused as refused:
        return (refused.code, refused.domain, refused.message)
    except (ConnectionError, TimeoutError) as error:
        return 'closed' if isinstance(error, ConnectionError) else 'no answer'
