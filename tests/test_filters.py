"""Which filters of several ask for most."""

from sklearn_msk._filters import SpectralFilter, extremes, longest


def test_extremes_of_filters():
    """The shortest and the longest time, at the least and the largest ridge."""
    filters = [
        SpectralFilter(dynamics, T, eta, ridge)
        for dynamics in ("flow", "descent")
        for T, eta in ((10, 1.0), (100, 0.5), (30, 0.01))
        for ridge in (0.0, 0.2, 0.1)
    ]
    expected = {
        SpectralFilter(dynamics, T, eta, ridge)
        for dynamics in ("flow", "descent")
        for T, eta in ((30, 0.01), (100, 0.5))
        for ridge in (0.0, 0.2)
    }
    found = extremes(filters)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert longest(filters) == SpectralFilter("flow", 100, 0.5, 0.0)
