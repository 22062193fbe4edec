# What mnt/up and mnt/down do to a mount, and to what they are asked for. Mounts are stubs.

# shellcheck disable=SC2034,SC2154 # what the files that are sourced read and set
load common.bash
bats_require_minimum_version 1.5.0

setup() {
    cd "$CHECKOUT" || return
    . mnt/up
    . mnt/down
    calls=$BATS_TEST_TMPDIR/calls mount=$BATS_TEST_TMPDIR/mount
    mkdir "$mount"
    : >"$calls"
    stub fusermount3
    stub detached
    findmnt() { [ -z "${mounted:-}" ] || echo "$mounted"; }
    unset MCLOUD_OPTIONS SUDO_COMMAND
}

@test "a live mount that is slow is left as it is" {
    mounted=fuse.mcloudfs
    timeout() { [[ $* != *version* ]] || return 124; }
    run mount_cloud
    [ "$status" -eq 1 ]
    [[ $output == *"its daemon doesn't answer"* ]]
    [ ! -s "$calls" ]
}

@test "a mount whose daemon has gone is made anew" {
    mounted=fuse.mcloudfs
    timeout() {
        case $* in
        *version*) echo "cat: version: Transport endpoint is not connected" >&2 && return 1 ;;
        *fusermount3*) mounted='' && fusermount3 -uz ;;
        esac
    }
    mount_cloud
    called 'fusermount3 -uz'
    grep -q '^detached build/mcloudfs' "$calls"
}

@test "what isn't a cloud is not unmounted" {
    mounted=tmpfs
    run mount_cloud
    [ "$status" -eq 1 ]
    [[ $output == "something else is mounted"* ]]
    run unmount_cloud
    [ "$status" -eq 1 ]
    [ ! -s "$calls" ]
}

@test "a live mount that is in use is not unmounted behind its users' backs" {
    mounted=fuse.mcloudfs
    timeout() { [[ $* != *fusermount3* ]] || { echo "$*" >>"$calls" && echo 'fusermount3: busy' && return 1; }; }
    (cd "$mount" && exec tail --pid=$$ -f /dev/null 3>&-) &
    user=$!
    # the kernel tells when it is there
    command timeout 20 bash -c 'until [ "$(readlink /proc/$1/cwd)" = "$2" ]; do :; done' - "$user" "$mount"
    run unmount_cloud
    kill "$user"
    [ "$status" -eq 1 ]
    [[ $output == *"processes"*"$user"*"use it: fusermount3: busy" ]]
    run -1 grep -q -- -uz "$calls"
}

@test "a destruction whose daemon died on the way is not called done" {
    mkdir -p "$mount/regions/Kista"
    mounted=fuse.mcloudfs
    mount_state() { echo dead; }
    cat() { rm -rf "$mount/regions/Kista"; } # as it looks then
    run destroy_region Kista
    [ "$status" -eq 1 ]
    [[ $output == *"has gone before region Kista was destroyed"* ]]
}

@test "options come as arguments and by the environment" {
    regions=()
    MCLOUD_OPTIONS=ttl=5
    read_arguments -o cloud=lab,base=127.90.0.0 Kista -osocket=/some/where --debian http://archive/debian Solna
    [ "$MCLOUD_OPTIONS" = ttl=5,cloud=lab,base=127.90.0.0,socket=/some/where ]
    [ "${regions[*]}" = 'Kista Solna' ]
    [ "$SOCKET" = /some/where ] && [ "$MCLOUD_SOCKET" = /some/where ]
    [ "$MCLOUD_DEBIAN" = http://archive/debian ]
    run mnt/up -o
    [ "$status" -eq 2 ]
}

@test "what sudo drops of the environment is not passed over" {
    [ "$(id -u)" -eq 0 ] || skip "mnt/up asks for root first"
    # a stand-in for sudo: a process of that name, which calls with an environment of its own choice
    cp "$(command -v env)" "$BATS_TEST_TMPDIR/sudo"
    cat >"$BATS_TEST_TMPDIR/sudo.c" <<'TEXT'
#include <unistd.h>
#include <sys/wait.h>
int main(int n, char **argv)
{
	char *kept[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SUDO_COMMAND=x", "MCLOUD_SEED=1", NULL};
	int status = 0;
	if (fork() == 0)
		execve(argv[1], argv + 1, kept);
	wait(&status);
	return n < 2 || WEXITSTATUS(status);
}
TEXT
    gcc -o "$BATS_TEST_TMPDIR/sudo" "$BATS_TEST_TMPDIR/sudo.c"
    unset MCLOUD_TEST_RUN # of the run that this test is in
    MCLOUD_OPTIONS='cloud=lab' MCLOUD_SEED=1 run "$BATS_TEST_TMPDIR/sudo" "$CHECKOUT/mnt/up" Kista
    [ "$status" -eq 1 ]
    [ "$output" = "up: sudo drops MCLOUD_OPTIONS=cloud=lab from the environment; behind sudo it stays: sudo MCLOUD_OPTIONS=cloud=lab mnt/up Kista" ]
    MCLOUD_OPTIONS='cloud=lab' run "$BATS_TEST_TMPDIR/sudo" "$CHECKOUT/mnt/down"
    [ "$status" -eq 1 ]
    [[ $output == "down: sudo drops MCLOUD_OPTIONS"* ]]
}

@test "what a machine lacks is said in a sentence each" {
    root=$BATS_TEST_TMPDIR/machine
    mkdir -p "$root"/{proc/self,etc,var/lib,var/tmp,dev}
    printf 'MemTotal: 700000 kB\nSwapTotal: 0 kB\n' >"$root/proc/meminfo"
    printf '1 1 0:1 / / rw - ext4 /dev/vda rw\n' >"$root/proc/self/mountinfo"
    printf 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n' >"$root/etc/os-release"
    modprobe() { return 1; }
    free_of() { echo 1000; }
    engine_state() { echo none; }
    has_images() { return 1; }
    apt-get() { [[ $* == *Origin* ]] || echo Packages; }
    run check_machine 1
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[0]} == "there is no /dev/fuse"* ]]
    [[ ${lines[1]} == *"has 1000 MB free, and needs 4000 MB"* ]]
    [[ ${lines[2]} == "this machine has 683 MB of memory and swap, and needs 1300 MB"* ]]
    [[ ${lines[3]} == "no cgroup filesystem is mounted"* ]]
    [[ ${lines[4]} == *"this machine (ubuntu) has no source of them: name one by --debian URI" ]]
    # with images that are there a machine needs less
    has_images() { return 0; }
    run check_disk
    [ "$status" -eq 0 ]
    run check_source
    [ "$status" -eq 0 ]
}

@test "what takes long shows on the screen that it goes on, and its log is whole" {
    local number=4 steps=5 title=images step_since=$SECONDS screen=$BATS_TEST_TMPDIR/screen
    on_screen() { true; }
    : >"$screen"
    # ends when the screen has told twice that it is at the first image
    slow() {
        printf 'image 1/2 mcloudfs/keystone ...\nhalf a '
        timeout 20 bash -c 'until [ "$(grep -o "s  image 1/2" "$1" | wc -l)" -ge 2 ]; do :; done' - "$screen" || return
        printf 'line\nlast'
        return 3
    }
    run shown slow 3>"$screen"
    [ "$status" -eq 3 ]
    [ "$output" = $'image 1/2 mcloudfs/keystone ...\nhalf a line\nlast' ]
    grep -qE '\[4/5\] images +[1-9][0-9]* s  image 1/2 mcloudfs/keystone' "$screen"
}

@test "without a screen, only what begins is told" {
    local number=4 steps=5 title=images step_since=$SECONDS screen=$BATS_TEST_TMPDIR/screen
    said() { printf 'image 1/2 x ...\n[1/9] ninja\nelse\n'; }
    shown said 3>"$screen" >/dev/null
    [ "$(cat "$screen")" = $'\n      image 1/2 x ... ' ]
}
