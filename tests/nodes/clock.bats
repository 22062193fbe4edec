#!/usr/bin/env bats
# The other clock of a node, without an engine: what programs make of clock.so. sudo bats tests/nodes/clock.bats, after a build in build/.

LIBRARY=$(realpath -m "${CLOCK_LIBRARY:-$BATS_TEST_DIRNAME/../../build/tests/nodes/clock.so}")

# off SECONDS COMMAND…
off() { timeout 60 env LD_PRELOAD="$LIBRARY" CLOCK_SECONDS="$1" "${@:2}"; }

setup_file() { [ -e "$LIBRARY" ]; }

# about SECONDS WANTED
about() { [ $((${1%.*} - $2)) -ge -20 ] && [ $((${1%.*} - $2)) -le 20 ]; }

@test "programs show another time, and so do those that they start" {
    local by
    for by in 300 -300 0; do
        about "$(off $by date +%s)" $(($(date +%s) + by))
        about "$(off $by python3 -c 'import time; print(time.time())')" $(($(date +%s) + by))
        about "$(off $by bash -c 'python3 -c "import subprocess; subprocess.run([\"date\", \"+%s\"])"')" $(($(date +%s) + by))
        about "$(off $by perl -e 'print time')" $(($(date +%s) + by))
        about "$(off $by awk 'BEGIN { print systime() }')" $(($(date +%s) + by))
    done
}

@test "the time that passes is the machine's" {
    off 300 python3 - "$(awk '{ print $1 }' /proc/uptime)" <<'PYTHON'
import sys
import time

for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME):
    assert abs(time.clock_gettime(clock) - float(sys.argv[1])) < 60
PYTHON
}

# Each waits a fifth of a second. What goes wrong by five minutes ends at once, or not in this test's time.
@test "who waits waits as long as it meant to" {
    local by
    for by in 300 -300; do
        off $by python3 - <<'PYTHON'
import ctypes
import select
import threading
import time

libc = ctypes.CDLL(None)
REALTIME, MONOTONIC, ABSOLUTE = 0, 1, 1


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def later(clock):
    at = time.clock_gettime_ns(clock) + 200_000_000
    return ctypes.byref(Time(at // 1_000_000_000, at % 1_000_000_000))


def room():
    return ctypes.create_string_buffer(256)


def condition(clock):
    attributes, one = room(), room()
    libc.pthread_condattr_init(attributes)
    libc.pthread_condattr_setclock(attributes, clock)
    libc.pthread_cond_init(one, attributes)
    return one


def held():
    mutex = room()
    libc.pthread_mutex_init(mutex, None)
    libc.pthread_mutex_lock(mutex)
    return mutex


def semaphore():
    one = room()
    libc.sem_init(one, 0, 0)
    return one


def read_locked():
    lock = room()
    libc.pthread_rwlock_init(lock, None)
    libc.pthread_rwlock_rdlock(lock)
    return lock


class Both(ctypes.Structure):
    _fields_ = [("every", Time), ("until", Time)]


def timer():
    fd = libc.timerfd_create(REALTIME, 0)
    at = later(REALTIME)._obj
    libc.timerfd_settime(fd, ABSOLUTE, ctypes.byref(Both(Time(0, 0), at)), None)
    select.select([fd], [], [], 20)


taken = threading.Lock()
taken.acquire()
waits = {
    "sleep": lambda: time.sleep(0.2),
    "select": lambda: select.select([], [], [], 0.2),
    "event": lambda: threading.Event().wait(0.2),
    "lock": lambda: taken.acquire(timeout=0.2),
    "nanosleep": lambda: libc.clock_nanosleep(REALTIME, ABSOLUTE, later(REALTIME), None),
    "monotonic nanosleep": lambda: libc.clock_nanosleep(MONOTONIC, ABSOLUTE, later(MONOTONIC), None),
    "cond": lambda: libc.pthread_cond_timedwait(condition(REALTIME), held(), later(REALTIME)),
    "monotonic cond": lambda: libc.pthread_cond_timedwait(condition(MONOTONIC), held(), later(MONOTONIC)),
    "clockwait": lambda: libc.pthread_cond_clockwait(condition(REALTIME), held(), REALTIME, later(REALTIME)),
    "monotonic clockwait": lambda: libc.pthread_cond_clockwait(condition(REALTIME), held(), MONOTONIC, later(MONOTONIC)),
    "semaphore": lambda: libc.sem_timedwait(semaphore(), later(REALTIME)),
    "semaphore clockwait": lambda: libc.sem_clockwait(semaphore(), REALTIME, later(REALTIME)),
    "monotonic semaphore": lambda: libc.sem_clockwait(semaphore(), MONOTONIC, later(MONOTONIC)),
    "mutex": lambda: libc.pthread_mutex_timedlock(held(), later(REALTIME)),
    "write lock": lambda: libc.pthread_rwlock_timedwrlock(read_locked(), later(REALTIME)),
    "timer": timer,
}
for name, wait in waits.items():
    begun = time.monotonic()
    wait()
    took = time.monotonic() - begun
    print(name, round(took, 3))
    assert 0.19 < took < 30, name
PYTHON
    done
}

@test "a server shows it to who asks" {
    local here=$BATS_TEST_TMPDIR shown
    printf 'pid %s/pid; events {} http { access_log off; server { listen unix:%s/socket; location / { return 204; } } }\n' "$here" "$here" >"$here/conf"
    off 300 nginx -c "$here/conf" -e "$here/log" 3>&-
    shown=$(curl -sI --max-time 10 --unix-socket "$here/socket" http://server/ | tr -d '\r' | sed -n 's/^Date: //p')
    kill "$(cat "$here/pid")"
    about "$(date -d "$shown" +%s)" $(($(date +%s) + 300))
}
