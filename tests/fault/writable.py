"""Watches that no two databases take writes at once.

writable.py OPTIONS-FILE ADDRESS...: asks the databases, one after the other, for as long as there is standard input. Each
line there says that the role of the master may change once from now on. Status 1: two took writes at once.

Two answers are never of the same moment. But each question is asked when the one before it has been answered, so they have an
order; and between two lines the role goes from one database to another once at most. So it is a proof that two took writes
when one is seen writable again after another was, or three are, without a line in between.
"""

import subprocess
import sys
import threading


class Roles:
    """Which databases were seen writable since it was last said that the role may change."""

    def __init__(self):
        self._lock = threading.Lock()
        self._allowed = 0
        self._seen = []
        self.probes = self.hits = 0
        self.violations = []

    def allow_change(self):
        """The role may change, once more than before. To be called before that is begun."""
        with self._lock:
            self._allowed += 1

    def allowed(self):
        with self._lock:
            return self._allowed

    def saw(self, name, asked_at):
        """NAME's database was writable, as asked when allowed() was ASKED_AT."""
        with self._lock:
            self.hits += 1
            if asked_at != self._allowed or (self._seen and self._seen[0] != asked_at):
                # an answer from before a line, or the first after one: the order begins anew
                self._seen = [self._allowed, name] if asked_at == self._allowed else []
                return
            if not self._seen:
                self._seen = [asked_at, name]
            elif self._seen[-1] != name:
                self._seen.append(name)
                if len(self._seen) > 3:
                    self.violations.append(" then ".join(self._seen[1:]))


class Watch(threading.Thread):
    """Asks the databases at ADDRESSES (by name) until stop()."""

    STATEMENT = "SELECT @@GLOBAL.read_only"
    PATIENCE = 2  # seconds

    def __init__(self, options, addresses, roles):
        super().__init__(daemon=True)
        self._options, self._addresses, self.roles = options, addresses, roles
        self._ended = threading.Event()

    def ask(self, address):
        """The answer of the database there, as words; None if there is none in time."""
        command = ["mariadb", f"--defaults-extra-file={self._options}", "--connect-timeout=1", "--batch",
                   "--skip-column-names", "-h", address, "-e", self.STATEMENT]
        try:
            answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.PATIENCE, check=False, text=True)
        except subprocess.TimeoutExpired:
            return None
        return answer.stdout.split() if answer.returncode == 0 else None

    def look(self, name, address):
        asked_at = self.roles.allowed()
        if self.ask(address) == ["0"]:
            self.roles.saw(name, asked_at)

    def run(self):
        while not self._ended.is_set():
            for name, address in self._addresses.items():
                self.roles.probes += 1
                self.look(name, address)

    def stop(self):
        self._ended.set()
        self.join()


def main():
    options, *addresses = sys.argv[1:]
    roles = Roles()
    watch = Watch(options, {address: address for address in addresses}, roles)
    watch.start()
    for _ in sys.stdin:
        roles.allow_change()
    watch.stop()
    print(f"{roles.probes} questions, {roles.hits} times writable, {len(roles.violations)} times two")
    for violation in roles.violations:
        print(violation)
    return 1 if roles.violations or not roles.hits else 0


if __name__ == "__main__":
    sys.exit(main())
