# Spares: Keystone and Glance that have loaded, and become a new region's. In a cloud of its own, which has them.

load common.bash

setup_file() {
    cloud_up "test-spare$RUN" 127.78.0.0 spare=1 replicate=auto
    quick mkdir "$M/regions/Kista"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

remount() { mount_cloud "$CLOUD" 127.78.0.0 "$DIRECTORY" replicate=auto "$@"; }

containers() { engine '/containers/json?all=1' | jq -r --arg cloud "$CLOUD" '.[] | select(.Labels["org.mcloudfs.cloud"] == $cloud) | .Names[0][1:]'; }
id_of() { engine "/containers/$1/json" | jq -r .Id; }

# await_spare NUMBER: until it waits for a region. What has happened before is not told again: so the engine is asked, too.
await_spare() {
    exec 7<"$M/events"
    if ! [ "$(engine "/containers/$CLOUD-spare-glance-$1/json" | jq -r .State.Running)" = true ]; then
        timeout 120 grep -m 1 "\"spare $1\"" <&7
    fi
    exec 7<&-
}

# What there is of spare 2, volumes too.
of_spare_2() { left_of "$CLOUD" | grep -E "^/?$CLOUD-(glance\.2|memcached\.2|spare-)"; }

# await_no_spare_2 SINCE: until the engine, which tells what it removed since then, says that the last thing of it is gone.
await_no_spare_2() {
    timeout 120 bash -c "$(declare -f engine labelled left_of of_spare_2); SOCKET=$SOCKET CLOUD=$CLOUD LABEL=$LABEL
        while read -r _; do [[ -n \$(of_spare_2) ]] || exit 0; done" < <(
        echo; curl -sSN --unix-socket "$SOCKET" "http://engine/v1.41/events?since=$1&filters=%7B%22event%22:%5B%22destroy%22%5D%7D")
}

@test "a spare is nobody's service" {
    await_spare 2
    [ "$(containers | grep -c -- "^$CLOUD-spare-")" = 2 ]
    [ -z "$(quick ls "$M/containers" | grep spare)" ]
    quick grep -Eq '^Kista +master +ready .* 4/4' "$M/status"
    [ -z "$(quick grep -e spare-keystone -e spare-glance "$M/topology.dot")" ]
    # and knows no secret: its files come with its region
    run engine "/containers/$CLOUD-spare-keystone-2/archive?path=/etc/keystone/keystone.conf" -o /dev/null
    [ "$status" -ne 0 ]
    run engine "/containers/$CLOUD-spare-glance-2/archive?path=/etc/glance/glance-api.conf" -o /dev/null
    [ "$status" -ne 0 ]
}

@test "a region is made from the spare of its number, and serves" {
    local keystone glance
    await_spare 2
    keystone=$(id_of "$CLOUD-spare-keystone-2") glance=$(id_of "$CLOUD-spare-glance-2")
    quick mkdir "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(id_of "$CLOUD-keystone-Solna")" = "$keystone" ]
    [ "$(id_of "$CLOUD-glance-Solna")" = "$glance" ]
    [ "$(quick cat "$M/containers/keystone-Solna/id")" = "$keystone" ]
    quick grep -Eq '^Solna +slave +ready .* 4/4' "$M/status"
    quick cat "$M/regions/Solna/catalog" | grep -q identity
    head -c 3000000 /dev/urandom >"$BATS_FILE_TMPDIR/image"
    quick cp "$BATS_FILE_TMPDIR/image" "$M/regions/Solna/images/kept"
    quick cmp "$BATS_FILE_TMPDIR/image" "$M/regions/Solna/images/kept"
}

@test "what was made from a spare lives as others do: restarted, stopped and started, made anew" {
    local R=$M/regions/Solna
    put restart "$M/containers/keystone-Solna/ctl"
    put restart "$M/containers/glance-Solna/ctl"
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    quick cmp "$BATS_FILE_TMPDIR/image" "$R/images/kept"
    put stop "$R/ctl"
    [ "$(slowly cat "$R/wait")" = stopped ]
    put start "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    quick cmp "$BATS_FILE_TMPDIR/image" "$R/images/kept"
    for service in keystone glance memcached; do remove "/containers/$CLOUD-$service-Solna?force=1"; done
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    quick cmp "$BATS_FILE_TMPDIR/image" "$R/images/kept"
    [ "$(engine "/containers/$CLOUD-glance-Solna/json" | jq -r '.Mounts[] | select(.Destination == "/var/lib/glance").Name')" = "$CLOUD-glance.2" ]
}

@test "its destruction leaves nothing of it, and the spare of its number comes again" {
    quick rm "$M/regions/Solna/images/kept"
    slowly rmdir "$M/regions/Solna"
    await_spare 2
    [ -z "$(left_of "$CLOUD" | grep Solna)" ]
    [ -z "$(find "$DIRECTORY/state/$CLOUD/data/glance.2" -type f)" ]
}

@test "of two that are made at once one has the spare, the other is made as ever" {
    local glance
    await_spare 2
    glance=$(id_of "$CLOUD-spare-glance-2")
    quick mkdir "$M/regions/Lund" &
    quick mkdir "$M/regions/Malmo"
    wait $!
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
    [ "$(slowly cat "$M/regions/Malmo/wait")" = ready ]
    { id_of "$CLOUD-glance-Lund" && id_of "$CLOUD-glance-Malmo"; } | grep -cx "$glance" | grep -qx 1
    slowly rmdir "$M/regions/Lund"
    slowly rmdir "$M/regions/Malmo"
}

@test "a spare that was broken is no error: the region is made as ever" {
    await_spare 2
    # before the mkdir: one that was adopted already would be a Keystone of the region's that somebody kills
    engine "/containers/$CLOUD-spare-keystone-2/kill" -X POST
    quick mkdir "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    quick cat "$M/regions/Solna/catalog" | grep -q identity
    slowly rmdir "$M/regions/Solna"
}

@test "a daemon that is killed with a spare, or while it is adopted, loses nothing" {
    await_spare 2
    kill_daemon
    remount spare=1
    quick mkdir "$M/regions/Solna"
    timeout 60 grep -m 1 'keystone loads' "$M/regions/Solna/progress" || true
    kill_daemon
    remount spare=1
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    quick cat "$M/regions/Solna/catalog" | grep -q identity
    slowly rmdir "$M/regions/Solna"
}

@test "a mount without spares takes them away, and one that is read-only leaves them" {
    local glance since
    await_spare 2
    glance=$(id_of "$CLOUD-spare-glance-2")
    end_daemon
    remount ro
    [ "$(id_of "$CLOUD-spare-glance-2")" = "$glance" ]
    end_daemon
    since=$(date +%s)
    remount
    await_no_spare_2 "$since"
    [ -z "$(of_spare_2)" ]
    [ ! -e "$DIRECTORY/state/$CLOUD/data/glance.2" ]
    end_daemon
    remount spare=1
}

@test "with the last region all is gone" {
    await_spare 2
    slowly rmdir "$M/regions/Kista"
    [ -z "$(left_of "$CLOUD")" ]
    [ ! -e "$DIRECTORY/state/$CLOUD/data" ]
}
