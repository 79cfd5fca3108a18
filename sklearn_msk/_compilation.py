"""Functions of arrays, compiled where the library of the arrays can."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sklearn_msk._compat import array_api_compat


def compiled(function: Callable[..., Any], like: Any) -> Callable[..., Any]:
    """Return a function that does the same in fewer passes over memory.

    torch fuses the operations of a function for GPUs, where memory and not arithmetic
    bounds them. Where it cannot, as without a compiler, the function runs as it is.

    Parameters
    ----------
    function : callable
        A function of a module, of arrays and other values, without side effects.
    like : array
        An array of the library and the device that it will be called with.

    Returns
    -------
    callable
    """
    if array_api_compat.is_torch_array(like) and like.device.type == "cuda":
        return _compiled_by_torch(function)
    return function


@cache
def _compiled_by_torch(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled by torch, once in a process."""
    import torch

    fused, works = torch.compile(function, dynamic=True), [True]

    def call(*arguments: Any) -> Any:
        if works[0]:
            try:
                return fused(*arguments)
            # Without a compiler, or for a GPU that it does not know.
            except torch._dynamo.exc.TorchDynamoException:
                works[0] = False
        return function(*arguments)

    return call
