"""All scores of generated pictures at once, between a floor and a ceiling.

A figure alone says little: an FID of 12 may be perfect for 300 pictures and poor for 50,000. So the same scores are
given of real training pictures in place of generated ones (the floor, which a perfect generator reaches), and of an
untrained generator's pictures (the ceiling).

The reference is the test split. As many generated and training pictures as there are test pictures are compared with
it, or all sets are cut to the smallest, for most scores depend on the counts. Memorisation looks at the whole training
split. Each set is first shuffled in an order that hangs on what its pictures show and on nothing else: no score depends
on the order in which pictures come, nor do those that draw subsets mistake an order by class for a property.

A network that was trained on the training split knows those pictures better than others, which could lift the floor of
`small-classifier`. On Fashion-MNIST it doesn't: 5,000 test pictures have an FID of 0.28 (+-0.02) from 5,000 training
pictures, and of 0.30 (+-0.04) from the other 5,000 test pictures.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gankit.errors import DataError
from gankit.images.features.embeddings import Embedding
from gankit.images.features.inputs import checked_pictures
from gankit.images.metrics.diversity import duplicate_rate, ms_ssim_diversity
from gankit.metrics.copies import memorisation
from gankit.metrics.evaluation import Evaluation
from gankit.metrics.frechet import fid
from gankit.metrics.inception import InceptionScore
from gankit.metrics.kernel import kid
from gankit.metrics.moments import Moments
from gankit.metrics.neighbours import neighbour_scores
from gankit.metrics.score import Score
from gankit.metrics.wasserstein import sliced_wasserstein

FLOOR, CEILING = "training pictures", "untrained"  # as an evaluation calls them
MOST = 10_000  # pictures of a set that are compared pairwise
TWINS = 2.0  # grey levels by which two pictures may differ (root mean square) and count as one
_PAIRED_VALUES = 2e10  # pairs times values that finding twins may multiply; it bounds the time
_IN_MEMORY = 2**28  # bytes of a set's features; more lie in a temporary file
_PIXELS = "pixels, 0..255"


@dataclass(frozen=True)
class PictureScores:
    """Scores of generated pictures.

    Attributes:
        metrics: Score -> value.
        errors: Score -> its uncertainty, where one is estimated; of what kind says the score's own protocol.
        floor: The same scores of training pictures; of `copied` and `nearer`, the value of a healthy model.
        ceiling: The same of the untrained generator, but not of memorisation; None where none was given.
        protocol: How all was done, with what was left out and why; JSON can hold it.
        better: Score -> "lower" or "higher", where it has a better end. `ms_ssim`, `copied` and `nearer` have none:
            they are to be near the floor.
        scores: The generated pictures' `Score`s, each with its whole protocol, for `gankit.metrics.score.difference`.

    Examples:
        >>> score_pictures(train, test, fake, embedding("small-classifier", data=data)).metrics["fid"]  # doctest: +SKIP
    """

    metrics: dict[str, float]
    errors: dict[str, float]
    floor: dict[str, float]
    ceiling: dict[str, float] | None
    protocol: dict[str, Any]
    better: dict[str, Literal["higher", "lower"]]
    scores: dict[str, Score]

    def evaluation(self, **protocol: Any) -> Evaluation:
        """The scores as `Recipe.evaluate` returns them: between the floor, which is a limit, and the ceiling.

        Args:
            **protocol: What else the protocol must say, such as the data.
        """
        return Evaluation(
            self.metrics,
            {FLOOR: self.floor, **({} if self.ceiling is None else {CEILING: self.ceiling})},
            {**protocol, "scores": self.protocol},
            self.better,
            errors=self.errors,
            limits=(FLOOR,),
        )


def score_pictures(
    train: Any, test: Any, fake: Any, embedding: Embedding, *, seed: int = 0, untrained: Any = None
) -> PictureScores:
    """Scores generated pictures; see the module's docstring.

    The scores are `fid`, `kid`, `precision`, `recall`, `density`, `coverage`, `copied` and `nearer` on the embedding's
    features, `inception_score` on its probabilities if it has any, `sliced_wasserstein` and `duplicates` on pixels,
    and `ms_ssim` from 11 pixels a side. What too few or too small pictures don't allow is left out, and the protocol's
    `left_out` says why.

    Args:
        train: uint8 `[n, height, width, channels]`, all that the generator was trained on.
        test: Real pictures of the same size that it was not.
        fake: Generated ones.
        embedding: Of `gankit.images.features.embeddings.embedding`.
        seed: Of every random choice.
        untrained: Pictures of the generator before its training, for the ceiling.

    Raises:
        DataError: A set is no uint8 pictures, has fewer than two, or the sizes differ.
        NonFinite: The embedding gave values that are not finite.

    Examples:
        >>> score_pictures(train, test, fake, embedding("small-classifier", data=data)).floor  # doctest: +SKIP
    """
    given = {"training": train, "test": test, "generated": fake}
    if untrained is not None:
        given["untrained"] = untrained
    pictures = {name: checked_pictures(images) for name, images in given.items()}
    for name, images in pictures.items():
        if len(images) < 2:
            raise DataError(
                f"too few {name} pictures: {len(images)}", "distributions need at least two, hundreds to mean much"
            )
        if images.shape[1:] != pictures["test"].shape[1:]:
            shapes = [list(found.shape[1:]) for found in (images, pictures["test"])]
            raise DataError(
                f"the {name} pictures are {shapes[0]}, and the test pictures {shapes[1]}", "make them one size"
            )
    count = min(map(len, pictures.values()))
    left_out: dict[str, str] = {}
    real = _Set(pictures["test"], embedding, seed, count)
    generated = _Set(pictures["generated"], embedding, seed, count)
    floor = _plain(_scores(real, _Set(pictures["training"], embedding, seed, count), embedding, seed, {}))
    scores = _scores(real, generated, embedding, seed, left_out)
    ceiling = None
    if untrained is not None:
        ceiling = _plain(_scores(real, _Set(pictures["untrained"], embedding, seed, count), embedding, seed, {}))

    def copies() -> Mapping[str, Score]:
        held_out = real if count == len(test) else _Set(pictures["test"], embedding, seed, len(test))
        known = _features(pictures["training"], embedding)[0]
        return memorisation(known, held_out.features, generated.features, features=embedding.protocol)

    for name, score in _attempt(left_out, ("copied", "nearer"), copies).items():
        scores[name], floor[name] = score, score.protocol["healthy"]
    protocol = {
        "reference": "test",
        "floor": "training pictures in place of generated ones; of copied and nearer, the value of a healthy model",
        "ceiling": None if untrained is None else "pictures of the untrained generator",
        "given": {name: len(images) for name, images in pictures.items()},
        "compared": count,
        "size": "{1} x {0} x {2}".format(*real.images.shape[1:]),
        "features": embedding.protocol,
        "seed": seed,
        "scores": {name: _own(score) for name, score in scores.items()},
        "left_out": left_out,
    }
    return PictureScores(
        metrics=_plain(scores),
        errors={name: score.error for name, score in scores.items() if score.error is not None},
        floor={name: floor[name] for name in scores},
        ceiling=ceiling,
        protocol=protocol,
        better={name: score.better for name, score in scores.items() if score.better is not None},
        scores=scores,
    )


def canonical_order(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """A shuffle that hangs on what the pictures show and on the seed, but not on how they lie.

    Args:
        images: `[n, ...]` of any type.
        seed: Another one gives another shuffle.

    Returns:
        `[n]` int64: `images[order]` is the same for every permutation of `images`. Equal pictures are spread over it
        like others.
    """
    key = str(seed).encode()
    seen: dict[bytes, int] = {}
    digests = []
    for image in images:
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8, key=key).digest()
        before = seen.get(digest, 0)
        seen[digest] = before + 1
        digests.append(digest if not before else hashlib.blake2b(digest, digest_size=8, key=b"%d" % before).digest())
    return np.argsort(np.frombuffer(b"".join(digests), np.uint64), kind="stable")


class _Set:
    """Some pictures of a set in canonical order, with their features and, if the network has classes, their score."""

    def __init__(self, images: np.ndarray, embedding: Embedding, seed: int, count: int) -> None:
        rows = canonical_order(images, seed)[:count]
        self.images = images[rows]
        self.features, self.inception = _features(self.images, embedding)
        self.moments = Moments()
        self.moments.update(self.features)


def _features(images: np.ndarray, embedding: Embedding) -> tuple[np.ndarray, InceptionScore | None]:
    """`[n, width]` float32, in a temporary file where memory might not hold them."""
    shape = (len(images), embedding.width)
    if 4 * shape[0] * shape[1] > _IN_MEMORY:
        with tempfile.TemporaryFile() as file:
            features: np.ndarray = np.memmap(file, np.float32, "w+", shape=shape)
    else:
        features = np.empty(shape, np.float32)
    inception = None if embedding.classes is None else InceptionScore()
    start = 0
    for vectors, probabilities in embedding.batches(images):
        features[start : start + len(vectors)] = vectors
        start += len(vectors)
        if inception is not None:
            inception.update(probabilities)
    return features, inception


def _scores(real: _Set, fake: _Set, embedding: Embedding, seed: int, left_out: dict[str, str]) -> dict[str, Score]:
    """All but memorisation; what can't be had goes to `left_out` with the reason."""
    network = embedding.protocol
    n = len(fake.images)

    def pairwise() -> Mapping[str, Score]:
        return neighbour_scores(real.features[:MOST], fake.features[:MOST], features=network)

    def kernel() -> Mapping[str, Score]:
        size = max(2, min(1000, n // 4))  # four disjoint subsets at least, so that the error is known
        return {"kid": kid(real.features, fake.features, features=network, subsets=50, subset_size=size, seed=seed)}

    def pixels() -> Mapping[str, Score]:
        flat = [x.images.reshape(n, -1) for x in (real, fake)]
        return {"sliced_wasserstein": sliced_wasserstein(*flat, features=_PIXELS, directions=256, seed=seed)}

    def twins() -> Mapping[str, Score]:
        flat = fake.images.reshape(n, -1)
        width = flat.shape[1]
        most = min(MOST, int((_PAIRED_VALUES / width) ** 0.5))
        return {"duplicates": duplicate_rate(flat[:most], features=_PIXELS, tolerance=TWINS * width**0.5)}

    computed: list[tuple[tuple[str, ...], Callable[[], Mapping[str, Score]]]] = [
        (("fid",), lambda: {"fid": fid(real.moments, fake.moments, features=network)}),
        (("kid",), kernel),
        (("precision", "recall", "density", "coverage"), pairwise),
        (("sliced_wasserstein",), pixels),
        (("ms_ssim",), lambda: {"ms_ssim": ms_ssim_diversity(fake.images, seed=seed)}),
        (("duplicates",), twins),
    ]
    if (inception := fake.inception) is None:
        left_out["inception_score"] = f"{embedding.name} gives no class probabilities"
    else:
        computed.append((("inception_score",), lambda: {"inception_score": inception.score(features=network)}))
    found: dict[str, Score] = {}
    for names, compute in computed:
        found |= _attempt(left_out, names, compute)
    return found


def _attempt(
    left_out: dict[str, str], names: Iterable[str], compute: Callable[[], Mapping[str, Score]]
) -> Mapping[str, Score]:
    """The scores, or none of them and the reason.

    The features are known to be finite and to fit together: what is refused here are too few or too small pictures.
    """
    try:
        return compute()
    except DataError as error:
        left_out.update(dict.fromkeys(names, error.message))
        return {}


def _plain(scores: Mapping[str, Score]) -> dict[str, float]:
    return {name: score.value for name, score in scores.items()}


def _own(score: Score) -> dict[str, Any]:
    """A score's protocol without what all have in common, and without what is a result: the floor has it."""
    kept = {key: value for key, value in score.protocol.items() if key != "healthy"}
    return {key: value for key, value in kept.items() if key != "features" or value == _PIXELS}
