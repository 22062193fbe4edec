# Engines beside the machine's own, each in mount and network namespaces of its own. What common.bash of the integration tests says holds
# here, with the engine's network: `there` runs a command in it.

load ../integration/common.bash

# engine_make NAME: its root directory, and the images of this checkout, kept in build/engines for the next time.
engine_make() {
    local release
    read -r _ release ENGINE_ENV < <(grep -P "^$1\t" "$BATS_TEST_DIRNAME/table")
    export ENGINE_ENV ENGINES ENGINE_DIR ENGINE_ROOT
    mkdir -p "$BATS_TEST_DIRNAME/../../build/engines"
    ENGINES=$(realpath "$BATS_TEST_DIRNAME/../../build/engines")
    ENGINE_DIR=$ENGINES/$1 ENGINE_ROOT=$ENGINES/$release
    "$BATS_TEST_DIRNAME/root" "$release" "$ENGINE_ROOT" docker.io iptables ca-certificates iproute2 procps
    engine_end
    rm -rf "$ENGINE_DIR"
    mkdir -p "$ENGINE_DIR"
}

# images_save: those of this checkout as the machine's own engine has them.
images_save() {
    local names archive query name
    names=$("$BATS_TEST_DIRNAME/../../backends/recipes/hash" | awk '$1 !~ /^(base|openstack)$/ { print "mcloudfs/" $1 ":" substr($2, 1, 12) }')
    archive=$ENGINES/images-$(sha256sum <<<"$names" | cut -c 1-12).tar
    if [ ! -s "$archive" ]; then
        rm -f "$ENGINES"/images-*.tar
        for name in $names; do query+="&names=$name"; done
        curl -sS --fail --unix-socket "${MCLOUD_SOCKET:-/run/docker.sock}" -o "$archive.new" "http://engine/images/get?${query#&}"
        mv "$archive.new" "$archive"
    fi
    echo "$archive"
}

# there COMMAND…: in the engine's network.
there() { nsenter --net="/proc/$(cat "$ENGINE_DIR/held")/ns/net" "$@"; }

# engine_start: until it answers. Its data stays where it is from one start to the next.
engine_start() {
    local holder
    if ! kill -0 "$(cat "$ENGINE_DIR/held" 2>/dev/null)" 2>/dev/null; then
        unshare --mount --net "$BATS_TEST_DIRNAME/hold" "$ENGINE_ROOT" "$ENGINE_DIR" >"$ENGINE_DIR/hold.log" 2>&1 3>&- &
        timeout 60 bash -c 'until [ -s "$1/held" ]; do :; done' - "$ENGINE_DIR"
    fi
    holder=$(cat "$ENGINE_DIR/held")
    # shellcheck disable=SC2086 # assignments
    setsid nsenter --target "$holder" --mount --net --root --wd env PATH=/usr/sbin:/usr/bin:/sbin:/bin ${ENGINE_ENV:-} dockerd \
        --data-root /engine/data --exec-root /run/docker --pidfile /run/docker.pid --host unix:///engine/docker.sock >>"$ENGINE_DIR/log" 2>&1 3>&- &
    echo "$!" >"$ENGINE_DIR/pid"
    await_ping "$!"
}

await_ping() {
    until curl -sf --max-time 10 -o /dev/null --unix-socket "$ENGINE_DIR/docker.sock" http://engine/_ping 2>/dev/null; do
        kill -0 "$1" || { tail -n 20 "$ENGINE_DIR/log" >&2 && return 1; }
        sleep 0.1 # nobody tells a client that an engine is there
    done
}

engine_stop() {
    local pid
    pid=$(cat "$ENGINE_DIR/pid" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || true
    timeout 120 tail --pid="$pid" -f /dev/null
}

# engine_kill: as a machine that loses its power.
engine_kill() {
    local pids pid
    mapfile -t pids < <(in_namespaces)
    kill -KILL "${pids[@]}" || true
    for pid in "${pids[@]}"; do await_exit "$pid"; done
}

# The engine, its containerd and shims, and what those have started.
in_namespaces() {
    local holder own pid inside=()
    holder=$(cat "$ENGINE_DIR/held")
    own=$(readlink "/proc/$holder/ns/mnt")
    for pid in /proc/[0-9]*; do
        [ "$(readlink "$pid/ns/mnt" 2>/dev/null)" != "$own" ] || inside+=("${pid#/proc/}")
    done
    ps -eo pid=,ppid= --sort=start_time | awk -v inside="${inside[*]}" -v holder="$holder" '
        BEGIN { n = split(inside, pids, " "); for (i = 1; i <= n; i++) is[pids[i]] }
        { parent[$1] = $2 }
        END {
            for (pid in parent) for (at = pid; at > 1; at = parent[at]) if (at in is) { if (pid != holder) print pid; break }
        }'
}

engine_end() {
    [ -e "$ENGINE_DIR/held" ] || return 0
    engine_stop || true
    kill -KILL "$(cat "$ENGINE_DIR/held")" 2>/dev/null || true
    rm -f "$ENGINE_DIR/held" "$ENGINE_DIR/pid"
}

# cloud_mount: this checkout's daemon, in the engine's network.
cloud_mount() {
    mkdir -p "$DIRECTORY/mnt" "$DIRECTORY/state"
    there timeout -k 5 300 "$MCLOUDFS" -o "cloud=$CLOUD,base=127.95.0.0,state_dir=$DIRECTORY/state,socket=$ENGINE_DIR/docker.sock,timeout=60" "$M"
}
