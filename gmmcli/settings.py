"""What can be asked of `gmm`, and what it does where nothing is asked: every default, once.

Imports nothing heavy, so that help pages can show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from gmmcli.errors import OptionError
from gmmcli.ranges import RealRange, WholeRange, check_word, show

CovarianceType = Literal[
    "full",
    "tied",
    "diag",
    "spherical",
    "EII",
    "EEI",
    "VEI",
    "EVI",
    "VEE",
    "EVE",
    "EEV",
    "VVE",
    "VEV",
    "EVV",
]
OptimizerName = Literal["natural", "adam"]
Effort = Literal["quick", "normal", "thorough"]
CriterionName = Literal["bic", "aic", "icl"]
BackgroundChoice = Literal["auto", "on", "off"]
EngineName = Literal["auto", "spark"]
PictureFormat = Literal["png", "svg", "pdf"]
# Of what moves, and of the page that plays the convergence.
FilmFormat = Literal["gif", "webp", "mp4"]
PageFormat = Literal["html"]
PictureKind = Literal[
    "frames",
    "sheet",
    "elbo",
    "density",
    "uncertainty",
    "residuals",
    "selection",
    "groups",
    "marginals",
]
Theme = Literal["light", "dark"]
ColourChoice = Literal["component", "group"]
ErrorMethod = Literal["sandwich", "bootstrap"]

COVARIANCE_TYPES: tuple[CovarianceType, ...] = get_args(CovarianceType)
# Volume, shape and orientation of each: equal, variable, or the identity (Celeux & Govaert 1995).
COVARIANCE_CODES: dict[CovarianceType, str] = {
    **{code: code for code in COVARIANCE_TYPES},
    "full": "VVV",
    "tied": "EEE",
    "diag": "VVI",
    "spherical": "VII",
}
OPTIMIZERS: tuple[OptimizerName, ...] = get_args(OptimizerName)
EFFORTS: tuple[Effort, ...] = get_args(Effort)
CRITERIA: tuple[CriterionName, ...] = get_args(CriterionName)
BACKGROUNDS: tuple[BackgroundChoice, ...] = get_args(BackgroundChoice)
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
FILM_FORMATS: tuple[FilmFormat, ...] = get_args(FilmFormat)
PAGE_FORMATS: tuple[PageFormat, ...] = get_args(PageFormat)
PICTURE_KINDS: tuple[PictureKind, ...] = get_args(PictureKind)
THEMES: tuple[Theme, ...] = get_args(Theme)
COLOUR_CHOICES: tuple[ColourChoice, ...] = get_args(ColourChoice)
ERROR_METHODS: tuple[ErrorMethod, ...] = get_args(ErrorMethod)

# A table of at most so many rows is fitted point by point, and a longer one by cells: exactness
# against time.
EXACT_ROWS = 20_000
# The most cells of a table: narrow cells against time and memory (benchmarks/gaps.py).
MOST_CELLS = 1_000_000
# The most that may be asked for, and that are read from a run: a gigabyte of memory.
CELLS_AT_MOST = 10_000_000
# Shares of a full natural-gradient step, which is an EM step, and rates of Adam: 0.1 brings the
# article's example to within 1e-4 nats per point of its optimum in 150 steps
# (benchmarks/convergence.py).
LEARNING_RATES: dict[OptimizerName, float] = {"natural": 1.0, "adam": 0.1}
# The most snapshots that are drawn unasked: a story at a glance against every step of it.
AUTO_SNAPSHOTS = 8
# The most frames that are drawn because a run says so: some minutes.
MOST_FRAMES = 1_000
# The data do not tell candidates apart whose criteria differ by less, in twice nats: a difference
# of 2 in BIC is a Bayes factor of about e (Kass & Raftery 1995, section 3.2, whose lowest grade
# ends there).
ALIKE = 2.0
# Cells move no parameter of a component by more, in its standard errors.
MOST_SHIFT = 0.05
# The least standard deviation of a component, as a share of the data's.
FLOOR = 1e-5
# Two modes are one group where the density between them falls to no less than this share of the
# lower one: clusters that overlap kept apart against dents of a cluster taken for valleys
# (benchmarks/groups.py).
VALLEY = 0.95

# The share of samples whose intervals hold what is so: what most readers take for granted.
LEVEL = 0.95

# What each option may be, for the command line and for Python.
COMPONENTS_RANGE = WholeRange(1)
STEPS_RANGE = WholeRange(0)
SEED_RANGE = WholeRange(0)
CELLS_RANGE = WholeRange(100, CELLS_AT_MOST)
FLOOR_RANGE = RealRange(1e-7, 0.5)
VALLEY_RANGE = RealRange(0, 1, is_open=True)
# Of pictures: smaller has no room for words, and larger than a poster is a slip of the pen.
INCHES_RANGE = RealRange(3, 60)
# Of films: slower is no film, and browsers slow down what is faster.
FPS_RANGE = RealRange(1, 50)
DPI_RANGE = WholeRange(20, 1200)
BOOTSTRAP_RANGE = WholeRange(20, 100_000)
LEVEL_RANGE = RealRange(0.5, 0.9999)
LEARNING_RATE_RANGE = RealRange(1e-6, 1)
CUT_RANGE = RealRange(0, 0.999999, is_open=True)
PRIOR_WEIGHT_RANGE = RealRange(0, 1e9)


@dataclass(frozen=True)
class FitSettings:
    """What was asked of a fit.

    Attributes:
        components: K.
        covariance: the covariance type.
        optimizer: how to climb.
        learning_rate: the share of a full natural-gradient step, or Adam's rate.
        steps: the most steps to take.
        seed: of the random choices of the search.
        effort: how soon the search gives up.
        floor: the least standard deviation of a component, as a share of the data's.

    Raises:
        OptionError: for a value that an option cannot have.
    """

    components: int = 2
    covariance: CovarianceType = "full"
    optimizer: OptimizerName = "natural"
    learning_rate: float = LEARNING_RATES["natural"]
    steps: int = 10_000
    seed: int = 0
    effort: Effort = "normal"
    floor: float = FLOOR

    def __post_init__(self) -> None:
        ranges: dict[str, WholeRange | RealRange] = {
            "components": COMPONENTS_RANGE,
            "learning_rate": LEARNING_RATE_RANGE,
            "steps": STEPS_RANGE,
            "seed": SEED_RANGE,
            "floor": FLOOR_RANGE,
        }
        _set(self, **{name: r.check(name, getattr(self, name)) for name, r in ranges.items()})
        check_word("covariance", self.covariance, COVARIANCE_TYPES)
        check_word("optimizer", self.optimizer, OPTIMIZERS)
        check_word("effort", self.effort, EFFORTS)


@dataclass(frozen=True)
class Choice:
    """What a mixture is to be chosen from, and by what.

    Attributes:
        fewest: the smallest number of components.
        most: the largest.
        goes_on: whether to go on beyond the largest while the criterion still improves there.
        covariances: the covariance types.
        criterion: what is to be as low as can be.
        background: whether there is one: always, never, or where it lowers the criterion by far.

    Raises:
        OptionError: for a value that an option cannot have.
    """

    fewest: int = 1
    most: int = 9
    goes_on: bool = True
    covariances: tuple[CovarianceType, ...] = ("full",)
    criterion: CriterionName = "bic"
    background: BackgroundChoice = "auto"

    def __post_init__(self) -> None:
        fewest, most = read_components((self.fewest, self.most))
        _set(self, fewest=fewest, most=most, covariances=read_covariances(self.covariances))
        check_word("criterion", self.criterion, CRITERIA)
        check_word("background", self.background, BACKGROUNDS)

    @classmethod
    def among(
        cls,
        components: Literal["auto"] | tuple[int, int],
        covariances: tuple[CovarianceType, ...],
        criterion: CriterionName,
        background: BackgroundChoice | None,
    ) -> "Choice":
        """What is left to be chosen from: no background by default where the number is given.

        Args:
            components: the fewest and the most, or as many as are best.
            covariances: the covariance types.
            criterion: what is to be as low as can be.
            background: whether there is one; None where nothing is said.
        """
        if components == "auto":
            return cls(
                covariances=covariances, criterion=criterion, background=background or "auto"
            )
        fewest, most = components
        background = background or ("off" if fewest == most else "auto")
        return cls(fewest, most, False, covariances, criterion, background)

    @classmethod
    def hold(cls, n_components: int, covariance: CovarianceType = "full") -> "Choice":
        """No choice: so many components of one type, without a background."""
        return cls(n_components, n_components, False, (covariance,), background="off")

    @property
    def is_open(self) -> bool:
        """Whether there is more than one candidate."""
        return self.goes_on or self.fewest < self.most or len(self.covariances) > 1

    def narrow_to(self, covariance: CovarianceType) -> "Choice":
        """What to choose from of one covariance type.

        A single component is the same of several types, of which the first here has it.
        """
        before = self.covariances[: self.covariances.index(covariance)]
        if _describe_alone(covariance) in map(_describe_alone, before):
            return replace(self, fewest=max(self.fewest, 2))
        return self


def _describe_alone(covariance: CovarianceType) -> str:
    """What a single component of a type may be, in the letters of its code."""
    return COVARIANCE_CODES[covariance].replace("E", "V")


def read_components(value: object) -> tuple[int, int]:
    """The fewest and the most components, of a number or of these two.

    Raises:
        OptionError: when it is neither.
    """
    ends = value if isinstance(value, tuple | list) else (value, value)
    try:
        fewest, most = (COMPONENTS_RANGE.check("components", number) for number in ends)
    except (OptionError, ValueError):
        fewest, most = 1, 0
    if fewest > most:
        raise OptionError(
            f"components is {show(value)}: give 'auto', a whole number above 0, or the fewest and "
            "the most"
        )
    return fewest, most


def read_covariances(names: Sequence[object]) -> tuple[CovarianceType, ...]:
    """Covariance types of some names or codes, in letters of either case, each once.

    Raises:
        OptionError: naming what is none.
    """
    known: dict[object, CovarianceType] = {
        word.lower(): name for name, code in COVARIANCE_CODES.items() for word in (name, code)
    }
    found = [known.get(name.strip().lower()) if isinstance(name, str) else None for name in names]
    types = tuple(dict.fromkeys(each for each in found if each is not None))
    if not types or None in found:
        wrong = show(names[found.index(None)]) if found else "nothing"
        raise OptionError(
            f"{wrong} is no covariance type: name {', '.join(COVARIANCE_TYPES)}, several of these, "
            "or auto alone"
        )
    return types


def _set(settings: object, **values: Any) -> None:
    """Give a frozen value its attributes as they were checked."""
    for name, value in values.items():
        object.__setattr__(settings, name, value)
