"""Options of both recipes. Imports no TensorFlow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from gankit import DataError, RecipeConfig, Section, Training

if TYPE_CHECKING:
    from gankit_stock_gan.bars import Series


class BarsConfig(RecipeConfig):
    """What is read, and how much of it is held out."""

    data: str = Field(
        "sp500", description="Data: sp500, nasdaq, a CSV file of bars, or a folder of them (trained jointly)."
    )
    assets: str = Field("", description="Tickers between commas, of a file or folder that has several; all if empty.")
    splits: Literal["auto", "keep"] = Field(
        "auto", description="Splits that the file has not adjusted for: auto undoes them, keep leaves them."
    )
    calendar: str = Field("auto", description="Calendar of the exchange, such as XNYS; auto guesses it from the dates.")
    since: str = Field("", description="First date that is read, YYYY-MM-DD.")
    until: str = Field("", description="Last date that is read, YYYY-MM-DD.")
    test: int = Field(504, ge=20, description="Sessions at each series' end that are held out.")

    def series(self, needed: int) -> list[Series]:
        """Reads the bars that the options name.

        Args:
            needed: Fewest rows of a series.

        Raises:
            DataError: A file cannot be used, or is too short.
            UsageError: A date, a ticker or a calendar is wrong.
        """
        from gankit_stock_gan.bars import read

        names = [name.strip() for name in self.assets.split(",") if name.strip()]
        found = read(
            self.data, assets=names, calendar=self.calendar, splits=self.splits, since=self.since, until=self.until,
            needed=needed,
        )  # fmt: skip
        for one in found:
            if needed and not one.returns.any():
                raise DataError(f"the price of {one.name} never moves", "is the close in the right column?")
        return found


class Weights(Section):
    """Weights of the generator's losses."""

    adversarial: float = Field(0.05, ge=0, description="Weight of the discriminator's verdict on window and future.")
    score: float = Field(1.0, ge=0, description="Weight of the CRPS of the next day, in units of its volatility.")
    path: float = Field(0.1, ge=0, description="Weight of the energy score of the days up to the horizon.")

    @model_validator(mode="after")
    def _some(self) -> Weights:
        if not (self.adversarial or self.score or self.path):
            raise ValueError("one of adversarial, score and path must be above 0")
        return self


class StockConfig(BarsConfig):
    """Options of `gankit run stock-gan`."""

    validation: int = Field(504, ge=20, description="Sessions before the held-out ones that select the weights.")
    window: int = Field(20, ge=6, le=250, description="Sessions that the generator's LSTM reads.")
    horizon: int = Field(
        5, ge=1, le=60, description="Sessions after the window that the generator is trained to continue."
    )
    units: int = Field(8, ge=1, description="Units of the LSTM.")
    hidden: int = Field(8, ge=1, description="Units of the layer between the LSTM and what shapes the noise.")
    samples: int = Field(4, ge=2, description="Paths of each example that the energy score compares.")
    steps: int = Field(600, ge=1, description="Steps of training.")
    lr: float = Field(1e-3, gt=0, description="Learning rate of the generator, falling along a cosine.")
    decay: float = Field(1e-3, ge=0, description="Weight decay of the generator.")
    calibration: int = Field(500, ge=0, description="Past forecasts that correct the spread of the next; 0 for none.")
    draws: int = Field(1000, ge=20, le=10_000, description="Equally likely values that make a forecast.")
    refit: int = Field(21, ge=1, description="Sessions between refits of the baselines.")
    weights: Weights = Field(default_factory=Weights, description="Weights of the generator's losses.")
    training: Training = Training(batch_size=64, steps_per_call=25, log_every=25, sample_every=10**6)

    def of_other_bars(self, source: str) -> StockConfig:
        """These options for other bars, of which the own choice of tickers and dates says nothing."""
        plain = {"assets": "", "since": "", "until": "", "calendar": "auto"}
        return self.model_copy(update={"data": source, **plain})

    def rate(self, step: int) -> float:
        """The learning rate after so many steps."""
        return self.lr * (1 + math.cos(math.pi * step / max(1, self.steps))) / 2
