"""Texts worth trying on whatever splits text: a strategy for hypothesis."""

from hypothesis import strategies as st

SPACES = "".join(chr(i) for i in range(0x110000) if chr(i).isspace())
# Characters that share bytes with white space without being it, and the ends of the ranges.
NEAR = (
    "\0\x08\x0e\x1b!aZ\x7f\x80\x84\x86\x9f\xa1\xe9\u1681\u180e\u1fff\u200b\u2010\u2027\u202a"
    "\u2030\u205e\u2060\u2080\u2085\u2fff\u3001\u3040\u4000\ufeff\uffff\U0001f600\U0010ffff"
)


def texts():
    """Strings with all white space, near misses, and runs that cross every block's edge."""
    character = st.one_of(
        st.sampled_from(SPACES), st.sampled_from(NEAR), st.characters(exclude_categories=["Cs"])
    )
    run = st.builds(lambda c, n: c * n, character, st.integers(1, 70))
    word = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=20)
    piece = st.one_of(character, character, word, run, st.just(" "))
    return st.lists(piece, max_size=120).map("".join)
