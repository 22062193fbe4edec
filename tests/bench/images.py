"""Images: streams, random reads, uploads and long lists, beside curl, the client and a local file."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from types import SimpleNamespace

from bench import Group
from cloud import run, timed
from region import openstack
from results import interleaved, sometimes

GIB = 1 << 30
MANY = 10_000
RCLONE_SOURCE = "127.91.250.1:8080"


class Glance:
    """The region's Glance, asked past the mount."""

    def __init__(self, region):
        self.token = (region / "token").read_text().strip()
        self.url = (region / "endpoints/image/public").read_text().strip()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode() if body else None, method=method,
                                         headers={"X-Auth-Token": self.token, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def curl(self, *arguments):
        return ["curl", "-sSf", "-H", f"X-Auth-Token: {self.token}", *arguments]

    def file(self, identity):
        return f"{self.url}/v2/images/{identity}/file"

    def named(self, name):
        return self.ask("GET", f"/v2/images?name=eq:{name}")["images"][0]["id"]


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")


def read(path):
    run("dd", f"if={path}", "of=/dev/null", "bs=1M", "status=none")


def remount(cloud, *options):
    """The same cloud with other options."""
    cloud.stop()
    kept = [option for option in cloud.command[2].split(",") if not option.startswith("verify=")]
    cloud.command[2] = ",".join([*kept, *options])
    cloud.start()
    (cloud.mount / "regions" / "Kista" / "wait").read_text()


def curl_into(pipe, url, token, *options):
    """Seconds of a curl whose bytes go to PIPE, of the shell."""
    return timed(run, "bash", "-c", 'set -o pipefail; url=$1 token=$2; shift 2; curl -sSf "$@" -H "X-Auth-Token: $token" "$url"' + pipe, "bash", url, token, *options)


# what the bytes go through, beside the kernel: nothing, another process, and one that makes a hash of them
PIPES = {"curl": " -o /dev/null", "piped": " | dd of=/dev/null bs=1M iflag=fullblock status=none", "hashed": " | sha512sum"}


def cold(function, *arguments):
    drop_caches()
    return function(*arguments)


def first_reads(place, _run, rounds=2):
    region, samples = place.region, {}
    for key, verify, pipes in (("plain", "off", ("curl", "piped")), ("verified", "on", ("hashed",))):
        remount(place.cloud, f"verify={verify}")
        glance = Glance(region)
        contestants = {pipe: lambda _, pipe=pipe: cold(curl_into, PIPES[pipe], glance.file(place.identity), glance.token) for pipe in pipes}
        contestants[key] = lambda _: cold(timed, read, place.path)
        if verify == "on":
            contestants["save"] = sometimes(lambda _: save(place))
        samples |= interleaved(rounds, contestants)
    return samples


def save(place):
    with tempfile.TemporaryDirectory() as directory:
        return openstack(place.region, "image", "save", "--file", f"{directory}/saved", place.identity)


class RcloneMount:
    """DIRECTORY, served by nginx on the loopback and mounted by rclone."""

    def __init__(self, directory):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mcloudfs-bench-rclone."))
        self.mount = self.root / "mnt"
        self.mount.mkdir()
        configuration = self.root / "nginx.conf"
        configuration.write_text(f"""daemon off; user root; pid {self.root}/pid; error_log {self.root}/error.log; events {{ }}
            http {{ access_log off; sendfile on; client_body_temp_path {self.root}/body; proxy_temp_path {self.root}/proxy;
            fastcgi_temp_path {self.root}/fastcgi; uwsgi_temp_path {self.root}/uwsgi; scgi_temp_path {self.root}/scgi;
            server {{ listen {RCLONE_SOURCE}; root {directory}; autoindex on; }} }}""")
        self.server = subprocess.Popen(["nginx", "-c", str(configuration), "-e", f"{self.root}/error.log"])

    def __enter__(self):
        run("curl", "-sSf", "--retry", "50", "--retry-delay", "1", "--retry-connrefused", "-o", "/dev/null", f"http://{RCLONE_SOURCE}/")
        # Returns when it is mounted.
        run("rclone", "mount", "--daemon", "--config", "", "--read-only", "--http-url", f"http://{RCLONE_SOURCE}/", ":http:", str(self.mount))
        return self.mount

    def __exit__(self, *_):
        subprocess.run(["fusermount3", "-u", str(self.mount)], check=False, timeout=60)
        self.server.terminate()
        self.server.wait(60)
        shutil.rmtree(self.root, ignore_errors=True)


def beside_rclone(place, _run, rounds=1):
    """With `verify=on`, as the mount is then: rclone verifies nothing."""
    remount(place.cloud, "verify=on")
    with RcloneMount(place.local.parent) as mount:
        return interleaved(rounds, {"rclone": lambda _: cold(timed, read, mount / place.local.name), "read": lambda _: cold(timed, read, place.path)})


@contextlib.contextmanager
def bindfs(directory):
    """Another FUSE filesystem, whose files stay in the kernel's page cache, as images do."""
    with tempfile.TemporaryDirectory(prefix="mcloudfs-bench-bindfs.") as mount:
        run("bindfs", "-o", "kernel_cache", str(directory), mount)
        try:
            yield pathlib.Path(mount)
        finally:
            subprocess.run(["fusermount3", "-u", mount], check=False, timeout=60)


def second_reads(place, _run, rounds=5):
    with bindfs(place.local.parent) as other:
        files = {"local": place.local, "bindfs": other / place.local.name, "read": place.path}
        for path in files.values():
            read(path)
        return interleaved(rounds, {key: lambda _, path=path: timed(read, path) for key, path in files.items()})


def begin_upload(local):
    """What the one before it wrote is on the disk and out of the memory, and so in nobody's way."""
    drop_caches()
    read(local)


def uploads(place, run_number, rounds=2):
    """By cp, by curl alone, and by curl with what cp can't do without either: the image is made, and its record is looked at in the end."""
    glance, images = Glance(place.region), place.region / "images"

    def by_cp(number):
        begin_upload(place.local)
        path = images / f"up-{run_number}-{number}"
        took = timed(run, "cp", str(place.local), str(path))
        path.unlink()
        return took

    def by_curl(_):
        """Both at once: the transfer, and all of it."""
        begin_upload(place.local)
        begun = time.monotonic()
        identity = glance.ask("POST", "/v2/images", {"name": "up-curl", "disk_format": "raw", "container_format": "bare"})["id"]
        # Read whole, as cp reads: -T of a file would tell its length, -d would hold it in memory.
        took = timed(run, *glance.curl("-T", str(place.local), "-H", "Content-Type: application/octet-stream", glance.file(identity)))
        glance.ask("GET", f"/v2/images/{identity}")
        transfers.append(took)
        took = time.monotonic() - begun
        glance.ask("DELETE", f"/v2/images/{identity}")
        return took

    transfers = []
    return {**interleaved(rounds, {"requests": by_curl, "cp": by_cp}), "curl": transfers}


def eight_uploads(place, _run):
    remount(place.cloud)
    images = place.region / "images"
    writers = [subprocess.Popen(["dd", f"if={place.local}", f"of={images}/eight-{i}", "bs=1M", "count=100", "status=none"]) for i in range(8)]
    failed = [writer.wait(600) for writer in writers]
    if any(failed):
        raise RuntimeError("an upload failed")
    for i in range(8):
        (images / f"eight-{i}").unlink()
    return {"memory": [place.cloud.status("VmHWM") / 1024]}


def fio(path, depth, reads):
    """Mean latency in seconds of 4 KiB random reads, DEPTH at once."""
    drop_caches()
    result = subprocess.run(["fio", "--name=r", f"--filename={path}", "--readonly", "--rw=randread", "--bs=4k", "--ioengine=psync",
                             f"--numjobs={depth}", f"--number_ios={reads // depth}", "--group_reporting", "--norandommap",
                             "--fadvise_hint=random", "--allow_file_create=0", "--output-format=json"],
                            check=True, capture_output=True, timeout=300)
    return json.loads(result.stdout[result.stdout.index(b"{"):])["jobs"][0]["read"]["clat_ns"]["mean"] / 1e9


def curl_ranges(glance, identity, depth, reads):
    """The same by range requests over connections that are kept: mean seconds a request, of DEPTH curls side by side."""
    def one(number):
        config = "".join(f'url = "{glance.file(identity)}"\nrange = "{at}-{at + 4095}"\noutput = "/dev/null"\n'
                         f'header = "X-Auth-Token: {glance.token}"\nwrite-out = "%{{time_total}}\\n"\nfail\nsilent\nnext\n'
                         for at in ((number * 7919 + i * 104729) % (GIB // 4096) * 4096 for i in range(reads // depth)))
        answer = subprocess.run(["curl", "-K", "-"], input=config.removesuffix("next\n").encode(), check=True, capture_output=True, timeout=300)
        return [float(line) for line in answer.stdout.split()]

    with concurrent.futures.ThreadPoolExecutor(depth) as pool:
        times = [each for part in pool.map(one, range(depth)) for each in part]
    return statistics.mean(times)


def random_reads(place, _run, rounds=2):
    glance, samples = Glance(place.region), {}
    for depth in (1, 16):
        samples |= interleaved(rounds, {f"curl {depth}": lambda _: curl_ranges(glance, place.identity, depth, 640),
                                        f"read {depth}": lambda _: fio(place.path, depth, 640)})
    return samples


def pages(glance):
    """All pages of the list, by one curl each, as no client does it faster."""
    path = "/v2/images?limit=1000&sort=created_at:asc"
    while path:
        answer = subprocess.run(glance.curl(glance.url + path), check=True, capture_output=True, timeout=120).stdout
        following = re.search(rb'"next": ?"([^"]+)"', answer)
        path = following.group(1).decode().replace(" ", "%20") if following else None


@contextlib.contextmanager
def many(cloud):
    """As many images, and as many files of a local directory."""
    region = cloud.mount / "regions" / "Kista"
    glance = Glance(region)
    with concurrent.futures.ThreadPoolExecutor(8) as pool, tempfile.TemporaryDirectory() as directory:
        made = list(pool.map(lambda i: glance.ask("POST", "/v2/images", {"name": f"many-{i:05}"})["id"], range(MANY)))
        for i in range(MANY):
            (pathlib.Path(directory) / f"many-{i:05}").touch()
        try:
            yield SimpleNamespace(region=region, directory=directory)
        finally:
            glance = Glance(region)
            list(pool.map(lambda identity: glance.ask("DELETE", f"/v2/images/{identity}"), made))


def long_list(place, _run, rounds=2):
    glance, images = Glance(place.region), str(place.region / "images")
    return interleaved(rounds, {"curl": lambda _: timed(pages, glance), "first": lambda _: timed(run, "ls", "-l", images),
                                "second": lambda _: timed(run, "ls", "-l", images), "local": lambda _: timed(run, "ls", "-l", place.directory)})


@contextlib.contextmanager
def one_large(cloud):
    """An image of a GiB, and the file that it was made from."""
    region = cloud.mount / "regions" / "Kista"
    path = region / "images" / "gib"
    with tempfile.TemporaryDirectory(prefix="mcloudfs-bench-images.") as directory:
        local = pathlib.Path(directory) / "gib"
        run("dd", "if=/dev/urandom", f"of={local}", "bs=1M", "count=1024", "status=none")
        run("cp", str(local), str(path))
        yield SimpleNamespace(cloud=cloud, region=region, path=path, local=local, identity=Glance(region).named("gib"))
        path.unlink()


def groups():
    return [Group("images", one_large, {"first reads": first_reads, "rclone": beside_rclone, "second reads": second_reads, "random reads": random_reads,
                                        "uploads": uploads, "eight uploads": eight_uploads}),
            Group("image-list", many, {"list": long_list})]
