/* The surface of the training core; cffi reads this file, so it holds declarations only.

   The core owns no file, no thread, no global and no memory: every pointer is an array of the
   caller's, with the shape in its comment. Every call returns one of the codes below and says in
   `tally->at` where it stopped. Ids and offsets are checked before the first weight is written. */
#ifndef MR_TRAIN_H
#define MR_TRAIN_H
#include <stdint.h>

enum mr_code {
    MR_OK = 0,
    MR_BAD_MODEL = 1,   /* a size or setting that no model can have */
    MR_BAD_OFFSETS = 2, /* row offsets that fall, or lie outside the tokens */
    MR_BAD_TOKEN = 3,   /* a local id outside its shard's dictionary */
    MR_BAD_ID = 4,      /* a dictionary entry outside the weights */
    MR_NOT_FINITE = 5   /* the loss is NaN or infinite: the weights are broken */
};

enum mr_isa { MR_BASE = 0, MR_AVX2 = 1, MR_AVX512 = 2 };

enum mr_method { MR_SKIP_GRAM = 0, MR_CBOW = 1 };

/* What stays the same through a run. */
typedef struct {
    int32_t method;      /* mr_method */
    int32_t dim;         /* d, at least 1 */
    int32_t stride;      /* floats from one row to the next: a multiple of 16, at least d */
    int32_t window;      /* largest distance of a context word, at least 1 */
    int32_t negative;    /* noise words for each centre word, at least 1 */
    int32_t shrink;      /* 1: draw each centre's window from 1..window; 0: always `window` */
    int32_t mean;        /* CBOW: 1 the mean of the context, 0 its sum */
    int32_t share;       /* skip-gram: 1 the noise words of a window are shared by its contexts, 0
                            every pair has its own */
    int64_t rows;        /* V, words that have a row */
    float *input;        /* (V, stride), 64-byte aligned, zero beyond column d */
    float *output;       /* (V, stride), likewise */
    const uint32_t *keep;  /* (V) a word stays if a 32-bit draw is <= this */
    const uint64_t *noise; /* (V) alias table: alias in the high half, threshold in the low half */
    double start_alpha;  /* learning rate at token 0 of the run ... */
    double end_alpha;    /* ... and after token `schedule_tokens`; linear in between */
    double schedule_tokens;
    uint64_t seed;
} mr_model;

/* Some consecutive rows (sentences) of one shard. */
typedef struct {
    const int32_t *tokens;  /* (offsets[rows]) ids local to the shard */
    const int32_t *offsets; /* (rows + 1) into tokens */
    int64_t rows;
    const int32_t *map;     /* (words) local id -> row of the weights, or -1: not in the vocabulary */
    int64_t words;
    int64_t token_limit;    /* length of `tokens` */
    uint64_t first_row;     /* number of the first row in the corpus: with the seed and the epoch */
    uint64_t epoch;         /*   it determines every random draw, however rows are cut into batches */
    double first_token;     /* tokens of the run before this batch: where the schedule stands */
} mr_batch;

/* What a batch came to; added to what is there. */
typedef struct {
    double loss;        /* sum over all terms of -log sigma(+-x . w) */
    int64_t terms;      /* number of those terms */
    int64_t tokens;     /* tokens seen */
    int64_t unknown;    /* of these, not in the vocabulary */
    int64_t dropped;    /* of these, dropped by subsampling */
    int64_t at;         /* where a check failed: row or token of this batch */
} mr_tally;

/* Nonzero if this processor runs the given mr_isa build and it was compiled in. */
int32_t mr_isa_available(int32_t isa);

/* Bytes of scratch that a batch of so many tokens needs; -1 for an impossible model. */
int64_t mr_scratch(int32_t isa, const mr_model *model, int64_t tokens);

/* Train on one batch. scratch: (mr_scratch bytes), 64-byte aligned, of this thread alone. */
int32_t mr_train(int32_t isa, const mr_model *model, const mr_batch *batch, void *scratch,
                 mr_tally *tally);

/* Build the alias table of a distribution (Walker 1977; Vose 1991).
   weights: (n) not negative, not all zero; changed on the way. table: (n). stack: (n). */
int32_t mr_noise_table(int64_t n, double *weights, uint64_t *table, int64_t *stack);

/* Fill rows [first, first + n) of a fresh matrix from U[-1/dim, 1/dim), each row from its own
   number alone, so that a matrix that grows gets the rows it would have had from the start.
   rows: (n, stride), the first of them being row `first`; columns from dim on become zero. */
int32_t mr_initial_rows(float *rows, int64_t first, int64_t n, int32_t dim, int32_t stride,
                        uint64_t seed);

/* `rounds` times 32 independent fused multiply-adds on full vectors, in registers: the most that
   one core can do. Returns the number of floating-point operations; *sink keeps it from being
   optimised away. */
double mr_peak(int32_t isa, int64_t rounds, float *sink);
#endif
