"""Adjusted prices, and splits that a file forgot.

An unadjusted split is a gap between two sessions: the open stands at the old close divided by the ratio, almost
exactly, and the rest of the day is an ordinary one. A crash moves on during the day, and its open hits no ratio.
On Apple's prices, 2000-09-29 (a profit warning) opened at 0.527 of the day before and closed at 0.481; 2005-02-28
(2:1) opened at 0.502. Closes alone cannot tell the two apart: of them only the large ratios are believed.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from gankit_stock_gan.bars.raw import Raw

PRICES = ("open", "high", "low", "close")
RATIOS = tuple(
    ratio
    for new, old in ((3, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1), (15, 1), (20, 1), (50, 1))
    for ratio in (Fraction(new, old), Fraction(old, new))
)  # new shares for old ones
LARGE = 4  # the smallest ratio that closes alone prove
OUTLIER = 6.0  # robust standard deviations
OPEN_WITHIN, CLOSE_WITHIN = 0.03, 0.08  # of the log ratio, in a calm market
OPEN_SIGMAS, CLOSE_SIGMAS = 1.5, 5.0  # in a lively one


def adjust(raw: Raw) -> None:
    """Scales open, high, low and close by adjusted close / close, where the file has both.

    The volume stays as it is.
    """
    adjusted = raw.fields.pop("adjusted", None)
    if adjusted is None:
        raw.notes.append("prices are taken as they are, unadjusted: the file has no adjusted close")
        return
    factor = adjusted / raw.fields["close"]
    for role in PRICES:
        if role in raw.fields:
            raw.fields[role] = raw.fields[role] * factor
    raw.fields["close"] = adjusted
    raw.notes.append("prices are adjusted by the file's adjusted close")


def find(close: np.ndarray, bars: tuple[np.ndarray, np.ndarray, np.ndarray] | None) -> list[tuple[int, Fraction, bool]]:
    """Splits that the prices show.

    Args:
        close: `[n]`, positive.
        bars: Opens, highs and lows `[n]` each, or None.

    Returns:
        Row of the first session at the new price, new shares for an old one, and whether it is beyond doubt. It is in
        doubt where only closes show it and the ratio is below `LARGE`.
    """
    if len(close) < 3:
        return []
    step = np.diff(np.log(close))
    sigma = 1.4826 * float(np.median(np.abs(step - np.median(step))))
    found = []
    for row in np.flatnonzero(np.abs(step) > max(OUTLIER * sigma, 0.3)) + 1:
        shown = step[row - 1] if bars is None else np.log(bars[0][row] / close[row - 1])
        ratio = min(RATIOS, key=lambda ratio: abs(np.log(float(ratio)) + shown))
        rest = abs(step[row - 1] + np.log(float(ratio)))
        if bars is None:
            if rest <= max(OPEN_WITHIN, min(CLOSE_WITHIN, 3 * sigma)):
                found.append((int(row), ratio, max(ratio, 1 / ratio) >= LARGE))
        elif (
            abs(shown + np.log(float(ratio))) <= max(OPEN_WITHIN, OPEN_SIGMAS * sigma)
            and rest <= max(CLOSE_WITHIN, CLOSE_SIGMAS * sigma)
            and np.log(bars[1][row] / bars[2][row]) <= max(CLOSE_WITHIN, OUTLIER * sigma)
        ):
            found.append((int(row), ratio, True))
    return found


def mend(raw: Raw, keep: bool) -> None:
    """Divides the prices before each split by its ratio, and multiplies the volumes.

    Args:
        raw: Clean and adjusted; changed in place.
        keep: Only note the splits.
    """
    whole = "open" in raw.fields
    doubted = []
    for row, ratio, sure in find(raw.fields["close"], tuple(raw.fields[k] for k in PRICES[:3]) if whole else None):
        words = f"{ratio.numerator}:{ratio.denominator} split on {raw.where(row)}"
        if not sure:
            doubted.append(words)
        elif keep:
            raw.notes.append(f"a {words} is not adjusted for in the file, nor here, as asked: it looks like a return")
        else:
            number = float(ratio if ratio > 1 else 1 / ratio)
            verb = "divided" if ratio > 1 else "multiplied"
            raw.notes.append(f"a {words} was not adjusted for in the file; earlier prices were {verb} by {number:g}")
            for role in PRICES:
                if role in raw.fields:
                    raw.fields[role][:row] /= float(ratio)
            if "volume" in raw.fields:
                raw.fields["volume"][:row] *= float(ratio)
    if doubted:
        raw.notes.append(
            f"{len(doubted)} of the price jumps could be a split or news, which closes alone do not tell; nothing was"
            f" changed ({', '.join(doubted[:3])}{', ...' if len(doubted) > 3 else ''})"
        )
