# What is told of a cloud to those who watch it: metrics, transfers, mnt/top. Uses the suite's cloud.

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
