"""What is printed is what was measured, as people read it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from bench.__main__ import main
from bench.accuracy import summary
from bench.printed import printed
from pipeline.files import write_json

LOSSES = {"ours": (0.25, 12), "plain": (0.2, 13), "tabm": (0.26, 11.5), "realmlp_folds": (0.1, 10), "mlp": (0.3, 99)}
SECONDS = {"ours": (18.4, 46), "plain": (16, 30), "tabm": (8, 107), "realmlp_folds": (1, 1), "mlp": (1.2, None)}
RESULTS = [
    {"table": table, "split": 0, "method": method, "loss": losses[place], "seconds": SECONDS[method][place]}
    for place, table in enumerate(("wa_churn", "wine"))
    for method, losses in LOSSES.items()
]


@pytest.mark.parametrize("name", ["accuracy", "unseen"])
def test_bold_is_the_best_of_those_that_have_a_rank(name: str) -> None:
    lines = printed(name, summary(pd.DataFrame(RESULTS))).split("\n")
    assert lines[0] == "|  | here | plain alone | in folds | TabM-D | MLP |"
    assert lines[2] == "| wa_churn | **0.2500** | 0.2000 | 0.1000 | 0.2600 | 0.3000 |"
    assert lines[3] == "| wine | 12.0 | 13.0 | 10.0 | **11.5** | 99.0 |"
    assert lines[4:] == [
        "| mean rank | 1.50 |  |  | 1.50 | 3.00 |",
        "| here against it |  | 8.6 ± 16.4 % | 85.0 ± 65.0 % | 0.2 ± 4.1 % | -52.3 ± 35.6 % |",
        "| seconds | 18 to 46 | 16 to 30 | 1 | 8 to 107 | 1 |",
    ]


def test_one_seed_has_no_standard_deviation() -> None:
    report = {
        "cold_seconds": [35.8, 31.6],
        "no_op_seconds": 0.7,
        "peak_memory_mb": 1187,
        "quality": {"cv_accuracy": {"mean": 0.86846, "sd": 0.00309}, "cv_log_loss": {"mean": 0.3419, "sd": None}},
        "two_cold_runs_equal_bytes": False,
    }
    assert printed("chain", report).split("\n")[2:] == [
        "| cv accuracy | 0.8685 ± 0.0031 |",
        "| cv log loss | 0.3419 |",
        "| seconds from nothing | 32 to 36 |",
        "| seconds with nothing changed | 0.7 |",
        "| peak memory | 1187 MB |",
        "| two runs have equal bytes | no |",
    ]


def test_the_share_covered_of_each_table_and_measure() -> None:
    whole = {"covered": {"mcc": {"share": 0.95}, "log_loss": {"share": 1.0}}}
    report = {"ridge": {"tables": {"wine": whole, "mixed": {"covered": {"log_loss": {"share": 0.9}}}}}}
    lines = printed("coverage", report | {"stages": {"tables": {"wine": whole}}}).split("\n")
    assert [line for line in lines if "---" not in line] == [
        "| ridge | log loss | MCC |",
        "| wine | 1.0 | 0.95 |",
        "| mixed | 0.9 |  |",
        "",
        "| stages | log loss | MCC |",
        "| wine | 1.0 | 0.95 |",
    ]


def test_families_are_held_against_the_plain_network() -> None:
    plain = {"network": "plain", "loss": 0.3444, "to_plain": 0.0, "to_plain_se": 0.0, "ms_per_member_epoch": 0.5}
    mish = {"network": "mish", "loss": 0.35, "to_plain": 0.0056, "to_plain_se": 0.002, "ms_per_member_epoch": 0.6}
    tables = {"diabetes": [plain, mish | {"to_plain": 0.0, "to_plain_se": 0.0}], "titanic": [plain, mish]}
    assert printed("families", {"tables": tables}).split("\n")[2:] == [
        "| plain | 0.3444 | 0.3444 | 1.0 |",
        "| mish |  | +0.0056 ± 0.0020 | 1.2 |",
    ]
    lines = printed("families", {"tables": {"diabetes": tables["diabetes"]}}).split("\n")
    assert lines[2:] == ["| plain | 0.3444 |  |", "| mish |  |  |"], "time is that on Titanic"


def test_what_is_written_is_shown_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "search.json", {"times_less": 120})
    assert main(["search", "--show", "--output", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == {"search": {"times_less": 120}}
    assert main(["tables", "--show", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'tables.json'}: no such file.")
