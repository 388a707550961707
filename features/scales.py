"""Words that stand for the steps of a scale, so that ``new`` can propose the order of a category."""

from __future__ import annotations

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
ABSENT = ("na", "n/a", "none", "no", "nothing", "absent")
# Steps that must be there: the rank of two says no more than a column of 0 and 1 does.
FEWEST = 3


def order_of(levels: Iterable[str]) -> tuple[str, ...] | None:
    """``levels`` from low to high where a scale has all of them, each at a step of its own, else None. One word for
    what is absent may stand besides, below the others."""
    named = {level: level.strip().lower() for level in levels}
    for scale in SCALES:
        place = {word: step for step, words in enumerate(scale) for word in words}
        place |= {word: -1 for word in ABSENT if word not in place}
        steps = {level: place[word] for level, word in named.items() if word in place}
        several = len(set(steps.values()) - {-1}) >= FEWEST
        if several and len(set(steps.values())) == len(steps) == len(named):
            return tuple(sorted(steps, key=lambda level: steps[level]))
    return None
