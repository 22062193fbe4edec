# Verified copies of images in a directory (-o cache=): made by one read, used by later ones, of other mounts too, and never wrong. The
# suite's cloud is mounted anew with such a directory, $C; a second daemon attaches to it at $A.

bats_require_minimum_version 1.5.0
load common.bash
load attached.bash

setup_file() {
    export TOP
    TOP=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-copies.XXXXXX")
    end_daemon
}

teardown_file() {
    mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE"
    rm -rf "$TOP"
}

setup() {
    attached_setup cache
    C=$TOP/$BATS_TEST_NUMBER
    mkdir -m 700 "$C"
    I=$K/images/$N
    T=$BATS_TEST_TMPDIR
}

teardown() {
    local image
    tell_errors
    attached_teardown
    mountpoint -q "$M" || mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE"
    for image in "$I"*; do [ ! -e "$image" ] || quick rm "$image"; done
    ! mountpoint -q "$M" || end_daemon
    ! mountpoint -q "$C" || umount "$C"
}

# with_cache [OPTION…]: the cloud is mounted with copies in $C.
with_cache() { mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE" "cache=$C" "$@"; }

again() {
    end_daemon
    with_cache "$@"
}

random() { head -c "$1" /dev/urandom >"$2"; }

# put_image SIZE [SUFFIX]: image $N of random bytes, which are in $T/in.
put_image() {
    random "$1" "$T/in${2:-}"
    slowly cp "$T/in${2:-}" "$I${2:-}"
}

# data_requests [MOUNT]: so often it has asked Glance for bytes.
data_requests() { quick grep -cE ' GET (/v2)?/images/[^ ]*/file ' "${1:-$M}/journal" || true; }

copies() { find "$C" -type f -name 'sha512-*' | wc -l; }

await_copies() { quick bash -c 'while [ "$(ls "$1" | wc -l)" -ne "$2" ]; do :; done' await_copies "$C" "$1"; }

# forget FILE: its pages in the kernel.
forget() { quick dd if="$1" iflag=nocache count=0 status=none; }

metric() { quick sed -n "s/^mcloudfs_image_$1_bytes_total{region=\"Kista\".*} //p" "$M/metrics"; }

@test "a second read asks for no data, in the same mount, the next, and another one" {
    with_cache
    put_image 40000001
    slowly cmp "$T/in" "$I"
    await_copies 1
    [ "$(find "$C" -name 'sha512-*' -perm 0600)" = "$C/sha512-$(sha512sum <"$T/in" | cut -d ' ' -f 1)-40000001" ]
    asked=$(data_requests)
    [ "$asked" -gt 0 ]
    forget "$I"
    slowly cmp "$T/in" "$I"
    [ "$(data_requests)" -eq "$asked" ]
    [ "$(metric cached)" -ge 40000001 ]
    again
    slowly cmp "$T/in" "$I"
    slowly dd if="$I" bs=1 skip=39999990 count=5 status=none | cmp - <(tail -c +39999991 "$T/in" | head -c 5)
    [ "$(data_requests)" -eq 0 ]
    [ "$(metric cached)" -le "$(metric read)" ]
    # Pages that were read from the copy stay, as those of a verified image do.
    read=$(metric read)
    slowly cmp "$T/in" "$I"
    [ "$(metric read)" -eq "$read" ]
    # Another daemon, with another login, and no root's engine.
    quick cp "$M/clouds.yaml" "$CLOUDS"
    attach "" "cache=$C"
    slowly cmp "$T/in" "$A/regions/Kista/images/$N"
    [ "$(data_requests "$A")" -eq 0 ]
    # What has the same bytes has the same copy.
    slowly cp "$T/in" "$I-2"
    asked=$(data_requests)
    slowly cmp "$T/in" "$I-2"
    [ "$(data_requests)" -eq "$asked" ]
    [ "$(copies)" -eq 1 ]
    [ ! -s "$M/errors" ]
}

@test "without verification, copies are verified nevertheless" {
    with_cache verify=off
    put_image 3000001
    slowly cmp "$T/in" "$I"
    await_copies 1
    again verify=off
    slowly cmp "$T/in" "$I"
    [ "$(data_requests)" -eq 0 ]
}

@test "a byte that changes on the disk is never given" {
    with_cache
    put_image 3000001
    slowly cmp "$T/in" "$I"
    for place in 0 1500000 3000000 3000003; do
        await_copies 1
        copy=$(echo "$C"/sha512-*)
        byte=$(tail -c "+$((place + 1))" "$copy" | head -c 1 | od -An -tu1)
        printf "\\$(printf %o $((byte ^ 8)))" | dd of="$copy" bs=1 seek="$place" conv=notrunc status=none
        forget "$I"
        slowly cmp "$T/in" "$I"
        quick tail -n 1 "$M/errors" | grep -q "isn't what it was any more, so it was removed"
        # It is made again by a read of all.
        again
        slowly cmp "$T/in" "$I"
    done
    await_copies 1
    truncate -s 1000 "$C"/sha512-*
    again
    slowly cmp "$T/in" "$I"
    [ "$(data_requests)" -gt 0 ]
}

@test "a daemon that is killed leaves whole copies and nothing else" {
    with_cache
    put_image 60000001
    for part in 1 20000000 59000000 60000001 60000001 60000001; do
        rm -f "$C"/*
        again
        head -c "$part" "$I" | cmp - <(head -c "$part" "$T/in")
        [ "$part" -ne 60000001 ] || slowly cmp "$T/in" "$I"
        kill_daemon
        [ "$(find "$C" -mindepth 1 | wc -l)" -eq "$(copies)" ]
        with_cache
        made=$(copies)
        slowly cmp "$T/in" "$I"
        [ "$made" -eq 0 ] || [ "$(data_requests)" -eq 0 ]
    done
    await_copies 1
    kill_daemon
    with_cache
    slowly cmp "$T/in" "$I"
    [ "$(data_requests)" -eq 0 ]
}

@test "two daemons that read at once in a directory too small for all give right bytes and keep to the room" {
    with_cache cache_size=9M
    for i in 1 2 3 4; do put_image $((4000000 + i)) "-$i"; done
    quick cp "$M/clouds.yaml" "$CLOUDS"
    attach "" "cache=$C,cache_size=9M"
    read_all() {
        local round i
        for round in 1 2 3 4 5; do
            for i in $((round % 4 + 1)) 1 2 3 4; do
                forget "$1-$i"
                slowly cmp "$T/in-$i" "$1-$i" || return 1
            done
        done
    }
    read_all "$I" &
    other=$!
    read_all "$A/regions/Kista/images/$N"
    wait "$other"
    # An unmount ends what is being checked.
    unmount "$A"
    end_daemon
    [ "$(copies)" -ge 1 ] && [ "$(copies)" -le 2 ]
    [ "$(find "$C" -mindepth 1 | wc -l)" -eq "$(copies)" ]
    # The last one is there, and isn't asked for.
    with_cache cache_size=9M
    slowly cmp "$T/in-1" "$I-1"
    slowly cmp "$T/in-4" "$I-4"
    await_copies 2
    [ ! -s "$M/errors" ] || run ! quick grep -q 'the copy' "$M/errors"
}

@test "a disk that is full, read-only or gone: reads go on, and that is said once" {
    [ "$(id -u)" -eq 0 ]
    mount -t tmpfs -o size=8m,mode=700 tmpfs "$C"
    with_cache
    put_image 20000001
    put_image 2000001 -2
    for _ in 1 2; do
        forget "$I"
        slowly cmp "$T/in" "$I"
    done
    again
    for _ in 1 2; do
        forget "$I"
        slowly cmp "$T/in" "$I"
    done
    [ "$(quick grep -c "the copy .* can't be made.*: No space left on device" "$M/errors")" -eq 1 ]
    [ "$(copies)" -eq 0 ]
    # What fits is kept.
    slowly cmp "$T/in-2" "$I-2"
    await_copies 1
    mount -o remount,ro "$C"
    again
    slowly cmp "$T/in-2" "$I-2"
    [ "$(data_requests)" -eq 0 ]
    slowly cmp "$T/in" "$I"
    [ "$(quick grep -c "the copy .* can't be made" "$M/errors")" -eq 1 ]
    end_daemon
    umount "$C"
    with_cache
    rmdir "$C"
    slowly cmp "$T/in" "$I"
    [ "$(quick grep -c "the copy .* can't be made.*: No such file or directory" "$M/errors")" -eq 1 ]
    mkdir -m 700 "$C"
}

@test "a directory that isn't the user's own is refused" {
    mkdir -m 777 "$C/open"
    chmod 777 "$C/open"
    run ! mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE" "cache=$C/open"
    [[ $output == *"chmod go-w $C/open"* ]]
    touch "$C/file"
    run ! mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE" "cache=$C/file"
    [[ $output == *"$C/file: Not a directory"* ]]
    run ! mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE" "cache=copies"
    [[ $output == *"an absolute path is needed"* ]]
    run ! mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE" "cache=$C" cache_size=lots
    [[ $output == *"a size is needed"* ]]
    run ! mountpoint -q "$M"
    # One that isn't there is made.
    C=$C/new
    with_cache
    [ "$(stat -c %a "$C")" = 700 ]
    C=$TOP/$BATS_TEST_NUMBER
}
