"""What an operator may set, checked once, before anything starts.

Sources, the later ones winning: the defaults here, the arguments of `serve_config.yaml`, a
file named by GSV_CONFIG_FILE, the environment (GSV_…). The file may be one of the older
single-process service (sections server, paths, gpu, training); its names are mapped to ours.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.option_types import BatchSize
from ray_pipeline.core.workspace import tasks_folder

CONFIG_FILE_VARIABLE = "GSV_CONFIG_FILE"
MIN_API_KEY_LENGTH = 16
DATABASE_FILE = "gsv.sqlite3"


def _absolute(path: Path) -> Path:
    # Ray's processes may start in other folders than the one the settings were read in.
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Raises pydantic's ValidationError; `load_settings` turns it into a sentence."""

    model_config = SettingsConfigDict(
        env_prefix="GSV_", extra="forbid", frozen=True, env_ignore_empty=True
    )

    data_dir: Folder = Field(Path("data"), description="tasks and, by default, the database")
    models_dir: Folder = Field(Path("models"), description="base models, laid out as the original")
    database_url: str = Field("", description="SQLAlchemy URL; default: SQLite in data_dir")
    host: str = Field("127.0.0.1", description="address that the HTTP proxy listens on")
    port: int = Field(8000, ge=1, le=65535)
    api_key: SecretStr | None = Field(None, description="sent as Authorization: Bearer")
    max_upload_mb: int = Field(2048, ge=1, le=1_000_000, description="for one upload request")
    replicas: int = Field(1, ge=1, le=64, description="HTTP workers; they share the coordinator")
    max_parallel_tasks: int = Field(0, ge=0, le=1000, description="0: as the cluster allows")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    umask: str = Field(
        "077",
        pattern=r"^[0-7]{3}$",
        description="what other users of the machine may not do with the service's files, "
        "octal; 027 lets the group read, for folders that several share",
    )
    # Speaking: the deployment `Voices`.
    default_voice: str = Field("", max_length=200, description="speaks where a request names none")
    speech_gpus: float = Field(0, ge=0, le=8, description="GPUs an engine holds, 0.25 is a quarter")
    speech_cpus: float = Field(0, ge=0, le=256, description="CPUs it holds; trainings get the rest")
    speech_threads: int = Field(1, ge=1, le=256, description="threads of PyTorch in an engine")
    speech_min_replicas: int = Field(
        1, ge=0, le=64, description="engines; 0: none while nobody asks"
    )
    speech_max_replicas: int = Field(
        1, ge=1, le=64, description="engines at most, as load asks for"
    )
    speech_max_requests: int = Field(64, ge=1, le=500, description="in an engine, waiting included")
    speech_max_rows: int = Field(16, ge=1, le=256, description="sentences decoded side by side")
    speech_voice_mb: int = Field(8000, ge=100, description="memory for the weights of voices")
    speech_idle_seconds: float = Field(600, ge=1, description="until an unused voice is let go")
    speech_no_gaps: bool = Field(
        True, description="refuse with 429 what could not be played without gaps"
    )
    speech_per_client: int = Field(0, ge=0, description="streams of one address; 0: no limit")
    speech_timeout_seconds: float = Field(
        120, gt=0, description="the longest wait for a next sound"
    )
    speech_watermark: Literal["auto", "on", "off"] = Field(
        "auto", description="an inaudible mark in all speech; auto: where resemble-perth is there"
    )
    open_tts_on_loopback: bool = Field(
        False, description="/tts without the API key, from this machine: for old front ends"
    )
    # What a task gets when its request leaves the field out.
    default_gpu_id: str | None = None
    default_batch_size: BatchSize | None = None
    default_epochs_s1: int | None = Field(None, ge=1, le=1000)
    default_epochs_s2: int | None = Field(None, ge=1, le=1000)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _without_file_name(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in data.items() if key != "config_file"}

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> Self:
        key = self.api_key.get_secret_value() if self.api_key else ""
        if self.api_key and (len(key) < MIN_API_KEY_LENGTH or not key.isascii() or " " in key):
            raise ValueError(
                f"api_key must be at least {MIN_API_KEY_LENGTH} ASCII characters without spaces; "
                "make one with: openssl rand -hex 24"
            )
        if not key and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from other machines, so api_key must be set "
                "(GSV_API_KEY); or use 127.0.0.1"
            )
        if self.speech_min_replicas > self.speech_max_replicas:
            raise ValueError("speech_min_replicas must not be above speech_max_replicas")
        if self.models_dir == self.data_dir or self.models_dir.is_relative_to(self.tasks_dir):
            raise ValueError("models_dir must lie outside the folder of the tasks")
        return self

    @property
    def tasks_dir(self) -> Path:
        """One folder a task."""
        return tasks_folder(self.data_dir)

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / DATABASE_FILE}"

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1_000_000

    @property
    def task_defaults(self) -> dict[str, Any]:
        """Config fields that this installation sets for tasks which leave them out."""
        found = {
            name: getattr(self, f"default_{name}")
            for name in ("gpu_id", "batch_size", "epochs_s1", "epochs_s2")
        }
        return {name: value for name, value in found.items() if value is not None}

    def printable(self) -> dict[str, Any]:
        """Plain data with the API key and the database's password hidden."""
        shown = self.model_dump(mode="json")
        shown["database_url"] = hide_password(self.effective_database_url)
        return shown


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, an address or a name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def hide_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at or ":" not in credentials:
        return url
    return f"{scheme}{separator}{credentials.split(':')[0]}:***@{place}"


def load_settings(arguments: dict[str, Any] | None = None) -> Settings:
    """Settings from `arguments`, the file that GSV_CONFIG_FILE names, and the environment.

    Raises InvalidInput with one sentence a problem.
    """
    values = dict(arguments or {})
    file = os.environ.get(CONFIG_FILE_VARIABLE) or values.pop("config_file", None)
    if file:
        values |= read_config_file(Path(file))
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _invalid(error) from None


def read_config_file(path: Path) -> dict[str, Any]:
    """The settings in a YAML file, ours or the older service's. Raises InvalidInput."""
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(
            f"The settings file {path} cannot be read: {error}.",
            hint=f"Correct it, or unset {CONFIG_FILE_VARIABLE}.",
            field="config_file",
        ) from None
    if not isinstance(data, dict):
        raise InvalidInput(
            f"The settings file {path} does not hold names and values.",
            hint="Write one `name: value` a line, such as `port: 8000`.",
            field="config_file",
        )
    return from_older_config(data) if _OLDER_SECTIONS & data.keys() else data


_OLDER_SECTIONS = {"server", "paths", "gpu", "training"}

# (section, name) in the older service's config.yaml -> our setting
_OLDER_NAMES: dict[tuple[str, str], str] = {
    ("server", "host"): "host",
    ("server", "port"): "port",
    ("server", "workers"): "replicas",
    ("server", "log_level"): "log_level",
    ("paths", "work_dir"): "data_dir",
    ("gpu", "default_device"): "default_gpu_id",
    ("gpu", "max_parallel"): "max_parallel_tasks",
    ("training", "default_epochs_s2"): "default_epochs_s2",
    ("training", "default_epochs_s1"): "default_epochs_s1",
    ("training", "default_batch_size"): "default_batch_size",
}
# The older service ran inside a checkout of GPT-SoVITS, which has its models here.
_MODELS_IN_CHECKOUT = Path("GPT_SoVITS") / "pretrained_models"


def from_older_config(data: dict[str, Any]) -> dict[str, Any]:
    """The older service's sections as our settings. Raises InvalidInput for a name that has
    no counterpart, so that nothing is ignored silently."""
    values: dict[str, Any] = {}
    for section, names in data.items():
        for name, value in (names or {}).items() if isinstance(names, dict) else [("", names)]:
            if (section, name) == ("paths", "base_dir"):
                values["models_dir"] = Path(str(value)) / _MODELS_IN_CHECKOUT
            elif (section, name) in _OLDER_NAMES:
                values[_OLDER_NAMES[section, name]] = value
            else:
                raise InvalidInput(
                    f"The older setting {section}.{name} has no counterpart here.",
                    hint="Remove it; docs/migration.md lists what each older setting became.",
                    field=f"{section}.{name}",
                )
    if "default_gpu_id" in values:
        values["default_gpu_id"] = str(values["default_gpu_id"])
    if isinstance(values.get("log_level"), str):
        values["log_level"] = values["log_level"].upper()
    return values


def _invalid(error: ValidationError) -> InvalidInput:
    problems = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        problems.append(f"{name}: {message}" if name else message)
    return InvalidInput(
        f"The settings are refused: {'; '.join(problems)}.",
        hint="`gsv config` prints them; each can be set as GSV_<NAME> in the environment.",
        field="settings",
    )
