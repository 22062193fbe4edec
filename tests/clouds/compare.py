#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py MCLOUDFS: each case of cases.py, read by mcloudfs and by openstacksdk, comes to the same."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

from cases import CASES, SECRET

try:
    import oracle
except ImportError as missing:
    print(f"python3-openstacksdk is not installed: {missing}")
    sys.exit(77)


def lay_out(root, case):
    for name in ("home", "work", "xdg", "site"):
        (root / name).mkdir()
    for name, text in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.mkdir()
        else:
            path.write_bytes(text.encode() if isinstance(text, str) else text)
    environment = {"HOME": f"{root}/home", "XDG_CONFIG_DIRS": f"{root}/site", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    environment.update({name: value.replace("ROOT", str(root)) for name, value in case.environment.items()})
    return {name: value for name, value in environment.items() if value != "UNSET"}


def ours(program, case, environment, directory):
    words = [case.cloud or "", case.region or ""]
    ran = subprocess.run([program, "--print-cloud", *words], env=environment, cwd=directory, capture_output=True, text=True)
    if SECRET in ran.stdout + ran.stderr:
        raise AssertionError("a secret is shown")
    if ran.returncode == 1 and ran.stderr.startswith("mcloudfs: "):
        return {"error": ran.stderr.strip()}
    if ran.returncode != 0:
        raise AssertionError(f"mcloudfs ended with {ran.returncode}: {ran.stderr}")
    told = json.loads(ran.stdout)
    told.pop("warnings")
    files = told.pop("files")
    # A configuration that is all of the environment has none.
    if files and "secure" not in files[0] and "public" not in files[0]:
        told["file"] = os.path.join(directory, files[0])
    return {"answer": told}


def differences(one, other, where=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{where}{key}.")
    elif one != other:
        yield f"{where[:-1]}: mcloudfs has {one!r}, openstacksdk {other!r}"


def lacks(body):
    """Whether Keystone refuses it: a name is nobody's without its domain, and null is no passcode."""
    if not isinstance(body, dict):
        return body is None
    return any(lacks(value) or (key in ("user", "project") and "id" not in value and "domain" not in value) for key, value in body.items())


def forgive(got, wanted):
    """What is sure to be refused is a sentence instead of a request."""
    if isinstance(got["login"], str) and lacks(wanted["login"]):
        got.pop("login")
        wanted.pop("login")


def judge(case, got, wanted):
    if case.refused:
        if case.refused not in got.get("error", ""):
            yield f"mcloudfs was to refuse it for {case.refused!r}: {got}"
        if ("error" in wanted) == case.differs:
            yield f"openstacksdk was to {'take' if case.differs else 'refuse'} it: {wanted}"
    elif case.differs and "error" in wanted:
        if "error" in got:
            yield f"mcloudfs was to take it: {got['error']}"
    elif "error" in wanted:
        yield f"openstacksdk refuses it, and the case doesn't say so: {wanted['error']}"
    elif "error" in got:
        yield f"mcloudfs refuses it: {got['error']}"
    else:
        forgive(got["answer"], wanted["answer"])
        yield from differences(got["answer"], wanted["answer"])


def main(program):
    failed = 0
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="mcloudfs-clouds-") as root:
            environment = lay_out(Path(root), case)
            directory = os.path.join(root, "work")
            try:
                got = ours(program, case, environment, directory)
                wrong = list(judge(case, got, oracle.ask(case.cloud, case.region, environment, directory)))
            except (AssertionError, ValueError) as error:
                wrong = [str(error)]
        print(f"{'FAIL' if wrong else 'ok'}  {case.name}")
        for line in wrong:
            print(f"      {line}")
        failed += bool(wrong)
    print(f"{len(CASES)} cases, {failed} failed")
    return 1 if failed or not CASES else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
