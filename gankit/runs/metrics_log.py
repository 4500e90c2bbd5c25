"""What a training logs: the means of its steps, for metrics.jsonl and for whoever follows it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from gankit.engine.checkpoint import Position
from gankit.engine.step import Readings
from gankit.runs.run import Run
from gankit.support.progress import Progress


class MetricsLog:
    """Means of what the steps log, for metrics.jsonl."""

    def __init__(self, run: Run | None, position: Position) -> None:
        self._run = run
        self._planned = sum(position.steps.values())
        lines = run.metrics() if run else []
        self._before = float(lines[-1]["seconds"]) if lines else 0.0
        self._clock = self._mark = time.perf_counter()
        self._clear()
        # Lines of metrics.jsonl are the same whether or not a run was stopped between them.
        for name, (total, count) in position.window.items():
            self._sums[name], self._counts[name] = total, count

    def enter(self, stage: str, steps: int, batch_size: int) -> None:
        """A stage begins."""
        self._stage, self._steps, self._batch = stage, steps, batch_size
        self._mark = time.perf_counter()

    def _clear(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)
        self._done = 0

    def add(self, readings: Readings, position: Position, rates: dict[str, float]) -> None:
        """Some steps were done."""
        self._position, self._rates = position, rates
        for i, name in enumerate(readings.names):
            if count := int(readings.ran[:, i].sum()):
                self._sums[name] += float(readings.values[readings.ran[:, i], i].sum())
                self._counts[name] += count
        self._done += len(readings.values)

    def window(self) -> dict[str, tuple[float, int]]:
        """What the steps since the last record have logged, for a checkpoint: sums, and how often."""
        return {name: (self._sums[name], self._counts[name]) for name in self._sums}

    def write(self, watched: Mapping[str, float], held_out: Mapping[str, float]) -> Progress:
        """Records the means since the last record, and returns them.

        With them go what the monitors watched, and the held-out figures of the stage's probe.
        """
        now = time.perf_counter()
        terms = {name: self._sums[name] / self._counts[name] for name in self._sums}
        rate = self._done * self._batch / max(now - self._mark, 1e-9)
        where = self._position
        if self._run is not None:
            self._run.log(
                {
                    "stage": self._stage,
                    "step": where.step,
                    "total": where.total,
                    "seconds": round(self._before + now - self._clock, 3),
                    "examples_per_second": round(rate, 2),
                    "terms": terms,
                    "lr": self._rates,
                    **({"watch": dict(watched)} if watched else {}),
                    **({"held_out": dict(held_out)} if held_out else {}),
                }
            )
        self._mark = time.perf_counter()
        self._clear()
        return Progress(self._stage, where.step, self._steps, where.total, self._planned, rate, terms, dict(held_out))
