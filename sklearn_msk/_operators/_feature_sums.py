"""Sums of features over rows, in double or in mixed precision."""

import numpy as np
from scipy.linalg.blas import ddot, dgemm, dsyr2k, dsyrk, dtrsm, ssyrk
from scipy.linalg.lapack import dsygst, dtrtri

from sklearn_msk._array_api import Place, scale_rows, to_host
from sklearn_msk._batches import batches
from sklearn_msk._operators._deflation import Deflation
from sklearn_msk._operators._nystroem_features import NystroemFeatures
from sklearn_msk._tuning import (
    DEFLATED_ROWS,
    FEATURE_BLOCK_ROWS,
    FLUSH_FACTOR,
    SINGLE_SUMS_MIN_ROWS,
    SUMMED_COLUMNS,
    UNLIKE_LANDMARKS,
)
from sklearn_msk.kernels._evaluation import evaluate_kernel


class DoubleSums:
    """``Phi^T diag(v) Phi`` and ``Phi^T diag(v) right``, in double precision.

    Parameters
    ----------
    features : NystroemFeatures
    n_columns : int
        Of the right-hand sides.
    n_jobs : int or None
        Threads that compute the kernel.
    """

    def __init__(
        self, features: NystroemFeatures, n_columns: int, n_jobs: int | None
    ) -> None:
        self.features, self.n_jobs = features, n_jobs
        self._gram = np.zeros((features.rank, features.rank), order="F")
        self._moments = np.zeros((features.rank, n_columns))

    def add(self, X: np.ndarray, right: np.ndarray, v: np.ndarray | None) -> None:
        """Add some rows, with their right-hand sides and weights; None means ones."""
        phi = self.features.features(X, self.n_jobs)
        # BLAS of SciPy throughout: threads of NumPy's would compete with its own.
        weighted = right if v is None else v[:, None] * right
        self._moments += dgemm(1.0, phi, weighted)
        if v is not None:
            phi *= np.sqrt(v)
        self._gram = dsyrk(1.0, phi, beta=1.0, c=self._gram, lower=1, overwrite_c=1)

    def total(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower triangle of the first sum, and the second."""
        return self._gram, self._moments


class MixedSums:
    """The same in mixed precision: what a `Deflation` leaves is rounded to float32.

    A block of rows is multiplied in float32, and added to the others in float64. Rows
    of which much more is left than of the landmarks are multiplied in float64.
    Parameters are those of `DoubleSums`, and the deflation.
    """

    def __init__(
        self,
        features: NystroemFeatures,
        deflation: Deflation,
        n_columns: int,
        n_jobs: int | None,
    ) -> None:
        self.features, self.deflation, self.n_jobs = features, deflation, n_jobs
        rank, n_directions = deflation.vectors.shape
        self._gram = np.zeros((rank, rank), order="F")
        self._leading = np.zeros((n_directions, rank), order="F")
        self._moments = np.zeros((rank, n_columns))
        self._rounded = np.empty((FEATURE_BLOCK_ROWS, rank), np.float32)
        # Its upper triangle stays zero.
        self._product = np.zeros((rank, rank), np.float32, order="F")

    def add(self, X: np.ndarray, right: np.ndarray, v: np.ndarray | None) -> None:
        """Add some rows, 2048 at most, as `DoubleSums.add` does."""
        roots = np.ones(len(X)) if v is None else np.sqrt(v)
        filled = 0
        for part in batches(len(X), DEFLATED_ROWS):
            rest = self._deflated(X[part], right[part], roots[part])
            usual = self.deflation.size * ddot(roots[part], roots[part])
            if ddot(rest.ravel(), rest.ravel()) > UNLIKE_LANDMARKS * usual:
                self._gram = dsyrk(
                    1.0, rest.T, beta=1.0, c=self._gram, lower=1, overwrite_c=1
                )
                continue
            # No denormal number: processors are slow on them.
            rest += FLUSH_FACTOR
            self._rounded[filled : filled + len(rest)] = rest
            filled += len(rest)
        if filled:
            self._rounded[:filled] -= np.float32(FLUSH_FACTOR)
            self._add_product(self._rounded[:filled].T)

    def total(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower triangle of ``Phi^T diag(v) Phi``, and the moments."""
        V, unit, factor = (
            self.deflation.vectors,
            self.deflation.unit,
            self.features.factor,
        )
        along = self._leading - 0.5 * dgemm(
            1.0, dgemm(1.0, self._leading, V), V, trans_b=1
        )
        gram = dsyr2k(1.0, V, along.T, beta=1.0, c=self._gram, lower=1, overwrite_c=1)
        moments = self._moments
        if self.deflation.of_kernel:
            gram, _ = dsygst(gram, factor, lower=1, overwrite_a=1)
            moments = dtrsm(1.0, factor, moments, lower=1)
        # One unit at a time: its square may overflow.
        for _ in range(2):
            gram *= unit
        return gram, unit * moments

    def _deflated(
        self, X: np.ndarray, right: np.ndarray, roots: np.ndarray
    ) -> np.ndarray:
        """Sum what is in double precision of some rows, return what is left of them."""
        scale = (roots / self.deflation.unit)[:, None]
        if self.deflation.of_kernel:
            rows = self.features.kernel_functions(X, self.n_jobs) * scale
        else:
            rows = self.features.features(X, self.n_jobs).T
            rows *= scale
        V, columns = self.deflation.vectors, np.ascontiguousarray(rows).T
        self._moments += dgemm(1.0, columns, roots[:, None] * right)
        inside = dgemm(1.0, V, columns, trans_a=1)
        self._leading += dgemm(1.0, inside, columns, trans_b=1)
        return dgemm(-1.0, V, inside, beta=1.0, c=columns, overwrite_c=1).T

    def _add_product(self, columns: np.ndarray) -> None:
        """Add ``columns columns^T``, multiplied in float32, in float64."""
        self._product = ssyrk(1.0, columns, c=self._product, lower=1, overwrite_c=1)
        for part in batches(len(columns), SUMMED_COLUMNS):
            self._gram[part.start :, part] += self._product[part.start :, part]


class DeviceSums:
    """The sums of `DoubleSums` on a device, in double precision.

    Features are products with the inverse of the factor, ``K_nL C^(-T)``: libraries of
    arrays have no triangular solver in common.

    Parameters
    ----------
    features : NystroemFeatures
    n_columns : int
    place : Place
    """

    def __init__(
        self, features: NystroemFeatures, n_columns: int, place: Place
    ) -> None:
        self.features, self.place = features, place
        inverse = dtrtri(features.factor, lower=1)[0]
        self._inverse = place.put(np.tril(inverse).T)
        self._landmarks = place.put(features.landmarks[features.pivots])
        self._gram = place.put(np.zeros((features.rank, features.rank)))
        self._moments = place.put(np.zeros((features.rank, n_columns)))

    def add(self, X: np.ndarray, right: np.ndarray, v: np.ndarray | None) -> None:
        """Add some rows, as `DoubleSums.add` does."""
        rows = self.place.put(X.astype(np.float64))
        K = evaluate_kernel(self.features.kernel, rows, self._landmarks)
        phi, targets = K @ self._inverse, self.place.put(right)
        weighted = phi if v is None else scale_rows(self.place.put(v), phi)
        self._moments += weighted.T @ targets
        self._gram += weighted.T @ phi

    def total(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both sums, as NumPy's."""
        return to_host(self._gram), to_host(self._moments)


def feature_sums(
    features: NystroemFeatures,
    n_rows: int,
    n_targets: int,
    n_jobs: int | None,
    place: Place | None = None,
) -> DoubleSums | MixedSums | DeviceSums:
    """Begin sums over so many rows, of ``[targets, 1]``, in the precision that pays.

    Parameters
    ----------
    features : NystroemFeatures
    n_rows, n_targets : int
    n_jobs : int or None
        Threads that compute the kernel.
    place : Place, default=None
        Device to sum on; None is NumPy.

    Returns
    -------
    DoubleSums, MixedSums or DeviceSums
    """
    if place is not None:
        return DeviceSums(features, n_targets + 1, place)
    many = n_rows >= SINGLE_SUMS_MIN_ROWS * features.rank
    if features.deflation is not None and many:
        return MixedSums(features, features.deflation, n_targets + 1, n_jobs)
    return DoubleSums(features, n_targets + 1, n_jobs)
