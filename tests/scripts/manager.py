#!/usr/bin/env python3
"""manager.py WATCHDOG_MS COMMAND…: starts COMMAND as systemd starts a service of Type=notify, with nothing else in its environment, and
prints what it says of itself, a line each, until it has said READY=1, a STATUS, and its watchdog twice; then ends it by SIGTERM. At the
end: its exit status."""

import os
import signal
import socket
import subprocess
import sys
import tempfile


def main():
    milliseconds, command = int(sys.argv[1]), sys.argv[2:]
    signal.alarm(60)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(os.path.join(folder, "notify"))
        environment = {"NOTIFY_SOCKET": told.getsockname(), "WATCHDOG_USEC": str(milliseconds * 1000)}
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
            lines = []
            told.settimeout(0.2)
            asked = False
            while True:
                # read what is there even when the process has ended meanwhile
                ended = process.poll() is not None
                try:
                    lines += told.recv(4096).decode().split("\n")
                except TimeoutError:
                    if ended:
                        break
                    continue
                wanted = "READY=1" in lines and lines.count("WATCHDOG=1") >= 3 and any(line.startswith("STATUS=Serves") for line in lines)
                if wanted and not asked:
                    process.terminate()
                    asked = True
            print(*dict.fromkeys(lines), sep="\n")
            print(f"ended with {process.wait()}")


main()
