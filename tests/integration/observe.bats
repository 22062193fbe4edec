# What watches a cloud from outside: metrics. Uses the suite's cloud.

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
