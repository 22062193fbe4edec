#!/usr/bin/env bats
# tests/fault/lost over three nodes: clients write at three regions while cables, engines, databases and the daemon fail and the master's role
# moves, all at random; then all is brought back, and everything that was acknowledged must be everywhere. sudo bats tests/nodes/lost.bats, after
# a build in build/. MCLOUD_SEED=… runs the same again, MCLOUD_LOST_SECONDS=1200 longer.

load ../integration/replicated.bash
load nodes.bash

setup_file() {
    nodes_up replicate=auto
    cloud_regions
}

teardown_file() { nodes_end; }

teardown() { tell_errors; }

@test "what was acknowledged over nodes is nowhere lost" {
    local seconds=${MCLOUD_LOST_SECONDS:-600} seed=${MCLOUD_SEED:-$SRANDOM} ca=$NODES/ca.pem
    echo "# MCLOUD_SEED=$seed" >&3
    DIRECTORY=$NODES CLOUD=$MOUNTED write_login "$NODES/root.cnf"
    [ -s "$ca" ]
    # the time for healing, and for the last look, comes on top
    in_network 1 timeout -k 10 $((seconds + 1500)) env MCLOUD_SEED="$seed" MCLOUD_LOST_SECONDS="$seconds" SSL_CERT_FILE="$ca" \
        python3 -B "$BATS_TEST_DIRNAME/lost_nodes.py" "$M" "$MOUNTED" "$NODES/root.cnf" \
        "$MCLOUDFS" -o "$(cloud_options replicate=auto)" "$M" | tee "${MCLOUD_LOST_LOG:-/dev/null}"
    [ "${PIPESTATUS[0]}" -eq 0 ]
}
