"""A file system that can hang, as that of a file server which is gone: what anybody asks of it then waits until it is thawed.

It is a directory of files in the memory of a process that speaks FUSE's protocol (linux/fuse.h). To freeze it is to stop that
process: who waits can still be killed, as with NFS. Files may be locked, by the kernel alone.
"""
import ctypes
import errno
import os
import signal
import stat
import struct
import subprocess

from harness import Skip

LOOKUP, FORGET, GETATTR, SETATTR, UNLINK, RENAME, OPEN, READ, WRITE, STATFS = 1, 2, 3, 4, 10, 12, 14, 15, 16, 17
RELEASE, FSYNC, INIT, OPENDIR, READDIR, RELEASEDIR, CREATE = 18, 20, 26, 27, 28, 29, 35
INTERRUPT, BATCH_FORGET, RENAME2 = 36, 42, 45
ROOT, BIG_WRITES = 1, 1 << 5


class Server:
    """The process' side: files by number, names by their only directory."""

    def __init__(self, device):
        self.device, self.files, self.names, self.last = device, {}, {}, ROOT

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                return                                           # unmounted
            opcode, unique, node = struct.unpack_from('=4xIQQ', request)
            if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            try:
                status, body = 0, self.answer(opcode, node, request[40:])
            except OSError as error:
                status, body = -error.errno, b''
            try:
                os.write(self.device, struct.pack('=IiQ', 16 + len(body), status, unique) + body)
            except OSError:
                pass                                             # who asked is gone

    def attributes(self, node):
        size = len(self.files.get(node, b''))
        mode = stat.S_IFDIR | 0o777 if node == ROOT else stat.S_IFREG | 0o600
        return struct.pack('=6Q10I', node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def entry(self, name):
        if name not in self.names:
            raise OSError(errno.ENOENT, '')
        node = self.names[name]
        return struct.pack('=4Q2I', node, 0, 0, 0, 0, 0) + self.attributes(node)

    def answer(self, opcode, node, body):
        if opcode == INIT:
            return struct.pack('=4IHHIIHHI7I', 7, 31, 65536, BIG_WRITES, 0, 0, 65536, 1, 0, 0, 0, *[0] * 7)
        if opcode == LOOKUP:
            return self.entry(body[:-1])
        if opcode == GETATTR:
            return struct.pack('=QII', 0, 0, 0) + self.attributes(node)
        if opcode == SETATTR:
            valid, size = struct.unpack_from('=I4x8xQ', body)
            if valid & 8:
                data = self.files[node]
                data[:] = data[:size] + b'\0' * (size - len(data))
            return struct.pack('=QII', 0, 0, 0) + self.attributes(node)
        if opcode == CREATE:
            name = body[16:-1]
            self.last += 1
            self.names[name], self.files[self.last] = self.last, bytearray()
            return self.entry(name) + struct.pack('=QII', 0, 0, 0)
        if opcode in (OPEN, OPENDIR):
            return struct.pack('=QII', 0, 0, 0)
        if opcode == READ:
            offset, size = struct.unpack_from('=8xQI', body)
            return bytes(self.files[node][offset:offset + size])
        if opcode == WRITE:
            offset, size = struct.unpack_from('=8xQI', body)
            data = self.files[node]
            data.extend(b'\0' * (offset - len(data)))
            data[offset:offset + size] = body[40:40 + size]
            return struct.pack('=II', size, 0)
        if opcode == UNLINK:
            if self.names.pop(body[:-1], None) is None:
                raise OSError(errno.ENOENT, '')
            return b''
        if opcode in (RENAME, RENAME2):
            old, new, _ = body[8 if opcode == RENAME else 16:].split(b'\0')
            self.names[new] = self.names.pop(old)
            return b''
        if opcode == READDIR:
            return b''
        if opcode == STATFS:
            return struct.pack('=5Q4I24x', 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, 0)
        if opcode in (RELEASE, RELEASEDIR, FSYNC):
            return b''
        raise OSError(errno.ENOSYS, '')                          # so that a close, as FLUSH, asks us once and never again


class HangingFiles:
    """Mounted at `path` while it is entered; what still waits for it at the end fails."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        try:
            device = os.open('/dev/fuse', os.O_RDWR)
        except OSError:
            raise Skip('there is no FUSE here')
        os.makedirs(self.path, exist_ok=True)
        options = 'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions' % device
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b'hanging', self.path.encode(), b'fuse', 0, options.encode()) != 0:
            os.close(device)
            raise Skip('FUSE cannot be mounted here: ' + os.strerror(ctypes.get_errno()))
        self.pid = os.fork()
        if self.pid == 0:
            try:
                Server(device).serve()
            finally:
                os._exit(0)
        os.close(device)
        with open(self.path + '/first', 'w'):
            pass
        os.unlink(self.path + '/first')
        return self

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        subprocess.run(['umount', '-l', self.path], check=True)
