"""Constraints on weights, which an optimizer applies after each of its updates."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("gankit")
class WeightClipping(keras.constraints.Constraint):
    """Keeps each weight in [-limit, limit]: the critic of the Wasserstein GAN (Arjovsky et al. 2017, algorithm 1).

    Give it to each kernel and each bias of the critic.

    Args:
        limit: Greater than 0.

    Examples:
        >>> WeightClipping(0.5)(keras.ops.array([1.0, -0.25])).numpy().tolist()
        [0.5, -0.25]
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, w: Any) -> Any:
        """Clips."""
        return keras.ops.clip(w, -self.limit, self.limit)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"limit": self.limit}
