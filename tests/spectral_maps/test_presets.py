"""Named maps and their values."""

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_msk.spectral_maps import Flatten, Identity, Lift, Power
from sklearn_msk.spectral_maps._evaluation import (
    modified_eigenvalues,
    resolve_spectral_map,
)

EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.5])


@pytest.mark.parametrize(
    ("g", "expected"),
    [
        (Identity(), [4.0, 2.0, 1.0, 0.5]),
        (Flatten(), [0.5, 0.5, 0.5, 0.5]),
        (Flatten(level=1.5), [1.5, 1.5, 1.0, 0.5]),
        (Flatten(level=0.1), [0.1, 0.1, 0.1, 0.1]),
        (Lift(), [4.0, 4.0, 4.0, 4.0]),
        (Lift(level=1.5), [4.0, 2.0, 1.5, 1.5]),
        (Power(exponent=0), [4.0, 4.0, 4.0, 4.0]),
        (Power(exponent=1), [4.0, 2.0, 1.0, 0.5]),
        (Power(exponent=2), [4.0, 1.0, 0.25, 0.0625]),
        (np.sqrt, np.sqrt(EIGENVALUES)),
    ],
)
def test_values(g, expected):
    np.testing.assert_allclose(modified_eigenvalues(g, EIGENVALUES), expected)


def test_names():
    for kind in (Identity, Flatten, Lift, Power):
        assert type(resolve_spectral_map(kind.__name__.lower())) is kind
    assert resolve_spectral_map("power").exponent == 0.5
    assert resolve_spectral_map(np.sqrt) is np.sqrt


def test_presets_are_estimators():
    g = clone(Power(exponent=0.5)).set_params(exponent=2)
    assert g.get_params() == {"exponent": 2}
