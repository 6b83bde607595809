/* The gradient step that every method shares: a piece of a window is a small matrix product.

   X: nc rows that give (up to STEP contexts, or one hidden vector), W: no rows that are predicted
   (the target first, then the noise words). With learning rate a and signs t (-1 for the target,
   1 for noise):
       F = X W^T,   S = a sigma(t F),   X -= (t S) W,   W -= (t S)^T X     (Ji et al. 2016)
   The slopes S are taken first. The updates then go context by context, each seeing what those
   before it have made of W, as if pairs were trained one after the other. A row may stand in X
   twice: both of its updates count. Rows of W must differ.

   Why a piece and not the whole window: slopes grow stale. With all contexts of a window in one
   step training diverged at window 10 and a learning rate of 0.05 to 0.1, where the peers are
   stable; in steps of four it is as stable as they are. Sums are kept in registers, for so many
   rows and outputs as there is room for. */
#ifndef MR_WINDOW_H
#define MR_WINDOW_H
#include "logistic.h"

#define STEP 4 /* contexts in a step */
#if VL == 16
#define BLOCK_O 8 /* outputs in a group */
#define SUMS 24   /* that fit the registers beside a column of W */
#else
#define BLOCK_O 6
#define SUMS 12
#endif

/* What one step needs; the arrays are parts of the caller's scratch. */
typedef struct {
    float **w;  /* (no) */
    float *s;   /* (STEP * no + SLOPE_ROOM) slopes: group by group, then context by context */
    int no;
    int chunks; /* vectors in a row */
} step_arrays;
#define SLOPE_ROOM ((SUMS + VL - 1) / VL * VL)

/* `target` in what follows: 1 if the first of the outputs is the target, whose sign is -1. */

INLINE void slope_block(const int nc, const int no, const int target, float *const *x,
                        float *const *w, int chunks, float *s, vf alpha, loss_sum *loss) {
    vf acc[SLOPE_ROOM];
    UNROLL for (int k = 0; k < SLOPE_ROOM; k++) acc[k] = fill(0.0f);
    for (int v = 0; v < chunks * VL; v += VL) {
        vf wv[BLOCK_O];
        UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
        UNROLL for (int c = 0; c < nc; c++) {
            const vf xv = load(x[c] + v);
            UNROLL for (int o = 0; o < no; o++) {
                if (target && o == 0) acc[c * no] -= xv * wv[0];
                else acc[c * no + o] += xv * wv[o];
            }
        }
    }
    UNROLL for (int k = 0; k < nc * no; k += VL) {
        const vf f = slope(sum_lanes(acc + k), nc * no - k, alpha, loss);
        memcpy(s + k, &f, sizeof f);
    }
    loss_check(loss, (nc * no + VL - 1) / VL);
}

/* A step's contexts in as few blocks as registers allow. */
INLINE void slopes(const int nc, const int no, const int target, float *const *x, float *const *w,
                   int chunks, float *s, vf alpha, loss_sum *loss) {
    const int block = nc * no <= SUMS ? nc : nc > 2 && 3 * no <= SUMS && SUMS > 12 ? 3 : 2;
    UNROLL for (int c = 0; c < nc; c += block)
        slope_block(nc - c < block ? nc - c : block, no, target, x + c, w, chunks, s + c * no,
                    alpha, loss);
}

/* One group of outputs in the column block at v. xv: (nc) X; d: (nc) gathers X's change. */
INLINE void update_group(const int nc, const int no, const int target, const vf *xv, vf *d,
                         float *const *w, int v, const float *s) {
    vf wv[BLOCK_O];
    UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
    UNROLL for (int c = 0; c < nc; c++) {
        UNROLL for (int o = 0; o < no; o++) {
            const vf sv = fill(s[c * no + o]);
            if (target && o == 0) {
                d[c] += sv * wv[0];
                wv[0] += sv * xv[c];
            } else {
                d[c] -= sv * wv[o];
                wv[o] -= sv * xv[c];
            }
        }
    }
    UNROLL for (int o = 0; o < no; o++) store(w[o] + v, wv[o]);
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
#define FOR_CONTEXTS(n, CALL) \
    switch (n) { \
    case 1: CALL(1); break; \
    case 2: CALL(2); break; \
    case 3: CALL(3); break; \
    case 4: CALL(4); break; \
    default: break; \
    }

INLINE int groups_of(int no) { return (no + BLOCK_O - 1) / BLOCK_O; }

INLINE void slopes_of(const int nc, const step_arrays *s, float *const *x, vf alpha,
                      loss_sum *loss) {
    const int groups = groups_of(s->no);
    for (int k = 0, o = 0; k < groups; k++) {
        const int n = (s->no - o) / (groups - k);
#define CALL(N) slopes(nc, N, 1, x, s->w, s->chunks, s->s, alpha, loss)
        if (k == 0) FOR_OUTPUTS(n, CALL)
#undef CALL
#define CALL(N) slopes(nc, N, 0, x, s->w + o, s->chunks, s->s + nc * o, alpha, loss)
        else FOR_OUTPUTS(n, CALL)
#undef CALL
        o += n;
    }
}

/* All groups of outputs in the column block at v. */
INLINE void update_groups(const int nc, const step_arrays *s, const vf *xv, vf *d, int v) {
    const int groups = groups_of(s->no);
    for (int k = 0, o = 0; k < groups; k++) {
        const int n = (s->no - o) / (groups - k);
#define CALL(N) update_group(nc, N, 1, xv, d, s->w, v, s->s)
        if (k == 0) FOR_OUTPUTS(n, CALL)
#undef CALL
#define CALL(N) update_group(nc, N, 0, xv, d, s->w + o, v, s->s + nc * o)
        else FOR_OUTPUTS(n, CALL)
#undef CALL
        o += n;
    }
}

/* One column block after the other; `one` is the number of outputs where they are one group. */
INLINE void update_rows(const int nc, const int one, const step_arrays *s, float *const *x) {
    for (int v = 0; v < s->chunks * VL; v += VL) {
        vf xv[STEP], d[STEP];
        UNROLL for (int c = 0; c < nc; c++) {
            xv[c] = load(x[c] + v);
            d[c] = fill(0.0f);
        }
        if (one) update_group(nc, one, 1, xv, d, s->w, v, s->s);
        else update_groups(nc, s, xv, d, v);
        UNROLL for (int c = 0; c < nc; c++) store(x[c] + v, load(x[c] + v) + d[c]);
    }
}

INLINE void update_of(const int nc, const step_arrays *s, float *const *x) {
#define CALL(N) update_rows(nc, N, s, x)
    if (s->no <= BLOCK_O) FOR_OUTPUTS(s->no, CALL)
#undef CALL
    else update_rows(nc, 0, s, x);
}

/* S = a sigma(t X W^T), for x: (nc), nc <= STEP */
static void step_slopes(const step_arrays *s, float *const *x, int nc, float alpha,
                        loss_sum *loss) {
    const vf a = fill(alpha);
#define CONTEXTS(N) slopes_of(N, s, x, a, loss)
    FOR_CONTEXTS(nc, CONTEXTS)
#undef CONTEXTS
}

/* X -= (t S) W and W -= (t S)^T X */
static void step_update(const step_arrays *s, float *const *x, int nc) {
#define CONTEXTS(N) update_of(N, s, x)
    FOR_CONTEXTS(nc, CONTEXTS)
#undef CONTEXTS
}

/* For one hidden vector h = X: W -= (t S)^T h, and `scale` times h's change goes to each of the nc
   rows of x that h was made of. */
static void step_update_hidden(const step_arrays *s, const float *h, float *const *x, int nc,
                               vf scale) {
    for (int v = 0; v < s->chunks * VL; v += VL) {
        const vf hv = load(h + v);
        vf change = fill(0.0f);
        update_groups(1, s, &hv, &change, v);
        change *= scale;
        for (int c = 0; c < nc; c++) store(x[c] + v, load(x[c] + v) + change);
    }
}
#endif
