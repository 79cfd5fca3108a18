"""Slices of a range."""


def batches(n: int, size: int) -> list[slice]:
    """Slices of `size` numbers from 0 to n; the last slice holds what is left.

    `sklearn.utils.gen_batches` takes longer to check its arguments than the evaluation
    of a small tile of a kernel matrix takes.

    Parameters
    ----------
    n, size : int

    Returns
    -------
    list of slice
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
