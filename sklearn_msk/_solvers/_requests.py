"""What the solvers are asked for."""

from collections.abc import Callable

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._preconditioner import Preconditioner

# A preconditioner, and the filters that its path has to hold for.
Request = tuple[Preconditioner, list[SpectralFilter]]

# ``monitor(n_products, error, tol)`` is called whenever a solver estimates its error.
Monitor = Callable[[int, float, float], None] | None
