// The header is C++, and laid out as released.
#include "layout.h"
