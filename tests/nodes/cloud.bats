#!/usr/bin/env bats
# A cloud over three nodes of a Swarm, all of them managers, from the shell. sudo bats tests/nodes/cloud.bats, after a build in build/.

load nodes.bash

setup_file() {
    nodes_up replicate=auto
}

teardown_file() {
    nodes_end
}

teardown() { tell_errors; }

# containers_at NUMBER: the regions' services there.
containers_at() { docker_at "$1" ps --format '{{.Names}}' | sed -n "s/^$MOUNTED-//p" | sort | paste -sd ' '; }

@test "regions go where they are told to, or where the fewest are, and the first one here" {
    quick mkdir "$M/regions/Kista"
    ready Kista
    quick mkdir "$M/nodes/node2/regions/Solna"
    ready Solna
    [ "$(quick readlink "$M/nodes/node2/regions/Solna")" = ../../../regions/Solna ]
    [ "$(quick readlink "$M/regions/Solna/node")" = ../../nodes/node2 ]
    quick mkdir "$M/regions/Lund"
    ready Lund
    [ "$(quick cat "$M/regions/"{Kista,Solna,Lund}/address | paste -sd ' ')" = "10.99.0.1 10.99.0.2 10.99.0.3" ]
    [ "$(containers_at 2)" = "glance-Solna keystone-Solna memcached-Solna mysql-Solna" ]
    [ "$(containers_at 3)" = "glance-Lund keystone-Lund memcached-Lund mysql-Lund" ]
    [ "$(containers_at 1)" = "glance-Kista keystone-Kista ldap memcached-Kista mysql-Kista proxy-Kista proxy-Lund proxy-Solna" ]
    quick grep -Eq '^Lund +slave +ready .* 5/5 +10\.99\.0\.3 +node3 ' "$M/status"
}

@test "from a host that is no node only public ports answer, none without TLS" {
    local port
    in_network wire python3 - <<'PYTHON' >"$BATS_TEST_TMPDIR/open"
import socket
from concurrent.futures import ThreadPoolExecutor

def answers(place):
    try:
        socket.create_connection(place, 2).close()
        return True
    except OSError:
        return False

for host in range(1, 4):
    places = [(f"10.99.0.{host}", port) for port in range(1, 12000)]
    with ThreadPoolExecutor(64) as pool:
        print(host, *[port for (_, port), there in zip(places, pool.map(answers, places)) if there])
PYTHON
    # beside those of Docker and its Swarm
    [ "$(sed -E 's/ (2376|2377|7946)\b//g' "$BATS_TEST_TMPDIR/open" | paste -sd ,)" = "1 5001 9293,2 5002 9294,3 5003 9295" ]
    for port in 5001 9293; do
        in_network wire curl -sS --max-time 10 --cacert "$M/ca.pem" -o "$BATS_TEST_TMPDIR/answer" "https://10.99.0.1:$port/"
        # nginx says so that it was not spoken to as it should
        [[ $(in_network wire curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "http://10.99.0.1:$port/" || true) == [04]00 ]]
        run in_network wire curl -sS --max-time 10 "https://10.99.0.1:$port/"
        [ "$status" -eq 60 ]
    done
}

@test "a client on such a host logs in to each region by clouds.yaml and ca.pem" {
    local region
    quick cp "$M/ca.pem" "$BATS_TEST_TMPDIR/ca.pem"
    (umask 077 && quick sed "s#cacert: .*#cacert: '$BATS_TEST_TMPDIR/ca.pem'#" "$M/clouds.yaml" >"$BATS_TEST_TMPDIR/clouds.yaml")
    for region in Kista Solna Lund; do
        cd "$BATS_TEST_TMPDIR"
        OS_CLIENT_CONFIG_FILE=$BATS_TEST_TMPDIR/clouds.yaml slowly nsenter --net="/run/netns/$CLOUD-wire" openstack --os-cloud "$MOUNTED" \
            --os-region-name "$region" image list -f value
        cd /
    done
}

@test "an image goes to a region on another node, and comes back" {
    head -c 30000000 /dev/urandom >"$BATS_FILE_TMPDIR/image"
    slowly cp "$BATS_FILE_TMPDIR/image" "$M/regions/Lund/images/kept"
    slowly cmp "$BATS_FILE_TMPDIR/image" "$M/regions/Lund/images/kept"
}

@test "no prune on its node takes the data of a region that is stopped" {
    write kept
    put stop "$M/regions/Lund/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = stopped ]
    docker_at 3 container prune -f
    # what prunes take of volumes differs from engine to engine: all of it
    docker_at 3 volume ls -q | xargs docker -H "unix://$NODES/3/docker.sock" volume rm
    [ -z "$(docker_at 3 ps -aq)$(docker_at 3 volume ls -q)" ]
    [ -d "$NODES/3/state/$MOUNTED/data/mysql-Lund/keystone" ]
    put start "$M/regions/Lund/ctl"
    ready Lund
    quick ls -d "$M/regions/Lund/projects/acme/kept"
    slowly cmp "$BATS_FILE_TMPDIR/image" "$M/regions/Lund/images/kept"
    quick rm "$M/regions/Lund/images/kept"
}

@test "data that are gone from its node are missed, not made again" {
    put stop "$M/regions/Lund/ctl"
    [ "$(slowly cat "$M/regions/Lund/wait")" = stopped ]
    docker_at 3 container prune -f
    docker_at 3 volume ls -q | xargs docker -H "unix://$NODES/3/docker.sock" volume rm
    mv "$NODES/3/state/$MOUNTED/data/mysql-Lund" "$NODES/3/state/taken"
    put start "$M/regions/Lund/ctl"
    run slowly cat "$M/regions/Lund/wait"
    [ "$(quick cat "$M/regions/Lund/state")" = failed ]
    run quick cat "$M/regions/Lund/error"
    [[ $output == *"the data of mysql-Lund are gone on node node3"*"mysql-Lund is not there"* ]]
    mv "$NODES/3/state/taken" "$NODES/3/state/$MOUNTED/data/mysql-Lund"
    put start "$M/regions/Lund/ctl"
    ready Lund
}

@test "the role goes from node to node and back" {
    write before
    put promote "$M/regions/Solna/replication/ctl"
    ready Solna
    [ "$(master)" = Solna ]
    write between
    quick ls -d "$M/regions/"{Kista,Lund}/projects/acme/{before,between}
}

@test "a node with the master on it is unplugged, another region promoted, and what was acknowledged is there when it is back" {
    acknowledges Kista
    write acknowledged
    unplug 2
    until_line 60 "$M/status" '^Solna +master +degraded '
    run quick cat "$M/regions/Solna/error"
    [[ $output == *node2* ]]
    run put repair "$M/regions/Solna/ctl"
    [ "$status" -ne 0 ]
    quick tail -n 1 "$M/errors" | grep 'EHOSTUNREACH.*region Solna is on node node2'
    slowly bash -c "echo promote >'$M/regions/Kista/replication/ctl'"
    ready Kista
    [ "$(master)" = Kista ]
    write afterwards
    quick mkdir "$M/nodes/node3/regions/Umea"
    ready Umea
    run quick mkdir "$M/nodes/node2/regions/Lulea"
    [ "$status" -ne 0 ]
    [ ! -e "$M/regions/Lulea" ]
    plug 2
    until_line 120 "$M/status" '^Solna +slave +ready '
    until_line 240 "$M/regions/Solna/replication/state" running
    quick ls -d "$M/regions/"{Kista,Lund,Solna}/projects/acme/{before,between,acknowledged,afterwards}
    slowly rmdir "$M/regions/Umea"
}

@test "an engine that is killed with its region comes back, and the region with it" {
    engine_stop 3 KILL
    until_line 60 "$M/status" '^Lund +slave +degraded '
    write meanwhile
    engine_start 3
    until_line 180 "$M/status" '^Lund +slave +ready '
    quick ls -d "$M/regions/Lund/projects/acme/meanwhile"
}

@test "a mount finds its regions, also while one is away, and goes on with it when it is back" {
    unplug 3
    cloud_unmount
    cloud_mount replicate=auto
    until_line 30 "$M/status" '^Lund +slave +degraded '
    until_line 30 "$M/status" '^Kista +master +ready '
    plug 3
    until_line 120 "$M/status" '^Lund +slave +ready '
}

@test "a cloud on a Swarm is mounted as that, and with TLS" {
    local region
    cloud_unmount
    run cloud_mount tls=off
    [ "$status" -ne 0 ]
    echo "$output"
    [[ $output == *"what goes from machine to machine is by TLS only: leave tls=off out"* ]]
    run cloud_mount spare=1
    echo "$output"
    [[ $output == *"spare= is for engines of one machine"* ]]
    run quick nsenter --net="/run/netns/$CLOUD-1" "$MCLOUDFS" -o "socket=$NODES/1/docker.sock,cloud=$MOUNTED,base=127.99.0.0,state_dir=$NODES/state" "$M"
    [ "$status" -ne 0 ]
    echo "$output"
    [[ $output == *"are on the machines of a Swarm: mount it with engine=swarm"* ]]
    cloud_mount
    for region in Kista Solna Lund; do ready "$region"; done
}

# left_at NUMBER: what there is of any cloud.
left_at() {
    docker_at "$1" ps -a --format '{{.Names}}' && docker_at "$1" volume ls --format '{{.Name}}' &&
        docker_at "$1" network ls --filter "label=org.mcloudfs.cloud=$MOUNTED" --format '{{.Name}} {{.ID}} {{.Scope}}'
}

@test "with the last region all is gone, on all nodes" {
    local number region left
    [ "$(master)" = Kista ]
    for region in Lund Solna Kista; do
        ready "$region"
        slowly rmdir "$M/regions/$region"
    done
    for number in 1 2 3; do
        left=$(left_at "$number")
        [ -z "$left" ] || { echo "node $number still has $left" && return 1; }
        [ ! -e "$NODES/$number/state/$MOUNTED" ]
    done
    [ ! -e "$NODES/state/$MOUNTED/data" ]
}

# The kernel keeps two mkdirs from each other in one directory only.
@test "two that are made at once on two nodes are a master and its slave" {
    local first
    quick mkdir "$M/nodes/node2/regions/Solna" 3>&- &
    quick mkdir "$M/nodes/node3/regions/Lund"
    wait "$!"
    [ "$(slowly cat "$M/regions/"{Solna,Lund}/wait | sort | paste -sd ' ')" = 'ready ready' ]
    [ "$(quick jq -r '[.regions[].role] | sort | join(" ")' "$M/status.json")" = 'master slave' ]
    first=$(master)
    [ "$first" = Solna ] || slowly rmdir "$M/regions/Solna"
    [ "$first" = Lund ] || slowly rmdir "$M/regions/Lund"
    slowly rmdir "$M/regions/$first"
}
