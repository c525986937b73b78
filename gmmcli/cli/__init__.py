"""The command line: Click, and nothing heavy until a command runs.

One module for each command. A command parses, imports, calls and reports.
"""

import platform

import click

from gmmcli import __version__
from gmmcli.cli.application import Application
from gmmcli.cli.fit import fit
from gmmcli.cli.generate import generate
from gmmcli.cli.plot import plot
from gmmcli.cli.predict import predict
from gmmcli.cli.show import show

EXAMPLES = """\b
Example:
  gmm generate -o points.csv
  gmm fit points.csv
  gmm plot points --steps all
  gmm predict points points.csv
"""


def note_verbosity(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    """Remember --verbose for --version."""
    ctx.meta["gmmcli.verbose"] = value


def print_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    """Print the version where it is asked for, and of all that results may depend on."""
    if not value or ctx.resilient_parsing:
        return
    click.echo(f"gmm, version {__version__}")
    if ctx.meta["gmmcli.verbose"]:
        from gmmcli.core.runs.parameters import find_versions

        _, *packages = find_versions().items()
        for name, found in (*packages, ("system", platform.platform())):
            click.echo(f"{name} {found}")
    ctx.exit()


@click.group(
    cls=Application, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=print_version,
    help="Say which version this is, and exit.",
)
@click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=note_verbosity,
    help="With --version, what else a bug report should say.",
)
def gmm() -> None:
    """Fit mixtures of Gaussians to tables of two-dimensional points, and watch them converge."""


gmm.add_command(generate)
gmm.add_command(fit)
gmm.add_command(plot)
gmm.add_command(predict)
gmm.add_command(show)
