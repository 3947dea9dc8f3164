"""A checkout of RVC-Boss/GPT-SoVITS, imported as it is and driven through its own classes.

Its packages have names such as `module`, `text` and `utils`, so they are imported only after the
checkout's folders are on the path. Nothing of what is compared is replaced. Two imports are, whose
packages are large: the diffusion model of versions 3 and 4 (`f5_tts.model.DiT`), which no version
here builds, and `gradio`, which its loader of sound would show a warning with. Needed beside the
project's packages: einops, torchmetrics.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.compare.workloads import Sentences
from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.training.sovits.data import SovitsBatch

_FOLDERS = ("GPT_SoVITS", ".")


def open_checkout(checkout: Path) -> None:
    """Make the checkout importable. Raises SystemExit when it is not one."""
    if not (checkout / "GPT_SoVITS" / "module" / "models.py").is_file():
        raise SystemExit(f"{checkout} is no checkout of RVC-Boss/GPT-SoVITS.")
    sys.path[:0] = [str(checkout / folder) for folder in _FOLDERS]
    unused: Any = ModuleType("f5_tts.model")
    unused.DiT = None
    sys.modules["f5_tts"] = ModuleType("f5_tts")
    sys.modules["f5_tts.model"] = unused
    sys.modules.setdefault("gradio", ModuleType("gradio"))
    try:
        import AR.models.t2s_model  # noqa: F401
        import module.models  # noqa: F401
        import process_ckpt  # noqa: F401
    except ModuleNotFoundError as error:
        raise SystemExit(f"The original needs a package: pip install {error.name}") from error


def load_sovits(path: Path) -> tuple[nn.Module, str, list[str], list[str]]:
    """An exported file through its loader, the way its inference does it: the model, the
    version that it recognised, missing keys (`enc_q` aside) and unexpected keys."""
    import process_ckpt
    from module.models import SynthesizerTrn

    symbols, version, _ = process_ckpt.get_sovits_version_from_path_fast(str(path))
    content = process_ckpt.load_sovits_new(str(path))
    config, weight = content["config"], content["weight"]
    if weight["enc_p.text_embedding.weight"].shape[0] == 322:
        symbols = version = "v1"
    shape = dict(config["model"])
    shape["semantic_frame_rate"] = "25hz"
    shape["version"] = version if "Pro" in version else symbols
    model = SynthesizerTrn(
        config["data"]["filter_length"] // 2 + 1,
        config["train"]["segment_size"] // config["data"]["hop_length"],
        n_speakers=config["data"]["n_speakers"],
        **shape,
    )
    result = model.load_state_dict(weight, strict=False)
    missing = [key for key in result.missing_keys if "enc_q" not in key]
    return model.float().eval(), version, missing, list(result.unexpected_keys)


def load_gpt(path: Path) -> tuple[nn.Module, list[str], list[str]]:
    """An exported stage-1 file into its model: missing and unexpected keys."""
    from AR.models.t2s_model import Text2SemanticDecoder

    content = torch.load(path, map_location="cpu", weights_only=True)
    model = Text2SemanticDecoder(config=content["config"], top_k=3)
    weight = {name.removeprefix("model."): x for name, x in content["weight"].items()}
    result = model.load_state_dict(weight, strict=False)
    return model.float().eval(), list(result.missing_keys), list(result.unexpected_keys)


def synthesizer_and_discriminator(config: SovitsConfig) -> tuple[nn.Module, nn.Module]:
    """Its two networks for training, of the shape that `config` has."""
    from module.models import MultiPeriodDiscriminator, SynthesizerTrn

    section = config.export_config()
    generator = SynthesizerTrn(
        section["data"]["filter_length"] // 2 + 1,
        section["train"]["segment_size"] // section["data"]["hop_length"],
        n_speakers=section["data"]["n_speakers"],
        **section["model"],
    )
    return generator, MultiPeriodDiscriminator(False, version=config.version)


def decode_alone(model: nn.Module, sentences: Sentences, num_tokens: int, top_k: int) -> int:
    """Each sentence by itself; the number of tokens that came out."""
    total = 0
    for phones, bert in zip(sentences.phones, sentences.bert, strict=True):
        tokens, _ = decode_one(model, phones, bert, sentences.prompt, num_tokens, top_k)
        total += tokens.shape[1] - len(sentences.prompt)
    return total


def decode_one(
    model: nn.Module, phones: Tensor, bert: Tensor, prompt: Tensor, num_tokens: int, top_k: int
) -> tuple[Tensor, int]:
    lengths = torch.tensor([len(phones)], device=phones.device)
    with torch.no_grad(), redirect_stdout(io.StringIO()):  # it prints when it stops early
        result: tuple[Tensor, int] = model.infer_panel(
            phones[None],
            lengths,
            prompt[None],
            bert[None],
            top_k=top_k,
            top_p=1,
            early_stop_num=num_tokens - 1,
            temperature=1.0,
        )
    return result


def decode_together(model: nn.Module, sentences: Sentences, num_tokens: int, top_k: int) -> int:
    count = len(sentences.phones)
    device = sentences.prompt.device
    with torch.no_grad(), redirect_stdout(io.StringIO()):
        tokens, _ = model.infer_panel_batch_infer(
            sentences.phones,
            torch.tensor([len(x) for x in sentences.phones], device=device),
            sentences.prompt.expand(count, -1),
            sentences.bert,
            top_k=top_k,
            top_p=1,
            early_stop_num=num_tokens - 1,
            temperature=1.0,
        )
    # Its batch drops the last token of an early stop, after having computed it.
    return sum(len(row) - len(sentences.prompt) + 1 for row in tokens)


class SovitsTraining:
    """The iteration of its `s2_train.py`, by calls into its own networks and losses. Data
    loading, logging and checkpoints are left out on both sides."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        half: bool,
        segment_frames: int = 32,
    ) -> None:
        generator.segment_size = self.segment_frames = segment_frames
        self.generator, self.discriminator = generator.train(), discriminator.train()
        text = generator.enc_p
        slow = [
            list(part.parameters()) for part in (text.text_embedding, text.encoder_text, text.mrte)
        ]
        slow_ids = {id(p) for part in slow for p in part}
        rest = [p for p in generator.parameters() if id(p) not in slow_ids and p.requires_grad]
        settings: dict[str, Any] = {"lr": 1e-4, "betas": (0.8, 0.99), "eps": 1e-9}
        groups = [{"params": part} for part in (rest, *slow)]
        self.optim_g = torch.optim.AdamW(groups, **settings)
        self.optim_d = torch.optim.AdamW(discriminator.parameters(), **settings)
        self.half = half
        self.scaler = torch.amp.GradScaler("cuda", enabled=half)

    def step(self, batch: SovitsBatch) -> dict[str, Tensor]:
        """The losses before their weights."""
        from module import commons, losses, mel_processing

        sizes = (2048, 128, 32000)
        with self._autocast():
            inputs = [batch.ssl, batch.spec, batch.spec_lengths, batch.phones, batch.phone_lengths]
            if batch.speaker is not None:
                inputs.append(batch.speaker)
            y_hat, kl_ssl, starts, _, z_mask, latents, _ = self.generator(*inputs)
            _, z_p, m_p, logs_p, _, logs_q = latents
            mel = mel_processing.spec_to_mel_torch(batch.spec, *sizes, 0.0, None)
            y_mel = commons.slice_segments(mel, starts, self.segment_frames)
            y_hat_mel = mel_processing.mel_spectrogram_torch(
                y_hat.squeeze(1).float(), *sizes, 640, 2048, 0.0, None
            )
            y = commons.slice_segments(batch.wav, starts * 640, self.segment_frames * 640)
            real, fake, _, _ = self.discriminator(y, y_hat.detach())
        loss_d, _, _ = losses.discriminator_loss(real, fake)
        self._learn(self.optim_d, loss_d, self.discriminator)
        with self._autocast():
            _, fake, maps_real, maps_fake = self.discriminator(y, y_hat)
        terms = {
            "generator": losses.generator_loss(fake)[0],
            "features": losses.feature_loss(maps_real, maps_fake),
            "mel": F.l1_loss(y_mel, y_hat_mel),
            "kl": losses.kl_loss(z_p, logs_q, m_p, logs_p, z_mask),
            "commit": kl_ssl,
        }
        weighted = [45 * term if name == "mel" else term for name, term in terms.items()]
        self._learn(
            self.optim_g, torch.stack([x.reshape(()) for x in weighted]).sum(), self.generator
        )
        self.scaler.update()
        return {name: x.detach() for name, x in {"discriminator": loss_d, **terms}.items()}

    def _learn(self, optimizer: torch.optim.Optimizer, loss: Tensor, network: nn.Module) -> None:
        from module import commons

        optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(optimizer)
        commons.clip_grad_value_(network.parameters(), None)
        self.scaler.step(optimizer)

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cuda", dtype=torch.float16, enabled=self.half)


def as_batch(
    ssl: Tensor, spec: Tensor, spec_lengths: Tensor, wav: Tensor, text: Tensor, text_lengths: Tensor
) -> SovitsBatch:
    """What its loader gives, for `SovitsTraining.step`."""
    names = [""] * len(ssl)
    return SovitsBatch(names, ssl, spec, spec_lengths, wav, text, text_lengths, None)


def scaled_adam(model: nn.Module) -> torch.optim.Optimizer:
    from AR.modules.optim import ScaledAdam

    optimizer: torch.optim.Optimizer = ScaledAdam(
        model.parameters(),
        lr=0.002,
        betas=(0.9, 0.95),
        clipping_scale=2.0,
        parameters_names=[[name for name, _ in model.named_parameters()]],
        show_dominant_parameters=False,
        clipping_update_period=1000,
    )
    return optimizer
