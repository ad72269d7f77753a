#pragma once

/// Starts counting from 0.
void haggle_allocation_count_begin(void);

/// Ends counting. The number of allocations by all threads since the begin; -1 where this C library's cannot be counted.
long haggle_allocation_count_end(void);
