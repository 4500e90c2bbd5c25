"""Responses as a source, and how they are shown to the encoder."""

import numpy as np
import pytest
import tensorflow as tf
from gankit_aae_molecules.config import AAEConfig
from gankit_aae_molecules.phases import Losses
from gankit_aae_molecules.response import Response
from gankit_aae_molecules.sources import ResponseSource

RNG = np.random.default_rng(0)
BITS = (RNG.random((5, 166)) < 0.4).astype(np.uint8)
COMPOUND = np.arange(300) % 5
DOSE, RESPONSE = RNG.normal(size=(300, 1)).astype("f4"), np.arange(300, dtype="f4")[:, None]


@pytest.fixture(scope="module")
def source():
    return ResponseSource(BITS, COMPOUND, DOSE, RESPONSE)


def gathered(source, rows, index, seed=0):
    found = source.gather(tf.constant(rows, tf.int64), tf.constant(index, tf.int64), seed)
    return {name: np.asarray(field) for name, field in found.items()}


def test_every_row_brings_its_compound_and_another_row(source):
    found = gathered(source, np.arange(300), np.arange(300))
    assert (found["fingerprint"] == BITS[COMPOUND]).all() and (found["response"] == RESPONSE).all()
    others = found["other_response"][:, 0].astype(int)
    assert (found["other_fingerprint"] == BITS[COMPOUND[others]]).all()
    assert (found["other_concentration"] == DOSE[others]).all()
    assert len(set(others)) > 150 and 0 <= others.min() < 20 < 280 < others.max() < 300


def test_the_other_row_hangs_on_example_and_seed_alone(source):
    first = gathered(source, [3, 4, 5], [10, 11, 12])["other_response"]
    assert (gathered(source, [9, 4], [12, 11])["other_response"] == first[[2, 1]]).all()
    assert (gathered(source, [3, 4, 5], [10, 11, 12], seed=1)["other_response"] != first).any()


class Turn(dict):
    """A batch with chosen noise."""

    def __init__(self, fields, share, hidden):
        super().__init__(fields)
        self.noise = {"share": share, "hidden bits": hidden}

    def uniform(self, name, *shape):
        return tf.broadcast_to(tf.constant(self.noise[name], tf.float32), (len(self["response"]), *shape))


def losses(**options):
    response = Response("growth", 0.0, 1.0, -1.0, 1.0)
    return Losses(AAEConfig(**options), response, 4, (-1.0, 1.0), responses=True)


def test_responses_are_mixed_by_the_larger_share(source):
    fields = source.gather(tf.range(8, dtype=tf.int64), tf.range(8, dtype=tf.int64), 0)
    bits, dose, response = losses(dropout=0).studied(Turn(fields, 0.25, 0.0))
    for mixed, name in ((bits, "fingerprint"), (dose, "concentration"), (response, "response")):
        own, other = (np.asarray(fields[key], "f4") for key in (name, f"other_{name}"))
        assert np.allclose(mixed, 0.75 * own + 0.25 * other, atol=1e-6)
    _, _, alone = losses(dropout=0, mixup=False).studied(Turn(fields, 0.25, 0.0))
    assert (np.asarray(alone) == np.asarray(fields["response"])).all()


def test_hidden_bits_are_zero_and_the_others_keep_the_sum(source):
    fields = source.gather(tf.range(8, dtype=tf.int64), tf.range(8, dtype=tf.int64), 0)
    hidden = np.linspace(0, 1, 166, endpoint=False, dtype="f4")
    bits, _, _ = losses(dropout=0.25, mixup=False).studied(Turn(fields, 0.0, hidden))
    whole = np.asarray(fields["fingerprint"], "f4")
    assert (np.asarray(bits)[:, hidden < 0.25] == 0).all()
    assert np.allclose(np.asarray(bits)[:, hidden >= 0.25], whole[:, hidden >= 0.25] / 0.75)
