/* Walk a sentence word by word: each in turn is the centre of a window.

   Skip-gram: each context word's input row predicts the centre (X is the contexts).
   CBOW: the mean (or sum) of the contexts predicts it (X is one hidden vector h), and the change
   of h goes to every context: whole for the mean, divided by their number for the sum, which is
   how the peers have it.

   A window's slopes wait for its products, and its updates for the slopes; the processor would
   stand still. So a sentence is walked in STREAMS places at once: it is cut into as many equal
   parts, and a step in each of them makes a small batch, whose slopes are all taken before its
   updates. The cut depends on the sentence alone, so results don't depend on how rows come. */
#ifndef MR_WALK_H
#define MR_WALK_H
#include "noise.h"
#include "sentence.h"
#include "window.h"

#define STREAMS 2
/* How far beyond the window input rows are fetched. */
#define AHEAD 2

/* One place in the sentence. */
typedef struct {
    step_arrays step;
    int64_t begin, at, end; /* where this part begins, the centre, where the part ends */
    float **x;          /* (2 * window) rows of the contexts, */
    int nc;             /*   and how many there are */
    int next_no;
    int32_t *id, *next_id; /* (negative + 1) rows of the outputs of this centre and the next */
    int32_t *noise;     /* (CENTRES * negative) drawn for the block that holds the next centre */
    int32_t *pair_noise; /* (negative) */
    float *hidden;      /* (stride) CBOW's h */
} place;

typedef struct {
    place places[STREAMS];
    int32_t *ids; /* (tokens of the batch) */
    loss_sum loss;
    int64_t terms;
    uint64_t window_stream, noise_stream; /* of the row */
    double alpha, alpha_step;             /* at the row's first word, and from word to word */
} walk_state;

/* Lay the walk's arrays out in scratch, each on a 64-byte boundary; returns the bytes they take.
   With scratch NULL it only measures. */
static int64_t walk_layout(walk_state *s, const mr_model *m, int64_t tokens, char *scratch) {
    int64_t used = 0;
#define ARRAY(pointer, n) \
    do { \
        if (scratch) (pointer) = (void *)(scratch + used); \
        used += ((int64_t)(n) * (int64_t)sizeof *(pointer) + 63) / 64 * 64; \
    } while (0)
    const int64_t nc = 2 * (int64_t)m->window, no = (int64_t)m->negative + 1;
    ARRAY(s->ids, tokens);
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        ARRAY(p->x, nc);
        ARRAY(p->step.w, no);
        ARRAY(p->step.s, STEP * no + SLOPE_ROOM);
        ARRAY(p->id, no);
        ARRAY(p->next_id, no);
        ARRAY(p->noise, CENTRES * no);
        ARRAY(p->pair_noise, no);
        ARRAY(p->hidden, m->stride);
        p->step.chunks = (m->dim + VL - 1) / VL;
    }
#undef ARRAY
    return used;
}

/* Choose the outputs of centre i, and set their rows on the way. */
static void place_ahead(walk_state *s, place *p, const mr_model *m, const int32_t *ids,
                        int64_t i) {
    if (i >= p->end) return;
    const int64_t in_block = (i - p->begin) % CENTRES;
    if (in_block == 0)
        draw_noise(m, s->noise_stream, (uint64_t)(i * m->negative), CENTRES * m->negative,
                   p->noise);
    p->next_no = choose_outputs(m, ids[i], p->noise + in_block * m->negative, p->next_id);
    for (int o = 0; o < p->next_no; o++)
        prefetch_row(m->output + (int64_t)p->next_id[o] * m->stride, m->dim);
}

/* The window of the centre p->at: contexts into step.x, outputs into step.w. */
static void place_window(walk_state *s, place *p, const mr_model *m, const int32_t *ids,
                         int64_t n) {
    const int64_t i = p->at, stride = m->stride;
    const int64_t entering = i + m->window + AHEAD;
    if (entering < n) prefetch_row(m->input + ids[entering] * stride, m->dim);
    /* The places of a sentence share the sizes of their windows, which so are easier to predict. */
    const uint64_t draw = mr_draw(s->window_stream, (uint64_t)(i - p->begin));
    const int64_t reach = m->shrink ? 1 + (int64_t)mr_below(draw, (uint64_t)m->window) : m->window;
    const int64_t low = i > reach ? i - reach : 0, high = i + reach < n - 1 ? i + reach : n - 1;
    int nc = 0;
    for (int64_t j = low; j < i; j++) p->x[nc++] = m->input + ids[j] * stride;
    for (int64_t j = i + 1; j <= high; j++) p->x[nc++] = m->input + ids[j] * stride;
    p->nc = nc;
    for (int o = 0; o < p->step.no; o++)
        p->step.w[o] = m->output + p->id[o] * stride;
}

INLINE float place_alpha(const walk_state *s, const place *p) {
    return (float)(s->alpha + s->alpha_step * (double)p->at);
}

static void hidden_of(place *p, const mr_model *m) {
    float **x = p->x;
    const vf part = fill(m->mean ? 1.0f / (float)p->nc : 1.0f);
    for (int v = 0; v < p->step.chunks * VL; v += VL) {
        vf sum = load(x[0] + v);
        for (int c = 1; c < p->nc; c++) sum += load(x[c] + v);
        store(p->hidden + v, sum * part);
    }
}

/* Skip-gram with noise words of its own for every pair, one pair after the other: the objective as
   it is written, at several times the cost of a shared set. */
static void place_pairs(walk_state *s, place *p, const mr_model *m, float alpha) {
    const int32_t target = p->id[0];
    for (int c = 0; c < p->nc; c++) {
        const uint64_t from = (uint64_t)(p->at * 2 * m->window + c) * (uint64_t)m->negative;
        draw_noise(m, s->noise_stream, from, m->negative, p->pair_noise);
        p->step.no = choose_outputs(m, target, p->pair_noise, p->id);
        for (int o = 0; o < p->step.no; o++)
            p->step.w[o] = m->output + (int64_t)p->id[o] * m->stride;
        step_slopes(&p->step, p->x + c, 1, alpha, &s->loss);
        step_update(&p->step, p->x + c, 1);
        s->terms += p->step.no;
    }
}

/* Skip-gram: the windows of all places, STEP contexts of each at a time. */
static void walk_skip_gram(walk_state *s, const mr_model *m) {
    int longest = 0;
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (!m->share) {
            place_pairs(s, p, m, place_alpha(s, p));
            continue;
        }
        longest = p->nc > longest ? p->nc : longest;
        s->terms += (int64_t)p->nc * p->step.no;
    }
    for (int c = 0; c < longest; c += STEP) {
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            const int left = p->nc - c;
            if (left > 0)
                step_slopes(&p->step, p->x + c, left < STEP ? left : STEP, place_alpha(s, p),
                            &s->loss);
        }
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            const int left = p->nc - c;
            if (left > 0) step_update(&p->step, p->x + c, left < STEP ? left : STEP);
        }
    }
}

static void walk_cbow(walk_state *s, const mr_model *m) {
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (p->nc == 0) continue;
        hidden_of(p, m);
        step_slopes(&p->step, &p->hidden, 1, place_alpha(s, p), &s->loss);
        s->terms += p->step.no;
    }
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (p->nc)
            step_update_hidden(&p->step, p->hidden, p->x, p->nc,
                               fill(m->mean ? 1.0f : 1.0f / (float)p->nc));
    }
}

/* ids: (n) rows of the words that were kept. */
static void walk_sentence(walk_state *s, const mr_model *m, int32_t *ids, int64_t n) {
    const int64_t part = (n + STREAMS - 1) / STREAMS;
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        p->begin = p->at = k * part < n ? k * part : n;
        p->end = (k + 1) * part < n ? (k + 1) * part : n;
        for (int64_t i = p->at; i < p->end && i < p->at + m->window + AHEAD; i++)
            prefetch_row(m->input + (int64_t)ids[i] * m->stride, m->dim);
        place_ahead(s, p, m, ids, p->at);
    }
    for (int64_t i = 0; i < part; i++) {
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            p->nc = 0;
            if (p->at >= p->end) continue;
            int32_t *id = p->id;
            p->id = p->next_id;
            p->step.no = p->next_no;
            p->next_id = id;
            place_ahead(s, p, m, ids, p->at + 1);
            place_window(s, p, m, ids, n);
        }
        if (m->method == MR_CBOW) walk_cbow(s, m);
        else walk_skip_gram(s, m);
        for (int k = 0; k < STREAMS; k++) s->places[k].at++;
    }
}
#endif
