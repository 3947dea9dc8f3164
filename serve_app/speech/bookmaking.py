"""A request for a long text becomes a book: chapters, blocks, and who says each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ray_pipeline.books.book import Block, Book, Chapter, Manner
from ray_pipeline.books.cutting import blocks_of, chapters_in
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.speech import NUM_SEEDS
from ray_pipeline.text.markup import Break, is_marked_up
from serve_app.speech.book_requests import BookRequest
from serve_app.speech.choosing import Chooser, Chosen
from serve_app.speech.directed import choose_spans

# Changes of manner in a chapter: each is looked up, and becomes a block of its own.
MOST_SPANS = 5000
# Of two blocks; pieces of one have the seeds that follow its own.
_SEEDS_APART = 1000


def make_book(chooser: Chooser, asked: BookRequest, data_dir: Path) -> Book:
    """Raises InvalidInput for a text with nothing to say or directions that cannot be followed, and
    as `Chooser.choose` does. A voice's version is settled here: all of the book is said by it."""
    making = _Making(chooser, asked, data_dir)
    sent = [(chapter.title, chapter.text) for chapter in asked.chapters]
    whole = is_marked_up(asked.input) or asked.markup
    for title, text in sent or ([("", asked.input)] if whole else chapters_in(asked.input)):
        making.add(title, text)
    return making.book()


@dataclass
class _Making:
    chooser: Chooser
    asked: BookRequest
    data_dir: Path
    manners: dict[str, int] = field(default_factory=dict)
    kept: list[Manner] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    num_blocks: int = 0

    def __post_init__(self) -> None:
        wanted = self.asked.wanted_with("a book")
        self.first = self.chooser.choose(wanted)
        # From here on the version that an alias drew, by its number.
        self.wanted = replace(
            wanted, voice=self.first.spoken_name, seed=self.first.order.settings.seed
        )

    def add(self, title: str, text: str) -> None:
        wanted = replace(self.wanted, text=text)
        if self.asked.markup or is_marked_up(text):
            spans = choose_spans(self.chooser, wanted, text, most_spans=MOST_SPANS)
        else:
            spans = [self._with(self.first, text)]
        blocks: list[Block] = []
        for span in spans:
            if isinstance(span, Break):
                blocks.append(Block(silence=span.seconds))
                continue
            manner = self._manner(span)
            for part in blocks_of(span.order.text):
                blocks.append(Block(text=part, manner=manner, seed=self._next_seed()))
        if any(block.text for block in blocks):
            self.chapters.append(Chapter(title=title, blocks=blocks))

    def book(self) -> Book:
        if not self.chapters:
            raise InvalidInput(
                "The text has nothing that can be said.",
                hint="Give at least one word.",
                field="input",
            )
        return Book(
            book_id=str(uuid.uuid4()),
            title=self.asked.title,
            voice=self.first.spoken_name,
            format=self.asked.response_format,
            seed=self.first.order.settings.seed,
            created_at=datetime.now(UTC),
            manners=self.kept,
            chapters=self.chapters,
        )

    def _with(self, chosen: Chosen, text: str) -> Chosen:
        return replace(chosen, order=replace(chosen.order, text=text))

    def _manner(self, span: Chosen) -> int:
        manner = Manner.of(
            span.order,
            self.data_dir,
            span.voice.voice_id,
            span.spoken_name,
            span.version.base_model,
        )
        key = repr(manner)
        if key not in self.manners:
            self.manners[key] = len(self.kept)
            self.kept.append(manner)
        return self.manners[key]

    def _next_seed(self) -> int:
        seed = (self.first.order.settings.seed + self.num_blocks * _SEEDS_APART) % NUM_SEEDS
        self.num_blocks += 1
        return seed
