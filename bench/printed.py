"""What `python -m bench` prints: tables in Markdown, as docs/measurements.md has them, else all that was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.accuracy import ranked
from features.tasks import ALL_METRICS, called
from pipeline.pages.markdown import table

# What the columns of a comparison are called.
MODELS = {
    "ours": "here",
    "plain": "plain alone",
    "realmlp": "RealMLP-TD",
    "realmlp_folds": "in folds",
    "tabm": "TabM-D",
    "gradient_boosting": "HistGradientBoosting",
    "random_forest": "random forest",
    "linear": "logistic / ridge",
    "mlp": "MLP",
}
MEAN_RANK, AGAINST, SECONDS = "mean rank", "here against it", "seconds"
# Decimals of losses by their least one: below 1, below 10, above.
DECIMALS = ((1.0, 4), (10.0, 3), (float("inf"), 1))


def printed(name: str, result: Mapping[str, Any]) -> str:
    """The measurement ``name``, as it is printed."""
    tables = {"chain": chain, "accuracy": comparison, "unseen": comparison, "coverage": coverage, "families": families}
    shown = tables.get(name)
    return shown(result) if shown else json.dumps({name: result}, indent=2)


def chain(report: Mapping[str, Any]) -> str:
    """Scores over the seeds, and what a run takes."""
    rows = [
        (name.replace("_", " "), f"{one['mean']:.4f}" + (f" ± {one['sd']:.4f}" if one["sd"] is not None else ""))
        for name, one in report["quality"].items()
    ]
    cold = report["cold_seconds"]
    rows += [
        ("seconds from nothing", f"{min(cold):.0f} to {max(cold):.0f}"),
        ("seconds with nothing changed", f"{report['no_op_seconds']:.1f}"),
        ("peak memory", f"{report['peak_memory_mb']} MB"),
        ("two runs have equal bytes", "yes" if report["two_cold_runs_equal_bytes"] else "no"),
    ]
    return table(("", "mean ± standard deviation over seeds"), rows)


def comparison(report: Mapping[str, Any]) -> str:
    """Losses by table and model, the least of those that have a rank in bold, and what they come to."""
    measured = next(iter(report["loss"].values()))
    models = [name for name in MODELS if name in measured]
    rows = [(name, *(found.get(model, "") for model in models)) for name, found in cells(report)]
    for place, losses in enumerate(report["loss"].values()):
        best = models.index(min(filter(ranked, losses), key=losses.__getitem__)) + 1
        rows[place] = (*rows[place][:best], f"**{rows[place][best]}**", *rows[place][best + 1 :])
    return table(("", *(MODELS[name] for name in models)), rows)


def cells(report: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """The rows of a comparison by their names: those of tables and then those over all; what each says of each model,
    nothing where a model has no such figure."""
    found = []
    for name, losses in report["loss"].items():
        decimals = next(most for bound, most in DECIMALS if min(losses.values()) < bound)
        found.append((name, {model: f"{loss:.{decimals}f}" for model, loss in losses.items()}))
    relative = report.get("relative_difference", {})
    found.append((MEAN_RANK, {model: f"{rank:.2f}" for model, rank in report["mean_rank"].items()}))
    found.append((AGAINST, {model: _percent(one) for model, one in relative.items()}))
    seconds: dict[str, list[float]] = {}
    for one in report["seconds"].values():
        for model, value in one.items():
            if value is not None:
                seconds.setdefault(model, []).append(value)
    found.append((SECONDS, {model: _range(values) for model, values in seconds.items()}))
    return found


def coverage(report: Mapping[str, Any]) -> str:
    """Of each part: the shares of splits whose test score lay in the interval, by table and measure."""
    parts = []
    for part in ("ridge", "stages"):
        covered = {name: one["covered"] for name, one in report[part]["tables"].items()}
        measures = [name for name in ALL_METRICS if any(name in one for one in covered.values())]
        rows = [(name, *(share_covered(one, measure) for measure in measures)) for name, one in covered.items()]
        parts.append(table((part, *map(called, measures)), rows))
    return "\n\n".join(parts)


def share_covered(covered: Mapping[str, Any], measure: str) -> str:
    """One cell of it, nothing where a table has no such measure."""
    return str(covered[measure]["share"]) if measure in covered else ""


def families(report: Mapping[str, Any]) -> str:
    """What each change of a network gives by table, and the time of a member and epoch against the plain one's."""
    tables = report["tables"]
    rows = []
    for place, one in enumerate(next(iter(tables.values()))):
        changes = [change(found[place]) for found in tables.values()]
        rows.append((one["network"], *changes, relative_time(tables["titanic"], place) if "titanic" in tables else ""))
    return table(("", *tables, "time"), rows)


def change(found: Mapping[str, Any]) -> str:
    """One cell of it: the loss of the plain network, of others how far they are from that, nothing where the change
    says nothing of values, and so changes nothing."""
    if found["network"] == "plain":
        return f"{found['loss']:.4f}"
    return f"{found['to_plain']:+.4f} ± {found['to_plain_se']:.4f}" if found["to_plain_se"] else ""


def relative_time(networks: Sequence[Mapping[str, Any]], place: int) -> str:
    """Of the network at a ``place``, where the first, the plain one, is 1."""
    return f"{networks[place]['ms_per_member_epoch'] / networks[0]['ms_per_member_epoch']:.1f}"


def _percent(difference: Mapping[str, float | None]) -> str:
    mean, error = difference["mean"], difference["se"]
    assert mean is not None
    return f"{100 * mean:.1f}" + (f" ± {100 * error:.1f} %" if error is not None else " %")


def _range(values: list[float]) -> str:
    """From the least to the largest, or the one that both are."""
    ends = dict.fromkeys(f"{value:.0f}" for value in (min(values), max(values)))
    return " to ".join(ends)
