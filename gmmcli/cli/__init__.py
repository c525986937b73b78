"""The command line: Click, and nothing heavy until a command runs.

One module for each command. A command parses, imports, calls and reports.
"""

import click

from gmmcli import __version__
from gmmcli.cli.application import Application
from gmmcli.cli.fit import fit
from gmmcli.cli.generate import generate
from gmmcli.cli.plot import plot
from gmmcli.cli.predict import predict

EXAMPLES = """\b
Example:
  gmm generate -o points.csv
  gmm fit points.csv
  gmm plot points --steps all
  gmm predict points points.csv
"""


@click.group(
    cls=Application, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="gmm")
def gmm() -> None:
    """Fit mixtures of Gaussians to tables of two-dimensional points, and watch them converge."""


gmm.add_command(generate)
gmm.add_command(fit)
gmm.add_command(plot)
gmm.add_command(predict)
