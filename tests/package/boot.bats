# A Debian of release $SUITE with the packages, booted by its systemd: what is mounted at boot, comes back when it is killed, and ends with
# the machine. The tests build on one another, but for the last. No region runs there; the engine is a stand-in (engine.py).

load machine.bash
load boot.bash
bats_require_minimum_version 1.5.0

setup_file() {
    export SUITE=${SUITE:-bookworm}
    machine_root clean
    machine_debs
    machine_new
    # lab: a unit; two: a line of fstab; three: the same, when somebody enters; four to seven: lines that are wrong
    inside "$BOOTABLE"'
        dpkg -i /debs/before/*.deb
        mkdir -p /etc/mcloudfs /mnt/full /etc/systemd/system/mcloudfs@lab.service.d /srv/other
        touch /mnt/full/file /mnt/file
        echo "OPTIONS=allow_other,base=127.103.0.0,socket=/debs/docker.sock" >/etc/mcloudfs/lab.conf
        printf "[Service]\nWatchdogSec=4s\n" >/etc/systemd/system/mcloudfs@lab.service.d/quick.conf
        line="nofail,x-systemd.mount-timeout=60s,base=127.104.0.0"
        cat >>/etc/fstab <<TEXT
two /mnt/two mcloudfs cloud=two,$line 0 0
three /mnt/three mcloudfs cloud=three,noauto,x-systemd.automount,domain=a\\,b,$line 0 0
four /mnt/four mcloudfs clod=four,$line 0 0
five /mnt/full mcloudfs cloud=five,$line 0 0
six /mnt/six mcloudfs cloud=two,noauto,$line 0 0
seven /mnt/file mcloudfs cloud=seven,$line 0 0
TEXT
        sed "s/^Description=.*/Description=another of the same cloud/; s/cloud=%i/cloud=lab/; s/^Environment=.*/Environment=MOUNTPOINT=\\/srv\\/other OPTIONS=ro/; /^EnvironmentFile/d" \
            /usr/lib/systemd/system/mcloudfs@.service >/etc/systemd/system/other.service
        systemctl enable mcloudfs@lab.service' >&2
    machine_boot
}

teardown_file() {
    [ -z "${ENGINE:-}" ] || kill "$ENGINE" 2>/dev/null || true
    machine_end
}

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || there 'systemctl --no-pager status "mcloudfs@*" "mnt-*" || true; journalctl --no-pager -n 60' || tail -n 40 "$PACKAGE/boot-$SUITE.log"
}

# become UNIT PROPERTY VALUE: waits until that is so, as systemd says it.
COMMON+='
show() { systemctl show --property="$2" --value "$1"; }
become() { until [ "$(show "$1" "$2")" = "$3" ]; do sleep 0.1; done; } # systemctl has no wait for a property
'

@test "after boot the unit serves and says how, and what fstab has is mounted" {
    there '
        [ "$(show mcloudfs@lab ActiveState)" = active ]
        [ "$(show mcloudfs@lab StatusText)" = "Serves the cloud lab at /mnt/lab" ]
        test -e /mnt/lab/regions
        [ "$(show mcloudfs@lab OOMScoreAdjust)" = -800 ] # containers may not let it be set
        test -e /mnt/two/regions # which was no directory before
        grep -q " /mnt/three autofs " /proc/self/mounts'
}

@test "who enters the automount finds the cloud" {
    there '
        timeout 60 ls /mnt/three | grep -qx regions
        grep -q " /mnt/three fuse.mcloudfs " /proc/self/mounts
        systemctl stop mnt-three.mount
        timeout 60 test -e /mnt/three/regions'
}

@test "lines of fstab that are wrong are told in the journal, and mount nothing" {
    there '
        for unit in mnt-four mnt-full mnt-file; do [ "$(show $unit.mount ActiveState)" = failed ]; done
        systemctl start mnt-six.mount && exit 1
        journalctl -u mnt-four.mount | grep -F "unknown option \"clod=four\": did you mean cloud?"
        journalctl -u mnt-full.mount | grep -F "the mount would hide what is in it"
        journalctl -u mnt-file.mount | grep -F "can'"'"'t mount at /mnt/file: it is no directory"
        journalctl -u mnt-six.mount | grep -F "the cloud two is mounted already"
        [ "$(ls /mnt/full)" = file ]
        ! ls /var/lib/mcloudfs | grep -E "four|five|seven"'
}

@test "a killed daemon: readers get an error, and the mount comes back by itself" {
    there '
        exec 3</mnt/lab/metrics
        kill -KILL "$(show mcloudfs@lab MainPID)"
        (cat <&3 2>&1 || true) | grep "not connected"
        become mcloudfs@lab NRestarts 1
        become mcloudfs@lab ActiveState active
        test -e /mnt/lab/regions
        [ "$(grep -c " /mnt/lab fuse.mcloudfs " /proc/self/mounts)" -eq 1 ]'
}

@test "a mount that doesn't answer is mounted anew by the watchdog" {
    there '
        kill -STOP "$(show mcloudfs@lab MainPID)"
        become mcloudfs@lab NRestarts 2
        become mcloudfs@lab ActiveState active
        timeout 20 test -e /mnt/lab/regions
        journalctl -u mcloudfs@lab | grep -F "mcloudfs@lab.service: Watchdog timeout"'
}

@test "an engine that is later than the mount is found" {
    there '! timeout 20 cat /mnt/lab/version'
    "$BATS_TEST_DIRNAME/engine.py" "$DEBS/docker.sock" 3>&- >"$PACKAGE/engine-$SUITE.log" 2>&1 &
    ENGINE=$!
    echo "$ENGINE" >"$DEBS/engine.pid"
    there 'until timeout 20 cat /mnt/lab/version 2>/dev/null | grep "docker 20.10.24"; do sleep 0.1; done'
    kill "$ENGINE"
}

@test "a second unit of one cloud fails with a sentence, once, and the first goes on" {
    there '
        systemctl start other.service && exit 1
        [ "$(show other StatusText)" = "the cloud lab is mounted already, and two daemons would fight over it" ]
        [ "$(show other ActiveState)" = failed -a "$(show other NRestarts)" = 0 ]
        journalctl -u other | grep -F "two daemons would fight over it"
        test -e /mnt/lab/regions -a ! -e /srv/other/regions'
}

@test "a unit whose settings are wrong says so in its status and the journal, mounts nothing, and is not tried again" {
    there '
        fails() { # NAME SETTING SENTENCE
            echo "$2" >"/etc/mcloudfs/$1.conf"
            systemctl start "mcloudfs@$1" && exit 1
            [ "$(show "mcloudfs@$1" StatusText)" = "$3" ]
            journalctl -u "mcloudfs@$1" | grep -F -- "$3"
            [ "$(show "mcloudfs@$1" ActiveState)" = failed -a "$(show "mcloudfs@$1" NRestarts)" = 0 ]
            ! ls /var/lib/mcloudfs | grep "^$1" || exit 1
        }
        before=$(grep -c fuse.mcloudfs /proc/self/mounts)
        fails option OPTIONS=clod=x "unknown option \"clod=x\": did you mean cloud?"
        fails file MOUNTPOINT=/mnt/file "can'"'"'t mount at /mnt/file: it is no directory"
        fails missing MOUNTPOINT=/mnt/file/below "can'"'"'t mount at /mnt/file/below: Not a directory"
        fails full MOUNTPOINT=/mnt/full "can'"'"'t mount at /mnt/full: the mount would hide what is in it; empty it, or mount with -o nonempty"
        fails busy MOUNTPOINT=/mnt/two "a cloud is mounted at /mnt/two already: umount it, or mount at another directory"
        test -e /mnt/two/regions
        [ "$(grep -c fuse.mcloudfs /proc/self/mounts)" = "$before" ]'
}

@test "an upgrade starts the unit anew, but not while somebody uses its mount" {
    there '
        before=$(show mcloudfs@lab MainPID)
        exec 3</mnt/lab/README
        dpkg -i /debs/deb/*.deb 2>&1 | grep "process $before serves a cloud with the version before"
        [ "$(show mcloudfs@lab MainPID)" = "$before" ]
        cat <&3 >/dev/null
        exec 3<&-
        dpkg -i /debs/deb/*.deb
        [ "$(show mcloudfs@lab MainPID)" != "$before" ]
        readlink "/proc/$(show mcloudfs@lab MainPID)/exe" | grep -x /usr/sbin/mcloudfs
        test -e /mnt/lab/regions -a -e /mnt/two/regions'
}

@test "the machine is shut down with all of it mounted, and nothing hangs" {
    local said
    there 'test -e /mnt/three/regions; echo turned-off-now | systemd-cat'
    machine_off
    # what it said from then on, which is kept
    said=$(inside 'journalctl --no-pager --directory /var/log/journal' | sed '1,/turned-off-now/d')
    for line in 'Unmounted mnt-two.mount' 'Unmounted mnt-three.mount' 'Stopped mcloudfs@lab.service'; do
        [[ $said == *"$line"* ]] || { echo "not said: $line"$'\n'"$said" && return 1; }
    done
    run ! grep -iE "timed out|SIGKILL|failed (un)?mount" <<<"$said"
}
