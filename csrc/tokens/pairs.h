/* Keys of pairs and chains, and where they lie; shared by counting and joining. */
#ifndef MR_PAIRS_H
#define MR_PAIRS_H
#include "tokens.h"

#define MR_CHAIN_BITS 24
#define MR_CHAIN_MASK (((uint64_t)1 << MR_CHAIN_BITS) - 1)
#define MR_COUNT_MAX (((uint64_t)1 << (64 - MR_CHAIN_BITS)) - 1)

static inline uint64_t mr_mix(const uint64_t seed[2], uint64_t a, uint64_t b) {
    const __uint128_t product =
        (__uint128_t)(a ^ seed[0]) * ((b + 1) * 0x9E3779B97F4A7C15u ^ seed[1]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t mr_pair_words(int32_t first, int32_t second) {
    return (uint64_t)(uint32_t)first << 32 | (uint32_t)second;
}

/* The slot that holds a pair, or the free one where it would be. */
static inline mr_pair *mr_pair_slot(const mr_pairs *table, uint64_t hash, uint64_t words,
                                    uint64_t chain) {
    const uint64_t mask = (uint64_t)table->slots_n - 1;
    for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
        mr_pair *slot = table->slots + i;
        if (slot->value >> MR_CHAIN_BITS == 0) return slot;
        if (slot->words == words && (slot->value & MR_CHAIN_MASK) == chain) return slot;
    }
}

/* The slot of the chain that goes on from `parent` with `word`; 0 in it: there is none. */
static inline int32_t *mr_chain_slot(const mr_chains *c, int32_t parent, int32_t word) {
    const uint64_t mask = (uint64_t)c->slots_n - 1;
    for (uint64_t i = mr_mix(c->seed, mr_pair_words(parent, word), 0) & mask;; i = (i + 1) & mask) {
        const int32_t id = c->slots[i];
        if (id == 0 || (c->parents[id] == parent && c->words[id] == word)) return c->slots + i;
    }
}

int mr_pairs_sound(const mr_pairs *table);
int mr_chains_sound(const mr_chains *chains);
/* MR_DONE, or what is wrong with the rows: ids or ends that point outside. */
int mr_rows_check(const mr_rows *rows);
#endif
