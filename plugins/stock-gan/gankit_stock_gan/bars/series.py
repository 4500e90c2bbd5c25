"""Price bars of one instrument: what every other module works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Series:
    """Bars of one instrument, one row a trading session, the oldest first; cleaned and adjusted.

    Rows are sessions, not calendar days: nothing is ever filled in for weekends and holidays.

    Attributes:
        name: The ticker, or what stands for it.
        close: float64 `[n]`, positive, adjusted for splits and dividends where the file knows them.
        dates: datetime64[D] `[n]`, strictly increasing; None where the file has no dates.
        open: float64 `[n]`, adjusted like the closes; None where the file has closes alone. So are `high` and `low`.
        high: See `open`.
        low: See `open`.
        volume: float64 `[n]`, 0 where none was recorded; None where the file has none.
        calendar: The exchange's calendar, "XNYS" say; "" where it is not known.
        notes: What was found and done while reading, a sentence each; shown to the user.
    """

    name: str
    close: np.ndarray
    dates: np.ndarray | None = None
    open: np.ndarray | None = None
    high: np.ndarray | None = None
    low: np.ndarray | None = None
    volume: np.ndarray | None = None
    calendar: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.close)

    def day(self, row: int) -> str:
        """The date of a row, YYYY-MM-DD, or its number where there are no dates."""
        return self.date(row) or str(row)

    def date(self, row: int) -> str | None:
        """The date of a row, YYYY-MM-DD, if there are dates."""
        return None if self.dates is None else str(self.dates[row])

    @property
    def returns(self) -> np.ndarray:
        """Log returns, float64 `[n - 1]`: the i-th leads from row i to row i + 1."""
        return np.diff(np.log(self.close))

    @property
    def whole(self) -> bool:
        """Whether there are opens, highs and lows."""
        return self.open is not None and self.high is not None and self.low is not None

    def rows(self, start: int, stop: int | None = None) -> Series:
        """The rows from `start` to `stop`."""
        part = slice(start, stop)
        cut = {
            key: None if (values := getattr(self, key)) is None else values[part]
            for key in ("close", "dates", "open", "high", "low", "volume")
        }
        return replace(self, **cut)
