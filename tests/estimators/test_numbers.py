"""Tables that hold something else than numbers."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import make_friedman1

from sklearn_msk import (
    LearnedMetric,
    MSKClassifier,
    MSKClassifierCV,
    MSKKernel,
    MSKRegressor,
    MSKRegressorCV,
    PartitionedClassifier,
    PartitionedRegressor,
)
from sklearn_msk.finite_width import WideNetworkRegressor

N = 40
X, y = make_friedman1(N, n_features=5, random_state=0)
LABELS = (y > np.median(y)).astype(int)
FRAME = pd.DataFrame(X[:, :3], columns=list("abc"))
DATES = pd.date_range("2020-01-01", periods=N)

SMALL = MSKRegressor(max_iter=2)
ALL = [
    MSKRegressor(),
    MSKClassifier(),
    MSKRegressorCV("rbf", metrics="none"),
    MSKClassifierCV("rbf", metrics="none"),
    MSKKernel(),
    LearnedMetric(),
    WideNetworkRegressor(width=64, k=0, max_iter=2),
    PartitionedRegressor(SMALL, global_estimator=SMALL),
    PartitionedClassifier(SMALL, global_estimator=MSKClassifier(max_iter=2)),
]
REGRESSORS = [ALL[0], ALL[2], ALL[6], ALL[7]]

TEXT = (ValueError, "text", "OneHotEncoder")
DATED = (TypeError, "dates", "dates.min")
LASTING = (TypeError, "durations", "np.timedelta64")
COLUMNS = {
    "strings": (["Ulm", "Bonn"] * (N // 2), TEXT),
    "categories": (pd.Categorical(["Ulm", "Bonn"] * (N // 2)), TEXT),
    "dates": (DATES, DATED),
    "dates with a zone": (DATES.tz_localize("UTC"), DATED),
    "periods": (DATES.to_period("D"), DATED),
    "date objects": (DATES.date, DATED),
    "durations": (DATES - DATES[0], LASTING),
}


def _targets(estimator):
    return LABELS if "Classifier" in type(estimator).__name__ else y


def _name(estimator):
    return type(estimator).__name__


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("estimator", ALL, ids=_name)
def test_column_is_named(estimator, kind):
    column, (error, held, advice) = COLUMNS[kind]
    frame = FRAME.assign(city=column)
    with pytest.raises(error) as caught:
        estimator.fit(frame, _targets(estimator))
    message = str(caught.value)
    expected = f"X of {_name(estimator)} must hold numbers. Got {held} in column 'city'"
    assert message.startswith(expected)
    assert advice in message
    assert "\n" not in message


@pytest.mark.parametrize("estimator", ALL, ids=_name)
@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"when": DATES}),
        pl.DataFrame({"when": pl.Series(DATES.to_list())}),
        DATES.to_numpy()[:, None],
        [[np.datetime64("2020-01-01")]] * N,
        [[datetime.date(2020, 1, 1)]] * N,
    ],
    ids=["pandas", "polars", "array", "list", "objects"],
)
def test_dates_alone_are_no_integers(estimator, rows):
    with pytest.raises(
        TypeError, match=r"Got dates in column ('when'|0), such as '2020"
    ):
        estimator.fit(rows, _targets(estimator))


@pytest.mark.parametrize("estimator", ALL, ids=_name)
def test_text_in_arrays_and_lists(estimator):
    rows = X.astype(object)
    rows[3, 1] = "Ulm"
    for given in (rows, rows.tolist()):
        with pytest.raises(ValueError, match="text in column 1, such as 'Ulm'"):
            estimator.fit(given, _targets(estimator))


@pytest.mark.parametrize("estimator", ALL, ids=_name)
def test_rows_to_predict_for(estimator):
    estimator.fit(FRAME, _targets(estimator))
    method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    with pytest.raises(ValueError, match="text in column 'b'"):
        method(FRAME.assign(b="Ulm"))
    with pytest.raises(TypeError, match="dates in column 'b'"):
        method(FRAME.assign(b=DATES))


@pytest.mark.parametrize("estimator", REGRESSORS, ids=_name)
@pytest.mark.parametrize(
    ("targets", "error", "expected"),
    [
        (np.array(["a", "b"] * (N // 2)), ValueError, "text, .* 'a'.*MSKClassifier"),
        (pd.Series(["a", "b"] * (N // 2)), ValueError, "text, .* 'a'.*MSKClassifier"),
        (DATES, TypeError, "dates, such as"),
        (DATES.tz_localize("UTC"), TypeError, "dates, such as"),
        (DATES - DATES[0], TypeError, "durations, such as"),
        (pd.DataFrame({"u": DATES, "v": DATES}), TypeError, "dates in column 'u'"),
    ],
)
def test_targets_of_regressors(estimator, targets, error, expected):
    message = f"^y of {_name(estimator)} must hold numbers. Got {expected}"
    with pytest.raises(error, match=message):
        estimator.fit(X, targets)


def test_dates_as_targets_of_a_metric_are_no_integers():
    with pytest.raises(TypeError, match=r"y of LearnedMetric .* Got dates"):
        LearnedMetric().fit(X, DATES)


def test_rows_that_judge():
    model = MSKRegressor()
    with pytest.raises(ValueError, match="text in column 'a'"):
        model.fit(FRAME, y, X_val=FRAME.assign(a="Ulm"), y_val=y)
    with pytest.raises(TypeError, match=r"^y of MSKRegressor .* Got dates"):
        model.fit(FRAME, y, X_val=FRAME, y_val=DATES)


@pytest.mark.parametrize(
    "kind", [MSKClassifier, MSKClassifierCV, PartitionedClassifier]
)
def test_several_labels_a_row(kind):
    expected = rf"y of {kind.__name__} .* \(40, 2\) .*MultiOutputClassifier"
    with pytest.raises(ValueError, match=expected):
        kind().fit(X, np.c_[LABELS, LABELS])


@pytest.mark.parametrize("kind", [MSKClassifier, MSKClassifierCV])
def test_labels_may_be_anything(kind):
    model = kind().fit(X, DATES.to_numpy()[LABELS])
    assert model.predict(X).dtype.kind == "M"


def test_numbers_in_any_container_are_numbers():
    columns = {"a": pd.Categorical([1, 2] * (N // 2)), "b": ["1.5", "2"] * (N // 2)}
    frame = pd.DataFrame(columns).assign(c=True, d=X[:, 0])
    assert MSKRegressor().fit(frame, y.astype(object)).n_features_in_ == 4


@pytest.mark.parametrize("entry", [None, pd.NA, {}, object()])
def test_other_entries_keep_the_error_of_scikit_learn(entry):
    rows = X.astype(object)
    rows[0, 0] = entry
    with pytest.raises((TypeError, ValueError)) as caught:
        MSKRegressor().fit(rows, y)
    assert "must hold numbers" not in str(caught.value)
