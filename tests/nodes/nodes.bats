#!/usr/bin/env bats
# The engine of a Swarm over three engines that are as three machines. sudo bats tests/nodes/nodes.bats, after a build in build/.

load nodes.bash

setup_file() {
    IMAGE=$(docker image ls --format '{{.Repository}}:{{.Tag}}' mcloudfs/memcached | head -n 1)
    export IMAGE
    [ -n "$IMAGE" ] || { echo "# no image of memcached: backends/recipes/build makes it" >&3 && return 1; }
    nodes_make worker "$IMAGE"
    drive_start
}

teardown_file() {
    nodes_end
}

@test "the nodes of the Swarm are there, and this one is known" {
    run ask nodes
    [ "$status" -eq 0 ]
    [[ $output == *"node1 10.99.0.1 ready here takes"* ]]
    [[ $output == *"node2 10.99.0.2 ready takes"* ]]
    [[ $output == *"node3 10.99.0.3 ready takes"* ]]
}

@test "events begin with this engine's, and each node tells of itself" {
    ask watch
    await 20 '^! node node2 ready' 0
    await 20 '^! node node3 ready' 0
    [ "$(grep -m 1 '^!' "$NODES/out")" = "! connected - -" ]
}

@test "a container is made on another node, which gets the image first" {
    run docker_at 2 image inspect "$IMAGE"
    [ "$status" -ne 0 ]
    local before
    before=$(said)
    ask create far node2 "$IMAGE"
    await 5 '^! node node2 ready gets image' "$before"
    docker_at 2 image inspect "$IMAGE"
    [ "$(docker_at 2 ps -a --format '{{.Names}}')" = mcn-far ]
    [ -z "$(docker_at 1 ps -aq)" ]
    ask create here node1 "$IMAGE"
    run ask create far node3 "$IMAGE"
    [[ $output == "= EBUSY cloud mcn has a container far already, on machine node2: "* ]]
}

@test "what starts on another node is told at once" {
    local before
    before=$(said)
    ask start far
    await 2 '^! service far running' "$before"
    ask start here
    run ask list
    [[ $output == *"far node2 running"* ]]
    [[ $output == *"here node1 running"* ]]
}

@test "they reach each other by name, over the network of the Swarm" {
    run ask run here getent hosts far
    [[ $output == *far*"(0)"* ]]
    run ask run far getent hosts here
    [[ $output == *here*"(0)"* ]]
}

@test "commands, files, logs, statistics and processes are those of the node that has it" {
    run ask run far cat /etc/given
    [[ $output == "given(0)"* ]]
    ask upload far other
    run ask run far cat /etc/given
    [[ $output == "other(0)"* ]]
    run ask log far
    [[ $output == *"tick given"* ]]
    run ask stats far
    [[ $output == "memory processes"* ]]
    run ask top far
    [[ $output == *sleep* ]]
    local before
    before=$(said)
    ask follow far
    await 5 '^! log .* tick other' "$before"
    ask unfollow
}

@test "volumes are on the node that they were made on" {
    ask volume data node3
    [ "$(docker_at 3 volume ls -q)" = mcn-data ]
    run ask volumes
    [[ $output == *"data"* && $output == *"far-data"* && $output == *"here-data"* ]]
    ask drop data
    [ -z "$(docker_at 3 volume ls -q)" ]
}

@test "a node that takes nothing, and one that is none, are refused with a cure" {
    docker_at 1 node update --availability drain node3
    until [[ $(ask nodes) == *"node3 10.99.0.3 ready"$'\n'* ]]; do sleep 0.2; done
    run ask create third node3 "$IMAGE"
    [[ $output == "= EBUSY machine node3 takes nothing new (its availability is drain): let it take some again"* ]]
    docker_at 1 node update --availability active node3
    run ask create third node9 "$IMAGE"
    [[ $output == "= ENOENT the Swarm has no machine node9"* ]]
}

@test "an engine that dies is unreachable, what it has stays in the list, and nothing waits for it" {
    local before begun
    before=$(said)
    engine_stop 2 KILL
    await 15 '^! node node2 unreachable' "$before"
    begun=$SECONDS
    run ask list
    [[ $output == *"far node2 unreachable"* ]]
    [[ $output == *"here node1 running"* ]]
    run ask stop far
    [[ $output == "= EHOSTUNREACH the engine of machine node2 can't be reached at tcp://10.99.0.2:2376: mend the way"* ]]
    run ask start nothing
    [[ $output == "= ENOENT no machine has a container nothing of cloud mcn"* ]]
    [ $((SECONDS - begun)) -lt 5 ]
    await 60 '^! node node2 down' "$before"
}

@test "it comes back, and what it has can be started, though its Swarm is not there at once" {
    local before
    before=$(said)
    engine_start 2
    ask list
    await 30 '^! node node2 ready' "$before"
    ask start far
    run ask list
    [[ $output == *"far node2 running"* ]]
}

@test "a cable that is cut is seen by itself, and so is its being mended" {
    local before
    before=$(said)
    in_network wire ip link set port2 down
    await 25 '^! node node2 (unreachable|down)' "$before"
    run ask list
    [[ $output == *"far node2 unreachable"* ]]
    before=$(said)
    in_network wire ip link set port2 up
    await 60 '^! node node2 ready' "$before"
    run ask list
    [[ $output == *"far node2 running"* ]]
}

@test "the manager itself may go and come again, and what it has starts at once" {
    local before
    before=$(said)
    engine_stop 1
    await 10 '^! disconnected' "$before"
    run ask list
    [[ $output == *"far node2 running"* ]]
    [[ $output == *"here node1 unreachable"* ]]
    engine_start 1
    ask start here
    await 10 '^! connected' "$before"
    # names of other nodes come by the gossip of the engines, some seconds later
    for ((tries = 0; tries < 60; tries++)); do
        [[ $(ask run here getent hosts far) != *"(0)"* ]] || return 0
        sleep 0.5
    done
    return 1
}

# drive_once NUMBER DIRECTORY COMMAND…: a driver of its own, with the certificates of DIRECTORY.
drive_once() {
    nsenter --net="/run/netns/$CLOUD-1" "$DRIVE" "unix://$NODES/$1/docker.sock" "$2" "$CLOUD" <<<"${*:3}"
}

@test "an engine that is no manager, or of strangers, is refused with a cure" {
    local certificates=$NODES/certificates strange=$NODES/strange
    run drive_once 2 "$certificates" nodes
    [[ $output == "= EOPNOTSUPP the container engine at unix://"*" is a worker of its Swarm, and only managers know the nodes: "* ]]
    mkdir "$strange"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout "$strange/key.pem" -out "$strange/cert.pem"
    cp "$certificates/ca.pem" "$strange"
    run drive_once 1 "$strange" create other node3 "$IMAGE"
    [[ $output == "= EIO https://10.99.0.3:2376 does not take the certificate $strange/cert.pem: name a cert.pem and key.pem of the CA"* ]]
    cp "$strange/cert.pem" "$strange/ca.pem"
    cp "$certificates"/{cert,key}.pem "$strange"
    run drive_once 1 "$strange" create other node3 "$IMAGE"
    [[ $output == "= EIO the certificate of https://10.99.0.3:2376 is signed by a CA that is not known here: give the engine one of"* ]]
    # what is here needs none
    run drive_once 1 "$strange" list
    [[ $output == *"here node1 running"*"= ok" ]]
}

@test "all of it goes again, the network last" {
    run ask clear
    [[ $output == "= EBUSY "* ]]
    ask remove far
    ask remove here
    ask drop far-data
    ask drop here-data
    ask clear
    [ -z "$(docker_at 1 network ls -q --filter label=org.mcloudfs.cloud=mcn)" ]
    [ -z "$(docker_at 2 ps -aq)$(docker_at 2 volume ls -q)" ]
}

@test "a Swarm that is locked is told with its cure" {
    docker_at 1 swarm update --autolock=true
    engine_stop 1
    engine_start 1
    run ask nodes
    [[ $output == "= EACCES the Swarm of the container engine at unix://"*" is locked: unlock it (docker swarm unlock)" ]]
}
