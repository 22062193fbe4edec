# What dies while images are read and written: no wrong byte is read, and no half image stays.

load ../integration/common.bash

setup_file() {
    cloud_up "test-image-faults$RUN" 127.87.0.0 timeout=3
    quick mkdir "$M/regions/Kista"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    # Larger than all that is read ahead or kept on the way.
    head -c 200000000 /dev/urandom >"$BATS_FILE_TMPDIR/in"
    slowly cp "$BATS_FILE_TMPDIR/in" "$M/regions/Kista/images/in"
}

teardown_file() { cloud_down; }

setup() {
    R=$M/regions/Kista
    I=$R/images
    IN=$BATS_FILE_TMPDIR/in
    T=$BATS_TEST_TMPDIR
}

# The one that a test failed with: bats would wait for it.
teardown() { [ -z "${WRITER:-}" ] || kill -9 "$WRITER" 2>/dev/null || true; }

# Glance's own list, past the mount: names and states.
in_glance() {
    curl -sSf --max-time 20 -H "X-Auth-Token: $(quick cat "$R/token")" "$(quick cat "$R/endpoints/image/public")/v2/images" |
        jq -r '.images[] | "\(.name) \(.status)"' | sort
}

# A writer that has written 50 MB of image $1 and waits for a line on $T/go before it closes; its first line says how it ended.
start_writer() {
    mkfifo "$T/ready" "$T/go"
    bash -c 'exec 3>"$1" && head -c 50000000 "$2" >&3 && echo ready >"$3" && read -r <"$4"; exec 3>&-' \
        writer "$I/$1" "$IN" "$T/ready" "$T/go" &
    WRITER=$!
    quick cat "$T/ready" >/dev/null
}

@test "the daemon killed in an upload: the next mount removes what it left" {
    start_writer killed
    [[ $(in_glance) == *"killed saving"* ]]
    daemon=$(daemon_of "$M")
    kill -9 "$daemon"
    await_exit "$daemon"
    echo go >"$T/go"
    wait $WRITER || true
    quick fusermount3 -uz "$M"
    mount_cloud "$CLOUD" 127.87.0.0 "$DIRECTORY" timeout=3
    [ "$(slowly cat "$R/wait")" = ready ]
    slowly bash -c 'while [ -e "$1" ]; do :; done' gone "$I/killed"
    [ "$(in_glance)" = "in active" ]
}

@test "Glance killed in an upload: close fails, and nothing stays" {
    start_writer orphan
    put kill "$M/containers/glance-Kista/ctl"
    echo go >"$T/go"
    wait $WRITER || true
    grep -q orphan "$M/errors"
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    slowly bash -c 'while [ -e "$1" ]; do :; done' gone "$I/orphan"
    quick ls "$I" >/dev/null
    [ "$(in_glance)" = "in active" ]
}

@test "Glance paused in an upload: the writer hears of it within the deadline" {
    put pause "$M/containers/glance-Kista/ctl"
    run timeout 60 bash -c 'head -c 50000000 "$1" >"$2"' paused "$IN" "$I/paused"
    [ "$status" -ne 0 ]
    [ "$status" -ne 124 ]
    put unpause "$M/containers/glance-Kista/ctl"
    # Glance may have taken the request and go on with it, though nobody waits any more: what it makes goes when it is seen.
    slowly bash -c 'until list=$(ls "$1" 2>/dev/null); do :; done; [ "$list" = in ]' back "$I"
    slowly bash -c 'until ls "$1" >/dev/null && [ "$(curl -sSf --max-time 20 -H "X-Auth-Token: $3" \
        "$(cat "$2/endpoints/image/public")/v2/images" | jq -r ".images[].name")" = in ]; do :; done' gone "$I" "$R" "$(quick cat "$R/token")"
}

@test "Glance killed in a read: errors while it is away, then the same open file goes on, and every byte is right" {
    mkfifo "$T/halfway"
    echo 3 >/proc/sys/vm/drop_caches
    python3 - "$I/in" "$IN" "$T/halfway" <<'PY' &
import os, sys
image, local = (os.open(path, os.O_RDONLY) for path in sys.argv[1:3])
size, at, failed = os.fstat(local).st_size, 0, 0
while at < size:
    try:
        part = os.pread(image, 1 << 20, at)
    except OSError:
        failed += 1
        continue
    if part != os.pread(local, len(part), at) or not part:
        sys.exit(f"wrong bytes at {at}")
    at += len(part)
    if at == 50 << 20:
        open(sys.argv[3], "w").close()
PY
    reader=$!
    quick cat "$T/halfway"
    put kill "$M/containers/glance-Kista/ctl"
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    slowly tail --pid=$reader -f /dev/null
    wait $reader
}

@test "an image deleted while it is read: the read fails, or was already there" {
    slowly cp "$IN" "$I/doomed"
    exec 5<"$I/doomed"
    quick head -c 1000 <&5 | cmp -n 1000 - "$IN"
    quick rm "$I/doomed"
    echo 3 >/proc/sys/vm/drop_caches
    run quick tail -c 1000 <&5
    [ "$status" -ne 0 ]
    exec 5<&-
}

@test "a full store: close says ENOSPC, and nothing stays" {
    local pid
    pid=$(engine "/containers/$CLOUD-glance-Kista/json" | jq .State.Pid)
    # a small store in the place of the real one, as Glance sees it
    nsenter -t "$pid" -m mount -t tmpfs -o size=2m,mode=0777 small /var/lib/glance/images
    fails_with ENOSPC cp "$IN" "$I/full"
    [ ! -e "$I/full" ]
    quick tail -n 1 "$M/errors" | grep -q ENOSPC
    slowly cp /etc/os-release "$I/small"
    quick cmp /etc/os-release "$I/small"
    quick rm "$I/small"
    nsenter -t "$pid" -m umount /var/lib/glance/images
    [ "$(in_glance)" = "in active" ]
    slowly cmp "$IN" "$I/in"
}
