# What is missing, taken or gone: each has its errno and its sentence, and mends itself where it can.

load common.bash

setup_file() {
    export CLOUD=test-faults$RUN
    sweep "$CLOUD"
}

teardown_file() { sweep "$CLOUD"; }

setup() {
    DIRECTORY=$BATS_TEST_TMPDIR/cloud
    M=$DIRECTORY/mnt
    R=$M/regions/Kista
}

teardown() {
    if [ -n "${relay:-}" ]; then kill -- "-$relay" 2>/dev/null || true; fi
    if [ -n "${taker:-}" ]; then kill "$taker" 2>/dev/null || true; fi
    mountpoint -q "$M" && unmount "$M"
    if [ -n "${DISK:-}" ]; then umount -l "$DISK" 2>/dev/null || true; fi
    sweep "$CLOUD"
}

# A relay in front of the engine's socket stands for the engine: it can be stopped and started without harm to anybody else.
relay_start() {
    setsid socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/engine.sock,fork,unlink-early" "UNIX-CONNECT:$SOCKET" 3>&- &
    relay=$! # and the number of its process group, in which its connections are
    timeout 20 bash -c 'until [ -S "$1" ]; do read -rt 0.05 || true; done' - "$BATS_TEST_TMPDIR/engine.sock" < <(tail -f /dev/null)
}

relay_stop() {
    kill -- "-$relay"
    wait "$relay" 2>/dev/null || true
    rm -f "$BATS_TEST_TMPDIR/engine.sock"
    relay=
}

mount_relayed() { SOCKET=$BATS_TEST_TMPDIR/engine.sock mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY" timeout=5; }

@test "without an engine the mount is there, and says what is wrong; with it, all works" {
    mount_relayed
    [ -z "$(quick ls "$M/regions")" ]
    fails_with ECONNREFUSED mkdir "$R"
    [ -z "$(quick ls "$M/regions")" ]
    quick tail -n 1 "$M/errors" | grep -q ECONNREFUSED
    exec 7<"$M/events"
    relay_start
    timeout 20 grep -m 1 '"connected"' <&7
    exec 7<&-
    quick mkdir "$R"
    [ "$(slowly cat "$R/wait")" = ready ]

    # the engine goes and comes back under a running cloud
    exec 7<"$M/events"
    relay_stop
    timeout 20 grep -m 1 '"disconnected"' <&7
    [ "$(quick cat "$R/state")" = degraded ]
    quick grep -q 'engine' "$R/error"
    fails_with ECONNREFUSED bash -c 'echo stop >"$1"' - "$R/ctl"
    quick grep -q identity "$R/catalog"
    relay_start
    timeout 20 grep -m 1 '"ready"' <&7
    exec 7<&-
    [ "$(quick cat "$R/state")" = ready ]
    # one that comes back without what ran, as after its restart
    exec 7<"$M/events"
    relay_stop
    timeout 20 grep -m 1 '"disconnected"' <&7
    for container in mysql keystone glance memcached; do engine "/containers/$CLOUD-$container-Kista/kill" -X POST; done
    relay_start
    slowly grep -m 1 '"ready"' <&7
    exec 7<&-
    quick grep -q identity "$R/catalog"
    slowly rmdir "$R"
    [ -z "$(left_of "$CLOUD")" ]
}

@test "a mkdir that fails half-way leaves no region behind, neither now nor at the next mount" {
    setsid python3 -B "$BATS_TEST_DIRNAME/cut_engine.py" "$BATS_TEST_TMPDIR/engine.sock" "$SOCKET" 3>&- &
    relay=$!
    timeout 20 bash -c 'until [ -S "$1" ]; do read -rt 0.05 || true; done' - "$BATS_TEST_TMPDIR/engine.sock" < <(tail -f /dev/null)
    mount_relayed
    run quick mkdir "$R"
    [ "$status" -ne 0 ]
    [ -z "$(quick ls "$M/regions")" ]
    unmount "$M"
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    [ -z "$(quick ls "$M/regions")" ]
    quick mkdir "$R" # whatever of the first one is in the engine
    put destroy "$R/ctl"
    slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$R"
    [ -z "$(left_of "$CLOUD")" ]
}

@test "a port that somebody else has fails the start with its number, and rmdir leaves nothing" {
    socat "TCP-LISTEN:9292,bind=$(here 127.83.1.1),reuseaddr,fork" EXEC:/bin/true 3>&- &
    taker=$!
    timeout 20 bash -c 'until ss -ltn | grep -q "$1:9292"; do read -rt 0.05 || true; done' - "$(here 127.83.1.1)" < <(tail -f /dev/null)
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    quick mkdir "$R"
    run slowly cat "$R/wait"
    [ "$status" -ne 0 ]
    [[ $output == *9292* ]]
    [ "$(quick cat "$R/state")" = failed ]
    quick grep -q 9292 "$R/error"
    fails_with EIO cat "$R/catalog"
    kill "$taker"
    wait "$taker" 2>/dev/null || true
    taker=
    put start "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    [ -z "$(quick cat "$R/error")" ]
    slowly rmdir "$R"
    [ -z "$(left_of "$CLOUD")" ]
}

@test "a region that is starting is broken off by destroy" {
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    quick mkdir "$R"
    fails_with EBUSY rmdir "$R"
    fails_with EBUSY bash -c 'echo stop >"$1"' - "$R/ctl"
    exec 7<"$M/events"
    put destroy "$R/ctl"
    timeout 120 grep -m 1 '"gone"' <&7
    exec 7<&-
    slowly cat "$R/wait" 2>/dev/null || true
    [ ! -e "$R" ]
    [ -z "$(left_of "$CLOUD")" ]
}

@test "readers of a starting region wait, and can be interrupted" {
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    quick mkdir "$R"
    run timeout -k 20 -s INT 1 cat "$R/catalog"
    [ "$status" -eq 124 ] # 137 if the signal had done nothing
    slowly cat "$R/catalog" | grep -q identity
    [ "$(quick cat "$R/state")" = ready ]
}

@test "options that make no sense are refused with a sentence" {
    mkdir -p "$M"
    for option in base=nonsense base=10.0.0.0 ttl=-1 timeout=x verify=maybe engine=lxc cloud=a/b cloud= ldap_suffix=x nonsense=1; do
        run quick "$MCLOUDFS" -o "$option" "$M"
        [ "$status" -ne 0 ]
        [[ $output == *"${option%%=*}"* ]]
    done
    run quick "$MCLOUDFS" -o "cloud=$CLOUD" "$M/nowhere"
    [ "$status" -ne 0 ]
    run quick "$MCLOUDFS"
    [ "$status" -ne 0 ]
    quick "$MCLOUDFS" --help | grep -q 'mkdir'
    quick "$MCLOUDFS" --version | grep -q '^mcloudfs '
}

# full_disk KIND SIZE: the disk on which the data of Kista's service are to lie has no more room than SIZE.
full_disk() {
    DISK=$DIRECTORY/state/$CLOUD/data/$1-Kista
    (umask 077 && mkdir -p "$DISK")
    mount -t tmpfs -o "size=$2,mode=700" tmpfs "$DISK"
}

@test "a disk that is full fails the start, which says so, and rmdir leaves nothing" {
    full_disk mysql 40m
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    quick mkdir "$R"
    run slowly cat "$R/wait"
    [ "$status" -ne 0 ]
    [[ $output == *"no space left"* ]]
    [ "$(quick cat "$R/state")" = failed ]
    quick grep -q 'no space left' "$R/error"
    quick grep -Pq '\tregions/Kista\tENOSPC\tengine\t' "$M/errors"
    umount "$DISK"
    slowly rmdir "$R"
    [ -z "$(left_of "$CLOUD")" ]
}

@test "an image that the disk has no room for is refused at close, and what has room is taken" {
    full_disk glance 4m
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    quick mkdir "$R"
    [ "$(slowly cat "$R/wait")" = ready ]
    head -c 8000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
    head -c 1000000 "$BATS_TEST_TMPDIR/big" >"$BATS_TEST_TMPDIR/small"
    fails_with ENOSPC cp "$BATS_TEST_TMPDIR/big" "$R/images/big"
    quick grep -Pq '\tregions/Kista/images/big\tENOSPC\tglance-Kista\t413\t' "$M/errors"
    [ -z "$(quick ls "$R/images")" ]
    quick cp "$BATS_TEST_TMPDIR/small" "$R/images/small"
    quick cmp "$BATS_TEST_TMPDIR/small" "$R/images/small"
    umount -l "$DISK"
    put destroy "$R/ctl"
    slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$R"
    [ -z "$(left_of "$CLOUD")" ]
}

@test "images that are missing are named, with what to do" {
    mount_cloud "$CLOUD" 127.83.0.0 "$DIRECTORY"
    image=$(image_of memcached)
    engine "/images/$image/tag?repo=mcloudfs-test-kept&tag=latest" -X POST
    engine "/images/$image?noprune=1" -X DELETE >/dev/null
    quick mkdir "$R"
    run slowly cat "$R/wait"
    engine "/images/mcloudfs-test-kept:latest/tag?repo=${image%:*}&tag=${image#*:}" -X POST
    engine "/images/mcloudfs-test-kept:latest?noprune=1" -X DELETE >/dev/null
    [ "$status" -ne 0 ]
    [[ $output == *$image* ]]
    slowly rmdir "$R"
    [ -z "$(left_of "$CLOUD")" ]
}
