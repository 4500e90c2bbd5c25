"""Simulated paths of a history, and how like it they are."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gankit.runs.results import results_folder
from gankit.support import write_json
from gankit_stock_gan.backtest.risk import expected_shortfall, value_at_risk
from gankit_stock_gan.bars import Series
from gankit_stock_gan.bars.calendars import next_sessions
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.simulation import copies, facts, panel, rivals, tuning
from gankit_stock_gan.simulation.simulate import Tuning, ahead, anywhere
from gankit_stock_gan.use.trained import Trained, slug

log = logging.getLogger("gankit")

JUDGED = 500  # paths of each kind in the panel
OURS = "stock-gan"


def simulate(
    trained: Trained,
    source: str | None,
    count: int,
    length: int | None,
    start: str,
    tune: bool,
    seed: int,
    output: Path | None,
    **options: Any,
) -> dict[str, Any]:
    """Writes paths.csv, facts.json and a panel for each series.

    Returns:
        `facts` (rows by series), `copies`, `tuning`, `risk` (of paths from now on), `files` and `warnings`.
    """
    found = trained.series(source, trained.generator.earliest + 2, **options)
    out = results_folder(trained.path, output, "simulate")
    result: dict[str, Any] = {"run": str(trained.path), "facts": {}, "copies": {}, "tuning": {}, "risk": {}}
    tables, pictures = [], []
    for series in found:
        name = series.name
        if start == "now":
            paths = _from_now(trained, series, count, length or 20, seed)
            result["risk"][name] = _losses(paths)
            days = next_sessions(series, paths.shape[1])
        else:
            fitted = tuned(trained, series, seed) if tune else Tuning(float(series.returns.var()))
            paths = anywhere(trained.generator, fitted, count, length or len(series.returns), seed).returns
            result["tuning"][name] = asdict(fitted)
            days = None
            pictures += _judge(trained, series, fitted, seed, out, result)
        tables.append(_table(series, paths, days))
    _write(tables, out / "paths.csv")
    said = trained.warnings(found, trained.config.test, [len(one) for one in found] if start == "now" else [])
    if start != "now" and tune:
        said.append("paths are tuned to the history that they are compared with: its distances are in-sample")
    files = {"paths": str(out / "paths.csv"), "facts": str(out / "facts.json"), "pictures": [str(p) for p in pictures]}
    result |= {"files": files, "warnings": said}
    request = {"count": count, "length": length, "start": start, "tune": tune, "seed": seed}
    write_json(out / "facts.json", {**trained.provenance(), "request": request, **result})
    return result


def tuned(trained: Trained, series: Series, seed: int) -> Tuning:
    """The tuning to a history; kept in the run, since finding it takes minutes."""
    content = series.returns.tobytes() + trained.loaded.checkpoint.name.encode() + str(seed).encode()
    path = trained.path / "tuning" / f"{slug(series.name)}-{hashlib.sha256(content).hexdigest()[:12]}.json"
    try:
        return Tuning(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        log.info("tuning paths to %s: some minutes, once", series.name)

    def told(done: int, of: int) -> None:
        if done % 50 == 0:
            log.info("%d of %d simulations", done, of)

    found = tuning.tune(trained.generator, series.returns, seed, told=told)
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(found))
    return found


def _judge(
    trained: Trained, series: Series, fitted: Tuning, seed: int, out: Path, result: dict[str, Any]
) -> list[Path]:
    """The panel of stylised facts beside simpler simulators, for paths as long as the history."""
    real = series.returns
    if len(real) <= facts.LAGS:
        log.warning("%s: %d returns are too few for the panel of stylised facts", series.name, len(real))
        return []
    kinds = {
        OURS: anywhere(trained.generator, fitted, JUDGED, len(real), seed + 1).returns,  # not those tuned with
        "garch": rivals.garch_paths(real, JUDGED, len(real), "garch", seed),
        "gjr": rivals.garch_paths(real, JUDGED, len(real), "gjr", seed),
        "bootstrap": rivals.bootstrap_paths(real, JUDGED, len(real), seed=seed),
    }
    result["facts"][series.name] = panel.table(real, kinds)
    cut = int(len(real) * 0.7)
    if len(real) - cut > 150:
        # Of a history that is split in time: whether paths are nearer to its beginning than its end is.
        result["copies"][series.name] = {
            name: copies.copied(real[:cut], real[cut:], paths, seed=seed) for name, paths in kinds.items()
        }
    return [panel.panel(real, kinds, out / f"facts-{slug(series.name)}.png")]


def _from_now(trained: Trained, series: Series, count: int, length: int, seed: int) -> np.ndarray:
    past = Past.of(series.returns)
    return ahead(trained.generator, past, np.array([len(past.returns) - 1]), count, length, seed)[0]


def _losses(paths: np.ndarray) -> dict[str, dict[str, float]]:
    """Value at Risk and expected shortfall: losses, as log returns over all sessions of the paths together."""
    total = np.sort(paths.sum(axis=1))[None]
    return {
        f"{level:g}": {
            "value_at_risk": float(value_at_risk(total, level)[0]),
            "expected_shortfall": float(expected_shortfall(total, level)[0]),
        }
        for level in (0.01, 0.05)
    }


def _table(series: Series, paths: np.ndarray, days: np.ndarray | None) -> tuple[str, list[str], np.ndarray]:
    """Name, labels of the sessions and closes, `[count, length]`."""
    labels = [str(i + 1) for i in range(paths.shape[1])] if days is None else [str(day) for day in days]
    return series.name, labels, series.close[-1] * np.exp(np.cumsum(paths, axis=1))


def _write(tables: list[tuple[str, list[str], np.ndarray]], out: Path) -> None:
    """paths.csv: a row a session of a series, a column a path; written row by row, since it may be large."""
    import csv

    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unique_id", "ds", *(f"path_{i + 1}" for i in range(len(tables[0][2])))])
        for name, labels, closes in tables:
            for label, row in zip(labels, closes.T, strict=True):
                writer.writerow([name, label, *(f"{value:.6g}" for value in row)])
