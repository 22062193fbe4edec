"""What tests/fault/lost.py does, over three nodes: cables and engines fail, too.

lost_nodes.py MOUNT CLOUD OPTIONS-FILE COMMAND...: as of lost.py, in the network of node 1. The regions are on nodes 1, 2 and 3.
"""

import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fault"))
import lost  # noqa: E402
from lost_cloud import Cloud, Engine, Refused  # noqa: E402
from writable import Watch  # noqa: E402

NODES = {region: number + 1 for number, region in enumerate(lost.REGIONS)}
SOCKETS = HERE.parents[1] / "build/nodes"
PATIENCE_SECONDS = 180  # of an engine that comes up, for the Swarm's managers to agree and for what was told of nodes to be true again

# How a node is broken, and mended: functions of nodes.bash, and what they are told after the node.
OF_NODES = {"cable": (("unplug",), ("plug",)), "one way out": (("drop", "OUTPUT"), ("pass", "OUTPUT")),
            "one way in": (("drop", "INPUT"), ("pass", "INPUT")), "engine": (("engine_stop", "KILL"), ("engine_start",))}
OF_CONTAINERS = ("kill", "pause")


class NodesCloud(Cloud):
    """Its databases are reached on node 1 only, by the proxies there."""

    def __init__(self, mount, name, options, command, regions):
        super().__init__(mount, name, options, command, regions)
        self.addresses = {region: f"127.99.{NODES[region]}.1" for region in regions}

    def engine(self, region):
        return Engine(str(SOCKETS / str(NODES[region]) / "docker.sock"))

    def rig(self, region, function, *words):
        self.run(str(HERE / "rig"), function, str(NODES[region]), *words, timeout=600)

    def hurt(self, region, kind):
        if kind in OF_NODES:
            self.rig(region, *OF_NODES[kind][0])
        else:
            super().hurt(region, kind)

    def heal(self, region, kind):
        if kind in OF_NODES:
            self.rig(region, *OF_NODES[kind][1])
        else:
            super().heal(region, kind)

    def remount(self):
        """A Swarm whose managers are just agreeing on a leader refuses it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return super().remount()
            except Refused:
                if time.monotonic() > until:
                    raise
            threading.Event().wait(1)

    def await_nodes(self, regions):
        """Until the daemon knows that their nodes are ready. What it knew while they were not says nothing of now."""
        files = [f"{self.mount}/nodes/node{NODES[region]}/state" for region in regions]
        try:
            self.run("bash", "-c", 'exec 7<"$1/events"; for file in "${@:2}"; do until [ "$(cat "$file")" = ready ]; do read -r -t 2 <&7 || true; done; done',
                     "await", self.mount, *files, timeout=PATIENCE_SECONDS)
        except Refused as refused:
            return refused
        return None


class NodesChaos(lost.Chaos):
    """One node is broken at most: two of three managers are what a Swarm needs."""

    MEND_SECONDS = 900

    def kinds(self):
        return OF_CONTAINERS if set(self.broken.values()) & set(OF_NODES) else (*OF_CONTAINERS, *OF_NODES)

    def _break(self, region, kind):
        try:
            super()._break(region, kind)
        except Refused as refused:  # as the daemon has no lease at this moment
            self._say(f"{kind} {region}: {refused}")
            self.counts["refused"] += 1

    def _settled(self, region):
        late = self._cloud.await_nodes([other for other in lost.REGIONS if self.broken.get(other) not in OF_NODES])
        if late:
            self._say(f"not all nodes are ready: {late}")
            self.early.append(f"a node is not ready {PATIENCE_SECONDS} s after all was mended: {late}")
        return super()._settled(region)

    def _kill_daemon(self):
        """It is not mounted again where its engine has gone, or is alone."""
        here = next(region for region, number in NODES.items() if number == 1)
        if self.broken.get(here) in OF_NODES:
            self._mend(here)
        super()._kill_daemon()


class AckWatch(Watch):
    """Sees which databases acknowledge commits: two that do so at once are what must never be. That a master which was away still
    takes writes when it is back, until it is fenced, does no harm: nobody acknowledges them.

    A database counts the commits for which it has not to wait any more. Where its number has grown, it has acknowledged some between
    two looks; they came after what another one had acknowledged before the first of these."""

    STATEMENT = ("SELECT @@GLOBAL.read_only, SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS "
                 "WHERE VARIABLE_NAME IN ('RPL_SEMI_SYNC_MASTER_YES_TX', 'RPL_SEMI_SYNC_MASTER_NO_TX')")
    PATIENCE = 5

    def __init__(self, options, addresses, roles):
        super().__init__(options, addresses, roles)
        self._number = 0  # of the look
        self._counted = {}  # by a database's name: its count, at which look, and how often the role might have changed before that
        self._newest = (None, 0, 0)  # who has acknowledged last, the first look that has shown it, and the same of that

    def _is_after(self, name, number, asked_at):
        """Whether what NAME has acknowledged since the look NUMBER came after the newest that is known, and the last change of the role."""
        other, shown, epoch = self._newest
        if asked_at != self.roles.allowed():
            return False
        if epoch == asked_at and other not in (None, name) and number < shown:
            return False
        if epoch != asked_at or other != name:
            self._newest = (name, self._number, asked_at)
        return True

    def look(self, name, address):
        asked_at = self.roles.allowed()
        self._number += 1
        answer = self.ask(address)
        if not answer or len(answer) != 2:
            return
        count = float(answer[1])
        before = self._counted.get(name)
        self._counted[name] = (count, self._number, asked_at)
        if before and count > before[0] and answer[0] == "0" and self._is_after(name, *before[1:]):
            self.roles.saw(name, before[2])


def main():
    mount, name, options, *command = sys.argv[1:]
    return lost.contend(NodesCloud(mount, name, options, command, lost.REGIONS), options, NodesChaos, AckWatch, seconds=600)


if __name__ == "__main__":
    sys.exit(main())
