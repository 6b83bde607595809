/* From a row of local ids to the words that are trained on: mapped, checked, subsampled. */
#ifndef MR_SENTENCE_H
#define MR_SENTENCE_H
#include "rng.h"
#include "train.h"

/* Nothing is trained, nor is a token looked at, unless the offsets are right ... */
static int32_t check_offsets(const mr_batch *b, mr_tally *tally) {
    if (b->rows < 0 || b->words < 0 || b->offsets[0] < 0) return MR_BAD_OFFSETS;
    for (int64_t r = 0; r < b->rows; r++)
        if (b->offsets[r + 1] < b->offsets[r]) {
            tally->at = r;
            return MR_BAD_OFFSETS;
        }
    tally->at = b->rows;
    return b->offsets[b->rows] <= b->token_limit ? MR_OK : MR_BAD_OFFSETS;
}

/* ... and every token has a place. Maps tokens to rows of the weights, -1 where there is none.
   ids: (offsets[rows] - offsets[0]) */
static int32_t map_tokens(const mr_model *m, const mr_batch *b, int32_t *ids, mr_tally *tally) {
    const int64_t first = b->offsets[0], n = b->offsets[b->rows] - first;
    for (int64_t t = 0; t < n; t++) {
        const int32_t token = b->tokens[first + t];
        tally->at = t;
        if (token < 0 || token >= b->words) return MR_BAD_TOKEN;
        const int32_t id = b->map[token];
        if (id < -1 || id >= m->rows) return MR_BAD_ID;
        ids[t] = id;
    }
    return MR_OK;
}

/* Keep the known words that subsampling leaves, in place; returns how many. Windows then reach
   over the gaps (as in word2vec.c). Token t of the row has draw number t. */
static inline int64_t keep_words(const mr_model *m, int32_t *ids, int64_t n, uint64_t stream,
                                 mr_tally *tally) {
    int64_t kept = 0, known = 0;
    for (int64_t t = 0; t < n; t++) {
        const int32_t id = ids[t];
        const int is_known = id >= 0;
        const uint32_t draw = (uint32_t)(mr_draw(stream, (uint64_t)t) >> 32);
        ids[kept] = id;
        kept += is_known & (draw <= m->keep[is_known ? id : 0]);
        known += is_known;
    }
    tally->tokens += n;
    tally->unknown += n - known;
    tally->dropped += known - kept;
    return kept;
}
#endif
