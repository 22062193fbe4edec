# A cloud that this program has not made: Debian's own services, by a clouds.yaml of theirs.

bats_require_minimum_version 1.5.0
load other.bash

setup_file() { other_up; }

teardown_file() { other_down; }

setup() {
    A=$BATS_TEST_TMPDIR/attached N=other-$BATS_TEST_NUMBER
    mkdir "$A"
}

teardown() {
    tell_what_failed
    ! mountpoint -q "$A" || unmount "$A"
}

tell_what_failed() { [ -n "$BATS_TEST_COMPLETED" ] || { quick tail -n 8 "$A/errors" && quick cat "$A/status" && inside tail -n 5 /var/log/keystone/keystone.log /var/log/glance/glance-api.log; } || true; }

@test "its admin has all of it as a tree" {
    attach admin
    [ "$(quick cat "$A/regions/regionOne/wait")" = ready ]
    quick grep -Eq '^regionOne +ready +2/2 +-$' "$A/status"
    same_lists admin regionOne
}

@test "people and projects are made and removed, and the real client sees them" {
    attach admin
    quick mkdir "$A/users/Default/$N" "$A/groups/Default/$N" "$A/projects/Default/$N"
    put secret "$A/users/Default/$N/password"
    quick ln -s "../../../../../../users/Default/$N" "$A/projects/Default/$N/roles/member/users/$N"
    quick ln -s "../../../../users/Default/$N" "$A/groups/Default/$N/users/$N"
    [ "$(os admin role assignment list --names --project "$N" --user "$N" -f value -c Role)" = member ]
    os admin group contains user "$N" "$N"
    [ "$(os admin user show "$N" -f value -c id)" = "$(quick cat "$A/users/Default/$N/id")" ]
    # what others do is seen
    os admin project set --description "from elsewhere" "$N"
    os admin role add --user "$N" --project admin reader
    [ "$(quick cat "$A/projects/Default/$N/description")" = "from elsewhere" ]
    quick test -L "$A/projects/Default/admin/roles/reader/users/$N"
    quick rmdir "$A/users/Default/$N" "$A/groups/Default/$N" "$A/projects/Default/$N"
    run ! os admin user show "$N"
}

@test "images go in, come out, and are replaced and removed" {
    attach admin
    head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$A/regions/regionOne/images/$N"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$A/regions/regionOne/images/$N"
    os admin image save --file "$OTHER/saved" "$N"
    cmp "$BATS_TEST_TMPDIR/in" "$OTHER/saved"
    put public "$A"/regions/regionOne/images-by-id/*/visibility
    [ "$(os admin image show "$N" -f value -c visibility)" = public ]
    quick rm "$A/regions/regionOne/images/$N"
    [ -z "$(os admin image list -f value -c ID)" ]
}

@test "people and projects come in by a file of them, and the real client sees them" {
    attach admin
    printf 'name,email\n%s,a@example.org\n%s,b@example.org\n' "$N-a" "$N-b" >"$BATS_TEST_TMPDIR/people.csv"
    printf '{"name": "%s", "description": "of many"}\n' "$N-p" "$N-q" >"$BATS_TEST_TMPDIR/projects.jsonl"
    slowly cp "$BATS_TEST_TMPDIR/people.csv" "$A/users/Default/import"
    slowly cp "$BATS_TEST_TMPDIR/projects.jsonl" "$A/projects/Default/import"
    [ "$(os admin user show "$N-b" -f value -c email)" = b@example.org ]
    [ "$(os admin project show "$N-q" -f value -c description)" = "of many" ]
    slowly cp "$BATS_TEST_TMPDIR/people.csv" "$A/users/Default/import"
    [ "$(quick tail -n 1 "$A/users/Default/import.result" | jq '.unchanged, .changed, .created' | tr '\n' ' ')" = '2 0 0 ' ]
    quick rmdir "$A/users/Default/$N-a" "$A/users/Default/$N-b" "$A/projects/Default/$N-p" "$A/projects/Default/$N-q"
}

# people_up: once; each is described in $CLOUDS.
people_up() {
    local login
    [ ! -e "$OTHER/credential" ] || return 0
    os admin image create --file "$BATS_TEST_DIRNAME/other.bats" --disk-format raw --public for-all >/dev/null
    os admin project create --domain default ours >/dev/null
    for login in manager member reader; do
        os admin user create --domain default --password secret "$login" >/dev/null
        describe $login "username: $login, password: secret, project_name: ours, user_domain_id: default, project_domain_id: default"
    done
    os admin role add --user member --project ours member
    os admin role add --user reader --project ours reader
    os admin role add --user manager --domain default manager
    describe domain "username: manager, password: secret, domain_id: default, user_domain_id: default"
    describe unscoped "username: member, password: secret, user_domain_id: default" "auth_type: v3password"
    os member application credential create --role member -f json for-a-script >"$OTHER/credential.new"
    describe_credential application "$(jq -r .id "$OTHER/credential.new")" "$(jq -r .secret "$OTHER/credential.new")"
    mv "$OTHER/credential.new" "$OTHER/credential"
}

# sees LOGIN: what the client shows it, list by list.
sees() {
    people_up
    attach "$1"
    same_lists "$1" regionOne
}

@test "who is a manager of the domain sees what the client shows him" { sees domain; }

@test "a member does" {
    sees member
    [ "$(quick ls "$A/users/Default/member/application_credentials")" = for-a-script ]
}

@test "who may not make people is told so by each record of an import" {
    people_up
    attach member
    printf 'name\n%s\n' "$N" >"$BATS_TEST_TMPDIR/people.csv"
    run ! slowly cp "$BATS_TEST_TMPDIR/people.csv" "$A/users/Default/import"
    run ! os admin user show "$N"
    quick tail -n 1 "$A/errors" | grep -E 'EACCES|EPERM'
}

@test "a reader does" { sees reader; }

@test "an application credential does" { sees application; }

@test "who has no scope sees what may be chosen" {
    people_up
    attach unscoped
    [ "$(quick ls "$A/projects/Default")" = ours ]
}

@test "its Keystone goes and comes back, under a mount" {
    attach admin
    quick ls "$A/projects/Default" | grep -qx admin
    exec 7<"$A/events"
    inside /etc/init.d/keystone stop || true # it waits for less time than its workers take
    fails_with ECONNREFUSED mkdir "$A/projects/Default/$N"
    inside /etc/init.d/keystone start
    timeout 60 grep -m 1 '"regionOne".*"ready"' <&7
    exec 7<&-
    quick mkdir "$A/projects/Default/$N"
    [ "$(os admin project show "$N" -f value -c name)" = "$N" ]
}

@test "one address for all: TLS by its own CA on port 443, a path for each service, links that lead elsewhere" {
    cd "$BATS_TEST_TMPDIR"
    make_certificates 127.0.0.2
    start_front <<TEXT
listen 127.0.0.2:443 ssl;
ssl_certificate $PWD/certificate.pem;
ssl_certificate_key $PWD/key.pem;
proxy_http_version 1.1;
location /identity/ { proxy_pass http://127.0.0.1:5000/; proxy_set_header Host wrong.example:5000; }
location /image/ { proxy_pass http://127.0.0.1:9292/; proxy_set_header Host wrong.example:9292; proxy_request_buffering off; }
TEXT
    AUTH_URL=https://127.0.0.2/identity describe front "username: admin, password: $ADMIN, project_name: admin, user_domain_id: default, project_domain_id: default" \
        "cacert: $PWD/ca.pem, identity_endpoint_override: 'https://127.0.0.2/identity/v3', image_endpoint_override: 'https://127.0.0.2/image'"
    attach front
    [ "$(quick cat "$A/regions/regionOne/wait")" = ready ]
    same_list front users/Default user list --domain default -c Name
    head -c 5000000 /dev/urandom >in
    slowly cp in "$A/regions/regionOne/images/$N"
    slowly cmp in "$A/regions/regionOne/images/$N"
    quick rm "$A/regions/regionOne/images/$N"
    end_front
}
