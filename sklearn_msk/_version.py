"""The version of the package, which what is kept on disk depends on."""

__version__ = "0.1.0.dev0"
