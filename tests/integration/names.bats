# Two names are two people, projects, groups, roles: whatever they differ in, but for case. Uses the suite's cloud.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    D=n$BATS_TEST_NUMBER
    # accent, width, ligature, joiner that can't be seen, soft hyphen, composed or not, sharp s, kana, Nordic letters, index, blanks of another kind
    names=(hakan håkan $'ha\u030akan' $'h\u200dakan' $'ha\u00adkan' $'ｈakan' hakån fin $'ﬁn' strasse straße かな カナ aero æro ærø x2 x² 'a b' $'a\u00a0b')
}

teardown() {
    local object
    for object in "$M"/users/acme/* "$M"/groups/acme/* "$M/users/$D"/* "$M/groups/$D"/* "$M/projects/$D"/* "$M"/projects/acme/names "$M/domains/$D"; do
        [ ! -d "$object" ] || quick rmdir "$object" || true
    done
}

# api METHOD PATH [CURL OPTION…]: Keystone itself, with the mount's token.
api() {
    curl -sS --max-time 60 -X "$1" -H "X-Auth-Token: $(quick cat "$M/regions/Kista/token")" \
        "$(quick cat "$M/regions/Kista/endpoints/identity/public")$2" "${@:3}"
}

# log_in NAME DOMAIN PASSWORD: by the API; the id of who has.
log_in() {
    jq -cn --arg name "$1" --arg domain "$2" --arg password "$3" \
        '{auth: {identity: {methods: ["password"], password: {user: {name: $name, domain: {name: $domain}, password: $password}}}}}' |
        curl -sSf --max-time 60 --json @- "$(quick cat "$M/regions/Kista/endpoints/identity/public")/auth/tokens" | jq -er .token.user.id
}

# all_apart DIRECTORY: each of the names has an entry in it, that is itself, with an id that no other has.
all_apart() {
    local name object
    for name in "${names[@]}"; do
        quick jq -er '.[] | .name' "$1/$name/json" >"$BATS_TEST_TMPDIR/name"
        [ "$(cat "$BATS_TEST_TMPDIR/name")" = "$name" ]
        quick cat "$1/$name/id"
    done >"$BATS_TEST_TMPDIR/ids"
    [ "$(sort -u "$BATS_TEST_TMPDIR/ids" | wc -l)" -eq "${#names[@]}" ]
}

# The directory itself takes some for one (RFC 4518, section 2): these are no two entries there, and so no two people.
make_those_it_takes() {
    local name taken=()
    for name in "${names[@]}"; do
        if quick mkdir "$1/$name" 2>"$BATS_TEST_TMPDIR/refused"; then
            taken+=("$name")
        else
            grep -q 'File exists' "$BATS_TEST_TMPDIR/refused"
            [ ! -e "$1/$name" ]
        fi
    done
    names=("${taken[@]}")
    printf '%s\n' "${names[@]}"
}

@test "people of the directory" {
    make_those_it_takes "$M/users/acme"
    [[ " ${names[*]} " == *" hakan håkan "* && " ${names[*]} " == *" strasse straße "* ]]
    all_apart "$M/users/acme"
    quick mkdir "$M/projects/acme/names"
    for name in hakan håkan; do put "secret of $name" "$M/users/acme/$name/password"; done
    for name in hakan håkan; do
        [ "$(log_in "$name" acme "secret of $name")" = "$(quick cat "$M/users/acme/$name/id")" ]
    done
    # each is granted a role, and one alone
    for name in hakan håkan straße; do
        quick ln -sT "../../../../../../users/acme/$name" "$M/projects/acme/names/roles/member/users/$name"
        [ "$(quick ls "$M/projects/acme/names/roles/member/users")" = "$name" ]
        quick rm "$M/projects/acme/names/roles/member/users/$name"
    done
    id=$(quick cat "$M/users/acme/hakan/id")
    quick rmdir "$M/users/acme/håkan"
    [ "$(quick cat "$M/users/acme/hakan/id")" = "$id" ]
    [ "$(log_in hakan acme 'secret of hakan')" = "$id" ]
}

@test "groups of the directory, and what is granted to them" {
    quick mkdir "$M/users/acme/eve" "$M/groups/acme/resume" "$M/groups/acme/résumé" "$M/projects/acme/names"
    put secret "$M/users/acme/eve/password"
    quick ln -sT ../../../../users/acme/eve "$M/groups/acme/resume/users/eve"
    quick ln -sT ../../../../../../groups/acme/résumé "$M/projects/acme/names/roles/member/groups/résumé"
    [ "$(quick ls "$M/projects/acme/names/roles/member/groups")" = résumé ]
    eve=$(quick cat "$M/users/acme/eve/id")
    [ "$(api GET "/role_assignments?effective&user.id=$eve&scope.project.id=$(quick cat "$M/projects/acme/names/id")" | jq '.role_assignments | length')" = 0 ]
    quick rm "$M/projects/acme/names/roles/member/groups/résumé"
    quick ln -sT ../../../../../../groups/acme/resume "$M/projects/acme/names/roles/member/groups/resume"
    [ "$(api GET "/role_assignments?effective&user.id=$eve&scope.project.id=$(quick cat "$M/projects/acme/names/id")" | jq '.role_assignments | length')" -gt 0 ]
}

@test "people, groups and projects of the database" {
    quick mkdir "$M/domains/$D"
    for kind in users groups projects; do
        for name in "${names[@]}"; do quick mkdir "$M/$kind/$D/$name"; done
        all_apart "$M/$kind/$D"
        [ $kind != users ] || names=("${names[@]:0:8}")
    done
    for name in hakan håkan; do put "secret of $name" "$M/users/$D/$name/password"; done
    for name in hakan håkan; do
        [ "$(log_in "$name" "$D" "secret of $name")" = "$(quick cat "$M/users/$D/$name/id")" ]
    done
}

@test "roles, domains, and tags of projects" {
    for name in résumé resume $'re\u0301sume\u0301'; do quick mkdir "$M/roles/$name" "$M/domains/$name"; done
    quick cat "$M"/roles/r*m*/id "$M"/domains/r*m*/id >"$BATS_TEST_TMPDIR/ids"
    for name in résumé resume $'re\u0301sume\u0301'; do quick rmdir "$M/roles/$name" "$M/domains/$name"; done
    [ "$(sort -u "$BATS_TEST_TMPDIR/ids" | wc -l)" -eq 6 ]
    quick mkdir "$M/projects/acme/names"
    for tag in a å 'a b'; do
        api PUT "/projects/$(quick cat "$M/projects/acme/names/id")/tags/$(jq -rn --arg tag "$tag" '$tag | @uri')" -f
    done
    [ "$(api GET "/projects/$(quick cat "$M/projects/acme/names/id")/tags" | jq '.tags | length')" = 3 ]
}

@test "a blank at the end is stripped by Keystone or kept, and makes nobody another" {
    quick mkdir "$M/domains/$D" "$M/groups/$D/a"
    id=$(quick cat "$M/groups/$D/a/id")
    if quick mkdir "$M/groups/$D/a " 2>/dev/null; then [ "$(quick cat "$M/groups/$D/a /id")" != "$id" ]; fi
    [ "$(quick cat "$M/groups/$D/a/id")" = "$id" ]
}

@test "what differs in case alone is there already" {
    quick mkdir "$M/domains/$D"
    for kind in users groups projects; do
        quick mkdir "$M/$kind/$D/Åsa"
        fails_with EEXIST mkdir "$M/$kind/$D/åSA"
        fails_with EEXIST mkdir "$M/$kind/$D/Åsa"
    done
    fails_with EEXIST mkdir "$M/roles/ADMIN"
    fails_with EEXIST mkdir "$M/domains/DEFAULT"
    quick mv "$M/users/$D/Åsa" "$M/users/$D/åsa"
    [ "$(quick jq -r .user.name "$M/users/$D/åsa/json")" = åsa ]
}

@test "properties and tags of an image" {
    image=$(printf 'names' | quick tee "$M/regions/Kista/images/names" >/dev/null && quick cat "$M"/regions/Kista/images-by-id/*/id 2>/dev/null | head -n 1 || true)
    image=$(for i in "$M"/regions/Kista/images-by-id/*; do [ "$(quick cat "$i/name")" != names ] || basename "$i"; done)
    I=$M/regions/Kista/images-by-id/$image
    for name in resume résumé Résumé; do
        quick touch "$I/tags/$name"
        put "$name" "$I/properties/p_$name" || [ "$name" != resume ]
    done
    [ "$(quick ls "$I/tags" | wc -l)" -eq 3 ]
    [ "$(quick cat "$I/properties/p_resume")" = resume ]
    quick ls "$I/tags" | grep -qx résumé
    quick rm "$I/tags/résumé"
    [ "$(quick ls "$I/tags" | wc -l)" -eq 2 ]
    quick rm "$M/regions/Kista/images/names"
}
