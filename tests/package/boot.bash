# A machine of machine.bash that systemd boots: in namespaces of its own, with a control group of its own.

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
    mkdir -p "$MACHINE/root/.old"
    cd "$MACHINE/root" || exit
    pivot_root . .old
    umount -l /.old
    exec env -i container=mcloudfs-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
}

# Where the kernel has its unified hierarchy.
unified() { findmnt --noheadings --first-only --types cgroup2 --output TARGET; }

# machine_boot: until systemd has started all that it is to start.
machine_boot() {
    CGROUP=$(unified)/mcloudfs-test-$SUITE-$$
    export CGROUP
    export -f machine_mounts machine_devices machine_init
    mkdir -p "$CGROUP"
    : >"$PACKAGE/boot-$SUITE.log"
    # shellcheck disable=SC2016 # the inner shell's
    bash -c 'echo $$ >"$CGROUP/cgroup.procs" &&
        exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child bash -euc machine_init' >>"$PACKAGE/boot-$SUITE.log" 2>&1 3>&- </dev/null &
    BOOT=$!
    export BOOT
    # the first process is bash until it has become systemd, which says by its private socket that it is there
    timeout 60 bash -c 'until [ -S "/proc/$(pgrep -P "$1")/root/run/systemd/private" ]; do :; done' - "$BOOT"
    there 'systemctl is-system-running --wait' || true
}

# there COMMANDS: in the machine that runs.
there() {
    timeout -k 5 "${PATIENCE:-100}" nsenter --target "$(pgrep -P "$BOOT")" --mount --pid --net --uts --ipc --cgroup --root --wd \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SYSTEMD_PAGER=cat bash -euo pipefail -c "$COMMON
$1"
}

# machine_off: as somebody who shuts it down; fails when that takes longer than a minute.
machine_off() {
    there 'systemctl --no-block start poweroff.target'
    timeout 60 tail --pid="$BOOT" -f /dev/null
}

# All of it ends with its first process; what is left of the control group is empty then.
machine_end() {
    local init
    init=$(pgrep -P "${BOOT:-0}") || init=
    if [ -n "$init" ]; then
        kill -KILL "$init"
        timeout 20 tail --pid="$init" -f /dev/null || true
    fi
    [ -z "${CGROUP:-}" ] || timeout 20 bash -c 'until find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done' || true # the kernel has no news of it
    rm -rf --one-file-system "$MACHINE"
}
