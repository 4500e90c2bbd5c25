"""Which processes train together: their addresses, and which of them this one is.

TensorFlow's cluster resolvers read them from TF_CONFIG, from SLURM's variables, or from Kubernetes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import tensorflow as tf

from gankit.errors import ConfigError, GankitError

log = logging.getLogger("gankit")

Kind = Literal["auto", "tf-config", "slurm", "kubernetes"]
SPEAKS_EVERY = 10.0  # seconds between lines that say for whom one waits
EXAMPLE = '{"cluster": {"worker": ["hostA:2222", "hostB:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """The processes of one training.

    Attributes:
        workers: Their addresses, "host:port", the same in each of them.
        index: Which of them this one is; 0 is the chief, which alone writes the run.
        resolver: TensorFlow's, for the strategy.
    """

    workers: tuple[str, ...]
    index: int
    resolver: Any

    def called(self, worker: int) -> str:
        """A worker as people find it.

        Examples:
            >>> Cluster(("a:1", "b:1"), 0, None).called(1)
            'worker 1 at b:1'
        """
        return f"worker {worker} at {self.workers[worker]}"

    def gone(self) -> str:
        """The other workers that do not answer, as people find them; "another worker" if all do."""
        others = [worker for worker in range(len(self.workers)) if worker != self.index]
        silent = [worker for worker in others if not _answers(self.workers[worker])]
        return " and ".join(map(self.called, silent or others[: len(others) == 1])) or "another worker"


def split_address(address: str) -> tuple[str, int]:
    """Host and port.

    Examples:
        >>> split_address("[::1]:2222")
        ('::1', 2222)
    """
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError, ValueError), socket.create_connection(split_address(address), timeout=2):
        return True
    return False


def find_cluster(kind: Kind = "auto", wait_minutes: float = 10.0) -> Cluster:
    """The cluster that this process is one of.

    Args:
        kind: Who knows: TF_CONFIG, SLURM or Kubernetes; "auto" takes the first that is there.
        wait_minutes: How long Kubernetes may take until all pods run.

    Raises:
        ConfigError: Nobody knows, or what is said cannot be.
        GankitError: Not all pods run in time.

    Examples:
        >>> os.environ["TF_CONFIG"] = EXAMPLE
        >>> find_cluster("tf-config").called(1)
        'worker 1 at hostB:2222'
        >>> del os.environ["TF_CONFIG"]
    """
    if kind == "auto":
        kind = _whoever_is_there(os.environ)
    if kind == "tf-config":
        return _of_tf_config()
    if kind == "slurm":
        return _of_slurm()
    return _of_kubernetes(wait_minutes)


def _whoever_is_there(environment: Mapping[str, str]) -> Literal["tf-config", "slurm", "kubernetes"]:
    if "TF_CONFIG" in environment:
        return "tf-config"
    if "SLURM_PROCID" in environment:
        return "slurm"
    if "KUBERNETES_SERVICE_HOST" in environment:
        return "kubernetes"
    raise ConfigError(
        "--strategy multiworker finds no cluster: neither TF_CONFIG, nor SLURM, nor Kubernetes",
        f"'gankit launch --workers 2 -- run ...' starts one on this machine; or TF_CONFIG='{EXAMPLE}'",
    )


def _of_tf_config() -> Cluster:
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        workers, task = tuple(map(str, config["cluster"]["worker"])), config["task"]
        if task["type"] != "worker" or not 0 <= int(task["index"]) < len(workers):
            raise KeyError("task")
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "TF_CONFIG does not hold a cluster of workers and this process' task", f"TF_CONFIG='{EXAMPLE}'"
        ) from error
    return Cluster(workers, int(task["index"]), tf.distribute.cluster_resolver.TFConfigClusterResolver())


def _of_slurm() -> Cluster:
    # Without GPUs TensorFlow's resolver would count tasks by dividing by none: one stands for each task then.
    gpus = len(tf.config.list_physical_devices("GPU"))
    given: dict[str, Any] = {} if gpus else {"gpus_per_node": 10**6, "gpus_per_task": 1, "auto_set_gpu": False}
    try:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(**given)
        workers = tuple(resolver.cluster_spec().as_dict()["worker"])
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise ConfigError(
            f"SLURM's variables do not tell the cluster: {error}", "start it as a job step: srun gankit run ..."
        ) from error
    return Cluster(workers, int(resolver.task_id), resolver)


def _of_kubernetes(wait_minutes: float) -> Cluster:
    wanted = {name: os.environ.get(name, "") for name in ("GANKIT_WORKERS", "GANKIT_JOB", "HOST_IP")}
    if missing := [name for name, value in wanted.items() if not value]:
        raise ConfigError(
            f"Kubernetes does not tell {', '.join(missing)}", "docs/write/devices.md has a Job that sets them"
        )
    if not re.fullmatch("[1-9][0-9]*", wanted["GANKIT_WORKERS"]):
        raise ConfigError(f"GANKIT_WORKERS is {wanted['GANKIT_WORKERS']!r}", "it is the Job's number of pods")
    count, labels = int(wanted["GANKIT_WORKERS"]), {"worker": [f"job-name={wanted['GANKIT_JOB']}"]}
    resolver = tf.distribute.cluster_resolver.KubernetesClusterResolver(labels, override_client=_kubernetes_client())
    began = spoke = time.monotonic()
    while True:
        try:
            workers = tuple(resolver.cluster_spec().as_dict().get("worker", ()))
            state = f"{len(workers)} of {count} pods run"
        except RuntimeError as error:  # one is not running yet
            workers, state = (), str(error)
        if len(workers) == count:
            break
        if time.monotonic() - began > wait_minutes * 60:
            raise GankitError(f"waited {wait_minutes:g} minutes for pods: {state}", "kubectl get pods; --wait-minutes")
        if time.monotonic() - spoke >= SPEAKS_EVERY:
            spoke = time.monotonic()
            log.info("waiting for pods: %s", state)
        time.sleep(1)
    mine = [i for i, address in enumerate(workers) if address.rpartition(":")[0] == wanted["HOST_IP"]]
    if len(mine) != 1:
        raise ConfigError(
            f"{len(mine)} pods run on {wanted['HOST_IP']}, this one's node", "each pod needs a node of its own"
        )
    resolver.task_type, resolver.task_id = "worker", mine[0]
    return Cluster(workers, mine[0], resolver)


def _kubernetes_client() -> Any:
    try:
        client, config = (importlib.import_module(f"kubernetes.{name}") for name in ("client", "config"))
    except ImportError as error:
        raise ConfigError("--cluster kubernetes needs Kubernetes' client", "pip install kubernetes") from error
    config.load_incluster_config()
    return client.CoreV1Api()
