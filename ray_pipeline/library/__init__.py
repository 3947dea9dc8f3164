"""Kept voices: their files by content, their versions, what is packed and unpacked."""
