# What prune must not take: whatever the engine's clean-ups remove of a cloud, in whatever state its regions are, another mount finds
# data, roles and promises as they were. Each prune is filtered to this cloud's label. The tests build on one another.

load ../integration/common.bash
load ../integration/replicated.bash

setup_file() {
    export MCLOUD_TEST_RELEASE=zed # as a cloud of version 0.1 is, which this one is made to look like in the end
    cloud_up "test-prune$RUN" 127.95.0.0 timeout=60
    regions_up Kista Solna
    head -c 300000 /dev/urandom >"$DIRECTORY/image"
    slowly cp "$DIRECTORY/image" "$M/regions/Kista/images/keep"
    slowly cp "$BATS_TEST_DIRNAME/../integration/people.ldif" "$M/ldap/import"
    put semisync "$M/regions/Kista/replication/mode"
    complete Solna
}

teardown_file() { cloud_down; }

setup() {
    K=$M/regions/Kista
    R=$M/regions/Solna
    FACTS=$DIRECTORY/state/$CLOUD/regions
}

teardown() { tell_errors; }

# prune KIND: what the engine says that it took, a line each. Without a filter it would take what is everybody's: so that is looked at.
prune() {
    local filters
    filters=$(jq -rn --arg mine "$LABEL=$CLOUD" '{"label": [$mine]} | tojson | @uri')
    if [[ $CLOUD != test-prune* || $filters != "%7B%22label%22%3A%5B%22$LABEL%3D$CLOUD%22%5D%7D" ]]; then
        echo "this filter would prune more than the cloud '$CLOUD': $filters" >&2
        return 1
    fi
    engine "/$1/prune?filters=$filters" -X POST | jq -r '(.ContainersDeleted // .NetworksDeleted // .VolumesDeleted // [])[]'
}

# As `docker system prune --volumes` goes about it.
prune_all() {
    local kind taken
    for kind in containers networks volumes; do
        taken=$(prune "$kind") || return 1
        if [ -n "$taken" ]; then sed "s/^/$kind /" <<<"$taken"; fi
    done
}

remount() { mount_cloud "$CLOUD" 127.95.0.0 "$DIRECTORY" timeout=60 "$@"; }

# command WORD REGION, and what has become of it.
command() {
    put "$1" "$M/regions/$2/ctl"
    slowly cat "$M/regions/$2/wait"
}

# data_are_there: the image, the people, and who masters them.
data_are_there() {
    slowly cmp "$DIRECTORY/image" "$K/images/keep"
    [ -n "$(quick cat "$M/users/acme/john/id")" ]
    [ "$(quick cat "$M/regions/$1/replication/mode")" = semisync ]
    quick grep -q '^acknowledging: [1-9]' "$M/regions/$1/replication/status"
}

@test "running: nothing is taken, and the next mount finds all as it was" {
    prune_all >"$BATS_TEST_TMPDIR/taken"
    [ ! -s "$BATS_TEST_TMPDIR/taken" ]
    kill_daemon
    remount
    [ "$(quick cat "$K/state")" = ready ]
    roles Kista Solna
    data_are_there Kista
    fails_with EBUSY rmdir "$K"
}

@test "standby: a region whose database was taken stands by again" {
    quick mkdir "$M/regions/Lund"
    [ "$(slowly cat "$M/regions/Lund/wait")" = standby ]
    exec 7<"$M/events"
    put kill "$M/containers/mysql-Lund/ctl"
    timeout 60 grep -m 1 '"Lund".*"degraded"' <&7
    exec 7<&-
    prune_all >"$BATS_TEST_TMPDIR/taken"
    grep -q '^containers' "$BATS_TEST_TMPDIR/taken"
    kill_daemon
    remount
    [ "$(slowly cat "$M/regions/Lund/wait")" = standby ]
    slowly rmdir "$M/regions/Lund"
    [ -z "$(left_of "$CLOUD" | grep Lund)" ]
    [ -z "$(find "$DIRECTORY/state" -name '*Lund*')" ]
}

@test "promoted and degraded: the former master doesn't take writes" {
    put promote "$R/replication/ctl"
    replicates Kista
    complete Kista
    put kill "$M/containers/keystone-Kista/ctl"
    put kill "$M/containers/mysql-Kista/ctl"
    settled Kista degraded
    prune_all >"$BATS_TEST_TMPDIR/taken"
    [ "$(grep -c '^containers' "$BATS_TEST_TMPDIR/taken")" -eq 2 ]
    kill_daemon
    remount
    [ "$(slowly cat "$K/wait")" = ready ]
    replicates Kista
    roles Solna Kista
    complete Kista
    data_are_there Solna
}

@test "half promoted: the promotion goes on or is undone, and one database takes writes" {
    local writable
    exec 7<"$M/events"
    put promote "$K/replication/ctl" 7<&- 2>/dev/null &
    timeout 60 grep -m 3 '"event":"step","region":"Kista"' <&7 >"$BATS_TEST_TMPDIR/steps"
    exec 7<&-
    kill_daemon
    wait "$!" || true
    prune_all >"$BATS_TEST_TMPDIR/taken"
    [ ! -s "$BATS_TEST_TMPDIR/taken" ]
    remount
    [ "$(slowly cat "$K/wait" "$R/wait" | xargs)" = 'ready ready' ]
    writable=$(for region in Kista Solna; do sql "$region" 'SELECT @@GLOBAL.read_only'; done | sort | xargs)
    [ "$writable" = '0 1' ]
    # as the next test wants it
    if [ "$(quick cat "$K/role")" = master ]; then
        complete Solna
        put promote "$R/replication/ctl"
    fi
    replicates Kista
    complete Kista
    roles Solna Kista
    data_are_there Solna
}

@test "stopped: it stays so, and starts with all that it had" {
    [ "$(command stop Kista)" = stopped ]
    prune_all >"$BATS_TEST_TMPDIR/taken"
    [ "$(grep -c '^containers' "$BATS_TEST_TMPDIR/taken")" -eq 4 ]
    kill_daemon
    remount
    [ "$(quick cat "$K/state")" = stopped ]
    [ "$(quick cat "$R/state")" = ready ]
    [ "$(labelled "$CLOUD" | grep -c '^containers.*Kista')" -eq 0 ]
    [ "$(command start Kista)" = ready ]
    replicates Kista
    complete Kista
    roles Solna Kista
    data_are_there Solna
}

@test "all stopped: network, containers and volumes are made again" {
    local host
    [ "$(command stop Kista)" = stopped ]
    [ "$(command stop Solna)" = stopped ]
    put stop "$M/containers/ldap/ctl"
    [ "$(prune networks)" = "$CLOUD" ] # containers that are left know a network that is no more
    fails_with EBUSY bash -c 'echo start >"$1"' - "$M/containers/mysql-Solna/ctl"
    quick tail -n 1 "$M/errors" | grep -q 'a network that is no more: .*echo repair > regions/Solna/ctl'
    [ "$(command start Solna)" = ready ]
    [ "$(command stop Solna)" = stopped ]
    put stop "$M/containers/ldap/ctl"
    prune_all >"$BATS_TEST_TMPDIR/taken"
    grep -q "^networks $CLOUD\$" "$BATS_TEST_TMPDIR/taken"
    [ "$(grep -c '^containers' "$BATS_TEST_TMPDIR/taken")" -eq 9 ]
    # nor does it need the volumes' names
    for host in $(labelled "$CLOUD" | awk '$1 == "volumes" { print $2 }'); do engine "/volumes/$host" -X DELETE; done
    [ -z "$(left_of "$CLOUD")" ]
    kill_daemon
    remount
    [ "$(quick cat "$K/state")" = stopped ]
    [ "$(quick cat "$R/state")" = stopped ]
    [ "$(command start Solna)" = ready ]
    [ "$(command start Kista)" = ready ]
    replicates Kista
    complete Kista
    roles Solna Kista
    data_are_there Solna
    fails_with EBUSY rmdir "$R"
    fails_with ENOTEMPTY rmdir "$K"
}

@test "what is taken out of the network is seen, named, and put back by repair" {
    exec 7<"$M/events"
    engine "/networks/$CLOUD/disconnect" -H 'Content-Type: application/json' -d "{\"Container\": \"$CLOUD-keystone-Kista\"}"
    timeout 20 grep -m 1 '"Kista".*"degraded"' <&7
    exec 7<&-
    quick grep -q "keystone-Kista is out of the cloud's network.*repair" "$K/error"
    [ "$(command repair Kista)" = ready ]
    [ -z "$(quick cat "$K/error")" ]
    quick grep -q identity "$K/catalog"
}

@test "a copy made by docker commit is not taken for the container" {
    local image=mcloudfs-test-copy copy id
    engine "/commit?container=$CLOUD-memcached-Kista&repo=$image&pause=false" -X POST -H 'Content-Type: application/json' -d '{}' >/dev/null
    id=$(engine "/containers/create?name=$CLOUD-copy" -H 'Content-Type: application/json' \
        -d "{\"Image\": \"$image\", \"Entrypoint\": [\"sleep\", \"1000\"]}" | jq -r .Id)
    engine "/containers/$id/start" -X POST
    copy=0
    put stop "$M/containers/memcached-Kista/ctl" || copy=1
    [ "$(engine "/containers/$id/json" | jq -r .State.Status)" = running ] || copy=1
    [ "$(engine "/containers/$CLOUD-memcached-Kista/json" | jq -r .State.Status)" = exited ] || copy=1
    engine "/containers/$id?force=1" -X DELETE
    engine "/images/$image" -X DELETE >/dev/null
    [ "$(quick cat "$M/containers/memcached-Kista/state")" = exited ] || copy=1
    [ "$(command repair Kista)" = ready ]
    [ "$copy" = 0 ]
}

@test "another state_dir is refused, and told which is the right one" {
    local other=$BATS_TEST_TMPDIR/other
    mkdir -p "$other/mnt" "$other/state"
    local options
    options="base=$(here 127.95.0.0),state_dir=$other/state,socket=$SOCKET"
    run quick "$MCLOUDFS" -o "cloud=$CLOUD,$options" "$other/mnt"
    [ "$status" -ne 0 ]
    [[ $output == *"mounted already"* ]]
    kill_daemon
    run quick "$MCLOUDFS" -o "cloud=$CLOUD,$options" "$other/mnt"
    remount
    [ "$status" -ne 0 ]
    [[ $output == *"state_dir=$DIRECTORY/state"* ]]
}

@test "a state_dir in which others can write, or that is somebody else's, is refused with the cure" {
    local other=$BATS_TEST_TMPDIR/other
    mkdir -p "$other/mnt" "$other/state"
    chmod 777 "$other/state"
    run quick "$MCLOUDFS" -o "cloud=$CLOUD-other,state_dir=$other/state,socket=$SOCKET" "$other/mnt"
    [ "$status" -ne 0 ]
    [[ $output == *"chmod go-w $other/state"* ]]
    chmod 755 "$other/state"
    chown 65534 "$other/state"
    run quick "$MCLOUDFS" -o "cloud=$CLOUD-other,state_dir=$other/state,socket=$SOCKET" "$other/mnt"
    [ "$status" -ne 0 ]
    [[ $output == *"chown $(id -u) $other/state"* ]]
}

# as_of_0_1 REGION…: the stopped regions as version 0.1 has left them: their data in the engine's volumes, each mark a volume.
as_of_0_1() {
    local region kind mark place
    for region; do
        for kind in mysql glance; do
            place=$(old_volume "$kind-$region" "$region" | jq -r .Mountpoint)
            cp -a "$DIRECTORY/state/$CLOUD/data/$kind-$region/." "$place"
            rm -rf "$DIRECTORY/state/$CLOUD/data/$kind-$region"
        done
        for mark in $(jq -r '.marks[]' "$FACTS/$region.json"); do old_volume "$mark-$region" "$region" "$mark" >/dev/null; done
        rm "$FACTS/$region.json"
    done
}

# old_volume NAME REGION [MARK]
old_volume() {
    jq -n --arg cloud "$CLOUD" --arg name "$1" --arg region "$2" --arg number "$([ "$2" = Kista ] && echo 1 || echo 2)" --arg mark "${3:-}" \
        '{Name: "\($cloud)-\($name)", Driver: "local", Labels: ({cloud: $cloud, name: $name, region: $region, number: $number, nonce: "1"} +
        (if $mark == "" then {} else {mark: $mark} end) | with_entries(.key |= "org.mcloudfs." + .))}' |
        engine /volumes/create -H 'Content-Type: application/json' -d @-
}

@test "a cloud of version 0.1 is taken over with its marks, also when that is broken off" {
    [ "$(command stop Kista)" = stopped ]
    [ "$(command stop Solna)" = stopped ]
    kill_daemon
    prune_all >/dev/null
    for volume in $(labelled "$CLOUD" | awk '$1 == "volumes" && /-(mysql|glance)-/ { print $2 }'); do engine "/volumes/$volume" -X DELETE; done
    cp -r "$FACTS" "$BATS_TEST_TMPDIR/facts"
    as_of_0_1 Kista Solna
    remount ro # which looks on
    [ "$(quick cat "$K/state")" = stopped ]
    [ "$(quick cat "$R/role")" = master ]
    [ ! -e "$FACTS/Kista.json" ]
    left_of "$CLOUD" | grep -q -- -semisync-Kista
    kill_daemon
    # one region is on disk already, and its marks were about to go; what is there now counts
    jq -c '.marks -= ["stopped"]' "$BATS_TEST_TMPDIR/facts/Solna.json" >"$FACTS/Solna.json"
    remount
    [ "$(slowly cat "$R/wait")" = ready ]
    [ "$(quick cat "$K/state")" = stopped ]
    [ "$(jq -c '.marks | sort' "$FACTS/Kista.json")" = "$(jq -c '.marks | sort' "$BATS_TEST_TMPDIR/facts/Kista.json")" ]
    # the marks' are gone; what is left are data of two regions and the directory, and what sockets are in
    [ "$(labelled "$CLOUD" | awk '$1 == "volumes" && $2 !~ /-memcached-/' | wc -l)" -eq 5 ]
    [ "$(command start Kista)" = ready ]
    replicates Kista
    complete Kista
    roles Solna Kista
    data_are_there Solna
}

@test "data of version 0.1 that a prune has taken are missed, not made again" {
    [ "$(command stop Kista)" = stopped ]
    prune containers >/dev/null
    prune volumes | grep -q -- "-glance-Kista"
    run command start Kista
    [ "$(quick cat "$K/state")" = failed ]
    quick grep -Eq 'the data of (mysql|glance)-Kista are gone: .*destroy' "$K/error"
    [ -z "$(labelled "$CLOUD" | grep -E '^volumes .*-(mysql|glance)-Kista')" ]
}

@test "a mount that is read-only doesn't go on with a destruction" {
    jq -c '.marks += ["destroying"]' "$FACTS/Kista.json" >"$BATS_TEST_TMPDIR/marked"
    kill_daemon
    cp "$BATS_TEST_TMPDIR/marked" "$FACTS/Kista.json"
    labelled "$CLOUD" | sort >"$BATS_TEST_TMPDIR/before"
    remount ro
    quick cat "$K/state" "$R/state" "$M/status"
    fails_with EROFS bash -c 'echo start >"$1"' - "$K/ctl"
    kill_daemon
    labelled "$CLOUD" | sort | diff "$BATS_TEST_TMPDIR/before" -
    cmp "$BATS_TEST_TMPDIR/marked" "$FACTS/Kista.json"
    remount
    slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$K"
    [ -z "$(find "$DIRECTORY/state" -name '*Kista*')" ]
}

@test "nothing is left of the last region" {
    put destroy "$R/ctl"
    slowly bash -c 'while [ -e "$1" ]; do cat "$1/wait" >/dev/null 2>&1 || true; done' - "$R"
    [ -z "$(left_of "$CLOUD")" ]
    [ "$(ls "$DIRECTORY/state")" = "$CLOUD.lock" ]
}
