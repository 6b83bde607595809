/* From logits to gradients and loss, a vector at a time and without a table.

   Signs are turned so that every term is alike: with f the logit of a noise word, or minus the
   logit of the target, the loss is -log sigma(-f) = log(1 + exp(f)) and its slope is sigma(f).
   Written with e = exp(-|f|), nothing overflows: the loss is max(f, 0) + log(1 + e). The
   logarithms are saved up as a product of factors between 1 and 2, so that one logarithm, in
   double, serves for many. */
#ifndef MR_LOGISTIC_H
#define MR_LOGISTIC_H
#include <math.h>
#include "simd.h"

typedef struct {
    vf sum;     /* of f + |f|, which is twice max(f, 0) */
    vf product; /* of 1 + e: below 2^100 */
    int32_t factors;
    double total;
} loss_sum;

/* exp(x) for -87 <= x <= 0: 2^n * 2^t with |t| <= 1/2, 2^t by a polynomial that interpolates it
   at Chebyshev's points (relative error 1e-7, which is a float's last place). */
INLINE vf exp_negative(vf x) {
    const vf scaled = x * fill(1.44269504f);
    const vf magic = fill(12582912.0f); /* 1.5 * 2^23: adding it rounds to a whole number */
    const vf shifted = scaled + magic;
    const vf t = scaled - (shifted - magic);
    const vi n = ((vi)shifted - (vi)magic) << 23;
    vf p = fill(1.339086336e-3f);
    p = p * t + fill(9.676031918e-3f);
    p = p * t + fill(5.550357114e-2f);
    p = p * t + fill(2.402210749e-1f);
    p = p * t + fill(6.931471880e-1f);
    p = p * t + fill(1.0f);
    return (vf)((vi)p + n);
}

static void loss_start(loss_sum *loss) {
    *loss = (loss_sum){.product = fill(1.0f)};
}

static void loss_flush(loss_sum *loss) {
    double total = loss->total;
    for (int i = 0; i < VL; i++) total += 0.5 * (double)loss->sum[i] + log((double)loss->product[i]);
    loss_start(loss);
    loss->total = total;
}

/* alpha * sigma(f) in the first n lanes; their loss is added up. With s = sigma(|f|) between 1/2 and
   1, sigma(f) is 1/2 + (s - 1/2) with f's sign, and max(f, 0) is half of f + |f|. */
INLINE vf slope(vf f, int n, vf alpha, loss_sum *loss) {
    const vf one = fill(1.0f), half = fill(0.5f), most = fill(87.0f);
    if (n < VL) f = pick(first_lanes(n), f, -most); /* log(1 + exp(-87)) is 0 */
    const vi sign = (vi)f & INT32_MIN;
    const vf size = (vf)((vi)f ^ sign);
    const vf e = exp_negative(-pick(size < most, size, most)), factor = one + e;
    const vf above = one / factor - half;
    loss->sum += f + size; /* a NaN goes through */
    loss->product *= factor;
    return ((vf)((vi)above | sign) + half) * alpha;
}

/* To be called after at most 16 slopes. */
INLINE void loss_check(loss_sum *loss, int slopes) {
    loss->factors += slopes;
    if (loss->factors > 100) loss_flush(loss);
}
#endif
