"""What a table holds, for `gankit data check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from gankit_aae_molecules.response import POTENCIES, values
from gankit_aae_molecules.tables.responses import KINDS, Responses

MOST_NAMES = 10


def describe(responses: Responses) -> dict[str, Any]:
    """All figures as JSON.

    Returns:
        file, format, title, kind and its meaning; rows (of the file), points; counts of compounds and cell lines;
        doses (log10 of mol/l; None without any) and responses (lowest, quartiles, highest, shares; for labels the count
        of actives); what was dropped, clipped, censored and assumed.
    """
    summary = responses.summary
    used = np.unique(responses.compound)
    found: dict[str, Any] = {
        "file": summary.file,
        "format": summary.format,
        "title": summary.title,
        "kind": responses.kind,
        "meaning": KINDS[responses.kind],
        "rows": summary.rows_read,
        "points": len(responses),
        "compounds": {
            "named": summary.named,
            "resolved": summary.named - len(summary.unresolved) - len(summary.bad_smiles),
            "distinct": len(responses.compounds),
            "with_points": len(used),
            "fingerprints": len(np.unique(responses.compounds.fingerprint, axis=0)),
            "merged": summary.merged,
            "unresolved": summary.unresolved,
            "bad_smiles": [{"name": name, "smiles": text, "why": why} for name, text, why in summary.bad_smiles],
        },
        "cell_lines": {"in_file": len(summary.lines_in_file), "read": responses.cell_lines},
    }
    if responses.kind == "active":
        count = np.bincount(responses.compound, minlength=len(responses.compounds))
        labels = np.bincount(responses.compound, responses.gi, len(responses.compounds))[count > 0] / count[count > 0]
        found["doses"] = None
        found["responses"] = {
            "active_points": int(responses.gi.sum()),
            "active_compounds": int((labels == 1).sum()),
            "compounds_with_both_labels": int(((labels > 0) & (labels < 1)).sum()),
        }
    else:
        low, high = float(responses.log_conc.min()), float(responses.log_conc.max())
        shown = values(responses.kind, responses.gi, responses.log_conc)
        quartiles = np.percentile(shown, [0, 25, 50, 75, 100]).tolist()
        found["doses"] = {"lowest_log10_molar": low, "highest_log10_molar": high}
        names = ("lowest", "first_quartile", "median", "third_quartile", "highest")
        found["responses"] = dict(zip(names, quartiles, strict=True))
        if responses.kind not in POTENCIES:
            found["responses"]["share_below_50"] = float((responses.gi < 50).mean())
            found["responses"]["share_below_0"] = float((responses.gi < 0).mean())
    counts = asdict(summary)
    return {**found, **{key: counts[key] for key in ("dropped", "clipped", "censored", "notes")}}


def text(found: dict[str, Any]) -> str:
    """The same in words.

    Args:
        found: From `describe`.
    """
    compounds, lines, responses = found["compounds"], found["cell_lines"], found["responses"]
    counts = [f"{compounds[key]:,} {key}" for key in ("named", "resolved", "distinct", "fingerprints")]
    rows = [
        ("format", f"{found['format']}: {found['title']}"),
        ("response", f"{found['kind']}: {found['meaning']}"),
        ("rows", f"{found['rows']:,}; points {found['points']:,}"),
        ("compounds", ", ".join(counts)),
    ]
    if compounds["merged"]:
        some = "; ".join(" = ".join(names[:4]) for names in compounds["merged"][:3])
        rows.append(("merged", f"{len(compounds['merged']):,} structures stand more than once: {some}"))
    if compounds["unresolved"]:
        rows.append(("unresolved", _some(compounds["unresolved"])))
    if bad := compounds["bad_smiles"]:
        rows.append(("bad SMILES", _some([f"{one['name']} ({one['why']})" for one in bad])))
    count = f"{len(lines['read'])} of {lines['in_file']}" if lines["in_file"] else "not in the file"
    rows.append(("cell lines", count + (f": {_some(lines['read'])}" if lines["in_file"] else "")))
    if found["doses"] is None:
        rows.append(("labels", ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in responses.items())))
    else:
        low, high = found["doses"]["lowest_log10_molar"], found["doses"]["highest_log10_molar"]
        doses, unit = ("half effect", "pGI50") if found["kind"] in POTENCIES else ("doses", "percent growth")
        micro = f"{10 ** (low + 6):.4g} to {10 ** (high + 6):.4g} uM"
        rows.append((doses, f"{micro} (log10 mol/l {low:.2f} to {high:.2f})"))
        shown = " / ".join(f"{value:.1f}" for value in list(responses.values())[:5]) + " (lowest, quartiles, highest)"
        if "share_below_50" in responses:
            shown += f"; {responses['share_below_50']:.1%} below 50, {responses['share_below_0']:.1%} below 0"
        rows.append((unit, shown))
    for reason, dropped in found["dropped"].items():
        examples = f" ({'; '.join(dropped['examples'])})" if dropped["examples"] else ""
        rows.append(("dropped", f"{dropped['count']:,}: {reason}{examples}"))
    if found["clipped"]:
        rows.append(("clipped", f"{found['clipped']:,} responses outside [-100, 150]"))
    if found["censored"]:
        rows.append(("censored", f"{found['censored']:,} half-effect doses are bounds of the tested range"))
    rows += [("note", note) for note in found["notes"]]
    return "\n".join(f"{name:15}{words}" for name, words in rows)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
