/* The header is C11, and laid out as released. */
#include "layout.h"

/* A translation unit needs a declaration. */
typedef mansard_kernel layout_checked_in_c;
