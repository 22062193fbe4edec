# What all integration tests share. The suite's cloud (setup_suite.bash) is mounted at $M, with the region Kista ready in it.
# Everything that touches a mount runs under `timeout`: a hang is a failure, not a wait.

MCLOUDFS=${MCLOUDFS:-$(dirname "${BASH_SOURCE[0]}")/../../build/mcloudfs}
SOCKET=${MCLOUD_SOCKET:-/run/docker.sock}
# Runs side by side on one engine: MCLOUD_TEST_RUN=1 (to 8) gives one clouds and addresses of its own.
# shellcheck disable=SC2034 # the files that load this name their clouds by it
RUN=${MCLOUD_TEST_RUN:+-$MCLOUD_TEST_RUN}

# quick COMMAND…: for what answers at once; slowly COMMAND…: for what may start or stop containers.
quick() { timeout -k 5 30 "$@"; }
slowly() { timeout -k 5 300 "$@"; }

engine() { curl -sS --fail-with-body --max-time 60 --unix-socket "$SOCKET" "http://engine/v1.41$1" "${@:2}"; }

LABEL=org.mcloudfs.cloud

# labelled CLOUD: what the engine holds of it, a line each: KIND (containers, volumes, networks), ID, NAME. The label is looked at in
# each object itself, here: a filter that went wrong would list, and `sweep` remove, what is somebody else's.
labelled() {
    local cloud=$1
    [[ $cloud == test-* ]] || { echo "not a test cloud: '$cloud'" >&2 && return 2; }
    engine '/containers/json?all=1' | jq -r --arg key "$LABEL" --arg cloud "$cloud" \
        '.[] | select(.Labels[$key] == $cloud) | "containers \(.Id) \(.Names[0])"'
    engine '/volumes' | jq -r --arg key "$LABEL" --arg cloud "$cloud" \
        '.Volumes // [] | .[] | select((.Labels // {})[$key] == $cloud) | "volumes \(.Name) \(.Name)"'
    engine '/networks' | jq -r --arg key "$LABEL" --arg cloud "$cloud" \
        '.[] | select((.Labels // {})[$key] == $cloud) | "networks \(.Id) \(.Name)"'
}

# The names of all that is left of cloud $1.
left_of() { labelled "$1" | cut -d ' ' -f 3; }

# remove PATH: what is gone already, as somebody was quicker, is as good.
remove() {
    local status
    status=$(curl -sS --max-time 60 --unix-socket "$SOCKET" -o /dev/null -w '%{http_code}' -X DELETE "http://engine/v1.41$1")
    [[ $status == 2* || $status == 404 ]] || { echo "DELETE $1: $status" >&2 && return 1; }
}

# Removes what an earlier run of cloud $1 may have left.
sweep() {
    local kind id _
    while read -r kind id _; do
        case $kind in
        containers) remove "/containers/$id?force=1&v=1" ;;
        volumes) remove "/volumes/$id" ;;
        networks) remove "/networks/$id" ;;
        esac
    done < <(labelled "$1")
}

# here 127.N.X.Y: that address, or what stands for it in this run.
here() {
    local rest=${1#127.}
    echo "127.$((${rest%%.*} + 20 * ${MCLOUD_TEST_RUN:-0})).${rest#*.}"
}

# mount_cloud CLOUD BASE DIRECTORY [OPTION…]: the mount is DIRECTORY/mnt, its secrets lie in DIRECTORY/state.
mount_cloud() {
    local cloud=$1 base directory=$3 options
    base=$(here "$2")
    shift 3
    mkdir -p "$directory/mnt" "$directory/state"
    options="cloud=$cloud,base=$base,state_dir=$directory/state,socket=$SOCKET${MCLOUD_TEST_RELEASE:+,release=$MCLOUD_TEST_RELEASE}"
    options+=${MCLOUD_TEST_TLS:+,tls=on}
    for option in "$@"; do options+=",$option"; done
    slowly "$MCLOUDFS" -o "$options" "$directory/mnt"
}

# cloud_up CLOUD BASE [OPTION…], for setup_file: the file's own cloud $CLOUD, empty, mounted at $M; its secrets lie in $DIRECTORY/state.
cloud_up() {
    export CLOUD=$1 DIRECTORY M
    DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/mcloudfs-$CLOUD.XXXXXX")
    M=$DIRECTORY/mnt
    sweep "$CLOUD"
    # whom curl and Python believe
    [ -z "${MCLOUD_TEST_TLS:-}" ] || export CURL_CA_BUNDLE=$M/ca.pem SSL_CERT_FILE=$M/ca.pem
    mount_cloud "$CLOUD" "$2" "$DIRECTORY" "${@:3}"
}

# cloud_down, for teardown_file: nothing of it is left.
cloud_down() {
    ! mountpoint -q "$M" || unmount "$M" || true
    sweep "$CLOUD"
    rm -rf "$DIRECTORY"
}

# tell_errors, for teardown: a test that failed shows what the daemon had to say.
tell_errors() { [ -n "$BATS_TEST_COMPLETED" ] || quick tail -n 8 "$M/errors" || true; }

# The daemon of the mount at $1, by what the kernel says of the mount's source and who holds the cloud's lock.
daemon_of() {
    local pid
    for pid in /proc/[0-9]*; do
        if tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -q "mcloudfs .*$1 *$"; then
            echo "${pid#/proc/}"
        fi
    done
}

unmount() { timeout 30 fusermount3 -u "$1" || timeout 30 fusermount3 -uz "$1"; }

# Waits for the end of process $1, which isn't a child: by news of its pidfd where tail has it.
await_exit() { timeout 60 tail --pid="$1" -f /dev/null; }

# kill_daemon: that of the mount at $M, without a word; then there is no mount.
kill_daemon() {
    local daemon
    daemon=$(daemon_of "$M")
    kill -9 "$daemon"
    await_exit "$daemon"
    quick fusermount3 -uz "$M"
}

# end_daemon: it ends by the unmount, and with it what holds the cloud.
end_daemon() {
    local daemon
    daemon=$(daemon_of "$M")
    unmount "$M"
    await_exit "$daemon"
}

# fails_with ERRNO COMMAND…: the command fails, and says what strerror(3) says for ERRNO.
fails_with() {
    local text
    case $1 in
    EPERM) text='Operation not permitted' ;;
    ENOENT) text='No such file or directory' ;;
    EEXIST) text='File exists' ;;
    EINVAL) text='Invalid argument' ;;
    EACCES) text='Permission denied' ;;
    EBUSY) text='Device or resource busy' ;;
    ENOTEMPTY) text='Directory not empty' ;;
    ENOSPC) text='No space left on device' ;;
    EAGAIN) text='Resource temporarily unavailable' ;;
    ECONNREFUSED) text='Connection refused' ;;
    ETIMEDOUT) text='Connection timed out' ;;
    E2BIG) text='Argument list too long' ;;
    EIO) text='Input/output error' ;;
    ENAMETOOLONG) text='File name too long' ;;
    EROFS) text='Read-only file system' ;;
    *) echo "no such errno: $1" >&2; return 2 ;;
    esac
    shift
    local output status=0
    output=$(LC_ALL=C timeout -k 5 60 "$@" 2>&1) || status=$?
    if ((status == 0)) || [[ $output != *"$text"* ]]; then
        printf 'expected: %s\nstatus: %s\noutput: %s\n' "$text" "$status" "$output" >&2
        return 1
    fi
}

# token_of DOMAIN USER PASSWORD PROJECT: a token, as region Kista's Keystone issues it, past the mount. All are of that domain.
token_of() {
    jq -nc --arg domain "$1" --arg user "$2" --arg password "$3" --arg project "$4" \
        '{auth: {identity: {methods: ["password"], password: {user: {name: $user, domain: {name: $domain}, password: $password}}},
            scope: {project: {name: $project, domain: {name: $domain}}}}}' |
        quick curl -sS --fail-with-body -o /dev/null -D - -H 'Content-Type: application/json' -d @- \
            "$(quick cat "$M/regions/Kista/endpoints/identity/public")/auth/tokens" | tr -d '\r' | sed -n 's/^x-subject-token: //Ip'
}

# image_of RECIPE: the name and tag of the image that this checkout's recipe makes.
image_of() { "$(dirname "${BASH_SOURCE[0]}")/../../backends/recipes/hash" "${MCLOUD_TEST_RELEASE:-}" | awk -v name="$1" '$1 == name { print "mcloudfs/" name ":" substr($2, 1, 12) }'; }

# in_container CONTAINER COMMAND…: runs it there; what it prints.
in_container() { in_container_as '' "$@"; }

# in_container_as USER CONTAINER COMMAND…: the same as that user, and not the image's own.
in_container_as() {
    local id
    id=$(jq -cn --arg user "$1" '{User: $user, Cmd: $ARGS.positional, AttachStdout: true, AttachStderr: true, Tty: true}' --args -- "${@:3}" |
        engine "/containers/$2/exec" -H 'Content-Type: application/json' -d @- | jq -r .Id)
    engine "/exec/$id/start" -H 'Content-Type: application/json' -d '{"Tty": true}' | tr -d '\r'
}

# put TEXT FILE, as a shell script would; for fails_with, which wants a command.
put() { quick bash -c 'echo "$1" >"$2"' put "$1" "$2"; }

# run_openstack ARGUMENT…: the real client with the login of region ${REGION:-Kista}.
run_openstack() {
    bash -c '. "$1" && shift && exec timeout 120 openstack "$@"' run_openstack "${M}/regions/${REGION:-Kista}/openrc" "$@"
}
