#!/usr/bin/python3
"""The bench's arithmetic, its table and its plot, of the data in example.json."""

import json
import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import plot  # noqa: E402
import table  # noqa: E402
from results import Against, Line, interleaved, is_met, load, measured, ratios, save, sometimes, spread  # noqa: E402

EXAMPLE = load(HERE / "example.json")


def example(what):
    return next(line for line in EXAMPLE["lines"] if what in line["what"])


class Arithmetic(unittest.TestCase):
    def test_contestants_take_turns(self):
        turns = []

        def contestant(name, value):
            return lambda number: turns.append(f"{name}{number}") or value

        samples = interleaved(3, {"a": contestant("a", 1), "b": sometimes(contestant("b", 2), 2), "c": contestant("c", [3, 4])})
        self.assertEqual(turns, ["a0", "b0", "c0", "a1", "c1", "a2", "b2", "c2"])
        self.assertEqual(samples, {"a": [1, 1, 1], "b": [2, 2], "c": [3, 4] * 3})

    def test_a_ratio_is_of_each_run(self):
        line = Line("step", "what", "a", bound=Against("b", "B", 1.5), beside=(Against("c", "C", 3, faster=True),))
        told = measured("part", line, [{"a": [1, 2, 90], "b": [1], "c": [8]}, {"a": [4], "b": [2, 4], "c": [8]}, {"a": [3], "b": [1], "c": [12]}])
        self.assertEqual(told["ours"], [2, 4, 3])
        self.assertEqual(told["bound"]["times"], [1, 3, 1])
        # the ratio of the medians would be 3
        self.assertEqual(spread(ratios(told, told["bound"])), (2, 4 / 3, 3))
        self.assertEqual(spread(ratios(told, told["beside"][0])), (4, 2, 4))

    def test_goals_are_met_or_not(self):
        def met(ours, limit=None, bound=None, faster=None):
            line = Line("step", "what", "a", limit=limit, bound=Against("b", "B", bound), beside=(Against("c", "C", faster, faster=True),))
            return is_met(measured("part", line, [{"a": [ours], "b": [1], "c": [10]}]))

        self.assertIsNone(met(1))
        self.assertEqual([met(1.1, bound=1.1), met(1.2, bound=1.1)], [True, False])
        self.assertEqual([met(0.9, limit=1), met(1, limit=1)], [True, False])
        self.assertEqual([met(2, faster=5), met(2.1, faster=5)], [True, False])
        # one that is missed is enough
        self.assertEqual([met(1, bound=1, faster=11), met(1, bound=1, faster=10)], [False, True])

    def test_a_key_that_nobody_measured_is_an_error(self):
        with self.assertRaises(KeyError):
            measured("part", Line("step", "what", "a", bound=Against("b", "B")), [{"a": [1]}])

    def test_a_file_comes_back_as_it_was(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "new" / "results.json"
            save(path, {key: value for key, value in EXAMPLE.items() if key != "version"})
            self.assertEqual(load(path), EXAMPLE)
            path.write_text(json.dumps({**EXAMPLE, "version": 0}))
            with self.assertRaisesRegex(ValueError, "measure again"):
                load(path)


class Shown(unittest.TestCase):
    def test_numbers_have_three_digits_that_count(self):
        self.assertEqual([table.number(value) for value in (0, 0.00004, 0.0123, 1, 9.999, 12.34, 999.6, 5352)],
                         ["0", "0.0000", "0.0123", "1.00", "10.00", "12.3", "1000", "5352"])
        self.assertEqual([table.amount([value], "s") for value in (36.62, 1.5, 0.0105, 0.00011, 2e-7)], ["36.6 s", "1.50 s", "10.5 ms", "110 µs", "0.200 µs"])
        self.assertEqual([table.amount([14.9], "MB"), table.amount([19], "")], ["14.9 MB", "19.0"])

    def test_rows(self):
        self.assertEqual(table.row(example("`cat catalog`")), (
            "`cat catalog`, login kept", "10.0 ms", "`curl` of the same URL with a token: 15.0 ms", "0.700 (0.667–0.700)", "≤ 1.1, ≥ 50× faster", "yes",
            "`openstack catalog list`: 600 ms", "60.0× (60.0–60.0) faster"))
        self.assertEqual(table.row(example("first read"))[3:6], ("1.20 (1.20–1.50)", "≤ 1.1", "**no**"))
        self.assertEqual(table.row(example("death"))[1:6], (
            "52.5 ms (50.0 ms – 60.0 ms)", "the engine's own event of it: 2.10 ms", "25.0 (20.0–25.0)", "< 100 ms", "yes"))
        self.assertEqual(table.row(example("threads"))[1:6], ("64.0 (64.0 – 64.0)", "", "", "< 64", "**no**"))
        self.assertEqual(table.row(example("99th"))[2:], ("", "", "≤ 2 of beside", "yes", "idle: 300 µs", "1.00 (0.542–3.00)"))
        self.assertEqual(table.row(example("another mount"))[4:6], ("", ""))

    def test_one_run_has_no_spread(self):
        line = measured("part", Line("step", "what", "a", bound=Against("b", "B")), [{"a": [2], "b": [1]}])
        self.assertEqual(table.row(line)[3], "2.00")
        line = measured("part", Line("step", "what", "a", limit=3), [{"a": [2]}])
        self.assertEqual(table.row(line)[1], "2.00 s")

    def test_each_row_of_the_table_has_all_columns(self):
        rows = [line for line in table.markdown(EXAMPLE).splitlines() if line.startswith("|")]
        self.assertEqual(len(rows), len(EXAMPLE["lines"]) + 2)
        self.assertEqual({len(re.split(r"(?<!\\)\|", row)) for row in rows}, {len(table.COLUMNS) + 2})

    def test_what_failed_is_told(self):
        text = table.markdown(EXAMPLE)
        self.assertIn("| attached: `ls` of 100 images | **failed** |", text)
        self.assertIn("- attach, lists: `RuntimeError: the region is gone`", text)
        self.assertNotIn("What failed", table.markdown({**EXAMPLE, "failures": []}))


class Plotted(unittest.TestCase):
    def setUp(self):
        self.text = plot.svg(EXAMPLE)
        self.root = xml.fromstring(self.text)

    def every(self, name):
        return list(self.root.iter("{http://www.w3.org/2000/svg}" + name))

    def test_it_is_the_same_for_the_same_results(self):
        turned = json.loads(json.dumps({key: EXAMPLE[key] for key in reversed(EXAMPLE)}))
        self.assertEqual(plot.svg(turned), self.text)

    def test_it_has_each_line_that_was_measured(self):
        said = " ".join(each.text for each in self.every("text"))
        for line in EXAMPLE["lines"]:
            label = line["what"].replace("`", "")
            self.assertEqual(label in said, not line.get("failed"), label)
        self.assertIn("Some CPU & more", said)

    def test_words_stand_in_the_frame_and_not_on_each_other(self):
        width, height = (float(self.root.get(key)) for key in ("width", "height"))
        ends = {}
        for each in self.every("text"):
            at, y, long = float(each.get("x")), float(each.get("y")), 6.9 * len(each.text)
            begin = {"start": at, "end": at - long, "middle": at - long / 2}[each.get("text-anchor")]
            self.assertTrue(0 <= begin and begin + long <= width and 0 < y <= height, each.text)
            for other, other_y, other_end in ends.get("all", []):
                self.assertFalse(abs(other_y - y) < 12 and begin < other_end and other < begin + long, each.text)
            ends.setdefault("all", []).append((begin, y, begin + long))

    def test_marks_are_where_the_ratios_are(self):
        self.assertLess(plot.x(0.5), plot.x(1))
        self.assertAlmostEqual(plot.x(10) - plot.x(1), plot.x(1) - plot.x(0.1))
        self.assertEqual([plot.x(1e-9), plot.x(1e9)], [plot.LABEL, plot.WIDTH - plot.VALUE])
        dots = [(f"{float(each.get('cx')):.1f}", each.get("fill")) for each in self.every("circle")]
        self.assertIn((f"{plot.x(1.2):.1f}", plot.COLOURS[False]), dots)
        self.assertIn((f"{plot.x(0.7):.1f}", plot.COLOURS[True]), dots)
        self.assertIn((f"{plot.x(1.86 / 1.64):.1f}", plot.COLOURS[None]), dots)
        self.assertIn((f"{plot.x(0.525):.1f}", plot.COLOURS[True]), dots)  # of its limit, not of its bound
        diamonds = {each.get("d").split()[1] for each in self.every("path")}
        # the client, and, of a line with a limit, its bound
        self.assertLessEqual({f"{plot.x(42):.1f}", f"{plot.x(0.021):.1f}"}, diamonds)


if __name__ == "__main__":
    unittest.main()
