from .errors import Errors as Errors
from .errors import estimate_errors as estimate_errors
from .worth import count_labelled as count_labelled
