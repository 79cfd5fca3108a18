"""MSKClassifierCV: its values at rows left out, its probabilities and its choice."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import accuracy_score, log_loss, make_scorer
from sklearn.model_selection import GroupKFold, StratifiedKFold

from sklearn_msk import MSKClassifierCV
from sklearn_msk.kernels._evaluation import evaluate_kernel

ONE = {"kernels": ["rbf"], "metrics": ["none"]}
QUICK = {"kernels": ["laplacian", "ntk_relu"], "metrics": ["none"]}


def _data(n=120, n_classes=3, seed=0):
    return make_classification(
        n,
        n_features=6,
        n_informative=4,
        n_classes=n_classes,
        class_sep=0.8,
        flip_y=0.1,
        random_state=seed,
    )


def _refitted_values(member, X, signs):
    """Values of a member of the mean at every row, by refits without the row."""
    Z, last = member[0].transform(X), member[-1]
    K, values = evaluate_kernel(last.kernel_, Z.copy()), []
    for i in range(len(X)):
        kept = np.arange(len(X)) != i
        mean = signs[kept].mean(axis=0)
        ridge = KernelRidge(kernel="precomputed", alpha=last.alpha)
        ridge.fit(K[np.ix_(kept, kept)], signs[kept] - mean)
        values.append(ridge.predict(K[i, kept][None])[0] + mean)
    return np.array(values)


class TestLeaveOneOut:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_log_odds_are_those_of_refits(self, n_classes):
        X, y = _data(60, n_classes)
        model = MSKClassifierCV(["laplacian", "rbf"], metrics=["none"]).fit(X, y)
        signs = np.where(y[:, None] == model.classes_, 1.0, -1.0)
        signs = signs[:, 1] if n_classes == 2 else signs
        values = [_refitted_values(m, X, signs) for m in model.estimators_]
        mean = model.best_estimator_
        assert len(values) == 3
        np.testing.assert_allclose(
            model.loo_decision_function_,
            mean.slope * np.mean(values, axis=0) + mean.shifts,
            rtol=1e-6,
            atol=1e-6,
        )
        squares = np.mean((signs - values[0]) ** 2)
        assert model.best_score_ == pytest.approx(-squares, rel=1e-6)

    def test_errors_in_a_metric_have_not_seen_the_row(self):
        X, y = _data(150, 2)
        noise = np.random.default_rng(0).normal(size=(150, 30))
        model = MSKClassifierCV(["rbf"], metrics=["full"]).fit(np.c_[X, noise], y)
        seen = np.mean(model.predict(np.c_[X, noise]) == y)
        left_out = np.mean((model.loo_decision_function_ > 0) == y)
        assert seen > left_out + 0.03


class TestProbabilities:
    def test_they_follow_from_the_log_odds(self):
        for n_classes in (2, 3):
            X, y = _data(n_classes=n_classes)
            model = MSKClassifierCV(**QUICK).fit(X, y)
            odds, p = model.decision_function(X), model.predict_proba(X)
            if n_classes == 2:
                odds = np.c_[np.zeros(len(X)), odds]
            expected = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
            np.testing.assert_allclose(p, expected, rtol=1e-12)
            np.testing.assert_array_equal(
                model.predict(X), model.classes_[p.argmax(axis=1)]
            )

    def test_they_are_as_good_as_those_of_folds(self):
        losses = []
        for seed in range(4):
            X, y = _data(700, 3, seed)
            model = MSKClassifierCV(**QUICK).fit(X[:300], y[:300])
            folds = CalibratedClassifierCV(MSKClassifierCV(**QUICK), ensemble=False)
            folds.fit(X[:300], y[:300])
            losses.append(
                [log_loss(y[300:], m.predict_proba(X[300:])) for m in (model, folds)]
            )
        ours, theirs = np.mean(losses, axis=0)
        assert ours < 1.02 * theirs

    def test_they_are_calibrated(self):
        X, y = _data(3000, 2)
        model = MSKClassifierCV(**QUICK).fit(X[:500], y[:500])
        p = model.predict_proba(X[500:])[:, 1]
        order = np.argsort(p)
        for part in np.array_split(order, 5):
            assert p[part].mean() == pytest.approx(y[500:][part].mean(), abs=0.08)

    def test_classes_that_are_parted_are_not_certain(self):
        X = np.r_[np.zeros((20, 2)), np.ones((20, 2))]
        X += 0.01 * np.random.default_rng(0).normal(size=X.shape)
        model = MSKClassifierCV(**QUICK).fit(X, np.repeat(["a", "b"], 20))
        p = model.predict_proba(X)
        assert 0.9 < p[0, 0] < 0.9999 and 0.9 < p[-1, 1] < 0.9999


class TestChoice:
    def test_features_that_matter(self):
        X, y = _data(700, 3)
        noise = np.random.default_rng(0).normal(size=(700, 20))
        X = np.c_[X[:, :4], noise]
        model = MSKClassifierCV().fit(X[:300], y[:300])
        plain = MSKClassifierCV(metrics=["none"]).fit(X[:300], y[:300])
        assert model.best_params_["metric"] == "diagonal"
        assert model.feature_importances_[:4].sum() > 0.8
        gain = model.score(X[300:], y[300:]) - plain.score(X[300:], y[300:])
        assert gain > 0.05

    def test_scores_of_raw_tables(self):
        for load, least in ((load_iris, 0.93), (load_breast_cancer, 0.95)):
            X, y = load(return_X_y=True)
            train = np.random.default_rng(0).permutation(len(X)) < len(X) // 2
            model = MSKClassifierCV().fit(X[train], y[train])
            assert model.score(X[~train], y[~train]) > least

    def test_results(self):
        model = MSKClassifierCV(**QUICK).fit(*_data())
        results, best = model.cv_results_, model.best_index_
        assert len(results["params"]) == 6  # two kernels of three length scales
        assert results["rank_test_score"][best] == 1
        assert results["mean_test_score"][best] == model.best_score_
        assert model.best_params_["alpha"] == model.alpha_
        assert model.estimators_[0][-1].kernel_ == model.kernel_

    def test_a_refit_of_the_members_predicts_the_same(self):
        X, y = _data()
        model = MSKClassifierCV(**QUICK).fit(X, y)
        again = clone(model.best_estimator_).fit(X, y)
        np.testing.assert_allclose(
            again.decision_function(X), model.decision_function(X), rtol=1e-6, atol=1e-7
        )

    def test_more_rows_than_are_screened(self):
        X, y = _data(900, 3)
        model = MSKClassifierCV(**QUICK).fit(X[:700], y[:700])
        assert model.loo_decision_function_.shape == (700, 3)
        left_out = model.classes_[model.loo_decision_function_.argmax(axis=1)]
        expected = model.score(X[700:], y[700:])
        assert np.mean(left_out == y[:700]) == pytest.approx(expected, abs=0.08)

    def test_beyond_max_rows_there_are_landmarks(self):
        X, y = _data(400, 3)
        model = MSKClassifierCV(**QUICK, max_rows=100).fit(X[:300], y[:300])
        assert len(model.estimators_[0][-1].landmarks) == 100
        left_out = model.classes_[model.loo_decision_function_.argmax(axis=1)]
        expected = model.score(X[300:], y[300:])
        assert np.mean(left_out == y[:300]) == pytest.approx(expected, abs=0.1)
        exact = MSKClassifierCV(**QUICK).fit(X[:300], y[:300])
        assert model.score(X[300:], y[300:]) > exact.score(X[300:], y[300:]) - 0.05

    def test_kernels_that_cannot_be_fitted(self):
        def broken(x, z):
            raise RuntimeError("no kernel today")

        with pytest.warns(FitFailedWarning, match="no kernel today"):
            model = MSKClassifierCV(["rbf", broken]).fit(*_data(40))
        assert "no kernel today" in model.cv_results_["failure"][-1]
        with pytest.raises(ValueError, match="No kernel can be fitted"):
            MSKClassifierCV([broken]).fit(*_data(40))


class TestScoring:
    @pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
    def test_scorer_of_values_left_out(self, scoring):
        X, y = _data()
        model = MSKClassifierCV(**QUICK, scoring=scoring).fit(X, y)
        scores = model.cv_results_["mean_test_score"]
        assert model.best_score_ == scores.max()
        if scoring == "accuracy":
            assert 0.4 < model.best_score_ < 1.0
            hits = scores * len(X)
            np.testing.assert_allclose(hits, np.round(hits), atol=1e-9)

    def test_scorer_that_needs_more(self):
        def of_other_rows(model, X, y):
            return model.kernel_(X).mean()

        with pytest.raises(ValueError, match="Pass cv, as cv=5"):
            MSKClassifierCV(**QUICK, scoring=of_other_rows).fit(*_data())

    @pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss"])
    def test_folds(self, scoring):
        X, y = _data(150)
        folds = StratifiedKFold(3)
        model = MSKClassifierCV(**QUICK, scoring=scoring, cv=folds).fit(X, y)
        assert not hasattr(model, "loo_decision_function_")
        left_out = MSKClassifierCV(**QUICK, scoring=scoring).fit(X, y)
        # Folds have a third fewer rows.
        assert model.best_score_ == pytest.approx(left_out.best_score_, rel=0.25)

    def test_metadata_reach_splitter_and_scorer(self):
        X, y = _data(100)
        groups, seen = np.arange(100) // 10, []

        def score(y_true, y_pred, marks):
            seen.append(marks)
            return accuracy_score(y_true, y_pred)

        with config_context(enable_metadata_routing=True):
            scorer = make_scorer(score).set_score_request(marks=True)
            model = MSKClassifierCV(**QUICK, cv=GroupKFold(5), scoring=scorer)
            model.fit(X, y, groups=groups, marks=groups)
            for marks in seen:
                assert len(marks) == 20 and len(set(marks)) == 2
            seen.clear()
            MSKClassifierCV(**QUICK, scoring=scorer).fit(X, y, marks=groups)
            np.testing.assert_array_equal(seen[0], groups)
        with pytest.raises(
            ValueError, match="only supported if enable_metadata_routing"
        ):
            MSKClassifierCV(**QUICK, cv=GroupKFold(5)).fit(X, y, groups=groups)


class TestData:
    def test_units_change_nothing(self):
        X, y = _data()
        expected = MSKClassifierCV(**QUICK).fit(X, y).predict_proba(X)
        units = 10.0 ** np.array([6, -6, 0, 150, -150, 3.0])
        found = MSKClassifierCV(**QUICK).fit(X * units, y).predict_proba(X * units)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

    def test_weights_equal_repetition(self):
        X, y = _data(60)
        weights = np.random.default_rng(0).integers(0, 4, 60)
        weighted = MSKClassifierCV(**QUICK).fit(X, y, weights)
        repeated = MSKClassifierCV(**QUICK).fit(X.repeat(weights, 0), y.repeat(weights))
        np.testing.assert_allclose(
            weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-4
        )
        larger = MSKClassifierCV(**QUICK).fit(X, y, 1e6 * weights)
        np.testing.assert_allclose(
            weighted.predict_proba(X), larger.predict_proba(X), rtol=1e-4
        )

    @pytest.mark.parametrize("balance", ["balanced", {0: 1.0, 1: 9.0}])
    def test_weights_of_classes(self, balance):
        X, y = make_classification(400, weights=[0.9], class_sep=0.5, random_state=0)
        plain = MSKClassifierCV(**QUICK).fit(X, y)
        heavy = MSKClassifierCV(**QUICK, class_weight=balance).fit(X, y)
        assert heavy.predict(X).sum() > plain.predict(X).sum() + 20
        counts = np.bincount(y)
        factors = len(y) / (2 * counts) if balance == "balanced" else np.array([1, 9])
        same = MSKClassifierCV(**QUICK).fit(X, y, factors[y])
        np.testing.assert_allclose(
            heavy.predict_proba(X), same.predict_proba(X), rtol=1e-6
        )

    def test_a_class_of_one_row(self):
        X, y = _data(60, 2)
        y[7] = 5
        model = MSKClassifierCV(**QUICK).fit(X, y)
        p = model.predict_proba(X)
        assert p.shape == (60, 3) and np.isfinite(p).all()
        assert p[:, 2].mean() < 0.1

    def test_a_class_without_weight(self):
        X, y = _data(60, 3)
        model = MSKClassifierCV(**QUICK, class_weight={0: 1, 1: 1, 2: 0}).fit(X, y)
        assert 2 not in model.predict(X)
        assert model.loo_decision_function_.shape == (60, 3)
        with pytest.raises(ValueError, match="needs at least 2 classes"):
            MSKClassifierCV(**QUICK, class_weight={0: 1, 1: 0, 2: 0}).fit(X, y)
        with pytest.raises(ValueError, match="not in class_weight"):
            MSKClassifierCV(**QUICK, class_weight={7: 1}).fit(X, y)

    @pytest.mark.parametrize("n", [2, 3, 5])
    def test_few_rows(self, n):
        X, _ = _data(n * 10)
        y = np.arange(n) % 2
        model = MSKClassifierCV().fit(X[:n], y)
        assert np.isfinite(model.predict_proba(X)).all()

    def test_nothing_to_learn(self):
        y = np.repeat([0, 1], [30, 10])
        model = MSKClassifierCV(**QUICK).fit(np.ones((40, 3)), y)
        np.testing.assert_array_equal(model.predict(np.ones((5, 3))), 0)
        np.testing.assert_allclose(
            model.predict_proba(np.ones((1, 3)))[0, 1], 0.25, atol=0.03
        )

    def test_frames_raise_no_warning(self):
        # Warnings are errors here.
        pandas = pytest.importorskip("pandas")
        X, y = _data()
        frame = pandas.DataFrame(X, columns=list("abcdef"))
        model = MSKClassifierCV(**ONE).fit(frame, y)
        expected = MSKClassifierCV(**ONE).fit(X, y).predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(frame), expected)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[list("fedcba")])

    def test_labels_of_any_kind(self):
        X, y = _data(60)
        names = np.array(["no", "yes", "perhaps"])[y]
        model = MSKClassifierCV(**QUICK).fit(X, names)
        assert list(model.classes_) == ["no", "perhaps", "yes"]
        assert set(model.predict(X)) <= set(names)

    def test_sparse_rows(self):
        X, y = _data(60)
        X = np.where(np.median(X) < X, X, 0.0)
        dense = MSKClassifierCV(**QUICK).fit(X, y)
        sparse = MSKClassifierCV(**QUICK).fit(csr_array(X), y)
        expected = dense.decision_function(X)
        for rows in (X, csr_array(X), csc_array(X)):
            np.testing.assert_allclose(
                sparse.decision_function(rows), expected, rtol=1e-9
            )
            np.testing.assert_allclose(
                sparse.best_estimator_.decision_function(rows), expected, rtol=1e-9
            )
        wide = csr_array((10, 10**9))
        with pytest.raises(ValueError, match="Reduce the features, as by"):
            MSKClassifierCV(**QUICK).fit(wide, np.arange(10) % 2)

    def test_pickle(self):
        X, y = _data(60)
        model = MSKClassifierCV(**QUICK).fit(X, y)
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "y", "message"),
        [
            ({}, np.zeros(30), "needs at least 2 classes in y. Got one class only"),
            ({}, np.linspace(0, 1, 30), "Unknown label type"),
            ({"class_weight": {0: -1, 1: 1}}, np.arange(30) % 2, "non-negative"),
            ({"class_weight": "heavy"}, np.arange(30) % 2, "class_weight"),
            ({"kernels": ["rfb"]}, np.arange(30) % 2, "Did you mean 'rbf'"),
        ],
    )
    def test_bad_input(self, options, y, message):
        model = MSKClassifierCV(**options)
        before = dict(vars(model))
        with pytest.raises(ValueError, match=message):
            model.fit(_data(30)[0], y)
        assert vars(model) == before
