"""How Sphinx builds the site. Nothing here reaches the network."""

import pkgutil
import re
import sys
from importlib import import_module
from typing import NewType, TypeVar

from docutils.nodes import Element
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
man_pages = [("reference/commands", "gmm", "mixtures of Gaussians for tables of points", author, 1)]

myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"  # docstrings put names between single marks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 90
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False

nitpicky = True
# Types of other packages have no page here; all of our own names do.
nitpick_ignore_regex = [(r"py:.*", r"(?!gmmcli\.).*")]

# How autodoc spells an array of numbers, but for the modules that it names before each part.
MODULE = re.compile(r"~?\b(numpy|typing)\.")
ARRAY = re.compile(r"\bndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]")

# A star that opens a shape.
STAR = re.compile(r"(?<=[( ])\*(?=[a-z])")

# A line of a page that stands for the modules of a package, each under a heading.
MODULES_OF = re.compile(r"^\{\{ modules of (\S+) \}\}$", flags=re.MULTILINE)


def modules_of(match: re.Match[str]) -> str:
    """What a package says of itself, and a section for each of its modules, by name."""
    package = import_module(match[1])
    names = [
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.ispkg and module.name[0] != "_"
    ]
    about = f"```{{eval-rst}}\n.. automodule:: {match[1]}\n```"
    return "\n\n".join([about, *(module_section(f"{match[1]}.{name}") for name in names)])


def module_section(name: str) -> str:
    """A heading and what the docstrings of a module say of its public names."""
    heading = name.removeprefix("gmmcli.core.").removeprefix("gmmcli.")
    return f"## {heading}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```"


def expand_modules(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Put the sections of modules where a page asks for them."""
    source[0] = MODULES_OF.sub(modules_of, source[0])


def name_arrays(_app: Sphinx, _what: str, *rest: object) -> tuple[str | None, str | None]:
    """A signature with our own names for arrays, in place of all that they stand for."""
    arguments, returned = rest[-2:]
    return name_array(arguments), name_array(returned)


def name_array(text: object) -> str | None:
    """An annotation or some with our own names for arrays; None where there is none."""
    return ARRAY.sub(r"Array[\1]", MODULE.sub("", text)) if isinstance(text, str) else None


def escape_stars(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Have the stars of shapes such as (*batch, 2) stand for themselves in docstrings."""
    lines[:] = [STAR.sub(r"\*", line) for line in lines]


def pass_name_of_type(
    _app: Sphinx, _env: object, reference: Element, text: Element
) -> Element | None:
    """The text of a reference to a type variable or a new type, which have no entries."""
    module, _, name = reference.get("reftarget", "").rpartition(".")
    found = getattr(sys.modules.get(module), name, None)
    return text if isinstance(found, (TypeVar, NewType)) else None


def setup(app: Sphinx) -> None:
    """Have pages expanded, docstrings and signatures made readable, references checked."""
    app.connect("source-read", expand_modules)
    app.connect("autodoc-process-signature", name_arrays)
    app.connect("autodoc-process-docstring", escape_stars, priority=400)  # before napoleon
    app.connect("missing-reference", pass_name_of_type)
