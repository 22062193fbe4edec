# mnt/report, of a directory that looks like a mount.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    M=$BATS_TEST_TMPDIR/mnt STATE=$BATS_TEST_TMPDIR/state ARCHIVE=$BATS_TEST_TMPDIR/report.tar.gz
    mkdir -p "$M/regions/Kista" "$M/containers/keystone-Kista" "$STATE"
    echo 'mcloudfs 9.9' >"$M/version"
    echo ready >"$M/regions/Kista/state"
    echo '{"admin": "c0ffee+/c0ffee=c0ffee", "fernet": [{"index": 0, "key": "Zm9v_YmFy-Zm9vYmFy="}]}' >"$STATE/mcloud.json"
}

report() { timeout 60 "$CHECKOUT/mnt/report" --state-dir "$STATE" --output "$ARCHIVE" --patience "${PATIENCE:-20}" "$M"; }

# content NAME: of the archive's file.
content() { tar -xzOf "$ARCHIVE" --wildcards "*/$1"; }

@test "an archive has what the mount and the machine say" {
    report
    [ "$(content version)" = 'mcloudfs 9.9' ]
    [ "$(content regions/Kista/state)" = ready ]
    content machine/kernel | grep -q Linux
    content about.json | jq -e '.secrets_known and .cloud == "mcloud"'
    [ "$(stat -c %a "$ARCHIVE")" = 600 ]
}

@test "no secret is in it, in whatever form a log has it" {
    local secret encoded log=$M/containers/keystone-Kista/log
    while read -r secret; do
        echo "clear $secret uri $(jq -rn --arg secret "$secret" '$secret | @uri') lower $(jq -rn --arg secret "$secret" '$secret | @uri | ascii_downcase')"
        for encoded in "$secret" "x$secret" "xy$secret" "admin:$secret"; do printf %s "$encoded" | base64 -w0 && echo; done
        printf '%s' "admin:$secret@x" | basenc --base64url -w0
        echo
    done < <(jq -r '.. | strings' "$STATE/mcloud.json") >"$log"
    [ "$(wc -l <"$log")" -eq 12 ]
    echo "token gAAAAABpAbcdefghijklmnopqrstuvwxyz0123456789_-= of mysql+pymysql://keystone:letmein99@mysql/keystone, password='hunter22'" >>"$log"
    report
    content containers/keystone-Kista/log >"$BATS_TEST_TMPDIR/log"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/log")" -eq 13 ]
    [ "$(grep -vc '\[secret\]' "$BATS_TEST_TMPDIR/log")" -eq 0 ]
    # all of them would be found
    [ "$(python3 "$CHECKOUT/tests/leaks.py" "$STATE/mcloud.json" "$log" | sort | uniq -c | grep -c 'secret [01], \(clear\|URL\|base64\)')" -eq 6 ]
    python3 "$CHECKOUT/tests/leaks.py" "$STATE/mcloud.json" "$BATS_TEST_TMPDIR/log"
    run -1 grep -E 'letmein|hunter|gAAAA' "$BATS_TEST_TMPDIR/log"
    grep -q 'mysql+pymysql://keystone:\[secret\]@mysql' "$BATS_TEST_TMPDIR/log"
}

@test "a mount that doesn't answer ends up in the archive as far as it does" {
    mkfifo "$M/status" # nobody writes
    PATIENCE=3 run report
    [ "$status" -eq 0 ]
    [[ $output == *"1 files of $M did not answer; the archive has the rest"* ]]
    [ "$(content version)" = 'mcloudfs 9.9' ]
    content about.json | jq -e '.unread == ["status"]'
}

@test "who can't read the cloud's secrets is told so" {
    rm "$STATE/mcloud.json"
    run report
    [ "$status" -eq 0 ]
    [[ $output == *"secrets could not be read from $STATE"* ]]
    content about.json | jq -e '.secrets_known | not'
}

@test "an archive that can't be written leaves nothing" {
    run "$CHECKOUT/mnt/report" --output "$BATS_TEST_TMPDIR/not/there.tar.gz" "$M"
    [ "$status" -eq 1 ]
    [[ $output == *"report: $BATS_TEST_TMPDIR/not/there.tar.gz can't be written (No such file or directory); --output FILE puts it elsewhere"* ]]
}

@test "a daemon that mount(8) has started tells the cloud's name and where its secrets are" {
    mkfifo "$BATS_TEST_TMPDIR/stay"
    mv "$STATE/mcloud.json" "$STATE/lab.json"
    # as mount(8) calls it: the place is not its last word
    (exec -a mount.mcloudfs bash -c 'echo >"$0" && read -r _ <"$0"' "$BATS_TEST_TMPDIR/stay" home "$M" -o "rw,cloud=lab,state_dir=$STATE") 3>&- &
    timeout 20 cat "$BATS_TEST_TMPDIR/stay"
    timeout 60 "$CHECKOUT/mnt/report" --output "$ARCHIVE" "$M"
    kill $!
    content about.json | jq -e '.secrets_known and .cloud == "lab"'
    content daemon/arguments | grep -x home
}
