# -o replicate=auto: new slaves replicate without being told. A cloud of its own; the tests build on one another.

load common.bash
load replicated.bash

setup_file() { cloud_up "test-auto$RUN" 127.96.0.0 replicate=auto; }

teardown_file() { cloud_down; }

teardown() { tell_errors; }

remount() { mount_cloud "$CLOUD" 127.96.0.0 "$DIRECTORY" "$@"; }

@test "two regions that are made at once become a master and its replica" {
    quick mkdir "$M/regions/Kista" "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(quick cat "$M/regions/Kista/wait")" = ready ]
    roles Kista Solna
    [ "$(quick cat "$M/regions/Solna/replication/state")" = running ]
    quick mkdir "$M/projects/Default/both"
    in_step Solna
    quick ls "$M/regions/Solna/projects/Default" | grep -qx both
}

@test "a daemon killed meanwhile: the next one goes on with it" {
    quick mkdir "$M/regions/Lund"
    kill_daemon
    remount replicate=auto
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
    [ "$(quick cat "$M/regions/Lund/replication/state")" = running ]
    slowly rmdir "$M/regions/Lund"
}

@test "a mount without it: a new slave stands by, and what replicates goes on" {
    end_daemon
    remount
    quick mkdir "$M/regions/Lund"
    [ "$(slowly cat "$M/regions/Lund/wait")" = standby ]
    [ "$(quick cat "$M/regions/Solna/replication/state")" = running ]
}
