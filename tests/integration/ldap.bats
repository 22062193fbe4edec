# The directory that all regions share, and Fernet keys. Uses the suite's cloud.

load common.bash

setup() {
    L=$M/ldap
    people=$BATS_TEST_TMPDIR/people.ldif
    cat >"$people" <<'LDIF'
dn: ou=Users,dc=acme,dc=org
objectClass: organizationalUnit
ou: Users

dn: ou=Groups,dc=acme,dc=org
objectClass: organizationalUnit
ou: Groups

dn: cn=crew,ou=Groups,dc=acme,dc=org
objectClass: groupOfNames
cn: crew
member: uid=ada,ou=Users,dc=acme,dc=org

dn: uid=ada,ou=Users,dc=acme,dc=org
objectClass: inetOrgPerson
uid: ada
sn: Lovelace
cn: Ada Lovelace
mail: ada@acme.org
userPassword: analytical
LDIF
}

@test "people come by cp, as often as it is done, and log in" {
    quick cp "$people" "$L/import"
    quick bash -c 'cat "$1" >"$2"' - "$people" "$L/import"
    tree=$(quick cat "$L/tree.ldif")
    [[ $tree = *$'\n'"dn: uid=ada,ou=Users,dc=acme,dc=org"* ]]
    [[ ${tree,,} != *userpassword* && $tree != *analytical* ]]
    [ "$(quick cat "$M/users/acme/ada/email")" = ada@acme.org ]
    # a first login of somebody who has no role yet: an unscoped token
    OS_AUTH_URL=$(quick cat "$M/regions/Kista/endpoints/identity/public") OS_IDENTITY_API_VERSION=3 OS_USERNAME=ada \
        OS_PASSWORD=analytical OS_USER_DOMAIN_NAME=acme timeout 60 openstack token issue -f value -c id
}

@test "a bad record fails the close, is named, and leaves those before it" {
    cat >"$BATS_TEST_TMPDIR/bad.ldif" <<'LDIF'
dn: uid=before,ou=Users,dc=acme,dc=org
objectClass: inetOrgPerson
uid: before
sn: Before
cn: Before

dn: uid=broken,ou=Users,dc=acme,dc=org
objectClass: inetOrgPerson
uid: broken

dn: uid=after,ou=Users,dc=acme,dc=org
objectClass: inetOrgPerson
uid: after
sn: After
cn: After
LDIF
    fails_with EINVAL cp "$BATS_TEST_TMPDIR/bad.ldif" "$L/import"
    quick tail -n 1 "$M/errors" | grep -q 'uid=broken'
    quick grep -q 'uid=before' "$L/tree.ldif"
    ! quick grep -q 'uid=after' "$L/tree.ldif"
}

@test "ldap/ tells where and how it is" {
    [ "$(quick cat "$L/url")" = "ldap://$(here 127.81.0.1):389" ]
    [ "$(quick cat "$L/state")" = running ]
    [ "$(quick stat -c %a "$L/import")" = 200 ]
    [ "$(quick stat -c %a "$L/tree.ldif")" = 600 ]
}

@test "a token from before a rotation of keys stays valid" {
    url=$(quick cat "$M/regions/Kista/endpoints/identity/public")
    before=$(quick cat "$M/regions/Kista/token")
    quick cut -f 1-3 "$M/fernet/keys" >"$BATS_TEST_TMPDIR/keys"
    primary=$(awk '$2 == "primary" {print $3}' "$BATS_TEST_TMPDIR/keys")
    staged=$(awk '$2 == "staged" {print $3}' "$BATS_TEST_TMPDIR/keys")
    put rotate "$M/fernet/ctl"
    quick cat "$M/fernet/keys" >"$BATS_TEST_TMPDIR/after"
    # the staged key is the primary now, the primary a secondary, and the region holds all of them
    [ "$(awk '$2 == "primary" {print $3}' "$BATS_TEST_TMPDIR/after")" = "$staged" ]
    awk '$2 == "secondary" {print $3}' "$BATS_TEST_TMPDIR/after" | grep -qx "$primary"
    [ "$(grep -c Kista "$BATS_TEST_TMPDIR/after")" -eq "$(wc -l <"$BATS_TEST_TMPDIR/after")" ]
    curl -sSf --max-time 20 -H "X-Auth-Token: $before" -H "X-Subject-Token: $before" "$url/auth/tokens" >/dev/null
    after=$(quick cat "$M/regions/Kista/token")
    curl -sSf --max-time 20 -H "X-Auth-Token: $after" "$url/auth/projects" >/dev/null
}

@test "nobody notices rotations of keys, and no more are kept than Keystone is told" {
    local enough=$BATS_TEST_TMPDIR/enough logins=$BATS_TEST_TMPDIR/logins
    for _ in 1 2 3; do # each read is a login
        until [ -e "$enough" ]; do quick cat "$M/regions/Kista/token" >/dev/null && echo in || echo out; done >>"$logins" &
    done
    for _ in 1 2 3 4 5; do put rotate "$M/fernet/ctl"; done
    touch "$enough"
    wait
    grep -qx in "$logins"
    [ "$(grep -cx out "$logins")" -eq 0 ]
    [ "$(quick cat "$M/fernet/keys" | wc -l)" -eq 5 ]
    fails_with EINVAL bash -c 'echo spin >"$1"' - "$M/fernet/ctl"
}

@test "a dump of a whole directory comes, twice, and whom Keystone would not find is refused by a sentence" {
    dump=$BATS_TEST_TMPDIR/dump.ldif
    cat >"$dump" <<'LDIF'
dn: dc=acme,dc=org
objectClass: top
objectClass: dcObject
objectClass: organization
o: Acme Incorporated
dc: acme
structuralObjectClass: organization
entryUUID: 7f2c1f9a-6a3e-103d-9d0f-0123456789ab
creatorsName: cn=admin,dc=acme,dc=org
createTimestamp: 20230301120000Z

dn: ou=Users,dc=acme,dc=org
objectClass: top
objectClass: organizationalUnit
ou: Users
entryCSN: 20230301120000.000000Z#000000#000#000000

dn: uid=grace,ou=Users,dc=acme,dc=org
objectClass: inetOrgPerson
uid: grace
sn: Hopper
cn: Grace Hopper
modifyTimestamp: 20230301120000Z
LDIF
    sed 's/$/\r/' "$dump" >"$dump.dos"
    quick cp "$dump" "$L/import"
    quick cp "$dump.dos" "$L/import"
    [ -d "$M/users/acme/grace" ]
    # What this cloud says of its directory can be read back.
    quick cat "$L/tree.ldif" >"$dump.again"
    quick cp "$dump.again" "$L/import"
    quick rmdir "$M/users/acme/grace"
    quick cp "$dump.again" "$L/import"
    [ -d "$M/users/acme/grace" ]
    quick rmdir "$M/users/acme/grace"
    for dn in 'cn=Grace Hopper,ou=Users' 'uid=grace,ou=Staff' 'uid=grace,ou=Deep,ou=Users'; do
        printf 'dn: %s,dc=acme,dc=org\nobjectClass: inetOrgPerson\nuid: grace\nsn: Hopper\ncn: Grace Hopper\n' "$dn" >"$dump"
        fails_with EINVAL cp "$dump" "$L/import"
        quick tail -n 1 "$M/errors" | grep -q "record at line 1 (dn: $dn.*uid=NAME,ou=Users,dc=acme,dc=org"
        ! quick ls "$M/users/acme" | grep -qx grace
    done
    # Nothing was taken: the name is free.
    quick mkdir "$M/users/acme/grace"
    quick rmdir "$M/users/acme/grace"
}
