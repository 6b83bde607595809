/* The rows that one centre word's window predicts: the word itself and its noise words.

   Centre i of a row has the draws i * negative .. of the noise stream; they are made for a block
   of centres at once, and taken one centre ahead, so that their rows are on the way from memory
   while the window before is computed. A draw that hits the target does not count (as in
   word2vec.c), nor does one that hits an earlier draw of the same window: rows of W must differ. */
#ifndef MR_NOISE_H
#define MR_NOISE_H
#include "rng.h"
#include "train.h"

#define CENTRES 32 /* in a block */

static inline void prefetch_row(const float *row, int32_t dim) {
    for (int32_t k = 0; k < dim; k += 16) __builtin_prefetch(row + k, 1, 3);
}

/* noise: (n) from the draws `from` .. */
static inline void draw_noise(const mr_model *m, uint64_t stream, uint64_t from, int64_t n,
                              int32_t *noise) {
    for (int64_t k = 0; k < n; k++)
        noise[k] = mr_noise(mr_draw(stream, from + (uint64_t)k), m->noise, (uint64_t)m->rows);
}

/* id: (negative + 1) gets the target and what differs of the noise; returns how many. */
static inline int choose_outputs(const mr_model *m, int32_t target, const int32_t *noise,
                                 int32_t *id) {
    int n = 1;
    id[0] = target;
    for (int32_t k = 0; k < m->negative; k++) {
        int at = 0; /* a loop that stops early: compilers don't make vectors of four numbers of it */
        while (at < n && id[at] != noise[k]) at++;
        id[n] = noise[k];
        n += at == n;
    }
    return n;
}
#endif
