"""Known anticancer agents: to find one again among the hits is a check that the search works, and no discovery."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("known_agents.csv")


@cache
def agents() -> dict[str, str]:
    """First block of the InChIKey -> name of approved or clinically tested small molecules against cancer."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["inchikey"][:14]: row["name"] for row in csv.DictReader(file)}
