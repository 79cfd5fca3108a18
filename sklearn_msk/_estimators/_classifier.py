"""Classification by preconditioned kernel gradient flow."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import put_like, to_host
from sklearn_msk._compat import StrOptions, _fit_context, with_callbacks
from sklearn_msk._estimators._base import BaseMSK, check_landmarks
from sklearn_msk._estimators._classes import labels_of
from sklearn_msk._estimators._names import explain_arguments, only_if
from sklearn_msk._estimators._stopping import Validation
from sklearn_msk._operators import is_dask
from sklearn_msk._selection import scaled_probabilities


class MSKClassifier(ClassifierMixin, BaseMSK):
    """Kernel classification by gradient flow along a spectrum that you choose.

    Each class is a target, +1 on its own rows and -1 on the others. One fit trains on
    all targets, which share the kernel, its spectrum and the products. `predict`
    returns the class with the largest value. Two classes share one target, as in
    `sklearn.linear_model.RidgeClassifier`.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable, \
            default="ntk_relu"
        Kernel, by name or as an object, as in `MSKRegressor`. The names of networks
        stand for `NTK` and `NNGP` with ``normalized=True, bias_variance=1.0``.
    g : {"identity", "flatten", "lift", "power"}, spectral map or callable, \
            default="flatten"
        Map of the k leading eigenvalues of K/n, as in `MSKRegressor`.
    k : int or None, default=None
        Number of leading eigen-directions whose rates g sets, as in `MSKRegressor`.
        None is a twentieth of the distinct rows (or of the landmarks in use), 1 at the
        least and 50 at the most. With a larger k the model fits the training rows more
        exactly, and weights have less effect.
    alpha : float, default=0.0
        Ridge, >= 0, in the units of `sklearn.kernel_ridge.KernelRidge`. Regularise by
        `max_iter` first, see `MSKRegressor`.
    learning_rate : float, default=1.0
        Step size, > 0, in units of ``1 / (mu_max + alpha / n)``, mu_max the largest
        rate. "descent" takes values below 2.
    max_iter : int, float, inf or None, default=None
        Number of steps, or with early stopping the largest number; ``numpy.inf`` trains
        to the limit. Under "flow" `max_iter` is a time, any real number > 0. Under
        "descent" `max_iter` is a whole number. None is 100, and
        ``early_stopping="auto"`` then chooses among these 100 steps.
    dynamics : {"flow", "descent"}, default="flow"
        Gradient flow for the time of `max_iter` steps, or discrete steps.
    fit_intercept : bool, default=True
        Whether to subtract the (weighted) mean of each target before training and to
        add it to predictions.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as ``{label: weight}``, which multiply those of the
        rows; "balanced" gives each class the same total. None means ones.
    early_stopping : bool, "loo" or "auto", default="auto"
        Whether and how to choose the number of steps by accuracy, as in `MSKRegressor`.
        Among the steps of the best accuracy, the smallest squared error decides. True:
        by rows held out, a part of each class, or by `X_val`. "loo": by the values of
        the model without each row. "auto": if `max_iter` is None, as "loo" for up to
        300 distinct rows, and as True for more, unless a class has too few distinct
        rows to give a part.
    validation_fraction : float or cross-validation splitter, default=0.1
        Part of the distinct rows, in (0, 1), that early stopping holds out, or a
        splitter whose first split does, as in `MSKRegressor`.
    landmarks : int, array-like of shape (n_landmarks, n_features) or None, default=None
        Number of landmarks, or landmarks as an array, which is copied; None is the
        exact model. See `MSKRegressor`.
    landmark_selection : {"uniform", "rpcholesky"}, default="uniform"
        How a number of landmarks is drawn, as in `MSKRegressor`.
    gamma : float, default=None
        Parameter, >= 0, of the pairwise kernels that have a gamma. With other kernels,
        such as networks, gamma has no effect and is a warning.
    degree : float, default=3
        Degree, >= 0, of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel. They override those that a name
        stands for.
    solver : {"auto", "lanczos", "eigh", "gd"}, default="auto"
        How the path is computed. The choice moves fitted values by at most `tol`.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}, default="auto"
        How the leading eigenpairs are computed, as in `MSKRegressor`.
    tol : float, default=1e-4
        Bound, > 0, on the relative error of the fitted values of each target.
    store_trajectory : bool, default=False
        Whether to keep the whole path, as `trajectory_`.
    memory : str, object with the interface of joblib.Memory, or None, default=None
        Folder, or store, that keeps leading eigenpairs, as in `MSKRegressor`.
    n_jobs : int, default=None
        Number of threads that compute the kernel matrix. It changes no result.
    random_state : int, RandomState instance or None, default=None
        Seed of the start vectors of iterative eigensolvers, of the draw of landmarks
        and of the rows or folds held out. None is deterministic too.
    verbose : int, default=0
        Lines about the stages of `fit` and their progress, as in `MSKRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Coefficients of the kernel functions of `X_fit_`; one column for two classes.
    intercept_ : float or ndarray of shape (n_classes,)
        (Weighted) mean of the targets of +1 and -1; 0.0 without intercept.
    validation_scores_ : ndarray of shape (n_validated,)
        With early stopping: accuracy on the rows that judge, all of them with "loo".
    temperature_ : float
        Divisor that turns the values of `decision_function` into log odds.
    X_fit_, kernel_, spectrum_, modified_eigenvalues_, k_, learning_rate_, \
            max_learning_rate_, n_iter_, n_products_, trajectory_, path_iterations_, \
            validation_iterations_, n_samples_seen_, n_features_in_, feature_names_in_
        As in `MSKRegressor`.

    See Also
    --------
    MSKRegressor : The same training for numeric targets; it defines the parameters.
    sklearn.calibration.CalibratedClassifierCV : Calibrated probabilities.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_msk import MSKClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MSKClassifier().fit(X_train, y_train)
    >>> print(f"{model.score(X_test, y_test):.3f}")
    0.993
    """

    _parameter_constraints: dict = {
        **BaseMSK._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    @explain_arguments
    def __init__(
        self,
        kernel: Any = "ntk_relu",
        *,
        g: Any = "flatten",
        k: int | None = None,
        alpha: float = 0.0,
        learning_rate: float = 1.0,
        max_iter: float | None = None,
        dynamics: str = "flow",
        fit_intercept: bool = True,
        class_weight: dict | str | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: Any = 0.1,
        landmarks: Any = None,
        landmark_selection: str = "uniform",
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict | None = None,
        solver: str = "auto",
        eigen_solver: str = "auto",
        tol: float = 1e-4,
        store_trajectory: bool = False,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            kernel,
            g=g,
            k=k,
            alpha=alpha,
            learning_rate=learning_rate,
            max_iter=max_iter,
            dynamics=dynamics,
            fit_intercept=fit_intercept,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            landmarks=landmarks,
            landmark_selection=landmark_selection,
            gamma=gamma,
            degree=degree,
            coef0=coef0,
            kernel_params=kernel_params,
            solver=solver,
            eigen_solver=eigen_solver,
            tol=tol,
            store_trajectory=store_trajectory,
            memory=memory,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train the model.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, as in `MSKRegressor.fit`.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.
        X_val : array-like of shape (n_val, n_features), default=None
            With `early_stopping` True or "auto": rows that judge the number of steps,
            as in `MSKRegressor.fit`.
        y_val : array-like of shape (n_val,), default=None
            Labels of `X_val`. One that y does not have counts as an error.
        sample_weight_val : float or array-like of shape (n_val,), default=None
            Non-negative weights of `X_val`.
        groups : array-like of shape (n_samples,), default=None
            With `early_stopping` True or "auto": rows of the same group are held out
            together.

        Returns
        -------
        self : MSKClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter, the data or what the kernel or g return is out of its range.

        Warns
        -----
        ConvergenceWarning, UserWarning
            As `MSKRegressor.fit` does.
        """
        validation = Validation(X_val, y_val, sample_weight_val, groups)
        self._fit(X, y, sample_weight, validation)
        return self

    @only_if(check_landmarks)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Add rows to the sums and train on all rows so far (landmarks only).

        `MSKRegressor.partial_fit` says what may change between calls.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will have; needed in the first call, unless its
            rows have all of them.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : MSKClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            As `MSKRegressor.partial_fit` does; if a label is not among the classes; or
            if ``class_weight="balanced"``, because the counts are not known yet.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit gets "
                "them in parts; pass the weights as a dict {label: weight}."
            )
        self._partial_fit(X, y, sample_weight, classes)
        return self

    def decision_function(self, X: Any) -> Any:
        """Evaluate the targets of +1 and -1.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `MSKRegressor.predict`.

        Returns
        -------
        ndarray, or lazy dask array, of shape (n_queries,) or (n_queries, n_classes)
            Values, float64; for two classes, the value of the second.
        """
        check_is_fitted(self)
        return self._values(X, "decision_function")

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class with the largest value.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `MSKRegressor.predict`; a dask array is computed.

        Returns
        -------
        ndarray of shape (n_queries,)
            Labels.
        """
        check_is_fitted(self)
        values = self._values(X, "predict")
        if is_dask(values):
            values = values.compute()
        return labels_of(values, self.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Estimate the probabilities of the classes.

        Log odds are the values of `decision_function`, divided by `temperature_`. The
        class that `predict` returns is the most probable one. Early stopping fits the
        temperature, to the values at rows held out or left out. Without early stopping
        the temperature is ``1 / (3 + log(n_classes - 1) / 2)``: wrap the model in
        `sklearn.calibration.CalibratedClassifierCV` for calibrated probabilities.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `MSKRegressor.predict`.

        Returns
        -------
        ndarray of shape (n_queries, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        values = self._values(X, "predict_proba")
        decided = np.asarray(to_host(values), dtype=np.float64)
        probabilities = scaled_probabilities(decided, 1.0 / self.temperature_)
        return put_like(probabilities, values)

    def staged_decision_function(
        self, X: Any, iterations: ArrayLike | None = None
    ) -> Iterator[np.ndarray]:
        """Evaluate the targets of +1 and -1 after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        iterations : array-like of shape (n_iterations,), default=None
            As in `MSKRegressor.staged_predict`.

        Returns
        -------
        generator of ndarray of shape (n_queries,) or (n_queries, n_classes)
            Values after each of the steps.

        Raises
        ------
        ValueError
            As `MSKRegressor.staged_predict` does.
        """
        return self._staged_values(X, iterations)

    def staged_predict(
        self, X: Any, iterations: ArrayLike | None = None
    ) -> Iterator[np.ndarray]:
        """Predict classes after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        iterations : array-like of shape (n_iterations,), default=None
            As in `MSKRegressor.staged_predict`.

        Returns
        -------
        generator of ndarray of shape (n_queries,)
            Values after each of the steps.

        Raises
        ------
        ValueError
            As `MSKRegressor.staged_predict` does.
        """
        classes, path = self.classes_, self._staged_values(X, iterations)
        return (labels_of(values, classes) for values in path)
