"""Every tuned number of the package: one table, part by part, from the bottom up.

An entry is a name, a value, its unit after it, and above it why the number is there and
what measures it: a script or a table of ``benchmarks/``, a test, or "not measured".
Scripts and tests measure the code with the number as it is, none runs through others:
before you change one, run its script with both. Modules import these names; functions
whose threshold a test varies take it as a keyword, with the entry as the default.

Not in the table are numbers that nobody may tune: mathematical constants, factors of
eps that follow from a bound, formats, colours and sizes of drawings, and the defaults
of the estimators, which their signatures state; and the share of the memory that a fit
may hold, which `_memory` documents and another leaf module may not import.

numba compiles `CLOSE_VERSINE` into code that it keeps on disk, and does not see that
this file has changed: after a new value, touch ``kernels/_network_numba.py`` too.
"""

from fractions import Fraction

import numpy as np

# --- Memory -----------------------------------------------------------------

# Peak of the memory while a kernel matrix is computed. Not measured.
DENSE_PEAK = 1.1  # sizes of the kernel matrix

# Arrays of the size of a tile, or of a block of a cross-kernel, that the evaluation of
# one takes, itself included. Not measured.
KERNEL_BLOCK_ARRAYS = 4  # arrays

# Side of a tile on a device: 4096 to 16 384 rows are as fast. `device.py`.
DEVICE_TILE_ROWS = 8192  # rows

# Arrays of the size of a tile that its share of the memory allows for. Not measured.
DEVICE_TILE_ARRAYS = 64  # arrays

# Matrices of float64 that a full decomposition on a device takes. Not measured.
DECOMPOSED_ARRAYS = 3  # matrices

# Compiled functions that are kept in a process. Not measured.
MAX_COMPILED = 64  # functions

# Compiled functions of tiles make up for the seconds that they take to compile.
# `device.py`.
DEVICE_COMPILE_FROM = 10**10  # entries of a kernel matrix

# Arrays of the size of a layer of a network of finite width that a forward pass takes.
# Not measured.
LAYER_ARRAYS = 4  # arrays

# --- Checks and hashes of rows (_validation, _operators/_row_sample) ----------

# A block of this height is checked for finite and symmetric entries while it is in
# cache. Not measured.
CHECKED_ROWS = 256  # rows

# Enough rows for NumPy to be fast, few enough for the parts of a C-contiguous matrix
# that a column touches to stay in cache. Not measured.
HASHED_ROWS = 4096  # rows

# Most rows differ in the first columns already. Not measured.
FIRST_HASHED_COLUMNS = 8  # columns
MAX_HASHED_COLUMNS = 64  # columns

# Sparse rows are hashed in parts of about this size. Not measured.
HASHED_ENTRIES = 2**14  # stored entries

# Columns that rows are sorted by at a time: most rows differ in the first already. Not
# measured.
SORTED_COLUMNS = 8  # columns

# Rows that a sample of landmarks takes at a time, as float64. Not measured.
SAMPLED_ROWS = 65536  # rows

# An eigenvalue below minus this share is no rounding: the kernel is not positive
# semi-definite. The error of `check_positive_semidefinite` states it. Not measured.
NEGATIVE_EIGENVALUE_RTOL = 1e-6  # of the largest eigenvalue

# --- Kernels: precision -------------------------------------------------------

# A function of the user's is tried for symmetry, and a kernel for its digits, on this
# many rows; on fewer where sparse rows have to be made dense. Not measured.
TRIED_ROWS = 100  # rows
TRIED_SPARSE_ROWS = 10  # rows

# Largest legal error of an entry of "rbf": below `NEGATIVE_EIGENVALUE_RTOL`, as such an
# error can make an eigenvalue negative. `test_kernels_digits.py`.
RBF_ERROR = 1e-7  # absolute, the diagonal being 1

# Rounding to float32 that a kernel matrix may have; a kernel with more is evaluated in
# float64. Not measured.
SINGLE_PRECISION_ERROR = 1e-5  # of the spread of the kernel matrix

# A row's kernel with itself exceeds that with an equal row by more than this: white
# noise. Not measured.
WHITE_NOISE_RTOL = 1e-6  # of the kernel value

# Below this versine (an angle of 0.1) the rounding of a matrix product would show in
# the angle: the versine is taken from the difference of the rows instead.
# `test_kernels_angles.py`.
CLOSE_VERSINE = 0.005  # 1 - cos(angle)

# Above this share of close pairs, all differences by `cdist` cost less than a gather.
# Not measured.
MANY_CLOSE_PAIRS = 0.05  # of the pairs of a tile

# Above this size, all differences feature by feature take less memory than a gather.
# Not measured.
GATHERED_ENTRIES = 2**24  # coordinates of close pairs

# Squared distances below this share lose digits in a product, ``|x|^2 - 2 x.z +
# |z|^2``, and are taken from the differences of the rows. `test_kernels_distances.py`.
CLOSE_DISTANCE = 1e-2  # of the squared lengths of the rows

# --- Kernels: speed -----------------------------------------------------------

# Height of a block of a kernel of scikit-learn: the temporaries of one block in each
# thread are all the memory that the matrix takes beyond its own. Not measured.
KERNEL_BLOCK_ROWS = 250  # rows

# Height of a part of a tile in which the temporaries of kernel objects stay in cache:
# benchmarks/README.md, "Kernels of distances".
KERNEL_PART_ROWS = 100  # rows

# Height of a block of which only the diagonal is used. Not measured.
DIAGONAL_BLOCK_ROWS = 25  # rows

# The same on a device, where a call takes longer than a small block. Not measured.
DEVICE_DIAGONAL_ROWS = 1024  # rows

# With more features, distances take so much of the time that single precision gains
# nothing, and its errors, of one sign where distances are alike, are up to 17 times as
# large: benchmarks/README.md, "Rounding".
MAX_SINGLE_PRECISION_FEATURES = 50  # features

# Side of a tile of a network kernel, whose buffers stay in cache. Not a power of two:
# the rows of a transposed copy of such a tile would fall on the same cache lines.
# `kernel_matrices.py`.
NETWORK_TILE_ROWS = 200  # rows and columns

# From here on compiled tiles make up for the time to load numba, half a second:
# `kernel_matrices.py`.
COMPILE_FROM = 4_000_000  # entries of the matrix times hidden layers

# --- Storage of the kernel matrix (_operators) --------------------------------

# Height of a panel of a matrix in memory: few enough rows for the panel to stay in
# cache while both triangles are multiplied. Not measured.
DENSE_PANEL_ROWS = 128  # rows

# Side of a tile of a float32 triangle, which stays in cache while it is used twice:
# `whole_fit.py`.
TRIANGLE_TILE_ROWS = 400  # rows and columns

# Shares of the panels of a triangle that threads take, whatever the number of threads,
# which so does not change the order of sums. Not measured.
TRIANGLE_SHARES = 4  # shares, hence threads at most

# The working memory is divided by this number of threads, whatever their number: tiles,
# and with them the rounding, do not depend on it. Not measured.
MAX_TILE_THREADS = 8  # threads

# Block of rows whose Nyström features are held; products are at full speed from some
# hundred rows on: `large.py`.
FEATURE_BLOCK_ROWS = 2048  # rows

# Partial sums of chunks that a dask worker adds up: a few fit in its memory. Not
# measured.
DASK_SUMS = 4  # sums

# What the factor of landmarks may leave of their kernel matrix; more is a kernel that
# is not positive semi-definite. Not measured.
LANDMARK_REMAINDER = 1e-8  # of the largest diagonal entry

# --- Sums over landmarks in mixed precision (_operators/_feature_sums) ----------

# Below, sums in float64 are as fast: `landmarks.py`.
SINGLE_SUMS_MIN_RANK = 1000  # functions
SINGLE_SUMS_MIN_ROWS = 2  # rows for each function

# Directions that are summed in float64, how they are found, and how many more the
# search carries: benchmarks/README.md, "Many landmarks".
DEFLATED_DIRECTIONS = 64  # directions
DEFLATION_ITERATIONS = 2  # products with the kernel of the landmarks, twice
DEFLATION_SPARE = 8  # directions

# Kernel functions are summed, and solved for once, up to these ratios of eigenvalues of
# the kernel of the landmarks to its smallest pivot: the first that is rounded to
# float32, and the largest. benchmarks/README.md, "Many landmarks".
MAX_SQUARED_REMAINDER = 300.0  # smallest pivots
MAX_SQUARED_CONDITION = 3e6  # smallest pivots

# Rows of which more is left than this many times what is left of the landmarks are
# multiplied in float64. Not measured.
UNLIKE_LANDMARKS = 4.0  # mean squares

# Rows that are deflated at a time, a block that malloc reuses, and columns of a product
# that are added at a time. Not measured.
DEFLATED_ROWS = 512  # rows
SUMMED_COLUMNS = 256  # columns

# --- Products in mixed precision (_operators/_mixed_precision, _spectrum) ------

# Below, the operator costs more than it saves: `small_data.py` has rows on both sides.
# The number of pairs counts the one left out.
MIXED_MIN_ROWS = 2000  # rows
MIXED_MIN_PAIRS = 10  # pairs

# A mixed precision copy of a matrix in memory serves strict tolerances down to here:
# benchmarks/README.md, "Rounding".
MIXED_MIN_TOL = 1e-6  # of `worst_residual`

# float32 products move fitted values by some 1e-6 |y|, which serves this tolerance:
# benchmarks/README.md, "Rounding".
FLOAT32_MIN_TOL = 5e-5  # of |y|, the parameter `tol`

# Rank of the factor: with 64 a product loses 1e-6 of ``lam_100`` instead of 1e-5 to
# 1e-4: benchmarks/README.md, "Rounding".
FACTOR_MIN_RANK = 64  # columns
FACTOR_RANK_PER_PAIR = Fraction(2, 3)  # columns for each leading pair

# Pivots of the factor that are drawn at once. Not measured.
FACTOR_PIVOTS = 8  # pivots

# Pivots that depend on each other add no direction. Not measured.
FACTOR_PIVOT_RTOL = 1e-10  # of the largest eigenvalue of the remainder at the pivots

# The remainder is computed in float32 if the factor misses more than this share of the
# trace, and rows are many enough for the pairs to be well above what the factor leaves;
# otherwise rounding K itself to float32 would dominate the remainder:
# benchmarks/README.md, "Rounding".
SINGLE_REMAINDER_MIN_MISSED = 0.4  # of the trace
SINGLE_REMAINDER_ROWS_PER_PAIR = 32  # rows for each leading pair

# Entries of an image that its error is measured by. Not measured.
PROBED_ENTRIES = 100  # entries

# Adding and then subtracting this constant flushes magnitudes below about 1e-35 to
# zero, so that no denormal float32 is stored: processors are slow on them. The second
# is for numbers whose products must not be denormal. Not measured.
FLUSH_ENTRY = float(np.float32(1e-28))  # of the largest diagonal entry of A
FLUSH_FACTOR = float(np.float32(1e-11))  # of the root of that entry

# Part of a tolerance that the error of products may take. Not measured.
PRODUCT_ERROR_SHARE = 0.5  # of the tolerance

# Part of the strict tolerance that residuals may take under mixed precision: the rest
# is for the error of the products. Not measured.
MIXED_RESIDUAL_SHARE = 0.8  # of the tolerance

# --- Orthonormal blocks (_linalg/_orthonormal) ---------------------------------

# How far from the identity a Gram matrix may be for a second Cholesky factor to make it
# the identity. Not measured.
NEARLY_ORTHONORMAL = 1e-3  # absolute, largest entry

# A block is made orthogonal to the basis once more if its columns differ in size by
# more: dividing by their sizes magnifies rounding along the basis. Not measured.
SAFE_SIZE_RATIO = 0.01  # smallest over largest column

# So too if less than this share of an image is left beyond the basis: the rounding of
# the projection, eps of the image, is then 1e-10 of the rest. Not measured.
SAFE_REST_SHARE = 1e-6  # of the norm of the image
MAX_PROJECTIONS = 5  # times

# --- Block Krylov iteration (_linalg/_block_krylov, _spectrum) -----------------

# An iteration that has not converged by then has broken down. Not measured.
MAX_PASSES = 300  # blocks

# Largest basis, ``5 m + 10 width`` columns for m pairs. Where n is smaller than ``5 m``
# the basis would be the whole space, and a full decomposition is faster. Not measured.
BASIS_COLUMNS_PER_PAIR = 5  # columns
BASIS_SPARE_BLOCKS = 10  # blocks

# Widths for fewer than 40 pairs, fewer than 80, and more: narrow blocks need fewer
# columns in all, which take longer each, and miss copies and clusters of eigenvalues at
# loose tolerances. BLAS wants multiples of eight. `whole_fit.py`, for 100 pairs.
BLOCK_WIDTHS = (8, 16, 24)  # columns
PAIRS_PER_BLOCK_WIDTH = 40  # pairs

# The same where every product computes the kernel again, whatever the number of pairs.
# Not measured by a script.
RECOMPUTED_BLOCK_WIDTH = 40  # columns

# The same for products in mixed precision, for fewer pairs than that and for more:
# `whole_fit.py`, for 100 pairs.
MIXED_BLOCK_WIDTHS = (16, 32)  # columns
MIXED_MANY_PAIRS = 80  # pairs

# Cap on the tolerance that the error of products is compared with: unlike a residual,
# that error is not covered by the bound of the spectral radius. Not measured.
MAX_PRODUCT_TOL = 1e-5  # of a Ritz value

# Two Ritz values that differ by less may be copies of one eigenvalue. Not measured.
COPY_SHARE = 0.2  # of the tolerance

# Bound of the assumed mean eigenvalue outside the basis. Not measured.
MAX_REST_SHARE = 0.75  # of the last Ritz value

# Below this error a Ritz value is trusted; above, its eigenvalue may be this much
# larger. Not measured.
TRUSTED_ERROR = 0.1  # of `worst_residual`
UNTRUSTED_GROWTH = 10.0  # factor

# A look at the residuals decomposes T: its time in units of size^3 operations of a
# product. Not measured.
LOOK_COST = 20.0  # operations of a product for each of size^3

# When to look again: after this part of the way to convergence, by the rate so far, and
# before the basis has grown by this part. Not measured.
LOOK_SHARE_OF_WAY = 0.8  # of the columns that are missing
LOOK_MAX_GROWTH = Fraction(1, 8)  # of the columns that are there

# Columns beyond the m pairs at the first look: two blocks, or this part of m. Not
# measured.
FIRST_LOOK_BLOCKS = 2  # blocks
FIRST_LOOK_SHARE = Fraction(1, 2)  # of the pairs

# --- Leading pairs (_spectrum) -------------------------------------------------

# Up to this many rows a full decomposition, some MB, is faster than block Krylov
# iteration, and is not worth a memory limit: `small_data.py` has rows on both sides.
DENSE_MAX = 300  # rows

# Below this many rows a fit holds BLAS at one thread: with two threads on a busy
# machine small products wait longer than they work (`small_data.py --threads 2`).
SINGLE_THREAD_ROWS = 2000  # rows

# Accuracy of pairs that serves any preconditioner, where a caller says nothing. Not
# measured.
DEFAULT_PAIR_TOL = 1e-5  # of `worst_residual`

# Largest tolerance of pairs that come without a Krylov basis: their residuals bound the
# rates to first order alone. Not measured.
MAX_TOL_WITHOUT_BASIS = 1e-5  # of `worst_residual`

# The smallest Ritz value of "arpack" and "lobpcg" comes from a short iteration: its
# tolerance, and its largest basis. Not measured.
SHORT_ITERATION_TOL = 1e-4  # of `worst_residual`
SHORT_ITERATION_BLOCKS = 50  # blocks

# Vectors that lobpcg carries beyond those it is asked for, how often it is started, how
# far each time, and the part of the tolerance that it aims at. Not measured.
LOBPCG_GUARD = 10  # vectors
LOBPCG_ROUNDS = 10  # starts
LOBPCG_STEPS = 40  # steps
LOBPCG_TOL_SHARE = 0.1  # of the tolerance

# An eigenvalue that should not be negative shows the size of rounding: eigenvalues up
# to this many times that size do not count. Not measured.
NEGATIVE_EIGENVALUE_FACTOR = 4.0  # factor

# Predictions err by about C r for any map and by C r^2 for maps that are continuous at
# the cut, r the residual. So r <= 1e3 tol, or r <= 10 sqrt(tol), both capped:
# `pairs.py`.
STRICT_PAIR_TOL = 1e3  # residual for each unit of tol
MAX_STRICT_PAIR_TOL = 1e-3  # of `worst_residual`
LOOSE_PAIR_TOL = 10.0  # residual for each unit of sqrt(tol)
MAX_LOOSE_PAIR_TOL = 2.5e-2  # of `worst_residual`

# Accuracy of the pairs of `MSKKernel`. Residuals r_i leave eigenvalues of about
# ``-r_i^2 / lam_i`` where g takes lam_i away: at this tolerance they are rounding.
# `test_kernel.py`.
KERNEL_PAIR_TOL = 1e-9  # of `worst_residual`

# --- Paths (_solvers) ------------------------------------------------------------

# Largest basis of Lanczos: beyond, orthogonalisation takes longer than a full
# decomposition. Not measured by a script.
MAX_KRYLOV_VECTORS = 1500  # vectors

# Columns that a basis of Lanczos has memory for at first; it is doubled when full.
# Not measured.
FIRST_KRYLOV_VECTORS = 32  # vectors

# Sizes of the basis at which Lanczos estimates its error: the first, and the growth to
# the next, two vectors at least. Not measured.
FIRST_ESTIMATE = 4  # vectors
ESTIMATE_MIN_GROWTH = 2  # vectors
ESTIMATE_GROWTH = Fraction(1, 6)  # of the vectors that are there

# Up to this many rows the limit of training comes from a full decomposition, which is
# exact; "auto" prefers Lanczos beyond. Not measured by a script.
EXACT_LIMIT_MAX_ROWS = 1500  # rows

# --- Training (_training) ----------------------------------------------------------

# Without a k, the leading directions are at most so many, and one for each so many
# distinct rows: benchmarks/README.md, "Stopping".
DEFAULT_K = 50  # directions
ROWS_PER_DIRECTION = 20  # distinct rows

# Steps where no number is given. With ten times as many, a fit that stops early takes
# three times as long as one of 100 steps: benchmarks/README.md, "Stopping".
DEFAULT_STEPS = 100  # steps

# With fewer rows, those held out are too few to choose among steps. Not measured.
FEWEST_STOPPING_ROWS = 20  # distinct rows

# Up to so many, leaving out every row takes less time than holding out some of them,
# and leaves 2 % less error: `stopping.py`, benchmarks/README.md.
FEW_STOPPING_ROWS = 300  # distinct rows

# Fewer rows that judge the steps are a handful. Not measured.
FEWEST_JUDGING_ROWS = 5  # rows

# A kernel sees one column only where the column holds this part of the squared length
# of the rows, and is this many times as long as all standardised features together, by
# a look at so many rows. Not measured.
DOMINANT_SHARE = 0.99  # of the squared length
DOMINANT_LENGTH = 10.0  # lengths of a standardised row
SCALE_ROWS = 1000  # rows

# Log odds of classes by values of +1 and -1: the slope where no rows are left out to
# fit one, and the rows that the penalty of a fitted one weighs as: `probabilities.py`.
USUAL_SLOPE = 3.0  # log odds per unit of the values
USUAL_SLOPE_ROWS = 4.0  # rows

# Randomly pivoted Cholesky looks at this many rows for every landmark. Not measured.
ROWS_PER_LANDMARK = 10  # rows

# Pivots that randomly pivoted Cholesky proposes at once: this part of all, and some at
# least. Not measured.
PROPOSED_SHARE = Fraction(1, 10)  # of the landmarks
MIN_PROPOSED = 10  # pivots

# A kernel is told from others by its values on this many rows, spread over all. Not
# measured.
FINGERPRINT_ROWS = 64  # rows

# Vectors of n that a Krylov basis holds, as a rule: `steps.py` has 38 to 68.
TYPICAL_KRYLOV_VECTORS = 64  # vectors

# Steps of a path to look at: all of them up to this number, log-spaced beyond. Not
# measured.
PATH_STEPS = 1000  # steps

# The path to the limit ends where the slowest direction that matters has decayed by
# this exponent; directions below this share are learned too late to wait for. Not
# measured.
LEARNED_EXPONENT = 10.0  # natural logarithms
SLOWEST_SHARE = 1e-8  # of the largest eigenvalue

# Do not warn of rounding below this share. Not measured.
MIN_WARNED_ROUNDING = 1e-2  # of |y|

# Block of predictions: enough entries for compiled kernels to pay (`COMPILE_FROM`), few
# enough for malloc to reuse the block instead of mapping zeroed pages for the next one:
# benchmarks/README.md, "Kernels of distances".
PREDICTION_BLOCK_ENTRIES = 4_000_000  # entries of the cross-kernel

# The training rows are prepared for each block of predictions. Not measured.
PREDICTION_MIN_ROWS = 500  # rows

# Time between two lines of an iterative solver, at the least. Not measured.
PROGRESS_INTERVAL = 1.0  # seconds

# --- Finite networks and displays (finite_width, inspection) ------------------------

# Networks in a stored path; each holds all of the parameters. Not measured.
STORED_NETWORKS = 50  # networks

# A network has diverged where the squares of its outputs come within the square of this
# factor of overflow. Not measured.
OVERFLOW_MARGIN = 1e6  # factor

# Kernel matrices that a display decomposes within seconds. Not measured.
DISPLAY_MAX_ROWS = 10_000  # rows

# Do not time directions with less of y: rounding, or the noise of a network, dominates
# them. Not measured.
TIMED_MIN_ENERGY = 1e-6  # of the energy of y

# How close the loss of a network and the mean square of its residuals are on the rows
# that it was trained on. Not measured.
SAME_LOSS_RTOL = 1e-2  # of the mean square
SAME_LOSS_ATOL = 1e-6  # of the variance of y

# Step of the kernel model beside a network, where the network's would diverge: just
# below 2. Not measured.
REFERENCE_MAX_STEP = 1.999  # 1 / (largest rate)

# --- Models that the data choose (_selection) -----------------------------------

# Length scales to try, in units of the typical distance of the rows (squared for the
# Gaussian), or of the rows: a factor of 4 apart is near enough, as the ridge makes up
# for the rest (`chosen.py`).
LAPLACIAN_SCALE_FACTORS = (0.5, 2.0, 8.0)  # median distances
GAUSSIAN_SCALE_FACTORS = (0.25, 1.0, 4.0)  # median squared distances
NETWORK_SCALE_FACTORS = (0.5, 1.0, 2.0)  # interquartile ranges

# Rows between which the typical distance is taken. Not measured.
TYPICAL_DISTANCE_ROWS = 500  # rows

# Rows that candidates are screened on, that finalists are compared on, and the number
# of candidates whose metric is judged by folds (`chosen.py`).
SCREENED_ROWS = 500  # rows

# A quick choice: neighbours that candidates are screened on, rows that the metric is
# learned on, in how many updates, and neighbours that choose the ridge. On 27 leaves of
# 1400 to 1760 rows it took .4 to .5 s of CPU for 1.9 to 5.5 s, at .994 times the error
# (.93 to 1.06 on the four tables).
QUICK_SCREENED_ROWS = 250  # rows
QUICK_METRIC_ROWS = 1000  # rows
QUICK_UPDATES = 2  # updates
QUICK_COMPARED_ROWS = 500  # rows
COMPARED_ROWS = 2000  # rows
JUDGED_CANDIDATES = 8  # candidates

# Landmarks of the global model of a partition.
GLOBAL_LANDMARKS = 1000

# Rows that a partition is grown on and its metric is learned on, and rows that are
# assigned or predicted at a time.
PARTITION_SAMPLE_ROWS = 250_000  # rows
PARTITION_METRIC_ROWS = 3000  # rows
PARTITION_BLOCK_ROWS = 250_000  # rows

# A split is sought with so many rows of those to split, by linear models of so many
# features. Their ridge is a share of the square of a feature. A side of a split has a
# share of the rows; rows are split by linear models if there are so many for a feature.
# With 4000 rows instead, the leaves of household power err 10 % more; ridges of 1e-6 to
# 1e-2 differ by less than 2 %.
SPLIT_ROWS = 50_000  # rows
SPLIT_MODEL_FEATURES = 20  # features
SPLIT_RIDGE = 1e-6
SPLIT_LEAST_SHARE = 0.1  # of the rows
SPLIT_ROWS_PER_FEATURE = 10  # rows

# A leaf holds its rows in float32 if at so many of them no prediction changes by more
# than this part of the size of the targets.
FLOAT32_CHECKED_ROWS = 100  # rows
FLOAT32_TOLERANCE = 1e-4  # root mean squares of the targets

# Leaves of each of two partitions that are fitted to choose one, a quarter at the most,
# and the least number of leaves from which on there is a choice.
PROBES = 24  # leaves
PROBED_LEAVES = 16  # leaves
PROBE_FLOOR = 0.01  # of the probabilities of leaves, by their rows

# A metric that has seen the rows makes their errors smaller. Of 160 judged metrics the
# mean square error of folds was .993 to 2.5 times the plain one. A plain error above
# this multiple of the least honest one cannot win (`chosen.py`).
FLATTERY_MARGIN = 1.01  # of mean squares

# A metric whose error is this far above the least of all, or that an update made worse,
# is not updated further. None of 50 chosen models came after such an update, which were
# a fifth of all (`chosen.py`).
HOPELESS_ERROR = 1.2  # of mean squares
FINALISTS = 3  # candidates

# A candidate this far behind the best is no finalist. None of 50 chosen models was one
# of these, which were 45 of 150 (`chosen.py`).
FINALIST_MARGIN = 1.2  # of mean squares

# Rows that finalists are compared on by landmarks, where the final model has these.
LANDMARK_COMPARED_ROWS = 30_000  # rows

METRIC_FOLDS = 5  # folds
