/* From a row of local ids to the words that are trained on: mapped, checked, subsampled. */
#ifndef MR_SENTENCE_H
#define MR_SENTENCE_H
#include "rng.h"
#include "train.h"

/* Nothing is trained, nor is an id looked at, unless the offsets are right ... */
static int32_t check_offsets(const int32_t *offsets, int64_t rows, int64_t limit, mr_tally *tally) {
    tally->at = 0;
    if (rows < 0 || offsets[0] < 0) return MR_BAD_OFFSETS;
    for (int64_t r = 0; r < rows; r++)
        if (offsets[r + 1] < offsets[r]) {
            tally->at = r;
            return MR_BAD_OFFSETS;
        }
    tally->at = rows;
    return offsets[rows] <= limit ? MR_OK : MR_BAD_OFFSETS;
}

/* ... and every one has a place. Maps local ids (words or tags) to rows of a matrix, -1 where there
   is none. to: (offsets[rows] - offsets[0]) */
static int32_t map_ids(const int32_t *given, const int32_t *offsets, int64_t rows,
                       const int32_t *map, int64_t map_n, int64_t limit, int32_t *to,
                       mr_tally *tally) {
    const int64_t first = offsets[0], n = offsets[rows] - first;
    for (int64_t t = 0; t < n; t++) {
        const int32_t local = given[first + t];
        tally->at = t;
        if (local < 0 || local >= map_n) return MR_BAD_TOKEN;
        const int32_t id = map[local];
        if (id < -1 || id >= limit) return MR_BAD_ID;
        to[t] = id;
    }
    return MR_OK;
}

/* Keep the known words that subsampling leaves; returns how many. Windows then reach over the gaps
   (as in word2vec.c). Token t of the row has draw number t. to: (n), may be ids itself. */
static inline int64_t keep_words(const mr_model *m, const int32_t *ids, int64_t n, uint64_t stream,
                                 int32_t *to, mr_tally *tally) {
    int64_t kept = 0, known = 0;
    for (int64_t t = 0; t < n; t++) {
        const int32_t id = ids[t];
        const int is_known = id >= 0;
        const uint32_t draw = (uint32_t)(mr_draw(stream, (uint64_t)t) >> 32);
        to[kept] = id;
        kept += is_known & (draw <= m->keep[is_known ? id : 0]);
        known += is_known;
    }
    tally->tokens += n;
    tally->unknown += n - known;
    tally->dropped += known - kept;
    return kept;
}

/* Keep all known words; returns how many. */
static inline int64_t known_words(const int32_t *ids, int64_t n, int32_t *to) {
    int64_t known = 0;
    for (int64_t t = 0; t < n; t++) {
        to[known] = ids[t];
        known += ids[t] >= 0;
    }
    return known;
}
#endif
