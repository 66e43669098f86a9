// Everything of the dialect, for one run of the generator each.
#ifndef MANSARD_TD
#define MANSARD_TD

include "Base.td"
include "StorageOps.td"
include "MatmulOps.td"
include "AttentionOps.td"
include "VectorOps.td"
include "ExpertOps.td"
include "ControlOps.td"

#endif
