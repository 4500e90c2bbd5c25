"""Errors of sources at run time.

An error inside tf.data reaches Python as one of TensorFlow's, whose long text quotes the first one's; marks in it say
where the message and the hint are that were meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

from gankit.errors import GankitError, RecipeError
from gankit.support.blame import blamed, place

SOURCE: ContextVar[str] = ContextVar("source")
"""Name of the source whose `gather` is being called."""

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
"""What TensorFlow raises in a worker when another one is gone."""

_BEGIN, _HINT, _END = "<gankit>", "<hint>", "</gankit>"


def marked(error: GankitError) -> RecipeError:
    """The same error for Python code that TensorFlow runs to raise; `reading` finds its message and its hint."""
    return RecipeError(f"{_BEGIN}{error.message}{_HINT}{error.hint}{_END}")


@contextmanager
def reading() -> Iterator[None]:
    """Stands around whatever runs steps or takes batches of sources, and raises the errors that these meant.

    Raises:
        RecipeError: A source's Python function raised something, or returned what it should not; or an operation of
            the recipe's code failed.
    """
    try:
        yield
    except LOST:
        raise  # another worker's end, and nothing that the operation's author did
    except tf.errors.OpError as error:
        if _BEGIN not in error.message or _END not in error.message:
            if place(error):  # the text names where the operation was defined
                raise blamed(error) from error
            raise
        text = error.message.split(_BEGIN, 1)[1].split(_END, 1)[0]
        message, _, hint = text.partition(_HINT)
        raise RecipeError(message, hint) from error


def few(what: str, rows: str, count: int) -> RecipeError:
    """The error for a wrong number of rows.

    Args:
        what: "field 'x' of source 'y'".
        rows: What there is, in words.
        count: What there should be.
    """
    return RecipeError(f"{what}: {rows} where {count} were asked", "gather returns a row for each of `rows`, in order")


def counted(value: tf.Tensor, what: str, count: int) -> tf.Tensor:
    """The same tensor of unknown length, once it is known to have `count` rows; `reading` tells of others."""

    def check(rows: np.ndarray) -> np.ndarray:
        if len(rows) != count:
            raise marked(few(what, f"{len(rows)} rows", count))
        return rows

    # What only stands beside the values, such as tf.debugging.Assert, is lost when TensorFlow simplifies the graph.
    same = tf.numpy_function(check, [value], value.dtype)
    same.set_shape([count, *value.shape[1:]])
    return same
