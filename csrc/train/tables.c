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
                        uint64_t seed, int32_t purpose) {
    if (dim < 1 || stride < dim || first < 0 || n < 0) return MR_BAD_MODEL;
    const uint64_t from = purpose ? MR_FOR_TAGS : MR_FOR_WEIGHTS;
    for (int64_t r = 0; r < n; r++)
        mr_fill_row(rows + r * stride, dim, stride,
                    mr_stream(seed, 0, (uint64_t)(first + r), from));
    return MR_OK;
}

int32_t mr_huffman(int64_t n, const int64_t *order, const double *weights, uint32_t *leaves,
                   uint32_t *inner, double *sums) {
    if (n < 1 || n > INT32_MAX) return MR_BAD_MODEL;
    if (n == 1) leaves[0] = UINT32_MAX;
    /* Inner nodes are made lightest first, but numbered from the root, which is made last. */
    int64_t leaf = 0, made = 0, used = 0;
    for (; made < n - 1; made++) {
        const uint32_t node = (uint32_t)(n - 2 - made);
        double sum = 0;
        for (uint32_t code = 2; code-- > 0;) { /* the lightest gets code 1 */
            const int take_leaf =
                leaf < n && (used == made || weights[order[leaf]] <= sums[used]);
            if (take_leaf) {
                leaves[order[leaf]] = node * 2 + code;
                sum += weights[order[leaf++]];
            } else {
                inner[n - 2 - used] = node * 2 + code;
                sum += sums[used++];
            }
        }
        sums[made] = sum;
    }
    if (n > 1) inner[0] = UINT32_MAX;
    return MR_OK;
}

#define DEEPEST 1000 /* beyond this a tree goes in circles: no count in 64 bits makes one of 100 */

int32_t mr_paths(int64_t n, const uint32_t *leaves, int64_t inner_n, const uint32_t *inner,
                 int64_t *path_at, uint32_t *path) {
    int64_t used = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t depth = 0;
        for (uint32_t up = leaves[i]; up != UINT32_MAX; up = inner[up >> 1])
            if ((int64_t)(up >> 1) >= inner_n || ++depth > DEEPEST) return MR_BAD_ID;
        if (path) {
            int64_t at = used + depth;
            for (uint32_t up = leaves[i]; up != UINT32_MAX; up = inner[up >> 1]) path[--at] = up;
        }
        path_at[i] = used;
        used += depth;
    }
    path_at[n] = used;
    return MR_OK;
}
