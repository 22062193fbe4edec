# At home on a machine: a clean Debian of release $SUITE, booted by its systemd, with Debian's engine. Somebody installs the packages, adds a
# line to fstab, and reboots. Real regions run in it, of images from an archive; the tests build on one another.

load machine.bash
load boot.bash
load ../observe/panels.bash
bats_require_minimum_version 1.5.0

setup_file() {
    export SUITE=${SUITE:-trixie} OBSERVED=lab M=/mnt/lab ADDRESS=127.0.0.1
    machine_root home bash-completion docker.io iproute2 iptables procps prometheus prometheus-node-exporter
    machine_debs
    images_archive
    cp "$CHECKOUT/tests/scripts/tab.py" "$DEBS/"
    # an engine unpacks no images on an overlay
    machine_new docker containerd mcloudfs
    inside "$BOOTABLE" >&2
    machine_boot
}

teardown_file() { machine_end; }

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || there 'systemctl --no-pager --failed; journalctl --no-pager -b -n 20 -u "mnt-*" || true; tail -n 5 /mnt/lab/errors; cat /mnt/lab/status' ||
        tail -n 40 "$PACKAGE/boot-$SUITE.log"
}

# The images as the machine's own engine has them, in an archive that is kept for the next time.
images_archive() {
    local archive
    archive=$PACKAGE/images-$("$CHECKOUT/backends/recipes/hash" | sha256sum | cut -c 1-12).tar
    if [ ! -s "$archive" ]; then
        rm -f "$PACKAGE"/images-*.tar
        "$CHECKOUT/backends/recipes/build" --save "$archive" >&2
    fi
    ln "$archive" "$DEBS/images.tar"
}

# quick COMMAND…: in the machine.
quick() {
    timeout -k 5 30 nsenter --target "$(init)" --mount --pid --net --uts --ipc --cgroup --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# reboot: as somebody who wants it; crash: as a machine that breaks down.
reboot() { machine_off && machine_forget && machine_start; }
crash() { machine_kill && machine_forget && machine_start; }

# all_ready REGION…: by news of it, as nobody asks for it. when_ready REGION…: and says how long it took.
COMMON+='
show() { systemctl show --property="$2" --value "$1"; }
all_ready() {
    local region
    systemctl start mnt-lab.mount
    exec 7</mnt/lab/events
    timeout 30 cat /mnt/lab/status >/dev/null
    for region; do
        until [ "$(timeout 30 cat "/mnt/lab/regions/$region/state")" = ready ]; do timeout 200 head -n 1 <&7 >/dev/null; done
    done
    exec 7<&-
}
when_ready() {
    local now unit
    all_ready "$@"
    now=$(python3 -c "import time; print(time.monotonic_ns() // 1000)")
    systemctl is-system-running --wait || true
    set -- "$now" "$(systemctl show --property=UserspaceTimestampMonotonic --value)"
    for unit in docker.service mnt-lab.mount multi-user.target; do set -- "$@" "$(show "$unit" ActiveEnterTimestampMonotonic)"; done
    awk "BEGIN { printf \"# after the start of init: engine %.1f s, mount %.1f s, multi-user.target %.1f s, all regions ready %.1f s\n\",
        ($3 - $2) / 1e6, ($4 - $2) / 1e6, ($5 - $2) / 1e6, ($1 - $2) / 1e6 }"
}
'

@test "the two packages are installed, and the images come from an archive" {
    PATIENCE=400 there '
        systemctl is-active docker
        dpkg -i /debs/deb/*.deb
        mcloudfs-images --load /debs/images.tar
        mcloudfs-images | grep "up to date"'
}

@test "a line of fstab, as README.Debian has it, and a reboot: the cloud is there, and regions start" {
    there 'sed -n "s/^ *\(lab .*\)/\1/p" /usr/share/doc/mcloudfs/README.Debian | tee -a /etc/fstab | grep -c .'
    reboot
    PATIENCE=400 there '
        systemctl start mnt-lab.mount
        mkdir /mnt/lab/regions/Kista
        [ "$(timeout 200 cat /mnt/lab/regions/Kista/wait)" = ready ]
        mkdir /mnt/lab/regions/Solna
        [ "$(timeout 200 cat /mnt/lab/regions/Solna/wait)" = standby ]
        echo start >/mnt/lab/regions/Solna/replication/ctl
        [ "$(timeout 200 cat /mnt/lab/regions/Solna/wait)" = ready ]
        head -c 3000000 /dev/urandom >/root/image
        cp /root/image /mnt/lab/regions/Kista/images/first'
}

@test "after a reboot all regions are ready, and nobody has asked for it" {
    reboot
    PATIENCE=400 run -0 there '
        when_ready Kista Solna
        cmp /root/image /mnt/lab/regions/Kista/images/first
        [ "$(cat /mnt/lab/regions/Kista/role)" = master ]'
    grep '^# after' <<<"$output" >&3
}

@test "after a machine broke down, too" {
    crash
    PATIENCE=400 run -0 there '
        when_ready Kista Solna
        cmp /root/image /mnt/lab/regions/Kista/images/first
        [ "$(cat /mnt/lab/regions/Kista/role)" = master ]'
    grep '^# after' <<<"$output" >&3
}

@test "Tab completes verbs, options and clouds in a shell as Debian sets it up" {
    there '
        becomes() { got=$(/debs/tab.py bash /etc/skel/.bashrc "$1" "${3:-/}") && [ "${got% }" = "$2" ] || { echo "\"$1\" becomes \"$got\", not \"$2\"" && exit 1; }; }
        becomes "echo repa^ >/mnt/lab/regions/Kista/ctl" "echo repair >/mnt/lab/regions/Kista/ctl"
        becomes "echo prom" "echo promote" /mnt/lab/regions/Solna
        becomes "mcloudfs -o cloud=l" "mcloudfs -o cloud=lab"
        becomes "mount.mcloudfs -o repl" "mount.mcloudfs -o replicate="'
}

@test "the dashboard is loaded from where it is installed, and each panel shows something" {
    local installed
    installed=/proc/$(init)/root/usr/share/mcloudfs/observe
    # as observe.md says it
    there '
        mkdir -p /var/lib/prometheus/node-exporter
        ln -s /mnt/lab/metrics /var/lib/prometheus/node-exporter/lab.prom
        cat >/etc/prometheus/prometheus.yml <<TEXT
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [/usr/share/mcloudfs/observe/alerts.yml]
scrape_configs: [{job_name: node, static_configs: [{targets: ["localhost:9100"]}]}]
TEXT
        systemctl restart prometheus-node-exporter prometheus
        promtool check metrics </mnt/lab/metrics'
    has_numbers 'mcloudfs_build_info{cloud="lab"}'
    all_panels "$installed/dashboard.json"
    label_has cloud mcloudfs_build_info lab
    label_has region mcloudfs_region_state Kista Solna
    all_alerts "$(grep -c -- '- alert:' "$installed/alerts.yml")"
}

@test "what looks at the cloud needs no path, and a report has no secret" {
    run -0 there '
        mcloudfs-top
        mcloudfs-report -o /root/report.tar.gz
        tar -xzOf /root/report.tar.gz --wildcards "*/about.json" | jq -e ".secrets_known and .cloud == \"lab\" and .unread == []"
        mkdir /root/report
        tar -xzf /root/report.tar.gz -C /root/report --strip-components 1
        cp -r /root/report /var/lib/mcloudfs/lab.json /debs/'
    [[ $output == *"9 containers, 9 serve"* ]]
    find "$DEBS/report" -type f -exec python3 "$CHECKOUT/tests/leaks.py" "$DEBS/lab.json" {} +
}

@test "the package is not removed under somebody's feet; removed, it leaves the regions running, and finds them when it is back" {
    PATIENCE=300 run -0 there '
        (cd /mnt/lab && exec tail -f /dev/null) &
        user=$!
        until [ "$(readlink /proc/$user/cwd)" = /mnt/lab ]; do :; done
        dpkg -r mcloudfs && exit 1
        installed
        test -e /mnt/lab/regions
        kill "$user"
        wait "$user" || true
        dpkg -r mcloudfs
        ! grep fuse.mcloudfs /proc/self/mounts || exit 1
        become() { until [ "$(show "$1" "$2")" = "$3" ]; do sleep 0.1; done; } # systemctl has no wait for a property
        become mnt-lab.mount ActiveState inactive
        [ "$(curl -sS --unix-socket /run/docker.sock http://engine/containers/json | jq length)" -eq 9 ]
        dpkg -i /debs/deb/mcloudfs_*.deb
        all_ready Kista Solna'
    [[ $output == *"use the cloud that is mounted at /mnt/lab; end them, or unmount it, then remove the package"* ]]
    [[ $output == *"/mnt/lab is unmounted; its cloud runs on in the engine"* ]]
}

@test "with regions that run, the machine is shut down, and nothing hangs" {
    local said
    there 'echo turned-off-now | systemd-cat'
    machine_off
    said=$(inside 'journalctl --no-pager --directory /var/log/journal' | sed '1,/turned-off-now/d')
    [[ $said == *"Unmounted mnt-lab.mount"* ]]
    run ! grep -iE "timed out|failed (un)?mount" <<<"$said"
}
