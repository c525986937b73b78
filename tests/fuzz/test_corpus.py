"""What the fuzzer has found stays read or refused as it should be."""

from pathlib import Path

import pytest
from fuzz.targets import TARGETS, refuse

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_all_of_a_corpus_is_read_or_refused(name: str) -> None:
    try_it, files = refuse(TARGETS[name]), sorted((CORPUS / name).iterdir())
    assert files
    for file in files:
        try:
            try_it(file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name} breaks on {file.name}") from error
