/* Which instruction sets this build has code for and this processor can run.
 *
 * Compiled for the baseline only, so that asking is safe anywhere. */
#include <stddef.h>

#include "scan.h"
#include "tokens.h"

int mr_isa_has(int isa) {
    if (isa == MR_PORTABLE) return 1;
#ifdef MR_HAVE_BASE
    if (isa == MR_BASE) return 1;
#endif
#ifdef MR_HAVE_AVX2
    if (isa == MR_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
               __builtin_cpu_supports("popcnt");
#endif
#ifdef MR_HAVE_AVX512
    if (isa == MR_AVX512)
        return mr_isa_has(MR_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return 0;
}

int mr_isa_best(void) {
    for (int isa = MR_AVX512; isa > MR_PORTABLE; isa--)
        if (mr_isa_has(isa)) return isa;
    return MR_PORTABLE;
}

mr_sound_function *mr_sound_for(int isa) {
    if (!mr_isa_has(isa)) return NULL;
    switch (isa) {
#ifdef MR_HAVE_BASE
    case MR_BASE: return mr_sound_base;
#endif
#ifdef MR_HAVE_AVX2
    case MR_AVX2: return mr_sound_avx2;
#endif
#ifdef MR_HAVE_AVX512
    case MR_AVX512: return mr_sound_avx512;
#endif
    default: return NULL;
    }
}

mr_scan_function *mr_scan_for(int isa) {
    if (!mr_isa_has(isa)) return NULL;
    switch (isa) {
#ifdef MR_HAVE_BASE
    case MR_BASE: return mr_scan_base;
#endif
#ifdef MR_HAVE_AVX2
    case MR_AVX2: return mr_scan_avx2;
#endif
#ifdef MR_HAVE_AVX512
    case MR_AVX512: return mr_scan_avx512;
#endif
    default: return mr_scan_portable;
    }
}
