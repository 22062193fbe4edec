# The packages in a clean Debian of release $SUITE: installed, upgraded, removed, purged. No engine runs there, and no region.

load machine.bash
bats_require_minimum_version 1.5.0

setup_file() {
    export SUITE=${SUITE:-bookworm}
    machine_root clean
    machine_debs
}

setup() { machine_new; }

teardown() { rm -rf --one-file-system "$MACHINE"; }

@test "installed: it mounts, and its recipes make the images of this checkout" {
    inside '
        dpkg -i /debs/deb/*.deb
        lab
        umount /mnt/lab
        printf "lab /mnt/lab mcloudfs %s,nofail,x-systemd.automount 0 0\n" "$O" >>/etc/fstab
        mount -a
        test -e /mnt/lab/regions
        umount /mnt/lab
        for page in mcloudfs mcloudfs-tree mount.mcloudfs mount.fuse.mcloudfs mcloudfs-images mcloudfs-top mcloudfs-report; do man -w "$page"; done
        test -L /usr/share/bash-completion/completions/echo
        mcloudfs --help | grep -F "\`mcloudfs-images NAME\`"
        run=$(mcloudfs-images zed 2>&1) && exit 1
        grep -F "no container engine answers at /run/docker.sock" <<<"$run"
        run=$(mcloudfs-images --nonsense 2>&1) && exit 1
        grep -F "usage: mcloudfs-images" <<<"$run"
        /usr/share/mcloudfs/recipes/hash >/debs/hashes'
    diff "$DEBS/hashes" <("$CHECKOUT/backends/recipes/hash")
}

@test "what looks at a cloud finds the one that is mounted, and leaves nothing behind" {
    run -0 inside '
        dpkg -i /debs/deb/*.deb >/dev/null
        mcloudfs-top && exit 1
        lab
        mcloudfs-top
        mcloudfs-report -o /tmp/report.tar.gz
        tar -xzOf /tmp/report.tar.gz --wildcards "*/daemon/arguments" | grep -x /mnt/lab
        mkdir /mnt/two
        mount -t mcloudfs other /mnt/two -o cloud=two,base=127.104.0.0
        mcloudfs-top && exit 1
        mcloudfs-report /mnt/two -o /tmp/two.tar.gz
        tar -xzOf /tmp/two.tar.gz --wildcards "*/about.json" | jq -e ".cloud == \"two\""
        umount /mnt/lab /mnt/two
        # nor are there files beside the package'"'"'s
        find /usr/share/mcloudfs -type f -exec dpkg -S {} + >/dev/null'
    [[ $output == *"mcloudfs-top: no cloud is mounted: mount one, or name its mount"* ]]
    [[ $output == *"no region yet"* ]]
    [[ $output == *"mcloudfs-top: 2 clouds are mounted, at /mnt/lab, /mnt/two: name the one that is meant"* ]]
}

@test "the dashboard and the alerts of this checkout are where observe.md says" {
    inside '
        dpkg -i /debs/deb/*.deb >/dev/null
        grep -o "/usr/share/mcloudfs/observe" /usr/share/doc/mcloudfs/observe.md
        cp /usr/share/mcloudfs/observe/* /debs/'
    cmp "$DEBS/dashboard.json" "$CHECKOUT/docs/observe/dashboard.json"
    cmp "$DEBS/alerts.yml" "$CHECKOUT/docs/observe/alerts.yml"
}

@test "systemd has nothing to say against the units" {
    inside '
        dpkg -i /debs/deb/*.deb >/dev/null
        cd /usr/share/doc/mcloudfs/examples
        for unit in mcloudfs@lab.service ./mnt-mcloud.mount ./mnt-mcloud.automount; do
            said=$(systemd-analyze verify "$unit" 2>&1) && [ -z "$said" ] || { echo "$unit: $said" && exit 1; }
        done'
}

@test "upgraded under a mounted cloud: it goes on, and who serves it is told" {
    run -0 inside '
        dpkg -i /debs/before/*.deb >/dev/null
        lab
        exec 3</mnt/lab/status
        dpkg -i /debs/deb/*.deb
        test -e /mnt/lab/regions
        cat <&3 >/dev/null
        exec 3<&-
        dpkg --audit
        umount /mnt/lab
        lab
        ! ls -l /proc/[0-9]*/exe 2>/dev/null | grep "mcloudfs (deleted)"'
    [[ $output == *"serves a cloud with the version before; unmount and mount it"* ]]
}

@test "an upgrade on a full disk leaves the version before, and is made good later" {
    # what dpkg and the package need beside what lies below
    TINY=64m run -0 inside '
        dpkg -i /debs/before/*.deb >/dev/null
        lab
        dd if=/dev/zero of=/filler bs=64k status=none 2>/dev/null && exit 1
        truncate -s -192K /filler
        dpkg -i /debs/deb/*.deb && exit 1
        test "$(dpkg-query -W -f "\${Version}" mcloudfs)" = 0.2.0~before
        mcloudfs --version
        test -e /mnt/lab/regions
        umount /mnt/lab
        lab
        rm /filler
        dpkg -i /debs/deb/*.deb
        installed
        test -z "$(dpkg --audit)"'
    [[ $output == *"No space left on device"* ]]
}

@test "removal is refused while somebody uses a cloud, and then unmounts it" {
    run -0 inside '
        dpkg -i /debs/deb/*.deb >/dev/null
        lab
        (cd /mnt/lab && exec tail -f /dev/null) &
        user=$!
        until [ "$(readlink /proc/$user/cwd)" = /mnt/lab ]; do :; done
        dpkg -r mcloudfs-recipes
        dpkg -r mcloudfs && exit 1
        echo "user: $user"
        installed
        test -e /mnt/lab/regions
        kill "$user"
        wait "$user" || true
        dpkg -r mcloudfs
        test ! -e /mnt/lab/regions
        test ! -e /usr/sbin/mount.mcloudfs'
    user=$(sed -n 's/^user: //p' <<<"$output")
    [[ $output == *"processes $user use the cloud that is mounted at /mnt/lab; end them, or unmount it, then remove the package"* ]]
    [[ $output == *"/mnt/lab is unmounted; its cloud runs on in the engine"* ]]
}

@test "purged: nothing is left but what people made" {
    run -0 inside '
        list() { find / -xdev \( -path /proc -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /debs \) -prune -o -print | sort; }
        mkdir -p /mnt/lab
        list >/tmp/before
        dpkg -i /debs/deb/*.deb >/dev/null
        lab
        mcloudfs-images 2>/dev/null || true
        dpkg -P mcloudfs mcloudfs-recipes
        list >/tmp/after
        diff /tmp/before /tmp/after
        ! ls /var/log | grep mcloudfs
        # what a cloud has made
        dpkg -i /debs/deb/*.deb >/dev/null
        install -d -m 700 /var/lib/mcloudfs /var/lib/mcloudfs/lab/data/database-Kista /etc/mcloudfs
        echo secrets >/var/lib/mcloudfs/lab.json
        echo OPTIONS=ro >/etc/mcloudfs/lab.conf
        dpkg -P mcloudfs
        test -s /var/lib/mcloudfs/lab.json -a -s /etc/mcloudfs/lab.conf -a -d /var/lib/mcloudfs/lab/data'
    [[ $output == *"the clouds' data stays in /var/lib/mcloudfs; rm -r /var/lib/mcloudfs removes it for ever"* ]]
}

@test "a cloud's data goes when purge is told so, and nothing runs on it" {
    run -0 inside '
        data=/var/lib/mcloudfs/lab/data/database-Kista
        dpkg -i /debs/deb/*.deb >/dev/null
        mkdir -p "$data" /srv/container
        echo secrets >/var/lib/mcloudfs/lab.json
        # as a container has it
        mount --bind "$data" /srv/container
        MCLOUD_PURGE=data dpkg -P mcloudfs
        test -s /var/lib/mcloudfs/lab.json
        umount /srv/container
        dpkg -i /debs/deb/mcloudfs_*.deb >/dev/null
        MCLOUD_PURGE=data dpkg -P mcloudfs
        test ! -e /var/lib/mcloudfs'
    [[ $output == *"containers run on the clouds' data, so it stays in /var/lib/mcloudfs"* ]]
}
