# mnt/up and mnt/down: what they say when they can't. In a checkout of their own, in which everything is built.

load common.bash

setup() {
    C=$BATS_TEST_TMPDIR/checkout
    mkdir -p "$C/mnt" "$C/build" "$C/backends/recipes"
    cp "$BATS_TEST_DIRNAME"/../../mnt/{up,down,lib.bash,machine.bash} "$C/mnt"
    printf '[build]\nbash\n[run]\nbash\n' >"$C/mnt/packages"
    printf 'build mcloudfs: phony\n' >"$C/build/build.ninja"
    ln -s "$(realpath "$MCLOUDFS")" "$C/build/mcloudfs"
    ln -s /bin/true "$C/backends/recipes/build"
}

# up OPTIONS [ARGUMENT…]
up() { MCLOUD_SOCKET=$SOCKET MCLOUD_OPTIONS=$1 quick "$C/mnt/up" "${@:2}"; }

@test "mnt/up says in a sentence why it can't mount" {
    for option in clod=x base=127.300.0.0 ttl=-1; do
        run up "$option"
        [ "$status" -eq 1 ]
        [[ ${lines[-1]} == "up: mount at mnt/mcloud failed: mcloudfs: "*"${option%%=*}="* ]]
    done
    MCLOUD_SOCKET=$C/nothing run quick "$C/mnt/up"
    [ "$status" -eq 1 ]
    [[ ${lines[-1]} == "up: engine failed: no engine answers at $C/nothing "* ]]
    ! mountpoint -q "$C/mnt/mcloud"
}

@test "mnt/up and mnt/down refuse what they don't know, and do nothing" {
    run up '' 'Kis ta'
    [ "$status" -eq 1 ]
    [ "$output" = "up: 'Kis ta' can't be a region's name: up to 63 letters, digits and -" ]
    run up '' --nonsense
    [ "$status" -eq 2 ]
    run quick "$C/mnt/down" --nonsense
    [ "$status" -eq 2 ]
    run quick "$C/mnt/down" --destroy
    [ "$status" -eq 1 ]
    [[ $output == "down: mnt/mcloud is not mounted: "* ]]
    [ "$(quick "$C/mnt/down")" = 'mnt/mcloud was not mounted' ]
    [ ! -e "$C/build/up.log" ]
}
