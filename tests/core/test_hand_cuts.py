import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.hand_cuts import Piece, clip_name, cut_anew, recording_of

SECOND = 32_000
THREE = [(0, 2 * SECOND), (3 * SECOND, 5 * SECOND), (5 * SECOND, 9 * SECOND)]


def test_the_name_of_a_clip_says_where_it_was_cut_from() -> None:
    name = clip_name("my_talk.wav", 5, 64_000)
    assert name == "my_talk.wav_0000000005_0000064000.wav"
    assert recording_of(name) == "my_talk.wav"
    for other in ("my_talk.wav", "a_1_x.wav", "0000000005_0000064000.wav", ""):
        assert recording_of(other) == ""


@pytest.mark.parametrize(
    ("replaced", "pieces", "made"),
    [
        (THREE[1:2], [Piece(start=0.5)], [(112_000, 160_000)]),  # trimmed
        (THREE[1:2], [Piece(start=-0.5, end=1)], [(80_000, 128_000)]),  # reaches into a pause
        (THREE[2:], [Piece(end=1.5), Piece(start=1.5)], [(160_000, 208_000), (208_000, 288_000)]),
        (THREE[1:], [Piece()], [(96_000, 288_000)]),  # merged
        (THREE[2:], [Piece(end=4.5)], [(160_000, 304_000)]),  # up to the end of the recording
    ],
)
def test_pieces_take_the_place_of_clips(
    replaced: list[tuple[int, int]], pieces: list[Piece], made: list[tuple[int, int]]
) -> None:
    ranges, new = cut_anew(THREE, replaced, pieces, num_samples=304_000)
    assert new == made
    assert ranges == [span for span in THREE if span not in replaced and span < replaced[0]] + [
        *made,
        *(span for span in THREE if span > replaced[-1]),
    ]


@pytest.mark.parametrize(
    ("replaced", "pieces", "says"),
    [
        ([THREE[0], THREE[2]], [Piece()], "not neighbours"),
        (THREE[1:2], [Piece(end=2.1)], "Piece 1 leaves the room"),
        (THREE[1:2], [Piece(start=-1.1)], "Piece 1 leaves the room"),
        (THREE[1:2], [Piece(end=1.5), Piece(start=1.4)], "Piece 2 leaves the room"),
        (THREE[1:2], [Piece(start=1, end=1.05)], "Piece 1 lasts 0.050 s"),
        (THREE[1:2], [Piece(start=1.5, end=1)], "Piece 1 lasts -0.500 s"),
        (THREE[2:], [Piece(end=5)], "Piece 1 leaves the room"),
    ],
)
def test_pieces_without_room_are_refused(
    replaced: list[tuple[int, int]], pieces: list[Piece], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        cut_anew(THREE, replaced, pieces, num_samples=304_000)
