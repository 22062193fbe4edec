#!/usr/bin/env bats
# A node of three whose clock is five minutes ahead of the others'. sudo bats tests/nodes/clock_node.bats, after a build in build/.

# shellcheck disable=SC2034 # CLOCKS is the rig's
load ../integration/replicated.bash
load nodes.bash
load clock.bash

setup_file() {
    CLOCKS=([3]=300)
    nodes_up replicate=auto
    cloud_regions
    login
}

teardown_file() { nodes_end; }

teardown() { tell_errors; }

@test "its containers have that clock, and others haven't" {
    is_off 3 300
    is_off 2 0
    is_off 1 0
}

@test "tokens that are issued there are good everywhere, and those of others there" { tokens_are_good; }

@test "what is written elsewhere is there, and its region takes the role, and gives it back" { role_goes_to Lund Solna Lund Kista; }

@test "an image goes there, and comes back" {
    head -c 10000000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    slowly cp "$BATS_TEST_TMPDIR/image" "$M/regions/Lund/images/ahead"
    slowly cmp "$BATS_TEST_TMPDIR/image" "$M/regions/Lund/images/ahead"
    quick rm "$M/regions/Lund/images/ahead"
}

@test "the lease is not lost, nor for a node that was away" {
    lease_holds 60
    unplug 3
    until_line 90 "$M/status" '^Lund +slave +degraded '
    plug 3
    in_step_as_is
}
