"""
What has a model learned, and when should training stop?
========================================================

Two displays look into a fitted `MSKRegressor`. `SpectrumDisplay` shows the eigenvalues
of the kernel matrix, the rates that g makes of them, and how much of the target lies in
each eigen-direction. `DynamicsDisplay` shows the errors along training, and how many
steps each eigen-direction takes.

The targets have noise: the training error falls with every step, the test error rises
again after some steps.
"""

# %%
# Rows on a circle, where eigen-directions are waves, in the order of their frequency.
# ``early_stopping="loo"`` chooses the number of steps by leave-one-out errors.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msk import MSKRegressor
from sklearn_msk.inspection import DynamicsDisplay, SpectrumDisplay


def waves(n_rows, seed):
    """Noisy values of two waves on a circle."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0, 2 * np.pi, n_rows)
    y = np.sin(2 * angles) + 0.5 * np.cos(7 * angles)
    y += rng.normal(scale=0.4, size=n_rows)
    return np.column_stack([np.cos(angles), np.sin(angles)]), y


X, y = waves(300, seed=0)
X_test, y_test = waves(1000, seed=1)
model = MSKRegressor(k=10, max_iter=1000, store_trajectory=True).fit(X, y)
chosen = MSKRegressor(k=10, max_iter=1000, early_stopping="loo").fit(X, y)
print(f"R2 after 1000 steps: {model.score(X_test, y_test):.3f}")
print(
    f"R2 after {chosen.n_iter_:.0f} steps, chosen: {chosen.score(X_test, y_test):.3f}"
)

# %%
# Which eigen-directions hold the target?

SpectrumDisplay.from_estimator(model, X, y, n_directions=40)
plt.show()

# %%
# How do the errors change with the number of steps?

DynamicsDisplay.from_estimator(model, X, y, X_test=X_test, y_test=y_test)
plt.show()
