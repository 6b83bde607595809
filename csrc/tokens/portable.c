/* The scan with nothing but 64-bit integers: for processors that scan.c has no other code for, and
 * so that tests can hold the two against each other on any machine. */
#define MR_ISA portable
#define MR_NO_SIMD
#include "scan.c"
