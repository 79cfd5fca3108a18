"""
Which classifier, and can I trust its probabilities?
====================================================

`MSKClassifierCV` chooses kernel, metric and ridge by leave-one-out errors, and fits its
probabilities to the values at rows left out. This example compares accuracy and log
loss with those of other classifiers on three tables that scikit-learn brings along, and
shows the probabilities on two spirals.

The log loss punishes probabilities that are too sure. The last picture compares
probabilities with frequencies: on the diagonal, a tumour that is called benign with 80
% is benign in 80 of 100 cases.
"""

# %%
# Five folds each. The forest and boosting have their defaults; the support vectors get
# a search over C and gamma, and probabilities by Platt's method.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_msk import MSKClassifierCV

grid = {"svc__C": [1, 10, 100], "svc__gamma": ["scale", 0.01]}
vectors = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=3)
models = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "SVC, tuned": CalibratedClassifierCV(vectors, cv=3),
    "random forest": RandomForestClassifier(random_state=0),
    "gradient boosting": HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "MSKClassifierCV": MSKClassifierCV(),
}
tables = {
    "breast cancer": load_breast_cancer(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "iris": load_iris(return_X_y=True),
}
folds = StratifiedKFold(5, shuffle=True, random_state=0)
probabilities = {}
print(f"{'':<15} {'':<20} accuracy  log loss")
for name, (X, y) in tables.items():
    for label, model in models.items():
        found = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
        probabilities[name, label] = found
        accuracy = accuracy_score(y, found.argmax(axis=1))
        print(f"{name:<15} {label:<20} {accuracy:>8.3f} {log_loss(y, found):>9.3f}")

# %%
# Two spirals with noise, 300 points.


def spirals(n_rows, seed=0):
    """Noisy points of two spirals."""
    rng = np.random.default_rng(seed)
    angles = 1 + 2.2 * np.pi * np.sqrt(rng.random(n_rows))
    y = rng.integers(0, 2, n_rows)
    sign = 2 * y - 1
    X = np.column_stack([np.cos(angles), np.sin(angles)]) * (sign * angles)[:, None]
    return X + rng.normal(scale=0.5, size=X.shape), y


X, y = spirals(300)
model = MSKClassifierCV().fit(X, y)
reach = np.abs(X).max() + 1
line = np.linspace(-reach, reach, 150)
field = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
surface = model.predict_proba(field)[:, 1].reshape(150, 150)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
image = left.imshow(
    surface,
    origin="lower",
    extent=[-reach, reach, -reach, reach],
    cmap="RdBu",
    vmin=0,
    vmax=1,
)
for label, colour in enumerate(("#b2182b", "#2166ac")):
    left.scatter(*X[y == label].T, s=14, color=colour, edgecolor="white", lw=0.5)
left.set(title="probability of the blue class", xticks=[], yticks=[])
figure.colorbar(image, ax=left, shrink=0.8)

truth = tables["breast cancer"][1]
for label, marker in (
    ("random forest", "s"),
    ("gradient boosting", "D"),
    ("MSKClassifierCV", "o"),
):
    found = probabilities["breast cancer", label][:, 1]
    shares, means = calibration_curve(truth, found, n_bins=6, strategy="quantile")
    right.plot(means, shares, marker=marker, label=label)
right.plot([0, 1], [0, 1], color="0.7", zorder=0)
right.set(
    title="breast cancer, rows held out",
    xlabel="predicted probability of benign",
    ylabel="share that is benign",
)
right.legend()
plt.show()
