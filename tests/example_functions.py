"""What the examples compute, without running them."""

import ast
from pathlib import Path
from types import SimpleNamespace

_EXAMPLES = Path(__file__).parents[1] / "examples"
_KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def load_functions(name):
    """Load the imports, functions and constants (in capitals) of an example.

    Parameters
    ----------
    name : str
        Of the file, without ending.

    Returns
    -------
    SimpleNamespace
    """
    (path,) = _EXAMPLES.rglob(f"{name}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    tree.body = [node for node in tree.body if _is_kept(node)]
    names = {"__name__": name}
    exec(compile(tree, str(path), "exec"), names)
    return SimpleNamespace(**names)


def _is_kept(node):
    if isinstance(node, ast.Assign):
        names = [getattr(target, "id", "") for target in node.targets]
        return all(name.isupper() and len(name) > 1 for name in names)
    return isinstance(node, _KEPT)
