"""Rows of a drug-response table as a source that keeps each compound's fingerprint once."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from gankit import ArraySource


class ResponseSource(ArraySource):
    """Responses, each with the fingerprint of its compound: fields `fingerprint`, `concentration`, `response`.

    Beside each stands another one drawn at random, to be mixed with it: the same fields, with `other_` before.

    Args:
        fingerprints: `[compounds, 166]` uint8.
        compound: `[rows]` integers.
        concentration: `[rows, 1]` float, standardised.
        response: `[rows, 1]` float: the GI neuron's value, or labels of 0 and 1.
    """

    def __init__(self, fingerprints: Any, compound: Any, concentration: Any, response: Any) -> None:
        super().__init__(compound=compound, concentration=concentration, response=response)
        self.fingerprints = np.asarray(fingerprints, np.uint8)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all that is delivered."""
        digest = hashlib.sha256(super().fingerprint.encode())
        digest.update(np.ascontiguousarray(self.fingerprints).tobytes())
        return digest.hexdigest()

    @cached_property
    def _table(self) -> Any:
        import tensorflow as tf

        with tf.init_scope():
            return tf.constant(self.fingerprints)

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import tensorflow as tf

        from gankit.engine import random

        share = random.uniform(index, seed, "another response", dtype="float64")
        others = tf.minimum(tf.cast(share * self.n, tf.int64), self.n - 1)
        found = {}
        for start, which in (("", rows), ("other_", others)):
            fields = super().gather(which, index, seed)
            fields["fingerprint"] = tf.gather(self._table, fields.pop("compound"))
            found |= {start + name: field for name, field in fields.items()}
        return found
