/* The gradient step that every method shares: one window is a small matrix product.

   X: nc rows that give (contexts, or one hidden vector), W: no rows that are predicted (the target
   first, then the noise words). With learning rate a and signs t (-1 for the target, 1 for noise):
       F = X W^T,   S = a sigma(t F),   X -= (t S) W,   W -= (t S)^T X     (Ji et al. 2016)
   The slopes S are all taken first; the updates then go context by context, and each sees what the
   contexts before it have made of W, as if pairs were trained one after the other. (With W as it
   was before the window, WordSim-353 on the reviews was 0.009 lower, the mean of 8 seeds.)
   Products are blocked in registers: BLOCK_C contexts by up to BLOCK_O outputs; more outputs than
   that go in groups. The slopes lie group by group, in each group context by context. A row may
   stand in X twice: both of its updates count. Rows of W must differ. */
#ifndef MR_WINDOW_H
#define MR_WINDOW_H
#include "logistic.h"

#if VL == 16
#define BLOCK_C 4
#define BLOCK_O 8
#else
#define BLOCK_C 2
#define BLOCK_O 6
#endif
#define BLOCK_VECTORS ((BLOCK_C * BLOCK_O + VL - 1) / VL)

/* What one window needs; the arrays are parts of the caller's scratch. */
typedef struct {
    float **x; /* (nc) */
    float **w; /* (no) */
    float *s;  /* (nc * no + BLOCK_VECTORS * VL) slopes */
    vf *dx;    /* (nc) X's change in one column block, where outputs come in groups */
    int chunks; /* vectors in a row */
} step_arrays;

/* `target` in what follows: 1 if the first of the outputs is the target, whose sign is -1. */

INLINE void slope_block(const int nc, const int no, const int target, float *const *x,
                        float *const *w, int chunks, float *s, vf alpha, loss_sum *loss) {
    vf acc[BLOCK_VECTORS * VL];
    UNROLL for (int k = 0; k < BLOCK_VECTORS * VL; k++) acc[k] = fill(0.0f);
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

INLINE void slopes(const int no, const int target, float *const *x, int nc, float *const *w,
                   int chunks, float *s, vf alpha, loss_sum *loss) {
    /* so many contexts that all sums stay in registers */
    const int block = no <= 6 ? BLOCK_C : BLOCK_C - 1;
    int c = 0;
    for (; c + block <= nc; c += block)
        slope_block(block, no, target, x + c, w, chunks, s + c * no, alpha, loss);
    switch (nc - c) {
#if BLOCK_C == 4
    case 3: slope_block(3, no, target, x + c, w, chunks, s + c * no, alpha, loss); break;
    case 2: slope_block(2, no, target, x + c, w, chunks, s + c * no, alpha, loss); break;
#endif
    case 1: slope_block(1, no, target, x + c, w, chunks, s + c * no, alpha, loss); break;
    default: break;
    }
}

/* All outputs at once: X and W are read and written once. */
INLINE void update(const int no, const int target, float *const *x, int nc, float *const *w,
                   int chunks, const float *s) {
    for (int v = 0; v < chunks * VL; v += VL) {
        vf wv[BLOCK_O];
        UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
        for (int c = 0; c < nc; c++) {
            const vf xv = load(x[c] + v);
            vf xn = xv;
            UNROLL for (int o = 0; o < no; o++) {
                const vf sv = fill(s[c * no + o]);
                if (target && o == 0) {
                    xn += sv * wv[0];
                    wv[0] += sv * xv;
                } else {
                    xn -= sv * wv[o];
                    wv[o] -= sv * xv;
                }
            }
            store(x[c] + v, xn);
        }
        UNROLL for (int o = 0; o < no; o++) store(w[o] + v, wv[o]);
    }
}

/* One group of outputs, in the column block at v; X's change is gathered in dx. */
INLINE void update_group(const int no, const int target, float *const *x, int nc, float *const *w,
                         int v, const float *s, vf *dx) {
    vf wv[BLOCK_O];
    UNROLL for (int o = 0; o < no; o++) wv[o] = load(w[o] + v);
    for (int c = 0; c < nc; c++) {
        const vf xv = load(x[c] + v);
        vf d = dx[c];
        UNROLL for (int o = 0; o < no; o++) {
            const vf sv = fill(s[c * no + o]);
            if (target && o == 0) {
                d += sv * wv[0];
                wv[0] += sv * xv;
            } else {
                d -= sv * wv[o];
                wv[o] -= sv * xv;
            }
        }
        dx[c] = d;
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

/* S = a sigma(t X W^T) */
static void step_slopes(const step_arrays *s, float *const *x, int nc, int no, float alpha,
                        loss_sum *loss) {
    const int groups = (no + BLOCK_O - 1) / BLOCK_O;
    const vf a = fill(alpha);
    for (int k = 0, o = 0; k < groups; k++) {
        const int n = (no - o) / (groups - k);
#define CALL(N) slopes(N, 1, x, nc, s->w, s->chunks, s->s, a, loss)
        if (k == 0) FOR_OUTPUTS(n, CALL)
#undef CALL
#define CALL(N) slopes(N, 0, x, nc, s->w + o, s->chunks, s->s + nc * o, a, loss)
        else FOR_OUTPUTS(n, CALL)
#undef CALL
        o += n;
    }
}

/* The groups of outputs one after the other, in the column block at v. */
INLINE void update_groups(const step_arrays *s, float *const *x, int nc, int no, int v, vf *dx) {
    const int groups = (no + BLOCK_O - 1) / BLOCK_O;
    for (int k = 0, o = 0; k < groups; k++) {
        const int n = (no - o) / (groups - k);
#define CALL(N) update_group(N, 1, x, nc, s->w, v, s->s, dx)
        if (k == 0) FOR_OUTPUTS(n, CALL)
#undef CALL
#define CALL(N) update_group(N, 0, x, nc, s->w + o, v, s->s + nc * o, dx)
        else FOR_OUTPUTS(n, CALL)
#undef CALL
        o += n;
    }
}

/* X -= (t S) W and W -= (t S)^T X */
static void step_update(const step_arrays *s, int nc, int no) {
    if (no <= BLOCK_O) {
#define CALL(N) update(N, 1, s->x, nc, s->w, s->chunks, s->s)
        FOR_OUTPUTS(no, CALL)
#undef CALL
        return;
    }
    for (int v = 0; v < s->chunks * VL; v += VL) {
        for (int c = 0; c < nc; c++) s->dx[c] = fill(0.0f);
        update_groups(s, s->x, nc, no, v, s->dx);
        for (int c = 0; c < nc; c++) store(s->x[c] + v, load(s->x[c] + v) + s->dx[c]);
    }
}

/* For one hidden vector h = X: W -= (t S)^T h, and `scale` times h's change goes to each of the nc
   rows of s->x that h was made of. */
static void step_update_hidden(const step_arrays *s, float *h, int no, int nc, vf scale) {
    for (int v = 0; v < s->chunks * VL; v += VL) {
        vf change = fill(0.0f);
        update_groups(s, &h, 1, no, v, &change);
        change *= scale;
        for (int c = 0; c < nc; c++) store(s->x[c] + v, load(s->x[c] + v) + change);
    }
}
#endif
