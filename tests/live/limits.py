"""Limits on clients and calls, and keepalive: what waits, what is refused, what is served all the same."""
import contextlib
import os
import signal
import socket
import struct
import threading
import time

import libvirt
import raw
from harness import Failure, admin, config, expect, figures, wait_for

PING, PONG = 1, 2


def start_with(host, name, text):
    host.main.stop()
    return host.start(args=['-f', config(host, name, text)])


def limits_of(host, server='libvirtd'):
    return {k: int(v) for k, v in figures(admin(host, 'srv-clients-info', server)).items()}


def served(client):
    """Whether a client that is connected gets an answer soon."""
    client.send(raw.message(raw.AUTH_LIST))
    try:
        return client.receive(0.7) is not None
    except TimeoutError:
        return False


def test_client_limits(host):
    """clients over max_clients are not served until another goes or virt-admin raises the limit, and are then"""
    start_with(host, 'limit', 'max_clients = 2\nmax_anonymous_clients = 2\n')
    first, second = host.connect(), host.connect()
    third, fourth = raw.Client(host.socket), raw.Client(host.socket)
    expect('the third', served(third), False)
    expect('limits', limits_of(host), {'nclients_max': 2, 'nclients': 2, 'nclients_unauth_max': 2, 'nclients_unauth': 0})
    first.close()
    expect('the third after one went', third.receive().status, raw.OK)
    expect('the fourth', served(fourth), False)
    admin(host, 'srv-clients-set', 'libvirtd', '--max-clients', '3')
    expect('the fourth with another limit', fourth.receive().status, raw.OK)
    admin(host, 'srv-clients-set', 'libvirtd', '--max-clients', '1', '--max-unauth-clients', '1')
    expect('those who are there', (second.getLibVersion(), served(fourth)), (9000000, True))
    second.close()
    third.close()
    fourth.close()


def test_anonymous_clients(host):
    """clients that do not authenticate keep others waiting above max_anonymous_clients, and are told of by virt-admin"""
    start_with(host, 'anonymous', 'max_clients = 20\nmax_anonymous_clients = 2\n')
    idle = [raw.Client(host.socket) for _ in range(2)]
    wait_for('both', lambda: limits_of(host)['nclients_unauth'] == 2)
    third = raw.Client(host.socket)
    expect('the third', served(third), False)
    expect('the first', served(idle[0]), True)                    # which authenticates it
    expect('the third then', third.receive().status, raw.OK)
    expect('anonymous ones', limits_of(host)['nclients_unauth'], 1)
    for client in [*idle, third]:
        client.close()
    wait_for('none', lambda: limits_of(host)['nclients_unauth'] == 0)


def test_queued_clients(host):
    """max_queued_clients is how many may wait to be accepted; the next is refused at once"""
    start_with(host, 'queue', 'max_clients = 1\nmax_anonymous_clients = 1\nmax_queued_clients = 3\n')
    one, waiting = host.connect(), []
    with contextlib.suppress(BlockingIOError):
        for _ in range(10):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            waiting.append(client)
            client.connect(host.socket)
    expect('those who could connect', len(waiting) - 1, 4)        # the kernel takes one more than it is told
    one.close()
    for client in waiting:
        client.close()


class Busy:
    """A guest whose QEMU does not answer, and a call about it that waits."""

    def __init__(self, host, calls):
        self.host = host
        host.define('stuck', kvm=False)
        host.virsh('start', 'stuck')
        self.pid = int(open('/run/libvirt/qemu/stuck.pid').read())
        os.kill(self.pid, signal.SIGSTOP)
        self.calls = [threading.Thread(target=self.call, daemon=True) for _ in range(calls)]
        for thread in self.calls:
            thread.start()

    def call(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.host.connect().lookupByName('stuck').memoryStats()

    def end(self):
        os.kill(self.pid, signal.SIGCONT)
        for thread in self.calls:
            thread.join(20)


def depth(host):
    return int(figures(admin(host, 'srv-threadpool-info', 'libvirtd'))['jobQueueDepth'])


def test_workers(host):
    """calls over max_workers wait; those that never wait for a guest are served by prio_workers; virt-admin adds workers"""
    start_with(host, 'workers', 'min_workers = 1\nmax_workers = 1\nprio_workers = 1\n')
    ordinary, priority = raw.Client(host.socket).open(), raw.Client(host.socket).open()
    busy = Busy(host, 1)
    try:
        wait_for('the worker to be busy', lambda: figures(admin(host, 'srv-threadpool-info', 'libvirtd'))['freeWorkers'] == '0')
        expect('a priority call', priority.call(raw.LIB_VERSION).status, raw.OK)
        ordinary.send(raw.message(raw.MEMORY_STATS, payload=NO_DOMAIN))
        try:
            ordinary.receive(1)
            raise Failure('an ordinary call is served although all workers are busy')
        except TimeoutError:
            pass
        expect('jobs that wait', depth(host), 1)
        admin(host, 'srv-threadpool-set', 'libvirtd', '--min-workers', '2', '--max-workers', '2')
        expect('the call with another worker', ordinary.receive().status, raw.ERROR)
    finally:
        busy.end()


NO_DOMAIN = raw.string('none') + b'\7' * 16 + struct.pack('>iII', -1, 11, 0)


def test_client_requests(host):
    """a client's calls over max_client_requests wait until its others are answered, while other clients are served"""
    start_with(host, 'requests', 'max_client_requests = 2\n')
    client, other = raw.Client(host.socket).open(), raw.Client(host.socket).open()
    host.define('stuck', kvm=False)
    uuid = host.virsh('domuuid', 'stuck')
    host.virsh('start', 'stuck')
    pid = int(open('/run/libvirt/qemu/stuck.pid').read())
    os.kill(pid, signal.SIGSTOP)
    try:
        stuck = raw.string('stuck') + bytes.fromhex(uuid.strip().replace('-', '')) + struct.pack('>iII', 1, 11, 0)
        client.send(raw.message(raw.MEMORY_STATS, stuck, serial=1), raw.message(raw.MEMORY_STATS, stuck, serial=2))
        time.sleep(0.3)
        client.send(raw.message(raw.LIB_VERSION, serial=3))
        try:
            answer = client.receive(1)
            raise Failure('serial %d is answered although two calls wait: %s' % (answer.serial, answer.text))
        except TimeoutError:
            pass
        expect('another client', other.call(raw.LIB_VERSION).status, raw.OK)
    finally:
        os.kill(pid, signal.SIGCONT)
    expect('all of them then', sorted(client.receive(20).serial for _ in range(3)), [1, 2, 3])


def silence(host, seconds=6.0):
    """(pings, whether the daemon hung up) for a client that asked for keepalive and says nothing more."""
    client = raw.Client(host.socket).open()
    expect('keepalive', client.call(raw.SUPPORTS_FEATURE, struct.pack('>I', 10)).payload, struct.pack('>I', 1))
    pings, end = 0, time.monotonic() + seconds
    while True:
        try:
            answer = client.receive(max(0.1, end - time.monotonic()))
        except TimeoutError:
            return pings, False
        if answer is None:
            return pings, True
        expect('a ping', (answer.prog, answer.proc, answer.kind), (raw.KEEPALIVE, PING, raw.EVENT))
        pings += 1


def test_keepalive(host):
    """a silent client that asked for keepalive gets keepalive_count pings and is dropped; one that answers is not; -1 is never"""
    start_with(host, 'keepalive', 'keepalive_interval = 1\nkeepalive_count = 2\n')
    expect('two pings, then the end', silence(host), (2, True))
    client = raw.Client(host.socket).open()
    client.call(raw.SUPPORTS_FEATURE, struct.pack('>I', 10))
    for _ in range(4):
        expect('a ping', client.receive().proc, PING)
        client.send(raw.message(PONG, prog=raw.KEEPALIVE, kind=raw.EVENT, serial=0))
    client.send(raw.message(PING, prog=raw.KEEPALIVE, kind=raw.EVENT, serial=0))
    expect('its own ping', client.receive().proc, PONG)
    client.close()
    start_with(host, 'keepalive', 'keepalive_interval = -1\n')
    expect('never', silence(host, 2.5), (0, False))
    start_with(host, 'keepalive', 'keepalive_interval = 1\nkeepalive_count = 0\n')
    expect('no pings, then the end', silence(host), (0, True))


def test_admin_limits(host):
    """the admin_* twins rule the administration socket alone"""
    start_with(host, 'admin', 'admin_max_clients = 2\nadmin_min_workers = 2\nadmin_max_workers = 3\nmax_clients = 77\n'
                              'max_anonymous_clients = 7\n')
    expect('limits', limits_of(host, 'admin')['nclients_max'], 2)
    pool = figures(admin(host, 'srv-threadpool-info', 'admin'))
    expect('workers', (pool['minWorkers'], pool['maxWorkers']), ('2', '3'))
    expect('those of the others', (limits_of(host)['nclients_max'], limits_of(host)['nclients_unauth_max']), (77, 7))
    first, second = (raw.Client('/run/libvirt/libvirt-admin-sock') for _ in range(2))
    wait_for('both', lambda: first and second)
    third = raw.Client('/run/libvirt/libvirt-admin-sock')
    open_call = raw.message(1, payload=struct.pack('>I', 0), prog=raw.ADMIN)
    for client in (first, second):
        client.send(open_call)
        expect('the answer', client.receive().status, raw.OK)
    third.send(open_call)
    try:
        third.receive(0.7)
        raise Failure('the third is served')
    except TimeoutError:
        pass
    first.close()
    expect('the third after one went', third.receive().status, raw.OK)
    second.close()
    third.close()
