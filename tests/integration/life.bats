# The life of a region: killed, repaired, stopped, started, found again, destroyed. In a cloud of its own, as it is taken down.

load common.bash

setup_file() {
    cloud_up "test-life$RUN" 127.82.0.0
    # somebody else's container, of a name as ours would have: it must survive everything
    engine "/containers/create?name=$CLOUD-stranger" -X POST -H 'Content-Type: application/json' \
        -d '{"Image": "'"$(image_of memcached)"'", "Labels": {"org.mcloudfs.test": "stranger"}}' | jq -r .Id >"$DIRECTORY/stranger"
    engine "/volumes/create" -X POST -H 'Content-Type: application/json' \
        -d "{\"Name\": \"$CLOUD-stranger\", \"Labels\": {\"org.mcloudfs.test\": \"stranger\"}}" >/dev/null
    quick mkdir "$M/regions/Kista"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
}

teardown_file() {
    engine "/containers/$(cat "$DIRECTORY/stranger")?force=1" -X DELETE || true
    engine "/volumes/$CLOUD-stranger" -X DELETE || true
    cloud_down
}

setup() {
    R=$M/regions/Kista
}

remount() { mount_cloud "$CLOUD" 127.82.0.0 "$DIRECTORY"; }

@test "a killed container degrades the region, and repair mends it" {
    exec 7<"$M/events"
    put 'kill' "$M/containers/keystone-Kista/ctl"
    timeout 20 grep -m 1 '"degraded"' <&7
    exec 7<&-
    [ "$(quick cat "$R/state")" = degraded ]
    [ -s "$R/error" ]
    quick grep -q 'keystone-Kista is exited.*repair' "$R/error"
    [ "$(quick cat "$M/containers/keystone-Kista/exit_code")" = 137 ]
    quick cat "$M/status" | grep -q 3/4
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    quick cat "$R/catalog" | grep -q identity
    [ ! -s "$R/error" ]
    [ -z "$(quick cat "$R/error")" ]
}

@test "commands of a control file run in their order, and the first that fails ends them" {
    fails_with EBUSY bash -c 'printf "stop\nstart\n" >"$1"' - "$R/ctl"
    quick tail -n 1 "$M/errors" | grep -q 'region Kista is stopping'
    [ "$(slowly cat "$R/wait")" = stopped ]
    put start "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
}

@test "a region where nobody can log in is not called ready, however lately the daemon could" {
    local keystone=$CLOUD-keystone-Kista key=/etc/keystone/fernet-keys/7 url answer=$BATS_TEST_TMPDIR/answer
    url=$(quick cat "$R/endpoints/identity/public")
    quick cat "$M/projects/Default/admin/json" >/dev/null # by a token that the daemon keeps
    in_container "$keystone" ln -s /etc/shadow "$key" # Keystone reads all keys for each new token, and may not read this
    # an answer with all its bytes, though what it does not expect happens where it doesn't look
    [ "$(curl -sS --max-time 20 -o "$answer" -w '%{http_code}' -H 'X-Auth-Token: gAAAAA' "$url/auth/tokens")" = 500 ]
    jq -e '.error.code == 500' "$answer"
    put repair "$R/ctl"
    fails_with EIO cat "$R/wait"
    [ "$(quick cat "$R/state")" = failed ]
    quick grep -q 'login as admin' "$R/error"
    in_container "$keystone" rm -f "$key"
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
}

@test "a paused Keystone holds up only those who ask it" {
    put pause "$M/containers/keystone-Kista/ctl"
    [ "$(quick cat "$M/containers/keystone-Kista/state")" = paused ]
    run timeout -k 5 -s INT 3 cat "$M/projects/Default/admin/json"
    [ "$status" -eq 124 ] # 137 if the signal had done nothing; the deadline of the request comes later
    quick cat "$R/state" "$M/status" >/dev/null
    quick ls -l "$R" >/dev/null
    # The engine calls what was paused unhealthy until its next check has passed.
    exec 7<"$M/events"
    put unpause "$M/containers/keystone-Kista/ctl"
    [ "$(quick cat "$R/state")" = ready ] || timeout 30 grep -m 1 '"ready"' <&7
    exec 7<&-
    quick cat "$M/projects/Default/admin/json" >/dev/null
}

@test "a stopped region says EAGAIN, and starts again with what it held" {
    head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    quick cp "$BATS_TEST_TMPDIR/image" "$R/images/kept"
    quick mkdir "$M/projects/Default/kept"
    address=$(quick cat "$R/address")
    put stop "$R/ctl"
    [ "$(slowly cat "$R/wait")" = stopped ]
    [ "$(quick cat "$M/containers/mysql-Kista/state")" = exited ]
    fails_with EAGAIN cat "$R/catalog"
    fails_with EAGAIN ls "$R/images"
    put start "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    [ "$(quick cat "$R/address")" = "$address" ]
    quick cmp "$BATS_TEST_TMPDIR/image" "$R/images/kept"
    [ -d "$M/projects/Default/kept" ]
}

@test "unmounting leaves the cloud running, and mounting finds it" {
    unmount "$M"
    left_of "$CLOUD" | grep -q keystone-Kista
    remount
    [ "$(quick cat "$R/state")" = ready ]
    quick cat "$R/catalog" >/dev/null
    [ -f "$R/images/kept" ]
}

@test "a stopped region stays stopped over a mount" {
    put stop "$R/ctl"
    [ "$(slowly cat "$R/wait")" = stopped ]
    unmount "$M"
    remount
    [ "$(quick cat "$R/state")" = stopped ]
    put restart "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
}

@test "a second mount of the same cloud is refused" {
    mkdir -p "$BATS_TEST_TMPDIR/other"
    run quick "$MCLOUDFS" -o "cloud=$CLOUD,base=$(here 127.82.0.0),state_dir=$DIRECTORY/state,socket=$SOCKET" "$BATS_TEST_TMPDIR/other"
    [ "$status" -ne 0 ]
    [[ $output == *"$CLOUD"* ]]
}

@test "a killed daemon leaves a mount that can be replaced" {
    kill_daemon
    remount
    [ "$(slowly cat "$R/wait")" = ready ]
}

# Each namespace that is made while it is mounted has a copy of the mount, for which the kernel keeps it.
@test "an unmount ends the daemon, whoever has a copy of the mount" {
    coproc copy { exec unshare --mount --propagation private sh -c 'echo made; exec cat'; }
    read -r -t 30 -u "${copy[0]}"
    daemon=$(daemon_of "$M")
    exec 7<"$R/state"
    quick fusermount3 -uz "$M"
    # whoever has a file of it open goes on reading
    [ "$(quick cat <&7)" = ready ]
    # and what is mounted there meanwhile is not its own
    mount -t tmpfs somebody "$M"
    exec 7<&-
    await_exit "$daemon"
    mountpoint -q "$M"
    umount "$M"
    # shellcheck disable=SC2154 # coproc assigns it
    kill "$copy_PID"
    remount
    [ "$(slowly cat "$R/wait")" = ready ]
}

@test "blocked readers don't hold up an unmount" {
    timeout 60 cat "$M/events" >/dev/null 2>&1 &
    timeout 60 cat "$M/containers/mysql-Kista/log.follow" >/dev/null 2>&1 &
    daemon=$(daemon_of "$M")
    quick cat "$R/state"
    kill -TERM "$daemon"
    await_exit "$daemon"
    ! mountpoint -q "$M" || quick fusermount3 -uz "$M"
    remount
    [ "$(quick cat "$R/state")" = ready ]
}

@test "rmdir refuses a region that holds images, and leaves nothing of an empty one" {
    fails_with ENOTEMPTY rmdir "$R"
    [ "$(quick cat "$R/state")" = ready ]
    quick rm "$R/images/kept"
    slowly rmdir "$R"
    [ ! -e "$R" ]
    [ -z "$(left_of "$CLOUD")" ]
    [ ! -e "$DIRECTORY/state/$CLOUD.json" ]
    [ -z "$(quick ls "$M/containers")" ]
}

@test "somebody else's container and volume have survived" {
    [ "$(engine "/containers/$(cat "$DIRECTORY/stranger")/json" | jq -r .Name)" = "/$CLOUD-stranger" ]
    engine "/volumes/$CLOUD-stranger" >/dev/null
}

@test "a region comes again after the last one went" {
    quick mkdir "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    quick cat "$M/regions/Solna/catalog" | grep -q "$(here 127.82.1.1)"
    put destroy "$M/regions/Solna/ctl"
    slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$M/regions/Solna"
    [ -z "$(left_of "$CLOUD")" ]
}
