# docs/observe/dashboard.json against a real Prometheus, which gets the mount's `metrics` from node_exporter's textfile collector. Uses the suite's cloud.

load common.bash
load ../observe/panels.bash

setup_file() {
    export P ADDRESS PIDS OBSERVED=$SUITE_CLOUD ALERTS
    P=$BATS_FILE_TMPDIR ADDRESS=$(here 127.81.200.1) PIDS=
    ALERTS=$(realpath "$BATS_TEST_DIRNAME/../../docs/observe/alerts.yml")
    mkdir "$P/textfile"
    ln -s "$M/metrics" "$P/textfile/mcloudfs.prom"
    # the suite's cloud has one region: this is what slaves would add
    cat >"$P/textfile/slaves.prom" <<TEXT
mcloudfs_replication_running{region="Solna",master="Kista",cloud="$SUITE_CLOUD"} 1
mcloudfs_replication_lag_seconds{region="Solna",master="Kista",cloud="$SUITE_CLOUD"} 1.5
TEXT
    cat >"$P/prometheus.yml" <<TEXT
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$ALERTS]
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

@test "node_exporter reads the mount's metrics" {
    has_numbers "mcloudfs_build_info{cloud=\"$SUITE_CLOUD\"}"
    ask 'node_textfile_scrape_error' | jq -e '.[0].value[1] == "0"'
}

@test "each panel of the dashboard shows something" {
    all_panels "$BATS_TEST_DIRNAME/../../docs/observe/dashboard.json"
}

@test "the variables of the dashboard are filled" {
    label_has cloud mcloudfs_build_info "$SUITE_CLOUD"
    label_has region mcloudfs_region_state Kista
}

@test "Prometheus takes the alerts, and none is raised by a cloud that is well" { all_alerts "$(grep -c -- '- alert:' "$ALERTS")"; }
