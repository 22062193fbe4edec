# users/DOMAIN/import and projects/DOMAIN/import: many at once. Uses the suite's cloud; each test makes a domain of its own.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    D=i$BATS_TEST_NUMBER
    quick mkdir "$M/domains/$D"
    U=$M/users/$D
}

# By SQL: Keystone takes longer to delete a thousand users than to make them.
teardown() {
    local id
    tell_errors
    id=$(quick cat "$M/domains/$D/id")
    in_container_as 0 "$SUITE_CLOUD-mysql-Kista" mariadb --skip-ssl keystone --execute "DELETE FROM user WHERE domain_id = '$id'; DELETE FROM project WHERE domain_id = '$id'"
    quick rmdir "$M/domains/$D"
}

identity_url() { quick cat "$M/regions/Kista/endpoints/identity/public"; }

# api PATH [CURL OPTION…]: Keystone itself, with the mount's token.
api() {
    slowly curl -sS --fail-with-body -H "X-Auth-Token: $(quick cat "$M/regions/Kista/token")" "$(identity_url)$1" "${@:2}"
}

# In users/$D: a record's outcome and the sums of the last import.
outcome_of() { quick jq -r --arg name "$1" 'select(.name == $name) | .outcome' "$U/import.result"; }
sums() { quick tail -n 1 "${1:-$U}/import.result" | jq -r '"\(.records) \(.created) \(.changed) \(.unchanged) \(.failed) \(.done)"'; }

# people COUNT: a header, and so many people.
people() {
    echo name,email,description
    seq "$1" | sed 's/.*/u&,u&@example.org,"number &, of many"/'
}

# Which requests of the journal change people.
writes() { quick grep -cE ' (POST|PATCH|DELETE) /v3/(users|projects)' "$M/journal" || true; }

@test "a thousand users come in by one cp, and again nothing is changed" {
    people 1000 >"$BATS_TEST_TMPDIR/people.csv"
    slowly cp "$BATS_TEST_TMPDIR/people.csv" "$U/import"
    [ "$(sums)" = '1000 1000 0 0 0 true' ]
    [ "$(quick ls "$U" | wc -l)" = 1000 ]
    [ "$(quick jq -s 'map(select(.outcome == "created") | .name) | unique | length' "$U/import.result")" = 1000 ]
    [ "$(quick cat "$U/u700/email")" = u700@example.org ]
    [ "$(quick cat "$U/u1000/description")" = 'number 1000, of many' ]
    [ "$(api "/users?domain_id=$(quick cat "$M/domains/$D/id")" | jq '.users | length')" = 1000 ]
    before=$(writes)
    slowly cp "$BATS_TEST_TMPDIR/people.csv" "$U/import"
    [ "$(sums)" = '1000 0 0 1000 0 true' ]
    # Far fewer than the journal holds have been asked for; none of them was a change.
    [ "$(writes)" -le "$before" ]
    sed 's/^u5,.*/u5,other@example.org,x/; s/^u900,.*/u900,,""/' "$BATS_TEST_TMPDIR/people.csv" >"$BATS_TEST_TMPDIR/changed.csv"
    slowly cp "$BATS_TEST_TMPDIR/changed.csv" "$U/import"
    [ "$(sums)" = '1000 0 2 998 0 true' ]
    [ "$(quick cat "$U/u5/email")" = other@example.org ]
    [ "$(quick cat "$U/u900/email") $(quick cat "$U/u900/description")" = 'u900@example.org ' ]
}

@test "bad records are named, and the others come in" {
    run ! slowly cp /dev/stdin "$U/import" <<<$'name,enabled,email\nal,true,\nbob,yes,\n\ncarl,true\n,true,x\n"da\nvid",false,d@x'
    grep -q 'Invalid argument' <<<"$output"
    [ "$(sums)" = '5 2 0 0 3 true' ]
    [ "$(outcome_of al)" = created ]
    [ "$(outcome_of $'da\nvid')" = created ]
    [ "$(quick jq -r 'select(.outcome == "failed") | "\(.line) \(.errno)"' "$U/import.result" | sort)" = $'3 EINVAL\n5 EINVAL\n6 EINVAL' ]
    quick tail -n 1 "$M/errors" | grep -qF 'line 3, bob: enabled is true or false, nothing else'
    quick tail -n 1 "$M/errors" | grep -qF '3 of 5 records failed, all of them are in import.result'
    # What isn't a name of a field, and what isn't there for projects.
    fails_with EINVAL bash -c 'echo name,emial >"$1"' - "$U/import"
    quick tail -n 2 "$M/errors" | grep -qF 'did you mean email?'
    fails_with EINVAL bash -c 'printf "name,password\np,x\n" >"$1"' - "$M/projects/$D/import"
    # A name that differs in case only is in the way, and one after the other of the same name is the last.
    run ! slowly cp /dev/stdin "$U/import" <<<$'name,description\nAl,x\nbert,1\nbert,2'
    [ "$(sums)" = '3 1 1 0 1 true' ]
    [ "$(quick cat "$U/bert/description")" = 2 ]
    # Over 64 KiB.
    { echo name,description; printf 'e,%070000d\nf,x\n' 0; } >"$BATS_TEST_TMPDIR/large"
    fails_with E2BIG cp "$BATS_TEST_TMPDIR/large" "$U/import"
    [ "$(sums)" = '2 1 0 0 1 true' ]
}

@test "JSON lines as jq writes them, and projects" {
    jq -nc 'range(40) | {name: "p\(.)", description: "a \"project\",\nnumber \(.)", enabled: (. % 2 == 0)}' >"$BATS_TEST_TMPDIR/projects"
    slowly bash -c 'cat "$1" >"$2"' - "$BATS_TEST_TMPDIR/projects" "$M/projects/$D/import"
    [ "$(sums "$M/projects/$D")" = '40 40 0 0 0 true' ]
    [ "$(quick cat "$M/projects/$D/p7/enabled")" = false ]
    [ "$(quick cat "$M/projects/$D/p8/description")" = $'a "project",\nnumber 8' ]
    # What others wrote is read as it is told.
    quick jq -nc '{name: "p7", enabled: true}, {name: "p8", description: null}' >"$M/projects/$D/import"
    [ "$(sums "$M/projects/$D")" = '2 0 1 1 0 true' ]
    fails_with EINVAL bash -c 'jq -n "{name: \"p9\"}" >"$1"' - "$M/projects/$D/import"
    quick tail -n 1 "$M/errors" | grep -qF 'jq -c writes such lines'
}

@test "a password opens, is not written again, and stands nowhere" {
    local secret=Correct-horse-$RANDOM file
    quick mkdir "$M/projects/$D/p"
    slowly cp /dev/stdin "$U/import" <<<"name,password"$'\n'"al,\"$secret,\"\"\""$'\n'"bob,"
    quick ln -sT "../../../../../../users/$D/al" "$M/projects/$D/p/roles/member/users/al"
    [ -n "$(token_of "$D" al "$secret,\"" p)" ]
    run ! slowly cp /dev/stdin "$U/import" <<<"name,password,enabled"$'\n'"al,$secret-other,"$'\n'"carl,$secret,maybe"$'\n'"d$secret"
    [ "$(outcome_of al)" = unchanged ]
    [ -n "$(token_of "$D" al "$secret,\"" p)" ]
    fails_with EINVAL bash -c 'printf "%s,al\n" "$1" >"$2"' - "$secret" "$U/import"
    for file in "$M/errors" "$M/journal" "$U/import.result" "$M/regions/Kista/log"; do
        run ! quick grep -F "$secret" "$file"
    done
    fails_with EPERM dd if="$U/import" status=none
}

@test "what a killed writer had written whole is done, and nothing of the rest" {
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    cat <"$BATS_TEST_TMPDIR/fifo" >"$U/import" &
    writer=$!
    exec 5>"$BATS_TEST_TMPDIR/fifo"
    printf 'name,email\nal,al@x\nbob,bo' >&5
    slowly bash -c 'until grep -q "\"al\"" "$1/import.result"; do read -rt 0.05 || true; done' - "$U" < <(tail -f /dev/null)
    kill -9 "$writer"
    wait "$writer" || true
    exec 5>&-
    slowly bash -c 'until tail -n 1 "$1/import.result" | grep -q "\"done\":true"; do read -rt 0.05 || true; done' - "$U" < <(tail -f /dev/null)
    [ "$(sums)" = '1 1 0 0 0 true' ]
    [ "$(quick ls "$U")" = al ]
}

@test "what a list that was just read has not can be made, and what others made since is in the way" {
    quick mkdir "$U/al"
    # In one process, so that the list is new: whether there is one isn't asked then (test_identity_whole.c counts).
    quick python3 -c 'import os, sys; os.listdir(sys.argv[1]); os.mkdir(sys.argv[1] + "/bob"); os.mkdir(sys.argv[1] + "/carl")' "$U"
    [ "$(quick ls "$U")" = $'al\nbob\ncarl' ]
    fails_with EEXIST mkdir "$U/bob"
    # What others have made is in the way, whatever the list said.
    quick python3 -c '
import os, subprocess, sys
os.listdir(sys.argv[1])
subprocess.run(["curl", "-sSf", "-o", "/dev/null", "-H", "X-Auth-Token: " + sys.argv[2], "-H", "Content-Type: application/json", "-d", sys.argv[4], sys.argv[3]], check=True)
try:
    os.mkdir(sys.argv[1] + "/dora")
except FileExistsError:
    sys.exit(0)
sys.exit(1)' "$U" "$(quick cat "$M/regions/Kista/token")" "$(identity_url)/users" \
        "$(jq -nc --arg domain "$(quick cat "$M/domains/$D/id")" '{user: {name: "dora", domain_id: $domain}}')"
}

@test "two imports at once into one directory come to one" {
    people 200 >"$BATS_TEST_TMPDIR/people.csv"
    tac <(people 200 | tail -n 200) | cat <(people 0) - >"$BATS_TEST_TMPDIR/backwards.csv"
    slowly cp "$BATS_TEST_TMPDIR/people.csv" "$U/import" &
    other=$!
    slowly cp "$BATS_TEST_TMPDIR/backwards.csv" "$U/import"
    wait "$other"
    [ "$(quick ls "$U" | wc -l)" = 200 ]
    [ "$(quick tail -n 1 "$U/import.result" | jq '.failed')" = 0 ]
}

@test "one that is called import, and what a walk sees" {
    slowly cp /dev/stdin "$U/import" <<<$'name\nimport\nal'
    id=$(api "/users?name=import&domain_id=$(quick cat "$M/domains/$D/id")" | jq -r '.users[0].id')
    [ "$(quick ls "$U")" = "al
import~${id:0:8}" ]
    [ "$(quick cat "$U/import~${id:0:8}/id")" = "$id" ]
    fails_with EEXIST mkdir "$U/import"
    [ "$(quick stat -c '%a %F' "$U/import" "$U/import.result")" = $'200 regular empty file\n400 regular file' ]
    fails_with ENOENT stat "$M/regions/Kista/users/$D/import"
    fails_with ENOENT stat "$M/groups/$D/import"
    quick rmdir "$U/import~${id:0:8}"
}

@test "people of the LDAP directory come in by it" {
    local secret=Correct-horse-$RANDOM
    slowly cp /dev/stdin "$M/users/acme/import" <<<$'name,password,email,description\n'"i-al,$secret,al@x,one"$'\ni-bob,,,'
    [ "$(sums "$M/users/acme")" = '2 2 0 0 0 true' ]
    [ "$(quick cat "$M/users/acme/i-al/email")" = al@x ]
    slowly cp /dev/stdin "$M/users/acme/import" <<<$'name,description,enabled\ni-al,one,true\ni-bob,two,'
    [ "$(sums "$M/users/acme")" = '2 0 1 1 0 true' ]
    quick grep -q 'mail: al@x' "$M/ldap/tree.ldif"
    fails_with EPERM bash -c 'printf "name,enabled\ni-carl,false\n" | cp /dev/stdin "$1"' - "$M/users/acme/import"
    fails_with ENOENT stat "$M/users/acme/i-carl"
    quick rmdir "$M/users/acme/i-al" "$M/users/acme/i-bob"
}
