"""Linear algebra: it knows no kernel and no targets."""

from sklearn_msk._linalg._block_krylov import RitzPairs, block_krylov, worst_residual
from sklearn_msk._linalg._full_eigh import full_eigh
from sklearn_msk._linalg._orthonormal import combine, complement, orthonormalise
from sklearn_msk._linalg._status import Status

__all__ = [
    "RitzPairs",
    "Status",
    "block_krylov",
    "combine",
    "complement",
    "full_eigh",
    "orthonormalise",
    "worst_residual",
]
