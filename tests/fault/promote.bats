# The daemon is killed with -9 after each step of a promotion, with the master alive and with a dead one; another mount finishes it or
# undoes it. Meanwhile the databases are asked all the time whether they take writes.

load ../integration/common.bash
load ../integration/replicated.bash

setup_file() {
    cloud_up "test-promote$RUN" 127.90.0.0
    regions_up Kista Solna Lund
    write_login "$DIRECTORY/root.cnf"
}

teardown_file() { cloud_down; }

setup() {
    STEPS=7 # of mc_promote_steps; checked below against what progress says
    mkfifo "$BATS_TEST_TMPDIR/changes"
    # shellcheck disable=SC2046 # three addresses
    python3 -B "$BATS_TEST_DIRNAME/writable.py" "$DIRECTORY/root.cnf" $(quick cat "$M"/regions/*/address) \
        <"$BATS_TEST_TMPDIR/changes" >"$BATS_TEST_TMPDIR/watch" 3>&- &
    WATCH=$!
    exec 8>"$BATS_TEST_TMPDIR/changes"
}

teardown() {
    exec 8>&-
    tell_errors
}

# two_were_never_writable: what the watch says.
two_were_never_writable() {
    local status=0
    exec 8>&-
    wait "$WATCH" || status=$?
    cat "$BATS_TEST_TMPDIR/watch" >&2
    return "$status"
}

kill_and_remount() {
    kill_daemon
    mount_cloud "$CLOUD" 127.90.0.0 "$DIRECTORY"
}

# break_off STEPS REGION: promotes it, and kills the daemon after so many steps.
break_off() {
    local promotion
    exec 7<"$M/events"
    echo "$2" >&8
    put promote "$M/regions/$2/replication/ctl" 7<&- 8>&- 2>/dev/null &
    promotion=$!
    if (($1)); then timeout 60 grep -m "$1" '"event":"step","region":"'"$2"'"' <&7 >"$BATS_TEST_TMPDIR/steps"; fi
    exec 7<&-
    if [ "$1" -eq "$STEPS" ]; then quick grep -q "$STEPS/$STEPS " "$M/regions/$2/progress"; fi
    kill_and_remount 8>&-
    wait "$promotion" || true
}

master() { quick jq -r '.regions[] | select(.role == "master").name' "$M/status.json"; }

# at_once COMMAND REGION…: for each region, side by side; fails if one of them does.
at_once() {
    local region pids=() status=0
    for region in "${@:2}"; do
        "$1" "$region" 8>&- &
        pids+=($!)
    done
    for region in "${pids[@]}"; do wait "$region" || status=1; done
    return "$status"
}

writes() { make "$1" "p$BATS_TEST_NUMBER-$STEP-$1"; }

# all_is_well STEP: one region is the master, the others follow it, everybody takes a write, and all agree.
all_is_well() {
    local slaves=() region master STEP=$1
    [ "$(slowly cat "$M"/regions/*/wait | xargs)" = 'ready ready ready' ]
    master=$(master)
    for region in Kista Solna Lund; do [ "$region" = "$master" ] || slaves+=("$region"); done
    for region in "${slaves[@]}"; do replicates "$region"; done
    roles "$master" "${slaves[@]}"
    at_once writes Kista Solna Lund
    at_once in_step "${slaves[@]}"
    [ -z "$(left_of "$CLOUD" | grep promoted)" ]
}

# next_of REGION: the one whose turn it is after that.
next_of() {
    case $1 in
    Kista) echo Solna ;;
    Solna) echo Lund ;;
    Lund) echo Kista ;;
    esac
}

@test "a switch-over goes on, or is undone, after a kill at each of its steps" {
    local step
    for ((step = 0; step <= STEPS; step++)); do
        break_off "$step" "$(next_of "$(master)")"
        all_is_well "$step" || { echo "killed after step $step" >&2 && return 1; }
    done
    two_were_never_writable
}

# fail_over ACTION: at each step, from a master on whose database that was done.
fail_over() {
    local step old
    for ((step = 0; step <= STEPS; step++)); do
        old=$(master)
        put "$1" "$M/containers/mysql-$old/ctl"
        break_off "$step" "$(next_of "$old")"
        all_is_well "$step" || { echo "killed after step $step" >&2 && return 1; }
    done
    two_were_never_writable
}

@test "a fail-over goes on, or is undone, after a kill at each of its steps" { fail_over kill; }

@test "so does one from a master that hangs, which comes back" { fail_over pause; }
