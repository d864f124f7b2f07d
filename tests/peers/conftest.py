"""Import of deepinv before any test file asks for a part of it, see :mod:`tests.peers.deepinv_side`."""

from importlib.util import find_spec

if find_spec("deepinv") is not None:
    import tests.peers.deepinv_side  # noqa: F401
