"""Parts of the window that help and tour refer to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from app.document.document import Document
from app.evidence.dock import EvidenceDock
from app.planes.planes import PlanesWidget
from app.problem.dock import ProblemEditor
from app.run.session import Session
from app.transport.transport import Transport
from app.widgets.keys import Key
from core.runs.results import Results


@final
@dataclass(frozen=True)
class WindowParts:
    """References to the window's parts, passed in by the window."""

    document: Document
    session: Session
    problem: ProblemEditor
    planes: PlanesWidget
    evidence: EvidenceDock
    transport: Transport
    keys: Sequence[Key]
    """Keys without modifiers that act on the window."""
    results: Callable[[], Results | None]
    """Results of the shown run."""
