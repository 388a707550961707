"""The one reader of params.yaml: strict, typed, frozen; unknown keys are refused with the nearest known one.

What each key may be: ``pipeline.settings``. The file is read as YAML 1.2 (as DVC reads it), so ``1e-3`` is a number and
``off`` a word. A block holds for every competition; ``competitions.<name>.<block>`` overrides single keys of it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from features.errors import UserError, hint, listed
from features.tasks import METRICS
from pipeline.files import read_bytes
from pipeline.schema import Place, Rule, block_of, build, check_known, mapping_of, value_of
from pipeline.search_space import merged_spaces
from pipeline.settings import (
    CONVOLUTION,
    MOST_CONVOLUTIONS,
    PHRASES,
    PLAIN,
    TO_THE_END,
    FashionMnist,
    Fetch,
    Imdb,
    Labs,
    Params,
    Source,
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# The blocks of a competition, by name.
_BLOCKS: dict[str, type] = {name: kind for name, kind in get_type_hints(Params).items() if kind not in (str, int)}
# Blocks of stages that belong to no competition.
_OTHER_BLOCKS: dict[str, type] = {"fetch": Fetch, "fashion_mnist": FashionMnist, "imdb": Imdb, "labs": Labs}
# Those that hold for every competition: what the table is only its own entry can say.
BLOCKS = tuple(block for block in _BLOCKS if block != "table")
# Keys that only a competition can know, so that no general block may hold them.
_OWN_KEYS = {"encode": ("features",)}
_EMPTY: dict[str, dict[str, Any]] = {"encode": {"features": {}, "columns": {}, "formulas": {}}}


def load_all(path: Path) -> None:
    """Read all that the file holds: every competition, every other block, every source. Raises as ``load`` does."""
    document = _document(path)
    for name in mapping_of(document.get("competitions"), f"{path}: competitions"):
        _competition(document, path, name)
    for name in _OTHER_BLOCKS:
        _other_block(document, path, name)
    for name in mapping_of(document.get("sources"), f"{path}: sources"):
        _source(document, path, name)


def load(path: Path, name: str) -> Params:
    """Read the parameters of competition ``name``; raises ``UserError`` with file, key, value and cure."""
    return _competition(_document(path), path, name)


def _competition(document: Mapping[str, Any], path: Path, name: str) -> Params:
    entry, where = _entry(document, path, "competition", name)
    check_known(entry, list(_BLOCKS), where)
    blocks: dict[str, Any] = {}
    for block, cls in _BLOCKS.items():
        own = mapping_of(entry.get(block, {}), f"{where}.{block}")
        general = mapping_of(document.get(block, {}), f"{path}: {block}")
        names = [f.name for f in fields(cls)]
        check_known(general, [n for n in names if n not in _OWN_KEYS.get(block, ())], f"{path}: {block}")
        check_known(own, names, f"{where}.{block}")
        merged = {**_EMPTY.get(block, {}), **general, **own}
        if block == "tune":
            merged |= merged_spaces(general, own, f"{path}: ", f"competitions.{name}.")

        def place(key: str, block: str = block) -> str:
            return f"{path}: {_place(entry, name, f'{block}.{key}')}"

        blocks[block] = build(cls, merged, place)
    params = Params(name=name, seed=_seed(document, path), **blocks)
    _check_together(params, path, lambda key: _place(entry, name, key))
    return params


def _entry(document: Mapping[str, Any], path: Path, kind: str, name: str) -> tuple[dict[str, Any], str]:
    """What the file has of the ``competition`` or ``source`` of that name, and where."""
    entries = mapping_of(document.get(f"{kind}s"), f"{path}: {kind}s")
    if name not in entries:
        raise UserError(f"{path}: no {kind} {name!r}{hint(name, entries)} Known: {listed(entries)}.")
    check_name(name)
    where = f"{path}: {kind}s.{name}"
    return mapping_of(entries[name], where), where


def _place(entry: Mapping[str, Any], name: str, key: str) -> str:
    """A dotted key as the file has it: in the competition's entry where that overrides it."""
    own: Any = entry
    for part in key.split("."):
        own = own.get(part, MISSING) if isinstance(own, Mapping) else MISSING
    # No general block may hold what the table is.
    return key if own is MISSING and not key.startswith("table.") else f"competitions.{name}.{key}"


def load_block(path: Path, name: str) -> tuple[int, Any]:
    """The seed and the block ``name`` of a stage that belongs to no competition (``fetch``: a ``Fetch``, and so on)."""
    return _other_block(_document(path), path, name)


def _other_block(document: Mapping[str, Any], path: Path, name: str) -> tuple[int, Any]:
    block = block_of(_OTHER_BLOCKS[name], document.get(name, {}), f"{path}: {name}")
    if isinstance(block, FashionMnist):
        _check_presets(block, f"{path}: {name}")
    elif isinstance(block, Imdb):
        _check_variants(block, f"{path}: {name}")
    return _seed(document, path), block


def _check_presets(block: FashionMnist, where: str) -> None:
    """The preset asked for is there, and ``filters`` are such as its ``network`` has."""
    if block.preset not in ("auto", *block.presets):
        raise UserError(
            f"{where}.preset is {block.preset!r}{hint(block.preset, block.presets)} Expected auto or one of "
            f"{listed(block.presets)}."
        )
    for name, preset in block.presets.items():
        key, count = f"{where}.presets.{name}.filters", len(preset.filters)
        if preset.network == "dense" and count:
            raise UserError(
                f"{key} is {list(preset.filters)}, but network is dense. Empty it, or set network: convolutional."
            )
        if preset.network == "convolutional" and not 1 <= count <= MOST_CONVOLUTIONS:
            raise UserError(
                f"{key} names {count} layers of convolutions; expected 1 to {MOST_CONVOLUTIONS}, since each halves the "
                "picture's 28 pixels. Without any, set network: dense."
            )


def _check_variants(block: Imdb, where: str) -> None:
    """The plain variant is there, and none has the name of other networks."""
    if PLAIN not in block.variants:
        raise UserError(f"{where}.variants has no {PLAIN!r}; the others are compared with it.")
    taken = sorted({TO_THE_END, PHRASES, CONVOLUTION} & block.variants.keys())
    if taken:
        raise UserError(f"{where}.variants has {taken[0]!r}, which the stage calls networks of its own. Rename it.")


def load_source(path: Path, name: str) -> Source:
    """Where the raw files of ``name`` come from. Raises ``UserError`` on a hash that is none."""
    return _source(_document(path), path, name)


def _source(document: Mapping[str, Any], path: Path, name: str) -> Source:
    entry, where = _entry(document, path, "source", name)
    check_known(entry, [f.name for f in fields(Source)], where)
    urls = entry.get("urls") or []
    if not isinstance(urls, list):
        raise UserError(f"{where}.urls is {urls!r}; expected a list of addresses.")
    files: dict[str, tuple[str, ...]] = {}
    for file, digests in mapping_of(entry.get("files"), f"{where}.files").items():
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
    check_known(document, ["seed", *BLOCKS, *_OTHER_BLOCKS, "sources", "competitions"], str(path))
    return document


def _seed(document: Mapping[str, Any], path: Path) -> int:
    return value_of(document.get("seed", MISSING), f"{path}: seed", Rule(int, 0, 2**31 - 1))


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
    return mapping_of(document, path)


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
    if table.metric not in METRICS[table.task]:
        raise UserError(
            f"{path}: {place('table.metric')} is {table.metric!r}, but task {table.task!r} is scored by one of "
            f"{listed(METRICS[table.task])}."
        )
    if table.positive and table.task != "binary":
        raise UserError(
            f"{path}: {place('table.positive')} is {table.positive!r}, one of two classes, but {place('table.task')} "
            f"is {table.task!r}. Delete the first."
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
