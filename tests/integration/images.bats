# Images as files, against the real Glance: what goes in comes out, and what fails leaves nothing.

load common.bash
load replicated.bash

# One login for all that is asked past the mount.
setup_file() {
    export TOKEN
    TOKEN=$(quick cat "$M/regions/Kista/token")
}

setup() {
    R=$M/regions/Kista
    I=$R/images
    N=img-$BATS_TEST_NUMBER-$$
    T=$BATS_TEST_TMPDIR
    WRITE='echo "$1" >"$2"' # put, for fails_with
}

# A record without content, which the client would make active and empty.
make_queued() {
    curl -sSf --max-time 20 -X POST -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \
        -d "$(jq -nc --arg name "$1" '{name: $name}')" "$(quick cat "$R/endpoints/image/public")/v2/images" >/dev/null
}

teardown() {
    local name
    # The one that a test failed with: bats would wait for it.
    [ -z "${writer:-}" ] || kill -9 "$writer" 2>/dev/null || true
    for name in "$I/$N"*; do
        [ -e "$name" ] || continue
        put false "$(by_id "$name")/protected" 2>/dev/null || true
        quick rm -f "$name"
    done
}

# The directory of attributes of the image at $1.
by_id() {
    local id
    for id in $(glance_images "$(basename "$1")" .id); do
        echo "$R/images-by-id/$id"
        return
    done
    return 1
}

# Glance's own list, past the mount: field $2 of the images named $1, one a line.
glance_images() {
    curl -sSf --max-time 20 -G -H "X-Auth-Token: $TOKEN" --data-urlencode "name=eq:$1" \
        "$(quick cat "$R/endpoints/image/public")/v2/images" | jq -r ".images[] | $2"
}

random() { head -c "$1" /dev/urandom >"$2"; }

# sql_of_glance STATEMENT: in the database of the region's Glance.
sql_of_glance() { CLOUD=$SUITE_CLOUD DIRECTORY=$SUITE sql Kista "USE glance; $1"; }

# Waits until Glance has no image named $1: whoever writes it has been killed, and the daemon is cleaning up.
await_gone() { quick bash -c 'while [ -n "$(curl -sSf --max-time 20 -G -H "X-Auth-Token: $TOKEN" --data-urlencode "name=eq:$1" \
    "$(cat "$2/endpoints/image/public")/v2/images" | jq -r ".images[].id")" ]; do :; done' await_gone "$1" "$R"; }

@test "the bytes of an image come and go past the engine's proxy" {
    address=$(quick cat "$M/containers/glance-Kista/address")
    straight() { [ -n "$(ss -Htn state established dst "$address:9292")" ]; }
    random 40000000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    straight
    # while it is read
    exec 8<"$I/$N"
    head -c 1000000 <&8 >/dev/null
    straight
    exec 8<&-
    # and another address than before is found
    put restart "$R/ctl"
    [ "$(slowly cat "$R/wait")" = ready ]
    slowly cmp "$T/in" "$I/$N"
}

@test "what goes in comes out, and Glance agrees on it" {
    for size in 1 4096 32773 32774 131072 131073 9000001; do
        random $size "$T/in"
        slowly cp "$T/in" "$I/$N"
        slowly cmp "$T/in" "$I/$N"
        [ "$(quick stat -c %s "$I/$N")" -eq $size ]
        [ "$(glance_images "$N" '"\(.status) \(.size) \(.disk_format) \(.container_format) \(.os_hash_value)"')" = \
            "active $size raw bare $(sha512sum <"$T/in" | cut -d ' ' -f 1)" ]
        quick rm "$I/$N"
        [ ! -e "$I/$N" ]
        [ -z "$(glance_images "$N" .id)" ]
    done
}

@test "the real client sees the same image" {
    random 3000000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    run_openstack image show "$N" -f json >"$T/show"
    [ "$(jq -r .size "$T/show")" -eq 3000000 ]
    [ "$(jq -r '.properties.mcloudfs_upload' "$T/show")" = null ]
    run_openstack image save --file "$T/saved" "$N"
    cmp "$T/in" "$T/saved"
    run_openstack image create --file "$T/in" --disk-format raw "$N-client" >/dev/null
    slowly cmp "$T/in" "$I/$N-client"
}

@test "the disk format comes from the content" {
    qemu-img create -q -f qcow2 "$T/qcow2" 10M
    qemu-img create -q -f vmdk "$T/vmdk" 10M
    qemu-img create -q -f vdi "$T/vdi" 10M
    qemu-img create -q -f vhdx "$T/vhdx" 10M
    { head -c 32768 /dev/zero && printf '\001CD001\001' && head -c 100000 /dev/zero; } >"$T/iso"
    for format in qcow2 vmdk vdi vhdx iso; do
        slowly cp "$T/$format" "$I/$N"
        [ "$(glance_images "$N" .disk_format)" = $format ]
        slowly cmp "$T/$format" "$I/$N"
        quick rm "$I/$N"
    done
}

@test "redirections, programs in a row, dd and curl write images" {
    random 500000 "$T/a"
    random 300000 "$T/b"
    slowly cat "$T/a" >"$I/$N"
    cmp "$T/a" "$I/$N"
    quick rm "$I/$N"
    (cat "$T/a" && cat "$T/b") >"$I/$N"
    cat "$T/a" "$T/b" | cmp - "$I/$N"
    quick rm "$I/$N"
    slowly dd if="$T/a" of="$I/$N" bs=1000 conv=fsync status=none
    cmp "$T/a" "$I/$N"
    quick rm "$I/$N"
    slowly curl -sSf -o "$I/$N" "file://$T/a"
    cmp "$T/a" "$I/$N"
    quick rm "$I/$N"
    quick touch "$I/$N"
    [ "$(glance_images "$N" '"\(.status) \(.size)"')" = "queued null" ]
}

@test "sparse files arrive with their holes as zeros" {
    truncate -s 20M "$T/sparse"
    printf x | dd of="$T/sparse" bs=1 seek=7000000 conv=notrunc status=none
    slowly cp --sparse=auto --reflink=auto "$T/sparse" "$I/$N"
    slowly cmp "$T/sparse" "$I/$N"
    truncate -s 5M "$T/hole"
    slowly cp "$T/hole" "$I/$N-hole"
    slowly cmp "$T/hole" "$I/$N-hole"
}

@test "qemu-img reads and writes images in place" {
    random 3000000 "$T/raw"
    qemu-img convert -f raw -O qcow2 "$T/raw" "$T/qcow2"
    slowly cp "$T/qcow2" "$I/$N"
    [ "$(slowly qemu-img info --output=json "$I/$N" | jq -r .format)" = qcow2 ]
    slowly qemu-img convert -f qcow2 -O raw "$I/$N" "$I/$N-raw"
    slowly cmp -n 3000000 "$T/raw" "$I/$N-raw"
}

@test "rsync makes and replaces images" {
    mkdir "$T/from"
    random 400000 "$T/from/$N"
    slowly rsync -a "$T/from/" "$I/"
    slowly cmp "$T/from/$N" "$I/$N"
    random 500000 "$T/from/$N"
    slowly rsync -a "$T/from/" "$I/"
    slowly cmp "$T/from/$N" "$I/$N"
    [ "$(glance_images "$N" .id | wc -l)" -eq 1 ]
    ! quick ls -a "$I" | grep -q "\.$N\."
}

@test "any offset, by any way of reading" {
    random 20000000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    [ "$(quick head -c 100 "$I/$N" | sha256sum)" = "$(head -c 100 "$T/in" | sha256sum)" ]
    quick tail -c 12345 "$I/$N" | cmp - <(tail -c 12345 "$T/in")
    for skip in 1 9999 12345678 19999999; do
        quick dd if="$I/$N" bs=1 skip=$skip count=10 status=none | cmp - <(dd if="$T/in" bs=1 skip=$skip count=10 status=none)
    done
    # pread and mmap, at many places at once.
    slowly "$BATS_TEST_DIRNAME/compare_reads.py" "$T/in" "$I/$N" 8000
}

@test "more files are open than there are connections" {
    random 1000000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    # Each on its own way through the image, past what the kernel keeps.
    slowly python3 - "$T/in" "$I/$N" <<'PY'
import mmap, os, sys
content = open(sys.argv[1], "rb").read()
images = [os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECT) for _ in range(60)]
block = mmap.mmap(-1, 131072)
for at in range(0, len(content), len(block)):
    for image in images:
        got = os.preadv(image, [block], at)
        if block[:got] != content[at:at + len(block)]:
            sys.exit(f"wrong bytes at {at}")
PY
}

@test "content never changes: no overwriting, no appending, no truncating, nothing out of order" {
    random 100000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    fails_with EPERM bash -c "$WRITE" write x "$I/$N"
    fails_with EPERM bash -c 'echo x >>"$1"' append "$I/$N"
    fails_with EPERM truncate -s 5 "$I/$N"
    fails_with EPERM python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR)' "$I/$N"
    slowly cmp "$T/in" "$I/$N"
    run slowly python3 - "$I/$N-order" <<'PY'
import errno, os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"x" * 1000)
for deed in (lambda: os.pwrite(fd, b"y", 10), lambda: os.close(fd)):
    try:
        deed()
    except OSError as e:
        print(errno.errorcode[e.errno])
PY
    [ "$output" = $'ESPIPE\nEIO' ]
}

@test "modes are visibility, and chmod o+r publishes" {
    random 1000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    # cp makes 0644: no wish to publish.
    [ "$(glance_images "$N" .visibility)" = shared ]
    [ "$(quick stat -c %a "$I/$N")" = 440 ]
    quick chmod o+r "$I/$N"
    [ "$(glance_images "$N" .visibility) $(quick stat -c %a "$I/$N")" = "public 444" ]
    quick chmod o-r "$I/$N"
    [ "$(glance_images "$N" .visibility) $(quick stat -c %a "$I/$N")" = "private 400" ]
    put community "$(by_id "$I/$N")/visibility"
    [ "$(quick stat -c %a "$I/$N")" = 444 ]
}

@test "images-by-id shows and sets attributes" {
    random 1000 "$T/in"
    slowly cp "$T/in" "$I/$N"
    D=$(by_id "$I/$N")
    cmp "$T/in" "$D/data"
    [ "$(quick cat "$D/status" "$D/size" "$D/disk_format" "$D/container_format" | tr '\n' ' ')" = "active 1000 raw bare " ]
    [ "$(quick cat "$D/hash")" = "sha512:$(sha512sum <"$T/in" | cut -d ' ' -f 1)" ]
    put 3 "$D/min_disk"
    put 512 "$D/min_ram"
    [ "$(quick cat "$D/min_disk" "$D/min_ram" | tr '\n' ' ')" = "3 512 " ]
    [ "$(quick jq -r '"\(.min_disk) \(.min_ram)"' "$D/json")" = "3 512" ]
    fails_with EINVAL bash -c "$WRITE" write lots "$D/min_disk"
    fails_with EINVAL bash -c "$WRITE" write maybe "$D/protected"
    fails_with EINVAL bash -c "$WRITE" write nobody "$D/visibility"
    fails_with EPERM bash -c "$WRITE" write 5 "$D/size"
    [ -e "$I/$N" ]
    put "$N-new" "$D/name"
    [ ! -e "$I/$N" ]
    cmp "$T/in" "$I/$N-new"
    quick rmdir "$D"
    [ -z "$(glance_images "$N-new" .id)" ]
    [ ! -e "$I/$N-new" ]
}

@test "a protected image can't be removed" {
    quick touch "$I/$N"
    put true "$(by_id "$I/$N")/protected"
    fails_with EPERM rm -f "$I/$N"
    fails_with EPERM rmdir "$(by_id "$I/$N")"
    quick touch "$I/$N-other"
    fails_with EPERM mv -f "$I/$N-other" "$I/$N"
    [ -e "$I/$N" ]
    [ -e "$I/$N-other" ]
    put false "$(by_id "$I/$N")/protected"
    quick rm "$I/$N"
}

@test "tags, members and properties" {
    quick touch "$I/$N"
    D=$(by_id "$I/$N")
    quick touch "$D/tags/blue" "$D/tags/a b"
    [ "$(glance_images "$N" '.tags | sort | join(",")')" = "a b,blue" ]
    [ "$(quick ls "$D/tags" | sort | tr '\n' ,)" = "a b,blue," ]
    quick rm "$D/tags/blue"
    [ "$(glance_images "$N" '.tags | join(",")')" = "a b" ]
    put linux "$D/properties/os_type"
    [ "$(glance_images "$N" .os_type)" = linux ]
    [ "$(quick cat "$D/properties/os_type")" = linux ]
    quick rm "$D/properties/os_type"
    [ "$(glance_images "$N" .os_type)" = null ]
    fails_with EPERM bash -c "$WRITE" write x "$D/properties/os_hash_value"
    member=$(printf '%032x' $$)
    quick mkdir "$D/members/$member"
    [ "$(quick ls "$D/members")" = "$member" ]
    [ "$(quick cat "$D/members/$member/status")" = pending ]
    fails_with EEXIST mkdir "$D/members/$member"
    quick rmdir "$D/members/$member"
    [ -z "$(quick ls "$D/members")" ]
}

@test "extended attributes are properties" {
    quick touch "$I/$N"
    quick setfattr -n user.glance.hw_disk_bus -v 'virtio "x"' "$I/$N"
    [ "$(glance_images "$N" .hw_disk_bus)" = 'virtio "x"' ]
    [ "$(quick getfattr --only-values -n user.glance.hw_disk_bus "$I/$N")" = 'virtio "x"' ]
    quick getfattr "$I/$N" | grep -q '^user.glance.hw_disk_bus$'
    quick setfattr -x user.glance.hw_disk_bus "$I/$N"
    [ -z "$(quick getfattr "$I/$N")" ]
    run quick setfattr -n user.other -v x "$I/$N"
    [ "$status" -ne 0 ]
}

@test "names: any that Glance has, and several images of one" {
    for name in 'a b' 'ü' "$(printf 'q"u\\o')" 'x%2Fy' 'in:this,that' '~12345678'; do
        # What looks like an escape is shown escaped, so it is written escaped too.
        file=$N${name//%/%25}
        quick touch "$I/$file"
        [ -n "$(glance_images "$N$name" .id)" ]
        quick ls "$I" | grep -qxF -- "$file"
        quick rm "$I/$file"
    done
    make_queued "$N/slash"
    quick ls "$I" | grep -qxF "$N%2Fslash"
    quick rm "$I/$N%2Fslash"
    for _ in 1 2; do make_queued "$N"; done
    oldest=$(curl -sSf --max-time 20 -G -H "X-Auth-Token: $TOKEN" --data-urlencode "name=eq:$N" -d sort=created_at:asc \
        "$(quick cat "$R/endpoints/image/public")/v2/images" | jq -r '.images[0].id')
    second=$(glance_images "$N" .id | grep -v "$oldest")
    [ -e "$I/$N" ]
    [ -e "$I/$N~${second:0:8}" ]
    fails_with EAGAIN cat "$I/$N"
    quick rm "$I/$N~${second:0:8}"
    [ "$(glance_images "$N" .id)" = "$oldest" ]
}

@test "who writes an image sees at once how much there is of it" {
    exec 5>"$I/$N"
    for size in 0 5000 10000 200000 400000; do
        head -c $((size - ${before:-0})) /dev/urandom >&5
        before=$size
        [ "$(quick stat -c %s "$I/$N")" -eq $size ]
    done
    exec 5>&-
    [ "$(quick stat -c %s "$I/$N")" -eq 400000 ]
}

@test "a writer that is killed leaves no image" {
    mkfifo "$T/pipe"
    bash -c 'exec 3>"$1"; head -c 3000000 /dev/zero >&3; echo written >"$2"; exec tail -f /dev/null' writer "$I/$N" "$T/pipe" &
    writer=$!
    quick cat "$T/pipe"
    [ -n "$(glance_images "$N" .id)" ]
    [ "$(quick stat -c %s "$I/$N")" -eq 3000000 ]
    kill -9 $writer
    wait $writer || true
    await_gone "$N"
    [ ! -e "$I/$N" ]
}

@test "more images than a page, listed once each" {
    quick touch "$I/$N-00000"
    # Their rows: Glance takes minutes to make and to delete so many. All are of one moment.
    sql_of_glance "INSERT INTO images (id, name, status, created_at, updated_at, deleted, owner, min_disk, min_ram, protected, visibility, os_hidden)
        SELECT UUID(), CONCAT('$N-', LPAD(seq, 5, '0')), status, created_at, updated_at, 0, owner, 0, 0, 0, visibility, 0
        FROM images JOIN seq_1_to_1099 WHERE name = '$N-00000'"
    slowly ls "$I" | grep -- "^$N-" >"$T/listed"
    [ "$(wc -l <"$T/listed")" -eq 1100 ]
    [ "$(sort -u "$T/listed" | wc -l)" -eq 1100 ]
    tail -n 40 "$T/listed" | sed "s|^|$I/|" | slowly xargs -d '\n' -P 4 -n 10 rm
    [ "$(slowly ls "$I" | grep -c -- "^$N-")" -eq 1060 ]
    sql_of_glance "DELETE FROM images WHERE name LIKE '$N-%' AND name <> '$N-00000' AND deleted = 0"
    slowly bash -c 'until [ "$(ls "$1" | grep "^$2-")" = "$2-00000" ]; do :; done' gone "$I" "$N"
}
