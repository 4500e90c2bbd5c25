"""Optimizers that Keras lacks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# Coefficients of the quintic iteration: they trade an exact limit (singular values end in 0.7..1.2) for speed.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalised(matrix: Any, steps: int = 5) -> Any:
    """About the orthogonal matrix nearest to a matrix: U V^T of its singular value decomposition U S V^T.

    Newton-Schulz iteration X <- a X + (b X X^T + c (X X^T)^2) X, with the coefficients of Jordan et al. 2024 ("Muon: An
    optimizer for hidden layers in neural networks"), which drive singular values into [0.7, 1.2] in five steps.

    Args:
        matrix: `[rows, columns]` float.
        steps: Iterations.

    Returns:
        `[rows, columns]` of the same dtype; zeros for zeros.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if tall else matrix
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-12)
    for _ in range(steps):
        gram = ops.matmul(x, ops.transpose(x))
        x = A * x + ops.matmul(B * gram + C * ops.matmul(gram, gram), x)
    return ops.transpose(x) if tall else x


@keras.saving.register_keras_serializable("gankit")
class Muon(keras.optimizers.Optimizer):
    """Momentum with orthogonalised updates for kernels, Adam for everything else.

    The update of a kernel is the orthogonal matrix nearest to its Nesterov momentum, so that all its directions learn
    at one speed (Jordan et al. 2024). Each is scaled to the root mean square 0.2 that Adam's updates have, so that one
    learning rate serves both (Liu et al. 2025, arXiv:2502.16982, equation 4). A convolution's kernel `[h, w, in, out]`
    counts as the matrix `[h w in, out]`, where Keras' own Muon leaves convolutions to Adam. Vectors, embeddings and
    kernels with fewer than `smallest` rows or columns are Adam's (without weight decay).

    Args:
        learning_rate: Of both.
        momentum: Decay of a kernel's momentum.
        beta_1: Adam's decay of the mean gradient.
        beta_2: Adam's decay of the mean squared gradient.
        epsilon: Adam's guard against division by zero.
        smallest: Sides of a kernel that is worth orthogonalising.
        name: Of the optimizer.
        **kwargs: As for `keras.optimizers.Optimizer`.

    Examples:
        >>> Muon(learning_rate=0.02).momentum
        0.95
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        momentum: float = 0.95,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        smallest: int = 8,
        name: str = "muon",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum, self.beta_1, self.beta_2 = momentum, beta_1, beta_2
        self.epsilon, self.smallest = epsilon, smallest

    def build(self, variables: Any) -> None:
        """Makes one slot for each kernel and two for everything else."""
        if self.built:
            return
        super().build(variables)
        self._means = [self.add_variable_from_reference(v, name="mean") for v in variables]
        self._squares = [
            None if self.orthogonalises(v) else self.add_variable_from_reference(v, name="square") for v in variables
        ]

    def orthogonalises(self, variable: Any) -> bool:
        """Whether a variable is a kernel of its own algorithm's."""
        *inputs, outputs = variable.shape
        rows = 1
        for size in inputs:
            rows *= size
        return len(inputs) in (1, 3) and min(rows, outputs) >= self.smallest and "embedding" not in variable.path

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's update."""
        index = self._get_variable_index(variable)
        mean, square = self._means[index], self._squares[index]
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        if square is None:
            self.assign(mean, self.momentum * mean + gradient)
            matrix = ops.reshape(gradient + self.momentum * mean, (-1, variable.shape[-1]))
            scale = 0.2 * max(matrix.shape) ** 0.5
            self.assign_sub(variable, ops.reshape(orthogonalised(matrix) * (scale * rate), variable.shape))
            return
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign(mean, self.beta_1 * mean + (1 - self.beta_1) * gradient)
        self.assign(square, self.beta_2 * square + (1 - self.beta_2) * ops.square(gradient))
        unbiased = rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        self.assign_sub(variable, unbiased * mean / (ops.sqrt(square) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = ("momentum", "beta_1", "beta_2", "epsilon", "smallest")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
