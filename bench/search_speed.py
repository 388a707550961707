"""The same trials, folds, epochs and batch sizes through stock KerasTuner with ``model.fit`` and through the member
engine."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from features.roles import SCORE, STOP, TRAIN
from pipeline.runtime import device_name, seed_for, start_tensorflow

TRIALS, FOLDS, EPOCHS = 30, 5, 20
SPACE: dict[str, tuple[Any, ...]] = {
    "depth": (1, 2, 3),
    "width": (32, 64),
    "dropout": (0.0, 0.2, 0.4),
    "l2": (1e-5, 1e-4, 1e-3),
    "initializer": ("glorot_uniform", "he_normal"),
    "activation": ("relu", "selu"),
    "learning_rate": (1e-3, 3e-3),
    "batch_size": (64, 128),
}


def measure(arrays: Path) -> dict[str, Any]:
    """Both columns: seconds in all, milliseconds per member and epoch, mean log loss of the score rows with its se over
    trials."""
    # Each in a process of its own, so that none pays for the others' settings or traces.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        ours = pool.submit(_ours, arrays).result()
        stock = pool.submit(_stock, arrays).result()
        peak = pool.submit(_peak).result()
    floating = ours.pop("gflops")
    difference = np.array(ours.pop("losses")) - np.array(stock.pop("losses"))
    return {
        "device": ours.pop("device"),
        "trials": TRIALS,
        "folds": FOLDS,
        "epochs": EPOCHS,
        "stock": stock,
        "ours": ours,
        "times_less_per_member_epoch": round(stock["ms_per_member_epoch"] / ours["ms_per_member_epoch"], 1),
        "times_less_end_to_end": round(stock["seconds"] / ours["seconds"], 1),
        "log_loss_difference": round(float(difference.mean()), 5),
        "log_loss_difference_se": round(float(difference.std(ddof=1) / np.sqrt(len(difference))), 5),
        "matrix_product_peak_gflops": round(peak, 1),
        "ours_gflops": round(floating, 1),
        "share_of_peak": round(floating / peak, 3),
    }


def matrix_product_rate(tensorflow: Any) -> float:
    """GFLOP/s of a square float32 product, the best of ten."""
    size = 2048
    a = tensorflow.random.stateless_normal([size, size], [1, 2])
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        tensorflow.matmul(a, a).numpy()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def _operations(table: Any) -> float:
    """Multiplications and additions of the matrix products of all members and epochs, backward pass included (3x)."""
    from pipeline.nets.search import Part, search

    total = 0.0

    def count(first: int, configurations: list[dict[str, Any]]) -> list[Any]:
        nonlocal total
        rows = float((table.roles[:, :FOLDS] == TRAIN).sum())
        for c in configurations:
            weights = table.inputs.shape[2] * c["width"] + (c["depth"] - 1) * c["width"] ** 2 + c["width"]
            total += 6.0 * weights * rows * EPOCHS
        return [_result(len(table.roles)) for _ in configurations]

    search("random", [Part(SPACE, TRIALS, TRIALS)], 1, count)
    return total


def _result(rows: int) -> Any:
    from pipeline.nets.search import Result

    return Result(np.zeros(rows), np.zeros(rows), np.zeros(FOLDS), 1.0, "")


def _ours(arrays: Path) -> dict[str, Any]:
    tensorflow = start_tensorflow(small=True)
    from pipeline.choice.arrays import load_table
    from pipeline.nets.fit import fit
    from pipeline.nets.members import members_of
    from pipeline.nets.search import Part, Result, search

    table = load_table(arrays, "binary").table
    fit_seconds, losses = 0.0, []

    def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
        nonlocal fit_seconds
        pairs = [(trial, fold) for trial in range(len(configurations)) for fold in range(FOLDS)]
        members = members_of(
            [configurations[t] for t, _ in pairs],
            [f for _, f in pairs],
            [seed_for(1, "bench", first + t, f) for t, f in pairs],
        )
        begin = time.perf_counter()
        found = fit(members, table, "binary", EPOCHS, EPOCHS)
        fit_seconds += time.perf_counter() - begin
        score = np.array([found.loss[i, table.roles[:, f] == SCORE].mean() for i, (_, f) in enumerate(pairs)])
        by_trial = score.reshape(len(configurations), FOLDS)
        losses.extend(by_trial.mean(axis=1).tolist())
        nothing = np.zeros(len(table.roles))
        return [Result(nothing, nothing, row, 1.0, "") for row in by_trial]

    begin = time.perf_counter()
    search("random", [Part(SPACE, TRIALS, TRIALS)], 1, evaluate)
    column = _column(time.perf_counter() - begin, fit_seconds, losses)
    rate = _operations(table) / fit_seconds / 1e9
    return {**column, "gflops": rate, "device": device_name(tensorflow)}


def _peak() -> float:
    return matrix_product_rate(start_tensorflow())


def _stock(arrays: Path) -> dict[str, Any]:
    import keras
    import keras_tuner as kt

    from pipeline.choice.arrays import load_table

    keras.utils.set_random_seed(1)
    table = load_table(arrays, "binary").table
    fit_seconds, losses = 0.0, []

    class Network(kt.HyperModel):
        def build(self, hp: Any) -> Any:
            values = {key: hp.Choice(key, list(choices)) for key, choices in SPACE.items()}
            penalty = keras.regularizers.L2(values["l2"])
            model = keras.Sequential([keras.Input((table.inputs.shape[2],))])
            for _ in range(values["depth"]):
                model.add(
                    keras.layers.Dense(
                        values["width"],
                        values["activation"],
                        kernel_initializer=values["initializer"],
                        kernel_regularizer=penalty,
                    )
                )
                model.add(keras.layers.Dropout(values["dropout"]))
            model.add(
                keras.layers.Dense(1, "sigmoid", kernel_initializer=values["initializer"], kernel_regularizer=penalty)
            )
            model.compile(keras.optimizers.Adam(values["learning_rate"]), "binary_crossentropy")
            return model

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> float:
            nonlocal fit_seconds
            scores = []
            for fold in range(FOLDS):
                model = self.build(hp)
                role, x, y = table.roles[:, fold], table.inputs[fold, : len(table.roles)], table.target[fold]
                begin = time.perf_counter()
                model.fit(
                    x[role == TRAIN],
                    y[role == TRAIN],
                    epochs=EPOCHS,
                    batch_size=hp.get("batch_size"),
                    validation_data=(x[role == STOP], y[role == STOP]),
                    callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
                    verbose=0,
                )
                fit_seconds += time.perf_counter() - begin
                p = np.clip(model.predict(x[role == SCORE], verbose=0)[:, 0].astype(np.float64), 1e-7, 1 - 1e-7)
                known = y[role == SCORE]
                scores.append(float(-(known * np.log(p) + (1 - known) * np.log(1 - p)).mean()))
            losses.append(float(np.mean(scores)))
            return losses[-1]

    class Stock(kt.RandomSearch):
        def _configure_tensorboard_dir(self, *args: Any, **kwargs: Any) -> None:
            """Stock KerasTuner asks for TensorBoard here, which no network of this comparison writes to."""

    with tempfile.TemporaryDirectory() as directory:
        begin = time.perf_counter()
        hyperparameters = kt.HyperParameters()
        for key, choices in SPACE.items():
            hyperparameters.Choice(key, list(choices))
        # The oracle and its seed are those of our search, so the trials are the same.
        tuner = Stock(
            Network(),
            max_trials=TRIALS,
            seed=2,
            directory=directory,
            project_name="stock",
            hyperparameters=hyperparameters,
        )
        tuner.search(verbose=0)
        return _column(time.perf_counter() - begin, fit_seconds, losses)


def _column(seconds: float, fit_seconds: float, losses: list[float]) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 2),
        "fit_seconds": round(fit_seconds, 2),
        "ms_per_member_epoch": round(1e3 * fit_seconds / (TRIALS * FOLDS * EPOCHS), 3),
        "mean_log_loss": round(float(np.mean(losses)), 5),
        "mean_log_loss_se": round(float(np.std(losses, ddof=1) / np.sqrt(len(losses))), 5),
        "losses": losses,
    }
