"""Maps of the user's: what they are shown, and what they may not return."""

import math

import numpy as np
import pytest

from sklearn_msk.spectral_maps import Flatten, Lift, Power
from sklearn_msk.spectral_maps._evaluation import (
    modified_eigenvalues,
    resolve_spectral_map,
)

EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.5])


def test_map_cannot_write_to_the_eigenvalues():
    eigenvalues = EIGENVALUES.copy()

    def careless(lam):
        lam *= 0.5
        return lam

    np.testing.assert_allclose(
        modified_eigenvalues(careless, eigenvalues), EIGENVALUES / 2
    )
    np.testing.assert_array_equal(eigenvalues, EIGENVALUES)


def test_map_is_not_called_without_eigenvalues():
    def fails(lam):
        raise AssertionError

    assert modified_eigenvalues(fails, np.empty(0)).shape == (0,)


def test_zero_is_legal_only_where_allowed():
    g = lambda lam: np.where(lam > 1, lam, 0.0)  # noqa: E731
    assert modified_eigenvalues(g, EIGENVALUES, allow_zero=True)[-1] == 0
    with pytest.raises(ValueError, match=r"> 0: at eigenvalue 2 .*, 1, it returned 0"):
        modified_eigenvalues(g, EIGENVALUES)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (lambda lam: lam[:2], r"shape of the eigenvalues, \(4,\). Got shape \(2,\)"),
        (lambda lam: 1.0, r"Got shape \(\)"),
        (lambda lam: lam * np.nan, "at eigenvalue 0 .*, 4, it returned nan"),
        (lambda lam: lam - 1, "at eigenvalue 2 .*, 1, it returned 0"),
        (lambda lam: -lam, "at eigenvalue 0 .*, 4, it returned -4"),
        (lambda lam: lam / (lam > 1), "at eigenvalue 2 .*, 1, it returned inf"),
        (lambda lam: "many", "failed on an array of 4 eigenvalues between 0.5 and 4"),
        (lambda lam: lam + 0j, "must return real numbers, not dtype complex128"),
        (lambda lam: 1 / 0, "failed on an array .*division by zero"),
        (math.sqrt, "failed on an array .*np.sqrt, not math.sqrt"),
        (lambda lam: math.sqrt(lam), "failed on an array .*np.sqrt, not math.sqrt"),
        (Flatten(level=0), "'level' of Flatten must be None or a finite .* Got 0"),
        (Lift(level="high"), "'level' of Lift must be .* Got 'high'"),
        (Power(exponent=np.nan), "'exponent' of Power must be a finite .* Got nan"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_values(g, message):
    with pytest.raises(ValueError, match=message):
        modified_eigenvalues(g, EIGENVALUES)


def test_what_a_map_raised_is_the_cause():
    with pytest.raises(ValueError, match=r"division by zero$") as caught:
        modified_eigenvalues(lambda lam: 1 / 0, EIGENVALUES)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("g", ["root", "", 3, None, Flatten])
def test_unknown_map(g):
    with pytest.raises(ValueError, match=r"'g' parameter must be one of \['identity'"):
        resolve_spectral_map(g)


@pytest.mark.parametrize(
    ("g", "nearest"),
    [("flaten", "flatten"), ("Lift", "lift"), ("powr", "power"), ("id", None)],
)
def test_nearest_name(g, nearest):
    with pytest.raises(ValueError, match="'g' parameter") as caught:
        resolve_spectral_map(g)
    suggestion = f"Did you mean '{nearest}'?" if nearest else f"Got {g!r} instead."
    assert str(caught.value).endswith(suggestion)
