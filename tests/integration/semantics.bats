# docs/SEMANTICS.md against a mount: each path of its tables is there, of that kind, with that mode, and can be read.
# (That the tables are complete is tests/unit/semantics.) Uses the suite's cloud, with an application credential.

load common.bash

setup_file() { quick mkdir "$M/users/Default/admin/application_credentials/semantics"; }

teardown_file() { quick rmdir "$M/users/Default/admin/application_credentials/semantics"; }

DOCUMENT=$BATS_TEST_DIRNAME/../../docs/SEMANTICS.md

# The paths, kinds and modes of the document, with names that the suite's cloud has. Left out is what it need not have: images, groups,
# members of groups, a master's master (replication.bats has slaves), a CA (tls.bats), and machines (tests/unit/test_session_nodes.c).
documented() {
    sed -nE 's/^\| `([^`]+)` \| ([a-z]+) \| (0[0-7]{3}) \|.*/\1 \2 \3/p' "$DOCUMENT" |
        grep -vE 'GROUP|IMAGE|/ID|^domains/.*USER|/replication/master |^ca\.pem |^nodes[/ ]|/node ' |
        sed -E 's/REGION/Kista/; s/CONTAINER/keystone-Kista/; s/TYPE/identity/; s/INTERFACE/public/; s/DOMAIN/Default/; s/PROJECT/admin/; s/USER/admin/; s/ROLE/admin/; s/CREDENTIAL/semantics/'
}

@test "each path of SEMANTICS.md is there, with its type and mode" {
    [ "$(documented | wc -l)" -gt 80 ]
    while read -r path kind mode; do
        case $kind in
        directory) type=directory ;;
        link) type='symbolic link' ;;
        *) type='regular file|regular empty file' ;;
        esac
        found=$(quick stat -c '%F %a' "$M/$path")
        if ! [[ $found =~ ^($type)\ ${mode#0}$ ]]; then
            echo "$path: SEMANTICS.md says $kind $mode, the mount shows $found"
            return 1
        fi
    done < <(documented)
}

@test "each value and document of SEMANTICS.md can be read to its end" {
    while read -r path kind mode; do
        [[ $kind =~ ^(value|document|control)$ && $mode != 0200 ]] || continue
        quick cat "$M/$path" >"$BATS_TEST_TMPDIR/content" || { echo "$path can't be read" && return 1; }
        if [ "$kind" = value ] && [ "$(wc -l <"$BATS_TEST_TMPDIR/content")" -ne 1 ]; then
            echo "$path is not one line" && return 1
        fi
    done < <(documented)
}

@test "each link of SEMANTICS.md leads somewhere in the mount" {
    while read -r path kind mode; do
        [ "$kind" = link ] || continue
        [[ $(quick realpath -e "$M/$path") == "$(realpath "$M")"/* ]] || { echo "$path leads nowhere" && return 1; }
    done < <(documented)
}
