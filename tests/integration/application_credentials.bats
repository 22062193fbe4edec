# Application credentials as directories of their users, of the suite's own cloud, and of mounts that attach to it by others' logins.

bats_require_minimum_version 1.5.0
load common.bash
load attached.bash

setup() {
    attached_setup credential
    C=$M/users/Default/admin/application_credentials
}

teardown() {
    attached_teardown
    for credential in "$C/$N"*; do
        [ ! -d "$credential" ] || quick rmdir "$credential"
    done
}

# denied SENTENCE COMMAND…: EPERM, and the `errors` of the mount at ${AT:-$M} end with that sentence.
denied() {
    fails_with EPERM "${@:2}"
    quick tail -n 1 "${AT:-$M}/errors" | grep -q "$1"
}

# who_by FILE: user and project of the login of an openrc, for a client.
who_by() { bash -c '. "$1" && exec timeout 120 openstack token issue -f value -c user_id -c project_id' - "$1"; }

# ids USER PROJECT: what who_by() says of these.
ids() { quick cat "$M/projects/Default/$2/id" "$M/users/Default/$1/id"; }

# authenticated CREDENTIAL-DIRECTORY: the token of a login by it.
authenticated() {
    jq -nc --arg id "$(quick cat "$1/id")" --arg secret "$(quick cat "$1/secret")" \
        '{auth: {identity: {methods: ["application_credential"], application_credential: {id: $id, secret: $secret}}}}' |
        quick curl -sS --fail-with-body -o /dev/null -D - -H 'Content-Type: application/json' -d @- \
            "$(quick cat "$K/endpoints/identity/public")/auth/tokens" | tr -d '\r' | sed -n 's/^x-subject-token: //Ip'
}

# status_of TOKEN: what Keystone answers to who has it.
status_of() {
    quick curl -sS -o /dev/null -w '%{http_code}' -H "X-Auth-Token: $1" "$(quick cat "$K/endpoints/identity/public")/auth/catalog"
}

@test "mkdir makes one of the mount's user, whose openrc and clouds.yaml log in by it, and rmdir ends it" {
    local secret file
    quick mkdir "$C/$N"
    quick ls "$C" | grep -qx "$N"
    secret=$(quick cat "$C/$N/secret")
    [ "${#secret}" -gt 20 ]
    [ "$(quick stat -c %a "$C/$N/secret" "$C/$N/openrc" "$C/$N/clouds.yaml" "$C/$N/description" | tr '\n' ' ')" = "400 600 600 444 " ]
    [ "$(quick stat -c %s "$C/$N/secret")" -eq $((${#secret} + 1)) ]
    [ "$(quick cat "$C/$N/description" "$C/$N/expires_at" "$C/$N/unrestricted")" = $'\n\nfalse' ]
    [ "$(quick jq -r .application_credential.project_id "$C/$N/json")" = "$(quick cat "$M/projects/Default/admin/id")" ]
    run_openstack application credential show "$N" -f json >"$BATS_TEST_TMPDIR/shown"
    [ "$(jq -r '.ID // .id' "$BATS_TEST_TMPDIR/shown")" = "$(quick cat "$C/$N/id")" ]
    [ "$(who_by "$C/$N/openrc")" = "$(ids admin admin)" ]
    [ "$(OS_CLIENT_CONFIG_FILE=$C/$N/clouds.yaml timeout 120 openstack --os-cloud "$SUITE_CLOUD" --os-region-name Kista token issue -f value \
        -c user_id -c project_id)" = "$(ids admin admin)" ]
    # A region's view leads to that region, and is read-only.
    [ "$(who_by "$K/users/Default/admin/application_credentials/$N/openrc")" = "$(ids admin admin)" ]
    fails_with EPERM mkdir "$K/users/Default/admin/application_credentials/$N-2"
    fails_with EPERM rmdir "$K/users/Default/admin/application_credentials/$N"
    for file in README errors journal status status.json metrics regions/Kista/progress; do
        run ! quick grep -qF -e "$secret" "$M/$file"
    done
    run ! grep -qaF -e "$secret" /proc/"$(daemon_of "$M")"/{cmdline,environ}
    run ! slowly grep -rqF -e "$secret" "$SUITE/state"
    quick rmdir "$C/$N"
    fails_with ENOENT stat "$C/$N"
    fails_with ENOENT rmdir "$C/$N"
    run run_openstack application credential show "$N"
    [ "$status" -ne 0 ]
}

@test "tokens that were issued by it are void when it is removed" {
    local token
    quick mkdir "$C/$N"
    token=$(authenticated "$C/$N")
    [ "$(status_of "$token")" = 200 ]
    quick rmdir "$C/$N"
    [[ $(status_of "$token") = 40[14] ]]
}

@test "its roles are links to the roles, which nobody changes" {
    quick mkdir "$C/$N"
    quick ls "$C/$N/roles" | grep -qx admin
    [ "$(quick readlink "$C/$N/roles/admin")" = ../../../../../../roles/admin ]
    [ "$(quick cat "$C/$N/roles/admin/id")" = "$(quick cat "$M/roles/admin/id")" ]
    [ "$(quick cat "$K/users/Default/admin/application_credentials/$N/roles/admin/id")" = "$(quick cat "$M/roles/admin/id")" ]
    fails_with EPERM rm "$C/$N/roles/admin"
    fails_with EPERM ln -s ../../../../../../roles/reader "$C/$N/roles/reader"
}

@test "it stays as it was made, and is made by its owner only" {
    local value
    quick mkdir "$C/$N"
    fails_with EEXIST mkdir "$C/$N"
    for value in description expires_at unrestricted; do
        denied 'as it was made: remove it, and make another' bash -c 'echo true >"$1"' - "$C/$N/$value"
    done
    denied 'as it was made: remove it, and make another' mv -T "$C/$N" "$C/$N-2"
    denied 'nobody but glance can make .* logs in as admin: mount the cloud with the login of glance' \
        mkdir "$M/users/Default/glance/application_credentials/$N"
    [ -z "$(quick ls "$M/users/Default/glance/application_credentials")" ]
    [ "$(quick cat "$C/$N/unrestricted")" = false ]
}

@test "names that are no file names, there and back again" {
    local file
    local -A names=(['a%2Fb']=a/b ['%252F']=%2F ['..']=.. ["it's"]="it's" ['a"b\c']='a"b\c' ['; DROP TABLE user']='; DROP TABLE user' ['😀']='😀' ['café']='café'
        ['%00']=%00 ['a b']='a b' ['~x']='~x' ['..%2F..%2Fv3%2Fusers']=../../v3/users)
    for file in "${!names[@]}"; do
        quick mkdir "$C/$N$file"
        [ "$(quick jq -r .application_credential.name "$C/$N$file/json")" = "$N${names[$file]}" ]
        [ "$(status_of "$(authenticated "$C/$N$file")")" = 200 ]
    done
    run_openstack application credential list -f json >"$BATS_TEST_TMPDIR/listed"
    for file in "${!names[@]}"; do
        jq -e --arg name "$N${names[$file]}" 'any(.[]; .Name == $name)' "$BATS_TEST_TMPDIR/listed"
    done
    [ "$(quick ls "$C" | grep -c "^$N")" -eq "${#names[@]}" ]
    slowly rmdir "$C/$N"*
    quick mkdir "$C/%2E%2E"
    [ "$(quick jq -r .application_credential.name "$C/%2E%2E/json")" = .. ]
    quick rmdir "$C/%2E%2E"
    fails_with EINVAL mkdir "$C/ "
    fails_with EINVAL mkdir "$C/$(printf 'bad\xff')"
}

@test "only the mount that made it knows its secret, while it lives" {
    local file B=$A/users/Default/admin/application_credentials
    quick cp "$M/clouds.yaml" "$CLOUDS"
    attach ""
    quick mkdir "$C/$N" "$B/$N-2"
    quick cat "$B/$N-2/secret" >"$BATS_TEST_TMPDIR/secret"
    [ "$(who_by "$B/$N-2/openrc")" = "$(ids admin admin)" ]
    [ "$(OS_CLIENT_CONFIG_FILE=$B/$N-2/clouds.yaml timeout 120 openstack --os-cloud "$SUITE_CLOUD" token issue -f value -c user_id -c project_id)" = \
        "$(ids admin admin)" ]
    for file in secret openrc clouds.yaml; do
        AT=$A denied 'once, and not to this mount: make another one with mkdir' cat "$B/$N/$file"
        fails_with EPERM cat "$C/$N-2/$file"
        [ "$(quick stat -c %s "$B/$N/$file")" = 0 ]
    done
    [ "$(quick cat "$B/$N/id" "$B/$N-2/id")" = "$(quick cat "$C/$N/id" "$C/$N-2/id")" ]
    unmount "$A"
    attach ""
    for file in secret openrc clouds.yaml; do fails_with EPERM cat "$B/$N-2/$file"; done
    quick cat "$C/$N/secret" >/dev/null
    quick rmdir "$B/$N" "$B/$N-2"
    quick bash -c 'while [ -e "$1" ]; do :; done' gone "$C/$N" # what another mount has done is seen within ttl=
    fails_with ENOENT cat "$C/$N/id"
}

@test "who attaches makes his own, and sees those that others have made for him" {
    local B=$A/users/Default/$N/application_credentials
    person secret
    describe_person john secret
    attach john ttl=60
    quick mkdir "$B/robot"
    [ "$(who_by "$B/robot/openrc")" = "$(ids "$N" "$N")" ]
    quick ls "$B/robot/roles" | grep -qx member
    run ! quick ls "$B/robot/roles/admin"
    os john application credential create --description 'of a client' --expiration 2099-12-31T01:02:03 --role member --unrestricted client
    quick ls -l "$B" >/dev/null
    AT=$A denied 'once, and not to this mount' cat "$B/client/secret"
    # What a list has told is shown without another question.
    [ "$(quick stat -c %s "$B/client/description" "$B/client/expires_at" "$B/client/unrestricted" | tr '\n' ' ')" = "12 27 5 " ]
    [ "$(quick cat "$B/client/description" "$B/client/expires_at" "$B/client/unrestricted")" = $'of a client\n2099-12-31T01:02:03.000000\ntrue' ]
    quick ls "$B/client/roles" | grep -qx member # and, of later Keystones, what that implies
    run ! quick ls "$B/client/roles/admin"
    # The admin sees them, too, and may remove them.
    [ "$(quick ls "$M/users/Default/$N/application_credentials" | tr '\n' ' ')" = "client robot " ]
    denied "nobody but $N can make" mkdir "$M/users/Default/$N/application_credentials/x"
    quick rmdir "$M/users/Default/$N/application_credentials/client"
    quick rmdir "$B/robot"
}

@test "who is logged in by one is refused another one, unless it is unrestricted, and never removes that" {
    local B=$A/users/Default/$N/application_credentials
    person secret
    describe_person john secret
    os john application credential create -f json narrow >"$BATS_TEST_TMPDIR/narrow"
    os john application credential create -f json --unrestricted wide >"$BATS_TEST_TMPDIR/wide"
    for name in narrow wide; do
        describe_credential "$name" "$(jq -r '.id // .ID' "$BATS_TEST_TMPDIR/$name")" "$(jq -r '.secret // .Secret' "$BATS_TEST_TMPDIR/$name")"
    done
    attach narrow
    [ "$(quick ls "$B" | tr '\n' ' ')" = "narrow wide " ]
    fails_with EACCES mkdir "$B/more"
    quick tail -n 1 "$A/errors" | grep -q 'not allowed for managing.*: mount with a password, or an unrestricted application credential'
    fails_with EACCES rmdir "$B/wide"
    AT=$A denied 'logs in with that application credential' rmdir "$B/narrow"
    unmount "$A"
    attach wide
    quick mkdir "$B/more"
    [ "$(who_by "$B/more/openrc")" = "$(ids "$N" "$N")" ]
    quick rmdir "$B/more" "$B/narrow"
    AT=$A denied 'logs in with that application credential' rmdir "$B/wide"
}

@test "without a project there is none to make one for" {
    person secret
    describe none "username: $N, password: secret, user_domain_id: default"
    attach none
    AT=$A denied 'this one has none: mount with a project_name' mkdir "$A/users/Default/$N/application_credentials/robot"
}
