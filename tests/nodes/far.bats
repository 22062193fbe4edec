#!/usr/bin/env bats
# A node that is far away: what is said there is heard 100 ms later, and the answer takes as long again. sudo bats tests/nodes/far.bats, after a build
# in build/.

load nodes.bash

LATENCY=100 # ms each way

setup_file() {
    nodes_up replicate=auto
    quick mkdir "$M/nodes/node1/regions/Kista"
    ready Kista
    # The images for containers are there: to bring them would take most of the time.
    docker save "${IMAGES[@]}" | docker_at 2 load
    slow 2 $LATENCY
}

teardown_file() { nodes_end; }

teardown() { tell_errors; }

@test "the node is as far away as it is to be" {
    local least
    least=$(in_network 1 ping -n -c 5 -i 0.2 10.99.0.2 | sed -nE 's#^rtt [^=]* = ([0-9]+)\..*#\1#p')
    [ "$least" -ge $((2 * LATENCY)) ]
    [ "$(quick cat "$M/nodes/node2/state")" = ready ]
}

@test "a region starts there, and has what the master has" {
    write before
    quick mkdir "$M/nodes/node2/regions/Solna"
    ready Solna
    in_step_of Kista Solna
    write after
    has Solna before after
}

@test "what was acknowledged is there when the master dies at that moment" {
    local n
    acknowledges Solna
    for n in 1 2 3 4 5; do write "acknowledged-$n"; done
    docker_at 1 kill "$MOUNTED-mysql-Kista" "$MOUNTED-keystone-Kista"
    slowly bash -c "echo promote >'$M/regions/Solna/replication/ctl'"
    ready Solna
    [ "$(master)" = Solna ]
    for n in 1 2 3 4 5; do quick ls -d "$M/regions/Solna/projects/acme/acknowledged-$n"; done
    put repair "$M/regions/Kista/ctl" || true # it may be at work itself
    in_step_of Solna Kista
}

@test "the role goes there and back while all live" {
    if [ "$(master)" != Kista ]; then slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"; fi
    in_step_of Kista Solna
    write here
    slowly bash -c "echo promote >'$M/regions/Solna/replication/ctl'"
    in_step_of Solna Kista
    write there
    slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"
    in_step_of Kista Solna
    has Solna here there
    has Kista here there
}

@test "an image goes there, and comes back, while one frame of a hundred gets lost" {
    slow 2 $LATENCY 0.01
    head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    slowly cp "$BATS_TEST_TMPDIR/image" "$M/regions/Solna/images/far"
    slowly cmp "$BATS_TEST_TMPDIR/image" "$M/regions/Solna/images/far"
    slow 2 $LATENCY
    quick rm "$M/regions/Solna/images/far"
}

@test "no node was taken for lost meanwhile, and the lease was held" {
    run quick grep -E "no other machine has|machine node2 .*can't be reached" "$M/errors"
    [ "$status" -ne 0 ]
    write held
}
