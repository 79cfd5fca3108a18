"""What the steps of a pipeline make of the rows before the last one sees them."""

from dataclasses import dataclass
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags


class Recorder(BaseEstimator):
    """Stands for the last step of a pipeline, and keeps what reaches that step.

    Parameters
    ----------
    estimator : estimator
        The step that it stands for.

    Attributes
    ----------
    received_ : tuple
        (X, y, sample_weight) and a dict of the other arguments, as the last step is
        fitted with them.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Tags:
        return self.estimator.__sklearn_tags__()

    def get_metadata_routing(self) -> Any:
        """Route what the step asks for."""
        return self.estimator.get_metadata_routing()

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, **others: Any
    ) -> Self:
        """Keep the data."""
        self.received_ = (X, y, sample_weight), others
        return self

    def predict(self, X: Any) -> Any:
        """Return the rows as the last step sees them."""
        return X


@dataclass(frozen=True, eq=False)
class FittedSteps:
    """The steps before the last one, fitted, and what they make of the training rows.

    Attributes
    ----------
    recorded : Recorder or Pipeline that ends in one
    """

    recorded: Any

    @property
    def received(self) -> tuple[tuple[Any, Any, Any], dict]:
        """(X, y, sample_weight), and what else the last step is fitted with."""
        last = self.recorded
        if isinstance(last, Pipeline):
            last = last.steps[-1][1]
        return last.received_

    def transform(self, X: Any) -> Any:
        """Rows as the last step sees them in `predict`."""
        return self.recorded.predict(X)

    def completed_by(self, model: Any) -> Any:
        """Return the whole estimator, its last step a fitted model."""
        if not isinstance(self.recorded, Pipeline):
            return model
        parameters = self.recorded.get_params(deep=False)
        parameters["steps"] = [
            *self.recorded.steps[:-1],
            (self.recorded.steps[-1][0], model),
        ]
        return type(self.recorded)(**parameters)


def fit_steps(estimator: Any, X: Any, y: Any, fit_params: dict) -> FittedSteps:
    """Fit the steps before the last one.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Its own object: the last step is replaced.
    X, y
        Training rows of a fold.
    fit_params : dict
        What `fit` is called with besides.

    Returns
    -------
    FittedSteps
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        recorded = estimator.set_params(**{name: Recorder(last)})
    else:
        recorded = Recorder(estimator)
    return FittedSteps(recorded.fit(X, y, **fit_params))


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
