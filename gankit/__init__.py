"""gankit: adversarial networks for people who have data, not a training loop.

Everything public is listed in `__all__`; what needs TensorFlow is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gankit.config import RecipeConfig, Section, Training
    from gankit.engine.arrays import ArraySource
    from gankit.errors import DataError, GankitError, UsageError
    from gankit.recipe import (
        Claim,
        Data,
        Evaluation,
        Phase,
        Recipe,
        Schedule,
        Selection,
        Source,
        Stage,
        Terms,
        Turn,
        Watch,
    )
    from gankit.runs.loading import LoadedRun, load
    from gankit.runs.training import train

_HOMES = {
    "ArraySource": "engine.arrays",
    "Claim": "recipe",
    "Data": "recipe",
    "DataError": "errors",
    "Evaluation": "recipe",
    "GankitError": "errors",
    "LoadedRun": "runs.loading",
    "Phase": "recipe",
    "Recipe": "recipe",
    "RecipeConfig": "config",
    "Schedule": "recipe",
    "Section": "config",
    "Selection": "recipe",
    "Source": "recipe",
    "Stage": "recipe",
    "Terms": "recipe",
    "Training": "config",
    "Turn": "recipe",
    "UsageError": "errors",
    "Watch": "recipe",
    "load": "runs.loading",
    "train": "runs.training",
}

__version__ = "0.1.0"

__all__ = [
    "ArraySource",
    "Claim",
    "Data",
    "DataError",
    "Evaluation",
    "GankitError",
    "LoadedRun",
    "Phase",
    "Recipe",
    "RecipeConfig",
    "Schedule",
    "Section",
    "Selection",
    "Source",
    "Stage",
    "Terms",
    "Training",
    "Turn",
    "UsageError",
    "Watch",
    "load",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"gankit.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gankit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
