"""``python -m app`` and the command ``mismatch-lab``."""

import signal
import sys

# Nothing else is imported before signals are heard as they should be.
# ruff: noqa: PLC0415


def main() -> int:
    """Run the command line; signals are handled in the same way while modules are still loading."""
    waits = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}) if waits else ()
    from core.system.stop import stop

    with stop.listening():
        try:
            if waits:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            from app.cli.commands import main as run

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
