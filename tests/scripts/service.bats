# What a service manager is told, by the daemon as mcloudfs@.service starts it. The cloud has no region, and its engine isn't there.

load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT" || return
    MCLOUDFS=${MCLOUDFS:-$CHECKOUT/build/mcloudfs}
    D=$(realpath "$BATS_TEST_TMPDIR") M=$BATS_TEST_TMPDIR/mnt
    mkdir "$D"/{mnt,state}
    O=cloud=test-service-$$,base=127.103.0.0,state_dir=$D/state,socket=$D/no.sock
}

# Each test mounts by itself, but the last.
needs_mounts() { [ -w /dev/fuse ] || skip "this user can't open /dev/fuse"; }

teardown() { ! mountpoint -q "$M" || fusermount3 -uz "$M"; }

@test "a mount that answers is ready, says how it is, feeds the watchdog, and ends as it is told" {
    needs_mounts
    run tests/scripts/manager.py 200 "$MCLOUDFS" -f -o "$O," "$M"
    [ "$status" -eq 0 ]
    for line in READY=1 WATCHDOG=1 "STATUS=Serves the cloud test-service-$$ at $D/mnt" STOPPING=1 'ended with 0'; do
        grep -qxF -- "$line" <<<"$output" || { echo "not said: $line" && return 1; }
    done
    # nothing is told ready before it is
    [ "$(grep -nx READY=1 <<<"$output" | cut -d : -f 1)" -lt "$(grep -n STATUS=Serves <<<"$output" | cut -d : -f 1)" ]
    ! mountpoint -q "$M"
}

@test "why there is no mount is the status, and another try is not worth it" {
    needs_mounts
    timeout 60 "$MCLOUDFS" -o "$O" "$M"
    mkdir "$D/second"
    run tests/scripts/manager.py 200 "$MCLOUDFS" -f -o "$O" "$D/second"
    [[ $output == *"STATUS=the cloud test-service-$$ is mounted already, and two daemons would fight over it"* ]]
    [[ $output == *ERRNO=16* && $output == *"ended with 1" && $output != *READY* ]]
    timeout 60 fusermount3 -u "$M"
    touch "$D/file"
    run tests/scripts/manager.py 200 "$MCLOUDFS" -f -o "$O" "$D/file"
    [[ $output == *"STATUS=can't mount at $D/file: it is no directory"* && $output == *"ended with 1" ]]
    run tests/scripts/manager.py 200 "$MCLOUDFS" -f -o "$O,clod=x" "$M"
    [[ $output == *'STATUS=unknown option "clod=x": did you mean cloud?'* && $output == *"ended with 1" ]]
}

@test "any prefix: the unit starts the program where it is installed, and all that is installed is below" {
    CC=${CC:-gcc} meson setup "$D/build" --prefix /opt/some --sbindir bin >"$D/log" 2>&1 || { cat "$D/log" && return 1; }
    # completions and manual pages, too
    meson introspect --installed "$D/build" | jq -r '.[]' >"$D/installed"
    [ "$(wc -l <"$D/installed")" -ge 5 ]
    run ! grep -v '^/opt/some/' "$D/installed"
    grep -qx /opt/some/lib/systemd/system/mcloudfs@.service "$D/installed"
    grep -q '^ExecStart=/opt/some/bin/mcloudfs -f ' "$D/build/mnt/mcloudfs@.service"
    ! grep -q '@[a-z]*@' "$D/build/mnt/mcloudfs@.service"
}
