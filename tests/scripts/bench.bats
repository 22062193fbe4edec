# The bench itself, without an engine: its arithmetic, what it puts into docs/, and how it ends.

load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT/tests/bench" || return
    docs=$BATS_TEST_TMPDIR
}

@test "the bench counts right, and shows all that was measured" { ./test_results.py; }

@test "the bench goes on when something fails, and tells of what it measures" { ./test_bench.py; }

# page_of TEXT…: a BENCH.md of that text.
page_of() { printf '%s\n' "$@" >"$docs/BENCH.md"; }

@test "table and plot are put between the marks, and nothing else is changed" {
    page_of 'before' '<!-- tests/bench/page begins -->' 'old' '<!-- tests/bench/page ends -->' 'after'
    ./page --docs "$docs" --partial example.json
    [ "$(head -n 2 "$docs/BENCH.md")" = $'before\n<!-- tests/bench/page begins -->' ]
    [ "$(tail -n 2 "$docs/BENCH.md")" = $'<!-- tests/bench/page ends -->\nafter' ]
    run ! grep -x old "$docs/BENCH.md"
    grep -qF '| threads then | 64.0 (' "$docs/BENCH.md"
    grep -qF '(bench.svg)' "$docs/BENCH.md"
    grep -q '^<svg ' "$docs/bench.svg"
    # once more, it is the same
    cp -r "$docs" "$BATS_RUN_TMPDIR/first"
    ./page --docs "$docs" --partial example.json
    diff -r "$docs" "$BATS_RUN_TMPDIR/first"
}

@test "a page without its marks, and results of another version, of some parts, or with failures, change nothing" {
    page_of 'only words'
    run -1 ./page --docs "$docs" --partial example.json
    [[ $output == *"nothing was changed: it is to have <!-- tests/bench/page begins -->"* ]]
    page_of '<!-- tests/bench/page begins -->' '<!-- tests/bench/page ends -->'
    echo '{"version": 0}' >"$docs/other.json"
    run -1 ./page --docs "$docs" "$docs/other.json"
    [[ $output == *"is of version 0"* ]]
    run -1 ./page --docs "$docs" example.json
    [[ $output == *"nothing was measured of front, identity, "*"; --partial shows what there is" ]]
    # each group is there, and one has failed
    jq '.lines += [$ARGS.positional[] | {part: ., what: ., failed: true}]' example.json --args front identity slave-starts replication six image-list walk >"$docs/all.json"
    run -1 ./page --docs "$docs" "$docs/all.json"
    [[ $output == *"1 of it failed; --partial "* ]]
    [ "$(wc -l <"$docs/BENCH.md")" -eq 2 ]
    [ ! -e "$docs/bench.svg" ]
}

@test "BENCH.md has the marks, once each" {
    for mark in begins ends; do [ "$(grep -cx "<!-- tests/bench/page $mark -->" "$CHECKOUT/docs/BENCH.md")" -eq 1 ]; done
}

@test "a bench without an engine says so, and has failed" {
    MCLOUD_SOCKET=$docs/none run -1 ./run --json "$docs/results.json" region
    [[ $output == *"FAIL  bench, its cloud: FileNotFoundError"* ]]
    [ "$(jq -c '[.runs, .lines, .failures[].step]' "$docs/results.json")" = '[3,[],"its cloud"]' ]
    [ ! -e "$docs/results.json.new" ]
}

@test "parts and runs that there are not are refused" {
    run -2 ./run nonsense
    [[ $output == *"there is no part nonsense; choose of: region, "* ]]
    run -2 ./run --runs 0
    [[ $output == *"--runs"* ]]
}
