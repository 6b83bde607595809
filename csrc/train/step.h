/* The gradient step that every method shares: a piece of a window is a small matrix product.

   X: nc rows that give (up to STEP rows of words or tags, or one hidden vector), W: no rows that
   are predicted. With learning rate a and signs t (-1 where a row is to be predicted, 1 where not):
       F = X W^T,   G = -a t sigma(t F),   X += G W,   W += G^T X     (Ji et al. 2016)
   G is taken first. The updates then go row by row of X, each seeing what those before it have made
   of W, as if pairs were trained one after the other. A row may stand in X twice: both of its
   updates count. Rows of W must differ.

   Why a piece and not the whole window: slopes grow stale. With all contexts of a window in one
   step training diverged at window 10 and a learning rate of 0.05 to 0.1, where the peers are
   stable; in steps of four it is as stable as they are. Sums are kept in registers, for so many
   rows and outputs as there is room for. */
#ifndef MR_STEP_H
#define MR_STEP_H
#include "logistic.h"

#define STEP 4 /* rows of X in a step */
#if VL == 16
#define BLOCK_O 8 /* outputs in a group */
#define SUMS 24   /* that fit the registers beside a column of W */
#else
#define BLOCK_O 6
#define SUMS 12
#endif
#define WIDE 2   /* columns in a block of updates */
#define TWO_FIT (VL == 16) /* the registers hold a column of two groups */
#define ROOM ((SUMS + VL - 1) / VL * VL) /* sums, in whole vectors */

/* W, in groups of up to BLOCK_O rows; the arrays are parts of the caller's scratch. `most` is how
   many outputs a word can have. */
typedef struct {
    float **w;      /* (most) */
    uint8_t *size;  /* (most) of each group */
    float *label;   /* (longest + BLOCK_O) signs of a path */
    float *signs;   /* (STEP * most + ROOM) signs of a path in G's order */
    float *rate;    /* (most) factors of the changes of W, if one of them is not 1: */
    int rated;      /*   then this is 1 */
    int groups, word_groups; /* the first `word_groups`: a target, then noise; the others: a path */
    int no;
} step_outputs;

/* What the first output of a group is: the kinds of groups. */
enum { NOISE = 0, TARGET = 1, PATH = 2 };

/* Cut n outputs into equal groups; returns their number. */
INLINE int add_groups(uint8_t *size, int n) {
    const int groups = (n + BLOCK_O - 1) / BLOCK_O;
    if (groups == 1) {
        size[0] = (uint8_t)n;
        return 1;
    }
    for (int k = 0; k < groups; k++) {
        size[k] = (uint8_t)(n / (groups - k));
        n -= size[k];
    }
    return groups;
}

/* G lies group by group, STEP rows of X in each: signs likewise. Copies have one size, which is the
   fastest; what one writes too much the next overwrites. label, signs: BLOCK_O more than they need. */
INLINE void spread_signs(float *signs, const float *label, const uint8_t *size, int groups) {
    for (int k = 0; k < groups; k++) {
        for (int c = 0; c < STEP; c++, signs += size[k])
            memcpy(signs, label, BLOCK_O * sizeof *signs);
        label += size[k];
    }
}

INLINE vf signs_of(const int kind, const int no, const int k, const float *signs) {
    vf t;
    if (kind == PATH) memcpy(&t, signs + k, sizeof t);
    else UNROLL for (int i = 0; i < VL; i++) t[i] = kind == TARGET && (k + i) % no == 0 ? -1 : 1;
    return t;
}

INLINE void slope_block(const int nc, const int no, const int kind, float *const *x,
                        float *const *w, int chunks, const float *signs, float *g, vf alpha,
                        loss_sum *loss) {
    vf acc[ROOM];
    UNROLL for (int k = 0; k < ROOM; k++) acc[k] = fill(0.0f);
    for (int v = 0; v < chunks * VL; v += VL) {
        vf wv[BLOCK_O];
        UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
        UNROLL for (int c = 0; c < nc; c++) {
            const vf xv = load(x[c] + v);
            UNROLL for (int o = 0; o < no; o++) acc[c * no + o] += xv * wv[o];
        }
    }
    UNROLL for (int k = 0; k < nc * no; k += VL) {
        const vf t = signs_of(kind, no, k, signs);
        const vf s = slope(sum_lanes(acc + k) * t, nc * no - k, alpha, loss) * -t;
        memcpy(g + k, &s, sizeof s);
    }
    loss_check(loss, (nc * no + VL - 1) / VL);
}

/* A group for all rows of X, in as few blocks as registers allow. */
INLINE void slopes(const int nc, const int no, const int kind, float *const *x, float *const *w,
                   int chunks, const float *signs, float *g, vf alpha, loss_sum *loss) {
    const int block = nc * no <= SUMS ? nc : nc > 2 && 3 * no <= SUMS && SUMS > 12 ? 3 : 2;
    UNROLL for (int c = 0; c < nc; c += block)
        slope_block(nc - c < block ? nc - c : block, no, kind, x + c, w, chunks, signs, g + c * no,
                    alpha, loss);
}

/* One group in the column block at v. xv: (nc) X; d: (nc) gathers X's change. rate: (no) factors of
   the changes of W, 0 for a row that stays as it is to the bit; or NULL. */
INLINE void update_group(const int nc, const int no, const int learn, const vf *xv, vf *d,
                         float *const *w, int v, const float *g, const float *rate) {
    vf wv[BLOCK_O];
    UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
    UNROLL for (int c = 0; c < nc; c++) {
        UNROLL for (int o = 0; o < no; o++) {
            const vf gv = fill(g[c * no + o]);
            d[c] += gv * wv[o];
            if (learn) wv[o] += (rate ? gv * rate[o] : gv) * xv[c];
        }
    }
    if (learn)
        UNROLL for (int o = 0; o < no; o++)
            if (!rate || rate[o] != 0) store(w[o] + v, wv[o]);
}

#if BLOCK_O == 8
#define FOR_MORE(CALL) case 7: CALL(7); break; case 8: CALL(8); break;
#else
#define FOR_MORE(CALL)
#endif
#define FOR_OUTPUTS(n, CALL) \
    switch (n) { \
    case 1: CALL(1); break; \
    case 2: CALL(2); break; \
    case 3: CALL(3); break; \
    case 4: CALL(4); break; \
    case 5: CALL(5); break; \
    case 6: CALL(6); break; \
    FOR_MORE(CALL) \
    default: break; \
    }
#define FOR_ROWS(n, CALL) \
    switch (n) { \
    case 1: CALL(1); break; \
    case 2: CALL(2); break; \
    case 3: CALL(3); break; \
    case 4: CALL(4); break; \
    default: break; \
    }

INLINE void slopes_of(const int nc, const step_outputs *s, float *g, int chunks, float *const *x,
                      vf alpha, loss_sum *loss) {
    for (int k = 0, o = 0; k < s->groups; o += s->size[k++]) {
#define CALL_KIND(N, KIND) \
    slopes(nc, N, KIND, x, s->w + o, chunks, s->signs + STEP * o, g + STEP * o, alpha, loss)
#define CALL(N) CALL_KIND(N, TARGET)
        if (k == 0 && s->word_groups) FOR_OUTPUTS(s->size[k], CALL)
#undef CALL
#define CALL(N) CALL_KIND(N, PATH)
        else if (k >= s->word_groups) FOR_OUTPUTS(s->size[k], CALL)
#undef CALL
#define CALL(N) CALL_KIND(N, NOISE)
        else FOR_OUTPUTS(s->size[k], CALL)
#undef CALL
    }
}

/* All groups in the column block at v. */
INLINE void update_groups(const int nc, const int rated, const step_outputs *s, const float *g,
                          const vf *xv, vf *d, int v) {
    for (int k = 0, o = 0; k < s->groups; o += s->size[k++]) {
#define CALL(N) update_group(nc, N, 1, xv, d, s->w + o, v, g + STEP * o, rated ? s->rate + o : 0)
        FOR_OUTPUTS(s->size[k], CALL)
#undef CALL
    }
}

/* One column block after the other. rate: (nc) factors of the changes of X, 0 for a row that stays as
   it is to the bit; or NULL. rated: whether W has such factors, too. */
INLINE void update_rows(const int nc, const int rated, const step_outputs *s, const float *g,
                        int chunks, float *const *x, const float *rate) {
    for (int v = 0; v < chunks * VL; v += VL) {
        vf xv[STEP], d[STEP];
        UNROLL for (int c = 0; c < nc; c++) {
            xv[c] = load(x[c] + v);
            d[c] = fill(0.0f);
        }
        update_groups(nc, rated, s, g, xv, d, v);
        UNROLL for (int c = 0; c < nc; c++) {
            if (!rate) store(x[c] + v, load(x[c] + v) + d[c]);
            else if (rate[c] != 0) store(x[c] + v, load(x[c] + v) + d[c] * rate[c]);
        }
    }
}

/* The same for one group and rows of X that differ, the usual case, in `wide` columns at once: a
   gradient that is loaded serves them all, and a row of X is loaded once. */
INLINE void update_block(const int nc, const int no, const int wide, float *const *x,
                         float *const *w, int v, const float *g) {
    vf wv[BLOCK_O][WIDE];
    UNROLL for (int o = 0; o < no; o++)
        UNROLL for (int k = 0; k < wide; k++) wv[o][k] = load(w[o] + v + k * VL);
    UNROLL for (int c = 0; c < nc; c++) {
        vf xv[WIDE], d[WIDE];
        UNROLL for (int k = 0; k < wide; k++) d[k] = xv[k] = load(x[c] + v + k * VL);
        UNROLL for (int o = 0; o < no; o++) {
            const vf gv = fill(g[c * no + o]);
            UNROLL for (int k = 0; k < wide; k++) {
                d[k] += gv * wv[o][k];
                wv[o][k] += gv * xv[k];
            }
        }
        UNROLL for (int k = 0; k < wide; k++) store(x[c] + v + k * VL, d[k]);
    }
    UNROLL for (int o = 0; o < no; o++)
        UNROLL for (int k = 0; k < wide; k++) store(w[o] + v + k * VL, wv[o][k]);
}

INLINE void update_blocks(const int nc, const int no, float *const *x, float *const *w, int chunks,
                          const float *g) {
    int v = 0;
    for (; v + WIDE * VL <= chunks * VL; v += WIDE * VL) update_block(nc, no, WIDE, x, w, v, g);
    for (; v < chunks * VL; v += VL) update_block(nc, no, 1, x, w, v, g);
}

/* Two groups, of no outputs together, whose W fits the registers as one. */
INLINE void update_two(const int nc, const int no, float *const *x, float *const *w, int chunks,
                       const float *g) {
    const int half = no / 2;
    for (int v = 0; v < chunks * VL; v += VL) {
        vf wv[2 * BLOCK_O];
        UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
        UNROLL for (int c = 0; c < nc; c++) {
            const vf xv = load(x[c] + v);
            vf d = xv;
            UNROLL for (int o = 0; o < no; o++) {
                const vf gv = fill(o < half ? g[c * half + o]
                                            : g[STEP * half + c * (no - half) + o - half]);
                d += gv * wv[o];
                wv[o] += gv * xv;
            }
            store(x[c] + v, d);
        }
        UNROLL for (int o = 0; o < no; o++) store(w[o] + v, wv[o]);
    }
}

INLINE int all_differ(const int nc, float *const *x) {
    int same = 0;
    UNROLL for (int b = 1; b < nc; b++) UNROLL for (int a = 0; a < b; a++) same |= x[a] == x[b];
    return !same;
}

INLINE int all_one(const int nc, const float *rate) {
    int one = 1;
    if (rate) UNROLL for (int c = 0; c < nc; c++) one &= rate[c] == 1;
    return one;
}

INLINE void update_of(const int nc, const step_outputs *s, const float *g, int chunks,
                      float *const *x, const float *rate) {
    if (s->rated) {
        update_rows(nc, 1, s, g, chunks, x, rate);
        return;
    }
    if (all_one(nc, rate)) rate = 0; /* rows that learn as usual are the usual case */
#define CALL(N) update_blocks(nc, N, x, s->w, chunks, g)
    if (s->groups == 1 && !rate && all_differ(nc, x)) FOR_OUTPUTS(s->no, CALL)
#undef CALL
#define CALL(N) update_two(nc, BLOCK_O + N, x, s->w, chunks, g)
    else if (TWO_FIT && s->groups == 2 && s->word_groups != 1 && !rate && all_differ(nc, x))
        FOR_OUTPUTS(s->no - BLOCK_O, CALL)
#undef CALL
    else if (!rate) update_rows(nc, 0, s, g, chunks, x, 0);
    else update_rows(nc, 0, s, g, chunks, x, rate);
}

/* G of x: (nc), nc <= STEP */
static void step_slopes(const step_outputs *s, float *g, int chunks, float *const *x, int nc,
                        float alpha, loss_sum *loss) {
    const vf a = fill(alpha);
#define ROWS(N) slopes_of(N, s, g, chunks, x, a, loss)
    FOR_ROWS(nc, ROWS)
#undef ROWS
}

/* X += G W and W += G^T X */
static void step_update(const step_outputs *s, const float *g, int chunks, float *const *x, int nc,
                        const float *rate) {
#define ROWS(N) update_of(N, s, g, chunks, x, rate)
    FOR_ROWS(nc, ROWS)
#undef ROWS
}

INLINE void change_of(const int no, const int first, const int learn, float *const *w,
                      const float *g, int chunks, const float *h, float *change,
                      const float *rate) {
    for (int v = 0; v < chunks * VL; v += VL) {
        const vf hv = load(h + v);
        vf d = first ? fill(0.0f) : load(change + v);
        update_group(1, no, learn, &hv, &d, w, v, g, rate);
        store(change + v, d);
    }
}

/* For one vector h = X: change = G W, and if W learns, W += G^T h. */
static void step_change(const step_outputs *s, const float *g, int chunks, const float *h,
                        float *change, int learn) {
    for (int k = 0, o = 0; k < s->groups; o += s->size[k++]) {
        const float *rate = s->rated ? s->rate + o : 0;
#define CALL(N) change_of(N, k == 0, learn, s->w + o, g + STEP * o, chunks, h, change, rate)
        FOR_OUTPUTS(s->size[k], CALL)
#undef CALL
    }
}
#endif
