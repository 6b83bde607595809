"""What old names a piece of code uses, as the warnings say it, and that nothing else warns."""

import re
import subprocess
import sys
import warnings
from contextlib import contextmanager

from corpora.old_names import Instead


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


@contextmanager
def told_in(file, now):
    """Expect one DeprecationWarning, of that file, whose end is today's spelling."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [one.category for one in caught] == [DeprecationWarning]
    assert caught[0].filename == file
    assert str(caught[0].message).endswith(f" is {now} now")


def spelling(now):
    return now.now if isinstance(now, Instead) else now.replace(":", ".")


def warnings_of(program, *options):
    """Return what a program writes to stderr in a Python of its own."""
    ran = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, check=False
    )
    return ran.stderr
