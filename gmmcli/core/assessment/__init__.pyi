from .bootstrap import Bootstrap as Bootstrap
from .choices import Choices as Choices
from .choices import Rival as Rival
from .choices import count_choices as count_choices
from .errors import Errors as Errors
from .errors import estimate_errors as estimate_errors
from .resamples import Resampling as Resampling
