import time
import tracemalloc
from collections.abc import Iterator
from io import BytesIO

from domain.exchange.qd4750 import Refusal, Visit, read
from tests.domain.exchange.qd4750.builders import HEAD, TAIL, Stream, envelope, filehoso, hoso, large_visit

MIB = 1024 * 1024


def pieces(one: bytes, size: int) -> Iterator[bytes]:
    yield HEAD
    for _ in range(size // len(one)):
        yield one
    yield TAIL


def peak_of(one: bytes, size: int) -> tuple[int, int]:
    """Outcomes read, and the most memory Python held meanwhile."""
    stream = Stream(pieces(one, size))
    tracemalloc.start()
    count = sum(1 for _ in read(stream))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak


def test_memory_is_flat_in_the_size_of_the_file():
    one = hoso(filehoso("XML99", b"x" * MIB))
    few, small = peak_of(one, 20 * MIB)
    many, large = peak_of(one, 80 * MIB)
    assert many > 3 * few
    assert large < small + MIB
    assert large < 16 * MIB


def test_a_visit_larger_than_the_limit_is_never_held():
    def file() -> Iterator[bytes]:
        yield HEAD + b"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>"
        yield from (b"QUJD" * 16_384 for _ in range(60 * MIB // 65_536))
        yield b"</NOIDUNGFILE></FILEHOSO></HOSO>" + large_visit() + TAIL

    tracemalloc.start()
    oversized, sound = read(Stream(file()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(oversized, Refusal)
    assert isinstance(sound, Visit)
    assert peak < 64 * MIB


def test_reads_many_visits_in_a_second():
    file = envelope(*[large_visit()] * 300)
    started = time.process_time()
    found = list(read(BytesIO(file)))
    assert time.process_time() - started < 2  # 300 visits: ten times slower than measured would be a mistake
    assert all(isinstance(one, Visit) and not one.issues for one in found)
