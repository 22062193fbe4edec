#!/usr/bin/env python3
"""embed.py FOLDER: a C header with the text of each template, FOLDER/*/*.in and *.sql, so that the daemon needs no files beside it."""

import pathlib
import re
import sys


def literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return "".join(f'\n\t"{line}\\n"' for line in escaped.splitlines())


def main():
    folder = pathlib.Path(sys.argv[1])
    sys.stdout.reconfigure(encoding="utf-8")
    print("/* Made by embed.py from the templates of the recipes. */")
    for file in sorted([*folder.glob("*/*.in"), *folder.glob("*/*.sql")]):
        identifier = re.sub(r"[^A-Za-z0-9]", "_", str(file.relative_to(folder).with_suffix("")))
        print(f"\nstatic const char mc_template_{identifier}[] ={literal(file.read_text('utf-8'))};")


main()
