/* Walk a sentence word by word: each in turn is the centre of a window.

   Skip-gram: each context word's input row predicts the centre (X is the contexts).
   CBOW: the mean (or sum) of the contexts predicts it (X is one hidden vector h), and the change
   of h goes to every context: whole for the mean, divided by their number for the sum, which is
   how the peers have it.

   A window's slopes wait for its products, and its updates for the slopes; the processor would
   stand still. So a sentence is walked in STREAMS places at once: it is cut into as many equal
   parts, and one window of each part makes a small batch, whose slopes are all taken before its
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
    int nc, no, next_no;
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
        ARRAY(p->step.x, nc);
        ARRAY(p->step.w, no);
        ARRAY(p->step.s, nc * no + BLOCK_VECTORS * VL);
        ARRAY(p->step.dx, nc);
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
static void place_ahead(walk_state *s, place *p, const mr_model *m, const int32_t *ids, int64_t i,
                        int64_t first) {
    if (i >= p->end) return;
    const int64_t in_block = (i - first) % CENTRES;
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
    for (int64_t j = low; j < i; j++) p->step.x[nc++] = m->input + ids[j] * stride;
    for (int64_t j = i + 1; j <= high; j++) p->step.x[nc++] = m->input + ids[j] * stride;
    p->nc = nc;
    for (int o = 0; o < p->no; o++) p->step.w[o] = m->output + p->id[o] * stride;
}

static void hidden_of(place *p, const mr_model *m) {
    float **x = p->step.x;
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
    float **contexts = p->step.x;
    const int32_t target = p->id[0];
    for (int c = 0; c < p->nc; c++, p->step.x++) {
        const uint64_t from = (uint64_t)(p->at * 2 * m->window + c) * (uint64_t)m->negative;
        draw_noise(m, s->noise_stream, from, m->negative, p->pair_noise);
        p->no = choose_outputs(m, target, p->pair_noise, p->id);
        for (int o = 0; o < p->no; o++) p->step.w[o] = m->output + (int64_t)p->id[o] * m->stride;
        step_slopes(&p->step, p->step.x, 1, p->no, alpha, &s->loss);
        step_update(&p->step, 1, p->no);
        s->terms += p->no;
    }
    p->step.x = contexts;
    p->nc = 0; /* nothing is left to update */
}

static void place_slopes(walk_state *s, place *p, const mr_model *m) {
    if (p->nc == 0) return;
    const float alpha = (float)(s->alpha + s->alpha_step * (double)p->at);
    if (m->method == MR_SKIP_GRAM && !m->share) {
        place_pairs(s, p, m, alpha);
        return;
    }
    if (m->method == MR_CBOW) {
        hidden_of(p, m);
        step_slopes(&p->step, &p->hidden, 1, p->no, alpha, &s->loss);
        s->terms += p->no;
    } else {
        step_slopes(&p->step, p->step.x, p->nc, p->no, alpha, &s->loss);
        s->terms += (int64_t)p->nc * p->no;
    }
}

static void place_update(place *p, const mr_model *m) {
    if (p->nc == 0) return;
    if (m->method == MR_CBOW)
        step_update_hidden(&p->step, p->hidden, p->no, p->nc,
                           fill(m->mean ? 1.0f : 1.0f / (float)p->nc));
    else
        step_update(&p->step, p->nc, p->no);
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
        place_ahead(s, p, m, ids, p->at, p->at);
    }
    for (int64_t i = 0; i < part; i++) {
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            p->nc = 0;
            if (p->at >= p->end) continue;
            int32_t *id = p->id;
            p->id = p->next_id;
            p->no = p->next_no;
            p->next_id = id;
            place_ahead(s, p, m, ids, p->at + 1, k * part);
            place_window(s, p, m, ids, n);
            place_slopes(s, p, m);
        }
        for (int k = 0; k < STREAMS; k++) {
            place_update(&s->places[k], m);
            s->places[k].at++;
        }
    }
}
#endif
