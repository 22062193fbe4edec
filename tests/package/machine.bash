# A clean Debian of release $SUITE in namespaces of its own, to install the packages of build/package/$SUITE in. What is done in it lies in
# an overlay, $MACHINE/upper, from one `inside` to the next.

CHECKOUT=$(realpath "$BATS_TEST_DIRNAME/../..")
PACKAGE=$CHECKOUT/build/package

# needed_by DEB…: the packages that they depend on or recommend, the first of alternatives, but for an engine and themselves.
needed_by() {
    local deb
    for deb; do dpkg-deb -f "$deb" Depends && dpkg-deb -f "$deb" Recommends; done |
        tr ',' '\n' | sed 's/([^)]*)//; s/|.*//; s/:any//; s/ //g; /^mcloudfs/d; /^docker.io$/d; /^$/d' | sort -u
}

# machine_root NAME [PACKAGE…]: what the machines of $SUITE that are called so begin with: systemd, what the packages need, and these.
machine_root() {
    local needed
    CLEAN=$PACKAGE/$1-$SUITE
    export CLEAN
    mapfile -t needed < <(needed_by "$PACKAGE/$SUITE"/mcloudfs*_*.deb | grep -v -- dbgsym)
    [ "${#needed[@]}" -gt 8 ]
    (cd "$CHECKOUT" && tests/engines/root "$SUITE" "$CLEAN" "${needed[@]}" dbus man-db systemd systemd-sysv util-linux "${@:2}")
    # a machine that people use has its manual pages
    rm -f "$CLEAN"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
}

# machine_debs: the packages in $DEBS: deb/, and before/, which says that it is of the version before.
machine_debs() {
    local deb scratch
    DEBS=$PACKAGE/debs-$SUITE
    export DEBS
    rm -rf "$DEBS"
    mkdir -p "$DEBS/deb" "$DEBS/before"
    for deb in "$PACKAGE/$SUITE"/mcloudfs_*.deb "$PACKAGE/$SUITE"/mcloudfs-recipes_*.deb; do
        cp "$deb" "$DEBS/deb/"
        scratch=$DEBS/scratch
        dpkg-deb -R "$deb" "$scratch"
        sed -i 's/^Version: .*/Version: 0.2.0~before/; s/(= [^)]*)/(= 0.2.0~before)/; s/(>= 0.2[^)]*)/(>= 0.2.0~before)/' "$scratch/DEBIAN/control"
        dpkg-deb -b "$scratch" "$DEBS/before/" >/dev/null
        rm -rf "$scratch"
    done
}

# machine_new [NAME…]: as it was delivered; with a file system that is no overlay for each NAME of /var/lib.
machine_new() {
    local name
    MACHINE=$PACKAGE/machine-$SUITE
    export MACHINE
    rm -rf --one-file-system "$MACHINE"
    mkdir -p "$MACHINE"/{upper,work,root,data}
    for name; do mkdir "$MACHINE/data/$name"; done
}

# machine_mounts: in a mount namespace that is there: the machine's file systems, and its packages at /debs.
machine_mounts() {
    local data
    shopt -s nullglob
    mount --make-rprivate /
    [ -z "${TINY:-}" ] || { mount -t tmpfs -o "size=$TINY" tiny "$MACHINE" && mkdir "$MACHINE"/{upper,work,root}; }
    mount -t overlay overlay -o "lowerdir=$CLEAN,upperdir=$MACHINE/upper,workdir=$MACHINE/work" "$MACHINE/root"
    mount -t proc proc "$MACHINE/root/proc"
    mount -t tmpfs tmp "$MACHINE/root/tmp"
    mount -t tmpfs -o mode=755 run "$MACHINE/root/run"
    mkdir -p "$MACHINE/root/debs"
    mount --bind "$DEBS" "$MACHINE/root/debs"
    for data in "$MACHINE"/data/*; do
        mkdir -p "$MACHINE/root/var/lib/${data##*/}"
        mount --bind "$data" "$MACHINE/root/var/lib/${data##*/}"
    done
    ip link set lo up
}

# inside COMMANDS: in the machine, without a service manager; all that they start ends with them.
inside() {
    export PACKAGE SUITE
    export -f machine_mounts
    # shellcheck disable=SC2016 # the inner shell's
    timeout -k 5 "${PATIENCE:-200}" unshare --mount --pid --net --fork --kill-child bash -euc '
        machine_mounts
        mount --rbind /dev "$MACHINE/root/dev"
        exec chroot "$MACHINE/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            bash -euo pipefail -c "$1"' - "$COMMON
$1"
}

# What the commands of a machine begin with.
# shellcheck disable=SC2034 # inside reads it
COMMON='
trap '"'"'echo "failed: $BASH_COMMAND" >&2'"'"' ERR
O=cloud=lab,base=127.103.0.0,allow_other
installed() { [[ $(dpkg-query -W -f "\${db:Status-Abbrev}" mcloudfs 2>/dev/null) == ?"i " ]]; }
lab() { mkdir -p /mnt/lab && mount -t mcloudfs lab /mnt/lab -o "$O" && test -e /mnt/lab/regions; }
'
