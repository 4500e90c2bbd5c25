"""Fingerprints for a response."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gankit_aae_molecules.use.trained import Trained


def generated(trained: Trained, gi: float | None, count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of what is generated.

    Args:
        trained: The run.
        gi: Response to ask for; None for an effective one.
        count: How many.
        seed: Of the noise.

    Returns:
        `asked`, `read_back` (of the likely bits, by the encoder), `log_conc` (log10 of mol/l; None where the run knows
        none), `bits` (166 characters 0 and 1), and `sure`, the mean probability of the more likely value of a bit.

    Raises:
        UsageError: The response was never seen in training.
    """
    value, model = trained.checked(gi), trained.model
    probabilities, dose = model.generate(value, count, seed)
    bits = (probabilities >= 0.5).astype(np.uint8)
    read = model.predict(bits, dose)
    sure = np.maximum(probabilities, 1 - probabilities).mean(axis=1)
    concentrations = trained.log_conc(dose)
    return [
        {
            "asked": value,
            "read_back": round(float(read[i]), 4),
            "log_conc": None if math.isnan(concentrations[i]) else round(float(concentrations[i]), 3),
            "sure": round(float(sure[i]), 4),
            "bits": "".join(map(str, bits[i])),
        }
        for i in range(count)
    ]
