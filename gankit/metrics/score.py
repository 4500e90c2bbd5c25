"""A figure with all that it depends on, so that only like is compared with like.

One and the same WGAN-GP has an FID of 53.98 in one library and of 22.29 in another: sample counts, the feature network
or the way of resizing differ. So every metric of distributions here returns a `Score`, and `difference` refuses two
whose protocols differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gankit.errors import DataError, NonFinite
from gankit.support.values import flat

_DIRECTIONS = ("lower", "higher", None)


@dataclass(frozen=True)
class Score:
    """One figure and its protocol.

    Attributes:
        metric: Its name, such as `fid`.
        value: Finite.
        error: Its uncertainty, of the kind that the protocol's `error` names, or None where none is estimated.
        protocol: All that changes the figure: what the features are (network, hash of its weights, resize), how many
            samples, neighbours, subsets, the seed. Kept as JSON gives it back, so that a stored score equals itself.
        better: `lower` or `higher`; None for a figure that has no better end, but a value to be near to.

    Raises:
        NonFinite: The value or the error is NaN or infinite.
        TypeError: The protocol holds something that JSON doesn't know.
        ValueError: Another direction than these, or the protocol holds NaN or infinity.

    Examples:
        >>> Score("fid", 9.0, None, {"samples": 5000}, "lower").as_dict()["value"]
        9.0
    """

    metric: str
    value: float
    error: float | None
    protocol: Mapping[str, Any]
    better: Literal["higher", "lower"] | None = None

    def __post_init__(self) -> None:
        if self.better not in _DIRECTIONS:
            raise ValueError(f"better is 'lower', 'higher' or None, not {self.better!r}")
        for name in ("value", "error"):
            number = getattr(self, name)
            if number is None and name == "error":
                continue
            if not math.isfinite(number):
                raise NonFinite(
                    f"the {name} of {self.metric} is {number}", "samples with huge values overflow: look at their range"
                )
            object.__setattr__(self, name, float(number))
        plain = json.loads(json.dumps(dict(self.protocol), default=_plain, allow_nan=False))
        object.__setattr__(self, "protocol", plain)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "metric": self.metric,
            "value": self.value,
            "error": self.error,
            "protocol": json.loads(json.dumps(self.protocol)),  # a copy, down to the leaves
            "better": self.better,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Score:
        """The score that `as_dict` gave.

        Raises:
            DataError: A field is missing, unknown or of the wrong type.
        """
        names = {"metric", "value", "error", "protocol", "better"}
        if not isinstance(fields, Mapping) or set(fields) != names:
            raise DataError("this is no score", f"a score has the fields {', '.join(sorted(names))}")
        numbers = [fields["value"]] if fields["error"] is None else [fields["value"], fields["error"]]
        if (
            not isinstance(fields["metric"], str)
            or not isinstance(fields["protocol"], Mapping)
            or fields["better"] not in _DIRECTIONS
            or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers)
        ):
            raise DataError("this is no score: a field has the wrong type", "write scores with Score.as_dict")
        return cls(**fields)


@dataclass(frozen=True)
class Difference:
    """How one score differs from another of the same protocol.

    Attributes:
        value: The first less the second.
        error: Root of the sum of the squared errors, as if the two were independent; None where either has none.
        better: Whether the first is better; None where they are equal or the metric has no better end.

    Examples:
        >>> Difference(-1.0, None, True).better
        True
    """

    value: float
    error: float | None
    better: bool | None


def difference(first: Score, second: Score) -> Difference:
    """Compares two figures, if they can be compared.

    Args:
        first: Of one model.
        second: Of another.

    Returns:
        First less second, and which is better.

    Raises:
        DataError: The metrics or the protocols differ; the hint names each key that does, with both values.

    Examples:
        >>> protocol = {"samples": 5000}
        >>> difference(Score("fid", 9.0, 3.0, protocol, "lower"), Score("fid", 10.0, 4.0, protocol, "lower"))
        Difference(value=-1.0, error=5.0, better=True)
    """
    if first.metric != second.metric:
        raise DataError(
            f"{first.metric} cannot be compared with {second.metric}", "compare two scores of the same metric"
        )
    a = leaves_as_json({**first.protocol, "better": first.better})
    b = leaves_as_json({**second.protocol, "better": second.better})
    differing = [key for key in sorted({*a, *b}) if a.get(key) != b.get(key)]
    if differing:
        pairs = "; ".join(f"{key}: {a.get(key, 'nothing')} and {b.get(key, 'nothing')}" for key in differing)
        raise DataError(
            f"these two scores of {first.metric} have different protocols and cannot be compared",
            f"score both models in the same way; they differ in {pairs}",
        )
    value = first.value - second.value
    error = None if first.error is None or second.error is None else math.hypot(first.error, second.error)
    better = None if value == 0 or first.better is None else (value < 0) == (first.better == "lower")
    return Difference(value, error, better)


def leaves_as_json(protocol: Mapping[str, Any]) -> dict[str, str]:
    """The leaves of a protocol by their dotted keys, as JSON: it tells 1 from True, and None from no key at all."""
    return {key: json.dumps(value) for key, value in flat(protocol).items()}


def _plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers and arrays, and mappings that are no dict."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a protocol holds what JSON can, not {type(value).__name__}")
