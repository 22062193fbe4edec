# What becomes of replication when a database loses its network, its container, or what the other one needs of its log. In a cloud of its
# own, with the regions Kista and Solna.

load ../integration/common.bash
load ../integration/replicated.bash

setup_file() {
    cloud_up "test-cut$RUN" 127.92.0.0
    regions_up Kista Solna
}

teardown_file() { cloud_down; }

teardown() {
    # The one that a test failed with: bats would wait for it.
    [ -z "${writing:-}" ] || kill "$writing" 2>/dev/null || true
    tell_errors
}

# cut REGION, connect REGION: its database, from and to the cloud's network.
cut_off() {
    jq -n --arg container "$CLOUD-mysql-$1" '{Container: $container}' |
        engine "/networks/$CLOUD/disconnect" -H 'Content-Type: application/json' -d @-
}

connect() {
    jq -n --arg container "$CLOUD-mysql-$1" --arg alias "mysql-$1" '{Container: $container, EndpointConfig: {Aliases: [$alias]}}' |
        engine "/networks/$CLOUD/connect" -H 'Content-Type: application/json' -d @-
}

# given_up MASTER: no slave is connected any more. Databases tell of that to nobody, so this one is asked.
given_up() {
    local until=$((SECONDS + 60))
    until [ "$(sql "$1" "SELECT COUNT(*) FROM information_schema.processlist WHERE command = 'Binlog Dump'")" = 0 ]; do
        ((SECONDS < until)) || return 1
    done
}

# processes REGION PATTERN COUNT: waits until so many of its database's clients do that. (It tells nobody: it is asked.)
processes() {
    local until=$((SECONDS + 60))
    until [ "$(sql "$1" 'SHOW PROCESSLIST' | grep -c "$2")" -ge "$3" ]; do
        ((SECONDS < until)) || return 1
    done
}

# wait_at_once MASTER COUNT: so many of its clients wait for a commit to be acknowledged: their own, or that of another, which has what
# theirs will change.
wait_at_once() { processes "$1" 'COMMIT\|UPDATE mcloud_cache_version' "$2"; }

# logs_in REGION: with a password, as a client does.
logs_in() {
    (
        # shellcheck disable=SC1090 # it is in the mount
        . "$M/regions/$1/openrc"
        export OS_PASSWORD
        jq -n '{auth: {identity: {methods: ["password"], password: {user: {name: "admin", domain: {name: "Default"},
            password: env.OS_PASSWORD}}}, scope: {project: {name: "admin", domain: {name: "Default"}}}}}' |
            curl -sS --fail --max-time 60 -o /dev/null -H 'Content-Type: application/json' -d @- "$OS_AUTH_URL/auth/tokens"
    )
}

# takes_writes REGION: its database comes to do so, of which it tells nobody.
takes_writes() {
    local until=$((SECONDS + 60))
    until [ "$(sql "$1" 'SELECT @@GLOBAL.read_only')" = 0 ]; do
        ((SECONDS < until)) || return 1
    done
}

# reads_and_can_not_write REGION
reads_and_can_not_write() {
    quick ls "$M/regions/$1/projects/Default" | grep -qx admin
    run make "$1" never
    [[ $output == *503* ]]
}

@test "a slave whose network was cut for longer than its replication can bear recovers by itself" {
    cut_off Solna
    settled Solna degraded
    make Kista while-the-slave-is-cut-off
    given_up Kista
    connect Solna
    replicates Solna
    settled Solna ready
    in_step Solna
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name = 'while-the-slave-is-cut-off'")" = 1 ]
    make Solna after-the-slave-was-cut-off
    in_step Solna
}

@test "so does one whose master's network was cut" {
    cut_off Kista
    replicates Solna broken
    reads_and_can_not_write Solna
    connect Kista
    replicates Solna
    settled Solna ready
    make Solna after-the-master-was-cut-off
    make Kista after-the-master-was-cut-off-too
    roles Kista Solna
    in_step Solna
}

@test "requests whose answers were cut off come to an end, and the next ones are served" {
    local n requests=()
    sql Solna 'SET wait_timeout = 1; LOCK TABLES keystone.mcloud_cache_version WRITE; DO SLEEP(8)' 3>&- &
    local locking=$!
    processes Solna 'DO SLEEP' 1
    for ((n = 0; n < 12; n++)); do
        logs_in Solna 3>&- &
        requests+=($!)
    done
    processes Solna 'Waiting for table metadata lock' 8
    cut_off Solna
    # the database gives up answering; they fail, and must not wait for ever (28: that was the client's end)
    for n in "${requests[@]}"; do wait "$n" || [ $? -ne 28 ]; done
    wait "$locking" || true
    connect Solna
    settled Solna ready
    requests=()
    for ((n = 0; n < 24; n++)); do
        logs_in Solna 3>&- &
        requests+=($!)
    done
    for n in "${requests[@]}"; do wait "$n"; done
    in_step Solna
}

@test "a master's database that comes up while nobody reaches it takes writes when it is reached" {
    cut_off Kista
    exec 7<"$M/events"
    engine "/containers/$CLOUD-mysql-Kista/restart" -X POST
    timeout 60 grep -m 1 'mysql-Kista runs but does not serve' <&7
    exec 7<&-
    connect Kista
    takes_writes Kista
    make Solna after-the-master-was-reached
    roles Kista Solna
    in_step Solna
}

@test "a master's database that was removed under a running slave is made again" {
    make Kista before-the-removal
    in_step Solna
    engine "/containers/$CLOUD-mysql-Kista?force=1" -X DELETE
    replicates Solna broken
    settled Kista degraded
    quick grep -q 'mysql-Kista is gone' "$M/regions/Kista/error"
    reads_and_can_not_write Solna
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    replicates Solna
    make Solna after-the-removal
    roles Kista Solna
    in_step Solna
}

@test "a slave that stood still for longer than the master's log goes back gets a new copy" {
    local n
    put stop "$M/regions/Solna/replication/ctl"
    make Kista while-it-stood-still
    sql Kista 'FLUSH BINARY LOGS'
    # a file that is still sent to a slave stays until that is seen to have gone
    for n in {1..20}; do
        make Kista "while-it-stood-still-$n"
        sql Kista "PURGE BINARY LOGS TO '$(sql Kista 'SHOW BINARY LOGS' | tail -n 1 | cut -f 1)'"
        if [ "$(sql Kista 'SHOW BINARY LOGS' | wc -l)" -eq 1 ]; then break; fi
    done
    [ "$(sql Kista 'SHOW BINARY LOGS' | wc -l)" -eq 1 ]
    exec 7<"$M/events"
    put start "$M/regions/Solna/replication/ctl"
    timeout 60 grep -m 1 '"region":"Solna","text":"seeding"' <&7
    exec 7<&-
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    in_step Solna
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name = 'while-it-stood-still'")" = 1 ]
    roles Kista Solna
}

# A write at Kista that waits for a slave's acknowledgement: $writing.
begin_write() {
    (exec 3>&- && make Kista "$1") &
    writing=$!
    timeout 30 bash -c 'until grep -qx "acknowledging: none, writes wait for a slave" "$1/regions/Kista/replication/status"; do :; done' none "$M"
    until [ "$(sql Kista "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_wait_sessions'" | cut -f 2)" -gt 0 ]; do :; done
}

@test "while writes wait for a slave that is away, another one can be added, or the mode be changed" {
    put semisync "$M/regions/Kista/replication/mode"
    quick mkdir "$M/regions/Lund"
    [ "$(slowly cat "$M/regions/Lund/wait")" = standby ]
    put kill "$M/containers/mysql-Solna/ctl"
    begin_write waits-for-lund
    quick jq -e '.File | startswith("binlog.")' "$M/regions/Kista/replication/status.json"
    put start "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
    wait $writing
    quick grep -qx 'acknowledging: 1' "$M/regions/Kista/replication/status"
    put kill "$M/containers/mysql-Lund/ctl"
    # many that wait don't keep others from reading
    for i in {1..24}; do (exec 3>&- && make Kista "waits-$i") & many+=($!); done
    wait_at_once Kista 12
    timeout 5 curl -sSf -o /dev/null -H "X-Auth-Token: $(quick cat "$M/regions/Kista/token")" "$(quick cat "$M/regions/Kista/endpoints/identity/public")/projects"
    for i in "${many[@]}"; do kill "$i" || true; done
    begin_write dies-with-the-master
    # the master comes back, though nobody is there who would acknowledge what it writes
    put kill "$M/containers/mysql-Kista/ctl"
    if wait $writing; then false; fi
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    begin_write waits-for-nobody
    put async "$M/regions/Kista/replication/mode"
    wait $writing
    for region in Solna Lund; do put repair "$M/regions/$region/ctl"; done
    for region in Solna Lund; do
        [ "$(slowly cat "$M/regions/$region/wait")" = ready ]
        replicates "$region"
        [ "$(quick cat "$M/regions/$region/replication/mode")" = async ]
    done
    in_step Solna Lund
    slowly rmdir "$M/regions/Lund"
}
