"""VITS and HiFi-GAN: the `data` section of VITS' `config.json`, and the flat files of HiFi-GAN and BigVGAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends._vocoder import reflected
from kapre.frontends.presets import preset
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_SECTION = "data"
_OF_VITS = ("filter_length", "hop_length", "sampling_rate")
_OF_HIFIGAN = ("n_fft", "hop_size", "win_size", "sampling_rate", "num_mels")
_OF_TEXT = (
    *("text_cleaners", "add_blank", "cleaned_text", "min_text_len", "max_text_len", "cmudict_path", "add_space"),
    *("spk2id", "spk", "n_speakers", "num_tones", "num_languages", "language*", "disable_bert", "n_emotions"),
    *("emotion_map", "symbols"),
)
_OF_TRAINING = ("training_files", "validation_files", "train*_files", "val*_files", "exp_dir")
_OF_VOCODER = (
    *("resblock*", "num_gpus", "batch_size", "learning_rate", "adam_*", "lr_decay", "seed", "num_workers"),
    *("upsample_*", "segment_size", "dist_config", "num_freq", "activation", "snake_logscale", "discriminator*"),
    *("mpd_*", "resolutions", "use_*", "lambda_*", "clip_grad_norm", "cqtd_*", "freeze_step", "num_embeddings"),
    *("embedding_dim", "model_in_dim", "code_hop_size", "f0", "dur_*", "mel_*_weight"),
    *("n_code_groups", "n_codes", "*_loss_lambda"),
)
_TRAINS_AT_95 = "training scales each recording to a peak of 0.95 first"


def _section(data: Any) -> Any:
    return data.get(_SECTION) if isinstance(data, Mapping) else None


def _is_vits(data: Any) -> bool:
    section = _section(data)
    return isinstance(section, Mapping) and all(name in section for name in _OF_VITS)


def _is_hifigan(data: Any) -> bool:
    return isinstance(data, Mapping) and all(name in data for name in _OF_HIFIGAN)


def _read_vits(document: Document) -> Published:
    model = document.data.get("model")
    settings = Settings(document.data[_SECTION], "VITS", f"{document.place}: {_SECTION}")
    settings.ignore("belongs to the text or the speakers", *_OF_TEXT)
    settings.ignore("names files of the training", *_OF_TRAINING)
    scale = settings.number("max_wav_value", 32768.0, at_least=1.0)
    n_fft = settings.integer("filter_length", of="n_fft")
    hop = settings.integer("hop_length", of="hop_length")
    fields = dict(
        sample_rate=settings.integer("sampling_rate", of="sample_rate"),
        n_fft=n_fft,
        hop_length=hop,
        win_length=settings.integer("win_length", n_fft, of="win_length"),
        frame_length=None,
        input_scale=32768.0 / scale,
    )
    settings.ignore("says how the units of the content encoder are repeated", "unit_interpolate_mode")
    takes_mel = settings.flag("use_mel_spec_posterior", False) | settings.flag("use_mel_posterior_encoder", False)
    takes_mel |= isinstance(model, Mapping) and model.get("use_mel_posterior_encoder") is True
    if "load_mel_from_disk" in settings:  # Glow-TTS and Tacotron 2
        settings.ignore("changes how features are stored", "load_mel_from_disk")
        if settings.flag("add_noise", False):
            settings.note("training adds noise of a 16-bit step to the samples; a recipe does not")
        return settings.finish("tacotron2", **fields, **_mel(settings, fields["sample_rate"], "mel_fmin", "mel_fmax"))
    fields |= reflected(**fields)
    if not takes_mel:
        settings.ignore("belongs to the loss", "n_mel_channels", "mel_fmin", "mel_fmax")
        settings.note(
            "VITS adds 1e-6 under the root of its magnitudes; GPT-SoVITS did, and adds 1e-8 now: change it to "
            "magnitude_epsilon=1e-8 for its current models"
        )
        return settings.finish("vits", **fields)
    base = preset("hifigan").recipe.replace(magnitude_epsilon=1e-6)
    return settings.finish(base, **fields, **_mel(settings, fields["sample_rate"], "mel_fmin", "mel_fmax"))


def _mel(settings: Settings, rate: int, low: str, high: str, bands: str = "n_mel_channels") -> dict[str, Any]:
    top = settings.number(high, None, of="f_max")
    return dict(
        n_mels=settings.integer(bands, 80, of="n_mels"),
        f_min=settings.number(low, 0.0, at_least=0.0, of="f_min"),
        f_max=rate / 2.0 if top is None else top,
    )


def _read_hifigan(document: Document) -> Published:
    settings = Settings(document.data, "HiFi-GAN", document.place)
    settings.ignore("belongs to the network or its training", *_OF_VOCODER)
    settings.ignore("belongs to the loss", "fmax_for_loss")
    settings.ignore(_TRAINS_AT_95, "normalize_volume")
    settings.note(f"{_TRAINS_AT_95}; a recipe does not")
    rate, n_fft = settings.integer("sampling_rate", of="sample_rate"), settings.integer("n_fft", of="n_fft")
    hop, win = settings.integer("hop_size", of="hop_length"), settings.integer("win_size", of="win_length")
    return settings.finish(
        "hifigan",
        sample_rate=rate,
        n_fft=n_fft,
        hop_length=hop,
        win_length=win,
        frame_length=None,
        **reflected(n_fft, hop, win),
        **_mel(settings, rate, "fmin", "fmax", "num_mels"),
    )


VITS = Reader(
    name="VITS",
    files=("config.json",),
    holds="a section `data` with frames",
    knows=_is_vits,
    read=_read_vits,
    knows_names=False,
)
HIFIGAN = Reader(
    name="HiFi-GAN",
    files=("config.json", "config_v*.json"),
    holds="`hop_size`, `win_size` and `num_mels`",
    knows=_is_hifigan,
    read=_read_hifigan,
    knows_names=False,
)
