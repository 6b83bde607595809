/* Lines of a byte stream to the rows of an Arrow string array; and the check that bytes are UTF-8.
 *
 * A line ends at '\n' only. The text is copied once, without its line ends, so the rows lie one
 * after the other as Arrow wants them. A row of too many words is cut right before the first word
 * that is too much, by a new row boundary: nothing moves, and a line of any length passes through
 * bounded memory.
 */
#include <string.h>

#include "scan.h"
#include "tokens.h"

int64_t mr_utf8_check(mr_utf8 *state, const uint8_t *block, int64_t n, int isa) {
    if (!state || n < 0 || (!block && n > 0)) return -1;
    mr_sound_function *sound = mr_sound_for(isa);
    int64_t i = 0;
    while (i < n) {
        if (state->want > 0) {
            if (block[i] < state->low || block[i] > state->high) return i;
            state->low = 0x80;
            state->high = 0xBF;
            state->want--;
            state->seen = state->want ? state->seen + 1 : 0;
            i++;
            continue;
        }
        if (sound && n - i >= 64) i += sound(block + i, n - i);
        while (n - i >= 64) {
            uint64_t x[8];
            memcpy(x, block + i, 64);
            if (((x[0] | x[1] | x[2] | x[3]) | (x[4] | x[5] | x[6] | x[7])) & 0x8080808080808080u)
                break;
            i += 64;
        }
        /* Two and three bytes are most of what is not ASCII: whole ones take no state. */
        while (i < n) {
            const uint8_t b = block[i];
            if (b < 0x80) {
                i++;
                if ((i & 63) == 0) break;
            } else if (b >= 0xC2 && b <= 0xDF && n - i > 1 && (block[i + 1] & 0xC0) == 0x80) {
                i += 2;
            } else if (b >= 0xE1 && b <= 0xEC && n - i > 2 && (block[i + 1] & 0xC0) == 0x80 &&
                       (block[i + 2] & 0xC0) == 0x80) {
                i += 3;
            } else {
                state->low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
                state->high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
                state->want = b < 0xC2 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : b < 0xF5 ? 3 : 0;
                state->seen = 0;
                if (state->want == 0) return i;
                state->seen = 1;
                i++;
                break;
            }
        }
    }
    return n;
}

static int sound(const mr_lines *s) {
    return s && s->data && s->ends && s->follows && s->data_n >= 0 && s->data_cap >= s->data_n &&
           s->data_cap <= INT32_MAX && s->rows_n >= 0 && s->rows_cap >= s->rows_n &&
           s->ends[s->rows_n] >= 0 && s->ends[s->rows_n] <= s->data_n && s->max_words >= 0 &&
           s->looked >= s->ends[s->rows_n] && s->looked <= s->data_n;
}

/* Close the open row at `end`. */
static int close_row(mr_lines *s, int64_t end) {
    if (s->rows_n == s->rows_cap) return MR_GROW_ROWS;
    s->follows[s->rows_n] = (uint8_t)(s->continued != 0);
    s->ends[++s->rows_n] = (int32_t)end;
    s->looked = end;
    s->words = 0;
    s->spill = 0;
    s->inside = 0;
    return MR_DONE;
}

/* Cut the open row, whose text is known up to `to`, as often as it has too many words. */
static int cut_row(mr_lines *s, int64_t to, mr_scan_function *scan) {
    /* n words need 2n - 1 bytes: most lines are too short to be looked at. */
    if (s->max_words == 0 || (to - s->ends[s->rows_n]) / 2 < s->max_words) return MR_DONE;
    mr_chunk chunk;
    memset(chunk.edge, 0, sizeof chunk.edge);
    while (s->looked < to) {
        /* Not much further than the cut is likely to be: what lies behind it is looked at again. */
        const int64_t left = (to - s->looked + MR_BLOCK - 1) / MR_BLOCK;
        const int64_t near = 1 + (s->max_words - s->words) / 8;
        const int64_t some = left < near ? left : near;
        const int blocks = some < MR_BLOCKS ? (int)some : MR_BLOCKS;
        const int64_t span = (int64_t)blocks * MR_BLOCK;
        const int64_t next = s->looked + span < to ? s->looked + span : to;
        chunk.spill = s->spill;
        scan(s->data, s->looked, to, blocks, s->inside, &chunk);
        if (s->words + chunk.starts > s->max_words) {
            const int64_t cut = s->looked + chunk.start[s->max_words - s->words];
            const int code = close_row(s, cut);
            if (code != MR_DONE) return code;
            s->continued = 1;
            continue; /* looks again, now from the cut on */
        }
        s->words += chunk.starts;
        /* A space that reaches beyond `next` is whole before `to`, so only whole blocks spill. */
        s->spill = chunk.spill;
        s->inside = s->inside + chunk.starts > chunk.ends;
        if (next == to) /* what lies beyond `to` counted as space and closed the last word */
            s->inside = chunk.ends > 0 && s->looked + chunk.end[chunk.ends - 1] == to ? 1 : s->inside;
        s->looked = next;
    }
    return MR_DONE;
}

/* Nothing but white space in [from, to)? */
static int blank(const uint8_t *data, int64_t from, int64_t to, mr_scan_function *scan) {
    mr_chunk chunk;
    if (from == to) return 1;
    if (data[from] > ' ' && data[from] < 0x80) return 0; /* as good as always */
    memset(chunk.edge, 0, sizeof chunk.edge);
    chunk.spill = 0;
    for (int64_t at = from; at < to; at += MR_BLOCK) {
        scan(data, at, to, 1, 0, &chunk);
        if (chunk.starts > 0) return 0;
    }
    return 1;
}

/* The open row is whole: cut it if need be, drop it if it is blank. */
static int end_row(mr_lines *s, mr_scan_function *scan) {
    int code = cut_row(s, s->data_n, scan);
    if (code != MR_DONE) return code;
    const int64_t from = s->ends[s->rows_n];
    if (!s->keep_blank && !s->continued && blank(s->data, from, s->data_n, scan)) {
        s->data_n = from;
        s->looked = from;
        s->words = 0;
        s->spill = 0;
        s->inside = 0;
    } else {
        code = close_row(s, s->data_n);
        if (code != MR_DONE) return code;
    }
    s->continued = 0;
    return MR_DONE;
}

int mr_split_lines(mr_lines *s, const uint8_t *block, int64_t n, int32_t hold, int64_t *taken,
                   int isa) {
    mr_scan_function *scan = mr_scan_for(isa);
    if (!scan) return MR_BAD_ISA;
    if (!sound(s) || !taken || *taken < 0 || *taken > n || (!block && n > 0) || hold < 0 || hold > 3)
        return MR_BAD_ARGUMENT;
    if (s->data_cap - s->data_n < n - *taken) return MR_GROW_DATA;
    for (;;) {
        if (s->max_lines >= 0 && s->lines >= s->max_lines) return MR_LIMIT;
        const int64_t left = n - *taken;
        if (left == 0) break;
        const uint8_t *p = block + *taken;
        const uint8_t *found = memchr(p, '\n', (size_t)left);
        const int64_t length = found ? found - p : left;
        memcpy(s->data + s->data_n, p, (size_t)length);
        s->data_n += length;
        *taken += length;
        if (!found) break;
        const int code = end_row(s, scan);
        if (code != MR_DONE) return code; /* the line end is not taken: comes here again */
        *taken += 1;
        s->lines++;
    }
    const int64_t known = s->data_n - hold;
    return known > s->looked ? cut_row(s, known, scan) : MR_DONE;
}

int mr_end_lines(mr_lines *s, int isa) {
    mr_scan_function *scan = mr_scan_for(isa);
    if (!scan) return MR_BAD_ISA;
    if (!sound(s)) return MR_BAD_ARGUMENT;
    if (s->data_n == s->ends[s->rows_n]) return MR_DONE;
    const int code = end_row(s, scan);
    if (code == MR_DONE) s->lines++;
    return code;
}
