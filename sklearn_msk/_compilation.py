"""Functions of arrays, compiled where the library of the arrays can."""

from collections.abc import Callable
from typing import Any

from sklearn_msk._compat import array_api_compat
from sklearn_msk._tuning import MAX_COMPILED

# Compiled functions, by what was compiled for which types.
_COMPILED: dict[Any, Callable[..., Any]] = {}


def compiled(
    function: Callable[..., Any], key: Any, *arrays: Any
) -> Callable[..., Any]:
    """Return a function of arrays that does the same in fewer passes over memory.

    torch fuses the operations of a function for GPUs, where memory and not arithmetic
    bounds them. The operations are recorded while the function runs on the arrays, so
    that they must not depend on values. Where torch cannot compile, as without a
    compiler, the function is returned as it is.

    Parameters
    ----------
    function : callable
        Of arrays, without side effects.
    key : hashable
        Equal for functions that do the same.
    *arrays : arrays
        What it will be called with, or arrays of the same types and of other sizes.

    Returns
    -------
    callable
    """
    first = arrays[0]
    if not (array_api_compat.is_torch_array(first) and first.device.type == "cuda"):
        return function
    key = (key, first.device, tuple((a.dtype, a.ndim) for a in arrays))
    if key not in _COMPILED:
        if len(_COMPILED) >= MAX_COMPILED:
            _COMPILED.clear()
        _COMPILED[key] = _compiled_by_torch(function, arrays)
    return _COMPILED[key]


def _compiled_by_torch(
    function: Callable[..., Any], arrays: tuple[Any, ...]
) -> Callable[..., Any]:
    """Return a function compiled by torch, which runs as it is where that fails."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    functions: list[Callable[..., Any]] = [function]

    def call(*arrays: Any) -> Any:
        # Without a compiler, or for a GPU that it does not know, torch raises errors
        # of any kind, some of them when shapes change.
        try:
            return functions[-1](*arrays)
        except torch.OutOfMemoryError:
            raise
        except Exception:
            functions[1:] = []
            return function(*arrays)

    try:
        graph = make_fx(function, tracing_mode="symbolic")(*arrays)
        functions.append(torch.compile(graph, dynamic=True))
    except Exception:
        return function
    return call
