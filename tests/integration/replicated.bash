# What tests of several regions that replicate share: the cloud $CLOUD, mounted at $M, with its secrets in $DIRECTORY/state.

# regions_up MASTER SLAVE…: started, ready, and the slaves replicate.
regions_up() {
    local region
    quick mkdir "$M/regions/$1"
    [ "$(slowly cat "$M/regions/$1/wait")" = ready ]
    for region in "${@:2}"; do quick mkdir "$M/regions/$region"; done
    for region in "${@:2}"; do [ "$(slowly cat "$M/regions/$region/wait")" = standby ]; done
    for region in "${@:2}"; do put start "$M/regions/$region/replication/ctl"; done
    for region in "${@:2}"; do [ "$(slowly cat "$M/regions/$region/wait")" = ready ]; done
}

# people_up: the people of the domain acme, whose group demo works in the project demo.
people_up() {
    quick cp "$(dirname "${BASH_SOURCE[0]}")/people.ldif" "$M/ldap/import"
    quick mkdir "$M/projects/acme/demo"
    quick ln -s ../../../../../../groups/acme/demo "$M/projects/acme/demo/roles/member/groups/demo"
}

# write_login FILE: root's login of the cloud's databases, where the cloud has TLS by that, and to nobody else.
write_login() {
    local tls=skip-ssl
    if [ -e "$M/ca.pem" ]; then # which goes when the daemon does
        quick cp "$M/ca.pem" "$DIRECTORY/ca.pem"
        tls="ssl-ca=$DIRECTORY/ca.pem"$'\n'ssl-verify-server-cert
    fi
    (umask 077 && jq -r --arg tls "$tls" '"[client]\nuser=root\npassword=\(.db_root)\n\($tls)"' "$DIRECTORY/state/$CLOUD.json" >"$1")
}

# roles MASTER SLAVE…: as every place says, and only the master's database takes writes.
roles() {
    local region
    [ "$(quick cat "$M/regions/$1/role")" = master ]
    [ ! -e "$M/regions/$1/replication/master" ]
    [ "$(sql "$1" 'SELECT @@GLOBAL.read_only')" = 0 ]
    quick jq -e --arg master "$1" '[.regions[] | select(.role == "master") | .name] == [$master]' "$M/status.json"
    for region in "${@:2}"; do
        [ "$(quick cat "$M/regions/$region/role")" = slave ]
        [ "$(quick readlink "$M/regions/$region/replication/master")" = "../../$1" ]
        [ "$(sql "$region" 'SELECT @@GLOBAL.read_only')" = 1 ]
    done
}

# refused ERRNO COMMAND FILE: the control file doesn't take it.
refused() { fails_with "$1" bash -c 'echo "$1" >"$2"' put "$2" "$3"; }

# sql REGION STATEMENT: as the root of its database.
sql() { sql_of "$1" <<<"$2"; }

# sql_of REGION: statements on the standard input.
sql_of() {
    MYSQL_PWD=$(jq -r .db_root "$DIRECTORY/state/$CLOUD.json") mariadb_of "$1" -u root --batch --skip-column-names --unbuffered
}

# mariadb_of REGION ARGUMENT…: the client of its database, where the cloud has TLS by that, and believing nobody else.
mariadb_of() {
    local tls=(--skip-ssl)
    [ ! -e "$M/ca.pem" ] || tls=(--ssl-ca="$M/ca.pem" --ssl-verify-server-cert)
    timeout 30 mariadb --no-defaults "${tls[@]}" -h "$(quick cat "$M/regions/$1/address")" "${@:2}"
}

# make REGION NAME: a project, by the API of that region.
make() {
    curl -sS --fail-with-body --max-time 40 -o /dev/null -H "X-Auth-Token: $(quick cat "$M/regions/$1/token")" \
        -H 'Content-Type: application/json' -d "{\"project\": {\"name\": \"$2\", \"domain_id\": \"default\"}}" \
        "$(quick cat "$M/regions/$1/endpoints/identity/public")/projects"
}

# what_of REGION: how it is doing, to the standard error; false.
what_of() {
    local file
    for file in state error replication/{state,status}; do
        echo "$1: $file: $(quick cat "$M/regions/$1/$file" | tr '\n' ';')" >&2
    done
    return 1
}

# in_step REGION…: each comes to have what the master has, its replication runs, and its tables are the master's.
in_step() {
    local region status
    for region; do
        replicates "$region"
        quick cat "$M/regions/$region/replication/sync"
        status=$(slowly cat "$M/regions/$region/replication/status")
        if ! grep -qx 'state: running' <<<"$status" || ! grep -qx 'drift: none' <<<"$status"; then
            what_of "$region" || return
        fi
    done
}

# settled REGION STATE: waits for the events that lead to it.
settled() {
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/regions/$2/state")" = "$3" ]; do read -r <&7; done' settled "$M" "$1" "$2" ||
        what_of "$1"
}

# says REGION PATTERN: that is, or becomes, the reason why it is degraded.
says() {
    timeout 60 bash -c 'exec 7<"$1/events"; until grep -q "$3" "$1/regions/$2/error"; do read -r <&7; done' says "$M" "$1" "$2" ||
        what_of "$1"
}

# complete REGION: it acknowledges, and has all that was acknowledged before.
complete() {
    exec 7<"$M/events"
    while jq -e 'any(.marks[]; . == "incomplete")' "$DIRECTORY/state/$CLOUD/regions/$1.json" >/dev/null; do read -r -t 60 <&7; done
    exec 7<&-
}

# acknowledging REGION COUNT: so many slaves come to acknowledge what it writes; nobody tells when the next one does.
acknowledging() {
    local end=$((SECONDS + 60))
    until [ "$(sql "$1" "SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'" | cut -f 2)" = "$2" ]; do [ "$SECONDS" -lt "$end" ]; done
}

# replicates REGION [STATE]
replicates() {
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/regions/$2/replication/state")" = "$3" ]; do read -r <&7; done' \
        replicates "$M" "$1" "${2:-running}" || what_of "$1"
}
