"""Region start, catalog, latencies under load, memory."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse

from bench import Group, as_it_is
from cloud import MCLOUDFS, Cloud, Container, UnixConnection, engine, run, timed, until
from results import interleaved, sometimes

FLOOR = "bench-floor"


def serves(address, port, path):
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def floor(cloud, region, pairs=1):
    """The same keystone and glance, side by side, on the region's own database, until both serve: seconds. Of several PAIRS: all of them at once."""
    with contextlib.ExitStack() as stack:
        begun, made = time.monotonic(), []
        for number in range(pairs):
            for kind, port, path in (("keystone", 5000, "/v3"), ("glance", 9292, "/healthcheck")):
                model = json.loads(engine("GET", f"/containers/{cloud.name}-{kind}-{region}/json"))
                body = {"Image": model["Config"]["Image"], "HostConfig": {"Init": True, "NetworkMode": cloud.name}}
                container = stack.enter_context(Container(f"{FLOOR}-{kind}-{number}", body))
                container.copy(model["Id"], f"/etc/{kind}")
                made.append((container, port, path))
        for container, *_ in made:
            container.start()
        waiting = {(container.address(cloud.name), port, path) for container, port, path in made}

        def all_serve():
            waiting.difference_update([each for each in waiting if serves(*each)])
            return not waiting

        until(all_serve, pause=0.02)
        return time.monotonic() - begun


def region_start(cloud, *options, rounds=2):
    """CLOUD has the database that the floor's Keystone and Glance ask; in another one, with OPTIONS, regions come and go."""
    with Cloud("bench-start", "127.92.0.0", *options) as other:
        other.start()

        def region(_):
            took = other.region("Kista")
            other.remove("Kista")
            return took

        return interleaved(rounds, {"floor": lambda _: floor(cloud, "Kista"), "region": region})


def mounting(_cloud, _run, rounds=4):
    with Cloud("bench-empty", "127.93.0.0") as empty:
        def mounted(_):
            took = empty.start()
            empty.stop()
            return took

        return interleaved(rounds, {"program": lambda _: timed(run, MCLOUDFS, "--version"), "mounted": mounted})


def openstack(region, *arguments):
    """The client, by the openrc of that directory: seconds."""
    return timed(run, "bash", "-c", '. "$1/openrc" && shift && exec openstack "$@" 2>/dev/null', "openstack", str(region), *arguments)


def catalogs(directory, region, rounds, client):
    """Of a REGION that is mounted: with nothing but the login kept, cached, and beside a local copy, curl and the client."""
    path, token = str(region / "catalog"), (region / "token").read_text().strip()
    url = (region / "endpoints/identity/public").read_text().strip() + "/auth/catalog"
    copy = directory / "catalog"
    copy.write_bytes(pathlib.Path(path).read_bytes())

    def rested(*command):
        time.sleep(1.2)  # past ttl: nothing is cached but the login
        return timed(run, *command)

    def reads(place):
        return lambda _: [timed(pathlib.Path(place).read_bytes) for _ in range(20)]

    return interleaved(rounds, {
        "cold": lambda _: rested("cat", path),
        "cached": lambda _: timed(run, "cat", path),
        "local": lambda _: timed(run, "cat", str(copy)),
        "read": reads(path),
        "local read": reads(copy),
        "curl": lambda _: rested("curl", "-sf", "-H", f"X-Auth-Token: {token}", url),
        "client": sometimes(lambda _: client("catalog", "list")),
    })


def catalog(cloud, _run, rounds=10):
    region = cloud.mount / "regions" / "Kista"
    return catalogs(cloud.directory, region, rounds, lambda *arguments: openstack(region, *arguments))


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


@contextlib.contextmanager
def blocked_readers(cloud, count=1000):
    """So many, of what happens and of logs, who wait."""
    readers = subprocess.Popen([sys.executable, "-c", READERS, str(cloud.mount / "regions/Kista"), str(cloud.mount), str(count)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        readers.stdout.readline()
        yield
    finally:
        readers.kill()
        readers.wait()


def latencies(cloud, _run, rounds=2):
    region = str(cloud.mount / "regions" / "Kista")
    state = pathlib.Path(region) / "state"
    probes = {"stat": lambda _: p99(os.stat, region + "/role"), "ls": lambda _: p99(os.listdir, region), "state": lambda _: p99(state.read_bytes)}
    idle = interleaved(rounds, probes)
    keystone = cloud.mount / "containers/keystone-Kista/ctl"
    with blocked_readers(cloud):
        keystone.write_text("pause\n")
        askers = [subprocess.Popen(["cat", str(cloud.mount / "projects/Default/admin/json")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL) for _ in range(8)]
        try:
            busy = interleaved(rounds, probes)
            threads = cloud.status("Threads")
        finally:
            keystone.write_text("unpause\n")
        for asker in askers:
            asker.wait(60)
    return {"threads": [threads], **{f"idle {name}": values for name, values in idle.items()}, **{f"busy {name}": values for name, values in busy.items()}}


class Death(threading.Thread):
    """Listens to the engine itself, for the death of a container: when that was, and when it was told of, in seconds."""

    def __init__(self, name):
        super().__init__(daemon=True)
        filters = urllib.parse.quote(json.dumps({"container": [name], "event": ["die"]}))
        self.connection = UnixConnection("engine", timeout=60)
        self.connection.request("GET", f"/events?filters={filters}")
        self.answer = self.connection.getresponse()
        self.was = self.told = None

    def run(self):
        line = self.answer.readline()
        self.told = time.time()
        self.was = json.loads(line)["timeNano"] / 1e9

    def heard(self):
        self.join()
        self.connection.close()
        if self.was is None:
            raise RuntimeError("the engine told of no death")


def degraded(cloud, _run, rounds=3):
    """From the death of a container, as the engine dates it, to the line in `events`, and to the engine's own event. The region is to be ready."""
    name = f"{cloud.name}-memcached-Kista"
    region = cloud.mount / "regions" / "Kista"
    samples = {"told": [], "engine": []}
    for _ in range(rounds):
        with open(cloud.mount / "events", "rb", buffering=0) as events:
            death = Death(name)
            death.start()
            engine("POST", f"/containers/{name}/kill")
            seen = b""
            while b'"degraded"' not in seen:
                seen += events.read(65536)
            told = time.time()
        death.heard()
        samples["told"].append(told - death.was)
        samples["engine"].append(death.told - death.was)
        (region / "ctl").write_text("repair\n")
        if (region / "wait").read_text() != "ready\n":
            raise RuntimeError("the region was not repaired")
    return samples


def memory(cloud, _run, operations=100_000):
    region = cloud.mount / "regions" / "Kista"
    for _ in range(2000):
        (region / "state").read_bytes()
    before = cloud.status("VmRSS") / 1024
    for _ in range(operations // 4):
        os.stat(region / "role")
        os.listdir(region)
        (region / "state").read_bytes()
        (region / "catalog").read_bytes()
    after = cloud.status("VmRSS") / 1024
    return {"memory": [before], "growth": [max(after - before, 0)]}


def start(cloud, _run):
    return region_start(cloud)


def groups():
    return [Group("region", as_it_is, {"mounting": mounting, "catalog": catalog, "degraded": degraded, "latencies": latencies, "memory": memory, "start": start})]
