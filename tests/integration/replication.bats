# A second region: it stands by, replicates, serves; first logins in either order, writes through its Keystone, a late start, and
# how it goes. In a cloud of its own.

load common.bash
load replicated.bash
bats_require_minimum_version 1.5.0

setup_file() {
    cloud_up "test-replication$RUN" 127.85.0.0
    regions_up Kista
    people_up
}

teardown_file() { cloud_down; }

setup() {
    R=$M/regions/Solna/replication
}

remount() { mount_cloud "$CLOUD" 127.85.0.0 "$DIRECTORY"; }

url() { quick cat "$M/regions/$1/endpoints/identity/public"; }

# log_in REGION: the token for what standard input asks for.
log_in() {
    curl -sS --fail-with-body --max-time 30 -o /dev/null -D - -H 'Content-Type: application/json' -d @- "$(url "$1")/auth/tokens" |
        tr -d '\r' | sed -n 's/^x-subject-token: //Ip'
}

# token REGION USER PROJECT: of a user of domain acme, whose password is the user's name.
token() {
    jq -n --arg user "$2" --arg project "$3" '{auth: {identity: {methods: ["password"], password: {user:
        {name: $user, password: $user, domain: {name: "acme"}}}}, scope: {project: {name: $project, domain: {name: "acme"}}}}}' | log_in "$1"
}

# api REGION PATH [CURL-ARGUMENT…]: as the cloud's admin, with a token of that region.
api() {
    curl -sS --fail-with-body --max-time 30 -H "X-Auth-Token: $(quick cat "$M/regions/$1/token")" -H 'Content-Type: application/json' \
        "$(url "$1")$2" "${@:3}"
}

@test "a second region stands by, and says what it needs" {
    quick mkdir "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = standby ]
    [ "$(quick cat "$M/regions/Solna/role")" = slave ]
    [ "$(quick cat "$M/regions/Kista/role")" = master ]
    [ "$(quick cat "$R/state")" = none ]
    [ "$(quick cat "$R/lag")" = - ]
    [ ! -e "$R/master" ]
    quick grep -q '^start ' "$R/ctl"
    run ! quick grep -q 'stop\|resync\|promote' "$R/ctl"
    [ "$(quick ls "$M/regions/Solna/containers" | tr '\n' ' ')" = 'mysql-Solna ' ]
    fails_with EAGAIN cat "$M/regions/Solna/catalog"
    quick grep -Eq '^Solna +slave +standby +- +1/1 ' "$M/status"
}

@test "what makes no sense is refused, and changes nothing" {
    refused EPERM start "$M/regions/Kista/replication/ctl"
    refused EINVAL 'start Solna' "$R/ctl"
    refused ENOENT 'start Nowhere' "$R/ctl"
    refused EINVAL 'start Kista Kista' "$R/ctl"
    refused EINVAL begin "$R/ctl"
    refused EBUSY stop "$R/ctl"
    refused EBUSY resync "$R/ctl"
    refused EBUSY promote "$R/ctl"
    refused EPERM promote "$M/regions/Kista/replication/ctl"
    refused EINVAL 'promote Kista' "$R/ctl"
    refused EBUSY 'stepdown Solna' "$M/regions/Kista/replication/ctl"
    refused EINVAL 'stepdown Kista' "$M/regions/Kista/replication/ctl"
    refused EINVAL stepdown "$M/regions/Kista/replication/ctl"
    refused ENOENT 'stepdown Nowhere' "$M/regions/Kista/replication/ctl"
    refused EPERM 'stepdown Kista' "$R/ctl"
    fails_with EBUSY rmdir "$M/regions/Kista"
    refused EBUSY destroy "$M/regions/Kista/ctl"
    quick grep -q "$(printf 'replication/ctl\tEPERM')" "$M/errors"
    [ "$(quick cat "$M/regions/Solna/state")" = standby ]
    [ "$(quick cat "$M/regions/Kista/state")" = ready ]
}

@test "told to start, it replicates the master and serves" {
    exec 7<"$M/events"
    put start "$R/ctl"
    timeout 20 grep -m 1 '"seeding"' <&7
    [ "$(quick cat "$M/regions/Solna/state")" = seeding ]
    refused EBUSY start "$R/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    timeout 20 grep -m 1 '"event":"replication","region":"Solna","text":"running"' <&7
    exec 7<&-
    [ "$(quick cat "$R/state")" = running ]
    [ "$(quick readlink "$R/master")" = ../../Kista ]
    [ "$(quick cat "$R/master/role")" = master ]
    [ "$(quick cat "$R/sync")" = "$(quick cat "$M/regions/Kista/replication/gtid")" ]
    quick jq -e '.Slave_IO_Running == "Yes" and .Using_Gtid == "Slave_Pos"' "$R/status.json"
    [[ "$(quick cat "$R/lag")" =~ ^[0-9]+\.[0-9]{3}$ ]]
    in_step Solna
    refused EBUSY start "$R/ctl"
    # Both regions have the whole catalog, a client finds both, and so do the pictures.
    [ "$(quick cat "$M/regions/Kista/catalog")" = "$(quick cat "$M/regions/Solna/catalog")" ]
    [ "$(quick cut -f 3 "$M/regions/Solna/catalog" | sort | uniq -c | tr -s ' \n' ' ')" = ' 6 Kista 6 Solna ' ]
    quick grep -q "^    - 'Solna'" "$M/clouds.yaml"
    quick grep -q '"mysql-Kista" -> "mysql-Solna"' "$M/topology.dot"
    quick grep -q '^mcloudfs_replication_running{region="Solna",master="Kista",cloud="[^"]*"} 1$' "$M/metrics"
    quick jq -e '.regions[] | select(.name == "Solna") | .role == "slave" and .master == "Kista"' "$M/status.json"
    [ "$(quick ls "$M/regions/Solna/projects/acme")" = demo ]
    fails_with EPERM mkdir "$M/regions/Solna/projects/acme/here"
}

@test "first logins in either order break nothing" {
    [ -n "$(token Solna john demo)" ]
    [ -n "$(token Kista john demo)" ]
    [ -n "$(token Kista mary demo)" ]
    [ -n "$(token Solna mary demo)" ]
    in_step Solna
    [ "$(sql Kista 'SELECT COUNT(*) FROM keystone.nonlocal_user')" -ge 2 ]
}

@test "a token of one region is good in the other, until it is revoked" {
    local region other token
    for region in Kista Solna; do
        other=$([ "$region" = Kista ] && echo Solna || echo Kista)
        token=$(token "$region" john demo)
        api "$other" /auth/tokens -H "X-Subject-Token: $token" >/dev/null
        api "$region" /auth/tokens -H "X-Subject-Token: $token" -X DELETE
        quick cat "$R/sync"
        run api "$other" /auth/tokens -H "X-Subject-Token: $token"
        [ "$status" -ne 0 ]
        run api "$region" /auth/tokens -H "X-Subject-Token: $token"
        [ "$status" -ne 0 ]
    done
    in_step Solna
}

@test "what is written through the slave's Keystone is there at once, in both" {
    local id n
    for n in 1 2 3 4 5; do
        id=$(api Solna /projects -d "{\"project\": {\"name\": \"through-$n\", \"domain_id\": \"default\"}}" | jq -r .project.id)
        api Solna "/projects/$id" | jq -e --arg name "through-$n" '.project.name == $name'
        api Kista "/projects/$id" | jq -e --arg name "through-$n" '.project.name == $name'
        # and so is each change, whoever has read the former value before
        api Solna "/projects/$id" -X PATCH -d '{"project": {"description": "changed"}}' >/dev/null
        api Kista "/projects/$id" | jq -e '.project.description == "changed"'
        api Kista "/projects/$id" -X PATCH -d '{"project": {"description": "again"}}' >/dev/null
        quick cat "$R/sync" >/dev/null
        api Solna "/projects/$id" | jq -e '.project.description == "again"'
        api Solna "/projects/$id" -X DELETE
        run api Solna "/projects/$id"
        [ "$status" -ne 0 ]
        run api Kista "/projects/$id"
        [ "$status" -ne 0 ]
    done
    in_step Solna
}

@test "after a sync both regions show the same projects, with all who have a role in them" {
    # What is known of the slave from before the changes must not be shown after them.
    slowly ls -R "$M/regions/Solna/projects" >/dev/null
    quick mkdir "$M/projects/Default/twin" "$M/users/Default/twin"
    put 'in both' "$M/projects/Default/twin/description"
    quick ln -s ../../../../../../users/Default/twin "$M/projects/Default/twin/roles/member/users/twin"
    quick mv "$M/projects/Default/twin" "$M/projects/Default/twins"
    quick cat "$R/sync" >/dev/null
    [ -z "$(slowly diff -r --no-dereference "$M/regions/Kista/projects/Default" "$M/regions/Solna/projects/Default")" ]
    [ "$(quick cat "$M/regions/Solna/projects/Default/twins/description")" = 'in both' ]
    # Following the links on the way down, too.
    [ -z "$(slowly diff -r "$M/regions/Kista/projects/Default/twins" "$M/regions/Solna/projects/Default/twins")" ]
    quick rmdir "$M/projects/Default/twins" "$M/users/Default/twin"
}

# told REGION TOKEN FILTER: what jq makes of that token there.
told() { api "$1" /auth/tokens -H "X-Subject-Token: $2" | jq -r "$3"; }

# cached_and_changed WRITER READER: what READER has cached of a token, a user, his roles and the catalog, WRITER changes. (Whoever is admin is
# a manager, too, since 2025.1.)
cached_and_changed() {
    local shows='.token | "\(.user.name): \([.roles[].name] - ["manager"] | sort | join(" ")), \([.catalog[].endpoints[] | select(.url == "http://extra")] | length)"'
    local user project admin service token endpoint
    project=$(api "$1" /projects -d '{"project": {"name": "c"}}' | jq -r .project.id)
    user=$(api "$1" /users -d '{"user": {"name": "c", "password": "secret"}}' | jq -r .user.id)
    api "$1" "/projects/$project/users/$user/roles/$(quick cat "$M/roles/member/id")" -X PUT
    admin=/projects/$project/users/$user/roles/$(quick cat "$M/roles/admin/id")
    service=$(api "$1" /services | jq -r '.services[] | select(.type == "image") | .id')
    quick cat "$R/sync"
    token=$(jq -n --arg user "$user" --arg project "$project" '{auth: {identity: {methods: ["password"], password: {user:
        {id: $user, password: "secret"}}}, scope: {project: {id: $project}}}}' | log_in "$2")
    [ "$(told "$2" "$token" "$shows")" = 'c: member reader, 0' ]
    api "$1" "/users/$user" -X PATCH -d '{"user": {"name": "changed"}}'
    api "$1" "$admin" -X PUT
    endpoint=$(jq -n --arg region "$1" --arg service "$service" \
        '{endpoint: {interface: "public", url: "http://extra", region_id: $region, service_id: $service}}' | api "$1" /endpoints -d @- | jq -r .endpoint.id)
    quick cat "$R/sync"
    [ "$(told "$2" "$token" "$shows")" = 'changed: admin member reader, 1' ]
    api "$1" "$admin" -X DELETE
    api "$1" "/endpoints/$endpoint" -X DELETE
    quick cat "$R/sync"
    [ "$(told "$2" "$token" "$shows")" = 'changed: member reader, 0' ]
    api "$1" "/projects/$project" -X PATCH -d '{"project": {"enabled": false}}'
    quick cat "$R/sync"
    run api "$2" /auth/tokens -H "X-Subject-Token: $token"
    [[ "$output" == *'"code":404'* ]]
    api "$1" "/projects/$project" -X DELETE
    api "$1" "/users/$user" -X DELETE
}

@test "what a region has cached is not believed when another has changed it" {
    cached_and_changed Kista Solna
    cached_and_changed Solna Kista
    in_step Solna
}

@test "what is cached of roles, users and the rest has a version each, which its changes change" {
    local versions='SELECT topic, version FROM keystone.mcloud_cache_version ORDER BY topic' before
    # renews TOPICS COMMAND…
    renews() {
        before=$(sql Kista "$versions")
        quick "${@:2}"
        [ "$(diff <(echo "$before") <(sql Kista "$versions") | sed -n 's/^> \([a-z]*\).*/\1/p' | xargs)" = "$1" ]
    }
    renews '' mkdir "$M/users/Default/v"
    renews users mv "$M/users/Default/v" "$M/users/Default/w"
    renews roles mkdir "$M/projects/Default/v"
    renews roles ln -s ../../../../../../users/Default/w "$M/projects/Default/v/roles/member/users/w"
    renews rest bash -c 'echo changed >"$1"' - "$M/projects/Default/v/description"
    renews rest mkdir "$M/roles/v"
    quick rmdir "$M/users/Default/w" "$M/projects/Default/v" "$M/roles/v"
    in_step Solna
    [ "$(sql Kista "$versions")" = "$(sql Solna "$versions")" ]
}

@test "who leaves a group of the directory has its roles for no longer than a second" {
    local token region
    token=$(token Kista mary demo)
    for region in Kista Solna; do [ "$(told "$region" "$token" '[.token.roles[].name] | contains(["member"])')" = true ]; done
    quick rm "$M/groups/acme/demo/users/mary"
    # a token without roles is none
    for region in Kista Solna; do
        timeout 10 bash -c 'while curl -sf -o /dev/null -H "X-Auth-Token: $1" -H "X-Subject-Token: $2" "$3/auth/tokens"; do :; done' - \
            "$(quick cat "$M/regions/$region/token")" "$token" "$(url "$region")"
    done
    quick ln -s ../../../../users/acme/mary "$M/groups/acme/demo/users/mary"
}

@test "Keystone's account can't write in a slave's database" {
    local password
    password=$(jq -r .db_keystone "$DIRECTORY/state/$CLOUD.json")
    MYSQL_PWD=$password run mariadb_of Solna -u keystone keystone -e 'DELETE FROM project'
    [ "$status" -ne 0 ]
    [[ $output == *read-only* ]]
}

@test "the openstack client lists projects and images of both regions" {
    head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/one"
    head -c 200000 /dev/urandom >"$BATS_TEST_TMPDIR/two"
    slowly cp "$BATS_TEST_TMPDIR/one" "$M/regions/Kista/images/t-kista"
    slowly cp "$BATS_TEST_TMPDIR/two" "$M/regions/Solna/images/t-solna"
    local region
    for region in Kista Solna; do
        REGION=$region run_openstack project list --domain acme -f value -c Name | grep -qx demo
        [ "$(REGION=$region run_openstack image list -f value -c Name)" = "t-${region,}" ]
    done
    OS_CLIENT_CONFIG_FILE=$M/clouds.yaml timeout 120 openstack --os-cloud "$CLOUD" --os-region-name Solna image list -f value -c Name | grep -qx t-solna
    cmp "$BATS_TEST_TMPDIR/two" "$M/regions/Solna/images/t-solna"
    fails_with ENOTEMPTY rmdir "$M/regions/Solna"
    quick rm "$M/regions/Kista/images/t-kista" "$M/regions/Solna/images/t-solna"
}

@test "stopped, it stays at what it has; started, it catches up" {
    local id
    put stop "$R/ctl"
    [ "$(quick cat "$R/state")" = stopped ]
    [ "$(quick cat "$R/lag")" = - ]
    refused EBUSY stop "$R/ctl"
    id=$(api Kista /projects -d '{"project": {"name": "meanwhile"}}' | jq -r .project.id)
    run api Solna "/projects/$id"
    [ "$status" -ne 0 ]
    slowly cat "$R/status" | grep -qx 'drift: project'
    fails_with EAGAIN cat "$R/sync"
    put start "$R/ctl"
    quick cat "$R/sync"
    api Solna "/projects/$id" | jq -e '.project.name == "meanwhile"'
    api Kista "/projects/$id" -X DELETE
    in_step Solna
}

@test "stopped by SQL, it goes on by itself; stopped by command, not even in another mount" {
    sql Solna 'STOP SLAVE'
    api Kista /projects -d '{"project": {"name": "unasked"}}' >/dev/null
    replicates Solna
    in_step Solna
    put stop "$R/ctl"
    unmount "$M"
    remount
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    api Kista /projects -d '{"project": {"name": "asked"}}' >/dev/null
    slowly cat "$R/status" >"$BATS_TEST_TMPDIR/status"
    grep -qx 'state: stopped' "$BATS_TEST_TMPDIR/status"
    grep -qx 'drift: project' "$BATS_TEST_TMPDIR/status"
    put start "$R/ctl"
    in_step Solna
}

@test "without its master's database it still reads, refuses to write, and recovers" {
    local token
    token=$(token Solna john demo)
    put pause "$M/containers/mysql-Kista/ctl"
    put unpause "$M/containers/mysql-Kista/ctl"
    put stop "$M/containers/mysql-Kista/ctl"
    api Solna /auth/tokens -H "X-Subject-Token: $token" | jq -e '.token.user.name == "john"'
    [ -n "$(token Solna mary demo)" ]
    run api Solna /projects -d '{"project": {"name": "nowhere"}}'
    [[ $output == *503* ]]
    [ "$(quick cat "$R/state")" = broken ]
    put start "$M/containers/mysql-Kista/ctl"
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    quick cat "$R/sync"
    in_step Solna
    [ "$(api Solna /projects -d '{"project": {"name": "somewhere"}}' | jq -r .project.name)" = somewhere ]
    in_step Solna
}

@test "semi-synchronous commits wait for the slave" {
    [ "$(quick cat "$R/mode")" = async ]
    put semisync "$R/mode"
    [ "$(quick cat "$R/mode")" = semisync ]
    [ "$(quick cat "$M/regions/Kista/replication/mode")" = semisync ]
    refused EINVAL both "$R/mode"
    api Kista /projects -d '{"project": {"name": "safe"}}' >/dev/null
    [ "$(sql Kista "SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'" | cut -f 2)" = 1 ]
    put async "$R/mode"
    [ "$(quick cat "$M/regions/Kista/replication/mode")" = async ]
    in_step Solna
}

@test "stopped and started, mounted again: it is what it was" {
    local before
    before=$(quick cat "$M/regions/Kista/replication/gtid")
    put stop "$M/regions/Solna/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = stopped ]
    api Kista /projects -d '{"project": {"name": "while-away"}}' >/dev/null
    put start "$M/regions/Solna/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    quick cat "$R/sync"
    in_step Solna
    [ "$(quick cat "$R/gtid")" != "$before" ]
    unmount "$M"
    remount
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(quick cat "$M/regions/Solna/role")$(quick cat "$M/regions/Kista/role")" = slavemaster ]
    in_step Solna
}

@test "a password that has changed breaks replication, and a start mends it" {
    put stop "$R/ctl"
    sql Kista "SET sql_log_bin = 0; ALTER USER 'replica-2'@'%' IDENTIFIED BY 'another'"
    exec 7<"$M/events"
    put start "$R/ctl"
    timeout 30 sed -u '/"text":"degraded"/q' <&7 >"$BATS_TEST_TMPDIR/events"
    exec 7<&-
    grep -q '"event":"replication","region":"Solna","text":"broken"' "$BATS_TEST_TMPDIR/events"
    quick grep -q 'replication is broken' "$M/regions/Solna/error"
    quick grep -q '^last error: .*(1045)' "$R/status"
    put start "$R/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    in_step Solna
}

@test "regions that come late get a copy when the log no longer reaches back, side by side" {
    local id
    id=$(api Kista /projects -d '{"project": {"name": "old"}}' | jq -r .project.id)
    sql Kista 'FLUSH BINARY LOGS'
    # a file that a slave still reads stays: with what is written to the next one, it goes on
    local n
    for n in {1..20}; do
        api Kista "/projects/$id" -X PATCH -d "{\"project\": {\"description\": \"$n\"}}" >/dev/null
        quick cat "$R/sync"
        sql Kista "PURGE BINARY LOGS TO '$(sql Kista 'SHOW BINARY LOGS' | tail -n 1 | cut -f 1)'"
        if [ "$(sql Kista 'SHOW BINARY LOGS' | wc -l)" -eq 1 ]; then break; fi
    done
    [ "$(sql Kista 'SHOW BINARY LOGS' | cut -f 1)" != binlog.000001 ]
    quick mkdir "$M"/regions/{Umea,Lund}
    [ "$(slowly cat "$M/regions/Umea/wait")$(slowly cat "$M/regions/Lund/wait")" = standbystandby ]
    put start "$M/regions/Umea/replication/ctl"
    put start "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M/regions/Umea/wait")$(slowly cat "$M/regions/Lund/wait")" = readyready ]
    in_step Umea
    in_step Lund
    api Umea '/projects?name=old' | jq -e '.projects | length == 1'
    # and they go on from the copy
    api Lund /projects -d '{"project": {"name": "new"}}' >/dev/null
    quick cat "$M/regions/Umea/replication/sync"
    api Umea '/projects?name=new' | jq -e '.projects | length == 1'
    in_step Umea
    in_step Lund
}

@test "a slave that was changed is found out, and resync brings it back" {
    sql Solna "SET sql_log_bin = 0; DELETE FROM keystone.project WHERE name = 'old'"
    slowly cat "$R/status" | grep -qx 'drift: project'
    # a resync that is refused is none, also where a start looks at what is due
    put restart "$M/regions/Solna/ctl"
    refused EBUSY resync "$R/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name = 'old'")" = 0 ]
    put resync "$R/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    in_step Solna
    # a transaction of its own is worse: it is kept until somebody says otherwise
    sql Solna "INSERT INTO keystone.region (id, description, extra) VALUES ('alien', '', '{}')"
    [ "$(quick cat "$R/state")" = diverged ]
    put stop "$R/ctl"
    refused EBUSY start "$R/ctl"
    put resync "$R/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.region WHERE id = 'alien'")" = 0 ]
    in_step Solna
}

@test "a slave goes with its endpoints and its account, and the master last" {
    slowly rmdir "$M/regions/Umea" "$M/regions/Lund" "$M/regions/Solna"
    [ "$(quick cut -f 3 "$M/regions/Kista/catalog" | sort -u)" = Kista ]
    [ "$(api Kista /regions | jq -r '.regions[].id')" = Kista ]
    [ -z "$(sql Kista "SELECT user FROM mysql.user WHERE user LIKE 'replica-%'")" ]
    slowly rmdir "$M/regions/Kista"
    [ -z "$(left_of "$CLOUD")" ]
}
