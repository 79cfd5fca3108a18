"""The number of steps, chosen by leave-one-out errors, by folds, and by given rows."""

from functools import partial

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.distance import cdist
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk._estimators._stopping import train_and_stop
from sklearn_msk._scores import RSquared, r2
from sklearn_msk._selection import distinct_rows, fold_numbers


def noisy(n=50, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.sin(2 * X[:, 0]) + 0.4 * rng.normal(size=n)


def held_models(model, X, Y, w, T):
    """Values at every row, by training without it: S and the step are the model's."""
    K, shares = np.exp(-cdist(X, X, "sqeuclidean") / X.shape[1]), w / w.sum()
    s = np.sqrt(shares)
    V, ratios = model.spectrum_.eigenvectors, model.modified_eigenvalues_
    ratios = ratios / model.spectrum_.eigenvalues
    S = np.eye(len(X)) + (V * (ratios - 1)) @ V.T
    eta, ridge = model.learning_rate_, model.alpha / w.sum()
    values = np.empty_like(Y)
    for i in range(len(X)):
        rest = np.delete(np.arange(len(X)), i)
        mean = np.average(Y[rest], axis=0, weights=w[rest])
        precondition = np.linalg.inv(np.linalg.inv(S)[np.ix_(rest, rest)])
        A = s[rest, None] * K[np.ix_(rest, rest)] * s[rest]
        b = s[rest, None] * (Y[rest] - mean)
        # The gradient and the ridge meet the same preconditioner: dc/dt = P (b - A c)
        # - ridge c, in the coordinates of the filter.
        P = precondition @ A + ridge * np.eye(len(rest))
        force = precondition @ b
        if model.dynamics == "flow":
            c = np.linalg.solve(P, force - expm(-eta * T * P) @ force)
        else:
            c = np.zeros_like(force)
            for _ in range(T):
                c += eta * (force - P @ c)
        values[i] = mean + K[i, rest] @ (s[rest, None] * c)
    return values


@pytest.mark.parametrize("dynamics", ["flow", "descent"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_scores_are_those_of_models_without_each_row(dynamics, alpha):
    X, y = noisy()
    Y = np.column_stack([y, X[:, 1] + 5.0])
    w = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    model = MSKRegressor(
        "rbf", k=5, max_iter=60, alpha=alpha, early_stopping="loo", dynamics=dynamics
    )
    model.fit(X, Y, w)
    np.testing.assert_array_equal(model.validation_iterations_, np.arange(1, 61))
    for T in (1, 5, 33, 60):
        expected = r2_score(Y, held_models(model, X, Y, w, T), sample_weight=w)
        np.testing.assert_allclose(model.validation_scores_[T - 1], expected, atol=2e-6)
    assert model.n_iter_ == 1 + np.argmax(model.validation_scores_)
    final = clone(model).set_params(early_stopping=False, max_iter=model.n_iter_)
    np.testing.assert_array_equal(model.predict(X), final.fit(X, Y, w).predict(X))


def test_scores_are_close_to_those_of_refits():
    """The preconditioner and the step that are held make a difference of percents."""
    X, y = noisy(60)
    model = MSKRegressor("rbf", k=5, early_stopping="loo").fit(X, y)
    rest = [np.delete(np.arange(60), i) for i in range(60)]
    for T in (3, 15, 100):
        plain = MSKRegressor("rbf", k=5, max_iter=T)
        values = [
            plain.fit(X[kept], y[kept]).predict(X[[i]])[0]
            for i, kept in enumerate(rest)
        ]
        score = model.validation_scores_[T - 1]
        np.testing.assert_allclose(1 - score, 1 - r2_score(y, values), rtol=0.04)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e200])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_choice_has_no_scale_and_no_offset(scale, offset):
    X, y = noisy()
    model = MSKRegressor("rbf", k=5, early_stopping="loo", max_iter=np.inf).fit(X, y)
    other = clone(model).fit(X, (y + offset) * scale)
    assert other.n_iter_ == model.n_iter_
    np.testing.assert_allclose(
        other.validation_scores_, model.validation_scores_, rtol=1e-6, atol=1e-8
    )


def test_weights_are_repetition_and_rows_of_zero_weight_are_absent():
    X, y = noisy()
    times = np.random.default_rng(2).integers(0, 3, len(y))
    copies = np.repeat(np.arange(len(y)), times)
    model = MSKRegressor("rbf", k=5, early_stopping="loo")
    weighted = clone(model).fit(X, y, times)
    repeated = clone(model).fit(X[copies], y[copies])
    np.testing.assert_allclose(
        weighted.validation_scores_, repeated.validation_scores_, atol=1e-7
    )
    assert weighted.n_iter_ == repeated.n_iter_
    huge = np.where(times == 0, 1e300, y)
    without = clone(model).fit(X, huge, times)
    np.testing.assert_allclose(
        without.validation_scores_, weighted.validation_scores_, atol=1e-7
    )
    # The copies of a row would tell its target.
    assert weighted.validation_scores_.max() < 0.9


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifier(n_classes):
    """Accuracy decides, and where it is the same the squared error of the values."""
    X, y = noisy(60)
    labels = np.array(["a", "b", "c"])[np.digitize(y, [0.0, 0.7][: n_classes - 1])]
    model = MSKClassifier("rbf", k=5, early_stopping="loo", max_iter=40).fit(X, labels)
    codes = labels[:, None] == model.classes_
    Y = (
        np.where(codes, 1.0, -1.0)[:, -1:]
        if n_classes == 2
        else np.where(codes, 1, -1.0)
    )
    scores, losses = [], []
    for T in range(1, 41):
        values = held_models(model, X, Y.astype(float), np.ones(60), T)
        found = values.argmax(1) if n_classes > 2 else (values[:, 0] > 0).astype(int)
        scores.append(accuracy_score(labels, model.classes_[found]))
        losses.append(np.mean((Y - values) ** 2))
    np.testing.assert_allclose(model.validation_scores_, scores, atol=1e-12)
    best = np.flatnonzero(np.array(scores) == max(scores))
    assert len(best) > 1
    assert model.n_iter_ == 1 + best[np.argmin(np.array(losses)[best])]


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "gd", "dynamics": "descent"},
        {"solver": "eigh"},
        {"max_iter": np.inf},
        {"max_iter": 30.5},
        {"store_trajectory": True},
        {"fit_intercept": False},
        {"k": 0},
        {"landmarks": 30},
    ],
)
@pytest.mark.parametrize("rule", ["loo", "X_val"])
def test_every_mode(params, rule):
    X, y = noisy(70)
    model = MSKRegressor("rbf", **{"k": 5, "max_iter": 20, **params})
    model.set_params(early_stopping=True if rule == "X_val" else "loo")
    held = {"X_val": X[50:], "y_val": y[50:]} if rule == "X_val" else {}
    model.fit(X[:50], y[:50], **held)
    final = clone(model).set_params(early_stopping=False, max_iter=model.n_iter_)
    np.testing.assert_allclose(
        model.predict(X), final.fit(X[:50], y[:50]).predict(X), atol=1e-3
    )


def test_landmarks_hold_rows_out():
    X, y = noisy()
    models = [
        MSKRegressor("rbf", k=5, landmarks=20, early_stopping=rule).fit(X, y)
        for rule in (True, "loo")
    ]
    np.testing.assert_array_equal(*[m.validation_scores_ for m in models])


def test_precomputed_kernels_and_float32():
    X, y = noisy()
    K = np.exp(-cdist(X, X, "sqeuclidean") / 3)
    model = MSKRegressor("rbf", k=5, early_stopping="loo").fit(X, y)
    for kernel, rows, atol in (("precomputed", K, 1e-6), ("rbf", np.float32(X), 1e-3)):
        other = clone(model).set_params(kernel=kernel).fit(rows, y)
        np.testing.assert_allclose(
            other.validation_scores_, model.validation_scores_, atol=atol
        )
    new = np.exp(-cdist(X[:9] + 0.1, X, "sqeuclidean") / 3)
    model.set_params(early_stopping=True).fit(X, y, X_val=X[:9] + 0.1, y_val=y[:9])
    other = clone(model).set_params(kernel="precomputed")
    other.fit(K, y, X_val=new, y_val=y[:9])
    np.testing.assert_allclose(
        other.validation_scores_, model.validation_scores_, atol=1e-6
    )


@pytest.fixture
def in_folds(monkeypatch):
    """Rows beyond the limit of leave-one-out."""
    monkeypatch.setattr(
        "sklearn_msk._estimators._base.train_and_stop",
        partial(train_and_stop, leave_one_out_rows=0),
    )


def test_many_rows_are_left_out_in_folds(in_folds):
    X, y = noisy(80)
    X[1], w = X[0], np.random.default_rng(1).uniform(0.5, 2.0, 80)
    model = MSKRegressor("rbf", k=5, early_stopping="loo", max_iter=30, random_state=3)
    model.fit(X, y, w)
    labels = np.append(0, np.arange(79))
    folds = fold_numbers(distinct_rows(80, w, labels), None, 3)
    assert folds[0] == folds[1] and set(np.bincount(folds)) <= {15, 16, 17}
    for T in (1, 30):
        values = np.empty(80)
        for fold in range(5):
            train, held = folds != fold, folds == fold
            plain = MSKRegressor("rbf", k=5, max_iter=T, random_state=3)
            values[held] = plain.fit(X[train], y[train], w[train]).predict(X[held])
        np.testing.assert_allclose(
            model.validation_scores_[T - 1],
            r2_score(y, values, sample_weight=w),
            atol=1e-3,
        )
    final = clone(model).set_params(early_stopping=False, max_iter=model.n_iter_)
    np.testing.assert_array_equal(model.predict(X), final.fit(X, y, w).predict(X))
    K = np.exp(-cdist(X, X, "sqeuclidean") / 3)
    matrix = clone(model).set_params(kernel="precomputed").fit(K, y, w)
    np.testing.assert_allclose(
        matrix.validation_scores_, model.validation_scores_, atol=1e-3
    )


@pytest.mark.parametrize("params", [{}, {"solver": "gd", "dynamics": "descent"}])
def test_classes_are_in_all_folds(in_folds, params):
    X, y = noisy(100)
    labels = np.where(np.arange(100) < 10, "rare", np.where(y > 0, "a", "b"))
    model = MSKClassifier("rbf", early_stopping="loo", max_iter=np.inf, **params)
    if params:
        model.set_params(max_iter=20)
    model.fit(X, labels, np.where(np.arange(100) == 99, 0.0, 1.0))
    folds = fold_numbers(distinct_rows(100), labels, None)
    assert all(np.sum(labels[folds == fold] == "rare") == 2 for fold in range(5))
    assert 0.4 < model.validation_scores_.max() < 1.0


@pytest.mark.parametrize("rule", [True, "loo"])
def test_a_class_of_zero_weight(rule):
    X, y = noisy(60)
    labels = np.digitize(y, [-0.7, 0.0])
    w = (labels > 0).astype(float)
    model = MSKClassifier("rbf", early_stopping=rule).fit(X, labels, w)
    kept = labels > 0
    expected = MSKClassifier("rbf", early_stopping=rule).fit(X[kept], labels[kept])
    np.testing.assert_allclose(
        model.validation_scores_, expected.validation_scores_, atol=0.05
    )


def test_given_rows_judge_the_path_of_one_fit():
    X, y = noisy(120)
    X, y, X_val, y_val = X[:80], y[:80], X[80:], y[80:]
    w = np.random.default_rng(1).uniform(0.5, 2.0, 40)
    w[:3], y_val[:3] = 0.0, 1e9
    model = MSKRegressor("rbf", k=5, early_stopping=True)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    path = MSKRegressor("rbf", k=5, max_iter=100, store_trajectory=True).fit(X, y)
    expected = [
        r2_score(y_val[3:], values[3:], sample_weight=w[3:])
        for values in path.staged_predict(X_val)
    ]
    np.testing.assert_allclose(model.validation_scores_, expected, atol=1e-9)
    assert model.n_iter_ == 1 + np.argmax(expected)
    assert model.n_products_ == path.n_products_


def test_given_rows_with_labels_that_are_not_there():
    X, y = noisy(100)
    labels = np.digitize(y, [0.0])
    model = MSKClassifier("rbf", early_stopping=True)
    model.fit(X[:80], labels[:80], X_val=X[80:], y_val=labels[80:])
    scores = model.validation_scores_
    unknown = labels[80:].copy()
    unknown[:4] = 7
    model.fit(X[:80], labels[:80], X_val=X[80:], y_val=unknown)
    assert scores.max() > 0.7
    assert model.validation_scores_.max() <= 16 / 20


def test_pipelines_transform_the_given_rows():
    X, y = noisy(120)
    X = X * [1e3, 1.0, 1e-3]
    with config_context(enable_metadata_routing=True):
        model = MSKRegressor("rbf", k=5, early_stopping=True)
        model.set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("model", model)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    scaler = StandardScaler().fit(X[:80])
    expected = MSKRegressor("rbf", k=5, early_stopping=True).fit(
        scaler.transform(X[:80]), y[:80], X_val=scaler.transform(X[80:]), y_val=y[80:]
    )
    np.testing.assert_array_equal(
        pipeline[-1].validation_scores_, expected.validation_scores_
    )


def test_a_splitter_says_which_rows_are_held_out():
    X, y = noisy(90)
    model = MSKRegressor("rbf", k=5, early_stopping=True)
    model.set_params(validation_fraction=TimeSeriesSplit(2)).fit(X, y)
    expected = clone(model).fit(X[:30], y[:30], X_val=X[30:60], y_val=y[30:60])
    np.testing.assert_allclose(
        model.validation_scores_, expected.validation_scores_, atol=1e-9
    )
    with pytest.raises(ValueError, match="must have rows to train on"):
        model.set_params(validation_fraction=_NoRows()).fit(X, y)


class _NoRows:
    def split(self, X, y=None, groups=None):
        yield np.arange(len(X)), np.arange(0)


@pytest.mark.parametrize("fraction", [0.3, GroupKFold(3)])
def test_groups_are_held_out_together(fraction):
    """Rows of a group are all but equal: one that is split would tell the rest."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 6)
    X = rng.normal(size=(20, 3))[groups] + 1e-3 * rng.normal(size=(120, 3))
    y, w = rng.normal(size=20)[groups], np.where(np.arange(120) % 7 == 0, 0.0, 1.0)
    model = MSKRegressor("rbf", k=5, early_stopping=True, validation_fraction=0.3)
    assert model.fit(X, y, w).validation_scores_.max() > 0.5
    model.set_params(validation_fraction=fraction).fit(X, y, w, groups=groups)
    assert model.validation_scores_.max() < 0.3
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True)
        routed = Pipeline([("model", clone(model))]).fit(X, y, groups=groups)
        search = GridSearchCV(MSKRegressor("rbf"), {"k": [5]}, cv=GroupKFold(2))
        search.fit(X, y, groups=groups)
    direct = clone(model).fit(X, y, groups=groups)
    np.testing.assert_array_equal(
        routed[-1].validation_scores_, direct.validation_scores_
    )


def test_searches_take_leave_one_out():
    X, y = noisy(60)
    model = MSKRegressor("rbf", early_stopping="loo", max_iter=50)
    search = MSKGridSearchCV(model, {"k": [0, 5]}, cv=3).fit(X, y)
    assert hasattr(search.best_estimator_, "validation_scores_")


def test_errors():
    X, y = noisy()
    held = {"X_val": X, "y_val": y}
    for rule, arguments, message in (
        (True, {"X_val": X}, "X_val needs y_val"),
        (True, {"y_val": y}, "y_val needs X_val"),
        (True, {"sample_weight_val": y}, "sample_weight_val needs X_val"),
        (False, held, "X_val goes with early_stopping=True. Got early_stopping=False"),
        ("loo", held, "X_val goes with early_stopping=True. Got early_stopping='loo'"),
        ("loo", {"groups": y}, "groups goes with early_stopping=True"),
        (True, {**held, "groups": y}, "leave one of the two out"),
        (True, {"groups": y[1:]}, "inconsistent numbers of samples"),
        (True, {"X_val": X[:, 1:], "y_val": y}, "has 2 features"),
        (True, {"X_val": X, "y_val": y[1:]}, "inconsistent numbers of samples"),
        (True, {"X_val": X, "y_val": X}, "'y_val' must have one column"),
        (True, {**held, "sample_weight_val": -1.0}, "must be non-negative"),
        (True, {"X_val": X * np.nan, "y_val": y}, "contains NaN"),
        ("cv", {}, "'early_stopping' parameter"),
    ):
        with pytest.raises(ValueError, match=message):
            MSKRegressor("rbf", early_stopping=rule).fit(X, y, **arguments)
    with pytest.raises(ValueError, match="with 1 distinct row, which leaves none"):
        MSKRegressor("rbf", early_stopping="loo").fit(X[[0, 0, 0]], y[:3])
    with pytest.raises(ValueError, match="partial_fit holds no rows out"):
        model = MSKRegressor(early_stopping="loo", landmarks=9)
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="'validation_fraction' parameter"):
        MSKRegressor(early_stopping=True, validation_fraction=[3]).fit(X, y)


def test_constant_targets_and_a_kernel_of_zeros():
    X, y = noisy()
    model = MSKRegressor("rbf", k=5, early_stopping="loo").fit(X, np.full(50, 3.0))
    np.testing.assert_array_equal(model.predict(X), 3.0)
    zero = MSKRegressor(lambda X, Z: np.zeros((len(X), len(Z))), early_stopping="loo")
    np.testing.assert_allclose(zero.fit(X, y).predict(X), y.mean())


def test_r_squared_of_many_predictions():
    rng = np.random.default_rng(0)
    Y, F, w = rng.normal(size=(3, 30, 2)) + 2.0
    Y[:, 1] = 7.0
    w = np.abs(w[:, 0])
    for y, f in ((Y[:, 0], F[:, 0]), (Y, F), (Y * 1e250, F * 1e250)):
        judge = RSquared.of(y, w)
        np.testing.assert_allclose(judge.score(f), r2(y, f, w), rtol=1e-12)
        np.testing.assert_allclose(judge.score_errors(y - f), r2(y, f, w), rtol=1e-12)
        assert judge.score(y) == 1.0
        assert np.isnan(judge.score(f * np.inf))
        assert judge.loss_errors(y - y) == 0.0


@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier])
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"landmarks": 30}])
def test_both_scores_are_printed(kind, params, capsys):
    X, y = make_friedman1(100, random_state=0)
    y = (y > 14).astype(int)
    model = kind(verbose=1, **params).fit(X, y)
    lines = [line for line in capsys.readouterr().out.splitlines() if "score" in line]
    assert lines == [
        f"[{kind.__name__}] {model.n_iter_} of 100 steps: score "
        f"{model.validation_scores_.max():.4f} at the rows left out, "
        f"{model.score(X, y):.4f} at the training rows"
    ]
