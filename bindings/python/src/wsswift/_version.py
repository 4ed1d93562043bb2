"""The one place that knows the version of this package; the library it needs has the same major and minor version."""

__version__ = "0.1.0"
