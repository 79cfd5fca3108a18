"""A symmetric matrix in single precision, of which one triangle is held."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

from sklearn_msk._batches import batches
from sklearn_msk._tuning import TRIANGLE_SHARES, TRIANGLE_TILE_ROWS

# Takes the rows and the columns of a tile, and the tile to be filled.
FillFunction = Callable[[slice, slice, np.ndarray], None]


class SymmetricPanels:
    """One triangle of a symmetric matrix, in panels of rows up to the diagonal.

    The square tiles of a panel are used twice while they are in cache,
    ``out_i += R_ij V_j`` and ``out_j += R_ij^T V_i``. The last panel is padded with
    zero rows.

    Parameters
    ----------
    n : int
        Rows of the matrix.
    tile_side : int, default=400
        Largest number of rows of a panel.
    n_threads : int, default=1
        A pool of threads is made for every product: it takes 0.1 ms, where a product
        of 2000 rows with one vector takes 1 ms, and no thread is left behind.

    Attributes
    ----------
    panels : list of ndarray of shape (side, (i + 1) * side), float32
    n_threads : int
    """

    def __init__(
        self, n: int, tile_side: int = TRIANGLE_TILE_ROWS, n_threads: int = 1
    ) -> None:
        n_panels = -(-n // tile_side)
        self._n, self._side = n, -(-n // n_panels)
        self.n_threads = min(n_threads, TRIANGLE_SHARES)
        ends = self._side**2 * np.cumsum(np.arange(1, n_panels + 1))
        # At once, as the system gives large memory in large pages.
        memory = np.split(np.empty(ends[-1], np.float32), ends[:-1])
        self.panels = [panel.reshape(self._side, -1) for panel in memory]

    def empty_like(self) -> "SymmetricPanels":
        """Return panels of the same shapes, not filled."""
        return SymmetricPanels(self._n, self._side, self.n_threads)

    def fill(self, fill: FillFunction) -> None:
        """Set every tile, in threads.

        Parameters
        ----------
        fill : callable
            ``fill(rows, columns, out)`` sets a tile on or below the diagonal.
        """
        _run(self.n_threads, self._fill_panel, range(len(self.panels)), repeat(fill))

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        """Return the product with an array of shape (n, m), in single precision."""
        padded = np.zeros((len(self.panels) * self._side, V.shape[1]), np.float32)
        padded[: self._n] = V
        shares = _run(
            self.n_threads, self._multiply_share, range(TRIANGLE_SHARES), repeat(padded)
        )
        return sum(shares)[: self._n]

    def _multiply_share(self, first: int, V: np.ndarray) -> np.ndarray:
        """Multiply every fourth panel, from the first on, and add up."""
        image = np.zeros_like(V)
        multiply = self._multiply_panel if V.shape[1] > 1 else self._multiply_vector
        for i in range(first, len(self.panels), TRIANGLE_SHARES):
            multiply(i, V, image)
        return image

    def _multiply_panel(self, i: int, V: np.ndarray, image: np.ndarray) -> None:
        """Add both products of the tiles of a panel; on the diagonal they are one."""
        rows, panel = self._padded_rows(i), self.panels[i]
        product = np.empty_like(V[rows])
        for j in range(i + 1):
            others = self._padded_rows(j)
            tile = panel[:, others]
            image[rows] += np.matmul(tile, V[others], product)
            if j < i:
                image[others] += np.matmul(tile.T, V[rows], product)

    def _multiply_vector(self, i: int, V: np.ndarray, image: np.ndarray) -> None:
        """Add both products of a panel with one vector, at the speed of the memory."""
        rows, panel = self._padded_rows(i), self.panels[i]
        image[rows, 0] += panel @ V[: rows.stop, 0]
        image[: rows.start, 0] += V[rows, 0] @ panel[:, : rows.start]

    def _fill_panel(self, i: int, fill: FillFunction) -> None:
        """Set the tiles of a panel; it is zero beyond the last row of the matrix."""
        panel, slices = self.panels[i], batches(self._n, self._side)
        n_rows = slices[i].stop - slices[i].start
        for columns in slices[: i + 1]:
            fill(slices[i], columns, panel[:n_rows, columns])
        panel[n_rows:] = 0.0
        panel[:, slices[i].stop :] = 0.0

    def _padded_rows(self, i: int) -> slice:
        """Rows of a panel, beyond the last row of the matrix in the last one."""
        return slice(i * self._side, (i + 1) * self._side)


def _run(n_threads: int, function: Callable, *arguments: Iterable) -> list:
    """Apply a function to each of some arguments, in threads where there are."""
    if n_threads == 1:
        return list(map(function, *arguments))
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, *arguments))
