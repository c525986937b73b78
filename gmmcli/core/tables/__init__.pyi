from .engine import Dataset as Dataset
from .engine import Engine as Engine
from .prediction import compute_log_likelihood as compute_log_likelihood
from .prediction import predict_rows as predict_rows
from .prediction import write_predictions as write_predictions
from .source import Source as Source
from .table import Table as Table
from .table import open_table as open_table
