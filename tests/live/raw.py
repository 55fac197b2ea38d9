"""A client made of bytes, for what no library would send. Numbers as on the wire; see protocol/remote for their names."""
import socket
import struct

REMOTE, KEEPALIVE, ADMIN = 0x20008086, 0x6b656570, 0x06900690
CALL, REPLY, EVENT, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, HOLE = range(7)
OK, ERROR, CONTINUE = range(3)
OPEN, CLOSE, LIB_VERSION, LOOKUP_BY_NAME, SUPPORTS_FEATURE, AUTH_LIST = 1, 2, 157, 23, 60, 66
AUTH_POLKIT, DOMAIN_CREATE = 70, 9
CAPABILITIES, NODE_INFO, URI, CREATE_WITH_FILES, MEMORY_STATS = 7, 6, 110, 326, 159


def string(text):
    data = text.encode()
    return struct.pack('>I', len(data)) + data + b'\0' * (-len(data) % 4)


def message(proc=LIB_VERSION, payload=b'', prog=REMOTE, vers=1, kind=CALL, serial=42, status=OK, length=None):
    size = 28 + len(payload) if length is None else length
    return struct.pack('>IIIiIII', size & 0xffffffff, prog, vers, proc, kind, serial, status) + payload


class Message:
    """One that came: its header's words, its payload, and of an error the code and the text."""

    def __init__(self, data):
        _, self.prog, self.vers, self.proc, self.kind, self.serial, self.status = struct.unpack('>IIIiIII', data[:28])
        self.payload = data[28:]
        self.code = self.text = None
        if self.status == ERROR:
            self.code, _, has_text = struct.unpack('>iiI', self.payload[:12])
            if has_text:
                size, = struct.unpack('>I', self.payload[12:16])
                self.text = self.payload[16:16 + size].decode()


class Client:
    def __init__(self, path, seconds=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.seconds = seconds
        self.buffer = b''

    def send(self, *messages):
        self.socket.sendall(b''.join(messages))

    def receive(self, seconds=None):
        """The next message, or None at the end of the connection. Raises TimeoutError."""
        self.socket.settimeout(self.seconds if seconds is None else seconds)
        while len(self.buffer) < 4 or len(self.buffer) < struct.unpack('>I', self.buffer[:4])[0]:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self.buffer += data
        size, = struct.unpack('>I', self.buffer[:4])
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return Message(data)

    def call(self, proc, payload=b'', **header):
        self.send(message(proc, payload, **header))
        return self.receive()

    def open(self, uri='qemu:///system'):
        """Ready for calls."""
        self.call(AUTH_LIST)
        answer = self.call(OPEN, struct.pack('>I', 1) + string(uri) + struct.pack('>I', 0))
        assert answer.status == OK, answer.text
        return self

    def ended(self):
        """Whether the daemon has closed the connection, or does so soon, whatever it says before."""
        try:
            while self.receive() is not None:
                pass
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
