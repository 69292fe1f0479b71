"""Coverage-guided damage to the files of one reader, for as long as is asked: ``pip install atheris``, then

    python tests/fuzz/with_atheris.py examples.jsonl -max_total_time=300

The first argument is a reader's name (without one, the names are printed), the others are libFuzzer's. It stops at the
first input that ends in neither success nor an error of this package, and leaves that beside itself as ``crash-*``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

with atheris.instrument_imports(include=["pytest_promptreg", "json"]):
    from more_readers import more_readers
    from readers import readers, trouble


def main() -> None:
    """Fuzz the reader that is named."""
    known = {reader.name: reader for reader in (*readers(), *more_readers())}
    reader = known.get(" ".join(sys.argv[1:2]))
    if reader is None:
        print("one of:", ", ".join(known))
        return
    folder = Path(tempfile.mkdtemp())
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, seed in enumerate(reader.seeds):
        (seeds / str(number)).write_bytes(seed)
    place = folder / "read"
    place.mkdir()

    def once(data: bytes) -> None:
        failure = trouble(reader, data, place)
        if failure is not None:
            raise failure

    atheris.Setup([sys.argv[0], *sys.argv[2:], "-rss_limit_mb=4096", "-timeout=20", str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
