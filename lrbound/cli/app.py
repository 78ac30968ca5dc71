"""Assembles the command line: finds the verbs, and imports the one that is asked for."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Annotated, Any

import typer

import lrbound
from lrbound.cli.exit import ExitCode
from lrbound.cli.parameters import PlainCommand, PlainGroup, unfolded
from lrbound.cli.streams import NotWrittenError, guarded

HELPERS = frozenset({"app", "core", "exit", "options", "output", "parameters", "streams"})
# how --help lists them: the way people meet them; a verb that is not named here comes last
ORDER = (
    "predict", "check", "compare", "sweep", "solve", "transfer", "measure", "boundary", "import", "stats", "new", "schema", "explain",
)  # fmt: skip
PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
SUMMARY = re.compile(r'^def command\(.*?\n    """(.*?)(?:\n\n|""")', re.DOTALL | re.MULTILINE)
EPILOG = "Exit status: 0 ok, 1 a check failed, 2 bad spec, usage or file, 3 internal error."


def verbs() -> list[str]:
    """Return the names of all verbs: the modules beside this one that are no helpers."""
    names = {
        entry.removesuffix(".py")
        for entry in os.listdir(os.path.dirname(__file__))
        if entry.endswith(".py") and not entry.startswith("_")
    }
    known = [name for name in ORDER if name in names]
    return known + sorted(names - HELPERS - set(known))


def build(verb: str) -> Any:
    """Import the module of a verb and return its ``command`` as a command of the group."""
    app = typer.Typer(add_completion=False, **PLAIN)
    app.command(verb, cls=PlainCommand)(unfolded(importlib.import_module(f"lrbound.cli.{verb}").command))
    return typer.main.get_command(app)


def summary(verb: str) -> str:
    """Return the first paragraph of a verb's help, from its file: importing all verbs for the list takes longer than numpy."""
    with open(os.path.join(os.path.dirname(__file__), f"{verb}.py"), encoding="utf-8") as file:
        found = SUMMARY.search(file.read())
    return " ".join(found[1].split()) if found else ""


class Verbs(PlainGroup):
    """The group of all verbs; running one imports no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return verbs()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a verb, or None if there is none of this name."""
        del ctx
        return build(cmd_name) if cmd_name in verbs() else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each verb does, without importing it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(verb, summary(verb)) for verb in verbs()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the arguments start with, or fail with the nearest name."""
        name = args[0]
        if not name.startswith("-") and name not in verbs():
            from difflib import get_close_matches

            near = get_close_matches(name, verbs(), n=1)
            ctx.fail(f"unknown command {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer calls it by position
    if value:
        typer.echo(f"lrbound {lrbound.__version__}")
        raise typer.Exit


app = typer.Typer(cls=Verbs, no_args_is_help=True, epilog=EPILOG, **PLAIN)


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Predict the largest stable learning rate of a network from its architecture.

    Example: lrbound predict net.yaml
    """
    del version


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; whatever goes wrong is one line on stderr."""
    with guarded():
        try:
            typer.main.get_command(app).main(arguments, prog_name="lrbound")
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else ExitCode.OK
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        except NotWrittenError as error:
            print(f"error: cannot write the result: {error}", file=sys.stderr)
            return ExitCode.BAD_INPUT
        except Exception as error:  # the last net
            if os.environ.get("LRBOUND_DEBUG"):
                raise
            return _internal_error(error)
        return ExitCode.OK


def _internal_error(error: Exception) -> int:
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    message = f"internal error: {summary}; please report it with the spec (LRBOUND_DEBUG=1 shows where)"
    print(message, file=sys.stderr)
    return ExitCode.INTERNAL_ERROR
