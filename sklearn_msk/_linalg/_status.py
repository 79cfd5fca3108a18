"""How a computation ended."""

from enum import StrEnum


class Status(StrEnum):
    """How an iteration ended; callers read it, nobody catches it.

    Its values are strings, so that files of models, which know no enumerations, hold
    them: compare them by ``==`` there.

    Attributes
    ----------
    CONVERGED
        The result is as accurate as was asked for, or says how accurate it is.
    INEXACT_PRODUCTS
        The products of the operator are not exact enough: take a more exact operator.
    BREAKDOWN
        The iteration did not converge: take another method.
    """

    CONVERGED = "converged"
    INEXACT_PRODUCTS = "inexact products"
    BREAKDOWN = "breakdown"
