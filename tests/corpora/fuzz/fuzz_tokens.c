/* A libFuzzer harness for the token core: bytes to lines to words to ids, against a simple reference.
 *
 * Input: four bytes of settings (instruction set; words in a row; lines to read and blank rows;
 * size of a block), then the text. Every array that the core gets is as small as it may be and ends
 * where its memory ends, so AddressSanitizer sees each byte too many. Aborts where the core and the
 * reference differ. ./fuzz.sh builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

enum { MOST = 4096 };

#define CHECK(condition) \
    do { \
        if (!(condition)) __builtin_trap(); \
    } while (0)

/* ---- the reference ---- */

typedef struct {
    int32_t from, to;     /* the row's bytes in `text`, or the word's */
    int32_t follows;
} span;

static uint8_t text[MOST];    /* without the line ends */
static int32_t text_n;
static span rows[MOST + 1];
static int32_t rows_n;
static span words[MOST + 1];
static int32_t words_n;
static int32_t row_ends[MOST + 1]; /* words up to the end of each row */

/* One code point of at most n bytes, by the table of the Unicode standard; 0 bytes: wrong. */
static int decode(const uint8_t *p, int64_t n, uint32_t *point) {
    const int wanted = p[0] < 0x80 ? 1 : p[0] < 0xC0 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3
                       : p[0] < 0xF8 ? 4 : 0;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (wanted == 0 || wanted > n) return 0;
    *point = wanted == 1 ? p[0] : p[0] & (0x7Fu >> wanted);
    for (int i = 1; i < wanted; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        *point = *point << 6 | (p[i] & 0x3F);
    }
    const int half = *point >= 0xD800 && *point <= 0xDFFF; /* of a surrogate pair */
    return *point < least[wanted] || *point > 0x10FFFF || half ? 0 : wanted;
}

static int is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

/* The number of leading bytes that are UTF-8. */
static int64_t sound_bytes(const uint8_t *data, int64_t n) {
    int64_t at = 0;
    uint32_t point;
    for (int length; at < n && (length = decode(data + at, n - at, &point)) > 0;) at += length;
    return at;
}

/* The words of text[from, to), appended. */
static void find_words(int32_t from, int32_t to) {
    int32_t open = -1;
    for (int32_t at = from; at < to;) {
        uint32_t point = 0;
        const int length = decode(text + at, to - at, &point);
        CHECK(length > 0);
        if (is_space(point)) {
            if (open >= 0) words[words_n++] = (span){open, at, 0};
            open = -1;
        } else if (open < 0) {
            open = at;
        }
        at += length;
    }
    if (open >= 0) words[words_n++] = (span){open, to, 0};
}

static void add_row(int32_t from, int32_t to, int32_t follows, int32_t ends) {
    rows[rows_n] = (span){from, to, follows};
    row_ends[rows_n++] = ends;
}

/* The rows and words of the first `max_lines` lines of sound text. */
static void reference(const uint8_t *data, int64_t n, int max_words, int64_t max_lines, int keep) {
    text_n = rows_n = words_n = 0;
    for (int64_t at = 0, line = 0; at < n && (max_lines < 0 || line < max_lines); line++) {
        const uint8_t *end = memchr(data + at, '\n', (size_t)(n - at));
        const int32_t length = (int32_t)(end ? end - (data + at) : n - at);
        const int32_t from = text_n, first = words_n;
        memcpy(text + from, data + at, (size_t)length);
        at += length + 1;
        text_n += length;
        find_words(from, text_n);
        if (words_n == first && !keep) {
            text_n = from;
            continue;
        }
        int32_t begun = from, follows = 0;
        for (int32_t cut = first + max_words; max_words > 0 && cut < words_n; cut += max_words) {
            add_row(begun, words[cut].from, follows, cut);
            begun = words[cut].from;
            follows = 1;
        }
        add_row(begun, text_n, follows, words_n);
    }
}

/* ---- the core, with arrays that are never larger than they have to be ---- */

static void *exactly(void *old, size_t old_n, size_t n) {
    uint8_t *made = malloc(n ? n : 1);
    CHECK(made);
    if (old_n) memcpy(made, old, old_n);
    free(old);
    return made;
}

static void grow_lines(mr_lines *s, int code, int64_t coming) {
    if (code == MR_GROW_DATA) {
        s->data_cap = s->data_n + coming;
        s->data = exactly(s->data, (size_t)s->data_n, (size_t)s->data_cap);
    } else {
        CHECK(code == MR_GROW_ROWS);
        s->ends = exactly(s->ends, (size_t)(s->rows_n + 1) * 4, (size_t)(s->rows_cap + 2) * 4);
        s->follows = exactly(s->follows, (size_t)s->rows_n, (size_t)s->rows_cap + 1);
        s->rows_cap++;
    }
}

/* Feed the text in blocks. Returns where it is wrong, or -1. */
static int64_t split_lines(mr_lines *s, const uint8_t *data, int64_t n, int64_t size, int isa) {
    mr_utf8 utf8;
    memset(&utf8, 0, sizeof utf8);
    for (int64_t at = 0; at < n; at += size) {
        const int64_t m = n - at < size ? n - at : size;
        uint8_t *block = exactly(NULL, 0, (size_t)m);
        memcpy(block, data + at, (size_t)m);
        const int64_t good = mr_utf8_check(&utf8, block, m, isa);
        CHECK(good >= 0 && good <= m);
        const int32_t hold = good == m && utf8.want ? utf8.seen : 0;
        const int64_t use = good == m ? m : good > utf8.seen ? good - utf8.seen : 0;
        int64_t taken = 0;
        int code;
        while ((code = mr_split_lines(s, block, use, hold, &taken, isa)) > 0 && code != MR_LIMIT)
            grow_lines(s, code, use - taken);
        free(block);
        CHECK(code == MR_DONE || code == MR_LIMIT);
        if (code == MR_LIMIT) return -1;
        if (good < m) return at + good - utf8.seen;
    }
    if (utf8.want) return n - utf8.seen;
    int code;
    while ((code = mr_end_lines(s, isa)) > 0) grow_lines(s, code, 0);
    CHECK(code == MR_DONE);
    return -1;
}

static void grow_words(mr_words *w, mr_pass *p, int code) {
    if (code == MR_GROW_IDS) {
        p->ids_cap += 64;
        p->ids = exactly(p->ids, (size_t)p->ids_n * 4, (size_t)p->ids_cap * 4);
    } else if (code == MR_GROW_WORDS) {
        w->words_cap += 64;
        w->starts = exactly(w->starts, (size_t)(w->words_n + 1) * 4, (size_t)(w->words_cap + 1) * 4);
        w->counts = exactly(w->counts, (size_t)w->words_n * 8, (size_t)w->words_cap * 8);
    } else if (code == MR_GROW_BYTES) {
        w->bytes_cap += 64;
        w->bytes = exactly(w->bytes, (size_t)w->bytes_n, (size_t)w->bytes_cap);
    } else {
        CHECK(code == MR_GROW_SLOTS);
        mr_slot *slots = calloc((size_t)w->slots_n * 2, sizeof *slots);
        CHECK(slots && mr_rehash(w, slots, w->slots_n * 2) == MR_DONE);
        free(w->slots);
        w->slots = slots;
        w->slots_n *= 2;
    }
}

static mr_words new_words(uint8_t seed) {
    mr_words w;
    memset(&w, 0, sizeof w);
    w.seed[0] = seed;
    w.seed[1] = ~(uint64_t)seed;
    w.slots_n = 1;
    w.slots = calloc(1, sizeof *w.slots);
    w.starts = calloc(1, 4);
    w.counts = malloc(1);
    w.bytes = malloc(1);
    CHECK(w.slots && w.starts && w.counts && w.bytes);
    return w;
}

static void free_words(mr_words *w) {
    free(w->slots);
    free(w->starts);
    free(w->counts);
    free(w->bytes);
}

/* The ids name the reference's words, and the dictionary has each of them once. */
static void compare(const mr_words *w, const int32_t *ids, int64_t ids_n) {
    CHECK(ids_n == words_n && w->words_n <= words_n && w->starts[w->words_n] == w->bytes_n);
    static int64_t seen[MOST + 1];
    int64_t distinct = 0;
    memset(seen, 0, sizeof seen[0] * (size_t)w->words_n);
    for (int32_t k = 0; k < words_n; k++) {
        CHECK(ids[k] >= 0 && ids[k] <= distinct && ids[k] < w->words_n);
        if (ids[k] == distinct) distinct++;
        seen[ids[k]]++;
        const int32_t length = words[k].to - words[k].from, start = w->starts[ids[k]];
        CHECK(w->starts[ids[k] + 1] - start == length);
        CHECK(memcmp(w->bytes + start, text + words[k].from, (size_t)length) == 0);
    }
    CHECK(distinct == w->words_n);
    for (int64_t i = 0; i < distinct; i++) {
        CHECK(seen[i] == w->counts[i]);
        const int32_t length = w->starts[i + 1] - w->starts[i];
        for (int64_t j = 0; j < i; j++)
            CHECK(w->starts[j + 1] - w->starts[j] != length ||
                  memcmp(w->bytes + w->starts[j], w->bytes + w->starts[i], (size_t)length) != 0);
    }
}

static void split_and_intern(const mr_lines *s, uint8_t seed, int isa) {
    mr_words w = new_words(seed);
    mr_pass p;
    memset(&p, 0, sizeof p);
    int64_t *ends = exactly(NULL, 0, (size_t)rows_n * 8);
    p.text = exactly(NULL, 0, (size_t)s->ends[rows_n]);
    memcpy((void *)p.text, s->data, (size_t)s->ends[rows_n]);
    p.text_n = s->ends[rows_n];
    p.offsets = s->ends;
    p.width = 4;
    p.rows = rows_n;
    p.at = -1;
    p.ends = ends;
    p.ids = malloc(1);
    int code;
    while ((code = mr_split_words(&w, &p, isa)) > 0) grow_words(&w, &p, code);
    CHECK(code == MR_DONE && p.row == rows_n);
    for (int32_t r = 0; r < rows_n; r++) CHECK(ends[r] == row_ends[r]);
    compare(&w, p.ids, p.ids_n);

    /* The dictionary's own words, taken as they stand, are the same dictionary; offsets of 64 bits. */
    mr_words again = new_words((uint8_t)(seed + 1));
    int64_t *wide = exactly(NULL, 0, (size_t)(w.words_n + 1) * 8);
    for (int64_t i = 0; i <= w.words_n; i++) wide[i] = w.starts[i];
    mr_pass q;
    memset(&q, 0, sizeof q);
    q.text = w.bytes;
    q.text_n = w.bytes_n;
    q.offsets = wide;
    q.width = 8;
    q.rows = w.words_n;
    q.at = -1;
    q.weights = w.counts;
    q.ids = malloc(1);
    while ((code = mr_intern(&again, &q)) > 0) grow_words(&again, &q, code);
    CHECK(code == MR_DONE && q.ids_n == w.words_n && again.bytes_n == w.bytes_n);
    for (int64_t i = 0; i < w.words_n; i++) CHECK(q.ids[i] == i && again.counts[i] == w.counts[i]);
    CHECK(memcmp(again.bytes, w.bytes, (size_t)w.bytes_n) == 0);

    /* They are all found there, and none in a dictionary that is empty. */
    mr_words none = new_words(seed);
    q.ids = exactly(q.ids, (size_t)q.ids_n * 4, (size_t)w.words_n * 4);
    q.ids_cap = w.words_n;
    CHECK(mr_find(&none, &q) == MR_DONE && none.words_n == 0);
    for (int64_t i = 0; i < w.words_n; i++) CHECK(q.ids[i] == -1);
    CHECK(mr_find(&again, &q) == MR_DONE && q.ids_n == w.words_n);
    for (int64_t i = 0; i < w.words_n; i++) CHECK(q.ids[i] == i);
    q.ids_cap = w.words_n - 1;
    if (w.words_n > 0) CHECK(mr_find(&again, &q) == MR_BAD_ARGUMENT);
    free_words(&none);

    int32_t *table = exactly(NULL, 0, (size_t)w.words_n * 4);
    int32_t *ids = exactly(NULL, 0, (size_t)p.ids_n * 4);
    for (int64_t i = 0; i < w.words_n; i++) table[i] = (int32_t)(w.words_n - 1 - i);
    memcpy(ids, p.ids, (size_t)p.ids_n * 4);
    if (w.words_n > 0) CHECK(mr_rename(ids, p.ids_n, table, w.words_n - 1) == MR_BAD_ARGUMENT);
    CHECK(mr_rename(ids, p.ids_n, table, w.words_n) == MR_DONE);
    for (int64_t i = 0; i < p.ids_n; i++) CHECK(ids[i] == w.words_n - 1 - p.ids[i]);

    free(ids);
    free(table);
    free(q.ids);
    free(wide);
    free_words(&again);
    free(p.ids);
    free((void *)p.text);
    free(ends);
    free_words(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4 || size - 4 > MOST) return 0;
    const int isa = data[0] % 4;
    const int max_words = data[1] % 16;
    const int64_t max_lines = data[2] < 128 ? -1 : data[2] % 8;
    const int keep = (data[2] >> 4) & 1;
    const int64_t block = 1 + data[3];
    const int64_t n = (int64_t)size - 4;
    data += 4;
    if (!mr_isa_has(isa)) return 0;

    const int64_t sound = sound_bytes(data, n);
    int64_t lines = 0;
    for (int64_t i = 0; i < sound; i++) lines += data[i] == '\n';
    const int enough = max_lines >= 0 && lines >= max_lines && n > 0;

    mr_lines s;
    memset(&s, 0, sizeof s);
    s.max_words = max_words;
    s.max_lines = max_lines;
    s.keep_blank = keep;
    s.data = malloc(1);
    s.ends = calloc(1, 4);
    s.follows = malloc(1);
    const int64_t wrong = split_lines(&s, data, n, block, isa);
    CHECK(wrong == (enough || sound == n ? -1 : sound));
    if (wrong < 0) {
        reference(data, sound, max_words, max_lines, keep);
        CHECK(s.rows_n == rows_n && s.ends[rows_n] == text_n);
        CHECK(memcmp(s.data, text, (size_t)text_n) == 0);
        for (int32_t r = 0; r < rows_n; r++)
            CHECK(s.ends[r] == rows[r].from && s.ends[r + 1] == rows[r].to &&
                  s.follows[r] == rows[r].follows);
        split_and_intern(&s, data[-1], isa);
    }
    free(s.data);
    free(s.ends);
    free(s.follows);
    return 0;
}
