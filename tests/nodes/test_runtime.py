#!/usr/bin/python3
"""The runtime that gives containers another clock: what runc gets to read."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import runtime  # noqa: E402

ENVIRONMENT = ["LD_PRELOAD=/build/clock.so", "CLOCK_SECONDS=300"]


class Clock(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)

    def written(self, name, content):
        (self.path / name).write_text(json.dumps(content))
        return str(self.path / name)

    def read(self, name):
        return json.loads((self.path / name).read_text())

    def test_a_container_gets_the_library_and_the_environment(self):
        self.written("config.json", {"root": {"path": "rootfs"}, "process": {"args": ["x"], "env": ["A=1", "CLOCK_SECONDS=-1"]}, "mounts": [{"destination": "/dev"}]})
        runtime.set_clock(["--root", "/r", "--log", "/l", "create", "--bundle", str(self.path), "--pid-file", "p", "id"], ENVIRONMENT)
        config = self.read("config.json")
        self.assertEqual(config["process"], {"args": ["x"], "env": ["A=1", "LD_PRELOAD=/dev/clock.so", "CLOCK_SECONDS=300"]})
        self.assertEqual(config["root"], {"path": "rootfs"})
        self.assertEqual([mount["destination"] for mount in config["mounts"]], ["/dev", "/dev/clock.so"])
        self.assertEqual(config["mounts"][1]["source"], "/build/clock.so")
        self.assertIn("ro", config["mounts"][1]["options"])
        self.assertEqual([file.name for file in self.path.iterdir()], ["config.json"])

    def test_so_does_what_is_run_in_it_later(self):
        process = self.written("process", {"args": ["date"], "env": None})
        runtime.set_clock(["--root", "/r", "exec", f"--process={process}", "--detach", "id"], ENVIRONMENT)
        self.assertEqual(self.read("process")["env"], ["LD_PRELOAD=/dev/clock.so", "CLOCK_SECONDS=300"])

    def test_all_else_is_left_alone(self):
        before = self.written("config.json", {"process": {"env": []}})
        runtime.set_clock(["--root", "/r", "delete", "--force", "id"], ENVIRONMENT)
        runtime.set_clock(["--root", "/r", "start", "id"], ENVIRONMENT)
        self.assertEqual(json.loads(pathlib.Path(before).read_text()), {"process": {"env": []}})


if __name__ == "__main__":
    unittest.main()
