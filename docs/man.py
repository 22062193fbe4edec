#!/usr/bin/env python3
"""man.py FILE.md NAME SECTION VERSION PURPOSE: the document as a manual page, man(7), on standard output.

A table becomes a list: what its first column names, and beside it the columns between, stands above the text of its last, since a
terminal has no room for cells of whole sentences. What the documents don't use (links, numbered lists, code fences) is refused."""

import re
import sys

# A code span, bold, emphasis; in this order, as nothing in a code span means anything else.
INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*")
FOREIGN = re.compile(r"^(\d+\. |```|> |  +[-*] |!\[)|\]\(")


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")


def styled(text):
    """TEXT with fonts for what stands in code spans and the like. A line must not begin with what troff takes for a request."""
    out, at = "", 0
    for match in INLINE.finditer(text):
        code, bold, emphasis = match.groups()
        font = "I" if emphasis else "B"
        out += escaped(text[at : match.start()]) + f"\\f{font}" + escaped(code or bold or emphasis) + "\\fR"
        at = match.end()
    out += escaped(text[at:])
    return "\\&" + out if out[:1] in (".", "\\") else out


def row_of(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def table(lines):
    for line in lines[2:]:
        first, *between, last = row_of(line)
        yield ".TP"
        yield styled(first) + "".join(f"  {styled(cell)}" for cell in between)
        yield styled(last) if last else "\\&"


def paragraph(lines):
    if lines[0].startswith("    "):
        return [".PP", ".nf", ".RS", *(styled(line[4:]) for line in lines), ".RE", ".fi"]
    return [".PP", styled(" ".join(line.strip() for line in lines))]


def items(lines):
    texts = []
    for line in lines:
        if line.startswith("- "):
            texts.append(line[2:])
        else:
            texts[-1] += " " + line.strip()
    for text in texts:
        yield ".IP \\(bu 2"
        yield styled(text)


def block(lines):
    """One block of lines without an empty one between."""
    if lines[0].startswith("#"):
        level, title = lines[0].split(" ", 1)
        # the title of the document is said in NAME
        if len(level) > 1:
            yield f".{'SH' if len(level) == 2 else 'SS'} {styled(title.upper() if len(level) == 2 else title)}"
        yield from block(lines[1:]) if lines[1:] else ()
    elif lines[0].startswith("|"):
        yield from table(lines)
    elif lines[0].startswith("- "):
        yield from items(lines)
    else:
        yield from paragraph(lines)


def main():
    file, name, section, version, purpose = sys.argv[1:]
    with open(file, encoding="utf-8") as source:
        text = source.read()
    for number, line in enumerate(text.splitlines(), 1):
        if FOREIGN.search(line):
            sys.exit(f"{file}:{number}: man.py doesn't know how to show this: {line}")
    sys.stdout.reconfigure(encoding="utf-8")
    print('.\\" Made by man.py.')
    print(f'.TH {name.upper()} {section} "" "mcloudfs {version}" "Miscellaneous Information"')
    print(f".SH NAME\n{escaped(name)} \\- {escaped(purpose)}\n.SH DESCRIPTION\n.ad l")
    for lines in re.split(r"\n\n+", text.strip()):
        print("\n".join(block(lines.split("\n"))))


main()
