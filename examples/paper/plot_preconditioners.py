"""
Which preconditioner generalises best?
======================================

Every preconditioner leads to the same interpolant. What training has learned before the
end differs. On one problem, with and without noise, this example compares the test
error along the path of: plain descent; "flatten", which is EigenPro; ``Power(0.5)``;
and conjugate gradients, plain and preconditioned by Nyström and by randomly pivoted
Cholesky approximations of the kernel. Ridge regression with the alpha of the smallest
test error is the reference.

The table gives for each method the number of products with the kernel matrix at the
smallest test error, that error, and the error after 10, 30 and 100 products and at the
end: means over draws of the problem. All choices use the test error, which favours all
methods alike.
"""

# %%
# A function on the sphere in four dimensions, and a kernel as rough as that of a ReLU
# network.

import argparse

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.gaussian_process.kernels import Matern

from sklearn_msk import MSKRegressor
from sklearn_msk.spectral_maps import Power

parser = argparse.ArgumentParser(description="Test error along the way.")
parser.add_argument("--rows", type=int, default=1000, help="training rows")
parser.add_argument("--draws", type=int, default=2, help="draws of the problem")
parser.add_argument("--output", default="preconditioners.png", help="picture")
options = parser.parse_args()

KERNEL = Matern(nu=0.5)
RANK = 100  # directions that are flattened, columns of the approximations
PRODUCTS = 300
NOISES = (0.0, 0.2, 1.0)


def problem(n_rows, noise, seed, n_test=500):
    """Training and test rows with their targets, without noise for the test."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows + n_test, 4))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = np.sin(2 * np.pi * X[:, 0]) + 3 * X[:, 1] * X[:, 2]
    y += 0.5 * np.cos(2 * np.pi * X[:, 3])
    noisy = y + noise * rng.normal(size=len(y))
    return X[:n_rows], noisy[:n_rows], X[n_rows:], y[n_rows:]


def descent_path(X, y, X_test, g, k):
    """Predictions after each step of descent, a product each."""
    model = MSKRegressor(
        KERNEL,
        g=g,
        k=k,
        dynamics="descent",
        fit_intercept=False,
        max_iter=PRODUCTS,
        solver="eigh",
        eigen_solver="dense",
        store_trajectory=True,
    )
    return np.array(list(model.fit(X, y).staged_predict(X_test)))


def cg_path(K, y, K_test, preconditioner=None):
    """Predictions after each step of conjugate gradients, a product each."""
    coefficients = []
    if preconditioner is not None:
        preconditioner = LinearOperator(K.shape, preconditioner)
    cg(
        K,
        y,
        rtol=1e-10,
        maxiter=PRODUCTS,
        M=preconditioner,
        callback=lambda a: coefficients.append(a.copy()),
    )
    coefficients += coefficients[-1:] * (PRODUCTS - len(coefficients))
    return np.array(coefficients) @ K_test.T


def nystroem_factor(K, rank, rng):
    """``F F^T`` that interpolates K on some columns, drawn uniformly."""
    columns = rng.choice(len(K), rank, replace=False)
    chosen = K[np.ix_(columns, columns)]
    lower = np.linalg.cholesky(chosen + 1e-10 * np.eye(rank))
    return solve_triangular(lower, K[columns], lower=True).T


def pivoted_factor(K, rank, rng):
    """Randomly pivoted Cholesky: columns drawn by what is left of the diagonal."""
    diagonal, factor = K.diagonal().copy(), np.zeros((len(K), rank))
    for step in range(rank):
        pivot = rng.choice(len(K), p=diagonal / diagonal.sum())
        column = K[:, pivot] - factor[:, :step] @ factor[pivot, :step]
        factor[:, step] = column / np.sqrt(column[pivot])
        diagonal = np.maximum(diagonal - factor[:, step] ** 2, 0.0)
        diagonal[pivot] = 0.0
    return factor


def inverse_of(factor, K):
    """Function that applies ``(F F^T + s I)^-1``, s the mean of what is left of K."""
    rest = (np.trace(K) - np.sum(factor**2)) / len(K)
    inner = cho_factor(rest * np.eye(factor.shape[1]) + factor.T @ factor)
    return lambda r: (r - factor @ cho_solve(inner, factor.T @ r)) / rest


def paths(X, y, X_test, seed=0):
    """Predictions along the way of every method, by its name."""
    rng = np.random.default_rng(seed)
    K, K_test = KERNEL(X), KERNEL(X_test, X)
    return {
        "plain descent": descent_path(X, y, X_test, "identity", 0),
        "flatten (EigenPro)": descent_path(X, y, X_test, "flatten", RANK),
        "Power(0.5)": descent_path(X, y, X_test, Power(0.5), RANK),
        "CG": cg_path(K, y, K_test),
        "CG, Nyström": cg_path(
            K, y, K_test, inverse_of(nystroem_factor(K, RANK, rng), K)
        ),
        "CG, pivoted Cholesky": cg_path(
            K, y, K_test, inverse_of(pivoted_factor(K, RANK, rng), K)
        ),
    }


def ridge_errors(X, y, X_test, y_test):
    """Test errors of ridge regression, over alphas."""
    alphas = np.logspace(-3, 2.5, 23)
    eigenvalues, V = np.linalg.eigh(KERNEL(X))
    projected, rotated = V.T @ y, KERNEL(X_test, X) @ V
    predictions = [rotated @ (projected / (eigenvalues + alpha)) for alpha in alphas]
    return errors(predictions, y_test)


def errors(predictions, y_test):
    """Root mean squared errors, in units of the target's standard deviation."""
    return np.sqrt(np.mean((predictions - y_test) ** 2, axis=-1)) / y_test.std()


def compare(n_rows, noise, n_draws):
    """Mean test errors along the way of every method, and the best of ridge."""
    draws, ridges = [], []
    for seed in range(n_draws):
        X, y, X_test, y_test = problem(n_rows, noise, seed)
        draws.append(
            {
                name: errors(path, y_test)
                for name, path in paths(X, y, X_test, seed).items()
            }
        )
        ridges.append(ridge_errors(X, y, X_test, y_test).min())
    curves = {
        name: np.mean([draw[name] for draw in draws], axis=0) for name in draws[0]
    }
    return curves, np.mean(ridges)


# %%
# The noise is zero, small, and larger than the signal.

results = {}
for noise in NOISES:
    curves, ridge = results[noise] = compare(options.rows, noise, options.draws)
    print(f"\nnoise {noise}: ridge, best alpha {ridge:.3f}")
    print(
        f"{'':<22} {'best':>6} {'after':>6} {'10':>6} {'30':>6} {'100':>6} {'end':>6}"
    )
    for name, curve in curves.items():
        cells = " ".join(f"{curve[i]:>6.3f}" for i in (9, 29, 99, -1))
        best = curve.argmin()
        print(f"{name:<22} {curve[best]:>6.3f} {best + 1:>6} {cells}")

# %%
# Without noise and with little noise, "flatten" and preconditioned conjugate gradients
# are as good as ridge after ten products: MSK has no advantage over conjugate
# gradients. With more noise than signal they differ. Conjugate gradients and "flatten"
# learn noise as fast as signal: no model on the path of conjugate gradients is good,
# and "flatten" has a good one after its first step only. ``Power(0.5)`` keeps the order
# of the eigenvalues. Its path has models better than the best ridge and can be stopped
# late; it takes ten times as many products.

COLORS = ("#767676", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#000000")
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for axis, noise in zip(axes, NOISES, strict=True):
    curves, ridge = results[noise]
    for (name, curve), color in zip(curves.items(), COLORS, strict=True):
        style = "--" if "CG" in name else "-"
        steps = np.arange(1, PRODUCTS + 1)
        axis.semilogx(steps, curve, style, color=color, label=name)
    axis.axhline(ridge, color="#767676", lw=1, ls=":", label="ridge, best alpha")
    axis.set_title(f"noise {noise}", fontsize=10)
    axis.set_xlabel("products with the kernel matrix")
    axis.set_ylim(0.9 * ridge, min(1.6, 1.05 * max(c.max() for c in curves.values())))
    axis.grid(alpha=0.3)
axes[0].set_ylabel("test RMSE / sd(y)")
axes[0].legend(frameon=False, fontsize=8)
figure.savefig(options.output, dpi=110)
