"""A plot (SVG) of what was measured, on a logarithmic scale: each line in units of its bound, or of its limit."""

import math
import statistics
import textwrap
from html import escape

from results import is_met, spread
from table import compared, goals, number

WIDTH, LABEL, VALUE = 1070, 430, 180  # of all, of what stands at the left, and at the right
LINE, GAP, TOP = 16, 8, 64  # of a line of text, between rows, of the head
CHARACTERS = 62  # of a label's line
LEAST, MOST = 0.01, 1000
FONT = "font-family='DejaVu Sans, Verdana, Helvetica, Arial, sans-serif' font-size='12'"
COLOURS = {True: "#1a7f37", False: "#c62828", None: "#555555"}
SIDE = "#8a6d00"


def x(value):
    """Where a ratio is; what is beyond the scale is at its end."""
    share = (math.log10(min(max(value, LEAST), MOST)) - math.log10(LEAST)) / (math.log10(MOST) - math.log10(LEAST))
    return LABEL + share * (WIDTH - LABEL - VALUE)


def text(at, y, words, anchor="start", more=""):
    return f"<text x='{at:.1f}' y='{y:.1f}' text-anchor='{anchor}'{more}>{escape(words)}</text>"


def stroke(x1, y1, x2, y2, colour, width=1.0, more=""):
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='{width:g}'{more}/>"


def scale(line):
    """The ratios of a line's runs, its goal in the same unit, and the medians of the others; None: it has nothing to be compared with."""
    if line.get("failed") or not (line["limit"] is not None or line["bound"] or line["beside"]):
        return None
    bound, others = line["bound"], line["beside"]
    if line["limit"] is not None:
        unit, goal, others = [line["limit"]] * len(line["ours"]), 1, [bound] * bool(bound) + others
    elif bound:
        unit, goal = bound["times"], bound["goal"]
    else:
        first, *others = others
        unit, goal = first["times"], None if first["faster"] else first["goal"]
    return ([ours / one for ours, one in zip(line["ours"], unit)], goal,
            [statistics.median(theirs / one for theirs, one in zip(other["times"], unit)) for other in others])


def mark(line, y):
    """The dot of a line with its spread, its goal, and who is beside it."""
    runs, goal, others = scale(line)
    middle, least, most = spread(runs)
    colour = COLOURS[is_met(line)]
    if goal is not None:
        yield stroke(x(goal), y - 7, x(goal), y + 7, "#222222", 2)
    for other in others:
        yield f"<path d='M {x(other):.1f} {y - 5:.1f} l 5 5 l -5 5 l -5 -5 z' fill='none' stroke='{SIDE}' stroke-width='1.5'/>"
    yield stroke(x(least), y, x(most), y, colour, 3)
    yield f"<circle cx='{x(middle):.1f}' cy='{y:.1f}' r='4.5' fill='{colour}'/>"
    yield text(WIDTH - VALUE + 12, y + 4, number(middle) + (f" ({number(least)}–{number(most)})" if len(runs) > 1 else ""))


def row(line, y):
    """A line's label and mark below Y, and where the next one begins."""
    words = textwrap.wrap(line["what"].replace("`", ""), CHARACTERS)
    parts = [text(LABEL - 14, y + LINE * (i + 1) - 4, each, "end") for i, each in enumerate(words)]
    middle = y + LINE * len(words) / 2
    parts += ["<g>", f"<title>{escape(tip(line))}</title>", *mark(line, middle), "</g>"]
    return parts, y + LINE * len(words) + GAP


def tip(line):
    """What a browser shows of it under the pointer."""
    others = [f"{compared(line, other)} {other['name']}" for other in [line["bound"]] * bool(line["bound"]) + line["beside"]]
    return "; ".join([line["what"], *others, "goal: " + (", ".join(goals(line)) or "none")]).replace("`", "")


def axis(top, bottom):
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        at = x(10**power)
        yield stroke(at, top, at, bottom, "#222222" if power == 0 else "#dddddd")
        yield text(at, top - 6, f"{10**power:g}×", "middle", " fill='#444444'")


def legend(y):
    at = LABEL
    yield f"<circle cx='{at:.1f}' cy='{y - 4}' r='4.5' fill='{COLOURS[True]}'/>" + text(at + 10, y, "mcloudfs, median and spread")
    yield f"<circle cx='{at + 205:.1f}' cy='{y - 4}' r='4.5' fill='{COLOURS[False]}'/>" + text(at + 215, y, "beyond its goal")
    yield stroke(at + 330, y - 11, at + 330, y + 3, "#222222", 2) + text(at + 338, y, "goal")
    yield f"<path d='M {at + 390:.1f} {y - 9} l 5 5 l -5 5 l -5 -5 z' fill='none' stroke='{SIDE}' stroke-width='1.5'/>" + text(at + 400, y, "who else was measured")


GROUPS = (("times the bound", lambda line: line["limit"] is None and line["bound"]), ("times what is beside", lambda line: line["limit"] is None and not line["bound"]),
          ("of the limit", lambda line: line["limit"] is not None))


def svg(results):
    """The same text for the same results, always."""
    shown = [line for line in results["lines"] if scale(line)]
    parts, y = [], TOP
    for title, belongs in GROUPS:
        lines = [line for line in shown if belongs(line)]
        if not lines:
            continue
        head = y + 2 * LINE
        parts.append(text(LABEL - 34, head - 6, title, "end", " font-weight='bold'"))
        y, rows = head + GAP, []
        for line in lines:
            more, y = row(line, y)
            rows += more
        parts += [*axis(head, y), *rows]
    runs = "one run" if results["runs"] == 1 else f"{results['runs']} runs"
    head = [text(14, 24, f"mcloudfs beside its bounds, {results['date']}", more=" font-weight='bold' font-size='15'"),
            text(14, 44, f"{results['machine']}; {runs}", more=" fill='#444444'"), *legend(TOP + 4)]
    frame = f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{y + GAP}' viewBox='0 0 {WIDTH} {y + GAP}' {FONT}>"
    return "\n".join([frame, "<rect width='100%' height='100%' fill='#ffffff'/>", *head, *parts, "</svg>"]) + "\n"
