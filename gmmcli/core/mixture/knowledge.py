"""What is known of a mixture before its points: a prior, and parameters that stay. NumPy only.

A prior is what points of known components would tell: for each component a number of points that
it is worth, with their mean and covariance. It is conjugate (Gelman et al. 2013, "Bayesian Data
Analysis", section 3.6): a Dirichlet of the weights and a normal-inverse-Wishart of each mean and
covariance, whose mode has the formula of an M step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import evaluate_joint
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.objects import load_object
from gmmcli.core.mixture.structures import STRUCTURES, count_parameters
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.errors import FitError, MixtureError
from gmmcli.settings import CovarianceType

BoolArray = npt.NDArray[np.bool_]

# The parameters of a component that can be fixed, by their names in JSON.
NAMES = ("weight", "mean", "covariance")


@dataclass(frozen=True, eq=False)
class Prior:
    """Points whose components are known: what is known of each of K components.

    Attributes:
        counts: how many points the knowledge is worth, shape (K,); 0 where there is none.
        means: of these points, shape (K, 2), in data units.
        covariances: of these points about their means, shape (K, 2, 2), positive definite.

    Raises:
        MixtureError: naming the value that breaks one of these rules.
    """

    counts: FloatArray
    means: FloatArray
    covariances: FloatArray

    def __post_init__(self) -> None:
        try:
            counts = np.array(self.counts, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise MixtureError("the counts of the prior must be a list of numbers") from error
        if counts.ndim != 1 or not len(counts):
            raise MixtureError(
                f"the counts of the prior must have shape (K,), one for each component, not "
                f"{counts.shape}"
            )
        for k in np.flatnonzero(~(np.isfinite(counts) & (counts >= 0)))[:1]:
            raise MixtureError(
                f"the count of the prior for component {k} is {counts[k]}: it must be 0 or more"
            )
        if len(np.atleast_1d(self.means)) != len(counts):
            raise MixtureError(
                f"the prior has {len(counts)} counts and {len(np.atleast_1d(self.means))} means: "
                "give one of either for each component"
            )
        even = np.full(len(counts), 1 / len(counts))
        try:
            checked = Mixture(even, self.means, self.covariances)
        except MixtureError as error:
            raise MixtureError(f"in the prior, {error}") from error
        counts.setflags(write=False)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "means", checked.means)
        object.__setattr__(self, "covariances", checked.covariances)

    @staticmethod
    def of(mixture: Mixture, n_points: float) -> "Prior":
        """The prior of so many points of a mixture, which are shared by its weights."""
        return Prior(n_points * mixture.weights, mixture.means, mixture.covariances)

    @property
    def n_points(self) -> float:
        """How many points it is worth."""
        return float(self.counts.sum())

    def evaluate(self, mixture: Mixture) -> float:
        """The log density of a mixture, in nats and but for a constant.

        Args:
            mixture: in the units of the prior.
        """
        parameters = mixture.weights, mixture.means, mixture.covariances
        joint = np.diagonal(evaluate_joint(self.means, *parameters, self.covariances))
        told = self.counts > 0
        return float(self.counts[told] @ joint[told])

    def whiten(self, whitening: Whitening) -> "Prior":
        """The same in whitened units."""
        covariances = whitening.matrix @ self.covariances @ whitening.matrix.T
        return Prior(self.counts, whitening.whiten_points(self.means), covariances)

    def to_json(self) -> dict[str, Any]:
        """The counts, means and covariances, ready for `json.dump`."""
        return {
            "counts": self.counts.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
        }

    @staticmethod
    def from_json(values: Any) -> "Prior":
        """A prior from a mapping with counts, means and covariances; other keys are ignored.

        Raises:
            MixtureError: for a missing key or values that do not make a prior.
        """
        if not isinstance(values, Mapping):
            raise MixtureError(
                f"the prior must be an object with counts, means and covariances, not {values!r}"
            )
        missing = [key for key in ("counts", "means", "covariances") if key not in values]
        if missing:
            raise MixtureError(f"the prior has no {' and no '.join(missing)}: it needs all three")
        return Prior(values["counts"], values["means"], values["covariances"])


@dataclass(frozen=True, eq=False)
class Fixed:
    """Parameters that stay as they are given, whatever the points tell.

    Attributes:
        mixture: what has their values.
        weights: which weights stay, shape (K,).
        means: which means, shape (K,).
        covariances: which covariances, shape (K,).
    """

    mixture: Mixture
    weights: BoolArray
    means: BoolArray
    covariances: BoolArray

    @property
    def parts(self) -> BoolArray:
        """Which weights stay, that of a background last, which never does; shape (P,)."""
        n_others = int(self.mixture.background is not None)
        return np.append(self.weights, np.zeros(n_others, dtype=np.bool_))

    @property
    def parameters(self) -> BoolArray:
        """Which of a component's six parameters stay (see `cells.information`), shape (K, 6)."""
        masks = self.weights[:, None], self.means[:, None], self.covariances[:, None]
        return np.hstack([np.tile(mask, n) for mask, n in zip(masks, (1, 2, 3), strict=True)])

    def count(self, covariance: CovarianceType) -> int:
        """By how many parameters of a covariance type fewer are free."""
        parts = self.parts
        n_weights = len(parts) - 1 - max(int((~parts).sum()) - 1, 0)
        own = STRUCTURES[covariance].n_own
        return n_weights + 2 * int(self.means.sum()) + own * int(self.covariances.sum())

    def check(self, covariance: CovarianceType) -> None:
        """Refuse what a covariance type cannot hold, or what leaves nothing to be fitted.

        Args:
            covariance: the type.

        Raises:
            FitError: saying what it is.
        """
        structure = STRUCTURES[covariance]
        if self.covariances.any() and structure.n_shared:
            raise FitError(
                f"with --covariance {covariance}, components share of their covariances, so that "
                "none can be fixed alone: take full, diag or spherical"
            )
        covariances = self.mixture.covariances
        typed = structure.project(covariances, np.ones(len(covariances)))
        is_other = ~np.isclose(typed, covariances, rtol=1e-9, atol=0).all(axis=(1, 2))
        for k in np.flatnonzero(self.covariances & is_other)[:1]:
            raise FitError(
                f"the covariance of component {k} is fixed at {covariances[k].tolist()}, which is "
                f"not {covariance}: name another --covariance"
            )
        mixture, has_background = self.mixture, self.mixture.background is not None
        if self.count(covariance) == count_parameters(
            mixture.n_components, covariance, has_background=has_background
        ):
            raise FitError("all parameters are fixed: there is nothing to fit")

    def restore(
        self, weights: FloatArray, means: FloatArray, covariances: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Parameters with the fixed ones as they were given, to the last digit.

        Args:
            weights: shape (..., K), in which they differ from the given by rounding alone.
            means: shape (..., K, 2).
            covariances: shape (..., K, 2, 2).
        """
        own = self.mixture
        return (
            np.where(self.weights, own.weights, weights),
            np.where(self.means[:, None], own.means, means),
            np.where(self.covariances[:, None, None], own.covariances, covariances),
        )

    def to_json(self) -> list[list[str]]:
        """The names of what stays of each component, ready for `json.dump`."""
        masks = np.stack([self.weights, self.means, self.covariances], axis=1)
        return [[n for n, stays in zip(NAMES, own, strict=True) if stays] for own in masks]

    @staticmethod
    def from_json(names: Any, mixture: Mixture) -> "Fixed":
        """What stays of a mixture, by a list of names for each component.

        Raises:
            MixtureError: where it is none.
        """
        number = mixture.n_components
        if not (isinstance(names, list) and all(isinstance(own, list) for own in names)):
            raise MixtureError(
                f"fixed must be a list with one of names for each component, not {names!r}"
            )
        if len(names) != number:
            raise MixtureError(
                f"fixed has {len(names)} lists of names, and the mixture {number} components: give "
                "one for each, which may be empty"
            )
        for k, own in enumerate(names):
            for name in own:
                if name not in NAMES:
                    raise MixtureError(
                        f"fixed has {name!r} for component {k}: it may have {', '.join(NAMES)}"
                    )
        masks = [np.array([name in own for own in names], dtype=np.bool_) for name in NAMES]
        return Fixed(mixture, *masks)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known of a mixture before its points.

    Attributes:
        prior: what points of known components tell; None where there is none.
        fixed: the parameters that stay; None where all are free.
    """

    prior: Prior | None = None
    fixed: Fixed | None = None

    @property
    def n_points(self) -> float:
        """How many points the prior is worth; 0 without one."""
        return 0.0 if self.prior is None else self.prior.n_points

    @property
    def is_any(self) -> bool:
        """Whether anything is known."""
        return self.prior is not None or self.fixed is not None

    def evaluate(self, mixture: Mixture) -> float:
        """The log density of a mixture by the prior, in nats; 0 without one."""
        return 0.0 if self.prior is None else self.prior.evaluate(mixture)

    def settle(self, start: Mixture, covariance: CovarianceType) -> "Knowledge":
        """The same of a fit that begins with a mixture, from which what is fixed has its values.

        Args:
            start: in data units.
            covariance: its covariance type.

        Raises:
            MixtureError: where the prior is of other components.
            FitError: where what is fixed cannot be.
        """
        if self.prior is not None:
            check_number(self.prior, start)
        if self.fixed is None:
            return self
        fixed = replace(self.fixed, mixture=start)
        fixed.check(covariance)
        return replace(self, fixed=fixed)

    def weigh(self, worth: float) -> "Knowledge":
        """The same with a prior of as many points as so many are worth; see `cells.grain`."""
        if self.prior is None or worth == 1:
            return self
        return replace(self, prior=replace(self.prior, counts=self.prior.counts * worth))

    def whiten(self, whitening: Whitening) -> "Knowledge":
        """The same in whitened units."""
        prior, fixed = self.prior, self.fixed
        return Knowledge(
            None if prior is None else prior.whiten(whitening),
            None if fixed is None else replace(fixed, mixture=whitening.whiten(fixed.mixture)),
        )

    def to_json(self) -> dict[str, Any]:
        """What there is of it, ready for `json.dump`."""
        parts = {"prior": self.prior, "fixed": self.fixed}
        return {name: part.to_json() for name, part in parts.items() if part is not None}

    @staticmethod
    def from_json(values: Mapping[str, Any], mixture: Mixture) -> "Knowledge":
        """What an object with a mixture tells of it besides, by the keys prior and fixed.

        Raises:
            MixtureError: where either is wrong, or the prior is of other than its components.
        """
        told, names = values.get("prior"), values.get("fixed")
        prior = None if told is None else Prior.from_json(told)
        fixed = None if names is None else Fixed.from_json(names, mixture)
        if prior is not None:
            check_number(prior, mixture)
        return Knowledge(prior, fixed)


# Of a mixture that only its points tell anything of.
NOTHING_KNOWN = Knowledge()


def check_number(prior: Prior, mixture: Mixture) -> None:
    """Refuse a prior of another number of components.

    Raises:
        MixtureError: saying both.
    """
    if len(prior.counts) != mixture.n_components:
        raise MixtureError(
            "the prior is of another number of components than the mixture to start from: "
            f"{len(prior.counts)}, not {mixture.n_components}"
        )


def read_start(path: Path | str) -> tuple[Mixture, Knowledge]:
    """The mixture in a JSON file, and what is told of it besides: a prior, and what is fixed.

    Raises:
        MixtureError: naming the file, when it cannot be read or something in it is wrong.
        OptionError: when it is no path.
    """
    values = load_object(path)
    try:
        mixture = Mixture.from_json(values)
        return mixture, Knowledge.from_json(values, mixture)
    except MixtureError as error:
        raise MixtureError(f"{path}: {error}") from error
