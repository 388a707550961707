"""The one reader of params.yaml: strict, typed, frozen; unknown keys are refused with the nearest known one.

The file is read as YAML 1.2 (as DVC reads it), so ``1e-3`` is a number and ``off`` a word. A block holds for every
competition; ``competitions.<name>.<block>`` overrides single keys of it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from features.errors import UserError, hint, listed
from features.tasks import MEASURES, TASKS
from pipeline.files import read_bytes

ENCODINGS = ("integer", "onehot", "embedding")
NORMALIZATIONS = ("zscore", "minmax", "robust", "keras", "none")
ORACLES = ("bayesian", "random", "grid")
SEARCHED = ("depth", "width", "dropout", "l2", "initializer", "activation", "learning_rate", "batch_size")
ACTIVATIONS = ("relu", "selu", "elu", "gelu", "silu", "mish", "tanh", "sigmoid", "sine")
FAMILIES = ("plain", "tabm", "realmlp", "waves", "bins")
NUMBERS = ("plain", "piecewise_linear", "periodic")
SCHEDULES = ("constant", "cosine", "coslog4", "flat_cosine")
INITIALIZERS = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "random_normal",
    "large_normal", "zeros", "small_equal", "ones",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


# Where the file has a key of the block that is read.
Place = Callable[[str], str]
Reader = Callable[[Any, Place, str], Any]


class Rule(NamedTuple):
    """What one value may be: of a ``kind``, from ``low`` to ``high``, or one of the ``choices``."""

    kind: type
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def _key(
    kind: type,
    *,
    several: bool = False,
    repeated: bool = False,
    default: Any = MISSING,
    reader: Reader | None = None,
    **limits: Any,
) -> Any:
    """A key of a block, with the ``limits`` of its ``Rule``; a ``kind`` that is itself a block nests, a ``tuple`` is a
    list of whole numbers; ``several``: one value or a list of them, a tuple here, in which one may be ``repeated``;
    ``reader``: makes the value of what the file has, where that and the key lie, for what is none of these."""
    about = {"rule": Rule(kind, **limits), "several": several, "repeated": repeated, "reader": reader}
    return field(default=default, metadata=about)


def _each(kind: type, choices: tuple[str, ...] = ()) -> Reader:
    """A reader of names, each with a value of ``kind``, which may be a block."""

    def read(raw: Any, place: Place, key: str) -> Mapping[str, Any]:
        named = {name: (one, f"{place(key)}.{name}") for name, one in _mapping(raw, place(key)).items()}
        if is_dataclass(kind):
            return MappingProxyType({name: _block(kind, *one) for name, one in named.items()})
        return MappingProxyType({name: _value(*one, Rule(kind, choices=choices)) for name, one in named.items()})

    return read


def _family_spaces(raw: Any, place: Place, key: str) -> Mapping[str, Space]:
    """Of a family, or of a family in regressions, what it has in the place of the common space."""
    spaces = _mapping(raw, place(key))
    _known_at(spaces, [f"{name}{kind}" for name in FAMILIES for kind in ("", "_regression")], place, key)
    return MappingProxyType({name: _space(own, place, f"{key}.{name}", ()) for name, own in spaces.items()})


@dataclass(frozen=True)
class Table:
    """What one competition's table is."""

    task: str = _key(str, choices=TASKS)
    target: str = _key(str)
    id: str = _key(str)
    metric: str = _key(str)
    module: str = _key(str)
    sample: str = _key(str)


@dataclass(frozen=True)
class Fetch:
    """How raw files are looked for, whatever their source."""

    mirror: str = _key(str)
    retries: int = _key(int, low=1, high=10)


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

    leak_auc: float = _key(float, low=0.5, high=1)
    drift_auc: float = _key(float, low=0.5, high=1)


@dataclass(frozen=True)
class Encode:
    """How columns become arrays, and rows get their folds and roles."""

    encoding: tuple[str, ...] = _key(str, choices=ENCODINGS, several=True)
    columns: Mapping[str, str] = _key(dict, reader=_each(str, ENCODINGS))
    missing_indicators: bool = _key(bool)
    min_count: int = _key(int, low=1)
    folds: int = _key(int, low=2, high=20)
    repeats: int = _key(int, low=1, high=20)
    stop_fraction: float = _key(float, low=0.05, high=0.5)
    group_aware: bool = _key(bool)
    time: str = _key(str)
    duplicates: str = _key(str, choices=("auto", "together", "apart"))
    target: str = _key(str, choices=("auto", "log", "none"))
    features: Mapping[str, bool] = _key(dict, reader=_each(bool))
    formulas: Mapping[str, str] = _key(dict, reader=_each(str))


@dataclass(frozen=True)
class Normalize:
    """The affine map at the front of every network, or several that the search chooses from."""

    method: tuple[str, ...] = _key(str, choices=NORMALIZATIONS, several=True)


@dataclass(frozen=True)
class Range:
    """An interval that a hyperparameter is drawn from."""

    low: float
    high: float
    log: bool


Choices = tuple[int | float | str, ...]
Space = Mapping[str, Choices | Range]


@dataclass(frozen=True)
class Tune:
    """The search; ``space`` maps each searched hyperparameter to its choices or its range; ``columns``: whether column
    groups are searched too.

    ``families``: what is otherwise in a family of networks (``<family>_regression``: and in regressions besides).
    """

    oracle: str = _key(str, choices=ORACLES)
    max_trials: int = _key(int, low=1)
    generation: int = _key(int, low=1)
    repeats: int = _key(int, low=1, high=20)
    epochs: int = _key(int, low=1)
    patience: int = _key(int, low=1)
    halving: float = _key(float, low=0, high=0.9)
    columns: str = _key(str, choices=("all", "search"))
    family: tuple[str, ...] = _key(str, choices=FAMILIES, several=True, repeated=True)
    space: Space = _key(dict, reader=lambda raw, place, key: _space(raw, place, key, SEARCHED))
    families: Mapping[str, Space] = _key(dict, reader=_family_spaces)


@dataclass(frozen=True)
class Train:
    """The members of the final ensemble."""

    top_k: int = _key(int, low=1)
    together: bool = _key(bool)
    seeds: int = _key(int, low=1)
    epochs: int = _key(int, low=1)
    patience: int = _key(int, low=1)
    clip: bool = _key(bool)


@dataclass(frozen=True)
class Columns:
    """How the worth of feature groups is measured."""

    permutations: int = _key(int, low=1, high=1000)
    rows: int = _key(int, low=2)
    groups: int = _key(int, low=0)
    pairs: int = _key(int, low=0)
    repeats: int = _key(int, low=1, high=20)
    seeds: int = _key(int, low=1, high=100)


@dataclass(frozen=True)
class Ensemble:
    """How members become one answer."""

    method: str = _key(str, choices=("mean", "greedy", "rank_mean"))
    bags: int = _key(int, low=0, high=200)
    prune: bool = _key(bool)
    calibration: str = _key(str, choices=("auto", "temperature", "none"))
    threshold: str = _key(str, choices=("half", "metric"))


@dataclass(frozen=True)
class Honest:
    """Folds of the nested estimate: ``outer``, how many of them are ``scored`` (0: all), and inside each those that
    score its trials and those of its members."""

    outer: int = _key(int, low=0, high=20)
    scored: int = _key(int, low=0, high=20)
    search: int = _key(int, low=2, high=20)
    members: int = _key(int, low=2, high=20)


@dataclass(frozen=True)
class ImageNetwork:
    """A preset of the Fashion-MNIST stage: the deep network, how it trains, and how its images are distorted."""

    network: str = _key(str, choices=("dense", "convolutional"))
    filters: tuple[int, ...] = _key(tuple, low=1, high=4096)
    members: int = _key(int, low=1, high=64)
    depth: int = _key(int, low=1, high=16)
    width: int = _key(int, low=1, high=4096)
    activation: str = _key(str, choices=ACTIVATIONS)
    normalization: str = _key(str, choices=("none", "layer"))
    dropout: float = _key(float, low=0, high=0.95)
    l2: float = _key(float, low=0, high=10)
    learning_rate: float = _key(float, low=1e-7, high=10)
    batch_size: int = _key(int, low=1, high=65536)
    epochs: int = _key(int, low=1)
    patience: int = _key(int, low=1)
    flip: bool = _key(bool)
    shift: float = _key(float, low=0, high=14)
    rotation: float = _key(float, low=0, high=180)
    zoom: float = _key(float, low=0, high=0.5)
    erase: float = _key(float, low=0, high=1)
    mixup: float = _key(float, low=0, high=0.5)
    gamma: float = _key(float, low=0.1, high=10)
    edges: bool = _key(bool)


@dataclass(frozen=True)
class FashionMnist:
    """The Fashion-MNIST stage; ``preset`` names one of ``presets``, or ``auto``."""

    preset: str = _key(str)
    precision: str = _key(str, choices=("auto", "float32", "bfloat16"))
    validation: int = _key(int, low=10, high=50000)
    mlp_width: int = _key(int, low=1, high=4096)
    presets: Mapping[str, ImageNetwork] = _key(dict, reader=_each(ImageNetwork))


@dataclass(frozen=True)
class Variant:
    """How one network of the textbook's experiment differs from the plain 16-16-1 network."""

    depth: int = _key(int, low=1, high=16, default=2)
    width: int = _key(int, low=1, high=1024, default=16)
    dropout: float = _key(float, low=0, high=0.95, default=0.0)
    l1: float = _key(float, low=0, high=10, default=0.0)
    l2: float = _key(float, low=0, high=10, default=0.0)


@dataclass(frozen=True)
class Phrases:
    """The networks on words and phrases."""

    length: int = _key(int, low=1, high=5)
    min_count: int = _key(int, low=1)
    smoothing: float = _key(float, low=1e-6, high=1e6)
    depth: int = _key(int, low=0, high=16)
    width: int = _key(int, low=1, high=1024)
    dropout: float = _key(float, low=0, high=0.95)
    activation: str = _key(str, choices=ACTIVATIONS)
    seeds: int = _key(int, low=1, high=64)
    epochs: int = _key(int, low=1)
    batch_size: int = _key(int, low=1, high=65536)
    learning_rate: float = _key(float, low=1e-7, high=10)


@dataclass(frozen=True)
class Convolution:
    """The convolutional networks on words in their order."""

    vocabulary: int = _key(int, low=8, high=1_000_000)
    length: int = _key(int, low=1, high=10_000)
    units: int = _key(int, low=1, high=1024)
    window: int = _key(int, low=1, high=64)
    filters: int = _key(int, low=1, high=4096)
    skip: float = _key(float, low=0, high=0.95)
    seeds: int = _key(int, low=1, high=64)
    epochs: int = _key(int, low=1)
    batch_size: int = _key(int, low=1, high=65536)
    learning_rate: float = _key(float, low=1e-7, high=10)


@dataclass(frozen=True)
class Imdb:
    """Film reviews: the textbook's experiment, and beyond it."""

    vocabulary: int = _key(int, low=8, high=1_000_000)
    validation: float = _key(float, low=0.02, high=0.9)
    seeds: int = _key(int, low=1, high=64)
    epochs: int = _key(int, low=1)
    batch_size: int = _key(int, low=1, high=65536)
    learning_rate: float = _key(float, low=1e-7, high=10)
    variants: Mapping[str, Variant] = _key(dict, reader=_each(Variant))
    phrases: Phrases = _key(Phrases)
    convolution: Convolution = _key(Convolution)
    words: int = _key(int, low=1, high=100_000)


@dataclass(frozen=True)
class Labs:
    """The textbook's experiments."""

    folds: int = _key(int, low=2, high=40)
    epochs: int = _key(int, low=1)
    ensemble: int = _key(int, low=2, high=1000)


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


# The blocks of a competition, by name.
_BLOCKS: dict[str, type] = {name: kind for name, kind in get_type_hints(Params).items() if kind not in (str, int)}
# Blocks of stages that belong to no competition.
_OTHER_BLOCKS: dict[str, type] = {"fetch": Fetch, "fashion_mnist": FashionMnist, "imdb": Imdb, "labs": Labs}
# Those that hold for every competition: what the table is only its own entry can say.
BLOCKS = tuple(block for block in _BLOCKS if block != "table")
# Keys that only a competition can know, so that no general block may hold them.
_OWN_KEYS = {"encode": ("features",)}
_EMPTY: dict[str, dict[str, Any]] = {"encode": {"features": {}, "columns": {}, "formulas": {}}}
# What each of the searched hyperparameters may be.
_SPACE: dict[str, Rule] = {
    "depth": Rule(int, 1, 16),
    "width": Rule(int, 1, 4096),
    "dropout": Rule(float, 0.0, 0.95),
    "l2": Rule(float, 0.0, 10.0),
    "initializer": Rule(str, choices=INITIALIZERS),
    "activation": Rule(str, choices=ACTIVATIONS),
    "learning_rate": Rule(float, 1e-7, 10.0),
    "batch_size": Rule(int, 1, 65536),
    "weight_decay": Rule(float, 0.0, 10.0),
    "label_smoothing": Rule(float, 0.0, 0.9),
    "huber": Rule(float, 0.0, 100.0),
    "frequency": Rule(float, 0.0, 100.0),
    "beta_2": Rule(float, 0.5, 0.99999),
    "schedule": Rule(str, choices=SCHEDULES),
    "epochs": Rule(int, 0, 100_000),
    "snapshots": Rule(int, 1, 64),
    "copies": Rule(int, 2, 256),
    "feature_scale": Rule(str, choices=("fixed", "learned")),
    "numbers": Rule(str, choices=NUMBERS),
    "number_bins": Rule(int, 2, 256),
    "number_units": Rule(int, 0, 64),
    "number_frequency": Rule(float, 1e-4, 100.0),
}


def load_all(path: Path) -> None:
    """Read all that the file holds: every competition, every other block, every source. Raises as ``load`` does."""
    document = _document(path)
    for name in _mapping(document.get("competitions"), f"{path}: competitions"):
        _competition(document, path, name)
    for name in _OTHER_BLOCKS:
        _other_block(document, path, name)
    for name in _mapping(document.get("sources"), f"{path}: sources"):
        _source(document, path, name)


def load(path: Path, name: str) -> Params:
    """Read the parameters of competition ``name``; raises ``UserError`` with file, key, value and cure."""
    return _competition(_document(path), path, name)


def _competition(document: Mapping[str, Any], path: Path, name: str) -> Params:
    entry, where = _entry(document, path, "competition", name)
    _known(entry, list(_BLOCKS), where)
    blocks: dict[str, Any] = {}
    for block, cls in _BLOCKS.items():
        own = _mapping(entry.get(block, {}), f"{where}.{block}")
        general = _mapping(document.get(block, {}), f"{path}: {block}")
        names = [f.name for f in fields(cls)]
        _known(general, [n for n in names if n not in _OWN_KEYS.get(block, ())], f"{path}: {block}")
        _known(own, names, f"{where}.{block}")
        merged = {**_EMPTY.get(block, {}), **general, **own}
        if block == "tune":
            merged |= _merged_spaces(general, own, f"{path}: ", f"competitions.{name}.")

        def place(key: str, block: str = block) -> str:
            return f"{path}: {_place(entry, name, f'{block}.{key}')}"

        blocks[block] = _build(cls, merged, place)
    params = Params(name=name, seed=_seed(document, path), **blocks)
    _check_together(params, path, lambda key: _place(entry, name, key))
    return params


def _entry(document: Mapping[str, Any], path: Path, kind: str, name: str) -> tuple[dict[str, Any], str]:
    """What the file has of the ``competition`` or ``source`` of that name, and where."""
    entries = _mapping(document.get(f"{kind}s"), f"{path}: {kind}s")
    if name not in entries:
        raise UserError(f"{path}: no {kind} {name!r}{hint(name, entries)} Known: {listed(entries)}.")
    check_name(name)
    where = f"{path}: {kind}s.{name}"
    return _mapping(entries[name], where), where


def _place(entry: Mapping[str, Any], name: str, key: str) -> str:
    """A dotted key as the file has it: in the competition's entry where that overrides it."""
    own: Any = entry
    for part in key.split("."):
        own = own.get(part, MISSING) if isinstance(own, Mapping) else MISSING
    # No general block may hold what the table is.
    return key if own is MISSING and not key.startswith("table.") else f"competitions.{name}.{key}"


def _merged_spaces(general: Mapping[str, Any], own: Mapping[str, Any], file: str, entry: str) -> dict[str, Any]:
    """``tune.space`` and ``tune.families`` where a competition has its ``own``: its entries in the first and in each of
    the second replace the ``general`` ones, each on its own."""

    def over(key: str, before: Any, after: Any) -> dict[str, Any]:
        return {**_mapping(before, f"{file}{key}"), **_mapping(after, f"{file}{entry}{key}")}

    merged = {}
    if "space" in own:
        merged["space"] = over("tune.space", general.get("space", {}), own["space"])
    if "families" in own:
        families = merged["families"] = _mapping(general.get("families", {}), f"{file}tune.families")
        for name, space in _mapping(own["families"], f"{file}{entry}tune.families").items():
            families[name] = over(f"tune.families.{name}", families.get(name, {}), space)
    return merged


def load_block(path: Path, name: str) -> tuple[int, Any]:
    """The seed and the block ``name`` of a stage that belongs to no competition (``fetch``: a ``Fetch``, and so on)."""
    return _other_block(_document(path), path, name)


def _other_block(document: Mapping[str, Any], path: Path, name: str) -> tuple[int, Any]:
    return _seed(document, path), _block(_OTHER_BLOCKS[name], document.get(name, {}), f"{path}: {name}")


def load_source(path: Path, name: str) -> Source:
    """Where the raw files of ``name`` come from. Raises ``UserError`` on a hash that is none."""
    return _source(_document(path), path, name)


def _source(document: Mapping[str, Any], path: Path, name: str) -> Source:
    entry, where = _entry(document, path, "source", name)
    _known(entry, [f.name for f in fields(Source)], where)
    urls = entry.get("urls") or []
    if not isinstance(urls, list):
        raise UserError(f"{where}.urls is {urls!r}; expected a list of addresses.")
    files: dict[str, tuple[str, ...]] = {}
    for file, digests in _mapping(entry.get("files"), f"{where}.files").items():
        files[file] = tuple(str(digest) for digest in (digests if isinstance(digests, list) else [digests]))
        for digest in files[file] or ("",):
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise UserError(f"{where}.files.{file} is {digest!r}; expected a SHA-256, 64 hexadecimal digits.")
        if Path(file).name != file:
            raise UserError(f"{where}.files names {file!r}; expected a plain file name without folders.")
    if not files:
        raise UserError(f"{where}.files is empty; expected file names with their SHA-256.")
    kaggle = entry.get("kaggle", "")
    if not isinstance(kaggle, str) or not re.fullmatch(r"[a-z0-9-]*", kaggle):
        raise UserError(
            f"{where}.kaggle is {kaggle!r}; expected the competition's name as in kaggle.com/competitions/NAME: small "
            f"letters, digits and '-'."
        )
    return Source(MappingProxyType(files), tuple(map(str, urls)), kaggle)


def _document(path: Path) -> dict[str, Any]:
    """The whole file, its top-level keys checked."""
    document = read_document(path)
    _known(document, ["seed", *BLOCKS, *_OTHER_BLOCKS, "sources", "competitions"], str(path))
    return document


def _seed(document: Mapping[str, Any], path: Path) -> int:
    return _value(document.get("seed", MISSING), f"{path}: seed", Rule(int, 0, 2**31 - 1))


def read_document(path: Path) -> dict[str, Any]:
    """The whole file as plain dicts, lists and scalars; raises ``UserError`` where it is no YAML mapping."""
    return parse_document(read_bytes(path), str(path))


def parse_document(content: bytes, path: str) -> dict[str, Any]:
    """Likewise from the file's content; ``path`` is for messages."""
    try:
        document = YAML(typ="safe", pure=True).load(content)
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(
            f"{path}{where}: not YAML ({getattr(error, 'problem', error)}). Check indentation and colons there."
        ) from None
    return _mapping(document, path)


def is_name(name: str) -> bool:
    """Whether a competition may be called ``name``."""
    return bool(_NAME.fullmatch(name))


def check_name(name: str) -> None:
    """A competition's name is also a folder name: letters, digits, ``_`` and ``-``, beginning with a letter."""
    if not is_name(name):
        raise UserError(
            f"competition name {name!r}: expected a letter, then letters, digits, '_' or '-' (64 at most), "
            f"since folders are named after it."
        )


def _check_together(params: Params, path: Path, place: Place) -> None:
    """What no key breaks alone; ``place`` says where the file has a key."""
    table = params.table
    if table.metric not in MEASURES[table.task]:
        raise UserError(
            f"{path}: {place('table.metric')} is {table.metric!r}, but task {table.task!r} is scored by one of "
            f"{listed(MEASURES[table.task])}."
        )
    for key, limit in (
        ("tune.generation", "tune.max_trials"),
        ("tune.repeats", "encode.repeats"),
        ("columns.repeats", "encode.repeats"),
        ("train.top_k", "tune.max_trials"),
    ):
        value, most = (operator.attrgetter(one)(params) for one in (key, limit))
        if value > most:
            raise UserError(
                f"{path}: {place(key)} is {value}, more than {place(limit)} ({most}). Lower the first or raise the "
                "second."
            )
    if params.tune.oracle == "grid" and params.tune.columns == "search":
        raise UserError(
            f"{path}: {place('tune.columns')} is 'search', but {place('tune.oracle')} is 'grid', and no grid covers "
            f"all sets of columns. Set {place('tune.oracle')} to bayesian or random, or {place('tune.columns')} to all."
        )
    outer, scored = params.honest.outer, params.honest.scored
    if outer == 1:
        raise UserError(f"{path}: {place('honest.outer')} is 1; expected 0 (no estimate) or 2 and more outer folds.")
    if outer and (scored == 1 or scored > outer):
        raise UserError(
            f"{path}: {place('honest.scored')} is {scored}; expected 0 (all outer folds) or 2 to {outer}, which is "
            f"{place('honest.outer')}."
        )
    if params.ensemble.method == "rank_mean" and table.task == "multiclass":
        raise UserError(
            f"{path}: {place('ensemble.method')} is 'rank_mean', but ranks of several classes do not add up to "
            f"probabilities ({place('table.task')} is 'multiclass'). Expected mean or greedy."
        )


def _build(cls: type, values: Mapping[str, Any], place: Place) -> Any:
    """The block ``cls``; ``place`` says where the file has a key of it."""
    return cls(**{f.name: _read(f.metadata, values.get(f.name, f.default), place, f.name) for f in fields(cls)})


def _read(about: Mapping[str, Any], raw: Any, place: Place, key: str) -> Any:
    """The value of a ``key``, by what ``_key`` says ``about`` it."""
    where, rule = place(key), about["rule"]
    if about["reader"]:
        return about["reader"](raw, place, key)
    if is_dataclass(rule.kind):
        return _block(rule.kind, {} if raw is MISSING else raw, where)
    if about["several"]:
        return tuple(_value(one, where, rule) for one in _choices(raw, where, about["repeated"]))
    if rule.kind is not tuple:
        return _value(raw, where, rule)
    if not isinstance(raw, list):
        raise _unlike(raw, where, "a list")
    return tuple(_value(one, where, rule._replace(kind=int)) for one in raw)


def _block(cls: Any, raw: Any, where: str) -> Any:
    """A mapping with the keys of ``cls``: none unknown, none missing that has no default."""
    values = _mapping(raw, where)
    _known(values, [f.name for f in fields(cls)], where)
    return _build(cls, values, lambda key: f"{where}.{key}")


def _space(raw: Any, place: Place, key: str, needed: Sequence[str]) -> Space:
    """``needed``: hyperparameters that may not be left out."""
    space = _mapping(raw, place(key))
    _known_at(space, list(_SPACE), place, key)
    found: dict[str, Choices | Range] = {}
    for name, rule in _SPACE.items():
        where = place(f"{key}.{name}")
        if name in space and isinstance(space[name], Mapping) and not rule.choices:
            found[name] = _range(space[name], rule, where)
        elif name in space:
            found[name] = tuple(_value(one, where, rule) for one in _choices(space[name], where))
        elif name in needed:
            raise UserError(f"{where} is missing; expected a list of choices or low/high.")
    return MappingProxyType(found)


def _range(raw: Mapping[str, Any], rule: Rule, where: str) -> Range:
    """The interval that ``raw`` has, within the bounds of the ``rule``."""
    _known(raw, ["low", "high", "log"], where)
    if rule.kind is int:
        raise UserError(f"{where} has low/high; expected a list of whole numbers to choose from.")
    low, high = (_value(raw.get(end, MISSING), f"{where}.{end}", rule) for end in ("low", "high"))
    log = _value(raw.get("log", False), f"{where}.log", Rule(bool))
    if low >= high:
        raise UserError(f"{where}: low is {low}, not below high ({high}).")
    if log and low <= 0:
        raise UserError(f"{where}: low is {low}; a log-uniform range needs low above 0.")
    return Range(low, high, log)


def _choices(value: Any, where: str, repeated: bool = False) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values or (len(set(map(str, values))) < len(values) and not repeated):
        raise UserError(f"{where} is {value!r}; expected one or more choices, each once.")
    return values


def _value(raw: Any, where: str, rule: Rule) -> Any:
    kind, low, high, choices = rule
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[kind]
    # Ten digits: the largest seed has as many.
    bounds = ("" if low is None else f" from {low:.10g}") + ("" if high is None else f" to {high:.10g}")
    if raw is not MISSING and choices:
        if raw not in choices:
            raise UserError(f"{where} is {raw!r}{hint(str(raw), choices)} Expected one of {listed(choices)}.")
        return str(raw)
    kinds: Any = (int, float) if kind is float else kind
    if not isinstance(raw, kinds) or isinstance(raw, bool) is not (kind is bool):  # in Python true is a whole number
        raise _unlike(raw, where, words + bounds)
    if (low is not None and not raw >= low) or (high is not None and not raw <= high):
        raise UserError(f"{where} is {raw!r}, out of range; expected {words}{bounds}.")
    return kind(raw)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _unlike(value, where, "keys and values")
    return {str(key): value[key] for key in value}


def _unlike(raw: Any, where: str, expected: str) -> UserError:
    return UserError(f"{where} is {'missing' if raw is MISSING else repr(raw)}; expected {expected}.")


def _known_at(mapping: Mapping[str, Any], known: Sequence[str], place: Place, key: str) -> None:
    """``_known`` for what lies under ``key`` partly in the competition's entry, partly in the general block."""
    for name in mapping:
        _known([name], known, place(f"{key}.{name}").removesuffix(f".{name}"))


def _known(keys: Iterable[str], known: Sequence[str], where: str) -> None:
    """``where``: the file, and the dotted key of the block that the ``keys`` are in."""
    file, _, block = where.partition(": ")
    for key in keys:
        if key not in known:
            raise UserError(
                f"{file}: unknown key {block}{block and '.'}{key}{hint(key, known)} Known: {listed(known)}."
            )
