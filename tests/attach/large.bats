# A cloud that is large and far away: 100,000 people, 10,000 images, 2 s from a question to its answer.

bats_require_minimum_version 1.5.0
load other.bash

LATENCY=1000 # ms each way
PEOPLE=100000 IMAGES=10000
PAGE=1000 # what Keystone and Glance give in one answer, by their defaults

setup_file() {
    other_up
    os admin group create --domain default crew >/dev/null
    fill >"$OTHER/fill.log" 2>&1
}

teardown_file() { other_down; }

# What the services would have made themselves in half a day: domain large with its people, three of them in a group, and images.
fill() {
    inside mariadb <<SQL
INSERT INTO keystone.project (id, name, extra, description, enabled, domain_id, is_domain)
    VALUES ('large', 'large', '{}', '', 1, '<<keystone.domain.root>>', 1);
INSERT INTO keystone.user (id, extra, enabled, created_at, domain_id)
    SELECT LOWER(LPAD(HEX(seq), 32, '0')), '{}', 1, NOW(), 'large' FROM keystone.seq_1_to_$PEOPLE;
INSERT INTO keystone.local_user (user_id, domain_id, name)
    SELECT LOWER(LPAD(HEX(seq), 32, '0')), 'large', CONCAT('person-', seq) FROM keystone.seq_1_to_$PEOPLE;
INSERT INTO keystone.user_group_membership (user_id, group_id)
    SELECT LOWER(LPAD(HEX(seq), 32, '0')), (SELECT id FROM keystone.\`group\` WHERE name = 'crew') FROM keystone.seq_1_to_3;
INSERT INTO glance.images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, owner, min_disk, min_ram, visibility)
    SELECT CONCAT('00000000-0000-4000-8000-', LOWER(LPAD(HEX(seq), 12, '0'))), CONCAT('image-', seq), seq, 'active', NOW(), NOW(), 0, 'raw', 'bare',
        (SELECT id FROM keystone.project WHERE name = 'admin'), 0, 0, 'private' FROM glance.seq_1_to_$IMAGES;
SQL
}

setup() {
    A=$BATS_TEST_TMPDIR/attached R=regions/regionOne
    mkdir "$A"
    start_relay $LATENCY
}

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || { quick tail -n 8 "$A/errors" && tail -n 5 "$ASKED"; } || true
    kill -CONT "$RELAY"
    ! mountpoint -q "$A" || unmount "$A"
    end_relay
    [ ! -e "$OTHER/limited" ] || limit_lists
}

# far [OPTIONS]: attaches it by the relay. An answer may take its 2 s, and the machine's.
far() {
    attach "far-$BATS_TEST_NUMBER" "timeout=30${1:+,$1}"
    [ "$(slowly cat "$A/$R/wait")" = ready ]
}

# asked PATTERN: how many requests there were with it in their first line. The daemon's own look at the cloud has none of these.
asked() { grep -c -e "$1" "$ASKED" || true; }

# limit_lists [NUMBER]: Keystone's list_limit, in a Keystone of which nobody is left that had another.
limit_lists() {
    local conf=/etc/keystone/keystone.conf
    inside sed -i '/^list_limit/d' $conf
    [ -z "${1:-}" ] || { touch "$OTHER/limited" && inside sed -i "0,/^\[DEFAULT\]\$/s//[DEFAULT]\nlist_limit = $1/" $conf; }
    inside /etc/init.d/keystone stop || true # it waits for less time than its workers take
    reach bash -c 'while curl -s -o /dev/null "$1"; do :; done' - $AUTH_URL
    inside /etc/init.d/keystone start 3>&-
    reach bash -c 'until curl -sf -o /dev/null "$1"; do :; done' - $AUTH_URL
    [ -n "${1:-}" ] || rm "$OTHER/limited"
    os admin token issue >/dev/null
}

# listing DIRECTORY PATTERN: lists it in the background, as process $LISTING; returns when a request with PATTERN is on its way.
listing() {
    local before
    before=$(asked "$2")
    timeout --foreground 900 ls -U "$1" >"$BATS_TEST_TMPDIR/listed" 2>"$BATS_TEST_TMPDIR/listed.said" 3>&- &
    LISTING=$!
    timeout 60 bash -c 'until [ "$(grep -c -e "$1" "$2")" -gt "$3" ]; do :; done' - "$2" "$ASKED" "$before"
}

@test "one of 100,000 is found by a question, and one of 10,000 images" {
    far
    quick stat "$A/users/large/person-77777" >/dev/null
    [ "$(asked 'GET /v3/users')" -eq 1 ]
    [ "$(quick cat "$A/users/large/person-4711/id")" = 00000000000000000000000000001267 ]
    [ "$(asked 'GET /v3/users')" -eq 2 ]
    fails_with ENOENT stat "$A/users/large/person-0"
    [ "$(quick stat -c %s "$A/$R/images/image-7777")" = 7777 ]
    [ "$(asked 'GET /v2/images')" -le 2 ]
}

@test "10,000 images are listed by pages, with all that ls -l wants of them" {
    far
    slowly ls -lU "$A/$R/images" >"$BATS_TEST_TMPDIR/listed"
    [ "$(grep -c ' image-' "$BATS_TEST_TMPDIR/listed")" -eq $IMAGES ]
    # one more page, as the last one was full, and the hidden ones
    [ "$(asked 'GET /v2/images')" -le $((IMAGES / PAGE + 2)) ]
    slowly ls -U "$A/$R/images-by-id" | head -n 3 >"$BATS_TEST_TMPDIR/listed"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/listed")" -eq 3 ]
}

@test "100,000 people are all listed, by pages; who asks for something else meanwhile isn't kept waiting" {
    local daemon
    far
    listing "$A/users/large" 'limit=1000&marker='
    quick cat "$A/whoami" | grep -qx 'user: admin'
    quick stat "$A/users/Default/admin" "$A/$R/images/image-1" >/dev/null
    kill -0 "$LISTING"
    wait "$LISTING"
    [ "$(sort -u "$BATS_TEST_TMPDIR/listed" | grep -c '^person-[0-9]*$')" -eq $PEOPLE ]
    [ "$(asked 'GET /v3/users?domain_id=large')" -le $((PEOPLE / PAGE + 1)) ]
    run ! quick getfattr -n user.mcloud.partial "$A/users/large"
    # what has just been listed is there for who wants the beginning of it
    [ "$(quick ls -U "$A/users/large" | head -n 3 | wc -l)" -eq 3 ]
    quick ls -ldU "$A/users/large/person-"{1,5,99999} >/dev/null
    daemon=$(daemon_of "$A")
    [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")" -lt $((128 * 1024)) ]
}

@test "a list that is interrupted ends at once, and asks for no more" {
    local pages
    far
    listing "$A/users/large" 'limit=1000&marker='
    kill -INT "$LISTING"
    run -130 wait "$LISTING"
    pages=$(asked 'limit=1000')
    quick stat "$A/users/large/person-5" >/dev/null
    [ "$(asked 'limit=1000')" -eq "$pages" ]
}

@test "a cloud that says nothing is waited for until the deadline" {
    far timeout=8
    kill -STOP "$RELAY"
    fails_with ETIMEDOUT stat "$A/users/large/person-9"
    quick grep -Eq 'users/large.*ETIMEDOUT.*no answer in time from ' "$A/errors"
    quick cat "$A/whoami" | grep -qx 'user: admin'
    kill -CONT "$RELAY"
    slowly stat "$A/users/large/person-10" >/dev/null
}

@test "with a list_limit, pages go on to the end, and what has no pages says that it is cut" {
    limit_lists 2
    far
    slowly ls "$A/domains" | grep -qx large
    # Keystone 2025.1 fails itself when it is to give a part of a group: that is an error then, and never some that look like all
    if slowly ls "$A/groups/Default/crew/users" >"$BATS_TEST_TMPDIR/listed"; then
        quick getfattr --only-values -n user.mcloud.partial "$A/groups/Default/crew/users" | grep -q 'Keystone lists 2 of these users only'
    fi
    slowly ls "$A/roles" >/dev/null
    quick getfattr --only-values -n user.mcloud.partial "$A/roles" | grep -q 'Keystone lists 2 of these roles only'
    slowly readlink "$A/groups/Default/crew/users/person-3@large"
    quick grep -q '^partial: .*roles' "$A/status"
}
