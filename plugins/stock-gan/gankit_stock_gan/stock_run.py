"""A run of `stock-gan` opened for use on any bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gankit_stock_gan.bars import Series
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import foreign
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.warnings import warnings

if TYPE_CHECKING:
    from gankit.runs import LoadedRun


@dataclass(frozen=True)
class StockRun:
    """A run with its networks; the bars that it was trained on are not needed.

    Attributes:
        loaded: The run.
    """

    loaded: LoadedRun

    @property
    def config(self) -> StockConfig:
        """The run's options."""
        return self.loaded.recipe.config  # type: ignore[no-any-return]

    @cached_property
    def generator(self) -> Forecaster:
        """The trained generator."""
        return self._forecaster("generator", self.loaded.networks)

    @cached_property
    def lstm(self) -> Forecaster:
        """The baseline of the same size."""
        return self._forecaster("lstm", self.loaded.networks)

    def _forecaster(self, name: str, networks: Mapping[str, Any]) -> Forecaster:
        return Forecaster.of(networks[name], self.config.window, self.config.calibration)

    def reading(self, source: str | None, **options: str) -> StockConfig:
        """The run's options, for bars to use it on.

        Args:
            source: As `--data`; None is what the run was trained on.
            **options: `assets`, `since`, `until`, `calendar`; where one is empty, the run's own holds for its own
                data, and the default for others.
        """
        plain = self.config.of_other_bars(source) if source not in (None, self.config.data) else self.config
        return plain.model_copy(update={key: value for key, value in options.items() if value})

    def trained_before(self, series: Series, start: int, config: StockConfig) -> Forecaster:
        """A generator with the run's options, trained on the returns of a series before one of them.

        Args:
            series: It is found again by its name.
            start: The return, as a row.
            config: From `reading`.
        """
        from gankit.runs import fit

        config = config.model_copy(update={"assets": series.name, "test": len(series.returns) - start})
        return self._forecaster("generator", fit(type(self.loaded.recipe)(config)))

    def warnings(self, series: Sequence[Series], tested: int, rows: Sequence[int] = ()) -> list[str]:
        """What a reader of results must know.

        Args:
            series: The bars.
            tested: Sessions that figures are of.
            rows: The first bar that is forecast of each; none is, if empty.
        """
        own = foreign(self.loaded.facts, series, rows) if rows else []
        return [*own, *warnings(self.config, series, tested)]
