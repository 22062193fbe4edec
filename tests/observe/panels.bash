# What the tests of the dashboard share: the Prometheus at $ADDRESS is asked what Grafana would ask it of the cloud $OBSERVED, which is mounted
# at $M. Whoever loads this has `quick`, which runs a command where that Prometheus and that mount are.

# ask QUERY: the result, as JSON; fails when Prometheus can't make sense of it.
ask() { quick curl -sS --fail-with-body -G "http://$ADDRESS:9090/api/v1/query" --data-urlencode "query=$1" | jq -ce 'select(.status == "success") | .data.result'; }

# resolved QUERY: as Grafana would ask it, with what its variables stand for.
resolved() {
    sed -e "s/\\\$cloud/$OBSERVED/g; s/\\\$region/.*/g; s/\\\$__rate_interval/10s/g; s/\\\$__range/1m/g" <<<"$1"
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

# all_panels DASHBOARD: each of them has numbers.
all_panels() {
    local queries query
    mapfile -t queries < <(jq -r '.panels[].targets[]?.expr' "$1")
    [ "${#queries[@]}" -ge 20 ] || return
    jq -e '[.panels[] | select(.type != "row" and (.targets | length) == 0)] == []' "$1" || return
    for query in "${queries[@]}"; do has_numbers "$(resolved "$query")" || return; done
}

# label_has LABEL METRIC VALUE…: all values of it, in their order, are these.
label_has() {
    quick curl -sS -g "http://$ADDRESS:9090/api/v1/label/$1/values?match[]=$2" | jq -e '.data == $ARGS.positional' --args "${@:3}"
}

# all_alerts NUMBER: so many are taken and were looked at, and none is raised.
all_alerts() {
    local deadline=$((SECONDS + 30))
    # each of them once, at least
    until quick curl -sS "http://$ADDRESS:9090/api/v1/rules" | jq -e --argjson number "$1" '[.data.groups[].rules[] | select(.health == "ok")] | length == $number'; do
        ((SECONDS < deadline)) || return
    done
    quick curl -sS "http://$ADDRESS:9090/api/v1/alerts" | jq -e '[.data.alerts[] | select(.state == "firing")] == []'
}
