"""The table of what was measured, in Markdown."""

import math

from results import is_met, ratios, spread

COLUMNS = ("what", "mcloudfs", "bound", "times the bound", "goal", "met", "beside", "compared with that")
SCALES = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))


def number(value):
    """Three digits that count."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(digits, 0), 4)}f}"


def scaled(value, unit, shown):
    """VALUE in a unit in which it can be read."""
    if unit != "s":
        return f"{shown(value)} {unit}".strip()
    factor, name = next((scale for scale in SCALES if value >= scale[0]), SCALES[-1])
    return f"{shown(value / factor)} {name}"


def amount(values, unit):
    return scaled(spread(values)[0], unit, number)


def ours(line):
    """With the spread, where it is in no ratio."""
    shown, (_, least, most) = amount(line["ours"], line["unit"]), spread(line["ours"])
    if line["limit"] is None or len(line["ours"]) == 1:
        return shown
    return f"{shown} ({scaled(least, line['unit'], number)} – {scaled(most, line['unit'], number)})"


def compared(line, other):
    """The ratio, and its spread when there is one."""
    middle, least, most = (number(value) for value in spread(ratios(line, other)))
    return middle + "×" * other["faster"] + (f" ({least}–{most})" if len(line["ours"]) > 1 else "") + " faster" * other["faster"]


def goals(line):
    if line["limit"] is not None:
        yield "< " + scaled(line["limit"], line["unit"], lambda value: f"{value:g}")
    if line["bound"] and line["bound"]["goal"] is not None:
        yield f"≤ {line['bound']['goal']:g}"
    for other in line["beside"]:
        if other["goal"] is not None:
            yield f"≥ {other['goal']:g}× faster" if other["faster"] else f"≤ {other['goal']:g} of beside"


def named(line, other):
    return f"{other['name']}: {amount(other['times'], line['unit'])}"


def row(line):
    """The cells of a line."""
    if line.get("failed"):
        return line["what"], "**failed**", "", "", "", "**no**", "", ""
    bound, beside = line["bound"], line["beside"]
    return (line["what"], ours(line), named(line, bound) if bound else "", compared(line, bound) if bound else "",
            ", ".join(goals(line)), {True: "yes", False: "**no**", None: ""}[is_met(line)],
            "; ".join(named(line, other) for other in beside), "; ".join(compared(line, other) for other in beside))


def escaped(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def said(results):
    """Where, when, and how it was measured."""
    runs = results["runs"]
    times = "one run" if runs == 1 else f"{runs} runs, whose contestants took turns: a time is the median of the runs' medians, a ratio the median of the runs' ratios, with the least and the most of them"
    by = results.get("by", "tests/bench/run")
    return f"Made by `{by}` on {results['date']}: {results['machine']}. Each line is of {times}.\n"


def failures(results):
    return [f"- {failure['part']}, {failure['step']}: `{failure['error']}`" for failure in results["failures"]]


def markdown(results):
    lines = [said(results), escaped(COLUMNS), escaped(["---"] * len(COLUMNS))]
    lines += [escaped(row(line)) for line in results["lines"]]
    if results["failures"]:
        lines += ["", "What failed:", "", *failures(results)]
    return "\n".join(lines) + "\n"
