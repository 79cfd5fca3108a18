"""The empirical integral operator in a quarter of the memory of its kernel matrix."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import get_blas_funcs

from sklearn_msk._operators._blocked import BlockedOperator
from sklearn_msk._operators._dense import DenseOperator
from sklearn_msk._operators._kernel_operator import KernelOperator, TileFunction
from sklearn_msk._operators._panels import SymmetricPanels
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._tuning import (
    FACTOR_MIN_RANK,
    FACTOR_PIVOT_RTOL,
    FACTOR_PIVOTS,
    FACTOR_RANK_PER_PAIR,
    FLUSH_ENTRY,
    FLUSH_FACTOR,
    PROBED_ENTRIES,
    SINGLE_REMAINDER_MIN_MISSED,
    SINGLE_REMAINDER_ROWS_PER_PAIR,
    TRIANGLE_TILE_ROWS,
)

Source = DenseOperator | BlockedOperator


class MixedPrecisionOperator(KernelOperator):
    """``A / A.scale = F F^T + R``: F multiplies in double, R in single precision.

    ``F F^T`` is a partial Cholesky factorisation of A from a few randomly chosen
    pivots. It holds the leading directions, so that what single precision rounds are
    the entries of R, whose norm is that of an eigenvalue further down: with a rank of
    64 a product loses some 1e-6 of ``lam_100`` instead of 1e-5 to 1e-4.

    One triangle of R is held. The kernel matrix itself never is: each of its tiles
    becomes one of R as soon as it is computed. Where R is not much smaller than A, the
    tiles are computed in float32, F being rounded to float32 before.

    `mixed_precision` makes one.

    Parameters
    ----------
    source : DenseOperator or BlockedOperator
        Gives the entries of K.
    factor : ndarray of shape (n, rank)
        F.
    remainder : SymmetricPanels
        R.
    remainder_dtype : dtype
        Precision that R was computed in, float32 or float64.
    remainder_mean : float
        Mean of the diagonal of R.
    product_error : float
        Norm of the error of the image of a unit vector, as measured.

    Attributes
    ----------
    source : DenseOperator or BlockedOperator
    factor : ndarray of shape (n, rank)
    remainder : SymmetricPanels
    remainder_dtype : dtype
    product_error : float
    """

    def __init__(
        self,
        source: Source,
        factor: np.ndarray,
        remainder: SymmetricPanels,
        *,
        remainder_dtype: type,
        remainder_mean: float,
        product_error: float,
    ) -> None:
        super().__init__(
            source.kernel_diagonal,
            source.dtype,
            source.weights,
            source.n_distinct,
            fits_dense=source.fits_dense,
        )
        self.source, self.factor, self.remainder = source, factor, remainder
        self._remainder_precision = np.dtype(remainder_dtype).name
        self._remainder_mean = remainder_mean
        self.product_error = product_error

    @property
    def remainder_dtype(self) -> np.dtype:
        """Precision that R was computed in."""
        return np.dtype(self._remainder_precision)

    def with_float64_remainder(
        self, *, overwrite: bool = False
    ) -> "MixedPrecisionOperator | None":
        """Return the operator with R computed in float64, which is more exact.

        Parameters
        ----------
        overwrite : bool, default=False
            Whether the memory of R is taken over, ``2 n^2`` bytes; this operator is not
            to be used afterwards.

        Returns
        -------
        MixedPrecisionOperator or None
            None where it was computed in float64 already.
        """
        if self.remainder_dtype == np.float64:
            return None
        R = self.remainder if overwrite else self.remainder.empty_like()
        rng = np.random.RandomState(0)
        with single_threaded_blas():
            fit = _Factored(self.source, self.factor, self._remainder_mean)
            return fit.with_remainder(R, np.float64, rng, PROBED_ENTRIES)

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        """Return ``A @ V`` in double precision, for V of shape (n,) or (n, m)."""
        columns = V.reshape(len(V), -1)
        # Columns of any size are within the range of single precision.
        sizes = np.abs(columns).max(axis=0)
        sizes[sizes == 0.0] = 1.0
        scaled = columns / sizes
        with single_threaded_blas():
            remainder = self.remainder @ scaled
            product = self._through_factor(scaled)
        product += remainder
        product *= self.scale * sizes
        return product.reshape(V.shape)

    def smoothed(self, V: np.ndarray) -> np.ndarray:
        """Return ``(F F^T + c I) V``, c the mean of the diagonal of R.

        For a random block that is about what a product with A makes of it, for nothing;
        directions that the pivots have missed stay in it.
        """
        return self._through_factor(V) + self._remainder_mean * V

    def kernel_matrix(self) -> np.ndarray:
        """Return K, computed as a whole."""
        return self.source.kernel_matrix()

    def dense(self) -> np.ndarray:
        """Return A as a new array of shape (n, n), float64, from the entries of K.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        return self.source.dense()

    def _through_factor(self, V: np.ndarray) -> np.ndarray:
        """Return ``F F^T V``."""
        # BLAS packs a large second factor with less work.
        return ((V.T @ self.factor) @ self.factor.T).T


def mixed_precision(
    source: Source,
    n_pairs: int,
    n_threads: int = 1,
    *,
    tile_side: int = TRIANGLE_TILE_ROWS,
    min_rank: int = FACTOR_MIN_RANK,
    n_pivots: int = FACTOR_PIVOTS,
    n_probed: int = PROBED_ENTRIES,
) -> MixedPrecisionOperator:
    """Factorise an operator, compute what is left of it, and measure the rounding.

    Parameters
    ----------
    source : DenseOperator or BlockedOperator
        Gives the entries of K.
    n_pairs : int
        How many leading pairs have to be exact; F has two thirds of that as its rank,
        `min_rank` at least, and less where A has.
    n_threads : int, default=1
        Threads that compute R and multiply; their number changes no bit.
    tile_side : int, default=400
        Largest side of a tile of R.
    min_rank : int, default=64
    n_pivots : int, default=8
        Pivots that are drawn at once.
    n_probed : int, default=100
        Entries of an image that the rounding is measured by.

    Returns
    -------
    MixedPrecisionOperator

    References
    ----------
    Y. Chen, E. Epperly, J. Tropp, R. Webber, *Randomly Pivoted Cholesky*, Comm. Pure
    Appl. Math., 2025.
    """
    # The same for every random_state, which the pairs alone depend on.
    rng = np.random.RandomState(0)
    with single_threaded_blas():
        rank = max(min_rank, int(FACTOR_RANK_PER_PAIR * n_pairs))
        factor, diagonal = _partial_cholesky(source, rank, n_pivots, rng)
        missed = diagonal.sum() * source.scale / (source.diagonal().sum() or 1.0)
        few_pairs = n_pairs * SINGLE_REMAINDER_ROWS_PER_PAIR <= source.shape[0]
        dtype: type = np.float64
        if few_pairs and missed > SINGLE_REMAINDER_MIN_MISSED:
            dtype = np.float32
            # R is what this factor leaves.
            factor = _flushed(factor, FLUSH_FACTOR).astype(np.float64)
        mean = max(float(diagonal.mean()), float(np.finfo(np.float64).eps))
        R = SymmetricPanels(source.shape[0], tile_side, n_threads)
        fit = _Factored(source, factor, mean)
        return fit.with_remainder(R, dtype, rng, n_probed)


@dataclass(frozen=True, eq=False)
class _Factored:
    """An operator and its factor; what is left of it is to be computed."""

    source: Source
    factor: np.ndarray
    remainder_mean: float

    def with_remainder(
        self,
        R: SymmetricPanels,
        dtype: type,
        rng: np.random.RandomState,
        n_probed: int,
    ) -> MixedPrecisionOperator:
        """Fill R, in this precision where the kernel has it, and measure the error."""
        tile, first = self.source.tiles(dtype), slice(0, 1)
        R.fill(partial(self._fill_tile, tile))
        made = partial(
            MixedPrecisionOperator,
            self.source,
            self.factor,
            R,
            remainder_dtype=tile(first, first).dtype.type,
            remainder_mean=self.remainder_mean,
        )
        # A random vector, and a smooth one.
        probes = rng.standard_normal(len(self.factor)), self.factor.sum(axis=1)
        error = _product_error(
            made(product_error=0.0), np.column_stack(probes), n_probed, rng
        )
        return made(product_error=error)

    def _fill_tile(
        self, tile: TileFunction, rows: slice, columns: slice, out: np.ndarray
    ) -> None:
        """Turn a tile of K into one of ``R = A / scale - F F^T``, and round it."""
        A, entries = self.source, tile(rows, columns)
        size = A.sqrt_weights[0] ** 2 / A.scale
        if A.weights is not None:
            root, size = np.sqrt(A.scale), 1.0
            entries *= A.sqrt_weights[rows, None] / root
            entries *= A.sqrt_weights[columns] / root
        if self.factor.size:
            # In place: BLAS takes the transposes as they are.
            factors = [
                self.factor[part].astype(entries.dtype, copy=False).T
                for part in (columns, rows)
            ]
            multiply = get_blas_funcs("gemm", dtype=entries.dtype)
            options = {"beta": size, "c": entries.T, "trans_a": 1, "overwrite_c": 1}
            entries = multiply(-1.0, *factors, **options).T
        else:
            entries *= size
        out[...] = _flushed(entries, FLUSH_ENTRY)


def _product_error(
    A: MixedPrecisionOperator,
    probes: np.ndarray,
    n_probed: int,
    rng: np.random.RandomState,
) -> float:
    """Largest norm of the errors of the images of vectors, brought to unit length.

    The norm is that of a sample of the entries, which are as large as the others.
    """
    n, norms = A.shape[0], np.linalg.norm(probes, axis=0)
    probes = probes / np.where(norms > 0, norms, 1.0)
    rows = np.sort(rng.choice(n, min(n, n_probed), replace=False))
    weighted = A.source.columns(rows).T @ (A.sqrt_weights[:, None] * probes)
    exact = A.sqrt_weights[rows, None] * weighted
    # Scaled first: squares of the difference itself may overflow.
    difference = (exact - (A @ probes)[rows]) / A.scale
    errors = np.linalg.norm(difference, axis=0)
    return float(errors.max() * np.sqrt(n / len(rows)))


def _partial_cholesky(
    A: Source, rank: int, n_pivots: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """F of shape (n, rank) with ``A / scale = F F^T + R``, and the diagonal of R.

    Pivots are drawn with probabilities proportional to that diagonal.
    """
    roots, left = A.sqrt_weights / np.sqrt(A.scale), A.diagonal() / A.scale
    floor = A.rank_rtol * left.max()
    factor = np.zeros((len(left), 0))
    while factor.shape[1] < rank and left.any():
        pivots = np.unique(rng.choice(len(left), n_pivots, p=left / left.sum()))
        columns = roots[:, None] * A.columns(pivots) * roots[pivots]
        columns -= factor @ factor[pivots].T
        values, vectors = eigh(columns[pivots])
        # Pivots that depend on each other add no direction.
        kept = values > max(floor, FACTOR_PIVOT_RTOL * values[-1])
        columns = columns @ (vectors[:, kept] / np.sqrt(values[kept]))
        factor = np.hstack([factor, columns])
        left = np.maximum(left - np.sum(columns**2, axis=1), 0.0)
        left[pivots] = 0.0
        left[left <= floor] = 0.0
    return factor, left


def _flushed(numbers: np.ndarray, flush: float) -> np.ndarray:
    """Numbers in float32, those far below `flush` set to zero."""
    single = np.add(numbers, flush).astype(np.float32, copy=False)
    single -= flush
    return single
