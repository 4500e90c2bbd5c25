"""How many steps each stage gets.

A budget shortens all stages in proportion, once, before the first step. The numbers are stored with the run, and a
resumed run reads them back instead of measuring again: it trains exactly the steps that it would have trained.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from gankit.config import Training
from gankit.engine.step import CompiledStage
from gankit.engine.train_state import TrainState
from gankit.recipe import Data

MEASURE_SECONDS = 3.0


def shorten(planned: Mapping[str, int], factor: float) -> dict[str, int]:
    """All stages shortened in proportion, none to nothing.

    Args:
        planned: Stage -> steps.
        factor: Of the steps to keep; 1 or more keeps all.

    Returns:
        Stage -> steps. Their sum is `floor(factor * total)` unless the minimum of one step a stage exceeds it.
    """
    if factor >= 1:
        return dict(planned)
    exact = {name: steps * factor for name, steps in planned.items()}
    kept = {name: max(int(value), min(1, planned[name])) for name, value in exact.items()}
    left = int(sum(planned.values()) * factor + 1e-9) - sum(kept.values())
    for name in sorted(exact, key=lambda name: exact[name] % 1, reverse=True)[: max(0, left)]:
        kept[name] += 1
    return kept


def measure(compiled: Mapping[str, CompiledStage], state: TrainState, data: Data) -> dict[str, float]:
    """Seconds a step of each stage, the same in all workers; the state is left as it was.

    The first two calls are not counted: one traces, and one fills caches and memory pools.
    """
    before, seconds = state.get_state(), {}
    for name, stage in compiled.items():
        if not stage.stage.steps:
            continue
        stage.begin(data, 0, stage.stage.steps)
        stage.advance(0, 1)
        stage.advance(1, stage.per_call)
        done, start, spent = 1 + stage.per_call, time.perf_counter(), 0.0
        while spent < MEASURE_SECONDS:
            stage.advance(done, stage.per_call)
            done += stage.per_call
            spent = state.placement.agree(time.perf_counter() - start)
        seconds[name] = spent / (done - 1 - stage.per_call)
    state.set_state(before)
    return seconds


def fix_steps(
    compiled: Mapping[str, CompiledStage], state: TrainState, data: Data, training: Training, started: float
) -> dict[str, int]:
    """The steps of each stage in this run.

    Args:
        compiled: The stages by name.
        state: Their networks.
        data: Their sources.
        training: `max_steps` and `max_minutes`.
        started: `time.perf_counter()` when the run began: preparing counts towards `max_minutes`.
    """
    steps = {name: stage.stage.steps for name, stage in compiled.items()}
    if training.max_steps and sum(steps.values()):
        steps = shorten(steps, training.max_steps / sum(steps.values()))
    if training.max_minutes:
        seconds = measure(compiled, state, data)
        left = 60 * training.max_minutes - state.placement.agree(time.perf_counter() - started)
        needed = sum(seconds.get(name, 0.0) * count for name, count in steps.items())
        if needed > 0:
            steps = shorten(steps, max(left, 0.0) / needed)
    return steps
