/* A plugin built from the first released header, as a vendor's binary of that day would be. */
#include "abi_v0_1.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal)                                                                              \
  { literal, sizeof(literal) - 1 }

static const char kTarget[] =
    "id = \"frozen-chip\"\nname = \"Frozen\"\nvendor = \"Nobody\"\nfamily = \"frozen\"\n"
    "model = \"frozen\"\n"
    "compute.cores = { value = 1, source = \"test\", confidence = \"estimate\" }\n"
    "compute.clock_GHz = { value = 1, source = \"test\", confidence = \"estimate\" }\n"
    "matrix.ops_per_clock.fp16 = { value = 1000, source = \"test\", confidence = \"estimate\" }\n"
    "vector.ops_per_clock.fp32 = { value = 100, source = \"test\", confidence = \"estimate\" }\n"
    "vector.special_per_clock = { value = 10, source = \"test\", confidence = \"estimate\" }\n"
    "sram.per_core_KiB = { value = 64, source = \"test\", confidence = \"estimate\" }\n"
    "memory.technology = \"hbm2\"\n"
    "memory.stacks = { value = 1, source = \"test\", confidence = \"estimate\" }\n"
    "power.tdp_W = { value = 100, source = \"test\", confidence = \"estimate\" }\n"
    "frozen.start_us = { value = 7, source = \"test\", confidence = \"estimate\" }\n";

static const mansard_string kTargets[] = {{kTarget, sizeof kTarget - 1}};
static const mansard_key_spec kKeys[] = {
    {sizeof(mansard_key_spec), 1, TEXT("frozen.start_us"), TEXT("us"), TEXT("fixed cost")}};

struct mansard_instance {
  double start_us, fp16_ops_per_s;
};

static int32_t create(const mansard_chip *chip, mansard_instance **out, mansard_error *error) {
  mansard_instance *self;
  uint64_t i;
  if (chip->struct_size < sizeof *chip || error->struct_size < sizeof *error)
    return MANSARD_ERROR_INTERNAL;
  self = calloc(1, sizeof *self);
  if (!self)
    return MANSARD_ERROR_INTERNAL;
  self->fp16_ops_per_s = chip->matrix_ops_per_s[MANSARD_DTYPE_FP16];
  for (i = 0; i < chip->value_count; ++i)
    if (chip->values[i].key.size == strlen("frozen.start_us") &&
        memcmp(chip->values[i].key.data, "frozen.start_us", chip->values[i].key.size) == 0)
      self->start_us = chip->values[i].value;
  *out = self;
  return MANSARD_OK;
}

static void destroy(mansard_instance *self) { free(self); }

/* Writes what this version of the interface has, and leaves what a later one added alone. */
static int32_t estimate(const mansard_instance *self, const mansard_kernel *kernels, uint64_t count,
                        uint64_t kernel_stride, mansard_estimate *estimates,
                        uint64_t estimate_stride) {
  uint64_t i;
  for (i = 0; i < count; ++i) {
    const mansard_kernel *k =
        (const mansard_kernel *)(const void *)((const char *)kernels + i * kernel_stride);
    mansard_estimate *out = (mansard_estimate *)(void *)((char *)estimates + i * estimate_stride);
    const mansard_matmul *g = &k->u.matmul;
    if (k->struct_size < sizeof *k || out->struct_size < sizeof *out)
      return MANSARD_ERROR_INTERNAL;
    if (k->op != MANSARD_OP_MATMUL || k->dtype != MANSARD_DTYPE_FP16) {
      out->status = MANSARD_ERROR_UNSUPPORTED;
      continue;
    }
    out->status = MANSARD_OK;
    out->operations = 2.0 * (double)g->m * (double)g->n * (double)g->k;
    out->part_us[MANSARD_BOUND_MATRIX] = out->operations / self->fp16_ops_per_s * 1e6;
    out->part_us[MANSARD_BOUND_FIXED] = self->start_us;
    out->latency_us = out->part_us[MANSARD_BOUND_MATRIX] + self->start_us;
    out->bound = out->part_us[MANSARD_BOUND_MATRIX] > self->start_us ? MANSARD_BOUND_MATRIX
                                                                     : MANSARD_BOUND_FIXED;
  }
  return MANSARD_OK;
}

static const mansard_plugin kPlugin = {
    sizeof(mansard_plugin),
    MANSARD_ABI_MAJOR,
    MANSARD_ABI_MINOR,
    0,
    TEXT("frozen"),
    TEXT("0.1.0"),
    TEXT("a plugin of the first released interface"),
    kKeys,
    1,
    sizeof *kKeys,
    kTargets,
    1,
    create,
    destroy,
    estimate,
    NULL,
};

const mansard_plugin *mansard_plugin_entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_minor;
  return host_major == MANSARD_ABI_MAJOR ? &kPlugin : NULL;
}
