/* What is made once for a run: the noise distribution and the first values of the weights. */
#include "rng.h"
#include "train.h"

int32_t mr_noise_table(int64_t n, double *weights, uint64_t *table, int64_t *stack) {
    if (n < 1 || n > INT32_MAX) return MR_BAD_MODEL;
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0)) return MR_BAD_MODEL;
        total += weights[i];
    }
    if (!(total > 0) || total > 1e300) return MR_BAD_MODEL;

    /* Columns below the average wait at the low end of the stack, the others at the high end. */
    int64_t low = 0, high = n;
    for (int64_t i = 0; i < n; i++) {
        weights[i] *= (double)n / total;
        if (weights[i] < 1) stack[low++] = i;
        else stack[--high] = i;
    }
    while (low > 0 && high < n) {
        const int64_t small = stack[--low], big = stack[high];
        const double threshold = weights[small] * 4294967296.0;
        const uint32_t own = threshold < 4294967295.0 ? (uint32_t)threshold : UINT32_MAX;
        table[small] = (uint64_t)big << 32 | own;
        weights[big] -= 1 - weights[small];
        if (weights[big] < 1) {
            high++;
            stack[low++] = big;
        }
    }
    /* What is left is full, but for rounding: its alias is itself. */
    while (low > 0) { const int64_t i = stack[--low]; table[i] = (uint64_t)i << 32 | UINT32_MAX; }
    while (high < n) { const int64_t i = stack[high++]; table[i] = (uint64_t)i << 32 | UINT32_MAX; }
    return MR_OK;
}

int32_t mr_initial_rows(float *rows, int64_t first, int64_t n, int32_t dim, int32_t stride,
                        uint64_t seed) {
    if (dim < 1 || stride < dim || first < 0 || n < 0) return MR_BAD_MODEL;
    const float scale = 1.0f / ((float)dim * 8388608.0f); /* 2^23: draws are 24 bits, signed */
    for (int64_t r = 0; r < n; r++) {
        const uint64_t stream = mr_stream(seed, 0, (uint64_t)(first + r), MR_FOR_WEIGHTS);
        float *row = rows + r * stride;
        for (int32_t k = 0; k < dim; k++)
            row[k] = (float)((int32_t)(mr_draw(stream, (uint64_t)k) >> 40) - 8388608) * scale;
        for (int32_t k = dim; k < stride; k++) row[k] = 0;
    }
    return MR_OK;
}
