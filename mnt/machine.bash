# What mnt/up looks at before it does anything: whether this machine can run a cloud. One sentence for each thing that is missing. To be
# sourced after lib.bash.

root=                 # of the machine's files: /proc, /sys, /dev, /etc
disk_needed=4000      # MB for the images of the services, their making included, and a region
disk_needed_later=500 # MB once the images are there
memory_needed=650     # MB for a region, and for all that is not a region

release_of() { sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$root/etc/os-release" 2>/dev/null; }

check_release() {
    local name
    name=$(release_of PRETTY_NAME)
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "mnt/up installs Debian packages by apt-get, which this machine (${name:-of an unknown system}) hasn't got: take Debian 12 or 13"
        return 1
    fi
    case $(release_of ID)-$(release_of VERSION_ID) in
    debian-12 | debian-13 | ubuntu-24.04) ;;
    *) echo "note: mcloudfs is tried on Debian 12 and 13; this machine is ${name:-of an unknown system}" ;;
    esac
}

check_fuse() {
    if [ ! -e "$root/dev/fuse" ]; then
        modprobe fuse 2>/dev/null
        [ -e "$root/dev/fuse" ] ||
            { echo "there is no /dev/fuse, by which filesystems are mounted: modprobe fuse brings it, or, in a container, --device /dev/fuse" && return 1; }
    fi
    { : <>"$root/dev/fuse"; } 2>/dev/null ||
        { echo "/dev/fuse can't be opened: in a container, --device /dev/fuse and --cap-add SYS_ADMIN allow it" && return 1; }
    # bit 21: CAP_SYS_ADMIN
    (((0x$(sed -n 's/^CapEff:\t//p' "$root/proc/self/status") >> 21) & 1)) ||
        { echo "this root may not mount (it lacks CAP_SYS_ADMIN): in a container, --privileged or --cap-add SYS_ADMIN allows it" && return 1; }
}

# The nearest directory above $1 that is there.
existing() {
    local directory=$1
    until [ -d "$directory" ]; do directory=$(dirname "$directory"); done
    echo "$directory"
}

free_of() { df --output=avail --block-size=1M "$(existing "$1")" | tail -n 1 | tr -d ' '; }

# Whether the engine has images of ours: then most of what takes room is there.
has_images() {
    command -v curl >/dev/null &&
        curl -sf --max-time 5 --unix-socket "$SOCKET" --get --data-urlencode 'filters={"label":["org.mcloudfs.recipe"]}' \
            http://engine/images/json 2>/dev/null | grep -q mcloudfs/glance:
}

check_disk() {
    local where free needed=$disk_needed failed=0
    ! has_images || needed=$disk_needed_later
    for where in "$root/var/lib/docker" "$root/var/tmp"; do
        free=$(free_of "$where")
        ((free < needed)) || continue
        echo "$where has $free MB free, and needs $needed MB for images and a region: make room (docker image prune removes what no container uses)"
        failed=1
        [ "$(stat -c %d "$(existing "$root/var/lib/docker")")" != "$(stat -c %d "$(existing "$root/var/tmp")")" ] || break
    done
    return "$failed"
}

meminfo() { awk -v name="$1:" '$1 == name { print int($2 / 1024) }' "$root/proc/meminfo"; }

# $1 regions. What runs already has its memory: so it's the machine's size that counts.
check_memory() {
    local has needed=$((memory_needed * ($1 + 1)))
    has=$(($(meminfo MemTotal) + $(meminfo SwapTotal)))
    ((has >= needed)) ||
        { echo "this machine has $has MB of memory and swap, and needs $needed MB: $memory_needed MB for each region, as much for the rest" && return 1; }
}

# Only for an engine that is still to be started here.
check_cgroup() {
    [ "$(engine_state 2>/dev/null)" = none ] || return 0
    grep -Eq ' - cgroup2 |^.* - cgroup .*[ ,](memory|devices)' "$root/proc/self/mountinfo" ||
        { echo "no cgroup filesystem is mounted, without which no engine starts: mount -t cgroup2 none /sys/fs/cgroup" && return 1; }
}

# Where the images' packages are to come from. Debian's own say so once their lists are there, which step 1 sees to.
check_source() {
    local id
    [ -z "${MCLOUD_DEBIAN:-}" ] || return 0
    # indextargets knows none whose list was never fetched
    if [ -z "$(apt-get update --print-uris 2>/dev/null)" ]; then
        echo "apt has no package source: write Debian's to /etc/apt/sources.list.d, or, for the containers, name one by --debian URI"
        return 1
    fi
    id=$(release_of ID)
    [ "$id" = debian ] || has_images || [ -n "$(apt-get indextargets 'Created-By: Packages' 'Origin: Debian' 2>/dev/null)" ] ||
        { echo "the containers are made of Debian's packages, and this machine ($id) has no source of them: name one by --debian URI" && return 1; }
}

# check_machine REGIONS: all of it, each thing that is missing in one sentence.
check_machine() {
    local failed=0
    check_release || return 1
    check_fuse || failed=1
    check_disk || failed=1
    check_memory "$1" || failed=1
    check_cgroup || failed=1
    check_source || failed=1
    return "$failed"
}
