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
    """The region's Keystone over one connection that is kept, with a token."""

    def __init__(self, region):
        self.token = (region / "token").read_text().strip()
        url = urllib.parse.urlparse((region / "endpoints/identity/public").read_text().strip())
        self.path = url.path
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=300)
        self.url = url.geturl()

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body else None
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json"}
        for again in (True, False):
            try:
                self.connection.request(method, self.path + path, data, headers)
                answer = self.connection.getresponse()
                break
            except (http.client.BadStatusLine, ConnectionError):
                # Behind a 204 comes the end of a body that there is not (uWSGI): the connection is of no more use.
                self.connection.close()
                if not again:
                    raise
        text = answer.read()
        if answer.status == 204:
            self.connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text) if text else None


def names(prefix, count):
    return [f"{prefix}{i}" for i in range(count)]


def single_changes(table, cloud, keystone, rounds=40):
    """Each against the requests that it can't do without: whether the name is free, and the change."""
    place = cloud.mount / "users" / "bench"
    domain = (cloud.mount / "domains/bench/id").read_text().strip()
    project = (cloud.mount / "projects/bench/p/id").read_text().strip()
    role = (cloud.mount / "roles/member/id").read_text().strip()
    grants = cloud.mount / "projects/bench/p/roles/member/users"
    ids = {}

    def make(name):
        keystone.ask("GET", f"/users?domain_id={domain}&name={name}")
        answer = keystone.ask("POST", "/users", {"user": {"name": name, "domain_id": domain, "enabled": True}})
        ids[name] = answer["user"]["id"]

    def grant(name):
        keystone.ask("GET", f"/users?domain_id={domain}&name={name}")
        keystone.ask("GET", f"/role_assignments?scope.project.id={project}&role.id={role}&include_names=true")
        keystone.ask("PUT", f"/projects/{project}/users/{ids[name]}/roles/{role}")

    def rename(name):
        keystone.ask("GET", f"/users?domain_id={domain}&name=r{name}")
        keystone.ask("PATCH", f"/users/{ids[name]}", {"user": {"name": "r" + name}})

    def ours_grant(name):
        os.symlink(f"../../../../../../users/bench/{name}", grants / name)

    ours, theirs = names("o", rounds), names("t", rounds)
    for what, mine, reference in (("`mkdir` of a user", lambda name: (place / name).mkdir(), make), ("`ln -s` of a grant", ours_grant, grant),
                                  ("`mv` of a user", lambda name: (place / name).rename(place / ("r" + name)), rename)):
        times = ([], [])
        for one, other in zip(ours, theirs):
            times[0].append(timed(mine, one))
            times[1].append(timed(reference, other))
        table.ratio(what, *times, "its requests over one kept connection", 1.2)
        if what.startswith("`mkdir`"):
            client = [timed(run, "bash", "-c", '. "$1/openrc" && exec openstack user create --domain bench "$2"', "x",
                            str(cloud.mount / "regions/Kista"), f"c{i}") for i in range(3)]
            table.ratio("the same", times[0], client, "`openstack user create`", 20, inverse=True)


def many_hands(table, cloud, keystone):
    """MADE users by HANDS processes: shells with mkdir, and curls with a kept connection each."""
    domain = (cloud.mount / "domains/bench/id").read_text().strip()

    def curl(part):
        config = "next\n".join(f'url = "{keystone.url}/users"\nheader = "X-Auth-Token: {keystone.token}"\n'
                               f'header = "Content-Type: application/json"\noutput = "/dev/null"\nfail\nsilent\nshow-error\n'
                               f'data = {json.dumps(json.dumps({"user": {"name": name, "domain_id": domain, "enabled": True}}))}\n'
                               for name in part)
        subprocess.run(["curl", "-K", "-"], input=config.encode(), check=True, timeout=600)

    def mkdir(part):
        subprocess.run(["mkdir", *(str(cloud.mount / "users/bench" / name) for name in part)], check=True, timeout=600)

    def all_of(function, prefix):
        everybody = names(prefix, MADE)
        with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(function, [everybody[i::HANDS] for i in range(HANDS)]))

    reference = [timed(all_of, curl, "hc")]
    ours = [timed(all_of, mkdir, "hm")]
    table.ratio(f"{MADE:,} users by {HANDS} `mkdir` at once", ours, reference, f"{HANDS} `curl` at once", 1.1)


def sql(cloud, statement):
    command = {"Cmd": ["mariadb", "keystone", "--execute", statement], "User": "0", "AttachStderr": True, "AttachStdout": True}
    identity = json.loads(engine("POST", f"/containers/{cloud.name}-mysql-Kista/exec", command))["Id"]
    text = engine("POST", f"/exec/{identity}/start", {"Detach": False})
    if json.loads(engine("GET", f"/exec/{identity}/json"))["ExitCode"] != 0:
        raise RuntimeError(f"{statement[:60]}…: {text!r}")


def big_domain(table, cloud, keystone, rounds=3):
    (cloud.mount / "domains/big").mkdir()
    domain = (cloud.mount / "domains/big/id").read_text().strip()
    sql(cloud, "INSERT INTO user (id, enabled, extra, domain_id, created_at) SELECT MD5(CONCAT('big', seq)), 1, '{\"email\": \"somebody@example.org\"}', "
               f"'{domain}', NOW() FROM seq_1_to_{MANY}")
    sql(cloud, "INSERT INTO local_user (user_id, domain_id, name) SELECT MD5(CONCAT('big', seq)), "
               f"'{domain}', CONCAT('user', seq) FROM seq_1_to_{MANY}")
    users = cloud.mount / "users/big"
    size = len(json.dumps(keystone.ask("GET", f"/users?domain_id={domain}"), separators=(",", ":")))
    ours, reference, first, second = [], [], [], []
    before = cloud.status("VmRSS")
    for _ in range(rounds):
        reference.append(timed(run, "sh", "-c", 'curl -sSf -H "X-Auth-Token: $1" "$2/users?domain_id=$3" | jq -r ".users[].name"', "sh",
                               keystone.token, keystone.url, domain))
        ours.append(timed(run, "ls", "-U", str(users)))
    table.ratio(f"`ls` of {MANY:,} users", ours, reference, "`curl | jq`", 1.0)
    table.limit("daemon memory for it, of the answer's size", (cloud.status("VmHWM") - before) * 1024 / size, "times", 4)
    for _ in range(rounds):
        first.append(timed(run, "ls", "-l", str(users)))
        second.append(timed(run, "ls", "-l", str(users)))
    table.ratio("`ls -l` of them a second time", second, first, "the first time", 0.5)
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
