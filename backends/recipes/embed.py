#!/usr/bin/env python3
"""embed.py OUTPUT FOLDER FILE…: a C header with the text of each template, so that the daemon needs no files beside it."""

import pathlib
import re
import sys


def literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return "".join(f'\n\t"{line}\\n"' for line in escaped.splitlines())


def main():
    output, folder, *files = sys.argv[1:]
    lines = ["/* Made by embed.py from the templates of the recipes. */", ""]
    for file in files:
        name = pathlib.Path(file).resolve().relative_to(pathlib.Path(folder).resolve()).with_suffix("")
        identifier = re.sub(r"[^A-Za-z0-9]", "_", str(name))
        lines.append(f"static const char mc_template_{identifier}[] ={literal(pathlib.Path(file).read_text('utf-8'))};\n")
    pathlib.Path(output).write_text("\n".join(lines), "utf-8")


main()
