# What tests of a node whose clock is off share. What each of them begins with: nodes_up, cloud_regions.

# login: of the databases, as root.
login() { DIRECTORY=$NODES CLOUD=$MOUNTED write_login "$NODES/root.cnf"; }

# seconds_of NUMBER: since 1970, by the database that is n-th.
seconds_of() {
    in_network 1 timeout 30 mariadb --defaults-extra-file="$NODES/root.cnf" --batch --skip-column-names -h "127.99.$1.1" -e 'SELECT UNIX_TIMESTAMP()'
}

# is_off NUMBER SECONDS: its database's clock, by about as much.
is_off() {
    local off=$(($(seconds_of "$1") - $(date +%s) - $2))
    echo "node $1 is off by $2 s and $off s more"
    [ "${off#-}" -lt 60 ]
}

# is_valid REGION TOKEN: what its Keystone says.
is_valid() {
    local url
    url=$(quick cat "$M/regions/$1/endpoints/identity/public")
    [ "$(in_network 1 curl -sS --max-time 30 --cacert "$M/ca.pem" -o /dev/null -w '%{http_code}' -H "X-Auth-Token: $2" -H "X-Subject-Token: $2" "$url/auth/tokens")" = 200 ]
}

# tokens_are_good: of each region, in each.
tokens_are_good() {
    local region other token
    for region in Kista Solna Lund; do
        token=$(quick cat "$M/regions/$region/token")
        for other in Kista Solna Lund; do
            echo "the token of $region in $other"
            is_valid "$other" "$token"
        done
    done
}

# role_goes_to REGION…: to one after the other, and each has what was written under the others.
role_goes_to() {
    local region name names=() other turn=0
    for region; do
        slowly bash -c "echo promote >'$M/regions/$region/replication/ctl'"
        in_step "$region"
        name=by-$region-$BATS_TEST_NUMBER-$((++turn))
        write "$name"
        names+=("$name")
        for other in Kista Solna Lund; do has "$other" "${names[@]}"; done
    done
}

# lease_holds SECONDS: it is not lost in so long a time.
lease_holds() {
    run timeout "$1" grep -m 1 'lease lost' "$M/events"
    # shellcheck disable=SC2154 # bats sets it
    [ "$status" -eq 124 ] || return 1
    write "leased-$BATS_TEST_NUMBER"
}
