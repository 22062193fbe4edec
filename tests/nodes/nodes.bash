# Three engines of the machine's own Docker, each in namespaces of its own and one Swarm, as three machines would be. Their networks meet in a
# bridge of a fourth. All of it is under $NODES, build/nodes.
#
# What is below $NODES/state is each node's own, as on machines of their own.
#
# Not `ip netns exec`, which hides the cgroup mounts; and --bridge=none, as only the overlay network is needed.

NODES=$(realpath -m "$BATS_TEST_DIRNAME/../../build/nodes")
DRIVE=$(realpath -m "${DRIVE:-$BATS_TEST_DIRNAME/../../build/tests/nodes/drive}")
CLOUD=mcn

address() { echo "10.99.0.$1"; }

# in_network NUMBER|wire COMMAND…
in_network() { nsenter --net="/run/netns/$CLOUD-$1" "${@:2}"; }

# docker_at NUMBER ARGUMENT…
docker_at() { docker -H "unix://$NODES/$1/docker.sock" "${@:2}"; }

# certificates: a CA, one certificate for all engines, and one for their client, as DOCKER_CERT_PATH has them.
certificates() {
    local who names
    names="IP:$(address 1),IP:$(address 2),IP:$(address 3)"
    (
        cd "$NODES" && mkdir -p certificates && cd certificates || exit 1
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
        for who in server client; do
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" -keyout "$who-key.pem" -out "$who.csr"
            openssl x509 -req -days 2 -in "$who.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out "$who-cert.pem" \
                -extfile <(if [ "$who" = server ]; then echo "subjectAltName=$names"; else echo extendedKeyUsage=clientAuth; fi)
        done
        mv client-cert.pem cert.pem
        mv client-key.pem key.pem
    ) 2>"$NODES/openssl.log"
}

wires() {
    local number
    ip netns add "$CLOUD-wire"
    in_network wire ip link add bridge type bridge
    in_network wire ip link set bridge up
    in_network wire ip address add "$(address 100)/24" dev bridge # a host that is no node
    for number in 1 2 3; do
        ip netns add "$CLOUD-$number"
        in_network "$number" ip link set lo up
        in_network "$number" ip link add eth0 type veth peer name "port$number" netns "$CLOUD-wire"
        in_network "$number" ip address add "$(address "$number")/24" dev eth0
        in_network "$number" ip link set eth0 up
        in_network "$number" ip route add default via "$(address 254)"
        in_network wire ip link set "port$number" master bridge up
    done
}

# engine_processes NUMBER: its dockerd, the containerd of that, and what this has begun for the containers.
engine_processes() {
    local file pid
    while read -r file; do
        pid=${file//[!0-9]/}
        case $(readlink "/proc/$pid/exe") in
        */dockerd | */containerd | */containerd-shim* | */runc) echo "$pid" ;;
        esac
    done < <(grep -lsaF -- "$NODES/$1/" /proc/[0-9]*/cmdline)
}

# engine_kill NUMBER: all of it, and its containers, as when a machine loses its power. Containers that lived on would keep the mounts and the
# overlay network of an engine that has gone, where the next one doesn't see them. Waits for the end of each: a containerd that is only about to
# end is taken by the next engine for one that it can use.
engine_kill() {
    local tries pids pid
    for ((tries = 0; tries < 20; tries++)); do
        mapfile -t pids < <(engine_processes "$1")
        if [ "${#pids[@]}" -eq 0 ]; then
            # gone after a boot, too; in it are pid files, whose numbers may be others' by now
            rm -rf --one-file-system "${NODES:?}/$1/run" "$NODES/$1/docker.pid" "$NODES/$1/docker.sock"
            return 0
        fi
        # the first process of a container takes all others of it with it
        # (not by /proc/PID/task/TID/children, which leaves some out while others end)
        mapfile -t -O "${#pids[@]}" pids < <(ps -o pid= --ppid "${pids[*]}" | tr -d ' ')
        kill -KILL "${pids[@]}" 2>/dev/null || true
        for pid in "${pids[@]}"; do timeout 60 tail --pid="$pid" -s 0.1 -f /dev/null || true; done
    done
    echo "the engine of node $1 doesn't end: ${pids[*]}"
    return 1
}

# By the number of a node: by how many seconds its clock is ahead; a file that loads this sets it before the nodes are made. The clocks of a kernel are
# one, so its containers, and the daemon on node 1, have another one by clock.c. Its engine, which has no libc, has not.
declare -gA CLOCKS=() # files are loaded by a function
CLOCK_LIBRARY=$(realpath -m "${CLOCK_LIBRARY:-$BATS_TEST_DIRNAME/../../build/tests/nodes/clock.so}")

# clock NUMBER: what processes have in their environment for its clock.
clock() {
    [ -n "${CLOCKS[$1]:-}" ] || return 0
    [ -e "$CLOCK_LIBRARY" ] || { echo "there is no $CLOCK_LIBRARY" >&2 && return 1; }
    printf '%s\n' "LD_PRELOAD=$CLOCK_LIBRARY" "CLOCK_SECONDS=${CLOCKS[$1]}"
}

# set_clock NUMBER: for the containers that its engine makes, if it is off.
set_clock() {
    clock "$1" >"$NODES/$1/clock"
    [ -s "$NODES/$1/clock" ] || return 0
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$BATS_TEST_DIRNAME/runtime.py" "$NODES/$1/clock" >"$NODES/$1/runtime"
    chmod +x "$NODES/$1/runtime"
}

# engine_try NUMBER: starts it, and waits until it answers; not ok: it has ended by itself, or says nothing for two minutes.
engine_try() {
    local dir=$NODES/$1 certificates=$NODES/certificates runtime=() tries
    [ ! -x "$dir/runtime" ] || runtime=(--add-runtime "other=$dir/runtime" --default-runtime other)
    mkdir -p "$dir/state" "$NODES/state"
    setsid unshare -m -u nsenter --net="/run/netns/$CLOUD-$1" bash -c 'hostname "$1" &&
        { [ "$1" = node1 ] || mount --bind "$2" "$3"; } && exec dockerd "${@:4}"' - "node$1" "$dir/state" "$NODES/state" \
        --data-root "$dir/data" --exec-root "$dir/run" --pidfile "$dir/docker.pid" --bridge none \
        --host "unix://$dir/docker.sock" --host "tcp://$(address "$1"):2376" --tlsverify --tlscacert "$certificates/ca.pem" \
        --tlscert "$certificates/server-cert.pem" --tlskey "$certificates/server-key.pem" ${runtime[@]+"${runtime[@]}"} \
        >>"$dir/log" 2>&1 3>&- 4>&- </dev/null &
    echo $! >"$dir/pid"
    for ((tries = 0; tries < 600; tries++)); do
        engine_answers "$1" && return 0
        [ -d "/proc/$(cat "$dir/pid")" ] || return 1
        sleep 0.2
    done
    return 1
}

engine_answers() { docker_at "$1" version >/dev/null 2>&1; }

# engine_start NUMBER: and waits until it answers; one that answers is left as it is. dockerd gives its containerd 15 s, which is not enough on each
# machine that has other work: then it ends, and is started once more.
engine_start() {
    local tries
    engine_answers "$1" && return 0
    for tries in 1 2 3; do
        engine_kill "$1" || return 1
        engine_try "$1" && return 0
        echo "try $tries: the engine of node $1 did not come up"
        tail -n 20 "$NODES/$1/log"
    done
    return 1
}

# engine_stop NUMBER [KILL]: ends it, and its containers with it; by KILL without a word.
engine_stop() {
    local pid
    pid=$(cat "$NODES/$1/pid" 2>/dev/null) || true
    if [ "${2:-}" != KILL ] && [ "$(readlink "/proc/${pid:-none}/exe")" = "$(readlink -f "$(command -v dockerd)")" ]; then
        kill "$pid"
        timeout 60 tail --pid="$pid" -s 0.1 -f /dev/null || true
    fi
    engine_kill "$1"
}

# nodes_make manager|worker IMAGE…: two more nodes join as that; node 1 has the images.
nodes_make() {
    local number token role=$1
    nodes_end
    mkdir -p "$NODES"
    certificates
    wires
    # node 3 has little room for data, so that it can be filled
    mkdir -p "$NODES/3/state" && mount -t tmpfs -o size=1g,mode=700 tmpfs "$NODES/3/state"
    for number in 1 2 3; do
        mkdir -p "$NODES/$number"
        set_clock "$number"
        engine_start "$number" || return 1
    done
    docker_at 1 swarm init --advertise-addr "$(address 1)" >/dev/null
    token=$(docker_at 1 swarm join-token -q "$role")
    for number in 2 3; do docker_at "$number" swarm join --token "$token" "$(address 1):2377" >/dev/null; done
    docker save "${@:2}" | docker_at 1 load
}

# What is mounted below, innermost first.
unmount_all() {
    awk -v root="$NODES/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | while read -r path; do umount "$path"; done
}

nodes_end() {
    local number
    drive_end
    cloud_unmount
    for number in 1 2 3; do
        fast "$number"
        if docker_at "$number" version >/dev/null 2>&1; then
            docker_at "$number" ps -aq | xargs -r docker -H "unix://$NODES/$number/docker.sock" rm -f >/dev/null 2>&1
        fi
        engine_stop "$number"
    done
    for number in 1 2 3 wire; do
        [ ! -e "/run/netns/$CLOUD-$number" ] || ip netns delete "$CLOUD-$number"
    done
    unmount_all
    rm -rf "$NODES"
}

# The driver of the engine, beside node 1. It lives as long as the file.
drive_start() {
    rm -f "$NODES/in"
    mkfifo "$NODES/in"
    : >"$NODES/out"
    nsenter --net="/run/netns/$CLOUD-1" "$DRIVE" "unix://$NODES/1/docker.sock" "$NODES/certificates" "$CLOUD" \
        <>"$NODES/in" >"$NODES/out" 2>"$NODES/drive.log" 3>&- 4>&- &
    echo $! >"$NODES/drive.pid"
}

drive_end() {
    local pid
    pid=$(cat "$NODES/drive.pid" 2>/dev/null) || return 0
    [ "$(readlink "/proc/$pid/exe")" != "$DRIVE" ] || kill "$pid"
    rm -f "$NODES/drive.pid"
}

# said: how many lines the driver has said so far.
said() { wc -l <"$NODES/out"; }

# await SECONDS PATTERN AFTER: until a line of it comes behind line AFTER of what was said.
await() {
    local end=$((SECONDS + $1))
    until tail -n "+$(($3 + 1))" "$NODES/out" | grep -qE "$2"; do
        [ "$SECONDS" -lt "$end" ] || { echo "in $1 s no $2 in:" && tail -n "+$(($3 + 1))" "$NODES/out" && return 1; }
        sleep 0.1
    done
}

# ask COMMAND ARGUMENT…: prints what the driver says to it, events aside; ok if that is.
ask() {
    local before answer
    before=$(said)
    echo "$*" >"$NODES/in"
    await 90 '^= ' "$before" || return 1
    answer=$(tail -n "+$((before + 1))" "$NODES/out" | awk '!/^! / { print } /^= / { exit }')
    echo "$answer"
    [ "${answer##*$'\n'}" = "= ok" ]
}

# --- a cloud over the nodes ---

MCLOUDFS=$(realpath -m "${MCLOUDFS:-$BATS_TEST_DIRNAME/../../build/mcloudfs}")
M=$NODES/mnt
MOUNTED=test-nodes # the cloud

# Fills IMAGES with what a cloud's regions are made of.
cloud_images() {
    mapfile -t IMAGES < <("$BATS_TEST_DIRNAME/../../backends/recipes/hash" |
        awk '$1 != "base" && $1 != "openstack" { print "mcloudfs/" $1 ":" substr($2, 1, 12) }')
}

quick() { timeout -k 5 30 "$@"; }
slowly() { timeout -k 5 300 "$@"; }
put() { quick bash -c 'echo "$1" >"$2"' put "$1" "$2"; }

# cloud_options [OPTION…]: what the cloud is mounted with.
cloud_options() {
    local IFS=,
    echo "engine=swarm,socket=$NODES/1/docker.sock,engine_certs=$NODES/certificates,cloud=$MOUNTED,base=127.99.0.0,state_dir=$NODES/state${*:+,$*}"
}

# cloud_mount [OPTION…]: beside node 1.
cloud_mount() {
    local environment
    mkdir -p "$M"
    mapfile -t environment < <(clock 1)
    quick nsenter --net="/run/netns/$CLOUD-1" env ${environment[@]+"${environment[@]}"} "$MCLOUDFS" -o "$(cloud_options "$@")" "$M" 3>&- 4>&-
}

# nodes_up [OPTION…]: the nodes, all of them managers, and a cloud without regions over them.
nodes_up() {
    cloud_images
    nodes_make manager "${IMAGES[@]}"
    cloud_mount "$@"
}

daemon_of_mount() {
    local pid
    for pid in /proc/[0-9]*; do
        if tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -q "mcloudfs .*$M *$"; then echo "${pid#/proc/}"; fi
    done
}

# Ends the daemon, too.
cloud_unmount() {
    local daemon
    mountpoint -q "$M" || return 0
    daemon=$(daemon_of_mount)
    quick fusermount3 -u "$M" || fusermount3 -uz "$M"
    [ -z "$daemon" ] || timeout 60 tail --pid="$daemon" -f /dev/null
}

tell_errors() { [ -n "$BATS_TEST_COMPLETED" ] || ! mountpoint -q "$M" || quick tail -n 8 "$M/status" "$M/errors" || true; }

# ready REGION: waits for it.
ready() { [ "$(slowly cat "$M/regions/$1/wait")" = ready ] || { quick cat "$M/regions/$1/error" "$M/regions/$1/progress" && return 1; }; }

# until_line SECONDS FILE PATTERN: until it has such a line; the file is one of the mount, looked at with each event.
until_line() {
    timeout "$1" bash -c 'exec 7<"$1/events"
        until timeout -k 5 30 grep -qE "$3" "$2"; do read -r -t 2 <&7 || true; done' until_line "$M" "$2" "$3" ||
        { echo "in $1 s no $3 in $2:" && quick cat "$2" && return 1; }
}

# acknowledges REGION: from here on the master's commits wait for it, and it has all that was acknowledged before.
acknowledges() {
    put semisync "$M/regions/$1/replication/mode"
    complete "$1"
}

# complete REGION: waits until it acknowledges, and has all that was acknowledged before.
complete() {
    local end=$((SECONDS + 120))
    exec 7<"$M/events"
    until is_semisync "$1" && ! quick grep -q incomplete "$M/regions/$1/replication/status"; do
        [ "$SECONDS" -lt "$end" ] || { quick cat "$M/regions/$1/replication/status" && return 1; }
        read -r -t 2 <&7 || true
    done
    exec 7<&-
}

is_semisync() { quick grep -q semisync "$M/regions/$1/replication/mode"; }

# cloud_regions: Kista, Solna and Lund on nodes 1, 2 and 3; each acknowledges what another one writes as the master, which Solna is.
cloud_regions() {
    local region place
    for place in 1/regions/Kista 2/regions/Solna 3/regions/Lund; do
        quick mkdir "$M/nodes/node$place"
        ready "${place##*/}"
    done
    for region in Solna Lund; do acknowledges "$region"; done
    put promote "$M/regions/Solna/replication/ctl"
    ready Solna
    acknowledges Kista
}

# follows REGION: what it alone has, nobody was promised; with that it gets a new copy, as a person would do by what `status` says, who also
# has it repaired when it doesn't come back by itself.
follows() {
    local end=$((SECONDS + 300)) mend=$((SECONDS + 60)) state
    exec 7<"$M/events"
    # its database is ended and started once more before it follows
    until state=$(quick cat "$M/regions/$1/replication/state") && [ "$state" = running ] && quick grep -Eq "^$1 +slave +ready " "$M/status"; do
        [ "$SECONDS" -lt "$end" ] || { quick cat "$M/regions/$1/error" "$M/regions/$1/replication/status" && return 1; }
        [ "$state" != diverged ] || slowly bash -c "echo resync >'$M/regions/$1/replication/ctl'" || true
        if [ "$SECONDS" -ge "$mend" ]; then
            put repair "$M/regions/$1/ctl" || true
            mend=$((SECONDS + 60))
        fi
        read -r -t 2 <&7 || true
    done
    exec 7<&-
}

# has REGION NAME…: its database has these projects.
has() {
    local name
    quick cat "$M/regions/$1/replication/sync"
    for name in "${@:2}"; do quick ls -d "$M/regions/$1/projects/acme/$name"; done
}

# in_step MASTER: it serves, and all others of the three regions follow it.
in_step() { in_step_of "$1" Kista Solna Lund; }

# in_step_as_is: whoever has the role, also when it has only just been mounted.
in_step_as_is() {
    until_line 240 "$M/status" '^[^ ]+ +master '
    in_step "$(master)"
}

# in_step_of MASTER REGION…: the same of these.
in_step_of() {
    local region
    until_line 240 "$M/status" "^$1 +master +ready "
    for region in "${@:2}"; do
        if [ "$region" != "$1" ]; then
            follows "$region"
            ! is_semisync "$region" || complete "$region"
        fi
    done
}

master() { quick awk '$2 == "master" { print $1 }' "$M/status"; }

# write NAME: a project; ok if it is acknowledged.
write() { quick mkdir "$M/projects/acme/$1"; }

# unplug NUMBER, plug NUMBER: the node's cable.
unplug() { in_network wire ip link set "port$1" down; }
plug() { in_network wire ip link set "port$1" up; }

# slow NUMBER MS [LOSS]: the node is far away, each frame takes so long there, and so long back (delay.py), until fast NUMBER. It is done by hand
# between its end of the cable and a second one, which is plugged into the bridge instead.
slow() {
    local delay=$BATS_TEST_DIRNAME/delay.py said
    fast "$1"
    in_network "$1" "$delay" --plain eth0
    in_network wire ip link add "near$1" type veth peer name "far$1"
    in_network wire "$delay" --plain "far$1"
    in_network wire ip link set dev "near$1" arp off up
    in_network wire ip link set dev "far$1" master bridge up
    in_network wire ip link set dev "port$1" nomaster arp off
    rm -f "$NODES/$1/delay"
    mkfifo "$NODES/$1/delay"
    nsenter --net="/run/netns/$CLOUD-wire" "$delay" "port$1" "near$1" "${@:2}" >"$NODES/$1/delay" 2>>"$NODES/delay.log" 3>&- 4>&- </dev/null &
    echo $! >"$NODES/$1/delay.pid"
    read -r -t 30 said <"$NODES/$1/delay"
    [ "$said" = ready ]
}

fast() {
    local pid
    pid=$(cat "$NODES/$1/delay.pid" 2>/dev/null) || return 0
    if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "delay.py port$1 "; then
        kill "$pid"
        timeout 20 tail --pid="$pid" -s 0.1 -f /dev/null || true
    fi
    rm -f "$NODES/$1/delay.pid"
    [ -e "/run/netns/$CLOUD-wire" ] || return 0
    in_network wire ip link delete "near$1"
    in_network wire ip link set dev "port$1" arp on master bridge
}

# drop NUMBER INPUT|OUTPUT [MATCH…], pass …: what comes to the node, or goes out, by its cable.
drop() { in_network "$1" iptables -I "$2" "$(way "$2")" eth0 "${@:3}" -j DROP; }
pass() { in_network "$1" iptables -D "$2" "$(way "$2")" eth0 "${@:3}" -j DROP; }
way() { if [ "$1" = INPUT ]; then echo -i; else echo -o; fi; }

# pass_all NUMBER: whatever was told to drop.
pass_all() {
    local chain rule
    for chain in INPUT OUTPUT; do
        in_network "$1" iptables -S "$chain" | awk '/^-A/ { n++ } / eth0 .*-j DROP$/ { print n }' | sort -rn | while read -r rule; do
            in_network "$1" iptables -D "$chain" "$rule"
        done
    done
}
