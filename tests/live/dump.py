"""Core dumps of guests."""
import os

import libvirt

from harness import Failure, expect


def magic(path):
    with open(path, 'rb') as f:
        return f.read(4)


def test_dump(host):
    """what is in a guest's memory comes into a file in the format that was asked for, and the guest goes on or not"""
    host.define('one')
    host.virsh('start', 'one')
    path = host.directory('dump') + '/core'
    host.virsh('dump', 'one', path)
    expect('all of it', magic(path), b'QEVM')
    host.virsh('dump', 'one', path, '--memory-only', '--live')
    expect('memory', magic(path), b'\x7fELF')
    expect('private', os.stat(path).st_mode & 0o777, 0o600)
    host.virsh('dump', 'one', path, '--memory-only', '--format', 'kdump-zlib')
    expect('compressed, and flat as what goes through a descriptor is', magic(path), b'make')
    domain = host.connect().lookupByName('one')
    try:
        domain.coreDumpWithFormat(path + '2', libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB, 0)
        raise Failure('compressed without memory only')
    except libvirt.libvirtError as error:
        expect('code', error.get_error_code(), libvirt.VIR_ERR_OPERATION_UNSUPPORTED)
    host.virsh('dump', 'one', '/nonexistent/core', fails=True)
    expect('still running', host.virsh('domstate', 'one'), 'running')
    host.virsh('dump', 'one', path, '--memory-only', '--crash')
    expect('crashed', host.virsh('domstate', 'one', '--reason'), 'shut off (crashed)')
