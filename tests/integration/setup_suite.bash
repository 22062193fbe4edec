# One cloud with one ready region for all files: a start takes seconds, and so do a hundred tests on it.

setup_suite() {
    load common.bash
    export SUITE SUITE_CLOUD=test-suite$RUN M
    SUITE=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-suite.XXXXXX")
    M=$SUITE/mnt
    sweep "$SUITE_CLOUD"
    # A daemon built with sanitizers may be given for this one; it reports into $SUITE.
    ASAN_OPTIONS=log_path=$SUITE/sanitizer UBSAN_OPTIONS=log_path=$SUITE/sanitizer:print_stacktrace=1 \
        MCLOUDFS=${SUITE_MCLOUDFS:-$MCLOUDFS} mount_cloud "$SUITE_CLOUD" 127.81.0.0 "$SUITE"
    quick mkdir "$M/regions/Kista"
    if ! slowly cat "$M/regions/Kista/wait" >"$SUITE/wait"; then
        cat "$SUITE/wait" "$M/errors" "$M/regions/Kista/log" | tail -n 60 >&2
        return 1
    fi
}

teardown_suite() {
    load common.bash
    put destroy "$M/regions/Kista/ctl" || true
    slowly cat "$M/regions/Kista/wait" >/dev/null 2>&1 || true
    daemon=$(daemon_of "$M")
    unmount "$M" || true
    await_exit "$daemon"
    sweep "$SUITE_CLOUD"
    if compgen -G "$SUITE/sanitizer*" >/dev/null; then
        cat "$SUITE"/sanitizer* >&2
        return 1
    fi
    rm -rf "$SUITE"
}
