"""Arrays of other libraries: where they live, and how numbers get there and back.

NumPy arrays are what the package works on. Arrays of torch, CuPy and other libraries of
the array API standard come in under ``sklearn.config_context(array_api_dispatch=True)``.
Those that NumPy reads as they are, torch's in the memory of the processor, go to NumPy.
All others are computed on by functions of their own library, called ``xp`` below: what
is written for ``xp`` serves NumPy too. Matrices as large as a Krylov basis is long stay where they
are; those as small as it is wide go to NumPy and SciPy.

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

from sklearn_msk._compat import array_api_compat, convert_to_numpy

# An array of NumPy or of another library of the standard.
Array = Any


def _numpy_namespace() -> Any:
    """NumPy with the names of the standard, which NumPy has from version 2 on."""
    if hasattr(np, "asin"):
        return np
    names = {name: getattr(np, name) for name in np.__all__}
    names |= {"asin": np.arcsin, "atan2": np.arctan2, "concat": np.concatenate}
    return SimpleNamespace(**names)


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
    return convert_to_numpy(array, namespace(array)) if is_foreign(array) else array


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
    """Return numbers of NumPy in the library, on the device and in the dtype of like."""
    if not is_foreign(like):
        return array
    xp, device = namespace(like), array_api_compat.device(like)
    # Some libraries take no view of strides.
    values = np.ascontiguousarray(array).reshape(np.shape(array))
    return xp.asarray(values, dtype=like.dtype, device=device)


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """Return a new array of the library, device and dtype of another."""
    if isinstance(like, np.ndarray):
        return np.empty(shape, like.dtype)
    return namespace(like).empty(shape, dtype=like.dtype, device=like.device)


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
    return xp.eye(n, dtype=like.dtype, device=like.device)


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
        return array_api_compat.device(self.like)

    @property
    def is_host(self) -> bool:
        """Whether NumPy reads the memory of its arrays as it is."""
        return is_host_memory(self.like)

    @property
    def engine(self) -> "Place | None":
        """Where to compute: there, or None, which is NumPy.

        NumPy reads the memory of torch on the CPU, and computes for devices that have
        no float64, as Apple's: sums of float32 lose the small eigenvalues of a kernel.
        """
        return None if self.is_host or not self._has(self.xp.float64) else self

    @property
    def float_types(self) -> list[Any]:
        """Float types that rows may have, the widest first."""
        return [self.dtype, self.xp.float32]

    @property
    def dtype(self) -> Any:
        """Widest float type: float64, or float32 on devices that have no other."""
        xp = self.xp
        if self._has(xp.float64):
            return xp.float64
        return xp.float32

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
        values = np.ascontiguousarray(array).reshape(np.shape(array))
        if dtype is None and values.dtype == np.float64:
            dtype = self.dtype
        return self.xp.asarray(values, dtype=dtype, device=self.device)

    def put_all(self, value: Any) -> Any:
        """Return a value with every array of numbers in it there, as `mapped` does."""
        return mapped(value, self._put_numbers)

    def _put_numbers(self, array: Array) -> Array:
        """Return an array there; as it is where it is there, or holds no numbers."""
        numeric = is_foreign(array) or array.dtype.kind in "biuf"
        return self.put(to_host(array)) if numeric and not self.holds(array) else array

    def holds(self, array: Any) -> bool:
        """Whether an array is there already."""
        return (
            is_foreign(array)
            and namespace(array) is self.xp
            and array_api_compat.device(array) == self.device
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
    if not get_config()["array_api_dispatch"] or not is_foreign(X):
        return None
    return Place(namespace(X).empty(0, dtype=namespace(X).float32, device=_device(X)))


def _device(array: Array) -> Any:
    """Return the device of an array."""
    return array_api_compat.device(array)


def check_same_place(estimator: Any, X: Any, fitted: Array, method: str) -> None:
    """Raise a ValueError where rows are elsewhere than the model.

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
    """
    here = place_of(X)
    model = Place(fitted[:0, ...]) if is_foreign(fitted) else None
    if here is None and model is None:
        return
    if here is not None and model is not None and here.holds(fitted):
        return
    name = type(estimator).__name__
    raise ValueError(
        f"{name}.{method} takes rows where the model is: it was fitted with "
        f"{'NumPy' if model is None else model}. Got rows of "
        f"{_describe(X) if here is None else here} instead. Move the rows, or the "
        "model: sklearn.utils._array_api.move_estimator_to(estimator, xp, device). "
        "Arrays that are not NumPy's need sklearn.set_config(array_api_dispatch=True)."
    )


def _describe(X: Any) -> str:
    """Name the kind of rows in a message."""
    return "NumPy" if isinstance(X, np.ndarray) else type(X).__name__
