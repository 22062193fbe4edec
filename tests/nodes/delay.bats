#!/usr/bin/env bats
# The long cable of the nodes' tests, without an engine: two hosts, and between them a third one that holds it. sudo bats tests/nodes/delay.bats.

DELAY=$BATS_TEST_DIRNAME/delay.py
CABLE=mcd

# at a|b|between COMMAND…
at() { nsenter --net="/run/netns/$CABLE-$1" "${@:2}"; }

setup_file() {
    local end n=0
    teardown_file
    for end in between a b; do ip netns add "$CABLE-$end"; done
    for end in a b; do
        n=$((n + 1))
        at "$end" ip link set lo up
        at "$end" ip link add eth0 type veth peer name "$end" netns "$CABLE-between"
        at "$end" ip address add "10.98.0.$n/24" dev eth0
        at "$end" ip link set eth0 up
        at "$end" "$DELAY" --plain eth0
        at between ip link set dev "$end" arp off up
    done
}

teardown_file() {
    local end
    for end in a b between; do [ ! -e "/run/netns/$CABLE-$end" ] || ip netns delete "$CABLE-$end"; done
}

teardown() {
    end "${cable:-}"
    end "${other:-}"
}

# end PID: of a process that this has begun, or none.
end() {
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# lay MS [LOSS [SEED]]: the cable, until the test's end.
lay() {
    local said
    mkfifo "$BATS_TEST_TMPDIR/said"
    nsenter --net="/run/netns/$CABLE-between" "$DELAY" a b "$@" >"$BATS_TEST_TMPDIR/said" 3>&- &
    cable=$!
    read -r -t 20 said <"$BATS_TEST_TMPDIR/said"
    [ "$said" = ready ]
}

# pings COUNT [OPTION…]: how many came back, and the least time that one took, in µs.
pings() {
    at a timeout 120 ping -n -c "$1" -W 5 "${@:2}" 10.98.0.2 |
        sed -nE 's/.* ([0-9]+) received.*/\1/p; s#^rtt [^=]* = ([0-9]+)\.([0-9]+)/.*#\1\2#p' | paste -sd ' '
}

@test "without it nothing gets through, with it all, and none comes too early" {
    [ "$(pings 2 -i 0.2 -W 1)" = 0 ]
    lay 100
    read -r received least <<<"$(pings 10 -i 0.2)"
    [ "$received" -eq 10 ]
    [ "$least" -ge 200000 ]
}

@test "each way takes as long as it is told to" {
    lay 20
    read -r received least <<<"$(pings 10 -i 0.2)"
    [ "$received" -eq 10 ]
    [ "$least" -ge 40000 ]
}

@test "of what may get lost some does" {
    local received least
    lay 1 0.3 7
    read -r received least <<<"$(pings 100 -i 0.01 -W 1)"
    [ "$received" -gt 10 ]
    [ "$received" -lt 90 ]
}

@test "datagrams stay in order" {
    lay 50
    at b python3 - "$BATS_TEST_TMPDIR/listens" >"$BATS_TEST_TMPDIR/order" 3>&- <<'PYTHON' &
import socket
import sys

one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
one.bind(("10.98.0.2", 7777))
one.settimeout(20)
open(sys.argv[1], "w").close()
print([int(one.recv(1500)[:8]) for _ in range(2000)] == list(range(2000)))
PYTHON
    other=$!
    until [ -e "$BATS_TEST_TMPDIR/listens" ]; do sleep 0.05; done
    at a python3 -c 'import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(2000):
    one.sendto(b"%08d" % n + bytes(1000), ("10.98.0.2", 7777))'
    wait "$other"
    [ "$(cat "$BATS_TEST_TMPDIR/order")" = True ]
}

@test "what goes by TCP arrives as it was, also when some frames get lost" {
    local end=$BATS_TEST_TMPDIR/end
    lay 5 0.005
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
    at b timeout 120 socat -u TCP-LISTEN:7778 CREATE:"$end" 3>&- &
    other=$!
    until at b grep -q ':1E62 ' /proc/net/tcp || at b grep -q ':1E62 ' "/proc/$other/net/tcp" "/proc/$other/net/tcp6"; do sleep 0.05; done
    at a timeout 120 socat -u "$BATS_TEST_TMPDIR/sent" TCP:10.98.0.2:7778
    wait "$other"
    cmp "$BATS_TEST_TMPDIR/sent" "$end"
}

@test "a cable that is pulled out and put back in goes on" {
    lay 10
    at between ip link set dev a down
    [ "$(pings 2 -i 0.2 -W 1)" = 0 ]
    at between ip link set dev a up
    read -r received least <<<"$(pings 5 -i 0.2)"
    [ "$received" -eq 5 ]
    kill -0 "$cable"
}
