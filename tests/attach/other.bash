# A cloud that others have made: Debian's own Keystone, Glance and MariaDB, set up as their packages come (tests/attach/openstack), in
# namespaces of their own.

load ../integration/common.bash
load ../integration/attached.bash

export REGION=regionOne AUTH_URL=http://127.0.0.1:5000/v3

# reach COMMAND…: in the cloud's network; inside COMMAND…: in its root directory, too.
reach() { nsenter --net="/proc/$HOLDER/ns/net" timeout -k 5 120 "$@"; }
inside() { nsenter --target "$HOLDER" --mount --net --pid --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

secret() { head -c 18 /dev/urandom | base64 | tr +/ xy; }

# other_up, for setup_file.
other_up() {
    local root
    export OTHER HOLDER CLOUDS ADMIN
    OTHER=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-other.XXXXXX")
    CLOUDS=$OTHER/clouds.yaml ADMIN=$(secret)
    root=$("$BATS_TEST_DIRNAME/root")
    unshare --mount --net --pid --fork --kill-child "$BATS_TEST_DIRNAME/overlay" "$root" "$OTHER" >"$OTHER/hold.log" 2>&1 3>&- &
    echo "$!" >"$OTHER/unshare"
    # shellcheck disable=SC2016 # it is the inner shell that expands it
    timeout 60 bash -c 'until [ -s "$1/held" ]; do :; done' - "$OTHER"
    HOLDER=$(pgrep -P "$(<"$OTHER/unshare")")
    cp "$BATS_TEST_DIRNAME/openstack" "$OTHER"
    printf '%s\n' "$ADMIN" "$(secret | tee "$OTHER/glance")" "$(secret)" | inside timeout 300 /engine/openstack >"$OTHER/setup.log" 2>&1 3>&- ||
        { tail -n 20 "$OTHER/setup.log" >&2 && return 1; }
    describe admin "username: admin, password: $ADMIN, project_name: admin, user_domain_id: default, project_domain_id: default"
    register_glance
}

# As the installation guide has it, by the real client.
register_glance() {
    os admin project create --domain default service
    os admin user create --domain default --password "$(<"$OTHER/glance")" glance
    os admin role add --user glance --project service admin
    os admin service create --name glance image
    for interface in public internal admin; do os admin endpoint create --region regionOne image $interface http://127.0.0.1:9292; done
} >"$OTHER/register.log"

# start_relay MS, for setup: cloud far-N of $CLOUDS, N the test's number, is this cloud with MS of latency each way. $ASKED has a line for each
# request to it. The relay has ports of its own, as the services listen on all addresses.
start_relay() {
    ASKED=$BATS_TEST_TMPDIR/asked
    exec {relay}> >(exec nsenter --net="/proc/$HOLDER/ns/net" python3 "$BATS_TEST_DIRNAME/slow_relay.py" "$1" 15000=5000 19292=9292 >"$ASKED" 2>&1 3>&-)
    RELAY=$!
    timeout 30 bash -c 'until grep -qx ready "$1" 2>/dev/null; do :; done' - "$ASKED"
    AUTH_URL=http://127.0.0.2:15000/v3 describe "far-$BATS_TEST_NUMBER" "username: admin, password: $ADMIN, project_name: admin, user_domain_id: default, project_domain_id: default" \
        "identity_endpoint_override: 'http://127.0.0.2:15000/v3', image_endpoint_override: 'http://127.0.0.2:19292'"
}

# For teardown.
end_relay() {
    kill -CONT "$RELAY"
    exec {relay}>&-
    await_exit "$RELAY"
}

# other_down, for teardown_file.
other_down() {
    kill -KILL "$HOLDER"
    await_exit "$(<"$OTHER/unshare")"
    rm -rf "$OTHER"
}
