# What is told of a cloud to those who watch it, or help: metrics, transfers, mnt/top, reports. Uses the suite's cloud.

bats_require_minimum_version 1.5.0
load common.bash

# value SAMPLE: the number of the sample that begins so, in `metrics` of now.
value() { quick awk -v sample="$1" 'index($0, sample) == 1 { print $NF }' "$M/metrics"; }

@test "metrics are as Prometheus wants them" {
    quick cat "$M/metrics" >"$BATS_TEST_TMPDIR/metrics"
    promtool check metrics <"$BATS_TEST_TMPDIR/metrics"
    grep -q "^mcloudfs_build_info{version=\"$(quick sed -E 's/mcloudfs ([^,]*),.*/\1/' "$M/version")\"," "$BATS_TEST_TMPDIR/metrics"
    [ "$(grep -cE '^mcloudfs_backend_duration_seconds_bucket\{service="(keystone|glance|mysql)",region="Kista",.*le="\+Inf"\}' "$BATS_TEST_TMPDIR/metrics")" -ge 2 ]
    # two clouds side by side are told apart
    [ -z "$(grep -v '^#' "$BATS_TEST_TMPDIR/metrics" | grep -v "cloud=\"$SUITE_CLOUD\"")" ]
}

@test "metrics count the bytes of images" {
    local written read stored
    written=$(value 'mcloudfs_image_written_bytes_total{region="Kista"') read=$(value 'mcloudfs_image_read_bytes_total{region="Kista"')
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    quick ls "$M/regions/Kista/images" >/dev/null
    stored=$(value 'mcloudfs_images_bytes{region="Kista"')
    quick cp "$BATS_TEST_TMPDIR/image" "$M/regions/Kista/images/observe"
    quick cmp "$BATS_TEST_TMPDIR/image" "$M/regions/Kista/images/observe"
    quick ls "$M/regions/Kista/images" >/dev/null
    [ $(($(value 'mcloudfs_image_written_bytes_total{region="Kista"') - written)) -eq 3000000 ]
    [ $(($(value 'mcloudfs_image_read_bytes_total{region="Kista"') - read)) -ge 3000000 ]
    [ $(($(value 'mcloudfs_images_bytes{region="Kista"') - stored)) -eq 3000000 ]
    quick rm "$M/regions/Kista/images/observe"
}

@test "an upload is seen while it goes on, and how far it is" {
    local images=$M/regions/Kista/images id go=$BATS_TEST_TMPDIR/go wrote=$BATS_TEST_TMPDIR/wrote
    mkfifo "$go" "$wrote"
    timeout 60 python3 -c 'import os, sys
image, go, wrote = sys.argv[1:]
file = os.open(image, os.O_WRONLY | os.O_CREAT)
os.ftruncate(file, 4 << 20)
os.write(file, os.urandom(1 << 20))
print(file=open(wrote, "w"))
open(go).readline()
os.write(file, os.urandom(3 << 20))' "$images/observe" "$go" "$wrote" 3>&- &
    timeout 30 cat "$wrote"
    # kind, region, id, name, done, size
    run -0 quick cut -f 1-6 "$M/transfers"
    id=$(cut -f 3 <<<"$output")
    [ "$output" = "$(printf 'upload\tKista\t%s\tobserve\t1048576\t4194304' "$id")" ]
    quick head -n 1 "$M/regions/Kista/images-by-id/$id/progress" | grep -E '^\[#{5} {15}\] +[0-9.]+ s  upload: 1\.0 of 4\.0 MiB'
    quick "$BATS_TEST_DIRNAME/../../mnt/top" --once "$M" >"$BATS_TEST_TMPDIR/top"
    grep -E '^\[#{5} {15}\] upload observe > Kista +1\.0 MiB of 4\.0 MiB' "$BATS_TEST_TMPDIR/top"
    grep -E '^Kista +master +ready ' "$BATS_TEST_TMPDIR/top"
    grep -qx '5 containers, 5 serve' "$BATS_TEST_TMPDIR/top"
    # who reads it to its end waits for the end of the upload
    quick cat "$M/regions/Kista/images-by-id/$id/progress" >"$BATS_TEST_TMPDIR/progress" &
    reader=$!
    timeout 30 bash -c 'echo >"$1"' go "$go"
    wait "$reader"
    [ "$(quick cat "$M/regions/Kista/images-by-id/$id/status")" = active ]
    [ -z "$(quick cat "$M/transfers")" ]
    quick rm "$images/observe"
}

@test "a report has all that helps, and no secret" {
    local state=$SUITE/state/$SUITE_CLOUD.json report=$BATS_TEST_TMPDIR/report.tar.gz checkout=$BATS_TEST_DIRNAME/../.. files secret
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
    tar -xzOf "$report" --wildcards '*/about.json' | jq -e --arg cloud "$SUITE_CLOUD" '.secrets_known and .cloud == $cloud and .unread[0] == "clouds.yaml"'
    tar -xzOf "$report" --wildcards '*/engine/containers.json' | jq -e 'length == 5'
    tar -xzOf "$report" --wildcards '*/daemon/status' | grep -q '^State:.*stopped'
    quick cat "$M/regions/Kista/state"
}
