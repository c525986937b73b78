"""Objects of JSON that hold a mixture, and what else is told of it."""

import json
from pathlib import Path
from typing import Any

from gmmcli.errors import MixtureError
from gmmcli.ranges import take_path

# Of JSON with a mixture, at most: twice what a run of 1,500 components in as many groups takes,
# against a gigabyte of memory for what a stranger gives.
MOST_BYTES = 2**27


def load_object(path: Path | str, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: of the file, or of a pipe.
        most_bytes: no more is read.

    Raises:
        MixtureError: naming the file, when it cannot be read or holds no object.
        OptionError: when it is no path.
    """
    path = take_path("path", path)
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise MixtureError(f"{path} has more than {most_bytes:,} bytes: no mixture has so many")
        values = json.loads(content.decode())
    except OSError as error:
        raise MixtureError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise MixtureError(
            f"{path} is not JSON: {error}; mend it, or name the parameters.json of a run"
        ) from error
    if not isinstance(values, dict):
        raise MixtureError(f"{path}: expected a JSON object with weights, means and covariances")
    return values
