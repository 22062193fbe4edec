# Images in two regions: what goes into either comes out of it, and copies from one to the other. In a cloud of its own.

load common.bash
load replicated.bash

setup_file() {
    cloud_up "test-copies$RUN" 127.89.0.0
    regions_up Kista Solna
}

teardown_file() { cloud_down; }

setup() {
    K=$M/regions/Kista
    S=$M/regions/Solna
    N=img-$BATS_TEST_NUMBER-$$
    T=$BATS_TEST_TMPDIR
}

random() { head -c "$1" /dev/urandom >"$2"; }

# The one image named $2 of region directory $1: its directory of attributes. Asked past the mount.
by_id() {
    echo "$1/images-by-id/$(curl -sSf --max-time 20 -G -H "X-Auth-Token: $(quick cat "$1/token")" --data-urlencode "name=eq:$2" \
        "$(quick cat "$1/endpoints/image/public")/v2/images" | jq -er '.images | if length == 1 then .[0].id else error("not one") end')"
}

# How many images region directory $1 has that are called $2.
count() {
    curl -sSf --max-time 20 -G -H "X-Auth-Token: $(quick cat "$1/token")" --data-urlencode "name=eq:$2" \
        "$(quick cat "$1/endpoints/image/public")/v2/images" | jq '.images | length'
}

@test "raw, qcow2 and iso images go into either region and come out of it, as the real client sees them; an empty one waits for content" {
    random 7000001 "$T/raw"
    qemu-img convert -f raw -O qcow2 "$T/raw" "$T/qcow2"
    { head -c 32768 /dev/zero && printf '\001CD001\001' && head -c 100000 /dev/urandom; } >"$T/iso"
    : >"$T/empty"
    for region in Kista Solna; do
        for kind in raw qcow2 iso empty; do
            slowly cp "$T/$kind" "$M/regions/$region/images/$N-$kind"
            [ "$kind" = empty ] || slowly cmp "$T/$kind" "$M/regions/$region/images/$N-$kind"
        done
        fails_with EAGAIN cat "$M/regions/$region/images/$N-empty"
        REGION=$region run_openstack image list -f value -c Name -c Status | sort >"$T/list"
        printf "$N-%s\n" 'empty queued' 'iso active' 'qcow2 active' 'raw active' | diff - "$T/list"
        [ "$(REGION=$region run_openstack image show "$N-qcow2" -f value -c disk_format)" = qcow2 ]
        REGION=$region run_openstack image save --file "$T/saved" "$N-raw"
        cmp "$T/raw" "$T/saved"
        quick rm "$M/regions/$region/images/$N"-*
    done
}

@test "cp copies an image from region to region" {
    random 20000000 "$T/in"
    slowly cp "$T/in" "$K/images/$N"
    slowly cp "$K/images/$N" "$S/images/"
    slowly cmp "$T/in" "$S/images/$N"
    [ "$(quick cat "$(by_id "$S" "$N")/hash")" = "sha512:$(sha512sum <"$T/in" | cut -d ' ' -f 1)" ]
    # rename(2) says EXDEV, and mv copies.
    slowly mv "$K/images/$N" "$S/images/$N-moved"
    [ ! -e "$K/images/$N" ]
    slowly cmp "$T/in" "$S/images/$N-moved"
    quick rm "$S/images/$N" "$S/images/$N-moved"
}

@test "replicate: the other region's Glance fetches the image by itself, with all that belongs to it" {
    random 20000000 "$T/in"
    slowly cp "$T/in" "$K/images/$N"
    D=$(by_id "$K" "$N")
    quick touch "$D/tags/blue"
    put linux "$D/properties/os_type"
    put public "$D/visibility"
    put 3 "$D/min_disk"
    put true "$D/protected"
    grep -q '^replicate REGION' "$D/ctl"
    put 'replicate Solna' "$D/ctl"
    slowly cat "$D/progress" >"$T/progress"
    grep -q "Glance fetches it by itself" "$T/progress"
    tail -n 1 "$T/progress" | grep -q '^\[#*\] 100 % .* done: [0-9a-f-]* in Solna$'
    C=$(by_id "$S" "$N")
    [ "$(tail -n 1 "$T/progress" | grep -o '[0-9a-f-]\{36\}')" = "$(basename "$C")" ]
    slowly cmp "$T/in" "$S/images/$N"
    [ "$(quick cat "$C"/{disk_format,container_format,visibility,min_disk,protected,properties/os_type} | tr '\n' ' ')" = \
        "raw bare public 3 false linux " ]
    [ "$(quick ls "$C/tags")" = blue ]
    # Nothing of the way is left on it.
    [ "$(quick ls "$C/properties")" = "$(quick ls "$D/properties")" ]
    # A second one is refused, and the first stays.
    put 'replicate Solna' "$D/ctl"
    run slowly cat "$D/progress"
    [ "$status" -ne 0 ]
    [[ $output == *"has an image of that name"* ]]
    grep -q "EEXIST.*copying image $(basename "$D") from Kista" "$M/errors"
    [ "$(count "$S" "$N")" -eq 1 ]
    # And back, under another name.
    put "$N-back" "$C/name"
    put 'replicate Kista' "$C/ctl"
    slowly cat "$C/progress" >/dev/null
    slowly cmp "$T/in" "$K/images/$N-back"
    put false "$D/protected"
    quick rm "$K/images/$N" "$K/images/$N-back" "$S/images/$N-back"
}

@test "replicate to no region, to its own, of what is no image's: refused at once" {
    quick touch "$K/images/$N"
    D=$(by_id "$K" "$N")
    fails_with EINVAL bash -c 'echo replicate Nowhere >"$1"' put "$D/ctl"
    fails_with EINVAL bash -c 'echo replicate Kista >"$1"' put "$D/ctl"
    fails_with EINVAL bash -c 'echo replicate >"$1"' put "$D/ctl"
    fails_with EINVAL bash -c 'echo replicate Solna Solna >"$1"' put "$D/ctl"
    [ -z "$(quick cat "$D/progress")" ]
    # One that waits for its content has nothing to be copied.
    put 'replicate Solna' "$D/ctl"
    fails_with EIO cat "$D/progress"
    [ ! -e "$S/images/$N" ]
    quick rm "$K/images/$N"
}

@test "the mount goes while an image is copied: no half copy stays" {
    random 300000000 "$T/in"
    slowly cp "$T/in" "$K/images/$N"
    D=$(by_id "$K" "$N")
    put 'replicate Solna' "$D/ctl"
    # Its first line: the copy has begun.
    quick bash -c 'read -r <"$1"' first "$D/progress"
    end_daemon
    mount_cloud "$CLOUD" 127.89.0.0 "$DIRECTORY"
    [ "$(slowly cat "$S/wait")" = ready ]
    # Gone, unless it was complete by then.
    slowly bash -c 'while [ -e "$2" ] && ! cmp -s "$1" "$2"; do :; done' settled "$T/in" "$S/images/$N"
}

@test "every public URL works in the containers of the services, too" {
    urls=$(quick cat "$K/catalog" | awk -F '\t' '$4 == "public" { print $5 }')
    [ "$(wc -w <<<"$urls")" -eq 4 ]
    script='import sys, urllib.error, urllib.request
for url in sys.argv[1:]:
    try:
        print(url, urllib.request.urlopen(url, timeout=20).status)
    except urllib.error.HTTPError as error:
        print(url, error.code)'
    for container in keystone-Kista glance-Kista keystone-Solna glance-Solna; do
        # shellcheck disable=SC2086 # one argument a URL
        in_container "$CLOUD-$container" python3 -c "$script" $urls >"$T/$container"
        for url in $urls; do grep -Eqx "$url (200|300)" "$T/$container"; done
    done
}

@test "glance-download finds the other region by its public URL, as it does when nothing else is said" {
    random 5000000 "$T/in"
    slowly cp "$T/in" "$K/images/$N"
    token=$(quick cat "$S/token") url=$(quick cat "$S/endpoints/image/public")/v2/images
    ask() { curl -sSf --max-time 60 -H "X-Auth-Token: $token" -H 'Content-Type: application/json' "$@"; }
    id=$(ask -d "{\"name\": \"$N\", \"disk_format\": \"raw\", \"container_format\": \"bare\"}" "$url" | jq -r .id)
    source=$(basename "$(by_id "$K" "$N")")
    ask -d "{\"method\": {\"name\": \"glance-download\", \"glance_region\": \"Kista\", \"glance_image_id\": \"$source\"}}" "$url/$id/import"
    # Nothing but Glance tells of it.
    slowly bash -c 'until [ "$(curl -sSf --max-time 60 -H "X-Auth-Token: $1" "$2" | jq -r .status)" = active ]; do :; done' \
        active "$token" "$url/$id"
    slowly cmp "$T/in" "$S/images/$N"
    quick rm "$K/images/$N" "$S/images/$N"
}

# The same cloud by its clouds.yaml, at $T/attached.
attach_here() {
    quick cp "$M/clouds.yaml" "$T/clouds.yaml"
    mkdir "$T/attached"
    slowly "$MCLOUDFS" -o "attach,clouds=$T/clouds.yaml" "$T/attached"
}

teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/attached" || unmount "$BATS_TEST_TMPDIR/attached"; }

@test "replicate in an attached mount, by either Glance or through the mount" {
    attach_here
    random 9000000 "$T/in"
    slowly cp "$T/in" "$K/images/$N"
    D=$T/attached${K#"$M"}/images-by-id/$(basename "$(by_id "$K" "$N")")
    grep -q '^replicate REGION' "$D/ctl"
    fails_with EINVAL bash -c 'echo replicate Nowhere >"$1"' put "$D/ctl"
    put 'replicate Solna' "$D/ctl"
    slowly cat "$D/progress" >"$T/progress"
    tail -n 1 "$T/progress" | grep -q '^\[#*\] 100 % .* done: [0-9a-f-]* in Solna$'
    slowly cmp "$T/in" "$S/images/$N"
    quick rm "$K/images/$N" "$S/images/$N"
}

@test "docs/mirror-images makes images of a list equal in other clouds, and transfers nothing the second time" {
    mirror() { slowly "$BATS_TEST_DIRNAME/../../docs/mirror-images" "$@"; }
    attach_here
    to=$T/attached/regions/Solna/images
    for name in one two three; do
        random 3000000 "$T/$name"
        slowly cp "$T/$name" "$K/images/$N $name"
    done
    # One is there, as long and with something else in it, and with what belongs to it; one is there as it should be.
    random 3000000 "$T/other"
    slowly cp "$T/other" "$S/images/$N two"
    old=$(by_id "$S" "$N two")
    quick touch "$old/tags/blue"
    put linux "$old/properties/os_type"
    slowly cp "$T/three" "$S/images/$N three"
    kept=$(by_id "$S" "$N three")
    printf '%s\n' '# a list' '' "$N one" "$N two" "$N three" >"$T/list"
    mirror "$T/list" "$K/images" "$to" >"$T/said"
    printf '%s\n' "$N one: to $to" "$N two: to $to" | diff - "$T/said"
    for name in one two three; do slowly cmp "$T/$name" "$S/images/$N $name"; done
    [ "$(by_id "$S" "$N three")" = "$kept" ]
    new=$(by_id "$S" "$N two")
    [ "$(quick ls "$new/tags")" = blue ]
    [ "$(quick cat "$new/properties/os_type")" = linux ]
    [ -z "$(mirror "$T/list" "$K/images" "$to")" ]
    # What can't be done is said, and the rest is done.
    quick rm "$S/images/$N one"
    printf '%s\n' "$N none" "$N one" >"$T/list"
    run mirror "$T/list" "$K/images" "$to"
    [ "$status" -eq 1 ]
    [[ $output == *"$N none: $K/images has no such image"* ]]
    slowly cmp "$T/one" "$S/images/$N one"
    run mirror "$T/list" "$K/images" "$T"
    [ "$status" -eq 2 ]
    quick rm "$K/images/$N "* "$S/images/$N "*
}
