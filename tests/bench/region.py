"""Region start, catalog, latencies under load, memory."""

import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.parse

from cloud import Cloud, Table, engine, run, timed

FLOOR = "bench-floor"


def serves(address, port, path):
    try:
        connection = http.client.HTTPConnection(address, port, timeout=2)
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False


def floor(cloud, region):
    """The same keystone and glance, side by side, on the region's own database, until both serve: seconds."""
    made = []
    begun = time.monotonic()
    for kind in ("keystone", "glance"):
        model = json.loads(engine("GET", f"/containers/{cloud.name}-{kind}-{region}/json"))
        body = {"Image": model["Config"]["Image"], "HostConfig": {"Init": True, "NetworkMode": cloud.name}}
        name = f"{FLOOR}-{kind}"
        engine("DELETE", f"/containers/{name}?force=1&v=1")
        identity = json.loads(engine("POST", f"/containers/create?name={name}", body))["Id"]
        files = engine("GET", f"/containers/{model['Id']}/archive?path=/etc/{kind}")
        engine("PUT", f"/containers/{identity}/archive?path=/etc", files, "application/x-tar")
        made.append(identity)
    for identity in made:
        engine("POST", f"/containers/{identity}/start")
    waiting = []
    for identity, port, path in zip(made, (5000, 9292), ("/v3", "/healthcheck")):
        networks = json.loads(engine("GET", f"/containers/{identity}/json"))["NetworkSettings"]["Networks"]
        waiting.append((networks[cloud.name]["IPAddress"], port, path))
    while waiting:
        waiting = [each for each in waiting if not serves(*each)]
        time.sleep(0.02)
    took = time.monotonic() - begun
    for identity in made:
        engine("DELETE", f"/containers/{identity}?force=1&v=1")
    return took


def region_start(table, cloud, rounds=5):
    other = Cloud("bench-start", "127.92.0.0")
    other.start()
    ours, reference = [], []
    try:
        for _ in range(rounds):
            reference.append(floor(cloud, "Kista"))
            ours.append(other.region("Kista"))
            other.remove("Kista")
    finally:
        other.close()
    table.ratio("region start, `mkdir` to `ready`", ours, reference, "keystone and glance alone", 1.3)


def catalog(table, cloud, rounds=30):
    region = cloud.mount / "regions" / "Kista"
    path = str(region / "catalog")
    token = (region / "token").read_text().strip()
    url = (region / "endpoints/identity/public").read_text().strip() + "/auth/catalog"
    openrc = {"M": str(region)}
    cached, uncached, curl, local = [], [], [], []
    copy = cloud.directory / "catalog"
    copy.write_bytes(pathlib.Path(path).read_bytes())
    for _ in range(rounds):
        time.sleep(1.2)  # past ttl: nothing is cached but the login
        uncached.append(timed(run, "cat", path))
        cached.append(timed(run, "cat", path))
        local.append(timed(run, "cat", str(copy)))
        time.sleep(1.2)  # as rested as before the other one
        curl.append(timed(run, "curl", "-sf", "-H", f"X-Auth-Token: {token}", url))
    client = [timed(run, "bash", "-c", '. "$M/openrc" && exec openstack catalog list', env=openrc) for _ in range(5)]
    read = [timed(pathlib.Path(path).read_bytes) for _ in range(200)]
    table.ratio("`cat catalog`, login kept", uncached, curl, "`curl` of the same URL with a token", 1.2)
    table.ratio("`cat catalog`, login kept", uncached, client, "`openstack catalog list`", 50, inverse=True)
    table.ratio("`cat catalog`, cached", cached, client, "`openstack catalog list`", 1000, inverse=True)
    # what bounds the line above: cat's own start
    table.ratio("`cat catalog`, cached", cached, local, "`cat` of a local copy", 2)
    table.ratio("read of `catalog`, cached, without starting a process", read, client, "`openstack catalog list`", 1000, inverse=True)


READERS = """
import os, sys, threading
region, root, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
paths = [root + "/events", root + "/containers/mysql-Kista/log.follow", root + "/containers/glance-Kista/log.follow"]
threading.stack_size(65536)
def block(path):
    with open(path, "rb", buffering=0) as stream:
        while stream.read(65536):
            pass
for i in range(n):
    threading.Thread(target=block, args=(paths[i % 3],), daemon=True).start()
print("all", flush=True)
sys.stdin.read()
os._exit(0)
"""


def p99(function, *arguments, samples=3000):
    times = sorted(timed(function, *arguments) for _ in range(samples))
    return times[int(samples * 0.99)]


def latencies(table, cloud):
    region = str(cloud.mount / "regions" / "Kista")
    state = pathlib.Path(region) / "state"
    probes = [("`stat`", os.stat, region + "/role"), ("`ls`", os.listdir, region), ("`cat state`", state.read_bytes)]
    idle = {name: [p99(*probe) for _ in range(5)] for name, *probe in probes}
    keystone = cloud.mount / "containers/keystone-Kista/ctl"
    readers = subprocess.Popen([sys.executable, "-c", READERS, region, str(cloud.mount), "1000"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        readers.stdout.readline()
        keystone.write_text("pause\n")
        askers = [subprocess.Popen(["cat", str(cloud.mount / "projects/Default/admin/json")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL) for _ in range(8)]
        busy = {name: [p99(*probe) for _ in range(5)] for name, *probe in probes}
        threads = cloud.status("Threads")
        keystone.write_text("unpause\n")
        for asker in askers:
            asker.wait(60)
    finally:
        readers.kill()
        readers.wait()
    for name, *_ in probes:
        table.ratio(f"99th percentile of {name}, Keystone paused and 1,000 readers blocked", busy[name], idle[name], "idle", 2)
    table.limit("threads then", threads, "", 64)


def degraded(table, cloud, rounds=5):
    """From the death of a container, as the engine dates it, to the line in `events`: milliseconds. The region is to be ready."""
    name = f"{cloud.name}-memcached-Kista"
    filters = urllib.parse.quote(json.dumps({"container": [name], "event": ["die"]}))
    region = cloud.mount / "regions" / "Kista"
    times = []
    for _ in range(rounds):
        with open(cloud.mount / "events", "rb", buffering=0) as events:
            begun = time.time()
            engine("POST", f"/containers/{name}/kill")
            seen = b""
            while b'"degraded"' not in seen:
                seen += events.read(65536)
            told = time.time()
        death = json.loads(engine("GET", f"/events?since={begun:.6f}&until={told:.6f}&filters={filters}").splitlines()[0])
        times.append(told * 1000 - death["timeNano"] / 1e6)
        (region / "ctl").write_text("repair\n")
        if (region / "wait").read_text() != "ready\n":
            raise RuntimeError("the region was not repaired")
    table.limit("death of a container to `degraded`", statistics.median(times), "ms", 100)


def memory(table, cloud, operations=100_000):
    region = cloud.mount / "regions" / "Kista"
    for _ in range(2000):
        (region / "state").read_bytes()
    before = cloud.status("VmRSS") / 1024
    for i in range(operations // 4):
        os.stat(region / "role")
        os.listdir(region)
        (region / "state").read_bytes()
        (region / "catalog").read_bytes()
    after = cloud.status("VmRSS") / 1024
    table.limit("daemon memory with one region", before, "MB", 32)
    table.limit(f"its growth over {operations:,} operations", max(after - before, 0), "MB", 1)


def mounting(table):
    empty = Cloud("bench-empty", "127.93.0.0")
    times = []
    try:
        for _ in range(10):
            times.append(empty.start() * 1000)
            empty.stop()
    finally:
        empty.close()
    table.limit("start to mounted, no region", statistics.median(times), "ms", 100)


def main(table: Table, cloud: Cloud):
    mounting(table)
    catalog(table, cloud)
    degraded(table, cloud)
    latencies(table, cloud)
    memory(table, cloud)
    region_start(table, cloud)
