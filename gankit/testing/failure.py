"""How a check says that a recipe fails it."""

from __future__ import annotations


class CheckFailed(AssertionError):
    """A recipe does not keep what a check asks for.

    Args:
        message: What is wrong, in one sentence without a final full stop.
        hint: What to change in the recipe.

    Examples:
        >>> error = CheckFailed("the evaluation has no baseline", "compare with the untrained generator")
        >>> print(error)
        the evaluation has no baseline
        hint: compare with the untrained generator
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\nhint: {hint}" if hint else message)
        self.message, self.hint = message, hint


def ensure(kept: object, message: str, hint: str = "") -> None:
    """Raises `CheckFailed` unless something is so.

    Examples:
        >>> ensure(1 < 2, "one is not less than two")
    """
    if not kept:
        raise CheckFailed(message, hint)
