"""The base model that comes with the project: small, trained on synthetic and public speech,
fine-tuned in minutes on two cores.

    phones ── DurationModel ── tokens ── AcousticModel ── mel, pitch ── Vocoder ── waveform
              stage 1                    stage 2

A token is the phone that a frame of 20 ms belongs to. `MiniVoice` speaks, `Aligner` finds the
tokens of a recording, `shipped_base` is what training starts from.
"""
