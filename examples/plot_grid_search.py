"""
Tuning: MSK against KernelRidge
===============================

Three models with the same kernels are tuned by grid search and compared by nested
cross-validation: `KernelRidge`, whose regularisation is the ridge alpha; `MSKRegressor`,
whose regularisation is the time of training and the map g of the k leading eigenvalues;
and `MSKKernel` in front of `KernelRidge`, which changes the kernel itself and keeps
alpha. One data set is mostly noise, the other mostly signal.

The table gives, for each model, the candidates of its grid, the mean and the standard
deviation of R2 over the outer folds, the seconds of one search (median over the outer
folds, two processes), and the parameters that were chosen most often.
"""

# %%
# Two data sets that scikit-learn brings along: ten measurements of 442 patients, whose
# diabetes is to be predicted a year ahead, and the grey values of 500 pixels of a
# photograph, to be predicted from their coordinates.

import argparse
import time
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_sample_image
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

parser = argparse.ArgumentParser(description="Tune MSK and KernelRidge alike.")
parser.add_argument("--pixels", type=int, default=500, help="pixels of the photograph")
parser.add_argument("--output", default="grid_search.png", help="file of the picture")
options = parser.parse_args()

photograph = load_sample_image("china.jpg").mean(axis=2)
rng = np.random.RandomState(0)
pixels = rng.choice(photograph.size, options.pixels, replace=False)
rows, columns = np.unravel_index(pixels, photograph.shape)
data_sets = {
    "diabetes": load_diabetes(return_X_y=True),
    "photograph": (
        np.column_stack([columns, rows]).astype(float),
        photograph[rows, columns],
    ),
}

# %%
# Features are standardised for all. `MSKRegressor` centres the targets itself;
# `KernelRidge` has no intercept, so that its targets are standardised around it.
#
# The grids share the kernels. What is tuned beside them is about as much for each: under
# gradient flow only ``learning_rate * max_iter`` matters, so that the two are not
# crossed, and neither are all maps with all k. The ranges, which are the same for both
# data sets, were narrowed once, on the inner scores of wider grids for all three models
# on the training rows of the first outer fold.

KERNELS = [
    {"kernel": ["rbf", "laplacian"], "gamma": [0.01, 1.0]},
    {"kernel": [NTK(depth=1), NTK(depth=2)]},
]


def with_kernels(step, settings):
    """Every kernel with every setting, as parameters of a step."""
    return [
        {f"{step}__{name}": values for name, values in (kernel | setting).items()}
        for kernel in KERNELS
        for setting in settings
    ]


def ridge(*steps):
    """Standardise features and targets around a pipeline that ends in KernelRidge."""
    return TransformedTargetRegressor(
        make_pipeline(StandardScaler(), *steps), transformer=StandardScaler()
    )


models = {
    "KernelRidge": (
        ridge(KernelRidge()),
        with_kernels(
            "regressor__kernelridge", [{"alpha": np.logspace(-2, 1.5, 8).round(2)}]
        ),
    ),
    "MSKRegressor": (
        make_pipeline(StandardScaler(), MSKRegressor()),
        with_kernels(
            "mskregressor",
            [
                {"k": [0], "max_iter": [10, 1000]},
                {"k": [5, 20], "learning_rate": [0.1], "max_iter": [10, 100]},
                {"g": [Power(0.5)], "k": [50], "learning_rate": [0.1, 1.0]},
            ],
        ),
    ),
    "MSKKernel + KernelRidge": (
        ridge(MSKKernel(), KernelRidge(kernel="precomputed")),
        [
            grid | {"regressor__kernelridge__alpha": [0.1, 1.0]}
            for grid in with_kernels(
                "regressor__mskkernel",
                [
                    {"g": ["identity"], "k": [0]},
                    {"g": ["flatten", "lift"], "k": [5]},
                    {"g": [Power(0.5)], "k": [20]},
                ],
            )
        ],
    ),
}
