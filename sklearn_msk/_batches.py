"""Slices of a range."""


def batches(n, size):
    """Slices of so many numbers from 0 to n, the last one of what is left.

    As `sklearn.utils.gen_batches`, which takes longer to check its arguments than a
    small tile of a kernel matrix takes.

    Parameters
    ----------
    n, size : int

    Returns
    -------
    list of slice
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
