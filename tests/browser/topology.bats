# topology.html in a real browser, as a file of the mount: it sees a region start. Has a cloud of its own.

bats_require_minimum_version 1.5.0
load ../integration/common.bash

setup_file() {
    export DRIVER SESSION DRIVER_PID
    cloud_up "test-browser$RUN" 127.104.0.0
    DRIVER=http://127.0.0.1:$((9515 + ${MCLOUD_TEST_RUN:-0}))
    chromedriver --port="${DRIVER##*:}" >"$BATS_FILE_TMPDIR/chromedriver.log" 2>&1 3>&- &
    DRIVER_PID=$!
    curl -sS -o /dev/null --max-time 5 --retry 60 --retry-delay 1 --retry-all-errors "$DRIVER/status"
    SESSION=$(drive POST /session '{"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions":
        {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"]}}}}' | jq -r .sessionId)
}

teardown_file() {
    drive DELETE "/session/$SESSION" >/dev/null
    kill "$DRIVER_PID" && await_exit "$DRIVER_PID"
    put destroy "$M/regions/Kista/ctl" || true
    slowly cat "$M/regions/Kista/progress" >/dev/null 2>&1 || true
    cloud_down
}

# drive METHOD PATH [BODY]: a command of WebDriver (W3C), its answer's value.
drive() { curl -sS --fail-with-body --max-time 60 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$DRIVER$2" | jq -c .value; }

# page SCRIPT: what the JavaScript SCRIPT gives in the page.
page() { drive POST "/session/$SESSION/execute/sync" "$(jq -nc --arg script "$1" '{script: $script, args: []}')"; }

# page_will SCRIPT: waits in the page until SCRIPT, asked at each change of it, is true.
page_will() {
    drive POST "/session/$SESSION/execute/async" "$(jq -nc --arg script "$1" '{args: [], script: "
        const done = arguments[0], holds = () => { \($script) };
        if (holds()) { done(true); return; }
        const watch = new MutationObserver(() => { if (holds()) { watch.disconnect(); done(true); } });
        watch.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});"}')" | jq -e '. == true'
}

# cdp COMMAND [PARAMETERS]: of Chromium's own protocol, its answer.
cdp() {
    local parameters={}
    [ -z "${2:-}" ] || parameters=$2
    drive POST "/session/$SESSION/goog/cdp/execute" "$(jq -nc --arg cmd "$1" --argjson params "$parameters" '{cmd: $cmd, params: $params}')"
}

# renew TIMES: the page's own renewal, each as soon as the one before has brought the page anew; how often that was.
renew() {
    drive POST "/session/$SESSION/execute/async" "$(jq -nc --argjson times "$1" '{args: [], script: "
        const done = arguments[0];
        let heard = 0;
        const next = (event) => {
            if (typeof event.data?.mcloudfs !== \"string\") return;
            if (++heard < \($times)) { window.renewal(); return; }
            window.removeEventListener(\"message\", next);
            done(heard);
        };
        window.addEventListener(\"message\", next);
        window.renewal();"}')"
}

# renewed_until SCRIPT: renews the page until SCRIPT is true in it.
renewed_until() {
    local times
    for ((times = 0; times < 2000; times++)); do
        [ "$(page "$1")" != true ] || return 0
        renew 1 >/dev/null
    done
    echo "never true: $1" && return 1
}

# kept: what the page keeps once its garbage is gone: NAME VALUE, a line each.
kept() {
    cdp HeapProfiler.collectGarbage >/dev/null
    cdp Performance.getMetrics | jq -r '.metrics[] | select(.name | IN("JSHeapUsedSize", "Nodes", "Documents", "JSEventListeners")) | "\(.name) \(.value)"'
}

# resident: KiB of memory of the process that shows the page, the largest of this Chromium's.
resident() {
    ps -eo pid=,ppid=,rss=,args= --sort=start_time | awk -v driver="$DRIVER_PID" '
        $1 == driver || $2 in ours { ours[$1]; if (/--type=renderer/ && $3 > most) most = $3 }
        END { print most + 0 }'
}

# kept_of NAME <KEPT
kept_of() { awk -v name="$1" '$1 == name { print int($2) }'; }

@test "the page shows a region as it starts, without being loaded anew" {
    drive POST "/session/$SESSION/timeouts" '{"script": 55000}'
    drive POST "/session/$SESSION/url" "{\"url\": \"file://$M/topology.html\"}"
    page 'return document.body.innerText' | grep -q 'No region yet'
    page 'window.mark = 1; window.seen = [];
        new MutationObserver(() => {
            const state = document.querySelector("tr[data-region=Kista]")?.dataset.state;
            if (state && seen.at(-1) !== state) seen.push(state);
        }).observe(document.getElementById("now"), {subtree: true, childList: true}); return 1'
    quick mkdir "$M/regions/Kista"
    page_will 'return document.querySelector("tr[data-region=Kista]")?.dataset.state === "starting"'
    [ "$(slowly cat "$M/regions/Kista/wait")" = ready ]
    page_will 'return document.querySelector("tr[data-region=Kista]")?.dataset.state === "ready"'
    [ "$(page 'return [window.mark, ...window.seen]')" = '[1,"starting","ready"]' ]
    page 'return [...document.querySelectorAll("svg text.name")].map((text) => text.textContent)' | jq -e '. == ["Kista"]'
    # "back" leads out of the page
    [ "$(page 'return history.length')" -le 2 ]
}

@test "what a container does is seen, and nothing of the page grows" {
    local before
    before=$(page 'return document.querySelectorAll("*").length')
    put stop "$M/containers/memcached-Kista/ctl"
    page_will 'return [...document.querySelectorAll("svg title")].some((title) => /^memcached-Kista: exited/.test(title.textContent))'
    put start "$M/containers/memcached-Kista/ctl"
    page_will 'return document.querySelector("tr[data-region=Kista]").dataset.state === "ready"'
    [ "$(page 'return document.querySelectorAll("*").length')" -eq "$before" ]
    [ "$(page 'return document.querySelectorAll("iframe").length')" -eq 1 ]
}

# An hour is 1,800 renewals, one every two seconds: here each comes when the one before is done, and something changes now and then.
@test "an hour of renewals leaves nothing in the page" {
    local hook first last name
    # the page's own timer does nothing: the test has its function
    hook=$(cdp Page.addScriptToEvaluateOnNewDocument '{"source":
        "if (window.parent === window) window.setInterval = (renewal, period) => { Object.assign(window, {renewal, period}); return 1; };"}' | jq -c .)
    cdp Performance.enable
    drive POST "/session/$SESSION/url" "{\"url\": \"file://$M/topology.html?hour\"}"
    [ "$(page 'return window.period')" -eq 2000 ]
    # what is loaded once is loaded then
    [ "$(renew 200)" -eq 200 ]
    first=$(kept && echo "resident $(resident) KiB")
    for _ in 1 2 3 4 5 6; do
        put pause "$M/containers/memcached-Kista/ctl"
        renewed_until 'return [...document.querySelectorAll("svg title")].some((title) => /^memcached-Kista: paused/.test(title.textContent))'
        [ "$(renew 150)" -eq 150 ]
        put unpause "$M/containers/memcached-Kista/ctl"
        renewed_until 'return document.querySelector("tr[data-region=Kista]").dataset.state === "ready"'
        [ "$(renew 150)" -eq 150 ]
    done
    last=$(kept && echo "resident $(resident) KiB")
    echo "# kept before an hour of renewals: ${first//$'\n'/, }" >&3
    echo "# kept after it: ${last//$'\n'/, }" >&3
    for name in Nodes Documents JSEventListeners; do
        [ "$(kept_of "$name" <<<"$last")" -le $(($(kept_of "$name" <<<"$first") + 50)) ] || { echo "$name grow" && return 1; }
    done
    # a text of the page, of some 10 kB, that stayed at each renewal would be far more
    [ $(($(kept_of JSHeapUsedSize <<<"$last") - $(kept_of JSHeapUsedSize <<<"$first"))) -lt 1000000 ]
    cdp Page.removeScriptToEvaluateOnNewDocument "$hook"
    drive POST "/session/$SESSION/url" "{\"url\": \"file://$M/topology.html\"}"
}

@test "a page whose mount has gone says so, and shows how it was" {
    end_daemon
    page_will 'return /The mount says nothing/.test(document.getElementById("said").textContent)'
    page 'return document.querySelector("tr[data-region=Kista]").dataset.state' | grep -qx '"ready"'
    mount_cloud "$CLOUD" 127.104.0.0 "$DIRECTORY"
    page_will 'return /^as of/.test(document.getElementById("said").textContent)'
}
