"""Known anticancer agents: to find one again among the hits is a check that the search works, and no discovery."""

from __future__ import annotations

from functools import cache

from gankit_aae_molecules.shipped import csv_rows


@cache
def agents() -> dict[str, str]:
    """First block of the InChIKey -> name of approved or clinically tested small molecules against cancer."""
    return {row["inchikey"][:14]: row["name"] for row in csv_rows(__package__, "known_agents.csv")}
