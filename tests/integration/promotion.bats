# The master's role goes from region to region: with the master alive, with a dead one, which comes back, or comes back with writes of
# its own. In a cloud of its own, with the regions Kista, Solna and Lund.

load common.bash
load replicated.bash
bats_require_minimum_version 1.5.0

setup_file() {
    cloud_up "test-promotion$RUN" 127.86.0.0
    regions_up Kista
    people_up
    quick mkdir "$M"/regions/{Solna,Lund}
    slowly cat "$M"/regions/{Solna,Lund}/wait
    for region in Solna Lund; do put start "$M/regions/$region/replication/ctl"; done
    slowly cat "$M"/regions/{Solna,Lund}/wait
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

promote() { put promote "$M/regions/$1/replication/ctl"; }

# all_write SLAVE…: everybody can write, and everybody sees it.
all_write() {
    local region
    for region in Kista Solna Lund; do make "$region" "p$BATS_TEST_NUMBER-$region"; done
    quick mkdir "$M/projects/Default/p$BATS_TEST_NUMBER-tree"
    in_step "$@"
    for region in Kista Solna Lund; do
        [ "$(quick ls "$M/regions/$region/projects/Default" | grep -c "^p$BATS_TEST_NUMBER-")" -eq 4 ]
    done
}

# signal NAME REGION: to its database, which isn't the first process of its container.
signal() {
    # shellcheck disable=SC2016 # it is the container's shell that expands it
    in_container "$CLOUD-mysql-$2" bash -c 'for file in /proc/[0-9]*/comm; do
        [ "$(<"$file")" != mariadbd ] || { file=${file%/comm} && kill "-$1" "${file#/proc/}"; }
    done' - "$1"
}

as_john() {
    OS_CLIENT_CONFIG_FILE=/dev/null timeout 120 env OS_AUTH_URL="$(quick cat "$M/regions/$1/endpoints/identity/public")" OS_USERNAME=john \
        OS_PASSWORD=john OS_USER_DOMAIN_NAME=acme OS_PROJECT_DOMAIN_NAME=acme OS_PROJECT_NAME=demo OS_IDENTITY_API_VERSION=3 \
        openstack --os-region-name "$2" "${@:3}"
}

clients_see_both_regions() {
    local region
    for region in Kista Solna; do
        as_john "$region" "$region" project list -f value -c Name | grep -qx demo
        [ "$(as_john Kista "$region" image list -f value -c Name)" = "i-${region,}" ]
    done
}

@test "clients list projects and images of two regions" {
    local region
    for region in Kista Solna; do
        head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/$region"
        slowly cp "$BATS_TEST_TMPDIR/$region" "$M/regions/$region/images/i-${region,}"
        quick chmod o+r "$M/regions/$region/images/i-${region,}"
    done
    clients_see_both_regions
}

@test "promote: what makes no sense is refused, and changes nothing" {
    roles Kista Solna Lund
    refused EPERM promote "$M/regions/Kista/replication/ctl"
    refused EPERM 'stepdown Kista' "$M/regions/Solna/replication/ctl"
    refused EINVAL 'stepdown Kista' "$M/regions/Kista/replication/ctl"
    refused ENOENT 'stepdown Nowhere' "$M/regions/Kista/replication/ctl"
    put stop "$M/regions/Lund/replication/ctl"
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'replication is stopped'
    put start "$M/regions/Lund/replication/ctl"
    make Kista after-refusal
    in_step Solna Lund
    roles Kista Solna Lund
}

@test "promoted with the master alive, a slave takes over, and all follow it" {
    local told
    exec 7<"$M/events"
    promote Solna
    roles Solna Kista Lund
    told=$(timeout 20 grep -m 2 '"event":"role"' <&7)
    exec 7<&-
    [ "$(jq -r '"\(.region) \(.text)"' <<<"$told" | sort | paste -sd ,)" = "Kista slave,Solna master" ]
    in_step Kista Lund
    all_write Kista Lund
    quick grep -q '"mysql-Solna" -> "mysql-Lund"' "$M/topology.dot"
    quick grep -q 'auth_url.*'"$(quick cat "$M/regions/Solna/address")" "$M/clouds.yaml"
    quick grep -q '^promote\|^stepdown' "$M/regions/Solna/replication/ctl"
}

@test "clients list projects and images of two regions after a promotion" {
    clients_see_both_regions
}

@test "stepdown hands the role back" {
    put 'stepdown Kista' "$M/regions/Solna/replication/ctl"
    roles Kista Solna Lund
    all_write Solna Lund
}

# since REGION: when its database's process was started.
since() { engine "/containers/$CLOUD-mysql-$1/json" | jq -r .State.StartedAt; }

@test "databases live on when their master changes while somebody waits for a position" {
    local before password
    before=$(since Kista; since Solna; since Lund)
    password=$(jq -r .db_keystone "$DIRECTORY/state/$CLOUD.json")
    for region in Kista Solna Lund; do
        MYSQL_PWD=$password mariadb_of "$region" -u keystone -e "SELECT MASTER_GTID_WAIT('99-99-99', 2)" >/dev/null 2>&1 &
    done
    promote Lund
    promote Kista
    wait
    [ "$(since Kista; since Solna; since Lund)" = "$before" ]
    roles Kista Solna Lund
    in_step Solna Lund
}

@test "with the master dead, a slave takes over with all it has received; the former one comes back as a slave" {
    make Kista before-death
    in_step Solna Lund
    put kill "$M/containers/mysql-Kista/ctl"
    run make Solna while-dead
    [[ $output == *503* ]]
    promote Lund
    [ "$(quick cat "$M/regions/Lund/role")$(quick cat "$M/regions/Kista/role")" = masterslave ]
    [ "$(sql Lund "SELECT COUNT(*) FROM keystone.project WHERE name = 'before-death'")" = 1 ]
    make Lund after-death
    replicates Solna
    make Solna after-death-too
    # the process comes back by itself, or by whoever starts it: it takes no write, and follows
    put start "$M/containers/mysql-Kista/ctl"
    replicates Kista
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    roles Lund Kista Solna
    all_write Kista Solna
}

@test "a master that hangs is taken for dead, and can't write when it goes on" {
    put pause "$M/containers/mysql-Lund/ctl"
    promote Solna
    # one that comes back does not wait for one that hangs
    put pause "$M/containers/mysql-Solna/ctl"
    put repair "$M/regions/Lund/ctl"
    quick cat "$M/regions/Lund/wait"
    put unpause "$M/containers/mysql-Solna/ctl"
    replicates Lund
    settled Lund ready
    roles Solna Lund Kista
    all_write Lund Kista
}

@test "the slave with the most is the one to promote, and what it has not received stays in the former master" {
    put stop "$M/regions/Lund/replication/ctl"
    make Solna only-kista-has-it
    quick cat "$M/regions/Kista/replication/sync"
    # and this one nobody has
    put stop "$M/regions/Kista/replication/ctl"
    make Solna nobody-has-it
    put kill "$M/containers/mysql-Solna/ctl"
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'region Kista has more'
    [ "$(quick cat "$M/regions/Solna/role")" = master ]
    promote Kista
    [ "$(sql Kista "SELECT COUNT(*) FROM keystone.project WHERE name LIKE '%-has-it'")" = 1 ]
    put start "$M/regions/Lund/replication/ctl"
    replicates Lund
    put repair "$M/regions/Solna/ctl"
    slowly cat "$M/regions/Solna/wait"
    replicates Solna diverged
    settled Solna degraded
    quick grep -q resync "$M/regions/Solna/error"
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name = 'nobody-has-it'")" = 1 ]
    [ "$(sql Solna 'SELECT @@GLOBAL.read_only')" = 1 ]
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    # nor is it taken when there is no master to compare it with
    put kill "$M/containers/mysql-Kista/ctl"
    replicates Solna none
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    [ "$(quick cat "$M/regions/Kista/role")" = master ]
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    replicates Solna diverged
    put resync "$M/regions/Solna/replication/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name = 'nobody-has-it'")" = 0 ]
    roles Kista Solna Lund
    all_write Solna Lund
}

@test "semi-synchronous commits stay so across a promotion" {
    put semisync "$M/regions/Kista/replication/mode"
    make Kista safe-one
    promote Solna
    [ "$(quick cat "$M/regions/Solna/replication/mode")$(quick cat "$M/regions/Kista/replication/mode")" = semisyncsemisync ]
    acknowledging Solna 2
    make Solna safe-two
    # and across a death: the one that comes back acknowledges again
    put kill "$M/containers/mysql-Solna/ctl"
    promote Kista
    make Kista safe-three
    put repair "$M/regions/Solna/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    replicates Solna
    [ "$(quick cat "$M/regions/Solna/replication/mode")" = semisync ]
    complete Solna
    # one that may have more, and can't be asked, keeps others from being promoted
    put pause "$M/containers/mysql-Lund/ctl"
    put kill "$M/containers/mysql-Kista/ctl"
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'Lund.*does not answer'
    put unpause "$M/containers/mysql-Lund/ctl"
    promote Solna
    put repair "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    replicates Kista
    put async "$M/regions/Solna/replication/mode"
    roles Solna Kista Lund
    all_write Kista Lund
}

@test "a slave that hangs can't be told to acknowledge no more, and goes on counting" {
    put semisync "$M/regions/Solna/replication/mode"
    signal STOP Lund
    refused EBUSY async "$M/regions/Lund/replication/mode"
    quick tail -n 4 "$M/errors" | grep -q "region Lund doesn't answer, and may go on acknowledging writes: repair it"
    signal CONT Lund
    replicates Lund
    [ "$(quick cat "$M/regions/Lund/replication/mode")" = semisync ]
    put async "$M/regions/Lund/replication/mode"
    [ "$(quick cat "$M/regions/Lund/replication/mode")" = async ]
    # whose database has ended acknowledges nothing
    put semisync "$M/regions/Lund/replication/mode"
    put kill "$M/containers/mysql-Lund/ctl"
    put async "$M/regions/Lund/replication/mode"
    put repair "$M/regions/Lund/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = ready ]
    replicates Lund
    put async "$M/regions/Solna/replication/mode"
    roles Solna Kista Lund
}

@test "without its master only a slave that has acknowledged all is promoted" {
    local master=$M/regions/Solna
    put semisync "$master/replication/mode"
    put async "$M/regions/Lund/replication/mode"
    # it begins to acknowledge, and has not applied what it did not
    sql Lund 'STOP SLAVE SQL_THREAD'
    make Kista kista-has-it
    put semisync "$M/regions/Lund/replication/mode"
    quick grep -q '^incomplete: ' "$M/regions/Lund/replication/status"
    quick grep -q '^slave: Lund, .*, incomplete$' "$master/replication/status"
    put kill "$M/containers/mysql-Solna/ctl"
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'region Lund has not acknowledged all that region Solna has'
    promote Kista
    complete Lund
    [ "$(quick grep -c '^incomplete' "$M/regions/Lund/replication/status")" -eq 0 ]
    # nor one for which nothing has waited
    put async "$M/regions/Lund/replication/mode"
    make Lund kista-did-not-wait
    put kill "$M/containers/mysql-Kista/ctl"
    refused EBUSY promote "$M/regions/Lund/replication/ctl"
    # if that is not given up
    put async "$M/regions/Kista/replication/mode"
    promote Lund
    roles Lund
    for region in Kista Solna; do
        put repair "$M/regions/$region/ctl"
        [ "$(slowly cat "$M/regions/$region/wait")" = ready ]
        replicates "$region"
    done
    promote Solna
    roles Solna Kista Lund
    all_write Kista Lund
}

@test "what a slave has acknowledged is kept when both databases die" {
    put semisync "$M/regions/Kista/replication/mode"
    complete Kista # it has what did not wait for it
    put stop "$M/regions/Lund/replication/ctl"
    sql Kista 'STOP SLAVE SQL_THREAD'
    make Solna acknowledged-only
    [ "$(sql Kista "SELECT COUNT(*) FROM keystone.project WHERE name = 'acknowledged-only'")" = 0 ]
    # as a kill may leave them: a file that has only just been made, and an event that is not whole
    # shellcheck disable=SC2016 # it is the container's shell that expands it
    in_container "$CLOUD-mysql-Kista" bash -c 'cd /var/lib/mysql && : >relaylog.000000 && log=$(tail -n 1 relaylog.index) &&
        head -c 104 "$log" | tail -c 100 >"/tmp/event" && cat /tmp/event >>"$log"'
    put kill "$M/containers/mysql-Kista/ctl"
    put kill "$M/containers/mysql-Solna/ctl"
    put start "$M/containers/mysql-Kista/ctl"
    timeout 60 bash -c 'exec 7<"$1/events"; until [ "$(cat "$1/containers/mysql-Kista/health")" = healthy ]; do read -r <&7; done' healthy "$M"
    promote Kista
    [ "$(sql Kista "SELECT COUNT(*) FROM keystone.project WHERE name = 'acknowledged-only'")" = 1 ]
    put start "$M/regions/Lund/replication/ctl"
    replicates Lund
    put repair "$M/regions/Solna/ctl"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    replicates Solna
    all_write Solna Lund
    put async "$M/regions/Solna/replication/mode"
    promote Solna
    roles Solna Kista Lund
}

@test "one that has diverged is promoted without its master only if what that has is given up" {
    local region
    put async "$M/regions/Solna/replication/mode"
    for region in Kista Lund; do put stop "$M/regions/$region/replication/ctl"; done
    make Solna solna-alone
    put kill "$M/containers/mysql-Solna/ctl"
    promote Kista
    put start "$M/regions/Lund/replication/ctl"
    replicates Lund
    make Lund not-in-solna
    put repair "$M/regions/Solna/ctl"
    slowly cat "$M/regions/Solna/wait"
    replicates Solna diverged
    for region in Kista Lund; do put kill "$M/containers/mysql-$region/ctl"; done
    replicates Solna none
    refused EBUSY promote "$M/regions/Solna/replication/ctl"
    quick tail -n 4 "$M/errors" | grep -q 'region Solna follows nobody.*echo async > regions/Kista/replication/mode'
    put async "$M/regions/Kista/replication/mode"
    promote Solna
    roles Solna
    [ "$(sql Solna "SELECT COUNT(*) FROM keystone.project WHERE name IN ('solna-alone', 'not-in-solna')")" = 1 ]
    for region in Kista Lund; do
        put repair "$M/regions/$region/ctl"
        slowly cat "$M/regions/$region/wait"
        replicates "$region" diverged
        put resync "$M/regions/$region/replication/ctl"
        [ "$(slowly cat "$M/regions/$region/wait")" = ready ]
    done
    roles Solna Kista Lund
    all_write Kista Lund
}

@test "roles are found again by another mount" {
    unmount "$M"
    mount_cloud "$CLOUD" 127.86.0.0 "$DIRECTORY"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    roles Solna Kista Lund
    all_write Kista Lund
}

@test "the former master can go, and the new one last" {
    quick rm "$M/regions/Kista/images/i-kista" "$M/regions/Solna/images/i-solna"
    refused EBUSY destroy "$M/regions/Solna/ctl"
    slowly rmdir "$M/regions/Kista" "$M/regions/Lund"
    slowly rmdir "$M/regions/Solna"
    [ -z "$(left_of "$CLOUD")" ]
}
