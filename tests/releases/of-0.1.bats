# A cloud that version 0.1.0 has made, with its daemon and its images: this version takes it over and upgrades it with all that is in it.

load ../integration/common.bash
load ../integration/replicated.bash
bats_require_minimum_version 1.5.0

COMMIT=b183b95
BASE=127.90.0.0

setup_file() {
    export CHECKOUT
    CHECKOUT=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-0.1.XXXXXX")
    git -C "$BATS_TEST_DIRNAME/../.." archive "$COMMIT" | tar -x -C "$CHECKOUT"
    (cd "$CHECKOUT" && meson setup build && ninja -C build mcloudfs && backends/recipes/build) >&2
    MCLOUDFS=$CHECKOUT/build/mcloudfs cloud_up "test-former$RUN" $BASE
}

teardown_file() {
    cloud_down
    rm -rf "$CHECKOUT"
}

teardown() { tell_errors; }

mounted_by_this_version() {
    end_daemon
    mount_cloud "$CLOUD" $BASE "$DIRECTORY"
}

@test "it is taken over, serves, and is upgraded with its people, projects, images and tokens" {
    [ "$("$CHECKOUT/build/mcloudfs" --version | head -n 1)" = "mcloudfs 0.1.0" ]
    regions_up Kista Solna
    people_up
    quick mkdir "$M/projects/Default/kept" "$M/users/Default/robot"
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/image"
    quick cp "$BATS_TEST_TMPDIR/image" "$M/regions/Kista/images/kept"
    john=$(quick cat "$M/users/acme/john/id") robot=$(quick cat "$M/users/Default/robot/id")
    project=$(quick cat "$M/projects/acme/demo/id")

    mounted_by_this_version
    for region in Kista Solna; do
        [ "$(slowly cat "$M/regions/$region/wait")" = ready ]
        [ "$(quick cat "$M/regions/$region/release")" = zed ]
    done
    quick grep -q '^Kista .* zed (can be upgraded to epoxy)$' "$M/status"
    token=$(token_of acme john john demo)

    put upgrade "$M/regions/Kista/ctl"
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    slowly bash -c 'until [ "$(cat "$1/release")" = epoxy ]; do cat "$1/progress" >/dev/null; done' - "$M/regions/Solna"
    [ "$(slowly cat "$M/regions/Solna/wait")" = ready ]
    [ "$(quick cat "$M"/regions/*/release | sort -u)" = epoxy ]
    roles Kista Solna
    in_step Solna

    [ "$(quick cat "$M/users/acme/john/id")" = "$john" ]
    [ "$(quick cat "$M/users/Default/robot/id")" = "$robot" ]
    [ "$(quick cat "$M/projects/acme/demo/id")" = "$project" ]
    quick test -d "$M/projects/Default/kept"
    quick readlink "$M/projects/acme/demo/roles/member/groups/demo"
    quick cmp "$BATS_TEST_TMPDIR/image" "$M/regions/Kista/images/kept"
    for region in Kista Solna; do
        curl -sS --fail-with-body --max-time 30 -o /dev/null -H @<(echo "X-Auth-Token: $token") \
            "$(quick cat "$M/regions/$region/endpoints/identity/public")/auth/catalog"
    done
    # what 0.1 has left in the engine's own volumes of the databases is gone: they have a place now that no prune takes
    [ -z "$(left_of "$CLOUD" | grep -x "$CLOUD-mysql-[A-Za-z]*" | grep -v ^/)" ]
}
