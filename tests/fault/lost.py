"""Nothing that was acknowledged is lost: clients write at all regions while databases, networks and the daemon fail.

lost.py MOUNT CLOUD OPTIONS-FILE COMMAND...: MOUNT shows CLOUD with three ready regions in semisync, COMMAND mounts it,
OPTIONS-FILE is the login of its databases. MCLOUD_SEED and MCLOUD_LOST_SECONDS are taken from the environment.
"""

import collections
import os
import random
import secrets
import sys
import threading
import time

from lost_cloud import Cloud, Refused
from lost_clients import ApiClient, SyncReader, TreeClient
from writable import Roles, Watch

REGIONS = ("Kista", "Solna", "Lund")


class Chaos:
    """What goes wrong, at random, and is mended again. Two regions are broken at once at most."""

    MEND_SECONDS = 180

    def __init__(self, cloud, roles, seed):
        self._cloud, self._roles = cloud, roles
        self._random = random.Random(seed)
        self.broken = {}
        self.counts = collections.Counter()
        self.early = []

    def _say(self, text):
        print(f"{time.monotonic() - self._begun:7.1f} {text}", flush=True)

    def kinds(self):
        """In which ways one more may be broken now."""
        return ("kill", "pause", "cut")

    def _break(self, region, kind):
        self._say(f"{kind} {region}")
        self._cloud.hurt(region, kind)
        self.broken[region] = kind
        self.counts[kind] += 1

    def _mend(self, region):
        self._say(f"mend {region}")
        self._cloud.heal(region, self.broken.pop(region))
        try:
            self._cloud.command(region, "repair")
        except Refused as refused:  # it comes back by itself already
            self._say(f"repair {region}: {refused}")
        self._settled(region)

    def _settled(self, region):
        """`wait` says the truth: what it calls ready serves, if nothing else is broken that it may need."""
        state = self._cloud.wait(region)
        self._say(f"{region} is {state}")
        if state not in ("ready", "degraded"):
            self._say(self._cloud.read(region, "error"))
        trouble = self._cloud.login_trouble(region) if state == "ready" and not self.broken else None
        if trouble:
            self._say(f"nobody can log in at {region}: {trouble}")
            self.early.append(f"wait of {region} said ready, and nobody can log in: {trouble}")
        return state

    def _kill_daemon(self):
        self._say("kill the daemon")
        self._cloud.kill_and_remount()
        self.counts["daemon"] += 1

    def _promote(self):
        master = self._cloud.master()
        region = self._random.choice([r for r in REGIONS if r != master])
        # one that may have more, and can't be asked, keeps all others from being promoted
        for other in [r for r in self.broken if r != master]:
            self._mend(other)
        dies = self._random.random() < 0.25
        self._say(f"promote {region}" + (", and kill the daemon" if dies else ""))
        self._roles.allow_change()
        try:
            if dies:
                self._cloud.command_begin(region, "promote")
                self._pause(1.5)
                self._kill_daemon()
            else:
                self._cloud.command(region, "promote", "replication/ctl")
            self.counts["promote"] += 1
        except Refused as refused:
            self._say(f"promote {region}: {refused}")
            self.counts["refused"] += 1

    def _pause(self, most):
        """The time in which clients go on writing between two faults."""
        threading.Event().wait(self._random.uniform(0, most))

    def _act(self):
        whole = [r for r in REGIONS if r not in self.broken]
        acts = [self._promote, self._kill_daemon]
        weights = [3, 1]
        if len(whole) > 1:
            acts.append(lambda: self._break(self._random.choice(whole), self._random.choice(self.kinds())))
            weights.append(5)
        if self.broken:
            acts.append(lambda: self._mend(self._random.choice(sorted(self.broken))))
            weights.append(4)
        self._random.choices(acts, weights)[0]()
        for line in self._cloud.failures():
            self._say(line)

    def run(self, seconds):
        self._begun = time.monotonic()
        while time.monotonic() < self._begun + seconds:
            self._act()
            self._pause(3)

    def heal(self):
        """All is brought back, and what has diverged gets a new copy, as a person would do it by what `status` says."""
        until = time.monotonic() + self.MEND_SECONDS
        for region in sorted(self.broken):
            self._cloud.heal(region, self.broken.pop(region))
        while True:
            troubled = [r for r in REGIONS if not self._is_well(r)]
            for line in self._cloud.failures():
                self._say(line)
            if not troubled:
                return []
            if time.monotonic() > until:
                print(self._cloud.last_words(), flush=True)
                return [f"{r} is not brought back: {self._cloud.trouble(r)}" for r in troubled]
            for region in troubled:
                self._bring_back(region)

    def _is_well(self, region):
        if self._cloud.wait(region) != "ready":
            return False
        return region == self._cloud.master() or self._cloud.read(region, "replication/state") == "running"

    def _bring_back(self, region):
        state = self._cloud.read(region, "replication/state")
        self._say(f"{region} is {self._cloud.read(region, 'state')}, its replication {state}")
        try:
            if state == "diverged":
                self.counts["resync"] += 1
                self._cloud.command(region, "resync", "replication/ctl")
            elif self._cloud.read(region, "state") != "ready":
                self._cloud.command(region, "repair")
        except Refused as refused:
            self._say(f"{region}: {refused}")
        self._pause(2)


def acknowledged_in(cloud, clients):
    """What acknowledged writes are missing in which region."""
    problems = []
    for region in REGIONS:
        cloud.read(region, "replication/sync")
        there = cloud.names(region)
        for client in clients:
            missing = sorted(client.acknowledged - there)
            if missing:
                problems.append(f"{region} lacks {len(missing)} of {len(client.acknowledged)} of {client.name}: {missing[:5]}")
    return problems


def agreement(cloud):
    """Whether replication runs, tables agree, and tokens of each region are good in all."""
    problems = []
    for region in REGIONS:
        if region != cloud.master():
            status = cloud.read(region, "replication/status")
            for wanted in ("state: running", "drift: none"):
                if wanted not in status.splitlines():
                    problems.append(f"{region} has not {wanted!r}: {status}")
        token = cloud.read(region, "token")
        problems += [f"the token of {region} is not good in {other}" for other in REGIONS if not cloud.is_valid(other, token)]
    return problems


def contend(cloud, options, chaos_class=Chaos, watch_class=Watch, seconds=180):
    """All of it, for SECONDS unless the environment says otherwise: the status of the program."""
    seed = int(os.environ.get("MCLOUD_SEED") or secrets.randbelow(1 << 32))
    seconds = float(os.environ.get("MCLOUD_LOST_SECONDS") or seconds)
    print(f"MCLOUD_SEED={seed} MCLOUD_LOST_SECONDS={seconds:g}", flush=True)
    roles = Roles()
    watch = watch_class(options, cloud.addresses, roles)
    clients = [ApiClient(cloud, region, kind) for region in REGIONS for kind in ("project", "user")]
    clients += [TreeClient(cloud, kind) for kind in ("project", "user")]
    readers = [SyncReader(cloud, region, clients) for region in REGIONS]
    chaos = chaos_class(cloud, roles, seed)
    everybody = [watch, *clients, *readers]
    for one in everybody:
        one.start()
    chaos.run(seconds)
    problems = chaos.heal()
    for one in everybody:
        one.stop()
    problems += acknowledged_in(cloud, clients) + agreement(cloud) + chaos.early
    problems += [f"two took writes: {violation}" for violation in roles.violations]
    for reader in readers:
        problems += reader.early
    problems += [f"{client.name} has written nothing" for client in clients if not client.acknowledged]
    print("faults:", dict(sorted(chaos.counts.items())))
    print("acknowledged:", {client.name: len(client.acknowledged) for client in clients})
    print("syncs:", {reader.name: reader.done for reader in readers}, "watched:", roles.probes, "writable:", roles.hits)
    for problem in problems:
        print("PROBLEM:", problem)
    return 1 if problems else 0


def main():
    mount, name, options, *command = sys.argv[1:]
    return contend(Cloud(mount, name, options, command, REGIONS), options)


if __name__ == "__main__":
    sys.exit(main())
