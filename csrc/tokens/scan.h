/* Inside of the token core: where words begin and end, found for a chunk of text at a time. */
#ifndef MR_SCAN_H
#define MR_SCAN_H
#include <stdint.h>

enum {
    MR_BLOCK = 64,                   /* bytes that one bit mask covers */
    MR_BLOCKS = 16,                  /* blocks in a chunk: its words' table slots fit into L1 */
    MR_CHUNK = MR_BLOCK * MR_BLOCKS, /* bytes, and so the most words that can end in a chunk */
    MR_SLACK = 16                    /* positions are stored eight at a time */
};

/* Positions are in bytes from the start of the chunk. A word that was open before the chunk has its
 * end here, but not its start. */
typedef struct {
    uint64_t edge[MR_BLOCKS];             /* in: a row begins at this byte */
    uint64_t last[MR_BLOCKS];             /* a word ends before this byte */
    int32_t rank[MR_BLOCKS];              /* words that end in the blocks before */
    int32_t start[MR_CHUNK + MR_SLACK];
    int32_t end[MR_CHUNK + MR_SLACK];
    int32_t starts;
    int32_t ends;
    uint64_t spill;                       /* in and out, see mr_pass */
} mr_chunk;

/* text: (limit) bytes. Looks at `blocks` blocks from `at`; what lies at or beyond `limit` counts as
 * white space and is never read. open: the byte before `at` belongs to a word. */
typedef void mr_scan_function(const uint8_t *text, int64_t at, int64_t limit, int blocks, int open,
                              mr_chunk *chunk);

mr_scan_function mr_scan_portable;
mr_scan_function mr_scan_base;
mr_scan_function mr_scan_avx2;
mr_scan_function mr_scan_avx512;

/* How many of the n bytes at p, where a character begins, are surely UTF-8; ends at a character. */
typedef int64_t mr_sound_function(const uint8_t *p, int64_t n);

mr_sound_function mr_sound_base;
mr_sound_function mr_sound_avx2;
mr_sound_function mr_sound_avx512;

/* The function for an instruction set; NULL where there is none. */
mr_sound_function *mr_sound_for(int isa);

/* The function for an instruction set, or NULL where the build or the processor lacks it. */
mr_scan_function *mr_scan_for(int isa);
#endif
