"""Samplers: one Gaussian kernel a reverse step (theory.md section 2).

Every file of this folder is imported, so that a new file here adds its samplers. One that is
given by a score subclasses :class:`ScoreSampler`, describes itself in ``kind``, and is decorated with
``@register``; any other kernel implements :class:`Sampler` itself. Parameters are the class's fields.

- ``base``: what a sampler is, and the register; ``assumption``: what one assumes of x_0
- ``groups``: groups, other names and score evaluations, for lists
- ``builtin``: Prior, CCDF, DDNM, BO-DDNM, BO oracle, Exact
- ``guided``: PiGDM, TMPD, DPS, DPS-Gauss
- ``kernels``: Replacement, DDNM+
- ``splitting``, ``ddrm``: DiffPIR, DAPS, DDRM
- ``chain``: samplers whose step is a chain of draws; ``annealed``: RePaint, PnP-DM, SNIPS
- ``probability_flow``: DDIM, Heun
"""

from importlib import import_module
from pkgutil import iter_modules

from core.samplers.assumption import Assumption
from core.samplers.base import SAMPLERS, About, AffineScore, Kernel, Sampler, ScoreSampler, StochasticSampler, register

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "SAMPLERS",
    "About",
    "AffineScore",
    "Assumption",
    "Kernel",
    "Sampler",
    "ScoreSampler",
    "StochasticSampler",
    "register",
]
