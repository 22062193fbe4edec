"""The cloud as lost.py works with it: the mount as a user would, the engine for what no user should do."""

import http.client
import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

SOCKET = os.environ.get("MCLOUD_SOCKET") or "/run/docker.sock"


class Refused(Exception):
    """A command that the mount did not take."""


class Engine(http.client.HTTPConnection):
    """One request to the engine, over its socket."""

    def __init__(self, path):
        super().__init__("engine")
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)

    def post(self, path, body=None):
        """That it is so already is no failure: the daemon mends too, and is no less at work than this."""
        self.request("POST", f"/v1.41{path}", json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = self.getresponse()
        text = answer.read().decode()
        self.close()
        if answer.status >= 400 and answer.status not in (403, 409) and "is not paused" not in text:
            raise RuntimeError(f"POST {path}: {answer.status} {text}")


class Cloud:
    """All of it under a timeout: a hang is a failure."""

    def __init__(self, mount, name, options, command, regions):
        self.mount, self._name, self._options, self._command = mount, name, options, command
        self._told = ""  # the last line of `errors`, which begins with its time
        self.addresses = {region: self.read(region, "address") for region in regions}
        self.keystones = {region: self.read(region, "endpoints/identity/public") for region in regions}

    # the mount

    def path(self, region, file):
        return f"{self.mount}/regions/{region}/{file}"

    @staticmethod
    def run(*command, timeout=60):
        """What it printed; Refused with its message."""
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, text=True)
        except subprocess.TimeoutExpired as expired:
            raise Refused(f"{command[0]} took longer than {timeout} s") from expired
        if done.returncode:
            raise Refused(done.stderr.strip() or f"status {done.returncode}")
        return done.stdout.rstrip("\n")

    def read(self, region, file):
        try:
            return self.run("cat", self.path(region, file))
        except Refused as refused:
            return f"({refused})"

    def wait(self, region):
        try:
            return self.run("cat", self.path(region, "wait"), timeout=330)
        except Refused as refused:
            return f"({refused})"

    def command(self, region, verb, file="ctl"):
        self.run("bash", "-c", 'echo "$1" >"$2"', "command", verb, self.path(region, file), timeout=120)

    def command_begin(self, region, verb):
        """Does not wait for its end; the caller is going to kill the daemon, and it with that."""
        self._begun = subprocess.Popen(["bash", "-c", 'echo "$1" >"$2"', "command", verb, self.path(region, "replication/ctl")],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def master(self):
        with_status = json.loads(self.run("cat", f"{self.mount}/status.json"))
        return next(region["name"] for region in with_status["regions"] if region["role"] == "master")

    def trouble(self, region):
        return f"{self.read(region, 'state')}, {self.read(region, 'error')}, {self.read(region, 'replication/status')}"

    def last_words(self):
        """What the daemon has to say when something can't be brought back."""
        return self.run("tail", "-n", "40", f"{self.mount}/errors", f"{self.mount}/status", f"{self.mount}/journal")

    def failures(self):
        """What the daemon has told as failed since the last time, but for what clients were refused."""
        try:
            lines = self.run("cat", f"{self.mount}/errors").split("\n")
        except Refused:  # nobody serves the mount at this moment
            return []
        new = [line for line in lines if line > self._told and line.split("\t")[1:2] == ["region"]]
        self._told = max([self._told, *lines])
        return new

    def _daemon(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            if words[0].endswith("mcloudfs") and self.mount in words:
                return int(pid)
        raise RuntimeError("the daemon is not there")

    def kill_and_remount(self):
        pid = self._daemon()
        handle = os.pidfd_open(pid)
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        self.run("tail", f"--pid={pid}", "-f", "/dev/null")
        os.close(handle)
        self.run("fusermount3", "-uz", self.mount)
        self.remount()

    def remount(self):
        self.run(*self._command, timeout=300)

    # what breaks, and is mended

    def engine(self, _region):
        """That of the region's containers."""
        return Engine(SOCKET)

    def hurt(self, region, kind):
        container = f"{self._name}-mysql-{region}"
        if kind == "cut":
            self.engine(region).post(f"/networks/{self._name}/disconnect", {"Container": container, "Force": False})
        elif kind == "pause":  # through the mount, which keeps clear of health probes
            self.command(region, "pause", f"containers/mysql-{region}/ctl")
        else:
            self.engine(region).post(f"/containers/{container}/{kind}")

    def heal(self, region, kind):
        container = f"{self._name}-mysql-{region}"
        if kind == "cut":
            self.engine(region).post(f"/networks/{self._name}/connect",
                                     {"Container": container, "EndpointConfig": {"Aliases": [f"mysql-{region}"]}})
        elif kind == "pause":
            self.engine(region).post(f"/containers/{container}/unpause")

    # the services themselves

    def request(self, region, path, token, body=None, headers=None, timeout=15):
        """Its status and answer; 0 and why, when there was none."""
        request = urllib.request.Request(f"{self.keystones[region]}{path}",
                                         json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json", "X-Auth-Token": token, **(headers or {})})
        try:
            try:
                answer = urllib.request.urlopen(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return answer.status, json.load(answer)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return 0, error

    def validate(self, region, token):
        """What Keystone says of it, as of request()."""
        return self.request(region, "/auth/tokens", token, headers={"X-Subject-Token": token})

    def is_valid(self, region, token):
        return self.validate(region, token)[0] == 200

    def login_trouble(self, region):
        """Why nobody can log in there; None if somebody can."""
        try:
            token = self.run("cat", self.path(region, "token"))
        except Refused as refused:
            return f"{refused}; {self.run('tail', '-n', '3', f'{self.mount}/errors')}"
        status, answer = self.validate(region, token)
        return None if status == 200 else f"its token is not good: {status} {answer}; {self._told_by_keystone(region)}"

    def _told_by_keystone(self, region):
        """The last that its log has of trouble."""
        try:
            log = self.run("tail", "-n", "200", f"{self.mount}/containers/keystone-{region}/log").split("\n")
        except Refused as refused:  # what it said is not lost for that
            return refused
        return [line[:400] for line in log if " ERROR " in line or " WARNING " in line][-3:]

    def sql(self, region, statement):
        return self.run("mariadb", f"--defaults-extra-file={self._options}", "--connect-timeout=5", "--batch",
                        "--skip-column-names", "-h", self.addresses[region], "-e", statement)

    def names(self, region):
        """Of all projects and users in its database."""
        return set(self.sql(region, "SELECT name FROM keystone.project UNION SELECT name FROM keystone.local_user").split("\n"))
