"""The monitors of one training: they look whenever it logs, keep what they see, and tell of alarms."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gankit.monitors.rules import Alarm, AlarmRules
from gankit.monitors.statistics import REFERENCES, Reference, watch_statistics

if TYPE_CHECKING:
    from gankit.engine.step import CompiledStage
    from gankit.recipe import Data
    from gankit.runs.run import Run

log = logging.getLogger("gankit")


class Monitoring:
    """Looks at the stages of a training that have a monitor.

    What it concludes is a function of metrics.jsonl, where a resume finds what was seen before.
    """

    def __init__(self, run: Run, steps: Mapping[str, int]) -> None:
        self._run, self._steps = run, steps
        self._lines = run.metrics()
        reached = {line["stage"] for line in self._lines}
        self._alarms = [alarm for alarm in run.info.get("alarms", ()) if alarm["stage"] in reached]
        self._rules: AlarmRules | None = None

    def enter(self, stage: CompiledStage, data: Data, networks: Callable[[], Mapping[str, Any]]) -> None:
        """A stage begins, or goes on; `networks` gives copies of the networks as they are now."""
        self._rules, monitor = None, stage.stage.monitor
        if monitor is None:
            return
        from gankit.engine.monitor_reader import MonitorReader

        self._name, self._monitor, self._networks = stage.stage.name, monitor, networks
        held = stage.state.held[self._name]
        self._reader = MonitorReader(stage.stage, data, networks(), stage.seed, held)
        self._reference = Reference(self._reader.examples(REFERENCES))
        self._rules = AlarmRules(generator=monitor.generator, saturating=monitor.saturating)
        self._alarms = [alarm for alarm in self._alarms if alarm["stage"] != self._name]
        for line in self._lines:
            if line["stage"] == self._name and "watch" in line:
                self._add(line["step"], line["watch"], line["terms"])
        self._run.update(alarms=self._alarms)

    def read(self, step: int) -> dict[str, float]:
        """The statistics after a step; none where the stage has no monitor."""
        if self._rules is None:
            return {}
        self._networks()  # brings the copies up to date
        seen = self._reader.read(step)
        return watch_statistics(
            real_outputs=seen.get("real"),
            fake_outputs=seen.get("fake"),
            probabilities=self._monitor.saturating,
            generated=seen.get("generated"),
            examples=seen.get("examples"),
            reference=self._reference,
        )

    def raise_alarms(self, step: int, statistics: Mapping[str, float], terms: Mapping[str, float]) -> None:
        """Tells of the alarms that a look raises."""
        for alarm in self._add(step, statistics, terms):
            level = logging.WARNING if alarm.level == "warning" else logging.INFO
            where = f"{alarm.kind} at step {alarm.step} of {alarm.stage}"
            log.log(level, "%s: %s (%s)", where, alarm.message, alarm.hint)
            self._run.update(alarms=self._alarms)

    def _add(self, step: int, statistics: Mapping[str, float], terms: Mapping[str, float]) -> list[Alarm]:
        if self._rules is None:
            return []
        raised = list(self._rules.add(self._name, step, self._steps[self._name], statistics, terms))
        self._alarms += [asdict(alarm) for alarm in raised]
        return raised
