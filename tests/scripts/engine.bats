# What mnt/lib.bash does to an engine that it finds: only a dead one is cleared away. Engines are stubs, `kill` too.

# shellcheck disable=SC2034,SC2154 # what the files that are sourced read and set
load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT" || return
    . mnt/lib.bash
    calls=$BATS_TEST_TMPDIR/calls programs=() run_dir=$BATS_TEST_TMPDIR/run SOCKET=$BATS_TEST_TMPDIR/run/docker.sock
    engine_patience=1
    mkdir -p "$run_dir/docker/containerd"
    : >"$calls"
    stub kill
    stub dockerd
    stub systemctl
    stub install
}

teardown() {
    local pid
    for pid in ${programs[@]+"${programs[@]}"}; do builtin kill "$pid" 2>/dev/null || true; done
}

# listen: a socket that takes connections, and says nothing.
listen() {
    socat "UNIX-LISTEN:$SOCKET,fork" EXEC:'tail -f /dev/null' 3>&- &
    programs+=("$!")
    # the kernel tells
    timeout 20 bash -c 'until grep -q " $1\$" /proc/net/unix; do :; done' - "$SOCKET"
}

@test "an engine that takes connections and answers late is not cleared away" {
    program dockerd "$run_dir/docker.pid"
    program containerd "$run_dir/docker/containerd/containerd.pid"
    listen
    curl() { return 28; }
    [ "$(engine_state)" = slow ]
    run clear_dead_engine
    [ "$status" -ne 0 ]
    run start_engine
    [ "$status" -ne 0 ]
    [[ $output == *"the engine at $SOCKET"*"is there, but hasn't answered"* ]]
    run -1 grep -q kill "$calls"
    [ -S "$SOCKET" ] && [ -f "$run_dir/docker.pid" ] && [ -f "$run_dir/docker/containerd/containerd.pid" ]
}

@test "an engine whose program was replaced by an upgrade lives" {
    program dockerd "$run_dir/docker.pid"
    rm "$BATS_TEST_TMPDIR/dockerd"
    is_program "$program" dockerd
    run clear_dead_engine
    [ "$status" -ne 0 ]
    [ -f "$run_dir/docker.pid" ]
}

@test "an engine without its pid file is known by its socket, or as its containerd's parent" {
    listen
    run clear_dead_engine
    [ "$status" -ne 0 ]
    [ -S "$SOCKET" ]
    builtin kill "${programs[0]}"
    await_gone "${programs[0]}"
    rm -f "$SOCKET"
    program containerd "$run_dir/docker/containerd/containerd.pid"
    engine=$program
    parent_of() { echo "$engine"; }
    is_program() { [ "$1" = "$engine" ]; }
    run clear_dead_engine
    [ "$status" -ne 0 ]
    run -1 grep -q kill "$calls"
}

await_gone() { timeout 20 tail --pid="$1" -f /dev/null; }

@test "a dead engine's files go, its containerd is ended, and waited for" {
    ended_pid >"$run_dir/docker.pid"
    program containerd "$run_dir/docker/containerd/containerd.pid"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SOCKET"
    kill() {
        echo "kill $*" >>"$calls"
        builtin kill "$@"
    }
    [ "$(engine_state)" = none ]
    clear_dead_engine
    called "kill $program"
    [ ! -e "$SOCKET" ] && [ ! -e "$run_dir/docker.pid" ] && [ ! -e "$run_dir/docker/containerd/containerd.pid" ]
    run -1 is_program "$program" containerd
}

@test "what has another program's pid by now is no engine, and is left alone" {
    echo $$ >"$run_dir/docker.pid"
    echo $$ >"$run_dir/docker/containerd/containerd.pid"
    clear_dead_engine
    run -1 grep -q kill "$calls"
    [ ! -e "$run_dir/docker.pid" ]
}

@test "of two at once the second waits" {
    one_at_a_time test
    run -0 timeout 20 bash -c '. mnt/lib.bash; run_dir=$1; flock() { [ "$1" != --nonblock ] && return; command flock "$@"; }
        one_at_a_time test' - "$run_dir"
    [ "$output" = 'another test is under way; waiting for its end' ]
    # a daemon that is started meanwhile doesn't keep the others out for ever
    run -0 bash -c '. mnt/lib.bash; run_dir=$1; one_at_a_time other; (detached ls -l /proc/self/fd)' - "$run_dir"
    [[ $output != *mcloudfs-other.lock* ]]
    let_others
    run -0 bash -c '. mnt/lib.bash; run_dir=$1; one_at_a_time test' - "$run_dir"
    [ -z "$output" ]
}

@test "one package source that is out of reach doesn't hold up what the others have" {
    unset -f install
    . mnt/lib.bash
    apt-get() { echo "apt-get $*" >>"$calls"; [ "$1" != update ]; }
    install some-package
    grep -q 'apt-get install .*some-package' "$calls"
}

@test "of alternatives the one that this release has is asked for" {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p mnt
    printf '[build]\nplain\nold-1 | new-2\n[run]\nolder | plain-3\n' >mnt/packages
    apt-cache() { [ "$2" = new-2 ] && echo Package: new-2; }
    [ "$(packages_of build run | paste -sd ' ')" = 'plain new-2 older' ]
}
