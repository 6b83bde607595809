/* Words to ids: one open-addressing table, the bytes of the words, their counts.
 *
 * Ids are given in the order in which words are first seen, so they depend on the text alone and not
 * on the seed, which is there so that nobody can prepare a text whose words all collide.
 * A chunk of words is hashed first and its slots are fetched meanwhile; then it is looked up.
 * Before a chunk is begun there is room for all that it can bring: so a call that stops for want of
 * room has done whole chunks only, and the next call goes on where it stopped.
 */
#include <string.h>

#include "scan.h"
#include "tokens.h"

static const uint64_t ODD = 0x9E3779B97F4A7C15u;

static inline uint64_t load8(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

/* The multiply-and-fold step of the wyhash family. */
static inline uint64_t fold(uint64_t a, uint64_t b) {
    const __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_short(const uint64_t seed[2], uint64_t key, uint64_t length) {
    return fold(key ^ seed[0], length * ODD ^ seed[1]);
}

/* length > 8. Every load lies within the word; the last one overlaps the one before. */
static inline uint64_t hash_long(const uint64_t seed[2], const uint8_t *p, int64_t length) {
    uint64_t h = seed[0] ^ (uint64_t)length * ODD;
    int64_t i = 0;
    for (; i + 16 < length; i += 8) h = fold(h ^ load8(p + i), seed[1] ^ ODD);
    return fold(h ^ load8(p + i), load8(p + length - 8) ^ seed[1]);
}

/* What the table knows of a word: its hash, and the key that its slot holds. */
typedef struct {
    uint64_t hash;
    uint64_t key;
} name;

/* readable: bytes from p to the end of the buffer. length: 0 to 2^31 - 1. */
static inline name name_of(const uint64_t seed[2], const uint8_t *p, int64_t length,
                           int64_t readable) {
    name w;
    if (length > 8) {
        w.hash = w.key = hash_long(seed, p, length);
        return w;
    }
    w.key = 0;
    if (readable >= 8 && length > 0)
        w.key = load8(p) & ~(uint64_t)0 >> (64 - 8 * length);
    else if (length > 0)
        memcpy(&w.key, p, (size_t)length);
    w.hash = hash_short(seed, w.key, (uint64_t)length);
    return w;
}

/* Are two words of one length, more than 8, the same? Most are short: no call for so little. */
static inline int same(const uint8_t *a, const uint8_t *b, int64_t length) {
    uint64_t differ = load8(a + length - 8) ^ load8(b + length - 8);
    for (int64_t i = 0; i + 8 < length; i += 8) differ |= load8(a + i) ^ load8(b + i);
    return differ == 0;
}

/* The slot that holds a word, or the free one where it would be. */
static inline mr_slot *slot_of(const mr_words *words, name w, const uint8_t *p, int64_t length) {
    const uint64_t mask = (uint64_t)words->slots_n - 1;
    const uint32_t tag = (uint32_t)length + 1;
    for (uint64_t i = w.hash & mask;; i = (i + 1) & mask) {
        mr_slot *slot = words->slots + i;
        if (slot->key == w.key && slot->length == tag) {
            if (length <= 8 || same(words->bytes + words->starts[slot->id], p, length)) return slot;
        } else if (slot->length == 0) {
            return slot;
        }
    }
}

/* The id of a word that is new, or has been seen before. There must be room. */
static inline int32_t id_of(mr_words *words, name w, const uint8_t *p, int64_t length) {
    mr_slot *slot = slot_of(words, w, p, length);
    if (slot->length != 0) return slot->id;
    const int64_t id = words->words_n++;
    slot->key = w.key;
    slot->length = (uint32_t)length + 1;
    slot->id = (int32_t)id;
    if (length > 0) memcpy(words->bytes + words->bytes_n, p, (size_t)length);
    words->bytes_n += length;
    words->starts[id + 1] = (int32_t)words->bytes_n;
    words->counts[id] = 0;
    return (int32_t)id;
}

/* Is there room for `n` more words that have `bytes` bytes together? */
static int room(const mr_words *words, int64_t n, int64_t bytes) {
    if (words->words_cap - words->words_n < n) return MR_GROW_WORDS;
    if (words->bytes_cap - words->bytes_n < bytes) return MR_GROW_BYTES;
    if (words->slots_n / 2 - words->words_n < n) return MR_GROW_SLOTS;
    return MR_DONE;
}

static int sound(const mr_words *w) {
    return w && w->slots && w->bytes && w->starts && w->counts && w->slots_n > 0 &&
           (w->slots_n & (w->slots_n - 1)) == 0 && w->words_n >= 0 && w->words_cap >= w->words_n &&
           w->words_cap < INT32_MAX && w->words_n <= w->slots_n / 2 && w->bytes_n >= 0 &&
           w->bytes_cap >= w->bytes_n && w->bytes_cap <= INT32_MAX;
}

static int sound_pass(const mr_pass *p) {
    return p && p->offsets && (p->width == 4 || p->width == 8) && p->rows >= 0 && p->text_n >= 0 &&
           (p->text || p->text_n == 0) && p->ids && p->ids_n >= 0 && p->ids_cap >= p->ids_n;
}

static inline int64_t offset(const mr_pass *p, int64_t row) {
    return p->width == 4 ? ((const int32_t *)p->offsets)[row] : ((const int64_t *)p->offsets)[row];
}

/* Mark the rows that begin in [at, to) and note in first..; returns how many, or -1. */
static int64_t mark_rows(const mr_pass *pass, int64_t to, uint64_t edge[MR_BLOCKS]) {
    int64_t row = pass->row, before = pass->at;
    memset(edge, 0, MR_BLOCKS * sizeof edge[0]);
    for (; row < pass->rows; row++) {
        const int64_t end = offset(pass, row + 1);
        if (end < before) return -1;
        if (end >= to) break;
        const int64_t bit = end - pass->at;
        edge[bit / MR_BLOCK] |= (uint64_t)1 << (bit % MR_BLOCK);
        before = end;
    }
    return row - pass->row;
}

int mr_split_words(mr_words *words, mr_pass *pass, int isa) {
    mr_scan_function *scan = mr_scan_for(isa);
    if (!scan) return MR_BAD_ISA;
    if (!sound(words) || !sound_pass(pass) || (!pass->ends && pass->rows > 0)) return MR_BAD_ARGUMENT;
    if (pass->row < 0 || pass->row > pass->rows) return MR_BAD_ARGUMENT;
    const int64_t first = offset(pass, 0), limit = offset(pass, pass->rows);
    if (first < 0 || limit < first || limit > pass->text_n) return MR_BAD_OFFSETS;
    if (pass->at < 0) {
        pass->at = first;
        pass->open = -1;
        pass->spill = 0;
    }
    if (pass->at < first || pass->at > limit + MR_CHUNK || pass->open >= pass->at)
        return MR_BAD_ARGUMENT;
    if (pass->open != -1 && pass->open < first) return MR_BAD_ARGUMENT;

    mr_chunk chunk;
    name names[MR_CHUNK + MR_SLACK];
    while (pass->at <= limit) {
        /* The byte at `limit` is looked at as well: there the last word and the last row end. */
        const int64_t left = (limit - pass->at) / MR_BLOCK + 1;
        const int blocks = left < MR_BLOCKS ? (int)left : MR_BLOCKS;
        const int64_t most = (int64_t)blocks * MR_BLOCK;
        const int64_t opened = pass->open < 0 ? 0 : pass->at - pass->open;
        if (opened > INT32_MAX - MR_CHUNK) return MR_GROW_BYTES; /* no dictionary can hold it */
        const int code = room(words, most, most + opened);
        if (code != MR_DONE) return code;
        if (pass->ids_cap - pass->ids_n < most) return MR_GROW_IDS;

        const int64_t rows = mark_rows(pass, pass->at + most, chunk.edge);
        if (rows < 0) return MR_BAD_OFFSETS;
        chunk.spill = pass->spill;
        scan(pass->text, pass->at, limit, blocks, pass->open >= 0, &chunk);

        /* Word k ends at end[k]. Where a word was open, start[k - 1] belongs to it. */
        const int late = pass->open >= 0;
        const int32_t n = chunk.ends;
        const uint8_t *base = pass->text + pass->at;
        for (int32_t k = 0; k < n; k++) {
            const int64_t start = late && k == 0 ? -opened : chunk.start[k - late];
            const name w = name_of(words->seed, base + start, chunk.end[k] - start,
                                   pass->text_n - pass->at - start);
            __builtin_prefetch(words->slots + (w.hash & ((uint64_t)words->slots_n - 1)));
            names[k] = w;
        }
        int32_t *ids = pass->ids + pass->ids_n;
        for (int32_t k = 0; k < n; k++) {
            const int64_t start = late && k == 0 ? -opened : chunk.start[k - late];
            const int32_t id = id_of(words, names[k], base + start, chunk.end[k] - start);
            words->counts[id]++;
            ids[k] = id;
        }
        for (int64_t r = 0; r < rows; r++, pass->row++) {
            const int64_t bit = offset(pass, pass->row + 1) - pass->at;
            const int b = (int)(bit / MR_BLOCK);
            const uint64_t upto = ~(uint64_t)0 >> (63 - bit % MR_BLOCK);
            pass->ends[pass->row] =
                pass->ids_n + chunk.rank[b] + __builtin_popcountll(chunk.last[b] & upto);
        }
        pass->ids_n += n;
        const int32_t begun = chunk.starts + late;
        if (begun > n) pass->open = chunk.starts ? pass->at + chunk.start[chunk.starts - 1] : pass->open;
        else pass->open = -1;
        pass->spill = chunk.spill;
        pass->at += most;
    }
    return pass->row == pass->rows ? MR_DONE : MR_BAD_OFFSETS;
}

int mr_intern(mr_words *words, mr_pass *pass) {
    enum { MANY = 256 };
    if (!sound(words) || !sound_pass(pass)) return MR_BAD_ARGUMENT;
    if (pass->at < 0) pass->at = 0;
    name names[MANY];
    while (pass->at < pass->rows) {
        const int64_t left = pass->rows - pass->at;
        int64_t n = left < MANY ? left : MANY;
        int64_t bytes = 0;
        for (int64_t k = 0, from = offset(pass, pass->at); k < n; k++) {
            const int64_t to = offset(pass, pass->at + k + 1);
            if (from < 0 || to < from || to > pass->text_n) return MR_BAD_OFFSETS;
            if (k > 0 && bytes + (to - from) > MR_CHUNK) { /* never ask for much room at a time */
                n = k;
                break;
            }
            bytes += to - from;
            from = to;
        }
        const int code = room(words, n, bytes);
        if (code != MR_DONE) return code;
        if (pass->ids_cap - pass->ids_n < n) return MR_GROW_IDS;
        for (int64_t k = 0; k < n; k++) {
            const int64_t from = offset(pass, pass->at + k), to = offset(pass, pass->at + k + 1);
            const name w = name_of(words->seed, pass->text + from, to - from, pass->text_n - from);
            __builtin_prefetch(words->slots + (w.hash & ((uint64_t)words->slots_n - 1)));
            names[k] = w;
        }
        /* What most words will be compared with and counted at is fetched meanwhile, too. */
        const uint64_t mask = (uint64_t)words->slots_n - 1;
        for (int64_t k = 0; k < n; k++) {
            const mr_slot *slot = words->slots + (names[k].hash & mask);
            if (slot->length == 0) continue;
            __builtin_prefetch(words->counts + slot->id, 1);
            if (slot->length > 9) __builtin_prefetch(words->starts + slot->id);
        }
        for (int64_t k = 0; k < n; k++) {
            const mr_slot *slot = words->slots + (names[k].hash & mask);
            if (slot->length > 9) __builtin_prefetch(words->bytes + words->starts[slot->id]);
        }
        for (int64_t k = 0; k < n; k++) {
            const int64_t from = offset(pass, pass->at + k), to = offset(pass, pass->at + k + 1);
            const int32_t id = id_of(words, names[k], pass->text + from, to - from);
            words->counts[id] += pass->weights ? pass->weights[pass->at + k] : 1;
            pass->ids[pass->ids_n + k] = id;
        }
        pass->ids_n += n;
        pass->at += n;
    }
    return MR_DONE;
}

int mr_find(const mr_words *words, mr_pass *pass) {
    enum { MANY = 64 };
    if (!sound(words) || !sound_pass(pass) || pass->ids_cap < pass->rows) return MR_BAD_ARGUMENT;
    const uint64_t mask = (uint64_t)words->slots_n - 1;
    name names[MANY];
    for (int64_t at = 0; at < pass->rows; at += MANY) {
        const int64_t n = pass->rows - at < MANY ? pass->rows - at : MANY;
        for (int64_t k = 0; k < n; k++) {
            const int64_t from = offset(pass, at + k), to = offset(pass, at + k + 1);
            if (from < 0 || to < from || to > pass->text_n) return MR_BAD_OFFSETS;
            names[k] = name_of(words->seed, pass->text + from, to - from, pass->text_n - from);
            __builtin_prefetch(words->slots + (names[k].hash & mask));
        }
        for (int64_t k = 0; k < n; k++) {
            const int64_t from = offset(pass, at + k), to = offset(pass, at + k + 1);
            pass->ids[at + k] = -1;
            if (to - from >= INT32_MAX) continue; /* no dictionary has so long a word */
            const mr_slot *slot = slot_of(words, names[k], pass->text + from, to - from);
            if (slot->length) pass->ids[at + k] = slot->id;
        }
    }
    pass->ids_n = pass->rows;
    return MR_DONE;
}

int mr_rehash(const mr_words *words, mr_slot *slots, int64_t slots_n) {
    if (!sound(words) || !slots || slots_n < words->slots_n || (slots_n & (slots_n - 1)) != 0)
        return MR_BAD_ARGUMENT;
    const uint64_t mask = (uint64_t)slots_n - 1;
    for (int64_t i = 0; i < words->slots_n; i++) {
        const mr_slot slot = words->slots[i];
        if (slot.length == 0) continue;
        const uint64_t length = slot.length - 1;
        uint64_t at = length > 8 ? slot.key : hash_short(words->seed, slot.key, length);
        for (at &= mask; slots[at].length != 0;) at = (at + 1) & mask;
        slots[at] = slot;
    }
    return MR_DONE;
}

int mr_rename(int32_t *ids, int64_t n, const int32_t *table, int64_t table_n) {
    if (n < 0 || table_n < 0 || (n > 0 && (!ids || !table))) return MR_BAD_ARGUMENT;
    /* The largest of them as unsigned numbers: below table_n, all are; negative ones are not. */
    uint32_t most = 0;
    for (int64_t i = 0; i < n; i++) most = (uint32_t)ids[i] > most ? (uint32_t)ids[i] : most;
    if (n > 0 && most >= table_n) return MR_BAD_ARGUMENT;
    for (int64_t i = 0; i < n; i++) ids[i] = table[ids[i]];
    return MR_DONE;
}
