"""Arrays of other libraries: where they live, and how numbers get there and back.

The package works on NumPy arrays. Arrays of torch, CuPy and other libraries of the
array API standard come in under ``sklearn.config_context(array_api_dispatch=True)``.
NumPy reads the arrays that torch has in the memory of the processor as they are. All
other arrays stay in their library, whose functions are called ``xp`` below. Code for
``xp`` serves NumPy too. Arrays with an entry for every row stay where they are. Small
matrices, such as the projections on a Krylov basis, go to NumPy and SciPy. NumPy reads
the table of a fit too, to check it.

References
----------
Consortium for Python Data API Standards, *Python array API standard*, 2024.12.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import Tags

from sklearn_msk._compat import array_api_compat, convert_arrays, convert_to_numpy

# An array of NumPy or of another library of the standard.
Array = Any


def _numpy_namespace() -> Any:
    """NumPy with the names of the standard, which NumPy has from version 2 on."""
    if hasattr(np, "asin"):
        return np
    newer = {"asin": np.arcsin, "atan2": np.arctan2, "concat": np.concatenate}
    return SimpleNamespace(**vars(np) | newer)


_NUMPY = _numpy_namespace()


def is_foreign(array: Any) -> bool:
    """Whether something is an array of another library than NumPy, by its type."""
    if array is None or isinstance(array, np.ndarray | np.generic) or issparse(array):
        return False
    return array_api_compat is not None and bool(
        array_api_compat.is_array_api_obj(array)
        and not array_api_compat.is_dask_array(array)
    )


def namespace(array: Array) -> Any:
    """Return the functions of the library that an array is of."""
    if isinstance(array, np.ndarray | np.generic):
        return _NUMPY
    return array_api_compat.array_namespace(array)


def to_host(array: Array) -> np.ndarray:
    """Return an array as one of NumPy, without a copy where its memory allows.

    What is no array of the standard, as a data frame, is returned as it is.
    """
    if not is_foreign(array):
        return array
    if array_api_compat.is_torch_array(array):
        # A table is read, not differentiated.
        array = array.detach()
    return convert_to_numpy(array, namespace(array))


def astype(array: Array, dtype: Any) -> Array:
    """Return an array in a dtype, the same where it has it."""
    if isinstance(array, np.ndarray):
        return array.astype(dtype, copy=False)
    return namespace(array).astype(array, dtype, copy=False)


def widest_float(array: Array) -> Any:
    """Return float64, or float32 where the device of an array has no other."""
    if not is_foreign(array):
        return np.float64
    return Place(array[:0, ...]).dtype


def put_like(array: np.ndarray | float, like: Array) -> Array:
    """Return numbers of NumPy in the library, on the device, in the dtype of like."""
    return Place(like[:0, ...]).put(array, like.dtype) if is_foreign(like) else array


def put_beside(array: Array, like: Array) -> Array:
    """Return an array of NumPy in the library and on the device of like."""
    if is_foreign(array) or not is_foreign(like):
        return array
    return Place(like[:0, ...]).put(array)


def copied(array: Array) -> Array:
    """Return a copy of an array, or of sparse rows."""
    if is_foreign(array):
        return namespace(array).asarray(array, copy=True)
    return array.copy()


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """Return a new array of the library, device and dtype of another."""
    if isinstance(like, np.ndarray):
        return np.empty(shape, like.dtype)
    return namespace(like).empty(shape, dtype=like.dtype, device=_device(like))


def squared_norms(X: Array) -> Array:
    """Return the squared Euclidean norms of the rows of X."""
    if isinstance(X, np.ndarray):
        return np.einsum("ij,ij->i", X, X)
    return namespace(X).sum(namespace(X).square(X), axis=1)


def scale_rows(factors: Array, V: Array) -> Array:
    """Return the rows of V, of shape (n,) or (n, m), times one factor each."""
    return V * (factors if V.ndim == 1 else factors[:, None])


def with_diagonal(square: Array, diagonal: Array) -> Array:
    """Return a square matrix with another diagonal."""
    on_diagonal = identity(square) > 0
    entries = astype(diagonal, square.dtype)[:, None]
    return namespace(square).where(on_diagonal, entries, square)


def identity(like: Array) -> Array:
    """Return an identity matrix of as many rows as an array has."""
    if isinstance(like, np.ndarray):
        return np.eye(len(like), dtype=like.dtype)
    xp, n = namespace(like), like.shape[0]
    return xp.eye(n, dtype=like.dtype, device=_device(like))


def column_norms(V: Array) -> np.ndarray:
    """Return the Euclidean norms of the columns of V, or of a vector, as of NumPy."""
    if isinstance(V, np.ndarray):
        return np.linalg.norm(V, axis=0)
    return to_host(namespace(V).linalg.vector_norm(V, axis=0))


def mapped(value: Any, convert: Callable[[Array], Array]) -> Any:
    """Return a value with every array in it converted.

    Parameters
    ----------
    value : object
        Dataclasses, tuples, lists and dicts are gone into.
    convert : callable

    Returns
    -------
    object
    """
    if isinstance(value, np.ndarray) or is_foreign(value):
        return convert(value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **mapped(parts, convert))
    if isinstance(value, dict):
        return {key: mapped(part, convert) for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(mapped(part, convert) for part in value)
    return value


class Movable:
    """A value that scikit-learn's ``move_estimator_to`` moves to another device."""

    def __sklearn_array_api_convert__(self, convert: Callable[[Array], Array]) -> Any:
        """Return the value with every array in it converted."""
        return mapped(self, convert)


class MovableEstimator:
    """An estimator that takes arrays of other libraries, and moves between devices."""

    def __sklearn_tags__(self) -> Tags:
        """Tags that scikit-learn asks for."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.array_api_support = array_api_compat is not None
        return tags

    def __sklearn_array_api_convert__(self, convert: Callable[[Array], Array]) -> Any:
        """Return a clone that has the fitted attributes, their arrays converted."""
        moved = clone(self)
        moved.__dict__ |= _converted(vars(self), convert)
        return moved


def on_host(estimator: Any) -> Any:
    """Return an estimator whose arrays are NumPy's: itself, or a clone."""
    if not _has_foreign(estimator):
        return estimator
    return convert_arrays(estimator, to_host)


def _has_foreign(value: Any) -> bool:
    """Whether an estimator, or the estimators in it, have arrays of another library."""
    if isinstance(value, list | tuple):
        return any(map(_has_foreign, value))
    if hasattr(value, "get_params") and not isinstance(value, type):
        return any(map(_has_foreign, vars(value).values()))
    return is_foreign(value)


def _converted(
    attributes: dict[str, Any], convert: Callable[[Array], Array]
) -> dict[str, Any]:
    """Return attributes with their arrays of numbers converted, but for kernels'."""

    def convert_numbers(array: Array) -> Array:
        return convert(array) if _holds_numbers(array) else array

    return {
        name: value
        if name.startswith("kernel")
        else convert_arrays(value, convert_numbers)
        for name, value in attributes.items()
    }


def _holds_numbers(array: Array) -> bool:
    """Whether an array is one of numbers, and no scalar of NumPy."""
    if isinstance(array, np.generic):
        return False
    return is_foreign(array) or array.dtype.kind in "biuf"


@dataclass(frozen=True, eq=False)
class Place:
    """A library and one of its devices.

    Attributes
    ----------
    like : array of shape (0,)
        An array that is there.
    """

    like: Array

    @property
    def xp(self) -> Any:
        """Functions of the library."""
        return namespace(self.like)

    @property
    def device(self) -> Any:
        """The device."""
        return _device(self.like)

    @property
    def is_host(self) -> bool:
        """Whether NumPy reads the memory of its arrays as it is."""
        return is_host_memory(self.like)

    @property
    def is_narrow(self) -> bool:
        """Whether it has no float64, as Apple's MPS.

        Sums of float32 lose the small eigenvalues of a kernel, and coefficients of
        float32 the digits of predictions: models of such rows are NumPy's.
        """
        return not self._has(self.xp.float64)

    @property
    def engine(self) -> "Place | None":
        """Where to compute: there, or None, which is NumPy."""
        return None if self.is_host or self.is_narrow else self

    @property
    def float_types(self) -> list[Any]:
        """Float types that rows may have, the widest first."""
        return [self.dtype, self.xp.float32]

    @property
    def dtype(self) -> Any:
        """Widest float type: float64, or float32 on devices that have no other."""
        xp = self.xp
        return xp.float32 if self.is_narrow else xp.float64

    def put(self, array: np.ndarray | float, dtype: Any = None) -> Array:
        """Return numbers of NumPy there.

        Parameters
        ----------
        array : ndarray or float
        dtype : dtype of the library, default=None
            None means that of the array, or the widest where that has no such type.

        Returns
        -------
        array
        """
        values = np.asarray(array)
        if any(stride < 0 for stride in values.strides):
            # torch takes no such view.
            values = values.copy()
        if dtype is None and values.dtype == np.float64:
            dtype = self.dtype
        return self.xp.asarray(values, dtype=dtype, device=self.device)

    def put_all(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return fitted attributes with their arrays of numbers there.

        Those of estimators and of `Movable` values among them too. The parameters of
        kernels stay as they are, as kernels take their lengths from NumPy, and so does
        all where there is no float64.
        """
        return attributes if self.is_narrow else _converted(attributes, self._moved)

    def _moved(self, array: Array) -> Array:
        """Return an array there."""
        return array if self.holds(array) else self.put(to_host(array))

    def holds(self, array: Any) -> bool:
        """Whether an array is there already."""
        return (
            is_foreign(array)
            and namespace(array) is self.xp
            and _device(array) == self.device
        )

    def _has(self, dtype: Any) -> bool:
        """Whether the device has a float type."""
        try:
            self.xp.zeros(0, dtype=dtype, device=self.device)
        except (TypeError, ValueError, RuntimeError):
            return False
        return True

    def __str__(self) -> str:
        name = self.xp.__name__.rpartition(".")[2]
        return f"{name} on {self.device}"


def is_host_memory(array: Array) -> bool:
    """Whether NumPy reads the memory of an array as it is: that of torch on the CPU."""
    return array_api_compat.is_torch_array(array) and array.device.type == "cpu"


def place_of(X: Any) -> Place | None:
    """Return where rows are, or None where they are NumPy's to read.

    Parameters
    ----------
    X : array-like

    Returns
    -------
    Place or None
        None as well without ``array_api_dispatch``, as scikit-learn has it: the rows
        are converted then.
    """
    if not get_config()["array_api_dispatch"]:
        return None
    if array_api_compat is None and hasattr(X, "__dlpack__"):
        check_dispatch(X)
    if not is_foreign(X):
        return None
    return Place(namespace(X).empty(0, dtype=namespace(X).float32, device=_device(X)))


def float_types(X: Any) -> list[Any]:
    """Return the float types that rows may have, the widest first."""
    place = place_of(X)
    return [np.float64, np.float32] if place is None else place.float_types


def check_numpy(estimator: Any, X: Any) -> None:
    """Raise a TypeError where an estimator of NumPy arrays gets those of a library."""
    place = place_of(X)
    if place is None:
        return
    raise TypeError(
        f"{type(estimator).__name__} takes NumPy arrays. Got an array of {place} "
        "instead; convert it, as torch does by X.cpu().numpy()."
    )


def check_dispatch(X: Any) -> None:
    """Raise an ImportError where scikit-learn is too old for arrays of a library."""
    if not isinstance(X, np.ndarray | np.generic):
        raise ImportError(
            "Arrays of other libraries than NumPy need scikit-learn 1.9 or newer. Got "
            f"array_api_dispatch=True and {type(X).__name__}; update scikit-learn, or "
            "convert the array to NumPy."
        )


def _device(array: Array) -> Any:
    """Return the device of an array."""
    return array_api_compat.device(array)


def _unchanged(values: Array) -> Array:
    """Return values as they are."""
    return values


def rows_for(
    estimator: Any, X: Any, fitted: Array, method: str
) -> tuple[Any, Callable[[Array], Array]]:
    """Return rows where the model is, and what brings values back to where they were.

    Parameters
    ----------
    estimator : fitted estimator
        Named by the message.
    X : array-like
        Rows to predict for.
    fitted : array
        A fitted attribute.
    method : str
        Name of the method, for the message.

    Returns
    -------
    X : array-like
        NumPy's where their device has no float64, as the model is NumPy's then.
    back : callable

    Raises
    ------
    ValueError
        If the rows are elsewhere than the model.
    """
    here = place_of(X)
    model = Place(fitted[:0, ...]) if is_foreign(fitted) else None
    if here is None and model is None:
        return X, _unchanged
    if here is not None and here.is_narrow and model is None:
        return to_host(X), here.put
    if here is not None and here.holds(fitted):
        return X, _unchanged
    name = type(estimator).__name__
    raise ValueError(
        f"Inputs passed to {name}.{method}() must use the same namespace and the same "
        f"device as those passed to fit(), {'NumPy' if model is None else model}. Got "
        f"{_describe(X) if here is None else here} instead. Move the rows, or the "
        "model: sklearn.utils._array_api.move_estimator_to(estimator, xp, device). "
        "Arrays of other libraries than NumPy need "
        "sklearn.set_config(array_api_dispatch=True)."
    )


def _describe(X: Any) -> str:
    """Name the kind of rows in a message."""
    return "NumPy" if isinstance(X, np.ndarray) else type(X).__name__
