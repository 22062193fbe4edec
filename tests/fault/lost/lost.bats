# Clients write at three regions while databases, networks and the daemon fail and the master's role moves, all at random; then all is
# brought back, and everything that was acknowledged must be everywhere. MCLOUD_SEED=… runs the same again, MCLOUD_LOST_SECONDS=1200
# longer.

load ../../integration/common.bash
load ../../integration/replicated.bash

setup() { cloud_up "test-lost$RUN" 127.91.0.0; }

teardown() { cloud_down; }

@test "what was acknowledged is nowhere lost" {
    local seconds=${MCLOUD_LOST_SECONDS:-180} seed=${MCLOUD_SEED:-$SRANDOM} options
    echo "# MCLOUD_SEED=$seed" >&3
    regions_up Kista Solna Lund
    put semisync "$M/regions/Kista/replication/mode"
    write_login "$DIRECTORY/root.cnf"
    options="cloud=$CLOUD,base=$(here 127.91.0.0),state_dir=$DIRECTORY/state,socket=$SOCKET${MCLOUD_TEST_TLS:+,tls=on}"
    # the time for healing, and for the last look, comes on top
    timeout -k 10 $((seconds + 400)) env MCLOUD_SEED="$seed" MCLOUD_LOST_SECONDS="$seconds" python3 -B "$BATS_TEST_DIRNAME/../lost.py" \
        "$M" "$CLOUD" "$DIRECTORY/root.cnf" "$MCLOUDFS" -o "$options" "$M" | tee "${MCLOUD_LOST_LOG:-/dev/null}"
    [ "${PIPESTATUS[0]}" -eq 0 ]
}
