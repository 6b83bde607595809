/* Walk a row word by word: each in turn is the centre of a window.

   Skip-gram, DBOW: each context word's or tag's row predicts the centre (X is these rows).
   CBOW, DM: the mean, sum or concatenation of the rows predicts it (X is one hidden vector h), and
   the change of h goes to every row.

   A window's slopes wait for its products, and its updates for the slopes; the processor would
   stand still. So a row is walked in STREAMS places at once: it is cut into as many equal parts,
   and a step in each of them makes a small batch, whose slopes are all taken before its updates.
   The cut depends on the row alone, so results don't depend on how rows come. */
#ifndef MR_WALK_H
#define MR_WALK_H
#include "outputs.h"
#include "sentence.h"

#define STREAMS 2
/* How far beyond the window input rows are fetched. */
#define AHEAD 2

/* Steps between choosing outputs and using them: PV-DBOW gains 7 % by a second, others nothing. */
#define DEPTH 2

enum task { TRAIN, INFER, SCORE };

/* One place in the row. */
typedef struct {
    int64_t begin, at, end; /* where this part begins, the centre, where the part ends */
    step_outputs ring[DEPTH + 1]; /* outputs of this centre and of the next ones, */
    step_outputs *now;  /*   and which are this one's */
    float *g;           /* gradients */
    float **x;          /* (slots) the rows that predict, NULL for a slot that is empty, */
    float *rate;        /*   (slots) their factors of the learning rate, if the model has any, */
    int nc, words;      /*   how many there are; the first `words` are words, the others tags */
    float *hidden, *change; /* (width) */
} place;

typedef struct {
    const mr_model *m;
    enum task task;
    int uses_words, uses_tags;
    int pairs;          /* rows predict one by one ... */
    int own_noise;      /*   ... and each has noise words of its own */
    int chunks;         /* vectors in a row of W */
    matrix input, tags, output, nodes;
    place places[STREAMS];
    int32_t *ids;       /* (tokens of the batch) */
    int32_t *kept;      /* (tokens of the batch) ids of the row's words that are trained on ... */
    float **rows;       /*   ... and where their input rows are, as far as windows have come */
    int64_t n;          /*   how many */
    int32_t *tag_ids;   /* (tags of the batch) */
    float **tag_rows;   /* (tags of the batch) the row's tags */
    float *tag_rate;    /* (tags of the batch) */
    int tag_n;
    int32_t *drawn;     /* (BLOCK * negative) noise words of the block that holds the next step */
    noise_set noise;    /* of the next step, or of a pair */
    loss_sum loss;
    int64_t terms;
    uint64_t phase, noise_stream;  /* of the row */
    double alpha, alpha_step;      /* at the row's first word, and from word to word */
} walk_state;

static inline int64_t width_of(const mr_model *m) {
    return m->join == MR_CONCAT ? (int64_t)(m->tag_slots + 2 * m->window) * m->stride : m->stride;
}

/* Lay the walk's arrays out in scratch, each on a 64-byte boundary; returns the bytes they take.
   With scratch NULL it only measures. */
static int64_t walk_layout(walk_state *s, const mr_model *m, int64_t tokens, int64_t tags,
                           char *scratch) {
    int64_t used = 0;
#define ARRAY(pointer, n) \
    do { \
        if (scratch) (pointer) = (void *)(scratch + used); \
        used += ((int64_t)(n) * (int64_t)sizeof *(pointer) + 63) / 64 * 64; \
    } while (0)
#define MATRIX(name, from, wide, n) \
    do { \
        matrix *const it = &s->name; \
        it->all = (from); \
        it->width = (wide); \
        it->hot = (n); \
        it->fold = m->fold; \
        ARRAY(it->copy, it->hot * it->width); \
        ARRAY(it->base, it->hot * it->width); \
        ARRAY(it->left, it->hot + 1); \
        ARRAY(it->held, it->hot); \
    } while (0)
#define HOT(pointer, n, rates) ((pointer) ? hot_rows((n) < m->hot ? (n) : m->hot, rates) : 0)
    const int64_t width = width_of(m);
    const int64_t most = m->negative + 1 + (m->hierarchical ? (int64_t)m->longest : 0);
    const int64_t slots = 2 * (int64_t)m->window + (tags > m->tag_slots ? tags : m->tag_slots);
    MATRIX(input, m->input, m->stride, HOT(m->input, m->rows, m->input_rates));
    /* Most tags are of one document; copies are for those few that many documents share. */
    MATRIX(tags, m->tags, m->stride,
           m->tag_rows > m->hot ? 0 : HOT(m->tags, m->tag_rows, m->tag_rates));
    MATRIX(output, m->output, width, HOT(m->output, m->rows, m->output_rates));
    MATRIX(nodes, m->nodes, width, HOT(m->nodes, m->rows - 1, m->node_rates));
    ARRAY(s->ids, tokens);
    ARRAY(s->kept, tokens);
    ARRAY(s->rows, tokens);
    ARRAY(s->tag_ids, tags);
    ARRAY(s->tag_rows, tags);
    ARRAY(s->tag_rate, tags);
    ARRAY(s->drawn, BLOCK * m->negative);
    ARRAY(s->noise.id, m->negative);
    ARRAY(s->noise.row, m->negative);
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        for (int depth = 0; depth <= DEPTH; depth++) {
            step_outputs *o = &p->ring[depth];
            ARRAY(o->w, most);
            ARRAY(o->size, most);
            ARRAY(o->label, most + BLOCK_O);
            ARRAY(o->signs, STEP * most + ROOM);
            ARRAY(o->rate, most);
        }
        ARRAY(p->g, STEP * most + ROOM);
        ARRAY(p->x, slots);
        ARRAY(p->rate, slots);
        ARRAY(p->hidden, width);
        ARRAY(p->change, width);
    }
#undef HOT
#undef MATRIX
#undef ARRAY
    return used;
}

static void walk_start(walk_state *s, const mr_model *m, enum task task) {
    s->m = m;
    s->task = task;
    s->uses_words = m->method != MR_DBOW && !(m->method == MR_DBOW_WORDS && task == INFER);
    s->uses_tags = m->method >= MR_DBOW;
    s->pairs = m->method != MR_CBOW && m->method != MR_DM;
    s->own_noise = s->pairs && !m->share;
    s->chunks = m->join == MR_CONCAT ? (int)(width_of(m) / VL) : (m->dim + VL - 1) / VL;
    /* A word is taken up once and then serves a whole window. */
    s->input.fold = m->fold / (m->window + 1) + 1;
    matrix *all[] = {&s->input, &s->tags, &s->output, &s->nodes};
    for (int k = 0; k < 4; k++) matrix_start(all[k]);
    loss_start(&s->loss);
    s->terms = 0;
}

static void walk_end(walk_state *s) {
    matrix *all[] = {&s->input, &s->tags, &s->output, &s->nodes};
    for (int k = 0; k < 4; k++) matrix_end(all[k]);
    loss_flush(&s->loss);
}

/* What is predicted at a centre, with the noise of the step. */
INLINE void outputs_of(walk_state *s, step_outputs *to, int32_t centre) {
    const mr_model *m = s->m;
    to->no = to->groups = to->word_groups = to->rated = 0;
    if (m->negative) add_words(to, &s->output, m, centre, &s->noise);
    if (m->hierarchical) add_path(to, &s->nodes, m, centre);
}

/* Choose the outputs of a step, and set their rows on the way. */
static void step_ahead(walk_state *s, int64_t step) {
    const mr_model *m = s->m;
    if (s->own_noise) return;
    const int64_t in_block = step % BLOCK;
    if (m->share) {
        if (in_block == 0)
            draw_noise(m, s->noise_stream, (uint64_t)(step * m->negative), BLOCK * m->negative,
                       s->drawn);
        choose_noise(&s->noise, &s->output, m->negative, s->drawn + in_block * m->negative);
    }
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        const int64_t i = p->begin + step;
        if (i >= p->end) continue;
        if (!m->share) {
            draw_noise(m, s->noise_stream, (uint64_t)(i * m->negative), m->negative, s->drawn);
            choose_noise(&s->noise, &s->output, m->negative, s->drawn);
        }
        outputs_of(s, &p->ring[step % (DEPTH + 1)], s->kept[i]);
    }
}

/* A word comes within reach of windows. */
static inline void word_enters(walk_state *s, int64_t j) {
    s->rows[j] = row_of(&s->input, s->kept[j]);
    prefetch_row(s->rows[j], s->m->dim);
}

static inline void add_row(const walk_state *s, place *p, float *row, float rate) {
    p->x[p->nc] = row;
    if (s->m->input_rates || s->m->tag_rates) p->rate[p->nc] = rate;
    p->nc++;
}

static inline void add_word(const walk_state *s, place *p, int64_t j) {
    const float *rates = s->m->input_rates;
    add_row(s, p, s->rows[j], rates ? rates[s->kept[j]] : 1);
}

/* The rows that predict the centre p->at. */
static void place_rows(walk_state *s, place *p) {
    const mr_model *m = s->m;
    const int64_t i = p->at, n = s->n;
    p->nc = 0;
    if (s->uses_words) {
        const int64_t entering = i + m->window + AHEAD;
        if (entering < n) word_enters(s, entering);
        /* Windows of every size in turn, from a random one on: each is drawn equally often, and the
           processor can predict them. */
        const int64_t reach =
            m->shrink ? 1 + (int64_t)((s->phase + (uint64_t)(i - p->begin)) % (uint64_t)m->window)
                      : m->window;
        const int64_t low = i > reach ? i - reach : 0, high = i + reach < n - 1 ? i + reach : n - 1;
        for (int64_t j = low; j < i; j++) add_word(s, p, j);
        for (int64_t j = i + 1; j <= high; j++) add_word(s, p, j);
    }
    p->words = p->nc;
    if (s->uses_tags)
        for (int t = 0; t < s->tag_n; t++) add_row(s, p, s->tag_rows[t], s->tag_rate[t]);
}

/* The same where each row has a slot of its own: tags, words before, words after. */
static void place_slots(walk_state *s, place *p) {
    const mr_model *m = s->m;
    const int64_t i = p->at, n = s->n, entering = i + m->window + AHEAD;
    if (entering < n) word_enters(s, entering);
    p->nc = 0;
    for (int t = 0; t < m->tag_slots; t++) {
        if (t < s->tag_n) add_row(s, p, s->tag_rows[t], s->tag_rate[t]);
        else add_row(s, p, 0, 0);
    }
    int held = s->tag_n > 0;
    for (int64_t j = i - m->window; j <= i + m->window; j++) {
        if (j == i) continue;
        if (j < 0 || j >= n) {
            add_row(s, p, 0, 0);
            continue;
        }
        add_word(s, p, j);
        held = 1;
    }
    if (!held) p->nc = 0;
    p->words = 0;
}

INLINE float place_alpha(const walk_state *s, const place *p) {
    return (float)(s->alpha + s->alpha_step * (double)p->at);
}

INLINE const float *rates_of(const walk_state *s, const place *p) {
    return s->m->input_rates || s->m->tag_rates ? p->rate : 0;
}

static void hidden_of(walk_state *s, place *p) {
    float **x = p->x;
    if (s->m->join == MR_CONCAT) {
        const int64_t stride = s->m->stride;
        for (int c = 0; c < p->nc; c++)
            for (int64_t v = 0; v < stride; v += VL)
                store(p->hidden + c * stride + v, x[c] ? load(x[c] + v) : fill(0.0f));
        return;
    }
    const vf part = fill(s->m->join == MR_MEAN ? 1.0f / (float)p->nc : 1.0f);
    for (int v = 0; v < s->chunks * VL; v += VL) {
        vf sum = load(x[0] + v);
        for (int c = 1; c < p->nc; c++) sum += load(x[c] + v);
        store(p->hidden + v, sum * part);
    }
}

/* Hand the change of the hidden vector on to the rows that it was made of. */
static void spread_change(walk_state *s, place *p) {
    const mr_model *m = s->m;
    const int concat = m->join == MR_CONCAT;
    const int whole = concat || (m->join == MR_MEAN) != (m->exact != 0);
    const float part = whole ? 1.0f : 1.0f / (float)p->nc;
    const float *rate = rates_of(s, p);
    const int first = s->task == INFER ? p->words : 0;
    const int last = s->task == INFER && concat ? m->tag_slots : p->nc;
    for (int c = first; c < last; c++) {
        float *x = p->x[c];
        if (!x || (rate && rate[c] == 0)) continue;
        const float *change = p->change + (concat ? c * (int64_t)m->stride : 0);
        const vf factor = fill(rate ? part * rate[c] : part);
        const int end = concat ? m->stride : s->chunks * VL;
        for (int v = 0; v < end; v += VL) store(x + v, load(x + v) + load(change + v) * factor);
    }
}

/* Add the change to the rows from c on that predict one by one. */
static void pairs_update(walk_state *s, place *p, int c, int nc) {
    const float *rate = rates_of(s, p);
    if (p->now->no == 0) return; /* a tree of one word asks nothing */
    if (s->task == TRAIN) {
        step_update(p->now, p->g, s->chunks, p->x + c, nc, rate ? rate + c : 0);
    } else if (s->task == INFER) {
        float *x = p->x[c];
        step_change(p->now, p->g, s->chunks, x, p->change, 0);
        for (int v = 0; v < s->chunks * VL; v += VL) store(x + v, load(x + v) + load(p->change + v));
    }
}

/* Noise words of its own for every pair, one pair after the other: the objective as it is written,
   at several times the cost of a shared set. */
static void place_pairs(walk_state *s, place *p) {
    const mr_model *m = s->m;
    const int64_t pairs = 2 * (int64_t)m->window + (s->uses_tags ? s->tag_n : 0);
    for (int c = 0; c < p->nc; c++) {
        const uint64_t from = (uint64_t)(p->at * pairs + c) * (uint64_t)m->negative;
        draw_noise(m, s->noise_stream, from, m->negative, s->drawn);
        choose_noise(&s->noise, &s->output, m->negative, s->drawn);
        outputs_of(s, p->now, s->kept[p->at]);
        step_slopes(p->now, p->g, s->chunks, p->x + c, 1, place_alpha(s, p), &s->loss);
        pairs_update(s, p, c, 1);
        s->terms += p->now->no;
    }
}

/* The windows of all places, STEP rows of each at a time. */
static void walk_pairs(walk_state *s) {
    int longest = 0;
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (s->own_noise) {
            place_pairs(s, p);
            continue;
        }
        longest = p->nc > longest ? p->nc : longest;
        s->terms += (int64_t)p->nc * p->now->no;
    }
    for (int c = 0; c < longest; c += STEP) {
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            const int left = p->nc - c;
            if (left > 0)
                step_slopes(p->now, p->g, s->chunks, p->x + c, left < STEP ? left : STEP,
                            place_alpha(s, p), &s->loss);
        }
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            const int left = p->nc - c;
            if (left > 0) pairs_update(s, p, c, left < STEP ? left : STEP);
        }
    }
}

static void walk_hidden(walk_state *s) {
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (p->now->no == 0) p->nc = 0; /* a tree of one word asks nothing */
        if (p->nc == 0) continue;
        hidden_of(s, p);
        step_slopes(p->now, p->g, s->chunks, &p->hidden, 1, place_alpha(s, p), &s->loss);
        s->terms += p->now->no;
    }
    if (s->task == SCORE) return;
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        if (p->nc == 0) continue;
        step_change(p->now, p->g, s->chunks, p->hidden, p->change, s->task == TRAIN);
        spread_change(s, p);
    }
}

/* The row's words are s->kept (s->n), its tags s->tag_rows (s->tag_n). */
static void walk_row(walk_state *s) {
    const mr_model *m = s->m;
    const int64_t n = s->n, part = (n + STREAMS - 1) / STREAMS;
    for (int k = 0; k < STREAMS; k++) {
        place *p = &s->places[k];
        p->now = p->ring;
        p->begin = p->at = k * part < n ? k * part : n;
        p->end = (k + 1) * part < n ? (k + 1) * part : n;
        if (s->uses_words && p->at < p->end)
            for (int64_t j = p->at > m->window ? p->at - m->window : 0;
                 j < n && j < p->at + m->window + AHEAD; j++)
                word_enters(s, j);
    }
    for (int64_t i = 0; i < DEPTH && i < part; i++) step_ahead(s, i);
    for (int64_t i = 0; i < part; i++) {
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            p->nc = 0;
            if (p->at >= p->end) continue;
            p->now = &p->ring[i % (DEPTH + 1)];
        }
        if (i + DEPTH < part) step_ahead(s, i + DEPTH);
        for (int k = 0; k < STREAMS; k++) {
            place *p = &s->places[k];
            if (p->at >= p->end) continue;
            if (m->join == MR_CONCAT) place_slots(s, p);
            else place_rows(s, p);
        }
        if (s->pairs) walk_pairs(s);
        else walk_hidden(s);
        for (int k = 0; k < STREAMS; k++) s->places[k].at++;
    }
}
#endif
