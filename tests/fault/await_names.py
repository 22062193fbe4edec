#!/usr/bin/env python3
"""await_names.py DIRECTORY [NAME...]: waits until there are these names in it and no others, by the kernel's news of it (inotify(7)).

Status 1 after a minute, with the names that there are.
"""

import ctypes
import os
import select
import sys
import time

PATIENCE = 60
IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x40, 0x80, 0x100, 0x200


def watch(directory):
    """A descriptor that can be read when names have come or gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    news = libc.inotify_init1(os.O_CLOEXEC)
    if news < 0 or libc.inotify_add_watch(news, os.fsencode(directory), IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), directory)
    return news


def main():
    directory, *names = sys.argv[1:]
    news, end = watch(directory), time.monotonic() + PATIENCE
    while sorted(os.listdir(directory)) != sorted(names):
        if not select.select([news], [], [], max(0, end - time.monotonic()))[0]:
            print(f"{directory}: {' '.join(sorted(os.listdir(directory)))}", file=sys.stderr)
            return 1
        os.read(news, 1 << 16)
    return 0


sys.exit(main())
