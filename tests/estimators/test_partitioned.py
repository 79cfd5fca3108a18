"""Partitions: a global model, leaves on its residuals, and how both add up."""

import os
import pickle
from contextlib import suppress

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKRegressorCV, PartitionedClassifier, PartitionedRegressor
from sklearn_msk._estimators import _leaf_rows
from sklearn_msk._estimators._float32_rows import with_float32_rows
from sklearn_msk._estimators._leaves import LeafRows, fit_leaf, shrinkage
from sklearn_msk._estimators._out_of_fold import values_by_folds

QUICK = {"estimator": KernelRidge(kernel="rbf", gamma=2.0, alpha=0.1)}


def waves(n=1200, seed=0):
    """Rows of the plane whose targets wave quickly on one side."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    y = X[:, 1] + np.where(X[:, 0] > 0, np.sin(12 * X[:, 0]), 0.0)
    return X, y + 0.05 * rng.normal(size=n)


@pytest.fixture(scope="module")
def data():
    return waves()


@pytest.fixture(scope="module")
def model(data):
    return PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200
    ).fit(*data)


def test_prediction_is_the_global_model_and_shares_of_leaves(data, model):
    X, y = waves(200, seed=1)
    X = X.clip(-0.9, 0.9)
    shares = model._partition.shares(model._coordinates(X)).toarray()
    expected = model.global_estimator_.predict(X)
    for leaf, estimator in enumerate(model.estimators_):
        expected += shares[:, leaf] * model.shrinkages_[leaf] * estimator.predict(X)
    inside = np.ones(len(X), dtype=bool)
    for leaf, share in zip(model._leaves, shares.T, strict=True):
        inside &= ~((share > 0) & ((leaf.low > X) | (leaf.high < X)).any(axis=1))
    assert inside.sum() > 100
    np.testing.assert_allclose(model.predict(X)[inside], expected[inside], atol=1e-12)
    assert model.n_leaves_ == len(model.estimators_) == 8
    assert model.score(X, y) > 0.95 > 0.6 > model.global_estimator_.score(X, y)


def test_leaves_learn_residuals_of_rows_that_the_global_model_has_not_seen(data):
    X, y = data
    # A nearest neighbour leaves nothing of the rows that it has seen.
    nearest = KNeighborsRegressor(1)
    model = PartitionedRegressor(
        KNeighborsRegressor(1), global_estimator=nearest, leaf_size=200, overlap=0.0
    ).fit(X, y)
    residuals = y - values_by_folds(nearest, X, y, {}, lambda m, Z: m.predict(Z))
    assert residuals.std() > 0.05
    for leaf in range(model.n_leaves_):
        rows = model.apply(X) == leaf
        np.testing.assert_allclose(
            model.estimators_[leaf].predict(X[rows]), residuals[rows]
        )


def test_leave_one_out_predictions_are_taken_where_there_are_some(data):
    X, y = data
    chosen = MSKRegressorCV("rbf", metrics="none", alphas=[1.0])
    model = PartitionedRegressor(
        KNeighborsRegressor(1), global_estimator=chosen, leaf_size=200, overlap=0.0
    ).fit(X, y)
    residuals = y - clone(chosen).fit(X, y).loo_prediction_
    rows = model.apply(X) == 0
    np.testing.assert_allclose(model.estimators_[0].predict(X[rows]), residuals[rows])


def test_folds_are_drawn_at_random_and_hold_every_label():
    X, labels = np.arange(40.0)[:, None], np.repeat([0, 1], [30, 10])
    seen = []

    class Spy(LinearRegression):
        def fit(self, X, y):
            seen.append(X.ravel())
            return super().fit(X, y)

    found = values_by_folds(
        Spy(), X, 2.0 * X.ravel(), {}, lambda m, Z: m.predict(Z), strata=labels
    )
    np.testing.assert_allclose(found, 2.0 * X.ravel(), atol=1e-10)
    assert len(seen) == 5
    for rows in seen:
        assert len(rows) == 32 and (rows >= 30).sum() == 8
        # Not a block of neighbours is left out.
        assert np.diff(np.setdiff1d(X, rows)).max() > 1
    np.testing.assert_array_equal(
        np.sort(np.concatenate([np.setdiff1d(X, rows) for rows in seen])), X.ravel()
    )


def test_order_of_the_rows_changes_little():
    X, y = waves(1000)
    X_test, y_test = waves(500, seed=1)
    model = PartitionedRegressor(
        KNeighborsRegressor(), global_estimator=KNeighborsRegressor(), leaf_size=250
    )
    order = np.argsort(X[:, 0])
    scores = [
        clone(model).fit(X[rows], y[rows]).score(X_test, y_test)
        for rows in (order, np.random.default_rng(0).permutation(1000))
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_leaves_do_not_add_the_bump_that_the_global_model_has_at_a_row():
    class Bump(LinearRegression):
        """Passes through one row, as a model with a landmark there."""

        def fit(self, X, y):
            super().fit(X, y)
            self.row_, self.height_ = X[7], y[7] - super().predict(X[[7]])[0]
            self.loo_prediction_ = super().predict(X)
            return self

        def predict(self, X):
            at_row = (self.row_ == X).all(axis=1)
            return super().predict(X) + self.height_ * at_row

    X, y = waves(200)
    y[7] += 5.0
    model = PartitionedRegressor(
        KNeighborsRegressor(1), global_estimator=Bump(), overlap=0.0
    ).fit(X, y)
    left = model.estimators_[0].predict(X)
    assert left[7] == pytest.approx(0.0, abs=1e-12)
    others = np.arange(200) != 7
    expected = y - model.global_estimator_.loo_prediction_
    np.testing.assert_allclose(left[others], expected[others], atol=1e-12)


def test_corrections_are_shrunk_by_the_error_at_rows_left_out():
    rng = np.random.default_rng(0)
    r, p = rng.normal(size=(2, 50, 2))
    w = rng.uniform(size=50)
    grid = np.linspace(0, 1, 1001)
    r += 0.4 * p
    losses = [(w[:, None] * (r - c * p) ** 2).sum(axis=0) for c in grid]
    best = grid[np.argmin(losses, axis=0)]
    np.testing.assert_allclose(shrinkage(r, p, w), best, atol=1e-3)
    np.testing.assert_array_equal(shrinkage(-p, p, None), 0.0)
    np.testing.assert_array_equal(shrinkage(3 * p, p, None), 1.0)
    np.testing.assert_array_equal(shrinkage(r, 0 * p, None), 0.0)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e154, 1e300])
def test_the_scale_of_y_changes_no_factor(unit):
    X, y = waves(400)
    quick = MSKRegressorCV("rbf", metrics="none", effort="quick")
    model = PartitionedRegressor(quick, global_estimator=quick, leaf_size=150)
    expected, scaled = clone(model).fit(X, y), clone(model).fit(X, y * unit)
    np.testing.assert_allclose(scaled.shrinkages_, expected.shrinkages_, atol=1e-6)
    np.testing.assert_allclose(scaled.predict(X) / unit, expected.predict(X), atol=1e-6)


def test_constant_features_say_nothing(data, model):
    X, y = data
    constant = np.full((len(X), 1), 0.1)
    with_it = clone(model).fit(np.hstack([X, constant]), y)
    near = np.hstack([X, constant.astype(np.float32)])
    np.testing.assert_allclose(with_it.predict(near), model.predict(X), atol=1e-10)


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_a_column_of_targets(data, model):
    X, y = data
    trees = RandomForestRegressor(3, random_state=0)
    column = PartitionedRegressor(trees, global_estimator=trees, leaf_size=300)
    found = column.fit(X, y[:, None]).predict(X[:5])
    assert found.shape == (5, 1)
    flat = clone(column).fit(X, y).predict(X[:5])
    np.testing.assert_allclose(found[:, 0], flat, atol=1e-12)


@pytest.mark.parametrize("n_rows", [2, 3, 7])
def test_very_few_rows(n_rows):
    X, y = waves(n_rows)
    model = PartitionedRegressor(global_estimator=LinearRegression()).fit(X, y)
    assert model.predict(X).shape == (n_rows,)


@pytest.mark.parametrize("split", ["metric", "principal"])
def test_equal_rows_are_one_leaf(split):
    y = waves(300)[1]
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=50, split=split
    ).fit(np.ones((300, 2)), y)
    assert model.n_leaves_ == 1
    np.testing.assert_allclose(model.predict(np.ones((1, 2))), y.mean())


@pytest.mark.parametrize(
    "split",
    [
        lambda X: X[:, 0],
        lambda X: 1.0,
        lambda X: X[:5],
        lambda X: X[:, :0],
        lambda X: X * np.nan,
        lambda X: "no numbers",
    ],
)
def test_what_split_returns_is_checked(data, split):
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=100, split=split
    )
    with pytest.raises(ValueError, match="'split' must return finite numbers in the"):
        model.fit(*data)


def test_a_model_that_cannot_leave_out_a_fold_says_so():
    X, y = checkerboard(100)
    y = np.where(np.arange(100) == 0, "pos", "neg")
    model = PartitionedClassifier(global_estimator=LogisticRegression())
    with pytest.raises(ValueError, match="LogisticRegression has no leave-one-out val"):
        model.fit(X, y)


def test_leaves_add_nothing_to_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 3)), rng.normal(size=1000)
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=250
    ).fit(X, y)
    assert model.shrinkages_.max() < 0.2
    assert np.mean(model.predict(rng.normal(size=(500, 3))) ** 2) < 0.05


def test_rows_far_away_get_the_global_model(model):
    X = np.array([[1e3, 0.0], [-50.0, 70.0], [0.0, 1e300], [3.5, 0.1]])
    np.testing.assert_allclose(model.predict(X), model.global_estimator_.predict(X))
    near = np.array([[1.001, 0.1]])
    assert abs(model.predict(near) - model.global_estimator_.predict(near)) > 0.01


def test_prediction_has_no_jump(data, model):
    line = np.linspace(-1, 1, 40_001)[:, None] * [1.0, 0.3]
    leaves = np.count_nonzero(np.diff(model.apply(line)))
    assert leaves >= 3
    steps = np.abs(np.diff(model.predict(line)))
    assert steps.max() < 5e-3
    hard = clone(model).set_params(overlap=0.0).fit(*data)
    assert np.abs(np.diff(hard.predict(line))).max() > 10 * steps.max()


def test_large_tables_are_sampled(data, monkeypatch):
    X, y = data
    monkeypatch.setattr(
        "sklearn_msk._estimators._partitioned.PARTITION_SAMPLE_ROWS", 300
    )
    monkeypatch.setattr("sklearn_msk._estimators._leaf_rows.PARTITION_BLOCK_ROWS", 250)
    monkeypatch.setattr("sklearn_msk._estimators._partitioned.PARTITION_BLOCK_ROWS", 77)
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200, max_global_rows=100
    ).fit(X, y)
    assert model.n_leaves_ == 8
    sizes = np.bincount(model.apply(X))
    assert sizes.sum() == 1200 and sizes.min() > 90
    assert model.score(*waves(300, seed=1)) > 0.95


def test_global_model_sees_as_many_rows_as_asked():
    class Counting(LinearRegression):
        def fit(self, X, y):
            self.n_rows_ = len(X)
            return super().fit(X, y)

    X, y = waves(600)
    model = PartitionedRegressor(
        **QUICK, global_estimator=Counting(), max_global_rows=100
    ).fit(X, y)
    assert model.global_estimator_.n_rows_ == 100


def first_feature(X):
    return X[:, :1]


@pytest.mark.parametrize("split", ["linear", "metric", "principal", first_feature])
def test_splits(data, split):
    X, y = data
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200, split=split
    ).fit(X, y)
    assert model.split_ == split
    assert np.bincount(model.apply(X)).max() <= 200
    X_test, y_test = waves(300, seed=1)
    score = model.score(X_test, y_test)
    assert score > 0.8 > 0.6 > model.global_estimator_.score(X_test, y_test)
    if callable(split):
        # Leaves are slices of the first feature.
        order = model.apply(X)[np.argsort(X[:, 0])]
        assert np.count_nonzero(np.diff(order)) == model.n_leaves_ - 1


def test_the_data_choose_the_splits():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (3000, 3))
    slopes = rng.normal(size=16)
    # A slope for each slice of the third feature; y does not change along it.
    sliced = X[:, 0] * slopes[np.floor(8 * (X[:, 2] + 1)).astype(int)]
    # A wave along one direction, which no feature is.
    wave = np.sin(20 * (X[:, 0] + X[:, 1]))
    for y, expected in ((sliced, "linear"), (wave, "metric")):
        params = {"global_estimator": LinearRegression(), "leaf_size": 100}
        chosen = PartitionedRegressor(**QUICK, **params).fit(X, y)
        assert chosen.split_ == expected
        error = np.mean([leaf.error**2 for leaf in chosen._leaves])
        for split in ("linear", "metric"):
            other = PartitionedRegressor(**QUICK, **params, split=split).fit(X, y)
            assert other.split_ == split
            least = np.mean([leaf.error**2 for leaf in other._leaves])
            assert error < 1.01 * least


def test_blocks_without_a_row_of_a_probe(data, monkeypatch):
    X, y = data
    order = np.argsort(X[:, 0])
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=40
    )
    expected = clone(model).fit(X[order], y[order])
    monkeypatch.setattr(_leaf_rows, "PARTITION_BLOCK_ROWS", 20)
    found = clone(model).fit(X[order], y[order])
    np.testing.assert_allclose(found.predict(X), expected.predict(X), atol=1e-10)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_few_leaves_follow_the_metric(data, n_jobs):
    X, y = data
    params = {**QUICK, "global_estimator": LinearRegression(), "leaf_size": 200}
    auto = PartitionedRegressor(**params, n_jobs=n_jobs).fit(X, y)
    metric = PartitionedRegressor(**params, split="metric").fit(X, y)
    assert auto.split_ == "metric"
    np.testing.assert_array_equal(auto.predict(X), metric.predict(X))
    one = PartitionedRegressor(**QUICK, global_estimator=LinearRegression())
    assert one.fit(X, y).split_ == "principal" and one.n_leaves_ == 1


def test_leaves_hold_float32_rows_where_predictions_stay(data):
    X, y = data
    quick = MSKRegressorCV("laplacian", metrics="none", effort="quick")
    model = PartitionedRegressor(
        quick, global_estimator=LinearRegression(), leaf_size=300
    ).fit(X, y)
    residuals = y - model.global_estimator_.predict(X)
    for leaf, estimator in enumerate(model.estimators_):
        assert estimator.best_estimator_[-1].X_fit_.dtype == np.float32
        rows = model.apply(X) == leaf
        left_out = estimator.loo_prediction_
        assert left_out.dtype == np.float64
        size = residuals[rows].std()
        whole = clone(quick).fit(X[rows], residuals[rows])
        short = with_float32_rows(whole, X[rows], size)
        assert short is not whole
        change = np.abs(short.predict(X[rows]) - whole.predict(X[rows]))
        assert 0 < change.max() < 1e-4 * size
        assert whole.best_estimator_[-1].X_fit_.dtype == np.float64
        # Less than the rounding is not allowed.
        assert with_float32_rows(whole, X[rows], 1e-12 * size) is whole
    assert with_float32_rows(LinearRegression(), X, 1.0).get_params()


def test_rows_beyond_float32_stay(data):
    X, y = data
    whole = MSKRegressorCV(
        "laplacian", metrics="none", effort="quick", standardize=False
    ).fit(1e40 * X[:200], y[:200])
    assert with_float32_rows(whole, 1e40 * X[:200], 1.0) is whole


def unlike_noise(n, seed):
    """A straight line whose noise is ten times as large on the right."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return X, X[:, 0] + rng.normal(size=n) * np.where(X[:, 0] > 0, 1.0, 0.1)


def test_intervals_hold_the_targets_and_follow_the_noise():
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=250, overlap=0.02
    ).fit(*unlike_noise(4000, 0))
    X, y = unlike_noise(4000, 1)
    for level in (0.5, 0.9):
        low, high = model.predict_interval(X, level).T
        np.testing.assert_allclose((low + high) / 2, model.predict(X), atol=1e-12)
        inside = (low <= y) & (y <= high)
        for side in (X[:, 0] < -0.2, X[:, 0] > 0.2):
            assert inside[side].mean() == pytest.approx(level, abs=0.03)
    narrow, wide = ((high - low)[side].mean() for side in (X[:, 0] < 0, X[:, 0] > 0))
    assert wide > 5 * narrow


def test_widths_are_quantiles_of_errors_at_rows_left_out(data):
    X, y = data
    model = PartitionedRegressor(
        MSKRegressorCV("rbf", metrics="none"),
        global_estimator=LinearRegression(),
        leaf_size=300,
        overlap=0.0,
    ).fit(X, y)
    left_out = y - values_by_folds(
        LinearRegression(), X, y, {}, lambda m, Z: m.predict(Z)
    )
    low, high = model.predict_interval(X, 0.8).T
    for leaf, estimator in enumerate(model.estimators_):
        rows = model.apply(X) == leaf
        correction = model.shrinkages_[leaf] * estimator.loo_prediction_
        rank = int(np.ceil(0.8 * (rows.sum() + 1)))
        half = np.sort(np.abs(left_out[rows] - correction))[rank - 1]
        np.testing.assert_allclose((high - low)[rows], 2 * half, rtol=1e-6)
    # Far away, the global model predicts, with its errors.
    far = model.predict_interval([[50.0, 50.0]], 0.8)[0]
    leaf = model.apply([[50.0, 50.0]])[0]
    size = np.sort(np.abs(left_out[model.apply(X) == leaf]))
    half = size[int(np.ceil(0.8 * (len(size) + 1))) - 1]
    assert far[1] - far[0] == pytest.approx(2 * half, rel=1e-6)
    assert far.mean() == model.global_estimator_.predict([[50.0, 50.0]])[0]


def test_intervals_of_several_targets(data):
    X, y = data
    several = np.column_stack([y, 1e3 * y, 1e-60 * y])
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=300
    ).fit(X, several)
    found = model.predict_interval(X[:7])
    assert found.shape == (7, 3, 2)
    for i, unit in ((1, 1e3), (2, 1e-60)):
        np.testing.assert_allclose(found[:, i] / unit, found[:, 0], atol=1e-6)
    one = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=300
    ).fit(X, y)
    np.testing.assert_allclose(one.predict_interval(X[:7]), found[:, 0], atol=1e-6)


def test_intervals_of_few_rows_and_levels(data):
    X, y = data
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=30
    ).fit(X, y)
    # A leaf of 30 rows does not know its .99 quantile; all leaves together do.
    width = np.diff(model.predict_interval(X, 0.99))
    assert np.isfinite(width).all() and width.min() > 0
    with pytest.warns(UserWarning, match="need at least 999999 rows. Got"):
        assert np.isinf(model.predict_interval(X[:3], 0.999999)).all()
    for level in (0, 1.0, True, "wide"):
        with pytest.raises(ValueError, match="The 'confidence_level' must be a float"):
            model.predict_interval(X, level)


def test_weights_are_repetition():
    X, y = waves(300)
    w = np.random.default_rng(1).integers(0, 3, 300)
    params = {"leaf_size": 60, "random_state": 0, **QUICK}
    params["global_estimator"] = MSKRegressorCV("rbf", metrics="none")
    params["estimator"] = MSKRegressorCV("rbf", metrics="none")
    weighted = PartitionedRegressor(**params).fit(X, y, sample_weight=w)
    repeated = PartitionedRegressor(**params).fit(np.repeat(X, w, 0), np.repeat(y, w))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)
    plain = PartitionedRegressor(**params).fit(X, y)
    assert np.abs(weighted.predict(X) - plain.predict(X)).max() > 0.01


def test_weights_need_estimators_that_take_them(data):
    X, y = data
    model = PartitionedRegressor(KNeighborsRegressor(), leaf_size=200)
    with pytest.raises(
        ValueError, match="'estimator' KNeighborsRegressor takes no samp"
    ):
        model.fit(X, y, sample_weight=np.ones(len(X)))


def test_several_targets(data):
    X, y = data
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200
    )
    both = model.fit(X, Y).predict(X[:50])
    assert both.shape == (50, 3) and model.shrinkages_.shape == (8, 3)
    X_test, y_test = waves(300, seed=1)
    assert (
        model.score(X_test, np.column_stack([y_test, -2 * y_test, X_test[:, 0]])) > 0.95
    )


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_results_do_not_depend_on_jobs(data, model, backend):
    with parallel_config(backend=backend):
        jobs = clone(model).set_params(n_jobs=2).fit(*data)
        found = jobs.predict(data[0])
    np.testing.assert_allclose(found, model.predict(data[0]), atol=1e-10)


def test_memory_maps(data, model, tmp_path):
    X, y = data
    path = tmp_path / "rows.npy"
    np.save(path, X)
    mapped = clone(model).fit(np.load(path, mmap_mode="r"), y)
    np.testing.assert_array_equal(mapped.predict(X), model.predict(X))
    again = pickle.loads(pickle.dumps(mapped))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


class Failing(RegressorMixin, BaseEstimator):
    """Regressor that fails, or is interrupted, on rows of one side."""

    def __init__(self, error=ValueError):
        self.error = error

    def fit(self, X, y):
        if X[:, 0].mean() > 0.5:
            raise self.error("no such side")
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_leaf_that_fails_leaves_the_model_as_it_was(data, error):
    X, y = data
    model = PartitionedRegressor(
        Failing(), global_estimator=LinearRegression(), leaf_size=300, split="principal"
    ).fit(X - [1.0, 0.0], y)
    before = {name: id(value) for name, value in vars(model).items()}
    model.set_params(estimator__error=error)
    before["estimator"] = id(model.estimator)
    match = (
        None if error is KeyboardInterrupt else r"leaf \d.*rows.*ValueError: no such"
    )
    with pytest.raises(RuntimeError if match else KeyboardInterrupt, match=match):
        model.fit(X, y)
    assert {name: id(value) for name, value in vars(model).items()} == before


def test_few_rows_are_left_to_the_global_model():
    X, y = waves(8)
    model = PartitionedRegressor(**QUICK, global_estimator=LinearRegression()).fit(X, y)
    assert model.estimators_ == [None]
    np.testing.assert_allclose(model.predict(X), model.global_estimator_.predict(X))
    leaf = fit_leaf(0, LinearRegression(), LeafRows(X, np.zeros((8, 2)), {}))
    assert leaf.shrinkage.shape == (2,)


def test_leaves_of_too_few_rows_are_told():
    X, y = waves(100)
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=9, overlap=0.0
    )
    with pytest.warns(UserWarning, match="16 of 16 leaves have less than 10"):
        model.fit(X, y)
    np.testing.assert_allclose(model.predict(X), model.global_estimator_.predict(X))


def test_metadata_go_to_both_estimators(data):
    import sklearn

    class Grouped(LinearRegression):
        def fit(self, X, y, sample_weight=None, *, groups=None):
            self.groups_ = groups
            return super().fit(X, y, sample_weight)

    X, y = data
    grouped = Grouped()
    with sklearn.config_context(enable_metadata_routing=True):
        grouped.set_fit_request(groups=True, sample_weight=True)
        model = PartitionedRegressor(
            grouped, global_estimator=clone(grouped), leaf_size=200, overlap=0.0
        )
        model.fit(X, y, sample_weight=np.ones(1200), groups=np.arange(1200))
        np.testing.assert_array_equal(model.global_estimator_.groups_, np.arange(1200))
        rows = np.flatnonzero(model.apply(X) == 2)
        np.testing.assert_array_equal(model.estimators_[2].groups_, rows)
        default = PartitionedRegressor(leaf_size=1200)
        default.fit(X[:100], y[:100], sample_weight=np.ones(100))


def test_progress_is_told(data, capsys):
    PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=300, verbose=1
    ).fit(*data)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[PartitionedRegressor] fitted the global model"
    assert lines[-1] == "[PartitionedRegressor] fitted leaf 4 of 4"


def test_defaults_are_ahead_of_boosting():
    X, y = make_friedman1(6000, n_features=8, noise=0.5, random_state=0)
    X_train, y_train, X_test, y_test = X[:5000], y[:5000], X[5000:], y[5000:]
    model = PartitionedRegressor(leaf_size=1000, random_state=0).fit(X_train, y_train)
    trees = HistGradientBoostingRegressor(random_state=0).fit(X_train, y_train)
    error = np.mean((model.predict(X_test) - y_test) ** 2)
    assert error < 0.28 < np.mean((trees.predict(X_test) - y_test) ** 2)


def checkerboard(n, seed=0, names=("a", "b", "c")):
    """Rows of the plane, whose squares have three labels."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 4, (n, 2))
    return X, np.array(names)[(np.floor(X).sum(axis=1) % len(names)).astype(int)]


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c"), (0, 1, 2)])
def test_classes(names):
    X, y = checkerboard(2000, names=names)
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    model = PartitionedClassifier(global_estimator=linear, leaf_size=400).fit(X, y)
    X_test, y_test = checkerboard(500, seed=1, names=names)
    assert (
        model.score(X_test, y_test)
        > 0.85
        > model.global_estimator_.score(X_test, y_test)
    )
    P = model.predict_proba(X_test)
    np.testing.assert_array_equal(model.classes_, sorted(names))
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    assert P.min() > 0 and P.max() < 1
    np.testing.assert_array_equal(
        model.predict(X_test), model.classes_[P.argmax(axis=1)]
    )
    shape = (model.n_leaves_,) if len(names) == 2 else (model.n_leaves_, 3)
    assert model.shrinkages_.shape == shape


def test_rare_classes_reach_the_global_model():
    X, y = checkerboard(1000)
    y = y.astype("U4")
    y[7] = "rare"
    model = PartitionedClassifier(
        **QUICK, max_global_rows=200, leaf_size=300, random_state=0
    ).fit(X, y)
    assert list(model.global_estimator_.classes_) == ["a", "b", "c", "rare"]
    assert model.predict_proba(X[:5]).shape == (5, 4)


def test_one_class_is_refused():
    X, y = checkerboard(100)
    with pytest.raises(
        ValueError, match="PartitionedClassifier needs at least 2 classes"
    ):
        PartitionedClassifier().fit(X, np.zeros(100))
    with pytest.raises(ValueError, match="at least 2 classes"):
        PartitionedClassifier().fit(X, y, sample_weight=(y == "a").astype(float))


@pytest.fixture(scope="module")
def array():
    return pytest.importorskip("dask.array")


def test_dask_arrays_give_the_model_of_the_rows(array, data):
    X, y = data
    w = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    model = PartitionedRegressor(
        KernelRidge(kernel="rbf", gamma=2.0, alpha=0.1),
        global_estimator=LinearRegression(),
        leaf_size=200,
        max_global_rows=700,
    )
    expected = clone(model).fit(X, y, sample_weight=w)
    lazy = array.from_array(X, chunks=(170, 1))
    for targets, weights in (
        (y, w),
        (array.from_array(y, chunks=100), array.from_array(w, chunks=300)),
    ):
        found = clone(model).fit(lazy, targets, sample_weight=weights)
        np.testing.assert_allclose(found.predict(X), expected.predict(X), atol=1e-10)
        assert found.n_leaves_ == expected.n_leaves_ == 8
    predicted = found.predict(lazy)
    assert isinstance(predicted, array.Array)
    np.testing.assert_allclose(predicted.compute(), expected.predict(X), atol=1e-10)


def test_dask_arrays_choose_the_splits_of_the_rows(array, data):
    X, y = data
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=60
    )
    expected = clone(model).fit(X, y)
    found = clone(model).fit(array.from_array(X, chunks=(170, 1)), y)
    assert found.n_leaves_ == expected.n_leaves_ > 16
    # Sorted: some chunks have no row of any probe.
    order = np.argsort(X[:, 0])
    lazy = array.from_array(X[order], chunks=(20, 2))
    found_sorted = clone(model).fit(lazy, y[order])
    expected_sorted = clone(model).fit(X[order], y[order])
    np.testing.assert_allclose(
        found_sorted.predict(X), expected_sorted.predict(X), atol=1e-10
    )
    assert found.split_ == expected.split_
    np.testing.assert_allclose(found.predict(X), expected.predict(X), atol=1e-10)


def test_intervals_of_dask_arrays(array, data):
    X, y = data
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=300
    ).fit(X, y)
    lazy = array.from_array(X, chunks=(500, 2))
    found = model.predict_interval(lazy)
    assert found.shape == (len(X), 2)
    np.testing.assert_allclose(found.compute(), model.predict_interval(X))
    several = clone(model).fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="takes dask arrays for one target"):
        several.predict_interval(lazy)


def test_dask_arrays_of_whole_numbers(array, data):
    X, y = data
    whole = np.rint(10 * y).astype(int)
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200
    )
    expected = clone(model).fit(X, whole).predict(X)
    for targets in (whole, array.from_array(whole, chunks=100)):
        lazy = clone(model).fit(array.from_array(X, chunks=(300, 2)), targets)
        np.testing.assert_allclose(lazy.predict(X), expected, atol=1e-10)


def test_dask_arrays_with_classes(array):
    X, y = checkerboard(900)
    model = PartitionedClassifier(
        **QUICK, global_estimator=LogisticRegression(), leaf_size=200
    )
    expected = clone(model).fit(X, y).predict_proba(X)
    lazy = array.from_array(X, chunks=(200, 2))
    found = clone(model).fit(lazy, array.from_array(y, chunks=150))
    np.testing.assert_allclose(found.predict_proba(X), expected, atol=1e-10)
    np.testing.assert_allclose(
        found.predict_proba(lazy).compute(), expected, atol=1e-10
    )
    np.testing.assert_array_equal(found.predict(lazy).compute(), found.predict(X))


def test_dask_rows_that_are_not_finite(array, data):
    X, y = data
    X = X.copy()
    X[1100, 0] = np.nan
    model = PartitionedRegressor(
        **QUICK, global_estimator=LinearRegression(), leaf_size=200, max_global_rows=20
    )
    with pytest.raises(ValueError, match="NaN"):
        model.fit(array.from_array(X, chunks=(300, 2)), y)


@pytest.mark.parametrize("name", ["PartitionedRegressor", "PartitionedClassifier"])
@pytest.mark.parametrize("n_rows", [0, 1])
def test_errors_of_dask_arrays_name_the_estimator(array, data, name, n_rows):
    X, labels = data[0], (data[1] > 0).astype(int)
    model = {
        "PartitionedRegressor": PartitionedRegressor(),
        "PartitionedClassifier": PartitionedClassifier(),
    }[name]
    few = array.from_array(X[:n_rows]), array.from_array(labels[:n_rows])
    with pytest.raises(ValueError, match=f"minimum of 2 is required by {name}"):
        model.fit(*few)
    with pytest.raises(ValueError, match=f"minimum of 1 is required by {name}"):
        model.fit(array.from_array(X[:, :0]), array.from_array(labels))


def test_dask_arrays_of_other_arrays_are_refused(array, data):
    from scipy.sparse import csr_array

    X, y = data
    sparse = array.from_array(X, chunks=(300, 2)).map_blocks(csr_array)
    with pytest.raises(ValueError, match=r"X must be a dask array of numpy\.ndarray"):
        PartitionedRegressor(**QUICK, global_estimator=LinearRegression()).fit(
            sparse, y
        )


def test_metadata_beside_dask_arrays_are_arrays(array, data):
    import sklearn

    class Grouped(LinearRegression):
        def fit(self, X, y, groups):
            assert len(groups) == len(X)
            return super().fit(X, y)

    X, y = data
    groups = np.arange(len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        grouped = Grouped().set_fit_request(groups=True)
        model = PartitionedRegressor(grouped, global_estimator=grouped, leaf_size=200)
        lazy = array.from_array(X, chunks=(300, 2))
        model.fit(lazy, y, groups=groups)
        for wrong in (groups.tolist(), array.from_array(groups), groups[:5]):
            with pytest.raises(ValueError, match="metadata 'groups' must be a numpy"):
                clone(model).fit(lazy, y, groups=wrong)


class Deadly(RegressorMixin, BaseEstimator):
    """Regressor that kills the worker that fits it, the first time."""

    def __init__(self, mark=None):
        self.mark = mark

    def fit(self, X, y):
        with suppress(FileExistsError), open(self.mark, "x"):
            os._exit(1)
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


@pytest.mark.slow
def test_a_worker_that_dies_half_way(array, data, tmp_path):
    distributed = pytest.importorskip("distributed")
    X, y = data
    mark = tmp_path / "died"
    model = PartitionedRegressor(
        Deadly(str(mark)), global_estimator=LinearRegression(), leaf_size=100
    )
    mark.touch()
    expected = clone(model).fit(X, y).predict(X)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1) as cluster,
        distributed.Client(cluster),
    ):
        mark.unlink()
        with parallel_config(backend="dask"):
            by_joblib = clone(model).set_params(n_jobs=2).fit(X, y)
        assert mark.exists()
        mark.unlink()
        by_chunks = clone(model).fit(array.from_array(X, chunks=(300, 2)), y)
        assert mark.exists()
    for found in (by_joblib, by_chunks):
        np.testing.assert_allclose(found.predict(X), expected, atol=1e-10)


def test_parallel_is_from_joblib():
    # What the tests above configure is what the leaves run on.
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]
