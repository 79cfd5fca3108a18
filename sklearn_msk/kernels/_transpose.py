"""Transposed copies of tiles, as fast as straight ones.

Loops, NumPy's and compiled ones alike, move a transposed copy one entry at a time,
which takes longer than its memory does. Here square blocks as wide as a register are
loaded row by row, transposed within the registers and stored row by row.
"""

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_item_pointer
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from sklearn_msk.kernels._jit import compiled

# Bytes of a register; two of them, where those of a processor are half as wide.
_REGISTER = 32


@compiled
def copy_transposed(source, target):
    """Write the transpose of an array to another.

    Parameters
    ----------
    source : ndarray of shape (n, m)
    target : ndarray of shape (m, n)
        Of the same dtype. Entries of a row are adjacent in both.
    """
    side = _REGISTER // source.itemsize
    n, m = source.shape
    rows_in_blocks, columns_in_blocks = n - n % side, m - m % side
    for column in range(0, columns_in_blocks, side):
        for row in range(0, rows_in_blocks, side):
            _copy_block(source, target, row, column)
    for column in range(m):
        for row in range(rows_in_blocks if column < columns_in_blocks else 0, n):
            target[column, row] = source[row, column]


@intrinsic
def _copy_block(typing_context, source, target, row, column):
    """Copy the square block from this row and column on, a register wide."""

    def generate(context, builder, signature, arguments):
        source_array, target_array, first_row, first_column = arguments
        item = source.dtype.bitwidth // 8
        side = _REGISTER // item
        register = ir.VectorType(context.get_value_type(source.dtype), side)

        def address(kind, array, i, j):
            array = make_array(kind)(context, builder, array)
            entry = get_item_pointer(context, builder, kind, array, (i, j))
            return builder.bitcast(entry, register.as_pointer())

        registers = []
        for k in range(side):
            i = builder.add(first_row, ir.Constant(first_row.type, k))
            entry = address(source, source_array, i, first_column)
            registers.append(builder.load(entry, align=item))
        for k, transposed in enumerate(_transpose(builder, registers)):
            j = builder.add(first_column, ir.Constant(first_column.type, k))
            entry = address(target, target_array, j, first_row)
            builder.store(transposed, entry, align=item)
        return context.get_dummy_value()

    return types.void(source, target, row, column), generate


def _transpose(builder, registers):
    """Transpose a square block by perfect shuffles.

    The place of an entry is the binary number (row, column), ``log2(side)`` digits
    each. Interleaving the first half of the rows with the second rotates all digits by
    one, so that doing it ``log2(side)`` times exchanges row and column.

    References
    ----------
    H. Stone, *Parallel Processing with the Perfect Shuffle*, IEEE Transactions on
    Computers, 1971.
    """
    side = len(registers)
    half = side // 2
    indices = ir.VectorType(ir.IntType(32), side)
    lower = [k // 2 + side * (k % 2) for k in range(side)]
    upper = [half + k for k in lower]
    masks = [ir.Constant(indices, mask) for mask in (lower, upper)]
    for _ in range(side.bit_length() - 1):
        registers = [
            builder.shuffle_vector(first, second, mask)
            for first, second in zip(registers[:half], registers[half:], strict=True)
            for mask in masks
        ]
    return registers
