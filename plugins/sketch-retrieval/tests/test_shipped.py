"""The model in the box."""

import os
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation.held_out import ROTATIONS, expanded
from gankit_sketch_retrieval.evaluation.invariance import marks_under
from gankit_sketch_retrieval.evaluation.retrieval import scores
from gankit_sketch_retrieval.features import baselines
from gankit_sketch_retrieval.features.encoder import SHIPPED, Encoder
from gankit_sketch_retrieval.marks.files import read

DATA = os.environ.get("GANKIT_TEST_DATA", "")


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load(SHIPPED)


@pytest.fixture(scope="module")
def omniglot():
    path = Path(DATA) / "sketch" / "omniglot" / "omniglot64.npz"
    if not DATA or not path.is_file():
        pytest.skip("Omniglot's drawings are not at $GANKIT_TEST_DATA/sketch/omniglot")
    marks = read(f"{path}#test", raw=64)
    return marks.only(np.arange(0, len(marks), 2))


def test_it_is_small_and_says_what_it_is(encoder):
    assert SHIPPED.stat().st_size <= 2e6
    assert encoder.about.network == "mark-gan"
    assert encoder.dim == 128
    assert "Omniglot" in encoder.about.trained_on


@pytest.mark.slow
def test_it_finds_what_it_has_never_seen(encoder, omniglot):
    def found(embed, queries=None):
        gallery = embed(omniglot.pictures)
        asked = gallery if queries is None else queries
        return scores(asked, gallery, omniglot.labels, omniglot.labels, same=True)

    ours, hog = found(encoder.embed), found(baselines.hog_tuned)
    assert ours.map > 0.6
    assert ours.map > hog.map + 0.1
    assert ours.p1 > 0.8
    turned = marks_under(omniglot.raw, "rotation", 30)
    assert found(encoder.embed, expanded(encoder.embed, turned, ROTATIONS, 0.0)).map > 0.85 * ours.map
    shuffled = np.random.default_rng(0).permutation(omniglot.labels)
    gallery = encoder.embed(omniglot.pictures)
    assert scores(gallery, gallery, shuffled, shuffled, same=True).map < 0.1
