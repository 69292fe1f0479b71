"""Reading the files that people write."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.atomic import write_atomically
from pytest_promptreg.errors import ExampleError
from pytest_promptreg.files import display_path, expand, read_json_text, read_text


def test_display_path_is_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below the working directory is relative to it, any other is whole."""
    monkeypatch.chdir(tmp_path)
    assert display_path(tmp_path / "a" / "b.md") == "a/b.md"
    assert display_path(Path("/elsewhere/b.md")) == "/elsewhere/b.md"


def names(found: list[Path] | None) -> list[str]:
    return [path.name for path in found or []]


def test_expand_names_files(tmp_path: Path) -> None:
    """A folder gives its entries, a glob its matches, a file itself, each sorted; an absolute glob works as well."""
    for name in ("b.md", "a.md", "c.txt"):
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / name).touch()
    assert names(expand("p", tmp_path)) == ["a.md", "b.md", "c.txt"]
    assert names(expand("p/*.md", tmp_path)) == ["a.md", "b.md"]
    assert names(expand(tmp_path / "p" / "*.md", Path("/"))) == ["a.md", "b.md"]
    assert names(expand("**/c.txt", tmp_path)) == ["c.txt"]
    assert names(expand("p/c.txt", tmp_path)) == ["c.txt"]


@pytest.mark.parametrize("entry", ["nothing.md", "*.md", "Summarize the text. " * 40, "a\0b", ""])
def test_expand_finds_nothing_without_an_error(entry: str, tmp_path: Path) -> None:
    """What names no file gives None or an empty folder, even where the file system refuses the very name."""
    assert not expand(entry, tmp_path)


def test_expand_prefers_a_file_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    """A file called ``v[1].md`` is named by its own name."""
    (tmp_path / "v[1].md").touch()
    assert expand("v[1].md", tmp_path) == [tmp_path / "v[1].md"]


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_text_reads_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """What was written atomically is read back as it was; a leading byte order mark alone is dropped."""
    path = tmp_path_factory.getbasetemp() / "any.txt"
    write_atomically(path, text)
    assert read_text(path, ExampleError) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_lines_end_by_lf(tmp_path: Path, ending: str) -> None:
    """Windows' and old Mac's line ends are read as LF."""
    (tmp_path / "a.txt").write_bytes(f"a{ending}b{ending}".encode())
    assert read_text(tmp_path / "a.txt", ExampleError) == "a\nb\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_not_utf8_is_refused_at_its_line(tmp_path: Path, mark: bytes) -> None:
    """The first byte that is no UTF-8 is named with its line, behind a byte order mark too."""
    path = tmp_path / "latin.csv"
    path.write_bytes(mark + b"id,q\n1,caf\xe9\n")
    with pytest.raises(ExampleError) as error:
        read_text(path, ExampleError)
    assert str(error.value.where).endswith("latin.csv:2")
    assert "0xe9" in error.value.what
    assert error.value.next_step == "save the file as UTF-8"


def test_byte_and_line_behind_a_mark(tmp_path: Path) -> None:
    """The byte order mark does not shift the line that is named."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfa\n\xff")
    with pytest.raises(ExampleError, match="byte 0xff") as error:
        read_text(path, ExampleError)
    assert str(error.value.where).endswith(":2")


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    """What cannot be read is refused by the caller's kind of error."""
    with pytest.raises(ExampleError, match="cannot be read"):
        read_text(tmp_path, ExampleError)


def test_paths_of_windows_are_told_with_slashes() -> None:
    """What is stored and shown is the same on every system; Windows tells files of another case and drive apart."""
    here = PureWindowsPath("C:/work")
    assert display_path(PureWindowsPath("c:\\Work\\evals\\test_a.py"), here) == "evals/test_a.py"
    assert display_path(PureWindowsPath("D:\\data\\rows.jsonl"), here) == "D:/data/rows.jsonl"


def test_dense_json_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """A file that would take more memory than there is room for, and one of which the size says so already."""
    path = tmp_path / "f.json"
    path.write_text("[" + "[]," * 1_000 + "[]]")
    assert read_json_text(path, ExampleError).endswith("[]]")
    with pytest.raises(ExampleError, match=r"would take more than 0.1 MB of memory"):
        read_json_text(path, ExampleError, room=100_000)
    with pytest.raises(ExampleError, match=r"a file of 0 MB is too large: at most 0.00125 MB are read"):
        read_json_text(path, ExampleError, room=10_000)
