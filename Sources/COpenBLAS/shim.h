#pragma once
// The 32-bit integer interface of CBLAS and LAPACKE; LAPACKE's complex types are not used and not visible to Swift.
#include <cblas.h>
#include <lapacke.h>
