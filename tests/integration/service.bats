# A cloud with a region that mount(8)'s helper mounts, and that a service manager hears of. A cloud of its own; the tests build on one another.

load common.bash

setup_file() {
    export CLOUD=test-service$RUN DIRECTORY M OPTIONS
    DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-$CLOUD.XXXXXX")
    M=$DIRECTORY/mnt
    mkdir "$M" "$DIRECTORY/state"
    ln -s "$(realpath "$MCLOUDFS")" "$DIRECTORY/mount.mcloudfs"
    OPTIONS="cloud=$CLOUD,base=$(here 127.99.0.0),state_dir=$DIRECTORY/state,socket=$SOCKET${MCLOUD_TEST_RELEASE:+,release=$MCLOUD_TEST_RELEASE}"
    sweep "$CLOUD"
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

# helper [-o OPTION…]: as mount(8) calls it.
# shellcheck disable=SC2120 # by run, it is
helper() { slowly env -i "$DIRECTORY/mount.mcloudfs" lab "$M" -o "rw,$OPTIONS,_netdev,nofail" "$@"; }

@test "the helper returns when the mount answers, and a region starts there" {
    helper
    quick mkdir "$M/regions/Kista"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
}

@test "the place of a killed daemon is mounted anew, and finds the region" {
    local daemon
    daemon=$(pgrep -f "mount.mcloudfs lab $M")
    kill -9 "$daemon"
    await_exit "$daemon"
    helper
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    [ "$(findmnt --list --noheadings "$M" | wc -l)" -eq 1 ]
    run helper -o remount,ro
    [ "$status" -eq 32 ]
    [[ $output == *"takes no other options while it lives"* ]]
    daemon=$(pgrep -f "mount.mcloudfs lab $M")
    unmount "$M"
    await_exit "$daemon"
}

@test "a service manager hears in which states the regions are, when that changes" {
    local daemon listener told=$DIRECTORY/told
    : >"$told"
    socat -u "UNIX-RECV:$DIRECTORY/notify" "OPEN:$told,append" 3>&- &
    listener=$!
    timeout 20 bash -c 'until [ -S "$1" ]; do :; done' - "$DIRECTORY/notify"
    NOTIFY_SOCKET=$DIRECTORY/notify "$MCLOUDFS" -f -o "$OPTIONS" "$M" 3>&- &
    daemon=$!
    # messages have no newline between them
    timeout 60 bash -c 'until grep -q "STATUS=Serves the cloud $1 at .*; regions: 1 ready" "$2"; do sleep 0.1; done' - "$CLOUD" "$told"
    put stop "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = stopped ]
    timeout 60 bash -c 'until grep -q "; regions: 1 stopped" "$1"; do sleep 0.1; done' - "$told"
    kill "$daemon"
    wait "$daemon"
    kill "$listener"
    grep -q STOPPING=1 "$told"
}
