"""What the data choose: the number of steps, by rows that are held out."""

from sklearn_msk._selection._early_stopping import StoppedPath, hold_out, score_path

__all__ = ["StoppedPath", "hold_out", "score_path"]
