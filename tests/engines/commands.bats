# README's two commands in a Debian 13 that has nothing: its packages, its engine, its compiler. And what comes after: once more, and the end.

load engines.bash
bats_require_minimum_version 1.5.0

setup_file() {
    export MACHINE ARCHIVE
    MACHINE=$(realpath "$BATS_TEST_DIRNAME/../..")/build/engines/bare
    ENGINES=$(dirname "$MACHINE")
    "$BATS_TEST_DIRNAME/root" trixie "$ENGINES/bare-trixie" ca-certificates
    ARCHIVE=$(whole_archive)
    machine_end
    rm -rf --one-file-system "$MACHINE"
    machine_start
    inside 'mkdir /root/mcloudfs'
    (cd "$BATS_TEST_DIRNAME/../.." && git ls-files -z | tar -c --null -T -) | inside 'tar -x --no-same-owner'
    ln "$ARCHIVE" "$MACHINE/shared/images.tar"
}

# whole_archive: the images that this machine has, those included that others are only made from.
whole_archive() {
    local recipes=$BATS_TEST_DIRNAME/../../backends/recipes archive
    archive=$ENGINES/whole-$("$recipes/hash" | sha256sum | cut -c 1-12).tar
    [ -s "$archive" ] || { rm -f "$ENGINES"/whole-*.tar && "$recipes/build" --save "$archive" >&2; }
    echo "$archive"
}

teardown_file() {
    machine_end
    rm -rf --one-file-system "$MACHINE"
}

teardown() { [ -n "$BATS_TEST_COMPLETED" ] || [ ! -e "$MACHINE/init" ] || inside 'tail -n 8 build/up.log build/images.log; cat mnt/mcloud/status; tail -n 5 mnt/mcloud/errors' || true; }

# machine_start: it runs, and reaches the package sources of this one.
machine_start() {
    rm -f "$MACHINE/shared/held"
    mkdir -p "$MACHINE/shared"
    unshare --mount --net --pid --fork "$BATS_TEST_DIRNAME/bare" "$ENGINES/bare-trixie" "$MACHINE" >"$MACHINE/log" 2>&1 3>&- &
    timeout 60 bash -c 'until [ -e "$1/shared/held" ]; do :; done' - "$MACHINE"
    pgrep -P "$!" >"$MACHINE/init"
    route_outwards "$(<"$MACHINE/init")"
}

route_outwards() {
    ip link add mcloud-bare type veth peer name eth0 netns "$1"
    ip address add 198.51.100.1/30 dev mcloud-bare
    ip link set mcloud-bare up
    nsenter --target "$1" --net bash -c 'ip address add 198.51.100.2/30 dev eth0 && ip link set eth0 up && ip route add default via 198.51.100.1'
    rules -C 2>/dev/null || rules -I
    echo 1 >/proc/sys/net/ipv4/ip_forward
}

# rules -I | -C | -D: what lets the machine through this one.
rules() {
    iptables -t nat "$1" POSTROUTING -s 198.51.100.0/30 ! -o mcloud-bare -j MASQUERADE &&
        iptables "$1" FORWARD -i mcloud-bare -j ACCEPT && iptables "$1" FORWARD -o mcloud-bare -j ACCEPT
}

# machine_end: as a power cut: its first process takes all others along.
machine_end() {
    local init
    rules -D 2>/dev/null || true
    init=$(cat "$MACHINE/init" 2>/dev/null) || return 0
    rm -f "$MACHINE/init"
    [ "$(readlink "/proc/$init/ns/pid" 2>/dev/null)" != "$(readlink /proc/self/ns/pid)" ] || return 0
    kill -KILL "$init" 2>/dev/null || return 0
    await_exit "$init"
}

# inside COMMANDS: as root, in the checkout, of a shell that has nothing else in its environment.
inside() {
    timeout -k 5 1500 nsenter --target "$(<"$MACHINE/init")" --mount --net --pid --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        bash -c "cd /root/mcloudfs 2>/dev/null; $1" 3>&-
}

ids() { inside 'curl -s --unix-socket /run/docker.sock http://engine/containers/json' | jq -r '.[].Id' | sort; }

@test "from a bare Debian 13 to a region's catalog" {
    [ "$(inside '. /etc/os-release && echo $VERSION_ID')" = 13 ]
    run ! inside 'type gcc || type dockerd'
    run inside 'mnt/up --images /shared/images.tar Kista'
    printf '# %s\n' "${lines[@]:0:12}" >&3
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == 'Kista '*' ready '*' 4/4 '* ]]
    run -0 inside 'cat mnt/mcloud/regions/Kista/catalog'
    [ "${#lines[@]}" -eq 6 ]
}

@test "mnt/up once more leaves what is there" {
    before=$(ids)
    run -0 inside 'mnt/up Kista'
    [[ $output == *'region Kista is ready'* ]]
    [ "$(ids)" = "$before" ]
}

@test "mnt/down --destroy leaves nothing" {
    inside 'mnt/down --destroy'
    [ -z "$(ids)" ]
    [ "$(inside 'curl -s --unix-socket /run/docker.sock http://engine/volumes' | jq '.Volumes | length')" -eq 0 ]
    run ! inside 'mountpoint -q mnt/mcloud'
}
