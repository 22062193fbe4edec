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

@test "a page whose mount has gone says so, and shows how it was" {
    end_daemon
    page_will 'return /The mount says nothing/.test(document.getElementById("said").textContent)'
    page 'return document.querySelector("tr[data-region=Kista]").dataset.state' | grep -qx '"ready"'
    mount_cloud "$CLOUD" 127.104.0.0 "$DIRECTORY"
    page_will 'return /^as of/.test(document.getElementById("said").textContent)'
}
