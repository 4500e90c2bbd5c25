"""Tables for the recipe `gan`: the columns of a text file as numbers that a network can make, and back.

A column of numbers becomes normal by its own quantiles, so that neither scale nor skew matters; a column of words
becomes probabilities. Columns that are neither, such as names, are left out and said.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from gankit import ArraySource, Data, DataError, Evaluation
from gankit.support import TextTable, figure, write_csv
from gankit_classics.config import PictureFields
from gankit_classics.data import Draw
from gankit_classics.evaluation.tables import Columns, draw_distributions, table_evaluation

log = logging.getLogger("gankit")

MOST_WORDS = 50  # different values of a column of words
KNOTS = 201  # quantiles that describe a column of numbers
EDGE = 1e-3  # quantiles are cut here: the normal distribution of 0 and 1 would be infinite
FEWEST_ROWS = 50
HELD_OUT = 5  # one row in five
MISSING = frozenset(
    ["", *["#N/A", "#NA", "-nan", "-NaN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]]
)


def read(path: Path) -> tuple[Columns, dict[str, str], int]:
    """Reads a file with a line of names.

    Returns:
        The columns that can be learned, float64 numbers or words, of the rows that lack no value in them; name of each
        other column -> why it is left out; and the number of rows in the file.

    Raises:
        DataError: It cannot be read, or nothing is left to learn from.
    """
    file, rows = TextTable(path), []
    seen, names = Counter[str](), []
    for i, given in enumerate(file.names):
        name = given or f"column {i + 1}"
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    for line, row in file.rows():
        if any(row[len(names) :]):
            raise DataError(f"line {line} of {path} has {len(row)} cells, and there are {len(names)} names")
        rows.append(row[: len(names)] + [""] * (len(names) - len(row)))
    if len(rows) < FEWEST_ROWS:
        raise DataError(f"{path} has {len(rows)} row(s) under its names", f"at least {FEWEST_ROWS} are needed")
    if all(re.fullmatch(r"[-+.\d]+(e[-+]?\d+)?", name) for name in names):
        log.warning("the first line of %s is all numbers and is taken for names: is the line of names missing?", path)
    usable, left_out, whole = {}, {}, np.ones(len(rows), bool)
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        present = np.array([cell not in MISSING for cell in cells])
        values = _values(cells, present)
        if why := _useless(values[present]):
            left_out[name] = why
        else:
            usable[name], whole = values, whole & present
    if left_out:
        log.warning("columns left out: %s", ", ".join(f"{name} ({why})" for name, why in left_out.items()))
    count = int(whole.sum()) if usable else 0
    if usable and count < len(rows):
        log.warning("%d of %d rows lack a value and are left out", len(rows) - count, len(rows))
    if count < FEWEST_ROWS:
        raise DataError(
            f"{path} has {count} whole rows in {len(usable)} usable columns",
            f"at least {FEWEST_ROWS} rows are needed, and a column of numbers or of at most {MOST_WORDS} words"
            + ("; remove columns that are mostly empty" if usable else ""),
        )
    return {name: values[whole] for name, values in usable.items()}, left_out, len(rows)


def _values(cells: Sequence[str], present: np.ndarray) -> np.ndarray:
    """A column's values: numbers if all cells that are present are numbers, else words."""
    try:  # Python takes 1_000 for a number, and nobody else does
        return np.array([float(c.replace("_", "?")) if there else 0.0 for c, there in zip(cells, present, strict=True)])
    except ValueError:
        return np.array(cells, object)


def _useless(values: np.ndarray) -> str:
    """Why a column cannot be used; "" if it can."""
    different = len(set(values.tolist()))
    if different < 2:
        return "constant or empty"
    if values.dtype == object:
        return "" if different <= MOST_WORDS else f"{different} different words"
    return "" if np.isfinite(values).all() else "infinite values"


def _described(name: str, values: np.ndarray, integer: bool) -> dict[str, Any]:
    """What encoding and decoding a column needs, as JSON."""
    if values.dtype == object:
        return {"name": name, "words": sorted(set(values))}
    knots = np.quantile(values, np.linspace(0, 1, KNOTS)).tolist()
    return {"name": name, "knots": knots, "integer": integer}


def encode(table: Columns, facts: Mapping[str, Any]) -> np.ndarray:
    """`[rows, width]`: normal scores of the columns of numbers, then the words of each other column as one of many."""
    numbers: list[np.ndarray] = []
    words: list[np.ndarray] = []
    for column in facts["columns"]:
        values = table[column["name"]]
        if "words" in column:
            words.append((values[:, None] == np.array(column["words"])[None]).astype(float))
        else:
            numbers.append(_normal(values.astype(float), np.array(column["knots"]))[:, None])
    return np.concatenate([*numbers, *words], axis=1)


def _normal(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Normal scores. A value that many rows share has many quantiles, and gets the middle one."""
    places = np.linspace(0, 1, len(knots))
    low, high = np.interp(values, knots, places), 1 - np.interp(-values, -knots[::-1], places)
    return ndtri(np.clip((low + high) / 2, EDGE, 1 - EDGE))


class Tables:
    """Text files with a line of names."""

    latent = 32

    def open(self, config: PictureFields) -> Data:
        """Reads a file; every fifth row of a fixed shuffle is held out."""
        table, left_out, rows = read(Path(config.data))
        order = np.random.default_rng(0).permutation(len(next(iter(table.values()))))
        cut = len(order) // HELD_OUT
        train, test = ({name: x[part] for name, x in table.items()} for part in (order[cut:], order[:cut]))
        integer = {name for name, x in table.items() if x.dtype != object and not np.mod(x, 1).any()}
        columns = [_described(name, values, name in integer) for name, values in train.items()]
        groups = [len(column["words"]) for column in columns if "words" in column]
        width = sum(groups) + len(columns) - len(groups)
        facts = {"data": Path(config.data).name, "columns": columns, "width": width, "groups": groups}
        held_out = {"train": encode(train, facts), "test": encode(test, facts)}
        facts |= {"rows": rows, "left_out": left_out}
        return Data({"rows": ArraySource(row=held_out["train"].astype(np.float32))}, held_out, facts)

    def check(self, config: PictureFields, source: str) -> tuple[dict[str, Any], str]:
        """Rows, columns and what they hold, and what would be left out."""
        data = self.open(config.model_copy(update={"data": source}))
        counts = {part: len(data.held_out[part]) for part in ("train", "test")}
        facts = {"ok": True, **counts, **{key: data.facts[key] for key in ("rows", "columns", "left_out")}}
        lines = [
            f"rows        {facts['rows']:,}, of which {sum(counts.values()):,} lack no value",
            f"to train    {counts['train']:,} rows; {counts['test']:,} are held out",
            *(f"column      {column['name']}: {_said(column)}" for column in facts["columns"]),
            *(f"left out    {name}: {why}" for name, why in facts["left_out"].items()),
        ]
        return facts, "\n".join(lines)

    def decode(self, rows: np.ndarray, facts: Mapping[str, Any]) -> Columns:
        """What the generator makes -> the file's columns; the likeliest word of each column of words."""
        table, place, start = {}, 0, sum("knots" in column for column in facts["columns"])
        for column in facts["columns"]:
            if "words" in column:
                chosen = rows[:, start : start + len(column["words"])].argmax(axis=1)
                table[column["name"]] = np.array(column["words"])[chosen]
                start += len(column["words"])
            else:
                knots = np.array(column["knots"])
                values = np.interp(ndtr(rows[:, place]), np.linspace(0, 1, len(knots)), knots)
                table[column["name"]] = np.rint(values).astype(int) if column["integer"] else values
                place += 1
        return table

    def evaluate(self, config: PictureFields, data: Data, draw: Draw, untrained: Draw) -> Evaluation:
        """Generated rows against held-out ones, beside simpler ways to make rows."""

        def rounded(rows: np.ndarray) -> np.ndarray:
            return encode(self.decode(rows, data.facts), data.facts)

        makers = ((lambda count, made=made: encode(made(count), data.facts)) for made in (draw, untrained))
        return table_evaluation(data, config.samples, *makers, rounded)

    def sample(self, config: PictureFields, data: Data, draw: Draw, out: Path) -> list[Path]:
        """Generated rows as a CSV file, and the distributions of the columns."""
        made, real = draw(config.samples), self.decode(data.held_out["test"], data.facts)
        rows = [dict(zip(made, row, strict=True)) for row in zip(*(x.tolist() for x in made.values()), strict=True)]
        picture = draw_distributions(made, real, data.facts, out / "columns.png")
        return [write_csv(out / "rows.csv", rows), picture]


def _said(column: Mapping[str, Any]) -> str:
    """A column for people."""
    if words := column.get("words"):
        return f"{len(words)} words: {', '.join(words[:5])}{' …' * (len(words) > 5)}"
    low, high = (f"{x:,.0f}" if column["integer"] else figure(x) for x in (column["knots"][0], column["knots"][-1]))
    return f"{'whole numbers' if column['integer'] else 'numbers'}, {low} to {high}"


TABLES = Tables()
