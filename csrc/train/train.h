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
    MR_BAD_OFFSETS = 2, /* row offsets that fall, or lie outside the tokens or tags */
    MR_BAD_TOKEN = 3,   /* a local id outside its shard's dictionary */
    MR_BAD_ID = 4,      /* a dictionary entry outside the weights */
    MR_NOT_FINITE = 5   /* the loss is NaN or infinite: the weights are broken */
};

enum mr_isa { MR_BASE = 0, MR_AVX2 = 1, MR_AVX512 = 2 };

/* What predicts a word. One by one: its context words (skip-gram), its document's tags (DBOW), or
   all of these. All together, as one hidden vector: the context words (CBOW), with the tags (DM). */
enum mr_method {
    MR_SKIP_GRAM = 0,
    MR_CBOW = 1,
    MR_DBOW = 2,
    MR_DBOW_WORDS = 3,
    MR_DM = 4
};

/* How a hidden vector is made of its rows. */
enum mr_join { MR_MEAN = 0, MR_SUM = 1, MR_CONCAT = 2 };

/* What stays the same through a run. */
typedef struct {
    int32_t method;       /* mr_method */
    int32_t join;         /* mr_join: CBOW and DM; MR_CONCAT is DM's alone */
    int32_t exact;        /* CBOW and DM: 1 gives every row of a mean its share of the gradient, and
                             every row of a sum all of it; 0 the other way round, as the peers do */
    int32_t dim;          /* d, at least 1 */
    int32_t stride;       /* floats from one row to the next: a multiple of 16, at least d */
    int32_t window;       /* largest distance of a context word, at least 1 */
    int32_t negative;     /* noise words for each centre word; 0: no negative sampling */
    int32_t hierarchical; /* 1: hierarchical softmax; with negative, too, or without */
    int32_t shrink;       /* 1: windows of 1..window, in equal parts; 0: always `window` */
    int32_t share;        /* 1: a step of two windows shares its noise words; 0: every pair, or hidden
                             vector, has its own */
    int32_t tag_slots;    /* MR_CONCAT: the tags that a hidden vector has room for */
    int32_t hot;          /* rows of each matrix, from the first, of which a thread keeps copies;
                             0 none: then what comes out does not depend on how batches are cut */
    int32_t fold;         /* uses of a copy after which its change is added to the matrix */
    int64_t rows;         /* V, words that have a row */
    int64_t tag_rows;     /* T, tags that have a row */
    float *input;         /* (V, stride), 64-byte aligned, zero beyond column d */
    float *tags;          /* (T, stride), likewise; DBOW and DM */
    float *output;        /* (V, width), likewise, if negative; width is the stride, for MR_CONCAT
                             (tag_slots + 2 * window) * stride */
    float *nodes;         /* (V - 1, width), likewise, if hierarchical: the tree's inner nodes */
    const float *input_rates; /* (V) factors of the learning rate, 0 freezes a row; or NULL: all 1 */
    const float *tag_rates;   /* (T) likewise */
    const float *output_rates; /* (V) likewise, of the rows of `output` */
    const float *node_rates;  /* (V - 1) likewise, of the rows of `nodes` */
    const uint32_t *keep;  /* (V) a word stays if a 32-bit draw is <= this */
    const uint64_t *noise; /* (V) alias table: alias in the high half, threshold in the low half */
    const int64_t *path_at; /* (V + 1) where each word's path begins in ... */
    const uint32_t *path;   /* ... node * 2 + code, from the root to the word */
    int32_t longest;        /* entries in the longest path */
    double start_alpha;   /* learning rate at token 0 of the run ... */
    double end_alpha;     /* ... and after token `schedule_tokens`; linear in between */
    double schedule_tokens;
    uint64_t seed;
} mr_model;

/* Some consecutive rows (sentences, documents) of one shard. */
typedef struct {
    const int32_t *tokens;  /* (offsets[rows]) ids local to the shard */
    const int32_t *offsets; /* (rows + 1) into tokens */
    int64_t rows;
    const int32_t *map;     /* (words) local id -> row of the weights, or -1: not in the vocabulary */
    int64_t words;
    int64_t token_limit;    /* length of `tokens` */
    const int32_t *tags;    /* (tag_offsets[rows]) ids local to the shard; NULL for sentences */
    const int32_t *tag_offsets; /* (rows + 1) into tags */
    const int32_t *tag_map; /* (tag_words) local id -> row of the tags, or -1: passed over */
    int64_t tag_words;
    int64_t tag_limit;      /* length of `tags` */
    uint64_t first_row;     /* number of the first row in the corpus: with the seed and the epoch */
    uint64_t epoch;         /*   it determines every random draw, however rows are cut into batches */
    double first_token;     /* tokens of the run before this batch: where the schedule stands */
} mr_batch;

/* What a batch came to; added to what is there. */
typedef struct {
    double loss;        /* sum over all terms of -log sigma(+-x . w) */
    int64_t terms;      /* number of those terms */
    int64_t tokens;     /* tokens seen; by mr_infer, a known word in each of its passes */
    int64_t unknown;    /* of these, not in the vocabulary */
    int64_t dropped;    /* of these, dropped by subsampling */
    int64_t at;         /* where a check failed: row, token or tag of this batch */
} mr_tally;

/* Nonzero if this processor runs the given mr_isa build and it was compiled in. */
int32_t mr_isa_available(int32_t isa);

/* Bytes of scratch that a batch of so many tokens and tags needs; -1 for an impossible model. */
int64_t mr_scratch(int32_t isa, const mr_model *model, int64_t tokens, int64_t tags);

/* Train on one batch. scratch: (mr_scratch bytes), 64-byte aligned, of this thread alone. */
int32_t mr_train(int32_t isa, const mr_model *model, const mr_batch *batch, void *scratch,
                 mr_tally *tally);

/* Find vectors for documents (DBOW, DM) while words and outputs stay as they are. model->tags is
   (batch rows, stride): row r becomes the vector of the batch's row r, its first values included;
   a row without a known word becomes zero. Every draw depends on the seed and the row's known
   words alone. The learning rate falls over each row's `epochs` passes. */
int32_t mr_infer(int32_t isa, const mr_model *model, const mr_batch *batch, int64_t epochs,
                 void *scratch, mr_tally *tally);

/* Log probability of each row: scores (rows), minus the loss of hierarchical softmax over whole
   windows of all known words. Skip-gram and CBOW; writes no weight. */
int32_t mr_score(int32_t isa, const mr_model *model, const mr_batch *batch, double *scores,
                 void *scratch, mr_tally *tally);

/* Build the alias table of a distribution (Walker 1977; Vose 1991).
   weights: (n) not negative, not all zero; changed on the way. table: (n). stack: (n). */
int32_t mr_noise_table(int64_t n, double *weights, uint64_t *table, int64_t *stack);

/* Build a Huffman tree over n >= 1 leaves (van Leeuwen 1976: two queues). order: (n) the leaves by
   rising weight; weights: (n) by leaf, not negative. Inner node 0 is the root, later ones are never
   heavier, so that the busiest come first. leaves: (n) and inner: (n - 1) get parent * 2 + code, the root UINT32_MAX, as does a
   leaf that is alone. sums: (n) scratch. */
int32_t mr_huffman(int64_t n, const int64_t *order, const double *weights, uint32_t *leaves,
                   uint32_t *inner, double *sums);

/* Lay each leaf's path out, from the root down. path_at: (n + 1) is filled; path: with NULL nothing
   else, then a second call fills (path_at[n]) node * 2 + code. MR_BAD_ID: no tree that ends. */
int32_t mr_paths(int64_t n, const uint32_t *leaves, int64_t inner_n, const uint32_t *inner,
                 int64_t *path_at, uint32_t *path);

/* Fill rows [first, first + n) of a fresh matrix from U[-1/dim, 1/dim), each row from its own
   number alone, so that a matrix that grows gets the rows it would have had from the start.
   rows: (n, stride), the first of them being row `first`; columns from dim on become zero.
   purpose: 0 for words, 1 for tags, whose values differ. */
int32_t mr_initial_rows(float *rows, int64_t first, int64_t n, int32_t dim, int32_t stride,
                        uint64_t seed, int32_t purpose);

/* `rounds` times 20 independent fused multiply-adds on full vectors, in registers: the most that
   one core can do. Returns the number of floating-point operations; *sink keeps it from being
   optimised away. */
double mr_peak(int32_t isa, int64_t rounds, float *sink);
#endif
