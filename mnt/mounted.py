"""What mnt/top and mnt/report are called, and which mount they look at when none is named: in a checkout, or where they are installed."""

import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
IN_CHECKOUT = os.path.exists(os.path.join(HERE, "..", "meson.build"))


def command(name):
    """How whoever reads it calls the program NAME."""
    return f"mnt/{name}" if IN_CHECKOUT else f"mcloudfs-{name}"


def fail(name, sentence):
    sys.exit(f"{name if IN_CHECKOUT else command(name)}: {sentence}")


def clouds(table="/proc/self/mounts"):
    """Where clouds are mounted, as the kernel says it; the mounts themselves are not looked at."""
    with open(table, encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split(" ") for line in file]
    places = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), row[1]) for row in rows if row[2] == "fuse.mcloudfs"]
    return sorted(set(places))


def default():
    """In words, for --help."""
    return "mnt/mcloud" if IN_CHECKOUT else "the only cloud that is mounted"


def chosen(name, asked):
    """The mount that was ASKED for, or the one that is meant by none."""
    if asked is not None:
        return asked
    if IN_CHECKOUT:
        return os.path.join(HERE, "mcloud")
    found = clouds()
    if not found:
        fail(name, "no cloud is mounted: mount one, or name its mount")
    if len(found) > 1:
        fail(name, f"{len(found)} clouds are mounted, at {', '.join(found)}: name the one that is meant")
    return found[0]
