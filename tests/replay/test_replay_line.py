"""A record is one line, which says so itself when it is not whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.model import Output
from pytest_promptreg.replay import line
from pytest_promptreg.replay.keys import Parts

if TYPE_CHECKING:
    from tests.replay.conftest import MakeRecord

TEXT = st.text(st.characters(codec=None), max_size=30)  # NUL, line ends and lone surrogates too
COUNTS = st.none() | st.integers(0, 10**9)
AMOUNTS = st.none() | st.floats(0, 1e6)
WELL_FORMED = TEXT.map(lambda text: text.encode("utf-8", "replace").decode())
RECORDS = st.builds(
    line.Record,
    key=st.binary(min_size=16, max_size=16).map(bytes.hex),
    suite=WELL_FORMED,
    version=WELL_FORMED,
    example=WELL_FORMED,
    parts=st.builds(Parts, WELL_FORMED, WELL_FORMED, WELL_FORMED, WELL_FORMED, WELL_FORMED, st.integers(0, 99)),
    output=st.builds(Output, TEXT, COUNTS, COUNTS, AMOUNTS, AMOUNTS, st.just(True)),
)


@given(RECORDS)
def test_what_is_written_is_read_again(record: line.Record) -> None:
    """Any record becomes one line of JSON, and comes back as it was, as a replayed output."""
    written = line.write(record)
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    assert json.loads(written)["output"]["text"] == record.output.text
    assert line.key_in(written[:-1]) == bytes.fromhex(record.key)
    assert line.read(written[:-1]) == record


@given(RECORDS, st.data())
def test_what_was_torn_or_edited_is_not_believed(record: line.Record, data: st.DataObject) -> None:
    """A line that is cut, or of which one byte differs, has no record."""
    written = line.write(record)[:-1]
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.integers(1, 255))
    edited = written[:place] + bytes([written[place] ^ other]) + written[place + 1 :]
    for damaged in (written[:place], edited, written + b"x", b""):
        assert line.key_in(damaged) is None
        assert line.read(damaged) is None


def test_a_record_without_numbers_has_none(make_record: MakeRecord) -> None:
    """Tokens and cost that are not known are left out of the line, and not written as null."""
    written = json.loads(line.write(make_record(1)))
    assert written["output"] == {"text": "an output", "latency_s": 0.5}


def test_a_record_of_a_newer_version_is_none_that_this_one_reads(make_record: MakeRecord) -> None:
    """What is whole and has fields that nobody knows here has a key, and no record."""
    record = make_record(1)
    body = line.write(record)[:-1].split(b",", 1)[1].replace(b'"latency_s"', b'"colour"')
    newer = b'{"sum":"' + line._sum(body) + b'",' + body
    assert line.key_in(newer) == bytes.fromhex(record.key)
    assert line.read(newer) is None
