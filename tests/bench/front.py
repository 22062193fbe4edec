"""Keystone's HTTP server: nginx, beside the router of uwsgi that was there before; and what a region's containers need of memory."""

import contextlib
import http.client
import json
import urllib.parse
from types import SimpleNamespace

from bench import Group
from cloud import Container, engine, timed, until
from results import interleaved

OTHER = "bench-router"
ROUTER = ["/usr/bin/uwsgi", "--ini", "/etc/keystone/uwsgi.ini", "--plugins", "http", "--http", "0.0.0.0:5000", "--http-keepalive=75",
          "--http-auto-chunked"]


@contextlib.contextmanager
def router(cloud, region):
    """The same Keystone on the region's own database, behind uwsgi's router: its address, when it serves, and the region's own one's."""
    model = json.loads(engine("GET", f"/containers/{cloud.name}-keystone-{region}/json"))
    # with what the other one has, memcached's socket among it
    shared = {name: model["HostConfig"].get(name) for name in ("Mounts", "Binds") if model["HostConfig"].get(name)}
    body = {"Image": model["Config"]["Image"], "Cmd": ROUTER, "HostConfig": {"Init": True, "NetworkMode": cloud.name, **shared}}
    with Container(OTHER, body) as container:
        container.copy(model["Id"], "/etc/keystone")
        container.start()

        def serves():
            if not container.look()["State"]["Running"]:
                raise RuntimeError(f"the router has ended: {engine('GET', f'/containers/{OTHER}/logs?stderr=1&stdout=1')[-300:]!r}")
            return answers(container.address(cloud.name))

        until(serves, pause=0.1)
        yield container.address(cloud.name), model["NetworkSettings"]["Networks"][cloud.name]["IPAddress"]


def answers(host):
    try:
        return ask(host, "GET", "/v3", "") == 200
    except OSError:
        return False


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


def requests(place, _run, rounds=70):
    samples = {}
    for what, method, path in place.asked:
        for host in (place.own, place.router) * 10:
            ask(host, method, path, place.token)
        samples |= interleaved(rounds, {what: lambda _: timed(ask, place.own, method, path, place.token),
                                        f"{what} router": lambda _: timed(ask, place.router, method, path, place.token)})
    return samples


@contextlib.contextmanager
def prepared(cloud):
    region = cloud.mount / "regions" / "Kista"
    token = (region / "token").read_text().strip()
    root = urllib.parse.urlparse((region / "endpoints/identity/public").read_text().strip()).path
    ids = {name: (cloud.mount / path / "id").read_text().strip()
           for name, path in (("user", "users/Default/glance"), ("project", "projects/Default/admin"), ("role", "roles/reader"))}
    grant = f"{root}/projects/{ids['project']}/users/{ids['user']}/roles/{ids['role']}"
    asked = (("the catalog", "GET", f"{root}/auth/catalog"), ("a grant looked for", "HEAD", grant), ("a grant made", "PUT", grant))
    with router(cloud, "Kista") as (other, own):
        yield SimpleNamespace(cloud=cloud, token=token, asked=asked, own=own, router=other)
        ask(own, "DELETE", grant, token)


def groups():
    return [Group("front", prepared, {"memory": lambda place, _run: {"memory": [memory(place.cloud, "Kista")]}, "requests": requests})]
