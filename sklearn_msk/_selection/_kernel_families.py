"""Families of kernels that the data choose from: one shape, any length scale."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.gaussian_process.kernels import RBF, Kernel, Matern

from sklearn_msk._tuning import (
    GAUSSIAN_SCALE_FACTORS,
    LAPLACIAN_SCALE_FACTORS,
    NETWORK_SCALE_FACTORS,
    TYPICAL_DISTANCE_ROWS,
)
from sklearn_msk._validation import did_you_mean
from sklearn_msk.kernels._adapters import PairwiseKernel
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._resolution import ResolvedKernel, kernel_names, resolve_kernel

# Structure of a metric and power of the gradient outer product.
MetricChoice = tuple[str, float]

NO_METRIC: MetricChoice = ("none", 0.0)


@dataclass(frozen=True, eq=False)
class KernelFamily:
    """Kernels ``k(x / scale, z / scale)`` of one shape.

    Attributes
    ----------
    name : str
    distance : {"cityblock", "euclidean", "sqeuclidean"} or None
        The distance whose median over the rows is the unit of the scale; None is the
        unit of the rows.
    factors : tuple of float
        Scales to try, in that unit.
    at : callable
        From a scale to a kernel, and to the number that rows are multiplied by first.
    metrics : tuple of pairs (str, float)
        Structures and powers of the metrics that are learned for it.
    """

    name: str
    distance: str | None
    factors: tuple[float, ...]
    at: Callable[[float], tuple[ResolvedKernel, float]]
    metrics: tuple[MetricChoice, ...] = ()

    def typical_scale(self, rows: np.ndarray) -> float:
        """Median distance of at most 500 rows, 1 where all of them are equal."""
        if self.distance is None or len(rows) < 2:
            return 1.0
        # From all over the rows, as they may be sorted.
        n_used = min(len(rows), TYPICAL_DISTANCE_ROWS)
        some = rows[np.linspace(0, len(rows) - 1, n_used).astype(int)]
        return float(np.median(pdist(some, self.distance))) or 1.0

    def length_scale(self, scale: float) -> float:
        """Length scale of the kernel: that of `RBF` for the Gaussian."""
        return float(np.sqrt(scale / 2.0)) if self.distance == "sqeuclidean" else scale

    def matrix(
        self, scale: float, rows: np.ndarray, others: np.ndarray | None = None
    ) -> np.ndarray:
        """Kernel matrix of rows, with others where they are given."""
        kernel, multiplier = self.at(scale)
        others = None if others is None else others * multiplier
        return evaluate_kernel(kernel, rows * multiplier, others)


def _laplacian(scale: float) -> tuple[ResolvedKernel, float]:
    """``exp(-|x - z|_1 / scale)``."""
    return PairwiseKernel("laplacian", {"gamma": 1.0 / scale}), 1.0


def _matern(scale: float) -> tuple[ResolvedKernel, float]:
    """``exp(-|x - z| / scale)``, the Matern kernel of nu = 1/2."""
    return Matern(length_scale=scale, nu=0.5), 1.0


def _gaussian(scale: float) -> tuple[ResolvedKernel, float]:
    """``exp(-|x - z|^2 / scale)``."""
    return RBF(length_scale=np.sqrt(scale / 2.0)), 1.0


def _fixed(kernel: ResolvedKernel, scale: float) -> tuple[ResolvedKernel, float]:
    """Return a kernel of no length scale, for rows divided by the scale."""
    return kernel, 1.0 / scale


_DISTANCE_FAMILIES = {
    "laplacian": KernelFamily(
        "laplacian",
        "cityblock",
        LAPLACIAN_SCALE_FACTORS,
        _laplacian,
        (("diagonal", 1.0), ("diagonal", 2.0)),
    ),
    "matern": KernelFamily(
        "matern",
        "euclidean",
        LAPLACIAN_SCALE_FACTORS,
        _matern,
        (("full", 1.0), ("diagonal", 1.0)),
    ),
    "rbf": KernelFamily(
        "rbf",
        "sqeuclidean",
        GAUSSIAN_SCALE_FACTORS,
        _gaussian,
        (("full", 1.0), ("full", 0.5), ("diagonal", 1.0), ("diagonal", 2.0)),
    ),
}

QUICK = ("laplacian", "matern", "rbf")
AUTO = (*QUICK, "ntk_relu", "ntk3_relu")


def kernel_family(kernel: Any) -> KernelFamily:
    """Return the family of a name, or of a kernel that is used as it is.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable
        "laplacian" (city block), "matern" (nu = 1/2, Euclidean), "rbf", a network as
        "ntk_relu" or "ntk3_relu" (3 hidden layers), any other name that
        `resolve_kernel` takes, or a kernel.

    Returns
    -------
    KernelFamily

    Raises
    ------
    ValueError
        If there is no kernel of the name, or it is "precomputed".
    """
    if isinstance(kernel, str) and kernel in _DISTANCE_FAMILIES:
        return _DISTANCE_FAMILIES[kernel]
    if isinstance(kernel, str) and kernel.startswith(("ntk", "nngp")):
        return _network_family(kernel)
    if isinstance(kernel, str) and kernel == "precomputed":
        raise ValueError(
            "The 'kernels' must be functions of rows, because the rows are "
            "standardised and compared in metrics. Got 'precomputed': MSKRegressor "
            "takes kernel matrices."
        )
    if isinstance(kernel, str) and kernel not in kernel_names():
        raise ValueError(_unknown(kernel))
    resolved = resolve_kernel(kernel)
    name = kernel if isinstance(kernel, str) else repr(resolved)
    return KernelFamily(name, None, (1.0,), partial(_fixed, resolved))


def _unknown(name: str) -> str:
    """Return the message about a name that no kernel has."""
    hint = did_you_mean(name, [*AUTO, *kernel_names()])
    return (
        "The 'kernels' must be names, kernel objects or functions. Names are "
        "'laplacian', 'matern', 'rbf', a network such as 'ntk_relu' or, of 3 hidden "
        f"layers, 'ntk3_relu', and those of MSKRegressor. Got {name!r} instead.{hint}"
    )


def _network_family(name: str) -> KernelFamily:
    """Family of a network, whose name may hold a depth: "ntk3_relu" has 3 layers."""
    kind, _, activation = name.partition("_")
    depth = kind.lstrip("ntkgp")
    prefix = kind.removesuffix(depth) if depth else kind
    params = {"depth": int(depth)} if depth.isdigit() else None
    if f"{prefix}_{activation}" not in kernel_names():
        raise ValueError(_unknown(name))
    network = resolve_kernel(f"{prefix}_{activation}", kernel_params=params)
    assert isinstance(network, Kernel)
    return KernelFamily(name, None, NETWORK_SCALE_FACTORS, partial(_fixed, network))
