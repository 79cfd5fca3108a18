"""A fully connected network in NTK parameterisation."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sklearn_msk.finite_width._activation_functions import ACTIVATION_FUNCTIONS


@dataclass(frozen=True, eq=False)
class WideNetwork:
    """Fully connected network in NTK parameterisation.

    With ``x_0 = x`` and N_l the length of x_l, layer l computes::

        h_l = sqrt(weight_variance / N_{l-1}) W_l x_{l-1} + sqrt(bias_variance) b_l
        x_l = activation(h_l)

    The last h is the output. All entries of W and b are standard normal at the start.
    As the widths grow, the outputs tend to a Gaussian process with kernel
    `sklearn_msk.kernels.NNGP`, and the empirical neural tangent kernel tends to
    `sklearn_msk.kernels.NTK`, with the same depth, activation and variances.

    Parameters
    ----------
    weights : tuple of ndarray of shape (fan_in, fan_out)
        Weights W of the ``depth + 1`` layers, transposed.
    biases : tuple of ndarray of shape (fan_out,)
        Biases b of the layers.
    activation : str
        Name of the activation of the hidden layers.
    weight_variance : float
        Variance of the weights, before division by the number of inputs of the layer.
    bias_variance : float
        Variance of the biases.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str
    weight_variance: float
    bias_variance: float

    @classmethod
    def random(
        cls,
        sizes: Sequence[int],
        activation: str,
        weight_variance: float,
        bias_variance: float,
        rng: np.random.RandomState,
        dtype: DTypeLike = np.float64,
    ) -> "WideNetwork":
        """Draw a network.

        Parameters
        ----------
        sizes : sequence of int
            Number of features, width of every hidden layer, number of outputs.
        activation : str
            Name of the activation.
        weight_variance : float
            Variance of the weights.
        bias_variance : float
            Variance of the biases.
        rng : RandomState instance
            Generator that draws the parameters.
        dtype : dtype, default=float64
            Precision of the parameters.

        Returns
        -------
        WideNetwork
            Network with standard normal parameters.
        """
        pairs = list(itertools.pairwise(sizes))
        return cls(
            tuple(rng.standard_normal(pair).astype(dtype) for pair in pairs),
            tuple(rng.standard_normal(pair[1]).astype(dtype) for pair in pairs),
            activation,
            weight_variance,
            bias_variance,
        )

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Evaluate the network.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_outputs)
            Outputs.
        """
        return self.forward(X)[0]

    def forward(
        self, X: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
        """Evaluate the network, and keep what its derivatives need.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
            Rows.

        Returns
        -------
        outputs : ndarray of shape (n, n_outputs)
            Outputs.
        inputs : list of ndarray of shape (n, fan_in)
            Inputs x of every layer.
        slopes : list of ndarray of shape (n, width)
            Derivatives of the activations of every hidden layer.
        """
        activate = ACTIVATION_FUNCTIONS[self.activation]
        inputs, slopes = [X], []
        for layer in range(len(self.weights)):
            h = inputs[-1] @ self.weights[layer]
            h *= self._weight_scale(layer)
            h += self._bias_scale * self.biases[layer]
            if layer < len(self.weights) - 1:
                x, slope = activate(h)
                inputs.append(x)
                slopes.append(slope)
        return h, inputs, slopes

    def pullback(
        self,
        inputs: list[np.ndarray],
        slopes: list[np.ndarray],
        cotangents: np.ndarray,
    ) -> "WideNetwork":
        """Compute the gradient ``J^T c`` of the outputs in one backward pass.

        Parameters
        ----------
        inputs : list of ndarray of shape (n, fan_in)
            As `forward` returns them.
        slopes : list of ndarray of shape (n, width)
            As `forward` returns them.
        cotangents : ndarray of shape (n, n_outputs)
            Weights c of the outputs of each row.

        Returns
        -------
        WideNetwork
            Gradient with respect to every parameter, in place of the parameter.
        """
        weights, biases = [], []
        sensitivities = self._sensitivities(slopes, cotangents)
        for layer, sensitivity in sensitivities:
            gradient = inputs[layer].T @ sensitivity
            gradient *= self._weight_scale(layer)
            weights.append(gradient)
            biases.append(self._bias_scale * sensitivity.sum(axis=0))
        return replace(self, weights=tuple(weights[::-1]), biases=tuple(biases[::-1]))

    def empirical_ntk(self, X: ArrayLike, Y: ArrayLike | None = None) -> np.ndarray:
        """Compute the empirical neural tangent kernel, the mean over the outputs.

        The kernel ``J(X) J(Y)^T`` is a sum over layers, so no Jacobian is stored. With
        delta_l the derivative of the output with respect to h_l, layer l adds
        ``(delta_l . delta'_l) (weight_variance x_{l-1} . x'_{l-1} / N_{l-1} +
        bias_variance)``.

        Parameters
        ----------
        X : array-like of shape (n_X, n_features)
            Rows.
        Y : array-like of shape (n_Y, n_features), default=None
            None means X.

        Returns
        -------
        ndarray of shape (n_X, n_Y)
            The kernel matrix.
        """
        outputs, inputs, slopes = self.forward(np.asarray(X))
        others = (outputs, inputs, slopes)
        if Y is not None:
            others = self.forward(np.asarray(Y))
        kernel = np.zeros((len(outputs), len(others[0])), dtype=outputs.dtype)
        for output in range(outputs.shape[1]):
            left = self._sensitivities(slopes, _one_output(outputs, output))
            right = self._sensitivities(others[2], _one_output(others[0], output))
            for (layer, delta), (_, other) in zip(left, right, strict=True):
                term = inputs[layer] @ others[1][layer].T
                term *= self._weight_scale(layer) ** 2
                term += self.bias_variance
                term *= delta @ other.T
                kernel += term
        return kernel / outputs.shape[1]

    def moved(
        self,
        origin: "WideNetwork",
        gradient: "WideNetwork",
        decay: float,
        step: float,
    ) -> "WideNetwork":
        """Take a step: ``origin + decay (w - origin) - step gradient``.

        Parameters
        ----------
        origin : WideNetwork
            Network that the decay leads to.
        gradient : WideNetwork
            Gradient, as `pullback` returns it.
        decay : float
            Part of the distance from the origin that remains; 1 is no decay.
        step : float
            Size of the step.

        Returns
        -------
        WideNetwork
            The network after the step.
        """

        def move(w: np.ndarray, start: np.ndarray, slope: np.ndarray) -> np.ndarray:
            if decay != 1.0:
                w = start + decay * (w - start)
            return w - step * slope

        return replace(
            self,
            weights=tuple(map(move, self.weights, origin.weights, gradient.weights)),
            biases=tuple(map(move, self.biases, origin.biases, gradient.biases)),
        )

    def _sensitivities(
        self, slopes: list[np.ndarray], cotangents: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each layer, the last first, with the derivatives by its h."""
        sensitivity = cotangents
        for layer in range(len(self.weights) - 1, -1, -1):
            yield layer, sensitivity
            if layer:
                sensitivity = sensitivity @ self.weights[layer].T
                sensitivity *= self._weight_scale(layer)
                sensitivity *= slopes[layer - 1]

    def _weight_scale(self, layer: int) -> float:
        return float(np.sqrt(self.weight_variance / self.weights[layer].shape[0]))

    @property
    def _bias_scale(self) -> float:
        return float(np.sqrt(self.bias_variance))


def _one_output(outputs: np.ndarray, output: int) -> np.ndarray:
    """Cotangents that single out one of the outputs."""
    cotangents = np.zeros_like(outputs)
    cotangents[:, output] = 1.0
    return cotangents
