# Clients write at three regions while databases, networks and the daemon fail and the master's role moves, all at random; then all is
# brought back, and everything that was acknowledged must be everywhere. MCLOUD_SEED=… runs the same again, MCLOUD_LOST_SECONDS=1200
# longer.

load ../../integration/common.bash

CLOUD=test-lost$RUN

setup() {
    DIRECTORY=$BATS_TEST_TMPDIR/cloud
    M=$DIRECTORY/mnt
    sweep "$CLOUD"
    mount_cloud "$CLOUD" 127.91.0.0 "$DIRECTORY"
}

teardown() {
    mountpoint -q "$M" && unmount "$M"
    sweep "$CLOUD"
}

@test "what was acknowledged is nowhere lost" {
    local region seconds=${MCLOUD_LOST_SECONDS:-180} options
    quick mkdir "$M"/regions/{Kista,Solna,Lund}
    slowly cat "$M"/regions/{Kista,Solna,Lund}/wait
    for region in Solna Lund; do put start "$M/regions/$region/replication/ctl"; done
    slowly cat "$M"/regions/{Solna,Lund}/wait
    put semisync "$M/regions/Kista/replication/mode"
    (umask 077 && jq -r '"[client]\nuser=root\npassword=\(.db_root)"' "$DIRECTORY/state/$CLOUD.json" >"$DIRECTORY/root.cnf")
    options="cloud=$CLOUD,base=$(here 127.91.0.0),state_dir=$DIRECTORY/state,socket=$SOCKET"
    # the time for healing, and for the last look, comes on top
    timeout -k 10 $((seconds + 400)) env MCLOUD_LOST_SECONDS="$seconds" python3 -B "$BATS_TEST_DIRNAME/../lost.py" \
        "$M" "$CLOUD" "$DIRECTORY/root.cnf" "$MCLOUDFS" -o "$options" "$M" | tee "${MCLOUD_LOST_LOG:-/dev/null}"
    [ "${PIPESTATUS[0]}" -eq 0 ]
}
