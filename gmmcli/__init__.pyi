from .api import fit as fit
from .api import read_run as read_run
from .core.mixture.mixture import Mixture as Mixture
from .core.mixture.mixture import read_mixture as read_mixture
from .core.tables.source import Source as Source
from .errors import GmmError as GmmError
from .errors import GmmWarning as GmmWarning
from .options import Options as Options
from .run import PredictOptions as PredictOptions
from .run import Run as Run

__version__: str
