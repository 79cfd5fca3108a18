"""Many candidates of one fold, fitted together and scored one by one."""

import copy

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_msk._compat import CallbackSupportMixin, _score, with_callbacks
from sklearn_msk._dynamics import choose_solver, trajectories
from sklearn_msk._estimators import FitTask
from sklearn_msk._estimators._parameters import check_combinations
from sklearn_msk._estimators._prediction import apply_kernel

# Reported as a score is, 1 where a candidate could not be fitted. A single score has
# the empty name.
FAILED = " failed"


class Candidates(CallbackSupportMixin, BaseEstimator):
    """Fits an estimator for each setting of the parameters that share a kernel.

    One kernel matrix, one spectrum with the pairs of the largest k, one path for each
    preconditioner; all paths share their products with the kernel matrix.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    settings : list of dict
        Parameters of the candidates; none of them changes the kernel.
    error_score : "raise" or float
        What a candidate that cannot be fitted scores.

    Attributes
    ----------
    models_ : list of estimator or Exception
        Fitted candidates, or why they could not be.
    """

    def __init__(self, estimator, settings=(), error_score=np.nan):
        self.estimator = estimator
        self.settings = settings
        self.error_score = error_score

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()

    def get_metadata_routing(self):
        """Route what the estimator asks for."""
        return self.estimator.get_metadata_routing()

    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        """Fit every candidate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : Candidates
        """
        task = FitTask(self, X, y, sample_weight)
        self.models_ = [clone(self.estimator) for _ in self.settings]
        self._update(range(len(self.models_)), self._prepare)
        if self.estimator.early_stopping:
            self._update(self._sound(), self._fit_alone, X, y, sample_weight)
        elif self._sound():
            self._fit_sound(X, y, sample_weight)
        task.close()
        return self

    def _fit_alone(self, i, X, y, sample_weight):
        self.models_[i].fit(X, y, sample_weight)

    def _fit_sound(self, X, y, sample_weight):
        data = X, y, sample_weight
        posed = clone(self.models_[self._sound()[0]])
        try:
            A, y = posed._pose(X, y, sample_weight)
            models = [self.models_[i] for i in self._sound()]
            largest = max(model._n_directions(A.n_distinct) for model in models)
            spectrum = posed._find_spectrum(A, largest, models)
        except Exception as error:
            if self.error_score == "raise":
                raise
            self.models_ = [error for _ in self.models_]
            return

        def enter(i):
            return self._enter(i, posed, A, spectrum, groups, known)

        groups, known = {}, {}
        self._update(self._sound(), enter)
        for (solver, tol), requests in groups.items():
            paths = self._paths(A, y, requests.values(), solver, tol)
            for (S, members), path in zip(requests.values(), paths, strict=True):
                for i, schedule in members:
                    self._update([i], self._finish, A, y, S, path, schedule, *data)

    def _sound(self):
        """Numbers of the candidates that nothing has failed for."""
        models = enumerate(self.models_)
        return [i for i, model in models if not isinstance(model, Exception)]

    def _update(self, numbers, step, *args):
        """Take candidates a step further, or note why they cannot."""
        for i in numbers:
            try:
                step(i, *args)
            except Exception as error:
                if self.error_score == "raise":
                    raise
                self.models_[i] = error

    def _prepare(self, i):
        """Set the parameters of a candidate, and check them."""
        model = self.models_[i].set_params(**clone(self.settings[i], safe=False))
        model._validate_params()
        check_combinations(model)

    def _enter(self, i, posed, A, spectrum, groups, known):
        """Add a candidate to the group that it shares a solver and a path with."""
        model = self.models_[i]
        fitted = {k: v for k, v in vars(posed).items() if k.endswith("_")}
        vars(model).update(fitted)
        S = model._precondition(A, spectrum)
        # What one has found of its rates serves all that are equal.
        rates = S.modified_eigenvalues.tobytes()
        S = known.setdefault(rates, S)
        schedule = model._schedule(A, S, model.max_iter)
        solver = choose_solver(model.solver, A, schedule)
        # The loop runs anew for each schedule: nothing of it can be shared.
        path = rates, i if solver == "gd" else None
        requests = groups.setdefault((solver, model.tol), {})
        requests.setdefault(path, (S, []))[1].append((i, schedule))

    def _paths(self, A, y, requests, solver, tol):
        """Paths of a group, each with the schedules of its candidates."""
        requests = [(S, [schedule for _, schedule in of]) for S, of in requests]
        with np.errstate(over="ignore", invalid="ignore"):
            return trajectories(A, y, requests, solver, tol)

    def _finish(self, i, *arrival):
        self.models_[i]._arrive_by_shared_path(*arrival)

    def predictions(self, X):
        """Predictions of the candidates that could be fitted, by number."""
        sound = self._sound()
        if not sound:
            return {}
        first = self.models_[sound[0]]
        X = first._check_queries(X)
        coef = np.stack([self.models_[i].dual_coef_ for i in sound], axis=-1)
        values = apply_kernel(first.kernel_, X, first.X_fit_, coef, first.n_jobs)
        return {
            i: self.models_[i]._shift(values[..., column])
            for column, i in enumerate(sound)
        }


class CandidateScorer:
    """Scores all candidates at once, as a scorer of several scores.

    Parameters
    ----------
    scorer : callable
        What scikit-learn's searches score with.
    accepts_weights : bool
        Whether it takes a sample_weight.
    error_score : "raise" or float
    """

    def __init__(self, scorer, accepts_weights, error_score):
        self.scorer = scorer
        self.accepts_weights = accepts_weights
        self.error_score = error_score

    def _accept_sample_weight(self):
        return self.accepts_weights

    def get_metadata_routing(self):
        """Route what the scorer asks for."""
        return get_routing_for_object(self.scorer)

    def __call__(self, estimator, X, y=None, **params):
        """Return scores by number of the candidate and name of the score."""
        candidates, steps = estimator, None
        if isinstance(estimator, Pipeline):
            candidates = estimator[-1]
            steps = estimator[:-1] if len(estimator) > 1 else None
        try:
            X = X if steps is None else steps.transform(X)
            predictions = candidates.predictions(X)
        except Exception:
            if self.error_score == "raise":
                raise
            predictions = {}
        scores = {}
        for i, model in enumerate(candidates.models_):
            if i in predictions:
                scores[i] = self._score(model, predictions[i], X, y, params)
                scores[i][FAILED] = 0.0
        for i in range(len(candidates.models_)):
            if i not in predictions:
                scores[i] = self._failure(scores)
        return {f"{i}_{name}": s for i, by in scores.items() for name, s in by.items()}

    def _score(self, model, predictions, X, y, params):
        # Whatever a scorer asks of an estimator, this one has; only its predictions
        # are known already.
        known = copy.copy(model)
        known._predict = lambda X: predictions
        score = _score(known, X, y, self.scorer, params, self.error_score)
        return dict(score) if isinstance(score, dict) else {"": score}

    def _failure(self, scores):
        names = getattr(self.scorer, "_scorers", None)
        if names is None:
            names = {**next(iter(scores.values()), {"": 0.0})}
            names.pop(FAILED, None)
        return {name: self.error_score for name in names} | {FAILED: 1.0}
