"""Make neural_tangents.json, the kernels that test_kernels_recursion.py compares with.

See README.md beside this file for the versions and the command.
"""

import json
from importlib.metadata import version
from pathlib import Path

ROWS = [
    [0.5, -1.25, 2.0],
    [1.5, 0.75, -0.5],
    [-0.25, 1.0, 0.125],
    [0.3125, 0.1875, -0.0625],
    # opposite to the first row, and a multiple of the second
    [-1.0, 2.5, -4.0],
    [0.75, 0.375, -0.25],
]
DEPTHS = [1, 2, 3]
# (weight variance, bias variance)
VARIANCES = [[2.0, 0.0], [1.3, 0.4]]
PACKAGES = ["neural-tangents", "jax", "jaxlib"]


def activations(stax):
    """Layers of neural-tangents by the names of sklearn_msk."""
    return {
        "relu": stax.Relu(),
        "leaky_relu": stax.LeakyRelu(0.01),
        "abs": stax.Abs(),
        "erf": stax.Erf(),
        "sin": stax.Sin(),
        "cos": stax.Cos(),
        "gaussian": stax.Gaussian(a=1, b=-1),
        "gelu": stax.Gelu(),
    }


def network(stax, activation, depth, weight_variance, bias_variance):
    """Kernel function of a fully connected network with `depth` hidden layers."""

    def dense():
        return stax.Dense(
            1,
            W_std=weight_variance**0.5,
            b_std=bias_variance**0.5,
            parameterization="ntk",
        )

    hidden = [layer for _ in range(depth) for layer in (dense(), activation)]
    return stax.serial(*hidden, dense())[2]


def main():
    # Here, not at the top: pytest imports this file when it looks for doctests.
    import jax
    import numpy as np
    from neural_tangents import stax

    jax.config.update("jax_enable_x64", True)
    rows = np.array(ROWS)
    lower = np.tril_indices(len(rows))
    lines = []
    for name, activation in activations(stax).items():
        for weight_variance, bias_variance in VARIANCES:
            for depth in DEPTHS:
                kernel = network(
                    stax, activation, depth, weight_variance, bias_variance
                )
                both = kernel(rows, None, ("nngp", "ntk"))
                entry = {
                    "activation": name,
                    "depth": depth,
                    "weight_variance": weight_variance,
                    "bias_variance": bias_variance,
                    "nngp": np.asarray(both.nngp)[lower].tolist(),
                    "ntk": np.asarray(both.ntk)[lower].tolist(),
                }
                lines.append(json.dumps(entry))
    versions = json.dumps({package: version(package) for package in PACKAGES})
    # One kernel a line, so that a difference between two versions can be read.
    Path(__file__).with_name("neural_tangents.json").write_text(
        f'{{"versions": {versions},\n"rows": {json.dumps(ROWS)},\n"kernels": [\n'
        + ",\n".join(lines)
        + "\n]}\n"
    )


if __name__ == "__main__":
    main()
