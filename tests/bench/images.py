"""Images: streams, random reads, uploads and long lists, beside curl, the client and a local file."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import urllib.request

from cloud import Cloud, Table, run, timed

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


def first_reads(table, cloud, identity, path, rounds=5):
    region = cloud.mount / "regions" / "Kista"
    verified, hashed, plain, curl = [], [], [], []
    for ours, reference, verify, pipe in ((plain, curl, "off", ""), (verified, hashed, "on", " | sha512sum")):
        remount(cloud, f"verify={verify}")
        glance = Glance(region)
        for _ in range(rounds):
            drop_caches()
            url = glance.file(identity)
            reference.append(timed(run, "sh", "-c", f'curl -sSf -H "X-Auth-Token: $1" "$2"{pipe or " -o /dev/null"}', "sh", glance.token, url))
            drop_caches()
            ours.append(timed(read, path))
    table.ratio("first read of 1 GiB in order, `verify=off`", plain, curl, "`curl -o /dev/null`", 1.11)
    table.ratio("first read of 1 GiB in order, `verify=on`", verified, hashed, "`curl | sha512sum`", 1.11)
    with tempfile.TemporaryDirectory() as directory:
        saves = [timed(run, "bash", "-c", '. "$1/openrc" && exec openstack image save --file "$2" "$3"', "save", str(region),
                       f"{directory}/saved", identity) for _ in range(2)]
    table.ratio("the same, `verify=on`", verified, saves, "`openstack image save`", 8, inverse=True)


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


def beside_rclone(table, path, local, rounds=3):
    """With `verify=on`, as the mount is then: rclone verifies nothing."""
    with RcloneMount(local.parent) as mount:
        ours, reference = [], []
        for _ in range(rounds):
            drop_caches()
            reference.append(timed(read, mount / local.name))
            drop_caches()
            ours.append(timed(read, path))
    table.ratio("the same, `verify=on`", ours, reference, "`rclone mount` of the same bytes in nginx", 1)


def second_reads(table, path, local, rounds=7):
    ours, reference = [], []
    read(path)
    read(local)
    for _ in range(rounds):
        ours.append(timed(read, path))
        reference.append(timed(read, local))
    table.ratio("second read of 1 GiB", ours, reference, "a local file in the page cache", 1.2)


def begin_upload(local):
    """What the one before it wrote is on the disk and out of the memory, and so in nobody's way."""
    drop_caches()
    read(local)


def uploads(table, cloud, local, rounds=5):
    region = cloud.mount / "regions" / "Kista"
    glance = Glance(region)
    ours, reference = [], []
    for i in range(rounds):
        identity = glance.ask("POST", "/v2/images", {"name": "up-curl", "disk_format": "raw", "container_format": "bare"})["id"]
        # Read whole, as cp reads: -T of a file would tell its length, -d would hold it in memory.
        begin_upload(local)
        reference.append(timed(run, *glance.curl("-T", str(local), "-H", "Content-Type: application/octet-stream", glance.file(identity))))
        begin_upload(local)
        ours.append(timed(run, "cp", str(local), str(region / "images" / f"up-{i}")))
        glance.ask("DELETE", f"/v2/images/{identity}")
        (region / "images" / f"up-{i}").unlink()
    table.ratio("upload of 1 GiB by `cp`", ours, reference, "`curl -T`", 1.053)


def eight_uploads(table, cloud, local):
    remount(cloud)
    images = cloud.mount / "regions" / "Kista" / "images"
    writers = [subprocess.Popen(["dd", f"if={local}", f"of={images}/eight-{i}", "bs=1M", "count=100", "status=none"]) for i in range(8)]
    failed = [writer.wait(600) for writer in writers]
    if any(failed):
        raise RuntimeError("an upload failed")
    table.limit("daemon memory at most while eight uploads run", cloud.status("VmHWM") / 1024, "MB", 64)
    for i in range(8):
        (images / f"eight-{i}").unlink()


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


def random_reads(table, cloud, identity, path, rounds=5):
    glance = Glance(cloud.mount / "regions" / "Kista")
    for depth in (1, 16):
        ours, reference = [], []
        for _ in range(rounds):
            reference.append(curl_ranges(glance, identity, depth, 640))
            ours.append(fio(path, depth, 640))
        table.ratio(f"4 KiB random read, {depth} in flight", ours, reference, "`curl` ranges on kept connections", 1.1)


def pages(glance):
    """All pages of the list, by one curl each, as no client does it faster."""
    path = "/v2/images?limit=1000&sort=created_at:asc"
    while path:
        answer = subprocess.run(glance.curl(glance.url + path), check=True, capture_output=True, timeout=120).stdout
        following = re.search(rb'"next": ?"([^"]+)"', answer)
        path = following.group(1).decode().replace(" ", "%20") if following else None


def long_list(table, cloud, rounds=5):
    region = cloud.mount / "regions" / "Kista"
    glance = Glance(region)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: glance.ask("POST", "/v2/images", {"name": f"many-{i:05}"}), range(MANY)))
    with tempfile.TemporaryDirectory() as directory:
        for i in range(MANY):
            (pathlib.Path(directory) / f"many-{i:05}").touch()
        first, second, curl, local = [], [], [], []
        for _ in range(rounds):
            curl.append(timed(pages, glance))
            first.append(timed(run, "ls", "-l", str(region / "images")))
            second.append(timed(run, "ls", "-l", str(region / "images")))
            local.append(timed(run, "ls", "-l", directory))
    table.ratio(f"`ls -l` of {MANY:,} images", first, curl, "the same pages by `curl`", 1.1)
    table.ratio("a second one within the ttl", second, local, "a local directory of as many files", 2)


def main(table: Table, cloud: Cloud):
    images = cloud.mount / "regions" / "Kista" / "images"
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mcloudfs-bench-images."))
    try:
        local = directory / "gib"
        run("dd", "if=/dev/urandom", f"of={local}", "bs=1M", "count=1024", "status=none")
        run("cp", str(local), str(images / "gib"))
        identity = Glance(cloud.mount / "regions" / "Kista").named("gib")
        first_reads(table, cloud, identity, images / "gib")
        beside_rclone(table, images / "gib", local)
        second_reads(table, images / "gib", local)
        random_reads(table, cloud, identity, images / "gib")
        uploads(table, cloud, local)
        eight_uploads(table, cloud, local)
        long_list(table, cloud)
        (images / "gib").unlink()
    finally:
        shutil.rmtree(directory)
