"""Kernels of fully connected networks of infinite width, by recursion over the layers.

With weight variance ``sw2``, bias variance ``sb2`` and the activation phi, for every
pair of rows x, z of d features::

    Sigma_1 = Theta_1 = sw2 x.z / d + sb2
    Sigma_{l+1} = sw2 E[phi phi](Sigma_l) + sb2
    Theta_{l+1} = Sigma_{l+1} + sw2 Theta_l E[phi' phi'](Sigma_l)

`NNGP` is the last Sigma and `NTK` the last Theta. Sigma is held as the lengths of the
pre-activations and the angles between them, ``Sigma = |x| |z| cos(angle)``: a stored
cosine would lose small angles. `LayerStatistics` has the lengths, row by row.

The recursions here serve every activation, and are used for the smooth ones. Those of
piecewise linear activations run several times as fast in `_network_inplace` (NumPy) and
`_network_numba`, which are tested against these; `_network_matrix` chooses.
"""

from sklearn_msk._array_api import Array, namespace
from sklearn_msk.kernels._angles import Angles, Lengths, angles_with_constant
from sklearn_msk.kernels._network_base import InfiniteWidthKernel


def covariance(x: Lengths, z: Lengths, angles: Angles) -> Array:
    """``Sigma = |x| |z| cos(angle)``."""
    sigma = angles.cosine
    sigma *= x.total
    sigma *= z.total
    return sigma


class NNGP(InfiniteWidthKernel):
    """Neural network Gaussian process kernel: the prior of an infinitely wide network.

    Covariance of the outputs of a randomly initialised fully connected network whose
    hidden layers are infinitely wide, in the normalisation of `neural-tangents`:
    inputs enter as ``x.z / n_features``, and every layer, the read-out included, has
    weight variance ``weight_variance`` and bias variance ``bias_variance``::

        Sigma_1     = weight_variance * x.z / n_features + bias_variance
        Sigma_{l+1} = weight_variance * E[phi phi](Sigma_l) + bias_variance

    and the kernel is ``Sigma_{depth + 1}``.

    Parameters
    ----------
    depth : int, default=1
        Number of hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation function; leaky_relu has slope 0.01 below zero, gaussian is
        ``exp(-f^2)``.
    weight_variance : float, default=2.0
        Variance of the weights, >= 0. 2 keeps the scale of relu layers.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0. With relu, one hidden layer and no bias, functions
        of odd frequency >= 3 on the sphere cannot be learned.
    weight_variance_bounds, bias_variance_bounds : pair of floats >= 0 or "fixed", \
            default=(1e-5, 1e5)
        Bounds for the optimiser of a Gaussian process. A variance of 0 is held fixed.
    normalized : bool, default=False
        Whether to divide by lengths, ``k(x, z) / sqrt(k(x, x) k(z, z))``. Every row
        then has kernel 1 with itself (0 for a zero row without bias), and no row far
        from the others dominates. On the sphere, normalisation changes the kernel only
        by a constant.

    See Also
    --------
    NTK : The kernel that describes training such a network by gradient descent.

    References
    ----------
    J. Lee, Y. Bahri, R. Novak, S. Schoenholz, J. Pennington, J. Sohl-Dickstein, *Deep
    Neural Networks as Gaussian Processes*, ICLR 2018.

    Examples
    --------
    >>> from sklearn_msk.kernels import NNGP
    >>> NNGP(bias_variance=0.0)([[1.0, 0.0], [0.0, 1.0]]).round(4)
    array([[1.    , 0.3183],
           [0.3183, 1.    ]])
    """

    tangent = False

    def recursion(self, x: list[Lengths], z: list[Lengths], angles: Angles) -> Array:
        """``Sigma_{depth + 1}``, from the angles of ``Sigma_1``.

        Parameters
        ----------
        x, z : list of Lengths
            Lengths of the rows in each of the ``depth + 1`` layers, shaped (n_x, 1) and
            (1, n_z).
        angles : Angles
            Angles that enter the first layer, of shape (n_x, n_z).

        Returns
        -------
        ndarray of shape (n_x, n_z)
            The kernel, before normalisation.
        """
        for layer in range(self.depth):
            # Sigma <- sw2 E[phi phi](Sigma) + sb2
            angles = self.dual.angles(x[layer].total, z[layer].total, angles)
            angles = angles_with_constant(x[layer + 1], z[layer + 1], angles)
        return covariance(x[-1], z[-1], angles)

    def recursion_diagonal(self, x: list[Lengths]) -> Array:
        """``Sigma_{depth + 1}`` of rows with themselves, the square of their length.

        Parameters
        ----------
        x : list of Lengths
            Lengths of the rows in each of the ``depth + 1`` layers.

        Returns
        -------
        ndarray of shape (n,)
            The kernel, before normalisation.
        """
        return namespace(x[-1].total).square(x[-1].total)


class NTK(InfiniteWidthKernel):
    """Neural tangent kernel: an infinitely wide network under gradient descent.

    In the normalisation of `neural-tangents`, with the ``Sigma`` of `NNGP`::

        Theta_1     = Sigma_1
        Theta_{l+1} = Sigma_{l+1} + weight_variance * Theta_l * E[phi' phi'](Sigma_l)

    and the kernel is ``Theta_{depth + 1}``.

    Parameters
    ----------
    depth : int, default=1
        Number of hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation function; leaky_relu has slope 0.01 below zero, gaussian is
        ``exp(-f^2)``.
    weight_variance : float, default=2.0
        Variance of the weights, >= 0. 2 keeps the scale of relu layers.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0. With relu, one hidden layer and no bias, functions
        of odd frequency >= 3 on the sphere cannot be learned.
    weight_variance_bounds, bias_variance_bounds : pair of floats >= 0 or "fixed", \
            default=(1e-5, 1e5)
        Bounds for the optimiser of a Gaussian process. A variance of 0 is held fixed.
    normalized : bool, default=False
        Whether to divide by lengths, ``k(x, z) / sqrt(k(x, x) k(z, z))``. Every row
        then has kernel 1 with itself (0 for a zero row without bias), and no row far
        from the others dominates. On the sphere, normalisation changes the kernel only
        by a constant.

    See Also
    --------
    NNGP : The kernel of such a network at initialisation.

    References
    ----------
    A. Jacot, F. Gabriel, C. Hongler, *Neural Tangent Kernel: Convergence and
    Generalization in Neural Networks*, NeurIPS 2018.

    Examples
    --------
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> from sklearn_msk.kernels import NTK
    >>> NTK(bias_variance=0.0)([[1.0, 0.0], [0.0, 1.0]]).round(4)
    array([[2.    , 0.3183],
           [0.3183, 2.    ]])
    >>> model = KernelRidge(kernel=NTK(depth=3), alpha=1e-3)
    >>> model.fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0]]).round(2)
    array([1.])
    """

    tangent = True

    def recursion(self, x: list[Lengths], z: list[Lengths], angles: Angles) -> Array:
        """``Theta_{depth + 1}``, from the angles of ``Sigma_1``.

        Parameters
        ----------
        x, z : list of Lengths
            Lengths of the rows in each of the ``depth + 1`` layers, shaped (n_x, 1) and
            (1, n_z).
        angles : Angles
            Angles that enter the first layer, of shape (n_x, n_z).

        Returns
        -------
        ndarray of shape (n_x, n_z)
            The kernel, before normalisation.
        """
        theta = covariance(x[0], z[0], angles)
        for layer in range(self.depth):
            s_x, s_z = x[layer].total, z[layer].total
            # Theta <- sw2 Theta E[phi' phi'](Sigma) + Sigma'
            theta *= self.dual.derivative(s_x, s_z, angles)
            theta *= self.weight_variance
            # Sigma' = sw2 E[phi phi](Sigma) + sb2
            angles = self.dual.angles(s_x, s_z, angles)
            angles = angles_with_constant(x[layer + 1], z[layer + 1], angles)
            theta += covariance(x[layer + 1], z[layer + 1], angles)
        return theta

    def recursion_diagonal(self, x: list[Lengths]) -> Array:
        """``Theta_{depth + 1}`` of rows with themselves, from ``Sigma = |x|^2``.

        Parameters
        ----------
        x : list of Lengths
            Lengths of the rows in each of the ``depth + 1`` layers.

        Returns
        -------
        ndarray of shape (n,)
            The kernel, before normalisation.
        """
        xp = namespace(x[0].total)
        theta = xp.square(x[0].total)
        for layer in range(self.depth):
            slope = self.dual.mean_square_slope(x[layer].total)
            theta = xp.square(x[layer + 1].total) + self.weight_variance * slope * theta
        return theta
