"""Where a run computes: one device, several devices, or several processes, behind one interface."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import tensorflow as tf

from gankit.engine.cluster import Cluster, find_cluster
from gankit.errors import ConfigError

log = logging.getLogger("gankit")


@dataclass(frozen=True)
class Placement:
    """A strategy and what the engine needs to know of it.

    Attributes:
        strategy: The tf.distribute strategy.
        kind: "single", "mirrored" or "multiworker".
        replicas: Copies of the networks in all processes.
        workers: Processes.
        worker: This process' number; 0 is the chief, which alone writes the run.
    """

    strategy: tf.distribute.Strategy
    kind: str
    replicas: int
    workers: int = 1
    worker: int = 0

    @property
    def chief(self) -> bool:
        """Whether this process writes the run."""
        return self.worker == 0

    @property
    def device(self) -> str:
        """What computes, for people: "2 x CPU (mirrored)"."""
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return f"{self.replicas} x {kind} ({self.kind})"

    @property
    def local_replicas(self) -> int:
        """Copies of the networks in this process."""
        return self.replicas // self.workers

    def iterate(self, batch: Callable[[tf.Tensor], Any], start: int) -> Any:
        """An endless iterator of this process' parts of the global batches.

        It is a plain one, from which each replica takes its `part`. Those of `distribute_datasets_from_function`
        hold up the end of a stage for up to a minute: they join tf.data's autotuning threads, which sleep that long.
        `batch` maps the number of a batch, int64, to this process' part of it; `start` is the first number.
        """
        options = tf.data.Options()
        options.autotune.enabled = False  # there is nothing to tune, and its thread would be waited for
        # AutoGraph would turn a source's RecipeError into one of its own.
        element = tf.autograph.experimental.do_not_convert(batch)
        numbers = tf.data.Dataset.range(start, 2**60)
        return iter(numbers.map(element, num_parallel_calls=2, deterministic=True).prefetch(2).with_options(options))

    def part(self, fields: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """This replica's examples of the process' part of a batch; to be called in a replica."""
        if self.local_replicas == 1:
            return dict(fields)
        number = tf.distribute.get_replica_context().replica_id_in_sync_group - self.worker * self.local_replicas
        found = {}
        with tf.device("CPU:0"):  # so that no device is sent the others' examples
            for name, value in fields.items():
                count = value.shape[0] // self.local_replicas
                found[name] = tf.ensure_shape(value[number * count : (number + 1) * count], [count, *value.shape[1:]])
        return found

    def agree(self, value: float) -> float:
        """The mean of one number over all workers, the same in each of them; a barrier."""
        if self.workers == 1:
            return value
        total = self.strategy.experimental_local_results(_sum(self.strategy, tf.constant(value, tf.float64)))[0]
        return float(total) / self.replicas


@tf.function(autograph=False)
def _sum(strategy: tf.distribute.Strategy, value: tf.Tensor) -> Any:
    # The identity puts the value on the replica's device; a reduction asks for one.
    return strategy.run(lambda x: tf.distribute.get_replica_context().all_reduce("sum", tf.identity(x)), (value,))


def logical_cpus(count: int) -> list[str]:
    """Splits the CPU into `count` logical devices.

    Raises:
        ConfigError: TensorFlow has already started with fewer.

    Examples:
        >>> logical_cpus(2)  # doctest: +SKIP
        ['CPU:0', 'CPU:1']
    """
    devices = tf.config.list_physical_devices("CPU")
    present = tf.config.get_logical_device_configuration(devices[0]) or []
    if len(present) < count:
        try:
            tf.config.set_logical_device_configuration(devices[0], [tf.config.LogicalDeviceConfiguration()] * count)
        except RuntimeError as error:
            raise ConfigError(
                f"TensorFlow has already started in this process with {max(1, len(present))} CPU device(s)",
                f"start a new process, or call gankit.engine.distribution.logical_cpus({count}) first",
            ) from error
    return [f"CPU:{i}" for i in range(count)]


def place(
    kind: str, devices: int | None = None, cluster: Cluster | None = None, communication: str = "auto"
) -> Placement:
    """Opens a strategy.

    Args:
        kind: "auto", "single", "mirrored" or "multiworker".
        devices: Devices of the mirrored strategy; all GPUs or one CPU if None.
        cluster: Of the multiworker strategy; found in the environment if None.
        communication: Of the multiworker strategy: "auto", "ring" or "nccl".

    Raises:
        ConfigError: What is asked for does not exist here.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if kind == "auto":
        kind = "mirrored" if len(gpus) > 1 or (devices or 1) > 1 else "single"
    if kind == "single":
        if (devices or 1) > 1:
            raise ConfigError("--strategy single uses one device", "leave --devices out, or use --strategy mirrored")
        return Placement(tf.distribute.get_strategy(), "single", 1)
    if kind == "mirrored":
        if gpus:
            if devices and devices > len(gpus):
                raise ConfigError(f"--devices {devices}: only {len(gpus)} GPU(s) are visible", "lower --devices")
            names = [f"GPU:{i}" for i in range(devices or len(gpus))]
        else:
            names = logical_cpus(devices or 1)
        return Placement(_mirrored(tuple(names)), "mirrored", len(names))
    return _multiworker(cluster or find_cluster(), communication)


@cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    # One strategy for each set of devices in a process: TensorFlow keeps the shapes of collective operations under keys
    # that every new strategy counts from the start, so a second one would meet the first one's shapes and abort. On
    # logical CPU devices a plain sum on one of them needs no collectives at all.
    reduction = tf.distribute.ReductionToOneDevice() if names[0].startswith("CPU") else None
    return tf.distribute.MirroredStrategy(names, cross_device_ops=reduction)


def _multiworker(cluster: Cluster, communication: str) -> Placement:
    log.warning(
        "multi-worker: TensorFlow's gRPC server has no authentication and listens on every interface; "
        "use it only inside a network that you trust"
    )
    kinds = tf.distribute.experimental.CommunicationImplementation
    options = tf.distribute.experimental.CommunicationOptions(implementation=kinds[communication.upper()])
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster.resolver, options)
    count = len(cluster.workers)
    return Placement(strategy, "multiworker", strategy.num_replicas_in_sync, count, cluster.index)
