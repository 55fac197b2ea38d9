"""Where the output of QEMU and of character devices goes: NAME.log, <log file=>, through virtlogd or into plain files."""
import os
import re
import signal

from harness import Failure, GUEST_DIR, Skip, expect, runs, wait_for
from events import qemu_pid

SAYS = 'said by the guest\n'
DIR = '/var/log/libvirt/qemu'


def speaking_rom():
    """Firmware that writes SAYS to the first serial port at each reset and halts."""
    code = bytes.fromhex('fa'            # cli
                         'baf803'        # mov dx, 0x3f8
                         'be2000'        # mov si, 0x20
                         '2e8a04'        # next: mov al, cs:[si]
                         '84c0' '7404'   # test al, al; jz halt
                         'ee' '46'       # out dx, al; inc si
                         'ebf5'          # jmp next
                         'f4' 'ebfd')    # halt: hlt; jmp halt
    rom = bytearray(b'\xf4' * 65536)
    rom[:len(code)] = code
    text = SAYS.encode() + b'\0'
    rom[0x20:0x20 + len(text)] = text
    rom[0xfff0:0xfff5] = bytes.fromhex('ea000000f0')             # the reset vector: jmp f000:0000
    path = GUEST_DIR + '/speak.bin'
    with open(path, 'wb') as f:
        f.write(rom)
    return path


def define_speaker(host, serial, extra='', schema=''):
    """A guest that says SAYS into the given <serial> whenever it starts."""
    host.virsh('define', host.write('speaker.xml', '''<domain type='qemu'%s>
      <name>speaker</name><uuid>6f1dbd1c-0f5e-4a44-9f66-5f9a1e0f3f7a</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='rom'>%s</loader></os>
      <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>%s</devices>%s</domain>''' % (schema, speaking_rom(), serial, extra)))


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return None


def says(path, times=1):
    wait_for('%s has what the guest said %d times' % (path, times), lambda: read(path) == SAYS * times)


def with_handler(host, handler):
    """The daemon with that stdio_handler, a log directory, and nothing in it."""
    host.configure(qemu='stdio_handler = "%s"' % handler)
    os.makedirs(DIR, 0o700, exist_ok=True)
    for name in os.listdir(DIR):
        os.unlink(DIR + '/' + name)
    host.start()


def check_log(host, stdout):
    define_speaker(host, "<serial type='null'/>")
    host.virsh('start', 'speaker')
    link = os.readlink('/proc/%d/fd/1' % qemu_pid('speaker'))
    expect('standard output', link.split(':')[0], stdout)
    host.virsh('destroy', 'speaker')
    lines = read(DIR + '/speaker.log').splitlines()
    when = r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: '
    if not re.match(when + r'starting up libvirt version: 9\.0\.0, .*qemu version: [\d.]+.*, kernel: .+, hostname: ', lines[0]):
        raise Failure('the log begins with %r' % lines[0])
    expect('environment', lines[1], 'LC_ALL=C \\')
    if '-name guest=speaker,debug-threads=on \\' not in lines or '-S \\' not in lines:
        raise Failure('the command is not there, an option a line: %r' % lines[:14])
    if not re.match(when + r'shutting down, reason=destroyed$', lines[-1]):
        raise Failure('the log ends with %r' % lines[-1])
    expect('mode', os.stat(DIR + '/speaker.log').st_mode & 0o777, 0o600)
    first = len(lines)
    host.virsh('start', 'speaker')
    host.virsh('destroy', 'speaker')
    expect('a second start adds to the log', len(read(DIR + '/speaker.log').splitlines()) >= 2 * first - 2, True)


def test_log(host):
    """NAME.log has each start with its command, what QEMU says through a pipe of virtlogd, and the end"""
    with_handler(host, 'logd')
    check_log(host, 'pipe')


def test_log_file(host):
    """with stdio_handler "file" the same log is QEMU's standard output"""
    with_handler(host, 'file')
    host.end_companion('virtlogd')
    check_log(host, DIR + '/speaker.log')
    expect('virtlogd', host.companion_pid('virtlogd'), None)


def check_devices(host):
    define_speaker(host, """<serial type='file'><source path='%s/kept' append='on'/><log file='%s/emptied' append='off'/></serial>
                            <serial type='null'><log file='%s/quiet' append='on'/></serial>""" % (DIR, DIR, DIR))
    for times in (1, 2):
        host.virsh('start', 'speaker')
        says(DIR + '/kept', times)
        says(DIR + '/emptied')
        host.virsh('destroy', 'speaker')
    expect('the silent one', read(DIR + '/quiet'), '')
    expect('owner and mode', [(os.stat(DIR + '/' + name).st_uid, os.stat(DIR + '/' + name).st_mode & 0o777)
                              for name in ('emptied', 'quiet')], [(0, 0o600)] * 2)
    words = re.findall(r'^-add-fd set=(\d),fd=\d+,opaque=(\S+) ', read(DIR + '/speaker.log'), re.M)
    expect('descriptors', words[:3], [('0', 'serial0-source'), ('1', 'serial0-log'), ('2', 'serial1-log')])


def test_device_files(host):
    """files and logs of character devices go through virtlogd, emptied or appended to as asked"""
    with_handler(host, 'logd')
    check_devices(host)
    expect('virtlogd', host.companion_pid('virtlogd') is not None, True)


def test_device_files_plain(host):
    """the same with stdio_handler "file" """
    with_handler(host, 'file')
    check_devices(host)


def test_last_words(host):
    """a start that fails has QEMU's own words in its error, and in the log, with either handler"""
    for handler in ('logd', 'file'):
        with_handler(host, handler)
        define_speaker(host, '', "<qemu:commandline><qemu:arg value='-no-such-option'/></qemu:commandline>",
                       " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'")
        error = host.virsh('start', 'speaker', fails=True)
        if '-no-such-option: invalid option' not in error:
            raise Failure('%s: the error is %r' % (handler, error))
        lines = read(DIR + '/speaker.log').splitlines()
        if 'invalid option' not in lines[-2] or 'shutting down, reason=failed' not in lines[-1]:
            raise Failure('%s: the log ends with %r' % (handler, lines[-2:]))


def test_taints(host):
    """what makes a guest hard to support is noted once in its log, and remembered by the next daemon"""
    with_handler(host, 'logd')
    define_speaker(host, '', "<qemu:commandline><qemu:arg value='-no-hpet'/></qemu:commandline>",
                   " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'")
    host.virsh('start', 'speaker')

    def taints():
        return re.findall(r': Domain id=1 is tainted: (\S+)$', read(DIR + '/speaker.log'), re.M)
    expect('by its definition', taints(), ['custom-argv'])
    for _ in range(2):
        host.virsh('qemu-monitor-command', 'speaker', '--hmp', 'info status')
    expect('by a command', taints(), ['custom-argv', 'custom-monitor'])
    host.restart_after_kill()
    host.virsh('qemu-monitor-command', 'speaker', '--hmp', 'info status')
    expect('over a restart', taints(), ['custom-argv', 'custom-monitor'])


def test_no_directory_for_a_log(host):
    """a log that cannot be opened ends the start, with virtlogd's words"""
    with_handler(host, 'logd')
    define_speaker(host, "<serial type='null'><log file='/run/there/is/none'/></serial>")
    error = host.virsh('start', 'speaker', fails=True)
    if 'Unable to open file: /run/there/is/none: No such file or directory' not in error:
        raise Failure('the error is %r' % error)
    expect('state', host.virsh('domstate', 'speaker').strip(), 'shut off')


def test_output_outlives_the_daemon(host):
    """the next daemon finds logs that went on, and writes the end into them"""
    with_handler(host, 'logd')
    define_speaker(host, "<serial type='file'><source path='%s/kept' append='on'/></serial>" % DIR)
    host.virsh('start', 'speaker')
    says(DIR + '/kept')
    host.main.stop(signal.SIGKILL)
    os.kill(qemu_pid('speaker'), 0)
    host.start()
    host.virsh('reset', 'speaker')
    says(DIR + '/kept', 2)
    host.virsh('destroy', 'speaker')
    if 'shutting down, reason=destroyed' not in read(DIR + '/speaker.log').splitlines()[-1]:
        raise Failure('the end is not in the log')


def test_virtlogd_killed(host):
    """without virtlogd a guest goes on; another one takes its last line and the next start"""
    with_handler(host, 'logd')
    define_speaker(host, "<serial type='file'><source path='%s/kept' append='on'/></serial>" % DIR)
    host.virsh('start', 'speaker')
    says(DIR + '/kept')
    host.end_companion('virtlogd', signal.SIGKILL)
    host.virsh('reset', 'speaker')
    expect('state', host.virsh('domstate', 'speaker').strip(), 'running')
    expect('QEMU', runs(qemu_pid('speaker')), True)
    host.start_companion('virtlogd')
    host.virsh('destroy', 'speaker')
    if 'shutting down, reason=destroyed' not in read(DIR + '/speaker.log').splitlines()[-1]:
        raise Failure('the end is not in the log')
    host.virsh('start', 'speaker')
    says(DIR + '/kept', 2)


def test_virtlogd_on_demand(host):
    """on a host without systemd, a start brings virtlogd up where nobody else has"""
    if host.real:
        raise Skip('the original leaves that to systemd')
    with_handler(host, 'logd')
    host.end_companion('virtlogd')
    define_speaker(host, "<serial type='null'/>")
    host.virsh('start', 'speaker')
    expect('virtlogd runs', host.companion_pid('virtlogd') is not None, True)
    pid = host.companion_pid('virtlogd')
    host.virsh('destroy', 'speaker')
    host.virsh('start', 'speaker')
    expect('it is the same', host.companion_pid('virtlogd'), pid)
