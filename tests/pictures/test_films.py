"""Films of the convergence: when they show which step, and what files hold."""

import stat
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from builders import article_run
from PIL import Image

from gmmcli.errors import OutputError
from gmmcli.pictures.films import Timing, plan_film, plan_places, take_snapshot, write_film
from gmmcli.pictures.kinds import Look, Order
from gmmcli.settings import FilmFormat

SHORT = Timing(fps=10, seconds=1.0, rest=0.5)


def test_time_goes_to_steps_and_to_travel() -> None:
    places = plan_places(np.array([0.0, 8.0, 9.0, 10.0]), 60)
    assert places[0] == 0
    assert places[-1] == 3
    assert (np.diff(places) > 0).all()
    # Half of the time is even, so the first of three ways has 1/6 and four tenths: 34 of 60.
    assert (places < 1).sum() == 34
    assert {0.0, 1.0, 2.0, 3.0} <= set(places)


def test_every_step_has_a_frame_where_there_are_enough() -> None:
    travel = np.append(0, np.cumsum(np.r_[1000.0, np.full(58, 1e-6)]))
    assert set(range(60)) <= set(plan_places(travel, 60))


def test_of_many_steps_some_are_shown_as_they_are() -> None:
    places = plan_places(np.linspace(0, 1, 5001) ** 0.5, 120)
    assert len(places) <= 120
    np.testing.assert_array_equal(places, np.round(places))
    assert (places[0], places[-1]) == (0, 5000)


@pytest.mark.parametrize("travel", [[0.0], [0.0, 0.0, 0.0]])
def test_a_fit_that_goes_nowhere_has_a_film(travel: list[float]) -> None:
    places = plan_places(np.array(travel), 10)
    assert (places[0], places[-1]) == (0, len(travel) - 1)


def test_between_steps_is_a_mixture_between_theirs() -> None:
    history = article_run().history
    steps = [0, 5, history.last_step]
    assert take_snapshot(history, steps, 1.0).step == 5
    between = take_snapshot(history, steps, 0.5)
    ends = history.snapshot(0).mixture, history.snapshot(5).mixture
    np.testing.assert_allclose(between.mixture.means, (ends[0].means + ends[1].means) / 2)
    assert (between.step, between.elbo) == (0, history.elbos[0])
    moved = replace(history, by_move=np.arange(history.last_step + 1) == 3)
    leaping = take_snapshot(moved, steps, 0.5)
    np.testing.assert_array_equal(leaping.mixture.means, ends[0].means)


@pytest.mark.parametrize("film_format", ["gif", "webp"])
def test_films_move_and_rest(tmp_path: Path, film_format: FilmFormat) -> None:
    run = article_run()
    order = Order(range(run.history.last_step + 1), look=Look(dpi=40))
    path = tmp_path / f"film.{film_format}"
    n_frames = len(list(write_film(run, order, path, film_format, SHORT)))
    assert n_frames == len(plan_film(run, order, SHORT))
    with Image.open(path) as film:
        assert film.n_frames == n_frames  # type: ignore[attr-defined]
        shown, durations = [], []
        for place in range(n_frames):
            film.seek(place)
            film.load()
            durations.append(film.info["duration"])
            shown.append(np.asarray(film.convert("RGB"), dtype=float))
    assert all((one != other).any() for one, other in pairwise(shown))
    assert sum(durations[:-1]) == 100 * (n_frames - 1)
    if film_format == "gif":
        assert durations[-1] == 600


def test_mp4_is_made_by_ffmpeg_or_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path = article_run(), tmp_path / "film.mp4"
    order = Order([0, run.history.last_step], look=Look(dpi=40, inches=(7, 5.4)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match="mp4 is written by ffmpeg, which is not installed: get"):
        list(write_film(run, order, path, "mp4", SHORT))
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nfor last; do :; done\n/usr/bin/wc -c > "$last"\n')
    fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    n_frames = len(list(write_film(run, order, path, "mp4", SHORT)))
    width, height = 40 * 7, round(40 * 5.4)
    assert int(path.read_text()) == (n_frames + 5) * width * height * 3
    fake.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    path.unlink()
    with pytest.raises(OutputError, match=r"ffmpeg cannot write .*: no such codec"):
        list(write_film(run, order, path, "mp4", SHORT))
    assert list(tmp_path.iterdir()) == [fake]
