"""Addresses to unpacked bytes: stores, retry, archives, codecs, fingerprints, read-ahead."""
