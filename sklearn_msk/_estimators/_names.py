"""Parameters and methods by name: what a user may have meant, and what it takes."""

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import Any, Self, TypeVar

from sklearn_msk._validation import did_you_mean

Function = TypeVar("Function", bound=Callable[..., Any])

# What to pass where a parameter of the object is to be set, as `kernel__depth`.
_OBJECTS = {
    "kernel": "a kernel object, such as kernel=NTK(), or set 'kernel_params'",
    "g": "a spectral map, such as g=Power(0.5)",
}


class NamedParameters:
    """Mixin: `set_params` says what was meant by a name that does not exist."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator, and of the objects among them.

        Parameters
        ----------
        **params : dict
            By name; ``kernel__depth`` is the depth of the kernel object.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        own = self.get_params(deep=False)  # type: ignore[attr-defined]
        for key in params:
            name, nested, _ = key.partition("__")
            if name not in own:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}. "
                    f"Valid parameters are: {sorted(own)}.{did_you_mean(name, own)}"
                )
            value = params.get(name, own[name])
            if nested and not hasattr(value, "set_params"):
                needs = _OBJECTS.get(name, "an object that has parameters")
                raise ValueError(
                    f"Invalid parameter {key!r} for estimator {type(self).__name__}: "
                    f"{name}={value!r} has no parameters of its own. Pass {needs}."
                )
        return super().set_params(**params)  # type: ignore[misc]


def explain_arguments(init: Function) -> Function:
    """Decorate an `__init__`: what it does not take is an error that names the class.

    Parameters
    ----------
    init : function
        It only assigns its arguments.

    Returns
    -------
    function
    """

    @wraps(init)
    def explained(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except TypeError:
            message = _explanation(type(self).__name__, init, args, kwargs)
            if message is None:
                raise
            raise TypeError(message) from None

    return explained  # type: ignore[return-value]


def _explanation(
    owner: str, init: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str | None:
    """Say which argument a class does not take; None where it takes all of them."""
    parameters = list(inspect.signature(init).parameters.values())[1:]
    names = [parameter.name for parameter in parameters]
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        return (
            f"{owner} has no parameter {unknown[0]!r}. Its parameters are {names}."
            f"{did_you_mean(unknown[0], names)}"
        )
    n_unnamed = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    if len(args) > n_unnamed:
        first = f"{args[0]!r}, " if n_unnamed else ""
        return (
            f"{owner} takes the names of all arguments but {names[:n_unnamed]}. Got "
            f"{len(args)} without a name instead; write the names, as in "
            f"{owner}({first}{names[n_unnamed]}={args[n_unnamed]!r})."
        )
    return None


class MethodOfSome:
    """A method of those estimators only that pass a check.

    As `sklearn.utils.metaestimators.available_if`, but the error that the user reads
    last is that of the check.

    Parameters
    ----------
    method : function
    check : callable
        It raises an AttributeError where an estimator does not have the method.
    """

    def __init__(self, method: Callable[..., Any], check: Callable[[Any], Any]) -> None:
        self.method, self.check = method, check
        update_wrapper(self, method)  # type: ignore[arg-type]

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        """Return the method of an estimator, or the function of a class."""
        if estimator is None:
            return self.method
        self.check(estimator)
        return self.method.__get__(estimator, owner)


def only_if(
    check: Callable[[Any], Any],
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a method that only the estimators have that pass a check."""
    return lambda method: MethodOfSome(method, check)
