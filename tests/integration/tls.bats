# A cloud with TLS (-o tls=on): Keystone and Glance are reached by https only, and nothing else crosses machines in clear. In a cloud of its own.

load common.bash
load replicated.bash

setup_file() {
    cloud_up "test-tls$RUN" 127.80.0.0 tls=on
    regions_up Kista Solna
}

teardown_file() { cloud_down; }

setup() {
    K=$M/regions/Kista
    S=$M/regions/Solna
    N=img-$BATS_TEST_NUMBER-$$
    T=$BATS_TEST_TMPDIR
    ADDRESS=$(quick cat "$K/address")
    SHARED=$(here 127.80.0.1)
    CA=$M/ca.pem
}

teardown() { tell_errors; }

# ask URL [ARGUMENT…]: as whoever believes the cloud's CA, and no other.
ask() { curl -sSf --max-time 60 --cacert "$CA" "$@"; }

# shown PORT: the certificate that is shown at that port of Kista's address, or of the directory's, in PEM; to those alone who believe it.
shown() {
    local address=$ADDRESS begin=()
    case $1 in
    3306) begin=(-starttls mysql) ;;
    389) address=$SHARED begin=(-starttls ldap) ;;
    esac
    quick openssl s_client "${begin[@]}" -connect "$address:$1" -CAfile "$CA" -x509_strict -verify_ip "$address" -verify_return_error \
        </dev/null 2>"$T/s_client" | openssl x509
}

# never COMMAND…: it fails. A `!` in front would say nothing to bats.
never() { if "$@"; then return 1; fi; }

# near CONTAINER: its own address in the engine's network.
near() { engine "/containers/$CLOUD-$1/json" | jq -r '.NetworkSettings.Networks[].IPAddress'; }

@test "the public ports are believed by the cloud's CA, and by nobody else, and answer by https only" {
    [ "$(quick stat -c %a "$CA")" = 444 ]
    [ "$(quick grep -c BEGIN "$CA")" -eq 1 ]
    quick grep -q 'BEGIN CERTIFICATE' "$CA"
    for url in "$ADDRESS:5000/v3" "$ADDRESS:9292/versions"; do
        ask "https://$url" >"$T/answer"
        # The links in it lead to where it was asked.
        jq -e '[.. | .href? // empty] | length > 0 and all(startswith("https://'"$ADDRESS"':"))' "$T/answer"
        run curl -sS --max-time 20 "https://$url"
        [ "$status" -eq 60 ]
        run curl -sS --max-time 20 -o "$T/plain" -w '%{http_code}' "http://$url"
        [[ $output == 400* || $status -eq 52 || $status -eq 56 ]]
        never grep -q version "$T/plain"
        shown "$(sed 's/.*:\([0-9]*\).*/\1/' <<<"$url")" >"$T/certificate"
        openssl verify -x509_strict -purpose sslserver -verify_ip "$ADDRESS" -CAfile "$CA" "$T/certificate"
    done
}

@test "nobody passes TLS by: inside the network, and by other regions' addresses in the containers" {
    for container in keystone-Kista:5000 glance-Kista:9292 glance-Kista:9293; do
        run curl -sS --max-time 20 -o "$T/plain" -w '%{http_code}' "http://$(near "${container%:*}"):${container#*:}/v3"
        [[ $output == 400* || $status -eq 52 || $status -eq 56 ]]
    done
    # Where there is none, only the container itself is answered.
    for container in keystone-Kista:5001 glance-Kista:9294; do
        run curl -sS --max-time 20 "http://$(near "${container%:*}"):${container#*:}/"
        [ "$status" -eq 7 ]
    done
    urls=$(quick cat "$K/catalog" | awk -F '\t' '{ print $5 }')
    [ "$(wc -w <<<"$urls")" -eq 12 ]
    [ "$(grep -c ^https:// <<<"$urls")" -eq 12 ]
    script='import ssl, sys, urllib.error, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for url in sys.argv[2:]:
    try:
        print(url, urllib.request.urlopen(url, timeout=20, context=context).status)
    except urllib.error.HTTPError as error:
        print(url, error.code)'
    for container in keystone-Kista glance-Kista keystone-Solna glance-Solna; do
        # shellcheck disable=SC2086 # one argument a URL
        in_container "$CLOUD-$container" python3 -c "$script" "/etc/${container%-*}/ca.pem" $urls >"$T/$container"
        cat "$T/$container"
        for url in $urls; do grep -Eqx "$url (200|300)" "$T/$container"; done
    done
}

@test "the client works by openrc, by clouds.yaml, and by those of an application credential" {
    [ "$(quick bash -c '. "$1" && echo "$OS_CACERT"' openrc "$K/openrc")" = "$CA" ]
    run_openstack token issue -f value -c id
    [ "$(run_openstack image list -f value -c Name | wc -l)" -eq 0 ]
    OS_CLIENT_CONFIG_FILE=$M/clouds.yaml timeout 120 openstack --os-cloud "$CLOUD" --os-region-name Solna image list
    quick mkdir "$M/users/Default/admin/application_credentials/$N"
    (
        # shellcheck disable=SC1090,SC1091 # made by the mount
        . "$M/users/Default/admin/application_credentials/$N/openrc"
        timeout 120 openstack image list
    )
    quick rmdir "$M/users/Default/admin/application_credentials/$N"
}

@test "images go in and out, from region to region, and by the other region's Glance" {
    head -c 20000001 /dev/urandom >"$T/in"
    slowly cp "$T/in" "$K/images/$N"
    slowly cmp "$T/in" "$K/images/$N"
    slowly cp "$K/images/$N" "$S/images/$N-copy"
    slowly cmp "$T/in" "$S/images/$N-copy"
    id=$(ask -G -H "X-Auth-Token: $(quick cat "$K/token")" --data-urlencode "name=eq:$N" "https://$ADDRESS:9292/v2/images" | jq -er '.images[0].id')
    put 'replicate Solna' "$K/images-by-id/$id/ctl"
    slowly cat "$K/images-by-id/$id/progress" >"$T/progress"
    grep -q "Glance fetches it by itself" "$T/progress"
    never grep -q "through here" "$T/progress"
    slowly cmp "$T/in" "$S/images/$N"
    # Where its maker's address says that it is.
    location=$(ask -o /dev/null -D - -H "X-Auth-Token: $(quick cat "$K/token")" -H 'Content-Type: application/json' -d '{"name": "empty"}' \
        "https://$ADDRESS:9292/v2/images" | tr -d '\r' | sed -n 's/^location: //Ip')
    [[ $location == "https://$ADDRESS:9292/v2/images/"* ]]
    ask -X DELETE -H "X-Auth-Token: $(quick cat "$K/token")" "$location"
    # By its public URL, as Glance takes it when nothing else is said.
    url=$(quick cat "$S/endpoints/image/public")/v2/images token=$(quick cat "$S/token")
    other=$(ask -H "X-Auth-Token: $token" -H 'Content-Type: application/json' \
        -d "{\"name\": \"$N-public\", \"disk_format\": \"raw\", \"container_format\": \"bare\"}" "$url" | jq -r .id)
    ask -H "X-Auth-Token: $token" -H 'Content-Type: application/json' "$url/$other/import" \
        -d "{\"method\": {\"name\": \"glance-download\", \"glance_region\": \"Kista\", \"glance_image_id\": \"$id\"}}"
    slowly bash -c 'until [ "$(curl -sSf --max-time 60 --cacert "$3" -H "X-Auth-Token: $1" "$2" | jq -r .status)" = active ]; do :; done' \
        active "$token" "$url/$other" "$CA"
    slowly cmp "$T/in" "$S/images/$N-public"
    quick rm "$K/images/$N" "$S/images/$N" "$S/images/$N-copy" "$S/images/$N-public"
}

@test "the CA's key is with the cloud's secrets, and nowhere else" {
    [ "$(stat -c %a "$DIRECTORY/state/$CLOUD.json")" = 600 ]
    key=$(jq -r .ca_key "$DIRECTORY/state/$CLOUD.json" | sed -n 2p)
    [ "${#key}" -eq 64 ]
    for container in keystone-Kista glance-Kista mysql-Kista ldap; do
        engine "/containers/$CLOUD-$container/json" >"$T/inspect"
        engine "/containers/$CLOUD-$container/logs?stdout=1&stderr=1" --output "$T/log"
        in_container_as 0 "$CLOUD-$container" grep -rlF -- "$key" /etc /run /var/lib /tmp >"$T/files" || true
        # The server's own is its own, and nobody else's to read.
        account=${container%-*}
        in_container "$CLOUD-$container" stat -c '%a %U' "/etc/${container%-*}/server.pem" | grep -qx "400 ${account/#ldap/openldap}"
        own=$(in_container "$CLOUD-$container" sed -n 2p "/etc/${container%-*}/server.pem")
        [ "${#own}" -eq 64 ]
        for secret in "$key" "$own"; do never grep -qaF -- "$secret" "$T/inspect" "$T/log" "$T/files"; done
        [ ! -s "$T/files" ]
    done
    never grep -rlaF -- "$key" "$M/journal" "$M/errors" "$M/README" "$CA"
    tr '\0' '\n' <"/proc/$(daemon_of "$M")/environ" >"$T/environment"
    never grep -qF -- "$key" "$T/environment"
}

# container SERVICE: keystone-Kista; what all regions share has no other name.
container() { if [ "$1" = ldap ]; then echo ldap; else echo "$1-Kista"; fi; }

# take_up SERVICE: its server shows what is in its file.
take_up() {
    case $1 in
    mysql) in_container_as 0 "$CLOUD-mysql-Kista" mariadb --no-defaults --skip-ssl --execute 'FLUSH LOCAL SSL' ;;
    ldap) put restart "$M/containers/ldap/ctl" ;;
    *) in_container "$CLOUD-$1-Kista" nginx -e stderr -c "/etc/$1/nginx.conf" -s reload ;;
    esac
}

# plant SERVICE [OTHER]: its container shows a certificate of the cloud's CA that has ten days of ninety left, or that ends at $ENDS;
# OTHER: one of another CA of the same name.
plant() {
    local service=$1 folder=$T/$1 address=$ADDRESS host
    host=$(container "$1")
    [ "$1" != ldap ] || address=$SHARED
    mkdir -p "$folder"
    (
        cd "$folder" || return
        umask 077
        jq -r .ca_key "$DIRECTORY/state/$CLOUD.json" >ca.key
        jq -r .ca_certificate "$DIRECTORY/state/$CLOUD.json" >ca.pem
        if [ -n "${2:-}" ]; then
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=mcloudfs/CN=CA of the cloud $CLOUD" \
                -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
        fi
        : >index.txt
        cat >ca.conf <<-END
			[ca]
			default_ca = old
			[old]
			database = $folder/index.txt
			new_certs_dir = $folder
			rand_serial = yes
			default_md = sha256
			policy = any
			x509_extensions = server
			[any]
			commonName = supplied
			[server]
			basicConstraints = critical,CA:FALSE
			keyUsage = critical,digitalSignature
			extendedKeyUsage = serverAuth
			subjectKeyIdentifier = hash
			authorityKeyIdentifier = keyid
			subjectAltName = IP:$address,DNS:$host
		END
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" -keyout server.key -out server.csr
        openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in server.csr -out server.crt -notext \
            -startdate "$(date -u -d '80 days ago' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "${ENDS:-10 days}" +%Y%m%d%H%M%SZ)"
        cat server.key server.crt >server.pem
        uid=$(in_container "$CLOUD-$host" id -u)
        tar -c --owner="$uid" --group="$uid" --mode=400 server.pem |
            engine "/containers/$CLOUD-$host/archive?path=/etc/$service" -X PUT -H 'Content-Type: application/x-tar' --data-binary @-
    )
    take_up "$service"
}

# shows PORT WORD FILE: within some seconds, the certificate there is (is), or isn't (another), that in FILE.
shows() {
    local at='nothing' until=$((SECONDS + 120)) serial
    serial=$(openssl x509 -noout -serial -in "$3")
    while ((SECONDS < until)); do
        at=$(shown "$1" | openssl x509 -noout -serial) || continue # it is being restarted
        case $2,$([ "$at" = "$serial" ] && echo same) in
        is,same | another,) return 0 ;;
        esac
    done
    echo "port $1 shows $at" >&2
    return 1
}

# believed PORT
believed() { shown "$1" 2>/dev/null | grep -q BEGIN; }

comes_to_be_believed() {
    local until=$((SECONDS + 120))
    until believed "$1"; do ((SECONDS < until)); done
}

started_at() { engine "/containers/$CLOUD-$1/json" | jq -r .State.StartedAt; }

# said DESCRIPTOR: whether a good answer's first line comes there next.
said() {
    local line
    # behind the body of the answer before, which has no newline
    while read -r -t 30 -u "$1" line; do [[ $line != *HTTP/1.1* ]] || break; done
    [[ $line == *"HTTP/1.1 200"* ]]
}

@test "a certificate near its end is renewed at the next mount, and shown without a restart or a connection dropped, but for the directory's" {
    local service before directory
    for service in keystone glance mysql ldap; do plant "$service"; done
    shows 5000 is "$T/keystone/server.crt"
    shows 9292 is "$T/glance/server.crt"
    shows 3306 is "$T/mysql/server.crt"
    shows 389 is "$T/ldap/server.crt"
    before=$(started_at keystone-Kista)$(started_at glance-Kista)$(started_at mysql-Kista)
    directory=$(started_at ldap)
    coproc client { exec openssl s_client -quiet -verify_quiet -CAfile "$T/glance/ca.pem" -connect "$ADDRESS:9292" 2>/dev/null; }
    printf 'GET /healthcheck HTTP/1.1\r\nHost: kept\r\n\r\n' >&"${client[1]}"
    said "${client[0]}"
    end_daemon
    mount_cloud "$CLOUD" 127.80.0.0 "$DIRECTORY" tls=on
    slowly cat "$K/wait"
    shows 5000 another "$T/keystone/server.crt"
    shows 9292 another "$T/glance/server.crt"
    shows 3306 another "$T/mysql/server.crt"
    shows 389 another "$T/ldap/server.crt"
    # For as long as a new one.
    for port in 5000 9292 3306 389; do shown "$port" | openssl x509 -noout -checkend $((85 * 86400)); done
    printf 'GET /healthcheck HTTP/1.1\r\nHost: kept\r\n\r\n' >&"${client[1]}"
    said "${client[0]}"
    # shellcheck disable=SC2154 # of the coproc
    kill "$client_PID"
    [ "$(started_at keystone-Kista)$(started_at glance-Kista)$(started_at mysql-Kista)" = "$before" ]
    # slapd reads its own once only.
    [ "$(started_at ldap)" != "$directory" ]
    quick cat "$M/ldap/tree.ldif" >"$T/ldif"
    # Nobody has anything to complain of.
    [ "$(slowly cat "$K/wait")" = ready ]
    never grep certificate "$M/errors"
}

@test "a certificate that has ended is replaced at a start" {
    plant keystone
    put stop "$K/ctl" && [ "$(slowly cat "$K/wait")" = stopped ]
    put start "$K/ctl" && [ "$(slowly cat "$K/wait")" = ready ]
    shows 5000 another "$T/keystone/server.crt"
}

@test "certificates that ended while nobody was there are replaced at the next mount" {
    end_daemon
    ENDS='1 day ago' plant mysql
    # With nobody there, it is taken by hand.
    take_up() { engine "/containers/$CLOUD-ldap/restart" -X POST; }
    ENDS='1 day ago' plant ldap
    never believed 3306
    never believed 389
    mount_cloud "$CLOUD" 127.80.0.0 "$DIRECTORY" tls=on
    comes_to_be_believed 3306
    comes_to_be_believed 389
    settled Kista ready
    settled Solna ready
    in_step Solna
    quick cat "$M/ldap/tree.ldif" >"$T/ldif"
}

@test "a slave replicates by TLS, from whoever has the certificate of its master" {
    MYSQL_PWD=$(jq -r .db_root "$DIRECTORY/state/$CLOUD.json") mariadb_of Solna -u root -E -e 'SHOW SLAVE STATUS' >"$T/status"
    for line in 'Master_Host: mysql-Kista' 'Master_SSL_Allowed: Yes' 'Master_SSL_CA_File: /etc/mysql/ca.pem' \
        'Master_SSL_Verify_Server_Cert: Yes' 'Slave_IO_Running: Yes'; do
        grep -Eq "^ *$line$" "$T/status"
    done
    # The account that it has there can do nothing without.
    [ "$(sql Kista "SELECT ssl_type FROM mysql.user WHERE user LIKE 'replica-%'")" = ANY ]
    # So it was when it was copied.
    put resync "$S/replication/ctl"
    replicates Solna
    in_step Solna
}

@test "nobody is root of a database, or logs in at the directory, without TLS" {
    local password
    password=$(jq -r .db_root "$DIRECTORY/state/$CLOUD.json")
    [[ $(sql Kista "SHOW STATUS LIKE 'Ssl_cipher'") == Ssl_cipher*_* ]]
    run env MYSQL_PWD="$password" timeout 30 mariadb --no-defaults --skip-ssl -u root -h "$ADDRESS" -e 'DO 1'
    [ "$status" -ne 0 ]
    [[ $output == *"Access denied"* ]]
    script='import ldap, sys
def bind(url, begin):
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, sys.argv[1])
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    begin(connection)
    connection.simple_bind_s(sys.argv[2], sys.argv[3])
    return connection.whoami_s()
for begin in lambda connection: None, lambda connection: connection.start_tls_s():
    try:
        print(bind("ldap://ldap:389", begin))
    except ldap.LDAPError as error:
        print(type(error).__name__)'
    who=$(quick sed -n 's/^dn: \(cn=keystone,.*\)/\1/p' "$M/ldap/tree.ldif")
    in_container "$CLOUD-keystone-Kista" python3 -c "$script" /etc/keystone/ca.pem "$who" "$(jq -r .ldap_keystone "$DIRECTORY/state/$CLOUD.json")" >"$T/said"
    diff "$T/said" - <<<"CONFIDENTIALITY_REQUIRED"$'\n'"dn:$who"
}

@test "people of the directory log in at each region" {
    people_up
    export CURL_CA_BUNDLE=$CA
    for region in Kista Solna; do
        url=$(quick cat "$M/regions/$region/endpoints/identity/public")
        jq -nc '{auth: {identity: {methods: ["password"], password: {user: {name: "john", domain: {name: "acme"}, password: "john"}}},
            scope: {project: {name: "demo", domain: {name: "acme"}}}}}' |
            quick curl -sS --fail-with-body -o "$T/answer" -H 'Content-Type: application/json' -d @- "$url/auth/tokens"
        jq -e '.token.user.name == "john"' "$T/answer"
    done
}

@test "what the Keystone of a slave writes goes to the master by TLS" {
    export CURL_CA_BUNDLE=$CA
    sql Kista "SET sql_log_bin = 0; ALTER USER keystone@'%' REQUIRE SSL; KILL CONNECTION USER keystone"
    make Solna "$N" || { sql Kista "SET sql_log_bin = 0; ALTER USER keystone@'%' REQUIRE NONE" && false; }
    sql Kista "SET sql_log_bin = 0; ALTER USER keystone@'%' REQUIRE NONE"
    settled Kista ready
    quick rmdir "$M/projects/Default/$N"
}

# refused_by_all: the slave's replication has ended, its Keystone can write nothing, and the daemon says who it is that nobody believes.
refused_by_all() {
    export CURL_CA_BUNDLE=$CA
    says Solna 'mysql-Kista shows no certificate of this cloud'
    never make Solna "$N"
    run quick cat "$K/replication/state"
    quick grep -q 'mysql-Kista shows no certificate of this cloud' "$M/errors"
}

# A database that has come up takes writes as soon as the daemon has seen whose it is.
believed_again() {
    local end=$((SECONDS + 30))
    [ "$(slowly cat "$K/wait")" = ready ]
    replicates Solna
    settled Solna ready
    until make Solna "$N"; do [ "$SECONDS" -lt "$end" ]; done
    in_step Solna
    quick rmdir "$M/projects/Default/$N"
}

@test "a database with a certificate of another CA is believed by nobody, until it is repaired" {
    plant mysql other
    in_container_as 0 "$CLOUD-mysql-Kista" mariadb --no-defaults --skip-ssl --execute "KILL CONNECTION USER 'replica-2'; KILL CONNECTION USER keystone"
    refused_by_all
    put repair "$K/ctl"
    believed_again
}

@test "a database that offers no TLS is told nothing by anybody" {
    in_container_as 0 "$CLOUD-mysql-Kista" sed -i '$ a skip_ssl' /etc/mysql/my.cnf
    put restart "$M/containers/mysql-Kista/ctl"
    refused_by_all
    in_container_as 0 "$CLOUD-mysql-Kista" sed -i '/^skip_ssl$/d' /etc/mysql/my.cnf
    put restart "$M/containers/mysql-Kista/ctl"
    believed_again
}

@test "a cloud stays as it was made: without the option it has TLS, and another is refused" {
    end_daemon
    run mount_cloud "$CLOUD" 127.80.0.0 "$DIRECTORY" tls=off
    [ "$status" -ne 0 ]
    [[ $output == *"the cloud $CLOUD was made with tls=on"*"mount it with tls=on, or without tls="* ]]
    mount_cloud "$CLOUD" 127.80.0.0 "$DIRECTORY"
    [ "$(slowly cat "$K/wait")" = ready ]
    [[ $(quick cat "$K/endpoints/identity/public") == https://* ]]
    run mount_cloud "test-tls-bad$RUN" 127.80.0.0 "$T" tls=maybe
    [ "$status" -ne 0 ]
    [[ $output == *"tls=maybe: on or off is needed"* ]]
}

@test "the master dies, and the other region takes over" {
    [ "$(slowly cat "$S/wait")" = ready ]
    put kill "$M/containers/mysql-Kista/ctl"
    put promote "$S/replication/ctl"
    slowly bash -c 'until [ "$(cat "$1/role")" = master ] && [ "$(cat "$1/wait")" = ready ]; do :; done' promoted "$S"
    put repair "$K/ctl"
    [ "$(slowly cat "$K/wait")" = ready ]
    quick mkdir "$M/users/Default/$N"
    slowly bash -c 'cat "$1/replication/sync" && [ -d "$1/users/Default/$2" ]' replicated "$K" "$N"
    quick rmdir "$M/users/Default/$N"
    REGION=Solna run_openstack token issue -f value -c id
}
