/* The stable C interface between Mansard and an accelerator plugin (C11, no dependencies).
 *
 * Rules. One exported symbol, `mansard_plugin_entry`, returns a static descriptor. Structs that may
 * grow begin with their own size and grow only at their end: read and write no further than the
 * struct_size that the other side set, and take what lies beyond as zero. Strings, values, links
 * and tilings never change; an operation's dimensions may grow into the kernel's pad, where zero
 * means what it meant before. Fields are fixed-width (no enum, bool or size_t), padding is
 * explicit. Majors must match; a minor only informs. Arrays of growable structs are walked with a
 * stride. Strings are pointer + size, not NUL-terminated, borrowed for the call (or static where a
 * descriptor holds them). Neither side frees the other's memory. Nothing may be thrown across the
 * boundary; the host survives a plugin that does so anyway, and reports it as failed.
 *
 * Thread tags: [main] called once at a time; [any] called concurrently from any thread.
 *
 * Lifecycle: unstable while the major is 0.
 */
#ifndef MANSARD_SDK_ABI_H
#define MANSARD_SDK_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MANSARD_ABI_MAJOR 0u
#define MANSARD_ABI_MINOR 3u

#if defined(_WIN32)
#define MANSARD_EXPORT __declspec(dllexport)
#else
#define MANSARD_EXPORT __attribute__((visibility("default")))
#endif

/* ---- status ---- */

#define MANSARD_OK 0
/* The kernel itself makes no sense: a negative size, an unknown kind. */
#define MANSARD_ERROR_INVALID_ARGUMENT 1
/* This chip cannot run it: no such data type, no such operation. */
#define MANSARD_ERROR_UNSUPPORTED 2
/* The chip's description lacks or contradicts what the model needs. */
#define MANSARD_ERROR_INVALID_CHIP 3
#define MANSARD_ERROR_INTERNAL 4
#define MANSARD_STATUS_COUNT 5

typedef struct mansard_string {
  const char *data;
  uint64_t size;
} mansard_string;

/* A message that the callee writes into the caller's buffer, truncated to `capacity`; `size` is
 * what was written. */
typedef struct mansard_error {
  uint32_t struct_size;
  int32_t code;
  char *data;
  uint64_t capacity;
  uint64_t size;
} mansard_error;

/* ---- vocabulary ---- */

/* Data types. MX types carry one 8-bit scale per 32 elements, NVFP4 one per 16. */
#define MANSARD_DTYPE_FP64 0u
#define MANSARD_DTYPE_FP32 1u
#define MANSARD_DTYPE_TF32 2u
#define MANSARD_DTYPE_BF16 3u
#define MANSARD_DTYPE_FP16 4u
#define MANSARD_DTYPE_FP8 5u
#define MANSARD_DTYPE_MXFP8 6u
#define MANSARD_DTYPE_INT8 7u
#define MANSARD_DTYPE_INT4 8u
#define MANSARD_DTYPE_NVFP4 9u
#define MANSARD_DTYPE_MXFP4 10u
#define MANSARD_DTYPE_INT32 11u
#define MANSARD_DTYPE_COUNT 12u
/* Room in arrays indexed by data type, so that a type can be added without moving a field. */
#define MANSARD_DTYPE_SLOTS 16u

/* How quantised operands are scaled. */
#define MANSARD_SCALING_NONE 0u
#define MANSARD_SCALING_TENSOR 1u
#define MANSARD_SCALING_CHANNEL 2u
#define MANSARD_SCALING_TOKEN 3u
#define MANSARD_SCALING_BLOCK 4u /* 128 x 128 weights, 1 x 128 activations */
/* The format's own: 32 (MX) or 16 (NVFP4) elements, or 128 for integer weights. */
#define MANSARD_SCALING_GROUP 5u
#define MANSARD_SCALING_COUNT 6u

/* What bounds a kernel, and the index into `part_us`. Closed: an eighth would be a new major. */
#define MANSARD_BOUND_MATRIX 0u
#define MANSARD_BOUND_VECTOR 1u
#define MANSARD_BOUND_SRAM 2u
#define MANSARD_BOUND_L2 3u
#define MANSARD_BOUND_DRAM 4u
#define MANSARD_BOUND_LINK 5u
#define MANSARD_BOUND_FIXED 6u
#define MANSARD_BOUND_COUNT 7u

/* Operations; each names the member of the union in mansard_kernel. */
#define MANSARD_OP_MATMUL 0u            /* matmul */
#define MANSARD_OP_GROUPED_MATMUL 1u    /* grouped_matmul */
#define MANSARD_OP_ATTENTION_PREFILL 2u /* attention */
#define MANSARD_OP_ATTENTION_DECODE 3u  /* attention */
#define MANSARD_OP_MLA_PREFILL 4u       /* mla: keys and values expanded per head */
#define MANSARD_OP_MLA_DECODE 5u        /* mla: absorbed, attends to the latent */
#define MANSARD_OP_VECTOR 6u            /* vector */
#define MANSARD_OP_MOE 7u               /* moe */
#define MANSARD_OP_COLLECTIVE 8u        /* collective */
#define MANSARD_OP_EXPERT_PARALLEL 9u   /* expert_parallel */
#define MANSARD_OP_CUSTOM 10u           /* custom */
#define MANSARD_OP_COUNT 11u

/* What a matmul's epilogue does to the accumulator before it is stored: bits of
 * mansard_matmul.epilogue. */
#define MANSARD_EPILOGUE_BIAS 1u     /* adds a vector of n */
#define MANSARD_EPILOGUE_ADD 2u      /* adds an m x n tensor, read from memory */
#define MANSARD_EPILOGUE_SILU_MUL 4u /* silu(left half) * right half: m x n/2 is stored */
#define MANSARD_EPILOGUE_GELU 8u
#define MANSARD_EPILOGUE_QUANTIZE 16u /* stored in out_dtype with its scales */
/* In the same bits: the activations arrive in 16 bits, and a kernel of its own, counted with the
 * matmul, quantises them first (dynamic quantisation as inference libraries time it). */
#define MANSARD_PROLOGUE_QUANTIZE 32u

/* Kinds of vector work (mansard_vector.kind). */
#define MANSARD_VECTOR_ADD 0u
#define MANSARD_VECTOR_ADD_RMSNORM 1u
#define MANSARD_VECTOR_RMSNORM 2u
#define MANSARD_VECTOR_LAYERNORM 3u
#define MANSARD_VECTOR_SILU_MUL 4u /* cols: of the output; the input has twice as many */
#define MANSARD_VECTOR_GELU 5u
#define MANSARD_VECTOR_SOFTMAX 6u
#define MANSARD_VECTOR_QUANTIZE 7u         /* scale known before */
#define MANSARD_VECTOR_QUANTIZE_DYNAMIC 8u /* scale found from the row */
#define MANSARD_VECTOR_COPY 9u
#define MANSARD_VECTOR_ROPE 10u
#define MANSARD_VECTOR_GATHER 11u /* rows picked from a table: embedding, permute */
#define MANSARD_VECTOR_SCATTER 12u
#define MANSARD_VECTOR_TOPK 13u
#define MANSARD_VECTOR_MUL 14u
#define MANSARD_VECTOR_COUNT 15u

#define MANSARD_COLLECTIVE_ALL_REDUCE 0u
#define MANSARD_COLLECTIVE_ALL_GATHER 1u
#define MANSARD_COLLECTIVE_REDUCE_SCATTER 2u
#define MANSARD_COLLECTIVE_ALLTOALL 3u
#define MANSARD_COLLECTIVE_SEND 4u /* one neighbour to the next (pipeline stages) */
#define MANSARD_COLLECTIVE_COUNT 5u

#define MANSARD_DISTRIBUTION_BALANCED 0u
#define MANSARD_DISTRIBUTION_POWER_LAW 1u

#define MANSARD_EP_DISPATCH 0u
#define MANSARD_EP_COMBINE 1u
#define MANSARD_EP_MODE_LOW_LATENCY 0u /* every (token, expert) pair is sent on its own */
/* A token goes once to each node that needs it, and spreads inside. */
#define MANSARD_EP_MODE_NORMAL 1u

/* ---- kernels ---- */

/* out[m,n] = a[m,k] * w[k,n] */
typedef struct mansard_matmul {
  int64_t m, n, k;
  uint32_t epilogue; /* MANSARD_EPILOGUE_* bits */
  uint32_t reserved;
  /* A schedule that the caller's compiler has fixed; 0: the model chooses. The tile is the one a
   * core works on at a time; see the extension MANSARD_EXTENSION_TILE_FIT. */
  int32_t tile_m, tile_n, tile_k, split_k;
} mansard_matmul;

/* `groups` independent matmuls with `m` rows each on average, each with weights of its own. */
typedef struct mansard_grouped_matmul {
  int64_t groups, m, n, k;
} mansard_grouped_matmul;

/* Softmax attention; heads and kv_heads are this device's. kv_len counts the queries' own
 * positions. */
typedef struct mansard_attention {
  int64_t batch, q_len, kv_len, heads, kv_heads, head_dim;
  int64_t window;  /* 0: none; otherwise a query sees at most this many positions */
  uint32_t causal; /* 0 or 1 */
  uint32_t sinks;  /* 0 or 1: a learned logit per head joins the softmax */
} mansard_attention;

/* Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1). */
typedef struct mansard_mla {
  int64_t batch, q_len, kv_len, heads;
  int64_t latent_dim, rope_dim, nope_dim, value_dim; /* 512, 64, 128, 128 in DeepSeek-V3 */
} mansard_mla;

typedef struct mansard_vector {
  int64_t rows, cols;
  int64_t topk; /* TOPK: how many are kept */
  uint32_t kind;
  uint32_t reserved;
} mansard_vector;

/* The local experts' share of a mixture: permute, gate and up projections, activation, down
 * projection, un-permute. `tokens` counts the whole expert-parallel group's tokens before routing.
 * Each device holds experts/ep experts with inter/tp of their width. */
typedef struct mansard_moe {
  int64_t tokens, hidden, inter, topk, experts, tp, ep;
  double alpha; /* exponent of the power law */
  uint32_t distribution;
  uint32_t gated; /* 1: gate and up (two first matrices); 0: up only */
} mansard_moe;

/* size_bytes as nccl-tests count it: all_reduce, alltoall, send: the buffer of one rank;
 * all_gather: the gathered result; reduce_scatter: the input of one rank. */
typedef struct mansard_collective {
  int64_t ranks, size_bytes;
  uint32_t kind;
  uint32_t reserved;
} mansard_collective;

/* Tokens to the devices that hold their experts (dispatch) and back, weighted and summed (combine).
 * Rows travel in the kernel's dtype. */
typedef struct mansard_expert_parallel {
  int64_t ranks, hidden, tokens /* of each rank */, topk, experts;
  int64_t node_limit; /* a token's experts lie on at most this many nodes (0: no limit) */
  uint32_t direction, mode;
} mansard_expert_parallel;

/* Work given by its counts: of one launch on one device. */
typedef struct mansard_custom {
  double matrix_operations, vector_operations, special_operations;
  double read_bytes, write_bytes; /* DRAM, compulsory */
  double l2_bytes, link_bytes;
  double integer_operations; /* on the vector unit, beside vector_operations */
  double sram_bytes;         /* moved to and from the cores' own memory */
  /* Work groups (thread blocks) of the launch, how many a core holds at once, and the cycles that
   * one of them keeps its core's busiest issue port, from a cycle model; 0: not known. */
  double groups, groups_per_core, group_cycles;
} mansard_custom;

typedef struct mansard_kernel {
  uint32_t struct_size;
  uint32_t op;    /* MANSARD_OP_* */
  uint32_t dtype; /* what is multiplied, or the input of vector work, or what a link carries */
  uint32_t weight_dtype; /* as stored: may be narrower than dtype (w4a16); for attention: the KV
                            cache's */
  uint32_t out_dtype;    /* as stored */
  uint32_t scaling;      /* MANSARD_SCALING_* */
  union {
    mansard_matmul matmul;
    mansard_grouped_matmul grouped_matmul;
    mansard_attention attention;
    mansard_mla mla;
    mansard_vector vector;
    mansard_moe moe;
    mansard_collective collective;
    mansard_expert_parallel expert_parallel;
    mansard_custom custom;
    int64_t pad[12];
  } u;
} mansard_kernel;

/* ---- estimates ---- */

/* Set in mansard_estimate.flags. */
/* Priced by something simpler than this family's own model. */
#define MANSARD_ESTIMATE_FALLBACK 1u
/* No measurement of this family and operation stands behind it. */
#define MANSARD_ESTIMATE_UNCALIBRATED 2u
/* No tiling fits the on-chip memories; priced as if streamed. */
#define MANSARD_ESTIMATE_DOES_NOT_TILE 4u

/* The schedule chosen. Zero where it does not apply. */
typedef struct mansard_tiling {
  int32_t tile_m, tile_n, tile_k;
  int32_t split_k; /* also: splits of the KV length in attention */
  int64_t tiles;   /* output tiles, times splits */
  double waves;    /* tiles over the cores that run at once */
  int32_t cores;   /* busy at the widest */
  int32_t stages;  /* pipeline depth */
} mansard_tiling;

/* latency_us is the sum of part_us. A part is the share of the time that its resource accounts for:
 * where resources overlap, time goes to each by how strongly the total depends on it (see
 * mansard/base/overlap.h), so a part is also the first-order gain from making that resource
 * infinitely fast. */
typedef struct mansard_estimate {
  uint32_t struct_size;
  int32_t status; /* MANSARD_OK, or why this kernel has no estimate */
  double latency_us;
  double part_us[MANSARD_BOUND_COUNT];
  double operations;      /* useful ones, without padding */
  double dram_read_bytes; /* with what is read again */
  double dram_write_bytes;
  double link_bytes; /* sent by this device */
  uint32_t bound;    /* MANSARD_BOUND_*: the largest part */
  uint32_t flags;
  mansard_tiling tiling;
  mansard_string note; /* static, or owned by the instance; empty if nothing to say */
  /* Share of the device's cores, 0 to 1, that moving data keeps from whatever runs beside it. What
   * runs alone loses nothing by it, and latency_us does not depend on it. */
  double held_share;
} mansard_estimate;

/* ---- chips ---- */

/* One number of the chip's description, by dotted key: "ascend.l1_read_bytes_per_clock". */
typedef struct mansard_value {
  mansard_string key;
  double value;
} mansard_value;

/* One level of links, per device and direction. bandwidth 0: absent. */
typedef struct mansard_link {
  double bytes_per_s;
  double latency_s;  /* one hop, software included */
  double domain;     /* devices that reach each other over it */
  uint32_t topology; /* 0 switch, 1 full mesh, 2 ring, 3 shared bus (PCIe) */
  uint32_t in_network_reduction;
} mansard_link;

#define MANSARD_TOPOLOGY_SWITCH 0u
#define MANSARD_TOPOLOGY_MESH 1u
#define MANSARD_TOPOLOGY_RING 2u
#define MANSARD_TOPOLOGY_BUS 3u

#define MANSARD_LINK_DIE 0u
#define MANSARD_LINK_SCALE_UP 1u
#define MANSARD_LINK_SCALE_OUT 2u
#define MANSARD_LINK_COUNT 3u

/* What every chip has, for one device (a package may hold several), in SI units. A zero says that
 * the chip's description gives no such number. The whole description, with family sections and
 * calibration constants ("calibration.<name>"), is in `values`, sorted by key (as bytes). */
typedef struct mansard_chip {
  uint32_t struct_size;
  uint32_t devices_per_chip;
  mansard_string id, name, vendor, family, model;
  double cores;
  double clock_hz;                              /* sustained under matrix load */
  double matrix_ops_per_s[MANSARD_DTYPE_SLOTS]; /* 0: the matrix unit has no such type */
  double vector_ops_per_s[MANSARD_DTYPE_SLOTS]; /* 0: the vector unit has no such type */
  double special_ops_per_s;                     /* exponentials and their like */
  double sram_bytes_per_core;                   /* the memory that matmul operands are staged in */
  double sram_bytes_per_s_per_core;
  double l2_bytes, l2_read_bytes_per_s, l2_write_bytes_per_s, l2_latency_s;
  double dram_bytes;             /* capacity */
  double dram_peak_bytes_per_s;  /* pin rate x width x stacks */
  double dram_read_bytes_per_s;  /* sustained, reads only, enough bytes in flight */
  double dram_mixed_bytes_per_s; /* sustained, as many writes as reads */
  double dram_latency_s, dram_access_bytes;
  double tdp_watts;
  mansard_link links[MANSARD_LINK_COUNT];
  const mansard_value *values;
  uint64_t value_count;
  /* Where links[MANSARD_LINK_SCALE_UP] is a network of tiers: its first one. Devices that reach each
   * other over fewer hops, through the same ports. bandwidth 0: there is one tier. */
  mansard_link node;
} mansard_chip;

/* ---- plugins ---- */

typedef struct mansard_instance mansard_instance; /* opaque, the plugin's */

/* Extensions (mansard_plugin.get_extension). The id names the table's type and version. */
#define MANSARD_EXTENSION_TILE_FIT "mansard.tile_fit/1"

/* [any] Whether a matmul's stated tile fits the cores' memories as this family stages it. Writes
 * one line with the numbers ("L0A 128 KiB of 64, L1 ...") into `text`, fits or not. Returns
 * MANSARD_OK if it fits, MANSARD_ERROR_UNSUPPORTED if not, MANSARD_ERROR_INVALID_ARGUMENT if the
 * kernel is no matmul with a stated tile. */
typedef struct mansard_tile_fit {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*explain)(const mansard_instance *instance, const mansard_kernel *kernel,
                     mansard_error *text);
} mansard_tile_fit;

/* A number that the plugin reads beside the shared ones; the host refuses others in the plugin's
 * sections. */
typedef struct mansard_key_spec {
  uint32_t struct_size;
  uint32_t required;
  mansard_string key; /* "ascend.l0c_KiB" */
  mansard_string unit, meaning;
} mansard_key_spec;

typedef struct mansard_plugin {
  uint32_t struct_size;
  uint32_t abi_major, abi_minor;
  uint32_t reserved;
  mansard_string id; /* what a chip's `model` names */
  mansard_string version, description;
  const mansard_key_spec *keys;
  uint64_t key_count, key_stride;
  const mansard_string *targets; /* TOML texts of chips that come with the plugin */
  uint64_t target_count;

  /* [main] Makes a model of `chip`. The chip's memory is borrowed for the call: copy what is kept.
   * On failure returns a status, writes `error`, leaves *out alone. */
  int32_t (*create)(const mansard_chip *chip, mansard_instance **out, mansard_error *error);
  /* [main] */
  void (*destroy)(mansard_instance *instance);
  /* [any] Pure: the same input gives the same bits. Allocates nothing, locks nothing. Writes
   * `count` estimates; a kernel that cannot be estimated has its own status, the others are still
   * estimated. The host sets struct_size in both arrays beforehand, and zeroes the estimates but
   * for a status that the plugin must overwrite. Returns MANSARD_OK unless the call itself was
   * wrong. */
  int32_t (*estimate)(const mansard_instance *instance, const mansard_kernel *kernels,
                      uint64_t count, uint64_t kernel_stride, mansard_estimate *estimates,
                      uint64_t estimate_stride);
  /* [any] Optional (may be null). An extension's table by its MANSARD_EXTENSION_* id, or null. */
  const void *(*get_extension)(mansard_string id);
} mansard_plugin;

/* [main] The one symbol. Returns a static descriptor, or null if the host's major does not suit. */
MANSARD_EXPORT const mansard_plugin *mansard_plugin_entry(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
}
#endif
#endif
