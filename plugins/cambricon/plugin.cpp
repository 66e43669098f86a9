// The library's entry point.
#include "device.h"
#include "keys.h"

MANSARD_PLUGIN(mansard::cambricon::Device,
               {
                   .id = "cambricon",
                   .version = "0.1.0",
                   .description = "Cambricon MLUs: clusters of IPU cores, NRAM, "
                                  "WRAM, shared SRAM",
                   .keys = mansard::cambricon::kKeys,
               });
