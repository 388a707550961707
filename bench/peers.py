"""One model at its defaults on one split, as a process of its own: ``python peers.py METHOD FOLDER``.

Reads ``train.csv``, ``test.csv`` and ``columns.json`` (``task``, ``target``, ``id``, the ``categories``), prints one
JSON object: the test rows' ``answers`` (a probability for each class, or a number) and the ``classes``. Runs in the
environment of the peers, which knows nothing of this project, so it imports nothing of it.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

THREADS = 2
# HistGradientBoosting takes no more of a column; their numbers in alphabetical order, then.
MOST_CATEGORIES = 255


def main() -> int:
    """Fit, answer, print."""
    warnings.filterwarnings("ignore")
    method, folder = sys.argv[1], Path(sys.argv[2])
    about = json.loads((folder / "columns.json").read_text())
    kinds = dict.fromkeys(about["categories"], "string")
    train, test = (pd.read_csv(folder / f"{part}.csv", dtype=kinds) for part in ("train", "test"))
    known = train[about["target"]]
    rows = [frame.drop(columns=[about["id"], about["target"]], errors="ignore") for frame in (train, test)]
    for name in about["categories"]:
        levels = pd.concat([frame[name] for frame in rows]).dropna().unique()
        for frame in rows:
            frame[name] = pd.Categorical(frame[name].astype(object), categories=sorted(levels))
            if method == "gradient_boosting" and len(levels) > MOST_CATEGORIES:
                frame[name] = frame[name].cat.codes.astype(float).replace(-1.0, float("nan"))
    if method in PYTABKIT:  # which take no gaps among numbers
        middle = rows[0].median(numeric_only=True)
        rows = [frame.fillna(middle) for frame in rows]
    classes = about["task"] != "regression"
    model = (peer if method in PYTABKIT else baseline)(method, classes, about["categories"])
    model.fit(rows[0], known.astype(str) if classes else known.astype(float))
    answers = model.predict_proba(rows[1]) if classes else model.predict(rows[1])
    found = {"answers": answers.tolist(), "classes": [str(name) for name in model.classes_] if classes else []}
    print("\n" + json.dumps(found))  # whatever the model printed before stands on lines of its own
    return 0


def baseline(method: str, classes: bool, categories: list[str]) -> Any:
    """scikit-learn at its defaults; one-hot categories and medians for gaps where the model cannot do without, scaled
    columns where it is a linear model or a network."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if method == "gradient_boosting":
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        return kind(categorical_features="from_dtype", random_state=0)
    model = {
        "random_forest": RandomForestClassifier if classes else RandomForestRegressor,
        "linear": LogisticRegression if classes else Ridge,
        "mlp": MLPClassifier if classes else MLPRegressor,
    }[method](random_state=0)
    numbers = make_column_selector(dtype_exclude="category")
    filled = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=2, sparse_output=False), categories),
    )
    return make_pipeline(filled, model)


def peer(method: str, classes: bool, categories: list[str]) -> Any:
    """pytabkit at its defaults, on the processor; ``_folds``: the average of one network a fold of five, its option."""
    import pytabkit

    name, folds = PYTABKIT[method]
    kind = getattr(pytabkit, f"{name}_{'Classifier' if classes else 'Regressor'}")
    return kind(device="cpu", random_state=0, n_threads=THREADS, verbosity=0, n_cv=folds)


PYTABKIT = {
    "realmlp": ("RealMLP_TD", 1),
    "tabm": ("TabM_D", 1),
    "realmlp_folds": ("RealMLP_TD", 5),
    "tabm_folds": ("TabM_D", 5),
}

if __name__ == "__main__":
    raise SystemExit(main())
