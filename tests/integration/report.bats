# mnt/report of a cloud whose logs hold all of its secrets, and of one that hangs. In a cloud of its own, for that.

bats_require_minimum_version 1.5.0
load common.bash

setup_file() {
    cloud_up "test-report$RUN" 127.98.0.0
    quick mkdir "$M/regions/Kista"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
}

teardown_file() {
    put destroy "$M/regions/Kista/ctl" || true
    slowly cat "$M/regions/Kista/progress" >/dev/null 2>&1 || true
    cloud_down
}

@test "a report has all that helps, and no secret" {
    local state=$DIRECTORY/state/$CLOUD.json report=$BATS_TEST_TMPDIR/report.tar.gz checkout=$BATS_TEST_DIRNAME/../.. files secret
    # Keystone logs what it is asked for: each of them, in three ways
    for secret in $(jq -r '.. | strings | ., @uri, @base64, ("admin:" + . | @base64)' "$state"); do
        quick curl -sS -o /dev/null "$(quick cat "$M/regions/Kista/endpoints/identity/public")/$secret"
    done
    quick cat "$M/containers/keystone-Kista/log" >"$BATS_TEST_TMPDIR/log"
    run -1 python3 "$checkout/tests/leaks.py" "$state" "$BATS_TEST_TMPDIR/log"
    [ "$(grep -o 'secret [0-9]*' <<<"$output" | sort -u | wc -l)" -eq "$(jq '[.. | strings] | length' "$state")" ]
    timeout 120 "$checkout/mnt/report" --output "$report" "$M"
    mkdir "$BATS_TEST_TMPDIR/report"
    tar -xzf "$report" -C "$BATS_TEST_TMPDIR/report" --strip-components 1
    cd "$BATS_TEST_TMPDIR/report"
    jq -e '.secrets_known and .unread == []' about.json
    for file in version status errors journal metrics regions/Kista/log regions/Kista/progress containers/keystone-Kista/log containers/keystone-Kista/inspect.json \
        regions/Kista/replication/status engine/version.json daemon/status machine/kernel; do
        [ -s "$file" ] || { echo "$file is empty" && [ "$file" = errors ]; }
    done
    [ "$(wc -l <containers/keystone-Kista/log)" -ge "$(wc -l <"$BATS_TEST_TMPDIR/log")" ]
    mapfile -t files < <(find . -type f)
    python3 "$checkout/tests/leaks.py" "$state" "${files[@]}"
}

@test "a report of a mount that hangs has what the machine and the engine say" {
    local report=$BATS_TEST_TMPDIR/report.tar.gz daemon
    daemon=$(daemon_of "$M")
    kill -STOP "$daemon"
    run timeout 100 "$BATS_TEST_DIRNAME/../../mnt/report" --patience 1 --output "$report" "$M"
    kill -CONT "$daemon"
    [ "$status" -eq 0 ]
    [[ $output == *" did not answer; the archive has the rest"* ]]
    tar -xzOf "$report" --wildcards '*/about.json' | jq -e --arg cloud "$CLOUD" '.secrets_known and .cloud == $cloud and .unread[0] == "clouds.yaml"'
    tar -xzOf "$report" --wildcards '*/engine/containers.json' | jq -e 'length == 5'
    tar -xzOf "$report" --wildcards '*/daemon/status' | grep -q '^State:.*stopped'
    quick cat "$M/regions/Kista/state"
}
