/* Every mode of the training core, driven from C: what tests run on processors that Python's tests
   don't reach, and with several threads under ThreadSanitizer.

       train_modes ISA [THREADS [own|shared|plain]]

   For each mode it makes a small model and trains, infers and scores with it; the tallies, scores
   and all matrices go to standard output as floats, so that two builds can be compared. With
   more than one thread, all of them train one model at once. Only the matrices are then written by
   several threads, and ThreadSanitizer is told that races there are meant; "plain" leaves that out.
   "shared" hands the threads one scratch: the mistake that the tests' own check has to find. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "train.h"

#ifdef __SANITIZE_THREAD__
#define SANITIZES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZES 1
#endif
#endif
#ifdef SANITIZES
void AnnotateBenignRaceSized(const char *, int, const volatile void *, size_t, const char *);
#define MEANT(array) AnnotateBenignRaceSized(__FILE__, __LINE__, array, sizeof array, "Hogwild")
#else
#define MEANT(array) ((void)0)
#endif

enum { WORDS = 60, TAGS = 9, ROWS = 16, LONGEST = 28, MOST = ROWS * LONGEST, ROUNDS = 3 };
enum { WINDOW = 3, SLOTS = 2, STRIDE = 48, WIDTH = (SLOTS + 2 * WINDOW) * STRIDE };
enum { THREADS_AT_MOST = 16 };

/* In one place throughout, so that no scratch ever lies where races are meant. */
static _Alignas(64) float input[WORDS * STRIDE], tags[TAGS * STRIDE];
static _Alignas(64) float output[WORDS * WIDTH], nodes[WORDS * WIDTH];

typedef struct {
    int32_t tokens[MOST], offsets[ROWS + 1], map[WORDS + 4];
    int32_t tags[3 * ROWS], tag_offsets[ROWS + 1], tag_map[TAGS];
} corpus;

typedef struct {
    const mr_model *model;
    const corpus *of;
    void *scratch;
    atomic_int *waiting; /* threads that have yet to arrive at the start; NULL: there is but one */
    int32_t isa;
    int number;
    int32_t code;
} worker;

static void *must(void *p) {
    if (p) return p;
    perror("train_modes");
    exit(2);
}

static void *aligned(size_t bytes) { return must(aligned_alloc(64, (bytes + 127) / 64 * 64)); }

static void need(int32_t code, const char *what) {
    if (code == MR_OK) return;
    fprintf(stderr, "train_modes: %s gave the code %d\n", what, code);
    exit(2);
}

static void put(const float *p, int64_t n) {
    if (fwrite(p, sizeof *p, (size_t)n, stdout) != (size_t)n) exit(2);
}

/* Rows of many lengths, also 0, 1 and 2; low ids are frequent, and some words are unknown. */
static void fill_corpus(corpus *c) {
    const uint64_t s = mr_stream(5, 0, 0, 9);
    int n = 0, tag_n = 0;
    uint64_t i = 0;
    for (int r = 0; r < ROWS; r++) {
        c->offsets[r] = n;
        c->tag_offsets[r] = tag_n;
        const int length = r < 3 ? r : (int)mr_below(mr_draw(s, i++), LONGEST + 1);
        for (int t = 0; t < length; t++) {
            const uint32_t a = mr_below(mr_draw(s, i++), WORDS + 4);
            const uint32_t b = mr_below(mr_draw(s, i++), WORDS + 4);
            c->tokens[n++] = (int32_t)(a < b ? a : b);
        }
        for (uint32_t t = mr_below(mr_draw(s, i++), 4); t > 0; t--)
            c->tags[tag_n++] = (int32_t)mr_below(mr_draw(s, i++), TAGS);
    }
    c->offsets[ROWS] = n;
    c->tag_offsets[ROWS] = tag_n;
    for (int k = 0; k < WORDS + 4; k++) c->map[k] = k < 5 ? k : k == 5 || k > WORDS ? -1 : k - 1;
    for (int k = 0; k < TAGS; k++) c->tag_map[k] = k == 4 ? -1 : k;
}

/* A matrix whose logits are about 1. */
static float *filled(float *all, int64_t rows, int64_t width, const mr_model *m, uint64_t seed) {
    const float scale = 3.0f / sqrtf((float)m->dim);
    for (int64_t k = 0; k < rows * width; k++) {
        const float u = (float)(int32_t)(mr_draw(seed, (uint64_t)k) >> 40) / 8388608.0f - 1;
        all[k] = k % m->stride < m->dim ? u * scale : 0;
    }
    return all;
}

static mr_batch batch_of(const corpus *c, int tagged, uint64_t number) {
    mr_batch b = {.tokens = c->tokens, .offsets = c->offsets, .rows = ROWS, .map = c->map,
                  .words = WORDS + 4, .token_limit = MOST, .first_row = number * ROWS};
    if (tagged) {
        b.tags = c->tags;
        b.tag_offsets = c->tag_offsets;
        b.tag_map = c->tag_map;
        b.tag_words = TAGS;
        b.tag_limit = 3 * ROWS;
    }
    return b;
}

static void *work(void *given) {
    worker *w = given;
    mr_tally tally = {0};
    if (w->waiting) {
        atomic_fetch_sub(w->waiting, 1);
        while (atomic_load(w->waiting) > 0) sched_yield();
    }
    for (int round = 0; round < ROUNDS && w->code == MR_OK; round++) {
        const mr_batch b =
            batch_of(w->of, w->model->method >= MR_DBOW, (uint64_t)(w->number * ROUNDS + round));
        w->code = mr_train(w->isa, w->model, &b, w->scratch, &tally);
    }
    if (!w->waiting) {
        const float found[] = {(float)tally.loss,    (float)tally.terms,   (float)tally.tokens,
                               (float)tally.unknown, (float)tally.dropped};
        put(found, 5);
    }
    return 0;
}

static void train(const mr_model *m, const corpus *c, int32_t isa, int threads, int shared) {
    const int64_t bytes = mr_scratch(isa, m, MOST, 3 * ROWS);
    need(bytes < 0, "mr_scratch");
    pthread_t thread[THREADS_AT_MOST];
    worker w[THREADS_AT_MOST] = {0};
    atomic_int waiting = threads;
    for (int k = 0; k < threads; k++) {
        void *scratch = shared && k ? w[0].scratch : aligned((size_t)bytes);
        w[k] = (worker){m, c, scratch, threads > 1 ? &waiting : 0, isa, k, MR_OK};
        if (threads == 1) work(&w[k]);
        else if (pthread_create(&thread[k], 0, work, &w[k])) exit(2);
    }
    for (int k = 0; k < threads; k++) {
        if (threads > 1) pthread_join(thread[k], 0);
        if (!shared) need(w[k].code, "mr_train");
        if (!shared || k == 0) free(w[k].scratch);
    }
}

/* What one thread does with a model besides training it. */
static void ask(const mr_model *m, const corpus *c, int32_t isa) {
    void *scratch = aligned((size_t)mr_scratch(isa, m, MOST, 3 * ROWS));
    const mr_batch b = batch_of(c, 0, 0);
    mr_tally tally = {0};
    if (m->method >= MR_DBOW) {
        mr_model found = *m;
        found.tags = aligned(ROWS * (size_t)m->stride * sizeof *found.tags);
        found.tag_rows = ROWS;
        found.tag_rates = 0;
        need(mr_infer(isa, &found, &b, 3, scratch, &tally), "mr_infer");
        put(found.tags, ROWS * m->stride);
        free(found.tags);
    } else if (m->hierarchical) {
        double scores[ROWS];
        need(mr_score(isa, m, &b, scores, scratch, &tally), "mr_score");
        for (int r = 0; r < ROWS; r++) {
            const float score = (float)scores[r];
            put(&score, 1);
        }
    }
    free(scratch);
}

typedef struct {
    uint64_t noise[WORDS];
    int64_t path_at[WORDS + 1];
    uint32_t keep[WORDS], *path;
} tables;

static void fill_tables(tables *t) {
    double weights[WORDS], sums[WORDS];
    int64_t order[WORDS], stack[WORDS];
    uint32_t leaves[WORDS], inner[WORDS];
    for (int k = 0; k < WORDS; k++) {
        weights[k] = 1.0 / (k + 1);
        order[k] = WORDS - 1 - k;
        t->keep[k] = UINT32_MAX / 3 + (uint32_t)k * (UINT32_MAX / 2 / WORDS);
    }
    need(mr_huffman(WORDS, order, weights, leaves, inner, sums), "mr_huffman");
    need(mr_paths(WORDS, leaves, WORDS - 1, inner, t->path_at, 0), "mr_paths");
    t->path = must(malloc((size_t)t->path_at[WORDS] * sizeof *t->path));
    need(mr_paths(WORDS, leaves, WORDS - 1, inner, t->path_at, t->path), "mr_paths");
    need(mr_noise_table(WORDS, weights, t->noise, stack), "mr_noise_table");
}

static int32_t longest_of(const tables *t) {
    int64_t most = 0;
    for (int k = 0; k < WORDS; k++)
        if (t->path_at[k + 1] - t->path_at[k] > most) most = t->path_at[k + 1] - t->path_at[k];
    return (int32_t)most;
}

static void run(mr_model m, const corpus *c, int32_t isa, int threads, int shared) {
    m.stride = (m.dim + 15) / 16 * 16;
    const int64_t width = m.join == MR_CONCAT ? (SLOTS + 2 * m.window) * m.stride : m.stride;
    m.input = filled(input, WORDS, m.stride, &m, 1);
    m.tags = filled(tags, TAGS, m.stride, &m, 2);
    m.output = filled(output, WORDS, width, &m, 3);
    m.nodes = filled(nodes, WORDS - 1, width, &m, 4);
    train(&m, c, isa, threads, shared);
    if (threads > 1) return;
    put(input, WORDS * m.stride);
    put(tags, TAGS * m.stride);
    put(output, WORDS * width);
    put(nodes, (WORDS - 1) * width);
    ask(&m, c, isa);
}

/* All methods, joins and kinds of outputs that a model is made of. */
static void every_mode(mr_model m, const corpus *c, int32_t isa, int threads, int shared) {
    for (m.method = MR_SKIP_GRAM; m.method <= MR_DM; m.method++) {
        const int hidden = m.method == MR_CBOW || m.method == MR_DM;
        for (m.join = MR_MEAN; m.join <= (m.method == MR_DM ? MR_CONCAT : hidden); m.join++)
            for (m.share = hidden; m.share <= 1; m.share++)
                for (int outputs = 0; outputs < 3; outputs++) {
                    m.negative = outputs == 1 ? 0 : 5;
                    m.hierarchical = outputs > 0;
                    run(m, c, isa, threads, shared);
                }
    }
}

int main(int n, char **given) {
    const int32_t isa = n > 1 ? atoi(given[1]) : MR_BASE;
    const int threads = n > 2 ? atoi(given[2]) : 1;
    const char *how = n > 3 ? given[3] : "own";
    if (threads < 1 || threads > THREADS_AT_MOST || !mr_isa_available(isa)) {
        fprintf(stderr, "usage: train_modes ISA [1..%d [own|shared|plain]]\n", THREADS_AT_MOST);
        return 2;
    }
    if (strcmp(how, "plain") != 0) {
        MEANT(input);
        MEANT(tags);
        MEANT(output);
        MEANT(nodes);
    }
    static corpus c;
    static tables t;
    fill_corpus(&c);
    fill_tables(&t);
    static float rates[WORDS]; /* frozen, slow and usual rows */
    for (int k = 0; k < WORDS; k++) rates[k] = (float)(k % 3) / 2;
    const mr_model m = {.window = WINDOW, .shrink = 1, .tag_slots = SLOTS, .fold = 4, .rows = WORDS,
                        .tag_rows = TAGS, .keep = t.keep, .noise = t.noise, .path_at = t.path_at,
                        .path = t.path, .longest = longest_of(&t), .start_alpha = 0.05,
                        .end_alpha = 0.01, .schedule_tokens = 1000, .seed = 7, .dim = 20};
    const int shared = strcmp(how, "shared") == 0;
    every_mode(m, &c, isa, threads, shared);
    mr_model copies = m, rated = m; /* busy rows as copies; rates, and other sizes */
    copies.hot = 8;
    every_mode(copies, &c, isa, threads, shared);
    rated.input_rates = rated.tag_rates = rated.output_rates = rated.node_rates = rates;
    rated.dim = 37;
    rated.exact = 1;
    every_mode(rated, &c, isa, threads, shared);
    free(t.path);
    return 0;
}
