"""Version of the product."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def product_version() -> str:
    """Return the installed version, or ``not installed`` when run from a plain source folder."""
    try:
        return version("mismatch-lab")
    except PackageNotFoundError:
        return "not installed"
