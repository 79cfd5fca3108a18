"""The number of steps, chosen on rows that are held out."""

import numpy as np
import pytest
from problems import blobs
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk.kernels import NTK


def circle(n=200, seed=0):
    """Two frequencies under noise as large as they are; the truth at other angles."""
    rng = np.random.RandomState(seed)

    def truth(angle):
        return np.sin(3 * angle) + np.cos(angle)

    def rows(angle):
        return np.sqrt(2) * np.column_stack([np.cos(angle), np.sin(angle)])

    angle, new = rng.uniform(0, 2 * np.pi, n), np.linspace(0, 2 * np.pi, 500)
    y = truth(angle) + rng.standard_normal(n)
    return rows(angle), y, rows(new), truth(new)


@pytest.fixture
def noisy_circle():
    return circle()


def test_scores_are_those_of_a_model_without_the_rows(noisy_circle):
    X, y = noisy_circle[:2]
    weights = np.random.RandomState(1).uniform(0.5, 2.0, len(y))
    model = MSKRegressor(early_stopping=True, max_iter=40, validation_fraction=0.2)
    model.fit(X, y, weights)
    # Rows are drawn in the order of their features.
    train, held = train_test_split(
        np.lexsort(X.T[::-1]), test_size=40, random_state=np.random.RandomState(0)
    )
    np.testing.assert_array_equal(model.validation_iterations_, np.arange(1, 41))
    for steps in (1, 7, 40):
        other = MSKRegressor(max_iter=steps).fit(X[train], y[train], weights[train])
        expected = r2_score(
            y[held], other.predict(X[held]), sample_weight=weights[held]
        )
        np.testing.assert_allclose(
            model.validation_scores_[steps - 1], expected, atol=1e-3
        )
    assert model.n_iter_ == 1 + np.argmax(model.validation_scores_)
    final = MSKRegressor(max_iter=model.n_iter_).fit(X, y, weights)
    np.testing.assert_array_equal(model.predict(X), final.predict(X))


@pytest.mark.parametrize("max_iter", [1000, np.inf])
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_harm_of_training_too_long_is_undone(max_iter, dynamics):
    """Of the error that training adds after its best step, nine tenths are avoided."""
    kernel = NTK(depth=2)
    avoided = []
    for seed in range(5):
        X, y, X_new, truth = circle(400, seed)

        def error(model, X=X, y=y, X_new=X_new, truth=truth):
            return np.mean((model.fit(X, y).predict(X_new) - truth) ** 2)

        model = MSKRegressor(kernel, k=0, max_iter=max_iter, dynamics=dynamics)
        stopped = error(clone(model).set_params(early_stopping=True))
        path = [
            error(MSKRegressor(kernel, k=0, max_iter=steps))
            for steps in (1, 3, 10, 30, 100, 300, 1000, np.inf)
        ]
        assert path[-1] > 5 * min(path)
        avoided.append((path[-1] - stopped) / (path[-1] - min(path)))
    assert np.mean(avoided) > 0.9


def test_several_targets_share_their_steps(data):
    X, Y, _ = data
    model = MSKRegressor(early_stopping=True).fit(X, Y)
    assert model.validation_scores_.shape == (100,)
    assert isinstance(model.n_iter_, int)
    assert model.predict(X).shape == Y.shape


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifier_by_accuracy(n_classes):
    X, y, _ = blobs(n_classes)
    model = MSKClassifier(early_stopping=True, validation_fraction=0.25).fit(X, y)
    scores = model.validation_scores_ * 30
    np.testing.assert_allclose(scores, np.rint(scores), atol=1e-9)
    chosen = model.validation_scores_[model.n_iter_ - 1]
    assert chosen == model.validation_scores_.max()
    final = MSKClassifier(max_iter=model.n_iter_).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), final.predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"landmarks": 30},
        {"landmarks": 30, "landmark_selection": "rpcholesky"},
        {"solver": "gd", "dynamics": "descent"},
        {"solver": "eigh"},
        {"store_trajectory": True},
        {"fit_intercept": False},
    ],
)
def test_every_mode(params, noisy_circle):
    X, y = noisy_circle[:2]
    model = MSKRegressor(early_stopping=True, max_iter=20, **params).fit(X, y)
    final = clone(model).set_params(early_stopping=False, max_iter=model.n_iter_)
    np.testing.assert_allclose(model.predict(X), final.fit(X, y).predict(X), rtol=1e-9)


def test_precomputed_kernels_are_split_both_ways(noisy_circle):
    X, y = noisy_circle[:2]
    # Rows of a matrix are drawn in their own order, rows of X in that of the features.
    order = np.lexsort(X.T[::-1])
    X, y = X[order], y[order]
    rows = MSKRegressor(NTK(), early_stopping=True).fit(X, y)
    matrix = MSKRegressor("precomputed", early_stopping=True).fit(NTK()(X), y)
    np.testing.assert_allclose(
        rows.validation_scores_, matrix.validation_scores_, atol=1e-3
    )


def test_searches_take_it(noisy_circle):
    X, y = noisy_circle[:2]
    grid = {"k": [0, 20], "max_iter": [10, 100]}
    model = MSKRegressor(early_stopping=True)
    plain = GridSearchCV(model, grid, cv=3).fit(X, y)
    search = MSKGridSearchCV(model, grid, cv=3).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


def test_deterministic_and_anew(noisy_circle):
    X, y = noisy_circle[:2]
    model = MSKRegressor(early_stopping=True)
    scores = [model.fit(X, y).validation_scores_ for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    other = clone(model).set_params(random_state=3).fit(X, y)
    assert not np.array_equal(other.validation_scores_, scores[0])
    model.set_params(early_stopping=False).fit(X, y)
    assert not hasattr(model, "validation_scores_")
    assert model.n_iter_ == 100


def test_bad_input(data):
    X, Y, _ = data
    for params, rows, message in (
        ({"validation_fraction": 0.0}, 60, "'validation_fraction' parameter"),
        ({"validation_fraction": 1.0}, 60, "'validation_fraction' parameter"),
        ({"validation_fraction": 0.99}, 60, r"leaves none to train on. .*n_samples=60"),
        ({}, 2, "n_samples=2"),
        ({"learning_rate": 2, "dynamics": "descent"}, 60, "'learning_rate'"),
    ):
        with pytest.raises(ValueError, match=message):
            MSKRegressor(early_stopping=True, **params).fit(X[:rows], Y[:rows])
    with pytest.raises(ValueError, match="partial_fit holds no rows out"):
        MSKRegressor(early_stopping=True, landmarks=9).partial_fit(X, Y)
    da = pytest.importorskip("dask.array")
    with pytest.raises(ValueError, match="holds out rows of arrays in memory"):
        MSKRegressor(early_stopping=True, landmarks=9).fit(da.from_array(X), Y)


def test_rows_of_zero_weight_are_absent(noisy_circle):
    X, y = noisy_circle[:2]
    weights = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weights > 0
    model = MSKRegressor(early_stopping=True).fit(X, y, weights)
    expected = MSKRegressor(early_stopping=True).fit(X[kept], y[kept])
    np.testing.assert_allclose(
        model.validation_scores_, expected.validation_scores_, atol=1e-9
    )
    scalar = MSKRegressor(early_stopping=True).fit(X, y, 2.0)
    plain = MSKRegressor(early_stopping=True).fit(X, y)
    np.testing.assert_allclose(scalar.validation_scores_, plain.validation_scores_)


def test_rows_held_out_that_are_all_alike():
    """R2 would be 0 at every step, and the first one best."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((120, 2)), np.full(120, 5.0)
    y[:3] = 100.0
    model = MSKRegressor(early_stopping=True).fit(X, y)
    assert len(np.unique(model.validation_scores_)) > 90


def test_scores_do_not_outlive_their_fit(noisy_circle):
    X, y = noisy_circle[:2]
    model = MSKRegressor(early_stopping=True, landmarks=20).fit(X, y)
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert not hasattr(model, "validation_scores_")


def test_three_rows_of_three_classes():
    X = np.eye(3)
    with pytest.raises(ValueError, match="holds out 2 of the 3 rows, and those"):
        MSKClassifier(early_stopping=True).fit(X, ["a", "b", "c"])
