"""Random shifts of pictures, which batches go through."""

import pytest
import torch
from torch import Tensor

from acceltui.engine.augment import PIXELS, Augment
from acceltui.engine.replay import Batch
from acceltui.engine.windows import Past, Pictures, Windows

ROWS, CONTEXT, CHANNELS, HEIGHT, WIDTH = 200, 3, 2, 12, 16


def pictures(seed: int) -> Windows:
    generator = torch.Generator().manual_seed(seed)
    shape = (ROWS, CONTEXT, CHANNELS, HEIGHT, WIDTH)
    image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    past = Past(torch.rand(ROWS, CONTEXT, 2), torch.rand(ROWS, CONTEXT), torch.zeros(ROWS, CONTEXT, dtype=torch.bool))
    return Windows(torch.rand(ROWS, CONTEXT, 5), Pictures.of(image), past)


def batch() -> Batch:
    return Batch(pictures(1), torch.rand(ROWS, 2), torch.rand(ROWS), pictures(2), torch.zeros(ROWS))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def moved_by(image: Tensor, down: int, right: int) -> Tensor:
    """Each pixel's bytes are those `down` and `right` of it, or the nearest of the edge."""
    row = (torch.arange(HEIGHT) + down).clamp(0, HEIGHT - 1)
    column = (torch.arange(WIDTH) + right).clamp(0, WIDTH - 1)
    return image[..., row, :][..., column]


def shifts(before: Windows, after: Windows) -> list[tuple[int, int]]:
    """The one shift of each window that makes all of its pictures; none or two fail."""
    assert before.image is not None and after.image is not None
    reach = range(-PIXELS, PIXELS + 1)
    candidates = {(down, right): moved_by(before.image.all, down, right) for down in reach for right in reach}
    found: list[list[tuple[int, int]]] = [[] for _ in range(ROWS)]
    for shift, image in candidates.items():
        for row in (image == after.image.all).flatten(1).all(dim=1).nonzero()[:, 0].tolist():
            found[row].append(shift)
    assert all(len(one) == 1 for one in found)
    return [one[0] for one in found]


def test_all_pictures_of_a_window_move_together_by_up_to_4_pixels_and_keep_their_bytes() -> None:
    given = batch()
    moved = Augment(shifts=True)(given, generator())
    assert moved.windows.image is not None and moved.windows.image.frames.dtype == torch.uint8
    found = shifts(given.windows, moved.windows)
    for axis in (0, 1):
        assert {shift[axis] for shift in found} == set(range(-4, 5))
    assert len(set(found)) > 60  # of 81: rows and columns are drawn apart


def test_next_windows_move_by_a_draw_of_their_own() -> None:
    given = batch()
    moved = Augment(shifts=True)(given, generator())
    pairs = zip(shifts(given.windows, moved.windows), shifts(given.next_windows, moved.next_windows), strict=True)
    assert sum(one == other for one, other in pairs) < ROWS // 10


def test_each_batch_is_drawn_anew_and_the_generator_fixes_it() -> None:
    given, augment, running = batch(), Augment(shifts=True), generator()
    first, second = augment(given, running).windows, augment(given, running).windows
    again = augment(given, generator()).windows
    assert first.image is not None and second.image is not None and again.image is not None
    assert torch.equal(first.image.all, again.image.all)
    assert not torch.equal(first.image.all, second.image.all)


def test_nothing_but_pictures_changes() -> None:
    given = batch()
    kept = batch().windows.image
    moved = Augment(shifts=True)(given, generator())
    assert given.windows.image is not None and kept is not None
    assert torch.equal(given.windows.image.all, kept.all)
    assert moved.windows.state is given.windows.state and moved.windows.past is given.windows.past
    assert moved.actions is given.actions and moved.rewards is given.rewards
    assert moved.terminated is given.terminated


@pytest.mark.parametrize("pixel", [0, 1, 127, 128, 254, 255])
def test_every_byte_comes_through(pixel: int) -> None:
    windows = Windows(torch.zeros(1, 1, 0), Pictures.of(torch.full((1, 1, 3, HEIGHT, WIDTH), pixel, dtype=torch.uint8)))
    given = Batch(windows, torch.zeros(1, 1), torch.zeros(1), windows, torch.zeros(1))
    moved = Augment(shifts=True)(given, generator()).windows.image
    assert moved is not None and moved.all.eq(pixel).all()


def test_without_it_nothing_is_touched_or_drawn() -> None:
    given, unused = batch(), generator()
    assert Augment(shifts=False)(given, unused) is given
    assert torch.equal(unused.get_state(), generator().get_state())
