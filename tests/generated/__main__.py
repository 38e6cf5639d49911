"""`python -m tests.generated`: writes specs/vectors and specs/schemas, and removes what is gone."""

from __future__ import annotations

from pathlib import Path

from tests.generated import every_file

SPECS = Path(__file__).resolve().parent.parent.parent / "specs"
FOLDERS = (
    "vectors/identity",
    "vectors/ledger",
    "vectors/resolution",
    "vectors/rules",
    "schemas",
    "schemas/credentials",
)


def main() -> None:
    """Writes each file that differs."""
    made = every_file()
    for folder in FOLDERS:
        for path in (SPECS / folder).glob("*.json"):
            if str(path.relative_to(SPECS)) not in made:
                path.unlink()
    for name, content in made.items():
        path = SPECS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    print(f"{len(made)} files in {SPECS.name}")


if __name__ == "__main__":
    main()
