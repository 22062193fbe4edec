# Engines beside the machine's own, each in mount and network namespaces of its own. What common.bash of the integration tests says holds
# here, with the engine's network: `there` runs a command in it.

load ../integration/common.bash

# engine_make NAME: its root directory, and the images of this checkout, kept in build/engines for the next time.
engine_make() {
    local release
    read -r _ release ENGINE_PROGRAM ENGINE_SETTINGS < <(grep -P "^$1\t" "$BATS_TEST_DIRNAME/table")
    export ENGINE_PROGRAM ENGINE_SETTINGS ENGINES ENGINE_DIR ENGINE_ROOT
    mkdir -p "$BATS_TEST_DIRNAME/../../build/engines"
    ENGINES=$(realpath "$BATS_TEST_DIRNAME/../../build/engines")
    ENGINE_DIR=$ENGINES/$1
    engine_root_"$ENGINE_PROGRAM" "$release"
    engine_end
    rm -rf "$ENGINE_DIR"
    mkdir -p "$ENGINE_DIR"
}

engine_root_docker() {
    ENGINE_ROOT=$ENGINES/$1
    "$BATS_TEST_DIRNAME/root" "$1" "$ENGINE_ROOT" docker.io iptables ca-certificates iproute2 procps
}

# With what is only recommended: names (netavark, aardvark-dns) and an init (catatonit).
engine_root_podman() {
    ENGINE_ROOT=$ENGINES/podman-$1
    "$BATS_TEST_DIRNAME/root" "$1" "$ENGINE_ROOT" podman runc netavark aardvark-dns catatonit iptables nftables ca-certificates iproute2 procps
    cp "$BATS_TEST_DIRNAME/containers.conf" "$ENGINE_ROOT/etc/containers/containers.conf"
}

# The command that is the engine, inside of its root.
engine_command_docker() {
    printf '%s\n' dockerd --data-root /engine/data --exec-root /run/docker --pidfile /run/docker.pid --host unix:///engine/docker.sock
}

engine_command_podman() {
    printf '%s\n' podman --root /engine/data system service --time 0 unix:///engine/docker.sock
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

# holder: the process that holds the namespaces of $ENGINE_DIR, if they are there. A number in a file may be another process's by now, so
# it is looked at what that one sees.
holder() {
    local pid
    pid=$(cat "$ENGINE_DIR/held" 2>/dev/null) || return 1
    [ "$(stat -c %d:%i "/proc/$pid/root/engine/held" 2>/dev/null)" = "$(stat -c %d:%i "$ENGINE_DIR/held")" ] || return 1
    [ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] || return 1
    echo "$pid"
}

# there COMMAND…: in the engine's network.
there() { nsenter --net="/proc/$(cat "$ENGINE_DIR/held")/ns/net" "$@"; }

# engine_start: until it answers. Its data stays where it is from one start to the next.
engine_start() {
    local holder command setting environment=()
    if ! holder >/dev/null; then
        rm -f "$ENGINE_DIR/held"
        unshare --mount --net "$BATS_TEST_DIRNAME/hold" "$ENGINE_ROOT" "$ENGINE_DIR" >"$ENGINE_DIR/hold.log" 2>&1 3>&- &
        timeout 60 bash -c 'until [ -s "$1/held" ]; do :; done' - "$ENGINE_DIR"
    fi
    holder=$(holder)
    mapfile -t command < <(engine_command_"$ENGINE_PROGRAM")
    for setting in ${ENGINE_SETTINGS:-}; do
        case $setting in --*) command+=("$setting") ;; *) environment+=("$setting") ;; esac
    done
    setsid nsenter --target "$holder" --mount --net --root --wd env PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" "${command[@]}" \
        >>"$ENGINE_DIR/log" 2>&1 3>&- &
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

# engine_kill: as a machine that loses its power, with all that was in /run.
engine_kill() {
    local pids pid
    mapfile -t pids < <(in_namespaces)
    [ ${#pids[@]} -gt 0 ] || return 1
    kill -KILL "${pids[@]}" || true
    for pid in "${pids[@]}"; do await_exit "$pid"; done
    rm -f "$ENGINE_DIR/held" "$ENGINE_DIR/pid"
}

# The namespaces' holder, the engine, its containerd, shims and monitors, and what those have started.
in_namespaces() {
    local own pid inside=()
    own=$(readlink "/proc/$(holder)/ns/mnt")
    [ -n "$own" ] || return 1
    for pid in /proc/[0-9]*; do
        [ "$(readlink "$pid/ns/mnt" 2>/dev/null)" != "$own" ] || inside+=("${pid#/proc/}")
    done
    ps -eo pid=,ppid= --sort=start_time | awk -v inside="${inside[*]}" '
        BEGIN { n = split(inside, pids, " "); for (i = 1; i <= n; i++) is[pids[i]] }
        { parent[$1] = $2 }
        END {
            for (pid in parent) for (at = pid; at > 1; at = parent[at]) if (at in is) { print pid; break }
        }'
}

engine_end() {
    holder >/dev/null || return 0
    engine_stop || true
    # podman's containers go on without it
    engine_kill 2>/dev/null || true
}

# cloud_unmount: until the daemon has ended, which holds the cloud's lock.
cloud_unmount() {
    local daemon
    daemon=$(daemon_of "$M")
    unmount "$M"
    [ -z "$daemon" ] || await_exit "$daemon"
}

# cloud_kill: the daemon, too, ends without a word.
cloud_kill() {
    local daemon
    daemon=$(daemon_of "$M")
    kill -KILL "$daemon"
    await_exit "$daemon"
    timeout 30 fusermount3 -uz "$M"
}

# cloud_mount: this checkout's daemon, in the engine's network.
cloud_mount() {
    mkdir -p "$DIRECTORY/mnt" "$DIRECTORY/state"
    there timeout -k 5 300 "$MCLOUDFS" -o "cloud=$CLOUD,engine=$ENGINE_PROGRAM,base=127.95.0.0,state_dir=$DIRECTORY/state,socket=$ENGINE_DIR/docker.sock,timeout=60" "$M"
}
