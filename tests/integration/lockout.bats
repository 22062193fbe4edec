# Nobody saws off the branch: what the mount and the services log in with, and where the directory's people are. A cloud of two regions.

bats_require_minimum_version 1.5.0
load common.bash
load replicated.bash

setup_file() {
    cloud_up "test-lockout$RUN" 127.93.0.0
    regions_up Kista Solna
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

# api METHOD PATH [CURL OPTION…]: Keystone itself, as the mount's login: what somebody does with openstack.
api() {
    curl -sS --fail-with-body --max-time 60 -X "$1" -H "X-Auth-Token: $TOKEN" \
        "$(quick cat "$M/regions/Kista/endpoints/identity/public")$2" "${@:3}"
}

# denied COMMAND…: EPERM, and `errors` has a sentence that says $1.
denied() {
    fails_with EPERM "${@:2}"
    quick tail -n 1 "$M/errors" | grep -q "$1"
}

# denied_value SENTENCE VALUE FILE: the same for what is written.
denied_value() { denied "$1" bash -c 'echo "$1" >"$2"' - "${@:2}"; }

# repaired REGION: it is asked to, and well again.
repaired() {
    put repair "$M/regions/$1/ctl"
    [ "$(slowly cat "$M/regions/$1/wait")" = ready ]
}

works() {
    slowly ls "$M/projects/Default" >/dev/null
    for region in Kista Solna; do
        printf 'x' >"$M/regions/$region/images/works"
        quick rm "$M/regions/$region/images/works"
    done
}

@test "what is logged in with can't be removed, disabled or renamed through the mount" {
    A=$M/projects/Default/admin/roles/admin/users/admin S=$M/projects/Default/service/roles/admin/users/glance
    denied 'this mount logs in as admin' rm "$A"
    denied "Glance logs in as glance" rm "$S"
    for object in users/Default/admin users/Default/glance projects/Default/admin projects/Default/service; do
        denied 'logs in with' rmdir "$M/$object"
        denied_value 'logs in with' false "$M/$object/enabled"
        denied 'logs in with' mv -T "$M/$object" "$M/${object%/*}/other"
    done
    for user in admin glance; do denied_value 'logs in with' other "$M/users/Default/$user/password"; done
    denied_value 'logs in with' false "$M/domains/Default/enabled"
    denied 'logs in with' rmdir "$M/domains/Default"
    denied 'logs in with' mv -T "$M/domains/Default" "$M/domains/other"
    denied 'logs in with' mv -T "$M/roles/admin" "$M/roles/other"
    denied 'logs in with' rmdir "$M/roles/admin"
    denied 'people of the cloud' rmdir "$M/domains/acme"
    denied 'people of the cloud' mv -T "$M/domains/acme" "$M/domains/other"
    printf 'dn: cn=keystone,dc=acme,dc=org\nchangetype: delete\n' >"$BATS_TEST_TMPDIR/saw"
    denied 'Keystone needs' cp "$BATS_TEST_TMPDIR/saw" "$M/ldap/import"
    # what harms nobody is theirs to do
    put 'the one who runs it' "$M/users/Default/admin/description"
    quick mkdir "$M/users/Default/other"
    quick ln -sT ../../../../../../users/Default/other "$M/projects/Default/admin/roles/admin/users/other"
    quick rm "$M/projects/Default/admin/roles/admin/users/other"
    quick rmdir "$M/users/Default/other"
    works
}

@test "repair puts back the mount's login" {
    TOKEN=$(quick cat "$M/regions/Kista/token")
    admin=$(quick cat "$M/users/Default/admin/id") project=$(quick cat "$M/projects/Default/admin/id") role=$(quick cat "$M/roles/admin/id")
    api DELETE "/projects/$project/users/$admin/roles/$role"
    repaired Kista
    works
    [ -L "$M/projects/Default/admin/roles/admin/users/admin" ]
    # disabled, by a slave's repair
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api PATCH "/users/$admin" --json '{"user": {"enabled": false, "password": "anothers"}}' >/dev/null
    repaired Solna
    works
    # gone altogether
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api DELETE "/users/$admin"
    repaired Kista
    works
    [ "$(quick cat "$M/users/Default/admin/id")" != "$admin" ]
    in_step Solna
}

@test "repair puts back the services' login, and what it is in" {
    TOKEN=$(quick cat "$M/regions/Kista/token")
    glance=$(quick cat "$M/users/Default/glance/id") service=$(quick cat "$M/projects/Default/service/id")
    admin=$(quick cat "$M/projects/Default/admin/id")
    api DELETE "/users/$glance"
    api DELETE "/projects/$service"
    put restart "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    works
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api PATCH "/projects/$admin" --json '{"project": {"enabled": false}}' >/dev/null
    repaired Kista
    works
    in_step Solna
}

@test "the directory's domain is one again after somebody has deleted it" {
    quick cp "$BATS_TEST_DIRNAME/people.ldif" "$M/ldap/import"
    john=$(quick cat "$M/users/acme/john/id") acme=$(quick cat "$M/domains/acme/id")
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api PATCH "/domains/$acme" --json '{"domain": {"enabled": false}}' >/dev/null
    api DELETE "/domains/$acme"
    repaired Kista
    [ "$(quick cat "$M/domains/acme/driver")" = ldap ]
    [ "$(quick cat "$M/users/acme/john/id")" = "$john" ]
    # one that was made anew, as an SQL domain
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api PATCH "/domains/$acme" --json '{"domain": {"enabled": false}}' >/dev/null
    api DELETE "/domains/$acme"
    slowly bash -c 'until mkdir "$1" 2>/dev/null || [ -d "$1" ]; do :; done' - "$M/domains/acme"
    repaired Kista
    slowly bash -c 'until [ "$(cat "$1/driver")" = ldap ]; do :; done' - "$M/domains/acme"
    quick cat "$M/users/acme/john/id"
    # with people of its own it stays what it is, and says so
    acme=$(quick cat "$M/domains/acme/id")
    TOKEN=$(quick cat "$M/regions/Kista/token")
    api DELETE "/domains/$acme/config"
    slowly bash -c 'until [ "$(cat "$1/driver")" = sql ]; do :; done' - "$M/domains/acme"
    sql=$(api POST /users --json '{"user": {"name": "own", "domain_id": "'"$acme"'"}}' | jq -er .user.id)
    repaired Kista
    quick grep -q 'out of reach' "$M/errors"
    [ "$(quick cat "$M/domains/acme/driver")" = sql ]
    api DELETE "/users/$sql"
    repaired Kista
    slowly bash -c 'until [ "$(cat "$1/driver")" = ldap ]; do :; done' - "$M/domains/acme"
}

@test "without its directory a region is degraded, says so, and repair brings it back" {
    for region in Kista Solna; do
        put kill "$M/containers/ldap/ctl"
        settled Kista degraded
        settled Solna degraded
        quick grep -q 'ldap is exited.*echo repair' "$M/regions/$region/error"
        quick jq -e --arg region "$region" '.regions[] | select(.name == $region) | .services == {"up": 4, "total": 5}' "$M/status.json"
        repaired "$region"
        [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
        [ -z "$(quick cat "$M/regions/Kista/error" "$M/regions/Solna/error")" ]
        slowly ls "$M/users/acme" >/dev/null
        quick jq -e 'all(.regions[]; .services == {"up": 4, "total": 4})' "$M/status.json"
    done
    # gone with its container, its account's password changed behind our back
    engine "/containers/$CLOUD-ldap?force=1" -X DELETE
    settled Kista degraded
    repaired Kista
    [ "$(quick cat "$M/containers/ldap/state")" = running ]
    quick ls "$M/users/acme" >/dev/null
}

@test "a database that takes two names for one learns better at the next mount, and so do its slaves" {
    quick cp "$BATS_TEST_DIRNAME/people.ldif" "$M/ldap/import"
    id=$(quick cat "$M/users/acme/john/id")
    old='varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci NOT NULL'
    # a Keystone that has read holds its tables till its transaction ends
    for region in Kista Solna; do put stop "$M/containers/keystone-$region/ctl"; done
    sql Kista "USE keystone; ALTER TABLE id_mapping MODIFY local_id $old; ALTER TABLE nonlocal_user MODIFY name $old;
        ALTER TABLE local_user DROP INDEX mcloud_folded, DROP COLUMN mcloud_folded, MODIFY name $old"
    for region in Kista Solna; do
        slowly bash -c 'echo start >"$1"' - "$M/containers/keystone-$region/ctl"
        # a container that runs is not a Keystone that serves, and `repair` would mend the names, too
        slowly bash -c 'until curl -sf -m 10 -o /dev/null "http://$1:5000/healthcheck"; do :; done' - "$(quick cat "$M/regions/$region/address")"
        slowly bash -c 'until [ "$(cat "$1/state")" = ready ]; do :; done' - "$M/regions/$region"
    done
    in_step Solna
    quick mkdir "$M/users/acme/hakan" "$M/users/acme/håkan"
    [ "$(quick cat "$M/users/acme/hakan/id")" = "$(quick cat "$M/users/acme/håkan/id")" ]
    end_daemon
    mount_cloud "$CLOUD" 127.93.0.0 "$DIRECTORY"
    for region in Kista Solna; do [ "$(slowly cat "$M/regions/$region/wait")" = ready ]; done
    # a Keystone that reads may hold a table for a while: then it is tried again
    timeout 120 bash -c 'until id=$(cat "$1/hakan/id") && other=$(cat "$1/håkan/id") && [ "$id" != "$other" ]; do :; done' - "$M/users/acme"
    [ "$(quick cat "$M/users/acme/john/id")" = "$id" ]
    in_step Solna
    for region in Kista Solna; do
        [ "$(sql "$region" "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'keystone' AND
            (table_name, column_name) IN (('id_mapping', 'local_id'), ('nonlocal_user', 'name'), ('local_user', 'name'), ('local_user', 'mcloud_folded')) AND
            collation_name = 'utf8mb4_nopad_bin'")" = 4 ]
    done
    works
}
