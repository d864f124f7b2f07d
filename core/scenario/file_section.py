"""Section that is a whole TOML file: validated, and read from text or from a file."""

from __future__ import annotations

import tomllib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self, final

from pydantic import ValidationError

from core.errors import FieldPath, ScenarioError, explain
from core.scenario.schema import SCHEDULES, Section
from core.system.files import read_text
from core.text.user_text import one_line


@final
class TomlFile(NamedTuple):
    """A TOML file that has been read, and is still to be validated."""

    path: Path
    text: str
    data: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Read a file.

        Raises:
            ScenarioError: it cannot be read, or is not TOML.
        """
        text = read_text(path)
        return cls(path, text, _parsed(text, str(path)))


def _parsed(text: str, source: str) -> dict[str, Any]:
    """Return the tables of TOML text.

    Raises:
        ScenarioError: it is not TOML.
    """
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(source, "", f"is not valid TOML: {one_line(str(error))}") from None
    except ValueError:  # Python's limit of digits
        raise ScenarioError(source, "", "is not valid TOML: a number has too many digits") from None
    except RecursionError:
        raise ScenarioError(source, "", "must not have so many levels of nested lists or tables") from None


class FileSection(Section):
    """A validated file of the user: a scenario, a study or a spectrum."""

    @classmethod
    @abstractmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """Return the kinds of each table that has several."""
        return {"schedule": SCHEDULES}

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings."""

    @abstractmethod
    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal content."""

    @classmethod
    def from_dict(cls, data: dict[str, Any], source: str = "") -> Self:
        """Validate nested dictionaries as they come from TOML.

        Raises:
            ScenarioError: the first thing that is wrong.
        """
        try:
            return cls.model_validate(data)
        except (RecursionError, OverflowError):
            raise ScenarioError(source, "", "must not have so many levels of nesting or such large numbers") from None
        except ValidationError as error:
            errors = error.errors()
            # A misspelt key also leaves another one missing: report the misspelling.
            first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
            raise explain(first, source, cls.keys_at, cls.kinds()) from None

    @classmethod
    def from_toml(cls, text: str, source: str = "") -> Self:
        """Read TOML text; ``source`` names it in errors.

        Raises:
            ScenarioError: the text is not TOML, or not such a file.
        """
        return cls.from_dict(_parsed(text, source), source)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            ScenarioError: it cannot be read, is not TOML, or is not such a file.
        """
        return cls.from_dict(TomlFile.read(path).data, str(path))
