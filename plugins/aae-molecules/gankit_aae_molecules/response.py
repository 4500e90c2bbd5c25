"""What the GI neuron stands for: the response of each kind of table as one number around 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit.errors import UsageError

POTENCIES = ("gi50", "potency")  # kinds of which the dose is the response
FEWEST_APART = 1e-3  # a deviation below it would blow up the neuron


@dataclass(frozen=True)
class Response:
    """A linear scale between responses and the GI neuron.

    Of percent growth ("growth", "viability") the neuron is the standardised value. Of tables that know only doses of
    half effect ("gi50", "potency") it is pGI50 = -log10 of that dose in mol/l, standardised: their concentration is the
    response, and so no input. Of labels ("active") it is the log-odds of being active above those of the training
    rows, divided by `spread`.

    Attributes:
        kind: Key of `tables.responses.KINDS`.
        centre: Response, or log-odds, at which the neuron is 0.
        spread: Of the response for one unit of the neuron.
        low: Lowest response of the training rows.
        high: The highest.
    """

    kind: str
    centre: float
    spread: float
    low: float
    high: float

    @classmethod
    def fitted(cls, kind: str, values: np.ndarray) -> Response:
        """The scale of training responses, as `values` gives them."""
        values = np.asarray(values, np.float64)
        low, high = float(values.min()), float(values.max())
        if kind == "viability":
            low = max(low, 0.0)  # below is noise: no count at time zero is known
        if kind == "active":
            share = float(np.clip(values.mean(), 0.5 / len(values), 1 - 0.5 / len(values)))
            return cls(kind, float(np.log(share / (1 - share))), 2.0, low, high)
        return cls(kind, float(values.mean()), max(float(values.std()), FEWEST_APART), low, high)

    @property
    def labelled(self) -> bool:
        """Whether responses are labels."""
        return self.kind == "active"

    @property
    def dosed(self) -> bool:
        """Whether the concentration is an input beside the fingerprint."""
        return self.kind in ("growth", "viability")

    @property
    def unit(self) -> str:
        """In words, for a column of figures."""
        if self.labelled:
            return "probability of the label active"
        if self.kind == "viability":
            return "percent growth (viability: 0 is all killed)"
        return "percent growth" if self.dosed else "pGI50"

    def neuron(self, values: Any) -> np.ndarray:
        """Responses (for labels: probabilities) -> values of the neuron, float64."""
        values = np.asarray(values, np.float64)
        if self.labelled:
            values = np.clip(values, 1e-6, 1 - 1e-6)
            values = np.log(values / (1 - values))
        return (values - self.centre) / self.spread

    def value(self, neuron: Any) -> np.ndarray:
        """The inverse of `neuron`."""
        values = np.asarray(neuron, np.float64) * self.spread + self.centre
        return 1 / (1 + np.exp(-values)) if self.labelled else values

    def checked(self, value: float | None) -> float:
        """A response that may be asked for; None asks for an effective one.

        Raises:
            UsageError: It is outside what was trained with; the hint says the range.
        """
        if self.labelled:
            value = 0.9 if value is None else value
            if not 0 < value < 1:
                raise UsageError(f"{value:g} is no probability of the label active", "ask for one between 0 and 1")
            return value
        if value is None:
            return float(np.clip(0.0 if self.dosed else self.high, self.low, self.high))
        if not self.low <= value <= self.high:
            raise UsageError(
                f"a response of {value:g} was never seen in training",
                f"this run knows {self.unit} from {self.low:.4g} to {self.high:.4g}",
            )
        return value


def values(kind: str, gi: np.ndarray, log_conc: np.ndarray) -> np.ndarray:
    """The responses of a table's rows: percent growth, pGI50, or labels of 0 and 1."""
    return -log_conc if kind in POTENCIES else gi
