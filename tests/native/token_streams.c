/* The token core's builds held against each other, from C: for processors that Python's tests don't
   reach.

       token_streams

   Makes texts of words, white space of every kind and broken UTF-8; splits, interns and checks them
   with every build that runs here. Fails where one differs from the build of plain integers, and
   prints a digest of what that one found, which is the same on every machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

enum { TEXTS = 400, LONGEST = 3000, SLOTS = 1 << 14, ROWS = 3 };

/* What one build makes of a text. */
typedef struct {
    mr_slot slots[SLOTS];
    uint8_t bytes[8 * LONGEST];
    int32_t starts[LONGEST + 2048], ids[LONGEST + 2048];
    int64_t counts[LONGEST + 2048], ends[ROWS];
    int64_t words_n, ids_n, sound;
    int code;
} found;

static uint64_t state = 88172645463325252u;
static uint64_t draw(uint64_t n) { /* xorshift: Marsaglia 2003 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 32) % n;
}

static int64_t fill_text(uint8_t *text, int broken) {
    static const char *const pieces[] = {
        "a", "the", "mill", "race", "\xC3\xA9t\xC3\xA9", "\xE6\xB0\xB4\xE8\xBB\x8A", "waterwheels",
        "\xF0\x9F\x8C\x8A", "\xE2\x80\x93", "\xC2\xB7", "\xE1\x9A\x81", "\xE3\x80\x81", "0",
        "a-word-of-more-than-sixty-four-bytes-that-covers-a-whole-block-of-text-at-once",
        " ", " ", " ", "  ", "\n", "\t", "\x0B\x0C\r", "\x1C\x1D\x1E\x1F", "\xC2\x85", "\xC2\xA0",
        "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
        "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\x08", "\x0E", "\x1B", "\x7F",
    };
    static const char *const wrong[] = {"\xC2", "\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                        "\xF4\x90\x80\x80", "\xFF", "\xF0\x9F", "\xC0\xAF"};
    const int64_t size = (int64_t)draw(LONGEST - 100);
    int64_t n = 0;
    while (n < size) {
        const char *piece = broken && draw(100) == 0
                                ? wrong[draw(sizeof wrong / sizeof *wrong)]
                                : pieces[draw(sizeof pieces / sizeof *pieces)];
        const size_t length = strlen(piece);
        memcpy(text + n, piece, length);
        n += (int64_t)length;
    }
    return n;
}

static void look(found *f, const uint8_t *text, int64_t n, int isa) {
    memset(f, 0, sizeof *f);
    /* The ends of rows cut words and even characters. */
    const int32_t offsets[ROWS + 1] = {0, (int32_t)(n / 3), (int32_t)(n / 2), (int32_t)n};
    mr_words words = {.seed = {1, 2}, .slots = f->slots, .slots_n = SLOTS, .bytes = f->bytes,
                      .bytes_cap = sizeof f->bytes, .starts = f->starts, .counts = f->counts,
                      .words_cap = LONGEST + 2047};
    mr_pass pass = {.text = text, .text_n = n, .offsets = offsets, .width = 4, .rows = ROWS,
                    .at = -1, .ids = f->ids, .ids_cap = LONGEST + 2048, .ends = f->ends};
    mr_utf8 utf8 = {0};
    f->code = mr_split_words(&words, &pass, isa);
    f->words_n = words.words_n;
    f->ids_n = pass.ids_n;
    f->sound = mr_utf8_check(&utf8, text, n, isa);
}

/* FNV-1a over what counts. */
static uint64_t digest(uint64_t h, const void *p, size_t n) {
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 0x100000001B3u;
    return h;
}

int main(void) {
    static uint8_t text[LONGEST + 100];
    static found plain, other;
    uint64_t h = 0xCBF29CE484222325u;
    int64_t tokens = 0;
    for (int k = 0; k < TEXTS; k++) {
        /* Off by one from what malloc aligns, and nothing after the text: a sanitizer sees all. */
        const int64_t n = fill_text(text, k % 2);
        uint8_t *end = malloc((size_t)n + 1);
        if (!end) return 2;
        memcpy(end + 1, text, (size_t)n);
        look(&plain, end + 1, n, MR_PORTABLE);
        for (int isa = MR_BASE; isa <= MR_AVX512; isa++) {
            if (!mr_isa_has(isa)) continue;
            look(&other, end + 1, n, isa);
            if (memcmp(&plain, &other, sizeof plain) != 0) {
                fprintf(stderr, "token_streams: build %d differs from the portable at text %d\n",
                        isa, k);
                return 1;
            }
        }
        free(end);
        if (plain.code != MR_DONE) {
            fprintf(stderr, "token_streams: the code is %d at text %d\n", plain.code, k);
            return 1;
        }
        tokens += plain.ids_n;
        h = digest(h, plain.ids, (size_t)plain.ids_n * sizeof *plain.ids);
        h = digest(h, plain.ends, sizeof plain.ends);
        h = digest(h, plain.bytes, sizeof plain.bytes);
        h = digest(h, &plain.sound, sizeof plain.sound);
    }
    printf("%d texts, %" PRId64 " tokens, digest %016" PRIx64 "\n", TEXTS, tokens, h);
    return 0;
}
