/* A matrix as one thread sees it: its rows, and copies of the busiest.

   Two threads that write one row pass its cache lines to and fro, and every pass costs more than
   the arithmetic on it. The first `hot` rows (ids fall with frequency) are therefore worked on as
   copies: after `fold` uses the copy's change is added to the matrix and the copy renewed. A row is
   then at most that many uses of every thread behind. With hot 0 there are no copies. */
#ifndef MR_MATRIX_H
#define MR_MATRIX_H
#include <limits.h>
#include "simd.h"

typedef struct {
    float *all;     /* (rows, width) the caller's */
    int64_t width;
    int64_t hot;    /* rows that have a copy */
    int32_t fold;
    float *copy;    /* (hot, width) what is read and written instead */
    float *base;    /* (hot, width) the copy as it was when it was made */
    int32_t *left;  /* (hot + 1) uses left; one more for all other rows, which never runs out */
    uint8_t *held;  /* (hot) 1: there is a copy */
} matrix;

/* How many of the first n rows have copies: none if one of them is frozen, as folding a copy in may
   turn a -0 into a 0. */
static inline int64_t hot_rows(int64_t n, const float *rates) {
    for (int64_t k = 0; rates && k < n; k++)
        if (rates[k] == 0) return 0;
    return n;
}

static void matrix_start(matrix *m) {
    for (int64_t k = 0; k < m->hot; k++) {
        m->left[k] = 0;
        m->held[k] = 0;
    }
    m->left[m->hot] = INT_MAX;
}

static void fold_row(matrix *m, int64_t id) {
    float *all = m->all + id * m->width, *copy = m->copy + id * m->width;
    float *base = m->base + id * m->width;
    for (int64_t v = 0; v < m->width; v += VL) {
        const vf now = load(all + v) + (load(copy + v) - load(base + v));
        store(all + v, now);
        store(copy + v, now);
        store(base + v, now);
    }
}

/* A copy is due: its change goes to the matrix, or it is made. */
static __attribute__((noinline)) void renew_row(matrix *m, int64_t slot) {
    m->left[slot] = INT_MAX;
    if (slot == m->hot) return;
    m->left[slot] = m->fold;
    if (m->held[slot]) {
        fold_row(m, slot);
        return;
    }
    m->held[slot] = 1;
    const size_t bytes = (size_t)m->width * sizeof(float);
    memcpy(m->copy + slot * m->width, m->all + slot * m->width, bytes);
    memcpy(m->base + slot * m->width, m->all + slot * m->width, bytes);
}

/* Where to work on a row; the place stays right until `matrix_end`. No branch depends on the row
   but the rare one: which rows are hot can't be predicted. */
INLINE float *row_of(matrix *m, int64_t id) {
    const int64_t slot = id < m->hot ? id : m->hot;
    if (__builtin_expect(--m->left[slot] < 0, 0)) renew_row(m, slot);
    return (id < m->hot ? m->copy : m->all) + id * m->width;
}

/* Add what is left in copies to the matrix. */
static void matrix_end(matrix *m) {
    for (int64_t k = 0; k < m->hot; k++)
        if (m->held[k]) fold_row(m, k);
}
#endif
