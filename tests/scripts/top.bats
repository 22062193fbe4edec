# mnt/top, of a directory that looks like a mount, in a terminal that tmux makes.

load common.bash
bats_require_minimum_version 1.5.0

setup() {
    M=$BATS_TEST_TMPDIR/mnt
    mkdir -p "$M/containers/keystone-Kista" "$M/containers/ldap"
    state ready
    echo running | tee "$M/containers/keystone-Kista/state" >"$M/containers/ldap/state"
    echo healthy >"$M/containers/keystone-Kista/health"
    echo unhealthy >"$M/containers/ldap/health"
    printf 'work\tLund\t-\tstarting\t4\t16\t-\t2.2\t-\n' >"$M/transfers"
    printf 'upload\tKista\t4f4f-1\tdisk\t5242880\t10485760\t1048576\t5.0\t5\n' >>"$M/transfers"
    printf 'copy\tSolna\t4f4f4f4f-2\t-\t2048\t-\t-\t70.0\t-\n' >>"$M/transfers"
    mkfifo "$M/events"
}

teardown() { tmux -S "$BATS_TEST_TMPDIR/tmux" kill-server 2>/dev/null || true; }

# state WORD: of the region Kista; Lund's name would make a terminal beep.
state() {
    jq -n --arg state "$1" '{cloud: "lab", regions: [
        {name: "Kista", role: "master", state: $state, master: null, replication: "none", lag: null, services: {up: 3, total: 4}, address: "127.77.1.1", error: ""},
        {name: "Lund\u0007", role: "slave", state: "degraded", master: "Kista", replication: "running", lag: 1.25, services: {up: 4, total: 4},
            address: "127.77.2.1", error: "keystone-Lund is exited"}]}' >"$M/new"
    mv "$M/new" "$M/status.json"
}

terminal() { tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@"; }
# shows TEXT: waits until the terminal does.
shows() {
    local deadline=$((SECONDS + 20))
    until terminal capture-pane -p | grep -qF -- "$1"; do
        ((SECONDS < deadline)) || { terminal capture-pane -p && return 1; }
    done
}

@test "without a terminal, it is printed once" {
    run -0 "$CHECKOUT/mnt/top" "$M"
    [[ $output == *"Kista   master  ready      -                              -  3/4       127.77.1.1"* ]]
    [[ $output == *"Lund?   slave   degraded   running < Kista          1.250 s  4/4       127.77.2.1"* ]]
    [[ $output == *"keystone-Lund is exited"* ]]
    [[ $output == *"2 containers, 1 serve: ldap unhealthy"* ]]
    [[ $output == *"[#####               ] Lund starting                     4 of 16 steps, 2 s"* ]]
    [[ $output == *"[##########          ] upload disk > Kista               5.0 MiB of 10.0 MiB, 1.0 MiB/s, 5 s left"* ]]
    [[ $output == *"copy 4f4f4f4f > Solna             2.0 KiB, 1 min 10 s"* ]]
    [[ $output != *$'\e'* && $output != *$'\a'* ]]
}

@test "in a terminal it shows what changes, and q ends it" {
    terminal new-session -d -x 100 -y 30 "$CHECKOUT/mnt/top --interval 0.2 '$M'; echo ended >'$BATS_TEST_TMPDIR/ended'"
    exec 8>"$M/events"
    shows '5 s left'
    shows '3/4       127.77.1.1'
    state failed
    shows 'master  failed'
    echo '{"time": "2026-11-29T10:49:06.123Z", "event": "failure", "region": "Kista", "error": {"message": "keystone-Kista does not start"}}' >&8
    shows '10:49:06 Kista failure keystone-Kista does not start'
    echo '{"time": "2026-11-29T10:49:07.123Z", "event": "node", "node": "machine-b", "text": "down"}' >&8
    shows '10:49:07 machine-b node down'
    terminal resize-window -x 60 -y 12
    shows 'UNDER WAY'
    [ "$(terminal capture-pane -p | wc -l)" -eq 12 ]
    [ "$(terminal capture-pane -p | awk '{ if (length($0) > n) n = length($0) } END { print n }')" -le 60 ]
    exec 8>&-
    mv "$M/status.json" "$M/gone"
    shows "the mount doesn't answer"
    mkfifo "$BATS_TEST_TMPDIR/ended"
    terminal send-keys q
    [ "$(timeout 10 cat "$BATS_TEST_TMPDIR/ended")" = ended ]
}

@test "where no cloud is mounted, it says so" {
    run -1 "$CHECKOUT/mnt/top" "$BATS_TEST_TMPDIR/nothing"
    [ "$output" = "top: no cloud answers at $BATS_TEST_TMPDIR/nothing: mnt/up mounts one, or name another mount" ]
}
