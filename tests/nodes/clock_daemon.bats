#!/usr/bin/env bats
# Three nodes, and the one that the daemon is on, with its containers, is five minutes ahead of the others. sudo bats tests/nodes/clock_daemon.bats,
# after a build in build/.

# shellcheck disable=SC2034 # CLOCKS is the rig's
load ../integration/replicated.bash
load nodes.bash
load clock.bash

setup_file() {
    CLOCKS=([1]=300)
    nodes_up replicate=auto
    cloud_regions
    login
}

setup() { CLOCKS=([1]=300); } # a daemon that is mounted by a test has it, too

teardown_file() { nodes_end; }

teardown() { tell_errors; }

@test "its containers and the daemon have that clock, and others haven't" {
    local daemon
    is_off 1 300
    is_off 2 0
    is_off 3 0
    daemon=$(daemon_of_mount)
    grep -q clock.so "/proc/$daemon/maps"
    tr '\0' '\n' <"/proc/$daemon/environ" | grep -x CLOCK_SECONDS=300
}

@test "tokens that are issued there are good everywhere, and those of others there" { tokens_are_good; }

@test "what is written elsewhere is there, and its region takes the role, and gives it back" { role_goes_to Kista Lund Kista Solna; }

@test "the lease is not lost, and the next daemon has it at once" {
    lease_holds 60
    cloud_unmount
    cloud_mount replicate=auto
    in_step_as_is
    lease_holds 30
}

@test "a daemon with the right clock takes over, and one that is ahead again" {
    cloud_unmount
    CLOCKS=()
    cloud_mount replicate=auto
    in_step_as_is
    write right
    cloud_unmount
    CLOCKS=([1]=300)
    cloud_mount replicate=auto
    in_step_as_is
    write ahead
    has Kista right ahead
    has Lund right ahead
}
