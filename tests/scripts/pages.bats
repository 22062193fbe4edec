# The manual pages: what man(1) shows of them, and that the contract's page is the whole contract.

load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT" || return
    page=$BATS_TEST_TMPDIR/page.7
}

# made FILE.md: the page of it, in $page.
made() { docs/man.py "$1" mcloudfs-tree 7 0.0 'what a mount shows' >"$page"; }

# shown PAGE: as a terminal of any width would have it.
shown() { MANWIDTH=1000 LC_ALL=C.UTF-8 man --no-hyphenation --no-justification -l "$1" | col -bx; }

@test "man has nothing to say against any of the pages" {
    made docs/SEMANTICS.md
    pages=(docs/*.[178] "$page")
    [ "${#pages[@]}" -ge 2 ]
    for one in "${pages[@]}"; do
        LC_ALL=C.UTF-8 man --warnings=w -l "$one" 2>"$BATS_TEST_TMPDIR/said" >/dev/null
        [ ! -s "$BATS_TEST_TMPDIR/said" ] || { echo "$one: $(cat "$BATS_TEST_TMPDIR/said")" && return 1; }
        # apropos and whatis read this line
        [ "$(lexgrog "$one" | grep -c ' - ')" -ge 1 ]
    done
}

@test "the page of the contract has each of its words, in their order" {
    made docs/SEMANTICS.md
    # words of letters and digits: fonts, tables and titles in capitals are how, not what
    words() { tr -cs 'A-Za-z0-9_' '\n' | tr a-z A-Z | sed '/^$/d'; }
    # but for what a table's columns are called
    awk 'NR > 2 && !/^\| ---/ && !was { print line } { was = /^\| ---/; line = $0 } END { print line }' docs/SEMANTICS.md | words >"$BATS_TEST_TMPDIR/document"
    shown "$page" | sed -e '1,/^DESCRIPTION/d' -e '$d' | words >"$BATS_TEST_TMPDIR/page"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/document")" -gt 5000 ]
    diff -u "$BATS_TEST_TMPDIR/document" "$BATS_TEST_TMPDIR/page"
}

@test "a page keeps what troff would take for its own" {
    printf '# T\n\n## A\n\n.dot first, a \\ and `--long`\n'"'"'quote first\n\n- `.PP` in an item\n\n| a | b | c |\n| --- | --- | --- |\n| `x` | y | |\n' >"$BATS_TEST_TMPDIR/odd.md"
    made "$BATS_TEST_TMPDIR/odd.md"
    LC_ALL=C.UTF-8 man --warnings=w -l "$page" 2>"$BATS_TEST_TMPDIR/said" >/dev/null
    [ ! -s "$BATS_TEST_TMPDIR/said" ]
    shown "$page" >"$BATS_TEST_TMPDIR/text"
    grep -qF ".dot first, a \\ and --long 'quote first" "$BATS_TEST_TMPDIR/text"
    grep -qF '.PP in an item' "$BATS_TEST_TMPDIR/text"
    grep -qE '^ +x +y$' "$BATS_TEST_TMPDIR/text"
}

@test "what the page can't show is refused, not lost" {
    for odd in '1. one' '```sh' 'see [this](that)' '  - below'; do
        printf '# T\n\n%s\n' "$odd" >"$BATS_TEST_TMPDIR/odd.md"
        run -1 made "$BATS_TEST_TMPDIR/odd.md"
        [[ $output == *"odd.md:3: man.py doesn't know how to show this: $odd" ]]
    done
}
