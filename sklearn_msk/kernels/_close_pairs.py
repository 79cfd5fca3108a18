"""Squared distances of pairs of rows that nearly coincide, from their differences."""

from sklearn_msk._array_api import Array, namespace
from sklearn_msk._tuning import GATHERED_ENTRIES, MANY_CLOSE_PAIRS


def with_exact_distances(
    values: Array, close: Array, X: Array, Z: Array, signs: Array | None = None
) -> Array:
    """Return values, those of close pairs replaced by ``|x - sign z|^2``.

    Few pairs are gathered; where there are many, all distances are summed feature by
    feature. Neither cancels, as ``|x|^2 - 2 x.z + |z|^2`` does.

    Parameters
    ----------
    values : array of shape (n_x, n_z)
        It may be overwritten.
    close : array of bool of shape (n_x, n_z)
    X, Z : arrays of shape (n_x, n_features) and (n_z, n_features)
    signs : array of shape (n_x, n_z), default=None
        Of 1 and -1; None means 1.

    Returns
    -------
    array of shape (n_x, n_z)
    """
    xp = namespace(values)
    n_close = int(xp.count_nonzero(close))
    if not n_close:
        return values
    n_features = X.shape[1]
    many = n_close > MANY_CLOSE_PAIRS * close.shape[0] * close.shape[1]
    if many or n_close * n_features > GATHERED_ENTRIES:
        total = xp.zeros_like(values)
        for feature in range(n_features):
            z = Z[None, :, feature]
            total += xp.square(
                X[:, feature, None] - (z if signs is None else signs * z)
            )
        return xp.where(close, total, values)
    rows, columns = xp.nonzero(close)
    others = xp.take(Z, columns, axis=0)
    if signs is not None:
        others = signs[close][:, None] * others
    # A mask takes entries in the order in which `nonzero` gives their places.
    values[close] = xp.sum(xp.square(xp.take(X, rows, axis=0) - others), axis=1)
    return values
