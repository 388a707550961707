"""Words that stand for the steps of a scale, so that ``new`` can propose the order of a category."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable

# From low to high; | parts the spellings of a step. The first words are those of questionnaires, sizes and ratings;
# "po" to "ex" and those from "no, mn" on are the data dictionary's of Ames' houses (De Cock, 2011), the last two
# diamonds'.
SCALES = tuple(
    [step.split("|") for step in scale.split(", ")]
    for scale in (
        "very poor, poor|po|bad, fair|fa, typical|ta|average|avg, good|gd, very good, excellent|ex",
        "terrible, bad|poor, ok|okay|neutral|average, good, great",
        "very low|lowest, low, medium|med|moderate|mid|middle|normal, high, very high|highest",
        "low, medium|moderate, high, critical",
        "none, mild|minor|slight, moderate|medium, severe|major",
        "xxs, xs, s, m, l, xl, xxl, xxxl",
        "tiny, small, medium, large|big, huge",
        "freezing, cold|cool, mild|medium, warm, hot",
        "beginner|novice, intermediate, advanced, expert",
        "primary, secondary, tertiary",
        "basic, standard, premium",
        "bronze, silver, gold, platinum, diamond",
        "third|3rd, second|2nd, first|1st",
        "never, rarely|seldom, sometimes|occasionally, often|frequently, always",
        "strongly disagree, disagree, neutral|undecided, agree, strongly agree",
        "very dissatisfied, dissatisfied, neutral, satisfied, very satisfied",
        "no|n, partial|p|maybe, yes|y",
        "no, mn, av, gd",
        "unf, lwq, rec, blq, alq, glq",
        "unf, rfn, fin",
        "sal, sev, maj2, maj1, mod, min2, min1, typ",
        "sev, mod, gtl",
        "ir3, ir2, ir1, reg",
        "fair, good, very good, premium, ideal",
        "i3, i2, i1, si3, si2, si1, vs2, vs1, vvs2, vvs1, if, fl",
    )
)
# What there is none of lies below every step.
ABSENT = ("na", "n/a", "none", "no", "nothing", "absent", "never")
# Steps that must be there: the rank of two says no more than a column of 0 and 1 does.
FEWEST = 3
# A number, or numbers from one to another: 18-24, $5,000 to $9,999, <1 year, 10+ years, 65 and over.
_UNIT = r"(?!(?:to|or|and)\b)([a-z]*)"
_SPAN = re.compile(
    rf"(<=?|≤|under|below|less than|fewer than|up to)? ?([0-9.]+) ?{_UNIT} ?(?:(?:-|to) ?([0-9.]+) ?{_UNIT})?"
    r" ?(\+|(?:or|and) (?:more|over|above|older|up))? ?((?:or|and) (?:less|fewer|below|under))? ?([a-z]*)"
)
_ABOVE = re.compile("(>=?|≥|over|above|more than|at least) ?(?=[0-9])")


def order_of(levels: Iterable[str]) -> tuple[str, ...] | None:
    """``levels`` from low to high where a scale has all of them, each at a step of its own, or where they are ranges of
    numbers, else None. One word for what is absent may stand besides, below the others."""
    levels = tuple(levels)
    named = {level: level.strip().lower() for level in levels}
    for scale in SCALES:
        place = {word: step for step, words in enumerate(scale) for word in words}
        place |= {word: -1 for word in ABSENT if word not in place}
        steps = {level: place[word] for level, word in named.items() if word in place}
        several = len(set(steps.values()) - {-1}) >= FEWEST
        if several and len(set(steps.values())) == len(steps) == len(named):
            return tuple(sorted(steps, key=lambda level: steps[level]))
    return _order_of_ranges(levels)


def _order_of_ranges(levels: Iterable[str]) -> tuple[str, ...] | None:
    """``levels`` by their numbers where they are ranges in one unit, of which none overlaps another, and numbers
    between them. Of words besides, one for what is absent comes first, and one other is left out."""
    spans = {level: _span(level) for level in levels}
    found = {level: span for level, span in spans.items() if span is not None}
    # Of 1+, 5+ and 10+ each ends where the next begins.
    open_ends = sorted(low for low, high, _ in found.values() if high == math.inf)
    for level, (low, high, unit) in found.items():
        found[level] = (
            low,
            min((one for one in open_ends if low < one), default=high) if high == math.inf else high,
            unit,
        )
    units = {span[2] for span in found.values()} - {""}
    ordered = sorted(found, key=lambda level: found[level][:2])
    apart = all(found[a][1] <= found[b][0] and found[a] != found[b] for a, b in itertools.pairwise(ordered))
    absent = [level for level in spans if level not in found and level.strip().lower() in ABSENT]
    ranges = any(low < high for low, high, _ in found.values())
    if not (ranges and apart and len(found) >= FEWEST and len(units) <= 1):
        return None
    if len(absent) > 1 or len(spans) - len(found) - len(absent) > 1:
        return None
    return (*absent, *ordered)


def _span(level: str) -> tuple[float, float, str] | None:
    """From which number to which, and the unit ("" without one, and without the s of several); None for other words."""
    text = re.sub(r"[$€£%,]", "", level.strip().lower().replace("–", "-"))
    if _ABOVE.match(text):
        text = _ABOVE.sub("", text, count=1) + "+"
    match = _SPAN.fullmatch(re.sub(r"\s+", " ", text).strip())
    if match is None:
        return None
    before, first, unit, last, second, above, after, behind = match.groups(default="")
    below = before or after
    try:
        low, high = float(first), float(last or first)
    except ValueError:
        return None
    units = {word.removesuffix("s") for word in (unit, second, behind)} - {""}
    if len(units) > 1 or (last and (below or above or low >= high)) or (below and above):
        return None
    return (-math.inf if below else low), (math.inf if above else high), "".join(units)
