"""A kernel with a modified spectrum, as a transformer."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._array_api import (
    Array,
    astype,
    namespace,
    place_of,
    put_beside,
    rows_for,
    to_host,
)
from sklearn_msk._compat import _fit_context
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._kernel_mixin import (
    KernelMixin,
    check_queries,
    kernel_config,
)
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._sparse_rows import accepted_sparse, check_dense
from sklearn_msk._estimators._useless import warn_of_gamma, warn_of_scale
from sklearn_msk._operators import KernelOperator
from sklearn_msk._preconditioner import precondition
from sklearn_msk._spectrum import PairAccuracy
from sklearn_msk._training import (
    Problem,
    apply_kernel,
    build_operator,
    find_pairs,
    rows_of,
    working_rows,
)
from sklearn_msk._tuning import KERNEL_PAIR_TOL
from sklearn_msk._validation import check_not_bool
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map


class MSKKernel(
    NamedParameters,
    KernelMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DocLinkMixin,
    BaseEstimator,
):
    """Modified Spectrum Kernel: an existing kernel whose leading eigenvalues g maps.

    The new kernel has the eigenfunctions of the given one, estimated on the training
    rows, and its eigenvalues beyond the k leading ones::

        k_g(x, z) = k(x, z) + sum_{i<=k} (g(lam_i) - lam_i) phi_i(x) phi_i(z)
        phi_i(x)  = sum_j k(x, x_j) v_i[j] / (sqrt(n) lam_i)

    `transform` returns its matrix between rows and the training rows. Give the next
    estimator ``kernel="precomputed"``, as in ``KernelRidge(kernel="precomputed")``,
    ``SVR(kernel="precomputed")`` or ``KernelPCA(kernel="precomputed")``. Without
    ``kernel="precomputed"`` these estimators take the matrix for features, without an
    error.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable, \
            default="ntk_relu"
        As in `MSKRegressor`. The names of networks stand for `NTK` and `NNGP` with
        ``normalized=True, bias_variance=1.0``. With "precomputed", `fit` takes the
        kernel matrix of the training rows and `transform` that of other rows with them.
    g : {"identity", "flatten", "lift", "power"}, spectral map or callable, \
            default="power"
        Map of the k leading eigenvalues of K/n, descending, to those of the new kernel,
        all >= 0; 0 removes an eigen-direction. "power", which is ``Power(0.5)``, takes
        square roots in units of the first eigenvalue and keeps the order of the
        eigenvalues. "lift" and ``Power`` jump at the k-th eigenvalue: choose k at a
        gap. "flatten" and "lift" make the k leading eigenvalues equal, and kernel PCA
        finds no first components among them. With "flatten", a ridge alpha larger than
        n times the k-th eigenvalue removes most of the signal in the leading
        eigen-directions.
    k : int, default=50
        Number of leading eigenvalues that g maps; 0 leaves the kernel as it is.
    gamma : float, default=None
        Parameter, >= 0, of the pairwise kernels that have a gamma, as in `KernelRidge`.
        With other kernels, such as networks, gamma has no effect and is a warning. A
        gamma in `kernel_params` takes precedence.
    degree : float, default=3
        Degree, >= 0, of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel. They override those that a name
        stands for.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}, default="auto"
        How the leading eigenpairs are computed, as in `MSKRegressor`, but with a
        relative residual of 1e-9 for every g.
    memory : str, object with the interface of joblib.Memory, or None, default=None
        Folder, or store, that keeps leading eigenpairs, as in `MSKRegressor`.
    n_jobs : int, default=None
        Number of threads that compute kernel matrices. It changes no result.
    random_state : int, RandomState instance or None, default=None
        Seed of the start vectors of iterative eigensolvers. None is deterministic too.

    Attributes
    ----------
    X_fit_ : ndarray of shape (n_samples, n_features) or None
        Training rows, by reference if `fit` got a float array; None for a precomputed
        kernel.
    kernel_ : object
        The kernel in use.
    spectrum_ : Spectrum
        Leading eigenvalues and eigenvectors of K/n, as in `MSKRegressor`.
    modified_eigenvalues_ : ndarray of shape (`k_`,)
        ``g(eigenvalues)``.
    k_ : int
        Number of eigenvalues that g maps: k, or the numerical rank of K if that is
        smaller.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if all are strings.

    See Also
    --------
    MSKRegressor : Training at the rates g. Its limit with ridge alpha and without
        intercept predicts what `MSKKernel` of the same g and k before
        ``KernelRidge(alpha)`` predicts.

    References
    ----------
    A. Geifman, D. Barzilai, R. Basri, M. Galun, *Controlling the Inductive Bias of Wide
    Neural Networks by Modifying the Kernel's Spectrum*, TMLR 2024, arXiv:2307.14531.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_msk import MSKKernel
    >>> x = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.sin(5 * x.ravel())
    >>> ridge = KernelRidge(kernel="precomputed")
    >>> plain = make_pipeline(MSKKernel(k=0), ridge)
    >>> lifted = make_pipeline(MSKKernel(g="lift", k=20), ridge)
    >>> print(f"{plain.fit(x, y).score(x, y):.2f} {lifted.fit(x, y).score(x, y):.2f}")
    0.46 0.99
    """

    @explain_arguments
    def __init__(
        self,
        kernel: Any = "ntk_relu",
        *,
        g: Any = "power",
        k: int = 50,
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict | None = None,
        eigen_solver: str = "auto",
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.g = g
        self.k = k
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.eigen_solver = eigen_solver
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the leading eigenvalues and eigenfunctions.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; for ``kernel="precomputed"`` their kernel matrix of shape
            (n_samples, n_samples), which is never written to.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : MSKKernel
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the data or what the kernel or g return is out of its range.
        """
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return the matrix of the new kernel on the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `fit`.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        ndarray of shape (n_samples, n_samples)
            Kernel matrix, exactly symmetric, and positive semi-definite up to rounding.
        """
        operator = self._fit(X)
        _, back = rows_for(self, X, self.spectrum_.eigenvectors, "fit_transform")
        K = put_beside(operator.kernel_matrix(), self.spectrum_.eigenvectors)
        phi = self._eigenfunctions_fit()
        return back(self._add_modes(K, phi, phi))

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X: Any) -> KernelOperator:
        """Fit, and return the operator of the kernel as it is."""
        check_not_bool(self, "k")
        place, X = place_of(X), to_host(X)
        g = resolve_spectral_map(self.g)
        check_dense(self, X)
        # scikit-learn's validation sets attributes: here those of a copy.
        checked = copy.copy(self)
        with numbers_expected(self, X):
            X = validate_data(
                checked,
                X,
                accept_sparse=accepted_sparse(self),
                dtype=[np.float64, np.float32],
            )
        names = getattr(checked, "feature_names_in_", None)
        warn_of_gamma(self)
        warn_of_scale(self, X, names)
        config = replace(kernel_config(self), place=place and place.engine)
        kernel = config.kernel
        X = working_rows(kernel, X)
        operator = build_operator(X, None, config)
        X_fit, y = rows_of(operator, X, kernel), operator.put(np.zeros(X.shape[0]))
        problem = Problem(operator, y, 0.0, kernel, X_fit)
        accuracy = PairAccuracy.for_residual(KERNEL_PAIR_TOL)
        problem, spectrum = find_pairs(problem, self.k, accuracy, config)
        S = precondition(spectrum, g, allow_zero=True)
        columns = ("n_features_in_", "feature_names_in_")
        kept = vars(checked)
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__ |= {name: kept[name] for name in columns if name in kept}
        attributes = {
            "kernel_": kernel,
            "X_fit_": X_fit,
            "spectrum_": S.spectrum,
            "modified_eigenvalues_": S.modified_eigenvalues,
            "k_": len(S.modified_eigenvalues),
        }
        self.__dict__ |= attributes if place is None else place.put_all(attributes)
        return operator

    def transform(self, X: Any) -> np.ndarray:
        """Evaluate the new kernel between rows and the training rows.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows; for ``kernel="precomputed"`` their kernel with the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        ndarray of shape (n_queries, n_samples)
            Kernel matrix, float32 if the matrix of the given kernel is, float64
            otherwise.
        """
        check_is_fitted(self)
        X, back = self._checked(X, "transform")
        K, phi = self._kernel(X, self.X_fit_), self._eigenfunctions_fit()
        return back(self._add_modes(K, self._eigenfunctions(K), phi))

    def evaluate(self, X: Any, Y: Any = None) -> np.ndarray:
        """Evaluate the new kernel between any two sets of rows.

        Parameters
        ----------
        X : array-like of shape (n_X, n_features)
            Rows.
        Y : array-like of shape (n_Y, n_features), default=None
            None means X; the result is exactly symmetric then.

        Returns
        -------
        ndarray of shape (n_X, n_Y)
            The kernel matrix.

        Raises
        ------
        ValueError
            If the kernel is precomputed, because it is unknown between new rows.
        """
        check_is_fitted(self)
        if self.X_fit_ is None:
            raise ValueError(
                "evaluate needs a kernel that it can compute between any two rows. Got "
                "kernel='precomputed' instead; use transform, or pass the kernel."
            )
        X, back = self._checked(X, "evaluate")
        phi_x = self._eigenfunctions_of(X)
        if Y is None:
            return back(self._add_modes(self._kernel(X, None), phi_x, phi_x))
        Y, _ = self._checked(Y, "evaluate")
        phi_y = self._eigenfunctions_of(Y)
        return back(self._add_modes(self._kernel(X, Y), phi_x, phi_y))

    def _checked(self, X: Any, method: str) -> tuple[Array, Callable[[Array], Array]]:
        """Validate rows where the model is; return what brings values back too."""
        X, back = rows_for(self, X, self.spectrum_.eigenvectors, method)
        return check_queries(self, X), back

    def _kernel(self, X: Array, Y: Array | None) -> Array:
        """Kernel matrix of validated rows, where they are."""
        return evaluate_kernel(self.kernel_, X, Y, self.n_jobs)

    @property
    def _n_features_out(self) -> int:
        return self.spectrum_.eigenvectors.shape[0]

    def _eigenfunctions_fit(self) -> Array:
        """``phi_i`` at the training rows, ``sqrt(n) v_i``."""
        return math.sqrt(self._n_features_out) * self.spectrum_.eigenvectors

    def _eigenfunctions(self, K: Array) -> Array:
        """``phi_i`` at rows whose kernel with the training rows is K."""
        scale = math.sqrt(self._n_features_out) * self.spectrum_.eigenvalues
        vectors = self.spectrum_.eigenvectors
        return astype(K, vectors.dtype) @ (vectors / scale)

    def _eigenfunctions_of(self, X: Any) -> Array:
        """``phi_i`` at any rows, in blocks that fit the working memory."""
        scale = math.sqrt(self._n_features_out) * self.spectrum_.eigenvalues
        weights = self.spectrum_.eigenvectors / scale
        return apply_kernel(self.kernel_, X, self.X_fit_, weights, self.n_jobs)

    def _add_modes(self, K: Array, phi_x: Array, phi_z: Array) -> Array:
        """``K + sum_i (g(lam_i) - lam_i) phi_i(x) phi_i(z)``, in the precision of K."""
        change = self.modified_eigenvalues_ - self.spectrum_.eigenvalues
        modes = (phi_x * change) @ phi_z.T
        modes += K
        if phi_x is phi_z:
            modes = 0.5 * (modes + modes.T)
        return _round_to(K.dtype, modes)


def _round_to(dtype: Any, matrix: Array) -> Array:
    """Round to the precision of the kernel matrix, where its range allows."""
    xp = namespace(matrix)
    largest = float(xp.max(xp.abs(matrix))) if 0 not in matrix.shape else 0.0
    limits = np.finfo(to_host(astype(matrix[:0, :], dtype)).dtype)
    # Far below the smallest normal number nothing is left of the digits.
    fits = largest == 0 or limits.tiny / limits.eps < largest < limits.max
    return astype(matrix, dtype) if fits else matrix
