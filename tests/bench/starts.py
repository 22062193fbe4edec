#!/usr/bin/python3
"""A region's start beside its floor, for each release. As a program, starts.py OPTIONS RELEASE…, on the engine at MCLOUD_SOCKET and by
what it has: tests/engines/core.bats tells so what that engine makes of it."""

import contextlib
import subprocess
import sys

from bench import Bench, Group
from cloud import ROOT, Cloud
from lines import start_of
from region import region_start


def start(release, *options):
    options = (f"release={release}", *options)

    @contextlib.contextmanager
    def beside(_):
        with Cloud("bench-beside", "127.93.0.0", *options) as cloud:
            cloud.start()
            cloud.region("Kista")
            yield cloud

    return Group(f"start-{release}", beside, {"start": lambda cloud, _run: region_start(cloud, *options, rounds=1)}, start_of(release))


def groups():
    releases = subprocess.run([ROOT / "backends/recipes/hash", "--releases"], check=True, capture_output=True, text=True).stdout.split()
    return [start(release) for release in releases]


def main(options, *releases):
    shown = Bench(runs=3)
    for release in releases:
        shown.measure(start(release, *options.split(",")), None)
    return shown.status()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
