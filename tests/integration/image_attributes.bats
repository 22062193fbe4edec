# Attributes of images as users mend them: formats, properties by editors, and what a plain list leaves out.

load common.bash

# One login for all that is asked past the mount.
setup_file() {
    export TOKEN
    TOKEN=$(quick cat "$M/regions/Kista/token")
}

setup() {
    R=$M/regions/Kista
    I=$R/images
    N=attr-$BATS_TEST_NUMBER-$$
    T=$BATS_TEST_TMPDIR
    WRITE='echo "$1" >"$2"' # put, for fails_with
    GLANCE=$(quick cat "$R/endpoints/image/public")/v2
}

teardown() {
    local id
    for id in $(list os_hidden=true .id) $(list visibility=all .id); do
        glance "$id" -X DELETE >/dev/null || true
    done
    [ ! -d "$M/projects/Default/$N-child" ] || quick rmdir "$M/projects/Default/$N-child"
    [ ! -d "$M/projects/Default/$N" ] || quick rmdir "$M/projects/Default/$N"
    [ ! -d "$M/users/Default/$N" ] || quick rmdir "$M/users/Default/$N"
    tell_errors
}

# glance PATH [CURL'S OPTION…]: what Glance answers about image PATH, past the mount.
glance() { curl -sS --fail-with-body --max-time 20 -H "X-Auth-Token: $TOKEN" "$GLANCE/images${1:+/}$1" "${@:2}"; }

# list QUERY FIELD: of this test's images, past the mount.
list() { glance '' -G -d limit=1000 -d "$1" | jq -r --arg name "$N" ".images[] | select(.name | startswith(\$name)) | $2"; }

id_of() { list visibility=all .id | head -n 1; }

@test "a fixed VHD is one, though only its end tells" {
    # By qemu-img where it is there, else by hand: a disk, and the cookie in its last sector.
    qemu-img create -q -f vpc -o subformat=fixed,force_size=on "$T/vhd" 3M 2>/dev/null ||
        { head -c 3M /dev/urandom && printf conectix && head -c 504 /dev/zero; } >"$T/vhd"
    slowly cp "$T/vhd" "$I/$N"
    D=$R/images-by-id/$(id_of)
    [ "$(glance "$(id_of)" | jq -r '"\(.disk_format) \(.container_format) \(.status)"')" = "vhd bare active" ]
    [ "$(quick cat "$D/disk_format")" = vhd ]
    slowly cmp "$T/vhd" "$I/$N"
    # The signature anywhere else means nothing.
    { cat "$T/vhd" && head -c 512 /dev/zero; } >"$T/raw"
    slowly cp "$T/raw" "$I/$N-raw"
    [ "$(list visibility=all 'select(.name | endswith("raw")).disk_format')" = raw ]
}

@test "a format can be corrected, also of an image that has its content" {
    echo content >"$T/in"
    slowly cp "$T/in" "$I/$N"
    D=$R/images-by-id/$(id_of)
    put aki "$D/disk_format"
    put aki "$D/container_format"
    [ "$(quick cat "$D/disk_format" "$D/container_format" | tr '\n' ' ')" = "aki aki " ]
    [ "$(glance "$(id_of)" | jq -r '"\(.disk_format) \(.container_format)"')" = "aki aki" ]
    fails_with EINVAL bash -c "$WRITE" write nonsense "$D/disk_format"
    fails_with EINVAL bash -c "$WRITE" write '' "$D/container_format"
    [ "$(quick cat "$D/disk_format")" = aki ]
    slowly cmp "$T/in" "$I/$N"
    # Of one without content Glance does it by itself.
    glance '' -X POST -H 'Content-Type: application/json' -d "{\"name\":\"$N-queued\"}" >/dev/null
    id=$(list visibility=all 'select(.name | endswith("queued")).id')
    put qcow2 "$R/images-by-id/$id/disk_format"
    [ "$(glance "$id" | jq -r .disk_format)" = qcow2 ]
}

@test "properties that Glance looks at can be made, and are made when they are written" {
    echo content >"$T/in"
    slowly cp "$T/in" "$I/$N"
    id=$(id_of)
    P=$R/images-by-id/$id/properties
    put "$id" "$P/kernel_id"
    put "$id" "$P/ramdisk_id"
    put on_image_deletion "$P/cinder_encryption_key_deletion_policy"
    [ "$(glance "$id" | jq -r '"\(.kernel_id) \(.ramdisk_id) \(.cinder_encryption_key_deletion_policy)"')" = \
        "$id $id on_image_deletion" ]
    fails_with EINVAL bash -c "$WRITE" write other "$P/kernel_id"
    fails_with EINVAL bash -c "$WRITE" write '' "$P/ramdisk_id"
    # An empty one is said to be empty.
    put '' "$P/empty"
    [ "$(glance "$id" | jq -c .empty)" = '""' ]
    # What is never written is nothing.
    quick touch "$P/probe"
    quick bash -c 'exec 5>"$1/refused"; printf "a\0b" >&5' refused "$P" 2>/dev/null && return 1
    [ "$(glance "$id" | jq -c '[.probe, .refused]')" = '[null,null]' ]
    [ "$(quick ls -A "$P" | sort | tr '\n' ' ')" = "cinder_encryption_key_deletion_policy empty kernel_id ramdisk_id " ]
}

@test "editors and sed -i work on properties, and leave nothing" {
    echo content >"$T/in"
    slowly cp "$T/in" "$I/$N"
    id=$(id_of)
    P=$R/images-by-id/$id/properties
    put linux "$P/os_type"
    quick sed -i s/linux/windows/ "$P/os_type" 2>"$T/sed"
    [ ! -s "$T/sed" ]
    [ "$(quick cat "$P/os_type")" = windows ]
    [ "$(quick ls -A "$P")" = os_type ]
    for backup in 'set nobackup nowritebackup' 'set writebackup backupcopy=no' 'set writebackup backupcopy=yes' 'set backupcopy=auto'; do
        HOME=$T quick vim -u NONE -es -c 'set swapfile' -c "$backup" -c 's/.*/'"${backup: -3}"/ -c wq "$P/os_type" </dev/null >"$T/vim" 2>&1 ||
            true # it says that it has no swap file
        [ "$(quick cat "$P/os_type")" = "${backup: -3}" ]
        [ "$(quick ls -A "$P")" = os_type ]
    done
    # Over another one, in one step; not over an attribute, nor out of the image.
    put x "$P/other"
    quick mv "$P/other" "$P/os_type"
    [ "$(glance "$id" | jq -c '[.os_type, .other]')" = '["x",null]' ]
    [ "$(quick ls -A "$P")" = os_type ]
    put y "$P/other"
    quick mv -n "$P/other" "$P/os_type" || true
    [ "$(quick cat "$P/os_type" "$P/other" | tr '\n' ' ')" = "x y " ]
    fails_with EPERM mv -T "$P/other" "$P/status"
    # mv takes EINVAL for a directory that would go into itself.
    fails_with EINVAL python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$P/other" "$P/kernel_id"
    [ "$(quick ls -A "$P" | tr '\n' ' ')" = "os_type other " ]
    exec 5<"$P/other"
    quick mv "$P/other" "$P/moved"
    [ "$(quick cat "$P/moved")" = y ]
    exec 5<&-
    quick rm "$P/moved"
    [ "$(quick ls -A "$P")" = os_type ]
}

@test "hidden and deactivated images are shown, and what can't be read says why" {
    echo content >"$T/in"
    slowly cp "$T/in" "$I/$N"
    id=$(id_of)
    put true "$R/images-by-id/$id/os_hidden"
    [ "$(list os_hidden=true .id)" = "$id" ]
    [ -z "$(list visibility=all .id)" ]
    quick ls "$I" | grep -qx "$N"
    quick ls "$R/images-by-id" | grep -qx "$id"
    slowly cmp "$T/in" "$I/$N"
    # One of its name that isn't hidden goes before it.
    slowly cp "$T/in" "$I/$N-2"
    quick mv "$I/$N" "$I/$N-3"
    quick mv "$I/$N-2" "$I/$N"
    quick mv "$I/$N-3" "$I/$N-2"
    quick ls "$I" | grep -qx "$N-2"
    put false "$R/images-by-id/$id/os_hidden"
    [ "$(list visibility=all .name | sort | tr '\n' ' ')" = "$N $N-2 " ]
    glance "$id/actions/deactivate" -X POST
    [ "$(quick cat "$R/images-by-id/$id/status")" = deactivated ]
    [ "$(quick stat -c %s "$I/$N-2")" = 8 ]
    fails_with EACCES cat "$I/$N-2"
    quick tail -n 1 "$M/errors" | grep -q "the image is deactivated.*openstack image set --activate $id"
    glance "$id/actions/reactivate" -X POST
    slowly cmp "$T/in" "$I/$N-2"
}

@test "another project's community image is shown" {
    quick mkdir "$M/projects/Default/$N" "$M/users/Default/$N"
    put secret "$M/users/Default/$N/password"
    quick ln -s "../../../../../../users/Default/$N" "$M/projects/Default/$N/roles/member/users/$N"
    token=$(token_of Default "$N" secret "$N")
    TOKEN=$token glance '' -X POST -H 'Content-Type: application/json' \
        -d "{\"name\":\"$N\",\"visibility\":\"community\",\"disk_format\":\"raw\",\"container_format\":\"bare\"}" >/dev/null
    id=$(TOKEN=$token list visibility=community .id)
    printf hello | TOKEN=$token glance "$id/file" -X PUT -H 'Content-Type: application/octet-stream' --data-binary @-
    quick ls "$I" | grep -qx "$N"
    [ "$(slowly cat "$I/$N")" = hello ]
    [ "$(quick stat -c %a "$I/$N")" = 444 ]
}

@test "a project that others lie below can't go before them" {
    quick mkdir "$M/projects/Default/$N"
    curl -sSf --max-time 20 -o /dev/null -X POST -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \
        -d "{\"project\":{\"name\":\"$N-child\",\"domain_id\":\"default\",\"parent_id\":\"$(quick cat "$M/projects/Default/$N/id")\"}}" \
        "$(quick cat "$R/endpoints/identity/public")/projects"
    fails_with ENOTEMPTY rmdir "$M/projects/Default/$N"
    quick tail -n 1 "$M/errors" | grep -q 'other projects lie below this one'
    quick rmdir "$M/projects/Default/$N-child" "$M/projects/Default/$N"
}

@test "Glance fetches nothing for anybody from addresses of its own side" {
    glance '' -X POST -H 'Content-Type: application/json' \
        -d "{\"name\":\"$N\",\"disk_format\":\"raw\",\"container_format\":\"bare\"}" >/dev/null
    id=$(id_of)
    for url in http://127.0.0.1:9292/ http://localhost:9292/v2 http://keystone-Kista:5000/v3 http://mysql-Kista:3306/ http://0x7f000001:9292/ \
        "http://[::1]:9292/" http://example.org/; do
        run glance "$id/import" -X POST -H 'Content-Type: application/json' -d "{\"method\":{\"name\":\"web-download\",\"uri\":\"$url\"}}"
        [ "$status" -ne 0 ]
    done
    curl -sSf --max-time 20 -H "X-Auth-Token: $TOKEN" "$GLANCE/info/import" | jq -e '."import-methods".value | index("web-download") == null'
    [ "$(glance "$id" | jq -r .status)" = queued ]
}
