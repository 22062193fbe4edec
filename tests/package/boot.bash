# A machine of machine.bash that systemd boots: in namespaces of its own, with a control group of its own.

# For `inside`: what belongs to a machine with devices and terminals is not there, and the journal is kept.
# shellcheck disable=SC2034 # what tests read
BOOTABLE='
ln -sf /dev/null /etc/systemd/system/systemd-udevd.service
ln -sf /dev/null /etc/systemd/system/getty.target
ln -sf /dev/null /etc/systemd/system/console-getty.service
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
mkdir -p /var/log/journal
'

# machine_devices: what a container has of /dev.
machine_devices() {
    local dev=$MACHINE/root/dev name
    mount -t tmpfs -o mode=755 dev "$dev"
    for name in null zero full random urandom tty fuse autofs; do
        : >"$dev/$name"
        mount --bind "/dev/$name" "$dev/$name"
    done
    mkdir "$dev/pts" "$dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$dev/pts"
    mount -t tmpfs shm "$dev/shm"
    ln -s pts/ptmx "$dev/ptmx"
    ln -s /proc/self/fd "$dev/fd"
}

# machine_init: becomes the machine's first process.
machine_init() {
    machine_mounts
    machine_devices
    mount -t sysfs -o ro sysfs "$MACHINE/root/sys"
    mount -t cgroup2 cgroup2 "$MACHINE/root/sys/fs/cgroup"
    # what is set there but for the network is the whole kernel's
    mount --rbind "$MACHINE/root/proc/sys/net" "$MACHINE/root/proc/sys/net"
    mount --rbind "$MACHINE/root/proc/sys" "$MACHINE/root/proc/sys"
    mount -o remount,bind,ro "$MACHINE/root/proc/sys"
    mkdir -p "$MACHINE/root/.old"
    cd "$MACHINE/root" || exit
    pivot_root . .old
    umount -l /.old
    # as on a machine: what is mounted later is seen by services that have a mount namespace of their own
    mount --make-rshared /
    exec env -i container=mcloudfs-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
}

# Where the kernel has its unified hierarchy.
unified() { findmnt --noheadings --first-only --types cgroup2 --output TARGET; }

# machine_boot: until systemd has started all that it is to start.
machine_boot() {
    machine_start
    there 'systemctl is-system-running --wait' || true
}

# machine_start: until systemd listens.
machine_start() {
    CGROUP=${CGROUP:-$(unified)/mcloudfs-test-$SUITE-$$}
    export CGROUP
    export -f machine_mounts machine_devices machine_init
    mkdir -p "$CGROUP"
    : >"$PACKAGE/boot-$SUITE.log"
    # shellcheck disable=SC2016 # the inner shell's
    bash -c 'echo $$ >"$CGROUP/cgroup.procs" &&
        exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child bash -euc machine_init' >>"$PACKAGE/boot-$SUITE.log" 2>&1 3>&- </dev/null &
    # by a file, as a test that starts it again is a process of its own
    echo "$!" >"$MACHINE/booted"
    # the first process is bash until it has become systemd, which says by its private socket that it is there
    timeout 60 bash -c 'until [ -S "/proc/$(pgrep -P "$1")/root/run/systemd/private" ]; do :; done' - "$(booted)"
}

# The process outside that ends with the machine; init: the machine's first process.
booted() { cat "$MACHINE/booted"; }
init() { [ -e "$MACHINE/booted" ] && pgrep -P "$(booted)"; }

# there COMMANDS: in the machine that runs.
there() {
    timeout -k 5 "${PATIENCE:-100}" nsenter --target "$(init)" --mount --pid --net --uts --ipc --cgroup --root --wd \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SYSTEMD_PAGER=cat bash -euo pipefail -c "$COMMON
$1"
}

# machine_off: as somebody who shuts it down; fails when that takes longer than a minute.
machine_off() {
    there 'systemctl --no-block start poweroff.target' && machine_ended 60
}

# machine_kill: without a word; all of it ends with its first process.
machine_kill() {
    local init
    init=$(init) || return 0
    kill -KILL "$init"
    machine_ended 20
}

# machine_ended SECONDS: waits so long for its end.
machine_ended() { timeout "$1" tail --pid="$(booted)" -f /dev/null && rm "$MACHINE/booted"; }

# What is left of the control group of a machine that has ended is empty.
machine_forget() {
    [ ! -d "${CGROUP:-}" ] || timeout 20 bash -c 'until find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done' # the kernel has no news of it
}

machine_end() {
    machine_kill || true
    machine_forget || true
    rm -rf --one-file-system "$MACHINE"
}
