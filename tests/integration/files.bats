# What shells, crawlers and archivers do with files: values in parts, walks that end, sizes, other ways to the mount. Uses the suite's cloud.

# shellcheck disable=SC2016 # what is quoted is for the shells that are tried

load common.bash

setup() {
    R=$M/regions/Kista
    P=$M/projects/Default/t-files
    quick mkdir -p "$P"
}

teardown() {
    tell_errors
    quick rmdir "$P" "$M"/users/Default/t-files* 2>/dev/null || true
}

# write COMMAND: runs it in a bash that stands in the project.
write() { (cd "$P" && quick bash -c "$1"); }
# All that services and the engine were asked.
requests() { quick awk '/^mcloudfs_backend_calls_total/ { n += $2 } END { print n }' "$M/metrics"; }
described() { quick cat "$P/description"; }

@test "a value is written in parts, behind what it has, or emptied" {
    local long
    long=$(head -c 5000 /dev/zero | tr '\0' a)
    write 'printf "line one\nline two\n" >description'
    [ "$(described)" = $'line one\nline two' ]
    write 'echo three >>description'
    [ "$(described)" = $'line one\nline two\nthree' ]
    write 'x=$(head -c 5000 /dev/zero | tr "\0" a); echo "$x" >description'
    [ "$(described)" = "$long" ]
    write ': >description'
    [ -z "$(described)" ]
    write 'echo x | tee description; truncate -s 0 description'
    [ -z "$(described)" ]
    write 'echo x >description; cp /dev/null description'
    [ -z "$(described)" ]
    write 'python3 -c "import sys; print(*range(3000), file=open(sys.argv[1], \"w\"))" description'
    [ "$(described)" = "$(python3 -c 'print(*range(3000))')" ]
    write 'seq 100 | dd bs=100 of=description status=none'
    [ "$(described)" = "$(seq 100)" ]
}

@test "a part that is refused puts the value back; what can't be empty says so at close" {
    write 'echo before >description'
    fails_with EINVAL bash -c 'printf "one\n\001\n" >"$1"' bash "$P/description"
    [ "$(described)" = before ]
    fails_with E2BIG bash -c 'head -c 70000 /dev/zero | tr "\0" a | dd bs=30000 of="$1"' bash "$P/description"
    [ "$(described)" = before ]
    fails_with EINVAL cp /dev/null "$P/enabled"
    fails_with EINVAL truncate -s 0 "$P/enabled"
    [ "$(quick cat "$P/enabled")" = true ]
    put false "$P/enabled"
    [ "$(quick cat "$P/enabled")" = false ]
    # What edits a file by another one beside it can't, and leaves nothing behind.
    fails_with EPERM sed -i s/before/after/ "$P/description"
    [ "$(described)" = before ]
    [ -z "$(quick find "$P" -name 'sed*' -o -name '*.sw*')" ]
}

@test "each line written to a control file is a command" {
    local C=$M/containers/memcached-Kista
    slowly bash -c 'printf "pause\nunpause\n" >"$1/ctl"' bash "$C"
    [ "$(quick cat "$C/state")" = running ]
    fails_with EINVAL bash -c 'printf "pause\nnonsense\nunpause\n" | cat >"$1/ctl"' bash "$C"
    quick tail -n 1 "$M/errors" | grep -q 'line 2: "nonsense"'
    [ "$(quick cat "$C/state")" = paused ]
    # The engine calls what was paused unhealthy until its next check has passed.
    exec 7<"$M/events"
    put unpause "$C/ctl"
    [ "$(quick cat "$R/state")" = ready ] || timeout 30 grep -m 1 '"ready"' <&7
    exec 7<&-
}

@test "sizes of what memory or a list has are true before anybody has read it" {
    local file
    for file in "$R"/{state,role,address,created,wait,ctl,openrc} "$M"/{status,status.json,clouds.yaml,README} "$M"/containers/glance-Kista/{id,state}; do
        [ "$(quick stat -c %s "$file")" -gt 0 ] || { echo "$file" && return 1; }
    done
    [ "$(quick stat -c %s "$R/error")" = 0 ]
    # The list and the stats of what it tells, within one second.
    quick python3 - "$M/users/Default" <<'SCRIPT'
import os, sys
for _ in range(20):
    os.listdir(sys.argv[1])
    sizes = [os.stat(f"{sys.argv[1]}/admin/{name}").st_size for name in ("id", "enabled")]
    if sizes == [33, 5]:
        sys.exit(0)
sys.exit(f"{sizes}")
SCRIPT
    quick tar -C "$M" -cf - status.json regions/Kista/openrc | quick tar -xOf - | grep -q OS_PASSWORD
}

@test "tar of a mount that nobody has read stores empty what is empty, or what SEMANTICS.md names" {
    local name
    # Another mount of the same cloud, as fresh as one can be; lists and stats come within its ttl.
    quick cp "$M/clouds.yaml" "$BATS_TEST_TMPDIR/clouds.yaml"
    mkdir "$BATS_TEST_TMPDIR/fresh"
    slowly "$MCLOUDFS" -o "attach,clouds=$BATS_TEST_TMPDIR/clouds.yaml,ttl=60" "$BATS_TEST_TMPDIR/fresh"
    slowly tar -C "$BATS_TEST_TMPDIR/fresh" -cf "$BATS_TEST_TMPDIR/tar" --exclude=password users/Default projects/Default roles
    while read -r name; do
        [[ $name == */@(json|driver) ]] || [ -z "$(quick cat "$BATS_TEST_TMPDIR/fresh/$name")" ] || { echo "$name is stored empty" && return 1; }
    done < <(tar -tvf "$BATS_TEST_TMPDIR/tar" | awk '/^-/ && $3 == 0 { print $NF }')
    [ "$(tar -tvf "$BATS_TEST_TMPDIR/tar" | awk '/^-/ && $3 > 0' | wc -l)" -gt 10 ]
    unmount "$BATS_TEST_TMPDIR/fresh"
}

@test "walks over all files end, with as many requests as there are things" {
    local before listed
    for listed in "$M" "$M/containers/glance-Kista"; do
        quick ls -a "$listed" >"$BATS_TEST_TMPDIR/names"
        [ "$(grep -cxE 'events|log.follow' "$BATS_TEST_TMPDIR/names")" = 0 ]
    done
    quick test -r "$M/events"
    quick test -r "$M/containers/glance-Kista/log.follow"
    quick grep -q events "$M/README"
    before=$(requests)
    slowly find "$M" -type f -exec cat {} + >"$BATS_TEST_TMPDIR/all" 2>"$BATS_TEST_TMPDIR/refused" || [ "$?" -eq 1 ]
    grep -v /password "$BATS_TEST_TMPDIR/refused" | grep -qv 'ldap/import' && cat "$BATS_TEST_TMPDIR/refused" && return 1
    # Three for a file is more than it may be.
    (($(requests) - before < 3 * $(slowly find "$M" -type f | wc -l)))
    # What refuses to be read is no end of it; a timeout would be, and nothing says that it has to be tried again.
    run slowly cp -r "$M" "$BATS_TEST_TMPDIR/copy"
    [[ $status = 1 && $output != *'temporarily unavailable'* ]]
    quick cmp "$M/README" "$BATS_TEST_TMPDIR/copy/README"
    [ "$(quick find "$BATS_TEST_TMPDIR/copy" -name token -size +100c | wc -l)" -gt 0 ]
    LC_ALL=C run slowly grep -r 'no such [t]ext anywhere' "$M"
    [[ $status = 2 && $output != *'temporarily unavailable'* ]]
    run slowly tar -C "$M" -cf /dev/null --exclude={password,projects,users,domains} .
    [[ $status = [012] ]]
}

@test "a link is known by where it leads, whatever the way" {
    local link=$BATS_TEST_TMPDIR/cloud bound=$BATS_TEST_TMPDIR/bound
    quick mkdir "$M/users/Default/t-files" "$M/groups/Default/t-files"
    ln -s "$M" "$link"
    mkdir "$bound"
    quick mount --bind "$M/users" "$bound"
    quick ln -s "$link/users/Default/t-files" "$M/groups/Default/t-files/users/t-files"
    quick rm "$M/groups/Default/t-files/users/t-files"
    quick ln -s "$bound/Default/t-files" "$M/groups/Default/t-files/users/t-files"
    umount -l "$bound"
    [ "$(quick readlink "$M/groups/Default/t-files/users/t-files")" = ../../../../users/Default/t-files ]
    quick rmdir "$M/groups/Default/t-files" "$M/users/Default/t-files"
}
