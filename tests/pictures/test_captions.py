"""What pictures say in words."""

from builders import article_run, over_background

from gmmcli.pictures.captions import describe_scene, describe_snapshot, wrap_note
from gmmcli.pictures.scene import compute_scene


def test_a_note_says_how_to_read_the_picture() -> None:
    run = article_run()
    note = describe_scene(compute_scene(run), None)
    assert note == "colours: mixed by responsibility; ellipses: 50 % and 95 % of their component"
    over = over_background(run.mixture, 0.05, run.cells.means)
    note = describe_scene(compute_scene(run), over.background)
    assert note.endswith("; open circles: background")


def test_a_title_says_the_step_and_its_elbo() -> None:
    snapshot = article_run().history.snapshot(0)
    assert describe_snapshot(snapshot, 300).startswith("step 0   ELBO \N{MINUS SIGN}")


def test_notes_fit_their_width() -> None:
    note = wrap_note("3 points lie outside the view\n" + "words " * 40, 3.0)
    assert note.startswith("3 points lie outside the view\nwords")
    assert max(map(len, note.splitlines())) <= 53
