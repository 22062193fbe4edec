# What tests of several regions that replicate share: the cloud $CLOUD, mounted at $M, with its secrets in $DIRECTORY/state.

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

sql() {
    MYSQL_PWD=$(jq -r .db_root "$DIRECTORY/state/$CLOUD.json") timeout 30 mariadb --skip-ssl -u root -h "$(quick cat "$M/regions/$1/address")" \
        --batch --skip-column-names -e "$2"
}

# make REGION NAME: a project, by the API of that region.
make() {
    curl -sS --fail-with-body --max-time 40 -o /dev/null -H "X-Auth-Token: $(quick cat "$M/regions/$1/token")" \
        -H 'Content-Type: application/json' -d "{\"project\": {\"name\": \"$2\", \"domain_id\": \"default\"}}" \
        "$(quick cat "$M/regions/$1/endpoints/identity/public")/projects"
}

# in_step REGION…: each has what the master has, its replication runs, and its tables are the master's.
in_step() {
    local region status
    for region; do
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

# replicates REGION [STATE]
replicates() {
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/regions/$2/replication/state")" = "$3" ]; do read -r <&7; done' \
        replicates "$M" "$1" "${2:-running}"
}
