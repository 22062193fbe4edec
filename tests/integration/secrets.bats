# Who hasn't the cloud's secrets gets nothing out of, and nothing into, any port of any container. Uses the suite's cloud.

bats_require_minimum_version 1.5.0
load common.bash

setup() {
    mapfile -t containers < <(quick ls "$M/containers")
}

# The number of a process in container $1.
process_of() { engine "/containers/$SUITE_CLOUD-$1/json" | jq -r .State.Pid; }

# What listens in the network namespace of container $1, a line each: tcp or udp, and the port. The engine's own name server is left out.
listening() {
    local pid protocol
    pid=$(process_of "$1")
    for protocol in tcp tcp6 udp udp6; do
        awk -v protocol="${protocol%6}" 'NR > 1 && $2 !~ /^0B00007F:/ && (protocol == "udp" || $4 == "0A") { split($2, at, ":"); print protocol, at[length(at)] }' \
            "/proc/$pid/net/$protocol"
    done | sort -u | while read -r protocol port; do echo "$protocol $((16#$port))"; done
}

# What the process that listens at $1:$2 answers to $3 (as printf takes it), asked by nobody; its greeting, if it speaks first.
ask_as_nobody() {
    set -o pipefail
    setpriv --reuid 65534 --regid 65534 --clear-groups timeout 20 bash -c \
        'exec 3<>"/dev/tcp/$1/$2" || exit 1; printf "$3" >&3; timeout 1 cat <&3 || true' ask "$@" 2>&1 | tr -d '\0'
}

# inside CONTAINER COMMAND…: in the container's network namespace, as a process that was let in there would be.
inside() {
    local container=$1
    shift
    nsenter -t "$(process_of "$container")" -n "$@"
}

@test "each container serves its one port, memcached none" {
    for container in "${containers[@]}"; do
        case $container in
        mysql-*) expected='tcp 3306' ;;
        # The other's is for what these containers themselves ask of a public address, which is a loopback's (recipes/glance/region.py).
        keystone-* | glance-*) expected=$'tcp 5000\ntcp 9292' ;;
        ldap) expected='tcp 389' ;;
        memcached-*) expected= ;;
        *) expected='to be said here' ;;
        esac
        echo "$container: $(listening "$container")"
        [ "$(listening "$container")" = "$expected" ]
    done
    request="GET / HTTP/1.1\\r\\nHost: $(quick cat "$M/regions/Kista/address")\\r\\n\\r\\n"
    [[ $(ask_as_nobody "$(quick cat "$M/containers/keystone-Kista/address")" 5000 "$request") == HTTP/1.1* ]]
    for at in keystone-Kista:9292 glance-Kista:5000; do
        run ask_as_nobody "$(quick cat "$M/containers/${at%:*}/address")" "${at#*:}" "$request"
        [[ -z $output || $output == *'Connection refused'* ]]
    done
}

@test "no socket can be reached by its abstract name, and those in the file system are for their users" {
    for container in "${containers[@]}"; do
        pid=$(process_of "$container")
        [ -z "$(awk 'NR > 1 && $4 ~ /1....$/ && $8 ~ /^@/' "/proc/$pid/net/unix")" ]
        for socket in $(awk 'NR > 1 && $8 ~ /^\// { print $8 }' "/proc/$pid/net/unix" | sort -u); do
            # a user without a group of the service's, inside the container
            [ -S "/proc/$pid/root$socket" ] || continue
            echo "$container $socket"
            nsenter -t "$pid" -m setpriv --reuid 65534 --regid 65534 --clear-groups perl -MIO::Socket::UNIX -e \
                'exit 1 if IO::Socket::UNIX->new(Peer => $ARGV[0]) && $ARGV[0] =~ /memcached|uwsgi|ldapi/' "$socket"
        done
    done
}

@test "memcached serves its region's Keystone and Glance, and nobody on the host" {
    address=$(quick cat "$M/containers/memcached-Kista/address")
    run ! ask_as_nobody "$address" 11211 'stats\r\n'
    socket=/proc/$(process_of memcached-Kista)/root/run/memcached/memcached.sock
    run ! setpriv --reuid 65534 --regid 65534 --clear-groups perl -MIO::Socket::UNIX -e 'exit !IO::Socket::UNIX->new(Peer => $ARGV[0])' "$socket"
    # what a login leaves in it
    quick cat "$M/regions/Kista/token" >/dev/null
    quick ls "$M/regions/Kista/images"
    perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; print $s "stats\r\n"; while (<$s>) { last if /^END/; print }' \
        "$socket" | tr -d '\r' >"$BATS_TEST_TMPDIR/stats"
    [ "$(awk '$2 == "get_hits" { print $3 }' "$BATS_TEST_TMPDIR/stats")" -gt 0 ]
    [ "$(quick cat "$M/containers/memcached-Kista/health")" = healthy ]
}

@test "a database lets nobody in without a password" {
    for container in "${containers[@]}"; do
        [[ $container == mysql-* ]] || continue
        for host in "$(quick cat "$M/containers/$container/address")" "$(quick cat "$M/regions/${container#mysql-}/address")" 127.0.0.1; do
            for user in root '' mysql keystone glance mariadb.sys PUBLIC anonymous; do
                for password in '' root keystone glance password; do
                    place=()
                    [ "$host" != 127.0.0.1 ] || place=(inside "$container")
                    run "${place[@]}" setpriv --reuid 65534 --regid 65534 --clear-groups env MYSQL_PWD="$password" \
                        timeout 20 mariadb --no-defaults --skip-ssl -h "$host" -u "$user" -e 'SELECT 1'
                    [ "$status" -ne 0 ]
                    [[ $output == *'Access denied'* ]]
                done
            done
        done
        # by its socket, as a user of the container's
        for user in root mysql nobody; do
            run nsenter -t "$(process_of "$container")" -m setpriv --reuid 65534 --regid 65534 --clear-groups \
                timeout 20 mariadb --no-defaults --skip-ssl -S /run/mysqld/mysqld.sock -u "$user" -e 'SELECT 1'
            [ "$status" -ne 0 ]
            [[ $output == *'Access denied'* || $output == *"Can't connect"* ]]
        done
    done
}

@test "the directory tells nothing to who has not said who he is" {
    for host in "$(quick cat "$M/containers/ldap/address")" "$(here 127.81.0.1)"; do
        for base in '' dc=acme,dc=org cn=Subschema cn=config cn=monitor ou=Users,dc=acme,dc=org cn=keystone,dc=acme,dc=org; do
            # without a bind, and with an anonymous one
            run quick python3 "$BATS_TEST_DIRNAME/ask_ldap.py" "$host" "$base"
            echo "$host '$base': $output"
            [ "$status" -eq 0 ]
            [ "$output" = nothing ]
        done
    done
    run inside ldap timeout 30 python3 "$BATS_TEST_DIRNAME/ask_ldap.py" 127.0.0.1 dc=acme,dc=org
    [ "$output" = nothing ]
    [ "$(quick cat "$M/containers/ldap/health")" = healthy ]
}

@test "the services answer nothing but versions and refusals without a token" {
    keystone=$(quick cat "$M/containers/keystone-Kista/address"):5000
    glance=$(quick cat "$M/containers/glance-Kista/address"):9292
    for path in v3/users v3/projects v3/domains v3/credentials v3/auth/catalog v3/role_assignments stats metrics server-status; do
        code=$(quick curl -sS -o /dev/null -w '%{http_code}' "http://$keystone/$path")
        echo "$path $code"
        [[ $code == 401 || $code == 404 ]]
    done
    for container in keystone-Kista glance-Kista; do
        for port in 5000 9292; do
            for path in v3/users v2/images; do
                code=$(inside "$container" curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/$path" || true)
                echo "$container $port $path $code"
                [[ $code == 401 || $code == 404 || $code == 300 || $code == 000 ]] # 300: the versions
            done
        done
    done
    for path in v2/images v2/tasks v2/info/stores v2/metadefs/namespaces v2/schemas/images v2/cache; do
        code=$(quick curl -sS -o /dev/null -w '%{http_code}' "http://$glance/$path")
        echo "$path $code"
        [[ $code == 401 || $code == 404 ]]
    done
    # uwsgi's own protocol, its statistics, and a request for another host's page are nobody's
    [[ $(ask_as_nobody "${keystone%:*}" 5000 '\000\000\000\000') != *processes* ]]
}
