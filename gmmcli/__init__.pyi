from .api import Options as Options
from .api import Run as Run
from .api import fit as fit
from .api import read_run as read_run
from .core.mixture.mixture import Mixture as Mixture
from .core.mixture.mixture import read_mixture as read_mixture
from .core.tables.source import Source as Source
from .errors import GmmError as GmmError

__version__: str
