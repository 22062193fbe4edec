#!/usr/bin/env bats
# What fails between three nodes of a Swarm, all of them managers, while a cloud runs on them. sudo bats tests/nodes/failures.bats, after a build
# in build/.

load nodes.bash

setup_file() {
    nodes_up replicate=auto
    cloud_regions
}

teardown_file() { nodes_end; }

teardown() { tell_errors; }

# begin MASTER: all is plugged in, up and in step, whatever the test before has left; the daemon has its lease; and MASTER has the role.
begin() {
    local number end now
    rm -f "$NODES/3/state/filler"
    for number in 1 2 3; do
        plug "$number"
        pass_all "$number"
        engine_start "$number"
    done
    mountpoint -q "$M" || cloud_mount replicate=auto
    in_step_as_is
    now=$(master)
    end=$((SECONDS + 60))
    until write "begin-$BATS_TEST_NUMBER-$number"; do
        [ "$SECONDS" -lt "$end" ] || { quick tail -n 4 "$M/errors" && return 1; }
        number=$((number + 1))
        sleep 0.5
    done
    if [ "$now" != "$1" ]; then
        slowly bash -c "echo promote >'$M/regions/$1/replication/ctl'"
        in_step "$1"
    fi
}

@test "a node that is cut off in one way, with the master on it, is replaced, and all have the same when it is back" {
    local region there
    begin Solna
    write before
    drop 2 OUTPUT
    # it may be heard of that this was written, or not; it isn't promised
    write unheard || true
    until_line 90 "$M/status" '^Solna +master +degraded '
    slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"
    ready Kista
    write after
    pass 2 OUTPUT
    follows Solna
    has Solna before after
    has Lund before after
    there=$(quick ls "$M/regions/Kista/projects/acme")
    for region in Solna Lund; do [ "$(quick ls "$M/regions/$region/projects/acme")" = "$there" ]; done
}

@test "a node that hears nothing, with the master on it, is replaced, too" {
    begin Lund
    write heard
    drop 3 INPUT
    until_line 90 "$M/status" '^Lund +master +degraded '
    slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"
    ready Kista
    write meant
    pass 3 INPUT
    follows Lund
    has Lund heard meant
}

@test "a way that loses three packets of ten is slow, and loses nothing" {
    local loss=(-m statistic --mode random --probability 0.3) names=() n
    begin Kista
    drop 2 INPUT "${loss[@]}"
    drop 2 OUTPUT "${loss[@]}"
    for n in 1 2 3 4 5; do if write "lossy$n"; then names+=("lossy$n"); fi; done
    pass 2 INPUT "${loss[@]}"
    pass 2 OUTPUT "${loss[@]}"
    [ "${#names[@]}" -gt 0 ]
    follows Solna
    has Solna "${names[@]}"
    has Lund "${names[@]}"
}

@test "a manager that dies is no harm while most are there, and without these nothing is changed until they are back" {
    local end why
    begin Kista
    engine_stop 3 KILL
    write one-less
    until_line 60 "$M/status" '^Lund +slave +degraded '
    exec 7<"$M/events"
    unplug 2
    # until the lease ends that the managers can't renew
    timeout 90 grep -m 1 'lease lost' <&7
    exec 7<&-
    # A manager that has lost the others looks for them, and answers nobody, before it says so: some ten seconds.
    end=$((SECONDS + 60)) why="\tmkdir\t.*\tEBUSY\t.*nothing of the cloud $MOUNTED is changed until .* has lost its quorum: start its other managers again"
    until quick grep -qP "$why" "$M/errors"; do
        run quick mkdir "$M/regions/Umea"
        [ "$status" -ne 0 ]
        [ "$SECONDS" -lt "$end" ]
        sleep 0.5
    done
    exec 7<"$M/events"
    plug 2
    engine_start 3
    timeout 120 grep -m 1 'lease had again' <&7
    exec 7<&-
    [ ! -e "$M/regions/Umea" ]
    in_step Kista
    has Solna one-less
    has Lund one-less
}

@test "a node whose disk is full takes no image, the others work on, and it follows when there is room" {
    local filler=$NODES/3/state/filler image=$BATS_TEST_TMPDIR/image room=16777216 all
    begin Kista
    head -c $((4 * room)) /dev/urandom >"$image" # zeros would need no room there
    all=$(df --output=avail -B 1 "$NODES/3/state" | tail -n 1)
    [ "$all" -gt $((4 * room)) ]
    fallocate -l $((all - room)) "$filler"
    run slowly cp "$image" "$M/regions/Lund/images/no-room"
    [ "$status" -ne 0 ]
    [[ $output == *"No space left on device"* ]]
    # nor is there any for its database
    head -c $((2 * room)) /dev/zero >>"$filler" || true
    [ "$(df --output=avail -B 1 "$NODES/3/state" | tail -n 1)" -lt 65536 ]
    write full
    has Solna full
    rm "$filler"
    put repair "$M/regions/Lund/ctl" || true # it may be at work itself
    in_step Kista
    has Lund full
    slowly cp "$image" "$M/regions/Lund/images/room"
    slowly cmp "$image" "$M/regions/Lund/images/room"
    quick rm "$M/regions/Lund/images/room"
}

@test "while the daemon's node is cut off the others go on, and it changes nothing; then all is as before" {
    local token ca=$BATS_TEST_TMPDIR/ca.pem
    begin Solna
    token=$(quick cat "$M/regions/Solna/token")
    quick cp "$M/ca.pem" "$ca"
    unplug 1
    [ "$(in_network wire curl -sS --max-time 60 --cacert "$ca" -H "X-Auth-Token: $token" -H "Content-Type: application/json" -o /dev/null \
        -w '%{http_code}' -d '{"project":{"name":"without","domain_id":"default"}}' https://10.99.0.2:5002/v3/projects)" = 201 ]
    until_line 60 "$M/status" '^Solna +master +degraded '
    run slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"
    [ "$status" -ne 0 ]
    plug 1
    in_step Solna
    [ "$(master)" = Solna ]
    [ "$(quick cat "$M/regions/Kista/role")" = slave ]
    quick cat "$M/regions/Kista/replication/sync"
    quick ls -d "$M/regions/Kista/projects/Default/without"
}
