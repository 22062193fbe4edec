"""An attached cloud: the bench's own once more, by its clouds.yaml, as a cloud that others have made; behind TLS, and far away."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

from bench import Group
from cloud import MCLOUDFS, ROOT, run, timed
from images import PIPES, Glance, cold, curl_into, read
from region import catalogs
from results import interleaved, sometimes

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
        """Seconds."""
        return timed(run, "openstack", *arguments, env=self.environment)

    @contextlib.contextmanager
    def mounted(self):
        try:
            self.ready()
            yield self
        finally:
            self.stop()


def lists(place, number, rounds=5):
    glance = place.glance
    with Attached(place.cloud, f"lists{number}").mounted() as attached:
        samples = catalogs(attached.directory, attached.region, rounds, attached.openstack)
        url, images = f"{glance.url}/v2/images?limit={IMAGES}", str(attached.region / "images")

        def rested(function, *arguments):
            time.sleep(1.2)  # past ttl
            return function(*arguments)

        samples |= interleaved(rounds, {
            "ls": lambda _: rested(timed, run, "ls", images),
            "curl images": lambda _: rested(timed, run, *glance.curl("-o", "/dev/null", url)),
            "client images": sometimes(lambda _: attached.openstack("image", "list")),
        })
        return {**samples, "memory": [attached.memory()]}


def login(attached):
    """A file of what Keystone is asked for with a login."""
    body = attached.directory / "login.json"
    user = {"name": attached.login["username"], "domain": {"id": "default"}, "password": attached.login["password"]}
    project = {"name": attached.login["project_name"], "domain": {"id": "default"}}
    with open(os.open(body, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        json.dump({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}, file)
    return body


def first_answer(place, number, rounds=5):
    """From the start of the program to the end of `cat whoami`, beside what nobody can do without: where Keystone is, and a login."""
    attached = Attached(place.cloud, f"first{number}")
    whoami, url, nothing = str(attached.mount / "whoami"), attached.login["auth_url"], ("-sSf", "-o", "/dev/null")
    requests = ["curl", *nothing, url, "--next", *nothing, "-H", "Content-Type: application/json", "-d", f"@{login(attached)}", f"{url}/auth/tokens?nocatalog"]

    def mounted(_):
        try:
            begun = time.monotonic()
            attached.start()
            run("cat", whoami)
            return time.monotonic() - begun
        finally:
            attached.stop()

    return interleaved(rounds, {"requests": lambda _: timed(run, *requests), "whoami": mounted})


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


def by_tls(place, number, rounds=2):
    services = [(place.cloud.mount / "regions/Kista/endpoints" / kind / "public").read_text().strip().removesuffix("/v3") for kind in ("identity", "image")]
    url, samples = f"https://{FRONT}/image/v2/images/{place.identity}/file", {}
    with front(place.cloud.directory / f"front{number}", *services) as certificate:
        for verify, pipes in (("off", {"curl off": "curl", "piped off": "piped"}), ("on", {"piped on": "hashed"})):
            attached = Attached(place.cloud, f"tls-{verify}{number}", f"cacert: {certificate}", f"identity_endpoint_override: 'https://{FRONT}/identity/v3'",
                                f"image_endpoint_override: 'https://{FRONT}/image'", options=(f"verify={verify}",))
            contestants = {key: lambda _, pipe=pipe: cold(curl_into, PIPES[pipe], url, place.glance.token, "--cacert", certificate)
                           for key, pipe in pipes.items()}
            contestants[verify] = lambda _: cold(timed, read, attached.region / "images/large")
            with attached.mounted():
                samples |= interleaved(rounds, contestants)
    return samples


@contextlib.contextmanager
def relayed(place):
    """Keystone and Glance LATENCY away."""
    keystone = (place.cloud.mount / "regions/Kista/endpoints/identity/public").read_text().strip()
    names = [url.split("//")[1].split("/")[0] for url in (keystone, place.glance.url)]
    ways = [f"{far.split(':')[1]}={to}" for far, to in zip(FAR, names)]
    with open(place.cloud.directory / "asked", "w") as log:
        relay = subprocess.Popen([sys.executable, str(ROOT / "tests/attach/slow_relay.py"), str(LATENCY * 500), *ways],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if relay.stdout.readline() != "ready\n":
                raise RuntimeError("the relay did not start")
            drain = subprocess.Popen(["cat"], stdin=relay.stdout, stdout=log)
            yield f"identity_endpoint_override: 'http://{FAR[0]}{keystone.split(names[0])[1]}'", f"image_endpoint_override: 'http://{FAR[1]}'"
        finally:
            relay.stdin.close()
            relay.wait()
        drain.wait()


def far_away(place, number):
    """A walk of the projects' tree: what it costs is requests that wait for each other, not objects."""
    with relayed(place) as settings, Attached(place.cloud, f"far{number}", *settings).mounted() as attached:
        tree = attached.mount / "projects/attach"
        took = timed(run, "find", str(tree), "-ls")
        objects = len(subprocess.run(["find", str(tree)], check=True, timeout=600, stdout=subprocess.PIPE).stdout.splitlines())
    return {"walk": [took], "objects": [objects * LATENCY]}


@contextlib.contextmanager
def prepared(cloud):
    """Images, one of which is large, and projects."""
    glance = Glance(cloud.mount / "regions/Kista")
    made = []
    try:
        made += [glance.ask("POST", "/v2/images", {"name": f"attach{number}"})["id"] for number in range(IMAGES - 1)]
        (cloud.mount / "domains/attach").mkdir()
        for number in range(PROJECTS):
            (cloud.mount / "projects/attach" / f"p{number}").mkdir()
        large = cloud.directory / "large"
        with open(large, "wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        shutil.copy(large, cloud.mount / "regions/Kista/images/large")
        large.unlink()
        made.append(glance.named("large"))
        yield SimpleNamespace(cloud=cloud, glance=glance, identity=made[-1])
    finally:
        for each in made:
            glance.ask("DELETE", f"/v2/images/{each}")


def groups():
    return [Group("attach", prepared, {"first answer": first_answer, "lists": lists, "tls": by_tls, "far": far_away})]
