# What documents quote of the program is what it says.

load common.bash

@test "the version is one, in whatever names it" {
    cd "$CHECKOUT"
    version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)
    [ -n "$version" ]
    [ "$(sed -n 's/^## \([^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)" = "$version" ]
    # what Debian has before a release is older than that: VERSION~pre1
    [ "$(sed -n '1s/.*(\([^~)]*\).*/\1/p' debian/changelog)" = "$version" ]
    [ "$(sed -n 's/^\.TH .*"mcloudfs \([^"]*\)".*/\1/p' docs/*.[18] | sort -u)" = "$version" ]
    grep -q "It describes version ${version%.*}\." docs/SEMANTICS.md
    grep -q "\`mcloudfs $version, docker" docs/SEMANTICS.md
}

@test "each sentence of TROUBLESHOOTING.md is one of the program's" {
    cd "$CHECKOUT"
    # strings as the compiler joins them, formats as the document shows them
    find backends fs -name '*.c' -exec cat {} + | tr '\n\t' '  ' | sed -E 's/" +"//g; s/%[.0-9]*(l|z|j)?[sudi]/…/g; s/\\"/"/g' >"$BATS_TEST_TMPDIR/said"
    sed -n 's/^| `\([^|]*\)` .*/\1/p' docs/TROUBLESHOOTING.md | sed 's/`, `/\n/g; s/` (.*//' >"$BATS_TEST_TMPDIR/quoted"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/quoted")" -gt 20 ]
    while read -r sentence; do
        # each piece between what stands for names
        while read -r piece; do
            [ "${#piece}" -lt 6 ] || grep -qF -- "$piece" "$BATS_TEST_TMPDIR/said" || { echo "nobody says: $piece" && return 1; }
        done < <(sed 's/…/\n/g; s/; *$//' <<<"$sentence")
    done <"$BATS_TEST_TMPDIR/quoted"
}

@test "each option that the program has is in its manual, with its words, and each of the manual's is the program's" {
    cd "$CHECKOUT"
    # what the general options of mount(8) are has no words here; -o is what stands before all
    "${MCLOUDFS:-build/mcloudfs}" --print-options | awk -F '\t' '$3 != "" && $1 != "-o" { print $1 $2 }' | sort >"$BATS_TEST_TMPDIR/program"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/program")" -gt 20 ]
    sed -n '/^.SH OPTIONS/,/^.SH EXIT/p' docs/mcloudfs.8 | grep -A 1 '^\.TP' | sed -n 's/^\.B[RI]* //p' |
        sed 's/ \([|=]\) /\1/g; s/\\//g; s/fI//; s/fR//; s/ //g' >"$BATS_TEST_TMPDIR/titles"
    # a path is a DIRECTORY where that is what it leads to
    sed 's/=DIRECTORY$/=PATH/; s/attach\[=NAME\]/attach=[NAME]/' "$BATS_TEST_TMPDIR/titles" | sort | diff "$BATS_TEST_TMPDIR/program" -
}
