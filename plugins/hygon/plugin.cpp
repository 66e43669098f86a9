// The library's entry point.
#include "device.h"
#include "keys.h"

MANSARD_PLUGIN(mansard::hygon::Device, {
                                           .id = "hygon",
                                           .version = "0.1.0",
                                           .description = "Hygon DCUs: compute units, wavefronts, "
                                                          "LDS, matrix instructions",
                                           .keys = mansard::hygon::kKeys,
                                       });
