"""MSKRegressorCV: what it chooses, its leave-one-out predictions and its intervals."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from scipy.spatial.distance import cdist, pdist
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.exceptions import FitFailedWarning, UndefinedMetricWarning
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    cross_val_score,
)

from sklearn_msk import MSKRegressorCV
from sklearn_msk._estimators._candidates import Judge
from sklearn_msk._estimators._choice import choose
from sklearn_msk._estimators._chosen_model import (
    landmark_estimator,
    rank_on_landmarks,
)
from sklearn_msk._estimators._scaling import RobustScale
from sklearn_msk._estimators._table import Table
from sklearn_msk.kernels._evaluation import evaluate_kernel

QUICK = {"kernels": ["laplacian", "rbf"], "metrics": ["none"]}


def _data(n=60, n_features=6, noise=0.5, seed=0):
    return make_friedman1(n, max(n_features, 5), noise=noise, random_state=seed)


def _dense_ridge(K, y, alpha):
    """Coefficients of kernel ridge regression of what differs from the mean, and it."""
    return np.linalg.solve(K + alpha * np.eye(len(K)), y - y.mean()), y.mean()


def _refits(model, X, y, queries):
    """Predictions of queries by the model without each row, and errors at that row."""
    Z, Q = model.best_estimator_[:-1].transform(X), model.best_estimator_[0].transform
    K, K_q = (evaluate_kernel(model.kernel_, A, Z) for A in (Z.copy(), Q(queries)))
    predictions, errors = [], []
    for i in range(len(X)):
        kept = np.arange(len(X)) != i
        coef, mean = _dense_ridge(K[np.ix_(kept, kept)], y[kept], model.alpha_)
        predictions.append(K_q[:, kept] @ coef + mean)
        errors.append(y[i] - K[i, kept] @ coef - mean)
    return np.array(predictions), np.array(errors)


class TestLeaveOneOut:
    @pytest.mark.parametrize("kernel", ["laplacian", "matern", "rbf", "ntk3_relu"])
    def test_predictions_are_those_of_refits(self, kernel):
        X, y = _data()
        model = MSKRegressorCV([kernel], metrics=["none"]).fit(X, 100.0 * y)
        _, errors = _refits(model, X, 100.0 * y, X[:2])
        np.testing.assert_allclose(
            model.loo_prediction_, 100.0 * y - errors, rtol=1e-7, atol=1e-7
        )
        np.testing.assert_allclose(model.best_score_, -np.mean(errors**2), rtol=1e-6)

    def test_intervals_are_jackknife_plus(self):
        X, y = _data(80)
        model = MSKRegressorCV(**QUICK).fit(X[:60], y[:60])
        assert model.interval_method_ == "jackknife+"
        f, e = _refits(model, X[:60], y[:60], X[60:])
        found = model.predict_interval(X[60:], confidence_level=0.8)
        rank = int(np.ceil(0.8 * 61))
        low = -np.sort(-(f - abs(e)[:, None]), axis=0)[rank - 1]
        high = np.sort(f + abs(e)[:, None], axis=0)[rank - 1]
        np.testing.assert_allclose(found, np.c_[low, high], rtol=1e-7)

    def test_errors_in_a_metric_have_not_seen_the_row(self):
        # 5 of 40 features matter: a metric that has seen a row flatters its error.
        X, y = _data(120, 40, noise=1.0)
        Q, v = _data(1000, 40, noise=1.0, seed=1)
        model = MSKRegressorCV(["rbf"], metrics=["full"]).fit(X, y)
        assert model.interval_method_ == "cross-metric leave-one-out"
        estimate = np.sqrt(np.mean((model.loo_prediction_ - y) ** 2))
        truth = np.sqrt(np.mean((model.predict(Q) - v) ** 2))
        assert 0.85 < estimate / truth < 1.3

    def test_equal_rows_are_left_out_together(self):
        X, y = _data(30)
        X, y = np.r_[X, X], np.r_[y, y]
        model = MSKRegressorCV(**QUICK).fit(X, y)
        np.testing.assert_allclose(
            model.loo_prediction_[:30], model.loo_prediction_[30:], rtol=1e-10
        )
        assert np.abs(model.loo_prediction_ - y).mean() > 0.3


class TestIntervals:
    def test_coverage(self):
        covered = []
        for seed in range(20):
            X, y = _data(100, 20, noise=1.0, seed=seed)
            Q, v = _data(200, 20, noise=1.0, seed=seed + 100)
            model = MSKRegressorCV(**{**QUICK, "metrics": ["diagonal"]}).fit(X, y)
            low, high = model.predict_interval(Q).T
            covered.append(np.mean((low <= v) & (v <= high)))
        assert 0.86 < np.mean(covered) < 0.95

    def test_too_few_rows(self):
        X, y = _data(8)
        model = MSKRegressorCV(**QUICK).fit(X, y)
        with pytest.warns(UserWarning, match=r"at least 9 rows\. Got 8"):
            assert np.isinf(model.predict_interval(X[:2])).all()
        assert np.isfinite(model.predict_interval(X[:2], confidence_level=0.8)).all()

    @pytest.mark.parametrize("level", [0, 1, 90, "high", True, np.nan])
    def test_levels(self, level):
        model = MSKRegressorCV(**QUICK).fit(*_data(20))
        with pytest.raises(ValueError, match=r"range \(0, 1\)\. Got"):
            model.predict_interval(_data(3)[0], confidence_level=level)

    def test_blocks_of_queries(self, monkeypatch):
        X, y = _data(50)
        model = MSKRegressorCV(**QUICK).fit(X, y)
        whole = model.predict_interval(X)
        one_by_one = [model.predict_interval(x[None])[0] for x in X]
        np.testing.assert_allclose(whole, one_by_one, rtol=1e-9)


class TestChoice:
    def test_features_that_matter(self):
        X, y = _data(400, 15, noise=0.3)
        model = MSKRegressorCV().fit(X, y)
        importances = model.feature_importances_
        assert importances[:5].sum() > 0.95 and importances.sum() == pytest.approx(1)
        Q, v = _data(1000, 15, noise=0.3, seed=1)
        plain = MSKRegressorCV(metrics=["none"]).fit(X, y)
        assert 1 - model.score(Q, v) < 0.5 * (1 - plain.score(Q, v))

    @pytest.mark.parametrize("kernel", ["laplacian", "matern", "rbf"])
    def test_length_scale_is_that_of_the_kernel(self, kernel):
        model = MSKRegressorCV(kernel, metrics="none").fit(*_data(50))
        scale, last = model.best_params_["length_scale"], model.best_estimator_[-1]
        if kernel == "laplacian":
            assert last.kernel_params["gamma"] == pytest.approx(1.0 / scale)
        else:
            assert model.kernel_.length_scale == pytest.approx(scale)

    def test_pipeline_and_a_fit_by_hand_predict_the_same(self):
        X, y = _data(90)
        Q, _ = _data(20, seed=1)
        model = MSKRegressorCV().fit(X, y)
        np.testing.assert_array_equal(
            model.best_estimator_.predict(Q), model.predict(Q)
        )
        A = X @ model.components_.T
        assert model.best_params_["kernel"] == "rbf"
        K, K_q = (
            evaluate_kernel(model.kernel_, B, A)
            for B in (A.copy(), Q @ model.components_.T)
        )
        coef, mean = _dense_ridge(K, y, model.alpha_)
        np.testing.assert_allclose(model.predict(Q), K_q @ coef + mean, rtol=1e-7)
        Z, trained = model.best_estimator_[0].transform(X), model.best_estimator_[-1]
        again = clone(trained).fit(Z, y).predict(model.best_estimator_[0].transform(Q))
        np.testing.assert_allclose(model.predict(Q), again, rtol=1e-6)

    def test_results(self):
        model = MSKRegressorCV().fit(*_data(60))
        results, best = model.cv_results_, model.best_index_
        assert {len(column) for column in results.values()} == {len(results["params"])}
        assert results["rank_test_score"][best] == 1
        assert results["mean_test_score"][best] == model.best_score_
        kernels = {params["kernel"] for params in results["params"]}
        assert kernels == {"laplacian", "matern", "rbf", "ntk_relu", "ntk3_relu"}
        assert (results["fit_time"] > 0).all() and not any(results["failure"])
        assert model.best_params_["alpha"] == model.alpha_

    def test_more_rows_than_are_screened(self):
        X, y = _data(900)
        X, y = X[np.argsort(y)], np.sort(y)
        model = MSKRegressorCV().fit(X, y)
        Q, v = _data(500, noise=0.0, seed=1)
        assert model.score(Q, v) > 0.98
        assert model.loo_prediction_.shape == (900,)
        again = MSKRegressorCV(random_state=3).fit(X, y)
        assert again.score(Q, v) > 0.98
        np.testing.assert_array_equal(
            again.predict(Q), clone(again).fit(X, y).predict(Q)
        )

    def test_beyond_max_rows_there_are_landmarks(self):
        X, y = _data(300)
        model = MSKRegressorCV(max_rows=150).fit(X, y)
        assert len(model.best_estimator_[-1].landmarks) == 150
        X_test, y_test = _data(500, seed=1)
        assert model.score(X_test, y_test) > 0.9
        # Their predictions without a row are those of a fit without it.
        pipeline, (n, mean) = model.best_estimator_, (len(y), y.mean())
        regressor = pipeline[-1]
        Z = pipeline[:-1].transform(X)
        for row in range(0, n, 50):
            others = np.arange(n) != row
            refit = clone(regressor).fit(Z[others], y[others])
            np.testing.assert_allclose(
                refit.predict(Z[[row]]), model.loo_prediction_[row], rtol=1e-6
            )
        assert np.abs(model.loo_prediction_ - mean).max() > 1
        assert model.interval_method_ == "leave-one-out"
        low, high = model.predict_interval(X_test).T
        assert 0.8 < np.mean((low <= y_test) & (y_test <= high)) < 0.98

    def test_beyond_max_rows_finalists_are_compared_on_landmarks(self):
        X, y = _data(700, noise=3.0)
        given = Table(X, y, None)
        judge = Judge.of(None, None, True, given)
        estimator = MSKRegressorCV(metrics="none", max_rows=60, random_state=0)
        config = estimator._config()
        choice = choose(given, judge, config, 0, lambda *_: None, of_each=True)
        assert len(choice.finalists) == 3
        ranked = rank_on_landmarks(choice.finalists[::-1], choice.rows, 60, 0)
        errors = [finalist.error for finalist in ranked]
        assert errors == sorted(errors) and errors[0] < 0.99 * errors[-1]
        for finalist in ranked:
            _, left_out = landmark_estimator(
                finalist.model, choice.rows, choice.targets, 60, 0
            )
            assert finalist.error == pytest.approx(np.mean(left_out**2), rel=1e-12)
        model = estimator.fit(X, y)
        assert model.best_index_ == ranked[0].place
        squares = (model.loo_prediction_ - y) ** 2
        assert squares.mean() / y.var() == pytest.approx(errors[0], rel=1e-6)

    def test_beyond_memory_there_are_landmarks(self, monkeypatch):
        X, y = _data(300)
        monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "1e6")
        model = MSKRegressorCV(**QUICK).fit(X, y)
        assert len(model.best_estimator_[-1].landmarks) == 300

    @pytest.mark.parametrize("n", [40, 1500])
    def test_quick_choice(self, n):
        X, y = _data(n)
        model = MSKRegressorCV(effort="quick", random_state=0).fit(X, y)
        full = MSKRegressorCV(random_state=0).fit(X, y)
        X_test, y_test = _data(1000, seed=1)
        lost, least = 1 - model.score(X_test, y_test), 1 - full.score(X_test, y_test)
        assert lost < 1.5 * least
        names = {params["kernel"] for params in model.cv_results_["params"]}
        assert names == {"laplacian", "matern", "rbf"}
        assert model.interval_method_ == "leave-one-out"
        # The model without a row, its metric held, is that of a refit.
        regressor = model.best_estimator_[-1]
        Z = model.best_estimator_[:-1].transform(X)
        others = np.arange(n) != 7
        refit = clone(regressor).fit(Z[others], y[others])
        np.testing.assert_allclose(
            refit.predict(Z[[7]]), model.loo_prediction_[7], rtol=1e-6
        )
        low, high = model.predict_interval(X_test).T
        assert 0.8 < np.mean((low <= y_test) & (y_test <= high)) <= 1

    @pytest.mark.parametrize("given", [{"cv": 3}, {"scoring": "r2"}])
    def test_quick_choice_is_by_leave_one_out(self, given):
        with pytest.raises(ValueError, match="effort='quick' chooses by leave-one-out"):
            MSKRegressorCV(effort="quick", **given).fit(*_data(50))

    def test_quick_choice_among_what_was_asked_for(self):
        X, y = _data(400)
        model = MSKRegressorCV("rbf", metrics="full", effort="quick").fit(X, y)
        assert model.best_params_["metric"] == "full"
        plain = MSKRegressorCV("rbf", max_updates=0, effort="quick").fit(X, y)
        assert plain.best_params_["n_updates"] == 0

    def test_a_metric_that_was_not_judged_has_a_larger_error(self):
        model = MSKRegressorCV().fit(*_data(80))
        results, y = model.cv_results_, _data(80)[1]
        scores, plain = results["mean_test_score"], results["leave_one_out_error"]
        judged = ~np.isnan(scores)
        least = np.sqrt(-np.nanmax(scores)) / y.std()
        updated = np.array([params["n_updates"] > 0 for params in results["params"]])
        assert 0 < np.sum(judged & updated) < 8
        assert plain[~judged].min() > least

    def test_metrics_that_cannot_be_learned(self):
        X, y = _data(40)
        model = MSKRegressorCV(["rbf"], metrics=["full"]).fit(X[:, :1], y)
        assert model.best_params_["metric"] == "none"

    def test_jobs_change_nothing(self):
        X, y = _data(60)
        one, two = (MSKRegressorCV(n_jobs=n).fit(X, y) for n in (1, 2))
        np.testing.assert_array_equal(one.predict(X), two.predict(X))

    def test_lines(self, capsys):
        MSKRegressorCV(["rbf"], verbose=1).fit(*_data(40))
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("[MSKRegressorCV] screened kernel 1 of 1, ")
        assert lines[1].startswith("[MSKRegressorCV] screened metrics of kernel 1 of 1")
        assert lines[2].startswith("[MSKRegressorCV] judged metric 1 of 8, ")
        assert lines[2].endswith(" s left")


class TestScoring:
    def test_scorer_of_leave_one_out_predictions(self):
        X, y = _data(50)
        model = MSKRegressorCV(**QUICK, scoring="neg_mean_absolute_error").fit(X, y)
        expected = -mean_absolute_error(y, model.loo_prediction_)
        assert model.best_score_ == pytest.approx(expected, rel=1e-9)

    def test_scorer_that_needs_more(self):
        with pytest.raises(ValueError, match="Pass cv, as cv=5"):
            MSKRegressorCV(**QUICK, scoring="roc_auc").fit(*_data(30))

    def test_folds(self):
        X, y = _data(80)
        folds = KFold(4, shuffle=True, random_state=0)
        model = MSKRegressorCV(["rbf"], metrics=["none"], scoring="r2", cv=folds)
        model.fit(X, y)
        assert not hasattr(model, "loo_prediction_")
        held = MSKRegressorCV(["rbf"], metrics=["none"])
        # Its folds keep the choices of the whole, these do not.
        assert model.best_score_ == pytest.approx(
            cross_val_score(held, X, y, cv=folds).mean(), abs=0.02
        )

    def test_the_scorer_decides_on_more_rows_than_are_screened(self):
        """A scorer that wants large errors gets the candidate of the largest."""
        X, y = _data(600)
        scorer = make_scorer(lambda a, b: np.mean((a - b) ** 2))
        kernels = [RBF(0.3), RBF(1.0), RBF(3.0)]
        model = MSKRegressorCV(kernels, metrics=["none"], scoring=scorer).fit(X, y)
        assert model.kernel_ == RBF(0.3)
        assert model.best_index_ == model.cv_results_["mean_test_score"].argmax()
        assert MSKRegressorCV(kernels).fit(X, y).kernel_ == RBF(3.0)

    def test_scores_of_folds_that_are_not_numbers(self):
        X, y = _data(20)
        model = MSKRegressorCV(**QUICK, cv=LeaveOneOut(), scoring="r2")
        with (
            pytest.warns(UndefinedMetricWarning),
            pytest.raises(ValueError, match=r"Every score of scoring='r2' is NaN"),
        ):
            model.fit(X, y)

    def test_masks_as_folds(self):
        X, y = _data(40)
        weights = np.r_[np.zeros(5), np.ones(35)]
        folds = list(KFold(8).split(X))
        masks = [tuple(np.isin(np.arange(40), part) for part in fold) for fold in folds]
        one, other = (
            MSKRegressorCV(**QUICK, cv=cv).fit(X, y, weights) for cv in (folds, masks)
        )
        assert one.best_score_ == other.best_score_

    def test_folds_choose_the_ridge(self):
        """Rows of a group are nearly equal: only new groups show what is wanted."""
        rng = np.random.default_rng(0)
        group = np.repeat(np.arange(40), 6)
        X = rng.normal(size=(40, 3))[group] + 0.05 * rng.normal(size=(240, 3))
        y = X[:, 0] + rng.normal(size=40)[group]
        folds = list(GroupKFold(5).split(X, y, group))
        model = MSKRegressorCV(["rbf"], metrics=["none"], cv=folds).fit(X, y)
        assert model.alpha_ > 10 * MSKRegressorCV(**QUICK).fit(X, y).alpha_
        assert model.alpha_ == model.cv_results_["params"][model.best_index_]["alpha"]
        # The score is that of the model that the folds know.
        errors, Z = [], model.best_estimator_[0]
        for train, test in folds:
            scale = RobustScale.of(X[train], standardize=True)
            A, B = scale(X[train]), scale(X[test])
            gamma = model.kernel_.length_scale
            unit = np.median(pdist(A, "sqeuclidean")) / np.median(
                pdist(Z.transform(X), "sqeuclidean")
            )
            kernel = RBF(gamma * np.sqrt(unit))
            coef, mean = _dense_ridge(
                kernel(A), y[train], model.alpha_ * len(train) / len(X)
            )
            errors.append(np.mean((kernel(B, A) @ coef + mean - y[test]) ** 2))
        assert model.best_score_ == pytest.approx(-np.mean(errors), rel=1e-6)

    def test_only_the_given_ridges_are_tried(self):
        X, y = _data(600)
        model = MSKRegressorCV(["rbf"], metrics=["none"], alphas=[1.0]).fit(X, y)
        assert model.alpha_ == pytest.approx(600 / 500)
        folded = MSKRegressorCV(["rbf"], metrics=["none"], alphas=[1.0], cv=3)
        assert folded.fit(X, y).alpha_ == pytest.approx(600 / 500)


class TestData:
    def test_units_change_nothing(self):
        X, y = _data(80)
        Q, _ = _data(20, seed=1)
        expected = MSKRegressorCV().fit(X, y).predict(Q)
        units = 10.0 ** np.array([6, -6, 0, 150, -150, 3.0])
        found = MSKRegressorCV().fit(X * units, 1e200 * y).predict(Q * units) / 1e200
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    @pytest.mark.parametrize("seed", range(4))
    def test_units_change_no_metric(self, seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(80, 4))
        y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 + 0.1 * rng.normal(size=80)
        one = MSKRegressorCV(["matern", "rbf"]).fit(X, y)
        two = MSKRegressorCV(["matern", "rbf"]).fit(X * [3.0, 1e3, 1e-5, 7.0] + 1.0, y)
        assert one.best_params_["metric"] == two.best_params_["metric"]
        assert one.best_score_ == pytest.approx(two.best_score_, rel=1e-4)
        error = np.mean((one.loo_prediction_ - y) ** 2)
        assert one.best_score_ == pytest.approx(-error, rel=1e-9)

    def test_constant_columns_are_ignored(self):
        X, y = _data(80)
        model = MSKRegressorCV(**QUICK).fit(np.c_[X, np.full(80, 1e6 / 3)], y)
        expected = MSKRegressorCV(**QUICK).fit(X, y).predict(X)
        found = model.predict(np.c_[X, np.zeros(80)])
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert model.feature_importances_[-1] == 0

    def test_far_rows(self):
        X, y = _data(200)
        Q, v = _data(500, noise=0.0, seed=1)
        X[:3] *= 1e8
        assert MSKRegressorCV().fit(X, y).score(Q, v) > 0.9

    def test_several_targets(self):
        X, y = _data(80)
        Y = np.c_[y, 1e9 * X[:, 0], -y]
        model = MSKRegressorCV(**QUICK).fit(X, Y)
        assert model.predict(X).shape == model.loo_prediction_.shape == (80, 3)
        assert model.predict_interval(X).shape == (80, 3, 2)
        np.testing.assert_allclose(model.predict(X)[:, 2], -model.predict(X)[:, 0])
        one = MSKRegressorCV(**QUICK).fit(X, Y[:, :1])
        assert one.predict(X).shape == (80, 1)

    @pytest.mark.parametrize("metrics", [["none"], ["full"]])
    def test_weights_equal_repetition(self, metrics):
        X, y = _data(50)
        weights = np.random.default_rng(0).integers(0, 4, 50)
        options = {"kernels": ["laplacian", "rbf"], "metrics": metrics}
        weighted = MSKRegressorCV(**options).fit(X, y, weights)
        repeated = MSKRegressorCV(**options).fit(
            X.repeat(weights, 0), y.repeat(weights)
        )
        np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)

    def test_size_of_weights_changes_nothing(self):
        X, y = _data(60)
        expected = MSKRegressorCV(**QUICK).fit(X, y).predict(X)
        for size in (1e-5, 1e8):
            found = MSKRegressorCV(**QUICK).fit(X, y, np.full(60, size)).predict(X)
            np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_rows_of_weight_0_have_predictions_too(self):
        X, y = _data(40)
        weights = np.r_[np.zeros(7), np.ones(33)]
        model = MSKRegressorCV(**QUICK).fit(X, y, weights)
        without = MSKRegressorCV(**QUICK).fit(X[7:], y[7:])
        np.testing.assert_allclose(model.loo_prediction_[:7], without.predict(X[:7]))
        np.testing.assert_allclose(model.loo_prediction_[7:], without.loo_prediction_)

    def test_one_weight_for_all(self):
        X, y = _data(40)
        model = MSKRegressorCV(**QUICK, scoring="r2")
        np.testing.assert_allclose(
            model.fit(X, y, 2.0).predict(X), model.fit(X, y).predict(X), rtol=1e-6
        )

    def test_rounding_is_no_spread(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 3))
        X[:, 2] = np.where(rng.random(200) < 0.2, X[:, 2], 0.0)
        y = X[:, 0] + X[:, 2] + 0.1 * rng.normal(size=200)
        plain = MSKRegressorCV(**QUICK).fit(X, y)
        X[:, 2] += 1e-13 * rng.normal(size=200)
        shaken = MSKRegressorCV(**QUICK).fit(X, y)
        assert shaken.best_score_ == pytest.approx(plain.best_score_, rel=1e-3)

    def test_units_of_several_targets_change_no_choice(self):
        X, y = _data(60)
        Y = np.c_[y, np.random.default_rng(0).normal(size=60)]
        for cv in (None, 3):
            one, other = (
                MSKRegressorCV(**QUICK, cv=cv).fit(X, Y * unit)
                for unit in ([1.0, 1.0], [1.0, 1e6])
            )
            assert one.best_index_ == other.best_index_
            assert one.best_score_ == pytest.approx(other.best_score_, rel=1e-6)
            assert one.alpha_ == other.alpha_

    def test_one_row_of_positive_weight(self):
        X, y = _data(20)
        with pytest.raises(ValueError, match=r"at least 2 rows of positive weight"):
            MSKRegressorCV().fit(X, y, np.eye(20)[0])

    @pytest.mark.filterwarnings("ignore:Intervals of")
    @pytest.mark.parametrize("n", [2, 3, 11])
    def test_few_rows(self, n):
        X, y = _data(n)
        assert np.isfinite(MSKRegressorCV().fit(X, y).predict(X)).all()

    def test_nothing_to_learn(self):
        X, y = _data(40)
        model = MSKRegressorCV().fit(X, np.full(40, 3.0))
        np.testing.assert_allclose(model.predict(X), 3.0)
        model.fit(np.ones_like(X), y)
        np.testing.assert_allclose(model.predict(X), y.mean())

    def test_what_is_no_kernel(self):
        X, y = _data(40)
        with pytest.raises(ValueError, match="must be positive semi-definite"):
            MSKRegressorCV(lambda A, B: -(A @ B.T)).fit(X, y)
        with pytest.warns(FitFailedWarning, match="positive semi-definite"):
            model = MSKRegressorCV(["rbf", lambda A, B: np.sin(A @ B.T)]).fit(X, y)
        assert model.best_params_["kernel"] == "rbf"

    def test_more_features_than_rows(self):
        X, y = _data(40, 100)
        assert MSKRegressorCV().fit(X, y).predict(X).shape == (40,)

    def test_names_of_columns(self):
        pandas = pytest.importorskip("pandas")
        X, y = _data(40)
        table = pandas.DataFrame(X, columns=list("abcdef"))
        model = MSKRegressorCV(**QUICK).fit(table, y)
        assert list(model.feature_names_in_) == list("abcdef")
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(table[list("fedcba")])
        np.testing.assert_array_equal(model.fit(X, y).predict(X), model.predict(X))
        assert not hasattr(model, "feature_names_in_")

    def test_sparse_rows(self):
        X, y = _data(60)
        X = np.where(np.median(X) < X, X, 0.0)
        dense = MSKRegressorCV(**QUICK).fit(X, y)
        sparse = MSKRegressorCV(**QUICK).fit(csr_array(X), y)
        expected = dense.predict(X)
        for rows in (X, csr_array(X), csc_array(X)):
            np.testing.assert_allclose(sparse.predict(rows), expected, rtol=1e-9)
            np.testing.assert_allclose(
                sparse.best_estimator_.predict(rows), expected, rtol=1e-9
            )
        wide = csr_array((10, 10**9))
        with pytest.raises(ValueError, match="Reduce the features, as by"):
            MSKRegressorCV(**QUICK).fit(wide, np.arange(10) % 2)

    def test_pickle(self):
        X, y = _data(40)
        model = MSKRegressorCV().fit(X, y)
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))


class TestErrors:
    @pytest.mark.parametrize(
        "options, message",
        [
            ({"kernels": ["rfb"]}, "'kernels'.* Got 'rfb' instead. Did you mean 'rbf'"),
            ({"kernels": "mattern"}, "Did you mean 'matern'"),
            ({"kernels": "RBF"}, "Did you mean 'rbf'"),
            ({"kernels": ["ntk3_rleu"]}, "Did you mean 'ntk3_relu'"),
            ({"cv": GroupKFold()}, r"cv=list\(GroupKFold\(\)\.split"),
            ({"cv": []}, "at least one fold"),
            ({"scoring": "nope"}, "scoring"),
            ({"kernels": []}, "at least one kernel"),
            ({"metrics": "full", "max_updates": 0}, "need max_updates >= 1"),
            (
                {"kernels": ["ntk_relu"], "metrics": ["full"]},
                "No candidate has a metric.*Got kernels \\['ntk_relu'\\]",
            ),
            ({"kernels": ["precomputed"]}, "Got 'precomputed'"),
            ({"metrics": ["diag"]}, "none.*diagonal.*full.* Got .'diag'"),
            ({"metrics": []}, "must be some of"),
            ({"alphas": [1.0, -1.0]}, "must be > 0. Got -1"),
            ({"alphas": []}, "'alphas' must hold at least one"),
            ({"alphas": [np.nan]}, "alphas contains NaN"),
            ({"cv": 500}, "n_splits=500"),
            ({"max_rows": 0}, "max_rows"),
        ],
    )
    def test_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            MSKRegressorCV(**options).fit(*_data(30))

    def test_kernels_that_fail_are_passed_over(self):
        def fails(A, B):
            raise RuntimeError("no such thing")

        X, y = _data(40)
        with pytest.warns(FitFailedWarning, match="1 of the kernels.*no such thing"):
            model = MSKRegressorCV([fails, "rbf"], metrics=["none"]).fit(X, y)
        assert model.best_params_["kernel"] == "rbf"
        assert "no such thing" in model.cv_results_["failure"][0]
        with pytest.raises(ValueError, match=r"No kernel can be fitted.*no such thing"):
            MSKRegressorCV([fails]).fit(X, y)

    def test_a_fit_that_fails_leaves_the_model(self):
        X, y = _data(40)
        model = MSKRegressorCV(**QUICK).fit(X, y)
        before = model.predict(X)
        with pytest.raises(ValueError, match="NaN"):
            model.fit(np.full_like(X, np.nan), y)
        np.testing.assert_array_equal(model.predict(X), before)

    def test_objects_and_functions(self):
        X, y = _data(60)
        for kernel in (RBF(2.0), lambda A, B: np.exp(-cdist(A, B))):
            model = MSKRegressorCV([kernel], metrics=["none"]).fit(X, y)
            assert model.score(X, y) > 0.7
