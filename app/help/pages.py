"""Help viewer: pages in Markdown with LaTeX formulas, beside a searchable table of contents."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import final
from urllib.parse import quote

from markdown_it import MarkdownIt
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QFontMetricsF, QImage, QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QListWidget, QTextBrowser, QTextEdit, QVBoxLayout, QWidget

from app.help.formula import display, inline_image, lines, typeset
from app.theme import theme
from app.widgets.widgets import heading
from core.drawing.palette import STRIP, Palette
from core.samplers import SAMPLERS, Sampler
from core.samplers.groups import evaluations, grouped
from core.text.user_text import one_line

_TEXT = 14
_SIZES = {"inline": 16.5, "display": 20.0}
"""Size of inline and displayed formulas, in pixels per em."""
_MATHS = re.compile(r"\$\$(?P<display>.+?)\$\$|\$(?P<inline>.+?)\$", re.DOTALL)
_PAPER = re.compile(r"arXiv:(?P<arxiv>\d{4}\.\d{5})|openreview\.net/forum\?id=(?:[\w-]|&#95;)+")
_GENERATED = re.compile(r"^\{\{(\w+)\}\}$", re.MULTILINE)


@final
@dataclass(frozen=True)
class Page:
    """Help page in Markdown; links refer to its file's name."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """The first heading."""
        return self.text.partition("\n")[0].lstrip("# ")

    def has(self, words: str) -> bool:
        """Return True if the text contains the words, ignoring case."""
        return words.casefold() in self.text.casefold()


def pages(generated: Mapping[str, Callable[[], str]]) -> list[Page]:
    """Read the pages in order; a line ``{{name}}`` is replaced by the text generated under that name."""
    found = [entry for entry in (files("resources") / "help").iterdir() if entry.name.endswith(".md")]
    return [
        Page(entry.name, _GENERATED.sub(lambda match: generated[match[1]](), entry.read_text(encoding="utf-8")))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def samplers_in_words() -> str:
    """Return a description of every registered sampler in Markdown."""
    parts = []
    for title, members in grouped(SAMPLERS).items():
        parts.append(f"# {_literal(title)}")
        for sampler in members.values():
            parts += _in_words(sampler)
    return "\n\n".join(parts)


def _in_words(sampler: Sampler) -> list[str]:
    """Return heading, formulas and particulars of a sampler, a paragraph each."""
    about = sampler.about
    parts = [f'## <span style="color:{about.colour}">●</span> {_literal(about.label)}']
    parts += [f"$${latex}$$" for latex in lines(about)]
    parts += [_literal(about.summary)]
    return parts + [f"*{name}:* {_linked(words)}" for name, words in _particulars(sampler)]


def _linked(text: str) -> str:
    """Return text as Markdown that stands for itself, except that the numbers of papers are links."""

    def link(match: re.Match[str]) -> str:
        address = f"arxiv.org/abs/{match['arxiv']}" if match["arxiv"] else html.unescape(match[0])
        return f"[{match[0]}](https://{address})"

    return _PAPER.sub(link, _literal(text))


def _literal(text: str) -> str:
    """Escape text for Markdown, since samplers of the user's own may contain anything."""

    def entities(match: re.Match[str]) -> str:
        return "".join(f"&#{ord(char)};" for char in match[0])

    return re.sub(r"^\W|^\d+\.|[\\`*_{}\[\]<>#+!|$&~]", entities, one_line(text, 2000))


def _particulars(sampler: Sampler) -> list[tuple[str, str]]:
    about = sampler.about
    named = {
        "Also known as": ", ".join(about.aliases),
        "Assumes": about.assumptions,
        "Variant": about.variant,
        "Score evaluations": evaluations(sampler),
        "No bound": sampler.no_bound,
        "Source": about.source,
    }
    return [(name, words) for name, words in named.items() if words]


def to_html(text: str) -> str:
    """Convert Markdown to HTML; formulas become images whose URL is their LaTeX."""

    def picture(match: re.Match[str]) -> str:
        kind, latex = match.lastgroup, _latex(match)
        image = f'<img src="{kind}:{quote(latex, safe="")}" alt="{html.escape(latex).replace("|", "&#124;")}">'
        return f'<p class="display">{image}</p>' if kind == "display" else image

    return MarkdownIt().enable("table").render(_MATHS.sub(picture, text))


def formulas(written: Iterable[Page]) -> list[str]:
    """Return every formula of some pages, as it will be typeset."""
    found = [match for page in written for match in _MATHS.finditer(page.text)]
    return [_latex(match) for match in found]


def _latex(match: re.Match[str]) -> str:
    latex = " ".join(match[match.lastgroup or 0].split())
    return display(latex) if match.lastgroup == "display" else latex


@final
class Reader(QTextBrowser):
    """Browser that shows one page in the theme's colours."""

    def __init__(self) -> None:
        super().__init__(openLinks=False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setAccessibleName("Help page")
        self.document().setDocumentMargin(28)

    def show_page(self, page: Page) -> None:
        """Show a page from the top."""
        self.document().setDefaultStyleSheet(_style_sheet(theme.current()))
        theme.set_font(self, _TEXT)
        self.setHtml(to_html(page.text))

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Typeset a formula's image; load a page's picture, and other resources as usual."""
        url = QUrl(name)
        if url.scheme() not in _SIZES:
            picture = files("resources") / "help" / url.fileName()
            is_own = url.isRelative() and url.fileName().endswith(".png") and picture.is_file()
            return QImage.fromData(picture.read_bytes()) if is_own else super().loadResource(kind, url)
        formula = typeset(url.path(QUrl.ComponentFormattingOption.FullyDecoded))
        metrics = QFontMetricsF(theme.font(_TEXT))
        return inline_image(
            formula, theme.scaled(_SIZES[url.scheme()]), metrics, theme.current().ink, self.devicePixelRatioF()
        )

    def mark(self, words: str) -> None:
        """Highlight every occurrence of some words and scroll to the first."""
        colour = QColor(STRIP)
        colour.setAlpha(90)
        marks, cursor = [], QTextCursor(self.document())
        while words and not (cursor := self.document().find(words, cursor)).isNull():
            mark = QTextEdit.ExtraSelection()
            mark.cursor = cursor
            mark.format.setBackground(colour)
            marks.append(mark)
        self.setExtraSelections(marks)
        if marks:
            place = QTextCursor(marks[0].cursor)
            place.clearSelection()
            self.setTextCursor(place)
            self.ensureCursorVisible()


def _style_sheet(palette: Palette) -> str:
    return f"""
    h1 {{ font-size: 24px; font-weight: 600; margin: 0 0 12px 0; }}
    h2 {{ font-size: 16px; font-weight: 600; margin: 22px 0 6px 0; }}
    p, li {{ line-height: 22px; -qt-line-height-type: minimum; margin: 0 0 10px 0; }}
    .display {{ margin: 4px 0 12px 20px; }}
    li {{ margin: 0 0 4px 0; }}
    img {{ vertical-align: middle; }}
    a {{ color: {palette.accent}; text-decoration: none; }}
    code {{ font-family: monospace; font-size: 13px; background-color: {palette.raised}; }}
    pre {{ margin: 4px 0 12px 20px; }}
    pre code {{ font-size: 12px; background-color: transparent; }}
    table {{ margin: 6px 0 6px 0; }}
    th {{ text-align: left; color: {palette.muted}; font-weight: 500; padding: 4px 20px 4px 0; }}
    td {{ padding: 4px 20px 4px 0; }}
    """


@final
class HelpViewer(QWidget):
    """Help window: contents with search on the left, a page on the right."""

    def __init__(self, window: QWidget, generated: Mapping[str, Callable[[], str]]) -> None:
        super().__init__(window, Qt.WindowType.Window, objectName="help")
        self.setWindowTitle("Help – Mismatch Lab")
        self.pages = {page.name: page for page in pages(generated)}
        self.search = QLineEdit(placeholderText="Search", accessibleName="Search the help", clearButtonEnabled=True)
        self.search.textChanged.connect(self._filter)
        self.contents = QListWidget(objectName="contents", accessibleName="Pages")
        self.contents.ensurePolished()  # so that rows have the style's height
        self.contents.addItems([page.title for page in self.pages.values()])
        self.contents.setWordWrap(True)
        self.contents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.contents.currentRowChanged.connect(self._show_row)
        self._nothing = QLabel("No page has these words.", visible=False, wordWrap=True)
        self._nothing.setProperty("role", "muted")
        self.reader = Reader()
        self.reader.anchorClicked.connect(self._follow)
        side = QWidget()
        theme.set_length(side, "setFixedWidth", 232)
        column = QVBoxLayout(side)
        column.setContentsMargins(14, 16, 14, 14)
        column.setSpacing(10)
        for widget in (heading("Help"), self.search, self.contents, self._nothing):
            column.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(side)
        layout.addWidget(self.reader, 1)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        theme.resize(self, 1080, 700)
        self.show_page(next(iter(self.pages)))

    def show_page(self, name: str) -> None:
        """Show a page by its file's name."""
        self.contents.setCurrentRow(list(self.pages).index(name))

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self._show_row(self.contents.currentRow())

    def _show_row(self, row: int) -> None:
        if row >= 0:
            self.reader.show_page(list(self.pages.values())[row])
            self.reader.mark(self.search.text().strip())

    def _follow(self, url: QUrl) -> None:
        if url.path() in self.pages:
            self.search.clear()
            self.show_page(url.path())
        else:
            QDesktopServices.openUrl(url)

    def _filter(self, text: str) -> None:
        """Show the pages that contain the words, and open one."""
        kept = [page.has(text.strip()) for page in self.pages.values()]
        for row, keep in enumerate(kept):
            self.contents.item(row).setHidden(not keep)
        self._nothing.setVisible(not any(kept))
        row = self.contents.currentRow()
        if any(kept) and not kept[row]:
            self.contents.setCurrentRow(kept.index(True))
        else:
            self.reader.mark(text.strip())
