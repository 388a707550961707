"""How much work a table of a given size is worth: what ``new`` writes into a competition's entry in params.yaml.

The defaults of params.yaml suit Titanic's 891 rows. More rows make a network dearer and surer at once, so larger tables
get fewer repeats, trials and epochs and larger batches; a person may change any of it in the entry.
"""

from __future__ import annotations

from typing import Any

FOLDS = 5
# Rows up to which a table is small: folds are drawn twice, and the search is that of the defaults.
SMALL = 5_000
# Beyond that, rows up to which a tier holds: trials; epochs and patience in the search, in the final training; the
# ensemble's trials a fold; batch sizes.
TIERS: tuple[tuple[int, int, tuple[int, int], tuple[int, int], int, tuple[int, ...]], ...] = (
    (20_000, 20, (40, 6), (60, 8), 4, (128, 256)),
    (100_000, 12, (20, 4), (30, 5), 3, (256, 512)),
    (1 << 62, 8, (12, 3), (20, 4), 2, (1024, 2048)),
)
# What a search for values has in place of the defaults: activations without corners, steps that may be larger and
# weights averaged over the last epochs, less that holds back, and a scale of its own that is learned for each input.
SMOOTH: dict[str, Any] = {
    "dropout": {"low": 0.0, "high": 0.3},
    "l2": {"low": 1.0e-5, "high": 3.0e-2, "log": True},
    "activation": ["selu", "mish"],
    "batch_size": [32, 64],
    "learning_rate": {"low": 2.0e-3, "high": 2.0e-2, "log": True},
    "huber": [0.0, 0.3],
    "snapshots": 5,
    "feature_scale": "learned",
}
# Networks put numbers into bins, so that they learn the steps that a plain network smooths over, where no more than so
# many columns are numbers: bins take time by the column, and House Prices' 36 gained nothing from twice the time.
# Beyond the first tier nobody has looked whether they pay.
BINNED, MOST_BINNED = "bins", 30
# In small tables every third trial is a network of sines instead, whose errors are others; then more trials are worth
# their vote, those with which the mean is best.
SINES = "waves"
TOP_K = {"classes": 8, "values": 12}
# The part of SMOOTH that larger tables have too.
SMOOTH_OF_LARGER = ("activation", "snapshots", "feature_scale")
# A level needs so many rows, whatever the table's size, and no more than this are ever asked for.
MIN_COUNT = (4, 20)


def budget(
    rows: int, numbers: int, rarest: int, regression: bool, max_trials: int | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Overrides a block of params.yaml for ``rows`` training rows with so many columns of ``numbers``, ``rarest`` of
    them of the rarest class (regression: all), and the sentence that explains each block's. ``max_trials``: of the
    file's own search, if it is known."""
    # A class has a row in every fold and one more; a fold scores two rows or more.
    folds = max(min(FOLDS, rarest - 1, rows // 2), 2)
    few = "each scores two rows or more" if regression else f"the rarest class has {rarest} rows"
    low, high = MIN_COUNT
    count = min(max(low, rows // 300), high)
    blocks: dict[str, dict[str, Any]] = {
        "encode": {"min_count": count, "folds": folds, "repeats": 2 if rows <= SMALL else 1},
        "normalize": {"method": "robust"},
    }
    why = {
        "encode": f"For {rows} training rows: a level has its own column from {count} rows on"
        + ("" if folds == FOLDS else f"; {folds} folds, since {few}")
        + ("" if rows <= SMALL else "; with so many, one draw of the folds tells enough")
        + ".",
        "normalize": "Medians and quartiles with a smooth clip: nobody has looked for outliers in this table yet.",
    }
    larger = "weaker penalties, larger steps, " if rows <= SMALL else ""
    values = f"Values rather than classes: smooth activations, {larger}averaged weights, learned scales of the inputs."
    bins = 0 < numbers <= MOST_BINNED
    if rows <= SMALL:
        own, told = _of_small(bins, regression, values, max_trials)
    else:
        own, told = _of_larger(rows, bins, regression, values, folds)
    return blocks | own, why | told


def _of_small(
    bins: bool, regression: bool, values: str, max_trials: int | None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What small tables have besides: two families of networks. ``bins``: whether numbers are put into bins;
    ``values``: what is said of a regression."""
    most = BINNED if bins else "plain"
    top_k = TOP_K["values" if regression else "classes"]
    blocks: dict[str, dict[str, Any]] = {
        "tune": {"family": [most, most, SINES], **({"space": dict(SMOOTH)} if regression else {})},
        "train": {"top_k": min(top_k, max_trials or top_k), "together": True},
    }
    families = "Every third trial is a network of sines, which errs elsewhere"
    families += "; the others put numbers into bins." if bins else "."
    why = {
        "tune": f"{families} {values}" if regression else families,
        "train": "Two families: the trials whose mean is best, and more of them.",
    }
    return blocks, why


def _of_larger(
    rows: int, bins: bool, regression: bool, values: str, folds: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What larger tables have besides: fewer and shorter trials. ``folds``: of the whole table; the others as of
    ``_of_small``."""
    _, trials, search, final, top_k, batches = next(tier for tier in TIERS if rows <= tier[0])
    medium = rows <= TIERS[0][0]
    bins = bins and medium
    # Of more rows a score scatters little. What then keeps the estimate from the score of the test table is that a
    # network inside an outer fold has fewer rows to learn from, of each level above all.
    scored = 3 if rows <= TIERS[1][0] else 2
    groups = 6 if medium else 0
    blocks: dict[str, dict[str, Any]] = {
        "tune": {
            **({"family": BINNED} if bins else {}),
            "max_trials": trials,
            "generation": min(trials, 10),
            "epochs": search[0],
            "patience": search[1],
            # More rows need less holding back: weaker penalties, wider networks.
            "space": {
                "width": [64, 128],
                "dropout": {"low": 0.0, "high": 0.4},
                "l2": {"low": 1.0e-6, "high": 1.0e-2, "log": True},
                "batch_size": list(batches),
                **({name: SMOOTH[name] for name in SMOOTH_OF_LARGER} if regression else {}),
            },
        },
        "train": {"top_k": top_k, "epochs": final[0], "patience": final[1]},
        "honest": {**({"outer": 5} if medium else {"outer": 20, "scored": scored}), "search": 2, "members": folds},
        "columns": {"groups": groups, "pairs": min(groups, 2)},
    }
    shorter = f"Fewer and shorter trials than the defaults, since {rows} rows make each dearer and surer."
    shorter += " Networks put numbers into bins." if bins else ""
    few = (
        f", and {scored} outer folds of 20 of a score: inside each, networks learn from nearly as many rows as "
        "those that answer the test table"
    )
    why = {
        "tune": f"{shorter} {values}" if regression else shorter,
        "columns": (
            f"Networks are trained anew without {'the most important groups only' if groups else 'no group'}, since "
            f"{rows} rows make each dear; every group is permuted."
        ),
        "honest": f"With so many rows two inner folds tell enough of a trial{'' if medium else few}.",
        "train": "An epoch holds many steps here, so fewer epochs do.",
    }
    return blocks, why
