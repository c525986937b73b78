from .ascent import Ascent as Ascent
from .climb import climb as climb
from .climb import measure as measure
from .model import Components as Components
from .model import MixtureModel as MixtureModel
from .model import skip_checks as skip_checks
from .state import State as State
