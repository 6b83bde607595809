/* Vectors of MR_VL floats in the compiler's own notation, so that one source serves every
   instruction set: gcc and clang turn `a * b + c` into whatever the target has. */
#ifndef MR_SIMD_H
#define MR_SIMD_H
#include <stdint.h>
#include <string.h>

#define VL MR_VL
typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef float v4 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Rows are 64-byte aligned and padded to 64 bytes: aligned accesses are right everywhere. */
INLINE vf load(const float *p) { return *(const vf *)p; }
INLINE void store(float *p, vf v) { *(vf *)p = v; }
INLINE vf fill(float x) { return x - (vf){0}; }
INLINE vf pick(vi mask, vf yes, vf no) { return (vf)(((vi)yes & mask) | ((vi)no & ~mask)); }

/* The sum of each of VL vectors' lanes, side by side in one vector. Adds across pairs inside the
   128-bit groups first, then across the groups: 30 shuffles and 15 additions for 16 sums of 16. */
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if VL == 16
#define GROUPS(F, i) F(i), F(i + 4), F(i + 8), F(i + 12)
#elif VL == 8
#define GROUPS(F, i) F(i), F(i + 4)
#else
#define GROUPS(F, i) F(i)
#endif
#define PAIR(i) i, i + VL, i + 1, i + 1 + VL
#define HALF(i) i, i + 1, i + VL, i + 1 + VL
#define FOUR(i) i, i + 1, i + 2, i + 3

INLINE vf sum_inside_groups(const vf *a) {
    const vf ab = SHUFFLE(a[0], a[1], GROUPS(PAIR, 0)) + SHUFFLE(a[0], a[1], GROUPS(PAIR, 2));
    const vf cd = SHUFFLE(a[2], a[3], GROUPS(PAIR, 0)) + SHUFFLE(a[2], a[3], GROUPS(PAIR, 2));
    return SHUFFLE(ab, cd, GROUPS(HALF, 0)) + SHUFFLE(ab, cd, GROUPS(HALF, 2));
}

INLINE vf sum_lanes(const vf *a) {
#if VL == 16
#define EVEN FOUR(0), FOUR(8), FOUR(16), FOUR(24)
#define ODD FOUR(4), FOUR(12), FOUR(20), FOUR(28)
    const vf p = sum_inside_groups(a), q = sum_inside_groups(a + 4);
    const vf r = sum_inside_groups(a + 8), s = sum_inside_groups(a + 12);
    const vf pq = SHUFFLE(p, q, EVEN) + SHUFFLE(p, q, ODD);
    const vf rs = SHUFFLE(r, s, EVEN) + SHUFFLE(r, s, ODD);
    return SHUFFLE(pq, rs, EVEN) + SHUFFLE(pq, rs, ODD);
#elif VL == 8
    const vf p = sum_inside_groups(a), q = sum_inside_groups(a + 4);
    return SHUFFLE(p, q, FOUR(0), FOUR(8)) + SHUFFLE(p, q, FOUR(4), FOUR(12));
#else
    return sum_inside_groups(a);
#endif
}

/* All ones in the lanes below n. */
INLINE vi first_lanes(int n) {
    vi lane;
    UNROLL for (int i = 0; i < VL; i++) lane[i] = i;
    return lane < n - (vi){0};
}
#endif
