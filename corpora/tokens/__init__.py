"""Bytes to rows of text and rows to token ids: the typed side of the C tokeniser."""
