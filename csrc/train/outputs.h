/* The rows that are predicted for one centre word: the word and noise words (negative sampling;
   Mikolov et al. 2013), or the inner nodes on its path (hierarchical softmax; Morin and Bengio
   2005), or both.

   One set of noise words serves a whole step of the walk: every row that predicts a centre, and the
   centres of all places (Ji et al. 2016, section 3, share them within a window). Step i of a row has
   the draws i * negative .. of the noise stream; they are made for a block of steps at once, and
   taken some steps ahead, so that their rows are on the way from memory while the step before is
   computed. A draw that hits the target does not count (as in word2vec.c), nor does one that hits
   an earlier draw of the same set: rows of W must differ. */
#ifndef MR_OUTPUTS_H
#define MR_OUTPUTS_H
#include "matrix.h"
#include "rng.h"
#include "step.h"
#include "train.h"

#define NEAR 5 /* nodes from the root that are always near */
#define BLOCK 32 /* steps whose noise is drawn at once */

/* Noise words that differ, and where their rows are. */
typedef struct {
    int32_t *id; /* (negative) */
    float **row; /* (negative) */
    int n;
} noise_set;

static inline void prefetch_row(const float *row, int64_t width) {
    for (int64_t k = 0; k < width; k += 16) __builtin_prefetch(row + k, 1, 3);
}

/* noise: (n) from the draws `from` .. */
static inline void draw_noise(const mr_model *m, uint64_t stream, uint64_t from, int64_t n,
                              int32_t *noise) {
    for (int64_t k = 0; k < n; k++)
        noise[k] = mr_noise(mr_draw(stream, from + (uint64_t)k), m->noise, (uint64_t)m->rows);
}

static inline void choose_noise(noise_set *set, matrix *output, int32_t negative,
                                const int32_t *drawn) {
    int n = 0;
    for (int32_t k = 0; k < negative; k++) {
        int at = 0; /* a loop that stops early: compilers don't make vectors of four numbers of it */
        while (at < n && set->id[at] != drawn[k]) at++;
        if (at < n) continue;
        set->id[n] = drawn[k];
        set->row[n] = row_of(output, drawn[k]);
        prefetch_row(set->row[n++], output->width);
    }
    set->n = n;
}

/* The factors of W's changes: few rows have another than 1, and a step without them is faster. */
static inline void rate_output(step_outputs *to, int n, const float *rates, int64_t row) {
    to->rate[n] = rates ? rates[row] : 1;
    to->rated |= to->rate[n] != 1;
}

/* The target, and what differs from it of the noise. */
static inline void add_words(step_outputs *to, matrix *output, const mr_model *m, int32_t target,
                             const noise_set *noise) {
    int n = 1;
    to->w[0] = row_of(output, target);
    prefetch_row(to->w[0], output->width);
    for (int k = 0; k < noise->n; k++) {
        to->w[n] = noise->row[k];
        n += noise->id[k] != target;
    }
    if (m->output_rates || m->node_rates) {
        rate_output(to, 0, m->output_rates, target);
        for (int k = 0, at = 1; k < noise->n; k++)
            if (noise->id[k] != target) rate_output(to, at++, m->output_rates, noise->id[k]);
    }
    to->no = n;
    to->groups = to->word_groups = add_groups(to->size, n);
}

/* The path of a word: a node's label is 1 - code, so its term has the sign +1 where the code is. */
static inline void add_path(step_outputs *to, matrix *nodes, const mr_model *m, int32_t target) {
    const int64_t begin = m->path_at[target];
    const int n = (int)(m->path_at[target + 1] - begin);
    for (int o = 0; o < n; o++) {
        const uint32_t entry = m->path[begin + o];
        to->w[to->no + o] = row_of(nodes, entry >> 1);
        if (o >= NEAR) prefetch_row(to->w[to->no + o], nodes->width);
        to->label[o] = entry & 1 ? 1.0f : -1.0f;
        if (m->output_rates || m->node_rates)
            rate_output(to, to->no + o, m->node_rates, entry >> 1);
    }
    uint8_t *size = to->size + to->groups;
    const int groups = add_groups(size, n);
    spread_signs(to->signs + STEP * to->no, to->label, size, groups);
    to->groups += groups;
    to->no += n;
}
#endif
