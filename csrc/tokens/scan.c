/* Find where words begin and end: 64 bytes at a time become one bit mask.
 *
 * White space is what str.split() takes for it: U+0009-000D, 001C-0020, 0085, 00A0, 1680, 2000-200A,
 * 2028, 2029, 202F, 205F, 3000. The ASCII part is two ranges of bytes, compared all at once; the
 * rest begins with one of the bytes C2, E1, E2, E3 and is looked at one by one, where there is any.
 * Compiled once for every instruction set (MR_ISA); portable.c includes this file for a build that
 * needs nothing but 64-bit integers. Never reads at or beyond `limit`.
 */
#include <string.h>

#include "scan.h"

#if defined(MR_NO_SIMD)
#elif defined(__AVX512BW__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define MR_JOIN_(a, b) a##b
#define MR_JOIN(a, b) MR_JOIN_(a, b)

/* space: the bytes that are ASCII white space. lead: those that may begin a wider space. */
typedef struct {
    uint64_t space;
    uint64_t lead;
} masks;

#if !defined(MR_NO_SIMD) && defined(__AVX512BW__)
static inline masks classify(const uint8_t *p) {
    const __m512i v = _mm512_loadu_si512((const void *)p);
    const __m512i four = _mm512_set1_epi8(4);
    masks m;
    m.space = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(0x09)), four) |
              _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(0x1C)), four);
    m.lead = _mm512_movepi8_mask(v);
    if (m.lead)
        m.lead = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)0xE1)),
                                        _mm512_set1_epi8(2)) |
                 _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC2));
    return m;
}
#elif !defined(MR_NO_SIMD) && defined(__AVX2__)
static inline __m256i in_range(__m256i v, uint8_t low, uint8_t width) {
    const __m256i x = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8((char)width)), x);
}
static inline uint64_t both(__m256i a, __m256i b) {
    return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}
static inline masks classify(const uint8_t *p) {
    const __m256i a = _mm256_loadu_si256((const __m256i *)p);
    const __m256i b = _mm256_loadu_si256((const __m256i *)(p + 32));
    const __m256i c2 = _mm256_set1_epi8((char)0xC2);
    masks m;
    m.space = both(_mm256_or_si256(in_range(a, 0x09, 4), in_range(a, 0x1C, 4)),
                   _mm256_or_si256(in_range(b, 0x09, 4), in_range(b, 0x1C, 4)));
    m.lead = both(a, b);
    if (m.lead)
        m.lead = both(_mm256_or_si256(in_range(a, 0xE1, 2), _mm256_cmpeq_epi8(a, c2)),
                      _mm256_or_si256(in_range(b, 0xE1, 2), _mm256_cmpeq_epi8(b, c2)));
    return m;
}
#elif !defined(MR_NO_SIMD) && defined(__SSE2__)
static inline __m128i in_range(__m128i v, uint8_t low, uint8_t width) {
    const __m128i x = _mm_sub_epi8(v, _mm_set1_epi8((char)low));
    return _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8((char)width)), x);
}
static inline masks classify(const uint8_t *p) {
    const __m128i c2 = _mm_set1_epi8((char)0xC2);
    __m128i v[4];
    masks m = {0, 0};
    for (int i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        const __m128i s = _mm_or_si128(in_range(v[i], 0x09, 4), in_range(v[i], 0x1C, 4));
        m.space |= (uint64_t)(uint32_t)_mm_movemask_epi8(s) << (16 * i);
    }
    const __m128i any = _mm_or_si128(_mm_or_si128(v[0], v[1]), _mm_or_si128(v[2], v[3]));
    if (_mm_movemask_epi8(any))
        for (int i = 0; i < 4; i++) {
            const __m128i s = _mm_or_si128(in_range(v[i], 0xE1, 2), _mm_cmpeq_epi8(v[i], c2));
            m.lead |= (uint64_t)(uint32_t)_mm_movemask_epi8(s) << (16 * i);
        }
    return m;
}
#elif !defined(MR_NO_SIMD) && defined(__ARM_NEON) && defined(__aarch64__)
/* One bit for each of 64 bytes that are all ones or all zeros. */
static inline uint64_t gather(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    static const uint8_t place[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(place);
    const uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    const uint8x16_t all = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
static inline uint8x16_t in_range(uint8x16_t v, uint8_t low, uint8_t width) {
    return vcleq_u8(vsubq_u8(v, vdupq_n_u8(low)), vdupq_n_u8(width));
}
static inline masks classify(const uint8_t *p) {
    uint8x16_t v[4], s[4];
    masks m = {0, 0};
    for (int i = 0; i < 4; i++) {
        v[i] = vld1q_u8(p + 16 * i);
        s[i] = vorrq_u8(in_range(v[i], 0x09, 4), in_range(v[i], 0x1C, 4));
    }
    m.space = gather(s[0], s[1], s[2], s[3]);
    if (vmaxvq_u8(vorrq_u8(vorrq_u8(v[0], v[1]), vorrq_u8(v[2], v[3]))) >= 0x80) {
        for (int i = 0; i < 4; i++)
            s[i] = vorrq_u8(in_range(v[i], 0xE1, 2), vceqq_u8(v[i], vdupq_n_u8(0xC2)));
        m.lead = gather(s[0], s[1], s[2], s[3]);
    }
    return m;
}
#else
/* Eight bytes in a 64-bit integer; the answer stands in the top bit of each byte. */
static const uint64_t ONES = 0x0101010101010101u;
static inline uint64_t in_range(uint64_t low_bits, uint8_t low, uint8_t width) {
    /* low_bits has no top bit set, so no sum carries into the next byte. */
    const uint64_t not_below = low_bits + ONES * (uint8_t)(0x80 - low);
    const uint64_t above = low_bits + ONES * (uint8_t)(0x80 - low - width - 1);
    return not_below & ~above & (ONES << 7);
}
static inline uint64_t pack(uint64_t tops) { return ((tops >> 7) * 0x0102040810204080u) >> 56; }
static inline masks classify(const uint8_t *p) {
    masks m = {0, 0};
    for (int i = 0; i < 8; i++) {
        uint64_t x = 0;
        memcpy(&x, p + 8 * i, 8); /* byte 0 lowest: little-endian machines only */
        const uint64_t top = x & (ONES << 7), low = x & (ONES * 0x7F);
        m.space |= pack((in_range(low, 0x09, 4) | in_range(low, 0x1C, 4)) & ~top) << (8 * i);
        if (top)
            m.lead |= pack((in_range(low, 0x61, 2) | in_range(low, 0x42, 0)) & top) << (8 * i);
    }
    return m;
}
#endif

/* The length of the white space beyond ASCII that begins at p, or 0. n: bytes that may be read. */
static inline int wide_space(const uint8_t *p, int64_t n) {
    if (n < 2) return 0;
    if (p[0] == 0xC2) return p[1] == 0x85 || p[1] == 0xA0 ? 2 : 0;
    if (n < 3) return 0;
    const uint8_t b = p[1], c = p[2];
    if (p[0] == 0xE1) return b == 0x9A && c == 0x80 ? 3 : 0;
    if (p[0] == 0xE3) return b == 0x80 && c == 0x80 ? 3 : 0;
    if (b == 0x81) return c == 0x9F ? 3 : 0;
    if (b != 0x80) return 0;
    return (c >= 0x80 && c <= 0x8A) || c == 0xA8 || c == 0xA9 || c == 0xAF ? 3 : 0;
}

/* Append the positions of the bits of m; eight at a time, so that few branches depend on the text. */
static inline int32_t positions(uint64_t m, int32_t base, int32_t *out) {
    const int32_t n = __builtin_popcountll(m);
    for (int32_t i = 0; i < n; i += 8)
        for (int32_t j = 0; j < 8; j++) {
            /* The added top bit only keeps ctz defined where m has run out. */
            out[i + j] = base + __builtin_ctzll(m | (uint64_t)1 << 63);
            m &= m - 1;
        }
    return n;
}

void MR_JOIN(mr_scan_, MR_ISA)(const uint8_t *text, int64_t at, int64_t limit, int blocks, int open,
                               mr_chunk *chunk) {
    uint64_t spill = chunk->spill;
    uint64_t before_first = open ? 0 : 1; /* bit 0: the byte before is no part of a word */
    int32_t starts = 0, ends = 0;
    for (int b = 0; b < blocks; b++) {
        const int64_t here = at + (int64_t)b * MR_BLOCK;
        const int64_t left = limit - here;
        uint8_t padded[MR_BLOCK];
        const uint8_t *p = padded;
        if (left >= MR_BLOCK) {
            p = text + here;
        } else {
            memset(padded, ' ', sizeof padded);
            if (left > 0) memcpy(padded, text + here, (size_t)left);
        }
        const masks m = classify(p);
        uint64_t space = m.space | spill;
        spill = 0;
        for (uint64_t lead = m.lead; lead; lead &= lead - 1) {
            const int i = __builtin_ctzll(lead);
            const int length = wide_space(text + here + i, left - i);
            if (length) {
                const uint64_t bits = ((uint64_t)1 << length) - 1;
                space |= bits << i;
                if (i + length > MR_BLOCK) spill = bits >> (MR_BLOCK - i);
            }
        }
        const uint64_t before = space << 1 | before_first;
        const uint64_t edge = chunk->edge[b];
        const uint64_t start = ~space & (before | edge);
        const uint64_t end = ~before & (space | edge);
        before_first = space >> 63;
        chunk->last[b] = end;
        chunk->rank[b] = ends;
        starts += positions(start, b * MR_BLOCK, chunk->start + starts);
        ends += positions(end, b * MR_BLOCK, chunk->end + ends);
    }
    chunk->starts = starts;
    chunk->ends = ends;
    chunk->spill = spill;
}
