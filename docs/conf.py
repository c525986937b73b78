"""How Sphinx builds the site. Nothing here reaches the network."""

import pkgutil
import re
from importlib import import_module

from sphinx.application import Sphinx

from gmmcli import __version__

project = "gmm"
author = "the authors of gmm"
copyright = author  # noqa: A001 (the name that Sphinx reads)
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "gmm"

myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"  # docstrings put names between single marks
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_use_ivar = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

nitpicky = True
# Types of other packages, and our aliases of them, have no page here; all of our own names do.
nitpick_ignore_regex = [(r"py:.*", r"(?!gmmcli\.).*")]

# A line of a page that stands for the modules of a package, each under a heading.
MODULES_OF = re.compile(r"^\{\{ modules of (\S+) \}\}$", flags=re.MULTILINE)


def modules_of(match: re.Match[str]) -> str:
    """A section for each module of a package, in the order of their names."""
    package = import_module(match[1])
    names = [
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.ispkg and module.name[0] != "_"
    ]
    return "\n\n".join(module_section(f"{match[1]}.{name}") for name in names)


def module_section(name: str) -> str:
    """A heading and what the docstrings of a module say of its public names."""
    heading = name.removeprefix("gmmcli.core.").removeprefix("gmmcli.")
    return f"## {heading}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```"


def expand_modules(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Put the sections of modules where a page asks for them."""
    source[0] = MODULES_OF.sub(modules_of, source[0])


def setup(app: Sphinx) -> None:
    """Have pages expanded as they are read."""
    app.connect("source-read", expand_modules)
