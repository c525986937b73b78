"""Messages name options as Python does, and leave alone what is the user's."""

import pytest

from gmmcli.errors import TableError
from gmmcli.wording import translate, translate_errors


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "geyser exists: name another with -o, or replace it with --overwrite",
            "geyser exists: name another with output, or replace it with overwrite=True",
        ),
        ("choose others with -x and -y", "choose others with x and y"),
        ("lower --learning-rate", "lower learning_rate"),
        ("raise --cells, or use --exact", "raise cells, or use exact=True"),
        ("which --effort thorough may find", "which effort='thorough' may find"),
        ("see --background on", "see background='on'"),
        ("try more, such as -k 3:6", "try more, such as components=(3, 6)"),
        ("2 groups only: see --valley 0.5", "2 groups only: see valley=0.5"),
        ("outside the box (--init)", "outside the box (start)"),
        ("leave out --strict to skip them", "leave out strict=True to skip them"),
        # What is no option: a name between quotes, a part of a word, a number, a dash.
        ("d.csv has no column '--exact' or 'a -x'", "d.csv has no column '--exact' or 'a -x'"),
        ('no row meets "a -k 3"', 'no row meets "a -k 3"'),
        ("run-x/k.csv and -3 - 4", "run-x/k.csv and -3 - 4"),
        ("the data's box: raise --steps", "the data's box: raise steps"),
    ],
)
def test_options_have_their_names_in_python(message: str, expected: str) -> None:
    assert translate(message) == expected


def test_errors_keep_their_kind_and_their_place() -> None:
    def fail() -> None:
        raise TableError("name them with -x and -y")

    with pytest.raises(TableError, match=r"^name them with x and y$") as raised, translate_errors():
        fail()
    assert raised.traceback[-1].name == "fail"
