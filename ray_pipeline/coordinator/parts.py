"""What the coordinator works with: the one place where its parts are put together."""

from __future__ import annotations

from ray_pipeline.books.desk import Books
from ray_pipeline.books.saying import Speak
from ray_pipeline.coordinator.attempts import Attempts
from ray_pipeline.coordinator.cutting import Cutting
from ray_pipeline.coordinator.halting import Halting
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.planning import Planner
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.coordinator.task_data import TaskData
from ray_pipeline.coordinator.voices import KeptVoices
from ray_pipeline.coordinator.watch import EventWatch
from ray_pipeline.hub.downloads import Downloads
from ray_pipeline.store import Store


class Parts:
    """The rules over one database; they know neither Ray nor DBOS. `speak` is for books, which
    nobody speaks without it."""

    def __init__(
        self, settings: CoordinatorSettings, store: Store, speak: Speak | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.watch = EventWatch()
        self.ledger = Ledger(store, settings, self.watch.notify)
        self.tasks = TaskData(self.ledger)
        self.cutting = Cutting(self.ledger)
        self.planner = Planner(self.ledger)
        self.halting = Halting(self.ledger)
        self.attempts = Attempts(self.ledger)
        self.downloads = Downloads(settings.models_dir)
        self.voices = KeptVoices(store, settings.data_dir)
        self.books = Books(settings.data_dir, speak, lambda voice: store.resolve_voice(voice, 0))
