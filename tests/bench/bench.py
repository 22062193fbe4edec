"""Runs groups of steps, and collects what they measure and what fails."""

import contextlib
import datetime
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import table
from lines import LINES
from results import Line, failed, measured, save


@dataclass(frozen=True)
class Group:
    """Steps that need the same preparation. PREPARED is a context manager of the cloud, and gives the place of the steps; each step is a
    function of that place and of the run's number, which gives its samples by their keys."""

    name: str
    prepared: Callable
    steps: Mapping[str, Callable]
    lines: tuple[Line, ...] | None = None  # None: those of that name in LINES

    def what(self):
        return LINES[self.name] if self.lines is None else self.lines


@contextlib.contextmanager
def as_it_is(cloud):
    """Nothing to be prepared."""
    yield cloud


class Bench:
    def __init__(self, runs, path=None, machine=""):
        self.runs, self.path = runs, path
        self.results = {"date": str(datetime.date.today()), "machine": machine, "runs": runs, "lines": [], "failures": []}

    @contextlib.contextmanager
    def collecting(self, part, step, lines=()):
        """What fails in it is told, and kept from nobody's way but its own."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            sentence = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            self.results["failures"].append({"part": part, "step": step, "lines": [line.what for line in lines], "error": sentence})
            print(f"FAIL  {part}, {step}: {sentence}", *(f"      {line.what}" for line in lines), sep="\n", file=sys.stderr, flush=True)

    def measure(self, group, cloud):
        """All runs of a group, its steps in turn. A step that failed is not tried again: nobody knows what it has left."""
        runs = {step: [] for step in group.steps}
        with self.collecting(group.name, "preparation and cleaning"), group.prepared(cloud) as place:
            for number in range(self.runs):
                for step in [step for step, done in runs.items() if len(done) == number]:
                    print(f"      {group.name}, {step}: run {number + 1} of {self.runs}", file=sys.stderr, flush=True)
                    with self.collecting(group.name, step, self.of_step(group, step)):
                        runs[step].append(group.steps[step](place, number))
        for step, done in runs.items():
            self.conclude(group, step, done)

    @staticmethod
    def of_step(group, step):
        return [line for line in group.what() if line.step == step]

    def conclude(self, group, step, done):
        """The lines of a step, of which all runs are DONE, or it has failed."""
        for line in self.of_step(group, step):
            told = failed(group.name, line)
            if len(done) == self.runs:
                with self.collecting(group.name, step, [line]):
                    told = measured(group.name, line, done)
                    table.row(told)
            self.results["lines"].append(told)
            print(" | ".join(table.row(told)), flush=True)
        self.keep()

    def keep(self):
        if self.path:
            save(self.path, self.results)

    def status(self):
        """What it all ends with; a bench that measured nothing has failed."""
        for line in table.failures(self.results):
            print(line.replace("- ", "FAIL  ", 1), file=sys.stderr)
        return 1 if self.results["failures"] or not self.results["lines"] else 0
