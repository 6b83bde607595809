"""Where the command line ends: exit codes, errors as messages, results as text or JSON."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click

INTERNAL, USAGE, INPUT, STORE, CONFLICT, GATE, INTERRUPTED, TERMINATED = 1, 2, 3, 4, 5, 6, 130, 143

EXIT_CODES = """\b
Exit codes:
  0    done
  1    an error of Millrace's own: please report it with its traceback
  2    the command or the recipe is wrong
  3    the input can't be used: the corpus, its words, or a word asked for
  4    the store can't be read or written
  5    another run published first: run again
  6    the model does not come up to the recipe's limits: it was not published
  130  interrupted
  143  terminated
"""

F = TypeVar("F", bound=Callable[..., object])


def as_json(command: F) -> F:
    """Give a command the option --json."""
    return click.option("--json", "json_", is_flag=True, help="Print JSON, for programs.")(command)


@dataclass
class Edge:
    """What stands between a command and the world; `hide` keeps environment values from going out.

    A command sets `hide` when it has read a recipe.
    """

    hide: Callable[[str], str] = str

    def complain(self, text: str) -> None:
        """Write an error to stderr."""
        click.echo(self.hide(text), err=True)

    def show_json(self, value: Any) -> None:
        """Write a result to stdout, for programs."""
        click.echo(json.dumps(self._hidden(value), indent=1, ensure_ascii=False))

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list | tuple):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {key: self._hidden(item) for key, item in value.items()}
        return value


def exit_code(error: Exception) -> int:
    """Return the exit code for an error that a user can mend."""
    from corpora.errors import UsageError  # noqa: PLC0415
    from pipeline.evaluation.gates import GateError  # noqa: PLC0415
    from pipeline.recipe.mistakes import RecipeError  # noqa: PLC0415
    from pipeline.store.errors import ConflictError, StoreError  # noqa: PLC0415

    kinds = (
        (RecipeError, USAGE), (UsageError, USAGE), (ConflictError, CONFLICT), (StoreError, STORE),
        (GateError, GATE),
    )  # fmt: skip
    return next((code for kind, code in kinds if isinstance(error, kind)), INPUT)


def run_command(commands: click.Group, arguments: list[str]) -> int:
    """Run a command, turn what it raises into one message, and return the exit code."""
    edge = Edge()
    code = 0
    try:
        with commands.make_context("millrace", arguments, obj=edge) as context:
            commands.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        edge.complain("millrace: interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our results has enough; nothing more may be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001  (the one place where every error ends)
        code = _told(error, edge)
    return code


def _told(error: Exception, edge: Edge) -> int:
    from corpora.errors import MillraceError  # noqa: PLC0415

    if isinstance(error, MillraceError):
        edge.complain(f"millrace: {error}")
        return exit_code(error)
    edge.complain(traceback.format_exc() + "millrace: this is an error of Millrace's own")
    return INTERNAL


def on_terminate() -> None:
    """Let SIGTERM unwind the program, so that temporary files go, and end with its own code."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(TERMINATED)

    signal.signal(signal.SIGTERM, stop)
