import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import r2_score

from sklearn_msk._scores import r2


def draw(n_targets, seed=0):
    rng = np.random.default_rng(seed)
    shape = (60,) if n_targets is None else (60, n_targets)
    y = rng.normal(size=shape) + 3.0
    return y, y + 0.3 * rng.normal(size=shape), rng.uniform(size=60)


@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_r2_is_that_of_scikit_learn(n_targets, weighted):
    y, f, weights = draw(n_targets)
    weights = weights if weighted else None
    expected = r2_score(y, f, sample_weight=weights)
    assert r2(y, f, weights) == pytest.approx(expected, rel=1e-12)
    assert isinstance(r2(y, f, weights), float)
    assert r2(y.tolist(), f.tolist(), weights) == r2(y, f, weights)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e160, 1e300])
@pytest.mark.parametrize("weight", [None, 1e-320, 1e307, 1.7e308])
def test_r2_does_not_depend_on_the_scale(scale, weight):
    y, f, _ = draw(2)
    weights = None if weight is None else np.full(60, weight)
    # One column in other units than the other, too.
    scales = np.array([scale, 1.0])
    assert r2(y * scales, f * scales, weights) == pytest.approx(r2(y, f), rel=1e-12)


def test_r2_of_constant_targets_is_that_of_scikit_learn():
    for y in ([0.1] * 7, [3e300] * 7):
        y = np.array(y)
        assert r2(y, y) == 1.0
        assert r2(y, 1.1 * y) == 0.0


def test_r2_of_predictions_that_are_no_numbers():
    y, f, _ = draw(None)
    for value in (np.nan, np.inf, -np.inf):
        assert np.isnan(r2(y, np.where(np.arange(60) == 3, value, f)))
    assert r2(y, np.full(60, 1e200)) == -np.inf


def test_r2_names_what_is_wrong():
    y, f, _ = draw(2)
    with pytest.raises(ValueError, match="different number of output"):
        r2(y, f[:, 0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        r2(y, f[:-1])
    with pytest.raises(ValueError, match="NaN"):
        r2(np.full(60, np.nan), f[:, 0])
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(r2(y[:1], f[:1]))
