"""Keystone's HTTP server: nginx, beside the router of uwsgi that was there before; and what a region's containers need of memory."""

import http.client
import json
import time
import urllib.parse

from cloud import engine, timed

OTHER = "bench-router"
ROUTER = ["/usr/bin/uwsgi", "--ini", "/etc/keystone/uwsgi.ini", "--plugins", "http", "--http", "0.0.0.0:5000", "--http-keepalive=75",
          "--http-auto-chunked"]


def address(cloud, identity):
    return json.loads(engine("GET", f"/containers/{identity}/json"))["NetworkSettings"]["Networks"][cloud.name]["IPAddress"]


def router(cloud, region):
    """The same Keystone on the region's own database, behind uwsgi's router: its container, when it serves."""
    model = json.loads(engine("GET", f"/containers/{cloud.name}-keystone-{region}/json"))
    engine("DELETE", f"/containers/{OTHER}?force=1&v=1")
    # with what the other one has, memcached's socket among it
    shared = {name: model["HostConfig"].get(name) for name in ("Mounts", "Binds") if model["HostConfig"].get(name)}
    body = {"Image": model["Config"]["Image"], "Cmd": ROUTER, "HostConfig": {"Init": True, "NetworkMode": cloud.name, **shared}}
    identity = json.loads(engine("POST", f"/containers/create?name={OTHER}", body))["Id"]
    files = engine("GET", f"/containers/{model['Id']}/archive?path=/etc/keystone")
    engine("PUT", f"/containers/{identity}/archive?path=/etc", files, "application/x-tar")
    engine("POST", f"/containers/{identity}/start")
    while True:
        try:
            if ask(address(cloud, identity), "GET", "/v3", "") == 200:
                return identity
        except OSError:
            if not json.loads(engine("GET", f"/containers/{identity}/json"))["State"]["Running"]:
                raise RuntimeError(f"the router has ended: {engine('GET', f'/containers/{identity}/logs?stderr=1&stdout=1')[-300:]!r}") from None
            time.sleep(0.1)


def ask(host, method, path, token):
    """A connection for each, as the router's are of no more use behind a 204."""
    connection = http.client.HTTPConnection(host, 5000, timeout=60)
    try:
        connection.request(method, path, headers={"X-Auth-Token": token})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def memory(cloud, region):
    """MB, without the pages of files that can be dropped."""
    total = 0
    for kind in ("mysql", "memcached", "keystone", "glance"):
        usage = json.loads(engine("GET", f"/containers/{cloud.name}-{kind}-{region}/stats?stream=false"))["memory_stats"]
        total += usage["usage"] - usage["stats"].get("inactive_file", usage["stats"].get("total_inactive_file", 0))
    return total / 1048576


def main(table, cloud, rounds=200):
    region = cloud.mount / "regions" / "Kista"
    token = (region / "token").read_text().strip()
    users = urllib.parse.urlparse((region / "endpoints/identity/public").read_text().strip()).path
    ids = {name: (cloud.mount / path / "id").read_text().strip()
           for name, path in (("user", "users/Default/glance"), ("project", "projects/Default/admin"), ("role", "roles/reader"))}
    grant = f"{users}/projects/{ids['project']}/users/{ids['user']}/roles/{ids['role']}"
    table.limit("memory of a region's containers", memory(cloud, "Kista"), "MB", 700)
    other = router(cloud, "Kista")
    hosts = address(cloud, f"{cloud.name}-keystone-Kista"), address(cloud, other)
    try:
        for what, method, path in (("the catalog from Keystone", "GET", f"{users}/auth/catalog"), ("a grant looked for", "HEAD", grant),
                                   ("a grant made", "PUT", grant)):
            times = ([], [])
            for host in hosts * 10:
                ask(host, method, path, token)
            for _ in range(rounds):
                for each, host in zip(times, hosts):
                    each.append(timed(ask, host, method, path, token))
            table.ratio(what, *times, "behind uwsgi's router", 1.05)
        ask(hosts[0], "DELETE", grant, token)
    finally:
        engine("DELETE", f"/containers/{other}?force=1&v=1")
