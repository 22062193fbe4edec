"""What the measurements share: the engine over its socket, test clouds, and timing."""

import contextlib
import http.client
import json
import os
import pathlib
import select
import shutil
import socket
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
    connection.request(method, path, data, {"Content-Type": content_type})
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
        sweep(name)
        self.name = name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mcloudfs-bench."))
        self.mount = self.directory / "mnt"
        self.mount.mkdir()
        self.command = [MCLOUDFS, "-o", ",".join((f"cloud={name}", f"base={base}", f"socket={SOCKET}",
                        f"state_dir={self.directory}/state", *options)), str(self.mount)]

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
        """Takes away all that it can, also when one of it fails."""
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            stack.callback(sweep, self.name)
            # what a daemon that has died, or is in use, has left of it
            stack.callback(subprocess.run, ["fusermount3", "-u", "-z", str(self.mount)], check=False, timeout=60, stderr=subprocess.DEVNULL)
            stack.callback(self.stop)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Container:
    """A container beside the cloud's own, by a name of the bench's: made as BODY says, and gone at the end."""

    def __init__(self, name, body):
        self.path = f"/containers/{name}?force=1&v=1"
        engine("DELETE", self.path)
        self.identity = json.loads(engine("POST", f"/containers/create?name={name}", body))["Id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        engine("DELETE", self.path)

    def look(self):
        return json.loads(engine("GET", f"/containers/{self.identity}/json"))

    def copy(self, other, path):
        """The directory PATH of the container OTHER."""
        files = engine("GET", f"/containers/{other}/archive?path={path}")
        engine("PUT", f"/containers/{self.identity}/archive?path={path.rsplit('/', 1)[0]}", files, "application/x-tar")

    def start(self):
        engine("POST", f"/containers/{self.identity}/start")

    def address(self, network):
        return self.look()["NetworkSettings"]["Networks"][network]["IPAddress"]


def until(condition, pause=0.01, limit=120):
    """Looks every PAUSE seconds, and gives up after LIMIT."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit} s in vain")
        time.sleep(pause)


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


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) // 1048576
    return f"{os.cpu_count()} cores ({model}), {memory} GiB, Linux {os.uname().release}"
