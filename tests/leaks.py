"""leaks.py SECRETS FILE…: what FILEs hold of the strings in the JSON file SECRETS, whatever they are wrapped in: each text is unwrapped, and looked
through. A line a leak; status 1 if there is one."""

import base64
import json
import re
import sys
import urllib.parse


def strings_of(value):
    if isinstance(value, (dict, list)):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in strings_of(item)]
    return [value] if isinstance(value, str) else []


def unwrapped(content):
    """CONTENT, and what it is when it was URL-encoded, or base64, from wherever the latter may begin."""
    yield "clear", content
    yield "URL", urllib.parse.unquote_to_bytes(content)
    for run in re.findall(rb"[A-Za-z0-9+/_-]{8,}", content):
        run = run.translate(bytes.maketrans(b"-_", b"+/"))
        for skipped in range(4):
            part = run[skipped:]
            yield "base64", base64.b64decode(part[: len(part) // 4 * 4] + (part[len(part) // 4 * 4:] + b"===")[:4] if len(part) % 4 > 1
                                             else part[: len(part) // 4 * 4])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        secrets = [secret.encode() for secret in strings_of(json.load(file))]
    if not secrets:
        sys.exit(f"{sys.argv[1]} has no secrets")
    leaks = 0
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            content = file.read()
        for how, text in unwrapped(content):
            for number, secret in enumerate(secrets):
                if secret in text:
                    print(f"{path}: secret {number}, {how}")
                    leaks += 1
    sys.exit(leaks > 0)


main()
