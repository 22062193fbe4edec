# For tests of mnt/ and tests/run: their functions, with stubs for all that would touch the machine. Nothing here needs an engine.
# shellcheck disable=SC2034,SC2154 # what the tests read and set

CHECKOUT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

# stub NAME: a command that only notes how it was called, in $calls.
stub() { eval "$1() { echo \"$1 \$*\" >>\"\$calls\"; }"; }

called() { grep -qx -- "$1" "$calls"; }

# program NAME FILE [PARENT]: a process of that name that lives until the test's end, its pid in FILE and in $program. It is PARENT's, a
# shell script's, else the test's.
program() {
    local fifo=$BATS_TEST_TMPDIR/stay
    [ -p "$fifo" ] || mkfifo "$fifo"
    cp -n /bin/tail "$BATS_TEST_TMPDIR/$1"
    "$BATS_TEST_TMPDIR/$1" --pid=$$ -f /dev/null 3>&- &
    program=$!
    programs+=("$program")
    mkdir -p "$(dirname "$2")"
    echo "$program" >"$2"
}

# ended_pid: of a process that there was.
ended_pid() { bash -c 'echo $$'; }
