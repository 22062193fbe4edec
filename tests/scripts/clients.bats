# tests/clients: what the tests of other clients came to is compared with what is known to fail.

load common.bash
bats_require_minimum_version 1.5.0

setup() { cd "$CHECKOUT" || return; }

# outcomes PLANNED OUTCOME…: the TAP of outcomes "TEST STATUS [TEXT]", by the table $BATS_TEST_TMPDIR/known.
outcomes() {
    run python3 -B - "$BATS_TEST_TMPDIR/known" "$@" <<'PYTHON'
import sys
sys.path.insert(0, 'tests/clients')
import outcomes

class Text(str):
    def as_text(self):
        return self

met = outcomes.Outcomes(outcomes.read_known(sys.argv[1], 'zed'), sys.argv[2].split(), ['hidden'])
for line in sys.argv[3:]:
    test, status, *text = line.split(' | ')
    met.take({'id': test, 'status': status, 'details': {'reason': Text(*text), 'traceback': Text(*text)} if text else {}})
met.end()
PYTHON
}

@test "of other clients' tests, one that fails is red, unless it is known to" {
    printf '# comment\nzed a.B.known some reason\nepoxy a.B.bad elsewhere\n' >"$BATS_TEST_TMPDIR/known"
    outcomes 'a.B.good a.B.known a.B.bad' 'a.B.good[id-1,smoke] | success' 'a.B.known | fail' 'a.B.bad | fail | it says hidden'
    [ "$output" = 'ok 1 a.B.good
ok 2 a.B.known # skip known to fail: some reason
not ok 3 a.B.bad
#   fail
#   it says ***
# skipped, 1: known to fail: some reason
1..3' ]
}

@test "of other clients' tests, what is known to fail and passes, or isn't there, or didn't run, is red" {
    printf '* a.B.known some reason\n* a.B.gone another\n* b.C.elsewhere of a client that does not run\n' >"$BATS_TEST_TMPDIR/known"
    outcomes 'a.B.known a.B.late' 'a.B.known | success'
    [ "${lines[0]}" = 'not ok 1 a.B.known' ]
    [ "${lines[2]}" = 'not ok 2 a.B.late' ]
    [ "${lines[3]}" = '#   did not run' ]
    [ "${lines[4]}" = 'not ok 3 a.B.gone' ]
    [ "${lines[6]}" = '1..3' ]
    : >"$BATS_TEST_TMPDIR/known"
    outcomes ''
    [ "${lines[0]}" = 'not ok 1 planned tests' ]
}

@test "of other clients' tests, what a class says of itself counts for each of its tests" {
    : >"$BATS_TEST_TMPDIR/known"
    outcomes 'a.B.one a.B.two a.Bigger.three' 'setUpClass (a.B) | skip | not' 'a.Bigger.three | success'
    [ "${lines[0]}" = 'ok 1 a.B.one # skip not' ]
    [ "${lines[1]}" = 'ok 2 a.B.two # skip not' ]
    [ "${lines[2]}" = 'ok 3 a.Bigger.three' ]
    [ "${lines[3]}" = '# skipped, 2: not' ]
    outcomes 'a.B.one a.B.two' 'setUpClass (a.B) | fail | why'
    [ "${lines[0]}" = 'not ok 1 a.B.one' ]
    [ "${lines[3]}" = 'not ok 2 a.B.two' ]
}
