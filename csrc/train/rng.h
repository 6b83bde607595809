/* Random draws as a pure function of where in the corpus they are made.

   SplitMix64 (Steele, Lea, Flood 2014) is a mixing function over a counter. Here the counter starts
   from a hash of (seed, epoch, row, purpose), and every draw has its number: none depends on which
   thread trains the row, in which batch, or what came before, and many can be made at once. */
#ifndef MR_RNG_H
#define MR_RNG_H
#include <stdint.h>

#define MR_GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t mr_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Draw number i of a stream. */
static inline uint64_t mr_draw(uint64_t stream, uint64_t i) {
    return mr_mix(stream + (i + 1) * MR_GOLDEN);
}

/* A stream for each purpose that a row has: subsampling, windows, noise words, first values. */
enum { MR_FOR_KEEP = 1, MR_FOR_WINDOW = 2, MR_FOR_NOISE = 3, MR_FOR_WEIGHTS = 4, MR_FOR_TAGS = 5 };
static inline uint64_t mr_stream(uint64_t seed, uint64_t epoch, uint64_t row, uint64_t purpose) {
    uint64_t h = mr_mix(seed + MR_GOLDEN);
    h = mr_mix(h + epoch * MR_GOLDEN + 1);
    return mr_mix(h + row * MR_GOLDEN + purpose);
}

/* Uniform on 0 .. n-1 for n < 2^32, from the draw's high half. */
static inline uint32_t mr_below(uint64_t draw, uint64_t n) {
    return (uint32_t)(((draw >> 32) * n) >> 32);
}

/* First values of a row: U[-1/dim, 1/dim), 24 bits each; columns from dim on are zero. */
static inline void mr_fill_row(float *row, int32_t dim, int32_t stride, uint64_t stream) {
    const float scale = 1.0f / ((float)dim * 8388608.0f); /* 2^23 */
    for (int32_t k = 0; k < dim; k++)
        row[k] = (float)((int32_t)(mr_draw(stream, (uint64_t)k) >> 40) - 8388608) * scale;
    for (int32_t k = dim; k < stride; k++) row[k] = 0;
}

/* A draw from an alias table: its high half gives the column, its low half decides between the
   column and its alias. Without a branch, since nothing could predict it. */
static inline int32_t mr_noise(uint64_t draw, const uint64_t *table, uint64_t n) {
    const uint32_t column = mr_below(draw, n);
    const uint64_t entry = table[column];
    const uint32_t own = -(uint32_t)((uint32_t)draw < (uint32_t)entry);
    return (int32_t)((column & own) | ((uint32_t)(entry >> 32) & ~own));
}
#endif
