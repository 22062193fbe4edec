#!/usr/bin/python3
"""A container runtime whose containers have another clock than the machine: runc, with clock.so in each container.

runtime.py ENVIRONMENT-FILE ARGUMENT...: the arguments are runc's; the lines of the file are NAME=VALUE, for all processes there. What LD_PRELOAD
names is a file of this machine, which containers get to read.
"""

import json
import os
import pathlib
import sys

RUNC = "runc"
PRELOAD = "LD_PRELOAD"
THERE = "/dev/clock.so"  # /dev is a file system of the container's own, also where its root can't be written


def option(arguments, *names):
    """The value of the last of these options; None: it has none."""
    found = None
    for i, word in enumerate(arguments):
        for name in names:
            if word == name and i + 1 < len(arguments):
                found = arguments[i + 1]
            elif word.startswith(name + "="):
                found = word[len(name) + 1:]
    return found


def with_environment(process, environment):
    """PROCESS as of the runtime's specification (config.md, process.env), with the lines of ENVIRONMENT instead of what it had of these names."""
    names = {line.split("=", 1)[0] for line in environment}
    own = [line for line in process.get("env") or [] if line.split("=", 1)[0] not in names]
    return {**process, "env": own + environment}


def split(environment):
    """What processes are given, and the file on this machine that is loaded before all others."""
    library = next(line.split("=", 1)[1] for line in environment if line.startswith(PRELOAD + "="))
    return [f"{PRELOAD}={THERE}" if line.startswith(PRELOAD + "=") else line for line in environment], library


def edit(path, change):
    """The JSON file PATH becomes what CHANGE makes of it, whole or not at all."""
    text = json.dumps(change(json.loads(path.read_text())))
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def set_clock(arguments, environment):
    """In what runc is about to read for these ARGUMENTS."""
    given, library = split(environment)
    mount = {"destination": THERE, "type": "bind", "source": library, "options": ["bind", "ro", "nosuid", "nodev"]}
    if "create" in arguments or "run" in arguments:
        edit(pathlib.Path(option(arguments, "--bundle", "-b") or ".") / "config.json",
             lambda config: {**config, "process": with_environment(config["process"], given), "mounts": [*config.get("mounts", []), mount]})
    elif "exec" in arguments and option(arguments, "--process", "-p"):
        edit(pathlib.Path(option(arguments, "--process", "-p")), lambda process: with_environment(process, given))


def main(file, *arguments):
    set_clock(arguments, pathlib.Path(file).read_text().split())
    os.execvp(RUNC, [RUNC, *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
