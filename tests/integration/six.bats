# Six regions side by side: all at once by one mkdir, and the master's role on its way through all of them. In a cloud of its own.

load common.bash
bats_require_minimum_version 1.5.0

setup_file() {
    cloud_up "test-six$RUN" 127.88.0.0
}

teardown_file() { cloud_down; }

teardown() { tell_errors; }

@test "six regions come up at once, one of them as the master" {
    quick mkdir "$M"/regions/{a,b,c,d,e,f}
    slowly cat "$M"/regions/{a,b,c,d,e,f}/wait | sort | uniq -c | diff -w - <(echo "1 ready" && echo "5 standby")
    tee "$M"/regions/{b,c,d,e,f}/replication/ctl <<<start
    [ "$(slowly cat "$M"/regions/{a,b,c,d,e,f}/wait | sort | uniq -c | xargs)" = "6 ready" ]
    [ "$(quick grep -c ' ready ' "$M/status")" -eq 6 ]
}

@test "the master's role goes through all six" {
    for region in b c d e f a; do
        put promote "$M/regions/$region/replication/ctl"
        quick mkdir "$M/projects/Default/of-$region"
        jq -e --arg region "$region" '[.regions[] | select(.role == "master") | .name] == [$region]' "$M/status.json"
    done
    for region in b c d e f; do
        quick cat "$M/regions/$region/replication/sync"
        quick grep -qx 'drift: none' "$M/regions/$region/replication/status"
        [ "$(quick ls "$M/regions/$region/projects/Default" | grep -c '^of-')" -eq 6 ]
    done
}

@test "all six go, the master last" {
    slowly rmdir "$M"/regions/{b,c,d,e,f}
    slowly rmdir "$M/regions/a"
    [ -z "$(left_of "$CLOUD")" ]
}
