# docs/observe/: the alert rules, and the names in the dashboard.

load common.bash

# families FILE…: the metrics that they name, without what a histogram adds.
families() { grep -ohE 'mcloudfs_[a-z_]+' "$@" | sed -E 's/_seconds_(bucket|count|sum)$/_seconds/' | sort -u; }

@test "the alerts are quiet while all is well, and fire when they should" {
    promtool check rules "$CHECKOUT/docs/observe/alerts.yml"
    promtool test rules "$CHECKOUT/tests/observe/alerts_test.yml"
}

@test "each alert is tried in both ways" {
    local all quiet fires tests=$CHECKOUT/tests/observe/alerts_test.yml
    all=$(sed -n 's/^ *- alert: //p' "$CHECKOUT/docs/observe/alerts.yml" | sort)
    quiet=$(sed -nE 's/.*alertname: ([A-Za-z]+), .*exp_alerts: \[\].*/\1/p' "$tests" | sort)
    fires=$(sed -n 's/^ *- alertname: //p' "$tests" | sort)
    [ "$(wc -l <<<"$all")" -ge 10 ]
    diff <(echo "$all") <(echo "$quiet")
    diff <(echo "$all") <(echo "$fires")
}

@test "what alerts and dashboard ask for is documented" {
    [ "$(families "$CHECKOUT"/docs/observe/* | wc -l)" -ge 15 ]
    [ -z "$(comm -23 <(families "$CHECKOUT"/docs/observe/*) <(families "$CHECKOUT/docs/SEMANTICS.md"))" ]
}
