"""Whatever a table holds and whatever is asked, a fit is valid or refused in one line.

`GMM_EXAMPLES=10000 pytest tests/cli/test_properties.py` tries other examples, and more, than every
run does.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from builders import one_line_error
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gmmcli.cli import gmm
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.settings import BACKGROUNDS, COVARIANCE_TYPES, CRITERIA

MORE_EXAMPLES = os.environ.get("GMM_EXAMPLES")

finite = st.floats(allow_nan=False, allow_infinity=False)
# Numbers as tables have them: whole, rounded, of one size, or of any.
numbers = st.sampled_from(
    [
        st.integers(-3, 3).map(float),
        st.integers(-999, 9999).map(float),
        st.floats(-10, 10).map(lambda value: round(value, 1)),
        st.floats(-1e3, 1e3),
        st.floats(1e6, 1e6 + 1),
        st.floats(-1e-6, 1e-6),
        finite,
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> FloatArray:
    """Tables of x, y and a weight, shape (N, 3), from few distinct rows or many."""
    kinds = draw(numbers), draw(numbers)
    rows = st.tuples(*kinds, st.sampled_from([1.0, 1.0, 2.0, 0.5, 0.0]))
    distinct = draw(st.lists(rows, min_size=1, max_size=25))
    times = draw(st.sampled_from([1, 1, 2, 5]))
    return np.array(distinct * times)


@st.composite
def requests(draw: st.DrawFn) -> list[str]:
    """Options of `gmm fit`."""
    covariances = st.lists(st.sampled_from(COVARIANCE_TYPES), min_size=1, max_size=2)
    options = {
        "-k": st.sampled_from(["auto", "1", "2", "3", "7", "1:3", "2:5"]),
        "--covariance": covariances.map(",".join),
        "--background": st.sampled_from(BACKGROUNDS),
        "--criterion": st.sampled_from(CRITERIA),
        "--seed": st.integers(0, 10).map(str),
        "--weight": st.just("w"),
        "--floor": st.sampled_from(["1e-7", "0.01", "0.5"]),
        "--optimizer": st.sampled_from(["natural", "adam"]),
        "--steps": st.sampled_from(["0", "1", "60"]),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(options)), unique=True, max_size=4))
    words = [word for name in chosen for word in (name, draw(options[name]))]
    # Adam takes all of the 10,000 steps that it has by default where the optimum is an edge.
    return words if "adam" not in words or "--steps" in words else [*words, "--steps", "60"]


def invoke(*words: str) -> Result:
    """What a command says; an exception that is no exit is raised."""
    result = CliRunner().invoke(gmm, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# The fixtures of every test only set switches, which hold for all examples alike.
@settings(
    max_examples=int(MORE_EXAMPLES or 20),
    derandomize=MORE_EXAMPLES is None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(table=tables(), request=requests())
@example(table=np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]), request=["-k", "2:5"])
@example(
    table=np.array([[-270.0, -6e-7, 1.0], [0.0, 1e-7, 1.0]]),
    request=["--background", "on", "-k", "2", "--covariance", "EII", "--floor", "0.01"],
)
@example(
    table=np.array([[-270.824, -6.1e-7, 1.0], [1.7e-167, 1.2e-7, 1.0]]),
    request=["--criterion", "aic", "--weight", "w", "--floor", "1e-7"],
)
@example(table=np.array([[1e6, 1.4e-158, 1.0], [1e6 + 1, 0.0, 1.0]]), request=[])
@example(  # on a line, where a component has hardly any width
    table=np.array([[0.0, y, 1.0] for y in (-72, -437, 1059, 2364, 318, 2900, -998, -26)] * 5),
    request=["--weight", "w", "--floor", "1e-7", "--covariance", "tied,VVE"],
)
@example(table=np.array([[1e308, 0.0, 1.0], [-1e308, 1.0, 1.0]] * 3), request=[])
def test_a_fit_is_valid_or_refused(table: FloatArray, request: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data, out = Path(scratch, "data.csv"), Path(scratch, "run")
        pd.DataFrame(table, columns=["x", "y", "w"]).to_csv(data, index=False)
        named = ["-x", "x", "-y", "y", "--no-frames", "-o", str(out)]
        result = invoke("fit", str(data), *named, *request)
        if result.exit_code:
            assert result.exit_code in (1, 2)
            assert len(one_line_error(result)) < 600
            assert not out.exists()
        else:
            check_run(out)
            predicted = invoke("predict", str(out), str(data))
            assert predicted.exit_code == 0, predicted.output
            assert len(predicted.stdout.splitlines()) == len(table) + 1


def check_run(out: Path) -> None:
    """A run has a mixture that is one, and an ELBO that does not fall."""
    said = json.loads((out / "parameters.json").read_text())
    weights, covariances = np.array(said["weights"]), np.array(said["covariances"])
    background = said["background"]["weight"] if said.get("background") else 0.0
    assert (weights >= 0).all()
    assert abs(weights.sum() + background - 1) < 1e-9
    assert np.isfinite(said["means"]).all()
    assert (np.linalg.eigvalsh(covariances) > 0).all()
    history = pd.read_csv(out / "history.csv").groupby("step").first()
    assert np.isfinite(history["elbo"]).all()
    # A move leads to another optimum, other cells to another bound, and Adam's steps are noisy.
    alike = (history["cells"].diff() == 0) & ~history["by_move"].astype(bool)
    if said["settings"]["optimizer"] == "natural":
        falls = -history["elbo"].diff()[alike]
        # A component a share of the data's deviation wide: its squared distances are sums of
        # numbers as large as the square of its inverse, which leave so many digits.
        rounding = 10 * np.finfo(np.float64).eps / said["settings"]["floor"] ** 2
        per_point = rounding if said["fit"]["floored"] else 1e-8
        assert (
            falls <= per_point * said["fit"]["points"] + 1e-9 * history["elbo"].abs()[alike]
        ).all()
