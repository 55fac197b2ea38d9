"""The guest agent: errors without one, answers with one, and what a raw command says about a guest."""
import contextlib
import json

import libvirt_qemu

from events import Events
from harness import BOOT_LIMIT, Console, expect, wait_for

CHANNEL = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
NOT_THERE = 'QEMU guest agent is not connected'


def test_agent(host):
    """the daemon notices the guest's agent, and calls that need one are answered by it"""
    host.define('linux', linux=True, devices=CHANNEL)
    with contextlib.closing(Events(host, '--event', 'agent-lifecycle')) as events:
        host.virsh('start', 'linux')
        expect('at first', events.take("'disconnected'"),
               ["agent-lifecycle: state: 'disconnected' reason: 'domain started'"])
        if NOT_THERE not in host.virsh('domhostname', 'linux', '--source', 'agent', fails=True):
            raise AssertionError('an agent answers before there is one')
        Console(host.connect(), 'linux').wait_for('guest is up')
        expect('then', events.take("'connected'"), ["agent-lifecycle: state: 'connected' reason: 'channel event'"])
    wait_for('the agent answers', lambda: answers(host), BOOT_LIMIT)
    expect('host name', host.virsh('domhostname', 'linux', '--source', 'agent'), 'little-guest')
    expect('time', host.virsh('domtime', 'linux').strip(), 'Time: 1234567890')
    host.virsh('domfsinfo', 'linux', fails=True)
    host.virsh('suspend', 'linux')
    if 'domain is not running' not in host.virsh('domtime', 'linux', fails=True):
        raise AssertionError('a guest that stands still cannot answer')
    host.virsh('resume', 'linux')
    host.virsh('shutdown', 'linux', '--mode', 'agent')
    wait_for('the guest powers off', lambda: host.virsh('domstate', '--reason', 'linux').strip() == 'shut off (shutdown)', 30)


def answers(host):
    try:
        return host.virsh('qemu-agent-command', 'linux', '{"execute":"guest-ping"}').strip() == '{"return":{}}'
    except AssertionError:
        return False


def test_raw_commands_taint(host):
    """raw monitor commands are passed on as they are, QEMU refuses what is none, and the guest is marked"""
    host.define('one')
    host.virsh('start', 'one')
    expect('not marked', 'tainted' in host.virsh('dominfo', 'one'), False)
    said = libvirt_qemu.qemuMonitorCommand(host.connect().lookupByName('one'), '[1]', 0)
    expect('no object', json.loads(said), {'error': {'class': 'GenericError', 'desc': 'QMP input must be a JSON object'}})
    host.restart_after_kill()
    messages = [line.split(':', 1)[1].strip() for line in host.virsh('dominfo', 'one').splitlines() if line.startswith('Messages')]
    expect('messages', messages, ['tainted: custom monitor control commands issued'])
    expect('key', host.virsh('send-key', 'one', '--codeset', 'win32', '0x41'), '')
    host.virsh('send-key', 'one', '--codeset', 'linux', '999', fails=True)
