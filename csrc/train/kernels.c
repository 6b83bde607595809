/* Words and documents, negative sampling and hierarchical softmax (Mikolov et al. 2013; Le and
   Mikolov 2014), over batches of rows.

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
#define MAX_SLOTS 1000
#define MAX_PATH 1000
#define MAX_HOT 100000

static int is_between(int64_t low, int64_t x, int64_t high) { return low <= x && x <= high; }
static int is_aligned(const void *p) { return p && (uintptr_t)p % 64 == 0; }

static int model_is_possible(const mr_model *m) {
    const int tags = m->method >= MR_DBOW, concat = m->join == MR_CONCAT;
    return is_between(MR_SKIP_GRAM, m->method, MR_DM) && is_between(MR_MEAN, m->join, MR_CONCAT) &&
           (!concat || m->method == MR_DM) && is_between(1, m->dim, m->stride) &&
           m->stride % 16 == 0 && is_between(1, m->window, MAX_WINDOW) &&
           is_between(0, m->negative, MAX_NEGATIVE) && (m->negative || m->hierarchical) &&
           is_between(0, m->tag_slots, MAX_SLOTS) && is_between(0, m->hot, MAX_HOT) &&
           m->fold >= 1 && is_between(1, m->rows, INT32_MAX) &&
           width_of(m) <= INT32_MAX / 64 &&
           is_between(0, m->tag_rows, INT32_MAX) && is_aligned(m->input) && m->keep &&
           (!m->negative || (is_aligned(m->output) && m->noise)) &&
           (!m->hierarchical || (is_between(0, m->longest, MAX_PATH) && m->path_at && m->path &&
                                 (is_aligned(m->nodes) || m->rows == 1))) &&
           (!tags || is_aligned(m->tags) || m->tag_rows == 0) && m->schedule_tokens > 0;
}

int64_t NAME(mr_scratch)(const mr_model *m, int64_t tokens, int64_t tags) {
    walk_state s;
    return model_is_possible(m) && tokens >= 0 && tags >= 0 && tags <= INT32_MAX
               ? walk_layout(&s, m, tokens, tags ? tags : 1, 0) /* a vector to find is one tag */
               : -1;
}

/* Check and map a batch, and get ready to walk it. */
static int32_t begin(walk_state *s, const mr_model *m, const mr_batch *b, enum task task,
                     void *scratch, mr_tally *tally) {
    tally->at = 0;
    if (!model_is_possible(m)) return MR_BAD_MODEL;
    const int tagged = task == TRAIN && m->method >= MR_DBOW && b->tags;
    int32_t code = check_offsets(b->offsets, b->rows, b->token_limit, tally);
    if (code == MR_OK && tagged) code = check_offsets(b->tag_offsets, b->rows, b->tag_limit, tally);
    if (code != MR_OK) return code;
    const int64_t tags = tagged ? b->tag_offsets[b->rows] - b->tag_offsets[0] : task == INFER;
    walk_layout(s, m, b->offsets[b->rows] - b->offsets[0], tags, scratch);
    code = map_ids(b->tokens, b->offsets, b->rows, b->map, b->words, m->rows, s->ids, tally);
    if (code == MR_OK && tagged)
        code = map_ids(b->tags, b->tag_offsets, b->rows, b->tag_map, b->tag_words, m->tag_rows,
                       s->tag_ids, tally);
    if (code != MR_OK) return code;
    walk_start(s, m, task);
    return MR_OK;
}

static int32_t end(walk_state *s, mr_tally *tally) {
    walk_end(s);
    tally->loss += s->loss.total;
    tally->terms += s->terms;
    return isfinite(s->loss.total) ? MR_OK : MR_NOT_FINITE;
}

static void row_streams(walk_state *s, uint64_t epoch, uint64_t number) {
    const mr_model *m = s->m;
    const uint64_t windows = mr_stream(m->seed, epoch, number, MR_FOR_WINDOW);
    s->phase = mr_below(mr_draw(windows, 0), (uint64_t)m->window);
    s->noise_stream = mr_stream(m->seed, epoch, number, MR_FOR_NOISE);
}

static void row_tags(walk_state *s, const mr_batch *b, int64_t r) {
    const mr_model *m = s->m;
    s->tag_n = 0;
    if (!s->uses_tags || !b->tags) return;
    for (int64_t t = b->tag_offsets[r]; t < b->tag_offsets[r + 1]; t++) {
        const int32_t id = s->tag_ids[t - b->tag_offsets[0]];
        if (id < 0) continue;
        float *row = row_of(&s->tags, id);
        prefetch_row(row, m->dim);
        s->tag_rows[s->tag_n] = row;
        s->tag_rate[s->tag_n++] = m->tag_rates ? m->tag_rates[id] : 1;
    }
}

int32_t NAME(mr_train)(const mr_model *m, const mr_batch *b, void *scratch, mr_tally *tally) {
    walk_state s = {0};
    const int32_t code = begin(&s, m, b, TRAIN, scratch, tally);
    if (code != MR_OK) return code;
    const double change = (m->end_alpha - m->start_alpha) / m->schedule_tokens;
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t at = b->offsets[r] - b->offsets[0], n = b->offsets[r + 1] - b->offsets[r];
        const uint64_t number = b->first_row + (uint64_t)r;
        const uint64_t keep = mr_stream(m->seed, b->epoch, number, MR_FOR_KEEP);
        s.n = keep_words(m, s.ids + at, n, keep, s.kept, tally);
        row_streams(&s, b->epoch, number);
        row_tags(&s, b, r);
        s.alpha = m->start_alpha + change * (b->first_token + (double)at);
        s.alpha_step = s.n ? change * (double)n / (double)s.n : 0;
        walk_row(&s);
    }
    return end(&s, tally);
}

/* The first values of a vector that is to be found, from its text's own stream. */
static void first_values(const mr_model *m, uint64_t number, float *row) {
    mr_fill_row(row, m->dim, m->stride, mr_stream(m->seed, 0, number, MR_FOR_WEIGHTS));
}

int32_t NAME(mr_infer)(const mr_model *m, const mr_batch *b, int64_t epochs, void *scratch,
                       mr_tally *tally) {
    walk_state s = {0};
    mr_model own = *m;
    own.hot = 0;
    tally->at = 0;
    if (m->method < MR_DBOW || m->tag_rows < b->rows || epochs < 0) return MR_BAD_MODEL;
    const int32_t code = begin(&s, &own, b, INFER, scratch, tally);
    if (code != MR_OK) return code;
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t at = b->offsets[r] - b->offsets[0], n = b->offsets[r + 1] - b->offsets[r];
        int32_t *ids = s.ids + at;
        float *row = m->tags + r * m->stride;
        const int64_t known = known_words(ids, n, ids);
        tally->tokens += n - known;
        tally->unknown += n - known;
        if (known == 0) {
            memset(row, 0, (size_t)m->stride * sizeof *row);
            continue;
        }
        uint64_t number = 0;
        for (int64_t t = 0; t < known; t++) number = mr_mix(number + (uint64_t)ids[t] + 1);
        first_values(m, number, row);
        s.tag_rows[0] = row;
        s.tag_rate[0] = 1;
        s.tag_n = 1;
        const double change = (m->end_alpha - m->start_alpha) / ((double)epochs * (double)known);
        for (int64_t e = 0; e < epochs; e++) {
            const uint64_t keep = mr_stream(m->seed, (uint64_t)e, number, MR_FOR_KEEP);
            s.n = keep_words(&own, ids, known, keep, s.kept, tally);
            row_streams(&s, (uint64_t)e, number);
            s.alpha = m->start_alpha + change * (double)(e * known);
            s.alpha_step = s.n ? change * (double)known / (double)s.n : 0;
            walk_row(&s);
        }
    }
    return end(&s, tally);
}

int32_t NAME(mr_score)(const mr_model *m, const mr_batch *b, double *scores, void *scratch,
                       mr_tally *tally) {
    walk_state s = {0};
    mr_model own = *m;
    own.hot = own.negative = own.shrink = 0;
    tally->at = 0;
    if (!m->hierarchical || m->method > MR_CBOW) return MR_BAD_MODEL;
    const int32_t code = begin(&s, &own, b, SCORE, scratch, tally);
    if (code != MR_OK) return code;
    double before = 0;
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t at = b->offsets[r] - b->offsets[0], n = b->offsets[r + 1] - b->offsets[r];
        s.n = known_words(s.ids + at, n, s.kept);
        tally->tokens += n;
        tally->unknown += n - s.n;
        walk_row(&s);
        loss_flush(&s.loss);
        scores[r] = before - s.loss.total;
        before = s.loss.total;
    }
    return end(&s, tally);
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
