# What Tab makes of a line in bash, zsh and fish: options, their values, names of clouds, and verbs of ctl files. bash and zsh are asked at
# a terminal. The clouds are a stub's, the options the program's own.

load common.bash

setup() {
    cd "$CHECKOUT" || return
    D=$(realpath "$BATS_TEST_TMPDIR")
    mkdir "$D/bin" "$D/state" "$D/region" "$D/region/replication"
    export REAL=${MCLOUDFS:-$CHECKOUT/build/mcloudfs} PATH=$D/bin:$PATH HOME=$D XDG_CONFIG_HOME=$D XDG_DATA_HOME=$D XDG_CACHE_HOME=$D
    cat >"$D/bin/mcloudfs" <<'TEXT'
#!/bin/sh
[ "$1" != --print-clouds ] || { printf '%s\n' cloud=lab attach=prod attach=test-1 && exit; }
exec "$REAL" "$@"
TEXT
    # where a cloud is mounted
    printf '#!/bin/sh\ncase "$PWD/ $*" in */region/*) echo fuse.mcloudfs ;; *) echo ext4 ;; esac\n' >"$D/bin/findmnt"
    chmod +x "$D/bin/"*
    printf 'start    starts it\nstop    stops it\nupgrade [RELEASE]    takes it to a newer release\n' >"$D/region/ctl"
    printf 'promote    makes it the master\n' >"$D/region/replication/ctl"
}

# tab SHELL LINE [FOLDER]: the line after Tab; of fish, which tells what it offers, the first of that.
tab() {
    case $1 in
    bash) tests/scripts/tab.py bash mnt/completions/mcloudfs.bash "${@:2}" ;;
    zsh) tests/scripts/tab.py zsh mnt/completions/_mcloudfs "${@:2}" ;;
    fish)
        local given=${2##* } offered
        offered=$(fish --no-config -c 'for file in mcloudfs mcloudfs-ctl; source mnt/completions/$file.fish; end; cd $argv[2]; complete -C $argv[1]' -- "$2" "${3:-.}" |
            cut -f 1)
        echo "${2%"$given"}${offered%%$'\n'*}"
        ;;
    esac
}

# becomes SHELL LINE WANTED [FOLDER]: but for a blank at its end.
becomes() {
    local got
    got=$(tab "$1" "$2" ${4:+"$4"})
    [ "${got% }" = "$3" ] || { echo "$1: '$2' becomes '$got', not '$3'" && return 1; }
}

in_all() {
    local shell
    for shell in bash zsh fish; do becomes "$shell" "$@" || return; done
}

@test "options behind -o, and their values" {
    in_all 'mcloudfs -o sta' 'mcloudfs -o state_dir='
    in_all 'mcloudfs -o ro,engine=podman,rep' 'mcloudfs -o ro,engine=podman,replicate='
    in_all 'mcloudfs -o ro,verify=of' 'mcloudfs -o ro,verify=off'
    in_all 'mcloudfs -orepl' 'mcloudfs -oreplicate='
    in_all 'mcloudfs --print-t' 'mcloudfs --print-tree'
}

@test "names of clouds, made here or to be attached" {
    in_all 'mcloudfs -o cloud=l' 'mcloudfs -o cloud=lab'
    in_all 'mcloudfs -o ro,attach=pr' 'mcloudfs -o ro,attach=prod'
}

@test "the program names the clouds that there are" {
    printf 'clouds:\n  prod: {auth: {}}\n  test-1: {}\n' >"$D/clouds.yaml"
    touch "$D/state/lab.json" "$D/state/lab.lock" "$D/state/.json"
    run env -u OS_CLOUD "$REAL" -o "state_dir=$D/state,clouds=$D/clouds.yaml" --print-clouds
    [ "$status" -eq 0 ]
    [ "$output" = $'cloud=lab\nattach=prod\nattach=test-1' ]
    # none is no error, nor is a file that is wrong: it is for a Tab
    echo '- x' >"$D/clouds.yaml"
    run env -u OS_CLOUD "$REAL" -o "state_dir=$D/none,clouds=$D/clouds.yaml" --print-clouds
    [ "$status" -eq 0 ] && [ -z "$output" ]
}

@test "verbs of the ctl file that a line is written to" {
    becomes bash "echo up^ >$D/region/ctl" "echo upgrade >$D/region/ctl"
    becomes zsh "echo up^ >> $D/region/ctl" "echo upgrade  >> $D/region/ctl"
    # which is asked for the end of a line only
    becomes fish "echo > $D/region/ctl up" "echo > $D/region/ctl upgrade"
}

@test "verbs of the ctl files where one is" {
    in_all 'echo up' 'echo upgrade' "$D/region"
    in_all 'echo prom' 'echo promote' "$D/region"
}

@test "echo elsewhere is as it was" {
    mkdir "$D/other"
    touch "$D/other/upward"
    printf 'upgrade\n' >"$D/other/ctl"
    becomes bash 'echo upw' 'echo upward' "$D/other"
    becomes zsh 'echo upw' 'echo upward' "$D/other"
    # a file of that name that isn't a cloud's is not read
    mkfifo "$D/other/replication"
    becomes bash 'echo upg' 'echo upg' "$D/other"
}
