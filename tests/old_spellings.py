"""What old names a piece of code uses, as the warnings say it, and that nothing else warns."""

import re
import warnings
from contextlib import contextmanager


@contextmanager
def old_spellings(file):
    """Give a list that in the end has each old name used, once, in order; all in this file."""
    used = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield used
    for one in caught:
        assert (one.category, one.filename) == (DeprecationWarning, file), str(one.message)
        old = re.fullmatch(r"(.+?) is .+ now", str(one.message))[1]
        if old not in used:
            used.append(old)
