"""What was measured, as numbers: lines of runs, their ratios and spreads, whether goals are met, and the file (JSON) that holds them.

A line is a dictionary, as in the file:
    part, what        strings
    unit              of its values; "s" is seconds
    ours              the median of each run
    limit             what its value has to be below, or null
    bound             what nobody can be faster than, or null: name, times (a median of each run), goal (how many times as long is allowed, or null)
    beside            a list of others: name, times, goal, and faster, which turns ratio and goal round: how many times as fast
    failed            true, instead of the numbers, where a run of it ended with an exception
"""

import json
import os
import statistics
from dataclasses import dataclass

VERSION = 1


@dataclass(frozen=True)
class Against:
    """Whose samples a line's are compared with."""

    key: str
    name: str
    goal: float | None = None
    faster: bool = False


@dataclass(frozen=True)
class Line:
    """Which samples of a step are told as what."""

    step: str
    what: str
    ours: str
    unit: str = "s"
    limit: float | None = None
    bound: Against | None = None
    beside: tuple[Against, ...] = ()


def medians(runs, key):
    """The median of each run; nine digits, below which there is nothing but noise."""
    return [round(statistics.median(run[key]), 9) for run in runs]


def measured(part, line, runs):
    """RUNS: of each run the samples, by their keys."""
    def against(other):
        return {"name": other.name, "times": medians(runs, other.key), "goal": other.goal, "faster": other.faster}

    return {"part": part, "what": line.what, "unit": line.unit, "ours": medians(runs, line.ours), "limit": line.limit,
            "bound": against(line.bound) if line.bound else None, "beside": [against(other) for other in line.beside]}


def failed(part, line):
    return {"part": part, "what": line.what, "failed": True}


def ratios(line, other):
    """Of each run: as its contestants took turns, what disturbed one has disturbed the other."""
    return [theirs / ours if other["faster"] else ours / theirs for ours, theirs in zip(line["ours"], other["times"], strict=True)]


def spread(values):
    """Median, least, most."""
    return statistics.median(values), min(values), max(values)


def verdicts(line):
    """Of each goal of the line whether it is met."""
    if line["limit"] is not None:
        yield statistics.median(line["ours"]) < line["limit"]
    for other in [line["bound"]] * bool(line["bound"]) + line["beside"]:
        if other["goal"] is not None:
            ratio = statistics.median(ratios(line, other))
            yield ratio >= other["goal"] if other["faster"] else ratio <= other["goal"]


def is_met(line):
    """None: it has no goal."""
    every = list(verdicts(line))
    return all(every) if every else None


def interleaved(rounds, contestants):
    """The samples of each of CONTESTANTS, by their keys: A B C A B C …, so that all have the same noise. Each is a function of the round's
    number that gives a value, or several in a list, or None when it sits out."""
    samples = {key: [] for key in contestants}
    for number in range(rounds):
        for key, contestant in contestants.items():
            values = contestant(number)
            if values is not None:
                samples[key] += values if isinstance(values, list) else [values]
    return samples


def sometimes(function, every=5):
    """A contestant that takes long, in each EVERYth round."""
    return lambda number: function(number) if number % every == 0 else None


def save(path, results):
    """Whole or not at all: a reader never sees a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps({"version": VERSION, **results}, indent=1, ensure_ascii=False) + "\n")
    os.replace(beside, path)


def load(path):
    results = json.loads(path.read_text())
    if results.get("version") != VERSION:
        raise ValueError(f"{path} is of version {results.get('version')}, not {VERSION}; measure again")
    return results
