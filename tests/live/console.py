"""virsh's own console client on a terminal."""
import os
import pty
import select
import time

from harness import BOOT_LIMIT, Failure


def read_until(fd, marker, seconds):
    text, end = '', time.monotonic() + seconds
    while marker not in text:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        if not ready:
            raise Failure('the terminal shows %r, not %r' % (text[-200:], marker))
        try:
            text += os.read(fd, 4096).decode(errors='replace')
        except OSError:                                          # the terminal was hung up
            raise Failure('virsh ended; the terminal shows %r' % text[-200:]) from None
    return text


def test_virsh_console(host):
    """virsh console shows the guest's output and carries what is typed, until ^]"""
    host.define('linux', linux=True)
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe('virsh', ['virsh', '-c', host.uri, 'start', 'linux', '--console'], host.env)
    try:
        read_until(fd, 'Escape character is', 15)
        read_until(fd, 'guest is up', BOOT_LIMIT)
        os.write(fd, b'over the stream\r')
        read_until(fd, 'echo: over the stream', 15)
        os.write(fd, b'\x1d')
        end = time.monotonic() + 10
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                os.kill(pid, 9)
                raise Failure('virsh did not end after ^]')
            time.sleep(0.05)
    finally:
        os.close(fd)
