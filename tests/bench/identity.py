"""Identity: single changes, a domain of 100,000 users, and many who make users at once, beside Keystone itself."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.parse
from types import SimpleNamespace

from bench import Group
from cloud import engine, run, timed
from images import remount
from region import openstack
from results import interleaved, sometimes

MANY = 100_000
MADE = 1_000
HANDS = 16


class Keystone:
    """The region's Keystone, with a token."""

    def __init__(self, region):
        self.token = (region / "token").read_text().strip()
        url = urllib.parse.urlparse((region / "endpoints/identity/public").read_text().strip())
        self.path = url.path
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=300)
        self.url = url.geturl()

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body else None
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json"}
        self.connection.request(method, self.path + path, data, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text) if text else None


def names(prefix, count):
    return [f"{prefix}{i}" for i in range(count)]


class Curl:
    """Requests by one curl over one connection, timed by curl itself: without its own start and without the connecting."""

    def __init__(self, keystone):
        self.keystone = keystone

    def __call__(self, *requests):
        """REQUESTS: (method, path[, body]). Seconds, and the last one's answer."""
        parts = []
        for method, path, *body in requests:
            part = [f'url = "{self.keystone.url}{path}"', f'request = "{method}"', f'header = "X-Auth-Token: {self.keystone.token}"', "silent",
                    "show-error", 'write-out = "\\n%{http_code} %{time_pretransfer} %{time_total}\\n"']
            if body:
                part += ['header = "Content-Type: application/json"', f"data = {json.dumps(json.dumps(body[0]))}"]
            parts.append("\n".join(part))
        done = subprocess.run(["curl", "-K", "-"], input="\nnext\n".join(parts).encode(), check=True, timeout=120, stdout=subprocess.PIPE)
        lines = [line for line in done.stdout.decode().splitlines() if line]
        took = [line.split() for line in lines if line[:3].isdigit() and len(line.split()) == 3]
        if len(took) != len(requests) or any(code >= "500" for code, _, _ in took):
            raise RuntimeError(f"{requests}: {lines}")
        answers = [line for line in lines if line.startswith("{")]
        return sum(float(total) - float(begun) for _, begun, total in took), json.loads(answers[-1]) if answers else None


class Requests:
    """What each change can't do without, by curl: whether there is one already, and the change. Each is a function of a user's name."""

    def __init__(self, place):
        self.place, self.curl, self.ids = place, Curl(place.keystone), {}

    def find(self, name):
        return "GET", f"/users?domain_id={self.place.domain}&name={name}"

    def path(self, name):
        return f"/users/{self.ids[name]}"

    def mkdir(self, name):
        took, answer = self.curl(self.find(name), ("POST", "/users", {"user": {"name": name, "domain_id": self.place.domain, "enabled": True}}))
        self.ids[name] = answer["user"]["id"]
        return took

    def relate(self, name, path):
        return self.curl(self.find(name), ("GET", path), ("PUT", path))[0]

    def grant(self, name):
        return self.relate(name, f"/projects/{self.place.project}{self.path(name)}/roles/{self.place.role}")

    def member(self, name):
        return self.relate(name, f"/groups/{self.place.group}{self.path(name)}")

    def email(self, name):
        return self.curl(self.find(name), ("PATCH", self.path(name), {"user": {"email": "x@example.org"}}))[0]

    def mv(self, name):
        return self.curl(self.find(name), self.find("r" + name), ("PATCH", self.path(name), {"user": {"name": "r" + name}}))[0]

    def rmdir(self, name):
        return self.curl(self.find("r" + name), ("DELETE", self.path(name)))[0]


# what the client does of it, with the name of a user
CLIENT = {
    "mkdir": "user create --domain bench {}",
    "grant": "role add --user-domain bench --user {} --project-domain bench --project p member",
    "member": "group add user --group-domain bench --user-domain bench g {}",
    "email": "user set --domain bench --email x@example.org {}",
    "mv": "user set --domain bench --name r{0} {0}",
    "rmdir": "user delete --domain bench r{}",
}


def changes(place, number, rounds=10):
    """One change after the other: each of users of its own, of the mount, of curl and of the client."""
    users, mount = place.mount / "users" / "bench", place.mount
    grants, members = mount / "projects/bench/p/roles/member/users", mount / "groups/bench/g/users"
    ours = {
        "mkdir": lambda name: (users / name).mkdir(),
        "grant": lambda name: os.symlink("../../../../../../users/bench/" + name, grants / name),
        "member": lambda name: os.symlink("../../../../users/bench/" + name, members / name),
        "email": lambda name: (users / name / "email").write_text("x@example.org\n"),
        "mv": lambda name: (users / name).rename(users / ("r" + name)),
        "rmdir": lambda name: (users / ("r" + name)).rmdir(),
    }
    requests, samples = Requests(place), {}
    for key, change in ours.items():
        samples |= interleaved(rounds, {
            key: lambda i: timed(change, f"o{number}-{i}"),
            f"{key} requests": lambda i: getattr(requests, key)(f"t{number}-{i}"),
            f"{key} client": sometimes(lambda i: openstack(place.region, *CLIENT[key].format(f"c{number}-{i}").split())),
        })
    return samples


def person(place, name):
    return {"user": {"name": name, "domain_id": place.domain, "enabled": True}}


def by_curl(place, part, make=True):
    """Asks for each user of PART by its name, and makes it, over one connection."""
    common = f'header = "X-Auth-Token: {place.keystone.token}"\noutput = "/dev/null"\nfail\nsilent\nshow-error\n'
    requests = []
    for name in part:
        requests.append(f'url = "{place.keystone.url}/users?domain_id={place.domain}&name={name}"\n{common}')
        if make:
            requests.append(f'url = "{place.keystone.url}/users"\nheader = "Content-Type: application/json"\n{common}'
                            f"data = {json.dumps(json.dumps(person(place, name)))}\n")
    subprocess.run(["curl", "-K", "-"], input="next\n".join(requests).encode(), check=True, timeout=600)


def by_mkdir(place, part):
    subprocess.run(["mkdir", *(str(place.mount / "users/bench" / name) for name in part)], check=True, timeout=600)


def by_import(place, everybody):
    people = "name,email\n" + "".join(f"{name},{name}@example.org\n" for name in everybody)
    subprocess.run(["cp", "/dev/stdin", str(place.mount / "users/bench/import")], input=people.encode(), check=True, timeout=600)
    counts = json.loads((place.mount / "users/bench/import.result").read_text().splitlines()[-1])
    if not counts["done"] or counts["created"] + counts["unchanged"] != MADE:
        raise RuntimeError(f"import: {counts}")


def many_hands(place, number):
    """MADE users by HANDS processes: `mkdir`, and `curl` with a kept connection each, which asks whether the name is free and makes the user.
    The same users by one `cp` to `import`; and once more, when there is nothing to be changed."""
    def by_hands(function, prefix, **named):
        everybody = names(prefix, MADE)
        with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(lambda part: function(place, part, **named), [everybody[i::HANDS] for i in range(HANDS)]))

    return interleaved(1, {
        "turns": lambda _: timed(by_curl, place, names(f"h{number}t", MADE)),
        "mkdir": lambda _: timed(by_hands, by_mkdir, f"h{number}m"),
        "curl": lambda _: timed(by_hands, by_curl, f"h{number}c"),
        "import": lambda _: timed(by_import, place, names(f"h{number}i", MADE)),
        "look": lambda _: timed(by_hands, by_curl, f"h{number}c", make=False),
        "again": lambda _: timed(by_import, place, names(f"h{number}i", MADE)),
    })


def sql(cloud, statement):
    command = {"Cmd": ["mariadb", "keystone", "--execute", statement], "User": "0", "AttachStderr": True, "AttachStdout": True}
    identity = json.loads(engine("POST", f"/containers/{cloud.name}-mysql-Kista/exec", command))["Id"]
    text = engine("POST", f"/exec/{identity}/start", {"Detach": False})
    if json.loads(engine("GET", f"/exec/{identity}/json"))["ExitCode"] != 0:
        raise RuntimeError(f"{statement[:60]}…: {text!r}")


def add_people(cloud, domain, count):
    """Users "user1" to "userCOUNT" of the domain with that id, by SQL: by requests they would take minutes."""
    sql(cloud, "INSERT INTO user (id, enabled, extra, domain_id, created_at) SELECT MD5(CONCAT('" + domain + "', seq)), 1, "
               f"'{{\"email\": \"somebody@example.org\"}}', '{domain}', NOW() FROM seq_1_to_{count}")
    sql(cloud, f"INSERT INTO local_user (user_id, domain_id, name) SELECT MD5(CONCAT('{domain}', seq)), "
               f"'{domain}', CONCAT('user', seq) FROM seq_1_to_{count}")


def ask_pages(keystone, domain):
    """The users of a domain, as Keystone gives them: by pages. How many bytes that is."""
    size, marker, more = 0, "", True
    while more:
        page = keystone.ask("GET", f"/users?domain_id={domain}&limit=1000{marker}")
        size += len(json.dumps(page, separators=(",", ":")))
        more = page["links"]["next"] and page["users"]
        marker = f"&marker={page['users'][-1]['id']}" if more else ""
    return size


def first_byte(place):
    """Seconds until curl has the first byte of the list; who takes no more of it ends it."""
    return timed(run, "sh", "-c", 'curl -sSf -H "X-Auth-Token: $1" "$2/users?domain_id=$3" 2>/dev/null | head -c 1', "sh",
                 place.keystone.token, place.keystone.url, place.domain)


def anew(cloud):
    """A daemon that has read nothing yet, but where things are: KiB of memory that it has."""
    remount(cloud)
    (cloud.mount / "regions/Kista/catalog").read_bytes()
    return cloud.status("VmRSS")


def people(place, _run):
    """A directory is listed when the list is whole, and then for a while as long as that took: whoever is to ask for it has a daemon of its own, and
    who comes right after that one finds it there."""
    users = str(place.users)

    def stats(_):
        return [timed(os.stat, place.users / f"user{i + 1}") for i in range(20)]

    def asked(_):
        return [timed(place.keystone.ask, "GET", f"/users?domain_id={place.domain}&name=user{i + 1}") for i in range(20)]

    before = anew(place.cloud)
    samples = interleaved(1, {
        "first": lambda _: timed(run, "ls", "-l", users),
        "second": lambda _: timed(run, "ls", "-l", users),
        "local": lambda _: timed(run, "ls", "-l", place.local),
    })
    samples["memory"] = [(place.cloud.status("VmHWM") - before) * 1024 / place.size]
    anew(place.cloud)
    return samples | interleaved(1, {
        "pages": lambda _: timed(ask_pages, place.keystone, place.domain),
        "byte": lambda _: first_byte(place),
        "ls": lambda _: timed(run, "ls", "-U", users),
        "head": lambda _: timed(run, "sh", "-c", 'ls -U "$1" | head -3', "sh", users),
        "stat": stats,
        "request": asked,
    })


@contextlib.contextmanager
def large_domain(cloud):
    (cloud.mount / "domains/big").mkdir()
    domain, keystone = (cloud.mount / "domains/big/id").read_text().strip(), Keystone(cloud.mount / "regions/Kista")
    add_people(cloud, domain, MANY)
    with tempfile.TemporaryDirectory() as local:
        for i in range(MANY):
            (pathlib.Path(local) / f"user{i + 1}").touch()
        yield SimpleNamespace(cloud=cloud, users=cloud.mount / "users/big", keystone=keystone, domain=domain, local=local, size=ask_pages(keystone, domain))


@contextlib.contextmanager
def small_domain(cloud):
    for path in ("domains/bench", "projects/bench/p", "groups/bench/g"):
        (cloud.mount / path).mkdir()
    ids = {name: (cloud.mount / path / "id").read_text().strip()
           for name, path in (("domain", "domains/bench"), ("project", "projects/bench/p"), ("role", "roles/member"), ("group", "groups/bench/g"))}
    yield SimpleNamespace(mount=cloud.mount, region=cloud.mount / "regions/Kista", keystone=Keystone(cloud.mount / "regions/Kista"), **ids)


def groups():
    return [Group("identity", small_domain, {"changes": changes, "many hands": many_hands}), Group("people", large_domain, {"list": people})]
