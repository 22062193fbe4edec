"""How long the slowest answers take while readers wait, an image is uploaded and the master changes, beside an idle mount and another filesystem."""

import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import threading
import time

from cloud import timed
from region import blocked_readers

UPLOAD = 256 << 20


def tail(times):
    """The 99th percentile."""
    return sorted(times)[int(len(times) * 0.99)]


def probes(region):
    """Of a directory that has these: what is asked, in turn."""
    return {"stat": lambda: os.stat(region / "role"), "ls": lambda: os.listdir(region), "state": (region / "state").read_bytes}


def probed(places, seconds):
    """The 99th percentiles of each probe of each of PLACES, all of them in turn for so long."""
    asked = {f"{name} {probe}": function for name, place in places.items() for probe, function in probes(place).items()}
    times, end = {key: [] for key in asked}, time.monotonic() + seconds
    while time.monotonic() < end:
        for key, function in asked.items():
            times[key].append(timed(function))
    return {key: [tail(values)] for key, values in times.items()}


@contextlib.contextmanager
def other_filesystem(cloud):
    """A copy of the region's plain files behind another FUSE daemon, which caches nothing."""
    copy, mount = cloud.directory / "copy", cloud.directory / "other"
    for directory in (copy, mount):
        directory.mkdir(exist_ok=True)
    for name in os.listdir(cloud.mount / "regions/Kista"):
        (copy / name).write_text("ready\n")
    subprocess.run(["bindfs", "--no-allow-other", "-o", "attr_timeout=0,entry_timeout=0,direct_io", str(copy), str(mount)], check=True, timeout=60)
    try:
        yield mount
    finally:
        subprocess.run(["fusermount3", "-u", str(mount)], check=True, timeout=60)
        shutil.rmtree(copy)


def upload(cloud, ended):
    source, image = cloud.directory / "upload", cloud.mount / "regions/Kista/images/tails"
    with open(source, "wb") as file:
        file.truncate(UPLOAD)
    while not ended.is_set():
        shutil.copyfile(source, image)
        image.unlink()
    source.unlink()


def promote(cloud, ended):
    """An even number of times: the master is the same afterwards."""
    while not ended.is_set():
        for region in ("Solna", "Kista"):
            (cloud.mount / f"regions/{region}/replication/ctl").write_text("promote\n")
            (cloud.mount / "regions/Solna/replication/lag").read_text()


@contextlib.contextmanager
def at_work(cloud):
    """What fails in it fails the step."""
    ended = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        works = [pool.submit(work, cloud, ended) for work in (upload, promote)]
        try:
            yield
        finally:
            ended.set()
        for work in works:
            work.result()


def tails(cloud, _run, seconds=20):
    region = cloud.mount / "regions/Kista"
    idle = probed({"idle": region}, seconds / 4)
    with other_filesystem(cloud) as other, blocked_readers(cloud), at_work(cloud):
        busy = probed({"busy": region, "other": other}, seconds)
    return {**idle, **busy}
