"""How much of a file one reader may be made to hold or walk through."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for hostile or broken files; the defaults are several times what large hospitals send."""

    hoso_bytes: int = 16 * MIB  # one raw HOSO; a longer one is refused and not kept, the rest of the file goes on
    document_bytes: int = 8 * MIB  # one inner file, decoded
    markup_bytes: int = MIB  # one tag, comment or instruction of the envelope
    tags_per_document: int = 500_000  # "<" in an inner file: what its tree costs in memory
    rows_per_table: int = 5_000
    documents_per_visit: int = 64
    text_chars: int = 200_000  # one field
    depth: int = 16  # elements inside each other
    issues_per_visit: int = 200  # errors, and as many warnings
    visits: int | None = None  # HOSO in a file
