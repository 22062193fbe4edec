# tests/run and backends/recipes: what has failed is not counted, or called, as done.

# shellcheck disable=SC2034,SC2154 # what the files that are sourced read and set
load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT" || return
    calls=$BATS_TEST_TMPDIR/calls
}

counts() { echo "$passed $failed $skipped"; }

@test "a bench that dies, and a suite that ends badly or has run nothing, are failures" {
    . tests/run
    logs=$BATS_TEST_TMPDIR
    prepare_cloud() { :; }
    check() { :; }
    mkdir -p "$BATS_TEST_TMPDIR/tests/bench"
    printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/tests/bench/run"
    chmod +x "$BATS_TEST_TMPDIR/tests/bench/run"
    cd "$BATS_TEST_TMPDIR"
    run_suite bench || true
    [ "$(counts)" = '0 1 0' ]
    suite_bad() { count 3 0 0 && return 1; }
    run_suite bad || true
    [ "$(counts)" = '3 2 0' ]
    suite_empty() { :; }
    run_suite empty || true
    [ "$(counts)" = '3 3 0' ]
    suite_good() { count 1 0 0; }
    run_suite good || true
    [ "$(counts)" = '4 3 0' ]
}

@test "what clang-tidy finds beside the other suites is a failure in the end, and it ends when they are ended" {
    . tests/run
    logs=$BATS_TEST_TMPDIR
    check_tidy() { nice && echo 'some.c:1: a mistake' && return 1; }
    begin_tidy
    check clang-tidy tidied || true
    [ "$(counts)" = '0 1 0' ]
    grep -qx 19 "$logs/clang-tidy.log"
    grep -q 'a mistake' "$logs/failures"
    check_tidy() { :; }
    begin_tidy
    check clang-tidy tidied
    [ "$(counts)" = '1 1 0' ]
    mkfifo "$logs/begun"
    check_tidy() {
        tail -f /dev/null &
        echo "$!" >"$logs/begun"
        wait
    }
    begin_tidy
    read -r process <"$logs/begun"
    end_tidy
    timeout 20 tail --pid="$process" -f /dev/null
    [ -z "$tidy" ]
}

@test "bats that fails after its last test has failed" {
    . tests/run
    logs=$BATS_TEST_TMPDIR
    timeout() { printf '1..1\nok 1 some test\n' && return 1; }
    bats_tests some somewhere || true
    [ "$(counts)" = '1 1 0' ]
}

@test "no two files that may run at once have clouds with the same addresses" {
    # the suite's own cloud is that of several files, none of which is a fault's
    bases() { grep -roE --include='*.bats' '127\.[0-9]+\.0\.0' "$@" | sort -u; }
    run -0 bash -c "$(declare -f bases); bases tests/integration tests/fault | grep -v ':127.81.' | cut -d : -f 2 | sort | uniq -d"
    [ -z "$output" ]
    run ! grep -r '127\.81\.0\.0' tests/fault
}

@test "what failed is told once more at the end, each by its first and its last lines, and what failed right after it by its name" {
    . tests/run
    logs=$BATS_TEST_TMPDIR
    timeout() { printf '%s\n' 1..4 'ok 1 good' 'not ok 2 bad' $(seq -f '#%g' 20) 'not ok 3 so' '#too' 'ok 4 good' && return 1; }
    bats_tests some somewhere || true
    check 'nothing there' ls "$BATS_TEST_TMPDIR/nothing" || true
    [ "$(counts)" = '2 3 0' ]
    run cat "$BATS_TEST_TMPDIR/failures"
    [ "${lines[*]:0:17}" = "not ok 2 bad #1 #2 #3 $(seq -f '#%g' -s ' ' 9 20) not ok 3 so" ]
    [[ ${lines[17]} == 'FAIL  nothing there (see '* ]]
    [[ ${lines[18]} == *'No such file'* ]]
}

# recipes HASH CURL [ARGUMENT…]: a copy of backends/recipes/build, called so, with stand-ins for the recipes and the engine: what these print.
recipes() {
    mkdir -p "$BATS_TEST_TMPDIR/recipes" "$BATS_TEST_TMPDIR/bin"
    cp backends/recipes/build "$BATS_TEST_TMPDIR/recipes"
    printf '#!/bin/bash\n%s\n' "$1" >"$BATS_TEST_TMPDIR/recipes/hash"
    printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/curl"
    printf "#!/bin/sh\n" >"$BATS_TEST_TMPDIR/bin/flock" # another build may be under way
    chmod +x "$BATS_TEST_TMPDIR"/{recipes/hash,bin/{curl,flock}}
    PATH=$BATS_TEST_TMPDIR/bin:$PATH MCLOUD_LOG=$BATS_TEST_TMPDIR/log run "$BATS_TEST_TMPDIR/recipes/build" "${@:3}"
}

@test "recipes that can't be read are not up to date" {
    recipes 'exit 1' 'echo "[]"'
    [ "$status" -eq 1 ]
    [[ $output == *"can't be read" ]]
}

@test "a release that isn't there is told of, with those that are" {
    run backends/recipes/build yoga
    [ "$status" -eq 1 ]
    [ "$output" = 'there is no release yoga; choose one of: epoxy, zed' ]
    run backends/recipes/hash yoga
    [ "$status" -eq 1 ]
    [[ $output == 'there is no release yoga; choose one of:'* ]]
}

@test "an engine that gives an error for its images is told of" {
    recipes 'echo "base 0123456789abcdef"' 'echo "{\"message\":\"no\"}"; exit 22'
    [ "$status" -eq 1 ]
    [[ $output == "no container engine answers"* ]]
    recipes 'echo "base 0123456789abcdef"' 'echo nonsense'
    [ "$status" -eq 1 ]
    [[ $output == *"gives no list of images: nonsense"* ]]
}

@test "images are known by Podman's names for them, too" {
    for place in '' localhost/; do
        recipes 'echo "base 0123456789abcdef"' 'echo "[{\"Created\": 1, \"RepoTags\": [\"'"$place"'mcloudfs/base:0123456789ab\"], \"Labels\": {\"org.mcloudfs.recipe\": \"0123456789abcdef\"}}]"'
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == "images of "*": all 1 up to date" ]]
    done
    # an archive that Podman has written; loading it comes to its end
    echo '[{"RepoTags": ["localhost/mcloudfs/base:0123456789ab"]}]' >"$BATS_TEST_TMPDIR/manifest.json"
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/podman" manifest.json
    recipes 'echo "base 0123456789abcdef"' 'echo "{\"stream\": \"Loaded\"}"' --load "$BATS_TEST_TMPDIR/podman"
    [[ ${lines[1]} == "image archive "*"/podman loaded in "* ]]
}

@test "a build whose answer was cut short has made nothing" {
    mkdir -p "$BATS_TEST_TMPDIR/recipes/ldap"
    touch "$BATS_TEST_TMPDIR/recipes/ldap/Dockerfile"
    recipes 'echo "ldap 0123456789abcdef"' 'for a; do case $a in
        */images/mcloudfs/*) exit 22 ;;
        */images/json*) echo "[]" ;;
        --output) o=1 ;;
        @-) cat >/dev/null ;;
        *) [ -z "$o" ] || { : >"$a"; o=; } ;;
        esac; done'
    [ "$status" -eq 1 ]
    [[ ${lines[-1]} == "the engine says nothing against mcloudfs/ldap, and hasn't got it"* ]]
}

@test "what makes the base image inherits nothing, whatever was open" {
    mkdir -p "$BATS_TEST_TMPDIR/recipes/base"
    printf '#!/bin/bash\nls /proc/self/fd >"%s"\nexit 1\n' "$BATS_TEST_TMPDIR/open" >"$BATS_TEST_TMPDIR/recipes/base/make"
    chmod +x "$BATS_TEST_TMPDIR/recipes/base/make"
    exec 9</dev/null 12</dev/null
    MCLOUD_DEBIAN=http://b/debian recipes 'echo "base 0123456789abcdef"' 'echo "[]"'
    exec 9<&- 12<&-
    [[ ${lines[-1]} == "the image mcloudfs/base could not be made; "* ]]
    # the last one is of ls itself
    [ "$(sort -n "$BATS_TEST_TMPDIR/open" | tr '\n' ' ')" = '0 1 2 3 ' ]
}

@test "images are made side by side, each after those that it is made from, and none after a failure" {
    for image in openstack database ldap; do
        mkdir -p "$BATS_TEST_TMPDIR/recipes/$image"
        touch "$BATS_TEST_TMPDIR/recipes/$image/Dockerfile"
    done
    printf '#!/bin/bash\necho 2\n' >"$BATS_TEST_TMPDIR/nproc"
    # a build of openstack and one of ldap wait for each other; the one named in "bad" fails
    export MADE=$BATS_TEST_TMPDIR/made
    engine='case "$*" in
        *images/json*) echo "[]" ;;
        */images/mcloudfs/*) exit ;;
        */build*)
            cat >/dev/null
            [[ $* =~ t=mcloudfs/([a-z]+):.*--output\ ([^ ]*)|--output\ ([^ ]*).*t=mcloudfs/([a-z]+): ]]
            image=${BASH_REMATCH[1]:-${BASH_REMATCH[4]}} output=${BASH_REMATCH[2]:-${BASH_REMATCH[3]}}
            echo "$image" >>"$MADE"
            case $image in
            openstack) timeout 20 bash -c "until grep -q ldap $MADE; do :; done" || exit 1 ;;
            ldap) timeout 20 bash -c "until grep -q openstack $MADE; do :; done" || exit 1 ;;
            esac
            [[ $image == "$(cat "$MADE.bad")" ]] && echo "{\"error\":\"no $image\"}" >"$output" || echo "{\"stream\":\"it is $image\\n\"}" >"$output" ;;
        esac'
    mkdir -p "$BATS_TEST_TMPDIR/bin" && install -m 755 "$BATS_TEST_TMPDIR/nproc" "$BATS_TEST_TMPDIR/bin/nproc"
    hash='echo "openstack 0123456789abcdef"; echo "database 1123456789abcdef openstack"; echo "ldap 2123456789abcdef"'
    : >"$MADE.bad"
    recipes "$hash" "$engine"
    [ "$status" -eq 0 ]
    [ "$(tail -n 1 "$MADE")" = database ]
    [ "$(grep -o '^image ./3 mcloudfs/[a-z]* done' <<<"$output" | cut -c 1-9 | sort | tr '\n' ' ')" = 'image 1/3 image 2/3 image 3/3 ' ]
    grep -qx 'it is database' "$BATS_TEST_TMPDIR/log"
    : >"$MADE"
    echo openstack >"$MADE.bad"
    recipes "$hash" "$engine"
    [ "$status" -eq 1 ]
    [[ ${lines[-1]} == "the image mcloudfs/openstack could not be built; $BATS_TEST_TMPDIR/log says why" ]]
    [[ $output == *'mcloudfs/ldap done in'* ]]
    run ! grep database "$MADE"
}

@test "package sources are the machine's own, of the release that is asked for" {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    sed 's#/usr/lib/apt/apt-helper#apt-helper#' backends/recipes/sources >"$BATS_TEST_TMPDIR/sources"
    printf '#!/bin/bash\n[ "$1" != indextargets ] || cat "$LISTS"\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
    printf '#!/bin/bash\n[[ $* != *"$ABSENT"* ]]\n' >"$BATS_TEST_TMPDIR/bin/apt-helper"
    chmod +x "$BATS_TEST_TMPDIR"/bin/* "$BATS_TEST_TMPDIR/sources"
    export PATH=$BATS_TEST_TMPDIR/bin:$PATH LISTS=$BATS_TEST_TMPDIR/lists ABSENT=nothing
    signed='deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    printf '%s\n' 'http://a/debian/ trixie main' 'http://a/debian/ trixie-backports main' 'http://s/debian-security/ trixie-security main' >"$LISTS"
    run -0 "$BATS_TEST_TMPDIR/sources" bookworm
    [ "$output" = "$signed http://a/debian/ bookworm main"$'\n'"$signed http://s/debian-security/ bookworm-security main" ]
    ABSENT=bookworm-security run -0 "$BATS_TEST_TMPDIR/sources" bookworm
    [ "$output" = "$signed http://a/debian/ bookworm main" ]
    ABSENT=bookworm/ run -1 "$BATS_TEST_TMPDIR/sources" bookworm
    [[ $output == *"has no Debian bookworm, or can't be reached: MCLOUD_DEBIAN=URI"* ]]
    # what the machine has of that release goes before what is made of another's
    echo 'http://old/debian/ bookworm main' >>"$LISTS"
    run -0 "$BATS_TEST_TMPDIR/sources" bookworm
    [ "$output" = "$signed http://old/debian/ bookworm main" ]
    : >"$LISTS"
    run -1 "$BATS_TEST_TMPDIR/sources" bookworm
    [[ $output == *"MCLOUD_DEBIAN=URI names one"* ]]
    MCLOUD_DEBIAN=http://b/debian run -0 "$BATS_TEST_TMPDIR/sources" bookworm
    [ "${lines[0]}" = "$signed http://b/debian bookworm main" ]
}

@test "an archive that is none, or has images of others, is refused before the engine sees it" {
    echo nonsense >"$BATS_TEST_TMPDIR/none"
    recipes 'echo epoxy' 'touch "$BATS_TEST_TMPDIR/asked"' --load "$BATS_TEST_TMPDIR/none"
    [ "$status" -eq 1 ]
    [[ $output == *"/none is no archive of images: "*"--save FILE"* ]]
    recipes 'echo epoxy' 'touch "$BATS_TEST_TMPDIR/asked"' --load "$BATS_TEST_TMPDIR/missing"
    [ "$status" -eq 1 ]
    [[ $output == *"/missing is no archive of images: "* ]]
    echo '[{"RepoTags": ["mcloudfs/base:0123456789ab"]}, {"RepoTags": ["debian:bookworm"]}]' >"$BATS_TEST_TMPDIR/manifest.json"
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/foreign" manifest.json
    recipes 'echo epoxy' 'touch "$BATS_TEST_TMPDIR/asked"' --load "$BATS_TEST_TMPDIR/foreign"
    [ "$status" -eq 1 ]
    [[ $output == *"holds the image debian:bookworm, which is none of mcloudfs's; nothing was loaded" ]]
    [ ! -e "$BATS_TEST_TMPDIR/asked" ]
}
