"""From the `kernel` parameter of an estimator to something that can be evaluated."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeAlias

from sklearn.base import clone
from sklearn.gaussian_process.kernels import Kernel
from sklearn.metrics.pairwise import kernel_metrics

from sklearn_msk._validation import did_you_mean
from sklearn_msk.kernels._activations import ACTIVATIONS
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
    PrecomputedKernel,
)
from sklearn_msk.kernels._network import NNGP, NTK

ResolvedKernel: TypeAlias = Kernel | PairwiseKernel | CallableKernel | PrecomputedKernel

_NETWORKS = {
    f"{prefix}_{activation}": (kernel, activation)
    for prefix, kernel in (("ntk", NTK), ("nngp", NNGP))
    for activation in ACTIVATIONS
}
_NETWORK_PARAMS = ("depth", "weight_variance", "bias_variance", "normalized")

# A name stands for the kernel that suits tables, a class for the textbook kernel, which
# grows with the length of the rows: one row far from the others would dominate. The
# normalised kernel is bounded. With relu, only the bias then tells lengths apart.
_NAMED_NETWORK_PARAMS: dict[str, Any] = {"normalized": True, "bias_variance": 1.0}

# Names that users try, and what comes nearest; a prefix "ntk_" or "nngp_" stays.
_NEAREST = {
    "tanh": "erf",
    "sigmoid": "erf",
    "silu": "gelu",
    "swish": "gelu",
    "gaussian": "rbf",
    "matern": "sklearn.gaussian_process.kernels.Matern()",
}


def kernel_names() -> list[str]:
    """Every name that the `kernel` parameter of an estimator takes."""
    return [*_NETWORKS, *sorted(kernel_metrics()), "precomputed"]


def is_network_name(kernel: str) -> bool:
    """Whether a name is that of a network."""
    return kernel in _NETWORKS


def gamma_names() -> list[str]:
    """Names of the kernels that have a parameter `gamma`."""
    return [
        name
        for name, function in sorted(kernel_metrics().items())
        if "gamma" in inspect.signature(function).parameters
    ]


def resolve_kernel(
    kernel: str | Kernel | Callable[..., Any],
    *,
    gamma: float | None = None,
    degree: float = 3,
    coef0: float = 1,
    kernel_params: dict[str, Any] | None = None,
) -> ResolvedKernel:
    """Turn the kernel parameters of an estimator into one kernel.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable
        ``{ntk,nngp}_{activation}``, which is `NTK` or `NNGP` with ``normalized=True,
        bias_variance=1.0``, a name of `sklearn.metrics.pairwise.pairwise_kernels`, a
        kernel object, a function ``k(X, Y) -> (n_X, n_Y)``, or "precomputed".
    gamma, degree, coef0 : float
        Parameters of the pairwise names that have them.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel. They override those that a name
        stands for.

    Returns
    -------
    Kernel, PairwiseKernel, CallableKernel or PrecomputedKernel

    Raises
    ------
    ValueError
        If the kernel is unknown or does not take these parameters.
    """
    params = dict(kernel_params or {})
    if isinstance(kernel, str) and kernel in _NETWORKS:
        _check_params(kernel, params, _NETWORK_PARAMS)
        network, activation = _NETWORKS[kernel]
        resolved = network(activation=activation, **_NAMED_NETWORK_PARAMS | params)
        resolved.check_parameters()
        return resolved
    if isinstance(kernel, str) and kernel in kernel_metrics():
        return _pairwise(kernel, params, gamma, degree, coef0)
    if isinstance(kernel, str) and kernel == "precomputed":
        _check_params(kernel, params, ())
        return PrecomputedKernel()
    if isinstance(kernel, Kernel):
        _check_params(type(kernel).__name__, params, (), _as_arguments(kernel, params))
        return clone(kernel)
    if callable(kernel) and not isinstance(kernel, type):
        return CallableKernel(kernel, params)
    raise ValueError(
        f"The 'kernel' parameter must be one of {kernel_names()}, an instance of "
        "sklearn.gaussian_process.kernels.Kernel, or a callable k(X, Y) that returns "
        f"an array of shape (n_samples_X, n_samples_Y). Got {kernel!r} instead."
        f"{_suggestion(kernel)}"
    )


def _suggestion(kernel: object) -> str:
    """Sentence about what the user may have meant by a kernel that is none."""
    if isinstance(kernel, type):
        return f" Pass an instance, {kernel.__name__}()."
    if not isinstance(kernel, str) or not kernel:
        return ""
    prefix, underscore, activation = kernel.lower().rpartition("_")
    if not prefix:
        # A word that is nearly one of other packages.
        activation = next(
            iter(get_close_matches(activation, _NEAREST, n=1)), activation
        )
    nearest = prefix + underscore + _NEAREST.get(activation, activation)
    names = kernel_names()
    close = [name for name in names if name.startswith(nearest)]
    if not close and f"ntk_{nearest}" in names:
        close = [f"ntk_{nearest}"]
    if close:
        return f" Did you mean {close[0]!r}?"
    if nearest in _NEAREST.values():
        return f" Did you mean {nearest}?"
    return did_you_mean(nearest, names)


def _pairwise(
    metric: str,
    params: dict[str, Any],
    gamma: float | None,
    degree: float,
    coef0: float,
) -> PairwiseKernel:
    """Name and parameters of a pairwise kernel; `kernel_params` has the last word."""
    accepted = inspect.signature(kernel_metrics()[metric]).parameters
    legal = [name for name in accepted if name not in ("X", "Y", "dense_output")]
    _check_params(metric, params, legal)
    # Without a gamma, each kernel has a default of its own.
    common = {
        name: value
        for name, value in (("gamma", gamma), ("degree", degree), ("coef0", coef0))
        if name in legal and value is not None
    }
    return PairwiseKernel(metric, common | params)


def _check_params(
    kernel: str, params: dict[str, Any], legal: Iterable[str], advice: str = ""
) -> None:
    """Raise a ValueError where a kernel does not take all of these keys."""
    unknown = sorted(set(params) - set(legal), key=str)
    if unknown:
        takes = f"takes {list(legal)}" if legal else "takes none"
        raise ValueError(
            f"Unknown keys {unknown} in 'kernel_params': the kernel {kernel!r} {takes}."
            f"{advice or did_you_mean(unknown[0], legal)}"
        )


def _as_arguments(kernel: Kernel, params: dict[str, Any]) -> str:
    """Advice to write the keys of `kernel_params` into a kernel object."""
    own = {key: params[key] for key in params if key in kernel.get_params(deep=False)}
    arguments = ", ".join(f"{key}={value!r}" for key, value in own.items())
    return f" Write {type(kernel).__name__}({arguments})." if own else ""


def describe_kernel(kernel: ResolvedKernel) -> str:
    """How messages call a resolved kernel."""
    if isinstance(kernel, PrecomputedKernel):
        return "precomputed kernel"
    if isinstance(kernel, PairwiseKernel):
        return f"kernel {kernel.metric!r}"
    if isinstance(kernel, CallableKernel):
        name = getattr(kernel.function, "__name__", repr(kernel.function))
        return f"callable kernel {name!r}"
    return f"kernel {kernel!r}"
