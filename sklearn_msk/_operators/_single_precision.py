"""Products with a kernel matrix at the speed of single precision."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from scipy.linalg import eigh

# Largest side of a tile, which stays in cache while it is used twice.
_SIDE = 400

# Shares of the rows of tiles that threads take, whatever the number of threads: so that
# this does not change the order of sums.
_SHARES = 4

# Entries of an image that its rounding is measured by.
_PROBED_ROWS = 1000

# Pivots of the factor that are drawn at once.
_PIVOTS = 8

# Added before a number is rounded to single precision and subtracted afterwards, it
# takes digits below 1e-35: what is left is 0 or has all its digits.
_FLUSH = float(np.float32(1e-28))


class SinglePrecisionProducts:
    """``A / A.scale = F F^T + R`` with F in double and R in single precision.

    ``F F^T`` is a partial Cholesky factorisation of A from a few randomly chosen
    pivots. It holds the leading directions, so that what single precision rounds are
    the entries of R, whose norm is that of an eigenvalue further down: with a rank of
    64 a product loses some 1e-6 of ``lam_100`` instead of 1e-5 to 1e-4. One triangle of
    R is held, a quarter of the memory of K, in square tiles that are used twice,
    ``out_i += R_ij V_j`` and ``out_j += R_ij^T V_i``. It is a context manager, which
    ends its threads.

    Parameters
    ----------
    A : DenseOperator
    rank : int
        Number of columns of F; it has fewer where A has a smaller rank.
    rng : RandomState
        Draws the pivots and what the rounding is measured with.
    n_threads : int, default=1
        Threads that multiply; BLAS is to be held at one thread meanwhile.

    Attributes
    ----------
    rounding : float
        Norm of the error of the image of a unit vector: the larger of those measured
        for a random and for a smooth one.

    References
    ----------
    Y. Chen, E. Epperly, J. Tropp, R. Webber, *Randomly Pivoted Cholesky*, Comm. Pure
    Appl. Math., 2025.
    """

    def __init__(self, A, rank, rng, n_threads=1):
        self.n = A.shape[0]
        self._factor = _partial_cholesky(A, rank, rng)
        self._n_panels = -(-self.n // _SIDE)
        self._side = -(-self.n // self._n_panels)
        n_tiles = self._n_panels * (self._n_panels + 1) // 2
        # At once: large memory comes in large pages.
        self._tiles = np.empty((n_tiles, self._side, self._side), np.float32)
        n_threads = min(n_threads, _SHARES)
        self._pool = ThreadPoolExecutor(n_threads) if n_threads > 1 else None
        for _ in self._map(self._fill_panel, repeat(A), range(self._n_panels)):
            pass
        probes = rng.standard_normal(self.n), self._factor.sum(axis=1)
        self.rounding = float(self._errors(A, np.column_stack(probes)).max())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown()

    def __matmul__(self, V):
        """Return ``A @ V / A.scale`` for V of shape (n, m), in double precision."""
        blocks = np.zeros((self._n_panels, self._side, V.shape[1]), np.float32)
        blocks.reshape(-1, V.shape[1])[: self.n] = V
        image = sum(self._map(self._multiply_share, range(_SHARES), repeat(blocks)))
        product = self._through_factor(V)
        product += image.reshape(-1, V.shape[1])[: self.n]
        return product

    def smoothed(self, V):
        """Return ``(F F^T + c I) V``, c a tenth of the largest eigenvalue of F F^T.

        For a random block that is about what a product with A makes of it, for nothing;
        directions that the pivots have missed stay in it.
        """
        largest = np.linalg.norm(self._factor, 2) ** 2 if self._factor.size else 1.0
        return self._through_factor(V) + 0.1 * largest * V

    def _map(self, function, *arguments):
        """Apply a function to each of some arguments, in threads where there are."""
        run = map if self._pool is None else self._pool.map
        return run(function, *arguments)

    def _multiply_share(self, first, blocks):
        """Multiply every so many rows of tiles, from the first on, and add up."""
        image, product = np.zeros_like(blocks), np.empty_like(blocks[0])
        for i in range(first, self._n_panels, _SHARES):
            for j, tile in enumerate(self._panel(i)):
                image[i] += np.matmul(tile, blocks[j], product)
                if j < i:
                    image[j] += np.matmul(tile.T, blocks[i], product)
        return image

    def _through_factor(self, V):
        """Return ``F F^T V``."""
        # BLAS packs a large second factor with less work.
        return ((V.T @ self._factor) @ self._factor.T).T

    def _errors(self, A, probes):
        """Norms of the errors of the images of vectors, brought to unit length.

        They are those of a sample of the entries, which are as large as the others.
        """
        norms = np.linalg.norm(probes, axis=0)
        probes = probes / np.where(norms > 0, norms, 1.0)
        rows = slice(None, None, -(-self.n // _PROBED_ROWS))
        weighted = (A.roots / A.scale * probes.T).T
        exact = A.roots[rows, None] * (
            A.K[rows].astype(np.float64, copy=False) @ weighted
        )
        errors = np.linalg.norm(exact - (self @ probes)[rows], axis=0)
        return errors * np.sqrt(self.n / len(exact))

    def _panel(self, i):
        """Tiles of a row of them, up to the diagonal."""
        first = i * (i + 1) // 2
        return self._tiles[first : first + i + 1]

    def _fill_panel(self, A, i):
        """Compute a row of tiles of R; they are zero beyond the last row of A."""
        roots, rows = A.roots / np.sqrt(A.scale), self._rows(i)
        for j, tile in enumerate(self._panel(i)):
            columns = self._rows(j)
            entries = roots[rows, None] * A.K[rows, columns]
            entries *= roots[columns]
            entries -= self._factor[rows] @ self._factor[columns].T
            # Processors take their time over denormal numbers.
            entries += _FLUSH
            part = tile[: entries.shape[0], : entries.shape[1]]
            part[...] = entries
            part -= _FLUSH
            tile[entries.shape[0] :] = 0.0
            tile[:, entries.shape[1] :] = 0.0

    def _rows(self, i):
        """Rows of A that a row of tiles has."""
        return slice(i * self._side, min((i + 1) * self._side, self.n))


def _partial_cholesky(A, rank, rng):
    """F of shape (n, rank), its pivots drawn by what is left of the diagonal."""
    roots, left = A.roots / np.sqrt(A.scale), A.diagonal() / A.scale
    floor = A.rank_floor * left.max()
    factor = np.zeros((len(left), 0))
    while factor.shape[1] < rank and left.any():
        pivots = np.unique(rng.choice(len(left), _PIVOTS, p=left / left.sum()))
        columns = roots[:, None] * A.K[:, pivots] * roots[pivots]
        columns -= factor @ factor[pivots].T
        values, vectors = eigh(columns[pivots])
        # Pivots that depend on each other add no direction.
        kept = values > max(floor, 1e-10 * values[-1])
        columns = columns @ (vectors[:, kept] / np.sqrt(values[kept]))
        factor = np.hstack([factor, columns])
        left = np.maximum(left - np.sum(columns**2, axis=1), 0.0)
        left[pivots] = 0.0
        left[left <= floor] = 0.0
    return factor
