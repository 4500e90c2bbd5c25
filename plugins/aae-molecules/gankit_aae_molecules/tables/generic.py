"""Tables of no known source: columns by their usual names, or by the user's `--columns`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from gankit.errors import DataError, UsageError
from gankit_aae_molecules.tables.columns import ID_KINDS, RESPONSES, Column, guess, mapped, plain, unit
from gankit_aae_molecules.tables.pieces import Piece
from gankit_aae_molecules.tables.points import Identity, Reading, log_molar

BITS = 166
YES, NO = {"1", "1.0", "true", "active", "yes"}, {"0", "0.0", "false", "inactive", "no"}
LOWEST_POTENCY, HIGHEST_POTENCY = -1.0, 15.0  # pIC50: 10 mol/l is no concentration of a drug, 1 fmol/l no measured one
LIKE_FRACTIONS = 2.0  # percentages of which none is above this are taken for unsaid fractions
BY_DOSE = ("gi", "viability", "inhibition")
KINDS = {
    "gi": "growth",
    "viability": "viability",
    "inhibition": "viability",
    "half": "potency",
    "potency": "potency",
    "label": "active",
}


def roles(columns: Sequence[str], given: Mapping[str, str] | Sequence[str] | str | None) -> dict[str, Column]:
    """Which column plays which role; empty if they are not enough to read the table.

    A response is chosen in the order of `RESPONSES`; those by dose need a concentration.

    Raises:
        UsageError: See `columns.mapped`.
    """
    own = mapped(given, columns) if given else {}
    found = {role: candidates[0] for role, candidates in guess(columns).items() if role not in own}
    if set(own) & set(RESPONSES):
        found = {role: column for role, column in found.items() if role not in RESPONSES}
    found = {role: column for role, column in found.items() if column.name not in {c.name for c in own.values()}} | own
    doses = "concentration" in found
    kept = [r for r in RESPONSES if r in found and (doses or r not in BY_DOSE)]
    if not kept or not ({"smiles", "compound"} & set(found) or bit_columns(columns)):
        return {}
    return {role: column for role, column in found.items() if role not in RESPONSES or role == kept[0]}


def bit_columns(columns: Sequence[str]) -> list[str]:
    """The columns of MACCS keys 1 to 166, in order; empty if there are none.

    Known are 166 or 167 columns whose names are one word and consecutive numbers (from 0 or 1); of 167 the first is
    RDKit's unused bit 0.
    """
    found: dict[str, dict[int, str]] = {}
    for name in columns:
        if match := re.fullmatch(r"(\D*)(\d{1,3})", name.strip()):
            found.setdefault(match[1].casefold(), {})[int(match[2])] = name
    for numbered in found.values():
        order = sorted(numbered)
        if len(order) in (BITS, BITS + 1) and order == list(range(order[0], order[0] + len(order))) and order[0] < 2:
            return [numbered[i] for i in order][-BITS:]
    return []


def read(reading: Reading, chosen: dict[str, Column]) -> None:
    """Reads the table.

    Args:
        reading: Takes the points.
        chosen: From `roles`.

    Raises:
        UsageError: It is not said in which unit a column is.
    """
    response = next(role for role in RESPONSES if role in chosen)
    bits = [] if "smiles" in chosen else bit_columns(reading.table.columns)
    others = guess(reading.table.columns)
    for role in ("smiles", response):
        names = [column.name for column in others.get(role, []) if role in chosen and column != chosen[role]]
        if names:
            reading.note(f"{role} is column {chosen[role].name!r}, not {' or '.join(map(repr, names))}")
    ignored = [role for role in RESPONSES if role in others and role != response]
    if ignored:
        reading.note(
            f"the response is {chosen[response].name!r}; not read: {', '.join(others[r][0].name for r in ignored)}"
        )
    _checked_units(chosen, response)
    line, largest = chosen["cell_line"].name if "cell_line" in chosen else None, 0.0
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, line)
        values = piece[chosen[response].name]
        codes = _compounds(reading, piece, chosen, bits)
        if response == "label":
            reading.add(
                codes, lines, np.full(len(values), np.nan), np.array([_label(word) for word in values]), labels=True
            )
            continue
        if response in ("potency", "half"):
            numbers = reading.bounds(values)
            if response == "potency":
                numbers = _potencies(reading, numbers, chosen["potency"].name)
            log_conc = -numbers if response == "potency" else _logs(numbers, chosen["half"])
            reading.add(codes, lines, log_conc, np.where(np.isfinite(numbers), 50.0, np.nan))
            continue
        numbers = reading.numbers(values)
        finite = np.abs(numbers[np.isfinite(numbers)])
        largest = max(largest, finite.max(initial=0.0))
        percent = numbers * (chosen[response].scale or 1)
        log_conc = _doses(reading, piece, chosen)
        reading.add(codes, lines, log_conc, 100 - percent if response == "inhibition" else percent)
    if response in BY_DOSE and chosen[response].scale is None and 0 < largest <= LIKE_FRACTIONS:
        name = chosen[response].name
        raise UsageError(
            f"column {name!r} may hold percent or fractions: no value is above {LIKE_FRACTIONS:g}",
            f"say --columns {response}={name}:fraction or {response}={name}:percent",
        )


def _checked_units(chosen: dict[str, Column], response: str) -> None:
    role = "half" if response == "half" else "concentration"
    if response in ("potency", "label") or "unit" in chosen or chosen[role].exponent is not None:
        return
    name = chosen[role].name
    raise UsageError(
        f"the unit of column {name!r} is not said",
        f"name it {name}_uM, or say --columns {role}={name}:uM (or nM, M, log10M, log10uM)",
    )


def _doses(reading: Reading, piece: Piece, chosen: dict[str, Column]) -> np.ndarray:
    """log10 of mol/l `[rows]`."""
    column = chosen["concentration"]
    numbers = reading.numbers(piece[column.name])
    if "unit" not in chosen or column.exponent is not None:
        return _logs(numbers, column)
    words = piece[chosen["unit"].name]
    found = np.full(len(numbers), np.nan)
    for word in set(words):
        rows = words == word
        measured = unit(word)
        if measured is None:
            reading.note(f"concentrations in {word!r} are not understood")
        else:
            found[rows] = _logs(numbers[rows], Column("", measured[0], measured[1] or column.log))
    return found


def _logs(numbers: np.ndarray, column: Column) -> np.ndarray:
    assert column.exponent is not None  # `_checked_units` has seen to it
    return numbers + column.exponent if column.log else log_molar(numbers, column.exponent)


def _potencies(reading: Reading, numbers: np.ndarray, name: str) -> np.ndarray:
    """Negative logarithms of mol/l; NaN, counted, for what can be none.

    Raises:
        UsageError: Many of them can be none: the column holds something else.
    """
    known, odd = np.isfinite(numbers), (numbers < LOWEST_POTENCY) | (numbers > HIGHEST_POTENCY)
    if odd.sum() > 0.1 * known.sum():
        raise UsageError(
            f"column {name!r} holds no negative logarithms of mol/l: its values go from {np.nanmin(numbers):g} to "
            f"{np.nanmax(numbers):g}",
            f"say what they are: --columns half={name}:nM (or uM, M)",
        )
    if odd.any():
        reading.note(f"{int(odd.sum())} values of {name!r} are no negative logarithms of mol/l and are left out")
    return np.where(odd, np.nan, numbers)


def _label(word: str) -> float:
    return 1.0 if word.casefold() in YES else 0.0 if word.casefold() in NO else np.nan


def _compounds(reading: Reading, piece: Piece, chosen: dict[str, Column], bits: list[str]) -> np.ndarray:
    ids = {}
    if "compound" in chosen:
        column = chosen["compound"].name
        values = piece[column]
        kind = ID_KINDS.get(plain(column), "any")
        if kind in ("nsc", "drug_id"):
            word = "NSC" if kind == "nsc" else "GDSC"
            ids = {kind: values, "name": [value and f"{word} {value}" for value in values]}
        else:
            ids = {"name": values}
    if bits:
        return _fingerprints(reading, piece, ids, bits)
    if "smiles" not in chosen:
        return reading.identify(ids["name"], **ids)
    smiles = piece[chosen["smiles"].name]
    keys = [text or (ids["name"][i] if ids else "") for i, text in enumerate(smiles)]
    return reading.identify(keys, smiles=smiles, **ids)


def _fingerprints(reading: Reading, piece: Piece, ids: Mapping[str, Sequence[str]], bits: list[str]) -> np.ndarray:
    values = np.stack([reading.numbers(piece[name]) for name in bits], axis=1)
    bad = ~((values == 0) | (values == 1)).all(axis=1)
    rows = np.where(bad[:, None], 0, values).astype(np.uint8)
    keys = ["" if wrong else row.tobytes().hex() for wrong, row in zip(bad, rows, strict=True)]
    names = ids.get("name", [""] * len(keys))
    identity = [
        Identity(name or f"fingerprint {key[:8]}", bits=row) for name, key, row in zip(names, keys, rows, strict=True)
    ]
    return reading.identify(keys, identity)


def unknown(file: str, columns: Sequence[str], formats: Sequence[str]) -> DataError:
    """The error for a table that cannot be understood."""
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    shown = ", ".join(map(repr, columns[:20])) + more
    if sum(bool(re.match(r"^(BR|CNS|CO|LC|LE|ME|OV|PR|RE):", name)) for name in columns) > 1:
        return DataError(
            f"{file} looks like a table of CellMiner, whose z-scores say how selective a compound is, not how potent",
            "give DOSERESP or GI50 of the NCI-60 in its place",
        )
    return DataError(
        f"{file} is of no known format; its columns are {shown}",
        f"known: {', '.join(formats)}; or say which column is what, such as"
        " --columns smiles=NAME,concentration=NAME:uM,viability=NAME:percent,cell_line=NAME",
    )
