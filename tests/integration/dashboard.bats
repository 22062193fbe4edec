# docs/observe/dashboard.json against a real Prometheus, which gets the mount's `metrics` from node_exporter's textfile collector. Uses the suite's cloud.

load common.bash

setup_file() {
    export P ADDRESS PIDS
    P=$BATS_FILE_TMPDIR ADDRESS=$(here 127.81.200.1) PIDS=
    mkdir "$P/textfile"
    ln -s "$M/metrics" "$P/textfile/mcloudfs.prom"
    # the suite's cloud has one region: this is what slaves would add
    cat >"$P/textfile/slaves.prom" <<TEXT
mcloudfs_replication_running{region="Solna",master="Kista",cloud="$SUITE_CLOUD"} 1
mcloudfs_replication_lag_seconds{region="Solna",master="Kista",cloud="$SUITE_CLOUD"} 1.5
TEXT
    cat >"$P/prometheus.yml" <<TEXT
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$(realpath "$BATS_TEST_DIRNAME/../../docs/observe/alerts.yml")]
scrape_configs: [{job_name: node, static_configs: [{targets: ["$ADDRESS:9100"]}]}]
TEXT
    start prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$P/textfile" --web.listen-address="$ADDRESS:9100"
    start prometheus --config.file="$P/prometheus.yml" --storage.tsdb.path="$P/data" --web.listen-address="$ADDRESS:9090"
    await "http://$ADDRESS:9100/metrics"
    await "http://$ADDRESS:9090/-/ready"
}

teardown_file() {
    local pid
    for pid in $PIDS; do kill "$pid" && await_exit "$pid"; done
}

# start PROGRAM ARGUMENT…
start() {
    "$@" >"$P/$1.log" 2>&1 3>&- &
    PIDS+=" $!"
}

# await URL: they tell nobody when they serve.
await() { curl -sS -o /dev/null --max-time 5 --retry 60 --retry-delay 1 --retry-all-errors --retry-max-time 60 "$1"; }

# ask QUERY: the result, as JSON; fails when Prometheus can't make sense of it.
ask() { quick curl -sS --fail-with-body -G "http://$ADDRESS:9090/api/v1/query" --data-urlencode "query=$1" | jq -ce 'select(.status == "success") | .data.result'; }

# resolved QUERY: as Grafana would ask it, with what its variables stand for.
resolved() {
    sed -e "s/\\\$cloud/$SUITE_CLOUD/g; s/\\\$region/.*/g; s/\\\$__rate_interval/10s/g; s/\\\$__range/1m/g" <<<"$1"
}

# what makes numbers: reads and writes of each kind, and a failure.
use_cloud() {
    quick cat "$M/regions/Kista/token" "$M/regions/Kista/catalog" >/dev/null
    quick ls "$M/regions/Kista/images" "$M/users/Default" "$M/nowhere" >/dev/null 2>&1 || true
}

# has_numbers QUERY: waits until the answer has a number that is one.
has_numbers() {
    local deadline=$((SECONDS + 60))
    while ((SECONDS < deadline)); do
        use_cloud # and the next scrape sees it
        ask "$1" | jq -e 'any(.[]; .value[1] != "NaN")' >/dev/null && return 0
    done
    echo "no number comes of: $1" >&2
    return 1
}

@test "node_exporter reads the mount's metrics" {
    has_numbers "mcloudfs_build_info{cloud=\"$SUITE_CLOUD\"}"
    ask 'node_textfile_scrape_error' | jq -e '.[0].value[1] == "0"'
}

@test "each panel of the dashboard shows something" {
    local queries query
    mapfile -t queries < <(jq -r '.panels[].targets[]?.expr' "$BATS_TEST_DIRNAME/../../docs/observe/dashboard.json")
    [ "${#queries[@]}" -ge 20 ]
    jq -e '[.panels[] | select(.type != "row" and (.targets | length) == 0)] == []' "$BATS_TEST_DIRNAME/../../docs/observe/dashboard.json"
    for query in "${queries[@]}"; do has_numbers "$(resolved "$query")"; done
}

@test "the variables of the dashboard are filled" {
    quick curl -sS "http://$ADDRESS:9090/api/v1/label/cloud/values?match[]=mcloudfs_build_info" -g | jq -e --arg cloud "$SUITE_CLOUD" '.data == [$cloud]'
    quick curl -sS -g "http://$ADDRESS:9090/api/v1/label/region/values?match[]=mcloudfs_region_state" | jq -e '.data == ["Kista"]'
}

@test "Prometheus takes the alerts, and none is raised by a cloud that is well" {
    local deadline=$((SECONDS + 30))
    # each of them once, at least
    until quick curl -sS "http://$ADDRESS:9090/api/v1/rules" | jq -e '[.data.groups[].rules[] | select(.health == "ok")] | length == 10'; do
        ((SECONDS < deadline))
    done
    quick curl -sS "http://$ADDRESS:9090/api/v1/alerts" | jq -e '[.data.alerts[] | select(.state == "firing")] == []'
}
