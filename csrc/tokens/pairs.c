/* Pairs of neighbouring words, counted exactly: one open-addressing table of 16-byte slots.
 *
 * Connectors are words that may stand within a pair: what is between two words is a chain of them,
 * and each chain that comes has a number, so that a pair is three numbers whatever is between.
 * Pairs are written out first and counted then, so that several threads can count the same ones:
 * each takes the share whose hashes are its own, into a table of its own, and nothing is merged.
 */
#include <stddef.h>

#include "pairs.h"

static int power_of_two(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

int mr_pairs_sound(const mr_pairs *t) {
    return t && t->slots && power_of_two(t->slots_n) && t->slots_n >= 4 && t->pairs_n >= 0 &&
           t->pairs_n <= t->slots_n / 4 * 3;
}

int mr_chains_sound(const mr_chains *c) {
    return c && c->slots && c->parents && c->words && power_of_two(c->slots_n) && c->chains_n >= 1 &&
           c->chains_n <= c->chains_cap && c->chains_n <= (int64_t)MR_CHAIN_MASK + 1 &&
           c->chains_n <= c->slots_n / 2;
}

int mr_rows_check(const mr_rows *r) {
    if (!r || !r->ends || r->rows < 0 || r->ids_n < 0 || r->table_n < 0) return MR_BAD_ARGUMENT;
    if ((r->ids_n > 0 && !r->ids) || (r->table_n > 0 && !r->table)) return MR_BAD_ARGUMENT;
    if (r->ends[0] < 0 || r->ends[r->rows] > r->ids_n) return MR_BAD_OFFSETS;
    for (int64_t i = 0; i < r->rows; i++)
        if (r->ends[i + 1] < r->ends[i]) return MR_BAD_OFFSETS;
    uint32_t most = 0;
    for (int64_t i = r->ends[0]; i < r->ends[r->rows]; i++)
        most = (uint32_t)r->ids[i] > most ? (uint32_t)r->ids[i] : most;
    if (r->ends[0] < r->ends[r->rows] && (int64_t)most >= r->table_n) return MR_BAD_ARGUMENT;
    return MR_DONE;
}

int mr_pairs_of(mr_chains *chains, const mr_rows *rows, mr_reading *reading, mr_pair *pairs) {
    if (!mr_chains_sound(chains) || !reading || !pairs) return MR_BAD_ARGUMENT;
    const int code = mr_rows_check(rows);
    if (code != MR_DONE) return code;
    mr_reading now = *reading;
    if (now.row < 0 || now.row > rows->rows || now.at < 0 || now.pairs_n < 0 || now.chain < 0 ||
        now.chain >= chains->chains_n)
        return MR_BAD_ARGUMENT;
    /* At most one pair an id: what was read before has left room for what is to come. */
    if (now.row < rows->rows &&
        (now.at > rows->ends[now.row + 1] - rows->ends[now.row] ||
         now.pairs_n > rows->ends[now.row] + now.at - rows->ends[0]))
        return MR_BAD_ARGUMENT;
    for (; now.row < rows->rows; now.row++) {
        const int32_t *ids = rows->ids + rows->ends[now.row];
        const int64_t n = rows->ends[now.row + 1] - rows->ends[now.row];
        for (; now.at < n; now.at++) {
            const int32_t word = rows->table[ids[now.at]];
            if (word >= 0) {
                if (now.open) {
                    pairs[now.pairs_n].words = mr_pair_words(now.first, word);
                    pairs[now.pairs_n].value = (uint64_t)1 << MR_CHAIN_BITS | (uint64_t)now.chain;
                    now.pairs_n++;
                }
                now.open = 1;
                now.first = word;
                now.chain = 0;
            } else if (now.open) {
                int32_t *slot = mr_chain_slot(chains, now.chain, ~word);
                if (*slot == 0) {
                    const int64_t id = chains->chains_n;
                    int full = MR_DONE;
                    if (id > (int64_t)MR_CHAIN_MASK) full = MR_LIMIT;
                    else if (id == chains->chains_cap) full = MR_GROW_WORDS;
                    else if (id >= chains->slots_n / 2) full = MR_GROW_SLOTS;
                    if (full != MR_DONE) {
                        *reading = now;
                        return full;
                    }
                    chains->parents[id] = now.chain;
                    chains->words[id] = ~word;
                    chains->chains_n++;
                    *slot = (int32_t)id;
                }
                now.chain = *slot;
            }
        }
        now.at = 0;
        now.open = 0;
        now.chain = 0;
    }
    *reading = now;
    return MR_DONE;
}

int mr_pairs_add(mr_pairs *table, const mr_pair *pairs, int64_t n, int64_t *at, int32_t part,
                 int32_t parts) {
    enum { MANY = 128 };
    if (!mr_pairs_sound(table) || n < 0 || (n > 0 && !pairs) || !at || *at < 0 || *at > n ||
        parts < 1 || part < 0 || part >= parts)
        return MR_BAD_ARGUMENT;
    uint64_t hashes[MANY];
    const mr_pair *mine[MANY];
    while (*at < n) {
        if (table->slots_n / 4 * 3 - table->pairs_n < MANY) return MR_GROW_SLOTS;
        const uint64_t mask = (uint64_t)table->slots_n - 1;
        int64_t next = *at;
        int taken = 0;
        for (; next < n && taken < MANY; next++) {
            const mr_pair *pair = pairs + next;
            const uint64_t hash = mr_mix(table->seed, pair->words, pair->value & MR_CHAIN_MASK);
            /* The share is by the upper half of the hash, the slot by the lower one. */
            const int ours = (int32_t)((hash >> 32) * (uint64_t)parts >> 32) == part &&
                             pair->value >> MR_CHAIN_BITS != 0;
            if (ours) __builtin_prefetch(table->slots + (hash & mask), 1);
            hashes[taken] = hash;
            mine[taken] = pair;
            taken += ours;
        }
        for (int k = 0; k < taken; k++) {
            const uint64_t more = mine[k]->value >> MR_CHAIN_BITS;
            const uint64_t chain = mine[k]->value & MR_CHAIN_MASK;
            mr_pair *slot = mr_pair_slot(table, hashes[k], mine[k]->words, chain);
            const uint64_t held = slot->value >> MR_CHAIN_BITS;
            if (held > MR_COUNT_MAX - more) {
                *at = mine[k] - pairs;
                return MR_LIMIT;
            }
            if (held == 0) {
                slot->words = mine[k]->words;
                slot->value = chain;
                table->pairs_n++;
            }
            slot->value += more << MR_CHAIN_BITS;
        }
        *at = next;
    }
    return MR_DONE;
}

int mr_pairs_find(const mr_pairs *table, const mr_pair *pairs, int64_t n, int64_t *counts) {
    if (!mr_pairs_sound(table) || n < 0 || (n > 0 && (!pairs || !counts))) return MR_BAD_ARGUMENT;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t chain = pairs[i].value & MR_CHAIN_MASK;
        const uint64_t hash = mr_mix(table->seed, pairs[i].words, chain);
        const mr_pair *slot = mr_pair_slot(table, hash, pairs[i].words, chain);
        counts[i] = (int64_t)(slot->value >> MR_CHAIN_BITS);
    }
    return MR_DONE;
}

int mr_chains_rehash(const mr_chains *chains, int32_t *slots, int64_t slots_n) {
    if (!mr_chains_sound(chains) || !slots || slots_n < chains->slots_n || !power_of_two(slots_n))
        return MR_BAD_ARGUMENT;
    mr_chains larger = *chains;
    larger.slots = slots;
    larger.slots_n = slots_n;
    for (int64_t id = 1; id < chains->chains_n; id++)
        *mr_chain_slot(&larger, chains->parents[id], chains->words[id]) = (int32_t)id;
    return MR_DONE;
}
