# Who writes an image, who copies it, and what is kept of that, with the programs that people use.

load common.bash

# One login for all that is asked past the mount.
setup_file() {
    export TOKEN
    TOKEN=$(quick cat "$M/regions/Kista/token")
}

setup() {
    R=$M/regions/Kista
    I=$R/images
    N=desc-$BATS_TEST_NUMBER-$$
    T=$BATS_TEST_TMPDIR
}

teardown() {
    local name
    ! mountpoint -q "$T/bind" || umount "$T/bind"
    for name in "$I/$N"* "$I/.$N"*; do [ ! -e "$name" ] || quick rm -f "$name"; done
    tell_errors
}

# Glance's own list, past the mount: field $2 of the images named $1, one a line.
glance_images() {
    curl -sSf --max-time 20 -G -H "X-Auth-Token: $TOKEN" --data-urlencode "name=eq:$1" \
        "$(quick cat "$R/endpoints/image/public")/v2/images" | jq -r ".images[] | $2"
}

random() { head -c "$1" /dev/urandom >"$2"; }

# Other content in Glance's store for image $1: its byte $2 is another one.
spoil() {
    local container
    container=$(engine '/containers/json' | jq -r --arg key "$LABEL" --arg cloud "$SUITE_CLOUD" \
        '.[] | select(.Labels[$key] == $cloud) | .Names[0] | ltrimstr("/") | select(contains("glance-Kista"))')
    in_container "$container" python3 -c 'import os, sys
path = next(os.path.join(d, sys.argv[1]) for d, _, files in os.walk("/var/lib/glance") if sys.argv[1] in files)
with open(path, "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]
    f.seek(int(sys.argv[2])); f.write(bytes([byte ^ 1]))' "$1" "$2"
}

@test "a bind mount, and another mount namespace, is a way in like any other" {
    random 300000 "$T/a"
    random 200000 "$T/b"
    mkdir "$T/bind"
    mount --bind "$M" "$T/bind"
    slowly bash -c 'cat "$1" >"$2"' - "$T/a" "$T/bind/regions/Kista/images/$N"
    slowly cmp "$T/a" "$I/$N"
    slowly bash -c '(cat "$1"; cat "$2") >"$3"' - "$T/a" "$T/b" "$T/bind/regions/Kista/images/$N-2"
    cat "$T/a" "$T/b" | slowly cmp - "$I/$N-2"
    # Elsewhere the mount is at another place, and not at its own.
    slowly unshare -m bash -c 'mount --make-rprivate / && umount -l "$4" && (cat "$1"; cat "$2") >"$3"' - \
        "$T/a" "$T/b" "$T/bind/regions/Kista/images/$N-3" "$M"
    cat "$T/a" "$T/b" | slowly cmp - "$I/$N-3"
}

@test "a mount that has another path now, as what it lies in was renamed, is a way in like any other" {
    random 300000 "$T/a"
    random 200000 "$T/b"
    quick cp "$M/clouds.yaml" "$T/clouds.yaml"
    mkdir -p "$T/before/mnt"
    slowly "$MCLOUDFS" -o "attach,clouds=$T/clouds.yaml" "$T/before/mnt"
    mv "$T/before" "$T/after"
    slowly cp "$T/a" "$T/after/mnt/regions/Kista/images/$N"
    slowly bash -c '(cat "$1"; cat "$2") >"$3"' - "$T/a" "$T/b" "$T/after/mnt/regions/Kista/images/$N-2"
    unmount "$T/after/mnt"
    slowly cmp "$T/a" "$I/$N"
    cat "$T/a" "$T/b" | slowly cmp - "$I/$N-2"
}

@test "a helper that dies without having written spoils nothing" {
    random 300000 "$T/a"
    slowly bash -c '{ sleep 99 & cat "$1"; kill $!; wait; } >"$2"' - "$T/a" "$I/$N"
    slowly cmp "$T/a" "$I/$N"
}

@test "an upload that lacks a piece, or was only tried, leaves no image" {
    run slowly python3 - "$I/$N" <<'PY'
import errno, os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"a" * 4096)
for deed in (lambda: os.pwrite(fd, b"b", 0), lambda: os.close(fd)):
    try:
        deed()
    except OSError as e:
        print(errno.errorcode[e.errno])
PY
    [ "$output" = "ESPIPE
EIO" ]
    [ ! -e "$I/$N" ]
    [ -z "$(glance_images "$N" .id)" ]
    run slowly fallocate -l 10M "$I/$N"
    [ "$status" -ne 0 ]
    [ ! -e "$I/$N" ]
    [ -z "$(glance_images "$N" .id)" ]
    random 300000 "$T/a"
    run slowly qemu-img convert -f raw -O qcow2 "$T/a" "$I/$N"
    [ "$status" -ne 0 ]
    [ ! -e "$I/$N" ]
    [ -z "$(glance_images "$N" .id)" ]
    run slowly cp --reflink=always "$T/a" "$I/$N"
    [ "$status" -ne 0 ]
    [ "$(glance_images "$N" .status)" != active ]
}

@test "what was made and not written can be written once" {
    random 300000 "$T/a"
    quick touch "$I/$N"
    [ "$(glance_images "$N" '"\(.status) \(.mcloudfs_upload)"')" = "queued null" ]
    id=$(glance_images "$N" .id)
    slowly cp "$T/a" "$I/$N"
    [ "$(glance_images "$N" '"\(.id) \(.status) \(.size)"')" = "$id active 300000" ]
    slowly cmp "$T/a" "$I/$N"
    fails_with EPERM cp "$T/a" "$I/$N"
}

@test "an import is whole, whatever else has its descriptor" {
    quick bash -c '{ printf "dn: uid=wes,ou=Users,dc=acme,dc=org\nobjectClass: inetOrgPerson\nuid: wes\ncn: W\nsn: W\n"
        echo "mail: $(echo w)@x.org"; } >"$1"' - "$M/ldap/import"
    [ "$(quick cat "$M/users/acme/wes/email")" = w@x.org ]
    quick rmdir "$M/users/acme/wes"
}

@test "bytes that have failed their check are never given again" {
    random 20000000 "$T/a"
    slowly cp "$T/a" "$I/$N"
    id=$(glance_images "$N" .id)
    spoil "$id" 15000000
    # What was read before its check is no check.
    exec 7<"$I/$N"
    slowly dd bs=1M skip=12 count=4 status=none <&7 >/dev/null
    slowly head -c 8M "$I/$N" >/dev/null
    for _ in 1 2 3; do fails_with EIO cat "$I/$N"; done
    fails_with EIO head -c 1M "$I/$N"
    fails_with EIO head -c 1M "$R/images-by-id/$id/data"
    run slowly dd bs=1M count=1 status=none <&7
    [ "$status" -ne 0 ]
    exec 7<&-
    run slowly python3 -c 'import mmap, sys
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
sys.exit(m[15000000] < 0)' "$I/$N"
    [ "$status" -ne 0 ]
    # Nor to some who read at once.
    for part in 1 2 3 4; do
        { slowly cat "$I/$N" >"$T/part$part" && echo whole >>"$T/wrong"; } 2>/dev/null &
    done
    wait
    [ ! -e "$T/wrong" ]
    # Until the content is another.
    spoil "$id" 15000000
    slowly cmp "$T/a" "$I/$N"
    slowly cmp "$T/a" "$I/$N"
}

@test "mapped pages in any order are checked as well" {
    random 20000000 "$T/a"
    slowly cp "$T/a" "$I/$N"
    slowly "$BATS_TEST_DIRNAME/compare_reads.py" "$T/a" "$I/$N" 2000
    quick rm "$I/$N"
    slowly cp "$T/a" "$I/$N"
    spoil "$(glance_images "$N" .id)" 15000000
    run slowly python3 - "$I/$N" <<'PY'
import mmap, random, sys
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
places = list(range(0, len(m), 65536))
random.shuffle(places)
print(sum(m[place] for place in places))
PY
    [ "$status" -ne 0 ]
}

@test "copying publishes nothing, and nobody's ownership is in its way" {
    random 100000 "$T/$N"
    chmod 644 "$T/$N"
    chown 65534:65534 "$T/$N"
    cp -p "$T/$N" "$T/$N-mv"
    slowly rsync "$T/$N" "$I/$N-rsync"
    slowly install -m 644 "$T/$N" "$I/$N-install"
    slowly python3 -c 'import shutil, sys; shutil.copy(*sys.argv[1:])' "$T/$N" "$I/$N-shutil"
    slowly cp -a "$T/$N" "$I/$N-cp"
    slowly gio copy "$T/$N" "$I/$N-gio"
    slowly mv "$T/$N-mv" "$I/$N-mv"
    tar -C "$T" -c "$N" | slowly tar -C "$I" -x
    slowly rsync -a "$T/$N" "$I/$N-rsync-a"
    for name in "$N" "$N"-{rsync,install,shutil,cp,gio,mv,rsync-a}; do
        [ "$(glance_images "$name" '"\(.visibility) \(.size)"')" = "shared 100000" ]
    done
    # Another one means it.
    quick chmod 644 "$I/$N-cp"
    [ "$(glance_images "$N-cp" .visibility)" = public ]
    fails_with EPERM chown 65534 "$I/$N-cp"
}

@test "rsync run again keeps what it finds, and renews what has changed" {
    random 100000 "$T/$N"
    chmod 644 "$T/$N"
    slowly rsync -a "$T/$N" "$I/"
    id=$(glance_images "$N" .id)
    D=$R/images-by-id/$id
    member=$(printf '%032x' $$)
    quick touch "$D/tags/gold"
    put virtio "$D/properties/hw_disk_bus"
    quick mkdir "$D/members/$member"
    slowly rsync -a --stats "$T/$N" "$I/" | grep -q 'files transferred: 0$'
    # The same content with another time is no other image.
    touch -d 2020-01-01 "$T/$N"
    slowly rsync -a "$T/$N" "$I/"
    [ "$(glance_images "$N" '"\(.id) \(.tags[0]) \(.hw_disk_bus) \(.visibility)"')" = "$id gold virtio shared" ]
    [ "$(quick stat -c %Y "$I/$N")" = "$(stat -c %Y "$T/$N")" ]
    [ "$(quick ls "$D/properties" | grep -c mcloudfs)" -eq 0 ]
    random 100001 "$T/$N"
    slowly rsync -a "$T/$N" "$I/"
    [ "$(glance_images "$N" '"\(.size) \(.tags[0]) \(.hw_disk_bus)"')" = "100001 gold virtio" ]
    [ "$(quick ls "$R/images-by-id/$(glance_images "$N" .id)/members")" = "$member" ]
    slowly cmp "$T/$N" "$I/$N"
    [ -n "$(df --output=avail "$M" | tail -n 1 | grep '[1-9]')" ]
}
