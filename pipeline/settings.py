"""What each key of params.yaml may be, block by block; who reads them: ``pipeline.params``.

A frozen dataclass for each block, with a rule for each key (``pipeline.schema.setting``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.tasks import TASKS
from pipeline.schema import each, setting
from pipeline.search_space import ACTIVATIONS, FAMILIES, Space, common_space, family_spaces

ENCODINGS = ("integer", "onehot", "embedding")
NORMALIZATIONS = ("zscore", "minmax", "robust", "keras", "none")
ORACLES = ("bayesian", "random", "grid")


@dataclass(frozen=True)
class Table:
    """What one competition's table is; ``positive``: of two classes the one that probabilities and F1 are of, "" for
    the later in their order."""

    task: str = setting(str, choices=TASKS)
    target: str = setting(str)
    id: str = setting(str)
    metric: str = setting(str)
    module: str = setting(str)
    sample: str = setting(str)
    positive: str = setting(str, default="")


@dataclass(frozen=True)
class Fetch:
    """How raw files are looked for, whatever their source."""

    mirror: str = setting(str)
    retries: int = setting(int, low=1, high=10)


@dataclass(frozen=True)
class Source:
    """Where the raw files of one name come from; ``files`` maps a file name to its SHA-256, or to several where the
    same content is in circulation in different bytes; ``kaggle``: the competition's name at Kaggle, or ""."""

    files: Mapping[str, tuple[str, ...]]
    urls: tuple[str, ...]
    kaggle: str


@dataclass(frozen=True)
class Validate:
    """Thresholds of the cross-table checks."""

    leak_auc: float = setting(float, low=0.5, high=1)
    drift_auc: float = setting(float, low=0.5, high=1)


@dataclass(frozen=True)
class Encode:
    """How columns become arrays, and rows get their folds and roles."""

    encoding: tuple[str, ...] = setting(str, choices=ENCODINGS, several=True)
    columns: Mapping[str, str] = setting(dict, reader=each(str, ENCODINGS))
    missing_indicators: bool = setting(bool)
    min_count: int = setting(int, low=1)
    folds: int = setting(int, low=2, high=20)
    repeats: int = setting(int, low=1, high=20)
    stop_fraction: float = setting(float, low=0.05, high=0.5)
    group_aware: bool = setting(bool)
    time: str = setting(str)
    duplicates: str = setting(str, choices=("auto", "together", "apart"))
    target: str = setting(str, choices=("auto", "log", "none"))
    features: Mapping[str, bool] = setting(dict, reader=each(bool))
    formulas: Mapping[str, str] = setting(dict, reader=each(str))


@dataclass(frozen=True)
class Normalize:
    """The affine map at the front of every network, or several that the search chooses from."""

    method: tuple[str, ...] = setting(str, choices=NORMALIZATIONS, several=True)


@dataclass(frozen=True)
class Tune:
    """The search; ``space`` maps each searched hyperparameter to its choices or its range; ``columns``: whether column
    groups are searched too.

    ``families``: what is otherwise in a family of networks (``<family>_regression``: and in regressions besides).
    """

    oracle: str = setting(str, choices=ORACLES)
    max_trials: int = setting(int, low=1)
    generation: int = setting(int, low=1)
    repeats: int = setting(int, low=1, high=20)
    epochs: int = setting(int, low=1)
    patience: int = setting(int, low=1)
    halving: float = setting(float, low=0, high=0.9)
    columns: str = setting(str, choices=("all", "search"))
    family: tuple[str, ...] = setting(str, choices=FAMILIES, several=True, repeated=True)
    space: Space = setting(dict, reader=common_space)
    families: Mapping[str, Space] = setting(dict, reader=family_spaces)


@dataclass(frozen=True)
class Train:
    """The members of the final ensemble."""

    top_k: int = setting(int, low=1)
    together: bool = setting(bool)
    seeds: int = setting(int, low=1)
    epochs: int = setting(int, low=1)
    patience: int = setting(int, low=1)
    clip: bool = setting(bool)


@dataclass(frozen=True)
class Columns:
    """How the worth of feature groups is measured."""

    permutations: int = setting(int, low=1, high=1000)
    rows: int = setting(int, low=2)
    groups: int = setting(int, low=0)
    pairs: int = setting(int, low=0)
    repeats: int = setting(int, low=1, high=20)
    seeds: int = setting(int, low=1, high=100)


@dataclass(frozen=True)
class Ensemble:
    """How members become one answer."""

    method: str = setting(str, choices=("mean", "greedy", "rank_mean"))
    bags: int = setting(int, low=0, high=200)
    prune: bool = setting(bool)
    calibration: str = setting(str, choices=("auto", "temperature", "none"))
    threshold: str = setting(str, choices=("auto", "half", "metric"))


@dataclass(frozen=True)
class Honest:
    """Folds of the nested estimate: ``outer``, how many of them are ``scored`` (0: all), and inside each those that
    score its trials and those of its members."""

    outer: int = setting(int, low=0, high=20)
    scored: int = setting(int, low=0, high=20)
    search: int = setting(int, low=2, high=20)
    members: int = setting(int, low=2, high=20)


# Each layer of convolutions halves the 28 pixels of a picture's side.
MOST_CONVOLUTIONS = 4


@dataclass(frozen=True)
class ImageNetwork:
    """A preset of the Fashion-MNIST stage: the deep network, how it trains, and how its images are distorted."""

    network: str = setting(str, choices=("dense", "convolutional"))
    filters: tuple[int, ...] = setting(tuple, low=1, high=4096)
    members: int = setting(int, low=1, high=64)
    depth: int = setting(int, low=1, high=16)
    width: int = setting(int, low=1, high=4096)
    activation: str = setting(str, choices=ACTIVATIONS)
    normalization: str = setting(str, choices=("none", "layer"))
    dropout: float = setting(float, low=0, high=0.95)
    l2: float = setting(float, low=0, high=10)
    learning_rate: float = setting(float, low=1e-7, high=10)
    batch_size: int = setting(int, low=1, high=65536)
    epochs: int = setting(int, low=1)
    patience: int = setting(int, low=1)
    flip: bool = setting(bool)
    shift: float = setting(float, low=0, high=14)
    rotation: float = setting(float, low=0, high=180)
    zoom: float = setting(float, low=0, high=0.5)
    erase: float = setting(float, low=0, high=1)
    mixup: float = setting(float, low=0, high=0.5)
    gamma: float = setting(float, low=0.1, high=10)
    edges: bool = setting(bool)


@dataclass(frozen=True)
class FashionMnist:
    """The Fashion-MNIST stage; ``preset`` names one of ``presets``, or ``auto``."""

    preset: str = setting(str)
    precision: str = setting(str, choices=("auto", "float32", "bfloat16"))
    validation: int = setting(int, low=10, high=50000)
    mlp_width: int = setting(int, low=1, high=4096)
    presets: Mapping[str, ImageNetwork] = setting(dict, reader=each(ImageNetwork))


# The variant of film reviews' networks that the others are held against; it trained past its best epoch, and the
# networks that are no variant.
PLAIN, TO_THE_END, PHRASES, CONVOLUTION = "plain", "plain to the end", "phrases", "convolution"


@dataclass(frozen=True)
class Variant:
    """How one network of the textbook's experiment differs from the plain 16-16-1 network."""

    depth: int = setting(int, low=1, high=16, default=2)
    width: int = setting(int, low=1, high=1024, default=16)
    dropout: float = setting(float, low=0, high=0.95, default=0.0)
    l1: float = setting(float, low=0, high=10, default=0.0)
    l2: float = setting(float, low=0, high=10, default=0.0)


@dataclass(frozen=True)
class Phrases:
    """The networks on words and phrases."""

    length: int = setting(int, low=1, high=5)
    min_count: int = setting(int, low=1)
    smoothing: float = setting(float, low=1e-6, high=1e6)
    depth: int = setting(int, low=0, high=16)
    width: int = setting(int, low=1, high=1024)
    dropout: float = setting(float, low=0, high=0.95)
    activation: str = setting(str, choices=ACTIVATIONS)
    seeds: int = setting(int, low=1, high=64)
    epochs: int = setting(int, low=1)
    batch_size: int = setting(int, low=1, high=65536)
    learning_rate: float = setting(float, low=1e-7, high=10)


@dataclass(frozen=True)
class Convolution:
    """The convolutional networks on words in their order."""

    vocabulary: int = setting(int, low=8, high=1_000_000)
    length: int = setting(int, low=1, high=10_000)
    units: int = setting(int, low=1, high=1024)
    window: int = setting(int, low=1, high=64)
    filters: int = setting(int, low=1, high=4096)
    skip: float = setting(float, low=0, high=0.95)
    seeds: int = setting(int, low=1, high=64)
    epochs: int = setting(int, low=1)
    batch_size: int = setting(int, low=1, high=65536)
    learning_rate: float = setting(float, low=1e-7, high=10)


@dataclass(frozen=True)
class Imdb:
    """Film reviews: the textbook's experiment, and beyond it."""

    vocabulary: int = setting(int, low=8, high=1_000_000)
    validation: float = setting(float, low=0.02, high=0.9)
    seeds: int = setting(int, low=1, high=64)
    epochs: int = setting(int, low=1)
    batch_size: int = setting(int, low=1, high=65536)
    learning_rate: float = setting(float, low=1e-7, high=10)
    variants: Mapping[str, Variant] = setting(dict, reader=each(Variant))
    phrases: Phrases = setting(Phrases)
    convolution: Convolution = setting(Convolution)
    words: int = setting(int, low=1, high=100_000)


@dataclass(frozen=True)
class Labs:
    """The textbook's experiments."""

    folds: int = setting(int, low=2, high=40)
    epochs: int = setting(int, low=1)
    ensemble: int = setting(int, low=2, high=1000)


@dataclass(frozen=True)
class Params:
    """All parameters of one competition, its overrides applied."""

    name: str
    seed: int
    table: Table
    validate: Validate
    encode: Encode
    normalize: Normalize
    tune: Tune
    train: Train
    ensemble: Ensemble
    columns: Columns
    honest: Honest
