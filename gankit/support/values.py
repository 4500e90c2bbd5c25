"""Small values: what is a number, what is a mapping, and how people read either."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeGuard


def finite(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number that a float can hold; True and False are none.

    Examples:
        >>> finite(0.5), finite(True), finite(float("nan"))
        (True, False, False)
    """
    # An int may be too large for a float, which math.isfinite does not survive, and is nevertheless less than infinity.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping as it is, and an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of nested mappings, by their keys joined with dots.

    Examples:
        >>> flat({"features": {"sha256": "ab", "size": 8}, "seed": 1})
        {'features.sha256': 'ab', 'features.size': 8, 'seed': 1}
    """
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            found |= flat(item, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = item
    return found


def figure(value: float) -> str:
    """A number as a person wants to read it.

    Examples:
        >>> figure(0.123456), figure(27.3456)
        ('0.1235', '27.35')
    """
    return f"{value:.4g}" if abs(value) < 10 else f"{value:.2f}"


def human(count: float) -> str:
    """Bytes as a person reads them; units of 1000.

    Examples:
        >>> human(3_500_000_000)
        '3.5 GB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 99.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds as a person reads them.

    Examples:
        >>> duration(42), duration(185), duration(7800)
        ('42 s', '3 min 05 s', '2 h 10 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left:02d} min" if hours else f"{minutes} min {rest:02d} s"
