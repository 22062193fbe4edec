# What the tests of attached clouds share: the suite's own cloud, seen by others' logins. Each test mounts it at $A, by what it has
# described in $CLOUDS; $N is a name of its own.

# For setup().
attached_setup() {
    N=$1-$BATS_TEST_NUMBER-$$
    A=$BATS_TEST_TMPDIR/attached
    CLOUDS=$BATS_TEST_TMPDIR/clouds.yaml
    K=$M/regions/Kista
    mkdir "$A"
}

# For teardown(): the mount goes, and what person() has made.
attached_teardown() {
    local kind
    [ -n "$BATS_TEST_COMPLETED" ] || quick tail -n 8 "$A/errors" || true
    ! mountpoint -q "$A" || unmount "$A"
    for kind in users projects; do
        [ ! -d "$M/$kind/Default/$N" ] || quick rmdir "$M/$kind/Default/$N"
    done
}

# reach COMMAND…: from where the cloud can be reached.
reach() { slowly "$@"; }

# attach CLOUD [OPTIONS]
attach() { reach env -i PATH="$PATH" HOME="$BATS_TEST_TMPDIR" "$MCLOUDFS" -o "attach=$1,clouds=$CLOUDS${2:+,$2}" "$A"; }

# person PASSWORD: user $N, a member of project $N.
person() {
    quick mkdir "$M/users/Default/$N" "$M/projects/Default/$N"
    put "$1" "$M/users/Default/$N/password"
    quick ln -s "../../../../../../users/Default/$N" "$M/projects/Default/$N/roles/member/users/$N"
}

# describe NAME AUTH [SETTING…]: a cloud in $CLOUDS, of flow mappings.
describe() {
    [ -s "$CLOUDS" ] || echo "clouds:" >"$CLOUDS"
    printf '  %s: {region_name: %s, auth: {auth_url: "%s", %s}%s}\n' "$1" "${REGION:-Kista}" "${AUTH_URL:-$(quick cat "$K/endpoints/identity/public")}" "$2" "${3:+, $3}" >>"$CLOUDS"
}

describe_person() { describe "$1" "username: $N, password: $2, project_name: $N, user_domain_id: default, project_domain_id: default" "${3:-}"; }

describe_credential() { describe "$1" "application_credential_id: $2, application_credential_secret: $3" "auth_type: v3applicationcredential"; }

# os CLOUD COMMAND…: the real client with that login of $CLOUDS.
os() { OS_CLIENT_CONFIG_FILE=$CLOUDS reach openstack --os-cloud "$@"; }

# same_list CLOUD DIRECTORY COMMAND…: the names in a directory of $A are those that the client lists with that login. Where a rule keeps the
# list from it, the directory says that it isn't whole; where the client gets none at all, nor does who reads the directory.
same_list() {
    local client=$BATS_TEST_TMPDIR/client
    if os "$1" "${@:3}" -f value >"$client" 2>"$client.said"; then
        diff <(quick ls "$A/$2" | LC_ALL=C sort) <(LC_ALL=C sort "$client")
    elif grep -q 'HTTP 403' "$client.said"; then
        quick ls "$A/$2" >"$client" && [ -n "$(quick getfattr --only-values -n user.mcloud.partial "$A/$2")" ]
    else
        grep -q . "$client.said" && run ! quick ls "$A/$2"
    fi || { echo "$1: $2: $(cat "$client.said")" >&2 && return 1; }
}

# catalog_of CLOUD REGION: as the client has it, in the words of regions/REGION/catalog.
catalog_of() {
    os "$1" catalog list -f json | jq -r --arg region "$2" '.[] | . as $service | .Endpoints[] | select(.region_id == $region) |
        [$service.Type, $service.Name, .region_id, .interface, .url] | @tsv' | sort
}

# same_lists CLOUD REGION: all that the login sees, in domain Default. Only who may list projects sees those of others.
same_lists() {
    same_list "$1" users/Default user list --domain default -c Name
    same_list "$1" groups/Default group list --domain default -c Name
    same_list "$1" roles role list -c Name
    same_list "$1" domains domain list -c Name
    same_list "$1" "regions/$2/images" image list -c Name
    same_list "$1" "regions/$2/images-by-id" image list -c ID
    if os "$1" project list --domain default -f value -c ID >/dev/null 2>&1; then
        same_list "$1" projects/Default project list --domain default -c Name
    else
        same_list "$1" projects/Default project list --my-projects -c Name
    fi
    diff <(catalog_of "$1" "$2") <(quick sort "$A/regions/$2/catalog")
}

# glance_rules RULE…: what region Kista's Glance permits, in oslo.policy's words, until end_rules. It reads them anew, but forgets none that
# it has read.
glance_rules() {
    touch "$BATS_TEST_TMPDIR/rules"
    # shellcheck disable=SC2016 # it is the container's shell that expands it
    in_container_as root "$SUITE_CLOUD-glance-Kista" sh -c \
        'printf "%s\n" "$@" >/etc/glance/policy.new && mv /etc/glance/policy.new /etc/glance/policy.yaml' - "$@"
}

# What it permits by itself, after a restart.
end_rules() {
    [ -e "$BATS_TEST_TMPDIR/rules" ] || return 0
    in_container_as root "$SUITE_CLOUD-glance-Kista" rm -f /etc/glance/policy.yaml
    put restart "$M/containers/glance-Kista/ctl"
    put repair "$K/ctl"
    [ "$(slowly cat "$K/wait")" = ready ]
}

# make_certificates ADDRESS: in the working directory, for a server there: certificate.pem and key.pem, by a CA of its own, ca.pem.
make_certificates() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=test -keyout key.pem -out request.pem 2>/dev/null
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out certificate.pem \
        -extfile <(echo "subjectAltName=IP:$1") 2>/dev/null
}

# start_front <SERVER: nginx, with that block's content, until end_front.
start_front() {
    { printf 'pid %s/front.pid;\nevents { }\nhttp {\naccess_log off;\nclient_max_body_size 0;\nclient_body_temp_path %s/body;\nserver {\n' "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"
        cat
        echo '} }'; } >"$BATS_TEST_TMPDIR/front.conf"
    reach nginx -c "$BATS_TEST_TMPDIR/front.conf" -e "$BATS_TEST_TMPDIR/front.log" 3>&-
}

# For teardown(), too: nothing where there is none.
end_front() {
    local pid
    [ -s "$BATS_TEST_TMPDIR/front.pid" ] || return 0
    pid=$(<"$BATS_TEST_TMPDIR/front.pid")
    kill "$pid"
    await_exit "$pid"
}
