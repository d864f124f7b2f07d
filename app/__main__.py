"""``python -m app`` and the command ``mismatch-lab``."""

import sys

from core.stop import stop


def main() -> int:
    """Run the command line; a signal while it is loaded ends it as later on."""
    with stop.listening():
        try:
            from app.cli import main as run  # noqa: PLC0415

            return run()
        except BaseException:
            if stop.signal is None:
                raise
            stop.say()
            return stop.status
        finally:
            stop.ignore()


if __name__ == "__main__":
    sys.exit(main())
