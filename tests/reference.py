"""A slow model, by full decompositions: what every fit has to agree with."""

import numpy as np


def fitted_values(
    K,
    y,
    g,
    k,
    T,
    *,
    alpha=0.0,
    learning_rate=1.0,
    dynamics="flow",
    weights=None,
    fit_intercept=True,
    n_distinct=None,
):
    """Values of the model on its training rows.

    Returns
    -------
    values : ndarray of the shape of y
    gap : float
        Relative gap of the spectrum after the k-th direction; where it is 0 the choice
        of directions is open.
    condition : float
        Largest over smallest eigenvalue of S, which rounding is amplified by.
    spread : float
        Largest over smallest rate that is not rounding.
    """
    n = len(K)
    eps, rounding = np.finfo(float).eps, float(np.finfo(K.dtype).eps)
    K = K.astype(float)
    w = np.ones(n) if weights is None else weights
    mean = np.average(y, axis=0, weights=w) if fit_intercept else 0.0
    roots = np.sqrt(w / w.sum())
    scale = np.diag(K).max() or 1.0
    A = roots[:, None] * (K / scale) * roots
    b = (roots * (y - mean).T).T
    lam, V = np.linalg.eigh((A + A.T) / 2)
    lam, V = lam[::-1], V[:, ::-1]
    n_distinct = n if n_distinct is None else n_distinct
    floor = max(max(n_distinct, 16) * rounding * lam[0], -4 * lam[-1])
    rank = min(np.count_nonzero(lam > floor), n_distinct)
    k = min(k, rank)
    gap = 1.0 if k in (0, n) else (lam[k - 1] - max(lam[k], 0.0)) / lam[k - 1]
    rates = g(lam[:k] * scale) / scale if k else np.empty(0)
    ratios = rates / lam[:k]
    S_half = np.eye(n) + (V[:, :k] * (np.sqrt(ratios) - 1)) @ V[:, :k].T
    M = S_half @ A @ S_half
    mu, U = np.linalg.eigh((M + M.T) / 2)
    ridge = alpha / w.sum() / scale
    damping = np.maximum(mu, 0) + ridge
    eta = learning_rate / (max(mu[-1], 0.0) + ridge or 1.0)
    noise = max(
        max(n_distinct, 16) * eps * lam[0], 4 * rounding * np.diag(A).max() * np.sqrt(n)
    )
    kept = damping > noise
    z = eta * damping[kept]
    if np.isinf(T):
        progress = np.ones_like(z)
    elif dynamics == "flow":
        progress = -np.expm1(-T * z)
    else:
        progress = 1 - (1 - z) ** T
    gain = np.zeros(n)
    gain[kept] = progress / damping[kept]
    c = S_half @ ((U * gain) @ (U.T @ (S_half @ b)))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (K / scale) @ ((roots * c.T).T)
    condition = max(ratios.max(initial=1.0), 1.0) / min(ratios.min(initial=1.0), 1.0)
    spread = damping.max() / damping[kept].min() if kept.any() else 1.0
    return values + mean, gap, condition, spread
