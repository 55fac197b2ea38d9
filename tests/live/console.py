"""virsh's own console client on a terminal."""
import os
import pty
import select
import time

import raw
from harness import BOOT_LIMIT, Failure, expect


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


def test_screenshot_follows_its_reply(host):
    """a call's reply comes before what its stream carries: clients that read no further than the first frame rely on it"""
    host.define('one', devices="<video><model type='vga'/></video>")
    host.virsh('start', 'one')
    screenshot, lookup = 211, raw.LOOKUP_BY_NAME
    with raw.Client(host.socket) as client:
        client.open()
        domain = client.call(lookup, raw.string('one')).payload
        client.send(raw.message(screenshot, domain + bytes(8)))
        first, second = client.receive(), client.receive()
        expect('first', (first.kind, first.status), (raw.REPLY, raw.OK))
        expect('then', (second.kind, second.status), (raw.STREAM, raw.CONTINUE))
