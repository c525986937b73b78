from .errors import Errors as Errors
from .errors import estimate_errors as estimate_errors
from .misfit import Misfit as Misfit
from .misfit import measure_misfit as measure_misfit
from .overlap import find_worst_confusion as find_worst_confusion
from .overlap import measure_overlap as measure_overlap
