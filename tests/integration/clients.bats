# Clients that are not ours: what they rely on in the services themselves. Uses the suite's cloud.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    R=$M/regions/Kista
    N=client-$BATS_TEST_NUMBER-$$
}

teardown() { tell_errors; }

kept() { timeout 200 "$BATS_TEST_DIRNAME/kept.py" "$1" "$2" "$(quick cat "$R/token")" "$N"; }

identity() { quick cat "$R/endpoints/identity/public"; }

# log_in DOMAIN USER PASSWORD: the status of a login by curl, which takes the password from its input.
log_in() {
    jq -cn --arg domain "$1" --arg name "$2" --rawfile password <(printf %s "$3") \
        '{auth: {identity: {methods: ["password"], password: {user: {name: $name, domain: {name: $domain}, password: $password}}}}}' |
        curl -sS --max-time 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d @- "$(identity)/auth/tokens"
}

@test "who keeps a connection to Keystone gets all answers, whatever is asked" {
    url=$(identity)
    run kept keystone "${url%/v3}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "who keeps a connection to Glance gets all answers, whatever is asked" {
    run kept glance "$(quick cat "$R/endpoints/image/public")"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "an application credential is made and logs in, by the real client, and its secret counts to the last byte" {
    run_openstack application credential create "$N" -f json >"$BATS_TEST_TMPDIR/made"
    id=$(jq -r .id "$BATS_TEST_TMPDIR/made") secret=$(jq -r .secret "$BATS_TEST_TMPDIR/made")
    [ "${#secret}" -gt 72 ]
    for last in "" x; do
        OS_AUTH_TYPE=v3applicationcredential OS_AUTH_URL=$(identity) OS_APPLICATION_CREDENTIAL_ID=$id \
            OS_APPLICATION_CREDENTIAL_SECRET=${secret%?}${last:-${secret: -1}} OS_REGION_NAME=Kista \
            run timeout 120 openstack token issue -f value -c id
        [ -n "$last" ] || [ "$status" -eq 0 ]
    done
    [ "$status" -ne 0 ]
    [[ $output == *"HTTP 401"* ]]
    run_openstack application credential delete "$N"
}

@test "each request is answered by its own token, while others' are" {
    quick mkdir "$M/users/Default/$N" "$M/projects/Default/$N"
    put "$N-secret" "$M/users/Default/$N/password"
    quick ln -s "../../../../../../users/Default/$N" "$M/projects/Default/$N/roles/member/users/$N"
    run timeout 120 "$BATS_TEST_DIRNAME/mixed.py" "$(identity)" 10 < <(quick cat "$R/token" && token_of Default "$N" "$N-secret" "$N")
    echo "$output"
    quick rmdir "$M/users/Default/$N" "$M/projects/Default/$N"
    [ "$status" -eq 0 ]
}

@test "passwords of up to 4096 bytes work, and count to their last byte, in either kind of domain" {
    quick mkdir "$M/domains/$N"
    for domain in "$N" acme; do
        quick mkdir "$M/users/$domain/$N"
        for length in 72 73 4096; do
            password=$(head -c "$length" /dev/zero | tr '\0' p)
            printf %s "$password" >"$BATS_TEST_TMPDIR/password"
            quick bash -c 'cat "$1" >"$2"' - "$BATS_TEST_TMPDIR/password" "$M/users/$domain/$N/password"
            [ "$(log_in "$domain" "$N" "$password")" = 201 ]
            [ "$(log_in "$domain" "$N" "${password%?}q")" = 401 ]
            [ "$(log_in "$domain" "$N" "${password%?}")" = 401 ]
        done
        quick rmdir "$M/users/$domain/$N"
    done
    quick rmdir "$M/domains/$N"
}

@test "a password that bcrypt keeps from former times is good, and none that only begins like it" {
    script='from mcloud_service import region; from keystone.common import password_hashing as p; import bcrypt
old = bcrypt.hashpw(b"p" * 72, bcrypt.gensalt(4)).decode()
print("found", p.check_password("p" * 72, old), p.check_password("p" * 71, old), p.check_password("p" * 73, old))'
    [ "$(in_container "$SUITE_CLOUD-keystone-Kista" python3 -c "$script" | grep ^found)" = "found True False False" ]
}

@test "a password with a NUL is refused, not cut" {
    body='{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"id": "default"}, "password": "a\u0000"}}}}}'
    [ "$(curl -sS --max-time 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d "$body" "$(identity)/auth/tokens")" = 400 ]
}

@test "the real client's common commands" {
    cat >"$BATS_TEST_TMPDIR/commands" <<EOF
token issue
catalog list
endpoint list
project create $N
project set --description words $N
project show $N
user create --project $N --password secret $N
user set --email $N@example.org $N
role create $N
role add --user $N --project $N $N
role assignment list --user $N --names
role remove --user $N --project $N $N
group create $N
group add user $N $N
group contains user $N $N
group remove user $N $N
image create --file $BATS_TEST_TMPDIR/commands --disk-format raw --tag gold --property words=two $N
image set --property other=one --name $N-new $N
image show $N-new
image save --file $BATS_TEST_TMPDIR/saved $N-new
image delete $N-new
role delete $N
group delete $N
user delete $N
project delete $N
EOF
    # In one process: each command by itself would load the client anew.
    run_openstack <"$BATS_TEST_TMPDIR/commands" >"$BATS_TEST_TMPDIR/output" 2>&1
    run ! grep -E 'HTTP [45]|Traceback|Error' "$BATS_TEST_TMPDIR/output"
    cmp "$BATS_TEST_TMPDIR/commands" "$BATS_TEST_TMPDIR/saved"
}

@test "when Keystone's front dies the region says so, and repair brings it back" {
    container=$SUITE_CLOUD-keystone-Kista
    engine "/containers/$container/wait" -X POST >"$BATS_TEST_TMPDIR/ended" &
    waiting=$!
    in_container "$container" bash -c 'kill -9 "$(cat /run/keystone/nginx.pid)"'
    wait "$waiting"
    [ "$(jq .StatusCode "$BATS_TEST_TMPDIR/ended")" -ne 0 ]
    put repair "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    [ "$(curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$(identity)")" = 200 ]
}
