# A cloud of an older release of OpenStack goes to a newer one: what it has stays, clients go on reading, what fails goes back, and a daemon
# that is killed is followed by one that goes on. Each in a cloud of its own.

load ../integration/common.bash
load ../integration/replicated.bash
bats_require_minimum_version 1.5.0

BASE=127.79.0.0

setup() {
    unset MCLOUD_TEST_RELEASE
    { read -r NEWEST && read -r OLDER; } < <("$BATS_TEST_DIRNAME/../../backends/recipes/hash" --releases)
    cloud_up "test-upgrade$RUN" $BASE "release=$OLDER"
}

teardown() {
    tell_errors
    [ -z "${client:-}" ] || exec {client}>&- || true
    cloud_down
}

# Mounted once more, for the newest release.
again() {
    end_daemon
    mount_cloud "$CLOUD" $BASE "$DIRECTORY"
}

killed_and_again() {
    kill_daemon
    mount_cloud "$CLOUD" $BASE "$DIRECTORY"
}

# of RELEASE REGION…: they serve, and are of that release.
of() {
    local region
    for region in "${@:2}"; do
        [ "$(slowly cat "$M/regions/$region/wait")" = ready ]
        [ "$(quick cat "$M/regions/$region/release")" = "$1" ]
    done
}

# holds NAME…: these data, soon, and no others.
holds() { "$BATS_TEST_DIRNAME/await_names.py" "$DIRECTORY/state/$CLOUD/data" "$@"; }

# client_up REGION…: a client of theirs runs ($client: its input; when that ends, so does it) and tells into $BATS_TEST_TMPDIR/client.
client_up() {
    local urls=() region
    for region; do urls+=("$(quick cat "$M/regions/$region/endpoints/identity/public")"); done
    exec {client}> >(exec timeout 900 python3 "$BATS_TEST_DIRNAME/upgrade_client.py" "${urls[@]}" >"$BATS_TEST_TMPDIR/client")
    client_pid=$!
    quick cat "$M/regions/$1/token" >&"$client"
}

client_down() {
    exec {client}>&-
    wait "$client_pid"
}

@test "a master and its slave are upgraded, and a client reads all the time" {
    regions_up Kista Solna
    people_up
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    quick cp "$BATS_TEST_TMPDIR/image" "$M/regions/Kista/images/kept"
    quick cp "$BATS_TEST_TMPDIR/image" "$M/regions/Solna/images/kept"
    quick grep -q "^Kista .* $OLDER$" "$M/status"
    john=$(quick cat "$M/users/acme/john/id")
    again
    of "$OLDER" Kista Solna
    quick grep -q "^Kista .* $OLDER (can be upgraded to $NEWEST)$" "$M/status"
    quick jq -e --arg to "$NEWEST" '.regions[0].upgrade == $to and (.regions[1] | has("upgrade") | not)' "$M/status.json"

    refused EBUSY upgrade "$M/regions/Solna/ctl"
    quick tail -n 1 "$M/errors" | grep -q 'echo upgrade > regions/Kista/ctl'
    refused EINVAL "upgrade nonsense" "$M/regions/Kista/ctl"
    refused EBUSY "upgrade $OLDER" "$M/regions/Kista/ctl"

    client_up Solna Kista
    token=$(quick cat "$M/regions/Kista/token")
    put upgrade "$M/regions/Kista/ctl"
    of "$NEWEST" Kista
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    slowly bash -c 'until [ "$(cat "$1/release")" = "$2" ]; do cat "$1/progress" >"$3"; done' - "$M/regions/Solna" "$NEWEST" "$BATS_TEST_TMPDIR/progress"
    of "$NEWEST" Solna
    client_down
    cat "$BATS_TEST_TMPDIR/client" # for one who looks after a failure
    run ! grep -E '^(read|write) ' "$BATS_TEST_TMPDIR/client"
    grep -E '^done [1-9]' "$BATS_TEST_TMPDIR/client"
    grep upgrade- "$BATS_TEST_TMPDIR/client" >"$BATS_TEST_TMPDIR/written"

    roles Kista Solna
    in_step Solna
    # what was there is there, and what was acknowledged meanwhile
    quick ls "$M/projects/Default" >"$BATS_TEST_TMPDIR/projects"
    [ -z "$(sort "$BATS_TEST_TMPDIR/written" | comm -23 - <(sort "$BATS_TEST_TMPDIR/projects"))" ]
    [ "$(quick cat "$M/users/acme/john/id")" = "$john" ]
    [ -n "$(token_of acme john john demo)" ]
    for region in Kista Solna; do
        quick cmp "$BATS_TEST_TMPDIR/image" "$M/regions/$region/images/kept"
        curl -sS --fail-with-body --max-time 30 -o /dev/null -H @<(echo "X-Auth-Token: $token") \
            "$(quick cat "$M/regions/$region/endpoints/identity/public")/auth/catalog"
    done
    holds glance-Kista glance-Solna ldap mysql-Kista.1 mysql-Solna.1
    quick test -d "$M/roles/manager"
    make Solna after
    quick test -d "$M/projects/Default/after"
    # the slave can become the master, as ever
    put promote "$M/regions/Solna/replication/ctl"
    roles Solna Kista
    in_step Kista
    refused EBUSY upgrade "$M/regions/Solna/ctl"
    refused EINVAL "upgrade $OLDER" "$M/regions/Solna/ctl"
}

@test "what fails goes back to where it was, and writes go on" {
    quick mkdir "$M/regions/Kista"
    of "$OLDER" Kista
    again
    for job in upgrade-data upgrade-schemas; do
        exec {events}<"$M/events"
        put upgrade "$M/regions/Kista/ctl"
        slowly grep -m 1 "\"$job-Kista\".*running" <&"$events"
        exec {events}<&-
        engine "/containers/$CLOUD-$job-Kista/kill" -X POST
        slowly cat "$M/regions/Kista/progress" >"$BATS_TEST_TMPDIR/progress"
        tail -n 1 "$BATS_TEST_TMPDIR/progress" | grep "failed: region Kista runs $OLDER as before: .*$job-Kista ended with code 137"
        of "$OLDER" Kista
        make Kista "after-$job"
        holds glance-Kista ldap mysql-Kista
        [ -z "$(left_of "$CLOUD" | grep -e upgrade-data -e upgrade-schemas -e 'mysql-Kista\.')" ]
    done
    put upgrade "$M/regions/Kista/ctl"
    of "$NEWEST" Kista
    [ "$(quick ls -d "$M"/projects/Default/after-*)" = "$M/projects/Default/after-upgrade-data"$'\n'"$M/projects/Default/after-upgrade-schemas" ]
    holds glance-Kista ldap mysql-Kista.1
}

@test "an upgrade goes on after a kill of the daemon at each of its stages" {
    quick mkdir "$M/regions/Kista"
    of "$OLDER" Kista
    make Kista kept
    again
    put upgrade "$M/regions/Kista/ctl"
    for step in 'its database takes no writes' 'keystone has stopped' 'its data are copied' 'its schemas are' \
        'it is of the new release'; do
        slowly grep -m 1 "$step" "$M/regions/Kista/progress"
        killed_and_again
        # before it is a fact, it never was
        if jq -e --arg older "$OLDER" '.release == $older' "$DIRECTORY/state/$CLOUD/regions/Kista.json" >/dev/null; then
            [ "$step" = 'its database takes no writes' ]
            of "$OLDER" Kista
            make Kista again
            put upgrade "$M/regions/Kista/ctl"
        fi
    done
    of "$NEWEST" Kista
    roles Kista
    quick test -d "$M/projects/Default/kept"
    make Kista after
    quick test -d "$M/projects/Default/after"
    holds glance-Kista ldap mysql-Kista.1
    # as one leaves it that is killed before it has removed it
    mkdir "$DIRECTORY/state/$CLOUD/data/mysql-Kista"
    killed_and_again
    holds glance-Kista ldap mysql-Kista.1
    [ -z "$(left_of "$CLOUD" | grep -e upgrade-data -e upgrade-schemas)" ]
}
