/* Which build of the kernels runs: asked of the processor at every call that needs to know, so
   that loading the library does nothing. The caller chooses; this only refuses what would trap. */
#include "train.h"

#define DECLARE(isa) \
    int64_t mr_scratch_##isa(const mr_model *, int64_t, int64_t); \
    int32_t mr_train_##isa(const mr_model *, const mr_batch *, void *, mr_tally *); \
    int32_t mr_infer_##isa(const mr_model *, const mr_batch *, int64_t, void *, mr_tally *); \
    int32_t mr_score_##isa(const mr_model *, const mr_batch *, double *, void *, mr_tally *); \
    double mr_peak_##isa(int64_t, float *);
DECLARE(base)
#ifdef MR_HAVE_AVX2
DECLARE(avx2)
#endif
#ifdef MR_HAVE_AVX512
DECLARE(avx512)
#endif

int32_t mr_isa_available(int32_t isa) {
    switch (isa) {
    case MR_BASE: return 1;
#ifdef MR_HAVE_AVX2
    case MR_AVX2:
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi2");
#endif
#ifdef MR_HAVE_AVX512
    case MR_AVX512:
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("bmi2");
#endif
    default: return 0;
    }
}

#ifdef MR_HAVE_AVX2
#define IF_AVX2(call) case MR_AVX2: return call;
#else
#define IF_AVX2(call)
#endif
#ifdef MR_HAVE_AVX512
#define IF_AVX512(call) case MR_AVX512: return call;
#else
#define IF_AVX512(call)
#endif
#define DISPATCH(f, ...) \
    switch (isa) { \
    IF_AVX2(f##_avx2(__VA_ARGS__)) \
    IF_AVX512(f##_avx512(__VA_ARGS__)) \
    default: return f##_base(__VA_ARGS__); \
    }

int64_t mr_scratch(int32_t isa, const mr_model *model, int64_t tokens, int64_t tags) {
    if (!mr_isa_available(isa)) return -1;
    DISPATCH(mr_scratch, model, tokens, tags)
}

int32_t mr_train(int32_t isa, const mr_model *model, const mr_batch *batch, void *scratch,
                 mr_tally *tally) {
    if (!mr_isa_available(isa)) return MR_BAD_MODEL;
    DISPATCH(mr_train, model, batch, scratch, tally)
}

int32_t mr_infer(int32_t isa, const mr_model *model, const mr_batch *batch, int64_t epochs,
                 void *scratch, mr_tally *tally) {
    if (!mr_isa_available(isa)) return MR_BAD_MODEL;
    DISPATCH(mr_infer, model, batch, epochs, scratch, tally)
}

int32_t mr_score(int32_t isa, const mr_model *model, const mr_batch *batch, double *scores,
                 void *scratch, mr_tally *tally) {
    if (!mr_isa_available(isa)) return MR_BAD_MODEL;
    DISPATCH(mr_score, model, batch, scores, scratch, tally)
}

double mr_peak(int32_t isa, int64_t rounds, float *sink) {
    if (!mr_isa_available(isa)) return 0;
    DISPATCH(mr_peak, rounds, sink)
}
