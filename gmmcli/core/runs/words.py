"""Numbers and names as a sentence needs them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmmcli.core.search.criteria import Candidate


def count(number: int, noun: str, *, fewest: int | None = None) -> str:
    """A number, or a range from the fewest to it, with its noun: '1 step', '1 to 9 components'."""
    numbers = f"{number:,}" if fewest in (None, number) else f"{fewest:,} to {number:,}"
    return f"{numbers} {noun}" if number == 1 else f"{numbers} {noun}s"


def list_components(components: Sequence[int]) -> str:
    """Components by their numbers: 'component 3', 'components 0, 1'."""
    numbers = ", ".join(str(k) for k in components)
    return f"component {numbers}" if len(components) == 1 else f"components {numbers}"


def name_candidate(candidate: "Candidate") -> str:
    """A candidate by its size and covariance type: '2 components (full)'."""
    return f"{count(candidate.components, 'component')} ({candidate.covariance})"


def name_data(data: str, table: str | None) -> str:
    """The data as progress names it; never a URL, which may hold a password."""
    return data if "://" not in data else table or "the data"


def shorten(name: str, longest: int) -> str:
    """A name with so many letters at most, the last of which says where some are left out."""
    return name if len(name) <= longest else f"{name[: max(longest, 2) - 1]}…"


def write_share(share: float, n_decimals: int = 0) -> str:
    """A share in percent: '50 %'."""
    return f"{100 * share:.{n_decimals}f} %"


def write_number(value: float, n_decimals: int) -> str:
    """A number in a picture, with a minus sign as wide as a plus."""
    return f"{value:.{n_decimals}f}".replace("-", "\N{MINUS SIGN}")


def write_nats(total: float, *, n_digits: int = 16) -> str:
    """A log-likelihood, with so many digits at most, which are all that a double has."""
    return f"{total:.4f}" if abs(total) < 10 ** (n_digits - 4) else f"{total:.{n_digits}g}"


def round_to_scale(value: float, scale: float) -> str:
    """A value with as many digits as show a hundredth of a scale, in the value's own unit."""
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value))) - math.floor(math.log10(scale))
    return f"{value:.{min(max(magnitude + 3, 1), 17)}g}"
