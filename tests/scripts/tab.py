#!/usr/bin/env python3
"""tab.py bash|zsh COMPLETIONS LINE [FOLDER]: what a line becomes in that shell, at a terminal, when Tab is pressed behind it, or where it
has a ^. COMPLETIONS is the file of ours; FOLDER is gone to first. The line is told by the shell itself, not read from the screen."""

import os
import pty
import select
import signal
import sys
import tempfile

SET_UP = {
    "bash": 'bind "set bell-style none"; bind -x \'"\\C-xo": printf %s "$READLINE_LINE" >"$TAB_OUT"\'; . "$TAB_FILE"',
    "zsh": 'fpath=("$TAB_FPATH" $fpath); autoload -Uz compinit; compinit -u -D; unsetopt beep; setopt interactivecomments; '
    'tab-out() { print -rn -- "$BUFFER" >"$TAB_OUT" }; zle -N tab-out; bindkey -e; bindkey "^Xo" tab-out',
}
BACK = "\x02"
COMMAND = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}


def next_told(terminal, told):
    """What the shell says by the pipe; what it shows meanwhile is read, as it would wait for that."""
    while True:
        ready, _, _ = select.select([told, terminal], [], [])
        if terminal in ready:
            os.read(terminal, 65536)
        try:
            text = os.read(told, 65536) if told in ready else b""
        except BlockingIOError:
            continue  # it is open for writing, and nothing was written yet
        if text:
            return text.decode()


def main():
    shell, completions, line = sys.argv[1:4]
    signal.alarm(20)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        os.mkfifo(out)
        os.symlink(os.path.realpath(completions), os.path.join(folder, "_mcloudfs"))
        os.environ.update(TAB_OUT=out, TAB_FILE=os.path.realpath(completions), TAB_FPATH=folder, TERM="dumb", PS1="$ ", HISTFILE="")
        pid, terminal = pty.fork()
        if pid == 0:
            if len(sys.argv) > 4:
                os.chdir(sys.argv[4])
            os.execvp(COMMAND[shell][0], COMMAND[shell])
        told = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
        os.write(terminal, f" {SET_UP[shell]}; echo >\"$TAB_OUT\"\n".encode())
        next_told(terminal, told)
        before, _, behind = line.partition("^")
        os.write(terminal, f"{before}{behind}{len(behind) * BACK}\t\x18o".encode())
        print(next_told(terminal, told))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


main()
