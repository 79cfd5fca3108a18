"""How far training goes: the gain of every mode after T steps."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """Number of steps, their size and the ridge.

    Attributes
    ----------
    dynamics : {"flow", "descent"}
        The continuous limit at time ``eta T``, or T discrete steps.
    max_iter : int or inf
        T; inf is the limit.
    learning_rate : float
        eta, absolute: a step on A.
    ridge : float
        ``alpha / n``, in units of the eigenvalues of A.
    """

    dynamics: str
    max_iter: float
    learning_rate: float
    ridge: float = 0.0

    def gain(self, rates, noise):
        """Coefficient that each mode has gained, per unit of its right-hand side.

        With ``x`` the rate of the mode, ``d = x + ridge`` and ``z = eta d``::

            p_T(x) = (1 - exp(-T z)) / d       flow
            p_T(x) = (1 - (1 - z)^T) / d       descent
            p_inf(x) = 1 / d

        Parameters
        ----------
        rates : ndarray of shape (m,)
            Eigenvalues of ``M = S^(1/2) A S^(1/2)``.
        noise : float
            Modes with ``d <= noise`` are rounding; they gain nothing, at any T.

        Returns
        -------
        ndarray of shape (m,)
        """
        damping = np.maximum(rates, 0.0) + self.ridge
        kept = damping > noise
        gain = np.zeros_like(damping)
        gain[kept] = self._progress(self.learning_rate * damping[kept]) / damping[kept]
        return gain

    def _progress(self, z):
        """``1 - exp(-T z)`` or ``1 - (1 - z)^T``, without cancellation."""
        if np.isinf(self.max_iter):
            return np.ones_like(z)
        if self.dynamics == "flow":
            return -np.expm1(-self.max_iter * z)
        # log1p serves small z; from 1/2 on the power itself is far from 1.
        small = z < 0.5
        progress = 1.0 - (1.0 - z) ** int(self.max_iter)
        progress[small] = -np.expm1(self.max_iter * np.log1p(-z[small]))
        return progress


def longest(schedules):
    """Return the schedule of most steps; of those, the one of the largest step."""
    return max(schedules, key=lambda s: (s.max_iter, s.learning_rate, -s.ridge))


def extremes(schedules):
    """Return the schedules that a path has to be checked for, to hold for all of them.

    A Krylov space that serves the longest and the shortest time, at the least and at
    the largest ridge, serves what is between.
    """
    chosen = {}
    for dynamics in sorted({schedule.dynamics for schedule in schedules}):
        alike = [schedule for schedule in schedules if schedule.dynamics == dynamics]
        for pick_time in (min, max):
            time = pick_time(_time(schedule) for schedule in alike)
            at_time = [schedule for schedule in alike if _time(schedule) == time]
            for pick_ridge in (min, max):
                chosen[pick_ridge(at_time, key=lambda s: s.ridge)] = None
    return list(chosen)


def _time(schedule):
    return schedule.max_iter * schedule.learning_rate
