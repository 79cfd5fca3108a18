"""The empirical integral operator in a quarter of the memory of its kernel matrix."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import get_blas_funcs

from sklearn_msk._operators._kernel_operator import KernelOperator
from sklearn_msk._threads import single_threaded_blas

# Largest side of a tile, which stays in cache while it is used twice.
_SIDE = 400

# Shares of the panels that threads take, whatever the number of threads: so that this
# does not change the order of sums.
_SHARES = 4

# Entries of an image that its rounding is measured by.
_PROBED_ROWS = 100

# Pivots of the factor that are drawn at once, and the least rank of the factor.
_PIVOTS, _MIN_RANK = 8, 64

# Where the factor leaves more than this share of the trace, and there are this many
# rows a pair, so that its eigenvalue is well above those that are left, R may as a rule
# be computed in single precision. Where products are not exact enough, `refine` helps.
_ROUGH, _ROWS_A_PAIR = 0.4, 32

# Added before a number is rounded to single precision and subtracted afterwards, it
# takes digits below 1e-35: what is left is 0 or has all its digits.
_FLUSH = float(np.float32(1e-28))

# The same for numbers whose products have to be within the range of single precision.
_FLUSH_FACTOR = float(np.float32(1e-11))


class RoundingError(Exception):
    """Products are not exact enough for what is asked for."""


class CompactOperator(KernelOperator):
    """``A / A.scale = F F^T + R``: F multiplies in double, R in single precision.

    ``F F^T`` is a partial Cholesky factorisation of A from a few randomly chosen
    pivots. It holds the leading directions, so that what single precision rounds are
    the entries of R, whose norm is that of an eigenvalue further down: with a rank of
    64 a product loses some 1e-6 of ``lam_100`` instead of 1e-5 to 1e-4.

    One triangle of R is held, in panels of rows up to the diagonal. Their square tiles
    are used twice while they are in cache, ``out_i += R_ij V_j`` and ``out_j += R_ij^T
    V_i``. The kernel matrix itself is never held: each of its tiles becomes one of R as
    soon as it is computed: in single precision where R is not much smaller than A, F
    being rounded to it before.

    Parameters
    ----------
    source : DenseOperator or BlockedOperator
        What gives the entries of K.
    n_pairs : int
        How many leading pairs have to be exact; F has two thirds of that as its rank,
        64 at least, and less where A has.
    n_threads : int, default=1
        Threads that compute R and multiply.

    Attributes
    ----------
    source : DenseOperator or BlockedOperator
    is_rough : bool
        Whether R was computed in single precision.
    rounding : float
        Norm of the error of the image of a unit vector: the larger of those measured
        for a random and for a smooth one.

    References
    ----------
    Y. Chen, E. Epperly, J. Tropp, R. Webber, *Randomly Pivoted Cholesky*, Comm. Pure
    Appl. Math., 2025.
    """

    def __init__(self, source, n_pairs, n_threads=1):
        super().__init__(
            source.kernel_diagonal, source.dtype, source.weights, source.n_distinct
        )
        self.source, self.n_threads = source, min(n_threads, _SHARES)
        # The same for every random_state, which the pairs alone depend on.
        rng = np.random.RandomState(0)
        rank = max(_MIN_RANK, 2 * n_pairs // 3)
        with single_threaded_blas():
            self._factor, left = self._partial_cholesky(rank, rng)
            self._left = max(float(left.mean()), np.finfo(np.float64).eps)
            share = left.sum() * self.scale / (self.diagonal().sum() or 1.0)
            few_pairs = n_pairs * _ROWS_A_PAIR <= self.shape[0]
            rough = few_pairs and share > _ROUGH
            if rough:
                # R is what this factor leaves.
                self._factor = _flushed(self._factor, _FLUSH_FACTOR).astype(np.float64)
            self._panels = self._empty_panels()
            self._fill_panels(np.float32 if rough else np.float64, rng)

    def refine(self):
        """Compute R again, in double precision, where it was in single.

        Returns
        -------
        bool
            False where it was in double.
        """
        if not self.is_rough:
            return False
        with single_threaded_blas():
            self._fill_panels(np.float64, np.random.RandomState(0))
        return True

    def __matmul__(self, V):
        """Return ``A @ V`` in double precision, for V of shape (n,) or (n, m)."""
        n, columns = self.shape[0], V.reshape(len(V), -1)
        # Columns of any size are within the range of single precision.
        sizes = np.abs(columns).max(axis=0)
        sizes[sizes == 0.0] = 1.0
        scaled = columns / sizes
        single = np.zeros((len(self._panels) * self._side, columns.shape[1]), "float32")
        single[:n] = scaled
        with single_threaded_blas():
            shares = self._run(self._multiply_share, range(_SHARES), repeat(single))
            product = self._through_factor(scaled)
        product += sum(shares)[:n]
        product *= self.scale * sizes
        return product.reshape(V.shape)

    def smoothed(self, V):
        """Return ``(F F^T + c I) V``, c the mean of the diagonal of R.

        For a random block that is about what a product with A makes of it, for nothing;
        directions that the pivots have missed stay in it.
        """
        return self._through_factor(V) + self._left * V

    def kernel_matrix(self):
        """Return K, computed as a whole."""
        return self.source.kernel_matrix()

    def _run(self, function, *arguments):
        """Apply a function to each of some arguments, in threads where there are."""
        if self.n_threads == 1:
            return list(map(function, *arguments))
        with ThreadPoolExecutor(self.n_threads) as pool:
            return list(pool.map(function, *arguments))

    def _multiply_share(self, first, V):
        """Multiply every so many panels, from the first on, and add up."""
        image = np.zeros_like(V)
        multiply = self._multiply_panel if V.shape[1] > 1 else self._multiply_vector
        for i in range(first, len(self._panels), _SHARES):
            multiply(i, V, image)
        return image

    def _multiply_panel(self, i, V, image):
        """Add both products of the tiles of a panel; on the diagonal they are one."""
        rows, panel = self._tile_rows(i), self._panels[i]
        product = np.empty_like(V[rows])
        for j in range(i + 1):
            others = self._tile_rows(j)
            tile = panel[:, others]
            image[rows] += np.matmul(tile, V[others], product)
            if j < i:
                image[others] += np.matmul(tile.T, V[rows], product)

    def _multiply_vector(self, i, V, image):
        """Add both products of a panel with one vector, at the speed of the memory."""
        rows, panel = self._tile_rows(i), self._panels[i]
        image[rows, 0] += panel @ V[: rows.stop, 0]
        image[: rows.start, 0] += V[rows, 0] @ panel[:, : rows.start]

    def _through_factor(self, V):
        """Return ``F F^T V``."""
        # BLAS packs a large second factor with less work.
        return ((V.T @ self._factor) @ self._factor.T).T

    def _largest_error(self, probes, rng):
        """Largest error of the images of vectors, brought to unit length.

        Its norm is that of a sample of the entries, which are as large as the others.
        """
        norms = np.linalg.norm(probes, axis=0)
        probes = probes / np.where(norms > 0, norms, 1.0)
        n_probed = min(self.shape[0], _PROBED_ROWS)
        rows = np.sort(rng.choice(self.shape[0], n_probed, replace=False))
        weighted = self.source.columns(rows).T @ (self.roots[:, None] * probes)
        exact = self.roots[rows, None] * weighted
        # Scaled first: squares of the difference itself may overflow.
        difference = (exact - (self @ probes)[rows]) / self.scale
        errors = np.linalg.norm(difference, axis=0)
        return float(errors.max() * np.sqrt(self.shape[0] / len(rows)))

    def _empty_panels(self):
        """Memory for the panels; at once, as large memory comes in large pages."""
        n_panels = -(-self.shape[0] // _SIDE)
        self._side = -(-self.shape[0] // n_panels)
        ends = self._side**2 * np.cumsum(np.arange(1, n_panels + 1))
        memory = np.split(np.empty(ends[-1], np.float32), ends[:-1])
        return [panel.reshape(self._side, -1) for panel in memory]

    def _tile_rows(self, i):
        """Rows of a panel, beyond the last row of A in the last one."""
        return slice(i * self._side, (i + 1) * self._side)

    def _fill_panels(self, dtype, rng):
        """Compute R, and measure what rounding does to products."""
        tile, first = self.source.tiles(dtype), slice(0, 1)
        self.is_rough = tile(first, first).dtype == np.float32
        self._run(self._fill_panel, range(len(self._panels)), repeat(tile))
        probes = rng.standard_normal(self.shape[0]), self._factor.sum(axis=1)
        self.rounding = self._largest_error(np.column_stack(probes), rng)

    def _fill_panel(self, i, tile):
        """Compute a panel; it is zero beyond the last row of A."""
        panel, rows = self._panels[i], self._rows(i)
        n_rows = rows.stop - rows.start
        for j in range(i + 1):
            columns = self._rows(j)
            entries = tile(rows, columns)
            self._fill(panel[:n_rows, columns], entries, rows, columns)
        panel[n_rows:] = 0.0
        panel[:, rows.stop :] = 0.0

    def _rows(self, i):
        """Rows of a panel that A has."""
        rows = self._tile_rows(i)
        return slice(rows.start, min(rows.stop, self.shape[0]))

    def _fill(self, out, entries, rows, columns):
        """Turn entries of K, which are overwritten, into those of R, and round them."""
        size = self.roots[0] ** 2 / self.scale
        if self.weights is not None:
            root, size = np.sqrt(self.scale), 1.0
            entries *= self.roots[rows, None] / root
            entries *= self.roots[columns] / root
        if self._factor.size:
            # In place: the transposes are what BLAS takes as they are.
            factors = [
                self._factor[part].astype(entries.dtype, copy=False).T
                for part in (columns, rows)
            ]
            multiply = get_blas_funcs("gemm", dtype=entries.dtype)
            options = {"beta": size, "c": entries.T, "trans_a": 1, "overwrite_c": 1}
            entries = multiply(-1.0, *factors, **options).T
        else:
            entries *= size
        out[...] = _flushed(entries, _FLUSH)

    def _partial_cholesky(self, rank, rng):
        """F of shape (n, rank), and what it leaves of the diagonal.

        By that the pivots are drawn.
        """
        roots, left = self.roots / np.sqrt(self.scale), self.diagonal() / self.scale
        floor = self.rank_floor * left.max()
        factor = np.zeros((len(left), 0))
        while factor.shape[1] < rank and left.any():
            pivots = np.unique(rng.choice(len(left), _PIVOTS, p=left / left.sum()))
            columns = roots[:, None] * self.source.columns(pivots) * roots[pivots]
            columns -= factor @ factor[pivots].T
            values, vectors = eigh(columns[pivots])
            # Pivots that depend on each other add no direction.
            kept = values > max(floor, 1e-10 * values[-1])
            columns = columns @ (vectors[:, kept] / np.sqrt(values[kept]))
            factor = np.hstack([factor, columns])
            left = np.maximum(left - np.sum(columns**2, axis=1), 0.0)
            left[pivots] = 0.0
            left[left <= floor] = 0.0
        return factor, left


def _flushed(numbers, flush):
    """Numbers in single precision, without the digits that `flush` takes.

    Processors take their time over denormal numbers.
    """
    single = np.add(numbers, flush).astype(np.float32, copy=False)
    single -= flush
    return single
