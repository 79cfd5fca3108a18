"""Small angles, and rows that are equal, zero, tiny, huge, or not float64."""

import numpy as np
import pytest
from quadrature import ACTIVATIONS

from sklearn_msk.kernels import NNGP, NTK

pytestmark = pytest.mark.usefixtures("engine")

NETWORKS = [NNGP, NTK]
DTYPES = [np.float64, np.float32]
PIECEWISE_LINEAR = ["relu", "leaky_relu", "abs"]

# Relu kernels of two unit rows, by (depth, bias variance): the angle, and then
# k(x, x) - k(x, z) of NNGP and NTK. Made with 60 digits of mpmath, which leave enough
# after any cancellation, from c = theta = cos(angle) + bias, own = 1 + bias, and per
# layer t = acos(c / own), c <- own (sin t + (pi - t) cos t) / pi + bias,
# theta <- c + theta (pi - t) / pi, own <- own + bias.
GAPS = {
    (1, 0.0): [
        (1e-1, 4.8898374919880147e-3, 4.1557638474166853e-2),
        (1e-2, 4.9893481100356789e-5, 3.2828327726561807e-3),
        (1e-3, 4.9989385504855048e-7, 3.1930962084224273e-4),
        (1e-4, 4.9998938925380453e-9, 3.1840988353112497e-5),
        (1e-6, 4.9999989389666289e-13, 3.183108861835254e-7),
        (1e-8, 4.9999999893896706e-17, 3.1830989618379065e-9),
        (1e-10, 4.9999999998938971e-21, 3.1830988628379068e-11),
        (1e-12, 4.9999999999989388e-25, 3.1830988618479067e-13),
    ],
    (3, 0.0): [
        (1e-1, 4.6877703358875181e-3, 0.20281668581257244),
        (1e-2, 4.9682287864696975e-5, 1.922959441008765e-2),
        (1e-3, 4.9968174978044846e-7, 1.9111823875757627e-3),
        (1e-4, 4.9996816960793896e-9, 1.9099917550936266e-4),
        (1e-6, 4.9999968169017343e-13, 1.909860641626731e-6),
        (1e-8, 4.9999999681690117e-17, 1.9098593303479983e-8),
        (1e-10, 4.9999999996816905e-21, 1.9098593172351966e-10),
        (1e-12, 4.9999999999968167e-25, 1.9098593171040685e-12),
    ],
    (3, 0.1): [
        (1e-1, 4.7133631491024188e-3, 0.21296960954212468),
        (1e-2, 4.9709348754223904e-5, 2.0206362845469569e-2),
        (1e-3, 4.9970896014561805e-7, 2.0085603472115177e-3),
        (1e-4, 4.9997089214187634e-9, 2.0073407628514369e-4),
        (1e-6, 4.9999970891716026e-13, 2.0072064751562436e-6),
        (1e-8, 4.999999970891712e-17, 2.0072051321457241e-8),
        (1e-10, 4.9999999997089175e-21, 2.0072051187156055e-10),
        (1e-12, 4.999999999997089e-25, 2.0072051185813042e-12),
    ],
}
# The same for the angle pi minus the one given: k(x, z) itself.
OPPOSITE = {
    (1, 0.0): [
        (1e-1, 1.0599722998621976e-4, -3.1565969030218384e-2),
        (1e-2, 1.0610223436543235e-7, -3.1828336059867362e-3),
        (1e-3, 1.0610328478426774e-10, -3.1830962092557606e-4),
        (1e-4, 1.0610329528849361e-13, -3.183098835312083e-5),
        (1e-6, 1.0610329539458627e-19, -3.183098861835254e-7),
        (1e-8, 1.061032953945969e-25, -3.1830988618379065e-9),
        (1e-10, 1.061032953945969e-31, -3.1830988618379068e-11),
        (1e-12, 1.0610329539459688e-37, -3.1830988618379067e-13),
    ],
    (3, 0.0): [
        (1e-1, 0.49376305602329849, 0.67625835129295087),
        (1e-2, 0.49373112219631082, 0.68474889811127674),
        (1e-3, 0.4937310902323678, 0.68561264765954521),
        (1e-4, 0.49373109020040354, 0.68569903740578802),
        (1e-6, 0.49373109020037155, 0.68570854029416945),
        (1e-8, 0.49373109020037155, 0.68570863532305476),
        (1e-10, 0.49373109020037155, 0.68570863627334361),
        (1e-12, 0.49373109020037155, 0.6857086362828465),
    ],
    (3, 0.1): [
        (1e-1, 0.8248334198976116, 1.1573412087785156),
        (1e-2, 0.82450284742404636, 1.1567109609307079),
        (1e-3, 0.82449956122530421, 1.1567048073796409),
        (1e-4, 0.82449952836527936, 1.1567047458591416),
        (1e-6, 0.82449952803339331, 1.1567047452377861),
        (1e-8, 0.82449952803336012, 1.1567047452377239),
        (1e-10, 0.82449952803336011, 1.1567047452377239),
        (1e-12, 0.82449952803336011, 1.1567047452377239),
    ],
}
# Two parallel rows of lengths 1 and 1 + 2^-exponent, which only the bias turns against
# each other: k(x, z) of NNGP and NTK at depth 3 with bias variance 0.5, made likewise.
LONGER = [
    (4, 3.0625169500382196, 9.143114481698208),
    (10, 3.000976562569202, 9.0022288578386299),
    (20, 3.0000009536743164, 9.000002176516117),
    (30, 3.0000000009313226, 9.0000000021255039),
    (40, 3.0000000000009095, 9.0000000000020757),
]


def _unit_rows(angles):
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _columns(table, setting):
    """Angles, and the references by kernel."""
    angles, nngp, ntk = np.array(table[setting]).T
    return angles, {NNGP: nngp, NTK: ntk}


def _own(network, depth, bias_variance):
    """k(x, x) of relu for a unit row of two features, in closed form."""
    layers = 1.0 + bias_variance * np.arange(1, depth + 2)
    return layers.sum() if network is NTK else layers[-1]


def _random_rows(n=12, n_features=4, dtype=np.float64):
    return np.random.RandomState(0).normal(size=(n, n_features)).astype(dtype)


def _assert_entries_close(K, reference, own_x, own_z, tolerance):
    """Errors against the size of an entry, ``sqrt(k(x, x) k(z, z))``."""
    scale = np.sqrt(own_x)[:, None] * np.sqrt(own_z)
    assert np.all(np.abs(K - reference) <= tolerance * scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", GAPS)
@pytest.mark.parametrize("network", NETWORKS)
class TestAngles:
    # In float64 few close pairs are refined by another routine than many.
    @pytest.mark.parametrize("n_far", [0, 200])
    @pytest.mark.parametrize("table", [GAPS, OPPOSITE], ids=["near_0", "near_pi"])
    def test_few_eps_of_the_kernel_are_lost(
        self, network, setting, dtype, table, n_far
    ):
        angles, references = _columns(table, setting)
        others = _unit_rows(angles) * (1.0 if table is GAPS else -1.0)
        rows = np.vstack([[[1.0, 0.0]], np.tile([0.0, 1.0], (n_far, 1))])
        kernel = network(depth=setting[0], bias_variance=setting[1])
        row = kernel(rows.astype(dtype), others.astype(dtype))[0]
        own = _own(network, *setting)
        # A subtraction of numbers this close is exact: the difference of k(x, x) is as
        # good as the dtype can hold.
        result = own - row.astype(float) if table is GAPS else row
        error = np.abs(result - references[network])
        assert np.max(error) <= 8.0 * np.finfo(dtype).eps * own

    def test_diagonal_is_exact(self, network, setting, dtype):
        kernel = network(depth=setting[0], bias_variance=setting[1])
        rows = _unit_rows(np.linspace(0.0, 3.0, 9)).astype(dtype)
        own = _own(network, *setting)
        np.testing.assert_allclose(kernel.diag(rows), own, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("network", NETWORKS)
def test_small_angles_between_many_features(network):
    basis = np.linalg.qr(_random_rows(50, 2))[0].T
    angles, references = _columns(GAPS, (3, 0.0))
    others = _unit_rows(angles) @ basis
    # The rows of two features had length 1 = weight_variance / n_features.
    kernel = network(depth=3, bias_variance=0.0)
    row = kernel(np.sqrt(25.0) * basis[:1], np.sqrt(25.0) * others)[0]
    own = _own(network, 3, 0.0)
    np.testing.assert_allclose(own - row, references[network], rtol=0, atol=8e-16 * own)


@pytest.mark.parametrize("n_features", [2, 15, 16, 200])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("network", NETWORKS)
def test_single_precision_at_any_angle(network, activation, n_features):
    generator = np.random.default_rng(0)
    first = generator.standard_normal(n_features)
    away = generator.standard_normal((900, n_features))
    rows = first + np.geomspace(1e-4, 30.0, 900)[:, None] * away
    rows[::2] *= -1.0
    rows = rows.astype(np.float32)
    kernel = network(6, activation)
    exact, own = kernel(rows.astype(float)), kernel.diag(rows.astype(float))
    tolerance = 6.0 * np.finfo(np.float32).eps
    _assert_entries_close(kernel(rows), exact, own, own, tolerance)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_bias_turns_parallel_rows_by_little(network):
    exponents, nngp, ntk = np.array(LONGER).T
    others = np.column_stack([1.0 + 0.5**exponents, np.zeros(len(LONGER))])
    row = network(depth=3, bias_variance=0.5)([[1.0, 0.0]], others)[0]
    reference = nngp if network is NNGP else ntk
    np.testing.assert_allclose(row, reference, rtol=8 * np.finfo(float).eps)


@pytest.mark.parametrize("bias_variance", [0.0, 0.1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("network", NETWORKS)
class TestOneSetOfRows:
    def _kernel_and_rows(self, network, activation, dtype, bias_variance):
        rows = _random_rows(n=300, dtype=dtype)
        # duplicates, opposites, multiples, a zero row, and rows in the same tile or not
        rows[[5, 250]] = rows[3]
        rows[7], rows[299], rows[8] = -rows[3], 3.0 * rows[3], 0.0
        return network(2, activation, bias_variance=bias_variance), rows

    def test_symmetric_with_the_diagonal_of_diag(
        self, network, activation, dtype, bias_variance
    ):
        kernel, rows = self._kernel_and_rows(network, activation, dtype, bias_variance)
        K = kernel(rows)
        assert K.dtype == kernel.diag(rows).dtype == dtype
        assert np.array_equal(K, K.T)
        assert np.array_equal(K.diagonal(), kernel.diag(rows))

    def test_equals_that_of_two_sets(self, network, activation, dtype, bias_variance):
        kernel, rows = self._kernel_and_rows(network, activation, dtype, bias_variance)
        K, own = kernel(rows), kernel.diag(rows)
        tolerance = 1e-14 if dtype == np.float64 else 1e-6
        _assert_entries_close(kernel(rows, rows.copy()), K, own, own, tolerance)
        _assert_entries_close(
            kernel(rows[40:50], rows[:200]),
            K[40:50, :200],
            own[40:50],
            own[:200],
            tolerance,
        )

    def test_equal_rows_have_equal_entries(
        self, network, activation, dtype, bias_variance
    ):
        kernel, rows = self._kernel_and_rows(network, activation, dtype, bias_variance)
        K = kernel(rows)
        equal = [3, 5, 250]
        np.testing.assert_allclose(
            K[np.ix_(equal, equal)], K[3, 3], rtol=8 * np.finfo(dtype).eps
        )


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("network", NETWORKS)
def test_threads_change_no_bit(network, activation):
    kernel, rows = network(2, activation), _random_rows(n=300)
    others = rows[:170] + 0.1
    assert np.array_equal(kernel(rows, n_jobs=2), kernel(rows))
    assert np.array_equal(kernel(rows, others, n_jobs=2), kernel(rows, others))


@pytest.mark.parametrize("network", NETWORKS)
class TestInputs:
    def test_float32_carries_single_precision(self, network):
        for activation in ACTIVATIONS:
            kernel = network(3, activation)
            rows = _random_rows(dtype=np.float32)
            exact, own = kernel(rows.astype(float)), kernel.diag(rows.astype(float))
            _assert_entries_close(kernel(rows), exact, own, own, 2e-6)

    def test_any_float64_makes_it_float64(self, network):
        rows = _random_rows(dtype=np.float32)
        K = network()(rows, rows.astype(float))
        assert K.dtype == np.float64
        np.testing.assert_allclose(K, network()(rows.astype(float)), rtol=1e-13)

    def test_integers_and_lists(self, network):
        rows = [[1, 2], [-3, 0]]
        expected = network()(np.array(rows, dtype=float))
        for same in (rows, np.array(rows), np.array(rows, dtype=np.int8)):
            K = network()(same)
            assert K.dtype == np.float64
            np.testing.assert_array_equal(K, expected)
            np.testing.assert_array_equal(network().diag(same), expected.diagonal())

    def test_input_is_not_written_to(self, network):
        rows = _random_rows()
        rows.setflags(write=False)
        network(3)(rows)
        network(3)(rows, rows[:3])

    def test_memory_order_does_not_matter(self, network):
        rows = _random_rows(20, 8)
        expected, own = network(2)(rows), network(2).diag(rows)
        strided = np.repeat(rows, 2, axis=1)[:, ::2]
        for same in (np.asfortranarray(rows), strided):
            _assert_entries_close(network(2)(same), expected, own, own, 1e-14)


@pytest.mark.parametrize("network", NETWORKS)
class TestLengths:
    @pytest.mark.parametrize("activation", PIECEWISE_LINEAR)
    def test_zero_rows_without_bias_give_zero(self, network, activation):
        rows = np.vstack([np.zeros((2, 4)), _random_rows(3)])
        K = network(2, activation, bias_variance=0.0)(rows)
        assert not K[:2].any()
        assert np.all(K.diagonal()[2:] > 0)

    @pytest.mark.parametrize("bias_variance", [0.0, 0.1])
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_a_zero_row_is_the_limit_of_tiny_ones(
        self, network, activation, bias_variance
    ):
        kernel = network(2, activation, bias_variance=bias_variance)
        rows, tiny = _random_rows(3), 1e-120 * _random_rows(1)
        zero = np.zeros((1, 4))
        for others in (rows, zero):
            np.testing.assert_allclose(
                kernel(zero, others), kernel(tiny, others), rtol=1e-12, atol=1e-100
            )

    @pytest.mark.parametrize(
        ("dtype", "scale"),
        [
            (np.float64, 1e-120),
            (np.float64, 1e120),
            (np.float32, 1e-15),
            (np.float32, 1e15),
        ],
    )
    @pytest.mark.parametrize("bias_variance", [0.0, 0.1])
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_extreme_rows_stay_finite(
        self, network, activation, bias_variance, dtype, scale
    ):
        kernel = network(3, activation, bias_variance=bias_variance)
        rows = (scale * _random_rows()).astype(dtype)
        rows[1], rows[2] = rows[0], 0.0
        K = kernel(rows, np.vstack([rows, _random_rows(5, dtype=dtype)]))
        assert np.isfinite(K).all()
        assert np.array_equal(kernel(rows).diagonal(), kernel.diag(rows))

    @pytest.mark.parametrize("scales", [(1e-120, 1e120), (1e120, 1e120), (1e-120, 1.0)])
    @pytest.mark.parametrize("activation", PIECEWISE_LINEAR)
    def test_without_bias_homogeneous(self, network, activation, scales):
        kernel = network(3, activation, bias_variance=0.0)
        rows, others = _random_rows(), _random_rows(5) + 0.3
        s, t = scales
        np.testing.assert_allclose(
            kernel(s * rows, t * others), s * t * kernel(rows, others), rtol=1e-13
        )

    @pytest.mark.parametrize("scales", [(1e-120, 1e-100), (1e-30, 1e-20)])
    @pytest.mark.parametrize(
        ("activation", "slope"),
        [("erf", 2.0 / np.sqrt(np.pi)), ("sin", 1.0), ("gelu", 0.5)],
    )
    def test_tiny_rows_see_a_linear_network(self, network, activation, slope, scales):
        rows, others = _random_rows(), _random_rows(5) + 0.3
        s, t = scales
        K = network(3, activation, bias_variance=0.0)(s * rows, t * others)
        covariance = 2.0 * (2.0 * slope**2) ** 3 * rows @ others.T / 4.0
        expected = covariance if network is NNGP else 4.0 * covariance
        np.testing.assert_allclose(K / (s * t), expected, rtol=1e-12, atol=1e-15)


def test_deep_gelu_keeps_the_diagonal_of_long_rows():
    # Rows this long see a relu, whose derivative at angle 0 is known only if the angle
    # is: a rounded cosine loses half of the digits.
    rows = 1e120 * _random_rows()
    relu, gelu = (
        NTK(3, activation, bias_variance=0.0).diag(rows)
        for activation in ("relu", "gelu")
    )
    np.testing.assert_allclose(gelu, relu, rtol=1e-14)
