"""The contract between a recipe and the engine.

A recipe says *what* is trained: data, networks, and losses grouped in phases and stages. The engine decides *how*:
randomness, reduction over replicas, clipping, precision, averages, checkpoints, logs and signals. This module imports
no TensorFlow, so that recipes can be listed, described and configured in milliseconds; a recipe module keeps its
networks and losses in sibling modules that it imports when a method is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from gankit.config import RecipeConfig
from gankit.metrics.evaluation import Evaluation

if TYPE_CHECKING:
    import click

__all__ = [
    "Claim",
    "Data",
    "Monitor",
    "Phase",
    "Recipe",
    "Schedule",
    "Selection",
    "Source",
    "Stage",
    "Terms",
    "Turn",
]

Terms = Mapping[str, Any]
"""Loss terms by name: each `[batch]` float, unweighted, one value an example. A scalar is refused."""

Schedule = Callable[[int], float]
"""Step of the stage -> value. Plain Python: the engine feeds its values to the graph as a table."""


class Turn(Protocol):
    """All that a loss sees: one batch of one step, on one replica. A loss is a pure function of it.

    Examples:
        >>> def judge(turn: Turn) -> Terms:
        ...     fake = turn("generator", turn.normal("z", 8))
        ...     return {"wasserstein": turn("critic", fake)[:, 0] - turn("critic", turn["image"])[:, 0]}
    """

    @property
    def knobs(self) -> Mapping[str, Any]:
        """This step's value of each of `Stage.knobs`, scalar float tensors."""

    @property
    def shared(self) -> Mapping[str, Any]:
        """`Stage.shared`'s values: differentiable, and never older than the networks that made them.

        In `Stage.update`, what the step's losses read last.
        """

    @property
    def state(self) -> Mapping[str, Any]:
        """`Stage.state`'s values as the step found them, the same on every replica."""

    @property
    def terms(self) -> Mapping[str, Any]:
        """For `Stage.update` alone: "phase/term" -> `[batch]`, the unweighted terms of the step, and what it logged.

        Of a phase that updates several times a step, those of the last batch. Terms of a phase that did not run in
        the step are absent.
        """

    def __getitem__(self, field: str) -> Any:
        """A field of the batch, `[batch, ...]`."""

    def __call__(self, network: str, *inputs: Any, training: bool | None = None) -> Any:
        """A network's output. It runs with `training=True` unless no phase of the stage trains it.

        `training=False` lets a phase show a network what its batch statistics must not see, noisy copies of the data
        say; gradients flow as ever.
        """

    def normal(self, name: str, *shape: int) -> Any:
        """`[batch, *shape]` standard normal noise, a hash of (seed, example index, name)."""

    def uniform(self, name: str, *shape: int) -> Any:
        """`[batch, *shape]` noise in [0, 1), a hash of (seed, example index, name)."""

    def global_mean(self, x: Any) -> Any:
        """Mean of `[batch, ...]` over the examples of all replicas, `[...]`; differentiable."""

    def gather(self, x: Any) -> Any:
        """`[batch, ...]` of every replica, `[global batch, ...]`, in the order of the examples; differentiable."""

    def own(self, x: Any) -> Any:
        """This replica's examples of what `gather` gave: `[global batch, ...]` -> `[batch, ...]`."""

    def log(self, name: str, value: Any) -> None:
        """Logs a figure that nothing minimises, beside the phase's terms: `[batch]`, or a scalar equal on replicas."""


@dataclass(frozen=True)
class Phase:
    """One loss, and the networks that one optimizer update trains with it.

    Attributes:
        name: Unique in its stage; the first half of a term's name in the logs.
        trains: Names of the networks that the update moves.
        loss: Turn -> terms.
        weights: Weight of each term in the sum that is minimised; 1 where absent.
        optimizer: Key of `Recipe.optimizers()`; "" is the phase's name. Phases may share one.
        lr: Learning rate by step of the stage; None keeps the optimizer's own.
        clip: Largest global norm of the gradient, applied after the reduction over replicas.
        repeats: Updates a step, each on a batch of its own: the last `repeats` of the step's batches.
        every: The phase runs in steps divisible by this. Scale its weights by `every` where the mean is wanted.
        accumulate: Batches whose mean gradient makes one update, one after the other: the update of a batch so many
            times larger, in the memory of one, as far as losses don't look across the batch. Shared values are
            made anew for each.

    Examples:
        >>> phase = Phase("critic", ("critic",), lambda turn: {}, weights={"penalty": 10.0}, repeats=5)
        >>> phase.optimizer_key
        'critic'
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Turn], Terms]
    weights: Mapping[str, float] = field(default_factory=dict)
    optimizer: str = ""
    lr: Schedule | None = None
    clip: float | None = None
    repeats: int = 1
    every: int = 1
    accumulate: int = 1

    def __post_init__(self) -> None:
        if min(self.repeats, self.every, self.accumulate) < 1 or (self.repeats > 1 and self.every > 1):
            raise ValueError(f"phase {self.name!r}: give repeats >= 1 or every >= 1, not both, and accumulate >= 1")
        if isinstance(self.trains, str):
            raise ValueError(f"phase {self.name!r}: trains is a tuple of names: ({self.trains!r},), with its comma")
        if self.lr is not None and not callable(self.lr):
            raise ValueError(f"phase {self.name!r}: lr is a function of the step: lambda step: 1e-3")
        if not self.trains:
            raise ValueError(f"phase {self.name!r} trains no network")

    @property
    def batches(self) -> int:
        """Batches that a step of the phase reads."""
        return self.repeats * self.accumulate

    @property
    def optimizer_key(self) -> str:
        """The key of `Recipe.optimizers()` that this phase uses."""
        return self.optimizer or self.name


@dataclass(frozen=True)
class Monitor:
    """What the monitors of a stage look at (`gankit.monitors`), each time that the training logs.

    Networks are called on one and the same batch each time, with `training=False`, on copies: looking changes nothing.

    Attributes:
        outputs: Turn -> what there is of "real" and "fake" (the discriminator's outputs on real and on generated
            examples), "examples" and "generated" (those examples themselves); `[batch, ...]` each.
        generator: The phase whose gradient feeds the generator.
        saturating: Whether the outputs are logits that the generator's loss sends through a sigmoid; False for critics.
        examples: Size of the batch.
        reads: Keys of `Data.train` that the look draws from; () is what the stage reads. A small source that it does
            not need would make the batch small, since no example stands in it twice.

    Examples:
        >>> monitor = Monitor(lambda turn: {"real": turn("critic", turn["image"])}, saturating=False)
        >>> monitor.generator
        'generator'
    """

    outputs: Callable[[Turn], Mapping[str, Any]]
    generator: str = "generator"
    saturating: bool = True
    examples: int = 256
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """How a stage's best weights are found: by one of the held-out figures of `Stage.probe`.

    Attributes:
        figure: The name that the probe gives it.
        networks: Whose weights are kept.
        better: "lower" or "higher".
        restore: Whether the stage ends with its best weights. If not, they are kept beside the last ones:
            `gankit.load(run, weights="best")`.

    Raises:
        ValueError: `better` is another word, or there are no networks.

    Examples:
        >>> Selection("crps", ("generator",)).better
        'lower'
    """

    figure: str
    networks: tuple[str, ...]
    better: Literal["lower", "higher"] = "lower"
    restore: bool = True

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher") or not self.networks:
            raise ValueError(f"selection by {self.figure!r}: give better as 'lower' or 'higher', and networks")


@dataclass(frozen=True)
class Stage:
    """An ordered list of phases for a number of steps.

    Attributes:
        name: Unique in the recipe.
        steps: Steps to train; a budget (`--max-minutes`, `--max-steps`) may lower it, and then stretches the schedules.
        phases: Run in this order in each step. Critics first: `shared` is then computed once a batch.
        shared: Values that several phases use, such as the fakes; computed when first read.
        refresh: Whether `shared` is computed again once a phase has moved a network it used; False gives
            simultaneous updates.
        knobs: Values by step that losses read from `Turn.knobs`: noise levels, fade-ins.
        reads: Keys of `Data.train` that this stage draws from; () is all.
        monitor: What the monitors look at; None for gradient norms alone.
        selection: Which of its weights the stage ends with; None for the last ones.
        state: Values that steps read and change, by name: a number, an array, or data -> one of both. Floats take
            Keras' floatx. They are part of checkpoints, equal on all replicas, and no weights.
        update: Turn -> new values of some of the state, called once when a step's phases have run. Where a value is
            made of examples, `Turn.gather` and `Turn.global_mean` see those of all replicas.
        probe: (networks as `Recipe.evaluate` gets them, data) -> held-out figures, asked each time that the training
            logs, so it must be fast, and deterministic.
        batch_size: Examples in a step of this stage, over all replicas; 0 is `training.batch_size`.

    Examples:
        >>> phase = Phase("generator", ("generator",), lambda turn: {})
        >>> Stage("main", 1000, (phase,), knobs={"noise": lambda step: 0.1}).steps
        1000
        >>> count = {"steps": 0.0}
        >>> Stage("main", 9, (phase,), state=count, update=lambda turn: {"steps": turn.state["steps"] + 1}).name
        'main'
    """

    name: str
    steps: int
    phases: tuple[Phase, ...]
    shared: Callable[[Turn], Mapping[str, Any]] | None = None
    refresh: bool = True
    knobs: Mapping[str, Schedule] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    monitor: Monitor | None = None
    selection: Selection | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    update: Callable[[Turn], Mapping[str, Any]] | None = None
    probe: Callable[[Mapping[str, Any], Data], Mapping[str, float]] | None = None
    batch_size: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0 or not self.phases or self.batch_size < 0:
            raise ValueError(f"stage {self.name!r} needs steps >= 0, at least one phase, and batch_size >= 0")
        if self.selection and self.probe is None:
            raise ValueError(f"stage {self.name!r} selects weights by {self.selection.figure!r}, but has no probe")
        if self.update and not self.state:
            raise ValueError(f"stage {self.name!r} has an update, but no state")


class Source(Protocol):
    """Random access to examples by whole batches. The fields of the sources of one stage must not clash.

    Examples:
        >>> class Squares:
        ...     n = 100
        ...
        ...     def gather(self, rows, index, seed):
        ...         return {"x": rows, "y": rows**2}
        >>> Squares().gather(3, 0, 0)
        {'x': 3, 'y': 9}
    """

    n: int

    def gather(self, rows: Any, index: Any, seed: int) -> Mapping[str, Any]:
        """Examples as tensors; runs inside a tf.data map.

        Args:
            rows: `[batch]` int64 in [0, n), shuffled anew in each epoch.
            index: `[batch]` int64, the number of the example in the run: the key of its augmentation noise.
            seed: The run's seed.

        Returns:
            Field -> `[batch, ...]` tensor.
        """


@dataclass(frozen=True)
class Data:
    """What a recipe trains and evaluates on.

    Attributes:
        train: Sources by name, each shuffled by itself.
        held_out: Whatever `Recipe.evaluate` and `Recipe.sample` need; the engine never reads it.
        facts: Shapes, scalers, classes: all that rebuilding the networks needs. It is stored in the run as JSON.

    Examples:
        >>> Data(facts={"classes": 10}).train
        {}
    """

    train: Mapping[str, Source] = field(default_factory=dict)
    held_out: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A published figure that a recipe undertakes to reproduce; `gankit verify` does, and says whether it succeeds.

    Attributes:
        metric: Key of `Evaluation.metrics`.
        value: The published figure.
        tolerance: Largest |measured - value| that counts as reproduced.
        protocol: Data, preset and budget that the figure holds for, in words.
        source: Paper and table.
        needs: "" or "gpu".
        options: Configuration of the runs, by dotted key; the recipe's defaults for the rest.
        seeds: Number of runs, of successive seeds, whose mean is measured.

    Raises:
        ValueError: The tolerance is negative, there are no seeds, or a number is not finite.

    Examples:
        >>> Claim("fid", 9.0, 1.0, "CIFAR-10, 50,000 samples", "Miyato et al. (2018), table 2", needs="gpu").seeds
        1
    """

    metric: str
    value: float
    tolerance: float
    protocol: str
    source: str
    needs: Literal["", "gpu"] = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 1

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not 0 <= self.tolerance < math.inf:
            raise ValueError(f"claim of {self.metric!r}: give a finite value and a finite tolerance >= 0")
        if self.seeds < 1 or self.needs not in ("", "gpu"):
            raise ValueError(f"claim of {self.metric!r}: give seeds >= 1, and needs as '' or 'gpu'")


class Recipe:
    """Base class of everything that `gankit run` can train.

    A subclass sets `name`, `summary` and `Config`, and implements the six methods below. Register it in the
    entry-point group `gankit.recipes` of a distribution, or run it from a file: `gankit run ./mine.py:MyRecipe`.

    Attributes:
        name: What the user types; lower case, digits and hyphens.
        summary: One line for `gankit list`.
        paper: The method's reference.
        Config: The typed options; its scalar fields become command line options.
        claims: Published figures that the recipe undertakes to reproduce.
        ema: Network -> decay of the exponential moving average of its weights; `evaluate` and `sample` are given
            the average. After t steps in which a stage trained the network, the decay is
            min(decay, (1 + t) / (10 + t)), so short stages are not dominated by the initial weights.
        exports: Network -> what it computes, of the networks that one exports; the first is the default.
        tiny: Options that make the recipe train in seconds, for the compliance kit.

    Examples:
        >>> class Mine(Recipe):
        ...     name, summary = "mine", "A GAN of my own."
        >>> Mine(Mine.Config()).config.training.batch_size > 0
        True
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    Config: ClassVar[type[RecipeConfig]] = RecipeConfig
    claims: ClassVar[tuple[Claim, ...]] = ()
    ema: ClassVar[Mapping[str, float]] = {}
    exports: ClassVar[Mapping[str, str]] = {}
    tiny: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, config: RecipeConfig) -> None:
        self.config: Any = config

    @classmethod
    def commands(cls) -> click.Group | None:
        """The recipe's own commands, `gankit NAME ...`; imported only when used."""
        return None

    def data(self) -> Data:
        """Opens the training and held-out data that the configuration names."""
        raise NotImplementedError

    def test_data(self, source: str) -> Data:
        """Opens other data for evaluation only (`gankit evaluate RUN --data SOURCE`): all of it is held out."""
        from gankit.errors import UsageError

        raise UsageError(
            f"{self.name} evaluates only on the held-out part of the data that it was trained on",
            "leave --data out",
        )

    @classmethod
    def tiny_data(cls, folder: Path) -> dict[str, Any]:
        """Writes a little data, for the compliance kit to train a recipe whose data are the user's own.

        Args:
            folder: An existing empty folder.

        Returns:
            The options that name what was written, `{"data": str(folder / "pairs")}`; they win over `tiny`.
        """
        return {}

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """Describes a file or folder before one trains on it (`gankit data check SOURCE --recipe NAME`).

        Args:
            source: What the user named.

        A recipe with an option `data` opens it as for a training, and counts examples, unless it can say more.

        Returns:
            All of it as JSON, and as lines of text. Where a fact `ok` is False, the command exits with 1.
        """
        from gankit.errors import UsageError

        if "data" not in self.Config.model_fields:
            raise UsageError(f"{self.name} has no check of its own", "leave --recipe out")
        found = type(self)(self.config.model_copy(update={"data": source})).data()
        examples = {name: source.n for name, source in found.train.items()}
        lines = [f"{name}: {count:,} examples to train on" for name, count in examples.items()]
        return {"examples": examples, "facts": dict(found.facts)}, "\n".join(lines)

    def initial_weights(self, reference: str) -> Mapping[str, Sequence[Any]] | None:
        """Weights to start from that are no run's, such as those of a model that comes with the plugin.

        Args:
            reference: What `--init-from` names, where no run is called so.

        Returns:
            Network -> arrays in the order of `keras.Model.variables`; None where the recipe knows nothing of that kind.

        Raises:
            UsageError: It knows others, but not this one.
        """
        return None

    def networks(self, data: Data) -> dict[str, Any]:
        """Builds the networks (`keras.Model`) from `data.facts`; called in the strategy's scope.

        Networks that no phase trains are frozen and not saved with the run.
        """
        raise NotImplementedError

    def optimizers(self) -> dict[str, Any]:
        """Builds Keras optimizers with constant learning rates and without clipping; called in scope."""
        raise NotImplementedError

    def stages(self, data: Data) -> list[Stage]:
        """The stages in the order of training."""
        raise NotImplementedError

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Held-out figures beside named baselines, with the protocol."""
        raise NotImplementedError

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """Writes pictures and tables that a person looks at, from fixed inputs.

        Args:
            networks: As for `evaluate`.
            data: As for `evaluate`.
            out: An existing empty folder.

        Returns:
            The files written.
        """
        raise NotImplementedError
