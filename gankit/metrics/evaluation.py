"""Held-out figures beside those of simpler methods, and the one rule by which they are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from gankit.support.values import finite, mapping


@dataclass(frozen=True)
class Evaluation:
    """Held-out figures beside baselines.

    Attributes:
        metrics: Figures of the trained networks.
        baselines: Name -> the same figures of a method that needs no training, or a simpler one.
        protocol: How the figures were made: data, preprocessing, feature network with its hash.
        better: Metric -> which direction is better.
        rows: Figures by item (image, compound), for a table.
        errors: Metric -> its uncertainty, where one is estimated; the protocol says of what kind.
        limits: Names among the baselines of what no model is asked to beat, such as real examples in place of
            generated ones: they are shown beside the others, and take no part in a verdict.
        verdict: What may be concluded, a sentence each, where figures alone would be read as more than they say.

    Examples:
        >>> found = Evaluation({"fid": 9.0}, {"untrained": {"fid": 80.0}}, {"samples": 5000}, {"fid": "lower"})
        >>> found.best("fid"), found.beaten_by("fid")
        (['ours'], [])
    """

    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    protocol: Mapping[str, Any]
    better: Mapping[str, Literal["higher", "lower"]] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    limits: Sequence[str] = ()
    verdict: Sequence[str] = ()

    OURS: ClassVar[str] = "ours"
    """What `best` and `columns` call the trained networks."""

    @property
    def columns(self) -> dict[str, Mapping[str, Any]]:
        """`OURS` and the names of the baselines -> their figures."""
        return {self.OURS: self.metrics, **self.baselines}

    def best(self, metric: str) -> list[str]:
        """The columns that share the best value of a metric.

        Limits take no part, nor do figures that are missing or not finite. Nothing is best where fewer than two figures
        are left, or where the evaluation does not say which direction is better.
        """
        values = {
            name: self._sign(metric) * figures[metric]
            for name, figures in self.columns.items()
            if name not in self.limits and finite(figures.get(metric))
        }
        if not self._sign(metric) or len(values) < 2:
            return []
        return [name for name, value in values.items() if value == max(values.values())]

    def beaten_by(self, metric: str) -> list[str]:
        """The baselines, limits apart, that are strictly better than the trained networks by a metric."""
        sign, ours = self._sign(metric), self.metrics.get(metric)
        return [
            name
            for name, figures in self.baselines.items()
            if sign and name not in self.limits and finite(theirs := figures.get(metric))
            and not (finite(ours) and sign * ours >= sign * theirs)
        ]  # fmt: skip

    def standing(self, metric: str) -> Literal["better", "even", "not better", ""]:
        """How the trained networks stand to the baselines, limits apart, by a metric; "" where nothing is ranked.

        Examples:
            >>> Evaluation({"gap": 0.3}, {"none": {"gap": 0.5}}, {}, {"gap": "lower"}).standing("gap")
            'better'
        """
        if self.beaten_by(metric):
            return "not better"
        best = self.best(metric)
        return "" if not best else "better" if best == [self.OURS] else "even"

    def _sign(self, metric: str) -> int:
        return {"higher": 1, "lower": -1}.get(str(self.better.get(metric)), 0)

    def merged(self, *others: Evaluation) -> Evaluation:
        """This and others as one; figures of one baseline are joined by its name, later figures of one name count.

        Examples:
            >>> a = Evaluation({"psnr": 30.0}, {"bicubic": {"psnr": 28.0}}, {})
            >>> b = Evaluation({"ssim": 0.9}, {"bicubic": {"ssim": 0.8}}, {})
            >>> a.merged(b).baselines
            {'bicubic': {'psnr': 28.0, 'ssim': 0.8}}
        """
        parts = (self, *others)
        names = dict.fromkeys(name for part in parts for name in part.baselines)

        def joined(maps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
            return {key: value for one in maps for key, value in one.items()}

        return Evaluation(
            joined(part.metrics for part in parts),
            {name: joined(part.baselines.get(name, {}) for part in parts) for name in names},
            joined(part.protocol for part in parts),
            joined(part.better for part in parts),
            [row for part in parts for row in part.rows],
            joined(part.errors for part in parts),
            list(dict.fromkeys(name for part in parts for name in part.limits)),
            [said for part in parts for said in part.verdict],
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "protocol": dict(self.protocol),
            "metrics": dict(self.metrics),
            "baselines": {name: dict(figures) for name, figures in self.baselines.items()},
            "better": dict(self.better),
            "rows": [dict(row) for row in self.rows],
            "errors": dict(self.errors),
            "limits": list(self.limits),
            "verdict": list(self.verdict),
        }

    @classmethod
    def from_dict(cls, fields: Any) -> Evaluation:
        """The evaluation that `as_dict` gave. What is missing or of the wrong type, as in a torn file, is empty."""
        found = mapping(fields)

        def listed(key: str) -> list[Any]:
            return list(found[key]) if isinstance(found.get(key), list | tuple) else []

        return cls(
            mapping(found.get("metrics")),
            {str(name): mapping(figures) for name, figures in mapping(found.get("baselines")).items()},
            mapping(found.get("protocol")),
            mapping(found.get("better")),
            [mapping(row) for row in listed("rows")],
            mapping(found.get("errors")),
            [str(name) for name in listed("limits")],
            [str(said) for said in listed("verdict")],
        )
