"""The mixture: weights, means and covariances as one validated value. NumPy only.

Whatever needs to know what a mixture says about points (pictures, criteria, sampling) asks here;
the arithmetic is in `densities`, and how a mixture is found in `inference` and `search`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray, are_in_reach, factorize
from gmmcli.core.mixture.densities import (
    assign,
    evaluate_joint,
    exponentiate,
    find_reach,
    log_total,
)
from gmmcli.core.mixture.draws import draw
from gmmcli.core.mixture.ellipses import Axes, list_axes
from gmmcli.core.mixture.objects import MOST_BYTES, load_object
from gmmcli.errors import MixtureError
from gmmcli.ranges import WholeRange
from gmmcli.settings import SEED_RANGE

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of K two-dimensional Gaussians, in data units.

    Attributes:
        weights: shape (K,), non-negative, summing to 1 with that of the background.
        means: shape (K, 2).
        covariances: shape (K, 2, 2), symmetric and positive definite.
        background: of stray points; None where there is none.

    Raises:
        MixtureError: naming the component and the value that break one of these rules.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    background: Background | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "means", "covariances"):
            object.__setattr__(self, name, _read_only(name, getattr(self, name)))
        _check_shapes(self)
        _check_weights(self.weights, self.background)
        _check_covariances(self.covariances)
        _check_reach(self.means, self.covariances)
        symmetric = (self.covariances + self.covariances.swapaxes(1, 2)) / 2
        object.__setattr__(self, "covariances", _read_only("covariances", symmetric))

    @property
    def n_components(self) -> int:
        """The number of components, K."""
        return len(self.weights)

    @property
    def part_weights(self) -> FloatArray:
        """The weights of components and, last, that of a background, if there is one; (P,)."""
        if self.background is None:
            return self.weights
        return np.append(self.weights, self.background.weight)

    def reorder(self, order: npt.NDArray[np.intp]) -> "Mixture":
        """The same mixture with component `order[k]` in place k."""
        return Mixture(
            self.weights[order], self.means[order], self.covariances[order], self.background
        )

    def canonical_order(self) -> npt.NDArray[np.intp]:
        """The order of components by mean x, then mean y; shape (K,)."""
        return np.asarray(np.lexsort((self.means[:, 1], self.means[:, 0])))

    @property
    def axes(self) -> list[Axes]:
        """The principal axes of each component."""
        return list_axes(self.covariances)

    @property
    def standard_deviations(self) -> FloatArray:
        """Those of each component along the coordinates, shape (K, 2), in data units."""
        return np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))

    @property
    def correlations(self) -> FloatArray:
        """That of the coordinates in each component, shape (K,)."""
        products = self.standard_deviations.prod(axis=1)
        return np.asarray(self.covariances[:, 0, 1] / products)

    def cholesky_factors(self) -> FloatArray:
        """The lower Cholesky factors of the covariances, shape (K, 2, 2)."""
        return factorize(self.covariances)

    def joint_log_densities(self, points: npt.ArrayLike) -> FloatArray:
        """Log weight plus log density of each point and component, shape (N, K), in nats.

        As in all of these methods, a point that is not finite has NaN, and one farther from every
        component than doubles can tell what the farthest that they can has.

        Args:
            points: in data units, shape (N, 2); a frame of two columns, too.

        Raises:
            MixtureError: for points of another shape, or that are no numbers.
        """
        joint, _, is_finite = self._evaluate(points)
        return _keep(joint, is_finite).T

    def log_densities(self, points: npt.ArrayLike) -> FloatArray:
        """The log density of each point under the mixture, shape (N,), in nats."""
        joint, rest, is_finite = self._evaluate(points)
        return _keep(log_total(joint, rest, axis=0), is_finite)

    def responsibilities(self, points: npt.ArrayLike) -> FloatArray:
        """The posterior probability of each component for each point, shape (N, K).

        What is left to 1 is that of the background.
        """
        joint, rest, is_finite = self._evaluate(points)
        return _keep(assign(joint, rest), is_finite).T

    def background_responsibilities(self, points: npt.ArrayLike) -> FloatArray:
        """The posterior probability of the background for each point, shape (N,)."""
        joint, rest, is_finite = self._evaluate(points)
        if rest is None:
            return _keep(np.zeros(len(is_finite)), is_finite)
        return _keep(exponentiate(rest - log_total(joint, rest, axis=0)), is_finite)

    def _evaluate(
        self, points: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray | None, npt.NDArray[np.bool_]]:
        """Log weight plus log density of components and background, and which points are finite.

        Of shapes (K, N), (N,) (None where there is no background) and (N,), in nats; others than
        finite points count as if they were at a mean.
        """
        places = _take_points(points)
        is_finite = np.asarray(np.isfinite(places).all(axis=1))
        low, high = find_reach(self.means, self.standard_deviations)
        places = np.clip(np.where(is_finite[:, None], places, self.means[0]), low, high)
        joint = evaluate_joint(places, self.weights, self.means, self.covariances)
        rest = None if self.background is None else self.background.heights_at(places)
        return joint, rest, is_finite

    def sample(self, n_points: int, *, seed: int = 0) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Points drawn from the mixture, shape (N, 2), and the component of each, shape (N,).

        Points of the background have the label -1. The same number and seed give the same points.

        Raises:
            OptionError: when the number or the seed is no whole number from 0 on.
        """
        n_points, seed = WholeRange().check("n_points", n_points), SEED_RANGE.check("seed", seed)
        factors = self.cholesky_factors()
        blocks = list(
            draw(self.weights, self.means, factors, self.background, n_points=n_points, seed=seed)
        )
        points, labels = zip(*blocks, strict=True) if blocks else ((), ())
        return (
            np.concatenate([np.empty((0, 2)), *points]),
            np.concatenate([np.empty(0, dtype=np.int64), *labels]),
        )

    def to_sklearn(self) -> "GaussianMixture":
        """The same mixture as a fitted GaussianMixture of scikit-learn.

        Raises:
            MixtureError: where scikit-learn is not installed, or the mixture has a background,
                which scikit-learn's have not.
        """
        try:
            from sklearn.mixture import GaussianMixture
        except ImportError as error:
            raise MixtureError("to_sklearn needs scikit-learn: pip install scikit-learn") from error
        if self.background is not None:
            raise MixtureError(
                "scikit-learn's mixtures have no background: fit without one (background='off')"
            )
        model = GaussianMixture(self.n_components, covariance_type="full")
        model.weights_, model.means_ = self.weights, self.means
        model.covariances_ = self.covariances
        # Scikit-learn's upper triangular roots of the precisions.
        roots = np.linalg.inv(self.cholesky_factors()).swapaxes(1, 2)
        model.precisions_cholesky_ = roots
        model.precisions_ = roots @ roots.swapaxes(1, 2)
        model.converged_, model.n_features_in_ = True, 2
        return model

    @property
    def rest(self) -> float | None:
        """Log weight plus log density of the background in its box, in nats; None without one."""
        return None if self.background is None else self.background.height

    def to_json(self) -> dict[str, Any]:
        """The parameters as nested lists, ready for `json.dump`, and the background, if any."""
        background = {} if self.background is None else {"background": self.background.to_json()}
        return {
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
            **background,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Mixture":
        """A mixture from a mapping with weights, means and covariances, and maybe a background.

        Other keys are ignored.

        Raises:
            MixtureError: for a missing key or values that do not make a mixture.
        """
        missing = [key for key in ("weights", "means", "covariances") if key not in values]
        if missing:
            raise MixtureError(f"no {' and no '.join(missing)}: a mixture needs all three")
        given = values.get("background")
        background = None if given is None else Background.from_json(given)
        return cls(values["weights"], values["means"], values["covariances"], background)


def read_mixture(path: Path | str, *, most_bytes: int = MOST_BYTES) -> Mixture:
    """The mixture in a JSON file: any object with weights, means and covariances.

    Args:
        path: of the file, or of a pipe.
        most_bytes: no more is read.

    Raises:
        MixtureError: naming the file, when it cannot be read or holds no valid mixture.
        OptionError: when it is no path.
    """
    values = load_object(path, most_bytes=most_bytes)
    try:
        return Mixture.from_json(values)
    except MixtureError as error:
        raise MixtureError(f"{path}: {error}") from error


def _take_points(points: npt.ArrayLike) -> FloatArray:
    """Points as an array of shape (N, 2), from anything that NumPy makes one of."""
    try:
        places = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise MixtureError("points must be numbers, in an array of shape (N, 2)") from error
    if places.ndim != 2 or places.shape[1] != 2:
        raise MixtureError(f"points must have shape (N, 2), not {places.shape}")
    return places


def _keep(values: FloatArray, are_known: npt.NDArray[np.bool_]) -> FloatArray:
    """The values of points, shape (..., N), where they are known, shape (N,), and NaN elsewhere."""
    return values if are_known.all() else np.where(are_known, values, np.nan)


def _read_only(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise MixtureError(f"{name} must be a regular array of numbers") from error
    array.setflags(write=False)
    return array


def _check_shapes(mixture: Mixture) -> None:
    n_components = mixture.weights.size
    if mixture.weights.ndim != 1 or n_components == 0:
        raise MixtureError(f"weights must have shape (K,), not {mixture.weights.shape}")
    for name, expected in (("means", (n_components, 2)), ("covariances", (n_components, 2, 2))):
        shape = getattr(mixture, name).shape
        if shape != expected:
            raise MixtureError(
                f"{name} must have shape {expected}, as there are {n_components} weights, "
                f"not {shape}"
            )
    for k in np.flatnonzero(~np.isfinite(mixture.means).all(axis=1))[:1]:
        raise MixtureError(f"the mean of component {k} is not finite: {mixture.means[k].tolist()}")


def _check_weights(
    weights: FloatArray, background: Background | None, *, tolerance: float = 1e-6
) -> None:
    for k in np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[:1]:
        raise MixtureError(f"the weight of component {k} is {weights[k]}: it must be 0 or more")
    total, others = weights.sum(), ""
    if background is not None:
        total, others = total + background.weight, f" and {background.weight} of the background"
    if abs(total - 1) > tolerance:
        raise MixtureError(f"weights sum to {total:.9g}, not to 1: {weights.tolist()}{others}")


def _check_covariances(covariances: FloatArray, *, tolerance: float = 1e-9) -> None:
    (xx, xy), (yx, yy) = covariances.transpose(1, 2, 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        factors = factorize((covariances + covariances.swapaxes(1, 2)) / 2)
        rules = {
            "finite": np.isfinite(covariances).all(axis=(1, 2)),
            "symmetric": abs(xy - yx) <= tolerance * np.sqrt(abs(xx * yy)),
            "positive definite": (factors[:, [0, 1], [0, 1]] > 0).all(axis=1),
        }
    for k in np.flatnonzero(~np.logical_and.reduce(list(rules.values())))[:1]:
        remedies = {
            "finite": "give numbers",
            "symmetric": "give both covariances of x and y the same value",
            "positive definite": "give variances above 0, whose product is larger than the square "
            "of the covariance of x and y",
        }
        broken = next(name for name, is_kept in rules.items() if not is_kept[k])
        raise MixtureError(
            f"the covariance of component {k} is not {broken}: {covariances[k].tolist()}; "
            f"{remedies[broken]}"
        )


def _check_reach(means: FloatArray, covariances: FloatArray) -> None:
    """Refuse places and spreads whose squares and products double precision does not hold.

    Args:
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
    """
    spreads = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))  # (K, 2)
    is_inside = are_in_reach(means) & are_in_reach(spreads) & are_in_reach(1 / spreads)
    for k in np.flatnonzero(~is_inside.all(axis=1))[:1]:
        raise MixtureError(
            f"component {k} is out of double precision's reach: its mean is {means[k].tolist()}, "
            f"and its standard deviations are {spreads[k].tolist()}; give it in other units"
        )
