#!/usr/bin/python3
"""What the bench does when something fails, and that what it tells of is what it measures: without an engine."""

import contextlib
import http.client
import io
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.modules.setdefault("pymysql", types.ModuleType("pymysql"))  # is there for the bench only

import replication  # noqa: E402
from bench import Bench, Group, as_it_is  # noqa: E402
from lines import LINES, start_of  # noqa: E402
from results import Line, failed, load  # noqa: E402

PARTS = ("region", "front", "replication", "images", "identity", "walk", "attach")


class Told(unittest.TestCase):
    """What is written of lines fits what is measured."""

    def test_each_step_of_each_group_is_told_of(self):
        groups = [group for part in PARTS for group in __import__(part).groups()]
        self.assertEqual({group.name for group in groups}, set(LINES))
        for group in groups:
            self.assertEqual(set(group.steps), {line.step for line in group.what()}, group.name)

    def test_lines_can_be_told_from_each_other(self):
        every = [(line.what, line.ours) for lines in LINES.values() for line in lines]
        self.assertEqual(len({what for what, _ in every}), len(every))
        self.assertNotEqual(start_of("epoxy")[0].what, start_of("zed")[0].what)

    def test_each_line_has_something_to_be_compared_with(self):
        for lines in LINES.values():
            for line in lines:
                self.assertTrue(line.limit is not None or line.bound or line.beside, line.what)


class Failing(unittest.TestCase):
    """Groups that are made up."""

    def bench(self, steps, prepared=as_it_is, lines=None, runs=2):
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "results.json"
        bench = Bench(runs, path)
        lines = lines or tuple(Line(step, f"what {step} does", "a", limit=10) for step in steps)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            bench.measure(Group("group", prepared, steps, lines), "cloud")
            status = bench.status()
        self.assertEqual(load(path)["lines"], bench.results["lines"])
        return status, bench.results, said.getvalue()

    def test_all_is_well(self):
        status, results, _ = self.bench({"one": lambda place, number: {"a": [number]}})
        self.assertEqual((status, results["lines"][0]["ours"], results["failures"]), (0, [0, 1], []))

    def test_the_others_go_on(self):
        calls = []

        def bad(_place, _number):
            calls.append("bad")
            raise OSError("no such thing")

        status, results, said = self.bench({"bad": bad, "good": lambda place, number: {"a": [1]}})
        self.assertEqual(status, 1)
        self.assertEqual(calls, ["bad"])  # not tried again
        self.assertEqual([line.get("failed", False) for line in results["lines"]], [True, False])
        self.assertEqual(results["failures"], [{"part": "group", "step": "bad", "lines": ["what bad does"], "error": "OSError: no such thing"}])
        for word in ("FAIL  group, bad: OSError: no such thing", "what bad does", "Traceback"):
            self.assertIn(word, said)

    def test_one_that_fails_late_has_failed(self):
        def late(_place, number):
            return {"a": [1 // (1 - number)]}

        status, results, _ = self.bench({"late": late})
        self.assertEqual((status, results["lines"]), (1, [failed("group", Line("late", "what late does", "a"))]))

    def test_what_was_prepared_goes(self):
        gone = []

        @contextlib.contextmanager
        def prepared(cloud):
            try:
                yield cloud
            finally:
                gone.append(cloud)

        def interrupted(_place, _number):
            raise SystemExit(143)

        with self.assertRaises(SystemExit):
            self.bench({"one": interrupted}, prepared)
        self.assertEqual(gone, ["cloud"])

    def test_a_preparation_or_a_cleaning_that_fails_is_told(self):
        @contextlib.contextmanager
        def unprepared(_cloud):
            raise RuntimeError("no image")
            yield

        @contextlib.contextmanager
        def unclean(cloud):
            yield cloud
            raise RuntimeError("it stays")

        steps = {"one": lambda place, number: {"a": [1]}}
        status, results, _ = self.bench(steps, unprepared)
        self.assertEqual((status, [line.get("failed") for line in results["lines"]]), (1, [True]))
        status, results, _ = self.bench(steps, unclean)
        self.assertEqual((status, results["failures"][0]["error"], results["lines"][0].get("failed")), (1, "RuntimeError: it stays", None))

    def test_samples_that_are_lacking_have_failed(self):
        lines = (Line("one", "first", "a", limit=1), Line("one", "second", "b", limit=1), Line("one", "third", "c", limit=1))
        status, results, _ = self.bench({"one": lambda place, number: {"a": [0], "c": []}}, lines=lines)
        self.assertEqual((status, [line.get("failed", False) for line in results["lines"]]), (1, [False, True, True]))

    def test_nothing_measured_is_a_failure(self):
        self.assertEqual(Bench(3).status(), 1)


class Asking(unittest.TestCase):
    """A cloud's databases and Keystones, in directories that are made up."""

    def cloud(self, scheme):
        top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        region = top / "mnt/regions/Kista"
        (region / "endpoints/identity").mkdir(parents=True)
        (top / "state").mkdir()
        (top / "state/bench.json").write_text('{"db_root": "secret"}')
        (region / "address").write_text("127.77.1.1\n")
        (region / "token").write_text("token\n")
        (region / "endpoints/identity/public").write_text(f"{scheme}://127.77.1.1:5000/v3\n")
        return types.SimpleNamespace(name="bench", directory=top, mount=top / "mnt")

    def test_a_cloud_with_tls_is_asked_by_that_and_any_other_without(self):
        plain, secured = self.cloud("http"), self.cloud("https")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-keyout", "/dev/null", "-out",
                        str(secured.mount / "ca.pem")], check=True, stderr=subprocess.DEVNULL)
        with mock.patch.object(replication.pymysql, "connect", create=True) as connect:
            for cloud in (plain, secured):
                replication.database(cloud, "Kista")
        login = {"host": "127.77.1.1", "user": "root", "password": "secret", "autocommit": True}
        self.assertEqual([asked.kwargs for asked in connect.call_args_list],
                         [login, {**login, "ssl_ca": str(secured.mount / "ca.pem"), "ssl_verify_identity": True}])
        for cloud, kind in ((plain, http.client.HTTPConnection), (secured, http.client.HTTPSConnection)):
            connection = replication.Keystone(cloud, "Kista").connect()
            self.assertIs(type(connection), kind)
            self.assertEqual((connection.host, connection.port), ("127.77.1.1", 5000))


if __name__ == "__main__":
    unittest.main()
