"""Losses and sources are pure functions. What is not shows in graphs of them that are traced twice, and never run.

Two traces of a pure function are alike: a constant that differs is a number that Python drew, which the training would
keep from its first step to its last.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gankit.engine.drawing import DRAWING, NOISE, SOURCE_NOISE, written
from gankit.recipe import Recipe, Stage
from gankit.support.blame import recipe_code
from gankit.testing.failure import CheckFailed, ensure
from gankit.testing.tiny_game import TinyGame, shared


def check_purity(recipe: type[Recipe], folder: Path) -> None:
    """Losses and sources use no randomness, model or variable but the game's."""
    game = shared(recipe).game
    game.trainer.viewed()  # a model that the recipe has kept is from here on a copy, as in a run
    for stage in game.trainer.state.stages:
        for name in stage.reads or game.trainer.data.train:
            _check_source(game, stage, name)
        watched = _Watched(game)
        phases = tuple(
            replace(phase, loss=watched(phase.loss, f"the loss of phase {phase.name!r}")) for phase in stage.phases
        )
        update = watched(stage.update, f"Stage.update of {stage.name!r}") if stage.update else None
        game.train(stage.name, 0, 1, phases, update=update)
        if watched.found:
            raise watched.found


class _Watched:
    """Makes functions of a turn that look at their own graph before they run.

    Attributes:
        found: What the first of them that is not pure does; the engine would take what is raised for the author's.
    """

    def __init__(self, game: TinyGame) -> None:
        self.found: CheckFailed | None = None
        state = game.trainer.state
        self._seeds = {
            key: (layer, name) for name, network in state.networks.items() for key, layer in _seeds(network).items()
        }
        self._known = {id(v.value) for network in state.networks.values() for v in network.variables}
        self._tracing = False

    def __call__(self, function: Callable[[Any], Any], what: str) -> Callable[[Any], Any]:
        @functools.wraps(function)
        def watched(turn: Any) -> Any:
            if not self._tracing:
                self._tracing = True
                try:
                    self._look(lambda: function(_again(turn)), what)
                except CheckFailed as failed:
                    self.found = self.found or failed
                finally:
                    self._tracing = False
            return function(turn)

        return watched

    def _look(self, call: Callable[[], Any], what: str) -> None:
        first, second = traced(call), traced(call)
        check_graphs(first, second, what, NOISE)
        for v in first.variables:
            if id(v) in self._seeds:
                layer, name = self._seeds[id(v)]
                raise CheckFailed(
                    f"the layer {layer.name!r} ({type(layer).__name__}) of network {name!r} draws random numbers of "
                    "its own, other ones on each device",
                    "use gankit.nn.Dropout, which draws by the example; for other noise, give the network an input and "
                    "call it with turn.normal(name, *shape)",
                )
            if "seed_generator" in v.name:
                raise CheckFailed(f"{what} draws random numbers (keras.random) in {_reader(first, v)}", NOISE)
            if id(v) not in self._known:
                raise CheckFailed(
                    f"{what} uses the variable {v.name.split(':')[0]!r}, which is not the game's, in "
                    f"{_reader(first, v)}",
                    "keep what changes in Stage.state, and draw random numbers with turn.normal or turn.uniform",
                )


def _seeds(network: Any) -> dict[int, Any]:
    """The states of generators of random numbers within a network, by id -> the innermost layer that has it."""
    found: dict[int, Any] = {}
    for layer in network._flatten_layers():
        weights = {id(v) for v in layer.weights}
        found |= {id(v.value): layer for v in layer.variables if id(v) not in weights}
    return found


def _reader(graph: Any, variable: Any) -> str:
    """The place of the first operation that uses a variable."""
    inner = {id(internal) for external, internal in graph.captures if external is variable.handle}
    return next((written(op) for op in graph.get_operations() if any(id(given) in inner for given in op.inputs)), "")


def _again(turn: Any) -> Any:
    """The same turn, of which nothing is computed or logged."""
    again = turn.after([])
    again._logged, again._terms = {}, turn._terms
    return again


def traced(call: Callable[[], Any]) -> Any:
    """The graph of a function."""
    import tensorflow as tf

    def silent() -> None:
        call()

    return tf.function(silent, autograph=False).get_concrete_function().graph


def check_graphs(first: Any, second: Any, what: str, hint: str) -> None:
    """Fails if a function draws random numbers, by two graphs of it."""
    one, other = first.as_graph_def(), second.as_graph_def()
    library = {function.signature.name: function for function in one.library.function}
    for node, again in zip_longest(one.node, other.node):
        if node is not None and (drawn := next(_drawing([node], library), None)):
            where = written(first.get_operation_by_name(node.name))
            raise CheckFailed(f"{what} draws random numbers ({drawn}) in {where}", hint)
        if not _alike(node, again):
            graph, name = (first, node.name) if node is not None else (second, again.name)
            where = written(graph.get_operation_by_name(name))
            raise CheckFailed(
                f"{what} is another one each time that Python runs {where}", f"Python runs it once; {hint}"
            )


def _alike(node: Any, again: Any) -> bool:
    if node is None or again is None or node.op != again.op:
        return False
    return node.op != "Const" or node.attr["value"].SerializeToString() == again.attr["value"].SerializeToString()


def _drawing(nodes: Any, library: Mapping[str, Any]) -> Iterator[str]:
    """The drawing operations among some nodes and in the functions that they call."""
    for node in nodes:
        if node.op in DRAWING:
            yield node.op
        called = [node.op, *(value.func.name for value in node.attr.values() if value.HasField("func"))]
        for name in called:
            if name in library:
                yield from _drawing(library[name].node_def, library)


def _check_source(game: TinyGame, stage: Stage, name: str) -> None:
    import tensorflow as tf

    source = game.trainer.data.train[name]
    rows = tf.range(min(source.n, 4), dtype=tf.int64)

    def gather() -> Any:
        return dict(source.gather(rows, rows, game.training.seed))

    what = f"gather() of source {name!r}"
    with recipe_code(what, source.gather):
        call, again = (tf.function(lambda: gather(), autograph=False) for _ in range(2))
        first, second = (function.get_concrete_function().graph for function in (call, again))
        once, twice = call(), call()
    check_graphs(first, second, what, SOURCE_NOISE)
    for field, value in once.items():
        ensure(
            bool(tf.reduce_all(tf.equal(value, twice[field]))),
            f"{what} gives other values of {field!r} for the same examples",
            SOURCE_NOISE,
        )
