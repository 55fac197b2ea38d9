#!/usr/bin/python3
"""Holds a conformance score against tests/conformance.floor, or raises the floor to it.

    floor.py check RESULT.json CORPUS      prints each category; exit status 1 when one is below its floor
    floor.py raise RESULT.json CORPUS      writes higher floors; never lowers one

A line of the floor is "CATEGORY PASSED": at least that many of its cases pass. Cases that depend on the host's CPU run
on some machines only and do not count.
"""
import glob
import json
import os
import sys

FLOOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'conformance.floor')


def read_floor():
    with open(FLOOR) as f:
        rows = (line.split() for line in f if line.strip() and not line.startswith('#'))
        return {name: int(passed) for name, passed in rows}


def write_floor(floor):
    with open(FLOOR, 'w') as f:
        f.write('# Cases that must pass in each category of the conformance corpus; raised by tests/tools/raise-floor.\n')
        for name, passed in sorted(floor.items()):
            f.write('%s %d\n' % (name, passed))


def check(scores, floor):
    below = 0
    for name in sorted(set(floor) | set(scores)):
        score, least = scores.get(name, {'passed': 0, 'total': 0}), floor.get(name, 0)
        low = score['passed'] < least
        below += low
        print('%-22s %4d of %4d (floor %d)%s' % (name, score['passed'], score['total'], least, '  FAILED: below its floor' if low else ''))
    count = len(set(floor) | set(scores))
    print('%d passed, %d failed' % (count - below, below))
    return 1 if below else 0


def read_scores(path, corpus):
    host_cpu = set()
    for cases in glob.glob(os.path.join(corpus, 'cases', '*', '*.jsonl')):
        category = os.path.basename(os.path.dirname(cases))
        with open(cases) as f:
            host_cpu |= {(category, c['name']) for c in map(json.loads, f) if c.get('host_cpu')}
    scores = {}
    with open(path) as f:
        for case in json.load(f)['cases']:
            if (case['category'], case['name']) not in host_cpu:
                score = scores.setdefault(case['category'], {'passed': 0, 'total': 0})
                score['passed'] += case['passed']
                score['total'] += 1
    return scores


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ('check', 'raise'):
        sys.exit(__doc__)
    try:
        scores = read_scores(sys.argv[2], sys.argv[3])
    except (OSError, ValueError, KeyError) as error:
        print('conformance: no result to read: %s' % error)
        print('0 passed, 1 failed')
        return 1
    floor = read_floor()
    if sys.argv[1] == 'check':
        return check(scores, floor)
    for name, score in scores.items():
        if score['passed'] > floor.get(name, 0):
            print('%s: %d -> %d' % (name, floor.get(name, 0), score['passed']))
            floor[name] = score['passed']
    write_floor(floor)
    return 0


sys.exit(main())
