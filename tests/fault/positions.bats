# Positions are numbers, and marks are words: what they don't say by themselves. A master whose binary log was begun anew, slaves that
# were looked after, slaves that are counted but away, marks that a failure has left. In a cloud of its own.

load ../integration/common.bash
load ../integration/replicated.bash
bats_require_minimum_version 1.5.0

setup_file() {
    cloud_up "test-positions$RUN" 127.97.0.0
    regions_up Kista Solna Lund
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

promote() { put promote "$M/regions/$1/replication/ctl"; }

# row MASTER NAME: a project, as its Keystone would write it.
row() {
    sql "$1" "INSERT INTO keystone.project (id, name, extra, description, enabled, domain_id, parent_id, is_domain)
        VALUES (MD5('$2'), '$2', '{}', '', 1, 'default', 'default', 0)"
}

count() { sql "$1" "SELECT COUNT(*) FROM keystone.project WHERE name = '$2'"; }

# repaired REGION: ready again.
repaired() {
    put repair "$M/regions/$1/ctl"
    [ "$(slowly cat "$M/regions/$1/wait")" = ready ]
}

# number: how many transactions Kista's binary log has had.
number() { sql Kista 'SELECT @@GLOBAL.gtid_binlog_pos' | tr , '\n' | awk -F - '$1 == 1 { print $3 }'; }

@test "a master's log that is begun anew is not believed, however long it gets" {
    local before
    before=$(number)
    sql Kista 'RESET MASTER'
    row Kista lost
    while [ "$(number)" -le "$((before + 3))" ]; do
        sql Kista "UPDATE keystone.mcloud_cache_version SET version = UUID() WHERE topic = 'rest'"
    done
    for region in Solna Lund; do
        replicates "$region" broken
        settled "$region" degraded
        says "$region" 'begun anew.*resync' # what it has too much is seen first
        refused EBUSY promote "$M/regions/$region/replication/ctl"
        quick tail -n 4 "$M/errors" | grep -q 'begun anew.*resync'
    done
    # neither a database that comes up again nor another daemon forgets
    put restart "$M/containers/mysql-Lund/ctl"
    unmount "$M"
    mount_cloud "$CLOUD" 127.97.0.0 "$DIRECTORY"
    slowly cat "$M"/regions/{Kista,Solna,Lund}/wait
    replicates Lund broken
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    [ "$(quick cat "$M/regions/Kista/role")" = master ]
    # a copy brings them back, by either word
    put resync "$M/regions/Solna/replication/ctl"
    put start "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M"/regions/{Solna,Lund}/wait | xargs)" = 'ready ready' ]
    in_step Solna Lund
    [ "$(count Solna lost)$(count Lund lost)" = 11 ]
}

# So quickly, a slave never connects to a log that ends before what it has; and one that reads the old log, which has the name of the new
# one, is sent nothing, and waits.
@test "nor is one whose numbers have come as far within a moment" {
    local updates
    updates=$(printf "UPDATE keystone.mcloud_cache_version SET version = UUID() WHERE topic = 'rest';%.0s" $(seq "$(($(number) + 3))"))
    in_step Solna Lund
    sql Kista "RESET MASTER; DELETE FROM keystone.project WHERE name = 'lost'; $updates"
    for region in Solna Lund; do
        replicates "$region" broken
        says "$region" 'begun anew.*resync'
        refused EBUSY promote "$M/regions/$region/replication/ctl"
    done
    quick grep -q 'binary log of region Kista was begun anew' "$M/errors"
    row Kista lost
    put resync "$M/regions/Solna/replication/ctl"
    put resync "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M"/regions/{Solna,Lund}/wait | xargs)" = 'ready ready' ]
    in_step Solna Lund
    [ "$(count Solna lost)$(count Lund lost)" = 11 ]
}

@test "rows that are missing are seen when replication begins" {
    put stop "$M/regions/Solna/replication/ctl"
    sql Solna "SET sql_log_bin = 0; DELETE FROM keystone.project WHERE name = 'lost'"
    put start "$M/regions/Solna/replication/ctl"
    replicates Solna broken
    quick grep -q 'differ.*resync' "$M/regions/Solna/error"
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    put resync "$M/regions/Solna/replication/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    in_step Solna
}

# Its rows are compared with the master's once a run: a comparison that began before it was stopped says nothing of it later.
@test "rows that go while replication begins are seen, too" {
    local tries=0
    row Kista goes
    slowly cat "$M/regions/Solna/replication/sync"
    put stop "$M/regions/Solna/replication/ctl"
    # who compares reads all tables as they were, and waits for one of them
    coproc locker { sql_of Solna 3>&-; }
    echo "SET sql_log_bin = 0; LOCK TABLES keystone.project WRITE; SELECT 'locked';" >&"${locker[1]}"
    read -r -t 30 -u "${locker[0]}"
    put start "$M/regions/Solna/replication/ctl"
    until [ "$(sql Solna "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%' AND info LIKE '%CRC32%'")" != 0 ]; do
        [ $((tries += 1)) -le 300 ]
    done
    put stop "$M/regions/Solna/replication/ctl"
    echo "DELETE FROM keystone.project WHERE name = 'goes'; SELECT 'gone';" >&"${locker[1]}"
    read -r -t 30 -u "${locker[0]}"
    put start "$M/regions/Solna/replication/ctl"
    printf 'UNLOCK TABLES;\nquit\n' >&"${locker[1]}"
    replicates Solna broken
    quick grep -q 'differ.*resync' "$M/regions/Solna/error"
    put resync "$M/regions/Solna/replication/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    in_step Solna
}

@test "the same rows are the same, however a table came to them" {
    sql Kista "USE keystone; INSERT INTO user (id, extra, enabled, domain_id) SELECT MD5(seq), '{}', 1, 'default' FROM seq_1_to_100;
        INSERT INTO local_user (user_id, domain_id, name, failed_auth_count) SELECT MD5(seq), 'default', CONCAT('same-', seq), 0 FROM seq_1_to_100"
    in_step Solna
    sql Solna "SET sql_log_bin = 0; $(for table in local_user project user password; do echo "ALTER TABLE keystone.$table ENGINE = InnoDB;"; done)"
    in_step Solna
    put stop "$M/regions/Solna/replication/ctl"
    put start "$M/regions/Solna/replication/ctl"
    in_step Solna
    sql Kista "DELETE FROM keystone.user WHERE id IN (SELECT user_id FROM keystone.local_user WHERE name LIKE 'same-%')"
    in_step Solna
}

@test "maintenance on a slave is no divergence" {
    sql Solna 'USE keystone; FLUSH TABLES; OPTIMIZE TABLE project; ANALYZE TABLE user'
    row Kista after-maintenance
    in_step Solna
    # it can become the master, and a slave again
    promote Solna
    roles Solna Kista Lund
    row Solna maintained
    in_step Kista Lund
    sql Solna 'USE keystone; FLUSH TABLES'
    promote Kista
    row Kista maintained-again
    in_step Solna Lund
    roles Kista Solna Lund
}

@test "nor does it keep a slave from taking over from a dead master" {
    sql Solna 'USE keystone; FLUSH TABLES'
    row Kista before-death
    in_step Solna Lund
    put kill "$M/containers/mysql-Kista/ctl"
    promote Solna
    [ "$(count Solna before-death)" = 1 ]
    repaired Kista
    replicates Kista
    promote Kista
    roles Kista Solna Lund
    in_step Solna Lund
}

@test "rows on a slave are, and there is a way out when the master dies" {
    sql Lund "INSERT INTO keystone.region (id, description, extra) VALUES ('alien', '', '{}')"
    replicates Lund diverged
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    # what it has too much is nobody's reason to wait for it
    put kill "$M/containers/mysql-Kista/ctl"
    promote Solna
    repaired Kista
    replicates Kista
    replicates Lund diverged
    put resync "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
    promote Kista
    roles Kista Solna Lund
    in_step Solna Lund
}

@test "what only a slave that is gone has acknowledged is not lost" {
    put semisync "$M/regions/Kista/replication/mode"
    put stop "$M/regions/Solna/replication/ctl"
    row Kista only-lund-has-it
    slowly rmdir "$M/regions/Lund"
    put kill "$M/containers/mysql-Kista/ctl"
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'region Solna has not acknowledged all that region Kista has'
    repaired Kista
    put start "$M/regions/Solna/replication/ctl"
    replicates Solna
    complete Solna
    [ "$(count Solna only-lund-has-it)" = 1 ]
    put async "$M/regions/Kista/replication/mode"
    quick mkdir "$M/regions/Lund"
    slowly cat "$M/regions/Lund/wait"
    put start "$M/regions/Lund/replication/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
}

@test "a master comes back while a write waits for a slave" {
    local row=$BATS_TEST_TMPDIR/row tries=0
    put semisync "$M/regions/Kista/replication/mode"
    for region in Solna Lund; do put stop "$M/regions/$region/replication/ctl"; done
    { row Kista waits && echo written >"$row"; } &
    # its commit waits, and it holds the lock of its domain's row
    until [ "$(sql Kista "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync ACK%'")" != 0 ]; do
        [ $((tries += 1)) -le 300 ]
    done
    repaired Kista
    [ ! -e "$row" ]
    for region in Solna Lund; do put start "$M/regions/$region/replication/ctl"; done
    wait "$!"
    [ -e "$row" ]
    put async "$M/regions/Kista/replication/mode"
    in_step Solna Lund
}

@test "a promotion that can't write down who is the master leaves one master, semisync, and what was acknowledged" {
    local facts=$DIRECTORY/state/$CLOUD/regions
    put semisync "$M/regions/Kista/replication/mode"
    complete Solna
    row Kista before-the-role
    # where the fact of it would be written first
    mkdir "$facts/Kista.json.new" "$facts/Solna.json.new"
    run put promote "$M/regions/Solna/replication/ctl"
    [ "$status" -ne 0 ]
    rmdir "$facts/Kista.json.new" "$facts/Solna.json.new"
    slowly cat "$M"/regions/{Kista,Solna,Lund}/wait
    [ "$(quick jq '[.regions[] | select(.role == "master")] | length' "$M/status.json")" = 1 ]
    [ "$(for region in Kista Solna Lund; do sql "$region" 'SELECT @@GLOBAL.read_only'; done | sort | xargs)" = '0 1 1' ]
    [ "$(quick cat "$M/regions/Solna/replication/mode")" = semisync ]
    # and then it can be done
    put promote "$M/regions/Solna/replication/ctl"
    replicates Kista
    replicates Lund
    [ "$(quick cat "$M/regions/Solna/role")" = master ]
    [ "$(quick cat "$M/regions/Solna/replication/mode")" = semisync ]
    [ "$(count Solna before-the-role)" = 1 ]
    put promote "$M/regions/Kista/replication/ctl"
    replicates Solna
    put async "$M/regions/Kista/replication/mode"
    in_step Solna Lund
}

@test "binary logs are kept" {
    local first
    first=$(sql Kista 'SHOW BINARY LOGS' | awk 'NR == 1 { print $1 }')
    [ "$(sql Kista 'SELECT @@GLOBAL.expire_logs_days, @@GLOBAL.binlog_expire_logs_seconds' | xargs)" = '0.000000 0' ]
    sql Kista 'FLUSH BINARY LOGS'
    put kill "$M/containers/mysql-Kista/ctl"
    repaired Kista
    [ "$(sql Kista 'SHOW BINARY LOGS' | awk 'NR == 1 { print $1 }')" = "$first" ]
}

@test "what is acknowledged is on the slave's disk" {
    for region in Kista Solna Lund; do [ "$(sql "$region" 'SELECT @@GLOBAL.sync_relay_log')" = 1 ]; done
}

@test "keys that one region can't take reach the others, and later that one" {
    put pause "$M/containers/keystone-Kista/ctl"
    put rotate "$M/fernet/ctl"
    # those that could, hold all; another rotation would be one too many
    [ "$(quick awk '/Solna/ && /Lund/ { held++ } END { print held == NR }' "$M/fernet/keys")" = 1 ]
    refused EBUSY rotate "$M/fernet/ctl"
    put unpause "$M/containers/keystone-Kista/ctl"
    # It gets them by itself: then all hold all, and there may be another rotation. To look takes a while, in which that comes.
    tries=0
    until put rotate "$M/fernet/ctl" 2>/dev/null; do
        [ $((tries += 1)) -le 60 ]
        quick cat "$M/fernet/keys" >/dev/null
    done
    [ "$(quick awk '/Kista/ && /Solna/ && /Lund/ { held++ } END { print held == NR }' "$M/fernet/keys")" = 1 ]
}
