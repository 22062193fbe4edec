"""Slaves, promotion, and many regions side by side."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import ssl
import statistics
import threading
import time
import urllib.parse

import pymysql
from bench import Group, as_it_is
from cloud import Cloud, Container, engine, timed, until
from region import floor
from results import interleaved
from tails import tails

PROJECTS = 100_000


def standby(cloud, name):
    begun = time.monotonic()
    (cloud.mount / "regions" / name).mkdir()
    settle(cloud, name, "standby")
    return time.monotonic() - begun


def replicate(cloud, name):
    begun = time.monotonic()
    control(cloud, name, "start")
    settle(cloud, name, "ready")
    return time.monotonic() - begun


def settle(cloud, name, state):
    found = (cloud.mount / "regions" / name / "wait").read_text().strip()
    if found != state:
        raise RuntimeError(f"region {name}: {found}")


def control(cloud, name, command):
    (cloud.mount / "regions" / name / "replication" / "ctl").write_text(command + "\n")


def accepts(address, port):
    """Whether a database greets who connects."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            return bool(connection.recv(1))
    except OSError:
        return False


def bare_database(cloud):
    """The database's container alone, made as the cloud's is, until it accepts connections: seconds."""
    begun = time.monotonic()
    model = json.loads(engine("GET", f"/containers/{cloud.name}-mysql-Kista/json"))
    body = {"Image": model["Config"]["Image"], "HostConfig": {"Init": True, "NetworkMode": cloud.name},
            "Volumes": {"/var/lib/mysql": {}}}
    with Container("bench-floor-mysql", body) as container:
        container.copy(model["Id"], "/etc/mysql")
        container.start()
        address = container.address(cloud.name)
        until(lambda: accepts(address, 3306))
        return time.monotonic() - begun


def starts(cloud, _run, rounds=2):
    def ready(_):
        took = replicate(cloud, "Solna")
        cloud.remove("Solna")
        return took

    found = interleaved(rounds, {"bare": lambda _: bare_database(cloud), "standby": lambda _: standby(cloud, "Solna"),
                                 "floor": lambda _: floor(cloud, "Kista"), "ready": ready})
    return {**found, "spare": spare_starts(rounds)}


def spare_starts(rounds=2):
    """A slave's start with a spare that has loaded: seconds each, in a cloud of its own."""
    took = []
    with Cloud("bench-spare", "127.95.0.0", "spare=1") as cloud:
        cloud.start()
        cloud.region("Kista")
        for _ in range(rounds):
            until(lambda: waits(f"{cloud.name}-spare-keystone-2") and waits(f"{cloud.name}-spare-glance-2"), pause=0.2)
            standby(cloud, "Solna")
            took.append(replicate(cloud, "Solna"))
            cloud.remove("Solna")
    return took


def waits(container):
    """Whether that spare has loaded: it then runs, and has nothing to do."""
    try:
        before, after = (json.loads(engine("GET", f"/containers/{container}/stats?stream=false")) for _ in range(2))
    except RuntimeError:
        return False
    return bool(before["cpu_stats"]["cpu_usage"]["total_usage"]) and spent(after) - spent(before) < 0.1e9


def spent(stats):
    return stats["cpu_stats"]["cpu_usage"]["total_usage"]


class Keystone:
    """A client of one region's Keystone, on one connection."""

    def __init__(self, cloud, region):
        directory = cloud.mount / "regions" / region
        self.token = (directory / "token").read_text().strip()
        self.where = urllib.parse.urlsplit((directory / "endpoints/identity/public").read_text().strip())
        self.authority, self.connection = authority(cloud), None

    def connect(self):
        if self.where.scheme == "https":
            context = ssl.create_default_context(cafile=self.authority)
            return http.client.HTTPSConnection(self.where.netloc, timeout=30, context=context)
        return http.client.HTTPConnection(self.where.netloc, timeout=30)

    def ask(self, method, path, body=None):
        """The status and the answer; a connection that broke counts as 503."""
        try:
            if not self.connection:
                self.connection = self.connect()
            self.connection.request(method, "/v3" + path, json.dumps(body) if body else None,
                                    {"X-Auth-Token": self.token, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return 503, b""

    def make(self, name):
        """The new project's id, or None."""
        status, text = self.ask("POST", "/projects", {"project": {"name": name, "domain_id": "default"}})
        return json.loads(text)["project"]["id"] if status == 201 else None


def authority(cloud):
    """The file of whom a cloud with TLS is believed by, or None."""
    file = cloud.mount / "ca.pem"
    return str(file) if file.exists() else None


def database(cloud, region):
    """Root's connection to it: where the cloud has TLS, it is refused without."""
    secrets = json.loads((cloud.directory / "state" / f"{cloud.name}.json").read_text())
    address = (cloud.mount / "regions" / region / "address").read_text().strip()
    tls = {"ssl_ca": authority(cloud), "ssl_verify_identity": True} if authority(cloud) else {}
    return pymysql.connect(host=address, user="root", password=secrets["db_root"], autocommit=True, **tls)


def rows(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def number(connection, statement):
    return int(rows(connection, statement)[0][-1])


def both_wait(own):
    """Until somebody waits for a position in that database, and somebody else by asking it again and again, as `sync` does: nothing else asks
    that often."""
    selects = "SHOW GLOBAL STATUS LIKE 'Com_select'"
    until(lambda: number(own, "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting in MASTER_GTID_WAIT%'"))
    begun = number(own, selects)
    until(lambda: number(own, selects) >= begun + 30)


def see(keystone, identity):
    until(lambda: keystone.ask("GET", f"/projects/{identity}")[0] == 200, pause=0)


def visible(cloud, run, rounds=20):
    master, slave = Keystone(cloud, "Kista"), Keystone(cloud, "Solna")
    lag = cloud.mount / "regions/Solna/replication/lag"
    beyond, cold = [], []
    for i in range(rounds):
        identity = master.make(f"visible-{run}-{i}")
        at_slave = timed(see, slave, identity) - float(lag.read_text())
        identity = master.make(f"seen-{run}-{i}")
        cold.append(timed(see, master, identity))  # after a write no answer is cached, in no region
        beyond.append(at_slave)
    return {"beyond": [max(statistics.median(beyond) - statistics.median(cold), 0)]}


def synchronised(cloud, run, rounds=10):
    """From the moment at which the database says that it has applied what the master had to the return of `sync`."""
    master = Keystone(cloud, "Kista")
    source, own, waiter = database(cloud, "Kista"), database(cloud, "Solna"), database(cloud, "Solna")
    sync = cloud.mount / "regions/Solna/replication/sync"
    late = []
    for i in range(rounds):
        ends = {}
        rows(own, "STOP SLAVE SQL_THREAD")
        master.make(f"sync-{run}-{i}")
        position = rows(source, "SELECT @@GLOBAL.gtid_binlog_pos")[0][0]

        def wait(what, function, *arguments, ends=ends):
            function(*arguments)
            ends[what] = time.monotonic()

        threads = [threading.Thread(target=wait, args=("database", rows, waiter, f"SELECT MASTER_GTID_WAIT('{position}', 30)")),
                   threading.Thread(target=wait, args=("sync", sync.read_text))]
        for thread in threads:
            thread.start()
        try:
            both_wait(own)
        finally:
            rows(own, "START SLAVE SQL_THREAD")
        for thread in threads:
            thread.join()
        late.append(max(ends["sync"] - ends["database"], 0))
    return {"late": late}


class Writer(threading.Thread):
    """Makes projects one after the other, and knows when each was accepted."""

    def __init__(self, cloud, region, name):
        super().__init__(daemon=True)
        self.keystone, self.name_of = Keystone(cloud, region), name
        self.accepted, self.ended = [], threading.Event()

    def run(self):
        i = 0
        while not self.ended.is_set():
            if self.keystone.make(f"{self.name_of}-{i}"):
                self.accepted.append(time.monotonic())
            i += 1

    def stop(self):
        self.ended.set()
        self.join()

    def go_on(self, writes=10):
        """Until so many more were accepted."""
        wanted = len(self.accepted) + writes
        until(lambda: len(self.accepted) >= wanted)

    def gap(self):
        return max(b - a for a, b in zip(self.accepted, self.accepted[1:]))


def fill(cloud):
    with database(cloud, "Kista").cursor() as cursor:
        cursor.execute("USE keystone")
        cursor.execute("INSERT INTO project (id, name, extra, description, enabled, domain_id, parent_id, is_domain) SELECT MD5(seq), "
                       f"CONCAT('many-', seq), '{{}}', '', 1, 'default', 'default', 0 FROM seq_1_to_{PROJECTS}")
    (cloud.mount / "regions/Solna/replication/sync").read_text()


def switch_over(cloud, run, rounds=2):
    """An even number of times: the master is the same afterwards."""
    gaps, commands = [], []
    for i in range(rounds):
        to = ("Solna", "Kista")[i % 2]
        writer = Writer(cloud, to, f"switch-{run}-{i}")
        writer.start()
        try:
            writer.go_on()
            commands.append(timed(control, cloud, to, "promote"))
            writer.go_on()
        finally:
            writer.stop()
        gaps.append(writer.gap())
    return {"gap": gaps, "command": commands}


def killed(cloud, i):
    """Kills one region's database, which is the master's when I counts up from 0: its name, and who is to be the master."""
    old, to = (("Kista", "Solna"), ("Solna", "Kista"))[i % 2]
    (cloud.mount / f"containers/mysql-{old}/ctl").write_text("kill\n")
    return old, to


def mend(cloud, old):
    (cloud.mount / f"regions/{old}/ctl").write_text("repair\n")
    settle(cloud, old, "ready")
    (cloud.mount / f"regions/{old}/replication/sync").read_text()


def fail_over(cloud, run, rounds=2):
    times = []
    for i in range(rounds):
        keystone = Keystone(cloud, ("Solna", "Kista")[i % 2])
        keystone.make(f"before-{run}-{i}")
        old, to = killed(cloud, i)
        begun = time.monotonic()
        control(cloud, to, "promote")
        until(lambda: keystone.make(f"after-{run}-{i}"), pause=0)
        times.append(time.monotonic() - begun)
        mend(cloud, old)
    return {"first": times}


class Maker(threading.Thread):
    """Makes projects in a directory of the mount one after the other, and knows when each was made."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory, self.made, self.ended = directory, [], threading.Event()

    def run(self):
        i = 0
        while not self.ended.is_set():
            try:
                (self.directory / f"p-{i}").mkdir()
                self.made.append(time.monotonic())
            except OSError:
                pass
            i += 1


@contextlib.contextmanager
def making(cloud, names):
    """A maker in each of these new domains, when each has made one."""
    for name in names:
        (cloud.mount / "domains" / name).mkdir()
    makers = [Maker(cloud.mount / "projects" / name) for name in names]
    for maker in makers:
        maker.start()
    try:
        until(lambda: all(maker.made for maker in makers), pause=0.1)
        yield makers
    finally:
        for maker in makers:
            maker.ended.set()
        for maker in makers:
            maker.join()


def in_flight(cloud, run, writers=16, rounds=2):
    """As fail_over(), through the mount, while writes wait for the dead master in as many directories."""
    samples = {"first": [], "last": []}
    for i in range(rounds):
        with making(cloud, [f"flight-{run}-{i}-{w}" for w in range(writers)]) as makers:
            old, to = killed(cloud, i)
            time.sleep(1)  # for as long as somebody takes to see it, each waits for the dead one
            begun = time.monotonic()
            control(cloud, to, "promote")
            while not all(maker.made[-1] > begun for maker in makers) and time.monotonic() < begun + 60:
                time.sleep(0.01)
        after = [next((made for made in maker.made if made > begun), begun + 60) - begun for maker in makers]
        samples["first"].append(min(after))
        samples["last"].append(max(after))
        mend(cloud, old)
    return samples


def together(cloud, names):
    """Seconds until each region of NAMES serves: the first as master, the others as slaves."""
    def serve(name):
        settle(cloud, names[0], "ready")
        if name != names[0]:
            settle(cloud, name, "standby")
            replicate(cloud, name)

    begun = time.monotonic()
    for name in names:
        (cloud.mount / "regions" / name).mkdir()
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(serve, names))
    took = time.monotonic() - begun
    for name in names:
        settle(cloud, name, "ready")
    return took


def six(own, _run):
    names = "abcdef"
    with Cloud("bench-six", "127.94.0.0") as cloud:
        cloud.start()
        one = together(cloud, names[:1])
        cloud.remove("a")
        alone = floor(own, "Kista", len(names))
        all_of_them = together(cloud, names)
        chain = [timed(control, cloud, name, "promote") for name in names[1:] + names[:1]]
        for name in names[1:]:
            (cloud.mount / "regions" / name / "replication/sync").read_text()
            status = (cloud.mount / "regions" / name / "replication/status").read_text()
            if "drift: none" not in status:
                raise RuntimeError(f"region {name} after the chain: {status}")
        return {"one": [one], "floor": [alone], "all": [all_of_them], "promotion": chain, "memory": [cloud.status("VmRSS") / 1024]}


@contextlib.contextmanager
def with_slave(cloud):
    standby(cloud, "Solna")
    replicate(cloud, "Solna")
    fill(cloud)
    yield cloud
    cloud.remove("Solna")


def groups():
    return [Group("slave-starts", as_it_is, {"starts": starts}),
            Group("replication", with_slave, {"visible": visible, "synchronised": synchronised, "switch over": switch_over, "fail over": fail_over,
                                              "in flight": in_flight, "tails": tails}),
            Group("six", as_it_is, {"six": six})]
