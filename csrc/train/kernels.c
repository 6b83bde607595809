/* Skip-gram and CBOW with negative sampling (Mikolov et al. 2013), over batches of rows.

   Compiled once for each instruction set; the symbols end in its name. Refuses models and batches
   whose sizes or ids don't fit together, before it writes anything. What it does not do: own
   memory, know of files or threads. Several threads may train one model at once; rows they share
   are then written without locks (Hogwild; Niu et al. 2011). */
#include "walk.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(f) JOIN(f, MR_ISA)

/* Beyond these, a setting is a mistake and its arrays would not fit an int. */
#define MAX_WINDOW 10000
#define MAX_NEGATIVE 1000

static int model_is_possible(const mr_model *m) {
    return m->dim >= 1 && m->stride >= m->dim && m->stride % 16 == 0 && m->window >= 1 &&
           m->window <= MAX_WINDOW && m->negative >= 1 && m->negative <= MAX_NEGATIVE &&
           m->rows >= 1 && m->rows <= INT32_MAX && m->input && m->output && m->keep && m->noise &&
           (uintptr_t)m->input % 64 == 0 && (uintptr_t)m->output % 64 == 0 &&
           (m->method == MR_SKIP_GRAM || m->method == MR_CBOW) && m->schedule_tokens > 0;
}

int64_t NAME(mr_scratch)(const mr_model *m, int64_t tokens) {
    walk_state s;
    return model_is_possible(m) && tokens >= 0 ? walk_layout(&s, m, tokens, 0) : -1;
}

int32_t NAME(mr_train)(const mr_model *m, const mr_batch *b, void *scratch, mr_tally *tally) {
    tally->at = 0;
    if (!model_is_possible(m)) return MR_BAD_MODEL;
    int32_t code = check_offsets(b, tally);
    if (code != MR_OK) return code;
    const int64_t first = b->offsets[0];
    walk_state s = {0};
    walk_layout(&s, m, b->offsets[b->rows] - first, scratch);
    code = map_tokens(m, b, s.ids, tally);
    if (code != MR_OK) return code;

    loss_start(&s.loss);
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t begin = b->offsets[r] - first, n = b->offsets[r + 1] - b->offsets[r];
        const uint64_t number = b->first_row + (uint64_t)r;
        int32_t *ids = s.ids + begin;
        const int64_t kept =
            keep_words(m, ids, n, mr_stream(m->seed, b->epoch, number, MR_FOR_KEEP), tally);
        s.window_stream = mr_stream(m->seed, b->epoch, number, MR_FOR_WINDOW);
        s.noise_stream = mr_stream(m->seed, b->epoch, number, MR_FOR_NOISE);
        const double change = (m->end_alpha - m->start_alpha) / m->schedule_tokens;
        s.alpha = m->start_alpha + change * (b->first_token + (double)begin);
        s.alpha_step = kept ? change * (double)n / (double)kept : 0;
        walk_sentence(&s, m, ids, kept);
    }
    loss_flush(&s.loss);
    tally->loss += s.loss.total;
    tally->terms += s.terms;
    return isfinite(s.loss.total) ? MR_OK : MR_NOT_FINITE;
}

double NAME(mr_peak)(int64_t rounds, float *sink) {
    vf acc[20];
    UNROLL for (int k = 0; k < 20; k++) acc[k] = fill((float)k);
    vf a = fill(sink[0]), b = fill(sink[1]);
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL for (int k = 0; k < 20; k++) acc[k] = acc[k] * a + b;
        __asm__ volatile("" : : : "memory");
    }
    vf sum = acc[0];
    UNROLL for (int k = 1; k < 20; k++) sum += acc[k];
    for (int i = 0; i < VL; i++) sink[0] += sum[i];
    return (double)rounds * 20 * VL * 2;
}
