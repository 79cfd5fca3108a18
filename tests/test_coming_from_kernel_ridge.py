"""The recipe of the README for users of `KernelRidge`, on data that need no network."""

import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKRegressor, MSKRegressorCV


def nuclei():
    """Means and spreads of ten properties of cell nuclei, and the worst concavity."""
    table = load_breast_cancer(as_frame=True).data
    table = table.iloc[:300].to_numpy()
    return table[:, :20], table[:, 27]


SETS = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "nuclei": nuclei,
    "friedman1": lambda: make_friedman1(300, noise=1.0, random_state=0),
    "friedman2": lambda: make_friedman2(300, noise=50.0, random_state=0),
    "friedman3": lambda: make_friedman3(300, noise=0.1, random_state=0),
}


def score(model, name):
    """Mean R2 over three folds, of standardised targets: `KernelRidge` wants these."""
    X, y = SETS[name]()
    y = (y - y.mean()) / y.std()
    model = make_pipeline(StandardScaler(), model)
    return cross_val_score(
        model, X, y, cv=KFold(3, shuffle=True, random_state=0)
    ).mean()


@pytest.mark.parametrize("name", list(SETS))
def test_the_recipe_makes_the_model_better(name):
    after = score(MSKRegressorCV(), name)
    for alpha in (0.1, 1.0):
        assert after > score(KernelRidge(kernel="rbf", alpha=alpha), name)


def test_the_kernel_may_stay_on_diabetes():
    before = score(KernelRidge(kernel="rbf", alpha=0.1), "diabetes")
    assert score(MSKRegressor(kernel="rbf"), "diabetes") > before + 0.05
