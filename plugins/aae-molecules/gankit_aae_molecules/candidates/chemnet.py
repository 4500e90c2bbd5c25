"""Fréchet ChemNet distance between two sets of molecules.

ChemNet reads a SMILES as a row of characters and was trained to foretell bioactivities; the distance is the Fréchet
one of its last hidden layer (Preuer et al., J. Chem. Inf. Model. 58, 2018). The weights are those of the package `fcd`,
which is not needed otherwise. Few molecules make the distance large, for there are 512 features: compare sets of one
size only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit_aae_molecules.shipped import file_of

FILE = "ChemNet_v0.13_pretrained.pt"
SHA256 = "c22e977602b30eeabd7f81e6c790dd3234c7d7788c6c3e7979d8720ccc96951a"
LENGTH = 350  # characters that a SMILES is filled up to
BATCH = 128
TOKENS = (
    *("C", "N", "O", "H", "F", "Cl", "P", "B", "Br", "S", "I", "Si", "#", "(", ")", "+", "-"),
    *"12345678",
    *("=", "[", "]", "@", "c", "n", "o", "s", "X", "."),
)
UNKNOWN, END = "X", "."
_PATTERN = re.compile("|".join(map(re.escape, sorted(TOKENS, key=len, reverse=True))) + "|.")


def weights() -> Path | None:
    """The file of the package `fcd`; None if it is not installed."""
    return file_of("fcd", FILE)


def distance(first: Sequence[str], second: Sequence[str]) -> float:
    """The distance between two sets of canonical SMILES, at least two each.

    Raises:
        DataError: The weights are not there, or are not those that are known.
    """
    from gankit.metrics import Moments, frechet_distance

    a, b = Moments(), Moments()
    a.update(activations(first))
    b.update(activations(second))
    return frechet_distance(a.mean, a.covariance(), b.mean, b.covariance())


def activations(smiles: Sequence[str]) -> np.ndarray:
    """The last hidden layer of each SMILES, float32 `[n, 512]`; SMILES of `LENGTH` characters and more are cut."""
    network = _network()
    pieces = [smiles[i : i + BATCH] for i in range(0, len(smiles), BATCH)]
    return np.concatenate([np.asarray(network(encoded(piece), training=False)) for piece in pieces])


def encoded(smiles: Sequence[str]) -> np.ndarray:
    """One-hot characters over their number, float32 `[n, LENGTH, 35]`, each SMILES ended by a dot."""
    place = {token: i for i, token in enumerate(TOKENS)}
    out = np.zeros((len(smiles), LENGTH, len(TOKENS)), np.float32)
    for row, text in enumerate(smiles):
        tokens = [match.group() for match in _PATTERN.finditer(text + END)][:LENGTH]
        for i, token in enumerate(tokens):
            out[row, i, place.get(token, place[UNKNOWN])] = 1
    return out / len(TOKENS)


@cache
def _network() -> Any:
    import keras
    from keras import layers

    from gankit.support import read_tensors, sha256

    path = weights()
    if path is None:
        raise DataError("the weights of ChemNet are not on this machine", "pip install --no-deps 'fcd>=1.2'")
    if sha256(path) != SHA256:
        raise DataError(f"{path} has other weights than those that are known", "pip install --no-deps 'fcd>=1.2'")
    x = first = layers.Input((LENGTH, len(TOKENS)))
    for _ in range(2):
        x = layers.Conv1D(32, 4, 2, "same", activation="selu", use_bias=False)(x)
    x = layers.LSTM(128, return_sequences=True, go_backwards=True)(x)
    network = keras.Model(first, layers.LSTM(512, go_backwards=True)(x), name="chemnet")
    tensors = read_tensors(path)
    values = [tensors[f"{i}/1/0/weight"].transpose(2, 1, 0) for i in range(2)]
    for i in (2, 3):
        part = {name: tensors[f"{i}/1/0/{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        values += [part["weight_ih"].T, part["weight_hh"].T, part["bias_ih"] + part["bias_hh"]]
    network.set_weights(values)
    return network
