"""`python -m gmmcli` is `gmm`."""

from gmmcli.cli import gmm

gmm(prog_name="gmm")
