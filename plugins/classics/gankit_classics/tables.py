"""Tables for the recipe `gan`: the columns of a CSV file as numbers that a network can make, and back.

A column of numbers becomes normal by its own quantiles, so that neither scale nor skew matters; a column of words
becomes probabilities. Columns that are neither, such as names, are left out and said.
"""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from gankit import Data, Evaluation
from gankit.errors import DataError, UsageError

if TYPE_CHECKING:
    from gankit_classics.gan import GAN, GANConfig

log = logging.getLogger("gankit")

MOST_WORDS = 50  # different values of a column of words
KNOTS = 201  # quantiles that describe a column of numbers
EDGE = 1e-3  # quantiles are cut here: the normal distribution of 0 and 1 would be infinite
FEWEST_ROWS = 50
HELD_OUT = 5  # one row in five


def open_data(config: GANConfig) -> Data:
    """Reads a file; every fifth row of a fixed shuffle is held out.

    Raises:
        DataError: It cannot be read, or nothing is left to learn from.
    """
    from gankit import ArraySource

    table, columns = read(Path(config.data))
    order = np.random.default_rng(0).permutation(len(table))
    train, test = table.iloc[order[len(table) // HELD_OUT :]], table.iloc[order[: len(table) // HELD_OUT]]
    facts = {
        "data": Path(config.data).name,
        "columns": [_described(train[name], kind) for name, kind in columns.items()],
    }
    groups = [len(column["words"]) for column in facts["columns"] if "words" in column]
    width = sum(groups) + sum("knots" in column for column in facts["columns"])
    held_out = {"train": encode(train, facts), "test": encode(test, facts)}
    source = ArraySource(row=held_out["train"].astype(np.float32))
    return Data({"rows": source}, held_out, {**facts, "width": width, "groups": groups})


def read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The usable rows and columns of a file, and what each column holds: "integer", "number" or "words".

    Raises:
        DataError: It cannot be read, or nothing is left.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig") as file:
            head = file.readline()
        table = pd.read_csv(path, sep=max(",;\t", key=head.count), encoding="utf-8-sig", low_memory=False)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", "give a CSV file with a line of names") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}", "save it as UTF-8") from error
    except (OSError, EOFError, ValueError) as error:  # pandas' own errors are ValueErrors
        said = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a table: {said}", "give a CSV file with a line of names") from error
    if len(table) < FEWEST_ROWS:
        raise DataError(f"{path} has {len(table)} row(s) under its names", f"at least {FEWEST_ROWS} are needed")
    if all(re.fullmatch(r"[-+.\d]+(e[-+]?\d+)?", str(name)) for name in table.columns):
        log.warning(
            "the first line of %s is taken for names, and it is all numbers: is the line of names missing?", path
        )
    kinds = {name: _kind(table[name].dropna()) for name in table.columns}
    left_out = [f"{name} ({why})" for name, (kind, why) in kinds.items() if not kind]
    if left_out:
        log.warning("columns left out: %s", ", ".join(left_out))
    columns = {name: kind for name, (kind, _) in kinds.items() if kind}
    whole = table[list(columns)].dropna()
    if len(whole) < len(table):
        log.warning("%d of %d rows lack a value and are left out", len(table) - len(whole), len(table))
    if not columns or len(whole) < FEWEST_ROWS:
        raise DataError(
            f"{path} has {len(whole)} whole rows in {len(columns)} usable columns",
            f"at least {FEWEST_ROWS} rows are needed, and a column of numbers or of at most {MOST_WORDS} words"
            + ("; remove columns that are mostly empty" if columns else ""),
        )
    return whole, columns


def _kind(column: pd.Series) -> tuple[str, str]:
    """What a column holds ("integer", "number" or "words"), or "" and why it cannot be used."""
    if column.nunique() < 2:
        return "", "constant or empty"
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        many = column.astype(str).nunique()
        return ("words", "") if many <= MOST_WORDS else ("", f"{many} different words")
    if not np.isfinite(column).all():
        return "", "infinite values"
    return ("integer" if np.all(np.mod(column, 1) == 0) else "number"), ""


def _described(column: pd.Series, kind: str) -> dict[str, Any]:
    """What encoding and decoding a column needs, as JSON."""
    if kind == "words":
        return {"name": str(column.name), "words": sorted(column.astype(str).unique())}
    knots = np.quantile(column.to_numpy(float), np.linspace(0, 1, KNOTS))
    return {"name": str(column.name), "knots": knots.tolist(), "integer": kind == "integer"}


def encode(table: pd.DataFrame, facts: Mapping[str, Any]) -> np.ndarray:
    """`[rows, width]`: normal scores of the columns of numbers, then the words of each other column as one of many."""
    numbers: list[np.ndarray] = []
    words: list[np.ndarray] = []
    for column in facts["columns"]:
        values = table[column["name"]]
        if "words" in column:
            words.append((values.astype(str).to_numpy()[:, None] == np.array(column["words"])[None]).astype(float))
        else:
            numbers.append(_normal(values.to_numpy(float), np.array(column["knots"]))[:, None])
    return np.concatenate([*numbers, *words], axis=1)


def _normal(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Normal scores. A value that many rows share has many quantiles, and gets the middle one."""
    places = np.linspace(0, 1, len(knots))
    low, high = np.interp(values, knots, places), 1 - np.interp(-values, -knots[::-1], places)
    return norm.ppf(np.clip((low + high) / 2, EDGE, 1 - EDGE))


def decode(rows: np.ndarray, facts: Mapping[str, Any]) -> pd.DataFrame:
    """What the generator makes -> a table with the file's columns; the likeliest word of each column of words."""
    table, place, start = {}, 0, sum("knots" in column for column in facts["columns"])
    for column in facts["columns"]:
        if "words" in column:
            chosen = rows[:, start : start + len(column["words"])].argmax(axis=1)
            table[column["name"]] = np.array(column["words"])[chosen]
            start += len(column["words"])
        else:
            knots = np.array(column["knots"])
            values = np.interp(norm.cdf(rows[:, place]), np.linspace(0, 1, len(knots)), knots)
            table[column["name"]] = np.rint(values).astype(int) if column["integer"] else values
            place += 1
    return pd.DataFrame(table)


def evaluate(recipe: GAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """Generated rows against held-out ones, beside simpler ways to make rows."""
    from gankit_classics.table_scores import evaluate

    return evaluate(recipe, networks, data)


def sample(recipe: GAN, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Generated rows as a CSV file, and the distributions of the columns."""
    from gankit_classics.table_scores import distributions

    rows = recipe.draw(networks, data, recipe.config.samples, seed=1)
    rows.to_csv(out / "rows.csv", index=False)
    real = decode(data.held_out["test"], data.facts)
    return [out / "rows.csv", distributions(rows, real, data.facts, out / "columns.png")]
