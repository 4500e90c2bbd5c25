"""The whole batch, seen from one replica: what losses and layers that couple examples need.

Outside of a strategy, and with one replica, these are the plain operations. Gradients flow through both.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def _context() -> tf.distribute.ReplicaContext | None:
    """The replica's context where there are several replicas."""
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def global_mean(x: Any) -> tf.Tensor:
    """Mean of `[batch, ...]` over the examples of all replicas, `[...]`.

    Examples:
        >>> global_mean(tf.constant([1.0, 3.0])).numpy().item()
        2.0
    """
    mean, context = tf.reduce_mean(x, axis=0), _context()
    return mean if context is None else context.all_reduce("sum", mean) / context.num_replicas_in_sync


def gather(x: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """The examples of all replicas.

    Args:
        x: `[batch, ...]`, of the same shape on every replica.

    Returns:
        `[replicas * batch, ...]`, the same on every replica; and the place of this replica's first example in it.

    Examples:
        >>> x, first = gather(tf.constant([1.0, 3.0]))
        >>> x.shape[0], int(first)
        (2, 0)
    """
    context = _context()
    if context is None:
        return x, tf.constant(0)
    count, own = context.num_replicas_in_sync, tf.cast(context.replica_id_in_sync_group, tf.int32)
    numbers = tf.cast(x, tf.int32) if x.dtype == tf.bool else x
    mask = tf.reshape(tf.one_hot(own, count, dtype=numbers.dtype), (count, *[1] * len(x.shape)))
    parts = tf.cast(context.all_reduce("sum", mask * numbers[None]), x.dtype)
    size = tf.shape(x)[0]
    whole = tf.reshape(parts, tf.concat([[count * size], tf.shape(x)[1:]], axis=0))
    return tf.ensure_shape(whole, [x.shape[0] and count * x.shape[0], *x.shape[1:]]), own * size


def own(x: Any, size: int) -> tf.Tensor:
    """This replica's `size` examples of what `gather` gave: `[replicas * size, ...]` -> `[size, ...]`."""
    context = _context()
    if context is None:
        return x
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * size
    return tf.ensure_shape(x[first : first + size], [size, *x.shape[1:]])
