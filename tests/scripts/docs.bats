# What documents quote of the program is what it says.

load common.bash

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
