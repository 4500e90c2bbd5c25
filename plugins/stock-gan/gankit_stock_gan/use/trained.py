"""A run opened for use, and the bars that it is used on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gankit.runs import LoadedRun, Run, versions
from gankit_stock_gan.bars import Series
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import foreign
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.warnings import warnings


@dataclass(frozen=True)
class Trained:
    """A run of `stock-gan`.

    Attributes:
        loaded: The run.
    """

    loaded: LoadedRun

    @classmethod
    def opened(cls, run: Run) -> Trained:
        """Opens a run; the bars that it was trained on are not needed.

        Raises:
            UsageError: It is a run of another recipe.
            CheckpointError: It has no usable checkpoint.
        """
        return cls(LoadedRun.of_recipe(run, "stock-gan"))

    @property
    def config(self) -> StockConfig:
        """The run's options."""
        return self.loaded.recipe.config  # type: ignore[no-any-return]

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.loaded.run.path

    @cached_property
    def generator(self) -> Forecaster:
        """The trained generator."""
        return self._forecaster("generator")

    @cached_property
    def lstm(self) -> Forecaster:
        """The baseline of the same size."""
        return self._forecaster("lstm")

    def _forecaster(self, name: str) -> Forecaster:
        return Forecaster.of(self.loaded.networks[name], self.config.window, self.config.calibration)

    def reading(self, source: str | None, **options: str) -> StockConfig:
        """The run's options, for bars to use it on.

        Args:
            source: As `--data`; None is what the run was trained on.
            **options: `assets`, `since`, `until`, `calendar`; where one is empty, the run's own holds for its own
                data, and the default for others.
        """
        other = source is not None and source != self.config.data
        plain = {"assets": "", "since": "", "until": "", "calendar": "auto"} if other else {}
        given = {key: value for key, value in options.items() if value}
        return self.config.model_copy(update={"data": source or self.config.data, **plain, **given})

    def series(self, source: str | None, needed: int, **options: str) -> list[Series]:
        """Bars to use the run on, read as `reading` says.

        Args:
            source: As `--data`.
            needed: Fewest rows.
            **options: As of `reading`.
        """
        return self.reading(source, **options).series(needed)

    def warnings(self, series: Sequence[Series], tested: int, rows: Sequence[int] = ()) -> list[str]:
        """What a reader of results must know.

        Args:
            series: The bars.
            tested: Sessions that figures are of.
            rows: The first bar that is forecast of each; none is, if empty.
        """
        own = foreign(self.loaded.facts, series, rows) if rows else []
        return [*own, *warnings(self.config, series, tested)]

    def provenance(self) -> dict[str, Any]:
        """What decides a result, as JSON."""
        return {
            "run": str(self.path),
            "checkpoint": self.loaded.checkpoint.name,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {**versions(), "gankit-stock-gan": version("gankit-stock-gan"), "arch": version("arch")},
        }


def slug(name: str) -> str:
    """A series' name as part of a file's name."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("._")[:60] or "series"
