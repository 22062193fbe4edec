# A cloud that is far away: what a walk costs is requests that wait for each other, not objects.

bats_require_minimum_version 1.5.0
load other.bash

LATENCY=50 # ms each way
OBJECTS=15 # of each kind

setup_file() {
    local name
    other_up
    A=$OTHER/mnt
    mkdir "$A"
    attach admin
    for name in $(seq -f 'many-%02g' $OBJECTS); do
        quick mkdir "$A/users/Default/$name" "$A/projects/Default/$name"
        quick ln -s "../../../../../../users/Default/$name" "$A/projects/Default/$name/roles/member/users/$name"
    done
    unmount "$A"
}

teardown_file() {
    ! mountpoint -q "$OTHER/mnt" || unmount "$OTHER/mnt"
    other_down
}

setup() {
    A=$BATS_TEST_TMPDIR/attached
    mkdir "$A"
    start_relay $LATENCY
    attach "far-$BATS_TEST_NUMBER" ttl=60 # so that it doesn't matter how long the machine takes
    [ "$(quick cat "$A/regions/regionOne/wait")" = ready ]
}

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || { quick tail -n 8 "$A/errors" && tail -n 12 "$ASKED"; } || true
    ! mountpoint -q "$A" || unmount "$A"
    end_relay
}

# requests: how many its Keystone was asked, but for the login and the daemon's own look at the cloud.
requests() { grep -Ec ' /v3/(domains|projects|users|groups|roles|role_assignments)' "$ASKED" || true; }

# costs MOST COMMAND…: that many requests at most.
costs() {
    local before after
    before=$(requests)
    slowly "${@:2}" >"$BATS_TEST_TMPDIR/walked"
    after=$(requests)
    echo "$((after - before)) requests for $(wc -l <"$BATS_TEST_TMPDIR/walked") lines: ${*:2}" | tee -a "$BATS_SUITE_TMPDIR/walks"
    [ $((after - before)) -le "$1" ]
}

@test "lists of people and projects cost a request each, however long they are" {
    # the domain, its people, its projects
    costs 3 ls -l "$A/users/Default" "$A/projects/Default"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/walked")" -ge $((2 * OBJECTS)) ]
    costs 0 find "$A/users/Default" -maxdepth 2 -name description
}
