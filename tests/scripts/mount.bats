# mount(8), umount and an automount, as a user has them: the program stands where mount(8) looks for helpers, in a mount namespace of the
# test's own. The cloud has no region, and its engine isn't there.

load common.bash
bats_require_minimum_version 1.5.0

setup() {
    [ "$(id -u)" -eq 0 ] && [ -w /dev/fuse ] || skip "mounts need root and /dev/fuse"
    cd "$CHECKOUT" || return
    export MCLOUDFS=${MCLOUDFS:-$CHECKOUT/build/mcloudfs}
    D=$(realpath "$BATS_TEST_TMPDIR")
    export D M=$D/mnt BATS_TEST_DIRNAME
    mkdir "$D"/{mnt,state,sbin,work}
    # by number, so that runs side by side are two clouds
    export O=cloud=test-mount-$$,base=127.103.0.0,state_dir=$D/state,socket=$D/no.sock
}

# inside COMMANDS: in a mount namespace where the program is installed. What was mounted ends with it.
inside() {
    timeout -k 5 100 unshare --mount bash -euc '
        mount --make-rprivate /
        mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir="$D/sbin",workdir="$D/work" /usr/sbin
        cp "$MCLOUDFS" /usr/sbin/mcloudfs
        ln -sf mcloudfs /usr/sbin/mount.mcloudfs
        ln -sf mcloudfs /usr/sbin/mount.fuse.mcloudfs
        '"$1"
}

@test "mount returns when the mount answers, umount leaves nothing" {
    inside '
        for type in mcloudfs fuse.mcloudfs; do
            mount -t "$type" lab "$M" -o "$O,allow_other,noexec,_netdev,nofail,x-systemd.requires=x.service"
            findmnt --noheadings --output FSTYPE,SOURCE,OPTIONS "$M"
            test -e "$M/regions"
            umount "$M"
        done
        test ! -e "$M/regions"'
}

@test "a line of fstab is mounted with its options, once" {
    printf '%s\n' "lab $D/mnt mcloudfs $O,domain=a\\,b,nofail,x-systemd.automount 0 0" >"$D/fstab"
    inside '
        mount --bind "$D/fstab" /etc/fstab
        mount -a
        mount -a
        [ "$(findmnt --list --noheadings "$M" | wc -l)" -eq 1 ]
        daemon=$(pgrep -f "mount.mcloudfs lab $M")
        tr "\0" " " <"/proc/$daemon/cmdline" | grep -F "domain=a\\,b"
        umount "$M"'
}

@test "neither PATH nor HOME is needed" {
    inside '
        env -i /usr/sbin/mount.mcloudfs lab "$M" -o "rw,$O"
        test -e "$M/regions"
        umount "$M"'
}

@test "what is wrong is a sentence, and nothing is mounted" {
    mkdir "$D/full" && touch "$D/full/file" "$D/file"
    while IFS='|' read -r place option wanted sentence; do
        export place option
        run inside 'mount -t mcloudfs lab "$D/$place" -o "$O,$option"'
        [ "$status" -eq "$wanted" ] && [[ $output == *"mcloudfs: $sentence"* ]] || { echo "$place $option: $status $output" && return 1; }
    done <<'TEXT'
none||32|can't mount at
file||32|can't mount at
full||32|can't mount at
mnt|clod=x|1|unknown option "clod=x": did you mean cloud?
mnt|ttl=x|1|ttl=x: 0 to 3600 seconds are possible
mnt|remount|32|a mount of mcloudfs takes no other options while it lives
TEXT
    [ -z "$(ls "$D/state")" ]
}

@test "a mount that is there takes no other, no remount, and goes on" {
    run inside '
        mount -t mcloudfs lab "$M" -o "$O"
        mount -t mcloudfs other "$M" -o "$O,cloud=test-mount-other-$$" && exit 9
        mount -o remount,ro "$M" && exit 9
        mkdir "$D/second"
        MSG=$(mount -t mcloudfs lab "$D/second" -o "$O" 2>&1) && exit 9
        echo "$MSG"
        test -e "$M/regions"
        umount "$M"'
    [ "$status" -eq 0 ]
    [[ $output == *"a cloud is mounted at $M already: umount it, or mount at another directory"* ]]
    [[ $output == *"takes no other options while it lives: umount $M, and mount it anew"* ]]
    [[ $output == *"the cloud test-mount-$$ is mounted already"* ]]
}

@test "mount -f only looks, and mount -s passes over what is unknown" {
    inside '
        mount -f -t mcloudfs lab "$M" -o "$O"
        test ! -e "$M/regions"
        mount -s -t mcloudfs lab "$M" -o "$O,colour=red"
        test -e "$M/regions"
        umount "$M"'
}

@test "an automount's place is mounted by whom the kernel lets, while somebody waits there" {
    run inside '
        "$BATS_TEST_DIRNAME/automount.py" "$M" mount -t mcloudfs lab "$M" -o "$O,allow_other"
        findmnt --list --noheadings --output FSTYPE "$M"
        umount "$M"'
    [ "$status" -eq 0 ]
    [[ $output == *"entered: README"*"regions"* ]]
    [[ $output == *autofs*fuse.mcloudfs* ]]
}
