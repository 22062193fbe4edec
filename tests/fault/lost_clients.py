"""Those who write and read while the cloud fails, for lost.py: each a thread, which notes what it was told."""

import threading

from lost_cloud import Refused


class Client(threading.Thread):
    """Does step() again and again until stop()."""

    PAUSE = 0.2

    def __init__(self, cloud, name):
        super().__init__(daemon=True, name=name)
        self.cloud = cloud
        self._ended = threading.Event()

    def step(self):
        raise NotImplementedError

    def run(self):
        while not self._ended.is_set():
            self.step()
            self._ended.wait(self.PAUSE)

    def stop(self):
        self._ended.set()
        self.join()


class Writer(Client):
    """Makes one after the other of its kind, each with a name of its own; `acknowledged` are those of which it was told."""

    def __init__(self, cloud, name, kind):
        super().__init__(cloud, name)
        self.kind = kind
        self.acknowledged = set()
        self.newest = None
        self._n = 0

    def make(self, name):
        """Whether it was acknowledged."""
        raise NotImplementedError

    def step(self):
        self._n += 1
        name = f"{self.name}-{self._n}"
        if self.make(name):
            self.acknowledged.add(name)
            self.newest = name


class ApiClient(Writer):
    """By the Keystone of one region."""

    def __init__(self, cloud, region, kind):
        super().__init__(cloud, f"{region}-{kind}", kind)
        self._region, self._token = region, None

    def make(self, name):
        if not self._token:
            try:
                self._token = self.cloud.run("cat", self.cloud.path(self._region, "token"), timeout=20)
            except Refused:
                return False
        status, _ = self.cloud.request(self._region, f"/{self.kind}s", self._token, {self.kind: {"name": name, "domain_id": "default"}})
        if status == 401:
            self._token = None
        return status == 201


class TreeClient(Writer):
    """By mkdir at the root of the mount; between two mounts there is no parent to make it in."""

    def __init__(self, cloud, kind):
        super().__init__(cloud, f"tree-{kind}", kind)

    def make(self, name):
        try:
            self.cloud.run("mkdir", f"{self.cloud.mount}/{self.kind}s/Default/{name}", timeout=45)
        except Refused:
            return False
        return True


class SyncReader(Client):
    """When `sync` of a region returns, all that was acknowledged before it was opened is in its database."""

    PAUSE = 1

    def __init__(self, cloud, region, writers):
        super().__init__(cloud, region)
        self._writers = writers
        self.done = 0
        self.early = []

    def step(self):
        wanted = {writer.newest for writer in self._writers if writer.newest}
        try:
            self.cloud.run("cat", self.cloud.path(self.name, "replication/sync"), timeout=20)
            there = self.cloud.names(self.name)
        except Refused:
            return
        self.done += 1
        if wanted - there:
            self.early.append(f"sync of {self.name} returned without {sorted(wanted - there)}")
