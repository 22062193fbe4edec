"""Identity: single changes, a domain of 100,000 users, and many who make users at once, beside Keystone itself."""

import concurrent.futures
import http.client
import json
import os
import subprocess
import urllib.parse

from cloud import engine, run, timed

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


def single_changes(table, cloud, keystone, rounds=30):
    """Each against the requests that it can't do without: whether there is one already, and the change."""
    place = cloud.mount / "users" / "bench"
    domain = (cloud.mount / "domains/bench/id").read_text().strip()
    project = (cloud.mount / "projects/bench/p/id").read_text().strip()
    role = (cloud.mount / "roles/member/id").read_text().strip()
    (cloud.mount / "groups/bench/g").mkdir()
    group = (cloud.mount / "groups/bench/g/id").read_text().strip()
    grants, members = cloud.mount / "projects/bench/p/roles/member/users", cloud.mount / "groups/bench/g/users"
    curl, ids = Curl(keystone), {}

    def find(name):
        return "GET", f"/users?domain_id={domain}&name={name}"

    def make(name):
        took, answer = curl(find(name), ("POST", "/users", {"user": {"name": name, "domain_id": domain, "enabled": True}}))
        ids[name] = answer["user"]["id"]
        return took

    def relate(name, path):
        return curl(find(name), ("GET", path), ("PUT", path))[0]

    def grant(name):
        return relate(name, f"/projects/{project}/users/{ids[name]}/roles/{role}")

    def join(name):
        return relate(name, f"/groups/{group}/users/{ids[name]}")

    def set_email(name):
        return curl(find(name), ("PATCH", f"/users/{ids[name]}", {"user": {"email": "x@example.org"}}))[0]

    def rename(name):
        return curl(find(name), find("r" + name), ("PATCH", f"/users/{ids[name]}", {"user": {"name": "r" + name}}))[0]

    def remove(name):
        return curl(find("r" + name), ("DELETE", f"/users/{ids[name]}"))[0]

    there = "../../../../../../users/bench/"
    ours, theirs, clients = names("o", rounds), names("t", rounds), names("c", 3)
    for what, mine, reference, command in (
            ("`mkdir` of a user", lambda name: (place / name).mkdir(), make, "user create --domain bench {}"),
            ("`ln -s` of a grant", lambda name: os.symlink(there + name, grants / name), grant,
             "role add --user-domain bench --user {} --project-domain bench --project p member"),
            ("`ln -s` of a member", lambda name: os.symlink("../../../../users/bench/" + name, members / name), join,
             "group add user --group-domain bench --user-domain bench g {}"),
            ("`echo >email`", lambda name: (place / name / "email").write_text("x@example.org\n"), set_email,
             "user set --domain bench --email x@example.org {}"),
            ("`mv` of a user", lambda name: (place / name).rename(place / ("r" + name)), rename, "user set --domain bench --name r{0} {0}"),
            ("`rmdir` of a user", lambda name: (place / ("r" + name)).rmdir(), remove, "user delete --domain bench r{}")):
        times = ([], [])
        for one, other in zip(ours, theirs):
            times[0].append(timed(mine, one))
            times[1].append(reference(other))
        table.ratio(what, *times, "its requests by curl, one kept connection", 1.2)
        client = [timed(openstack, cloud, *command.format(name).split()) for name in clients]
        table.ratio(what, times[0], client, f"`openstack {' '.join(command.split()[:2])}`", 20, inverse=True)


def openstack(cloud, *arguments):
    run("bash", "-c", '. "$1/openrc" && shift && exec openstack "$@" 2>/dev/null', "openstack", str(cloud.mount / "regions/Kista"), *arguments)


def many_hands(table, cloud, keystone):
    """MADE users by HANDS processes: `mkdir`, and `curl` with a kept connection each, which asks whether the name is free and makes the user.
    The same users by one `cp` to `import`; and once more, when there is nothing to be changed."""
    domain = (cloud.mount / "domains/bench/id").read_text().strip()

    def curl(part):
        common = f'header = "X-Auth-Token: {keystone.token}"\noutput = "/dev/null"\nfail\nsilent\nshow-error\n'
        config = "next\n".join(
            f'url = "{keystone.url}/users?domain_id={domain}&name={name}"\n{common}next\n'
            f'url = "{keystone.url}/users"\nheader = "Content-Type: application/json"\n{common}'
            f'data = {json.dumps(json.dumps({"user": {"name": name, "domain_id": domain, "enabled": True}}))}\n'
            for name in part)
        subprocess.run(["curl", "-K", "-"], input=config.encode(), check=True, timeout=600)

    def mkdir(part):
        subprocess.run(["mkdir", *(str(cloud.mount / "users/bench" / name) for name in part)], check=True, timeout=600)

    def import_all(prefix):
        people = "name,email\n" + "".join(f"{name},{name}@example.org\n" for name in names(prefix, MADE))
        subprocess.run(["cp", "/dev/stdin", str(cloud.mount / "users/bench/import")], input=people.encode(), check=True, timeout=600)
        counts = json.loads((cloud.mount / "users/bench/import.result").read_text().splitlines()[-1])
        if not counts["done"] or counts["created"] + counts["unchanged"] != MADE:
            raise RuntimeError(f"import: {counts}")

    def all_of(function, prefix):
        everybody = names(prefix, MADE)
        with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(function, [everybody[i::HANDS] for i in range(HANDS)]))

    reference = [timed(all_of, curl, "hc")]
    ours = [timed(all_of, mkdir, "hm")]
    table.ratio(f"{MADE:,} users by {HANDS} `mkdir` at once", ours, reference, f"{HANDS} `curl` at once", 1.1)
    ours, again = [timed(import_all, "hi")], [timed(import_all, "hi")]
    table.ratio(f"{MADE:,} users by one `cp` to `import`", ours, reference, f"{HANDS} `curl` at once", 1.05)
    table.ratio("the same `cp` again", again, reference, f"{HANDS} `curl` at once", 0.1)


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


def big_domain(table, cloud, keystone, rounds=3):
    (cloud.mount / "domains/big").mkdir()
    domain = (cloud.mount / "domains/big/id").read_text().strip()
    add_people(cloud, domain, MANY)
    users = cloud.mount / "users/big"
    size = ask_pages(keystone, domain)
    ours, reference, before = [], [], cloud.status("VmRSS")
    first, second = [timed(run, "ls", "-l", str(users))], [timed(run, "ls", "-l", str(users))]
    table.ratio("`ls -l` of %s users a second time" % f"{MANY:,}", second, first, "the first time", 0.5)
    for _ in range(rounds):
        reference.append(timed(ask_pages, keystone, domain))
        ours.append(timed(run, "ls", "-U", str(users)))
    table.ratio(f"`ls` of {MANY:,} users", ours, reference, "its pages, by one kept connection", 1.1)
    table.limit("daemon memory for it, of the answer's size", (cloud.status("VmHWM") - before) * 1024 / size, "times", 4)
    # A directory is listed when the list is whole, and then for a while as long as that took.
    ours, reference = [], []
    for _ in range(rounds):
        reference.append(timed(run, "sh", "-c", 'curl -sSf -H "X-Auth-Token: $1" "$2/users?domain_id=$3" 2>/dev/null | head -c 1', "sh",
                               keystone.token, keystone.url, domain))
        ours.append(timed(run, "sh", "-c", 'ls -U "$1" | head -3', "sh", str(users)))
    table.ratio("`ls -U | head -3` of them", ours, reference, "the first byte that `curl` gets of the list", 1.1)
    stat, asked = [], []
    for i in range(20):
        stat.append(timed(os.stat, users / f"user{i + 1}"))
        asked.append(timed(keystone.ask, "GET", f"/users?domain_id={domain}&name=user{i + 1}"))
    table.ratio("`stat` of one of them", stat, asked, "its request", 1.2)


def main(table, cloud):
    keystone = Keystone(cloud.mount / "regions/Kista")
    for path in ("domains/bench", "projects/bench/p"):
        (cloud.mount / path).mkdir()
    single_changes(table, cloud, keystone)
    many_hands(table, cloud, keystone)
    big_domain(table, cloud, keystone)
