// malloc and its sisters, counted: for the benchmarks only.
//
// A program that links this defines them, so every library of the process, the Swift runtime among them, calls these; they pass the call
// on to glibc's own under its other name. The blocks are glibc's, so free stays as it is. In C because Swift reserves the name malloc.

#include "CAllocationCount.h"

#if defined(__GLIBC__) || __has_include(<gnu/libc-version.h>)
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_bool isCounting;
static atomic_long count;

// A read of a line that all threads share; they write only while somebody counts.
static void note(void) {
    if (atomic_load_explicit(&isCounting, memory_order_relaxed)) atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
    note();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    note();
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *block = memory;
    return 0;
}

void haggle_allocation_count_begin(void) {
    atomic_store(&count, 0);
    atomic_store(&isCounting, 1);
}

long haggle_allocation_count_end(void) {
    atomic_store(&isCounting, 0);
    return atomic_load(&count);
}
#else
void haggle_allocation_count_begin(void) {}
long haggle_allocation_count_end(void) { return -1; }
#endif
