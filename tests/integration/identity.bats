# Domains, projects, users, groups and roles as directories. Uses the suite's cloud; each test makes a domain of its own, or leaves
# nothing behind.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    D=t$BATS_TEST_NUMBER
}

# Removes domain $D with all that is in it.
teardown() {
    local kind object
    shopt -s dotglob
    for kind in groups users projects; do
        [ -d "$M/$kind/$D" ] || continue
        for object in "$M/$kind/$D"/*/; do
            [ -d "$object" ] && quick rmdir "$object"
        done
    done
    if [ -d "$M/domains/$D" ]; then quick rmdir "$M/domains/$D"; fi
    # A test that failed may have left it down.
    if [ "$(quick cat "$M/ldap/state")" != running ]; then slowly bash -c 'echo start >"$1"' - "$M/containers/ldap/ctl"; fi
}

make_domain() { quick mkdir "$M/domains/$D"; }

# api PATH [CURL OPTION…]: Keystone itself, with the mount's token.
api() {
    quick curl -sS --fail-with-body -H "X-Auth-Token: $(quick cat "$M/regions/Kista/token")" \
        "$(quick cat "$M/regions/Kista/endpoints/identity/public")$1" "${@:2}"
}

link_to() { quick ln -sT "$1" "$2"; }

@test "an object of each kind is made, seen by the client, renamed and removed" {
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u" "$M/groups/$D/g" "$M/roles/r-$D"
    [ "$(run_openstack project show --domain "$D" p -f value -c id)" = "$(quick cat "$M/projects/$D/p/id")" ]
    [ "$(run_openstack user show --domain "$D" u -f json | jq -r '.id, .enabled')" = "$(quick cat "$M/users/$D/u/id")
true" ]
    [ "$(quick jq -r .group.name "$M/groups/$D/g/json")" = g ]
    quick mv "$M/projects/$D/p" "$M/projects/$D/q"
    quick mv "$M/roles/r-$D" "$M/roles/s-$D"
    run_openstack project show --domain "$D" q
    run_openstack role show "s-$D"
    fails_with ENOENT stat "$M/projects/$D/p"
    [ -d "$M/regions/Kista/projects/$D/q" ]
    quick rmdir "$M/projects/$D/q" "$M/users/$D/u" "$M/groups/$D/g" "$M/roles/s-$D"
    fails_with ENOENT stat "$M/users/$D/u"
    [ -z "$(quick ls "$M/users/$D")" ]
    run run_openstack user show --domain "$D" u
    [ "$status" -ne 0 ]
}

@test "what is there already, what is not there, what is in the way" {
    make_domain
    quick mkdir "$M/users/$D/Bob"
    fails_with EEXIST mkdir "$M/users/$D/Bob"
    # Names that differ only in case are one name for Keystone, and no other file.
    fails_with EEXIST mkdir "$M/users/$D/bob"
    fails_with ENOENT stat "$M/users/$D/bob"
    quick mkdir "$M/users/$D/al"
    # By rename(2): mv(1) looks again at what is in its way, and this one isn't to be seen.
    fails_with EEXIST python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$M/users/$D/al" "$M/users/$D/bob"
    fails_with EEXIST mv -T "$M/users/$D/al" "$M/users/$D/Bob"
    fails_with ENOENT rmdir "$M/users/$D/nobody"
    fails_with ENOTEMPTY rmdir "$M/domains/$D"
    fails_with EPERM mkdir "$M/users/new-domain"
    fails_with EPERM mv -T "$M/users/$D/al" "$M/users/Default/al"
    fails_with EPERM rmdir "$M/roles/admin"
    fails_with ENOENT mkdir "$M/users/no-such-domain/u"
}

@test "values are read and written" {
    make_domain
    quick mkdir "$M/users/$D/u" "$M/projects/$D/p"
    put 'Å "quoted" \ $(x) %s' "$M/users/$D/u/description"
    [ "$(quick cat "$M/users/$D/u/description")" = 'Å "quoted" \ $(x) %s' ]
    put u@example.org "$M/users/$D/u/email"
    [ "$(run_openstack user show --domain "$D" u -f value -c email)" = u@example.org ]
    put false "$M/projects/$D/p/enabled"
    [ "$(quick cat "$M/projects/$D/p/enabled")" = false ]
    [ "$(quick cat "$M/regions/Kista/projects/$D/p/enabled")" = false ]
    fails_with EINVAL bash -c "echo maybe >'$M/projects/$D/p/enabled'"
    quick bash -c "printf 'two\nlines\n' >'$M/projects/$D/p/description'"
    [ "$(quick cat "$M/projects/$D/p/description")" = $'two\nlines' ]
    # bash writes it line by line
    fails_with EINVAL bash -c "printf 'two\nlines\n' >'$M/users/$D/u/email'"
    [ "$(quick cat "$M/users/$D/u/email")" = u@example.org ]
    put '' "$M/users/$D/u/description"
    [ -z "$(quick cat "$M/users/$D/u/description")" ]
    [ "$(quick stat -c %a "$M/users/$D/u/password")" = 200 ]
    [ "$(quick cat "$M/domains/$D/driver")" = sql ]
    [ "$(quick cat "$M/domains/acme/driver")" = ldap ]
}

@test "a password opens, a disabled user is locked out, no password is kept" {
    local secret=Correct-horse-$RANDOM
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u"
    link_to "../../../../../../users/$D/u" "$M/projects/$D/p/roles/member/users/u"
    put "$secret" "$M/users/$D/u/password"
    as_user() {
        OS_USERNAME=u OS_PASSWORD=$secret OS_USER_DOMAIN_NAME=$D OS_PROJECT_NAME=p OS_PROJECT_DOMAIN_NAME=$D login_as catalog list
    }
    as_user
    put false "$M/users/$D/u/enabled"
    run as_user
    [ "$status" -ne 0 ]
    for file in errors journal events; do
        [ $file = events ] || run ! quick grep -qF "$secret" "$M/$file"
    done
}

@test "a token is good that is issued in the second in which those before it were revoked" {
    local round token
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u" "$M/groups/$D/g"
    link_to "../../../../../../users/$D/u" "$M/projects/$D/p/roles/member/users/u"
    for round in 1 2 3; do
        put "secret-$round" "$M/users/$D/u/password"
        token=$(token_of "$D" u "secret-$round" p)
        api /auth/tokens -o /dev/null -H "X-Subject-Token: $token"
        link_to "../../../../users/$D/u" "$M/groups/$D/g/users/u"
        quick rm "$M/groups/$D/g/users/u"
        run ! api /auth/tokens -o /dev/null -H "X-Subject-Token: $token"
        token=$(token_of "$D" u "secret-$round" p)
        api /auth/tokens -o /dev/null -H "X-Subject-Token: $token"
    done
}

# The client with the region's address and the login of the environment.
login_as() {
    local url
    url=$(quick cat "$M/regions/Kista/endpoints/identity/public")
    env -u OS_CLOUD OS_AUTH_URL="$url" OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=Kista timeout 120 openstack "$@"
}

@test "names that are no file names, there and back again" {
    local name names=('a/b' '%2F' '..' "it's" 'a"b\c' '*)(uid=*' ',dc=' '; DROP TABLE user' '😀' 'café' '%00' 'a b' '~x' $'a\r\nb' '../../v3/users')
    local long
    make_domain
    long=$(python3 -c 'print("\U0001F600" * 200, end="")')
    names+=("$long")
    for name in "${names[@]}"; do
        jq -n --arg name "$name" --arg domain "$(quick cat "$M/domains/$D/id")" '{user: {name: $name, domain_id: $domain}}' |
            api /users --json @- | jq -er .user.id >>"$BATS_TEST_TMPDIR/ids"
    done
    [ "$(quick ls -bA "$M/users/$D" | wc -l)" -eq "${#names[@]}" ]
    [ -d "$M/users/$D/..%2F..%2Fv3%2Fusers" ]
    for name in "$M/users/$D"/*/ "$M/users/$D"/..*/; do
        case $name in */../ | */./) continue ;; esac
        [ -d "$name" ] && quick cat "$name/id"
    done | sort | diff - <(sort "$BATS_TEST_TMPDIR/ids")
    [ -d "$M/users/$D/a%2Fb" ]
    [ -d "$M/users/$D/%2E%2E" ]
    [ -d "$M/users/$D/%252F" ]
    quick ls "$M/users/$D" | grep -q '~'
    # And made by us, seen by the client.
    quick mkdir "$M/users/$D/x%2Fy" "$M/groups/$D/\"';--"
    run_openstack user show --domain "$D" x/y
    fails_with EINVAL mkdir "$M/users/$D/$(printf 'bad\xff')"
}

@test "grants: made, shown, followed, revoked" {
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u" "$M/groups/$D/g"
    cd "$M/projects/$D/p/roles/member/users"
    link_to "../../../../../../users/$D/u" u
    [ "$(quick readlink u)" = "../../../../../../users/$D/u" ]
    [ "$(quick cat u/id)" = "$(quick cat "$M/users/$D/u/id")" ]
    link_to "../../../../../../groups/$D/g" ../groups/g
    [ "$(quick cat ../groups/g/id)" = "$(quick cat "$M/groups/$D/g/id")" ]
    run_openstack role assignment list --names --project p --project-domain "$D" -f json >"$BATS_TEST_TMPDIR/grants"
    [ "$(jq -r '.[] | .User + .Group' "$BATS_TEST_TMPDIR/grants" | sort | tr '\n' ' ')" = "g@$D u@$D " ]
    # In a region's view they are to be seen, and to be followed within it.
    [ "$(quick cat "$M/regions/Kista/projects/$D/p/roles/member/users/u/id")" = "$(quick cat u/id)" ]
    fails_with EPERM rm "$M/regions/Kista/projects/$D/p/roles/member/users/u"
    # Of another domain: with its name.
    link_to ../../../../../../users/Default/admin admin@Default
    [ "$(quick cat admin@Default/id)" = "$(quick cat "$M/users/Default/admin/id")" ]
    fails_with EINVAL ln -s ../../../../../../users/Default/glance glance
    fails_with EINVAL ln -s "../../../../../../users/$D/u" other
    fails_with EINVAL ln -s "../../../../../../groups/$D/g" g
    fails_with EINVAL ln -s "$M" u2
    fails_with EINVAL ln -s ../../../../../../version u3
    fails_with ENOENT ln -s "../../../../../../users/$D/nobody" nobody
    fails_with EEXIST ln -sT "../../../../../../users/$D/u" u
    quick rm u ../groups/g admin@Default
    [ -z "$(quick ls)" ]
    [ "$(run_openstack role assignment list --project p --project-domain "$D" -f value)" = "" ]
    # On a domain.
    cd "$M/domains/$D/roles/reader/users"
    link_to "../../../../../users/$D/u" u
    [ "$(quick cat u/id)" = "$(quick cat "$M/users/$D/u/id")" ]
    run_openstack role assignment list --names --domain "$D" -f value | grep -q "u@$D"
    quick rm u
}

@test "a grant that somebody else has ended is gone, and so is its link" {
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u"
    cd "$M/projects/$D/p/roles/member/users"
    link_to "../../../../../../users/$D/u" u
    run_openstack role remove --project p --project-domain "$D" --user u --user-domain "$D" member
    fails_with ENOENT rm u
}

@test "what somebody else has removed is gone, whatever is done to it" {
    make_domain
    quick mkdir "$M/users/$D/u" "$M/projects/$D/p" "$M/groups/$D/g"
    quick ls -l "$M/users/$D" "$M/projects/$D" "$M/groups/$D" >/dev/null
    api "/users/$(quick cat "$M/users/$D/u/id")" -X DELETE
    api "/projects/$(quick cat "$M/projects/$D/p/id")" -X DELETE
    api "/groups/$(quick cat "$M/groups/$D/g/id")" -X DELETE
    fails_with ENOENT bash -c "echo x >'$M/users/$D/u/email'"
    fails_with ENOENT rmdir "$M/users/$D/u"
    fails_with ENOENT mv "$M/projects/$D/p" "$M/projects/$D/q"
    fails_with ENOENT rmdir "$M/groups/$D/g"
    quick rmdir "$M/domains/$D"
}

@test "in a disabled domain everything is to be seen and changed, and nobody logs in" {
    local secret=Correct-horse-$RANDOM
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u"
    link_to "../../../../../../users/$D/u" "$M/projects/$D/p/roles/member/users/u"
    put "$secret" "$M/users/$D/u/password"
    as_user() {
        OS_USERNAME=u OS_PASSWORD=$secret OS_USER_DOMAIN_NAME=$D OS_PROJECT_NAME=p OS_PROJECT_DOMAIN_NAME=$D login_as token issue
    }
    put false "$M/domains/$D/enabled"
    run as_user
    [ "$status" -ne 0 ]
    [ "$(quick ls "$M/users/$D")" = u ]
    put u@example.org "$M/users/$D/u/email"
    [ "$(quick cat "$M/users/$D/u/email")" = u@example.org ]
    put true "$M/domains/$D/enabled"
    as_user
    put false "$M/domains/$D/enabled"
    quick rmdir "$M/projects/$D/p" "$M/users/$D/u" "$M/domains/$D"
}

@test "a password that Keystone's rules refuse is refused in its own words, without the password" {
    local secret
    secret=$(printf 'pa%.0sss' {1..1025})
    make_domain
    quick mkdir "$M/users/$D/u"
    run -1 put "$secret" "$M/users/$D/u/password"
    quick tail -n 1 "$M/errors" >"$BATS_TEST_TMPDIR/error"
    grep -q "users/$D/u/password.*keystone.*\(too long\|length must be\)" "$BATS_TEST_TMPDIR/error"
    run ! grep -q 'passpass' "$BATS_TEST_TMPDIR/error"
}

@test "groups have users, and users groups" {
    make_domain
    quick mkdir "$M/users/$D/u" "$M/groups/$D/g"
    link_to "../../../../users/$D/u" "$M/groups/$D/g/users/u"
    run_openstack group contains user --group-domain "$D" --user-domain "$D" g u
    [ "$(quick readlink "$M/users/$D/u/groups/g")" = "../../../../groups/$D/g" ]
    [ "$(quick cat "$M/users/$D/u/groups/g/id")" = "$(quick cat "$M/groups/$D/g/id")" ]
    fails_with EPERM rm "$M/users/$D/u/groups/g"
    quick rm "$M/groups/$D/g/users/u"
    [ -z "$(quick ls "$M/users/$D/u/groups")" ]
}

@test "a rename is seen at once wherever the object shows" {
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/users/$D/u" "$M/groups/$D/g"
    link_to "../../../../../../users/$D/u" "$M/projects/$D/p/roles/member/users/u"
    link_to "../../../../users/$D/u" "$M/groups/$D/g/users/u"
    quick ls -lR "$M/projects/$D" "$M/groups/$D" "$M/regions/Kista/projects/$D" "$M/regions/Kista/users/$D" >"$BATS_TEST_TMPDIR/before"
    quick mv "$M/users/$D/u" "$M/users/$D/v"
    [ "$(quick ls "$M/users/$D")" = v ]
    [ "$(quick ls "$M/regions/Kista/users/$D")" = v ]
    [ "$(quick ls "$M/projects/$D/p/roles/member/users")" = v ]
    [ "$(quick readlink "$M/projects/$D/p/roles/member/users/v")" = "../../../../../../users/$D/v" ]
    [ "$(quick ls "$M/groups/$D/g/users")" = v ]
    fails_with ENOENT stat "$M/projects/$D/p/roles/member/users/u"
}

@test "a region's view can't be changed" {
    fails_with EPERM mkdir "$M/regions/Kista/users/Default/x"
    fails_with EPERM rmdir "$M/regions/Kista/users/Default/admin"
    fails_with EPERM mv "$M/regions/Kista/roles/member" "$M/regions/Kista/roles/x"
    fails_with EPERM bash -c "echo x >'$M/regions/Kista/users/Default/admin/description'"
    [ "$(quick stat -c %a "$M/regions/Kista/users/Default/admin/email")" = 444 ]
    [ ! -e "$M/regions/Kista/users/Default/admin/password" ]
}

@test "the LDAP domain: users and groups live in the directory" {
    quick mkdir "$M/users/acme/t-eve" "$M/groups/acme/t-crew"
    put eve@acme.org "$M/users/acme/t-eve/email"
    [ "$(quick cat "$M/users/acme/t-eve/email")" = eve@acme.org ]
    quick grep -q '^dn: uid=t-eve,ou=Users,' "$M/ldap/tree.ldif"
    [ "$(quick stat -c %a "$M/users/acme/t-eve/enabled")" = 444 ]
    fails_with EPERM bash -c "echo false >'$M/users/acme/t-eve/enabled'"
    [ -z "$(quick ls "$M/groups/acme/t-crew/users")" ]
    link_to ../../../../users/acme/t-eve "$M/groups/acme/t-crew/users/t-eve"
    [ "$(quick ls "$M/users/acme/t-eve/groups")" = t-crew ]
    # Grants are Keystone's, also those of the directory's people; they go where their owner goes.
    quick mkdir "$M/projects/acme/t-p"
    link_to ../../../../../../users/acme/t-eve "$M/projects/acme/t-p/roles/member/users/t-eve"
    quick mv "$M/users/acme/t-eve" "$M/users/acme/t-ada"
    [ "$(quick ls "$M/projects/acme/t-p/roles/member/users")" = t-ada ]
    [ "$(quick ls "$M/groups/acme/t-crew/users")" = t-ada ]
    quick rmdir "$M/users/acme/t-ada"
    [ -z "$(quick ls "$M/projects/acme/t-p/roles/member/users")" ]
    quick mkdir "$M/users/acme/t-ada"
    [ -z "$(quick ls "$M/projects/acme/t-p/roles/member/users")" ]
    quick rmdir "$M/users/acme/t-ada" "$M/groups/acme/t-crew" "$M/projects/acme/t-p"
    fails_with EEXIST bash -c "mkdir '$M/users/acme/t-x' && mkdir '$M/users/acme/t-x'"
    quick rmdir "$M/users/acme/t-x"
    run ! quick grep -q 't-ada\|t-eve\|t-x\|t-crew' "$M/ldap/tree.ldif"
}

@test "names that try to be DNs and filters are only names in the directory" {
    local name names=('t-*)(uid=*' 't-x,dc=y' 't-"q"+a=b;c' 't-\\2a' 't-; DROP') file
    quick mkdir "$M/users/acme/t-other" "$M/groups/acme/t-crew"
    for name in "${names[@]}"; do
        quick mkdir "$M/users/acme/$name"
        api "/users?domain_id=$(quick cat "$M/domains/acme/id")&name=$(jq -rn --arg name "$name" '$name | @uri')" |
            jq -e --arg name "$name" '[.users[].name] == [$name]'
        put x@acme.org "$M/users/acme/$name/email"
        link_to "../../../../users/acme/$name" "$M/groups/acme/t-crew/users/$name"
    done
    [ -z "$(quick cat "$M/users/acme/t-other/email")" ]
    [ "$(quick ls "$M/groups/acme/t-crew/users" | wc -l)" -eq "${#names[@]}" ]
    for name in "${names[@]}"; do
        quick rm "$M/groups/acme/t-crew/users/$name"
        quick rmdir "$M/users/acme/$name"
    done
    [ "$(quick ls "$M/users/acme" | grep '^t-')" = t-other ]
    quick rmdir "$M/users/acme/t-other" "$M/groups/acme/t-crew"
}

@test "with the directory down the other domains go on working" {
    make_domain
    put stop "$M/containers/ldap/ctl"
    [ "$(quick cat "$M/ldap/state")" = exited ]
    run ! quick ls "$M/users/acme"
    run ! quick mkdir "$M/users/acme/t-late"
    quick mkdir "$M/users/$D/u" "$M/projects/$D/p"
    link_to "../../../../../../users/$D/u" "$M/projects/$D/p/roles/member/users/u"
    [ "$(quick ls "$M/users/$D")" = u ]
    slowly bash -c 'echo start >"$1"' - "$M/containers/ldap/ctl"
    slowly bash -c 'until ls "$1" >/dev/null 2>&1; do :; done' - "$M/users/acme"
    [ "$(quick cat "$M/ldap/state")" = running ]
}

# The walk of the instructions that this replaces: LDAP provisioning, the domain and the project, the role for a group, and then john, who
# logs in with his LDAP password, sees his catalog and may do no more than that.
@test "from LDAP provisioning to API access for user john" {
    local people=$BATS_TEST_DIRNAME/people.ldif
    quick cp "$people" "$M/ldap/import"
    [ "$(quick cat "$M/domains/acme/driver")" = ldap ]
    [ "$(quick ls "$M/users/acme" | grep -cx 'john\|mary')" -eq 2 ]
    [ "$(quick cat "$M/users/acme/john/email")" = John.Smith@acme.org ]
    quick mkdir "$M/projects/acme/demo"
    put 'Demo project' "$M/projects/acme/demo/description"
    link_to ../../../../../../groups/acme/demo "$M/projects/acme/demo/roles/member/groups/demo"
    [ "$(quick ls "$M/projects/acme/demo/roles/member/groups/demo/users/" | tr '\n' ' ')" = "john mary " ]

    # In one process: each command by itself would load the client anew.
    run_openstack >"$BATS_TEST_TMPDIR/seen" <<'COMMANDS'
project list --domain acme -f json
region list -f json
domain list -f json
project list --long -f json
user list --domain Default -f json
user list --domain acme -f json
user show john --domain acme -f json
endpoint list -f json
role list -f json
role assignment list --names -f json
group list --domain acme -f json
COMMANDS
    jq -rs '.[0][].Name, .[1][].Region, .[2][].Name, (.[3][] | "\(.Name): \(.Description)"), .[4][].Name, (.[5][] | "\(.Name)@acme"), .[6].email,
        .[7][]["Service Type"], .[8][].Name, .[9][].Group, (.[10][] | "group \(.Name)")' "$BATS_TEST_TMPDIR/seen" >"$BATS_TEST_TMPDIR/names"
    for expected in demo Kista acme 'demo: Demo project' admin john@acme mary@acme John.Smith@acme.org identity member demo@acme 'group demo'; do
        echo "$expected"
        grep -qxF "$expected" "$BATS_TEST_TMPDIR/names"
    done

    john() {
        OS_USERNAME=john OS_PASSWORD=john OS_USER_DOMAIN_NAME=acme OS_PROJECT_DOMAIN_NAME=acme OS_PROJECT_NAME=demo login_as "$@"
    }
    john catalog list -f json | jq -e 'map(.Type) | contains(["identity", "image"])'
    run john user create x
    [ "$status" -ne 0 ]
    [[ $output == *"403"* ]]
    run john user list --domain acme
    [ "$status" -ne 0 ]
    # Without the grant there is no project to log in to.
    quick rm "$M/projects/acme/demo/roles/member/groups/demo"
    run john catalog list
    [ "$status" -ne 0 ]

    quick rmdir "$M/projects/acme/demo" "$M/groups/acme/demo" "$M/users/acme/john" "$M/users/acme/mary"
}

@test "a script over a table makes users, and makes nothing the second time" {
    local users=${IDENTITY_USERS:-10}
    make_domain
    quick mkdir "$M/projects/$D/p" "$M/groups/$D/g"
    for ((i = 0; i < users; i++)); do echo "user$i,user$i@example.org"; done >"$BATS_TEST_TMPDIR/table"
    provision() {
        local name mail refused=0
        while IFS=, read -r name mail; do
            mkdir "$M/users/$D/$name" 2>>"$1" || refused=$((refused + 1))
            echo "$mail" >"$M/users/$D/$name/email"
            ln -sT "../../../../users/$D/$name" "$M/groups/$D/g/users/$name" 2>>"$1" || refused=$((refused + 1))
            ln -sT "../../../../../../users/$D/$name" "$M/projects/$D/p/roles/member/users/$name" 2>>"$1" || refused=$((refused + 1))
        done <"$BATS_TEST_TMPDIR/table"
        echo "$refused"
    }
    export -f provision
    export D BATS_TEST_TMPDIR
    [ "$(timeout -k 5 $((60 + 2 * users)) bash -c "provision '$BATS_TEST_TMPDIR/first'")" -eq 0 ]
    run_openstack user list --domain "$D" --long -f json >"$BATS_TEST_TMPDIR/users"
    [ "$(jq length "$BATS_TEST_TMPDIR/users")" -eq "$users" ]
    [ "$(quick ls "$M/projects/$D/p/roles/member/users" | wc -l)" -eq "$users" ]
    [ "$(quick ls "$M/groups/$D/g/users" | wc -l)" -eq "$users" ]
    [ "$(timeout -k 5 $((60 + 2 * users)) bash -c "provision '$BATS_TEST_TMPDIR/second'")" -eq $((3 * users)) ]
    [ "$(grep -c 'File exists' "$BATS_TEST_TMPDIR/second")" -eq $((3 * users)) ]
    run_openstack user list --domain "$D" --long -f json | diff - "$BATS_TEST_TMPDIR/users"
}
