"""Slaves, promotion, and many regions side by side."""

import http.client
import json
import socket
import statistics
import threading
import time
import urllib.parse

import pymysql
from cloud import Cloud, Table, engine, timed
from region import floor

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
    engine("DELETE", "/containers/bench-floor-mysql?force=1&v=1")
    body = {"Image": model["Config"]["Image"], "HostConfig": {"Init": True, "NetworkMode": cloud.name},
            "Volumes": {"/var/lib/mysql": {}}}
    made = json.loads(engine("POST", "/containers/create?name=bench-floor-mysql", body))["Id"]
    engine("PUT", f"/containers/{made}/archive?path=/etc", engine("GET", f"/containers/{model['Id']}/archive?path=/etc/mysql"),
           "application/x-tar")
    engine("POST", f"/containers/{made}/start")
    networks = json.loads(engine("GET", f"/containers/{made}/json"))["NetworkSettings"]["Networks"]
    while not accepts(networks[cloud.name]["IPAddress"], 3306):
        time.sleep(0.01)
    took = time.monotonic() - begun
    engine("DELETE", f"/containers/{made}?force=1&v=1")
    return took


def starts(table, cloud, rounds=5):
    stand, bare, serve, loads = [], [], [], []
    for _ in range(rounds):
        bare.append(bare_database(cloud))
        stand.append(standby(cloud, "Solna"))
        loads.append(floor(cloud, "Kista"))
        serve.append(replicate(cloud, "Solna"))
        cloud.remove("Solna")
    table.ratio("slave, `mkdir` to `standby`", stand, bare, "a bare database container until it accepts connections", 1.2)
    table.ratio("slave, `start` to `ready`", serve, loads, "keystone and glance alone", 1.3)


class Keystone:
    """A client of one region's Keystone, on one connection."""

    def __init__(self, cloud, region):
        directory = cloud.mount / "regions" / region
        self.token = (directory / "token").read_text().strip()
        self.where = urllib.parse.urlsplit((directory / "endpoints/identity/public").read_text().strip()).netloc
        self.connection = None

    def ask(self, method, path, body=None):
        """The status and the answer; a connection that broke counts as 503."""
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.where, timeout=30)
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


def database(cloud, region):
    secrets = json.loads((cloud.directory / "state" / f"{cloud.name}.json").read_text())
    address = (cloud.mount / "regions" / region / "address").read_text().strip()
    return pymysql.connect(host=address, user="root", password=secrets["db_root"], autocommit=True)


def rows(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def see(keystone, identity):
    while keystone.ask("GET", f"/projects/{identity}")[0] != 200:
        pass


def visible(table, cloud, rounds=50):
    master, slave = Keystone(cloud, "Kista"), Keystone(cloud, "Solna")
    lag = cloud.mount / "regions/Solna/replication/lag"
    beyond, cold = [], []
    for i in range(rounds):
        identity = master.make(f"visible-{i}")
        at_slave = timed(see, slave, identity) - float(lag.read_text())
        identity = master.make(f"seen-{i}")
        cold.append(timed(see, master, identity))  # after a write no answer is cached, in no region
        beyond.append(at_slave)
    over = statistics.median(beyond) - statistics.median(cold)
    table.limit("a row of the master's read at the slave's Keystone, beyond `lag` and the same read at the master's", max(over, 0) * 1000,
                "ms", 50)


def synchronised(table, cloud, rounds=20):
    """From the moment at which the database says that it has applied what the master had to the return of `sync`."""
    master = Keystone(cloud, "Kista")
    source, own, waiter = database(cloud, "Kista"), database(cloud, "Solna"), database(cloud, "Solna")
    sync = cloud.mount / "regions/Solna/replication/sync"
    late = []
    for i in range(rounds):
        ends = {}
        rows(own, "STOP SLAVE SQL_THREAD")
        master.make(f"sync-{i}")
        position = rows(source, "SELECT @@GLOBAL.gtid_binlog_pos")[0][0]

        def wait(what, function, *arguments, ends=ends):
            function(*arguments)
            ends[what] = time.monotonic()

        threads = [threading.Thread(target=wait, args=("database", rows, waiter, f"SELECT MASTER_GTID_WAIT('{position}', 30)")),
                   threading.Thread(target=wait, args=("sync", sync.read_text))]
        for thread in threads:
            thread.start()
        time.sleep(0.3)  # both wait
        rows(own, "START SLAVE SQL_THREAD")
        for thread in threads:
            thread.join()
        late.append(ends["sync"] - ends["database"])
    table.limit("`sync` returns after the position is applied", max(statistics.median(late) * 1000, 0), "ms", 20)


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

    def gap(self):
        return max(b - a for a, b in zip(self.accepted, self.accepted[1:]))


def fill(cloud):
    with database(cloud, "Kista").cursor() as cursor:
        cursor.execute("USE keystone")
        cursor.execute("INSERT INTO project (id, name, extra, description, enabled, domain_id, parent_id, is_domain) SELECT MD5(seq), "
                       f"CONCAT('many-', seq), '{{}}', '', 1, 'default', 'default', 0 FROM seq_1_to_{PROJECTS}")
    (cloud.mount / "regions/Solna/replication/sync").read_text()


def switch_over(table, cloud, rounds=6):
    gaps, commands = [], []
    for i in range(rounds):
        to = ("Solna", "Kista")[i % 2]
        writer = Writer(cloud, to, f"switch-{i}")
        writer.start()
        time.sleep(1)
        commands.append(timed(control, cloud, to, "promote"))
        time.sleep(1)
        writer.stop()
        gaps.append(writer.gap())
    table.limit(f"switch-over, {PROJECTS:,} projects: writes refused or kept waiting", statistics.median(gaps) * 1000, "ms", 1000)
    table.limit("switch-over, the command", statistics.median(commands) * 1000, "ms", 1000)


def fail_over(table, cloud, rounds=4):
    times = []
    for i in range(rounds):
        old, to = (("Kista", "Solna"), ("Solna", "Kista"))[i % 2]
        keystone = Keystone(cloud, to)
        keystone.make(f"before-{i}")
        (cloud.mount / f"containers/mysql-{old}/ctl").write_text("kill\n")
        begun = time.monotonic()
        control(cloud, to, "promote")
        while not keystone.make(f"after-{i}"):
            pass
        times.append(time.monotonic() - begun)
        (cloud.mount / f"regions/{old}/ctl").write_text("repair\n")
        settle(cloud, old, "ready")
        (cloud.mount / f"regions/{old}/replication/sync").read_text()
    table.limit("fail-over, from the command to the first write accepted", statistics.median(times) * 1000, "ms", 2000)


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


def in_flight(table, cloud, writers=16, rounds=4):
    """As fail_over(), through the mount, while writes wait for the dead master in as many directories."""
    firsts, lasts = [], []
    for i in range(rounds):
        old, to = (("Kista", "Solna"), ("Solna", "Kista"))[i % 2]
        for w in range(writers):
            (cloud.mount / "domains" / f"flight-{i}-{w}").mkdir()
        makers = [Maker(cloud.mount / "projects" / f"flight-{i}-{w}") for w in range(writers)]
        for maker in makers:
            maker.start()
        while not all(maker.made for maker in makers):
            time.sleep(0.1)
        (cloud.mount / f"containers/mysql-{old}/ctl").write_text("kill\n")
        time.sleep(1)  # each waits for the dead one
        begun = time.monotonic()
        control(cloud, to, "promote")
        while not all(maker.made[-1] > begun for maker in makers) and time.monotonic() < begun + 60:
            time.sleep(0.01)
        for maker in makers:
            maker.ended.set()
        for maker in makers:
            maker.join()
        after = [next((made for made in maker.made if made > begun), begun + 60) - begun for maker in makers]
        firsts.append(min(after))
        lasts.append(max(after))
        (cloud.mount / f"regions/{old}/ctl").write_text("repair\n")
        settle(cloud, old, "ready")
        (cloud.mount / f"regions/{old}/replication/sync").read_text()
    table.limit(f"fail-over with {writers} writes in flight, from the command to the first write", statistics.median(firsts) * 1000, "ms", 2000)
    table.limit("the same, to a write in each directory", statistics.median(lasts) * 1000, "ms", 2000)


def together(cloud, names):
    """Seconds until each region of NAMES serves: the first as master, the others as slaves."""
    def make(name):
        (cloud.mount / "regions" / name).mkdir()

    def serve(name):
        settle(cloud, names[0], "ready")
        if name != names[0]:
            settle(cloud, name, "standby")
            replicate(cloud, name)

    begun = time.monotonic()
    for name in names:
        make(name)
    threads = [threading.Thread(target=serve, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    for name in names:
        settle(cloud, name, "ready")
    return took


def six(table):
    cloud = Cloud("bench-six", "127.94.0.0")
    names = "abcdef"
    try:
        cloud.start()
        one = together(cloud, names[:1])
        cloud.remove("a")
        all_of_them = together(cloud, names)
        table.add("six regions started at once, until all serve", f"{all_of_them:.2f} s", f"one region: {one:.2f} s",
                  f"{all_of_them / one:.2f}", "", True)
        chain = [timed(control, cloud, name, "promote") for name in names[1:] + names[:1]]
        table.limit("each promotion of a chain through six regions", statistics.median(chain) * 1000, "ms", 1000)
        for name in names[1:]:
            (cloud.mount / "regions" / name / "replication/sync").read_text()
            status = (cloud.mount / "regions" / name / "replication/status").read_text()
            if "drift: none" not in status:
                raise RuntimeError(f"region {name} after the chain: {status}")
        table.limit("daemon memory with six regions", cloud.status("VmRSS") / 1024, "MB", 64)
    finally:
        cloud.close()


def main(table: Table, cloud: Cloud):
    starts(table, cloud)
    standby(cloud, "Solna")
    replicate(cloud, "Solna")
    visible(table, cloud)
    synchronised(table, cloud)
    fill(cloud)
    switch_over(table, cloud)
    fail_over(table, cloud)
    in_flight(table, cloud)
    cloud.remove("Solna")
    six(table)
