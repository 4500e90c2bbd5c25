"""What a training logs: the means of its steps, for metrics.jsonl and for a progress bar."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from gankit.engine.checkpoint import Position
from gankit.engine.step import Readings
from gankit.runs.run import Run
from gankit.support.progress import Listener, Progress


class MetricsLog:
    """Means of what the steps log, for metrics.jsonl and the listener."""

    def __init__(self, run: Run | None, batch_size: int, position: Position, listener: Listener | None) -> None:
        self._run, self._batch, self._listener = run, batch_size, listener
        self._planned = sum(position.steps.values())
        lines = run.metrics() if run else []
        self._before = float(lines[-1]["seconds"]) if lines else 0.0
        self._clock = self._mark = time.perf_counter()
        self._clear()

    def enter(self, stage: str, steps: int) -> None:
        """A stage begins."""
        self._stage, self._steps = stage, steps
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

    def write(self, watched: Mapping[str, float], scored: Mapping[str, float]) -> dict[str, float]:
        """Records the means since the last record, and returns the mean of each term.

        With them go what the monitors watched, and the held-out scores that weights are selected by.
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
                    **({"held_out": dict(scored)} if scored else {}),
                }
            )
        if self._listener:
            self._listener(Progress(self._stage, where.step, self._steps, where.total, self._planned, rate, terms))
        self._mark = time.perf_counter()
        self._clear()
        return terms
