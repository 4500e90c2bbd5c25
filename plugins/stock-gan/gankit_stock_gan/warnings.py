"""What a reader of any figure, picture or file of this plugin must know."""

from __future__ import annotations

from collections.abc import Sequence

from gankit_stock_gan.bars import Series
from gankit_stock_gan.config import BarsConfig

SHORT = 250  # held-out sessions, about a year
ADVICE = "not investment advice: the past of some prices, and no more"


def warnings(config: BarsConfig, series: Sequence[Series], tested: int, *more: str) -> list[str]:
    """Clauses, the general one first.

    Args:
        config: Whether splits are left as they are.
        series: With what reading them found.
        tested: Held-out sessions of each.
        more: Clauses that come next to the general one.
    """
    found = [ADVICE, *more]
    if tested < SHORT:
        found.append(f"short test of {tested} sessions: chance decides")
    for one in series:
        found += [f"{one.name}: {note}" for note in one.notes]
        if one.volume is not None and (idle := int((one.volume == 0).sum())):
            found.append(f"{one.name}: no volume on {idle:,} of {len(one):,} sessions")
    if config.splits == "keep":
        found.append("splits are left as in the files: a price that halves overnight may be one")
    return found
