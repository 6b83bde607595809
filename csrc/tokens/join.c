/* Phrases joined: rows of ids in, shorter rows of ids out.
 *
 * From the left: a word that begins a phrase takes the next word that is no connector, if the two,
 * with the connectors between them, are a phrase. What has been joined begins no other phrase.
 */
#include <stddef.h>

#include "pairs.h"

int mr_join(const mr_pairs *phrases, int64_t phrases_n, const uint8_t *roles, int64_t roles_n,
            const mr_chains *chains, const mr_rows *rows, int32_t fresh, int32_t *ids,
            int64_t *ends) {
    if (!mr_pairs_sound(phrases) || !mr_chains_sound(chains) || !ends) return MR_BAD_ARGUMENT;
    const int code = mr_rows_check(rows);
    if (code != MR_DONE) return code;
    if ((rows->ids_n > 0 && !ids) || roles_n < 0 || (roles_n > 0 && !roles)) return MR_BAD_ARGUMENT;
    if (phrases_n < 0 || fresh < 0 || phrases_n > INT32_MAX - fresh) return MR_BAD_ARGUMENT;
    int64_t made = 0;
    ends[0] = 0;
    for (int64_t row = 0; row < rows->rows; row++) {
        const int64_t n = rows->ends[row + 1] - rows->ends[row];
        const int32_t *in = rows->ids + rows->ends[row];
        int64_t begun = -1; /* where the word stands that may begin a phrase */
        int32_t first = 0, chain = 0; /* that word; the connectors since, -1: no phrase is like it */
        for (int64_t i = 0; i < n; i++) {
            const int32_t word = rows->table[in[i]];
            if (word < 0) {
                if (begun < 0) ids[made++] = in[i];
                else if (chain >= 0) {
                    chain = *mr_chain_slot(chains, chain, ~word);
                    if (chain == 0) chain = -1;
                }
                continue;
            }
            if (begun >= 0) {
                uint64_t number = 0;
                if (chain >= 0 && word < roles_n && (roles[word] & 2)) {
                    const uint64_t words = mr_pair_words(first, word);
                    const uint64_t hash = mr_mix(phrases->seed, words, (uint64_t)chain);
                    number = mr_pair_slot(phrases, hash, words, (uint64_t)chain)->value >>
                             MR_CHAIN_BITS;
                }
                if (number > (uint64_t)phrases_n) return MR_BAD_ARGUMENT;
                if (number > 0) {
                    ids[made++] = fresh + (int32_t)(number - 1);
                    begun = -1;
                    continue;
                }
                while (begun < i) ids[made++] = in[begun++];
            }
            begun = i;
            first = word;
            chain = word < roles_n && (roles[word] & 1) ? 0 : -1;
        }
        while (begun >= 0 && begun < n) ids[made++] = in[begun++];
        ends[row + 1] = made;
    }
    return MR_DONE;
}
