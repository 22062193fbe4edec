# What mnt/up, mnt/down and tests/run share. To be sourced with the checkout's root as working directory.

SOCKET=${MCLOUD_SOCKET:-/run/docker.sock}
export MCLOUD_SOCKET=$SOCKET

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# packages_of SECTION…: the names in mnt/packages.
packages_of() {
    local section
    for section; do
        sed -n "/^\[$section\]/,/^\[/{/^[a-z0-9]/p}" mnt/packages
    done
}

# install_packages SECTION…: those that are missing. No service that a package brings is started by its installation.
install_packages() {
    local missing wanted
    mapfile -t wanted < <(packages_of "$@" | sort -u)
    mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort -u))
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    apt-get update -q && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
}

engine_answers() {
    curl -sf --max-time 5 --unix-socket "$SOCKET" http://engine/_ping >/dev/null 2>&1
}

# await_engine PID LOG: until the engine answers, or the process that is to be it has gone.
await_engine() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        engine_answers && return 0
        if [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.1 # nobody tells a client that an engine is there
    done
    echo "the engine did not come up; see $2" >&2
    return 1
}

# An engine that has died without a word leaves its pid file, and its containerd: the next one would refuse to start, or hang.
clear_dead_engine() {
    local file pid
    for file in /run/docker.pid /run/docker/containerd/containerd.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        # what has ended but was not reaped has no program any more
        if [[ $(readlink "/proc/$pid/exe") == */@(dockerd|containerd) ]]; then
            [ "$file" = /run/docker.pid ] || kill "$pid"
            continue
        fi
        rm -f "$file"
    done
    rm -f "$SOCKET"
}

# Finds a running engine, or installs and starts Docker: by the service manager where there is one, by hand where not.
start_engine() {
    local log=/var/log/mcloudfs-dockerd.log
    engine_answers && return 0
    [ "$SOCKET" = /run/docker.sock ] || { echo "no engine answers at $SOCKET" >&2 && return 1; }
    if ! command -v dockerd >/dev/null; then
        apt-get update -q && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends docker.io iptables || return 1
    fi
    if [ -d /run/systemd/system ]; then
        systemctl start docker && await_engine "" "the journal of docker.service"
        return
    fi
    clear_dead_engine
    setsid dockerd >"$log" 2>&1 </dev/null &
    await_engine $! "$log"
}
