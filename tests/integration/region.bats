# What a ready region shows, and what it refuses. Uses the suite's cloud.

load common.bash

setup() {
    R=$M/regions/Kista
}

@test "a ready region says so in every place" {
    [ "$(quick cat "$R/state")" = ready ]
    [ "$(quick cat "$R/role")" = master ]
    [ "$(quick cat "$R/address")" = "$(here 127.81.1.1)" ]
    [ "$(quick cat "$R/wait")" = ready ]
    [ -z "$(quick cat "$R/error")" ]
    quick grep -Eq "^Kista +master +ready .* 4/4 +$(here 127.81.1.1)" "$M/status"
    [ "$(quick jq -r '.. | objects | select(.name? == "Kista") | .state' "$M/status.json")" = ready ]
}

@test "progress tells each step and ends" {
    run quick cat "$R/progress"
    [ "$status" -eq 0 ]
    [[ $output == *"keystone answers"* ]]
    [[ ${lines[-1]} == "ready after "* ]]
}

@test "what reads a file reads a stream, and leaves the next reader what it didn't use" {
    set -o pipefail
    cd "$BATS_TEST_TMPDIR"
    quick cat "$R/progress" >all
    quick head -n 1 "$R/progress" 2>&1 | diff <(head -n 1 all) -
    quick head -c 7 "$R/progress" | cmp - <(head -c 7 all)
    quick tail -n 2 "$R/progress" | diff <(tail -n 2 all) -
    quick tail -c +9 "$R/progress" | cmp - <(tail -c +9 all)
    quick grep -m 1 ready "$R/progress" | diff <(grep -m 1 ready all) -
    quick sed 2q "$R/progress" | diff <(head -n 2 all) -
    quick dd if="$R/progress" bs=5 skip=3 status=none | cmp - <(tail -c +16 all)
    quick python3 -c 'print(open(__import__("sys").argv[1]).readline(), end="")' "$R/progress" | diff <(head -n 1 all) -
    quick bash -c 'head -n 1; read -r line; echo "$line"; while read -r line; do echo "$line"; done' <"$R/progress" | diff all -
}

@test "the catalog is Keystone's, one line an endpoint, sorted" {
    quick cat "$R/catalog" >"$BATS_TEST_TMPDIR/catalog"
    LC_ALL=C sort -c "$BATS_TEST_TMPDIR/catalog"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/catalog")" -eq 6 ]
    grep -Pqx "identity\tkeystone\tKista\tpublic\thttp://$(here 127.81.1.1):5000/v3" "$BATS_TEST_TMPDIR/catalog"
    grep -Pqx 'image\tglance\tKista\tinternal\thttp://glance-Kista:9292' "$BATS_TEST_TMPDIR/catalog"
    run_openstack catalog list -f json >"$BATS_TEST_TMPDIR/client.json"
    [ "$(jq -r '[.[] | .Endpoints[].url] | sort | .[]' "$BATS_TEST_TMPDIR/client.json")" = \
        "$(cut -f 5 "$BATS_TEST_TMPDIR/catalog" | sort)" ]
}

@test "catalog.json is what Keystone answers" {
    token=$(quick cat "$R/token")
    url=$(quick cat "$R/endpoints/identity/public")
    curl -sS --max-time 20 -H "X-Auth-Token: $token" "$url/auth/catalog" | jq -S .catalog >"$BATS_TEST_TMPDIR/curl"
    quick cat "$R/catalog.json" | jq -S .catalog | diff - "$BATS_TEST_TMPDIR/curl"
}

@test "endpoints are values, and report their size" {
    quick cat "$R/endpoints/image/public" >"$BATS_TEST_TMPDIR/url"
    [ "$(cat "$BATS_TEST_TMPDIR/url")" = "http://$(here 127.81.1.1):9292" ]
    [ "$(quick stat -c %s "$R/endpoints/image/public")" -eq "$(wc -c <"$BATS_TEST_TMPDIR/url")" ]
    [ "$(quick ls "$R/endpoints" | tr '\n' ' ')" = "identity image " ]
}

@test "openrc gives a working client" {
    [ "$(quick stat -c %a "$R/openrc")" = 600 ]
    run_openstack token issue -f value -c id
}

@test "clouds.yaml gives a working client" {
    [ "$(quick stat -c %a "$M/clouds.yaml")" = 600 ]
    OS_CLIENT_CONFIG_FILE=$M/clouds.yaml timeout 60 openstack --os-cloud "$SUITE_CLOUD" --os-region-name Kista token issue -f value -c id
}

@test "each read of token is a fresh one that works" {
    first=$(quick cat "$R/token")
    second=$(quick cat "$R/token")
    [ -n "$first" ]
    [ "$first" != "$second" ]
    curl -sSf --max-time 20 -H "X-Auth-Token: $second" "$(quick cat "$R/endpoints/identity/public")/auth/projects" >/dev/null
}

@test "the login survives the revocation of its token" {
    quick cat "$M/domains/Default/id" >/dev/null
    url=$(quick cat "$R/endpoints/identity/public")
    # Everything that admin holds is revoked by a change of its role assignment; the daemon logs in again by itself.
    token=$(quick cat "$R/token")
    admin=$(quick cat "$M/users/Default/admin/id")
    project=$(quick cat "$M/projects/Default/admin/id")
    role=$(quick cat "$M/roles/reader/id")
    for method in PUT DELETE; do
        curl -sSf --max-time 20 -X "$method" -H "X-Auth-Token: $token" "$url/projects/$project/users/$admin/roles/$role"
        token=$(quick cat "$R/token")
    done
    quick cat "$R/catalog" >/dev/null
    quick ls "$M/projects/Default" >/dev/null
}

@test "the region's log holds the lines of all its containers in order of time" {
    quick cat "$R/log" >"$BATS_TEST_TMPDIR/log"
    for service in mysql keystone glance; do grep -q "$service-Kista" "$BATS_TEST_TMPDIR/log"; done
}

@test "containers/ links to the containers, which link back" {
    [ "$(quick ls "$R/containers" | tr '\n' ' ')" = "glance-Kista keystone-Kista memcached-Kista mysql-Kista " ]
    [ "$(quick readlink "$R/containers/mysql-Kista")" = ../../../containers/mysql-Kista ]
    [ "$(quick cat "$R/containers/mysql-Kista/state")" = running ]
    [ "$(quick cat "$M/containers/mysql-Kista/region/name" 2>/dev/null || quick cat "$M/containers/mysql-Kista/region/state")" = ready ]
    [ ! -e "$M/containers/ldap/region" ]
}

@test "names that are no region names are refused, and change nothing" {
    quick ls "$M/regions" >"$BATS_TEST_TMPDIR/before"
    for name in 'a b' "o'hara" 'a"b' $'new\nline' '-x' '.x' 'a_b' 'å' '%2F' "$(printf 'x%.0s' {1..64})"; do
        fails_with EINVAL mkdir "$M/regions/$name"
    done
    fails_with EEXIST mkdir "$M/regions/.."
    fails_with ENOENT mkdir "$M/regions/a/b"
    fails_with EINVAL mkdir "$M/regions/$(printf 'x%.0s' {1..300})"
    fails_with EEXIST mkdir "$M/regions/Kista"
    fails_with EEXIST mkdir "$M/regions/kista"
    fails_with ENOENT rmdir "$M/regions/Nowhere"
    fails_with EPERM mv "$M/regions/Kista" "$M/regions/Other"
    fails_with EPERM touch "$M/regions/file"
    quick ls "$M/regions" | diff "$BATS_TEST_TMPDIR/before" -
    quick grep -q 'EEXIST.*Kista exists' "$M/errors"
}

@test "control files list their verbs and refuse what they don't know" {
    quick cat "$R/ctl" | grep -q '^stop'
    fails_with EINVAL bash -c 'echo sto >"$1"' - "$R/ctl"
    fails_with EINVAL bash -c 'echo "stop now" >"$1"' - "$R/ctl"
    fails_with EINVAL bash -c 'echo >"$1"' - "$R/ctl"
    fails_with EINVAL bash -c 'printf "st\0op" >"$1"' - "$R/ctl"
    fails_with EINVAL dd if=/dev/zero of="$R/ctl" bs=4 seek=1 count=1 conv=notrunc
    fails_with E2BIG dd if=/dev/zero of="$R/ctl" bs=65537 count=1
    [ "$(quick cat "$R/state")" = ready ]
}

@test "what is read-only can't be written, removed or made" {
    for file in state role catalog wait containers/mysql-Kista/state; do
        fails_with EPERM bash -c 'echo x >"$1"' - "$R/$file" || fails_with EACCES bash -c 'echo x >"$1"' - "$R/$file"
    done
    fails_with EPERM rm "$R/state"
    fails_with EPERM mkdir "$R/new"
    fails_with EPERM ln -s x "$R/new"
    fails_with EPERM chmod 777 "$R/state"
    fails_with EPERM mkdir "$M/containers/mine"
    fails_with EPERM rmdir "$M/containers/ldap"
}

@test "no secret shows outside the files that are for it" {
    jq -r '.. | strings' "$SUITE/state/$SUITE_CLOUD.json" | awk 'length > 20' >"$BATS_TEST_TMPDIR/secrets"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/secrets")" -ge 9 ]
    for c in $(quick ls "$M/containers"); do
        quick cat "$M/containers/$c/inspect.json" "$M/containers/$c/log" "$M/containers/$c/top"
    done >"$BATS_TEST_TMPDIR/shown"
    quick cat "$M/journal" "$M/errors" "$M/metrics" "$M/status.json" "$R/log" "$M/ldap/tree.ldif" >>"$BATS_TEST_TMPDIR/shown"
    cat /proc/"$(daemon_of "$M")"/{cmdline,environ} | tr '\0' '\n' >>"$BATS_TEST_TMPDIR/shown"
    [ -s "$BATS_TEST_TMPDIR/shown" ]
    [ "$(grep -cFf "$BATS_TEST_TMPDIR/secrets" "$BATS_TEST_TMPDIR/shown")" = 0 ]
    [ "$(stat -c %a "$SUITE/state/$SUITE_CLOUD.json")" = 600 ]
}

@test "the root's documents are there and well-formed" {
    quick cat "$M/README" | grep -q 'mkdir'
    quick grep -q '^mcloudfs ' "$M/version"
    quick jq -e . "$M/status.json" >/dev/null
    quick grep -q '^digraph' "$M/topology.dot"
    quick cat "$M/topology.svg" | python3 -c 'import sys, xml.dom.minidom as m; m.parseString(sys.stdin.buffer.read())'
    quick grep -q '^# TYPE mcloudfs_' "$M/metrics"
    quick grep -q ' keystone-Kista GET /v3/' "$M/journal"
}

@test "Keystone's threads wait for each other's logging as threads do" {
    # eventlet's locks, which oslo.log may take, let a thread wait for ever
    script='from mcloud_service import keystone; import logging, sys; print("lock", type(logging._lock))'
    [ "$(in_container "$SUITE_CLOUD-keystone-Kista" python3 -c "$script" | grep ^lock)" = "lock <class '_thread.RLock'>" ]
}
