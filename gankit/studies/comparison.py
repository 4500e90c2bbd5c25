"""Runs side by side: what differs in their configuration, and their figures, ranked only where like meets like.

Nothing here fails on a run's files: what is missing or torn is told in a remark, since broken runs are compared, too.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gankit.config import read_yaml
from gankit.errors import GankitError, UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.metrics.score import leaves_as_json
from gankit.runs.run import Run
from gankit.studies.seeds import aggregate
from gankit.support.files import read_json
from gankit.support.values import mapping

NOTHING = "-"
NAME = 16  # characters of a run's name beside its curves


@dataclass(frozen=True)
class Side:
    """One of the runs.

    Attributes:
        name: A letter, with what sets the run apart if that is short.
        path: Its folder.
        recipe: The recipe's name.
        config: Dotted key -> value as text.
        evaluation: Its figures; none if they cannot be read.
        protocol: Dotted key -> value as JSON, with the data that the figures are of.
        remarks: What is wrong with its files.
    """

    name: str
    path: Path
    recipe: str
    config: Mapping[str, str]
    evaluation: Evaluation
    protocol: Mapping[str, str]
    remarks: Sequence[str]

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Its figures."""
        return self.evaluation.metrics


@dataclass(frozen=True)
class Row:
    """One metric.

    Attributes:
        metric: Its name.
        better: "higher", "lower" or "" where that is not known or not agreed.
        values: Figure of each run; None where it has none.
        best: Numbers of the runs that share the best figure; empty where nothing is ranked.
        differs: Keys of the protocol that keep the figures from being ranked.
    """

    metric: str
    better: str
    values: Sequence[Any]
    best: Sequence[int]
    differs: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        sides: The runs.
        differing: Configuration key -> its value in each run, of the keys that differ.
        protocol: Protocol key -> its value in each evaluated run, of the keys that differ.
        rows: The metrics.
    """

    sides: Sequence[Side]
    differing: Mapping[str, Sequence[str]]
    protocol: Mapping[str, Sequence[str]]
    rows: Sequence[Row]

    @property
    def over_seeds(self) -> dict[str, dict[str, Any]]:
        """Mean and spread of each ranked metric, if the runs differ by their seed alone; as of `aggregate`."""
        if set(self.differing) != {"training.seed"} or len({side.recipe for side in self.sides}) > 1:
            return {}
        like = [row.metric for row in self.rows if not row.differs]
        return aggregate([{metric: side.metrics.get(metric) for metric in like} for side in self.sides])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "runs": [
                {"name": s.name, "run": str(s.path), "recipe": s.recipe, "remarks": list(s.remarks)} for s in self.sides
            ],
            "differing": dict(self.differing),
            "protocol": dict(self.protocol),
            "metrics": [vars(row) for row in self.rows],
            "over_seeds": self.over_seeds,
        }


def compare(runs: Sequence[Run]) -> Comparison:
    """Puts runs side by side.

    Raises:
        UsageError: They are fewer than two.
    """
    if len({run.path.resolve() for run in runs}) < max(2, len(runs)):
        raise UsageError("a comparison needs two or more different runs", "'gankit runs' lists them")
    configs = [_config(run.path) for run in runs]
    differing = {
        key: [config.get(key, NOTHING) for config, _ in configs]
        for key in dict.fromkeys(key for config, _ in configs for key in config)
        if len({config.get(key) for config, _ in configs}) > 1
    }
    sides = [_side(i, run.path, *configs[i], differing) for i, run in enumerate(runs)]
    judged = [side for side in sides if side.metrics]
    protocol = {
        key: [side.protocol.get(key, NOTHING) for side in judged]
        for key in sorted({key for side in judged for key in side.protocol})
        if len({side.protocol.get(key) for side in judged}) > 1
    }
    metrics = list(dict.fromkeys(metric for side in sides for metric in side.metrics))
    return Comparison(sides, differing, protocol, [_row(metric, sides, metrics) for metric in metrics])


def _row(metric: str, sides: Sequence[Side], metrics: Sequence[str]) -> Row:
    """One metric; the protocols of the runs that have it decide whether it is ranked."""
    having = [side for side in sides if metric in side.metrics]
    words = {str(side.evaluation.better.get(metric)) for side in having}
    better = words.pop() if len(words) == 1 else "unlike"
    keys = sorted({key for side in having for key in side.protocol if _concerns(key, metric, metrics)})
    differs = [key for key in keys if len({side.protocol.get(key) for side in having}) > 1]
    differs += ["better"] * (better == "unlike")
    # The runs stand to each other as baselines do.
    columns = {str(i): side.metrics for i, side in enumerate(sides)}
    rivals = Evaluation.from_dict({"baselines": columns, "better": {metric: better}})
    best = [] if differs else [int(number) for number in rivals.best(metric)]
    values = [side.metrics.get(metric) for side in sides]
    return Row(metric, better if better in ("higher", "lower") else "", values, best, differs)


def _concerns(key: str, metric: str, metrics: Sequence[str]) -> bool:
    """Whether a key of a protocol bears on a metric: "fid.samples" and "fid, kid" name those that they speak of."""
    spoken_of = key.split(".")[0].split(", ")
    return metric in spoken_of or not set(spoken_of) <= set(metrics)


def _side(number: int, path: Path, config: Mapping[str, str], remarks: list[str], differing: Any) -> Side:
    info, raw = read_json(path / "run.json"), read_json(path / "evaluation.json")
    evaluation, status = Evaluation.from_dict(raw), str(info.get("status", "of unknown status"))
    if status != "done":
        remarks = [*remarks, f"the run is {status}"]
    if not evaluation.metrics:
        remarks, raw, evaluation = [*remarks, "it has no readable evaluation"], {}, Evaluation({}, {}, {})
    recipe, letter = str(info.get("recipe") or path.parent.name), string.ascii_uppercase[number % 26]
    own = [f"{key.rpartition('.')[2]} {values[number]}" for key, values in differing.items()]
    name = f"{letter}{number // 26 or ''}"
    if len(own) == 1 and len(own[0]) <= NAME:
        name += f" {own[0]}"
    return Side(name, path, recipe, config, evaluation, _protocol(raw, recipe), remarks)


def _protocol(raw: Mapping[str, Any], recipe: str) -> dict[str, str]:
    """All that the figures depend on; the data count unless the evaluation could only name the recipe there."""
    try:
        found = leaves_as_json(mapping(raw.get("protocol")))
    except RecursionError:
        return {"protocol": "nested too deep to be read"}
    if raw.get("data") not in (None, recipe):
        found.setdefault("data", json.dumps(raw["data"]))
    return found


def _config(path: Path) -> tuple[dict[str, str], list[str]]:
    """The frozen configuration as text, and remarks."""
    try:
        document = {key: value for key, value in read_yaml(path / "config.yaml").items() if key != "recipe"}
        plain = json.loads(json.dumps(document, default=str, skipkeys=True))
        return {key: value.strip('"') for key, value in leaves_as_json(plain).items()}, []
    except (GankitError, ValueError, RecursionError):
        return {}, ["config.yaml cannot be read"]


def notes(comparison: Comparison) -> Iterable[str]:
    """Sentences on what is not as one would expect: for people, below the figures."""
    for side in comparison.sides:
        for remark in side.remarks:
            yield f"{side.name}: {remark}."
    unlike = [row.metric for row in comparison.rows if row.differs]
    if unlike:
        judged = [side.name for side in comparison.sides if side.metrics]
        yield f"Not ranked, since the protocols differ: {', '.join(unlike)}."
        for key, values in comparison.protocol.items():
            pairs = ", ".join(f"{value} ({name})" for name, value in zip(judged, values, strict=True))
            yield f"protocol {key}: {pairs}"
    if any("better" in row.differs for row in comparison.rows):
        yield "The evaluations disagree on which direction of a metric is better."
