"""What run.json and metrics.jsonl hold, checked as it is read: a run may have come from anybody, by mail."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Figures = dict[str, float | None]

DAMAGED = "copy the file again from where the run was trained; 'gankit runs' lists the runs that can be used"


class _Stored(BaseModel):
    """Fields of later versions are kept as they are; nothing is converted."""

    model_config = ConfigDict(extra="allow", strict=True)

    def plain(self) -> dict[str, Any]:
        """What was read, and no defaults."""
        return self.model_dump(exclude_unset=True)


class StageSteps(_Stored):
    """A stage's number of steps in this run, and in the recipe's plan."""

    name: str
    steps: Count
    planned_steps: Count = 0


class DataRecord(_Stored):
    """What was trained on: the number of each source's examples, and its hash where it has one."""

    examples: dict[str, Count] = {}
    fingerprint: dict[str, str] = {}


class AlarmRecord(_Stored):
    """What a monitor told; see `gankit.monitors.rules.Alarm`."""

    kind: str
    stage: str
    step: Count
    message: str = ""
    hint: str = ""
    level: str = "warning"


class StudyRecord(_Stored):
    """The study of `gankit tune` that a run is a trial of."""

    name: str
    trial: Count


class RunRecord(_Stored):
    """run.json."""

    recipe: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    status: str
    started: str = ""
    ended: str | None = None
    source: str = ""
    plugin: dict[str, Any] = {}
    plugin_before: list[dict[str, Any]] = []
    argv: list[str] = []
    seed: int | None = None
    versions: dict[str, str | None] = {}
    data: DataRecord = DataRecord()
    weights: dict[str, Count] = {}
    stages: list[StageSteps] = []
    alarms: list[AlarmRecord] = []
    seconds: float | None = None
    exit_code: int | None = None
    error: str | None = None
    study: StudyRecord | None = None


class MetricsLine(_Stored):
    """A line of metrics.jsonl."""

    stage: str
    step: Count
    total: Count
    seconds: float
    terms: Figures
    lr: Figures = {}
    watch: Figures = {}
    held_out: Figures = {}
