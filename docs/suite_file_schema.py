"""Writes suite_file.schema.json, the JSON Schema of suite files, from what their reader declares.

``python docs/suite_file_schema.py`` writes it, ``--check`` says whether it is up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_promptreg.suites.files.schema import schema

FILE = Path(__file__).with_name("suite_file.schema.json")


def main() -> int:
    """Write the file, or say whether it is up to date."""
    text = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        return int(FILE.read_text(encoding="utf-8") != text)
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
