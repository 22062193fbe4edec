# The daemon is killed with -9 after each step of a start, and of a destruction; another mount finishes what was begun.

load ../integration/common.bash

setup() {
    cloud_up "test-kill$RUN" 127.84.0.0
    R=$M/regions/Kista
}

teardown() { cloud_down; }

# Kills the daemon, and mounts again.
kill_and_remount() {
    kill_daemon
    mount_cloud "$CLOUD" 127.84.0.0 "$DIRECTORY"
}

@test "a start goes on after a kill at each of its steps" {
    steps=15 # of mc_start_steps; checked below against what progress says
    for ((step = 0; step <= steps; step++)); do
        quick mkdir "$R"
        if ((step)); then slowly grep -m "$step" '^\[' "$R/progress" >"$BATS_TEST_TMPDIR/progress"; fi
        kill_and_remount
        state=$(slowly cat "$R/wait") || { echo "killed after step $step: $state" && return 1; }
        [ "$state" = ready ]
        quick grep -q identity "$R/catalog"
        slowly rmdir "$R"
        [ -z "$(left_of "$CLOUD")" ]
    done
    grep -q "$steps/$steps" "$BATS_TEST_TMPDIR/progress"
}

@test "a destruction goes on after a kill at each of its steps" {
    for ((step = 1; step <= 7; step++)); do
        quick mkdir "$R"
        [ "$(slowly cat "$R/wait")" = ready ]
        exec 7<"$M/events"
        put destroy "$R/ctl"
        for ((seen = 0; seen < step; seen++)); do
            timeout 60 bash -c 'while read -r line; do case $line in *step*|*\"gone\"*) exit 0;; esac; done; exit 1' <&7
        done
        exec 7<&-
        kill_and_remount
        slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$R"
        [ -z "$(left_of "$CLOUD")" ]
        [ ! -e "$DIRECTORY/state/$CLOUD.json" ]
    done
}
