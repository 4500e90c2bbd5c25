"""FID, KID, Inception Score, precision and recall here against torch-fidelity's, of the same features.

    pip install torch torchvision tqdm
    pip install --no-deps torch-fidelity==0.4.0
    python benchmarks/metrics.py --features 2048 --samples 5000

Without `--real` and `--fake` (arrays `[n, width]` in .npy files) the features are drawn: rectified, skewed and
correlated like those of a network, the generated ones with a few directions less and a shift. Both sides get the same
subsets (KID) and parts (Inception Score), so that no difference is of chance, and the features in float64: in float32
its KID keeps three digits. Ends with 1 where a figure differs by more than `--tolerance`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gankit.metrics.frechet import fid
from gankit.metrics.inception import InceptionScore
from gankit.metrics.kernel import polynomial_mmd2
from gankit.metrics.moments import Moments
from gankit.metrics.neighbours import neighbour_scores


def second_implementation() -> tuple[Any, Callable[[str], Any]]:
    """torch, and what imports one of torch-fidelity's modules of metrics.

    The package as a whole imports torchvision, which these metrics have no need of. So it is stood up empty, and only
    the modules that are read are loaded; those of their imports that extract features are stood up empty, too.
    """
    spec = importlib.util.find_spec("torch_fidelity")
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("torch") is None:
        raise SystemExit("error: torch-fidelity is not installed\nhint: pip install torch torch-fidelity==0.4.0")
    sys.modules["torch_fidelity"] = types.ModuleType("torch_fidelity")
    sys.modules["torch_fidelity"].__path__ = list(spec.submodule_search_locations)

    class Unused(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return None

    sys.modules["torch_fidelity.utils"] = Unused("torch_fidelity.utils")
    return importlib.import_module("torch"), lambda name: importlib.import_module(f"torch_fidelity.{name}")


def drawn(samples: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of features, `[samples, width]` float32."""
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(width // 4, width)) / np.sqrt(width // 4)
    sets = []
    for lost, shift in ((0, 0.0), (width // 40, 0.02)):
        hidden = rng.normal(size=(samples, width // 4))
        hidden[:, :lost] = 0
        sets.append((np.maximum(hidden @ basis + 0.2 * rng.normal(size=(samples, width)) + shift, 0) / 2).astype("f4"))
    return sets[0], sets[1]


def moments(x: np.ndarray) -> Moments:
    result = Moments()
    result.update(x)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="features in a .npy file")
    parser.add_argument("--fake", type=Path, help="features in a .npy file")
    parser.add_argument("--samples", type=int, default=5000, help="how many to draw")
    parser.add_argument("--features", type=int, default=2048, help="width of those to draw")
    parser.add_argument("--subsets", type=int, default=20, help="of KID")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="relative difference that is allowed")
    args = parser.parse_args()
    if (args.real is None) != (args.fake is None):
        parser.error("give both --real and --fake, or neither")

    torch, load = second_implementation()
    real, fake = (np.load(args.real), np.load(args.fake)) if args.real else drawn(args.samples, args.features)
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    size = min(1000, len(real) // 2, len(fake) // 2)
    logits = fake @ np.random.default_rng(1).normal(size=(fake.shape[1], 100))
    logits *= 4 / logits.std()
    splits = 10

    def our_fid() -> dict[str, float]:
        return {"FID": fid(moments(real), moments(fake), features="same").value}

    def their_fid() -> dict[str, float]:
        module = load("metric_fid")
        statistics = [module.fid_features_to_statistics(torch.from_numpy(x)) for x in (fake, real)]
        return {"FID": module.fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]}

    def our_kid() -> dict[str, float]:
        rng = np.random.RandomState(2020)  # their subsets
        draws = [[rng.choice(len(x), size, replace=False) for x in (fake, real)] for _ in range(args.subsets)]
        values = [polynomial_mmd2(fake[a], real[b]) for a, b in draws]
        return {"KID": float(np.mean(values)), "KID deviation": float(np.std(values))}

    def their_kid() -> dict[str, float]:
        options = {"kid_subsets": args.subsets, "kid_subset_size": size, "rng_seed": 2020, "verbose": False}
        found = load("metric_kid").kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **options)
        return {
            "KID": found["kernel_inception_distance_mean"],
            "KID deviation": found["kernel_inception_distance_std"],
        }

    def our_inception() -> dict[str, float]:
        # Our parts are every tenth sample, theirs a tenth in a row.
        order = np.arange(len(logits) // splits * splits).reshape(splits, -1).T.ravel()
        running = InceptionScore(splits)
        p = np.exp(logits[order])
        running.update(p / p.sum(axis=1, keepdims=True))
        score = running.score(features="same")
        return {"IS": score.value, "IS deviation": score.error}

    def their_inception() -> dict[str, float]:
        whole = torch.from_numpy(logits[: len(logits) // splits * splits])
        found = load("metric_isc").isc_features_to_metric(whole, splits, shuffle=False)
        return {"IS": found["inception_score_mean"], "IS deviation": found["inception_score_std"]}

    def our_neighbours() -> dict[str, float]:
        found = neighbour_scores(real, fake, features="same")
        return {"precision": found["precision"].value, "recall": found["recall"].value}

    def their_neighbours() -> dict[str, float]:
        module = load("metric_prc")
        options = {"prc_neighborhood": 3, "prc_batch_size": 10000, "save_cpu_ram": True, "verbose": False}
        found = module.prc_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **options)
        return {"precision": found["precision"], "recall": found["recall"]}

    print(f"{len(real)} real and {len(fake)} generated samples of {real.shape[1]} features, subsets of {size}")
    print(f"{'figure':14} {'ours':>14} {'theirs':>14} {'difference':>11} {'seconds':>9} {'theirs':>8}")
    failed = False
    for ours, theirs in (
        (our_fid, their_fid),
        (our_kid, their_kid),
        (our_inception, their_inception),
        (our_neighbours, their_neighbours),
    ):
        times = [time.perf_counter()]
        results = []
        for run in (ours, theirs):
            results.append(run())
            times.append(time.perf_counter())
        for name, value in results[0].items():
            other = results[1][name]
            difference = (value - other) / max(abs(other), 1e-12)
            failed |= abs(difference) > args.tolerance
            seconds = [f"{b - a:.1f}" for a, b in itertools.pairwise(times)]
            print(f"{name:14} {value:14.8f} {other:14.8f} {difference:+11.1e} {seconds[0]:>9} {seconds[1]:>8}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
