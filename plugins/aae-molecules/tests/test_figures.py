"""Figures of the evaluation against closed forms and brute force."""

import numpy as np
import pytest
from gankit_aae_molecules.evaluation import control, effect, enrichment, latent, reconstruction
from gankit_aae_molecules.library import tanimoto

RNG = np.random.default_rng(0)


def test_enrichment_of_a_perfect_and_a_blind_ranking():
    truth = np.zeros(1000)
    truth[:20] = 1
    assert effect.enrichment(truth, truth) == pytest.approx(50)  # 10 of 10 in the first 1 %, over 2 %
    assert effect.enrichment(truth, np.zeros(1000)) == pytest.approx(1)  # ties count by their expectation
    assert effect.enrichment(truth, -truth) == 0


def test_ties_at_the_edge_count_by_expectation():
    truth, score = np.zeros(200), np.zeros(200)
    score[:1], score[1:5], truth[:3] = 2, 1, 1  # one sure hit, then one place for four that hold two actives
    assert effect.enrichment(truth, score) == pytest.approx((1 + 2 / 4) / 2 / truth.mean())


def test_likeness_and_nats():
    truth = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
    guess = np.array([[1, 0, 1, 0], [0, 0, 0, 0]])
    found = reconstruction.likeness(truth, guess)
    assert found == {"bits": 6 / 8, "tanimoto": (1 / 3 + 0) / 2}
    assert reconstruction.nats(truth, np.full((2, 4), 0.5)) == pytest.approx(np.log(2))
    assert reconstruction.nats(truth, truth.astype(float)) == pytest.approx(1e-6, rel=1e-3)


def test_normality_sees_a_shift_a_scale_and_a_sample():
    x = RNG.normal(size=(4000, 3))
    good = latent.normality(x)
    assert good["latent_ks"] < 0.03 and good["latent_mean"] < 0.06 and abs(good["latent_mmd"]) < 2e-3
    x[:, 1] = 1.5 * x[:, 1] + 1
    bad = latent.normality(x)
    assert bad["latent_mean"] == pytest.approx(1, abs=0.1) and bad["latent_high"] == pytest.approx(1.5, abs=0.1)
    assert bad["latent_ks"] > 0.25 and bad["latent_mmd"] > 0.02


def test_mmd_equals_a_loop():
    x, y = RNG.normal(size=(7, 2)), RNG.normal(1, 1, size=(9, 2))

    def k(a, b):
        return np.exp(-np.sum((a - b) ** 2) / 4)

    xx = np.mean([k(x[i], x[j]) for i in range(7) for j in range(7) if i != j])
    yy = np.mean([k(y[i], y[j]) for i in range(9) for j in range(9) if i != j])
    xy = np.mean([k(a, b) for a in x for b in y])
    assert latent.mmd2(x, y) == pytest.approx(xx + yy - 2 * xy)


def test_manifold_of_still_collapsed_and_moving_codes():
    codes = RNG.normal(size=(300, 4))
    still = latent.manifold(np.stack([codes] * 5))
    assert still["manifold_within"] == pytest.approx(0) and still["manifold_same"] == pytest.approx(1)
    assert abs(still["manifold_different"]) < 0.05
    collapsed = latent.manifold(np.stack([np.ones((300, 4)) + 1e-3 * codes] * 5))
    assert collapsed["manifold_different"] > 0.99  # the guard: all compounds at one place
    moving = latent.manifold(RNG.normal(size=(5, 300, 4)))
    assert moving["manifold_within"] == pytest.approx(0.8, abs=0.03) and abs(moving["manifold_same"]) < 0.1


def test_rho_of_what_does_not_move_is_zero():
    assert control.rho(np.arange(5.0), np.ones(5)) == 0
    assert control.rho(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)


def test_density_is_the_log_of_a_mean_likelihood():
    bits = RNG.integers(0, 2, (6, 166)).astype(np.uint8)
    probabilities = RNG.uniform(0.1, 0.9, (3, 166))
    likelihood = [[np.prod(np.where(x, p, 1 - p)) for p in probabilities] for x in bits]
    np.testing.assert_allclose(
        enrichment.density(probabilities, tanimoto.pack(bits)), np.log(np.mean(likelihood, axis=1)), rtol=1e-5
    )
    alike, places = tanimoto.nearest(tanimoto.pack(bits), tanimoto.pack(bits[:2]))
    assert alike[0] == alike[1] == 1 and (alike[2:] < 1).all() and places[:2].tolist() == [0, 1]
