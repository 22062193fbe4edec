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

# write_login FILE: root's login of the cloud's databases.
write_login() { (umask 077 && jq -r '"[client]\nuser=root\npassword=\(.db_root)"' "$DIRECTORY/state/$CLOUD.json" >"$1"); }

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
    MYSQL_PWD=$(jq -r .db_root "$DIRECTORY/state/$CLOUD.json") timeout 30 mariadb --skip-ssl -u root -h "$(quick cat "$M/regions/$1/address")" \
        --batch --skip-column-names --unbuffered
}

# make REGION NAME: a project, by the API of that region.
make() {
    curl -sS --fail-with-body --max-time 40 -o /dev/null -H "X-Auth-Token: $(quick cat "$M/regions/$1/token")" \
        -H 'Content-Type: application/json' -d "{\"project\": {\"name\": \"$2\", \"domain_id\": \"default\"}}" \
        "$(quick cat "$M/regions/$1/endpoints/identity/public")/projects"
}

# in_step REGION…: each comes to have what the master has, its replication runs, and its tables are the master's.
in_step() {
    local region status
    for region; do
        replicates "$region"
        quick cat "$M/regions/$region/replication/sync"
        status=$(slowly cat "$M/regions/$region/replication/status")
        if ! grep -qx 'state: running' <<<"$status" || ! grep -qx 'drift: none' <<<"$status"; then
            echo "$region: $status" >&2
            return 1
        fi
    done
}

# settled REGION STATE: waits for the events that lead to it.
settled() {
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/regions/$2/state")" = "$3" ]; do read -r <&7; done' settled "$M" "$1" "$2"
}

# says REGION PATTERN: that is, or becomes, the reason why it is degraded.
says() {
    timeout 60 bash -c 'exec 7<"$1/events"; until grep -q "$3" "$1/regions/$2/error"; do read -r <&7; done' says "$M" "$1" "$2"
}

# complete REGION: it acknowledges, and has all that was acknowledged before.
complete() {
    exec 7<"$M/events"
    while jq -e 'any(.marks[]; . == "incomplete")' "$DIRECTORY/state/$CLOUD/regions/$1.json" >/dev/null; do read -r -t 60 <&7; done
    exec 7<&-
}

# replicates REGION [STATE]
replicates() {
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/regions/$2/replication/state")" = "$3" ]; do read -r <&7; done' \
        replicates "$M" "$1" "${2:-running}"
}
