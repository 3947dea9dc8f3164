"""Stage 1: from phones to semantic tokens, one every 40 ms.

An autoregressive Transformer (the text-to-semantic part of GPT-SoVITS, after AudioLM and
SoundStorm's stage 1). `config` holds every size, `model` the network and its losses,
`decoding` the loop that speaks, `sampling` the choice of one token, `preference` the
optional second loss.
"""
