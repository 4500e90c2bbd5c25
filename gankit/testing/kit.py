"""The checks by name, and running them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gankit.errors import GankitError
from gankit.recipe import Recipe
from gankit.support.blame import blamed
from gankit.testing.failure import CheckFailed
from gankit.testing.identity import check_config_round_trip, check_identity, check_light_import
from gankit.testing.layers import check_layers
from gankit.testing.purity import check_purity
from gankit.testing.rehearsal import check_rehearsal
from gankit.testing.training import check_bfloat16, check_phases, check_replicas, check_resume, check_run

_CHECKS: dict[str, Callable[[type[Recipe], Path], None]] = {
    "identity": check_identity,
    "light_import": check_light_import,
    "config_round_trip": check_config_round_trip,
    "layers": check_layers,
    "rehearsal": check_rehearsal,
    "purity": check_purity,
    "phases": check_phases,
    "replicas": check_replicas,
    "resume": check_resume,
    "bfloat16": check_bfloat16,
    "run": check_run,
}
CHECKS = tuple(_CHECKS)
"""Names of the checks, for `pytest.mark.parametrize`."""
FAST = CHECKS[: CHECKS.index("replicas")]
"""Names of those that take seconds, which `gankit check --fast` runs."""


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        check: Its name.
        seconds: Time that it took.
        message: What is wrong; "" if nothing is.
        hint: What to change.
    """

    check: str
    seconds: float
    message: str = ""
    hint: str = ""


def check_recipe(recipe: type[Recipe], check: str, folder: Path) -> None:
    """Runs one of `CHECKS`.

    Args:
        recipe: The class.
        check: Name of the check.
        folder: An empty folder.

    Raises:
        AssertionError: The recipe fails it; says how.

    Examples:
        >>> from pathlib import Path
        >>> check_recipe(MyRecipe, "identity", Path("empty"))  # doctest: +SKIP
    """
    _CHECKS[check](recipe, folder)


def says(check: str) -> str:
    """What a recipe that passes a check does.

    Examples:
        >>> says("bfloat16")
        'bfloat16 trains to finite float32 weights.'
    """
    return (_CHECKS[check].__doc__ or "").splitlines()[0]


def outcomes(recipe: type[Recipe], checks: Sequence[str], folder: Path) -> Iterator[Outcome]:
    """Runs some checks, and yields what each found.

    Args:
        recipe: The class.
        checks: Names.
        folder: An empty folder.
    """
    for check in checks:
        own, began = folder / check, time.perf_counter()
        own.mkdir()
        message = hint = ""
        try:
            check_recipe(recipe, check, own)
        except (CheckFailed, GankitError) as error:
            message, hint = error.message, error.hint
        except Exception as error:
            found = blamed(error)
            message, hint = found.message, found.hint
        yield Outcome(check, time.perf_counter() - began, message, hint)
