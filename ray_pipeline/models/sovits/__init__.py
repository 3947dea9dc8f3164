"""The second stage: semantic tokens and phones in, a 32 kHz waveform out (VITS-like)."""
