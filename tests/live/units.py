"""The systemd units beside Debian's: what a drop-in or another unit counts on there is here too."""
import glob
import os

from harness import TOP, Failure, Skip

INSTALLED = '/lib/systemd/system/'
# What says how they put it, or where their programs are.
WORDS = {'Description', 'Documentation', 'ExecStart', 'ExecStop'}
# "never" in one of its two spellings.
SAME = {('Service', 'TimeoutStopSec', '0'): ('Service', 'TimeoutStopSec', 'infinity')}
# A hypervisor driver that libvirt's clients know and this executable has not.
ABSENT = {('Unit', 'After', 'virtvzd.socket')}


def directives(path):
    """{(section, key, value)} of a unit file."""
    found, section = set(), None
    with open(path) as f:
        for line in f:
            line = line.strip()
            if line.startswith('['):
                section = line[1:-1]
            elif '=' in line and line[0] not in '#;':
                key, value = line.split('=', 1)
                found.add((section, key, value))
    return found


def test_directives(host):
    """every directive of each unit that Debian installs is in ours of that name"""
    ours = os.path.join(os.environ.get('BV_TEST_BUILD', TOP + '/build-dev'), 'data/systemd/')
    theirs = [path for pattern in ('libvirt*', 'virt*') for path in glob.glob(INSTALLED + pattern)]
    if not theirs or not os.path.isdir(ours):
        raise Skip("Debian's units are not installed, or ours not made")
    missing = []
    for path in theirs:
        name = os.path.basename(path)
        own = ours + name if os.path.exists(ours + name) else '%s/systemd/%s' % (TOP, name)
        if not os.path.exists(own):
            missing.append('%s: the unit' % name)
            continue
        has = directives(own)
        for directive in sorted(directives(path)):
            if directive[1] not in WORDS and directive not in ABSENT and SAME.get(directive, directive) not in has:
                missing.append('%s: [%s] %s=%s' % (name, *directive))
    if missing:
        raise Failure('\n'.join(missing))
