"""The parts of the window that help and tour point at, handed in by the window."""

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
    """What is on the screen, and where its numbers come from."""

    document: Document
    session: Session
    problem: ProblemEditor
    planes: PlanesWidget
    evidence: EvidenceDock
    transport: Transport
    keys: Sequence[Key]
    """What keys do while nothing is typed."""
    results: Callable[[], Results | None]
    """Of the run that is shown."""
