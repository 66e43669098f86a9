/* The smallest complete plugin in C: an accelerator that does not exist, with one systolic array,
 * one vector unit and one DMA engine a core. Its model is the plain roofline, the slowest resource,
 * behind a fixed start. Nothing but abi.h and the C library is needed.
 */
#include "example_c_work.h"

#include <mansard/sdk/abi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal)                                                                              \
  { literal, sizeof(literal) - 1 }

static const char kTarget[] =
    "id = \"example-npu-c\"\n"
    "name = \"Example NPU (C)\"\n"
    "vendor = \"Nobody\"\n"
    "family = \"example-npu-c\"\n"
    "model = \"example-npu-c\"\n"
    "year = 2025\n"
    "[sources]\n"
    "made-up = \"made up for the example: no such chip exists\"\n"
    "[compute]\n"
    "cores = { value = 16, source = \"made-up\", confidence = \"estimate\" }\n"
    "clock_GHz = { value = 1.5, source = \"made-up\", confidence = \"estimate\" }\n"
    "[matrix]\n"
    "ops_per_clock.bf16 = { value = 8192, source = \"made-up\", confidence = \"estimate\" }\n"
    "ops_per_clock.int8 = { value = 16384, source = \"made-up\", confidence = \"estimate\" }\n"
    "[vector]\n"
    "ops_per_clock.fp32 = { value = 256, source = \"made-up\", confidence = \"estimate\" }\n"
    "ops_per_clock.bf16 = { value = 512, source = \"made-up\", confidence = \"estimate\" }\n"
    "special_per_clock = { value = 32, source = \"made-up\", confidence = \"estimate\" }\n"
    "[sram]\n"
    "per_core_KiB = { value = 2048, source = \"made-up\", confidence = \"estimate\" }\n"
    "[memory]\n"
    "technology = \"hbm3\"\n"
    "stacks = { value = 4, source = \"made-up\", confidence = \"estimate\" }\n"
    "[links.scale_up]\n"
    "bandwidth_GBps = { value = 200, source = \"made-up\", confidence = \"estimate\" }\n"
    "latency_us = { value = 2, source = \"made-up\", confidence = \"estimate\" }\n"
    "domain = { value = 8, source = \"made-up\", confidence = \"estimate\" }\n"
    "topology = \"ring\"\n"
    "[power]\n"
    "tdp_W = { value = 350, source = \"made-up\", confidence = \"estimate\" }\n"
    "[example-npu-c]\n"
    "array_size = { value = 64, source = \"made-up\", confidence = \"estimate\" }\n"
    "launch_us = { value = 3, source = \"made-up\", confidence = \"estimate\" }\n";

static const mansard_string kTargets[] = {{kTarget, sizeof kTarget - 1}};

static const mansard_key_spec kKeys[] = {
    {sizeof(mansard_key_spec), 1, TEXT("example-npu-c.array_size"), TEXT(""),
     TEXT("rows and columns of the systolic array")},
    {sizeof(mansard_key_spec), 1, TEXT("example-npu-c.launch_us"), TEXT("us"),
     TEXT("from the command to the first byte requested")},
};

struct mansard_instance {
  mansard_chip chip; /* numbers only: its texts and values are gone after create() */
  double array_size, launch_us;
};

static double larger(double a, double b) { return a > b ? a : b; }

static void refuse(mansard_estimate *out, int32_t status, const char *note) {
  out->status = status;
  out->note.data = note;
  out->note.size = strlen(note);
}

static void estimate_one(const mansard_instance *self, const mansard_kernel *k,
                         mansard_estimate *out) {
  const mansard_chip *chip = &self->chip;
  double busy[MANSARD_BOUND_COUNT] = {0}, vector_rate, rows;
  uint32_t i;
  work w;
  if (!count_work(k, &w)) {
    refuse(out, MANSARD_ERROR_INVALID_ARGUMENT, "a code of the kernel is out of range");
    return;
  }
  out->part_us[MANSARD_BOUND_FIXED] = self->launch_us;

  if (w.matrix > 0) {
    if (!(chip->matrix_ops_per_s[k->dtype] > 0)) {
      refuse(out, MANSARD_ERROR_UNSUPPORTED, "the array does not multiply this data type");
      return;
    }
    rows = larger(1, w.rows); /* the last pass over the array may be partly empty */
    busy[MANSARD_BOUND_MATRIX] = w.matrix / chip->matrix_ops_per_s[k->dtype] * 1e6;
    if (rows < self->array_size)
      busy[MANSARD_BOUND_MATRIX] *= self->array_size / rows;
  }
  vector_rate = chip->vector_ops_per_s[k->dtype]; /* types that it lacks are widened */
  if (!(vector_rate > 0))
    vector_rate = chip->vector_ops_per_s[MANSARD_DTYPE_FP32];
  busy[MANSARD_BOUND_VECTOR] = (w.vector / vector_rate + w.special / chip->special_ops_per_s) * 1e6;
  busy[MANSARD_BOUND_DRAM] = (w.read + w.written) / chip->dram_mixed_bytes_per_s * 1e6;
  if (w.sent > 0) {
    const mansard_link *link =
        &chip->links[w.ranks <= chip->links[MANSARD_LINK_SCALE_UP].domain ? MANSARD_LINK_SCALE_UP
                                                                          : MANSARD_LINK_SCALE_OUT];
    if (!(link->bytes_per_s > 0)) {
      refuse(out, MANSARD_ERROR_UNSUPPORTED, "no link reaches so far");
      return;
    }
    busy[MANSARD_BOUND_LINK] = w.sent / link->bytes_per_s * 1e6;
    out->part_us[MANSARD_BOUND_FIXED] += link->latency_s * larger(0, w.ranks - 1) * 1e6;
  }

  /* The slowest resource hides the others: the time is its own. */
  out->bound = MANSARD_BOUND_MATRIX;
  for (i = 0; i < MANSARD_BOUND_COUNT; ++i)
    if (busy[i] > busy[out->bound])
      out->bound = i;
  out->part_us[out->bound] += busy[out->bound];
  if (out->part_us[MANSARD_BOUND_FIXED] > out->part_us[out->bound])
    out->bound = MANSARD_BOUND_FIXED;
  for (i = 0; i < MANSARD_BOUND_COUNT; ++i)
    out->latency_us += out->part_us[i];

  out->operations = w.matrix > 0 ? w.matrix : w.vector;
  out->dram_read_bytes = w.read;
  out->dram_write_bytes = w.written;
  out->link_bytes = w.sent;
  out->flags = MANSARD_ESTIMATE_UNCALIBRATED;
  if (k->op == MANSARD_OP_MOE && k->u.moe.distribution != MANSARD_DISTRIBUTION_BALANCED) {
    static const char note[] = "experts are taken as evenly loaded";
    out->flags |= MANSARD_ESTIMATE_FALLBACK;
    out->note.data = note;
    out->note.size = sizeof note - 1;
  }
}

static uint64_t at_most(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Copies of this header's size in between make hosts of any minor version work: what they do not
 * know is zero, and nothing is read or written beyond their structs. */
static int32_t estimate(const mansard_instance *self, const mansard_kernel *kernels, uint64_t count,
                        uint64_t kernel_stride, mansard_estimate *estimates,
                        uint64_t estimate_stride) {
  uint64_t i;
  for (i = 0; i < count; ++i) {
    const mansard_kernel *given =
        (const mansard_kernel *)(const void *)((const char *)kernels + i * kernel_stride);
    mansard_estimate *wanted =
        (mansard_estimate *)(void *)((char *)estimates + i * estimate_stride);
    mansard_kernel kernel = {0};
    mansard_estimate out = {0};
    memcpy(&kernel, given, at_most(given->struct_size, sizeof kernel));
    out.struct_size = wanted->struct_size;
    estimate_one(self, &kernel, &out);
    memcpy(wanted, &out, at_most(wanted->struct_size, sizeof out));
  }
  return MANSARD_OK;
}

static int32_t fail(mansard_error *error, int32_t code, const char *what, const char *key) {
  const int size = snprintf(error->data, error->capacity, "%s%s", what, key);
  error->code = code;
  error->size = size < 0 ? 0 : at_most((uint64_t)size, error->capacity ? error->capacity - 1 : 0);
  return code;
}

/* 0 where the chip has no such key. */
static int find(const mansard_chip *chip, const char *key, double *value) {
  uint64_t i;
  for (i = 0; i < chip->value_count; ++i) {
    const mansard_string name = chip->values[i].key;
    if (name.size == strlen(key) && memcmp(name.data, key, name.size) == 0) {
      *value = chip->values[i].value;
      return 1;
    }
  }
  return 0;
}

static int32_t create(const mansard_chip *chip, mansard_instance **out, mansard_error *error) {
  mansard_instance *self = calloc(1, sizeof *self);
  if (!self)
    return fail(error, MANSARD_ERROR_INTERNAL, "out of memory", "");
  memcpy(&self->chip, chip, at_most(chip->struct_size, sizeof self->chip));
  if (!find(&self->chip, "example-npu-c.array_size", &self->array_size) || self->array_size < 1) {
    free(self);
    return fail(error, MANSARD_ERROR_INVALID_CHIP,
                "missing or below 1: ", "example-npu-c.array_size");
  }
  if (!find(&self->chip, "example-npu-c.launch_us", &self->launch_us)) {
    free(self);
    return fail(error, MANSARD_ERROR_INVALID_CHIP, "missing: ", "example-npu-c.launch_us");
  }
  if (!(self->chip.vector_ops_per_s[MANSARD_DTYPE_FP32] > 0) ||
      !(self->chip.special_ops_per_s > 0) || !(self->chip.dram_mixed_bytes_per_s > 0)) {
    free(self);
    return fail(error, MANSARD_ERROR_INVALID_CHIP,
                "missing: ", "fp32 or special rate of the vector unit, or memory bandwidth");
  }
  self->chip.values = NULL;
  self->chip.value_count = 0;
  *out = self;
  return MANSARD_OK;
}

static void destroy(mansard_instance *self) { free(self); }

static const mansard_plugin kPlugin = {
    sizeof(mansard_plugin),
    MANSARD_ABI_MAJOR,
    MANSARD_ABI_MINOR,
    0,
    TEXT("example-npu-c"),
    TEXT("0.1.0"),
    TEXT("roofline of an imaginary accelerator (C example)"),
    kKeys,
    sizeof kKeys / sizeof *kKeys,
    sizeof *kKeys,
    kTargets,
    sizeof kTargets / sizeof *kTargets,
    create,
    destroy,
    estimate,
    NULL,
};

const mansard_plugin *mansard_plugin_entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_minor;
  return host_major == MANSARD_ABI_MAJOR ? &kPlugin : NULL;
}
