/* The whole surface of the token core: lines, words, ids.
 *
 * It owns nothing: no memory, no file, no thread, no global. Every array is the caller's, and stays
 * where it is for the length of a call. Where an array turns out to be too small a function stops at
 * a place from which it can go on, and says which array; the caller makes it larger and calls again.
 * Text is UTF-8. All lengths and offsets of text are 64-bit; ids and the offsets of a dictionary are
 * 32-bit, because they are the buffers of an Arrow string array.
 */
#ifndef MR_TOKENS_H
#define MR_TOKENS_H
#include <stdint.h>

enum mr_code {
    MR_DONE = 0,
    MR_GROW_SLOTS = 1,   /* the hash table: at most half of its slots may be taken */
    MR_GROW_WORDS = 2,   /* starts and counts */
    MR_GROW_BYTES = 3,   /* the bytes of the words */
    MR_GROW_IDS = 4,     /* the ids of a pass */
    MR_GROW_ROWS = 5,    /* the rows of a splitter */
    MR_GROW_DATA = 6,    /* the text of a splitter */
    MR_LIMIT = 7,        /* as many lines as were asked for; more chains or counts than can be */
    MR_BAD_ARGUMENT = -1,
    MR_BAD_OFFSETS = -2, /* offsets that fall, or that point outside of the text */
    MR_BAD_ISA = -3      /* this build or this processor lacks the instruction set */
};

enum mr_isa { MR_PORTABLE = 0, MR_BASE = 1, MR_AVX2 = 2, MR_AVX512 = 3 };

/* The best instruction set of this build on this processor; and whether it has a given one. */
int mr_isa_best(void);
int mr_isa_has(int isa);

/* One place of the hash table. A word of at most 8 bytes is its own key, padded with zeros. */
typedef struct {
    uint64_t key;   /* the word itself, or the hash of a longer one */
    uint32_t length; /* of the word in bytes, plus one; 0: the slot is free */
    int32_t id;
} mr_slot;

/* A dictionary: `bytes` and `starts` are the buffers of an Arrow string array of the words in the
 * order in which they were first seen. */
typedef struct {
    uint64_t seed[2];
    mr_slot *slots;     /* (slots_n), a power of two, zeroed */
    int64_t slots_n;
    uint8_t *bytes;     /* (bytes_cap) */
    int64_t bytes_cap;  /* at most 2^31 - 1 */
    int64_t bytes_n;
    int32_t *starts;    /* (words_cap + 1), starts[0] = 0 */
    int64_t *counts;    /* (words_cap) */
    int64_t words_cap;
    int64_t words_n;
} mr_words;

/* A pass over a column of strings. The first call wants `at` = -1. */
typedef struct {
    const uint8_t *text;
    int64_t text_n;
    const void *offsets; /* (rows + 1), int32 or int64 */
    int32_t width;       /* of an offset in bytes: 4 or 8 */
    int64_t rows;
    int64_t at;          /* split: the byte reached; intern: the string reached */
    int64_t open;        /* the first byte of a word that has begun before `at`, or -1 */
    uint64_t spill;      /* bits of a wide space that reach beyond `at` */
    int64_t row;         /* rows that are finished */
    int32_t *ids;        /* (ids_cap) */
    int64_t ids_cap;
    int64_t ids_n;
    int64_t *ends;       /* (rows), ids_n at the end of each row; for split only */
    const int64_t *weights; /* (rows), how often each word counts; for intern only; NULL: once */
} mr_pass;

/* Split every row as str.split() does, and intern the words: ids, ends, counts. */
int mr_split_words(mr_words *words, mr_pass *pass, int isa);
/* Intern every string as it stands: the words of an already split column. */
int mr_intern(mr_words *words, mr_pass *pass);
/* The id of every string, -1 for one that is not there; ids has room for all rows. Changes no word,
 * so several threads may look up side by side. */
int mr_find(const mr_words *words, mr_pass *pass);
/* Put the words of `words->slots` into a zeroed and larger table. */
int mr_rehash(const mr_words *words, mr_slot *slots, int64_t slots_n);
/* Put table[id] in the place of each id, (n). */
int mr_rename(int32_t *ids, int64_t n, const int32_t *table, int64_t table_n);

/* Two words and what stands between them, counted: 16 bytes. Where it is found: free, if count 0. */
typedef struct {
    uint64_t words; /* the first word's id << 32 | the second's */
    uint64_t value; /* the count << 24 | the id of the chain of connectors between them; 0: none */
} mr_pair;

/* A hash table of pairs. */
typedef struct {
    uint64_t seed[2];
    mr_pair *slots;  /* (slots_n), a power of two, zeroed */
    int64_t slots_n;
    int64_t pairs_n; /* at most three quarters of the slots are taken */
} mr_pairs;

/* Chains of connectors, each the one before and one word more; chain 0 is the empty one. */
typedef struct {
    uint64_t seed[2];
    int32_t *slots;   /* (slots_n), ids of chains, a power of two, zeroed */
    int64_t slots_n;
    int32_t *parents; /* (chains_cap) */
    int32_t *words;   /* (chains_cap), numbers of connectors */
    int64_t chains_cap;
    int64_t chains_n; /* 1 at the start, at most 2^24; at most half of the slots are taken */
} mr_chains;

/* Rows of ids, and what each id stands for. */
typedef struct {
    const int64_t *ends;  /* (rows + 1), rising, within ids */
    int64_t rows;
    const int32_t *ids;   /* (ids_n) */
    int64_t ids_n;
    const int32_t *table; /* (table_n): a word's id, or ~number of a connector */
    int64_t table_n;
} mr_rows;

/* How far `mr_pairs_of` has come. All zero at the start. */
typedef struct {
    int64_t row;
    int64_t at;     /* ids read, counted from the row's first */
    int32_t open;   /* 1: a word waits for its second */
    int32_t first;  /* that word */
    int32_t chain;  /* the connectors since */
    int64_t pairs_n;
} mr_reading;

/* Write the pairs of all rows to `pairs`, which has room for one an id, each with count 1. */
int mr_pairs_of(mr_chains *chains, const mr_rows *rows, mr_reading *reading, mr_pair *pairs);
/* Add the counts of pairs[*at ..n), of those only that are in share `part` of `parts`. */
int mr_pairs_add(mr_pairs *table, const mr_pair *pairs, int64_t n, int64_t *at, int32_t part,
                 int32_t parts);
/* The count of each pair, 0 for one that is not there; (n). */
int mr_pairs_find(const mr_pairs *table, const mr_pair *pairs, int64_t n, int64_t *counts);
/* Put the chains into a zeroed and larger table. */
int mr_chains_rehash(const mr_chains *chains, int32_t *slots, int64_t slots_n);
/* Join phrases, greedily from the left. In `phrases` a count is a phrase's number plus one; roles
 * (roles_n): 1 for a word that begins a phrase, 2 for one that ends one, 3 for both. Writes the ids
 * that are left to `ids` (ids_n), that of phrase p as fresh + p, and to `ends` (rows + 1) where each
 * row ends. */
int mr_join(const mr_pairs *phrases, int64_t phrases_n, const uint8_t *roles, int64_t roles_n,
            const mr_chains *chains, const mr_rows *rows, int32_t fresh, int32_t *ids,
            int64_t *ends);

/* How far the check of a stream has come, between two blocks. All zero at the start. */
typedef struct {
    int32_t want; /* bytes that the open sequence still lacks */
    int32_t seen; /* bytes of it that have been seen */
    int32_t low;  /* the range that its next byte must lie in */
    int32_t high;
} mr_utf8;

/* The number of leading bytes of the block that are UTF-8 (n: all of it). Where it is less than n,
 * the sequence that is wrong began `state->seen` bytes before. */
int64_t mr_utf8_check(mr_utf8 *state, const uint8_t *block, int64_t n, int isa);

/* Lines of a byte stream, made into the buffers of an Arrow string array. Text after the last end
 * is the open row: the next block goes on with it. */
typedef struct {
    int64_t max_words;  /* a row is cut before its (max_words + 1)-th word; 0: never */
    int64_t max_lines;  /* lines to read; -1: all */
    int32_t keep_blank; /* keep rows of nothing but white space */
    int64_t lines;      /* line ends seen so far */
    int64_t looked;     /* the bytes of `data` that were searched for words */
    int64_t words;      /* words that begin in the searched part of the open row */
    uint64_t spill;
    int32_t inside;     /* the searched part ends within a word */
    int32_t continued;  /* the open row continues one that was cut */
    uint8_t *data;      /* (data_cap) */
    int64_t data_cap;
    int64_t data_n;
    int32_t *ends;      /* (rows_cap + 1), ends[0] = 0 */
    uint8_t *follows;   /* (rows_cap), 1: the row continues the one before */
    int64_t rows_cap;
    int64_t rows_n;
} mr_lines;

/* Take in block[*taken ..n). The last `hold` bytes are an unfinished UTF-8 sequence. */
int mr_split_lines(mr_lines *lines, const uint8_t *block, int64_t n, int32_t hold, int64_t *taken,
                   int isa);
/* The stream has ended: close the open row. */
int mr_end_lines(mr_lines *lines, int isa);
#endif
