"""What a column holds, by its name: roles, units, and the user's own `--columns`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gankit.errors import UsageError, did_you_mean

ROLES = {
    "smiles": "SMILES",
    "compound": "name or number of the compound",
    "cell_line": "cell line",
    "concentration": "concentration, with a unit (uM, nM, log10M, ...)",
    "unit": "unit of the concentration, if it differs between rows",
    "gi": "percent growth: 100 as the control, 0 stasis, -100 all killed",
    "viability": "viability against the control, as percent or fraction",
    "inhibition": "100 - viability, as percent or fraction",
    "half": "concentration of half effect (IC50, GI50), with a unit",
    "potency": "-log10 of it in mol/l (pIC50, pGI50)",
    "label": "1 active, 0 inactive",
}
RESPONSES = ("gi", "viability", "inhibition", "half", "potency", "label")

_UNITS = {
    "m": 0,
    "molar": 0,
    "mm": -3,
    "um": -6,
    "µm": -6,
    "μm": -6,
    "micromolar": -6,
    "nm": -9,
    "nanomolar": -9,
    "pm": -12,
}
_PERCENT, _FRACTION = {"%", "percent", "pct", "prcnt", "perc"}, {"fraction", "frac", "ratio"}
_LOGS = {"log", "log10"}
_WORDS = {
    "concentration": {"conc", "concentration", "dose", "doses", "molarity"},
    "gi": {"gi", "giprcnt", "growth", "gipercent"},
    "viability": {"viability", "survival", "viab"},
    "inhibition": {"inhibition", "inhib"},
    "half": {"ic50", "gi50", "ec50"},
}
_LEFT_OUT = {"cell", "cells", "average", "mean", "median", "value", "values", "the", "in", "of", "relative"}
_PLAIN = {
    "compound": {
        "compound", "compoundname", "name", "drug", "drugname", "molecule", "id", "compoundid", "moleculeid",
        "chemblid", "moleculechemblid", "drugid", "nsc", "ncs", "nscid", "nscnumber", "cid", "pubchemid", "zincid",
    },
    "cell_line": {
        "cellline", "celllinename", "cell", "cellname", "line", "ccleid", "depmapid", "modelid", "cosmicid", "ccle",
        "cclecelllinename",
    },
    "unit": {"unit", "units", "concentrationunit", "concentrationunits", "concunit", "concunits", "doseunit"},
    "potency": {"pic50", "pgi50", "pec50"},
    "label": {"label", "labels", "active", "activity", "class", "outcome", "isactive"},
}  # fmt: skip


ID_KINDS = {  # what a column identifies compounds by; two numbers are one only if both are of a kind
    "nsc": "nsc", "ncs": "nsc", "nscid": "nsc", "nscnumber": "nsc",
    "drugid": "drug_id", "gdscid": "drug_id", "gdscdrugid": "drug_id",
    "name": "name", "compound": "name", "compoundname": "name", "drug": "name", "drugname": "name", "molecule": "name",
    "preferredname": "name", "prefname": "name", "pertiname": "name",
    "synonyms": "synonyms", "synonym": "synonyms", "alternativenames": "synonyms", "aliases": "synonyms",
    "id": "any", "compoundid": "any", "key": "any",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column and what its numbers are in.

    Attributes:
        name: As the file writes it.
        exponent: Of concentrations: they are in 10^exponent mol/l; None if that is not said.
        log: They are log10 of it.
        scale: 1 for percent, 100 for fractions; None if that is not said.
    """

    name: str
    exponent: int | None = None
    log: bool = False
    scale: int | None = None


def plain(name: str) -> str:
    """A name in small letters and digits only; the sign for micro is u."""
    return re.sub(r"[^a-z0-9]", "", name.casefold().replace("μ", "u").replace("µ", "u"))


def maybe(columns: Sequence[str], *names: str) -> str | None:
    """The column with the first of some plain names that there is; None if there is none."""
    found: dict[str, str] = {}
    for column in columns:
        found.setdefault(plain(column), column)
    return next((found[name] for name in names if name in found), None)


def the(columns: Sequence[str], *names: str) -> str:
    """As `maybe`, in a table of a known format, which has it."""
    return maybe(columns, *names)  # type: ignore[return-value]


def unit(text: str) -> tuple[int, bool] | None:
    """Exponent and whether it is a logarithm: (-6, False) for uM, (0, True) for log10M; None for no unit."""
    words = _split(text)
    log = bool(_LOGS & set(words))
    rest = [word for word in words if word not in _LOGS]
    if rest in (["mol", "l"], ["mol", "litre"], ["mol", "liter"]):
        return 0, log
    return (_UNITS[rest[0]], log) if len(rest) == 1 and rest[0] in _UNITS else None


def guess(columns: Sequence[str]) -> dict[str, list[Column]]:
    """The columns that can play each role, likeliest first."""
    found: dict[str, list[Column]] = {}
    for name in columns:
        role = _role(name)
        if role is not None:
            found.setdefault(role[0], []).append(role[1])
    if "smiles" in found:
        found["smiles"].sort(key=lambda column: (plain(column.name) != "smiles", "isomeric" not in plain(column.name)))
    return found


def _role(name: str) -> tuple[str, Column] | None:
    simple = plain(name)
    if simple.endswith("smiles") or simple.startswith("smiles"):
        return "smiles", Column(name)
    for role, names in _PLAIN.items():
        if simple in names:
            return role, Column(name)
    words = [word for word in _split(name) if word not in _LEFT_OUT]
    if _WORDS["inhibition"] & set(words):
        words = [word for word in words if word != "growth"]
    for role, known in _WORDS.items():
        if len(known & set(words)) != 1:
            continue
        rest = [word for word in words if word not in known]
        if role in ("concentration", "half"):
            log = bool(_LOGS & set(rest))
            rest = [word for word in rest if word not in _LOGS]
            measured = unit(" ".join(rest)) if rest else None
            if not rest or measured:
                return role, Column(name, measured[0] if measured else None, log)
        elif not set(rest) - _PERCENT - _FRACTION:
            scale = 1 if _PERCENT & set(rest) else 100 if _FRACTION & set(rest) else None
            return role, Column(name, scale=scale)
    return None


def _split(name: str) -> list[str]:
    """Words of a name: Log10Conc_uM -> log10, conc, um."""
    text = re.sub(r"(?i)^(log10|log)(?=[a-z])", r"\1 ", name.strip()).replace("%", " % ")
    return [word for word in re.split(r"[^\w%]+|_", text.casefold()) if word]


def mapped(given: Mapping[str, str] | Sequence[str] | str, columns: Sequence[str]) -> dict[str, Column]:
    """The user's own roles.

    Args:
        given: Role -> column, or `role=column` in a list or between commas. After the column may stand a colon and a
            unit: `concentration=Dose:uM`, `viability=v:fraction`.
        columns: Of the file.

    Raises:
        UsageError: A role, a column or a unit is unknown.
    """
    if isinstance(given, str):
        given = [part for part in given.split(",") if part.strip()]
    if not isinstance(given, Mapping):
        pairs = [part.partition("=") for part in given]
        if bad := next((part for part in pairs if not part[1]), None):
            raise UsageError(f"{bad[0]!r} does not say which column it is", "write --columns smiles=NAME")
        given = {role: name for role, _, name in pairs}
    return {role.strip(): _mapped(role.strip(), name.strip(), columns) for role, name in given.items()}


def _mapped(role: str, name: str, columns: Sequence[str]) -> Column:
    if role not in ROLES:
        raise UsageError(f"columns cannot play the role {role!r}", did_you_mean(role, ROLES))
    word = ""
    if name not in columns:
        name, _, word = name.rpartition(":")
    if name not in columns:
        raise UsageError(f"the table has no column {name or word!r}", did_you_mean(name or word, columns))
    guessed = _role(name)
    if not word:
        return guessed[1] if guessed and guessed[0] == role else Column(name)
    measured = unit(word)
    if role in ("concentration", "half") and measured:
        return Column(name, *measured)
    if role in ("viability", "inhibition", "gi") and word.casefold() in _PERCENT | _FRACTION:
        return Column(name, scale=1 if word.casefold() in _PERCENT else 100)
    known = "uM, nM, mM, M, log10M, log10uM" if role in ("concentration", "half") else "percent, fraction"
    raise UsageError(f"{word!r} is no unit of {role}", f"known: {known}")
