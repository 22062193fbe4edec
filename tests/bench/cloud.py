"""What the measurements share: the engine over its socket, test clouds, medians and the table."""

import contextlib
import http.client
import json
import os
import pathlib
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOCKET = os.environ.get("MCLOUD_SOCKET", "/run/docker.sock")
MCLOUDFS = os.environ.get("MCLOUDFS", str(ROOT / "build" / "mcloudfs"))
LABEL = "org.mcloudfs.cloud"


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


def engine(method, path, body=None, content_type="application/json"):
    connection = UnixConnection("engine", timeout=120)
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    connection.request(method, "/v1.41" + path, data, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400 and not (method == "DELETE" and answer.status == 404):
        raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
    return text


def sweep(cloud):
    """Removes what carries this cloud's label: looked at in each object, as a filter that went wrong would list everything."""
    assert cloud.startswith(("bench", "test-"))

    def ours(items):
        return [item for item in items or [] if (item.get("Labels") or {}).get(LABEL) == cloud]

    for container in ours(json.loads(engine("GET", "/containers/json?all=1"))):
        engine("DELETE", f"/containers/{container['Id']}?force=1&v=1")
    for volume in ours(json.loads(engine("GET", "/volumes"))["Volumes"]):
        engine("DELETE", f"/volumes/{volume['Name']}")
    for network in ours(json.loads(engine("GET", "/networks"))):
        engine("DELETE", f"/networks/{network['Id']}")


class Cloud:
    """A mounted test cloud."""

    def __init__(self, name, base, *options):
        self.name = name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mcloudfs-bench."))
        self.mount = self.directory / "mnt"
        self.mount.mkdir()
        self.command = [MCLOUDFS, "-o", ",".join((f"cloud={name}", f"base={base}", f"socket={SOCKET}",
                        f"state_dir={self.directory}/state", *options)), str(self.mount)]
        sweep(name)

    def start(self):
        begun = time.monotonic()
        subprocess.run(self.command, check=True, timeout=60)
        return time.monotonic() - begun

    def stop(self):
        """Unmounts, and waits for the daemon's end, which the unmount doesn't."""
        with contextlib.suppress(RuntimeError):
            daemon = os.pidfd_open(self.daemon())
            subprocess.run(["fusermount3", "-u", str(self.mount)], check=False, timeout=60)
            select.select([daemon], [], [], 60)
            os.close(daemon)

    def daemon(self):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if words[-2:-1] == [str(self.mount).encode()] and words[0].endswith(b"mcloudfs"):
                    return int(process.name)
        raise RuntimeError("the daemon has gone")

    def status(self, field):
        for line in pathlib.Path(f"/proc/{self.daemon()}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise KeyError(field)

    def region(self, name):
        """Seconds from mkdir to ready."""
        begun = time.monotonic()
        (self.mount / "regions" / name).mkdir()
        state = (self.mount / "regions" / name / "wait").read_text().strip()
        if state != "ready":
            raise RuntimeError(f"region {name}: {state}")
        return time.monotonic() - begun

    def remove(self, name):
        (self.mount / "regions" / name).rmdir()

    def close(self):
        self.stop()
        sweep(self.name)
        shutil.rmtree(self.directory, ignore_errors=True)


def timed(function, *arguments, **named):
    begun = time.monotonic()
    function(*arguments, **named)
    return time.monotonic() - begun


def run(*command, env=None):
    """Waits by a pidfd: subprocess's own waiting with a timeout looks now and then, and so rounds up to 1, 3, 7, 15, 31, 63 ms."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **env} if env else None)
    ended = os.pidfd_open(process.pid)
    try:
        if not select.select([ended], [], [], 120)[0]:
            process.kill()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)
    finally:
        os.close(ended)


class Table:
    """Rows of what was measured beside what, in one run."""

    def __init__(self):
        self.rows = []

    def ratio(self, what, ours, reference, against, goal, inverse=False):
        """OURS and REFERENCE: seconds, one a repetition. INVERSE: the goal is how many times faster."""
        a, b = statistics.median(ours), statistics.median(reference)
        value = b / a if inverse else a / b
        met = value >= goal if inverse else value <= goal
        self.add(what, f"{show(a)}", f"{against}: {show(b)}", f"{value:.2f}" + ("× faster" if inverse else ""),
                 (f"≥ {goal}×" if inverse else f"≤ {goal}"), met)

    def limit(self, what, value, unit, goal):
        self.add(what, f"{value:.1f} {unit}", "", "", f"< {goal} {unit}", value < goal)

    def add(self, what, ours, against, ratio, goal, met):
        self.rows.append((what, ours, against, ratio, goal, "yes" if met else "**no**"))
        print(" | ".join(self.rows[-1]), flush=True)

    def markdown(self):
        lines = ["| what | mcloudfs | side by side with | ratio | goal | met |", "| --- | --- | --- | --- | --- | --- |"]
        return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows]) + "\n"


def show(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) // 1048576
    return f"{os.cpu_count()} cores ({model}), {memory} GiB, Linux {os.uname().release}"
