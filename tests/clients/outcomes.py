#!/usr/bin/python3
"""outcomes.py RELEASE TABLE PLANNED SECRETS <SUBUNIT: TAP of what the tests of other clients came to, whose stream is the input.

TABLE names the tests that are known to fail, in lines "RELEASE TEST REASON". One that fails as known is skipped, in TAP's words; one that
passes though it is known to fail has failed, as has one that is PLANNED and not in the stream. What stands in SECRETS, a line each, is
not shown.
"""

import collections
import re
import sys

LINES = 12  # of what a failure has said, the last


def plain(test):
    """Without the attributes that tempest puts behind a test's name."""
    return re.sub(r'\[.*\]$', '', test)


def read_known(path, release):
    known = {}
    with open(path) as lines:
        for line in lines:
            if line.strip() and not line.startswith('#'):
                of, test, reason = line.split(None, 2)
                if of in ('*', release):
                    known[test] = reason.strip()
    return known


class Outcomes:
    def __init__(self, known, planned, secrets):
        self._known, self._planned, self._secrets = known, set(planned), secrets
        self._met = set()
        self._number = 0
        self._reasons = collections.Counter()

    def _say(self, verdict, test, text=()):
        self._number += 1
        print('%s %d %s' % (verdict, self._number, test))
        for line in text:
            print('#   ' + line)
        sys.stdout.flush()

    def _skip(self, test, reason):
        self._reasons[reason] += 1
        self._say('ok', '%s # skip %s' % (test, reason))

    def _fail(self, test, *text):
        self._say('not ok', test, text)

    def _text(self, details, *kinds):
        text = '\n'.join(details[name].as_text() for name in sorted(details) if name.startswith(kinds))
        for secret in self._secrets:
            text = text.replace(secret, '***')
        return text.strip()

    def _of(self, test):
        """The tests that this is about: what a class says of itself holds for all of it that have not said anything."""
        found = re.match(r'setUpClass \((.*)\)', test)
        if not found:
            return [test]
        return sorted(each for each in self._planned - self._met if each.startswith(found[1] + '.')) or [test]

    def take(self, outcome):
        status, details = outcome['status'], outcome['details']
        if status == 'exists':
            return
        for test in self._of(plain(outcome['id'])):
            self._met.add(test)
            if status == 'skip':
                self._skip(test, ' '.join(self._text(details, 'reason').split()) or 'no reason given')
            elif status in ('success', 'xfail') and test in self._known:
                self._fail(test, 'passes, and the table says that it fails: ' + self._known[test])
            elif status in ('success', 'xfail'):
                self._say('ok', test)
            elif test in self._known:
                self._skip(test, 'known to fail: ' + self._known[test])
            else:
                self._fail(test, status, *self._text(details, 'traceback', 'output').splitlines()[-LINES:])

    def end(self):
        for test in sorted(self._planned - self._met):
            self._fail(test, 'did not run')
        clients = {test.split('.')[0] for test in self._planned}
        for test in sorted(self._known.keys() - self._met - self._planned):
            if test.split('.')[0] in clients:
                self._fail(test, 'the table says that it fails, and there is no such test')
        if not self._planned:
            self._fail('planned tests', 'there are none')
        for reason, count in sorted(self._reasons.items()):
            print('# skipped, %d: %s' % (count, reason))
        print('1..%d' % self._number)


def main(release, table, planned, secrets):
    from subunit.v2 import ByteStreamToStreamResult
    from testtools import StreamToDict

    with open(planned) as tests, open(secrets) as lines:
        outcomes = Outcomes(read_known(table, release), [plain(test) for test in tests.read().splitlines()],
                            [line for line in lines.read().splitlines() if line])
    result = StreamToDict(outcomes.take)
    result.startTestRun()
    ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='output').run(result)
    result.stopTestRun()
    outcomes.end()


if __name__ == '__main__':
    main(*sys.argv[1:])
