# The core of what a cloud does, on the engine $ENGINE of tests/engines/table, with the restarts of an engine's life.

load engines.bash
bats_require_minimum_version 1.5.0

setup_file() {
    export CLOUD=test-engines DIRECTORY M
    engine_make "${ENGINE:?which of tests/engines/table}"
    # the engine sees it, too
    DIRECTORY=$ENGINE_DIR/cloud
    mkdir "$DIRECTORY"
    M=$DIRECTORY/mnt SOCKET=$ENGINE_DIR/docker.sock
    export SOCKET
    engine_start
    curl -sS --fail --unix-socket "$SOCKET" -X POST -H 'Content-Type: application/x-tar' -T "$(images_save)" http://engine/images/load >"$ENGINE_DIR/load"
    cloud_mount
}

teardown_file() {
    ! mountpoint -q "$M" || unmount "$M" || true
    engine_end
    rm -rf "$DIRECTORY" "$ENGINE_DIR/data"
}

setup() { SOCKET=$ENGINE_DIR/docker.sock; }

teardown() { [ -n "$BATS_TEST_COMPLETED" ] || { quick tail -n 8 "$M/errors" && quick cat "$M/status" && tail -n 5 "$ENGINE_DIR/log"; } || true; }

# of the engine's own API, whatever its version
engine() { curl -sS --fail-with-body --max-time 120 --unix-socket "$SOCKET" "http://engine$1" "${@:2}"; }

ready() { [ "$(slowly cat "$M/regions/$1/wait")" = ready ]; }

# becomes_ready REGION…: by news of it, as nobody says when it begins.
becomes_ready() {
    exec 7<"$M/events"
    quick cat "$M/status"
    for region; do
        until [ "$(quick cat "$M/regions/$region/state")" = ready ]; do timeout 240 head -n 1 <&7 >/dev/null; done
    done
    exec 7<&-
}

token_answers() {
    local token url
    token=$(slowly cat "$M/regions/$1/token") && url=$(quick cat "$M/regions/$1/endpoints/identity/public")
    there curl -sS --fail --max-time 60 -o /dev/null -H "X-Auth-Token: $token" "$url/auth/tokens" -H "X-Subject-Token: $token"
}

@test "the newest API that both know is spoken" {
    spoken=$(engine /version | jq -r '.ApiVersion | split(".")[1] | tonumber | if . > 51 then 51 else . end')
    quick grep -q "(API 1.$spoken)" "$M/version"
}

@test "a region starts, and its public addresses serve" {
    quick mkdir "$M/regions/Kista"
    ready Kista
    token_answers Kista
    [ "$(quick cat "$M/regions/Kista/catalog" | wc -l)" -eq 6 ]
}

@test "images are written and read" {
    head -c 3000000 /dev/urandom >"$DIRECTORY/image"
    slowly cp "$DIRECTORY/image" "$M/regions/Kista/images/first"
    slowly cmp "$DIRECTORY/image" "$M/regions/Kista/images/first"
}

@test "logs, statistics, processes and events of a container" {
    local c=$M/containers/keystone-Kista
    quick grep -q . "$c/log"
    [ "$(quick cat "$c/state")" = running ]
    quick grep -q "^memory: *[1-9]" "$c/stats"
    quick grep -q uwsgi "$c/top"
    exec 7<"$M/events"
    put pause "$c/ctl"
    timeout 30 grep -m 1 '"container":"keystone-Kista"' <&7
    exec 7<&-
    put unpause "$c/ctl"
    becomes_ready Kista
    quick jq -e . "$c/inspect.json" >/dev/null
}

@test "a second region replicates" {
    quick mkdir "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = standby ]
    put start "$M/regions/Solna/replication/ctl"
    ready Solna
    quick mkdir "$M/projects/Default/seen"
    slowly cat "$M/regions/Solna/replication/sync"
    quick ls "$M/regions/Solna/projects/Default" | grep -qx seen
}

@test "promote, and a killed database of the former master comes back by repair" {
    put kill "$M/containers/mysql-Kista/ctl"
    slowly bash -c 'echo promote >"$1"' - "$M/regions/Solna/replication/ctl"
    [ "$(quick cat "$M/regions/Solna/role")" = master ]
    put repair "$M/regions/Kista/ctl"
    ready Kista
    [ "$(quick cat "$M/regions/Kista/role")" = slave ]
}

@test "an engine that is restarted: what ran runs again, what was stopped doesn't" {
    quick mkdir "$M/regions/Lund"
    [ "$(slowly cat "$M/regions/Lund/wait")" = standby ]
    put stop "$M/regions/Lund/ctl"
    slowly cat "$M/regions/Lund/wait" || true
    [ "$(quick cat "$M/regions/Lund/state")" = stopped ]
    engine_stop
    engine_start
    becomes_ready Kista Solna
    [ "$(quick cat "$M/regions/Lund/state")" = stopped ]
    [ "$(quick cat "$M/regions/Solna/role")" = master ]
    slowly cmp "$DIRECTORY/image" "$M/regions/Kista/images/first"
    token_answers Solna
}

@test "a machine that loses its power: a mount brings all that ran, in its part" {
    engine_kill
    cloud_kill
    engine_start
    cloud_mount
    becomes_ready Kista Solna
    [ "$(quick cat "$M/regions/Lund/state")" = stopped ]
    [ "$(quick cat "$M/regions/Solna/role")" = master ]
    quick ls "$M/projects/Default" | grep -qx seen
    slowly cmp "$DIRECTORY/image" "$M/regions/Kista/images/first"
}

@test "stop, prune of what lies about, start" {
    put stop "$M/regions/Kista/ctl"
    slowly cat "$M/regions/Kista/wait" || true
    engine /containers/prune -X POST --url-query "filters={\"label\":[\"org.mcloudfs.cloud=$CLOUD\"]}" >/dev/null
    put start "$M/regions/Kista/ctl"
    ready Kista
    slowly cmp "$DIRECTORY/image" "$M/regions/Kista/images/first"
}

@test "stopped, pruned of all, the engine restarted: another mount has all of it" {
    for region in Kista Solna Lund; do
        put stop "$M/regions/$region/ctl"
        slowly cat "$M/regions/$region/wait" || true
    done
    put stop "$M/containers/ldap/ctl"
    for kind in containers networks volumes; do
        engine "/$kind/prune" -X POST --url-query "filters={\"label\":[\"org.mcloudfs.cloud=$CLOUD\"]}" >/dev/null
    done
    cloud_unmount
    engine_stop
    engine_start
    cloud_mount
    [ "$(quick cat "$M"/regions/*/state | sort -u)" = stopped ]
    for region in Kista Solna Lund; do put start "$M/regions/$region/ctl"; done
    for region in Kista Solna; do ready "$region"; done
    slowly cmp "$DIRECTORY/image" "$M/regions/Kista/images/first"
}

@test "rmdir leaves nothing" {
    slowly rm "$M/regions/Kista/images/first"
    for region in Lund Kista Solna; do slowly rmdir "$M/regions/$region"; done
    [ -z "$(engine '/containers/json?all=1' | jq -r '.[].Id')" ]
    [ -z "$(engine /volumes | jq -r '.Volumes // [] | .[].Name')" ]
    [ -z "$(engine /networks | jq -r '.[] | select(.Name | startswith("test-")) | .Name')" ]
}

@test "a region's start, beside its floor" {
    there env TMPDIR="$DIRECTORY" MCLOUD_SOCKET="$SOCKET" timeout 400 "$BATS_TEST_DIRNAME/../bench/starts.py" "engine=$ENGINE_PROGRAM,timeout=60" \
        "$("$BATS_TEST_DIRNAME/../../backends/recipes/hash" --releases | head -n 1)" >"$DIRECTORY/starts"
    sed 's/^/# /' "$DIRECTORY/starts" >&3
    [ -s "$DIRECTORY/starts" ]
}
