"""CSV files as people write them, and what they are told of their mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import SchemaViolation, TetradError
from resolver.cli.rows import (
    COLUMNS,
    Row,
    Wrong,
    check_rows,
    device_body,
    read_rows,
    sector_of,
    table,
    wrong_row,
)

HEADER = "model,serial,code,number,ipv6\r\n"


def test_rows_count_as_in_a_spreadsheet() -> None:
    text = HEADER + "M1,S1,C1,,\r\n\r\nM1,S2,C2,,enabled\r\n"
    rows, wrong = read_rows(text.encode(), {})
    assert wrong == []
    assert rows == [
        Row(2, {"model": "M1", "serial": "S1", "code": "C1"}),
        Row(4, {"model": "M1", "serial": "S2", "code": "C2", "ipv6": "enabled"}),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_what_spreadsheets_write_is_read(mark: str, ends: str, start: bytes) -> None:
    lines = [
        mark.join(["Model", " serial", "Data URL", "code"]),
        mark.join(["Gerät", "S", "", "C"]),
    ]
    rows, wrong = read_rows(start + ends.join(lines).encode(), {"ipv6": "enabled"})
    assert wrong == []
    assert rows[0].cells == {"model": "Gerät", "serial": "S", "code": "C", "ipv6": "enabled"}


def test_a_cell_may_hold_commas_and_lines() -> None:
    text = 'model,serial,code,ipv6\n"M,1",S,C,"exempt: old\nmodem"\nM2,S,C,\n'
    rows, _ = read_rows(text.encode(), {})
    assert [row.number for row in rows] == [2, 3]
    assert device_body(rows[0], "maker", "maker")["object"]["ipv6"] == {"exemption": "old\nmodem"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"model,serial\n", "code is missing"),
        (b"model,serial,code\n,,\n", "no row"),
        (b"model,serial,code,code\n", "twice"),
        (b"model,serial,code,colour\n", "colour"),
        (b"model,serial,code\nM,\xff,C\n", "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(data: bytes, says: str) -> None:
    with pytest.raises(SchemaViolation, match=says):
        read_rows(data, {})


def test_too_many_cells_are_a_mistake_of_that_row() -> None:
    rows, wrong = read_rows(b"model,serial,code\nM,S,C,more\nM,S,C,\n", {})
    assert [row.number for row in rows] == [3]
    assert [one.number for one in wrong] == [2]


def test_the_same_twice_is_told_by_row() -> None:
    rows, _ = read_rows(
        b"model,serial,code,number\nM,1,A,n1\nM,2,A,none\nM,1,B,none\nM,3,D,n1\nM,4,E,none\n", {}
    )
    ready, wrong = check_rows(rows, lambda _: None)
    assert [row.number for row in ready] == [2, 6]
    assert [(one.number, one.column, one.detail) for one in wrong] == [
        (3, "code", "as in row 2"),
        (4, "serial", "as in row 2"),
        (5, "number", "as in row 2"),
    ]


def test_the_table_of_mistakes_reads_as_the_design_shows_it() -> None:
    wrong = [
        Wrong(90, "ipv6", "not enabled", "enable it, or declare an exemption", "rule.policy"),
        Wrong(17, "code", "check digit is 8, should be 2", "09506000134352?", "code.check_digit"),
    ]
    assert table(wrong) == [
        "row 17 code   check digit is 8, should be 2        hint: 09506000134352?",
        "row 90 ipv6   not enabled                          "
        "hint: enable it, or declare an exemption",
    ]
    assert table([]) == []


def test_every_column_has_its_place() -> None:
    for pointer, column in [
        ("/body/object/serial", "serial"),
        ("/body/code", "code"),
        ("/body/number/commitment", "number"),
        ("/body/object/sector/domain", "sector"),
        ("/body/data/schema", "data_schema"),
        ("/body/data/endpoints/0/url", "data_url"),
        ("/data_content", "data_content"),
        ("/body/data/content", "data_content"),
        ("/body/data/commitment", "data_commitment"),
        ("/proof/0", ""),
    ]:
        assert wrong_row(2, TetradError("x", pointer=pointer)).column == column


def test_a_data_record_is_described_in_columns() -> None:
    cells = {
        "model": "M1",
        "serial": "S",
        "code": "C",
        "data_schema": "https://acme.example/schema",
        "data_url": "coaps://meter/17",
        "data_content": '{"unit": "kWh"}',
    }
    assert device_body(Row(2, cells), "maker", "user")["data"] == {
        "describes": "M1",
        "schema": "https://acme.example/schema",
        "version": 1,
        "grade": "general",
        "endpoints": [{"type": "coaps", "url": "coaps://meter/17"}],
        "content": {"unit": "kWh"},
    }
    with pytest.raises(SchemaViolation):
        device_body(Row(2, cells | {"data_content": "{"}), "maker", "user")
    del cells["data_content"]
    core = cells | {"data_grade": "core", "data_commitment": "Q1cJDLRP"}
    record = device_body(Row(2, core), "maker", "user")["data"]
    assert (record["grade"], record["commitment"]) == ("core", "Q1cJDLRP")
    assert "content" not in record


def test_a_row_is_known_by_its_content_wherever_it_stands() -> None:
    cells = {"model": "M1", "serial": "S", "code": "C"}
    assert Row(2, cells).source == Row(9, dict(reversed(cells.items()))).source
    assert Row(2, cells).source != Row(2, cells | {"number": "n"}).source


def test_a_sector_has_two_or_three_parts() -> None:
    assert sector_of("production/industry/C4016") == {
        "domain": "production",
        "field": "industry",
        "category": "C4016",
    }
    assert sector_of("governance/safety") == {"domain": "governance", "field": "safety"}


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (HEADER + text).encode(
    "utf-8", "surrogatepass")))  # fmt: skip
def test_hostile_files_raise_only_our_errors(data: bytes) -> None:
    try:
        rows, _ = read_rows(data, {})
        check_rows(rows, lambda row: device_body(row, "maker", "maker"))
    except TetradError:
        return


@given(st.dictionaries(st.sampled_from(sorted(COLUMNS)), st.text(max_size=20)))
def test_hostile_cells_raise_only_our_errors(cells: dict[str, str]) -> None:
    try:
        device_body(Row(2, cells), "maker", "maker")
    except TetradError:
        return
