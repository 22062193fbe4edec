"""An attached cloud: the bench's own once more, by its clouds.yaml, as a cloud that others have made; behind TLS, and far away."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from cloud import MCLOUDFS, ROOT, run, timed
from images import Glance, drop_caches, read
from walk import counted

IMAGES = 100
SIZE = 256 << 20
PROJECTS = 10
LATENCY = 0.1  # from a question to its answer, beyond what the cloud takes
FRONT, FAR = "127.0.0.2:15443", ("127.0.0.2:15000", "127.0.0.2:15292")


class Attached:
    """Another mount of CLOUD, by its login; SETTINGS are lines of YAML below those that are there."""

    def __init__(self, cloud, name, *settings, options=()):
        self.directory = cloud.directory / name
        self.mount = self.directory / "mnt"
        self.mount.mkdir(parents=True)
        self.clouds = self.directory / "clouds.yaml"
        text = (cloud.mount / "clouds.yaml").read_text()
        self.login = {key: re.search(rf"^ *{key}: *[\"']?([^\"'\n]+)", text, re.MULTILINE).group(1) for key in ("auth_url", "username", "password", "project_name")}
        with open(os.open(self.clouds, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text + "".join(f"    {line}\n" for line in settings))
        self.command = [MCLOUDFS, "-o", ",".join((f"attach,clouds={self.clouds}", *options)), str(self.mount)]
        self.environment = {"OS_CLIENT_CONFIG_FILE": str(self.clouds), "OS_CLOUD": re.search(r"^  [\"']?([^ :\"']+)[\"']?:", text, re.MULTILINE).group(1), "OS_REGION_NAME": "Kista"}
        self.region = self.mount / "regions/Kista"

    def start(self):
        run(*self.command)

    def ready(self):
        self.start()
        if (self.region / "wait").read_text().strip() != "ready":
            raise RuntimeError(f"{self.mount}: {(self.mount / 'status').read_text()}")

    def daemon(self):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cmdline").read_bytes().split(b"\0")[-2:-1] == [str(self.mount).encode()]:
                    return process
        raise RuntimeError("the daemon has gone")

    def memory(self):
        """MB at most."""
        return int(re.search(r"VmHWM:\s+(\d+)", (self.daemon() / "status").read_text()).group(1)) / 1024

    def stop(self):
        subprocess.run(["fusermount3", "-u", str(self.mount)], check=False, timeout=60)

    def openstack(self, *arguments):
        run("openstack", *arguments, env=self.environment)


def lists(table, attached, glance, rounds=20):
    catalog, images = str(attached.region / "catalog"), str(attached.region / "images")
    cold, cached, listed = [], [], []
    for _ in range(rounds):
        time.sleep(1.2)  # past ttl: nothing is cached but the login
        cold.append(timed(run, "cat", catalog))
        cached.append(timed(run, "cat", catalog))
        listed.append(timed(run, "ls", images))
    client = [timed(attached.openstack, "catalog", "list") for _ in range(3)]
    table.ratio("attached: `cat catalog`, login kept", cold, client, "`openstack catalog list`", 50, inverse=True)
    table.ratio("attached: `cat catalog`, cached", cached, client, "`openstack catalog list`", 400, inverse=True)
    client = [timed(attached.openstack, "image", "list") for _ in range(3)]
    table.ratio(f"attached: `ls` of {IMAGES} images", listed, client, "`openstack image list`", 20, inverse=True)


def first_answer(table, attached, rounds=15):
    """From the start of the program to the end of `cat whoami`, beside what nobody can do without: where Keystone is, and a login."""
    whoami, ours, reference = str(attached.mount / "whoami"), [], []
    body = attached.directory / "login.json"
    with open(os.open(body, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write('{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "%(username)s", "domain": {"id": "default"}, '
                   '"password": "%(password)s"}}}, "scope": {"project": {"name": "%(project_name)s", "domain": {"id": "default"}}}}}' % attached.login)
    url = attached.login["auth_url"]

    def mounted():
        attached.start()
        run("cat", whoami)

    for _ in range(rounds):
        ours.append(timed(mounted))
        attached.stop()
        reference.append(timed(run, "curl", "-sSf", "-o", "/dev/null", url, "--next", "-sSf", "-o", "/dev/null", "-H", "Content-Type: application/json",
                               "-d", f"@{body}", f"{url}/auth/tokens?nocatalog"))
    table.ratio("attached: from the start of `mcloudfs` to the first answer of `cat whoami`", ours, reference,
                "its two requests by `curl`: which versions, and a login", 1.2)


FRONT_TEXT = """pid {directory}/front.pid;
events {{ }}
http {{
access_log off;
server {{
listen {address} ssl;
ssl_certificate {directory}/certificate.pem;
ssl_certificate_key {directory}/key.pem;
proxy_http_version 1.1;
proxy_buffering off;
location /identity/ {{ proxy_pass {identity}/; }}
location /image/ {{ proxy_pass {image}/; }}
}} }}
"""


@contextlib.contextmanager
def front(directory, identity, image):
    """nginx with TLS before both services."""
    directory.mkdir()
    subprocess.run(["bash", "-c", 'cd "$1" && . "$2" && make_certificates 127.0.0.2', "make", str(directory), str(ROOT / "tests/integration/attached.bash")],
                   check=True)
    (directory / "front.conf").write_text(FRONT_TEXT.format(directory=directory, address=FRONT, identity=identity, image=image))
    subprocess.run(["nginx", "-c", str(directory / "front.conf"), "-e", str(directory / "front.log")], check=True)
    try:
        yield str(directory / "ca.pem")
    finally:
        subprocess.run(["nginx", "-c", str(directory / "front.conf"), "-e", str(directory / "front.log"), "-s", "quit"], check=True)


def by_tls(table, cloud, glance, identity, rounds=5):
    services = [(cloud.mount / "regions/Kista/endpoints" / kind / "public").read_text().strip().removesuffix("/v3") for kind in ("identity", "image")]
    with front(cloud.directory / "front", *services) as certificate:
        for verify, pipe, against in (("off", " -o /dev/null", "`curl -o /dev/null`"), ("on", " | sha512sum", "`curl | sha512sum`")):
            attached = Attached(cloud, f"tls-{verify}", f"cacert: {certificate}", f"identity_endpoint_override: 'https://{FRONT}/identity/v3'",
                                f"image_endpoint_override: 'https://{FRONT}/image'", options=(f"verify={verify}",))
            attached.ready()
            ours, curl = [], []
            try:
                for _ in range(rounds):
                    drop_caches()
                    curl.append(timed(run, "sh", "-c", f'curl -sSf --cacert "$1" -H "X-Auth-Token: $2" "$3"{pipe}', "sh", certificate, glance.token,
                                      f"https://{FRONT}/image/v2/images/{identity}/file"))
                    drop_caches()
                    ours.append(timed(read, attached.region / "images/large"))
            finally:
                attached.stop()
            table.ratio(f"attached: first read of {SIZE >> 20} MiB through https, `verify={verify}`", ours, curl, against, 1.11)


def far_away(table, cloud, glance):
    """A walk of the projects' tree: what it costs is requests that wait for each other, not objects."""
    for number in range(PROJECTS):
        (cloud.mount / "projects/attach" / f"p{number}").mkdir()
    keystone = (cloud.mount / "regions/Kista/endpoints/identity/public").read_text().strip()
    names = [url.split("//")[1].split("/")[0] for url in (keystone, glance.url)]
    relay = subprocess.Popen([sys.executable, str(ROOT / "tests/attach/slow_relay.py"), str(LATENCY * 500), *(f"{far.split(':')[1]}={to}" for far, to in zip(FAR, names))],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if relay.stdout.readline() != "ready\n":
        raise RuntimeError("the relay did not start")
    attached = Attached(cloud, "far", f"identity_endpoint_override: 'http://{FAR[0]}{keystone.split(names[0])[1]}'", f"image_endpoint_override: 'http://{FAR[1]}'")
    with open(cloud.directory / "asked", "w") as log:
        drain = subprocess.Popen(["cat"], stdin=relay.stdout, stdout=log)
        try:
            attached.ready()
            tree = attached.mount / "projects/attach"
            begun = time.monotonic()
            requests = counted(attached, "find", str(tree), "-ls")
            took = time.monotonic() - begun
            objects = int(subprocess.run(["sh", "-c", 'find "$1" | wc -l', "sh", str(tree)], check=True, timeout=600, stdout=subprocess.PIPE).stdout)
        finally:
            attached.stop()
            relay.stdin.close()
            relay.wait()
            drain.wait()
    table.ratio(f"attached, {LATENCY * 1000:.0f} ms away: a walk of {PROJECTS} projects, {objects} objects, {requests:.0f} requests", [took], [objects * LATENCY],
                "latency × objects", 0.5)


def main(table, cloud):
    glance = Glance(cloud.mount / "regions/Kista")
    made = [glance.ask("POST", "/v2/images", {"name": f"attach{number}"})["id"] for number in range(IMAGES - 1)]
    (cloud.mount / "domains/attach").mkdir()
    large = cloud.directory / "large"
    with open(large, "wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))
    shutil.copy(large, cloud.mount / "regions/Kista/images/large")
    identity = glance.named("large")
    attached = Attached(cloud, "attached")
    try:
        first_answer(table, attached)
        attached.ready()
        lists(table, attached, glance)
        table.limit("attached: daemon memory at most", attached.memory(), "MB", 32)
        attached.stop()
        by_tls(table, cloud, glance, identity)
        far_away(table, cloud, glance)
    finally:
        attached.stop()
        for each in (*made, identity):
            glance.ask("DELETE", f"/v2/images/{each}")
        large.unlink()
