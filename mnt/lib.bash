# What mnt/up, mnt/down and tests/run share. To be sourced with the checkout's root as working directory.

SOCKET=${MCLOUD_SOCKET:-/run/docker.sock}
export MCLOUD_SOCKET=$SOCKET

run_dir=/run       # pid files and locks
engine_patience=60 # seconds for an engine that is there, or is starting, to answer
mount=$PWD/mnt/mcloud

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# dropped_by_sudo: "NAME=VALUE" of each MCLOUD_ variable that sudo was called with and hasn't passed on. Its own process still has them.
dropped_by_sudo() {
    local pid=$PPID tries name value
    [ -n "${SUDO_COMMAND:-}" ] || return 0
    for ((tries = 0; tries < 8 && pid > 1; tries++)); do
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sudo ]; then
            while IFS='=' read -r -d '' name value; do
                [[ $name != MCLOUD_[A-Z]* || -n ${!name+set} ]] || printf '%s=%q\n' "$name" "$value"
            done <"/proc/$pid/environ"
            return
        fi
        pid=$(parent_of "$pid")
    done
}

# refuse_dropped COMMAND: what somebody has asked for in the environment is done, or they are told how to ask.
refuse_dropped() {
    local dropped
    dropped=$(dropped_by_sudo)
    [ -z "$dropped" ] || fail "sudo drops ${dropped//$'\n'/ } from the environment; behind sudo it stays: sudo ${dropped//$'\n'/ } $1"
}

locks=()

# one_at_a_time NAME: waits for others that do NAME, and keeps others waiting until let_others.
one_at_a_time() {
    local lock
    exec {lock}>>"$run_dir/mcloudfs-$1.lock" || return 1
    locks+=("$lock")
    flock --nonblock "$lock" && return 0
    echo "another $1 is under way; waiting for its end"
    flock "$lock"
}

let_others() {
    local lock=${locks[-1]}
    exec {lock}>&-
    unset 'locks[-1]'
}

# detached COMMAND…: becomes it, which may go on living, without the locks.
detached() {
    local lock
    for lock in ${locks[@]+"${locks[@]}"}; do exec {lock}>&-; done
    exec "$@"
}

# packages_of SECTION…: the names in mnt/packages; of "ONE | OTHER" the first that this machine's release has.
packages_of() {
    local section line name found
    for section; do
        while read -r line; do
            found=
            for name in ${line//|/ }; do
                [[ $line == *\|* ]] || { found=$name && break; }
                [ -z "$(apt-cache show "$name" 2>/dev/null)" ] || { found=$name && break; }
            done
            echo "${found:-${line%% *}}"
        done < <(sed -n "/^\[$section\]/,/^\[/{/^[a-z0-9]/p}" mnt/packages)
    done
}

missing_of() {
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u)
}

# install NAME…: no service that a package brings is started by its installation.
install() {
    # one source of many may be out of reach: whether that matters shows when the packages are asked for
    apt-get update -q || echo "apt-get update has failed; the lists that are here may do"
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# install_packages SECTION…: those that are missing.
install_packages() {
    local missing wanted
    mapfile -t wanted < <(packages_of "$@" | sort -u)
    [ "${#wanted[@]}" -gt 0 ] || { echo "mnt/packages names no packages for $*" && return 1; }
    mapfile -t missing < <(missing_of "${wanted[@]}")
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    install "${missing[@]}"
}

# "up"; "slow": it takes a connection, and doesn't answer in 5 s, or with an error; "none".
engine_state() {
    local status=0
    curl -sf --max-time 5 --unix-socket "$SOCKET" --output /dev/null http://engine/_ping 2>/dev/null || status=$?
    case $status in
    0) echo up ;;
    7) echo none ;; # no such file, or connection refused
    *) echo slow ;;
    esac
}

# is_program PID NAME: also one whose file was replaced by an upgrade; not one that has ended and was not reaped.
is_program() { [[ -n $1 && $(readlink "/proc/$1/exe") == */$2?( (deleted)) ]]; }

parent_of() { sed -n 's/^PPid:\t//p' "/proc/$1/status" 2>/dev/null; }

# await_engine PID SENTENCE: until the engine answers, or the process that is to be it (if one is given) has gone; SENTENCE is said if
# it doesn't.
await_engine() {
    local end=$((SECONDS + engine_patience))
    while ((SECONDS < end)); do
        [ "$(engine_state)" != up ] || return 0
        if [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.1 # nobody tells a client that an engine is there
    done
    echo "$2" >&2
    return 1
}

# live_engine: the process that is the engine, as far as it, or the containerd that it has started, can be found.
live_engine() {
    local pid
    pid=$(cat "$run_dir/docker.pid" 2>/dev/null)
    is_program "$pid" dockerd && echo "$pid" && return
    pid=$(cat "$run_dir/docker/containerd/containerd.pid" 2>/dev/null)
    is_program "$pid" containerd && pid=$(parent_of "$pid") && is_program "$pid" dockerd && echo "$pid"
}

# Whether a process listens there, whatever it answers.
is_bound() { grep -Eq " (/var)?$SOCKET\$" /proc/net/unix; }

# An engine that has died without a word leaves its pid file, and its containerd: the next one would refuse to start, or hang. What
# belongs to one that lives is left alone.
clear_dead_engine() {
    local containerd
    if [ -n "$(live_engine)" ] || is_bound; then
        echo "an engine is running" >&2
        return 1
    fi
    containerd=$(cat "$run_dir/docker/containerd/containerd.pid" 2>/dev/null)
    if is_program "$containerd" containerd; then
        kill "$containerd"
        timeout 20 tail --pid="$containerd" -f /dev/null || { echo "the dead engine's containerd ($containerd) doesn't end" >&2 && return 1; }
    fi
    rm -f "$run_dir/docker.pid" "$run_dir/docker/containerd/containerd.pid" "$SOCKET"
}

# An engine that is there but says nothing is waited for, and never taken for dead.
await_live_engine() {
    local pid
    pid=$(live_engine)
    await_engine "" "the engine at $SOCKET${pid:+ (process $pid)} is there, but hasn't answered for $engine_patience s; its log may say why"
}

start_by_hand() {
    local log=/var/log/mcloudfs-dockerd.log
    clear_dead_engine || return 1
    (detached setsid dockerd) >"$log" 2>&1 </dev/null &
    await_engine $! "the engine did not come up; see $log"
}

# Finds a running engine, or installs and starts Docker: by the service manager where there is one, by hand where not.
start_engine() {
    local state status
    state=$(engine_state)
    [ "$state" != up ] || return 0
    if [ "$state" = slow ] || { [ "$SOCKET" = /run/docker.sock ] && [ -n "$(live_engine)" ]; }; then
        await_live_engine
        return
    fi
    [ "$SOCKET" = /run/docker.sock ] || { echo "no engine answers at $SOCKET" >&2 && return 1; }
    one_at_a_time engine-start || return 1
    # whoever went before may have started it
    state=$(engine_state)
    [ "$state" != up ] || { let_others && return 0; }
    if ! command -v dockerd >/dev/null; then
        install docker.io iptables || return 1
    fi
    if [ -d /run/systemd/system ]; then
        systemctl start docker && await_engine "" "the engine did not come up; see the journal of docker.service"
    else
        start_by_hand
    fi
    status=$?
    let_others
    return "$status"
}

# The mount at $mount: "none"; "live"; "dead", its daemon has gone; "slow", there is one that doesn't answer; "other", not of mcloudfs.
mount_state() {
    local kind said status=0
    kind=$(findmnt --noheadings --output FSTYPE --mountpoint "$mount" | tail -n 1)
    said=$(LC_ALL=C timeout -k 5 20 cat "$mount/version" 2>&1 >/dev/null) || status=$?
    case $kind in
    '') echo none ;;
    fuse.mcloudfs)
        if [ "$status" -eq 0 ]; then
            echo live
        elif [[ $said == *'endpoint is not connected'* ]]; then
            echo dead
        else
            echo slow
        fi
        ;;
    *) echo other ;;
    esac
}
