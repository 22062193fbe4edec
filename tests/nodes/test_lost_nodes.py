#!/usr/bin/python3
"""What lost over nodes takes for two databases that acknowledge, and what it breaks: without a cloud."""

import contextlib
import io
import os
import pathlib
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lost_nodes  # noqa: E402
from lost_cloud import Refused  # noqa: E402
from writable import Roles  # noqa: E402


class Counts(lost_nodes.AckWatch):
    """Looks at what it is told."""

    def __init__(self):
        super().__init__("", {}, Roles())
        self.answer = None

    def ask(self, _address):
        return self.answer

    def shows(self, name, count, read_only="0"):
        self.answer = None if count is None else [read_only, str(count)]
        self.look(name, name)
        return self.roles.violations


class Acknowledged(unittest.TestCase):
    def setUp(self):
        self.watch = Counts()
        for name in "abc":
            self.watch.shows(name, 0)

    def test_one_that_acknowledges_is_fine(self):
        for count in range(1, 9):
            self.watch.shows("a", count)
            self.watch.shows("b", 0)
        self.assertEqual(self.watch.roles.violations, [])
        self.assertEqual(self.watch.roles.hits, 8)

    def test_the_role_may_go_once(self):
        for count in (1, 2):
            self.watch.shows("a", count)
            self.watch.shows("b", 0)
        self.watch.roles.allow_change()
        for count in (1, 2, 3):
            self.watch.shows("a", 3)
            self.watch.shows("b", count)
        self.assertEqual(self.watch.roles.violations, [])

    def test_two_in_turns_are_found(self):
        for count in range(1, 6):
            self.watch.shows("a", count)
            self.watch.shows("b", count)
        self.assertTrue(self.watch.roles.violations)

    def test_what_was_acknowledged_before_it_was_cut_off_is_seen_late_and_is_no_proof(self):
        self.watch.shows("a", 1)
        self.watch.roles.allow_change()
        self.watch.shows("a", 2)
        self.watch.shows("a", 3)
        for count in range(1, 6):
            self.watch.shows("a", None)
            self.watch.shows("b", count)
        self.watch.shows("a", 9)  # some time since the look that showed 3
        self.assertEqual(self.watch.roles.violations, [])

    def test_a_former_master_that_acknowledges_when_it_is_back_is_found(self):
        self.watch.roles.allow_change()
        for count in (1, 2):
            self.watch.shows("a", count)
            self.watch.shows("b", 0)
        for count in range(1, 6):
            self.watch.shows("b", count)
        self.watch.shows("a", 3)
        self.watch.shows("b", 6)
        self.watch.shows("a", 4)
        self.assertTrue(self.watch.roles.violations)

    def test_who_takes_writes_and_acknowledges_none_is_fine(self):
        self.watch.roles.allow_change()
        self.watch.shows("a", 1)
        for count in range(1, 6):
            self.watch.shows("a", 1)
            self.watch.shows("b", count)
        self.assertEqual(self.watch.roles.violations, [])

    def test_one_that_was_begun_anew_counts_from_zero(self):
        self.watch.shows("a", 5)
        self.watch.shows("b", 1)
        self.watch.shows("a", 0)
        self.watch.shows("b", 2)
        self.assertEqual(self.watch.roles.violations, [])


class Pretended:
    """A cloud that notes what is done to it."""

    def __init__(self):
        self.done, self.refuses = [], False

    def hurt(self, region, kind):
        if self.refuses:
            raise Refused("no lease")
        self.done.append(("hurt", region, kind))

    def heal(self, region, kind):
        self.done.append(("heal", region, kind))

    def command(self, region, verb, file="ctl"):
        self.done.append((verb, region))

    def wait(self, _region):
        return "ready"

    def await_nodes(self, _regions):
        return None

    def login_trouble(self, _region):
        return None

    def kill_and_remount(self):
        self.done.append(("kill",))


class Broken(unittest.TestCase):
    def setUp(self):
        self.cloud = Pretended()
        self.chaos = lost_nodes.NodesChaos(self.cloud, Roles(), 1)
        self.chaos._begun = 0

    def test_one_node_at_a_time(self):
        self.assertIn("cable", self.chaos.kinds())
        self.chaos._break("Lund", "kill")
        self.assertIn("engine", self.chaos.kinds())
        self.chaos._break("Solna", "one way in")
        self.assertEqual(self.chaos.kinds(), lost_nodes.OF_CONTAINERS)

    def test_what_is_refused_is_not_broken(self):
        self.cloud.refuses = True
        self.chaos._break("Lund", "pause")
        self.assertEqual((self.chaos.broken, self.chaos.counts["refused"]), ({}, 1))

    def test_the_daemons_node_is_mended_before_it_is_mounted_again(self):
        self.chaos._break("Kista", "engine")
        self.chaos._kill_daemon()
        self.assertEqual(self.cloud.done, [("hurt", "Kista", "engine"), ("heal", "Kista", "engine"), ("repair", "Kista"), ("kill",)])

    def test_functions_of_the_rig_are_there(self):
        text = (lost_nodes.HERE / "nodes.bash").read_text()
        for function in {words[0] for both in lost_nodes.OF_NODES.values() for words in both}:
            self.assertIn(f"\n{function}() {{", text)


class Small(Pretended):
    """A cloud that keeps what it is told to, or forgets some of it."""

    mount = "/nowhere"

    def __init__(self, forgets=0):
        super().__init__()
        self.kept, self._left = {"first"}, forgets
        self.addresses = {region: region for region in lost_nodes.NODES}

    def _keep(self, name):
        if self._left:
            self._left -= 1
        else:
            self.kept.add(name)

    def path(self, region, file):
        return f"{region}/{file}"

    def run(self, *command, timeout=60):
        if command[0] == "mkdir":
            self._keep(command[1].rsplit("/", 1)[1])
        return "token"

    def request(self, _region, _path, _token, body):
        self._keep(next(iter(body.values()))["name"])
        return 201, {}

    def read(self, _region, file):
        return {"replication/state": "running", "replication/status": "state: running\ndrift: none"}.get(file, file)

    def names(self, _region):
        return set(self.kept)

    def master(self):
        return "Kista"

    def is_valid(self, _region, _token):
        return True

    def failures(self):
        return []

    def command_begin(self, region, verb):
        self.command(region, verb)


class Steady(lost_nodes.AckWatch):
    """One database that acknowledges."""

    def ask(self, address):
        return ["0", str(self._number)] if address == "Kista" else ["1", "0"]


class Contended(unittest.TestCase):
    def contend(self, cloud, chaos=lost_nodes.NodesChaos):
        said = io.StringIO()
        with mock.patch.dict(os.environ, {"MCLOUD_LOST_SECONDS": "2", "MCLOUD_SEED": "7"}), contextlib.redirect_stdout(said), \
                mock.patch.object(lost_nodes.lost.Chaos, "_pause", lambda self, _most: lost_nodes.threading.Event().wait(0.01)):
            status = lost_nodes.lost.contend(cloud, "options", chaos, Steady)
        return status, said.getvalue()

    def test_where_all_is_kept_nothing_is_found(self):
        cloud = Small()
        status, said = self.contend(cloud)
        self.assertEqual(status, 0, said)
        kinds = {done[2] for done in cloud.done if done[0] == "hurt"}
        self.assertTrue(kinds & set(lost_nodes.OF_NODES) and kinds & set(lost_nodes.OF_CONTAINERS), cloud.done)
        hurt, healed = ([done[1:] for done in cloud.done if done[0] == what] for what in ("hurt", "heal"))
        self.assertEqual(sorted(hurt), sorted(healed))

    def test_what_was_acknowledged_and_is_not_there_is_found(self):
        status, said = self.contend(Small(forgets=1))
        self.assertEqual(status, 1)
        self.assertIn("lacks 1 of", said)

    def test_so_it_is_on_one_machine(self):
        status, said = self.contend(Small(), lost_nodes.lost.Chaos)
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
