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
    exec {relay}> >(exec nsenter --net="/proc/$HOLDER/ns/net" python3 "$BATS_TEST_DIRNAME/slow_relay.py" $LATENCY 5000=5000 9292=9292 >"$BATS_TEST_TMPDIR/relay" 2>&1 3>&-)
    timeout 30 bash -c 'until grep -q ready "$1" 2>/dev/null; do :; done' - "$BATS_TEST_TMPDIR/relay"
    AUTH_URL=http://127.0.0.2:5000/v3 describe "far-$BATS_TEST_NUMBER" "username: admin, password: $ADMIN, project_name: admin, user_domain_id: default, project_domain_id: default" \
        "identity_endpoint_override: 'http://127.0.0.2:5000/v3', image_endpoint_override: 'http://127.0.0.2:9292'"
    attach "far-$BATS_TEST_NUMBER"
    [ "$(quick cat "$A/regions/regionOne/wait")" = ready ]
}

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || quick tail -n 8 "$A/errors" || true
    ! mountpoint -q "$A" || unmount "$A"
    exec {relay}>&-
}

# requests: how many its Keystone has answered, by its own log.
requests() { inside grep -c '|req: ' /var/log/keystone/keystone.log; }

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
    costs 4 ls -l "$A/users/Default" "$A/projects/Default"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/walked")" -ge $((2 * OBJECTS)) ]
    costs 1 find "$A/users/Default" -maxdepth 2 -name description
}
