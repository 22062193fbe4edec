# A cloud that is there already, by its clouds.yaml: the suite's own cloud, seen by others' logins. Each test mounts below $A.

bats_require_minimum_version 1.5.0
load common.bash
load attached.bash

setup() { attached_setup attach; }

teardown() {
    end_rules
    end_front
    attached_teardown
    for image in "$K/images/$N"*; do
        [ ! -e "$image" ] || quick rm "$image"
    done
}

@test "a cloud of the file is a tree: its regions, people, projects and images, and nothing that it hasn't" {
    quick cp "$M/clouds.yaml" "$CLOUDS"
    attach ""
    [ "$(quick ls "$A/regions")" = Kista ]
    [ "$(quick cat "$A/regions/Kista/state" "$A/regions/Kista/wait")" = $'ready\nready' ]
    quick cat "$A/regions/Kista/catalog" | diff - <(quick cat "$K/catalog")
    for kind in users projects groups; do
        diff <(quick ls "$A/$kind" "$A/$kind/Default" | sed "s|$A||") <(quick ls "$M/$kind" "$M/$kind/Default" | sed "s|$M||")
    done
    for gone in containers ldap fernet topology.svg regions/Kista/ctl regions/Kista/role regions/Kista/replication regions/Kista/log \
        regions/Kista/progress; do
        [ ! -e "$A/$gone" ]
    done
    fails_with EPERM mkdir "$A/regions/Solna"
    quick grep -q '^user: admin$' "$A/whoami"
    quick grep -q '^roles:.* admin' "$A/whoami"
    quick grep -Eq '^Kista +ready +2/2 +-$' "$A/status"
    quick jq -e '.verify and .regions[0].state == "ready"' "$A/status.json"
    # What is changed here is changed there.
    quick mkdir "$A/users/Default/$N"
    [ "$(run_openstack user show --domain default "$N" -f value -c name)" = "$N" ]
    # All of it ends.
    slowly find "$A" -type f ! -name login ! -name password -exec cat {} + >"$BATS_TEST_TMPDIR/all" || true
    [ -s "$BATS_TEST_TMPDIR/all" ]
}

@test "images go into it, come out of it, and from cloud to cloud, whole" {
    quick cp "$M/clouds.yaml" "$CLOUDS"
    attach ""
    head -c 3000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$A/regions/Kista/images/$N"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$K/images/$N"
    slowly cp "$A/regions/Kista/images/$N" "$K/images/$N-2"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$A/regions/Kista/images/$N-2"
    slowly dd if="$A/regions/Kista/images/$N" bs=1 skip=2999999 status=none | cmp - <(tail -c 2 "$BATS_TEST_TMPDIR/in")
}

@test "where PUT is off, what is written is staged and imported" {
    local image=$A/regions/Kista/images/$N
    person secret
    describe_person john secret
    attach john
    glance_rules "upload_image: '!'"
    head -c 20000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$image"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$image"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$K/images/$N"
    # What has been learned is good for the next one.
    put x "$image-2"
    [ "$(quick cat "$image-2")" = x ]
    [ "$(quick sed -n 's|.* PUT /images/[^/]*/\([a-z]* [0-9]*\) .*|\1|p' "$A/journal")" = $'file 403\nstage 204\nstage 204' ]
    # Nothing of it says that it isn't done, or the next sweep would take it.
    [ "$(os john image show "$N" -f json | jq -c '[.status, (.properties | has("mcloudfs_upload"))]')" = '["active",false]' ]
}

@test "a front that takes no PUT is no way, and says so at close where it has no import" {
    local image=$A/regions/Kista/images/$N address
    address=$(here 127.81.97.1)
    start_front <<CONF
listen $address:9292;
location ~ "^/image/v2/images/[^/]+/file\$" {
    if (\$request_method = PUT) { return 405; }
    rewrite ^/image(.*) \$1 break;
    proxy_pass http://$(quick cat "$K/address"):9292;
}
location /image/ { proxy_pass http://$(quick cat "$K/address"):9292/; proxy_request_buffering off; proxy_http_version 1.1; }
location /none/ {
    if (\$request_method = PUT) { return 405; }
    proxy_pass http://$(quick cat "$K/address"):9292/;
}
location /none/v2/info/import { return 200 '{"import-methods": {"type": "array", "value": []}}'; }
CONF
    person secret
    describe_person front secret "image_endpoint_override: 'http://$address:9292/image/v2'"
    describe_person none secret "image_endpoint_override: 'http://$address:9292/none/v2'"
    head -c 5000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    attach front
    slowly cp "$BATS_TEST_TMPDIR/in" "$image"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$image"
    [ "$(quick sed -n 's|.* PUT /images/[^/]*/\([a-z]* [0-9]*\) .*|\1|p' "$A/journal")" = $'file 405\nstage 204' ]
    unmount "$A"
    attach none
    run slowly cp "$BATS_TEST_TMPDIR/in" "$image-2"
    [ "$status" -ne 0 ]
    [[ $output == *"Operation not supported"* ]]
    quick grep -q 'EOPNOTSUPP.*offers no import by glance-direct: ask who runs it' "$A/errors"
    [ ! -e "$K/images/$N-2" ]
}

@test "a member's mount shows what he may see, and says what it lacks" {
    person secret
    describe_person john secret
    attach john
    quick grep -qx "user: $N" "$A/whoami"
    quick grep -qx "project: $N" "$A/whoami"
    [ "$(quick ls "$A/users/Default" "$A/projects/Default" | grep -c "^$N\$")" -eq 2 ]
    [ "$(quick cat "$A/users/Default/$N/id")" = "$(quick cat "$M/users/Default/$N/id")" ]
    quick getfattr --only-values -n user.mcloud.partial "$A/users/Default" | grep -q 'identity:list_users'
    quick grep -q '^partial: .*users' "$A/status"
    quick grep -q 'identity:list_users' "$A/errors"
    fails_with EACCES mkdir "$A/projects/Default/$N-2"
    fails_with EACCES stat "$A/users/Default/admin"
    echo content >"$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$A/regions/Kista/images/$N"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$A/regions/Kista/images/$N"
    quick ls "$K/images" | grep -qx "$N"
    quick rm "$A/regions/Kista/images/$N"
}

@test "who is no superuser mounts one, without an engine" {
    person secret
    describe_person john secret
    own=$(mktemp -d)
    cp "$CLOUDS" "$MCLOUDFS" "$own"
    mkdir "$own/mnt"
    chmod 0600 "$own/clouds.yaml"
    chown -R nobody "$own"
    # With a /dev/fuse as udev makes it, which not every machine of tests has.
    mknod -m 0666 "$own/fuse" c 10 229
    # shellcheck disable=SC2016 # it is the inner shell that expands it
    run slowly unshare --mount --propagation private bash -ec '
        mount --bind "$1/fuse" /dev/fuse
        as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env -i PATH="$PATH" HOME=/nonexistent "$@"; }
        as_nobody "$1/$2" -o "attach=john,clouds=$1/clouds.yaml" "$1/mnt"
        as_nobody cat "$1/mnt/regions/Kista/state" "$1/mnt/whoami"
        as_nobody fusermount3 -u "$1/mnt"' - "$own" "${MCLOUDFS##*/}"
    rm -r "$own"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = ready ]
    [ "${lines[1]}" = "user: $N" ]
}

@test "without a project there is no catalog, and projects/ shows which may be chosen" {
    person secret
    describe none "username: $N, password: secret, user_domain_id: default"
    attach none
    [ "$(quick cat "$A/regions/Kista/state")" = degraded ]
    quick grep -q 'project_name' "$A/regions/Kista/error"
    [ "$(quick ls "$A/projects/Default")" = "$N" ]
    fails_with EIO ls "$A/regions/Kista/images"
}

@test "a login that is refused is shown, and tried again when the file is another" {
    person right
    describe_person john wrong
    attach john 2>"$BATS_TEST_TMPDIR/said"
    grep -q 'authentication' "$BATS_TEST_TMPDIR/said"
    [ "$(quick cat "$A/regions/Kista/state")" = failed ]
    quick grep -q 'authentication' "$A/regions/Kista/error"
    fails_with EACCES cat "$A/whoami"
    exec 7<"$A/events"
    sed -i 's/password: wrong/password: right/' "$CLOUDS"
    timeout 60 grep -m 1 '"Kista".*"ready"' <&7
    exec 7<&-
    quick grep -qx "user: $N" "$A/whoami"
    # Under a running mount.
    put other "$M/users/Default/$N/password"
    sed -i 's/password: right/password: other/' "$CLOUDS"
    quick ls "$A/regions/Kista/images"
    quick grep -qx "user: $N" "$A/whoami"
}

@test "nobody there, no such cloud, no such file: a sentence each" {
    AUTH_URL=http://$(here 127.81.0.0 | sed 's/0.0$/99.1/'):5000/v3 describe gone "username: u, password: secret, user_domain_id: default, project_name: p, project_domain_id: default"
    attach gone 2>"$BATS_TEST_TMPDIR/said"
    grep -q 'not reachable' "$BATS_TEST_TMPDIR/said"
    [ "$(quick cat "$A/regions/Kista/state")" = failed ]
    fails_with EIO ls "$A/users"
    unmount "$A"
    run attach nowhere
    [ "$status" -ne 0 ]
    [[ $output == *nowhere* ]]
    run slowly "$MCLOUDFS" -o "attach=x,clouds=/nonexistent/clouds.yaml" "$A"
    [ "$status" -ne 0 ]
    [[ $output == *"/nonexistent/clouds.yaml"* ]]
}

@test "by application credential, and by token; no secret is shown" {
    local id secret token
    person hush-hush
    token=$(token_of Default "$N" hush-hush "$N")
    quick curl -sS --fail-with-body -H "X-Auth-Token: $token" -H 'Content-Type: application/json' -o "$BATS_TEST_TMPDIR/credential" -d "{\"application_credential\":{\"name\":\"$N\"}}" \
        "$(quick cat "$K/endpoints/identity/public")/users/$(quick cat "$M/users/Default/$N/id")/application_credentials"
    id=$(jq -r .application_credential.id "$BATS_TEST_TMPDIR/credential")
    secret=$(jq -r .application_credential.secret "$BATS_TEST_TMPDIR/credential")
    describe_credential app "$id" "$secret"
    describe tok "token: $token, project_name: $N, project_domain_id: default" "auth_type: token"
    for cloud in app tok; do
        attach $cloud
        [ "$(quick stat -c %a "$A/regions/Kista/openrc")" = 600 ]
        # The client with that login is who the mount is.
        [ "$(bash -c '. "$1" && exec timeout 120 openstack token issue -f value -c user_id -c project_id' - "$A/regions/Kista/openrc")" = \
            "$(quick cat "$M/projects/Default/$N/id" "$M/users/Default/$N/id")" ]
        quick grep -qx "user: $N" "$A/whoami"
        quick grep -qx "project: $N" "$A/whoami"
        quick ls "$A/regions/Kista/images"
        for file in errors journal status whoami metrics; do
            run ! quick grep -qF -e "$secret" -e "$token" "$A/$file"
        done
        run ! grep -qF -e "$secret" -e "$token" /proc/"$(daemon_of "$A")"/cmdline
        unmount "$A"
    done
}

@test "whoever is logged in sees what openstack shows him, list by list" {
    local cloud
    person secret
    echo content >"$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$K/images/$N-public"
    put public "$K/images-by-id/$(run_openstack image show "$N-public" -f value -c id)/visibility"
    describe admin "username: admin, password: $(sed -n "s/^ *password: '\(.*\)'/\1/p" "$M/clouds.yaml"), project_name: admin, user_domain_id: default, project_domain_id: default"
    describe_person member secret
    describe domain "username: $N, password: secret, domain_id: default, user_domain_id: default"
    quick ln -s "../../../../../users/Default/$N" "$M/domains/Default/roles/admin/users/$N"
    describe unscoped "username: $N, password: secret, user_domain_id: default" "auth_type: v3password"
    for cloud in admin member domain unscoped; do
        attach $cloud
        case $cloud in
        admin)
            diff <(quick ls "$A/users/Default") <(os $cloud user list --domain default -f value -c Name | sort)
            diff <(quick ls "$A/roles") <(os $cloud role list -f value -c Name | sort)
            diff <(quick ls "$A/projects/Default") <(os $cloud project list --domain default -f value -c Name | sort)
            ;;
        domain) diff <(quick ls "$A/users/Default") <(os $cloud user list --domain default -f value -c Name | sort) ;;
        *) diff <(quick ls "$A/projects/Default") <(os $cloud project list --my-projects -f value -c Name | sort) ;;
        esac
        if [[ $cloud == admin || $cloud == member ]]; then
            diff <(quick ls "$A/regions/Kista/images") <(os $cloud image list -f value -c Name | sort)
        fi
        unmount "$A"
    done
    quick rm "$M/domains/Default/roles/admin/users/$N"
}

@test "clouds.yaml of a mount is its login: the same for mcloudfs, and good for the client" {
    local cloud token overrides settings="del(.files, .warnings, .regions, .identity.api_version)"
    person "it's a {secret}"
    token=$(token_of Default "$N" "it's a {secret}" "$N")
    overrides="image_endpoint_override: '$(quick cat "$K/endpoints/image/public")', image_interface: internal, cacert: ca.pem"
    describe_person member "\"it's a {secret}\"" "$overrides"
    describe tok "token: $token, project_name: $N, project_domain_id: default" "auth_type: token"
    describe unscoped "username: $N, password: \"it's a {secret}\", user_domain_id: default, unscoped: true" "auth_type: v3password"
    cd "$BATS_TEST_TMPDIR"
    cp /etc/ssl/certs/ca-certificates.crt ca.pem
    for cloud in member tok unscoped; do
        attach $cloud
        [ "$(quick stat -c %a "$A/clouds.yaml")" = 600 ]
        quick cp "$A/clouds.yaml" "$BATS_TEST_TMPDIR/again.yaml"
        diff <(OS_CLIENT_CONFIG_FILE=$CLOUDS "$MCLOUDFS" --print-cloud $cloud | jq "$settings" | sed "s|\"ca.pem|\"$PWD/ca.pem|") \
            <(OS_CLIENT_CONFIG_FILE=$BATS_TEST_TMPDIR/again.yaml "$MCLOUDFS" --print-cloud $cloud | jq "$settings")
        [ "$(OS_CLIENT_CONFIG_FILE=$A/clouds.yaml timeout 120 openstack --os-cloud $cloud token issue -f value -c user_id)" = "$(quick cat "$M/users/Default/$N/id")" ]
        unmount "$A"
    done
}

@test "TLS: by the CA that the file names, by none, and without any, which is said" {
    local address relay
    address=$(here 127.81.98.1)
    person secret
    cd "$BATS_TEST_TMPDIR"
    make_certificates "$address"
    exec 8< <(exec python3 "$BATS_TEST_DIRNAME/tls_relay.py" "$address" 5443 certificate.pem key.pem "$(quick cat "$K/address")" 5000)
    relay=$!
    read -r -t 30 -u 8
    # shellcheck disable=SC2034 # it is for describe()
    AUTH_URL=https://$address:5443/v3
    describe_person known secret "cacert: $PWD/ca.pem"
    describe_person unknown secret
    describe_person blind secret "verify: false"
    attach known
    quick grep -qx "user: $N" "$A/whoami"
    run ! quick grep -q WARNING "$A/status"
    unmount "$A"
    attach unknown 2>"$BATS_TEST_TMPDIR/said"
    grep -q 'certificate.*cacert' "$BATS_TEST_TMPDIR/said"
    [ "$(quick cat "$A/regions/Kista/state")" = failed ]
    unmount "$A"
    attach blind
    quick head -n 1 "$A/status" | grep -q '^WARNING: no certificate is checked'
    quick grep -qx "user: $N" "$A/whoami"
    kill "$relay"
    exec 8<&-
}
