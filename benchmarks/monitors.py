"""Provokes each pathology on purpose, and counts what the monitors see of it; and what they see in healthy trainings.

    python benchmarks/monitors.py [--seeds 3] [--only NAME] [--json FILE]

A pathology is detected if one of the alarms that it should raise was raised. In healthy trainings every warning is a
false alarm; the note `equilibrium` is none, since a healthy game may well end there. The modes that were found, or the
FID, stand beside, so that one sees which trainings went well.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gankit
from gankit.support import write_json

QUICK = {"log_every": 50, "sample_every": 10**6, "checkpoint_every": 10**6}
RING = {"data": "ring", "latent": 2, "samples": 2000, "steps": 3000, "schedule": "constant"}
CRITIC = {
    "loss": "wasserstein", "penalty": "wgan-gp", "penalty_weight": 0.1, "critic_steps": 3,
    "depth": 3, "lr": 1e-3, "beta_1": 0.0,
}  # fmt: skip
DIGITS = {"data": "digits", "width": 16, "latent": 32, "samples": 300, "steps": 2000}
FLAT = {"data": "digits", "latent": 32, "samples": 300, "steps": 2000, "schedule": "constant", "loss": "non-saturating"}


@dataclass(frozen=True)
class Scenario:
    """A training and the alarms that it should raise; none for a healthy one."""

    name: str
    recipe: str
    options: dict[str, Any] = field(default_factory=dict)
    expected: tuple[str, ...] = ()


SCENARIOS = (
    Scenario("ring", "gan", RING),
    Scenario("ring, non-saturating", "gan", {**RING, "loss": "non-saturating"}),
    Scenario("ring, critic with penalty", "gan", {**RING, **CRITIC}),
    Scenario("digits, dcgan", "dcgan", DIGITS),
    Scenario("digits, wgan-gp", "wgan-gp", {**DIGITS, "critic_steps": 2}),
    Scenario("digits, cgan", "cgan", DIGITS),
    Scenario(
        "too strong discriminator, minimax",
        "gan",
        {**RING, "loss": "minimax", "critic_steps": 20, "lr": 1e-4, "lr_discriminator": 1e-3},
        ("vanishing generator gradient", "discriminator won"),
    ),
    Scenario(
        "too strong discriminator on digits",
        "dcgan",
        {**DIGITS, "loss": "minimax", "critic_steps": 5, "lr": 1e-5, "lr_discriminator": 1e-3},
        ("discriminator won", "vanishing generator gradient"),
    ),
    Scenario("collapse on the ring", "gan", {**RING, "lr": 5e-2, "lr_discriminator": 1e-3}, ("collapse",)),
    Scenario("collapse on digits", "gan", {**FLAT, "lr": 2e-2, "lr_discriminator": 1e-3}, ("collapse",)),
    Scenario("twenty pictures learned by heart", "cgan", {**DIGITS, "per_class": 2, "steps": 4000}, ("memorisation",)),
    Scenario(
        "discriminator flattened by its penalty",
        "gan",
        {**RING, "loss": "non-saturating", "penalty": "r1", "penalty_weight": 1000.0},
        ("equilibrium",),
    ),
)


def train(scenario: Scenario, seed: int, folder: Path) -> dict[str, Any]:
    """One training: its alarms, its figures, and its last statistics."""
    began = time.perf_counter()
    run = gankit.train(scenario.recipe, runs_dir=folder, seed=seed, **QUICK, **scenario.options)
    alarms = [{key: alarm[key] for key in ("kind", "since", "step", "value")} for alarm in run.run.info["alarms"]]
    lines = run.run.metrics()
    metrics = json.loads((run.run.path / "evaluation.json").read_text("utf-8"))["metrics"]
    return {
        "seed": seed,
        "alarms": alarms,
        "metrics": metrics,
        "last": lines[-1].get("watch", {}),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Runs all scenarios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="Scenarios whose name holds this.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    totals: Counter[str] = Counter()
    print(f"{'scenario':<38}{'detected':>10}{'false':>7}  modes or FID    alarms")
    with tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            if options.only not in scenario.name:
                continue
            runs = [train(scenario, seed, Path(folder)) for seed in range(options.seeds)]
            raised = [{alarm["kind"] for alarm in run["alarms"]} for run in runs]
            hits = sum(bool(kinds & set(scenario.expected)) for kinds in raised)
            false = sum(bool(kinds - {"equilibrium"}) for kinds in raised) if not scenario.expected else 0
            totals.update(pathologies=len(runs) * bool(scenario.expected), hits=hits, false=false)
            totals.update(healthy=len(runs) * (not scenario.expected))
            results[scenario.name] = {"expected": scenario.expected, "options": scenario.options, "runs": runs}
            counts = Counter(kind for kinds in raised for kind in kinds)
            said = ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"
            detected = f"{hits}/{len(runs)}" if scenario.expected else "–"
            figures = " ".join(f"{run['metrics'].get('modes', run['metrics'].get('fid')):.3g}" for run in runs)
            false_said = "" if scenario.expected else false
            print(f"{scenario.name:<38}{detected:>10}{false_said:>7}  {figures:<16}{said}", flush=True)
            if options.json:
                write_json(options.json, results)
    print(f"detected {totals['hits']} of {totals['pathologies']}")
    print(f"false alarms in {totals['false']} of {totals['healthy']} healthy trainings")


if __name__ == "__main__":
    main()
