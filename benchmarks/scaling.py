"""What a step costs, what it sends, and what two processes make of it: the figures of docs/scaling.md.

    python benchmarks/scaling.py srgan --set generator=paper --batch-size 16
    python benchmarks/scaling.py model --seconds 0.2 --bytes 6e6 --collectives 3

A recipe is timed three times, in rounds that follow each other, so that a change of the machine's speed meets all: one
process on one core with half of the batch (what a worker computes), two processes on a core each with the whole batch
(`MultiWorkerMirroredStrategy` over loopback), and one process on one core with the whole batch. The bytes are those of
the graph's collective operations. `model` puts measured or published figures into the arithmetic of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

ROUNDS = 3


def measure(recipe: str, sets: list[str], batch: int, steps: int, strategy: str) -> dict[str, Any]:
    """Seconds a step of the last stage in this process, and what its graph sends."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from gankit import plugins
    from gankit.config import resolve
    from gankit.engine import contract
    from gankit.engine.cluster import find_cluster
    from gankit.runs.trainer import Trainer

    found = plugins.find(recipe).recipe
    options = {"training.batch_size": batch, "training.strategy": strategy, "training.steps_per_call": steps}
    made = contract.make(found, resolve(found.Config, {}, options, sets))
    trainer = Trainer(made, find_cluster() if strategy == "multiworker" else None)
    stage = list(trainer.stages.values())[-1]
    stage.begin(trainer.data, 0, stage.stage.steps)
    stage.advance(0, 1)  # traces
    times = []
    for i in range(ROUNDS):
        trainer.placement.agree(0.0)
        began = time.perf_counter()
        stage.advance(1 + i * steps, steps)
        times.append((time.perf_counter() - began) / steps)
    sent = collectives(stage._call) if strategy == "multiworker" else []
    return {"stage": stage.stage.name, "seconds": times, "collectives": len(sent), "bytes": sum(sent)}


def collectives(call: Any) -> list[int]:
    """Bytes of each collective reduction that one step's graph holds."""
    (concrete,) = call._list_all_concrete_functions()
    graph = concrete.graph.as_graph_def(add_shapes=True)
    library = {function.signature.name: function.node_def for function in graph.library.function}
    found: list[int] = []

    def walk(nodes: Any) -> None:
        for node in nodes:
            if node.op.startswith("CollectiveReduce"):
                shape = [dim.size for dim in node.attr["_output_shapes"].list.shape[0].dim]
                width = {1: 4, 2: 8}.get(node.attr["T"].type, 4)
                count = 1
                for size in shape:
                    count *= size
                found.append(count * width)
            for value in node.attr.values():
                for name in [value.func.name, *(one.name for one in value.list.func)]:
                    if name in library:
                        walk(library[name])

    walk(graph.node)
    return found


def operations(recipe: str, sets: list[str], side: int) -> dict[str, float]:
    """GFLOP of each network's forward pass for one example, with pictures of `side` where a network takes any size."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler import model_analyzer, option_builder

    from gankit import plugins
    from gankit.config import resolve
    from gankit.engine import contract
    from gankit.runs import build_networks

    found = plugins.find(recipe).recipe
    made = contract.make(found, resolve(found.Config, {}, {}, sets))
    counted = option_builder.ProfileOptionBuilder.float_operation()
    counting = option_builder.ProfileOptionBuilder(counted).with_empty_output().build()
    result = {}
    for name, network in build_networks(made, contract.data(made)).items():
        inputs = [tf.TensorSpec((1, *[size or side for size in i.shape[1:]]), i.dtype) for i in network.inputs]
        call = tf.function(lambda *given, network=network: network(list(given) if len(given) > 1 else given[0]))
        graph = convert_variables_to_constants_v2(call.get_concrete_function(*inputs)).graph
        result[name] = model_analyzer.profile(graph, options=counting).total_float_ops / 1e9
    return result


def started(arguments: list[str], core: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    """This program again, on one core."""
    command = ["taskset", "-c", str(core), sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})


def in_processes(options: argparse.Namespace, batch: int, workers: int) -> dict[str, Any]:
    """What the first of some processes measured."""
    arguments = [options.recipe, "--batch-size", str(batch), "--steps", str(options.steps)]
    arguments += [word for text in options.set for word in ("--set", text)]
    if workers == 1:
        begun = [started([*arguments, "--measure", "single"], 0, {})]
    else:
        addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
        cluster = {"cluster": {"worker": addresses}}
        begun = [
            started(
                [*arguments, "--measure", "multiworker"],
                index,
                {"TF_CONFIG": json.dumps({**cluster, "task": {"type": "worker", "index": index}})},
            )
            for index in range(workers)
        ]
    texts = [process.communicate()[0] for process in begun]
    if any(process.returncode for process in begun):
        sys.exit("a process failed")
    return json.loads(texts[0].splitlines()[-1])


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def modelled(seconds: float, size: float, collectives: int, gpus: int, options: argparse.Namespace) -> dict[str, float]:
    """Seconds a step: 2 (n - 1) / n of the bytes through the slowest link, and a tree's 2 log2 n hops a reduction.

    Within a node the link is the GPUs'; from the second node on it is the network's, which the GPUs of a node share.
    """
    nodes = -(-gpus // options.node)
    bandwidth = options.inside if nodes == 1 else options.network
    sending = 2 * (gpus - 1) / gpus * size / bandwidth
    inside, across = math.ceil(math.log2(min(gpus, options.node))), math.ceil(math.log2(nodes))
    waiting = collectives * 2 * (inside * options.hop_inside + across * options.hop_network)
    exposed = max(0.0, sending - options.overlap * seconds) + waiting
    return {"gpus": gpus, "sending": sending, "waiting": waiting, "efficiency": seconds / (seconds + exposed)}


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a recipe, or `model`")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10, help="steps of a round")
    parser.add_argument("--measure", choices=["single", "multiworker"], help="time this process alone, as JSON")
    parser.add_argument("--operations", action="store_true", help="count operations, and time nothing")
    parser.add_argument("--side", type=int, default=24, help="operations: of pictures, where a network takes any size")
    parser.add_argument("--seconds", type=float, help="model: of a step on one GPU, with its part of the batch")
    parser.add_argument("--bytes", type=float, help="model: reduced in a step")
    parser.add_argument("--collectives", type=int, default=1, help="model: reductions that follow each other in a step")
    parser.add_argument("--node", type=int, default=8, help="model: GPUs in a node")
    parser.add_argument("--inside", type=float, default=300e9, help="model: bytes a second between GPUs of a node")
    parser.add_argument("--network", type=float, default=25e9, help="model: bytes a second of a node's network")
    parser.add_argument("--hop-inside", type=float, default=3e-6, help="model: seconds of a hop within a node")
    parser.add_argument("--hop-network", type=float, default=10e-6, help="model: seconds of a hop of the network")
    parser.add_argument("--overlap", type=float, default=0.0, help="model: part of a step in which it sends, too")
    options = parser.parse_args()
    if options.recipe == "model":
        for gpus in (8, 64, 512):
            found = modelled(options.seconds, options.bytes, options.collectives, gpus, options)
            print("  ".join(f"{key} {value:.4g}" for key, value in found.items()))
    elif options.operations:
        for name, found in operations(options.recipe, options.set, options.side).items():
            print(f"{name}  {found:.4g} GFLOP")
    elif options.measure:
        print(json.dumps(measure(options.recipe, options.set, options.batch_size, options.steps, options.measure)))
    else:
        half, two, whole = (in_processes(options, options.batch_size // n, w) for n, w in ((2, 1), (1, 2), (1, 1)))
        seconds = [statistics.median(found["seconds"]) for found in (half, two, whole)]
        print(
            f"{options.recipe}, stage {two['stage']}, batch {options.batch_size}, seconds a step (median of {ROUNDS})"
        )
        print(f"one process, one core, whole batch   {seconds[2]:.3f}")
        print(f"one process, one core, half a batch  {seconds[0]:.3f}")
        print(f"two processes, a core each           {seconds[1]:.3f}")
        print(f"sent in a step: {two['bytes']:,} bytes in {two['collectives']} reductions")
        print(f"speed-up {seconds[2] / seconds[1]:.2f}, time that is not computing {1 - seconds[0] / seconds[1]:.0%}")


if __name__ == "__main__":
    main()
