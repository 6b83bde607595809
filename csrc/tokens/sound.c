/* The check that bytes are UTF-8, 64 at a time: Keiser and Lemire 2020, arXiv 2010.03090.
 *
 * Whether two bytes may follow each other is looked up by three half-bytes of them; each table gives
 * one bit for each kind of mistake, and a mistake is a bit that all three give. Only AVX2 and up have
 * code here, because it needs a lookup in registers; elsewhere mr_utf8_check does it byte by byte.
 * It refuses nothing and places no mistake: it says how far all is well, at a character's end. */
#include "scan.h"

#define MR_JOIN_(a, b) a##b
#define MR_JOIN(a, b) MR_JOIN_(a, b)

#if defined(__AVX2__)
#include <immintrin.h>

enum {
    SHORT = 1,     /* a lead byte, and no continuation after it */
    STRAY = 2,     /* ASCII, and a continuation after it */
    OVER3 = 4,     /* E0 80..9F: two bytes would do */
    LARGE = 8,     /* F4 90.. and above: beyond U+10FFFF */
    HALF = 16,     /* ED A0..BF: half of a surrogate pair */
    OVER2 = 32,    /* C0, C1: one byte would do */
    EDGE = 64,     /* F0 80..8F: three bytes would do; F5.. 80..8F: too large */
    TWO = 128,     /* two continuations: right only in longer characters, see below */
    ANY = SHORT | STRAY | TWO /* whatever the low half of the first byte is */
};

#define ROW(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define BYTE(x) ((char)(x))

/* What is wrong with the bytes of `now`, before which `before` came: zero where nothing is. */
static inline __m256i mistakes(__m256i now, __m256i before) {
    /* By the high half of the first byte, its low half, and the high half of the second. */
    const __m256i first_high =
        ROW(STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, BYTE(TWO), BYTE(TWO), BYTE(TWO),
            BYTE(TWO), SHORT | OVER2, SHORT, SHORT | OVER3 | HALF, SHORT | LARGE | EDGE);
    const __m256i first_low =
        ROW(BYTE(ANY | OVER3 | OVER2 | EDGE), BYTE(ANY | OVER2), BYTE(ANY), BYTE(ANY),
            BYTE(ANY | LARGE), BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE),
            BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE),
            BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE),
            BYTE(ANY | LARGE | EDGE | HALF), BYTE(ANY | LARGE | EDGE), BYTE(ANY | LARGE | EDGE));
    const __m256i second_high =
        ROW(SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
            BYTE(STRAY | OVER2 | TWO | OVER3 | EDGE), BYTE(STRAY | OVER2 | TWO | OVER3 | LARGE),
            BYTE(STRAY | OVER2 | TWO | HALF | LARGE), BYTE(STRAY | OVER2 | TWO | HALF | LARGE), SHORT,
            SHORT, SHORT, SHORT);
    const __m256i half = _mm256_set1_epi8(0x0F);
    const __m256i across = _mm256_permute2x128_si256(before, now, 0x21);
    const __m256i one = _mm256_alignr_epi8(now, across, 15); /* the byte before each */
    const __m256i two = _mm256_alignr_epi8(now, across, 14);
    const __m256i three = _mm256_alignr_epi8(now, across, 13);
    const __m256i one_high = _mm256_and_si256(_mm256_srli_epi16(one, 4), half);
    const __m256i now_high = _mm256_and_si256(_mm256_srli_epi16(now, 4), half);
    const __m256i pair = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(first_high, one_high),
                         _mm256_shuffle_epi8(first_low, _mm256_and_si256(one, half))),
        _mm256_shuffle_epi8(second_high, now_high));
    /* Two continuations have to stand where a longer character wants them, and only there. */
    const __m256i third = _mm256_subs_epu8(two, _mm256_set1_epi8(BYTE(0xE0 - 0x80)));
    const __m256i fourth = _mm256_subs_epu8(three, _mm256_set1_epi8(BYTE(0xF0 - 0x80)));
    const __m256i wanted =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(BYTE(TWO)));
    return _mm256_xor_si256(wanted, pair);
}

int64_t MR_JOIN(mr_sound_, MR_ISA)(const uint8_t *p, int64_t n) {
    __m256i before = _mm256_setzero_si256();
    int64_t i = 0;
    for (; n - i >= 64; i += 64) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
        const __m256i b = _mm256_loadu_si256((const __m256i *)(p + i + 32));
        /* ASCII after ASCII: what most text is. */
        const __m256i any = _mm256_or_si256(before, _mm256_or_si256(a, b));
        if (_mm256_movemask_epi8(any)) {
            const __m256i wrong = _mm256_or_si256(mistakes(a, before), mistakes(b, a));
            if (!_mm256_testz_si256(wrong, wrong)) break;
        }
        before = b;
    }
    /* A character that has begun is left for the caller. */
    if (i > 0 && p[i - 1] >= 0xC0) return i - 1;
    if (i > 0 && p[i - 2] >= 0xE0) return i - 2;
    if (i > 0 && p[i - 3] >= 0xF0) return i - 3;
    return i;
}
#else
int64_t MR_JOIN(mr_sound_, MR_ISA)(const uint8_t *p, int64_t n) {
    (void)p;
    (void)n;
    return 0;
}
#endif
