#!/usr/bin/python3
"""The measurements over nodes, without these: that what is told of is what is measured."""

import contextlib
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import threading
import types
import unittest
from unittest import mock

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("measure", str(pathlib.Path(__file__).resolve().parent / "measure"))
measure = importlib.util.module_from_spec(importlib.util.spec_from_loader("measure", LOADER))
LOADER.exec_module(measure)


class Answers:
    """A Keystone that takes all, and gives what was made after some questions."""

    def __init__(self, *_):
        self.asked, self.made = 0, 0

    def ask(self, _method, _path, _body=None):
        self.asked += 1
        return (200 if self.asked > 3 else 404), b"{}"

    def make(self, name):
        threading.Event().wait(0.001)
        self.made += 1
        return f"id-{name}"


class Pretended:
    """A mount that is a directory."""

    def __init__(self, path):
        self.mount, self.order = pathlib.Path(path), []
        for region in ("Kista", "Solna"):
            (self.mount / "regions" / region / "replication").mkdir(parents=True)
            (self.mount / "regions" / region / "wait").write_text("ready\n")
            for file, text in (("ctl", ""), ("lag", "0.02\n"), ("sync", "1-1-1\n"), ("state", "running\n")):
                (self.mount / "regions" / region / "replication" / file).write_text(text)

    def region_on(self, number, _name):
        self.order.append(number)
        return number * 1.5

    def remove(self, _name):
        pass

    def daemon(self):
        return "self"

    def status(self, _field):
        return 20480


class Measured(unittest.TestCase):
    def setUp(self):
        with contextlib.ExitStack() as stack:
            self.rig = stack.enter_context(mock.patch.object(measure, "rig"))
            stack.enter_context(mock.patch.object(measure, "enter"))
            stack.enter_context(mock.patch.object(measure, "Keystone", Answers))
            self.cloud = Pretended(stack.enter_context(tempfile.TemporaryDirectory()))
            self.addCleanup(stack.pop_all().close)

    def test_each_step_gives_what_its_lines_tell_of(self):
        for group in measure.groups():
            self.assertEqual(set(group.steps), {line.step for line in group.what()})
            if group.name == "copy":  # wants the commands
                continue
            samples = group.steps[group.name](self.cloud, 0)
            for line in group.what():
                for key in [line.ours, *(other.key for other in line.beside)]:
                    self.assertTrue(samples[key] and min(samples[key]) >= 0, key)

    def test_the_copies_give_what_their_line_tells_of(self):
        with mock.patch.object(measure.subprocess, "run") as run, mock.patch.object(measure.pathlib.Path, "unlink"):
            samples = measure.copy(pathlib.Path("/nowhere"), 0)
        self.assertEqual(set(samples), {"cp", "curl"})
        self.assertEqual([call.args[0][0] for call in run.call_args_list], ["nsenter", "cp"])

    def test_contestants_take_turns_in_who_is_first(self):
        measure.starts(self.cloud, 0)
        measure.starts(self.cloud, 1)
        self.assertEqual(self.cloud.order, [2, 1, 1, 2])

    def test_the_cable_is_short_again_whatever_comes(self):
        with mock.patch.object(measure, "seen_late", side_effect=[([1], [1]), RuntimeError]), self.assertRaises(RuntimeError):
            measure.lag(self.cloud, 0)
        self.assertEqual([call.args for call in self.rig.call_args_list], [("slow", 2, measure.LATENCY), ("fast", 2)])

    def test_the_longest_pause_between_two_writes_is_the_gap(self):
        writer = types.SimpleNamespace(accepted=[1.0, 1.5, 4.0, 4.1])
        self.assertEqual(measure.Writer.gap(writer), 2.5)


if __name__ == "__main__":
    unittest.main()
